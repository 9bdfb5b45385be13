"""The attackers: what could somebody work out from what is printed? Written apart from the suppressor.

They see what a reader sees (the printed table, that a hidden count is at least 1 because noughts are shown, and
which rows add up) and are marked against the true table only at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.disclosure.release import ReleaseTable, is_withheld, threshold_of
from missing_patterns.errors import ArgumentRefused

Found = tuple[str, int, str, str]


def audit_tables(
    tables: Iterable[ReleaseTable],
    printed: Mapping[str, pd.DataFrame],
    profile: str = "council",
    threshold: int | None = None,
) -> pd.DataFrame:
    """Attack printed tables and return every small number of children that can be had from them.

    Parameters
    ----------
    tables : iterable of ReleaseTable
        The true tables, with what their columns count.
    printed : mapping of str to DataFrame
        What would be printed, by the table's name, same rows and columns.
    profile, threshold
        As in :func:`suppress_tables`.

    Returns
    -------
    DataFrame
        One row per cell found: ``table``, ``row`` (position), ``column``, ``attack``:
        ``shown`` (a small count, or a figure about it, is printed), ``subtraction`` (from its whole, or from the row
        above), ``exact`` (a withheld cell follows from the sums) or ``provable`` (the sums show that a withheld
        count lies between 1 and ``threshold - 1``). No figures.

    Raises
    ------
    SettingsRefused
        If the profile is not known or the threshold is below 2.
    ArgumentRefused
        If a table was not printed, or with other rows.

    Examples
    --------
    >>> frame = pd.DataFrame({"band": ["1", "2+", "All"], "n": [12, 3, 15]})
    >>> table = ReleaseTable("bands", frame, "n", by=("band",), total="All", additive=True)
    >>> careless = frame.assign(n=[12, "c", 15])
    >>> audit_tables([table], {"bands": careless})["attack"].tolist()
    ['exact']
    """
    limit = threshold_of(profile, threshold)
    found: list[Found] = []
    for table in tables:
        seen = printed.get(table.name)
        if seen is None or len(seen) != len(table.frame) or not set(table.figures) <= set(seen.columns):
            raise ArgumentRefused(f"what is printed of the table '{table.name}' has not its rows and columns.")
        found += _shown(table, seen, limit) + _subtracted(table, seen, limit) + _summed(table, seen, limit)
    out = pd.DataFrame(found, columns=["table", "row", "column", "attack"])
    return out.drop_duplicates(["table", "row", "column"], ignore_index=True)


def _shown(table: ReleaseTable, seen: pd.DataFrame, limit: int) -> list[Found]:
    """Look for small counts, and figures about so few children, in plain sight."""
    about = dict.fromkeys((table.children, *table.derived), table.children)
    about |= {c: part for part, derived in table.parts.items() for c in (part, *derived)}
    if table.of:
        about[table.of] = table.of
    return [
        (table.name, i, column, "shown")
        for column, count in about.items()
        for i in range(len(seen))
        if 1 <= int(table.frame[count].iloc[i]) < limit and not is_withheld(seen[column].iloc[i])
    ]


def _subtracted(table: ReleaseTable, seen: pd.DataFrame, limit: int) -> list[Found]:
    """Take printed parts from printed wholes, and printed rungs from the printed rungs above."""
    pairs = [(table.children, part) for part in table.parts]
    if table.of:
        pairs += [(table.of, table.children), *((table.of, part) for part in table.parts)]
    found = []
    for i in range(len(seen)):
        for whole, part in pairs:
            if _gap_is_small(seen[whole].iloc[i], seen[part].iloc[i], limit):
                found.append((table.name, i, part, "subtraction"))
    if table.nested:
        rungs = [(i, v) for i, v in enumerate(seen[table.children]) if not is_withheld(v)]
        for (_, above), (i, below) in pairwise(rungs):
            if _gap_is_small(above, below, limit):
                found.append((table.name, i, table.children, "subtraction"))
    return found


def _gap_is_small(whole: Any, part: Any, limit: int) -> bool:
    if is_withheld(whole) or is_withheld(part):
        return False
    return 1 <= int(whole) - int(part) < limit


def _summed(table: ReleaseTable, seen: pd.DataFrame, limit: int) -> list[Found]:
    """Do the sums: bounds of every withheld cell by linear programming over the printed table."""
    lines = _lines(table)
    if not lines:
        return []
    found: list[Found] = []
    for column in table.figures:
        true = pd.to_numeric(table.frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        whole = bool((true == np.round(true)).all())
        if not whole or any(true[t] != sum(true[i] for i in rows) for t, rows in lines):
            continue  # the reader cannot add this column up
        small, guarded = _sensitive(table, column, limit)
        cells = [None if is_withheld(v) else float(v) for v in seen[column]]
        least = 1.0 if all(true[i] >= 1 for i, v in enumerate(cells) if v is None) else 0.0
        for i, low, high in _bounds(cells, lines, least):
            if i in guarded and high - low < 0.5:
                found.append((table.name, i, column, "exact"))
            elif i in small and high < limit - 0.5:
                found.append((table.name, i, column, "provable"))
    return found


def _sensitive(table: ReleaseTable, column: str, limit: int) -> tuple[set[int], set[int]]:
    """Return the rows that are about few children, and those together with rows that would give few by subtraction."""
    own = next((p for p, derived in table.parts.items() if column in (p, *derived)), table.children)
    of = column == table.of
    small, guarded = set(), set()
    highest = np.inf
    for i in range(len(table.frame)):
        n = int(table.frame[column if of else own].iloc[i])
        above = [int(table.frame[w].iloc[i]) for w in (table.of, table.children if own in table.parts else None) if w]
        if 1 <= n < limit:
            small.add(i)
        if 1 <= n < limit or (not of and any(1 <= w - n < limit for w in above)):
            guarded.add(i)
        if table.nested and 1 <= highest - n < limit:
            guarded.add(i)
        highest = n
    return small, guarded


def _lines(table: ReleaseTable) -> list[tuple[int, list[int]]]:
    """Work out which rows sum to which, by comparing every pair of rows."""
    keys = [tuple(str(table.frame[c].iloc[i]) for c in table.by) for i in range(len(table.frame))]
    lines = [(total, list(rows)) for total, rows in table.sums]
    if table.total is None:
        return lines
    for t, key in enumerate(keys):
        for d, word in enumerate(key):
            if word != table.total:
                continue
            rows = [
                i
                for i, other in enumerate(keys)
                if other[d] != table.total and all(other[e] == key[e] for e in range(len(key)) if e != d)
            ]
            if rows:
                lines.append((t, rows))
    return lines


def _bounds(
    seen: list[float | None], lines: list[tuple[int, list[int]]], least: float
) -> list[tuple[int, float, float]]:
    """Return the least and most that each withheld cell can be, given all that is printed."""
    from scipy.optimize import linprog

    unknown = {i: k for k, i in enumerate(i for i, v in enumerate(seen) if v is None)}
    left, right = [], []
    for total, rows in lines:
        row, known = np.zeros(len(unknown)), 0.0
        for i, sign in [(total, -1.0), *((r, 1.0) for r in rows)]:
            if i in unknown:
                row[unknown[i]] += sign
            else:
                known += sign * float(seen[i] or 0.0)
        if row.any():
            left.append(row)
            right.append(-known)
    if not left:
        return []
    out = []
    for i, k in unknown.items():
        aim = np.zeros(len(unknown))
        aim[k] = 1.0
        ends = [
            linprog(sign * aim, A_eq=np.array(left), b_eq=np.array(right), bounds=(least, None), method="highs")
            for sign in (1.0, -1.0)
        ]
        low, high = (float(e.x[k]) if e.status == 0 else np.inf * s for e, s in zip(ends, (-1, 1), strict=True))
        out.append((i, low, high))
    return out
