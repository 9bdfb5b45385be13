"""Who is at risk when an episode begins: one cell for each event time of each stratum, and the rows at risk in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from missing_patterns.recurrence.common import Bools, Floats, Ints

#: Tables indexed by day are used up to so many cells per row; beyond it, the few distinct times are searched.
_LOOK_UP_PER_ROW = 4
_LOOK_UP_ALWAYS = 100_000


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RiskSets:
    """Which rows are at risk in which cells. A cell is one distinct event time of one stratum.

    Parameters
    ----------
    times : array [D]
        Event time of each cell, in days; ordered by stratum, then time.
    stratum : array [D]
        Number of the cell's stratum.
    first : array [n]
        First cell at which the row is at risk: the first event time of its stratum after ``start``.
    last : array [n]
        One past the last: event times up to and including ``stop``. ``first == last``: at risk in no cell.
    event : array [n]
        Whether the row ends with an episode.
    cell : array [n]
        Cell of the row's episode (``last - 1``); 0 where there is none.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`risk_sets`.
    """

    times: Floats
    stratum: Ints
    first: Ints
    last: Ints
    event: Bools
    cell: Ints

    def __repr__(self) -> str:
        return f"RiskSets: {len(self.first):,} rows, {len(self.times):,} cells"


def risk_sets(start: Floats, stop: Floats, event: Bools, stratum: Ints) -> RiskSets:
    """Find the cells and who is at risk in them.

    A row is at risk on (start, stop]: one that starts at an event time is not yet at risk then.

    Parameters
    ----------
    start, stop : array [n]
        Days, ``start < stop``. Times that are equal in exact arithmetic must be equal here (``common.tie_times``).
    event : array [n]
        Whether the row ends with an episode.
    stratum : array [n]
        Number of the row's stratum, from 0.

    Returns
    -------
    RiskSets

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = np.array([0.0, 0.0, 4.0]), np.array([4.0, 9.0, 9.0])
    >>> risk = risk_sets(start, stop, np.array([True, False, True]), np.zeros(3, dtype=np.int64))
    >>> risk.times.tolist()
    [4.0, 9.0]
    >>> risk.first.tolist(), risk.last.tolist()
    ([0, 0, 1], [1, 2, 2])
    """
    event = np.asarray(event, dtype=np.bool_)
    stratum = np.asarray(stratum, dtype=np.int64)
    n_strata = int(stratum.max(initial=-1)) + 1
    entered, left, axis = _ranks(start, stop, event, n_strata)
    width = len(axis) + 1  # rank 0 = before any time on the axis
    entered += stratum * width
    left += stratum * width
    if n_strata * width <= max(_LOOK_UP_ALWAYS, _LOOK_UP_PER_ROW * len(start)):
        held = np.zeros(n_strata * width, dtype=np.bool_)
        held[left[event]] = True
        keys = np.flatnonzero(held)
        so_far = np.cumsum(held, dtype=np.int64)
        first, last = so_far[entered], so_far[left]
    else:
        keys = np.unique(left[event])
        first, last = np.searchsorted(keys, entered, side="right"), np.searchsorted(keys, left, side="right")
    return RiskSets(
        times=axis[keys % width - 1] if len(keys) else np.empty(0),
        stratum=keys // width if len(keys) else np.empty(0, dtype=np.int64),
        first=first,
        last=last,
        event=event,
        cell=np.where(event, last - 1, 0),
    )


def _ranks(start: Floats, stop: Floats, event: Bools, n_strata: int) -> tuple[Ints, Ints, Floats]:
    """Return how many times of an axis lie at or before each start and stop, and the axis.

    Whole days are their own ranks; other times are searched among the distinct event times.
    """
    if not event.any():
        return np.zeros(len(start), dtype=np.int64), np.zeros(len(stop), dtype=np.int64), np.empty(0)
    low, high = float(start.min()), float(stop.max())
    room = max(_LOOK_UP_ALWAYS, _LOOK_UP_PER_ROW * len(start)) / max(n_strata, 1)
    if np.isfinite(low) and high - low < room and low == np.floor(low):
        entered, left = (start - low).astype(np.int64), (stop - low).astype(np.int64)
        if (entered == start - low).all() and (left == stop - low).all():
            return entered, left, low + np.arange(1.0, high - low + 1.0)
    axis: Floats = np.unique(stop[event])
    return np.searchsorted(axis, start, side="right"), np.searchsorted(axis, stop, side="right"), axis


def stratum_ends(risk: RiskSets) -> Ints:
    """Return one past the last cell of each stratum that has cells.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = np.zeros(3), np.array([1.0, 2.0, 1.0])
    >>> stratum_ends(risk_sets(start, stop, np.array([True, True, True]), np.array([0, 0, 1]))).tolist()
    [2, 3]
    """
    if not len(risk.stratum):
        return np.empty(0, dtype=np.int64)
    return np.append(np.flatnonzero(np.diff(risk.stratum)) + 1, len(risk.stratum))
