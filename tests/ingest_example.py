"""Small source files for the tests of ingest, written from text that reads as a table."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import xlsxwriter

from missing_patterns import schema

HEADER = ["Ref", "Child ID", "DOB", "Date & time missing", "Date & time returned", "RHI status", "RHI date", "Triggers"]


def good_rows(n: int = 6) -> list[list[object]]:
    """Tracker rows that nothing is wrong with; the days prove that dates are day first."""
    return [
        [f"M{i}", f"C{i}", "14/03/2011", f"{13 + i}/01/2026 21:0{i}", f"{13 + i}/01/2026 23:30", "Completed",
         f"{15 + i}/01/2026 16:00", "Bullying"]
        for i in range(n)
    ]  # fmt: skip


def with_cell(column: str, value: object, row: int = 2) -> list[list[object]]:
    """Good rows in which one cell holds something else."""
    rows = good_rows()
    rows[row][HEADER.index(column)] = value
    return rows


def write_csv(
    path: Path, rows: list[list[object]], header: list[str] | None = None, *, above: tuple[str, ...] = ()
) -> Path:
    """Write rows as most systems do: every cell as text, quotes only where they are needed."""
    lines = [*above, _line(header or HEADER), *(_line(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return path


def _line(row: list[object] | list[str]) -> str:
    return ",".join(_quoted("" if c is None else str(c)) for c in row)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text


def write_xlsx(path: Path, sheets: dict[str, list[list[object]]], *, hidden: tuple[str, ...] = ()) -> Path:
    """Write sheets of cells; real dates become Excel dates."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        stamp = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    if isinstance(cell, dt.datetime | dt.date | dt.time):
                        sheet.write_datetime(i, j, cell, stamp)
                    elif cell is not None:
                        sheet.write(i, j, cell)
            if name in hidden:
                sheet.hide()
    return path


def count_rows(path: Path) -> int:
    """Count physical rows another way than the reader does: by pandas without any parsing, or by line ends."""
    if path.suffix == ".xlsx":
        return int(pd.read_excel(path, header=None, engine="openpyxl").shape[0])
    data = path.read_bytes()
    inside, n = False, 0
    for byte in data:
        inside ^= byte == ord('"')
        n += byte == ord("\n") and not inside
    return n + (not data.endswith(b"\n"))


def check_law(records: schema.Records, *paths: Path) -> None:
    """Rows read = accepted + quarantined + non-data, and every row in quarantine is counted once, for each file."""
    told = records.accounting
    assert (told["n_rows"] == told["n_accepted"] + told["n_quarantined"] + told["n_not_data"]).all()
    assert int(told["n_quarantined"].sum()) == len(records.quarantine)
    for path in paths:
        assert int(told.loc[told["file"] == path.name, "n_rows"].sum()) == count_rows(path)
    keys = records.quarantine[["file", "sheet", "line"]]
    assert not keys.duplicated().any()


def rules(records: schema.Records, *, notes: bool = True) -> set[str]:
    """Return the rules that stand in the problems, less two notes that good files are told too."""
    told = records.problems
    if not notes:
        told = told[told["severity"] != "note"]
    return set(told["rule"]) - {"MP-DATE-ORDER-PROVEN", "MP-DFE-NOT-CHECKED"}
