"""What came after: whether the child went again within so many days, and where nobody can say yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, DAY_US, Flags, Ints
from missing_patterns.episodes.observed import observe
from missing_patterns.features.asked import Asked, ask_all
from missing_patterns.features.history import History
from missing_patterns.features.specs import check_days
from missing_patterns.schema import ENDED_BY, EPISODES, TEXT, conform, moment

#: What is read of an episode; the rest need not pass the gate.
OF_EPISODES = ("child_id", "episode_id", "episode_no", "missing_from", "returned_at", "precision", "incident_ids")

Moment: TypeAlias = str | dt.date | dt.datetime | pd.Timestamp


def build_outcomes(
    episodes: pd.DataFrame,
    *,
    index: str | pd.DataFrame = "returned_at",
    observed_until: Moment,
    horizon_days: Sequence[int] = (7, 28, 90),
    interviews: pd.DataFrame | None = None,
    children: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what came after each moment asked about: the same rows, in the same order, as ``build_features``.

    A horizon of `h` days after t = ``index_at`` is ``(t, t + h x 24 hours]``. A child who was not followed to its end
    and was not seen to go again is **censored**: nobody knows, which is not the same as "did not go again". Leaving
    such rows out makes repeats look commoner than they are, counting them as False rarer. Ask only at moments at least
    a horizon before the end of the data, or use ``gap_times`` and the curves made for this.

    A child's follow-up ends with the first of ``observed_until``, the child's own ``observed_until`` and the first day
    of the month of the 18th birthday.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table of ``build_episodes``.
    index : {"returned_at", "interview"} or DataFrame, default "returned_at"
        The moments asked about, as in ``build_features``.
    observed_until : str, date, datetime or Timestamp
        End of the data; a bare date is observed to its end.
    horizon_days : sequence of int, default (7, 28, 90)
        Different whole days, each at least 1.
    interviews : pd.DataFrame, optional
        The interviews table; needed for ``index="interview"``.
    children : pd.DataFrame, optional
        The children table, for each child's own end of observation and its reason, and for the month of birth.

    Returns
    -------
    pd.DataFrame
        The keys of ``build_features`` (``child_id episode_id index_at``, and ``interview_id`` for interviews), then
        ``is_at_risk`` : bool
            At t the child was followed and not missing. Where False, no outcome can follow from t: all of it is
            not recorded, and censored.
        ``days_to_next`` : float64
            Days from t to the start of the child's next episode; NaN if none was seen.
        ``days_followed`` : float64
            Days from t to the next start or to the end of the child's follow-up, whichever came first.
        ``ended_by`` : text
            What ended these days: ``episode``, ``end_of_data``, ``turned_18``, or the reason why the child was no
            longer observed (``left_care``, ``moved_area``, ``died``, ``other``, ``not_recorded``). Where t was after
            the end of follow-up, its reason; not recorded for a child who was missing at t.
        ``again_{h}d`` : boolean, for each horizon
            True if an episode began in the horizon, False if the child was followed for it without, else not recorded.
        ``is_censored_{h}d`` : bool, for each horizon
            ``again_{h}d`` is not recorded.

        Days are elapsed time, or whole days between the dates where t or the next start is known by date only, as in
        ``gap_times``. An episode known by date only began in the course of its day, so one that is dated t's own day
        follows a t at the midnight which begins that day, at 0 days; and to have been followed for h days from a
        return known by date only, the child must have been followed to the end of the h-th day after.

    Raises
    ------
    ArgumentRefused
        If ``index``, ``observed_until`` or ``horizon_days`` is not one that is known.
    TableRefused
        If a table is not usable.

    Examples
    --------
    >>> from missing_patterns.episodes import build_episodes
    >>> incidents = pd.DataFrame({
    ...     "child_id": ["A", "A", "B"], "missing_from": ["2026-01-05 21:00", "2026-01-17 20:00", "2026-01-20 09:00"],
    ...     "returned_at": ["2026-01-05 23:00", "2026-01-17 22:00", "2026-01-21 00:00"]})
    >>> episodes = build_episodes(incidents, observed_until="2026-01-31")
    >>> y = build_outcomes(episodes, observed_until="2026-01-31", horizon_days=[7, 28])
    >>> y[["days_to_next", "ended_by", "again_7d", "again_28d", "is_censored_28d"]]
       days_to_next     ended_by  again_7d  again_28d  is_censored_28d
    0        11.875      episode     False       True            False
    1           NaN  end_of_data     False       <NA>             True
    2           NaN  end_of_data     False       <NA>             True
    """
    horizons = check_days(horizon_days, "horizon_days")
    until = moment(observed_until)
    table = conform(episodes, EPISODES, OF_EPISODES)
    history, asked, _ = ask_all(table, index, interviews, needs_talks=False)
    observed = observe(pd.Index(asked.child_ids), until, children)
    limit, reason = observed.end[asked.child], observed.reason[asked.child]
    columns = _tell(asked, _look_ahead(history, asked), limit, reason, horizons)
    return pd.concat([asked.keys, pd.DataFrame(columns)], axis=1)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """Per moment asked about: whether the child was missing, the next start, and whether only dates lie between."""

    is_missing: Flags
    has_next: Flags
    start: Ints
    by_date: Flags


def _look_ahead(history: History, asked: Asked) -> _Ahead:
    """Find the next start after each moment: one search for all children."""
    dated = (history.column("precision") == "day").fillna(False).to_numpy(dtype=bool)
    # Half a microsecond after its midnight: a start known by date only follows a moment at that midnight.
    begun = 2 * history.start + dated
    levels = np.unique(begun)
    width = len(levels) + 1  # ranks stand for times, so that child and time fit into one whole number
    key = history.child * width + np.searchsorted(levels, begun)
    order = np.argsort(key, kind="stable")
    after = np.searchsorted(key[order], asked.child * width + np.searchsorted(levels, 2 * asked.time, "right"))
    # The episode asked about lies behind, also where both its stamps are the one date of its return.
    place = np.full(len(order) + 1, -1, dtype=np.int64)
    place[history.row[order]] = np.arange(len(order))
    after = np.maximum(after, place[asked.episode] + 1)
    # A place before the first and after the last episode, of no child.
    of, row = np.append(history.child[order], -1), np.append(order, -1)
    has_next, has_last = of[after] == asked.child, of[after - 1] == asked.child
    following, last = row[after], row[after - 1]
    start, end, dated = np.append(history.start, 0), np.append(history.end, 0), np.append(dated, False)
    return _Ahead(
        is_missing=has_last & ((end[last] == ABSENT) | (end[last] > asked.time)),
        has_next=has_next,
        start=start[following],
        by_date=asked.by_date | dated[following],
    )


def _tell(asked: Asked, ahead: _Ahead, limit: Ints, reason: Ints, horizons: tuple[int, ...]) -> dict[str, Any]:
    """Word what lies ahead as columns."""
    day, next_day, last_day = (ar.day_numbers(ar.timestamps(us)) for us in (asked.time, ahead.start, limit))
    followed = asked.time < limit
    at_risk = followed & ~ahead.is_missing
    seen = at_risk & ahead.has_next & (ahead.start < limit)
    to_next = np.where(ahead.by_date, next_day - day, (ahead.start - asked.time) / DAY_US)
    to_end = np.where(asked.by_date, last_day - day, (limit - asked.time) / DAY_US)
    code = np.where(seen, ENDED_BY.index("episode"), reason)
    words = np.array([*ENDED_BY, None], dtype=object)[np.where(followed & ahead.is_missing, -1, code)]
    columns: dict[str, Any] = {
        "is_at_risk": at_risk,
        "days_to_next": np.where(seen, to_next, np.nan),
        "days_followed": np.where(at_risk, np.where(seen, to_next, to_end), np.nan),
        "ended_by": pd.array(words, dtype=TEXT),
    }
    for days in horizons:
        within = np.where(ahead.by_date, next_day - day <= days, ahead.start - asked.time <= days * DAY_US)
        enough = np.where(asked.by_date, last_day - day > days, limit - asked.time >= days * DAY_US)
        known = seen | (at_risk & enough)
        columns[f"again_{days}d"] = pd.arrays.BooleanArray(seen & within, ~known)
        columns[f"is_censored_{days}d"] = ~known
    return columns
