"""When children go: hour of the day by day of the week, with the time that there was to go in."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: First hour of each band, and the band's name; a band runs to the next one's first hour.
BANDS = ((0, "00-03"), (4, "04-07"), (8, "08-11"), (12, "12-15"), (16, "16-19"), (20, "20-23"))

NOTE = (
    "Start times are when a child was last seen or due back, as recorded; round hours are often guesses. Episodes of "
    "which only the date is known are left out. A few children with many episodes can make a peak: read n_children "
    "beside n_episodes."
)


def calendar_rates(
    episodes: pd.DataFrame,
    *,
    first_day: str | dt.date | None = None,
    last_day: str | dt.date | None = None,
) -> pd.DataFrame:
    """Episodes by band of hours and day of the week, as counts, children and rates.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table; only ``child_id`` and ``missing_from`` are needed. Rows of ``precision`` day have no
        time of day: they are counted in ``.attrs`` and left out. Blank precision is taken as minute.
    first_day, last_day : str or date, optional
        Period observed, both days included, as yyyy-mm-dd. Episodes outside are left out and counted. None takes
        the first and the last day on which an episode of minute precision began, which makes rates a little too
        high in short periods; give the days that were really observed.

    Returns
    -------
    pd.DataFrame
        42 rows: 7 weekdays by 6 bands, in order, zeros included.

        - ``weekday_no`` (0 = Monday), ``weekday``, ``hour_band`` (local time, "16-19" is [16:00, 20:00))
        - ``n_episodes`` that began in it, ``n_children`` behind them (a child counts once in each cell, so cells
          do not add up to the number of children)
        - ``n_days`` such weekdays in the period, ``n_hours`` in them (the two clock changes are not allowed for)
        - ``per_100_hours``: episodes per 100 such hours; NaN when there were none
        - ``rate_ratio``: that rate over the rate of the whole period; NaN when there are no episodes

        ``.attrs``: ``note``, ``n_counted``, ``n_day_precision``, ``n_outside``, ``first_day``, ``last_day``.

    Raises
    ------
    ArgumentRefused
        If a day is not a date, or the last is before the first.
    TableRefused
        If the table cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> episodes = pd.DataFrame({"child_id": ["A", "A", "B"], "missing_from": [
    ...     "2026-01-09 17:30", "2026-01-16 19:15", "2026-01-16 23:00"]})
    >>> rates = calendar_rates(episodes, first_day="2026-01-05", last_day="2026-01-18")
    >>> friday = rates[(rates["weekday"] == "Friday") & (rates["n_episodes"] > 0)]
    >>> friday[["hour_band", "n_episodes", "n_children", "n_hours"]].values.tolist()
    [['16-19', 2, 1, 8], ['20-23', 1, 1, 8]]
    """
    episodes = schema.conform(episodes, schema.EPISODES)
    is_day = episodes["precision"].eq("day").fillna(False).astype(bool)
    timed = episodes.loc[~is_day, ["child_id", "missing_from"]]
    # Local wall-clock: the hour that people see, on both sides of a clock change.
    local = timed["missing_from"].dt.tz_localize(None)
    day = local.dt.normalize()
    first = _day(first_day, "first_day") if first_day is not None else day.min()
    last = _day(last_day, "last_day") if last_day is not None else day.max()
    if first > last:
        raise ArgumentRefused("last_day must not be before first_day.")
    inside = day.between(first, last)
    starts = np.array([b[0] for b in BANDS])
    cell = pd.DataFrame(
        {
            "weekday_no": local[inside].dt.day_of_week.astype("int64"),
            "band": np.searchsorted(starts, local[inside].dt.hour.to_numpy(), side="right") - 1,
            "child_id": timed.loc[inside, "child_id"],
        }
    )
    grid = pd.MultiIndex.from_product([range(7), range(len(BANDS))], names=["weekday_no", "band"])
    grouped = cell.groupby(["weekday_no", "band"])["child_id"]
    n_episodes = grouped.size().reindex(grid, fill_value=0).to_numpy(dtype="int64")
    n_children = grouped.nunique().reindex(grid, fill_value=0).to_numpy(dtype="int64")

    weekday = grid.get_level_values("weekday_no").to_numpy()
    band = grid.get_level_values("band").to_numpy()
    n_days = _days_of_each_weekday(first, last)[weekday]
    n_hours = n_days * np.diff([*starts, 24])[band]
    result = pd.DataFrame(
        {
            "weekday_no": weekday,
            "weekday": [WEEKDAYS[d] for d in weekday],
            "hour_band": [BANDS[b][1] for b in band],
            "n_episodes": n_episodes,
            "n_children": n_children,
            "n_days": n_days,
            "n_hours": n_hours,
        }
    )
    rate = np.divide(n_episodes, n_hours, out=np.full(len(grid), np.nan), where=n_hours > 0)
    result["per_100_hours"] = 100 * rate
    total = int(n_episodes.sum())
    result["rate_ratio"] = rate / (total / n_hours.sum()) if total else np.nan
    result.attrs = {
        "note": NOTE,
        "n_counted": total,
        "n_day_precision": int(is_day.sum()),
        "n_outside": int((~inside).sum()),
        "first_day": "" if pd.isna(first) else first.date().isoformat(),
        "last_day": "" if pd.isna(last) else last.date().isoformat(),
    }
    return result


def _day(value: str | dt.date, name: str) -> pd.Timestamp:
    try:
        text = value if isinstance(value, str) else value.isoformat()
        stamp = dt.datetime.fromisoformat(text.strip())
    except (ValueError, AttributeError):
        raise ArgumentRefused(f"{name} must be a date as yyyy-mm-dd.") from None
    return pd.Timestamp(stamp.date())


def _days_of_each_weekday(first: pd.Timestamp, last: pd.Timestamp) -> npt.NDArray[np.int64]:
    """Count how many Mondays, Tuesdays, ... there are from first to last, both included."""
    if pd.isna(first) or pd.isna(last):
        return np.zeros(7, dtype="int64")
    n = (last - first).days + 1
    counts = np.full(7, n // 7, dtype="int64")
    counts[(first.weekday() + np.arange(n % 7)) % 7] += 1
    return counts
