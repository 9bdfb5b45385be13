"""The data rows of one sheet into rows of the canonical tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import Codebook
from missing_patterns.ingest.profiles.fields import ANNEX_A_FIELDS
from missing_patterns.ingest.profiles.fitting import blank_in, read_child_ids
from missing_patterns.ingest.sheet.areas import tell_postcodes
from missing_patterns.ingest.sheet.columns import constant, read_values
from missing_patterns.ingest.sheet.dummies import set_tests_aside
from missing_patterns.ingest.sheet.interviews import DUE_HOURS, Stay, read_interviews
from missing_patterns.ingest.sheet.moments import Times, read_dates, read_times, to_days
from missing_patterns.ingest.sheet.rows import Data

#: A share of exact midnights above this is suspicious: 1 in 1,440 minutes is midnight.
MANY_MIDNIGHTS = 0.05


@dataclass(slots=True, repr=False)
class Pieces:
    """What one sheet gave to each table, before ids are made unique and children are merged.

    Each frame holds, besides the columns of its table, where the row stands: ``file``, ``sheet``, ``line``, ``row``
    (its position in the sheet) and ``at`` (its position among the data rows).

    Raises
    ------
    Nothing.
    """

    incidents: pd.DataFrame | None = None
    interviews: pd.DataFrame | None = None
    children: pd.DataFrame | None = None
    placements: pd.DataFrame | None = None

    def __repr__(self) -> str:
        made = [f"{len(piece)} {name}" for name in schema.TABLES if (piece := getattr(self, name, None)) is not None]
        return f"Pieces: {', '.join(made)}"


def read_tables(data: Data, codebook: Codebook | None = None, due_hours: float = DUE_HOURS) -> Pieces:
    """Read every table that the sheet's rows become; rows set aside by any check stand in none.

    Parameters
    ----------
    data : Data
    codebook : Codebook, optional
        None takes the one that ships with the library.
    due_hours : float
        An interview held later than this after the return is told.

    Returns
    -------
    Pieces

    Raises
    ------
    DataRefused
        If a column of dates cannot be trusted, or a cell of choices can be taken apart in two ways.
    """
    becomes = data.match.table.becomes
    set_tests_aside(data)
    child = read_child_ids(data)
    tell_postcodes(data)
    births = read_dates(data, "birth_month") if "children" in becomes else None
    columns: dict[str, Mapping[str, Any]] = {}
    there: dict[str, np.ndarray] = {}
    stay = None
    if "incidents" in becomes:
        columns["incidents"], stay = _incidents(data, births)
    if "placements" in becomes:
        columns["placements"], there["placements"] = _placements(data)
    if "interviews" in becomes:
        columns["interviews"], there["interviews"] = read_interviews(data, stay, codebook, due_hours)
    if births is not None:
        as_of = stay.begins_at if stay else read_times(data, "missing_from").at
        columns["children"] = _children(data, births, as_of)
    made = {name: _frame(data, name, {**given, "child_id": child}, there.get(name)) for name, given in columns.items()}
    return Pieces(**made)


def _frame(data: Data, name: str, columns: Mapping[str, Any], there: np.ndarray | None) -> pd.DataFrame:
    """Make the piece of a table from columns that are typed already, without the rows that were set aside."""
    chosen = data.kept if there is None else data.kept & there
    at = np.flatnonzero(chosen)
    is_whole = len(at) == len(data)
    n = len(at)
    table = schema.TABLES[name]
    made = {c: _rows(columns[c], at, is_whole) for c in table.names if c in columns}
    absent = {c.name: c.kind for c in table.columns if c.name not in columns}
    blank = {kind: constant(None, kind, n) for kind in set(absent.values())}
    made = {c: made[c] if c in made else blank[absent[c]].copy() for c in table.names}
    made |= {c: _rows(v, at, is_whole) for c, v in columns.items() if c not in made}
    made |= {"file": constant(data.grid.file, "text", n), "sheet": constant(data.grid.sheet, "text", n)}
    return pd.DataFrame(made | {"line": data.lines[at], "row": data.index[at], "at": at}, copy=False)


def _rows(column: Any, at: np.ndarray, is_whole: bool) -> Any:
    if isinstance(column, pd.Series):
        return column if is_whole else column.iloc[at].reset_index(drop=True)
    return column if is_whole else column[at]


def _simple(data: Data, table: schema.Table, skipped: Sequence[str]) -> dict[str, Any]:
    """Read the fields of a table that need no rule of their own and that the sheet or its profile gives."""
    given = data.match.fields.keys() | data.match.table.defaults.keys()
    wanted = [c for c in table.columns if c.name in given and c.name not in skipped]
    return {c.name: read_values(data, c.name) for c in wanted if c.kind not in ("timestamp", "date")}


def _incidents(data: Data, births: np.ndarray | None) -> tuple[dict[str, Any], Stay]:
    start = read_times(data, "missing_from")
    end = read_times(data, "returned_at", start.at)
    reported = read_times(data, "reported_at")
    data.fault(np.isnat(start.wall) & data.kept, "start_blank", "missing_from")
    simple = _simple(data, schema.INCIDENTS, ("child_id", "source", "precision"))
    given = pd.Series(read_values(data, "precision")).fillna("") == "day"
    is_day = _is_day(data, start, end) | given.to_numpy(dtype=bool)
    begins, begins_wall = _cut(start, is_day)
    ends, ends_wall = _cut(end, is_day)
    data.fault((ends < begins).to_numpy(), "end_before_start", "returned_at")
    data.tell((ends == begins).to_numpy() & ~is_day & data.kept, "zero_length", "returned_at")
    if births is not None:
        _check_ages(data, begins_wall, births)
    if data.has("category"):
        data.tell(data.distinct("category").blank() & data.kept, "type_blank", "category")
    precision = read_codes(is_day, ("minute", "day"))
    columns = simple | {
        "missing_from": begins,
        "returned_at": ends,
        "precision": precision,
        "reported_at": reported.at,
        "source": constant(data.match.table.profile, "text", len(data)),
    }
    return columns, Stay(begins_wall, ends_wall, ends, begins, is_day)


def read_codes(which: np.ndarray, words: Sequence[str]) -> Any:
    """Return words by their number, as a text column.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> read_codes(np.array([True, False]), ("minute", "day")).tolist()
    ['day', 'minute']
    """
    return pd.array(list(words), dtype=schema.TEXT).take(which.astype(np.int64))


def _cut(times: Times, is_day: np.ndarray) -> tuple[pd.Series, np.ndarray]:
    """Cut the time of day off where only days are known."""
    if not is_day.any():
        return times.at, times.wall
    wall = np.where(is_day, to_days(times.wall), times.wall)
    at = times.at.array.copy()
    at[is_day] = pd.Series(wall[is_day]).dt.tz_localize(schema.LONDON).array
    return pd.Series(at), wall


def _is_day(data: Data, start: Times, end: Times) -> np.ndarray:
    """Say which rows hold no time of day at one end or the other, and tell where that is not the source's habit."""
    there = ~np.isnat(start.wall), ~np.isnat(end.wall)
    is_day: np.ndarray = (there[0] & ~start.has_time) | (there[1] & ~end.has_time)
    if data.match.table.defaults.get("precision") == "day":
        return np.ones(len(data), dtype=bool)
    if not there[0].any():
        return is_day
    timed = [t.wall[has & t.has_time] for t, has in zip((start, end), there, strict=True)]
    midnights = np.concatenate([t == to_days(t) for t in timed])
    if is_day[there[0]].all():
        data.tell_column("day_precision", "missing_from", f"all {int(there[0].sum()):,} rows")
    elif midnights.all():
        data.tell_column("all_midnight", "missing_from", f"all {int(there[0].sum()):,} rows")
        return np.ones(len(data), dtype=bool)
    else:
        data.tell(is_day & data.kept, "day_precision", "missing_from")
        if len(midnights) >= 20 and midnights.mean() > MANY_MIDNIGHTS:
            data.tell_column("mostly_midnight", "missing_from", f"{int(midnights.sum()):,} of {len(midnights):,}")
    return is_day


def _check_ages(data: Data, start: np.ndarray, births: np.ndarray) -> None:
    codes, born = pd.factorize(births)
    born = np.append(born, np.datetime64("NaT"))  # where there is no birth, the code is -1: the last
    day = to_days(start)
    data.fault(day <= births, "start_before_birth", "birth_month")
    data.fault(day >= birthday(born, 18)[codes], "adult", "birth_month")
    data.tell((day > births) & (day < birthday(born, 5)[codes]) & data.kept, "infant", "birth_month")


def birthday(births: np.ndarray, years: int) -> np.ndarray:
    """Return the day on which someone becomes so many years old; 1 March for who was born on a 29 February.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> birthday(np.array(["2010-03-14", "2008-02-29"], dtype="datetime64[us]"), 18).astype("datetime64[D]")
    array(['2028-03-14', '2026-03-01'], dtype='datetime64[D]')
    """
    month, day = births.astype("datetime64[M]"), births.astype("datetime64[D]")
    found: np.ndarray = (month + 12 * years).astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
    return found.astype("datetime64[us]")


def _placements(data: Data) -> tuple[dict[str, Any], np.ndarray]:
    """Read placements; where a row is something else first, it stands without one too."""
    started, ended = read_dates(data, "started_on"), read_dates(data, "ended_on")
    undated = np.isnat(started)
    if data.match.table.becomes[0] == "placements":
        data.fault(undated & data.kept, "start_blank", "started_on")
    else:
        says_more = ~blank_in(data, ("placement_type", "home_id", "provider"))
        data.tell(undated & says_more & data.kept, "placement_undated", "started_on")
    data.fault(ended < started, "end_before_start", "ended_on")
    simple = _simple(data, schema.PLACEMENTS, ("child_id",))
    return simple | _care_ids(data) | {"started_on": started, "ended_on": ended}, ~undated


def _care_ids(data: Data) -> dict[str, Any]:
    """Read the spell of care that a row belongs to, by which another table may name its child."""
    return {"care_id": read_values(data, "care_id")} if data.has("care_id") else {}


def _children(data: Data, births: np.ndarray, as_of: pd.Series) -> dict[str, Any]:
    columns = _simple(data, schema.CHILDREN, ("child_id", "birth_month"))
    columns |= {name: read_dates(data, name) for name in ("observed_from", "observed_until")}
    columns |= {name: read_values(data, name) for name in ANNEX_A_FIELDS if data.has(name)}
    columns |= _care_ids(data)
    return columns | {"birth": births, "as_of": as_of}
