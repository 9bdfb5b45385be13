"""Checks across the records of one child in one table: open, overlapping, touching, many in a day, very long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from missing_patterns.ingest.across.sheets import NO_TIME, Gathered, Sheet, by_table, child_codes, gather, seconds

_DAY, _HOUR = 86_400, 3_600
#: A record longer than this is doubted, by days.
LONG_DAYS = 30
#: More starts of one child on one day than this are doubted.
MOST_STARTS = 3


def check_sequence(sheets: Sequence[Sheet]) -> None:
    """Hold the records of each child against each other, over all sheets of the same table.

    A record without an end is set aside if a later one of the child begins after it: when it ended is not known, and
    left open it would swallow the later ones. Where a sheet has no column of ends, that says nothing. All else is told.

    Raises
    ------
    Nothing.
    """
    for group in by_table(sheets):
        rows = gather(group, "incidents", ("child_id", "missing_from", "returned_at", "precision"))
        if len(rows):
            _check(rows.only(~_set_open_aside(rows)))


def _set_open_aside(rows: Gathered) -> np.ndarray:
    """Set aside the open records that are followed by a later one; return which."""
    is_open = _is_open(rows)
    found = np.zeros(len(rows), dtype=bool)
    if is_open.any():
        child, start = child_codes(rows), seconds(rows["missing_from"])
        latest = np.full(child.max() + 1, NO_TIME)
        np.maximum.at(latest, child, start)
        found = is_open & (start < latest[child])
        rows.fault(found, "started_while_open", "returned_at")
    return found


def _is_open(rows: Gathered) -> np.ndarray:
    has_ends = np.array([sheet.data.has("returned_at") for sheet in rows.sheets])
    is_open: np.ndarray = rows["returned_at"].isna().to_numpy() & has_ends[rows.which]
    return is_open


def _check(rows: Gathered) -> None:
    child, start, end = child_codes(rows), seconds(rows["missing_from"]), seconds(rows["returned_at"])
    is_day = (rows["precision"] == "day").to_numpy(dtype=bool)
    is_open = _is_open(rows)
    length = np.where(end == NO_TIME, 0, end - start)
    rows.tell(length > LONG_DAYS * _DAY + np.where(is_day, _HOUR, 0), "duration_long", "returned_at")
    # One number per child and second: the ends of earlier children are all below the starts of later ones.
    first = int(start.min(initial=0))
    span = max(int(start.max(initial=0)), int(end.max(initial=0))) - first + 2
    begins = child * span + (start - first)
    ends = np.where(is_open, child * span + span - 1, begins + length)
    order = np.argsort(begins, kind="stable")
    begins, is_day = begins[order], is_day[order]
    before = np.concatenate([[-1], np.maximum.accumulate(ends[order])[:-1]])  # the latest end of the rows before
    by_day = is_day | np.concatenate([[False], is_day[:-1]])
    _tell(rows, order, begins < before, "overlap")
    _tell(rows, order, (begins == before) & ~by_day, "back_to_back")
    _check_many(rows, order, begins, child[order])


def _check_many(rows: Gathered, order: np.ndarray, begins: np.ndarray, child: np.ndarray) -> None:
    """Tell the fourth start of one child on one day, and those after it."""
    n = MOST_STARTS
    near = np.zeros(len(order), dtype=bool)
    near[n:] = (child[n:] == child[:-n]) & (begins[n:] - begins[:-n] <= _DAY + _HOUR)
    found = np.flatnonzero(near)
    days = rows["missing_from"].iloc[np.concatenate([order[found], order[found - n]])].dt.tz_localize(None)
    both = days.to_numpy().astype("datetime64[D]")
    near[found] = both[: len(found)] == both[len(found) :]
    _tell(rows, order, near, "many_starts")


def _tell(rows: Gathered, order: np.ndarray, where: np.ndarray, rule: str) -> None:
    mask = np.zeros(len(order), dtype=bool)
    mask[order[where]] = True
    rows.tell(mask, rule, "missing_from")
