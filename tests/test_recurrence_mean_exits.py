"""Mean episodes when some children leave for good: by pencil, by plain twins, and how often its interval covers."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors, recurrence


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), sep=r"\s+")


INTERVALS = table("""
    child_id start stop event ended_by    home
    ann       0    10   1     episode     oak
    ann      12    40   1     episode     oak
    bob       0    30   0     end_of_data elm
    cat       5    20   0     left_care   elm
    dan       0    50   0     turned_18   elm
""")


def figures(result: recurrence.MeanCumulative, column: str) -> list[float]:
    return result.table[column].round(6).tolist()


def weighted_mean(rows: pd.DataFrame, weight: dict[str, float]) -> np.ndarray:
    """Return the mean after each day, child by child, from its definition: sum of S(u-) dR(u)."""
    staying, mean, found = 1.0, 0.0, []
    for day in sorted(set(rows["stop"])):
        at_risk = gone = began = 0.0
        for row in rows.itertuples():
            if row.start < day <= row.stop:
                at_risk += weight[row.child_id]
                gone += weight[row.child_id] * (row.stop == day and row.ended_by == "left_care")
                began += weight[row.child_id] * (row.stop == day and row.event)
        mean += staying * began / at_risk
        staying *= 1 - gone / at_risk
        found.append(mean)
    return np.array(found)


def as_in_the_paper(rows: pd.DataFrame) -> np.ndarray:
    """Return the variance after each day as Ghosh and Lin write it, by child and day, for exits one at a time.

    psi_i(t) = sum of S(u-) dM_i(u) / Y(u) - mean(t) sum of dD_i(u) / Y(u) + sum of mean(u) dD_i(u) / Y(u), where in
    discrete time the Kaplan-Meier estimate makes Y(u) - dL(u) of Y(u) in the sums over leaving.
    """
    days = sorted(set(rows["stop"]))
    children = sorted(set(rows["child_id"]))
    first, second, third = (np.zeros((len(children), len(days))) for _ in range(3))
    staying, mean, means = 1.0, 0.0, []
    for k, day in enumerate(days):
        here = rows[(rows["start"] < day) & (day <= rows["stop"])]
        ends = here["stop"] == day
        n, began = len(here), (ends & (here["event"] == 1)).sum()
        gone = (ends & (here["ended_by"] == "left_care")).sum()
        mean += staying * began / n
        for i, child in enumerate(children):
            mine = here[here["child_id"] == child]
            if mine.empty:
                continue
            episode = ((mine["stop"] == day) & (mine["event"] == 1)).sum() - began / n
            leaving = ((mine["stop"] == day) & (mine["ended_by"] == "left_care")).sum() - gone / n
            first[i, k] = staying * episode / n
            second[i, k] = leaving / (n - gone) if n > gone else 0.0
            third[i, k] = mean * second[i, k]
        staying *= 1 - gone / n
        means.append(mean)
    psi = first.cumsum(axis=1) - np.array(means) * second.cumsum(axis=1) + third.cumsum(axis=1)
    return (psi**2).sum(axis=0)


@st.composite
def histories(draw: st.DrawFn) -> pd.DataFrame:
    """Draw children's spells in whole days: late entry, days not at risk, episodes, and leaving at the end."""
    rows = []
    for child in range(draw(st.integers(2, 6))):
        day, left = draw(st.integers(0, 5)), draw(st.booleans())
        n = draw(st.integers(1, 4))
        for k in range(n):
            length = draw(st.integers(1, 5))
            event = draw(st.integers(0, 1))
            why = "left_care" if left and k == n - 1 else None
            rows.append((f"k{child}", float(day), float(day + length), event, why))
            day += length + draw(st.integers(0, 2))
    return pd.DataFrame(rows, columns=["child_id", "start", "stop", "event", "ended_by"])


def test_who_has_left_can_have_no_episode() -> None:
    # day 10: 1 of 4; day 20: cat, 1 of 4 at risk, leaves, so S = 3/4; day 40: S- (3/4) of 1 of 2
    result = recurrence.mean_cumulative(INTERVALS, exits="ended_by")
    assert figures(result, "mean_episodes") == [0.25, 0.25, 0.25, 0.625, 0.625]
    assert figures(result, "exits") == [0, 1, 0, 0, 0]
    assert figures(result, "share_left") == [0.0, 0.25, 0.25, 0.25, 0.25]
    assert figures(result, "mean_if_none_left") == [0.25, 0.25, 0.25, 0.75, 0.75]
    assert figures(recurrence.mean_cumulative(INTERVALS), "mean_episodes") == [0.25, 0.25, 0.25, 0.75, 0.75]


def test_reasons_may_be_chosen_and_the_end_of_the_data_is_none() -> None:
    left = {
        str(exits): recurrence.mean_cumulative(INTERVALS, exits=exits).groups["n_left"].tolist()
        for exits in ("ended_by", "left_care", ["moved_area", "died"], ["left_care", "turned_18"])
    }
    assert list(left.values()) == [[1], [1], [0], [2]]
    with pytest.raises(errors.ArgumentRefused, match="exits must be 'ended_by', reasons"):
        recurrence.mean_cumulative(INTERVALS, exits="end_of_data")
    with pytest.raises(errors.ArgumentRefused, match="Did you mean 'left_care'"):
        recurrence.mean_cumulative(INTERVALS, exits=["left_car"])


def test_days_of_leaving_by_child_are_the_same_as_the_column() -> None:
    by_column = recurrence.mean_cumulative(INTERVALS, exits="left_care")
    by_days = recurrence.mean_cumulative(INTERVALS, exits=table("child_id days\n cat 20"))
    by_series = recurrence.mean_cumulative(INTERVALS.drop(columns="ended_by"), exits=pd.Series({"cat": 20.0}))
    for other in (by_days, by_series):
        pd.testing.assert_frame_equal(by_column.table, other.table)


def test_an_exit_counts_if_it_ends_follow_up_or_comes_while_missing() -> None:
    # ann was last seen going missing on day 40, and left on day 45; bob's data end on day 30, before he leaves
    exits = table("child_id days\n ann 45\n bob 33\n zoe 7")
    result = recurrence.mean_cumulative(INTERVALS, exits=exits)
    assert result.table.set_index("days")["exits"].to_dict() == {10.0: 0, 20.0: 0, 30.0: 0, 40.0: 1, 50.0: 0}
    assert result.n_exits_not_used == 2
    assert "2 exits after follow-up had ended, or of children without time at risk, had no use" in result.explain()


def test_an_exit_on_a_spell_without_length_belongs_to_the_spell_before() -> None:
    more = pd.concat([INTERVALS.iloc[:3], table("child_id start stop event ended_by home\n bob 30 30 0 left_care elm")])
    found = recurrence.mean_cumulative(more, exits="ended_by").table.set_index("days")
    assert found["exits"].to_dict() == {10.0: 0, 30.0: 1, 40.0: 0}
    by_days = recurrence.mean_cumulative(more, exits=pd.Series({"bob": 30})).table
    assert by_days["exits"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("exits", "message"),
    [
        ("child_id days\n bob 30\n ann 20", "at risk after having left, at position 1"),
        ("child_id days\n ann inf", "infinite at position 0"),
        ("child_id days\n ann 40\n ann 41", "the same key twice"),
        ("child_id day\n ann 40", "'days' is absent"),
    ],
)
def test_exits_that_cannot_be_are_refused(exits: str, message: str) -> None:
    with pytest.raises(errors.TableRefused, match=message):
        recurrence.mean_cumulative(INTERVALS, exits=table(exits))


def test_a_column_that_cannot_be_is_refused() -> None:
    again = INTERVALS.assign(ended_by=["left_care", "episode", None, "left_care", None])
    with pytest.raises(errors.TableRefused, match="at risk after having left, at position 0"):
        recurrence.mean_cumulative(again, exits="ended_by")
    with pytest.raises(errors.TableRefused, match="'ended_by' holds codes that are not allowed at position 2"):
        recurrence.mean_cumulative(INTERVALS.assign(ended_by=[None, None, "gone", None, None]), exits="ended_by")
    with pytest.raises(errors.TableRefused, match="'ended_by' is absent"):
        recurrence.mean_cumulative(INTERVALS.drop(columns="ended_by"), exits="ended_by")


def test_when_all_have_left_the_mean_stands_still_and_its_error_is_known() -> None:
    gone = table("child_id start stop event ended_by\n a 0 5 1 None\n a 5 9 0 died\n b 0 9 0 died").replace(
        "None", None
    )
    result = recurrence.mean_cumulative(gone, exits="ended_by")
    assert figures(result, "share_left") == [0.0, 1.0]
    assert result.table["se"].notna().all()


def test_explain_and_plot_say_what_was_done_with_those_who_left() -> None:
    with_exits, without = (recurrence.mean_cumulative(INTERVALS, exits=e) for e in ("ended_by", None))
    assert "1 child left for good, and count as having no episode after that" in with_exits.explain()
    assert "25% of the children left for good: look also at the curve with exits='ended_by'" in without.explain()
    assert "for good" not in recurrence.mean_cumulative(INTERVALS.assign(ended_by=None)).explain()
    assert with_exits.plot().get_ylabel() == "Mean episodes per child, none after leaving"
    assert with_exits.plot(with_exits.plot()).get_xlabel() == "Days since the origin"


def test_an_episode_after_all_at_risk_have_left_adds_nothing() -> None:
    rows = table("child_id start stop event ended_by\n a 0 5 0 left_care\n b 5 9 1 episode")
    found = recurrence.mean_cumulative(rows, exits="ended_by").table
    assert found["mean_episodes"].tolist() == [0.0, 0.0]
    assert found["se"].isna().all()


def test_a_child_who_leaves_leaves_the_group_of_the_last_row() -> None:
    result = recurrence.mean_cumulative(INTERVALS, by="home", exits="ended_by")
    assert result.groups["n_left"].tolist() == [1, 0]
    assert result.at([50])["mean_episodes"].isna().tolist() == [False, True]


@settings(deadline=None, max_examples=25)
@given(histories())
def test_mean_and_variance_are_those_of_the_paper_and_of_the_change_with_each_childs_weight(rows: pd.DataFrame) -> None:
    found = recurrence.mean_cumulative(rows, exits="ended_by").table
    children = sorted(set(rows["child_id"]))
    ones = dict.fromkeys(children, 1.0)
    np.testing.assert_allclose(found["mean_episodes"], weighted_mean(rows, ones), atol=1e-12)
    known = found["se"].notna().to_numpy()
    variance = found["se"].to_numpy()[known] ** 2
    np.testing.assert_allclose(variance, as_in_the_paper(rows)[known], atol=1e-12)
    step, total = 1e-5, 0.0
    for child in children:
        up, down = (weighted_mean(rows, {**ones, child: 1.0 + sign * step}) for sign in (1, -1))
        total = total + ((up - down) / (2 * step)) ** 2
    np.testing.assert_allclose(variance, np.asarray(total)[known], atol=1e-7)


@settings(deadline=None, max_examples=15)
@given(histories())
def test_without_exits_it_is_lawless_and_nadeau_and_a_child_may_be_a_cluster(rows: pd.DataFrame) -> None:
    plain = recurrence.mean_cumulative(rows).table
    nobody = recurrence.mean_cumulative(rows, exits=["died"]).table
    np.testing.assert_allclose(nobody["se"], plain["se"], atol=1e-7)
    np.testing.assert_allclose(nobody["mean_episodes"], plain["mean_episodes"], atol=1e-14)
    for exits in (None, "ended_by"):
        by_child = recurrence.mean_cumulative(rows, exits=exits).table
        by_cluster = recurrence.mean_cumulative(rows.assign(whose=rows["child_id"]), exits=exits, cluster="whose").table
        np.testing.assert_allclose(by_child["se"] ** 2, by_cluster["se"] ** 2, atol=1e-13)


@settings(deadline=None, max_examples=25)
@given(histories(), st.integers(1, 3))
def test_variance_by_cluster_is_that_of_the_change_with_each_clusters_weight(rows: pd.DataFrame, n: int) -> None:
    rows = rows.assign(home=[f"h{int(child[1:]) % n}" for child in rows["child_id"]])
    found = recurrence.mean_cumulative(rows, exits="ended_by", cluster="home").table
    homes = rows.drop_duplicates("child_id").set_index("child_id")["home"].to_dict()
    step, total = 1e-5, 0.0
    for home in set(homes.values()):
        up, down = (
            weighted_mean(rows, {c: 1.0 + sign * step * (h == home) for c, h in homes.items()}) for sign in (1, -1)
        )
        total = total + ((up - down) / (2 * step)) ** 2
    known = found["se"].notna().to_numpy()
    assert known.any() == (len(set(homes.values())) > 1 and (found["mean_episodes"] > 0).any())
    np.testing.assert_allclose(found["se"].to_numpy()[known] ** 2, np.asarray(total)[known], atol=1e-7)


def test_clusters_must_be_there_and_known() -> None:
    with pytest.raises(errors.ArgumentRefused, match="no column 'hom' to cluster by. Did you mean 'home'"):
        recurrence.mean_cumulative(INTERVALS, cluster="hom")
    with pytest.raises(errors.TableRefused, match=r"'home' is blank, so it cannot say which rows go together, at pos"):
        recurrence.mean_cumulative(INTERVALS.assign(home=None), cluster="home")
    said = recurrence.mean_cumulative(INTERVALS, cluster="home").explain()
    assert "allows for episodes that come together by 'home'" in said


def leaving(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Return children who go at rates of their own and leave for good.

    Rates are gamma, of variance 1 and mean 2 in 100 days; they leave at rate 1 in 100 days, and are followed for 50 to
    150 days.
    """
    rate, end = rng.gamma(1.0, 0.02, n), rng.uniform(50, 150, n)
    gone = rng.exponential(100, n)
    until = np.minimum(end, gone)
    n_each = rng.poisson(rate * until)
    child = np.repeat(np.arange(n), n_each)
    times = rng.uniform(0, 1, len(child)) * until[child]
    rows = pd.DataFrame({"child_id": child, "stop": times, "event": 1, "ended_by": "episode"})
    why = np.where(gone < end, "left_care", "end_of_data")
    ends = pd.DataFrame({"child_id": np.arange(n), "stop": until, "event": 0, "ended_by": why})
    rows = pd.concat([rows, ends]).sort_values(["child_id", "stop"], ignore_index=True)
    return rows.assign(start=rows.groupby("child_id")["stop"].shift(fill_value=0.0))


def coverage(n_replications: int, n_children: int, seed: int) -> float:
    """Return how often the interval of the mean by day 100 covers the truth: 2 (1 - exp(-1))."""
    rows = leaving(np.random.default_rng(seed), n_replications * n_children)
    rows["replication"] = rows["child_id"] // n_children
    table = recurrence.mean_cumulative(rows, by="replication", exits="ended_by").table
    last = table[table["days"] <= 100].groupby("replication").tail(1)
    assert len(last) == n_replications
    truth = 2 * (1 - np.exp(-1))
    return float((last["lower"].le(truth) & last["upper"].ge(truth)).mean())


@pytest.mark.no_cover
def test_its_interval_covers_the_truth_as_often_as_it_says() -> None:
    assert 0.93 <= coverage(500, 200, seed=1) <= 0.97
