"""Two groups' mean number of episodes: the score and its variance by a plain twin, and how often chance is called."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors, recurrence

INTERVALS = pd.read_csv(
    StringIO("""
    child_id start stop event home
    ann       0    10   1     oak
    ann      12    40   1     oak
    bob       0    30   1     oak
    cat       5    20   1     elm
    dan       0    50   0     elm
    """),
    sep=r"\s+",
)


def made_up(rng: np.random.Generator, n: int, means: tuple[float, float]) -> pd.DataFrame:
    """Return children of two groups with such a mean of episodes in 100 days; some go often, others seldom."""
    rows = []
    for child in range(n):
        times = np.sort(rng.uniform(0, 100, rng.poisson(means[child % 2] * rng.gamma(0.5, 2.0))))
        edges = [0.0, *times, 100.0]
        rows += [
            (f"k{child}", edges[i], edges[i + 1], int(i + 2 < len(edges)), "ab"[child % 2])
            for i in range(len(edges) - 1)
        ]
    return pd.DataFrame(rows, columns=["child_id", "start", "stop", "event", "g"])


def plain_twin(rows: pd.DataFrame, by: str, weight: str) -> tuple[float, float]:
    """Return score and variance straight from the definition, day by day and child by child."""
    one, other = sorted(set(rows[by]))
    score, residual, last = 0.0, dict.fromkeys(rows["child_id"], 0.0), rows["stop"].max()
    for day in sorted(set(rows["stop"])):
        at_risk = rows[(rows["start"] < day) & (day <= rows["stop"])]
        size = {g: int((at_risk[by] == g).sum()) for g in (one, other)}
        if not all(size.values()):
            continue
        importance = size[one] * size[other] / (size[one] + size[other])
        importance *= 1 - day / last if weight == "linear" else 1
        for g, sign in ((one, 1), (other, -1)):
            inside = at_risk[at_risk[by] == g]
            rate = inside.loc[inside["stop"] == day, "event"].sum() / size[g]
            score += sign * importance * rate
            for row in inside.itertuples():
                began = row.event if row.stop == day else 0
                residual[row.child_id] += sign * importance * (began - rate) / size[g]
    return score, sum(r**2 for r in residual.values())


@st.composite
def spells(draw: st.DrawFn) -> pd.DataFrame:
    rows = []
    for child in range(draw(st.integers(2, 6))):
        day = draw(st.integers(0, 4))
        for _ in range(draw(st.integers(1, 3))):
            length = draw(st.integers(1, 4))
            group = "ab"[child] if child < 2 else draw(st.sampled_from("ab"))  # a child may change group
            rows.append((f"k{child}", float(day), float(day + length), draw(st.integers(0, 1)), group))
            day += length + draw(st.integers(0, 2))
    return pd.DataFrame(rows, columns=["child_id", "start", "stop", "event", "g"])


@settings(deadline=None, max_examples=40)
@given(spells(), st.sampled_from(["constant", "linear"]))
def test_score_and_variance_are_those_of_a_plain_twin(rows: pd.DataFrame, weight: recurrence.Weight) -> None:
    found = recurrence.compare_mean_cumulative(rows, "g", weight)
    assert (found.score, found.variance) == pytest.approx(plain_twin(rows, "g", weight), abs=1e-12)


@pytest.mark.no_cover
def test_chance_is_called_a_difference_as_often_as_it_should() -> None:
    rng = np.random.default_rng(7)
    p_values = [recurrence.compare_mean_cumulative(made_up(rng, 60, (2, 2)), "g").p_value for _ in range(100)]
    assert 0.01 <= np.mean(np.array(p_values) < 0.05) <= 0.10


def test_a_planted_difference_is_found() -> None:
    found = recurrence.compare_mean_cumulative(made_up(np.random.default_rng(1), 300, (1, 3)), "g")
    assert found.score < 0  # the second group goes more often
    assert found.p_value < 0.001


def test_p_value_is_that_of_chi_squared_with_one_degree_of_freedom() -> None:
    from scipy.stats import chi2

    found = recurrence.compare_mean_cumulative(made_up(np.random.default_rng(5), 60, (2, 2)), "g")
    assert found.statistic == pytest.approx(found.score**2 / found.variance)
    assert found.p_value == pytest.approx(chi2.sf(found.statistic, 1))


def with_exits(rows: pd.DataFrame, left: set[str], weight: dict[str, float], importance: dict[float, float]) -> float:
    """Return the score where some children leave at the end, with each child's weight and given weights of days."""
    score = 0.0
    for g, sign in zip(sorted(set(rows["g"])), (1, -1), strict=True):
        staying = 1.0
        ends = rows.groupby("child_id")["stop"].transform("max")
        for day in sorted(set(rows["stop"])):
            inside = rows[(rows["start"] < day) & (day <= rows["stop"]) & (rows["g"] == g)]
            w = inside["child_id"].map(weight)
            if inside.empty:
                continue
            now = inside["stop"] == day
            gone = w[now & (ends[inside.index] == day) & inside["child_id"].isin(left)].sum()
            score += sign * importance[day] * staying * (w * inside["event"])[now].sum() / w.sum()
            staying *= 1 - gone / w.sum()
    return score


@settings(deadline=None, max_examples=20)
@given(spells(), st.sampled_from(["constant", "linear"]), st.integers(0, 3))
def test_with_exits_variance_is_the_change_with_each_childs_weight(
    rows: pd.DataFrame, weight: recurrence.Weight, every: int
) -> None:
    children = sorted(set(rows["child_id"]))
    left = {c for k, c in enumerate(children) if every and k % every == 0}
    days = rows.groupby("child_id")["stop"].max()
    found = recurrence.compare_mean_cumulative(rows, "g", weight, exits=days[days.index.isin(left)])
    importance = {}
    for day in sorted(set(rows["stop"])):
        at_risk = rows[(rows["start"] < day) & (day <= rows["stop"])]
        size = [(at_risk["g"] == g).sum() for g in "ab"]
        importance[day] = size[0] * size[1] / max(sum(size), 1) * (1 - day / rows["stop"].max() * (weight == "linear"))
    ones, step, variance = dict.fromkeys(children, 1.0), 1e-5, 0.0
    for child in children:
        up, down = (with_exits(rows, left, {**ones, child: 1 + s * step}, importance) for s in (1, -1))
        variance += ((up - down) / (2 * step)) ** 2
    assert found.score == pytest.approx(with_exits(rows, left, ones, importance), abs=1e-12)
    assert found.variance == pytest.approx(variance, abs=1e-6)


def test_children_who_leave_sooner_have_fewer_episodes_and_it_is_said() -> None:
    rows = made_up(np.random.default_rng(6), 400, (2, 2))
    last = rows.groupby("child_id")["stop"].transform("max")
    rows = rows[~((rows["g"] == "a") & (rows["start"] > 40))]
    early = rows[rows["g"] == "a"].groupby("child_id")["stop"].max()
    assert last.max() == 100
    kept, gone = (recurrence.compare_mean_cumulative(rows, "g", exits=e) for e in (None, early))
    assert gone.score < kept.score
    assert gone.p_value < 0.001
    assert "left for good and count as having no episode after that" in gone.explain()
    assert "by chance in less than 0.1% of such" in gone.explain()


def test_swapping_the_groups_turns_the_score_round_and_nothing_else() -> None:
    turned = INTERVALS.assign(home=INTERVALS["home"].map({"oak": "a", "elm": "b"}))
    one, other = (recurrence.compare_mean_cumulative(f, "home") for f in (INTERVALS, turned))
    assert (one.labels, other.labels) == (("elm", "oak"), ("a", "b"))
    assert one.score == pytest.approx(-other.score)
    assert one.statistic == pytest.approx(other.statistic)


def test_groups_never_at_risk_together_cannot_be_compared() -> None:
    apart = INTERVALS.assign(start=[0, 12, 0, 60, 60], stop=[10, 40, 30, 70, 80])
    found = recurrence.compare_mean_cumulative(apart, "home")
    assert np.isnan([found.statistic, found.p_value]).all()
    assert "cannot be compared" in found.explain()


def test_explain_repr_summary_and_plot() -> None:
    found = recurrence.compare_mean_cumulative(INTERVALS, "home", "linear")
    assert repr(found).startswith("MeanComparison (linear weight): chi-squared")
    said = found.explain()
    assert "groups of 2 children and 2 children with 4 episodes, weighing early days more" in said
    assert "is not an effect of belonging to one" in said
    assert "With 2 children in the smaller group, chance is hard to judge" in said
    many = recurrence.compare_mean_cumulative(made_up(np.random.default_rng(1), 40, (2, 2)), "g")
    assert "hard to judge" not in many.explain()
    assert "all days alike" in recurrence.compare_mean_cumulative(INTERVALS, "home").explain()
    assert found.summary()["statistic"].tolist() == [found.statistic]
    assert len(found.plot().lines) == 2


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(errors.ArgumentRefused, match="exactly two groups to compare; it holds 4"):
        recurrence.compare_mean_cumulative(INTERVALS, "child_id")
    with pytest.raises(errors.ArgumentRefused, match="it holds 1"):
        recurrence.compare_mean_cumulative(INTERVALS.iloc[:0], "home")
    with pytest.raises(errors.ArgumentRefused, match="Did you mean 'linear'"):
        recurrence.compare_mean_cumulative(INTERVALS, "home", "liner")  # type: ignore[arg-type]
