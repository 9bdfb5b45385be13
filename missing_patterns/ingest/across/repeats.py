"""Records that are there more than once: equal rows, one reference with two contents, files that overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.across.sheets import Gathered, Sheet, by_table, codes_of, gather, joined, seconds
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.grid import Cell, as_text
from missing_patterns.ingest.profiles.profile import head
from missing_patterns.ingest.sheet.distinct import distinct

#: Equal rows are equal in these; only rows that occur twice here are compared cell by cell.
_TOLD_BY = ("incident_id", "interview_id", "child_id", "missing_from", "started_on", "held_at")
#: Records of one reference and child whose starts lie further apart than this, in seconds, are two.
_DAY = 86_400


def check_repeats(sheets: Sequence[Sheet], log: Log) -> None:
    """Set aside what is there already: each record counts once, over all sheets of the same table.

    Of rows that say exactly the same, the first stands. Of a record that two files hold with different contents, the
    row with a return stands, else that of the later file; where nobody can know, and in one file, all are set aside. A
    reference whose starts lie more than a day apart was given twice. One that is given to different children stays as
    it is. Both are told where incidents are named.

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
    """Set aside records that are there again and say something else.

    A reference of one child is one record where the starts lie within a day. Without a reference, the child and the
    minute of the start tell the record over several files. By date only, where two absences may begin on one day, an
    open record of one file is the same as one with a return in another.
    """
    rows = gather(group, "incidents", ("child_id", "incident_id", "missing_from", "returned_at", "precision"))
    if not len(rows):
        return
    ref = codes_of(rows["incident_id"])
    names = list(dict.fromkeys(sheet.data.grid.file for sheet in rows.sheets))
    is_once = ref.max(initial=-1) + 1 == (ref >= 0).sum()
    if is_once:
        group[0].refs_once = len(group) == 1
    if is_once and len(names) == 1:
        return
    file = np.array([names.index(sheet.data.grid.file) for sheet in rows.sheets])[rows.which]
    key = _keys(rows, ref)
    twice = pd.Series(joined(key, file)).duplicated(keep=False).to_numpy() & (key >= 0)
    rows.fault(twice & (ref >= 0), "record_twice", "incident_id")
    if len(names) == 1:
        return
    alone = np.flatnonzero((key >= 0) & ~np.isin(key, key[twice & (ref < 0)]) & ~twice)
    key, file = key[alone], file[alone]
    has_end = rows["returned_at"].notna().to_numpy(dtype=bool)[alone]
    by_date = ((rows["precision"] == "day").to_numpy(dtype=bool) & (ref < 0))[alone]
    rank = _ranks(rows)[file]
    order = np.lexsort((-file, rank, has_end, key))  # of equals the first file stands
    new = np.ones(len(order), dtype=bool)
    new[1:] = key[order[1:]] != key[order[:-1]]
    best = order[np.append(np.flatnonzero(new)[1:], len(order)) - 1][np.cumsum(new) - 1] if len(order) else order
    mine = order[order != best]
    best = best[order != best]
    is_equal = (has_end[mine] == has_end[best]) & (rank[mine] == rank[best])
    is_one = ~by_date[mine] | (has_end[best] & ~has_end[mine])

    def where(*positions: np.ndarray) -> np.ndarray:
        mask = np.zeros(len(rows), dtype=bool)
        mask[alone[np.concatenate(positions)]] = True
        return mask

    both = np.concatenate([mine, best])
    said = _said(rows, alone[both])
    is_same = (said[: len(mine)] == said[len(mine) :]) & ~by_date[mine]
    rows.fault(where(mine[is_same]), "duplicate_row")
    unknown = is_equal & is_one & ~is_same
    rows.fault(where(mine[unknown], best[unknown]), "record_twice", "incident_id")
    older = is_one & ~unknown & ~is_same
    rows.fault(where(mine[older]), "superseded", "incident_id")
    last = np.maximum(file[mine], file[best])[is_one]
    for n, often in enumerate(np.bincount(last, minlength=len(names)).tolist()):
        there[names[n]] += often


def _keys(rows: Gathered, ref: np.ndarray) -> np.ndarray:
    """Number the records: by reference and child where the starts lie within a day, else by child and start."""
    child, start = codes_of(rows["child_id"]), seconds(rows["missing_from"])
    named = joined(ref, child)
    order = np.lexsort((start, named))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (named[order[1:]] != named[order[:-1]]) | (start[order[1:]] - start[order[:-1]] > _DAY)
    record = np.empty(len(order), dtype=np.int64)
    record[order] = np.cumsum(new)
    by_start = joined(np.where(ref < 0, child, -1), np.asarray(pd.factorize(start // 60)[0], dtype=np.int64))
    keys: np.ndarray = np.where(ref >= 0, record, np.where(by_start >= 0, by_start + len(order) + 1, -1))
    return keys


def _said(rows: Gathered, at: np.ndarray) -> np.ndarray:
    """Return a number for all that was read of each of these rows, equal where they say the same."""
    said = np.zeros(len(at), dtype=np.uint64)
    for n, sheet in enumerate(rows.sheets):
        here = np.flatnonzero(rows.which[at] == n)
        for table in (schema.INCIDENTS, schema.INTERVIEWS) if len(here) else ():
            piece = getattr(sheet.pieces, table.name)
            if piece is not None:
                frame = piece.set_index("at")[list(table.names)].reindex(rows.at[at[here]]).astype(str)
                said[here] = said[here] * np.uint64(31) + pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return said


def _ranks(rows: Gathered) -> np.ndarray:
    """Rank the files by what they know last, equal where that cannot be told: a high start, then when written."""
    start = seconds(rows["missing_from"])
    whose = np.array([sheet.data.grid.file for sheet in rows.sheets], dtype=object)[rows.which]
    known: list[tuple[float, float]] = []
    for name in dict.fromkeys(sheet.data.grid.file for sheet in rows.sheets):
        here = start[whose == name]
        written = next(s.data.grid.written_at for s in rows.sheets if s.data.grid.file == name)
        minute = written.replace(second=0, microsecond=0).timestamp() if written else 0.0
        # The last 5 of a hundred starts are not looked at, so that one typing error makes no file a later one.
        known.append((float(np.quantile(here, 0.95, method="nearest")) if len(here) else float("-inf"), minute))
    levels = sorted(set(known))
    return np.array([levels.index(k) for k in known], dtype=np.int64)
