"""Spells at risk as sorted arrays: the children, what has one rate of its own, and what is cut needlessly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.recurrence.common import Bools, Floats, Ints
from missing_patterns.recurrence.spells import read_rows as read_spells


@dataclass(frozen=True, slots=True)
class Rows:
    """Spells at risk sorted by child and time, one entry each; children and units are numbered from 0 without holes.

    A unit is what has one rate of its own: a child, or one placement spell of a child. Units of a child are together.
    ``x`` holds covariates, one column each, by which the rate differs from row to row; it may have no column.
    """

    child: Ints
    unit: Ints
    start: Floats
    stop: Floats
    event: Bools
    x: Floats

    @property
    def n_children(self) -> int:
        """Number of children."""
        return int(self.child[-1]) + 1 if len(self.child) else 0

    def of_children(self, chosen: Bools) -> Rows:
        """Return the rows of some children, renumbered.

        Raises
        ------
        Nothing.
        """
        keep = chosen[self.child]
        return Rows(
            _renumber(self.child[keep]),
            _renumber(self.unit[keep]),
            self.start[keep],
            self.stop[keep],
            self.event[keep],
            self.x[keep],
        )


def _renumber(number: Ints) -> Ints:
    """Number runs of equal numbers from 0."""
    return np.cumsum(np.diff(number, prepend=number[:1]) != 0)


def _spell_of(frame: pd.DataFrame, strata: str | list[str] | None, order: Ints) -> Ints:
    """Number what a child's rate belongs to: a new number wherever a column differs from the row before."""
    if strata is None:
        return np.zeros(len(order), dtype=np.int64)
    changed = np.zeros(len(order), dtype=bool)
    for column in [strata] if isinstance(strata, str) else list(strata):
        if column not in frame.columns:
            hint = did_you_mean(str(column), map(str, frame.columns))
            raise ArgumentRefused(f"there is no column '{column}' to divide a child's time by.{hint}")
        codes = pd.factorize(frame[column])[0][order]
        changed |= np.diff(codes, prepend=codes[:1]) != 0
    return np.cumsum(changed)


def join(rows: Rows) -> Rows:
    """Join rows that go on in the next without an episode, and drop empty ones: cuts carry no information here.

    Raises
    ------
    Nothing.
    """
    keep = rows.event | (rows.stop > rows.start)
    child, unit, start, stop = (a[keep] for a in (rows.child, rows.unit, rows.start, rows.stop))
    event, x = rows.event[keep], rows.x[keep]
    ends = (unit[1:] != unit[:-1]) | event[:-1] | (start[1:] != stop[:-1]) | (x[1:] != x[:-1]).any(axis=1)
    first = np.append(True, ends)[: len(child)]
    last = np.append(ends, True)[-len(child) :] if len(child) else first
    return Rows(child[first], unit[first], start[first], stop[last], event[last], x[last])


def in_order_of_looks(rows: Rows) -> Rows:
    """Number children by what their histories look like, so that a seed means the same under any ids and order.

    Raises
    ------
    Nothing.
    """
    n = rows.n_children
    size = np.bincount(rows.child, minlength=n)
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    at_risk = np.bincount(rows.child, rows.stop - rows.start, minlength=n)
    when = np.bincount(rows.child, rows.stop * rows.event, minlength=n)
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort((when, rows.stop[first], at_risk, size))] = np.arange(n)
    order = np.argsort(rank[rows.child], kind="stable")
    return Rows(
        np.sort(rank[rows.child]),
        _renumber(rows.unit[order]),
        rows.start[order],
        rows.stop[order],
        rows.event[order],
        rows.x[order],
    )


def sort_rows(intervals: pd.DataFrame, strata: str | list[str] | None) -> tuple[Rows, Ints]:
    """Check a table of intervals and sort it; return the rows, and the order of the table's rows.

    Raises
    ------
    TableRefused
        As :func:`missing_patterns.recurrence.mean_cumulative`.
    ArgumentRefused
        If there is no such column to divide by.

    Examples
    --------
    >>> intervals = pd.DataFrame({"child_id": ["A", "A"], "start": [5.0, 0.0], "stop": [9.0, 5.0], "event": [0, 1],
    ...                           "home": ["oak", "elm"]})
    >>> rows, order = sort_rows(intervals, "home")
    >>> rows.unit.tolist(), rows.event.tolist(), order.tolist()
    ([0, 1], [True, False], [1, 0])
    """
    read = read_spells(intervals)
    order = read.order
    child = read.child[order].astype(np.int64)
    spell = _spell_of(intervals, strata, order)
    changed = (np.diff(child, prepend=-1) != 0) | (np.diff(spell, prepend=spell[:1]) != 0)
    start, stop = read.axis[read.entered[order]], read.axis[read.left[order]]
    nothing = np.zeros((len(order), 0))
    return Rows(child, np.cumsum(changed) - 1, start, stop, read.episode[order], nothing), order
