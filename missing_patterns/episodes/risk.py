"""Time at risk of going missing, as a counting process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes import splitting
from missing_patterns.episodes.arrays import ABSENT, DAY_US, Flags, Ints
from missing_patterns.episodes.known import Floats, Known, Moment, count_ends, day_of, know
from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.schema import CHILDREN, ENDED_BY, INTERVALS, TEXT, conform

ORIGINS = ("first_return", "observed_from", "birthday")

#: One minute, in days: the length given to a spell at risk that has none (a child who goes again at once).
MINUTE = 1 / 1440


def to_counting_process(
    episodes: pd.DataFrame,
    children: pd.DataFrame | None = None,
    *,
    observed_until: Moment,
    origin: Literal["first_return", "observed_from", "birthday"] = "first_return",
    placements: pd.DataFrame | None = None,
    triggers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the spells in which each child was at risk of going missing, as (start, stop] in days.

    A child is not at risk while missing. A child's ``observed_from`` delays entry, whatever the origin. Observation of
    a child ends at the end of the data, at the child's own ``observed_until``, or on the first day of the month in
    which the child turns 18, whichever is first. A spell that leads up to an episode after one whose end is not
    recorded has no known start, and is left out and counted.

    With ``placements`` or ``triggers``, spells are cut where what is known of the child changes, for models with
    covariates that change over time. The values of a piece are those **known at its start**; an episode stands on the
    last piece of its spell, so that neither the time at risk nor the number of episodes changes.

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
    placements : pd.DataFrame, optional
        The placements table. Adds ``placement_type`` and ``in_area`` of the placement known (blank before any is, and
        after the day on which the child left without another), and ``n_moves`` known so far. A spell in a placement is
        known at the end of its first day; one that differs from the one before in its legal status only is no move.
    triggers : pd.DataFrame, optional
        The trigger table. Adds a flag ``ever_{code}`` for each code that it names as present or suspected, in order of
        the alphabet: whether the child has been known for it, from its first ``known_at`` on.

    Returns
    -------
    pd.DataFrame
        The intervals table, sorted by child and start, and the covariates behind its columns; spells of a child do not
        overlap. ``episode_no`` is that of the episode that the spell leads up to. ``ended_by`` is ``episode``;
        ``end_of_data`` or ``turned_18`` (``schema.ADMINISTRATIVE_ENDS``: censored); ``left_care``, ``moved_area``,
        ``died`` or ``other`` (``schema.COMPETING_EXITS``: the child was taken away); ``not_recorded`` where the child's
        observation ended and nothing says why; and blank where the spell goes on in the next row. A spell of no length
        (back and gone again at once, or on one date) is given a length of one minute, because survival software drops
        empty spells without a word; they are counted, and never cut. Where a child's first return is known by date
        only, time is in whole days, and what becomes known during a day counts from the next.
        ``.attrs["accounting"]``: ``n_episodes = n_events + n_before_entry + n_start_unknown + n_without_origin +
        n_after_end + n_after_exit + n_after_18``; ``n_spells`` is the sum of ``n_ended_by_...``, of which
        ``n_events = n_ended_by_episode``; rows = ``n_spells + n_cuts``; ``n_zero_length``, ``n_children``. With
        placements: ``n_placements = n_placements_used + n_placements_of_others``; with triggers: ``n_triggers =
        n_triggers_used + n_triggers_not_named + n_triggers_never_known + n_triggers_of_others``. Others are children
        without a day 0.

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
      child_id  start    stop  event  episode_no     ended_by
    0        A  0.000   1.500      1           2      episode
    1        A  1.625  25.625      0           3  end_of_data

    The child moved on 11 January, and at an interview on the 20th named home as a reason:

    >>> placements = pd.DataFrame({"child_id": ["A", "A"], "started_on": ["2025-12-01", "2026-01-11"],
    ...                            "placement_type": ["foster", "childrens_home"]})
    >>> triggers = pd.DataFrame({"interview_id": ["1"], "child_id": ["A"], "code": ["home_conflict"],
    ...                          "status": ["present"], "known_at": ["2026-01-20 09:00"]})
    >>> cut = to_counting_process(episodes, observed_until="2026-01-31", placements=placements, triggers=triggers)
    >>> cut[["start", "stop", "event", "placement_type", "n_moves", "ever_home_conflict"]]
        start    stop  event  placement_type  n_moves  ever_home_conflict
    0   0.000   1.500      1          foster        0               False
    1   1.625   5.625      0          foster        0               False
    2   5.625  14.000      0  childrens_home        1               False
    3  14.000  25.625      0  childrens_home        1                True
    """
    if origin not in ORIGINS:
        raise ArgumentRefused(f"origin must be one of: {', '.join(ORIGINS)}.{did_you_mean(str(origin), ORIGINS)}")
    if origin != "first_return" and children is None:
        raise ArgumentRefused(f"origin '{origin}' needs the children table: pass children=.")
    also = (
        None
        if children is None or origin == "first_return"
        else conform(children, CHILDREN, only=("child_id",))["child_id"]
    )
    known = know(episodes, observed_until, children, also)
    clock = _Clock.of(known, origin)
    events, counts = _spells_to_episodes(known, clock)
    spells = pd.concat([events, _spells_to_end(known, clock)], ignore_index=True)
    # In the order of what happened: a start by date alone may seem to lie before the return by time that it follows.
    spells = spells.sort_values("child", kind="stable", ignore_index=True)
    start, stop, n_zero = _give_length(spells)
    counts = {
        "n_episodes": len(known.child) + sum(known.n_after.values()),
        "n_events": len(events),
        **counts,
        **known.n_after,
        "n_spells": len(spells),
        **count_ends(spells["why"].to_numpy()),
        "n_zero_length": n_zero,
        "n_children": int(ar.is_first(spells["child"].to_numpy()).sum()),
    }
    spell, last, covariates = np.arange(len(spells)), np.ones(len(spells), dtype=bool), splitting.Covariates()
    histories = []
    for given, history in ((placements, splitting.of_placements), (triggers, splitting.of_triggers)):
        if given is not None:
            changes, joined = history(given, known.child_ids, clock.is_set(), clock.read_fact)
            histories.append(changes)
            counts |= joined
    if histories:
        whole = stop == spells["stop"].to_numpy()
        known_at = np.where(whole, start, spells["start"].to_numpy())
        asked = splitting.Spells(spells["child"].to_numpy(), start, stop, known_at, whole)
        spell, start, stop, last, covariates = splitting.split(asked, histories)
    rows = spells.iloc[spell]
    ends = np.array([*ENDED_BY, None], dtype=object)
    result = pd.DataFrame(
        {
            "child_id": pd.Series(known.child_ids.to_numpy(dtype=object)[rows["child"].to_numpy()], dtype=TEXT),
            "start": start,
            "stop": stop,
            "event": np.where(last, rows["event"].to_numpy(), 0),
            "episode_no": rows["episode_no"].to_numpy(),
            "ended_by": pd.Series(ends[np.where(last, rows["why"].to_numpy(), -1)], dtype=TEXT),
            **covariates,
        }
    )
    result = conform(result, INTERVALS)
    result.attrs["accounting"] = {**counts, "n_cuts": len(spell) - len(spells)}
    return result


@dataclass(frozen=True, slots=True)
class _Clock:
    """Per child: day 0, when the child enters, and the row whose return is the entry (-1: another entry)."""

    zero: Ints
    zero_day: Ints
    by_date: Flags
    entry: Ints
    entry_row: Ints

    @classmethod
    def of(cls, known: Known, origin: str) -> _Clock:
        n = len(known.child_ids)
        back = np.flatnonzero(known.is_back)
        back = back[ar.is_first(known.child[back])]
        row, at, by_date = np.full(n, -1), np.full(n, ABSENT), np.zeros(n, dtype=bool)
        row[known.child[back]] = back
        at[known.child[back]] = known.end[back]
        if origin == "first_return":
            by_date[known.child[back]] = known.is_day[back]
            return cls(at, day_of(at), by_date, np.where(at == ABSENT, at, np.maximum(at, known.observed.begin)), row)
        zero = known.observed.begin if origin == "observed_from" else known.observed.born
        by_return = known.observed.begin == ABSENT
        entry = np.where(by_return, at, known.observed.begin)
        return cls(zero, day_of(zero), by_date, entry, np.where(by_return, row, -1))

    def is_set(self) -> Flags:
        return np.not_equal(self.zero, ABSENT) & np.not_equal(self.entry, ABSENT)

    def read(self, child: Ints, us: Ints, is_day: Flags) -> Floats:
        """Days since day 0: elapsed, or between dates where either is known by date only."""
        days = day_of(us) - self.zero_day[child]
        return np.where(is_day | self.by_date[child], days, (us - self.zero[child]) / DAY_US)

    def read_fact(self, child: Ints, us: Ints) -> Floats:
        """Days since day 0 at which something is known: in whole days, from the first that it is known all day."""
        late = self.by_date[child] & (us > ar.midnights(day_of(us)))
        return self.read(child, us, np.zeros(len(us), dtype=bool)) + late


def _spells_to_episodes(known: Known, clock: _Clock) -> tuple[pd.DataFrame, dict[str, int]]:
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
        "episode_no": known.number,
        "why": np.full(len(row), ENDED_BY.index("episode")),
    }
    counts = {
        "n_before_entry": int(before.sum()),
        "n_start_unknown": int(unknown.sum()),
        "n_without_origin": int(without.sum()),
    }
    return pd.DataFrame({name: values[keep] for name, values in spells.items()}), counts


def _spells_to_end(known: Known, clock: _Clock) -> pd.DataFrame:
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
    number[has] = known.number[at] + 1
    entry = clock.read(every, clock.entry, np.zeros(n, dtype=bool))
    start = np.maximum(clock.read(every, begin, is_day), entry)
    stop = clock.read(every, known.observed.end, is_day)
    keep = clock.is_set() & is_back & (stop > start)
    spells = {
        "child": every,
        "start": start,
        "stop": stop,
        "event": np.zeros(n, dtype=np.int64),
        "episode_no": number,
        "why": known.observed.reason,
    }
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
