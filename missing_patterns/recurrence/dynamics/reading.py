"""A table of intervals, checked and counted, as the rows that repeat dynamics are fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.recurrence.common import Ints, plural
from missing_patterns.recurrence.dynamics.factors import Factors, read_factors, standardise
from missing_patterns.recurrence.dynamics.rows import Rows, in_order_of_looks, join, sort_rows

#: Fewest children with an episode, below which nothing about differences between children can be said.
MIN_CHILDREN = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """What was read, used and left out."""

    n_rows: int
    n_children: int
    n_units: int
    n_episodes: int
    n_repeats: int
    days_at_risk: float
    n_zero_length: int
    n_no_episode: int
    n_no_time: int


def _after_the_first(intervals: pd.DataFrame, rows: Rows, order: Ints) -> bool:
    """Say whether every child's first row leads up to a second or later episode."""
    if "episode_no" not in intervals.columns or not len(intervals):
        return False
    first = order[np.diff(rows.child, prepend=-1) != 0]
    number = pd.to_numeric(intervals["episode_no"].iloc[first], errors="coerce")
    return bool((number > 1).fillna(False).all())


def read_rows(
    intervals: pd.DataFrame,
    strata: str | list[str] | None,
    *,
    only_with_episode: bool,
    covariates: Sequence[str] = (),
    bands: Sequence[float] = (),
) -> tuple[Rows, Counts, Factors]:
    """Check a table of intervals and sort it into rows.

    Parameters
    ----------
    intervals : pd.DataFrame
        One row per spell at risk, on (start, stop]: ``child_id start stop event``.
    strata : str or list of str, optional
        Columns that divide a child's time: a new unit begins wherever one differs from the child's row before.
    only_with_episode : bool
        Leave out, and count, children without an episode.
    covariates, bands : sequence
        Columns, and days of the clock, by which the rate may differ.

    Raises
    ------
    TableRefused
        As :func:`missing_patterns.recurrence.mean_cumulative`, or if too few children or no repeats are left.
    ArgumentRefused
        If there is no such column, days are counted from the first return, or bands or covariates cannot be used.

    Examples
    --------
    >>> intervals = pd.DataFrame({"child_id": [str(i) for i in range(12)] * 2, "start": [0.0] * 12 + [5.0] * 12,
    ...                           "stop": [5.0] * 12 + [9.0] * 12, "event": [1] * 12 + [1, 0] * 6})
    >>> rows, counts, _ = read_rows(intervals, None, only_with_episode=True)
    >>> counts.n_children, counts.n_episodes, counts.n_repeats
    (12, 18, 6)
    """
    rows, order = sort_rows(intervals, strata)
    if _after_the_first(intervals, rows, order):
        raise ArgumentRefused(
            "the intervals begin after each child's first episode, so who goes often cannot be told from who has just "
            'gone: make them by to_counting_process(..., children=..., origin="observed_from").'
        )
    n_zero = int((rows.stop == rows.start).sum())
    rows, names = read_factors(rows, intervals, order, covariates, bands)
    n = rows.n_children
    has_time = np.bincount(rows.child, rows.stop - rows.start, minlength=n) > 0
    has_episode = np.bincount(rows.child, rows.event, minlength=n) > 0
    n_no_time = int((~has_time).sum())
    n_no_episode = int((has_time & ~has_episode).sum()) if only_with_episode else 0
    rows = join(rows.of_children(has_time & has_episode if only_with_episode else has_time))
    n_with = int(has_episode[has_time].sum())
    n_repeats = int(rows.event.sum()) - n_with
    if n_with < MIN_CHILDREN or n_repeats < 1:
        raise TableRefused.of_problems(
            "intervals",
            [
                (
                    f"there are {plural(n_with, 'child', 'children')} with an episode and "
                    f"{plural(n_repeats, 'repeat')} among them; at least {MIN_CHILDREN} children and one repeat are "
                    "needed: take a longer period"
                )
            ],
        )
    rows = in_order_of_looks(rows)
    counts = Counts(
        n_rows=len(intervals),
        n_children=rows.n_children,
        n_units=int(rows.unit[-1]) + 1,
        n_episodes=int(rows.event.sum()),
        n_repeats=n_repeats,
        days_at_risk=float((rows.stop - rows.start).sum()),
        n_zero_length=n_zero,
        n_no_episode=n_no_episode,
        n_no_time=n_no_time,
    )
    rows, factors = standardise(rows, names)
    return rows, counts, factors
