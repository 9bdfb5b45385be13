"""Where the header stands: below titles, over two rows, again on each page; and two tables in one sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from book_example import Page, write_book
from ingest_example import HEADER, check_law, good_rows, write_csv

import missing_patterns as mp
from missing_patterns.errors import DataRefused
from missing_patterns.ingest.profiles import headers
from missing_patterns.ingest.profiles.fields import TableProfile

FORMATS = ("csv", "xlsx", "xls", "ods")


def write(folder: Path, fmt: str, rows: list[list[Any]], name: str = "rhi") -> Path:
    path = folder / f"{name}.{fmt}"
    if fmt == "csv":
        return write_csv(path, rows[1:], [str(c or "") for c in rows[0]])
    return write_book(path, {"A": Page(rows)})


def refusal(path: Path, profile: str | None = None) -> DataRefused:
    with pytest.raises(DataRefused) as refused:
        mp.read_records(path, profile=profile)
    return refused.value.parts[0]


@pytest.mark.parametrize("fmt", FORMATS)
class TestEveryKind:
    """The same in text and in each kind of workbook."""

    @pytest.mark.parametrize(
        "renamed",
        [
            {"Child ID": " child  id "},
            {"Child ID": "CHILD_ID"},
            {"Child ID": "Child\nID"},
            {"Child ID": "\ufeffChild ID*"},
            {"Date & time missing": "Date and Time Missing:", "Child ID": "YP ID"},
        ],
    )
    def test_headers_are_known_by_more_than_one_name(self, tmp_path: Path, fmt: str, renamed: dict[str, str]) -> None:
        header = [renamed.get(h, h) for h in HEADER]
        records = mp.read_records(write(tmp_path, fmt, [header, *good_rows(3)]))
        assert records.incidents["child_id"].tolist() == ["C0", "C1", "C2"]

    def test_the_order_of_columns_does_not_matter(self, tmp_path: Path, fmt: str) -> None:
        rows = [list(reversed(row)) for row in [list(HEADER), *good_rows(3)]]
        records = mp.read_records(write(tmp_path, fmt, rows))
        assert records.incidents["incident_id"].tolist() == ["M0", "M1", "M2"]

    def test_a_column_named_twice_is_refused(self, tmp_path: Path, fmt: str) -> None:
        told = refusal(write(tmp_path, fmt, [[*HEADER, "child id"], *([*r, "C9"] for r in good_rows(2))]))
        assert (told.rule, told.line) == ("MP-COLUMNS-TWICE", 1)
        assert "names 1 column twice (child id)" in told.told

    def test_a_name_that_may_be_an_id_is_not_shown(self, tmp_path: Path, fmt: str) -> None:
        rows = [[*HEADER, "9434765919", "9434765919"], *([*r, "x", "y"] for r in good_rows(2))]
        told = refusal(write(tmp_path, fmt, rows))
        assert "twice (I and J)" in told.told
        rows[0][-1] = "Shoe size"
        records = mp.read_records(write(tmp_path, fmt, rows, "b"))
        message = records.problems.set_index("rule").loc["MP-COLUMNS-UNUSED", "message"]
        assert message.endswith(": column I, Shoe size")

    def test_a_needed_column_that_is_absent_is_refused(self, tmp_path: Path, fmt: str) -> None:
        at = HEADER.index("Date & time missing")
        told = refusal(write(tmp_path, fmt, [[c for i, c in enumerate(r) if i != at] for r in [HEADER, *good_rows(2)]]))
        assert told.rule == "MP-NO-PROFILE"
        assert "no column was found for missing_from" in told.told

    @pytest.mark.parametrize(
        ("second", "row"),
        [
            (
                ["Child ID", "Ref", "DOB", "Date & time missing", "Date & time returned"],
                ["C9", "M9", "", "20/01/2026", ""],
            ),
            (["CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"], ["C9", "14/03/2011", "M", "20/01/2026", ""]),
            (["Ref", "Child ID", "Date & time missing", "DOB"], ["M9", "C9", "20/01/2026", "14/03/2011"]),
        ],
    )
    def test_a_second_table_below_is_refused(self, tmp_path: Path, fmt: str, second: list[Any], row: list[Any]) -> None:
        pad = [""] * len(HEADER)
        more = [pad, [*second, *pad][: len(HEADER)], [*row, *pad][: len(HEADER)]]
        told = refusal(write(tmp_path, fmt, [list(HEADER), *good_rows(50), *more]))
        assert (told.rule, told.line) == ("MP-TWO-TABLES", 53)

    def test_a_smaller_table_above_is_refused(self, tmp_path: Path, fmt: str) -> None:
        pad = [""] * (len(HEADER) - 2)
        above = [["Child ID", "Date missing", *pad], ["C1", "13/01/2026", *pad], ["", "", *pad]]
        told = refusal(write(tmp_path, fmt, [*above, list(HEADER), *good_rows(3)]))
        assert (told.rule, told.line) == ("MP-TWO-TABLES", 1)

    def test_the_same_header_on_each_page_is_no_second_table(self, tmp_path: Path, fmt: str) -> None:
        path = write(tmp_path, fmt, [list(HEADER), *good_rows(3), list(HEADER), *good_rows(6)[3:]])
        records = mp.read_records(path)
        assert len(records.incidents) == 6
        assert records.accounting["n_not_data"].tolist() == [2]
        assert records.quarantine.empty

    def test_words_among_the_dates_are_no_second_table(self, tmp_path: Path, fmt: str) -> None:
        rows = [list(HEADER), *good_rows(6)]
        rows[2][3], rows[3][3], rows[4][3] = "Missing", "Returned", "see notes"
        rows[2][5] = "Placement"
        records = mp.read_records(write(tmp_path, fmt, rows))
        assert records.quarantine["line"].tolist() == [3, 4, 5]
        check_law(records)


def test_a_value_that_is_also_a_name_makes_no_header_of_its_row(tmp_path: Path) -> None:
    """The first row stays a row, though nearly blank, and one of its cells is a header that the profile knows."""
    rows = [[*[""] * len(HEADER), "Placement"], *([*r, "Home"] for r in good_rows(3))]
    records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, [*HEADER, "Where"]))
    assert records.accounting[["n_rows", "n_quarantined", "n_not_data"]].to_numpy().tolist() == [[5, 1, 1]]


def test_lines_are_physical_ones(tmp_path: Path) -> None:
    rows = [[*good_rows(1)[0], "two\nlines"], [*["Child ID", "Ref", "DOB", "Date & time missing"], *[""] * 5]]
    told = refusal(write_csv(tmp_path / "rhi.csv", rows, [*HEADER, "Account"]))
    assert (told.rule, told.line) == ("MP-TWO-TABLES", 4)


def test_two_profiles_that_fit_equally_well_are_for_the_caller_to_tell_apart() -> None:
    made = [TableProfile(p, "t", ("incidents",), ("child_id",), columns={"child_id": ("Kid",)}) for p in "ab"]
    matches = headers.match_tables([["Kid", "x"]], made)
    with pytest.raises(DataRefused, match=r"fits more than one profile: a \(t\), b \(t\)") as refused:
        headers.choose(matches, "a.csv", "")
    assert refused.value.rule == "MP-TWO-PROFILES"


class TestPatterns:
    """Headers that drift from year to year are found by patterns, after those that are known as they stand."""

    TABLE = TableProfile(
        "p",
        "t",
        ("incidents",),
        ("child_id", "missing_from"),
        columns={"child_id": ("Kid",), "missing_from": ("Went",)},
        patterns={"child_id": (r"\bkid\b",), "missing_from": (r"^date went", r"went")},
    )

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            (["Kid", "Went"], {"child_id": 0, "missing_from": 1}),
            (["Number of the kid", "Date went (2026)"], {"child_id": 0, "missing_from": 1}),
            (["Date went", "Went", "Kid of kids", "Kid"], {"missing_from": 1, "child_id": 3}),  # a known name first
            (["When it went", "Date went", "Kid"], {"missing_from": 1, "child_id": 2}),  # then the first pattern
        ],
    )
    def test_a_known_name_comes_before_any_pattern(self, header: list[str], expected: dict[str, int]) -> None:
        match = headers.match_tables([header], [self.TABLE])[0]
        assert match.fields == expected

    def test_two_columns_that_fit_are_told_where_nothing_better_tells_them_apart(self) -> None:
        assert headers.match_tables([["Date went", "It went", "Kid"]], [self.TABLE])[0].doubled == ["missing_from"]
        assert headers.match_tables([["Went", "It went", "Kid"]], [self.TABLE])[0].doubled == []

    def test_a_title_over_the_header_is_no_part_of_a_name(self) -> None:
        match = headers.match_tables([["The kid who went", "", ""], ["Kid", "Went", "Back"]], [self.TABLE])[0]
        assert (match.row, match.n_rows, match.fields) == (1, 1, {"child_id": 0, "missing_from": 1})


def test_the_same_header_in_a_frame_of_one_column_is_none() -> None:
    assert headers.match_tables([["Kid"], ["C1"]], [TestPatterns.TABLE]) == []
    assert headers.nearest([["Hair", "Shoes"]], [TestPatterns.TABLE]) is None


def test_what_is_said_of_a_match_holds_no_header() -> None:
    match = headers.match_tables([["Kid", "Went"]], [TestPatterns.TABLE])[0]
    assert repr(match) == "Match: p.t, 2 fields"
