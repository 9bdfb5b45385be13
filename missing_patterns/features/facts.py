"""Facts with two times: when something happened, and from when on it may be used.

An interview says something of each episode that it covers and that had begun by then; such a fact is dated by the
start of the episode. If it covers none, it is a fact of its own, dated by when it was known. Each episode counts once,
from when the first interview said so.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, Ints
from missing_patterns.features.asked import Talks
from missing_patterns.features.blocks import Given
from missing_patterns.triggers.lists import number_text

#: Statuses of a trigger that count as named; what was denied was not.
NAMED = ("present", "suspected")
OF_TRIGGERS = ("interview_id", "child_id", "code", "status", "known_at")


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """Facts in order of child: what (`x`), when (`event`), usable from, and the episode's place (or past all: none)."""

    child: Ints
    x: Ints
    event: Ints
    usable: Ints
    place: Ints


def trigger_facts(given: Given, wanted: Sequence[str]) -> Facts:
    """Return the facts of these codes and domains; `x` counts in their order.

    Raises
    ------
    Nothing.
    """
    book, number = given.book, {x: k for k, x in enumerate(wanted)}
    child, talk, code, known = _named(given)
    told, child, unit, event = _tell(given, child, talk, known)
    usable = np.maximum(known[told], event + 1)
    as_code = np.array([number.get(c, -1) for c in book.codes], dtype=np.int64)[code[told]]
    as_domain = np.array([number.get(domain, -1) for domain in book.domains.values()], dtype=np.int64)[code[told]]
    x = np.concatenate([as_code, as_domain])
    row = np.flatnonzero(x >= 0)
    x, row = x[row], row % max(len(told), 1)
    return _once(child[row], unit[row], x, event[row], usable[row], len(wanted))


def answer_facts(given: Given, talks: Talks) -> Facts:
    """Return the facts that the triggers of an episode are known, none included.

    Raises
    ------
    Nothing.
    """
    known = talks.known("held_at")
    # As `triggers_known` has it: none were given, or one that is in the codebook.
    codes = frozenset(given.book.codes)
    lists = talks.table["coded_triggers"].to_numpy(dtype=object).tolist()
    is_known = np.array([said is not None and (not said or not codes.isdisjoint(said)) for said in lists], dtype=bool)
    rows = np.flatnonzero(is_known & (known != ABSENT) & (talks.child >= 0))
    told, child, unit, event = _tell(given, talks.child[rows], rows, known[rows])
    usable = np.maximum(known[rows[told]], event + 1)
    return _once(child, unit, np.zeros(len(unit), dtype=np.int64), event, usable, 1)


def _named(given: Given) -> tuple[Ints, Ints, Ints, Ints]:
    """Return what the trigger table names: child, interview, code of the book, and when it was known.

    Interviews are numbered as in their table; those that do not stand there come after.
    """
    table, talks = given.triggers, given.talks
    assert table is not None  # noqa: S101 - it passed the gate, as features of it are asked for
    known = ar.utc_us(table["known_at"])
    number = {code: k for k, code in enumerate(given.book.codes)}
    said = _objects(table["code"]).tolist()
    code = np.fromiter(map(number.get, said, itertools.repeat(-1)), dtype=np.int64, count=len(said))
    # Rows of one interview follow each other, so that few ids need looking up.
    first, run = _runs(_objects(table["child_id"]))
    child = pd.Index(given.asked.child_ids).get_indexer(first).astype(np.int64)[run]
    first, run = _runs(_objects(table["interview_id"]))
    listed = [] if talks is None else talks.table["interview_id"].tolist()
    talk = number_text(listed + first.tolist())[len(listed) :][run]
    is_named = map(frozenset(NAMED).__contains__, _objects(table["status"]).tolist())
    named = np.fromiter(is_named, dtype=bool, count=len(said))
    rows = np.flatnonzero(named & (code >= 0) & (child >= 0) & (known != ABSENT))
    return child[rows], talk[rows], code[rows], known[rows]


def _tell(given: Given, child: Ints, talk: Ints, known: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Say of what each thing said is: rows of what is said, child, what it is of (episode or interview), and its time.

    An episode that began after the interview was not there to be spoken of; what is dated by it would say before its
    time that the child was to go again.
    """
    history = given.history
    n_episodes, row = len(history.start), np.arange(len(talk))
    place, pair = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    if given.talks is not None:
        links = given.talks.links
        begins = np.searchsorted(links.interview, np.arange(len(given.talks.table) + 1))
        asked = np.minimum(talk, len(given.talks.table) - 1) if len(given.talks.table) else talk
        times = np.where(talk < len(given.talks.table), np.diff(begins)[asked], 0) if len(begins) > 1 else 0 * talk
        pair = np.repeat(row, times)
        step = np.arange(len(pair)) - np.repeat(np.cumsum(times) - times, times)
        place = history.place()[links.episode[begins[talk[pair]] + step]]
        own = (history.start[place] <= known[pair]) & (history.child[place] == child[pair])
        place, pair = place[own], pair[own]
    is_alone = np.ones(len(talk), dtype=bool)
    is_alone[pair] = False
    alone = row[is_alone]
    told = np.concatenate([pair, alone])
    unit = np.concatenate([place, n_episodes + talk[alone]])
    return told, child[told], unit, np.concatenate([history.start[place], known[alone]])


def _once(child: Ints, unit: Ints, x: Ints, event: Ints, usable: Ints, n_x: int) -> Facts:
    """Make one fact of those that say the same of one episode, or in one interview: the first that may be used."""
    key = unit * n_x + x
    order = np.lexsort((key, child))
    child, key = child[order], key[order]
    first = np.flatnonzero(ar.is_first(child) | ar.is_first(key))
    if len(first):
        event = np.minimum.reduceat(event[order], first)
        usable = np.minimum.reduceat(usable[order], first)
    return Facts(child[first], key[first] % n_x, event, usable, key[first] // n_x)


def _runs(values: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], Ints]:
    """Return the first of each run of equal values, and the run of each value."""
    first = ar.is_first(values)
    return values[first], np.cumsum(first) - 1


def _objects(column: pd.Series) -> npt.NDArray[np.object_]:
    return np.asarray(column.array, dtype=object)
