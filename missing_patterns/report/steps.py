"""Which days of a rising curve may be shown: between two of them, enough children must have moved it.

Two points of a curve that one child's episode lies between tell when that child went, so a point is shown only
when enough children had an event since the last point that is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd


def children_behind(events: pd.DataFrame, days: Sequence[float], threshold: int) -> list[int]:
    """Return, for each day, how many children had an event since the last day that is shown.

    Parameters
    ----------
    events : pd.DataFrame
        One row per event: ``child_id day``.
    days : sequence of float
        Days asked for, rising. A day is shown if none or at least ``threshold`` children came since the last shown.
    threshold : int
        Fewest children.

    Returns
    -------
    list of int
        The counts that the disclosure door decides by, in the order of ``days``.

    Raises
    ------
    KeyError
        If a column is absent.

    Examples
    --------
    >>> events = pd.DataFrame({"child_id": list("ABCDEF"), "day": [1, 2, 3, 20, 25, 60]})
    >>> children_behind(events, [7, 28, 90], threshold=5)
    [3, 5, 1]
    """
    counts, last = [], 0.0
    for day in days:
        inside = (events["day"] > last) & (events["day"] <= day)
        counts.append(int(events.loc[inside, "child_id"].nunique()))
        if counts[-1] >= threshold or counts[-1] == 0:
            last = day
    return counts


def days_to_show(events: pd.DataFrame, horizons: Iterable[float], threshold: int) -> list[float]:
    """Return the days of a curve that may be shown: the horizons first, the steps between them fitted in.

    Raises
    ------
    KeyError
        If a column is absent.

    Examples
    --------
    >>> events = pd.DataFrame({"child_id": list("ABCDEFGHIJ"), "day": [1, 2, 3, 4, 5, 9, 12, 14, 20, 60]})
    >>> days_to_show(events, [28, 90], threshold=4)
    [4.0, 28.0]
    """
    chosen: list[float] = []
    last = 0.0
    for horizon in horizons:
        segment = events[(events["day"] > last) & (events["day"] <= horizon)]
        if segment["child_id"].nunique() < threshold:
            continue
        latest = segment.groupby("child_id")["day"].max()
        since: set[str] = set()
        for day, here in segment.groupby("day"):
            since.update(here["child_id"])
            if len(since) >= threshold and int((latest > day).sum()) >= threshold:
                chosen.append(float(day))
                since = set()
        chosen.append(float(horizon))
        last = horizon
    return chosen
