"""Wall-clock times into Europe/London, through both clock changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.schema import LONDON, TIMESTAMP


@dataclass(frozen=True, slots=True)
class Placed:
    """Times placed in Europe/London, and where the clock change made that a matter of a rule.

    Raises
    ------
    Nothing.
    """

    at: pd.Series
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
    wall = pd.Series(at)
    n = len(wall)
    first = wall.dt.tz_localize(LONDON, ambiguous=np.ones(n, dtype=bool), nonexistent="shift_forward")
    second = wall.dt.tz_localize(LONDON, ambiguous=np.zeros(n, dtype=bool), nonexistent="shift_forward")
    zoned = wall.dt.tz_localize("UTC").dt.tz_convert(LONDON)
    there = wall.notna().to_numpy() & ~is_utc
    in_gap = there & (first.dt.tz_localize(None) != wall).to_numpy()
    in_fold = there & (first != second).to_numpy()
    later = np.zeros(n, dtype=bool)
    if not_before is not None:
        later = in_fold & (first < not_before).to_numpy() & (second >= not_before).to_numpy()
    placed = first.where(~later, second).where(~is_utc, zoned).astype(TIMESTAMP)
    return Placed(placed, in_gap, later, in_fold & ~later)
