"""Times as whole numbers, and the few array operations that the rooms after this one share.

A time is an int64: microseconds since 1970 in UTC, or a day number of the calendar in London. ``ABSENT`` stands
for a time that is not recorded and sorts before every other; ``BEYOND`` for one after observation ended.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.schema import LONDON, TIMESTAMP

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ABSENT = int(np.iinfo(np.int64).min)
BEYOND = 2**61
DAY_US = 86_400_000_000


def utc_us(times: pd.Series) -> Ints:
    """Return zoned timestamps as microseconds since 1970 in UTC.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> utc_us(pd.Series(["1970-01-01T00:00:01+00:00"]).astype("datetime64[us, Europe/London]")).tolist()
    [1000000]
    """
    utc: Ints = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return utc


def day_numbers(times: pd.Series) -> Ints:
    """Return the London calendar day of zoned timestamps, or of naive dates, in days since 1970-01-01.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> day_numbers(pd.Series(pd.to_datetime(["1970-01-03 23:59"]))).tolist()
    [2]
    """
    naive = times.dt.tz_localize(None) if times.dt.tz is not None else times
    days: Ints = naive.to_numpy().astype("datetime64[D]").astype(np.int64)
    return days


def midnights(days: Ints) -> Ints:
    """Return the London midnight at which each day begins, in microseconds; ``ABSENT`` stays ``ABSENT``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> (midnights(np.array([0])) // 3_600_000_000).tolist()  # London kept summer time all year in 1970
    [-1]
    """
    naive = pd.Series(days.astype("datetime64[D]").astype("datetime64[us]"))
    first = np.ones(len(naive), dtype=bool)
    return utc_us(naive.dt.tz_localize(LONDON, ambiguous=first, nonexistent="shift_forward"))


def timestamps(us: Ints) -> pd.Series:
    """Return microseconds in UTC as a column of zoned timestamps; ``ABSENT`` becomes ``NaT``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> timestamps(np.array([ABSENT])).isna().tolist()
    [True]
    """
    naive = pd.Series(us.astype("datetime64[us]"))
    return naive.dt.tz_localize("UTC").dt.tz_convert(LONDON).astype(TIMESTAMP)


def number_rows(*keys: npt.NDArray[Any]) -> Ints:
    """Return a number for each row, equal where all keys are equal, in the order of the keys.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> number_rows(np.array([2, 1, 2]), np.array([0, 5, 0])).tolist()
    [1, 0, 1]
    """
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), dtype=bool)
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(new)
    return numbers


def count_before(ids: Ints) -> Ints:
    """Return how many earlier rows hold the same number: 0 for the first of its kind, 1 for the second.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> count_before(np.array([7, 3, 7, 7])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(ids, kind="stable")
    first = is_first(ids[order])
    position = np.arange(len(ids))
    counts = np.empty(len(ids), dtype=np.int64)
    counts[order] = position - np.maximum.accumulate(np.where(first, position, 0))
    return counts


def is_first(groups: npt.NDArray[Any]) -> Flags:
    """Return True where a run of equal values begins.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> is_first(np.array([4, 4, 9])).tolist()
    [True, False, True]
    """
    first = np.ones(len(groups), dtype=bool)
    first[1:] = groups[1:] != groups[:-1]
    return first


def largest_before(group: Ints, values: Ints) -> Ints:
    """Return the largest of the earlier values of the same group (groups ascending); ``ABSENT`` where none is.

    Works on ranks, so that no sum of group and time can overflow.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> largest_before(np.array([0, 0, 0, 1]), np.array([5, 3, 9, 1]))[1:3].tolist()
    [5, 5]
    """
    if not len(values):
        return values.copy()
    levels, rank = np.unique(values, return_inverse=True)
    running = np.maximum.accumulate(group * len(levels) + rank) % len(levels)
    before = np.empty(len(values), dtype=np.int64)
    before[1:] = levels[running[:-1]]
    before[is_first(group)] = ABSENT
    return before
