"""Which interview covers which episode."""

from __future__ import annotations

import pandas as pd

from missing_patterns.errors import ArgumentRefused
from missing_patterns.schema import EPISODES, INTERVIEWS, LINKS, conform
from missing_patterns.triggers.coding import refuse_blank_ids, when_known


def link_interviews(episodes: pd.DataFrame, interviews: pd.DataFrame, within_days: int = 14) -> pd.DataFrame:
    """Return the pairs of an episode and an interview that covers it: many to many.

    An interview that names incidents covers the episodes that hold them. One that names none belongs to the
    child's last return at or before it was held (or, if it was not held, offered), if that is no more than
    ``within_days`` calendar days earlier. An interview whose incidents are not among the episodes, or belong to
    another child, is not linked: guessing another episode for it would credit the wrong one.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table, with ``episode_id``.
    interviews : pd.DataFrame
        The interviews table, with ``interview_id``.
    within_days : int, default 14
        For interviews that name no incident.

    Returns
    -------
    pd.DataFrame
        The links table, in the order of the interviews, then of the episodes. ``.attrs["accounting"]``:
        ``n_interviews = n_by_incident + n_by_time + n_unlinked``; ``n_links``; and of the incidents named,
        ``n_incidents_not_found`` and ``n_incidents_of_another_child``.

    Raises
    ------
    ArgumentRefused
        If ``within_days`` is negative.
    TableRefused
        If a table is not usable, or lacks its id.

    Examples
    --------
    >>> episodes = pd.DataFrame({
    ...     "episode_id": ["E-1", "E-2"], "child_id": ["A", "A"], "missing_from": ["2026-01-05", "2026-01-20"],
    ...     "returned_at": ["2026-01-06 10:00", "2026-01-21 10:00"], "incident_ids": [("1",), ("2",)]})
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["R-1", "R-2"], "child_id": ["A", "A"], "incident_ids": [("1", "2"), None],
    ...     "held_at": ["2026-01-22", "2026-01-08"]})
    >>> link_interviews(episodes, interviews)
      episode_id interview_id linked_by
    0        E-1          R-1  incident
    1        E-2          R-1  incident
    2        E-1          R-2      time
    """
    if within_days < 0:
        raise ArgumentRefused("within_days must not be negative.")
    episodes, interviews = conform(episodes, EPISODES), conform(interviews, INTERVIEWS)
    refuse_blank_ids(interviews)
    held = pd.DataFrame(
        {
            "episode": range(len(episodes)),
            "child_id": episodes["child_id"].astype(object),
            "incident_id": episodes["incident_ids"],
        }
    )
    named = pd.DataFrame(
        {
            "interview": range(len(interviews)),
            "child_id": interviews["child_id"].astype(object),
            "incident_id": interviews["incident_ids"],
        }
    )
    names_any = pd.Series([bool(ids) for ids in interviews["incident_ids"]], index=interviews.index, dtype=bool)
    pairs = (
        named.explode("incident_id")
        .dropna(subset=["incident_id"])
        .merge(
            held.explode("incident_id").dropna(subset=["incident_id"]), "left", on="incident_id", suffixes=("", "_of")
        )
    )
    not_found = pairs["episode"].isna()
    other_child = ~not_found & (pairs["child_id"] != pairs["child_id_of"])
    by_incident = pairs.loc[~not_found & ~other_child, ["interview", "episode"]].drop_duplicates()
    by_time = _by_time(episodes, interviews[~names_any], within_days)
    links = pd.concat([by_incident.assign(linked_by="incident"), by_time.assign(linked_by="time")], ignore_index=True)
    links = links.astype({"interview": "int64", "episode": "int64"}).sort_values(["interview", "episode"])
    result = conform(
        pd.DataFrame(
            {
                "episode_id": episodes["episode_id"].iloc[links["episode"]].to_numpy(),
                "interview_id": interviews["interview_id"].iloc[links["interview"]].to_numpy(),
                "linked_by": links["linked_by"].to_numpy(),
            }
        ),
        LINKS,
    )
    n_by_incident, n_by_time = by_incident["interview"].nunique(), by_time["interview"].nunique()
    result.attrs["accounting"] = {
        "n_interviews": len(interviews),
        "n_by_incident": n_by_incident,
        "n_by_time": n_by_time,
        "n_unlinked": len(interviews) - n_by_incident - n_by_time,
        "n_links": len(result),
        "n_incidents_not_found": int(not_found.sum()),
        "n_incidents_of_another_child": int(other_child.sum()),
    }
    return result


def _by_time(episodes: pd.DataFrame, interviews: pd.DataFrame, within_days: int) -> pd.DataFrame:
    asked = pd.DataFrame(
        {
            "interview": interviews.index,
            "child_id": interviews["child_id"].astype(object),
            "at": when_known(interviews["held_at"].fillna(interviews["offered_at"])),
            "on": interviews["held_at"].fillna(interviews["offered_at"]).dt.tz_localize(None).dt.normalize(),
        }
    ).dropna(subset=["at"])
    returns = pd.DataFrame(
        {
            "episode": range(len(episodes)),
            "child_id": episodes["child_id"].astype(object),
            "at": episodes["returned_at"],
            "returned_on": episodes["returned_at"].dt.tz_localize(None).dt.normalize(),
        }
    ).dropna(subset=["at"])
    last = pd.merge_asof(
        asked.sort_values("at", kind="stable"), returns.sort_values("at", kind="stable"), on="at", by="child_id"
    )
    near = (last["on"] - last["returned_on"]).dt.days <= within_days
    return last.loc[near, ["interview", "episode"]]
