"""Who is at risk when: tables worked by hand, and a slow plain twin for every way of counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.recurrence.cox import cells as room
from missing_patterns.recurrence.cox.risk import (
    RiskSets,
    has_tiny,
    risk_sets,
    sum_at_events,
    sum_at_risk,
    sum_over_cells,
)

# start stop event stratum; on day 5 the second row has just entered and is not yet at risk
TABLE = """
    0    5   1   0
    5    9   1   0
    0    9   1   0
    0    7   0   0
    2    5   1   1
    5    9   0   1
    0    1   0   1
"""


def arrays(table: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.array([line.split() for line in table.strip().split("\n")], dtype=float)
    return rows[:, 0], rows[:, 1], rows[:, 2] > 0, rows[:, 3].astype(np.int64)


def test_a_row_that_enters_at_an_event_time_is_not_yet_at_risk() -> None:
    risk = risk_sets(*arrays(TABLE))
    assert list(zip(risk.stratum.tolist(), risk.times.tolist(), strict=True)) == [(0, 5.0), (0, 9.0), (1, 5.0)]
    assert list(zip(risk.first.tolist(), risk.last.tolist(), strict=True)) == [
        (0, 1),
        (1, 2),
        (0, 2),
        (0, 1),
        (2, 3),
        (3, 3),
        (2, 2),
    ]
    assert risk.cell.tolist() == [0, 1, 1, 0, 2, 0, 0]
    assert sum_at_risk(np.ones(7), risk).tolist() == [3.0, 2.0, 1.0]
    assert sum_at_events(np.arange(7.0), risk).tolist() == [0.0, 3.0, 4.0]
    assert sum_over_cells(np.array([1.0, 10.0, 100.0]), risk).tolist() == [1.0, 10.0, 11.0, 1.0, 100.0, 0.0, 0.0]
    assert repr(risk) == "RiskSets: 7 rows, 3 cells"


def test_without_events_there_are_no_cells() -> None:
    start, stop, event, stratum = arrays(TABLE)
    risk = risk_sets(start, stop, np.zeros_like(event), stratum)
    assert sum_at_risk(np.ones(7), risk).tolist() == []
    assert sum_at_risk(np.ones((7, 2)), risk).shape == (0, 2)
    assert sum_at_events(np.ones((7, 2)), risk).shape == (0, 2)
    assert not has_tiny(np.empty(0), risk)
    none = np.empty(0)
    assert len(risk_sets(none, none, none.astype(bool), none.astype(np.int64)).first) == 0


def slow_sums(
    start: np.ndarray, stop: np.ndarray, event: np.ndarray, stratum: np.ndarray, value: np.ndarray
) -> dict[tuple[int, float], float]:
    cells = sorted({(int(s), float(t)) for s, t, e in zip(stratum, stop, event, strict=True) if e})
    return {(s, t): float(np.sum(value[(stratum == s) & (start < t) & (t <= stop)])) for s, t in cells}


rows = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 8), st.booleans(), st.integers(0, 3), st.integers(-9, 9)),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("look_up", [True, False])
@pytest.mark.parametrize("whole", [True, False])
@given(drawn=rows)
@settings(deadline=None, max_examples=15)
def test_sums_are_those_of_a_plain_loop(
    drawn: list[tuple[int, int, bool, int, int]], whole: bool, look_up: bool
) -> None:
    start = np.array([d[0] for d in drawn]) * (1.0 if whole else 0.37)
    stop = start + np.array([d[1] for d in drawn]) * (1.0 if whole else 0.37)
    stop = np.round(stop, 6)
    start = np.round(start, 6)
    event, stratum = np.array([d[2] for d in drawn]), np.array([d[3] for d in drawn])
    value = np.array([d[4] for d in drawn], dtype=float)
    with pytest.MonkeyPatch.context() as patch:
        if not look_up:
            patch.setattr(room, "_LOOK_UP_ALWAYS", 0)
            patch.setattr(room, "_LOOK_UP_PER_ROW", 0)
        risk = risk_sets(start, stop, event, stratum)
    want = slow_sums(start, stop, event, stratum, value)
    assert list(zip(risk.stratum.tolist(), risk.times.tolist(), strict=True)) == list(want)
    for careful in (None, True, False):
        assert sum_at_risk(value, risk, careful=careful).tolist() == list(want.values())
    two = sum_at_risk(np.column_stack([value, -2 * value]), risk)
    assert two[:, 0].tolist() == list(want.values())
    assert two[:, 1].tolist() == [-2 * w for w in want.values()]


def unlike(n: int = 400) -> tuple[RiskSets, np.ndarray, list[float]]:
    """A few rows of size 1 are at risk early, and then one enters that is a million million times as large."""
    rng = np.random.default_rng(0)
    start = np.floor(rng.uniform(0, 20, n))
    stop = start + 1 + np.floor(rng.uniform(0, 20, n))
    value = np.exp(rng.normal(0, 1, n))
    value[start > 15] *= 1e14
    event, stratum = np.ones(n, dtype=bool), np.arange(n) % 2
    risk = risk_sets(start, stop, event, stratum)
    return risk, value, list(slow_sums(start, stop, event, stratum, value).values())


def test_a_small_risk_set_before_a_huge_one_keeps_its_digits() -> None:
    risk, value, want = unlike()
    quick = sum_at_risk(value, risk, careful=False)
    assert has_tiny(quick, risk)
    assert np.abs(quick / want - 1).max() > 1e-6  # what would happen without care
    np.testing.assert_allclose(sum_at_risk(value, risk), want, rtol=1e-14)
    signed = value * np.where(np.arange(len(value)) % 3 == 0, -1.0, 1.0)
    both = sum_at_risk(np.column_stack([signed, value]), risk)
    np.testing.assert_allclose(both[:, 1], want, rtol=1e-14)


def test_a_small_risk_set_after_a_huge_one_needs_no_care() -> None:
    stop = np.arange(1.0, 201.0)
    value = np.where(stop < 100, 1e16, 1.0)
    risk = risk_sets(np.zeros(200), stop, np.ones(200, dtype=bool), np.zeros(200, dtype=np.int64))
    quick = sum_at_risk(value, risk, careful=False)
    assert not has_tiny(quick, risk)
    assert quick[-1] == 1.0
    assert quick[150] == 50.0


def test_rounding_of_one_stratum_does_not_reach_another() -> None:
    rng = np.random.default_rng(3)
    n = 400
    stratum = np.repeat(np.arange(4), n // 4)
    start = np.floor(rng.uniform(0, 20, n))
    stop = start + 1 + np.floor(rng.uniform(0, 20, n))
    value = rng.uniform(1, 2, n) * np.array([1.0, 1e9, 1.0, 1e9])[stratum]
    event = np.ones(n, dtype=bool)
    risk = risk_sets(start, stop, event, stratum)
    quick = sum_at_risk(value, risk, careful=False)
    assert not has_tiny(quick, risk)
    np.testing.assert_allclose(quick, list(slow_sums(start, stop, event, stratum, value).values()), rtol=1e-12)


def test_a_stratum_that_is_small_beside_another_needs_no_care() -> None:
    risk = risk_sets(np.zeros(2), np.ones(2), np.ones(2, dtype=bool), np.array([0, 1]))
    assert not has_tiny(np.array([1.0, 1e9]), risk)
    assert not has_tiny(np.array([1e9, 1.0]), risk)


def test_a_huge_row_that_is_at_risk_in_no_cell_leaves_no_trace() -> None:
    start, stop = np.array([0.0, 0.0, 1.5]), np.array([1.0, 3.0, 2.0])
    risk = risk_sets(start, stop, np.array([True, True, False]), np.zeros(3, dtype=np.int64))
    assert sum_at_risk(np.array([0.1, 0.2, 1e30]), risk, careful=False).tolist() == [0.1 + 0.2, 0.2]
