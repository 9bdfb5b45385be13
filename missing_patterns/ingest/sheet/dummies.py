"""Rows that are no child: test records, told by their id or by a name in a column that is not read otherwise."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from missing_patterns.codebook import fold
from missing_patterns.ingest.cells.values import are_plain_ids
from missing_patterns.ingest.opening.grid import Cell, as_text
from missing_patterns.ingest.sheet.rows import Data

#: Columns of ids in which a test record shows.
_IDS = ("child_id", "nominal_id")
_NOT_LETTERS = re.compile(r"[^a-z]+")
#: Columns that a profile recognises, so that nobody takes them for something else, and leaves unread.
_NAME = re.compile(r"_(?:child_|full_)?(?:name|forename|firstname|first_name|surname|lastname|last_name)s?(?:_.*)?")
_FIRST, _LAST = re.compile(r"_fore|_first"), re.compile(r"_sur|_last")


@dataclass(frozen=True, slots=True, repr=False)
class Marks:
    """Ids and names of test records: letters only, in small letters.

    Raises
    ------
    Nothing.
    """

    ids: frozenset[str]
    names: frozenset[str]
    alone: frozenset[str]

    def __repr__(self) -> str:
        return f"Marks: {len(self.ids)} ids, {len(self.names)} names"

    def is_id(self, cell: Cell) -> bool:
        """Say whether an id is that of a test record.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> [read_marks().is_id(cell) for cell in ("TEST01", "c_Donald-Duck 2", "TESTER", "MISS-0001")]
        [True, True, False, False]
        """
        letters = _letters(cell)
        return len(letters) > 3 and (letters in self.ids or any(name in letters for name in self.names))

    def is_name(self, cell: Cell) -> bool:
        """Say whether a name is that of a test record.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> [read_marks().is_name(cell) for cell in ("MOUSE, Mickey", "Test", "Donald Ducker")]
        [True, True, False]
        """
        letters = _letters(cell)
        return letters in self.alone or letters in self.names


@cache
def read_marks() -> Marks:
    """Return the list of test records that ships with the library.

    Raises
    ------
    Nothing.
    """
    path = resources.files("missing_patterns") / "codebooks" / "test_records.toml"
    given = tomllib.loads(path.read_text(encoding="utf-8"))
    both = [name.split() for name in given["names"]]
    names = {"".join(words) for words in both} | {"".join(words[::-1]) for words in both}
    return Marks(frozenset(given["ids"]), frozenset(names), frozenset(given["alone"]))


def _letters(cell: Cell) -> str:
    return _NOT_LETTERS.sub("", fold(as_text(cell)))


def set_tests_aside(data: Data) -> None:
    """Set aside the rows of test records.

    Raises
    ------
    Nothing.
    """
    marks = read_marks()
    for name in _IDS:
        if data.has(name):
            found = data.distinct(name)
            odd = np.flatnonzero(~are_plain_ids(found.cells)).tolist()
            where = np.zeros(len(found.cells), dtype=bool)
            where[[i for i in odd if marks.is_id(found.cells[i])]] = True
            _aside(data, name, where[found.codes] if where.any() else None)
    columns = [name for name in data.match.fields if _NAME.fullmatch(name)]
    for name in columns:
        found = data.distinct(name)
        where = np.array([marks.is_name(cell) for cell in found.cells], dtype=bool)
        _aside(data, name, where[found.codes] if where.any() else None)
    first = next((name for name in columns if _FIRST.match(name)), None)
    last = next((name for name in columns if _LAST.match(name)), None)
    if first and last:
        _aside(data, last, _are_both(data, first, last, marks))


def _are_both(data: Data, first: str, last: str, marks: Marks) -> np.ndarray | None:
    """Say which rows have the name of a test record in two columns, looking only where both may be part of one."""
    one, two = data.distinct(first), data.distinct(last)
    where: np.ndarray = _may_be(one.cells, marks)[one.codes] & _may_be(two.cells, marks)[two.codes]
    for i in np.flatnonzero(where).tolist():
        where[i] = _letters(one.cells[one.codes[i]]) + _letters(two.cells[two.codes[i]]) in marks.names
    return where


def _may_be(cells: Sequence[Cell], marks: Marks) -> np.ndarray:
    found = [
        len(word := _letters(c)) > 1 and any(n.startswith(word) or n.endswith(word) for n in marks.names) for c in cells
    ]
    return np.array(found, dtype=bool)


def _aside(data: Data, name: str, where: np.ndarray | None) -> None:
    if where is not None and (where := where & data.kept).any():
        data.fault(where, "test_record", name)
