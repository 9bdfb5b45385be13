"""Curves: each step of a survival curve is somebody, so steps are thinned before a curve is shown."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from missing_patterns.disclosure.release import threshold_of
from missing_patterns.errors import ArgumentRefused, did_you_mean


def treat_curve(
    table: pd.DataFrame,
    *,
    threshold: int,
    min_at_risk: int,
    by: str | None = None,
    x: str = "days",
    at_risk: str = "at_risk",
    events: str = "events",
) -> pd.DataFrame:
    """Thin a step curve so that no step is about fewer events than the threshold, and cut its thin end.

    Parameters
    ----------
    table : DataFrame
        One row per step, in order of ``x`` within each curve: the time, the number followed, the number of events,
        and further columns of figures (the curve's height, its limits).
    threshold : int
        A step is published once this many events have come since the last one; at least 2.
    min_at_risk : int
        The curve stops before the first step at which fewer than this are still followed.
    by : str, optional
        Column that names the curve of each row.
    x, at_risk, events : str
        Names of the columns.

    Returns
    -------
    DataFrame
        ``by`` (where given), ``x``, ``at_risk`` (rounded to the nearest 5) and the other figures (rounded to two
        decimals); ``events`` is left out. Each curve begins with a row at 0, at which all figures are 0, unless
        nothing of it can be shown. Text columns are left out: they cannot be thinned.

    Raises
    ------
    SettingsRefused
        If the threshold is below 2.
    ArgumentRefused
        If a column is absent, or the rows of a curve are not in order of time.

    Notes
    -----
    Two decimals and a published step for every few events follow OpenSAFELY's practice for Kaplan-Meier curves.
    The threshold counts events: where a child may have several on one curve, use a curve that gives every child the
    same weight, or one of first gaps.

    Examples
    --------
    >>> steps = pd.DataFrame({"days": [1, 3, 8, 20], "at_risk": [40, 37, 31, 9], "events": [3, 4, 2, 5],
    ...                       "share_again": [0.075, 0.176, 0.233, 0.659]})
    >>> print(treat_curve(steps, threshold=5, min_at_risk=10).to_string(index=False))
     days  at_risk  share_again
      0.0       40         0.00
      3.0       35         0.18
    """
    limit = threshold_of(threshold=threshold)
    needed = [x, at_risk, events, *([by] if by is not None else [])]
    absent = [c for c in needed if c not in table.columns]
    if absent:
        hint = did_you_mean(absent[0], [str(c) for c in table.columns])
        raise ArgumentRefused(f"the curve has no column '{absent[0]}'.{hint}")
    figures = [c for c in table.columns if c not in needed and pd.api.types.is_numeric_dtype(table[c])]
    pieces = []
    for name in dict.fromkeys(table[by]) if by is not None else [None]:
        curve = table if by is None else table[table[by] == name]
        piece = _thin(curve, figures, limit, min_at_risk, x, at_risk, events)
        if by is not None:
            piece.insert(0, by, [name] * len(piece))
        pieces.append(piece)
    filled = [p for p in pieces if len(p)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    return table.iloc[:0][[*([by] if by is not None else []), x, at_risk, *figures]]


def _thin(
    curve: pd.DataFrame, figures: list[str], limit: int, min_at_risk: int, x: str, at_risk: str, events: str
) -> pd.DataFrame:
    time = curve[x].to_numpy(dtype=float)
    if np.any(np.diff(time) < 0):
        raise ArgumentRefused("the rows of a curve are not in order of time; sort them, or name the curves with by=.")
    kept, waiting = [], 0
    for i, (n, d) in enumerate(zip(curve[at_risk], curve[events], strict=True)):
        if n < min_at_risk:
            break
        waiting += int(d)
        if waiting >= limit:
            kept.append(i)
            waiting = 0
    out = pd.DataFrame({x: [0.0, *time[kept]]}) if kept else pd.DataFrame({x: np.array([], dtype=float)})
    risk = [curve[at_risk].iloc[i] for i in [0, *kept]] if kept else []
    out[at_risk] = np.array([5 * math.floor(float(n) / 5 + 0.5) for n in risk], dtype="int64")
    for column in figures:
        value = curve[column].to_numpy(dtype=float)
        out[column] = np.round(np.array([0.0, *value[kept]]), 2) if kept else np.array([], dtype=float)
    return out
