"""The benchmark of repeat statistics compares like with like, and the table of figures tells what differs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import recurrence, recurrence_data, recurrence_peers
from reference import compare

SPELLS = recurrence_data.make_spells(3_000, seed=3)


def test_spells_are_those_that_the_published_figures_were_made_on() -> None:
    per_child = SPELLS.groupby("child_id")["event"].sum().sort_values(ascending=False)
    assert 2_900 < len(SPELLS) <= 3_000
    assert per_child.head(len(per_child) // 5).sum() / per_child.sum() == pytest.approx(0.7, abs=0.06)
    assert (SPELLS.groupby("child_id")["start"].min() > 0).mean() == pytest.approx(0.4, abs=0.05)
    assert SPELLS["stop"].max() <= recurrence_data.WINDOW
    assert (SPELLS["start"] < SPELLS["stop"]).all()
    follows = SPELLS["child_id"].eq(SPELLS["child_id"].shift())
    assert (SPELLS["start"] == SPELLS["stop"].shift())[follows].all()
    assert (SPELLS["recent"] == follows.astype(float)).all()
    assert SPELLS[list(recurrence_data.COVARIATES)].nunique().min() >= 2


def test_spells_are_the_same_for_a_seed_and_read_as_they_were_written(tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(SPELLS, recurrence_data.make_spells(3_000, seed=3))
    recurrence_data.write(SPELLS, tmp_path / "spells.bin")
    pd.testing.assert_frame_equal(recurrence_data.read(tmp_path / "spells.bin"), SPELLS)


def test_a_figure_that_differs_is_told() -> None:
    right = {"coef": [1.0, 2.0], "se": [0.5]}
    assert recurrence.differences(right, right) == {"coef": 0.0, "se": 0.0}
    assert recurrence.is_same(recurrence.differences(right, {"coef": [1.0, 2.0 * (1 + 1e-12)], "se": [0.5]}))
    assert not recurrence.is_same(recurrence.differences({"coef": [1.0, 2.1]}, right))
    assert not recurrence.is_same(recurrence.differences({"coef": [1.0]}, right))
    assert not recurrence.is_same(recurrence.differences({"coef": [1.0, None]}, right))  # type: ignore[list-item]


def run_ours(task: str, tmp_path: Path) -> dict[str, Any]:
    recurrence_data.write(SPELLS, tmp_path / "spells.bin")
    return recurrence_peers.measure("ours", task, tmp_path / "spells.bin", 1)


@pytest.mark.parametrize("task", [t for t in recurrence.TASKS if recurrence_peers.task_of("ours", t)])
def test_every_task_of_ours_runs_and_gives_figures(task: str, tmp_path: Path) -> None:
    found = run_ours(task, tmp_path)
    assert found["seconds"][0] > 0
    assert found["values"]
    for values in found["values"].values():
        assert values
        assert np.isfinite(values).all()


def test_a_peer_that_is_not_there_or_cannot_do_it_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert recurrence_peers.version("no_such_library_at_all") is None
    with pytest.raises(SystemExit, match="has no"):
        recurrence_peers.measure("coxdev", "kaplan_meier", tmp_path / "spells.bin", 1)
    assert "has no" in recurrence.run(
        [sys.executable, str(recurrence.HERE / "recurrence_peers.py"), "coxdev", "kaplan_meier", "none.bin", "1"],
        tmp_path / "out.json",
    )
    assert not recurrence.has_task("coxdev", "kaplan_meier")
    assert recurrence.compare("concordance", tmp_path / "none.bin", 10, [], 1, sys.executable) is False
    assert "failed" in capsys.readouterr().out


def test_the_table_says_how_far_ours_are_from_those_of_r() -> None:
    line = compare.line_of("cox", "a", "coef", ([1.0, 2.0, np.nan, 0.0], [1.0, 2.0 + 4e-9, np.nan, 0.0]), 1e-8, 0.0)
    assert (line.n_figures, line.is_within) == (4, True)
    assert line.largest == pytest.approx(4e-9)
    assert line.relative == pytest.approx(2e-9)
    assert not compare.line_of("cox", "a", "coef", ([1.0], [1.1]), 1e-8, 0.0).is_within
    assert not compare.line_of("cox", "a", "coef", ([1.0], [1.0, 2.0]), 1e-8, 0.0).is_within
    assert not compare.line_of("cox", "a", "coef", ([np.nan], [1.0]), 1e-8, 1.0).is_within
    (together,) = compare.gathered([line, line])
    assert (together.case, together.n_figures, together.is_within) == ("2 cases", 8, True)


def test_cases_of_r_are_named_as_those_of_the_peers() -> None:
    script = (recurrence.HERE / "recurrence.R").read_text(encoding="utf-8")
    for task in recurrence.R_TASKS:
        assert f"  {task} = function()" in script
