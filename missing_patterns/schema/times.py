"""Moments and months in London time."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from missing_patterns.errors import ArgumentRefused

LONDON = "Europe/London"


def moment(value: str | dt.date | dt.datetime | pd.Timestamp) -> pd.Timestamp:
    """Return the moment at which observation ends, in Europe/London.

    A bare date, as text ``"2026-10-31"`` or ``datetime.date``, is observed to its end: the moment is the midnight
    after it. Anything with a time of day (including a ``pd.Timestamp``) is taken as it stands.

    Raises
    ------
    ArgumentRefused
        If it is not an ISO date or time.

    Examples
    --------
    >>> moment("2026-10-31")
    Timestamp('2026-11-01 00:00:00+0000', tz='Europe/London')
    >>> moment("2026-10-31 12:00")
    Timestamp('2026-10-31 12:00:00+0000', tz='Europe/London')
    """
    bare = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    if isinstance(value, str):
        bare = len(value.strip()) == 10
        try:
            stamp = pd.Timestamp(dt.datetime.fromisoformat(value.strip()))
        except ValueError:
            raise ArgumentRefused("observed_until must be an ISO date or time, such as '2026-10-31'.") from None
    elif isinstance(value, dt.date):
        stamp = pd.Timestamp(value)
    else:
        raise ArgumentRefused("observed_until must be an ISO date or time, such as '2026-10-31'.")
    if stamp is pd.NaT:
        raise ArgumentRefused("observed_until must be an ISO date or time, such as '2026-10-31'.")
    if bare:
        stamp += pd.Timedelta(days=1)
    if stamp.tzinfo is None:
        return stamp.tz_localize(LONDON, ambiguous=True, nonexistent="shift_forward")
    return stamp.tz_convert(LONDON)


def calendar_month(month: str) -> pd.Period:
    """Return the month that ``yyyy-mm`` names.

    Raises
    ------
    ArgumentRefused
        If it is written in any other way.

    Examples
    --------
    >>> calendar_month("2026-10")
    Period('2026-10', 'M')
    """
    try:
        period = pd.Period(dt.date.fromisoformat(f"{month}-01"), freq="M")
    except ValueError:
        raise ArgumentRefused("a month must be written as yyyy-mm, such as 2026-10.") from None
    return period


def start_of(month: pd.Period) -> pd.Timestamp:
    """Return the first moment of a month in London.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start_of(pd.Period("2026-07", "M"))
    Timestamp('2026-07-01 00:00:00+0100', tz='Europe/London')
    """
    return month.start_time.tz_localize(LONDON)
