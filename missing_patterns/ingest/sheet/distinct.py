"""The distinct cells of a column: each is looked at once, however many rows hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.ingest.opening.grid import LONGEST_BLANK, Cell, is_blank


@dataclass(slots=True, repr=False)
class Distinct:
    """The distinct cells of a column, and for each row which one it holds.

    Parameters
    ----------
    codes : array of int64
        Position in ``cells``, one per row.
    cells : list of cells
        Each once, in order of first appearance; 1, 1.0, True and "1" are four.

    Raises
    ------
    Nothing.
    """

    codes: np.ndarray
    cells: list[Cell]
    _blank: np.ndarray | None = field(init=False, default=None)

    def __repr__(self) -> str:
        return f"Distinct: {len(self.cells)} in {len(self.codes)} rows"

    def spread(self, each: Sequence[Any] | np.ndarray, dtype: Any = None) -> np.ndarray:
        """Return one item per row, given one per distinct cell; without ``dtype``, items are kept as objects.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> distinct(["b", "a", "b"]).spread([("x", "y"), ()]).tolist()
        [('x', 'y'), (), ('x', 'y')]
        """
        if isinstance(each, np.ndarray):
            items: np.ndarray = each
        elif dtype is None:
            items = np.fromiter(each, dtype=object, count=len(each))  # keeps tuples whole
        else:
            items = np.array(each, dtype=dtype)
        spread: np.ndarray = items[self.codes]
        return spread

    def counts(self) -> np.ndarray:
        """Return how many rows hold each distinct cell.

        Raises
        ------
        Nothing.
        """
        return np.bincount(self.codes, minlength=len(self.cells))

    def blank(self) -> np.ndarray:
        """Say which rows hold a blank, whatever the column.

        Raises
        ------
        Nothing.
        """
        if self._blank is None:
            # Longer text without space at its ends is none, which spares most cells a call.
            short = [
                n
                for n, c in enumerate(self.cells)
                if c.__class__ is not str or len(c) <= LONGEST_BLANK or c[0] <= " " or c[-1] <= " " or not c.isascii()
            ]
            blank = np.zeros(len(self.cells), dtype=bool)
            blank[[n for n in short if is_blank(self.cells[n])]] = True
            self._blank = blank[self.codes]
        return self._blank

    def take(self, rows: np.ndarray) -> Distinct:
        """Return the distinct cells of some of the rows.

        Raises
        ------
        Nothing.
        """
        codes, used = pd.factorize(self.codes[rows])
        return Distinct(codes.astype(np.int64), [self.cells[i] for i in used.tolist()])


def distinct(cells: Sequence[Cell] | np.ndarray) -> Distinct:
    """Find the distinct cells; cells of different types are never one.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> found = distinct([1, 1.0, True, "1", 1, None])
    >>> found.codes, found.cells
    (array([0, 1, 2, 3, 0, 4]), [1, 1.0, True, '1', None])
    """
    if set(map(type, cells)) <= {str, type(None)}:
        # A blank at the end keeps pandas from comparing text as C strings, which end at a NUL.
        objects = np.empty(len(cells) + 1, dtype=object)
        objects[:-1] = cells
        codes, found = pd.factorize(objects)
        codes = codes[:-1].astype(np.int64)
        blank = codes < 0
        if not blank.any():
            return Distinct(codes, found.tolist())
        codes[blank] = len(found)
        return Distinct(codes, [*found.tolist(), None])
    keys = list(zip(map(type, cells), cells, strict=True))
    known = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    codes = np.fromiter(map(known.__getitem__, keys), dtype=np.int64, count=len(keys))
    return Distinct(codes, [cell for _, cell in known])
