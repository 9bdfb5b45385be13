"""Who does the work: processes of this machine, a Dask cluster, or Spark. Each is handed the same function of a number.

A task writes its result itself and returns a few counts, so no rows travel between processes, and a task that is done
twice, because its worker was lost or was thought to be, changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.scale.store import Told
from missing_patterns.scale.tables import need

ENGINES = ("dask", "processes", "spark")
#: Times that a part is tried again after the worker that had it was lost.
MOST_LOST = 3

Task = Callable[[int], Told]
Run = Callable[[Task, Sequence[int]], Iterator[Told]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asked for: who is to work, how many of them, and with how much memory each."""

    engine: str | None
    n_workers: int
    memory_bytes: int
    scheduler: Any
    spark: Any

    @property
    def name(self) -> str:
        """The engine that this comes to: what was handed over says which, else Dask.

        Raises
        ------
        ArgumentRefused
            If it is not one that is known, or what was handed over belongs to another.
        """
        given = "spark" if self.spark is not None else "dask" if self.scheduler is not None else None
        name = self.engine or given or "dask"
        if name not in ENGINES:
            raise ArgumentRefused(f"engine must be one of: {', '.join(ENGINES)}.{did_you_mean(str(name), ENGINES)}")
        if (given and name != given) or (self.spark is not None and self.scheduler is not None):
            raise ArgumentRefused("scheduler= belongs to the engine 'dask', and spark= to 'spark': give one of them.")
        if name == "spark" and self.spark is None:
            raise ArgumentRefused("the engine 'spark' needs a SparkSession: pass spark=.")
        return name


@contextmanager
def open_engine(wanted: Wanted, folder: Path) -> Iterator[Run]:
    """Start the workers, and end those that were started here.

    Parameters
    ----------
    wanted : Wanted
        What was asked for.
    folder : Path
        Where workers may keep files of their own while they run.

    Yields
    ------
    callable
        Takes a task and the numbers to do it for; gives what each returned, in the order in which they are done.

    Raises
    ------
    ArgumentRefused
        If a library is not installed, or workers are lost again and again.
    """
    if wanted.name == "spark":
        need("pyspark", "spark", "The engine 'spark'")
        yield lambda task, numbers: _on_spark(wanted.spark, task, numbers)
    elif wanted.name == "dask":
        with _dask_client(wanted, folder) as client:
            yield lambda task, numbers: _on_dask(client, task, numbers)
    elif wanted.n_workers == 1:
        yield map
    else:
        with _Processes(wanted.n_workers) as processes:
            yield processes.run


def _lost() -> ArgumentRefused:
    return ArgumentRefused(
        f"a worker was lost more than {MOST_LOST} times while it had the same part, most often because its memory "
        "was not enough: give more by memory_limit, or more and smaller parts by n_parts. What is done is kept; "
        "the same call goes on from there."
    )


class _Processes:
    """Processes of this machine, started anew when one of them is lost, since a pool does not outlive that.

    They are started afresh, not forked: a fork would copy locks that threads of this process hold.
    """

    def __init__(self, n_workers: int) -> None:
        self.n_workers, self.n_lost = n_workers, 0

    def __enter__(self) -> _Processes:
        self.pool = ProcessPoolExecutor(self.n_workers, mp_context=get_context("spawn"))
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)

    def run(self, task: Task, numbers: Sequence[int]) -> Iterator[Told]:
        left = list(numbers)
        while left:
            futures = {self.pool.submit(task, number): number for number in left}
            try:
                for future in as_completed(futures):
                    told = future.result()
                    left.remove(futures[future])
                    yield told
            except BrokenProcessPool:
                self.n_lost += 1
                if self.n_lost > MOST_LOST:
                    raise _lost() from None
                self.__exit__()
                self.__enter__()


@contextmanager
def _dask_client(wanted: Wanted, folder: Path) -> Iterator[Any]:
    distributed = need("distributed", "scale", "The engine 'dask'")
    if isinstance(wanted.scheduler, distributed.Client):
        yield wanted.scheduler
    elif wanted.scheduler is not None:
        with distributed.Client(wanted.scheduler) as client:
            yield client
    else:
        cluster = distributed.LocalCluster(
            n_workers=wanted.n_workers,
            threads_per_worker=1,
            memory_limit=wanted.memory_bytes,
            host="127.0.0.1",
            # No dashboard; left out, these would listen on every address of the machine.
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            local_directory=str(folder),
        )
        with cluster, distributed.Client(cluster) as client:
            yield client


def _on_dask(client: Any, task: Task, numbers: Sequence[int]) -> Iterator[Told]:
    distributed = need("distributed", "scale", "The engine 'dask'")
    futures = [client.submit(task, number, pure=False) for number in numbers]
    try:
        for future in distributed.as_completed(futures):
            yield future.result()
    except distributed.KilledWorker:
        raise _lost() from None
    finally:
        client.cancel(futures)


def _on_spark(spark: Any, task: Task, numbers: Sequence[int]) -> Iterator[Told]:
    """One Spark partition for each number, so that the scheduler of Spark deals them out and does lost ones again."""
    tasks = list(numbers)

    def work(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield pd.DataFrame({"told": [json.dumps(task(tasks[int(at)])) for at in batch["id"]]})

    rows = spark.range(0, len(tasks), 1, numPartitions=len(tasks)).mapInPandas(work, schema="told string").collect()
    return (json.loads(row["told"]) for row in rows)
