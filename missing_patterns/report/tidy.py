"""A month's measures as tidy CSV text, one measure of one group a row, for a dashboard or a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from missing_patterns.errors import ArgumentRefused, DisclosureRefused
from missing_patterns.report import parts

ENCODING = "utf-8-sig"
COLUMNS = ("month", "period", "measure", "group", "value", "unit", "numerator", "denominator", "suppressed")
# A spreadsheet reads text that begins so as a formula; wide forms and leading blanks included (OWASP, CSV injection).
_RISKY = tuple("=+-@＝＋－＠")
_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")  # a line end inside a cell would break the row in some readers


def render_tidy(month: Mapping[str, Any]) -> str:
    r"""Render a Month's measures as CSV.

    Parameters
    ----------
    month : mapping
        The Month as a plain dict, already through disclosure control.

    Returns
    -------
    str
        CSV text with a header and LF line ends, to be written with ``tidy.ENCODING`` (UTF-8 with a byte order mark,
        which spreadsheets need). One row is one measure of one group: ``month`` is
        the month reported on, ``period`` the months that the figure is about. ``value``, ``numerator`` and
        ``denominator`` are numbers (at most 4 decimals) or empty; a withheld value is empty with ``suppressed``
        TRUE. Text that a spreadsheet would run as a formula gets a leading apostrophe, and control characters and
        line ends in it become blanks; numbers stay numbers.

    Raises
    ------
    ArgumentRefused
        If a measure lacks a column, or a number is neither a number nor the symbol for a withheld one.
    DisclosureRefused
        If a measure that is marked as suppressed still holds its value or numerator.

    Examples
    --------
    >>> print(render_tidy({"symbol": "c", "measures": [
    ...     {"month": "2026-10", "period": "2026-10", "measure": "children", "group": "=All", "value": 41,
    ...      "unit": "children", "numerator": None, "denominator": None, "suppressed": False},
    ...     {"month": "2026-10", "period": "2025-11 to 2026-10", "measure": "share", "group": "Home", "value": "c",
    ...      "unit": "share", "numerator": "c", "denominator": 38, "suppressed": True}]}), end="")
    month,period,measure,group,value,unit,numerator,denominator,suppressed
    2026-10,2026-10,children,'=All,41,children,,,FALSE
    2026-10,2025-11 to 2026-10,share,Home,,share,,38,TRUE
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for i, measure in enumerate(month["measures"]):
        writer.writerow(_row(measure, f"measure {i + 1}", month["symbol"]))
    return written.getvalue()


def _row(measure: Mapping[str, Any], place: str, symbol: str) -> list[str]:
    absent = [name for name in COLUMNS if name not in measure]
    if absent:
        raise ArgumentRefused(f"{place} has no {', '.join(absent)}.")
    value, numerator, denominator = (
        _number(measure[name], place, name, symbol) for name in ("value", "numerator", "denominator")
    )
    if measure["suppressed"] and (value or numerator):
        raise DisclosureRefused(f"{place} is marked as suppressed, but its value or numerator is still there.")
    if measure["value"] == symbol and not measure["suppressed"]:
        raise ArgumentRefused(f"{place} is withheld, but not marked as suppressed.")
    return [
        safe_text(measure["month"]),
        safe_text(measure["period"]),
        safe_text(measure["measure"]),
        safe_text(measure["group"]),
        value,
        safe_text(measure["unit"]),
        numerator,
        denominator,
        "TRUE" if measure["suppressed"] else "FALSE",
    ]


def safe_text(value: Any) -> str:
    """Return a cell as text that no spreadsheet runs: formulas get an apostrophe, control characters become blanks.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> safe_text("=1+1")
    "'=1+1"
    """
    cell = parts.plain(value)
    text = "" if cell is None else _CONTROL.sub(" ", str(cell))
    return f"'{text}" if text.lstrip().startswith(_RISKY) else text


def _number(value: Any, place: str, name: str, symbol: str) -> str:
    cell = parts.plain(value)
    if cell is None or cell == symbol:
        return ""
    if isinstance(cell, (str, bool)):
        raise ArgumentRefused(f"{place}: {name} is not a number.")
    rounded = round(cell, 4)
    return str(int(rounded)) if float(rounded).is_integer() else repr(rounded)
