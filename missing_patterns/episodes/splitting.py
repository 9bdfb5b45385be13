"""Time at risk cut where what is known of a child changes: placement, and triggers named so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, Flags, Ints
from missing_patterns.episodes.placed import known_placements
from missing_patterns.schema import TEXT, TRIGGERS, conform

Floats = npt.NDArray[np.float64]
Covariates = dict[str, Any]

#: Reads moments of children, in microseconds, as days since day 0 of each child.
Read: TypeAlias = Callable[[Ints, Ints], Floats]

#: Statuses of a trigger that count as named; what was denied was not.
NAMED = ("present", "suspected")


@dataclass(frozen=True, slots=True, repr=False)
class Spells:
    """Spells at risk in order of child and start; what is known at `known_at` (days) is known at the start.

    A spell that may not be cut has been given a length that it did not have.
    """

    child: Ints
    start: Floats
    stop: Floats
    known_at: Floats
    may_cut: Flags


@dataclass(frozen=True, slots=True, repr=False)
class Changes:
    """Moments at which what is known of a child changes, in order of child and time, and how to read a covariate."""

    child: Ints
    at: Floats
    describe: Callable[[Ints, Floats], Covariates]


def split(spells: Spells, histories: list[Changes]) -> tuple[Ints, Floats, Floats, Flags, Covariates]:
    """Cut spells where a history changes; return of each piece its spell, start, stop, whether last, and covariates.

    A piece has the values known at its start. Pieces of a spell touch, and together are the spell.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> one = Spells(np.array([0]), np.array([0.0]), np.array([9.0]), np.array([0.0]), np.array([True]))
    >>> change = Changes(np.array([0]), np.array([4.0]), lambda child, at: {"is_later": at >= 4.0})
    >>> spell, start, stop, last, values = split(one, [change])
    >>> start.tolist(), stop.tolist(), last.tolist(), values["is_later"].tolist()
    ([0.0, 4.0], [4.0, 9.0], [False, True], [False, True])
    """
    child = np.concatenate([h.child for h in histories])
    at = np.concatenate([h.at for h in histories])
    before = _last_before(spells.child, spells.start, child, at)
    inside = np.flatnonzero(before >= 0)
    inside = inside[spells.may_cut[before[inside]] & (at[inside] < spells.stop[before[inside]])]

    n = len(spells.child)
    spell = np.concatenate([np.arange(n), before[inside]])
    start = np.concatenate([spells.start, at[inside]])
    known_at = np.concatenate([spells.known_at, at[inside]])
    order = np.lexsort((start, spell))
    new = ar.is_first(spell[order])
    new[1:] |= np.diff(start[order]) > 0  # two histories that change at once make one cut
    order = order[new]
    spell, start, known_at = spell[order], start[order], known_at[order]
    last = np.ones(len(spell), dtype=bool)
    last[:-1] = spell[1:] != spell[:-1]
    stop = spells.stop[spell]
    stop[:-1] = np.where(last[:-1], stop[:-1], start[1:])
    covariates: Covariates = {}
    for history in histories:
        covariates |= history.describe(spells.child[spell], known_at)
    return spell, start, stop, last, covariates


def of_placements(
    placements: pd.DataFrame, child_ids: pd.Index, has_clock: Flags, read: Read
) -> tuple[Changes, dict[str, int]]:
    """Return when the placement known of each child changes: `placement_type`, `in_area` and `n_moves` so far.

    A spell is known at the end of its first day. Once the day on which the child left it is over, and nothing later is
    known, the placement is blank. Moments at which none of the three changes (a new legal status) are left out.

    Raises
    ------
    TableRefused
        If the table is not usable.
    """
    placed = known_placements(placements, child_ids)
    n_given, n_ours = len(placements), int(has_clock[placed.child].sum())
    next_known = np.full(len(placed.child), np.iinfo(np.int64).max)
    next_known[:-1] = np.where(ar.is_first(placed.child)[1:], next_known[:-1], placed.known[1:])
    left = np.maximum(ar.midnights(np.where(placed.ended == ABSENT, ABSENT, placed.ended + 1)), placed.known)
    gone = np.flatnonzero((placed.ended != ABSENT) & (left < next_known))

    kinds, names = pd.factorize(placed.table["placement_type"])
    area = placed.table["in_area"].astype("Int8").fillna(-1).to_numpy(dtype=np.int64)
    n_moves = np.cumsum(placed.is_move)
    first = np.maximum.accumulate(np.where(ar.is_first(placed.child), np.arange(len(n_moves)), 0))
    moves: Ints = n_moves - n_moves[first]  # a child's first spell is no move
    child = np.concatenate([placed.child, placed.child[gone]])
    known = np.concatenate([placed.known, left[gone]])
    blank = np.full(len(gone), -1)
    state = np.stack(
        [
            np.concatenate([kinds.astype(np.int64), blank]),
            np.concatenate([area, blank]),
            np.concatenate([moves, moves[gone]]),
        ]
    )
    timed = np.flatnonzero(has_clock[child])
    at = read(child[timed], known[timed])
    order = np.lexsort((timed, at, child[timed]))  # of one spell, being left comes after being known
    child, at, state = child[timed][order], at[order], state[:, timed[order]]
    final = np.ones(len(child), dtype=bool)
    final[:-1] = (child[1:] != child[:-1]) | (at[1:] > at[:-1])
    child, at, state = child[final], at[final], state[:, final]
    earlier = np.roll(state, 1, axis=1)
    earlier[:, ar.is_first(child)] = np.array([[-1], [-1], [0]])
    differs = (state != earlier).any(axis=0)
    child, at, state = child[differs], at[differs], state[:, differs]

    types = np.array([*names, None], dtype=object)

    def describe(asked: Ints, moment: Floats) -> Covariates:
        last = _last_before(child, at, asked, moment, inclusive=True)
        kind, where, moved = np.concatenate([state, [[-1], [-1], [0]]], axis=1)[:, last]
        return {
            "placement_type": pd.Series(types[kind], dtype=TEXT),
            "in_area": pd.arrays.BooleanArray(where == 1, where < 0),
            "n_moves": pd.array(moved, dtype="Int64"),
        }

    counts = {"n_placements": n_given, "n_placements_used": n_ours, "n_placements_of_others": n_given - n_ours}
    return Changes(child, at, describe), counts


def of_triggers(
    triggers: pd.DataFrame, child_ids: pd.Index, has_clock: Flags, read: Read
) -> tuple[Changes, dict[str, int]]:
    """Return when each code first becomes known of each child: one flag `ever_{code}` per code named, sorted.

    Raises
    ------
    TableRefused
        If the table is not usable.
    """
    table = conform(triggers, TRIGGERS, only=("interview_id", "child_id", "code", "status", "known_at"))
    named = table["status"].isin(NAMED).to_numpy(dtype=bool)
    codes = pd.Index(sorted(table["code"][named].unique()))
    known = ar.utc_us(table["known_at"])
    child = child_ids.get_indexer(table["child_id"].to_numpy(dtype=object)).astype(np.int64)
    dated = named & (known != ABSENT)
    ours = dated & (child >= 0)
    ours[ours] = has_clock[child[ours]]
    child, code = child[ours], codes.get_indexer(table["code"][ours].to_numpy(dtype=object))
    at = read(child, known[ours])
    order = np.lexsort((at, code, child))
    earliest = order[ar.is_first(child[order] * len(codes) + code[order])]
    child, code, at = child[earliest], code[earliest], at[earliest]

    def describe(asked: Ints, moment: Floats) -> Covariates:
        flags: Covariates = {}
        first = np.empty(len(child_ids))
        for number, name in enumerate(codes):
            first.fill(np.inf)
            first[child[code == number]] = at[code == number]
            flags[f"ever_{name}"] = first[asked] <= moment
        return flags

    counts = {
        "n_triggers": len(table),
        "n_triggers_used": int(ours.sum()),
        "n_triggers_not_named": int((~named).sum()),
        "n_triggers_never_known": int((named & ~dated).sum()),
        "n_triggers_of_others": int((dated & ~ours).sum()),
    }
    order = np.lexsort((at, child))
    return Changes(child[order], at[order], describe), counts


def _last_before(child: Ints, at: Floats, asked: Ints, moment: Floats, *, inclusive: bool = False) -> Ints:
    """Return the place of the child's last entry before each moment (or at it); -1 where there is none.

    Entries are in order of child and time. Times are replaced by their ranks, so that child and time fit into one
    whole number.
    """
    if not len(child):
        return np.full(len(asked), -1)
    levels = np.unique(at)
    step = len(levels) + 1
    rank = np.searchsorted(levels, moment, "right" if inclusive else "left")
    place = np.searchsorted(child * step + np.searchsorted(levels, at), asked * step + rank, "left") - 1
    found: Ints = np.where((place >= 0) & (child[np.maximum(place, 0)] == asked), place, -1)
    return found
