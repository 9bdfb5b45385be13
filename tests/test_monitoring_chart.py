"""Counts by month, and the XmR chart with its signals."""

from __future__ import annotations

from io import StringIO
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors, monitoring


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), sep=r"\s\s+", engine="python")


EPISODES = table("""
    child_id  missing_from
    ann       2025-12-30 22:00
    ann       2026-01-02 22:00
    bob       2026-01-31 23:59
    bob       2026-02-01 00:00
    cat       2026-04-10 21:00
    cat       2026-04-11 21:00
    dan       2026-05-01 00:30
""")


def months(n: int, start: str = "2024-01") -> list[str]:
    return [str(m) for m in pd.period_range(start, periods=n, freq="M")]


def chart(values: list[object], **named: object) -> monitoring.ControlChart:
    return monitoring.control_chart(pd.DataFrame({"month": months(len(values)), "n_children": values}), **named)


def signals(values: list[object], rule: str) -> list[int]:
    """Return the positions of the months that take part in a rule's signal."""
    return np.flatnonzero(chart(values).table[rule]).tolist()


def test_each_month_counts_episodes_children_and_newcomers_and_none_is_left_out() -> None:
    found = monitoring.monthly_counts(EPISODES, first_month="2026-01", last_month="2026-04")
    assert found.to_numpy().tolist() == [
        ["2026-01", 2, 2, 1],  # ann's first was in December
        ["2026-02", 1, 1, 0],
        ["2026-03", 0, 0, 0],
        ["2026-04", 2, 1, 1],
    ]


def test_a_month_is_a_month_in_london() -> None:
    # 23:30 on 30 April in UTC is half past midnight on 1 May in London
    late = pd.DataFrame({"child_id": ["dan"], "missing_from": [pd.Timestamp("2026-04-30 23:30", tz="UTC")]})
    found = monitoring.monthly_counts(late, first_month="2026-04", last_month="2026-05")
    assert found["n_episodes"].tolist() == [0, 1]


def test_counts_do_not_depend_on_row_order_or_modify_the_input() -> None:
    before = EPISODES.copy(deep=True)
    one, other = (
        monitoring.monthly_counts(f, first_month="2025-12", last_month="2026-05")
        for f in (EPISODES, EPISODES.iloc[::-1])
    )
    pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(EPISODES, before)
    assert one[["n_episodes", "n_new_children"]].sum().tolist() == [7, 4]


def test_no_episodes_give_months_of_nought() -> None:
    found = monitoring.monthly_counts(EPISODES.iloc[:0], first_month="2026-01", last_month="2026-01")
    assert found.to_numpy().tolist() == [["2026-01", 0, 0, 0]]


def test_months_that_cannot_be_are_refused() -> None:
    with pytest.raises(errors.ArgumentRefused, match="yyyy-mm"):
        monitoring.monthly_counts(EPISODES, first_month="2026-1", last_month="2026-02")
    with pytest.raises(errors.ArgumentRefused, match="must not be before"):
        monitoring.monthly_counts(EPISODES, first_month="2026-02", last_month="2026-01")


def test_limits_are_those_of_the_published_example_screened() -> None:
    # NHSRplotthedots, vignette on screening: mean 1.94, limits -0.72 and 4.60 (unscreened: -3.06 and 6.95)
    values: list[object] = [1, 2, 1, 2, 10, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]
    found = chart(values, floor=None)
    assert [round(x, 2) for x in (found.mean, found.lower, found.upper)] == [1.94, -0.72, 4.6]
    assert found.table.loc[found.table["signal"] != "", "signal"].to_dict() == {4: "outside"}
    assert chart(values).lower == 0.0


def test_seven_on_one_side_of_the_mean() -> None:
    low_then_high: list[object] = [1, 3, 2, 1, 3, 2, 3, 11, 12, 10, 11, 12, 10, 11]
    assert signals(low_then_high, "one_side") == list(range(14))
    assert signals(low_then_high[1:], "one_side") == list(range(6, 13))  # six low ones are too few


def test_a_month_on_the_mean_is_on_no_side() -> None:
    assert signals([4, 6, 6, 6, 5, 6, 6, 6, 0], "one_side") == []


def test_seven_rising_or_falling() -> None:
    rising: list[object] = [5, 1, 2, 3, 4, 5, 6, 7, 2]
    assert signals(rising, "trend") == [1, 2, 3, 4, 5, 6, 7]
    assert signals([-v for v in rising], "trend") == [1, 2, 3, 4, 5, 6, 7]  # type: ignore[operator]
    assert signals([5, 1, 2, 3, 4, 5, 6, 6, 7], "trend") == []


def test_two_of_three_near_a_limit_with_all_three_on_its_side() -> None:
    # mean 10, mean moving range 2.14: upper limit 15.7, outer third from 13.8; the 13 between is not in it
    noisy: list[object] = [9, 11, 8, 10, 9, 10, 15, 13, 15, 9, 8, 9, 8, 7, 9]
    found = chart(noisy)
    assert (found.mean, round(found.upper, 2)) == (10.0, 15.7)
    assert signals(noisy, "near_limit") == [6, 8]
    apart: list[object] = [9, 11, 8, 10, 9, 10, 15, 9, 15, 13, 8, 9, 8, 7, 9]
    assert signals(apart, "near_limit") == []


def test_a_month_may_be_in_several_signals() -> None:
    values: list[object] = [2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 20, 21, 22, 23, 24, 25, 26]
    assert "outside; one_side; trend" in chart(values).table["signal"].tolist()


def test_months_without_a_figure_are_skipped_and_those_around_them_are_neighbours() -> None:
    found = chart([5, "c", 7, None, pd.NA, 6, float("nan")])
    plain = chart([5, 7, 6])
    assert (found.mean, found.upper, found.lower) == (plain.mean, plain.upper, plain.lower)
    assert (found.n_points, found.n_not_recorded, found.is_trial) == (3, 4, True)
    assert found.table["value"].isna().tolist() == [False, True, False, True, True, False, True]
    assert "4 month(s) have no figure" in found.explain()


def test_fewer_than_twelve_points_give_trial_limits() -> None:
    assert chart([1, 2] * 5 + [3]).is_trial
    assert not chart([1, 2] * 6).is_trial
    assert "trial limits" in chart([1, 2] * 3).explain()
    assert "trial limits" not in chart([1, 2] * 6).explain()


def test_none_one_and_equal_months() -> None:
    nothing = chart([])
    assert np.isnan([nothing.mean, nothing.lower, nothing.upper]).all()
    one = chart([4])
    assert (one.mean, np.isnan(one.upper), one.table["signal"].tolist()) == (4.0, True, [""])
    assert "fewer than two months" in one.explain()
    alike = chart([4] * 9)
    assert (alike.lower, alike.mean, alike.upper) == (4.0, 4.0, 4.0)
    assert (alike.table["signal"] == "").all()
    assert "No month stands out" in alike.explain()


def test_order_of_months_does_not_matter_and_the_input_is_not_modified() -> None:
    counts = pd.DataFrame({"month": months(14), "n_children": [3, 9, 4, 4, 5, 2, 8, 1, 1, 7, 3, 20, 4, 4]})
    before = counts.copy(deep=True)
    one, other = (monitoring.control_chart(c).table for c in (counts, counts.sample(frac=1, random_state=3)))
    pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(counts, before)


def test_monthly_counts_go_straight_in() -> None:
    counts = monitoring.monthly_counts(EPISODES, first_month="2026-01", last_month="2026-05")
    assert monitoring.control_chart(counts, "n_episodes").mean == 6 / 5


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"month": ["2026-01", "2026-01"], "n_children": [1, 2]}, "'month' holds a month twice"),
        ({"month": ["Jan 26"], "n_children": [1]}, "not written yyyy-mm"),
        ({"month": ["2026-01", "2026-02"], "n_children": [1, "x"]}, "something else than numbers at position 1"),
        ({"month": ["2026-01", "2026-02"], "n_children": [np.inf, True]}, "at positions 0, 1"),
        ({"month": ["2026-01"], "n_child": [1]}, "Did you mean 'n_child'"),
    ],
)
def test_tables_that_cannot_be_charted_are_refused(frame: dict[str, list[object]], message: str) -> None:
    with pytest.raises(errors.TableRefused, match=message):
        monitoring.control_chart(pd.DataFrame(frame))


def test_explain_repr_summary_and_plot() -> None:
    found = chart([2, 1, 2, 1, 2, 9, 1, 2, 1, 2, 1, 2])
    assert repr(found) == "ControlChart of n_children: 12 months, 1 in a signal"
    assert "Months that stand out: 1 outside the limits" in found.explain()
    assert "look first for a change in recording" in found.explain()
    pd.testing.assert_frame_equal(found.summary(), found.table)
    axes = found.plot()
    assert [len(line.get_xdata()) for line in axes.lines[:2]] == [12, 1]
    assert len(axes.lines) == 5  # months, marks, mean and two limits
    assert chart([4]).plot(axes) is axes


def plain_range_limit(points: list[int]) -> float:
    ranges = [abs(b - a) for a, b in pairwise(points)]
    mean = sum(ranges) / len(ranges)
    kept = [r for r in ranges if r < 3.267 * mean] or ranges
    return 2.66 * sum(kept) / len(kept)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=30))
def test_signals_are_those_of_a_plain_twin(points: list[int]) -> None:
    found = chart(list(points), floor=None)
    mean, width = sum(points) / len(points), plain_range_limit(points)
    assert found.upper == pytest.approx(mean + width)
    for i, row in enumerate(found.table.itertuples()):
        windows = [points[a : a + 7] for a in range(max(0, i - 6), i + 1) if a + 7 <= len(points)]
        assert row.one_side == any(all(p > mean for p in w) or all(p < mean for p in w) for w in windows)
        steps = [[b - a for a, b in pairwise(w)] for w in windows]
        assert row.trend == any(all(s > 0 for s in w) or all(s < 0 for s in w) for w in steps)
