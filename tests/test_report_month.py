"""The month: its figures are the records' figures, its sentences are its tables', and nothing small gets out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import missing_patterns as mp
from missing_patterns.errors import ArgumentRefused, DisclosureRefused
from missing_patterns.report import Month, build_month
from missing_patterns.schema import Records
from missing_patterns.settings import Settings, defaults

MONTH = "2026-10"


@pytest.fixture(scope="module")
def records() -> Records:
    return mp.make_borough(n_children=400, months=24, seed=4).records


@pytest.fixture(scope="module")
def report(records: Records) -> dict[str, Any]:
    return build_month(records, MONTH, made_up=True).to_dict()


def table_of(report: dict[str, Any], name: str) -> pd.DataFrame:
    for section in report["sections"]:
        for item in section["items"]:
            if item["table"]["id"] == name:
                columns = [c["name"] for c in item["table"]["columns"]]
                return pd.DataFrame(item["table"]["rows"], columns=columns)
    raise AssertionError(name)


def incidents(rows: str) -> pd.DataFrame:
    """Children and starts, one a line; each child returns after four hours."""
    pairs = [line.split(maxsplit=1) for line in rows.strip().split("\n")]
    start = pd.to_datetime([when for _, when in pairs])
    return pd.DataFrame(
        {"child_id": [c for c, _ in pairs], "missing_from": start, "returned_at": start + pd.Timedelta("4h")}
    )


def steady(per_month: int, last: int, months: int = 24) -> pd.DataFrame:
    """So many different children each month, with a month-to-month wobble of one, and another number in the last."""
    rows, child = [], 0
    for k in range(months):
        month = pd.Period(MONTH, "M") - (months - 1 - k)
        for day in range(last if k == months - 1 else per_month + k % 2):
            rows.append(
                {"child_id": f"K{child}", "missing_from": month.start_time + pd.Timedelta(days=day % 27, hours=20)}
            )
            child += 1
    frame = pd.DataFrame(rows)
    return frame.assign(returned_at=frame["missing_from"] + pd.Timedelta("3h"))


def test_counts_of_the_month_are_those_of_the_records(records: Records, report: dict[str, Any]) -> None:
    begun = records.incidents["missing_from"].dt.tz_localize(None).dt.to_period("M").astype(str)
    missing = records.incidents[(begun == MONTH) & (records.incidents["category"].fillna("missing") == "missing")]
    row = table_of(report, "month_compared").iloc[0]
    assert row["n_children"] == missing["child_id"].nunique()
    # Incidents of one child may overlap, so episodes are at most incidents.
    assert row["n_children"] <= row["n_episodes"] <= len(missing)


def test_every_section_answers_its_question_with_words_tables_and_caveats(report: dict[str, Any]) -> None:
    assert [s["id"] for s in report["sections"]] == [
        "numbers",
        "who",
        "repeats",
        "concentration",
        "again",
        "burden",
        "duration",
        "interviews",
        "triggers",
        "types",
        "when",
        "quality",
    ]
    for section in report["sections"]:
        assert section["question"].endswith("?")
        assert re.fullmatch(r"[A-Z0-9].*\.", section["headline"]), section["headline"]
        assert section["means"]
        assert section["does_not_mean"]
        for item in section["items"]:
            assert item["table"]["rows"] or item["table"]["id"] == "trigger_change"
            if "chart" in item:
                assert item["chart"]["headline"]
                assert item["chart"]["alt"].endswith(".")


def test_no_count_of_children_below_the_threshold_is_in_the_report(report: dict[str, Any]) -> None:
    small = [
        (section["id"], column["name"], value)
        for section in report["sections"]
        for item in section["items"]
        for column, *values in zip(item["table"]["columns"], *item["table"]["rows"], strict=True)
        for value in values
        if column["name"].startswith("n_children") and isinstance(value, int | float) and 0 < value < 5
    ]
    assert small == []
    assert "c" in json.dumps(report["sections"])


def test_the_threshold_of_the_settings_is_the_threshold_of_the_report(records: Records) -> None:
    strict = Settings(**defaults() | {"threshold": 30, "min_at_risk": 30})
    got = build_month(records, MONTH, strict).to_dict()
    values = [v for v in table_of(got, "children_by_month")["n_children"] if v != "c"]
    assert got["threshold"] == 30
    assert values
    assert min(v for v in values if v) >= 30


def test_nothing_of_a_child_is_in_the_report(records: Records, report: dict[str, Any]) -> None:
    text = json.dumps(report)
    for table in (records.incidents, records.interviews, records.children):
        for column in {"child_id", "incident_id", "interview_id", "police_ref", "home_id"} & set(table.columns):
            assert not [v for v in table[column].dropna().unique() if len(v) > 3 and v in text]
    assert not [n for n in records.interviews["narrative"].dropna().unique() if n[:40] in text]


def test_sentences_of_the_front_page_hold_the_figures_of_their_tables(report: dict[str, Any]) -> None:
    first = table_of(report, "month_compared").iloc[0]
    assert (
        f"{first['n_children']} children went missing in October 2026, in {first['n_episodes']} episodes"
        in (report["summary"][0]["text"])
    )
    ladder = table_of(report, "interview_ladder")
    spoken = next(s["text"] for s in report["summary"] if s["section"] == "interviews")
    assert f"Over the 12 months to October 2026, of {ladder['n_episodes'].iloc[0]} returns due" in spoken
    assert f"{ladder['share_of_due'].iloc[-1]:.0%} had it within 72 hours" in spoken
    known = {s["id"] for s in report["sections"]}
    assert {s["section"] for s in report["summary"]} | {f["section"] for f in report["key_figures"]} <= known


@pytest.fixture(scope="module")
def quiet_month() -> Month:
    return build_month(Records(steady(20, 20)), MONTH)


def test_a_planted_rise_is_said_and_nothing_planted_is_not(quiet_month: Month) -> None:
    quiet = quiet_month.to_dict()
    assert "within the usual range" in quiet["summary"][0]["text"]
    risen = build_month(Records(steady(20, 40)), MONTH).to_dict()
    assert "That is unusual" in risen["summary"][0]["text"]
    assert table_of(risen, "children_by_month")["signal"].iloc[-1].startswith("above the usual range")
    assert set(table_of(quiet, "children_by_month")["signal"]) == {"none"}


def test_a_planted_change_of_triggers_is_said() -> None:
    frame = steady(30, 30, months=18)
    frame["incident_id"] = [f"M{k}" for k in range(len(frame))]
    recent = frame["missing_from"] >= pd.Timestamp("2026-05-01")
    interviews = pd.DataFrame(
        {
            "interview_id": "I" + frame["incident_id"],
            "child_id": frame["child_id"],
            "incident_ids": [(i,) for i in frame["incident_id"]],
            "status": "completed",
            "held_at": frame["returned_at"] + pd.Timedelta("30h"),
            "coded_triggers": [("people_friends",) if r or k % 4 else ("care_move",) for k, r in enumerate(recent)],
        }
    )
    interviews.loc[recent, "coded_triggers"] = pd.Series(
        [("exploitation_criminal",)] * int(recent.sum()), index=frame.index[recent]
    )
    got = build_month(Records(frame, interviews), MONTH).to_dict()
    said = [s["text"] for s in got["summary"] if s["section"] == "triggers"]
    assert (
        "Criminal exploitation rose from 0% of interviews in the 12 months before to 100% in the last 6 months." in said
    )
    assert any(s.startswith("To be with friends fell from") for s in said)
    ladder = table_of(got, "interview_ladder")
    assert ladder["share_of_due"].tolist() == [1.0, 1.0, 1.0, 1.0]


@pytest.mark.no_cover
def test_the_change_planted_in_the_borough_of_the_demo_is_found() -> None:
    borough = mp.make_borough(n_children=800, months=36, seed=1)
    change = borough.truth.parameters["change"]
    got = build_month(borough.records, MONTH).to_dict()
    rows = table_of(got, "trigger_change").set_index("label")
    assert rows["verdict"][mp.read_codebook().label(change["code"])] == "rose"
    assert any("Criminal exploitation rose" in s["text"] for s in got["summary"])
    section = next(s for s in got["sections"] if s["id"] == "types")
    assert "criminal exploitation" in section["headline"]


@pytest.mark.no_cover
def test_two_planted_types_are_found_and_one_is_an_answer() -> None:
    frame = steady(10, 10, months=12)
    frame = pd.concat([frame.assign(missing_from=frame["missing_from"] + pd.Timedelta(days=k)) for k in (0, 1, 2)])
    frame["returned_at"] = frame["missing_from"] + pd.Timedelta("3h")
    frame["incident_id"] = [f"M{k}" for k in range(len(frame))]
    kind = frame["child_id"].str[1:].astype(int) % 2

    def interviews(codes: list[tuple[str, ...]]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "interview_id": "I" + frame["incident_id"],
                "child_id": frame["child_id"],
                "incident_ids": [(i,) for i in frame["incident_id"]],
                "status": "completed",
                "coded_triggers": codes,
            }
        )

    two = [("home_conflict",) if k else ("exploitation_criminal", "activity_substances") for k in kind]
    got = build_month(Records(frame, interviews(two)), MONTH).to_dict()
    assert table_of(got, "types")["type"].tolist() == ["Type 1", "Type 2", "In no type with certainty"]
    assert table_of(got, "type_profiles")["exploitation"].tolist() in ([0.0, 1.0], [1.0, 0.0])
    assert "2 types" in next(s["headline"] for s in got["sections"] if s["id"] == "types")
    one = build_month(Records(frame, interviews([("people_friends",)] * len(frame))), MONTH).to_dict()
    section = next(s for s in one["sections"] if s["id"] == "types")
    assert section["items"] == []
    assert section["headline"].startswith("No stable pattern")


@pytest.mark.no_cover
def test_what_began_after_the_month_changes_nothing(records: Records) -> None:
    until = pd.Timestamp("2026-05-01", tz="Europe/London")
    cut = Records(
        records.incidents[records.incidents["missing_from"] < until],
        records.interviews,
        records.children,
        records.placements,
    )
    assert build_month(records, "2026-04").to_dict() == build_month(cut, "2026-04").to_dict()


@pytest.mark.no_cover
def test_the_order_of_rows_changes_nothing_and_the_records_are_kept(records: Records, report: dict[str, Any]) -> None:
    tables = [records.incidents, records.interviews, records.children, records.placements]
    before = [t.copy() for t in tables]
    shuffled = Records(*(t.sample(frac=1.0, random_state=1) for t in tables))
    assert build_month(shuffled, MONTH, made_up=True).to_dict() == report
    for table, kept in zip(tables, before, strict=True):
        pd.testing.assert_frame_equal(table, kept)


@pytest.mark.no_cover
def test_relabelled_children_give_the_same_report(records: Records, report: dict[str, Any]) -> None:
    def relabel(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(child_id="Z" + table["child_id"].str[::-1])

    tables = (records.incidents, records.interviews, records.children, records.placements)
    assert build_month(Records(*(relabel(t) for t in tables)), MONTH, made_up=True).to_dict() == report


@pytest.mark.no_cover
@pytest.mark.parametrize("category", ["away", "no_apparent_risk"])
def test_other_categories_are_shown_beside_and_not_counted(category: str) -> None:
    frame = steady(20, 20)
    frame["category"] = "missing"
    extra = steady(8, 8).assign(category=category)
    extra["child_id"] = "X" + extra["child_id"]
    got = build_month(Records(pd.concat([frame, extra])), MONTH).to_dict()
    assert table_of(got, "month_compared")["n_children"].iloc[0] == 20
    rows = table_of(got, "by_category").set_index("group")["n_children"]
    assert rows.drop("Category not recorded").tolist() == [20, 8, 0] if category == "away" else [20, 0, 8]


def test_a_tiny_borough_withholds_nearly_everything_and_still_writes_sentences() -> None:
    got = build_month(Records(incidents("A 2026-10-01 20:00\nA 2026-10-05 21:00\nB 2026-09-05 21:00")), MONTH).to_dict()
    assert got["summary"][0]["text"] == "A withheld number of children went missing in October 2026."
    numbers = [
        value
        for section in got["sections"]
        for item in section["items"]
        if item["table"]["id"] not in {"rows_read"}
        for row in item["table"]["rows"]
        for value, column in zip(row, item["table"]["columns"], strict=True)
        if column["kind"] == "count" and value not in (None, "c", 0)
    ]
    assert numbers == []


def test_records_of_dates_only_and_without_interviews_give_a_report() -> None:
    frame = steady(20, 20).assign(precision="day")
    frame["missing_from"] = frame["missing_from"].dt.normalize()
    frame["returned_at"] = frame["missing_from"] + pd.Timedelta("1D")
    got = build_month(Records(frame), MONTH).to_dict()
    assert table_of(got, "month_compared")["n_children"].iloc[0] == 20
    headlines = {s["id"]: s["headline"] for s in got["sections"]}
    # Nothing recorded is said to be so: not nought, not withheld, and not a pattern that was looked for.
    assert headlines["duration"] == "Only the dates of these episodes are recorded, not the times."
    assert headlines["when"] == headlines["duration"]
    assert headlines["interviews"] == "These records hold no interview of any return in the period."
    assert headlines["triggers"] == "No interview in these records says anything about reasons."
    assert headlines["types"] == "Types were not looked for: reasons are known of too few children."
    assert not {"interviews", "triggers", "types"} & {s["section"] for s in got["summary"]}
    assert [f["label"] for f in got["key_figures"]] == ["Children missing", "Episodes", "Gone again within 28 days"]


def test_children_who_never_returned_have_no_gaps() -> None:
    frame = steady(20, 20).assign(returned_at=pd.NaT)
    got = build_month(Records(frame), MONTH).to_dict()
    section = next(s for s in got["sections"] if s["id"] == "again")
    assert section["headline"] == "These records hold no return that could be followed."
    assert section["items"] == []


@pytest.mark.no_cover
def test_a_month_before_the_records_is_refused_and_a_month_with_none_is_nought() -> None:
    frame = incidents("A 2026-09-01 20:00")
    with pytest.raises(
        ArgumentRefused, match="no episode of the categories counted .missing. that began in the 12 months to"
    ):
        build_month(Records(frame), "2026-08")
    with pytest.raises(ArgumentRefused, match="yyyy-mm"):
        build_month(Records(frame), "October")
    got = build_month(Records(frame), MONTH).to_dict()
    assert got["summary"][0]["text"].startswith("No children went missing in October 2026")


def test_measures_are_the_cells_of_the_tables(report: dict[str, Any]) -> None:
    frame = pd.DataFrame(report["measures"])
    assert set(frame["month"]) == {MONTH}
    months = table_of(report, "children_by_month")
    said = frame[frame["measure"] == "children_by_month"].set_index("group")["value"]
    assert said.to_dict() == dict(zip(months["month"], months["n_children"], strict=True))
    assert (frame["suppressed"] == (frame["value"] == "c")).all()


def test_a_failed_audit_refuses_to_build(monkeypatch: pytest.MonkeyPatch) -> None:
    from missing_patterns.disclosure.suppress import Treated

    found = pd.DataFrame({"table": ["who"], "row": [1]})
    monkeypatch.setattr(Treated, "audit", lambda _self: found)
    with pytest.raises(DisclosureRefused, match="who: 1"):
        build_month(Records(steady(20, 20)), MONTH)


def test_the_report_is_written_whole_in_four_forms(tmp_path: Path, quiet_month: Month) -> None:
    assert repr(quiet_month) == "Month 2026-10: 12 sections"
    written = quiet_month.write(tmp_path / "new" / "folder")
    assert [p.name for p in written] == [
        "missing_children_2026-10.html",
        "missing_children_2026-10.docx",
        "missing_children_2026-10.xlsx",
        "missing_children_2026-10_measures.csv",
    ]
    first = [p.read_bytes() for p in written]
    assert [p.read_bytes() for p in quiet_month.write(tmp_path / "new" / "folder")] == first
    assert sorted(p.name for p in written[0].parent.iterdir()) == sorted(p.name for p in written)


def test_a_report_that_cannot_be_rendered_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet_month: Month
) -> None:
    import missing_patterns.report.word

    def broken(_month: dict[str, Any]) -> bytes:
        raise OSError("disk")

    monkeypatch.setattr(missing_patterns.report.word, "render_word", broken)
    with pytest.raises(OSError, match="disk"):
        quiet_month.write(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_changed_copy_of_the_dict_does_not_change_the_month(quiet_month: Month) -> None:
    quiet_month.to_dict()["sections"].clear()
    assert len(quiet_month.to_dict()["sections"]) == 12


def test_a_point_of_a_curve_never_lies_a_few_children_from_the_last_one_shown() -> None:
    """Three of forty children go again within a week and none later: no point may show that three did."""
    frame = steady(40, 40, months=2)
    again = frame.iloc[:3].copy()
    again[["missing_from", "returned_at"]] += pd.Timedelta(days=3)
    got = build_month(Records(pd.concat([frame.iloc[:40], again])), "2026-09").to_dict()
    assert set(table_of(got, "again_by_day")["share_again"]) <= {"c", None}
    assert set(table_of(got, "mean_episodes")["mean_episodes"].iloc[1:]) <= {"c"}
    assert table_of(got, "again_curve")["share_again"].tolist() in ([], [0.0])
    assert "%" not in next(s["headline"] for s in got["sections"] if s["id"] == "again")


@pytest.mark.no_cover
def test_the_top_group_of_few_children_is_not_shown() -> None:
    rows = [("A", day) for day in range(1, 13)] + [(f"B{k}", 5) for k in range(59)]
    start = pd.to_datetime([f"2026-10-{day:02d} 20:00" for _, day in rows])
    frame = pd.DataFrame(
        {"child_id": [c for c, _ in rows], "missing_from": start, "returned_at": start + pd.Timedelta("2h")}
    )
    got = build_month(Records(frame), MONTH).to_dict()
    tops = table_of(got, "concentration").set_index("label")["value_shown"]
    assert tops.filter(like="top").tolist() == ["c", "24%", "32%"]
    few = build_month(Records(frame[:40]), MONTH).to_dict()
    section = next(s for s in few["sections"] if s["id"] == "concentration")
    assert section["headline"] == "There are too few children to say how concentrated episodes are."
    assert section["items"] == []


def test_shares_of_a_withheld_whole_are_withheld() -> None:
    from missing_patterns.report.section_interviews import _without_wholes

    frame = pd.DataFrame({"outcome": ["All due", "All offered", "Declined"], "n_episodes": ["c", 5, 5]})
    frame = frame.assign(share_of_due=0.71, lower=0.3, upper=0.9, share_of_offered=[None, 1.0, 1.0])
    got = _without_wholes(frame)
    assert set(got["share_of_due"]) == {"c"}
    assert got["share_of_offered"].fillna("").tolist() == ["", 1.0, 1.0]


def test_withheld_reasons_stand_last_and_the_first_is_not_called_the_first_of_all() -> None:
    frame = steady(12, 12, months=6)
    loud = pd.concat(
        [frame.iloc[[0]].assign(missing_from=frame["missing_from"].iloc[0] + pd.Timedelta(days=k)) for k in range(20)]
    )
    frame = pd.concat([frame, loud.assign(returned_at=loud["missing_from"] + pd.Timedelta("2h"))], ignore_index=True)
    frame["incident_id"] = [f"M{k}" for k in range(len(frame))]
    interviews = pd.DataFrame(
        {
            "interview_id": "I" + frame["incident_id"],
            "child_id": frame["child_id"],
            "incident_ids": [(i,) for i in frame["incident_id"]],
            "status": "completed",
            "held_at": frame["returned_at"] + pd.Timedelta("20h"),
            "coded_triggers": [
                ("care_move",) if c == "K0" else ("people_friends",) * (int(c[1:]) % 2) for c in frame["child_id"]
            ],
        }
    )
    got = build_month(Records(frame, interviews), "2026-10").to_dict()
    assert table_of(got, "trigger_codes_common")["label"].tolist() == ["To be with friends"]
    assert table_of(got, "trigger_codes_other")[["label", "share"]].to_numpy().tolist() == [
        ["Placement move or distance", "c"]
    ]
    headline = next(s["headline"] for s in got["sections"] if s["id"] == "triggers")
    assert headline.startswith("The reasons named most, of those that can be shown, are to be with friends")


@pytest.mark.no_cover
def test_one_interview_that_two_systems_hold_is_one() -> None:
    frame = steady(20, 20, months=3)
    frame["incident_id"] = [f"M{k}" for k in range(len(frame))]
    told = pd.DataFrame(
        {
            "interview_id": "I" + frame["incident_id"],
            "child_id": frame["child_id"],
            "incident_ids": [(i,) for i in frame["incident_id"]],
            "status": "completed",
            "held_at": frame["returned_at"] + pd.Timedelta("20h"),
            "coded_triggers": [("care_move",)] * len(frame),
        }
    )
    bare = told[["interview_id", "child_id", "incident_ids", "status"]].assign(interview_id="B" + told["interview_id"])
    got = build_month(Records(frame, pd.concat([told, bare])), MONTH).to_dict()
    section = next(s for s in got["sections"] if s["id"] == "triggers")
    (note,) = section["items"][0]["table"]["notes"]
    assert note == "Shares are of held interviews whose reasons are known."
    domains = table_of(got, "trigger_domains").set_index("label")
    assert domains.loc["Placement", ["n_interviews", "share"]].tolist() == [len(frame), 1.0]


def test_interviews_without_a_date_are_not_said_to_be_late() -> None:
    frame = steady(20, 20, months=3)
    frame["incident_id"] = [f"M{k}" for k in range(len(frame))]
    interviews = pd.DataFrame(
        {
            "interview_id": "I" + frame["incident_id"],
            "child_id": frame["child_id"],
            "incident_ids": [(i,) for i in frame["incident_id"]],
            "status": "completed",
        }
    )
    got = build_month(Records(frame, interviews), MONTH).to_dict()
    assert table_of(got, "interview_ladder")["rung"].tolist() == ["Due", "Offered", "Held"]
    headline = next(s["headline"] for s in got["sections"] if s["id"] == "interviews")
    assert headline.endswith("is not recorded: these files hold no date of an interview.")


@pytest.mark.no_cover
def test_a_range_is_not_given_where_many_months_are_withheld() -> None:
    rows = []
    for k in range(24):
        month = pd.Period(MONTH, "M") - (23 - k)
        n = 7 if k % 3 == 0 or k == 23 else 3
        rows += [
            {"child_id": f"K{k}-{j}", "missing_from": month.start_time + pd.Timedelta(days=j, hours=20)}
            for j in range(n)
        ]
    frame = pd.DataFrame(rows)
    got = build_month(Records(frame.assign(returned_at=frame["missing_from"] + pd.Timedelta("2h"))), MONTH).to_dict()
    assert table_of(got, "children_by_month")["upper"].isna().all()
    assert got["summary"][0]["text"] == "7 children went missing in October 2026, in 7 episodes."


@pytest.mark.no_cover
def test_records_that_begin_late_say_since_when() -> None:
    got = build_month(Records(steady(20, 20, months=3)), MONTH).to_dict()
    who = next(s for s in got["sections"] if s["id"] == "who")
    assert "August 2026 to October 2026" in who["items"][0]["table"]["caption"]
    first = build_month(Records(steady(20, 20, months=1)), MONTH).to_dict()
    who = next(s for s in first["sections"] if s["id"] == "who")
    assert who["items"][0]["table"]["caption"] == "Children and episodes by group, October 2026"
