"""The workbook, against the checklist for accessible spreadsheets, and against text that is a formula."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from report_example import example_month, quiet_month, rendered_excel, tables

from missing_patterns.errors import ArgumentRefused
from missing_patterns.report import parts
from missing_patterns.report.excel import render_excel


@pytest.fixture(scope="module")
def book() -> Any:
    return openpyxl.load_workbook(io.BytesIO(rendered_excel()))


def test_the_same_month_gives_the_same_bytes_and_is_left_alone() -> None:
    month = example_month()
    before = copy.deepcopy(month)
    assert render_excel(month) == rendered_excel()
    assert month == before
    with zipfile.ZipFile(io.BytesIO(rendered_excel())) as package:
        assert {part.date_time for part in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_cover_contents_notes_then_one_sheet_a_table(book: Any) -> None:
    assert book.sheetnames == ["Cover", "Contents", "Notes", *(f"Table_{i}" for i in range(1, 10))]
    assert book.active.title == "Cover"
    assert [len(sheet.tables) for sheet in book.worksheets] == [0] + [1] * 11
    names = [name for sheet in book.worksheets for name in sheet.tables]
    expected = [f"table_{table['id']}" for table in tables(example_month())]
    assert names == ["list_of_sheets", "list_of_notes", *expected]


def test_the_checklist(book: Any) -> None:
    for sheet in book.worksheets:
        assert not sheet.merged_cells.ranges
        assert sheet.freeze_panes is None
        assert sheet.sheet_state == "visible"
        assert sheet["A1"].value, "the first cell says what the sheet is"
        assert sheet["A1"].font.bold
        assert {cell.font.name for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"Arial"}
        assert {row.hidden for row in sheet.row_dimensions.values()} <= {False}
        assert all(row[0].value is not None for row in sheet.iter_rows()), "no empty rows"
        for table in sheet.tables.values():
            assert table.autoFilter is None
            assert table.headerRowCount in (None, 1)
            cells = sheet[table.ref]
            assert all(cell.value is not None for row in cells for cell in row), "no empty cells"
            headers = [cell.value for cell in cells[0]]
            assert headers == [column.name for column in table.tableColumns]
            assert len({header.casefold() for header in headers}) == len(headers)
            assert sheet.max_row == cells[-1][0].row, "nothing stands below the table"
            assert sheet.max_column == len(headers)
            assert all(cell.alignment.wrap_text for row in cells for cell in row)


def test_no_cell_is_a_formula_and_no_link_leads_outside(book: Any) -> None:
    kinds = {cell.data_type for sheet in book.worksheets for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "n"}
    found = [cell.value for row in book["Table_9"].iter_rows() for cell in row]
    assert '=HYPERLINK("x")' in found
    with zipfile.ZipFile(io.BytesIO(rendered_excel())) as package:
        assert not any(b"External" in package.read(n) for n in package.namelist() if n.endswith(".rels"))
        assert not any(b"<f>" in package.read(n) for n in package.namelist())


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "http://example.org", "internal:'Notes'!A1", "7"]
)
def test_text_stays_text_wherever_it_stands(text: str) -> None:
    month = example_month()
    month["council"] = month["summary"][0]["text"] = month["notes"][0] = text
    month["sections"][0]["headline"] = text
    table = tables(month)[8]
    table["rows"][0][0] = table["caption"] = table["columns"][0]["label"] = text
    table["notes"] = [text]
    for i in (1, 2, 3, 4, 5, 6):
        month["sections"][i]["items"] = []
    book = openpyxl.load_workbook(io.BytesIO(render_excel(month)))
    texts = [c for sheet in book.worksheets for row in sheet.iter_rows() for c in row if c.value == text]
    assert len(texts) >= 7
    assert {cell.data_type for cell in texts} == {"s"}
    assert not [cell for cell in texts if cell.hyperlink]


def test_numbers_are_numbers_as_shown_with_a_format(book: Any) -> None:
    formats = {"count": "#,##0", "percent": "0%", "number": "#,##0.0", "days": "#,##0.0"}
    for i, source in enumerate(tables(example_month())):
        sheet = book[f"Table_{i + 1}"]
        (table,) = sheet.tables.values()
        for row, cells in zip(source["rows"], sheet[table.ref][1:], strict=True):
            for value, column, cell in zip(row, source["columns"], cells, strict=True):
                number = parts.typed(value, column["kind"])
                if number is None:
                    assert cell.value == ("x" if value in (None, "") else parts.show(value, column["kind"]))
                else:
                    assert cell.value == number
                    whole = column["kind"] == "days" and float(number).is_integer()
                    assert cell.number_format == ("#,##0" if whole else formats[column["kind"]])


def test_shares_are_not_finer_than_the_page_shows_them(book: Any) -> None:
    (table,) = book["Table_6"].tables.values()
    shares = [row[3].value for row in book["Table_6"][table.ref][1:]]
    assert shares == [0.37, 0.29, 0.24, 0.18, "c", 0]


def test_the_cover_gives_the_findings(book: Any) -> None:
    lines = [row[0].value for row in book["Cover"].iter_rows()]
    month = example_month()
    assert lines[:3] == [
        "Children who went missing: monthly report, October 2026",
        "Borough of Exampleton & Sons",
        parts.MADE_UP,
    ]
    assert [line["text"] for line in month["summary"]] == lines[4:9]
    assert "Children missing: 41 (32 in September)" in lines
    assert "Away over 7 days: c (Fewer than 5 children)" in lines
    assert "Still missing: not recorded (No extract of open records)" in lines
    assert lines[-1] == "Go to the contents"


def test_contents_lead_to_every_sheet_and_back(book: Any) -> None:
    sheet = book["Contents"]
    (table,) = sheet.tables.values()
    links = {row[0].value: row[0].hyperlink.location for row in sheet[table.ref][1:]}
    assert links == {name: f"'{name}'!A1" for name in book.sheetnames[2:]}
    for name in book.sheetnames[2:]:
        back = [row[0] for row in book[name].iter_rows() if row[0].hyperlink]
        assert [(cell.value, cell.hyperlink.location) for cell in back] == [("Back to the contents", "'Contents'!A1")]


def test_shorthand_is_explained_on_every_sheet_that_uses_it(book: Any) -> None:
    expected = "c = withheld: the figure is about fewer than 5 children, or would let such a figure be worked out."
    for name in ["Cover", *book.sheetnames[3:]]:
        lines = [row[0].value for row in book[name].iter_rows()]
        assert expected in lines
        assert "x = not recorded, or does not apply." in lines
    notes = [[cell.value for cell in row] for row in book["Notes"].iter_rows()]
    assert ["How many children went missing", "Episode", example_month()["sections"][0]["definitions"][0][1]] in notes
    assert ["Why children go", "What it does not mean", example_month()["sections"][4]["does_not_mean"]] in notes
    assert ["The month", "Note 2", example_month()["notes"][1]] in notes


def test_columns_and_rows_are_large_enough_for_their_text(book: Any) -> None:
    for sheet in book.worksheets[3:]:
        (table,) = sheet.tables.values()
        for row in sheet[table.ref]:
            for cell in row:
                width = sheet.column_dimensions[re.sub(r"\d", "", cell.coordinate)].width
                n_lines = -(-len(str(cell.value)) // (1.1 * width))
                assert sheet.row_dimensions[cell.row].height >= 16 * n_lines
                assert width >= max(len(word) for word in str(cell.value).split())


def test_properties_are_dated_by_the_month(book: Any) -> None:
    assert book.properties.title == "Children who went missing: monthly report, October 2026"
    assert book.properties.creator == "Borough of Exampleton & Sons"
    assert book.properties.created.isoformat() == "2026-10-31T00:00:00"
    assert book.properties.description == parts.MADE_UP


def test_a_month_with_nothing_to_say() -> None:
    book = openpyxl.load_workbook(io.BytesIO(render_excel(quiet_month())))
    assert book.sheetnames == ["Cover", "Contents", "Notes", "Table_1"]
    lines = [row[0].value for row in book["Cover"].iter_rows()]
    assert "Nothing stands out this month." in lines
    assert "Key figures" not in lines
    assert parts.MADE_UP not in lines
    (table,) = book["Table_1"].tables.values()
    rows = [[cell.value for cell in row] for row in book["Table_1"][table.ref]]
    assert rows[1:] == [["No rows this month.", "x", "x", "x"]]


def test_control_characters_do_not_break_the_file() -> None:
    month = quiet_month()
    month["title"] = "A\x00B\x1f"
    book = openpyxl.load_workbook(io.BytesIO(render_excel(month)))
    assert book["Cover"]["A1"].value == "A\ufffdB\ufffd, October 2026"


def test_a_month_that_cannot_be_shown_is_refused() -> None:
    month = example_month()
    del month["notes"]
    with pytest.raises(ArgumentRefused, match="the month has no 'notes'"):
        render_excel(month)


@pytest.mark.parametrize("place", ["summary", "cell", "label"])
def test_a_text_that_a_cell_cannot_hold_is_refused_and_not_cut(place: str) -> None:
    def month_with(text: str) -> dict[str, Any]:
        month = example_month()
        table = month["sections"][0]["items"][0]["table"]
        if place == "summary":
            month["summary"][0]["text"] = text
        elif place == "cell":
            table["rows"][0][0], table["columns"][0]["kind"] = text, "text"
        else:
            table["columns"][0]["label"] = text
        return month

    with pytest.raises(ArgumentRefused, match="32,768 characters does not fit into a cell"):
        render_excel(month_with("a" * 32_768))
    if place != "label":
        whole = openpyxl.load_workbook(io.BytesIO(render_excel(month_with("a" * 32_767))))
        longest = max(len(str(cell.value)) for sheet in whole for row in sheet.iter_rows() for cell in row)
        assert longest == 32_767
