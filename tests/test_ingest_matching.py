"""The same absence in several sources: by reference, by child and time, within the tolerance; told, not guessed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.errors import ArgumentRefused
from missing_patterns.ingest.across.matching import Matched, match_sources, rename_children, tell_matches
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.rules import RULES
from missing_patterns.schema import LONDON, MATCHES


def records(text: str) -> pd.DataFrame:
    """One record a line: id, child, source, from, to ("-" = no return), then name=value. A bare date has no time."""
    rows = []
    for line in text.strip().splitlines():
        ref, child, source, start, end, *more = [part.strip() for part in line.split("|")]
        row = {
            "incident_id": ref,
            "child_id": child,
            "source": source,
            "missing_from": _stamp(start),
            "returned_at": None if end == "-" else _stamp(end),
            "precision": "minute" if ":" in start else "day",
            "police_ref": None,
            **dict(part.split("=") for part in more),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _stamp(text: str) -> str:
    return f"2026-{text.replace(' ', 'T')}"


def groups(matched: Matched) -> list[str]:
    """The absences of several sources, each as its incidents."""
    table = matched.incidents
    named = table[table["absence_id"].notna()]
    return sorted("+".join(sorted(g["incident_id"])) for _, g in named.groupby("absence_id"))


def found(text: str, minutes: int = 60) -> list[str]:
    return groups(match_sources(records(text), minutes))


# --- by time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("01-05 21:00 | 01-05 23:00", True),  # the same
        ("01-05 22:00 | 01-05 22:30", True),  # nested
        ("01-05 22:00 | 01-05 22:00", True),  # of no length, inside
        ("01-05 22:59 | 01-06 03:00", True),  # overlapping by a minute
        ("01-05 23:00 | 01-06 03:00", True),  # touching: within any tolerance
        ("01-06 00:00 | 01-06 03:00", True),  # an hour late
        ("01-06 00:01 | 01-06 03:00", False),  # more than an hour late
        ("01-05 18:00 | 01-05 20:00", True),  # an hour early
        ("01-05 18:00 | 01-05 19:59", False),
        ("01-05 20:00 | -", True),  # a return that nobody wrote down
        ("01-04 22:00 | -", True),  # not back within a day
        ("01-04 19:59 | -", False),  # more than a day, and the hour of tolerance
        ("01-05 23:30 | -", True),
    ],
)
def test_records_of_two_sources_are_one_absence_where_they_overlap_or_nearly_do(other: str, same: bool) -> None:
    text = f"t | A | rhi_tracker | 01-05 21:00 | 01-05 23:00\ns | A | ssd | {other}"
    assert found(text) == (["s+t"] if same else [])


def test_the_tolerance_is_inclusive_and_may_be_none() -> None:
    text = "t | A | rhi_tracker | 01-05 21:00 | 01-05 23:00\ns | A | ssd | 01-05 23:30 | 01-06 03:00"
    assert found(text, 30) == ["s+t"]
    assert found(text, 29) == []
    assert found(text.replace("23:30", "23:00"), 0) == ["s+t"]


def test_other_children_and_records_of_one_source_are_never_the_same() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 21:00 | 01-05 23:00
        t2 | A | rhi_tracker | 01-05 22:00 | 01-05 23:30
        s1 | B | ssd         | 01-05 21:00 | 01-05 23:00
    """
    matched = match_sources(records(text))
    assert groups(matched) == []
    assert matched.incidents["absence_id"].isna().all()
    assert [n.detail for n in matched.notes] == [
        "rhi_tracker and ssd: 0 by reference, 0 by child and time; 2 and 1 records have no partner there"
    ]


@pytest.mark.parametrize(("end", "same"), [("01-06 02:00", "s1+t1+t2"), ("01-05 23:10", "s1+t1")])
def test_two_records_of_one_source_are_the_same_only_through_one_that_overlaps_both(end: str, same: str) -> None:
    text = f"""
        t1 | A | rhi_tracker | 01-05 21:00 | 01-05 23:00
        t2 | A | rhi_tracker | 01-05 23:30 | 01-06 02:00
        s1 | A | ssd         | 01-05 21:00 | {end}
    """
    assert found(text) == [same]


def test_a_near_record_takes_no_partner_from_one_that_overlaps() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 21:00 | 01-05 23:00
        s1 | A | ssd         | 01-05 21:10 | 01-05 23:00
        s2 | A | ssd         | 01-05 23:20 | 01-05 23:50
        t2 | A | rhi_tracker | 01-05 23:55 | 01-06 03:00
        s3 | A | ssd         | 01-06 00:10 | 01-06 03:00
    """
    assert found(text) == ["s1+t1", "s3+t2"]


def test_two_that_each_have_a_partner_are_not_joined_by_nearness() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 21:00 | 01-05 23:00
        p1 | A | police      | 01-05 21:10 | 01-05 23:00
        s2 | A | ssd         | 01-05 23:20 | 01-06 02:00
        q2 | A | other       | 01-05 23:20 | 01-06 02:00
    """
    assert found(text) == ["p1+t1", "q2+s2"]
    alone = text.replace("q2 | A", "q2 | B")
    assert found(alone) == ["p1+s2+t1"]


def test_the_nearest_is_taken_first() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 21:00 | 01-05 23:00
        s1 | A | ssd         | 01-05 20:00 | 01-05 20:20
        s2 | A | ssd         | 01-05 23:30 | 01-05 23:50
    """
    matched = match_sources(records(text))
    assert groups(matched) == ["s2+t1"]
    assert "1 of them only within the tolerance of 60 minutes" in matched.notes[0].detail


# --- by dates ----------------------------------------------------------------------------------------------------


def test_the_first_pair_of_dates_goes_with_the_first_of_the_same_dates() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 10:00 | 01-05 11:00
        t2 | A | rhi_tracker | 01-05 15:00 | 01-05 16:00
        q2 | A | ssd         | 01-05 15:10 | 01-05 16:00
        s1 | A | ssda903     | 01-05 | 01-05
        s2 | A | ssda903     | 01-05 | 01-05
        s3 | A | ssda903     | 01-05 | 01-05
        a1 | A | annex       | 01-05 | 01-05
        a2 | A | annex       | 01-05 | 01-05
        a3 | A | annex       | 01-05 | 01-05
    """
    assert found(text) == ["a1+s1+t1", "a2+q2+s2+t2", "a3+s3"]


@pytest.mark.parametrize(
    ("dates", "same"),
    [
        ("01-05 | 01-06", True),
        ("01-05 | -", True),  # the start alone
        ("01-04 | 01-08", True),  # around it
        ("01-06 | 01-06", False),  # the day of the return
        ("01-06 | 01-07", False),
        ("01-04 | 01-05", False),
        ("01-05 | 01-05", False),
    ],
)
def test_dates_overlap_if_they_share_more_than_the_day_on_which_one_ends(dates: str, same: bool) -> None:
    text = f"t | A | rhi_tracker | 01-05 21:00 | 01-06 01:00\ns | A | ssda903 | {dates}"
    assert found(text) == (["s+t"] if same else [])


def test_a_record_without_a_return_is_matched_by_the_date_of_its_start() -> None:
    text = "t | A | rhi_tracker | 01-05 21:00 | -\ns | A | ssda903 | 01-05 | 01-05"
    matched = match_sources(records(text))
    assert groups(matched) == ["s+t"]
    assert matched.matches["start_apart_minutes"].isna().all()
    assert "differ" not in matched.notes[0].detail


def test_dates_that_have_their_partner_take_no_second_one() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 10:00 | 01-05 11:00 | police_ref=P1
        s1 | A | ssda903     | 01-05 | 01-05             | police_ref=P1
        q0 | A | ssd         | 01-05 02:00 | 01-05 03:00
    """
    assert found(text) == ["s1+t1"]


# --- by reference ------------------------------------------------------------------------------------------------


def test_a_police_reference_is_the_own_reference_of_the_police() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=M/1
        m/1 | A | police     | 01-06 10:00 | 01-06 12:00
        t2 | A | rhi_tracker | 01-09 21:00 | 01-09 23:00 | police_ref=M/2
        x  | A | police      | 01-09 21:30 | 01-09 23:00 | police_ref=m/2
    """
    matched = match_sources(records(text))
    assert groups(matched) == ["m/1+t1", "t2+x"]
    assert matched.matches["matched_by"].tolist() == ["reference", "reference"]
    assert matched.matches["start_apart_minutes"].tolist() == [780.0, 30.0]
    assert matched.matches["end_apart_minutes"].tolist() == [780.0, 0.0]
    assert matched.notes[0].detail == (
        "police and rhi_tracker: 2 by reference, 0 by child and time; "
        "starts differ by 405 minutes in the median; 0 and 0 records have no partner there"
    )


def test_the_incidents_reference_counts_where_two_sources_use_it_for_one_child() -> None:
    table = records("""
        ssd:7 | A | ssd         | 01-05 21:00 | 01-05 22:00
        trk:7 | A | rhi_tracker | 01-06 03:00 | 01-06 04:00
        ssd:8 | A | ssd         | 02-05 21:00 | 02-05 22:00
        trk:8 | B | rhi_tracker | 02-05 21:00 | 02-05 22:00
    """)
    table["ref"] = table["incident_id"].str[-1]
    matched = match_sources(table)
    assert groups(matched) == ["ssd:7+trk:7"]
    assert matched.incidents["ref"].tolist() == ["7", "7", "8", "8"]


def test_a_reference_that_lies_more_than_a_day_apart_is_told_and_not_believed() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        P1 | A | police      | 01-06 23:00 | 01-07 01:00
        t2 | A | rhi_tracker | 03-05 21:00 | 03-05 23:00 | police_ref=P2
        P2 | A | police      | 03-06 23:01 | 03-07 01:00
        t3 | A | rhi_tracker | 05-05       | 05-06       | police_ref=P3
        P3 | A | police      | 05-08 10:00 | 05-08 11:00
    """
    matched = match_sources(records(text))
    assert groups(matched) == ["P1+t1"]
    assert [(n.rule, n.rows) for n in matched.notes[1:]] == [("ref_far_apart", (2, 3, 4, 5))]


def test_a_reference_comes_before_an_overlap_and_keeps_a_second_record_of_the_source_out() -> None:
    text = """
        t1 | A | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        P1 | A | police      | 01-06 00:00 | 01-06 01:00
        P2 | A | police      | 01-05 22:00 | 01-05 23:30
    """
    assert found(text) == ["P1+t1"]
    assert found(text.replace("police_ref=P1", "police_ref=")) == ["P2+t1"]


# --- the police's persons ----------------------------------------------------------------------------------------


def told(matched: Matched) -> dict[str, list[str]]:
    """Which incidents each note names, by its rule."""
    ids = matched.incidents["incident_id"]
    return {n.rule: ids.iloc[list(n.rows)].tolist() for n in matched.notes if n.rows}


def test_a_police_person_takes_the_councils_id_of_the_child() -> None:
    text = """
        t1 | C1 | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        t2 | C1 | rhi_tracker | 01-09 21:00 | 01-09 23:00
        P1 | police:7 | police | 01-05 21:10 | 01-05 23:00
        P2 | police:7 | police | 01-09 21:10 | 01-09 23:00
        P3 | police:8 | police | 01-09 21:10 | 01-09 23:00
    """
    table = records(text)
    matched = match_sources(table)
    assert matched.incidents["child_id"].tolist() == ["C1", "C1", "C1", "C1", "police:8"]
    assert groups(matched) == ["P1+t1", "P2+t2"]
    assert told(matched) == {"child_by_reference": ["P1", "P2"], "person_unknown": ["P3"]}
    assert matched.children == {"police:7": "C1"}
    assert table["child_id"].tolist()[2] == "police:7"  # the input is not modified


def test_a_person_whose_references_lead_to_two_children_keeps_what_is_not_proven() -> None:
    text = """
        t1 | C1 | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        t2 | C2 | rhi_tracker | 01-09 21:00 | 01-09 23:00 | police_ref=P2
        P1 | police:7 | police | 01-05 21:10 | 01-05 23:00
        P2 | police:7 | police | 01-09 21:10 | 01-09 23:00
        P3 | police:7 | police | 01-12 21:10 | 01-12 23:00
    """
    matched = match_sources(records(text))
    assert matched.incidents["child_id"].tolist()[2:] == ["C1", "C2", "police:7"]
    assert told(matched) == {"child_by_reference": ["P1", "P2"], "person_unclear": ["P3"]}
    assert matched.children == {}


def test_two_persons_of_one_child_are_not_extended() -> None:
    text = """
        t1 | C1 | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        t2 | C1 | rhi_tracker | 01-09 21:00 | 01-09 23:00 | police_ref=P2
        P1 | police:7 | police | 01-05 21:10 | 01-05 23:00
        P2 | police:8 | police | 01-09 21:10 | 01-09 23:00
        P3 | police:8 | police | 01-12 21:10 | 01-12 23:00
    """
    matched = match_sources(records(text))
    assert matched.incidents["child_id"].tolist()[2:] == ["C1", "C1", "police:8"]
    assert told(matched)["person_unclear"] == ["P3"]


@pytest.mark.parametrize("persons", [("police:7", "police:8"), ("police:7", "police:7")])
def test_siblings_who_share_a_police_reference_are_not_told_apart_by_it(persons: tuple[str, str]) -> None:
    first, second = persons
    text = f"""
        t1 | C1 | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        t2 | C2 | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        x1 | {first}  | police | 01-05 21:10 | 01-05 23:00 | police_ref=P1
        x2 | {second} | police | 01-05 21:10 | 01-05 23:00 | police_ref=P1
    """
    matched = match_sources(records(text))
    assert groups(matched) == []
    assert told(matched) == {"person_unclear": ["x1", "x2"]}
    one = match_sources(records("\n".join(line for line in text.splitlines() if "t2" not in line)))
    assert groups(one) == ([] if first != second else ["t1+x1+x2"])


def test_a_reference_more_than_a_day_apart_says_nothing_of_the_person() -> None:
    text = """
        t1 | C1 | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        P1 | police:7 | police | 03-05 21:10 | 03-05 23:00
    """
    assert told(match_sources(records(text))) == {"person_unknown": ["P1"]}


def test_what_is_said_of_a_person_moves_with_the_records() -> None:
    before = records("""
        t1 | C1 | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        P1 | police:7 | police | 01-05 21:10 | 01-05 23:00
    """).assign(file=["t.csv", "p.csv"], sheet="", row=[1, 1], line=[2, 2])
    facts = pd.DataFrame(
        {
            "child_id": ["C1", "police:7", "police:7", "police:9"],
            "file": ["t.csv", "p.csv", "persons.csv", "persons.csv"],
            "sheet": "",
            "row": [1, 1, 4, 5],
        }
    )
    matched = match_sources(before)
    assert rename_children(facts, before, matched)["child_id"].tolist() == ["C1", "C1", "C1", "police:9"]
    assert facts["child_id"].tolist()[1] == "police:7"
    same = match_sources(before[:1])
    assert rename_children(facts, before[:1], same)["child_id"].tolist() == facts["child_id"].tolist()


# --- what is told ------------------------------------------------------------------------------------------------


def test_the_log_says_what_was_matched_with_counts_and_lines_and_no_ids() -> None:
    table = records("""
        SECRET1 | KIM9 | rhi_tracker | 01-05 21:00 | 01-05 23:00 | police_ref=P1
        P1 | police:7 | police | 01-05 21:10 | 01-05 23:00
        P5 | police:8 | police | 01-05 21:10 | 01-05 23:00
    """).assign(file=["t.csv", "p.csv", "p.csv"], sheet="", line=[2, 2, 3])
    matched = match_sources(table)
    log = Log()
    tell_matches(matched, log)
    problems = log.problems()
    assert problems["rule"].tolist() == [RULES[r].code for r in ("child_by_reference", "person_unknown", "matched")]
    assert [0 if pd.isna(line) else line for line in problems["line"]] == [2, 3, 0]
    assert problems["file"].tolist() == ["p.csv", "p.csv", ""]
    assert "1 by reference" in problems["message"].iloc[2]
    everything = repr(matched) + problems.to_string()
    assert not any(word in everything for word in ("SECRET1", "KIM9", "police:7"))


def test_one_source_has_nothing_to_match() -> None:
    for table in (records("t1 | A | ssd | 01-05 21:00 | 01-05 23:00"), records("t | A | s | 01-05 | -")[:0]):
        matched = match_sources(table)
        assert matched.incidents["absence_id"].isna().all()
        assert (len(matched.matches), matched.notes, matched.children) == (0, (), {})
        assert matched.matches.columns.tolist() == MATCHES.names


def test_records_without_a_source_are_a_source() -> None:
    table = records("t | A | x | 01-05 21:00 | 01-05 23:00\ns | A | ssd | 01-05 21:00 | 01-05 23:00")
    table["source"] = [None, "ssd"]
    matched = match_sources(table)
    assert groups(matched) == ["s+t"]
    assert matched.notes[0].detail.startswith("no source and ssd: ")


@pytest.mark.parametrize("minutes", [-1, 1.5, True, "60"])
def test_a_tolerance_that_is_no_number_of_minutes_is_refused(minutes: Any) -> None:
    with pytest.raises(ArgumentRefused, match="minutes must be a whole number from 0"):
        match_sources(records("t | A | ssd | 01-05 21:00 | -"), minutes)


def test_the_input_is_not_modified() -> None:
    table = records("t | A | x | 01-05 21:00 | 01-05 23:00\ns | A | ssd | 01-05 21:00 | 01-05 23:00")
    before = table.copy(deep=True)
    match_sources(table)
    pd.testing.assert_frame_equal(table, before)


# --- a slow plain twin -------------------------------------------------------------------------------------------

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
BASE = dt.datetime(2026, 1, 1)  # noqa: DTZ001


@st.composite
def several_sources(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from("AAB"),
                st.sampled_from(("police", "ssd", "rhi_tracker", "ssda903")),
                st.integers(0, 60),
                st.one_of(st.none(), st.integers(0, 14)),
                st.sampled_from((None, None, "P1", "P2")),
            ),
            min_size=1,
            max_size=10,
        )
    )
    frame = pd.DataFrame(
        {
            "incident_id": [f"i{k:02}" for k in range(len(rows))],
            "child_id": [r[0] for r in rows],
            "source": [r[1] for r in rows],
            "missing_from": [BASE + r[2] * 2 * HOUR for r in rows],
            "returned_at": [pd.NaT if r[3] is None else BASE + (r[2] * 2 + r[3] * 2) * HOUR for r in rows],
            "precision": ["day" if r[1] == "ssda903" else "minute" for r in rows],
            "police_ref": [r[4] for r in rows],
        }
    )
    is_day = frame["precision"] == "day"
    for column in ("missing_from", "returned_at"):
        stamps = frame[column].astype("datetime64[us]")
        frame[column] = stamps.where(~is_day, stamps.dt.normalize()).dt.tz_localize(LONDON)
    return frame


class Twin:
    """The same rules, one pair of records after the other."""

    def __init__(self, table: pd.DataFrame) -> None:
        rows = [
            {
                "id": r.incident_id,
                "child": r.child_id,
                "source": r.source,
                "start": r.missing_from.tz_localize(None),
                "end": None if pd.isna(r.returned_at) else r.returned_at.tz_localize(None),
                "is_day": r.precision == "day",
                "ref": r.police_ref if isinstance(r.police_ref, str) else None,
            }
            for r in table.itertuples()
        ]
        rows.sort(key=lambda r: (r["child"], r["start"], r["end"] or dt.datetime.min, r["source"], r["id"]))  # noqa: DTZ901
        for i, r in enumerate(rows):
            later = [o["start"] for o in rows[i + 1 :] if (o["child"], o["source"]) == (r["child"], r["source"])]
            r["last"] = r["end"] or min([r["start"] + DAY, *later[:1]])
            r["day0"], r["day1"] = r["start"].date(), r["end"] and r["end"].date()
            r["group"], r["loose"] = {i}, [False]
        self.rows = rows

    def gap(self, i: int, j: int) -> dt.timedelta:
        a, b = self.rows[i], self.rows[j]
        if a["is_day"] or b["is_day"]:
            return max(b["day0"] - (a["day1"] or a["day0"]), a["day0"] - (b["day1"] or b["day0"]))
        return -HOUR if a["start"] == b["start"] else max(b["start"] - a["last"], a["start"] - b["last"])

    def join(self, i: int, j: int, loose: bool) -> bool:
        a, b = self.rows[i], self.rows[j]
        if a["group"] is b["group"]:
            return False
        sources = [{self.rows[k]["source"] for k in r["group"]} for r in (a, b)]
        loose = loose or a["loose"][0] or b["loose"][0]
        if loose and sources[0] & sources[1]:
            return False
        both, flag = a["group"] | b["group"], [loose]
        for k in both:
            self.rows[k]["group"], self.rows[k]["loose"] = both, flag
        return True

    def run(self, minutes: int) -> list[str]:
        rows, n = self.rows, len(self.rows)
        pairs = [
            (i, j)
            for i in range(n)
            for j in range(i + 1, n)
            if rows[i]["child"] == rows[j]["child"] and rows[i]["source"] != rows[j]["source"]
        ]
        zero = dt.timedelta(0)
        named = [p for p in pairs if rows[p[0]]["ref"] and rows[p[0]]["ref"] == rows[p[1]]["ref"]]
        named = [p for p in named if self.gap(*p) <= DAY]
        for pair in sorted(named, key=lambda p: max(self.gap(*p), zero)):
            self.join(*pair, self.gap(*pair) >= zero)
        timed = [p for p in pairs if not (rows[p[0]]["is_day"] or rows[p[1]]["is_day"])]
        for pair in timed:
            if self.gap(*pair) < zero:
                self.join(*pair, False)
        days = [i for i in range(n) if rows[i]["is_day"]]
        for by in (("day0", "day1"), ("day0",)):
            for by_day in (False, True):
                for i in days:
                    self.by_dates(i, by, by_day)
        for pair in pairs:
            if pair not in timed and self.gap(*pair) < zero:
                self.join(*pair, False)
        alone = {i for i in range(n) if len(rows[i]["group"]) == 1}
        near = [p for p in timed if alone & set(p) and zero <= self.gap(*p) <= minutes * dt.timedelta(minutes=1)]
        for i, j in sorted(near, key=lambda p: self.gap(*p)):
            if 1 in (len(rows[i]["group"]), len(rows[j]["group"])):
                self.join(i, j, True)
        return sorted({"+".join(sorted(rows[k]["id"] for k in r["group"])) for r in rows if len(r["group"]) > 1})

    def by_dates(self, i: int, by: tuple[str, ...], by_day: bool) -> None:
        mine = self.rows[i]
        if len(mine["group"]) > 1:
            return
        for j, other in enumerate(self.rows):
            same = all(other[name] == mine[name] for name in by) and other["child"] == mine["child"]
            if len(by) == 1:
                same = same and (mine["day1"] is None or other["day1"] is None)
            if not same or other["source"] == mine["source"] or other["is_day"] != by_day:
                continue
            several = len(by) == 2 and mine["day1"] is not None and mine["day0"] < mine["day1"]
            if self.join(i, j, not several):
                return


@settings(deadline=None, max_examples=60)
@given(several_sources(), st.sampled_from((0, 60, 240)))
def test_matching_equals_a_slow_plain_twin(table: pd.DataFrame, minutes: int) -> None:
    assert groups(match_sources(table, minutes)) == Twin(table).run(minutes)


@settings(deadline=None, max_examples=25)
@given(several_sources(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_and_an_unrelated_child_change_nothing(table: pd.DataFrame, rng: Any) -> None:
    order = list(range(len(table)))
    rng.shuffle(order)
    before = match_sources(table)
    shuffled = match_sources(table.iloc[order])
    assert groups(shuffled) == groups(before)
    named = [m.incidents.set_index("incident_id")["absence_id"].fillna("-").to_dict() for m in (before, shuffled)]
    assert named[0] == named[1]
    other = table.iloc[:1].assign(child_id="Z", incident_id="z")
    assert groups(match_sources(pd.concat([table, other], ignore_index=True))) == groups(before)


@settings(deadline=None, max_examples=25)
@given(several_sources())
def test_every_pair_is_of_one_child_two_sources_and_one_absence(table: pd.DataFrame) -> None:
    matched = match_sources(table)
    rows = matched.incidents.set_index("incident_id")
    for pair in matched.matches.itertuples():
        a, b = rows.loc[pair.incident_id], rows.loc[pair.other_incident_id]
        assert a["child_id"] == b["child_id"]
        assert a["source"] != b["source"]
        assert a["absence_id"] == b["absence_id"]
    paired = {*matched.matches["incident_id"], *matched.matches["other_incident_id"]}
    assert paired == set(rows.index[rows["absence_id"].notna()])
