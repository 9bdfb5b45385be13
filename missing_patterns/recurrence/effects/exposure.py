"""From returns and dated actions to time at risk before and after the first action: no time counts as immortal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.episodes import gap_times
from missing_patterns.episodes.known import Moment
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.recurrence.common import Bools, Floats, Ints, tie_times
from missing_patterns.schema import EPISODES, HELD, INTERVIEWS, Column, Table, conform
from missing_patterns.triggers import link_interviews

ACTIONS = Table(
    "actions",
    "one action after a return",
    (
        Column("episode_id", "id", "the episode that the child returned from"),
        Column("child_id", "id", "the child, where no episode is named: the last return by then is meant"),
        Column("happened_at", "timestamp", "when; exactly midnight = only the day is known; blank = it is not used"),
    ),
)
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Returns:
    """Arrays with one entry per return, in the order of ``gap_times``; days since the return.

    Parameters
    ----------
    frame : pd.DataFrame
        ``child_id episode_id episode_no ended_by``, not for print.
    child : array
        Number of the child, from 0.
    stop : array
        End of follow-up: the next episode, the end of observation or ``max_days``.
    event : array
        Whether it ends with the next episode.
    act : array
        First action after the return and before ``stop``; infinite where there was none.
    quarter : array
        Quarter of the day in which the child came back, 0 to 3; 4 where only the date is known.
    accounting : dict
        What became of every action and return.

    Raises
    ------
    Nothing.
    """

    frame: pd.DataFrame
    child: Ints
    stop: Floats
    event: Bools
    act: Floats
    quarter: Ints
    accounting: dict[str, int]

    def __repr__(self) -> str:
        return f"Returns: {len(self.stop):,}, {int(np.isfinite(self.act).sum()):,} of them acted on"


def completed_interviews(
    episodes: pd.DataFrame, interviews: pd.DataFrame, within_hours: float | None = None
) -> pd.DataFrame:
    """Return the held interviews as actions for :func:`compare_after`: one row per interview and episode it covers.

    Held means completed, in part, or as part of another interview; and one whose status is not recorded but whose
    date is. An interview that covers several episodes gives a row for each; only for the last of them does it come
    before the next episode, and ``compare_after`` counts it there only.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table, with ``episode_id``.
    interviews : pd.DataFrame
        The interviews table, with ``interview_id``.
    within_hours : float, optional
        Only those held so soon after the return (72 is the statutory limit). Where only the day is known, so many days
        after the date of the return count, rounded down. Returns that were followed up later then stand among those
        not acted on.

    Returns
    -------
    pd.DataFrame
        ``episode_id happened_at``. ``.attrs["accounting"]``: ``n_links = n_actions + n_not_held + n_no_date + n_late``.

    Raises
    ------
    TableRefused
        If a table is not usable.
    ArgumentRefused
        If ``within_hours`` is not above 0.

    Examples
    --------
    >>> episodes = pd.DataFrame({
    ...     "episode_id": ["E-1", "E-2"], "child_id": ["A", "A"], "missing_from": ["2026-01-05", "2026-01-20"],
    ...     "returned_at": ["2026-01-06 10:00", "2026-01-21 10:00"], "incident_ids": [("1",), ("2",)]})
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["R-1", "R-2"], "child_id": ["A", "A"], "incident_ids": [("1",), ("2",)],
    ...     "status": ["completed", "declined"], "held_at": ["2026-01-08 11:00", None]})
    >>> completed_interviews(episodes, interviews)["episode_id"].tolist()
    ['E-1']
    """
    if within_hours is not None and not within_hours > 0:
        raise ArgumentRefused("within_hours must be above 0, such as 72.")
    links = link_interviews(episodes, interviews)
    table = conform(interviews, INTERVIEWS).set_index("interview_id")
    back = conform(episodes, EPISODES, only=["episode_id", "child_id", "missing_from", "returned_at"]).set_index(
        "episode_id"
    )["returned_at"]
    pairs = pd.DataFrame(
        {
            "episode_id": links["episode_id"],
            "happened_at": table["held_at"].reindex(links["interview_id"]).array,
            "status": table["status"].reindex(links["interview_id"]).array,
        }
    )
    dated = pairs["happened_at"].notna()
    held = pairs["status"].isin(HELD) | (pairs["status"].fillna("unknown").eq("unknown") & dated)
    late = pd.Series(False, index=pairs.index)
    if within_hours is not None:
        returned = pd.Series(back.reindex(pairs["episode_id"]).array, index=pairs.index)
        hours = (pairs["happened_at"] - returned) / pd.Timedelta(hours=1)
        days = _dates_apart(returned, pairs["happened_at"])
        late = np.where(_only_day(pairs["happened_at"]), days > within_hours // 24, hours > within_hours)
        late = pd.Series(late, index=pairs.index) & held & dated
    kept = held & dated & ~late
    result = pairs.loc[kept, ["episode_id", "happened_at"]].reset_index(drop=True)
    result.attrs["accounting"] = {
        "n_links": len(pairs),
        "n_actions": len(result),
        "n_not_held": int((~held).sum()),
        "n_no_date": int((held & ~dated).sum()),
        "n_late": int(late.sum()),
    }
    return result


def _only_day(times: pd.Series) -> Bools:
    local = times.dt.tz_localize(None)
    midnight: Bools = (local == local.dt.normalize()).to_numpy(dtype=np.bool_)
    return midnight


def _dates_apart(since: pd.Series, until: pd.Series) -> Floats:
    """Whole days between the London dates, NaN where one is not known."""
    first, last = (t.dt.tz_localize(None).dt.normalize() for t in (since, until))
    return np.asarray((last - first) / _DAY, dtype=np.float64)


def read_returns(
    episodes: pd.DataFrame,
    actions: pd.DataFrame,
    *,
    observed_until: Moment,
    children: pd.DataFrame | None,
    max_days: float | None,
) -> Returns:
    """Lay out each return, its follow-up, and the first action in it.

    An action takes effect when it happened. Where only its day is known, that is the middle of the day, or of what the
    return left of it; where only the date of the return or of the next episode is known, time runs in whole days, and
    an action on the date of the next episode counts as after it, since which came first is not known.

    Raises
    ------
    TableRefused
        If a table is not usable, or actions name neither an episode nor a child.
    ArgumentRefused
        If ``observed_until`` is not a date or time.
    """
    gaps = gap_times(episodes, observed_until=observed_until, children=children)
    table = conform(episodes, EPISODES, only=["episode_id", "child_id", "missing_from", "returned_at", "precision"])
    if table["episode_id"].isna().any():
        raise TableRefused.of_problems("episodes", ["column 'episode_id' is blank; build_episodes fills it"])
    own = table.set_index("episode_id").reindex(gaps["episode_id"])
    returned = pd.Series(own["returned_at"].array)
    days = gaps["gap_days"].to_numpy(dtype=np.float64)
    event = gaps["event"].to_numpy(dtype=np.int64) == 1
    dated = _by_date(table).reindex(gaps["episode_id"]).to_numpy(dtype=np.bool_)
    ends = np.where(np.isfinite(days), days, 0.0)
    limit = np.inf if max_days is None else max_days
    acts, accounting = _first_actions(gaps, returned, dated, ends, conform_actions(actions), limit)
    event, stop = event & (ends <= limit), np.minimum(ends, limit)
    some = np.isfinite(acts)
    tied = tie_times(np.concatenate([stop, acts[some]]))[0]
    stop, act = tied[: len(stop)], acts.copy()
    act[some] = tied[len(stop) :]
    # An action at the moment of the return: at risk and acted on from the start.
    accounting |= {"n_returns": len(gaps), "n_zero_gaps": int((stop <= 0).sum())}
    kept = stop > 0
    return Returns(
        frame=gaps.loc[kept, ["child_id", "episode_id", "episode_no", "ended_by"]].reset_index(drop=True),
        child=pd.factorize(gaps["child_id"][kept], sort=True)[0].astype(np.int64),
        stop=stop[kept],
        event=event[kept],
        act=np.where(act >= stop, np.inf, act)[kept],
        quarter=np.where(dated, 4, returned.dt.hour.fillna(0).to_numpy() // 6).astype(np.int64)[kept],
        accounting=accounting,
    )


def _by_date(table: pd.DataFrame) -> pd.Series:
    """Whether only the date of each episode, or of the child's next, is known; by episode."""
    order = table.sort_values(["child_id", "missing_from"], kind="stable")
    is_day = (order["precision"] == "day").fillna(False).astype(bool)
    followed = order["child_id"].eq(order["child_id"].shift(-1)).fillna(False).astype(bool)
    either = is_day | (is_day.shift(-1, fill_value=False) & followed)
    return pd.Series(either.to_numpy(), index=order["episode_id"])


def conform_actions(actions: pd.DataFrame) -> pd.DataFrame:
    """Return the actions table, refused unless every row names an episode or a child.

    Raises
    ------
    TableRefused
        If it is not usable.

    Examples
    --------
    >>> conform_actions(pd.DataFrame({"child_id": ["A"], "happened_at": ["2026-01-08"]})).shape
    (1, 3)
    """
    if "happened_at" not in actions.columns:
        raise TableRefused.of_problems("actions", ["column 'happened_at' is absent"])
    table = conform(actions, ACTIONS)
    blank = (table["episode_id"].isna() & table["child_id"].isna()).sum()
    if blank:
        raise TableRefused.of_problems("actions", [f"{blank} rows name neither 'episode_id' nor 'child_id'"])
    return table


def _first_actions(
    gaps: pd.DataFrame, returned: pd.Series, dated: Bools, ends: Floats, actions: pd.DataFrame, limit: float
) -> tuple[Floats, dict[str, int]]:
    """Return days from each return to its first action (infinite if none), and what became of every action."""
    at = _row_of_episode(gaps, actions["episode_id"])
    by_child = (actions["episode_id"].isna() & actions["happened_at"].notna()).to_numpy()
    at[by_child] = _last_return(gaps["child_id"], returned, actions[by_child])
    known = (at >= 0) & actions["happened_at"].notna().to_numpy()
    row, moment = at[known], actions.loc[known, "happened_at"].reset_index(drop=True)
    back = returned.iloc[row].reset_index(drop=True)
    is_day = _only_day(moment)
    since_date = _dates_apart(back, moment)
    next_day = moment.dt.tz_localize(None).dt.normalize() + _DAY
    wall = back.dt.tz_localize(None)
    middle = ((next_day - wall.where(wall > next_day - _DAY, next_day - _DAY)) / 2).to_numpy()
    by_day = ((next_day - wall) / _DAY).to_numpy(dtype=np.float64) - middle / np.timedelta64(1, "D")
    exact = ((moment - back) / _DAY).to_numpy(dtype=np.float64)
    since = np.where(is_day, by_day, exact)
    since = np.where(dated[row], since_date + 0.5, since)
    before = np.where(is_day | dated[row], since_date < 0, since < 0)
    after_next = ~before & (since >= ends[row])
    beyond = ~before & ~after_next & (since >= limit)
    used = np.flatnonzero(~before & ~after_next & ~beyond)
    first = np.full(len(gaps), np.inf)
    np.minimum.at(first, row[used], since[used])
    n_used = int(np.isfinite(first).sum())
    return first, {
        "n_actions": len(actions),
        "n_actions_used": n_used,
        "n_actions_further": len(used) - n_used,
        "n_actions_before_return": int(before.sum()),
        "n_actions_after_next_episode_or_end": int(after_next.sum()),
        "n_actions_beyond_follow_up": int(beyond.sum()),
        "n_actions_not_placed": int((~known).sum()),
    }


def _row_of_episode(gaps: pd.DataFrame, ids: pd.Series) -> Ints:
    index = pd.Index(gaps["episode_id"].to_numpy(dtype=object))
    return np.asarray(index.get_indexer(pd.Index(ids.to_numpy(dtype=object))), dtype=np.int64)


def _last_return(child_id: pd.Series, returned: pd.Series, actions: pd.DataFrame) -> Ints:
    """Row of the child's last return by each action (by the end of its day, where only that is known); -1 if none."""
    moment = actions["happened_at"].reset_index(drop=True)
    moment = moment.where(~_only_day(moment), moment + pd.Timedelta(hours=23, minutes=59))
    codes, names = pd.factorize(child_id.to_numpy(dtype=object))
    child = pd.Index(names).get_indexer(pd.Index(actions["child_id"].to_numpy(dtype=object)))
    us = returned.to_numpy(dtype="datetime64[us]").astype(np.int64)
    asked = moment.to_numpy(dtype="datetime64[us]").astype(np.int64)
    order = np.lexsort((us, codes))
    found = np.full(len(actions), -1, dtype=np.int64)
    keys = list(zip(codes[order].tolist(), us[order].tolist(), strict=True))
    for i, key in enumerate(zip(child.tolist(), asked.tolist(), strict=True)):
        low = _bisect(keys, key)
        if low and keys[low - 1][0] == key[0]:
            found[i] = order[low - 1]
    return found


def _bisect(keys: list[tuple[int, int]], key: tuple[int, int]) -> int:
    from bisect import bisect_right

    return bisect_right(keys, key)
