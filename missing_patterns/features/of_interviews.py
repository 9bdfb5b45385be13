"""Interviews offered, held and declined, and which of the latest returns had one in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, BEYOND, DAY_US, Ints
from missing_patterns.features.asked import COMPLETED, Talks
from missing_patterns.features.blocks import Block, Given
from missing_patterns.features.columns import Columns
from missing_patterns.features.facts import answer_facts
from missing_patterns.features.of_episodes import HOUR_US, Ended, count_in_lookbacks
from missing_patterns.features.specs import Count, Share, Spec, Streak
from missing_patterns.schema import OFFERED
from missing_patterns.triggers.linking import find_links

DUE_HOURS, DUE_DAYS = 72, 3
ANSWERS = "trigger_answers"
#: Columns of the episodes table that are read here, besides those of the history.
READS: tuple[str, ...] = ()


def knows(spec: Spec) -> bool:
    """Say whether a feature is reckoned here.

    Raises
    ------
    Nothing.
    """
    is_count = isinstance(spec, Count) and (spec.of.startswith("interviews_") or spec.of == ANSWERS)
    return (is_count and not spec.is_of_trigger) or isinstance(spec, Share | Streak)


class OfInterviews:
    """Fills the columns of this family, a block at a time.

    Raises
    ------
    Nothing.
    """

    def __init__(self, given: Given, specs: Sequence[Spec]) -> None:
        talks = given.talks
        assert talks is not None  # noqa: S101 - what needs interviews was refused without them
        times = when(talks)
        self._counts: dict[str, list[Count]] = {}
        for spec in specs:
            if isinstance(spec, Count):
                self._counts.setdefault(spec.of, []).append(spec)
        self._facts = {
            name: _in_order(talks.child, known) for name, known in times.items() if f"interviews_{name}" in self._counts
        }
        self._answers = answer_facts(given, talks) if ANSWERS in self._counts else None
        self._streaks = [s for s in specs if isinstance(s, Streak)]
        if self._streaks:
            self._runs = _runs_of_declines(talks.child, times)
        self._shares = [s for s in specs if isinstance(s, Share)]
        if self._shares:
            self._ended = Ended(given.history)
            self._since = {s.of: first_known(given, talks, times, s.of)[self._ended.place] for s in self._shares}

    def fill(self, block: Block, out: Columns) -> None:
        """Fill the rows of a block.

        Raises
        ------
        Nothing.
        """
        for name, (children, known) in self._facts.items():
            here = block.facts(children)
            child = children[here]
            count_in_lookbacks(block, block.key(child, known[here]), child, self._counts[f"interviews_{name}"], out)
        if self._answers is not None:
            self._fill_answers(block, out)
        if self._shares:
            self._fill_shares(block, out)
        for spec in self._streaks:
            children, known, run = self._runs
            here = block.facts(children)
            last = np.searchsorted(block.key(children[here], known[here]), block.now)
            has = last > block.firsts(children[here])
            run = np.append(run[here], 0)
            out[spec][block.rows] = np.where(has, run[last - 1], 0)

    def _fill_answers(self, block: Block, out: Columns) -> None:
        facts = self._answers
        assert facts is not None  # noqa: S101
        here = block.facts(facts.child)
        child, event, usable = facts.child[here], facts.event[here], facts.usable[here]
        born = np.searchsorted(np.sort(block.key(child, usable)), block.now, "right")
        for spec in self._counts[ANSWERS]:
            if spec.days is None:
                gone = block.firsts(child)
            else:
                # A fact leaves the lookback behind a microsecond after its event has; until it is usable it is not in.
                over = np.maximum(usable, event + int(spec.days) * DAY_US + 1)
                gone = np.searchsorted(np.sort(block.key(child, over)), block.now, "right")
            out[spec][block.rows] = born - gone

    def _fill_shares(self, block: Block, out: Columns) -> None:
        here, last, first = self._ended.last_before(block)
        for spec in self._shares:
            since = np.append(self._since[spec.of][here], BEYOND)
            n_good = np.zeros(len(last), dtype=np.int64)
            for back in range(1, spec.last + 1):
                n_good += (last - back >= first) & (since[np.maximum(last - back, -1)] <= block.time)
            n = np.minimum(last - first, spec.last)
            out[spec][block.rows] = np.where(n > 0, n_good / np.maximum(n, 1), np.nan)


def when(talks: Talks) -> dict[str, Ints]:
    """Return when it was known of each interview that it was offered, completed or declined; ABSENT where it was not.

    Raises
    ------
    Nothing.
    """
    status = talks.table["status"]
    offered, held = talks.known("offered_at"), talks.known("held_at")
    known = {
        "offered": (OFFERED, np.where(offered == ABSENT, held, offered)),
        "completed": (COMPLETED, held),
        "declined": (("declined",), offered),
    }
    return {
        name: np.where(status.isin(rungs).to_numpy(dtype=bool), time, ABSENT) for name, (rungs, time) in known.items()
    }


def first_known(given: Given, talks: Talks, times: dict[str, Ints], what: str) -> Ints:
    """Return from when on it is known of each episode, in the order of the history, that an interview of it was so.

    ``in_time``: held within 72 hours of the return; where the time of day of either is not known, by the third day.

    Raises
    ------
    Nothing.
    """
    links = _links_of_offers(given, talks) if what == "offered" else (talks.links.episode, talks.links.interview)
    place, talk = given.history.place()[links[0]], links[1]
    known = times["completed" if what == "in_time" else what][talk]
    good = known != ABSENT
    if what == "in_time":
        end = given.history.end[place]
        held = ar.utc_us(talks.table["held_at"])[talk]
        good &= end != ABSENT
        place, held, end, known = place[good], held[good], end[good], known[good]
        held_on, back_on = given.london.day(held), given.london.day(end)
        by_date = given.history.by_date[place]
        by_date |= given.london.is_midnight(held, held_on)
        days, hours = held_on - back_on, held - end
        good = np.where(by_date, (days >= 0) & (days <= DUE_DAYS), (hours >= 0) & (hours <= DUE_HOURS * HOUR_US))
    since = np.full(len(given.history.start), BEYOND)
    np.minimum.at(since, place[good], known[good])
    return since


def _links_of_offers(given: Given, talks: Talks) -> tuple[Ints, Ints]:
    """Pair episodes and offers: an interview found by time was offered for the last return by then.

    When it came to be held may say otherwise, but nobody knew that when it was offered.
    """
    table, links = talks.table, talks.links
    again = np.zeros(len(table), dtype=bool)
    named = table["incident_ids"].to_numpy(dtype=object)
    both = np.flatnonzero((table["offered_at"].notna() & table["held_at"].notna()).to_numpy(dtype=bool))
    again[[row for row in both.tolist() if not named[row]]] = True
    rows, kept = np.flatnonzero(again), ~again[links.interview]
    offers = table.iloc[rows].reset_index(drop=True)
    offers["held_at"] = offers["offered_at"]
    child = given.history.child[given.history.place()]
    asked = np.zeros(len(given.asked.child_ids) + 1, dtype=bool)
    asked[talks.child[rows]] = True
    theirs = np.flatnonzero(asked[child])
    episodes = given.history.table[["child_id", "returned_at", "incident_ids"]].iloc[theirs].reset_index(drop=True)
    found = find_links(episodes, offers, children=(child[theirs], talks.child[rows]))
    return (
        np.concatenate([links.episode[kept], theirs[found.episode]]),
        np.concatenate([links.interview[kept], rows[found.interview]]),
    )


def _in_order(child: Ints, known: Ints) -> tuple[Ints, Ints]:
    rows = np.flatnonzero((known != ABSENT) & (child >= 0))
    rows = rows[np.lexsort((known[rows], child[rows]))]
    return child[rows], known[rows]


def _runs_of_declines(child: Ints, times: dict[str, Ints]) -> tuple[Ints, Ints, Ints]:
    """Return outcomes in order (of one moment, declined before held), and how many declines in a row end with each."""
    both = np.concatenate([child, child])
    known = np.concatenate([times["declined"], times["completed"]])
    is_held = np.repeat([False, True], len(child))
    rows = np.flatnonzero((known != ABSENT) & (both >= 0))
    rows = rows[np.lexsort((is_held[rows], known[rows], both[rows]))]
    both, known, is_held = both[rows], known[rows], is_held[rows]
    position = np.arange(len(rows))
    # Where a run begins anew: after an interview that was held, or with another child.
    last = np.where(is_held, position, np.where(ar.is_first(both), position - 1, -1))
    return both, known, position - np.maximum.accumulate(last)
