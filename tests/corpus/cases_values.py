"""Defects 63, 67, 69 to 71, 80, 81, 88 and 91 to 94: numbers, errors, other years' codes, and hostile text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corpus.model import ALL, BOOKS, CSV, CSV_XLSX, HERE, TEXT, XLSX, Case, cell, quarantined, repaired, warned
from corpus.sheets import N_ROWS, Sheet

NOTE, ATTEMPTS = "Child's account", "Attempts"
AT_NOTE, AT_ATTEMPTS = ("tracker", NOTE), ("tracker", ATTEMPTS)
AT_MILES = ("placement", "clap_cla_placement_distance")


# 69-71: numbers -------------------------------------------------------------------------------------------------------
def _units() -> list[Case]:
    attempts = ("2 attempts", "2 times", "2 x")
    miles = ("6.5 miles", "6.5mi", "£6.50")
    return [
        *(cell(69, f"the number {v!r}", AT_ATTEMPTS, v, repaired("MP-NUMBER-UNIT", HERE, ATTEMPTS),
               formats=TEXT if v == attempts[0] else CSV) for v in attempts),
        *(cell(69, f"the number {v!r}", AT_MILES, v, repaired("MP-NUMBER-UNIT", HERE, AT_MILES[1]),
               formats=CSV_XLSX if v == miles[0] else CSV) for v in miles),
    ]  # fmt: skip


NUMBERS = [
    *_units(),
    *(cell(70, f"the number {value!r}", at, value, quarantined("MP-NOT-A-NUMBER", HERE, at[1]), formats=formats)
      for at, value, formats in (
          (AT_ATTEMPTS, "1,5", ALL), (AT_MILES, "6,5", TEXT), (AT_ATTEMPTS, "ZEBRA two", CSV_XLSX),
      )),
    *(cell(71, f"the number {value!r}", at, value, quarantined(rule, HERE, at[1]), formats=formats)
      for at, value, rule, formats in (
          (AT_ATTEMPTS, "999", "MP-NUMBER-OUT-OF-RANGE", ALL), (AT_ATTEMPTS, "-1", "MP-NUMBER-OUT-OF-RANGE", TEXT),
          (AT_ATTEMPTS, "99999", "MP-NUMBER-OUT-OF-RANGE", CSV),
          (AT_ATTEMPTS, "inf", "MP-NOT-A-NUMBER|MP-NUMBER-OUT-OF-RANGE", TEXT),
          (AT_ATTEMPTS, -1, "MP-NUMBER-OUT-OF-RANGE", XLSX),
          (AT_MILES, "99999", "MP-NUMBER-OUT-OF-RANGE", CSV_XLSX), (AT_MILES, "-1", "MP-NUMBER-OUT-OF-RANGE", CSV),
          (AT_MILES, "inf", "MP-NOT-A-NUMBER|MP-NUMBER-OUT-OF-RANGE", CSV),
      )),
]  # fmt: skip

# 80, 81: cells of a spreadsheet ---------------------------------------------------------------------------------------
_ERRORS = (("Date & time missing", "#REF!"), ("Date & time returned", "#N/A"), ("Triggers", "#VALUE!"), ("DOB", "####"),
           ("Child ID", "#NAME?"), (NOTE, "#DIV/0!"))  # fmt: skip


def _error(column: str, error: str) -> Callable[[Sheet], None]:
    """Put an error as Excel stores one: a formula and its failed result."""

    def plant(sheet: Sheet) -> None:
        sheet.put(HERE, column, None)
        at = (sheet.line_of(HERE, is_text=False) - 1, sheet.header.index(column))
        sheet.book["errors"] = [(at, error)]

    return plant


def _mixed(column: str, as_number: Callable[[str], Any]) -> Callable[[Sheet], None]:
    """Store every other cell of a column as a number."""

    def plant(sheet: Sheet) -> None:
        for i in range(1, N_ROWS, 2):
            sheet.put(i, column, as_number)

    return plant


CELLS = [
    *(cell(80, f"the error {error} as text", ("tracker", column), error, quarantined("MP-ERROR-CELL", HERE, column),
           formats=TEXT if column == "Triggers" else CSV) for column, error in _ERRORS),
    *(Case(80, f"the error {error}", "tracker", _error(column, error), XLSX,
           (quarantined("MP-ERROR-CELL", HERE, column),)) for column, error in _ERRORS if error != "####"),
    cell(80, "the error #REF! as text", ("missing", "MIS_END"), "#REF!", quarantined("MP-ERROR-CELL", HERE, "MIS_END"),
         formats=CSV_XLSX),
    Case(81, "numbers stored as text and as numbers", "tracker", _mixed(ATTEMPTS, int), BOOKS),
    Case(81, "numbers stored as text and as numbers", "placement", _mixed(AT_MILES[1], float), BOOKS),
]  # fmt: skip


# 88, 91, 92: other authorities, other years, postcodes ----------------------------------------------------------------
def _authorities(sheet: Sheet) -> None:
    sheet.add_column("Placing authority", lambda i: "Kent" if i in (2, 7) else "Newham")


_AUTHORITIES = {(i, "incidents.placing_authority"): "Kent" if i in (2, 7) else "Newham" for i in range(N_ROWS)}


def _postcodes(header: str, bad: str) -> Callable[[Sheet], None]:
    def plant(sheet: Sheet) -> None:
        sheet.add_column(header, lambda i: bad if i == HERE else f"E15 {i % 9}QT")

    return plant


_SEXES = {"1": "M", "2": "F"}
OTHERS = [
    Case(88, "children of another authority", "tracker", _authorities, ALL,
         (warned("MP-OTHER-AUTHORITY", None, "Placing authority"),), values=_AUTHORITIES),
    Case(91, "sexes by another year's list", "header", lambda s: s.put_all("SEX", _SEXES.__getitem__), TEXT),
    *(cell(91, f"a placement by an old list: {code}", ("placement", "clap_cla_placement_type"), code,
           formats=CSV_XLSX, values={"placements.placement_type": "supported_accommodation"})
      for code in ("H5", "K3", "k3")),
    *(Case(92, f"the postcode {bad}", "placement", _postcodes("clap_cla_placement_postcode", bad), formats,
           (warned("MP-POSTCODE-UNUSABLE", None, "clap_cla_placement_postcode"),))
      for bad, formats in (("ZZ99 3VZ", TEXT), ("no fixed abode", CSV), ("EE15 9QTX", CSV))),
]  # fmt: skip

# 93, 94: hostile text -------------------------------------------------------------------------------------------------
_AS_WRITTEN = (
    "=1+ZEBRA", "+ZEBRA", "@ZEBRA", "-ZEBRA", "=cmd|' /C calc'!A0", "<script>ZEBRA()</script>",
    "ZEBRA'; DROP TABLE incidents; --", "{{ ZEBRA }}", "ZEBRA 👧🏽", "%s %n ZEBRA",
)  # fmt: skip
_CLEANED = {
    "ZEBRA\u202egnorw": "ZEBRAgnorw",
    "\u2066ZEBRA\u2069 said": "ZEBRA said",
    "ZEBRA\x07 rang": "ZEBRA rang",
    "ZEBRA\x0cnext": "ZEBRAnext",
    "ZEBRA" + "\u0301" * 10_000: "ZEBRA" + "\u0301" * 4,
}
HOSTILE = [
    *(cell(93 if n < 8 else 94, f"the note {text[:18]!a}", AT_NOTE, text, values={"interviews.narrative": text},
           formats=TEXT if n in (0, 5, 8) else CSV) for n, text in enumerate(_AS_WRITTEN)),
    *(cell(94, f"the note {text[:18]!a}", AT_NOTE, text, repaired("MP-CONTROL-CHARACTERS", HERE),
           values={"interviews.narrative": clean}, formats=TEXT if "\u202e" in text else CSV)
      for text, clean in _CLEANED.items()),
    cell(94, "an id with a direction mark", ("tracker", "Child ID"), "ZEBRA\u202e104",
         repaired("MP-ID-REPAIRED", HERE, "Child ID"), formats=TEXT),
]  # fmt: skip

CASES = [*NUMBERS, *CELLS, *OTHERS, *HOSTILE]
