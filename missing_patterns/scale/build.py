"""The two calls: features, and the counting process, from folders of Parquet to folders of Parquet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from missing_patterns.codebook import Codebook
from missing_patterns.episodes import build_episodes
from missing_patterns.errors import ArgumentRefused, DataRefused, did_you_mean
from missing_patterns.scale import tasks
from missing_patterns.scale.engines import Wanted
from missing_patterns.scale.run import Plan, Progress, carry_out
from missing_patterns.scale.store import Told, read_bytes
from missing_patterns.scale.tables import Source, find_table, need

INDEXES = ("returned_at", "interview", "own")
COLUMN_TOGETHER = "n_missing_with"

Folder = str | PathLike[str]


def build_features(
    in_folder: Folder,
    out_folder: Folder,
    *,
    n_workers: int = 2,
    memory_limit: str | int = "2GB",
    n_parts: int | None = None,
    engine: Literal["dask", "processes", "spark"] | None = None,
    scheduler: Any = None,
    spark: Any = None,
    index: Literal["returned_at", "interview", "own"] = "returned_at",
    lookback_days: Sequence[int] = (28, 90, 365),
    specs: Sequence[Any] | None = None,
    codebook: Codebook | None = None,
    calendar: Any = None,
    observed_until: Any = None,
    merge_gap: Any = "0h",
    progress: Progress | None = None,
) -> Told:
    """TO DO."""
    if index not in INDEXES:
        raise ArgumentRefused(f"index must be one of: {', '.join(INDEXES)}.{did_you_mean(str(index), INDEXES)}")
    wanted, folder = _wanted(engine, n_workers, memory_limit, n_parts, scheduler, spark), _folder(in_folder)
    sources, of_episodes = _find_episodes(folder, observed_until, merge_gap)
    more = ["triggers", "interviews", "placements", *(["index"] if index == "own" else [])]
    sources |= {name: found for name in more if (found := find_table(folder, name)) is not None}
    if "triggers" not in sources and "interviews" not in sources:
        raise _absent("triggers/ nor interviews/", "of which triggers are made")
    if index == "interview" and "interviews" not in sources:
        raise _absent("interviews/", "which index='interview' needs")
    if index == "own" and "index" not in sources:
        raise _absent("index/", "which index='own' needs: child_id, index_at")
    arguments = {
        "index": index,
        "lookback_days": tuple(lookback_days),
        "specs": None if specs is None else tuple(specs),
        "codebook": codebook,
        "calendar": calendar,
    }
    heads = _heads(sources, of_episodes)
    none = tasks.features_of(heads, arguments)
    weighed = tuple(n for n in ("episodes", "incidents", "index") if n in sources)
    plan = Plan(
        "features", sources, weighed, of_episodes, arguments, none, is_together=COLUMN_TOGETHER in none.columns
    )
    return carry_out(plan, _out(out_folder, folder), wanted, n_parts, progress)


def build_intervals(
    in_folder: Folder,
    out_folder: Folder,
    *,
    observed_until: Any,
    origin: Literal["first_return", "observed_from", "birthday"] = "first_return",
    merge_gap: Any = "0h",
    n_workers: int = 2,
    memory_limit: str | int = "2GB",
    n_parts: int | None = None,
    engine: Literal["dask", "processes", "spark"] | None = None,
    scheduler: Any = None,
    spark: Any = None,
    progress: Progress | None = None,
) -> Told:
    """TO DO."""
    wanted, folder = _wanted(engine, n_workers, memory_limit, n_parts, scheduler, spark), _folder(in_folder)
    sources, of_episodes = _find_episodes(folder, observed_until, merge_gap)
    children = find_table(folder, "children")
    if children is not None:
        sources["children"] = children
    arguments = {"observed_until": observed_until, "origin": origin}
    none = tasks.intervals_of(_heads(sources, of_episodes), arguments)
    weighed = tuple(n for n in ("episodes", "incidents", "children") if n in sources)
    plan = Plan("intervals", sources, weighed, of_episodes, arguments, none)
    return carry_out(plan, _out(out_folder, folder), wanted, n_parts, progress)


def _wanted(engine: Any, n_workers: int, memory_limit: str | int, n_parts: Any, scheduler: Any, spark: Any) -> Wanted:
    need("pyarrow", "scale", "missing_patterns.scale")
    for name, number in (("n_workers", n_workers), ("n_parts", 1 if n_parts is None else n_parts)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ArgumentRefused(f"{name} must be a whole number, at least 1.")
    wanted = Wanted(engine, n_workers, read_bytes(memory_limit), scheduler, spark)
    if wanted.name == "dask":
        need("distributed", "scale", "The engine 'dask'")
    return wanted


def _folder(in_folder: Folder) -> Path:
    folder = Path(in_folder).absolute()
    if not folder.is_dir():
        raise DataRefused("in_folder is not a folder: name one that holds episodes/ or incidents/.")
    return folder


def _out(out_folder: Folder, folder: Path) -> Path:
    out = Path(out_folder).absolute()
    if folder.is_relative_to(out) or (out.is_relative_to(folder) and out.parent != folder):
        raise ArgumentRefused("out_folder must not be in_folder, nor lie around it or in one of its tables.")
    return out


def _absent(what: str, why: str) -> DataRefused:
    return DataRefused(f"in_folder holds neither {what} as Parquet, {why}." if " nor " in what else
                       f"in_folder does not hold {what} as Parquet, {why}.")


def _find_episodes(folder: Path, observed_until: Any, merge_gap: Any) -> tuple[dict[str, Source], dict[str, Any] | None]:
    """Find the episodes, or else the incidents that they are built from, with the arguments for that."""
    found = find_table(folder, "episodes")
    if found is not None:
        return {"episodes": found}, None
    found = find_table(folder, "incidents")
    if found is None:
        raise _absent("episodes/ nor incidents/", "each a folder of files or one file, such as episodes.parquet")
    if observed_until is None:
        raise ArgumentRefused("in_folder holds incidents/: building episodes of them needs observed_until=.")
    sources = {"incidents": found}
    children = find_table(folder, "children")
    if children is not None:
        sources["children"] = children
    return sources, {"observed_until": observed_until, "merge_gap": merge_gap}


def _heads(sources: Mapping[str, Source], of_episodes: Mapping[str, Any] | None) -> dict[str, pd.DataFrame]:
    """The tables without rows: what cannot be built of them is refused before anything is read."""
    heads = {name: source.head() for name, source in sources.items()}
    if of_episodes is not None:
        heads["episodes"] = build_episodes(heads["incidents"], children=heads.get("children"), **of_episodes)
    return heads
