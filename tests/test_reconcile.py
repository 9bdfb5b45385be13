"""Systems side by side: planted differences are explained as what they are, and every sum adds up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused
from missing_patterns.reconciliation import MEASURES, REASONS, Reconciliation, reconcile

UNTIL = "2026-10-31"


def frame(text: str, columns: str) -> pd.DataFrame:
    """A table as text; "-" is not recorded."""
    rows = [[None if c.strip() == "-" else c.strip() for c in line.split("|")] for line in text.strip().splitlines()]
    return pd.DataFrame(rows, columns=columns.split(), dtype=object)


def records(incidents: str, **more: Any) -> schema.Records:
    """One incident a line: id, child, system, from, to, category. A bare date has no time."""
    table = frame(incidents, "incident_id child_id source missing_from returned_at category")
    table["precision"] = ["minute" if ":" in str(m) else "day" for m in table["missing_from"]]
    return schema.Records(incidents=table, **more)


def interviews(text: str) -> pd.DataFrame:
    table = frame(text, "interview_id child_id incident_ids status")
    return table.assign(incident_ids=[None if i is None else tuple(i.split(";")) for i in table["incident_ids"]])


def listed(text: str) -> pd.DataFrame:
    """Children on list 8: id, missing, away, offered, accepted."""
    names = ["n_missing_12m", "n_away_12m", "rhi_offered_last", "rhi_accepted_last"]
    table = frame(text, " ".join(["child_id", *names]))
    for name in names[:2]:
        table[name] = pd.array([None if v is None else int(v) for v in table[name]], dtype="Int64")
    return table


def told(found: Reconciliation, measure: str = "absences") -> dict[str, dict[str, int]]:
    """The parts of the difference of a measure, by system: those that are not 0."""
    check(found)
    table = found.explained()
    rows = table[table["measure"] == measure].set_index("system")[list(REASONS)]
    return {str(s): {r: int(n) for r, n in row.items() if n} for s, row in rows.iterrows()}


def check(found: Reconciliation) -> None:
    """Every difference is the sum of its parts: over all, and child by child."""
    table = found.explained()
    assert (table[list(REASONS)].sum(axis=1) == table["difference"]).all()
    assert (table["counted"] - table["recomputed"] == table["difference"]).all()
    side = found.summary().set_index("measure")
    for row in table.itertuples():
        assert side.at[row.measure, row.system] == row.counted
        assert side.at[row.measure, "recomputed"] == row.recomputed
    each = found.differences()
    parts = found.parts.groupby(["system", "measure", "child_id"], observed=True)["n"].sum()
    known = {(s, m) for s, measures in found.recorded.items() for m in measures}
    assert [parts[key] for key in zip(each["system"], each["measure"], each["child_id"], strict=True)] == each[
        "difference"
    ].tolist()
    n = {(r.system, r.measure, r.child_id): r.n for r in found.counts.itertuples()}
    for system, measure in known:
        children = {c for s, m, c in n if m == measure and s in (system, "")}
        differ = {c for c in children if n.get((system, measure, c), 0) != n.get(("", measure, c), 0)}
        mine = each[(each["system"] == system) & (each["measure"] == measure)]
        assert differ == set(mine.loc[mine["difference"] != 0, "child_id"])


# --- each kind of difference, planted ----------------------------------------------------------------------------


def test_records_that_agree_leave_nothing_to_explain() -> None:
    found = mp.reconcile(
        records("""
            t1 | A | rhi_tracker | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            s1 | A | ssd         | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            d1 | A | ssda903     | 2026-01-05       | 2026-01-06       | missing
        """),
        observed_until=UNTIL,
    )
    assert told(found) == {"rhi_tracker": {}, "ssd": {}, "ssda903": {}}
    assert len(found.differences()) == 0
    assert found.summary().set_index("measure").loc["absences"].tolist()[1:] == [1, 1, 1, 1]
    assert found.summary()["ssd"].isna().tolist() == [m.endswith("_last") for m in MEASURES]
    assert "ssd: 1 absences, +0 against 1." in found.explain()


def test_overlapping_records_of_one_system_are_one_absence() -> None:
    found = reconcile(
        records("""
            s1 | A | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            s2 | A | ssd | 2026-01-06 00:30 | 2026-01-06 02:00 | missing
            s3 | A | ssd | 2026-01-06 00:40 | 2026-01-06 03:00 | away
        """),
        observed_until=UNTIL,
    )
    assert told(found) == {"ssd": {"joined": 2}}
    assert told(found, "missing") == {"ssd": {"joined": 1}}
    assert told(found, "away") == {"ssd": {"category": 1}}


def test_an_absence_of_another_system_only() -> None:
    found = reconcile(
        records("""
            t1 | A | rhi_tracker | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            s1 | A | ssd         | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            t2 | A | rhi_tracker | 2026-02-05 21:00 | 2026-02-06 01:00 | missing
            t3 | B | rhi_tracker | 2026-02-05 21:00 | 2026-02-06 01:00 | away
        """),
        observed_until=UNTIL,
    )
    assert told(found) == {"rhi_tracker": {}, "ssd": {"elsewhere": -2}}
    assert told(found, "children") == {"rhi_tracker": {}, "ssd": {"elsewhere": -1}}
    assert told(found, "away") == {"rhi_tracker": {}, "ssd": {"elsewhere": -1}}


def test_missing_in_one_system_and_away_in_the_other() -> None:
    found = reconcile(
        records("""
            t1 | A | rhi_tracker | 2026-01-05 21:00 | 2026-01-06 01:00 | no_apparent_risk
            d1 | A | ssda903     | 2026-01-05       | 2026-01-06       | away
            t2 | A | rhi_tracker | 2026-02-05 21:00 | 2026-02-06 01:00 | away
            d2 | A | ssda903     | 2026-02-05       | 2026-02-06       | missing
            t3 | A | rhi_tracker | 2026-03-05 21:00 | 2026-03-06 01:00 | -
            d3 | A | ssda903     | 2026-03-05       | 2026-03-06       | missing
        """),
        observed_until=UNTIL,
    )
    assert told(found) == {"rhi_tracker": {}, "ssda903": {}}
    assert told(found, "missing") == {"rhi_tracker": {"category": -2}, "ssda903": {}}
    assert told(found, "away") == {"rhi_tracker": {"category": 1}, "ssda903": {"category": 1}}
    assert told(found, "no_apparent_risk") == {"rhi_tracker": {}, "ssda903": {"category": -1}}
    assert told(found, "blank") == {"rhi_tracker": {"category": 1}, "ssda903": {}}


def test_the_return_of_children_in_care_has_only_what_began_in_a_placement() -> None:
    text = """
        t1 | A | rhi_tracker | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
        d1 | A | ssda903     | 2026-01-05       | 2026-01-06       | missing
        t2 | A | rhi_tracker | 2026-02-05 21:00 | 2026-02-06 01:00 | missing
        t3 | A | rhi_tracker | 2026-01-20 21:00 | 2026-01-21 01:00 | missing
        t4 | B | rhi_tracker | 2026-02-05 21:00 | 2026-02-06 01:00 | missing
    """
    placements = frame("A | 2026-01-05 | 2026-02-05\nA | 2026-03-01 | -", "child_id started_on ended_on")
    found = reconcile(records(text, placements=placements), observed_until=UNTIL)
    assert told(found) == {"rhi_tracker": {}, "ssda903": {"outside_placement": -2, "elsewhere": -1}}
    by_status = pd.DataFrame({"child_id": ["A", "B"], "care_status": ["looked_after", "child_in_need"]})
    found = reconcile(records(text, children=by_status), observed_until=UNTIL)
    assert told(found) == {"rhi_tracker": {}, "ssda903": {"outside_placement": -1, "elsewhere": -2}}


def test_a_date_that_was_rounded_makes_two_of_one() -> None:
    found = reconcile(
        records("""
            t1 | A | rhi_tracker | 2026-01-05 23:50 | 2026-01-06 00:30 | missing
            d1 | A | ssda903     | 2026-01-06       | 2026-01-06       | missing
            t2 | A | rhi_tracker | 2026-03-05 23:50 | 2026-03-06 00:30 | missing
            d2 | A | ssda903     | 2026-03-08       | 2026-03-08       | missing
        """),
        observed_until=UNTIL,
    )
    assert told(found) == {"rhi_tracker": {"elsewhere": -1, "date_only": -1}} | {
        "ssda903": {"elsewhere": -1, "date_only": -1}
    }


def test_two_records_with_times_a_day_apart_are_not_called_rounded() -> None:
    found = reconcile(
        records("""
            t1 | A | rhi_tracker | 2026-01-05 21:00 | 2026-01-05 23:00 | missing
            s1 | A | ssd         | 2026-01-06 05:00 | 2026-01-06 06:00 | missing
        """),
        observed_until=UNTIL,
    )
    assert told(found) == {"rhi_tracker": {"elsewhere": -1}, "ssd": {"elsewhere": -1}}


def test_a_start_on_either_side_of_the_window() -> None:
    found = reconcile(
        records("""
            t1 | A | rhi_tracker | 2025-10-31 23:50 | 2025-11-01 03:00 | missing
            s1 | A | ssd         | 2025-11-01 00:10 | 2025-11-01 03:00 | missing
            t2 | B | rhi_tracker | 2025-10-31 23:50 | 2025-11-01 03:00 | missing
            t3 | C | rhi_tracker | 2026-10-31 23:50 | 2026-11-02 03:00 | missing
            t4 | C | rhi_tracker | 2026-11-01 00:00 | 2026-11-02 03:00 | missing
        """),
        observed_until=UNTIL,
    )
    assert told(found) == {"rhi_tracker": {}, "ssd": {"window_edge": 1, "elsewhere": -1}}
    assert told(found, "children") == {"rhi_tracker": {}, "ssd": {"window_edge": 1, "elsewhere": -1}}


def test_an_episode_that_a_date_pulls_into_the_window_is_on_its_edge() -> None:
    found = reconcile(
        records("""
            t1 | A | rhi_tracker | 2025-11-01 01:00 | 2025-11-03 03:00 | missing
            d1 | A | ssda903     | 2025-10-31       | 2025-11-03       | missing
        """),
        observed_until=UNTIL,
    )
    assert told(found) == {"rhi_tracker": {"window_edge": 1}, "ssda903": {}}


def test_the_collection_year_ends_in_march() -> None:
    text = """
        d1 | A | ssda903     | 2026-03-31       | 2026-04-01       | missing
        t1 | A | rhi_tracker | 2026-03-31 21:00 | 2026-04-01 01:00 | missing
        t2 | A | rhi_tracker | 2026-04-01 21:00 | 2026-04-02 01:00 | missing
        t3 | A | rhi_tracker | 2026-03-20 21:00 | 2026-03-21 01:00 | missing
    """
    found = reconcile(records(text), observed_until=UNTIL, collection_year=2026)
    assert told(found)["ssda903"] == {"window_edge": -1, "elsewhere": -1}
    assert told(reconcile(records(text), observed_until=UNTIL, collection_year=0))["ssda903"] == {"elsewhere": -2}
    assert told(reconcile(records(text), observed_until=UNTIL, collection_year=2027))["ssda903"] == {
        "window_edge": -1,
        "elsewhere": -1,
    }


# --- interviews --------------------------------------------------------------------------------------------------


def test_interviews_are_those_after_the_last_absence() -> None:
    found = reconcile(
        records(
            """
            t1 | A | rhi_tracker | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            t2 | A | rhi_tracker | 2026-02-05 21:00 | 2026-02-06 01:00 | missing
            s2 | A | ssd         | 2026-02-05 21:00 | 2026-02-06 01:00 | missing
            t3 | A | rhi_tracker | 2026-03-05 21:00 | 2026-03-06 01:00 | away
            t4 | B | rhi_tracker | 2026-01-05 21:00 | 2026-01-06 01:00 | -
            s5 | C | ssd         | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            """,
            interviews=interviews("""
                R1 | A | t1 | completed
                R2 | A | t2 | declined
                S2 | A | s2 | not_offered_other
                R3 | A | t3 | completed
                R4 | B | t4 | accepted_not_held
                S5 | C | s5 | completed
                S6 | C | -  | completed
                -  | C | s5 | completed
            """),
        ),
        observed_until=UNTIL,
    )
    side = found.summary().set_index("measure")
    assert side.loc["offered_last"].tolist()[1:] == [2, 1, 3]
    assert side.loc["accepted_last"].tolist()[1:] == [1, 1, 2]
    assert told(found, "offered_last") == {"rhi_tracker": {"elsewhere": -1}} | {
        "ssd": {"last_interview": -1, "elsewhere": -1}
    }
    assert told(found, "accepted_last") == {"rhi_tracker": {"elsewhere": -1}, "ssd": {"elsewhere": -1}}


def test_a_last_absence_that_another_system_has_later_is_told() -> None:
    found = reconcile(
        records(
            """
            s1 | A | ssd         | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            t2 | A | rhi_tracker | 2026-02-05 21:00 | 2026-02-06 01:00 | missing
            """,
            interviews=interviews("S1 | A | s1 | completed\nR2 | A | t2 | not_offered_other"),
        ),
        observed_until=UNTIL,
    )
    assert told(found, "offered_last") == {"rhi_tracker": {}, "ssd": {"last_interview": 1}}


# --- Annex A -----------------------------------------------------------------------------------------------------

SIX = """
    s1 | A | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
    s2 | A | ssd | 2026-01-06 00:30 | 2026-01-06 02:00 | missing
    s3 | A | ssd | 2026-02-05 21:00 | 2026-02-06 01:00 | missing
    s4 | A | ssd | 2026-03-05 21:00 | 2026-03-06 01:00 | missing
    s5 | A | ssd | 2026-04-05 21:00 | 2026-04-06 01:00 | away
    s6 | A | ssd | 2025-10-30 21:00 | 2025-11-02 01:00 | missing
    p7 | A | police | 2026-05-05 21:00 | 2026-05-06 01:00 | no_apparent_risk
"""
IN_MARCH = frame("A | 2026-03-01 | -", "child_id started_on ended_on")
ALWAYS = frame("A | 2020-03-01 | -", "child_id started_on ended_on")


@pytest.mark.parametrize(
    ("missing", "away", "placements", "reasons"),
    [
        (3, 1, ALWAYS, ({}, {})),
        (4, 1, ALWAYS, ({"joined": 1}, {})),  # the rows of SSD
        (1, 1, IN_MARCH, ({"outside_placement": -2}, {})),
        (5, 1, ALWAYS, ({"unexplained": 2}, {})),
        (3, 2, ALWAYS, ({}, {"category": 1})),  # no apparent risk counted as absent
        (1, 3, ALWAYS, ({"category": -2}, {"category": 2})),  # two that were missing counted as absent
        (3, 5, ALWAYS, ({}, {"unexplained": 4})),
        (2, 1, ALWAYS, ({"unexplained": -1}, {})),
        (1, 1, ALWAYS, ({"grouped": -2}, {})),
        (None, 1, ALWAYS, ({}, {})),
    ],
)
def test_what_a_number_of_the_list_counts_is_found_out(
    missing: int | None, away: int, placements: pd.DataFrame, reasons: tuple[dict[str, int], dict[str, int]]
) -> None:
    children = listed(f"A | {'-' if missing is None else missing} | {away} | - | -")
    found = reconcile(records(SIX, children=children, placements=placements), observed_until=UNTIL)
    if missing is not None:
        assert told(found, "missing")["annex_a"] == reasons[0]
    assert told(found, "away")["annex_a"] == reasons[1]
    whole = dict(told(found)["annex_a"])
    assert sum(whole.values()) == (missing or 0) + away - 5


def test_rows_of_a_placement_are_counted_before_they_are_joined() -> None:
    text = """
        s1 | A | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
        s2 | A | ssd | 2026-03-05 21:00 | 2026-03-06 01:00 | missing
        s3 | A | ssd | 2026-03-06 00:30 | 2026-03-06 02:00 | missing
        s4 | A | ssd | 2026-03-06 00:40 | 2026-03-06 02:00 | missing
    """
    found = reconcile(records(text, children=listed("A | 3 | 0 | - | -"), placements=IN_MARCH), observed_until=UNTIL)
    assert told(found, "missing")["annex_a"] == {"joined": 2, "outside_placement": -1}


def test_what_began_before_the_window_and_ended_in_it_is_on_its_edge() -> None:
    found = reconcile(
        records("s1 | A | ssd | 2025-10-30 21:00 | 2025-11-02 01:00 | missing", children=listed("A | 1 | 0 | - | -")),
        observed_until=UNTIL,
    )
    assert told(found) == {"annex_a": {"window_edge": 1}, "ssd": {}}
    assert told(found, "children") == {"annex_a": {"window_edge": 1}, "ssd": {}}


def test_a_query_that_counts_one_in_each_group_is_known_by_all_its_ones() -> None:
    lines, kids = [], []
    for child in "ABC":
        for month in (1, 2, 3):
            stamp = f"2026-0{month}-05"
            lines.append(f"{child}{month} | {child} | ssd | {stamp} 21:00 | {stamp} 23:00 | missing")
        kids.append(f"{child} | 1 | 0 | - | -")
    placed = frame("A | 2026-03-01 | -\nB | 2026-03-01 | -\nC | 2026-03-01 | -", "child_id started_on ended_on")
    found = reconcile(
        records("\n".join(lines), children=listed("\n".join(kids)), placements=placed), observed_until=UNTIL
    )
    assert told(found, "missing")["annex_a"] == {"grouped": -6}
    assert "nobody has more than 1" in found.explain()


def test_children_who_are_not_on_the_list_are_told_apart() -> None:
    found = reconcile(
        records(
            """
            s1 | A | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            s2 | B | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            s3 | C | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | away
            """,
            children=listed("A | 1 | 0 | - | -\nB | - | - | - | -"),
            placements=frame("A | 2020-01-01 | -\nB | 2020-01-01 | 2026-02-01", "child_id started_on ended_on"),
        ),
        observed_until=UNTIL,
    )
    assert told(found)["annex_a"] == {"not_on_list": -1, "outside_placement": -1}
    assert told(found, "children")["annex_a"] == {"not_on_list": -1, "outside_placement": -1}
    assert told(found, "missing")["annex_a"] == {"not_on_list": -1}


def test_a_list_without_the_four_columns_is_not_compared() -> None:
    children = pd.DataFrame({"child_id": ["A"]})
    found = reconcile(
        records("s1 | A | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing", children=children), observed_until=UNTIL
    )
    assert list(found.recorded) == ["ssd"]


def test_a_list_with_answers_alone_is_compared_by_them() -> None:
    children = listed("A | - | - | yes | no").drop(columns=["n_missing_12m", "n_away_12m"])
    found = reconcile(
        records("s1 | A | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing", children=children), observed_until=UNTIL
    )
    check(found)
    assert found.recorded["annex_a"] == {"offered_last", "accepted_last"}
    assert told(found, "offered_last") == {"annex_a": {"unexplained": 1}}
    assert "annex_a: 1 children offered an interview after their last absence, +1 against 0" in found.explain()


@pytest.mark.parametrize(
    ("answer", "first", "last", "reason"),
    [
        ("yes", "not_offered_other", "completed", {}),
        ("no", "completed", "not_offered_other", {}),
        ("yes", "completed", "not_offered_other", {"last_interview": 1}),  # the interview before
        ("no", "not_offered_other", "completed", {"last_interview": -1}),
        ("yes", "not_offered_other", "not_offered_other", {"unexplained": 1}),
        ("no", "completed", "completed", {"unexplained": -1}),
        ("unknown", "completed", "completed", {"not_answered": -1}),
        ("-", "completed", "completed", {"not_answered": -1}),
    ],
)
def test_the_answers_of_the_list_are_about_the_last_absence(
    answer: str, first: str, last: str, reason: dict[str, int]
) -> None:
    found = reconcile(
        records(
            """
            s1 | A | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing
            s2 | A | ssd | 2026-02-05 21:00 | 2026-02-06 01:00 | missing
            """,
            interviews=interviews(f"R1 | A | s1 | {first}\nR2 | A | s2 | {last}"),
            children=listed(f"A | 2 | 0 | {answer} | {answer}\nZ | 0 | 0 | no | no"),
        ),
        observed_until=UNTIL,
    )
    assert told(found, "offered_last")["annex_a"] == reason
    assert told(found, "accepted_last")["annex_a"] == reason


def test_answers_for_children_who_are_not_on_the_list() -> None:
    found = reconcile(
        records(
            "s1 | A | ssd | 2026-01-05 21:00 | 2026-01-06 01:00 | missing",
            interviews=interviews("R1 | A | s1 | completed"),
            children=listed("B | 0 | 0 | yes | no"),
        ),
        observed_until=UNTIL,
    )
    assert told(found, "offered_last")["annex_a"] == {"not_on_list": -1, "unexplained": 1}


# --- whole boroughs, and any numbers -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def borough(tmp_path_factory: pytest.TempPathFactory) -> tuple[schema.Records, Reconciliation]:
    folder: Path = tmp_path_factory.mktemp("reconcile")
    mp.make_borough(n_children=80, months=18, seed=5, ends_on=UNTIL).write(folder, also=("police", "annex_a"))
    read = mp.read_records(folder)
    return read, mp.reconcile(read, observed_until=UNTIL)


def test_a_borough_written_to_every_source_and_read_back_adds_up(
    borough: tuple[schema.Records, Reconciliation],
) -> None:
    read, found = borough
    check(found)
    assert list(found.recorded) == ["annex_a", "police", "rhi_tracker", "ssd", "ssda903"]
    side = found.summary().set_index("measure")
    assert side.at["absences", "rhi_tracker"] == side.at["absences", "ssd"] > 0
    parts = told(found)
    # Tracker and SSD hold the same absences; only persons of the police whom nobody knows come on top.
    unknown = read.incidents["child_id"].str.startswith("police:") & (read.incidents["missing_from"] >= found.since)
    assert parts["rhi_tracker"] == parts["ssd"] == ({"elsewhere": -int(unknown.sum())} if unknown.any() else {})
    assert set(parts["ssda903"]) == {"outside_placement"}
    assert set(parts["annex_a"]) <= {"outside_placement", "not_on_list", "category", "unexplained"}
    assert abs(parts["annex_a"].get("unexplained", 0)) <= 5  # the slips that were planted
    assert set(told(found, "away")["ssd"]) <= {"category"}


def test_nothing_that_is_shown_names_a_child(borough: tuple[schema.Records, Reconciliation]) -> None:
    read, found = borough
    shown = repr(found) + found.explain() + found.summary().to_string() + found.explained().to_string()
    ids = {*read.incidents["child_id"], *read.incidents["incident_id"]}
    assert not [i for i in ids if i in shown]
    assert {"child_id", "explanation"} <= set(found.differences().columns)


def test_the_chart_has_a_bar_for_each_system_and_the_episodes(
    borough: tuple[schema.Records, Reconciliation],
) -> None:
    _, found = borough
    ax = found.plot()
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels == ["annex_a", "police", "rhi_tracker", "ssd", "ssda903", "recomputed"]
    side = found.summary().set_index("measure")
    assert [t.get_text() for t in ax.texts] == [f"{side.at['absences', s]:,}" for s in labels]
    assert found.plot(ax) is ax


@st.composite
def anything(draw: st.DrawFn) -> schema.Records:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from("ABC"),
                st.sampled_from(("ssd", "ssda903", "rhi_tracker", "police", None)),
                st.integers(-6, 30),
                st.one_of(st.none(), st.integers(0, 5)),
                st.sampled_from((*schema.CATEGORIES, None)),
            ),
            max_size=12,
        )
    )
    base = pd.Timestamp("2025-11-01")
    incidents = pd.DataFrame(
        {
            "incident_id": [f"i{k}" if k % 5 else None for k in range(len(rows))],
            "child_id": pd.Series([r[0] for r in rows], dtype=object),
            "source": pd.Series([r[1] for r in rows], dtype=object),
            "missing_from": pd.Series([base + r[2] * pd.Timedelta(hours=6) for r in rows], dtype="datetime64[us]"),
            "returned_at": pd.Series(
                [pd.NaT if r[3] is None else base + (r[2] + r[3]) * pd.Timedelta(hours=6) for r in rows],
                dtype="datetime64[us]",
            ),
            "category": pd.Series([r[4] for r in rows], dtype=object),
            "precision": ["day" if r[1] == "ssda903" else "minute" for r in rows],
        }
    )
    asked = draw(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(schema.STATUSES)), max_size=5))
    named = [(f"R{k}", rows[i][0], (f"i{i}",), s) for k, (i, s) in enumerate(asked) if i < len(rows)]
    number = st.one_of(st.none(), st.integers(0, 4))
    answer = st.sampled_from(("yes", "no", "unknown", None))
    kids = draw(st.lists(st.tuples(number, number, answer, answer), min_size=3, max_size=3))
    children = pd.DataFrame(
        {
            "child_id": list("ABD"),
            "n_missing_12m": pd.array([k[0] for k in kids], dtype="Int64"),
            "n_away_12m": pd.array([k[1] for k in kids], dtype="Int64"),
            "rhi_offered_last": pd.Series([k[2] for k in kids], dtype=object),
            "rhi_accepted_last": pd.Series([k[3] for k in kids], dtype=object),
        }
    )
    placements = frame("A | 2025-11-02 | 2025-11-04\nB | 2025-10-01 | -", "child_id started_on ended_on")
    return schema.Records(
        incidents=incidents,
        interviews=pd.DataFrame(named, columns=["interview_id", "child_id", "incident_ids", "status"]),
        children=children,
        placements=placements if draw(st.booleans()) else placements[:0],
    )


@settings(deadline=None, max_examples=15, phases=[Phase.generate])
@given(anything(), st.sampled_from((None, 2026)))
def test_whatever_the_numbers_are_the_parts_add_up(given_records: schema.Records, year: int | None) -> None:
    before = given_records.incidents.copy(deep=True)
    found = reconcile(given_records, observed_until="2025-11-06", collection_year=year)
    check(found)
    assert found.explain()
    pd.testing.assert_frame_equal(given_records.incidents, before)


def test_no_records_at_all() -> None:
    empty = schema.Records(incidents=schema.empty(schema.INCIDENTS))
    found = reconcile(empty, observed_until=UNTIL)
    assert repr(found) == (
        "Reconciliation: 0 absences of 0 children in 12 months to 2026-10-31; systems: none; unexplained: 0"
    )
    assert len(found.explained()) == len(found.differences()) == 0
    assert found.summary()["recomputed"].tolist() == [0] * len(MEASURES)
    assert found.explain().startswith("All records together show 0 absences of 0 children")
    assert found.plot().get_legend() is None


@pytest.mark.parametrize("year", [1999, "2026", True, 20.5])
def test_a_year_that_is_none_is_refused(year: Any) -> None:
    some = records("s1 | A | ssd | 2026-01-05 21:00 | - | missing")
    with pytest.raises(ArgumentRefused, match="collection_year must be a year"):
        reconcile(some, observed_until=UNTIL, collection_year=year)


def test_anything_but_records_is_refused() -> None:
    with pytest.raises(ArgumentRefused, match="records must be Records"):
        reconcile(pd.DataFrame(), observed_until=UNTIL)  # type: ignore[arg-type]
