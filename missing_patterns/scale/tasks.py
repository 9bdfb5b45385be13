"""What a worker does with one part: read it, run the same functions as on one machine, write the result."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.episodes import build_episodes, to_counting_process
from missing_patterns.features import build_features
from missing_patterns.scale import together
from missing_patterns.scale.divide import read_part
from missing_patterns.scale.store import Told, peak_bytes, result_path, write_part
from missing_patterns.scale.tables import need, to_frame
from missing_patterns.triggers import code_triggers

#: What the columns of codes known so far begin with.
FLAG = "ever_"

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """What all tasks of a run share: where things are, which tables there are, and the arguments of the functions."""

    work: Path
    out: Path
    mark: str
    tables: tuple[str, ...]
    n_parts: int
    #: Whether episodes are built from incidents, by these arguments.
    of_episodes: Mapping[str, Any] | None
    #: Arguments of the function that the run is for.
    arguments: Mapping[str, Any] = field(default_factory=dict)
    #: Whether the column that looks across children is wanted.
    is_together: bool = False

    def read(self, number: int, *names: str, only: Sequence[str] | None = None) -> Tables:
        """Read tables of a part, those that the run has; of episodes all columns, or only some.

        Raises
        ------
        Nothing.
        """
        found: Tables = {}
        for name in names:
            columns = only if name == "episodes" else None
            if name == "episodes" and self.of_episodes is not None:
                found[name] = _read_result(result_path(self.out, name, number), columns)
            elif name in self.tables:
                found[name] = read_part(self.work / "tables", name, number, columns)
        return found

    @property
    def index(self) -> str:
        """The kind of index.

        Raises
        ------
        Nothing.
        """
        return str(self.arguments.get("index", ""))


def do(job: Job, stage: str, number: int) -> Told:
    """Do one stage for one part, and tell how it went: rows, children, seconds, memory, and who did it.

    Raises
    ------
    TableRefused, ArgumentRefused
        What the functions raise that build the result.
    """
    began = time.perf_counter()
    told = _STAGES[stage](job, number)
    spent = {"part": number, "seconds": time.perf_counter() - began, "peak_bytes": peak_bytes()}
    return {**told, **spent, "worker": f"{platform.node()}:{os.getpid()}"}


def features_of(tables: Mapping[str, pd.DataFrame], arguments: Mapping[str, Any]) -> pd.DataFrame:
    """Build the features of one part, or of all children on one machine, from tables by their names.

    Raises
    ------
    TableRefused, ArgumentRefused
        What ``build_features`` raises.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    if given.get("index") == "own":
        given["index"] = tables["index"]
    triggers = tables.get("triggers")
    if triggers is None:
        triggers = code_triggers(tables["interviews"], given.get("codebook"))
    return build_features(
        tables["episodes"],
        triggers,
        interviews=tables.get("interviews"),
        placements=tables.get("placements"),
        **given,
    )


def intervals_of(tables: Mapping[str, pd.DataFrame], arguments: Mapping[str, Any]) -> pd.DataFrame:
    """Build the counting process of one part, or of all children on one machine, from tables by their names.

    Raises
    ------
    TableRefused, ArgumentRefused
        What ``to_counting_process`` raises.
    """
    given: dict[str, Any] = dict(arguments)
    split_by, named = given.pop("split_by", ()), given.pop("named", ())
    more: dict[str, Any] = {name: tables.get(name) for name in split_by}
    if "triggers" in more and more["triggers"] is None:
        more["triggers"] = code_triggers(tables["interviews"])
    frame = to_counting_process(tables["episodes"], tables.get("children"), **given, **more)
    counts = frame.attrs["accounting"]
    flags = {name: frame.pop(name) for name in [c for c in frame if str(c).startswith(FLAG)]}
    for code in named:
        # A code that no child of the part was known for.
        frame[FLAG + code] = flags.pop(FLAG + code, np.zeros(len(frame), dtype=bool))
    frame.attrs["accounting"] = counts
    return frame


def _episodes(job: Job, number: int) -> Told:
    tables = job.read(number, "incidents", "children")
    frame = build_episodes(tables["incidents"], children=tables.get("children"), **(job.of_episodes or {}))
    return _write(job, "episodes", number, frame)


def _features(job: Job, number: int) -> Told:
    tables = job.read(number, "episodes", "triggers", "interviews", "placements", "index")
    frame = features_of(tables, job.arguments)
    if job.is_together:
        frame[together.COLUMN] = together.read_counts(job.work, number, job.n_parts, len(frame))
    return _write(job, "features", number, frame)


def _intervals(job: Job, number: int) -> Told:
    tables = job.read(number, "episodes", "children", "placements", "triggers", "interviews")
    return _write(job, "intervals", number, intervals_of(tables, job.arguments))


def _asks(job: Job, number: int) -> Told:
    more = {"interview": ["interviews"], "own": ["index"]}.get(job.index, [])
    only = (*together.NEEDED, "incident_ids") if job.index == "interview" else together.NEEDED
    tables = job.read(number, "episodes", *more, only=only)
    index = tables["index"] if job.index == "own" else job.index
    return together.write_asks(job.work, number, job.n_parts, tables["episodes"], index, tables.get("interviews"))


def _homes(job: Job, number: int) -> Told:
    return together.count_homes(job.work, number, job.n_parts)


_STAGES = {"episodes": _episodes, "asks": _asks, "homes": _homes, "features": _features, "intervals": _intervals}


def _write(job: Job, name: str, number: int, frame: pd.DataFrame) -> Told:
    told = {
        "mark": job.mark,
        "rows": len(frame),
        "children": int(frame["child_id"].nunique()),
        "accounting": frame.attrs.get("accounting", {}),
    }
    write_part(frame, result_path(job.out, name, number), told)
    return told


def _read_result(path: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    with need("pyarrow.parquet", "scale", "scale").ParquetFile(path) as file:
        return to_frame(file.read(None if columns is None else list(columns), use_threads=False))
