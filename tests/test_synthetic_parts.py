"""The parts of the made-up borough, each against a slow plain twin or by hand."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.codebook import read_codebook
from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.care import Spells, spell_at
from missing_patterns.synthetic.clock import WeekClock, daytime, minutes_of, pick, settle, to_dates, to_london
from missing_patterns.synthetic.incidents import trigger_chances
from missing_patterns.synthetic.population import (
    CLOCKS,
    TYPES,
    Children,
    _never_while_away,
    eighteenth_birthday,
    simulate,
)
from missing_patterns.synthetic.wordings import PLACES, place_code
from missing_patterns.synthetic.words import phrases, write_account

EPOCH = dt.datetime.fromisoformat("1970-01-01")
LONDON = ZoneInfo("Europe/London")
MINUTES = st.integers(int(minutes_of("2020-01-01")), int(minutes_of("2030-01-01")))


def minutes(text: str) -> float:
    return (dt.datetime.fromisoformat(text) - EPOCH) / dt.timedelta(minutes=1)


def text(value: float) -> str:
    return (EPOCH + dt.timedelta(minutes=float(value))).isoformat(timespec="minutes")


# --- The clock


@pytest.mark.parametrize(
    ("written", "settled"),
    [
        ("2026-03-29T00:59", "2026-03-29T00:59"),  # before the hour that does not exist
        ("2026-03-29T01:00", "2026-03-29T02:00"),  # in it
        ("2026-03-29T01:59", "2026-03-29T02:59"),
        ("2026-03-29T02:00", "2026-03-29T02:00"),
        ("2026-10-25T01:30", "2026-10-25T02:30"),  # in the hour that comes twice
        ("2026-10-18T01:30", "2026-10-18T01:30"),  # a Sunday too early
        ("2026-09-27T01:30", "2026-09-27T01:30"),  # the last Sunday of another month
        ("2026-10-26T01:30", "2026-10-26T01:30"),  # the Monday after
        ("2026-06-01T00:00", "2026-06-01T00:01"),  # midnight would read as "only the day is known"
    ],
)
def test_a_settled_minute_can_be_told_apart_in_a_file(written: str, settled: str) -> None:
    assert text(settle(np.array([minutes(written)]))[0]) == settled


@settings(deadline=None, max_examples=200)
@given(MINUTES)
def test_no_settled_minute_is_ambiguous_or_skipped_in_london(minute: int) -> None:
    local = EPOCH + dt.timedelta(minutes=float(settle(np.array([float(minute)]))[0]))
    first, second = local.replace(tzinfo=LONDON, fold=0), local.replace(tzinfo=LONDON, fold=1)
    assert first.utcoffset() == second.utcoffset()
    assert local.time() != dt.time()
    assert 0 <= (local - EPOCH) / dt.timedelta(minutes=1) - minute <= 60


def test_the_week_clock_is_a_map_there_and_back_that_keeps_order() -> None:
    even = np.sort(np.random.default_rng(0).uniform(minutes_of("2026-01-01"), minutes_of("2027-01-01"), 2000))
    for clock in CLOCKS:
        wall = clock.to_wall(even)
        assert (np.diff(wall) >= 0).all()
        np.testing.assert_allclose(clock.to_even(wall), even, atol=1e-4)
        assert np.abs(wall - even).max() < 2 * p.MINUTES_PER_DAY


def test_the_week_clock_gives_the_profile_that_it_was_made_of() -> None:
    hours, weekdays = [0.0] * 18 + [3.0, 1.0] + [0.0] * 4, [1, 1, 1, 1, 2, 1, 1]
    even = np.arange(minutes_of("2026-01-05"), minutes_of("2026-03-02"), 7.0)  # eight weeks from a Monday
    wall = WeekClock.of(hours, weekdays).to_wall(even)
    stamps = pd.Series([text(w) for w in wall]).astype("datetime64[us]")
    share = stamps.dt.hour.value_counts(normalize=True)
    assert share[18] == pytest.approx(0.75, abs=0.01)
    assert share[19] == pytest.approx(0.25, abs=0.01)
    assert (stamps.dt.day_of_week == 4).mean() == pytest.approx(0.25, abs=0.01)


def test_working_hours() -> None:
    given_times = ["2026-06-01T08:59", "2026-06-01T09:00", "2026-06-01T18:59", "2026-06-01T19:00", "2026-06-01T02:10"]
    moved = daytime(np.array([minutes(t) for t in given_times]), np.array([0.0, 0.9, 0.9, 0.5, 0.999]))
    assert [text(m) for m in moved] == [
        "2026-06-01T09:00",
        "2026-06-01T09:00",
        "2026-06-01T18:59",
        "2026-06-02T13:30",
        "2026-06-01T17:59",
    ]


def test_minutes_become_london_times_and_days() -> None:
    moments = np.array([minutes("2026-07-01T21:05"), np.nan])
    assert to_london(moments).tolist() == [pd.Timestamp("2026-07-01 21:05", tz="Europe/London"), pd.NaT]
    assert to_dates(moments).tolist() == [pd.Timestamp("2026-07-01"), pd.NaT]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5),
    st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(any),
)
def test_pick_is_the_first_whose_running_total_passes(shares: list[float], weights: list[int]) -> None:
    running = [sum(weights[: i + 1]) / sum(weights) for i in range(len(weights))]
    plain = [next(i for i, total in enumerate(running) if share < total) for share in shares]
    assert pick(np.array(shares), weights).tolist() == plain


# --- Children and absences


def test_the_eighteenth_birthday() -> None:
    born = np.array([minutes_of(d) for d in ("2008-02-29", "2010-12-31", "2009-06-01")])
    assert [str(d.date()) for d in to_dates(eighteenth_birthday(born))] == ["2026-03-01", "2028-12-31", "2027-06-01"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2000), st.integers(1, 500), st.integers(-1, 30)),
        max_size=12,
    )
)
def test_nobody_goes_while_away_and_nothing_outlives_what_brought_it(rows: list[tuple[int, int, int, int]]) -> None:
    # A parent is an earlier absence of the same child, as the simulation draws them.
    begun: list[tuple[int, int, int, int]] = []
    for child, begin, length, wish in rows:
        earlier = [i for i, (c, b, f, _) in enumerate(begun) if c == child and f < begin]
        begun.append((child, begin, begin + length, earlier[wish % len(earlier)] if earlier and wish >= 0 else -1))
    child, begin, finish, parent = (np.array([r[k] for r in begun], dtype=np.int64) for k in range(4))

    kept: list[int] = []
    for i in sorted(range(len(begun)), key=lambda i: (begun[i][0], begun[i][1], i)):
        mine = [j for j in kept if begun[j][0] == begun[i][0]]
        free = all(begun[i][1] >= begun[j][2] + p.MIN_GAP_MINUTES for j in mine)
        if free and (begun[i][3] < 0 or begun[i][3] in kept):
            kept.append(i)
    assert _never_while_away(child, begin.astype(float), finish.astype(float), parent).tolist() == kept


def test_children_go_at_their_rate_and_each_absence_brings_a_fifth_of_another() -> None:
    n, start, end = 20_000, minutes_of("2025-01-01"), minutes_of("2026-01-01")
    children = Children(
        rate=np.full(n, 0.5),
        z=np.zeros(n),
        type=np.full(n, TYPES.index("social_late")),
        in_care=np.zeros(n, bool),
        residential=np.arange(n) % 2 == 0,
        born=np.full(n, minutes_of("2009-06-30")),  # 15 in the first half of the year, 16 in the second
        active_from=np.full(n, -np.inf),
        active_until=np.full(n, np.inf),
        moved=np.zeros(n, bool),
        drawn_in=np.zeros(n, bool),
    )
    events = simulate(np.random.default_rng(8), children, start, end)
    weight = (p.AGE_WEIGHTS[15 - p.MIN_AGE] + p.AGE_WEIGHTS[16 - p.MIN_AGE]) / 2
    assert (~events.is_boost).sum() / n == pytest.approx(0.5 * weight, abs=0.02)
    # 0.2 directly, 0.04 through those, and so on.
    assert events.is_boost.sum() / (~events.is_boost).sum() == pytest.approx(0.2 / 0.8, abs=0.02)
    # With two absences, the second of them brought and the first early in the year, nothing came between.
    two = np.flatnonzero(np.bincount(events.child, minlength=n)[events.child] == 2)
    first, second = two[::2], two[1::2]
    chosen = ~events.is_boost[first] & events.is_boost[second] & (events.start[first] < minutes_of("2025-07-01"))
    days = (events.start[second] - events.end[first])[chosen] / p.MINUTES_PER_DAY
    assert np.median(days) == pytest.approx(14 * np.log(2), abs=0.7)
    assert ((events.start >= start) & (events.start < end)).all()


@pytest.mark.parametrize(
    ("child", "moment", "spell"),
    [
        (4, 99.0, -1),  # before coming into care
        (4, 100.0, 0),  # the first day counts
        (4, 150.0, 1),  # the day of a move belongs to the new placement
        (4, 1e9, 1),  # still there
        (5, 150.0, -1),  # never in care
        (7, 110.0, 2),
        (7, 120.0, -1),  # left
        (0, 110.0, -1),
    ],
)
def test_the_placement_at_a_moment(child: int, moment: float, spell: int) -> None:
    three = Spells(
        child=np.array([4, 4, 7]),
        start=np.array([100.0, 150.0, 100.0]),
        end=np.array([150.0, np.inf, 120.0]),
        placement_type=["foster"] * 3,
        provider=["PR1"] * 3,
        home_id=["F1000"] * 3,
        legal_status=["C2"] * 3,
        in_area=[True] * 3,
        miles=[1.0] * 3,
    )
    assert spell_at(three, np.array([child]), np.array([moment])).tolist() == [spell]


def test_without_placements_nobody_is_in_care() -> None:
    none = Spells(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), [], [], [], [], [], [])
    assert spell_at(none, np.array([0, 1]), np.array([5.0, 6.0])).tolist() == [-1, -1]


# --- Triggers and words


def test_types_name_codes_of_the_codebook_and_shares_add_up() -> None:
    codes = set(read_codebook().codes)
    assert {c for mix in p.TYPE_TRIGGERS.values() for c in mix} | set(p.BASE_TRIGGERS) <= codes
    assert set(p.TYPE_TRIGGERS) == set(p.TYPE_SHARES) == set(p.DURATIONS) == set(TYPES)
    for place in (0, 1):
        assert sum(s[place] for s in p.TYPE_SHARES.values()) == pytest.approx(1.0)
    for shares in (*p.DURATIONS.values(), p.ETHNICITIES.values(), p.CARE_STATUS_OTHERS.values()):
        assert sum(shares) == pytest.approx(1.0)


def test_care_triggers_need_a_placement_and_home_triggers_fade_in_one() -> None:
    home, care = trigger_chances()
    codes = read_codebook().codes
    of_care = [i for i, c in enumerate(codes) if c.startswith("care_")]
    of_home = [i for i, c in enumerate(codes) if c.startswith("home_")]
    assert (home[:, of_care] == 0).all()
    assert (care[:, of_care] > 0).all()
    np.testing.assert_allclose(care[:, of_home], home[:, of_home] * p.HOME_CODES_IN_CARE)


def test_there_are_words_for_every_code_and_they_name_no_one() -> None:
    book = phrases()
    codes = read_codebook().codes
    assert set(book["present"]) == set(codes)
    assert set(book["denied"]) | set(book["hedged"]) <= set(codes)
    sentences = [s for part in ("opening", "closing", "where") for s in book[part]]
    sentences += [s for part in ("present", "denied", "hedged") for many in book[part].values() for s in many]
    assert len(set(sentences)) == len(sentences)
    assert all(s.endswith(".") for s in sentences)
    # A capital inside a sentence would be a name; "I" does not occur, as all is reported speech.
    assert [s for s in sentences if any(w[0].isupper() for w in s[:-1].replace(". ", " ").split()[1:])] == []


def test_an_account_says_what_it_is_said_to_say() -> None:
    rng = np.random.default_rng(5)
    book = phrases()
    seen = set()
    for _ in range(300):
        account, mentions = write_account(rng, ["exploitation_sexual", "people_friends"])
        assert [m[0] for m in mentions[:2]] == ["exploitation_sexual", "people_friends"]
        assert len({m[0] for m in mentions}) == len(mentions)
        for code, status in mentions:
            part = {"present": "present", "suspected": "hedged", "denied": "denied"}[status]
            assert any(sentence in account for sentence in book[part][code])
            seen.add((status, code in ("exploitation_sexual", "people_friends")))
    assert seen == {("present", True), ("suspected", True), ("suspected", False), ("denied", False)}


def test_an_account_of_no_trigger_still_reads() -> None:
    account, mentions = write_account(np.random.default_rng(1), [])
    assert account.endswith(".")
    assert all(status != "present" for _, status in mentions)


def test_every_place_has_a_code() -> None:
    assert {place_code(kind, share) for kind in PLACES for share in (0.0, 0.3, 0.5, 0.999)} == {
        code for codes in PLACES.values() for code in codes
    }
