"""Aalen-Johansen shares and the infinitesimal jackknife by child, in one pass over sorted spells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from missing_patterns.recurrence.common import Z95, Floats, Ints

Interval = Literal["log", "log-log", "plain"]


@dataclass(frozen=True, slots=True, repr=False)
class Curves:
    """Shares by each day on which a spell ended, for each way to end and, last, for none of them.

    Parameters
    ----------
    days : array [D]
        Distinct days on which a spell at risk ended.
    at_risk : array of int [D]
        Spells at risk just before.
    events : array of int [K, D]
        Spells that ended in each way.
    share, se : array [K + 1, D]
        Shares, and their standard errors.

    Raises
    ------
    Nothing.
    """

    days: Floats
    at_risk: Ints
    events: Ints
    share: Floats
    se: Floats

    def __repr__(self) -> str:
        return f"Curves: {len(self.days):,} days, {len(self.events)} ways to end"


def aalen_johansen(child: Ints, start: Floats, stop: Floats, cause: Ints, n_causes: int) -> Curves:
    """Estimate the share of spells ended in each way by each day.

    Parameters
    ----------
    child : array of int [n]
        Whose spell it is; the spells of one child count as one in the standard errors.
    start, stop : array [n]
        At risk on (start, stop]; ties exact.
    cause : array of int [n]
        0 = follow-up ended, else 1 ... ``n_causes``.
    n_causes : int
        Ways to end.

    Returns
    -------
    Curves

    Raises
    ------
    Nothing.

    Notes
    -----
    Write S for the share not ended, Y for spells at risk, dH for ends of any kind over Y, dH_k for those of kind k,
    F_k for their sum times S. What one spell does to F_k by a day t is linear in two curves that all spells share,
    A_k = sum of S- G- dH_k - S- dH_k / Y and F_k itself, with G = sum of dH / (Y (1 - dH)): it is nothing before the
    spell begins at a; A_k(t) - A_k(a) - G(a) (F_k(t) - F_k(a)) while it lasts; and, once it has ended at b,
    v + c (F_k(t) - F_k(b)), where v and c stand still. So each child's three factors (of A_k, of 1 and of F_k) change
    only where a spell begins or ends, and the sum of squares over children is that of the six products of the
    factors, each a running sum over days. Cost: a sort, whatever the number of days.

    Examples
    --------
    >>> child = np.arange(4)
    >>> made = aalen_johansen(child, np.zeros(4), np.array([1.0, 2, 3, 4]), np.array([1, 2, 1, 0]), 2)
    >>> made.share.tolist()
    [[0.25, 0.25, 0.5, 0.5], [0.0, 0.25, 0.25, 0.25], [0.75, 0.5, 0.25, 0.25]]
    >>> made.se[0].round(4).tolist()
    [0.2165, 0.2165, 0.25, 0.25]
    """
    days, last = np.unique(stop, return_inverse=True)
    n_days = len(days)
    first = np.searchsorted(days, start, side="right")
    at_risk = np.cumsum(
        np.bincount(first, minlength=n_days + 1)[:n_days] - np.bincount(last + 1, minlength=n_days + 1)[:n_days]
    )
    events = np.stack([np.bincount(last[cause == k + 1], minlength=n_days) for k in range(n_causes)])
    any_end = events.sum(axis=0)
    left = np.cumprod(1.0 - any_end / np.maximum(at_risk, 1))
    before = np.concatenate([[1.0], left])[:n_days]
    share = np.cumsum(before * events / np.maximum(at_risk, 1), axis=1).reshape(n_causes, n_days)
    stays = at_risk > any_end  # where all end together, nothing is left to change
    gain = np.where(stays, 1.0 / np.where(stays, at_risk - any_end, 1), 0.0)
    slope = np.concatenate([[0.0], np.cumsum(any_end / np.maximum(at_risk, 1) * gain)])
    factors = _Factors(child, first, last, cause, slope, gain)
    se = np.empty((n_causes + 1, n_days))
    for k in range(n_causes):
        jump = before * events[k] / np.maximum(at_risk, 1)
        level = np.concatenate([[0.0], np.cumsum(jump)])
        common = np.concatenate([[0.0], np.cumsum(jump * (slope[:-1] - 1.0 / np.maximum(at_risk, 1)))])
        own = np.where(cause == k + 1, (before / np.maximum(at_risk, 1))[last], 0.0)
        se[k] = np.sqrt(factors.of_share(common, level, own))
    se[n_causes] = left * np.sqrt(factors.of_rest())
    return Curves(days, at_risk.astype(np.int64), events.astype(np.int64), np.vstack([share, left]), se)


class _Factors:
    """Each child's factors where they change: spells sorted by child and day, beginnings and ends in one list."""

    def __init__(self, child: Ints, first: Ints, last: Ints, cause: Ints, slope: Floats, gain: Floats) -> None:
        self.first, self.last, self.slope = first, last, slope
        self.n_days = len(gain)
        # A spell begins to count on its first day at risk, and counts as ended from its last day on. The factors of a
        # spell that begins on day f are those of the curves after day f - 1: index f of curves that begin at day 0.
        own = np.where(cause > 0, gain[last], 0.0)
        self.after = slope[last + 1] - slope[first] - own
        when, who = np.concatenate([first, last]), np.concatenate([child, child])
        self.order = np.lexsort((when, who))
        self.when, self.who = when[self.order], who[self.order]
        self.heads = np.flatnonzero(np.diff(self.who, prepend=-1) != 0)
        self.sizes = np.diff(np.append(self.heads, len(self.who)))
        n = len(first)
        self.at_risk = self._running(np.concatenate([np.ones(n), -np.ones(n)]))
        self.of_level = self._running(np.concatenate([-slope[first], self.after + slope[first]]))

    def _running(self, change: Floats) -> Floats:
        """Return each child's running sum of what changes."""
        total = np.cumsum(change[self.order])
        base = np.concatenate([[0.0], total])[self.heads]
        running: Floats = total - np.repeat(base, self.sizes)
        return running

    def of_share(self, common: Floats, level: Floats, own: Floats) -> Floats:
        """Return, for each day, the sum over children of the square of what they do to one share."""
        first, last = self.first, self.last
        begun = self.slope[first] * level[first] - common[first]
        ended = common[last + 1] + begun - self.slope[first] * level[last + 1] + own - self.after * level[last + 1]
        constant = self._running(np.concatenate([begun, ended - begun]))
        curves = (common[1:], np.ones(self.n_days), level[1:])
        return self._squares((self.at_risk, constant, self.of_level), curves)

    def of_rest(self) -> Floats:
        """Return the same for the share not ended, over that share squared: its log is linear in the slope."""
        begun = -self.slope[self.first]
        constant = self._running(np.concatenate([begun, self.after - begun]))
        return self._squares((self.at_risk, constant), (self.slope[1:], np.ones(self.n_days)))

    def _squares(self, values: tuple[Floats, ...], curves: tuple[Floats, ...]) -> Floats:
        total = np.zeros(self.n_days)
        for i in range(len(values)):
            for j in range(i, len(values)):
                product = values[i] * values[j]
                change = np.diff(product, prepend=0.0)
                change[self.heads] = product[self.heads]
                summed = np.cumsum(np.bincount(self.when, change, minlength=self.n_days + 1)[: self.n_days])
                total += (1.0 if i == j else 2.0) * summed * curves[i] * curves[j]
        return np.maximum(total, 0.0)


def limits(share: Floats, se: Floats, interval: Interval) -> tuple[Floats, Floats]:
    """Return 95 % limits of a share on one of the scales of R's ``survfit(conf.type=)``.

    NaN where the share is 0 or 1 with the scales that have no such point, or where the error is 0.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> [float(x[0].round(4)) for x in limits(np.array([0.2]), np.array([0.05]), "log")]
    [0.1225, 0.3265]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if interval == "plain":
            low, high = share - Z95 * se, share + Z95 * se
        elif interval == "log":
            low, high = share * np.exp(-Z95 * se / share), share * np.exp(Z95 * se / share)
        else:
            away = Z95 * se / (share * np.log(share))
            low, high = (np.exp(-np.exp(np.log(-np.log(share)) + sign * away)) for sign in (-1, 1))
    known = (share > 0) & (se > 0)
    low, high = np.where(known, np.maximum(low, 0.0), np.nan), np.where(known, np.minimum(high, 1.0), np.nan)
    return low, high
