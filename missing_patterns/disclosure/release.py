"""What is offered to the door: a table, with what its columns are said to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.errors import DisclosureRefused, SettingsRefused, did_you_mean, positions
from missing_patterns.settings import PROFILES, defaults

#: The symbol of a withheld cell; one for all reasons, so that the symbol itself says nothing.
SYMBOL = "c"

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class ReleaseTable:
    """A table that somebody wants to show, and what its columns count.

    Parameters
    ----------
    name : str
        Name of the table, for the log.
    frame : DataFrame
        One row per cell of the statistic, such as a month, a trigger, or a weekday at an hour. True figures.
    children : str
        Column with the number of distinct children that the row is about.
    derived : tuple of str
        Columns worked out from the same children (episodes, shares, intervals, medians). Withheld along with it.
    total : str, optional
        Label in a ``by`` column of the row that is the sum over that column, such as ``"All"``.
    by : tuple of str
        Columns that say which cell a row is.
    additive : bool, default False
        Whether rows sum to the rows labelled ``total`` (at least one of the counts; episodes may, where children,
        who appear in several rows, do not). Triggers of which an interview may name several are not additive.
        Counts that in fact add up to rows labelled ``total`` are protected whether or not this is said.
    of : str, optional
        Column with the number of children of whom ``children`` are a part. Where ``of`` minus ``children`` is small
        the part is withheld too, and where ``of`` is small itself all figures of the row are.
    parts : mapping of str to tuple of str
        Further columns that count some of the row's children, each with the columns derived from it, such as
        ``{"n_new_children": ("share_new",)}``.
    nested : bool, default False
        Whether each row's children are some of those of the row above, as in a ladder. Where two rows differ by a
        small number, the lower one is withheld.
    labels : tuple of str
        Other columns that hold no figure and are shown as they are.
    sums : tuple of (int, tuple of int)
        Further sums that a reader can do, by row position: the first row is the sum of the others, such as "held"
        of "held in time" and "held late". Taken with those that ``total`` gives; needs no ``total``.

    Raises
    ------
    DisclosureRefused
        If a column is absent, is not declared, is declared twice, or does not hold whole numbers of children; if
        two rows are the same cell; if a part is larger than its whole; or if nothing adds up that is said to.

    Examples
    --------
    >>> frame = pd.DataFrame({"month": ["2026-09", "2026-10"], "n_children": [3, 41], "n_episodes": [8, 90]})
    >>> ReleaseTable("by_month", frame, "n_children", derived=("n_episodes",), by=("month",))
    ReleaseTable('by_month', 2 rows)
    >>> ReleaseTable("by_month", frame, "n_children", by=("month",))
    Traceback (most recent call last):
    missing_patterns.errors.DisclosureRefused: The table 'by_month' cannot be released:
    - column 'n_episodes' is not declared: name it in by, labels, derived, parts or of
    """

    name: str
    frame: pd.DataFrame
    children: str
    derived: tuple[str, ...] = ()
    total: str | None = None
    by: tuple[str, ...] = ()
    additive: bool = False
    of: str | None = None
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nested: bool = False
    labels: tuple[str, ...] = ()
    sums: tuple[tuple[int, tuple[int, ...]], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", self.frame.reset_index(drop=True))
        problems = _column_problems(self)
        if not problems:
            problems = _count_problems(self) + _row_problems(self)
        if not problems and self.additive and not adding_columns(self):
            problems = ["it is said to be additive, but no column of counts adds up to its totals"]
        if problems:
            listed = "\n".join(f"- {p}" for p in problems)
            raise DisclosureRefused(f"The table '{self.name}' cannot be released:\n{listed}")

    def __repr__(self) -> str:
        return f"ReleaseTable({self.name!r}, {len(self.frame)} rows)"

    @property
    def figures(self) -> tuple[str, ...]:
        """All columns that hold figures, in the order of declaration.

        Raises
        ------
        Nothing.
        """
        own = (self.children, *self.derived, *((self.of,) if self.of else ()))
        return own + tuple(c for part, derived in self.parts.items() for c in (part, *derived))


def threshold_of(profile: str = "council", threshold: int | None = None) -> int:
    """Return the number of children below which a count is withheld.

    Parameters
    ----------
    profile : {"council"}
        Named set of rules. ``council``: below 5 children, one symbol, true noughts shown, as in the Department for
        Education's statistics on looked-after children.
    threshold : int, optional
        Another threshold than the profile's, at least 2.

    Returns
    -------
    int

    Raises
    ------
    SettingsRefused
        If the profile is not known, or the threshold is below 2 or not a whole number.

    Examples
    --------
    >>> threshold_of(), threshold_of(threshold=10)
    (5, 10)
    """
    if profile not in PROFILES:
        hint = did_you_mean(str(profile), PROFILES)
        raise SettingsRefused(f"profile is not known; known: {', '.join(PROFILES)}.{hint}")
    if threshold is None:
        threshold = defaults()["threshold"]
    if isinstance(threshold, bool) or not isinstance(threshold, int | np.integer) or threshold < 2:
        raise SettingsRefused("threshold must be a whole number of at least 2: at 1 nothing would be withheld.")
    return int(threshold)


def is_withheld(value: object) -> bool:
    """Say whether a cell of a treated table is withheld.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> is_withheld("c"), is_withheld(0), is_withheld(None)
    (True, False, False)
    """
    return isinstance(value, str) and value == SYMBOL


def counts(table: ReleaseTable, column: str) -> Floats:
    """Return a column of counts as floats.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> counts(ReleaseTable("t", pd.DataFrame({"n": [3, 7]}), "n"), "n").tolist()
    [3.0, 7.0]
    """
    value: Floats = pd.to_numeric(table.frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return value


def equations(table: ReleaseTable) -> list[tuple[int, list[int]]]:
    """Return the sums that a reader can do: for each total row, the rows that it is the sum of.

    A row whose ``by`` column holds the total's label is the sum, over that column, of the rows that agree with it
    in all other ``by`` columns. Cells that are not in the table are nought.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> frame = pd.DataFrame({"band": ["1", "2+", "All"], "n": [7, 9, 16]})
    >>> equations(ReleaseTable("bands", frame, "n", by=("band",), total="All", additive=True))
    [(2, [0, 1])]
    """
    found = [(total, list(rows)) for total, rows in table.sums]
    if table.total is None:
        return found
    keys = [tuple(row) for row in table.frame[list(table.by)].astype(str).itertuples(index=False, name=None)]
    for d in range(len(table.by)):
        members: dict[tuple[str, ...], list[int]] = {}
        for i, key in enumerate(keys):
            if key[d] != table.total:
                members.setdefault(key[:d] + key[d + 1 :], []).append(i)
        for i, key in enumerate(keys):
            if key[d] == table.total and members.get(key[:d] + key[d + 1 :]):
                found.append((i, members[key[:d] + key[d + 1 :]]))
    return found


def adding_columns(table: ReleaseTable) -> list[str]:
    """Return the columns of whole numbers whose rows in fact add up to the totals.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> frame = pd.DataFrame({"day": ["Mon", "Tue", "All"], "children": [7, 9, 12], "episodes": [9, 11, 20]})
    >>> adding_columns(ReleaseTable("days", frame, "children", ("episodes",), "All", ("day",), additive=True))
    ['episodes']
    """
    sums = equations(table)
    adding = []
    for column in table.figures if sums else ():
        value = counts(table, column)
        whole = bool(np.isfinite(value).all() and (value >= 0).all() and (value == np.round(value)).all())
        if whole and all(value[i] == value[rows].sum() for i, rows in sums):
            adding.append(column)
    return adding


def _column_problems(table: ReleaseTable) -> list[str]:
    declared = [*table.by, *table.labels, *table.figures]
    columns = [str(c) for c in table.frame.columns]
    problems = [f"column '{c}' is not there.{did_you_mean(c, columns)}" for c in declared if c not in columns]
    problems += [f"column '{c}' is declared twice" for c in dict.fromkeys(declared) if declared.count(c) > 1]
    problems += [
        f"column '{c}' is not declared: name it in by, labels, derived, parts or of"
        for c in columns
        if c not in declared
    ]
    if len(set(columns)) < len(columns):
        problems.append("two of its columns have the same name")
    if any(not 0 <= i < len(table.frame) for total, rows in table.sums for i in (total, *rows)):
        problems.append("sums name a row that is not there")
    if table.additive and not table.sums and (table.total is None or not table.by):
        problems.append("it is said to be additive, but by or total does not say which rows add up to which")
    # A figure under "labels" would walk past the door.
    problems += [
        f"column '{c}' holds numbers, so it is not a label"
        for c in table.labels
        if c in columns and pd.api.types.is_numeric_dtype(table.frame[c])
    ]
    return problems


def _count_problems(table: ReleaseTable) -> list[str]:
    problems = []
    for column in (table.children, *((table.of,) if table.of else ()), *table.parts):
        value = counts(table, column)
        wrong = ~(np.isfinite(value) & (value >= 0) & (value == np.round(value)))
        if wrong.any():
            where = positions(np.flatnonzero(wrong).tolist())
            problems.append(f"column '{column}' does not hold a whole number of children at {where}")
    wholes = {table.of: [table.children]} if table.of else {}
    for whole, smaller in [*wholes.items(), (table.children, list(table.parts))]:
        for part in smaller:
            above = counts(table, part) > counts(table, whole)
            if above.any():
                where = positions(np.flatnonzero(above).tolist())
                problems.append(f"column '{part}' counts more children than '{whole}' at {where}")
    return problems


def _row_problems(table: ReleaseTable) -> list[str]:
    problems = []
    if table.by:
        twice = table.frame[list(table.by)].astype(str).duplicated().to_numpy()
        if twice.any():
            problems.append(f"two rows are the same cell at {positions(np.flatnonzero(twice).tolist())}")
    if table.nested:
        rises = np.flatnonzero(np.diff(counts(table, table.children)) > 0) + 1
        if len(rises):
            problems.append(f"it is said to be nested, but counts rise at {positions(rises.tolist())}")
    return problems
