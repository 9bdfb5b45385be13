"""Whole files: each known defect gets its outcome, no row is lost, and no message holds a value."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_example import HEADER, check_law, count_rows, good_rows, rules, with_cell, write_csv, write_xlsx

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.errors import DataRefused
from missing_patterns.ingest import RULES

RULES_BY_CODE = {c: r for r in RULES.values() for c in (r.code, *r.dfe_at.values())}

SECRET = "ZEBRA"  # noqa: S105

# column, what the cell holds, the rule, and whether the row is set aside ("aside") or kept ("kept")
DEFECTS: list[tuple[str, object, str, str]] = [
    ("Child ID", "", "MP-ID-BLANK", "aside"),
    ("Child ID", "NULL", "MP-ID-BLANK", "aside"),
    ("Child ID", "1E5", "MP-ID-SCIENTIFIC", "aside"),
    ("Child ID", "01-Feb", "MP-ID-DATE", "aside"),
    ("Child ID", "\u200bc2", "MP-ID-REPAIRED", "kept"),
    ("Ref", "1E5", "MP-REF-UNREADABLE", "kept"),
    ("Date & time missing", "", "1004", "aside"),
    ("Date & time missing", "31/02/2026", "1004", "aside"),
    ("Date & time missing", "00/00/0000", "1004", "aside"),
    ("Date & time missing", SECRET, "1004", "aside"),
    ("Date & time missing", "01/13/2026 10:00", "MP-DATE-ORDER", "aside"),
    ("Date & time missing", "01/01/1900", "MP-PLACEHOLDER-DATE", "aside"),
    ("Date & time missing", "31/12/9999", "MP-PLACEHOLDER-DATE", "aside"),
    ("Date & time missing", "15/01/0026", "MP-YEAR-OUT-OF-RANGE", "aside"),
    ("Date & time missing", "15/01/1926 10:00", "MP-YEAR-OUT-OF-RANGE", "aside"),
    ("Date & time missing", "15/01/26 21:00", "MP-TWO-DIGIT-YEAR", "kept"),
    ("Date & time missing", "46037.5", "MP-EXCEL-SERIAL", "kept"),
    ("Date & time missing", "14/01/2026 24:00", "MP-MIDNIGHT-24", "kept"),
    ("Date & time missing", "15/01/2026", "MP-DAY-PRECISION", "kept"),
    ("Date & time returned", "31/02/2026", "1005", "aside"),
    ("Date & time returned", "14/01/2026 10:00", "567", "aside"),
    ("Date & time returned", "31/12/9999", "MP-OPEN-PLACEHOLDER", "kept"),
    ("Date & time returned", "15/01/2026 21:02", "MP-ZERO-LENGTH", "kept"),
    ("DOB", "31/02/2011", "MP-NOT-A-DATE", "aside"),
    ("DOB", "01/01/1900", "MP-PLACEHOLDER-DATE", "aside"),
    ("DOB", "14/03/2001", "MP-ADULT", "aside"),
    ("DOB", "15/01/2026", "586", "aside"),
    ("DOB", "14/03/2026", "586", "aside"),
    ("DOB", "14/03/2023", "MP-INFANT", "kept"),
    ("RHI date", "12/01/2026 09:00", "MP-INTERVIEW-BEFORE-RETURN", "aside"),
    ("RHI date", "15/01/2026 23:00", "MP-INTERVIEW-BEFORE-RETURN", "aside"),
    ("RHI date", SECRET, "MP-DATE-IS-WORDS", "kept"),
    ("RHI status", SECRET, "MP-UNMAPPED-CODE", "kept"),
    ("Triggers", SECRET, "MP-UNMAPPED-TRIGGER", "kept"),
    ("Triggers", "#REF!", "MP-ERROR-CELL", "aside"),
]


@pytest.mark.parametrize(("column", "value", "rule", "outcome"), DEFECTS, ids=lambda v: str(v)[:20])
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_each_defect_of_a_cell_has_its_outcome(
    tmp_path: Path, suffix: str, column: str, value: object, rule: str, outcome: str
) -> None:
    rows = with_cell(column, value)
    path = tmp_path / f"rhi.{suffix}"
    if suffix == "csv":
        write_csv(path, rows)
    else:
        write_xlsx(path, {"A": [list(HEADER), *rows]})
    records = mp.read_records(path)
    check_law(records, path)
    told = records.problems[records.problems["rule"] == rule]
    assert told[["line", "column"]].to_numpy().tolist() == [[4, column]]
    assert told["outcome"].tolist() == [RULES_BY_CODE[rule].outcome]
    address = f"{'ABCDEFGH'[HEADER.index(column)]}4"
    assert told["cell"].fillna("").tolist() == ["" if suffix == "csv" else address]
    assert len(records.incidents) == (5 if outcome == "aside" else 6)
    if outcome == "aside":
        kept = records.quarantine.iloc[0]
        assert (kept["line"], kept["rule"]) == (4, rule)
        assert kept[f"r{HEADER.index(column) + 1}"] == value
        assert (RULES_BY_CODE[rule].severity, RULES_BY_CODE[rule].outcome) == ("error", "quarantined")
    assert not records.problems["message"].str.contains(SECRET).any()


def test_good_rows_are_told_nothing(tmp_path: Path) -> None:
    records = mp.read_records(write_csv(tmp_path / "rhi.csv", good_rows()))
    assert rules(records) == set()
    assert set(records.problems["rule"]) == {"MP-DATE-ORDER-PROVEN"}
    assert "6 can only be read so, 0 could be either way" in records.problems["message"].iloc[0]
    assert list(records.problems.columns) == schema.PROBLEMS.names
    assert list(records.accounting.columns) == schema.ACCOUNTING.names
    assert records.incidents["precision"].tolist() == ["minute"] * 6
    assert records.incidents["source"].tolist() == ["rhi_tracker"] * 6


NOT_DATA: list[tuple[str, list[object]]] = [
    ("blank", [""] * 8),
    ("blank with spaces", [" ", "\u00a0", "", "", "", "", "", ""]),
    ("total", ["Total", "", "", "", "", "", "", ""]),
    ("total with a count beside it", ["Total", "6", "", "", "", "", "", ""]),
    ("capital total with a count beside it", ["TOTAL", "", "2", "", "", "", "", ""]),
    ("total of a month", ["January total", "", "", "", "", "", "", ""]),
    ("month alone", ["JANUARY", "", "", "", "", "", "", ""]),
    ("grand total", ["", "Grand total: 6", "", "", "", "", "", ""]),
    ("SQL Server's last line", ["(6 rows affected)", "", "", "", "", "", "", ""]),
    ("header again", list(HEADER)),
]


@pytest.mark.parametrize(("name", "row"), NOT_DATA, ids=[n for n, _ in NOT_DATA])
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_rows_that_are_not_data_are_counted_as_such(tmp_path: Path, suffix: str, name: str, row: list[object]) -> None:
    rows = [*good_rows(), row]
    path = tmp_path / f"rhi.{suffix}"
    if suffix == "csv":
        write_csv(path, rows, above=("Missing and RHI tracker", "Extract of 31 October, all teams", ""))
        n_rows = 11
    else:
        write_xlsx(path, {"A": [["Missing and RHI tracker"], ["An extract"], [], list(HEADER), *rows]})
        n_rows = 10 if name == "blank" else 11
    records = mp.read_records(path)
    told = records.accounting[["n_rows", "n_accepted", "n_quarantined", "n_not_data"]].to_numpy().tolist()
    assert told == [[n_rows, 6, 0, n_rows - 6]], name
    assert records.incidents["child_id"].tolist() == [f"C{i}" for i in range(6)]


@pytest.mark.parametrize(
    "row",
    [
        "Note: no id yet,,15/01/2026 10:00,,Completed",
        "Count yourself lucky,C7,,14/01/2026 10:00,Completed",
        "Note: see C7,C7,,,",
        "January,C7,,,",
    ],
)
def test_a_record_whose_first_cell_looks_like_a_footer_is_a_record(tmp_path: Path, row: str) -> None:
    (tmp_path / "rhi.csv").write_text(
        "Missing episode ref,Child ID,Date time missing,Date time returned,RHI status\n"
        f"m1,c1,13/01/2026 10:00,13/01/2026 12:00,Completed\n{row}\n"
    )
    records = mp.read_records(tmp_path / "rhi.csv")
    told = records.accounting[["n_rows", "n_accepted", "n_quarantined", "n_not_data"]].to_numpy().tolist()
    assert told == [[3, 1, 1, 1]]


def test_hours_typed_as_numbers_set_the_row_aside(tmp_path: Path) -> None:
    head = ["Missing episode ref", "Child ID", "Date missing", "Time missing", "Date returned", "RHI status"]
    day = dt.datetime.fromisoformat("2026-01-13")
    rows = [["m1", "c1", day, 9, day, "Completed"], ["m2", "c2", day, 930, day, "Completed"]]
    records = mp.read_records(write_xlsx(tmp_path / "rhi.xlsx", {"A": [head, *rows]}))
    assert records.incidents["child_id"].tolist() == ["C2"]
    assert records.quarantine["rule"].tolist() == ["MP-NOT-A-DATE"]


def test_a_time_in_the_date_and_another_beside_it_sets_the_row_aside(tmp_path: Path) -> None:
    (tmp_path / "rhi.csv").write_text(
        "Missing episode ref,Child ID,Date missing,Time missing,Date returned,RHI status\n"
        "m1,c1,13/01/2026 21:00,09:30,15/01/2026,Completed\n"
        "m2,c2,13/01/2026 00:00,09:30,15/01/2026,Completed\n"
        "m3,c3,13/01/2026 21:00,21:00,15/01/2026,Completed\n"
        "m4,c4,13/01/2026 21:00:20,21:00,15/01/2026,Completed\n"
    )
    records = mp.read_records(tmp_path / "rhi.csv")
    assert records.incidents["child_id"].tolist() == ["C2", "C3", "C4"]
    assert records.quarantine["rule"].tolist() == ["MP-NOT-A-DATE"]
    assert records.problems.loc[records.problems["rule"] == "MP-TIME-TWICE", "line"].tolist() == [5]


def test_a_single_column_before_the_header_does_not_hide_it(tmp_path: Path) -> None:
    rows = [[None, *row] for row in [list(HEADER), *good_rows(2)]]
    records = mp.read_records(write_xlsx(tmp_path / "rhi.xlsx", {"A": [["Title"], [], *rows]}))
    assert len(records.incidents) == 2


class TestShape:
    """Long, short and doubled rows; doubled and absent columns."""

    def test_a_long_and_a_short_row_are_set_aside(self, tmp_path: Path) -> None:
        rows = good_rows(30)
        rows = [[*row[:3], f"{1 + i % 28:02}/01/2026 21:00", "", *row[5:6], "", ""] for i, row in enumerate(rows)]
        rows[3] = [*rows[3], "more"]
        rows[5] = rows[5][:-2]
        rows[7] = [*rows[7], "", ""]  # separators at the end are harmless
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows))
        assert records.quarantine[["line", "rule"]].to_numpy().tolist() == [[5, "MP-LONG-ROW"], [7, "MP-SHORT-ROW"]]
        assert "r9" in records.quarantine
        check_law(records, tmp_path / "rhi.csv")

    @pytest.mark.parametrize("n", [1, 6])
    def test_too_many_long_rows_refuse_the_file(self, tmp_path: Path, n: int) -> None:
        rows = [[*row, "more"] for row in good_rows(n)]
        with pytest.raises(DataRefused, match=f"line 2: {n} of {n} rows have more cells"):
            mp.read_records(write_csv(tmp_path / "rhi.csv", rows))

    def test_equal_rows_are_kept_once(self, tmp_path: Path) -> None:
        rows = good_rows()
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", [*rows, rows[0], rows[0]]))
        assert records.quarantine[["line", "rule"]].to_numpy().tolist() == [
            [8, "MP-DUPLICATE-ROW"],
            [9, "MP-DUPLICATE-ROW"],
        ]
        assert len(records.incidents) == 6

    def test_months_that_overlap_are_kept_once(self, tmp_path: Path) -> None:
        rows = good_rows()
        a, b = write_csv(tmp_path / "a.csv", rows[:4]), write_csv(tmp_path / "b.csv", rows[2:])
        records = mp.read_records([a, b])
        assert records.incidents["incident_id"].tolist() == [f"M{i}" for i in range(6)]
        assert records.quarantine[["file", "line"]].to_numpy().tolist() == [["b.csv", 2], ["b.csv", 3]]
        check_law(records, a, b)

    def test_two_absences_on_one_day_without_times_are_both_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "Missing.csv"
        same, night = "C1,M,13/01/2026,13/01/2026", "C1,M,14/01/2026,15/01/2026"
        path.write_text("\n".join(["CHILD,MISSING,MIS_START,MIS_END", same, same, night, night, ""]), encoding="utf-8")
        records = mp.read_records(path)
        assert rules(records) == {"MP-SAME-DAY-AGAIN", "MP-DUPLICATE-ROW"}
        assert records.incidents["missing_from"].dt.day.tolist() == [13, 13, 14]
        again = tmp_path / "Missing_feb.csv"
        again.write_text("\n".join(["CHILD,MISSING,MIS_START,MIS_END", same, same]), encoding="utf-8")
        both = mp.read_records([path, again])
        assert len(both.incidents) == 3

    def test_columns_named_twice_are_refused(self, tmp_path: Path) -> None:
        rows = [[*row, "x"] for row in good_rows(2)]
        with pytest.raises(DataRefused, match=r"line 1: the header names 1 column twice \(rhi date\)"):
            mp.read_records(write_csv(tmp_path / "rhi.csv", rows, [*HEADER, "RHI  Date"]))

    def test_two_columns_for_one_field_are_told(self, tmp_path: Path) -> None:
        rows = [[*row, "14/03/2011"] for row in good_rows(2)]
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, [*HEADER, "Date of birth"]))
        assert "MP-TWO-HEADERS" in rules(records)

    def test_a_column_that_is_needed_is_named_when_it_is_absent(self, tmp_path: Path) -> None:
        path = tmp_path / "Missing.csv"
        path.write_text("CHILD,MISSING,START,MIS_END\nC1,M,13/01/2026,\n", encoding="utf-8")
        with pytest.raises(
            DataRefused, match=r"nearly missing \(profile ssda903\), but no column was found for missing_from"
        ):
            mp.read_records(path)

    def test_no_return_column_is_a_warning_not_a_silence(self, tmp_path: Path) -> None:
        path = tmp_path / "Missing.csv"
        path.write_text("CHILD,MISSING,MIS_START,Team\nC1,M,13/01/2026,East\n", encoding="utf-8")
        told = mp.read_records(path).problems
        assert told.loc[told["rule"] == "MP-COLUMN-ABSENT", "message"].iloc[0].endswith(": returned_at")
        assert told.loc[told["rule"] == "MP-COLUMNS-UNUSED", "message"].iloc[0].endswith(": Team")

    def test_header_only_is_no_rows(self, tmp_path: Path) -> None:
        path = tmp_path / "Missing.csv"
        path.write_text("CHILD,DOB,MISSING,MIS_START,MIS_END\n", encoding="utf-8")
        records = mp.read_records(path)
        assert (len(records.incidents), rules(records)) == (0, {"MP-NO-ROWS"})
        assert records.accounting["n_not_data"].tolist() == [1]
        assert list(records.incidents.columns) == schema.INCIDENTS.names

    def test_a_header_of_two_rows_is_joined(self, tmp_path: Path) -> None:
        rows = [
            ["Child", "Missing", None, "Returned", None],
            ["ID", "date", "time", "date", "time"],
            ["C1", "13/01/2026", "21:00", "13/01/2026", "23:00"],
        ]
        own = tmp_path / "own.toml"
        own.write_text(
            'name = "own"\n[[table]]\nname = "t"\nbecomes = ["incidents"]\nrecognise = ["child_id", "missing_from"]\n'
            '[table.columns]\nchild_id = ["Child ID"]\nmissing_from = ["Missing date"]\n'
            'missing_from_time = ["Missing time"]\n'
            'returned_at = ["Returned date"]\nreturned_at_time = ["Returned time"]\n',
            encoding="utf-8",
        )
        records = mp.read_records(write_xlsx(tmp_path / "a.xlsx", {"A": rows}), profile=own)
        assert str(records.incidents["returned_at"][0]) == "2026-01-13 23:00:00+00:00"
        assert records.accounting["n_not_data"].tolist() == [2]


class TestDates:
    """What a whole column proves."""

    @staticmethod
    def missing(tmp_path: Path, starts: list[str]) -> Path:
        path = tmp_path / "Missing.csv"
        rows = [f"C{i},M,{start}," for i, start in enumerate(starts)]
        path.write_text("\n".join(["CHILD,MISSING,MIS_START,MIS_END", *rows]), encoding="utf-8")
        return path

    def test_a_column_that_only_fits_month_first_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataRefused, match="column 'MIS_START' fits only month first"):
            mp.read_records(self.missing(tmp_path, ["01/13/2026", "01/02/2026"]))

    def test_a_column_that_mixes_orders_too_much_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataRefused, match="mixes orders: 1 dates fit only day first, 2 only month first"):
            mp.read_records(self.missing(tmp_path, ["01/13/2026", "01/14/2026", "13/01/2026"]))

    def test_a_column_that_proves_nothing_is_told(self, tmp_path: Path) -> None:
        told = mp.read_records(self.missing(tmp_path, ["01/02/2026", "03/04/2026", "05/05/2026"])).problems
        message = told.loc[told["rule"] == "MP-DATE-ORDER-UNPROVEN", "message"].iloc[0]
        assert message.endswith("2 could be either way; read day first")

    def test_a_column_that_a_spreadsheet_swapped_is_refused(self, tmp_path: Path) -> None:
        real = [[f"C{m}", dt.datetime.fromisoformat(f"2026-{m:02}-03T10:00")] for m in range(1, 13)]
        text = [[f"D{d}", f"{d}/03/2026 10:00"] for d in range(13, 27)]
        path = write_xlsx(tmp_path / "rhi.xlsx", {"A": [["Child ID", "Date missing"], *real, *text]})
        with pytest.raises(DataRefused, match="swapped day and month"):
            mp.read_records(path)

    def test_dates_and_times_in_two_columns_are_joined(self, tmp_path: Path) -> None:
        header = ["Child ID", "Date missing", "Time missing", "Date returned", "Time returned"]
        rows: list[list[object]] = [
            ["C1", "13/01/2026", "22:15", "14/01/2026", "0215"],
            ["C2", "13/01/2026", "", "14/01/2026", "10pm"],
            ["C3", "13/01/2026", "25:00", "14/01/2026", "10pm"],
        ]
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, header))
        assert records.incidents["missing_from"].dt.strftime("%d %H:%M").tolist() == ["13 22:15", "13 00:00"]
        assert records.incidents["returned_at"].dt.strftime("%d %H:%M").tolist() == ["14 02:15", "14 00:00"]
        assert records.incidents["precision"].tolist() == ["minute", "day"]
        assert {"MP-TIME-BLANK", "MP-DAY-PRECISION", "MP-NOT-A-DATE"} <= rules(records)

    def test_every_time_at_midnight_means_that_no_time_is_known(self, tmp_path: Path) -> None:
        rows = [[r[0], r[1], r[2], f"{r[3][:10]} 00:00", f"{r[4][:10]} 00:00", "", "", ""] for r in good_rows()]
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows))
        assert records.incidents["precision"].tolist() == ["day"] * 6
        assert "MP-ALL-MIDNIGHT" in rules(records)

    def test_many_midnights_are_told(self, tmp_path: Path) -> None:
        rows = [[f"C{i}", f"{1 + i}/01/2026 {'00:00' if i % 4 == 0 else '21:30'}"] for i in range(24)]
        told = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, ["Child ID", "Date missing"])).problems
        assert told.loc[told["rule"] == "MP-MOSTLY-MIDNIGHT", "message"].iloc[0].endswith("6 of 24")

    def test_a_row_with_one_time_and_one_date_is_in_days_at_both_ends(self, tmp_path: Path) -> None:
        header = ["Child ID", "Date & time missing", "Date & time returned"]
        rows: list[list[object]] = [
            ["C1", "13/01/2026 22:15", "13/01/2026"],
            ["C2", "13/01/2026", "14/01/2026 09:00"],
            ["C3", "13/01/2026 22:15", "14/01/2026 09:00"],
        ]
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, header))
        assert records.incidents["precision"].tolist() == ["day", "day", "minute"]
        away = records.incidents["returned_at"] - records.incidents["missing_from"]
        assert (away.dt.total_seconds() / 3600).tolist() == [0, 24, 10.75]
        assert records.incidents["missing_from"].dt.hour.tolist() == [0, 0, 22]

    def test_a_child_is_an_adult_on_the_18th_birthday(self, tmp_path: Path) -> None:
        header = ["Child ID", "DOB", "Date & time missing"]
        rows: list[list[object]] = [
            ["C1", "13/01/2008", "12/01/2026 23:59"],
            ["C2", "13/01/2008", "13/01/2026 00:01"],
            ["C3", "29/02/2008", "28/02/2026 23:59"],
            ["C4", "29/02/2008", "01/03/2026 00:01"],
        ]
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, header))
        assert records.incidents["child_id"].tolist() == ["C1", "C3"]
        assert records.quarantine["rule"].tolist() == ["MP-ADULT", "MP-ADULT"]

    def test_dates_alone_are_told_once(self, tmp_path: Path) -> None:
        rows: list[list[object]] = [["C1", "13/01/2026"], ["C2", "14/01/2026"]]
        told = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, ["Child ID", "Date missing"])).problems
        assert told.loc[told["rule"] == "MP-DAY-PRECISION", "message"].tolist()[0].endswith("all 2 rows")

    def test_both_clock_changes(self, tmp_path: Path) -> None:
        header = ["Child ID", "Date & time missing", "Date & time returned"]
        rows: list[list[object]] = [
            ["C1", "29/03/2026 01:30", "29/03/2026 05:00"],
            ["C2", "25/10/2026 01:50", "25/10/2026 01:10"],
            ["C3", "24/10/2026 22:00", "25/10/2026 06:00"],
            ["C4", "2026-07-05T21:15:00Z", "2026-07-05T22:45:00Z"],
        ]
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, header))
        away = records.incidents["returned_at"] - records.incidents["missing_from"]
        assert (away.dt.total_seconds() / 60).tolist() == [180, 20, 540, 90]
        assert records.incidents["missing_from"][3].hour == 22
        told = records.problems.set_index("rule")["line"].to_dict()
        assert (told["MP-CLOCK-GAP"], told["MP-CLOCK-FOLD"], told["MP-CLOCK-FOLD-UNPROVEN"]) == (2, 3, 3)

    def test_month_first_is_read_where_a_profile_declares_it(self, tmp_path: Path) -> None:
        own = tmp_path / "own.toml"
        own.write_text(
            'name = "own"\n[[table]]\nname = "t"\nbecomes = ["incidents"]\nrecognise = ["child_id", "missing_from"]\n'
            'date_order = "month_first"\n[table.columns]\nchild_id = ["CHILD"]\nmissing_from = ["MIS_START"]\n',
            encoding="utf-8",
        )
        records = mp.read_records(self.missing(tmp_path, ["01/13/2026", "02/01/2026"]), profile=own)
        assert records.incidents["missing_from"].dt.strftime("%m-%d").tolist() == ["01-13", "02-01"]


class TestSources:
    """What each source's tables become."""

    def test_ssda903(self, tmp_path: Path) -> None:
        (tmp_path / "Missing.csv").write_text(
            "CHILD,DOB,MISSING,MIS_START,MIS_END\n"
            "1,14/03/2011,M,13/01/2026,14/01/2026\n1,14/03/2011,a,15/01/2026,\n2,01/05/2012,,16/01/2026,16/01/2026\n"
            "2,01/05/2012,X,17/01/2026,17/01/2026\n",
            encoding="utf-8",
        )
        (tmp_path / "Header.csv").write_text(
            "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\n1,2,14/03/2011,WBRI,A1,,\n2,U,02/05/2012,bafr,A2,,\n3,M,13/01/2015,??,,,\n",
            encoding="utf-8",
        )
        (tmp_path / "Episodes.csv").write_text(
            "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN\n"
            "1,13/01/2025,S,C2,N1,K2,PR4,14/06/2025,X1,CARPL,,,SC1\n1,14/06/2025,P,C2,N1,k3,PR1,,,,,,\n"
            "2,13/02/2025,S,V2,N1,U1,PR1,13/01/2025,,,,,\n2,,S,V2,N1,U1,PR1,,,,,,\n",
            encoding="utf-8",
        )
        (tmp_path / "UASC.csv").write_text("CHILD,SEX,DOB,DUC\n3,1,13/01/2015,14/01/2033\n", encoding="utf-8")
        records = mp.read_records(tmp_path)
        check_law(records, *(tmp_path / f"{n}.csv" for n in ("Missing", "Header", "Episodes", "UASC")))
        assert records.incidents["category"].fillna("-").tolist() == ["missing", "away", "-", "-"]
        assert records.incidents["incident_id"].tolist() == [f"Missing.csv:{n}" for n in (2, 3, 4, 5)]
        assert set(records.incidents["precision"]) == {"day"}
        assert records.incidents["returned_at"].isna().tolist() == [False, True, False, False]
        children = records.children.set_index("child_id")
        assert children["birth_month"].dt.strftime("%Y-%m").to_dict() == {
            "1": "2011-03",
            "2": "2012-05",
            "3": "2015-01",
        }
        assert children["sex"].to_dict() == {"1": "female", "2": "not_stated", "3": "male"}
        assert children["ethnicity"].fillna("-").to_dict() == {"1": "WBRI", "2": "BAFR", "3": "-"}
        assert children["uasc"].fillna(False).to_dict() == {"1": False, "2": False, "3": True}
        assert records.placements["placement_type"].tolist() == ["childrens_home", "supported_accommodation"]
        assert records.placements["home_id"].fillna("-").tolist() == ["SC1", "-"]
        assert records.quarantine[["file", "rule"]].to_numpy().tolist() == [
            ["Episodes.csv", "567"],
            ["Episodes.csv", "1004"],
        ]
        told = records.problems.groupby("rule")["line"].agg(list).to_dict()
        assert (told["565"], told["MP-UNMAPPED-CODE"], told["MP-DOB-DIFFERS"]) == ([4], [4, 5], [4, 5])

    def test_every_placement_code_of_the_return_is_mapped(self, tmp_path: Path) -> None:
        codes = (
            "U1 U2 U3 U4 U5 U6 A3 A4 A5 A6 K1 K2 K3 H5 P1 P2 P3 R1 R2 R3 R5 S1 T0 T1 T2 T3 T4 Z1 Z11 Z12 Z13 Z14"
        ).split()
        rows = [f"{i},13/01/2025,C2,{code}" for i, code in enumerate(codes)]
        (tmp_path / "Episodes.csv").write_text("\n".join(["CHILD,DECOM,LS,PLACE", *rows]), encoding="utf-8")
        records = mp.read_records(tmp_path / "Episodes.csv")
        assert records.placements["placement_type"].notna().all()
        assert set(records.placements["placement_type"]) == set(schema.PLACEMENT_TYPES)

    @pytest.mark.parametrize(
        ("offered", "accepted", "status"),
        [
            ("Y", "Y", "completed"),
            ("Y", "N", "declined"),
            ("Y", "", "offered_pending"),
            ("Y", "NA", "offered_pending"),
            ("N", "", "not_offered_other"),
            ("N", "NA", "not_offered_other"),
            ("No", "No", "not_offered_other"),
            ("NA", "", "not_required"),
            ("NA", "NA", "not_required"),
            ("", "Y", "completed"),
            ("", "N", "unknown"),
            ("N", "Y", "unknown"),
            ("", "", None),
        ],
    )
    def test_ssd_flags_to_the_ladder(self, tmp_path: Path, offered: str, accepted: str, status: str | None) -> None:
        path = tmp_path / "ssd_missing.csv"
        path.write_text(
            "miss_table_id,miss_person_id,miss_missing_episode_start_date,miss_missing_episode_type,"
            "miss_missing_episode_end_date,miss_missing_rhi_offered,miss_missing_rhi_accepted\n"
            f"m1,p1,2026-01-13T21:00:00,Missing,2026-01-14T02:30:00,{offered},{accepted}\n",
            encoding="utf-8",
        )
        records = mp.read_records(path)
        assert records.interviews["status"].tolist() == ([] if status is None else [status])
        assert records.interviews["incident_ids"].tolist() == ([] if status is None else [("M1",)])
        assert records.incidents["missing_from"].dt.hour.tolist() == [21]
        assert records.children["child_id"].tolist() == ["P1"]

    def test_ssd_person_and_placements(self, tmp_path: Path) -> None:
        (tmp_path / "ssd_person.csv").write_text(
            "pers_person_id,pers_sex,pers_ethnicity,pers_dob\nP1,F,WBRI,2011-03-14T00:00:00\n", encoding="utf-8"
        )
        (tmp_path / "ssd_cla_placement.csv").write_text(
            "clap_cla_placement_id,clap_person_id,clap_cla_placement_start_date,clap_cla_placement_end_date,"
            "clap_cla_placement_type,clap_cla_placement_provider,clap_cla_placement_urn,clap_cla_placement_distance\n"
            "1,P1,2025-01-13,2025-06-14,K2,PR4,SC1,999.9\n2,P1,2025-06-14,,U4,PR1,,12.5\n",
            encoding="utf-8",
        )
        records = mp.read_records(tmp_path)
        assert len(records.incidents) == 0
        assert records.children[["child_id", "sex"]].to_numpy().tolist() == [["P1", "female"]]
        assert records.placements["distance_miles"].fillna(-1).tolist() == [-1, 12.5]

    def test_the_tracker(self, tmp_path: Path) -> None:
        header = [
            *HEADER,
            "Other refs covered",
            "RHI offered",
            "Status with social care",
            "Gender",
            "Main trigger",
            "Attempts",
        ]
        rows = [
            ["M1", "C1", "14/03/2011", "13/01/2026 21:00", "13/01/2026 23:00", "", "", "", "", "", "CIN", "F", "", ""],
            ["M2", "C1", "14/03/2011", "15/01/2026 21:00", "15/01/2026 23:00", "Completed", "17/01/2026",
             "CSE; Bullying", "M1, M9", "16/01/2026", "CLA", "F", "CSE", "2"],
            ["M3", "C2", "14/03/2011", "16/01/2026 21:00", "", "", "", "None", "", "", "EH", "M", "the moon", ""],
        ]  # fmt: skip
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, header))
        assert records.interviews["interview_id"].tolist() == ["RHI-M2", "RHI-M3"]
        assert records.interviews["incident_ids"].tolist() == [("M2", "M1", "M9"), ("M3",)]
        assert records.interviews["status"].tolist() == ["completed", "unknown"]
        assert records.interviews["coded_triggers"].tolist() == [("exploitation_sexual", "school_bullying"), ()]
        assert records.interviews["primary_trigger"].fillna("-").tolist() == ["exploitation_sexual", "-"]
        assert str(records.interviews["held_at"][0]) == "2026-01-17 00:00:00+00:00"
        assert records.children[["child_id", "care_status"]].to_numpy().tolist() == [
            ["C1", "looked_after"],
            ["C2", "early_help"],
        ]
        told = records.problems.groupby("rule")["line"].agg(list).to_dict()
        assert (told["MP-REF-NOT-FOUND"], told["MP-UNMAPPED-TRIGGER"]) == ([3], [4])

    def test_a_form_that_answers_yes_and_no_where_others_write_dates(self, tmp_path: Path) -> None:
        header = ["Child ID", "Date missing", "RHI offered", "RHI accepted"]
        rows = [
            ["C1", "13/01/2026", "Yes", "Yes"],
            ["C2", "14/01/2026", "Yes", "No"],
            ["C3", "15/01/2026", "No", "N/A"],
        ]
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, header))
        assert records.interviews["status"].tolist() == ["completed", "declined", "not_offered_other"]

    def test_our_own_column_names_are_read(self, tmp_path: Path) -> None:
        header = ["incident_id", "child_id", "missing_from", "returned_at", "precision", "missing_from_setting"]
        rows = [["M1", "C1", "2026-01-13 21:00", "2026-01-14 02:00", "day", "care"]]
        records = mp.read_records(write_csv(tmp_path / "own.csv", rows, header))
        assert records.incidents["precision"].tolist() == ["day"]
        assert records.incidents["returned_at"].dt.hour.tolist() == [0]
        assert records.incidents["missing_from_setting"].tolist() == ["care"]

    def test_interviews_in_a_table_of_their_own(self, tmp_path: Path) -> None:
        rows = [r[:5] for r in good_rows(3)]
        rows[1][1] = "C0"
        write_csv(tmp_path / "incidents.csv", rows, HEADER[:5])
        write_csv(
            tmp_path / "rhi.csv",
            [["R1", "C0", "M0; M1", "Completed"], ["R2", "C2", "", "Declined"], ["R2", "C2", "M7", "Declined"]],
            ["RHI ref", "Client", "Covers", "Outcome"],
        )
        own = tmp_path / "own.toml"
        own.write_text(
            'name = "own"\n[[table]]\nname = "missing"\nbecomes = ["incidents"]\nrecognise = ["missing_from"]\n'
            '[table.columns]\nincident_id = ["Ref"]\nchild_id = ["Child ID"]\nmissing_from = ["Date & time missing"]\n'
            '[[table]]\nname = "rhi"\nbecomes = ["interviews"]\nrecognise = ["interview_id", "child_id"]\n'
            '[table.columns]\ninterview_id = ["RHI ref"]\nchild_id = ["Client"]\n'
            'incident_ids = ["Covers"]\nstatus = ["Outcome"]\n'
            '[table.values.status]\ncompleted = ["Completed"]\ndeclined = ["Declined"]\n',
            encoding="utf-8",
        )
        records = mp.read_records([tmp_path / "incidents.csv", tmp_path / "rhi.csv"], profile=own)
        assert records.interviews["interview_id"].tolist() == ["R1", "RHI-rhi.csv:3", "RHI-rhi.csv:4"]
        assert records.interviews["incident_ids"].tolist() == [("M0", "M1"), None, ("M7",)]
        assert records.interviews["status"].tolist() == ["completed", "declined", "declined"]
        assert records.problems.loc[records.problems["rule"] == "MP-REF-NOT-FOUND", "line"].tolist() == [4]


class TestJoining:
    """Ids made unique; children merged; sequences noted."""

    def test_a_reference_that_two_sources_use_is_told_apart_by_source(self, tmp_path: Path) -> None:
        rows = good_rows(2)
        write_csv(tmp_path / "rhi.csv", rows)
        (tmp_path / "ssd_missing.csv").write_text(
            "miss_table_id,miss_person_id,miss_missing_episode_start_date\n"
            "M0,C0,2026-01-13 21:00\nM7,C0,2026-01-23 21:00\n",
            encoding="utf-8",
        )
        records = mp.read_records(tmp_path)
        assert records.incidents["incident_id"].tolist() == ["rhi_tracker:M0", "M1", "ssd:M0", "M7"]
        assert records.interviews["incident_ids"].tolist() == [("rhi_tracker:M0",), ("M1",)]

    def test_a_reference_used_twice_in_one_source_is_told_apart_by_line(self, tmp_path: Path) -> None:
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", with_cell("Ref", "M1")))
        assert records.incidents["incident_id"].tolist() == ["M0", "rhi.csv:3", "rhi.csv:4", "M3", "M4", "M5"]
        told = records.problems[records.problems["rule"] == "MP-REF-TWICE"]
        assert told["line"].tolist() == [3, 4]

    def test_children_are_merged_and_differences_told(self, tmp_path: Path) -> None:
        header = ["Child ID", "DOB", "Date missing", "Gender"]
        rows = [
            ["C1", "", "13/01/2026 10:00", "Not stated"],
            ["C1", "14/03/2011", "14/01/2026 10:00", "F"],
            ["C1", "15/03/2011", "15/01/2026 10:00", "F"],
            ["C2", "", "16/01/2026 10:00", "Not stated"],
            ["C3", "14/03/2010", "16/01/2026 10:00", "M"],
            ["C3", "14/03/2010", "17/01/2026 10:00", "F"],
        ]
        records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, header))
        sexes = records.children.set_index("child_id")["sex"].to_dict()
        assert sexes == {"C1": "female", "C2": "not_stated", "C3": "male"}
        told = records.problems.groupby("rule")["line"].agg(list).to_dict()
        assert (told["MP-DOB-DIFFERS"], told["MP-SEX-DIFFERS"]) == ([4], [7])

    def test_records_that_begin_before_an_earlier_one_ends_are_told(self, tmp_path: Path) -> None:
        header = ["Child ID", "Date & time missing", "Date & time returned"]
        rows: list[list[object]] = [
            ["C1", "13/01/2026 10:00", "13/01/2026 20:00"],
            ["C1", "13/01/2026 15:00", "13/01/2026 16:00"],
            ["C1", "13/01/2026 19:00", "13/01/2026 22:00"],
            ["C1", "13/01/2026 22:00", ""],
            ["C2", "13/01/2026 21:00", "13/01/2026 22:00"],
            ["C1", "20/01/2026 22:00", "21/01/2026 09:00"],
        ]
        told = mp.read_records(write_csv(tmp_path / "rhi.csv", rows, header)).problems
        lines = told.groupby("rule")["line"].agg(list).to_dict()
        assert (lines["MP-OVERLAP"], lines["574"]) == ([3, 4], [5])

    def test_row_order_changes_nothing_but_the_order(self, tmp_path: Path) -> None:
        rows = good_rows()
        (tmp_path / "b").mkdir()
        first = mp.read_records(write_csv(tmp_path / "rhi.csv", rows))
        second = mp.read_records(write_csv(tmp_path / "b" / "rhi.csv", rows[::-1]))
        for table in ("incidents", "interviews", "children"):
            key = schema.TABLES[table].key
            one = getattr(first, table).sort_values(key).reset_index(drop=True)
            two = getattr(second, table).sort_values(key).reset_index(drop=True)
            pd.testing.assert_frame_equal(one, two)


CELLS = st.one_of(
    st.sampled_from(["", "C1", "C2", "1E5", "13/01/2026 10:00", "14/01/2026", "31/02/2026", "NULL", "Total",
                     "Completed", "Bullying; the moon", "01/01/1900", "14/03/2011", "yes", "#REF!", "M1", "M1, M2"]),
    st.text(alphabet='ab1/:;,"\u00e9\n ', max_size=8),
)  # fmt: skip


@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), max_size=12), st.sampled_from(["csv", "xlsx"]))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_rows_hold_none_is_lost(tmp_path: Path, rows: list[list[object]], suffix: str) -> None:
    path = tmp_path / f"rhi.{suffix}"
    if suffix == "csv":
        write_csv(path, rows)
    else:
        write_xlsx(path, {"A": [list(HEADER), *rows]})
    try:
        records = mp.read_records(path)
    except DataRefused:
        return
    told = records.accounting.iloc[0]
    assert told["n_rows"] == count_rows(path)
    assert told["n_accepted"] == len(records.incidents)
    assert told["n_quarantined"] == len(records.quarantine)
    check_law(records)


def test_what_is_set_aside_never_stands_in_a_message_or_repr(tmp_path: Path) -> None:
    rows = good_rows()
    rows[1] = [SECRET] * 8
    rows[2][1] = f"{SECRET}\u200b"
    records = mp.read_records(write_csv(tmp_path / "rhi.csv", rows))
    assert SECRET not in repr(records)
    assert not any(SECRET in str(cell) for cell in records.problems.to_numpy().ravel())
    assert (records.quarantine.filter(like="r") == SECRET).to_numpy().any()
