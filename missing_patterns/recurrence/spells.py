"""Spells at risk: checked, ties made exact, spells without length accounted for, and sums over who is at risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import TableRefused, positions
from missing_patterns.recurrence.common import Bools, Floats, Ints, check_flags, tie_times


@dataclass(frozen=True, slots=True)
class Spells:
    """Spells at risk of one group, sorted by child and time, none without length; ``episodes`` begin at ``stop``.

    ``child`` numbers the children of the whole table, so that one who is in two groups is known as one.
    """

    child: Ints
    start: Floats
    stop: Floats
    episodes: Floats
    n_zero_length: int


def _refuse(rows: Ints, why: str) -> TableRefused:
    return TableRefused.of_problems("intervals", [f"{why}, at {positions([int(i) for i in np.sort(rows)])}"])


def read_spells(intervals: pd.DataFrame) -> tuple[pd.DataFrame, Floats, Floats]:
    """Check a table of intervals; return it with its starts and stops, ties made exact.

    Parameters
    ----------
    intervals : pd.DataFrame
        One row per spell at risk, on (start, stop]: ``child_id start stop event`` and what may be grouped by.

    Raises
    ------
    TableRefused
        If a column is absent, a spell ends before it starts or is infinite, two spells of a child overlap, or
        ``event`` is not 0 or 1.

    Examples
    --------
    >>> frame = pd.DataFrame({"child_id": ["A"], "start": [5.0], "stop": [2.0], "event": [0]})
    >>> read_spells(frame)
    Traceback (most recent call last):
    missing_patterns.errors.TableRefused: The table 'intervals' cannot be used:
    - a spell ends before it starts, at position 0
    """
    frame = schema.conform(intervals, schema.INTERVALS)
    check_flags(frame["event"], "intervals")
    start, stop = frame["start"].to_numpy(), frame["stop"].to_numpy()
    if (wrong := ~(np.isfinite(start) & np.isfinite(stop))).any():
        raise _refuse(np.flatnonzero(wrong), "a start or stop is infinite")
    if len(frame):
        start, stop = tie_times(start, stop)
    if (wrong := stop < start).any():
        raise _refuse(np.flatnonzero(wrong), "a spell ends before it starts")
    child = pd.factorize(frame["child_id"])[0]
    order = np.lexsort((stop, start, child))
    order = order[stop[order] > start[order]]
    same = child[order][1:] == child[order][:-1]
    if (wrong := same & (start[order][1:] < stop[order][:-1])).any():
        raise _refuse(order[1:][wrong], "a spell overlaps another of the same child")
    return frame, start, stop


def spells_of(frame: pd.DataFrame, rows: Ints, start: Floats, stop: Floats) -> Spells:
    """Sort one group's spells; give the episodes of spells without length to the spell that ends at that moment.

    Software for survival data drops spells without length in silence, and the episodes with them.

    Raises
    ------
    TableRefused
        If an episode stands on a spell without length that follows no other spell of the child.

    Examples
    --------
    >>> frame = pd.DataFrame({"child_id": ["A", "A"], "start": [0.0, 9.0], "stop": [9.0, 9.0], "event": [1, 1]})
    >>> spells_of(*[read_spells(frame)[0], np.arange(2)], *read_spells(frame)[1:]).episodes.tolist()
    [2.0]
    """
    child = pd.factorize(frame["child_id"])[0].astype(np.int64)[rows]
    event = frame["event"].iloc[rows].to_numpy(dtype=np.float64)
    start, stop = start[rows], stop[rows]
    flat = stop == start
    order = np.lexsort((flat, stop, child))
    same = (np.diff(child[order], prepend=-1) == 0) & (np.diff(stop[order], prepend=np.nan) == 0)
    lost: Bools = flat[order] & ~same & (event[order] > 0)
    if lost.any():
        raise _refuse(rows[order[lost]], "an episode on a spell without length follows no spell at risk of that child")
    episodes = np.bincount(np.cumsum(~same) - 1, event[order], minlength=1) if len(order) else event
    heads = order[~same]
    kept = ~flat[heads]
    heads, episodes = heads[kept], episodes[: len(heads)][kept]
    return Spells(child[heads], start[heads], stop[heads], episodes, int(flat.sum()))


def at_risk_steps(spells: Spells) -> tuple[Floats, Ints, Ints]:
    """Return the distinct days on which a spell ends, and the first and last of them at which each spell is at risk.

    A spell that starts on a day is not yet at risk on it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> one = Spells(np.array([0, 0]), np.array([0.0, 4.0]), np.array([4.0, 9.0]), np.array([1.0, 0.0]), 0)
    >>> [a.tolist() for a in at_risk_steps(one)]
    [[4.0, 9.0], [0, 1], [0, 1]]
    """
    days = np.unique(spells.stop)
    return days, np.searchsorted(days, spells.start, side="right"), np.searchsorted(days, spells.stop)


def sum_over_risk(value: Floats, first: Ints, last: Ints, n_steps: int) -> Floats:
    """Return, for each step, the sum of a value of the spells at risk on it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> sum_over_risk(np.array([1.0, 10.0]), np.array([0, 1]), np.array([1, 1]), 2).tolist()
    [1.0, 11.0]
    """
    enters = np.bincount(first, value, minlength=n_steps + 1)
    leaves = np.bincount(last + 1, value, minlength=n_steps + 1)
    total: Floats = np.cumsum(enters - leaves)[:n_steps]
    return total
