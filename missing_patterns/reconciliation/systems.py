"""Systems that hold a record of each absence: what each counts, and why that differs from the episodes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.reconciliation.facts import COUNTED, IN_CARE, INTERVIEWS, Facts, Flags, last_of

PART_COLUMNS = ["system", "measure", "child_id", "reason", "n"]


def count_system(facts: Facts, system: str) -> pd.DataFrame:
    """Return what one system, or the episodes (``""``), counts: ``measure child_id n``.

    Raises
    ------
    Nothing.
    """
    table = facts.rows[facts.rows["system"] == system] if system else facts.episodes
    inside = table[table["is_in"]]
    parts = []
    for measure, category in COUNTED.items():
        chosen = inside if category is None else inside[inside["category"] == category]
        parts.append(chosen.groupby("child_id").size().rename("n").reset_index().assign(measure=measure))
    children = inside[["child_id"]].drop_duplicates()
    parts.append(children.assign(n=1, measure="children"))
    last = table[last_of(table)]
    for measure, flag in zip(INTERVIEWS, ("offered", "accepted"), strict=True):
        parts.append(last.loc[last[flag], ["child_id"]].assign(n=1, measure=measure))
    return pd.concat(parts, ignore_index=True)[["measure", "child_id", "n"]]


def explain_system(facts: Facts, system: str) -> pd.DataFrame:
    """Return why one system counts other than the episodes do: ``system measure child_id reason n``.

    The parts of a measure add up to the difference, child by child.

    Raises
    ------
    Nothing.
    """
    rows = facts.rows[facts.rows["system"] == system]
    absent = why_absent(facts, system)
    parts = [_by_category(facts, rows, category, absent).assign(measure=m) for m, category in COUNTED.items()]
    parts.append(_children(parts[0], facts, rows).assign(measure="children"))
    if system in facts.with_interviews:
        for measure, flag in zip(INTERVIEWS, ("offered", "accepted"), strict=True):
            parts.append(_interviews(facts, rows, flag, absent).assign(measure=measure))
    return pd.concat(parts, ignore_index=True).assign(system=system)[PART_COLUMNS]


def why_absent(facts: Facts, system: str) -> pd.Series:
    """Return, for each episode, why this system would hold no record of it.

    Raises
    ------
    Nothing.
    """
    episodes = facts.episodes
    reason = pd.Series("elsewhere", index=episodes.index)
    reason[_is_rounded(facts, system)] = "date_only"
    if system == "ssda903" and facts.year is not None:
        first, after = facts.year
        reason[((episodes["start"] < first) | (episodes["start"] >= after)).to_numpy(dtype=bool)] = "window_edge"
    if system in IN_CARE:
        reason[~episodes["is_placed"].to_numpy(dtype=bool)] = "outside_placement"
    return reason


def _is_rounded(facts: Facts, system: str) -> Flags:
    """Say which episodes may be recorded by this system all the same, under a date next to theirs.

    Another episode of the child lies no more than a day away, only this system holds it, this one not, and one of the
    two is known by dates only.
    """
    episodes, rows = facts.episodes, facts.rows
    n_systems = rows.groupby("episode")["system"].nunique().reindex(episodes.index).to_numpy()
    holds = episodes.index.isin(rows.loc[rows["system"] == system, "episode"])
    lone = episodes[holds & (n_systems == 1)]
    others = episodes[~holds].assign(at=np.flatnonzero(~holds))
    both = others.merge(lone, on="child_id", suffixes=("", "_lone"))
    day0, lone0 = (both[c].dt.tz_localize(None).dt.normalize() for c in ("start", "start_lone"))
    day1, lone1 = (
        both[c].dt.tz_localize(None).dt.normalize().fillna(d) for c, d in (("end", day0), ("end_lone", lone0))
    )
    day = pd.Timedelta(days=1)
    near = (lone0 - day1 <= day) & (day0 - lone1 <= day) & (both["is_day"] | both["is_day_lone"])
    rounded: Flags = np.isin(np.arange(len(episodes)), both.loc[near, "at"].to_numpy())
    return rounded


def _by_category(facts: Facts, rows: pd.DataFrame, category: str | None, absent: pd.Series) -> pd.DataFrame:
    """Compare what the system has in each episode with the episode: the parts, per episode."""
    episodes = facts.episodes
    inside = rows[rows["is_in"]]
    fits = inside if category is None else inside[inside["category"] == category]
    n_all, n_inside, n_fits = (
        t.groupby("episode").size().reindex(episodes.index, fill_value=0).to_numpy(dtype=np.int64)
        for t in (rows, inside, fits)
    )
    is_in = episodes["is_in"].to_numpy(dtype=bool)
    counts = is_in if category is None else is_in & (episodes["category"] == category).to_numpy(dtype=bool)
    child = episodes["child_id"]
    # What of the first record: it is counted though the episode is not, or the other way round.
    edge = np.where(counts, n_inside == 0, ~is_in)
    other = np.where(edge, "window_edge", "category")
    why = np.where(counts & (n_all == 0), absent.to_numpy(dtype=object), other)
    first = np.minimum(n_fits, 1) - counts.astype(np.int64)
    more = np.maximum(n_fits - 1, 0)
    parts = pd.concat(
        [
            pd.DataFrame({"child_id": child, "reason": why, "n": first}),
            pd.DataFrame({"child_id": child, "reason": "joined", "n": more}),
        ]
    )
    return parts[parts["n"] != 0].groupby(["child_id", "reason"], sort=True)["n"].sum().reset_index()


def _children(parts: pd.DataFrame, facts: Facts, rows: pd.DataFrame) -> pd.DataFrame:
    """Explain a child that only one side has by why its absences differ; the commonest reason speaks."""
    ours = facts.episodes.loc[facts.episodes["is_in"], "child_id"].unique()
    theirs = rows.loc[rows["is_in"], "child_id"].unique()
    only = {**dict.fromkeys(set(ours) - set(theirs), -1), **dict.fromkeys(set(theirs) - set(ours), 1)}
    told = parts[parts["child_id"].isin(list(only))].assign(size=lambda t: t["n"].abs())
    told = told.sort_values(["size", "reason"], ascending=[False, True], kind="stable").drop_duplicates("child_id")
    return told.assign(n=told["child_id"].map(only))[["child_id", "reason", "n"]]


def _interviews(facts: Facts, rows: pd.DataFrame, flag: str, absent: pd.Series) -> pd.DataFrame:
    """Explain where the interview after the last absence differs."""
    ours = facts.episodes[facts.episodes["last"]]
    theirs = rows[last_of(rows)]
    both = pd.DataFrame({"child_id": ours["child_id"], "ours": ours[flag], "episode": ours.index}).merge(
        pd.DataFrame({"child_id": theirs["child_id"], "theirs": theirs[flag]}), "outer", on="child_id"
    )
    n = both["theirs"].eq(True).astype(np.int64) - both["ours"].eq(True).astype(np.int64)
    nothing = both["theirs"].isna().to_numpy(dtype=bool)
    has = facts.rows.loc[facts.rows["system"].isin(rows["system"].unique()), "episode"]
    held = both["episode"].isin(has).to_numpy(dtype=bool)
    reason = [
        absent.loc[e] if none and not h else "last_interview"
        for e, none, h in zip(both["episode"], nothing, held, strict=True)
    ]
    return both.assign(reason=reason, n=n).loc[n != 0, ["child_id", "reason", "n"]]
