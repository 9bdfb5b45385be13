"""One date or time as a cell holds it: how it is written, what it proves about the order of day and month.

Numbers alone are read in the order that the profile declares. A value that only fits the other order proves something:
if no value proves the declared order, the whole file is refused; otherwise the row that contradicts is set aside.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from missing_patterns.ingest.cells.values import CONTROL
from missing_patterns.ingest.opening.grid import Cell, is_blank, tidy

_TIME = r"(?P<h>\d{1,2})(?P<sep>[:.])(?P<mi>\d{2})(?:[:.](?P<s>\d{2})(?P<f>[.,:]\d+)?)?\s*(?P<ap>[ap]\.?m\.?)?"
_COMPACT = r"(?P<h>\d{2})(?P<mi>\d{2})(?P<s>)(?P<ap>)(?P<f>)(?P<sep>)"
_HOUR = r"(?P<h>\d{1,2})\s*(?P<ap>[ap]\.?m\.?)(?P<mi>)(?P<s>)(?P<f>)(?P<sep>)"
_TIMES = [re.compile(p + r"\s*(?P<unit>h|hrs|hours)?", re.IGNORECASE) for p in (_TIME, _COMPACT, _HOUR)]
_REST = r"(?:[T,\s]\s*(?:at\s+)?(?P<time>\S.*?))?"
_ZONE = re.compile(r"(?<=\d)(?:\s*(?P<name>Z|UTC|GMT|BST)|(?P<ahead>[+-]\d{2}(?::?(?:00|30|45))?))$", re.IGNORECASE)
_DAY_NAME = re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)(?:s|nes|rs|ur)?(?:day)?,?\s+", re.IGNORECASE)
_ISO = re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_REST}", re.IGNORECASE)
_ISO_COMPACT = re.compile(rf"(?P<y>(?:19|20)\d{{2}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_REST}", re.IGNORECASE)
_NUMBERS = re.compile(rf"(?P<a>\d{{1,2}})([/.\-])(?P<b>\d{{1,2}})[/.\-](?P<y>\d{{4}}|\d{{2}}){_REST}", re.IGNORECASE)
_NAMED = re.compile(
    rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s\-/]*(?:of\s+)?(?P<m>[a-z]{{3,9}})\.?[\s\-/,]*(?P<y>\d{{4}}|\d{{2}}){_REST}",
    re.IGNORECASE,
)
_NAMED_FIRST = re.compile(
    rf"(?P<m>[a-z]{{3,9}})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}}){_REST}", re.IGNORECASE
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MONTHS = "january february march april may june july august september october november december".split()
_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  # Excel counts days from here
NOTHING = dt.datetime(1970, 1, 1)  # noqa: DTZ001

#: Stand-ins that programs and people write for "no date".
PLACEHOLDERS = frozenset(
    {dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1900, 1, 1), dt.date(1901, 1, 1), dt.date(1753, 1, 1)}
    | {dt.date(1, 1, 1), dt.date(1970, 1, 1)}
)
#: Stand-ins for "has not ended".
OPEN_YEARS = (2999, 9999)
_OPEN_DATES = frozenset({dt.date(2099, 12, 31), dt.date(2100, 1, 1)})
#: Without knowing when a file was written, a year of two digits is not after this one.
LAST_TWO_DIGIT = 2049

# Words instead of a date: that it does not apply, that it has not happened yet, that nobody knows it.
_NOT_APPLICABLE = frozenset({"n/a", "na", "none", "not applicable", "nil"})
_OPEN_WORDS = frozenset(
    "still missing|not returned|not yet returned|has not returned|yet to return|ongoing|on-going|on going|open"
    "|still open|current|currently missing|currently open|outstanding|missing|remains missing|not found|not yet found"
    "|not located|still in placement|in placement|to date|present".split("|")
)
_UNKNOWN = frozenset(
    "unknown|not known|unk|not recorded|not stated|nk|n/k|tbc|to be confirmed|?|??|don't know|dont know".split("|")
)

#: What can be wrong with a cell of a date column; the last four say which words stand there.
FAULTS = (
    "",
    "not_a_date",
    "date_order",
    "placeholder_date",
    "open_placeholder",
    "date_is_words",
    "open_words",
    "not_applicable_words",
    "unknown_words",
)
#: What was done so that a cell could be read; the bits of ``Read.repairs``.
REPAIRS = ("excel_serial", "two_digit_year", "midnight_24", "control_characters")
EXCEL_SERIAL, TWO_DIGIT_YEAR, MIDNIGHT_24, CONTROL_CHARACTERS = 1, 2, 4, 8

# What a value proves about the order of day and month.
SILENT, DECLARED, OTHER, EITHER = 0, 1, 2, 3
# How a date is written; 0 = not as text.
SLASHES, DASHES, DOTS, ISO, COMPACT, NAMED, WITH_DAY = 1, 2, 3, 4, 5, 6, 7
FORM_OF = {"/": SLASHES, "-": DASHES, ".": DOTS}
# How a time is written; 0 = not as text.
COLON, FRACTION, DOT, NO_COLON, AM_PM = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Read:
    """One value: a naive stamp, or a fault, with what it proves, how it is written and what was repaired.

    Raises
    ------
    Nothing.
    """

    at: dt.datetime = NOTHING
    is_there: bool = False
    has_time: bool = False
    is_utc: bool = False
    fault: str = ""
    repairs: int = 0
    proves: int = SILENT
    form: int = 0
    clock: int = 0


def parse_one(cell: Cell, order: str = "day_first", last_year: int = LAST_TWO_DIGIT) -> Read:
    """Parse one value.

    Parameters
    ----------
    cell : as read
        Text, a real date, an Excel day number, or blank.
    order : {"day_first", "month_first"}
        How dates with numbers alone are written.
    last_year : int
        A year of two digits is the nearest that is not after this one.

    Returns
    -------
    Read

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_one("5 Jan 2026 at 10:30pm").at
    datetime.datetime(2026, 1, 5, 22, 30)
    >>> parse_one("31/02/2026").fault, parse_one("see notes").fault
    ('not_a_date', 'date_is_words')
    """
    if isinstance(cell, dt.date):
        return _from_real(cell)
    if isinstance(cell, bool | dt.time | dt.timedelta):
        return Read(fault="not_a_date")
    if is_blank(cell) or cell is None:
        return Read()
    if isinstance(cell, int | float):
        return _from_serial(float(cell))
    whole = CONTROL.sub("", cell)
    clean = tidy(whole)
    marks = CONTROL_CHARACTERS if clean != cell and clean != cell.strip().strip("\u00a0").strip() else 0
    if is_blank(clean):
        return Read(repairs=marks)
    if not any(c.isdigit() for c in clean):
        return Read(fault=_words(clean))
    read = _from_serial(float(clean)) if _SERIAL.fullmatch(clean) else _with_day_name(clean, order, last_year)
    return replace(read, repairs=read.repairs | marks) if marks else read


def _words(text: str) -> str:
    word = " ".join(text.lower().replace("\u2019", "'").split()).strip(" .!*()")
    known = ((_NOT_APPLICABLE, "not_applicable_words"), (_OPEN_WORDS, "open_words"), (_UNKNOWN, "unknown_words"))
    return next((fault for words, fault in known if word in words or text in words), "date_is_words")


def _from_real(cell: dt.date) -> Read:
    """Take a real date of a workbook or database; its parts of a second are only how a number was rounded."""
    if cell != cell:  # noqa: PLR0124  # pandas' "not a time" is a datetime that differs from itself
        return Read()
    if not isinstance(cell, dt.datetime):
        return _checked(dt.datetime.combine(cell, dt.time()), has_time=False)
    at, is_utc = cell, cell.tzinfo is not None
    if is_utc:
        at = cell.astimezone(dt.UTC).replace(tzinfo=None)
    if at.microsecond >= 999_000 and at.year < OPEN_YEARS[-1]:
        at += dt.timedelta(milliseconds=1)
    return _checked(at.replace(microsecond=0), has_time=True, is_utc=is_utc)


def _from_serial(number: float) -> Read:
    if not 20_000 <= number < 60_001:
        return Read(fault="not_a_date")
    at = _EPOCH + dt.timedelta(seconds=round(number * 86_400))
    return _checked(at, has_time=number != int(number), repairs=EXCEL_SERIAL)


def _with_day_name(text: str, order: str, last_year: int) -> Read:
    """Parse text that may begin with the day of the week, which must be the right one."""
    match = _DAY_NAME.match(text)
    if not match:
        return _from_text(text, order, last_year)
    read = _from_text(text[match.end() :], order, last_year)
    if not read.is_there:
        return read
    # At 24:00 the stamp is of the next day, and in UTC it may be.
    shift = 1 if read.repairs & MIDNIGHT_24 else 0
    if not read.is_utc and _DAYS[(read.at.weekday() - shift) % 7] != match[1].lower():
        return Read(fault="not_a_date")
    return replace(read, form=WITH_DAY)


def _from_text(text: str, order: str, last_year: int) -> Read:
    proves = SILENT
    if match := _ISO.fullmatch(text) or _ISO_COMPACT.fullmatch(text):
        year, month, day = match["y"], int(match["m"]), int(match["d"])
        form = COMPACT if match.re is _ISO_COMPACT else ISO
    elif match := _NUMBERS.fullmatch(text):
        year, first, second, form = match["y"], int(match["a"]), int(match["b"]), FORM_OF[match[2]]
        day, month = (first, second) if order == "day_first" else (second, first)
        if month > 12 >= day >= 1:
            return Read(fault="date_order", proves=OTHER, form=form)
        proves = DECLARED if day > 12 >= month else (SILENT if day == month else EITHER)
    elif match := _NAMED.fullmatch(text) or _NAMED_FIRST.fullmatch(text):
        year, day, month, form = match["y"], int(match["d"]), _month(match["m"]), NAMED
    else:
        return Read(fault="not_a_date")
    repairs = 0
    if len(year) == 2:
        year, repairs = str(last_year - (last_year - int(year)) % 100), TWO_DIGIT_YEAR
    clock, offset, is_utc = _Clock(dt.timedelta(0), 0), dt.timedelta(0), False
    if match["time"]:
        written, offset, is_utc = _split_zone(match["time"], is_iso=form in (ISO, COMPACT))
        found = read_clock(written)
        if found is None:
            return Read(fault="not_a_date")
        clock = found
    try:
        date = dt.datetime(int(year), month, day)  # noqa: DTZ001
    except ValueError:
        return Read(fault="not_a_date")
    if date.year >= OPEN_YEARS[-1]:
        return Read(fault="open_placeholder")
    if clock.since == dt.timedelta(days=1):
        repairs |= MIDNIGHT_24
    if date.year == 1 and offset:
        return Read(fault="placeholder_date")
    read = _checked(
        date + clock.since - offset, has_time=bool(match["time"]), repairs=repairs, proves=proves, is_utc=is_utc
    )
    return replace(read, form=form, clock=clock.form) if read.is_there else read


def _month(name: str) -> int:
    """Return the number of the month that a name of three letters or more begins, or 0."""
    word = name.lower()
    return next((i for i, month in enumerate(_MONTHS, 1) if month.startswith(word)), 0)


def _split_zone(text: str, *, is_iso: bool) -> tuple[str, dt.timedelta, bool]:
    """Split the zone off a time. Behind a date that is not ISO, a sign would sooner be "until" than a zone."""
    zone = _ZONE.search(text)
    if not zone or (zone["ahead"] and not is_iso):
        return text, dt.timedelta(0), False
    rest = text[: zone.start()]
    if zone["name"]:
        return rest, dt.timedelta(hours=zone["name"].upper() == "BST"), True
    digits = zone["ahead"][1:].replace(":", "").ljust(4, "0")
    length = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if length > dt.timedelta(hours=14):
        return text, dt.timedelta(0), False
    return rest, -length if zone["ahead"][0] == "-" else length, True


def _checked(at: dt.datetime, *, has_time: bool, repairs: int = 0, proves: int = SILENT, is_utc: bool = False) -> Read:
    """Give a stamp, unless it is a stand-in. Real dates of a workbook come here without proving any order."""
    if at.date() in PLACEHOLDERS:
        return Read(fault="placeholder_date")
    if at.year in OPEN_YEARS or at.date() in _OPEN_DATES:
        return Read(fault="open_placeholder")
    return Read(at, True, has_time, is_utc, "", repairs, proves)


@dataclass(frozen=True, slots=True)
class _Clock:
    """A time of day since midnight, and how it is written."""

    since: dt.timedelta
    form: int


def read_clock(text: str) -> _Clock | None:
    """Read a time of day; None if it is not one.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> str(read_clock("10.30 p.m.").since), read_clock("25:00")
    ('22:30:00', None)
    """
    match = next((m for pattern in _TIMES if (m := pattern.fullmatch(text.strip()))), None)
    if match is None:
        return None
    hour, minute, second = int(match["h"]), int(match["mi"] or 0), int(match["s"] or 0)
    form = (DOT if match["sep"] == "." else FRACTION if match["f"] else COLON) if match["sep"] else NO_COLON
    if match["ap"]:
        form = AM_PM
        if not 1 <= hour <= 12 or match["unit"]:
            return None
        hour = hour % 12 + (12 if match["ap"][0] in "pP" else 0)
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second)):
        return None
    return _Clock(dt.timedelta(hours=hour, minutes=minute, seconds=second), form)


@dataclass(frozen=True, slots=True, repr=False)
class Clocks:
    """Times of day, one per cell: since midnight, whether there is one, whether it is at fault, how it is written.

    Raises
    ------
    Nothing.
    """

    since: np.ndarray
    there: np.ndarray
    fault: np.ndarray
    form: np.ndarray


def parse_times(cells: Sequence[Cell]) -> Clocks:
    """Parse cells of a column of times of day.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_times(["22.30", "10:30pm", "2230", 0.9375, "", "25:00"]).since.astype("int64") // 60_000_000
    array([1350, 1350, 1350, 1350, 0, 0])
    >>> parse_times([9, 21, 0, 930, "0000", "0"]).fault.tolist()
    [True, True, True, False, False, True]
    """
    read = [_time_of(cell) for cell in cells]
    blank = [is_blank(c) or (isinstance(c, str) and _words(tidy(c)) in FAULTS[-2:]) for c in cells]
    nothing = dt.timedelta(0)
    return Clocks(
        np.array([r.since if r else nothing for r in read], dtype="timedelta64[us]"),
        np.array([r is not None and not b for r, b in zip(read, blank, strict=True)], dtype=bool),
        np.array([r is None and not b for r, b in zip(read, blank, strict=True)], dtype=bool),
        np.array([r.form if r else 0 for r in read], dtype=np.uint8),
    )


def _time_of(cell: Cell) -> _Clock | None:
    if isinstance(cell, dt.datetime | dt.time):
        return _Clock(dt.timedelta(hours=cell.hour, minutes=cell.minute, seconds=cell.second), 0)
    if isinstance(cell, dt.timedelta):
        return _Clock(cell, 0) if dt.timedelta(0) <= cell <= dt.timedelta(days=1) else None
    if isinstance(cell, str):
        text = tidy(CONTROL.sub("", cell))
        if re.fullmatch(r"0?\.\d+", text):
            return _Clock(dt.timedelta(seconds=round(float(text) * 86_400)), 0)
        return read_clock(text.zfill(4) if text.isdigit() and len(text) == 3 else text)
    if isinstance(cell, float) and 0 < cell < 1:
        return _Clock(dt.timedelta(seconds=round(cell * 86_400)), 0)
    # A number below 100 may be hours as well as minutes, so nobody can know.
    if isinstance(cell, int | float) and not isinstance(cell, bool) and 100 <= cell <= 2400 and cell == int(cell):
        return read_clock(str(int(cell)).zfill(4))
    return None
