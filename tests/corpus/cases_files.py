"""Defects 65 to 68, 76 to 79, 82 and 83: characters, separators, files that are something else, and workbooks."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from corpus.model import CSV, HERE, XLSX, Case, Refused, repaired, warned
from corpus.sheets import BASES, Sheet
from corpus.writers import stamped, text_of, write

NOTE = "Child's account"
_PLAIN = "ZEBRA Zoë – at the café"


# 65-68: characters and separators -------------------------------------------------------------------------------------
def encoded(encoding: str) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.encoding = encoding
        if sheet.base == "tracker":
            sheet.put(HERE, NOTE, _PLAIN)

    return plant


def _sixteen_bits(order: str, mark: bytes) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        encoded(order)(sheet)
        sheet.rebyte = lambda data: mark + data

    return plant


def separated(delimiter: str) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.delimiter = delimiter

    return plant


def _note(text: str) -> Callable[[Sheet], None]:
    return lambda sheet: sheet.put(HERE, NOTE, text)


def _mixed(sheet: Sheet) -> None:
    """One line of Windows text in a file that is UTF-8 elsewhere."""
    sheet.put(HERE, NOTE, _PLAIN)
    sheet.put(7, NOTE, "ZEBRA naïve")
    sheet.rebyte = lambda data: data.replace(_PLAIN.encode(), _PLAIN.encode("cp1252"))


_READ = {(HERE, "interviews.narrative"): _PLAIN}
TEXTS = [
    *(Case(65, f"a file in {name}", base, plant, CSV, values=_READ if base == "tracker" else {})
      for base in ("tracker", "missing", "ssd") for name, plant in (
          ("UTF-8 with a mark", encoded("utf-8-sig")),
          ("UTF-16, low byte first", _sixteen_bits("utf-16-le", b"\xff\xfe")),
          ("UTF-16, high byte first", _sixteen_bits("utf-16-be", b"\xfe\xff")),
      )),
    Case(66, "a file in Windows text", "tracker", encoded("cp1252"), CSV, (repaired("MP-ENCODING-CP1252"),),
         values=_READ),
    Case(67, "garbled characters that can be restored", "tracker", _note(_PLAIN.encode().decode("cp1252")),
         ("csv", "xlsx", "ods"), (repaired("MP-MOJIBAKE", HERE),), values=_READ),
    Case(67, "garbled characters that are lost", "tracker", _note("ZEBRA Zo\ufffd\ufffd said"), ("csv", "xlsx"),
         (warned("MP-MOJIBAKE-LOST", HERE),),
         values={(HERE, "interviews.narrative"): "ZEBRA Zo\ufffd\ufffd said"}),
    Case(67, "Windows text among UTF-8", "tracker", _mixed, CSV, (warned("MP-MIXED-ENCODINGS", HERE),),
         values=_READ | {(7, "interviews.narrative"): "ZEBRA naïve"}),
    *(Case(68, f"cells apart by {name}", base, separated(delimiter), CSV)
      for base in ("tracker", "missing", "ssd", "placement")
      for name, delimiter in (("semicolons", ";"), ("tabs", "\t"), ("bars", "|"))),
]  # fmt: skip


# 76: something else ---------------------------------------------------------------------------------------------------
def _bytes_of(make: Callable[[Path], bytes], suffix: str) -> Callable[[Path, Sheet, str], list[Path]]:
    def build(folder: Path, _: Sheet, fmt: str) -> list[Path]:
        path = folder / f"file.{suffix}"
        path.write_bytes(make(folder))
        return [stamped(path)]

    return build


def _book(fmt: str) -> Callable[[Path], bytes]:
    return lambda folder: write(folder, BASES["tracker"](), fmt, "other").read_bytes()


_OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1024)
_HTML = b"<html><body><table><tr><td>ZEBRA</td></tr></table></body></html>"
_LOCKED = _OLE + "EncryptedPackage".encode("utf-16-le") + bytes(512)
_ELSE = (
    ("an Excel workbook called .csv", "csv", _book("xlsx")),
    ("an old Excel workbook called .csv", "csv", _book("xls")),
    ("an OpenDocument sheet called .txt", "txt", _book("ods")),
    ("a web page called .csv", "csv", lambda _: _HTML),
    ("a web page called .xls", "xls", lambda _: _HTML),
    ("a web page called .xlsx", "xlsx", lambda _: b"\xef\xbb\xbf<!DOCTYPE html>" + _HTML),
    ("a PDF called .csv", "csv", lambda _: b"%PDF-1.7 ZEBRA"),
    ("a PDF called .xlsx", "xlsx", lambda _: b"%PDF-1.7 ZEBRA"),
    ("a compressed file called .csv", "csv", lambda _: b"\x1f\x8b\x08" + bytes(50)),
    ("text called .xlsx", "xlsx", lambda _: text_of(BASES["tracker"]()).encode()),
)
ELSE = [
    *(Case(76, name, "tracker", lambda _: None, (suffix,), refused=Refused("MP-WRONG-KIND"),
           build=_bytes_of(make, suffix)) for name, suffix, make in _ELSE),
    *(Case(76, "a workbook with a password", "tracker", lambda _: None, (suffix,), refused=Refused("MP-LOCKED"),
           build=_bytes_of(lambda _: _LOCKED, suffix)) for suffix in ("xlsx", "xls")),
    *(Case(76, "a workbook that is cut off", "tracker", lambda _: None, (suffix,), refused=Refused("MP-UNREADABLE"),
           build=_bytes_of(lambda folder, f=suffix: _book(f)(folder)[:-400], suffix)) for suffix in ("xlsx", "ods")),
]  # fmt: skip


# 77-79, 82, 83: workbooks ---------------------------------------------------------------------------------------------
def asking(**what: object) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.book.update(what)

    return plant


def _hidden(how: str, base: str) -> Callable[[Sheet], None]:
    return lambda sheet: sheet.book.update(before=[("Older", how, BASES[base]().table())])


_LISTS = [["ZEBRA lists"], ["Bullying"], ["Boredom"]]


def without_results(data: bytes) -> bytes:
    """Take the stored result out of every formula of a workbook, as some programs write them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(out, "w") as again:
        for part in packed.namelist():
            content = packed.read(part)
            if part.startswith("xl/worksheets/sheet"):
                content = re.sub(rb"(</f>)<v>[^<]*</v>", rb"\1", content)
            again.writestr(part, content)
    return out.getvalue()


def _formula(header: str) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        at = (sheet.line_of(HERE, is_text=False) - 1, sheet.header.index(header))
        sheet.book["errors"] = [(at, 45_000)]
        sheet.rebyte = without_results

    return plant


def _merged(sheet: Sheet) -> None:
    line = sheet.line_of(HERE, is_text=False) - 1
    sheet.put(HERE + 1, "Child ID", None)
    sheet.book["merged"] = [(line, 1, line + 1, 1, sheet.get(HERE, "Child ID"))]


BOOKS = [
    *(Case(77, f"a {how} sheet with records", base, _hidden(how, base), XLSX, refused=Refused("MP-HIDDEN-RECORDS"))
      for how in ("hidden", "very") for base in ("tracker", "missing")),
    *(Case(77, f"a {how} sheet of lists", "tracker", asking(before=[("Lists", how, _LISTS)]), XLSX,
           (warned("MP-HIDDEN-SHEET"),)) for how in ("hidden", "very")),
    *(Case(78, "hidden rows", base, asking(hidden_rows=(3, 6)), XLSX, (warned("MP-HIDDEN-ROWS"),))
      for base in ("tracker", "missing", "ssd")),
    *(Case(79, "a formula without its result", base, _formula(header), XLSX,
           refused=Refused("MP-FORMULA-WITHOUT-VALUE"))
      for base, header in (("tracker", "Date & time returned"), ("tracker", "Child ID"), ("missing", "MIS_START"))),
    Case(82, "cells merged among the rows", "tracker", _merged, XLSX, refused=Refused("MP-MERGED-CELLS", row=HERE)),
    *(Case(83, "comments with names", base, asking(comments=[((3, 1), "ZEBRA's mother rang"), ((0, 0), "ZEBRA")]), XLSX)
      for base in ("tracker", "missing")),
]  # fmt: skip

CASES = [*TEXTS, *ELSE, *BOOKS]
