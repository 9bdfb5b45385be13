"""Dates and times of one cell or one column: read in the declared order, proven by the column, placed in London."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.ingest.cells import dates, stamps
from missing_patterns.ingest.cells.clocks import place
from missing_patterns.ingest.cells.dates import parse_one, parse_times
from missing_patterns.ingest.cells.stamps import minority, parse_cells, prove_order

READABLE = """
05/01/2026                   2026-01-05 00:00
5/1/2026 9:05                2026-01-05 09:05
05/01/26 22:15               2026-01-05 22:15
05-01-2026 22:15             2026-01-05 22:15
05.01.2026 22.15             2026-01-05 22:15
05/01/2026 22:15:30          2026-01-05 22:15:30
05/01/2026 22:15:30.250      2026-01-05 22:15:30
05/01/2026 22:30:00.0        2026-01-05 22:30
05/01/2026 10:15pm           2026-01-05 22:15
05/01/2026 12:15 a.m.        2026-01-05 00:15
05/01/2026 10pm              2026-01-05 22:00
05/01/2026 2215              2026-01-05 22:15
05/01/2026 2215hrs           2026-01-05 22:15
05/01/2026, 22:15            2026-01-05 22:15
05/01/2026 at 22:15          2026-01-05 22:15
05/01/2026 24:00             2026-01-06 00:00
05/01/2026 24:00:00          2026-01-06 00:00
31/12/2025 24:00             2026-01-01 00:00
Mon 05/01/2026 22:15         2026-01-05 22:15
Monday, 5th January 2026     2026-01-05 00:00
Mon 05/01/2026 24:00         2026-01-06 00:00
Thurs 01/01/2026             2026-01-01 00:00
5 Jan 2026                   2026-01-05 00:00
5th January 2026 22:15       2026-01-05 22:15
5 Sept 2026                  2026-09-05 00:00
05-Jan-26                    2026-01-05 00:00
Jan 5 2026 10:15PM           2026-01-05 22:15
2026-01-05                   2026-01-05 00:00
2026-01-05 22:15             2026-01-05 22:15
2026-01-05T22:15:00          2026-01-05 22:15
2026-01-05T22:15:00.000      2026-01-05 22:15
2026/1/5 22:15               2026-01-05 22:15
20260105                     2026-01-05 00:00
20260105 2215                2026-01-05 22:15
46027                        2026-01-05 00:00
46027.75                     2026-01-05 18:00
29/02/2024                   2024-02-29 00:00
01/02/49                     2049-02-01 00:00
01/02/50                     1950-02-01 00:00
"""


@pytest.mark.parametrize("line", READABLE.strip().splitlines())
def test_a_date_is_read_however_it_is_written(line: str) -> None:
    written, meant = line[:28].strip(), line[28:].strip()
    read = parse_one(written)
    assert (read.fault, read.at) == ("", dt.datetime.fromisoformat(meant))


@pytest.mark.parametrize(
    ("written", "last_year", "meant"),
    [("05/01/26", 2026, 2026), ("05/01/27", 2026, 1927), ("05/01/11", 2026, 2011), ("05/01/99", 2026, 1999)],
)
def test_a_year_of_two_digits_is_the_nearest_that_is_not_after_the_file(
    written: str, last_year: int, meant: int
) -> None:
    assert parse_one(written, last_year=last_year).at == dt.datetime(meant, 1, 5)  # noqa: DTZ001


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
        ("05/01/2026 10pm hrs", "not_a_date"),
        ("05/01/2026 soon", "not_a_date"),
        ("05/01/2026 22:15-23:00", "not_a_date"),
        ("2026-01-05 22:30-23:15", "not_a_date"),
        ("2026-01-05 22:30+15:00", "not_a_date"),
        ("Tue 05/01/2026", "not_a_date"),
        ("Tue 31/02/2026", "not_a_date"),
        ("5 Foo 2026", "not_a_date"),
        ("5 Marzipan 2026", "not_a_date"),
        ("05/01/202", "not_a_date"),
        ("2026-13-01", "not_a_date"),
        ("2230", "not_a_date"),
        ("12345", "not_a_date"),
        ("60", "not_a_date"),
        (0, "not_a_date"),
        (60, "not_a_date"),
        (-1.5, "not_a_date"),
        (2_958_466, "not_a_date"),
        (19_999.5, "not_a_date"),
        (float("inf"), "not_a_date"),
        (True, "not_a_date"),
        (dt.time(22, 15), "not_a_date"),
        (dt.timedelta(hours=1), "not_a_date"),
        ("01/13/2026", "date_order"),
        ("01/01/1900", "placeholder_date"),
        ("1899-12-30", "placeholder_date"),
        ("01/01/1970", "placeholder_date"),
        ("0001-01-01T00:00:00+01:00", "placeholder_date"),
        (dt.datetime.fromisoformat("1900-01-01"), "placeholder_date"),
        (dt.date(1970, 1, 1), "placeholder_date"),
        ("31/12/9999", "open_placeholder"),
        ("9999-12-31 23:59", "open_placeholder"),
        ("31/12/2999", "open_placeholder"),
        (dt.datetime.fromisoformat("9999-12-31T23:59:59.999999"), "open_placeholder"),
        (dt.datetime.fromisoformat("2099-12-31"), "open_placeholder"),
        ("Still missing", "open_words"),
        ("Not returned.", "open_words"),
        ("ongoing", "open_words"),
        ("N/A", "not_applicable_words"),
        ("None", "not_applicable_words"),
        ("Unknown", "unknown_words"),
        ("not recorded", "unknown_words"),
        ("?", "unknown_words"),
        ("Declined", "date_is_words"),
        ("see notes", "date_is_words"),
        ("yesterday", "date_is_words"),
    ],
)
def test_what_is_not_a_usable_date_says_so(written: object, fault: str) -> None:
    read = parse_one(written)  # type: ignore[arg-type]
    assert (read.fault, read.is_there) == (fault, False)


@pytest.mark.parametrize("blank", [None, "", "  ", "NULL", "-", float("nan"), pd.NaT, "\u00a0", "\u200b", "\x07"])
def test_blank_is_not_a_fault(blank: object) -> None:
    read = parse_one(blank)  # type: ignore[arg-type]
    assert (read.is_there, read.fault) == (False, "")


def test_utc_and_offsets_are_told_apart_from_wall_clock() -> None:
    cells = [
        "2026-07-05T21:15:00Z",
        "2026-07-05T22:15:00+01:00",
        "2026-07-05 22:15",
        "2026-07-05T20:15-0100",
        "05/07/2026 21:15 GMT",
        "05/07/2026 22:15 BST",
        "2026-07-05T21:15+00",
        dt.datetime(2026, 7, 5, 21, 15, tzinfo=dt.UTC),
        dt.datetime(2026, 7, 5, 22, 15),  # noqa: DTZ001
    ]
    read = parse_cells(cells)
    assert read.is_utc.tolist() == [True, True, False, True, True, True, True, True, False]
    london = place(read.at, read.is_utc)
    assert [t.strftime("%H:%M") for t in london.at] == ["22:15"] * 9
    assert set(london.wall.astype(str)) == {"2026-07-05T22:15:00.000000"}
    assert parse_cells(cells[7:8]).is_utc.tolist() == [True]


def test_repairs_are_told_cell_by_cell() -> None:
    read = parse_cells(
        ["46027", "05/01/26 24:00", "05/01/2026 24:00", "05/01/\u202e2026", "\ufeff05/01/2026", "05/01/2026"]
    )
    told = {rule: read.is_repair(rule).tolist() for rule in dates.REPAIRS}
    assert told == {
        "excel_serial": [True, False, False, False, False, False],
        "two_digit_year": [False, True, False, False, False, False],
        "midnight_24": [False, True, True, False, False, False],
        "control_characters": [False, False, False, True, True, False],
    }
    assert np.isnat(read.at).sum() == 0


def test_a_column_says_what_proves_its_order() -> None:
    cells = [
        "13/01/2026",
        "01/02/2026",
        "02/02/2026",
        "2026-01-05",
        "01/13/2026",
        "",
        dt.datetime.fromisoformat("2026-01-05"),
    ]
    read = parse_cells(cells)
    order = prove_order(read, np.array([1, 2, 1, 1, 3, 5, 1]))
    assert (order.n_declared, order.n_either, order.n_other) == (1, 3, 3)  # a real date beside text may be swapped
    assert read.is_fault("date_order").tolist() == [False, False, False, False, True, False, False]
    assert repr(read) == "Stamps: 7 cells, 1 at fault"


def test_month_first_is_read_where_it_is_declared() -> None:
    read = parse_cells(["01/13/2026", "02/01/2026", "13/01/2026"], order="month_first")
    assert [str(t)[:10] for t in read.at] == ["2026-01-13", "2026-02-01", "NaT"]
    assert prove_order(read, np.ones(3)) == stamps.Order(1, 1, 1, is_swapped=False)


def test_an_empty_column_is_read() -> None:
    assert parse_cells([]).at.tolist() == []
    assert prove_order(parse_cells([]), np.zeros(0)) == stamps.Order(0, 0, 0, is_swapped=False)
    assert parse_times([]).since.tolist() == []


def test_a_spreadsheet_that_swapped_what_it_could_is_seen() -> None:
    text = [f"{d}/03/2026" for d in range(13, 27)]
    real = [dt.datetime.fromisoformat(f"2026-{m:02}-03") for m in range(1, 13)]

    def is_swapped(cells: list[object]) -> bool:
        return prove_order(parse_cells(cells), np.ones(len(cells))).is_swapped  # type: ignore[arg-type]

    assert is_swapped([*text, *real])
    assert not is_swapped([*text, *real, dt.datetime.fromisoformat("2026-03-30")])
    assert is_swapped([*text[:4], *real[:4]])
    assert not is_swapped([*text, *real[:3]])
    assert not is_swapped([*text[:3], *real])
    assert not is_swapped([*text, *(46027.0 + i for i in range(12))])  # a day number was never text


def test_the_minority_of_a_column_is_told_by_rows_not_by_cells() -> None:
    forms = parse_cells(["13/01/2026", "2026-01-14", "5 Jan 2026", "", "46027"]).form
    assert minority(forms, np.array([1, 5, 1, 9, 9])).tolist() == [True, False, True, False, False]
    assert minority(forms[:1], np.array([1])).tolist() == [False]


@pytest.mark.parametrize(
    ("written", "form"),
    [("22:30", 1), ("22:30:00", 1), ("22:30:00.0", 2), ("22.30", 3), ("2230", 4), ("2230hrs", 4), ("10:30pm", 5)],
)
def test_ways_of_writing_a_time_are_told_apart(written: str, form: int) -> None:
    assert parse_one(f"05/01/2026 {written}").clock == form
    assert parse_times([written]).form.tolist() == [form]


def test_times_of_day_are_read_however_they_are_written() -> None:
    cells = [
        *("22:30", "22.30", "2230", "930", "10:30pm", 0.5, 2230, "0.5"),
        *(dt.time(9, 5), dt.timedelta(hours=3), "24:00", "\u202e22:30", dt.datetime.fromisoformat("2026-01-05T09:05")),
    ]
    read = parse_times(cells)
    minutes = (read.since.astype("int64") // 60_000_000).tolist()
    assert minutes == [1350, 1350, 1350, 570, 1350, 720, 1350, 720, 545, 180, 1440, 1350, 545]
    assert read.there.all()
    assert not read.fault.any()


def test_a_number_that_may_be_hours_or_minutes_is_no_time() -> None:
    assert parse_times([9, 21, 9.0, 99, 0, 0.0, "0", "21", 1075]).fault.all()
    assert parse_times([100, 930.0, 2359, "0000", 0.25]).there.all()


def test_what_is_not_a_time_says_so_and_blank_does_not() -> None:
    cells = ["25:00", 7.5, dt.timedelta(days=2), True, "evening", "", None, "unknown", "n/a"]
    read = parse_times(cells)
    assert read.fault.tolist() == [True] * 5 + [False] * 4
    assert not read.there.any()


LAYOUTS = [
    *("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S"),
    *("%Y-%m-%d %H:%M", "%d-%m-%Y %H.%M", "%d %b %Y %H:%M", "%Y%m%d %H%M", "%d/%m/%YT%H:%M", "%d/%m-%Y", "%Y-%m/%d"),
]
STAMPS = st.one_of(
    st.builds(
        lambda at, form: at.strftime(form),
        st.datetimes(dt.datetime(1890, 1, 1), dt.datetime(2110, 12, 31)),  # noqa: DTZ001
        st.sampled_from(LAYOUTS),
    ),
    st.from_regex(r"[0-3][0-9]/[01][0-9]/(19|20)[0-9]{2}( [0-2][0-9]:[0-6][0-9](:[0-6][0-9])?)?", fullmatch=True),
    st.from_regex(r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9])?)?", fullmatch=True),
    st.text(alphabet="0123456789/-: T.\u0660\u00e9\n", max_size=19),
    st.datetimes(dt.datetime(1890, 1, 1), dt.datetime(2110, 12, 31)),  # noqa: DTZ001
    st.sampled_from(["", None, 46027.0, 3, True, "NULL", dt.time(1), dt.date(2026, 1, 5), "01/01/1970", "29/02/1900"]),
    st.floats(),
)


@given(st.lists(STAMPS, max_size=12), st.sampled_from(["day_first", "month_first"]))
@settings(deadline=None, max_examples=150)
def test_the_fast_way_and_the_slow_way_give_the_same(cells: list[object], order: str) -> None:
    fast = parse_cells(cells, order)  # type: ignore[arg-type]
    slow = parse_cells(cells, order, is_slow=True)  # type: ignore[arg-type]
    for name in ("at", "has_time", "is_utc", "fault", "repairs", "proves", "form", "clock"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)


@pytest.mark.parametrize("order", ["day_first", "month_first"])
def test_every_day_of_a_year_and_every_day_that_is_none_is_the_same_both_ways(order: str) -> None:
    # Of 1900 and 1970, the first of January is a stand-in.
    n_days = 2 * 365 - 2 + 2 * 366
    numbers = [(f"{d:02}", f"{m:02}", y) for y in (1900, 1970, 2000, 2024) for d in range(34) for m in range(14)]
    form = "{0}/{1}/{2}" if order == "day_first" else "{1}/{0}/{2}"
    cells = [*(form.format(*n) for n in numbers), *("{2}-{1}-{0}".format(*n) for n in numbers)]
    fast, slow = parse_cells(cells, order), parse_cells(cells, order, is_slow=True)
    assert int((~np.isnat(fast.at)).sum()) == 2 * n_days
    for name in ("at", "fault", "proves", "form"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)


def test_the_usual_layouts_never_take_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> None:
        raise AssertionError("a cell of a usual layout was parsed by itself")

    monkeypatch.setattr(stamps, "parse_one", slow)
    at = dt.datetime(2026, 1, 5, 22, 15)  # noqa: DTZ001
    cells = [at.strftime(form) for form in LAYOUTS[:8]]
    assert not np.isnat(parse_cells([*cells, at]).at).any()
    with pytest.raises(AssertionError):
        parse_cells(["31/02/2026"])


@given(
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2049, 12, 30)),  # noqa: DTZ001
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
    assert (read.at.date(), read.fault) == ((day, "") if number < 60_001 else (dates.NOTHING.date(), "not_a_date"))


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=150)
def test_no_text_at_all_stops_the_reader(text: str) -> None:
    read = parse_one(text)
    assert not (read.is_there and read.fault)


def test_parts_of_a_second_are_how_a_number_was_rounded() -> None:
    cells = [dt.datetime(2026, 1, 5, 22, 14, 59, us) for us in (999_500, 400_000, 0)]  # noqa: DTZ001
    for read in (parse_cells(cells), parse_cells(cells, is_slow=True)):
        assert [str(t)[11:19] for t in read.at] == ["22:15:00", "22:14:59", "22:14:59"]


WORDING = [
    *("%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M", "%d.%m.%Y %H.%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d %B %Y %H:%M"),
    *("%d %b %Y at %I:%M%p", "%d/%m/%Y %H%M", "%d/%m/%Y %H%Mhrs", "%a %d/%m/%Y %H:%M", "%d/%m/%y %H:%M"),
    *("%d/%m/%Y %I:%M %p", "%Y%m%d %H%M", "%d-%b-%y %H:%M", "%d/%m/%Y, %H:%M:%S.000"),
]


def test_no_stamp_is_ever_read_as_another_time() -> None:
    """100,000 stamps in fifteen wordings, and as day numbers of Excel: each comes back exactly, or as a fault."""
    rng = np.random.default_rng(7)
    n = 100_000
    minutes = rng.integers(0, 36 * 365 * 1440, n).astype("timedelta64[m]")
    meant = (np.datetime64("1990-01-01") + minutes).astype("datetime64[us]")
    which = rng.integers(0, len(WORDING) + 1, n)
    forms = [*WORDING, ""]
    written: list[object] = [
        at.strftime(forms[k]) if forms[k] else (at - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)  # noqa: DTZ001
        for at, k in zip(meant.tolist(), which.tolist(), strict=True)
    ]
    # Some are spoilt as people and programs spoil them: each of these must be a fault.
    spoilt = rng.random(n) < 0.05
    for i in np.flatnonzero(spoilt).tolist():
        day, year = meant[i].item().day, meant[i].item().year
        wrong = (f"31/02/{year}", f"{day:02}/00/{year}", f"{day:02}/13/{year} 10:00", f"{day:02}/01/{year} 24:30")
        written[i] = (*wrong, f"{day:02}/01/{str(year)[:3]}", "1/2", "31/11/2025 22:15")[i % 7]
    read = parse_cells(written, last_year=2026)  # type: ignore[arg-type]
    assert np.isnat(read.at[spoilt]).all()
    assert (read.fault[spoilt] > 0).all()
    wrong = ~spoilt & ~np.isnat(read.at) & (read.at != meant)
    assert int(wrong.sum()) == 0
    assert int((~spoilt & np.isnat(read.at)).sum()) == 0


class TestClockChanges:
    """Europe/London, 29 March and 25 October 2026."""

    @staticmethod
    def wall(*stamps: str) -> np.ndarray:
        return np.array(stamps, dtype="datetime64[us]")

    def test_an_hour_that_does_not_exist_moves_forward(self) -> None:
        placed = place(self.wall("2026-03-29T01:30", "2026-03-29T02:30", "2026-03-22T01:30"), np.zeros(3, bool))
        assert [t.isoformat() for t in placed.at] == [
            "2026-03-29T02:00:00+01:00", "2026-03-29T02:30:00+01:00", "2026-03-22T01:30:00+00:00"
        ]  # fmt: skip
        assert placed.in_gap.tolist() == [True, False, False]
        assert placed.wall.astype(str).tolist()[0] == "2026-03-29T02:00:00.000000"

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

    def test_a_night_over_either_change_is_its_true_length(self) -> None:
        nights = ("2026-10-24T22:00", "2026-10-25T06:00", "2026-03-28T22:00", "2026-03-29T06:00")
        at = place(self.wall(*nights), np.zeros(4, bool)).at
        assert (at[1] - at[0], at[3] - at[2]) == (pd.Timedelta(hours=9), pd.Timedelta(hours=7))

    def test_blank_stays_blank_and_utc_is_never_in_doubt(self) -> None:
        placed = place(self.wall("NaT", "2026-10-25T00:30", "2026-10-25T01:30"), np.array([False, True, True]))
        assert placed.at.isna().tolist() == [True, False, False]
        assert [t.isoformat() for t in placed.at[1:]] == ["2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00+00:00"]
        assert not placed.fold_unproven.any()

    @given(st.lists(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2090, 1, 1)), max_size=5))  # noqa: DTZ001
    @settings(deadline=None, max_examples=100)
    def test_every_time_is_placed_as_pandas_places_it(self, stamps: list[dt.datetime]) -> None:
        near = [dt.datetime(y, m, d, 1, 30) for y, m, d in ((1994, 10, 23), (1996, 10, 27), (1996, 3, 31))]  # noqa: DTZ001
        wall = np.array([*stamps, *near], dtype="datetime64[us]")
        first = np.ones(len(wall), dtype=bool)
        there = pd.Series(wall).dt.tz_localize("Europe/London", ambiguous=first, nonexistent="shift_forward")
        placed = place(wall, np.zeros(len(wall), bool))
        assert placed.at.tolist() == there.tolist()
        assert (placed.wall != wall).tolist() == placed.in_gap.tolist()
        assert placed.fold_unproven[-3:].tolist() == [True, True, False]
