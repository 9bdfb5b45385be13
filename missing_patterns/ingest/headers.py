"""Finding the header: the row whose names fit a profile, below any title rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.grid import Cell, is_blank
from missing_patterns.ingest.profiles import TableProfile, head

#: A header further down than this is not looked for.
DEEPEST = 40
#: Text longer than this is no header.
LONGEST = 300


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


def match_tables(rows: Sequence[Sequence[Cell]], tables: Iterable[TableProfile]) -> list[Match]:
    """Return the best match of each table that fits, best first: most fields, then most that it is told by.

    Raises
    ------
    Nothing.
    """
    top = [_named(row) for row in rows[: DEEPEST + 1]]
    pairs = [_named(_joined(upper.names, lower.names)) for upper, lower in itertools.pairwise(top)]
    found = []
    for table in tables:
        matches = [m for i, names in enumerate(top[:DEEPEST]) if (m := _match_row(table, names, i))]
        if not matches:
            matches = [m for i, names in enumerate(pairs) if (m := _match_row(table, names, i, 2))]
        if matches:
            found.append(max(matches, key=lambda m: (len(m.fields), -m.row)))
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
            if found and found.fields and (best is None or _nearness(found) > _nearness(best)):
                best = found
    return best


def _nearness(match: Match) -> tuple[int, int, bool]:
    """Most fields, then fewest absent of those that a table is told by, then the generic table."""
    absent = sum(name not in match.fields for name in match.table.recognise)
    return len(match.fields), -absent, match.table.canonical


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


def _match_row(table: TableProfile, row: _Named, at: int, n_rows: int = 1, *, strict: bool = True) -> Match | None:
    if sum(bool(name) for name in row.names) < 2:
        return None
    chosen: dict[str, tuple[int, int]] = {}
    doubled = []
    for i, (name, folded) in enumerate(zip(row.names, row.folded, strict=True)):
        if name in table.exact:
            found = (name, -1)
        elif folded and (known := table.find(folded)):
            found = known
        else:
            continue
        taken = chosen.get(found[0])
        if taken is not None and found[0][:1] != "_":
            doubled.append(found[0])
        if taken is None or found[1] < taken[0]:
            chosen[found[0]] = (found[1], i)
    if strict and any(name not in chosen for name in table.recognise):
        return None
    return Match(table, at, n_rows, row.names, {name: i for name, (_, i) in chosen.items()}, doubled)


def choose(matches: Sequence[Match], file: str, sheet: str) -> Match:
    """Choose the best match; two profiles that fit equally well are for the caller to tell apart.

    Raises
    ------
    DataRefused
        If two profiles fit equally well, or the header names a column twice.
    """
    best = matches[0]
    equals = [m for m in matches[1:] if _fitness(m) == _fitness(best)]
    if equals:
        names = ", ".join(sorted({f"{m.table.profile} ({m.table.name})" for m in [best, *equals]}))
        raise DataRefused.of_file(
            file, f"it fits more than one profile: {names}", "Name one with profile=.", sheet=sheet
        )
    folded = [head(h) for h in best.headers]
    twice = sorted({h for h in folded if h and folded.count(h) > 1})
    if twice:
        raise DataRefused.of_file(
            file,
            f"the header names {len(twice)} column{'s' if len(twice) > 1 else ''} twice ({', '.join(twice)})",
            "Rename or delete one of each.",
            sheet=sheet,
            line=best.row + 1,
        )
    return best
