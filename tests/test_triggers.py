"""What interviews name, when it was known, and which episodes they cover."""

from __future__ import annotations

import pandas as pd
import pytest

from missing_patterns.codebook import read_codebook
from missing_patterns.episodes import build_episodes
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.schema import LONDON
from missing_patterns.triggers import code_triggers, link_interviews, triggers_known, when_known

INTERVIEWS = pd.DataFrame(
    [
        ["R1", "A", "completed", "2026-01-07 16:30", ("home_conflict", "people_family", "home_conflict")],
        ["R2", "A", "completed", "2026-01-09", ("exploitation_criminal", "unknown", "unmapped")],
        ["R3", "B", "completed", "2026-01-09 10:00", ()],
        ["R4", "B", "declined", None, None],
        ["R5", "C", "completed", "2026-01-09 10:00", ("declined_to_say",)],
        ["R6", "C", "declined", None, ("home_conflict", "gone_from_the_book")],
    ],
    columns=["interview_id", "child_id", "status", "held_at", "coded_triggers"],
)


def test_each_code_that_an_interview_names_is_one_row() -> None:
    triggers = code_triggers(INTERVIEWS)
    columns = ["interview_id", "child_id", "code", "status", "origin", "voice"]
    assert [tuple(r) for r in triggers[columns].itertuples(index=False)] == [
        ("R1", "A", "home_conflict", "present", "coded", "worker"),
        ("R1", "A", "people_family", "present", "coded", "worker"),
        ("R2", "A", "exploitation_criminal", "suspected", "coded", "worker"),
        ("R6", "C", "home_conflict", "present", "coded", "worker"),
    ]
    assert triggers["span_start"].isna().all()


def test_nothing_named_is_lost_without_a_count() -> None:
    accounting = code_triggers(INTERVIEWS.assign(primary_trigger=["people_family", "home_abuse", *[None] * 4])).attrs[
        "accounting"
    ]
    assert accounting == {
        "n_interviews": 6,
        "n_known": 4,
        "n_items": 9,
        "n_coded": 4,
        "n_repeated": 1,
        "n_answers": 3,
        "n_not_in_codebook": 1,
        "n_primary_not_listed": 1,
    }


def test_a_trigger_is_known_when_the_interview_was_held_or_when_that_day_had_ended() -> None:
    known = code_triggers(INTERVIEWS)["known_at"]
    assert known.dt.strftime("%d %H:%M").fillna("never").tolist() == ["07 16:30", "07 16:30", "10 00:00", "never"]


def test_the_end_of_a_day_is_the_next_midnight_also_when_the_clocks_change() -> None:
    days = pd.Series(
        pd.to_datetime(["2026-03-29 00:00", "2026-10-25 00:00", None, "2026-10-25 00:01"]), dtype="datetime64[us]"
    )
    ends = when_known(days.dt.tz_localize(LONDON))
    assert ends.dt.strftime("%d/%m %H:%M").fillna("-").tolist() == ["30/03 00:00", "26/10 00:00", "-", "25/10 00:01"]


def test_triggers_are_known_only_if_a_code_is_named_or_none_was_the_answer() -> None:
    known = triggers_known(INTERVIEWS.set_axis(list("pqrstu"), axis=0))
    assert known.to_dict() == {"p": True, "q": True, "r": True, "s": False, "t": False, "u": True}
    smaller = read_codebook().amend(retired=["exploitation_criminal"])
    assert triggers_known(INTERVIEWS, smaller).tolist() == [True, False, True, False, False, True]
    assert code_triggers(INTERVIEWS, smaller).attrs["accounting"]["n_not_in_codebook"] == 2


def test_a_council_may_add_a_code() -> None:
    book = read_codebook().amend(added=[{"code": "gone_from_the_book", "domain": "activity", "side": "pull"}])
    assert "gone_from_the_book" in code_triggers(INTERVIEWS, book)["code"].tolist()


def test_written_accounts_are_not_read_in_this_version() -> None:
    with pytest.raises(ArgumentRefused, match="fields only"):
        code_triggers(INTERVIEWS, narratives=True)


def test_an_interview_without_an_id_is_refused() -> None:
    table = INTERVIEWS.assign(interview_id=["R1", None, None, "R4", "R5", "R6"])
    with pytest.raises(TableRefused, match="'interview_id' is blank at positions 1, 2"):
        code_triggers(table)


def test_no_interviews_name_nothing() -> None:
    triggers = code_triggers(INTERVIEWS[:0])
    assert len(triggers) == 0
    assert set(triggers.attrs["accounting"].values()) == {0}
    assert len(triggers_known(INTERVIEWS[:0])) == 0


def test_the_order_of_interviews_does_not_matter() -> None:
    there = code_triggers(INTERVIEWS)
    back = code_triggers(INTERVIEWS[::-1])
    by = ["interview_id", "code"]
    pd.testing.assert_frame_equal(
        there.sort_values(by, ignore_index=True), back.sort_values(by, ignore_index=True), check_like=True
    )


# --- links -------------------------------------------------------------------------------------------------------

EPISODES = build_episodes(
    pd.DataFrame(
        [
            ["1", "A", "2026-01-05 21:00", "2026-01-06 01:00"],
            ["2", "A", "2026-01-06 00:30", "2026-01-06 10:00"],
            ["3", "A", "2026-01-20 21:00", "2026-01-21 01:00"],
            ["4", "A", "2026-01-29 21:00", None],
            ["5", "B", "2026-01-20 21:00", "2026-01-21 01:00"],
        ],
        columns=["incident_id", "child_id", "missing_from", "returned_at"],
    ),
    observed_until="2026-01-31",
)


def links(*rows: tuple[object, ...], **options: int) -> pd.DataFrame:
    columns = ["interview_id", "child_id", "incident_ids", "offered_at", "held_at"]
    return link_interviews(EPISODES, pd.DataFrame(list(rows), columns=columns), **options)


def pairs(frame: pd.DataFrame) -> list[str]:
    return [f"{r.interview_id} {r.episode_id} {r.linked_by}" for r in frame.itertuples()]


def test_an_interview_covers_the_episodes_that_hold_its_incidents() -> None:
    found = links(
        ("R1", "A", ("2", "3"), None, "2026-01-22"),
        ("R2", "A", ("1", "2"), None, None),
        ("R3", "A", ("9",), None, "2026-01-22"),
        ("R4", "A", ("5",), None, "2026-01-22"),
        ("R5", "A", ("4", "9"), None, None),
    )
    assert pairs(found) == ["R1 E-1 incident", "R1 E-3 incident", "R2 E-1 incident", "R5 E-4 incident"]
    assert found.attrs["accounting"] == {
        "n_interviews": 5,
        "n_by_incident": 3,
        "n_by_time": 0,
        "n_unlinked": 2,
        "n_links": 4,
        "n_incidents_not_found": 2,
        "n_incidents_of_another_child": 1,
    }


@pytest.mark.parametrize(
    ("offered", "held", "covers"),
    [
        (None, "2026-01-06 10:00", ["E-1"]),  # at the return
        (None, "2026-01-06 09:59", []),  # before it
        (None, "2026-01-06", ["E-1"]),  # only the day is known
        (None, "2026-01-20", ["E-1"]),  # fourteen days on
        (None, "2026-01-20 23:59", ["E-1"]),
        (None, "2026-01-21 01:00", ["E-3"]),  # the last return, not an earlier one
        ("2026-01-07", "2026-01-22", ["E-3"]),  # when it was held counts before when it was offered
        ("2026-01-07", None, ["E-1"]),
        (None, "2026-02-05", []),  # fifteen days after the last return
        (None, None, []),
    ],
)
def test_an_interview_that_names_no_incident_belongs_to_the_last_return(
    offered: str | None, held: str | None, covers: list[str]
) -> None:
    found = links(("R1", "A", (), offered, held))
    assert found["episode_id"].tolist() == covers
    assert found["linked_by"].tolist() == ["time"] * len(covers)
    assert found.attrs["accounting"]["n_unlinked"] == 1 - len(covers)


def test_the_days_are_set_by_the_caller() -> None:
    row = ("R1", "A", None, None, "2026-02-05")
    assert pairs(links(row, within_days=15)) == ["R1 E-3 time"]
    assert pairs(links(("R1", "A", None, None, "2026-01-21"), within_days=0)) == ["R1 E-3 time"]
    with pytest.raises(ArgumentRefused, match="within_days"):
        links(row, within_days=-1)


def test_links_of_nothing_are_empty_and_inputs_stay_as_they_were() -> None:
    row = ("R1", "A", None, None, "2026-01-21")
    assert len(links()) == 0
    table = pd.DataFrame([row], columns=["interview_id", "child_id", "incident_ids", "offered_at", "held_at"])
    episodes, before = EPISODES.copy(deep=True), table.copy(deep=True)
    assert len(link_interviews(episodes[:0], table)) == 0
    link_interviews(episodes, table)
    code_triggers(table)
    pd.testing.assert_frame_equal(episodes, EPISODES)
    pd.testing.assert_frame_equal(table, before)


def test_the_order_of_rows_and_another_child_do_not_change_the_links() -> None:
    rows = [
        ("R1", "A", ("2", "3"), None, "2026-01-22"),
        ("R2", "A", None, None, "2026-01-22"),
        ("R3", "B", None, None, "2026-01-22"),
    ]
    there = pairs(links(*rows))
    columns = ["interview_id", "child_id", "incident_ids", "offered_at", "held_at"]
    back = link_interviews(EPISODES[::-1], pd.DataFrame(rows[::-1], columns=columns))
    assert sorted(pairs(back)) == sorted(there)
    assert pairs(links(*rows[:2])) == [p for p in there if not p.startswith("R3")]
