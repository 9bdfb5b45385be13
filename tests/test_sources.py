"""Each kind of file alone gives a report that says what it can, and says what is not recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

import missing_patterns as mp
from missing_patterns.errors import ArgumentRefused
from missing_patterns.report.html import render_html

MONTH = "2026-10"


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracts")
    mp.make_borough(n_children=250, months=18, seed=9).write(folder, also=("police", "annex_a"))
    return folder


@pytest.mark.parametrize(
    ("files", "said"),
    [
        # Coverage is measured of two of them, with dates only and with interviews; the rest run the same lines.
        pytest.param(
            ["Missing.csv"],
            {"duration": "Only the dates", "interviews": "hold no interview", "triggers": "No interview"},
            marks=pytest.mark.no_cover,
        ),
        (
            ["Missing.csv", "Header.csv", "Episodes.csv"],
            {"when": "Only the dates", "types": "Types were not looked for"},
        ),
        pytest.param(
            ["ssd_missing.csv"],
            {"duration": "within 24 hours", "interviews": "hold no date", "triggers": "No interview"},
            marks=pytest.mark.no_cover,
        ),
        (
            ["return_interviews.xlsx"],
            {"duration": "within 24 hours", "interviews": "72 hours.", "triggers": "named most"},
        ),
        pytest.param(
            ["police_reports.csv"],
            {"duration": "within 24 hours", "interviews": "hold no interview", "triggers": "No interview"},
            marks=pytest.mark.no_cover,
        ),
    ],
    ids=["903-missing", "903", "ssd", "tracker", "police"],
)
def test_each_source_alone_gives_a_report(extracts: Path, files: list[str], said: dict[str, str]) -> None:
    records = mp.read_records([extracts / name for name in files])
    report = mp.build_month(records, month=MONTH).to_dict()
    headlines = {s["id"]: s["headline"] for s in report["sections"]}
    assert {name: words in headlines[name] for name, words in said.items()} == dict.fromkeys(said, True), headlines
    assert "went missing in October 2026" in report["summary"][0]["text"]
    assert "</html>" in render_html(report)


@pytest.mark.no_cover
def test_all_sources_of_the_council_together_count_as_the_tracker_alone(extracts: Path) -> None:
    """They describe the same absences, so the counts of the month must not depend on how many systems wrote them."""
    council = [p for p in sorted(extracts.iterdir()) if p.name != "police_reports.csv"]
    together = mp.build_month(mp.read_records(council), month=MONTH).to_dict()
    alone = mp.build_month(mp.read_records(extracts / "return_interviews.xlsx"), month=MONTH).to_dict()
    for section in ("numbers", "repeats", "concentration", "again", "duration", "triggers"):
        both = [next(s for s in report["sections"] if s["id"] == section)["headline"] for report in (together, alone)]
        assert both[0] == both[1]


def test_the_police_count_fewer_than_the_council_and_name_no_child_of_its_own(extracts: Path) -> None:
    """Absences whose whereabouts were known were never reported; no apparent risk is not counted as missing."""
    police = mp.read_records(extracts / "police_reports.csv").incidents
    council = mp.read_records(extracts / "return_interviews.xlsx").incidents
    assert police["child_id"].str.startswith("police:").all()
    assert set(police["category"]) == {"missing", "no_apparent_risk"}
    assert len(police) < len(council)
    both = mp.read_records([extracts / "police_reports.csv", extracts / "return_interviews.xlsx"])
    named = set(police["police_ref"]) & set(council["police_ref"].dropna())
    assert (both.matches["matched_by"] == "reference").sum() == len(named) > 0
    strangers = both.incidents["child_id"].str.startswith("police:").to_numpy(dtype=bool)
    assert not both.incidents.loc[strangers, "police_ref"].isin(named).any()


def test_annex_a_alone_holds_no_absence_and_says_so(extracts: Path) -> None:
    records = mp.read_records(extracts / "annex_a.xlsx")
    assert len(records.children) == len(records.placements) > 0
    assert records.children["n_missing_12m"].sum() > 0
    with pytest.raises(ArgumentRefused, match="hold no episode"):
        mp.build_month(records, month=MONTH)
