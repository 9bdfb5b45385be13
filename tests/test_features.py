"""The feature table: figures by hand, family by family; edges of a lookback; what is refused; what must not matter."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from missing_patterns.codebook import read_codebook
from missing_patterns.episodes import build_episodes
from missing_patterns.errors import ArgumentRefused
from missing_patterns.features import build_features, feature_dictionary
from missing_patterns.triggers import code_triggers

UNTIL = "2026-12-31"


def episodes(*spans: tuple[str, str, str | None]) -> pd.DataFrame:
    """Episodes of (child, from, to); a bare date is known by date only. Incidents are numbered from 0."""
    rows = [
        {
            "incident_id": str(k),
            "child_id": child,
            "missing_from": f"2026-{start}",
            "returned_at": None if end is None else f"2026-{end}",
            "precision": "minute" if ":" in start else "day",
        }
        for k, (child, start, end) in enumerate(spans)
    ]
    return build_episodes(pd.DataFrame(rows), observed_until=UNTIL)


def interviews(*rows: tuple[str, tuple[str, ...] | None, str | None, tuple[str, ...] | None]) -> pd.DataFrame:
    """Completed interviews of (child, incidents, held, codes); not held = declined on the day of offer."""
    return pd.DataFrame(
        {
            "interview_id": [f"R{k}" for k in range(len(rows))],
            "child_id": pd.Series([r[0] for r in rows], dtype=object),
            "incident_ids": pd.Series([r[1] for r in rows], dtype=object),
            "status": pd.Series(["completed" if r[3] is not None else "declined" for r in rows], dtype=object),
            "offered_at": pd.Series([f"2026-{r[2]}" if r[2] else None for r in rows], dtype=object),
            "held_at": pd.Series([f"2026-{r[2]}" if r[2] and r[3] is not None else None for r in rows], dtype=object),
            "coded_triggers": pd.Series([r[3] for r in rows], dtype=object),
        }
    )


def features(table: pd.DataFrame, asked: pd.DataFrame | None = None, **options: object) -> pd.DataFrame:
    asked = interviews() if asked is None else asked
    return build_features(table, code_triggers(asked), interviews=asked, **options)


STORY = episodes(
    ("A", "01-05 21:00", "01-06 01:00"),
    ("A", "01-09 20:00", "01-10 20:00"),
    ("A", "02-06 19:00", "02-06 20:00"),
    ("B", "01-09 20:00", None),
    ("B", "02-09 20:00", "02-09 21:00"),
)


def test_each_return_is_one_row_with_what_lay_behind_it() -> None:
    X = features(STORY, lookback_days=[28, 7])
    assert X["episode_id"].tolist() == ["E-0", "E-1", "E-2", "E-4"]
    assert X["index_at"].dt.strftime("%m-%d %H:%M").tolist() == [
        "01-06 01:00",
        "01-10 20:00",
        "02-06 20:00",
        "02-09 21:00",
    ]
    assert X["episode_no"].tolist() == [1, 2, 3, 2]
    assert X["n_episodes_28d"].tolist() == [1, 2, 2, 1]
    assert X["n_episodes_7d"].tolist() == [1, 2, 1, 1]
    # 28 days before 6 February 20:00 is 9 January 20:00: the whole second episode lies in it, the first does not.
    assert X["missing_hours_28d"].tolist() == [4.0, 28.0, 25.0, 1.0]
    assert X["missing_hours_7d"].tolist() == [4.0, 28.0, 1.0, 1.0]
    assert X["days_since_return"].round(4).fillna(-1).tolist() == [-1, 4.7917, 27.0, -1]
    assert X["duration_hours"].tolist() == [4.0, 24.0, 1.0, 1.0]
    assert X["gap_days"].round(4).fillna(-1).tolist() == [-1, 3.7917, 26.9583, -1]


@pytest.mark.parametrize(
    ("start", "counted"),
    [
        ("01-03 19:59", 0),  # a minute too early
        ("01-03 20:00", 1),  # exactly seven days before: inside
        ("01-03 20:01", 1),
        ("01-10 20:00", 0),  # at the moment asked about: outside
    ],
)
def test_a_lookback_includes_its_first_moment_and_not_its_last(start: str, counted: int) -> None:
    table = episodes(("A", start, start), ("A", "01-10 19:30", "01-10 20:00"))
    table = table[["child_id", "missing_from", "returned_at"]]
    last = build_features(table, code_triggers(interviews()), lookback_days=[7]).iloc[-1]
    assert last["n_episodes_7d"] == counted + 1
    assert last["index_at"].strftime("%m-%d %H:%M") == "01-10 20:00"


def test_an_edge_inside_an_episode_counts_the_hours_on_this_side() -> None:
    table = episodes(("A", "01-03 10:00", "01-04 02:00"), ("A", "01-10 19:00", "01-10 20:00"))
    assert features(table, lookback_days=[7])["missing_hours_7d"].tolist() == [16.0, 7.0]


def test_a_trigger_belongs_to_the_start_of_its_episode_and_counts_once_known() -> None:
    asked = interviews(
        ("A", ("0",), "01-10 20:00", ("home_conflict",)),  # of the first episode, held at the second return
        ("A", ("1",), "01-10 20:01", ("people_family",)),  # a minute later
        ("A", None, "01-11", ("circumstance_late",)),  # no incident: the return before
    )
    X = features(STORY, asked, lookback_days=[28, 90])
    assert X["any_home_conflict_28d"].tolist() == [False, True, False, False]  # began 32 days before the third
    assert X["any_home_conflict_90d"].tolist() == [False, True, True, False]
    assert X["any_home_90d"].tolist() == [False, True, True, False]
    assert X["any_people_family_28d"].tolist() == [False, False, True, False]  # began exactly 28 days before
    assert X["any_circumstance_late_28d"].tolist() == [False, False, True, False]
    assert X["n_interviews_completed_28d"].tolist() == [0, 0, 3, 0]
    assert not X["any_home_abuse_90d"].any()


def test_without_interviews_a_trigger_is_dated_by_when_it_was_known() -> None:
    asked = interviews(("A", ("0",), "01-09 20:00", ("home_conflict",)))
    X = build_features(STORY, code_triggers(asked), lookback_days=[28])
    assert X["any_home_conflict_28d"].tolist() == [False, True, True, False]
    assert "n_interviews_completed_28d" not in X
    at_the_return = interviews(("A", ("0",), "01-10 20:00", ("home_conflict",)))
    X = build_features(STORY, code_triggers(at_the_return), lookback_days=[28])
    assert X["any_home_conflict_28d"].tolist() == [False, False, True, False]


def test_what_was_denied_or_never_held_counts_for_nothing() -> None:
    asked = interviews(("A", ("0",), "01-07 10:00", ("home_conflict",)), ("A", ("0",), None, ("people_family",)))
    triggers = code_triggers(asked)
    triggers.loc[0, "status"] = "denied"
    X = build_features(STORY, triggers, interviews=asked)
    assert not X[[c for c in X if c.startswith("any_")]].to_numpy().any()


def test_a_suspected_trigger_and_one_of_an_unknown_child() -> None:
    asked = interviews(("A", ("0",), "01-07 10:00", ("exploitation_criminal",)), ("Z", None, "01-07", ("home_abuse",)))
    X = features(STORY, asked)
    assert X["any_exploitation_90d"].tolist() == [False, True, True, False]
    assert not X["any_home_abuse_365d"].any()


def test_declines_are_counted_by_their_offer() -> None:
    asked = interviews(("A", ("0",), "01-07", None), ("A", ("1",), "01-11 10:00", None), ("A", ("1",), None, None))
    X = features(STORY, asked, lookback_days=[28])
    assert X["n_interviews_declined_28d"].tolist() == [0, 1, 1, 0]
    assert X["n_interviews_completed_28d"].tolist() == [0, 0, 0, 0]


PLACEMENTS = pd.DataFrame(
    [
        ["A", "2025-06-01", "2026-01-09", "foster", "P1", "C1", True],
        ["A", "2026-01-09", "2026-01-12", "foster", "P1", "C2", True],  # same kind, nothing else changed: a move
        ["A", "2026-01-12", "2026-02-06", "foster", "P1", "E1", True],  # a new legal status alone: no move
        ["A", "2026-02-06", None, "childrens_home", "P2", "E1", False],  # on the day of the return: not known yet
        ["B", "2025-06-01", "2026-02-01", "foster", "P1", "C2", True],
        ["Z", "2025-06-01", None, "foster", "P1", "C2", True],
    ],
    columns=["child_id", "started_on", "ended_on", "placement_type", "provider", "legal_status", "in_area"],
).assign(home_id=None)


def test_the_placement_is_the_one_known_the_day_before() -> None:
    changed = PLACEMENTS.copy()
    changed.loc[1, ["legal_status", "home_id"]] = ["C1", "H2"]
    X = features(STORY, placements=changed, lookback_days=[28])
    assert X["placement_type"].fillna("-").tolist() == ["foster", "foster", "foster", "-"]
    assert X["in_area"].astype(object).where(X["in_area"].notna(), "-").tolist() == [True, True, True, "-"]
    # Spell 2 began on 9 January and counts from its end; 3 differs from 2 in home again.
    assert X["n_placement_moves_28d"].tolist() == [0, 1, 2, 0]
    legal_only = features(STORY, placements=PLACEMENTS, lookback_days=[28])
    assert legal_only["n_placement_moves_28d"].tolist() == [0, 0, 0, 0]
    nothing_else = PLACEMENTS.assign(legal_status="C1")
    assert features(STORY, placements=nothing_else, lookback_days=[28])["n_placement_moves_28d"].tolist() == [
        0,
        1,
        2,
        0,
    ]


def test_without_a_placement_the_record_of_the_episode_stands() -> None:
    table = STORY.assign(placement_type="kinship", in_area=True)
    assert features(table)["placement_type"].tolist() == ["kinship"] * 4
    none = features(table, placements=PLACEMENTS[:0])
    assert none["placement_type"].tolist() == ["kinship"] * 4
    assert none["in_area"].tolist() == [True] * 4
    assert none["n_placement_moves_28d"].tolist() == [0] * 4
    only_a = features(table, placements=PLACEMENTS[:4])
    assert only_a["placement_type"].tolist() == ["foster", "foster", "foster", "kinship"]


def test_of_two_placements_of_one_day_the_one_that_lasted_counts() -> None:
    spells = pd.DataFrame(
        {
            "child_id": "A",
            "started_on": ["2026-01-02", "2026-01-02"],
            "ended_on": [None, "2026-01-02"],
            "placement_type": ["foster", "temporary"],
        }
    )
    assert features(STORY, placements=spells)["placement_type"].tolist()[0] == "foster"


def test_of_two_placements_of_one_day_neither_is_chosen_by_when_it_will_end() -> None:
    spells = pd.DataFrame(
        {
            "child_id": "A",
            "started_on": "2026-01-02",
            "ended_on": ["2026-05-01", "2026-06-01"],
            "placement_type": ["foster", "secure"],
        }
    )
    there = features(STORY, placements=spells)["placement_type"].tolist()
    assert there[:3] == ["secure"] * 3
    other = spells.assign(ended_on=["2026-06-01", "2026-05-01"])
    assert features(STORY, placements=other)["placement_type"].tolist()[:3] == there[:3]


def test_the_clock_and_the_calendar_are_circles() -> None:
    X = features(
        episodes(("A", "01-05 06:00", "01-05 07:00"), ("A", "07-11 18:00", "07-12 01:00"), ("A", "10-04", "10-04"))
    )
    assert X["hour_sin"].round(12).fillna(9).tolist() == [1.0, -1.0, 9.0]
    assert X["hour_cos"].round(12).fillna(9).tolist() == [0.0, 0.0, 9.0]
    assert X["weekday_sin"].tolist() == pytest.approx([math.sin(2 * math.pi * d / 7) for d in (0, 5, 6)])
    assert X["weekday_cos"].tolist() == pytest.approx([math.cos(2 * math.pi * d / 7) for d in (0, 5, 6)])
    assert X["month_cos"].tolist() == pytest.approx([math.cos(2 * math.pi * m / 12) for m in (0, 6, 9)])
    assert X["month_sin"].tolist() == pytest.approx([math.sin(2 * math.pi * m / 12) for m in (0, 6, 9)], abs=1e-12)
    assert X["is_weekend"].tolist() == [False, True, True]


def test_a_lookback_is_elapsed_time_over_the_clock_change() -> None:
    # Seven times 24 hours before 26 October 12:00 (GMT) is 19 October 13:00 (BST).
    table = episodes(("A", "10-19 12:59", "10-19 13:30"), ("A", "10-26 11:00", "10-26 12:00"))
    X = features(table, lookback_days=[7])
    assert X["n_episodes_7d"].tolist() == [1, 1]
    assert X["missing_hours_7d"].tolist() == [pytest.approx(31 / 60), 1.5]


@pytest.mark.parametrize("days", [[], [0], [28, 28], [1.5], [True], ["28"]])
def test_lookbacks_that_are_not_whole_days_are_refused(days: list[object]) -> None:
    with pytest.raises(ArgumentRefused, match="whole numbers of days"):
        features(STORY, lookback_days=days)


def test_a_codebook_in_which_a_code_is_named_as_a_domain_is_refused() -> None:
    book = read_codebook().amend(added=[{"code": "home", "domain": "care", "side": "push"}])
    with pytest.raises(ArgumentRefused, match="name of a domain"):
        features(STORY, codebook=book)


def test_no_returns_give_no_rows_but_the_same_columns() -> None:
    none = features(STORY[:0], placements=PLACEMENTS)
    assert len(none) == 0
    assert none.columns.tolist() == features(STORY, placements=PLACEMENTS).columns.tolist()
    assert len(features(episodes(("A", "01-05 21:00", None)))) == 0


def test_every_column_is_in_the_dictionary() -> None:
    X = features(STORY, placements=PLACEMENTS)
    words = feature_dictionary(X.assign(mine=1, any_else_7d=False))
    assert words["column"].tolist() == [*X.columns, "mine", "any_else_7d"]
    own = words["meaning"] == "a column of the caller's own"
    assert words.loc[own, "column"].tolist() == ["mine", "any_else_7d"]
    assert words["meaning"][~own].is_unique
    assert not words["meaning"].str.contains("{", regex=False).any()
    assert X.attrs == {}


def test_inputs_are_not_modified_and_their_order_does_not_matter() -> None:
    asked = interviews(("A", ("0",), "01-07", ("home_conflict",)), ("B", None, "02-10 10:00", ("home_abuse",)))
    triggers = code_triggers(asked)
    copies = [f.copy(deep=True) for f in (STORY, triggers, asked, PLACEMENTS)]
    X = build_features(STORY, triggers, interviews=asked, placements=PLACEMENTS)
    for given_, before in zip((STORY, triggers, asked, PLACEMENTS), copies, strict=True):
        pd.testing.assert_frame_equal(given_, before)
    again = build_features(STORY[::-1], triggers[::-1], interviews=asked[::-1], placements=PLACEMENTS[::-1])
    pd.testing.assert_frame_equal(again, X)


# --- the rest of the families, in small tables ----------------------------------------------------------------------


def listed(X: pd.DataFrame, column: str) -> list[object]:
    """Values of a column, rounded, with None where there is none."""
    return [None if pd.isna(v) else round(v, 4) if isinstance(v, float) else v for v in X[column].tolist()]


def moments(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"child_id": [r[0] for r in rows], "index_at": [f"2026-{r[1]}" for r in rows]})


def test_nights_are_midnights_and_each_counts_once() -> None:
    table = episodes(
        ("A", "01-05 23:00", "01-06 01:00"),  # one
        ("A", "01-08 00:00", "01-08 00:00"),  # of no length, at a midnight: none
        ("A", "01-10 00:00", "01-11 00:00"),  # from a midnight: that one; not the one at which it ends
        ("A", "01-12 10:00", "01-12 23:59"),  # none
        ("A", "03-28 20:00", "03-30 01:00"),  # two, one of them an hour before the clock changes
    )
    X = features(table, lookback_days=[3, 365])
    assert X["missing_nights_365d"].tolist() == [1, 1, 2, 2, 4]
    # Three days before 12 January 23:59 is within no episode; before 11 January 00:00, none of the first.
    assert X["missing_nights_3d"].tolist() == [1, 1, 1, 1, 2]
    assert X["missing_hours_365d"].tolist() == pytest.approx([2, 2, 26, 26 + 13 + 59 / 60, 26 + 13 + 59 / 60 + 28])
    assert str(X["missing_nights_3d"].dtype) == "int32"


def test_an_edge_inside_an_episode_counts_the_nights_on_this_side() -> None:
    table = episodes(("A", "01-01 22:00", "01-05 02:00"), ("A", "01-06 01:00", "01-06 02:00"))
    # Two days before 6 January 02:00 is 4 January 02:00: of the four midnights one is left.
    assert features(table, lookback_days=[2])["missing_nights_2d"].tolist() == [2, 1]


def test_gaps_of_the_last_three_and_whether_they_shorten() -> None:
    starts = ["01-01 00:00", "01-11 01:00", "01-17 02:00", "01-21 03:00", "01-23 04:00"]
    ends = ["01-01 01:00", "01-11 02:00", "01-17 03:00", "01-21 04:00", "01-23 05:00"]
    X = features(episodes(*(("A", a, b) for a, b in zip(starts, ends, strict=True))))
    assert listed(X, "gap_days") == [None, 10, 6, 4, 2]
    assert listed(X, "mean_gap_days_last3") == [None, 10, 8, 6.6667, 4]
    assert listed(X, "gap_trend_days") == [None, None, -4, -4, -4.6667]


def test_while_a_child_is_missing_nothing_is_said_of_the_return() -> None:
    own = moments(("A", "01-05 22:00"), ("A", "01-06 01:00"), ("A", "01-05 21:00"), ("B", "01-20"), ("Z", "01-20"))
    X = features(STORY, index=own, lookback_days=[28])
    assert X["index_at"].dt.strftime("%d %H:%M").tolist() == [
        "05 21:00",
        "05 22:00",
        "06 01:00",
        "20 00:00",
        "20 00:00",
    ]
    assert X["episode_id"].fillna("-").tolist() == ["-", "E-0", "E-0", "E-3", "-"]
    assert X["episode_no"].tolist() == [0, 1, 1, 1, 0]
    assert listed(X, "is_still_missing") == [False, True, False, True, False]
    assert listed(X, "duration_hours") == [None, None, 4, None, None]
    assert X["n_episodes_ever"].tolist() == [0, 1, 1, 1, 0]
    assert listed(X, "missing_hours_28d") == [0, 0, 4, 0, 0]


OWN_SCHOOL = ["is_school_day", "is_school_holiday", "is_bank_holiday"]


def test_what_the_calendar_says_of_the_start_and_of_the_index() -> None:
    table = episodes(("A", "12-25 20:00", "12-28 09:00"), ("B", "11-06 20:00", "11-09 09:00"))
    X = features(table)
    assert listed(X, "began_on_bank_holiday") == [True, False]
    assert listed(X, "began_in_school_holiday") == [True, False]
    assert X[OWN_SCHOOL].astype(object).to_numpy().tolist() == [[False, True, True], [True, False, False]]
    assert X["days_to_term"].tolist()[1] == 0
    assert X["days_to_school_holiday"].tolist()[0] == 0
    assert X["days_to_bank_holiday"].tolist() == [0, 46]
    later = features(table, index=pd.DataFrame({"child_id": ["A"], "index_at": ["2050-01-03"]}))
    assert later[[*OWN_SCHOOL, "days_to_term", "days_to_bank_holiday"]].isna().all(axis=None)
    assert [str(later[c].dtype) for c in OWN_SCHOOL] == ["boolean"] * 3


def test_the_hour_of_the_index_is_none_where_only_the_day_is_known() -> None:
    table = episodes(("A", "01-05", "01-07"), ("B", "01-05 10:00", "01-06 00:00"), ("C", "01-05 10:00", "01-05 18:00"))
    X = features(table)
    assert listed(X, "index_hour_sin") == [None, None, -1.0]
    assert listed(X, "hour_sin") == [None, 0.5, 0.5]
    assert listed(X, "index_weekday_cos") == [round(math.cos(2 * math.pi * d / 7), 4) for d in (2, 1, 0)]
    assert listed(X, "index_month_cos") == [1, 1, 1]


def test_distance_and_time_in_a_placement() -> None:
    spells = PLACEMENTS.assign(distance_miles=[2.5, 9.0, 9.5, 40.0, 1.0, 1.0])
    spells.loc[1, ["legal_status", "home_id"]] = ["C1", "H2"]
    spells.loc[2, "home_id"] = "H2"  # a new legal status alone: the stay goes on
    X = features(STORY, placements=spells, lookback_days=[28])
    assert listed(X, "distance_miles") == [2.5, 9.0, 9.5, None]
    # From 1 June, from 9 January twice; B had left.
    assert listed(X, "days_in_placement") == [219, 1, 28, None]
    assert X["n_placement_moves_ever"].tolist() == [0, 1, 1, 0]
    assert X["any_placement_moves_28d"].tolist() == [False, True, True, False]
    assert X["any_placement_moves_28d"].dtype == bool


def ladder(*rows: tuple[str, str, str | None, str | None]) -> pd.DataFrame:
    """Interviews of child A: incident, status, offered, held."""
    table = interviews(*(("A", (r[0],), None, ()) for r in rows))
    stamps = {"offered_at": [r[2] for r in rows], "held_at": [r[3] for r in rows]}
    made = {k: [None if v is None else f"2026-{v}" for v in values] for k, values in stamps.items()}
    return table.assign(status=[r[1] for r in rows], **made)


def test_offered_held_and_in_time_of_the_latest_three_returns() -> None:
    days = ["01-01", "01-05", "01-10", "01-15", "01-20"]
    table = episodes(*(("A", f"{d} 10:00", f"{d} 12:00") for d in days))
    asked = ladder(
        ("0", "completed", "01-02 09:00", "01-04 12:00"),  # 72 hours after the return: in time
        ("1", "completed", "01-06", "01-08"),  # by the third day: in time; known on the 9th
        ("2", "declined", "01-11 10:00", None),
        ("3", "completed_partial", None, "01-18 12:01"),  # a minute late
        ("3", "not_offered_other", "01-16 10:00", None),
    )
    X = features(table, asked)
    assert listed(X, "share_offered_last3") == [None, 1, 1, 1, 1]
    assert listed(X, "share_completed_last3") == [None, 1, 1, 0.6667, 0.6667]
    assert listed(X, "share_in_time_last3") == [None, 1, 1, 0.6667, 0.3333]
    assert X["n_interviews_offered_28d"].tolist() == [0, 1, 2, 3, 4]
    assert X["n_interviews_completed_28d"].tolist() == [0, 1, 2, 2, 3]
    assert X["n_declined_in_a_row"].tolist() == [0, 0, 0, 1, 0]


def test_declines_in_a_row_end_with_an_interview_that_was_held() -> None:
    table = episodes(*(("A", f"01-{d:02} 10:00", f"01-{d:02} 12:00") for d in (1, 3, 5, 7, 9, 11)))
    asked = ladder(
        ("0", "declined", "01-01 13:00", None),
        ("1", "declined", "01-03", None),  # known when the 3rd has ended
        ("2", "declined", "01-06 10:00", None),
        ("2", "completed", None, "01-06 10:00"),  # of one moment: declined first
        ("4", "declined", "01-11 12:00", None),  # at the index itself: not before it
    )
    assert features(table, asked)["n_declined_in_a_row"].tolist() == [0, 1, 2, 0, 0, 0]


def test_an_episode_counts_once_however_many_interviews_and_codes_name_it() -> None:
    table = episodes(("A", "01-01 10:00", "01-01 12:00"), ("A", "01-09 10:00", "01-09 12:00"))
    both = ("home_conflict", "home_abuse")
    asked = interviews(
        ("A", ("0",), "01-02 10:00", both), ("A", ("0",), "01-03 10:00", both), ("A", ("1",), "01-09 11:00", ())
    )
    X = features(table, asked, lookback_days=[7, 28])
    assert X["n_home_conflict_28d"].tolist() == [0, 1]
    assert X["n_home_28d"].tolist() == [0, 1]
    assert X["n_home_7d"].tolist() == [0, 0]
    assert X["n_home_ever"].tolist() == [0, 1]
    assert X["any_home_ever"].tolist() == [False, True]
    assert listed(X, "days_since_home") == [None, round(8 + 2 / 24, 4)]
    assert listed(X, "days_since_people") == [None, None]
    # An interview that named none was held while the second was going on.
    assert X["n_trigger_answers_28d"].tolist() == [0, 2]
    assert X["n_trigger_kinds_28d"].tolist() == [0, 2]


def test_what_is_known_of_this_episode() -> None:
    table = episodes(("A", "01-01 10:00", "01-01 12:00"), ("A", "01-09 10:00", "01-09 12:00"))
    asked = interviews(
        ("A", ("0", "1"), "01-09 12:00", ("home_conflict",)), ("A", ("1",), "01-10 12:00", ("home_abuse",))
    )
    X = features(table, asked)
    assert X["any_home_conflict_this_episode"].tolist() == [False, True]
    assert not X["any_home_abuse_this_episode"].any()
    later = features(table, asked, index=moments(("A", "01-10 11:59"), ("A", "01-10 12:00")))
    assert later["any_home_abuse_this_episode"].tolist() == [False, True]


def test_how_varied_triggers_are_and_which_are_new() -> None:
    table = episodes(*(("A", f"01-{d:02} 10:00", f"01-{d:02} 12:00") for d in (1, 2, 3, 20)))
    named = [("home_conflict",), ("home_conflict", "home_abuse"), ("home_conflict", "people_family"), ("home_abuse",)]
    asked = interviews(*(("A", (str(k),), "01-04 10:00", codes) for k, codes in enumerate(named[:3])))
    X = features(table, asked, lookback_days=[18, 28])
    assert X["n_trigger_kinds_28d"].tolist() == [0, 0, 0, 3]
    assert X["n_trigger_kinds_18d"].tolist() == [0, 0, 0, 2]
    # 18 days before 20 January 12:00 is 2 January 12:00: only the third episode is left.
    assert X["n_home_conflict_18d"].tolist() == [0, 0, 0, 1]
    assert X["n_new_triggers_18d"].tolist() == [0, 0, 0, 1]
    assert X["n_new_triggers_28d"].tolist() == [0, 0, 0, 3]
    assert listed(X, "trigger_entropy_28d") == [None, None, None, round(math.log2(5) - 3 * math.log2(3) / 5, 4)]
    assert listed(X, "trigger_entropy_18d") == [None, None, None, 1.0]


def placed(table: pd.DataFrame, **columns: list[object]) -> pd.DataFrame:
    return table.assign(**{name: pd.Series(values, dtype=object) for name, values in columns.items()})


def test_the_same_home_and_the_same_place_again() -> None:
    table = placed(
        episodes(
            *(("A", f"01-{d:02} 10:00", f"01-{d:02} 12:00") for d in (1, 2, 3, 4)), ("B", "01-05 10:00", "01-05 12:00")
        ),
        home_id=["H1", None, "H1", "H1", "H1"],
        found_area=["North", "North", None, "North", "North"],
        found_place=[None, "park", "park", None, "park"],
    )
    X = features(table)
    assert listed(X, "n_earlier_same_home") == [0, None, 1, 2, 0]
    assert listed(X, "n_earlier_same_place") == [0, 0, None, 1, 0]
    going_on = features(table, index=moments(("A", "01-04 11:00")))
    assert listed(going_on, "n_earlier_same_place") == [None]
    assert listed(going_on, "n_earlier_same_home") == [2]


def test_missing_with_others_of_the_same_home() -> None:
    table = placed(
        episodes(
            ("A", "01-01 10:00", "01-01 12:00"),
            ("B", "01-01 11:00", "01-01 13:00"),
            ("C", "01-01 12:00", "01-01 14:00"),  # begins as A's ends
            ("D", "01-01 09:00", None),  # whose end nobody wrote down; the next begins on the 3rd
            ("D", "01-03 10:00", "01-03 10:31"),
            ("E", "01-01 10:00", "01-01 10:00"),  # of no length, as A's begins
            ("F", "01-01 10:00", "01-01 12:00"),
        ),
        home_id=["H1", "H1", "H1", "H1", "H1", "H1", "H2"],
    )
    X = features(table).set_index("child_id")["n_missing_with"]
    assert X.tolist() == [2.0, 3.0, 2.0, 0.0, 1.0, 0.0]
    none = features(table.assign(home_id=None))
    assert listed(none, "n_missing_with") == [None] * 6
