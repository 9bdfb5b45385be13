"""Rate ratios with a baseline for each episode in turn: first, second, ... (Prentice and others 1981; E6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.recurrence.common import Ints
from missing_patterns.recurrence.cox.design import Clock
from missing_patterns.recurrence.cox.likelihood import Ties
from missing_patterns.recurrence.cox.model import RecurrentCox

#: Name of the column that makes the strata.
EPISODE_ORDER = "episode_order"


def pwp(
    intervals: pd.DataFrame,
    columns: str | Sequence[str],
    time: Clock = "gap",
    max_stratum: int = 5,
    ties: Ties = "efron",
) -> RecurrentCox:
    """Fit a Cox model with a baseline of its own for each episode in turn.

    A child is at risk of the second episode only after the first, so that each stratum compares children who have been
    missing equally often. Later strata hold selected children, and fewer of them: see ``strata_`` of the result.

    Parameters
    ----------
    intervals : pd.DataFrame
        One row per spell at risk: ``child_id start stop event``, covariates and, if it is there, ``episode_no``, the
        number of the episode that the spell leads up to. Without it, the episodes of each child are counted in the
        table itself, from 1.
    columns : str or sequence of str
        Columns or a formula, as for ``RecurrentCox.fit``.
    time : {"gap", "total"}, default "gap"
        The clock: days since the spell began (see ``RecurrentCox``), or days since the origin.
    max_stratum : int, default 5
        Episodes from this one on share a stratum.
    ties : {"efron", "breslow"}, default "efron"
        What to do with episodes of one day.

    Returns
    -------
    RecurrentCox
        Fitted, with strata ``episode_order``, robust by child.

    Raises
    ------
    ArgumentRefused
        If ``max_stratum`` is not a whole number of at least 1; and as ``RecurrentCox.fit``.
    TableRefused
        If ``episode_no`` is not recorded somewhere or below 1; and as ``RecurrentCox.fit``.

    Warns
    -----
    EstimateDoubtful
        As ``RecurrentCox.fit``.

    Notes
    -----
    Prentice RL, Williams BJ, Peterson AV (1981), On the regression analysis of multivariate failure time data,
    Biometrika 68:373-379. The same numbers as R's ``coxph(... + strata(pmin(episode_no, 5)), cluster = child_id)``.

    Examples
    --------
    >>> spells = [
    ...     (f"k{child}", 30 * i, 30 * (i + 1), int((child + i) % (2 + child % 3) == 0), child % 3 == 0)
    ...     for child in range(60)
    ...     for i in range(4)
    ... ]
    >>> model = pwp(pd.DataFrame(spells, columns=["child_id", "start", "stop", "event", "in_care"]), ["in_care"])
    >>> model.strata_
       episode_order  n_rows  n_children  n_episodes  days_at_risk
    0              1     140          60          60        4200.0
    1              2      90          55          20        2700.0
    2              3      10          10           0         300.0
    """
    if isinstance(max_stratum, bool) or not isinstance(max_stratum, int | np.integer) or max_stratum < 1:
        raise ArgumentRefused("max_stratum must be a whole number of at least 1.")
    order = np.minimum(_episode_order(intervals), max_stratum)
    model = RecurrentCox(ties=ties, strata=EPISODE_ORDER, time=time)
    return model.fit(intervals.assign(**{EPISODE_ORDER: order}), columns)


def _episode_order(intervals: pd.DataFrame) -> Ints:
    """Return which episode each row leads up to: as recorded, or counted from the child's earlier rows."""
    names = ["start", "stop", "event", "episode_no"]
    frame = schema.conform(intervals, schema.INTERVALS, only=names)
    if "episode_no" in intervals.columns:
        blank = int(frame["episode_no"].isna().sum())
        if blank:
            told = f"column 'episode_no' is not recorded in {blank:,} rows; leave it out to have episodes counted"
            raise TableRefused.of_problems("intervals", [told])
        number: Ints = frame["episode_no"].to_numpy(dtype=np.int64)
        if (number < 1).any():
            raise TableRefused.of_problems("intervals", ["column 'episode_no' holds numbers below 1"])
        return number
    schema.require(intervals, ["child_id"], "intervals")
    child = pd.factorize(intervals["child_id"])[0]
    start, stop = frame["start"].to_numpy(dtype=np.float64), frame["stop"].to_numpy(dtype=np.float64)
    event = frame["event"].to_numpy(dtype=np.int64, na_value=0)
    rows = np.lexsort((start, stop, child))
    before = np.concatenate([[0], np.cumsum(event[rows])])[:-1]
    first = np.flatnonzero(np.diff(child[rows], prepend=-2) != 0)
    order = np.empty(len(rows), dtype=np.int64)
    order[rows] = 1 + before - np.repeat(before[first], np.diff(np.append(first, len(rows))))
    return order
