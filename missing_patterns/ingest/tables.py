"""The data rows of one sheet into rows of the canonical tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import Codebook, fold
from missing_patterns.ingest import values
from missing_patterns.ingest.columns import Times, read_dates, read_times, read_values
from missing_patterns.ingest.fields import ANNEX_A_FIELDS
from missing_patterns.ingest.fitting import blank_in, read_child_ids
from missing_patterns.ingest.grid import as_text, is_blank
from missing_patterns.ingest.rows import Data

#: Fields of a row that say that something happened about an interview.
INTERVIEW_FIELDS = (
    *("status", "rhi_offered", "rhi_accepted", "offered_at", "held_at", "attempts", "declined_reason"),
    *("interviewer_role", "is_independent", "mode", "other_refs", "coded_triggers", "primary_trigger"),
    *("push_factors", "pull_factors"),
    *("narrative", "child_considers_missing", "harm", "actions"),
)
#: A share of exact midnights above this is suspicious: 1 in 1,440 minutes is midnight.
MANY_MIDNIGHTS = 0.05


@dataclass(slots=True, repr=False)
class Pieces:
    """What one sheet gave to each table, before ids are made unique and children are merged.

    Raises
    ------
    Nothing.
    """

    incidents: pd.DataFrame | None = None
    interviews: pd.DataFrame | None = None
    children: pd.DataFrame | None = None
    placements: pd.DataFrame | None = None


def read_tables(data: Data, codebook: Codebook | None = None) -> Pieces:
    """Read every table that the sheet's rows become; rows set aside by any check stand in none.

    Raises
    ------
    DataRefused
        If a column of dates cannot be trusted.
    """
    becomes = data.match.table.becomes
    child = read_child_ids(data)
    births = read_dates(data, "birth_month") if "children" in becomes else None
    pieces = Pieces()
    started = pd.Series([pd.NaT] * len(data), dtype=schema.TIMESTAMP)
    if "incidents" in becomes:
        pieces.incidents = _incidents(data, child, births)
        started = pieces.incidents["missing_from"]
    if "placements" in becomes:
        pieces.placements = _placements(data, child)
    if "interviews" in becomes:
        pieces.interviews = _interviews(data, child, pieces.incidents, codebook)
    if births is not None:
        pieces.children = _children(data, child, births, started)
    kept = data.aside == ""
    for name in schema.TABLES:
        piece = getattr(pieces, name, None)
        if piece is not None:
            chosen = piece[kept[piece.index]].assign(file=data.grid.file, sheet=data.grid.sheet)
            at = chosen.index.to_numpy()
            chosen["line"], chosen["row"], chosen["at"] = data.lines[at], data.index[at], at
            setattr(pieces, name, schema.conform(chosen, replace(schema.TABLES[name], key="")))
    return pieces


def _simple(
    data: Data, table: schema.Table, skipped: Sequence[str], codebook: Codebook | None = None
) -> dict[str, Any]:
    """Read the fields of a table that need no rule of their own."""
    wanted = [c for c in table.columns if c.name not in skipped and c.kind not in ("timestamp", "date")]
    return {c.name: read_values(data, c.name, codebook) for c in wanted}


def _incidents(data: Data, child: list[Any], births: pd.Series | None) -> pd.DataFrame:
    start = read_times(data, "missing_from")
    end = read_times(data, "returned_at", start.at)
    reported = read_times(data, "reported_at")
    data.fault(start.at.isna().to_numpy() & (data.aside == ""), "start_blank", "missing_from")
    simple = _simple(data, schema.INCIDENTS, ("child_id", "source", "precision"))
    given = read_values(data, "precision")
    is_day = _is_day(data, start, end) | np.array([g == "day" for g in given], dtype=bool)
    begins = start.at.where(~is_day, start.at.dt.normalize())
    ends = end.at.where(~is_day, end.at.dt.normalize())
    data.fault((ends < begins).to_numpy(), "end_before_start", "returned_at")
    data.tell((ends == begins).to_numpy() & ~is_day, "zero_length", "returned_at")
    if births is not None:
        _check_ages(data, begins, births)
    if data.has("category"):
        blank = np.fromiter((is_blank(c) for c in data.cells("category")), bool, len(data))
        data.tell(blank & (data.aside == ""), "type_blank", "category")
    return pd.DataFrame(
        simple
        | {
            "child_id": child,
            "missing_from": begins,
            "returned_at": ends,
            "precision": np.where(is_day, "day", "minute"),
            "reported_at": reported.at,
            "source": data.match.table.profile,
        }
    )


def _is_day(data: Data, start: Times, end: Times) -> np.ndarray:
    """Say which rows hold no time of day at one end or the other, and tell where that is not the source's habit."""
    there = start.at.notna().to_numpy(), end.at.notna().to_numpy()
    is_day: np.ndarray = (there[0] & ~start.has_time) | (there[1] & ~end.has_time)
    if data.match.table.defaults.get("precision") == "day":
        return np.ones(len(data), dtype=bool)
    if not there[0].any():
        return is_day
    timed = [t.at[has & t.has_time] for t, has in zip((start, end), there, strict=True)]
    midnights = np.concatenate([(t == t.dt.normalize()).to_numpy() for t in timed])
    if is_day[there[0]].all():
        data.tell_column("day_precision", "missing_from", f"all {int(there[0].sum()):,} rows")
    elif midnights.all():
        data.tell_column("all_midnight", "missing_from", f"all {int(there[0].sum()):,} rows")
        return np.ones(len(data), dtype=bool)
    else:
        data.tell(is_day, "day_precision", "missing_from")
        if len(midnights) >= 20 and midnights.mean() > MANY_MIDNIGHTS:
            data.tell_column("mostly_midnight", "missing_from", f"{int(midnights.sum()):,} of {len(midnights):,}")
    return is_day


def _check_ages(data: Data, start: pd.Series, births: pd.Series) -> None:
    local = start.dt.tz_localize(None)
    age = local.dt.year - births.dt.year
    age -= ((local.dt.month * 100 + local.dt.day) < (births.dt.month * 100 + births.dt.day)).astype(int)
    data.fault((local.dt.normalize() <= births).to_numpy(), "start_before_birth", "birth_month")
    data.fault((age >= 18).to_numpy(), "adult", "birth_month")
    data.tell(((age >= 0) & (age < 5)).to_numpy() & (data.aside == ""), "infant", "birth_month")


def _placements(data: Data, child: list[Any]) -> pd.DataFrame:
    started, ended = read_dates(data, "started_on"), read_dates(data, "ended_on")
    undated = started.isna().to_numpy() & (data.aside == "")
    # Where a row is first of all a child, it stands without a placement too.
    is_child = data.match.table.becomes[0] == "children"
    if is_child:
        data.tell(
            undated & ~blank_in(data, ("placement_type", "home_id", "provider")), "placement_undated", "started_on"
        )
    else:
        data.fault(undated, "start_blank", "started_on")
    data.fault((ended < started).to_numpy(), "end_before_start", "ended_on")
    simple = _simple(data, schema.PLACEMENTS, ("child_id",))
    simple |= _care_ids(data)
    frame = pd.DataFrame(simple | {"child_id": child, "started_on": started, "ended_on": ended})
    return frame[started.notna()] if is_child else frame


def _care_ids(data: Data) -> dict[str, Any]:
    """Read the spell of care that a row belongs to, by which another table may name its child."""
    return {"care_id": pd.array(read_values(data, "care_id"), dtype=schema.TEXT)} if data.has("care_id") else {}


def _children(data: Data, child: list[Any], births: pd.Series, as_of: pd.Series) -> pd.DataFrame:
    skipped = ("child_id", "birth_month", "exit_reason")
    simple = _simple(data, schema.CHILDREN, skipped)
    simple |= {name: read_dates(data, name) for name in ("observed_from", "observed_until")}
    simple["exit_reason"] = read_values(data, "exit_reason")
    simple |= _care_ids(data)
    for name in ANNEX_A_FIELDS:
        if data.has(name):
            kind = "Int64" if name.startswith("n_") else schema.TEXT
            simple[name] = pd.array(read_values(data, name), dtype=kind)
    return pd.DataFrame(simple | {"child_id": child, "birth": births, "as_of": as_of})


def _interviews(
    data: Data, child: list[Any], incidents: pd.DataFrame | None, codebook: Codebook | None
) -> pd.DataFrame:
    """Read the interview part of each row; in a row of an incident, all of it may be blank: no interview."""
    _take_flags(data)
    there = np.full(len(data), incidents is None)
    for name in INTERVIEW_FIELDS:
        if data.has(name):
            there |= np.fromiter((not is_blank(c) for c in data.cells(name)), bool, len(data))
    held = read_times(data, "held_at")
    offered = read_times(data, "offered_at")
    if incidents is not None:
        _check_held(data, held, incidents)
    simple = _simple(data, schema.INTERVIEWS, ("child_id", "status"), codebook)
    for name in ("push_factors", "pull_factors"):
        if data.has(name):
            more = read_values(data, name, codebook)
            simple["coded_triggers"] = list(map(_both, simple["coded_triggers"], more))
    status = _status(data)
    frame = pd.DataFrame(
        simple
        | {
            "child_id": child,
            "status": status,
            "offered_at": offered.at.where(offered.has_time, offered.at.dt.normalize()),
            "held_at": held.at.where(held.has_time, held.at.dt.normalize()),
            "other_refs": pd.Series(read_values(data, "other_refs"), dtype=object),
        }
    )
    for column in ("incident_ids", "coded_triggers", "actions"):
        frame[column] = pd.Series(simple[column], dtype=object)
    return frame[there]


def _both(some: tuple[str, ...] | None, more: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Join the triggers of two columns; none given in one of them is none only if the other gives none."""
    return more if some is None else tuple(dict.fromkeys((*some, *(more or ()))))


def _take_flags(data: Data) -> None:
    """Where forms ask "RHI offered" and answer yes or no rather than with a date, take the column for the flag."""
    known = values.YES | values.NO | values.NOT_RECORDED
    for dated, flag in (("offered_at", "rhi_offered"), ("held_at", "rhi_accepted")):
        if not data.has(dated) or data.has(flag):
            continue
        cells = [c for c in data.cells(dated) if not is_blank(c)]
        words = {fold(as_text(c)) for c in cells}
        if words <= known and words & (values.YES | values.NO):
            data.match.fields[flag] = data.match.fields.pop(dated)


def _check_held(data: Data, held: Times, incidents: pd.DataFrame) -> None:
    """Set aside a row whose interview is dated before the return that it is about, by day where only that is known."""
    ends, begins = incidents["returned_at"], incidents["missing_from"]
    about = ends.where(ends.notna(), begins)
    by_day = ~held.has_time | (incidents["precision"] == "day").to_numpy()
    early = np.where(by_day, held.at.dt.normalize() < about.dt.normalize(), held.at < about)
    data.fault(early.astype(bool), "interview_before_return", "held_at")


def _status(data: Data) -> list[str]:
    """Return the rung of each row: as worded, else from the two flags, else unknown."""
    worded = read_values(data, "status")
    offered, accepted = read_values(data, "rhi_offered"), read_values(data, "rhi_accepted")
    return [w or _rung(o, a) for w, o, a in zip(worded, offered, accepted, strict=True)]


_RUNGS = {
    ("yes", "yes"): "completed",
    ("yes", "no"): "declined",
    ("yes", None): "offered_pending",
    ("yes", "not_applicable"): "offered_pending",
    ("no", None): "not_offered_other",
    ("no", "no"): "not_offered_other",
    ("no", "not_applicable"): "not_offered_other",
    ("not_applicable", None): "not_required",
    ("not_applicable", "no"): "not_required",
    ("not_applicable", "not_applicable"): "not_required",
    (None, "not_applicable"): "not_required",
    (None, "yes"): "completed",
}


def _rung(offered: str | None, accepted: str | None) -> str:
    """Turn the two flags of the SSD and Annex A into a rung; contradictions are unknown.

    The flags cannot say whether an accepted interview was held; accepted is read as completed.
    """
    return _RUNGS.get((offered, accepted), "unknown")
