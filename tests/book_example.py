"""One table as .xlsx, .xls and .ods, with what only workbooks hold: errors, formulas, hidden rows, merged cells."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
import xlsxwriter
from ingest_example import HEADER, good_rows

from missing_patterns.schema import Records

FORMATS = ("xlsx", "xls", "ods")

#: A cell that shows #DIV/0!, and a formula that was never calculated.
ERROR, UNVALUED = object(), object()


@dataclass
class Page:
    """One sheet: its rows of cells, and what is done to some of them; all places are counted from 0."""

    rows: Sequence[Sequence[Any]]
    hidden_rows: Sequence[int] = ()
    merged: Sequence[tuple[int, int, int, int]] = ()
    comments: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden: str = ""  # "hidden" or "very"


def write_book(path: Path, pages: dict[str, Page], *, is_1904: bool = False) -> Path:
    """Write a workbook of the kind that the name of the path says."""
    {".xlsx": _xlsx, ".xls": _xls, ".ods": _ods}[path.suffix](path, pages, is_1904)
    return path


def _xlsx(path: Path, pages: dict[str, Page], is_1904: bool) -> None:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "date_1904": is_1904}) as book:
        styles = {kind: book.add_format({"num_format": form}) for kind, form in _FORMS.items()}
        for name, page in pages.items():
            sheet = book.add_worksheet(name)
            for i, j, cell in _cells(page):
                if cell is ERROR:
                    sheet.write_formula(i, j, "=1/0", None, "#DIV/0!")
                elif cell is UNVALUED:
                    sheet.write_formula(i, j, "=1+1", None, "")
                elif type(cell) in styles:
                    sheet.write_datetime(i, j, cell, styles[type(cell)])
                else:
                    sheet.write(i, j, cell)
            for at in page.hidden_rows:
                sheet.set_row(at, None, None, {"hidden": True})
            for at in page.merged:
                sheet.merge_range(*at, page.rows[at[0]][at[1]])
            for (i, j), words in page.comments.items():
                sheet.write_comment(i, j, words)
            if page.hidden:
                sheet.hide() if page.hidden == "hidden" else sheet.very_hidden()


_FORMS = {dt.datetime: "dd/mm/yyyy hh:mm", dt.date: "dd/mm/yyyy", dt.time: "hh:mm"}


def _cells(page: Page) -> list[tuple[int, int, Any]]:
    return [(i, j, c) for i, row in enumerate(page.rows) for j, c in enumerate(row) if c is not None]


def _xls(path: Path, pages: dict[str, Page], is_1904: bool) -> None:
    import xlwt

    book = xlwt.Workbook()
    book.dates_1904 = is_1904
    styles = {kind: xlwt.easyxf(num_format_str=form) for kind, form in _FORMS.items()}
    for name, page in pages.items():
        sheet = book.add_sheet(name, cell_overwrite_ok=True)
        for i, j, cell in _cells(page):
            if cell is ERROR:
                sheet.row(i).set_cell_error(j, "#DIV/0!")
            elif cell is UNVALUED:
                sheet.write(i, j, xlwt.Formula("1+1"))
            elif type(cell) in styles:
                sheet.write(i, j, cell, styles[type(cell)])
            else:
                sheet.write(i, j, cell)
        for at in page.hidden_rows:
            sheet.row(at).hidden = True
        for top, left, bottom, right in page.merged:
            sheet.merge(top, bottom, left, right)
        sheet.visibility = {"": 0, "hidden": 1, "very": 2}[page.hidden]
    book.save(str(path))


_SPACES = " ".join(
    f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text", "style")
)
_STYLES = (
    '<office:automatic-styles><style:style style:name="shown" style:family="table"><style:table-properties '
    'table:display="true"/></style:style><style:style style:name="hidden" style:family="table">'
    '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
)
MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{}</manifest:manifest>'
)


def _ods(path: Path, pages: dict[str, Page], is_1904: bool) -> None:
    tables = "".join(_ods_table(name, page) for name, page in pages.items())
    write_ods_content(path, tables)


def write_ods_content(path: Path, tables: str, manifest: str = "") -> Path:
    """Write an .ods with these tables, as XML; ``manifest`` is what its list of parts says of them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", MANIFEST.format(manifest))
        packed.writestr(
            "content.xml",
            f"<office:document-content {_SPACES}>{_STYLES}<office:body><office:spreadsheet>{tables}"
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def _ods_table(name: str, page: Page) -> str:
    spans = {(a, b): (c - a + 1, d - b + 1) for a, b, c, d in page.merged}
    rows = []
    for i, row in enumerate(page.rows):
        hidden = ' table:visibility="filter"' if i in page.hidden_rows else ""
        cells = "".join(_ods_cell(c, page.comments.get((i, j), ""), spans.get((i, j))) for j, c in enumerate(row))
        rows.append(f"<table:table-row{hidden}>{cells}{_BLANKS.format(16000)}</table:table-row>")
    style = "hidden" if page.hidden else "shown"
    below = f'<table:table-row table:number-rows-repeated="1048000">{_BLANKS.format(16384)}</table:table-row>'
    return f'<table:table table:name="{escape(name)}" table:style-name="{style}">{"".join(rows)}{below}</table:table>'


#: Programs write the blank rest of each row, and of the sheet.
_BLANKS = '<table:table-cell table:number-columns-repeated="{}"/>'


def _ods_cell(cell: Any, comment: str, span: tuple[int, int] | None) -> str:
    inside = f"<office:annotation><text:p>{comment}</text:p></office:annotation>" if comment else ""
    extra = f' table:number-rows-spanned="{span[0]}" table:number-columns-spanned="{span[1]}"' if span else ""
    if cell is None:
        return "<table:table-cell/>"
    if cell is ERROR:
        extra += ' table:formula="of:=1/0" office:value-type="string" office:string-value=""'
        inside += "<text:p>#DIV/0!</text:p>"
    elif cell is UNVALUED:
        extra += ' table:formula="of:=1+1"'
    elif isinstance(cell, dt.time):
        extra += f' office:value-type="time" office:time-value="PT{cell:%HH%MM%SS}"'
        inside += f"<text:p>{cell:%H:%M}</text:p>"
    elif isinstance(cell, dt.date):
        extra += f' office:value-type="date" office:date-value="{cell.isoformat()}"'
        inside += f"<text:p>{cell:%d/%m/%Y}</text:p>"
    elif isinstance(cell, int | float):
        extra += f' office:value-type="float" office:value="{cell}"'
        inside += f"<text:p>{cell}</text:p>"
    else:
        extra += ' office:value-type="string"'
        inside += f"<text:p>{escape(str(cell))}</text:p>"
    return f"<table:table-cell{extra}>{inside}</table:table-cell>"


def write_xlsb(path: Path, page: Page, *, is_1904: bool = False) -> Path:
    """Write one sheet called A as a binary workbook: a zip of records instead of XML."""
    cells = []
    for i, row in enumerate(page.rows):
        flags = 0x10 if i in page.hidden_rows else 0
        cells.append(record(0, struct.pack("<IIHBBBI", i, 0, 300, 0, flags, 0, 0)))
        for j, cell in enumerate(row):
            at = struct.pack("<II", j, 0)
            if cell is None:
                cells.append(record(1, at))
            elif cell is ERROR:
                cells.append(record(3, at + b"\x07"))
            elif isinstance(cell, int | float):
                cells.append(record(5, at + struct.pack("<d", cell)))
            else:
                cells.append(record(6, at + wide(str(cell))))
    merged = [record(176, struct.pack("<4I", a, c, b, d)) for a, b, c, d in page.merged]
    extent = struct.pack("<4I", 0, len(page.rows) - 1, 0, max(map(len, page.rows)) - 1)
    sheet = [record(129), record(148, extent), record(145), *cells, record(146), *merged, record(130)]
    named = struct.pack("<II", 0, 1) + wide("rId1") + wide("A")
    properties = struct.pack("<II", int(is_1904), 0) + wide("")
    book = [record(131), record(153, properties), record(143), record(156, named), record(144), record(132)]
    link = f'Id="rId1" Type="{_OFFICE}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.bin"'
    links = f'<Relationships xmlns="{_OFFICE}/package/2006/relationships"><Relationship {link}/></Relationships>'
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("[Content_Types].xml", f'<Types xmlns="{_OFFICE}/package/2006/content-types"/>')
        packed.writestr("xl/workbook.bin", b"".join(book))
        packed.writestr("xl/_rels/workbook.bin.rels", links)
        packed.writestr("xl/worksheets/sheet1.bin", b"".join(sheet))
    return path


_OFFICE = "http://schemas.openxmlformats.org"


def record(kind: int, content: bytes = b"") -> bytes:
    """Kind and length in bytes of seven bits, then the content."""
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    n, size = len(content), b""
    while n > 0x7F:
        size += bytes([n & 0x7F | 0x80])
        n >>= 7
    return head + size + bytes([n]) + content


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


BACK = HEADER.index("Date & time returned")


def page(n: int = 4, **how: Any) -> Page:
    return Page([list(HEADER), *good_rows(n)], **how)


def with_cells(*cells: tuple[int, int, Any], n: int = 4) -> Page:
    """A sheet in which some cells hold something else."""
    made = [list(row) for row in page(n).rows]
    for row, column, value in cells:
        made[row][column] = value
    return Page(made)


def told(records: Records, rule: str) -> list[list[Any]]:
    found = records.problems[records.problems["rule"] == rule]
    rows = found[["sheet", "line", "cell", "severity"]].astype(object)
    return [[None if c is pd.NA or c == "" else c for c in row] for row in rows.to_numpy().tolist()]


def rewritten(data: bytes, part: str, content: bytes | None) -> bytes:
    """A workbook with other content in one part, or without it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(out, "w") as again:
        for name in packed.namelist():
            if name != part or content is not None:
                again.writestr(name, packed.read(name) if name != part else content or b"")
    return out.getvalue()
