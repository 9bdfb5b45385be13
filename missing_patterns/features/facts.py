"""Facts of many children, sorted once, so that any number of moments can be asked about without a loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, Flags, Ints
from missing_patterns.schema import PLACEMENTS, conform
from missing_patterns.triggers import link_interviews, when_known

#: Statuses of a trigger that count as named; what was denied was not.
NAMED = ("present", "suspected")


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts sorted by child and time; one search answers for all children at once.

    The time of a fact is replaced by its rank among all times, so that child and time fit into one whole number
    however many children there are and however fine the clock.
    """

    child: Ints
    time: Ints
    order: Ints
    key: Ints
    levels: Ints

    @classmethod
    def of(cls, child: Ints, time: Ints) -> Facts:
        """Sort facts; `order` holds where each came from.

        Raises
        ------
        Nothing.
        """
        order = np.lexsort((time, child))
        child, time = child[order], time[order]
        levels = np.unique(time)
        return cls(child, time, order, child * (len(levels) + 1) + np.searchsorted(levels, time), levels)

    def before(self, child: Ints, at: Ints) -> Ints:
        """Return the position of each child's first fact at or after the moment.

        Raises
        ------
        Nothing.
        """
        return np.searchsorted(self.key, child * (len(self.levels) + 1) + np.searchsorted(self.levels, at, "left"))

    def until(self, child: Ints, at: Ints) -> Ints:
        """Return the position of each child's first fact after the moment.

        Raises
        ------
        Nothing.
        """
        return np.searchsorted(self.key, child * (len(self.levels) + 1) + np.searchsorted(self.levels, at, "right"))

    def last(self, position: Ints, child: Ints) -> tuple[Flags, Ints]:
        """Return whether the fact just before each position is of that child, and its position.

        Raises
        ------
        Nothing.
        """
        at = np.maximum(position - 1, 0)
        if not len(self.child):
            return np.zeros(len(position), dtype=bool), at
        return (position > 0) & (self.child[at] == child), at


@dataclass(frozen=True, slots=True)
class Named:
    """Codes named by interviews: from when each may be used (known, and its time past), and the time of each."""

    child: Ints
    code: Ints
    usable: Ints
    event: Ints


def named_triggers(
    episodes: pd.DataFrame,
    triggers: pd.DataFrame,
    interviews: pd.DataFrame | None,
    child_ids: pd.Index,
    codes: pd.Index,
) -> Named:
    """Date each trigger by the start of the episode that its interview covers, or by when it was known.

    A trigger of an interview that covers several episodes counts at each of them that had begun by then.

    Raises
    ------
    TableRefused
        If a table is not usable.
    """
    said = triggers[triggers["status"].isin(NAMED) & triggers["known_at"].notna() & triggers["code"].isin(codes)]
    said = said[["interview_id", "child_id", "code", "known_at"]].astype({"interview_id": object})
    if interviews is None:
        said["began"] = pd.Series(pd.NaT, index=said.index, dtype=episodes["missing_from"].dtype)
    else:
        links = link_interviews(episodes, interviews).astype({"interview_id": object, "episode_id": object})
        began = episodes[["episode_id", "missing_from"]].astype({"episode_id": object})
        links = links.merge(began.rename(columns={"missing_from": "began"}), on="episode_id")
        pairs = said.assign(row=range(len(said))).merge(links[["interview_id", "began"]], on="interview_id")
        # An episode that began after the interview was not there to be spoken of; what is dated by it would say
        # before its time that the child was to go again.
        pairs = pairs[pairs["began"] <= pairs["known_at"]]
        alone = said[~np.isin(np.arange(len(said)), pairs["row"])]
        said = pd.concat([pairs.drop(columns="row"), alone], ignore_index=True)
    child = child_ids.get_indexer(said["child_id"].to_numpy(dtype=object))
    known = ar.utc_us(said["known_at"])
    began_us = ar.utc_us(said["began"])
    event = np.where(began_us == ABSENT, known, began_us)
    here = child >= 0
    return Named(
        child=child[here].astype(np.int64),
        code=codes.get_indexer(said["code"].to_numpy(dtype=object))[here].astype(np.int64),
        usable=np.maximum(known, event + 1)[here],
        event=event[here],
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """Placement spells by child: from when each is known, its type, and whether it began with a move."""

    facts: Facts
    ended: Ints
    placement_type: pd.Series
    in_area: pd.Series
    is_move: Flags


def known_placements(placements: pd.DataFrame, child_ids: pd.Index) -> Placed:
    """Order placement spells; each is known at the end of its first day, since no time of day is recorded.

    A spell is a move if the child had an earlier one and something other than the legal status changed, or nothing
    did: sources write a new spell for a new legal status as well.

    Raises
    ------
    TableRefused
        If the table is not usable.
    """
    table = conform(placements, PLACEMENTS)
    # Of spells that began on one day, one that ended on it comes first; later ends are not known yet, and never sort.
    table["is_longer"] = table["started_on"] != table["ended_on"]
    by = ["child_id", "started_on", "is_longer", "placement_type", "provider", "home_id", "legal_status"]
    table = table.sort_values(by, kind="stable", ignore_index=True)
    same = {
        name: table[name].fillna("").eq(table.groupby("child_id")[name].shift().fillna("")).to_numpy(dtype=bool)
        for name in ("placement_type", "provider", "home_id", "legal_status")
    }
    only_legal = same["placement_type"] & same["provider"] & same["home_id"] & ~same["legal_status"]
    later = table.duplicated("child_id").to_numpy()
    child = child_ids.get_indexer(table["child_id"].to_numpy(dtype=object)).astype(np.int64)
    here = child >= 0
    midnight = ar.timestamps(ar.midnights(ar.day_numbers(table["started_on"])))
    known = ar.utc_us(when_known(midnight))
    facts = Facts.of(child[here], known[here])
    rows = table[here].iloc[facts.order].reset_index(drop=True)
    return Placed(
        facts=facts,
        ended=ar.day_numbers(rows["ended_on"]),
        placement_type=rows["placement_type"],
        in_area=rows["in_area"],
        is_move=(later & ~only_legal)[here][facts.order],
    )
