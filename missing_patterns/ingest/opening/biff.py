"""What stands in an old workbook (.xls) beside its values, and whether the file is whole.

An .xls is a file system of sectors ([MS-CFB]) with one stream of records ([MS-XLS], BIFF8; BIFF5 differs in nothing
that is looked at here). Each record begins with its kind and its length, so the walk goes from one to the next.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from missing_patterns.ingest.opening.inside import Inside

_FREE = 0xFFFFFFFA  # sector numbers from here on are marks: end of chain, free, and the table's own
_BOF, _EOF, _FILEPASS, _DATEMODE, _BOUNDSHEET = 0x0809, 0x000A, 0x002F, 0x0022, 0x0085
_ROW, _BOOLERR, _FORMULA = 0x0208, 0x0205, 0x0006
#: Records of cells: text, numbers, formulas, blanks.
_CELLS = frozenset({0x00FD, 0x0203, 0x027E, 0x0204, 0x0205, 0x0006, 0x00BD, 0x00BE, 0x0201})
_ERROR, _EMPTY = 2, 3
_HEAD = struct.Struct("<HH")
_CELL = struct.Struct("<HH")


class NotWhole(Exception):
    """The file ends before what it says it holds."""


@dataclass(slots=True, repr=False)
class OldBook:
    """What was found in an .xls: its sheets in order, and how it counts days.

    Raises
    ------
    Nothing.
    """

    sheets: list[Inside] = field(default_factory=list)
    is_1904: bool = False
    is_locked: bool = False

    def __repr__(self) -> str:
        return f"OldBook: {len(self.sheets)} sheets"


def look_in_xls(data: bytes) -> OldBook:
    """Look into each sheet of an .xls.

    A formula holds its last result, so one that was never calculated shows only by this: no formula of the sheet has
    any result but an empty text. That is what programs write that cannot calculate.

    Raises
    ------
    NotWhole
        If the file is cut off, or is no workbook.
    """
    try:
        return _look(_stream(data))
    except (struct.error, IndexError):
        raise NotWhole from None


def _stream(data: bytes) -> bytes:
    """Put the sectors of the workbook's stream together."""
    disk = _Disk(data)
    entries = disk.whole(disk.directory)
    pool = struct.unpack_from("<I", entries, 116)[0]  # the first entry holds the sectors of small streams
    for at in range(0, len(entries) - 127, 128):
        name_length = struct.unpack_from("<H", entries, at + 64)[0]
        name = entries[at : at + max(name_length - 2, 0)].decode("utf-16-le", "replace")
        if name.lower() not in ("workbook", "book"):
            continue
        first, length = struct.unpack_from("<II", entries, at + 116)
        whole = disk.whole(first) if length >= disk.cutoff else disk.small(first, pool)
        if len(whole) < length:
            raise NotWhole
        return whole[:length]
    raise NotWhole


class _Disk:
    """The sectors of a file of the old kind, and the table that says which follows which."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = 1 << struct.unpack_from("<H", data, 30)[0]
        n_tables, self.directory, _, self.cutoff, self.small_table, _, more, n_more = struct.unpack_from(
            "<8I", data, 44
        )
        if self.size not in (512, 4096):
            raise NotWhole
        places = list(struct.unpack_from("<109I", data, 76))
        for _ in range(n_more):
            *further, more = _numbers(self.sector(more))
            places += further
        self.links = [link for place in places[:n_tables] for link in _numbers(self.sector(place))]

    def sector(self, number: int) -> bytes:
        at = (number + 1) * self.size
        if at >= len(self.data):
            raise NotWhole
        return self.data[at : at + self.size]

    def whole(self, first: int) -> bytes:
        return b"".join(self.sector(n) for n in _chain(first, self.links))

    def small(self, first: int, pool: int) -> bytes:
        """Put a stream of 64-byte pieces together."""
        pieces = self.whole(pool)
        links = _numbers(self.whole(self.small_table))
        return b"".join(pieces[n * 64 : n * 64 + 64] for n in _chain(first, links))


def _numbers(block: bytes) -> Sequence[int]:
    return struct.unpack(f"<{len(block) // 4}I", block[: len(block) // 4 * 4])


def _chain(first: int, links: Sequence[int]) -> list[int]:
    found: list[int] = []
    while first < _FREE:
        found.append(first)
        if len(found) > len(links):
            raise NotWhole  # it runs in a circle
        first = links[first]
    return found


def _look(stream: bytes) -> OldBook:
    book = OldBook()
    starts = []
    at = 0
    while True:
        kind, length = _HEAD.unpack_from(stream, at)
        if kind == _FILEPASS:
            book.is_locked = True
            return book
        if kind == _EOF:
            break
        if kind == _BOUNDSHEET:
            starts.append(struct.unpack_from("<I", stream, at + 4)[0])
        elif kind == _DATEMODE:
            book.is_1904 = stream[at + 4] == 1
        at += 4 + length
    book.sheets = [_look_in_sheet(stream, start) for start in starts]
    return book


def _look_in_sheet(stream: bytes, at: int) -> Inside:
    found = Inside()
    depth = n_valued = 0
    unvalued = set()
    unpack = _HEAD.unpack_from
    while True:
        kind, length = unpack(stream, at)
        if kind in _CELLS and stream[at + 7]:  # the upper half of the column: there are 256 columns at most
            raise NotWhole
        if kind == _FORMULA and depth == 1:
            place = _CELL.unpack_from(stream, at + 4)
            result = stream[at + 10 : at + 18]
            kind_of_result = result[0] if result[6:] == b"\xff\xff" else 0  # otherwise it is a number
            if kind_of_result == _EMPTY:
                unvalued.add(place)
            else:
                n_valued += 1
            if kind_of_result == _ERROR:
                found.errors.add(place)
        elif kind == _BOOLERR and depth == 1 and stream[at + 11]:
            found.errors.add(_CELL.unpack_from(stream, at + 4))
        elif kind == _ROW:
            if stream[at + 16] & 0x20:
                found.hidden.add(_CELL.unpack_from(stream, at + 4)[0])
        elif kind == _BOF:
            depth += 1  # charts among the cells are streams of their own
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                break
        at += 4 + length
    found.unvalued = set() if n_valued else unvalued
    return found
