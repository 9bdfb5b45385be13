"""Planted in known cells: wordings that can be repaired are never read as something else, defects that cannot are told.

The truth of every row is drawn first and worded second, so each figure is a count and not an estimate.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from corpus import planting
from corpus.planting import HEADER, REWORDED
from corpus.writers import stamped

import missing_patterns as mp

N_REWORDED, N_PLANTED = 10_400, 6_000
LONDON = "Europe/London"


def read(tmp_path: Path, rows: list[list[str]]) -> mp.schema.Records:
    path = tmp_path / "tracker.csv"
    path.write_text(planting.text_of(rows), encoding="utf-8", newline="")
    return mp.read_records(stamped(path))


def test_no_wording_is_repaired_to_a_wrong_value(tmp_path: Path) -> None:
    """Each cell is read as the truth, or something is told of it; 104,000 are worded otherwise."""
    rng = random.Random(3)  # noqa: S311
    truths, known = planting.make_truth(N_REWORDED, rng), planting.wordings()
    rows = [planting.reworded(t, known, rng) for t in truths]
    records = read(tmp_path, rows)
    read_as = _read_as(records)
    told = records.problems[records.problems["severity"] != "note"]
    flagged = set(zip(told["line"].fillna(0).astype(int), told["column"].fillna(""), strict=True))
    aside = set(records.quarantine["line"])
    wrong: Counter[str] = Counter()
    n_exact = n_flagged = 0
    for line, truth in zip(planting.lines_of(rows), truths, strict=True):
        for at, value in _due(truth).items():
            is_exact = line not in aside and read_as[truth.ref][at] == value
            is_told = line in aside or (line, HEADER[at]) in flagged
            n_exact += is_exact
            n_flagged += is_told and not is_exact
            wrong.update([HEADER[at]] * (not is_exact and not is_told))
    n = len(truths) * len(REWORDED)
    print(f"wordings planted: {n:,}; read as the truth: {n_exact:,}; told: {n_flagged:,}; wrong: {wrong.total():,}")  # noqa: T201
    assert n >= 100_000
    assert wrong == Counter()
    assert n_exact >= 0.98 * n


def _due(truth: planting.Truth) -> dict[int, Any]:
    """What each reworded cell of a row must be read as."""
    stamps = [pd.Timestamp(at, tz=LONDON) for at in (truth.start, truth.end, truth.held)]
    month = pd.Timestamp(truth.born.replace(day=1))
    return {
        planting.CHILD: truth.child,
        planting.DOB: month,
        planting.SEX: truth.sex,
        planting.START: stamps[0],
        planting.END: stamps[1],
        planting.CATEGORY: truth.category,
        planting.IN_AREA: truth.in_area,
        planting.STATUS: truth.status,
        planting.HELD: stamps[2],
        planting.TRIGGERS: truth.triggers,
    }


def _read_as(records: mp.schema.Records) -> dict[str, dict[int, Any]]:
    """What was read of each reference, by the column that it came from."""
    incidents = records.incidents.assign(key=records.incidents["incident_id"])
    interviews = records.interviews.assign(key=[refs[0] for refs in records.interviews["incident_ids"]])
    whole = incidents.merge(interviews, on="key", how="left", suffixes=("", "_of_interview"))
    whole = whole.merge(records.children, on="child_id", how="left", suffixes=("", "_of_child"))
    names = {
        planting.CHILD: "child_id",
        planting.DOB: "birth_month",
        planting.SEX: "sex",
        planting.START: "missing_from",
        planting.END: "returned_at",
        planting.CATEGORY: "category",
        planting.IN_AREA: "in_area",
        planting.STATUS: "status",
        planting.HELD: "held_at",
        planting.TRIGGERS: "coded_triggers",
    }
    cells = zip(*(whole[name].tolist() for name in names.values()), strict=True)
    return {key: dict(zip(names, row, strict=True)) for key, row in zip(whole["key"], cells, strict=True)}


def test_planted_defects_are_told_at_their_rows_and_clean_rows_are_left_alone(tmp_path: Path) -> None:
    """Recall of at least 99.5 % over 35 kinds at 1 % each, and at most 0.1 % of clean rows flagged."""
    rng = random.Random(4)  # noqa: S311
    planted = planting.plant(planting.make_truth(N_PLANTED, rng), 0.01, rng)
    records = read(tmp_path, planted.rows)
    told = records.problems.dropna(subset=["line"])
    places = list(zip(told["line"].astype(int), told["rule"], strict=True))
    not_told = Counter(planting.missed(planted, set(places)))
    harmful = told["severity"].isin(["error", "warning"])
    false = planting.false_flags(
        planted, [place for place, is_harmful in zip(places, harmful, strict=True) if is_harmful]
    )
    n_due, n_clean = sum(map(bool, planted.due)), planted.due.count("")
    recall, false_share = 1 - not_told.total() / n_due, len(false) / n_clean
    print(f"{len(planting.KINDS)} kinds, {n_due:,} defects: recall {recall:.2%}; false flags {false_share:.3%}")  # noqa: T201
    assert len(planting.KINDS) >= 25
    assert recall >= 0.995, not_told
    assert false_share <= 0.001, Counter(rule for _, rule in false)
    assert int(records.accounting["n_rows"].sum()) == len(planted.rows) + 1
