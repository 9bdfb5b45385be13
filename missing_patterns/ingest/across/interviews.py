"""Interviews in tables of their own held against the absences that they name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from missing_patterns.ingest.across.sheets import Sheet, gather
from missing_patterns.ingest.sheet.interviews import DUE_HOURS
from missing_patterns.ingest.sheet.moments import to_days


def check_interviews(sheets: Sequence[Sheet], due_hours: float = DUE_HOURS) -> None:
    """Set aside interviews dated before the return of every absence that they name, and count those held late.

    Absences are found by reference and child. One without a return counts by its start; by day where only that is
    known. Interviews in the row of an absence are held against it as the sheet is read.

    Raises
    ------
    Nothing.
    """
    apart = [s for s in sheets if s.pieces.interviews is not None and s.pieces.incidents is None]
    if not apart:
        return
    rows = gather(apart, "interviews", ("child_id", "incident_ids", "held_at"))
    held = rows["held_at"]
    there = held.notna().to_numpy() & np.array([isinstance(v, tuple) for v in rows["incident_ids"]], dtype=bool)
    if not there.any():
        return
    named = pd.DataFrame({"n": np.arange(len(rows)), "child_id": rows["child_id"], "ref": rows["incident_ids"]})
    named = named[there].explode("ref")
    of = gather(sheets, "incidents", ("child_id", "incident_id", "missing_from", "returned_at", "precision")).frame
    if not len(of):
        return
    of = of[of["incident_id"].notna()].rename(columns={"incident_id": "ref"})
    pairs = named.astype({"child_id": object, "ref": object}).merge(
        of.astype({"child_id": object, "ref": object}), on=["child_id", "ref"]
    )
    if not len(pairs):
        return
    n = pairs["n"].to_numpy(dtype=np.int64)
    returned = pairs["returned_at"].notna().to_numpy()
    about = pairs["returned_at"].where(pairs["returned_at"].notna(), pairs["missing_from"])
    on = held.iloc[n].reset_index(drop=True)
    wall, about_wall = _wall(on), _wall(about)
    by_day = (pairs["precision"] == "day").to_numpy(dtype=bool, na_value=False) | (wall == to_days(wall))
    early = np.where(by_day, to_days(wall) < to_days(about_wall), (on < about).to_numpy())
    days_late = to_days(wall) - to_days(about_wall) > np.timedelta64(int(due_hours // 24), "D")
    late = np.where(by_day, days_late, (on - about > pd.Timedelta(hours=due_hours)).to_numpy())
    every = pd.DataFrame({"n": n, "early": early, "late": late & returned, "late_of": returned}).groupby("n")
    before, after = np.zeros((2, len(rows)), dtype=bool)
    due = after.copy()
    before[every["early"].all()[lambda v: v].index] = True
    after[every["late"].all()[lambda v: v].index] = True
    due[every["late_of"].any()[lambda v: v].index] = True
    rows.fault(before, "interview_before_return", "held_at")
    totals = {id(data): int(mask.sum()) for data, mask in rows.masks(due & ~before)}
    for data, mask in rows.masks(after):
        data.tell_column("interview_late", "held_at", f"{int(mask.sum()):,} of {totals[id(data)]:,}")


def _wall(times: pd.Series) -> np.ndarray:
    wall: np.ndarray = times.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return wall
