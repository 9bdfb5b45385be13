"""What the renderers share: cells, checks, numbering; and that all formats hold the same figures."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import docx
import lxml.html
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import charts, example_month, quiet_month, rendered_excel, rendered_html, rendered_word, tables

from missing_patterns.errors import ArgumentRefused
from missing_patterns.report import parts
from missing_patterns.report.html import render_html
from missing_patterns.report.word import render_word

CELLS = """
value      kind     shown     number
0          count    0         0
7          count    7         7
1204       count    1,204     1204
12.0       count    12        12
0          percent  0%        0.0
0.005      percent  1%        0.01
0.125      percent  13%       0.13
0.3649     percent  36%       0.36
1          percent  100%      1.0
38.84      number   38.8      38.8
38.85      number   38.9      38.9
-2.25      number   -2.3      -2.3
30         number   30.0      30.0
14         days     14        14
41.25      days     41.3      41.3
None       count    –         None
None       text     –         None
nan        percent  –         None
inf        number   –         None
'c'        count    c         None
'c'        percent  c         None
2026       text     2,026     None
True       text     Yes       None
False      text     No        None
'2026-10'  month    Oct_2026  None
'2026-13'  month    2026-13   None
'2026-10'  text     2026-10   None
'A_b'      text     A_b       None
"""


@pytest.mark.parametrize("line", CELLS.strip().splitlines()[1:])
def test_a_cell_is_shown_as(line: str) -> None:
    value, kind, shown, number = line.split()
    names = {"nan": float("nan"), "inf": float("inf"), "None": None}
    cell = names[value] if value in names else eval(value)  # noqa: S307  the table above
    assert parts.show(cell, kind) == (shown.replace("_", " ") if kind == "month" else shown)
    assert repr(parts.typed(cell, kind)) == number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), "True"),
        (pd.NA, None),
        (pd.NaT, None),
        (np.nan, None),
        ("", ""),
        (pd.Period("2026-10", "M"), "2026-10"),
    ],
)
def test_plain_makes_plain_values(value: Any, expected: Any) -> None:
    assert parts.plain(value) == expected
    assert type(parts.plain(value)) is type(expected)


@settings(deadline=None, max_examples=100)
@given(st.floats(0, 1), st.sampled_from(["percent", "number", "days"]))
def test_the_number_stored_is_the_number_shown(value: float, kind: str) -> None:
    number = parts.typed(value, kind)
    assert number is not None
    shown = float(parts.show(value, kind).rstrip("%")) / (100 if kind == "percent" else 1)
    assert shown == pytest.approx(number, abs=1e-12)
    assert abs(number - value) <= (0.005 if kind == "percent" else 0.05) + 1e-12


def test_dates_are_worded() -> None:
    assert parts.show_date("2026-02-03") == "3 February 2026"
    assert parts.show_date("soon") == "soon"


def test_tables_and_charts_are_numbered_through() -> None:
    month = parts.ready(example_month())
    assert [table["no"] for table in tables(month)] == list(range(1, 10))
    assert [chart["no"] for chart in charts(month)] == list(range(1, 8))


def test_the_month_is_not_modified() -> None:
    month = example_month()
    before = copy.deepcopy(month)
    parts.ready(month)["sections"][0]["items"][0]["table"]["rows"][0][0] = "changed"
    assert month == before


def test_characters_that_no_document_can_hold_are_replaced() -> None:
    month = example_month()
    month["council"] = "A\x00B\x0bC\ud800D\ufffeE\tF é 😀"
    assert parts.ready(month)["council"] == "A\ufffdB\ufffdC\ufffdD\ufffdE\tF é 😀"


Change = Callable[[dict[str, Any]], Any]
FIRST: Callable[[dict[str, Any]], dict[str, Any]] = lambda m: m["sections"][0]["items"][0]  # noqa: E731
REFUSED: list[tuple[Change, str]] = [
    (lambda m: m.pop("council"), "the month has no 'council'"),
    (lambda m: m["sections"][1].pop("means"), "section 2 has no 'means'"),
    (lambda m: m["sections"][1].pop("items"), "section 2 has no 'items'"),
    (lambda m: m["sections"][1].update(id="numbers"), "section id at 2 is not a new name"),
    (lambda m: m["sections"][1].update(id="Not one"), "section id at 2 is not a new name"),
    (lambda m: m["sections"][1].pop("id"), "section id at 2 is not a new name"),
    (lambda m: FIRST(m).pop("table"), "section 1, item 1 has no 'table'"),
    (lambda m: FIRST(m)["table"].pop("notes"), "section 1, item 1: the table has no 'notes'"),
    (lambda m: FIRST(m)["table"].update(id="gap_curve"), "table id at 4 is not a new name"),
    (lambda m: FIRST(m)["table"]["columns"][1].update(kind="money"), "one whose kind is not of text, count"),
    (lambda m: FIRST(m)["table"].update(columns=[], rows=[]), "the table has no columns"),
    (lambda m: FIRST(m)["table"]["columns"][1].update(label="MONTH "), "column labels are not all there and different"),
    (lambda m: FIRST(m)["table"]["columns"][1].update(name=""), "column names are not all there and different"),
    (lambda m: FIRST(m)["table"]["rows"][3].pop(), "row 4 has 6 cells for 7 columns"),
    (lambda m: FIRST(m)["table"]["rows"][3].__setitem__(1, "secret"), "row 4, column 2 is not a count"),
    (lambda m: FIRST(m)["table"]["rows"][3].__setitem__(1, 2.5), "row 4, column 2 is not a count"),
    (lambda m: FIRST(m)["table"]["rows"][3].__setitem__(3, True), "row 4, column 4 is not a number"),
    (lambda m: FIRST(m)["chart"].pop("headline"), "section 1, item 1: the chart has no headline"),
    (lambda m: FIRST(m)["chart"].update(alt="  "), "section 1, item 1: the chart has no alt"),
    (lambda m: FIRST(m)["chart"].update(kind="to_png"), "the kind of chart is not one of run_chart"),
    (lambda m: m["summary"][0].update(section="gone"), "summary 1 points to a section that is not there"),
    (lambda m: m["key_figures"][5].pop("section"), "key_figures 6 points to a section that is not there"),
]


@pytest.mark.parametrize(("change", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_a_month_that_cannot_be_shown_is_refused(change: Change, told: str) -> None:
    month = example_month()
    change(month)
    with pytest.raises(ArgumentRefused) as refused:
        parts.ready(month)
    assert told in str(refused.value)
    assert "secret" not in str(refused.value)


def test_all_problems_are_told_at_once() -> None:
    month = example_month()
    FIRST(month)["chart"].update(headline="", alt=None)
    month["sections"][2]["items"][0]["table"]["rows"][0] = []
    with pytest.raises(ArgumentRefused) as refused:
        parts.ready(month)
    assert str(refused.value).splitlines() == [
        "The month cannot be rendered:",
        "- section 1, item 1: the chart has no headline",
        "- section 1, item 1: the chart has no alt",
        "- section 3, item 1: row 1 has 0 cells for 6 columns",
    ]


def _of_html() -> list[list[list[str]]]:
    page = lxml.html.fromstring(rendered_html())
    for spoken in page.xpath("//table//span[@class='spoken']"):
        spoken.drop_tree()
    return [
        [[" ".join(cell.text_content().split()) for cell in row] for row in table.xpath(".//tr")]
        for table in page.xpath("//table")
    ]


def _of_word() -> list[list[list[str]]]:
    document = docx.Document(io.BytesIO(rendered_word()))
    return [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables[1:]]


def _of_excel() -> list[list[list[str]]]:
    book = openpyxl.load_workbook(io.BytesIO(rendered_excel()))
    read = []
    for sheet in book.worksheets[3:]:
        (table,) = sheet.tables.values()
        rows = [[_excel_text(cell) for cell in row] for row in sheet[table.ref]]
        read.append(rows)
    return read


def _excel_text(cell: Any) -> str:
    if isinstance(cell.value, str):
        return cell.value
    if cell.number_format == "0%":
        return f"{cell.value * 100:.0f}%"
    return f"{cell.value:,.1f}" if cell.number_format == "#,##0.0" else f"{cell.value:,}"


def test_page_document_and_workbook_hold_the_same_figures() -> None:
    expected = [
        [
            [column["label"] for column in table["columns"]],
            *(
                [parts.show(value, column["kind"]) for value, column in zip(row, table["columns"], strict=True)]
                for row in table["rows"]
            ),
        ]
        for table in tables(example_month())
    ]
    assert _of_html() == expected
    assert _of_word() == expected
    dashed = [[[{"x": parts.BLANK}.get(text, text) for text in row] for row in table] for table in _of_excel()]
    assert dashed == [[[text or parts.BLANK for text in row] for row in table] for table in expected]


@pytest.mark.parametrize(
    ("title", "full", "subtitle"),
    [
        ("Children missing", "Children missing, October 2026", "October 2026"),
        ("Children missing, October 2026", "Children missing, October 2026", ""),
    ],
)
def test_the_month_is_named_once(title: str, full: str, subtitle: str) -> None:
    month = parts.ready({**quiet_month(), "title": title})
    assert (month["full_title"], month["subtitle"]) == (full, subtitle)
    heading = page_of_heading(render_html({**quiet_month(), "title": title}))
    assert heading == [title, *([subtitle] if subtitle else [])]
    document = docx.Document(io.BytesIO(render_word({**quiet_month(), "title": title})))
    assert [p.text for p in document.paragraphs][: len(heading)] == heading


def page_of_heading(text: str) -> list[str]:
    return [part.text for part in lxml.html.fromstring(text).xpath("//header//h1|//header//p")]
