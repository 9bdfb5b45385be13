"""Wordings of a file that no list knows: those that are surely an option of a form are shown, others only counted.

A wording that few rows hold may be a child's story or a name. One is shown only if it stands in enough rows of enough
children, is short, and holds no digit and no capital where a name may stand; and never of fields in which people or
places are named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from missing_patterns.codebook import fold
from missing_patterns.ingest.opening.grid import Cell, as_text, is_blank
from missing_patterns.ingest.profiles.fields import TRIGGER_FIELDS, TableProfile, fields_of
from missing_patterns.ingest.sheet.distinct import Distinct, distinct
from missing_patterns.ingest.sniffing.evidence import parser_of

#: A wording is shown if it stands in this many rows, of this many children, and is no longer than this.
FEWEST_ROWS, FEWEST_CHILDREN, LONGEST = 5, 3, 60
#: Fields whose wordings are options of a form; in others, such as who interviewed or where, names are written.
SHOWN = (
    *TRIGGER_FIELDS,
    *("status", "category", "rhi_offered", "rhi_accepted", "rhi_offered_last", "rhi_accepted_last", "risk_level"),
    *("care_status", "mode", "harm"),
)


_WORD = re.compile(r"[^\W\d_]+")
#: Words that forms write in capitals.
ABBREVIATIONS = frozenset(
    "CSE CCE CE RHI YP SW IRO MFH LAC CLA CIC EDT EHE NRM MASH CAMHS LA UASC AWOL NFA A M N Y".split()
)


def may_name(text: str) -> bool:
    """Say whether a wording has a capital where a name may stand: behind its first word, or behind "by".

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> [may_name(t) for t in ("Refused by YP", "Refused by Zeb", "Gone to Leah", "OFFERED AND HELD", "At risk of CSE")]
    [False, True, True, False, False]
    """
    words = _WORD.findall(text)
    if text.isupper():
        return "BY" in words and words[-1] != "BY" and words[words.index("BY") + 1] not in ABBREVIATIONS
    return any(w[:1].isupper() and w not in ABBREVIATIONS for w in words[1:])


@dataclass(frozen=True, slots=True, repr=False)
class Unmapped:
    """Wordings of one column that no list knows.

    Parameters
    ----------
    header, field : str
        The column, and the field that it is taken for.
    labels : tuple of (str, int)
        Wordings that may be shown, each with the number of rows that hold it, most first.
    n_hidden : int
        How many more there are.

    Raises
    ------
    Nothing.
    """

    header: str
    field: str
    labels: tuple[tuple[str, int], ...]
    n_hidden: int

    def __repr__(self) -> str:
        return f"Unmapped: {len(self.labels)} wordings shown, {self.n_hidden} not"

    @property
    def hidden_in_words(self) -> str:
        """How many are not shown, and why."""
        more = "more " if self.labels else ""
        n = f"{self.n_hidden:,} {more}wording{'' if self.n_hidden == 1 else 's'} not known"
        if self.field not in SHOWN:
            return f"{n} and not shown, since names may stand here"
        return (
            f"{n} and not shown: in fewer than {FEWEST_ROWS} rows, of fewer than {FEWEST_CHILDREN} children, with a "
            f"digit, longer than {LONGEST} characters, or with a capital inside, where a name may stand"
        )


def find_unmapped(
    rows: Sequence[Sequence[Cell]], table: TableProfile, columns: Mapping[str, tuple[int, str]]
) -> tuple[Unmapped, ...]:
    """Find the wordings that the table's lists do not know.

    Parameters
    ----------
    rows : sequence of rows
        Those below the header.
    table : TableProfile
        Whose lists.
    columns : mapping of field to (position, header)
        Where each field stands.

    Raises
    ------
    Nothing.
    """
    kinds = fields_of(table.becomes)
    wanted = [n for n in columns if n in TRIGGER_FIELDS or kinds.get(n) in ("code", "flag")]
    child = _column(rows, columns["child_id"][0]) if "child_id" in columns else None
    told = []
    for name in wanted:
        if name == "legal_status" or name in table.defaults:
            continue
        at, header = columns[name]
        found = distinct(_column(rows, at))
        labels = _unknown(found, parser_of(table, name), is_list=name in TRIGGER_FIELDS)
        if labels:
            told.append(_sort(name, header, labels, found.codes, child))
    return tuple(told)


def _column(rows: Sequence[Sequence[Cell]], at: int) -> list[Cell]:
    if at < min(map(len, rows), default=0):
        return list(map(itemgetter(at), rows))
    return [row[at] if at < len(row) else None for row in rows]


def _unknown(
    found: Distinct, parse: Callable[[Cell], tuple[Any, str, str]], *, is_list: bool
) -> dict[str, tuple[str, list[int]]]:
    """Return each unknown wording by its folded form, as first written, with the distinct cells that hold it."""
    labels: dict[str, tuple[str, list[int]]] = {}
    for i, cell in enumerate(found.cells):
        if is_blank(cell):
            continue
        for text in _pieces(cell, parse) if is_list else [as_text(cell)]:
            value, *told = parse(text)
            is_known = "unmapped" not in (value or ()) if is_list else value is not None or not any(told)
            if not is_known:
                labels.setdefault(fold(text), (" ".join(text.split()), []))[1].append(i)
    return labels


def _pieces(cell: Cell, parse: Callable[[Cell], tuple[Any, str, str]]) -> list[str]:
    """Take a cell of choices apart as far as the unknown ones stand alone."""
    pieces: list[str] = []
    for part in re.split(r"[;|\r\n\t]+", as_text(cell)):
        if "unmapped" not in (parse(part)[0] or ()):
            continue
        smaller = [p for p in re.split(r"\s*[,/]\s*", part) if parse(p)[0] == ("unmapped",)]
        pieces += smaller or [part]
    return pieces


def _sort(
    name: str,
    header: str,
    labels: Mapping[str, tuple[str, list[int]]],
    codes: np.ndarray,
    child: list[Cell] | None,
) -> Unmapped:
    shown = []
    for text, cells in labels.values():
        at = np.flatnonzero(np.isin(codes, cells))
        children = set() if child is None else {fold(as_text(child[i])) for i in at.tolist()} - {""}
        is_option = len(text) <= LONGEST and not any(c.isdigit() for c in text) and text.isprintable()
        is_option = is_option and not may_name(text)
        if name in SHOWN and is_option and len(at) >= FEWEST_ROWS and len(children) >= FEWEST_CHILDREN:
            shown.append((text, len(at)))
    ordered = sorted(shown, key=lambda pair: (-pair[1], pair[0]))
    return Unmapped(header, name, tuple(ordered), len(labels) - len(shown))
