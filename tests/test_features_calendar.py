"""School terms and bank holidays: every day of the packaged files by rule, a council's own, and what is refused."""

from __future__ import annotations

import copy
import datetime as dt
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.errors import SettingsRefused
from missing_patterns.features.calendar import FACTS, Calendar, read_calendar

DAY = dt.timedelta(days=1)
YEARS = range(2010, 2031)


def number(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days


def date(number: int) -> dt.date:
    return dt.date(1970, 1, 1) + number * DAY


def ask(calendar: Calendar, *days: str) -> list[tuple[float, ...]]:
    """One tuple a day in the order of FACTS; None where the calendar does not say."""
    found = calendar.days(np.array([number(dt.date.fromisoformat(d)) for d in days], dtype=np.int64))
    columns = [[None if math.isnan(v) else v for v in found[name]] for name in FACTS]
    return list(zip(*columns, strict=True))


def file(folder: Path, text: str, name: str = "own.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(line.strip() for line in text.strip().splitlines()), encoding="utf-8")
    return path


# ---- the packaged files, from the rules that stand in their comments -------------------------------------------------


def easter_sunday(year: int) -> dt.date:
    """Butcher's algorithm for the Gregorian calendar."""
    a, (b, c) = year % 19, divmod(year, 100)
    (d, e), g = divmod(b, 4), (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    month, day = divmod(h + m - 7 * ((a + 11 * h + 22 * m) // 451) + 114, 31)
    return dt.date(year, month, day + 1)


def monday_from(year: int, month: int, day: int) -> dt.date:
    found = dt.date(year, month, day)
    while found.weekday():
        found += DAY
    return found


def bank_holidays(year: int) -> set[dt.date]:
    """Of a year without anything out of the ordinary; a fixed day on a weekend moves to the next free weekday."""
    easter = easter_sunday(year)
    found = {
        easter - 2 * DAY,
        easter + DAY,
        monday_from(year, 5, 1),
        monday_from(year, 5, 25),
        monday_from(year, 8, 25),
    }
    for month, day in ((1, 1), (12, 25), (12, 26)):
        on = dt.date(year, month, day)
        fixed = {dt.date(year, 12, 25), dt.date(year, 12, 26)} - {on}
        while on.weekday() > 4 or on in found or (on.day > 26 and on in fixed):
            on += DAY
        found.add(on)
    return found


#: The years out of the ordinary: what was taken away, what came instead or beside it, and since when it was known.
OUT_OF_THE_ORDINARY = """
    2011 -          2011-04-29 2010-11-23  wedding
    2012 2012-05-28 2012-06-04 2010-01-05  Diamond Jubilee, spring bank holiday moved
    2012 -          2012-06-05 2010-01-05  Diamond Jubilee
    2020 2020-05-04 2020-05-08 2019-06-08  VE Day
    2022 2022-05-30 2022-06-02 2020-11-12  Platinum Jubilee, spring bank holiday moved
    2022 -          2022-06-03 2020-11-12  Platinum Jubilee
    2022 -          2022-09-19 2022-09-10  State Funeral
    2023 -          2023-05-08 2022-11-06  Coronation
"""


def all_bank_holidays() -> set[dt.date]:
    found = set().union(*(bank_holidays(year) for year in YEARS))
    for line in OUT_OF_THE_ORDINARY.strip().splitlines():
        _, gone, new, *_ = line.split()
        found -= {dt.date.fromisoformat(gone)} if gone != "-" else set()
        found.add(dt.date.fromisoformat(new))
    return found


def school_year(year: int, holidays: set[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Blocks of term from September of the year, by the rule in the comment of the packaged file."""

    def first_free(day: dt.date) -> dt.date:
        while day.weekday() > 4 or day in holidays:
            day += DAY
        return day

    october = monday_from(year, 10, 21)
    christmas = monday_from(year, 12, 19)
    february = monday_from(year + 1, 2, 12)
    easter = easter_sunday(year + 1)
    weeks_before = 0 if easter <= dt.date(year + 1, 4, 4) else 1 if easter <= dt.date(year + 1, 4, 14) else 2
    spring = easter + DAY - 7 * weeks_before * DAY
    whit = min(d for d in holidays if dt.date(year + 1, 5, 25) <= d <= dt.date(year + 1, 6, 4))
    whit -= whit.weekday() * DAY
    end = dt.date(year + 1, 7, 21)
    end -= max(end.weekday() - 4, 0) * DAY
    return [
        (first_free(dt.date(year, 9, 1)), october - 3 * DAY),
        (october + 7 * DAY, christmas - 3 * DAY),
        (first_free(christmas + 14 * DAY), february - 3 * DAY),
        (february + 7 * DAY, spring - (3 if weeks_before else 4) * DAY),
        (first_free(spring + 14 * DAY), whit - 3 * DAY),
        (whit + 7 * DAY, end),
    ]


def test_bank_holidays_are_those_of_the_rules_and_of_the_years_out_of_the_ordinary() -> None:
    calendar = read_calendar()
    assert {date(int(d)) for d in calendar.holidays} == all_bank_holidays()
    late = {
        date(int(on)): date(int(told))
        for on, told in zip(calendar.holidays, calendar.announced, strict=True)
        if told > 0
    }
    told = (line.split()[2:4] for line in OUT_OF_THE_ORDINARY.strip().splitlines())
    assert late == {dt.date.fromisoformat(on): dt.date.fromisoformat(announced) for on, announced in told}


def test_typical_terms_are_those_of_the_rule_in_the_file() -> None:
    calendar = read_calendar()
    holidays = all_bank_holidays() | bank_holidays(2009) | bank_holidays(2031)
    got = [(date(int(a)), date(int(b))) for a, b in zip(calendar.starts, calendar.ends, strict=True)]
    assert got == [block for year in range(2009, 2031) for block in school_year(year, holidays)]


def test_a_typical_school_year_has_190_days_for_pupils_and_a_few_for_staff() -> None:
    calendar = read_calendar()
    for year in range(2010, 2030):
        days = np.arange(number(dt.date(year, 9, 1)), number(dt.date(year + 1, 9, 1)))
        assert 193 <= calendar.days(days)["is_school_day"].sum() <= 196
        weekday = (days + 3) % 7
        assert not calendar.days(days[weekday > 4])["is_school_day"].any()


def test_the_days_of_one_autumn_can_be_read_off() -> None:
    #  school day, holiday, bank holiday, days to: holiday, term, bank holiday
    assert ask(
        read_calendar(),
        "2025-08-25",
        "2025-08-31",
        "2025-09-01",
        "2025-09-06",
        "2025-10-24",
        "2025-10-25",
        "2025-12-26",
    ) == [
        (0, 1, 1, 0, 7, 0),  # summer bank holiday
        (0, 1, 0, 0, 1, 116),
        (1, 0, 0, 54, 0, 115),  # first day of term
        (0, 0, 0, 49, 0, 110),  # a Saturday in term is neither a school day nor a school holiday
        (1, 0, 0, 1, 0, 62),  # last day before half-term
        (0, 1, 0, 0, 9, 61),  # the holiday begins with its Saturday
        (0, 1, 1, 0, 10, 0),
    ]


def test_a_bank_holiday_in_term_is_no_school_day() -> None:
    assert ask(read_calendar(), "2026-05-04", "2026-05-05") == [(0, 0, 1, 19, 0, 0), (1, 0, 0, 18, 0, 20)]


def test_a_bank_holiday_is_not_known_before_it_was_announced() -> None:
    """Announced on 10 September 2022 for the 19th; until then Christmas was the next."""
    to_next = [
        row[-1] for row in ask(read_calendar(), "2022-09-09", "2022-09-10", "2022-09-18", "2022-09-19", "2022-09-20")
    ]
    assert to_next == [108, 9, 1, 0, 97]  # Monday 26 December is Boxing Day, since Christmas Day was a Sunday
    assert ask(read_calendar(), "2022-09-19")[0][2] == 1


def test_outside_its_years_the_calendar_says_nothing() -> None:
    nothing = (None,) * 6
    assert ask(read_calendar(), "2009-08-31", "2009-09-01", "2009-12-31", "2010-01-01", "2030-12-31", "2031-01-01") == [
        nothing,
        (None, 0, None, 53, 0, None),
        (None, 1, None, 0, 4, None),
        (0, 1, 1, 0, 3, 0),
        (0, 1, 0, 0, 6, None),  # the next bank holiday is not listed any more
        (None, 1, None, 0, 5, None),
    ]
    assert ask(read_calendar(), "2031-07-21", "2031-07-22", "1500-01-01", "9999-12-31")[1:] == [nothing] * 3


def test_days_that_are_not_recorded_have_no_answer_and_no_days_no_rows() -> None:
    absent = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max], dtype=np.int64)
    assert all(np.isnan(values).all() for values in read_calendar().days(absent).values())
    none = read_calendar().days(np.array([], dtype=np.int64))
    assert {name: (len(v), v.dtype) for name, v in none.items()} == dict.fromkeys(FACTS, (0, np.dtype("float64")))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.dates(dt.date(2009, 6, 1), dt.date(2031, 12, 31)), min_size=1, max_size=20))
def test_the_table_says_what_a_walk_from_day_to_day_finds(days: list[dt.date]) -> None:
    calendar = read_calendar()
    blocks = list(zip(calendar.starts.tolist(), calendar.ends.tolist(), strict=True))
    listed = dict(zip(calendar.holidays.tolist(), calendar.announced.tolist(), strict=True))
    found = calendar.days(np.array([number(d) for d in days], dtype=np.int64))
    for i, day in enumerate(days):
        n, schools, banks = number(day), blocks[0][0] <= number(day) <= blocks[-1][1], 2010 <= day.year <= 2030
        in_term = any(a <= n <= b for a, b in blocks)
        to_holiday, to_term, to_bank = 0, 0, 0
        while in_term and any(a <= n + to_holiday <= b for a, b in blocks):
            to_holiday += 1
        while schools and not any(a <= n + to_term <= b for a, b in blocks):
            to_term += 1
        while not (n + to_bank in listed and listed[n + to_bank] <= n) and to_bank < 400:
            to_bank += 1
        plain = {
            "is_school_day": in_term and day.weekday() < 5 and n not in listed if schools and banks else None,
            "is_school_holiday": not in_term if schools else None,
            "is_bank_holiday": n in listed if banks else None,
            "days_to_school_holiday": to_holiday if schools else None,
            "days_to_term": to_term if schools else None,
            "days_to_bank_holiday": to_bank if banks and to_bank < 400 else None,
        }
        assert {name: None if math.isnan(v[i]) else v[i] for name, v in found.items()} == plain


# ---- a council's own -------------------------------------------------------------------------------------------------

TERMS = """
    # Terms of the made-up borough
    starts_on,ends_on,name
    2026-11-02,2026-12-18,Autumn 2
    2026-09-03,2026-10-16,Autumn 1
    ,,
    2027-01-05,2027-02-12,
"""
HOLIDAYS = """
    name,on,announced_on
    Christmas Day,2026-12-25,
    Fair day,2026-12-01,2026-11-30
"""


def test_a_council_gives_its_own_terms_in_any_order(tmp_path: Path) -> None:
    own = read_calendar(file(tmp_path, TERMS))
    assert repr(own) == "Calendar: 3 blocks of term from 2026-09-03 to 2027-02-12, 173 bank holidays of 2010 to 2030"
    assert ask(own, "2026-10-16", "2026-10-17", "2026-10-19", "2026-09-02", "2027-02-13") == [
        (1, 0, 0, 1, 0, 70),
        (0, 1, 0, 0, 16, 69),
        (0, 1, 0, 0, 14, 67),
        (None, None, 0, None, None, 114),
        (None, None, 0, None, None, 41),
    ]
    assert ask(read_calendar(), "2026-10-19")[0][1] == 0  # the typical half-term is a week later


def test_a_council_gives_its_own_bank_holidays(tmp_path: Path) -> None:
    own = read_calendar("", str(file(tmp_path, HOLIDAYS)))
    assert repr(own).endswith("2 bank holidays of 2026 to 2026")
    assert ask(own, "2026-11-29", "2026-11-30", "2026-12-01", "2026-12-26", "2027-01-01", "2025-12-31") == [
        (0, 0, 0, 20, 0, 26),
        (1, 0, 0, 19, 0, 1),
        (0, 0, 1, 18, 0, 0),
        (0, 1, 0, 0, 9, None),
        (None, 1, None, 0, 3, None),
        (None, 1, None, 0, 5, None),
    ]


def test_a_file_that_excel_wrote_again_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes('\ufeff"# Terms, ours",\r\nstarts_on,ends_on\r\n2026-09-03,2026-10-16\r\n'.encode())
    assert repr(read_calendar(path)).startswith("Calendar: 1 blocks of term from 2026-09-03")


def test_the_same_calendar_is_not_read_twice_and_can_be_sent_elsewhere(tmp_path: Path) -> None:
    assert read_calendar() is read_calendar("", None)
    day = np.array([number(dt.date(2026, 12, 25))], dtype=np.int64)
    own = read_calendar(file(tmp_path, TERMS))
    for again in (pickle.loads(pickle.dumps(own)), copy.deepcopy(own)):  # noqa: S301
        assert {k: v.tolist() for k, v in again.days(day).items()} == {k: v.tolist() for k, v in own.days(day).items()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "starts_on,end_on\n2026-09-03,2026-10-16",
            "own.csv:\n- column 'ends_on' is absent. Did you mean 'end_on'?",
        ),
        ("starts_on,starts_on,ends_on\n1,2,3", "own.csv:\n- column 'starts_on' stands twice. Rename one."),
        ("starts_on,ends_on", "own.csv: holds no rows. Add one for each date, or leave the setting blank."),
        ("", "own.csv:\n- column 'starts_on' is absent.\n- column 'ends_on' is absent."),
        (
            "# ours\nstarts_on,ends_on\n03/09/2026,2026-10-16\n2026-11-02\n20261102,2026-02-30",
            (
                "own.csv:\n"
                "- line 3, column 'starts_on': is not a date. Write it as 2026-09-01.\n"
                "- line 4, column 'ends_on': is not a date. Write it as 2026-09-01.\n"
                "- line 5, column 'starts_on': is not a date. Write it as 2026-09-01.\n"
                "- line 5, column 'ends_on': is not a date. Write it as 2026-09-01."
            ),
        ),
        (
            "starts_on,ends_on\n2026-10-16,2026-09-03",
            "own.csv:\n- line 2, column 'ends_on': is before starts_on. Correct one of the two.",
        ),
        (
            "starts_on,ends_on\n2026-09-03,2026-10-23\n2026-10-23,2026-12-18",
            (
                "own.csv:\n- line 3, column 'starts_on': overlaps the term of line 2. "
                "Correct one of the two, or remove a row that stands twice."
            ),
        ),
        (
            "starts_on,ends_on\n2026-09-03,2026-12-18\n2027-04-12,2027-05-28",
            (
                "own.csv:\n"
                "- line 2, column 'ends_on': the block is longer than 75 days. Write each half of a term, up to its "
                "half-term holiday, as a row of its own.\n"
                "- line 3, column 'starts_on': more than 70 days after the term of line 2. Add the terms between."
            ),
        ),
        ('starts_on,ends_on\n"2026-09-03"x,2026-10-16', "own.csv, line 2: is not CSV. Save it again as CSV UTF-8."),
    ],
)
def test_terms_that_cannot_be_right_are_refused_with_file_line_column_and_fix(
    text: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_calendar(file(tmp_path, text))
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,name\n2026-12-25,x", "own.csv:\n- column 'on' is absent."),
        (
            "on,announced_on\n2026-12-25,2026-12-26\n2026-12-25,soon",
            (
                "own.csv:\n"
                "- line 3, column 'announced_on': is not a date. Write it as 2026-09-01.\n"
                "- line 2, column 'announced_on': is after the holiday itself. Correct one of the two.\n"
                "- line 2, column 'on': stands on line 3 too. Remove one of the two."
            ),
        ),
        (
            "on\n2024-12-25\n2026-12-25",
            (
                "own.csv:\n- line 3, column 'on': a year between this and line 2 has no bank holiday. "
                "List every bank holiday of each year."
            ),
        ),
    ],
)
def test_bank_holidays_that_cannot_be_right_are_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_calendar(bank_holidays=file(tmp_path, text))
    assert str(refused.value) == words


def test_a_file_that_cannot_be_read_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"^nowhere\.csv: cannot be read \(FileNotFoundError\)\. Check the path"):
        read_calendar(tmp_path / "nowhere.csv")
    (tmp_path / "own.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsRefused, match=r"^own\.csv: is not UTF-8 text"):
        read_calendar(bank_holidays=tmp_path / "own.csv")
