"""Join spans of time that overlap or touch: first those with times, then those with dates only."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, BEYOND, DAY_US, Flags, Ints


@dataclass(frozen=True, slots=True)
class Rows:
    """Incidents as arrays; `end` and `day1` are ABSENT without a return, BEYOND with one after observation.

    `absence` numbers the absences that several sources recorded; it is negative for the other incidents.
    """

    child: Ints
    start: Ints
    end: Ints
    day0: Ints
    day1: Ints
    is_day: Flags
    source: Ints
    rank: Ints
    absence: Ints

    def take(self, index: Ints | Flags) -> Rows:
        """Return the rows at these positions.

        Raises
        ------
        Nothing.
        """
        return Rows(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


@dataclass(frozen=True, slots=True)
class Minutes:
    """Episodes of the incidents with times, in order, and which of them each incident is part of (-1: none)."""

    child: Ints
    start: Ints
    end: Ints
    day0: Ints
    day1: Ints
    of_row: Ints
    n_followed: int
    n_within: int


@dataclass(frozen=True, slots=True)
class Spans:
    """Episodes in order of child and dates; `start` and `end` are ABSENT where known by date only."""

    child: Ints
    start: Ints
    end: Ints
    day0: Ints
    day1: Ints
    n_followed: int
    joined: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Joined:
    """Which group each sorted span fell into, where groups begin, how each ends, and how many joined in what way.

    `n_followed` joined one whose end is not recorded, `n_within` one that had ended before, by less than the slack.
    """

    group: Ints
    first: Ints
    end: Ints
    n_followed: int
    n_within: int


def _join(child: Ints, start: Ints, end: Ints, slack: int, patience: int, may_follow: Flags) -> _Joined:
    """Group sorted spans: one joins if it starts less than `slack` after the latest end so far.

    A span without an end that starts before that end takes it. Otherwise it dangles: the next span joins it when
    it starts within `patience` (and `may_follow`), and what that one's end is, is its end too.
    """
    before = ar.largest_before(child, end)
    known = before != ABSENT
    overlaps = known & (start < before + slack)
    dangles = (end == ABSENT) & ~(known & (start < before))
    new_child = ar.is_first(child)
    follows = np.zeros(len(child), dtype=bool)
    follows[1:] = dangles[:-1] & (start[1:] - start[:-1] <= patience)
    follows &= may_follow & ~overlaps & ~new_child
    opens = new_child | ~(overlaps | follows)
    first = np.flatnonzero(opens)
    position = np.arange(len(child))
    last_closed = np.maximum.reduceat(np.where(end != ABSENT, position, -1), first)
    last_dangling = np.maximum.reduceat(np.where(dangles, position, -1), first)
    joined_end = np.where(last_dangling > last_closed, ABSENT, np.maximum.reduceat(end, first))
    n_within = int((overlaps & (start > before)).sum())
    return _Joined(np.cumsum(opens) - 1, first, joined_end, int(follows.sum()), n_within)


def stretch(rows: Rows) -> Rows:
    """Give the records of one absence the span of all of them, so that they join whatever lies between them.

    Those with times and those with dates only each have the span of their kind; `join_days` brings the two together.

    Raises
    ------
    Nothing.
    """
    index = np.flatnonzero(rows.absence >= 0)
    if not len(index):
        return rows
    index = index[np.argsort(rows.absence[index] * 2 + rows.is_day[index], kind="stable")]
    kind = rows.absence[index] * 2 + rows.is_day[index]
    first = np.flatnonzero(ar.is_first(kind))
    sizes = np.diff(np.append(first, len(kind)))
    spans = {}
    for name, widest in (("start", np.minimum), ("day0", np.minimum), ("end", np.maximum), ("day1", np.maximum)):
        values = getattr(rows, name).copy()
        values[index] = np.repeat(widest.reduceat(values[index], first), sizes)
        spans[name] = values
    return replace(rows, **spans)


def join_minutes(rows: Rows, gap: int) -> Minutes:
    """Join the incidents with times where they overlap, touch or lie within `gap` microseconds.

    Raises
    ------
    Nothing.
    """
    index = np.flatnonzero(~rows.is_day)
    timed = rows.take(index)
    last = np.where(timed.end == ABSENT, np.iinfo(np.int64).max, timed.end)
    order = np.lexsort((timed.rank, last, timed.start, timed.child))
    timed, index = timed.take(order), index[order]
    joined = _join(timed.child, timed.start, timed.end, gap + 1, DAY_US, np.ones(len(index), dtype=bool))
    of_row = np.full(len(rows.child), -1, dtype=np.int64)
    of_row[index] = joined.group
    latest = np.maximum.reduceat(timed.day1, joined.first)
    without = (joined.end == ABSENT) | (joined.end == BEYOND)
    head = timed.take(joined.first)
    day1 = np.where(without, joined.end, latest)
    return Minutes(head.child, head.start, joined.end, head.day0, day1, of_row, joined.n_followed, joined.n_within)


def join_days(rows: Rows, minute: Minutes) -> tuple[Spans, Ints]:
    """Match the records with dates only to the episodes with times, join the rest where they strictly overlap.

    Returns the episodes, and for each row the number of its episode.

    Raises
    ------
    Nothing.
    """
    entry, of_row = _entries(rows)
    match, first_day, last_day = _match(entry, minute, _known_absences(rows, minute))
    alone = np.flatnonzero(match < 0)
    n = len(minute.child)
    child = np.concatenate([minute.child, entry.child[alone]])
    day0 = np.concatenate([first_day, entry.day0[alone]])
    timed = np.arange(len(child)) < n
    own_day0 = np.concatenate([minute.day0, entry.day0[alone]])
    own_day1 = np.concatenate([minute.day1, entry.day1[alone]])
    start = np.concatenate([minute.start, np.full(len(alone), ABSENT)])
    end = np.concatenate([minute.end, np.full(len(alone), ABSENT)])
    day1 = np.concatenate([last_day, entry.day1[alone]])

    # In order of start, then end: a record of one day stands before a longer one that begins on that day.
    order = np.lexsort((np.arange(len(child)), np.where(day1 == ABSENT, day0, day1), day0, child))
    child, day0, day1, start, end = (a[order] for a in (child, day0, day1, start, end))
    timed, own_day0, own_day1 = (a[order] for a in (timed, own_day0, own_day1))
    may_follow = ~timed
    may_follow[1:] |= ~timed[:-1]
    joined = _join(child, day0, day1, 0, 1, may_follow)
    first_day = day0[joined.first]
    starts = np.where(timed & (own_day0 == first_day[joined.group]), start, np.iinfo(np.int64).max)
    starts = np.minimum.reduceat(starts, joined.first)
    ends = np.where(timed & (own_day1 == joined.end[joined.group]), end, ABSENT)
    spans = Spans(
        child=child[joined.first],
        start=np.where(starts == np.iinfo(np.int64).max, ABSENT, starts),
        end=np.maximum.reduceat(ends, joined.first),
        day0=first_day,
        day1=joined.end,
        n_followed=joined.n_followed,
        joined={
            "n_joined_overlap": int((~rows.is_day).sum()) - n - minute.n_followed - minute.n_within,
            "n_joined_gap": minute.n_within,
            "n_joined_open": minute.n_followed,
            "n_joined_same_dates": int(rows.is_day.sum()) - len(match),
            "n_joined_dates_to_times": len(match) - len(alone),
            "n_joined_dates": len(child) - len(joined.first),
        },
    )
    group = np.empty(len(order), dtype=np.int64)
    group[order] = joined.group
    number = np.cumsum(match < 0) - 1 + n
    item = np.where(rows.is_day, np.where(match < 0, number, match)[of_row] if len(match) else 0, minute.of_row)
    return spans, group[item]


def _entries(rows: Rows) -> tuple[Rows, Ints]:
    """Make one of the same dates from several sources: the k-th of one source is the k-th of another.

    The records of one absence are one, whatever their dates were.
    """
    index = np.flatnonzero(rows.is_day)
    dated = rows.take(index)
    order = np.lexsort((dated.rank, dated.source, dated.day1, dated.day0, dated.child))
    dated, index = dated.take(order), index[order]
    kth = ar.count_before(ar.number_rows(dated.child, dated.day0, dated.day1, dated.absence, dated.source))
    kth[dated.absence >= 0] = 0
    number = ar.number_rows(dated.child, dated.day0, dated.day1, dated.absence, kth)
    of_row = np.zeros(len(rows.child), dtype=np.int64)
    of_row[index] = number
    return dated.take(np.unique(number, return_index=True)[1]), of_row


def _known_absences(rows: Rows, minute: Minutes) -> Ints:
    """Return the episode with times of each absence (-1: none); the last entry is for incidents without an absence."""
    of_absence = np.full(int(rows.absence.max(initial=-1)) + 2, -1, dtype=np.int64)
    timed = (rows.absence >= 0) & ~rows.is_day
    of_absence[rows.absence[timed]] = minute.of_row[timed]
    return of_absence


def _match(entry: Rows, minute: Minutes, of_absence: Ints) -> tuple[Ints, Ints, Ints]:
    """Return which episode with times each entry is (-1: none), and the episodes' first and last days with theirs."""
    match = of_absence[entry.absence]
    known = np.flatnonzero(match >= 0)
    free = np.ones(len(minute.child), dtype=bool)
    free[match[known]] = False
    day0, day1 = minute.day0.copy(), minute.day1.copy()

    def pair(ours: Flags, theirs: Flags, *names: str) -> None:
        mine, other = np.flatnonzero(ours & (match < 0)), np.flatnonzero(theirs & free)
        keys = [np.concatenate([_key(minute, n)[other], _key(entry, n)[mine]]) for n in names]
        ids = ar.number_rows(*keys)
        n = len(other)
        kth = np.concatenate([ar.count_before(ids[:n]), ar.count_before(ids[n:])])
        ids = ar.number_rows(ids, kth)
        which = np.full(len(ids), -1, dtype=np.int64)
        which[ids[:n]] = other
        match[mine] = which[ids[n:]]
        free[match[match >= 0]] = False

    entry_ends = _key(entry, "day1") != ABSENT
    any_entry, any_minute = np.ones(len(match), dtype=bool), np.ones(len(free), dtype=bool)
    pair(any_entry, any_minute, "child", "day0", "day1")
    pair(entry.day1 == ABSENT, any_minute, "child", "day0")
    pair(entry_ends, minute.day1 == ABSENT, "child", "day0")
    filled = np.flatnonzero((match >= 0) & entry_ends)
    without = day1[match[filled]] == ABSENT
    day1[match[filled[without]]] = entry.day1[filled[without]]
    # Where sources agree on the absence, but not on its dates, it spans them all.
    np.minimum.at(day0, match[known], entry.day0[known])
    np.maximum.at(day1, match[known], entry.day1[known])
    return match, day0, day1


def _key(spans: Rows | Minutes, name: str) -> Ints:
    """A column to match on; an end after observation counts as none, since neither source can know it."""
    values: Ints = getattr(spans, name)
    return np.where(values == BEYOND, ABSENT, values) if name == "day1" else values
