"""Each kind of file alone gives a report that says what it can, and says what is not recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

import missing_patterns as mp
from missing_patterns.report.html import render_html

MONTH = "2026-10"


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracts")
    mp.make_borough(n_children=250, months=18, seed=9).write(folder)
    return folder


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            ["Missing.csv"],
            {"duration": "Only the dates", "interviews": "hold no interview", "triggers": "No interview"},
        ),
        (
            ["Missing.csv", "Header.csv", "Episodes.csv"],
            {"when": "Only the dates", "types": "Types were not looked for"},
        ),
        (
            ["ssd_missing.csv"],
            {"duration": "within 24 hours", "interviews": "hold no date", "triggers": "No interview"},
        ),
        (
            ["return_interviews.xlsx"],
            {"duration": "within 24 hours", "interviews": "72 hours.", "triggers": "named most"},
        ),
    ],
    ids=["903-missing", "903", "ssd", "tracker"],
)
def test_each_source_alone_gives_a_report(extracts: Path, files: list[str], said: dict[str, str]) -> None:
    records = mp.read_records([extracts / name for name in files])
    report = mp.build_month(records, month=MONTH).to_dict()
    headlines = {s["id"]: s["headline"] for s in report["sections"]}
    assert {name: words in headlines[name] for name, words in said.items()} == dict.fromkeys(said, True), headlines
    assert "went missing in October 2026" in report["summary"][0]["text"]
    assert "</html>" in render_html(report)


def test_all_sources_together_count_as_the_tracker_alone(extracts: Path) -> None:
    """They describe the same absences, so the counts of the month must not depend on how many systems wrote them."""
    together = mp.build_month(mp.read_records(extracts), month=MONTH).to_dict()
    alone = mp.build_month(mp.read_records(extracts / "return_interviews.xlsx"), month=MONTH).to_dict()
    for section in ("numbers", "repeats", "concentration", "again", "duration", "triggers"):
        both = [next(s for s in report["sections"] if s["id"] == section)["headline"] for report in (together, alone)]
        assert both[0] == both[1]
