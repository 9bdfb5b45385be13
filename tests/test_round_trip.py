"""A made-up borough, written as its sources would write it, comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.synthetic import Borough


@pytest.fixture(scope="module")
def borough() -> Borough:
    return mp.make_borough(n_children=60, months=12, seed=3)


@pytest.fixture(scope="module")
def folder(borough: Borough, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("borough")
    borough.write(path)
    return path


def assert_same(got: pd.DataFrame, expected: pd.DataFrame, table: schema.Table, less: tuple[str, ...] = ()) -> None:
    names = [c for c in table.names if c not in less]
    ordered = [f.sort_values(table.key)[names].reset_index(drop=True) for f in (got, expected)]
    pd.testing.assert_frame_equal(*ordered)


def test_the_tracker_gives_back_every_incident_and_interview(borough: Borough, folder: Path) -> None:
    records = mp.read_records(folder / "return_interviews.xlsx")
    assert len(records.quarantine) == 0
    assert_same(records.incidents, borough.records.incidents, schema.INCIDENTS, ("source",))
    assert_same(records.interviews, borough.records.interviews, schema.INTERVIEWS)


def test_the_dataset_gives_back_every_stamp(borough: Borough, folder: Path) -> None:
    got = mp.read_records(folder / "ssd_missing.csv").incidents
    names = ["child_id", "missing_from", "returned_at"]
    expected = borough.records.incidents[names]
    ordered = [f[names].sort_values(names[:2]).reset_index(drop=True) for f in (got, expected)]
    pd.testing.assert_frame_equal(*ordered)


def test_all_sources_together_add_up(borough: Borough, folder: Path) -> None:
    records = mp.read_records(folder)
    told = records.accounting
    assert (told["n_rows"] == told["n_accepted"] + told["n_quarantined"] + told["n_not_data"]).all()
    assert len(records.quarantine) == 0
    assert not (records.problems["outcome"] == "quarantined").any()
    n = records.incidents.groupby("source").size()
    assert n["rhi_tracker"] == n["ssd"] == len(borough.records.incidents)
    assert set(records.children["child_id"]) == set(borough.records.children["child_id"])
    assert records.incidents["incident_id"].is_unique
