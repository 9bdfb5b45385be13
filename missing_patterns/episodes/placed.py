"""Where each child was placed, as it could be known at the time, and which spells began with a move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, Flags, Ints
from missing_patterns.schema import PLACEMENTS, conform

#: What a placement is: a spell that differs in none of these, but in legal status, is no move.
_WHERE = ("placement_type", "provider", "home_id")


@dataclass(frozen=True, slots=True, repr=False)
class Placed:
    """Placement spells in order of child and first day: when each was known, its dates, whether it was a move.

    `known` is in microseconds, `started` and `ended` are day numbers (ABSENT = still there); `table` holds the rows of
    the placements table in the same order.
    """

    child: Ints
    known: Ints
    started: Ints
    ended: Ints
    is_move: Flags
    table: pd.DataFrame


def known_placements(placements: pd.DataFrame, child_ids: pd.Index) -> Placed:
    """Order the placement spells of these children; each is known at the end of its first day.

    No time of day is recorded, so a placement that began on a day may have begun after whatever else happened on it.
    A spell is a **move** if the child had an earlier one and something other than the legal status changed, or nothing
    did: sources write a new spell for a new legal status as well.

    Parameters
    ----------
    placements : pd.DataFrame
        The placements table.
    child_ids : pd.Index
        The children asked about; `child` counts in this order. Spells of others are left out.

    Returns
    -------
    Placed
        The spells, sorted. Of two that began on one day, one that ended on it comes first. Later ends are not known
        yet: they sort only spells that are alike in all else, of which the one that lasts longest stands.

    Raises
    ------
    TableRefused
        If the table is not usable.

    Examples
    --------
    >>> placements = pd.DataFrame({
    ...     "child_id": ["A", "A", "A"], "started_on": ["2026-01-05", "2026-02-01", "2026-03-01"],
    ...     "home_id": ["H1", "H1", "H2"], "legal_status": ["C2", "E1", "E1"]})
    >>> placed = known_placements(placements, pd.Index(["A"]))
    >>> ar.timestamps(placed.known).dt.strftime("%d %B").tolist()
    ['06 January', '02 February', '02 March']
    >>> placed.is_move.tolist()
    [False, False, True]
    """
    table = conform(placements, PLACEMENTS)
    child = child_ids.get_indexer(table["child_id"].to_numpy(dtype=object)).astype(np.int64)
    here = child >= 0
    table, child = table[here].reset_index(drop=True), child[here]
    started, ended = ar.day_numbers(table["started_on"]), ar.day_numbers(table["ended_on"])
    codes = {name: _in_order(table[name]) for name in (*_WHERE, "legal_status", "in_area", "distance_miles")}
    last = np.where(ended == ABSENT, np.iinfo(np.int64).max, ended)
    order = np.lexsort((last, *reversed(codes.values()), started != ended, started, child))
    child, started, ended = child[order], started[order], ended[order]
    later = ~ar.is_first(child)
    same = {name: ~ar.is_first(codes[name][order]) for name in (*_WHERE, "legal_status")}
    only_legal = ~same["legal_status"]
    for name in _WHERE:
        only_legal &= same[name]
    return Placed(
        child=child,
        known=ar.midnights(started + 1),
        started=started,
        ended=ended,
        is_move=later & ~only_legal,
        table=table.iloc[order].reset_index(drop=True),
    )


def _in_order(column: pd.Series) -> Ints:
    """Number the values in their order; what is not recorded stands last."""
    codes, levels = pd.factorize(column, sort=True)
    return np.where(codes < 0, len(levels), codes).astype(np.int64)
