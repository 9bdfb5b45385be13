"""What a file is: which profile, where its header stands, which column is what and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused
from missing_patterns.ingest.files import list_sources, read_bytes
from missing_patterns.ingest.grid import Grid, is_blank
from missing_patterns.ingest.headers import Match, nearest
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.profiles import BECOMES, TableProfile, fields_of, head
from missing_patterns.ingest.reader import known_tables, open_grids

#: A header is offered as a guess when it is at least this like a known one.
LIKE_ENOUGH = 0.75


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """One column: its header, the field that it is taken for ("" = none), why, and how sure (0 to 1).

    Raises
    ------
    Nothing.
    """

    position: int
    header: str
    field: str
    why: str
    confidence: float


@dataclass(frozen=True, slots=True, repr=False)
class SheetGuess:
    """One sheet: the profile and table that it looks like, the line of its header, and its columns.

    ``fits`` says whether ``read_records`` would read it as it stands.

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

    @property
    def needed(self) -> dict[str, str]:
        """Fields that every row must have and no column was taken for, with their meaning."""
        if self.made_from is None:
            return {}
        taken = {c.field for c in self.columns}
        columns = [c for b in self.made_from.becomes for c in schema.TABLES[b].columns if c.required]
        return {c.name: c.meaning for c in columns if c.name not in taken}

    @property
    def is_recognised(self) -> bool:
        """Whether any column is known, or like a known one."""
        return any(c.field or c.confidence > 0 for c in self.columns)

    def __repr__(self) -> str:
        known = sum(bool(c.field) for c in self.columns)
        return f"SheetGuess: {'fits' if self.fits else 'nearly'}, {known} of {len(self.columns)} columns known"


@dataclass(frozen=True, slots=True, repr=False)
class Guess:
    """What a file looks like. Holds headers and places, no cell of any row.

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
        """Say in words what each sheet is, with a line per column and what its field means.

        Raises
        ------
        Nothing.
        """
        return "\n".join(line for sheet in self.sheets for line in _explain(self.file, sheet))

    def to_toml(self) -> str:
        """Return a profile that reads this file, to check and edit; columns not known stand in it as comments.

        Raises
        ------
        Nothing.
        """
        name = head(Path(self.file).stem).replace(" ", "_") or "own"
        lines = [
            "# Made by sniff. Check every line; a field takes the first of its headers that is there.",
            '# To name a column, write a line such as  missing_from = ["Went missing"]  under [table.columns].',
            f"name = {_quoted(name)}",
            f"title = {_quoted(self.file)}",
        ]
        for number, sheet in enumerate(self.sheets, 1):
            if sheet.made_from is not None:
                lines += _table_toml(sheet, sheet.made_from, number)
        return "\n".join(lines) + "\n"


def _explain(file: str, sheet: SheetGuess) -> list[str]:
    name = f"{file} [{sheet.sheet}]" if sheet.sheet else file
    if not sheet.columns:
        return [f"{name}: nothing was recognised; there is no row of headers."]
    if not sheet.is_recognised:
        # The row may not be a header at all, so its texts are not shown.
        n, line = len(sheet.columns), sheet.header_line
        return [
            f"{name}: nothing was recognised; no header in line {line} is like a known one ({n} looked at).",
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
    ]


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
    if not isinstance(path, str | Path) or Path(path).is_dir():
        raise ArgumentRefused("sniff looks at one file.")
    sources, _ = list_sources(path)
    tables = known_tables(None)
    opened = open_grids(sources[0], read_bytes(sources[0]), tables, Log())
    sheets = []
    for grid, matches in opened.sheets:
        best = matches[0] if matches else nearest(grid.rows, tables)
        sheets.append(_guess_sheet(grid, best, tables, fits=bool(matches)))
    return Guess(sources[0].label, tuple(sheets))


def _guess_sheet(grid: Grid, match: Match | None, tables: Sequence[TableProfile], *, fits: bool) -> SheetGuess:
    if match is None:
        row = _likely_header(grid)
        if row is None:
            return SheetGuess(grid.sheet, "", "", None, False, ())
        generic = next(t for t in tables if t.canonical)
        names = [" ".join(c.split()) if isinstance(c, str) else "" for c in grid.rows[row]]
        match = Match(generic, row, 1, names, {})
    taken = {at: name for name, at in match.fields.items()}
    free = [name for name in match.table.columns if name not in match.fields]
    columns = []
    for at, header in enumerate(match.headers):
        if not header:
            continue
        if at in taken:
            field = taken[at]
            why = "a known header" if not field.startswith("_") else "a known header that is not used"
            columns.append(ColumnGuess(at, header, "" if field.startswith("_") else field, why, 1.0))
            continue
        field, alike, like = _most_like(header, free, match.table)
        if field:
            free.remove(field)
            columns.append(ColumnGuess(at, header, field, f"like '{alike}'", round(like, 2)))
        else:
            columns.append(ColumnGuess(at, header, "", "like no known header", 0.0))
    line = grid.lines[match.row]
    table = match.table
    return SheetGuess(grid.sheet, table.profile, table.name, line, fits, tuple(columns), table)


def _likely_header(grid: Grid) -> int | None:
    """Return the first row with the most cells of text."""
    counts = [sum(isinstance(c, str) and not is_blank(c) for c in row) for row in grid.rows[:40]]
    return counts.index(max(counts)) if counts and max(counts) > 0 else None


def _most_like(header: str, free: Sequence[str], table: TableProfile) -> tuple[str, str, float]:
    best = ("", "", 0.0)
    for field in free:
        if field.startswith("_"):
            continue
        for alias in table.columns[field]:
            like = SequenceMatcher(None, head(header), head(alias)).ratio()
            if like > best[2]:
                best = (field, alias, like)
    return best if best[2] >= LIKE_ENOUGH else ("", "", 0.0)


def _table_toml(sheet: SheetGuess, table: TableProfile, number: int) -> list[str]:
    named = {c.field: c for c in sheet.columns if c.field}
    recognise = [n for n in table.recognise if n in named] or list(named)[:2] or list(sheet.needed)
    lines = [
        "",
        "[[table]]",
        f"name = {_quoted(f'{table.name}_{number}' if number > 1 else table.name)}",
        f"becomes = [{', '.join(_quoted(b) for b in table.becomes)}]",
        f"recognise = [{', '.join(_quoted(n) for n in recognise)}]  # fields that tell this table from others",
        f"date_order = {_quoted(table.date_order)}",
    ]
    if sheet.sheet:
        lines.append(f"sheet = {_quoted(sheet.sheet)}")
    lines.append("[table.columns]")
    lines += [f"{c.field} = [{_quoted(c.header)}]  # {c.why}" for c in named.values()]
    lines += [f"# {_quoted(c.header)}: {c.why}" for c in sheet.columns if not c.field]
    for name in dict.fromkeys([*sheet.needed, *table.columns]):
        if name not in named and name[:1] != "_":
            need = ", and every row needs it" if name in sheet.needed else ""
            lines.append(f"# {name} = []  # no column found{need}: {meaning_of(name)}")
    kinds = fields_of(table.becomes)
    if table.defaults:
        lines += ["[table.defaults]", *(f"{n} = {_value(v)}" for n, v in table.defaults.items())]
    for name, codes in table.values.items():
        if name in named and name in kinds:
            lines.append(f"[table.values.{name}]")
            lines += [f"{code} = [{', '.join(_quoted(w) for w in words)}]" for code, words in codes.items()]
    return lines


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else " " for c in plain) + '"'


def _value(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else _quoted(str(value))
