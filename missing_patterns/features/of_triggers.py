"""Triggers: in this episode, ever, in lookbacks, how long ago, and how varied.

All that is named of the children of a block is one table with a row for each fact and a column for each trigger, summed
up downwards, twice: in the order in which facts came to be usable, and in the order in which they left the lookback.
What is in the lookback at a moment is the difference of two rows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from missing_patterns.episodes.arrays import DAY_US, Ints
from missing_patterns.features.blocks import Block, Given
from missing_patterns.features.columns import Columns
from missing_patterns.features.facts import Facts, trigger_facts
from missing_patterns.features.specs import THIS_EPISODE, Count, DaysSince, Spec, Variety, triggers_of
from missing_patterns.features.specs import Any as AnyOf

#: Columns of the episodes table that are read here, besides those of the history.
READS: tuple[str, ...] = ()

Counts = npt.NDArray[np.unsignedinteger]
Words = npt.NDArray[np.uint64]


def knows(spec: Spec) -> bool:
    """Say whether a feature is reckoned here.

    Raises
    ------
    Nothing.
    """
    return spec.is_of_trigger or isinstance(spec, Variety)


class OfTriggers:
    """Fills the columns of this family, a block at a time.

    Raises
    ------
    Nothing.
    """

    def __init__(self, given: Given, specs: Sequence[Spec]) -> None:
        self._varieties = [s for s in specs if isinstance(s, Variety)]
        codes = set(given.book.codes)
        asked = {s.of for s in specs if s.is_of_trigger} | (codes if self._varieties else set())
        self._wanted = [x for x in triggers_of(given.book) if x in asked]
        self._n_codes = sum(x in codes for x in self._wanted)
        self._x = {x: k for k, x in enumerate(self._wanted)}
        self._facts = trigger_facts(given, self._wanted)
        self._room = _Room()
        self._this = {self._x[s.of]: s for s in specs if isinstance(s, AnyOf) and s.days == THIS_EPISODE}
        self._since = {self._x[s.of]: s for s in specs if isinstance(s, DaysSince)}
        self._in: dict[int | None, list[Count | AnyOf]] = {s.days: [] for s in self._varieties}  # type: ignore[misc]
        for spec in specs:
            if isinstance(spec, Count | AnyOf) and spec.days != THIS_EPISODE:
                self._in.setdefault(spec.days, []).append(spec)  # type: ignore[arg-type]

    def fill(self, block: Block, out: Columns) -> None:
        """Fill the rows of a block.

        Raises
        ------
        Nothing.
        """
        here = block.facts(self._facts.child)
        facts = Facts(*(getattr(self._facts, name)[here] for name in ("child", "x", "event", "usable", "place")))
        if self._this:
            self._fill_this(block, out, facts)
        if not (self._in or self._since):
            return
        sums = _Sums(block, facts, len(self._wanted), self._room)
        ever = sums.ever
        pairs = _Pairs(block, facts, ever, sums.order) if self._since or self._varieties else None
        for days, specs in self._in.items():
            counts = ever if days is None else sums.within(days)
            for spec in specs:
                column = counts[self._x[spec.of]]
                if isinstance(spec, Count):
                    out[spec][block.rows] = column
                else:
                    np.greater(column, 0, out=out[spec][block.rows])
            for variety in self._varieties:
                if variety.days == days and pairs is not None:
                    out[variety][block.rows] = self._vary(variety.of, block, counts[: self._n_codes], pairs, days or 0)
        if pairs is not None:
            for x, since in self._since.items():
                row, latest = pairs.of(x)
                column = out[since][block.rows]
                column.fill(np.nan)
                column[row] = (block.time[row] - latest) / DAY_US

    def _fill_this(self, block: Block, out: Columns, facts: Facts) -> None:
        """Flag what is known of the episode asked about."""
        for spec in self._this.values():
            out[spec][block.rows] = False
        order = np.argsort(facts.place, kind="stable")
        place = facts.place[order]
        begin, end = np.searchsorted(place, block.place), np.searchsorted(place, block.place, "right")
        n = np.where(block.place >= 0, end - begin, 0)
        row = np.repeat(np.arange(len(n)), n)
        fact = order[np.arange(len(row)) + np.repeat(begin - (np.cumsum(n) - n), n)]
        known = facts.usable[fact] <= block.time[row]
        row, x = row[known], facts.x[fact[known]]
        by_x = np.argsort(x, kind="stable")
        row, edges = row[by_x], np.searchsorted(x[by_x], np.arange(len(self._wanted) + 1))
        for number, spec in self._this.items():
            out[spec][block.rows][row[edges[number] : edges[number + 1]]] = True

    def _vary(self, of: str, block: Block, counts: Counts, pairs: _Pairs, days: int) -> npt.NDArray[Any]:
        if of == "kinds":
            kinds: Ints = np.count_nonzero(counts, axis=0)
            return kinds
        row, x, earliest = pairs.of_codes(self._n_codes)
        n_rows = len(block.time)
        if of == "new":
            is_new = earliest >= block.time[row] - days * DAY_US
            return np.bincount(row[is_new], minlength=n_rows)
        # Pairs are in the order of the codes, so each row's sum is made in that order.
        c = counts[x, row].astype(np.int64)
        n = np.bincount(row, c, n_rows).astype(np.int64)
        logs = _logs(int(n.max(initial=0)))
        total = np.bincount(row, (np.arange(len(logs)) * logs)[c], n_rows)
        bits: npt.NDArray[np.float64] = np.where(n > 0, logs[n] - total / np.maximum(n, 1), np.nan)
        return bits


class _Room(threading.local):
    """Arrays of a thread, which every block writes over: new memory for each would cost more than the counting."""

    def __init__(self) -> None:
        self._held: dict[str, npt.NDArray[Any]] = {}

    def of(self, name: str, shape: tuple[int, int], dtype: type[np.unsignedinteger]) -> npt.NDArray[Any]:
        """Return an array of this shape, whatever it holds."""
        size = shape[0] * shape[1] * np.dtype(dtype).itemsize
        if name not in self._held or len(self._held[name]) < size:
            self._held[name] = np.empty(size * 5 // 4, dtype=np.uint8)
        return self._held[name][:size].view(dtype).reshape(shape)


class _Sums:
    """Facts counted downwards; as narrow as the most facts of one child allow, since only differences matter.

    Several counters share a word of 64 bits, as digits do a number, and are summed at once. Where one runs over into
    the next does not matter: the difference of two words is that of their digits, as none of those is below 0.
    """

    def __init__(self, block: Block, facts: Facts, n_x: int, room: _Room) -> None:
        self._block, self._facts, self._n_x, self._room = block, facts, n_x, room
        most = np.bincount(facts.child - block.first).max(initial=0) if len(facts.child) else 0
        self._type: type[np.unsignedinteger] = np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.uint32
        self._n_words = -(-n_x * np.dtype(self._type).itemsize // 8)
        self.order, born, now = self._sum(facts.usable, "born")
        self._born = self._rows(born, now, "born now")
        first = self._rows(born, block.firsts(facts.child), "first")
        self.ever = self._difference(first, "ever")

    def within(self, days: int) -> Counts:
        """Count what may be used and has not left a lookback of so many days: by trigger and moment."""
        over = np.maximum(self._facts.usable, self._facts.event + days * DAY_US + 1)
        _, gone, now = self._sum(over, "gone")
        return self._difference(self._rows(gone, now, "gone now"), "within")

    def _sum(self, time: Ints, name: str) -> tuple[Ints, Words, Ints]:
        keys = self._block.key(self._facts.child, time)
        order = np.argsort(keys, kind="stable")
        words = self._room.of(name, (len(keys) + 1, self._n_words), np.uint64)
        words.fill(0)
        counters = words.view(self._type)
        counters.reshape(-1)[np.arange(1, len(keys) + 1) * counters.shape[1] + self._facts.x[order]] = 1
        np.cumsum(words, axis=0, out=words)
        return order, words, np.searchsorted(keys[order], self._block.now, "right")

    def _rows(self, words: Words, rows: Ints, name: str) -> Words:
        room = self._room.of(name, (len(rows), self._n_words), np.uint64)
        return np.take(words, rows, axis=0, out=room, mode="clip")

    def _difference(self, less: Words, name: str) -> Counts:
        np.subtract(self._born, less, out=less)
        turned = self._room.of(name, (self._n_x, len(less)), self._type)
        np.copyto(turned, less.view(self._type)[:, : self._n_x].T)
        return turned


class _Pairs:
    """Each trigger and moment at which it was ever named, in order of trigger, then moment; and its events."""

    def __init__(self, block: Block, facts: Facts, ever: Counts, order: Ints) -> None:
        n_x, n_rows = ever.shape
        flat = np.flatnonzero(ever)
        self.x, self.row = flat // max(n_rows, 1), flat % max(n_rows, 1)
        self._edges = np.searchsorted(self.x, np.arange(n_x + 1))
        # Facts of one child and trigger stand together, in the order in which they may be used.
        group = (facts.child - block.first) * n_x + facts.x
        order = order[np.argsort(group[order], kind="stable")]
        group, event = group[order], facts.event[order]
        levels, rank = np.unique(event, return_inverse=True)
        n, rank = len(levels), rank.reshape(-1)
        latest = levels[np.maximum.accumulate(group * n + rank) % max(n, 1)]
        earliest = levels[n - 1 - np.maximum.accumulate(group * n + n - 1 - rank) % max(n, 1)]
        begins = np.cumsum(np.bincount(group, minlength=(block.last - block.first) * n_x))
        begins = np.concatenate([[0], begins])
        last = begins[block.child[self.row] * n_x + self.x] + ever.reshape(-1)[flat].astype(np.int64) - 1
        self._latest, self._earliest = latest[last], earliest[last]

    def of(self, x: int) -> tuple[Ints, Ints]:
        """Return the moments of one trigger, and its latest event at each."""
        part = slice(self._edges[x], self._edges[x + 1])
        return self.row[part], self._latest[part]

    def of_codes(self, n_codes: int) -> tuple[Ints, Ints, Ints]:
        """Return moment, trigger and earliest event of all codes."""
        part = slice(0, self._edges[n_codes])
        return self.row[part], self.x[part], self._earliest[part]


def _logs(n: int) -> npt.NDArray[np.float64]:
    """Return the binary logarithms of 0 to n, that of 0 as 0."""
    return np.array([0.0, *(math.log2(k) for k in range(1, n + 1))])
