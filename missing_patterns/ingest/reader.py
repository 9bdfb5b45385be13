"""Files to canonical tables: choose a profile for each sheet, read it, and join what the sheets gave."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, DataRefused
from missing_patterns.ingest.across.care import check_care
from missing_patterns.ingest.across.identity import check_identity
from missing_patterns.ingest.across.interviews import check_interviews
from missing_patterns.ingest.across.joining import join_sheets
from missing_patterns.ingest.across.repeats import check_repeats
from missing_patterns.ingest.across.returns import check_returns
from missing_patterns.ingest.across.sequence import check_sequence
from missing_patterns.ingest.across.sheets import Sheet
from missing_patterns.ingest.across.tallies import check_tallies
from missing_patterns.ingest.log import CellRead, Log
from missing_patterns.ingest.opening import text as texts
from missing_patterns.ingest.opening.books import read_book
from missing_patterns.ingest.opening.databases import read_database, taken_from
from missing_patterns.ingest.opening.files import (
    BOOK_SUFFIXES,
    PARQUET_SUFFIXES,
    Source,
    Stamp,
    changed,
    fingerprint,
    list_sources,
    read_stamped,
    refuse_text,
    same_as_read,
)
from missing_patterns.ingest.opening.grid import Grid, as_text, is_blank
from missing_patterns.ingest.opening.mending import mend
from missing_patterns.ingest.opening.parquet import open_parquet
from missing_patterns.ingest.profiles.fitting import collection_year, fit
from missing_patterns.ingest.profiles.headers import Match, choose, match_tables
from missing_patterns.ingest.profiles.profile import TableProfile, built_in, read_profile
from missing_patterns.ingest.profiles.unread import account_unread, loosely, refuse_unread
from missing_patterns.ingest.rules import RULES
from missing_patterns.ingest.sheet.rows import Data, find_rows
from missing_patterns.ingest.sheet.tables import read_tables
from missing_patterns.settings import Settings


def read_records(
    paths: str | Path | Iterable[str | Path],
    profile: str | Path | None = None,
    settings: Settings | None = None,
) -> schema.Records:
    """Read files of any known source into canonical tables, losing no row silently.

    Parameters
    ----------
    paths : path, or several
        Files or folders; of a folder every .csv, .txt, .tsv, .xlsx, .xlsm, .xlsb, .xls, .ods and .parquet directly
        inside. Also addresses of databases (SQLAlchemy URLs such as ``"sqlite:///cases.db"``), in which ``${NAME}`` is
        taken from the environment: the tables are read that the profile names by ``from`` or ``query``. A user's own
        TOML alone, if its ``[source]`` says which database it is about.
    profile : str or Path, optional
        A built-in profile (``"annex_a"``, ``"police"``, ``"rhi_tracker"``, ``"ssd"``, ``"ssda903"``) or the path of a
        user's own TOML. None finds the profile of each sheet by its header.
    settings : Settings, optional
        The council's settings: how near two systems' records of one absence lie, the collection year of SSDA903
        files, and the council's own name.

    Returns
    -------
    Records
        ``incidents`` holds one row per source record (sources are joined by ``build_episodes``), ``interviews`` one
        per return-interview process, ``children`` one per child over all files, ``placements`` one per spell.
        ``problems`` says what was repaired, doubted or set aside, with file, line and column and without values;
        ``quarantine`` keeps each row set aside as it was read; ``accounting`` adds up per file and sheet:
        ``n_rows = n_accepted + n_quarantined + n_not_data``. A file of a folder that holds a table which no profile
        fits is an error in ``problems`` (outcome ``refused``), and stands in ``accounting`` as table ``not read`` with
        all its rows under ``n_not_data``. Prose, pictures and the like are noted.

    Raises
    ------
    ArgumentRefused
        If ``paths`` or ``settings`` is something else.
    SettingsRefused
        If the profile is not one.
    DataRefused
        Naming every file that cannot be read safely, with the place, why, and what to do; also if a file that is
        named, or every file of a folder, fits no profile, or a profile names no column that its table needs.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> rows = ["CHILD,MISSING,MIS_START,MIS_END", "C1,M,13/01/2026,14/01/2026", "C1,M,31/02/2026,"]
    >>> _ = (folder / "Missing.csv").write_text("\\n".join(rows))
    >>> records = read_records(folder)
    >>> records
    Records: 1 incident, 0 interviews, 1 child, 0 placements; 4 problems, 1 row in quarantine
    >>> records.accounting[["n_rows", "n_accepted", "n_quarantined", "n_not_data"]].values.tolist()
    [[3, 1, 1, 1]]
    """
    outcome = read_files(paths, profile=profile, settings=settings)
    if outcome.refused or outcome.records is None:
        raise DataRefused.of_several(outcome.refused) if len(outcome.refused) > 1 else outcome.refused[0]
    return outcome.records


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """What reading several files gave, though some may be refused. Made by :func:`read_files`.

    Parameters
    ----------
    records : Records or None
        Of the files that could be read; None if there is none.
    refused : list of DataRefused
        Why each of the others could not.

    Raises
    ------
    Nothing.
    """

    records: schema.Records | None
    refused: list[DataRefused]
    _log: Log = field(default_factory=Log)

    def __repr__(self) -> str:
        n = len(self.refused)
        return f"Outcome: {self.records if self.records else 'no records'}; {n} file{'' if n == 1 else 's'} refused"

    @property
    def cells(self) -> list[CellRead]:
        """What stands at each problem of single rows, by row of ``records.problems``: never leaves this machine."""
        return [] if self.records is None else self._log.cells()


def read_files(
    paths: str | Path | Iterable[str | Path],
    profile: str | Path | None = None,
    settings: Settings | None = None,
) -> Outcome:
    """Read files as :func:`read_records` does, but keep what can be read where a file is refused.

    A file of which one sheet is refused is refused whole.

    Parameters
    ----------
    paths, profile, settings
        As for :func:`read_records`.

    Returns
    -------
    Outcome
        The records of the files that could be read, and the refusals of the others.

    Raises
    ------
    ArgumentRefused
        If ``paths`` or ``settings`` is something else.
    SettingsRefused
        If the profile is not one.
    DataRefused
        If there is no file at all.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "Missing.csv").write_text("CHILD,MISSING,MIS_START,MIS_END\\nC1,M,13/01/2026,14/01/2026\\n")
    >>> _ = (folder / "more.csv").write_text('CHILD,MISSING,MIS_START,MIS_END\\nC1,M,"13/01/2026,14/01/2026\\n')
    >>> read_files(folder)
    Outcome: Records: 1 incident, 0 interviews, 1 child, 0 placements; 3 problems, 0 rows in quarantine; 1 file refused
    """
    if settings is not None and not isinstance(settings, Settings):
        raise ArgumentRefused("settings must be Settings, as read_settings gives, or None.")
    if profile is not None and not isinstance(profile, str | Path):
        raise ArgumentRefused("profile must be the name of a built-in profile, the path of a TOML file, or None.")
    refuse_text(paths)
    paths, profile = taken_from(paths, profile)
    tables, known = known_tables(profile), known_tables(None)
    sources, skipped = list_sources(paths)
    log = Log()
    for name, rule, detail in skipped:
        log.add(rule, name, detail=detail)
    with without_collector():
        run = _Run(tables, known, log, settings)
        for source in sources:
            run.read(source)
        run.check_unchanged()
        sheets = run.sheets
        if not sheets:
            why = "\n".join(["No file fits a profile.", *map(str, run.unfit)])
            return Outcome(None, run.refused or [DataRefused(why)])
        _check_across(sheets, log, settings)
        for sheet in sheets:
            sheet.keep()
            _account(sheet.data)
        return Outcome(join_sheets(sheets, log, settings), run.refused, log)


def _check_across(sheets: Sequence[Sheet], log: Log, settings: Settings | None) -> None:
    """Hold rows against each other: first whether each is there once, then whose it is, then when it was."""
    check_care(sheets)
    check_repeats(sheets, log)
    check_identity(sheets)
    check_sequence(sheets)
    check_interviews(sheets)
    check_returns(sheets)
    check_tallies(sheets, settings)


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Keep Python from looking for rings among millions of cells that hold none; afterwards as before.

    Raises
    ------
    Nothing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Run:
    """The files of one run: what was read of each, and what was refused."""

    def __init__(
        self,
        tables: Sequence[TableProfile],
        known: Sequence[TableProfile],
        log: Log,
        settings: Settings | None,
    ) -> None:
        self.tables, self.known, self.log, self.settings = tables, known, log, settings
        self.refused: list[DataRefused] = []
        self.unfit: list[DataRefused] = []
        self._read: list[tuple[Source, Stamp | None, list[Sheet]]] = []
        self._prints: dict[str, str] = {}

    @property
    def sheets(self) -> list[Sheet]:
        return [sheet for _, _, sheets in self._read for sheet in sheets]

    def read(self, source: Source) -> None:
        """Read one file, or say why it is refused; of a file that is refused nothing stays."""
        self.log.meet(source.label)
        mark = self.log.mark()
        try:
            data, stamp = (source.url.encode(), None) if source.url else read_stamped(source)
            if self._prints.setdefault(fingerprint(data), source.label) != source.label:
                self.log.add("same_file_twice", source.label)
                return
            if stamp is None:
                with contextlib.closing(read_database(source, self.tables, self.log)) as opened:
                    tables = [self._read_sheet(grid, match, source) for match, grid in opened]
                self._read.append((source, None, tables))
                return
            found, others = open_source(source, data, self.tables, self.log)
            sheets = []
            for match, grid in found:
                grid.written_at = stamp.written_at
                sheets.append(self._read_sheet(grid, match, source))
            for grid in others:
                account_unread(grid, source, self.tables, self.known, self.log, alone=not found)
            if others and not found:
                self.unfit.append(refuse_unread(others[0], source, self.tables, self.known))
            self._read.append((source, stamp, sheets))
        except DataRefused as error:
            self.log.take_back(mark)
            self.refused.append(error)

    def _read_sheet(self, grid: Grid, match: Match, source: Source) -> Sheet:
        log = self.log
        mend(grid, log)
        _check_needed(grid, match)
        for name in match.doubled:
            log.add("two_headers", grid.file, grid.sheet, column=match.headers[match.fields[name]])
        if match.unused:
            log.add("columns_unused", grid.file, grid.sheet, detail=match.unused_names)
        data = find_rows(grid, match, log)
        if not len(data):
            log.add("no_rows", grid.file, grid.sheet)
        fit(data, collection_year(source.path.name, source.path.parent.name, self.settings))
        for name in data.match.table.expected:
            if not data.has(name):
                log.add("column_absent", grid.file, grid.sheet, detail=name)
        return Sheet(data, read_tables(data))

    def check_unchanged(self) -> None:
        """Refuse the files that were written to since they were read: what stands here is not what they hold."""
        changed_since = [read for read in self._read if read[1] and not same_as_read(read[0], read[1])]
        for read in changed_since:
            self._read.remove(read)
            self.refused.append(changed(read[0]))
            self.log.forget(read[0].label)


def known_tables(profile: str | Path | None) -> list[TableProfile]:
    """Return the tables of one profile, or of all that ship with the library.

    Raises
    ------
    SettingsRefused
        If the profile is not one.
    """
    profiles = [read_profile(name) for name in (built_in() if profile is None else [profile])]
    return [table for p in profiles for table in p.tables]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file opened: each sheet with the tables that fit it, best first."""

    sheets: list[tuple[Grid, list[Match]]]


def open_grids(source: Source, data: bytes, tables: Sequence[TableProfile], log: Log) -> Opened:
    """Open a file and find the tables that fit each of its sheets.

    Raises
    ------
    DataRefused
        If the file cannot be read safely.
    """
    if source.path.suffix.lower() in PARQUET_SUFFIXES:
        return Opened([open_parquet(data, source.label, tables)])
    if source.path.suffix.lower() in BOOK_SUFFIXES:
        grids = read_book(data, source.label, log, tables)
        return Opened([(g, match_tables(g.rows, [t for t in tables if t.sheet in ("", g.sheet)])) for g in grids])
    text = texts.decode(data, source.label, log)
    heads = texts.heads(text)
    by_delimiter = {d: match_tables(rows, tables) for d, rows in heads.items()}
    delimiter = max(by_delimiter, key=lambda d: len(by_delimiter[d][0].fields) if by_delimiter[d] else 0)
    if not by_delimiter[delimiter]:
        likely = max(heads, key=lambda d: max((len(r) for r in heads[d]), default=0))
        try:
            return Opened([(texts.read_grid(text, source.label, likely), [])])
        except DataRefused:  # nobody reads it, so it is only counted
            return Opened([(loosely(text, source.label, likely), [])])
    grid = texts.read_grid(text, source.label, delimiter)
    return Opened([(grid, match_tables(grid.rows, tables))])


def open_source(
    source: Source, data: bytes, tables: Sequence[TableProfile], log: Log
) -> tuple[list[tuple[Match, Grid]], list[Grid]]:
    """Return the sheets of a file that a table profile fits, and the others that hold something.

    Raises
    ------
    DataRefused
        If the file cannot be read safely, or was named by the caller and fits no profile.
    """
    found = []
    others = []
    for grid, matches in open_grids(source, data, tables, log).sheets:
        if matches:
            found.append((choose(matches, grid.file, grid.sheet, grid.rows, grid.lines), grid))
        elif any(not is_blank(c) for row in grid.rows for c in row):
            others.append(grid)
        else:
            log.add("empty_sheet", grid.file, grid.sheet)
    if not found and others and source.is_named:
        raise refuse_unread(others[0], source, tables, known_tables(None))
    if not found and not others and source.is_named:
        raise DataRefused.of_file(
            source.label, "it holds nothing but blanks", "Export it again.", rule=RULES["empty_file"].code
        )
    return found, others


def _check_needed(grid: Grid, match: Match) -> None:
    """Refuse at once what would otherwise be an error in every row: no column for what a row must have."""
    table = match.table
    needed = table.needed
    absent = [n for n in needed if n not in match.fields and n not in table.defaults]
    if not absent:
        return
    unnamed = [n for n in absent if n not in table.columns]
    names = ", ".join(f"{n} ({needed[n]})" for n in unnamed or absent)
    if unnamed:
        raise DataRefused.of_file(
            grid.file,
            f"the profile {table.profile} names no column for {names}",
            "Edit the TOML: under [table.columns], write the field and the header of its column.",
            sheet=grid.sheet,
        )
    raise DataRefused.of_file(
        grid.file,
        f"no column was found for {names}, which every row of {table.name} (profile {table.profile}) needs",
        "Edit the TOML: add the header of its column to the field.",
        sheet=grid.sheet,
    )


def _account(data: Data) -> None:
    aside = np.flatnonzero(data.aside != "")
    rows = [list(map(as_text, data.rows[i])) for i in aside.tolist()]
    file, sheet = data.grid.file, data.grid.sheet
    data.log.hold(file, sheet, data, data.lines)
    data.log.set_aside(file, sheet, data.lines[aside].tolist(), data.aside[aside].tolist(), rows)
    data.log.account(
        file,
        sheet,
        data.match.table.becomes[0],
        n_rows=len(data.grid.rows),
        n_accepted=int((data.aside == "").sum()),
        n_quarantined=len(aside),
        n_not_data=len(data.grid.rows) - len(data),
    )
