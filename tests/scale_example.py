"""Made-up tables for the tests of scale: written as Parquet in the ways in which people write it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.episodes import build_episodes
from missing_patterns.scale import tasks
from missing_patterns.triggers import code_triggers

UNTIL = "2026-12-31"
CODES = ("home_conflict", "people_boyfriend_girlfriend", "exploitation_criminal")


def make_tables(n: int = 400, n_children: int = 90, seed: int = 3) -> dict[str, pd.DataFrame]:
    """Make records of children who go missing often and seldom, from homes and not, in no order."""
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 1.5, n_children)
    which = rng.choice(n_children, n, p=weight / weight.sum())
    child = np.array([f"C{k:03}é" if k % 7 == 0 else f"C{k:03}" for k in which], dtype=object)
    start = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 330 * 24, n), unit="h")
    hours = rng.integers(1, 60, n)
    home = np.where(rng.random(n) < 0.6, np.array([f"H{k}" for k in rng.integers(0, 6, n)], dtype=object), None)
    incidents = pd.DataFrame(
        {
            "incident_id": [f"M{k}" for k in range(n)],
            "child_id": child,
            "missing_from": start,
            "returned_at": np.where(rng.random(n) < 0.97, start + pd.to_timedelta(hours, unit="h"), pd.NaT),
            "home_id": home,
            "found_area": np.where(rng.random(n) < 0.7, "North", None),
            "placement_type": np.where(rng.random(n) < 0.5, "foster", None),
        }
    )
    incidents["returned_at"] = pd.to_datetime(incidents["returned_at"])
    held = rng.random(n) < 0.6
    codes = [tuple(c for c in CODES if rng.random() < 0.4) if has else None for has in held]
    interviews = pd.DataFrame(
        {
            "interview_id": [f"R{k}" for k in range(n)],
            "child_id": child,
            "incident_ids": [(f"M{k}",) for k in range(n)],
            "status": np.where(held, "completed", "declined"),
            "offered_at": start + pd.to_timedelta(hours + 5, unit="h"),
            "held_at": np.where(held, start + pd.to_timedelta(hours + 40, unit="h"), pd.NaT),
            "coded_triggers": codes,
            "narrative": "never read",
        }
    )
    interviews["held_at"] = pd.to_datetime(interviews["held_at"])
    ids = sorted(set(child))
    born = pd.Timestamp("2011-01-01") + pd.to_timedelta(rng.integers(0, 36, len(ids)) * 30, unit="D")
    children = pd.DataFrame({"child_id": ids, "birth_month": born, "observed_from": "2025-12-01"})
    placed = rng.choice(ids, 120)
    placements = pd.DataFrame(
        {
            "child_id": placed,
            "started_on": pd.Timestamp("2025-11-01") + pd.to_timedelta(rng.integers(0, 390, 120), unit="D"),
            "placement_type": rng.choice(["foster", "childrens_home"], 120),
            "in_area": rng.random(120) < 0.5,
            "distance_miles": rng.integers(0, 60, 120).astype(float),
        }
    ).drop_duplicates(["child_id", "started_on"])
    asked = pd.DataFrame(
        {
            "child_id": np.repeat(ids, 3),
            "index_at": np.tile(pd.to_datetime(["2026-03-01", "2026-06-01", "2026-09-01"]), len(ids)),
        }
    )
    away = pd.DataFrame(
        {"child_id": child[:150], "index_at": start[:150] + pd.to_timedelta(hours[:150] * 30, unit="m")}
    )
    asked = pd.concat([asked, away], ignore_index=True)  # while some are away
    return {
        "incidents": incidents.sample(frac=1, random_state=1),
        "interviews": interviews.sample(frac=1, random_state=2),
        "children": children,
        "placements": placements,
        "index": asked,
    }


def with_episodes(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Build episodes and triggers on one machine, and leave out what they were built from."""
    episodes = build_episodes(tables["incidents"], observed_until=UNTIL, children=tables["children"])
    triggers = code_triggers(tables["interviews"])
    return {
        "episodes": episodes.sample(frac=1, random_state=3),
        "triggers": triggers.sample(frac=1, random_state=4),
        **{name: tables[name] for name in ("interviews", "children", "placements", "index")},
    }


def write_tables(folder: Path, tables: dict[str, pd.DataFrame], n_files: int = 3) -> Path:
    """Write each table as a folder of a few files, as engines do; with one file, as a file beside them."""
    for name, table in tables.items():
        plain = table.copy()
        plain.attrs = {}
        if n_files == 1:
            folder.mkdir(parents=True, exist_ok=True)
            plain.to_parquet(folder / f"{name}.parquet", index=False)
            continue
        (folder / name).mkdir(parents=True)
        for number, rows in enumerate(np.array_split(np.arange(len(plain)), n_files)):
            plain.iloc[rows].to_parquet(folder / name / f"part-{number}.snappy.parquet", index=False)
    return folder


class Deadly:
    """A stand-in for ``tasks.do`` that ends its own process, so many times in all, when it is to finish a part.

    The part is then half written. A worker makes it from this file by its path, since it cannot import it by name.
    """

    def __init__(self, counts: Path, times: int) -> None:
        self.counts, self.times = counts, times
        counts.mkdir(exist_ok=True)

    def __reduce__(self) -> tuple[Any, ...]:
        given = f"__import__('pathlib').Path({str(self.counts)!r}), {self.times}"
        return eval, (f"__import__('runpy').run_path({__file__!r})['Deadly']({given})",)

    def __call__(self, job: tasks.Job, stage: str, number: int) -> dict[str, Any]:
        """Do the task, unless it is this one's turn to die."""
        real = Path.replace

        def replace(path: Path, target: Path) -> Path:
            if target.name == "part-00001.parquet" and len(list(self.counts.iterdir())) < self.times:
                (self.counts / f"{os.getpid()}-{time.monotonic_ns()}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return real(path, target)

        Path.replace = replace  # type: ignore[method-assign, assignment]
        try:
            return tasks.do(job, stage, number)
        finally:
            Path.replace = real  # type: ignore[method-assign]
