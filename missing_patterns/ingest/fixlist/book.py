"""The workbook of a fix list: how its sheets are laid out, written, and read back the next time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from missing_patterns.errors import ArgumentRefused

TITLE = "Fix list: what to correct in the case system"
NUMBER = "Number of this list"
TOTAL = "To fix or to look at, in all"
README, TO_FIX, FIXED, REPAIRED, ROWS = (
    *("Read me", "To fix", "Fixed since last time", "Repaired for you", "Every row accounted for"),
)
#: Most rows on a sheet of problems; nobody works through more by hand.
MOST_ROWS = 100_000
#: What is shown where a cell holds nothing and should hold something.
BLANK = "(blank)"
#: Most characters that a cell of a workbook can hold; programs cut longer ones without a word.
CELL_LIMIT = 32_767

_LONG = 250  # a value longer than this stays on one line, or its row would fill the screen
_NAVY = "#12436D"
_FONT = {"font_name": "Arial", "font_size": 11, "valign": "top"}
_LINE = {"bottom": 1, "bottom_color": "#C8C8C8"}
_STYLES: dict[str, dict[str, Any]] = {
    "text": {"text_wrap": True, **_LINE},
    "long": {**_LINE},
    "count": {"num_format": "#,##0", "align": "left", **_LINE},
    "plain": {"text_wrap": True},
    "title": {"bold": True, "font_size": 16, "font_color": _NAVY},
    "warning": {"bold": True, "text_wrap": True, "bg_color": "#FCE9DC", "border": 1, "border_color": "#F46A25"},
    "header": {"bold": True, "text_wrap": True, "bg_color": _NAVY, "font_color": "#FFFFFF", "border": 1},
    "bold": {"bold": True},
    # The words say how bad it is; the shade only helps the eye.
    "error": {"bold": True, "text_wrap": True, "bg_color": "#F2D5DF", **_LINE},
    "caution": {"text_wrap": True, "bg_color": "#FCE9DC", **_LINE},
}
# What a cell must not hold: what XML cannot, and what cannot be seen or turns the reading round.
_UNSEEN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet: its heading, its width in letters, and what its cells hold.

    Raises
    ------
    Nothing.
    """

    label: str
    width: int
    kind: str = "text"


@dataclass(slots=True, repr=False)
class Sheet:
    """One sheet: one table, or a line of words where it would be empty.

    Raises
    ------
    Nothing.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    if_empty: str

    def __repr__(self) -> str:
        return f"Sheet: {len(self.rows)} rows"


@dataclass(slots=True, repr=False)
class Book:
    """A fix list as read back: its number, whether it held every problem, and its rows to fix by heading.

    Raises
    ------
    Nothing.
    """

    number: int
    is_whole: bool
    rows: list[dict[str, str]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Book: number {self.number}, {len(self.rows)} rows"


def safe(text: str) -> str:
    """Return a text as a cell may hold it: nothing unseen, and no longer than a cell can be, the cut said.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> safe("C1\\x00\\u202e2"), safe("a" * 40000)[-36:]
    ('C12', 'a [cut here; 40,000 characters long]')
    """
    if text.isprintable() and len(text) <= CELL_LIMIT:
        return text
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) <= CELL_LIMIT:
        return text
    mark = f" [cut here; {len(text):,} characters long]"
    return text[: CELL_LIMIT - len(mark)] + mark


def write_book(
    path: Path, lines: Sequence[tuple[str, str]], counts: Mapping[str, int], sheets: Sequence[Sheet]
) -> None:
    """Write a fix list, whole or not at all: what to do and the counts first, then a sheet for each table.

    Text is written as text whatever it begins with, never as a formula, a link or a number.

    Raises
    ------
    OSError
        If it cannot be written, for instance because it is open in Excel.
    """
    import xlsxwriter

    building = path.with_name(f".{path.name}.part")
    try:
        with xlsxwriter.Workbook(
            building,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        ) as book:
            # No clock: a fixed date, so that the same problems give the same bytes.
            book.set_properties({"title": TITLE, "created": datetime(2000, 1, 1)})  # noqa: DTZ001
            styles = {name: book.add_format({**_FONT, **style}) for name, style in _STYLES.items()}
            _write_readme(book.add_worksheet(README), lines, counts, styles)
            for sheet in sheets:
                _write_sheet(book.add_worksheet(sheet.name), sheet, styles)
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)


def _write_readme(
    page: Any, lines: Sequence[tuple[str, str]], counts: Mapping[str, int], styles: Mapping[str, Any]
) -> None:
    page.hide_gridlines(2)
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_column(0, 0, 104)
    page.set_column(1, 1, 12)
    page.write_string(0, 0, TITLE, styles["title"])
    row = 1
    for text, style in lines:
        row += 1
        page.set_row(row, _height(-(-len(text) // 110)) + 6)
        page.write_string(row, 0, text, styles[style])
    row += 2
    page.write_string(row, 0, "In this list", styles["header"])
    page.write_string(row, 1, "How many", styles["header"])
    for label, number in counts.items():
        row += 1
        page.write_string(row, 0, label, styles["text"])
        page.write_number(row, 1, number, styles["count"])


def _write_sheet(page: Any, sheet: Sheet, styles: Mapping[str, Any]) -> None:
    page.set_landscape()
    page.set_paper(8)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.set_margins(0.3, 0.3, 0.5, 0.6)
    page.set_footer("&L&A: personal data, keep it inside the council&RPage &P of &N")
    for at, column in enumerate(sheet.columns):
        page.set_column(at, at, column.width)
    if not sheet.rows:
        page.write_string(0, 0, sheet.if_empty, styles["bold"])
        return
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)
    for at, column in enumerate(sheet.columns):
        page.write_string(0, at, column.label, styles["header"])
    page.set_row(0, _height(2))
    for number, row in enumerate(sheet.rows, 1):
        texts = [safe(str(value)) for value in row]
        # Not every program makes a row high enough for its text by itself.
        lines = [-(-len(t) // c.width) for t, c in zip(texts, sheet.columns, strict=True) if not _is_long(t)]
        page.set_row(number, _height(max(1, *lines)))
        for at, (value, text, column) in enumerate(zip(row, texts, sheet.columns, strict=True)):
            if column.kind == "count" and value != "":
                page.write_number(number, at, value, styles["count"])
                continue
            style = "long" if _is_long(text) else "text"
            if column.kind == "harm":
                style = "caution" if text == HARMS[-1] else "error"
            if text:
                page.write_string(number, at, text, styles[style])
            else:
                page.write_blank(number, at, None, styles[style])


def _is_long(text: str) -> bool:
    return len(text) > _LONG or "\n" in text


def _height(lines: int) -> int:
    return 15 * lines + 4


#: How bad a problem is, worst first.
HARMS = ("1 File not read", "2 Row left out", "3 Please look")


def read_book(path: Path, needed: Sequence[str]) -> Book:
    """Read a fix list back, by its headings: a person may have sorted it, added columns or deleted rows.

    Raises
    ------
    ArgumentRefused
        If the file is not a fix list of ours, so that it must not be written over.
    """
    import python_calamine as calamine

    refused = ArgumentRefused(
        f"{path.name} is there already and is not a fix list that this program wrote. Name another file, or move it "
        "away first."
    )
    try:
        book = calamine.CalamineWorkbook.from_path(path)
        if {README, TO_FIX} - set(book.sheet_names):
            raise refused
        front, table = (book.get_sheet_by_name(name).to_python() for name in (README, TO_FIX))
    except (calamine.CalamineError, calamine.PasswordError, ValueError, OSError, OverflowError):
        raise refused from None
    told = {str(row[0]): row[1] for row in front if len(row) > 1}
    number, total = told.get(NUMBER), told.get(TOTAL)
    if not front or front[0][0] != TITLE or not isinstance(number, float) or not isinstance(total, float):
        raise refused
    if not table or len(table) == 1:
        return Book(int(number), is_whole=True)
    heads = [str(cell) for cell in table[0]]
    if set(needed) - set(heads):
        raise refused
    rows = [dict(zip(heads, map(_as_text, row), strict=True)) for row in table[1:]]
    return Book(int(number), total <= MOST_ROWS, rows)


def _as_text(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
