"""The sheets of a fix list: problems with the cells as read, what was repaired, and every row accounted for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import DataRefused
from missing_patterns.ingest.fixlist.book import BLANK, HARMS, MOST_ROWS, Column, Sheet, safe
from missing_patterns.ingest.fixlist.changes import NEW
from missing_patterns.ingest.rules import RULES

if TYPE_CHECKING:
    from missing_patterns.ingest.log import CellRead

#: The columns of a problem, by name.
COLUMNS = {
    "status": Column("Status", 12),
    "harm": Column("How bad", 15, "harm"),
    "message": Column("What is wrong, and what to do", 48),
    "child": Column("Child id (as read)", 14),
    "reference": Column("Reference (as read)", 14),
    "start": Column("Start (as read)", 17),
    "column": Column("Column", 20),
    "value": Column("What stands there (as read)", 26),
    "file": Column("File", 24),
    "sheet": Column("Sheet", 16),
    "line": Column("Row or line", 8, "count"),
    "cell": Column("Cell", 8),
    "done": Column("What was done with it", 24),
    "rule": Column("Rule", 20),
    "since": Column("Since list no.", 8, "count"),
    "notes": Column("Your notes (kept from list to list)", 30),
}
FIXED_COLUMNS = {"status": Column("What became of it", 22), **{n: c for n, c in COLUMNS.items() if n != "status"}}
REPAIRED_COLUMNS = (
    Column("What was repaired", 50),
    *(Column("File", 24), Column("Sheet", 18), Column("Column", 24)),
    *(Column("How many", 10, "count"), Column("Rows or lines", 50), Column("Rule", 24)),
)
ROWS_COLUMNS = (
    *(Column("File", 32), Column("Sheet", 28), Column("Became", 18), Column("Rows read", 12, "count")),
    *(
        Column("Used", 12, "count"),
        Column("Set aside", 12, "count"),
        Column("Not data (titles, blanks, totals)", 18, "count"),
    ),
)
_DONE = {
    "refused": "not read: in no figure",
    "quarantined": "set aside: in no figure",
    "repaired": "repaired by a rule that may be wrong",
    "accepted": "kept as it stands",
}
#: How a date cell of a workbook comes as text.
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?")
_MOST_RANGES = 40


class Outcome(Protocol):
    """What reading files gave: the records of those that could be read, each refusal, and the cells at problems."""

    @property
    def records(self) -> schema.Records | None:
        """Records of the files that could be read."""

    @property
    def refused(self) -> Sequence[DataRefused]:
        """Refusals of the others."""

    @property
    def cells(self) -> Iterable[CellRead]:
        """Cells as read at problems of single rows."""


def problems_of(outcome: Outcome) -> pd.DataFrame:
    """Return every problem with the cells as read, and every refusal as one more.

    Raises
    ------
    Nothing.
    """
    records = outcome.records
    told = schema.empty(schema.PROBLEMS) if records is None else records.problems
    frame = told.astype(object).where(told.notna(), "").reset_index(drop=True)
    for name in ("child", "reference", "start", "value"):
        frame[name] = ""
    read = list(outcome.cells)
    if read:
        at = [cell.problem for cell in read]
        for name, values in zip(
            ("child", "reference", "start", "value"), list(zip(*read, strict=True))[1:], strict=True
        ):
            frame.loc[at, name] = [_shown(value) for value in values]
        is_blank = frame.index.isin(at) & (frame["value"] == "") & (frame["column"] != "")
        frame.loc[is_blank, "value"] = BLANK
    refused = [
        {"file": p.file, "sheet": p.sheet, "line": "" if p.line is None else p.line, "rule": p.rule, "message": p.told}
        for error in outcome.refused
        for p in error.parts
    ]
    if refused:
        more = pd.DataFrame(refused, dtype=object).assign(severity="error", outcome="refused")
        frame = pd.concat([more.reindex(columns=frame.columns, fill_value=""), frame], ignore_index=True)
    harm = {"refused": HARMS[0], "quarantined": HARMS[1]}
    frame["harm"] = [
        "" if s == "note" else harm.get(o, HARMS[2]) for s, o in zip(frame["severity"], frame["outcome"], strict=True)
    ]
    frame["order"] = order_of(frame)
    frame["message"] = frame["message"].str[:1].str.upper() + frame["message"].str[1:]
    return frame.assign(done=frame["outcome"].map(_DONE), since=0, notes="", status=NEW)


def _shown(value: str) -> str:
    """Return a cell as a person knows it: a workbook's date as dd/mm/yyyy."""
    found = _ISO.fullmatch(value)
    return safe(value if found is None else f"{found[3]}/{found[2]}/{found[1]} {found[4]}").strip()


def order_of(problems: pd.DataFrame) -> list[int]:
    """Return where each problem stands, most harmful first: by what was done, then as the register has it.

    Raises
    ------
    Nothing.
    """
    ranks: dict[str, int] = {}
    for rank, rule in enumerate(RULES.values()):
        for code in (rule.code, *rule.dfe_at.values()):
            ranks.setdefault(code, rank)
    harms = {harm: 1000 * at for at, harm in enumerate(HARMS)}
    return [
        harms.get(harm, 1000 * len(HARMS)) + ranks.get(rule, 0)
        for harm, rule in zip(problems["harm"], problems["rule"], strict=True)
    ]


def sheet_of(name: str, columns: dict[str, Column], problems: pd.DataFrame, if_empty: str) -> Sheet:
    """Return problems as a sheet, as many as it may hold.

    Raises
    ------
    Nothing.
    """
    rows = problems.head(MOST_ROWS)[list(columns)].to_numpy(dtype=object).tolist()
    return Sheet(name, list(columns.values()), rows, if_empty)


def repairs(problems: pd.DataFrame) -> list[list[Any]]:
    """Return one row per repair of one column: how many cells, and on which lines.

    Raises
    ------
    Nothing.
    """
    groups = problems.groupby(["file", "sheet", "message", "rule", "column"], sort=False)
    rows = []
    for (file, sheet, message, rule, column), group in groups:
        lines = sorted({int(n) for n in group["line"] if n != ""})
        rows.append([message, file, sheet, column, len(group), ranges(lines), rule])
    return sorted(rows, key=lambda row: -row[4])


def ranges(lines: Sequence[int]) -> str:
    """Word lines in ascending order in few words.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> ranges([6, 9, 10, 11, 40])
    '6, 9-11, 40'
    """
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    told = [str(a) if a == b else f"{a}-{b}" for a, b in runs[:_MOST_RANGES]]
    left = len(lines) - sum(b - a + 1 for a, b in runs[:_MOST_RANGES])
    return ", ".join(told) + (f" and {left:,} more" if left else "")


def accounted(outcome: Outcome) -> list[list[Any]]:
    """Return what became of the rows of each sheet of each file; of a refused file that is not known.

    Raises
    ------
    Nothing.
    """
    rows: list[list[Any]] = [
        [p.file, p.sheet, "refused, not read", "", "", "", ""] for error in outcome.refused for p in error.parts
    ]
    if outcome.records is not None:
        told = outcome.records.accounting
        rows += told.astype(object).where(told.notna(), "")[schema.ACCOUNTING.names].to_numpy().tolist()
    return rows
