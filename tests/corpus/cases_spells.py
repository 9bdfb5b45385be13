"""Defects 22 to 37: what one row or several say of a child's absences, interviews and birth."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from corpus.cases_dates import (
    AT_DOB,
    AT_END,
    AT_HELD,
    AT_START,
    DOB,
    END,
    HELD,
    RETURN_END,
    RETURN_START,
    SSD_END,
    START,
    london,
)
from corpus.model import (
    ALL,
    CSV,
    CSV_XLSX,
    HERE,
    TEXT,
    Case,
    cell,
    quarantined,
    repaired,
    warned,
)
from corpus.sheets import Sheet
from corpus.writers import write

ID, STATUS = "Child ID", "RHI status"
_INTERVIEW = (STATUS, HELD, "Attempts", "Triggers", "Child's account")


def again(changes: Mapping[str, Any], *, has_interview: bool = True) -> Callable[[Sheet], None]:
    """Add a row of the same child after row HERE: its cells again but for the changes."""

    def plant(sheet: Sheet) -> None:
        cells = list(sheet.row(HERE).cells)
        for column, value in changes.items():
            at = sheet.header.index(column)
            cells[at] = value(cells[at]) if callable(value) else value
        for column in () if has_interview or sheet.base != "tracker" else _INTERVIEW:
            cells[sheet.header.index(column)] = ""
        sheet.insert(HERE, "more", cells)

    return plant


def both(*plants: Callable[[Sheet], None]) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        for one in plants:
            one(sheet)

    return plant


def putting(column: str, value: Any, row: object = HERE) -> Callable[[Sheet], None]:
    return lambda sheet: sheet.put(row, column, value)


# 22-24: one row -------------------------------------------------------------------------------------------------------
_SAME = {"incidents.returned_at": london(2024, 1, 17, 20, 9)}
ENDS = [
    *(cell(22, "end before start", at, value, quarantined("567", HERE), formats=formats)
      for at, value, formats in (
          (AT_END, "17/01/2024 19:00", (*ALL, "xlsx_dates")), (RETURN_END, "16/01/2024", TEXT),
          (SSD_END, "2024-01-16T10:00:00", CSV_XLSX), (AT_END, "16/01/2023 10:00", CSV),
          (("placement", "clap_cla_placement_end_date"), "2023-04-02", CSV_XLSX),
      )),
    cell(23, "start and end in the same minute", AT_END, "17/01/2024 20:09", warned("MP-ZERO-LENGTH", HERE, END),
         values=_SAME, formats=ALL),
    cell(23, "start and end in the same minute", SSD_END, "2024-01-17T20:09:00",
         warned("MP-ZERO-LENGTH", HERE, SSD_END[1]), values=_SAME, formats=CSV_XLSX),
    cell(23, "there and back on one day", RETURN_END, "17/01/2024", formats=CSV_XLSX,
         values={"incidents.returned_at": london(2024, 1, 17)}),
    *(cell(24, "no end", at, "", formats=formats, values={"incidents.returned_at": None})
      for at, formats in ((AT_END, ALL), (RETURN_END, TEXT), (SSD_END, CSV_XLSX))),
]  # fmt: skip

# 25-28: several rows of one child -------------------------------------------------------------------------------------
_LATER = {"Ref": "ZEBRAREF900", START: "18/01/2024 20:00", END: "19/01/2024 02:00"}
_LATER_READ = {
    "incidents.incident_id": "ZEBRAREF900",
    "incidents.missing_from": london(2024, 1, 18, 20),
    "incidents.returned_at": london(2024, 1, 19, 2),
    "interviews.interview_id": "RHI-ZEBRAREF900",
    "interviews.incident_ids": ("ZEBRAREF900",),
}
_RETURNS_LATER = {"MIS_START": "19/01/2024", "MIS_END": "20/01/2024"}
_RETURNS_READ = {"incidents.missing_from": london(2024, 1, 19), "incidents.returned_at": london(2024, 1, 20)}


def _other_night(start: str, end: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Words and truth of another absence of the child of row HERE, without an interview."""
    begins, ends = (pd.Timestamp(f"2024-01-{text}", tz="Europe/London") for text in (start, end))
    cells = {"Ref": "ZEBRAREF900", START: f"{begins:%d/%m/%Y %H:%M}", END: f"{ends:%d/%m/%Y %H:%M}"}
    read = {"incidents.incident_id": "ZEBRAREF900", "incidents.missing_from": begins, "incidents.returned_at": ends}
    return cells, read


def _overlapping(name: str, start: str, end: str, rule: str, formats: tuple[str, ...]) -> Case:
    cells, read = _other_night(start, end)
    return Case(26, name, "tracker", again(cells, has_interview=False), formats,
                (warned(rule, "more"), warned("MP-INCIDENT-WITHOUT-INTERVIEW")), added=((HERE, read),))  # fmt: skip


SEVERAL = [
    Case(25, "open, though the child went again", "tracker", both(again(_LATER), putting(END, "")), ALL,
         (quarantined("574", HERE, END),), added=((HERE, _LATER_READ),)),
    Case(25, "open, though the child went again", "missing", both(again(_RETURNS_LATER), putting("MIS_END", "")), TEXT,
         (quarantined("574", HERE, "MIS_END"),), added=((HERE, _RETURNS_READ),)),
    _overlapping("absences that overlap", "17 22:00", "18 04:00", "MP-OVERLAP", ALL),
    _overlapping("an absence within another", "17 21:00", "17 23:00", "MP-OVERLAP", CSV),
    _overlapping("an absence that begins when another ends", "18 01:34", "18 05:00", "MP-BACK-TO-BACK", TEXT),
    *(Case(27, "the same row twice", base, again({}), formats, (repaired("MP-DUPLICATE-ROW", "more"),))
      for base, formats in (("tracker", (*ALL, "xlsx_dates")), ("missing", TEXT), ("ssd", TEXT),
                            ("placement", CSV_XLSX))),
    *(Case(28, "the same reference, another return", base, again({column: value}), formats,
           (quarantined("MP-RECORD-TWICE", HERE), quarantined("MP-RECORD-TWICE", "more")))
      for base, column, value, formats in (
          ("tracker", END, "18/01/2024 03:00", ALL), ("ssd", SSD_END[1], "2024-01-18T03:00:00", CSV_XLSX))),
]  # fmt: skip


# 29, 30, 37: who it is ------------------------------------------------------------------------------------------------
def _another_id(sheet: Sheet) -> None:
    """The same absence of the same child under two ids, told from others by everything but the id."""
    again({"Ref": "ZEBRAREF900", ID: "ZEBRA900"})(sheet)


_OTHER_CHILD = {**_LATER, DOB: "02/02/2012", "Gender": "Male"}
WHO = [
    Case(29, "one child under two ids", "tracker", _another_id, CSV_XLSX,
         (warned("MP-CHILD-TWO-IDS", HERE), warned("MP-CHILD-TWO-IDS", "more")),
         added=((HERE, {
             "incidents.child_id": "ZEBRA900", "incidents.incident_id": "ZEBRAREF900",
             "interviews.child_id": "ZEBRA900", "interviews.interview_id": "RHI-ZEBRAREF900",
             "interviews.incident_ids": ("ZEBRAREF900",), "children.child_id": "ZEBRA900"}),)),
    Case(30, "two children under one id", "tracker", again(_OTHER_CHILD), ALL,
         (quarantined("MP-ID-TWO-CHILDREN", HERE), quarantined("MP-ID-TWO-CHILDREN", "more"))),
    Case(37, "another date of birth", "tracker", again({**_LATER, DOB: "19/06/2010"}), ALL,
         (warned("MP-DOB-DIFFERS", "more"),), added=((HERE, _LATER_READ),)),
    Case(37, "another date of birth", "missing", again({**_RETURNS_LATER, "DOB": "19/06/2010"}), CSV_XLSX,
         (warned("MP-DOB-DIFFERS", "more"),), added=((HERE, _RETURNS_READ),)),
    Case(30, "another sex only", "tracker", again({**_LATER, "Gender": "Male"}), CSV,
         (warned("MP-SEX-DIFFERS", "more"),), added=((HERE, _LATER_READ),)),
]  # fmt: skip

# 31: interviews -------------------------------------------------------------------------------------------------------
INTERVIEWS = [
    cell(31, "interview before the return", AT_HELD, "17/01/2024 23:00",
         quarantined("MP-INTERVIEW-BEFORE-RETURN", HERE, HELD), formats=(*ALL, "xlsx_dates")),
    cell(31, "interview before the absence", AT_HELD, "11/01/2024 10:00",
         quarantined("MP-INTERVIEW-BEFORE-RETURN", HERE, HELD), formats=TEXT),
    cell(31, "interview later than 72 hours", AT_HELD, "25/01/2024 16:00", warned("MP-INTERVIEW-LATE"), formats=ALL,
         values={"interviews.held_at": london(2024, 1, 25, 16)}),
]  # fmt: skip


# 33-36: dates that cannot be ------------------------------------------------------------------------------------------
def _older_file(folder: Path, sheet: Sheet, fmt: str) -> list[Path]:
    """Say that the file was written before most of what it holds."""
    path = write(folder, sheet, fmt)
    early = pd.Timestamp("2024-01-10").timestamp()
    os.utime(path, (early, early))
    return [path]


_YOUNG = {"children.birth_month": pd.Timestamp(2021, 5, 1)}
DATES_THAT_CANNOT_BE = [
    *(cell(33, "later than the file", at, value, quarantined("MP-FUTURE-DATE", HERE, at[1]), formats=formats)
      for at, value, formats in (
          (AT_START, "17/01/2026 20:00", CSV), (AT_END, "18/01/2026 01:34", (*ALL, "xlsx_dates")),
          (AT_HELD, "19/01/2026 16:00", CSV_XLSX), (RETURN_END, "18/01/2026", TEXT),
          (SSD_END, "2097-01-18T10:00:00", CSV_XLSX), (RETURN_START, "17/01/2026", CSV),
      )),
    Case(33, "a file older than what it holds", "tracker", lambda _: None, CSV_XLSX,
         tuple(warned("MP-DATES-AFTER-FILE", None, c) for c in (START, END, HELD)), build=_older_file),
    *(cell(34, "born after the absence", at, value, quarantined(rule, HERE), formats=formats)
      for at, value, rule, formats in (
          (AT_DOB, "18/05/2024", "586", ALL), (("missing", "DOB"), "18/05/2024", "586", TEXT),
          (AT_DOB, "17/01/2024", "586", CSV), (AT_DOB, "18/05/2031", "586|MP-FUTURE-DATE", CSV),
      )),
    *(cell(35, "aged 18 or over", at, value, quarantined("MP-ADULT", HERE), formats=formats)
      for at, value, formats in (
          (AT_DOB, "16/01/2006", ALL), (AT_DOB, "18/05/1994", CSV_XLSX), (("missing", "DOB"), "18/05/2004", CSV_XLSX),
      )),
    cell(36, "an infant", AT_DOB, "18/05/2021", warned("MP-INFANT", HERE, DOB), values=_YOUNG, formats=ALL),
    cell(36, "an infant", ("missing", "DOB"), "18/05/2021", warned("MP-INFANT", HERE, "DOB"), values=_YOUNG,
         formats=CSV_XLSX),
    cell(36, "not born yet", AT_DOB, "18/01/2024", quarantined("586", HERE), formats=CSV),
]  # fmt: skip

CASES = [*ENDS, *SEVERAL, *WHO, *INTERVIEWS, *DATES_THAT_CANNOT_BE]
