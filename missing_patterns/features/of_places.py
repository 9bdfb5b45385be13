"""The same home or place again, and missing with others of the same home."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, BEYOND, Flags, Ints
from missing_patterns.features.blocks import Block, Given
from missing_patterns.features.columns import Columns
from missing_patterns.features.history import History
from missing_patterns.features.specs import Same, Spec, Together
from missing_patterns.features.together import Spans, count_together

#: Columns of the episodes table that are read here, besides those of the history.
READS = ("home_id", "found_area", "found_place")

Floats = npt.NDArray[np.float64]


def knows(spec: Spec) -> bool:
    """Say whether a feature is reckoned here.

    Raises
    ------
    Nothing.
    """
    return isinstance(spec, Same | Together)


class OfPlaces:
    """Fills the columns of this family, a block at a time; what looks across children is counted at once.

    Raises
    ------
    Nothing.
    """

    def __init__(self, given: Given, specs: Sequence[Spec]) -> None:
        self._specs, self._history = specs, given.history
        home = pd.factorize(np.asarray(given.history.column("home_id").array, dtype=object))[0].astype(np.int64)
        self._same: dict[str, _Same] = {}
        every = np.ones(len(home), dtype=bool)
        for spec in specs:
            if isinstance(spec, Same) and spec.of == "home":
                self._same["home"] = _Same(given.history, home, every)
            elif isinstance(spec, Same):
                self._same["place"] = _Same(given.history, _places(given.history), given.history.end != ABSENT)
            else:
                self._together = _together(given, home)

    def fill(self, block: Block, out: Columns) -> None:
        """Fill the rows of a block.

        Raises
        ------
        Nothing.
        """
        for spec in self._specs:
            if isinstance(spec, Together):
                out[spec][block.rows] = self._together[block.rows]
            else:
                out[spec][block.rows] = self._same[spec.of].count(block, must_be_back=spec.of == "place")


class _Same:
    """Episodes of a child that share something, in their order; -1 = it is not recorded."""

    def __init__(self, history: History, what: Ints, counts: Flags) -> None:
        self._end = history.end
        what = np.where(counts, what, -1)
        self._group = history.child * (int(what.max(initial=0)) + 1) + what
        self._is = what >= 0
        rows = np.flatnonzero(self._is)
        self._rows = rows[np.argsort(self._group[rows], kind="stable")]
        group = self._group[self._rows]
        self._nth = np.zeros(len(what), dtype=np.int64)
        first = np.maximum.accumulate(np.where(ar.is_first(group), np.arange(len(group)), 0))
        self._nth[self._rows] = np.arange(len(group)) - first
        self._at = np.zeros(len(what), dtype=np.int64)
        self._at[self._rows] = np.arange(len(group))
        # The latest return among the earlier ones: where it is known, so are all.
        self._latest = np.full(len(what), ABSENT)
        self._latest[self._rows] = ar.largest_before(group, history.end[self._rows])

    def count(self, block: Block, *, must_be_back: bool) -> Floats:
        """Count the earlier episodes that share it; if need be, only those that had ended.

        Raises
        ------
        Nothing.
        """
        counts = np.full(len(block.place), np.nan)
        if not len(self._end):
            return counts
        place = np.maximum(block.place, 0)
        known = (block.place >= 0) & self._is[place]
        if must_be_back:
            known &= self._end[place] <= block.time
        counts[known] = self._nth[place[known]]
        if must_be_back:
            early = np.flatnonzero(known & (self._latest[place] > block.time))
            n = self._nth[place[early]]
            which = np.repeat(early, n)
            step = np.arange(len(which)) - np.repeat(np.cumsum(n) - n, n) + 1
            still = self._end[self._rows[self._at[place[which]] - step]] > block.time[which]
            counts -= np.bincount(which[still], minlength=len(counts))
        return counts


def _places(history: History) -> Ints:
    """Number area and kind of place together; -1 where the area is not recorded."""
    area = pd.factorize(np.asarray(history.column("found_area").array, dtype=object))[0].astype(np.int64)
    kind = pd.factorize(np.asarray(history.column("found_place").array, dtype=object))[0].astype(np.int64)
    return np.where(area < 0, -1, area * (int(kind.max(initial=-1)) + 2) + kind + 1)


def _together(given: Given, home: Ints) -> Floats:
    history, asked = given.history, given.asked
    counts = np.full(len(asked.time), np.nan)
    rows = np.flatnonzero(given.place >= 0)
    place = given.place[rows]
    end = history.end[place]
    back = (end != ABSENT) & (end <= asked.time[rows])
    asks = Spans(home[place], history.child[place], history.start[place], np.where(back, end, asked.time[rows]))
    counts[rows] = count_together(asks, Spans(home, history.child, history.start, ends(history)))
    return counts


def ends(history: History) -> Ints:
    """Return each return; where it is not recorded, the child's next start; where there is none, never.

    Raises
    ------
    Nothing.
    """
    later = np.full(len(history.start), BEYOND)
    same = history.child[1:] == history.child[:-1]
    later[:-1] = np.where(same, history.start[1:], BEYOND)
    return np.where(history.end == ABSENT, later, history.end)
