"""A case built, read and held against what is declared for it."""

from __future__ import annotations

import functools
import logging
import tempfile
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

import missing_patterns as mp
from corpus.counting import count_rows
from corpus.model import Case
from corpus.sheets import BASES, TOKENS, Sheet
from corpus.writers import write
from missing_patterns.errors import DataRefused, MissingPatternsError
from missing_patterns.ingest.log import column_letters
from missing_patterns.ingest.opening.grid import as_text
from missing_patterns.ingest.rules import RULES
from missing_patterns.schema import Records

#: Set the row aside though the problem is called a repair: what it says is said elsewhere.
SET_ASIDE = ("MP-DUPLICATE-ROW", "MP-SUPERSEDED")
#: Named by where they stand, so they move with the rows.
_PLACED = ("incident_id", "interview_id", "incident_ids")
_MESSAGES = sorted((r.message for r in RULES.values()), key=len, reverse=True)


@dataclass(slots=True)
class Result:
    """What is wrong with one case in one format; nothing, if all lists are empty."""

    case: Case
    fmt: str
    differences: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    @property
    def is_as_declared(self) -> bool:
        return not (self.differences or self.lost or self.tracebacks or self.leaks)

    def __str__(self) -> str:
        told = [*self.differences, *self.lost, *self.tracebacks, *self.leaks]
        return f"{self.case.label} [{self.fmt}]: " + "; ".join(told)


@dataclass(slots=True)
class Reading:
    """What came of reading files: records or a refusal, and every text that was let out on the way."""

    records: Records | None = None
    refusal: MissingPatternsError | None = None
    crash: str = ""
    texts: list[str] = field(default_factory=list)


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def read(paths: list[Path], *, is_database: bool = False, **how: Any) -> Reading:
    """Read files and keep every message, log line, warning, repr and exception text."""
    reading, handler = Reading(), _Kept()
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                given = [f"sqlite:///{path}" if is_database else path for path in paths]
                reading.records = mp.read_records(given if len(given) > 1 else given[0], **how)
            except MissingPatternsError as error:
                reading.refusal = error
                reading.texts += [str(error), repr(error), "".join(traceback.format_exception_only(error))]
            except Exception:  # noqa: BLE001  # whatever it is, the corpus counts it
                reading.crash = traceback.format_exc()
        reading.texts += [str(w.message) for w in caught] + handler.texts
        reading.crash = reading.crash or "".join(f"warned: {w.message}" for w in caught)
    finally:
        logging.getLogger().removeHandler(handler)
    if reading.records is not None:
        told = reading.records.problems
        reading.texts += [repr(reading.records), *told["message"].unique(), *told["column"].dropna().unique()]
    return reading


@functools.cache
def clean_reading(base: str, fmt: str) -> Records:
    """Read the clean table in one format, once."""
    with tempfile.TemporaryDirectory() as folder:
        records = read([write(Path(folder), BASES[base](), fmt)], is_database=fmt == "sqlite").records
    assert records is not None
    return records


def run(case: Case, fmt: str, folder: Path) -> Result:
    """Build one case in one format, read it, and say everything that is not as declared."""
    sheet = BASES[case.base]()
    case.plant(sheet)
    paths = [write(folder, sheet, fmt)] if case.build is None else case.build(folder, sheet, fmt)
    reading = read(paths, is_database=fmt == "sqlite")
    result = Result(case, fmt)
    result.leaks = leaks_in(reading.texts, planted_values(case, sheet))
    if reading.crash:
        result.tracebacks.append(reading.crash.strip().splitlines()[-1][:200])
    elif reading.refusal is not None:
        _check_refusal(result, reading.refusal, sheet, is_text=fmt == "csv")
    elif case.refused is not None:
        result.differences.append(f"read, but {case.refused.rule} is due")
    else:
        assert reading.records is not None
        _check_told(result, reading.records, sheet)
        _check_rows(result, reading.records)
        _check_law(result, reading.records, sheet, paths[0])
    return result


def planted_values(case: Case, sheet: Sheet) -> list[str]:
    """Return what stands in cells now and did not in the clean table, if it is long enough to be known again."""
    clean = {str(c) for r in BASES[case.base]().rows for c in r.cells} | set(sheet.header)
    words = {as_text(c).strip() for r in sheet.rows for c in r.cells if not callable(c)}
    return sorted(w for w in words - clean if len(w) >= 5 and len(set(w)) > 2)


def leaks_in(texts: list[str], planted: list[str]) -> list[str]:
    """Return the texts that hold a cell's value; the fixed words of the rules are nobody's."""
    found = []
    for text in texts:
        own = text
        for message in _MESSAGES:
            own = own.replace(message, "")
        if any(t in text.casefold() for t in TOKENS) or any(value in own for value in planted):
            found.append(f"a message holds a cell's value: {own[:150]}")
    return found


def _check_refusal(result: Result, refusal: MissingPatternsError, sheet: Sheet, *, is_text: bool) -> None:
    due = result.case.refused
    if due is None:
        result.differences.append(f"refused: {str(refusal)[:200]}")
        return
    parts = refusal.parts if isinstance(refusal, DataRefused) else ()
    line = due.line if due.row is None else sheet.line_of(due.row, is_text=is_text)
    found = {(p.rule, p.line) for p in parts}
    wanted = due.rule.split("|")
    if not any(rule in wanted and line in (None, at) for rule, at in found):
        result.differences.append(f"{due.rule} at {line} is due, refused by {sorted(map(str, found))}")


def _check_told(result: Result, records: Records, sheet: Sheet) -> None:
    """Every problem declared is told with its outcome and address; no other error or warning, no note elsewhere."""
    case, is_text = result.case, result.fmt in ("csv", "sqlite", "parquet")
    told = records.problems
    found = Counter(_places(told))
    found.subtract(Counter(_places(clean_reading(case.base, result.fmt).problems)))
    outcomes = dict(zip(_places(told), told["outcome"], strict=True))
    addresses = dict(zip(_places(told), told["cell"], strict=True))
    severity = dict(zip(told["rule"], told["severity"], strict=True))
    lines = {row: sheet.line_of(row, is_text=result.fmt == "csv") for row in _rows_of(case)}
    due = set()
    for item in case.told:
        line = None if item.row is None else lines[item.row]
        here = [k for k in found if k[0] in item.rule.split("|") and k[1] == line and item.column in ("", k[2])]
        due.update(here)
        if not here or not any(outcomes[k] == item.outcome for k in here):
            near = sorted({k for k in found if found[k] > 0 and (k[1] == line or k[0] == item.rule)}, key=str)
            result.differences.append(f"{item.outcome} {item.rule} at {line} {item.column!r} is due, got {near}")
        elif item.column and line is not None and not is_text:
            address = f"{column_letters(sheet.header.index(item.column))}{line}"
            if address not in {addresses[k] for k in here}:
                result.differences.append(f"{item.rule} should name the cell {address}")
    for key, n in found.items():
        rule, line, _ = key
        if n <= 0 or key in due or rule.startswith("MP-DATE-ORDER-"):
            continue
        if severity[rule] != "note" or (line is not None and line not in lines.values()):
            result.differences.append(f"not declared: {key} ({severity[rule]})")


def _places(told: pd.DataFrame) -> list[tuple[str, int | None, str]]:
    lines = [None if pd.isna(n) else int(n) for n in told["line"]]
    columns = ["" if pd.isna(c) else str(c) for c in told["column"]]
    return list(zip(told["rule"], lines, columns, strict=True))


def _rows_of(case: Case) -> set[object]:
    return {t.row for t in case.told if t.row is not None} | {row for row, _ in case.values}


def rows_aside(case: Case) -> set[object]:
    """Rows of the sheet that must be in quarantine."""
    return {t.row for t in case.told if t.outcome == "quarantined" or t.rule in SET_ASIDE}


def _check_rows(result: Result, records: Records) -> None:
    """Every row is read as in the clean table but for what is declared; rows gone are not there."""
    case = result.case
    clean = clean_reading(case.base, result.fmt)
    children = {row.key: i for i, row in enumerate(BASES[case.base]().rows)}
    gone = {children[k] for k in rows_aside(case) | set(case.gone) if k in children}
    for table in ("incidents", "interviews", "children", "placements"):
        expected = _by_row(getattr(clean, table), case.base, table)
        for (row, name), value in case.values.items():
            owner, column = name.split(".")
            if owner == table:
                expected[children[row]][column] = _plain(value)
        still = {children[like] for like, _ in case.added} if table == "children" else set()
        rows = [cells for i, cells in expected.items() if i not in gone - still]
        for like, more in case.added:
            own = {k.split(".")[1]: _plain(v) for k, v in more.items() if k.startswith(f"{table}.")}
            rows += [expected[children[like]] | own] if own else []
        got = list(_by_row(getattr(records, table), case.base, table).values())
        _compare(result, table, rows, got)


def _compare(result: Result, table: str, due: list[dict[str, Any]], got: list[dict[str, Any]]) -> None:
    missing, more = list(due), []
    for row in got:
        if row in missing:
            missing.remove(row)
        else:
            more.append(row)
    if len(got) < len(due):
        result.lost.append(f"{table}: {len(due)} rows are due, {len(got)} were read")
    elif len(got) > len(due):
        result.differences.append(f"{table}: {len(due)} rows are due, {len(got)} were read")
    elif missing:
        nearest = min(more, key=lambda r: sum(r[k] != missing[0][k] for k in r))
        unlike = {k: (missing[0][k], nearest[k]) for k in nearest if nearest[k] != missing[0][k]}
        result.differences.append(f"{table}: {len(missing)} rows are read otherwise: {unlike}")


def _by_row(frame: pd.DataFrame, base: str, table: str) -> dict[int, dict[str, Any]]:
    """Rows as plain values, in order; ids made from places are left out where a source has no references."""
    kept = [c for c in frame.columns if not (base in ("missing", "placement") and c in _PLACED)]
    listed = frame[kept]
    if table == "children":
        listed = listed.sort_values("child_id", kind="stable")
    columns = [[_plain(v) for v in listed[c].tolist()] for c in kept]
    return {i: dict(zip(kept, cells, strict=True)) for i, cells in enumerate(zip(*columns, strict=True))}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(value)
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _check_law(result: Result, records: Records, sheet: Sheet, path: Path) -> None:
    """Rows read = accepted + set aside + not data, by a count of the file's rows made another way."""
    case, told = result.case, records.accounting
    if result.fmt in ("sqlite", "parquet"):
        counted = {told["sheet"].iloc[0]: len(sheet.rows) + int(told["n_not_data"].iloc[0])}
    else:
        counted = count_rows(path, sheet.encoding)
    here = told[told["file"].str.endswith(path.name) | (told["file"].str.startswith("sqlite:"))]
    sums = here["n_accepted"] + here["n_quarantined"] + here["n_not_data"]
    for name, n in zip(here["sheet"].fillna(""), here["n_rows"], strict=True):
        if int(n) != counted[name]:
            result.lost.append(f"{counted[name]} rows stand in the file, {n} are accounted for")
    if not (here["n_rows"] == sums).all():
        result.lost.append("rows read are not those accepted, set aside and not data")
    main = {"placement": records.placements, "header": records.children}.get(case.base, records.incidents)
    if case.build is None and int(here["n_accepted"].sum()) != len(main):
        result.lost.append(f"{here['n_accepted'].sum()} rows accepted, {len(main)} became rows")
    is_text = result.fmt == "csv"
    aside = {int(n): row for n, row in zip(records.quarantine["line"], records.quarantine.index, strict=True)}
    due = {sheet.line_of(k, is_text=is_text): k for k in rows_aside(case)}
    if case.build is None and sorted(aside) != sorted(due):
        result.lost.append(f"lines {sorted(due)} should be in quarantine, {sorted(aside)} are")
        return
    for line, key in due.items() if case.build is None else ():
        kept = records.quarantine.loc[aside[line]]
        cells = [as_text(c) for c in sheet.row(key).cells]
        if is_text and sheet.rebyte is None and [str(kept.get(f"r{i + 1}")) for i in range(len(cells))] != cells:
            result.lost.append(f"the row of line {line} is not kept as it was read")
