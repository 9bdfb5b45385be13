"""Clock time for made-up episodes: the hour and weekday at which children go, without losing or reordering any.

Episodes are drawn on an even clock and then mapped to a real week through the cumulated weekly profile. The mapping
is monotone, so order is kept and gaps of days are all but unchanged. Times are minutes of London wall-clock time
since 1 January 1970; the two hours a year at which that clock is ambiguous or skips are never used.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns import schema
from missing_patterns.synthetic import parameters as p

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

WEEK = 7 * p.MINUTES_PER_DAY
_MONDAY = 4 * p.MINUTES_PER_DAY  # 5 January 1970


@dataclass(frozen=True, slots=True)
class WeekClock:
    """A weekly profile of going missing, as a map between an even clock and the wall clock.

    Parameters
    ----------
    cumulated : array of 169
        Minutes of even time at the start of each hour of the week, Monday midnight first; ends at one week.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> clock = WeekClock.of([1] * 24, [1] * 7)
    >>> float(clock.to_wall(np.array([1234.5]))[0])
    1234.5
    """

    cumulated: Floats

    @classmethod
    def of(cls, hours: Sequence[float], weekdays: Sequence[float]) -> WeekClock:
        """Make a clock from relative rates by hour of day (24) and weekday (7, Monday first).

        Raises
        ------
        Nothing.
        """
        weights = np.outer(np.asarray(weekdays, float), np.asarray(hours, float)).ravel()
        cumulated = np.concatenate([[0.0], np.cumsum(weights)])
        return cls(cumulated * (WEEK / cumulated[-1]))

    def to_wall(self, even: Floats) -> Floats:
        """Map even minutes to wall-clock minutes.

        Raises
        ------
        Nothing.
        """
        week, rest = np.divmod(even - _MONDAY, WEEK)
        return np.asarray(week * WEEK + np.interp(rest, self.cumulated, np.arange(169) * 60.0) + _MONDAY)

    def to_even(self, wall: Floats) -> Floats:
        """Map wall-clock minutes to even minutes.

        Raises
        ------
        Nothing.
        """
        week, rest = np.divmod(wall - _MONDAY, WEEK)
        return np.asarray(week * WEEK + np.interp(rest, np.arange(169) * 60.0, self.cumulated) + _MONDAY)


def settle(minutes: Floats) -> Floats:
    """Floor to whole minutes that a file can tell apart.

    An hour is added where the London clock repeats or skips one (01:00 to 01:59 on the last Sunday of March and
    October), and a minute at exactly midnight, which readers take for "only the day is known".

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from_text = lambda s: np.array([np.datetime64(s, "m").astype(float)])
    >>> str(settle(from_text("2026-10-25T01:30"))[0].astype("datetime64[m]"))
    '2026-10-25T02:30'
    >>> str(settle(from_text("2026-10-26T00:00"))[0].astype("datetime64[m]"))
    '2026-10-26T00:01'
    """
    whole = np.floor(minutes).astype(np.int64)
    day, within = np.divmod(whole, 1440)
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    day_of_month = (day.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64) + 1
    sunday = (day + 3) % 7 == 6
    changes = np.isin(month.astype(np.int64) % 12, (2, 9)) & sunday & (day_of_month >= 25)
    whole = whole + 60 * (changes & (within // 60 == 1)) + (within == 0)
    return np.asarray(whole, dtype=np.float64)


def daytime(minutes: Floats, share: Floats) -> Floats:
    """Move moments outside 09:00 to 18:59 to working hours: the small hours to the same day, evenings to the next.

    Parameters
    ----------
    minutes : array
        Wall-clock minutes.
    share : array
        Where in the working day a moved moment falls, 0 to 1.

    Raises
    ------
    Nothing.
    """
    day, within = np.divmod(np.floor(minutes), p.MINUTES_PER_DAY)
    outside = (within < 9 * 60) | (within >= 19 * 60)
    day = day + (within >= 19 * 60)
    moved = day * p.MINUTES_PER_DAY + np.floor(9 * 60 + share * 9 * 60)
    return np.asarray(np.where(outside, moved, np.floor(minutes)))


def to_london(minutes: Floats) -> pd.Series:
    """Return wall-clock minutes as London times; NaN becomes not recorded.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> to_london(np.array([0.0, np.nan])).tolist()
    [Timestamp('1970-01-01 00:00:00+0100', tz='Europe/London'), NaT]
    """
    known = np.isfinite(minutes)
    whole = np.where(known, minutes, 0).astype(np.int64)
    stamps = pd.Series(whole.astype("datetime64[m]").astype("datetime64[us]"))
    return stamps.dt.tz_localize(schema.LONDON).where(pd.Series(known)).astype(schema.TIMESTAMP)


def to_dates(minutes: Floats) -> pd.Series:
    """Return the calendar days of wall-clock minutes; NaN becomes not recorded.

    Raises
    ------
    Nothing.
    """
    known = np.isfinite(minutes)
    days = np.where(known, minutes // p.MINUTES_PER_DAY, 0).astype(np.int64)
    return pd.Series(days.astype("datetime64[D]").astype("datetime64[us]")).where(pd.Series(known))


def minutes_of(date: Any) -> float:
    """Return the minutes of wall-clock time at the midnight that begins a date.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> minutes_of("1970-01-02")
    1440.0
    """
    return float(np.datetime64(date, "D").astype(np.int64) * 1440)


def pick(share: Floats, weights: Sequence[float] | Floats) -> Ints:
    """Pick positions by weight, one for each uniform draw.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> pick(np.array([0.1, 0.9]), [0.5, 0.5]).tolist()
    [0, 1]
    """
    cumulated = np.cumsum(np.asarray(weights, float))
    found = np.searchsorted(cumulated / cumulated[-1], share, side="right")
    return np.minimum(found, len(cumulated) - 1).astype(np.int64)


def choose(shares: Mapping[str, float], share: float) -> str:
    """Choose a name by its share, with one uniform draw.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> choose({"phone": 0.2, "video": 0.8}, 0.2)
    'video'
    """
    running = list(accumulate(shares.values()))
    return list(shares)[bisect_right(running[:-1], share * running[-1])]
