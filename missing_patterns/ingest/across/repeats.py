"""Records that are there more than once: equal rows, one reference with two contents, files that overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.across.sheets import Sheet, by_table, codes_of, gather, joined
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.grid import Cell, as_text
from missing_patterns.ingest.profiles.profile import head
from missing_patterns.ingest.sheet.rows import distinct

#: Equal rows are equal in these; only rows that occur twice here are compared cell by cell.
_TOLD_BY = ("incident_id", "interview_id", "child_id", "missing_from", "started_on", "held_at")


def check_repeats(sheets: Sequence[Sheet], log: Log) -> None:
    """Set aside what is there already: each record counts once, over all sheets of the same table.

    Of rows that say exactly the same, the first stands. Of a reference that two files give one child with different
    contents, the row of the file whose newest stamp is later stands; in one file nobody can know, and both are set
    aside. A reference that is given to different children stays as it is, and is told where incidents are named.

    Raises
    ------
    Nothing.
    """
    for group in by_table(sheets):
        there = {sheet.data.grid.file: 0 for sheet in group}
        _check_equal(group, there)
        _check_references(group, there)
        for file, n in there.items():
            if n:
                log.add("files_overlap", file, detail=f"{n:,} record{'s' if n > 1 else ''}")


def _check_equal(group: Sequence[Sheet], there: dict[str, int]) -> None:
    """Set aside rows that say exactly what an earlier row says.

    Where a source knows no times and no reference, two absences on one day are written by two equal rows: those are
    kept, and told. Two equal rows that span a night cannot both be true.
    """
    first: dict[tuple[object, ...], str] = {}
    again = [np.zeros(len(sheet.data), dtype=bool) for sheet in group]
    same_day = [mask.copy() for mask in again]
    table = group[0].data.match.table
    can_repeat = table.defaults.get("precision") == "day"
    for n, i in _likely(group):
        data = group[n].data
        row = _comparable(group, n, i)
        if row not in first:
            first[row] = data.grid.file
        elif first[row] != data.grid.file:
            again[n][i] = True
            there[data.grid.file] += 1
        elif can_repeat and _is_one_day(group[n], i):
            same_day[n][i] = True
        else:
            again[n][i] = True
    for sheet, equal, kept in zip(group, again, same_day, strict=True):
        sheet.data.tell(kept, "same_day_again")
        sheet.data.fault(equal, "duplicate_row")


def _is_one_day(sheet: Sheet, i: int) -> bool:
    data = sheet.data
    if data.has("incident_id") or not (data.has("missing_from") and data.has("returned_at")):
        return False
    row = data.rows[i]
    start, end = (as_text(row[data.match.fields[f]]).strip() for f in ("missing_from", "returned_at"))
    return bool(start) and start == end


def _comparable(group: Sequence[Sheet], n: int, i: int) -> tuple[object, ...]:
    """Return a row in a form that is equal where rows say the same, whatever the order of their columns."""
    data = group[n].data
    row = data.rows[i]
    if len(group) == 1:
        return tuple(row)
    names = data.match.headers
    cells = ((head(names[k]) if k < len(names) else "", as_text(c).strip()) for k, c in enumerate(row))
    return tuple(sorted(pair for pair in cells if pair[1]))


def _likely(group: Sequence[Sheet]) -> list[tuple[int, int]]:
    """Return the sheet and the position of each row that shares its reference, child and start with another."""
    which = np.repeat(np.arange(len(group)), [len(sheet.data) for sheet in group])
    at = np.concatenate([np.arange(len(sheet.data)) for sheet in group])
    rows = np.flatnonzero(np.concatenate([sheet.data.kept for sheet in group]))
    key = np.zeros(len(rows), dtype=np.int64)
    for name in _TOLD_BY:
        if all(sheet.data.has(name) for sheet in group):
            key = joined(key, _codes(group, name)[rows])
            twice = np.bincount(key)[key] > 1
            rows, key = rows[twice], key[twice]
    return list(zip(which[rows].tolist(), at[rows].tolist(), strict=True))


def _codes(group: Sequence[Sheet], name: str) -> np.ndarray:
    """Number the distinct cells of a field over several sheets."""
    found = [sheet.data.distinct(name) for sheet in group]
    if len(found) == 1:
        return found[0].codes
    cells: list[Cell] = [as_text(c).strip() for d in found for c in d.cells]
    whole = distinct(cells).codes
    begins = np.cumsum([0, *(len(d.cells) for d in found)])
    return np.concatenate([whole[b + d.codes] for b, d in zip(begins[:-1], found, strict=True)])


def _check_references(group: Sequence[Sheet], there: dict[str, int]) -> None:
    """Set aside records of one reference and child that say different things."""
    rows = gather([s for s in group if s.data.has("incident_id")], "incidents", ("child_id", "incident_id"))
    if not len(rows):
        return
    ref = codes_of(rows["incident_id"])
    if ref.max(initial=-1) + 1 == (ref >= 0).sum():
        group[0].refs_once = len(group) == 1
        return
    key = joined(ref, codes_of(rows["child_id"]))
    files = list(dict.fromkeys(sheet.data.grid.file for sheet in rows.sheets))
    file = np.array([files.index(sheet.data.grid.file) for sheet in rows.sheets])[rows.which]
    twice = pd.Series(joined(key, file)).duplicated(keep=False).to_numpy() & (key >= 0)
    rows.fault(twice, "record_twice", "incident_id")
    if len(files) == 1:
        return
    others = rows.only(~twice)
    key, file = key[~twice], file[~twice]
    rank = np.array([_newest([s for s in group if s.data.grid.file == f]) for f in files])
    order = np.lexsort((file, rank[file], key))
    is_older = np.zeros(len(key), dtype=bool)
    is_older[order[:-1]] = (key[order[:-1]] == key[order[1:]]) & (key[order[:-1]] >= 0)
    others.fault(is_older, "superseded", "incident_id")
    in_order = np.lexsort((file, key))
    is_there = (key[in_order[1:]] == key[in_order[:-1]]) & (key[in_order[1:]] >= 0)
    for n, often in enumerate(np.bincount(file[in_order[1:][is_there]], minlength=len(files)).tolist()):
        there[files[n]] += often


def _newest(sheets: Sequence[Sheet]) -> float:
    """Return the newest stamp of a file's records: what the file knew last."""
    newest = float("-inf")
    for table in (schema.INCIDENTS, schema.INTERVIEWS):
        for column in (c.name for c in table.columns if c.kind == "timestamp"):
            stamps = gather(sheets, table.name, (column,))[column].dropna()
            if len(stamps):
                newest = max(newest, stamps.max().timestamp())
    return newest
