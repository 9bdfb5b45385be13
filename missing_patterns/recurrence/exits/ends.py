"""Reading what ended each spell at risk: an episode, an exit that competes with it, or only the end of follow-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions
from missing_patterns.recurrence.common import Bools, Floats, Ints, check_flags, tie_times

Exits = Literal["together", "each"]
Gaps = Literal["every", "first"]

EPISODE, EXIT = "episode", "exit"

#: Why a row is no spell: used after all, its length is not known, it is not a child's first, it has no length.
LEFT_OUT = ("used", "not_recorded", "not_used", "zero_length")

#: Exits in words, for sentences and labels.
IN_WORDS = {
    "episode": "went missing again",
    "exit": "left before that",
    "left_care": "left care before that",
    "moved_area": "moved away before that",
    "died": "died before that",
    "other": "left for another reason before that",
}

_GAPS = schema.Table(
    "gaps",
    "one time from a return to the next episode, or to the end of observation",
    (
        schema.Column("child_id", "id", "the child", required=True),
        schema.Column("episode_no", "count", "the episode that the child returned from"),
        schema.Column("gap_days", "number", "days; empty = the return is not known"),
        schema.Column("event", "count", "1 if an episode ended the gap, 0 if observation did", required=True),
        schema.Column("ended_by", "code", "an episode, or why observation ended", schema.ENDED_BY),
    ),
)


@dataclass(frozen=True, slots=True, repr=False)
class Ends:
    """Spells at risk and what ended each. One position is one spell; ``row`` is its row in the table handed in.

    Parameters
    ----------
    frame : pd.DataFrame
        The table handed in, checked, for covariates and groups.
    row, child : array of int
        Row of the table, and number of the child.
    start, stop : array of float
        At risk on (start, stop], in days; ``start`` is minus infinity for a gap, so that a gap of no length counts.
    cause : array of int
        0 = nothing but the end of follow-up, else 1 + the position in ``ends``.
    ends : tuple of str
        ``episode`` and the exits that compete with it.
    left_out : array of int
        For each row of ``frame``, why it is not a spell: a position in :data:`LEFT_OUT`, of which the first is none.
    unsaid : array of bool
        For each row of ``frame``, whether nobody recorded why it ended; it counts as the end of the follow-up.
    is_gaps : bool
        Whether the table was one of gaps.

    Raises
    ------
    Nothing.
    """

    frame: pd.DataFrame
    row: Ints
    child: Ints
    start: Floats
    stop: Floats
    cause: Ints
    ends: tuple[str, ...]
    left_out: Ints
    unsaid: Bools
    is_gaps: bool

    def __repr__(self) -> str:
        return f"Ends: {len(self.row):,} spells, {len(self.ends)} ways to end"


def read_ends(table: pd.DataFrame, *, exits: Exits = "together", gaps: Gaps = "every") -> Ends:
    """Read a table of gaps or of intervals with what ended each spell.

    Parameters
    ----------
    table : pd.DataFrame
        As :func:`missing_patterns.gap_times` gives (``child_id episode_no gap_days event ended_by``), or as
        :func:`missing_patterns.to_counting_process` gives (``child_id start stop event ended_by``).
    exits : {"together", "each"}, default "together"
        One way to leave, or one for each reason.
    gaps : {"every", "first"}, default "every"
        Every gap, or each child's first. Of intervals only what leads up to a child's first episode is ever used.

    Raises
    ------
    TableRefused
        If a column is absent, a length negative or infinite, or ``event`` and ``ended_by`` contradict each other.
    ArgumentRefused
        If an option is not known.

    Examples
    --------
    >>> gaps = pd.DataFrame({"child_id": ["A", "A", "B"], "gap_days": [3.0, 9.0, 4.0], "event": [1, 0, 0],
    ...                      "ended_by": ["episode", "turned_18", "moved_area"]})
    >>> read_ends(gaps).cause.tolist()
    [1, 0, 2]
    """
    for name, value, known in (("exits", exits, get_args(Exits)), ("gaps", gaps, get_args(Gaps))):
        if value not in known:
            raise ArgumentRefused(f"{name} must be one of {', '.join(known)}.{did_you_mean(str(value), known)}")
    is_gaps = "gap_days" in table.columns
    name = "gaps" if is_gaps else "intervals"
    if "ended_by" not in table.columns:
        told = (
            "column 'ended_by' is absent, so exits cannot be told from the end of follow-up; gap_times and "
            "to_counting_process give it when they are handed the table of children"
        )
        raise TableRefused.of_problems(name, [told])
    own = ["gap_days", *(["episode_no"] if gaps == "first" else [])] if is_gaps else ["start", "stop"]
    schema.require(table, ["child_id", "event", *own], name)
    frame = schema.conform(table, _GAPS if is_gaps else schema.INTERVALS)
    check_flags(frame["event"], name)
    cause, ends = _causes(frame, name, exits)
    child = pd.factorize(frame["child_id"])[0].astype(np.int64)
    if is_gaps:
        start, stop = np.full(len(frame), -np.inf), _lengths(frame)
        left_out = np.where(np.isfinite(stop), 0, LEFT_OUT.index("not_recorded"))
        if gaps == "first":
            left_out[~_first_gaps(frame, child) & (left_out == 0)] = LEFT_OUT.index("not_used")
    else:
        start, stop = _spells(frame, child)
        left_out, cause = _up_to_first(child, start, stop, cause)
    blank = (frame["ended_by"].isna() & (frame["event"] == 0)).to_numpy(dtype=bool) & is_gaps
    used = left_out == 0
    return Ends(
        frame=frame,
        row=np.flatnonzero(used),
        child=child[used],
        start=start[used],
        stop=stop[used],
        cause=cause[used],
        ends=ends,
        left_out=left_out,
        unsaid=used & (blank | (frame["ended_by"] == "not_recorded").fillna(value=False).to_numpy(dtype=bool)),
        is_gaps=is_gaps,
    )


def _refuse(name: str, rows: Bools, why: str) -> TableRefused:
    return TableRefused.of_problems(name, [f"{why}, at {positions([int(i) for i in np.flatnonzero(rows)])}"])


def _causes(frame: pd.DataFrame, name: str, exits: Exits) -> tuple[Ints, tuple[str, ...]]:
    """Number what ended each spell: 0 = nothing but the end of follow-up, 1 = an episode, 2 and on = an exit."""
    event = (frame["event"] == 1).to_numpy(dtype=bool)
    said = frame["ended_by"]
    episode = (said == EPISODE).fillna(value=False).to_numpy(dtype=bool)
    if (wrong := event & ~episode & said.notna().to_numpy()).any():
        raise _refuse(name, wrong, "column 'event' says an episode, and 'ended_by' something else")
    if (wrong := ~event & episode).any():
        raise _refuse(name, wrong, "column 'ended_by' says an episode, and 'event' says none")
    cause = event.astype(np.int64)
    ends = [EPISODE]
    for reason in schema.COMPETING_EXITS:
        here = (said == reason).fillna(value=False).to_numpy(dtype=bool)
        if exits == "each" and here.any():
            ends.append(reason)
        cause[here] = 2 if exits == "together" else len(ends)
    if exits == "together":
        ends.append(EXIT)
    return cause, tuple(ends)


def _lengths(frame: pd.DataFrame) -> Floats:
    days: Floats = frame["gap_days"].to_numpy(dtype=np.float64, na_value=np.nan).copy()
    if (wrong := (days < 0) | np.isinf(days)).any():
        raise _refuse("gaps", wrong, "column 'gap_days' is negative or infinite")
    known = np.isfinite(days)
    if known.any():
        days[known] = tie_times(days[known])[0]
    return days


def _first_gaps(frame: pd.DataFrame, child: Ints) -> Bools:
    """Say which rows are a child's first gap; one whose length is not known is not replaced by a later one."""
    number = frame["episode_no"].to_numpy(dtype=np.float64, na_value=np.nan)
    if (blank := np.isnan(number)).any():
        raise _refuse("gaps", blank, "column 'episode_no' is blank, so a child's first gap cannot be told")
    order = np.lexsort((number, child))
    first = np.zeros(len(child), dtype=bool)
    first[order[np.diff(child[order], prepend=-1) > 0]] = True
    return first


def _spells(frame: pd.DataFrame, child: Ints) -> tuple[Floats, Floats]:
    start, stop = (frame[c].to_numpy(dtype=np.float64).copy() for c in ("start", "stop"))
    if (wrong := ~(np.isfinite(start) & np.isfinite(stop))).any():
        raise _refuse("intervals", wrong, "a start or stop is blank or infinite")
    if len(frame):
        start, stop = tie_times(start, stop)
    if (wrong := stop < start).any():
        raise _refuse("intervals", wrong, "a spell ends before it starts")
    order = np.lexsort((stop, start, child))
    order = order[stop[order] > start[order]]
    overlap = (np.diff(child[order]) == 0) & (start[order][1:] < stop[order][:-1])
    if overlap.any():
        wrong = np.isin(np.arange(len(frame)), order[1:][overlap])
        raise _refuse("intervals", wrong, "a spell overlaps another of the same child")
    return start, stop


def _up_to_first(child: Ints, start: Floats, stop: Floats, cause: Ints) -> tuple[Ints, Ints]:
    """Keep what leads up to each child's first end; one that stands on a spell without length ends the spell before.

    Returns why each row is left out, as :class:`Ends` has it, and what ended it.
    """
    flat = stop == start
    order = np.lexsort((flat, stop, child))
    n = len(order)
    here, at, length, ended = child[order], stop[order], ~flat[order], cause[order]
    # Spells without length stand after the spell that ends at that moment, if there is one: all are one run.
    run = np.cumsum((np.diff(here, prepend=-1) != 0) | (np.diff(at, prepend=np.nan) != 0)) - 1
    first_of_run = np.full(n, n)
    np.minimum.at(first_of_run, run[ended > 0], np.flatnonzero(ended > 0))
    gives = first_of_run[run]
    ended = np.where(length & (gives < n), ended[np.minimum(gives, n - 1)], 0)
    past: Ints = np.cumsum(ended > 0) - (ended > 0)
    past -= np.maximum.accumulate(np.where(np.diff(here, prepend=-1) != 0, past, 0)) if n else past
    left_out = np.where(past > 0, LEFT_OUT.index("not_used"), 0)
    left_out[~length] = LEFT_OUT.index("zero_length")
    back, why = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    back[order], why[order] = ended, left_out
    return why, back
