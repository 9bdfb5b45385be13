"""The moments asked about: at each return, at each interview held, or at any moments of the caller's own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, Flags, Ints
from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.features.history import History, Objects, is_in_place, number_children, order_episodes
from missing_patterns.schema import INTERVIEWS, conform
from missing_patterns.schema.tables import Column, Table
from missing_patterns.triggers.coding import refuse_blank_ids, when_known
from missing_patterns.triggers.linking import Links, find_links

KINDS = ("returned_at", "interview")
COMPLETED = ("completed", "completed_partial")
#: What this room reads of an interview; the rest need not pass the gate.
OF_INTERVIEWS = ("interview_id", "child_id", "incident_ids", "status", "offered_at", "held_at", "coded_triggers")

OWN = Table(
    "index",
    "one moment of a child asked about",
    (
        Column("child_id", "id", "the child", required=True),
        Column("index_at", "timestamp", "the moment; a bare date is its midnight", required=True),
    ),
)


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """The moments asked about, in order of child, time and episode.

    `child` counts in the order of `child_ids`, `time` is in microseconds; `episode` is the row of the episodes table,
    as it was handed over, of the episode asked about (-1: none). `keys` has a row for each moment:
    ``child_id episode_id index_at``, and ``interview_id`` where interviews are asked about. `by_date` says of which
    moments the time of day is not known.
    """

    child: Ints
    time: Ints
    episode: Ints
    keys: pd.DataFrame
    by_date: Flags
    child_ids: Objects


@dataclass(frozen=True, slots=True, repr=False)
class Talks:
    """Interviews: the number of each one's child (-1: not asked about), and the pairs of an episode and an interview.

    ``links.episode`` is a row of the episodes table, ``links.interview`` one of `table`.
    """

    table: pd.DataFrame
    child: Ints
    links: Links = field(repr=False)

    def known(self, stamp: str) -> Ints:
        """Return when each ``offered_at`` or ``held_at`` was known, in microseconds; ABSENT if not recorded.

        Raises
        ------
        Nothing.
        """
        return ar.utc_us(when_known(self.table[stamp]))


def ask(table: pd.DataFrame, index: str | pd.DataFrame, interviews: pd.DataFrame | None = None) -> Asked:
    """Return the moments that an index means.

    Parameters
    ----------
    table : pd.DataFrame
        A conformed episodes table, in any order.
    index : {"returned_at", "interview"} or DataFrame
        Each return, each interview held, or the rows of a table with ``child_id index_at``.
    interviews : pd.DataFrame, optional
        The interviews table; needed for ``"interview"``.

    Returns
    -------
    Asked

    Raises
    ------
    ArgumentRefused
        If ``index`` is none of these, or the interviews are not given.
    TableRefused
        If a table is not usable.

    Examples
    --------
    >>> from missing_patterns.schema import EPISODES
    >>> table = conform(pd.DataFrame({
    ...     "child_id": ["B", "A"], "missing_from": ["2026-01-05", "2026-01-07"], "returned_at": [None, "2026-01-08"]}),
    ...     EPISODES)
    >>> ask(table, "returned_at").episode.tolist()
    [1]
    >>> ask(table, pd.DataFrame({"child_id": ["B", "A"], "index_at": "2026-01-06"})).episode.tolist()
    [-1, 0]
    """
    return ask_all(table, index, interviews, needs_talks=False)[1]


def ask_all(
    table: pd.DataFrame, index: str | pd.DataFrame, interviews: pd.DataFrame | None, *, needs_talks: bool
) -> tuple[History, Asked, Talks | None]:
    """Return the episodes in order, the moments asked about, and, if needed, the interviews with what each covers.

    Raises
    ------
    ArgumentRefused, TableRefused
        As :func:`ask`.
    """
    is_own = isinstance(index, pd.DataFrame)
    if not is_own and index not in KINDS:
        hint = did_you_mean(index, KINDS) if isinstance(index, str) else ""
        raise ArgumentRefused(f"index must be 'returned_at', 'interview' or a table with child_id, index_at.{hint}")
    is_talk = not is_own and index == "interview"
    if is_talk and interviews is None:
        raise ArgumentRefused("index='interview' asks at each interview held: hand over interviews=.")
    own = conform(index, OWN, OWN.names) if is_own else None
    held = None
    if interviews is not None and (is_talk or needs_talks):
        held = conform(interviews, INTERVIEWS, OF_INTERVIEWS)
        refuse_blank_ids(held)
    more = [t["child_id"] for t in (own, held if is_talk else None) if t is not None]
    numbers, ids = number_children(table["child_id"], *more)
    history = order_episodes(table, numbers[0], ids)
    talks = None
    if held is not None:
        child = numbers[1] if is_talk else pd.Index(ids).get_indexer(np.asarray(held["child_id"].array, dtype=object))
        child = child.astype(np.int64)
        talks = Talks(held, child, find_links(table, held, children=(numbers[0], child)))
    if own is not None:
        return history, _at_moments(history, numbers[1], own), talks
    if is_talk and talks is not None:
        return history, _at_interviews(history, talks), talks
    return history, _at_returns(history), talks


def _at_returns(history: History) -> Asked:
    back = np.flatnonzero(history.end != ABSENT)
    child, time = history.child[back], history.end[back]
    if ((child[1:] == child[:-1]) & (time[1:] < time[:-1])).any():
        order = np.lexsort((time, child))
        back, child, time = back[order], child[order], time[order]
    return _asked(history, child, time, back, {}, history.by_date[back])


def _at_interviews(history: History, talks: Talks) -> Asked:
    known = talks.known("held_at")
    held = np.flatnonzero(talks.table["status"].isin(COMPLETED).to_numpy(dtype=bool) & (known != ABSENT))
    place, links = history.place()[talks.links.episode], talks.links.interview
    begun = history.start[place] < known[links]
    latest = np.full(len(known), -1)
    np.maximum.at(latest, links[begun], place[begun])
    names = np.argsort(np.argsort(np.asarray(talks.table["interview_id"].array, dtype=object)[held]))
    held = held[np.lexsort((names, latest[held], known[held], talks.child[held]))]
    keys = {"interview_id": talks.table["interview_id"].array.take(held)}
    return _asked(history, talks.child[held], known[held], latest[held], keys)


def _at_moments(history: History, child: Ints, own: pd.DataFrame) -> Asked:
    time = ar.utc_us(own["index_at"])
    order = np.lexsort((time, child))
    child, time = child[order], time[order]
    return _asked(history, child, time, _latest_before(history, child, time), {})


def _latest_before(history: History, child: Ints, time: Ints) -> Ints:
    """Return the child's latest episode begun before each moment; ranks stand for times, so nothing overflows."""
    levels = np.unique(history.start)
    width = len(levels) + 1
    key = history.child * width + np.searchsorted(levels, history.start)
    last = np.searchsorted(key, child * width + np.searchsorted(levels, time)) - 1
    has = last >= 0
    has[has] = history.child[last[has]] == child[has]
    return np.where(has, last, -1)


def _asked(
    history: History, child: Ints, time: Ints, place: Ints, more: dict[str, object], by_date: Flags | None = None
) -> Asked:
    """`place` counts in the order of the history."""
    episode = np.append(history.row, -1)[place]
    given = history.table
    whole = len(episode) == len(given) and is_in_place(episode)
    index_at = ar.timestamps(time) if not whole else given["returned_at"]
    keys = pd.DataFrame(
        {
            "child_id": pd.array(history.child_ids, dtype=given["child_id"].dtype).take(child),
            "episode_id": given["episode_id"].array.take(episode, allow_fill=True),
            **more,
            "index_at": index_at.array,
        }
    )
    return Asked(
        child=child,
        time=time,
        episode=episode,
        keys=keys,
        by_date=np.zeros(len(child), dtype=bool) if by_date is None else by_date,
        child_ids=history.child_ids,
    )
