"""Climbing the marginal likelihood: Newton's method on all coefficients, log frailties and theta together.

A million children make a million equations. They are solved by conjugate gradients, each step of which is one pass
over the rows, led by the solution of a simpler model, in which the baseline is known but for its height: there,
every child's frailty can be eliminated on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from missing_patterns.recurrence.common import Floats
from missing_patterns.recurrence.frailty.likelihood import Data, Point, evaluate, own_curvature, prior_constant

Pair = tuple[Floats, Floats]

#: Newton stops once the next step would add less than this to the log likelihood (and after taking that step).
SETTLED = 1e-8
MAX_STEPS = 60
#: Equations whose residual is left above this share of their right-hand side are not solved.
_UNSOLVED = 1e-4
#: The largest change of log theta in one step.
MAX_MOVE = 1.0
#: A theta of a thousand is nonsense; a climb that gets there has no top.
LARGEST_LOG_THETA = float(np.log(1e3))
#: A theta below this is none: it would change no child's rate by a thousandth.
SMALLEST_LOG_THETA = float(np.log(1e-7))


@dataclass(frozen=True, repr=False, eq=False)
class Top:
    """Where a climb ended.

    Parameters
    ----------
    beta : array [p]
        Coefficients.
    log_frailty : array [g]
        Log frailty of each group; never leaves this room.
    log_theta : float
        Log of theta.
    loglik : float
        Marginal log likelihood.
    point : Point
        The pass over the rows made there.
    slope, curvature : float
        First and second derivative by log theta of the profile (the height with all else following); the curvature
        NaN where theta was held.
    n_steps : int
        Newton steps.
    is_settled : bool
        Whether another step would have added nothing to speak of.

    Raises
    ------
    Nothing.
    """

    beta: Floats
    log_frailty: Floats
    log_theta: float
    loglik: float
    point: Point
    slope: float
    curvature: float
    n_steps: int
    is_settled: bool


def first_guess(counts: Floats, expected: Floats) -> float:
    """Return log theta at which the counts are likeliest to be negative binomial about what is expected of each group.

    Parameters
    ----------
    counts, expected : array [g]
        Events of each group, and those expected if all groups were alike.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> counts = rng.poisson(2.0 * rng.gamma(1 / 0.8, 0.8, 4000)).astype(float)
    >>> round(float(np.exp(first_guess(counts, np.full(4000, 2.0)))), 1)
    0.8
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    distinct, n = np.unique(counts, return_counts=True)

    def lost(log_theta: float) -> float:
        nu = np.exp(-log_theta)
        tail = n @ (distinct * log_theta + gammaln(nu + distinct) - gammaln(nu))
        return float(((nu + counts) * np.log1p(expected / nu)).sum() - tail)

    return float(minimize_scalar(lost, bounds=(-7.0, 5.0), method="bounded", options={"xatol": 0.02}).x)


class Simpler:
    """The model with a known baseline of unknown height: its equations solved by eliminating each frailty."""

    def __init__(self, point: Point, own_prior: Floats, with_covariates: bool) -> None:
        data = point.data
        self.p = data.matrix.shape[1] if with_covariates else 0
        weight = point.expected
        inner = np.empty((self.p + 1, self.p + 1))
        cross = data.weighted_per_group(weight, self.p)
        inner[0] = inner[:, 0] = cross.sum(axis=0)
        inner[1:, 1:] = data.weighted_square(weight) if self.p else 0.0
        self.own = cross[:, 0] + own_prior
        self.cross = cross
        self.inverse = np.linalg.pinv(inner - cross.T @ (cross / self.own[:, None]), hermitian=True)

    def __call__(self, right: Pair) -> Pair:
        """Solve for one right-hand side."""
        alone = right[1] / self.own
        outer = np.concatenate([[0.0], right[0]]) - alone @ self.cross
        common = self.inverse @ outer
        return common[1:], alone - (self.cross @ common) / self.own


def conjugate(
    times: Callable[[Pair], Pair], lead: Callable[[Pair], Pair], right: Pair, tolerance: float, most: int = 200
) -> Pair:
    """Solve symmetric positive equations by conjugate gradients, ``lead`` solving them nearly.

    Stops when the residual, in the norm of ``lead``, has fallen to ``tolerance`` of what it was at the start.
    """
    x = (np.zeros_like(right[0]), np.zeros_like(right[1]))
    residual = (right[0].copy(), right[1].copy())
    led = lead(residual)
    direction = led
    size = first = float(residual[0] @ led[0] + residual[1] @ led[1])
    for _ in range(most):
        if not size > first * tolerance**2:
            break
        product = times(direction)
        along = float(direction[0] @ product[0] + direction[1] @ product[1])
        if not along > 0:
            break
        step = size / along
        for k in (0, 1):
            x[k][...] += step * direction[k]
            residual[k][...] -= step * product[k]
        led = lead(residual)
        new = float(residual[0] @ led[0] + residual[1] @ led[1])
        direction = (led[0] + (new / size) * direction[0], led[1] + (new / size) * direction[1])
        size = new
    return x


@dataclass(frozen=True, repr=False, eq=False)
class _Place:
    """Where the climb stands: the arguments, the height there, and what the height is made of."""

    beta: Floats
    log_frailty: Floats
    log_theta: float
    point: Point
    height: float

    @classmethod
    def at(cls, data: Data, beta: Floats, log_frailty: Floats, log_theta: float) -> _Place:
        point = evaluate(data, beta, log_frailty)
        nu = float(np.exp(-log_theta))
        height = point.loglik + nu * float((log_frailty - np.expm1(log_frailty)).sum()) + prior_constant(data, nu)[0]
        return cls(beta, log_frailty, log_theta, point, height)


def _times(point: Point, own_prior: Floats) -> Callable[[Pair], Pair]:
    """Return the product with minus the second derivative by coefficients and log frailties."""
    data = point.data

    def times(v: Pair) -> Pair:
        u = data.to_rows(v[1])
        if len(v[0]):
            u += data.matrix @ v[0]
        bent = point.curvature_times(u)
        return (data.matrix.T @ bent if len(v[0]) else v[0] * 0.0), data.per_group(bent) + own_prior * v[1]

    return times


def _dot(a: Pair, b: Pair) -> float:
    return float(a[0] @ b[0] + a[1] @ b[1])


def climb(
    data: Data, beta: Floats, log_frailty: Floats, log_theta: float, *, theta_free: bool, accuracy: float = 1e-3
) -> Top:
    """Climb to the top of the marginal likelihood from a start; theta stays where it is unless it is free.

    Parameters
    ----------
    data : Data
        The rows.
    beta, log_frailty, log_theta
        Where to start.
    theta_free : bool
        Whether theta is sought, too.
    accuracy : float, default 1e-3
        How far the residual of each step's equations is brought down.

    Raises
    ------
    Nothing.
    """
    place = _Place.at(data, beta, log_frailty, log_theta)
    settled, slope, curvature, n_steps = False, np.nan, np.nan, 0
    while n_steps < MAX_STEPS:
        n_steps += 1
        nu = float(np.exp(-place.log_theta))
        w = place.log_frailty
        own_prior = nu * np.exp(w)
        times, lead = _times(place.point, own_prior), Simpler(place.point, own_prior, with_covariates=True)
        pull = nu * np.expm1(w)
        uphill = (data.matrix.T @ place.point.slope, data.per_group(place.point.slope) - pull)
        ahead = conjugate(times, lead, uphill, accuracy)
        gain, move = _dot(uphill, ahead), 0.0
        # By log theta: the height's own derivative, and what coefficients and frailties add by following.
        _, first, second = prior_constant(data, nu)
        by_nu = float((w - np.expm1(w)).sum()) + first
        slope = -nu * by_nu + float(pull @ ahead[1])
        if theta_free:
            drift = conjugate(times, lead, (beta * 0.0, pull), accuracy)
            curvature = nu * by_nu + nu * nu * second + float(pull @ drift[1])
            move = -slope / curvature if curvature < 0 else float(np.sign(slope))
            move = float(np.clip(move, -MAX_MOVE, MAX_MOVE))
            gain += abs(slope * move)
            ahead = (ahead[0] + move * drift[0], ahead[1] + move * drift[1])
        place, moved = _forward(place, ahead, move)
        settled = gain < SETTLED
        if settled or not moved or (theta_free and place.log_theta < SMALLEST_LOG_THETA):
            break
    nu = float(np.exp(-place.log_theta))
    if not theta_free:  # at the top the rest has no slope left to add
        slope = -nu * (float((place.log_frailty - np.expm1(place.log_frailty)).sum()) + prior_constant(data, nu)[1])
    settled = settled and place.log_theta < LARGEST_LOG_THETA
    found = (place.beta, place.log_frailty, place.log_theta, place.height, place.point)
    return Top(*found, slope=slope, curvature=curvature, n_steps=n_steps, is_settled=settled)


def _forward(place: _Place, ahead: Pair, move: float) -> tuple[_Place, bool]:
    """Go along a step, halving it until the height does not fall."""
    part = 1.0
    for _ in range(30):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            there = _Place.at(
                place.point.data,
                place.beta + part * ahead[0],
                place.log_frailty + part * ahead[1],
                place.log_theta + part * move,
            )
        if there.height >= place.height - 1e-12 * abs(place.height):
            return there, True
        part /= 2
    return place, False


def covariances(top: Top) -> tuple[Floats, Floats | None]:
    """Return the covariance of the coefficients at the top, theta held: sparse and full.

    Full: the block of coefficients of the inverse of the whole matrix of second derivatives; None where its equations
    could not be solved. Sparse: the same with the products of two groups' frailties left out, as R's ``coxph`` does
    where groups are many.

    Parameters
    ----------
    top : Top
        From :func:`climb`.

    Raises
    ------
    Nothing.
    """
    data, point = top.point.data, top.point
    p = data.matrix.shape[1]
    if not p:
        return np.zeros((0, 0)), np.zeros((0, 0))
    own_prior = np.exp(top.log_frailty - top.log_theta)
    bent = [point.curvature_times(np.ascontiguousarray(data.matrix[:, k])) for k in range(p)]
    inner = np.array([data.matrix.T @ b for b in bent])
    cross = np.array([data.per_group(b) for b in bent])
    own = own_curvature(point) + own_prior
    sparse = _inverse(inner - (cross / own) @ cross.T)
    none = np.zeros(0)
    times, lead = _times(point, own_prior), Simpler(point, own_prior, with_covariates=False)
    solved = np.array([conjugate(times, lead, (none, c), 1e-7)[1] for c in cross])
    back = np.array([times((none, s))[1] for s in solved])
    if not np.linalg.norm(back - cross) <= _UNSOLVED * np.linalg.norm(cross):
        return sparse, None
    # As it stands the error is of second order in that of ``solved``.
    taken = cross @ solved.T
    return sparse, _inverse(inner - (taken + taken.T - solved @ back.T))


def _inverse(curvature: Floats) -> Floats:
    """Invert on the scale of correlations; directions without curvature are cut off."""
    size = np.sqrt(np.maximum(np.diag(curvature), np.finfo(np.float64).tiny))
    scaled = (curvature + curvature.T) / 2 / np.outer(size, size)
    inverse: Floats = np.linalg.pinv(scaled, rcond=1e-13, hermitian=True) / np.outer(size, size)
    return inverse
