"""A Month as an accessible workbook: cover, contents, notes, and one marked-up table on each sheet.

The layout follows the Government Statistical Service's guidance on releasing statistics in spreadsheets: one table a
sheet, marked up and named, one header row, no merged or empty rows, no frozen panes or filters, text that wraps, and
shorthand that is explained.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from missing_patterns.errors import ArgumentRefused
from missing_patterns.report import parts

#: Most characters that a cell of a workbook holds; the writer would cut a longer text without a word.
MOST_CHARACTERS = 32_767

NOT_RECORDED = "x"

_CONTENTS = "internal:'Contents'!A1"
_NAVY = "#12436D"
_FORMATS = {"count": "#,##0", "percent": "0%", "number": "#,##0.0", "days": "#,##0.0"}
_FONT = {"font_name": "Arial", "font_size": 12, "valign": "top", "text_wrap": True}
_WIDTH_OF_TEXT = 90
_LINE = 16  # height of one line of text, in points
_HEIGHTS = {"title": 27, "section": 27, "bold": 20}
_TABLE_STYLE = "Table Style Light 1"
_STYLES: dict[str, dict[str, Any]] = {
    "text": {},
    "later_text": {"align": "left", "indent": 1},
    "title": {"bold": True, "font_size": 16, "font_color": _NAVY, "text_wrap": False},
    "section": {"bold": True, "font_size": 14, "font_color": _NAVY},
    "bold": {"bold": True},
    "link": {"font_color": "#0000EE", "underline": 1},
    "link_unwrapped": {"font_color": "#0000EE", "underline": 1, "text_wrap": False},
    "unwrapped": {"text_wrap": False},
    "header": {"bold": True, "bottom": 1, "valign": "bottom"},
    "later_header": {"valign": "bottom", "bold": True, "bottom": 1, "align": "left", "indent": 1},
    "header_number": {"valign": "bottom", "bold": True, "bottom": 1, "align": "right"},
    "symbol": {"align": "right"},
    "whole_days": {"num_format": "#,##0", "align": "right"},
    **{kind: {"num_format": code, "align": "right"} for kind, code in _FORMATS.items()},
}


def render_excel(month: Mapping[str, Any]) -> bytes:
    """Render a Month as an Excel workbook.

    Parameters
    ----------
    month : mapping
        The Month as a plain dict, already through disclosure control; see :func:`missing_patterns.report.parts.ready`.

    Returns
    -------
    bytes
        An XLSX file, the same for the same Month: its dates are the last day of the month. Text is never read as a
        formula or an address. Numbers are stored as they are shown (shares to whole percentages). A withheld figure
        holds the Month's symbol; ``x`` is a figure that is not recorded, for no cell is left empty.

    Raises
    ------
    ArgumentRefused
        If the Month cannot be rendered, or holds a text longer than a cell can.

    Examples
    --------
    >>> book = render_excel({
    ...     "title": "Report", "council": "Exampleton", "month": "2026-10", "month_name": "October 2026",
    ...     "period": {"from": "2026-10-01", "to": "2026-10-31", "lookback_from": "2025-11-01"}, "threshold": 5,
    ...     "symbol": "c", "version": "0.1.0", "made_up": True, "summary": [], "key_figures": [], "sections": [],
    ...     "measures": [], "notes": [],
    ... })
    >>> book[:2]
    b'PK'
    """
    import xlsxwriter

    content = parts.ready(month)
    written = io.BytesIO()
    workbook = xlsxwriter.Workbook(
        written,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    workbook.set_properties(
        {
            "title": content["full_title"],
            "author": content["council"],
            "company": content["council"],
            "comments": parts.MADE_UP if content["made_up"] else "",
            "created": datetime.fromisoformat(content["period"]["to"]),
        }
    )
    styles = {name: workbook.add_format({**_FONT, **style}) for name, style in _STYLES.items()}
    tables = [
        (f"Table_{item['table']['no']}", section, item) for section in content["sections"] for item in section["items"]
    ]
    sheets = {name: workbook.add_worksheet(name) for name in ("Cover", "Contents", "Notes", *(t[0] for t in tables))}
    for name, sheet in sheets.items():
        sheet.hide_gridlines(2)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 1 if name == "Cover" else 0)
        sheet.set_footer("&L&A&RPage &P of &N")
    _write_cover(sheets["Cover"], content, styles)
    _write_contents(sheets["Contents"], tables, styles)
    _write_notes(sheets["Notes"], content, styles)
    for name, section, item in tables:
        _write_table(sheets[name], section, item, content, styles)
    sheets["Cover"].activate()
    workbook.close()
    return written.getvalue()


def _write_lines(sheet: Any, lines: list[tuple[str, str]], styles: Mapping[str, Any]) -> int:
    """Write running text, one paragraph a row in column A, and return the next free row."""
    for row, (text, style) in enumerate(lines):
        if style.startswith("link"):
            sheet.write_url(row, 0, _CONTENTS, styles[style], text)
            continue
        if style in _HEIGHTS:
            sheet.set_row(row, _HEIGHTS[style])
        elif style == "text":
            sheet.set_row(row, 4 + _LINE * _n_lines(text, _WIDTH_OF_TEXT))
        sheet.write_string(row, 0, _whole(text), styles[style])
    return len(lines)


def _whole(text: str) -> str:
    """Return a text that a cell can hold whole, and refuse any other."""
    if len(text) > MOST_CHARACTERS:
        raise ArgumentRefused(
            f"A text of {len(text):,} characters does not fit into a cell, which holds {MOST_CHARACTERS:,}. "
            "Shorten it; names in the settings are the likeliest to be long."
        )
    return text


def _n_lines(text: str, width: float) -> int:
    """Guess how many lines a text takes in a cell that is so many letters wide."""
    return sum(-(-max(len(line), 1) // max(int(width), 1)) for line in text.split("\n"))


def _write_cover(sheet: Any, month: Mapping[str, Any], styles: Mapping[str, Any]) -> None:
    period = month["period"]
    lines = [(month["full_title"], "title")]
    if month["council"]:
        lines.append((month["council"], "section"))
    if month["made_up"]:
        lines.append((parts.MADE_UP, "bold"))
    lines.append(("What stands out", "section"))
    lines += [(line["text"], "text") for line in month["summary"]] or [("Nothing stands out this month.", "text")]
    if month["key_figures"]:
        lines.append(("Key figures", "section"))
    for figure in month["key_figures"]:
        value = parts.show(figure["value"], "count")
        shown = "not recorded" if value == parts.BLANK else value
        note = f" ({figure['note']})" if figure["note"] else ""
        lines.append((f"{figure['label']}: {shown}{note}", "text"))
    lines += [
        ("About this workbook", "section"),
        (f"The month runs from {parts.show_date(period['from'])} to {parts.show_date(period['to'])}.", "text"),
        (f"Figures that need more months look back to {parts.show_date(period['lookback_from'])}.", "text"),
        *((line, "text") for line in _shorthand(month)),
        (f"Made by missing_patterns {month['version']}.", "text"),
        ("Go to the contents", "link"),
    ]
    sheet.set_column(0, 0, _WIDTH_OF_TEXT)
    _write_lines(sheet, lines, styles)


def _write_contents(sheet: Any, tables: list[tuple[str, Any, Any]], styles: Mapping[str, Any]) -> None:
    top = _write_lines(
        sheet, [("Contents", "title"), ("This sheet lists the other sheets of this workbook.", "unwrapped")], styles
    )
    rows = [("Notes", "Definitions, notes and shorthand", "All")]
    rows += [(name, item["table"]["caption"], section["title"]) for name, section, item in tables]
    columns = [("Sheet", "text"), ("Title", "text"), ("Section", "text")]
    _write_grid(sheet, top, "list_of_sheets", columns, rows, (12, 62, 40), styles)
    for i, (name, _, _) in enumerate(rows):
        sheet.write_url(top + 1 + i, 0, f"internal:'{name}'!A1", styles["link"], name)


def _write_notes(sheet: Any, month: Mapping[str, Any], styles: Mapping[str, Any]) -> None:
    lines = [("Notes", "title"), ("This sheet holds one table: the words and shorthand used.", "unwrapped")]
    top = _write_lines(sheet, [*lines, ("Back to the contents", "link_unwrapped")], styles)
    rows = [
        ("Shorthand", month["symbol"], _withheld(month)),
        ("Shorthand", NOT_RECORDED, "Not recorded, or does not apply."),
    ]
    for section in month["sections"]:
        rows += [(section["title"], term, meaning) for term, meaning in section["definitions"]]
        rows.append((section["title"], "What it means", section["means"]))
        rows.append((section["title"], "What it does not mean", section["does_not_mean"]))
    rows += [("The month", f"Note {i + 1}", note) for i, note in enumerate(month["notes"])]
    columns = [("About", "text"), ("Word", "text"), ("Meaning", "text")]
    _write_grid(sheet, top, "list_of_notes", columns, rows, (34, 26, 76), styles)


def _write_table(
    sheet: Any,
    section: Mapping[str, Any],
    item: Mapping[str, Any],
    month: Mapping[str, Any],
    styles: Mapping[str, Any],
) -> None:
    table = item["table"]
    lines = [(f"Table {table['no']}: {table['caption']}", "title"), (section["headline"], "unwrapped")]
    lines += [(note, "unwrapped") for note in table["notes"]]
    lines += [(line, "unwrapped") for line in _shorthand(month)]
    lines.append(("Back to the contents", "link_unwrapped"))
    top = _write_lines(sheet, lines, styles)
    columns = [(column["label"], column["kind"]) for column in table["columns"]]
    rows = table["rows"] or [["No rows this month."] + [None] * (len(columns) - 1)]
    widths = []
    for j, (label, kind) in enumerate(columns):
        longest = max(len(parts.show(row[j], kind)) for row in rows)
        widths.append(min(max(longest + 4, *(len(word) + 5 for word in label.split()), 12), 48))
    _write_grid(sheet, top, f"table_{table['id']}", columns, rows, widths, styles)


def _write_grid(
    sheet: Any,
    top: int,
    name: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Any]],
    widths: Sequence[float],
    styles: Mapping[str, Any],
) -> None:
    """Write a table and mark it up as one: named, without filter buttons, every row as high as its text."""
    headers = []
    for j, (label, kind) in enumerate(columns):
        style = "header_number" if kind in _FORMATS else "later_header" if j else "header"
        headers.append({"header": _whole(label), "header_format": styles[style]})
        sheet.set_column(j, j, widths[j])
    sheet.add_table(
        top,
        0,
        top + len(rows),
        len(columns) - 1,
        {"name": name, "style": _TABLE_STYLE, "banded_rows": False, "autofilter": False, "columns": headers},
    )
    labels = [label for label, _ in columns]
    sheet.set_row(top, 4 + _LINE * max(_n_lines(label, 0.9 * w) for label, w in zip(labels, widths, strict=True)))
    for i, row in enumerate(rows):
        n_lines = 1
        for j, (value, (_, kind)) in enumerate(zip(row, columns, strict=True)):
            text = _write_cell(sheet, (top + 1 + i, j), value, kind, styles)
            n_lines = max(n_lines, _n_lines(text, 1.1 * widths[j]))
        sheet.set_row(top + 1 + i, 4 + _LINE * n_lines)


def _write_cell(sheet: Any, place: tuple[int, int], value: Any, kind: str, styles: Mapping[str, Any]) -> str:
    """Write one cell and return its text: a number as a number, anything else as text that is never a formula."""
    number = parts.typed(value, kind)
    text = parts.show(value, kind)
    if number is not None:
        whole = kind == "days" and float(number).is_integer()
        sheet.write_number(*place, number, styles["whole_days" if whole else kind])
        return text
    if text in (parts.BLANK, ""):
        text = NOT_RECORDED
    style = "symbol" if kind in _FORMATS else "later_text" if place[1] else "text"
    sheet.write_string(*place, _whole(text), styles[style])
    return text


def _withheld(month: Mapping[str, Any]) -> str:
    return (
        f"Withheld: the figure is about fewer than {month['threshold']} children, or would let such a figure be "
        "worked out."
    )


def _shorthand(month: Mapping[str, Any]) -> list[str]:
    about = _withheld(month)
    return [f"{month['symbol']} = {about[0].lower()}{about[1:]}", f"{NOT_RECORDED} = not recorded, or does not apply."]
