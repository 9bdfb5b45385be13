"""The borough as files: read back plainly, they say what the records say, in the shape that councils' files have."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from missing_patterns import schema
from missing_patterns.codebook import ANSWERS_NOT_TRIGGERS, fold, read_codebook
from missing_patterns.synthetic import Borough, make_borough, write_synthetic_data
from missing_patterns.synthetic import wordings as w
from missing_patterns.synthetic.data_card import data_card
from missing_patterns.synthetic.files import to_csv

KEPT = Path(__file__).parent.parent / "synthetic_data"
NAMES = ["return_interviews.xlsx", "Missing.csv", "Header.csv", "Episodes.csv", "ssd_missing.csv"]


@pytest.fixture(scope="module")
def borough() -> Borough:
    return make_borough(n_children=150, months=18, seed=2)


@pytest.fixture(scope="module")
def folder(borough: Borough, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files") / "made" / "here"
    assert borough.write(folder) == [folder / name for name in NAMES]
    return folder


def read_csv(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    assert b"\r" not in raw
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8")), strict=True))


@cache
def cells(path: Path) -> list[tuple[Any, ...]]:
    sheet = openpyxl.load_workbook(path)[w.SHEET]
    return list(sheet.iter_rows(values_only=True))


def tracker(folder: Path) -> list[dict[str, Any]]:
    rows = cells(folder / "return_interviews.xlsx")
    return [dict(zip(rows[3], row, strict=True)) for row in rows[4:-1]]


def moment(cell: Any) -> pd.Timestamp | None:
    if cell is None or isinstance(cell, dt.datetime):
        return None if cell is None else pd.Timestamp(cell)
    shape = "%d/%m/%Y %H:%M" if ":" in cell else "%d/%m/%Y"
    return pd.Timestamp(dt.datetime.strptime(cell, shape))  # noqa: DTZ007


def stamps(times: pd.Series) -> list[pd.Timestamp | None]:
    return [None if pd.isna(t) else t for t in times.dt.tz_localize(None)]


def back(words: dict[Any, Any], cell: Any) -> Any:
    return {said: code for code, said in words.items() if code != "unknown"}[cell]


def values(series: pd.Series) -> list[Any]:
    return [v if isinstance(v, tuple) else None if pd.isna(v) else v for v in series.astype(object)]


# --- The tracker


def test_the_tracker_has_a_title_above_its_header_and_a_total_below(folder: Path, borough: Borough) -> None:
    rows = cells(folder / "return_interviews.xlsx")
    n = len(borough.records.incidents)
    assert len(rows) == 4 + n + 1
    assert rows[0][0] == "Missing children and return home interviews"
    assert "Made-up data" in rows[1][0]
    assert set(rows[2]) == {None}
    assert rows[3] == (
        *("Ref", "Child ID", "DOB", "Gender", "Status with social care", "Date & time missing"),
        *("Date & time returned", "Reported", "Missing or away", "Police ref", "Police risk", "Missing from"),
        *("Placement type", "Home / carer ref", "In borough?", "Returned by", "RHI status", "RHI offered"),
        *("RHI date", "Attempts", "Reason declined", "Interviewer", "Independent?", "How held"),
        *("Other refs covered", "Triggers (all that apply)", "Main trigger", "Child's account"),
        *("Child feels they were missing?", "Harm while away?", "Actions"),
    )
    assert rows[-1][:2] == ("Total", n)
    assert set(rows[-1][2:]) == {None}


def test_the_tracker_says_what_the_incidents_say(folder: Path, borough: Borough) -> None:
    rows, incidents = tracker(folder), borough.records.incidents
    assert [r["Ref"] for r in rows] == incidents["incident_id"].tolist()
    assert [r["Child ID"] for r in rows] == incidents["child_id"].tolist()
    for header, column in {
        "Date & time missing": "missing_from",
        "Date & time returned": "returned_at",
        "Reported": "reported_at",
    }.items():
        assert [moment(r[header]) for r in rows] == stamps(incidents[column])
    for header, column, words in (
        ("Missing or away", "category", w.CATEGORY),
        ("Police risk", "risk_level", w.RISK),
        ("Missing from", "missing_from_setting", w.SETTING),
        ("Placement type", "placement_type", w.PLACEMENT),
        ("In borough?", "in_area", w.YES_NO),
        ("Returned by", "returned_by", w.RETURNED_BY),
    ):
        assert [back(words, r[header]) for r in rows] == values(incidents[column])
    assert [r["Police ref"] for r in rows] == values(incidents["police_ref"])
    assert [r["Home / carer ref"] for r in rows] == values(incidents["home_id"])


def test_the_tracker_says_what_the_children_are(folder: Path, borough: Borough) -> None:
    children = borough.records.children.set_index("child_id")
    born = borough.truth.children.set_index("child_id")["born_on"]
    for row in tracker(folder):
        child = children.loc[row["Child ID"]]
        assert moment(row["DOB"]) == born[row["Child ID"]]
        assert back(w.SEX, row["Gender"]) == child["sex"]
        assert back(w.CARE_STATUS, row["Status with social care"]) == child["care_status"]


def test_the_tracker_says_what_the_interviews_say(folder: Path, borough: Borough) -> None:
    book = read_codebook()
    interviews = {ids[0]: r for ids, r in zip(*_by_own(borough), strict=True)}
    for row in tracker(folder):
        interview = interviews.get(row["Ref"])
        fields = list(row.values())[16:]
        if interview is None:
            assert set(fields) == {None}
            continue
        status = interview["status"]
        assert row["RHI status"] is None if status == "unknown" else back(w.STATUS, row["RHI status"]) == status
        assert any(f is not None for f in fields)
        assert moment(row["RHI offered"]) == interview["offered_at"]
        assert moment(row["RHI date"]) == interview["held_at"]
        assert row["Attempts"] == interview["attempts"]
        assert row["Reason declined"] == interview["declined_reason"]
        assert row["Child's account"] == interview["narrative"]
        assert back(w.ROLE, row["Interviewer"]) == interview["interviewer_role"]
        assert back(w.YES_NO, row["Independent?"]) == interview["is_independent"]
        assert back(w.MODE, row["How held"]) == interview["mode"]
        assert back(w.HARM, row["Harm while away?"]) == interview["harm"]
        assert back(w.YES_NO, row["Child feels they were missing?"]) == interview["child_considers_missing"]
        assert tuple((row["Actions"] or "").split("; ")) == (interview["actions"] or ("",))
        assert tuple(x for x in (row["Other refs covered"] or "").split("; ") if x) == interview["incident_ids"][1:]
        assert _codes(row["Triggers (all that apply)"]) == interview["coded_triggers"]
        assert (book.find(row["Main trigger"]) if row["Main trigger"] else None) == interview["primary_trigger"]


def _by_own(borough: Borough) -> tuple[list[tuple[str, ...]], list[dict[str, Any]]]:
    frame = borough.records.interviews
    columns = {c: values(frame[c]) for c in frame.columns}
    for column in ("offered_at", "held_at"):
        columns[column] = stamps(frame[column])
    return list(frame["incident_ids"]), [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ]


def _codes(cell: str | None) -> tuple[str, ...] | None:
    """Read a multi-select cell by the codebook, as a person would."""
    if cell is None:
        return None
    found = [read_codebook().find(part) or ANSWERS_NOT_TRIGGERS[fold(part)] for part in cell.split(";")]
    return tuple(c for c in found if c != "asked_none")


def test_about_half_of_the_dates_were_typed_as_text(folder: Path) -> None:
    rows = tracker(folder)
    for header in ("DOB", "Date & time missing", "Date & time returned", "Reported", "RHI offered", "RHI date"):
        written = [r[header] for r in rows if r[header] is not None]
        assert 0.4 < sum(isinstance(x, str) for x in written) / len(written) < 0.6


def test_triggers_are_worded_as_labels_and_as_forms_word_them(folder: Path) -> None:
    labels = {fold(x) for x in read_codebook().table["label"]}
    parts = [p for r in tracker(folder) for p in (r["Triggers (all that apply)"] or "").split("; ") if p]
    known = [p for p in parts if fold(p) not in ANSWERS_NOT_TRIGGERS]
    assert 0.4 < sum(fold(p) in labels for p in known) / len(known) < 0.7
    assert max((r["Triggers (all that apply)"] or "").count(";") for r in tracker(folder)) >= 3


# --- SSDA903 and SSD


def day(text: str) -> pd.Timestamp | None:
    return moment(text) if text else None


def test_missing_csv_holds_the_absences_that_began_in_a_placement(folder: Path, borough: Borough) -> None:
    rows = read_csv(folder / "Missing.csv")
    assert list(rows[0]) == ["CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"]
    incidents, spells = borough.records.incidents, borough.records.placements
    expected = []
    for i in incidents.sort_values(["child_id", "missing_from"]).itertuples():
        went = i.missing_from.tz_localize(None)
        mine = spells[spells["child_id"] == i.child_id]
        if ((mine["started_on"] <= went) & (mine["ended_on"].isna() | (went < mine["ended_on"]))).any():
            returned = None if pd.isna(i.returned_at) else i.returned_at.tz_localize(None).normalize()
            expected.append((i.child_id, "M" if i.category == "missing" else "A", went.normalize(), returned))
    assert len(expected) > 50
    assert [(r["CHILD"], r["MISSING"], day(r["MIS_START"]), day(r["MIS_END"])) for r in rows] == expected
    assert {r["MISSING"] for r in rows} == {"M", "A"}


def test_the_903_files_agree_with_each_other(folder: Path, borough: Borough) -> None:
    missing, header, episodes = (read_csv(folder / f) for f in ("Missing.csv", "Header.csv", "Episodes.csv"))
    assert list(header[0]) == ["CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB"]
    assert list(episodes[0]) == [
        *("CHILD", "DECOM", "RNE", "LS", "CIN", "PLACE", "PLACE_PROVIDER", "DEC", "REC", "REASON_PLACE_CHANGE"),
        *("HOME_POST", "PL_POST", "URN"),
    ]
    born = {r["CHILD"]: r["DOB"] for r in header}
    assert len(born) == len(header)
    assert set(born) == {r["CHILD"] for r in episodes} == set(borough.records.placements["child_id"])
    assert all(born[r["CHILD"]] == r["DOB"] for r in missing)
    assert {r["SEX"] for r in header} <= {"F", "M", "U"}
    assert {r["ETHNIC"] for r in header} > {"WBRI", "NOBT"}
    assert all(r["HOME_POST"] == r["PL_POST"] == "" for r in episodes)
    for row in missing:  # rule 581: within a placement; rule 567: not ended before it began
        starts = day(row["MIS_START"])
        assert any(
            e["CHILD"] == row["CHILD"] and day(e["DECOM"]) <= starts and (not e["DEC"] or starts < day(e["DEC"]))  # type: ignore[operator]
            for e in episodes
        )
        assert not row["MIS_END"] or day(row["MIS_END"]) >= starts  # type: ignore[operator]


def test_episodes_csv_runs_on_from_placement_to_placement(folder: Path) -> None:
    before: dict[str, str] = {}
    for row in read_csv(folder / "Episodes.csv"):
        last = before if before.get("CHILD") == row["CHILD"] else {}
        assert row["RNE"] == ("P" if last else "S")
        assert not last or (last["DEC"], last["REC"]) == (row["DECOM"], "X1")
        assert (row["REC"] == "X1") == (row["REASON_PLACE_CHANGE"] != "")
        assert (row["DEC"] == "") == (row["REC"] == "")
        assert row["REC"] in ("", "X1", "E8", "E4A")
        assert row["CIN"][0] == "N"
        assert not last or last["CIN"] == row["CIN"]
        assert (row["URN"] != "") == (row["PLACE"] in ("K1", "K2", "K3", "S1"))
        before = row


def test_the_reason_for_ceasing_is_what_became_of_the_child(tmp_path: Path) -> None:
    made = make_borough(120, 24, 1)
    made.write(tmp_path)
    reason = made.records.children.set_index("child_id")["exit_reason"]
    found = {(r["REC"], reason[r["CHILD"]]) for r in read_csv(tmp_path / "Episodes.csv") if r["REC"] not in ("", "X1")}
    assert found == {("E8", "turned_18"), ("E4A", "left_care")}


def test_the_ssd_file_has_every_absence_with_the_same_minutes(folder: Path, borough: Borough) -> None:
    rows, incidents = read_csv(folder / "ssd_missing.csv"), borough.records.incidents
    assert list(rows[0]) == [
        "miss_table_id",
        "miss_person_id",
        "miss_missing_episode_start_date",
        "miss_missing_episode_type",
        "miss_missing_episode_end_date",
        "miss_missing_rhi_offered",
        "miss_missing_rhi_accepted",
    ]
    assert len({r["miss_table_id"] for r in rows}) == len(rows)
    assert [r["miss_person_id"] for r in rows] == incidents["child_id"].tolist()
    for name, column in (("start", "missing_from"), ("end", "returned_at")):
        read = [r[f"miss_missing_episode_{name}_date"] for r in rows]
        assert [pd.Timestamp(x) if x else None for x in read] == stamps(incidents[column])
    kinds = ["M" if c == "missing" else "A" for c in incidents["category"]]
    assert [r["miss_missing_episode_type"] for r in rows] == kinds


def test_the_ssd_flags_are_read_off_the_ladder(folder: Path, borough: Borough) -> None:
    status = {ids[0]: s for ids, s in borough.records.interviews[["incident_ids", "status"]].itertuples(index=False)}
    rows = read_csv(folder / "ssd_missing.csv")
    read = zip(borough.records.incidents["incident_id"], rows, strict=True)
    found = {(status.get(i, "-"), r["miss_missing_rhi_offered"], r["miss_missing_rhi_accepted"]) for i, r in read}
    allowed = {
        ("completed", "Y", "Y"),
        ("completed_partial", "Y", "Y"),
        ("covered_by_other", "Y", "Y"),
        ("declined", "Y", "N"),
        ("accepted_not_held", "Y", "N"),
        ("offered_pending", "Y", ""),
        ("not_offered_missing_again", "N", ""),
        ("not_offered_no_contact", "N", ""),
        ("not_offered_other", "N", ""),
        ("not_required", "NA", "NA"),
        ("unknown", "", ""),
        ("-", "", ""),
    }
    assert found <= allowed
    assert len(found) >= 10
    assert set(w.SSD_FLAGS) == set(w.STATUS) == {*schema.STATUSES, None} - {"not_due"}


# --- Writing


def test_the_same_borough_gives_the_same_bytes_and_is_not_changed_by_writing(borough: Borough, tmp_path: Path) -> None:
    before = {t: getattr(borough.records, t).copy() for t in ("incidents", "interviews", "children", "placements")}
    first = [hashlib.sha256(p.read_bytes()).hexdigest() for p in borough.write(tmp_path)]
    again = make_borough(n_children=150, months=18, seed=2).write(str(tmp_path))
    assert [hashlib.sha256(p.read_bytes()).hexdigest() for p in again] == first
    for name, frame in before.items():
        pd.testing.assert_frame_equal(getattr(borough.records, name), frame)


def test_a_borough_without_children_in_care_writes_headers_only(tmp_path: Path) -> None:
    seed = next(s for s in range(20) if make_borough(1, 1, s).records.placements.empty)
    make_borough(1, 1, seed).write(tmp_path)
    for name in ("Missing.csv", "Header.csv", "Episodes.csv"):
        assert len((tmp_path / name).read_text(encoding="utf-8").splitlines()) == 1


def test_csv_quotes_what_needs_it() -> None:
    assert to_csv(["a", "b"], [['x,"y"', None], ["é", 1]]) == 'a,b\n"x,""y""",\né,1\n'.encode()


# --- The folder synthetic_data


def test_the_folder_is_what_the_code_writes(tmp_path: Path) -> None:
    written = {p.relative_to(tmp_path).as_posix(): p for p in write_synthetic_data(tmp_path)}
    kept = {p.relative_to(KEPT).as_posix(): p for p in KEPT.rglob("*") if p.is_file()}
    assert set(written) == set(kept) - {"report.png"}  # the picture of the front page
    for name, path in written.items():
        if name.endswith(".xlsx"):
            # The container may be packed differently by another version of zlib; what is in it may not differ.
            assert cells(path) == cells(kept[name])
        else:
            assert path.read_bytes() == kept[name].read_bytes(), (
                f"{name} differs: write_synthetic_data('synthetic_data')"
            )


def test_the_truth_of_the_folder_is_about_its_files() -> None:
    episodes = read_csv(KEPT / "truth_episodes.csv")
    rows = tracker(KEPT / "borough")
    assert [e["incident_id"] for e in episodes] == [r["Ref"] for r in rows]
    children = {c["child_id"] for c in read_csv(KEPT / "truth_children.csv")}
    assert children == {r["Child ID"] for r in rows}
    assert {m["interview_id"] for m in read_csv(KEPT / "truth_mentions.csv")} == {
        f"RHI-{r['Ref']}" for r in rows if r["Child's account"]
    }
    for episode, row in zip(episodes, rows, strict=True):
        assert dt.datetime.fromisoformat(episode["missing_from"]).replace(tzinfo=None) == moment(
            row["Date & time missing"]
        )
        assert set(episode["triggers"].split(";")) <= set(read_codebook().codes)


def test_the_card_prints_the_calibration_and_says_what_it_is() -> None:
    card = (KEPT / "data_card.md").read_text(encoding="utf-8")
    for measure in make_borough(5, 2, 1).truth.calibration()["measure"]:
        assert f"| {measure} | " in card
    assert "**No real person is in these files.**" in card
    assert "not fitted to records" in card
    assert "| NO |" not in card


def test_the_card_of_a_short_borough_names_no_change() -> None:
    assert "from (none), 0 children" in data_card(make_borough(5, 2, 1))
