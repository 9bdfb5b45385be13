"""Exits: shares gone again and left, tests between groups, and the two models, on tables worked by hand."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors, recurrence
from missing_patterns.recurrence.exits.gray import gray_test
from missing_patterns.recurrence.exits.johansen import aalen_johansen, limits
from missing_patterns.recurrence.exits.subdistribution import weigh


def table(text: str) -> pd.DataFrame:
    read = pd.read_csv(io.StringIO(text), sep=r"\s+", na_values=["-"])
    return read.assign(event=(read["ended_by"] == "episode").astype(int)) if "event" not in read else read


#: Seven gaps of five children; A returns three times.
GAPS = table(
    """
    child_id episode_no gap_days ended_by   girl
    A        1          5        episode    1
    A        2          5        episode    1
    A        3          30       left_care  1
    B        1          10       turned_18  0
    C        1          20       moved_area 0
    D        1          40       episode    1
    E        1          60       end_of_data 0
    """
)


def many(n: int = 400, seed: int = 1, clustered: float = 0.0) -> pd.DataFrame:
    """Return gaps of children in two groups; leaving goes with group 1, episodes with neither."""
    rng = np.random.default_rng(seed)
    child = np.arange(n) if not clustered else np.repeat(np.arange(n // 4), 4)
    group = child % 2
    own = rng.gamma(1 / clustered, clustered, child.max() + 1)[child] if clustered else np.ones(n)
    days, leaves = rng.exponential(60, n) / own, rng.exponential(100, n) / (1 + group)
    followed = rng.uniform(20, 200, n)
    first = np.minimum(np.minimum(days, leaves), followed)
    told = np.where(first == days, "episode", np.where(first == leaves, "left_care", "end_of_data"))
    return pd.DataFrame(
        {
            "child_id": child,
            "episode_no": np.arange(n) - np.searchsorted(child, child) + 1,
            "gap_days": np.ceil(first),
            "event": (told == "episode").astype(int),
            "ended_by": told,
            "group": group,
        }
    )


def test_shares_by_hand() -> None:
    # Day 5: 2 of 7 go. Day 20: 1 of 4 left leaves. Day 30: 1 of 3. Day 40: 1 of 2 goes. Turning 18 only ends follow-up.
    rows = recurrence.cumulative_incidence(GAPS).table.set_index(["end", "days"])
    assert rows.loc["episode"]["at_risk"].tolist() == [7, 5, 4, 3, 2, 1]
    left = [5 / 7, 5 / 7, 5 / 7 * 3 / 4, 5 / 7 * 3 / 4 * 2 / 3, 5 / 7 * 3 / 4 * 2 / 3 / 2]
    assert rows.loc["episode"]["share"].tolist() == pytest.approx([2 / 7] * 4 + [2 / 7 + left[3] / 2] * 2)
    assert rows.loc["exit"]["share"].tolist() == pytest.approx([0, 0, left[1] / 4] + [left[1] / 4 + left[2] / 3] * 3)
    assert rows.loc["neither"]["share"].tolist() == pytest.approx([*left, left[4]])
    assert rows.loc["exit"]["events"].tolist() == [0, 0, 1, 1, 0, 0]


def test_two_gaps_of_one_child_are_one_in_the_error() -> None:
    # On day 5 the share is 2/7. What a gap does to it is (gone - 2/7) / 7: A's three add up to (2 - 6/7) / 7.
    row = recurrence.cumulative_incidence(GAPS).table.iloc[0]
    parts = np.array([2 - 6 / 7, *[-2 / 7] * 4]) / 7
    assert row["se"] == pytest.approx(np.sqrt((parts**2).sum()))
    alone = GAPS.assign(child_id=range(7))
    parts = np.array([5, 5, *[-2] * 5]) / 49
    assert recurrence.cumulative_incidence(alone).table["se"].iloc[0] == pytest.approx(np.sqrt((parts**2).sum()))


def test_turning_18_and_the_end_of_data_do_not_compete_and_the_other_ends_do() -> None:
    told = ["end_of_data", "turned_18", "left_care", "moved_area", "died", "other", "not_recorded", "episode"]
    frame = pd.DataFrame({"child_id": range(8), "gap_days": 3.0, "event": [0] * 7 + [1], "ended_by": told})
    counts = recurrence.cumulative_incidence(frame).groups.iloc[0]
    assert counts[["n_episode", "n_exit", "n_censored", "n_end_not_recorded"]].tolist() == [1, 4, 3, 1]
    each = recurrence.cumulative_incidence(frame, exits="each")
    assert each.ends == ("episode", "left_care", "moved_area", "died", "other")
    shares = each.table.set_index("end")["share"]
    assert shares[list(each.ends)].tolist() == pytest.approx([1 / 8] * 5)
    assert "Why the follow-up ended is not recorded for 1 spell" in each.explain()


def test_each_exit_adds_up_to_exits_together() -> None:
    gaps = many(200)
    gaps.loc[gaps.index % 3 == 0, "ended_by"] = gaps["ended_by"].replace("left_care", "moved_area")
    together = recurrence.cumulative_incidence(gaps).table
    each = recurrence.cumulative_incidence(gaps, exits="each").table
    left = each[each["end"].isin(["left_care", "moved_area"])].groupby("days")["share"].sum()
    np.testing.assert_allclose(left, together.loc[together["end"] == "exit", "share"], atol=1e-14)


def test_a_gap_of_no_length_counts_and_a_blank_one_is_counted_out() -> None:
    frame = table(
        """
        child_id gap_days ended_by
        A        0        episode
        B        4        left_care
        C        -        end_of_data
        """
    )
    result = recurrence.cumulative_incidence(frame)
    assert result.at([0, 4])["share"].tolist() == [0.5, 0.5, 0.0, 0.5, 0.5, 0.0]
    assert result.groups["n_not_recorded"].tolist() == [1]


def test_without_exits_the_share_is_that_of_the_pooled_gap_curve() -> None:
    gaps = many(200).replace({"ended_by": {"left_care": "end_of_data"}})
    ours = recurrence.cumulative_incidence(gaps).table.query("end == 'episode'")
    theirs = recurrence.gap_curve(gaps, "pooled", n_boot=0).table
    np.testing.assert_allclose(ours["share"], theirs["share_again"], atol=1e-13)


def test_taking_exits_as_the_end_of_follow_up_makes_too_many_go() -> None:
    gaps = many(400)
    allowed = recurrence.cumulative_incidence(gaps).at([90]).query("end == 'episode'")["share"].iloc[0]
    naive = recurrence.gap_curve(gaps, "pooled", n_boot=0).at([90])["share_again"].iloc[0]
    assert naive > allowed + 0.1


#: A enters at day 5, when B goes: A is not at risk of that day. C's second spell follows its first end.
SPELLS = table(
    """
    child_id start stop ended_by    event
    A        5     9    -           0
    A        12    20   left_care   0
    B        0     5    episode     1
    C        0     8    episode     1
    C        8     30   episode     1
    D        0     40   end_of_data 0
    """
)


def test_intervals_lead_up_to_the_first_episode_and_entry_at_a_day_is_after_it() -> None:
    result = recurrence.cumulative_incidence(SPELLS)
    rows = result.table.query("end == 'episode'").set_index("days")
    assert rows["at_risk"].tolist() == [3, 3, 2, 2, 1]  # days 5, 8, 9, 20, 40
    assert rows["share"].tolist() == pytest.approx([1 / 3, 1 / 3 + 2 / 9, 5 / 9, 5 / 9, 5 / 9])
    counts = result.groups.iloc[0]
    assert counts[["n_children", "n_spells", "n_not_used", "n_censored"]].tolist() == [4, 5, 1, 2]
    assert "the child's first episode" in result.explain()


def test_cutting_a_spell_in_two_changes_nothing() -> None:
    cut = pd.concat(
        [SPELLS.iloc[:5], SPELLS.iloc[[5]].assign(stop=17, ended_by=None), SPELLS.iloc[[5]].assign(start=17)]
    )
    whole, cut = (recurrence.cumulative_incidence(t).table.set_index(["end", "days"]) for t in (SPELLS, cut))
    np.testing.assert_allclose(cut.loc[whole.index, ["share", "se"]], whole[["share", "se"]], atol=1e-14)


def test_an_episode_on_a_spell_without_length_ends_the_spell_before() -> None:
    flat = table(
        """
        child_id start stop ended_by event
        A        0     5    -        0
        A        5     5    episode  1
        A        5     9    -        0
        B        3     3    episode  1
        B        3     6    episode  1
        C        0     7    end_of_data 0
        """
    )
    result = recurrence.cumulative_incidence(flat)
    rows = result.table.query("end == 'episode'").set_index("days")
    assert rows["events"].to_dict() == {5.0: 1, 6.0: 1, 7.0: 0}
    assert result.groups[["n_zero_length", "n_not_used"]].iloc[0].tolist() == [2, 1]


def test_first_gaps_are_one_to_a_child_and_can_be_tested() -> None:
    every = recurrence.cumulative_incidence(many(200, clustered=1.0), by="group")
    assert not len(every.tests)
    assert "gaps='first' gives each child one" in every.untested
    assert every.untested in every.explain()
    first = recurrence.cumulative_incidence(many(200, clustered=1.0), by="group", gaps="first")
    assert first.tests["end"].tolist() == ["episode", "exit"]
    assert first.groups["n_spells"].tolist() == first.groups["n_children"].tolist() == [25, 25]
    assert first.groups["n_not_used"].tolist() == [75, 75]
    assert "Gray's test" in first.explain()
    assert "shares of children" in first.explain()


def test_a_first_gap_of_unknown_length_is_not_replaced_by_a_later_one() -> None:
    gaps = GAPS.assign(gap_days=GAPS["gap_days"].astype(float).where(GAPS.index != 0))
    counts = recurrence.cumulative_incidence(gaps, gaps="first").groups.iloc[0]
    assert counts[["n_spells", "n_not_recorded", "n_not_used"]].tolist() == [4, 1, 2]


def test_gray_by_hand() -> None:
    # One end each: before day 1, R is 2 in both groups, so the score of group 0 is 1 - 1/2; nobody is left to compare
    # with at day 2 but one of each.
    statistic, df = gray_test(np.array([0, 1]), np.array([1.0, 2.0]), np.array([1, 0]))
    assert df == 1
    assert statistic == pytest.approx(0.5**2 / (1 / 4))
    # Labels of groups do not matter, and a group of its own twin is no different.
    twin = many(300)
    stop, kind = twin["gap_days"].to_numpy(), np.where(twin["event"] == 1, 1, 0)
    both = gray_test(np.repeat([0, 1], 300), np.tile(stop, 2), np.tile(kind, 2))[0]
    assert both == pytest.approx(0.0, abs=1e-20)
    assert np.isnan(gray_test(np.zeros(3, dtype=int), np.arange(3.0), np.ones(3, dtype=int))[0])
    assert np.isnan(gray_test(np.array([0, 1]), np.arange(2.0), np.zeros(2, dtype=int))[0])


@pytest.mark.no_cover
def test_gray_has_the_size_that_it_says() -> None:
    rng = np.random.default_rng(3)
    n, p = 60, []
    for _ in range(300):
        days, leaves, followed = rng.exponential(60, n), rng.exponential(90, n), rng.uniform(30, 120, n)
        stop = np.ceil(np.minimum(np.minimum(days, leaves), followed))
        kind = np.where(np.ceil(days) == stop, 1, np.where(np.ceil(leaves) == stop, 2, 0))
        p.append(gray_test(np.arange(n) % 2, stop, kind)[0] > 3.841)
    assert 0.02 < np.mean(p) < 0.09


def test_limits_on_three_scales() -> None:
    share, se = np.array([0.0, 0.3, 0.98]), np.array([0.0, 0.05, 0.02])
    plain, log, twice = (limits(share, se, s) for s in ("plain", "log", "log-log"))  # type: ignore[arg-type]
    assert np.isnan([plain[0][0], log[0][0], twice[1][0]]).all()
    assert plain[1].tolist()[1:] == pytest.approx([0.3 + 1.959964 * 0.05, 1.0])
    assert log[1].tolist()[1:] == pytest.approx([0.3 * np.exp(1.959964 * 0.05 / 0.3), 1.0])
    assert twice[0][1] < 0.3 < twice[1][1] < 0.41


def coverage(n_runs: int, n: int, seed: int) -> float:
    """Return how often the 95 % interval of the share gone by day 60 holds the truth, children differing."""
    rng = np.random.default_rng(seed)
    held = 0
    truth = (100 / 180) * (1 - np.exp(-60 * (1 / 80 + 1 / 100)))
    for _ in range(n_runs):
        child = np.repeat(np.arange(n // 2), 2)
        # Of seven gaps in ten, both ends are drawn once for the child: they are the same in its two gaps.
        shared = rng.exponential(1.0, (2, n // 2))[:, child]
        days, leaves = np.where(rng.random(n) < 0.7, shared, rng.exponential(1.0, (2, n))) * np.array([[80.0], [100.0]])
        stop = np.minimum(np.minimum(days, leaves), rng.uniform(40, 200, n))
        cause = np.where(stop == days, 1, np.where(stop == leaves, 2, 0))
        made = aalen_johansen(child, np.full(n, -np.inf), stop, cause, 2)
        at = np.searchsorted(made.days, 60.0, side="right") - 1
        low, high = limits(made.share[0], made.se[0], "log-log")
        held += bool(low[at] <= truth <= high[at])
    return held / n_runs


@pytest.mark.no_cover
def test_intervals_cover_what_they_say_where_gaps_of_a_child_are_alike() -> None:
    assert 0.93 <= coverage(1000, 300, seed=5) <= 0.97


def plain_influence(child: Any, start: Any, stop: Any, cause: Any, k: int) -> tuple[Any, Any]:
    """Return a share and its error the slow way: every child left out a little, spell by spell and day by day."""
    days = np.unique(stop)

    def share(weight: Any) -> Any:
        left, total, out = 1.0, 0.0, []
        for day in days:
            risk = weight[(start < day) & (day <= stop)].sum()
            ends = [weight[(stop == day) & (cause == c)].sum() for c in (1, 2)]
            if risk > 0:
                total += left * ends[k] / risk
                left *= 1 - sum(ends) / risk
            out.append(total)
        return np.array(out)

    whole = share(np.ones(len(stop)))
    moved = []
    for one in np.unique(child):
        step = np.where(child == one, 1e-6, 0.0)
        moved.append((share(1 + step) - share(1 - step)) / 2e-6)
    return whole, np.sqrt((np.array(moved) ** 2).sum(axis=0))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(4, 14), st.booleans())
def test_shares_and_errors_are_those_of_a_slow_plain_twin(seed: int, n: int, late: bool) -> None:
    rng = np.random.default_rng(seed)
    child = rng.integers(0, max(2, n // 2), n)
    stop = rng.integers(3, 9, n).astype(float)
    start = np.where(rng.random(n) < 0.5, 0.0, stop - rng.integers(1, 3, n)) if late else np.zeros(n)
    cause = rng.integers(0, 3, n)
    made = aalen_johansen(child, start, stop, cause, 2)
    for k in (0, 1):
        share, se = plain_influence(child, start, stop, cause, k)
        np.testing.assert_allclose(made.share[k], share, atol=1e-12)
        # Where nobody but those who end is at risk, the share has a kink in the weights; elsewhere errors agree.
        np.testing.assert_allclose(made.se[k], se, atol=2e-5)


def test_row_order_ids_and_an_unrelated_group_do_not_matter_and_the_input_stays() -> None:
    gaps = many(200, clustered=1.0)
    before = gaps.copy(deep=True)
    told = recurrence.cumulative_incidence(gaps)
    shuffled = gaps.sample(frac=1, random_state=2).assign(child_id=lambda f: "x" + f["child_id"].astype(str))
    pd.testing.assert_frame_equal(told.table, recurrence.cumulative_incidence(shuffled).table)
    pd.testing.assert_frame_equal(gaps, before)
    one = recurrence.cumulative_incidence(gaps, by="group").table
    alone = recurrence.cumulative_incidence(gaps[gaps["group"] == 1]).table
    pd.testing.assert_frame_equal(one[one["group"] == 1].drop(columns="group").reset_index(drop=True), alone)


def test_repr_explain_summary_and_plots() -> None:
    result = recurrence.cumulative_incidence(GAPS)
    assert repr(result) == "CumulativeIncidence: 7 spells at risk, 3 ended by an episode, 2 by an exit, in 1 group"
    said = result.explain()
    for words in ("7 spells of 5 children", "3 ended in an episode, 2 in an exit", "Nobody was followed for 90 days"):
        assert words in said
    assert result.summary()["days"].unique().tolist() == [7, 28, 90, 365]
    assert result.summary().query("days == 90")["share"].isna().all()
    assert len(result.plot().lines) == 2
    grouped = recurrence.cumulative_incidence(many(), by="group")
    axes = grouped.plot()
    assert axes.get_legend_handles_labels()[1] == ["group: 0", "group: 1"]
    assert grouped.plot(axes) is axes
    assert "Group '1'" in grouped.explain()
    with pytest.raises(errors.ArgumentRefused, match="days"):
        result.at([-1])


REFUSED = [
    (GAPS.drop(columns="ended_by"), {}, "column 'ended_by' is absent"),
    (GAPS.drop(columns="child_id"), {}, "'child_id' is absent"),
    (GAPS.assign(event=1), {}, "says an episode, and 'ended_by' something else, at positions 2, 3, 4"),
    (GAPS.assign(event=0), {}, "'ended_by' says an episode, and 'event' says none, at positions 0, 1, 5"),
    (GAPS.assign(gap_days=-1), {}, "negative or infinite"),
    (GAPS.drop(columns="episode_no"), {"gaps": "first"}, "'episode_no' is absent"),
    (GAPS.assign(episode_no=None), {"gaps": "first"}, "'episode_no' is blank"),
    (SPELLS.assign(stop=-1), {}, "ends before it starts"),
    (SPELLS.assign(start=np.inf), {}, "blank or infinite"),
    (SPELLS.assign(start=0), {}, "overlaps another"),
]


@pytest.mark.parametrize(("frame", "options", "why"), REFUSED)
def test_tables_that_cannot_be_used_are_refused_by_position(frame: Any, options: Any, why: str) -> None:
    with pytest.raises(errors.TableRefused, match=why):
        recurrence.cumulative_incidence(frame, **options)


def test_options_that_are_not_known_are_refused() -> None:
    for options, why in (
        ({"exits": "togther"}, "exits must be one of together, each. Did you mean 'together'"),
        ({"gaps": "last"}, "gaps must be one of every, first"),
        ({"interval": "loglog"}, "interval must be one of"),
        ({"by": "end"}, "has a column 'end' of its own"),
        ({"by": "grl"}, "no column 'grl' to group by. Did you mean 'girl'"),
    ):
        with pytest.raises(errors.ArgumentRefused, match=why):
            recurrence.cumulative_incidence(GAPS, **options)  # type: ignore[arg-type]


def test_no_gaps_at_all() -> None:
    nothing = recurrence.cumulative_incidence(GAPS.iloc[:0])
    assert nothing.groups["n_spells"].tolist() == [0]
    assert nothing.at([7])["share"].isna().all()
    assert "Nobody was followed" in nothing.explain()
    assert "Group 'not recorded': 0 spells" in recurrence.cumulative_incidence(GAPS.iloc[:0], by="girl").explain()


def test_weights_wane_as_follow_up_would_have_ended() -> None:
    # One left on day 1; follow-up ends on day 2 for one of three, on day 4 for one of one.
    made = weigh(np.array([1.0, 2, 3, 4, 3]), np.array([2, 0, 1, 0, 1]))
    own = made.row == 0
    assert made.stop[own].tolist() == [2, 4]
    assert made.weight[own].tolist() == pytest.approx([1, 3 / 4])
    # Of one day, follow-up ends after all else: the one who goes on day 2 is not at risk of it, unless told so.
    days, kind = np.array([1.0, 2, 2, 3]), np.array([2, 1, 0, 1])
    assert weigh(days, kind).weight[:2].tolist() == pytest.approx([1, 1 / 2])
    assert weigh(days, kind, "with").weight[:2].tolist() == pytest.approx([1, 2 / 3])


def test_without_exits_fine_and_gray_is_cox() -> None:
    gaps = many(200).replace({"ended_by": {"left_care": "end_of_data"}})
    made = recurrence.fine_gray(gaps, ["group"])
    plain = recurrence.cause_specific(gaps, ["group"]).models["episode"]
    np.testing.assert_allclose(made.coef, plain.coef_, atol=1e-10)
    np.testing.assert_allclose(made.covariance, plain.robust_covariance_, rtol=1e-8)


def test_leaving_lowers_the_predicted_share_and_not_the_rate() -> None:
    gaps = many(2000, seed=4)
    share = recurrence.fine_gray(gaps, ["group"])
    rate = recurrence.cause_specific(gaps, ["group"])
    assert share.coef["group"] < -0.3
    assert abs(rate.models["episode"].coef_["group"]) < 0.15
    assert rate.models["exit"].coef_["group"] == pytest.approx(np.log(2), abs=0.25)
    predicted = share.predict(pd.DataFrame({"group": [0, 1]}), [60])["share"]
    observed = recurrence.cumulative_incidence(gaps, by="group").at([60]).query("end == 'episode'")["share"]
    np.testing.assert_allclose(predicted, observed, atol=0.03)


def test_fine_and_gray_speaks_of_prediction_only() -> None:
    made = recurrence.fine_gray(many(300), ["group"])
    assert repr(made).startswith("FineGray: 1 covariate, 300 spells")
    said = made.explain()
    assert "for predicting shares of groups" in said
    assert "subdistribution ratios, not rate ratios" in said
    assert made.summary()["covariate"].tolist() == ["group"]
    assert made.calibration(30)["group"].tolist() == ["lowest third", "middle third"]
    assert len(made.plot().lines) == 4
    beyond = made.predict(pd.DataFrame({"group": [0]}), [30, 9999])["share"]
    assert np.isfinite(beyond[0])
    assert np.isnan(beyond[1])
    with pytest.raises(errors.ArgumentRefused, match="days must be numbers"):
        made.predict(pd.DataFrame({"group": [0]}), [np.nan])
    with pytest.raises(errors.ArgumentRefused, match="no more than anybody was followed"):
        made.calibration(9999)


def test_a_late_start_is_no_reason_to_be_silent() -> None:
    gaps = many(300)
    late = recurrence.fine_gray(gaps.assign(gap_days=gaps["gap_days"] + 500), ["group"])
    assert "0% were predicted by day 90 and 0% observed" in late.explain()
    short = gaps.assign(gap_days=gaps["gap_days"].where(gaps["group"] == 0, gaps["gap_days"] / 10))
    made = recurrence.fine_gray(short, ["group"])
    assert made.calibration(60)["observed"].isna().sum() == 1
    assert "nan" not in made.explain()


def test_predicted_shares_are_those_observed_where_children_are_alike_within_a_group() -> None:
    made = recurrence.fine_gray(many(3000, seed=6), ["group"], end="exit").calibration(50)
    assert (abs(made["predicted"] - made["observed"]) < 3 * made["se"] + 0.02).all()


def test_models_refuse_what_they_cannot_use() -> None:
    gaps = many(100)
    with pytest.raises(errors.TableRefused, match="holds intervals"):
        recurrence.fine_gray(SPELLS.assign(x=1.0), ["x"])
    with pytest.raises(errors.ArgumentRefused, match="end must be one of episode, exit"):
        recurrence.fine_gray(gaps, ["group"], end="exits")
    with pytest.raises(errors.ArgumentRefused, match="follow_up_ends"):
        recurrence.fine_gray(gaps, ["group"], follow_up_ends="before")  # type: ignore[arg-type]
    with pytest.raises(errors.TableRefused, match="no spell ended"):
        recurrence.fine_gray(gaps.assign(event=0, ended_by="end_of_data"), ["group"])
    with pytest.raises(errors.TableRefused, match="no spell ended in an episode or an exit"):
        recurrence.cause_specific(gaps.assign(event=0, ended_by="end_of_data"), ["group"])
    with pytest.raises(errors.TableRefused, match="'group' is not recorded"):
        recurrence.fine_gray(gaps.assign(group=None), ["group"])
    with pytest.raises(errors.TableRefused, match="pieces of spells are too many"):
        weigh(np.arange(1.0, 24_001), np.tile([2, 0, 1], 8_000))


def test_cause_specific_models_speak() -> None:
    made = recurrence.cause_specific(many(400), ["group"])
    assert repr(made).startswith("CauseSpecific: 400 spells, ended ")
    assert made.summary()["end"].tolist() == ["episode", "exit"]
    assert "went missing again; rate ratios" in made.explain()
    assert len(made.plot().get_legend_handles_labels()[1]) == 2
    alone = recurrence.cause_specific(many(200).replace({"ended_by": {"left_care": "end_of_data"}}), ["group"])
    assert list(alone.models) == ["episode"]
    assert "None left before that" in alone.explain()


def test_a_gap_of_no_length_is_kept_by_the_models() -> None:
    gaps = many(200)
    gaps.loc[gaps["event"] == 1, "gap_days"] -= 1
    assert (gaps["gap_days"] == 0).any()
    made = recurrence.cause_specific(gaps, ["group"])
    assert made.models["episode"].n_zero_length_ == 0
    assert made.n_ended["episode"] == gaps["event"].sum() == recurrence.fine_gray(gaps, ["group"]).n_ended


def test_intervals_in_cause_specific_models_are_those_of_the_first_episode() -> None:
    rng = np.random.default_rng(2)
    spells = many(200).rename(columns={"gap_days": "stop"}).assign(start=0.0, x=rng.random(200))
    made = recurrence.cause_specific(spells, ["x"], exits="each")
    plain = recurrence.RecurrentCox().fit(spells, ["x"])
    assert made.models["episode"].coef_["x"] == pytest.approx(plain.coef_["x"], abs=1e-12)
    assert list(made.models) == ["episode", "left_care"]
