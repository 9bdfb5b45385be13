"""Join incidents of one child into episodes, and account for every incident."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, BEYOND, DAY_US, Flags, Ints
from missing_patterns.episodes.observed import observe
from missing_patterns.episodes.spans import Rows, Spans, join_days, join_minutes, stretch
from missing_patterns.errors import ArgumentRefused, TableRefused, positions
from missing_patterns.schema import CATEGORIES, EPISODES, INCIDENTS, TEXT, conform, moment

#: Sources whose list of codes holds missing and away, but no word for no apparent risk.
_TWO_CODES = ("ssda903", "ssd")
_AT_START = ("missing_from_setting", "placement_type", "home_id", "in_area", "risk_level")
_AT_END = ("returned_by", "found_place", "found_area")


def build_episodes(
    incidents: pd.DataFrame,
    merge_gap: str | dt.timedelta | pd.Timedelta = "0h",
    *,
    observed_until: str | dt.date | dt.datetime | pd.Timestamp,
    children: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Join the incidents of each child where they overlap or touch: one row per episode.

    **Records with times.** Incidents are one episode if they overlap, nest, touch, or lie no further apart than
    ``merge_gap``. An incident without a return that starts inside another that has one takes its end. Otherwise
    its end is unknown: a later incident of the child joins it only if it starts within 24 hours; if the child's
    later incidents start after that, the end is *not recorded* (``returned_at`` empty, ``is_open`` False) instead
    of hiding every later episode; and if none follows, the child is still missing (``is_open`` True).

    **Records with dates only** (such as SSDA903). The same pair of dates from several sources is one record, the
    second such pair of one source a second. Each is taken for the same absence as the episode with times that has
    the same dates (the first for the first, the second for the second), whose times stand. If one side has no
    end, the same start date is enough. Any other joins what it strictly overlaps, that is, shares more than the
    day on which one ends and the other begins: a child who is back and goes again on one day has two episodes.
    ``merge_gap`` does not apply to them.

    **Records that are known to be one absence** (the same ``absence_id`` of one child, as ``read_records`` finds in
    several sources) are one episode whatever lies between them; it spans them all.

    **Category.** An episode is missing if any of its incidents is: whether a council writes missing or away is a
    habit of recording, and what one system calls missing is not talked down by another. Else it is away if any is.
    But SSDA903 and the Standard Safeguarding Dataset have two codes only, so their A may mean no apparent risk, which
    the police and trackers write: where such an A stands beside a record that says so, it is no apparent risk.

    Parameters
    ----------
    incidents : pd.DataFrame
        The incidents table; only ``child_id`` and ``missing_from`` are required. A blank ``precision`` is minute.
    merge_gap : str or timedelta, default "0h"
        Inclusive, such as ``"30min"``.
    observed_until : str, date, datetime or Timestamp
        End of observation; a bare date is observed to its end. What happened at or after this moment is not known
        yet: later incidents are left out, and a later return leaves the episode open.
    children : pd.DataFrame, optional
        The children table; a child's own ``observed_until`` ends that child's observation earlier. The 18th birthday
        does not: every record counts here.

    Returns
    -------
    pd.DataFrame
        The episodes table, sorted by child and time (``episode_no`` counts in that order). An episode whose start
        is known by date only begins at midnight of that date. ``duration_hours`` and ``gap_days`` are true elapsed
        time, or whole days between the dates where a stamp involved is known by date only. Settings are those of
        the first incident that records them; ``returned_by``, ``found_place`` and ``found_area`` those of the last,
        blank unless the episode has a return.
        ``.attrs["accounting"]`` counts what was done:
        ``n_incidents = n_joined + n_after_end + n_after_exit + n_episodes``. Those joined are the sum of
        ``n_joined_overlap`` (with times: overlapping, nested or touching), ``n_joined_gap`` (within ``merge_gap``),
        ``n_joined_open`` (within 24 hours of one without an end), ``n_joined_same_dates`` (the same dates from another
        source), ``n_joined_dates_to_times`` and ``n_joined_dates`` (by overlapping dates); ``n_same_absence`` of them
        share an ``absence_id`` with another. Of the episodes, ``n_open``, ``n_end_not_recorded``, ``n_day_precision``,
        ``n_same_day_restart`` (began on the date of the return before), ``n_zero_gaps``, ``n_mixed_category`` (their
        incidents differ in it) and ``n_moved_inside`` (their incidents name more than one home or kind of placement:
        the child was moved while away, or sources differ; the one at the start stands).

    Raises
    ------
    ArgumentRefused
        If ``merge_gap`` is not a length of time, or ``observed_until`` not a date or time.
    TableRefused
        If a table is not usable, or an incident ends before it starts.

    Examples
    --------
    >>> incidents = pd.DataFrame(
    ...     [["P1", "A", "2026-01-05 21:00", "2026-01-06 01:00"],
    ...      ["C1", "A", "2026-01-05 22:00", "2026-01-06 02:00"],
    ...      ["P2", "A", "2026-01-09 20:00", None]],
    ...     columns=["incident_id", "child_id", "missing_from", "returned_at"])
    >>> episodes = build_episodes(incidents, observed_until="2026-01-31")
    >>> episodes[["episode_no", "duration_hours", "gap_days", "incident_ids", "is_open"]]
       episode_no  duration_hours  gap_days incident_ids  is_open
    0           1             5.0       NaN     (P1, C1)    False
    1           2             NaN      3.75        (P2,)     True
    """
    gap = _gap_us(merge_gap)
    until = moment(observed_until)
    table = _with_ids(conform(incidents, INCIDENTS))
    child, child_ids = _codes(table["child_id"])
    ends = observe(child_ids, until, children, adults=True).end
    rows = _observed_rows(table, child, ends)
    until_us = int(ar.utc_us(pd.Series([until]).dt.as_unit("us"))[0])
    n_after_end = int((rows.start >= until_us).sum())
    seen = rows.start < ends[child]
    kept, table = rows.take(seen), table[seen].reset_index(drop=True)

    spread = stretch(kept)
    minute = join_minutes(spread, gap)
    spans, spell = join_days(spread, minute)
    episodes = _describe(table, kept, spans, spell, child_ids)
    n_joined = len(table) - len(episodes)
    ended = spans.day1[:-1] if len(episodes) else spans.day1
    restart = (~ar.is_first(spans.child)[1:]) & (spans.day0[1:] == ended)
    episodes.attrs["accounting"] = {
        "n_incidents": len(rows.start),
        "n_joined": n_joined,
        **spans.joined,
        "n_after_end": n_after_end,
        "n_after_exit": int((~seen).sum()) - n_after_end,
        "n_episodes": len(episodes),
        "n_open": int(episodes["is_open"].sum()),
        "n_end_not_recorded": int((episodes["returned_at"].isna() & ~episodes["is_open"]).sum()),
        "n_returned_after_end": int((kept.end == BEYOND).sum()),
        "n_started_while_open": minute.n_followed + spans.n_followed,
        "n_same_day_restart": int(restart.sum()),
        "n_zero_gaps": int((episodes["gap_days"] == 0).sum()),
        "n_mixed_category": _n_mixed(spell, len(episodes), table["category"]),
        "n_moved_inside": _n_mixed(spell, len(episodes), table["home_id"], table["placement_type"]),
        "n_day_precision": int((episodes["precision"] == "day").sum()),
        "n_same_absence": int((kept.absence >= 0).sum()) - len(np.unique(kept.absence[kept.absence >= 0])),
    }
    return episodes


def _n_mixed(spell: Ints, n: int, *columns: pd.Series) -> int:
    """Count those of n episodes whose incidents record different values in any of the columns."""
    mixed = np.zeros(n, dtype=bool)
    for column in columns:
        code = pd.factorize(column)[0].astype(np.int64)
        told, code = spell[code >= 0], code[code >= 0]
        least, most = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
        np.minimum.at(least, told, code)
        np.maximum.at(most, told, code)
        mixed |= most > least
    return int(mixed.sum())


def _codes(ids: pd.Series) -> tuple[Ints, pd.Index]:
    codes, levels = pd.factorize(ids, sort=True)
    return codes.astype(np.int64), pd.Index(levels)


def _gap_us(merge_gap: str | dt.timedelta | pd.Timedelta) -> int:
    refused = ArgumentRefused("merge_gap must be a length of time such as '0h' or '30min', and not negative.")
    try:
        gap = pd.Timedelta(merge_gap)
    except (ValueError, TypeError):
        raise refused from None
    if not gap >= pd.Timedelta(0):  # also where it is not a time at all
        raise refused
    return int(gap // pd.Timedelta(microseconds=1))


def _with_ids(table: pd.DataFrame) -> pd.DataFrame:
    """Give incidents without a reference one made of child and order, whatever the order of the rows."""
    blank = table["incident_id"].isna()
    if not blank.any():
        return table
    by = [c.name for c in INCIDENTS.columns if c.name != "incident_id"]
    ordered = table.loc[blank].sort_values(by, kind="stable")
    made = ordered["child_id"] + "/" + (ordered.groupby("child_id").cumcount() + 1).astype(str)
    table.loc[made.index, "incident_id"] = made
    return table


def _observed_rows(table: pd.DataFrame, child: Ints, ends: Ints) -> Rows:
    is_day = (table["precision"] == "day").fillna(False).to_numpy(dtype=bool)
    day0, day1 = ar.day_numbers(table["missing_from"]), ar.day_numbers(table["returned_at"])
    start = np.where(is_day, ar.midnights(day0), ar.utc_us(table["missing_from"]))
    end = np.where(is_day, ar.midnights(day1), ar.utc_us(table["returned_at"]))
    backwards = (end != ABSENT) & (end < start)
    if backwards.any():
        where = positions([int(i) for i in backwards.nonzero()[0]])
        raise TableRefused.of_problems("incidents", [f"column 'returned_at' is before 'missing_from' at {where}"])
    later = end >= ends[child]
    return Rows(
        child=child,
        start=start,
        end=np.where(later, BEYOND, end),
        day0=day0,
        day1=np.where(later, BEYOND, day1),
        is_day=is_day,
        source=_codes(table["source"])[0],
        rank=_codes(table["incident_id"])[0],
        absence=_absences(table, child),
    )


def _absences(table: pd.DataFrame, child: Ints) -> Ints:
    """Number the absences that the incidents are known to belong to; -1 for those that are known to belong to none."""
    number, _ = _codes(table["absence_id"])
    known = number >= 0
    number[known] = ar.number_rows(child[known], number[known])
    return number


def _describe(table: pd.DataFrame, rows: Rows, spans: Spans, spell: Ints, child_ids: pd.Index) -> pd.DataFrame:
    closed = (spans.day1 != ABSENT) & (spans.day1 != BEYOND)
    start = np.where(spans.start == ABSENT, ar.midnights(spans.day0), spans.start)
    by_date = np.maximum(ar.midnights(np.where(closed, spans.day1, ABSENT)), start)
    end = np.where(closed, np.where(spans.end == ABSENT, by_date, spans.end), ABSENT)
    is_day = (spans.start == ABSENT) | (closed & (spans.end == ABSENT))
    first = ar.is_first(spans.child)
    is_last = np.ones(len(first), dtype=bool)
    is_last[:-1] = first[1:]
    hours = np.where(is_day, (spans.day1 - spans.day0) * 24.0, (end - start) / (DAY_US / 24))

    ordered = np.lexsort((rows.rank, rows.start, rows.is_day, rows.day0, spell))
    inside = spell[ordered]
    cuts = np.flatnonzero(ar.is_first(inside))
    sizes = np.diff(np.append(cuts, len(inside)))
    ids = table["incident_id"].to_numpy(dtype=object)[ordered]
    lists = np.empty(len(cuts), dtype=object)
    for size in np.unique(sizes).tolist():  # all episodes of one size at once
        at = np.flatnonzero(sizes == size)
        lists[at] = pd.Series(zip(*(ids[cuts[at] + k] for k in range(size)), strict=True), dtype=object).to_numpy()
    done = {
        "episode_id": pd.Series("E-" + ids[cuts] if len(cuts) else [], dtype=TEXT),
        "child_id": pd.Series(child_ids.to_numpy(dtype=object)[spans.child], dtype=TEXT),
        "episode_no": ar.count_before(spans.child) + 1,
        "missing_from": ar.timestamps(start),
        "returned_at": ar.timestamps(end),
        "duration_hours": np.where(closed, hours, np.nan),
        "precision": np.where(is_day, "day", "minute"),
        "category": _most_serious(table, ordered, cuts),
        "incident_ids": lists,
        "n_incidents": sizes,
        "gap_days": _gaps(spans, start, end, closed, is_day),
        "is_open": (spans.day1 == BEYOND) | ((spans.day1 == ABSENT) & is_last),
    }
    for column in _AT_START:
        done[column] = _first_recorded(table[column], ordered, inside, len(cuts))
    # The incident that ended the episode stands last when ordered by end; the first recorded of the reverse.
    backwards = np.lexsort((rows.rank, rows.end, spell))[::-1]
    for column in _AT_END:
        done[column] = _first_recorded(table[column], backwards, spell[backwards], len(cuts)).where(closed)
    return conform(pd.DataFrame(done), EPISODES)


def _gaps(spans: Spans, start: Ints, end: Ints, closed: Flags, is_day: Flags) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Days from the previous return: elapsed where both stamps hold a time, else between the dates."""
    gap = np.full(len(start), np.nan)
    if len(start):
        elapsed = (start[1:] - end[:-1]) / DAY_US
        between = (spans.day0[1:] - spans.day1[:-1]).astype(np.float64)
        days = np.where(is_day[1:] | is_day[:-1], between, elapsed)
        gap[1:] = np.where(~ar.is_first(spans.child)[1:] & closed[:-1], days, np.nan)
    return gap


def _most_serious(table: pd.DataFrame, ordered: Ints, cuts: Ints) -> pd.Series:
    codes, levels = pd.factorize(table["category"])
    grade = np.append(pd.Index(CATEGORIES).get_indexer(levels.to_numpy(dtype=object)), -1)[codes]
    # "Away" of a source that has no code for no apparent risk gives way to that.
    unsure = (grade == CATEGORIES.index("away")) & table["source"].isin(_TWO_CODES).to_numpy(dtype=bool)
    grade = np.where(unsure, len(CATEGORIES), np.where(grade < 0, len(CATEGORIES) + 1, grade))[ordered]
    names = np.array([*CATEGORIES, "away", None], dtype=object)
    return pd.Series(names[np.minimum.reduceat(grade, cuts)], dtype=TEXT)


def _first_recorded(column: pd.Series, ordered: Ints, spell: Ints, n: int) -> pd.Series:
    """Return, for each of n episodes, the first value that is recorded, in the order given."""
    at = np.flatnonzero(column.notna().to_numpy()[ordered])
    at = at[ar.is_first(spell[at])]
    result = pd.Series([None] * n, dtype=column.dtype)
    result.iloc[spell[at]] = column.iloc[ordered[at]].to_numpy()
    return result
