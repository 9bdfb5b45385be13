"""Incidents become episodes: the rules as tables, the edges, and a slow plain twin."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.episodes import build_episodes, to_counting_process
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.schema import LONDON

UNTIL = "2026-01-31"


def incidents(text: str) -> pd.DataFrame:
    """One incident a line: id, child, from, to ("-" = no return), then name=value. A bare date is a day record."""
    rows = []
    for line in text.strip().splitlines():
        ref, child, start, end, *more = [part.strip() for part in line.split("|")]
        row = {
            "incident_id": ref,
            "child_id": child,
            "missing_from": _stamp(start),
            "returned_at": None if end == "-" else _stamp(end),
            "precision": "minute" if ":" in start else "day",
            **dict(part.split("=") for part in more),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _stamp(text: str) -> str:
    return f"2026-{text.replace(' ', 'T')}" if len(text) in (5, 11) else text.replace(" ", "T")


def shown(episodes: pd.DataFrame) -> list[str]:
    """One episode a line: incidents, from, to."""
    lines = []
    for row in episodes.itertuples():
        how = "%m-%d %H:%M"
        end = "open" if row.is_open else "?" if pd.isna(row.returned_at) else row.returned_at.strftime(how)
        lines.append(f"{'+'.join(row.incident_ids)}: {row.missing_from.strftime(how)} to {end} ({row.precision})")
    return lines


def built(text: str, **options: object) -> list[str]:
    return shown(build_episodes(incidents(text), observed_until=UNTIL, **options))


@pytest.mark.parametrize(
    ("second", "joined"),
    [
        ("01-05 21:00 | 01-05 23:00", True),  # the same twice: police and carer
        ("01-05 22:00 | 01-05 22:30", True),  # nested
        ("01-05 22:30 | 01-06 01:00", True),  # overlapping
        ("01-05 23:00 | 01-06 01:00", True),  # touching
        ("01-05 23:01 | 01-06 01:00", False),  # a minute apart
    ],
)
def test_incidents_that_overlap_nest_or_touch_are_one_episode(second: str, joined: bool) -> None:
    text = f"a | A | 01-05 21:00 | 01-05 23:00\nb | A | {second}"
    assert len(built(text)) == (1 if joined else 2)


def test_the_gap_is_inclusive_and_the_clock_restarts_with_each_incident() -> None:
    text = """
        a | A | 01-05 21:00 | 01-05 22:00
        b | A | 01-05 22:30 | 01-05 23:00
        c | A | 01-05 23:30 | 01-06 01:00
        d | A | 01-06 01:31 | 01-06 02:00
        e | B | 01-05 22:10 | 01-05 22:20
    """
    assert built(text, merge_gap="30min") == [
        "a+b+c: 01-05 21:00 to 01-06 01:00 (minute)",
        "d: 01-06 01:31 to 01-06 02:00 (minute)",
        "e: 01-05 22:10 to 01-05 22:20 (minute)",
    ]
    assert len(built(text, merge_gap=pd.Timedelta(minutes=29))) == 5


def test_the_end_is_the_latest_end_even_when_an_earlier_incident_holds_it() -> None:
    text = """
        a | A | 01-05 21:00 | 01-07 22:00
        b | A | 01-06 10:00 | 01-06 11:00
        c | A | 01-07 20:00 | 01-07 21:00
    """
    assert built(text) == ["a+b+c: 01-05 21:00 to 01-07 22:00 (minute)"]


def test_an_incident_without_a_return_is_open_only_if_nothing_follows() -> None:
    episodes = build_episodes(
        incidents("""
            a | A | 01-05 21:00 | -
            b | A | 01-09 21:00 | 01-09 23:00
            c | A | 01-20 21:00 | -
        """),
        observed_until=UNTIL,
    )
    assert shown(episodes) == [
        "a: 01-05 21:00 to ? (minute)",
        "b: 01-09 21:00 to 01-09 23:00 (minute)",
        "c: 01-20 21:00 to open (minute)",
    ]
    assert episodes["duration_hours"].fillna(-1).tolist() == [-1.0, 2.0, -1.0]
    assert episodes["gap_days"].fillna(-1).round(4).tolist() == [-1.0, -1.0, 10.9167]
    assert episodes.attrs["accounting"]["n_end_not_recorded"] == 1
    assert episodes.attrs["accounting"]["n_open"] == 1


def test_a_record_within_a_day_of_one_without_a_return_is_the_same_absence() -> None:
    assert built("a | A | 01-05 21:00 | -\nb | A | 01-06 21:00 | 01-06 23:00") == [
        "a+b: 01-05 21:00 to 01-06 23:00 (minute)"
    ]
    assert built("a | A | 01-05 21:00 | -\nb | A | 01-06 21:01 | 01-06 23:00") == [
        "a: 01-05 21:00 to ? (minute)",
        "b: 01-06 21:01 to 01-06 23:00 (minute)",
    ]
    accounting = build_episodes(
        incidents("a | A | 01-05 21:00 | -\nb | A | 01-06 03:00 | -\nc | A | 01-06 23:00 | -"), observed_until=UNTIL
    ).attrs["accounting"]
    assert (accounting["n_started_while_open"], accounting["n_open"], accounting["n_episodes"]) == (2, 1, 1)


def test_a_record_without_a_return_inside_one_that_has_it_takes_that_end() -> None:
    text = "a | A | 01-05 21:00 | 01-06 01:00\nb | A | 01-05 22:00 | -\nc | A | 01-06 10:00 | 01-06 11:00"
    assert built(text) == ["a+b: 01-05 21:00 to 01-06 01:00 (minute)", "c: 01-06 10:00 to 01-06 11:00 (minute)"]


def test_what_happens_at_or_after_the_end_of_observation_is_not_known_yet() -> None:
    table = incidents("""
        a | A | 01-31 21:00 | 02-01 00:00
        b | B | 01-31 21:00 | 01-31 23:59
        c | B | 02-01 00:00 | 02-01 01:00
        d | C | 02-03 00:00 | -
        e | D | 01-31 | 02-01
    """)
    episodes = build_episodes(table, observed_until=dt.date(2026, 1, 31))
    assert shown(episodes) == [
        "a: 01-31 21:00 to open (minute)",
        "b: 01-31 21:00 to 01-31 23:59 (minute)",
        "e: 01-31 00:00 to open (day)",
    ]
    assert {name: n for name, n in episodes.attrs["accounting"].items() if n} == {
        "n_incidents": 5,
        "n_after_end": 2,
        "n_episodes": 3,
        "n_open": 2,
        "n_returned_after_end": 2,
        "n_day_precision": 1,
    }


def test_a_childs_own_end_of_observation_counts() -> None:
    table = incidents("a | A | 01-05 21:00 | 01-06 01:00\nb | A | 01-20 21:00 | 01-20 22:00\nc | B | 01-20 21:00 | -")
    children = pd.DataFrame({"child_id": ["A", "Z"], "observed_until": ["2026-01-06", None]})
    episodes = build_episodes(table, observed_until=UNTIL, children=children)
    assert shown(episodes) == ["a: 01-05 21:00 to open (minute)", "c: 01-20 21:00 to open (minute)"]
    assert episodes.attrs["accounting"]["n_after_exit"] == 1


def test_dates_of_another_source_join_the_episode_with_times_and_its_times_stand() -> None:
    text = """
        t1 | A | 01-05 21:00 | 01-06 01:00 | source=tracker
        s1 | A | 01-05 | 01-06 | source=ssda903
        q1 | A | 01-05 | 01-06 | source=ssd
        s2 | A | 01-10 | 01-12 | source=ssda903
        t3 | A | 01-20 09:00 | -
        s3 | A | 01-20 | -
    """
    assert built(text) == [
        "t1+q1+s1: 01-05 21:00 to 01-06 01:00 (minute)",
        "s2: 01-10 00:00 to 01-12 00:00 (day)",
        "t3+s3: 01-20 09:00 to open (minute)",
    ]


def test_the_second_pair_of_dates_of_one_source_is_the_second_episode_of_those_dates() -> None:
    text = """
        t1 | A | 01-05 10:00 | 01-05 11:00 | source=tracker
        t2 | A | 01-05 15:00 | 01-05 16:00 | source=tracker
        s1 | A | 01-05 | 01-05 | source=ssda903
        s2 | A | 01-05 | 01-05 | source=ssda903
        s3 | A | 01-05 | 01-05 | source=ssda903
        q1 | A | 01-05 | 01-05 | source=ssd
    """
    assert built(text) == [
        "t1+q1+s1: 01-05 10:00 to 01-05 11:00 (minute)",
        "t2+s2: 01-05 15:00 to 01-05 16:00 (minute)",
        "s3: 01-05 00:00 to 01-05 00:00 (day)",
    ]


def test_dates_that_share_more_than_an_edge_day_join_and_extend_only_beyond() -> None:
    inside = "t | A | 01-05 21:00 | 01-08 01:00\ns | A | 01-06 | 01-06"
    assert built(inside) == ["t+s: 01-05 21:00 to 01-08 01:00 (minute)"]
    beyond = "t | A | 01-05 21:00 | 01-08 01:00\ns | A | 01-05 | 01-10"
    assert built(beyond) == ["t+s: 01-05 21:00 to 01-10 00:00 (day)"]
    before = "t | A | 01-05 21:00 | 01-08 01:00\ns | A | 01-04 | 01-07"
    assert built(before) == ["s+t: 01-04 00:00 to 01-08 01:00 (day)"]
    edge = "t | A | 01-05 21:00 | 01-08 01:00\ns | A | 01-08 | 01-10"
    assert built(edge) == ["t: 01-05 21:00 to 01-08 01:00 (minute)", "s: 01-08 00:00 to 01-10 00:00 (day)"]


def test_records_by_date_join_each_other_only_where_they_strictly_overlap() -> None:
    text = """
        a | A | 01-05 | 01-08
        b | A | 01-07 | 01-09
        c | A | 01-09 | 01-09
        d | A | 01-09 | 01-12
        e | B | 01-05 | 01-09
        f | B | 01-07 | 01-07
    """
    episodes = build_episodes(incidents(text), merge_gap="48h", observed_until=UNTIL)
    assert shown(episodes) == [
        "a+b: 01-05 00:00 to 01-09 00:00 (day)",
        "c: 01-09 00:00 to 01-09 00:00 (day)",
        "d: 01-09 00:00 to 01-12 00:00 (day)",
        "e+f: 01-05 00:00 to 01-09 00:00 (day)",
    ]
    assert episodes["gap_days"].fillna(-1).tolist() == [-1, 0, 0, -1]
    assert episodes["duration_hours"].tolist() == [96, 0, 72, 96]
    assert episodes["episode_no"].tolist() == [1, 2, 3, 1]
    assert episodes.attrs["accounting"]["n_same_day_restart"] == 2


def test_one_side_without_an_end_is_matched_by_its_start_date() -> None:
    assert built("t | A | 01-05 21:00 | 01-05 23:00\ns | A | 01-05 | -") == ["t+s: 01-05 21:00 to 01-05 23:00 (minute)"]
    assert built("t | A | 01-05 21:00 | -\ns | A | 01-05 | 01-07") == ["t+s: 01-05 21:00 to 01-07 00:00 (day)"]
    same_day = build_episodes(incidents("t | A | 01-05 21:00 | -\ns | A | 01-05 | 01-05"), observed_until=UNTIL)
    assert shown(same_day) == ["t+s: 01-05 21:00 to 01-05 21:00 (day)"]
    assert same_day["duration_hours"].tolist() == [0.0]


def test_a_record_by_date_without_an_end_hides_no_later_episode() -> None:
    text = "s | A | 01-05 | -\nr | A | 01-09 | 01-10\nt | B | 01-05 10:00 | -\nu | B | 01-06 | 01-08"
    assert built(text) == [
        "s: 01-05 00:00 to ? (day)",
        "r: 01-09 00:00 to 01-10 00:00 (day)",
        "t+u: 01-05 10:00 to 01-08 00:00 (day)",
    ]


def test_a_long_record_by_date_joins_the_episodes_that_it_covers() -> None:
    text = "t | A | 01-05 21:00 | 01-06 01:00\nu | A | 01-08 21:00 | 01-09 01:00\ns | A | 01-05 | 01-09"
    assert built(text) == ["t+s+u: 01-05 21:00 to 01-09 01:00 (minute)"]


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-28 22:00", "2026-03-29 06:00", 7.0),  # clocks go forward
        ("2026-10-24 22:00", "2026-10-25 06:00", 9.0),  # clocks go back
        ("2026-10-25 01:30", "2026-10-25 01:30", 0.0),
    ],
)
def test_a_night_over_a_clock_change_is_measured_in_elapsed_hours(start: str, end: str, hours: float) -> None:
    episodes = build_episodes(incidents(f"a | A | {start} | {end}"), observed_until="2026-12-31")
    assert episodes["duration_hours"].tolist() == [hours]


def test_twenty_five_hours_of_one_date_keep_their_order() -> None:
    day = pd.Timestamp("2026-10-25", tz=LONDON)
    table = pd.DataFrame(
        {
            "incident_id": ["a", "b"],
            "child_id": "A",
            "missing_from": [day, day + pd.Timedelta(hours=24, minutes=30)],
            "returned_at": [pd.NaT, day + pd.Timedelta(hours=24, minutes=40)],
        }
    )
    assert shown(build_episodes(table, observed_until="2026-10-31")) == [
        "a: 10-25 00:00 to ? (minute)",
        "b: 10-25 23:30 to 10-25 23:40 (minute)",
    ]


def test_settings_are_those_at_the_start_and_the_category_is_the_most_serious() -> None:
    episodes = build_episodes(
        incidents("""
            a | A | 01-05 21:00 | 01-06 03:00 | category=away | home_id=H1 | returned_by=police
            b | A | 01-05 22:00 | 01-06 01:00 | category=missing | home_id=H2 | risk_level=high | returned_by=self
            c | A | 01-09 21:00 | -           | category=no_apparent_risk | returned_by=carer
            d | B | 01-09 21:00 | 01-09 22:00 | in_area=true
        """).assign(in_area=[None, None, None, True]),
        observed_until=UNTIL,
    )
    assert episodes["category"].tolist()[:2] == ["missing", "no_apparent_risk"]
    assert episodes["category"].isna().tolist() == [False, False, True]
    assert episodes["home_id"].fillna("-").tolist() == ["H1", "-", "-"]
    assert episodes["risk_level"].fillna("-").tolist() == ["high", "-", "-"]
    assert episodes["returned_by"].fillna("-").tolist() == ["police", "-", "-"]
    assert episodes["in_area"].isna().tolist() == [True, True, False]
    assert episodes["n_incidents"].tolist() == [2, 1, 1]
    assert episodes["episode_id"].tolist() == ["E-a", "E-c", "E-d"]


def test_records_of_one_absence_are_one_episode_that_spans_them_all() -> None:
    episodes = build_episodes(
        incidents("""
            t1 | A | 01-05 21:00 | 01-05 23:00 | absence_id=x
            p1 | A | 01-06 02:00 | 01-06 03:00 | absence_id=x
            s1 | A | 01-06 00:30 | 01-06 01:00
            t2 | A | 01-09 21:00 | -           | absence_id=y
            p2 | A | 01-09 20:00 | 01-12 10:00 | absence_id=y
            t3 | A | 01-20 21:00 | -           | absence_id=z
            p3 | A | 01-20 20:00 | -           | absence_id=z
            b1 | B | 01-06 00:30 | 01-06 01:00 | absence_id=x
        """),
        observed_until=UNTIL,
    )
    assert shown(episodes) == [
        "t1+s1+p1: 01-05 21:00 to 01-06 03:00 (minute)",
        "p2+t2: 01-09 20:00 to 01-12 10:00 (minute)",
        "p3+t3: 01-20 20:00 to open (minute)",
        "b1: 01-06 00:30 to 01-06 01:00 (minute)",
    ]
    told = episodes.attrs["accounting"]
    assert told["n_same_absence"] == 3
    assert told["n_joined"] == 4
    assert told["n_incidents"] == told["n_joined"] + told["n_after_end"] + told["n_after_exit"] + told["n_episodes"]


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        ("01-05 | 01-06", "01-05 21:00 to 01-06 01:00 (minute)"),  # the same dates: the times stand
        ("01-06 | 01-06", "01-05 21:00 to 01-06 01:00 (minute)"),
        ("01-05 | -", "01-05 21:00 to 01-06 01:00 (minute)"),
        ("01-07 | 01-08", "01-05 21:00 to 01-08 00:00 (day)"),  # later, and nowhere the same
        ("01-03 | 01-04", "01-03 00:00 to 01-06 01:00 (day)"),
        ("01-03 | 01-08", "01-03 00:00 to 01-08 00:00 (day)"),
    ],
)
def test_dates_of_one_absence_join_its_times_and_extend_them_only_beyond(dates: str, told: str) -> None:
    text = f"t | A | 01-05 21:00 | 01-06 01:00 | absence_id=x\ns | A | {dates} | absence_id=x"
    assert [line.split(": ", 1)[1] for line in built(text)] == [told]


def test_an_open_record_of_an_absence_takes_the_date_of_the_other() -> None:
    text = "t | A | 01-05 21:00 | - | absence_id=x\ns | A | 01-05 | 01-07 | absence_id=x"
    assert built(text) == ["t+s: 01-05 21:00 to 01-07 00:00 (day)"]
    later = "t | A | 01-30 21:00 | 01-31 10:00 | absence_id=x\ns | A | 01-30 | 02-02 | absence_id=x"
    assert built(later) == ["t+s: 01-30 21:00 to open (minute)"]


def test_dates_of_one_absence_take_no_place_of_another_with_the_same_dates() -> None:
    text = """
        t1 | A | 01-05 10:00 | 01-05 11:00 | absence_id=x | source=tracker
        t2 | A | 01-05 15:00 | 01-05 16:00 | absence_id=y | source=tracker
        s1 | A | 01-05 | 01-05             | absence_id=y | source=ssda903
        q1 | A | 01-05 | 01-05             | absence_id=x | source=ssd
        q2 | A | 01-05 | 01-05             | source=ssd
    """
    assert built(text) == [
        "t1+q1: 01-05 10:00 to 01-05 11:00 (minute)",
        "t2+s1: 01-05 15:00 to 01-05 16:00 (minute)",
        "q2: 01-05 00:00 to 01-05 00:00 (day)",
    ]


def test_an_absence_of_dates_alone_is_one_episode() -> None:
    text = "s | A | 01-05 | 01-05 | absence_id=x | source=s\nq | A | 01-07 | 01-08 | absence_id=x | source=q"
    assert built(text) == ["s+q: 01-05 00:00 to 01-08 00:00 (day)"]


@pytest.mark.parametrize(
    ("records", "category"),
    [
        ("police=no_apparent_risk ssda903=away", "no_apparent_risk"),  # A may mean no apparent risk
        ("rhi_tracker=no_apparent_risk ssd=away ssda903=away", "no_apparent_risk"),
        ("police=no_apparent_risk rhi_tracker=away", "away"),  # the tracker has a word for both
        ("police=no_apparent_risk rhi_tracker=away ssd=away", "away"),
        ("police=no_apparent_risk ssda903=missing", "missing"),
        ("police=missing ssda903=away", "missing"),
        ("ssd=away", "away"),
        ("ssd=away ssda903=", "away"),
        ("ssd=no_apparent_risk ssda903=away", "no_apparent_risk"),
        ("ssd= ssda903=", None),
    ],
)
def test_the_category_of_an_absence_that_sources_see_differently(records: str, category: str | None) -> None:
    said = dict(part.split("=") for part in records.split())
    table = incidents("\n".join(f"{name} | A | 01-05 21:00 | 01-06 01:00 | source={name}" for name in said))
    table["category"] = [c or None for c in said.values()]
    for these in (table, table.assign(absence_id="x"), table[::-1]):
        found = build_episodes(these, observed_until=UNTIL)["category"].astype(object)
        assert [None if pd.isna(c) else c for c in found] == [category]


def test_only_the_child_and_the_start_are_needed() -> None:
    plain = pd.DataFrame(
        {"child_id": ["B", "A", "A"], "missing_from": ["2026-01-05 21:00", "2026-01-09 21:00", "2026-01-07 21:00"]}
    )
    episodes = build_episodes(plain, observed_until=UNTIL)
    assert episodes["incident_ids"].tolist() == [("A/1",), ("A/2",), ("B/1",)]
    assert shown(build_episodes(plain[::-1], observed_until=UNTIL)) == shown(episodes)


def test_no_incidents_give_no_episodes() -> None:
    episodes = build_episodes(incidents("a | A | 01-05 21:00 | -")[:0], observed_until=UNTIL)
    assert len(episodes) == 0
    assert set(episodes.attrs["accounting"].values()) == {0}


def test_a_return_before_the_start_is_refused_without_its_value() -> None:
    table = incidents("a | SECRET | 01-05 21:00 | 01-05 23:00\nb | SECRET | 01-07 21:00 | 01-06 23:00")
    with pytest.raises(TableRefused, match=r"'returned_at' is before 'missing_from' at position 1$") as caught:
        build_episodes(table, observed_until=UNTIL)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("gap", ["soon", "-1h", None, "NaT"])
def test_a_gap_that_is_no_length_of_time_is_refused(gap: object) -> None:
    with pytest.raises(ArgumentRefused, match="merge_gap must be a length of time"):
        build_episodes(incidents("a | A | 01-05 21:00 | -"), gap, observed_until=UNTIL)


def test_the_input_is_not_modified() -> None:
    table = incidents("b | A | 01-09 21:00 | 01-09 22:00\na | A | 01-05 | -").assign(incident_id=[None, "a"])
    before = table.copy(deep=True)
    build_episodes(table, observed_until=UNTIL)
    pd.testing.assert_frame_equal(table, before)


# --- a slow plain twin -------------------------------------------------------------------------------------------

HOUR = pd.Timedelta(hours=1)
BASE = pd.Timestamp("2026-01-01", tz=LONDON)


@st.composite
def timed_incidents(draw: st.DrawFn) -> pd.DataFrame:
    spans = draw(
        st.lists(
            st.tuples(
                st.sampled_from("AB"), st.integers(0, 40), st.one_of(st.none(), st.integers(0, 12)), st.booleans()
            ),
            min_size=1,
            max_size=12,
        )
    )
    return pd.DataFrame(
        {
            "incident_id": [f"i{k:02}" for k in range(len(spans))],
            "child_id": [s[0] for s in spans],
            "missing_from": pd.Series([BASE + s[1] * 4 * HOUR for s in spans], dtype=f"datetime64[us, {LONDON}]"),
            "returned_at": pd.Series(
                [pd.NaT if s[2] is None else BASE + (s[1] * 4 + s[2]) * HOUR for s in spans],
                dtype=f"datetime64[us, {LONDON}]",
            ),
            "precision": ["day" if s[3] else "minute" for s in spans],
            "source": ["s1" if k % 3 else "s2" for k in range(len(spans))],
        }
    )


def twin(table: pd.DataFrame, gap: pd.Timedelta, until: pd.Timestamp) -> list[tuple[object, ...]]:
    """The rules for incidents with times, one incident after the other."""
    result = []
    for child, part in table.groupby("child_id"):
        groups: list[dict[str, object]] = []
        for row in part.sort_values(["missing_from", "returned_at", "incident_id"]).itertuples():
            if row.missing_from >= until:
                continue
            start, end = row.missing_from, row.returned_at
            if not pd.isna(end) and end >= until:
                end = pd.Timestamp("2200", tz=LONDON)
            now = groups[-1] if groups else None
            joins = now is not None and now["end"] is not None and start <= now["end"] + gap
            if now is not None and not joins and now["dangling"] is not None:
                joins = start - now["dangling"] <= 24 * HOUR
            if not joins:
                now = {"ids": [], "start": start, "end": None, "dangling": None}
                groups.append(now)
            now["ids"].append(row.incident_id)
            if not pd.isna(end):
                now["end"] = end if now["end"] is None else max(now["end"], end)
                now["dangling"] = None
            elif now["end"] is None or start >= now["end"]:
                now["dangling"] = start
        for k, group in enumerate(groups):
            end = group["end"] if group["dangling"] is None else None
            is_open = (end is None and k == len(groups) - 1) or (end is not None and end >= until)
            known = end is not None and end < until
            result.append((child, group["start"], end if known else None, is_open, tuple(group["ids"])))
    return result


@settings(deadline=None, max_examples=25)
@given(timed_incidents(), st.lists(st.sampled_from(("", "", "x", "y")), min_size=12, max_size=12))
def test_absences_stay_whole_and_episodes_apart(table: pd.DataFrame, absences: list[str]) -> None:
    table["absence_id"] = [a or None for a in absences[: len(table)]]
    episodes = build_episodes(table, observed_until="2026-12-31")
    of = {i: e.episode_id for e in episodes.itertuples() for i in e.incident_ids}
    assert sorted(of) == sorted(table["incident_id"])
    shared = table[table["absence_id"].notna()]
    assert (shared.groupby(["child_id", "absence_id"])["incident_id"].agg(lambda g: len({of[i] for i in g})) == 1).all()
    to_counting_process(episodes, observed_until="2026-12-31")  # refuses episodes that overlap
    timed = table["precision"] == "minute"
    for e in episodes.itertuples():
        rows = table[table["incident_id"].isin(e.incident_ids)]
        starts = rows["missing_from"].where(timed, rows["missing_from"].dt.normalize())
        assert e.missing_from.normalize() == starts.min().normalize()
    # Knowing of absences can only join more, unless it tells records apart: dates of two sources that are alike are
    # taken for one absence where nothing is known, and a record that takes its end from another of its absence no
    # longer has to be one with whatever follows it.
    sure = table.assign(precision="minute")[table["returned_at"].notna()]
    known, plain = (build_episodes(t, observed_until="2026-12-31") for t in (sure, sure.drop(columns="absence_id")))
    assert len(known) <= len(plain)


@settings(deadline=None, max_examples=25)
@given(timed_incidents(), st.integers(0, 6), st.integers(10, 45))
def test_episodes_equal_a_slow_plain_twin(table: pd.DataFrame, gap: int, until: int) -> None:
    table = table.assign(precision="minute")
    end = BASE + until * 4 * HOUR
    episodes = build_episodes(table, f"{gap}h", observed_until=end)
    found = [
        (r.child_id, r.missing_from, None if pd.isna(r.returned_at) else r.returned_at, r.is_open, r.incident_ids)
        for r in episodes.itertuples()
    ]
    expected = twin(table, gap * HOUR, end)
    assert [f[:4] for f in found] == [e[:4] for e in expected]
    assert [sorted(f[4]) for f in found] == [sorted(e[4]) for e in expected]


@settings(deadline=None, max_examples=25)
@given(timed_incidents(), st.randoms(use_true_random=False))
def test_with_dates_and_times_mixed_every_incident_is_in_one_episode(table: pd.DataFrame, random: object) -> None:
    end = BASE + 120 * HOUR
    episodes = build_episodes(table, observed_until=end)
    accounting = episodes.attrs["accounting"]
    assert accounting["n_incidents"] == len(table)
    assert len(table) == sum(accounting[f"n_{k}"] for k in ("joined", "after_end", "after_exit", "episodes"))
    used = [i for ids in episodes["incident_ids"] for i in ids]
    days = table["missing_from"].where(table["precision"] == "minute", table["missing_from"].dt.normalize())
    assert sorted(used) == sorted(table["incident_id"][days < end])
    assert not (episodes["gap_days"] < 0).any()
    assert not (episodes["duration_hours"] < 0).any()
    order = list(range(len(table)))
    random.shuffle(order)
    again = build_episodes(table.iloc[order], observed_until=end)
    pd.testing.assert_frame_equal(again, episodes)
    renamed = build_episodes(table.assign(child_id=[f"x{c}" for c in table["child_id"]]), observed_until=end)
    assert shown(renamed) == shown(episodes)
    other = pd.DataFrame({"incident_id": ["z"], "child_id": ["AA"], "missing_from": [BASE]})
    with_other = build_episodes(pd.concat([table, other.astype(table.dtypes[other.columns])]), observed_until=end)
    assert shown(with_other[with_other["child_id"] != "AA"]) == shown(episodes)
