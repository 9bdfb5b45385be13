"""What the sheets gave, joined: incident ids made unique, interviews tied to them, children merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.tables import Pieces

_PLACE = ["file", "sheet", "line", "row"]


def join_pieces(pieces: list[Pieces], log: Log) -> schema.Records:
    """Join the pieces of every sheet into one set of records.

    Raises
    ------
    Nothing.
    """
    incidents = _name_incidents(_concat([p.incidents for p in pieces], schema.INCIDENTS), log)
    interviews = _name_interviews(_concat([p.interviews for p in pieces], schema.INTERVIEWS), incidents, log)
    placements = _concat([p.placements for p in pieces], schema.PLACEMENTS)
    facts = _concat([p.children for p in pieces], schema.CHILDREN)
    children = _merge_children(facts, [incidents, placements], log)
    return schema.Records(
        incidents=incidents.drop(columns=[*_PLACE, "ref"]),
        interviews=interviews,
        children=children,
        placements=placements.drop(columns=_PLACE),
        problems=log.problems(),
        quarantine=log.quarantine(),
        accounting=log.accounting(),
    )


def _concat(frames: Iterable[pd.DataFrame | None], table: schema.Table) -> pd.DataFrame:
    given = [f for f in frames if f is not None and len(f)]
    if not given:
        return schema.empty(table).assign(file="", sheet="", line=0, row=0)
    return pd.concat(given, ignore_index=True)


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


def _name_incidents(incidents: pd.DataFrame, log: Log) -> pd.DataFrame:
    """Make incident ids unique: the reference, with the source before it if another source uses it, else the place."""
    refs = [None if pd.isna(r) else str(r) for r in incidents["incident_id"]]
    longer = [None if r is None else f"{s}:{r}" for s, r in zip(incidents["source"], refs, strict=True)]
    often, often_longer = Counter(refs), Counter(longer)
    ids = []
    clashes = []
    for i, (ref, long) in enumerate(zip(refs, longer, strict=True)):
        if ref is not None and often[ref] == 1:
            ids.append(ref)
        elif long is not None and often_longer[long] == 1:
            ids.append(long)
        else:
            file, sheet, line = (incidents[c].iat[i] for c in ("file", "sheet", "line"))
            ids.append(place_name(file, sheet, line))
            if ref is not None:
                clashes.append(i)
    for (file, sheet), group in incidents.iloc[clashes].groupby(["file", "sheet"], sort=True):
        log.add("ref_twice", str(file), str(sheet), lines=group["line"].tolist())
    return incidents.assign(incident_id=pd.array(ids, dtype=schema.TEXT), ref=pd.array(refs, dtype=schema.TEXT))


def _name_interviews(interviews: pd.DataFrame, incidents: pd.DataFrame, log: Log) -> pd.DataFrame:
    """Give each interview an id and the ids of every incident that it covers.

    An interview that stands in the row of an incident covers that one, and others of the same sheet by reference. One
    that stands in a table of its own names incidents by the references of any source.
    """
    by_row: dict[tuple[str, str, int], str] = {}
    by_ref: dict[tuple[str, ...], list[str]] = {}
    columns = ("file", "sheet", "row", "ref", "incident_id")
    for file, sheet, row, ref, name in zip(*(incidents[c].tolist() for c in columns), strict=True):
        by_row[file, sheet, row] = name
        if not pd.isna(ref):
            by_ref.setdefault((file, sheet, ref), []).append(name)
            by_ref.setdefault((ref,), []).append(name)
    given = Counter(interviews["interview_id"].dropna())
    own, covered = [], []
    lost = []
    fields = ("file", "sheet", "row", "line", "interview_id", "incident_ids", "other_refs")
    wanted = interviews if "other_refs" in interviews else interviews.assign(other_refs=None)
    for i, (file, sheet, row, line, key, mine, more) in enumerate(
        zip(*(wanted[c].tolist() for c in fields), strict=True)
    ):
        name = by_row.get((file, sheet, row))
        where = (file, sheet) if name is not None else ()
        names = [] if name is None else [name]
        for ref in (*(mine or ()), *(more or ())):
            found = by_ref.get((*where, ref))
            names += found or [ref]
            if not found:
                lost.append(i)
        is_given = not pd.isna(key) and given[key] == 1
        own.append(key if is_given else f"RHI-{name or place_name(file, sheet, line)}")
        covered.append(tuple(dict.fromkeys(names)) or None)
    for (file, sheet), group in interviews.iloc[sorted(set(lost))].groupby(["file", "sheet"], sort=True):
        log.add("ref_not_found", str(file), str(sheet), lines=group["line"].tolist())
    named = interviews.drop(columns=[*_PLACE, "other_refs"], errors="ignore")
    named["interview_id"] = pd.array(own, dtype=schema.TEXT)
    named["incident_ids"] = pd.Series(covered, dtype=object)
    return named


def _merge_children(facts: pd.DataFrame, others: list[pd.DataFrame], log: Log) -> pd.DataFrame:
    """Merge what every row says of a child: the first that is recorded; of the care status, the latest by date."""
    every = pd.concat([facts["child_id"], *(o["child_id"] for o in others)], ignore_index=True)
    ids = pd.Index(every.drop_duplicates().tolist())
    if not len(facts):
        return schema.conform(pd.DataFrame({"child_id": ids}), schema.CHILDREN)
    # "Not stated" in one source does not contradict another that states it.
    unstated = facts.loc[facts["sex"] == "not_stated", "child_id"].unique()
    facts = facts.assign(sex=facts["sex"].mask(facts["sex"] == "not_stated"))
    for column, rule in (("birth", "dob_differs"), ("sex", "sex_differs")):
        _check_same(facts, column, rule, log)
    told = facts.groupby("child_id", sort=False).first()
    latest = facts.sort_values("as_of", kind="stable", na_position="first")
    told["care_status"] = latest.groupby("child_id", sort=False)["care_status"].last()
    told.loc[told["sex"].isna() & told.index.isin(unstated), "sex"] = "not_stated"
    born = told["birth"]
    told["birth_month"] = born - pd.to_timedelta(born.dt.day - 1, unit="D")
    merged = told.reindex(ids).rename_axis("child_id").reset_index()
    return schema.conform(merged[schema.CHILDREN.names], schema.CHILDREN)


def _check_same(facts: pd.DataFrame, column: str, rule: str, log: Log) -> None:
    """Note the rows that say of a child what differs from its first row; the first stands."""
    known = facts[facts[column].notna()]
    first = known.groupby("child_id", sort=False)[column].transform("first")
    differs = known[known[column] != first]
    for (file, sheet), group in differs.groupby(["file", "sheet"], sort=True):
        log.add(rule, str(file), str(sheet), lines=group["line"].tolist())
