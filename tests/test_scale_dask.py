"""On a real Dask cluster of two workers, which are processes of this machine that listen on loopback only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scale_example import UNTIL, Deadly, make_tables, with_episodes, write_tables

from missing_patterns import scale
from missing_patterns.episodes import to_counting_process
from missing_patterns.errors import ArgumentRefused
from missing_patterns.features import build_features
from missing_patterns.scale import engines, tasks

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'missing-patterns[scale]'")


@pytest.fixture(scope="module")
def built() -> dict[str, pd.DataFrame]:
    return with_episodes(make_tables())


@pytest.fixture(scope="module")
def folder(built: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("in"), built)


@pytest.fixture(scope="module")
def whole(built: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return build_features(
        built["episodes"], built["triggers"], interviews=built["interviews"], placements=built["placements"]
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit="1GB",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path_factory.mktemp("dask")),
    ) as made:
        yield made


def test_two_workers_give_what_one_machine_does(
    folder: Path, whole: pd.DataFrame, cluster: Any, tmp_path: Path
) -> None:
    manifest = scale.build_features(folder, tmp_path / "out", scheduler=cluster.scheduler_address, n_parts=6)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "features"), whole)
    assert manifest["engine"] == "dask"
    assert len(manifest["workers"]) == 2
    assert all(50_000_000 < worker["peak_bytes"] < 1_000_000_000 for worker in manifest["workers"])


def test_time_at_risk_through_a_client_that_stays_open(
    folder: Path, built: dict[str, pd.DataFrame], cluster: Any, tmp_path: Path
) -> None:
    expected = to_counting_process(
        built["episodes"], built["children"], observed_until=UNTIL, placements=built["placements"]
    )
    expected.attrs = {}
    with distributed.Client(cluster) as client:
        scale.build_intervals(
            folder, tmp_path / "out", observed_until=UNTIL, split_by=["placements"], scheduler=client, n_parts=4
        )
        assert client.submit(sum, (1, 2)).result() == 3
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "intervals"), expected)


def test_a_worker_that_is_killed_neither_loses_nor_doubles_rows(
    folder: Path, whole: pd.DataFrame, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "do", Deadly(tmp_path / "killed", times=1))
    manifest = scale.build_features(folder, tmp_path / "out", scheduler=cluster.scheduler_address, n_parts=6)
    assert len(list((tmp_path / "killed").iterdir())) == 1
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "features"), whole)
    assert not list((tmp_path / "out" / "features").glob(".*"))
    assert sum(p["n_rows"] for p in manifest["results"]["features"]["parts"]) == len(whole)


def test_a_part_that_kills_every_worker_is_told() -> None:
    def lost(_: Any) -> Iterator[Any]:
        raise distributed.KilledWorker("part", None, 3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, "as_completed", lost)
        client = type("Client", (), {"submit": lambda *_, **__: None, "cancel": lambda *_: None})()
        with pytest.raises(ArgumentRefused, match="a worker was lost more than 3 times"):
            list(engines._on_dask(client, len, [0]))


def test_workers_are_started_where_no_cluster_is_named(folder: Path, whole: pd.DataFrame, tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil", reason="comes with Dask")
    heard: set[str] = set()

    def listen(*_: Any) -> None:
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            heard.update(c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN)

    manifest = scale.build_features(
        folder, tmp_path / "out", n_workers=1, memory_limit="1GB", n_parts=2, progress=listen
    )
    assert heard == {"127.0.0.1"}
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "features"), whole)
    assert [worker["worker"] for worker in manifest["workers"]] == [1]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["features", "manifest.json"]
