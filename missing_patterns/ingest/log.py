"""The log of what was found: rules, places and counts, no values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.rules import RULES, Rule


@dataclass(slots=True)
class _Batch:
    rule: Rule
    code: str
    file: str
    sheet: str
    lines: np.ndarray | None
    column: str
    cells: list[str] | None
    message: str


class Log:
    """What was found, in batches: one rule, one column, many lines."""

    def __init__(self) -> None:
        self._batches: list[_Batch] = []
        self._aside: list[pd.DataFrame] = []
        self._accounts: list[dict[str, Any]] = []

    def __repr__(self) -> str:
        return f"Log: {len(self._batches)} batches, {len(self._accounts)} accounts"

    def add(
        self,
        rule: str,
        file: str,
        sheet: str = "",
        *,
        lines: Iterable[int] | None = None,
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
        where = None if lines is None else np.fromiter(lines, dtype=np.int64)
        if where is not None and not len(where):
            return
        cells = None
        if where is not None and position is not None:
            letters = column_letters(position)
            cells = [f"{letters}{n}" for n in where]
        message = f"{known.message}: {detail}" if detail else known.message
        self._batches.append(_Batch(known, known.code_of(field), file, sheet, where, column, cells, message))

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

    def problems(self) -> pd.DataFrame:
        """Return every problem, one row per line and rule, in file order.

        Raises
        ------
        Nothing.
        """
        parts: dict[str, list[Any]] = {name: [] for name in schema.PROBLEMS.names}
        for batch in self._batches:
            n = 1 if batch.lines is None else len(batch.lines)
            parts["file"] += [batch.file] * n
            parts["sheet"] += [batch.sheet] * n
            parts["line"] += [None] if batch.lines is None else batch.lines.tolist()
            parts["column"] += [batch.column] * n
            parts["cell"] += batch.cells if batch.cells is not None else [None] * n
            parts["rule"] += [batch.code] * n
            parts["severity"] += [batch.rule.severity] * n
            parts["outcome"] += [batch.rule.outcome] * n
            parts["message"] += [batch.message] * n
        return schema.conform(pd.DataFrame(parts), schema.PROBLEMS)

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
        return schema.conform(pd.DataFrame(self._accounts), schema.ACCOUNTING)


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
