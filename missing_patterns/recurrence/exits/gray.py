"""Gray's test: do groups differ in how often spells end in one way, other ways of ending allowed for?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from missing_patterns.recurrence.common import Floats, Ints


def gray_test(group: Ints, stop: Floats, kind: Ints) -> tuple[float, int]:
    """Test whether the cumulative incidence of one way to end is the same in all groups.

    Parameters
    ----------
    group : array of int
        Group of each spell, 0, 1, 2...; every group has at least one.
    stop : array of float
        When it ended; all were followed from the origin. Ties are exact.
    kind : array of int
        1 = ended in the way that is tested, 2 = in another, 0 = follow-up ended.

    Returns
    -------
    statistic : float
        Chi-squared; NaN where nothing can be compared.
    df : int
        Groups less 1.

    Raises
    ------
    Nothing.

    Notes
    -----
    Gray RJ (1988), A class of K-sample tests for comparing the cumulative incidence of a competing risk, Annals of
    Statistics 16:1141-1154, with rho = 0; the numbers of ``cmprsk::cuminc`` in R. With ``R = Y (1 - F-) / S-`` of each
    group, the score of a group sums ``dN - dN. R / R.`` over days. Its variance is that of a sum of martingales: of
    each group's ends of either kind, with their tied ones allowed for as in the hypergeometric distribution.

    Examples
    --------
    >>> group, stop, kind = np.array([0, 0, 0, 1, 1, 1]), np.array([1.0, 2, 3, 4, 5, 6]), np.array([1, 1, 2, 1, 2, 0])
    >>> round(gray_test(group, stop, kind)[0], 6)
    2.438117
    """
    n_groups = int(group.max(initial=-1)) + 1
    df = max(n_groups - 1, 0)
    days, step = np.unique(stop[kind > 0], return_inverse=True)
    if n_groups < 2 or not len(days):
        return np.nan, df
    of_kind = np.zeros((2, len(days), n_groups))
    for k in (1, 2):
        np.add.at(of_kind[k - 1], (step[kind[kind > 0] == k], group[kind == k]), 1.0)
    last = np.searchsorted(days, stop, side="right")
    at_risk = np.zeros((len(days) + 1, n_groups))
    np.add.at(at_risk, (last, group), 1.0)
    at_risk = at_risk[::-1].cumsum(axis=0)[::-1][1:]
    score, variance = _sums(of_kind[0], of_kind[1], at_risk)
    score, variance = score[:-1], variance[:-1, :-1]
    if np.linalg.matrix_rank(variance) < df:
        return np.nan, df
    return float(score @ np.linalg.solve(variance, score)), df


def _sums(ended: Floats, other: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """Return the groups' scores and their covariance, from ends of both kinds and numbers at risk [days, groups]."""
    n_groups = ended.shape[1]
    share, left = np.zeros(n_groups), np.ones(n_groups)  # F and S of each group, just before the day
    pooled = 0.0
    score, spread = np.zeros(n_groups), np.zeros((n_groups, n_groups))
    weight = np.zeros((n_groups, n_groups))  # how far the scores look ahead through the pooled curve
    tail, cross = np.zeros(n_groups), np.zeros((n_groups, n_groups))
    for d1, d2, n in zip(ended, other, at_risk, strict=True):
        here = n > 0
        y, s = np.where(here, n, 1.0), np.where(left > 0, left, 1.0)
        after = np.where(here, left * (n - d1 - d2) / y, left)
        grown = np.where(here, share + left * d1 / y, share)
        r = np.where(here, n / s, 0.0)
        total, ones = r.sum(), d1.sum()
        by_share = r * (1 - share)
        score += np.where(here, d1 - ones * by_share / by_share.sum(), 0.0)
        a = np.diag(r) - np.outer(r, r) / total
        step = pooled + ones / total
        weight += a * ones / (total * (1 - pooled))
        if ones > 0:
            t4 = np.where(after > 0, 1 - (1 - step) / np.where(after > 0, after, 1.0), 1.0)
            ties = 1 - (ones - 1) / (total * s - 1) if ones > 1 else 1.0
            part = np.where(here, ties * s * ones / (total * y), 0.0)
            spread, tail, cross = _add(spread, tail, cross, (a - t4 * weight, t4, part))
        if d2.any():
            counts = here & (after > 0) & (d2 > 0)
            t4 = np.where(counts, (1 - step) / np.where(after > 0, after, 1.0), 0.0)
            ties = np.where(d2 > 1, 1 - (d2 - 1) / np.where(y > 1, y - 1, 1.0), 1.0)
            part = np.where(counts, ties * s**2 * d2 / y**2, 0.0)
            spread, tail, cross = _add(spread, tail, cross, (t4 * weight, -t4, part))
        share, left, pooled = grown, after, step
    reach = weight @ cross.T
    return score, spread + (weight * tail) @ weight.T + reach + reach.T


def _add(spread: Floats, tail: Floats, cross: Floats, parts: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    """Add one kind of end of one day to the variance: its own, the look ahead's, and the two together."""
    direct, ahead, size = parts
    return spread + (direct * size) @ direct.T, tail + ahead**2 * size, cross + direct * (ahead * size)
