"""What stands in a binary workbook (.xlsb) beside its values ([MS-XLSB]).

It is a zip as .xlsx is, with records instead of XML. Each begins with its kind and its length, in one to four bytes of
seven bits, so the walk goes from one to the next.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator

from missing_patterns.ingest.biff import NotWhole
from missing_patterns.ingest.inside import Inside

_ROW, _BLANK, _ERROR, _FORMULA_ERROR = 0, 1, 3, 11
_PROPERTIES, _SHEET, _MERGED = 153, 156, 176
_BOOK, _LINKS = "xl/workbook.bin", "xl/_rels/workbook.bin.rels"
_TAG = re.compile(rb"<Relationship\s[^<>]*>")
_ATTRIBUTE = re.compile(rb"""\b(Id|Target)=["']([^"']*)["']""")


def look_in_xlsb(data: bytes) -> tuple[dict[str, Inside], bool]:
    """Look into each sheet of an .xlsb, and say whether it counts days from 1904.

    Whether a formula was ever calculated cannot be seen: every one holds some result.

    Raises
    ------
    NotWhole
        If a part ends before what it says it holds.
    """
    found = {}
    is_1904 = False
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        names = {name.lower(): name for name in packed.namelist()}
        if not {_BOOK, _LINKS} <= set(names):
            return {}, False
        tags = (dict(_ATTRIBUTE.findall(tag)) for tag in _TAG.findall(packed.read(names[_LINKS])))
        targets = {tag.get(b"Id", b"").decode(): tag.get(b"Target", b"").decode().lstrip("/") for tag in tags}
        book = packed.read(names[_BOOK])
        for kind, at, end in _records(book):
            if kind == _PROPERTIES:
                is_1904 = bool(book[at] & 1)
            elif kind == _SHEET:
                key, after = _text(book, at + 8, end)
                name, _ = _text(book, after, end)
                target = targets.get(key, "")
                part = names.get((target if target.lower().startswith("xl/") else f"xl/{target}").lower())
                if part is not None:
                    found[name] = _look(packed.read(part))
    return found, is_1904


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the kind of each record and where its content begins and ends."""
    at = 0
    while at < len(data):
        kind, at = _number(data, at, 2)
        length, at = _number(data, at, 4)
        if at + length > len(data):
            raise NotWhole
        yield kind, at, at + length
        at += length


def _number(data: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for i in range(most):
        if at >= len(data):
            raise NotWhole
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            break
    return value, at


def _text(data: bytes, at: int, end: int) -> tuple[str, int]:
    if at + 4 > end:
        raise NotWhole
    after = at + 4 + 2 * struct.unpack_from("<I", data, at)[0]
    if after > end:
        raise NotWhole
    return data[at + 4 : after].decode("utf-16-le", "replace"), after


def _look(data: bytes) -> Inside:
    found = Inside()
    row = 0
    for kind, at, end in _records(data):
        if kind == _ROW:
            if end - at < 12:
                raise NotWhole
            row = int.from_bytes(data[at : at + 4], "little")
            if data[at + 11] & 0x10:
                found.hidden.add(row)
        elif kind <= _FORMULA_ERROR:  # all kinds of cells
            column = int.from_bytes(data[at : at + 4], "little")
            if kind in (_ERROR, _FORMULA_ERROR):
                found.errors.add((row, column))
            if kind != _BLANK:
                found.n_rows = row + 1
                found.n_columns = max(found.n_columns, column + 1)
        elif kind == _MERGED and end - at >= 16:
            first, last, left, right = struct.unpack_from("<4I", data, at)
            found.merged.append((first, left, last, right))
    return found
