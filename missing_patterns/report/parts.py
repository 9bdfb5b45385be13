"""What the renderers share: how a cell is shown, what a Month must hold to be rendered, and how a chart is drawn.

All renderers show a cell through :func:`show` or :func:`typed`, so that the page, the document and the workbook
hold the same figures, rounded the same way.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from missing_patterns.errors import ArgumentRefused

KINDS = ("text", "count", "percent", "number", "days", "month")
CHARTS = ("run_chart", "bars", "step_curve", "heatmap", "lorenz", "ladder", "profiles")
BLANK = "–"
MADE_UP = "Made-up data. Nobody in this report is real."

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_DAY = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_ID = re.compile(r"[a-z][a-z0-9_]*")
# What XML 1.0 cannot hold: the Word and Excel formats would be unreadable with it.
_NOT_TEXT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEYS = (
    *("title", "council", "month", "month_name", "period", "threshold", "symbol", "version", "made_up"),
    *("summary", "key_figures", "sections", "measures", "notes"),
)
_SECTION_KEYS = ("id", "title", "question", "headline", "items", "means", "does_not_mean", "definitions")
_TABLE_KEYS = ("id", "caption", "columns", "rows", "notes")


def plain(value: Any) -> Any:
    """Return a cell as a plain str, int, float, bool or None; NaN and NA become None.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import numpy as np
    >>> [plain(v) for v in (np.int64(3), float("nan"), np.float32(0.5), "c")]
    [3, None, 0.5, 'c']
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else None
    return str(value)


def typed(value: Any, kind: str) -> int | float | None:
    """Return a cell's number as it is shown, or None if the cell holds none.

    Parameters
    ----------
    value : object
        A cell of a Month's table.
    kind : {"text", "count", "percent", "number", "days", "month"}
        The column's kind. Shares are kept to 2 decimals (a whole percentage), numbers and days to 1, halves away
        from zero. A workbook so holds no more than the page shows: unrounded shares would give counts away.

    Returns
    -------
    int, float or None

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> typed(0.125, "percent"), typed(41.25, "days"), typed(7, "count"), typed("c", "count")
    (0.13, 41.3, 7, None)
    """
    cell = plain(value)
    if isinstance(cell, (str, bool)) or cell is None or kind in ("text", "month"):
        return None
    if kind == "count" or (kind == "days" and float(cell).is_integer()):
        return int(cell)
    places = Decimal("0.01") if kind == "percent" else Decimal("0.1")
    return float(Decimal(repr(cell)).quantize(places, ROUND_HALF_UP))


def show(value: Any, kind: str = "text") -> str:
    """Return the text of one cell.

    Parameters
    ----------
    value : object
        A cell: str, int, float, None, or the symbol for a withheld figure (shown as it is).
    kind : {"text", "count", "percent", "number", "days", "month"}, default "text"
        The column's kind.

    Returns
    -------
    str
        "–" where nothing is recorded.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> [show(1204, "count"), show(0.367, "percent"), show(30, "number"), show(14, "days"), show("2026-10", "month")]
    ['1,204', '37%', '30.0', '14', 'Oct 2026']
    >>> [show("c", "count"), show(None, "percent"), show(True)]
    ['c', '–', 'Yes']
    """
    cell = plain(value)
    if cell is None:
        return BLANK
    if isinstance(cell, bool):
        return "Yes" if cell else "No"
    if isinstance(cell, str):
        found = _MONTH.fullmatch(cell) if kind == "month" else None
        return f"{_MONTHS[int(found[2]) - 1][:3]} {found[1]}" if found else cell
    number = typed(cell, kind)
    if number is None:
        return f"{cell:,}"
    if kind == "percent":
        return f"{Decimal(repr(number)) * 100:.0f}%"
    return f"{number:,}"


def show_date(day: str) -> str:
    """Word an ISO date: "31 October 2026".

    Raises
    ------
    Nothing.
        Text that is not an ISO date is returned as it is.

    Examples
    --------
    >>> show_date("2026-10-31")
    '31 October 2026'
    """
    found = _DAY.fullmatch(day)
    return f"{int(found[3])} {_MONTHS[int(found[2]) - 1]} {found[1]}" if found else day


def shorthand(month: Mapping[str, Any]) -> str:
    """Word what the symbols in the tables stand for.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> print(shorthand({"symbol": "c", "threshold": 5}))
    c = withheld: the figure is about fewer than 5 children, or would let such a figure be worked out. – = not recorded,
    or does not apply. 0 is a true nought.
    """
    return (
        f"{month['symbol']} = withheld: the figure is about fewer than {month['threshold']} children, or would let "
        f"such a figure be worked out. {BLANK} = not recorded, or does not apply. 0 is a true nought."
    )


def ready(month: Mapping[str, Any]) -> dict[str, Any]:
    """Check a Month, and return a copy that every format can hold.

    Parameters
    ----------
    month : mapping
        The Month as a plain dict, already through disclosure control.

    Returns
    -------
    dict
        A deep copy. Characters that no document format can hold (control characters, lone surrogates) are replaced
        by U+FFFD. Tables and charts are numbered through the report: ``item["table"]["no"]`` and
        ``item["chart"]["no"]``, so that "Table 3" is the same table in every format. ``full_title`` is the title with
        the month's name, once; ``subtitle`` is the month's name where the title lacks it.

    Raises
    ------
    ArgumentRefused
        If something is absent or cannot be shown, such as a chart without headline or alt text. All problems are
        told at once, by place, without any cell's value.

    Examples
    --------
    >>> ready({"title": "Report"})
    Traceback (most recent call last):
    missing_patterns.errors.ArgumentRefused: The month cannot be rendered:
    - the month has no 'council'...
    """
    problems = _absent(month, _KEYS, "the month")
    if not problems:
        sections = [s.get("id") for s in month["sections"]]
        problems += _repeated(sections, "section id")
        for i, section in enumerate(month["sections"]):
            problems += _section_problems(section, f"section {i + 1}", month["symbol"])
        tables = [item["table"].get("id") for s in month["sections"] for item in s.get("items", []) if "table" in item]
        problems += _repeated(tables, "table id")
        for part in ("summary", "key_figures"):
            problems += [
                f"{part} {i + 1} points to a section that is not there"
                for i, entry in enumerate(month[part])
                if entry.get("section") not in sections
            ]
    if problems:
        raise ArgumentRefused("The month cannot be rendered:\n" + "\n".join(f"- {p}" for p in problems))
    copied: dict[str, Any] = _copied(month)
    has_month = copied["month_name"] in copied["title"]
    copied["full_title"] = copied["title"] if has_month else f"{copied['title']}, {copied['month_name']}"
    copied["subtitle"] = "" if has_month else copied["month_name"]
    n_tables = n_charts = 0
    for section in copied["sections"]:
        for item in section["items"]:
            n_tables += 1
            item["table"]["no"] = n_tables
            if item.get("chart"):
                n_charts += 1
                item["chart"]["no"] = n_charts
    return copied


def _copied(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_TEXT.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {k: _copied(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(v) for v in value]
    return value


def _absent(part: Mapping[str, Any], keys: tuple[str, ...], place: str) -> list[str]:
    return [f"{place} has no '{key}'" for key in keys if key not in part]


def _repeated(ids: list[Any], what: str) -> list[str]:
    return [
        f"{what} at {i + 1} is not a new name of small letters, digits and '_'"
        for i, name in enumerate(ids)
        if not isinstance(name, str) or not _ID.fullmatch(name) or name in ids[:i]
    ]


def _section_problems(section: Mapping[str, Any], place: str, symbol: str) -> list[str]:
    problems = _absent(section, _SECTION_KEYS, place)
    for i, item in enumerate(section.get("items", [])):
        where = f"{place}, item {i + 1}"
        if "table" not in item:
            problems.append(f"{where} has no 'table'")
        else:
            problems += _table_problems(item["table"], where, symbol)
        chart = item.get("chart")
        if chart:
            if chart.get("kind") not in CHARTS:
                problems.append(f"{where}: the kind of chart is not one of {', '.join(CHARTS)}")
            problems += [
                f"{where}: the chart has no {word}"
                for word in ("headline", "alt")
                if not str(chart.get(word) or "").strip()
            ]
    return problems


def _table_problems(table: Mapping[str, Any], place: str, symbol: str) -> list[str]:
    problems = _absent(table, _TABLE_KEYS, f"{place}: the table")
    if problems:
        return problems
    kinds = [column.get("kind") for column in table["columns"]]
    if not kinds or any(kind not in KINDS for kind in kinds):
        problems.append(f"{place}: the table has no columns, or one whose kind is not of {', '.join(KINDS)}")
    for part in ("name", "label"):
        names = [str(column.get(part) or "").strip().casefold() for column in table["columns"]]
        if len(set(names)) < len(names) or not all(names):
            problems.append(f"{place}: column {part}s are not all there and different")
    for i, row in enumerate(table["rows"]):
        if len(row) != len(kinds):
            problems.append(f"{place}: row {i + 1} has {len(row)} cells for {len(kinds)} columns")
            continue
        for j, (value, kind) in enumerate(zip(row, kinds, strict=True)):
            if kind in ("count", "percent", "number", "days") and not _is_number(value, kind, symbol):
                problems.append(f"{place}: row {i + 1}, column {j + 1} is not a {kind}")
    return problems


def _is_number(value: Any, kind: str, symbol: str) -> bool:
    cell = plain(value)
    if cell is None or cell == symbol:
        return True
    if isinstance(cell, (str, bool)):
        return False
    return kind != "count" or float(cell).is_integer()


def draw(item: Mapping[str, Any]) -> Any:
    """Draw an item's chart from its own treated table.

    Parameters
    ----------
    item : mapping
        One item of a section, with ``chart`` and ``table``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ArgumentRefused
        If the table does not fit the chart.

    Examples
    --------
    >>> ax = draw({
    ...     "chart": {"kind": "ladder", "headline": "Half were held", "alt": "Bars: due 8, held 6.", "options": {}},
    ...     "table": {
    ...         "columns": [{"name": "rung"}, {"name": "n_episodes"}, {"name": "n_children"}, {"name": "share_of_due"}],
    ...         "rows": [["Due", 12, 8, 1.0], ["Held", 6, 6, 0.5]],
    ...     },
    ... })
    >>> type(ax).__name__
    'Axes'
    """
    from missing_patterns import plots

    chart, table = item["chart"], item["table"]
    frame = pd.DataFrame(table["rows"], columns=[column["name"] for column in table["columns"]])
    return getattr(plots, chart["kind"])(
        frame, headline=chart["headline"], alt=chart["alt"], **chart.get("options", {})
    )
