"""Spells at risk: checked, ties made exact, spells without length accounted for, and sums over who is at risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.recurrence.common import Bools, Floats, Ints, plural
from missing_patterns.recurrence.door import (
    LOOK_UP_ALWAYS,
    LOOK_UP_PER_ROW,
    flags,
    numbered,
    numbers,
    ranked,
    refuse,
    require,
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Rows:
    """A checked table of spells as arrays, in the order given.

    ``axis`` days, ascending, ties made exact; ``entered`` and ``left`` places of start and stop on it; ``child``
    numbers from 0 to ``n_children``; ``episode`` whether one began at stop; ``order`` the rows by child, start, stop,
    and ``rank`` the place of each row in it.
    """

    axis: Floats
    child: Ints
    n_children: int
    entered: Ints
    left: Ints
    episode: Bools
    order: Ints
    rank: Ints

    def __repr__(self) -> str:
        return f"Rows: {plural(len(self.child), 'spell')}, {plural(self.n_children, 'child', 'children')}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Spells:
    """Spells at risk of one group, sorted by child and time, none without length; ``episodes`` begin at ``stop``.

    ``child`` numbers the children of the whole table, so that one who is in two groups is known as one; ``entered``
    and ``left`` are places on ``axis``; ``exits`` is 1 where the child left for good at ``stop``; ``row`` is the
    position of each spell in the table.
    """

    axis: Floats
    child: Ints
    entered: Ints
    left: Ints
    episodes: Floats
    exits: Floats
    row: Ints
    n_zero_length: int

    def __repr__(self) -> str:
        return f"Spells: {plural(len(self.child), 'spell')}, {plural(self.n_children, 'child', 'children')}"

    @property
    def start(self) -> Floats:
        """Days at which the spells begin."""
        return self.axis[self.entered]

    @property
    def stop(self) -> Floats:
        """Days at which the spells end."""
        return self.axis[self.left]

    @property
    def is_first(self) -> Bools:
        """Whether a spell is its child's first."""
        is_first: Bools = np.diff(self.child, prepend=-1) != 0
        return is_first

    @property
    def n_children(self) -> int:
        """Number of distinct children."""
        return int(self.is_first.sum())


def places(frame: pd.DataFrame, table: schema.Table) -> tuple[Floats, Ints, Ints]:
    """Return the axis of days and the places of ``start`` and ``stop`` on it.

    Raises
    ------
    TableRefused
        If a start or stop is infinite, or a spell ends before it starts.

    Examples
    --------
    >>> places(pd.DataFrame({"start": [5.0], "stop": [2.0]}), schema.INTERVALS)
    Traceback (most recent call last):
    missing_patterns.errors.TableRefused: The table 'intervals' cannot be used:
    - a spell ends before it starts, at position 0
    """
    start, stop = numbers(frame, "start", table), numbers(frame, "stop", table)
    if (wrong := ~(np.isfinite(start) & np.isfinite(stop))).any():
        raise refuse(np.flatnonzero(wrong), "a start or stop is infinite")
    axis, (entered, left) = ranked(start, stop)
    if (wrong := left < entered).any():
        raise refuse(np.flatnonzero(wrong), "a spell ends before it starts")
    return axis, entered, left


def read_rows(intervals: pd.DataFrame) -> Rows:
    """Check a table of intervals and return it as arrays.

    Parameters
    ----------
    intervals : pd.DataFrame
        One row per spell at risk, on (start, stop]: ``child_id start stop event``.

    Raises
    ------
    TableRefused
        If a column is absent, a spell ends before it starts or is infinite, two spells of a child overlap, or
        ``event`` is not 0 or 1.

    Examples
    --------
    >>> frame = pd.DataFrame({"child_id": ["A", "A"], "start": [5, 0], "stop": [9, 5], "event": [0, 1]})
    >>> rows = read_rows(frame)
    >>> rows
    Rows: 2 spells, 1 child
    >>> rows.order.tolist()
    [1, 0]
    """
    require(intervals, schema.INTERVALS)
    child, n_children = numbered(intervals, "child_id", schema.INTERVALS)
    episode = flags(intervals, schema.INTERVALS)
    axis, entered, left = places(intervals, schema.INTERVALS)
    order = _sorted(child, entered, left, len(axis))
    there = order[left[order] > entered[order]] if (left == entered).any() else order
    same = child[there][1:] == child[there][:-1]
    if (wrong := same & (entered[there][1:] < left[there][:-1])).any():
        raise refuse(there[1:][wrong], "a spell overlaps another of the same child")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return Rows(axis, child, n_children, entered, left, episode, order, rank)


def _sorted(child: Ints, entered: Ints, left: Ints, n_axis: int) -> Ints:
    """Return the order by child, start and stop; tables mostly come in it, and then nothing is sorted."""
    key = child * max(n_axis, 1) + entered
    if (key[1:] > key[:-1]).all():
        return np.arange(len(key))
    order = np.argsort(key, kind="stable")
    if (key[order][1:] == key[order][:-1]).any():
        order = np.lexsort((left, key))
    return order


def read_spells(intervals: pd.DataFrame) -> tuple[pd.DataFrame, Floats, Floats]:
    """Check a table of intervals; return it past the gate, with its starts and stops, ties made exact.

    Raises
    ------
    TableRefused
        As :func:`read_rows`, or if a further column of the table cannot be used.

    Examples
    --------
    >>> frame = pd.DataFrame({"child_id": ["A"], "start": [0.1 + 0.2], "stop": [0.5], "event": [0]})
    >>> read_spells(frame)[2].tolist()
    [0.5]
    """
    frame = schema.conform(intervals, schema.INTERVALS)
    rows = read_rows(frame)
    return frame, rows.axis[rows.entered], rows.axis[rows.left]


def spells_of(rows: Rows, chosen: Ints | None = None, exits: Bools | None = None) -> Spells:
    """Return one group's spells; give the episodes of spells without length to the spell that ends at that moment.

    Software for survival data drops spells without length in silence, and the episodes with them.

    Parameters
    ----------
    rows : Rows
        The whole table.
    chosen : array of int, optional
        Positions of the group's rows; None = all.
    exits : array of bool, optional
        Rows at whose end the child left for good.

    Raises
    ------
    TableRefused
        If an episode stands on a spell without length that follows no other spell of the child.

    Examples
    --------
    >>> frame = pd.DataFrame({"child_id": ["A", "A"], "start": [0.0, 9.0], "stop": [9.0, 9.0], "event": [1, 1]})
    >>> spells_of(read_rows(frame)).episodes.tolist()
    [2.0]
    """
    order = rows.order if chosen is None else rows.order[np.sort(rows.rank[chosen])]
    gone = np.zeros(len(order)) if exits is None else exits[order].astype(np.float64)
    episodes = rows.episode[order].astype(np.float64)
    flat = rows.left[order] == rows.entered[order]
    if not flat.any():
        return Spells(rows.axis, rows.child[order], rows.entered[order], rows.left[order], episodes, gone, order, 0)
    again = np.lexsort((flat, rows.left[order], rows.child[order]))
    order, gone, episodes, flat = order[again], gone[again], episodes[again], flat[again]
    child, left = rows.child[order], rows.left[order]
    same = (np.diff(child, prepend=-1) == 0) & (np.diff(left, prepend=-1) == 0)
    lost = flat & ~same & (episodes > 0)
    if lost.any():
        raise refuse(order[lost], "an episode on a spell without length follows no spell at risk of that child")
    heads = np.flatnonzero(~same)
    whose = np.cumsum(~same) - 1
    episodes = np.bincount(whose, episodes).astype(np.float64)
    gone = np.minimum(np.bincount(whose, gone), 1.0)
    kept = ~flat[heads]
    heads = heads[kept]
    row = order[heads]
    # A later stop of one child is a later start, so these are in the order of start too.
    return Spells(
        rows.axis, child[heads], rows.entered[row], left[heads], episodes[kept], gone[kept], row, int(flat.sum())
    )


def steps_of(axis: Floats, entered: Ints, left: Ints) -> tuple[Floats, Ints, Ints]:
    """Return the distinct days on which a spell ends, and the first and last of them at which each spell is at risk.

    A spell that starts on a day is not yet at risk on it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> axis = np.array([0.0, 4.0, 9.0])
    >>> [a.tolist() for a in steps_of(axis, np.array([0, 1]), np.array([1, 2]))]
    [[4.0, 9.0], [0, 1], [0, 1]]
    """
    if len(axis) <= max(LOOK_UP_ALWAYS, LOOK_UP_PER_ROW * len(left)):
        held: Bools = np.zeros(len(axis), dtype=np.bool_)
        held[left] = True
        so_far: Ints = np.cumsum(held)
        return axis[held], so_far[entered], so_far[left] - 1
    ends: Ints = np.unique(left)
    first: Ints = np.searchsorted(ends, entered, side="right")
    return axis[ends], first, np.searchsorted(ends, left)


def at_risk_steps(spells: Spells) -> tuple[Floats, Ints, Ints]:
    """Return :func:`steps_of` a group's spells.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> frame = pd.DataFrame({"child_id": ["A", "A"], "start": [0.0, 4.0], "stop": [4.0, 9.0], "event": [1, 0]})
    >>> at_risk_steps(spells_of(read_rows(frame)))[0].tolist()
    [4.0, 9.0]
    """
    return steps_of(spells.axis, spells.entered, spells.left)


def sum_over_risk(value: Floats | None, first: Ints, last: Ints, n_steps: int) -> Floats:
    """Return, for each step, the sum of a value of the spells at risk on it; None counts them.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> sum_over_risk(np.array([1.0, 10.0]), np.array([0, 1]), np.array([1, 1]), 2).tolist()
    [1.0, 11.0]
    >>> sum_over_risk(None, np.array([0, 1]), np.array([1, 1]), 2).tolist()
    [1.0, 2.0]
    """
    enters = np.bincount(first, value, minlength=n_steps + 1)[: n_steps + 1]
    leaves = np.bincount(last, value, minlength=n_steps)
    total: Floats = np.cumsum(enters[:n_steps] - np.concatenate([[0], leaves])[:n_steps], dtype=np.float64)
    return total
