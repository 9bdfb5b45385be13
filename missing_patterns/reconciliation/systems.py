"""Systems that hold a record of each absence: what each counts, and why that differs from the episodes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.reconciliation.facts import COUNTED, IN_CARE, INTERVIEWS, Facts, Flags, Ints, last_of

PART_COLUMNS = ["system", "measure", "child_id", "reason", "n"]


def count_system(facts: Facts, system: str) -> pd.DataFrame:
    """Return what one system, or the episodes (``""``), counts: ``measure child_id n``.

    Raises
    ------
    Nothing.
    """
    table = facts.rows[facts.rows["system"] == system] if system else facts.episodes
    inside = table.loc[table["is_in"], ["child_id", "category"]]
    each = inside.groupby(["child_id", "category"], sort=True).size().rename("n").reset_index()
    whole = each.groupby("child_id", sort=True)["n"].sum().reset_index()
    names = {category: measure for measure, category in COUNTED.items()}
    parts = [
        each.assign(measure=each["category"].map(names)),
        whole.assign(measure="absences"),
        whole.assign(measure="children", n=1),
    ]
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
    counted = _by_category(facts, rows, absent)
    parts = [counted, _children(counted[counted["measure"] == "absences"], facts, rows).assign(measure="children")]
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


def _by_category(facts: Facts, rows: pd.DataFrame, absent: pd.Series) -> pd.DataFrame:
    """Compare what the system has in each episode with the episode: ``measure child_id reason n``."""
    n = len(facts.episodes)
    category = facts.episodes["category"].to_numpy(dtype=object)
    is_in, never = facts.episodes["is_in"].to_numpy(dtype=bool), absent.to_numpy(dtype=object)
    at, row_category = rows["episode"].to_numpy(), rows["category"].to_numpy(dtype=object)
    row_in = rows["is_in"].to_numpy(dtype=bool)
    n_all, n_inside = np.bincount(at, minlength=n), np.bincount(at[row_in], minlength=n)
    found: list[tuple[str, Ints, np.ndarray, Ints]] = []
    for measure, of in COUNTED.items():
        fits = row_in if of is None else row_in & (row_category == of)
        counts = is_in if of is None else is_in & (category == of)
        n_fits = np.bincount(at[fits], minlength=n)
        # The first record may be counted though the episode is not, or the other way round; any more were joined.
        edge = np.where(counts, n_inside == 0, ~is_in)
        why = np.where(counts & (n_all == 0), never, np.where(edge, "window_edge", "category"))
        first = np.minimum(n_fits, 1) - counts.astype(np.int64)
        for reason, size in ((why, first), (np.full(n, "joined", dtype=object), np.maximum(n_fits - 1, 0))):
            which = np.flatnonzero(size)
            found.append((measure, which, reason[which], size[which]))
    table = pd.DataFrame(
        {
            "measure": np.repeat([f[0] for f in found], [len(f[1]) for f in found]),
            "child_id": facts.episodes["child_id"].iloc[np.concatenate([f[1] for f in found])].to_numpy(dtype=object),
            "reason": np.concatenate([f[2] for f in found]),
            "n": np.concatenate([f[3] for f in found]),
        }
    )
    return table.groupby(["measure", "child_id", "reason"], sort=True)["n"].sum().reset_index()


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
