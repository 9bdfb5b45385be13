"""Short-run clustering: exact expectations against plain loops, no false alarm where children differ, and words."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors
from missing_patterns.recurrence.dynamics import simulate_repeats
from missing_patterns.recurrence.dynamics.clustering import ShortRunClustering, short_run_clustering

COLUMNS = ["child_id", "start", "stop", "event"]

#: A went 4 times in 100 days, B twice with an absence of 30 days between, C once, D never.
SPELLS = pd.DataFrame(
    [
        ["A", 0.0, 10.5, 1],
        ["A", 10.5, 15.0, 1],
        ["A", 15.0, 60.0, 1],
        ["A", 60.0, 63.0, 1],
        ["A", 63.0, 100.0, 0],
        ["B", 0.0, 20.0, 1],
        ["B", 50.0, 56.0, 1],
        ["B", 56.0, 130.0, 0],
        ["C", 0.0, 40.0, 1],
        ["C", 40.0, 100.0, 0],
        ["D", 0.0, 100.0, 0],
    ],
    columns=COLUMNS,
)


def row(result: ShortRunClustering, window: float, steady: str = "child") -> pd.Series:
    table = result.table
    return table[(table["window_days"] == window) & (table["steady"] == steady)].iloc[0]


def test_what_is_observed_and_expected_by_hand() -> None:
    """A's spaces at risk are 4.5, 45 and 3 days; B's is 6. Expected: 3 (1 - .93^4) + 1 (1 - .93^2)."""
    result = short_run_clustering(SPELLS)
    found = row(result, 7)
    assert (found["n_children"], found["n_pairs"], found["observed"]) == (2, 4, 3)
    expected = 3 * (1 - 0.93**4) + (1 - 0.93**2)
    variance = 3 * 0.93**4 * (1 - 0.93**4) + 6 * (0.86**4 - 0.93**8) + 0.93**2 * (1 - 0.93**2)
    assert found["expected"] == pytest.approx(expected)
    assert found["z"] == pytest.approx((3 - expected) / math.sqrt(variance))
    assert found["ratio"] == pytest.approx(3 / expected)
    assert found["p_value"] == pytest.approx(math.erfc(found["z"] / math.sqrt(2)))
    assert (result.n_children, result.n_episodes, result.days_at_risk, result.by_date) == (4, 7, 400.0, False)


def test_the_naive_ratio_by_hand() -> None:
    """Within 7 days of a return: 3 episodes in 4.5 + 7 + 3 + 7 + 6 + 7 + 7 days; 4 in the other 358.5."""
    naive = short_run_clustering(SPELLS).naive.iloc[0]
    assert (naive["episodes_within"], naive["days_within"]) == (3, 41.5)
    assert (naive["episodes_outside"], naive["days_outside"]) == (4, 358.5)
    assert naive["ratio"] == pytest.approx((3 / 41.5) / (4 / 358.5))


def test_an_episode_just_as_far_as_the_window_counts() -> None:
    spells = pd.DataFrame([["A", 0.0, 10.0, 1], ["A", 10.0, 16.5, 1], ["A", 16.5, 50.0, 0]], columns=COLUMNS)
    result = short_run_clustering(spells, windows=(6.4, 6.5, 6.6))
    assert result.table.query("steady == 'child'")["observed"].tolist() == [0, 1, 1]
    assert result.naive["episodes_within"].tolist() == [0, 1, 1]


def test_expected_numbers_are_those_of_points_thrown_at_random() -> None:
    """2,000 throws of 5 points on 90 days."""
    rng = np.random.default_rng(0)
    points = np.sort(rng.random((2000, 5)) * 90, axis=1)
    quick = (np.diff(points, axis=1) <= 12).sum(axis=1)
    one = pd.DataFrame(
        [["A", a, b, int(b < 90)] for a, b in itertools.pairwise([0.0, *points[0], 90.0])], columns=COLUMNS
    )
    found = row(short_run_clustering(one, windows=[12]), 12)
    assert found["expected"] == pytest.approx(quick.mean(), abs=4 * quick.std() / math.sqrt(2000))
    assert (found["observed"] - found["expected"]) / found["z"] == pytest.approx(quick.std(), rel=0.05)


def plain(frame: pd.DataFrame, window: float, block: float | None) -> tuple[int, float, int]:
    """Observed, expected, pairs: by loops over children and their days at risk."""
    observed, expected, pairs = 0, 0.0, 0
    for _, spells in frame.sort_values(["start", "stop"]).groupby("child_id"):
        run, when = 0.0, []
        for spell in spells.itertuples():
            run += spell.stop - spell.start
            if spell.event:
                when.append(run)
        blocks = (
            [(0.0, run)]
            if block is None
            else [(block * i, min(block * (i + 1), run)) for i in range(max(math.ceil(run / block), 1))]
        )
        for begin, end in blocks:
            mine = [t for t in when if begin < t <= end or (t == 0 and begin == 0)]
            if len(mine) < 2:
                continue
            pairs += len(mine) - 1
            observed += sum(b - a <= window for a, b in itertools.pairwise(mine))
            expected += (len(mine) - 1) * (1 - max(1 - window / (end - begin), 0) ** len(mine))
    return observed, expected, pairs


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.integers(1, 700), st.booleans()), min_size=1, max_size=9),
        min_size=1,
        max_size=4,
    )
)
def test_any_table_is_counted_as_by_plain_loops(children: list[list[tuple[int, int, bool]]]) -> None:
    spells = []
    for child, pieces in enumerate(children):
        day = 0.0
        for away, length, event in pieces:
            spells.append([child, day + away, day + away + length / 4, int(event)])
            day += away + length / 4
    spells.append(["with hours", 0.0, 0.3, 0])
    frame = pd.DataFrame(spells, columns=COLUMNS).astype({"child_id": str})
    result = short_run_clustering(frame, windows=[20])
    for steady, block in (("child", None), ("half_year", 182.0)):
        found = row(result, 20, steady)
        observed, expected, pairs = plain(frame, 20, block)
        assert (found["observed"], found["n_pairs"]) == (observed, pairs)
        assert found["expected"] == pytest.approx(expected)


def test_order_ids_and_needless_cuts_change_nothing_and_the_input_stays() -> None:
    frame = simulate_repeats(80, random_state=4)
    before = frame.copy(deep=True)
    expected = short_run_clustering(frame).summary()
    half = (frame["start"] + frame["stop"]) / 2
    cut = pd.concat([frame.assign(stop=half, event=0), frame.assign(start=half)]).sample(frac=1.0, random_state=0)
    cut["child_id"] = "k" + (7 * cut["child_id"] % 1009).astype(str)
    pd.testing.assert_frame_equal(short_run_clustering(cut).summary(), expected, rtol=1e-9)
    pd.testing.assert_frame_equal(frame, before)


def test_strata_compare_within_each_spell() -> None:
    """Two homes: three episodes in the second of two halves are no run within that half."""
    frame = pd.DataFrame(
        [[0.0, 100.0, 0, "elm"], [100.0, 140.25, 1, "oak"], [140.25, 170.0, 1, "oak"], [170.0, 200.0, 1, "oak"]],
        columns=["start", "stop", "event", "home"],
    ).assign(child_id="A")
    result = short_run_clustering(frame, windows=[40], strata="home")
    assert result.table["steady"].tolist() == ["child", "spell", "half_year"]
    assert row(result, 40, "spell")["expected"] == pytest.approx(2 * (1 - 0.6**3))
    assert row(result, 40, "child")["expected"] == pytest.approx(2 * (1 - 0.8**3))
    with pytest.raises(
        errors.ArgumentRefused, match="no column 'homes' to divide a child's time by. Did you mean 'home'"
    ):
        short_run_clustering(frame, strata="homes")


def test_times_by_date_are_allowed_for() -> None:
    frame = simulate_repeats(2000, alpha=0.0, rate_per_year=2.0, random_state=1)
    dates = frame.assign(start=np.ceil(frame["start"]), stop=np.ceil(frame["stop"]))
    result = short_run_clustering(dates)
    assert result.by_date
    assert "Times are by date only" in result.explain()
    assert abs(row(result, 7)["z"]) < 2.5
    assert abs(row(result, 7)["expected"] / row(short_run_clustering(frame), 7)["expected"] - 7.5 / 7) < 0.01


def test_children_who_differ_raise_no_alarm_though_the_naive_ratio_is_high() -> None:
    steady = simulate_repeats(
        3000, alpha=0.0, rate_per_year=1.0, frailty_shape=0.4, zero_truncated=False, random_state=5
    )
    found = short_run_clustering(steady)
    assert (found.table["p_value"] > 0.05).all()
    assert (found.naive["ratio"] > 2).all()
    clustered = short_run_clustering(simulate_repeats(1500, alpha=0.25, frailty_shape=0.8, random_state=5))
    assert (clustered.table["p_value"] < 1e-6).all()
    assert (clustered.table["lower"] > 1.1).all()


@pytest.mark.no_cover
def test_the_test_keeps_its_level_and_the_interval_its_coverage() -> None:
    """500 data sets of 400 unlike children without clustering: 5 % rejected, 95 % covered, within chance (sd 1 %)."""
    tables = [
        short_run_clustering(
            simulate_repeats(400, alpha=0.0, rate_per_year=1.0, frailty_shape=0.8, days=730, random_state=seed)
        ).table
        for seed in range(500)
    ]
    p = np.array([table["p_value"] for table in tables])
    covered = np.array([(table["lower"] <= 1) & (table["upper"] >= 1) for table in tables])
    assert ((p < 0.05).mean(axis=0) > 0.02).all()
    assert ((p < 0.05).mean(axis=0) < 0.08).all()
    assert (covered.mean(axis=0) > 0.92).all()
    assert (covered.mean(axis=0) < 0.98).all()


def test_a_table_without_repeats_says_that_nothing_can_be_said() -> None:
    once = SPELLS[SPELLS["child_id"].isin(["C", "D"])]
    result = short_run_clustering(once)
    assert result.table["n_pairs"].tolist() == [0, 0, 0, 0]
    assert result.table[["ratio", "lower", "z", "p_value"]].isna().all().all()
    assert result.explain().endswith("Without children who went twice, nothing can be said about short runs.")
    assert math.isnan(short_run_clustering(SPELLS.head(0)).naive["ratio"][0])
    assert short_run_clustering(SPELLS.head(0)).n_children == 0


def test_where_none_was_quick_there_is_no_interval_and_none_is_worded() -> None:
    far = pd.DataFrame([["A", 0.0, 30.5, 1], ["A", 30.5, 90.0, 1], ["A", 90.0, 120.0, 0]], columns=COLUMNS)
    said = short_run_clustering(far, windows=[7]).explain()
    assert "0.00 times (p = " in said
    assert "nan" not in said
    always = pd.DataFrame([["A", 0.0, 0.5, 1], ["A", 0.5, 1.0, 1]], columns=COLUMNS)
    said = short_run_clustering(always, windows=[7]).explain()
    assert "1.00 times (no interval)" in said
    assert "at other times, is 1.0 here" in said


def test_pairs_that_the_half_years_part_are_told_of_the_whole_time_only() -> None:
    apart = pd.DataFrame([["A", 0.0, 100.5, 1], ["A", 100.5, 300.0, 1], ["A", 300.0, 360.0, 0]], columns=COLUMNS)
    result = short_run_clustering(apart, windows=[28])
    assert result.table["n_pairs"].tolist() == [1, 0]
    assert "half-year of a child only" not in result.explain()


def test_an_episode_on_the_edge_of_a_half_year_ends_the_earlier_one() -> None:
    edge = pd.DataFrame([["A", 0.0, 182.0, 1], ["A", 182.0, 190.5, 1], ["A", 190.5, 364.0, 0]], columns=COLUMNS)
    assert short_run_clustering(edge, windows=[28]).table["n_pairs"].tolist() == [1, 0]
    before = edge.replace(182.0, 181.5)
    assert short_run_clustering(before.replace(190.5, 182.0), windows=[28]).table["n_pairs"].tolist() == [1, 1]


def test_windows_that_cannot_be_are_refused() -> None:
    for wrong in ((), (0,), (-7,), (math.nan,), (math.inf,)):
        with pytest.raises(errors.ArgumentRefused, match="windows must be numbers of days above 0"):
            short_run_clustering(SPELLS, windows=wrong)
    with pytest.raises(errors.TableRefused, match="overlaps"):
        short_run_clustering(pd.concat([SPELLS, SPELLS.tail(1)]))


def test_the_words_warn_of_the_naive_ratio_and_claim_no_cause() -> None:
    result = short_run_clustering(SPELLS)
    said = result.explain()
    for part in (
        "7 episodes of 4 children at risk for 1 year in all; 4 pairs of successive episodes of 2 children",
        "3 came within 7 days of the return",
        "do not use it",
        "after-effect of an episode or a bad spell",
        "fewer than 10 were expected, p is rough",
    ):
        assert part in said
    assert "cause" not in said
    assert repr(result) == "ShortRunClustering: 7 episodes of 4 children"
    assert result.summary()["naive_ratio"].tolist() == pytest.approx(np.repeat(result.naive["ratio"], 2).tolist())


def test_the_plot_shows_each_ratio_and_the_naive_one() -> None:
    result = short_run_clustering(simulate_repeats(300, random_state=1).assign(home="elm"), strata="home")
    axes = result.plot()
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels[:3] == ["7 days, child's whole time", "7 days, each spell", "7 days, each half-year"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["within children", "naive: misleading"]
    assert result.plot(axes) is axes
