"""Gap times and the counting process: the rules as tables, the edges, and what must add up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.episodes import build_episodes, gap_times, to_counting_process
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.schema import LONDON

UNTIL = "2026-01-31"


def episodes(text: str) -> pd.DataFrame:
    """One episode a line: child, from, to ("-" = none). A bare date is a day record."""
    rows = []
    for line in text.strip().splitlines():
        child, start, end = [part.strip() for part in line.split("|")]
        rows.append(
            {
                "child_id": child,
                "missing_from": f"2026-{start}",
                "returned_at": None if end == "-" else f"2026-{end}",
                "precision": "minute" if ":" in start else "day",
            }
        )
    return pd.DataFrame(rows)


def spells(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return [(r.child_id, round(r.start, 4), round(r.stop, 4), r.event, r.episode_no) for r in frame.itertuples()]


STORY = """
    A | 01-05 12:00 | 01-06 00:00
    A | 01-08 12:00 | 01-09 12:00
    A | 01-09 12:00 | 01-10 00:00
    B | 01-05 12:00 | -
    C | 01-05 12:00 | -
    C | 01-11 00:00 | 01-12 00:00
    D | 02-03 12:00 | 02-04 12:00
    E | 01-31 12:00 | 02-01 12:00
"""


def test_each_return_has_one_gap_to_the_next_start_or_to_the_end_of_observation() -> None:
    gaps = gap_times(episodes(STORY), observed_until=UNTIL)
    assert [tuple(r) for r in gaps[["child_id", "episode_no", "gap_days", "event"]].itertuples(index=False)] == [
        ("A", 1, 2.5, 1),
        ("A", 2, 0.0, 1),
        ("A", 3, 22.0, 0),
        ("C", 2, 20.0, 0),
    ]
    assert gaps["ended_by"].tolist() == ["episode", "episode", "end_of_data", "end_of_data"]
    assert {name: n for name, n in gaps.attrs["accounting"].items() if n} == {
        "n_episodes": 8,
        "n_gaps": 4,
        "n_open": 2,
        "n_end_not_recorded": 1,
        "n_after_end": 1,
        "n_ended_by_episode": 2,
        "n_ended_by_end_of_data": 2,
        "n_zero_gaps": 1,
        "n_same_day": 1,
    }


def test_dates_only_give_whole_days_and_keep_same_day_repeats() -> None:
    table = episodes("A | 03-27 | 03-28\nA | 03-28 | 03-28\nA | 03-31 | 04-01")
    gaps = gap_times(table, observed_until="2026-04-10")
    assert gaps["gap_days"].tolist() == [0.0, 3.0, 10.0]  # the night of 28 March is an hour short


def test_follow_up_ends_with_the_childs_own_observation() -> None:
    children = pd.DataFrame({"child_id": ["A"], "observed_until": ["2026-01-08"]})
    gaps = gap_times(episodes(STORY), observed_until=UNTIL, children=children)
    assert gaps.loc[gaps["child_id"] == "A", ["gap_days", "event"]].to_numpy().tolist() == [[2.0, 0.0]]


def test_a_gap_over_the_clock_change_is_elapsed_time() -> None:
    table = episodes("A | 10-24 10:00 | 10-24 12:00\nA | 10-25 12:00 | 10-25 13:00")
    gaps = gap_times(table, observed_until="2026-10-26")
    assert gaps["gap_days"].iloc[0] * 24 == pytest.approx(25, abs=1e-12)


def test_gaps_of_built_episodes_are_those_of_the_episodes_table() -> None:
    built = build_episodes(episodes(STORY), observed_until=UNTIL)
    gaps = gap_times(built.iloc[::-1], observed_until=UNTIL)
    assert gaps["episode_id"].tolist() == ["E-A/1", "E-A/2", "E-C/2"]  # two that touch are one
    assert gaps["gap_days"].tolist()[0] == built["gap_days"].iloc[1] == 2.5


def test_overlapping_episodes_are_refused() -> None:
    with pytest.raises(TableRefused, match="overlap .sorted, at position 1.; build_episodes"):
        gap_times(episodes("A | 01-05 12:00 | 01-06 00:00\nA | 01-05 13:00 | -"), observed_until=UNTIL)
    with pytest.raises(TableRefused, match="overlap"):
        gap_times(episodes("A | 01-05 | 01-08\nA | 01-07 12:00 | -"), observed_until=UNTIL)


def test_spells_run_from_return_to_next_start_and_leave_out_the_time_missing() -> None:
    intervals = to_counting_process(episodes(STORY), observed_until=UNTIL)
    assert spells(intervals) == [
        ("A", 0.0, 2.5, 1, 2),
        ("A", 3.5, 3.5007, 1, 3),  # gone again at once: one minute, not dropped
        ("A", 4.0, 26.0, 0, 4),
        ("C", 0.0, 20.0, 0, 3),
    ]
    accounting = intervals.attrs["accounting"]
    assert accounting["n_zero_length"] == 1
    assert accounting["n_children"] == 2
    parts = ("events", "before_entry", "start_unknown", "without_origin", "after_end")
    assert [accounting[f"n_{p}"] for p in parts] == [2, 3, 0, 2, 1]
    assert accounting["n_episodes"] == 8


def test_time_since_observation_began_holds_the_first_episode_and_children_without_one() -> None:
    children = pd.DataFrame(
        {
            "child_id": ["A", "C", "N", "X"],
            "observed_from": ["2026-01-01", "2026-01-06", "2026-01-21", None],
        }
    )
    intervals = to_counting_process(episodes(STORY), children, observed_until=UNTIL, origin="observed_from")
    assert spells(intervals) == [
        ("A", 0.0, 4.5, 1, 1),
        ("A", 5.0, 7.5, 1, 2),
        ("A", 8.5, 8.5007, 1, 3),
        ("A", 9.0, 31.0, 0, 4),
        ("C", 6.0, 26.0, 0, 3),  # what led up to episode 2 is unknown: no return from episode 1 is recorded
        ("N", 0.0, 11.0, 0, 1),
    ]
    counts = intervals.attrs["accounting"]
    assert (counts["n_before_entry"], counts["n_start_unknown"], counts["n_without_origin"]) == (1, 1, 2)


def test_a_late_start_of_observation_delays_entry() -> None:
    children = pd.DataFrame({"child_id": ["A"], "observed_from": ["2026-01-07"], "observed_until": ["2026-01-20"]})
    intervals = to_counting_process(episodes(STORY), children, observed_until=UNTIL)
    assert spells(intervals)[:3] == [("A", 1.0, 2.5, 1, 2), ("A", 3.5, 3.5007, 1, 3), ("A", 4.0, 14.0, 0, 4)]


def test_with_the_birthday_as_origin_time_is_age() -> None:
    children = pd.DataFrame(
        {
            "child_id": ["A", "C", "N"],
            "birth_month": ["2012-01-01", "2012-01-01", None],
            "observed_from": [None, "2026-01-01", "2026-01-01"],
        }
    )
    intervals = to_counting_process(episodes(STORY), children, observed_until=UNTIL, origin="birthday")
    born = (pd.Timestamp("2026-01-01") - pd.Timestamp("2012-01-01")).days
    found = [(child, round(a - born, 4), round(b - born, 4), e, k) for child, a, b, e, k in spells(intervals)]
    assert found == [
        ("A", 5.0, 7.5, 1, 2),  # enters at the first return: nothing says since when the child was observed
        ("A", 8.5, 8.5007, 1, 3),
        ("A", 9.0, 31.0, 0, 4),
        ("C", 0.0, 4.5, 1, 1),
        ("C", 11.0, 31.0, 0, 3),
    ]


def test_same_day_repeats_by_date_do_not_make_spells_overlap() -> None:
    table = episodes("A | 01-05 | 01-06\nA | 01-06 | 01-06\nA | 01-06 | 01-06\nA | 01-06 | 01-08")
    intervals = to_counting_process(table, observed_until=UNTIL)
    minute = 1 / 1440
    assert intervals["start"].tolist() == pytest.approx([0, minute, 2 * minute, 2.0])
    assert intervals["stop"].tolist() == pytest.approx([minute, 2 * minute, 3 * minute, 26.0])
    assert intervals.attrs["accounting"]["n_zero_length"] == 3


def test_a_start_by_date_after_a_return_by_time_of_that_date_keeps_its_place() -> None:
    table = episodes("A | 01-05 12:00 | 01-06 12:00\nA | 01-08 12:00 | 01-09 14:00\nA | 01-09 | 01-09")
    intervals = to_counting_process(table, observed_until=UNTIL)
    assert spells(intervals) == [
        ("A", 0.0, 2.0, 1, 2),
        ("A", 3.0833, 3.084, 1, 3),  # back at 14:00 on the 9th, and recorded as gone again on the 9th
        ("A", 3.084, 26.0, 0, 4),
    ]


def test_an_origin_that_is_not_known_or_lacks_its_table_is_refused() -> None:
    with pytest.raises(ArgumentRefused, match="must be one of.*Did you mean 'birthday'"):
        to_counting_process(episodes(STORY), observed_until=UNTIL, origin="birthdays")
    with pytest.raises(ArgumentRefused, match="'observed_from' needs the children table"):
        to_counting_process(episodes(STORY), observed_until=UNTIL, origin="observed_from")


def test_no_episodes_give_no_gaps_and_no_spells() -> None:
    none = episodes("A | 01-05 12:00 | -")[:0]
    assert len(gap_times(none, observed_until=UNTIL)) == 0
    assert len(to_counting_process(none, observed_until=UNTIL)) == 0
    children = pd.DataFrame({"child_id": ["A"], "observed_from": ["2026-01-01"]})
    intervals = to_counting_process(none, children, observed_until=UNTIL, origin="observed_from")
    assert spells(intervals) == [("A", 0.0, 31.0, 0, 1)]


def test_the_input_is_not_modified() -> None:
    table, children = episodes(STORY), pd.DataFrame({"child_id": ["A"], "observed_from": ["2026-01-01"]})
    before, before_children = table.copy(deep=True), children.copy(deep=True)
    gap_times(table, observed_until=UNTIL, children=children)
    to_counting_process(table, children, observed_until=UNTIL, origin="observed_from")
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(children, before_children)


BASE = pd.Timestamp("2026-01-01", tz=LONDON)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 60), st.integers(0, 9), st.booleans()), max_size=12),
    st.integers(20, 70),
)
def test_gaps_and_spells_tell_the_same_story(spans: list[tuple[str, int, int, bool]], until: int) -> None:
    frame = pd.DataFrame(
        {
            "child_id": pd.Series([s[0] for s in spans], dtype=object),
            "missing_from": [BASE + pd.Timedelta(hours=5 * s[1]) for s in spans],
            "returned_at": [BASE + pd.Timedelta(hours=5 * s[1] + s[2]) if s[2] < 9 else pd.NaT for s in spans],
            "precision": ["day" if s[3] else "minute" for s in spans],
        }
    )
    end = BASE + pd.Timedelta(hours=5 * until)
    built = build_episodes(frame, observed_until=end)
    gaps = gap_times(built, observed_until=end)
    counted = gaps.attrs["accounting"]
    assert counted["n_episodes"] == len(built)
    assert len(built) == sum(counted[f"n_{k}"] for k in ("gaps", "open", "end_not_recorded", "after_end"))
    assert (gaps["gap_days"] >= 0).all()
    followers = built["gap_days"].dropna().tolist()
    assert gaps.loc[gaps["event"] == 1, "gap_days"].tolist() == pytest.approx(followers, abs=1e-9)

    intervals = to_counting_process(built, observed_until=end)
    assert int(intervals["event"].sum()) == int(gaps["event"].sum())
    assert (intervals["stop"] > intervals["start"]).all()
    inside = intervals["child_id"].eq(intervals["child_id"].shift())
    assert (intervals["start"] >= intervals["stop"].shift())[inside].all()
    accounting = intervals.attrs["accounting"]
    parts = ("events", "before_entry", "start_unknown", "without_origin", "after_end")
    assert accounting["n_episodes"] == sum(accounting[f"n_{p}"] for p in parts)
