"""The fix list: one row per problem for a person to work through, and on the next run what was fixed.

It is the one place that shows cells as read, because whoever mends a record must find it. It stays on this machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused
from missing_patterns.ingest.fixlist import sheets
from missing_patterns.ingest.fixlist.book import (
    FIXED,
    HARMS,
    MOST_ROWS,
    NUMBER,
    REPAIRED,
    ROWS,
    TO_FIX,
    TOTAL,
    Book,
    Sheet,
    read_book,
    write_book,
)
from missing_patterns.ingest.fixlist.changes import FIXED as IS_FIXED
from missing_patterns.ingest.fixlist.changes import NEW, STILL, UNCHECKED, UNSURE, compare, what_is_there, with_keys
from missing_patterns.settings import Settings


@dataclass(frozen=True, slots=True)
class FixList:
    """What a fix list holds, in counts.

    Parameters
    ----------
    path : Path
        Where it was written.
    number : int
        1 for the first list at this place, then 2, and so on.
    n_refused, n_aside, n_look : int
        Problems that keep a file out, that set a row aside, and that a person should look at.
    n_new, n_still, n_unchecked : int
        How many of those the last list did not have, had, and had of files that were not read this time.
    n_fixed, n_gone : int
        Problems of the last list whose record is there without it, and whose record is no longer in the files.
    n_repaired : int
        Cells and rows repaired without anything to do.
    n_beyond : int
        Problems that did not fit on the sheet.

    Raises
    ------
    Nothing.
    """

    path: Path
    number: int
    n_refused: int
    n_aside: int
    n_look: int
    n_new: int
    n_still: int
    n_unchecked: int
    n_fixed: int
    n_gone: int
    n_repaired: int
    n_beyond: int

    def explain(self) -> str:
        """Say in words what the list holds, without any value.

        Raises
        ------
        Nothing.
        """
        n = self.n_refused + self.n_aside + self.n_look
        first = f"{n:,} to fix or to look at: {self.n_refused:,} keep a file out, {self.n_aside:,} set a row aside, "
        lines = [f"{first}{self.n_look:,} to look at."]
        if self.number > 1:
            lines.append(
                f"Since list {self.number - 1}: {self.n_fixed:,} fixed, {self.n_gone:,} no longer in the extract, "
                f"{self.n_still:,} still there, {self.n_new:,} new."
            )
        if self.n_unchecked:
            lines.append(f"{self.n_unchecked:,} could not be checked, because a file was not read.")
        if self.n_beyond:
            lines.append(f"The sheet holds the {MOST_ROWS:,} most harmful; {self.n_beyond:,} more did not fit.")
        return "\n".join([*lines, "The list shows cells of children's records: keep it inside the council."])


def write_fix_list(
    paths: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    profile: str | Path | None = None,
    settings: Settings | None = None,
) -> FixList:
    """Read files and write what a person should mend in them to a workbook, most harmful first.

    Parameters
    ----------
    paths, profile, settings
        As in ``read_records``.
    out : str or Path
        The workbook (.xlsx). If a fix list stands there already, the new one is compared with it and takes its place:
        it says what was fixed, what is still there and what is new, and keeps the notes that people wrote. Two problems
        are the same if rule, column, child and reference (or start, where there is none) are. Any other file is left
        alone.

    Returns
    -------
    FixList
        Counts. A file that cannot be read stands on the list; it is not raised.

    Raises
    ------
    ArgumentRefused
        If ``out`` is not a name of a workbook, lies among the files that are read, or is there and not a fix list.
    SettingsRefused
        If the profile is not one.
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> rows = ["CHILD,MISSING,MIS_START,MIS_END", "C1,M,13/01/2026,14/01/2026", "C1,M,31/02/2026,"]
    >>> _ = (folder / "Missing.csv").write_text("\\n".join(rows))
    >>> write_fix_list(folder / "Missing.csv", folder / "problems.xlsx").n_aside
    1
    """
    from missing_patterns.ingest.reader import read_files

    if not isinstance(paths, str | Path) and isinstance(paths, Iterable):
        paths = list(paths)
    place = check_place(paths, out)
    return save_fix_list(read_files(paths, profile=profile, settings=settings), place)


def check_place(paths: object, out: str | Path) -> Path:
    """Return where a fix list goes; refuse before the long work what could not be written after it.

    Raises
    ------
    ArgumentRefused
        As :func:`write_fix_list`.
    """
    if not isinstance(out, str | Path) or Path(out).suffix.lower() != ".xlsx":
        raise ArgumentRefused("A fix list is a workbook: its name must end in .xlsx.")
    place = Path(out)
    every = [paths] if isinstance(paths, str | Path) else list(paths) if isinstance(paths, Iterable) else []
    read = {Path(p).resolve() for p in every if isinstance(p, str | Path)}
    if place.resolve() in read or place.resolve().parent in read:
        raise ArgumentRefused(
            f"{place.name} would lie among the files that are read, and be read the next time. Put it somewhere else."
        )
    if place.exists():
        _read_back(place)
    return place


def _read_back(place: Path) -> Book:
    return read_book(place, [c.label for name, c in sheets.COLUMNS.items() if name != "notes"])


def save_fix_list(outcome: sheets.Outcome, out: Path) -> FixList:
    """Write the fix list of files that were read, compared with the one that stands there.

    Raises
    ------
    ArgumentRefused
        If another file stands there.
    OSError
        If it cannot be written.
    """
    last = _read_back(out) if out.exists() else None
    found = with_keys(sheets.problems_of(outcome))
    now = found[found["harm"] != ""].sort_values("order", kind="stable")
    number = 1 if last is None else last.number + 1
    now, gone = _against(now, found, last, outcome)
    repaired = sheets.repairs(found[(found["outcome"] == "repaired") & (found["harm"] == "")])
    harms = now["harm"].value_counts()
    made = FixList(
        out,
        number,
        int(harms.get(HARMS[0], 0)),
        int(harms.get(HARMS[1], 0)),
        int(harms.get(HARMS[2], 0)),
        int(now["status"].isin([NEW, UNSURE]).sum()),
        int((now["status"] == STILL).sum()),
        int((now["status"] == UNCHECKED).sum()),
        int((gone["status"] == IS_FIXED).sum()),
        int((gone["status"] != IS_FIXED).sum()),
        sum(row[4] for row in repaired),
        max(len(now) - MOST_ROWS, 0),
    )
    now = now.assign(since=now["since"].where(now["since"] > 0, number))
    pages = [
        sheets.sheet_of(TO_FIX, sheets.COLUMNS, now, "Nothing is left to fix."),
        sheets.sheet_of(
            FIXED,
            sheets.FIXED_COLUMNS,
            gone,
            "This is the first list." if last is None else "Nothing was fixed since then.",
        ),
        Sheet(REPAIRED, sheets.REPAIRED_COLUMNS, repaired[:MOST_ROWS], "Nothing had to be repaired."),
        Sheet(ROWS, sheets.ROWS_COLUMNS, sheets.accounted(outcome), "No file was read."),
    ]
    write_book(out, _words(made), _counts(made, outcome), pages)
    return made


def _against(now: pd.DataFrame, found: pd.DataFrame, last: Book | None, outcome: sheets.Outcome) -> Any:
    """Return the problems with what the last list makes of them, and those that are no more."""
    by_label = {column.label: name for name, column in sheets.COLUMNS.items()}
    rows = [] if last is None else [{n: row.get(label, "") for label, n in by_label.items()} for row in last.rows]
    old = pd.DataFrame(rows, columns=list(by_label.values()), dtype=object)
    old["since"] = [int(n) if n.isdecimal() else last.number for n in old["since"]] if last else []
    old["line"] = [int(n) if n.isdecimal() else "" for n in old["line"]]
    old["order"] = sheets.order_of(old)
    unread = {p.file for error in outcome.refused for p in error.parts}
    present = what_is_there(outcome.records, found)
    return compare(now, with_keys(old), present, unread, is_whole=last is None or last.is_whole)


_HANDLING = (
    "This workbook shows parts of children's records. Keep it in a folder that only those who need it can open, do not "
    "e-mail it outside the council, and delete it when the work is done."
)
_STEPS = (
    f"1. Open the sheet '{TO_FIX}' and work down from the top: the most harmful problems come first.",
    "2. Find the child in the case system by the id, reference and start shown, and correct the record there.",
    "3. If a record is right as it stands, write that under 'Your notes'; notes are kept from list to list.",
    "4. When you have done what you can, have the extract made again and the check run again.",
    f"5. The new list says what was fixed (sheet '{FIXED}'), what is still there, and what is new.",
    "What you change in this workbook or in the extract does not last; only the case system does.",
)


def _words(made: FixList) -> list[tuple[str, str]]:
    lines = [(_HANDLING, "warning"), *((step, "plain") for step in _STEPS)]
    if made.n_beyond:
        beyond = f"'{TO_FIX}' holds the {MOST_ROWS:,} most harmful problems; {made.n_beyond:,} more did not fit."
        lines.append((beyond, "warning"))
    return lines


def _counts(made: FixList, outcome: sheets.Outcome) -> dict[str, int]:
    records = outcome.records
    told = schema.empty(schema.ACCOUNTING) if records is None else records.accounting
    return {
        NUMBER: made.number,
        TOTAL: made.n_refused + made.n_aside + made.n_look,
        "   of these: a file was not read": made.n_refused,
        "   of these: a row was left out": made.n_aside,
        "   of these: please look": made.n_look,
        "   new": made.n_new,
        "   still there since an earlier list": made.n_still,
        "   not checked this time, because a file was not read": made.n_unchecked,
        "Fixed since the last list": made.n_fixed,
        "No longer in the extract": made.n_gone,
        "Repaired for you, nothing to do": made.n_repaired,
        "Rows read": int(told["n_rows"].sum()),
        "   used": int(told["n_accepted"].sum()),
        "   set aside, to correct or because they are repeats": int(told["n_quarantined"].sum()),
        "   not data: titles, headers, totals, blanks": int(told["n_not_data"].sum()),
    }
