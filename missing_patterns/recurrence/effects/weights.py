"""Inverse-probability weights for who is acted on when, and the weighted Cox models of the next episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from missing_patterns.recurrence.common import Bools, Floats, Ints
from missing_patterns.recurrence.cox.likelihood import Likelihood, Terms, score_by_cluster
from missing_patterns.recurrence.cox.risk import risk_sets

#: Days at which weights of those not acted on yet are brought up to date: most actions come within days.
CUTS = (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 14.0, 21.0, 28.0, 42.0, 60.0, 90.0, 180.0, 365.0)

#: Weights beyond these percentiles are drawn in to them.
TRUNCATION = (1.0, 99.0)

#: A covariate's coefficient, per standard deviation, is held as if it came from a normal distribution with sd 1: too
#: wide to matter where there is much data, and enough that a rare one does not run off.
PRIOR_PRECISION = 1.0


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Rows:
    """Time at risk in rows: before the action, cut at days, and after it.

    Parameters
    ----------
    start, stop : array
        Days since the return, at risk on (start, stop].
    event : array
        Whether the row ends with the next episode.
    acted : array
        1 after the action, 0 before it or without one.
    at : array
        Number of the return.
    middle : array
        When the weight of a row is read: at the middle of one that is not acted on, at the action of one that is.

    Raises
    ------
    Nothing.
    """

    start: Floats
    stop: Floats
    event: Bools
    acted: Floats
    at: Ints
    middle: Floats

    def __repr__(self) -> str:
        return f"Rows: {len(self.at):,}"

    def take(self, kept: Bools) -> Rows:
        """Return some of the rows."""
        return Rows(*(getattr(self, name)[kept] for name in ("start", "stop", "event", "acted", "at", "middle")))


def cut_rows(stop: Floats, event: Bools, act: Floats, cuts: tuple[float, ...] = CUTS) -> Rows:
    """Cut each return's follow-up at its action and, before that, at some days.

    Parameters
    ----------
    stop, event, act : array
        As in ``Returns``.
    cuts : tuple of float
        Days, ascending.

    Returns
    -------
    Rows

    Raises
    ------
    Nothing.

    Examples
    --------
    Acted on after two and a half days, and gone again on day 9.

    >>> rows = cut_rows(np.array([9.0]), np.array([True]), np.array([2.5]))
    >>> rows.start.tolist(), rows.stop.tolist(), rows.acted.tolist()
    ([0.0, 1.0, 2.0, 2.5], [1.0, 2.0, 2.5, 9.0], [0.0, 0.0, 0.0, 1.0])
    >>> rows.event.tolist()
    [False, False, False, True]
    """
    until = np.minimum(stop, act)
    edges = np.array([0.0, *cuts, np.inf])
    n_pieces = np.searchsorted(np.asarray(cuts), until, side="left") + 1
    n_pieces[until <= 0] = 0
    at = np.repeat(np.arange(len(stop)), n_pieces)
    piece = np.arange(len(at)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
    start, end = edges[piece], np.minimum(edges[piece + 1], until[at])
    acted = np.flatnonzero(np.isfinite(act))
    last = end == until[at]
    return Rows(
        start=np.concatenate([start, act[acted]]),
        stop=np.concatenate([end, stop[acted]]),
        event=np.concatenate([last & event[at] & ~np.isfinite(act[at]), event[acted]]),
        acted=np.concatenate([np.zeros(len(at)), np.ones(len(acted))]),
        at=np.concatenate([at, acted]).astype(np.int64),
        middle=np.concatenate([(start + end) / 2, act[acted]]),
    )


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Fitted:
    """A Cox model at its largest (penalised) likelihood."""

    beta: Floats
    terms: Terms
    likelihood: Likelihood
    converged: bool

    def __repr__(self) -> str:
        return f"Fitted: {len(self.beta)} coefficients"


def maximise(likelihood: Likelihood, precision: Floats, start: Floats | None = None, tolerance: float = 1e-7) -> Fitted:
    """Climb to the largest likelihood, less ``precision * beta**2 / 2``, by Newton's steps, halved if they overshoot.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> risk = risk_sets(np.zeros(3), np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=bool), np.zeros(3, dtype=np.int64))
    >>> x = np.array([[1.0], [0.0], [1.0]])
    >>> fit = maximise(Likelihood(x, risk, np.ones(3), np.zeros(3), "efron"), np.zeros(1))
    >>> bool(abs(fit.terms.score[0]) < 1e-8)
    True
    """
    beta = np.zeros(likelihood.matrix.shape[1]) if start is None else start.copy()
    terms = likelihood.at(beta)
    value = terms.log_likelihood - precision @ beta**2 / 2
    for _ in range(40):
        step = np.linalg.lstsq(terms.information + np.diag(precision), terms.score - precision * beta, rcond=1e-12)[0]
        step *= min(1.0, 4.0 / max(float(np.abs(step).max(initial=0.0)), 1e-300))
        for _ in range(12):
            new = likelihood.at(beta + step)
            gained = new.log_likelihood - precision @ (beta + step) ** 2 / 2
            if np.isfinite(gained) and gained >= value - 1e-9 * (1 + abs(value)):
                break
            step = step / 2
        beta, terms, value = beta + step, new, gained
        if float(np.abs(step).max(initial=0.0)) < tolerance:
            return Fitted(beta, terms, likelihood, bool(np.abs(beta).max(initial=0.0) < 15))
    return Fitted(beta, terms, likelihood, converged=False)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Chance:
    """A model of the time to the action among those still back and not acted on yet."""

    beta: Floats
    times: Floats
    hazard: Floats
    hazard_all: Floats
    risk: Floats

    def __repr__(self) -> str:
        return f"Chance: {len(self.times):,} moments, {len(self.beta)} covariates"

    def by(self, days: float) -> Floats:
        """Return each return's chance of having been acted on by so many days, were the child still back."""
        met = float(self.hazard[self.times <= days].sum())
        return np.asarray(-np.expm1(-met * self.risk), dtype=np.float64)

    def weights(self, rows: Rows) -> Floats:
        """Return the stabilised weight of each row: the chance of its course given time alone, over that given all.

        Before the action, S(t) / S(t | covariates); from it on, that times h(a) / h(a | covariates).
        """
        so_far = np.concatenate([[[0.0], [0.0]], np.cumsum([self.hazard, self.hazard_all], axis=1)], axis=1)
        before = np.searchsorted(self.times, rows.middle, side="left")
        relative = self.risk[rows.at]
        weight = np.exp(so_far[0][before] * relative - so_far[1][before])
        acted = np.flatnonzero(rows.acted > 0)
        step = np.searchsorted(self.times, rows.middle[acted], side="left")
        step = np.minimum(step, len(self.times) - 1)
        weight[acted] *= self.hazard_all[step] / (self.hazard[step] * relative[acted])
        return np.asarray(weight, dtype=np.float64)


def chance_of_action(
    stop: Floats,
    act: Floats,
    matrix: Floats,
    weight: Floats | None = None,
    start: Floats | None = None,
    tolerance: float = 1e-7,
) -> Chance:
    """Fit the time to the action among those still back and not acted on yet.

    Going again, and the end of follow-up, end the time at risk of being acted on. Actions at the moment of the return
    happen just after it.

    Parameters
    ----------
    stop, act : array [n]
        As in ``Returns``.
    matrix : array [n, p]
        Standardised covariates.
    weight : array [n], optional
        How often each return counts.
    start : array [p], optional
        Coefficients to begin from.
    tolerance : float, default 1e-7
        The last step of the coefficients is smaller than this; what is left is about its square.

    Returns
    -------
    Chance

    Raises
    ------
    Nothing.

    Examples
    --------
    With no covariate that matters every weight is one.

    >>> act = np.array([1.0, 2.0, np.inf, np.inf])
    >>> found = chance_of_action(np.full(4, 9.0), act, np.array([[1.0], [-1.0], [1.0], [-1.0]]))
    >>> rows = cut_rows(np.full(4, 9.0), np.zeros(4, dtype=bool), act)
    >>> bool(np.abs(found.weights(rows) - 1).max() < 0.3)
    True
    """
    once = np.ones(len(stop)) if weight is None else weight
    kept = np.flatnonzero(once > 0)
    until = np.maximum(np.minimum(stop, act), 1e-9)
    risk = risk_sets(np.zeros(len(kept)), until[kept], np.isfinite(act[kept]), np.zeros(len(kept), dtype=np.int64))
    likelihood = Likelihood(matrix[kept], risk, once[kept], np.zeros(len(kept)), "breslow")
    none = likelihood.at(np.zeros(matrix.shape[1]))
    fit = maximise(likelihood, np.full(matrix.shape[1], PRIOR_PRECISION), start, tolerance)
    with np.errstate(over="ignore"):
        relative = np.exp(matrix @ fit.beta)
    return Chance(fit.beta, risk.times, fit.terms.hazard, none.hazard, relative)


def truncate(weight: Floats, acted: Floats, percentiles: tuple[float, float] = TRUNCATION) -> tuple[Floats, int]:
    """Draw extreme weights in to the percentiles of their own group, and say how many were.

    The groups are rows after the action and rows before or without one, which are many more.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> weight, n = truncate(np.array([0.1, *[1.0] * 98, 9.0]), np.zeros(100))
    >>> float(weight.max()) < 2, n
    (True, 2)
    """
    held, n_outside = weight.copy(), 0
    for group in (acted > 0, acted == 0):
        if group.any():
            low, high = np.percentile(weight[group], percentiles)
            n_outside += int(((weight[group] < low) | (weight[group] > high)).sum())
            held[group] = np.clip(weight[group], low, high)
    return held, n_outside


def outcome(
    rows: Rows,
    weight: Floats,
    matrix: Floats | None,
    *,
    stratum: Ints | None = None,
    start: Floats | None = None,
    tolerance: float = 1e-7,
) -> Fitted:
    """Fit the rate of the next episode after the action over that without, in days since the return (Efron's ties).

    The first coefficient is that of ``acted``, which is not held in; those of ``matrix`` are.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> rows = cut_rows(np.array([9.0, 4.0, 6.0]), np.array([True, True, False]), np.array([2.0, np.inf, np.inf]))
    >>> fit = outcome(rows, np.ones(len(rows.at)), None)
    >>> fit.converged
    False
    """
    strata = np.zeros(len(rows.at), dtype=np.int64) if stratum is None else stratum
    columns = rows.acted[:, None] if matrix is None else np.column_stack([rows.acted, matrix[rows.at]])
    risk = risk_sets(rows.start, rows.stop, rows.event, strata)
    likelihood = Likelihood(columns, risk, weight, np.zeros(len(weight)), "efron")
    precision = np.full(columns.shape[1], PRIOR_PRECISION)
    precision[0] = 0.0
    return maximise(likelihood, precision, start, tolerance)


def robust_se(fit: Fitted, cluster: Ints) -> float:
    """Return the standard error of the first coefficient, robust to what is alike within a child.

    0 where the rows say nothing of it: no episode began while both groups were at risk.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> rows = cut_rows(np.array([9.0, 4.0, 6.0, 7.0]), np.ones(4, dtype=bool), np.array([2.0, np.inf, 1.0, np.inf]))
    >>> se = robust_se(outcome(rows, np.ones(len(rows.at)), None), rows.at)
    >>> bool(0.1 < se < 3)
    True
    """
    if fit.terms.information[0, 0] < 1e-9:
        return 0.0
    precision = np.full(len(fit.beta), PRIOR_PRECISION)
    precision[0] = 0.0
    bread = np.linalg.pinv(fit.terms.information + np.diag(precision))
    scores = score_by_cluster(fit.likelihood, fit.terms, cluster, int(cluster.max(initial=-1)) + 1)
    meat = scores.T @ scores
    return float(np.sqrt((bread @ meat @ bread)[0, 0]))
