"""Encodings, quotes, workbooks and what is not what its name says."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlsxwriter
from book_example import Page, write_book
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_example import HEADER, check_law, good_rows, rules, with_cell, write_csv, write_xlsx

import missing_patterns as mp
from missing_patterns.errors import ArgumentRefused, DataRefused
from missing_patterns.ingest import sniff
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening import files, text
from missing_patterns.ingest.opening.grid import Grid
from missing_patterns.ingest.profiles.headers import Match
from missing_patterns.ingest.profiles.profile import TableProfile
from missing_patterns.ingest.sheet.rows import Data

SIMPLE = "CHILD,MISSING,MIS_START,MIS_END\nC1,M,13/01/2026,14/01/2026\nC2,A,15/01/2026,\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_ends_do_not_matter(
    tmp_path: Path, encoding: str, delimiter: str, ending: str
) -> None:
    path = tmp_path / "Missing.csv"
    path.write_bytes(SIMPLE.replace(",", delimiter).replace("\n", ending).encode(encoding))
    records = mp.read_records(path)
    assert records.incidents["child_id"].tolist() == ["C1", "C2"]
    assert records.accounting["n_rows"].tolist() == [3]


def test_windows_text_is_read_and_named(tmp_path: Path) -> None:
    rows = with_cell("Triggers", "Bullying")
    path = write_csv(tmp_path / "rhi.csv", [[*r, "caf\u00e9 \u2013 \u2019"] for r in rows], [*HEADER, "Account"])
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    records = mp.read_records(path)
    assert records.interviews["narrative"].tolist() == ["caf\u00e9 \u2013 \u2019"] * 6
    assert "MP-ENCODING-CP1252" in rules(records)


_HTML = b"<html><body><table><tr><td>CHILD</td></tr></table></body></html>"
_SHEET_2003 = (
    b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
    b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
)
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_LOCKED = _OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le")


@pytest.mark.parametrize(
    ("name", "data", "rule", "why"),
    [
        ("a.csv", b"", "MP-EMPTY-FILE", "the file is empty. Export it again"),
        ("a.csv", b"\xef\xbb\xbf\r\n", "MP-EMPTY-FILE", "empty"),
        ("a.csv", b"\r\n \x1a", "MP-EMPTY-FILE", "empty"),
        ("a.xlsx", b"", "MP-EMPTY-FILE", "empty"),
        ("a.ods", b"", "MP-EMPTY-FILE", "empty"),
        ("a.xls", b"", "MP-EMPTY-FILE", "empty"),
        ("a.csv", b"PK\x03\x04rest", "MP-WRONG-KIND", "a zip file or an Excel workbook. Save it as CSV"),
        ("a.tsv", _OLE + b"rest", "MP-WRONG-KIND", r"an old Excel workbook (.xls) or another old Office file"),
        ("a.csv", b"%PDF-1.7", "MP-WRONG-KIND", "it is a PDF. Export the table itself from the system"),
        ("a.xlsx", b"%PDF-1.7", "MP-WRONG-KIND", "it is a PDF. Export the table itself from the system"),
        ("a.csv", b"\x1f\x8b\x08", "MP-WRONG-KIND", "gzip"),
        ("a.xlsx", b"7z\xbc\xaf\x27\x1c", "MP-WRONG-KIND", "7-Zip"),
        ("a.csv", b"Rar!\x1a\x07\x00", "MP-WRONG-KIND", "RAR"),
        ("a.csv", b"PK\x05\x06" + bytes(18), "MP-WRONG-KIND", "a zip file with nothing in it"),
        ("a.csv", b"<!DOCTYPE html><html>", "MP-WRONG-KIND", "web page"),
        ("a.csv", b"  <table><tr>", "MP-WRONG-KIND", "web page"),
        ("a.csv", "\ufeff".encode("utf-16-le") + _HTML.decode().encode("utf-16-le"), "MP-WRONG-KIND", "web page"),
        ("a.xls", _HTML, "MP-WRONG-KIND", "a web page (HTML). Save it as an Excel workbook (.xlsx)"),
        ("a.xls", b"\xef\xbb\xbf\r\n<style>", "MP-WRONG-KIND", "web page"),
        ("a.xls", b"MIME-Version: 1.0\r\n", "MP-WRONG-KIND", "MHTML"),
        ("a.xls", _SHEET_2003, "MP-WRONG-KIND", "an XML spreadsheet (Excel 2003). Save it as an Excel workbook"),
        ("a.csv", _SHEET_2003, "MP-WRONG-KIND", "an XML spreadsheet (Excel 2003). Save it as CSV"),
        ("a.csv", b"<?xml version='1.0'?><a/>", "MP-WRONG-KIND", "it is XML"),
        ("a.xls", b"CHILD\tDOB\r\n1\t2\r\n", "MP-WRONG-KIND", "it is text. Rename it to end in .csv"),
        ("a.xlsx", b"CHILD,MISSING", "MP-WRONG-KIND", "it is text. Rename it to end in .csv"),
        ("a.xlsx", b"CHILD,MISSING\x00", "MP-UNREADABLE", "not a whole workbook"),
        ("a.xlsx", b"PK\x03\x04 cut off", "MP-UNREADABLE", "not a whole workbook; the file may be cut off"),
        ("a.xls", _OLE + bytes(600), "MP-UNREADABLE", "not a workbook that can be read; the file may be cut off"),
        ("a.xlsx", _LOCKED, "MP-LOCKED", "locked with a password. Save it without a password"),
        ("a.xls", _LOCKED, "MP-LOCKED", "locked with a password"),
        ("a.csv", b"SQLite format 3\x00", "MP-WRONG-KIND", "a database (SQLite)"),
        ("a.csv", b"PAR1", "MP-WRONG-KIND", "a Parquet file"),
        ("a.csv", b"{\\rtf1", "MP-WRONG-KIND", "RTF"),
        ("a.xlsx", b"\x89PNG\r\n", "MP-WRONG-KIND", "a picture"),
        ("a.csv", b"\xff\xd8\xff\xe0", "MP-WRONG-KIND", "a picture"),
    ],
)
def test_what_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str, data: bytes, rule: str, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataRefused) as refused:
        mp.read_records(tmp_path / name)
    part = refused.value.parts[0]
    assert (part.file, part.rule) == (name, rule)
    assert why in part.told


@pytest.mark.parametrize(("data", "why"), [(b"\xff\xfeC\x00H", "UTF-16"), (b"CHILD,\x81\x8d\n", "neither UTF-8 nor")])
def test_characters_that_cannot_be_told_are_refused(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(DataRefused, match=why):
        mp.read_records(tmp_path / "a.csv")


def test_half_a_utf_16_file_is_still_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfeC\x00H\x00")
    with pytest.raises(DataRefused, match="no profile fits it"):
        mp.read_records(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.pdf", b"%PDF-1.7", r"a\.pdf: it is a PDF\. Export the table itself from the system"),
        ("a.xlsx", b"%PDF-1.7", r"name and content differ: it is a PDF\. Export the table itself"),
        ("a.docx", b"PK\x03\x04", r"it is a Word document\. Export the table itself"),
        ("a.dat", b"PK\x03\x04", r"it is a zip file or an Excel workbook\. Export the table itself"),
        ("a.xls", b"<html>", r"Save it as an Excel workbook"),
        ("a.csv", b"<html>", r"Save it as CSV"),
    ],
)
def test_a_document_is_not_to_be_saved_under_another_name(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataRefused, match=why):
        mp.read_records(tmp_path / name)


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rhi.xlsx", "w") as packed:
        packed.writestr("a.txt", "nothing")
    with pytest.raises(DataRefused, match="not a workbook"):
        mp.read_records(tmp_path / "rhi.xlsx")


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_xlsx(tmp_path / "rhi.xlsx", {"A": [HEADER, *good_rows()]})
    monkeypatch.setattr(files, "MOST_UNPACKED", 100)
    with pytest.raises(DataRefused, match="unpacks"):
        mp.read_records(path)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "rhi.csv", good_rows())

    def locked(_: Path) -> bytes:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "read_bytes", locked)
    with pytest.raises(DataRefused, match=r"rhi\.csv: it cannot be read \(PermissionError\)") as refused:
        mp.read_records(path)
    assert refused.value.parts[0].rule == "MP-UNREADABLE"


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 10)
    with pytest.raises(DataRefused, match=r"it is larger than 0 MB\. Export it in parts"):
        mp.read_records(write_csv(tmp_path / "rhi.csv", good_rows()))


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "xls", "ods"])
class TestWhileItIsRead:
    """A file that is written while it is read holds half of this and half of that."""

    def path(self, folder: Path, fmt: str) -> Path:
        if fmt == "csv":
            return write_csv(folder / "rhi.csv", good_rows())
        return write_book(folder / f"rhi.{fmt}", {"A": Page([list(HEADER), *good_rows()])})

    def test_more_bytes_come(self, tmp_path: Path, fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
        read = Path.read_bytes

        def grows(path: Path) -> bytes:
            data = read(path)
            path.write_bytes(data + b"\n")
            return data

        path = self.path(tmp_path, fmt)
        monkeypatch.setattr(Path, "read_bytes", grows)
        with pytest.raises(DataRefused, match=rf"rhi\.{fmt}: it changed while it was read\. Wait until") as refused:
            mp.read_records(path)
        assert refused.value.parts[0].rule == "MP-CHANGED-WHILE-READING"

    def test_other_bytes_come_later_in_the_run(self, tmp_path: Path, fmt: str) -> None:
        path = self.path(tmp_path, fmt)
        source = files.list_sources(path)[0][0]
        data, stamp = files.read_stamped(source)
        assert data == path.read_bytes()
        assert files.same_as_read(source, stamp)
        os.utime(path, ns=(stamp.mtime_ns, stamp.mtime_ns + 1))
        assert not files.same_as_read(source, stamp)
        path.unlink()
        assert not files.same_as_read(source, stamp)

    def test_it_is_known_when_it_was_written(self, tmp_path: Path, fmt: str) -> None:
        path = self.path(tmp_path, fmt)
        noon = int(dt.datetime(2026, 7, 14, 12, tzinfo=dt.UTC).timestamp())
        os.utime(path, (noon, noon))
        stamp = files.read_stamped(files.list_sources(path)[0][0])[1]
        assert stamp.written_at.isoformat() == "2026-07-14T13:00:00"  # London is an hour ahead in summer


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("blank lines", "{h}\n\n{a}\n\n\n{b}\n\n"),
        ("lines of separators", "{h}\n,,,\n{a}\n , , , \n{b}\n,,,\n"),
        ("no end of the last line", "{h}\n{a}\n{b}"),
        ("mixed line ends", "{h}\r\n{a}\r{b}\n"),
        ("a Ctrl-Z at the end", "{h}\n{a}\n{b}\n\x1a"),
        ("a form feed at the end", "{h}\n{a}\n{b}\n\f\n"),
        ("a mark in front", "\ufeff{h}\n{a}\n{b}\n"),
    ],
)
def test_what_programs_leave_between_rows_is_no_data(tmp_path: Path, name: str, body: str) -> None:
    header, first, second = SIMPLE.splitlines()
    path = tmp_path / "Missing.csv"
    path.write_bytes(body.format(h=header, a=first, b=second).encode())
    records = mp.read_records(path)
    assert records.incidents["child_id"].tolist() == ["C1", "C2"], name
    assert records.incidents["returned_at"].notna().tolist() == [True, False]
    told = records.accounting.iloc[0]
    assert told["n_rows"] == told["n_accepted"] + told["n_not_data"]
    assert records.quarantine.empty


@pytest.mark.parametrize("text", ["CHILD,MISSING,MIS_START,MIS_END", "CHILD,MISSING,MIS_START,MIS_END\n\n,,,\n"])
def test_a_header_alone_is_no_rows_with_a_warning(tmp_path: Path, text: str) -> None:
    (tmp_path / "Missing.csv").write_text(text, encoding="utf-8")
    records = mp.read_records(tmp_path / "Missing.csv")
    assert records.incidents.empty
    told = records.problems.set_index("rule")
    assert told.loc["MP-NO-ROWS", "severity"] == "warning"


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ('C1,M,"13/01/2026,14/01/2026\nC2,A,15/01/2026,\n', 2),  # never closed
        ('C1,M,"13/01/2026,14/01/2026\nC2,A,15/01/2026",\n', 2),  # closed by a stray quote in the next row
        ('C1,M,"13/01/2026"x,14/01/2026\n', 2),  # text after a closing quote
        ('C0,M,13/01/2026,\n"C1,M,13/01/2026,\nC2,M,15/01/2026,\nC3",M,16/01/2026,\n', 3),  # two rows in one cell
    ],
)
def test_a_stray_quote_cannot_swallow_rows(tmp_path: Path, broken: str, line: int) -> None:
    path = tmp_path / "Missing.csv"
    path.write_text("CHILD,MISSING,MIS_START,MIS_END\n" + broken, encoding="utf-8")
    with pytest.raises(DataRefused, match=rf"Missing\.csv, line {line}: a quotation mark"):
        mp.read_records(path)


def test_new_lines_inside_a_quoted_account_are_kept_and_lines_stay_true(tmp_path: Path) -> None:
    rows = [[*r, 'He said "no",\nthen left, twice.\r\nEnd'] for r in good_rows(3)]
    rows[2][3] = "31/02/2026"
    path = write_csv(tmp_path / "rhi.csv", rows, [*HEADER, "Account"])
    records = mp.read_records(path)
    assert records.interviews["narrative"].tolist() == ['He said "no",\nthen left, twice.\r\nEnd'] * 2
    assert records.accounting["n_rows"].tolist() == [4]
    assert records.quarantine["line"].tolist() == [8]  # header, then rows of three lines each


def test_nul_bytes_are_taken_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "Missing.csv"
    path.write_bytes(SIMPLE.replace("C1", "C\x001").encode() + b"\x1a")
    records = mp.read_records(path)
    assert records.incidents["child_id"].tolist() == ["C1", "C2"]
    told = records.problems[records.problems["rule"] == "MP-NUL-BYTES"]
    assert told["line"].tolist() == [2]


def test_a_cell_beyond_the_limit_is_set_aside(tmp_path: Path) -> None:
    rows = [[*r, "words"] for r in good_rows(3)]
    rows[1][-1] = "x" * (text.FIELD_LIMIT + 1)
    records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, [*HEADER, "Account"]))
    assert records.quarantine[["line", "rule"]].to_numpy().tolist() == [[3, "MP-FIELD-TOO-LONG"]]
    check_law(records, tmp_path / "rhi.csv")


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_table_that_stops_at_a_row_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("missing_patterns.ingest.opening.text.ROW_LIMITS", (7,))
    monkeypatch.setattr("missing_patterns.ingest.opening.books.ROW_LIMITS", (7,))
    path = tmp_path / f"rhi.{suffix}"
    if suffix == "csv":
        write_csv(path, good_rows(6))
    else:
        write_xlsx(path, {"A": [HEADER, *good_rows(6)]})
    with pytest.raises(DataRefused, match="stops at exactly 7 rows"):
        mp.read_records(path)


@given(st.text(alphabet='ab,"\n\r ', max_size=40))
@settings(deadline=None, max_examples=300)
def test_the_slow_reader_and_the_standard_one_agree(body: str) -> None:
    reader = csv.reader(io.StringIO(body, newline=""), strict=True)
    try:
        expected: list[list[str]] | None = list(reader)
    except csv.Error:
        expected = None
    try:
        got: list[list[str]] | None = text.read_slowly(body, ",", "x.csv")[0]
    except DataRefused:
        got = None
    assert got == expected


def test_nothing_in_a_log_can_be_read_from_its_name() -> None:
    log = Log()
    log.account("a.csv", "", "incidents", n_rows=2, n_accepted=1, n_quarantined=1, n_not_data=0)
    assert repr(log) == "Log: 0 batches, 1 accounts"
    grid = Grid("a.csv", "", [["secret"]], [1])
    match = Match(TableProfile("p", "t", ("children",), ("child_id",)), 0, 1, ["CHILD"], {"child_id": 0})
    data = Data(grid, match, log, np.array([0]), np.array([1]), np.array([""], dtype=object))
    assert repr(data) == "Data: 1 rows, 0 set aside"
    with pytest.raises(AssertionError, match="3 rows read"):
        log.account("a.csv", "", "incidents", n_rows=3, n_accepted=1, n_quarantined=1, n_not_data=0)
    assert Log().quarantine().empty
    assert Log().accounting().empty


class TestWorkbooks:
    """Sheets, hidden sheets, merged cells, error cells."""

    def test_real_dates_and_text_dates_read_the_same(self, tmp_path: Path) -> None:
        rows = good_rows(4)
        rows[1][3] = dt.datetime.fromisoformat("2026-01-14T21:01")
        rows[1][2] = dt.date(2011, 3, 14)
        records = mp.read_records(write_xlsx(tmp_path / "rhi.xlsx", {"A": [HEADER, *rows]}))
        assert records.incidents["missing_from"].dt.strftime("%d %H:%M").tolist() == [
            "13 21:00",
            "14 21:01",
            "15 21:02",
            "16 21:03",
        ]
        assert records.children["birth_month"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2011-03-01"]

    def test_hidden_sheets_are_not_read_unless_a_profile_names_them(self, tmp_path: Path) -> None:
        sheets = {"Tracker": [HEADER, *good_rows(2)], "Old": [HEADER, *good_rows(4)]}
        path = write_xlsx(tmp_path / "rhi.xlsx", sheets, hidden=("Old",))
        with pytest.raises(
            DataRefused, match=r"\[Old\]: the sheet is hidden and holds records \(tracker\)\. Unhide it"
        ):
            mp.read_records(path)
        own = tmp_path / "own.toml"
        own.write_text(
            'name = "own"\n[[table]]\nname = "t"\nbecomes = ["incidents"]\nrecognise = ["child_id", "missing_from"]\n'
            'sheet = "Old"\n[table.columns]\nchild_id = ["Child ID"]\nmissing_from = ["Date & time missing"]\n',
            encoding="utf-8",
        )
        assert len(mp.read_records(path, profile=own).incidents) == 4

    def test_hidden_sheets_without_records_are_told(self, tmp_path: Path) -> None:
        sheets = {"Tracker": [HEADER, *good_rows(2)], "Lists": [["Yes"], ["No"]], "Template": [HEADER]}
        records = mp.read_records(write_xlsx(tmp_path / "rhi.xlsx", sheets, hidden=("Lists", "Template")))
        told = records.problems[records.problems["rule"] == "MP-HIDDEN-SHEET"]
        assert told[["sheet", "severity"]].to_numpy().tolist() == [["Lists", "warning"], ["Template", "warning"]]

    def test_other_sheets_are_told_and_empty_ones_too(self, tmp_path: Path) -> None:
        sheets = {"A": [HEADER, *good_rows(2)], "Notes": [["Words", "about"], ["it", "all"]], "Blank": []}
        records = mp.read_records(write_xlsx(tmp_path / "rhi.xlsx", sheets))
        told = records.problems.set_index("rule")["sheet"].to_dict()
        assert (told["MP-SHEET-NO-PROFILE"], told["MP-EMPTY-SHEET"]) == ("Notes", "Blank")
        assert records.accounting["sheet"].tolist() == ["A"]

    def test_two_sheets_of_one_book_are_accounted_for_apart(self, tmp_path: Path) -> None:
        second = [[f"N{i}", *row[1:]] for i, row in enumerate(good_rows(3))]
        records = mp.read_records(
            write_xlsx(tmp_path / "rhi.xlsx", {"2025": [HEADER, *good_rows(2)], "2026": [HEADER, *second]})
        )
        assert records.accounting[["sheet", "n_rows"]].to_numpy().tolist() == [["2025", 3], ["2026", 4]]

    def test_an_open_document_sheet_is_read(self, tmp_path: Path) -> None:
        rows = [["CHILD", "MISSING", "MIS_START", "MIS_END"], ["C1", "M", "13/01/2026", "14/01/2026"]]
        cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
        body = "".join(f"<table:table-row>{''.join(cell.format(c) for c in row)}</table:table-row>" for row in rows)
        spaces = " ".join(
            f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text")
        )
        with zipfile.ZipFile(tmp_path / "Missing.ods", "w") as packed:
            packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            packed.writestr(
                "META-INF/manifest.xml",
                '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
            )
            packed.writestr(
                "content.xml",
                f"<office:document-content {spaces}><office:body><office:spreadsheet>"
                f'<table:table table:name="A">{body}</table:table>'
                "</office:spreadsheet></office:body></office:document-content>",
            )
        records = mp.read_records(tmp_path / "Missing.ods")
        assert records.accounting[["sheet", "n_rows", "n_accepted"]].to_numpy().tolist() == [["A", 2, 1]]

    @pytest.mark.parametrize("where", ["body", "title"])
    def test_merged_cells_among_the_rows_are_refused_and_above_them_are_not(self, tmp_path: Path, where: str) -> None:
        path = tmp_path / "rhi.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet("A")
            if where == "title":
                sheet.merge_range(0, 0, 0, 4, "Missing children")
            for i, row in enumerate([HEADER, *good_rows(3)], start=2):
                sheet.write_row(i, 0, row)
            if where == "body":
                sheet.merge_range(3, 1, 4, 1, "C1")
        if where == "body":
            with pytest.raises(DataRefused, match=r"\[A\], line 4: cells are merged in 1 place among"):
                mp.read_records(path)
        else:
            assert len(mp.read_records(path).incidents) == 3

    def test_error_cells_are_set_aside_with_their_address(self, tmp_path: Path) -> None:
        path = tmp_path / "rhi.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet("A")
            for i, row in enumerate([HEADER, *good_rows(4)]):
                sheet.write_row(i, 0, row)
            sheet.write_formula(2, 4, "=1/0", None, "#DIV/0!")
            sheet.write_string(3, 5, "#REF!")
            sheet.write_formula(1, 20, "=1/0", None, "#DIV/0!")  # under no header: not ours
        records = mp.read_records(path)
        told = records.problems[records.problems["rule"] == "MP-ERROR-CELL"]
        assert told[["line", "cell"]].to_numpy().tolist() == [[3, "E3"], [4, "F4"]]
        assert len(records.quarantine) == 2


class TestPaths:
    """Files, folders, and what else may be handed in."""

    def test_a_folder_is_read_whole_and_what_is_not_read_is_told(self, tmp_path: Path) -> None:
        write_csv(tmp_path / "rhi.csv", good_rows(2))
        (tmp_path / "Missing.csv").write_text(SIMPLE, encoding="utf-8")
        (tmp_path / "README.md").write_text("words", encoding="utf-8")
        (tmp_path / "~$rhi.xlsx").write_text("lock", encoding="utf-8")
        (tmp_path / "Register.csv").write_text("CHILD,DOB,REVIEW\nC1,13/01/2011,13/01/2026\n", encoding="utf-8")
        (tmp_path / "more").mkdir()
        (tmp_path / ".keep").write_text("", encoding="utf-8")
        records = mp.read_records(tmp_path)
        told = records.problems.groupby("rule")["file"].agg(list)
        assert sorted(told["MP-NOT-READ"]) == [".keep", "README.md", "~$rhi.xlsx"]
        assert told["MP-FOLDER-INSIDE"] == ["more"]
        said = records.problems.set_index("file")["message"]
        assert said["~$rhi.xlsx"].endswith("left by a program that has the file open")
        assert said[".keep"].endswith("hidden")
        assert told["MP-NO-PROFILE"] == ["Register.csv"]
        assert records.accounting["file"].tolist() == ["Missing.csv", "Register.csv", "rhi.csv"]
        check_law(records, tmp_path / "rhi.csv", tmp_path / "Missing.csv", tmp_path / "Register.csv")

    @pytest.mark.parametrize("read", [mp.read_records, lambda given: mp.read_records([given]), sniff])
    @pytest.mark.parametrize("given", [SIMPLE, SIMPLE * 100, "C1,Zeb" * 60, "C1,Zeb/" * 900])
    def test_text_instead_of_a_path_is_refused_without_showing_it(self, given: str, read: Callable[[str], Any]) -> None:
        with pytest.raises((ArgumentRefused, DataRefused)) as caught:
            read(given)
        assert "C1" not in str(caught.value)
        assert "Zeb" not in str(caught.value)

    def test_a_folder_that_nobody_may_look_into_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Path) -> None:
            raise PermissionError(13, "denied", str(self))

        for method in ("iterdir", "is_dir"):
            monkeypatch.setattr(Path, method, refuse)
            with pytest.raises(DataRefused, match="PermissionError") as caught:
                files.list_sources(tmp_path)
            assert caught.value.rule == "MP-UNREADABLE"

    def test_a_profile_is_a_name_or_a_path(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentRefused, match="profile must be"):
            mp.read_records(tmp_path, profile=3)  # type: ignore[arg-type]

    def test_the_same_bytes_twice_are_read_once(self, tmp_path: Path) -> None:
        for name in ("a.csv", "b.csv"):
            write_csv(tmp_path / name, good_rows(2))
        records = mp.read_records([tmp_path / "a.csv", str(tmp_path / "b.csv")])
        assert len(records.incidents) == 2
        assert "MP-SAME-FILE-TWICE" in rules(records)

    def test_files_of_one_name_are_told_apart(self, tmp_path: Path) -> None:
        for year in ("2025", "2026"):
            (tmp_path / year).mkdir()
        write_csv(tmp_path / "2025" / "rhi.csv", good_rows(2))
        write_csv(tmp_path / "2026" / "rhi.csv", good_rows(3)[2:])
        records = mp.read_records([tmp_path / "2025", tmp_path / "2026"])
        assert records.accounting["file"].tolist() == ["2025/rhi.csv", "2026/rhi.csv"]
        labels = files._labels([Path("a/x.csv"), Path("b/a/x.csv")])
        assert labels == ["a/x.csv", "a/x.csv (2)"]

    @pytest.mark.parametrize("paths", [5, b"a.csv", [5], Path("sqlite:///ssd.db")])
    def test_what_is_not_a_path_is_refused(self, paths: object) -> None:
        with pytest.raises(ArgumentRefused):
            mp.read_records(paths)

    def test_nothing_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataRefused, match="no such file"):
            mp.read_records(tmp_path / "absent.csv")
        with pytest.raises(DataRefused, match="no file to read"):
            mp.read_records(tmp_path)
        (tmp_path / "notes.txt").write_text("some words, and more\n", encoding="utf-8")
        with pytest.raises(DataRefused, match=r"No file fits a profile\.\nnotes\.txt: .* not look like a table"):
            mp.read_records(tmp_path)

    def test_all_files_that_are_refused_are_named_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"%PDF")
        (tmp_path / "b.xlsx").write_bytes(b"<html>")
        write_csv(tmp_path / "c.csv", good_rows(2))
        with pytest.raises(DataRefused) as refused:
            mp.read_records(tmp_path)
        assert [line.split(":")[0] for line in str(refused.value).splitlines()] == ["a.csv", "b.xlsx"]

    def test_settings_must_be_settings(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "rhi.csv", good_rows(2))
        assert len(mp.read_records(path, settings=mp.read_settings()).incidents) == 2
        with pytest.raises(ArgumentRefused, match="settings"):
            mp.read_records(path, settings={"threshold": 5})
