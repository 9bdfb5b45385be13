"""What episodes and time at risk promise, clause by clause: joins counted, who was observed and from when till when.

How incidents join is told in full in ``test_episodes_build.py``, cutting in ``test_episodes_splitting.py``.
"""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.episodes import build_episodes, gap_times, to_counting_process
from missing_patterns.schema import ENDED_BY, LONDON
from missing_patterns.triggers import link_interviews

UNTIL = "2026-11-30"
COLUMNS = ["incident_id", "child_id", "missing_from", "returned_at"]
JOINS = ("overlap", "gap", "open", "same_dates", "dates_to_times", "dates")


def incidents(text: str) -> pd.DataFrame:
    """One incident a line: id, from, to ("-" = none), then name=value; of child A. A bare date is a day record."""
    rows = []
    for line in text.strip().splitlines():
        ref, start, end, *more = [part.strip() for part in line.split("|")]
        row: dict[str, str | None] = {
            "incident_id": ref,
            "child_id": "A",
            "missing_from": f"2026-{start}",
            "returned_at": None if end == "-" else f"2026-{end}",
            "precision": "minute" if ":" in start else "day",
        }
        rows.append({**row, **dict(part.split("=") for part in more)})
    return pd.DataFrame(rows)


def joined(text: str, merge_gap: str = "0h") -> tuple[list[str], dict[str, int]]:
    """The incidents of each episode, and the joins of each kind, without those of which there were none."""
    episodes = build_episodes(incidents(text), merge_gap, observed_until=UNTIL)
    counted = episodes.attrs["accounting"]
    ways = {way: counted[f"n_joined_{way}"] for way in JOINS}
    assert sum(ways.values()) == counted["n_joined"] == counted["n_incidents"] - counted["n_episodes"]
    return ["+".join(ids) for ids in episodes["incident_ids"]], {way: n for way, n in ways.items() if n}


@pytest.mark.parametrize(
    ("second", "merge_gap", "way"),
    [
        ("01-05 22:30 | 01-06 01:00", "0h", "overlap"),
        ("01-05 21:30 | 01-05 22:30", "0h", "overlap"),  # nested
        ("01-05 23:00 | 01-06 01:00", "0h", "overlap"),  # touching
        ("01-05 21:00 | 01-05 23:00", "0h", "overlap"),  # the same twice
        ("01-05 22:00 | -", "0h", "overlap"),  # without an end, inside one that has it
        ("01-05 23:00 | 01-06 01:00", "30min", "overlap"),
        ("01-05 23:01 | 01-06 01:00", "30min", "gap"),
        ("01-05 23:30 | 01-06 01:00", "30min", "gap"),  # inclusive
        ("01-05 | 01-05", "0h", "dates_to_times"),
        ("01-05 | -", "0h", "dates_to_times"),
        ("01-04 | 01-06", "0h", "dates"),  # other dates, which it shares more than an edge day of
    ],
)
def test_each_way_of_joining_is_counted_by_its_name(second: str, merge_gap: str, way: str) -> None:
    episodes, ways = joined(f"a | 01-05 21:00 | 01-05 23:00\nb | {second}", merge_gap)
    assert len(episodes) == 1
    assert ways == {way: 1}


def test_a_record_after_one_without_an_end_and_dates_of_several_sources_are_counted_too() -> None:
    assert joined("a | 01-05 21:00 | -\nb | 01-06 20:00 | 01-06 23:00") == (["a+b"], {"open": 1})
    assert joined("a | 01-05 | 01-08 | source=x\nb | 01-05 | 01-08 | source=y") == (["a+b"], {"same_dates": 1})
    assert joined("a | 01-05 | 01-08\nb | 01-07 | 01-09") == (["a+b"], {"dates": 1})
    everything = """
        a | 01-05 21:00 | 01-06 01:00 | source=x
        b | 01-05 22:00 | 01-06 02:00 | source=x
        c | 01-06 02:20 | 01-06 03:00 | source=x
        d | 01-05       | 01-06       | source=y
        e | 01-05       | 01-06       | source=z
        f | 01-06       | 01-09       | source=y
        g | 01-08       | 01-10       | source=y
        h | 01-20 10:00 | -           | source=x
        i | 01-21 09:00 | 01-21 10:00 | source=x
    """
    assert joined(everything, "20min") == (
        ["a+b+d+e+c", "f+g", "h+i"],
        {"overlap": 1, "gap": 1, "open": 1, "same_dates": 1, "dates_to_times": 1, "dates": 1},
    )


@pytest.mark.parametrize("merge_gap", ["0h", "59min"])
def test_touching_over_a_change_of_the_clock_is_judged_by_elapsed_time(merge_gap: str) -> None:
    # 00:30 is an hour before 02:30 by the clock that went forward at 01:00, and two before 01:30 GMT in October.
    spring = "a | 03-28 21:00 | 03-29T00:30\nb | 03-29T02:30 | 03-29T09:00"
    autumn = "a | 10-24 21:00 | 10-25T00:30+01:00\nb | 10-25T01:30+00:00 | 10-25T09:00"
    assert joined(spring, merge_gap)[0] == ["a", "b"]
    assert joined(spring, "1h") == (["a+b"], {"gap": 1})
    assert joined(autumn, "119min")[0] == ["a", "b"]
    assert joined(autumn, "2h") == (["a+b"], {"gap": 1})


def test_hours_and_gaps_over_both_changes_are_elapsed_time_and_dates_count_days() -> None:
    text = """
        a | 03-28 20:00 | 03-29 08:00
        b | 03-30 08:00 | 03-30 09:00
        c | 10-24 20:00 | 10-25 08:00
        d | 11-02       | 11-03
    """
    episodes = build_episodes(incidents(text), observed_until=UNTIL)
    assert episodes["duration_hours"].tolist() == [11.0, 1.0, 13.0, 24.0]
    assert (episodes["gap_days"][1:] * 24).round(6).tolist() == [24.0, 5003.0, 8 * 24.0]


def test_a_category_that_changes_inside_an_absence_becomes_the_most_serious_and_is_counted() -> None:
    text = """
        a | 01-05 21:00 | 01-06 01:00 | category=away
        b | 01-06 00:00 | 01-07 01:00 | category=missing
        c | 01-09 21:00 | 01-09 22:00 | category=away
        d | 01-09 21:30 | 01-09 23:00
    """
    episodes = build_episodes(incidents(text), observed_until=UNTIL)
    assert episodes["category"].tolist() == ["missing", "away"]
    assert episodes.attrs["accounting"]["n_mixed_category"] == 1  # one that does not record it says nothing else


def test_a_placement_that_moves_during_an_absence_leaves_the_setting_at_its_start() -> None:
    text = """
        a | 01-05 21:00 | 01-08 01:00 | home_id=H1 | placement_type=foster
        b | 01-07 09:00 | 01-08 02:00 | home_id=H2 | placement_type=secure
        c | 01-12 21:00 | 01-12 23:00 | home_id=H2 | placement_type=secure
    """
    episodes = build_episodes(incidents(text), observed_until=UNTIL)
    assert episodes["home_id"].tolist() == ["H1", "H2"]
    assert episodes["placement_type"].tolist() == ["foster", "secure"]
    assert episodes.attrs["accounting"]["n_moved_inside"] == 1
    # Time at risk after the return knows of the move from the placements table.
    moved = pd.DataFrame(
        {
            "child_id": ["A", "A"],
            "started_on": ["2025-12-01", "2026-01-07"],
            "ended_on": ["2026-01-07", None],
            "placement_type": ["foster", "secure"],
        }
    )
    spells = to_counting_process(episodes, observed_until=UNTIL, placements=moved)
    assert spells["placement_type"].tolist() == ["secure", "secure"]
    assert spells["n_moves"].tolist() == [1, 1]


def test_many_interviews_cover_many_incidents_and_every_pair_is_counted() -> None:
    text = """
        a | 01-05 21:00 | 01-06 01:00
        b | 01-05 22:00 | 01-06 02:00
        c | 01-09 21:00 | 01-09 22:00
    """
    episodes = build_episodes(incidents(text), observed_until=UNTIL)
    interviews = pd.DataFrame(
        {
            "interview_id": ["1", "2", "3", "4"],
            "child_id": ["A", "A", "A", "B"],
            "incident_ids": [("a", "c"), ("b",), ("x",), None],
            "held_at": ["2026-01-10 10:00", "2026-01-07 10:00", "2026-01-11 10:00", "2026-01-11 10:00"],
        }
    )
    links = link_interviews(episodes, interviews)
    assert links[["episode_id", "interview_id"]].to_numpy().tolist() == [["E-a", "1"], ["E-c", "1"], ["E-a", "2"]]
    counted = links.attrs["accounting"]
    assert counted["n_links"] == 3
    assert counted["n_interviews"] == counted["n_by_incident"] + counted["n_by_time"] + counted["n_unlinked"] == 4


def test_gaps_of_no_length_and_repeats_on_one_date_are_kept_and_counted_everywhere() -> None:
    text = """
        a | 01-05 | 01-06
        b | 01-06 | 01-08
        c | 01-20 10:00 | 01-20 12:00
        d | 01-20 15:00 | 01-20 18:00
    """
    episodes = build_episodes(incidents(text), observed_until=UNTIL)
    assert len(episodes) == 4
    assert episodes.attrs["accounting"]["n_zero_gaps"] == 1
    assert episodes.attrs["accounting"]["n_same_day_restart"] == 2
    gaps = gap_times(episodes, observed_until=UNTIL)
    assert gaps["gap_days"].round(3).tolist() == [0.0, 12.0, 0.125, 314.25]
    assert (gaps.attrs["accounting"]["n_zero_gaps"], gaps.attrs["accounting"]["n_same_day"]) == (1, 2)
    spells = to_counting_process(episodes, observed_until=UNTIL)
    assert spells["event"].sum() == 3
    assert spells.attrs["accounting"]["n_zero_length"] == 2  # the child's first return is a date: all time is in days


def children(**about: str) -> pd.DataFrame:
    return pd.DataFrame({"child_id": ["A"], **{name: [value] for name, value in about.items()}})


HISTORY = """
    a | 01-05 12:00 | 01-06 00:00
    b | 02-05 12:00 | 02-06 00:00
    c | 03-05 12:00 | 03-06 00:00
"""


@pytest.mark.parametrize(
    ("about", "n_gaps", "last_gap", "ended_by", "left_out"),
    [
        ({}, 3, 270.0, "end_of_data", None),
        ({"birth_month": "2008-05-20"}, 3, 56 - 1 / 24, "turned_18", None),  # to 1 May, after the clocks went forward
        ({"birth_month": "2008-02-20"}, 1, 26.0, "turned_18", "n_after_18"),
        ({"observed_until": "2026-02-16", "exit_reason": "left_care"}, 2, 10.0, "left_care", "n_after_exit"),
        ({"observed_until": "2026-02-16", "exit_reason": "moved_area"}, 2, 10.0, "moved_area", "n_after_exit"),
        ({"observed_until": "2026-02-16"}, 2, 10.0, "not_recorded", "n_after_exit"),
        ({"observed_until": "2026-02-16", "birth_month": "2008-02-01"}, 1, 26.0, "turned_18", "n_after_18"),
    ],
)
def test_a_childs_observation_ends_for_a_reason_and_what_came_later_is_counted(
    about: dict[str, str], n_gaps: int, last_gap: float, ended_by: str, left_out: str | None
) -> None:
    episodes = build_episodes(incidents(HISTORY), observed_until=UNTIL)
    gaps = gap_times(episodes, observed_until=UNTIL, children=children(**about))
    assert gaps["ended_by"].tolist() == ["episode"] * (n_gaps - 1) + [ended_by]
    assert gaps["gap_days"].iloc[-1] == pytest.approx(last_gap, abs=1e-9)
    assert gaps["event"].tolist() == [1] * (n_gaps - 1) + [0]
    spells = to_counting_process(episodes, children(**about), observed_until=UNTIL)
    assert spells["ended_by"].tolist() == gaps["ended_by"].tolist()
    for counted in (gaps.attrs["accounting"], spells.attrs["accounting"]):
        late = {name: n for name, n in counted.items() if name.startswith("n_after") and n}
        assert late == ({left_out: 3 - n_gaps} if left_out else {})
        assert counted["n_episodes"] == 3


def test_a_child_who_is_missing_when_observation_ends_has_no_spell_that_ends_so() -> None:
    episodes = build_episodes(
        incidents("a | 01-05 12:00 | 01-06 00:00\nb | 02-05 12:00 | 03-01 00:00"), observed_until=UNTIL
    )
    about = children(observed_until="2026-02-16", exit_reason="left_care")
    assert gap_times(episodes, observed_until=UNTIL, children=about)["ended_by"].tolist() == ["episode"]
    assert to_counting_process(episodes, about, observed_until=UNTIL)["ended_by"].tolist() == ["episode"]


def test_at_the_very_moment_at_which_observation_ends_nothing_is_known_yet() -> None:
    episodes = build_episodes(incidents("a | 01-05 12:00 | 01-06 00:00\nb | 01-07 00:00 | -"), observed_until=UNTIL)
    for end, about in (("2026-01-06 00:00", {}), (UNTIL, {"observed_until": "2026-01-06", "exit_reason": "died"})):
        gaps = gap_times(episodes, observed_until=end, children=children(**about))
        assert (len(gaps), gaps.attrs["accounting"]["n_open"]) == (0, 1)
        assert len(to_counting_process(episodes, children(**about), observed_until=end)) == 0
    # What began at the end of the data is after it, whatever else ended.
    for about in ({}, {"observed_until": "2026-01-07"}, {"observed_until": "2026-01-06"}):
        counted = gap_times(episodes, observed_until="2026-01-06", children=children(**about)).attrs["accounting"]
        assert {k: n for k, n in counted.items() if k.startswith("n_after") and n} == {"n_after_end": 1}
    late = children(observed_until="2026-01-07", exit_reason="died")
    counted = gap_times(episodes, observed_until=UNTIL, children=late).attrs["accounting"]
    assert {k: n for k, n in counted.items() if k.startswith("n_after") and n} == {"n_after_exit": 1}


@pytest.mark.parametrize(
    ("origin", "starts", "stops"),
    [
        # Observed from 15 January, when the child moved in: nothing before counts, and day 0 is what the origin says.
        ("first_return", [9.0, 31.0, 59.0], [30.5, 58.5, 329.0]),
        ("observed_from", [0.0, 22.0, 50.0], [21.5, 49.5, 320.0]),
        ("birthday", [5128.0, 5150.0, 5178.0], [5149.5, 5177.5, 5448.0]),
    ],
)
def test_entry_is_delayed_to_when_the_child_was_first_observed(
    origin: str, starts: list[float], stops: list[float]
) -> None:
    episodes = build_episodes(incidents(HISTORY), observed_until=UNTIL)
    about = children(observed_from="2026-01-15", birth_month="2012-01-01")
    spells = to_counting_process(episodes, about, observed_until=UNTIL, origin=origin)  # type: ignore[arg-type]
    assert spells["start"].tolist() == starts
    assert spells["stop"].tolist() == stops
    assert spells.attrs["accounting"]["n_before_entry"] == 1
    assert gap_times(episodes, observed_until=UNTIL, children=about).attrs["accounting"]["n_before_entry"] == 1


def test_a_child_who_is_missing_when_first_observed_is_at_risk_from_the_return() -> None:
    episodes = build_episodes(incidents(HISTORY), observed_until=UNTIL)
    about = children(observed_from="2026-02-06", birth_month="2012-01-01").assign(
        observed_from=pd.Timestamp("2026-02-05")
    )
    spells = to_counting_process(episodes, about, observed_until=UNTIL, origin="observed_from")
    assert spells[["start", "episode_no"]].to_numpy().tolist() == [[0.0, 2.0], [1.0, 3.0], [29.0, 4.0]]
    later = about.assign(observed_from=pd.Timestamp("2026-02-06"))
    spells = to_counting_process(episodes, later, observed_until=UNTIL, origin="observed_from")
    assert spells[["start", "episode_no"]].to_numpy().tolist() == [[0.0, 3.0], [28.0, 4.0]]
    gaps = gap_times(episodes, observed_until=UNTIL, children=later)
    assert gaps.attrs["accounting"]["n_before_entry"] == 1  # the second return was on the first day observed


def test_who_was_an_adult_before_being_observed_is_never_at_risk() -> None:
    episodes = build_episodes(incidents(HISTORY), observed_until=UNTIL)
    about = children(observed_from="2026-01-01", birth_month="2007-12-01")
    spells = to_counting_process(episodes, about, observed_until=UNTIL, origin="observed_from")
    assert (len(spells), spells.attrs["accounting"]["n_after_18"]) == (0, 3)


BASE = pd.Timestamp("2026-10-23", tz=LONDON)  # the clocks go back on the 25th
HOUR = pd.Timedelta(hours=1)


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 40), st.none() | st.integers(0, 9)), max_size=12),
    st.lists(st.sampled_from(("minute", "day")), min_size=12, max_size=12),
    st.sampled_from(["0h", "3h"]),
    st.none() | st.integers(0, 12),
    st.sampled_from([*ENDED_BY[2:-1], None]),
)
def test_everything_adds_up(
    spans: list[tuple[str, int, int | None]], precision: list[str], merge_gap: str, left: int | None, why: str | None
) -> None:
    table = pd.DataFrame(
        {
            "child_id": pd.Series([s[0] for s in spans], dtype=object),
            "missing_from": pd.Series([BASE + 5 * s[1] * HOUR for s in spans], dtype=f"datetime64[us, {LONDON}]"),
            "returned_at": pd.Series(
                [pd.NaT if s[2] is None else BASE + (5 * s[1] + s[2]) * HOUR for s in spans],
                dtype=f"datetime64[us, {LONDON}]",
            ),
            "precision": precision[: len(spans)],
        }
    )
    end = BASE + 9 * 24 * HOUR
    about = pd.DataFrame(
        {
            "child_id": ["A"],
            "birth_month": ["2008-11-01"],
            "observed_until": [None if left is None else (BASE + pd.Timedelta(days=left)).date()],
            "exit_reason": [why],
        }
    )
    episodes = build_episodes(table, merge_gap, observed_until=end, children=about)
    counted = episodes.attrs["accounting"]
    assert counted["n_incidents"] == len(table)
    assert len(table) == counted["n_joined"] + counted["n_after_end"] + counted["n_after_exit"] + len(episodes)
    assert counted["n_joined"] == sum(counted[f"n_joined_{way}"] for way in JOINS)
    assert all(n >= 0 for n in counted.values())

    gaps = gap_times(episodes, observed_until=end, children=about)
    counted = gaps.attrs["accounting"]
    late = ("after_end", "after_exit", "after_18")
    assert len(episodes) == sum(counted[f"n_{k}"] for k in ("gaps", "open", "end_not_recorded", *late))
    assert {k: counted[f"n_ended_by_{k}"] for k in ENDED_BY} == {
        k: int((gaps["ended_by"] == k).sum()) for k in ENDED_BY
    }
    assert ((gaps["ended_by"] == "episode") == (gaps["event"] == 1)).all()
    spells = to_counting_process(episodes, about, observed_until=end)
    counted = spells.attrs["accounting"]
    whats = ("events", "before_entry", "start_unknown", "without_origin", *late)
    assert len(episodes) == sum(counted[f"n_{k}"] for k in whats)
    assert len(spells) == sum(counted[f"n_ended_by_{k}"] for k in ENDED_BY)
    ends = spells[spells["event"] == 0].set_index("child_id")["ended_by"].to_dict()
    tails = gaps[gaps["event"] == 0].set_index("child_id")["ended_by"].to_dict()
    assert ends.items() <= tails.items()
