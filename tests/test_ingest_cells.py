"""The catalogue of bad cells, by its numbers: what stands in a cell, what is told, and whether its row is kept."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_example import check_law, write_csv, write_xlsx

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.codebook import read_codebook
from missing_patterns.errors import DataRefused
from missing_patterns.ingest import RULES
from missing_patterns.ingest.cells.choices import Choices
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.grid import Grid
from missing_patterns.ingest.profiles.headers import choose, match_tables
from missing_patterns.ingest.profiles.profile import read_profile
from missing_patterns.ingest.sheet.interviews import Stay
from missing_patterns.ingest.sheet.moments import read_times
from missing_patterns.ingest.sheet.rows import find_rows
from missing_patterns.ingest.sheet.tables import read_tables

HEADER = [
    *("Ref", "Child ID", "DOB", "Date & time missing", "Date & time returned", "Reported", "RHI status"),
    *("RHI offered", "RHI date", "Attempts", "In borough?", "Triggers", "Actions", "Child's account"),
]
#: When the files of this module were written, for what lies in the future.
WRITTEN = dt.datetime(2026, 2, 10, 12, tzinfo=dt.UTC)


def rows(n: int = 6) -> list[list[object]]:
    """Rows that nothing is wrong with; the days prove that dates are day first."""
    return [
        [f"M{i}", f"C{i}", "14/03/2011", f"{day}/01/2026 21:0{i}", f"{day}/01/2026 23:30", f"{day}/01/2026 22:00",
         "Completed", f"{day + 1}/01/2026", f"{day + 2}/01/2026 16:00", "1", "Yes", "Bullying", "Referral", "ran off"]
        for i, day in enumerate(range(13, 13 + n))
    ]  # fmt: skip


def real_rows(n: int = 6) -> list[list[object]]:
    """Return the same rows as a workbook holds them: real dates, numbers and truth values."""

    def real(cell: object) -> object:
        text = str(cell)
        for form in ("%d/%m/%Y %H:%M", "%d/%m/%Y"):
            try:
                return dt.datetime.strptime(text, form)  # noqa: DTZ007
            except ValueError:
                continue
        return {"1": 1.0, "Yes": True}.get(text, cell)

    return [[real(cell) for cell in row] for row in rows(n)]


def read(tmp_path: Path, table: list[list[object]], kind: str, header: list[str] | None = None) -> schema.Records:
    """Write a table as CSV or as a workbook, dated, and read it."""
    path = tmp_path / f"rhi.{'csv' if kind == 'csv' else 'xlsx'}"
    if kind == "csv":
        write_csv(path, table, header or HEADER)
    else:
        write_xlsx(path, {"A": [list(header or HEADER), *table]})
    os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    records = mp.read_records(path)
    check_law(records, path)
    assert int(records.accounting["n_accepted"].sum()) == len(records.incidents)
    return records


START, END, DOB, HELD, OFFERED = "Date & time missing", "Date & time returned", "DOB", "RHI date", "RHI offered"
ISO = "2026-01-15 21:02"

# number in the catalogue, column, cell, rule, kept or aside, and what the table then holds: (table, column, value)
CATALOGUE: list[tuple[str, str, object, str, str, tuple[str, str, object] | None]] = [
    ("3", START, "31/02/2026 10:00", "1004", "aside", None),
    ("4", START, ISO, "MP-DATE-REWORDED", "kept", ("incidents", "missing_from", ISO)),
    ("4", START, "15 Jan 2026 21:02", "MP-DATE-REWORDED", "kept", ("incidents", "missing_from", ISO)),
    ("5", START, "46037", "MP-EXCEL-SERIAL", "kept", ("incidents", "missing_from", "2026-01-15 00:00")),
    ("5", START, "19999", "1004", "aside", None),
    ("6", START, "46037.5", "MP-EXCEL-SERIAL", "kept", ("incidents", "missing_from", "2026-01-15 12:00")),
    ("7", START, "0", "1004", "aside", None),
    ("7", END, "60", "1005", "aside", None),
    ("7", START, "-1.5", "1004", "aside", None),
    ("7", HELD, "2958466", "MP-NOT-A-DATE", "aside", None),
    ("9", START, "01/01/1900", "MP-PLACEHOLDER-DATE", "aside", None),
    ("9", DOB, "1900-01-01", "MP-PLACEHOLDER-DATE", "aside", None),
    ("10", END, "31/12/9999", "MP-OPEN-PLACEHOLDER", "kept", ("incidents", "returned_at", None)),
    ("10", HELD, "31/12/9999", "MP-PLACEHOLDER-DATE", "aside", None),
    ("11", DOB, "00/00/2011", "MP-NOT-A-DATE", "aside", None),
    ("11", "Reported", "31/04/2026", "MP-NOT-A-DATE", "aside", None),
    ("12", DOB, "14/03/11", "MP-TWO-DIGIT-YEAR", "kept", ("children", "birth_month", "2011-03-01 00:00")),
    ("12", DOB, "14/03/27", "MP-YEAR-OUT-OF-RANGE", "aside", None),
    ("12", START, "15/01/26 21:02", "MP-TWO-DIGIT-YEAR", "kept", ("incidents", "missing_from", ISO)),
    ("13", START, "15/01/0024", "MP-YEAR-OUT-OF-RANGE", "aside", None),
    ("13", START, "15/01/202", "1004", "aside", None),
    ("14", START, "14/01/2026 24:00", "MP-MIDNIGHT-24", "kept", ("incidents", "missing_from", "2026-01-15 00:00")),
    ("15", START, "15/01/2026 2102", "MP-TIME-REWORDED", "kept", ("incidents", "missing_from", ISO)),
    ("15", START, "15/01/2026 21.02", "MP-TIME-REWORDED", "kept", ("incidents", "missing_from", ISO)),
    ("15", START, "15/01/2026 9:02pm", "MP-TIME-REWORDED", "kept", ("incidents", "missing_from", ISO)),
    ("15", START, "15/01/2026 21:02:00.0", "MP-TIME-REWORDED", "kept", ("incidents", "missing_from", ISO)),
    ("21", START, "2026-01-15T21:02:00Z", "MP-UTC-TIME", "kept", ("incidents", "missing_from", ISO)),
    ("22", END, "14/01/2026 10:00", "567", "aside", None),
    ("23", END, "15/01/2026 21:02", "MP-ZERO-LENGTH", "kept", ("incidents", "returned_at", ISO)),
    ("24", END, "Still missing", "MP-OPEN-PLACEHOLDER", "kept", ("incidents", "returned_at", None)),
    ("24", END, "N/A", "MP-OPEN-PLACEHOLDER", "kept", ("incidents", "returned_at", None)),
    ("24", END, "unknown", "1005", "aside", None),
    ("24", END, "see notes", "1005", "aside", None),
    ("31", HELD, "15/01/2026 23:00", "MP-INTERVIEW-BEFORE-RETURN", "aside", None),
    ("33", START, "15/03/2026 21:02", "MP-FUTURE-DATE", "aside", None),
    ("33", HELD, "12/02/2026 09:00", "MP-FUTURE-DATE", "aside", None),
    ("34", DOB, "16/01/2026", "586", "aside", None),
    ("34", DOB, "01/01/2027", "MP-FUTURE-DATE", "aside", None),
    ("35", DOB, "15/01/2008", "MP-ADULT", "aside", None),
    ("36", DOB, "15/01/2024", "MP-INFANT", "kept", ("children", "birth_month", "2024-01-01 00:00")),
    ("38", "Child ID", "NULL", "MP-ID-BLANK", "aside", None),
    ("40", "Child ID", "1.23E+17", "MP-ID-SCIENTIFIC", "aside", None),
    ("42", "Child ID", "123.0", "MP-ID-REPAIRED", "kept", ("incidents", "child_id", "123")),
    ("43", "Child ID", "\uff23\u200b2\u00a0", "MP-ID-REPAIRED", "kept", ("incidents", "child_id", "C2")),
    ("44", "Child ID", "01-Feb", "MP-ID-DATE", "aside", None),
    ("46", "In borough?", "perhaps", "MP-FLAG-UNREADABLE", "aside", None),
    ("48", "Triggers", "CCE, county lines; Bullying", "MP-CHOICES-SPLIT", "kept",
     ("interviews", "coded_triggers", ("exploitation_criminal", "school_bullying"))),
    ("50", "Triggers", "the moon", "MP-UNMAPPED-TRIGGER", "kept", ("interviews", "coded_triggers", ("unmapped",))),
    ("50", "RHI status", "Complted", "MP-UNMAPPED-CODE", "kept", ("interviews", "status", "unknown")),
    ("69", "Attempts", "2 hrs", "MP-NUMBER-UNIT", "kept", ("interviews", "attempts", 2)),
    ("70", "Attempts", "1,5", "MP-NOT-A-NUMBER", "aside", None),
    ("71", "Attempts", "999", "MP-NUMBER-OUT-OF-RANGE", "aside", None),
    ("80", END, "#REF!", "MP-ERROR-CELL", "aside", None),
    ("90", "Child ID", "TEST01", "MP-TEST-RECORD", "aside", None),
    ("94", "Child's account", "ran \u202eoff", "MP-CONTROL-CHARACTERS", "kept", ("interviews", "narrative", "ran off")),
    ("94", "RHI status", "Comp\u202eleted", "MP-CONTROL-CHARACTERS", "kept", ("interviews", "status", "completed")),
    ("94", START, "\u200e15/01/2026 21:02", "MP-CONTROL-CHARACTERS", "kept", ("incidents", "missing_from", ISO)),
    ("-", HELD, "Declined", "MP-DATE-IS-WORDS", "kept", ("interviews", "held_at", None)),
    ("-", OFFERED, "awaiting", "MP-DATE-IS-WORDS", "kept", ("interviews", "offered_at", None)),
    ("-", HELD, "declined on 3rd call", "MP-NOT-A-DATE", "aside", None),
]  # fmt: skip

# What a workbook can hold and text cannot: real dates, numbers, truth values.
REAL: list[tuple[str, str, object, str, str, tuple[str, str, object] | None]] = [
    ("6", START, 46037.5, "MP-EXCEL-SERIAL", "kept", ("incidents", "missing_from", "2026-01-15 12:00")),
    ("7", START, 60.0, "1004", "aside", None),
    ("7", END, True, "1005", "aside", None),
    ("9", START, dt.datetime(1900, 1, 1), "1004", "aside", None),  # noqa: DTZ001  # calamine gives the time 00:00
    ("9", START, dt.datetime(1970, 1, 1), "MP-PLACEHOLDER-DATE", "aside", None),  # noqa: DTZ001
    ("13", START, dt.datetime(1924, 1, 1), "MP-YEAR-OUT-OF-RANGE", "aside", None),  # noqa: DTZ001
    ("10", END, dt.datetime(9999, 12, 31), "MP-OPEN-PLACEHOLDER", "kept", ("incidents", "returned_at", None)),  # noqa: DTZ001
    ("33", HELD, dt.datetime(2026, 2, 12), "MP-FUTURE-DATE", "aside", None),  # noqa: DTZ001
    ("40", "Child ID", 1.23e17, "MP-ID-SCIENTIFIC", "aside", None),
    ("41", "Child ID", 12.5, "MP-ID-SCIENTIFIC", "aside", None),
    ("44", "Child ID", dt.datetime(2026, 2, 1), "MP-ID-DATE", "aside", None),  # noqa: DTZ001
    ("38", "Child ID", True, "MP-ID-BLANK", "aside", None),
    ("46", "In borough?", 7, "MP-FLAG-UNREADABLE", "aside", None),
    ("70", "Attempts", dt.datetime(2026, 2, 1), "MP-NOT-A-NUMBER", "aside", None),  # noqa: DTZ001
    ("71", "Attempts", -1, "MP-NUMBER-OUT-OF-RANGE", "aside", None),
    ("70", "Attempts", 1.5, "MP-NOT-A-NUMBER", "aside", None),
]
CASES = [
    *((kind, *case) for kind in ("csv", "xlsx") for case in CATALOGUE),
    *(("real", *case) for case in REAL),
]
NAMES = [f"{kind} {number} {rule}" for kind, number, _, _, rule, _, _ in CASES]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Return the incidents of the good rows, as read from each kind of file."""
    tables = {"csv": rows(), "xlsx": rows(), "real": real_rows()}
    return {kind: read(tmp_path_factory.mktemp(kind), table, kind).incidents for kind, table in tables.items()}


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_every_defect_of_a_cell_has_the_outcome_of_the_catalogue(
    good: dict[str, pd.DataFrame], tmp_path: Path, case: tuple[str, str, str, object, str, str, Any]
) -> None:
    kind, number, column, cell, rule, outcome, holds = case
    table = real_rows() if kind == "real" else rows()
    table[2][HEADER.index(column)] = cell
    records = read(tmp_path, table, kind)
    told = records.problems[(records.problems["rule"] == rule) & (records.problems["column"] == column)]
    assert told["line"].fillna(4).tolist() == [4], number
    assert records.quarantine[["line", "rule"]].to_numpy().tolist() == ([[4, rule]] if outcome == "aside" else [])
    if holds:
        name, field, value = holds
        found = getattr(records, name)[field].iloc[2]
        if isinstance(found, pd.Timestamp):
            found = found.strftime("%Y-%m-%d %H:%M")
        assert (None if not isinstance(found, tuple) and pd.isna(found) else found) == value
    others = records.incidents[records.incidents["incident_id"] != "M2"]
    pd.testing.assert_frame_equal(others.reset_index(drop=True), good[kind].drop(index=2).reset_index(drop=True))


@pytest.mark.parametrize("kind", ["csv", "xlsx", "real"])
def test_good_rows_are_told_nothing_in_any_format(tmp_path: Path, kind: str) -> None:
    table = real_rows() if kind == "real" else rows()
    records = read(tmp_path, table, kind)
    assert set(records.problems["rule"]) - {"MP-DATE-ORDER-PROVEN"} == set()
    assert records.incidents["missing_from"].dt.strftime("%d %H:%M").tolist() == [f"{13 + i} 21:0{i}" for i in range(6)]
    assert records.incidents["in_area"].tolist() == [True] * 6
    assert records.interviews["attempts"].tolist() == [1] * 6
    assert records.interviews["held_at"].dt.strftime("%d %H:%M").tolist() == [f"{15 + i} 16:00" for i in range(6)]


class TestColumns:
    """What is told of a column as a whole."""

    def test_a_column_written_in_one_way_throughout_is_not_told(self, tmp_path: Path) -> None:
        table = rows()
        for i, row in enumerate(table):
            row[3] = f"2026-01-{13 + i} 21.0{i}"
        told = set(read(tmp_path, table, "csv").problems["rule"])
        assert not told & {"MP-DATE-REWORDED", "MP-TIME-REWORDED"}

    def test_a_column_of_utc_is_told_once(self, tmp_path: Path) -> None:
        table = rows()
        for i, row in enumerate(table):
            row[3] = f"2026-01-{13 + i}T21:0{i}:00Z"
        told = read(tmp_path, table, "csv").problems
        utc = told[told["rule"] == "MP-UTC-TIME"]
        assert (utc["line"].isna().tolist(), utc["message"].iloc[0][-10:]) == ([True], "all 6 rows")

    def test_a_file_that_is_older_than_its_dates_is_not_believed(self, tmp_path: Path) -> None:
        table = [[*row[:3], str(row[3]).replace("2026", "2027"), "", *[""] * 9] for row in rows()]
        records = read(tmp_path, table, "csv")
        told = records.problems[records.problems["rule"] == "MP-DATES-AFTER-FILE"]
        assert told["column"].tolist() == [START]
        assert told["message"].iloc[0].endswith(": 6 of 6")
        assert len(records.incidents) == 6

    @pytest.mark.parametrize(("n_ahead", "n_kept"), [(2, 4), (3, 3), (4, 6)])
    def test_half_of_the_dates_or_fewer_are_set_aside(self, tmp_path: Path, n_ahead: int, n_kept: int) -> None:
        table = [[*row[:4], "", *[""] * 9] for row in rows()]
        for row in table[:n_ahead]:
            row[3] = str(row[3]).replace("2026", "2027")
        assert len(read(tmp_path, table, "csv").incidents) == n_kept

    @pytest.mark.parametrize(("held", "n_kept"), [("11/02/2026 12:00", 6), ("11/02/2026 12:01", 5)])
    def test_the_future_begins_a_day_after_the_file_was_written(self, tmp_path: Path, held: str, n_kept: int) -> None:
        table = rows()
        table[2][8] = held  # the file is of 10 February, noon
        assert len(read(tmp_path, table, "csv").incidents) == n_kept

    def test_late_interviews_are_counted_not_set_aside(self, tmp_path: Path) -> None:
        table = rows()
        for i, held in enumerate(("16/01/2026 23:30", "16/01/2026 23:31", "18/01/2026", "19/01/2026 10:00")):
            table[i][8] = held
        table[1][3:5] = "13/01/2026 21:01", "13/01/2026 23:30"
        told = read(tmp_path, table, "csv").problems
        late = told[told["rule"] == "MP-INTERVIEW-LATE"]
        assert (late["column"].tolist(), late["message"].iloc[0].split(": ")[-1]) == ([HELD], "1 of 6")
        assert late["line"].isna().all()

    def test_an_interview_on_the_third_day_without_a_time_is_not_late(self, tmp_path: Path) -> None:
        table = rows(2)
        table[0][8], table[1][8] = "16/01/2026", "18/01/2026"  # returned on the 13th and the 14th
        told = read(tmp_path, table, "csv").problems
        assert told.loc[told["rule"] == "MP-INTERVIEW-LATE", "message"].iloc[0].endswith("1 of 2")

    def test_ids_of_digits_that_differ_in_length_are_told_once(self, tmp_path: Path) -> None:
        table = rows(3)
        for row, child in zip(table, ("00123", "123", "789"), strict=True):
            row[1] = child
        records = read(tmp_path, table, "csv")
        assert records.incidents["child_id"].tolist() == ["00123", "123", "789"]
        told = records.problems[records.problems["rule"] == "MP-ID-LENGTHS"]
        assert told["message"].iloc[0].endswith("2 of 3 have 3 digits")

    def test_choices_are_told_once_with_what_they_were_split_at(self, tmp_path: Path) -> None:
        table = rows()
        table[0][11], table[1][11], table[2][12] = "Bullying; Boredom", "Bullying, debt", "Referral|Plan"
        told = read(tmp_path, table, "csv").problems
        split = told[told["rule"] == "MP-CHOICES-SPLIT"].set_index("column")["message"]
        assert split["Triggers"].endswith("2 cells, at commas, semicolons")
        assert split["Actions"].endswith("1 cells, at bars")

    def test_a_time_column_is_joined_and_told_like_a_time(self, tmp_path: Path) -> None:
        header = ["Child ID", "Date missing", "Time missing"]
        table: list[list[object]] = [
            *([f"C{i}", f"{13 + i}/01/2026", "22:15"] for i in range(3)),
            ["C3", "16/01/2026", "2215"],
            ["C4", "17/01/2026", "24:00"],
            ["C5", "18/01/2026", ""],
            ["C6", "19/01/2026", "late"],
        ]
        records = read(tmp_path, table, "csv", header)
        told = records.problems.groupby("rule")["line"].agg(list)
        assert [told[f"MP-{rule}"] for rule in ("TIME-REWORDED", "MIDNIGHT-24", "TIME-BLANK", "NOT-A-DATE")] == [
            [5], [6], [7], [8]
        ]  # fmt: skip
        assert records.incidents["missing_from"].dt.strftime("%d %H:%M").tolist() == [
            *("13 22:15", "14 22:15", "15 22:15", "16 22:15", "18 00:00", "18 00:00")
        ]
        assert records.incidents["precision"].tolist() == ["minute"] * 5 + ["day"]

    @pytest.mark.parametrize(
        ("offered", "accepted", "status"),
        [
            ("Offered and Declined (by YP)", "Offered and Declined (by YP)", "declined"),
            ("Yes", "Offered and Declined (by YP)", "declined"),
            ("Offered and Accepted (CYP not present/refused on arrival)", "Yes", "accepted_not_held"),
            ("Not Offered (Missing Again)", "N/A", "not_offered_missing_again"),
            ("No", "", "not_offered_other"),
        ],
    )
    def test_columns_of_offered_and_accepted_hold_rungs(
        self, tmp_path: Path, offered: str, accepted: str, status: str
    ) -> None:
        header = ["Child ID", "Date missing", "RHI offered", "RHI accepted"]
        records = read(tmp_path, [["C1", "13/01/2026", offered, accepted]], "csv", header)
        assert records.interviews["status"].tolist() == [status]

    def test_a_column_of_answers_that_is_none_stays_a_column_of_dates(self, tmp_path: Path) -> None:
        header = ["Child ID", "Date missing", "RHI offered"]
        many = [[f"C{i}", f"{13 + i % 12}/01/2026", f"{1 + i % 9}/02/2026 10:{i // 9:02}"] for i in range(120)]
        records = read(tmp_path, many, "csv", header)
        assert records.interviews["offered_at"].notna().all()
        words = read(tmp_path, [["C1", "13/01/2026", "n/a"], ["C2", "14/01/2026", "letter sent"]], "csv", header)
        assert set(words.problems["rule"]) >= {"MP-DATE-IS-WORDS"}
        assert words.interviews["offered_at"].isna().all()

    def test_two_test_names_in_two_columns(self, tmp_path: Path) -> None:
        path = tmp_path / "ssd_person.csv"
        people = [
            "P1,Mickey,MOUSE",
            "P2,Mickey,Smith",
            "P3,Ann,Mouse",
            "P4,Test,Child",
            "P5,Ann,Smith",
            "P6,TEST,Jones",
        ]
        path.write_text(
            "\n".join(
                [
                    "pers_person_id,pers_forename,pers_surname,pers_dob",
                    *(f"{p},2011-03-1{i}" for i, p in enumerate(people)),
                ]
            ),
            encoding="utf-8",
        )
        records = mp.read_records(path)
        assert records.quarantine[["line", "rule"]].to_numpy().tolist() == [[i, "MP-TEST-RECORD"] for i in (2, 5, 7)]
        assert records.children["child_id"].tolist() == ["P2", "P3", "P5"]
        assert not records.problems["message"].str.contains("ouse").any()

    def test_postcodes_that_are_none_are_counted(self, tmp_path: Path) -> None:
        path = tmp_path / "Episodes.csv"
        posts = ["E6 2RP,ZZ99 3VZ", ",NFA", "E6,E6 2RP"]
        path.write_text(
            "\n".join(
                ["CHILD,DECOM,LS,PLACE,HOME_POST,PL_POST", *(f"C{i},13/01/2025,C2,U4,{p}" for i, p in enumerate(posts))]
            ),
            encoding="utf-8",
        )
        told = mp.read_records(path).problems
        bad = told[told["rule"] == "MP-POSTCODE-UNUSABLE"]
        assert (bad["column"].tolist(), bad["message"].iloc[0][-6:]) == (["PL_POST"], "2 of 3")


class TestRefused:
    """Files that are refused for a cell."""

    def test_choices_that_can_be_taken_apart_in_two_ways(self) -> None:
        book = read_codebook().amend(
            added=[
                {"code": code, "domain": "local", "side": "pull", "label": words}
                for code, words in (("one", "aa, bb"), ("two", "bb, cc"), ("three", "aa"), ("four", "cc"))
            ]
        )
        data, _ = sheet([["C1", "13/01/2026", "Bullying"], ["C2", "14/01/2026", "aa, bb, cc"]])
        with pytest.raises(
            DataRefused, match="line 3: a cell of column 'Triggers' can be taken apart .* two ways"
        ) as told:
            read_tables(data, book)
        assert told.value.parts[0].rule == RULES["choices_undecidable"].code


def sheet(
    table: list[list[object]], header: tuple[str, ...] = ("Child ID", "Date missing", "Triggers")
) -> tuple[Any, Log]:
    """Return the data rows of a table in memory, and the log that they are told in."""
    log = Log()
    cells: list[Any] = [list(header), *table]
    grid = Grid("a.csv", "", cells, range(1, len(cells) + 1))
    match = choose(match_tables(grid.rows, read_profile("rhi_tracker").tables), "a.csv", "")
    return find_rows(grid, match, log), log


def test_pieces_say_where_their_rows_stand() -> None:
    data, _ = sheet([["C1", "13/01/2026", ""], ["", "14/01/2026", ""], ["C3", "15/01/2026", "Bullying"]])
    pieces = read_tables(data)
    assert pieces.incidents is not None
    assert pieces.interviews is not None
    assert pieces.incidents[["line", "row", "at"]].to_numpy().tolist() == [[2, 1, 0], [4, 3, 2]]
    assert pieces.interviews[["line", "row", "at"]].to_numpy().tolist() == [[4, 3, 2]]
    assert pieces.incidents[["file", "sheet"]].to_numpy().tolist() == [["a.csv", ""]] * 2
    assert repr(read_times(data, "missing_from")) == "Times: 3 rows"
    assert repr(pieces) == "Pieces: 2 incidents, 1 interviews, 2 children"


def test_what_is_printed_holds_counts_only() -> None:
    stay = Stay(*(np.zeros(2, dtype="datetime64[us]"),) * 2, *(pd.Series([], dtype=object),) * 2, np.zeros(2, bool))
    assert (repr(stay), repr(Choices(read_codebook()))) == ("Stay: 2 rows", "Choices: Codebook: 41 codes in 10 domains")


def test_pieces_have_the_types_of_their_tables() -> None:
    data, _ = sheet([["C1", "13/01/2026", "Bullying"]])
    pieces = read_tables(data)
    for name in ("incidents", "interviews", "children"):
        piece = getattr(pieces, name)
        table = schema.TABLES[name]
        wanted = schema.empty(table).dtypes
        made = piece.dtypes[table.names]
        assert [str(made[c]) for c in table.names] == [str(wanted[c]) for c in table.names], name


ANY_CELL = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(10**12), 10**12),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.text(max_size=8),
    st.sampled_from(["31/02/2026", "01/13/2026", "15/01/2026 25:00", "1E5", "perhaps", "inf", "TEST", "still missing"]),
)


@given(st.integers(0, len(HEADER) - 1), ANY_CELL)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cell_whatever_it_holds_changes_another_row(column: int, cell: Any) -> None:
    def pieces_of(table: list[list[object]]) -> tuple[Any, Any]:
        data, _ = sheet(table, tuple(HEADER))
        return data, read_tables(data)

    changed = real_rows(4)
    changed[1][column] = cell
    try:
        data, read_so = pieces_of(changed)
    except DataRefused:  # one date that is month first, and none that proves the contrary
        assert cell == "01/13/2026"
        return
    _, expected = pieces_of(real_rows(4))
    assert data.kept[[0, 2, 3]].all()
    for name in ("incidents", "interviews", "children"):
        made, wanted = getattr(read_so, name), getattr(expected, name)
        others = made[made["at"] != 1].reset_index(drop=True)
        pd.testing.assert_frame_equal(others, wanted[wanted["at"] != 1].reset_index(drop=True))
        assert (made["at"] == 1).sum() == int(data.kept[1])
