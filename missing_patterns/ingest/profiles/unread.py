"""What no profile fits: whether it looks like a table of records, what it nearly is, and how to have it read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from missing_patterns.errors import DataRefused, positions
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.files import Source
from missing_patterns.ingest.opening.grid import Cell, Grid, is_blank
from missing_patterns.ingest.profiles.headers import Match, match_tables, nearest, safe_name
from missing_patterns.ingest.profiles.profile import TableProfile
from missing_patterns.ingest.rules import NOT_READ, RULES

#: Modules of the SSDA903 return that say nothing of absences, children or placements; they come with those that do.
OTHER_MODULES = frozenset("ad1 dolo oc2 oc3 placedadoption prevperm reviews swepisodes".split())

#: Headers shown in a message.
MOST_HEADERS = 5
#: A cell of digits and signs alone is no header.
_NUMBER = re.compile(r"\W*\d[\d\W]*")


def looks_like_records(grid: Grid, source: Source) -> bool:
    """Say whether a sheet that no profile fits holds rows that somebody may expect in the report.

    Two rows that hold something are a table in a .csv or .tsv; a sheet of a workbook needs two rows of two cells, since
    cover sheets are prose; a .txt, which is prose more often than not, needs rows of one width of three cells or more.

    Raises
    ------
    Nothing.
    """
    widths = [sum(not is_blank(c) for c in row) for row in grid.rows]
    widths = [w for w in widths if w]
    if grid.is_book:
        return sum(w >= 2 for w in widths) >= 2
    if source.path.suffix.lower() != ".txt":
        return len(widths) >= 2
    lengths = Counter(len(row) for row in grid.rows if any(not is_blank(c) for c in row))
    width, often = max(lengths.items(), key=lambda item: item[1], default=(0, 0))
    return width >= 3 and often >= 2 and often >= 0.8 * len(widths)


def is_nearly_known(grid: Grid, tables: Sequence[TableProfile]) -> bool:
    """Say whether a sheet beside others that were read holds a field that tells a table from others, and two more.

    Raises
    ------
    Nothing.
    """
    if match_tables(grid.rows, tables):
        return True
    near = nearest(grid.rows, tables)
    return near is not None and len(near.fields) >= 3 and any(n in near.fields for n in near.table.recognise)


def account_unread(
    grid: Grid, source: Source, tables: Sequence[TableProfile], known: Sequence[TableProfile], log: Log, *, alone: bool
) -> None:
    """Tell of a sheet that no profile fits: an error if rows are lost by it, else a warning or a note.

    Rows of a table that was not read are accounted for as ``not read``, all of them under ``n_not_data``.

    Parameters
    ----------
    grid, source
        The sheet and its file.
    tables, known
        The tables that were looked for, and all that the library knows.
    log
        Where it is told.
    alone : bool
        Whether no other sheet of the file was read.

    Raises
    ------
    Nothing.
    """
    if not looks_like_records(grid, source) or source.path.stem.casefold() in OTHER_MODULES:
        log.add("not_a_table", grid.file, grid.sheet)
    elif alone or is_nearly_known(grid, known):
        log.add("no_profile", grid.file, grid.sheet, detail=describe(grid, tables, known))
        n = len(grid.rows)
        log.account(grid.file, grid.sheet, NOT_READ, n_rows=n, n_accepted=0, n_quarantined=0, n_not_data=n)
    else:
        log.add("sheet_no_profile", grid.file, grid.sheet)


def refuse_unread(
    grid: Grid, source: Source, tables: Sequence[TableProfile], known: Sequence[TableProfile]
) -> DataRefused:
    """Word the refusal of a file that no profile fits and that had to be read.

    Raises
    ------
    Nothing.
    """
    code = RULES["no_profile"].code
    if not looks_like_records(grid, source) and nearest(grid.rows, known) is None:
        why = "no profile fits it, and it does not look like a table of records"
        return DataRefused.of_file(source.label, why, "Name another file.", rule=code)
    why, _, fix = f"no profile fits its header: {describe(grid, tables, known)}".rpartition(". ")
    return DataRefused.of_file(grid.file, why, fix, sheet=grid.sheet, rule=code)


def describe(grid: Grid, tables: Sequence[TableProfile], known: Sequence[TableProfile]) -> str:
    """Say what a sheet nearly is, which columns were not found, which headers are not known, and what to type.

    Raises
    ------
    Nothing.
    """
    name = grid.file.rsplit("/", 1)[-1]
    quoted = f'"{name}"' if " " in name else name
    command = f"python -m missing_patterns sniff {quoted} --out ours.toml"
    elsewhere = match_tables(grid.rows, known)
    if elsewhere:
        table = elsewhere[0].table
        return (
            f"it is {table.name} (profile {table.profile}), but another profile was asked for. Read it without "
            f"--profile, or add a [[table]] for it to that profile"
        )
    near = nearest(grid.rows, tables)
    if near is None:
        return (
            "none of its headers is known. If it holds records of missing children, map its columns: "
            f"{command}. If not, move it out of the folder"
        )
    columns = near.table.columns
    absent = [n for n in near.table.recognise if n not in near.fields]
    is_near = len(absent) * 2 < len(near.table.recognise) or len(near.fields) > len(near.unused)
    absent = [
        columns.get(n, (n,))[0] if n.startswith("_") else n for n in absent
    ]  # a field that is not read has no name of ours
    like = "it is nearly" if is_near else "it is not one that is known; most like it is"
    text = (
        f"{like} {near.table.name} (profile {near.table.profile}), but no column was found for {', '.join(absent)}"
        f"{_not_known(near)}. To map them: {command}"
    )
    return text if is_near else f"{text}. If it holds nothing about missing children, move it out of the folder"


def _not_known(near: Match) -> str:
    """Word the headers that no field took; as places alone where the row may not be a header."""
    unused = near.unused
    if not unused:
        return ""
    said = f"; headers not known: {len(unused)} ({positions([i + 1 for i in unused], MOST_HEADERS)}"
    is_header = len(near.fields) >= 2 and not any(_NUMBER.fullmatch(h) for h in near.headers if h)
    shown = [near.headers[i] for i in unused[:MOST_HEADERS]] if is_header else []
    safe = [f"'{name}'" for h in shown if (name := safe_name(h))]
    return f"{said}: {', '.join(safe)})" if safe else f"{said})"


def loosely(text: str, file: str, delimiter: str) -> Grid:
    """Split a text that cannot be read strictly at line ends and separators, only to count it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> len(loosely('a;b\\n"1;2\\n', "x.csv", ";").rows)
    2
    """
    rows: list[Sequence[Cell]] = [line.split(delimiter) for line in text.splitlines()]
    return Grid(file, "", rows, range(1, len(rows) + 1), delimiter=delimiter)
