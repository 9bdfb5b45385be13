"""What the rate may differ by within a child's time: covariates, and bands of the clock such as years of age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions
from missing_patterns.recurrence.common import Floats, Ints
from missing_patterns.recurrence.dynamics.rows import Rows

#: A column that the others explain but for so small a share of its variance is no column of its own.
_COLLINEAR = 1e-9


@dataclass(frozen=True, slots=True)
class Factors:
    """What the columns of ``Rows.x`` mean: raw value = mean + spread x column."""

    names: tuple[str, ...]
    mean: Floats
    spread: Floats


def _cut(rows: Rows, bands: Floats) -> tuple[Rows, Ints]:
    """Cut rows where a band of the clock ends; return each piece's row too. An episode stays on the last piece."""
    first = np.searchsorted(bands, rows.start, side="right")
    last = np.searchsorted(bands, rows.stop, side="left")
    pieces = np.maximum(last - first, 0) + 1
    row = np.repeat(np.arange(len(pieces)), pieces)
    number = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    is_last = number == pieces[row] - 1
    edge = np.append(bands, 0.0)
    place = first[row] + number
    start = np.where(number == 0, rows.start[row], edge[np.minimum(place - 1, len(bands))])
    stop = np.where(is_last, rows.stop[row], edge[np.minimum(place, len(bands))])
    return Rows(rows.child[row], rows.unit[row], start, stop, rows.event[row] & is_last, rows.x[row]), row


def _columns(frame: pd.DataFrame, order: Ints, covariates: Sequence[str]) -> Floats:
    """Read covariates as numbers; refuse what is not known."""
    found, problems = [], []
    for name in covariates:
        if name not in frame.columns:
            hint = did_you_mean(str(name), map(str, frame.columns))
            raise ArgumentRefused(f"there is no column '{name}' to use as a covariate.{hint}")
        try:
            values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            problems.append(f"column '{name}' is not a number: make flags of its values, such as is_{name}_...")
            continue
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            at = positions([int(i) for i in wrong])
            problems.append(f"column '{name}' is not recorded in {len(wrong)} rows, at {at}: fill it or leave them out")
        found.append(values[order])
    if problems:
        raise TableRefused.of_problems("intervals", problems)
    return np.column_stack(found) if found else np.zeros((len(order), 0))


def read_factors(
    rows: Rows, frame: pd.DataFrame, order: Ints, covariates: Sequence[str], bands: Sequence[float]
) -> tuple[Rows, tuple[str, ...]]:
    """Give rows their covariates, and cut them where a band of the clock ends.

    Raises
    ------
    ArgumentRefused
        If there is no such column, or the bands are not ascending days.
    TableRefused
        If a covariate is not a number or not recorded.

    Examples
    --------
    >>> rows = Rows(np.array([0]), np.array([0]), np.array([0.0]), np.array([9.0]), np.array([True]), np.zeros((1, 0)))
    >>> cut, names = read_factors(rows, pd.DataFrame(index=[0]), np.array([0]), (), (5.0,))
    >>> cut.start.tolist(), cut.event.tolist(), cut.x.ravel().tolist(), names
    ([0.0, 5.0], [False, True], [0.0, 1.0], ('from day 5',))
    """
    names = [str(name) for name in ([covariates] if isinstance(covariates, str) else covariates)]
    edges = np.asarray(list(bands), dtype=np.float64)
    if edges.ndim != 1 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise ArgumentRefused("bands must be ascending days of the clock, such as (365, 730).")
    rows = replace(rows, x=_columns(frame, order, names))
    if not len(edges):
        return rows, tuple(names)
    rows, _ = _cut(rows, edges)
    band = np.searchsorted(edges, rows.stop, side="left")
    dummies = band[:, None] == np.arange(1, len(edges) + 1)
    names += [f"from day {edge:g}" for edge in edges]
    return replace(rows, x=np.column_stack([rows.x, dummies.astype(np.float64)])), tuple(names)


def standardise(rows: Rows, names: tuple[str, ...]) -> tuple[Rows, Factors]:
    """Give each covariate mean 0 and spread 1 over the days at risk, and refuse those that cannot be told apart.

    Raises
    ------
    TableRefused
        Naming covariates that are constant, that the others explain, or bands in which nobody goes.

    Examples
    --------
    >>> one = np.array([0, 0])
    >>> rows = Rows(one, one, np.array([0.0, 5.0]), np.array([5.0, 10.0]), one == 0, np.array([[2.0], [6.0]]))
    >>> rows, factors = standardise(rows, ("age",))
    >>> rows.x.ravel().tolist(), factors.mean.tolist(), factors.spread.tolist()
    ([-1.0, 1.0], [4.0], [2.0])
    """
    days = rows.stop - rows.start
    share = days / days.sum()
    mean = share @ rows.x
    spread = np.sqrt(share @ (rows.x - mean) ** 2)
    problems = []
    for k, name in enumerate(names):
        if not spread[k] > 1e-12 * max(abs(mean[k]), 1.0):
            problems.append(f"'{name}' is the same on all days at risk: leave it out")
        elif set(np.unique(rows.x[:, k]).tolist()) == {0.0, 1.0} and np.ptp(rows.x[rows.event, k]) == 0:
            problems.append(
                f"'{name}' is the same for all episodes, so its rate cannot be compared: join or leave it out"
            )
    if problems:
        raise TableRefused.of_problems("intervals", problems)
    x = (rows.x - mean) / spread
    for k in range(len(names)):
        weighted = x[:, : k + 1] * np.sqrt(share)[:, None]
        others, own = weighted[:, :k], weighted[:, k]
        left = own - others @ np.linalg.lstsq(others, own, rcond=None)[0] if k else own
        if float(left @ left) < _COLLINEAR:
            raise TableRefused.of_problems("intervals", [f"'{names[k]}' follows from the others: leave one out"])
    return replace(rows, x=x), Factors(names, mean, spread)
