"""Missing with others of the same home, counted by home in a pass of its own and brought back to the parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scale_example import make_tables, with_episodes

from missing_patterns.features.asked import ask
from missing_patterns.scale import together
from missing_patterns.schema import EPISODES, conform

FOREVER = pd.Timestamp("2200-01-01", tz="UTC")


def plainly(episodes: pd.DataFrame) -> list[float]:
    """Count at each return, one row after the other."""
    ordered = episodes.sort_values(["child_id", "episode_no"], ignore_index=True)
    following = ordered.groupby("child_id")["missing_from"].shift(-1)
    ends = ordered["returned_at"].fillna(following).fillna(FOREVER)
    counts = []
    for row in ordered[ordered["returned_at"].notna()].itertuples():
        others = ordered[(ordered["home_id"] == row.home_id) & (ordered["child_id"] != row.child_id)]
        over = (others["missing_from"] < row.returned_at) & ~(ends[others.index] <= row.missing_from)
        counts.append(np.nan if pd.isna(row.home_id) else float(over.sum()))
    return counts


def pass_by_home(episodes: pd.DataFrame, work: Path, n_parts: int) -> list[float]:
    """Ask in parts of children, count in groups of homes, and bring the counts back."""
    ids = np.array(sorted(episodes["child_id"].unique()), dtype=object)
    part = np.searchsorted(ids, episodes["child_id"].to_numpy(dtype=object)) * n_parts // len(ids)
    for number in range(n_parts):
        together.write_asks(work, number, n_parts, episodes[part == number], "returned_at", None)
    rows = [together.count_homes(work, number, n_parts)["rows"] for number in range(n_parts)]
    counts = []
    for number in range(n_parts):
        n_rows = len(ask(conform(episodes[part == number], EPISODES), "returned_at").time)
        counts += together.read_counts(work, number, n_parts, n_rows).tolist()
    assert sum(rows) == np.isfinite(counts).sum()
    return counts


def test_counts_are_those_of_a_plain_loop_whatever_the_parts(tmp_path: Path) -> None:
    episodes = with_episodes(make_tables(600, 150))["episodes"]
    expected = plainly(episodes)
    assert sum(n > 0 for n in expected) > 50
    for n_parts in (1, 4, 11):
        np.testing.assert_array_equal(pass_by_home(episodes, tmp_path / str(n_parts), n_parts), expected)


def test_without_any_home_there_is_no_count(tmp_path: Path) -> None:
    episodes = with_episodes(make_tables(40, 9))["episodes"].assign(home_id=None)
    assert np.isnan(pass_by_home(episodes, tmp_path, 2)).all()


def test_a_batch_is_read_alone(tmp_path: Path) -> None:
    import pyarrow as pa

    schema = pa.schema([pa.field("row", pa.int64())])
    batches = [pa.RecordBatch.from_pydict({"row": list(range(n))}, schema=schema) for n in (0, 2, 5)]
    together.write_batches(tmp_path / "new" / "a.arrow", schema, batches)
    assert [len(together.read_batch(tmp_path / "new" / "a.arrow", n)) for n in range(3)] == [0, 2, 5]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.arrow"]
