"""The rows of a sheet: which are data, which are not, and which are set aside for their shape."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.cells.dates import EXCEL_SERIAL, parse_one
from missing_patterns.ingest.cells.values import is_error
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.grid import Cell, Grid, as_text, is_blank, tidy
from missing_patterns.ingest.profiles.fields import fields_of
from missing_patterns.ingest.profiles.headers import Match
from missing_patterns.ingest.rules import RULES
from missing_patterns.ingest.sheet.distinct import Distinct, distinct

_FOOTER = re.compile(
    r"(?:(?:grand|sub|overall)[\s-]*)?totals?\b|count\b|number of\b|sum\b|average\b|mean\b"
    r"|end of (?:report|data|extract)|\(?\d[\d,]* (?:rows?|records?|episodes?|incidents?)\b"
    r"|(?:report|extract) (?:run|produced|printed)|printed\b"
    r"|source\s*:|notes?\s*:",
    re.IGNORECASE,
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
#: A first cell that says nothing else, so that a small number beside it is its figure, not an id.
_ALONE = re.compile(
    rf"(?:(?:{_MONTHS})(?:\s+(?:19|20)\d\d)?\s*)?(?:(?:grand|sub|overall)[\s-]*)?(?:totals?|count|sum|average|mean)\s*:?"
    rf"|(?:{_MONTHS})(?:\s+(?:19|20)\d\d)?",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d{1,5}")
#: More rows longer than the header than this, and the header itself is wrong.
MOST_LONG = 0.05


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
    block: np.ndarray | None = field(init=False, default=None)
    known: dict[int, Distinct] = field(init=False, default_factory=dict)
    #: Rows with a spreadsheet's error, by column: what else such a cell is not, need not be told.
    errors: dict[int, np.ndarray] = field(init=False, default_factory=dict)

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

    @property
    def kept(self) -> np.ndarray:
        """Say which rows are not set aside."""
        kept: np.ndarray = self.aside == ""
        return kept

    def has(self, name: str) -> bool:
        """Say whether the sheet has a column for a field."""
        return name in self.match.fields

    def cells(self, name: str) -> list[Cell]:
        """Return the cells of a field, row by row."""
        return list(_column(self.rows, self.block, self.match.fields[name]))

    def distinct(self, name: str) -> Distinct:
        """Return the distinct cells of a field, found once."""
        at = self.match.fields[name]
        found = self.known.get(at)
        if found is None:
            found = self.known[at] = distinct(_column(self.rows, self.block, at))
        return found

    def as_read(self, names: Sequence[str], at: np.ndarray) -> list[str]:
        """Return the cells of some rows as text, of the first of these fields that there is."""
        column = next((self.match.fields[n] for n in names if n in self.match.fields), None)
        if column is None:
            return [""] * len(at)
        rows = [self.rows[i] for i in at.tolist()]
        return [as_text(row[column]) if column < len(row) else "" for row in rows]

    def forget(self) -> None:
        """Let go of what is kept for speed only."""
        self.known.clear()

    def tell(self, where: np.ndarray, rule: str, name: str = "") -> None:
        """Note a rule for some rows."""
        at = self.match.fields.get(name)
        where = where & ~self.shapeless
        if at in self.errors:
            where = where & ~self.errors[at]
        if not where.any():
            return
        self.log.add(
            rule,
            self.grid.file,
            self.grid.sheet,
            lines=self.lines[where],
            column=self.match.headers[at] if at is not None else "",
            position=at if self.grid.is_book else None,
            field=name,
        )
        self.log.show(self, np.flatnonzero(where))

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


def find_rows(grid: Grid, match: Match, log: Log) -> Data:
    """Find the data rows below the header, and set aside those that are cut or too long, or hold an error.

    Raises
    ------
    DataRefused
        If the shape of the sheet cannot be trusted: another header below, merged cells, too many long rows, or a
        quote that swallowed rows.
    """
    first = match.row + match.n_rows
    width = max(i for i, name in enumerate(match.headers) if name) + 1
    below = grid.rows[first:]
    block = _as_block(below)
    every = {at: distinct(_column(below, block, at)) for at in {match.fields[n] for n in match.table.recognise}}
    nothing, totals = _not_data(grid.rows, match, first, every)
    is_data = np.ones(len(grid.rows) - first, dtype=bool)
    is_data[np.array([*nothing, *totals], dtype=np.int64) - first] = False
    lines = np.array(grid.lines, dtype=np.int64)
    index = np.flatnonzero(is_data) + first
    log.add("total_row", grid.file, grid.sheet, lines=lines[totals])
    data = Data(grid, match, log, index, lines[index], _no_rules(len(index)))
    data.block = _as_block(data.rows) if block is None else block if is_data.all() else block[is_data]
    for at, found in every.items():
        data.known[at] = found if is_data.all() else found.take(is_data)
    _check_merged(data)
    _check_spans(data, width)
    if not grid.is_book:
        long = data.widths > width
        for n in np.flatnonzero(long).tolist():
            long[n] = any(not is_blank(c) for c in data.rows[n][width:])
        n_long = int(long.sum())
        if n_long and (n_long == len(index) or (n_long >= 3 and n_long > MOST_LONG * len(index))):
            raise data.refuse(
                "many_long_rows",
                f"{n_long:,} of {len(index):,} rows have more cells than the header",
                "Put quotes round cells that hold the separator, or name every column.",
                int(data.lines[long][0]),
            )
        data.fault(long, "long_row")
        data.fault(data.widths < width, "short_row")
    if grid.too_long:
        data.fault(np.isin(index, list(grid.too_long)), "field_too_long")
    data.shapeless = data.aside != ""
    _check_errors(data)
    return data


def _no_rules(n: int) -> np.ndarray:
    rules = np.empty(n, dtype=object)
    rules[:] = ""
    return rules


def _as_block(rows: Sequence[Sequence[Cell]]) -> np.ndarray | None:
    """Return rows of one width as a block of cells, so that a column is had without another look at every row."""
    widths = set(map(len, rows))
    if len(widths) != 1:
        return None
    width = widths.pop()
    flat = np.fromiter(itertools.chain.from_iterable(rows), dtype=object, count=len(rows) * width)
    return flat.reshape(len(rows), width)


def _column(rows: Sequence[Sequence[Cell]], block: np.ndarray | None, at: int) -> Sequence[Cell] | np.ndarray:
    if block is not None:
        return block[:, at] if at < block.shape[1] else [None] * len(block)
    return [row[at] if at < len(row) else None for row in rows]


def _not_data(
    rows: Sequence[Sequence[Cell]], match: Match, first: int, every: Mapping[int, Distinct]
) -> tuple[list[int], list[int]]:
    """Find the rows that hold nothing or the header again, and those that are a total or a note below the table.

    Only a row with a blank in one of the columns that tell the table can be either, or one that repeats the header.
    """
    at = [match.fields[name] for name in match.table.recognise]
    likely = np.zeros(len(rows) - first, dtype=bool)
    for found in every.values():
        likely |= found.blank()
    fewest = min(every, key=lambda column: len(every[column].cells))
    header = _folded(match.headers[fewest])
    likely |= every[fewest].spread([_folded(c) == header for c in every[fewest].cells], bool)
    nothing, totals = [], []
    for i in (np.flatnonzero(likely) + first).tolist():
        row = rows[i]
        if all(map(is_blank, row)) or _is_header(row, match, at):
            nothing.append(i)
        elif _is_total(row, match, at):
            totals.append(i)
    return nothing, totals


def _folded(cell: Cell) -> str:
    return " ".join(cell.split()).lower() if isinstance(cell, str) else ""


def _is_header(row: Sequence[Cell], match: Match, at: Sequence[int]) -> bool:
    return match.n_rows == 1 and all(i < len(row) and _folded(row[i]) == _folded(match.headers[i]) for i in at)


def _is_total(row: Sequence[Cell], match: Match, at: Sequence[int]) -> bool:
    """Say whether a row is a total, count or note: one that holds a date, or an id beside its first cell, is none."""
    first = next(i for i, cell in enumerate(row) if not is_blank(cell))
    if not isinstance(row[first], str):
        return False
    text = tidy(str(row[first]))
    is_alone = _ALONE.fullmatch(text) is not None
    if not is_alone and not _FOOTER.match(text):
        return False
    there = {
        i
        for i, cell in enumerate(row)
        if i != first and not is_blank(cell) and not (is_alone and _FIGURE.fullmatch(as_text(cell).strip()))
    }
    if there & {*at, match.fields.get("child_id", -1)}:
        return False
    kinds = fields_of(match.table.becomes)
    days = [i for name, i in match.fields.items() if name == "birth_month" or kinds.get(name) in ("timestamp", "date")]
    return not any(i in there and _is_date(row[i]) for i in days)


def _is_date(cell: Cell) -> bool:
    return isinstance(cell, str | dt.date) and (read := parse_one(cell)).is_there and not read.repairs & EXCEL_SERIAL


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
        for inner in _swallowed(data.grid.spans.get(i, []), data.grid.delimiter):
            cells = next(iter(csv.reader([inner.rstrip("\r\n")], delimiter=data.grid.delimiter)), [])
            if len(cells) == width and parse_one(cells[start].strip('"')).is_there:
                raise data.refuse(
                    "stray_quote",
                    "a quotation mark in the row that begins here is not closed, and swallowed the rows after it",
                    "Export it again with quotes doubled, or mend that row.",
                    line,
                )


def _swallowed(lines: Sequence[str], delimiter: str) -> list[str]:
    """Return those of a row's physical lines that a quote may have swallowed whole.

    Where the quote ends in the first cell of the last line, its other cells are the row's own; where it begins the
    first line, that line is what the first cell may have swallowed.
    """
    found = list(lines[1:])
    if found and '"' in found[-1].partition(delimiter)[0]:
        del found[-1]
        found += [lines[0][1:]] if lines[0].startswith('"') else []
    return found


def _check_errors(data: Data) -> None:
    """Set aside rows with a spreadsheet's error in a column that is used."""
    by_column: dict[int, list[int]] = {}
    for row, column in data.grid.error_cells:
        by_column.setdefault(column, []).append(row)
    for name, at in data.match.fields.items():
        if name.startswith("_"):
            continue
        found = data.distinct(name)
        odd = [n for n, c in enumerate(found.cells) if c.__class__ is str and "#" in c and is_error(c)]
        if not odd and at not in by_column:
            continue
        bad = np.isin(found.codes, odd)
        bad |= np.isin(data.index, by_column.get(at, []))
        if at not in data.errors:
            data.fault(bad, "error_cell", name)
            data.errors[at] = bad
