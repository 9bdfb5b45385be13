"""Binary workbooks, .xls and .xlsb: what is found in their records, and what is no whole one."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from book_example import BACK, ERROR, UNVALUED, page, record, rewritten, told, with_cells, write_book, write_xlsb

import missing_patterns as mp
from missing_patterns.errors import DataRefused
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening import biff, biff12, books, files


class TestXls:
    """What only an .xls can hold."""

    @pytest.mark.parametrize(
        ("results", "errors", "unvalued"),
        [
            (["", ""], [], [(2, BACK), (3, BACK)]),
            (["text", ""], [], []),  # a formula of the sheet has a result, so an empty text is one too
            (["error", ""], [(2, BACK)], []),
            (["number", "error"], [(3, BACK)], []),
        ],
    )
    def test_results_of_formulas(
        self, tmp_path: Path, results: list[str], errors: list[Any], unvalued: list[Any]
    ) -> None:
        made = with_cells((2, BACK, UNVALUED), (3, BACK, UNVALUED))
        data = write_book(tmp_path / "a.xls", {"A": made}).read_bytes()
        empty = bytes([3, 0, 0, 0, 0, 0, 255, 255])
        assert data.count(empty) == 2
        kinds = {
            "": empty,
            "text": bytes([0, 0, 0, 0, 0, 0, 255, 255]),
            "error": bytes([2, 0, 7, 0, 0, 0, 255, 255]),
            "number": struct.pack("<d", 46_000.5),
        }
        first, second, third = data.split(empty)
        found = biff.look_in_xls(first + kinds[results[0]] + second + kinds[results[1]] + third).sheets[0]
        assert (sorted(found.errors), sorted(found.unvalued)) == (errors, unvalued)

    def test_a_cell_in_a_column_that_there_is_not_is_damage(self) -> None:
        far = struct.pack("<HHHHHd", 0x0203, 14, 1, 256, 0, 1.0)
        with pytest.raises(biff.NotWhole):
            biff._look_in_sheet(struct.pack("<HHHH", 0x0809, 4, 0, 0) + far, 0)

    def test_a_chart_among_the_cells_is_stepped_over(self) -> None:
        def record(kind: int, *content: int) -> bytes:
            return struct.pack(f"<HH{len(content)}H", kind, 2 * len(content), *content)

        bof, end = record(0x0809, 0x0600, 0x10), record(0x000A)
        hidden = record(0x0208, 3, 0, 1, 255, 0, 0, 0x20, 0)
        error = record(0x0205, 3, 2, 0, 0x0107)
        is_true = record(0x0205, 3, 1, 0, 0x0001)
        sheet = bof + hidden + bof + error + end + is_true + error + end
        found = biff._look_in_sheet(sheet, 0)
        assert (found.hidden, found.errors) == ({3}, {(3, 2)})

    def book(self, folder: Path) -> bytes:
        return write_book(folder / "a.xls", {"A": with_cells((1, BACK, ERROR))}).read_bytes()

    def test_a_locked_one_is_refused(self, tmp_path: Path) -> None:
        data = bytearray(self.book(tmp_path))
        stream = data.index(struct.pack("<HH", 0x0809, 16))  # the second record of the stream becomes FILEPASS
        second = stream + 20
        struct.pack_into("<H", data, second, 0x002F)
        (tmp_path / "a.xls").write_bytes(data)
        with pytest.raises(DataRefused, match="locked with a password"):
            mp.read_records(tmp_path / "a.xls")

    def test_damage_of_any_kind_is_no_traceback(self, tmp_path: Path) -> None:
        data = self.book(tmp_path)
        named: list[bool] = []
        n_read = 0
        for at in range(0, len(data), 97):
            damaged = bytearray(data)
            damaged[at] ^= 0xFF
            try:
                books.read_book(bytes(damaged), "a.xls", Log(), mp.ingest.reader.known_tables(None))
                n_read += 1
            except DataRefused as refused:
                named.append(str(refused).startswith("a.xls"))
        assert n_read > 0
        assert set(named) == {True}

    def test_a_chain_that_runs_in_a_circle_is_no_book(self) -> None:
        with pytest.raises(biff.NotWhole):
            biff._chain(0, [1, 0])

    def test_a_small_book_lies_in_small_pieces(self, tmp_path: Path) -> None:
        """Streams below 4,096 bytes are kept in pieces of 64 bytes, in a stream of their own."""
        stream = (
            struct.pack("<HH4x12x", 0x0809, 16)
            + struct.pack("<HHIBBBB1s", 0x0085, 9, 43, 0, 0, 1, 0, b"A")
            + struct.pack("<HHH", 0x0022, 2, 1)
            + struct.pack("<HH", 0x000A, 0)
            + struct.pack("<HH", 0x000A, 0)
        )
        assert biff.look_in_xls(compound(stream)).is_1904
        with pytest.raises(biff.NotWhole):
            biff.look_in_xls(compound(stream)[:1600])
        with pytest.raises(biff.NotWhole):  # it holds another document
            biff.look_in_xls(compound(stream).replace("Workbook".encode("utf-16-le"), "Document".encode("utf-16-le")))

    def test_what_says_that_it_is_longer_than_it_is(self) -> None:
        data = bytearray(compound(bytes(40)))
        at = data.index("Workbook".encode("utf-16-le"))
        struct.pack_into("<I", data, at + 120, 3000)
        with pytest.raises(biff.NotWhole):
            biff.look_in_xls(bytes(data))
        struct.pack_into("<H", data, 30, 7)
        with pytest.raises(biff.NotWhole):
            biff.look_in_xls(bytes(data))

    def test_a_table_of_sectors_that_goes_on_elsewhere(self) -> None:
        """Of a large file the places of the table itself fill sectors of their own."""
        data = bytearray(compound(struct.pack("<HH", 0x000A, 0)))
        struct.pack_into("<2I", data, 44 + 24, 4, 1)  # sector 4, which is free, goes on with the places
        assert biff.look_in_xls(bytes(data) + bytes(512)).sheets == []


def compound(stream: bytes) -> bytes:
    """An old Office file that holds one small stream called Workbook."""
    pool = stream.ljust(512, b"\0")
    head = bytearray(512)
    head[:8] = files.OLE
    struct.pack_into("<HHH", head, 28, 0xFFFE, 9, 6)
    struct.pack_into("<8I", head, 44, 1, 1, 0, 4096, 2, 1, 0xFFFFFFFE, 0)
    struct.pack_into("<109I", head, 76, 0, *[0xFFFFFFFF] * 108)
    table = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFE, 0xFFFFFFFE, *[0xFFFFFFFF] * 124)
    links = struct.pack("<128I", *range(1, 8), 0xFFFFFFFE, *[0xFFFFFFFF] * 120)

    def entry(name: str, first: int, size: int) -> bytes:
        made = bytearray(128)
        made[: 2 * len(name)] = name.encode("utf-16-le")
        struct.pack_into("<H", made, 64, 2 * len(name) + 2)
        struct.pack_into("<II", made, 116, first, size)
        return bytes(made)

    directory = (entry("Root Entry", 3, 512) + entry("Other", 0, 0) + entry("Workbook", 0, len(stream))).ljust(
        512, b"\0"
    )
    return bytes(head) + table + directory + links + pool


class TestXlsb:
    """A binary workbook, which Excel alone writes."""

    def test_it_is_read_as_the_others_are(self, tmp_path: Path) -> None:
        made = with_cells((2, BACK, ERROR), (3, BACK, None), (1, 1, 4001), (1, 7, "Bullying; " * 20))
        made.hidden_rows = [3]
        records = mp.read_records(write_xlsb(tmp_path / "a.xlsb", made, is_1904=True))
        assert told(records, "MP-ERROR-CELL") == [["A", 3, "E3", "error"]]
        assert told(records, "MP-HIDDEN-ROWS") == [["A", None, None, "warning"]]
        assert told(records, "MP-EPOCH-1904") == [[None, None, None, "note"]]
        assert records.incidents["returned_at"].isna().tolist() == [False, True, False]
        assert records.incidents["child_id"].tolist() == ["4001", "C2", "C3"]

    def test_merged_cells_among_the_rows_are_refused(self, tmp_path: Path) -> None:
        made = page()
        made.merged = [(2, 1, 3, 1)]
        with pytest.raises(DataRefused, match=r"\[A\], line 3: cells are merged in 1 place"):
            mp.read_records(write_xlsb(tmp_path / "a.xlsb", made))

    @pytest.mark.parametrize(
        "sheet",
        [
            record(145) + record(0, bytes(4)),  # a row too short to be one
            record(145) + b"\x00\x7f",  # a record longer than the rest
            record(145) + b"\x91",  # half a kind
            record(145) + b"\x07",  # a kind without a length
        ],
    )
    def test_a_part_that_is_cut_off_is_refused(self, tmp_path: Path, sheet: bytes) -> None:
        path = write_xlsb(tmp_path / "a.xlsb", page())
        path.write_bytes(rewritten(path.read_bytes(), "xl/worksheets/sheet1.bin", sheet))
        with pytest.raises(DataRefused, match="not a workbook that can be read") as refused:
            mp.read_records(path)
        assert refused.value.parts[0].rule == "MP-UNREADABLE"

    @pytest.mark.parametrize("name", [b"", bytes(10), bytes(8) + b"\xff\0\0\0"])
    def test_a_sheet_without_a_name_is_no_book(self, tmp_path: Path, name: bytes) -> None:
        path = write_xlsb(tmp_path / "a.xlsb", page())
        data = rewritten(path.read_bytes(), "xl/workbook.bin", record(156, name))
        with pytest.raises(biff.NotWhole):
            biff12.look_in_xlsb(data)
        with pytest.raises(biff.NotWhole):  # its list of sheets is cut off
            biff12.look_in_xlsb(rewritten(data, "xl/workbook.bin", record(156, bytes(99))[:50]))

    def test_a_sheet_whose_part_is_absent_is_not_looked_into(self, tmp_path: Path) -> None:
        data = write_xlsb(tmp_path / "a.xlsb", page()).read_bytes()
        assert biff12.look_in_xlsb(rewritten(data, "xl/worksheets/sheet1.bin", None)) == ({}, False)

    def test_how_far_the_cells_reach(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write_xlsb(tmp_path / "a.xlsb", page(4))
        found = biff12.look_in_xlsb(path.read_bytes())[0]["A"]
        assert (found.n_rows, found.n_columns) == (5, 8)
        monkeypatch.setattr(books, "MOST_CELLS", 39)
        with pytest.raises(DataRefused, match="5 rows by 8 columns"):
            mp.read_records(path)

    def test_lengths_take_four_bytes_at_most(self) -> None:
        assert biff12._number(b"\xff\xff\xff\xff\x01", 0, 4) == (2**28 - 1, 4)
