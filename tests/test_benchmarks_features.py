"""The benchmark of features compares what is equal: ours and the peers, column by column, to the last digit."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest
from benchmarks import features, features_data, features_naive, features_pandas, features_polars, features_rolling

HISTORY = features_data.make_history(300, seed=4)


@pytest.fixture(scope="module")
def ours() -> pd.DataFrame:
    return features.build_ours(HISTORY)


def test_ours_and_vectorised_pandas_are_the_same(ours: pd.DataFrame) -> None:
    theirs = features_pandas.build(HISTORY)
    assert features.disagreeing(features.digests(ours), features.digests(theirs)) == []
    assert len(ours) > 250
    assert ours.shape[1] > 500


def test_ours_and_a_function_for_each_child_are_the_same() -> None:
    history = features_data.make_history(40, seed=5)
    theirs = features_naive.build(history)
    ours = features.build_ours(history, features_naive.names())
    assert features.disagreeing(features.digests(ours), features.digests(theirs)) == []


def test_ours_and_rolling_sums_are_the_same_where_triggers_are_dated_by_when_they_were_known() -> None:
    theirs = features_rolling.build(HISTORY)
    ours = features.build_ours(HISTORY, features_rolling.names(), by_known=True)
    assert features.disagreeing(features.digests(ours), features.digests(theirs)) == []


@pytest.mark.skipif(importlib.util.find_spec("polars") is None, reason="polars is a peer to measure, no dependency")
def test_ours_and_polars_are_the_same(ours: pd.DataFrame) -> None:
    theirs = features_polars.build(features_polars.convert(HISTORY))
    assert features.disagreeing(features.digests(ours), features.digests(theirs)) == []


def test_a_column_that_differs_in_the_last_digit_is_named(ours: pd.DataFrame) -> None:
    right = features.digests(ours)
    nearly = ours.assign(duration_hours=np.nextafter(ours["duration_hours"], np.inf), extra=1)
    assert features.disagreeing(right, features.digests(nearly)) == ["duration_hours", "extra"]


def test_histories_hold_what_makes_features_hard() -> None:
    episodes, interviews = HISTORY["episodes"], HISTORY["interviews"]
    sizes = episodes["child_id"].value_counts()
    assert sizes.iloc[: len(sizes) // 5].sum() / len(episodes) > 0.55
    assert episodes["returned_at"].isna().any()
    assert (episodes["precision"] == "day").any()
    assert interviews["incident_ids"].isna().any()
    assert (interviews["incident_ids"].str.len() > 1).any()
    assert (interviews["held_at"].dropna().dt.hour == 0).any()
    completed = interviews["status"].isin(["completed", "completed_partial"]).sum() / len(episodes)
    assert completed == pytest.approx(0.55, abs=0.07)
