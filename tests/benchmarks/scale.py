"""Features of millions of episodes from folder to folder in bounded memory, held against one machine: run by hand.

    python tests/benchmarks/scale.py                                    # 10 million episodes, Dask with two workers
    python tests/benchmarks/scale.py --episodes 300000 --engine dask --engine processes --engine spark
    python tests/benchmarks/scale.py --keep FOLDER                      # the tables are kept there and found again

The tables are made up in parts by features_data.py and written straight to Parquet, so that this too takes little
memory; the children of every file lie over the whole range of ids. What is printed: seconds of each stage, rows, the
peak memory of each worker and of the process that divides the tables. Then two calls on one machine, each in a process
of its own whose peak is printed too, must give the same, values and types:

    all       one call on all tables at once, of the features that need episodes only, missing together included
    children  one call on every table of a twentieth of the children (at most 300,000 episodes), of every feature but
              missing together, which needs the others
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

CHUNK = 250_000
TOGETHER = "n_missing_with"
TABLES = ("episodes", "interviews", "triggers", "placements")


def write_chunk(folder: str, n_chunks: int, size: int, number: int) -> int:
    """Make the tables of one file each, with ids that no other file has, and return how many episodes there are."""
    import pyarrow as pa
    from features_data import make_history
    from pyarrow import parquet

    tables = make_history(size, seed=number + 1)
    for name in TABLES:
        table = tables[name]
        codes, ids = pd.factorize(table["child_id"])
        there = np.array([f"C{int(i[1:]) * n_chunks + number:08}" for i in ids], dtype=object)
        table["child_id"] = there[codes]
        for column in ("episode_id", "interview_id"):
            if column in table:
                table[column] = f"{number}-" + table[column].astype(object)
        if "incident_ids" in table:
            table["incident_ids"] = [
                None if ids is None else [f"{number}-{i}" for i in ids] for ids in table["incident_ids"]
            ]
        if "home_id" in table:  # homes of each two files, so as many episodes to a home however many
            table["home_id"] = table["home_id"].astype(object).str[:2] + table["home_id"].str[-1] + f"-{number // 2}"
        shuffled = table.sample(frac=1, random_state=number)
        place = Path(folder) / name
        place.mkdir(parents=True, exist_ok=True)
        parquet.write_table(
            pa.Table.from_pandas(shuffled, preserve_index=False), place / f"{number:04}.parquet", row_group_size=65_536
        )
    return len(tables["episodes"])


def make(folder: Path, n: int) -> None:
    """Make the tables, in two processes."""
    began = time.perf_counter()
    n_chunks = max(2, round(n / CHUNK))
    done = 0
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for made in pool.map(partial(write_chunk, str(folder), n_chunks, n // n_chunks), range(n_chunks)):
            done += made
            say(f"\rmade {done:,} episodes in {time.perf_counter() - began:.0f} s")
    say("\n")


def spark_session(folder: Path) -> Any:
    """Start Spark on this machine, with two workers and little memory, on loopback."""
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from pyspark.sql import SparkSession

    build = SparkSession.builder.master("local[2]")
    for name, value in {
        "driver.bindAddress": "127.0.0.1",
        "driver.host": "127.0.0.1",
        "driver.memory": "1g",
        "local.dir": str(folder),
        "sql.warehouse.dir": str(folder / "warehouse"),
        "ui.enabled": "false",
    }.items():
        build = build.config(f"spark.{name}", value)
    return build.getOrCreate()


def run(engine: str, tables: Path, out: Path, memory: str) -> dict[str, Any]:
    """Build the features with two workers, and print what it took."""
    from missing_patterns import scale

    more = {"spark": spark_session(out.parent)} if engine == "spark" else {"engine": engine}
    told = scale.build_features(tables, out, n_workers=2, memory_limit=memory, **more)
    made = told["results"]["features"]
    size = sum(p.stat().st_size for p in (out / "features").iterdir())
    say(
        f"{engine:10}{told['tables']['episodes']:>12,} episodes"
        f" -> {made['n_rows']:,} rows x {made['n_columns']} columns"
        f" in {told['n_parts']} parts, {size / 1e9:.2f} GB: {told['seconds_in_all']:.0f} s"
        f" ({', '.join(f'{name} {s:.0f}' for name, s in told['seconds'].items())})\n"
    )
    for worker in told["workers"]:
        say(
            f"          worker {worker['worker']}: {worker['n_tasks']} tasks, {worker['seconds']:.0f} s at work, "
            f"peak {worker['peak_bytes'] / 1e6:,.0f} MB\n"
        )
    say(f"          the process that divides: peak {told['peak_bytes_of_parent'] / 1e6:,.0f} MB\n")
    return told


def load(tables: Path, name: str, columns: list[str] | None = None, upto: str | None = None) -> pd.DataFrame:
    """Read a table, or the rows of the children before an id, as one machine does."""
    import pyarrow.dataset as ds

    from missing_patterns.scale.tables import to_frame

    found = ds.dataset(tables / name, format="parquet")
    rows = None if upto is None else ds.field("child_id") < upto
    return to_frame(found.to_table(columns=columns, filter=rows, use_threads=False, batch_readahead=2))


def check(what: str, tables: Path, out: Path) -> None:
    """Build on one machine, compare with every part read back, and print how it went as JSON."""
    from missing_patterns import build_features, read_codebook
    from missing_patterns.features import feature_specs
    from missing_patterns.features.specs import Any as AnyFact
    from missing_patterns.features.specs import Count, DaysSince, Variety
    from missing_patterns.scale.store import peak_bytes

    began = time.perf_counter()
    parts = sorted((out / "features").glob("*.parquet"))
    if what == "all":
        book = read_codebook()
        named, elsewhere = {*book.codes, *book.domains.values()}, ("placement_type", "in_area")
        of_triggers = [
            s
            for s in feature_specs()
            if isinstance(s, Variety) or (isinstance(s, AnyFact | Count | DaysSince) and s.of in named)
        ]
        specs = [s for s in feature_specs() if not s.needs and s not in of_triggers and s.name not in elsewhere]
        needed = ["episode_id", "child_id", "episode_no", "missing_from", "returned_at", "duration_hours", "precision"]
        needed += ["gap_days", "home_id", "found_place", "found_area"]
        episodes = load(tables, "episodes", needed)
        whole = build_features(episodes, load(tables, "triggers", upto=""), specs=specs)
        assert TOGETHER in whole
        last = None
    else:
        ids = np.sort(load(tables, "episodes", ["child_id"])["child_id"].to_numpy(dtype=object))
        last = str(ids[min(len(ids) // 20, 300_000)])
        own = {name: load(tables, name, upto=last) for name in TABLES}
        whole = build_features(
            own["episodes"], own["triggers"], interviews=own["interviews"], placements=own["placements"]
        ).drop(columns=TOGETHER)
    seconds, at, n_with = time.perf_counter() - began, 0, 0
    for path in parts:
        part = pd.read_parquet(path, columns=whole.columns.tolist())
        if last is not None:
            part = part[(part["child_id"] < last).to_numpy(dtype=bool)]
        expected = whole.iloc[at : at + len(part)].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, expected, check_exact=True)
        n_with += int((part[TOGETHER] > 0).sum()) if TOGETHER in part else 0
        at += len(part)
        if last is not None and not len(part):
            break
    assert at == len(whole)
    said = {"rows": at, "columns": len(whole.columns), "seconds": seconds, "with_others": n_with}
    say(json.dumps({**said, "peak_bytes": peak_bytes()}))


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> None:
    """Make the tables, build with each engine, and compare with one machine."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--episodes", type=int, default=10_000_000, help="about how many")
    given.add_argument("--engine", action="append", choices=["dask", "processes", "spark"], help="default: dask")
    given.add_argument("--memory-limit", default="2GB", help="of each worker")
    given.add_argument("--keep", type=Path, help="folder in which the tables are kept and found again")
    given.add_argument("--no-check", action="store_true", help="do not compare with one machine")
    given.add_argument("--check", nargs=3, help=argparse.SUPPRESS)
    asked = given.parse_args()
    if asked.check:
        check(asked.check[0], Path(asked.check[1]), Path(asked.check[2]))
        return
    with tempfile.TemporaryDirectory() as made:
        tables = (asked.keep or Path(made)) / f"tables_{asked.episodes}"
        if not (tables / "done").exists():
            shutil.rmtree(tables, ignore_errors=True)
            make(tables, asked.episodes)
            (tables / "done").touch()
        for engine in asked.engine or ["dask"]:
            out = Path(made) / f"out_{engine}"
            run(engine, tables, out, asked.memory_limit)
            for what in () if asked.no_check else ("all", "children"):
                command = [sys.executable, __file__, "--check", what, str(tables), str(out)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                told = json.loads(done.stdout)
                say(
                    f"          one machine, {what}: {told['rows']:,} rows x {told['columns']} columns in "
                    f"{told['seconds']:.0f} s, peak {told['peak_bytes'] / 1e6:,.0f} MB: the same"
                    + (f" (missing with others: {told['with_others']:,} rows)\n" if what == "all" else "\n")
                )
            shutil.rmtree(out)


if __name__ == "__main__":
    main()
