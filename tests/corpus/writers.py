"""Sheets into files: text, the four kinds of workbook, a database and a column store."""

from __future__ import annotations

import datetime as dt
import os
import re
import sqlite3
import warnings
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

from corpus.sheets import Sheet

#: When every file of the corpus was written, so that no test depends on today.
WRITTEN = dt.datetime(2025, 1, 15, 12, tzinfo=dt.UTC).timestamp()

_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})(?: (\d\d):(\d\d))?")


def write(folder: Path, sheet: Sheet, fmt: str, stem: str = "file") -> Path:
    """Write one sheet as one file and set the time that it was written."""
    path = folder / f"{stem}.{SUFFIXES[fmt]}"
    WRITERS[fmt](path, sheet)
    return stamped(path)


def stamped(path: Path) -> Path:
    os.utime(path, (WRITTEN, WRITTEN))
    return path


def text_of(sheet: Sheet) -> str:
    """Word a sheet as text, quotes only where they are needed."""
    return "".join(
        sheet.delimiter.join(_quoted(_worded(c), sheet.delimiter) for c in cells) + sheet.newline
        for cells in sheet.table()
    )


def _worded(cell: Any) -> str:
    return cell if isinstance(cell, Raw) else "" if cell is None else str(cell)


class Raw(str):
    """A cell that is written to text as it stands, though it holds quotes or separators."""

    __slots__ = ()


def _quoted(cell: str, delimiter: str) -> str:
    needs = not isinstance(cell, Raw) and any(c in cell for c in (delimiter, '"', "\n", "\r"))
    return '"' + cell.replace('"', '""') + '"' if needs else cell


def _csv(path: Path, sheet: Sheet) -> None:
    data = text_of(sheet).encode(sheet.encoding)
    path.write_bytes(sheet.rebyte(data) if sheet.rebyte else data)


def _xlsx(path: Path, sheet: Sheet) -> None:
    """Write a workbook; ``sheet.book`` may ask for hidden rows, merged cells, comments, other sheets and so on."""
    asked = sheet.book
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, **asked.get("options", {})}) as book:
        for other, how, cells in asked.get("before", ()):
            _fill(book, book.add_worksheet(other), cells)
            {"hidden": book.get_worksheet_by_name(other).hide, "very": book.get_worksheet_by_name(other).very_hidden}[
                how
            ]()
        page = book.add_worksheet(sheet.name)
        _fill(book, page, sheet.table())
        page.activate()
        page.set_first_sheet()
        for at in asked.get("hidden_rows", ()):
            page.set_row(at, None, None, {"hidden": True})
        for cells in asked.get("merged", ()):
            page.merge_range(*cells)
        for at, note in asked.get("comments", ()):
            page.write_comment(*at, note)
        for at, error in asked.get("errors", ()):
            page.write_formula(*at, "=Lost!A1", None, error)
    if sheet.rebyte:
        path.write_bytes(sheet.rebyte(path.read_bytes()))


def _fill(book: xlsxwriter.Workbook, page: Any, table: list[list[Any]]) -> None:
    stamp = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
    date = book.add_format({"num_format": "dd/mm/yyyy"})
    for i, row in enumerate(table):
        for j, cell in enumerate(row):
            if isinstance(cell, dt.datetime):
                page.write_datetime(i, j, cell, stamp)
            elif isinstance(cell, dt.date):
                page.write_datetime(i, j, cell, date)
            elif isinstance(cell, Formatted):
                page.write_number(i, j, float(cell), date)
            elif cell is not None:
                page.write(i, j, cell)


class Formatted(float):
    """A number in a cell that is formatted as a date."""

    __slots__ = ()


def _real_dates(path: Path, sheet: Sheet) -> None:
    """Write a workbook in which every day-first date of the clean table is a real date."""
    typed = sheet.copy()
    for row in typed.rows:
        row.cells = [real(c) for c in row.cells]
    _xlsx(path, typed)


def real(cell: Any) -> Any:
    found = _DATE.fullmatch(cell) if isinstance(cell, str) else None
    if not found:
        return cell
    day, month, year, hour, minute = (int(g or 0) for g in found.groups())
    return dt.datetime(year, month, day, hour, minute) if found[4] else dt.date(year, month, day)  # noqa: DTZ001


def _xls(path: Path, sheet: Sheet) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xlwt

        book = xlwt.Workbook()
        book.dates_1904 = int(bool(sheet.book.get("options", {}).get("date_1904")))
        page = book.add_sheet(sheet.name)
        style = xlwt.easyxf(num_format_str="dd/mm/yyyy hh:mm")
        for i, row in enumerate(sheet.table()):
            for j, cell in enumerate(row):
                page.write(i, j, cell, *([style] if isinstance(cell, dt.date) else []))
        book.save(str(path))


_ODS_MIME = "application/vnd.oasis.opendocument.spreadsheet"
_ODS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">'
    "<office:body><office:spreadsheet>"
)
_ODS_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODS_MIME}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)


def _ods(path: Path, sheet: Sheet) -> None:
    rows = "".join(
        f"<table:table-row>{''.join(_ods_cell(c) for c in cells)}</table:table-row>" for cells in sheet.table()
    )
    content = (
        f'{_ODS_HEAD}<table:table table:name="{escape(sheet.name)}">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", _ODS_MIME)
        packed.writestr("META-INF/manifest.xml", _ODS_MANIFEST)
        packed.writestr("content.xml", content)


def _ods_cell(cell: Any) -> str:
    if cell is None or cell == "":
        return "<table:table-cell/>"
    if isinstance(cell, dt.date):
        return (
            f'<table:table-cell office:value-type="date" office:date-value="{cell.isoformat()}"><text:p>x</text:p>'
            "</table:table-cell>"
        )
    if isinstance(cell, bool):
        word = str(cell).lower()
        return (
            f'<table:table-cell office:value-type="boolean" office:boolean-value="{word}"><text:p>{word}</text:p>'
            "</table:table-cell>"
        )
    if isinstance(cell, float | int):
        return (
            f'<table:table-cell office:value-type="float" office:value="{cell}"><text:p>{cell}</text:p>'
            "</table:table-cell>"
        )
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(cell).split("\n"))
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'


#: What the table is called in a database, by base.
TABLE_NAMES = {"tracker": "tracker", "missing": "Missing", "ssd": "ssd_missing", "placement": "ssd_cla_placement"}


def _sqlite(path: Path, sheet: Sheet) -> None:
    columns = ", ".join(f'"{h}"' for h in sheet.header)
    marks = ", ".join("?" * len(sheet.header))
    name = TABLE_NAMES[sheet.base]
    with sqlite3.connect(path) as base:
        base.execute(f'CREATE TABLE "{name}" ({columns})')
        base.executemany(f'INSERT INTO "{name}" VALUES ({marks})', [_stored(r.cells) for r in sheet.rows])  # noqa: S608
    base.close()


def _stored(cells: list[Any]) -> list[Any]:
    return [c.isoformat(" ") if isinstance(c, dt.date) else c for c in cells]


def _parquet(path: Path, sheet: Sheet) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {h: [None if r.cells[j] is None else str(r.cells[j]) for r in sheet.rows] for j, h in
               enumerate(sheet.header)}  # fmt: skip
    parquet.write_table(pa.table({h: pa.array(c, type=pa.string()) for h, c in columns.items()}), path)


WRITERS = {
    "csv": _csv,
    "xlsx": _xlsx,
    "xlsx_dates": _real_dates,
    "ods": _ods,
    "xls": _xls,
    "sqlite": _sqlite,
    "parquet": _parquet,
}
SUFFIXES = {
    "csv": "csv",
    "xlsx": "xlsx",
    "xlsx_dates": "xlsx",
    "ods": "ods",
    "xls": "xls",
    "sqlite": "db",
    "parquet": "parquet",
}
