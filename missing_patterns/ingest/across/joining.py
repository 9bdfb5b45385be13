"""What the sheets gave, joined: incident ids made unique, interviews tied to them, children merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.across.identity import tell_renamed
from missing_patterns.ingest.across.matching import match_sources, rename_children, tell_matches
from missing_patterns.ingest.across.sheets import NO_TIME, Sheet, codes_of, firsts, seconds
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.profiles.fields import ANNEX_A_FIELDS
from missing_patterns.settings import Settings

#: Records of two systems that miss each other by no more than this are one absence, unless the settings say otherwise.
MINUTES = 60
_PLACE = ["file", "sheet", "line", "row", "at", "which"]


def join_sheets(sheets: Sequence[Sheet], log: Log, settings: Settings | None = None) -> schema.Records:
    """Join the pieces of every sheet into one set of records.

    Raises
    ------
    Nothing.
    """
    pieces = [sheet.pieces for sheet in sheets]
    once = [sheet.refs_once for sheet in sheets if sheet.pieces.incidents is not None]
    incidents = _concat([p.incidents for p in pieces], schema.INCIDENTS)
    incidents = _name_incidents(incidents, log, is_once=once == [True])
    interviews = _concat([p.interviews for p in pieces], schema.INTERVIEWS)
    placements = _concat([p.placements for p in pieces], schema.PLACEMENTS)
    facts = _concat([p.children for p in pieces], schema.CHILDREN)
    matches = schema.empty(schema.MATCHES)
    if len({sheet.data.match.table.profile for sheet in sheets}) > 1:
        matched = match_sources(incidents, settings.match_within_minutes if settings else MINUTES, facts)
        tell_matches(matched, log)
        before = facts
        interviews, placements, facts = (
            rename_children(f, incidents, matched) for f in (interviews, placements, facts)
        )
        tell_renamed(sheets, before, facts)
        incidents, matches = matched.incidents, matched.matches
    own = _row_of(interviews, incidents)
    if "other_refs" not in interviews:
        interviews = interviews.assign(other_refs=None)
    asked = np.flatnonzero(
        np.logical_or(*(_holds(interviews[c].to_numpy(object)) for c in ("incident_ids", "other_refs")))
    )
    interviews = _name_interviews(interviews, incidents, own, asked, log)
    tell_uncovered(incidents, interviews, own, asked, log)
    children = _merge_children(facts, [incidents, placements])
    return schema.Records(
        incidents=incidents.drop(columns=[*_PLACE, "ref"]),
        interviews=interviews.drop(columns=[*_PLACE, "other_refs"], errors="ignore"),
        children=children,
        placements=placements.drop(columns=_PLACE),
        problems=log.problems(),
        quarantine=log.quarantine(),
        accounting=log.accounting(),
        matches=matches,
    )


def _concat(frames: Iterable[pd.DataFrame | None], table: schema.Table) -> pd.DataFrame:
    given = [f.assign(which=n) for n, f in enumerate(frames) if f is not None and len(f)]
    if not given:
        none = pd.Series([], dtype=schema.TEXT)
        return schema.empty(table).assign(file=none, sheet=none, line=0, row=0, at=0, which=0)
    return given[0].reset_index(drop=True) if len(given) == 1 else pd.concat(given, ignore_index=True)


def place_name(file: str, sheet: str, line: int) -> str:
    """Name a record by where it stands.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> place_name("rhi.xlsx", "2026", 7)
    'rhi.xlsx[2026]:7'
    """
    return f"{file}{f'[{sheet}]' if sheet else ''}:{line}"


def _name_incidents(incidents: pd.DataFrame, log: Log, *, is_once: bool = False) -> pd.DataFrame:
    """Make incident ids unique: the reference, with the source before it if another source uses it, else the place."""
    refs = incidents["incident_id"].to_numpy(dtype=object)
    known = incidents["incident_id"].notna().to_numpy()
    alone = known
    if not is_once:
        key = codes_of(incidents["incident_id"])
        alone = known & (np.bincount(key[known], minlength=1)[key] == 1)
    ids = refs.copy()
    others = np.flatnonzero(~alone)
    rows = incidents.iloc[others]
    longer = [f"{s}:{r}" if k else None for s, r, k in zip(rows["source"], refs[others], known[others], strict=True)]
    often = Counter(longer)
    clashes = []
    places = zip(rows["file"], rows["sheet"], rows["line"], strict=True)
    for i, long, place in zip(others.tolist(), longer, places, strict=True):
        is_told = long is not None and often[long] == 1
        ids[i] = long if is_told else place_name(*place)
        if long is not None and not is_told:
            clashes.append(i)
    _tell(log, "ref_twice", incidents.iloc[clashes])
    return incidents.assign(incident_id=pd.array(ids, dtype=schema.TEXT), ref=incidents["incident_id"])


def _tell(log: Log, rule: str, rows: pd.DataFrame) -> None:
    for (file, sheet), group in rows.groupby(["file", "sheet"], sort=True):
        log.add(rule, str(file), str(sheet), lines=group["line"].to_numpy())


def _name_interviews(
    interviews: pd.DataFrame, incidents: pd.DataFrame, own: np.ndarray, asked: np.ndarray, log: Log
) -> pd.DataFrame:
    """Give each interview an id and the ids of every incident that it covers.

    An interview that stands in the row of an incident covers that one, and others of the same sheet by reference. One
    that stands in a table of its own names incidents by the references of any source; each only those of its child.
    ``own`` is the incident in the same row, or -1, and ``asked`` are the interviews that name any.
    """
    names = incidents["incident_id"].to_numpy(dtype=object)
    has_row = own >= 0
    mine, more = (interviews[c].to_numpy(dtype=object) for c in ("incident_ids", "other_refs"))
    covered = np.empty(len(interviews), dtype=object)
    covered[has_row] = np.fromiter(zip(names[own[has_row]]), dtype=object, count=int(has_row.sum()))
    lost = []
    if len(asked):
        by_ref, ids = _by_reference(incidents), set(names.tolist())
        children = interviews["child_id"].tolist()
        files, sheets = interviews["file"].tolist(), interviews["sheet"].tolist()
        for i in asked.tolist():
            where = (files[i], sheets[i]) if has_row[i] else ()
            found = list(covered[i] or ())
            for ref in (*_listed(mine[i]), *_listed(more[i])):
                there = by_ref.get((*where, children[i], ref))
                found += there or ([] if ref in ids else [ref])
                if not there:
                    lost.append(i)
            covered[i] = tuple(dict.fromkeys(found)) or None
    _tell(log, "ref_not_found", interviews.iloc[sorted(set(lost))])
    named = interviews.copy()
    named["interview_id"] = pd.array(_interview_ids(interviews, own, names), dtype=schema.TEXT)
    named["incident_ids"] = pd.Series(covered, dtype=object)
    return named


def _listed(cell: object) -> tuple[str, ...]:
    return cell if isinstance(cell, tuple) else ()


def _holds(lists: np.ndarray) -> np.ndarray:
    """Say which cells hold a list with something in it."""
    if tuple not in set(map(type, lists)):
        return np.zeros(len(lists), dtype=bool)
    return np.fromiter((v.__class__ is tuple and len(v) > 0 for v in lists), dtype=bool, count=len(lists))


def _row_of(interviews: pd.DataFrame, incidents: pd.DataFrame) -> np.ndarray:
    """Return for each interview the incident that stands in the same row of the same sheet; -1 = none."""
    n = len(incidents)
    if not n:
        return np.full(len(interviews), -1, dtype=np.int64)
    both = {
        c: np.concatenate([f[c].to_numpy(dtype=np.int64) for f in (incidents, interviews)]) for c in ("which", "row")
    }
    place = both["which"] * (int(both["row"].max()) + 1) + both["row"]
    order = np.argsort(place[:n], kind="stable")
    at = np.minimum(np.searchsorted(place[:n][order], place[n:]), n - 1)
    found = order[at]
    return np.where(place[:n][found] == place[n:], found, -1)


def _by_reference(incidents: pd.DataFrame) -> dict[tuple[str, ...], list[str]]:
    by_ref: dict[tuple[str, ...], list[str]] = {}
    rows = incidents[incidents["ref"].notna()]
    columns = (rows[c].tolist() for c in ("file", "sheet", "child_id", "ref", "incident_id"))
    for file, sheet, child, ref, name in zip(*columns, strict=True):
        by_ref.setdefault((file, sheet, child, ref), []).append(name)
        by_ref.setdefault((child, ref), []).append(name)
    return by_ref


def _interview_ids(interviews: pd.DataFrame, own: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Return the source's own id where it stands once, else one made from the incident's or from the place."""
    given = interviews["interview_id"]
    key = codes_of(given)
    known = key >= 0
    is_given = known & (np.bincount(key[known], minlength=1)[key] == 1)
    ids: np.ndarray = given.to_numpy(dtype=object).copy()
    made = ~is_given & (own >= 0)
    ids[made] = "RHI-" + names[own[made]]
    rest = np.flatnonzero(~is_given & (own < 0))
    rows = interviews.iloc[rest]
    for i, place in zip(rest.tolist(), zip(rows["file"], rows["sheet"], rows["line"], strict=True), strict=True):
        ids[i] = f"RHI-{place_name(*place)}"
    return ids


def tell_uncovered(
    incidents: pd.DataFrame, interviews: pd.DataFrame, own: np.ndarray, asked: np.ndarray, log: Log
) -> None:
    """Count, per sheet, interviews that belong to no incident here, and returns without any word of an interview.

    An interview that names no incident that is here may belong to one by child and time, so it is counted only if the
    child has none. Returns are counted where the sheet's other incidents have interviews, since a source of incidents
    alone, such as the police, is silent about all; and only where the child was missing, or no type is recorded.
    ``own`` is the incident in the row of each interview, or -1, and ``asked`` the interviews that name any.

    Raises
    ------
    Nothing.
    """
    covered = np.zeros(len(incidents), dtype=bool)
    covered[own[own >= 0]] = True
    lists = interviews["incident_ids"].to_numpy(dtype=object)
    flat = pd.Index([name for i in asked.tolist() for name in _listed(lists[i])], dtype=object)
    if len(flat):
        covered |= incidents["incident_id"].isin(flat).to_numpy(dtype=bool)
    is_tied = own >= 0
    loose = np.flatnonzero(~is_tied)
    if len(loose):
        known = set(incidents["incident_id"])
        is_tied[loose] = [any(name in known for name in _listed(v)) for v in lists[loose]]
        alone = interviews[~is_tied & ~interviews["child_id"].isin(set(incidents["child_id"])).to_numpy(dtype=bool)]
        _tell_counts(log, "interview_without_incident", alone, interviews, "interviews")
    if covered.all():
        return
    is_due = incidents["returned_at"].notna() & incidents["category"].fillna("missing").eq("missing")
    by_sheet = incidents[["file", "sheet"]].assign(covered=covered)
    speaks = by_sheet.groupby(["file", "sheet"])["covered"].transform("any").to_numpy(dtype=bool)
    of = is_due.to_numpy(dtype=bool) & speaks
    silent = incidents[of & ~covered]
    unnamed = set(interviews["child_id"][~is_tied])  # whose interviews may be of these
    silent = silent[~silent["child_id"].isin(unnamed).to_numpy(dtype=bool)]
    _tell_counts(log, "incident_without_interview", silent, incidents[of], "returns")


def _tell_counts(log: Log, rule: str, rows: pd.DataFrame, of: pd.DataFrame, what: str) -> None:
    total = of.groupby(["file", "sheet"]).size()
    for place, n in rows.groupby(["file", "sheet"], sort=True).size().items():
        file, sheet = place if isinstance(place, tuple) else (place, "")
        log.add(rule, str(file), str(sheet), detail=f"{n:,} of {total[place]:,} {what}")


def _merge_children(facts: pd.DataFrame, others: list[pd.DataFrame]) -> pd.DataFrame:
    """Merge what every row says of a child: the first that is recorded; of the care status, the latest by date."""
    told_of = facts["which"].unique()  # sheets whose rows all say something of their child
    more = [o.loc[~o["which"].isin(told_of), "child_id"] if len(facts) else o["child_id"] for o in others]
    every = pd.concat([facts["child_id"], *more], ignore_index=True)
    code = codes_of(every)
    seen = firsts(code, code >= 0)
    ids = every.iloc[seen].reset_index(drop=True)
    if not len(facts):
        return schema.conform(pd.DataFrame({"child_id": ids}), schema.CHILDREN)
    child = code[: len(facts)]
    n = len(ids)
    # "Not stated" in one source does not contradict another that states it.
    unstated = (facts["sex"] == "not_stated").to_numpy(dtype=bool, na_value=False)
    stated = facts.assign(sex=facts["sex"].mask(unstated))
    told = pd.DataFrame({"child_id": ids})
    for name in ("birth", "sex", "ethnicity", "disability", "uasc", "observed_from", "observed_until", "exit_reason"):
        told[name] = _pick(stated[name], firsts(child, stated[name].notna().to_numpy()), n)
    as_of = seconds(facts["as_of"])
    there = np.flatnonzero(facts["care_status"].notna().to_numpy())
    there = there[np.argsort(np.maximum(as_of[there], NO_TIME + 1), kind="stable")]
    latest = np.full(n, -1, dtype=np.int64)
    latest[child[there]] = there
    told["care_status"] = _pick(facts["care_status"], latest, n)
    is_unstated = np.bincount(child, weights=unstated, minlength=n) > 0
    told.loc[told["sex"].isna() & is_unstated, "sex"] = "not_stated"
    born = told["birth"]
    told["birth_month"] = born - pd.to_timedelta(born.dt.day - 1, unit="D")
    extra = [name for name in ANNEX_A_FIELDS if name in facts]
    for name in extra:
        told[name] = _pick(facts[name], firsts(child, facts[name].notna().to_numpy()), n)
    return schema.conform(told[[*schema.CHILDREN.names, *extra]], schema.CHILDREN)


def _pick(column: pd.Series, rows: np.ndarray, n: int) -> pd.Series:
    """Return the value of a column at the row chosen for each child; -1 = not recorded."""
    whole = np.full(n, -1, dtype=np.int64)
    whole[: len(rows)] = rows
    return pd.Series(column.array.take(whole, allow_fill=True))
