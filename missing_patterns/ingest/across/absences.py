"""Which records of several sources are one absence: by reference, by overlapping times or dates, and by nearness.

Works on arrays that are in a fixed order of child and time, so that the order of the rows handed in cannot matter.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ABSENT = int(np.iinfo(np.int64).min)
MINUTE_US = 60_000_000
#: How long a record without a return is taken to last, and how far apart two with one reference may lie.
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Spans:
    """Records in order of child and start, times in microseconds and London days; ends are ABSENT if not recorded."""

    child: Ints
    source: Ints
    start: Ints
    end: Ints
    day0: Ints
    day1: Ints
    is_day: Flags

    def __len__(self) -> int:
        return len(self.child)

    def lasting(self) -> tuple[Ints, Ints]:
        """Return the ends, those not recorded filled in: a day later, or where the source has the child go again.

        Of records by date only it is the day of the start, since the return may have been on that day.

        Raises
        ------
        Nothing.
        """
        latest = np.full(len(self), np.iinfo(np.int64).max)
        order = np.lexsort((self.start, self.source, self.child))
        same = (np.diff(self.child[order]) == 0) & (np.diff(self.source[order]) == 0)
        latest[order[:-1][same]] = self.start[order[1:][same]]
        end = np.where(self.end == ABSENT, np.minimum(self.start + DAY_US, latest), self.end)
        return end, np.where(self.day1 == ABSENT, self.day0, self.day1)


class Groups:
    """Records that are joined one pair after the other; each group knows which sources it holds."""

    def __init__(self, source: Ints) -> None:
        self._parent = list(range(len(source)))
        self.sources = [1 << s for s in source.tolist()]
        self.size = [1] * len(source)
        # A group held together by more than overlap must not take in a second record of one source.
        self.is_loose = [False] * len(source)

    def find(self, i: int) -> int:
        """Return the record that stands for the group.

        Raises
        ------
        Nothing.
        """
        parent = self._parent
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def join(self, i: int, j: int, *, is_loose: bool = False) -> bool:
        """Join two groups unless that would put two records of one source together without an overlap.

        Raises
        ------
        Nothing.
        """
        a, b = self.find(i), self.find(j)
        if a == b:
            return False
        loose = is_loose or self.is_loose[a] or self.is_loose[b]
        if loose and self.sources[a] & self.sources[b]:
            return False
        a, b = min(a, b), max(a, b)
        self._parent[b] = a
        self.sources[a] |= self.sources[b]
        self.size[a] += self.size[b]
        self.is_loose[a] = loose
        return True

    def numbers(self) -> Ints:
        """Return, for each record, the position of the first of its group.

        Raises
        ------
        Nothing.
        """
        return np.array([self.find(i) for i in range(len(self._parent))], dtype=np.int64)


def join_absences(spans: Spans, named: Ints, tolerance: int) -> tuple[Ints, Ints]:
    """Group the records of one absence.

    In this order: pairs that share a reference; records of two sources whose times overlap; records by date only, the
    first of a pair of dates with the first of the same dates, and where they share more than the day on which one ends
    and the other begins; and last a record that overlaps none with the nearest one within the tolerance.

    Parameters
    ----------
    spans : Spans
    named : array of shape (n, 2)
        Pairs that share a reference, of one child and different sources, no more than a day apart.
    tolerance : int
        Minutes.

    Returns
    -------
    groups : array
        For each record the position of the first of its group.
    near : array of shape (m, 2)
        The pairs that were joined only because they lie within the tolerance.

    Raises
    ------
    Nothing.
    """
    groups = Groups(spans.source)
    apart = gaps_between(spans, named)
    order = np.argsort(np.maximum(apart, 0), kind="stable")
    for i, j, gap in zip(named[order, 0].tolist(), named[order, 1].tolist(), apart[order].tolist(), strict=True):
        groups.join(i, j, is_loose=gap >= 0)
    for i, j in _overlaps(spans, by_day=False).tolist():
        groups.join(i, j)
    if spans.is_day.any():
        _join_dates(spans, groups)
        for i, j in _overlaps(spans, by_day=True).tolist():
            groups.join(i, j)
    near = []
    for i, j in _near(spans, groups.numbers(), tolerance * MINUTE_US).tolist():
        if min(groups.size[groups.find(i)], groups.size[groups.find(j)]) == 1 and groups.join(i, j, is_loose=True):
            near.append((i, j))
    return groups.numbers(), np.array(near, dtype=np.int64).reshape(-1, 2)


def gaps_between(spans: Spans, pairs: Ints) -> Ints:
    """Return how far apart the records of each pair lie, in microseconds: below 0 where they overlap.

    Where one is known by date only, the gap is between the dates, and two records that share no more than the day on
    which one ends and the other begins are 0 apart.

    Raises
    ------
    Nothing.
    """
    a, b = pairs[:, 0], pairs[:, 1]
    end, last = spans.lasting()
    by_time = np.maximum(spans.start[b] - end[a], spans.start[a] - end[b])
    by_time = np.where(spans.start[a] == spans.start[b], -1, by_time)
    by_date = np.maximum(spans.day0[b] - last[a], spans.day0[a] - last[b]) * DAY_US
    gaps: Ints = np.where(spans.is_day[a] | spans.is_day[b], by_date, by_time)
    return gaps


def distinct(values: Ints) -> Ints:
    """Return the distinct values in order; sorting is several times as fast as numpy's own on such large tables.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> distinct(np.array([7, 3, 7])).tolist()
    [3, 7]
    """
    values = np.sort(values)
    first = np.ones(len(values), dtype=bool)
    first[1:] = values[1:] != values[:-1]
    return values[first]


def distinct_pairs(pairs: Ints, n: int) -> Ints:
    """Return the distinct pairs of positions below n, in order.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> distinct_pairs(np.array([[1, 2], [0, 2], [1, 2]]), 3).tolist()
    [[0, 2], [1, 2]]
    """
    each = distinct(pairs[:, 0] * n + pairs[:, 1])
    return np.stack([each // max(n, 1), each % max(n, 1)], axis=1)


def _starting_within(spans: Spans, low: Ints, high: Ints, mine: Ints, theirs: Ints) -> Ints:
    """Return the pairs of one of mine and one of theirs, same child, whose start lies in [low, high) of mine."""
    levels = distinct(np.concatenate([spans.start[theirs], low[mine], high[mine]]))

    def key(rows: Ints, times: Ints) -> Ints:
        ranked: Ints = spans.child[rows] * len(levels) + np.searchsorted(levels, times[rows])
        return ranked

    starts = key(theirs, spans.start)
    first = np.searchsorted(starts, key(mine, low), "left")
    counts = np.maximum(np.searchsorted(starts, key(mine, high), "left") - first, 0)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([np.repeat(mine, counts), theirs[np.repeat(first, counts) + offset]], axis=1)


def _each_two_sources(spans: Spans, wanted: Flags, low: Ints, high: Ints) -> Ints:
    """Return the pairs of records of different sources where one starts in [low, high) of the other."""
    rows = [np.flatnonzero(wanted & (spans.source == s)) for s in range(int(spans.source.max(initial=-1)) + 1)]
    found = [np.empty((0, 2), dtype=np.int64)]
    found += [
        _starting_within(spans, low, high, mine, theirs)
        for k, mine in enumerate(rows)
        for m, theirs in enumerate(rows)
        if k != m and len(mine) and len(theirs)
    ]
    pairs = np.sort(np.concatenate(found), axis=1)
    return distinct_pairs(pairs, len(spans))


def _overlaps(spans: Spans, *, by_day: bool) -> Ints:
    """Return the pairs of different sources that overlap: by their times, or where one is by date, by their dates."""
    end, last = spans.lasting()
    if not by_day:
        # A start at the same moment counts, so that a record of no length can overlap.
        return _each_two_sources(spans, ~spans.is_day, spans.start, np.maximum(end, spans.start + 1))
    days = Spans(spans.child, spans.source, spans.day0, spans.day1, spans.day0, spans.day1, spans.is_day)
    with_date = np.zeros(int(spans.child.max(initial=-1)) + 1, dtype=bool)
    with_date[spans.child[spans.is_day]] = True
    pairs = _each_two_sources(days, with_date[spans.child], spans.day0, last)
    a, b = pairs[:, 0], pairs[:, 1]
    strict = (spans.day0[a] < last[b]) & (spans.day0[b] < last[a])
    return pairs[strict & (spans.is_day[a] | spans.is_day[b])]


def _join_dates(spans: Spans, groups: Groups) -> None:
    """Join each record by date with the first group of the same dates that holds no record of its source yet."""
    columns = (spans.child, spans.source, spans.day0, spans.day1, spans.is_day)
    rows = list(zip(*(c.tolist() for c in columns), strict=True))
    alike: dict[tuple[int | bool, ...], list[int]] = defaultdict(list)
    for i, (child, _, day0, day1, is_day) in enumerate(rows):
        alike[is_day, child, day0, day1].append(i)
        alike[is_day, child, day0].append(i)

    def join_first(i: int, others: list[int]) -> None:
        """Join with the first that takes it; dates of one day, or of the start alone, are no proof of an overlap."""
        if groups.size[groups.find(i)] > 1:
            return
        for j in others:
            if rows[j][1] != rows[i][1] and groups.join(i, j, is_loose=not rows[i][2] < rows[i][3] == rows[j][3]):
                return

    dated = [i for i, row in enumerate(rows) if row[4]]
    # Records with times come first, so that the first record by date of each source goes with the first of them.
    for is_day in (False, True):
        for i in dated:
            join_first(i, alike[is_day, rows[i][0], rows[i][2], rows[i][3]])
    for is_day in (False, True):
        for i in dated:
            same_start = alike[is_day, rows[i][0], rows[i][2]]
            join_first(i, [j for j in same_start if ABSENT in (rows[i][3], rows[j][3])])


def _near(spans: Spans, numbers: Ints, tolerance: int) -> Ints:
    """Return the pairs with times that miss each other by no more than the tolerance, nearest first."""
    end, _ = spans.lasting()
    # Of each pair one at least stands alone so far.
    alone = np.bincount(numbers, minlength=len(spans))[numbers] == 1
    pairs = _each_two_sources(spans, ~spans.is_day, end, end + tolerance + 1)
    pairs = pairs[alone[pairs].any(axis=1)]
    gap = gaps_between(spans, pairs)
    pairs, gap = pairs[gap >= 0], gap[gap >= 0]
    nearest: Ints = pairs[np.argsort(gap, kind="stable")]
    return nearest
