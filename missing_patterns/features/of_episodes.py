"""What lies behind: this episode, how many there were, time missing, the last return, and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
        self._gaps = _Gaps(history.child, self._gap) if self._of(Mean, Trend) else None
        self._away = _Away(given) if self._of(Sum) else None
        self._ended = Ended(history) if self._of(DaysSince) else None

    def fill(self, block: Block, out: Columns) -> None:
        """Fill the rows of a block.

        Raises
        ------
        Nothing.
        """
        if this := self._of(Latest):
            self._this_episode(block, out, this)
        if counts := self._of(Count):
            here = block.facts(self._history.child)
            child = self._history.child[here]
            count_in_lookbacks(block, block.key(child, self._history.start[here]), child, counts, out)
        if self._away is not None:
            self._away.sum(block, out, self._of(Sum))
        if self._ended is not None:
            self._ended.fill(block, out, self._of(DaysSince))
        if self._gaps is not None:
            self._gaps.fill(block, out, self._of(Mean, Trend))

    def _of(self, *kinds: type[Spec]) -> list[Any]:
        return [spec for spec in self._specs if isinstance(spec, kinds)]

    def _this_episode(self, block: Block, out: Columns, specs: Sequence[Spec]) -> None:
        history, has, rows = self._history, np.flatnonzero(block.place >= 0), block.rows.start
        place = block.place[has]
        back = (history.end[place] != ABSENT) & (history.end[place] <= block.time[has])
        values = {
            "episode_no": (0, history.number[place]),
            "duration_hours": (np.nan, np.where(back, self._duration[place], np.nan)),
            "gap_days": (np.nan, self._gap[place]),
            "is_still_missing": (False, ~back),
        }
        for spec in specs:
            blank, known = values[spec.of]
            out[spec][block.rows] = blank
            out[spec][rows + has] = known


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
    """Episodes with a return, in order of child, return and start.

    Raises
    ------
    Nothing.
    """

    def __init__(self, history: History) -> None:
        self.place = self._rows(history)
        child, end = history.child[self.place], history.end[self.place]
        if ((child[1:] == child[:-1]) & (end[1:] < end[:-1])).any():
            self.place = self.place[np.lexsort((end, child))]
        self.child, self.end = history.child[self.place], history.end[self.place]

    def _rows(self, history: History) -> Ints:
        return np.flatnonzero(history.end != ABSENT)

    def last_before(self, block: Block) -> tuple[slice, Ints, Ints]:
        """Return where these lie, and for each moment how many ended before it, and before the child's first.

        Raises
        ------
        Nothing.
        """
        here = block.facts(self.child)
        child = self.child[here]
        return here, np.searchsorted(block.key(child, self.end[here]), block.now), block.firsts(child)

    def fill(self, block: Block, out: Columns, specs: Sequence[DaysSince]) -> None:
        """Fill days since the last return.

        Raises
        ------
        Nothing.
        """
        here, last, first = self.last_before(block)
        # What is read for a child without a return is of no matter.
        end = np.append(self.end[here], 0)[last - 1]
        for spec in specs:
            out[spec][block.rows] = np.where(last > first, (block.time - end) / DAY_US, np.nan)


class _Away(Ended):
    """Time missing in episodes that have ended, each stretch counted once.

    Where stamps known by date only make two episodes of a day seem to overlap, the later counts from the end of the
    earlier: `since`. One of no length takes no time from another that it lies in. Sums are from the first child on.
    """

    def __init__(self, given: Given) -> None:
        super().__init__(given.history)
        earlier = np.full(len(self.end), ABSENT)
        earlier[1:] = np.where(self.child[1:] == self.child[:-1], self.end[:-1], ABSENT)
        self._since = np.minimum(np.maximum(given.history.start[self.place], earlier), self.end)
        self._london = given.london
        self._dark = given.london.n_midnights(self._since)
        self._hours = _sum_before(self.end - self._since)
        self._nights = _sum_before(given.london.n_midnights(self.end) - self._dark)

    def _rows(self, history: History) -> Ints:
        return np.flatnonzero(history.end > history.start)

    def sum(self, block: Block, out: Columns, specs: Sequence[Sum]) -> None:
        """Fill time missing in each lookback.

        Raises
        ------
        Nothing.
        """
        here = block.facts(self.child)
        keys = block.key(self.child[here], self.end[here])
        upto = np.searchsorted(keys, block.now, "right")
        since, dark = np.append(self._since[here], 0), np.append(self._dark[here], 0)
        for days in dict.fromkeys(int(spec.days or 0) for spec in specs):
            edge = block.time - days * DAY_US
            first = np.searchsorted(keys, block.edge(days), "right")
            # `first` is the episode that the edge may lie in.
            inside = np.flatnonzero((first < upto) & (edge > since[first]))
            at = first[inside]
            for spec in specs:
                if spec.days != days:
                    continue
                sums = self._hours if spec.of == "missing_hours" else self._nights
                total = sums[here.start + upto] - sums[here.start + first]
                if spec.of == "missing_hours":
                    total[inside] -= edge[inside] - since[at]
                    out[spec][block.rows] = total / HOUR_US
                else:
                    total[inside] -= self._london.n_midnights(edge[inside]) - dark[at]
                    out[spec][block.rows] = total


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
