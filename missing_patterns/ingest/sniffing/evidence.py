"""What the cells of a column look like, as evidence of what it is: counts and kinds, never a cell."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from missing_patterns.codebook import fold, read_codebook
from missing_patterns.ingest.cells import values
from missing_patterns.ingest.cells.choices import Choices
from missing_patterns.ingest.cells.stamps import parse_cells, prove_order
from missing_patterns.ingest.opening.grid import Cell, as_text, is_blank, tidy
from missing_patterns.ingest.profiles.fields import DATE_ORDERS, TRIGGER_FIELDS, TableProfile, fields_of
from missing_patterns.ingest.profiles.wordings import own_codebook, phrase_parser
from missing_patterns.ingest.sheet.distinct import distinct

#: Cells that are looked at, from the first row down.
N_LOOKED = 2_000
#: Fewer filled cells than this prove nothing.
FEWEST = 5

_TIME = re.compile(r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\s*(?:[ap]\.?m\.?)?", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,4}(?:\.\d+)?")
_ID = re.compile(r"(?=.*\d)[\w/.:-]{2,24}")
_YES_NO = values.YES | values.NO

#: Kinds of fields and the kind of cells that fits them; others fit any.
_WANTED = {"timestamp": "dates", "date": "dates", "birth": "dates", "time": "times", "count": "numbers", "id": "ids"}
#: Kinds of cells that cannot stand in a field of text, a list or an id.
_STRANGE = {"text": ("dates", "times"), "list": ("dates", "times"), "id": ("dates", "times", "yes or no", "long text")}
_FEW = "few cells"


@dataclass(frozen=True, slots=True)
class Shape:
    """What most cells of a column are, in how many of those that hold something.

    ``kind`` is one of dates, times, numbers, yes or no, ids, long text, words, few cells; ``more`` says more of it.

    Raises
    ------
    Nothing.
    """

    kind: str
    n: int
    n_filled: int
    n_rows: int
    n_distinct: int
    more: str = ""
    is_month_first: bool = False

    @property
    def is_full(self) -> bool:
        """Whether every row that was looked at holds something."""
        return self.n_filled == self.n_rows

    @property
    def words(self) -> str:
        """What it is, in words."""
        return f"{self.n:,} of {self.n_filled:,} cells looked at are {self.kind}{self.more}"


def shape_of(cells: Sequence[Cell]) -> Shape:
    """Say what the first cells of a column look like.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> shape_of(["13/01/2026 21:00", "14/01/2026 22:10", None, "15/01/2026", "16/01/2026", "20/01/2026"]).words
    '5 of 5 cells looked at are dates, day first'
    >>> shape_of(["M1", "M2", "M3", "M4", "M4"]).kind
    'ids'
    """
    looked = cells[:N_LOOKED]
    filled = [c for c in looked if not is_blank(c)]
    n = len(filled)
    found = distinct(filled)
    if n < FEWEST:
        return Shape(_FEW, n, n, len(looked), len(found.cells))
    often = found.counts()
    tests: tuple[tuple[str, float, Callable[[Cell], bool]], ...] = (
        ("times", 0.9, _is_time),
        ("numbers", 0.9, lambda c: not isinstance(c, bool) and _NUMBER.fullmatch(tidy(as_text(c))) is not None),
        ("yes or no", 0.9, lambda c: fold(as_text(c)) in _YES_NO),
        ("ids", 0.9, lambda c: _ID.fullmatch(tidy(as_text(c))) is not None),
        ("long text", 0.5, lambda c: len(as_text(c)) > 60),
    )
    counts = n, len(looked), len(found.cells)
    if dates := _as_dates(found.cells, often, counts):
        return dates
    for kind, least, test in tests:
        hits = int(often[np.array([test(c) for c in found.cells], dtype=bool)].sum())
        if hits >= least * n:
            return Shape(kind, hits, *counts)
    return Shape("words", n, *counts, f", {len(found.cells):,} different")


def _as_dates(cells: Sequence[Cell], often: np.ndarray, counts: tuple[int, int, int]) -> Shape | None:
    """Say what dates they are, if most are: in the order that most fit, day first if both do."""
    best: Shape | None = None
    for order in DATE_ORDERS:
        read = parse_cells(cells, order)
        is_date = ~np.isnat(read.at) & ~read.is_repair("excel_serial")
        hits = int(often[is_date].sum())
        if hits >= 0.8 * counts[0] and (best is None or hits > best.n):
            timed = 2 * int(often[is_date & read.has_time].sum()) > hits
            proven = f", {order.replace('_', ' ')}" if prove_order(read, often).n_declared else ""
            more = (" with times" if timed else "") + proven
            best = Shape("dates", hits, *counts, more, order == "month_first")
    return best


def _is_time(cell: Cell) -> bool:
    return isinstance(cell, dt.time) or (isinstance(cell, str) and _TIME.fullmatch(tidy(cell)) is not None)


def judge(table: TableProfile, name: str, cells: Sequence[Cell], shape: Shape) -> tuple[int, str]:
    """Say whether the cells of a column support that it is a field (1), say nothing (0) or contradict it (-1).

    Returns
    -------
    tuple of int and str
        The verdict, and the evidence in words; nothing if there is none.

    Raises
    ------
    Nothing.
    """
    kind = fields_of(table.becomes).get(name, "")
    if shape.kind == _FEW or not kind:
        return 0, ""
    if name in TRIGGER_FIELDS or kind == "flag" or (kind == "code" and table.codes(name)):
        hits, n = known_cells(table, name, cells)
        words = f"{hits:,} of {n:,} cells looked at are wordings of it"
        if hits >= 0.5 * n:
            return 1, words
        return (-1, words) if shape.kind in ("dates", "times", "long text") else (0, words)
    wanted = _WANTED.get(kind, "")
    if shape.kind == wanted:
        return 1, shape.words
    if wanted in ("dates", "times") or shape.kind in _STRANGE.get(kind, ()):
        return -1, shape.words
    return 0, ""


def known_cells(table: TableProfile, name: str, cells: Sequence[Cell]) -> tuple[int, int]:
    """Count the cells whose wording a field knows, of those looked at that hold something.

    Raises
    ------
    Nothing.
    """
    found = distinct([c for c in cells[:N_LOOKED] if not is_blank(c)])
    parse = parser_of(table, name)
    known = np.array([parse(c)[0] not in (None, ("unmapped",), ()) for c in found.cells], dtype=bool)
    return int(found.counts()[known].sum()) if len(known) else 0, len(found.codes)


def parser_of(table: TableProfile, name: str) -> Callable[[Cell], tuple[Any, str, str]]:
    """Return what reads a cell of a field of codes, yes and no, or triggers.

    Raises
    ------
    Nothing.
    """
    if name in TRIGGER_FIELDS:
        return Choices(own_codebook(read_codebook(), table))
    codes = table.codes(name)
    if name in ("ethnicity", "placement_type"):
        return phrase_parser(codes, values.NOT_RECORDED)
    is_flag = fields_of(table.becomes)[name] == "flag"
    return values.flag_parser(codes) if is_flag else values.code_parser(codes)
