"""The log of what was found: rules, places and counts, no values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.rules import NOT_READ, RULES, Rule


class Rows(Protocol):
    """Rows as read, of which a problem may want to show some cells on this machine."""

    def as_read(self, names: Sequence[str], at: np.ndarray) -> list[str]:
        """Return the cells of some rows as text, of the first of these fields that there is."""


class CellRead(NamedTuple):
    """What stands at one problem, as it was read: for the list of what to mend, which stays on this machine.

    Parameters
    ----------
    problem : int
        Row of ``problems``, counted from 0.
    child_id, reference, start, value : str
        Cells of that row of the source; ``value`` is the one that the problem is about, "" for the whole row.

    Raises
    ------
    Nothing.
    """

    problem: int
    child_id: str
    reference: str
    start: str
    value: str

    def __repr__(self) -> str:
        return f"CellRead: problem {self.problem}"


#: What tells a person which record a problem is about.
_SHOWN = (("child_id",), ("incident_id", "interview_id"), ("missing_from", "started_on", "held_at"))


@dataclass(slots=True)
class _Batch:
    rule: Rule
    code: str
    file: str
    sheet: str
    lines: np.ndarray | None
    column: str
    letters: str
    message: str
    field: str
    rows: Rows | None = None
    at: np.ndarray | None = None

    def __len__(self) -> int:
        return 1 if self.lines is None else len(self.lines)


class Log:
    """What was found, in batches: one rule, one column, many lines."""

    def __init__(self) -> None:
        self._batches: list[_Batch] = []
        self._aside: list[pd.DataFrame] = []
        self._accounts: list[dict[str, Any]] = []
        self._met: dict[str, int] = {}
        self._sheets: dict[tuple[str, str], tuple[Rows, np.ndarray]] = {}

    def __repr__(self) -> str:
        return f"Log: {len(self._batches)} batches, {len(self._accounts)} accounts"

    def add(
        self,
        rule: str,
        file: str,
        sheet: str = "",
        *,
        lines: Iterable[int] | np.ndarray | None = None,
        column: str = "",
        position: int | None = None,
        detail: str = "",
        field: str = "",
    ) -> None:
        """Note one rule for one column and any number of lines; without lines it is about the whole file.

        Raises
        ------
        Nothing.
        """
        known = RULES[rule]
        where = None
        if lines is not None:
            where = lines.astype(np.int64) if isinstance(lines, np.ndarray) else np.fromiter(lines, dtype=np.int64)
            if not len(where):
                return
        letters = column_letters(position) if where is not None and position is not None else ""
        message = f"{known.message}: {detail}" if detail else known.message
        self._batches.append(_Batch(known, known.code_of(field), file, sheet, where, column, letters, message, field))

    def show(self, rows: Rows, at: np.ndarray) -> None:
        """Say where the cells as read are for what was noted last, for the list that stays on this machine.

        Raises
        ------
        Nothing.
        """
        self._batches[-1].rows, self._batches[-1].at = rows, at

    def hold(self, file: str, sheet: str, rows: Rows, lines: np.ndarray) -> None:
        """Keep the rows of a sheet by their lines, ascending, for what is noted of lines alone.

        Raises
        ------
        Nothing.
        """
        self._sheets[file, sheet] = rows, lines

    def meet(self, file: str) -> None:
        """Say that a file is read now; what is told of files is in the order in which they are met.

        Raises
        ------
        Nothing.
        """
        self._met.setdefault(file, len(self._met))

    def mark(self) -> tuple[int, int, int]:
        """Return how much is noted, so that what is noted of one file from here on can be taken back.

        Raises
        ------
        Nothing.
        """
        return len(self._batches), len(self._aside), len(self._accounts)

    def take_back(self, mark: tuple[int, int, int]) -> None:
        """Forget what was noted since ``mark``: of a file that was refused in the end, nothing is used.

        Raises
        ------
        Nothing.
        """
        n_batches, n_aside, n_accounts = mark
        del self._batches[n_batches:], self._aside[n_aside:], self._accounts[n_accounts:]

    def forget(self, file: str) -> None:
        """Forget what was noted of one file.

        Raises
        ------
        Nothing.
        """
        self._batches = [b for b in self._batches if b.file != file]
        self._accounts = [a for a in self._accounts if a["file"] != file]

    def set_aside(self, file: str, sheet: str, lines: list[int], rules: list[str], rows: list[list[str]]) -> None:
        """Keep rows that were set aside, as they were read.

        Raises
        ------
        Nothing.
        """
        if not lines:
            return
        width = max(len(row) for row in rows)
        frame = pd.DataFrame({"file": file, "sheet": sheet, "line": lines, "rule": rules})
        padded = [row + [""] * (width - len(row)) for row in rows]
        cells = pd.DataFrame(padded, columns=[f"r{i + 1}" for i in range(width)], dtype=object)
        self._aside.append(pd.concat([frame, cells], axis=1))

    def account(
        self, file: str, sheet: str, table: str, *, n_rows: int, n_accepted: int, n_quarantined: int, n_not_data: int
    ) -> None:
        """Account for every row of one sheet; a difference is our fault and stops the run.

        Raises
        ------
        AssertionError
            If the rows do not add up.
        """
        if n_rows != n_accepted + n_quarantined + n_not_data:
            raise AssertionError(f"{n_rows} rows read, {n_accepted} + {n_quarantined} + {n_not_data} accounted for")
        self._accounts.append(
            {
                "file": file,
                "sheet": sheet,
                "table": table,
                "n_rows": n_rows,
                "n_accepted": n_accepted,
                "n_quarantined": n_quarantined,
                "n_not_data": n_not_data,
            }
        )

    def _in_order(self) -> list[_Batch]:
        """Batches by file and sheet, as these were first met."""
        places = {place: n for n, place in enumerate(dict.fromkeys((b.file, b.sheet) for b in self._batches))}
        return sorted(self._batches, key=lambda b: (self._met.get(b.file, -1), places[b.file, b.sheet]))

    def problems(self) -> pd.DataFrame:
        """Return every problem, one row per line and rule, in file order.

        Raises
        ------
        Nothing.
        """
        batches = self._in_order()
        if not batches:
            return schema.empty(schema.PROBLEMS)
        often = np.array([len(b) for b in batches])

        def repeat(items: list[str]) -> Any:
            return pd.array(np.repeat(np.array(items, dtype=object), often), dtype=schema.TEXT)

        lines = np.concatenate([np.zeros(1, dtype=np.int64) if b.lines is None else b.lines for b in batches])
        no_line = np.repeat(np.array([b.lines is None for b in batches]), often)
        cells: list[str | None] = []
        for batch in batches:
            if batch.letters and batch.lines is not None:
                cells += [f"{batch.letters}{n}" for n in batch.lines.tolist()]
            else:
                cells += [None] * len(batch)
        parts = {
            "file": repeat([b.file for b in batches]),
            "sheet": repeat([b.sheet for b in batches]),
            "line": pd.arrays.IntegerArray(lines, no_line),
            "column": repeat([b.column for b in batches]),
            "cell": pd.array(np.array(cells, dtype=object), dtype=schema.TEXT),
            "rule": repeat([b.code for b in batches]),
            "severity": repeat([b.rule.severity for b in batches]),
            "outcome": repeat([b.rule.outcome for b in batches]),
            "message": repeat([b.message for b in batches]),
        }
        return schema.conform(pd.DataFrame(parts), schema.PROBLEMS)

    def cells(self) -> list[CellRead]:
        """Return what stands at each problem that a person may look at: errors, warnings and repairs of single rows.

        Raises
        ------
        Nothing.
        """
        read: list[CellRead] = []
        before = 0
        for batch in self._in_order():
            is_shown = batch.rule.severity != "note" or batch.rule.outcome == "repaired"
            if is_shown and batch.lines is not None and (where := self._where(batch)):
                rows, at = where
                columns = [rows.as_read(names, at) for names in (*_SHOWN, (batch.field,))]
                read += map(CellRead, range(before, before + len(batch)), *columns)
            before += len(batch)
        return read

    def _where(self, batch: _Batch) -> tuple[Rows, np.ndarray] | None:
        """Return the rows that a batch is about and their positions; None if its lines are not all lines of data."""
        if batch.rows is not None and batch.at is not None:
            return batch.rows, batch.at
        rows, lines = self._sheets.get((batch.file, batch.sheet), (None, np.zeros(0, np.int64)))
        if rows is None or batch.lines is None or not np.isin(batch.lines, lines).all():
            return None
        return rows, np.searchsorted(lines, batch.lines)

    def quarantine(self) -> pd.DataFrame:
        """Return the rows that were set aside, with the row as read in ``r1`` to ``rn``.

        Raises
        ------
        Nothing.
        """
        if not self._aside:
            return schema.empty(schema.QUARANTINE)
        return schema.conform(pd.concat(self._aside, ignore_index=True), schema.QUARANTINE)

    def accounting(self) -> pd.DataFrame:
        """Return how every row of every sheet was used.

        Raises
        ------
        Nothing.
        """
        if not self._accounts:
            return schema.empty(schema.ACCOUNTING)
        in_order = sorted(self._accounts, key=lambda a: (self._met.get(a["file"], -1), a["table"] == NOT_READ))
        return schema.conform(pd.DataFrame(in_order), schema.ACCOUNTING)


def column_letters(position: int) -> str:
    """Return the letters of a workbook's column, counted from 0.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> column_letters(0), column_letters(27)
    ('A', 'AB')
    """
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
