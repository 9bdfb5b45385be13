"""Defects 52 to 64 and 72 to 75: headers, rows that are none, rows of another length, quotes and line ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus.model import (
    ALL,
    BOOKS,
    CSV,
    CSV_XLSX,
    HERE,
    TEXT,
    XLSX,
    Case,
    Refused,
    cell,
    quarantined,
    repaired,
    warned,
)
from corpus.sheets import MISSING, N_ROWS, Row, Sheet
from corpus.writers import Raw, stamped

NOTE = "Child's account"
_LAST = N_ROWS - 1


def inserting(after: object, cells: Callable[[Sheet], list[Any]] | list[Any]) -> Callable[[Sheet], None]:
    """Insert a row that is no data."""
    return lambda sheet: sheet.insert(after, "more", cells(sheet) if callable(cells) else list(cells))


def first_of(*words: Any) -> Callable[[Sheet], list[Any]]:
    """A row that begins with some cells and is blank for the rest."""
    return lambda sheet: [*words, *[""] * (len(sheet.header) - len(words))]


# 52, 53, 72: rows that are no data ------------------------------------------------------------------------------------
def above(*rows: list[Any]) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.above = [[*row, *[""] * (len(sheet.header) - len(row))] for row in rows]

    return plant


def _two_rows(sheet: Sheet) -> None:
    """Break the names of the header over two rows, as under merged cells."""
    for name in ("Date & time missing", "Date & time returned"):
        at = sheet.header.index(name)
        sheet.header[at], last = name.rsplit(" ", 1)
        sheet.second_header = sheet.second_header or [""] * len(sheet.header)
        sheet.second_header[at] = last


def _titled(sheet: Sheet) -> None:
    above(["Missing episodes"], [])(sheet)
    sheet.book["merged"] = [(0, 0, 0, 5, "Missing episodes")]


def _second_table(sheet: Sheet) -> None:
    sheet.insert(_LAST, "blank", [""] * len(sheet.header))
    sheet.insert("blank", "header", list(MISSING))
    sheet.insert("header", "row", ["ZEBRA900", "14/03/2011", "M", "13/01/2024", "14/01/2024"])


NOT_DATA = [
    *(Case(52, f"a last row {words[0]!r}", base, inserting(_LAST, first_of(*words)), formats,
           (warned("MP-TOTAL-ROW", "more"),))
      for base, words, formats in (
          ("tracker", ("Total", 12), ALL), ("tracker", ("Count: 12",), CSV),
          ("tracker", ("Grand total", "", "", 12), CSV),
          ("missing", ("Total", "12"), CSV_XLSX), ("tracker", ("End of report",), CSV_XLSX),
          ("tracker", ("12 records",), CSV), ("ssd", ("Total", "12"), CSV),
      )),
    Case(53, "a title, a line about it and a blank row", "tracker",
         above(["Missing episodes"], ["Extract of 15 January"], []), ALL),
    Case(53, "a merged title", "tracker", _titled, XLSX),
    Case(53, "a header of two rows", "tracker", _two_rows, ALL),
    Case(53, "the header again among the rows", "tracker", inserting(5, lambda s: list(s.header)), TEXT),
    Case(53, "a second table below the first", "tracker", _second_table, TEXT, refused=Refused("MP-TWO-TABLES")),
    *(Case(72, f"a row {name}", base, inserting(after, cells), formats)
      for name, base, after, cells, formats in (
          ("of separators", "tracker", 5, first_of(), ALL), ("of spaces", "tracker", 5, first_of("  ", " "), TEXT),
          ("with nothing at all", "missing", 5, [""], CSV), ("of separators at the end", "ssd", _LAST, first_of(), CSV),
          ("of NULL", "ssd", 5, lambda s: ["NULL"] * len(s.header), CSV_XLSX),
      )),
]  # fmt: skip


# 54-56: headers -------------------------------------------------------------------------------------------------------
def renaming(**names: str) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.header = [names.get(h.replace(" ", "_").replace("&", "and"), h) for h in sheet.header]

    return plant


def heading(change: Callable[[str], str]) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.header = [change(h) for h in sheet.header]

    return plant


def _turned_round(sheet: Sheet) -> None:
    sheet.header.reverse()
    for row in sheet.rows:
        row.cells.reverse()


def _doubled(header: str, values: Callable[[int], Any]) -> Callable[[Sheet], None]:
    return lambda sheet: sheet.add_column(header, values)


def dropping(header: str) -> Callable[[Sheet], None]:
    return lambda sheet: sheet.drop_column(header)


HEADERS = [
    Case(54, "other names", "tracker",
         renaming(Child_ID="Person ID", RHI_date="Date of RHI", DOB="Date of Birth"), ALL),
    Case(54, "spaces about the names", "tracker", heading(lambda h: f"  {h} "), TEXT),
    Case(54, "a new line within the names", "tracker", heading(lambda h: h.replace(" ", "\n", 1)), TEXT),
    Case(54, "names in capitals", "tracker", heading(str.upper), TEXT),
    Case(54, "names in small letters", "missing", heading(str.lower), CSV_XLSX),
    Case(54, "columns in another order", "tracker", _turned_round, ALL),
    Case(54, "columns in another order", "missing", _turned_round, CSV_XLSX),
    Case(54, "a byte-order mark in a name", "ssd", heading(lambda h: "\ufeff" + h), CSV_XLSX),
    *(Case(55, "a column twice", base, _doubled(header, lambda _: "ZEBRA"), formats,
           refused=Refused("MP-COLUMNS-TWICE"))
      for base, header, formats in (
          ("tracker", "Triggers", ALL), ("missing", "MIS_END", TEXT), ("ssd", "miss_person_id", CSV_XLSX),
          ("tracker", "child id", CSV))),
    *(Case(56, f"without {header}", base, dropping(header), formats,
           refused=Refused("MP-NO-PROFILE|MP-COLUMN-NEEDED"))
      for base, header, formats in (
          ("tracker", "Child ID", ALL), ("tracker", "Date & time missing", CSV_XLSX), ("missing", "MIS_START", TEXT),
          ("ssd", "miss_person_id", CSV_XLSX))),
    Case(56, "a column more", "tracker", _doubled("Shoe size", lambda i: f"ZEBRA{i}"), ALL,
         (warned("MP-COLUMNS-UNUSED"),)),
    Case(56, "a column more", "missing", _doubled("Shoe size", lambda i: f"ZEBRA{i}"), CSV_XLSX,
         (warned("MP-COLUMNS-UNUSED"),)),
]  # fmt: skip


# 57-61: rows of another length, and quotes ----------------------------------------------------------------------------
def _longer(*keys: object) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        for key in keys:
            sheet.row(key).cells.append("ZEBRA more")

    return plant


def _shorter(key: object, by: int) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        del sheet.row(key).cells[-by:]

    return plant


def putting(column: str, **cells: Any) -> Callable[[Sheet], None]:
    """Put cells into rows: ``r4="..."``."""

    def plant(sheet: Sheet) -> None:
        for row, value in cells.items():
            sheet.put(int(row[1:]), column, value)

    return plant


def _cut(by: int) -> Callable[[Sheet], None]:
    """Cut the file off within its last row."""

    def plant(sheet: Sheet) -> None:
        sheet.put(_LAST, NOTE, "ZEBRA, and more")
        sheet.rebyte = lambda data: data[:-by]

    return plant


_SHAPE = [
    *(Case(57, "a row longer than the header", base, _longer(HERE), CSV, (quarantined("MP-LONG-ROW", HERE),))
      for base in ("tracker", "missing", "ssd")),
    Case(57, "two rows longer than the header", "tracker", _longer(2, 9), CSV,
         (quarantined("MP-LONG-ROW", 2), quarantined("MP-LONG-ROW", 9))),
    *(Case(57, "every row longer than the header", base, _longer(*range(N_ROWS)), CSV,
           refused=Refused("MP-MANY-LONG-ROWS")) for base in ("tracker", "missing", "ssd")),
    Case(57, "many rows longer than the header", "tracker", _longer(1, 4, 7), CSV,
         refused=Refused("MP-MANY-LONG-ROWS", row=1)),
    *(Case(58, f"a row shorter by {by}", base, _shorter(HERE, by), CSV, (quarantined("MP-SHORT-ROW", HERE),))
      for base, by in (("tracker", 1), ("tracker", 8), ("missing", 1), ("ssd", 3))),
    Case(59, "a bad line is never skipped", "tracker", _longer(0), CSV, (quarantined("MP-LONG-ROW", 0),)),
    Case(59, "a bad last line is never skipped", "tracker", _shorter(_LAST, 5), CSV,
         (quarantined("MP-SHORT-ROW", _LAST),)),
    Case(60, "a quote that swallows rows", "tracker", putting(NOTE, r4=Raw('"ZEBRA said'), r7=Raw('ZEBRA went"')), CSV,
         refused=Refused("MP-STRAY-QUOTE", row=HERE)),
    Case(60, "a quote that swallows rows", "missing", putting("CHILD", r4=Raw('"ZEBRA104'), r7=Raw('ZEBRA107"')), CSV,
         refused=Refused("MP-STRAY-QUOTE", row=HERE)),
    Case(60, "a quote that swallows all rows", "tracker", putting(NOTE, r4=Raw('"ZEBRA said')), CSV,
         refused=Refused("MP-STRAY-QUOTE", row=HERE)),
    Case(60, "a quote closed too early", "tracker", putting(NOTE, r4=Raw('"ZEBRA" said')), CSV,
         refused=Refused("MP-STRAY-QUOTE", row=HERE)),
    Case(61, "cut off within a quoted cell", "tracker", _cut(5), CSV, refused=Refused("MP-STRAY-QUOTE", row=_LAST)),
    Case(61, "cut off within a row", "tracker", _cut(40), CSV, (quarantined("MP-SHORT-ROW", _LAST),)),
    *(cell(62, "a new line within a note", ("tracker", NOTE), text, formats=formats,
           values={"interviews.narrative": text})
      for text, formats in (("ZEBRA said\nno, \"never\"", TEXT), ("ZEBRA\n\nZEBRA\nagain", CSV))),
    Case(62, "rows after a note of several lines keep their line", "tracker",
         lambda s: (s.put(2, NOTE, "ZEBRA\nand\nmore"), s.put(HERE, "Child ID", ""))[0], CSV,
         (quarantined("MP-ID-BLANK", HERE, "Child ID"),), values={(2, "interviews.narrative"): "ZEBRA\nand\nmore"}),
]  # fmt: skip


# 63, 64: what should not be in a text ---------------------------------------------------------------------------------
def bytewise(change: Callable[[bytes], bytes]) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.rebyte = change

    return plant


def _ends(end: str) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.newline = end

    return plant


def _mixed_ends(data: bytes) -> bytes:
    lines = data.split(b"\n")
    return b"".join(line + (b"\r\n" if i % 2 else b"\n") for i, line in enumerate(lines[:-1]))


BYTES = [
    *(cell(63, f"a NUL byte in {column}", ("tracker", column), lambda text: text[:3] + "\x00" + text[3:],
           repaired("MP-NUL-BYTES", HERE), formats=CSV) for column in (NOTE, "Child ID", "Date & time missing")),
    cell(63, "a NUL byte", ("missing", "MIS_END"), lambda text: text + "\x00", repaired("MP-NUL-BYTES", HERE),
         formats=CSV),
    Case(64, "Ctrl-Z at the end", "tracker", bytewise(lambda data: data + b"\x1a"), CSV),
    Case(64, "line ends of old Macs", "tracker", _ends("\r"), CSV),
    Case(64, "line ends of Windows", "tracker", _ends("\r\n"), CSV),
    Case(64, "line ends of several kinds", "tracker", bytewise(_mixed_ends), CSV),
    Case(64, "no line end at the end", "missing", bytewise(lambda data: data[:-1]), CSV),
    Case(64, "line ends of old Macs", "missing", _ends("\r"), CSV),
]  # fmt: skip


# 73-75: empty, too long, cut off --------------------------------------------------------------------------------------
def _raw(data: bytes) -> Callable[[Path, Sheet, str], list[Path]]:
    def build(folder: Path, _: Sheet, fmt: str) -> list[Path]:
        path = folder / f"file.{fmt}"
        path.write_bytes(data)
        return [stamped(path)]

    return build


def _no_rows(sheet: Sheet) -> None:
    sheet.rows = []


def _emptied(sheet: Sheet) -> None:
    sheet.header, sheet.rows = [], []


def _at_limit(n: int) -> Callable[[Sheet], None]:
    """Fill a file to exactly the row where old programs stop."""
    return bytewise(lambda data: data + b"ZEBRA1,,,,\n" * (n - N_ROWS - 1))


def _full_sheet(sheet: Sheet) -> None:
    sheet.rows[-1:] = [Row(i, ["ZEBRA1"]) for i in range(65_536 - N_ROWS)]


SIZES = [
    *(Case(73, f"a file of {name}", "missing", lambda _: None, CSV, refused=Refused("MP-EMPTY-FILE"), build=_raw(data))
      for name, data in (("nothing", b""), ("blank lines", b"\n\n \n"), ("a byte-order mark", b"\xef\xbb\xbf"),
                         ("NUL bytes", bytes(64)))),
    Case(73, "a workbook of an empty sheet", "missing", _emptied, BOOKS, refused=Refused("MP-EMPTY-FILE")),
    Case(73, "an empty workbook", "missing", lambda _: None, XLSX, refused=Refused("MP-EMPTY-FILE"), build=_raw(b"")),
    *(Case(73, "a header and no rows", base, _no_rows, formats, (warned("MP-NO-ROWS"),), gone=tuple(range(N_ROWS)))
      for base, formats in (("tracker", ALL), ("missing", TEXT), ("ssd", CSV_XLSX))),
    *(cell(74, f"a cell of {n:,} characters", ("tracker", NOTE), "ZEBRA" * (n // 5),
           quarantined("MP-FIELD-TOO-LONG", HERE), formats=CSV) for n in (140_000, 200_000)),
    cell(74, "a cell of 130,000 characters", ("tracker", NOTE), "ZEBRA" * 26_000, formats=CSV,
         values={"interviews.narrative": "ZEBRA" * 26_000}),
    *(Case(75, f"exactly {n:,} rows", "missing", _at_limit(n), CSV, refused=Refused("MP-ROW-LIMIT"))
      for n in (65_536, 1_048_576)),
    Case(75, "exactly 65,536 rows", "missing", _full_sheet, XLSX, refused=Refused("MP-ROW-LIMIT")),
]  # fmt: skip

CASES = [*NOT_DATA, *HEADERS, *_SHAPE, *BYTES, *SIZES]
