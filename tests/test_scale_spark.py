"""On a real Spark of this machine, with Java: what Databricks and Fabric offer.

Where PySpark or Java is absent these tests are skipped, unless MISSING_PATTERNS_SPARK is set, as in a step of the check
that is there for them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scale_example import UNTIL, Deadly, make_tables, with_episodes, write_tables

from missing_patterns import scale
from missing_patterns.episodes import to_counting_process
from missing_patterns.features import build_features
from missing_patterns.scale import tasks

ABSENT = [name for name, there in (("PySpark", find_spec("pyspark")), ("Java", shutil.which("java"))) if not there]

pytestmark = [
    pytest.mark.skipif(
        bool(ABSENT) and not os.environ.get("MISSING_PATTERNS_SPARK"),
        reason=f"{' and '.join(ABSENT)} not installed: pip install 'missing-patterns[spark]', and Java 17 or later",
    ),
    # PySpark 4 says so of every pandas 3; what is used of it here is what these tests hold.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    # Py4J, which PySpark talks to Java through, leaves its sockets to the end of the process.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    place = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"):
            patch.setenv(name, sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        made = (
            SparkSession.builder.master("local[2, 4]")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", "512m")
            .config("spark.local.dir", str(place))
            .config("spark.sql.warehouse.dir", str(place / "warehouse"))
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        made.sparkContext.setLogLevel("OFF")
        yield made
        made.stop()


@pytest.fixture(scope="module")
def built() -> dict[str, pd.DataFrame]:
    return with_episodes(make_tables())


@pytest.fixture(scope="module")
def folder(built: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("in"), built)


def test_features_on_spark_are_those_of_one_machine_though_a_worker_is_killed(
    spark: Any,
    folder: Path,
    built: dict[str, pd.DataFrame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "do", Deadly(tmp_path / "killed", times=1))
    manifest = scale.build_features(folder, tmp_path / "out", spark=spark, n_parts=4)
    expected = build_features(
        built["episodes"], built["triggers"], interviews=built["interviews"], placements=built["placements"]
    )
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "features"), expected)
    assert manifest["engine"] == "spark"
    assert len(list((tmp_path / "killed").iterdir())) == 1


def test_time_at_risk_on_spark_is_that_of_one_machine(
    spark: Any, folder: Path, built: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    scale.build_intervals(folder, tmp_path / "out", observed_until=UNTIL, spark=spark, n_parts=3)
    expected = to_counting_process(built["episodes"], built["children"], observed_until=UNTIL)
    expected.attrs = {}
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "intervals"), expected)


def test_time_at_risk_of_a_spark_table_in_groups_of_children(spark: Any, built: dict[str, pd.DataFrame]) -> None:
    """What someone writes whose episodes are a Spark table already: groups of many children, not one call for each."""
    from pyspark.sql import functions as fn

    episodes = built["episodes"][["child_id", "episode_no", "missing_from", "returned_at", "precision"]]
    table = spark.createDataFrame(episodes.astype({"child_id": object, "precision": object, "episode_no": "int64"}))

    def spells(part: pd.DataFrame) -> pd.DataFrame:
        for name in ("missing_from", "returned_at"):
            # Spark hands times over in the session's zone and without it: UTC, in which no hour happens twice.
            part[name] = part[name].dt.tz_localize("UTC")
        made = to_counting_process(part.drop(columns="part"), observed_until=UNTIL)
        return made[["child_id", "start", "stop", "event", "episode_no"]]

    grouped = table.withColumn("part", fn.pmod(fn.hash("child_id"), fn.lit(3))).groupBy("part")
    made = grouped.applyInPandas(
        spells, schema="child_id string, start double, stop double, event long, episode_no long"
    )
    expected = to_counting_process(built["episodes"], observed_until=UNTIL)
    rows = sorted(tuple(row) for row in made.collect())
    assert rows == list(expected[made.columns].astype(object).itertuples(index=False, name=None))
