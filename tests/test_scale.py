"""Divided among workers, the result is that of one machine."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from operator import itemgetter

import numpy as np
import pandas as pd
import pytest

from missing_patterns import scale
from missing_patterns.episodes import build_episodes, to_counting_process
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.features import build_features
from missing_patterns.triggers import code_triggers


def features(part: dict[str, pd.DataFrame]) -> pd.DataFrame:
    episodes = build_episodes(part["incidents"], observed_until="2026-12-31")
    triggers = code_triggers(part["interviews"])
    return build_features(episodes, triggers, interviews=part["interviews"], lookback_days=[28])


def spells(part: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return to_counting_process(
        build_episodes(part["incidents"], observed_until="2026-12-31"), observed_until="2026-12-31"
    )


def tables(n: int = 60) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(3)
    child = [f"C{k:03}" for k in rng.integers(0, 25, n)]
    start = pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 3000, n), unit="h")
    incidents = pd.DataFrame(
        {
            "incident_id": [str(k) for k in range(n)],
            "child_id": child,
            "missing_from": start,
            "returned_at": start + pd.to_timedelta(rng.integers(1, 40, n), unit="h"),
        }
    )
    interviews = pd.DataFrame(
        {
            "interview_id": [f"R{k}" for k in range(n)],
            "child_id": child,
            "incident_ids": [(str(k),) for k in range(n)],
            "status": "completed",
            "held_at": incidents["returned_at"] + pd.Timedelta(days=2),
            "coded_triggers": [("home_conflict",) if k % 3 else () for k in range(n)],
        }
    )
    return {"incidents": incidents, "interviews": interviews}


@pytest.mark.parametrize(("n", "n_parts"), [(60, 1), (60, 3), (5, 7)])
def test_the_parts_together_are_the_whole(n: int, n_parts: int) -> None:
    given = tables(n)
    whole = features(given)
    pd.testing.assert_frame_equal(scale.map_children(given, features, n_parts=n_parts), whole)
    divided = scale.map_children(given, spells, n_parts=n_parts)
    pd.testing.assert_frame_equal(divided, spells(given))
    assert divided.attrs == {}


def test_threads_and_processes_give_the_same() -> None:
    given = tables()
    whole = features(given)
    with ThreadPoolExecutor(2) as pool:
        pd.testing.assert_frame_equal(scale.map_children(given, features, n_parts=3, executor=pool), whole)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        # A fresh process cannot import this test module, but it can find the parts by name.
        parts = scale.map_children(given, itemgetter("incidents"), n_parts=2, executor=pool)
    assert parts["child_id"].tolist() == sorted(given["incidents"]["child_id"])


def test_a_child_is_in_one_part_in_every_table() -> None:
    seen: dict[str, set[int]] = {}

    def note(part: dict[str, pd.DataFrame]) -> pd.DataFrame:
        for table in part.values():
            for child in table["child_id"]:
                seen.setdefault(child, set()).add(id(part))
        return part["incidents"]

    given = tables()
    assert len(scale.map_children(given, note, n_parts=5)) == len(given["incidents"])
    assert {len(parts) for parts in seen.values()} == {1}


def test_the_part_of_a_child_is_the_same_everywhere_and_parts_are_of_like_size() -> None:
    ids = pd.Series([f"C{k:06}" for k in range(8000)])
    assert scale.part_numbers(ids[:4], 8).tolist() == [1, 6, 2, 1]
    sizes = np.bincount(scale.part_numbers(ids, 8))
    assert sizes.min() > 900
    assert sizes.max() < 1100
    assert scale.part_numbers(ids[:0], 8).tolist() == []


def test_nothing_divided_is_nothing() -> None:
    none = {name: table[:0] for name, table in tables().items()}
    pd.testing.assert_frame_equal(scale.map_children(none, features), features(none))


def test_the_input_is_not_modified() -> None:
    given = tables()
    before = {name: table.copy(deep=True) for name, table in given.items()}
    scale.map_children(given, features, n_parts=2)
    for name, table in given.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_what_cannot_be_divided_is_refused() -> None:
    given = tables()
    with pytest.raises(ArgumentRefused, match="n_parts"):
        scale.map_children(given, features, n_parts=0)
    with pytest.raises(ArgumentRefused, match="no tables"):
        scale.map_children({}, features)
    with pytest.raises(ArgumentRefused, match="must return a DataFrame"):
        scale.map_children(given, len)
    with pytest.raises(TableRefused, match="'child_id' is absent"):
        scale.map_children({"incidents": given["incidents"].drop(columns="child_id")}, features)
    with pytest.raises(TableRefused, match="blank"):
        scale.map_children({"incidents": given["incidents"].assign(child_id=None)}, features)
