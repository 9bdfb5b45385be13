"""Mean cumulative function: late entry, gaps at risk, spells without length, and its variance by a plain twin."""

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
    child_id start stop event home
    ann       0    10   1     oak
    ann      12    40   1     oak
    bob       0    30   0     elm
    cat       5    20   1     elm
""")


def plain_twin(rows: pd.DataFrame) -> list[tuple[float, int, int, float, float]]:
    """Return day, children at risk, episodes, mean and robust variance, straight from the definition."""
    found: list[tuple[float, int, int, float, float]] = []
    mean, residual = 0.0, dict.fromkeys(rows["child_id"], 0.0)
    for day in sorted(set(rows["stop"])):
        at_risk = rows[(rows["start"] < day) & (day <= rows["stop"])]
        ends = at_risk[at_risk["stop"] == day]
        n, d = len(at_risk), int(ends["event"].sum())
        mean += d / n
        for row in at_risk.itertuples():
            began = int(row.event) if row.stop == day else 0
            residual[row.child_id] += (began - d / n) / n
        found.append((day, n, d, mean, sum(r**2 for r in residual.values())))
    return found


def test_a_child_is_not_at_risk_while_missing_or_before_the_records_begin() -> None:
    found = recurrence.mean_cumulative(INTERVALS).table
    columns = ["days", "at_risk", "events", "n_children_again"]
    assert found[columns].to_numpy().tolist() == [[10, 3, 1, 1], [20, 3, 1, 2], [30, 2, 0, 2], [40, 1, 1, 2]]
    assert found["mean_episodes"].round(6).tolist() == [0.333333, 0.666667, 0.666667, 1.666667]
    # at day 11, when ann is missing, only two are at risk
    extra = pd.concat([INTERVALS, table("child_id start stop event home\n dan 0 11 0 elm")])
    assert recurrence.mean_cumulative(extra).table.set_index("days").loc[11, "at_risk"] == 3


def test_who_enters_on_a_day_is_not_yet_at_risk_on_it() -> None:
    late = table("child_id start stop event\n ann 0 10 1\n bob 0 20 0\n cat 10 20 0")
    assert recurrence.mean_cumulative(late).table[["days", "at_risk"]].to_numpy().tolist() == [[10, 2], [20, 2]]


def test_interval_is_on_the_log_scale() -> None:
    row = recurrence.mean_cumulative(INTERVALS).table.iloc[0]
    width = np.exp(1.959963984540054 * row["se"] / row["mean_episodes"])
    assert row["lower"] == pytest.approx(row["mean_episodes"] / width)
    assert row["upper"] == pytest.approx(row["mean_episodes"] * width)


def test_at_reads_the_curve_and_gives_nothing_beyond_it() -> None:
    result = recurrence.mean_cumulative(INTERVALS)
    read = result.at([0, 15, 40, 41])
    assert read["mean_episodes"].round(4).tolist()[:3] == [0.0, 0.3333, 1.6667]
    assert read["mean_episodes"].isna().tolist() == [False, False, False, True]
    assert read["se"].isna().tolist() == [True, False, False, True]
    assert read["n_children_again"].tolist() == [0, 1, 2, 2]
    assert result.summary()["days"].tolist() == [28.0, 90.0, 180.0, 365.0]
    with pytest.raises(errors.ArgumentRefused, match="at least 0"):
        result.at([float("nan")])


def test_one_curve_per_group_in_the_order_of_the_groups_with_blanks_last() -> None:
    spells = INTERVALS.assign(home=INTERVALS["home"].where(INTERVALS["child_id"] != "bob"))
    result = recurrence.mean_cumulative(spells, by="home")
    assert result.table[["home", "days", "mean_episodes"]].to_numpy().tolist() == [
        ["elm", 20.0, 1.0],
        ["oak", 10.0, 1.0],
        ["oak", 40.0, 2.0],
        ["not recorded", 30.0, 0.0],
    ]
    assert result.groups[["home", "n_children", "n_episodes", "days_at_risk"]].to_numpy().tolist() == [
        ["elm", 1, 1, 15.0],
        ["oak", 1, 2, 38.0],
        ["not recorded", 1, 0, 30.0],
    ]
    assert result.at([10])["home"].tolist() == ["elm", "oak", "not recorded"]
    assert repr(result) == "MeanCumulative: 3 episodes in 3 groups of 3 children in all"


def test_groups_may_be_numbers_with_blanks() -> None:
    spells = INTERVALS.assign(band=[2.0, 2.0, None, 1.0])
    result = recurrence.mean_cumulative(spells, by="band")
    assert result.at([40])["band"].tolist() == [1.0, 2.0, "not recorded"]
    assert len(result.plot().lines) == 3


def test_one_child_has_a_mean_but_no_error() -> None:
    one = recurrence.mean_cumulative(INTERVALS[INTERVALS["child_id"] == "ann"]).table
    assert one["mean_episodes"].tolist() == [1.0, 2.0]
    assert one[["se", "lower", "upper"]].isna().all(axis=None)


def test_an_episode_on_a_spell_without_length_is_counted_where_the_spell_before_ends() -> None:
    twice = pd.concat([INTERVALS, table("child_id start stop event home\n cat 20 20 1 elm\n bob 30 30 0 elm")])
    result = recurrence.mean_cumulative(twice)
    row = result.table.set_index("days").loc[20]
    assert (row["at_risk"], row["events"]) == (3, 2)
    assert result.groups["n_zero_length"].tolist() == [2]
    assert "2 spells without length add episodes but no time" in result.explain()


def test_a_spell_without_length_or_episode_changes_nothing() -> None:
    more = pd.concat([INTERVALS, table("child_id start stop event home\n dan 7 7 0 elm")])
    pd.testing.assert_frame_equal(recurrence.mean_cumulative(more).table, recurrence.mean_cumulative(INTERVALS).table)


def test_an_episode_on_a_spell_without_length_that_follows_nothing_is_refused() -> None:
    lost = pd.concat([INTERVALS, table("child_id start stop event home\n dan 7 7 1 elm")])
    with pytest.raises(errors.TableRefused, match=r"follows no spell at risk of that child, at position 4"):
        recurrence.mean_cumulative(lost)


def test_times_equal_but_for_rounding_are_one_time() -> None:
    spells = table("child_id start stop event\n ann 0 0.3 1\n bob 0 0.3 0\n cat 0.3 1 0")
    spells["stop"] = [0.1 + 0.2, 0.3, 1.0]
    spells["start"] = [0.0, 0.0, 0.1 + 0.2]
    assert recurrence.mean_cumulative(spells).table[["at_risk", "events"]].to_numpy().tolist() == [[2, 1], [1, 0]]


def test_no_intervals_give_an_empty_table() -> None:
    result = recurrence.mean_cumulative(INTERVALS.iloc[:0])
    assert result.table.empty
    assert result.at([28])["mean_episodes"].isna().tolist() == [True]
    assert "0 episodes of 0 children" in result.explain()
    assert recurrence.mean_cumulative(INTERVALS.iloc[:0], by="home").table.empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ann 5 3 0", "ends before it starts, at position 0"),
        ("ann 0 inf 0", "infinite, at position 0"),
        ("ann 0 9 3", "other than 0 and 1 at position 0"),
        ("ann 0 9 0\n ann 8 12 0", "overlaps another of the same child, at position 1"),
        ("ann 0 9 0\n ann 0 9 1", "overlaps another of the same child, at position 1"),
    ],
)
def test_spells_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(errors.TableRefused, match=message):
        recurrence.mean_cumulative(table("child_id start stop event\n" + text))


def test_explain_says_how_much_chance_alone_would_understate() -> None:
    said = recurrence.mean_cumulative(INTERVALS).explain()
    assert "3 episodes of 3 children" in said
    assert "few children carry most episodes" in said
    heavy = pd.DataFrame(
        [(f"k{c}", float(i), float(i + 1), int(c < 5)) for c in range(50) for i in range(20)],
        columns=["child_id", "start", "stop", "event"],
    )
    assert "its standard error is 4.2 times what pure chance would give" in recurrence.mean_cumulative(heavy).explain()
    still = recurrence.mean_cumulative(INTERVALS.assign(event=0))
    assert "pure chance" not in still.explain()
    single = recurrence.mean_cumulative(INTERVALS[INTERVALS["child_id"] == "ann"], by="home")
    assert "pure chance" not in single.explain()


def test_row_order_and_ids_do_not_matter_and_the_input_is_not_modified() -> None:
    before = INTERVALS.copy(deep=True)
    shuffled = INTERVALS.sample(frac=1, random_state=4).assign(child_id=lambda f: f["child_id"] + "-x")
    one, other = (recurrence.mean_cumulative(f).table for f in (INTERVALS, shuffled))
    pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(INTERVALS, before)


@st.composite
def spells(draw: st.DrawFn) -> pd.DataFrame:
    """Draw children's spells at risk in whole days: late entry, days not at risk between, episodes or not."""
    rows = []
    for child in range(draw(st.integers(1, 5))):
        day = draw(st.integers(0, 6))
        for _ in range(draw(st.integers(1, 4))):
            length = draw(st.integers(1, 5))
            rows.append((f"k{child}", float(day), float(day + length), draw(st.integers(0, 1))))
            day += length + draw(st.integers(0, 2))
    return pd.DataFrame(rows, columns=["child_id", "start", "stop", "event"])


@settings(deadline=None, max_examples=60)
@given(spells())
def test_curve_and_robust_variance_are_those_of_a_plain_twin(rows: pd.DataFrame) -> None:
    found = recurrence.mean_cumulative(rows).table
    expected = plain_twin(rows)
    assert found[["days", "at_risk", "events"]].to_numpy().tolist() == [list(row[:3]) for row in expected]
    np.testing.assert_allclose(found["mean_episodes"], [row[3] for row in expected], atol=1e-12)
    known = found["se"].notna().to_numpy()
    # errors near nought: the square root of a rounding error
    np.testing.assert_allclose(found["se"][known] ** 2, np.array([row[4] for row in expected])[known], atol=1e-13)


def test_ids_may_be_numbers_text_or_categories_and_flags_true_or_false() -> None:
    expected = recurrence.mean_cumulative(INTERVALS).table
    number = INTERVALS["child_id"].map({"ann": 1007, "bob": 3, "cat": -2})
    for ids in (number, number.astype("Int64"), INTERVALS["child_id"].astype("category"), number.astype(object)):
        for event in (INTERVALS["event"], INTERVALS["event"] == 1, INTERVALS["event"].astype("boolean")):
            pd.testing.assert_frame_equal(
                recurrence.mean_cumulative(INTERVALS.assign(child_id=ids, event=event)).table, expected
            )


def test_one_and_its_text_are_one_child() -> None:
    mixed = INTERVALS.assign(child_id=pd.Series([1, "1", "2", 3], dtype=object))
    assert recurrence.mean_cumulative(mixed).groups["n_children"].tolist() == [3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"child_id": ["ann", None, "bob", "cat"]}, "'child_id' is blank at position 1"),
        ({"child_id": [1.5, 2.0, 3.0, 4.0]}, "ids as text"),
        ({"event": [1, 1, None, 0]}, "'event' is blank at position 2"),
        ({"event": [1, 1, 0.5, 0]}, "not whole numbers"),
        ({"start": [0, None, 0, 0]}, "'start' is blank at position 1"),
        ({"stop": ["x", "1", "2", "3"]}, "'stop' holds values that are not numbers"),
    ],
)
def test_columns_that_cannot_be_read_are_refused_by_the_gate(change: dict[str, object], message: str) -> None:
    with pytest.raises(errors.TableRefused, match=message):
        recurrence.mean_cumulative(INTERVALS.assign(**change))


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(errors.TableRefused, match="expected a DataFrame"):
        recurrence.mean_cumulative([1, 2])  # type: ignore[arg-type]
    with pytest.raises(errors.TableRefused, match=r"'stop' is absent"):
        recurrence.mean_cumulative(INTERVALS.drop(columns="stop"))


def test_days_may_be_as_far_apart_as_they_like() -> None:
    far = INTERVALS.assign(start=INTERVALS["start"] * 1e7, stop=INTERVALS["stop"] * 1e7)
    near, distant = (recurrence.mean_cumulative(f).table for f in (INTERVALS, far))
    pd.testing.assert_frame_equal(near.drop(columns="days"), distant.drop(columns="days"))
    assert (distant["days"] == near["days"] * 1e7).all()


def test_leaving_out_the_child_who_weighs_most_is_what_it_says() -> None:
    rng = np.random.default_rng(8)
    rows = []
    for child in range(12):
        edges = np.unique(rng.integers(1, 100, 1 + 3 * (child % 4)))
        rows += [(f"k{child}", a, b, 1) for a, b in zip([0, *edges[:-1]], edges, strict=True)]
        rows.append((f"k{child}", int(edges[-1]), 100, 0))
    spells = pd.DataFrame(rows, columns=["child_id", "start", "stop", "event"])
    result = recurrence.mean_cumulative(spells)
    judged = result.groups.iloc[0]
    at = judged["judged_on_day"]
    mean = result.at([at])["mean_episodes"].iloc[0]
    without = [
        recurrence.mean_cumulative(spells[spells["child_id"] != f"k{c}"]).at([at])["mean_episodes"].iloc[0]
        for c in range(12)
    ]
    assert judged["judged_mean"] == pytest.approx(mean)
    assert judged["judged_without_one"] == pytest.approx(max(without, key=lambda other: abs(other - mean)))
    assert f"from {mean:.2f} to {judged['judged_without_one']:.2f}" in result.explain()
    alike = pd.DataFrame({"child_id": range(400), "start": 0, "stop": 9, "event": [0, 1] * 200})
    assert "No single child moves the mean by as much as 1%" in recurrence.mean_cumulative(alike).explain()


def coverage(n_replications: int, n_children: int, seed: int) -> float:
    """Return how often the interval of the mean by day 100 covers the truth, 2; rates of children are gamma."""
    rng, n = np.random.default_rng(seed), n_replications * n_children
    end = rng.uniform(80, 160, n)
    child = np.repeat(np.arange(n), rng.poisson(rng.gamma(1.0, 0.02, n) * end))
    times = pd.DataFrame({"child_id": child, "stop": rng.uniform(0, 1, len(child)) * end[child], "event": 1})
    ends = pd.DataFrame({"child_id": np.arange(n), "stop": end, "event": 0})
    rows = pd.concat([times, ends]).sort_values(["child_id", "stop"], ignore_index=True)
    rows["start"] = rows.groupby("child_id")["stop"].shift(fill_value=0.0)
    rows["replication"] = rows["child_id"] // n_children
    table = recurrence.mean_cumulative(rows, by="replication").table
    last = table[table["days"] <= 100].groupby("replication").tail(1)
    assert len(last) == n_replications
    return float((last["lower"].le(2) & last["upper"].ge(2)).mean())


@pytest.mark.no_cover
def test_its_interval_covers_the_truth_as_often_as_it_says() -> None:
    assert 0.93 <= coverage(500, 200, seed=3) <= 0.97


def test_a_table_without_rows_may_be_asked_for_by_group() -> None:
    none = INTERVALS.iloc[:0]
    gaps = pd.DataFrame({"child_id": ["a"], "episode_no": [1], "gap_days": [1.0], "event": [0], "home": ["oak"]})[:0]
    results = [
        recurrence.mean_cumulative(none, by="home"),
        recurrence.kaplan_meier(none, by="home"),
        recurrence.gap_curve(gaps, by="home"),
        recurrence.cumulative_incidence(none.assign(ended_by=pd.Series(dtype=str)), by="home"),
    ]
    for result in results:
        assert result.summary()["home"].unique().tolist() == ["not recorded"]
        assert isinstance(result.explain(), str)
        result.plot()
