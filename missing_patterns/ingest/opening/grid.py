"""A sheet as read: rows of cells with the physical line that each begins on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | float | int | bool | dt.datetime | dt.date | dt.time | dt.timedelta | None

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

#: Cells that say nothing at all, whatever the column.
BLANKS = frozenset({"", "null", "(null)", "(blank)", "<na>", "nan", "nat", "-", "--", "\u2013", "\u2014"})
LONGEST_BLANK = max(map(len, BLANKS))


@dataclass(slots=True, repr=False)
class Grid:
    """One sheet of one file.

    Parameters
    ----------
    file, sheet : str
        Names, for messages.
    rows : list of sequences of cells
        As read, blank rows too.
    lines : sequence of int
        Physical line or row on which each begins, counted from 1.
    is_book : bool
        Whether cells have addresses such as F17.
    merged : list of (first_row, first_column, last_row, last_column)
        Merged ranges, counted from 0.
    error_cells : set of (row, column)
        Cells that hold a spreadsheet error, counted from 0.
    too_long : set of int
        Positions in ``rows`` that hold a cell beyond the limit.
    delimiter : str
        Of a text file; empty for a workbook.
    spans : dict
        For a row that runs over several physical lines, those lines as text.
    written_at : datetime or None
        When the file was written, naive London time: what it holds cannot lie after that. None = not known.
    is_plain : bool
        Whether every cell is known to be text of ASCII alone, so that nothing can be garbled.

    Raises
    ------
    Nothing.
    """

    file: str
    sheet: str
    rows: list[Sequence[Cell]]
    lines: Sequence[int]
    is_book: bool = False
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    error_cells: set[tuple[int, int]] = field(default_factory=set)
    too_long: set[int] = field(default_factory=set)
    delimiter: str = ""
    spans: dict[int, list[str]] = field(default_factory=dict)
    written_at: dt.datetime | None = None
    is_plain: bool = False

    def __repr__(self) -> str:
        return f"Grid: {len(self.rows)} rows"


def tidy(text: str) -> str:
    """Take out what cannot be seen: zero-width and direction marks, and space at the ends.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> tidy("\\u200b C12\\u00a0 ")
    'C12'
    """
    return (_INVISIBLE.sub("", text) if not text.isascii() else text).strip().strip("\u00a0").strip()


def is_blank(cell: Cell) -> bool:
    """Say whether a cell holds nothing.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> is_blank(" NULL "), is_blank(0), is_blank("None")
    (True, False, False)
    """
    if cell is None:
        return True
    if isinstance(cell, str):
        if len(cell) > LONGEST_BLANK and cell.isascii() and cell[0] > " " and cell[-1] > " ":
            return False  # nothing to take off at the ends, so it is too long: most cells, and fast
        return not cell or tidy(cell).lower() in BLANKS
    return isinstance(cell, float) and cell != cell  # noqa: PLR0124  # NaN is the number that differs from itself


def as_text(cell: Cell) -> str:
    """Return a cell as text, whole numbers without a decimal point.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> as_text(12.0), as_text(None), as_text(True)
    ('12', '', 'TRUE')
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, dt.datetime | dt.date | dt.time) else str(cell)
