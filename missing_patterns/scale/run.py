"""One run from folder to folder: divide, do each stage for each part, check, account, clear up."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from missing_patterns.errors import TryLater
from missing_patterns.scale import store, tasks
from missing_patterns.scale.divide import choose_bounds, divide
from missing_patterns.scale.engines import Run, Wanted, open_engine
from missing_patterns.scale.store import Told
from missing_patterns.scale.tables import Source

#: Memory of a worker that has read nothing; of a row of the tables that go in; and how many times a row of the result
#: is in memory while it is built and written. Measured on parts of 50,000, 100,000 and 200,000 episodes with every
#: feature: peaks of 497, 716 and 1,162 MB, of which this makes 514, 749 and 1,218; with 40 features 397 MB for 62,000
#: and 532 for 124,000; the counting process with all its cuts 369 MB for 62,000 and 493 for 125,000.
IDLE_BYTES = 280_000_000
ROW_BYTES = 2_200
TIMES_RESULT = 1.3
#: Share of a worker's limit that a part may take. Dask gives a worker no more work from four fifths on.
SHARE = 0.6
#: Most that is held back while tables are divided.
BUFFER_BYTES = 64_000_000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """What is to be made: of which tables, by which stages, with which arguments."""

    kind: str
    sources: Mapping[str, Source]
    #: Tables whose rows make the result's.
    weighed: tuple[str, ...]
    of_episodes: Mapping[str, Any] | None
    arguments: Mapping[str, Any]
    #: The result of no rows: its columns.
    none: pd.DataFrame
    is_together: bool = False

    def mark(self) -> str:
        """Return a hash of all that the result depends on: tables, arguments, version; not of who makes it.

        Raises
        ------
        Nothing.
        """
        marks = {name: source.mark for name, source in self.sources.items()}
        types = [f"{name} {dtype}" for name, dtype in self.none.dtypes.items()]
        given = [self.kind, _versions()["missing_patterns"], marks, self.of_episodes, self.arguments, types]
        return hashlib.sha256(spell_out(given).encode()).hexdigest()

    def row_bytes(self) -> float:
        """Return about how much memory a row takes while it is built.

        Raises
        ------
        Nothing.
        """
        return ROW_BYTES + TIMES_RESULT * sum(getattr(d, "itemsize", 8) or 8 for d in self.none.dtypes)


def choose_n_parts(n_rows: int, row_bytes: float, wanted: Wanted) -> int:
    """Return how many parts keep a worker well inside its memory, and give each worker something to do.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> choose_n_parts(10_000_000, 5_000, Wanted(None, 2, 2_000_000_000, None, None))
    55
    """
    room = max(wanted.memory_bytes * SHARE - IDLE_BYTES, wanted.memory_bytes / 10)
    return max(wanted.n_workers, int(np.ceil(n_rows * row_bytes / room)))


def carry_out(plan: Plan, out: Path, wanted: Wanted, n_parts: int | None, progress: Progress | None) -> Told:
    """Make the result, or go on with one that was interrupted, and return its manifest.

    Raises
    ------
    ArgumentRefused
        If the folder is not ours, or workers are lost again and again.
    TryLater
        If another run is at work in the folder.
    """
    began = time.perf_counter()
    n_rows = max(plan.sources[name].n_rows for name in plan.weighed)
    mark = plan.mark()
    work = store.prepare(out, mark, plan.kind)
    try:
        with FileLock(work / "lock", timeout=0):
            known = store.read_json(out / store.MANIFEST) or store.read_json(work / "division.json") or {}
            wanted_parts = n_parts or known.get("n_parts_asked") or choose_n_parts(n_rows, plan.row_bytes(), wanted)
            if known.get("n_parts_asked") not in (None, wanted_parts):
                # The same rows, to be divided in another way: what is there is of no use.
                store.clear(out)
            runner = _Runner(plan, out, work, mark, wanted, wanted_parts, progress)
            manifest = runner.finished() or runner.work_through(began)
    except Timeout:
        raise TryLater("another run is at work in out_folder: wait until it has ended.") from None
    store.remove_work(out)
    return manifest


@dataclass(slots=True, repr=False)
class _Runner:
    plan: Plan
    out: Path
    work: Path
    mark: str
    wanted: Wanted
    n_parts_asked: int
    progress: Progress | None
    n_kept: int = 0

    def finished(self) -> Told | None:
        """Return the manifest of a run that needs nothing more."""
        manifest = store.read_json(self.out / store.MANIFEST)
        if manifest is None or len(self._told(self.plan.kind, manifest["n_parts"])) < manifest["n_parts"]:
            return None
        return manifest

    def work_through(self, began: float) -> Told:
        seconds: dict[str, float] = {}
        division = self._divide(seconds)
        n_parts = division["n_parts"]
        job = tasks.Job(
            self.work,
            self.out,
            self._mark_of(n_parts),
            tuple(self.plan.sources),
            n_parts,
            self.plan.of_episodes,
            self.plan.arguments,
            self.plan.is_together,
        )
        told: list[Told] = []
        with open_engine(self.wanted, self.work / "engine") as run:
            for stage in self._stages(n_parts):
                since = time.perf_counter()
                told += self._do(run, job, stage, n_parts)
                seconds[stage] = time.perf_counter() - since
        return self._account(division, told, seconds, began)

    def _mark_of(self, n_parts: int) -> str:
        return hashlib.sha256(f"{self.mark} {self.n_parts_asked} {n_parts}".encode()).hexdigest()

    def _stages(self, n_parts: int) -> list[str]:
        """Stages that are needed: once all of the result is there, nothing that leads to it."""
        if len(self._told(self.plan.kind, n_parts)) == n_parts:
            return []
        before = ["episodes"] if self.plan.of_episodes is not None else []
        across = ["asks", "homes"] if self.plan.is_together else []
        return [*before, *across, self.plan.kind]

    def _divide(self, seconds: dict[str, float]) -> Told:
        known = store.read_json(self.work / "division.json")
        if known is not None:
            return known
        since = time.perf_counter()
        shutil.rmtree(self.work / "tables", ignore_errors=True)
        sources = self.plan.sources
        bounds = choose_bounds([sources[name] for name in self.plan.weighed], self.n_parts_asked)
        buffer = min(BUFFER_BYTES, self.wanted.memory_bytes // 8)
        rows: dict[str, list[int]] = {}
        for done, (name, source) in enumerate(sources.items(), 1):
            rows[name] = divide(source, bounds, self.work / "tables", buffer)
            self._tell("divide", done, len(sources))
        division: Told = {"n_parts_asked": self.n_parts_asked, "n_parts": len(bounds) + 1, "rows": rows}
        store.write_json(self.work / "division.json", division)
        seconds["divide"] = time.perf_counter() - since
        return division

    def _told(self, name: str, n_parts: int) -> dict[int, Told]:
        """What is known of the parts of a result that are there, whole, and of this run."""
        mark = self._mark_of(n_parts)
        found = {n: store.read_told(store.result_path(self.out, name, n), mark) for n in range(n_parts)}
        return {n: told for n, told in found.items() if told is not None}

    def _do(self, run: Run, job: tasks.Job, stage: str, n_parts: int) -> list[Told]:
        if stage in ("asks", "homes"):
            there = {n for n in range(n_parts) if (self.work / stage / f"{n:05}.arrow").exists()}
        else:
            there = set(self._told(stage, n_parts))
            self.n_kept += len(there) if stage == self.plan.kind else 0
        todo = [n for n in range(n_parts) if n not in there]
        done: list[Told] = []
        if todo:
            for told in run(functools.partial(tasks.do, job, stage), todo):
                done.append(told)
                self._tell(stage, len(there) + len(done), n_parts)
        return done

    def _tell(self, stage: str, done: int, of: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, of)

    def _account(self, division: Told, done: list[Told], seconds: dict[str, float], began: float) -> Told:
        n_parts, kind = division["n_parts"], self.plan.kind
        names = [kind, *(["episodes"] if self.plan.of_episodes is not None else [])]
        spent = {told["part"]: told["seconds"] for told in done if "children" in told}
        made: dict[str, Any] = {}
        for name in names:
            parts = self._told(name, n_parts)
            store.sweep(self.out, name)
            made[name] = {
                "n_columns": store.check_columns(self.out, name, n_parts),
                "n_rows": sum(t["rows"] for t in parts.values()),
                "n_children": sum(t["children"] for t in parts.values()),
                "accounting": add_up([t["accounting"] for t in parts.values()]),
                "parts": [
                    {"file": f"{name}/part-{n:05}.parquet", "n_rows": t["rows"], "n_children": t["children"]}
                    for n, t in sorted(parts.items())
                ],
            }
        for number, part in enumerate(made[kind]["parts"]):
            part["seconds"] = round(spent[number], 3) if number in spent else None
        manifest: Told = {
            "made_by": "missing_patterns.scale",
            "kind": kind,
            "mark": self.mark,
            "n_parts_asked": self.n_parts_asked,
            "n_parts": n_parts,
            "n_parts_kept": self.n_kept,
            "tables": {name: sum(rows) for name, rows in division["rows"].items()},
            "results": made,
            "engine": self.wanted.name,
            "memory_limit_bytes": self.wanted.memory_bytes,
            "workers": workers_of(done),
            "peak_bytes_of_parent": store.peak_bytes(),
            "seconds": {name: round(s, 3) for name, s in seconds.items()},
            "seconds_in_all": round(time.perf_counter() - began, 3),
            "versions": _versions(),
        }
        store.write_json(self.out / store.MANIFEST, manifest)
        return manifest


def workers_of(done: Sequence[Told]) -> list[Told]:
    """Return, for each worker, its tasks, its seconds at work, and the most memory that it held.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> one, two = ({"worker": "a:1", "seconds": 2.0, "peak_bytes": n} for n in (7, 9))
    >>> workers_of([one, two])
    [{'worker': 1, 'n_tasks': 2, 'seconds': 4.0, 'peak_bytes': 9}]
    """
    by_worker: dict[str, list[Told]] = {}
    for told in done:
        by_worker.setdefault(told["worker"], []).append(told)
    return [
        {
            "worker": number,
            "n_tasks": len(own),
            "seconds": round(sum(t["seconds"] for t in own), 3),
            "peak_bytes": max((t["peak_bytes"] or 0 for t in own), default=0) or None,
        }
        for number, own in enumerate(by_worker.values(), 1)
    ]


def add_up(counts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add counts up, name by name.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> add_up([{"n": 1, "by": {"a": 2}}, {"n": 4, "by": {"a": 1}}])
    {'n': 5, 'by': {'a': 3}}
    """
    total: dict[str, Any] = {}
    for name in dict.fromkeys(name for one in counts for name in one):
        values = [one[name] for one in counts if name in one]
        nested = [v for v in values if isinstance(v, Mapping)]
        total[name] = add_up(nested) if nested else sum(values)
    return total


def spell_out(value: Any) -> str:
    """Spell a value out so that equal values give equal text in every session.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> spell_out({"b": (1, 2.5), "a": None})
    "{'a': None, 'b': [1, 2.5]}"
    """
    if isinstance(value, pd.DataFrame):
        return str(value.to_csv(index=False))
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if is_dataclass(value) and not isinstance(value, type):
        own = {f.name: getattr(value, f.name) for f in fields(value)}
        return f"{type(value).__name__}{spell_out(own)}"
    if isinstance(value, Mapping):
        inside = sorted((repr(name), spell_out(inner)) for name, inner in value.items())
        return "{" + ", ".join(f"{name}: {inner}" for name, inner in inside) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(spell_out(inner) for inner in value) + "]"
    return repr(value)


def _versions() -> dict[str, str]:
    names = ("missing_patterns", "pandas", "numpy", "pyarrow", "distributed", "pyspark")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name.replace("_", "-"))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
