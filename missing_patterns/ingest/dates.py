"""Dates and times of a column: each distinct value parsed once, the order of day and month proven, nothing guessed.

Numbers alone are read in the order that the profile declares. A value that only fits the other order proves something:
if no value proves the declared order, the whole file is refused; otherwise the row that contradicts is set aside.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from missing_patterns.ingest.grid import Cell, is_blank, tidy

_TIME = r"(?P<h>\d{1,2})[:.](?P<mi>\d{2})(?:[:.](?P<s>\d{2})(?:[.,:]\d+)?)?\s*(?P<ap>[ap]\.?m\.?)?\s*(?:h|hrs|hours)?"
_COMPACT = r"(?P<h>\d{2})(?P<mi>\d{2})\s*(?:h|hrs|hours)?(?P<s>)(?P<ap>)"
_HOUR = r"(?P<h>\d{1,2})\s*(?P<ap>[ap]\.?m\.?)(?P<mi>)(?P<s>)"
_TIMES = [re.compile(p, re.IGNORECASE) for p in (_TIME, _COMPACT, _HOUR)]
_REST = r"(?:[T,\s]\s*(?:at\s+)?(?P<time>\S.*?))?"
_ZONE = re.compile(r"(?<=\d)\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$", re.IGNORECASE)
_DAY_NAME = re.compile(r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\s+", re.IGNORECASE)
_ISO = re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_REST}", re.IGNORECASE)
_ISO_COMPACT = re.compile(rf"(?P<y>(?:19|20)\d{{2}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_REST}", re.IGNORECASE)
_NUMBERS = re.compile(rf"(?P<a>\d{{1,2}})[/.\-](?P<b>\d{{1,2}})[/.\-](?P<y>\d{{4}}|\d{{2}}){_REST}", re.IGNORECASE)
_NAMED = re.compile(
    rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s\-/]*(?:of\s+)?(?P<m>[a-z]{{3,9}})\.?[\s\-/,]*(?P<y>\d{{4}}|\d{{2}}){_REST}",
    re.IGNORECASE,
)
_NAMED_FIRST = re.compile(
    rf"(?P<m>[a-z]{{3,9}})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}}){_REST}", re.IGNORECASE
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  # Excel counts days from here
_NOTHING = dt.datetime(1970, 1, 1)  # noqa: DTZ001

#: Stand-ins that programs and people write for "no date".
PLACEHOLDERS = frozenset(
    {dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1900, 1, 1), dt.date(1901, 1, 1), dt.date(1753, 1, 1)}
    | {dt.date(1, 1, 1), dt.date(1970, 1, 1)}
)
#: Stand-ins for "has not ended".
OPEN_YEARS = (2999, 9999)
_OPEN_DATES = frozenset({dt.date(2099, 12, 31), dt.date(2100, 1, 1)})

_NOT_RECORDED = frozenset({"n/a", "na", "none", "unknown", "not known", "not recorded", "nk", "n/k", "tbc", "?"})

# What a value proves about the order of day and month.
_SILENT, _DECLARED, _OTHER, _EITHER = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class _Read:
    """One value: a naive stamp, or a fault, with what it proves and what was repaired."""

    at: dt.datetime = _NOTHING
    is_there: bool = False
    has_time: bool = False
    is_utc: bool = False
    fault: str = ""
    repair: str = ""
    proves: int = _SILENT
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Stamps:
    """A column of stamps, naive as written or in UTC, with a fault or repair per row.

    Parameters
    ----------
    at : array of datetime64[us]
        NaT where blank or at fault.
    has_time, is_utc : arrays of bool
    fault, repair : arrays of str
        Rule broken or applied, or "".
    n_declared, n_other, n_either : int
        Values that only fit the declared order of day and month, only the other, or both with different meanings.
    is_swapped : bool
        Whether it looks as if a spreadsheet turned day-first text into month-first dates wherever it could.

    Raises
    ------
    Nothing.
    """

    at: np.ndarray
    has_time: np.ndarray
    is_utc: np.ndarray
    fault: np.ndarray
    repair: np.ndarray
    n_declared: int
    n_other: int
    n_either: int
    is_swapped: bool


def parse_column(cells: Sequence[Cell], order: str = "day_first") -> Stamps:
    """Parse a column of dates, each distinct value once.

    Parameters
    ----------
    cells : sequence
        As read: text, real dates, Excel day numbers, blanks.
    order : {"day_first", "month_first"}
        How dates with numbers alone are written.

    Returns
    -------
    Stamps

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> read = parse_column(["05/01/2026 22:15", "31/02/2026", None])
    >>> read.at[0], read.fault.tolist()
    (np.datetime64('2026-01-05T22:15:00.000000'), ['', 'not_a_date', ''])
    """
    known: dict[tuple[type, Cell], int] = {}
    codes = np.fromiter((known.setdefault((type(c), c), len(known)) for c in cells), dtype=np.int64, count=len(cells))
    reads = [parse_one(cell, order) for _, cell in known]
    if not reads:
        reads = [_Read()]
    at = np.array([r.at for r in reads], dtype="datetime64[us]")
    at[[not r.is_there for r in reads]] = np.datetime64("NaT")
    proves = np.array([r.proves for r in reads])[codes]
    is_text = np.array([r.is_text for r in reads])[codes]
    days = np.array([r.at.day if r.is_there else 0 for r in reads])[codes]
    return Stamps(
        at[codes],
        np.array([r.has_time for r in reads])[codes],
        np.array([r.is_utc for r in reads])[codes],
        np.array([r.fault for r in reads], dtype=object)[codes],
        np.array([r.repair for r in reads], dtype=object)[codes],
        int((proves == _DECLARED).sum()),
        int((proves == _OTHER).sum()),
        int((proves == _EITHER).sum()),
        _looks_swapped(days[is_text & (days > 0)], days[~is_text & (days > 0)]),
    )


def _looks_swapped(text_days: np.ndarray, real_days: np.ndarray) -> bool:
    return len(text_days) >= 12 and len(real_days) >= 12 and text_days.min() > 12 and real_days.max() <= 12


def parse_one(cell: Cell, order: str = "day_first") -> _Read:
    """Parse one value.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_one("5 Jan 2026 at 10:30pm").at
    datetime.datetime(2026, 1, 5, 22, 30)
    >>> parse_one("45382.25").repair
    'excel_serial'
    """
    if isinstance(cell, dt.datetime):
        return _checked(cell.replace(microsecond=0), has_time=True)
    if isinstance(cell, dt.date):
        return _checked(dt.datetime.combine(cell, dt.time()), has_time=False)
    if isinstance(cell, bool | dt.time | dt.timedelta):
        return _Read(fault="not_a_date")
    if is_blank(cell) or cell is None:
        return _Read()
    if isinstance(cell, int | float):
        return _from_serial(float(cell))
    text = _DAY_NAME.sub("", tidy(cell))
    if text.lower() in _NOT_RECORDED:
        return _Read()
    if _SERIAL.fullmatch(text):
        return _from_serial(float(text))
    return _from_text(text, order)


def _from_serial(number: float) -> _Read:
    if not 20_000 <= number < 60_001:
        return _Read(fault="not_a_date")
    at = _EPOCH + dt.timedelta(seconds=round(number * 86_400))
    return _checked(at, has_time=number != int(number), repair="excel_serial")


def _from_text(text: str, order: str) -> _Read:
    is_utc, offset = False, dt.timedelta(0)
    match = _ISO.fullmatch(text) or _ISO_COMPACT.fullmatch(text)
    if match and match["time"] and (zone := _ZONE.search(match["time"])):
        is_utc, offset = True, _offset(zone[1])
        text = text[: len(text) - len(zone[0])]
        match = _ISO.fullmatch(text) or _ISO_COMPACT.fullmatch(text)
    proves = _SILENT
    if match:
        year, month, day = match["y"], int(match["m"]), int(match["d"])
    elif match := _NUMBERS.fullmatch(text):
        year, first, second = match["y"], int(match["a"]), int(match["b"])
        day, month = (first, second) if order == "day_first" else (second, first)
        if month > 12 >= day >= 1:
            return _Read(fault="date_order", proves=_OTHER)
        proves = _DECLARED if day > 12 >= month else (_SILENT if day == month else _EITHER)
    elif match := _NAMED.fullmatch(text) or _NAMED_FIRST.fullmatch(text):
        year, day = match["y"], int(match["d"])
        name = match["m"].lower()
        month = _MONTHS.index(name[:3]) + 1 if name[:3] in _MONTHS else 0
    else:
        return _Read(fault="not_a_date")
    repair = ""
    if len(year) == 2:
        year, repair = ("19" if int(year) >= 80 else "20") + year, "two_digit_year"
    clock = _time(match["time"]) if match["time"] else dt.timedelta(0)
    try:
        date = dt.datetime(int(year), month, day)  # noqa: DTZ001
    except ValueError:
        return _Read(fault="not_a_date")
    if clock is None:
        return _Read(fault="not_a_date")
    if clock == dt.timedelta(days=1):
        repair = "midnight_24"
    if date.year >= OPEN_YEARS[-1]:
        return _Read(fault="open_placeholder")
    return _checked(date + clock - offset, has_time=bool(match["time"]), repair=repair, proves=proves, is_utc=is_utc)


def _offset(zone: str) -> dt.timedelta:
    if zone[0] not in "+-":
        return dt.timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    length = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -length if zone[0] == "-" else length


def _checked(
    at: dt.datetime, *, has_time: bool, repair: str = "", proves: int | None = None, is_utc: bool = False
) -> _Read:
    """Give a stamp, unless it is a stand-in. Real dates of a workbook come here without proving any order."""
    if at.date() in PLACEHOLDERS:
        return _Read(fault="placeholder_date")
    if at.year in OPEN_YEARS or at.date() in _OPEN_DATES:
        return _Read(fault="open_placeholder")
    return _Read(at, True, has_time, is_utc, "", repair, proves or _SILENT, is_text=proves is not None)


def _time(text: str) -> dt.timedelta | None:
    """Parse a time of day as the time since midnight; None if it is not one."""
    for pattern in _TIMES:
        if match := pattern.fullmatch(text.strip()):
            break
    else:
        return None
    hour, minute, second = int(match["h"]), int(match["mi"] or 0), int(match["s"] or 0)
    if match["ap"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["ap"][0] in "pP" else 0)
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second)):
        return None
    return dt.timedelta(hours=hour, minutes=minute, seconds=second)


def parse_times(cells: Sequence[Cell]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parse a column of times of day: the time since midnight, whether there is one, and whether it is at fault.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_times(["22.30", "10:30pm", "2230", 0.9375, "", "25:00"])[0].astype("int64") // 60_000_000
    array([1350, 1350, 1350, 1350, 0, 0])
    """
    known: dict[tuple[type, Cell], int] = {}
    codes = np.fromiter((known.setdefault((type(c), c), len(known)) for c in cells), dtype=np.int64, count=len(cells))
    since = [_time_of(cell) for _, cell in known] or [dt.timedelta(0)]
    blank = [is_blank(cell) or (isinstance(cell, str) and tidy(cell).lower() in _NOT_RECORDED) for _, cell in known]
    fault = np.array([s is None and not b for s, b in zip(since, blank or [True], strict=True)])
    there = np.array([s is not None for s in since]) & ~np.array(blank or [True])
    length = np.array([s or dt.timedelta(0) for s in since], dtype="timedelta64[us]")
    return length[codes], there[codes], fault[codes]


def _time_of(cell: Cell) -> dt.timedelta | None:
    if isinstance(cell, dt.datetime | dt.time):
        return dt.timedelta(hours=cell.hour, minutes=cell.minute, seconds=cell.second)
    if isinstance(cell, dt.timedelta):
        return cell if dt.timedelta(0) <= cell <= dt.timedelta(days=1) else None
    if isinstance(cell, str):
        if re.fullmatch(r"0?\.\d+", tidy(cell)):
            return dt.timedelta(seconds=round(float(tidy(cell)) * 86_400))
        text = tidy(cell)
        return _time(text.zfill(4) if text.isdigit() and len(text) == 3 else text)
    if isinstance(cell, float) and 0 <= cell < 1:
        return dt.timedelta(seconds=round(cell * 86_400))
    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell == int(cell) and 1 <= cell <= 2400:
        return _time(str(int(cell)).zfill(4))
    return None
