"""The episodes of all children in order, which every feature looks back over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import Flags, Ints
from missing_patterns.errors import TableRefused, positions

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, repr=False)
class History:
    """Episodes in order of child, start and number: "latest" means last in this order.

    `row` is where each stands in `table`, whose rows are in the order that they were given. `child` counts in the
    order of `child_ids`, which may hold children without episodes. `by_date`: no time of day is known.
    """

    table: pd.DataFrame
    row: Ints
    child_ids: Objects
    child: Ints
    start: Ints
    end: Ints
    number: Ints
    by_date: Flags

    def place(self) -> Ints:
        """Return the place in this order of each row of the table.

        Raises
        ------
        Nothing.
        """
        place = np.empty(len(self.row), dtype=np.int64)
        place[self.row] = np.arange(len(self.row))
        return place

    def column(self, name: str) -> pd.Series:
        """Return a column of the table in this order.

        Raises
        ------
        Nothing.
        """
        given = self.table[name]
        if is_in_place(self.row):
            return given
        return pd.Series(given.array.take(self.row), name=name)


def order_episodes(table: pd.DataFrame, child: Ints, child_ids: Objects) -> History:
    """Put the rows of a conformed episodes table in order; episodes without a number are numbered by start and return.

    Raises
    ------
    TableRefused
        If an episode ends before it starts.
    """
    start, end = ar.utc_us(table["missing_from"]), ar.utc_us(table["returned_at"])
    backwards = np.flatnonzero((end != ar.ABSENT) & (end < start))
    if len(backwards):
        where = positions(backwards.tolist())
        raise TableRefused.of_problems("episodes", [f"column 'returned_at' is before 'missing_from' at {where}"])
    if table["episode_no"].notna().all():
        number = table["episode_no"].to_numpy(dtype=np.int64)
    else:
        last = np.where(end == ar.ABSENT, np.iinfo(np.int64).max, end)
        order = np.lexsort((last, start, child))
        number = np.empty(len(order), dtype=np.int64)
        number[order] = ar.count_before(child[order]) + 1
    by_date = (table["precision"] == "day").fillna(False).to_numpy(dtype=bool)
    row = np.arange(len(child))
    if not _is_ordered(child, start, number):
        row = np.lexsort((number, start, child))
        child, start, end, number, by_date = (a[row] for a in (child, start, end, number, by_date))
    return History(table, row, child_ids, child, start, end, number, by_date)


def number_children(*columns: pd.Series) -> tuple[list[Ints], Objects]:
    """Number the children of one or more columns in the order of their ids.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> numbers, ids = number_children(pd.Series(["B", "A"]), pd.Series(["C", "A"]))
    >>> [n.tolist() for n in numbers], ids.tolist()
    ([[1, 0], [2, 0]], ['A', 'B', 'C'])
    """
    values = [np.asarray(column.array, dtype=object) for column in columns]
    together = values[0] if len(values) == 1 else np.concatenate(values)
    # Tables of this project are in order of child, which saves looking each id up.
    if len(together) and bool((together[1:] >= together[:-1]).all()):
        first = ar.is_first(together)
        codes: Ints = np.cumsum(first) - 1
        ids = together[first]
    else:
        found, levels = pd.factorize(together, sort=True)
        codes, ids = found.astype(np.int64), np.asarray(levels, dtype=object)
    return np.split(codes, np.cumsum([len(v) for v in values])[:-1]), ids


def is_in_place(row: Ints) -> Flags | bool:
    """Say whether these are all rows in the order that they have already.

    Raises
    ------
    Nothing.
    """
    return len(row) == 0 or (int(row[0]) == 0 and bool((row[1:] - row[:-1] == 1).all()))


def _is_ordered(child: Ints, start: Ints, number: Ints) -> bool:
    before, after = slice(None, -1), slice(1, None)
    fine = child[after] > child[before]
    same = child[after] == child[before]
    fine |= same & (start[after] > start[before])
    fine |= same & (start[after] == start[before]) & (number[after] >= number[before])
    return bool(fine.all())
