"""A division of tables that are in memory, by a hash of the child, and one function run on each part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.schema import require

Tables = dict[str, pd.DataFrame]


def map_children(
    tables: Mapping[str, pd.DataFrame],
    func: Callable[[Tables], pd.DataFrame],
    *,
    n_parts: int = 8,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Run a per-child function on partitions of children and put the results together.

    Every table is divided by a stable hash of ``child_id``, so that all rows of a child, in all tables, are in one
    part, on every machine and in every session. The result equals that of ``func`` on the undivided tables, provided
    that ``func`` treats each child for itself and sorts its result by child.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables with a column ``child_id``, by whatever names ``func`` looks them up.
    func : callable
        Takes a dict of the same names, returns a DataFrame with ``child_id``. For an executor of processes it must
        be defined at the top level of a module.
    n_parts : int, default 8
        Number of partitions, at least 1. Each is held in memory by one worker at a time; parts of 150,000 to
        450,000 episodes keep a worker under about 1 GB.
    executor : concurrent.futures.Executor, optional
        Runs the parts: a ProcessPoolExecutor, or that of a cluster (``dask.distributed.Client.get_executor()`` is
        one). None runs them one after the other, here.

    Returns
    -------
    pd.DataFrame
        The rows of all parts in order of ``child_id``; rows of one child keep the order that ``func`` gave them.

    Raises
    ------
    ArgumentRefused
        If ``n_parts`` is below 1, there are no tables, or ``func`` does not return a DataFrame with ``child_id``.
    TableRefused
        If a table has no ``child_id``, or it is blank somewhere.

    Examples
    --------
    >>> incidents = pd.DataFrame({"child_id": ["B", "A", "B"], "hours": [1, 2, 3]})
    >>> def total(part):
    ...     return part["incidents"].groupby("child_id", as_index=False).sum()
    >>> map_children({"incidents": incidents}, total, n_parts=2)
      child_id  hours
    0        A      2
    1        B      4
    """
    if n_parts < 1:
        raise ArgumentRefused("n_parts must be at least 1.")
    if not tables:
        raise ArgumentRefused("there are no tables to divide.")
    parts: list[Tables] = [{} for _ in range(n_parts)]
    for name, table in tables.items():
        require(table, ["child_id"], name)
        if table["child_id"].isna().any():
            raise TableRefused.of_problems(name, ["column 'child_id' is blank somewhere"])
        part_of = part_numbers(table["child_id"], n_parts)
        for number, part in enumerate(parts):
            part[name] = table[part_of == number].reset_index(drop=True)
    results = [func(part) for part in parts] if executor is None else list(executor.map(func, parts))
    if not all(isinstance(r, pd.DataFrame) and "child_id" in r for r in results):
        raise ArgumentRefused("the function must return a DataFrame with the column child_id.")
    # A part without children has the columns but need not have their types; it adds no rows and is left out.
    filled = [r for r in results if len(r)]
    if not filled:
        return results[0]
    joined = pd.concat(filled, ignore_index=True)
    joined.attrs = {}
    return joined.sort_values("child_id", kind="stable", ignore_index=True)


def part_numbers(child_ids: pd.Series, n_parts: int) -> npt.NDArray[np.int64]:
    """Return the partition of each child: the same for an id everywhere and always.

    The hash is BLAKE2b of the id as UTF-8 text. Python's own hash of text differs from one process to the next.

    Parameters
    ----------
    child_ids : pd.Series
        Ids, as text.
    n_parts : int
        Number of partitions.

    Returns
    -------
    numpy.ndarray
        Whole numbers from 0 to ``n_parts - 1``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> part_numbers(pd.Series(["C000001", "C000002", "C000001"]), 8).tolist()
    [6, 2, 6]
    """
    codes, ids = pd.factorize(child_ids)
    digests = [hashlib.blake2b(str(i).encode(), digest_size=8).digest() for i in ids]
    numbers = np.array([int.from_bytes(d, "big") % n_parts for d in digests], dtype=np.int64)
    parts: npt.NDArray[np.int64] = numbers[codes]
    return parts
