"""When: hour, weekday and month as circles, and what the calendar says, of the start and of the index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from missing_patterns.episodes.arrays import Flags, Ints
from missing_patterns.features.blocks import Block, Given
from missing_patterns.features.columns import UNKNOWN, Columns
from missing_patterns.features.specs import Calendar, Cycle, Spec

#: What the calendar calls it, where a feature has another name because it looks at the start.
_OF_START = {"began_in_school_holiday": "is_school_holiday", "began_on_bank_holiday": "is_bank_holiday"}
READS: tuple[str, ...] = ()

Floats = npt.NDArray[np.float64]


def knows(spec: Spec) -> bool:
    """Say whether a feature is reckoned here.

    Raises
    ------
    Nothing.
    """
    return isinstance(spec, Cycle | Calendar)


class OfMoments:
    """Fills the columns of this family, a block at a time.

    Raises
    ------
    Nothing.
    """

    def __init__(self, given: Given, specs: Sequence[Spec]) -> None:
        self._history, self._asked = given.history, given.asked
        self._calendar, self._london = given.calendar, given.london
        self._start = [s for s in specs if _is_of_start(s)]
        self._index = [s for s in specs if not _is_of_start(s)]

    def fill(self, block: Block, out: Columns) -> None:
        """Fill the rows of a block.

        Raises
        ------
        Nothing.
        """
        london = self._london
        if self._start:
            rows = np.flatnonzero(block.place >= 0)
            place = block.place[rows]
            time = self._history.start[place]
            at = slice(block.rows.start, block.rows.stop)
            if len(rows) < len(block.place):
                for spec in self._start:
                    out[spec][at] = _BLANK[spec.kind]
            self._put(out, self._start, block.rows.start + rows, time, london.day(time), self._history.by_date[place])
        if self._index:
            day = london.day(block.time)
            timeless = london.is_midnight(block.time, day) | self._asked.by_date[block.rows]
            self._put(out, self._index, block.rows, block.time, day, timeless)

    def _put(self, out: Columns, specs: Sequence[Spec], rows: Any, time: Ints, day: Ints, timeless: Flags) -> None:
        turns: dict[str, Ints] = {}
        says = self._calendar.days(day) if any(isinstance(s, Calendar) and s.of != "is_weekend" for s in specs) else {}
        for spec in specs:
            if isinstance(spec, Cycle):
                if spec.of not in turns:
                    turns[spec.of] = self._turn(spec.of, time, day, timeless)
                out[spec][rows] = _CIRCLES[spec.of, spec.part][turns[spec.of]]
            elif spec.of == "is_weekend":
                out[spec][rows] = (day + 3) % 7 >= 5
            else:
                value = says[_OF_START.get(spec.of, spec.of)]
                out[spec][rows] = np.where(np.isnan(value), UNKNOWN, value) if spec.kind == "maybe" else value

    def _turn(self, of: str, time: Ints, day: Ints, timeless: Flags) -> Ints:
        """Where on the circle: a row of its table, the last of which is for what is not known."""
        if of == "hour":
            return np.where(timeless, 1440, self._london.minute(time))
        if of == "weekday":
            return (day + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12


def _is_of_start(spec: Spec) -> bool:
    if isinstance(spec, Cycle):
        return spec.at == "start"
    return spec.of in _OF_START or spec.of == "is_weekend"


def _circle(turns: list[float], part: str) -> Floats:
    way = math.sin if part == "sin" else math.cos
    return np.array([*(way(2 * math.pi * turn) for turn in turns), math.nan])


_TURNS = {
    "hour": [(minute // 60 + minute % 60 / 60) / 24 for minute in range(1440)],
    "weekday": [day / 7 for day in range(7)],
    "month": [month / 12 for month in range(12)],
}
_CIRCLES = {(of, part): _circle(turns, part) for of, turns in _TURNS.items() for part in ("sin", "cos")}
_BLANK: dict[str, Any] = {"measure": np.nan, "flag": False, "maybe": UNKNOWN}
