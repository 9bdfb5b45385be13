"""Episodes in order, as they were known when observation of each child ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, Flags, Ints
from missing_patterns.episodes.observed import Observed, observe
from missing_patterns.errors import TableRefused, positions
from missing_patterns.schema import ENDED_BY, EPISODES, conform, moment

Moment: TypeAlias = str | dt.date | dt.datetime | pd.Timestamp
Floats = npt.NDArray[np.float64]

#: Time at risk needs no more of an episode than this; the rest need not pass the gate.
_NEEDED = ("episode_id", "child_id", "episode_no", "missing_from", "returned_at", "precision")


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """Episodes begun before observation of their child ended, in order; `observed` is per child.

    `child` counts in the order of `child_ids`. `is_back` says whether the return was before the end too. `n_after`
    counts what began later: after the end of the data, the child's own exit, or the 18th birthday.
    """

    table: pd.DataFrame
    number: Ints
    child: Ints
    child_ids: pd.Index
    is_first: Flags
    start: Ints
    end: Ints
    day0: Ints
    day1: Ints
    is_day: Flags
    is_back: Flags
    observed: Observed
    n_after: dict[str, int]


def know(
    episodes: pd.DataFrame,
    observed_until: Moment,
    children: pd.DataFrame | None,
    also: pd.Series | None = None,
) -> Known:
    """Order episodes by child and time, and leave out and count what began when the child was no longer observed.

    `also` names children who count even without any episode.

    Raises
    ------
    TableRefused
        If a table is not usable, or episodes of one child overlap.
    ArgumentRefused
        If ``observed_until`` is not a date or time.
    """
    until = moment(observed_until)
    table = conform(episodes, EPISODES, only=_NEEDED)
    ids = table["child_id"] if also is None else pd.concat([table["child_id"], also])
    codes, levels = pd.factorize(ids, sort=True)
    child_ids = pd.Index(levels)
    observed = observe(child_ids, until, children)

    child = codes[: len(table)].astype(np.int64)
    start, end = ar.utc_us(table["missing_from"]), ar.utc_us(table["returned_at"])
    numbered = bool(table["episode_no"].notna().all())
    last = np.where(end == ABSENT, np.iinfo(np.int64).max, end)
    within = (table["episode_no"].to_numpy(dtype=np.int64),) if numbered else (last, start)
    order = np.lexsort((*within, child))
    seen = order[(start < observed.end[child])[order]]
    n_after = _count_after(start, child, observed, int(ar.utc_us(pd.Series([until]).dt.as_unit("us"))[0]))

    table = table.iloc[seen].reset_index(drop=True)
    child, start, end = child[seen], start[seen], end[seen]
    day0, day1 = ar.day_numbers(table["missing_from"]), ar.day_numbers(table["returned_at"])
    is_day = (table["precision"] == "day").fillna(False).to_numpy(dtype=bool)
    is_first = ar.is_first(child)
    _refuse_overlap(is_first, is_day, start, end, day0, day1)
    return Known(
        table=table,
        number=table["episode_no"].to_numpy(dtype=np.int64) if numbered else ar.count_before(child) + 1,
        child=child,
        child_ids=child_ids,
        is_first=is_first,
        start=start,
        end=end,
        day0=day0,
        day1=day1,
        is_day=is_day,
        is_back=(end != ABSENT) & (end < observed.end[child]),
        observed=observed,
        n_after=n_after,
    )


def day_of(us: Ints) -> Ints:
    """Return the London calendar day of microseconds in UTC; ABSENT stays ABSENT.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> day_of(np.array([0, 23 * 3_600_000_000])).tolist()  # London kept summer time all year in 1970
    [0, 1]
    """
    return ar.day_numbers(ar.timestamps(us))


def count_ends(reason: Ints) -> dict[str, int]:
    """Count ends by reason, given as places in ENDED_BY: one entry for each, none left out.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> count_ends(np.array([0, 0, 1]))["n_ended_by_episode"]
    2
    """
    numbers = np.bincount(reason, minlength=len(ENDED_BY))
    return {f"n_ended_by_{name}": int(n) for name, n in zip(ENDED_BY, numbers, strict=True)}


def _count_after(start: Ints, child: Ints, observed: Observed, until: int) -> dict[str, int]:
    after_end = start >= until
    after = (start >= observed.end[child]) & ~after_end
    grown = after & (observed.reason[child] == ENDED_BY.index("turned_18"))
    return {
        "n_after_end": int(after_end.sum()),
        "n_after_exit": int(after.sum() - grown.sum()),
        "n_after_18": int(grown.sum()),
    }


def _refuse_overlap(is_first: Flags, is_day: Flags, start: Ints, end: Ints, day0: Ints, day1: Ints) -> None:
    early = np.where(is_day[1:] | is_day[:-1], day0[1:] < day1[:-1], start[1:] < end[:-1])
    overlap = early & ~is_first[1:]
    if overlap.any():
        where = positions([int(i) + 1 for i in overlap.nonzero()[0]])
        raise TableRefused.of_problems(
            "episodes", [f"episodes of a child overlap (sorted, at {where}); build_episodes joins incidents"]
        )
