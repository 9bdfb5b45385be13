"""The mean when some children leave for good: Ghosh and Lin's estimate, and which ends are exits (E3, E9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions
from missing_patterns.recurrence.common import Bools, Floats, Ints
from missing_patterns.recurrence.curves.robust import Group
from missing_patterns.recurrence.door import ranked
from missing_patterns.recurrence.spells import Rows, Spells

Exits: TypeAlias = str | Sequence[str] | pd.DataFrame | pd.Series

_EXITS = schema.Table(
    "exits",
    "one child who left for good",
    (
        schema.Column("child_id", "id", "the child", required=True),
        schema.Column("days", "number", "day of leaving, on the clock of the intervals", required=True),
    ),
    key="child_id",
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Left:
    """Which rows end with a child leaving for good, and what was not used.

    ``n_after`` children who left after their follow-up had ended; ``n_of_others`` exits of children without a spell.
    """

    rows: Bools
    n_after: int = 0
    n_of_others: int = 0


def read_exits(intervals: pd.DataFrame, rows: Rows, exits: Exits) -> Left:
    """Find the rows at whose end a child left for good.

    Parameters
    ----------
    intervals : pd.DataFrame
        The table of intervals.
    rows : Rows
        The same, checked.
    exits : str, sequence of str, DataFrame or Series
        As for ``mean_cumulative``.

    Raises
    ------
    ArgumentRefused
        If what is given is none of these, or a reason is no end of observation.
    TableRefused
        If ``ended_by`` is absent or holds other words, a child has days at risk after leaving, or the exits cannot be
        used.

    Examples
    --------
    >>> from missing_patterns.recurrence.spells import read_rows
    >>> frame = pd.DataFrame({"child_id": ["A", "B"], "start": 0, "stop": [5, 9], "event": 0})
    >>> read_exits(frame, read_rows(frame), pd.Series({"B": 9})).rows.tolist()
    [False, True]
    """
    if isinstance(exits, pd.DataFrame | pd.Series):
        return _from_days(intervals, rows, exits)
    reasons: Sequence[str] = schema.COMPETING_EXITS
    if not isinstance(exits, str):
        reasons = list(exits)
    elif exits != "ended_by":
        reasons = [exits]
    allowed = list(schema.EXIT_REASONS)
    for word in reasons:
        if word not in allowed:
            raise ArgumentRefused(
                "exits must be 'ended_by', reasons why observation ended, or a table of child_id and days; reasons "
                f"are: {', '.join(allowed)}.{did_you_mean(str(word), allowed)}"
            )
    schema.require(intervals, ["ended_by"], "intervals")
    found = ended_by(intervals, reasons)
    last = _last_rows(rows)
    if (wrong := found & ~last).any():
        raise TableRefused.of_problems(
            "intervals", [f"a child has time at risk after having left, at {_where(np.flatnonzero(wrong))}"]
        )
    return Left(found)


def _where(rows: Ints) -> str:
    return positions([int(i) for i in rows])


def ended_by(intervals: pd.DataFrame, reasons: Sequence[str]) -> Bools:
    """Say which rows ended by one of these reasons.

    Raises
    ------
    TableRefused
        If the column holds words that are not allowed.

    Examples
    --------
    >>> ended_by(pd.DataFrame({"ended_by": ["episode", None, "left_care"]}), ["left_care"]).tolist()
    [False, False, True]
    """
    codes, words = pd.factorize(intervals["ended_by"])
    if not set(words) <= set(schema.ENDED_BY):
        schema.conform(intervals, schema.INTERVALS, only=("ended_by",))  # says where
    is_one = np.array([word in reasons for word in words] + [False], dtype=np.bool_)
    found: Bools = is_one[codes]
    return found


def _last_rows(rows: Rows) -> Bools:
    """Say which rows end at their child's last day of follow-up."""
    last = np.zeros(rows.n_children, dtype=np.int64)
    np.maximum.at(last, rows.child, rows.left)
    found: Bools = rows.left == last[rows.child]
    return found


def _from_days(intervals: pd.DataFrame, rows: Rows, exits: pd.DataFrame | pd.Series) -> Left:
    """Put exits on a child's last row: those that happened at its end, or while missing after it."""
    if isinstance(exits, pd.Series):
        exits = pd.DataFrame({"child_id": exits.index, "days": exits.to_numpy()})
    frame = schema.conform(exits, _EXITS)
    given = frame["days"].to_numpy()
    if (wrong := ~np.isfinite(given)).any():
        raise TableRefused.of_problems("exits", [f"column 'days' is infinite at {_where(np.flatnonzero(wrong))}"])
    ids = schema.conform(intervals, schema.INTERVALS, only=("child_id",))["child_id"]
    heads = np.flatnonzero(~ids.duplicated().to_numpy())
    place = pd.Index(ids.iloc[heads]).get_indexer(pd.Index(frame["child_id"]))
    known = place >= 0
    child, day = rows.child[heads[place[known]]], given[known]
    last = np.flatnonzero(_last_rows(rows))
    # Of rows that end together (one has no length), the last holds the end.
    last = last[np.lexsort((rows.entered[last], rows.child[last]))]
    row = np.full(rows.n_children, -1)
    row[rows.child[last]] = last
    at = row[child]
    end = rows.axis[rows.left[at]]
    both = ranked(np.concatenate([end, day]))[1][0]
    end_place, day_place = both[: len(end)], both[len(end) :]
    if (early := day_place < end_place).any():
        where = _where(np.flatnonzero(known)[early])
        raise TableRefused.of_problems("exits", [f"a child has time at risk after having left, at {where}"])
    used = (day_place == end_place) | rows.episode[at]
    found = np.zeros(len(rows.child), dtype=np.bool_)
    found[at[used]] = True
    return Left(found, int((~used).sum()), int((~known).sum()))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Terminal:
    """Ghosh and Lin's mean after each step: ``mean``, ``variance``; ``exits`` on it and ``share_left`` by then."""

    mean: Floats
    variance: Floats
    exits: Floats
    share_left: Floats


def share_staying(gone: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """Return the share that has not left by the end of each step, and just before it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> [share.tolist() for share in share_staying(np.array([1.0, 0.0]), np.array([2.0, 1.0]))]
    [[0.5, 0.5], [1.0, 0.5]]
    """
    staying = np.cumprod((at_risk - gone) / at_risk, dtype=np.float64)
    return staying, np.concatenate([[1.0], staying])[:-1]


def ghosh_lin(spells: Spells, group: Group, last: Ints, at_risk: Floats) -> Terminal:
    """Estimate the mean number of episodes when those who leave have none, and its variance.

    With R the Nelson-Aalen estimate of episodes of those at risk and S the share that has not left (Kaplan-Meier), the
    mean by day t is the sum of S(u-) dR(u) over u <= t. A child's residual is, with M and D the child's martingale
    residuals of episodes and of leaving, and Y the number at risk,

        sum of S(u-) / Y(u) dM(u)  -  sum of (mean(t) - mean(u)) / (Y(u) (1 - dL(u))) dD(u),

    the change of the mean with the child's weight (the formula of Ghosh and Lin 2000, section 2, where their continuous
    time makes the number who leave in a step, dL, nought). The variance is the sum over children of its square.

    Parameters
    ----------
    spells : Spells
        One group's spells.
    group : Group
        The rows of each child or cluster.
    last : array of int
        Last step at which each spell is at risk.
    at_risk : array
        Spells at risk at each step.

    Raises
    ------
    Nothing.
    """
    n = len(at_risk)
    gone: Floats = np.bincount(last, spells.exits, minlength=n).astype(np.float64)
    staying, before = share_staying(gone, at_risk)
    each = before / at_risk
    rate = np.bincount(last, spells.episodes, minlength=n) / at_risk
    mean = np.cumsum(before * rate)
    # Once all have left nothing is added to the mean, whatever the share of them.
    stay = at_risk - gone
    importance = np.where(stay > 0, 1.0 / np.maximum(stay, 1.0), 0.0)
    fall, gain = importance * gone / at_risk, importance[last] * spells.exits
    episodes = group.residual(each * rate + mean * fall, each[last] * spells.episodes + mean[last] * gain)
    leaving = group.residual(fall, gain)
    variance = (
        group.products(episodes, episodes)
        - 2 * mean * group.products(episodes, leaving)
        + mean**2 * group.products(leaving, leaving)
    )
    return Terminal(mean, np.maximum(variance, 0.0), gone, 1.0 - staying)
