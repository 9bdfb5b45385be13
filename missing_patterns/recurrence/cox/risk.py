"""Sums over who is at risk when an episode begins, which keep their digits. The risk sets are made in ``cells``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from missing_patterns.recurrence.common import Floats, Ints
from missing_patterns.recurrence.cox.cells import RiskSets, risk_sets, stratum_ends

__all__ = [
    "RiskSets",
    "Slots",
    "has_tiny",
    "read_slots",
    "risk_sets",
    "slots_of",
    "stratum_ends",
    "sum_at_events",
    "sum_at_risk",
    "sum_over_cells",
]

#: A sum over a risk set below this share of the largest one that it was made from has lost digits: it is made again.
TINY = 1e-4

#: So many strata at most are summed one by one.
_MOST_APART = 10_000


def sum_at_risk(value: Floats, risk: RiskSets, *, careful: bool | None = None) -> Floats:
    """Return, for each cell, the sum of a value of the rows at risk in it.

    Every row is added where it leaves and taken away where it enters, running from the last cell to the first, so
    that late risk sets, which are small, are summed from their own rows only. A risk set that is tiny beside a later
    one of its stratum would lose its digits (possible with delayed entry, or with values of very unlike size): then
    the sums are made in whole numbers, which lose nothing.

    Parameters
    ----------
    value : array [n] or [n, p]
        Values of the rows.
    risk : RiskSets
        Who is at risk when.
    careful : bool, optional
        Whether to sum in whole numbers, three times as slow; None = where it is needed.

    Returns
    -------
    array [D] or [D, p]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = np.array([0.0, 0.0, 4.0]), np.array([4.0, 9.0, 9.0])
    >>> risk = risk_sets(start, stop, np.array([True, False, True]), np.zeros(3, dtype=np.int64))
    >>> sum_at_risk(np.array([1.0, 10.0, 100.0]), risk).tolist()
    [11.0, 110.0]
    """
    value = np.asarray(value, dtype=np.float64)
    columns = value.reshape(len(value), -1)
    slots = slots_of(risk)
    if careful is None:
        size = np.abs(columns).max(axis=1, initial=0.0)
        careful = has_tiny(_net(size[:, None], slots)[:, 0], risk)
    total = _exact(columns, slots) if careful else _net(columns, slots)
    return total.reshape((len(risk.times), *value.shape[1:]))


def has_tiny(total: Floats, risk: RiskSets) -> bool:
    """Say whether a sum over some risk set is so small beside a later one of its stratum that it has lost digits.

    Parameters
    ----------
    total : array [D]
        Sums of values of at least 0.
    risk : RiskSets
        Who is at risk when.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = np.array([0.0, 4.0]), np.array([4.0, 9.0])
    >>> risk = risk_sets(start, stop, np.array([True, True]), np.zeros(2, dtype=np.int64))
    >>> has_tiny(np.array([1.0, 1e9]), risk), has_tiny(np.array([1e9, 1.0]), risk)
    (True, False)
    """
    if not len(total):
        return False
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log2(np.maximum(total, 0.0))
    # Each stratum is lifted above those to its right by more than any two doubles can differ.
    lift = 4096.0 * (risk.stratum[-1] - risk.stratum)
    peak = np.maximum.accumulate((size + lift)[::-1])[::-1] - lift
    return bool((~(size >= peak + np.log2(TINY))).any())


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Slots:
    """Where rows are written so that running sums give sums over risk sets. Made by :func:`slots_of`.

    There is a slot for each cell and one more at the end of each stratum, where its last rows leave; and one beyond
    them all, where rows that are at risk in no cell fall out.

    Parameters
    ----------
    leave, enter : array [n]
        Slot at which the row is added and taken away.
    n : int
        Number of slots, with the last one of those that fall out.
    of_cell : array [D]
        Slot whose running sum, from the right, is the cell's.
    of_end : array [D]
        Slot whose running sum would be nothing, but for rounding.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`slots_of`.
    """

    leave: NDArray[np.int32]
    enter: NDArray[np.int32]
    n: int
    of_cell: Ints
    of_end: Ints


def slots_of(risk: RiskSets) -> Slots:
    """Lay out the slots of some risk sets.

    Parameters
    ----------
    risk : RiskSets
        Who is at risk when.

    Returns
    -------
    Slots

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = np.array([0.0, 0.0, 4.0]), np.array([4.0, 9.0, 9.0])
    >>> risk = risk_sets(start, stop, np.array([True, False, True]), np.zeros(3, dtype=np.int64))
    >>> slots = slots_of(risk)
    >>> slots.enter.tolist(), slots.leave.tolist(), slots.n
    ([0, 0, 1], [1, 2, 2], 4)
    """
    n_cells, ends = len(risk.times), stratum_ends(risk)
    ordinal = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    outside = risk.first >= risk.last
    n = n_cells + len(ends) + 1
    shift = ordinal[np.minimum(risk.first, n_cells - 1)] if len(ends) > 1 else 0
    return Slots(
        leave=np.where(outside, n - 1, risk.last + shift).astype(np.int32),
        enter=np.where(outside, n - 1, risk.first + shift).astype(np.int32),
        n=n,
        of_cell=np.arange(1, n_cells + 1) + ordinal,
        of_end=(ends + np.arange(1, len(ends) + 1))[ordinal],
    )


def read_slots(table: Floats, slots: Slots) -> Floats:
    """Turn what was written into slots into the sums over the risk set of each cell.

    Parameters
    ----------
    table : array [slots.n, p]
        Sums of what leaves in each slot, less what enters.
    slots : Slots
        The layout.

    Returns
    -------
    array [D, p]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = np.array([0.0, 0.0, 4.0]), np.array([4.0, 9.0, 9.0])
    >>> risk = risk_sets(start, stop, np.array([True, False, True]), np.zeros(3, dtype=np.int64))
    >>> read_slots(np.array([[-2.0], [0.0], [2.0], [0.0]]), slots_of(risk)).tolist()
    [[2.0], [2.0]]
    """
    running = np.zeros((slots.n, table.shape[1]))
    ends = slots.of_end[np.flatnonzero(np.diff(slots.of_end, append=-1))]
    if len(ends) > _MOST_APART:
        np.cumsum(table[-2::-1], axis=0, out=running[-2::-1])
        # Nobody is at risk between strata: what stands there is rounding, and is taken off.
        total: Floats = running[slots.of_cell] - running[slots.of_end]
        return total
    begin = 0
    for end in ends.tolist():  # each stratum from nothing, or the rounding of large ones would reach small ones
        running[begin:end] = np.cumsum(table[begin:end][::-1], axis=0)[::-1]
        begin = end
    apart: Floats = running[slots.of_cell]
    return apart


def _net(columns: Floats, slots: Slots) -> Floats:
    """Add rows where they leave and take them away where they enter, from the right; strata begin at nothing."""
    from scipy.sparse import csc_array

    n = len(columns)
    where = np.empty(2 * n, dtype=np.int32)
    where[0::2], where[1::2] = slots.leave, slots.enter
    sign = np.tile(np.array([1.0, -1.0]), n)
    moves = csc_array((sign, where, np.arange(0, 2 * n + 1, 2, dtype=np.int32)), shape=(slots.n, n)) @ columns
    return read_slots(moves, slots)


def _whole_parts(columns: Floats, n_addends: int) -> Iterator[tuple[Floats, Floats]]:
    """Cut values into three layers of whole numbers, and what each layer is worth: sums of them lose nothing.

    What is left out is about 2 ** -90 of the largest value.
    """
    largest = np.abs(columns).max(axis=0, initial=0.0)
    worth = np.exp2(np.ceil(np.log2(np.where(largest > 0, largest, 1.0))))
    bits = 51.0 - np.ceil(np.log2(n_addends + 1))
    rest: Floats = columns / worth
    for _ in range(3):
        rest = rest * 2.0**bits
        worth = worth * 2.0**-bits
        whole = np.trunc(rest)
        rest = rest - whole
        yield whole, worth


def _exact(columns: Floats, slots: Slots) -> Floats:
    """Sum without rounding."""
    total = np.zeros((len(slots.of_cell), columns.shape[1]))
    for whole, worth in _whole_parts(columns, len(columns)):
        total += _net(whole, slots) * worth
    return total


def sum_at_events(value: Floats, risk: RiskSets) -> Floats:
    """Return, for each cell, the sum of a value of the rows whose episode it is.

    Parameters
    ----------
    value : array [n] or [n, p]
        Values of the rows.
    risk : RiskSets
        Who is at risk when.

    Returns
    -------
    array [D] or [D, p]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = np.zeros(3), np.array([4.0, 4.0, 9.0])
    >>> risk = risk_sets(start, stop, np.array([True, True, False]), np.zeros(3, dtype=np.int64))
    >>> sum_at_events(np.array([1.0, 10.0, 100.0]), risk).tolist()
    [11.0]
    """
    rows = np.flatnonzero(risk.event)
    there, n_cells = risk.cell[rows], len(risk.times)
    columns = np.asarray(value, dtype=np.float64)[rows]
    total: Floats = np.zeros((n_cells, *columns.shape[1:]))
    if columns.ndim == 1:
        total[:] = np.bincount(there, columns, minlength=n_cells)
        return total
    for k in range(columns.shape[1]):
        total[:, k] = np.bincount(there, columns[:, k], minlength=n_cells)
    return total


def sum_over_cells(step: Floats, risk: RiskSets, rows: slice = slice(None), *, careful: bool = False) -> Floats:
    """Return, for each row, the sum of a value of the cells at which it is at risk.

    Parameters
    ----------
    step : array [D] or [D, p]
        Values of the cells.
    risk : RiskSets
        Who is at risk when.
    rows : slice, default all
        The rows wanted.
    careful : bool, default False
        Whether to sum in whole numbers, which lose nothing: for values of very unlike size.

    Returns
    -------
    array [n] or [n, p]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = np.array([0.0, 0.0, 4.0]), np.array([4.0, 9.0, 9.0])
    >>> risk = risk_sets(start, stop, np.array([True, False, True]), np.zeros(3, dtype=np.int64))
    >>> sum_over_cells(np.array([1.0, 10.0]), risk).tolist()
    [1.0, 11.0, 10.0]
    """
    first, last = risk.first[rows], risk.last[rows]
    ends = stratum_ends(risk)
    if careful:
        columns = step.reshape(len(step), -1)
        parts = _whole_parts(columns, len(step))
        summed = sum((_between(whole, first, last, ends) * worth for whole, worth in parts), np.zeros(1))
        return summed.reshape((len(first), *step.shape[1:]))
    return _between(step, first, last, ends)


def _between(step: Floats, first: Ints, last: Ints, ends: Ints) -> Floats:
    """Take running sums at two ends, each stratum's from nothing, so that small ones keep their digits."""
    if not 1 < len(ends) <= _MOST_APART:
        so_far = np.zeros((len(step) + 1, *step.shape[1:]))
        np.cumsum(step, axis=0, out=so_far[1:])
        total: Floats = so_far[last] - so_far[first]
        return total
    so_far = np.zeros((len(step) + len(ends), *step.shape[1:]))
    begin = 0
    for k, end in enumerate(ends.tolist()):
        np.cumsum(step[begin:end], axis=0, out=so_far[begin + k + 1 : end + k + 1])
        begin = end
    ordinal = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    shift = ordinal[np.minimum(first, len(step) - 1)]
    apart: Floats = so_far[last + shift] - so_far[first + shift]
    return apart
