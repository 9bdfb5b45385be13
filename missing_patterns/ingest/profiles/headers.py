"""Finding the header: the row whose names fit a profile, below any title rows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.log import column_letters
from missing_patterns.ingest.opening.grid import Cell, is_blank
from missing_patterns.ingest.profiles.fields import TableProfile, fields_of, head
from missing_patterns.ingest.profiles.profile import built_in, read_profile
from missing_patterns.ingest.rules import RULES

#: A header further down than this is not looked for.
DEEPEST = 40
#: Text longer than this is no header.
LONGEST = 300
#: How much of a header is shown in a message; one that holds a long number may be an id, and is not shown at all.
LONGEST_SHOWN = 60
_LONG_NUMBER = re.compile(r"\d{3}")
#: Places from here on are those of patterns, after all headers that are known as they stand.
_PATTERNS_FROM = 1_000


@dataclass(frozen=True, slots=True, repr=False)
class Match:
    """A table profile, the rows that hold the header, and the column of each field.

    Raises
    ------
    Nothing.
    """

    table: TableProfile
    row: int
    n_rows: int
    headers: list[str]
    fields: dict[str, int]
    doubled: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Match: {self.table.profile}.{self.table.name}, {len(self.fields)} fields"

    @property
    def unused(self) -> list[int]:
        """Columns with a header that no field took."""
        taken = set(self.fields.values())
        return [i for i, h in enumerate(self.headers) if h and i not in taken]

    @property
    def unused_names(self) -> str:
        """Their names, where a name can be shown, else their letter: ``Hair colour, column F``."""
        return ", ".join(safe_name(self.headers[i]) or f"column {column_letters(i)}" for i in self.unused)


def safe_name(header: str) -> str:
    """Return a header as a message may show it: not too long, and nothing if it may be a datum.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> safe_name("Hair colour"), safe_name("NHS 9434765919")
    ('Hair colour', '')
    """
    return "" if _LONG_NUMBER.search(header) else header[:LONGEST_SHOWN]


def match_tables(rows: Sequence[Sequence[Cell]], tables: Iterable[TableProfile]) -> list[Match]:
    """Return the best match of each table that fits, best first: most fields, then most that it is told by.

    Raises
    ------
    Nothing.
    """
    top = [_named(row) for row in rows[: DEEPEST + 1]]
    pairs = [(_named(_joined(upper.names, lower.names)), lower) for upper, lower in itertools.pairwise(top)]
    found = []
    for table in tables:
        matches = [m for i, names in enumerate(top[:DEEPEST]) if (m := _match_row(table, names, i))]
        whole = {m.row for m in matches}  # below a header that needs no second row stand data
        two = [(i, pair) for i, pair in enumerate(pairs) if i not in whole]
        matches += [m for i, (names, under) in two if (m := _match_row(table, names, i, 2, under=under))]
        if matches:
            found.append(max(matches, key=lambda m: (len(m.fields), -m.n_rows, -m.row)))
    return sorted(found, key=_fitness, reverse=True)


def _fitness(match: Match) -> tuple[int, int]:
    """Most fields, then most fields that the table is told by: of two that fit, the one that asks for more."""
    return len(match.fields), len(match.table.recognise)


def nearest(rows: Sequence[Sequence[Cell]], tables: Iterable[TableProfile]) -> Match | None:
    """Return the table that most headers of one row fit, though some that it needs are absent; None if none fits.

    Raises
    ------
    Nothing.
    """
    top = [_named(row) for row in rows[:DEEPEST]]
    best: Match | None = None
    for table in tables:
        for i, names in enumerate(top):
            found = _match_row(table, names, i, strict=False)
            if found and _nearness(found)[0] and (best is None or _nearness(found) > _nearness(best)):
                best = found
    return best


def _nearness(match: Match) -> tuple[int, int]:
    """Most fields that are read or tell the table, then fewest absent of those that a table is told by."""
    table = match.table
    return (
        sum(name[:1] != "_" or name in table.recognise for name in match.fields),
        -sum(name not in match.fields for name in table.recognise),
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """One row as names, as they stand and folded; cells that are not text are no names."""

    names: list[str]
    folded: list[str]


def _named(row: Sequence[Cell]) -> _Named:
    names = [" ".join(c.split()) if isinstance(c, str) and not is_blank(c) else "" for c in row]
    return _Named(names, [head(n) if n and len(n) < LONGEST else "" for n in names])


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """Join a header of two rows; a name in the upper row stands for the blanks to its right, as merged cells do."""
    width = max(len(upper), len(lower))
    names, over = [], ""
    for i in range(width):
        over = (upper[i] if i < len(upper) else "") or over
        under = lower[i] if i < len(lower) else ""
        alone = upper[i] if i < len(upper) else ""
        names.append(f"{over} {under}".strip() if under else alone)
    return names


def _match_row(
    table: TableProfile,
    row: _Named,
    at: int,
    n_rows: int = 1,
    *,
    strict: bool = True,
    under: _Named | None = None,
) -> Match | None:
    """Match one row; or two joined, of which ``under`` is the lower, whose names may be known alone."""
    if sum(bool(name) for name in row.names) < 2:
        return None
    chosen: dict[str, tuple[int, int]] = {}
    doubled = []
    for i in range(len(row.names)):
        found = _find(table, row, i) if under is None else _find_joined(table, row, under, i)
        if found is None:
            continue
        taken = chosen.get(found[0])
        is_read = not found[0].startswith("_")
        if is_read and taken is not None and (taken[0] < _PATTERNS_FROM) == (found[1] < _PATTERNS_FROM):
            doubled.append(found[0])
        if taken is None or found[1] < taken[0]:
            chosen[found[0]] = (found[1], i)
    if (strict and any(name not in chosen for name in table.recognise)) or (under is not None and doubled):
        return None  # two groups that both have, say, a start date: which is meant cannot be told
    return Match(table, at, n_rows, row.names, {name: i for name, (_, i) in chosen.items()}, doubled)


def _find(table: TableProfile, row: _Named, i: int) -> tuple[str, int] | None:
    return (row.names[i], -1) if row.names[i] in table.exact else table.find(row.folded[i])


def _find_joined(table: TableProfile, row: _Named, under: _Named, i: int) -> tuple[str, int] | None:
    """Find a column of two rows by both its names, else by the lower; patterns look at the lower alone.

    A title above the header spreads over all columns as a merged cell does, so a pattern would find its words in each.
    """
    known = table.aliases.get(row.folded[i])
    return known if known is not None or i >= len(under.names) else _find(table, under, i)


def choose(
    matches: Sequence[Match],
    file: str,
    sheet: str,
    rows: Sequence[Sequence[Cell]] = (),
    lines: Sequence[int] = (),
) -> Match:
    """Choose the best match; two profiles that fit equally well are for the caller to tell apart.

    Parameters
    ----------
    matches : sequence of Match
        As ``match_tables`` gives them.
    file, sheet : str
        Names, for messages.
    rows : sequence of rows, optional
        The whole sheet, to look for a second table in it.
    lines : sequence of int, optional
        Physical line of each row.

    Raises
    ------
    DataRefused
        If two profiles fit equally well, the header names a column twice, or a second table stands above or below.
    """
    best = matches[0]
    line = lines[best.row] if lines else best.row + 1
    equals = [m for m in matches[1:] if _fitness(m) == _fitness(best)]
    if equals:
        names = ", ".join(sorted({f"{m.table.profile} ({m.table.name})" for m in [best, *equals]}))
        why, code = f"it fits more than one profile: {names}", RULES["two_profiles"].code
        raise DataRefused.of_file(file, why, "Name one with profile=.", sheet=sheet, rule=code)
    folded = [head(h) for h in best.headers]
    places: dict[str, list[int]] = {}
    for i, name in enumerate(folded):
        if name:
            places.setdefault(name, []).append(i)
    twice = {name: at for name, at in places.items() if len(at) > 1}
    if twice:
        told = [safe_name(name) or " and ".join(map(column_letters, twice[name])) for name in sorted(twice)]
        raise DataRefused.of_file(
            file,
            f"the header names {len(twice)} column{'s' if len(twice) > 1 else ''} twice ({', '.join(told)})",
            "Rename or delete one of each.",
            sheet=sheet,
            line=line,
            rule=RULES["columns_twice"].code,
        )
    second = _second_table(best, rows)
    if second is not None:
        raise DataRefused.of_file(
            file,
            f"another header, with other columns than the one in line {line}, begins a second table here",
            "Put each table on a sheet or in a file of its own.",
            sheet=sheet,
            line=lines[second] if lines else second + 1,
            rule=RULES["two_tables"].code,
        )
    return best


def _second_table(best: Match, rows: Sequence[Sequence[Cell]]) -> int | None:
    """Return the row of a header with other columns than the one that was found, or None.

    Only rows with words where the header has its dates are looked at: below a header these are headers, remarks and
    faults, and few. The same header again, as on every printed page, is no second table.
    """
    for i in range(best.row):
        above = _match_row(best.table, _named(rows[i]), i) if i < len(rows) else None
        if above and _differs(above, best) and any(_n_filled(row) > 1 for row in rows[i + 1 : best.row]):
            return i
    kinds = fields_of(best.table.becomes)
    dates = [n for n in best.table.recognise if kinds.get(n) in ("timestamp", "date")]
    at = best.fields[(dates or best.table.recognise)[0]]
    first = best.row + best.n_rows
    is_name = {"": False}
    column = [row[at] if at < len(row) else None for row in rows[first:]]
    # Every letter comes after every digit, so that a date costs one comparison.
    worded = [(i, word) for i, word in enumerate(column, first) if word.__class__ is str and word >= "A"]
    for i, word in worded:
        row = rows[i]
        if not isinstance(word, str) or not word[:1].isalpha():
            continue
        if word not in is_name:
            is_name[word] = word in best.table.exact or head(word) in best.table.aliases or head(word) in _all_names()
        if is_name[word] and _is_other(best, _named(row), row):
            return i
    return None


def _is_other(best: Match, named: _Named, row: Sequence[Cell]) -> bool:
    """Say whether a row is a header of this table in other columns, or of another table."""
    same = _match_row(best.table, named, 0, strict=False)
    if same and len(same.fields) > 1 and 2 * len(same.fields) >= _n_filled(row):
        return _differs(same, best)
    return any(_match_row(table, named, 0) for table in _all_tables())


@cache
def _all_tables() -> tuple[TableProfile, ...]:
    return tuple(table for name in built_in() for table in read_profile(name).tables)


@cache
def _all_names() -> frozenset[str]:
    return frozenset(name for table in _all_tables() for name in table.aliases)


def _differs(other: Match, best: Match) -> bool:
    """Say whether a header has a field in another column."""
    return any(best.fields.get(name) != at for name, at in other.fields.items())


def _n_filled(row: Sequence[Cell]) -> int:
    return sum(not is_blank(cell) for cell in row)
