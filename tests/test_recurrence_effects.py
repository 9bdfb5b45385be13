"""Does what we do help: returns laid out by hand, weights and balance by slow twins, and what is refused."""

from __future__ import annotations

import re
import warnings
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest

from missing_patterns.errors import ArgumentRefused, EstimateDoubtful, TableRefused
from missing_patterns.recurrence.common import tie_times
from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.effects import compare_after, completed_interviews, default_covariates, e_value
from missing_patterns.recurrence.effects import weights as w
from missing_patterns.recurrence.effects.balance import balance_table, effective
from missing_patterns.recurrence.effects.covariates import read_covariates
from missing_patterns.recurrence.effects.estimates import _one_resample, resample
from missing_patterns.recurrence.effects.exposure import Returns, read_returns
from missing_patterns.recurrence.effects.model import ActionComparison, _doubts

Frame: TypeAlias = pd.DataFrame
END = "2026-03-31"


def episodes_of(text: str) -> Frame:
    """Episodes from lines of: id, child, went, came back (or -)."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in text.strip().splitlines()]
    frame = pd.DataFrame(rows, columns=["episode_id", "child_id", "missing_from", "returned_at"])
    return frame.assign(returned_at=frame["returned_at"].replace("-", None))


def laid_out(episodes: Frame, actions: list[tuple[str, str]], key: str = "episode_id", **given: Any) -> Returns:
    table = pd.DataFrame(actions, columns=[key, "happened_at"])
    given = {"observed_until": END, "children": None, "max_days": 28.0} | given
    return read_returns(episodes, table, **given)


TWO = episodes_of("""
    E-1  A  2026-01-05 20:00  2026-01-06 08:00
    E-2  A  2026-01-16 02:00  2026-01-16 20:00
    E-3  B  2026-02-01 20:00  2026-02-02 12:00
""")


def test_the_clock_runs_from_each_return_to_the_next_episode_or_the_end_of_follow_up() -> None:
    found = laid_out(TWO, [("E-1", "2026-01-08 20:00"), ("E-3", "2026-02-03 12:00")])
    assert found.stop.tolist() == [9.75, 28.0, 28.0]
    assert found.event.tolist() == [True, False, False]
    assert found.act.tolist() == [2.5, np.inf, 1.0]
    assert found.quarter.tolist() == [1, 3, 2]
    assert repr(found) == "Returns: 3, 2 of them acted on"


@pytest.mark.parametrize(
    ("action", "day", "count"),
    [
        (("E-1", "2026-01-06 08:00"), 0.0, "n_actions_used"),
        (("E-1", "2026-01-06 07:59"), np.inf, "n_actions_before_return"),
        (("E-1", "2026-01-16 09:00"), np.inf, "n_actions_after_next_episode_or_end"),
        (("E-1", "2026-01-17 12:00"), np.inf, "n_actions_after_next_episode_or_end"),
        (("E-1", None), np.inf, "n_actions_not_placed"),
        (("E-9", "2026-01-07 12:00"), np.inf, "n_actions_not_placed"),
    ],
)
def test_an_action_counts_from_its_return_to_the_next_episode(action: tuple[str, str], day: float, count: str) -> None:
    found = laid_out(TWO, [action])
    assert found.act[0] == day
    assert {k: v for k, v in found.accounting.items() if k.startswith("n_actions_")}[count] == 1


def test_what_happens_beyond_the_follow_up_does_not_count() -> None:
    found = laid_out(TWO, [("E-3", "2026-03-10 12:00")])
    assert found.accounting["n_actions_beyond_follow_up"] == 1
    assert laid_out(TWO, [("E-3", "2026-03-10 12:00")], max_days=None).act[2] == 36.0


def test_of_several_actions_the_first_counts_and_all_are_accounted_for() -> None:
    moments = ["2026-01-09 08:00", "2026-01-07 08:00", "2026-01-05 12:00", "2026-01-20 12:00", None]
    found = laid_out(TWO, [("E-1", m) for m in moments])  # type: ignore[misc]
    assert found.act[0] == 1.0
    a = found.accounting
    parts = [v for k, v in a.items() if k.startswith("n_actions_")]
    assert (a["n_actions"], sum(parts), a["n_actions_further"]) == (5, 5, 1)


def test_an_interview_that_covers_two_episodes_counts_for_the_later_one_only() -> None:
    interviews = pd.DataFrame(
        {"interview_id": ["R"], "child_id": ["A"], "incident_ids": [("1", "2")], "status": ["completed"]}
    ).assign(held_at="2026-01-18 20:00")
    episodes = TWO.assign(incident_ids=[("1",), ("2",), ("3",)])
    actions = completed_interviews(episodes, interviews)
    assert actions["episode_id"].tolist() == ["E-1", "E-2"]
    found = read_returns(episodes, actions, observed_until=END, children=None, max_days=28)
    assert found.act.tolist() == [np.inf, 2.0, np.inf]


def test_an_action_named_by_child_belongs_to_the_last_return_by_then() -> None:
    actions = [("A", "2026-01-07 08:00"), ("A", "2026-01-17 20:00"), ("A", "2026-01-01 09:00"), ("Z", "2026-01-07")]
    found = laid_out(TWO, actions, key="child_id")
    assert found.act.tolist() == [1.0, 1.0, np.inf]
    assert found.accounting["n_actions_not_placed"] == 2
    same_day = laid_out(TWO, [("A", "2026-01-06")], key="child_id")
    assert same_day.act[0] == pytest.approx(8 / 24)
    while_missing = laid_out(TWO, [("A", "2026-01-16 12:00")], key="child_id")
    assert while_missing.accounting["n_actions_after_next_episode_or_end"] == 1


@pytest.mark.parametrize(
    ("held", "day"),
    [("2026-01-08", 2 + 4 / 24), ("2026-01-06", 8 / 24), ("2026-01-05", np.inf), ("2026-01-16", np.inf)],
)
def test_where_only_the_day_of_an_action_is_known_it_is_the_middle_of_what_the_return_left_of_it(
    held: str, day: float
) -> None:
    assert laid_out(TWO, [("E-1", held)]).act[0] == pytest.approx(day)  # back at 08:00 on the 6th


def test_where_only_dates_are_known_an_action_on_the_date_of_the_next_episode_comes_after_it() -> None:
    by_date = TWO.assign(
        precision="day",
        missing_from=["2026-01-05", "2026-01-16", "2026-02-01"],
        returned_at=["2026-01-06", "2026-01-16", "2026-02-02"],
    )
    found = laid_out(by_date, [("E-1", "2026-01-15 09:00"), ("E-3", "2026-02-02 09:00")])
    assert found.act.tolist() == [9.5, np.inf, 0.5]
    assert laid_out(by_date, [("E-1", "2026-01-16 09:00")]).act[0] == np.inf
    assert found.quarter.tolist() == [4, 4, 4]


def test_gone_again_at_once_leaves_no_time_at_risk_and_is_counted() -> None:
    at_once = TWO.assign(missing_from=["2026-01-05 20:00", "2026-01-06 08:00", "2026-02-01 20:00"])
    found = laid_out(at_once, [])
    assert (len(found.stop), found.accounting["n_zero_gaps"]) == (2, 1)


def test_a_child_s_own_end_of_observation_ends_follow_up() -> None:
    children = pd.DataFrame({"child_id": ["B"], "observed_until": ["2026-02-10"], "exit_reason": ["left_care"]})
    found = laid_out(TWO, [("E-3", "2026-02-12 12:00")], children=children)
    assert found.stop[2] == 7.5
    assert found.act[2] == np.inf
    assert found.frame["ended_by"].tolist()[2] == "left_care"


INTERVIEWS = pd.DataFrame(
    [
        ["R-1", "E-1", "completed", "2026-01-09 07:00"],
        ["R-2", "E-1", "completed_partial", "2026-01-09 09:00"],
        ["R-3", "E-1", "completed", "2026-01-09"],
        ["R-4", "E-1", "completed", "2026-01-10"],
        ["R-5", "E-1", "declined", "2026-01-07 09:00"],
        ["R-6", "E-1", None, "2026-01-07 09:00"],
        ["R-7", "E-1", "unknown", None],
        ["R-8", "E-1", "completed", None],
    ],
    columns=["interview_id", "incident", "status", "held_at"],
).assign(child_id="A", incident_ids=[("1",)] * 8)


def test_interviews_held_are_actions_and_the_rest_is_counted() -> None:
    episodes = TWO.assign(incident_ids=[("1",), ("2",), ("3",)])
    held = completed_interviews(episodes, INTERVIEWS)
    assert held["happened_at"].dt.strftime("%d %H").tolist() == ["09 07", "09 09", "09 00", "10 00", "07 09"]
    assert held.attrs["accounting"] == {"n_links": 8, "n_actions": 5, "n_not_held": 2, "n_no_date": 1, "n_late": 0}
    in_time = completed_interviews(episodes, INTERVIEWS, within_hours=72)
    assert in_time["happened_at"].dt.strftime("%d %H").tolist() == ["09 07", "09 00", "07 09"]
    assert in_time.attrs["accounting"]["n_late"] == 2
    with pytest.raises(ArgumentRefused, match="within_hours must be above 0"):
        completed_interviews(episodes, INTERVIEWS, within_hours=0)


def simulated(n: int, effect: float, seed: int, *, confounded: float = 0.0) -> tuple[Frame, Frame, Frame]:
    """One return per child, a rate of action and of going again that both depend on one covariate."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    act = rng.exponential(1 / (0.12 * np.exp(confounded * x)))
    rate = 0.05 * np.exp(confounded * x)
    gap = rng.exponential(1 / rate)
    gap = np.where(gap > act, act + (gap - act) / effect, gap)
    back = pd.Timestamp("2025-01-06 10:00") + pd.to_timedelta(np.arange(n) % 7, unit="D")
    first = pd.DataFrame({"missing_from": back - pd.Timedelta(hours=5), "returned_at": back})
    next_from = (pd.Series(back) + pd.to_timedelta(gap, unit="D")).dt.floor("min")
    second = pd.DataFrame({"missing_from": next_from, "returned_at": next_from + pd.Timedelta(hours=3)})
    ids = [f"{i:05d}" for i in range(n)]
    first, second = first.assign(child_id=ids, episode_id=ids), second.assign(child_id=ids)
    second["episode_id"] = [f"{i}-2" for i in ids]
    second = second[gap < 40].assign(returned_at=pd.NaT)
    episodes = pd.concat([first, second], ignore_index=True)
    actions = pd.DataFrame({"episode_id": ids, "happened_at": pd.Series(back) + pd.to_timedelta(act, unit="D")})
    covariates = pd.DataFrame({"episode_id": episodes["episode_id"]})
    covariates["worry"] = np.append(x, x[gap < 40])
    covariates["noise"] = rng.standard_normal(len(covariates))
    return episodes, actions, covariates


def compared(n: int = 600, effect: float = 1.0, seed: int = 0, **given: Any) -> ActionComparison:
    episodes, actions, covariates = simulated(n, effect, seed, confounded=given.pop("confounded", 0.0))
    given = {"observed_until": "2025-03-10", "covariates": covariates, "n_boot": 0} | given
    return compare_after(episodes, actions, **given)


def ratio_of(result: ActionComparison) -> pd.Series:
    return result.summary().set_index("method")["ratio"]


def test_immortal_time_makes_an_action_that_changes_nothing_look_strong_and_is_not_in_the_estimate() -> None:
    result = compared(1500, seed=1)
    found = ratio_of(result)
    assert found["ever against never"] < 0.6
    assert result.estimates["what"][0].startswith("returns ever acted on against the others, from day 0: WRONG")
    assert result.lower < 1 < result.upper
    assert result.upper - result.lower < 0.5
    assert np.isnan(found["within the same child"])  # no child has two returns
    assert "other returns of the same child" not in result.explain()


@pytest.mark.parametrize("effect", [1.0, 0.5])
def test_weights_take_away_what_a_covariate_brings_to_both(effect: float) -> None:
    result = compared(3000, effect, seed=2, confounded=0.6)
    found = ratio_of(result)
    assert found["from the action on"] > 1.25 * effect
    # Over all children the ratio of rates is nearer to one than for alike ones, unless it is one.
    assert found["weighted"] == pytest.approx(effect, rel=0.15 if effect == 1 else 0.25)
    assert result.ratio == pytest.approx(effect, rel=0.1)
    assert result.lower < effect < result.upper
    worry = result.balance.set_index("covariate").loc["worry"]
    assert worry["difference_before"] > 0.25
    assert abs(worry["difference_after"]) < 0.1


def test_the_bootstrap_gives_an_interval_like_the_robust_one_and_the_same_one_again() -> None:
    first, second = (compared(300, 0.6, seed=3, confounded=0.4, n_boot=60, random_state=7) for _ in range(2))
    assert (first.lower, first.upper) == (second.lower, second.upper)
    row = first.estimates.set_index("method").loc["weighted, alike returns"]
    assert (first.lower, first.upper) == (row["lower_bootstrap"], row["upper_bootstrap"])
    widths = np.log([row["upper"] / row["lower"], first.upper / first.lower])
    assert 0.6 < widths[1] / widths[0] < 1.6
    assert first.counts["n_boot"] == 60
    assert "by resampling children" in first.explain()


def test_without_weights_it_is_the_cox_model_of_this_library() -> None:
    rng = np.random.default_rng(4)
    stop, event = rng.exponential(9.0, 200).round(1) + 0.1, rng.random(200) < 0.7
    act = np.where(rng.random(200) < 0.5, rng.exponential(3.0, 200).round(1), np.inf)
    act[act >= stop] = np.inf
    stop, some = tie_times(stop, act[np.isfinite(act)])
    act[np.isfinite(act)] = some
    rows, child = w.cut_rows(stop, event, act), np.arange(200) // 2
    weight = rng.uniform(0.5, 2.0, len(rows.at))
    fit = w.outcome(rows, weight, None)
    frame = pd.DataFrame({"child_id": child[rows.at], "start": rows.start, "stop": rows.stop, "event": rows.event})
    frame = frame.assign(acted=rows.acted, weight=weight)
    peer = RecurrentCox().fit(frame, ["acted"], weights="weight")
    assert fit.beta[0] == pytest.approx(peer.coef_["acted"], rel=1e-8)
    assert w.robust_se(fit, child[rows.at]) == pytest.approx(
        float(np.sqrt(peer.robust_covariance_.loc["acted", "acted"])), rel=1e-6
    )


def plain_weights(stop: np.ndarray, act: np.ndarray, x: np.ndarray, beta: float, rows: w.Rows) -> list[float]:
    """The stabilised weights as the textbook has them, one row and one moment of action at a time."""
    until = np.minimum(stop, act)
    moments = np.sort(np.unique(act[np.isfinite(act)]))
    result = []
    for at, when, acted in zip(rows.at, rows.middle, rows.acted, strict=True):
        weight = 1.0
        for moment in moments[moments <= when]:
            waiting = until >= moment
            n = np.sum(act == moment)
            plain, given = n / waiting.sum(), n * np.exp(beta * x[at]) / np.exp(beta * x[waiting]).sum()
            if acted and moment == act[at]:
                weight *= plain / given
            elif moment < when:
                weight *= np.exp(given - plain)
        result.append(float(weight))
    return result


def test_weights_are_those_of_the_textbook_one_moment_at_a_time() -> None:
    rng = np.random.default_rng(5)
    stop = rng.exponential(12.0, 60) + 0.5
    act = rng.exponential(6.0, 60)
    act[act >= stop] = np.inf
    x = rng.standard_normal(60)
    chance = w.chance_of_action(stop, act, x[:, None])
    rows = w.cut_rows(stop, np.ones(60, dtype=bool), act)
    assert chance.weights(rows) == pytest.approx(plain_weights(stop, act, x, float(chance.beta[0]), rows), rel=1e-9)
    assert chance.by(0.0).max() == 0
    assert (np.diff([chance.by(d).mean() for d in (1.0, 5.0, 9.0)]) > 0).all()


def test_balance_is_taken_at_the_moment_of_action_among_those_still_waiting() -> None:
    """Acted on on day 2 while x of those waiting is (0, 1, 3), then on day 4 while it is (1, 3)."""
    stop, act = np.array([9.0, 9.0, 9.0, 1.0]), np.array([2.0, 4.0, np.inf, np.inf])
    x = np.array([[0.0], [1.0], [3.0], [50.0]])
    rows = w.cut_rows(stop, np.zeros(4, dtype=bool), act)
    table = balance_table(rows, np.ones(len(rows.at)), x, ("x",))
    assert table["difference_before"].tolist() == pytest.approx([((0 - 4 / 3) + (1 - 2)) / 2])
    weight = np.where(rows.acted > 0, np.where(rows.at == 0, 3.0, 1.0), np.where(rows.at == 2, 2.0, 1.0))
    after = balance_table(rows, weight, x, ("x",))["difference_after"]
    assert after.tolist() == pytest.approx([(3 * (0 - 7 / 4) + (1 - 7 / 3)) / 4])
    assert effective(np.array([2.0, 2.0])) == 2
    assert effective(np.zeros(2)) == 0


def test_extreme_weights_are_drawn_in_within_their_own_group() -> None:
    weight = np.concatenate([np.linspace(0.9, 1.1, 101), np.linspace(2.0, 3.0, 101)])
    held, n = w.truncate(weight, np.repeat([0.0, 1.0], 101))
    assert (held[:101].min(), held[:101].max()) == pytest.approx((0.902, 1.098))
    assert (held[101:].min(), held[101:].max()) == pytest.approx((2.01, 2.99))
    assert n == 4


def test_e_values_follow_the_paper() -> None:
    assert e_value(0.80, 0.71, 0.91)["e_value"].round(2).tolist() == [1.81, 1.43]
    assert e_value(1.0)["e_value"].iloc[0] == 1
    assert e_value(2.0, 1.5, 2.5, is_common=True)["e_value"].iloc[0] < e_value(2.0)["e_value"].iloc[0]
    assert np.isnan(e_value(float("nan"))["e_value"].iloc[0])


def test_default_covariates_know_nothing_later_than_the_return() -> None:
    episodes, _, _ = simulated(40, 1.0, 6)
    whole = default_covariates(episodes).set_index("episode_id")
    first = default_covariates(episodes[~episodes["episode_id"].str.endswith("-2")]).set_index("episode_id")
    pd.testing.assert_frame_equal(whole.loc[first.index], first)


def test_default_covariates_say_what_they_say() -> None:
    episodes = TWO.assign(
        placement_type=["foster", None, None], in_area=[False, None, None], category=["away", "missing", None]
    )
    children = pd.DataFrame({"child_id": ["A", "B"], "birth_month": ["2010-01-01", None], "sex": ["female", None]})
    found = default_covariates(episodes, children.assign(observed_from="2025-11-06")).set_index("episode_id")
    assert np.expm1(found["episode_no"]).round().tolist() == [1, 2, 1]
    assert np.expm1(found["n_episodes_28d"]).round().tolist() == [1, 2, 1]
    assert np.expm1(found["gap_days"]).round(6).tolist()[1] == 9.75
    assert np.expm1(found["duration_hours"]).round(6).tolist() == [12, 18, 16]
    assert found["age"].round(1).tolist()[:2] == [16.0, 16.0]
    assert found["is_16_or_over"].tolist()[:2] == [1, 1]
    assert found[["in_placement", "out_of_area", "not_missing"]].loc["E-1"].tolist() == [1, 1, 1]
    assert found[["in_placement", "out_of_area", "not_missing"]].loc["E-3"].tolist() == [0, 0, 0]
    assert found["back_at_weekend"].tolist() == [0, 0, 0]
    assert np.exp(found["rate_so_far"]["E-1"]) == pytest.approx(1 / (61 + 1 / 3 + 60))
    assert found["female"].isna().tolist() == [False, False, True]


def test_episodes_are_counted_from_so_many_days_before_the_return() -> None:
    episodes = episodes_of("""
        E-1  A  2026-01-01 20:00  2026-01-02 09:00
        E-2  A  2026-01-02 21:00  2026-01-03 09:00
        E-3  A  2026-01-29 10:00  2026-01-30 21:00
        E-4  B  2026-01-30 10:00  2026-01-30 22:00
    """)
    found = default_covariates(episodes).set_index("episode_id")
    assert np.expm1(found["n_episodes_28d"]).round().tolist() == [1, 2, 2, 1]
    assert np.expm1(found["n_episodes_90d"]).round().tolist() == [1, 2, 3, 1]


def test_covariates_given_are_filled_flagged_and_left_out_where_they_repeat() -> None:
    given = pd.DataFrame(
        {"episode_id": list("abcd"), "x": [1.0, 2.0, None, 3.0], "twice_x": [2.0, 4.0, None, 6.0], "flat": 1}
    )
    found = read_covariates(given, pd.Series(list("abcd")))
    assert found.names == ("x", "x not recorded")
    assert set(found.left_out) == {"twice_x", "flat", "twice_x not recorded"}
    assert found.n_filled == {"x": 1, "twice_x": 1}
    assert found.matrix.mean(axis=0) == pytest.approx([0, 0])
    assert found.matrix.std(axis=0) == pytest.approx([1, 1])
    assert repr(found) == "Covariates: 2 of 4 returns"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": [1, 2]}, "column 'episode_id' is absent"),
        ({"episode_id": ["a", "a"], "x": [1, 2]}, "1 rows stand for an episode that already has one"),
        ({"episode_id": ["a", "z"], "x": [1, 2]}, "1 returns have no row"),
        ({"episode_id": ["a", "b"], "kind": ["u", "v"]}, "column 'kind' is not of numbers or flags"),
        ({"episode_id": ["a", "b"], "x": [1, 1]}, "no covariate says anything"),
    ],
)
def test_covariates_that_cannot_be_used_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises((TableRefused, ArgumentRefused), match=message):
        read_covariates(pd.DataFrame(given), pd.Series(["a", "b"]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_children": 0}, "min_children must be"),
        ({"min_children": True}, "min_children must be"),
        ({"max_days": 0}, "max_days must be"),
        ({"max_days": "28"}, "max_days must be"),
        ({"n_boot": -1}, "n_boot must be"),
        ({"random_state": -1}, "random_state must be"),
        ({"min_children": 500}, "children with a return acted on: .* fewer than 500"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentRefused, match=message):
        compared(200, **given)


def test_too_little_is_refused_with_everything_that_is_lacking() -> None:
    with pytest.raises(ArgumentRefused, match="too little to compare") as refused:
        compared(40)
    assert "next episodes after returns acted on" in str(refused.value)
    episodes, actions, covariates = simulated(300, 1.0, 1)
    with pytest.raises(ArgumentRefused, match="children with a return acted on: 0, fewer than 30"):
        compare_after(episodes, actions.head(0), observed_until="2025-03-10", covariates=covariates, n_boot=0)


def test_tables_that_cannot_be_used_are_refused() -> None:
    episodes, actions, _ = simulated(100, 1.0, 1)
    with pytest.raises(TableRefused, match="100 rows name neither"):
        compare_after(episodes, actions.drop(columns="episode_id"), observed_until="2025-03-10")
    with pytest.raises(TableRefused, match="column 'happened_at' is absent"):
        compare_after(episodes, actions.drop(columns="happened_at"), observed_until="2025-03-10")
    with pytest.raises(TableRefused, match="'episode_id' is blank"):
        compare_after(episodes.drop(columns="episode_id"), actions, observed_until="2025-03-10")


def test_where_one_covariate_decides_who_is_acted_on_nothing_is_compared() -> None:
    episodes, actions, covariates = simulated(600, 1.0, 8)
    chosen = covariates["episode_id"].str[4].isin(list("01234"))
    actions = actions[chosen[: len(actions)].to_numpy()].assign(
        happened_at=lambda t: t["happened_at"].min() + pd.Timedelta(days=8)
    )
    covariates = covariates[["episode_id"]].assign(chosen=chosen)
    with pytest.raises(ArgumentRefused, match="the groups do not overlap: .* Leave out covariates that decide"):
        compare_after(episodes, actions, observed_until="2025-03-10", covariates=covariates, n_boot=0)


def test_what_stands_in_the_way_is_warned_of_and_told() -> None:
    episodes, actions, covariates = simulated(300, 1.0, 9)
    rng = np.random.default_rng(1)
    many = covariates.join(pd.DataFrame(rng.standard_normal((len(covariates), 30))).add_prefix("c"))
    few = actions[::4]
    with pytest.warns(EstimateDoubtful, match="covariates are many"):
        result = compare_after(episodes, few, observed_until="2025-03-10", covariates=many, n_boot=0)
    assert "Take care: 32 covariates are many" in result.explain()


def test_ids_may_be_whole_numbers() -> None:
    episodes, actions, covariates = simulated(200, 0.6, 10)
    episodes["episode_id"] = np.arange(len(episodes))
    actions["episode_id"], covariates["episode_id"] = np.arange(200), np.arange(len(covariates))
    episodes["child_id"] = episodes["child_id"].astype(int)
    numbered = compare_after(episodes, actions, observed_until="2025-03-10", covariates=covariates, n_boot=0)
    assert numbered.ratio == pytest.approx(compared(200, 0.6, seed=10).ratio, rel=1e-9)


def test_nothing_depends_on_the_order_of_rows_or_on_ids() -> None:
    episodes, actions, covariates = simulated(300, 0.6, 10, confounded=0.3)
    given: dict[str, Any] = {"observed_until": "2025-03-10", "n_boot": 20}
    before = [t.copy() for t in (episodes, actions, covariates)]
    result = compare_after(episodes, actions, covariates=covariates, **given)
    for was, now in zip(before, (episodes, actions, covariates), strict=True):
        pd.testing.assert_frame_equal(was, now)
    mixed = compare_after(
        episodes.sample(frac=1, random_state=1),
        actions.sample(frac=1, random_state=2),
        covariates=covariates.sample(frac=1, random_state=3),
        **given,
    )
    assert (mixed.ratio, mixed.lower) == pytest.approx((result.ratio, result.lower), rel=1e-9)
    renamed = [t.assign(episode_id="e" + t["episode_id"]) for t in (episodes, actions, covariates)]
    renamed[0]["child_id"] = "Child " + renamed[0]["child_id"]
    other = compare_after(renamed[0], renamed[1], covariates=renamed[2], **given)
    assert (other.ratio, other.lower) == pytest.approx((result.ratio, result.lower), rel=1e-9)


def test_the_result_speaks_plainly_and_names_nobody() -> None:
    result = compared(700, 0.5, seed=11, confounded=0.3)
    said = result.explain()
    assert re.match(r"ActionComparison: [\d,]+ returns of 700 children, \d+ of them acted on", repr(result))
    assert "going again is less frequent after the action" in said
    assert "errors robust to what is alike within a child" in said
    assert "E-value" in said
    assert not re.search(r"\b(cause[sd]?|effect of|hazard|thanks to|because of|leads? to|prevent)\b", said)
    assert "00001" not in said + repr(result)
    assert "no difference can be told" in compared(700, 1.0, seed=1).explain()
    assert "more frequent" in compared(900, 1.9, seed=12).explain()


def test_curves_part_at_the_day_of_the_action() -> None:
    result = compared(900, 0.4, seed=13)
    table = result.curves
    early = table["days"] <= result.acted_from
    assert table.loc[early, "share_acted"].tolist() == table.loc[early, "share_not_acted"].tolist()
    assert (np.diff(table["share_not_acted"]) >= 0).all()
    last = table.iloc[-1]
    truth = 1 - np.exp(-0.05 * 28), 1 - np.exp(-0.05 * (result.acted_from + 0.4 * (28 - result.acted_from)))
    assert (last["share_not_acted"], last["share_acted"]) == pytest.approx(truth, abs=0.06)


def test_charts_show_every_method_covariate_and_both_curves() -> None:
    import matplotlib.pyplot as plt

    result = compared(500, 0.6, seed=14, n_boot=25)
    axes = [result.plot(), result.plot_balance(), result.plot_curves()]
    labels = [t.get_text() for t in axes[0].get_yticklabels()]
    assert labels[0] == "Ever against never (wrong)"
    assert labels[3] == "Weighted, alike returns (the estimate)"
    assert {t.get_text() for t in axes[1].get_yticklabels()} == {"Worry", "Noise"}
    assert any(t.get_text().startswith("without an action: ") for t in axes[2].texts)
    ax = plt.subplots()[1]
    assert result.plot(ax) is ax
    plt.close("all")


def test_groups_never_at_risk_together_give_no_ratio_and_say_so() -> None:
    """Of 240 children half go within 5 days; the others are acted on from day 6 and go after day 10."""
    acted = np.arange(240) % 2 == 1
    back = pd.Series(pd.Timestamp("2025-01-06 10:00") + pd.to_timedelta(np.arange(240) % 5, unit="D"))
    gap = pd.to_timedelta(np.where(acted, 10.3 + np.arange(240) / 40, 0.3 + np.arange(240) / 60), unit="D")
    ids = pd.Series([f"{i}" for i in range(240)])
    away = pd.to_timedelta(2 + np.arange(len(ids)) % 3, unit="h")
    first = pd.DataFrame({"episode_id": ids, "child_id": ids, "missing_from": back - away})
    then = pd.DataFrame({"episode_id": ids + "-2", "child_id": ids, "missing_from": (back + gap).dt.floor("min")})
    episodes = pd.concat([first.assign(returned_at=back), then.assign(returned_at=pd.NaT)], ignore_index=True)
    actions = pd.DataFrame({"episode_id": ids, "happened_at": back + pd.Timedelta(days=6)})[acted]
    with pytest.warns(EstimateDoubtful, match="no rate ratio can be given"):
        result = compare_after(episodes, actions, observed_until="2025-03-10", n_boot=0)
    assert np.isnan([result.ratio, result.lower, result.upper]).all()
    assert "rate ratio is" not in result.explain()
    assert "Take care: no rate ratio can be given" in result.explain()


def test_actions_by_day_and_going_in_the_evening_do_not_bias_it() -> None:
    """The action does nothing, but those just acted on stand before an evening more often than those still waiting."""
    rng = np.random.default_rng(16)
    n = 4000
    hour = rng.integers(24, size=n)
    noon = 12 + 24 * rng.geometric(0.4, n) - 24 * (hour < 12)  # hours from the midnight before the return
    evening = 18 + 24 * rng.geometric(0.2, n) - 24 * (hour < 18) + 6 * rng.random(n)
    midnight = pd.Series([pd.Timestamp("2025-01-06")] * n)
    back = midnight + pd.to_timedelta(hour, unit="h")
    gone = (midnight + pd.to_timedelta(evening, unit="h")).dt.floor("min")
    ids = pd.Series([f"{i}" for i in range(n)])
    away = pd.to_timedelta(2 + np.arange(len(ids)) % 3, unit="h")
    first = pd.DataFrame({"episode_id": ids, "child_id": ids, "missing_from": back - away})
    then = pd.DataFrame({"episode_id": ids + "-2", "child_id": ids, "missing_from": gone})
    episodes = pd.concat([first.assign(returned_at=back), then.assign(returned_at=pd.NaT)], ignore_index=True)
    actions = pd.DataFrame({"episode_id": ids, "happened_at": midnight + pd.to_timedelta(noon, unit="h")})
    result = compare_after(episodes, actions, observed_until="2025-03-10", n_boot=0)
    assert result.lower < 1 < result.upper
    returns = read_returns(episodes, actions, observed_until="2025-03-10", children=None, max_days=28)
    rows = w.cut_rows(returns.stop, returns.event, returns.act)
    together = w.outcome(rows, np.ones(len(rows.at)), None)
    assert np.exp(together.beta[0] - 1.96 * w.robust_se(together, rows.at)) > 1


def test_a_child_drawn_several_times_counts_as_often() -> None:
    rng = np.random.default_rng(18)
    stop, event = rng.exponential(12.0, 300) + 0.5, np.ones(300, dtype=bool)
    act = rng.exponential(8.0, 300)
    act[act >= stop] = np.inf
    x = rng.standard_normal((300, 1))
    times = np.where(np.isfinite(act) & (stop > 12), 5, 1)

    def ratios(at: np.ndarray, often: np.ndarray) -> tuple[float, float]:
        child = np.arange(len(at))
        returns = Returns(pd.DataFrame(), child, stop[at], event[at], act[at], np.zeros(len(at), dtype=np.int64), {})
        rows = w.cut_rows(stop[at], event[at], act[at])
        return _one_resample(returns, rows, x[at], often.astype(np.float64), (np.zeros(1), np.zeros(2)))

    once, drawn = (ratios(np.arange(300), often) for often in (np.ones(300), times))
    copied = ratios(np.repeat(np.arange(300), times), np.ones(times.sum()))
    assert drawn == pytest.approx(copied, abs=0.05)
    assert abs(drawn[1] - once[1]) > 0.2


def test_a_resample_without_an_episode_in_one_group_is_left_out() -> None:
    stop, act = np.array([9.0, 9.0, 9.0, 8.0]), np.array([2.0, 3.0, np.inf, np.inf])
    event = np.array([True, False, False, True])
    returns = Returns(pd.DataFrame(), np.arange(4), stop, event, act, np.zeros(4, dtype=np.int64), {})
    rows, x = w.cut_rows(stop, event, act), np.array([[1.0], [-1.0], [1.0], [-1.0]])
    found = resample(returns, rows, x, (np.zeros(1), np.zeros(2)), (200, 1))
    assert 0.3 < np.isnan(found[:, 1]).mean() < 1
    few = _doubts(
        pd.DataFrame({"difference_after": [0.3]}),
        True,
        read_covariates(GIVEN, pd.Series(["a", "b"])),
        (200, 90),
        {"n_episodes_acted": 90, "n_episodes_not_acted": 90, "n_returns_acted": 90},
    )
    assert [note.split(" ")[0] for note in few] == ["1", "110"]


GIVEN = pd.DataFrame({"episode_id": ["a", "b"], "x": [0, 1]})


def test_a_model_that_cannot_be_fitted_says_that_it_did_not_converge() -> None:
    rows = w.cut_rows(np.array([1.0, 2.0, 3.0]), np.array([True, True, False]), np.array([0.5, 1.5, np.inf]))
    fit = w.outcome(rows, np.ones(len(rows.at)), None)
    assert not fit.converged
    assert [repr(x) for x in (rows, fit)] == ["Rows: 8", "Fitted: 1 coefficients"]
    chance = w.chance_of_action(np.array([9.0, 9.0]), np.array([2.0, np.inf]), np.array([[1.0], [-1.0]]))
    assert repr(chance) == "Chance: 1 moments, 1 covariates"


def test_the_chart_of_balance_shows_the_25_that_differ_most() -> None:
    import matplotlib.pyplot as plt

    episodes, actions, covariates = simulated(500, 1.0, 17, confounded=0.5)
    rng = np.random.default_rng(2)
    many = covariates.join(pd.DataFrame(rng.standard_normal((len(covariates), 30))).add_prefix("c"))
    many.loc[::7, "c1"] = np.nan
    result = compare_after(episodes, actions, observed_until="2025-03-10", covariates=many, n_boot=0)
    labels = [t.get_text() for t in result.plot_balance().get_yticklabels()]
    assert len(labels) == 25
    assert labels[-1] == "Worry"
    assert "c1 not recorded" in result.balance["covariate"].tolist()
    plt.close("all")


def test_all_of_the_follow_up_can_be_taken() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compared(700, 1.0, seed=15, max_days=None)
    assert result.max_days > 28
    assert result.lower < 1 < result.upper
