"""The calendar and the clock of London for many moments at once, from a table with a row for each day."""

from __future__ import annotations

import numpy as np

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import DAY_US, Ints

MINUTE_US = 60_000_000


class London:
    """Days and times of day of moments between two moments, both included.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> hour = 3_600_000_000
    >>> london = London(0, DAY_US)  # London kept summer time all year in 1970
    >>> london.day(np.array([0, 23 * hour])).tolist(), london.minute(np.array([0, 90 * 60_000_000])).tolist()
    ([0, 1], [60, 150])
    """

    def __init__(self, first: int, last: int) -> None:
        self._first = first // DAY_US - 1
        days = np.arange(self._first, last // DAY_US + 4)
        self._midnight = ar.midnights(days)
        self._ahead = days * DAY_US - self._midnight

    def day(self, us: Ints) -> Ints:
        """Return the day number in London of each moment.

        Raises
        ------
        Nothing.
        """
        row = us // DAY_US - self._first  # the day by Greenwich, from which London's is one apart at most
        row += self._midnight[row + 1] <= us
        row -= self._midnight[row] > us
        return row + self._first

    def n_midnights(self, us: Ints) -> Ints:
        """Return how many midnights came before each moment, counted from some day on.

        Raises
        ------
        Nothing.
        """
        return self.day(us - 1)

    def is_midnight(self, us: Ints, day: Ints) -> np.ndarray:
        """Say which moments are the beginning of their day.

        Raises
        ------
        Nothing.
        """
        found: np.ndarray = self._midnight[day - self._first] == us
        return found

    def minute(self, us: Ints) -> Ints:
        """Return the minute of the day that a clock in London shows: 0 to 1439.

        Raises
        ------
        Nothing.
        """
        row = self.day(us) - self._first
        wall = us + self._ahead[row]
        changed = np.flatnonzero(self._ahead[row] != self._ahead[row + 1])
        if len(changed):
            naive = ar.timestamps(us[changed]).dt.tz_localize(None).to_numpy().astype("datetime64[us]")
            wall[changed] = naive.astype(np.int64)
        return wall // MINUTE_US % 1440
