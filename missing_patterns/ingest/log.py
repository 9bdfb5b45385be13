"""The rules that rows and files are held against, and the log of what they found: places and counts, no values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema

#: What the accounting calls a sheet of records that no profile fits.
NOT_READ = "not read"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, how bad a breach is, what is done about it, and what the reader is told.

    Parameters
    ----------
    name : str
        Name that stands in ``problems`` and ``quarantine``.
    severity : {"error", "warning", "note"}
        How bad.
    outcome : {"repaired", "quarantined", "accepted", "refused"}
        What is done with the row or cell.
    message : str
        What is wrong and what to do, without a value.
    dfe : str, default ""
        Number of the same rule among the DfE's checks of the SSDA903 table ``Missing``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> RULES["end_before_start"].dfe
    '567'
    """

    name: str
    severity: str
    outcome: str
    message: str
    dfe: str = ""


def _rules() -> dict[str, Rule]:
    quarantined = [
        ("id_blank", "the child has no id; find it in the case system", ""),
        (
            "id_scientific",
            "the id was turned into a number such as 1E5 and cannot be recovered; export ids as text",
            "",
        ),
        ("id_date", "the id was turned into a date and cannot be recovered; export ids as text", ""),
        ("start_blank", "there is no start date; enter when the child was last seen", "1004"),
        ("not_a_date", "not a real date or time; use dd/mm/yyyy HH:MM", "1005"),
        ("date_order", "only fits month first, but the column is written day first; use dd/mm/yyyy", ""),
        ("placeholder_date", "a stand-in date such as 01/01/1900; enter the real date or leave it blank", ""),
        ("year_out_of_range", "the year cannot be right; use a year of four digits", ""),
        ("end_before_start", "the end is before the start", "567"),
        ("start_before_birth", "the start is on or before the date of birth", "586"),
        ("adult", "aged 18 or over at the start", ""),
        ("interview_before_return", "the interview is dated before the return that it is about", ""),
        ("error_cell", "the cell holds a spreadsheet error such as #REF!; mend the formula or type the value", ""),
        ("duplicate_row", "says exactly what an earlier row says; the earlier one is kept", ""),
        ("long_row", "has more cells than the header; a separator inside a cell needs quotes round the cell", ""),
        ("short_row", "has fewer cells than the header; the row may be cut off", ""),
        ("field_too_long", "a cell is longer than 131,072 characters; a quote may be missing", ""),
    ]
    repaired = [
        ("encoding_cp1252", "the file is not UTF-8; it was read as Windows text (cp1252)", ""),
        ("nul_bytes", "NUL bytes were taken out", ""),
        (
            "id_repaired",
            "invisible or full-width characters, small letters or a trailing .0 were taken out of the id",
            "",
        ),
        ("excel_serial", "an Excel day number was read as its date", ""),
        ("two_digit_year", "a year of two digits was read as 1980 to 2079", ""),
        ("midnight_24", "24:00 was read as midnight at the end of that day", ""),
        ("open_placeholder", "a far-future stand-in date was read as still open", ""),
        ("clock_gap", "this time does not exist (the clocks went forward); it was moved to 02:00", ""),
        ("control_characters", "invisible control characters were taken out", ""),
    ]
    warnings = [
        ("unmapped_code", "the wording is not in the profile's list; read as not recorded. Add it to the profile", ""),
        ("unmapped_trigger", "a trigger's wording is not in the codebook; counted as 'unmapped'", ""),
        ("optional_not_a_date", "not a usable date or time; read as not recorded", ""),
        ("not_a_number", "not a usable number; read as not recorded", ""),
        ("clock_fold", "this time happens twice (the clocks went back); the later fits the order of the row", ""),
        ("clock_fold_unproven", "this time happens twice (the clocks went back); it was taken as the first", ""),
        ("date_order_unproven", "no date proves that the column is day first; check a few by eye", ""),
        ("type_blank", "missing or away is not recorded", "565"),
        ("started_while_open", "begins while an earlier record of the child has no return; enter that return", "574"),
        ("zero_length", "starts and ends in the same minute", ""),
        ("same_day_again", "same child and day as an earlier row, without times: kept as a second absence", ""),
        ("infant", "aged under 5 at the start; check the date of birth", ""),
        ("mostly_midnight", "many times are exactly 00:00; if that means 'time unknown', leave the time out", ""),
        ("ref_unreadable", "a spreadsheet turned the reference into a number or date; read as not recorded", ""),
        ("ref_twice", "the reference is used by more than one row; rows are told apart by file and line", ""),
        ("dob_differs", "the child has different dates of birth in different rows", "INT13"),
        ("sex_differs", "the child has different sexes in different rows", ""),
        ("column_absent", "no column was found for this; check the header against the profile", ""),
        ("two_headers", "more than one column could be this; the first name in the profile's list was used", ""),
        ("sheet_no_profile", "no profile fits this sheet; others of the file were read, this one was not", ""),
        ("hidden_sheet", "the sheet is hidden and was not read; unhide it, or name it in a profile", ""),
        ("no_rows", "there is a header but no rows", ""),
    ]
    notes = [
        ("date_order_proven", "dates read day first", ""),
        ("day_precision", "holds a date without a time: durations of this row are in whole days", ""),
        ("time_blank", "the time is blank: durations of this row are in whole days", ""),
        ("all_midnight", "every time is exactly 00:00: read as dates without a time", ""),
        ("overlap", "overlaps an earlier record of the child; they are joined into one episode later", ""),
        ("ref_not_found", "covers a reference that is not in this file", ""),
        ("not_read", "not a kind of file that is read", ""),
        ("not_a_table", "does not look like a table of records; not read", ""),
        ("same_file_twice", "holds exactly the bytes of another file; not read again", ""),
        ("columns_unused", "columns that the profile does not use", ""),
        ("empty_sheet", "the sheet is empty", ""),
    ]
    rules = [Rule(n, "error", "quarantined", m, d) for n, m, d in quarantined]
    rules.append(Rule("no_profile", "error", "refused", "not read, none of its rows is used"))
    rules += [Rule(n, "note", "repaired", m, d) for n, m, d in repaired]
    rules += [Rule(n, "warning", "accepted", m, d) for n, m, d in warnings]
    rules += [Rule(n, "note", "accepted", m, d) for n, m, d in notes]
    return {rule.name: rule for rule in rules}


#: Every rule by name.
RULES = _rules()


@dataclass(slots=True)
class _Batch:
    rule: Rule
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
        self._batches.append(_Batch(known, file, sheet, where, column, cells, message))

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
            parts["rule"] += [batch.rule.name] * n
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
