"""Workbooks of every kind: what stands in them beside the values, what is hidden, and what is no whole workbook."""

from __future__ import annotations

import datetime as dt
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from book_example import (
    BACK,
    ERROR,
    FORMATS,
    UNVALUED,
    Page,
    page,
    rewritten,
    told,
    with_cells,
    write_book,
    write_ods_content,
)
from ingest_example import HEADER, good_rows, rules

import missing_patterns as mp
from missing_patterns.errors import DataRefused
from missing_patterns.ingest.opening import biff, books, files, inside


@pytest.mark.parametrize("fmt", FORMATS)
class TestEveryKind:
    """The same defect in .xlsx, .xls and .ods has the same outcome."""

    def test_a_good_book_is_read(self, tmp_path: Path, fmt: str) -> None:
        records = mp.read_records(write_book(tmp_path / f"rhi.{fmt}", {"A": page()}))
        assert records.incidents["missing_from"].dt.strftime("%d %H:%M").tolist() == [
            "13 21:00", "14 21:01", "15 21:02", "16 21:03",
        ]  # fmt: skip
        assert rules(records, notes=False) == set()

    def test_real_dates_times_and_numbers_are_read_as_text_ones_are(self, tmp_path: Path, fmt: str) -> None:
        header = ["Child ID", "DOB", "Date missing", "Time missing", "Date & time returned", "Attempts", "RHI status"]
        day, time = dt.date(2026, 1, 13), dt.time(22, 30)
        rows = [
            ["C1", dt.date(2011, 3, 14), day, time, dt.datetime.combine(day, dt.time(23, 45)), 2, "Completed"],
            ["C2", "14/03/2011", "13/01/2026", "22:30", "13/01/2026 23:45", "2", "Completed"],
            [3, dt.date(2011, 3, 14), day, "22:30", "13/01/2026 23:45", 2, "Completed"],
            ["3", dt.date(2011, 3, 14), dt.date(2026, 1, 15), time, "16/01/2026 23:45", "2", "Completed"],
        ]
        records = mp.read_records(write_book(tmp_path / f"rhi.{fmt}", {"A": Page([header, *rows])}))
        assert records.incidents["child_id"].tolist() == ["C1", "C2", "3", "3"]
        assert records.incidents["missing_from"].dt.strftime("%d %H:%M").tolist() == ["13 22:30"] * 3 + ["15 22:30"]
        assert records.incidents["returned_at"].dt.strftime("%d %H:%M").tolist() == ["13 23:45"] * 3 + ["16 23:45"]
        assert records.interviews["attempts"].tolist() == [2] * 4
        assert records.quarantine.empty

    def test_an_error_in_a_date_is_not_a_child_who_is_still_missing(self, tmp_path: Path, fmt: str) -> None:
        made = with_cells((2, BACK, ERROR), (3, BACK, "#REF!"), (4, BACK, None))
        records = mp.read_records(write_book(tmp_path / f"rhi.{fmt}", {"A": made}))
        assert told(records, "MP-ERROR-CELL") == [["A", 3, "E3", "error"], ["A", 4, "E4", "error"]]
        assert records.incidents["returned_at"].isna().tolist() == [False, True]  # the blank one alone

    def test_formulas_that_were_never_calculated_refuse_the_book(self, tmp_path: Path, fmt: str) -> None:
        made = with_cells((2, BACK, UNVALUED), (3, BACK, UNVALUED))
        with pytest.raises(DataRefused) as refused:
            mp.read_records(write_book(tmp_path / f"rhi.{fmt}", {"A": made}))
        part = refused.value.parts[0]
        assert (part.file, part.sheet, part.line, part.rule) == (f"rhi.{fmt}", "A", 3, "MP-FORMULA-WITHOUT-VALUE")
        assert "2 formulas have no stored result, the first in E3" in str(part)

    def test_a_formula_in_a_column_or_sheet_that_is_not_read_does_no_harm(self, tmp_path: Path, fmt: str) -> None:
        made = [[*row, extra] for row, extra in zip(page(2).rows, ["Days away", UNVALUED, UNVALUED], strict=True)]
        path = write_book(tmp_path / f"rhi.{fmt}", {"A": Page(made), "B": Page([["a", UNVALUED], ["b", ERROR]])})
        assert len(mp.read_records(path).incidents) == 2

    def test_hidden_rows_are_read_and_counted(self, tmp_path: Path, fmt: str) -> None:
        rows = [["Missing children"], list(HEADER), *good_rows(4), []]
        made = Page(rows, hidden_rows=[0, 3, 4])  # a title that is hidden hides no record
        records = mp.read_records(write_book(tmp_path / f"rhi.{fmt}", {"A": made}))
        assert len(records.incidents) == 4
        assert told(records, "MP-HIDDEN-ROWS") == [["A", None, None, "warning"]]
        message = records.problems.set_index("rule").loc["MP-HIDDEN-ROWS", "message"]
        assert message.endswith(": 2 rows")

    @pytest.mark.parametrize("how", ["hidden", "very"])
    def test_hidden_sheets(self, tmp_path: Path, fmt: str, how: str) -> None:
        lists = Page([["Yes", "x"], ["No", "y"]], hidden=how)
        records = mp.read_records(write_book(tmp_path / f"a.{fmt}", {"A": page(), "Lists": lists}))
        assert told(records, "MP-HIDDEN-SHEET") == [["Lists", None, None, "warning"]]
        with pytest.raises(DataRefused, match=r"\[Old\]: the sheet is hidden and holds records") as refused:
            mp.read_records(write_book(tmp_path / f"b.{fmt}", {"A": page(), "Old": page(hidden=how)}))
        assert refused.value.parts[0].rule == "MP-HIDDEN-RECORDS"

    def test_merged_cells_among_the_rows_are_refused_and_above_them_are_not(self, tmp_path: Path, fmt: str) -> None:
        title = Page([["Missing children", *[None] * 7], *page().rows], merged=[(0, 0, 0, 4)])
        assert len(mp.read_records(write_book(tmp_path / f"a.{fmt}", {"A": title})).incidents) == 4
        rows = [list(row) for row in page().rows]
        rows[3][1] = None
        body = Page(rows, merged=[(2, 1, 3, 1)])
        with pytest.raises(DataRefused, match=r"\[A\], line 3: cells are merged in 1 place") as refused:
            mp.read_records(write_book(tmp_path / f"b.{fmt}", {"A": body}))
        assert refused.value.parts[0].rule == "MP-MERGED-CELLS"

    @pytest.mark.parametrize(
        "above",
        [
            [],
            [["Missing children"], []],
            [["Missing children", "Q3"], ["Extract of Monday"], []],
            [["Child", "", "", "Missing", "Returned", "Interview", "", ""]],
        ],
    )
    def test_the_header_is_found_below_titles_and_groups(self, tmp_path: Path, fmt: str, above: list[Any]) -> None:
        records = mp.read_records(write_book(tmp_path / f"a.{fmt}", {"A": Page([*above, *page().rows])}))
        assert len(records.incidents) == 4
        assert records.accounting[["n_rows", "n_not_data"]].to_numpy().tolist() == [[5 + len(above), 1 + len(above)]]

    def test_a_header_of_two_rows_is_joined(self, tmp_path: Path, fmt: str) -> None:
        upper = ["Who", None, None, "Date & time", None, "RHI", None, None]
        lower = ["Ref", "Child ID", "DOB", "missing", "returned", "status", "date", "Triggers"]
        records = mp.read_records(write_book(tmp_path / f"a.{fmt}", {"A": Page([upper, lower, *good_rows(3)])}))
        assert len(records.interviews) == 3
        assert records.incidents["incident_id"].tolist() == ["M0", "M1", "M2"]
        assert "MP-COLUMNS-UNUSED" not in rules(records)

    def test_groups_that_share_a_name_are_not_guessed_at(self, tmp_path: Path, fmt: str) -> None:
        upper = [None, "Missing", None, "Placement", None, "RHI"]
        lower = ["Child ID", "Start date", "End date", "Start date", "End date", "date"]
        row = ["C1", "13/01/2026", "14/01/2026", "01/02/2020", None, "16/01/2026"]
        with pytest.raises(DataRefused, match=r"\[A\], line 2: the header names 2 columns twice"):
            mp.read_records(write_book(tmp_path / f"a.{fmt}", {"A": Page([upper, lower, row])}))

    def test_a_header_without_rows_is_accepted_as_no_rows(self, tmp_path: Path, fmt: str) -> None:
        records = mp.read_records(write_book(tmp_path / f"a.{fmt}", {"A": page(0)}))
        assert records.incidents.empty
        assert "MP-NO-ROWS" in rules(records)

    def test_an_empty_book_holds_nothing_to_read(self, tmp_path: Path, fmt: str) -> None:
        with pytest.raises(DataRefused, match="it holds nothing but blanks"):
            mp.read_records(write_book(tmp_path / f"a.{fmt}", {"A": Page([])}))

    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
    def test_a_book_that_is_cut_off_is_refused(self, tmp_path: Path, fmt: str, share: float) -> None:
        path = write_book(tmp_path / f"a.{fmt}", {"A": page(400)})
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(DataRefused) as refused:
            mp.read_records(path)
        assert refused.value.parts[0].rule == "MP-UNREADABLE"

    def test_the_last_row_that_a_sheet_can_hold_is_refused(
        self, tmp_path: Path, fmt: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(books, "ROW_LIMITS", (5,))
        path = write_book(tmp_path / f"a.{fmt}", {"A": page(4)})
        with pytest.raises(DataRefused, match=r"\[A\]: it stops at exactly 5 rows") as refused:
            mp.read_records(path)
        assert refused.value.parts[0].rule == "MP-ROW-LIMIT"
        assert len(mp.read_records(write_book(tmp_path / f"b.{fmt}", {"A": page(5)})).incidents) == 5

    def test_names_in_comments_are_never_copied(self, tmp_path: Path, fmt: str) -> None:
        made = page(comments={(1, 1): "Zebra rang", (0, 0): "Zebra"})
        records = mp.read_records(write_book(tmp_path / f"a.{fmt}", {"A": made}))
        for table in (records.incidents, records.interviews, records.children, records.problems, records.quarantine):
            assert "Zebra" not in table.to_csv()

    def test_the_same_book_again_is_read_once(self, tmp_path: Path, fmt: str) -> None:
        for name in "ab":
            write_book(tmp_path / f"{name}.{fmt}", {"A": page(2)})
        (tmp_path / f"b.{fmt}").write_bytes((tmp_path / f"a.{fmt}").read_bytes())
        records = mp.read_records(tmp_path)
        assert len(records.incidents) == 2
        assert "MP-SAME-FILE-TWICE" in rules(records)


@pytest.mark.parametrize("fmt", ["xlsx", "xls"])
def test_days_counted_from_1904_are_the_same_days(tmp_path: Path, fmt: str) -> None:
    rows: list[list[Any]] = [["Child ID", "Date missing", "Date returned", "Attempts"]]
    serial = (dt.date(2026, 1, 14) - dt.date(1904, 1, 1)).days
    rows += [["C1", dt.datetime(2026, 1, 13, 21, 5), serial + 0.5, 2], ["C2", dt.date(2026, 1, 13), serial, 3]]  # noqa: DTZ001
    path = write_book(tmp_path / f"a.{fmt}", {"A": Page(rows)}, is_1904=True)
    if fmt == "xlsx":  # another reader says the same
        assert openpyxl.load_workbook(path)["A"]["B2"].value == rows[1][1]
    records = mp.read_records(path)
    assert records.incidents["missing_from"].dt.strftime("%d/%m/%Y %H:%M").tolist() == [
        "13/01/2026 21:05",
        "13/01/2026 00:00",
    ]
    assert records.incidents["returned_at"].dt.strftime("%d/%m/%Y %H:%M").tolist() == [
        "14/01/2026 12:00",
        "14/01/2026 00:00",
    ]
    assert told(records, "MP-EPOCH-1904") == [[None, None, None, "note"]]


class TestXlsx:
    """What only an .xlsx can hold, or writes in more than one way."""

    def test_formulas_of_a_program_that_cannot_calculate(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        for row in with_cells((2, BACK, "=D3+1")).rows:
            book.active.append(list(row))
        book.save(tmp_path / "a.xlsx")
        with pytest.raises(DataRefused, match="1 formula has no stored result, the first in E3"):
            mp.read_records(tmp_path / "a.xlsx")

    def test_zeros_of_a_book_that_asks_to_be_calculated_are_no_results(self, tmp_path: Path) -> None:
        path = tmp_path / "a.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet("A")
            for i, row in enumerate(page(2).rows):
                sheet.write_row(i, 0, row)
            sheet.write_formula(1, BACK, "=D2+1")
        with pytest.raises(DataRefused, match="the first in E2"):
            mp.read_records(path)

    def test_an_empty_text_is_the_result_of_a_formula(self) -> None:
        found = look(
            '<c r="A1" t="str"><f>IF(1,"","")</f><v></v></c><c r="B1"><f>1+1</f><v>2</v></c><c r="C1"><f/></c>'
        )
        assert found.unvalued == {(0, 2)}

    @pytest.mark.parametrize(
        ("cells", "error", "hidden", "unvalued"),
        [
            ('<row r="2" hidden="1"><c r="B2" t="e"><v>#N/A</v></c></row>', (1, 1), 1, None),
            ('<row r="2" hidden="0"><c t="e" r="AB2"><v>#N/A</v></c></row>', (1, 27), None, None),
            ("<row r='2' hidden='true'><c r='B2' t='e'><v>#N/A</v></c></row>", (1, 1), 1, None),
            ('<row><c><v>1</v></c></row><row hidden="true"><c/><c t="e"/><c><f>A1</f></c></row>', (1, 1), 1, (1, 2)),
            ('<row r="5"/><row hidden="1"><c r="C6"/><c t="e"/></row>', (5, 3), 5, None),
            (
                '<cols><col hidden="1"/></cols><row r="1"><c r="A1"><is><t>t="e" hidden="1"</t></is></c></row>',
                None,
                None,
                None,
            ),
            ('<row r="1"><c r="A1"><f t="shared" si="0"/></c></row>', None, None, (0, 0)),
            ('<row r="1"><c r="A1"><f>B1</f> <v /> </c></row>', None, None, (0, 0)),
            ('<row r="1"><c r="A1"><f>B1</f><v>0</v></c></row>', None, None, None),
        ],
    )
    @pytest.mark.parametrize("prefix", ["", "x:"])
    def test_ways_to_write_it(
        self,
        cells: str,
        error: tuple[int, int] | None,
        hidden: int | None,
        unvalued: tuple[int, int] | None,
        prefix: str,
    ) -> None:
        found = look(re.sub("<(/?)", rf"<\1{prefix}", cells), prefix=prefix)
        assert found.errors == ({error} if error else set())
        assert found.hidden == ({hidden} if hidden is not None else set())
        assert found.unvalued == ({unvalued} if unvalued else set())

    def test_a_cell_far_from_the_rest_cannot_take_all_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "a.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet("A")
            for i, row in enumerate(page(2).rows):
                sheet.write_row(i, 0, row)
            sheet.write(1_000_000, 16_000, "x")
        with pytest.raises(
            DataRefused, match=r"\[A\]: a cell far from the rest makes it 1,000,001 rows by 16,001"
        ) as got:
            mp.read_records(path)
        assert got.value.parts[0].rule == "MP-BOMB"

    @pytest.mark.parametrize(
        ("row", "n_rows", "n_columns"),
        [
            ('<row r="1"><c r="XFD1"><v>1</v></c><c r="B1"><v>1</v></c></row>', 1, 16384),  # not in order
            ('<row r="9"><c r="B9"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>', 9, 2),
            ('<row r="1"><c r="zzzz1"><v>1</v></c></row>', 1, 475254),
            ("<row r='1'><c r='AAA1'><v>1</v></c><c r='B1'><v>1</v></c></row>", 1, 703),
            ('<row r="4"><c r="D4999999999999"><v>1</v></c><c r="E4"><v>1</v></c></row>', 499999999, 5),
            ('<row r="1"><c s="0"><v>1</v></c></row>', 1, 0),  # cells without addresses follow one another
            ("<row/>", 0, 0),
        ],
    )
    def test_how_far_the_cells_reach(self, row: str, n_rows: int, n_columns: int) -> None:
        found = look(row)
        assert (found.n_rows, found.n_columns) == (n_rows, n_columns)

    def test_what_cannot_be_looked_into_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write_book(tmp_path / "a.xlsx", {"A": page(2)})
        monkeypatch.setattr(books, "look_in_zip", lambda _: ({}, False))
        records = mp.read_records(path)
        assert told(records, "MP-NOT-CHECKED") == [["A", None, None, "warning"]]

    @pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"])
    @pytest.mark.parametrize("content", [b"<", b'<?xml version="1.0" encoding="no-such"?><a/>', None])
    def test_a_part_that_is_broken_or_absent(self, tmp_path: Path, part: str, content: bytes | None) -> None:
        data = rewritten(write_book(tmp_path / "a.xlsx", {"A": page(2)}).read_bytes(), part, content)
        assert inside.look_in_zip(data) == ({}, False)
        (tmp_path / "a.xlsx").write_bytes(data)
        with pytest.raises(DataRefused):
            mp.read_records(tmp_path / "a.xlsx")

    def test_a_sheet_that_is_a_chart_is_passed_over(self, tmp_path: Path) -> None:
        path = tmp_path / "a.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet("A")
            for i, row in enumerate(page(2).rows):
                sheet.write_row(i, 0, row)
            chart = book.add_chart({"type": "column"})
            chart.add_series({"values": "=A!$A$1:$A$2"})
            book.add_chartsheet("Chart").set_chart(chart)
        assert len(mp.read_records(path).incidents) == 2

    def test_the_repr_holds_counts_alone(self) -> None:
        assert repr(look('<c r="A1" t="e"/>')) == "Inside: 1 errors, 0 unvalued, 0 hidden rows"
        assert repr(biff.OldBook()) == "OldBook: 0 sheets"


def look(cells: str, *, prefix: str = "") -> inside.Inside:
    """Look into the XML of a sheet with these cells or rows."""
    body = cells if "row" in cells else f'<row r="1">{cells}</row>'
    xml = f"<{prefix}worksheet><{prefix}sheetData>{body}</{prefix}sheetData></{prefix}worksheet>"
    return inside._SheetXml(xml.encode(), is_due=False).look()


class TestOds:
    """What only an .ods can hold."""

    def test_rows_and_columns_that_stand_for_several(self, tmp_path: Path) -> None:
        error = (
            '<table:table-cell office:value-type="string" calcext:value-type="error" '
            'table:number-columns-repeated="2"><text:p>Err:502</text:p></table:table-cell>'
        )
        rows = (
            '<table:table-row table:number-rows-repeated="2" table:visibility="collapse"><table:table-cell/>'
            '</table:table-row><table:table-row table:number-rows-repeated="2">'
            f'<table:table-cell table:number-columns-repeated="3"/>{error}</table:table-row>'
            "<table:table-row><table:covered-table-cell/>"
            '<table:table-cell table:formula="of:=1&gt;0"/></table:table-row>'
        )
        path = write_ods_content(tmp_path / "a.ods", f'<table:table table:name="A &amp; B">{rows}</table:table>')
        found = inside.look_in_zip(path.read_bytes())[0]["A & B"]
        assert found.errors == {(2, 3), (2, 4), (3, 3), (3, 4)}
        assert found.hidden == {0, 1}
        assert found.unvalued == {(4, 1)}

    def test_a_value_repeated_without_end_is_refused(self, tmp_path: Path) -> None:
        cell = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="16000"/>'
        rows = f'<table:table-row table:number-rows-repeated="1000000">{cell}<table:table-cell/></table:table-row>'
        path = write_ods_content(tmp_path / "a.ods", f'<table:table table:name="A">{rows}</table:table>')
        with pytest.raises(DataRefused, match="1,000,000 rows by 16,000 columns"):
            mp.read_records(path)

    def test_a_table_without_a_name_or_an_end_is_passed_over(self, tmp_path: Path) -> None:
        tables = '<table:table table:style-name="x"></table:table><table:table table:name="A">'
        assert inside.look_in_zip(write_ods_content(tmp_path / "a.ods", tables).read_bytes()) == ({}, False)

    def test_a_locked_one_is_refused(self, tmp_path: Path) -> None:
        entry = (
            '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
        )
        path = write_ods_content(tmp_path / "a.ods", "", entry)
        with pytest.raises(DataRefused, match="locked with a password") as refused:
            mp.read_records(path)
        assert refused.value.parts[0].rule == "MP-LOCKED"


OFFICE = Path(__file__).parent / "data" / "office"


class TestOffice:
    """One workbook as LibreOffice writes it in each format, and two that it locked; made-up rows."""

    @pytest.mark.parametrize("fmt", FORMATS)
    def test_each_format_tells_the_same(self, fmt: str) -> None:
        records = mp.read_records(OFFICE / f"office.{fmt}")
        assert told(records, "MP-ERROR-CELL") == [["Tracker", 5, "E5", "error"], ["Tracker", 6, "E6", "error"]]
        assert told(records, "MP-HIDDEN-ROWS") == [["Tracker", None, None, "warning"]]
        assert told(records, "MP-HIDDEN-SHEET") == [["Lists", None, None, "warning"]]
        assert records.incidents["missing_from"].dt.strftime("%d %H:%M").tolist() == [
            "13 21:00",
            "16 21:03",
            "17 21:04",
            "18 21:05",
        ]
        assert records.incidents["returned_at"].dt.strftime("%d %H:%M").tolist()[:2] == ["13 23:30", "17 01:49"]

    @pytest.mark.parametrize("fmt", ["xls", "ods"])
    def test_a_locked_one_is_refused(self, fmt: str) -> None:
        with pytest.raises(DataRefused, match=rf"locked\.{fmt}: the workbook is locked") as refused:
            mp.read_records(OFFICE / f"locked.{fmt}")
        assert refused.value.parts[0].rule == "MP-LOCKED"


class TestBefore:
    """What is refused before calamine sees it."""

    @pytest.mark.parametrize("limit", ["MOST_PART", "MOST_PARTS", "MOST_UNPACKED"])
    def test_bombs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
        path = write_book(tmp_path / "a.ods", {"A": page(50)})
        monkeypatch.setattr(files, limit, 2)
        with pytest.raises(DataRefused, match="unpacks to far more than its size") as refused:
            mp.read_records(path)
        assert refused.value.parts[0].rule == "MP-BOMB"

    def test_a_part_that_might_hide_its_size_and_does_not_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write_book(tmp_path / "a.xlsx", {"A": page(9)})
        monkeypatch.setattr(files, "MOST_PART", 500_000)
        assert len(mp.read_records(path).incidents) == 9

    def test_a_part_that_hides_its_size_is_found_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.xlsx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("xl/workbook.xml", bytes(1_000_000))
        data = bytearray(path.read_bytes())
        at = data.index(b"PK\x01\x02") + 24
        data[at : at + 4] = struct.pack("<I", 10)
        path.write_bytes(data)
        monkeypatch.setattr(files, "MOST_PART", 100_000)
        with pytest.raises(DataRefused, match="not a whole workbook"):
            mp.read_records(path)

    def test_a_zip_with_a_password_is_locked(self, tmp_path: Path) -> None:
        path = write_book(tmp_path / "a.xlsx", {"A": page(2)})
        data = bytearray(path.read_bytes())
        at = data.index(b"PK\x01\x02")
        data[at + 8] |= 1
        path.write_bytes(data)
        with pytest.raises(DataRefused, match="locked with a password"):
            mp.read_records(path)

    def test_a_fault_of_the_reader_itself_is_told_as_an_unreadable_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import python_calamine

        class PanicException(BaseException):
            pass

        def panics(_: object) -> None:
            raise PanicException

        def locked(_: object) -> None:
            raise python_calamine.PasswordError

        def interrupted(_: object) -> None:
            raise KeyboardInterrupt

        class Book:
            from_filelike = staticmethod(panics)

        monkeypatch.setattr(python_calamine, "CalamineWorkbook", Book)
        path = write_book(tmp_path / "a.xlsx", {"A": page(2)})
        with pytest.raises(DataRefused, match="not a workbook that can be read"):
            mp.read_records(path)
        Book.from_filelike = staticmethod(locked)
        with pytest.raises(DataRefused, match="locked with a password"):
            mp.read_records(path)
        Book.from_filelike = staticmethod(interrupted)
        with pytest.raises(KeyboardInterrupt):
            mp.read_records(path)
