"""Defects 1 to 21: the order of day and month, Excel's numbers, stand-ins, and the clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd

from corpus.model import (
    ALL,
    BOOKS,
    CSV,
    CSV_XLSX,
    DATES,
    HERE,
    TEXT,
    XLSX,
    Case,
    Refused,
    cell,
    quarantined,
    repaired,
    warned,
)
from corpus.sheets import N_ROWS, Sheet, birth_of, day, end_of, start_of
from corpus.writers import Formatted, real

START, END, HELD, DOB = "Date & time missing", "Date & time returned", "RHI date", "DOB"
LONDON = "Europe/London"
AT_START, AT_END, AT_HELD, AT_DOB = (("tracker", c) for c in (START, END, HELD, DOB))
RETURN_START, RETURN_END = ("missing", "MIS_START"), ("missing", "MIS_END")
SSD_START, SSD_END = (
    ("ssd", "miss_missing_episode_start_date"),
    ("ssd", "miss_missing_episode_end_date"),
)
#: What an unreadable date of each column is called.
CODES = {START: "1004", END: "1005", HELD: "MP-NOT-A-DATE", DOB: "MP-NOT-A-DATE", "MIS_START": "1004"}
CODES |= {"MIS_END": "1005", SSD_START[1]: "1004", SSD_END[1]: "1005"}


def london(*at: int) -> pd.Timestamp:
    return pd.Timestamp(*at, tz=LONDON)


def said(pattern: str) -> Callable[[str], str]:
    """Word the clean stamp of a cell otherwise."""
    return lambda text: f"{_stamp(text):{pattern}}"


_WAYS = {16: "%d/%m/%Y %H:%M", 10: "%d/%m/%Y", 19: "%Y-%m-%dT%H:%M:%S"}


def _stamp(text: str) -> dt.datetime:
    """Read a stamp of a clean table, which the length of its wording tells."""
    return dt.datetime.strptime(text, _WAYS[len(text)])  # noqa: DTZ007


def serial(text: str) -> float:
    since = _stamp(text) - dt.datetime(1899, 12, 30)  # noqa: DTZ001
    return since.days + since.seconds / 86_400


def column(number: int, name: str, at: tuple[str, str], value: Any, *told: Any, **how: Any) -> Case:
    """A defect of a whole column."""
    return Case(number, name, at[0], lambda s: s.put_all(at[1], value), how.pop("formats", TEXT), told, **how)


# 1-3: order ---------------------------------------------------------------------------------------------------------
def _early(pattern: str) -> Callable[[Sheet], None]:
    """Starts on the first twelve days of January, so that no date proves an order."""

    def plant(sheet: Sheet) -> None:
        name = START if sheet.base == "tracker" else "MIS_START"
        for i in range(N_ROWS):
            sheet.put(i, name, f"{start_of(i).replace(day=i + 1):{pattern}}")

    return plant


_EARLY_MINUTES: dict[tuple[object, str], Any] = {
    (i, "incidents.missing_from"): pd.Timestamp(start_of(i).replace(day=i + 1), tz=LONDON) for i in range(N_ROWS)
}
_EARLY_DAYS: dict[tuple[object, str], Any] = {k: v.normalize() for k, v in _EARLY_MINUTES.items()}


def _early_births(sheet: Sheet) -> None:
    for i in range(N_ROWS):
        sheet.put(i, DOB, day(birth_of(i).replace(day=1 + (i + 3) % 12)))


def _a_few_other(sheet: Sheet) -> None:
    for i in (1, 5, 9):
        sheet.put(i, START, said("%m/%d/%Y %H:%M"))


def _mostly_other(sheet: Sheet) -> None:
    for i in range(9):
        sheet.put(i, START, said("%m/%d/%Y %H:%M"))


def _one_proof(sheet: Sheet) -> None:
    _early("%d/%m/%Y %H:%M")(sheet)
    sheet.put(HERE, START, "13/01/2024 20:09")


ORDER = [
    Case(1, "no date proves the order", "tracker", _early("%d/%m/%Y %H:%M"), ALL,
         (warned("MP-DATE-ORDER-UNPROVEN", None, START),), values=_EARLY_MINUTES),
    Case(1, "no date proves the order", "missing", _early("%d/%m/%Y"), TEXT,
         (warned("MP-DATE-ORDER-UNPROVEN", None, "MIS_START"),), values=_EARLY_DAYS),
    Case(1, "no birth proves the order", "tracker", _early_births, TEXT,
         (warned("MP-DATE-ORDER-UNPROVEN", None, DOB),)),
    *(column(1, "month first throughout", at, said(f"%m/%d/%Y{time}"), refused=Refused("MP-DATE-ORDER-OTHER"),
             formats=formats)
      for at, time, formats in (
          (AT_START, " %H:%M", ALL), (AT_END, " %H:%M", CSV), (AT_HELD, " %H:%M", CSV), (AT_DOB, "", CSV),
          (RETURN_START, "", CSV), (RETURN_END, "", CSV), (SSD_START, " %H:%M", CSV),
      )),
    *(cell(2, "month first in a column written day first", at, said(f"%m/%d/%Y{time}"),
           quarantined("MP-DATE-ORDER", HERE, at[1]), formats=formats)
      for at, time, formats in (
          (AT_START, " %H:%M", ALL), (AT_END, " %H:%M", CSV), (AT_HELD, " %H:%M", XLSX), (AT_DOB, "", CSV),
          (RETURN_START, "", TEXT), (RETURN_END, "", CSV),
      )),
    Case(2, "a few dates month first", "tracker", _a_few_other, TEXT,
         tuple(quarantined("MP-DATE-ORDER", i, START) for i in (1, 5, 9))),
    Case(2, "mostly month first", "tracker", _mostly_other, TEXT, refused=Refused("MP-DATE-ORDER-OTHER")),
    Case(3, "one day above 12 among dates that could be either", "tracker", _one_proof, TEXT,
         values=_EARLY_MINUTES | {(HERE, "incidents.missing_from"): london(2024, 1, 13, 20, 9)}),
    *(cell(3, "no month 13", at, value, quarantined(CODES[at[1]], HERE, at[1]))
      for at, value in ((AT_START, "13/13/2024 20:09"), (AT_END, "14/14/2024"), (RETURN_START, "13/13/2024"))),
]  # fmt: skip

# 4-8: other ways to write a date, and Excel's numbers -----------------------------------------------------------------
REWORDED = [
    *(cell(4, f"a date as {pattern}", AT_START, said(pattern), repaired("MP-DATE-REWORDED", HERE, START), formats=f)
      for pattern, f in (
          ("%Y-%m-%d %H:%M", ALL), ("%Y-%m-%dT%H:%M:%S", CSV), ("%d-%m-%Y %H:%M", CSV), ("%d.%m.%Y %H:%M", CSV),
          ("%d %b %Y %H:%M", XLSX), ("%A %d %B %Y at %H:%M", CSV), ("%Y/%m/%d %H:%M", CSV),
          ("%d-%b-%Y %H:%M", CSV),
      )),
    *(cell(4, "an ISO date", at, said("%Y-%m-%d"), repaired("MP-DATE-REWORDED", HERE, at[1]), formats=f)
      for at, f in ((AT_DOB, CSV), (RETURN_START, TEXT), (RETURN_END, CSV))),
    *(cell(5, "an Excel day number as text", at, lambda t: f"{serial(t):.0f}",
           repaired("MP-EXCEL-SERIAL", HERE, at[1]), formats=f)
      for at, f in ((AT_DOB, TEXT), (RETURN_START, CSV), (RETURN_END, CSV))),
    *(cell(5, "an Excel day number", at, lambda t: int(serial(t)), repaired("MP-EXCEL-SERIAL", HERE, at[1]),
           formats=f) for at, f in ((AT_DOB, BOOKS), (RETURN_START, XLSX))),
    *(cell(5, "a number that is no day", at, value, quarantined(CODES[at[1]], HERE, at[1]), formats=f)
      for at, f in ((AT_START, TEXT), (AT_END, CSV), (RETURN_START, CSV)) for value in ("15000", "61000")),
    cell(6, "an Excel day number with a fraction", AT_START, lambda t: f"{serial(t):.6f}",
         repaired("MP-EXCEL-SERIAL", HERE, START), formats=DATES),
    cell(6, "an Excel day number with a fraction", AT_END, serial,
         repaired("MP-EXCEL-SERIAL", HERE, END), formats=BOOKS),
    *(cell(7, f"the number {value}", at, value, quarantined(CODES[at[1]], HERE, at[1]), formats=formats)
      for value in (0, 60, -1, 2958466) for at, formats in ((AT_START, CSV_XLSX), (RETURN_END, ("ods",)))),
    *(cell(7, f"the number {value} shown as a date", AT_START, Formatted(value),
           quarantined(rule, HERE, START), formats=XLSX)
      for value, rule in ((0, "MP-PLACEHOLDER-DATE|1004"), (60, "MP-YEAR-OUT-OF-RANGE|1004"), (2958466, "1004"))),
]  # fmt: skip


def _from_1904(sheet: Sheet) -> None:
    sheet.book["options"] = {"date_1904": True}
    for row in sheet.rows:
        row.cells = [real(c) for c in row.cells]


EPOCH = [Case(8, "days counted from 1904", "tracker", _from_1904, ("xlsx", "xls"), (repaired("MP-EPOCH-1904"),)),
         Case(8, "days counted from 1904", "missing", _from_1904, XLSX, (repaired("MP-EPOCH-1904"),))]  # fmt: skip

# 9-13: stand-ins and dates that are none ------------------------------------------------------------------------------
STAND_INS = [
    *(cell(9, f"the stand-in {value}", at, value, quarantined("MP-PLACEHOLDER-DATE", HERE, at[1]), formats=formats)
      for value, at, formats in (
          ("01/01/1900", AT_START, DATES), ("01/01/1900 00:00", AT_END, CSV), ("1900-01-01", AT_START, CSV),
          ("01/01/1900", AT_DOB, CSV), ("01/01/1970", AT_HELD, CSV), ("01/01/1900", RETURN_START, TEXT),
          ("01/01/1900", RETURN_END, CSV), ("1900-01-01T00:00:00", SSD_START, CSV),
      )),
    *(cell(10, f"the stand-in {value} for no end", at, value, repaired("MP-OPEN-PLACEHOLDER", HERE, at[1]),
           formats=formats, values={"incidents.returned_at": None})
      for value, at, formats in (
          ("31/12/9999", AT_END, DATES), ("31/12/9999 23:59", AT_END, CSV), ("31/12/2099", AT_END, CSV),
          ("9999-12-31", AT_END, CSV), ("31/12/9999", RETURN_END, CSV_XLSX), ("9999-12-31T00:00:00", SSD_END, CSV),
          ("still missing", AT_END, CSV_XLSX), ("not returned", AT_END, CSV), ("ongoing", RETURN_END, CSV),
          ("N/A", AT_END, CSV),
      )),
    *(cell(11, f"the date {value}", at, value, quarantined(CODES[at[1]], HERE, at[1]), formats=formats)
      for value, at, formats in (
          ("30/02/2024 20:09", AT_START, ALL), ("31/04/2024", AT_START, CSV), ("00/00/0000", AT_START, XLSX),
          ("31/04/2024 10:00", AT_END, CSV), ("30/02/2024", AT_HELD, CSV_XLSX), ("29/02/2011", AT_DOB, CSV_XLSX),
          ("31/02/2024", RETURN_START, CSV), ("31/04/2024", RETURN_END, CSV), ("00/00/0000", RETURN_END, CSV),
          ("2024-02-30T10:00:00", SSD_START, CSV_XLSX), ("2024-04-31", SSD_END, CSV),
      )),
    *(cell(12, "a year of two digits", at, said(f"%d/%m/%y{time}"),
           repaired("MP-TWO-DIGIT-YEAR", HERE, at[1]), formats=f)
      for at, time, f in ((AT_START, " %H:%M", TEXT), (AT_END, " %H:%M", CSV), (AT_DOB, "", CSV_XLSX),
                          (RETURN_START, "", CSV), (RETURN_END, "", CSV))),
    *(cell(13, f"the year of {value}", at, value, quarantined(rule, HERE, at[1]), formats=CSV_XLSX)
      for value, at, rule in (
          ("17/01/0024 20:09", AT_START, "MP-YEAR-OUT-OF-RANGE"), ("17/01/202 20:09", AT_START, "1004"),
          ("18/01/0024", RETURN_END, "MP-YEAR-OUT-OF-RANGE"), ("18/01/202", RETURN_END, "1005"),
          ("18/05/0010", AT_DOB, "MP-YEAR-OUT-OF-RANGE"), ("17/01/20244 20:09", AT_START, "1004"),
      )),
]  # fmt: skip

# 14-17: times ---------------------------------------------------------------------------------------------------------
_MIDNIGHT = {"incidents.returned_at": london(2024, 1, 19)}
_TIME_WAYS = ("%H%M", "%H.%M", "%I:%M%p", "%I.%M pm", "%H:%M:%S.0", "%H%Mhrs")


def _two_columns(sheet: Sheet) -> None:
    """Split the start into a date and a time."""
    sheet.add_column("Time missing", lambda i: f"{start_of(i):%H:%M}")
    for i in range(N_ROWS):
        sheet.put(i, START, f"{start_of(i):%d/%m/%Y}")


def in_time(value: Any) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        _two_columns(sheet)
        sheet.put(HERE, "Time missing", value)

    return plant


def _many(minutes_of: Callable[[int], str]) -> Callable[[Sheet], None]:
    """Give every start another time of day."""

    def plant(sheet: Sheet) -> None:
        for i in range(len(sheet.rows)):
            sheet.put(i, START, f"{start_of(i):%d/%m/%Y} {minutes_of(i)}")

    return plant


def _all_midnight(sheet: Sheet) -> None:
    _many(lambda _: "00:00")(sheet)
    sheet.put_all(END, lambda t: t[:10] + " 00:00")


def _midnights_of(rows: range) -> dict[tuple[object, str], Any]:
    return {(i, "incidents.missing_from"): pd.Timestamp(start_of(i).date(), tz=LONDON) for i in rows}


TIMES = [
    *(cell(14, f"24:00 as {value}", AT_END, value, repaired("MP-MIDNIGHT-24", HERE, END), formats=formats,
           values=_MIDNIGHT)
      for value, formats in (("18/01/2024 24:00", TEXT), ("18/01/2024 24:00:00", CSV))),
    *(cell(15, f"a time as {pattern}", AT_START, said(f"%d/%m/%Y {pattern}"),
           repaired("MP-TIME-REWORDED", HERE, START), formats=CSV) for pattern in _TIME_WAYS),
    *(Case(15, f"a time of its own as {pattern}", "tracker", in_time(f"{start_of(HERE):{pattern}}"),
           CSV, (repaired("MP-TIME-REWORDED", HERE, "Time missing"),)) for pattern in _TIME_WAYS),
    Case(15, "a time as a number", "tracker", in_time(2009), XLSX,
         (repaired("MP-TIME-REWORDED", HERE, "Time missing"),)),
    *(cell(15, "no time of day", AT_START, value, quarantined("1004", HERE, START), formats=TEXT)
      for value in ("17/01/2024 25:10", "17/01/2024 20:61")),
    Case(15, "a time of its own that is none", "tracker", in_time("27:10"), TEXT,
         (quarantined("1004|MP-NOT-A-DATE", HERE, "Time missing"),)),
    Case(16, "date and time apart, the time blank", "tracker", in_time(""), ALL,
         (warned("MP-TIME-BLANK", HERE, "Time missing"),),
         values={(HERE, "incidents.missing_from"): london(2024, 1, 17),
                 (HERE, "incidents.returned_at"): london(2024, 1, 18), (HERE, "incidents.precision"): "day"}),
    cell(16, "a date without its time", AT_START, said("%d/%m/%Y"), warned("MP-DAY-PRECISION", HERE, START),
         values={"incidents.missing_from": london(2024, 1, 17), "incidents.returned_at": london(2024, 1, 18),
                 "incidents.precision": "day"}),
    Case(17, "many times are exactly midnight", "many", _many(lambda i: "00:00" if i < 6 else f"20:0{i % 9}"), TEXT,
         (warned("MP-MOSTLY-MIDNIGHT", None, START),),
         values=_midnights_of(range(6)) | {
             (i, "incidents.missing_from"): pd.Timestamp(f"{start_of(i):%Y-%m-%d} 20:0{i % 9}", tz=LONDON)
             for i in range(6, 24)}),
    Case(17, "every time is exactly midnight", "tracker", _all_midnight, TEXT,
         (warned("MP-ALL-MIDNIGHT", None, START),),
         values=_midnights_of(range(N_ROWS))
         | {(i, "incidents.returned_at"): pd.Timestamp(end_of(i).date(), tz=LONDON) for i in range(N_ROWS)}
         | {(i, "incidents.precision"): "day" for i in range(N_ROWS)}),
]  # fmt: skip


# 18-21: the clocks ----------------------------------------------------------------------------------------------------
def _night(start: str, end: str) -> Callable[[Sheet], None]:
    """Give one row another night, and its interview two days after."""

    def plant(sheet: Sheet) -> None:
        ends = {"tracker": END, "ssd": SSD_END[1]}[sheet.base]
        sheet.put(HERE, START if sheet.base == "tracker" else SSD_START[1], start)
        sheet.put(HERE, ends, end)
        if sheet.base == "tracker":
            sheet.put(HERE, HELD, f"{_stamp(end[:10]) + dt.timedelta(days=1):%d/%m/%Y} 12:00")

    return plant


def night(
    number: int, name: str, base: str, text: tuple[str, str], due: tuple[pd.Timestamp, ...], *told: Any, formats: Any
) -> Case:
    """A night through a clock change, and how it must be read."""
    values: dict[tuple[object, str], Any] = {
        (HERE, "incidents.missing_from"): due[0],
        (HERE, "incidents.returned_at"): due[1],
    }
    if base == "tracker":
        values[HERE, "interviews.held_at"] = (due[1].normalize() + pd.DateOffset(days=1)).replace(hour=12)
    return Case(number, name, base, _night(*text), formats, told, values=values)


_FIRST = pd.Timestamp("2024-10-27 00:50", tz="UTC").tz_convert(LONDON)
_SECOND = pd.Timestamp("2024-10-27 01:10", tz="UTC").tz_convert(LONDON)
CLOCKS = [
    night(18, "a time in the hour that does not exist", "tracker", ("30/03/2024 22:00", "31/03/2024 01:30"),
          (london(2024, 3, 30, 22), london(2024, 3, 31, 2)), repaired("MP-CLOCK-GAP", HERE, END), formats=TEXT),
    night(18, "a time in the hour that does not exist", "ssd", ("2024-03-31T01:30:00", "2024-03-31T05:00:00"),
          (london(2024, 3, 31, 2), london(2024, 3, 31, 5)), repaired("MP-CLOCK-GAP", HERE, SSD_START[1]),
          formats=CSV_XLSX),
    night(19, "an hour that came twice, told by the order", "tracker", ("27/10/2024 01:50", "27/10/2024 01:10"),
          (_FIRST, _SECOND), repaired("MP-CLOCK-FOLD", HERE, END), warned("MP-CLOCK-FOLD-UNPROVEN", HERE, START),
          formats=TEXT),
    night(19, "an hour that came twice, not told", "tracker", ("26/10/2024 22:00", "27/10/2024 01:30"),
          (london(2024, 10, 26, 22), pd.Timestamp("2024-10-27 00:30", tz="UTC").tz_convert(LONDON)),
          warned("MP-CLOCK-FOLD-UNPROVEN", HERE, END), formats=TEXT),
    night(20, "a night that is an hour short", "tracker", ("30/03/2024 22:00", "31/03/2024 06:00"),
          (london(2024, 3, 30, 22), london(2024, 3, 31, 6)), formats=DATES),
    night(20, "a night that is an hour long", "ssd", ("2024-10-26T22:00:00", "2024-10-27T06:00:00"),
          (london(2024, 10, 26, 22), london(2024, 10, 27, 6)), formats=CSV_XLSX),
    night(21, "a time in UTC", "tracker", ("2024-07-01T21:00:00Z", "02/07/2024 03:00"),
          (london(2024, 7, 1, 22), london(2024, 7, 2, 3)), repaired("MP-UTC-TIME", HERE, START), formats=TEXT),
    night(21, "times in UTC", "ssd", ("2024-07-01T21:00:00Z", "2024-07-02T02:00:00+01:00"),
          (london(2024, 7, 1, 22), london(2024, 7, 2, 2)), repaired("MP-UTC-TIME", HERE, SSD_START[1]),
          repaired("MP-UTC-TIME", HERE, SSD_END[1]), formats=CSV_XLSX),
]  # fmt: skip

CASES = [*ORDER, *REWORDED, *EPOCH, *STAND_INS, *TIMES, *CLOCKS]
