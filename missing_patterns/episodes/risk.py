"""From episodes to what statistics of repetition need: gap times, and time at risk as a counting process."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, DAY_US, Flags, Ints
from missing_patterns.episodes.observed import observe
from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions
from missing_patterns.schema import CHILDREN, EPISODES, INTERVALS, TEXT, conform, moment

ORIGINS = ("first_return", "observed_from", "birthday")

#: One minute, in days: the length given to a spell at risk that has none (a child who goes again at once).
MINUTE = 1 / 1440

Moment: TypeAlias = str | dt.date | dt.datetime | pd.Timestamp
Floats = npt.NDArray[np.float64]


def gap_times(episodes: pd.DataFrame, *, observed_until: Moment, children: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the time from each return to the next going missing: one row per returned episode.

    A gap that no episode has ended by the end of observation is censored: ``event`` is 0 and ``gap_days`` runs to
    that end. Gaps of zero (back, and gone again at once or on the same date) are kept. An episode that is open, or
    whose end is not recorded, has no gap.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table.
    observed_until : str, date, datetime or Timestamp
        End of observation; a bare date is observed to its end.
    children : pd.DataFrame, optional
        The children table; a child's own ``observed_until`` ends that child's follow-up earlier.

    Returns
    -------
    pd.DataFrame
        ``child_id episode_no gap_days event episode_id``, sorted by child and time; ``episode_no`` and
        ``episode_id`` are those of the episode that the child returned from. Days are elapsed time, or whole days
        between the dates where a stamp is known by date only. ``.attrs["accounting"]``:
        ``n_episodes = n_gaps + n_open + n_end_not_recorded + n_after_end``.

    Raises
    ------
    TableRefused
        If a table is not usable, or episodes of one child overlap.
    ArgumentRefused
        If ``observed_until`` is not a date or time.

    Examples
    --------
    >>> episodes = pd.DataFrame(
    ...     [["A", "2026-01-05 21:00", "2026-01-06 09:00"], ["A", "2026-01-07 21:00", "2026-01-08 00:00"]],
    ...     columns=["child_id", "missing_from", "returned_at"])
    >>> gap_times(episodes, observed_until="2026-01-31")[["episode_no", "gap_days", "event"]]
       episode_no  gap_days  event
    0           1       1.5      1
    1           2      24.0      0
    """
    known = _know(conform(episodes, EPISODES), moment(observed_until), children)
    n = len(known.child)
    followed = np.zeros(n, dtype=bool)
    followed[:-1] = ~known.is_first[1:]
    to_next = np.zeros(n)
    dated = known.is_day[1:] | known.is_day[:-1]
    between = known.day0[1:] - known.day1[:-1]
    to_next[:-1] = np.where(dated, between, (known.start[1:] - known.end[:-1]) / DAY_US)
    limit = known.limit[known.child]
    to_end = np.where(known.is_day, _day_of(limit) - known.day1, (limit - known.end) / DAY_US)
    result = pd.DataFrame(
        {
            "child_id": known.table["child_id"],
            "episode_no": known.table["episode_no"],
            "gap_days": np.where(followed, to_next, to_end),
            "event": pd.array(followed.astype(np.int64), dtype="Int64"),
            "episode_id": known.table["episode_id"],
        }
    )
    is_open = ~known.is_back & ~followed
    result = result[known.is_back].reset_index(drop=True)
    result.attrs["accounting"] = {
        "n_episodes": n + known.n_after_end,
        "n_gaps": len(result),
        "n_open": int(is_open.sum()),
        "n_end_not_recorded": int((~known.is_back & followed).sum()),
        "n_after_end": known.n_after_end,
    }
    return result


def to_counting_process(
    episodes: pd.DataFrame,
    children: pd.DataFrame | None = None,
    *,
    observed_until: Moment,
    origin: Literal["first_return", "observed_from", "birthday"] = "first_return",
) -> pd.DataFrame:
    """Return the spells in which each child was at risk of going missing, as (start, stop] in days.

    A child is not at risk while missing. A child's ``observed_from`` delays entry, whatever the origin; the child's
    own ``observed_until`` ends observation. A spell that leads up to an episode after one whose end is not recorded
    has no known start, and is left out and counted.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table.
    children : pd.DataFrame, optional
        The children table; required unless the origin is ``first_return``. With another origin, a child without
        any episode who was observed contributes time at risk too.
    observed_until : str, date, datetime or Timestamp
        End of observation; a bare date is observed to its end.
    origin : {"first_return", "observed_from", "birthday"}
        What day 0 is. ``first_return``: the child's first recorded return, so that spells lead up to episode 2 and
        later. ``observed_from``: the first day of observation. ``birthday``: the first day of the month of birth,
        which makes time the child's age; a child whose ``observed_from`` is not recorded enters at the first return.

    Returns
    -------
    pd.DataFrame
        The intervals table, sorted by child and start; spells of a child do not overlap. ``episode_no`` is that of
        the episode that the spell leads up to. A spell of no length (back and gone again at once, or on one date)
        is given a length of one minute, because survival software drops empty spells without a word; they are
        counted. ``.attrs["accounting"]``: ``n_episodes = n_events + n_before_entry + n_start_unknown +
        n_without_origin + n_after_end``, and ``n_zero_length``, ``n_children``.

    Raises
    ------
    ArgumentRefused
        If the origin is not known, needs the children table, or ``observed_until`` is not a date or time.
    TableRefused
        If a table is not usable, or episodes of one child overlap.

    Examples
    --------
    >>> episodes = pd.DataFrame(
    ...     [["A", "2026-01-05 21:00", "2026-01-06 09:00"], ["A", "2026-01-07 21:00", "2026-01-08 00:00"]],
    ...     columns=["child_id", "missing_from", "returned_at"])
    >>> to_counting_process(episodes, observed_until="2026-01-31")
      child_id  start    stop  event  episode_no
    0        A  0.000   1.500      1           2
    1        A  1.625  25.625      0           3
    """
    if origin not in ORIGINS:
        raise ArgumentRefused(f"origin must be one of: {', '.join(ORIGINS)}.{did_you_mean(str(origin), ORIGINS)}")
    if origin != "first_return" and children is None:
        raise ArgumentRefused(f"origin '{origin}' needs the children table: pass children=.")
    more = conform(children, CHILDREN) if children is not None and origin != "first_return" else None
    known = _know(conform(episodes, EPISODES), moment(observed_until), children, more)
    clock = _Clock.of(known, origin)
    events, counts = _spells_to_episodes(known, clock)
    spells = pd.concat([events, _spells_to_end(known, clock)], ignore_index=True)
    spells = spells.sort_values(["child", "start", "stop"], kind="stable", ignore_index=True)
    start, stop, n_zero = _give_length(spells)
    ids = known.child_ids.to_numpy(dtype=object)[spells["child"].to_numpy()]
    result = pd.DataFrame(
        {
            "child_id": pd.Series(ids, dtype=TEXT),
            "start": start,
            "stop": stop,
            "event": spells["event"],
            "episode_no": spells["episode_no"],
        }
    )
    result = conform(result, INTERVALS)
    result.attrs["accounting"] = {
        "n_episodes": len(known.child) + known.n_after_end,
        "n_events": len(events),
        **counts,
        "n_after_end": known.n_after_end,
        "n_zero_length": n_zero,
        "n_children": int(result["child_id"].nunique()),
    }
    return result


@dataclass(frozen=True, slots=True, repr=False)
class _Known:
    """Episodes in order, as known when observation ended; `begin`, `limit` and `born` are per child."""

    table: pd.DataFrame
    child: Ints
    child_ids: pd.Index
    is_first: Flags
    start: Ints
    end: Ints
    day0: Ints
    day1: Ints
    is_day: Flags
    is_back: Flags
    begin: Ints
    limit: Ints
    born: Ints
    n_after_end: int


def _know(
    table: pd.DataFrame, until: pd.Timestamp, children: pd.DataFrame | None, more: pd.DataFrame | None = None
) -> _Known:
    by = (
        ["child_id", "episode_no"] if table["episode_no"].notna().all() else ["child_id", "missing_from", "returned_at"]
    )
    table = table.sort_values(by, kind="stable", ignore_index=True)
    ids = table["child_id"] if more is None else pd.concat([table["child_id"], more["child_id"]])
    codes, levels = pd.factorize(ids, sort=True)
    child_ids = pd.Index(levels)
    observed = observe(child_ids, until, children)
    begin, limit, born = observed.begin, observed.end, observed.born
    child = codes[: len(table)].astype(np.int64)
    seen = ar.utc_us(table["missing_from"]) < limit[child]
    n_after_end = int((~seen).sum())
    table, child = table[seen].reset_index(drop=True), child[seen]
    if table["episode_no"].isna().any():
        table["episode_no"] = pd.array(ar.count_before(child) + 1, dtype="Int64")
    start, end = ar.utc_us(table["missing_from"]), ar.utc_us(table["returned_at"])
    day0, day1 = ar.day_numbers(table["missing_from"]), ar.day_numbers(table["returned_at"])
    is_day = (table["precision"] == "day").fillna(False).to_numpy(dtype=bool)
    is_first = ar.is_first(child)
    is_back = (end != ABSENT) & (end < limit[child])
    early = np.where(is_day[1:] | is_day[:-1], day0[1:] < day1[:-1], start[1:] < end[:-1])
    overlap = early & ~is_first[1:]
    if overlap.any():
        where = positions([int(i) + 1 for i in overlap.nonzero()[0]])
        raise TableRefused.of_problems(
            "episodes", [f"episodes of a child overlap (sorted, at {where}); build_episodes joins incidents"]
        )
    return _Known(
        table, child, child_ids, is_first, start, end, day0, day1, is_day, is_back, begin, limit, born, n_after_end
    )


def _day_of(us: Ints) -> Ints:
    return ar.day_numbers(ar.timestamps(us))


@dataclass(frozen=True, slots=True)
class _Clock:
    """Per child: day 0, when the child enters, and the row whose return is the entry (-1: another entry)."""

    zero: Ints
    zero_day: Ints
    by_date: Flags
    entry: Ints
    entry_row: Ints

    @classmethod
    def of(cls, known: _Known, origin: str) -> _Clock:
        n = len(known.child_ids)
        back = np.flatnonzero(known.is_back)
        back = back[ar.is_first(known.child[back])]
        row, at, by_date = np.full(n, -1), np.full(n, ABSENT), np.zeros(n, dtype=bool)
        row[known.child[back]] = back
        at[known.child[back]] = known.end[back]
        if origin == "first_return":
            by_date[known.child[back]] = known.is_day[back]
            return cls(at, _day_of(at), by_date, np.where(at == ABSENT, at, np.maximum(at, known.begin)), row)
        zero = known.begin if origin == "observed_from" else known.born
        by_return = known.begin == ABSENT
        entry = np.where(by_return, at, known.begin)
        return cls(zero, _day_of(zero), by_date, entry, np.where(by_return, row, -1))

    def is_set(self) -> Flags:
        return np.not_equal(self.zero, ABSENT) & np.not_equal(self.entry, ABSENT)

    def read(self, child: Ints, us: Ints, is_day: Flags) -> Floats:
        """Days since day 0: elapsed, or between dates where either is known by date only."""
        days = _day_of(us) - self.zero_day[child]
        return np.where(is_day | self.by_date[child], days, (us - self.zero[child]) / DAY_US)


def _spells_to_episodes(known: _Known, clock: _Clock) -> tuple[pd.DataFrame, dict[str, int]]:
    child, row = known.child, np.arange(len(known.child))
    entry = clock.read(child, clock.entry[child], np.zeros(len(row), dtype=bool))
    stop = clock.read(child, known.start, known.is_day)
    start = entry.copy()
    known_start = known.is_first.copy()
    start[1:] = np.where(known.is_first[1:], entry[1:], clock.read(child, known.end, known.is_day)[:-1])
    known_start[1:] |= known.is_back[:-1]

    without = ~clock.is_set()[child]
    before = ~without & ((row <= clock.entry_row[child]) | (stop < entry))
    unknown = ~without & ~before & ~known_start
    keep = ~(without | before | unknown)
    spells = {
        "child": child,
        "start": np.maximum(start, entry),
        "stop": stop,
        "event": np.ones(len(row), dtype=np.int64),
        "episode_no": known.table["episode_no"].to_numpy(dtype=np.int64),
    }
    counts = {
        "n_before_entry": int(before.sum()),
        "n_start_unknown": int(unknown.sum()),
        "n_without_origin": int(without.sum()),
    }
    return pd.DataFrame({name: values[keep] for name, values in spells.items()}), counts


def _spells_to_end(known: _Known, clock: _Clock) -> pd.DataFrame:
    """The last spell of each child, from the last return, or from entry without any episode, to the end."""
    n = len(known.child_ids)
    every = np.arange(n)
    last = np.full(n, -1)
    last[known.child] = np.arange(len(known.child))
    has = last >= 0
    at = last[has]
    is_day, is_back = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    is_day[has], is_back[has] = known.is_day[at], known.is_back[at]
    begin, number = clock.entry.copy(), np.ones(n, dtype=np.int64)
    begin[has] = known.end[at]
    number[has] = known.table["episode_no"].to_numpy(dtype=np.int64)[at] + 1
    entry = clock.read(every, clock.entry, np.zeros(n, dtype=bool))
    start = np.maximum(clock.read(every, begin, is_day), entry)
    stop = clock.read(every, known.limit, is_day)
    keep = clock.is_set() & is_back & (stop > start)
    spells = {"child": every, "start": start, "stop": stop, "event": np.zeros(n, dtype=np.int64), "episode_no": number}
    return pd.DataFrame({name: values[keep] for name, values in spells.items()})


def _give_length(spells: pd.DataFrame) -> tuple[Floats, Floats, int]:
    """Give empty spells a minute, and begin later spells of the child no earlier than the one before stops."""
    child = spells["child"].to_numpy()
    start, stop = spells["start"].to_numpy().copy(), spells["stop"].to_numpy().copy()
    n_zero = int((stop <= start).sum())
    same = ~ar.is_first(child)[1:]
    for _ in range(len(start)):
        empty = stop <= start
        overlap = same & (start[1:] < stop[:-1])
        if not empty.any() and not overlap.any():
            break
        stop[empty] = start[empty] + MINUTE
        start[1:] = np.where(same & (start[1:] < stop[:-1]), stop[:-1], start[1:])
    return start, stop, n_zero
