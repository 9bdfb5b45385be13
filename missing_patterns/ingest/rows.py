"""The rows of a sheet: which are data, which are not, and which are set aside for their shape."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.dates import parse_one
from missing_patterns.ingest.grid import Cell, Grid, as_text, is_blank, tidy
from missing_patterns.ingest.headers import Match
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.rules import RULES
from missing_patterns.ingest.values import is_error

_FOOTER = re.compile(
    r"(?:(?:grand|sub|overall)[\s-]*)?totals?\b|count\b|number of\b|sum\b|average\b|mean\b"
    r"|end of (?:report|data|extract)|\(?\d[\d,]* (?:rows?|records?|episodes?|incidents?)\b"
    r"|(?:report|extract) (?:run|produced|printed)|printed\b"
    r"|source\s*:|notes?\s*:",
    re.IGNORECASE,
)
#: More rows longer than the header than this, and the header itself is wrong.
MOST_LONG = 0.05


@dataclass(frozen=True, slots=True, repr=False)
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


def distinct(cells: Sequence[Cell]) -> Distinct:
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


@dataclass(slots=True, repr=False)
class Data:
    """The data rows of one sheet, with what has been set aside so far.

    Parameters
    ----------
    grid, match, log
        The sheet as read, its header, and where problems go.
    index : array of int
        Positions of the data rows in the grid.
    lines : array of int
        Their physical lines.
    aside : array of str
        Rule for which each row is set aside, or "".

    Raises
    ------
    Nothing.
    """

    grid: Grid
    match: Match
    log: Log
    index: np.ndarray
    lines: np.ndarray
    aside: np.ndarray
    shapeless: np.ndarray = field(init=False)
    rows: list[Sequence[Cell]] = field(init=False)
    widths: np.ndarray = field(init=False)
    _distinct: dict[int, Distinct] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.shapeless = np.zeros(len(self.index), dtype=bool)
        every, n = self.grid.rows, len(self.index)
        is_run = n > 0 and int(self.index[-1]) - int(self.index[0]) == n - 1
        self.rows = every[self.index[0] : self.index[-1] + 1] if is_run else [every[i] for i in self.index.tolist()]
        self.widths = np.fromiter(map(len, self.rows), dtype=np.int64, count=n)

    def __repr__(self) -> str:
        return f"Data: {len(self.index)} rows, {int((self.aside != '').sum())} set aside"

    def __len__(self) -> int:
        return len(self.index)

    def has(self, name: str) -> bool:
        """Say whether the sheet has a column for a field."""
        return name in self.match.fields

    def cells(self, name: str) -> list[Cell]:
        """Return the cells of a field, row by row."""
        at = self.match.fields[name]
        if not len(self):
            return []
        if at < self.widths.min():
            return list(map(itemgetter(at), self.rows))
        return [row[at] if at < len(row) else None for row in self.rows]

    def distinct(self, name: str) -> Distinct:
        """Return the distinct cells of a field, found once."""
        at = self.match.fields[name]
        found = self._distinct.get(at)
        if found is None:
            found = self._distinct[at] = distinct(self.cells(name))
        return found

    def forget(self) -> None:
        """Let go of what is kept for speed only."""
        self._distinct.clear()

    def tell(self, where: np.ndarray, rule: str, name: str = "") -> None:
        """Note a rule for some rows."""
        at = self.match.fields.get(name)
        self.log.add(
            rule,
            self.grid.file,
            self.grid.sheet,
            lines=self.lines[where & ~self.shapeless].tolist(),
            column=self.match.headers[at] if at is not None else "",
            position=at if self.grid.is_book else None,
            field=name,
        )

    def tell_column(self, rule: str, name: str, detail: str) -> None:
        """Note a rule for a whole column."""
        at = self.match.fields.get(name)
        column = self.match.headers[at] if at is not None else ""
        self.log.add(rule, self.grid.file, self.grid.sheet, column=column, detail=detail, field=name)

    def fault(self, where: np.ndarray, rule: str, name: str = "") -> None:
        """Set rows aside for a rule; the first rule that a row breaks is the one that stands."""
        self.tell(where, rule, name)
        self.aside[where & (self.aside == "")] = RULES[rule].code_of(name)

    def refuse(self, rule: str, why: str, fix: str, line: int | None = None) -> DataRefused:
        """Word a refusal of this sheet."""
        return DataRefused.of_file(self.grid.file, why, fix, sheet=self.grid.sheet, line=line, rule=RULES[rule].code)


def find_rows(grid: Grid, match: Match, log: Log, seen: set[tuple[Cell, ...]]) -> Data:
    """Find the data rows below the header, and set aside those that are cut, too long, or there already.

    ``seen`` holds the rows of earlier files of the same table, and is added to.

    Raises
    ------
    DataRefused
        If the shape of the sheet cannot be trusted: another header below, merged cells, too many long rows, or a
        quote that swallowed rows.
    """
    first = match.row + match.n_rows
    width = max(i for i, name in enumerate(match.headers) if name) + 1
    index = [i for i in range(first, len(grid.rows)) if not _is_not_data(grid.rows[i], match)]
    lines = np.array([grid.lines[i] for i in index], dtype=np.int64)
    data = Data(grid, match, log, np.array(index, dtype=np.int64), lines, np.full(len(index), "", dtype=object))
    _check_merged(data)
    _check_spans(data, width)
    long = np.array([any(not is_blank(c) for c in grid.rows[i][width:]) for i in index], dtype=bool)
    if not grid.is_book:
        n_long = int(long.sum())
        if n_long and (n_long == len(index) or (n_long >= 3 and n_long > MOST_LONG * len(index))):
            raise data.refuse(
                "many_long_rows",
                f"{n_long:,} of {len(index):,} rows have more cells than the header",
                "Put quotes round cells that hold the separator, or name every column.",
                int(lines[long][0]),
            )
        data.fault(long, "long_row")
        data.fault(np.array([len(grid.rows[i]) < width for i in index], dtype=bool), "short_row")
    data.fault(np.array([i in grid.too_long for i in index], dtype=bool), "field_too_long")
    data.shapeless = data.aside != ""
    _check_errors(data)
    _check_duplicates(data, seen)
    return data


def _is_not_data(row: Sequence[Cell], match: Match) -> bool:
    if all(is_blank(cell) for cell in row):
        return True
    at = [match.fields[name] for name in match.table.recognise]
    cells = [row[i] if i < len(row) else None for i in at]
    if match.n_rows == 1 and all(
        isinstance(c, str) and " ".join(c.split()).lower() == match.headers[i].lower()
        for c, i in zip(cells, at, strict=True)
    ):
        return True
    first = next(i for i, cell in enumerate(row) if not is_blank(cell))
    if not any(is_blank(c) for c, i in zip(cells, at, strict=True) if i != first):
        return False
    return isinstance(text := row[first], str) and _FOOTER.match(tidy(text)) is not None


def _check_merged(data: Data) -> None:
    rows = set(data.index.tolist())
    merged = [a for a, _, c, _ in data.grid.merged if any(i in rows for i in range(a, c + 1))]
    if merged:
        raise data.refuse(
            "merged_cells",
            f"cells are merged in {len(merged)} place{'s' if len(merged) > 1 else ''} among the rows",
            "Unmerge them and fill each cell.",
            min(merged) + 1,
        )


def _check_spans(data: Data, width: int) -> None:
    """Refuse a row that holds, inside a quoted cell, a physical line that looks like a row of its own."""
    fields = data.match.fields
    start = next((fields[n] for n in ("missing_from", "started_on", "birth_month") if n in fields), None)
    if start is None or not data.grid.spans:
        return
    for i, line in zip(data.index.tolist(), data.lines.tolist(), strict=True):
        for inner in data.grid.spans.get(i, [])[1:]:
            cells = next(iter(csv.reader([inner.rstrip("\r\n")], delimiter=data.grid.delimiter)), [])
            if len(cells) == width and parse_one(cells[start].strip('"')).is_there:
                raise data.refuse(
                    "stray_quote",
                    "a quotation mark in the row that begins here is not closed, and swallowed the rows after it",
                    "Export it again with quotes doubled, or mend that row.",
                    line,
                )


def _check_errors(data: Data) -> None:
    positions = {i: n for n, i in enumerate(data.index.tolist())}
    for name, at in data.match.fields.items():
        if name.startswith("_"):
            continue
        bad = np.zeros(len(data), dtype=bool)
        for row, column in data.grid.error_cells:
            if column == at and row in positions:
                bad[positions[row]] = True
        cells = data.cells(name)
        bad |= np.fromiter((is_error(c) for c in cells), bool, len(cells))
        data.fault(bad, "error_cell", name)


def _check_duplicates(data: Data, seen: set[tuple[Cell, ...]]) -> None:
    """Set aside rows that say exactly what an earlier row says.

    Where a source knows no times and no reference, two absences on one day are written by two equal rows: those are
    kept, and told. Two equal rows that span a night cannot both be true.
    """
    can_repeat = data.match.table.defaults.get("precision") == "day" and not data.has("incident_id")
    can_repeat = can_repeat and data.has("missing_from") and data.has("returned_at")
    again = np.zeros(len(data), dtype=bool)
    same_day = np.zeros(len(data), dtype=bool)
    here: set[tuple[Cell, ...]] = set()
    for n, i in enumerate(data.index.tolist()):
        row = tuple(data.grid.rows[i])
        if can_repeat and row in here and row not in seen:
            start, end = (as_text(row[data.match.fields[f]]).strip() for f in ("missing_from", "returned_at"))
            same_day[n] = bool(start) and start == end
        again[n] = row in here or row in seen
        here.add(row)
    seen |= here
    data.tell(same_day, "same_day_again")
    data.fault(again & ~same_day, "duplicate_row")
