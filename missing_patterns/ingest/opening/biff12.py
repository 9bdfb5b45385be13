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

from missing_patterns.ingest.opening.biff import NotWhole
from missing_patterns.ingest.opening.inside import Inside

_ROW, _BLANK, _ERROR, _FORMULA_ERROR = 0, 1, 3, 11
_END, _PROPERTIES, _SHEET, _MERGED = 146, 153, 156, 176
#: How long records are at least that are looked into.
_LEAST = {_ROW: 12, _MERGED: 16, **dict.fromkeys(range(_BLANK, _FORMULA_ERROR + 1), 4)}
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


def _look(data: bytes) -> Inside:  # noqa: C901  # one plain loop, for speed
    """Walk through one sheet. Cells are millions, so the loop is plain, and of a row only the last cell is measured."""
    found = Inside()
    at, end, row, last = 0, len(data), 0, -1
    while at < end:
        kind = data[at]
        at += 1
        if kind > 0x7F:
            kind, at = _number(data, at - 1, 2)
        if at >= end:
            raise NotWhole
        length = data[at]
        at += 1
        if length > 0x7F:
            length, at = _number(data, at - 1, 4)
        if at + length > end or length < _LEAST.get(kind, 0):
            raise NotWhole
        if _BLANK < kind <= _FORMULA_ERROR:
            last = at
            if kind in (_ERROR, _FORMULA_ERROR):
                found.errors.add((row, _four(data, at)))
        elif kind in (_ROW, _END):
            if last >= 0:
                found.n_rows, found.n_columns, last = row + 1, max(found.n_columns, _four(data, last) + 1), -1
            if kind == _ROW:
                row = _four(data, at)
                if data[at + 11] & 0x10:
                    found.hidden.add(row)
        elif kind == _MERGED:
            first, final, left, right = struct.unpack_from("<4I", data, at)
            found.merged.append((first, left, final, right))
        at += length
    return found


def _four(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
