"""Wall-clock times into Europe/London, through both clock changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.schema import LONDON, TIMESTAMP

_HOUR = 3_600_000_000  # in microseconds
_SUNDAY_AT_ONE = 73  # of the hours of a week that begins as 1970 did, on a Thursday


@dataclass(frozen=True, slots=True)
class Placed:
    """Times placed in Europe/London, and where the clock change made that a matter of a rule.

    Raises
    ------
    Nothing.
    """

    at: pd.Series
    wall: np.ndarray
    in_gap: np.ndarray
    fold_by_order: np.ndarray
    fold_unproven: np.ndarray


def place(at: np.ndarray, is_utc: np.ndarray, not_before: pd.Series | None = None) -> Placed:
    """Place naive times in Europe/London.

    A time that does not exist in March moves forward to 02:00. One that happens twice in October is the first of the
    two, unless that would be before ``not_before``: then it is the second.

    Parameters
    ----------
    at : array of datetime64[us]
        Wall-clock times, or UTC where ``is_utc``.
    is_utc : array of bool
    not_before : Series of London times, optional
        The other stamp of the row, which this one cannot precede.

    Returns
    -------
    Placed
        ``wall`` holds what a clock in London showed, naive.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> wall = np.array(["2026-10-25T01:10"], dtype="datetime64[us]")
    >>> start = place(np.array(["2026-10-25T01:50"], dtype="datetime64[us]"), np.array([False])).at
    >>> place(wall, np.array([False]), start).at[0] - start[0]
    Timedelta('0 days 00:20:00')
    """
    n = len(at)
    wall = at.astype("datetime64[us]")
    placed = _local(wall, first=True)
    in_gap, later, in_fold = (np.zeros(n, dtype=bool) for _ in range(3))
    # London's clocks change between one and two on a Sunday morning, so no other time needs a look.
    hours = wall.view(np.int64) // _HOUR
    near = np.flatnonzero((hours % 168 == _SUNDAY_AT_ONE) & ~np.isnat(wall) & ~is_utc)
    if len(near):
        first, second = placed[near], _local(wall[near], first=False)
        shown = first.tz_localize(None).to_numpy()
        in_gap[near] = shown != wall[near]
        wall[near] = shown
        in_fold[near] = first != second
        if not_before is not None:
            other = not_before.array[near]
            later[near] = in_fold[near] & (first < other) & (second >= other)
            placed[later] = second[later[near]]
    if is_utc.any():
        moments = placed.tz_convert("UTC").tz_localize(None).to_numpy().copy()
        moments[is_utc] = wall[is_utc]
        placed = pd.Series(moments).dt.tz_localize("UTC").dt.tz_convert(LONDON).array
        wall[is_utc] = placed[is_utc].tz_localize(None).to_numpy()
    return Placed(pd.Series(placed, dtype=TIMESTAMP), wall, in_gap, later, in_fold & ~later)


def _local(wall: np.ndarray, *, first: bool) -> Any:
    is_first = np.full(len(wall), first, dtype=bool)
    return pd.Series(wall).dt.tz_localize(LONDON, ambiguous=is_first, nonexistent="shift_forward").array
