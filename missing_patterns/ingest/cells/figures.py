"""Counts and distances: numbers with or without their unit, and stand-ins that are no numbers at all."""

from __future__ import annotations

import re

from missing_patterns.codebook import fold
from missing_patterns.ingest.cells.values import NOT_RECORDED
from missing_patterns.ingest.opening.grid import Cell, as_text, is_blank, tidy

_NUMBER = re.compile(
    r"(?P<pound>\u00a3\s*)?(?P<sign>[+-]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<part>\.\d+)?\s*(?P<unit>[a-z]+\.?)?"
)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?")
#: Units of length that are not miles: the number is not what the column counts.
_OTHER_LENGTHS = frozenset(
    "km kms kilometre kilometres kilometer kilometers m metre metres meter meters yards yds".split()
)
_ALL_NINES = re.compile(r"9{3,}")
#: Half of the earth's round: no home is further.
FURTHEST_MILES = 12_450
#: More attempts at one interview than days in a year are a mistake.
MOST_ATTEMPTS = 366
#: The Standard Safeguarding Dataset's own word for a distance that is not known.
DISTANCE_UNKNOWN = 999.9


def parse_count(cell: Cell) -> tuple[int | None, str, str]:
    """Read a small whole number, with a unit behind it or not.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_count("2 attempts"), parse_count(3.0), parse_count("-1")[1]
    ((2, '', 'number_unit'), (3, '', ''), 'number_out_of_range')
    """
    number, fault, repair = _read(cell)
    if number is None:
        return None, fault, repair
    if number < 0 or number > MOST_ATTEMPTS:
        return None, "number_out_of_range", ""
    if number != int(number):
        return None, "not_a_number", ""
    return int(number), "", repair


def parse_number(cell: Cell) -> tuple[float | None, str, str]:
    """Read a distance in miles; 999.9 means that it is not known, other stand-ins are told.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_number("12.5 miles"), parse_number("999.9"), parse_number("1,5")[1], parse_number("999")[1]
    ((12.5, '', 'number_unit'), (None, '', ''), 'not_a_number', 'number_out_of_range')
    """
    number, fault, repair = _read(cell)
    if number is None or number == DISTANCE_UNKNOWN:
        return None, fault, repair
    if not 0 <= number <= FURTHEST_MILES or _ALL_NINES.fullmatch(f"{number:.0f}"):
        return None, "number_out_of_range", ""
    return number, "", repair


def _read(cell: Cell) -> tuple[float | None, str, str]:
    if is_blank(cell) or (isinstance(cell, str) and fold(cell) in NOT_RECORDED):
        return None, "", ""
    text = tidy(as_text(cell)).lower()
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return None, "not_a_number", ""
    if _INFINITE.fullmatch(text):
        return None, "number_out_of_range", ""
    match = _NUMBER.fullmatch(text)
    if not match or (match["unit"] or "").rstrip(".") in _OTHER_LENGTHS or len(match["whole"]) > 15:
        return None, "not_a_number", ""
    number = float(match["sign"] + match["whole"].replace(",", "") + (match["part"] or ""))
    has_more = match["unit"] or match["pound"] or "," in match["whole"]
    return number, "", "number_unit" if has_more else ""
