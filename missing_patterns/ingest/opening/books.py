"""Workbooks through calamine: values as they stand, real dates as dates, hidden sheets only by name."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.log import Log, column_letters
from missing_patterns.ingest.opening.biff import NotWhole, look_in_xls
from missing_patterns.ingest.opening.biff12 import look_in_xlsb
from missing_patterns.ingest.opening.files import OLE, locked
from missing_patterns.ingest.opening.grid import Cell, Grid, is_blank
from missing_patterns.ingest.opening.inside import Inside, look_in_zip
from missing_patterns.ingest.opening.text import ROW_LIMITS
from missing_patterns.ingest.profiles.headers import Match, match_tables
from missing_patterns.ingest.profiles.profile import TableProfile, fields_of
from missing_patterns.ingest.rules import RULES

#: calamine lays a sheet out whole, so one cell far from the rest would take all the memory that there is.
MOST_CELLS = 60_000_000
#: Days between the two dates that workbooks count from.
_EPOCHS_APART = 1462
#: Kinds of fields whose numbers are counts of days.
_DAYS = ("timestamp", "date", "birth")


@dataclass(slots=True, repr=False)
class _Looked:
    """What was found beside the values: by name of the sheet, or by its place, and how the book counts days."""

    by_name: Mapping[str, Inside] = field(default_factory=dict)
    by_place: Sequence[Inside] = ()
    is_1904: bool = False

    def at(self, place: int, name: str) -> Inside | None:
        return self.by_name.get(name) or (self.by_place[place] if place < len(self.by_place) else None)


def read_book(data: bytes, file: str, log: Log, tables: Sequence[TableProfile] = ()) -> list[Grid]:
    """Read the visible sheets of a workbook, and hidden ones that a profile names.

    Comments are not read. Whether formulas were calculated shows in an .xls only where no formula of a sheet has a
    result, and in an .xlsb not at all.

    Parameters
    ----------
    data : bytes
        The file, whole.
    file : str
        Its name, for messages.
    log
        Where is told what was found.
    tables : sequence of TableProfile
        The tables that are looked for.

    Returns
    -------
    list of Grid
        One per sheet, empty ones too.

    Raises
    ------
    DataRefused
        If it is not a workbook that can be read, a hidden sheet holds records, formulas were never calculated, or a
        table stops where sheets end.
    """
    looked = _look(data, file)
    metadata, read = _read(data, file)
    named = {t.sheet for t in tables if t.sheet}
    grids = []
    for place, (name, is_visible) in enumerate(metadata):
        if name not in read:
            continue
        rows, merged = read[name]
        matches = match_tables(rows, [t for t in tables if t.sheet in ("", name)])
        if not is_visible and name not in named:
            _check_hidden(file, name, rows, matches)
            log.add("hidden_sheet", file, name)
            continue
        grid = Grid(file, name, rows, range(1, len(rows) + 1), is_book=True, merged=merged)
        if matches:
            inside = looked.at(place, name)
            _check_sheet(grid, matches[0], inside, log)
            if looked.is_1904:
                _count_from_1900(grid, matches[0])
        grids.append(grid)
    if looked.is_1904 and grids:
        log.add("epoch_1904", file)
    return grids


def _refused(rule: str, file: str, why: str, fix: str, sheet: str = "", line: int | None = None) -> DataRefused:
    return DataRefused.of_file(file, why, fix, sheet=sheet, line=line, rule=RULES[rule].code)


def _unreadable(file: str) -> DataRefused:
    return _refused(
        "unreadable", file, "it is not a workbook that can be read", "Open it in Excel and save it as .xlsx."
    )


def _look(data: bytes, file: str) -> _Looked:
    if data.startswith(OLE):
        try:
            book = look_in_xls(data)
        except NotWhole:
            raise _refused(
                "unreadable",
                file,
                "it is not a workbook that can be read; the file may be cut off",
                "Export it again, or open it in Excel and save it as .xlsx.",
            ) from None
        if book.is_locked:
            raise locked(file)
        return _Looked(by_place=book.sheets, is_1904=book.is_1904)
    try:
        found, is_1904 = look_in_zip(data)
        if not found:
            found, is_1904 = look_in_xlsb(data)
    except (NotWhole, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError):
        raise _unreadable(file) from None
    for name, inside in found.items():
        if inside.n_rows * inside.n_columns > MOST_CELLS:
            raise _refused(
                "bomb",
                file,
                f"a cell far from the rest makes it {inside.n_rows:,} rows by {inside.n_columns:,} columns",
                "Delete the rows and columns that hold nothing else, or save it as CSV.",
                name,
            )
    return _Looked(found, is_1904=is_1904)


_Read = dict[str, tuple[list[Sequence[Cell]], list[tuple[int, int, int, int]]]]


def _read(data: bytes, file: str) -> tuple[list[tuple[str, bool]], _Read]:
    """Return every sheet's name and whether it is visible, and the rows and merged ranges of those that hold cells."""
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        read: _Read = {}
        for meta in book.sheets_metadata:
            if meta.typ != calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(meta.name)
            merged = [(a, b, c, d) for (a, b), (c, d) in sheet.merged_cell_ranges or []]
            read[meta.name] = list(sheet.to_python(skip_empty_area=False)), merged
        return [(m.name, m.visible == calamine.SheetVisibleEnum.Visible) for m in book.sheets_metadata], read
    except calamine.PasswordError:
        raise locked(file) from None
    except (calamine.CalamineError, ValueError, OSError, OverflowError):
        raise _unreadable(file) from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # calamine's own fault on a damaged file; it is no Exception
            raise _unreadable(file) from None
        raise


def _check_hidden(file: str, name: str, rows: Sequence[Sequence[Cell]], matches: Sequence[Match]) -> None:
    """Refuse a hidden sheet that holds records: nobody can say whether they are to count."""
    if matches and any(not is_blank(c) for row in rows[matches[0].row + matches[0].n_rows :] for c in row):
        raise _refused(
            "hidden_records",
            file,
            f"the sheet is hidden and holds records ({matches[0].table.name})",
            'Unhide it, delete it, or name it in a profile with sheet = "...".',
            name,
        )


def _check_sheet(grid: Grid, match: Match, inside: Inside | None, log: Log) -> None:
    """Hold a sheet that will be read against what was found beside its values."""
    if len(grid.rows) in ROW_LIMITS:
        raise _refused(
            "row_limit",
            grid.file,
            f"it stops at exactly {len(grid.rows):,} rows, where a sheet ends",
            "Export it in two parts, or as CSV.",
            grid.sheet,
        )
    if inside is None:
        log.add("not_checked", grid.file, grid.sheet, detail="error cells, hidden rows and formulas without a result")
        return
    first = match.row + match.n_rows
    taken = {at for name, at in match.fields.items() if not name.startswith("_")}
    unvalued = sorted((row, column) for row, column in inside.unvalued if row >= first and column in taken)
    if unvalued:
        row, column = unvalued[0]
        n, cell = len(unvalued), f"{column_letters(column)}{row + 1}"
        raise _refused(
            "formula_without_value",
            grid.file,
            f"{n:,} formula{'s have' if n > 1 else ' has'} no stored result, the first in {cell}",
            "Open it in Excel, let it calculate, and save it as .xlsx.",
            grid.sheet,
            row + 1,
        )
    grid.error_cells = inside.errors
    grid.merged = grid.merged or inside.merged
    below = range(first, len(grid.rows))
    n_hidden = sum(row in below and any(not is_blank(c) for c in grid.rows[row]) for row in inside.hidden)
    if n_hidden:
        log.add("hidden_rows", grid.file, grid.sheet, detail=f"{n_hidden:,} row{'s' if n_hidden > 1 else ''}")


def _count_from_1900(grid: Grid, match: Match) -> None:
    """Bring plain numbers in columns of dates to the usual count; cells that are dates by their format are right."""
    kinds = fields_of(match.table.becomes)
    columns = [at for name, at in match.fields.items() if kinds.get(name) in _DAYS]
    for i in range(match.row + match.n_rows, len(grid.rows)):
        row = list(grid.rows[i])
        for at in columns:
            cell = row[at] if at < len(row) else None
            if isinstance(cell, int | float) and not isinstance(cell, bool) and cell >= 1:
                row[at] = cell + _EPOCHS_APART
        grid.rows[i] = row
