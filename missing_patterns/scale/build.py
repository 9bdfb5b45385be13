"""The two calls: features, and the counting process, from folders of Parquet to folders of Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from missing_patterns.scale.tables import Source, codes_named, find_table, need, without_half_numbers
from missing_patterns.schema import TABLES

INDEXES = ("returned_at", "interview", "own")
COLUMN_TOGETHER = "n_missing_with"

Folder = str | PathLike[str]


def build_features(  # noqa: PLR0913 - every choice of a run, all named
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
    """Build the features of any number of children, from a folder of Parquet to a folder of Parquet, in little memory.

    The result is that of :func:`missing_patterns.build_features` on all of the tables at once: the same values, order
    and types. The children are divided into parts by ranges of ``child_id``; each part goes through the same function
    and is written as ``features/part-00000.parquet`` and so on, whose rows together, in the order of the names, are in
    order of child and time. ``pd.read_parquet(out_folder / "features")`` reads them as one table. What looks across
    children (``n_missing_with``) is counted in a second pass by home, and brought back.

    A part is written under another name and renamed when it is whole. So a worker that is lost, or a part that is done
    twice, neither loses rows nor doubles them, and the same call on the same folders goes on where an earlier one
    stopped. All rows of a child must fit into a worker's memory, and for ``n_missing_with`` all episodes of a home.

    Parameters
    ----------
    in_folder : path
        Holds the tables, each a folder of Parquet files (``episodes/``) or one file (``episodes.parquet``):
        ``episodes``, or else ``incidents``, of which episodes are built (and written to ``episodes/``, with
        ``children`` where it is there); ``triggers``, or else ``interviews``, whose triggers are coded; and, if there,
        ``interviews`` and ``placements``. Columns as in :mod:`missing_patterns.schema`; others are not read, nor is
        the written account. Tables must say the same of whose an interview is. A key that two children share is
        refused only where both fall to one part.
    out_folder : path
        A folder that is not there or is empty, or that an earlier call with the same tables and arguments wrote to.
    n_workers : int, default 2
        Processes that work at once. With ``engine="processes"`` and 1, the parts are done one after the other, here.
    memory_limit : str or int, default "2GB"
        Memory of each worker. A part takes about half of it; Dask holds the workers that it starts to it.
    n_parts : int, optional
        Parts to divide the children into. None chooses by the number of rows and ``memory_limit``.
    engine : {"dask", "processes", "spark"}, optional
        None takes Dask, or Spark where ``spark`` is given. The first two start processes afresh, so a script must keep
        its calls under ``if __name__ == "__main__":``.
    scheduler : str or distributed.Client, optional
        A Dask cluster that is there already, such as ``"tcp://10.0.0.5:8786"``. None starts workers on this machine,
        which listen on loopback only. All workers must see both folders by the same names.
    spark : pyspark.sql.SparkSession, optional
        A Spark session; the same as for Dask holds for its executors.
    index : {"returned_at", "interview", "own"}, default "returned_at"
        The moments asked about; ``own``: those of the table ``index`` in ``in_folder`` (``child_id index_at``).
    lookback_days, specs, codebook, calendar
        As for :func:`missing_patterns.build_features`.
    observed_until, merge_gap
        As for :func:`missing_patterns.build_episodes`; used where ``in_folder`` holds incidents and no episodes.
    progress : callable, optional
        Called with the stage, the parts done and the parts there are.

    Returns
    -------
    dict
        The manifest, which is also written to ``manifest.json``: rows, children and seconds of each part, peak memory
        of each worker and of this process in bytes, seconds of each stage, what was counted where episodes were built,
        and versions. It holds no id. The bounds of the parts are ids, and are not written anywhere; the parts
        themselves hold ids, as the tables do.

    Raises
    ------
    ArgumentRefused
        If an argument is not one that is known, a library is not installed, ``out_folder`` holds something else, or
        workers are lost again and again.
    DataRefused
        If a table that is needed is absent, or a file cannot be read.
    TableRefused
        If a table is not usable.
    TryLater
        If another run is at work in ``out_folder``.

    Examples
    --------
    >>> import tempfile
    >>> made = tempfile.TemporaryDirectory()
    >>> folder = Path(made.name)
    >>> pd.DataFrame({
    ...     "child_id": ["A", "B"], "missing_from": ["2026-01-05 21:00", "2026-01-09 20:00"],
    ...     "returned_at": ["2026-01-06 01:00", "2026-01-09 23:00"]}).to_parquet(folder / "incidents.parquet")
    >>> pd.DataFrame({"interview_id": ["1"], "child_id": ["A"], "held_at": ["2026-01-07 10:00"],
    ...               "coded_triggers": [["home_conflict"]]}).to_parquet(folder / "interviews.parquet")
    >>> manifest = build_features(
    ...     folder, folder / "made", observed_until="2026-01-31", engine="processes", n_workers=1)
    >>> manifest["results"]["features"]["n_rows"]
    2
    >>> pd.read_parquet(folder / "made" / "features")["n_episodes_28d"].tolist()
    [1, 1]
    >>> made.cleanup()
    """
    if not isinstance(index, str) or index not in INDEXES:
        raise ArgumentRefused(f"index must be one of: {', '.join(INDEXES)}.{did_you_mean(str(index), INDEXES)}")
    wanted, folder = _wanted(engine, n_workers, memory_limit, n_parts, scheduler, spark), _folder(in_folder)
    sources, of_episodes = _find_episodes(folder, observed_until, merge_gap)
    more = ["triggers", "interviews", "placements", *(["index"] if index == "own" else [])]
    sources |= {name: found for name in more if (found := find_table(folder, name)) is not None}
    if "triggers" not in sources and "interviews" not in sources:
        raise _absent("triggers/, nor interviews/", "of which triggers are coded")
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
    plan = Plan("features", sources, weighed, of_episodes, arguments, none, is_together=COLUMN_TOGETHER in none.columns)
    return carry_out(plan, _out(out_folder, folder), wanted, n_parts, progress)


def build_intervals(  # noqa: PLR0913 - every choice of a run, all named
    in_folder: Folder,
    out_folder: Folder,
    *,
    observed_until: Any,
    origin: Literal["first_return", "observed_from", "birthday"] = "first_return",
    split_by: Sequence[Literal["placements", "triggers"]] = (),
    merge_gap: Any = "0h",
    n_workers: int = 2,
    memory_limit: str | int = "2GB",
    n_parts: int | None = None,
    engine: Literal["dask", "processes", "spark"] | None = None,
    scheduler: Any = None,
    spark: Any = None,
    progress: Progress | None = None,
) -> Told:
    """Build the time at risk of any number of children, from a folder of Parquet to a folder of Parquet.

    The result is that of :func:`missing_patterns.to_counting_process` on all of the tables at once: the same values,
    order and types, in ``intervals/part-00000.parquet`` and so on. How it is done, and what happens when a worker is
    lost, is as for :func:`build_features`.

    Parameters
    ----------
    in_folder : path
        Holds the tables ``episodes`` or else ``incidents``, and, if there, ``children``, each a folder of Parquet files
        or one file; and those that ``split_by`` names.
    out_folder : path
        A folder that is not there or is empty, or that an earlier call with the same tables and arguments wrote to.
    observed_until, origin
        As for :func:`missing_patterns.to_counting_process`.
    split_by : sequence of {"placements", "triggers"}, default ()
        What cuts the spells, each with its covariates. Triggers are coded from ``interviews`` where there is no
        table ``triggers``.
    merge_gap
        As for :func:`missing_patterns.build_episodes`, where ``in_folder`` holds incidents and no episodes.
    n_workers : int, default 2
        Processes that work at once. With ``engine="processes"`` and 1, the parts are done one after the other, here.
    memory_limit : str or int, default "2GB"
        Memory of each worker. A part takes about half of it; Dask holds the workers that it starts to it.
    n_parts : int, optional
        Parts to divide the children into. None chooses by the number of rows and ``memory_limit``.
    engine : {"dask", "processes", "spark"}, optional
        None takes Dask, or Spark where ``spark`` is given. The first two start processes afresh, so a script must keep
        its calls under ``if __name__ == "__main__":``.
    scheduler : str or distributed.Client, optional
        A Dask cluster that is there already, such as ``"tcp://10.0.0.5:8786"``. None starts workers on this machine,
        which listen on loopback only. All workers must see both folders by the same names.
    spark : pyspark.sql.SparkSession, optional
        A Spark session; the same as for Dask holds for its executors.
    progress : callable, optional
        Called with the stage, the parts done and the parts there are.

    Returns
    -------
    dict
        The manifest, as of :func:`build_features`; ``results`` holds the sums of what ``to_counting_process`` counts.

    Raises
    ------
    ArgumentRefused, DataRefused, TableRefused, TryLater
        As :func:`build_features`.

    Examples
    --------
    >>> import tempfile
    >>> made = tempfile.TemporaryDirectory()
    >>> folder = Path(made.name)
    >>> pd.DataFrame({
    ...     "child_id": ["A", "A"], "missing_from": ["2026-01-05 21:00", "2026-01-07 21:00"],
    ...     "returned_at": ["2026-01-06 09:00", "2026-01-08 00:00"]}).to_parquet(folder / "episodes.parquet")
    >>> manifest = build_intervals(
    ...     folder, folder / "made", observed_until="2026-01-31", engine="processes", n_workers=1)
    >>> pd.read_parquet(folder / "made" / "intervals")[["start", "stop", "event"]]
       start    stop  event
    0  0.000   1.500      1
    1  1.625  25.625      0
    >>> made.cleanup()
    """
    wanted, folder = _wanted(engine, n_workers, memory_limit, n_parts, scheduler, spark), _folder(in_folder)
    sources, of_episodes = _find_episodes(folder, observed_until, merge_gap)
    children = find_table(folder, "children")
    if children is not None:
        sources["children"] = children
    if set(split_by) - {"placements", "triggers"}:
        raise ArgumentRefused("split_by may hold: placements, triggers.")
    for name in sorted(set(split_by)):
        table = find_table(folder, name)
        if table is None and name == "triggers":
            table = find_table(folder, "interviews")
        if table is None:
            raise _absent(f"{name}/", "which split_by names")
        sources[table.name] = table
    arguments = {
        "observed_until": observed_until,
        "origin": origin,
        "split_by": tuple(sorted(set(split_by))),
        "named": codes_named(sources) if "triggers" in split_by else (),
    }
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
    inside = out.is_relative_to(folder) and (out.parent != folder or out.name in {*TABLES, "index"})
    if folder.is_relative_to(out) or inside:
        raise ArgumentRefused("out_folder must not be in_folder, nor lie around it or in one of its tables.")
    return out


def _absent(what: str, why: str) -> DataRefused:
    return DataRefused(f"in_folder does not hold {what} as Parquet, {why}.")


def _find_episodes(
    folder: Path, observed_until: Any, merge_gap: Any
) -> tuple[dict[str, Source], dict[str, Any] | None]:
    """Find the episodes, or else the incidents that they are built from, with the arguments for that."""
    found = find_table(folder, "episodes")
    if found is not None:
        return {"episodes": without_half_numbers(found)}, None
    found = find_table(folder, "incidents")
    if found is None:
        raise _absent("episodes/, nor incidents/", "each a folder of files or one file, such as episodes.parquet")
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
