"""A few thousand children at a time: small enough that what is searched stays near at hand.

In a block, a child and a time are one whole number, the key, so that one search answers for all of its children.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from missing_patterns.codebook import Codebook
from missing_patterns.episodes.arrays import DAY_US, Ints
from missing_patterns.features.asked import Asked, Talks
from missing_patterns.features.calendar import Calendar
from missing_patterns.features.history import History
from missing_patterns.features.london import London

ROWS = 64_000
_ROOM = 2**63 - 1


@dataclass(frozen=True, slots=True, repr=False)
class Given:
    """All that features are made of: in `history` and `asked`, children have the same numbers.

    `place` is where the episode asked about stands in the history (-1: none). `triggers` has passed the gate.
    """

    history: History
    asked: Asked
    place: Ints
    triggers: pd.DataFrame | None
    talks: Talks | None
    placements: pd.DataFrame | None
    book: Codebook
    calendar: Calendar
    london: London


@dataclass(slots=True, repr=False)
class Block:
    """The moments asked about of the children from `first` up to, not including, `last`.

    `rows` are those of the result; `child` counts from `first`; `place` is that of the episode in the history (-1:
    none). Times are keyed from `low` on, in `width` steps for each child.
    """

    first: int
    last: int
    rows: slice
    child: Ints
    time: Ints
    place: Ints
    low: int
    width: int
    _edges: dict[int, Ints] = field(default_factory=dict)

    def key(self, child: Ints, time: Ints) -> Ints:
        """Return the keys of facts; `child` counts from 0 in the whole result.

        Times outside of what any lookback reaches need only lie outside, before or after.

        Raises
        ------
        Nothing.
        """
        high = self.low + self.width - 1
        return (child - self.first) * self.width + (np.clip(time, self.low, high) - self.low)

    def edge(self, days: int) -> Ints:
        """Return the keys of the moments so many days before those asked about.

        Raises
        ------
        Nothing.
        """
        if days not in self._edges:
            self._edges[days] = self.child * self.width + (self.time - days * DAY_US - self.low)
        return self._edges[days]

    @property
    def now(self) -> Ints:
        """The keys of the moments asked about.

        Raises
        ------
        Nothing.
        """
        return self.edge(0)

    def facts(self, child: Ints) -> slice:
        """Return where the facts of these children lie, among facts that are in order of child.

        Raises
        ------
        Nothing.
        """
        begin, end = np.searchsorted(child, [self.first, self.last])
        return slice(int(begin), int(end))

    def firsts(self, child: Ints) -> Ints:
        """Return, for each moment asked about, where the facts of its child begin; `child` is that of the facts here.

        Raises
        ------
        Nothing.
        """
        begin = np.searchsorted(child, np.arange(self.first, self.last))
        return begin[self.child]


def cut(given: Given, longest: int) -> Iterator[Block]:
    """Cut the moments asked about into blocks of whole children; `longest` is the longest lookback in days.

    Raises
    ------
    Nothing.
    """
    asked = given.asked
    n_children = len(asked.child_ids)
    edges = np.searchsorted(asked.child, np.arange(n_children + 1))
    facts = np.searchsorted(given.history.child, np.arange(n_children + 1))
    size = np.maximum(edges, facts)
    first = 0
    while first < n_children:
        last = min(max(int(np.searchsorted(size, size[first] + ROWS, "right")) - 1, first + 1), n_children)
        block = _block(given, first, last, edges, longest)
        while block is not None and last - first > 1 and block.width * (last - first) > _ROOM:
            last = first + (last - first) // 2
            block = _block(given, first, last, edges, longest)
        if block is not None:
            yield block
        first = last


def _block(given: Given, first: int, last: int, edges: Ints, longest: int) -> Block | None:
    rows = slice(int(edges[first]), int(edges[last]))
    time = given.asked.time[rows]
    if not len(time):
        return None
    low, high = int(time.min()) - longest * DAY_US - 1, int(time.max()) + 1
    return Block(first, last, rows, given.asked.child[rows] - first, time, given.place[rows], low, high - low + 1)
