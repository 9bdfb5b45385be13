"""School terms and bank holidays, read once into a table with a row for each day, so that a look-up costs no loop."""

from __future__ import annotations

import csv
import datetime as dt
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from missing_patterns.episodes.arrays import Ints
from missing_patterns.errors import SettingsRefused, did_you_mean

Floats = npt.NDArray[np.float64]

TERMS_FILE, HOLIDAYS_FILE = "school_terms_typical.csv", "bank_holidays_england.csv"
FACTS = (
    "is_school_day",
    "is_school_holiday",
    "is_bank_holiday",
    "days_to_school_holiday",
    "days_to_term",
    "days_to_bank_holiday",
)
#: No half of an English term is as long as this, and no holiday: a longer one means that rows are missing.
LONGEST_BLOCK, LONGEST_HOLIDAY = 75, 70

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EPOCH = dt.date(1970, 1, 1)
_BLANK = -(10**9)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Calendar:
    """School terms and bank holidays by day; made by :func:`read_calendar`.

    All days are whole numbers since 1970-01-01 of the calendar in London.

    Parameters
    ----------
    starts, ends : array of int64
        First and last day of each block of term (half a term), in order and apart from each other.
    holidays : array of int64
        Bank holidays, in order. Of every year from the first to the last, all are listed.
    announced : array of int64
        The day on which each bank holiday was announced; a day long ago where it was always known.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> read_calendar()
    Calendar: 132 blocks of term from 2009-09-01 to 2031-07-21, 173 bank holidays of 2010 to 2030
    """

    starts: Ints
    ends: Ints
    holidays: Ints
    announced: Ints
    _first: int = field(init=False)
    _table: Floats = field(init=False)

    def __post_init__(self) -> None:
        years = self.holidays.astype("datetime64[D]").astype("datetime64[Y]")
        listed_from = int(years[0].astype("datetime64[D]").astype(np.int64))
        listed_to = int((years[-1] + 1).astype("datetime64[D]").astype(np.int64)) - 1
        first = min(int(self.starts[0]), listed_from)
        days = np.arange(first, max(int(self.ends[-1]), listed_to) + 1)
        # The last column stands for every day that is not in the table.
        table = np.full((len(FACTS), len(days) + 1), np.nan)
        _put_school(table[:, :-1], days, self.starts, self.ends)
        _put_bank(table[:, :-1], days, self.holidays, self.announced, (listed_from, listed_to))
        table.setflags(write=False)
        object.__setattr__(self, "_first", first)
        object.__setattr__(self, "_table", table)

    def __repr__(self) -> str:
        first, last = _as_date(int(self.starts[0])), _as_date(int(self.ends[-1]))
        years = _as_date(int(self.holidays[0])).year, _as_date(int(self.holidays[-1])).year
        return (
            f"Calendar: {len(self.starts)} blocks of term from {first} to {last}, "
            f"{len(self.holidays)} bank holidays of {years[0]} to {years[1]}"
        )

    def days(self, day_numbers: Ints) -> dict[str, Floats]:
        """Look days up.

        Parameters
        ----------
        day_numbers : array of int64
            Days of the calendar in London since 1970-01-01.

        Returns
        -------
        dict of str to array of float64
            For each day, NaN where the calendar does not say:
            ``is_school_day`` 1 on a weekday of a block of term that is no bank holiday, else 0 (a school's own days
            for staff are not known here); ``is_school_holiday`` 1 on a day between two blocks, weekends included;
            ``is_bank_holiday``; ``days_to_school_holiday`` to the first day after the block, 0 in a holiday;
            ``days_to_term`` to the first day of the next block, 0 in one; ``days_to_bank_holiday`` to the next one
            that was announced on or before the day, 0 on one.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> day = np.array(["2022-09-09", "2022-09-10", "2022-09-19"], dtype="datetime64[D]").astype(np.int64)
        >>> found = read_calendar().days(day)  # the State Funeral was announced on the 10th
        >>> found["days_to_bank_holiday"].tolist(), found["is_school_day"].tolist()
        ([108.0, 9.0, 0.0], [1.0, 0.0, 0.0])
        """
        outside = self._table.shape[1] - 1
        inside = (day_numbers >= self._first) & (day_numbers < self._first + outside)
        position = np.where(inside, day_numbers - self._first, outside)
        return {name: self._table[row].take(position) for row, name in enumerate(FACTS)}


def read_calendar(terms: str | Path | None = None, bank_holidays: str | Path | None = None) -> Calendar:
    """Read school terms and bank holidays, the packaged ones or a council's own.

    England has no national school calendar. The packaged terms are a **typical pattern** that no council set; the
    rule behind it stands in the file. The packaged bank holidays are those of England, 2010 to 2030.

    Parameters
    ----------
    terms : str or Path, optional
        A CSV with a row for each block of term (half a term): ``starts_on ends_on`` and optionally ``name``.
        None or ``""`` takes the typical pattern. ``[calendar] terms`` of the settings holds such a path.
    bank_holidays : str or Path, optional
        A CSV with a row for each bank holiday of whole years: ``on`` and optionally ``name announced_on``. None or
        ``""`` takes the packaged one.

    Returns
    -------
    Calendar

    Raises
    ------
    SettingsRefused
        Naming file, line, column and what to do: a file that cannot be read, a column that is absent, a date that is
        not written as ``2026-09-01``, an end before its start, terms that overlap, terms or years left out.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "terms.csv"
    ...     _ = file.write_text("starts_on,ends_on\\n2026-09-02,2026-10-23\\n2026-11-02,2026-12-18\\n")
    ...     read_calendar(file)
    Calendar: 2 blocks of term from 2026-09-02 to 2026-12-18, 173 bank holidays of 2010 to 2030
    """
    if not terms and not bank_holidays:
        return _packaged()
    blocks, listed = _read_terms(terms or None), _read_holidays(bank_holidays or None)
    return Calendar(*blocks, *listed)


@cache
def _packaged() -> Calendar:
    return Calendar(*_read_terms(None), *_read_holidays(None))


def _put_school(table: Floats, days: Ints, starts: Ints, ends: Ints) -> None:
    within = (days >= starts[0]) & (days <= ends[-1])
    day = days[within]
    block = np.searchsorted(starts, day, "right") - 1
    in_term = day <= ends[block]
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    table[0, within] = in_term & (weekday < 5)
    table[1, within] = ~in_term
    table[3, within] = np.where(in_term, ends[block] + 1 - day, 0)
    next_start = starts[np.minimum(block + 1, len(starts) - 1)]
    table[4, within] = np.where(in_term, 0, next_start - day)


def _put_bank(table: Floats, days: Ints, holidays: Ints, announced: Ints, listed: tuple[int, int]) -> None:
    known = (days >= listed[0]) & (days <= listed[1])
    table[0, ~known] = np.nan
    table[2, known] = 0
    for on, told in zip((holidays - days[0]).tolist(), (announced - days[0]).tolist(), strict=True):
        table[0, on] = np.where(np.isnan(table[0, on]), np.nan, 0)
        table[2, on] = 1
        since = slice(max(told, listed[0] - int(days[0])), on + 1)
        table[5, since] = np.fmin(table[5, since], on - np.arange(since.start, since.stop))


class _Row(NamedTuple):
    """Days in the order of the columns asked for; `_BLANK` where a cell is blank or not a date."""

    line: int
    days: tuple[int, ...]


def _read_terms(path: str | Path | None) -> tuple[Ints, Ints]:
    file, rows, problems = _read_rows(path, TERMS_FILE, ("starts_on", "ends_on"), ())
    whole = [row for row in rows if _BLANK not in row.days]
    for line, (start, end) in whole:
        if end < start:
            problems.append(f"line {line}, column 'ends_on': is before starts_on. Correct one of the two.")
        elif end - start >= LONGEST_BLOCK:
            problems.append(
                f"line {line}, column 'ends_on': the block is longer than {LONGEST_BLOCK} days. Write each half of a "
                "term, up to its half-term holiday, as a row of its own."
            )
    ordered = sorted(whole, key=lambda row: row.days)
    for before, after in pairwise(ordered):
        if after.days[0] <= before.days[1]:
            problems.append(
                f"line {after.line}, column 'starts_on': overlaps the term of line {before.line}. Correct one of the "
                "two, or remove a row that stands twice."
            )
        elif after.days[0] - before.days[1] > LONGEST_HOLIDAY:
            problems.append(
                f"line {after.line}, column 'starts_on': more than {LONGEST_HOLIDAY} days after the term of line "
                f"{before.line}. Add the terms between."
            )
    _refuse(file, problems)
    days = np.array([row.days for row in ordered], dtype=np.int64)
    return days[:, 0].copy(), days[:, 1].copy()


def _read_holidays(path: str | Path | None) -> tuple[Ints, Ints]:
    file, rows, problems = _read_rows(path, HOLIDAYS_FILE, ("on",), ("announced_on",))
    whole = sorted((row for row in rows if row.days[0] != _BLANK), key=lambda row: row.days)
    for line, (on, announced) in whole:
        if announced > on:
            problems.append(f"line {line}, column 'announced_on': is after the holiday itself. Correct one of the two.")
    for before, after in pairwise(whole):
        if before.days[0] == after.days[0]:
            problems.append(f"line {after.line}, column 'on': stands on line {before.line} too. Remove one of the two.")
        if _as_date(after.days[0]).year - _as_date(before.days[0]).year > 1:
            problems.append(
                f"line {after.line}, column 'on': a year between this and line {before.line} has no bank holiday. "
                "List every bank holiday of each year."
            )
    _refuse(file, problems)
    days = np.array([row.days for row in whole], dtype=np.int64)
    return days[:, 0].copy(), days[:, 1].copy()


def _read_rows(
    path: str | Path | None, packaged: str, needed: tuple[str, ...], optional: tuple[str, ...]
) -> tuple[str, list[_Row], list[str]]:
    """Read the dates of a CSV; lines that begin with "#" are comments, blank lines are nothing."""
    file, text = _read_text(path, packaged)
    lines = csv.reader(text.splitlines(), strict=True)
    try:
        every = [(lines.line_num, [cell.strip() for cell in row]) for row in lines]
    except csv.Error:
        raise SettingsRefused(f"{file}, line {lines.line_num}: is not CSV. Save it again as CSV UTF-8.") from None
    cells = [(line, row) for line, row in every if any(row) and not row[0].startswith("#")]
    header = cells[0][1] if cells else []
    absent = [f"column '{c}' is absent.{did_you_mean(c, header)}" for c in needed if c not in header]
    absent += [f"column '{c}' stands twice. Rename one." for c in (*needed, *optional) if header.count(c) > 1]
    _refuse(file, absent)
    if len(cells) < 2:
        raise SettingsRefused(f"{file}: holds no rows. Add one for each date, or leave the setting blank.")
    rows, problems = [], []
    for line, row in cells[1:]:
        days = []
        for column in (*needed, *optional):
            at = header.index(column) if column in header else len(row)
            cell = row[at] if at < len(row) else ""
            days.append(_day(cell))
            if days[-1] == _BLANK and (cell or column in needed):
                problems.append(f"line {line}, column '{column}': is not a date. Write it as 2026-09-01.")
        rows.append(_Row(line, tuple(days)))
    return file, rows, problems


def _read_text(path: str | Path | None, packaged: str) -> tuple[str, str]:
    if path is None:
        place = resources.files("missing_patterns") / "calendars" / packaged
        return packaged, place.read_text(encoding="utf-8")
    path = Path(path)
    try:
        return path.name, path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsRefused(
            f"{path.name}: cannot be read ({type(error).__name__}). Check the path under [calendar]."
        ) from None
    except UnicodeDecodeError:
        raise SettingsRefused(f"{path.name}: is not UTF-8 text. Save it again as CSV UTF-8.") from None


def _day(cell: str) -> int:
    try:
        return (dt.date.fromisoformat(cell) - _EPOCH).days if _DATE.fullmatch(cell) else _BLANK
    except ValueError:
        return _BLANK


def _as_date(day: int) -> dt.date:
    return _EPOCH + dt.timedelta(days=day)


def _refuse(file: str, problems: list[str]) -> None:
    if problems:
        raise SettingsRefused("\n".join([f"{file}:", *(f"- {p}" for p in problems)]))
