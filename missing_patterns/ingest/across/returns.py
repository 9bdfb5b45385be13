"""The SSDA903 return as a whole: its table ``Missing`` against ``Episodes``, ``Header`` and the year before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from missing_patterns.ingest.across.dfe import Checked, check_missing
from missing_patterns.ingest.across.sheets import Gathered, Sheet, gather
from missing_patterns.ingest.opening.grid import as_text

_PROFILE = "ssda903"
#: What the checks call a field that the profile recognises and no table has.
_FIELDS = {"reason_ended": "_reason_ended"}


def check_returns(sheets: Sequence[Sheet]) -> None:
    """Hold the rows of SSDA903 ``Missing`` that are not set aside against the rest of their year's return.

    What is told sets no row aside. Files of several years are held each against its own; a file whose year is not
    known, against the tables of which it is not known either.

    Raises
    ------
    Nothing.
    """
    missing = _tables(sheets, "missing")
    for year in dict.fromkeys(sheet.data.match.table.year for sheet in missing):
        _check_year(sheets, [s for s in missing if s.data.match.table.year == year], year)
    for sheet in missing:
        _check_without_start(sheet)


def _tables(sheets: Sequence[Sheet], name: str) -> list[Sheet]:
    tables = [(sheet, sheet.data.match.table) for sheet in sheets]
    return [sheet for sheet, table in tables if (table.profile, table.name) == (_PROFILE, name)]


def _check_year(sheets: Sequence[Sheet], missing: Sequence[Sheet], year: int | None) -> None:
    rows = gather(missing, "incidents", ("child_id", "missing_from", "returned_at"))
    frame = rows.frame.assign(birth=_births(rows), category=_as_read(rows, "category"))
    placed = _of_year(_tables(sheets, "episodes"), year)
    spells = gather(placed, "placements", ("child_id", "started_on", "ended_on"))
    if any(sheet.data.has("_reason_ended") for sheet in placed):
        spells.frame["reason_ended"] = _as_read(spells, "_reason_ended")
    header = _of_year(_tables(sheets, "header"), year)
    before = [] if year is None else [s for s in _tables(sheets, "missing") if s.data.match.table.year == year - 1]
    # What was open last year is looked for among all its rows: this year's may have set them aside.
    last = [s.pieces.incidents for s in before if s.pieces.incidents is not None]
    checked = check_missing(
        frame,
        spells.frame if placed else None,
        gather(header, "children", ("child_id", "birth")).frame if header else None,
        year=year,
        previous_missing=pd.concat(last, ignore_index=True) if last else None,
    )
    _tell(checked, {"missing": rows, "placements": spells})
    first = missing[0].data
    if checked.n_dropped:
        detail = f"{checked.n_dropped:,} children who were missing then have no row at all this year"
        first.tell_column("dfe_open_last_year", "", detail)
    if checked.not_checked:
        needs = "they need the collection year, Episodes, Header or last year's Missing"
        first.tell_column("dfe_not_checked", "", f"{', '.join(checked.not_checked)}; {needs}")


def _of_year(sheets: Sequence[Sheet], year: int | None) -> list[Sheet]:
    """Return the tables of a year; where none tells a year, those."""
    same = [sheet for sheet in sheets if sheet.data.match.table.year == year]
    return same or [sheet for sheet in sheets if year is None or sheet.data.match.table.year is None]


def _births(rows: Gathered) -> pd.Series:
    births = pd.Series(pd.NaT, index=rows.frame.index, dtype="datetime64[us]")
    for n, sheet in enumerate(rows.sheets):
        children, here = sheet.pieces.children, rows.which == n
        if children is not None:
            births[here] = children.set_index("at")["birth"].reindex(rows.at[here]).to_numpy()
    return births


def _as_read(rows: Gathered, name: str) -> pd.Series:
    """Return the cells of a field as text, "" where a sheet has no such column."""
    cells = np.full(len(rows), "", dtype=object)
    for n, sheet in enumerate(rows.sheets):
        here = rows.which == n
        if sheet.data.has(name):
            found = sheet.data.distinct(name)
            cells[here] = found.spread([as_text(cell) for cell in found.cells], object)[rows.at[here]]
    return pd.Series(cells, index=rows.frame.index, dtype=object)


def _tell(checked: Checked, tables: dict[str, Gathered]) -> None:
    for (table, rule, name), group in checked.found.groupby(["table", "rule", "field"], sort=False):
        where = np.zeros(len(tables[table]), dtype=bool)
        where[group["row"].to_numpy(dtype=np.int64)] = True
        tables[table].tell(where, rule, _FIELDS.get(name, name))


def _check_without_start(sheet: Sheet) -> None:
    """Tell what is wrong with the type of rows that were set aside because they have no start."""
    data = sheet.data
    blank = np.flatnonzero(data.distinct("missing_from").blank() & ~data.kept & ~data.shapeless)
    types = [as_text(data.distinct("category").cells[i]) for i in data.distinct("category").codes[blank]]
    found = check_missing(pd.DataFrame({"child_id": "", "category": types}, index=blank, dtype=object)).found
    for rule, group in found.groupby("rule", sort=False):
        where = np.zeros(len(data), dtype=bool)
        where[group["row"].to_numpy(dtype=np.int64)] = True
        data.tell(where, str(rule), str(group["field"].iat[0]))
