"""The physical rows of a file, counted apart from the package: by bytes, by raw XML, by another library."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ODS = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def count_rows(path: Path, encoding: str = "utf-8") -> dict[str, int]:
    """Count the rows of each sheet; a text file has one, without a name."""
    suffix = path.suffix
    if suffix == ".csv":
        return {"": _text_rows(path.read_bytes(), encoding)}
    if suffix == ".xlsx":
        return _xlsx_rows(path)
    return _ods_rows(path) if suffix == ".ods" else _xls_rows(path)


def _text_rows(data: bytes, encoding: str) -> int:
    """Count line ends outside quotes, in any of the three styles; a last line need not end.

    NUL and Ctrl-Z are not text: a file's rows are counted without them.
    """
    text = data.decode(encoding, errors="replace").replace("\x00", "").rstrip("\x1a")
    bare = re.sub(r'"[^"]*"', "", text)
    return len(re.findall(r"\r\n|\r|\n", bare)) + (bare[-1:] not in ("\r", "\n", ""))


def _xlsx_rows(path: Path) -> dict[str, int]:
    """Read the highest row that holds a cell with something in it, from the XML of each sheet."""
    counted = {}
    with zipfile.ZipFile(path) as packed:
        links = ET.fromstring(packed.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        targets = {link.get("Id"): link.get("Target") for link in links}
        book = packed.read("xl/workbook.xml").decode()
        for name, link in re.findall(r'<sheet name="([^"]*)"[^>]*r:id="([^"]*)"', book):
            sheet = ET.fromstring(packed.read(f"xl/{targets[link]}"))  # noqa: S314
            rows = [
                int(row.get("r", "0"))
                for row in sheet.iter(f"{_MAIN}row")
                if any(len(cell) for cell in row.iter(f"{_MAIN}c"))
            ]
            counted[name] = max(rows, default=0)
    return counted


def _ods_rows(path: Path) -> dict[str, int]:
    with zipfile.ZipFile(path) as packed:
        tree = ET.fromstring(packed.read("content.xml"))  # noqa: S314
    counted = {}
    for sheet in tree.iter(f"{_ODS}table"):
        rows = list(sheet.iter(f"{_ODS}table-row"))
        full = [i for i, row in enumerate(rows, 1) if next(row.iter(f"{_TEXT}p"), None) is not None]
        counted[str(sheet.get(f"{_ODS}name"))] = max(full, default=0)
    return counted


def _xls_rows(path: Path) -> dict[str, int]:
    """Walk the records of the old format and keep the highest row that a cell record names.

    The workbook stream is found by its first record; xlwt writes it in one piece.
    """
    data = path.read_bytes()
    at = data.index(b"\x09\x08\x10\x00")
    names: list[str] = []
    counted: list[int] = []
    while at + 4 <= len(data):
        kind, size = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
        body = data[at + 4 : at + 4 + size]
        if kind == 0x0085:  # a sheet's name
            names.append(body[8 : 8 + body[6]].decode("latin-1"))
        elif kind == 0x0809 and names and len(counted) < len(names):
            counted.append(0)
        elif kind in (0x00FD, 0x0203, 0x027E, 0x0204, 0x0205, 0x0006) or kind == 0x00BD:  # cells
            counted[-1] = max(counted[-1], int.from_bytes(body[:2], "little") + 1)
        at += 4 + size if kind or size else len(data)
    return dict(zip(names, counted, strict=True))
