"""Gap times: from each return to the next going missing, or to the end of observation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.episodes.arrays import ABSENT, DAY_US
from missing_patterns.episodes.known import Moment, count_ends, day_of, know
from missing_patterns.schema import ENDED_BY, TEXT


def gap_times(episodes: pd.DataFrame, *, observed_until: Moment, children: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the time from each return to the next going missing: one row per returned episode.

    A gap that no episode has ended by the end of observation is censored: ``event`` is 0 and ``gap_days`` runs to
    that end. ``ended_by`` says what ended it, so that what is no chance event can be told from what is. Gaps of zero
    (back, and gone again at once or on the same date) are kept and counted. An episode that is open, or whose end is
    not recorded, has no gap.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table.
    observed_until : str, date, datetime or Timestamp
        End of observation; a bare date is observed to its end.
    children : pd.DataFrame, optional
        The children table. Follow-up of a child ends with the child's own ``observed_until``, or on the first day of
        the month in which the child turns 18, if either comes earlier.

    Returns
    -------
    pd.DataFrame
        ``child_id episode_no gap_days event episode_id ended_by``, sorted by child and time; ``episode_no`` and
        ``episode_id`` are those of the episode that the child returned from. Days are elapsed time, or whole days
        between the dates where a stamp is known by date only. ``ended_by`` is ``episode``; ``end_of_data`` or
        ``turned_18``, which are administrative (``schema.ADMINISTRATIVE_ENDS``); ``left_care``, ``moved_area``,
        ``died`` or ``other``, which compete with going again (``schema.COMPETING_EXITS``); or ``not_recorded``, where
        the child's observation ended and nothing says why. ``.attrs["accounting"]``:
        ``n_episodes = n_gaps + n_open + n_end_not_recorded + n_after_end + n_after_exit + n_after_18``;
        ``n_gaps`` is the sum of ``n_ended_by_...`` over the reasons; ``n_zero_gaps`` of no length, ``n_same_day`` gone
        again on the date of the return, ``n_before_entry`` began before the child's ``observed_from``, so that an
        episode in them may not be on file.

    Raises
    ------
    TableRefused
        If a table is not usable, or episodes of one child overlap.
    ArgumentRefused
        If ``observed_until`` is not a date or time.

    Examples
    --------
    >>> episodes = pd.DataFrame(
    ...     [["A", "2026-01-05 21:00", "2026-01-06 09:00"], ["A", "2026-01-07 21:00", "2026-01-08 00:00"]],
    ...     columns=["child_id", "missing_from", "returned_at"])
    >>> gap_times(episodes, observed_until="2026-01-31")[["episode_no", "gap_days", "event", "ended_by"]]
       episode_no  gap_days  event     ended_by
    0           1       1.5      1      episode
    1           2      24.0      0  end_of_data

    >>> children = pd.DataFrame({"child_id": ["A"], "observed_until": ["2026-01-20"], "exit_reason": ["left_care"]})
    >>> gap_times(episodes, observed_until="2026-01-31", children=children)[["gap_days", "event", "ended_by"]]
       gap_days  event   ended_by
    0       1.5      1    episode
    1      12.0      0  left_care
    """
    known = know(episodes, observed_until, children)
    n = len(known.child)
    followed = np.zeros(n, dtype=bool)
    followed[:-1] = ~known.is_first[1:]
    to_next, same_date = np.zeros(n), np.zeros(n, dtype=bool)
    dated = known.is_day[1:] | known.is_day[:-1]
    between = known.day0[1:] - known.day1[:-1]
    to_next[:-1] = np.where(dated, between, (known.start[1:] - known.end[:-1]) / DAY_US)
    same_date[:-1] = followed[:-1] & (between == 0)
    limit = known.observed.end
    to_end = np.where(known.is_day, day_of(limit)[known.child] - known.day1, (limit[known.child] - known.end) / DAY_US)
    gap = np.where(followed, to_next, to_end)
    ended_by = np.where(followed, ENDED_BY.index("episode"), known.observed.reason[known.child])
    begin = known.observed.begin[known.child]
    back = known.is_back

    result = pd.DataFrame(
        {
            "child_id": known.table["child_id"][back].reset_index(drop=True),
            "episode_no": pd.array(known.number[back], dtype="Int64"),
            "gap_days": gap[back],
            "event": pd.array(followed[back].astype(np.int64), dtype="Int64"),
            "episode_id": known.table["episode_id"][back].reset_index(drop=True),
            "ended_by": pd.Series(np.array(ENDED_BY, dtype=object)[ended_by[back]], dtype=TEXT),
        }
    )
    result.attrs["accounting"] = {
        "n_episodes": n + sum(known.n_after.values()),
        "n_gaps": len(result),
        "n_open": int((~back & ~followed).sum()),
        "n_end_not_recorded": int((~back & followed).sum()),
        **known.n_after,
        **count_ends(ended_by[back]),
        "n_zero_gaps": int((gap[back] == 0).sum()),
        "n_same_day": int(same_date.sum()),
        "n_before_entry": int((back & (begin != ABSENT) & (known.end < begin)).sum()),
    }
    return result
