"""The interview part of each row: whether there is one, its rung, its times held against the return, its triggers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
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
from missing_patterns.ingest.sheet.distinct import Distinct
from missing_patterns.ingest.sheet.moments import Times, read_times, to_days
from missing_patterns.ingest.sheet.rows import Data

#: Fields of a row that say that something happened about an interview.
INTERVIEW_FIELDS = (
    *("status", "rhi_offered", "rhi_accepted", "offered_at", "held_at", "attempts", "declined_reason"),
    *("interviewer_role", "is_independent", "mode", "other_refs", "coded_triggers", "primary_trigger"),
    *("narrative", "child_considers_missing", "harm", "actions", "push_factors", "pull_factors"),
)
#: Columns that say what came of an interview.
_SAYS = ("status", "rhi_offered", "rhi_accepted")
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
    is_silent = _nothing_in(data, _SAYS).all()
    with _answers_apart(data):
        status = rungs(*(read_values(data, name) for name in _SAYS))
        is_told = ~_nothing_in(data, _SAYS)
        plannable = ~np.isin(np.asarray(status, dtype=object), schema.HELD)
        held = read_times(data, "held_at", None if stay is None else stay.ends_at, plannable)
        offered = read_times(data, "offered_at")
    if stay is not None:
        _check_held(data, held, stay, due_hours)
    skipped = ("child_id", "status", *_TRIGGERS)
    given = data.match.fields.keys() | data.match.table.defaults.keys()
    wanted = [c for c in schema.INTERVIEWS.columns if c.name in given and c.name not in skipped]
    columns = {c.name: read_values(data, c.name, codebook) for c in wanted if c.kind not in ("timestamp", "date")}
    columns["coded_triggers"] = _triggers(data, codebook)
    columns["status"] = _status_from_date(data, status, is_told, held) if is_silent else status
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


@contextlib.contextmanager
def _answers_apart(data: Data) -> Iterator[None]:
    """Meanwhile, where answers stand among the dates of a column, have each as a column of its own, blank elsewhere."""
    answers = values.YES | values.NO | ladder_of(data.match.table).keys()
    mixed: list[tuple[str, int, int, Distinct]] = []
    for dated, flag in (("offered_at", "rhi_offered"), ("held_at", "rhi_accepted")):
        if not data.has(dated) or data.has(flag):
            continue
        found = data.distinct(dated)
        is_answer = [_is_word(c) and fold(as_text(c)) in answers for c in found.cells]
        if not any(is_answer):
            continue
        at = data.match.fields[dated]
        new = max(len(data.match.headers), *data.known) + 1
        mixed.append((flag, at, new, found))
        if data.has("status"):  # whose word stands, so that these words are not read as the answer
            data.tell(found.spread(is_answer, dtype=bool) & ~data.distinct("status").blank(), "date_is_words", dated)
        both = list(zip(found.cells, is_answer, strict=True))
        data.known[new] = Distinct(found.codes, [c if yes else None for c, yes in both])
        data.known[at] = Distinct(found.codes, [None if yes else c for c, yes in both])
        data.match.fields[flag] = new
    try:
        yield
    finally:
        for flag, at, new, found in mixed:
            data.known[at] = found
            del data.match.fields[flag], data.known[new]


def _is_word(cell: object) -> bool:
    return isinstance(cell, bool) or (isinstance(cell, str) and not any(map(str.isdigit, cell)) and not is_blank(cell))


def _nothing_in(data: Data, names: Sequence[str]) -> np.ndarray:
    blank = [data.distinct(name).blank() for name in names if data.has(name)]
    nothing: np.ndarray = np.logical_and.reduce([np.ones(len(data), dtype=bool), *blank])
    return nothing


def _status_from_date(data: Data, status: Any, is_told: np.ndarray, held: Times) -> Any:
    """Where a sheet says nothing of interviews but the dates on which they were held, they were held.

    In a sheet that words the status of others, a blank may be one that is not known, and stays so.
    """
    dated = ~np.isnat(held.wall) & data.kept
    written = data.grid.written_at
    if written is not None:
        dated &= held.wall <= np.datetime64(written, "us") + np.timedelta64(1, "D")
    alone = dated & ~is_told & np.asarray(pd.Series(status).fillna("unknown") == "unknown", dtype=bool)
    if not alone.any():
        return status
    data.tell_column("status_from_date", "held_at", f"{int(alone.sum()):,} of {int(dated.sum()):,}")
    filled = status.copy()
    filled[alone] = "completed"
    return filled


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
