"""Counts of episodes by child with their days at risk: added up from spells, or checked as handed in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions
from missing_patterns.recurrence.common import Floats, Ints, check_flags
from missing_patterns.recurrence.cox.covariates import read_covariates

INTERCEPT = "(Intercept)"


def _refuse(table: str, rows: Ints, why: str) -> TableRefused:
    return TableRefused.of_problems(table, [f"{why}, at {positions([int(i) for i in rows])}"])


def count_by_child(intervals: pd.DataFrame) -> pd.DataFrame:
    """Add up each child's episodes and days at risk; other columns stand if they do not change within any child.

    Parameters
    ----------
    intervals : pd.DataFrame
        One row per spell at risk: ``child_id start stop event`` and covariates.

    Returns
    -------
    pd.DataFrame
        One row per child: ``child_id n_episodes days_at_risk`` and the columns that stand still, in the order in
        which children first appear. Columns of single spells (``ended_by``, ``episode_no``) are dropped, and
        those that change within a child, whose names stand in ``.attrs["changing"]``.

    Raises
    ------
    TableRefused
        If the table is not one of intervals, or a spell ends before it starts.

    Examples
    --------
    >>> intervals = pd.DataFrame({"child_id": ["A", "A", "B"], "start": [0, 9, 0], "stop": [8, 30, 20],
    ...                           "event": [1, 0, 0], "girl": [1, 1, 0]})
    >>> count_by_child(intervals)
      child_id  n_episodes  days_at_risk  girl
    0        A           1          29.0     1
    1        B           0          20.0     0
    """
    frame = schema.conform(intervals, schema.INTERVALS)
    check_flags(frame["event"], "intervals")
    length = (frame["stop"] - frame["start"]).to_numpy(dtype=np.float64)
    if (wrong := ~(length >= 0) | np.isinf(length)).any():
        raise _refuse("intervals", np.flatnonzero(wrong), "a spell ends before it starts, or is blank or infinite")
    child, ids = pd.factorize(frame["child_id"])
    first = np.unique(child, return_index=True)[1]
    made = pd.DataFrame(
        {
            "child_id": ids,
            "n_episodes": np.bincount(child, frame["event"].to_numpy(dtype=np.float64)).astype(np.int64),
            "days_at_risk": np.bincount(child, length),
        }
    )
    own = {column.name for column in schema.INTERVALS.columns}
    changing = []
    for name in (c for c in intervals.columns if c not in own):
        codes = pd.factorize(intervals[name])[0]
        if (codes != codes[first][child]).any():
            changing.append(name)
        else:
            made[name] = intervals[name].iloc[first].to_numpy()
            made[name] = made[name].astype(intervals[name].dtype)
    made.attrs["changing"] = changing
    return made


def read_counts(table: pd.DataFrame, exposure: str | None) -> tuple[pd.DataFrame, Floats, Floats, int, str]:
    """Return one row per child with counts and days at risk, how many children had none, and the table's name.

    Raises
    ------
    ArgumentRefused
        If there is no column of days at risk.
    TableRefused
        If a child stands in two rows, a number is no number, or an episode stands with no day at risk.

    Examples
    --------
    >>> table = pd.DataFrame({"child_id": [1, 2], "n_episodes": [3, 0], "days_at_risk": [90, 0]})
    >>> read_counts(table, None)[1:]
    (array([3.]), array([90.]), 1, 'counts')
    """
    if "n_episodes" not in table.columns and {"start", "stop", "event"} <= set(table.columns):
        name, exposure = "intervals", "days_at_risk"
        frame = count_by_child(table)
    else:
        name, exposure = "counts", "days_at_risk" if exposure is None else exposure
        frame = table.reset_index(drop=True)
        if exposure not in frame.columns:
            hint = did_you_mean(exposure, map(str, frame.columns))
            raise ArgumentRefused(f"there is no column '{exposure}' of days at risk.{hint} Name it with exposure=.")
        schema.require(frame, ["child_id", "n_episodes"], name)
        twice = frame["child_id"].duplicated() | frame["child_id"].isna()
        if twice.any():
            raise _refuse(name, np.flatnonzero(twice), "a child stands in more than one row, or has no id")
    problems, columns = [], []
    for column, whole in (("n_episodes", True), (exposure, False)):
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = ~np.isfinite(values) | (values < 0) | (whole & (values != np.floor(values)))
        if wrong.any():
            at = positions([int(i) for i in np.flatnonzero(wrong)])
            what = "a whole number" if whole else "a number"
            problems.append(f"column '{column}' is not {what} of at least 0 at {at}")
        columns.append(values)
    if problems:
        raise TableRefused.of_problems(name, problems)
    y, days = columns
    if (odd := (days == 0) & (y > 0)).any():
        raise _refuse(name, np.flatnonzero(odd), "a child has an episode and no day at risk")
    kept = days > 0
    short = frame[kept].reset_index(drop=True)
    short.attrs = frame.attrs
    return short, y[kept], days[kept], int((~kept).sum()), name


def model_matrix(frame: pd.DataFrame, columns: str | Sequence[str], name: str) -> tuple[list[str], Floats]:
    """Return names and columns of the model, the intercept first.

    Raises
    ------
    ArgumentRefused, TableRefused
        As :func:`missing_patterns.recurrence.frequency.rates.episode_rates`.

    Examples
    --------
    >>> model_matrix(pd.DataFrame({"age": [12, 15]}), ["age"], "counts")[0]
    ['(Intercept)', 'age']
    """
    if isinstance(columns, str) or len(columns):
        changing = frame.attrs.get("changing", [])
        asked = [columns] if isinstance(columns, str) else list(columns)
        if wrong := [c for c in asked if c in changing]:
            raise TableRefused.of_problems(
                name, [f"column '{c}' changes within a child; use RecurrentCox for such columns" for c in wrong]
            )
        covariates, values = read_covariates(frame, columns, name)
        names = list(covariates.names)
    else:
        names, values = [], np.empty((len(frame), 0))
    matrix = np.column_stack([np.ones(len(frame)), values])
    told = []
    for k, column in enumerate(names, start=1):
        if matrix[:, k].std() <= 1e-12 * max(1.0, float(np.abs(matrix[:, k]).max(initial=0.0))):
            told.append(f"column '{column}' does not vary")
    centred = matrix[:, 1:] - matrix[:, 1:].mean(axis=0)
    norms = np.linalg.norm(centred, axis=0)
    if not told and names:
        scaled, basis = centred / norms, np.empty((len(frame), 0))
        for k, column in enumerate(names):
            left = scaled[:, k] - basis @ (basis.T @ scaled[:, k])
            if np.linalg.norm(left) < 1e-8:
                told.append(f"column '{column}' follows from the columns before it")
                continue
            basis = np.column_stack([basis, left / np.linalg.norm(left)])
    if told:
        raise TableRefused.of_problems(name, told)
    return [INTERCEPT, *names], matrix
