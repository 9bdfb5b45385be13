"""The feature table: sorted arrays, cumulative sums and searches, no loop over children."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, DAY_US, Ints
from missing_patterns.errors import ArgumentRefused
from missing_patterns.features.facts import Facts, Named, known_placements, named_triggers
from missing_patterns.schema import EPISODES, INTERVIEWS, TRIGGERS, conform
from missing_patterns.triggers import when_known

HOUR_US = DAY_US // 24
COMPLETED = ("completed", "completed_partial")

Columns = dict[str, Any]


def build_features(
    episodes: pd.DataFrame,
    triggers: pd.DataFrame,
    *,
    interviews: pd.DataFrame | None = None,
    placements: pd.DataFrame | None = None,
    index: str = "returned_at",
    lookback_days: Sequence[int] = (28, 90, 365),
    codebook: Codebook | None = None,
) -> pd.DataFrame:
    """Return one row per return of a child, with what was known at that moment of the time before it.

    A lookback of `d` days before ``index_at`` is ``[index_at - d x 24 hours, index_at)``. A fact counts in it when
    its time lies in there **and** it was known by ``index_at``: an episode when it began (its hours, when it
    ended), a trigger when the interview was held, a placement at the end of its first day. Nothing that becomes
    known later changes a row.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table of ``build_episodes``. Each episode with a return gives one row.
    triggers : pd.DataFrame
        The trigger table of ``code_triggers``; present and suspected count as named.
    interviews : pd.DataFrame, optional
        The interviews table. With it, a trigger is dated by the start of the episodes that its interview covers
        (without it, by when it was known), and interviews held and declined are counted.
    placements : pd.DataFrame, optional
        The placements table, for placement at the index and moves.
    index : {"returned_at"}, default "returned_at"
        The moments asked about.
    lookback_days : sequence of int, default (28, 90, 365)
        Whole days, each at least 1.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.

    Returns
    -------
    pd.DataFrame
        Sorted by child and episode, whatever the order of the input: ``child_id episode_id index_at``, then the
        features, whose names spell their definition (``n_episodes_90d``, ``any_home_conflict_365d``);
        :func:`feature_dictionary` words each. Counts are int64, measures float64 (NaN = not recorded or none),
        flags bool; ``placement_type`` is text and ``in_area`` a flag that may be not recorded.

    Raises
    ------
    ArgumentRefused
        If ``index`` or ``lookback_days`` is not one that is known, or a code of the codebook is named as a domain.
    TableRefused
        If a table is not usable.

    Examples
    --------
    >>> from missing_patterns.episodes import build_episodes
    >>> from missing_patterns.triggers import code_triggers
    >>> episodes = build_episodes(pd.DataFrame({
    ...     "child_id": ["A", "A"], "missing_from": ["2026-01-05 21:00", "2026-01-09 20:00"],
    ...     "returned_at": ["2026-01-06 01:00", "2026-01-09 23:00"]}), observed_until="2026-01-31")
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["1"], "child_id": ["A"], "status": ["completed"], "held_at": ["2026-01-07 10:00"],
    ...     "coded_triggers": [("home_conflict",)]})
    >>> X = build_features(episodes, code_triggers(interviews), interviews=interviews, lookback_days=[28])
    >>> X[["n_episodes_28d", "missing_hours_28d", "days_since_return", "any_home_conflict_28d"]]
       n_episodes_28d  missing_hours_28d  days_since_return  any_home_conflict_28d
    0               1                4.0                NaN                  False
    1               2                7.0           3.916667                   True
    """
    if index != "returned_at":
        raise ArgumentRefused("index must be 'returned_at': this version asks at each return only.")
    days = _check_days(lookback_days)
    book = read_codebook() if codebook is None else codebook
    if set(book.codes) & set(book.domains.values()):
        raise ArgumentRefused("a code of the codebook has the name of a domain, so their columns would be the same.")
    table = conform(episodes, EPISODES)
    by = (
        ["child_id", "episode_no"] if table["episode_no"].notna().all() else ["child_id", "missing_from", "returned_at"]
    )
    table = table.sort_values(by, kind="stable", ignore_index=True)
    codes, levels = pd.factorize(table["child_id"], sort=True)
    child_ids = pd.Index(levels).astype(object)
    child = codes.astype(np.int64)
    if table["episode_no"].isna().any():
        table["episode_no"] = ar.count_before(child) + 1
    back = table["returned_at"].notna().to_numpy()
    rows = table[back].reset_index(drop=True)
    at = Asked(child[back], ar.utc_us(rows["returned_at"]), days)

    columns: Columns = {name: rows[name] for name in ("child_id", "episode_id")}
    columns["index_at"] = rows["returned_at"]
    columns["episode_no"] = rows["episode_no"].to_numpy(dtype=np.int64)
    columns["duration_hours"] = rows["duration_hours"]
    columns["gap_days"] = rows["gap_days"]
    columns |= _of_episodes(table, child, at)
    columns |= _of_the_start(rows)
    columns |= _of_placement(rows, placements, child_ids, at)
    if interviews is not None:
        columns |= _of_interviews(conform(interviews, INTERVIEWS), child_ids, at)
    named = named_triggers(table, conform(triggers, TRIGGERS), interviews, child_ids, pd.Index(book.codes))
    columns |= _of_triggers(named, book, at)
    return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True)
class Asked:
    """The moments asked about, and the lookbacks in days."""

    child: Ints
    time: Ints
    days: tuple[int, ...]

    def count(self, facts: Facts, day: int) -> Ints:
        """Count each child's facts in [time - day, time)."""
        return facts.before(self.child, self.time) - facts.before(self.child, self.time - day * DAY_US)


def _check_days(lookback_days: Sequence[int]) -> tuple[int, ...]:
    days = list(lookback_days)
    whole = all(isinstance(d, int | np.integer) and not isinstance(d, bool) and d >= 1 for d in days)
    if not days or not whole or len(set(days)) < len(days):
        raise ArgumentRefused("lookback_days must be different whole numbers of days, each at least 1.")
    return tuple(int(d) for d in days)


def _of_episodes(table: pd.DataFrame, child: Ints, at: Asked) -> Columns:
    start, end = ar.utc_us(table["missing_from"]), ar.utc_us(table["returned_at"])
    begun = Facts.of(child, start)
    columns: Columns = {f"n_episodes_{d}d": at.count(begun, d) for d in at.days}

    closed = end != ABSENT
    ended = Facts.of(child[closed], end[closed])
    # Hours are counted once where stamps known by date only make two episodes of a day seem to overlap.
    since = np.maximum(start[closed][ended.order], ar.largest_before(ended.child, ended.time))
    since = np.minimum(since, ended.time)
    total = np.concatenate([[0], np.cumsum(ended.time - since)])
    upto = ended.until(at.child, at.time)
    for d in at.days:
        edge = at.time - d * DAY_US
        first = ended.until(at.child, edge)
        # `first` is the episode that the edge may lie in; every return asked about is itself among the facts.
        cut = np.maximum(edge - since[first], 0)
        columns[f"missing_hours_{d}d"] = (total[upto] - total[first] - cut) / HOUR_US
    has, last = ended.last(ended.before(at.child, at.time), at.child)
    columns["days_since_return"] = np.where(has, (at.time - ended.time[last]) / DAY_US, np.nan)
    return columns


def _of_the_start(rows: pd.DataFrame) -> Columns:
    """When the episode began, as points on circles, so that 23:00 lies next to midnight and December to January."""
    began = rows["missing_from"].dt
    timed = (rows["precision"] != "day").fillna(True).to_numpy(dtype=bool)
    hour = np.where(timed, began.hour + began.minute / 60, np.nan)
    weekday = began.day_of_week.to_numpy(dtype=np.float64)
    columns: Columns = {}
    turns = {"hour": hour / 24, "weekday": weekday / 7, "month": (began.month.to_numpy(dtype=np.float64) - 1) / 12}
    for name, turn in turns.items():
        angle: npt.NDArray[np.float64] = 2 * np.pi * turn
        columns[f"{name}_sin"], columns[f"{name}_cos"] = np.sin(angle), np.cos(angle)
    columns["is_weekend"] = weekday >= 5
    return columns


def _of_placement(rows: pd.DataFrame, placements: pd.DataFrame | None, child_ids: pd.Index, at: Asked) -> Columns:
    if placements is None:
        return {"placement_type": rows["placement_type"], "in_area": rows["in_area"]}
    placed = known_placements(placements, child_ids)
    has, last = placed.facts.last(placed.facts.until(at.child, at.time), at.child)
    columns: Columns = {}
    today = ar.day_numbers(rows["returned_at"])
    for name, recorded in (("placement_type", placed.placement_type), ("in_area", placed.in_area)):
        if not len(recorded):
            columns[name] = rows[name]
            continue
        left = (placed.ended[last] != ABSENT) & (placed.ended[last] < today)
        there = recorded.iloc[last].reset_index(drop=True)
        columns[name] = there.mask(left).where(has, rows[name])
    moves = Facts.of(placed.facts.child[placed.is_move], placed.facts.time[placed.is_move])
    columns |= {f"n_placement_moves_{d}d": at.count(moves, d) for d in at.days}
    return columns


def _of_interviews(interviews: pd.DataFrame, child_ids: pd.Index, at: Asked) -> Columns:
    columns: Columns = {}
    child = child_ids.get_indexer(interviews["child_id"].to_numpy(dtype=object)).astype(np.int64)
    for name, statuses, stamp in (("completed", COMPLETED, "held_at"), ("declined", ("declined",), "offered_at")):
        known = ar.utc_us(when_known(interviews[stamp]))
        counted = interviews["status"].isin(statuses).to_numpy() & (known != ABSENT) & (child >= 0)
        facts = Facts.of(child[counted], known[counted])
        columns |= {f"n_interviews_{name}_{d}d": at.count(facts, d) for d in at.days}
    return columns


def _of_triggers(named: Named, book: Codebook, at: Asked) -> Columns:
    columns: Columns = {}
    domains = np.array([book.domains[c] for c in book.codes], dtype=object)
    wanted = [(code, named.code == k) for k, code in enumerate(book.codes)]
    wanted += [(domain, (domains == domain)[named.code]) for domain in dict.fromkeys(domains)]
    for name, which in wanted:
        facts = Facts.of(named.child[which], named.usable[which])
        event = named.event[which][facts.order]
        # The latest event of those that may be used answers for every lookback at once.
        latest = np.maximum(event, ar.largest_before(facts.child, event))
        has, last = facts.last(facts.until(at.child, at.time), at.child)
        when = latest[last] if len(latest) else np.full(len(has), ABSENT)
        columns |= {f"any_{name}_{d}d": has & (when >= at.time - d * DAY_US) for d in at.days}
    return columns
