"""Dates and times: read in the declared order, proven by the column, placed in Europe/London."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.ingest.clocks import place
from missing_patterns.ingest.dates import parse_column, parse_one, parse_times

READABLE = """
05/01/2026                  2026-01-05 00:00
5/1/2026 9:05               2026-01-05 09:05
05/01/26 22:15              2026-01-05 22:15
05-01-2026 22:15            2026-01-05 22:15
05.01.2026 22.15            2026-01-05 22:15
05/01/2026 22:15:30         2026-01-05 22:15:30
05/01/2026 22:15:30.250     2026-01-05 22:15:30
05/01/2026 10:15pm          2026-01-05 22:15
05/01/2026 12:15 a.m.       2026-01-05 00:15
05/01/2026 10pm             2026-01-05 22:00
05/01/2026 2215             2026-01-05 22:15
05/01/2026 2215hrs          2026-01-05 22:15
05/01/2026, 22:15           2026-01-05 22:15
05/01/2026 at 22:15         2026-01-05 22:15
05/01/2026 24:00            2026-01-06 00:00
Mon 05/01/2026 22:15        2026-01-05 22:15
5 Jan 2026                  2026-01-05 00:00
5th January 2026 22:15      2026-01-05 22:15
05-Jan-26                   2026-01-05 00:00
Jan 5 2026 10:15PM          2026-01-05 22:15
2026-01-05                  2026-01-05 00:00
2026-01-05 22:15            2026-01-05 22:15
2026-01-05T22:15:00         2026-01-05 22:15
2026-01-05T22:15:00.000     2026-01-05 22:15
2026/1/5 22:15              2026-01-05 22:15
20260105                    2026-01-05 00:00
20260105 2215               2026-01-05 22:15
46027                       2026-01-05 00:00
46027.75                    2026-01-05 18:00
01/02/80                    1980-02-01 00:00
01/02/79                    2079-02-01 00:00
"""


@pytest.mark.parametrize("line", READABLE.strip().splitlines())
def test_a_date_is_read_however_it_is_written(line: str) -> None:
    written, meant = line[:28].strip(), line[28:].strip()
    read = parse_one(written)
    assert (read.fault, read.at) == ("", dt.datetime.fromisoformat(meant))


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("31/02/2026", "not_a_date"),
        ("31/04/2026", "not_a_date"),
        ("00/00/2026", "not_a_date"),
        ("29/02/2026", "not_a_date"),
        ("13/13/2026", "not_a_date"),
        ("05/01/2026 25:00", "not_a_date"),
        ("05/01/2026 24:01", "not_a_date"),
        ("05/01/2026 22:60", "not_a_date"),
        ("05/01/2026 13:00pm", "not_a_date"),
        ("05/01/2026 soon", "not_a_date"),
        ("5 Foo 2026", "not_a_date"),
        ("yesterday", "not_a_date"),
        ("2026-13-01", "not_a_date"),
        ("2230", "not_a_date"),
        ("12345", "not_a_date"),
        (0, "not_a_date"),
        (60, "not_a_date"),
        (-1.5, "not_a_date"),
        (2_958_466, "not_a_date"),
        (True, "not_a_date"),
        (dt.time(22, 15), "not_a_date"),
        ("01/13/2026", "date_order"),
        ("01/01/1900", "placeholder_date"),
        ("1899-12-30", "placeholder_date"),
        ("01/01/1970", "placeholder_date"),
        (dt.datetime.fromisoformat("1900-01-01"), "placeholder_date"),
        ("31/12/9999", "open_placeholder"),
        ("9999-12-31 23:59", "open_placeholder"),
        ("31/12/2999", "open_placeholder"),
        (dt.datetime.fromisoformat("2099-12-31"), "open_placeholder"),
    ],
)
def test_what_is_not_a_usable_date_says_so(written: object, fault: str) -> None:
    assert parse_one(written).fault == fault  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "blank", [None, "", "  ", "NULL", "-", "n/a", "Unknown", "not recorded", float("nan"), "\u00a0"]
)
def test_blank_is_not_a_fault(blank: object) -> None:
    read = parse_one(blank)  # type: ignore[arg-type]
    assert (read.is_there, read.fault) == (False, "")


def test_utc_and_offsets_are_told_apart_from_wall_clock() -> None:
    read = parse_column(
        ["2026-07-05T21:15:00Z", "2026-07-05T22:15:00+01:00", "2026-07-05 22:15", "2026-07-05T20:15-0100"]
    )
    assert read.is_utc.tolist() == [True, True, False, True]
    london = place(read.at, read.is_utc).at
    assert [t.strftime("%H:%M") for t in london] == ["22:15"] * 4


def test_repairs_are_told_row_by_row() -> None:
    read = parse_column(["46027", "05/01/26", "05/01/2026 24:00", "05/01/2026"])
    assert read.repair.tolist() == ["excel_serial", "two_digit_year", "midnight_24", ""]


def test_a_column_says_what_proves_its_order() -> None:
    read = parse_column(
        [
            "13/01/2026",
            "01/02/2026",
            "02/02/2026",
            "2026-01-05",
            "01/13/2026",
            "",
            dt.datetime.fromisoformat("2026-01-05"),
        ]
    )
    assert (read.n_declared, read.n_either, read.n_other) == (1, 1, 1)
    assert read.fault.tolist() == ["", "", "", "", "date_order", "", ""]


def test_month_first_is_read_where_it_is_declared() -> None:
    read = parse_column(["01/13/2026", "02/01/2026"], order="month_first")
    assert [str(t)[:10] for t in read.at] == ["2026-01-13", "2026-02-01"]


def test_an_empty_column_is_read() -> None:
    assert parse_column([]).at.tolist() == []
    assert [a.tolist() for a in parse_times([])] == [[], [], []]


def test_a_spreadsheet_that_swapped_what_it_could_is_seen() -> None:
    text = [f"{d}/03/2026" for d in range(13, 27)]
    real = [dt.datetime.fromisoformat(f"2026-{m:02}-03") for m in range(1, 13)]
    assert parse_column([*text, *real]).is_swapped
    assert not parse_column([*text, *real, dt.datetime.fromisoformat("2026-03-30")]).is_swapped
    assert not parse_column([*text, *real[:5]]).is_swapped


def test_times_of_day_are_read_however_they_are_written() -> None:
    cells = [
        "22:30",
        "22.30",
        "2230",
        "930",
        "10:30pm",
        0.5,
        2230,
        "0.5",
        dt.time(9, 5),
        dt.timedelta(hours=3),
        "24:00",
    ]
    since, there, fault = parse_times(cells)
    minutes = (since.astype("int64") // 60_000_000).tolist()
    assert minutes == [1350, 1350, 1350, 570, 1350, 720, 1350, 720, 545, 180, 1440]
    assert there.all()
    assert not fault.any()


def test_what_is_not_a_time_says_so_and_blank_does_not() -> None:
    cells = ["25:00", 7.5, dt.timedelta(days=2), True, "", None, "unknown"]
    _, there, fault = parse_times(cells)
    assert fault.tolist() == [True, True, True, True, False, False, False]
    assert not there.any()


@given(
    st.datetimes(dt.datetime.fromisoformat("1990-01-01"), dt.datetime.fromisoformat("2079-12-30")),
    st.sampled_from(
        ["%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M", "%Y-%m-%dT%H:%M", "%d %b %Y %H:%M", "%d/%m/%y %H:%M", "%Y%m%d %H%M"]
    ),
)
@settings(deadline=None, max_examples=150)
def test_any_stamp_comes_back_as_it_was_written(stamp: dt.datetime, form: str) -> None:
    read = parse_one(stamp.strftime(form))
    assert (read.fault, read.at, read.has_time) == ("", stamp.replace(second=0, microsecond=0), True)


@given(st.dates(dt.date(1990, 1, 1), dt.date(2090, 12, 31)))
@settings(deadline=None, max_examples=60)
def test_an_excel_day_number_is_its_date(day: dt.date) -> None:
    number = (day - dt.date(1899, 12, 30)).days
    read = parse_one(float(number))
    assert (read.at.date(), read.fault) == ((day, "") if number < 60_001 else (read.at.date(), "not_a_date"))


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=150)
def test_no_text_at_all_stops_the_reader(text: str) -> None:
    read = parse_one(text)
    assert read.is_there != bool(read.fault) or not read.is_there


class TestClockChanges:
    """Europe/London, 29 March and 25 October 2026."""

    @staticmethod
    def wall(*stamps: str) -> np.ndarray:
        return np.array(stamps, dtype="datetime64[us]")

    def test_an_hour_that_does_not_exist_moves_forward(self) -> None:
        placed = place(self.wall("2026-03-29T01:30", "2026-03-29T02:30"), np.zeros(2, bool))
        assert [t.isoformat() for t in placed.at] == ["2026-03-29T02:00:00+01:00", "2026-03-29T02:30:00+01:00"]
        assert placed.in_gap.tolist() == [True, False]

    def test_an_hour_that_happens_twice_is_the_first_unless_order_says_otherwise(self) -> None:
        start = place(self.wall("2026-10-25T01:50", "2026-10-25T00:30"), np.zeros(2, bool)).at
        placed = place(self.wall("2026-10-25T01:10", "2026-10-25T01:10"), np.zeros(2, bool), start)
        assert [t.isoformat() for t in placed.at] == ["2026-10-25T01:10:00+00:00", "2026-10-25T01:10:00+01:00"]
        assert placed.fold_by_order.tolist() == [True, False]
        assert placed.fold_unproven.tolist() == [False, True]

    def test_an_end_in_the_same_minute_as_its_start_is_not_an_hour_away(self) -> None:
        start = place(self.wall("2026-10-25T01:10", "2026-10-25T00:10"), np.array([True, True])).at
        placed = place(self.wall("2026-10-25T01:10", "2026-10-25T01:10"), np.array([False, False]), start)
        assert placed.at.tolist() == start.tolist()

    def test_a_night_over_the_october_change_is_an_hour_longer(self) -> None:
        at = place(self.wall("2026-10-24T22:00", "2026-10-25T06:00"), np.zeros(2, bool)).at
        assert at[1] - at[0] == pd.Timedelta(hours=9)

    def test_blank_stays_blank_and_utc_is_never_in_doubt(self) -> None:
        placed = place(self.wall("NaT", "2026-10-25T00:30"), np.array([False, True]))
        assert placed.at.isna().tolist() == [True, False]
        assert placed.at[1].isoformat() == "2026-10-25T01:30:00+01:00"
        assert not placed.fold_unproven.any()
