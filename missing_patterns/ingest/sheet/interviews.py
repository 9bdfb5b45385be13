"""The interview part of each row: whether there is one, its rung, its times held against the return, its triggers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import Codebook, fold
from missing_patterns.ingest.cells import values
from missing_patterns.ingest.cells.ladder import rungs
from missing_patterns.ingest.opening.grid import as_text, is_blank
from missing_patterns.ingest.sheet.columns import ladder_of, read_values
from missing_patterns.ingest.sheet.moments import Times, read_times, to_days
from missing_patterns.ingest.sheet.rows import Data

#: Fields of a row that say that something happened about an interview.
INTERVIEW_FIELDS = (
    *("status", "rhi_offered", "rhi_accepted", "offered_at", "held_at", "attempts", "declined_reason"),
    *("interviewer_role", "is_independent", "mode", "other_refs", "coded_triggers", "primary_trigger"),
    *("narrative", "child_considers_missing", "harm", "actions", "push_factors", "pull_factors"),
)
#: Columns of triggers; where there are several, a row's triggers are all of theirs.
_TRIGGERS = ("coded_triggers", "push_factors", "pull_factors")
#: A column with more different cells than this holds no answers from a list.
_MOST_ANSWERS = 100
#: Statutory guidance: within 72 hours of the return.
DUE_HOURS = 72.0


@dataclass(frozen=True, slots=True, repr=False)
class Stay:
    """When each row's absence was: as London's clocks showed it, as moments, and whether only days are known.

    Raises
    ------
    Nothing.
    """

    begins: np.ndarray
    ends: np.ndarray
    ends_at: pd.Series
    begins_at: pd.Series
    is_day: np.ndarray

    def __repr__(self) -> str:
        return f"Stay: {len(self.begins)} rows"


def read_interviews(
    data: Data, stay: Stay | None, codebook: Codebook | None, due_hours: float
) -> tuple[dict[str, Any], np.ndarray]:
    """Read the interview part of each row, and say which rows have one; in a row of an incident, all may be blank.

    Raises
    ------
    DataRefused
        If a column of dates cannot be trusted, or a cell of choices can be taken apart in two ways.
    """
    _take_flags(data)
    there = np.full(len(data), stay is None)
    for name in INTERVIEW_FIELDS:
        if data.has(name):
            there |= ~data.distinct(name).blank()
    held = read_times(data, "held_at", None if stay is None else stay.ends_at)
    offered = read_times(data, "offered_at")
    if stay is not None:
        _check_held(data, held, stay, due_hours)
    skipped = ("child_id", "status", *_TRIGGERS)
    given = data.match.fields.keys() | data.match.table.defaults.keys()
    wanted = [c for c in schema.INTERVIEWS.columns if c.name in given and c.name not in skipped]
    columns = {c.name: read_values(data, c.name, codebook) for c in wanted if c.kind not in ("timestamp", "date")}
    columns["coded_triggers"] = _triggers(data, codebook)
    columns["status"] = rungs(*(read_values(data, name) for name in ("status", "rhi_offered", "rhi_accepted")))
    columns["offered_at"], columns["held_at"] = offered.at, held.at
    if data.has("other_refs"):
        columns["other_refs"] = read_values(data, "other_refs")
    else:
        columns["other_refs"] = np.full(len(data), None, dtype=object)
    return columns, there


def _take_flags(data: Data) -> None:
    """Where forms ask "RHI offered" and are answered by words rather than by a date, take the column for the answer."""
    answers = values.YES | values.NO | ladder_of(data.match.table).keys()
    for dated, flag in (("offered_at", "rhi_offered"), ("held_at", "rhi_accepted")):
        if not data.has(dated) or data.has(flag):
            continue
        found = data.distinct(dated).cells
        if len(found) > _MOST_ANSWERS:
            continue
        words = {fold(as_text(c)) for c in found if not is_blank(c)} - values.NOT_RECORDED
        if words and words <= answers:
            data.match.fields[flag] = data.match.fields.pop(dated)


def _check_held(data: Data, held: Times, stay: Stay, due_hours: float) -> None:
    """Set aside a row whose interview is dated before the return that it is about, by day where only that is known.

    An interview that was held late is right as it stands, and counted.
    """
    returned = ~np.isnat(stay.ends)
    about = np.where(returned, stay.ends, stay.begins)
    by_day = ~held.has_time | stay.is_day | (held.wall == to_days(held.wall))
    moment = stay.ends_at.where(returned, stay.begins_at)
    early = np.where(by_day, to_days(held.wall) < to_days(about), (held.at < moment).to_numpy())
    data.fault(early.astype(bool), "interview_before_return", "held_at")
    both = returned & ~np.isnat(held.wall) & data.kept
    days_late = to_days(held.wall) - to_days(stay.ends) > np.timedelta64(int(due_hours // 24), "D")
    late = both & np.where(by_day, days_late, (held.at - stay.ends_at > pd.Timedelta(hours=due_hours)).to_numpy())
    if late.any():
        data.tell_column("interview_late", "held_at", f"{int(late.sum()):,} of {int(both.sum()):,}")


def _triggers(data: Data, codebook: Codebook | None) -> np.ndarray:
    """Return the codes of each row, of every column that holds some; each combination of cells is joined once."""
    names = [name for name in _TRIGGERS if data.has(name)]
    if not names:
        return np.full(len(data), None, dtype=object)
    read = [read_values(data, name, codebook) for name in names]
    if len(read) == 1:
        found: np.ndarray = read[0]
        return found
    key = np.zeros(len(data), dtype=np.int64)
    for name in names:
        column = data.distinct(name)
        key = np.unique(key * len(column.cells) + column.codes, return_inverse=True)[1]
    first, which = np.unique(key, return_index=True, return_inverse=True)[1:]
    joined = [_joined([column[i] for column in read]) for i in first.tolist()]
    return np.fromiter(joined, dtype=object, count=len(joined))[which]


def _joined(parts: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    known = [part for part in parts if part is not None]
    return tuple(dict.fromkeys(code for part in known for code in part)) if known else None
