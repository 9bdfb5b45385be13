"""What stands in a sheet beside its values: error cells, formulas without a result, hidden rows, merged cells.

calamine gives an error cell and a formula that was never calculated as blank, and says nothing of hidden rows. A blank
end of an absence means "still missing", so they are looked for in the file itself: in one pass of byte searches over
the XML of each sheet, and never by building a tree.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from xml.etree import ElementTree as ET

_REF = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_ROW_NUMBER = re.compile(rb"""\br=["']([0-9]{1,7})["']""")
_IS_TEXT = re.compile(rb"""\bt=["'](?:str|inlineStr)["']""")
_SHEET_TAG = re.compile(rb"<([A-Za-z_][\w.-]*:)?worksheet\b")
_IS_HIDDEN = re.compile(rb"""\shidden=["'](?:1|true)["']""")


@dataclass(slots=True, repr=False)
class Inside:
    """What was found in one sheet; rows and columns are counted from 0.

    Parameters
    ----------
    errors : set of (row, column)
        Cells such as #REF!.
    unvalued : set of (row, column)
        Formulas without a stored result.
    hidden : set of int
        Rows that are hidden or filtered out.
    merged : list of (first_row, first_column, last_row, last_column)
        Merged ranges, where calamine does not give them.
    n_rows, n_columns : int
        How far the cells reach; 0 where it was not looked for.

    Raises
    ------
    Nothing.
    """

    errors: set[tuple[int, int]] = field(default_factory=set)
    unvalued: set[tuple[int, int]] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    n_rows: int = 0
    n_columns: int = 0

    def __repr__(self) -> str:
        return f"Inside: {len(self.errors)} errors, {len(self.unvalued)} unvalued, {len(self.hidden)} hidden rows"


def look_in_zip(data: bytes) -> tuple[dict[str, Inside], bool]:
    """Look into each sheet of an .xlsx, .xlsm or .ods, and say whether it counts days from 1904.

    A sheet that was not found, or that is not XML (.xlsb), is absent from the result.

    Raises
    ------
    Nothing.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        names = {name.lower(): name for name in packed.namelist()}
        if "content.xml" in names:
            return dict(_look_in_ods(packed.read(names["content.xml"]))), False
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= set(names):
            return {}, False
        try:
            links = list(ET.fromstring(packed.read(names["xl/_rels/workbook.xml.rels"])))  # noqa: S314
            book = list(ET.fromstring(packed.read(names["xl/workbook.xml"])).iter())  # noqa: S314
        except (ET.ParseError, LookupError, ValueError):  # LookupError: it names an encoding that there is not
            return {}, False
        targets = {link.get("Id"): str(link.get("Target")).lstrip("/") for link in links}
        settings = {_local(e.tag): e for e in book if _local(e.tag) in ("workbookPr", "calcPr")}
        is_1904 = "workbookPr" in settings and settings["workbookPr"].get("date1904") in ("1", "true")
        # Whoever asks for all to be calculated on opening has not calculated: its zeros are no results.
        is_due = "calcPr" in settings and settings["calcPr"].get("fullCalcOnLoad") in ("1", "true")
        found = {}
        for sheet in (e for e in book if _local(e.tag) == "sheet"):
            key = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
            target = targets.get(key, "")
            part = names.get((target if target.lower().startswith("xl/") else f"xl/{target}").lower())
            if part is not None and (xml := _SheetXml(packed.read(part), is_due=is_due)).is_sheet:
                found[str(sheet.get("name"))] = xml.look()
    return found, is_1904


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


class _SheetXml:
    """The XML of one sheet of an .xlsx, searched by bytes."""

    def __init__(self, xml: bytes, *, is_due: bool) -> None:
        self.xml, self.is_due = xml, is_due
        start = _SHEET_TAG.search(xml, 0, 4096)
        self.is_sheet = start is not None
        prefix = re.escape(start[1] or b"") if start else b""
        self.prefix = prefix
        # Whoever writes one attribute in single quotes writes them all so.
        self.sign = b"'" if re.search(rb"\s[a-z]+='", xml[xml.find(b"<", 5) : 20_000]) else b'"'
        self.far = re.compile(rb"r=%b(?=[A-Za-z]{3}|[A-Za-z0-9]{8})([A-Za-z]*)([0-9]+)" % self.sign)
        self.cell = re.compile(rb"<" + prefix + rb"c(?:\s[^<>]*)?/?>")
        self.row = re.compile(rb"<" + prefix + rb"row(?:\s[^<>]*)?/?>")

    def look(self) -> Inside:
        xml = self.xml
        found = Inside()
        found.errors = {self.place(at) for at in self.tags(b"t=%be%b" % (self.sign, self.sign), self.cell)}
        rows = self.tags(b"hidden=", self.row)
        found.hidden = {self.row_number(at) for at in rows if _IS_HIDDEN.search(xml, at, xml.find(b">", at))}
        if b"<" + self.prefix + b"f" in xml:
            found.unvalued = {self.place(at) for at in self.unvalued()}
        found.n_rows, found.n_columns = self.extent()
        return found

    def tags(self, mark: bytes, kind: re.Pattern[bytes]) -> Iterator[int]:
        """Yield where tags of one kind begin that hold a mark."""
        at = self.xml.find(mark)
        while at >= 0:
            start = self.xml.rfind(b"<", 0, at)
            end = self.xml.find(b">", at) + 1
            if kind.fullmatch(self.xml, start, end):
                yield start
            at = self.xml.find(mark, at + len(mark))

    def unvalued(self) -> Iterator[int]:
        """Yield where cells begin that hold a formula and no result."""
        p = self.prefix
        zero = rb"|<%bv>0</%bv>" % (p, p) if self.is_due else b""
        ends = rb"(?:<%bv\s*/>|<%bv>\s*</%bv>%b)?\s*</%bc>" % (p, p, p, zero, p)
        formula = re.compile(rb"<%bf(?:\s[^<>]*)?(?:/>|>[^<]*</%bf>)\s*%b" % (p, p, ends))
        for match in formula.finditer(self.xml):
            start = self.xml.rfind(b"<" + p + b"c", 0, match.start())
            tag = self.xml[start : self.xml.find(b">", start) + 1]
            # An empty text is the result of a formula that gives one.
            if self.cell.fullmatch(tag) and not (_IS_TEXT.search(tag) and b"<" + p + b"v" in match[0]):
                yield start

    def extent(self) -> tuple[int, int]:
        """Return how many rows and columns the cells reach.

        The last cell of a row is the one furthest to the right, unless an address in the row is damaged: those of three
        letters, or of eight signs, or more are all looked at.
        """
        xml, p = self.xml, self.prefix
        opening, closing = b"<" + p + b"c ", b"</" + p + b"row>"
        widest, lowest, last, start = b"", 0, -1, 0
        end = xml.find(closing)
        while end >= 0:
            at = xml.rfind(opening, start, end)
            if at >= 0:
                last = at
                found = _REF.search(xml, at, at + 40)
                if found:
                    lowest = max(lowest, int(found[2]))
                    if (len(found[1]), found[1]) > (len(widest), widest):
                        widest = found[1]
            start = end
            end = xml.find(closing, end + 1)
        n_rows = max(lowest, self.place(last)[0] + 1 if last >= 0 else 0)
        n_columns = column_number(widest) + 1
        for letters, digits in (m.groups() for m in self.far.finditer(xml)):
            n_rows, n_columns = max(n_rows, int(digits[:9])), max(n_columns, column_number(letters[:4].upper()) + 1)
        return n_rows, n_columns

    def place(self, at: int) -> tuple[int, int]:
        """Return row and column of the cell that begins here; one without an address follows the one before it."""
        found = _REF.search(self.xml, at, self.xml.find(b">", at))
        if found:
            return int(found[2]) - 1, column_number(found[1])
        row_at = self.xml.rfind(b"<" + self.prefix + b"row", 0, at)
        column = -1
        for cell in self.cell.finditer(self.xml, row_at, at + 1 + len(self.cell.match(self.xml, at)[0])):  # type: ignore[index]
            named = _REF.search(cell[0])
            column = column_number(named[1]) if named else column + 1
        return self.row_number(row_at), column

    def row_number(self, at: int) -> int:
        found = _ROW_NUMBER.search(self.xml, at, self.xml.find(b">", at))
        if found:
            return int(found[1]) - 1
        starts, numbers = self.rows
        return numbers[bisect_right(starts, at) - 1]

    @cached_property
    def rows(self) -> tuple[list[int], list[int]]:
        """Where each row begins, and its number; one without a number follows the one before it."""
        starts, numbers = [], []
        number = -1
        for row in self.row.finditer(self.xml):
            named = _ROW_NUMBER.search(row[0])
            number = int(named[1]) - 1 if named else number + 1
            starts.append(row.start())
            numbers.append(number)
        return starts, numbers


def column_number(letters: bytes) -> int:
    """Return the place of a column from its letters, counted from 0; none at all is -1.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> column_number(b"A"), column_number(b"AB"), column_number(b"")
    (0, 27, -1)
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


_ATTRIBUTES = rb"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*"""
_ODS_TABLE = re.compile(rb"<table:table(?=\s)(" + _ATTRIBUTES + rb")>")
_ODS_NAME = re.compile(rb"""\btable:name=(?:"([^"]*)"|'([^']*)')""")
_ODS_ROW = re.compile(rb"<table:table-row(?=[\s>/])(" + _ATTRIBUTES + rb")/?>")
_ODS_CELL = re.compile(rb"<table:(covered-)?table-cell(?=[\s>/])(" + _ATTRIBUTES + rb")(/?)>")
_ODS_REPEAT = re.compile(rb"""\btable:number-(?:rows|columns)-repeated=["'](\d+)["']""")
_ODS_SPAN = re.compile(rb"""\btable:number-(rows|columns)-spanned=["'](\d+)["']""")
_ODS_HIDDEN = re.compile(rb"""\btable:visibility=["'](?:collapse|filter)["']""")
_ODS_VALUE = re.compile(rb"""\boffice:(?:value-type|(?:(?:string|date|time|boolean)-)?value)=""")
_ODS_ERROR_TEXT = re.compile(rb"<text:p(?:\s[^<>]*)?>(?:#(?:[A-Z]+[/0-9A-Z]*[!?]?|N/A)|Err:\d+)</text:p>")
_ODS_NOTE = re.compile(rb"<office:annotation\b.*?</office:annotation>", re.DOTALL)
#: Marks of rows that hold something to look at; in all others the cells are not walked through.
_ODS_MARKS = (b'value-type="error"', b'string-value=""', b'table:formula="', b'-spanned="', b'columns-repeated="')
_ODS_ONCE = re.compile(rb'-spanned="1"')
#: The blank rest of a row, and columns that are too few to be a danger.
_ODS_REST = re.compile(rb'columns-repeated="(?:\d{1,2}"|\d+"[^<>]*/>\s*</table:table-row>)')


def _ods_marks(xml: bytes, start: int, end: int) -> Iterator[int]:
    for mark in _ODS_MARKS:
        at = xml.find(mark, start, end)
        while at >= 0:
            if not (_ODS_ONCE.match(xml, at) or _ODS_REST.match(xml, at)):
                yield at
            at = xml.find(mark, at + len(mark), end)


def _look_in_ods(xml: bytes) -> Iterator[tuple[str, Inside]]:
    tables = list(_ODS_TABLE.finditer(xml))
    for table, after in zip(tables, [*(t.start() for t in tables[1:]), len(xml)], strict=True):
        end = xml.find(b"</table:table>", table.end(), after)
        name = _ODS_NAME.search(table[1])
        if end >= 0 and name:
            yield (
                html.unescape((name[1] or name[2] or b"").decode("utf-8", "replace")),
                _look_in_ods_table(xml, table.end(), end),
            )


def _look_in_ods_table(xml: bytes, start: int, end: int) -> Inside:
    """Walk through the rows, and through the cells of those rows alone that hold a mark."""
    found = Inside()
    rows = [(row.start(), row.end(), row[1]) for row in _ODS_ROW.finditer(xml, start, end)]
    starts = [at for at, _, _ in rows]
    numbers = []
    number = 0
    for _, _, attributes in rows:
        numbers.append(number)
        n = _repeat(attributes)
        if b"visibility" in attributes and _ODS_HIDDEN.search(attributes) and n < 1_000_000:
            found.hidden.update(range(number, number + n))
        number += n
    marked = sorted({bisect_right(starts, at) - 1 for at in _ods_marks(xml, start, end)} - {-1})
    for i in marked:
        n = _repeat(rows[i][2])
        until = starts[i + 1] if i + 1 < len(starts) else end
        _walk_cells(found, xml, rows[i][1], until, numbers[i], n)
    return found


def _repeat(attributes: bytes) -> int:
    found = _ODS_REPEAT.search(attributes) if b"repeated" in attributes else None
    return int(found[1]) if found else 1


def _walk_cells(found: Inside, xml: bytes, start: int, end: int, row: int, n_rows: int) -> None:
    column = 0
    cells = list(_ODS_CELL.finditer(xml, start, end))
    for cell, after in zip(cells, [*(c.start() for c in cells[1:]), end], strict=True):
        attributes, is_empty = cell[2], cell[3] == b"/"
        n = _repeat(attributes)
        content = b"" if is_empty else _ODS_NOTE.sub(b"", xml[cell.end() : after])
        if b"<text:p" in content or b"value=" in attributes:
            found.n_rows, found.n_columns = max(found.n_rows, row + n_rows), max(found.n_columns, column + n)
            here = [(r, c) for r in range(row, row + min(n_rows, 1000)) for c in range(column, column + min(n, 1000))]
        else:
            here = [(row, column)]
        is_formula = b"table:formula=" in attributes
        is_blank = b'string-value=""' in attributes
        if b'value-type="error"' in attributes or (is_blank and _ODS_ERROR_TEXT.search(content)):
            found.errors.update(here)
        elif is_formula and not _ODS_VALUE.search(attributes) and not content.strip().startswith(b"<text:p"):
            found.unvalued.update(here)
        spans = dict(_ODS_SPAN.findall(attributes)) if b"-spanned=" in attributes else {}
        tall, wide = int(spans.get(b"rows", 1)), int(spans.get(b"columns", 1))
        if tall * wide > 1:
            found.merged.append((row, column, row + tall - 1, column + wide - 1))
        column += n
