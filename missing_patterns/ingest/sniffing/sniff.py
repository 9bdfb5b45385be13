"""What a file is: which profile, where its header stands, which column is what and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused
from missing_patterns.ingest.cells.dates import parse_one
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.files import kind_of, list_sources, read_bytes, refuse_text
from missing_patterns.ingest.opening.grid import Cell, Grid, is_blank
from missing_patterns.ingest.profiles.fields import BECOMES, TableProfile
from missing_patterns.ingest.profiles.headers import Match, nearest
from missing_patterns.ingest.reader import known_tables, open_grids
from missing_patterns.ingest.sniffing.drafting import draft
from missing_patterns.ingest.sniffing.evidence import N_LOOKED
from missing_patterns.ingest.sniffing.guessing import ColumnGuess, Columns
from missing_patterns.ingest.sniffing.labels import Unmapped, find_unmapped


@dataclass(frozen=True, slots=True, repr=False)
class SheetGuess:
    """One sheet: the profile and table that it looks like, the line of its header, and its columns.

    ``fits`` says whether ``read_records`` would read it as it stands; ``unmapped`` holds the wordings of each field
    that no list knows; ``date_order`` how its dates are written, if their cells prove another order than day first.

    Raises
    ------
    Nothing.
    """

    sheet: str
    profile: str
    table: str
    header_line: int | None
    fits: bool
    columns: tuple[ColumnGuess, ...]
    made_from: TableProfile | None = None
    unmapped: tuple[Unmapped, ...] = ()
    date_order: str = ""

    @property
    def needed(self) -> dict[str, str]:
        """Fields that every row must have and no column was taken for, with their meaning."""
        if self.made_from is None:
            return {}
        taken = {c.field for c in self.columns}
        return {name: meaning for name, meaning in self.made_from.needed.items() if name not in taken}

    @property
    def sureness(self) -> tuple[float, bool]:
        """How much of it is recognised, to choose between tables; of equals the generic one."""
        is_generic = self.made_from is not None and self.made_from.canonical
        return round(sum(c.confidence for c in self.columns if c.field), 6), is_generic

    @property
    def is_recognised(self) -> bool:
        """Whether any column is known, or like a known one."""
        return any(c.field or c.confidence > 0 for c in self.columns)

    def __repr__(self) -> str:
        known = sum(bool(c.field) for c in self.columns)
        return f"SheetGuess: {'fits' if self.fits else 'nearly'}, {known} of {len(self.columns)} columns known"


@dataclass(frozen=True, slots=True, repr=False)
class Guess:
    """What a file looks like. Holds headers, and wordings that many rows of several children share; no other cell.

    Raises
    ------
    Nothing.
    """

    file: str
    sheets: tuple[SheetGuess, ...]

    def __repr__(self) -> str:
        fit = sum(s.fits for s in self.sheets)
        n = len(self.sheets)
        return f"Guess: {n} sheet{'' if n == 1 else 's'}, {fit} that a profile fits"

    def summary(self) -> pd.DataFrame:
        """Return one row per column of each sheet: what it is taken for, what that means, why, and how sure.

        Raises
        ------
        Nothing.
        """
        rows = [
            {
                "sheet": s.sheet,
                "profile": s.profile,
                "table": s.table,
                "header_line": s.header_line,
                "column": c.header,
                "field": c.field,
                "meaning": meaning_of(c.field),
                "confidence": c.confidence,
                "why": c.why,
            }
            for s in self.sheets
            for c in s.columns
        ]
        names = ["sheet", "profile", "table", "header_line", "column", "field", "meaning", "confidence", "why"]
        return pd.DataFrame(rows, columns=names)

    def explain(self) -> str:
        """Say in words what each sheet is, with a line per column and what its field means, and what to type next.

        Raises
        ------
        Nothing.
        """
        is_alone = not any(s.is_recognised for s in self.sheets)
        lines = [line for sheet in self.sheets for line in _explain(self.file, sheet, is_alone=is_alone)]
        return "\n".join([*lines, *_next_steps(self.file, self.sheets)])

    def to_toml(self) -> str:
        """Return a profile that reads this file, to check and edit; columns not known stand in it as comments.

        Raises
        ------
        Nothing.
        """
        names = {name for s in self.sheets if s.made_from for name in s.made_from.fields}
        return draft(self.file, self.sheets, {name: meaning_of(name) for name in names})


def _explain(file: str, sheet: SheetGuess, *, is_alone: bool) -> list[str]:
    name = f"{file} [{sheet.sheet}]" if sheet.sheet else file
    if not sheet.columns:
        return [f"{name}: nothing was recognised; there is no row of headers."]
    if not sheet.is_recognised:
        # The row may not be a header at all, so its texts are not shown.
        n, line = len(sheet.columns), sheet.header_line
        said = f"{name}: nothing was recognised; no header in line {line} is like a known one ({n} looked at)."
        if not is_alone:
            return [said]
        return [
            said,
            "If it holds records of missing children, these fields at least need a column:",
            *(f"  {field:<16} {meaning}" for field, meaning in sheet.needed.items()),
        ]
    fits = "is" if sheet.fits else "is most like"
    rows = [(c.header[:60], c.field or "-", meaning_of(c.field) or "not used", c.why) for c in sheet.columns]
    table = pd.DataFrame(rows, columns=["column", "field", "meaning", "why"]).to_string(index=False)
    return [
        f"{name} {fits} {sheet.table} (profile {sheet.profile}), with its header in line {sheet.header_line}.",
        table,
        *(f"No column was found for {field}, and every row needs it: {m}." for field, m in sheet.needed.items()),
        *(line for told in sheet.unmapped for line in _explain_unmapped(told)),
    ]


def _explain_unmapped(told: Unmapped) -> list[str]:
    shown = ", ".join(f"'{label}' ({n:,} rows)" for label, n in told.labels)
    lines = [f"Wordings in column '{told.header[:60]}' that are not known to {told.field}: {shown}."] if shown else []
    where = "" if shown else f"In column '{told.header[:60]}', read as {told.field}: "
    return [*lines, f"{where}{told.hidden_in_words}."] if told.n_hidden else lines


def _next_steps(file: str, sheets: Sequence[SheetGuess]) -> list[str]:
    """Say what to type, now that it is known what the file is."""
    if not any(s.is_recognised for s in sheets):
        return []
    name = f'"{file}"' if " " in file else file
    as_is = f"python -m missing_patterns check {name}"
    write = f"python -m missing_patterns sniff {name} --out ours.toml"
    read = f"{as_is} --profile ours.toml"
    if any(s.fits for s in sheets) and not any(s.unmapped for s in sheets):
        return ["", f"To read it as it is:  {as_is}"]
    if any(s.fits for s in sheets):
        return [
            "",
            f"To read it as it is:  {as_is}",
            f"To teach it the wordings:  {write}",
            f"then edit it, and:  {read}",
        ]
    return ["", f"To write a profile for it:  {write}", f"then edit it, and:  {read}"]


def meaning_of(field: str) -> str:
    """Say in plain words what a field means; nothing for a column that is taken for none.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> meaning_of("missing_from")
    'start: last seen or due back'
    """
    if field in _EXTRA_MEANINGS:
        return _EXTRA_MEANINGS[field]
    columns = (c for name in BECOMES for c in schema.TABLES[name].columns)
    return next((c.meaning for c in columns if c.name == field), "")


_EXTRA_MEANINGS = {
    "birth_month": "date of birth; only its month is kept",
    "rhi_offered": "whether a return interview was offered",
    "rhi_accepted": "whether the return interview was accepted",
    "other_refs": "references of other incidents that the interview covers",
    "missing_from_time": "time of day of the start, where it has a column of its own",
    "returned_at_time": "time of day of the end, where it has a column of its own",
    "held_at_time": "time of day of the interview, where it has a column of its own",
    "reported_at_time": "time of day of the report, where it has a column of its own",
    "push_factors": "triggers of the push side, where they have a column of their own",
    "pull_factors": "triggers of the pull side, where they have a column of their own",
    "nominal_id": "the police's number of the child",
    "care_id": "spell of care, by which another table names the child",
    "n_missing_12m": "times missing in the last 12 months, as Annex A counts",
    "n_away_12m": "times away in the last 12 months, as Annex A counts",
    "rhi_offered_last": "whether an interview was offered after the last time missing",
    "rhi_accepted_last": "whether an interview was accepted after the last time missing",
}


def sniff(path: str | Path) -> Guess:
    """Say which source a file looks like, where its header is, and which column is what.

    Parameters
    ----------
    path : str or Path
        One file.

    Returns
    -------
    Guess
        ``.summary()`` is a table to look at, ``.to_toml()`` a profile to edit and hand to ``read_records``.

    Raises
    ------
    ArgumentRefused
        If it is not one file.
    DataRefused
        If the file cannot be read safely.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "Missing.csv"
    >>> _ = file.write_text("CHILD,DOB,MISSING,MIS_START,MIS_END\\n")
    >>> guess = sniff(file)
    >>> guess
    Guess: 1 sheet, 1 that a profile fits
    >>> guess.summary()[["column", "field"]].values.tolist()[:3]
    [['CHILD', 'child_id'], ['DOB', 'birth_month'], ['MISSING', 'category']]
    """
    refuse_text(path)
    if not isinstance(path, str | Path) or "://" in str(path) or kind_of(Path(path)) == "folder":
        raise ArgumentRefused("sniff looks at one file.")
    sources, _ = list_sources(path)
    tables = known_tables(None)
    opened = open_grids(sources[0], read_bytes(sources[0]), tables, Log())
    return Guess(sources[0].label, tuple(_guess_sheet(grid, found, tables) for grid, found in opened.sheets))


def _guess_sheet(grid: Grid, matches: Sequence[Match], tables: Sequence[TableProfile]) -> SheetGuess:
    """Take a sheet for the table that fits it, else for the one of which most is recognised."""
    if matches:
        return _guess(grid, matches[0], fits=True)
    near = [m for t in tables if (m := nearest(grid.rows, [t])) and not _is_data(grid.rows[m.row])]
    if (row := _likely_header(grid)) is not None:
        names = [" ".join(c.split()) if isinstance(c, str) else "" for c in grid.rows[row]]
        near.append(Match(next(t for t in tables if t.canonical), row, 1, names, {}))
    if not near:
        return SheetGuess(grid.sheet, "", "", None, False, ())
    return max((_guess(grid, match, fits=False) for match in near), key=lambda guess: guess.sureness)


def _guess(grid: Grid, match: Match, *, fits: bool) -> SheetGuess:
    table = match.table
    below = [row for row in grid.rows[match.row + match.n_rows :] if not all(map(is_blank, row))]
    taken = {at: name for name, at in match.fields.items()}
    columns = Columns(table, below[:N_LOOKED], [name for name in table.fields if name not in match.fields])
    guesses: dict[int, ColumnGuess] = {}
    headers = {at: header for at, header in enumerate(match.headers) if header}
    for at, header in headers.items():
        guesses[at] = columns.known(at, header, taken[at]) if at in taken else columns.like(at, header)
    if any(g.field for g in guesses.values()):
        for at, header in headers.items():
            if at not in taken and not guesses[at].field:
                guesses[at] = columns.by_cells(at, header) or guesses[at]
        for at, header in headers.items():
            if at not in taken and not guesses[at].field:
                guesses[at] = columns.last_resort(at, header) or guesses[at]
        loose = {at: header for at, header in headers.items() if at not in taken and not guesses[at].field}
        start = next((at for at, g in guesses.items() if g.field == "missing_from"), None)
        if start is not None and (end := columns.ends(loose, start)):
            guesses[end.position] = end
    where = {g.field: (g.position, g.header) for g in guesses.values() if g.field}
    unmapped = find_unmapped(below, table, where) if where else ()
    line = grid.lines[match.row]
    told = tuple(guesses.values())
    order = "month_first" if columns.is_month_first else ""
    return SheetGuess(grid.sheet, table.profile, table.name, line, fits, told, table, unmapped, order)


def _likely_header(grid: Grid) -> int | None:
    """Return the first row with the most cells of text, of those that can be a header."""
    rows = [[] if _is_data(row) else row for row in grid.rows[:40]]
    counts = [sum(isinstance(c, str) and not is_blank(c) for c in row) for row in rows]
    return counts.index(max(counts)) if counts and max(counts) > 0 else None


def _is_data(row: Sequence[Cell]) -> bool:
    """Say whether a row holds a date: it is no header, and its texts are not to be shown."""
    return any(isinstance(c, str | dt.date) and (read := parse_one(c)).is_there and not read.repairs for c in row)
