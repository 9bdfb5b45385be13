"""The distinct cells of a date column as stamps: the usual layouts all at once, every other cell by itself.

Text of a fixed layout (dd/mm/yyyy or yyyy-mm-dd, with HH:MM or HH:MM:SS or without) is read as columns of digits. What
does not fit it in every sign, or is no date, goes to ``dates.parse_one``, which is the authority: both give the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import pandas as pd

from missing_patterns.ingest.cells import dates
from missing_patterns.ingest.cells.dates import FAULTS, REPAIRS, Read, parse_one
from missing_patterns.ingest.cells.values import joined_signs
from missing_patterns.ingest.opening.grid import Cell

_NUMERIC, _ISO = "00?00?0000", "0000-00-00"
_TAILS = ((10, ""), (16, "T00:00"), (19, "T00:00:00"))
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
#: Years among which no stand-in is, but for one.
_SAFE_YEARS = (1902, 2098)
_EPOCH_DAY = np.datetime64("1970-01-01", "D")
#: Of text that could not be turned round, and of real dates that could, so many each are no chance: honest dates would
#: look so less than once in two hundred columns.
FEWEST_SWAPPED = 4


@dataclass(frozen=True, slots=True, repr=False)
class Stamps:
    """Stamps, one per distinct cell: naive as written, or in UTC.

    Parameters
    ----------
    at : array of datetime64[us]
        NaT where blank or at fault.
    has_time, is_utc : arrays of bool
    fault : array of uint8
        Position in ``dates.FAULTS``.
    repairs : array of uint8
        Bits by the order of ``dates.REPAIRS``.
    proves : array of uint8
        What the cell proves about the order of day and month.
    form, clock : arrays of uint8
        How the date and the time are written; 0 = not as text.

    Raises
    ------
    Nothing.
    """

    at: np.ndarray
    has_time: np.ndarray
    is_utc: np.ndarray
    fault: np.ndarray
    repairs: np.ndarray
    proves: np.ndarray
    form: np.ndarray
    clock: np.ndarray

    def __repr__(self) -> str:
        return f"Stamps: {len(self.at)} cells, {int((self.fault > 0).sum())} at fault"

    def is_fault(self, rule: str) -> np.ndarray:
        """Say which cells break a rule."""
        found: np.ndarray = self.fault == FAULTS.index(rule)
        return found

    def is_repair(self, rule: str) -> np.ndarray:
        """Say which cells were repaired by a rule."""
        found: np.ndarray = (self.repairs >> REPAIRS.index(rule)) & 1 == 1
        return found


@dataclass(frozen=True, slots=True)
class Order:
    """What the rows of a column prove about the order of day and month.

    Parameters
    ----------
    n_declared, n_other, n_either : int
        Rows that only fit the declared order, only the other, or both with different meanings.
    is_swapped : bool
        Whether it looks as if a spreadsheet turned day-first text into month-first dates wherever it could.

    Raises
    ------
    Nothing.
    """

    n_declared: int
    n_other: int
    n_either: int
    is_swapped: bool


def parse_cells(
    cells: Sequence[Cell], order: str = "day_first", last_year: int = dates.LAST_TWO_DIGIT, *, is_slow: bool = False
) -> Stamps:
    """Parse distinct cells.

    Parameters
    ----------
    cells : sequence
        As read: text, real dates, Excel day numbers, blanks.
    order : {"day_first", "month_first"}
        How dates with numbers alone are written.
    last_year : int
        A year of two digits is the nearest that is not after this one.
    is_slow : bool
        Parse every cell by itself, as a check of the fast way.

    Returns
    -------
    Stamps

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> read = parse_cells(["05/01/2026 22:15", "31/02/2026", None])
    >>> read.at[0], read.is_fault("not_a_date").tolist()
    (np.datetime64('2026-01-05T22:15:00.000000'), [False, True, False])
    """
    n = len(cells)
    small = [np.zeros(n, dtype=np.uint8) for _ in range(5)]
    made = Stamps(np.full(n, "NaT", dtype="datetime64[us]"), np.zeros(n, bool), np.zeros(n, bool), *small)
    todo = np.ones(n, dtype=bool)
    if not is_slow:
        kinds = set(map(type, cells))
        if str in kinds:
            _take_layouts(cells, kinds, order, made, todo)
        if dt.datetime in kinds:
            _take_real(cells, made, todo)
    rest = np.flatnonzero(todo)
    reads = [parse_one(cells[i], order, last_year) for i in rest.tolist()]
    _put(made, rest, reads)
    return made


def _put(made: Stamps, where: np.ndarray, reads: list[Read]) -> None:
    at = np.array([r.at for r in reads], dtype="datetime64[us]")
    at[np.array([not r.is_there for r in reads], dtype=bool)] = np.datetime64("NaT")
    made.at[where] = at
    made.fault[where] = [FAULTS.index(r.fault) for r in reads]
    for name in ("has_time", "is_utc", "repairs", "proves", "form", "clock"):
        getattr(made, name)[where] = list(map(attrgetter(name), reads))


def _take_layouts(cells: Sequence[Cell], kinds: set[type], order: str, made: Stamps, todo: np.ndarray) -> None:
    """Read every text of a fixed layout that is a date, and cross it off."""
    signs, begins = joined_signs(cells, kinds)
    length = np.diff(begins) - 1
    for wanted, tail in _TAILS:
        where = np.flatnonzero(length == wanted)
        if not len(where):
            continue
        # One row per position in the text, so that each step below runs over neighbours in memory.
        block = np.empty((wanted, len(where)), dtype=np.uint8)
        for at in range(wanted):
            np.take(signs, begins[where] + at, out=block[at])
        for layout in (_NUMERIC, _ISO):
            _take_layout(block, layout + tail, order, made, where, todo)


def _take_layout(signs: np.ndarray, layout: str, order: str, made: Stamps, where: np.ndarray, todo: np.ndarray) -> None:
    fits = np.ones(signs.shape[1], dtype=bool)
    for at, sign in enumerate(layout):
        fits &= _fits(signs[at], sign)
        if not fits.any():
            return
    is_numeric = layout.startswith(_NUMERIC)
    if is_numeric:
        fits &= signs[2] == signs[5]
    if not fits.all():
        signs, where = signs[:, fits], where[fits]
    first, second = _number(signs, 0, 2), _number(signs, 3, 5)
    if is_numeric:
        day, month = (first, second) if order == "day_first" else (second, first)
        year = _number(signs, 6, 10)
    else:
        year, month, day = _number(signs, 0, 4), _number(signs, 5, 7), _number(signs, 8, 10)
    seconds = np.zeros(len(where), dtype=np.int64)
    good = (month >= 1) & (month <= 12) & (year >= _SAFE_YEARS[0]) & (year <= _SAFE_YEARS[1])
    for begins, unit, most in ((11, 3600, 23), (14, 60, 59), (17, 1, 59)):
        if len(layout) > begins:
            part = _number(signs, begins, begins + 2)
            good &= part <= most
            seconds += part * unit
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0)) & (month == 2)
    good &= (day >= 1) & (day <= _MONTH_DAYS[np.where(good, month, 0)] + leap)
    date = ((year - 1970) * 12 + month - 1).astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    good &= date != _EPOCH_DAY
    at, found = date.astype("datetime64[us]") + seconds.astype("timedelta64[s]"), where[good]
    made.at[found] = at[good]
    todo[found] = False
    made.has_time[found] = len(layout) > 10
    made.clock[found] = dates.COLON if len(layout) > 10 else 0
    made.form[found] = dates.ISO
    if is_numeric:
        forms = np.zeros(256, dtype=np.uint8)
        forms[[ord(sign) for sign in dates.FORM_OF]] = list(dates.FORM_OF.values())
        made.form[found] = forms[signs[2][good]]
        proven = np.where(day > 12, dates.DECLARED, np.where(day == month, dates.SILENT, dates.EITHER))
        made.proves[found] = proven[good]


def _fits(signs: np.ndarray, sign: str) -> np.ndarray:
    if sign == "0":
        return signs - np.uint8(48) <= 9
    allowed = {"?": "/-.", "T": "T "}.get(sign, sign)
    found: np.ndarray = np.isin(signs, [ord(c) for c in allowed])
    return found


def _number(signs: np.ndarray, begin: int, end: int) -> np.ndarray:
    number = np.zeros(signs.shape[1], dtype=np.int64)
    for at in range(begin, end):
        number = number * 10 + (signs[at] - 48)
    return number


def _take_real(cells: Sequence[Cell], made: Stamps, todo: np.ndarray) -> None:
    """Read the real dates and times of a workbook, and cross them off."""
    where = np.array([i for i, c in enumerate(cells) if type(c) is dt.datetime and c.tzinfo is None], dtype=np.int64)
    # pandas turns datetimes into numbers ten times as fast as numpy.
    given = pd.Series([cells[i] for i in where.tolist()], dtype="datetime64[us]").to_numpy()
    rounded = (given + np.timedelta64(1000, "us")).astype("datetime64[s]").astype("datetime64[us]")
    years = rounded.astype("datetime64[Y]").astype("int64") + 1970
    good = (years >= _SAFE_YEARS[0]) & (years <= _SAFE_YEARS[1]) & (rounded.astype("datetime64[D]") != _EPOCH_DAY)
    made.at[where[good]] = rounded[good]
    made.has_time[where[good]] = True
    todo[where[good]] = False


def prove_order(stamps: Stamps, counts: np.ndarray) -> Order:
    """Count what the rows prove, given how many hold each cell.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> prove_order(parse_cells(["13/01/2026", "01/02/2026"]), np.array([2, 3]))
    Order(n_declared=2, n_other=0, n_either=3, is_swapped=False)
    """
    told = np.bincount(stamps.proves, weights=counts, minlength=4).astype(int).tolist()
    there = ~np.isnat(stamps.at)
    days = (stamps.at.astype("datetime64[D]") - stamps.at.astype("datetime64[M]").astype("datetime64[D]")).astype(
        int
    ) + 1
    there &= counts > 0
    numbers = np.isin(stamps.form, (dates.SLASHES, dates.DASHES, dates.DOTS))
    text, real = there & numbers, there & (stamps.form == 0) & (stamps.repairs & dates.EXCEL_SERIAL == 0)
    enough = min(counts[text].sum(), counts[real].sum()) >= FEWEST_SWAPPED
    swapped = bool(enough and days[text].min() > 12 and days[real].max() <= 12)
    n_either = told[dates.EITHER]
    if text.any():  # beside text, a real date may be one that a spreadsheet turned round
        months = stamps.at.astype("datetime64[M]").astype(int) % 12 + 1
        n_either += int(counts[real & (days <= 12) & (days != months)].sum())
    return Order(told[dates.DECLARED], told[dates.OTHER], n_either, swapped)


def minority(forms: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Say which cells are written in another way than most rows of the column; 0 is no way of writing.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> minority(np.array([1, 4, 0], dtype=np.uint8), np.array([5, 2, 9])).tolist()
    [False, True, False]
    """
    weights = np.bincount(forms, weights=counts, minlength=2)
    weights[0] = 0
    found: np.ndarray = (forms > 0) & (forms != weights.argmax())
    return found
