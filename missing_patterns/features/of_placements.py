"""Where the child is placed, how far away, since when, and how often it moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, Flags, Ints
from missing_patterns.episodes.placed import Placed, known_placements
from missing_patterns.features.blocks import Block, Given
from missing_patterns.features.columns import UNKNOWN, Columns
from missing_patterns.features.of_episodes import count_in_lookbacks
from missing_patterns.features.specs import Any as AnyOf
from missing_patterns.features.specs import Count, Latest, Spec

_NOW = ("placement_type", "in_area", "distance_miles", "days_in_placement")
#: Columns of the episodes table that are read here, besides those of the history.
READS = ("placement_type", "in_area")


def knows(spec: Spec) -> bool:
    """Say whether a feature is reckoned here.

    Raises
    ------
    Nothing.
    """
    return (isinstance(spec, Latest) and spec.of in _NOW) or (
        isinstance(spec, Count | AnyOf) and spec.of == "placement_moves"
    )


class OfPlacements:
    """Fills the columns of this family, a block at a time.

    Raises
    ------
    TableRefused
        If the placements table is not usable.
    """

    def __init__(self, given: Given, specs: Sequence[Spec]) -> None:
        self._london = given.london
        self._now = [s for s in specs if isinstance(s, Latest)]
        self._counts = [s for s in specs if isinstance(s, Count)]
        self._flags = [s for s in specs if isinstance(s, AnyOf)]
        history = given.history
        self._episode = {name: _values(history.column(name), name) for name in READS}
        self._placed: Placed | None = None
        if given.placements is not None:
            placed = known_placements(given.placements, pd.Index(given.asked.child_ids))
            self._placed = placed
            stays = placed.is_move | ar.is_first(placed.child)
            self._since: Ints = np.maximum.accumulate(np.where(stays, np.arange(len(stays)), 0))
            self._spell = {name: _values(placed.table[name], name) for name in READS}
            self._miles = placed.table["distance_miles"].to_numpy(dtype=np.float64)
            self._moved = placed.child[placed.is_move], placed.known[placed.is_move]

    def fill(self, block: Block, out: Columns) -> None:
        """Fill the rows of a block.

        Raises
        ------
        Nothing.
        """
        if self._now:
            self._fill_now(block, out)
        if not self._counts and not self._flags:
            return
        child, known = self._moved
        here = block.facts(child)
        keys = block.key(child[here], known[here])
        count_in_lookbacks(block, keys, child[here], self._counts, out)
        now = np.searchsorted(keys, block.now)
        for spec in self._flags:
            before = (
                block.firsts(child[here]) if spec.days is None else np.searchsorted(keys, block.edge(int(spec.days)))
            )
            np.greater(now, before, out=out[spec][block.rows])

    def _fill_now(self, block: Block, out: Columns) -> None:
        none = np.zeros(len(block.time), dtype=bool)
        has, there, last, today = none, none, np.zeros(len(none), dtype=np.int64), None
        placed = self._placed
        if placed is not None and len(placed.child):
            here = block.facts(placed.child)
            child = placed.child[here]
            found = np.searchsorted(block.key(child, placed.known[here]), block.now, "right")
            has = found > block.firsts(child)
            last = np.maximum(here.start + found - 1, 0)
            today = self._london.day(block.time)
            there = has & ((placed.ended[last] == ABSENT) | (placed.ended[last] >= today))
        for spec in self._now:
            if spec.of in READS:
                out[spec][block.rows] = self._recorded(spec.of, block, has, there, last)
            elif placed is None or today is None:
                out[spec][block.rows] = np.nan
            elif spec.of == "distance_miles":
                out[spec][block.rows] = np.where(there, self._miles[last], np.nan)
            else:
                out[spec][block.rows] = np.where(there, today - placed.started[self._since[last]], np.nan)

    def _recorded(self, name: str, block: Block, has: Flags, there: Flags, last: Ints) -> Any:
        """As the placement known says; where there never was one, as the record of the episode says."""
        values = self._episode[name]
        # Behind the last episode stands a blank: for no episode.
        own = values[block.place]
        if not has.any():
            return own
        own[has] = values[-1]
        own[there] = self._spell[name][last[there]]
        return own


def _values(column: pd.Series, name: str) -> Any:
    """Values by row, and a blank behind them."""
    if name == "in_area":
        return np.append(column.astype("Int8").fillna(UNKNOWN).to_numpy(dtype=np.int8), np.int8(UNKNOWN))
    values = np.empty(len(column) + 1, dtype=object)
    values[:-1] = np.asarray(column.array, dtype=object)
    values[-1] = pd.NA
    return values
