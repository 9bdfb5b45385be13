"""From folders of Parquet to folders of Parquet: the result of one machine, whatever the parts and however often."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from scale_example import UNTIL, Deadly, make_tables, with_episodes, write_tables

from missing_patterns import scale
from missing_patterns.codebook import read_codebook
from missing_patterns.episodes import build_episodes, to_counting_process
from missing_patterns.errors import ArgumentRefused, DataRefused, MissingPatternsError, TableRefused, TryLater
from missing_patterns.features import build_features
from missing_patterns.features.specs import Any as Any_
from missing_patterns.features.specs import Count, Share, Together
from missing_patterns.scale import divide, engines, run, store, tables, tasks
from missing_patterns.triggers import code_triggers

#: One after the other, in this process.
HERE: dict[str, Any] = {"engine": "processes", "n_workers": 1}
#: A few features of every kind of table, for tests of what does not depend on which.
FEW: dict[str, Any] = {
    "specs": [Count("episodes", 28), Any_("home_conflict"), Share("completed"), Count("placement_moves"), Together()]
}


@pytest.fixture(scope="module")
def given() -> dict[str, pd.DataFrame]:
    return make_tables()


@pytest.fixture(scope="module")
def built(given: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return with_episodes(given)


@pytest.fixture(scope="module")
def whole(built: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The features of all children at once."""
    return build_features(
        built["episodes"], built["triggers"], interviews=built["interviews"], placements=built["placements"]
    )


@pytest.fixture(scope="module")
def few(whole: pd.DataFrame) -> pd.DataFrame:
    """A few features of all children at once."""
    return whole[["child_id", "episode_id", "index_at", *(spec.name for spec in FEW["specs"])]]


@pytest.fixture(scope="module")
def folder(built: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("in"), built)


def read(folder: Path, name: str = "features") -> pd.DataFrame:
    return pd.read_parquet(folder / name)


@pytest.mark.parametrize("n_parts", [1, 6])
def test_features_read_back_are_those_of_one_machine(
    folder: Path, whole: pd.DataFrame, tmp_path: Path, n_parts: int
) -> None:
    manifest = scale.build_features(folder, tmp_path / "out", n_parts=n_parts, **HERE)
    back = read(tmp_path / "out")
    pd.testing.assert_frame_equal(back, whole)
    assert back.attrs == {}
    made = manifest["results"]["features"]
    assert made["n_rows"] == len(whole)
    assert made["n_children"] == whole["child_id"].nunique()
    assert made["n_columns"] == len(whole.columns)
    assert sum(p["n_rows"] for p in made["parts"]) == len(whole)
    assert manifest["n_parts"] == len(made["parts"]) == len(list((tmp_path / "out" / "features").iterdir()))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["features", "manifest.json"]


def test_the_feature_that_looks_across_children_does_so_across_parts(
    folder: Path, whole: pd.DataFrame, tmp_path: Path
) -> None:
    scale.build_features(folder, tmp_path / "out", n_parts=7, **FEW, **HERE)
    together = whole["n_missing_with"]
    assert (together > 0).sum() > 20
    assert together.isna().sum() > 20
    pd.testing.assert_series_equal(read(tmp_path / "out")["n_missing_with"], together)


@pytest.mark.parametrize("index", ["interview", "own"])
def test_other_moments_are_asked_about(
    folder: Path, built: dict[str, pd.DataFrame], tmp_path: Path, index: Any
) -> None:
    own = built["index"] if index == "own" else index
    expected = build_features(
        built["episodes"],
        built["triggers"],
        interviews=built["interviews"],
        placements=built["placements"],
        index=own,
        lookback_days=(7, 90),
    )
    scale.build_features(folder, tmp_path / "out", n_parts=3, index=index, lookback_days=(7, 90), **HERE)
    pd.testing.assert_frame_equal(read(tmp_path / "out"), expected)


def test_episodes_and_triggers_are_built_where_they_are_not_there(
    given: dict[str, pd.DataFrame], whole: pd.DataFrame, tmp_path: Path
) -> None:
    folder = write_tables(tmp_path / "in", {name: given[name] for name in given if name != "index"}, n_files=1)
    manifest = scale.build_features(folder, tmp_path / "out", n_parts=4, observed_until=UNTIL, **HERE)
    pd.testing.assert_frame_equal(read(tmp_path / "out"), whole)
    episodes = build_episodes(given["incidents"], observed_until=UNTIL, children=given["children"])
    assert manifest["results"]["episodes"]["accounting"] == episodes.attrs["accounting"]
    back = read(tmp_path / "out", "episodes")
    assert back["episode_id"].tolist() == episodes["episode_id"].tolist()
    assert [tuple(ids) for ids in back["incident_ids"]] == episodes["incident_ids"].tolist()
    assert {name: n for name, n in manifest["tables"].items() if name != "children"} == {
        name: len(given[name]) for name in ("incidents", "interviews", "placements")
    }


@pytest.mark.parametrize(("origin", "split_by"), [("first_return", ()), ("birthday", ("triggers", "placements"))])
def test_time_at_risk_is_that_of_one_machine(
    folder: Path, built: dict[str, pd.DataFrame], tmp_path: Path, origin: Any, split_by: Any
) -> None:
    more = {name: built[name] for name in split_by}
    expected = to_counting_process(built["episodes"], built["children"], observed_until=UNTIL, origin=origin, **more)
    manifest = scale.build_intervals(
        folder, tmp_path / "out", observed_until=UNTIL, origin=origin, split_by=split_by, n_parts=8, **HERE
    )
    counts = expected.attrs.pop("accounting")
    pd.testing.assert_frame_equal(read(tmp_path / "out", "intervals"), expected)
    assert manifest["results"]["intervals"]["accounting"] == counts


def test_time_at_risk_from_incidents_and_interviews(given: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "in", {name: given[name] for name in ("incidents", "interviews")})
    episodes = build_episodes(given["incidents"], observed_until=UNTIL)
    expected = to_counting_process(episodes, observed_until=UNTIL, triggers=code_triggers(given["interviews"]))
    expected.attrs = {}
    scale.build_intervals(folder, tmp_path / "out", observed_until=UNTIL, split_by=["triggers"], n_parts=8, **HERE)
    pd.testing.assert_frame_equal(read(tmp_path / "out", "intervals"), expected)


def test_the_manifest_tells_what_was_done_and_no_id(
    folder: Path, built: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    steps: list[tuple[str, int, int]] = []
    told = scale.build_features(folder, tmp_path / "out", n_parts=3, progress=lambda *a: steps.append(a), **FEW, **HERE)
    written = (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(written) == told
    ids = (
        set(built["episodes"]["child_id"])
        | set(built["episodes"]["episode_id"])
        | set(built["episodes"]["home_id"].dropna())
    )
    assert not any(f'"{one}"' in written or f"{one} " in written for one in ids)
    assert [s for s in steps if s[0] == "features"] == [("features", n, 3) for n in (1, 2, 3)]
    (worker,) = told["workers"]
    assert worker["n_tasks"] == 9
    assert worker["peak_bytes"] > 50_000_000
    assert told["peak_bytes_of_parent"] > 50_000_000
    assert told["seconds_in_all"] >= sum(told["seconds"].values()) > 0
    assert {"divide", "asks", "homes", "features"} == set(told["seconds"])
    assert told["versions"]["pandas"] == pd.__version__


# Dividing


def test_children_are_whole_and_parts_follow_one_another(
    folder: Path, built: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    source = tables.find_table(folder, "episodes")
    assert source is not None
    bounds = divide.choose_bounds([source], 6)
    rows = divide.divide(source, bounds, tmp_path, buffer_bytes=2_000)
    parts = [divide.read_part(tmp_path, "episodes", n) for n in range(len(bounds) + 1)]
    assert [len(p) for p in parts] == rows
    seen = [sorted(set(p["child_id"])) for p in parts]
    assert [child for part in seen for child in part] == sorted(set(built["episodes"]["child_id"]))
    pieces = pd.concat(parts).groupby("child_id", sort=True)["episode_id"].apply(list)
    given = built["episodes"].groupby("child_id", sort=True)["episode_id"].apply(list)
    assert pieces.tolist() == given.tolist()  # the rows of a child in the order in which they came


def test_parts_have_as_many_rows_however_uneven_the_children(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ids = np.array([f"C{k:05}" for k in rng.zipf(1.3, 60_000) % 9_000], dtype=object)
    pd.DataFrame({"child_id": ids, "missing_from": "2026-01-05"}).to_parquet(tmp_path / "episodes.parquet")
    source = tables.find_table(tmp_path, "episodes")
    assert source is not None
    rows = divide.divide(source, divide.choose_bounds([source], 8), tmp_path / "work", 10**8)
    most = int(pd.Series(ids).value_counts().iloc[0])
    assert sum(rows) == 60_000
    assert max(rows) <= 60_000 / 8 + most
    assert len(rows) >= 4


def test_few_rows_are_in_memory_while_a_table_is_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 30_000
    pd.DataFrame({"child_id": [f"C{k % 700}" for k in range(n)], "missing_from": "2026-01-05"}).to_parquet(
        tmp_path / "episodes.parquet", row_group_size=n
    )
    source = tables.find_table(tmp_path, "episodes")
    assert source is not None
    assert max(len(batch) for batch in source.batches(rows=1_000)) == 1_000
    monkeypatch.setattr(tables, "BATCH_ROWS", 1_000)
    held: list[int] = []
    flush = divide._flush
    monkeypatch.setattr(
        divide,
        "_flush",
        lambda pending, place: (held.append(sum(len(b) for p in pending for b in p)), flush(pending, place)),
    )
    bounds = divide.choose_bounds([source], 4)
    assert sum(divide.divide(source, bounds, tmp_path / "work", buffer_bytes=50_000)) == n
    assert max(held) <= 3_000
    assert len(held) > 10


@pytest.mark.parametrize("n_blank", [1, 10_000])
def test_numbers_that_are_blank_for_some_children_are_made_anew_for_all(
    built: dict[str, pd.DataFrame], tmp_path: Path, n_blank: int
) -> None:
    episodes = built["episodes"].reset_index(drop=True)
    episodes["episode_no"] = (episodes["episode_no"] + 10).where(episodes.index >= n_blank)
    given = {"episodes": episodes, "triggers": built["triggers"]}
    write_tables(tmp_path / "in", given)
    expected = build_features(episodes, built["triggers"])
    assert expected["episode_no"].min() == 1
    scale.build_features(tmp_path / "in", tmp_path / "out", n_parts=3, **HERE)
    pd.testing.assert_frame_equal(read(tmp_path / "out"), expected)


def test_files_of_a_table_may_be_written_in_many_ways(tmp_path: Path) -> None:
    place = tmp_path / "in" / "episodes"
    place.mkdir(parents=True)
    start = pd.Timestamp("2026-01-05 21:00", tz="Europe/London")
    first = pd.DataFrame({"child_id": pd.Categorical(["B", "A"]), "missing_from": start, "home_id": [None, None]})
    second = pd.DataFrame({"child_id": ["C"], "missing_from": [start], "home_id": ["H"], "of_mine": [1]})
    first.to_parquet(place / "b.parquet")
    second.to_parquet(place / "a.parquet")
    (place / "_SUCCESS").write_text("")
    (place / ".hidden.parquet").write_text("not Parquet")
    source = tables.find_table(tmp_path / "in", "episodes")
    assert source is not None
    assert source.columns == ["child_id", "missing_from", "home_id"]
    rows = pd.concat([tables.to_frame(batch) for batch in map(table_of, source.batches())])
    assert rows["child_id"].tolist() == ["C", "B", "A"]
    assert rows["home_id"].fillna("-").tolist() == ["H", "-", "-"]


def table_of(batch: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def test_numbers_as_ids_are_text(tmp_path: Path) -> None:
    episodes = pd.DataFrame(
        {
            "child_id": [10, 9, 10],
            "missing_from": ["2026-01-05", "2026-01-06", "2026-02-05"],
            "returned_at": "2026-03-01",
        }
    )
    episodes["returned_at"] = ["2026-01-06", "2026-01-07", "2026-02-06"]
    none = pd.DataFrame({"interview_id": [], "child_id": [], "code": [], "status": [], "known_at": []}, dtype=object)
    write_tables(tmp_path / "in", {"episodes": episodes.assign(episode_id=["a", "b", "c"]), "triggers": none})
    manifest = scale.build_features(tmp_path / "in", tmp_path / "out", n_parts=2, specs=[Count("episodes", 28)], **HERE)
    assert read(tmp_path / "out")["child_id"].tolist() == ["10", "10", "9"]
    assert set(manifest["seconds"]) == {"divide", "features"}  # nothing looks across children


def test_a_table_without_rows_is_no_trouble(built: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    none = {name: table[:0] for name, table in built.items()}
    write_tables(tmp_path / "in", {name: none[name] for name in ("episodes", "triggers", "interviews")}, n_files=1)
    (tmp_path / "in" / "placements").mkdir()
    manifest = scale.build_features(tmp_path / "in", tmp_path / "out", n_parts=4, **HERE)
    assert manifest["n_parts"] == 1
    expected = build_features(none["episodes"], none["triggers"], interviews=none["interviews"])
    pd.testing.assert_frame_equal(read(tmp_path / "out"), expected)


def test_the_number_of_parts_follows_rows_and_memory() -> None:
    def parts(rows: int, memory: str) -> int:
        return run.choose_n_parts(rows, 5_000, engines.Wanted(None, 2, store.read_bytes(memory), None, None))

    assert parts(100, "2GB") == 2
    assert parts(10_000_000, "4GB") < parts(10_000_000, "2GB") < parts(10_000_000, "500MB")
    assert parts(20_000_000, "2GB") == pytest.approx(2 * parts(10_000_000, "2GB"), abs=1)


# Interrupted, and again


class Stop(Exception):
    """Something that went wrong in the middle."""


@pytest.fixture
def stopped(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a run stopped at the third of five parts, one of which is half written."""
    real = tasks.do

    def do(job: tasks.Job, stage: str, number: int) -> Any:
        if stage == "features" and number == 2:
            raise Stop
        return real(job, stage, number)

    monkeypatch.setattr(tasks, "do", do)
    with pytest.raises(Stop):
        scale.build_features(folder, tmp_path / "out", n_parts=5, **FEW, **HERE)
    monkeypatch.setattr(tasks, "do", real)
    place = tmp_path / "out" / "features"
    whole = (place / "part-00001.parquet").read_bytes()
    (place / "part-00001.parquet").write_bytes(whole[: len(whole) // 2])
    (place / ".part-00002.parquet.abc").write_bytes(whole[:100])
    return tmp_path / "out"


def done_by(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    real, done = tasks.do, []

    def do(job: tasks.Job, stage: str, number: int) -> Any:
        done.append((stage, number))
        return real(job, stage, number)

    monkeypatch.setattr(tasks, "do", do)
    return done


def test_a_run_goes_on_where_it_stopped(
    folder: Path, few: pd.DataFrame, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not (stopped / "manifest.json").exists()
    done = done_by(monkeypatch)
    manifest = scale.build_features(folder, stopped, **FEW, **HERE)
    assert done == [("features", n) for n in (1, 2, 3, 4)]
    assert manifest["n_parts_kept"] == 1
    pd.testing.assert_frame_equal(read(stopped), few)
    assert not list((stopped / "features").glob(".*"))


def test_a_run_that_is_done_is_not_done_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = scale.build_features(folder, tmp_path / "out", n_parts=4, **FEW, **HERE)
    done = done_by(monkeypatch)
    assert scale.build_features(folder, tmp_path / "out", **FEW, **HERE) == first
    assert done == []
    (tmp_path / "out" / "features" / "part-00003.parquet").unlink()
    again = scale.build_features(folder, tmp_path / "out", **FEW, **HERE)
    assert [number for stage, number in done if stage == "features"] == [3]
    assert again["results"]["features"]["n_rows"] == first["results"]["features"]["n_rows"]


def test_other_parts_are_made_anew(folder: Path, few: pd.DataFrame, stopped: Path) -> None:
    manifest = scale.build_features(folder, stopped, n_parts=3, **FEW, **HERE)
    assert manifest["n_parts"] == 3
    assert manifest["n_parts_kept"] == 0
    pd.testing.assert_frame_equal(read(stopped), few)


def test_a_part_that_is_done_twice_is_there_once(
    folder: Path, few: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tasks.do

    def twice(job: tasks.Job, stage: str, number: int) -> Any:
        real(job, stage, number)
        return real(job, stage, number)

    monkeypatch.setattr(tasks, "do", twice)
    scale.build_features(folder, tmp_path / "out", n_parts=4, **FEW, **HERE)
    pd.testing.assert_frame_equal(read(tmp_path / "out"), few)


# Processes


@pytest.mark.no_cover
def test_two_processes_give_the_same(folder: Path, few: pd.DataFrame, tmp_path: Path) -> None:
    manifest = scale.build_features(folder, tmp_path / "out", n_parts=6, engine="processes", n_workers=2, **FEW)
    pd.testing.assert_frame_equal(read(tmp_path / "out"), few)
    assert sum(w["n_tasks"] for w in manifest["workers"]) == 3 * manifest["n_parts"]


@pytest.mark.no_cover
def test_a_process_that_is_killed_neither_loses_nor_doubles_rows(
    folder: Path, few: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "do", Deadly(tmp_path / "killed", times=1))
    scale.build_features(folder, tmp_path / "out", n_parts=5, engine="processes", n_workers=2, **FEW)
    assert len(list((tmp_path / "killed").iterdir())) == 1
    pd.testing.assert_frame_equal(read(tmp_path / "out"), few)
    assert not list((tmp_path / "out" / "features").glob(".*"))


@pytest.mark.no_cover
def test_a_part_that_kills_every_worker_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MOST_LOST", 1)
    monkeypatch.setattr(tasks, "do", Deadly(tmp_path / "killed", times=99))
    with pytest.raises(ArgumentRefused, match="a worker was lost more than 1 times"):
        scale.build_features(folder, tmp_path / "out", n_parts=2, engine="processes", n_workers=2, **FEW)


def test_what_a_worker_refuses_is_refused(built: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    doubled = pd.concat([built["episodes"], built["episodes"][:1]])
    write_tables(tmp_path / "in", {"episodes": doubled, "triggers": built["triggers"]})
    with pytest.raises(TableRefused, match="holds the same key twice"):
        scale.build_features(tmp_path / "in", tmp_path / "out", n_parts=4, engine="processes", n_workers=2)


class Spark:
    """As much of a session as is used, in this process."""

    def range(self, start: int, end: int, step: int, numPartitions: int) -> Spark:
        self.ids, self.n_partitions = list(range(start, end, step)), numPartitions
        return self

    def mapInPandas(self, work: Callable[..., Any], schema: str) -> Spark:  # noqa: N802
        assert schema == "told string"
        batches = (pd.DataFrame({"id": [at]}) for at in self.ids)
        self.rows = [row for made in work(batches) for row in made.to_dict("records")]
        return self

    def collect(self) -> list[dict[str, str]]:
        return self.rows


def test_spark_is_handed_one_number_for_each_partition(
    folder: Path, built: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", ModuleType("pyspark"))
    session = Spark()
    manifest = scale.build_intervals(folder, tmp_path / "out", observed_until=UNTIL, spark=session, n_parts=4)
    assert manifest["engine"] == "spark"
    assert session.n_partitions == manifest["n_parts"] == 4
    expected = to_counting_process(built["episodes"], built["children"], observed_until=UNTIL)
    expected.attrs = {}
    pd.testing.assert_frame_equal(read(tmp_path / "out", "intervals"), expected)


# Refusals


def test_an_out_folder_of_anything_else_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ArgumentRefused, match="not empty, and not a result"):
        scale.build_features(folder, tmp_path, **FEW, **HERE)
    with pytest.raises(ArgumentRefused, match="is a file"):
        scale.build_features(folder, tmp_path / "mine.txt", **FEW, **HERE)
    (tmp_path / "mine.txt").rename(tmp_path / "manifest.json")
    with pytest.raises(ArgumentRefused, match="not a result"):
        scale.build_features(folder, tmp_path, **FEW, **HERE)
    for place in (folder, folder.parent, folder / "episodes" / "out", folder / "incidents"):
        with pytest.raises(ArgumentRefused, match="must not be in_folder"):
            scale.build_features(folder, place, **FEW, **HERE)


def test_the_result_of_another_run_is_not_written_over(
    folder: Path, built: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    scale.build_features(folder, out, n_parts=2, **FEW, **HERE)
    with pytest.raises(ArgumentRefused, match="other tables, or with other arguments"):
        scale.build_features(folder, out, lookback_days=(28,), **HERE)
    with pytest.raises(ArgumentRefused, match="other tables"):
        scale.build_intervals(folder, out, observed_until=UNTIL, **HERE)
    other = write_tables(tmp_path / "in", {**built, "episodes": built["episodes"][1:]})
    with pytest.raises(ArgumentRefused, match="other tables"):
        scale.build_features(other, out, **FEW, **HERE)


def test_two_runs_in_one_folder_are_refused(folder: Path, stopped: Path) -> None:
    with FileLock(stopped / "_work" / "lock"), pytest.raises(TryLater, match="another run"):
        scale.build_features(folder, stopped, **FEW, **HERE)


def test_tables_that_are_absent_are_named(built: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    call: Callable[..., Any] = functools.partial(scale.build_features, tmp_path / "in", tmp_path / "out", **HERE)
    with pytest.raises(DataRefused, match="in_folder is not a folder"):
        call()
    (tmp_path / "in").mkdir()
    with pytest.raises(DataRefused, match="episodes/, nor incidents/"):
        call()
    built["episodes"].drop(columns="incident_ids").to_parquet(tmp_path / "in" / "episodes.parquet")
    with pytest.raises(DataRefused, match="triggers/, nor interviews/"):
        call()
    write_tables(tmp_path / "in", {"triggers": built["triggers"]})
    with pytest.raises(DataRefused, match="interviews/ .*index='interview'"):
        call(index="interview")
    with pytest.raises(DataRefused, match="index/ .*index='own'"):
        call(index="own")
    with pytest.raises(DataRefused, match="placements/ .*split_by"):
        scale.build_intervals(tmp_path / "in", tmp_path / "out", observed_until=UNTIL, split_by=["placements"], **HERE)
    write_tables(tmp_path / "in", {"episodes": built["episodes"]})
    with pytest.raises(ArgumentRefused, match=r"both episodes/ and episodes\.parquet"):
        call()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"index": "interviews"}, "index must be one of.*Did you mean 'interview'"),
        ({"index": pd.DataFrame()}, "index must be one of"),
        ({"n_workers": 0}, "n_workers must be a whole number"),
        ({"n_parts": 1.5}, "n_parts must be a whole number"),
        ({"memory_limit": "much"}, "memory_limit must be a size"),
        ({"engine": "ray"}, "engine must be one of"),
        ({"engine": "processes", "spark": object()}, "give one of them"),
        ({"spark": object(), "scheduler": "tcp://127.0.0.1:1"}, "give one of them"),
        ({"engine": "spark"}, "needs a SparkSession"),
        ({"lookback_days": (0,)}, "lookback_days"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_before_anything_is_read(
    folder: Path, tmp_path: Path, wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(ArgumentRefused, match=told):
        scale.build_features(folder, tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_what_is_particular_to_intervals_is_refused(
    folder: Path, given: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    with pytest.raises(ArgumentRefused, match="split_by may hold"):
        scale.build_intervals(folder, tmp_path / "out", observed_until=UNTIL, split_by=["homes"], **HERE)  # type: ignore[list-item]
    write_tables(tmp_path / "in", {"incidents": given["incidents"], "interviews": given["interviews"]})
    with pytest.raises(ArgumentRefused, match="needs observed_until"):
        scale.build_features(tmp_path / "in", tmp_path / "out", **FEW, **HERE)


def test_a_file_that_is_not_whole_is_named(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "in")
    file = tmp_path / "in" / "episodes" / "part-1.snappy.parquet"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(DataRefused, match=r"part-1\.snappy\.parquet: it is not a whole Parquet file"):
        scale.build_features(tmp_path / "in", tmp_path / "out", **FEW, **HERE)


def test_a_file_that_is_damaged_inside_is_named(tmp_path: Path) -> None:
    path = tmp_path / "episodes.parquet"
    pd.DataFrame({"child_id": [f"C{k}" for k in range(5_000)], "missing_from": "2026-01-05"}).to_parquet(path)
    data = bytearray(path.read_bytes())
    data[4:600] = bytes(596)
    path.write_bytes(data)
    source = tables.find_table(tmp_path, "episodes")
    assert source is not None
    with pytest.raises(DataRefused, match=r"episodes\.parquet: it is not a whole Parquet file"):
        list(source.batches())


def test_columns_that_cannot_be_divided_by_are_refused(built: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    def refused(table: pd.DataFrame) -> str:
        shutil.rmtree(tmp_path / "in", ignore_errors=True)
        write_tables(tmp_path / "in", {"episodes": table, "triggers": built["triggers"]}, n_files=1)
        with pytest.raises(TableRefused) as caught:
            scale.build_features(tmp_path / "in", tmp_path / "out", n_parts=2, **HERE)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        return str(caught.value)

    episodes = built["episodes"]
    assert "'child_id' is absent. Did you mean 'child'" in refused(episodes.rename(columns={"child_id": "child"}))
    assert "neither text nor whole numbers" in refused(episodes.assign(child_id=1.5))
    assert "blank somewhere" in refused(episodes.assign(child_id=episodes["child_id"].where(episodes.index != 7)))
    assert "'missing_from' is absent" in refused(episodes.drop(columns="missing_from"))


def test_files_whose_types_do_not_go_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "episodes").mkdir()
    for name, value in (("a", "2026-01-05"), ("b", True)):
        pd.DataFrame({"child_id": ["A"], "missing_from": [value]}).to_parquet(tmp_path / "episodes" / f"{name}.parquet")
    with pytest.raises(DataRefused, match="the 2 files of the table give one column types"):
        tables.find_table(tmp_path, "episodes")


def test_parts_must_have_the_same_columns(tmp_path: Path) -> None:
    for number, column in enumerate(("a", "b")):
        store.write_part(pd.DataFrame({column: [1]}), store.result_path(tmp_path, "features", number), {"mark": "m"})
    with pytest.raises(MissingPatternsError, match="part 1 of features has other columns"):
        store.check_columns(tmp_path, "features", 2)
    assert store.read_told(store.result_path(tmp_path, "features", 0), "m") == {"mark": "m"}
    assert store.read_told(store.result_path(tmp_path, "features", 0), "another") is None
    assert store.read_told(store.result_path(tmp_path, "features", 7), "m") is None


@pytest.mark.no_cover
def test_the_mark_of_a_run_is_the_same_in_every_session() -> None:
    code = (
        "from missing_patterns import read_codebook; from missing_patterns.scale.run import spell_out; import hashlib;"
        "import numpy as np; value = {'book': read_codebook(), 'at': np.arange(3), 'days': (1, 2), 'none': None};"
        "print(hashlib.sha256(spell_out(value).encode()).hexdigest())"
    )
    said = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab"
    }
    assert len(said) == 1
    assert run.spell_out({"a": [1]}) != run.spell_out({"a": [2]})
    assert run.spell_out(np.arange(3)) != run.spell_out(np.arange(4))
    book = read_codebook()
    assert run.spell_out(book) == run.spell_out(read_codebook())
    assert run.spell_out(book) != run.spell_out(book.amend(retired=[book.codes[0]]))


@pytest.fixture
def no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.read_text

    def read_text(self: Path, *args: Any, **more: Any) -> str:
        if self.parts[:2] == ("/", "proc"):
            raise FileNotFoundError
        return real(self, *args, **more)

    monkeypatch.setattr(Path, "read_text", read_text)


@pytest.mark.usefixtures("no_proc")
def test_the_peak_is_found_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (store.peak_bytes() or 0) > 50_000_000
    monkeypatch.setitem(sys.modules, "resource", None)
    assert store.peak_bytes() is None


def test_a_library_that_is_not_installed_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ArgumentRefused, match=r'needs distributed.*"missing-patterns\[scale\]"'):
        scale.build_features(folder, tmp_path / "out")
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ArgumentRefused, match=r'needs pyspark.*"missing-patterns\[spark\]"'):
        scale.build_features(folder, tmp_path / "out", spark=object(), n_parts=2)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ArgumentRefused, match=r'needs pyarrow.*"missing-patterns\[scale\]"'):
        scale.build_features(folder, tmp_path / "out2", **FEW, **HERE)
