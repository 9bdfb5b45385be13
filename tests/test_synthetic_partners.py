"""What the police and Ofsted hold of a made-up borough: the same absences, in their own words and numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import missing_patterns as mp
from missing_patterns.errors import ArgumentRefused
from missing_patterns.synthetic import Borough
from missing_patterns.synthetic.partners import ANNEX_HEADERS, KNOWN_TO_POLICE, POLICE_HEADERS


@pytest.fixture(scope="module")
def borough() -> Borough:
    return mp.make_borough(n_children=300, months=24, seed=3)


@pytest.fixture(scope="module")
def folder(borough: Borough, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("borough")
    names = [p.name for p in borough.write(path, also=["police", "annex_a"])]
    assert names[-2:] == ["police_reports.csv", "annex_a.xlsx"]
    return path


def police(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "police_reports.csv", dtype=str, keep_default_na=False)


def test_the_police_hold_the_absences_whose_number_the_council_has(borough: Borough, folder: Path) -> None:
    reports = police(folder)
    assert tuple(reports.columns) == POLICE_HEADERS
    incidents = borough.records.incidents
    known = incidents[(incidents["category"] != "away") & incidents["police_ref"].notna()]
    assert set(known["police_ref"]) <= set(reports["Police reference"])
    unknown = incidents[(incidents["category"] != "away") & incidents["police_ref"].isna()]
    assert (len(reports) - len(known)) / len(unknown) == pytest.approx(KNOWN_TO_POLICE, abs=0.15)
    assert reports["Police reference"].is_unique


def test_police_times_are_some_minutes_later_and_children_have_numbers_of_their_own(
    borough: Borough, folder: Path
) -> None:
    reports = police(folder).set_index("Police reference")
    incidents = borough.records.incidents.dropna(subset=["police_ref"]).set_index("police_ref")
    both = incidents.join(reports, how="inner")
    seen = pd.to_datetime(both["Last seen"], format="%d/%m/%Y %H:%M")
    apart = seen - both["missing_from"].dt.tz_localize(None)
    assert (apart >= pd.Timedelta(0)).all()
    assert pd.Timedelta("5min") < apart.mean() < pd.Timedelta("20min")
    assert both.groupby("child_id")["Nominal ID"].nunique().eq(1).all()
    assert not set(both["Nominal ID"]) & set(both["child_id"])


def test_list_8_counts_the_last_twelve_months_of_children_in_care(borough: Borough, folder: Path) -> None:
    sheets = pd.read_excel(folder / "annex_a.xlsx", sheet_name=None, engine="openpyxl")
    assert list(sheets) == ["Guidance", "List 8"]
    listed = sheets["List 8"].set_index("Child Unique ID")
    assert tuple(listed.columns) == ANNEX_HEADERS[1:]
    placements = borough.records.placements
    assert set(listed.index) == set(placements.loc[placements["ended_on"].isna(), "child_id"])
    incidents = borough.records.incidents
    recent = incidents[(incidents["missing_from"] >= "2025-11-01") & (incidents["category"] == "missing")]
    true = recent.groupby("child_id").size().reindex(listed.index, fill_value=0)
    given = listed[ANNEX_HEADERS[8]]
    assert ((true - given).isin([0, 1])).all()
    assert (true == given).mean() > 0.9
    assert listed.loc[given > 0, ANNEX_HEADERS[10]].isin(["a) Yes", "b) No", "c) Unknown"]).all()
    assert listed.loc[(given == 0) & (true == 0), ANNEX_HEADERS[10]].isna().all()


def test_the_same_borough_gives_the_same_bytes_and_nothing_else_changes(borough: Borough, tmp_path: Path) -> None:
    first = {p.name: p.read_bytes() for p in borough.write(tmp_path / "a", also=["police", "annex_a"])}
    again = {p.name: p.read_bytes() for p in borough.write(tmp_path / "b", also=["annex_a", "police"])}
    alone = {p.name: p.read_bytes() for p in borough.write(tmp_path / "c")}
    assert first == again
    assert {name: first[name] for name in alone} == alone


@pytest.mark.parametrize("also", ["police", ["polic"], [None]])
def test_only_known_partners_are_written(borough: Borough, tmp_path: Path, also: object) -> None:
    with pytest.raises(ArgumentRefused, match="police, annex_a"):
        borough.write(tmp_path, also)  # type: ignore[arg-type]
