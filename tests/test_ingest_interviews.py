"""Interviews and persons across tables: whose they are, when they were, and what only a date says of them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from missing_patterns import schema
from missing_patterns.ingest import read_records

TRACKER = """name = "ours"
[[table]]
name = "tracker"
becomes = ["incidents", "interviews", "children"]
recognise = ["incident_id", "child_id", "missing_from"]
[table.columns]
incident_id = ["Ref"]
child_id = ["Child ID"]
birth_month = ["DOB"]
sex = ["Gender"]
missing_from = ["From"]
returned_at = ["To"]
police_ref = ["Police ref"]
held_at = ["RHI date"]
offered_at = ["RHI offered"]
status = ["Status"]
other_refs = ["Covers"]
[table.values.sex]
male = ["M"]
female = ["F"]
[table.values.status]
completed = ["Completed"]
offered_pending = ["Booked"]
[[table]]
name = "talks"
becomes = ["interviews"]
recognise = ["child_id", "incident_ids"]
[table.columns]
child_id = ["Child"]
incident_ids = ["For ref"]
held_at = ["Held"]
status = ["Outcome"]
[table.values.status]
completed = ["Completed"]
offered_pending = ["Booked"]
"""


def read(folder: Path, **texts: str) -> schema.Records:
    (folder / "ours.toml").write_text(TRACKER)
    paths = []
    for name, text in texts.items():
        path = folder / f"{name}.csv"
        path.write_text("\n".join(text.split("|")) + "\n")
        at = pd.Timestamp("2026-03-01 12:00", tz="Europe/London").timestamp()
        os.utime(path, (at, at))
        paths.append(path)
    records = read_records(paths, profile=folder / "ours.toml")
    sums = records.accounting
    assert (sums["n_rows"] == sums["n_accepted"] + sums["n_quarantined"] + sums["n_not_data"]).all()
    return records


def told(records: schema.Records) -> Counter[str]:
    return Counter(records.problems["rule"])


START = "Ref,Child ID,From,To"
TALKS = "Child,For ref,Held,Outcome"


@pytest.mark.parametrize(
    ("held", "end", "is_aside", "is_late"),
    [
        ("15/01/2025", "14/01/2026 10:00", True, False),
        ("13/01/2026", "14/01/2026 10:00", True, False),
        ("14/01/2026", "14/01/2026 10:00", False, False),
        ("14/01/2026 09:59", "14/01/2026 10:00", True, False),
        ("17/01/2026 10:01", "14/01/2026 10:00", False, True),
        ("17/01/2026 10:00", "14/01/2026 10:00", False, False),
        ("12/01/2026", "", True, False),
        ("20/01/2026", "", False, False),
    ],
)
def test_interviews_of_their_own_are_held_against_the_return(
    tmp_path: Path, held: str, end: str, is_aside: bool, is_late: bool
) -> None:
    records = read(tmp_path, a=f"{START}|R1,C1,13/01/2026 10:00,{end}", i=f"{TALKS}|C1,R1,{held},Completed")
    assert told(records)["MP-INTERVIEW-BEFORE-RETURN"] == is_aside == len(records.quarantine)
    assert told(records)["MP-INTERVIEW-LATE"] == is_late
    assert len(records.interviews) == (not is_aside)


def test_a_reference_leads_to_the_childs_own_incident_only(tmp_path: Path) -> None:
    row = "13/01/2026 10:00,14/01/2026 10:00"
    talks = "|".join(f"{c},1,15/01/2026,Completed" for c in ("C1", "C2", "C3"))
    records = read(tmp_path, a=f"{START}|1,C1,{row}", b=f"{START}|1,C2,{row}", i=f"{TALKS}|{talks}")
    child = dict(zip(records.incidents["incident_id"], records.incidents["child_id"], strict=True))
    tied = [(c, v) for c, v in zip(records.interviews["child_id"], records.interviews["incident_ids"], strict=True)]
    for c, ids in tied[:2]:
        assert [child[i] for i in ids] == [c]
    assert told(records)["MP-REF-NOT-FOUND"] == 1


@pytest.mark.parametrize("apart", [True, False])
def test_an_unknown_reference_is_no_id_of_another_child(tmp_path: Path, apart: bool) -> None:
    row = "13/01/2026 10:00,14/01/2026 10:00"
    if apart:
        records = read(tmp_path, a=f"{START}|45,C1,{row}", i=f"{TALKS}|C2,45,15/01/2026,Completed|C2,77,,Completed")
        assert [v or None for v in records.interviews["incident_ids"]] == [None, ("77",)]
    else:
        records = read(
            tmp_path, a=f"{START},Status,Covers|45,C1,{row},,|46,C2,{row},Completed,45|47,C2,{row},Completed,46"
        )
        ids = dict(zip(records.interviews["child_id"], records.interviews["incident_ids"], strict=True))
        assert ids["C2"] == ("47", "46")
        assert ("46",) in list(records.interviews["incident_ids"])
    assert told(records)["MP-REF-NOT-FOUND"] == 1 + apart


def test_answers_and_dates_of_an_offer_may_be_mixed(tmp_path: Path) -> None:
    rows = [f"R{n},C{n},1{n}/01/2026 10:00,1{n}/01/2026 20:00,{v}" for n, v in enumerate(["Y", "No", "17/01/2026", ""])]
    records = read(tmp_path, a="|".join([f"{START},RHI offered", *rows]))
    assert list(records.interviews["status"]) == ["offered_pending", "not_offered_other", "unknown"]
    assert list(records.interviews["offered_at"].notna()) == [False, False, True]
    assert not told(records)["MP-DATE-IS-WORDS"]
    assert not len(records.quarantine)
    records = read(tmp_path, a="|".join([f"{START},RHI date", *rows]))
    assert list(records.interviews["status"]) == ["completed", "unknown", "completed"]
    assert told(records)["MP-STATUS-FROM-DATE"] == 1
    assert not len(records.quarantine)


@pytest.mark.parametrize("status", [None, "", "Booked", "Completed"])
@pytest.mark.parametrize("held", ["17/01/2026", "17/04/2026"])
def test_a_date_says_that_it_was_held_or_is_booked(tmp_path: Path, status: str | None, held: str) -> None:
    has = status is not None
    text = f"{START},RHI date{',Status' * has}|R1,C1,13/01/2026 10:00,14/01/2026 10:00,{held}{f',{status}' * has}"
    records = read(tmp_path, a=text)
    is_ahead = held.startswith("17/04")
    rules = told(records)
    assert rules["MP-FUTURE-DATE"] == len(records.quarantine) == (is_ahead and status == "Completed")
    assert rules["MP-INTERVIEW-PLANNED"] == (is_ahead and status != "Completed")
    assert rules["MP-STATUS-FROM-DATE"] == (not is_ahead and not status)
    if not len(records.quarantine):
        rung = {"Booked": "offered_pending", "Completed": "completed"}.get(
            status or "", "unknown" if is_ahead else "completed"
        )
        assert list(records.interviews["status"]) == [rung]
        assert list(records.interviews["held_at"].isna()) == [is_ahead]


def test_an_offer_in_the_future_is_still_set_aside(tmp_path: Path) -> None:
    text = f"{START},RHI offered|R1,C1,13/01/2026 10:00,14/01/2026 10:00,17/04/2026"
    assert told(read(tmp_path, a=text))["MP-FUTURE-DATE"] == 1


@pytest.mark.parametrize(
    ("birth", "sex", "rules"),
    [
        ("13/05/2011", "M", {"MP-PERSON-UNCLEAR": 2}),
        ("13/05/2011", "F", {"MP-CHILD-BY-REFERENCE": 2, "MP-DOB-DIFFERS": 1}),
        ("01/02/2012", "M", {"MP-CHILD-BY-REFERENCE": 2, "MP-SEX-DIFFERS": 1}),
        ("01/02/2012", "F", {"MP-CHILD-BY-REFERENCE": 2}),
    ],
)
def test_a_person_of_another_birth_and_sex_is_not_the_child(
    tmp_path: Path, birth: str, sex: str, rules: dict[str, int]
) -> None:
    (tmp_path / "t.csv").write_text(
        "Ref,Child ID,DOB,Gender,Date & time missing,Date & time returned,Police ref,RHI status\n"
        "R1,C1,01/02/2012,F,13/01/2026 10:00,13/01/2026 20:00,P1,Completed\n"
    )
    (tmp_path / "p.csv").write_text(
        "Police reference,Nominal ID,DOB,Sex,Last seen,Found,Risk\n"
        f"P1,777,{birth},{sex},13/01/2026 10:10,13/01/2026 20:00,High\n"
        f"P2,777,{birth},{sex},15/01/2026 10:10,15/01/2026 20:00,High\n"
    )
    records = read_records(tmp_path)
    names = ("MP-PERSON-UNCLEAR", "MP-CHILD-BY-REFERENCE", "MP-DOB-DIFFERS", "MP-SEX-DIFFERS")
    counts = {n: int(records.problems.loc[records.problems["rule"] == n, "line"].notna().sum()) for n in names}
    assert {n: c for n, c in counts.items() if c} == rules
    is_same = "MP-CHILD-BY-REFERENCE" in rules
    assert len(records.matches) == is_same
    assert records.incidents["child_id"].nunique() == 2 - is_same
    assert np.all(records.accounting["n_quarantined"] == 0)
