"""Columns of dates and times into London time: the order proven, stand-ins and the future told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.cells import dates
from missing_patterns.ingest.cells.clocks import place
from missing_patterns.ingest.cells.dates import FAULTS, parse_times
from missing_patterns.ingest.cells.stamps import Order, Stamps, minority, parse_cells, prove_order
from missing_patterns.ingest.sheet.distinct import Distinct
from missing_patterns.ingest.sheet.rows import Data

#: Fields without which a row says nothing safe: words that are no date set the row aside there.
VITAL = ("missing_from", "returned_at", "started_on", "ended_on")
#: Fields in which a far-future date, or words such as "still missing", mean that it has not ended.
ENDS = ("returned_at", "ended_on", "observed_until")
#: A day that may well lie after the file was written.
MAY_LIE_AHEAD = ("observed_until",)
FIRST_YEAR, LAST_YEAR = 1990, 2098
FIRST_BIRTH_YEAR = 1960
#: A child may stand in an extract until this age, so a birth year of two digits cannot be further back.
OLDEST = 25
#: From so many dates after it on, and if they are the most, it is the file's own date that is wrong.
MANY_AHEAD = 3


@dataclass(frozen=True, slots=True, repr=False)
class Times:
    """A column of times in Europe/London, as London's clocks showed them, and whether each holds a time of day.

    Raises
    ------
    Nothing.
    """

    at: pd.Series
    wall: np.ndarray
    has_time: np.ndarray

    def __repr__(self) -> str:
        return f"Times: {len(self.wall)} rows"


@dataclass(frozen=True, slots=True, repr=False)
class _Naive:
    """A column of stamps as written, row by row."""

    at: np.ndarray
    has_time: np.ndarray
    is_utc: np.ndarray


def read_times(
    data: Data, name: str, not_before: pd.Series | None = None, plannable: np.ndarray | None = None
) -> Times:
    """Return a field of times in Europe/London; a time column beside it is joined to it.

    ``plannable`` are rows in which a date after the file was written is told as planned, not set aside.

    Raises
    ------
    DataRefused
        If the column only fits month first, or mixes orders so that it cannot be trusted.
    """
    if not data.has(name):
        nothing = np.full(len(data), "NaT", dtype="datetime64[us]")
        return Times(pd.Series(nothing).dt.tz_localize(schema.LONDON), nothing, np.zeros(len(data), dtype=bool))
    naive = _read_column(data, name, FIRST_YEAR, plannable)
    if data.has(f"{name}_time"):
        naive = _join_times(data, name, naive)
    placed = place(naive.at, naive.is_utc, not_before)
    if naive.has_time.any():
        data.tell(placed.in_gap & naive.has_time, "clock_gap", name)
        data.tell(placed.fold_by_order & naive.has_time, "clock_fold", name)
        data.tell(placed.fold_unproven & naive.has_time, "clock_fold_unproven", name)
    return Times(placed.at, placed.wall, naive.has_time)


def read_dates(data: Data, name: str) -> np.ndarray:
    """Return a field of dates, without times; a time in UTC gives its date in London.

    Raises
    ------
    DataRefused
        As ``read_times``.
    """
    if not data.has(name):
        return np.full(len(data), "NaT", dtype="datetime64[us]")
    naive = _read_column(data, name, FIRST_BIRTH_YEAR if name == "birth_month" else FIRST_YEAR)
    wall = place(naive.at, naive.is_utc).wall if naive.is_utc.any() else naive.at
    return to_days(wall)


def to_days(wall: np.ndarray) -> np.ndarray:
    """Cut the time of day off naive times.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> to_days(np.array(["2026-01-05T22:15"], dtype="datetime64[us]")).astype(str).tolist()
    ['2026-01-05T00:00:00.000000']
    """
    return wall.astype("datetime64[D]").astype("datetime64[us]")


def _read_column(data: Data, name: str, first_year: int, plannable: np.ndarray | None = None) -> _Naive:
    found = data.distinct(name)
    counts = np.bincount(found.codes[~data.shapeless], minlength=len(found.cells))
    written = data.grid.written_at
    last_year = dates.LAST_TWO_DIGIT if written is None or name in MAY_LIE_AHEAD else written.year
    read = parse_cells(found.cells, data.match.table.date_order, last_year)
    _check_order(data, name, prove_order(read, counts))
    faults, is_open = _faults(name, read)
    at = read.at
    strange = (at < _new_year(first_year)) | (at >= _new_year(LAST_YEAR + 1))
    if name == "birth_month":
        strange |= read.is_repair("two_digit_year") & (at < _new_year(last_year - OLDEST))
    faults["year_out_of_range"] = strange
    if written is not None and name not in MAY_LIE_AHEAD:
        faults["future_date"] = _ahead(data, name, at, counts, written) & ~strange
    for rule, where in faults.items():
        if rule == "future_date" and plannable is not None:
            ahead = where[found.codes]
            data.tell(ahead & plannable, "interview_planned", name)
            data.fault(ahead & ~plannable, rule, name)
        elif where.any():
            tell = data.tell if rule == "date_is_words" else data.fault
            tell(where[found.codes], rule, name)
    at = np.where(strange | faults.get("future_date", strange), np.datetime64("NaT"), at)
    if is_open.any():
        data.tell(is_open[found.codes], "open_placeholder", name)
    _tell_repairs(data, name, read, found, ~np.isnat(at), counts)
    return _Naive(at[found.codes], read.has_time[found.codes], read.is_utc[found.codes])


def _new_year(year: int) -> np.datetime64:
    return np.datetime64(f"{year}-01-01", "us")


def _faults(name: str, read: Stamps) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Say which cells break which rule, given which field they stand in, and which mean that it has not ended."""
    broken = {rule: read.is_fault(rule) for rule in FAULTS[1:]}
    is_open = np.zeros(len(read.at), dtype=bool)
    if name in ENDS:
        is_open = broken["open_placeholder"] | broken["open_words"] | broken["not_applicable_words"]
    else:
        broken["placeholder_date"] |= broken["open_placeholder"]
        broken["date_is_words"] |= broken["open_words"]
    if name in ("returned_at", "ended_on"):  # not known when is not the same as not yet
        broken["date_is_words"] |= broken["unknown_words"]
    if name in VITAL:
        broken["not_a_date"] |= broken.pop("date_is_words")
    kept = ("not_a_date", "date_order", "placeholder_date", "date_is_words")
    return {rule: broken[rule] for rule in kept if rule in broken}, is_open


def _ahead(data: Data, name: str, at: np.ndarray, counts: np.ndarray, written: dt.datetime) -> np.ndarray:
    """Say which cells lie more than a day after the file was written; if most do, its own date is not believed."""
    ahead: np.ndarray = at > np.datetime64(written, "us") + np.timedelta64(1, "D")
    n_ahead, n_dates = int(counts[ahead].sum()), int(counts[~np.isnat(at)].sum())
    if n_ahead >= MANY_AHEAD and 2 * n_ahead > n_dates:
        data.tell_column("dates_after_file", name, f"{n_ahead:,} of {n_dates:,}")
        return np.zeros(len(at), dtype=bool)
    return ahead


def _tell_repairs(data: Data, name: str, read: Stamps, found: Distinct, good: np.ndarray, counts: np.ndarray) -> None:
    told = {rule: read.is_repair(rule) for rule in dates.REPAIRS}
    told["date_reworded"] = minority(np.where(good, read.form, 0), counts)
    told["time_reworded"] = minority(np.where(good, read.clock, 0), counts)
    utc = good & read.is_utc
    if utc.any() and not counts[good & ~utc].sum():
        data.tell_column("utc_time", name, f"all {int(counts[utc].sum()):,} rows")
    else:
        told["utc_time"] = utc
    for rule, where in told.items():
        if (where & good).any():
            data.tell((where & good)[found.codes], rule, name)


def _join_times(data: Data, name: str, naive: _Naive) -> _Naive:
    """Join a column of times of day to the dates that it stands beside."""
    beside = f"{name}_time"
    found = data.distinct(beside)
    clocks = parse_times(found.cells)
    since, there, fault = (each[found.codes] for each in (clocks.since, clocks.there, clocks.fault))
    dated = ~np.isnat(naive.at)
    data.fault(fault & dated, "not_a_date", beside)
    bare = dated & (naive.at == to_days(naive.at))
    joins = there & bare
    twice = there & dated & ~bare
    apart = np.abs(naive.at - to_days(naive.at) - since)
    differ = twice & ~naive.is_utc & (apart >= np.timedelta64(1, "m"))
    data.fault(differ, "not_a_date", beside)
    data.tell(twice & ~differ & (apart > np.timedelta64(0, "us")), "time_twice", beside)
    at = naive.at.copy()
    at[joins] += since[joins]
    data.tell(bare & ~there & ~fault, "time_blank", beside)
    data.tell(joins & (since == np.timedelta64(1, "D")), "midnight_24", beside)
    reworded = minority(clocks.form, np.bincount(found.codes[joins], minlength=len(found.cells)))
    data.tell(joins & reworded[found.codes], "time_reworded", beside)
    return _Naive(at, (naive.has_time & ~bare) | joins, naive.is_utc)


def _check_order(data: Data, name: str, read: Order) -> None:
    header = data.match.headers[data.match.fields[name]]
    declared, other = ("day", "month") if data.match.table.date_order == "day_first" else ("month", "day")
    if read.n_other and read.n_declared == 0:
        raise data.refuse(
            "date_order_other",
            f"column '{header}' fits only {other} first ({read.n_other:,} dates; none is {declared} first for certain)",
            f"Export dates {declared} first or as yyyy-mm-dd, or set date_order in a profile.",
        )
    if read.n_other > read.n_declared:
        raise data.refuse(
            "date_order_other",
            f"column '{header}' mixes orders: {read.n_declared:,} dates fit only {declared} first, "
            f"{read.n_other:,} only {other} first",
            "Export dates as yyyy-mm-dd.",
        )
    if read.is_swapped:
        raise data.refuse(
            "date_order_other",
            f"column '{header}' looks as if a spreadsheet swapped day and month wherever both are 12 or less",
            "Export again and open the CSV by importing it, with the column as text.",
        )
    if read.n_declared:
        n = read.n_declared + read.n_either
        detail = (
            f"{n:,} dates read {declared} first: {read.n_declared:,} can only be read so, "
            f"{read.n_either:,} could be either way"
        )
        if read.n_other:
            detail += f", {read.n_other:,} contradict it"
        data.tell_column("date_order_proven", name, detail)
    elif read.n_either:
        data.tell_column("date_order_unproven", name, f"{read.n_either:,} could be either way; read {declared} first")
