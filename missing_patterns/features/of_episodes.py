"""What lies behind: this episode, how many there were, time missing, the last return, and gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, DAY_US, Flags, Ints
from missing_patterns.features.blocks import Block, Given
from missing_patterns.features.columns import Columns
from missing_patterns.features.history import History
from missing_patterns.features.specs import Count, DaysSince, Latest, Mean, Spec, Sum, Trend

HOUR_US = DAY_US // 24
_THIS = ("episode_no", "duration_hours", "gap_days", "is_still_missing")
#: Columns of the episodes table that are read here, besides those of the history.
READS = ("duration_hours", "gap_days")

Floats = npt.NDArray[np.float64]


def knows(spec: Spec) -> bool:
    """Say whether a feature is reckoned here.

    Raises
    ------
    Nothing.
    """
    match spec:
        case Latest():
            return spec.of in _THIS
        case Count():
            return spec.of == "episodes"
        case DaysSince():
            return spec.of == "return"
        case _:
            return isinstance(spec, Sum | Mean | Trend)


class OfEpisodes:
    """Fills the columns of this family, a block at a time.

    Raises
    ------
    Nothing.
    """

    def __init__(self, given: Given, specs: Sequence[Spec]) -> None:
        history = given.history
        self._specs, self._history = specs, history
        self._duration = history.column("duration_hours").to_numpy(dtype=np.float64)
        self._gap = history.column("gap_days").to_numpy(dtype=np.float64)
        self._gaps = _Gaps(history.child, self._gap) if any(isinstance(s, Mean | Trend) for s in specs) else None
        self._london = given.london if any(s.of == "missing_nights" for s in specs) else None
        needs_ends = any(isinstance(s, Sum | DaysSince) for s in specs)
        self._ended = Ended(history) if needs_ends else None
        if self._ended is not None:
            self._ended.measure(given)

    def fill(self, block: Block, out: Columns) -> None:
        """Fill the rows of a block.

        Raises
        ------
        Nothing.
        """
        this = [s for s in self._specs if isinstance(s, Latest)]
        if this:
            self._this_episode(block, out, this)
        counts = [s for s in self._specs if isinstance(s, Count)]
        if counts:
            here = block.facts(self._history.child)
            child = self._history.child[here]
            count_in_lookbacks(block, block.key(child, self._history.start[here]), child, counts, out)
        if self._ended is not None:
            self._ended.fill(block, out, self._specs)
        if self._gaps is not None:
            self._gaps.fill(block, out, [s for s in self._specs if isinstance(s, Mean | Trend)])

    def _this_episode(self, block: Block, out: Columns, specs: Sequence[Spec]) -> None:
        has, place = block.place >= 0, np.maximum(block.place, 0)
        if not len(self._history.start):
            place, values = place[:0], {
                "episode_no": 0, "duration_hours": np.nan, "gap_days": np.nan, "is_still_missing": False
            }
        else:
            end = self._history.end[place]
            back = has & (end != ABSENT) & (end <= block.time)
            values = {
                "episode_no": np.where(has, self._history.number[place], 0),
                "duration_hours": np.where(back, self._duration[place], np.nan),
                "gap_days": np.where(has, self._gap[place], np.nan),
                "is_still_missing": has & ~back,
            }
        for spec in specs:
            out[spec][block.rows] = values[spec.of]


def count_in_lookbacks(block: Block, keys: Ints, child: Ints, specs: Sequence[Count], out: Columns) -> None:
    """Count the facts of one time in each lookback; keys and children of the facts of this block, sorted.

    Raises
    ------
    Nothing.
    """
    now = np.searchsorted(keys, block.now)
    for spec in specs:
        before = block.firsts(child) if spec.days is None else np.searchsorted(keys, block.edge(int(spec.days)))
        np.subtract(now, before, out=out[spec][block.rows], casting="same_kind")


class Ended:
    """Episodes with a return, in order of child, return and start; time missing is counted once.

    Where stamps known by date only make two episodes of a day seem to overlap, the later counts from the end of the
    earlier. `since` is where it counts from; sums are from the first of all children on.

    Raises
    ------
    Nothing.
    """

    def __init__(self, history: History) -> None:
        rows = np.flatnonzero(history.end != ABSENT)
        child, end = history.child[rows], history.end[rows]
        if ((child[1:] == child[:-1]) & (end[1:] < end[:-1])).any():
            order = np.lexsort((end, child))
            rows, child, end = rows[order], child[order], end[order]
        self.place, self.child, self.end = rows, child, end
        self.start = history.start[rows]

    def measure(self, given: Given) -> None:
        """Sum up hours and nights.

        Raises
        ------
        Nothing.
        """
        earlier = np.full(len(self.end), ABSENT)
        earlier[1:] = np.where(self.child[1:] == self.child[:-1], self.end[:-1], ABSENT)
        self._since = np.minimum(np.maximum(self.start, earlier), self.end)
        self._london = given.london
        self._n_until = given.london.n_midnights(self.end)
        self._n_since = given.london.n_midnights(self._since)
        self._time = _sum_before(self.end - self._since)
        self._nights = _sum_before(self._n_until - self._n_since)

    def last_before(self, block: Block) -> tuple[slice, Ints, Ints]:
        """Return where these lie, and for each moment how many ended before it, and before the child's first.

        Raises
        ------
        Nothing.
        """
        here = block.facts(self.child)
        keys = block.key(self.child[here], self.end[here])
        return here, np.searchsorted(keys, block.now), block.firsts(self.child[here])

    def fill(self, block: Block, out: Columns, specs: Sequence[Spec]) -> None:
        """Fill time missing, and days since the last return.

        Raises
        ------
        Nothing.
        """
        here = block.facts(self.child)
        keys = block.key(self.child[here], self.end[here])
        sums = [s for s in specs if isinstance(s, Sum)]
        if sums:
            upto = np.searchsorted(keys, block.now, "right")
            for days in dict.fromkeys(int(s.days or 0) for s in sums):
                self._sum(block, out, [s for s in sums if s.days == days], days, upto, keys, here)
        for spec in specs:
            if isinstance(spec, DaysSince):
                last = np.searchsorted(keys, block.now)
                has = last > block.firsts(self.child[here])
                out[spec][block.rows] = np.where(has, (block.time - self._at(self.end, here, last - 1)) / DAY_US, np.nan)

    def _sum(
        self, block: Block, out: Columns, specs: Sequence[Spec], days: int, upto: Ints, keys: Ints, here: slice
    ) -> None:
        edge = block.time - days * DAY_US
        first = np.searchsorted(keys, block.edge(days), "right")
        # `first` is the episode that the edge may lie in.
        since = self._at(self._since, here, first)
        cuts = (first < upto) & (edge > since)
        for spec in specs:
            if spec.of == "missing_hours":
                total = self._time[here.start + upto] - self._time[here.start + first]
                out[spec][block.rows] = (total - np.where(cuts, edge - since, 0)) / HOUR_US
            else:
                total = self._nights[here.start + upto] - self._nights[here.start + first]
                inside = np.flatnonzero(cuts)
                lost = self._london.n_midnights(edge[inside]) - self._at(self._n_since, here, first[inside])
                total[inside] -= lost
                out[spec][block.rows] = total

    @staticmethod
    def _at(values: Ints, here: slice, position: Ints) -> Ints:
        """Read at positions of this block; what lies behind its end is of no matter."""
        if here.stop == here.start:
            return np.zeros(len(position), dtype=np.int64)
        found: Ints = values[here][np.clip(position, 0, here.stop - here.start - 1)]
        return found


class _Gaps:
    """Gaps that are recorded, in whole microseconds, in the order of the episodes."""

    def __init__(self, child: Ints, gap_days: Floats) -> None:
        recorded = ~np.isnan(gap_days)
        self._is: Flags = recorded
        self._gap: Ints = np.rint(gap_days[recorded] * DAY_US).astype(np.int64)
        self._sum = _sum_before(self._gap)
        self._before = _sum_before(recorded.astype(np.int64))
        first = np.maximum.accumulate(np.where(ar.is_first(child), np.arange(len(child)), 0))
        self._first: Ints = self._before[first]

    def fill(self, block: Block, out: Columns, specs: Sequence[Spec]) -> None:
        """Fill means and trends.

        Raises
        ------
        Nothing.
        """
        has, place = block.place >= 0, np.maximum(block.place, 0)
        if not len(self._is):
            for spec in specs:
                out[spec][block.rows] = np.nan
            return
        upto = self._before[place + 1]
        for spec in specs:
            if isinstance(spec, Mean):
                mean, n = self._mean(place, upto, spec.last)
                out[spec][block.rows] = np.where(has & (n > 0), mean, np.nan)
            elif isinstance(spec, Trend):
                mean, n = self._mean(place, upto - 1, spec.last)
                own = self._gap[np.maximum(upto - 1, 0)] / DAY_US if len(self._gap) else np.zeros(len(place))
                known = has & self._is[place] & (n > 0)
                out[spec][block.rows] = np.where(known, own - mean, np.nan)

    def _mean(self, place: Ints, upto: Ints, last: int) -> tuple[Floats, Ints]:
        n = np.clip(upto - self._first[place], 0, last)
        return (self._sum[upto] - self._sum[upto - n]) / np.maximum(n, 1) / DAY_US, n


def _sum_before(values: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(values)])
