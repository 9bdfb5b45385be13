"""Defects 38 to 51 and 89 to 92: ids, flags, choices and codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from corpus.model import ALL, BOOKS, CSV, CSV_XLSX, HERE, TEXT, XLSX, Case, cell, quarantined, repaired, warned
from corpus.sheets import N_ROWS, Sheet

ID, REF, TRIGGERS, IN_AREA, CATEGORY = "Child ID", "Ref", "Triggers", "In borough?", "Missing or away"
AT_ID, AT_REF, AT_TRIGGERS, AT_AREA = (("tracker", c) for c in (ID, REF, TRIGGERS, IN_AREA))
RETURN_ID, SSD_ID = ("missing", "CHILD"), ("ssd", "miss_person_id")
_OWNERS = ("incidents.child_id", "interviews.child_id", "children.child_id")


# 38-44: ids -----------------------------------------------------------------------------------------------------------
def _numbered(values: Callable[[int], Any]) -> Callable[[Sheet], None]:
    """Give every child an id of digits."""

    def plant(sheet: Sheet) -> None:
        for i in range(len(sheet.rows)):
            sheet.put(i, ID, values(i))

    return plant


def _numbers_read(text: Callable[[int], str], n: int = N_ROWS) -> dict[tuple[object, str], Any]:
    return {(i, o): text(i) for i in range(n) for o in _OWNERS}


def _plain(i: int) -> str:
    return f"86001234{10 + i}"


def _uneven(i: int) -> str:
    return _plain(i) if i != HERE else "8600123"


def _long(i: int) -> str:
    return f"8600123456789012{10 + i}"


def _first_blank(sheet: Sheet) -> None:
    _numbered(_long)(sheet)
    sheet.put(HERE, ID, "")


_LONG_BUT_ONE = {k: v for k, v in _numbers_read(_long).items() if k[0] != HERE}
_OTHER_WAYS = {
    "with a space that does not break": "\u00a0ZEBRA104",
    "with a character of no width": "ZEB\u200bRA104",
    "full-width": "ＺＥＢＲＡ１０４",
    "in small letters": "zebra104",
    "with a byte-order mark": "\ufeffZEBRA104",
    "with an apostrophe before it": "'ZEBRA104",
    "with a soft hyphen": "ZEBRA\u00ad104",
}
IDS = [
    *(cell(38, f"the id {value or 'blank'}", at, value, quarantined("MP-ID-BLANK", HERE, at[1]), formats=formats)
      for at, value, formats in (
          (AT_ID, "", (*ALL, "xlsx_dates")), (AT_ID, "NULL", CSV_XLSX), (AT_ID, "null", CSV), (AT_ID, "None", CSV),
          (AT_ID, "N/A", CSV), (AT_ID, "-", CSV), (RETURN_ID, "", TEXT), (SSD_ID, "NULL", TEXT),
          (("placement", "clap_person_id"), "", CSV_XLSX),
      )),
    Case(39, "ids of digits of several lengths", "many", _numbered(_uneven), ALL,
         (warned("MP-ID-LENGTHS", None, ID),), values=_numbers_read(_uneven, 24)),
    Case(39, "ids with leading noughts", "tracker", _numbered(lambda i: "00" + _plain(i)), TEXT,
         values=_numbers_read(lambda i: "00" + _plain(i))),
    *(cell(40, f"the id {value}", at, value, quarantined("MP-ID-SCIENTIFIC", HERE, at[1]), formats=formats)
      for at, value, formats in (
          (AT_ID, "1E5", TEXT), (AT_ID, "1.23E+17", CSV_XLSX), (AT_ID, 1.23456789e17, BOOKS), (RETURN_ID, "1E5", CSV),
          (SSD_ID, "8.6E+11", CSV), (AT_ID, "2.5e10", CSV),
      )),
    Case(41, "ids of 18 digits beside a blank", "tracker", _first_blank, TEXT,
         (quarantined("MP-ID-BLANK", HERE, ID),), values=_LONG_BUT_ONE),
    cell(42, "the id 8600.0", AT_ID, "8600123.0", repaired("MP-ID-REPAIRED", HERE, ID), formats=TEXT,
         values=dict.fromkeys(_OWNERS, "8600123")),
    cell(42, "the id as a number", AT_ID, 8600123, formats=BOOKS, values=dict.fromkeys(_OWNERS, "8600123")),
    cell(42, "the id 8600.0", RETURN_ID, "8600123.0", repaired("MP-ID-REPAIRED", HERE, "CHILD"), formats=CSV_XLSX,
         values=dict.fromkeys((_OWNERS[0], _OWNERS[2]), "8600123")),
    *(cell(43, f"the id {name}", AT_ID, value, repaired("MP-ID-REPAIRED", HERE, ID), formats=CSV_XLSX)
      for name, value in _OTHER_WAYS.items()),
    cell(43, "the id with spaces about it", AT_ID, "  ZEBRA104 ", formats=TEXT),
    cell(43, "the id in small letters", RETURN_ID, "zebra104", repaired("MP-ID-REPAIRED", HERE, "CHILD"), formats=TEXT),
    *(cell(44, f"the id {value}", at, value, quarantined("MP-ID-DATE", HERE, at[1]), formats=formats)
      for at, value, formats in (
          (AT_ID, "01-Feb", TEXT), (AT_ID, "Feb-24", CSV), (AT_ID, "2-Jan-24", CSV), (RETURN_ID, "01-Feb", CSV),
          (AT_ID, dt.date(2024, 2, 1), ("ods",)), (AT_ID, dt.date(2024, 2, 1), XLSX),
      )),
    *(cell(44, "a reference that became a date", AT_REF, "01-Feb", warned("MP-REF-UNREADABLE", HERE, REF),
           formats=formats, values={
               "incidents.incident_id": place, "interviews.interview_id": f"RHI-{place}",
               "interviews.incident_ids": (place,)})
      for place, formats in (("file.csv:6", CSV), ("file.xlsx[Sheet1]:6", XLSX), ("file.ods[Sheet1]:6", ("ods",)))),
]  # fmt: skip

# 45-51: answers and choices -------------------------------------------------------------------------------------------
_CODES = "interviews.coded_triggers"
_BOTH = ("school_bullying", "wellbeing_boredom")
AT_CATEGORY = ("tracker", CATEGORY)


_FLAGS: dict[str, bool | None] = {
    **dict.fromkeys(("Y", "TRUE", "1", "T", "x", "yes"), True),
    **dict.fromkeys(("N", "FALSE", "0", "F"), False),
    **dict.fromkeys(("N/A", "Unknown"), None),
}


def _flags(sheet: Sheet) -> None:
    for i, word in enumerate(_FLAGS):
        sheet.put(i, IN_AREA, word)


def choices(number: int, name: str, text: str, codes: Any, *told: Any, formats: tuple[str, ...] = CSV) -> Case:
    return cell(number, name, AT_TRIGGERS, text, *told, formats=formats, values={_CODES: codes})


ANSWERS = [
    choices(45, "triggers 'None'", "None", (), formats=ALL),
    choices(45, "triggers 'N/A'", "N/A", ("not_recorded",), formats=TEXT),
    choices(45, "triggers 'Not applicable'", "Not applicable", ("not_recorded",)),
    choices(45, "triggers 'Unknown'", "Unknown", ("unknown",), formats=TEXT),
    choices(45, "triggers 'Declined'", "Declined", ("declined_to_say",), formats=TEXT),
    choices(45, "triggers blank", "", None, formats=ALL),
    choices(45, "triggers 'null'", "null", None),
    *(cell(46, f"the flag {value!r}", AT_AREA, value, formats=formats, values={"incidents.in_area": is_yes})
      for value, is_yes, formats in (
          ("✓", True, TEXT), ("Yes - offered", True, CSV), (True, True, BOOKS), (False, False, XLSX), (1, True, XLSX),
          ("", None, TEXT),
      )),
    Case(46, "flags in many wordings", "tracker", _flags, ALL,
         values={(i, "incidents.in_area"): is_yes for i, is_yes in enumerate(_FLAGS.values())}),
    *(cell(46, f"the flag {value!r}", AT_AREA, value, quarantined("MP-FLAG-UNREADABLE", HERE, IN_AREA), formats=f)
      for value, f in (("ZEBRA perhaps", ALL), ("Yes and no", CSV), ("7", CSV_XLSX))),
    *(choices(47, f"choices apart by {name}", text, _BOTH, formats=formats)
      for name, text, formats in (
          ("a semicolon", "Bullying; Boredom", ALL), ("a comma", "Bullying, Boredom", TEXT),
          ("a slash", "Bullying / Boredom", CSV), ("a bar", "Bullying|Boredom", CSV),
          ("plus", "Bullying + Boredom", CSV),
          ("a new line", "Bullying\nBoredom", TEXT), ("and", "Bullying and Boredom", TEXT),
          ("an ampersand", "Bullying & Boredom", CSV),
      )),
    choices(48, "an option that holds the separator", "CCE, county lines", ("exploitation_criminal",), formats=ALL),
    choices(48, "an option that holds the separator, beside another", "CCE, county lines, Bullying",
            ("exploitation_criminal", "school_bullying"), formats=TEXT),
    choices(48, "an option that holds 'and'", "Lost track of time/late; Rules and boundaries",
            ("circumstance_late", "rules_boundaries")),
    *(choices(49, f"with {name}", text, codes, formats=formats)
      for name, text, codes, formats in (
          ("another dash", "Self–harm", ("wellbeing_self_harm",), TEXT),
          ("a hyphen that does not break", "Self\u2011harm", ("wellbeing_self_harm",), CSV),
          ("a long dash", "Anti—social behaviour", ("activity_offending",), CSV),
      )),
    cell(49, "another apostrophe", ("tracker", "RHI status"), "Offered and declined (by YP)", formats=CSV,
         values={"interviews.status": "declined"}),
    choices(50, "a wording that no list holds", "Bullying; ZEBRA trouble", ("school_bullying", "unmapped"),
            warned("MP-UNMAPPED-TRIGGER", HERE, TRIGGERS), formats=ALL),
    choices(50, "a misspelt trigger", "Bulying", ("unmapped",), warned("MP-UNMAPPED-TRIGGER", HERE, TRIGGERS),
            formats=TEXT),
    *(cell(50, "a wording that no list holds", (base, column), "ZEBRA type",
           warned("MP-UNMAPPED-CODE", HERE, column), formats=formats, values={field: None})
      for base, column, field, formats in (
          ("tracker", CATEGORY, "incidents.category", ALL), ("tracker", "Gender", "children.sex", CSV_XLSX),
          ("placement", "clap_cla_placement_type", "placements.placement_type", CSV_XLSX),
      )),
    cell(50, "a status that no list holds", ("tracker", "RHI status"), "ZEBRA status",
         warned("MP-UNMAPPED-CODE", HERE, "RHI status"), formats=TEXT, values={"interviews.status": "unknown"}),
    choices(51, "'other' with a name behind it", "Other: ZEBRA from next door", ("other_specified",), formats=ALL),
    choices(51, "'other' with a name in brackets", "Bullying; Other (ZEBRA)", ("school_bullying", "other_specified"),
            formats=CSV_XLSX),
]  # fmt: skip

# 89-91: codes and test records ----------------------------------------------------------------------------------------
CODES = [
    *(cell(89, f"the type {value!r}", at, value, formats=formats, values={"incidents.category": code})
      for at, value, code, formats in (
          (AT_CATEGORY, "Absent", "away", TEXT), (AT_CATEGORY, "M", "missing", CSV), (AT_CATEGORY, "A", "away", CSV),
          (AT_CATEGORY, "No apparent risk", "no_apparent_risk", CSV_XLSX), (("missing", "MISSING"), "A", "away", ALL),
          (("ssd", "miss_missing_episode_type"), "Absent", "away", CSV_XLSX),
      )),
    *(cell(90, f"the test record {value!r}", AT_ID, value, quarantined("MP-TEST-RECORD", HERE), formats=formats)
      for value, formats in (("TEST", ALL), ("Donald Duck", CSV_XLSX), ("TEST CHILD", CSV))),
]  # fmt: skip
CASES = [*IDS, *ANSWERS, *CODES]
