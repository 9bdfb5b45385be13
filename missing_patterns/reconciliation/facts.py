"""What the reconciliation looks at: every record with its episode, and what is known of each episode."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns import schema
from missing_patterns.episodes import build_episodes
from missing_patterns.triggers import link_interviews

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

#: Systems that hold children in care only.
IN_CARE = ("ssda903", "annex_a")
NOT_NAMED = "source not named"
#: Measures that are counted by category: the category, None for all, "" where none is recorded.
COUNTED = {"absences": None, "missing": "missing", "away": "away", "no_apparent_risk": "no_apparent_risk", "blank": ""}
INTERVIEWS = ("offered_last", "accepted_last")


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """The records and the episodes, with what the explanations need.

    Parameters
    ----------
    rows : pd.DataFrame
        One row per record that began before the end: ``child_id system category start is_in is_day episode``, with
        ``offered accepted`` of the interviews that name it, and ``is_placed``.
    episodes : pd.DataFrame
        One row per episode: ``child_id category start is_in is_day is_placed offered accepted last``, where ``last`` is
        True for the child's last absence of the window, those away or without apparent risk left aside.
    systems : tuple of str
        Those that hold records, in the order of the alphabet.
    since, until : pd.Timestamp
        The window.
    year : tuple of Timestamp, or None
        First day of the SSDA903 collection year, and the day after its last.

    Raises
    ------
    Nothing.
    """

    rows: pd.DataFrame
    episodes: pd.DataFrame
    systems: tuple[str, ...]
    with_interviews: tuple[str, ...]
    since: pd.Timestamp
    until: pd.Timestamp
    year: tuple[pd.Timestamp, pd.Timestamp] | None


def gather(records: schema.Records, until: pd.Timestamp, collection_year: int | None) -> Facts:
    """Build the episodes and bring every record and interview together with its episode.

    Raises
    ------
    TableRefused
        If a record ends before it starts.
    """
    incidents = records.incidents
    blank = incidents["incident_id"].isna()
    made = pd.Series([f"row {i}" for i in range(len(incidents))], dtype=schema.TEXT)
    incidents = incidents.assign(incident_id=incidents["incident_id"].where(~blank, made))
    since = until - pd.DateOffset(months=12)
    episodes = build_episodes(incidents, observed_until=until)
    of = {i: e for e, ids in enumerate(episodes["incident_ids"]) for i in ids}
    rows = incidents[incidents["incident_id"].isin(list(of))].reset_index(drop=True)
    is_day = (rows["precision"] == "day").to_numpy(dtype=bool, na_value=False)
    start = rows["missing_from"].where(~is_day, rows["missing_from"].dt.normalize())
    rows = pd.DataFrame(
        {
            "child_id": rows["child_id"],
            "incident_id": rows["incident_id"],
            "system": rows["source"].fillna(NOT_NAMED),
            "category": rows["category"].fillna(""),
            "start": start,
            "is_in": (start >= since).to_numpy(dtype=bool),
            "is_day": is_day,
            "episode": np.array([of[i] for i in rows["incident_id"]], dtype=np.int64),
        }
    )
    rows["is_placed"] = _is_placed(rows, records)
    rows["offered"], rows["accepted"], named = _asked(rows, records.interviews)
    facts = _describe(episodes, rows, records)
    facts["is_in"] = (facts["start"] >= since).to_numpy(dtype=bool)
    facts["last"] = last_of(facts)
    systems = tuple(sorted(rows["system"].unique()))
    asked = tuple(s for s in systems if (named & (rows["system"] == s)).any())
    return Facts(rows, facts, systems, asked, since, until, _year(collection_year))


def _year(collection_year: int | None) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    if not collection_year:
        return None
    first, after = (pd.Timestamp(dt.date(collection_year + k, 4, 1), tz=schema.LONDON) for k in (-1, 0))
    return first, after


def last_of(table: pd.DataFrame) -> pd.Series:
    """Return True for the last row of each child in the window that is missing, or of which nothing is recorded.

    Raises
    ------
    Nothing.
    """
    counts = table[table["is_in"] & table["category"].isin(["missing", ""])]
    at = counts.sort_values("start", kind="stable").groupby("child_id", sort=False).tail(1).index
    return pd.Series(table.index.isin(at), index=table.index)


def _describe(episodes: pd.DataFrame, rows: pd.DataFrame, records: schema.Records) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "child_id": episodes["child_id"],
            "category": episodes["category"].fillna(""),
            "start": episodes["missing_from"],
            "end": episodes["returned_at"],
            "is_day": rows.groupby("episode")["is_day"].all().reindex(range(len(episodes))).to_numpy(dtype=bool),
        }
    )
    table["is_placed"] = _is_placed(table, records)
    status = records.interviews.set_index("interview_id")["status"]
    names = records.interviews["interview_id"]
    usable = records.interviews[names.notna() & ~names.duplicated(keep=False)]
    links = link_interviews(episodes, usable)
    said = pd.Series(status.reindex(links["interview_id"]).to_numpy(dtype=object), index=links["episode_id"])
    for name, statuses in _RUNGS.items():
        yes = set(said.index[said.isin(statuses).to_numpy(dtype=bool)])
        table[name] = episodes["episode_id"].isin(list(yes)).to_numpy(dtype=bool)
    return table


_RUNGS = {"offered": schema.OFFERED, "accepted": (*schema.HELD, "accepted_not_held")}


def _asked(rows: pd.DataFrame, interviews: pd.DataFrame) -> tuple[Flags, Flags, Flags]:
    """Return, for each record, whether an interview that names it was offered, was accepted, and whether one does."""
    named = interviews[["incident_ids", "status"]].explode("incident_ids").dropna(subset=["incident_ids"])
    found = [set(named.loc[named["status"].isin(statuses), "incident_ids"]) for statuses in _RUNGS.values()]
    offered, accepted, any_of = (
        rows["incident_id"].isin(list(ids)).to_numpy(dtype=bool) for ids in (*found, set(named["incident_ids"]))
    )
    return offered, accepted, any_of


def _is_placed(table: pd.DataFrame, records: schema.Records) -> Flags:
    """Say which began while the child was in a placement; without any placements, while the child is in care.

    A placement holds the day on which it began, not the day on which it ended.
    """
    if not len(records.placements):
        out = records.children.loc[records.children["care_status"].notna(), ["child_id", "care_status"]]
        not_in_care = out.loc[out["care_status"] != "looked_after", "child_id"]
        known: Flags = ~table["child_id"].isin(list(not_in_care)).to_numpy(dtype=bool)
        return known
    days = table[["child_id"]].assign(at=np.arange(len(table)), day=table["start"].dt.tz_localize(None).dt.normalize())
    both = days.merge(records.placements[["child_id", "started_on", "ended_on"]], on="child_id")
    holds = (both["started_on"] <= both["day"]) & (both["ended_on"].isna() | (both["day"] < both["ended_on"]))
    placed: Flags = np.isin(np.arange(len(table)), both.loc[holds, "at"].to_numpy())
    return placed
