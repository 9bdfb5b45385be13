"""The suppressor: first what is small by itself, then what would give it away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from missing_patterns.disclosure.audit import audit_tables
from missing_patterns.disclosure.release import (
    SYMBOL,
    Floats,
    Mask,
    ReleaseTable,
    adding_columns,
    counts,
    equations,
    threshold_of,
)
from missing_patterns.errors import ArgumentRefused, DisclosureRefused

TOTAL = "Total"
_REASONS = {
    "small": "fewer children than the threshold",
    "complement": "with its whole it gives a number of children below the threshold",
    "nested": "with the row above it gives a number of children below the threshold",
    "whole": "part of a group of fewer children than the threshold",
    "sum": "with its totals it would give a withheld count",
}


@dataclass(frozen=True, eq=False)
class Treated(Mapping[str, pd.DataFrame]):
    """Tables as they may be printed, by name.

    Parameters
    ----------
    tables : dict of DataFrame
        The treated tables: the columns and rows that were offered, with ``"c"`` in withheld cells.
    reasons : DataFrame
        Local log, one row per withheld cell: ``table``, ``row`` (position), ``column``, ``reason``. No figures; still
        not for release, for the reason itself says which cells are small.
    threshold : int
        Counts of fewer children were withheld.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> frame = pd.DataFrame({"month": ["2026-09", "2026-10"], "n_children": [3, 41]})
    >>> treated = suppress_tables([ReleaseTable("months", frame, "n_children", by=("month",))])
    >>> treated["months"]["n_children"].tolist()
    ['c', 41]
    >>> treated
    Treated(1 table, 1 cell withheld, threshold 5)
    """

    tables: dict[str, pd.DataFrame]
    reasons: pd.DataFrame
    threshold: int
    _offered: tuple[ReleaseTable, ...] = field(repr=False, default=())
    _printed: dict[str, pd.DataFrame] = field(repr=False, default_factory=dict)

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __repr__(self) -> str:
        n, cells = len(self.tables), len(self.reasons)
        return (
            f"Treated({n} table{'s' * (n != 1)}, {cells} cell{'s' * (cells != 1)} withheld, threshold {self.threshold})"
        )

    def audit(self) -> pd.DataFrame:
        """Attack the treated tables; an empty result is what to hope for.

        Returns
        -------
        DataFrame
            As :func:`audit_tables` returns it.

        Raises
        ------
        Nothing.
        """
        return audit_tables(self._offered, self._printed, threshold=self.threshold)

    def require_safe(self) -> Treated:
        """Return the tables if the audit finds nothing.

        Raises
        ------
        DisclosureRefused
            If a withheld count could be worked out; the message holds the number of such cells, by table.
        """
        found = self.audit()
        if len(found):
            listed = "\n".join(f"- {name}: {n}" for name, n in found.groupby("table", sort=True).size().items())
            raise DisclosureRefused(f"The audit can work out withheld cells. Cells found, by table:\n{listed}")
        return self

    def explain(self) -> str:
        """Say in plain English what was done and what it does not guard against.

        Raises
        ------
        Nothing.
        """
        kinds = self.reasons["reason"].value_counts()
        cells = "; ".join(f"{kinds[r]} {r}" for r in _REASONS.values() if r in kinds) or "none"
        return (
            f"Of {len(self.tables)} tables, figures about 1 to {self.threshold - 1} children are withheld, with what "
            f"would give them away. Cells withheld, by reason: {cells}. A nought is a true nought. Each table is "
            "protected by itself: the same figure in two tables, or in the reports of two months, is not yet checked."
        )


def suppress_tables(
    tables: Iterable[ReleaseTable] | Mapping[str, pd.DataFrame],
    profile: str = "council",
    threshold: int | None = None,
    *,
    additive: bool = True,
) -> Treated:
    """Withhold what is about too few children, and what would give it away.

    Parameters
    ----------
    tables : iterable of ReleaseTable, or mapping of str to DataFrame
        The tables of one release. A plain DataFrame is taken as a cross-table of distinct children (interior cells
        only, one row and one column per category); margins labelled ``Total`` are added where ``additive``.
    profile : {"council"}
        Named set of rules.
    threshold : int, optional
        Counts of 1 to ``threshold - 1`` children are withheld. None takes the profile's.
    additive : bool, default True
        For plain DataFrames: whether each child stands in one cell only, so that rows and columns sum to totals.

    Returns
    -------
    Treated
        A mapping of name to treated table, with ``.tables``, ``.reasons``, ``.audit()``, ``.require_safe()``.

    Raises
    ------
    SettingsRefused
        If the profile is not known or the threshold is below 2.
    DisclosureRefused
        If a table does not say what its columns count (see :class:`ReleaseTable`).
    ArgumentRefused
        If two tables have the same name.

    Examples
    --------
    >>> cells = pd.DataFrame({"home": [14, 3], "care": [9, 8]}, index=["girls", "boys"])
    >>> treated = suppress_tables({"where": cells})
    >>> print(treated["where"].to_string())
          home care Total
    girls    c    c    23
    boys     c    c    11
    Total   17   17    34
    >>> len(treated.audit())
    0
    """
    limit = threshold_of(profile, threshold)
    wide = dict(tables) if isinstance(tables, Mapping) else {}
    offered = tuple(_long(*item, additive) for item in wide.items()) if isinstance(tables, Mapping) else tuple(tables)
    names = [t.name for t in offered]
    if len(set(names)) < len(names):
        raise ArgumentRefused("two tables of one release have the same name.")
    printed, shown, log = {}, {}, []
    for table in offered:
        printed[table.name], rows = _treat(table, limit)
        shown[table.name] = printed[table.name]
        if table.name in wide:
            shown[table.name] = _wide(wide[table.name], table, printed[table.name])
        log += rows
    reasons = pd.DataFrame(log, columns=["table", "row", "column", "reason"])
    return Treated(shown, reasons, limit, offered, printed)


def _treat(table: ReleaseTable, limit: int) -> tuple[pd.DataFrame, list[tuple[str, int, str, str]]]:
    """Return one table as it may be printed, and the log of its withheld cells."""
    why: dict[str, list[str]] = {c: [""] * len(table.frame) for c in table.figures}

    def withhold(columns: Iterable[str], rows: Mask, reason: str) -> None:
        for column in columns:
            for i in np.flatnonzero(rows):
                why[column][i] = why[column][i] or reason

    children = counts(table, table.children)
    below = [c for part, derived in table.parts.items() for c in (part, *derived)]
    whole_row = [c for c in table.figures if c != table.of]
    if table.of:
        of = counts(table, table.of)
        withhold(table.figures, _small(of, limit), "whole")
        withhold(whole_row, _small(of - children, limit), "complement")
    withhold(whole_row, _small(children, limit), "small")
    if table.nested:
        withhold(whole_row, _too_close(children, limit), "nested")
    for part, derived in table.parts.items():
        value = counts(table, part)
        withhold((part, *derived), _small(value, limit), "small")
        withhold((part, *derived), _small(children - value, limit), "complement")
    sums = equations(table)
    for column in adding_columns(table):
        if column == table.of:
            with_it: tuple[str, ...] = table.figures
        elif column in below:
            with_it = (column, *table.parts.get(column, ()))
        else:
            with_it = tuple(whole_row)
        # A count of nought is shown, unless its whole row is hidden; other figures of a row go with its children.
        never = counts(table, column if column in table.parts or column == table.of else table.children) == 0
        sensitive = np.array([reason not in ("", "sum") for reason in why[column]], dtype=bool)
        hidden = np.array([bool(reason) for reason in why[column]], dtype=bool)
        value = counts(table, column)
        withhold(with_it, _Sums(table.name, sums, value, never, limit).protect(hidden, sensitive), "sum")
    out = table.frame.copy()
    log = []
    for column in out.columns:
        rows = [i for i, reason in enumerate(why.get(column, ())) if reason]
        if rows:
            out[column] = [SYMBOL if reason else v for v, reason in zip(out[column], why[column], strict=True)]
            out[column] = out[column].astype(object)
            log += [(table.name, i, str(column), _REASONS[why[column][i]]) for i in rows]
    return out, log


def _small(count: Floats, limit: int) -> Mask:
    return (count > 0) & (count < limit)


def _too_close(count: Floats, limit: int) -> Mask:
    """Say which rows of a ladder differ from the last row shown above them by a small number."""
    close = np.zeros(len(count), dtype=bool)
    last = np.nan
    for i, value in enumerate(count):
        if 0 < last - value < limit:
            close[i] = True
        elif not 0 < value < limit:
            last = value
    return close


@dataclass(frozen=True, eq=False)
class _Sums:
    """One column of counts that adds up, and how to keep its hidden cells from being worked out.

    For each sensitive cell the cheapest change of the column is sought that leaves every sum right and every shown
    cell as it is, and lifts the cell to the threshold; the cells that it changes are hidden. The changed column is
    the cell's witness: it gives the same publication. One witness may serve many cells.
    """

    name: str
    sums: list[tuple[int, list[int]]]
    value: Floats
    never: Mask  # cells that are not hidden to protect others
    limit: int

    def protect(self, hidden: Mask, sensitive: Mask) -> Mask:
        hidden, certain = hidden.copy(), np.zeros(len(self.value), dtype=bool)
        matrix = np.zeros((len(self.sums), len(self.value)))
        for k, (total, rows) in enumerate(self.sums):
            matrix[k, total], matrix[k, rows] = -1.0, 1.0
        in_a_sum = (matrix != 0).any(axis=0)
        for i in sorted(np.flatnonzero(sensitive & in_a_sum).tolist(), key=lambda k: (self.value[k], k)):
            if not certain[i] and not (self.never[i] and self.value[i] == 0):
                change = self._witness(matrix, hidden, i)
                hidden |= np.abs(change) > 1e-6
                certain |= (np.abs(change) > 1e-6) & (self.value + change >= self.limit - 1e-6)
        return hidden

    def _witness(self, matrix: Floats, hidden: Mask, i: int) -> Floats:
        from scipy.optimize import linprog
        from scipy.sparse import csr_array

        n, value = len(self.value), self.value
        # Small cells first; a total only when there is no other way, for readers miss it most.
        price = (1.0 + np.log1p(value)) * 4.0 ** self._levels()
        cost = np.where(hidden, 1e-6, price)
        # Noughts are shown, so the reader knows that what is hidden is at least 1 (unless noughts went with their row).
        floor = 1.0 if (value[hidden] >= 1).all() else 0.0
        fixed = self.never & ~hidden
        up = np.where(fixed, 0.0, np.inf)
        down = np.where(fixed, 0.0, np.maximum(value - floor, 0.0))
        low = np.zeros(2 * n)
        low[i] = up[i] = max(self.limit - value[i], 1.0)
        down[i] = 0.0
        found = linprog(
            np.concatenate([cost, cost]),
            A_eq=csr_array(np.hstack([matrix, -matrix])),
            b_eq=np.zeros(len(matrix)),
            bounds=np.stack([low, np.concatenate([up, down])], axis=1),
            method="highs",
        )
        if found.status != 0:
            raise DisclosureRefused(f"The table '{self.name}' cannot be protected: its totals leave no room.")
        change: Floats = found.x[:n] - found.x[n:]
        return change

    def _levels(self) -> Floats:
        """Return how high each cell stands: 0 for a cell that is no total, 1 for a total of such, and so on."""
        level = np.zeros(len(self.value))
        for _ in self.sums:
            for total, rows in self.sums:
                level[total] = max(level[total], 1 + level[rows].max())
        return level


def _long(name: str, frame: pd.DataFrame, additive: bool) -> ReleaseTable:
    """Return a cross-table as one row per cell, with margins where it is additive."""
    rows, columns = [str(r) for r in frame.index], [str(c) for c in frame.columns]
    if TOTAL in rows + columns or len(set(rows)) < len(rows) or len(set(columns)) < len(columns):
        raise DisclosureRefused(
            f"The table '{name}' cannot be released: offer interior cells only, each row and column once, none "
            f"called '{TOTAL}'."
        )
    value = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float, na_value=np.nan).reshape(frame.shape)
    if additive:
        value = np.hstack([value, value.sum(axis=1, keepdims=True)])
        value = np.vstack([value, value.sum(axis=0, keepdims=True)])
        rows, columns = [*rows, TOTAL], [*columns, TOTAL]
    cells = pd.DataFrame(
        {
            "row": [r for r in rows for _ in columns],
            "column": columns * len(rows),
            "n_children": value.ravel(),
        }
    )
    total = TOTAL if additive else None
    return ReleaseTable(name, cells, "n_children", by=("row", "column"), total=total, additive=additive)


def _wide(frame: pd.DataFrame, table: ReleaseTable, printed: pd.DataFrame) -> pd.DataFrame:
    margin = [TOTAL] if table.additive else []
    rows, columns = [*frame.index, *margin], [*frame.columns, *margin]
    cells = [v if v == SYMBOL else int(v) for v in printed["n_children"]]
    value = np.array(cells, dtype=object).reshape(len(rows), len(columns))
    return pd.DataFrame(value, index=rows, columns=columns)
