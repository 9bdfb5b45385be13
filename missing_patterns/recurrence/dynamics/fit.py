"""Maximum likelihood for repeat dynamics: starts, bounds, curvature and profiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Floats, Ints
from missing_patterns.recurrence.dynamics.factors import Factors
from missing_patterns.recurrence.dynamics.history import History
from missing_patterns.recurrence.dynamics.likelihood import Likelihood, Parameters, Value
from missing_patterns.recurrence.dynamics.rows import Rows

DAYS_PER_YEAR = 365.25

#: The parameters, in the order of ``covariance_``.
PARAMETERS = ("rate_per_year", "alpha", "lag_days", "frailty_shape")

#: Bounds of log rate a day, alpha, log lag in days, and log shape. A lag below half a day would be an artefact of
#: times rounded to one moment, one above half a year is no short run; beyond a shape of 500 children's rates are alike.
LOWER = np.array([np.log(1e-9), 0.0, np.log(0.5), np.log(0.02)])
UPPER = np.array([np.log(50.0), 1.5, np.log(180.0), np.log(500.0)])

#: Where all children are taken to be alike, long lags are how the fit makes up for it: it may have them.
_LONGEST_IF_ALIKE = np.log(365.0)

#: Bound of the coefficient of a covariate, either way, in spreads of the covariate.
STEEPEST = 6.0

#: Lags and further episodes from which the search may start: the likelihood can have more than one peak.
_LAGS = (3.0, 12.0, 40.0, 120.0)
_ALPHAS = (0.1, 0.4)

#: With more children than this, a search among so many of them finds where the search among all starts.
START_CHILDREN = 10_000

#: What the optimiser may change a parameter by at first: about the curvature of a likelihood per child.
_SCALE = np.array([0.5, 0.3, 0.8, 0.8])

#: A search has settled where no parameter, so scaled, would gain more than this per child.
_SETTLED = 1e-5


@dataclass(frozen=True, slots=True)
class Fitted:
    """Where a log-likelihood is largest; ``theta`` is log rate a day, alpha, log lag, log shape, coefficients."""

    theta: Floats
    value: Value
    n_evaluations: int
    converged: bool

    @property
    def at(self) -> Parameters:
        """The parameters."""
        return Parameters.of(self.theta)


def bounds_of(theta: Floats) -> tuple[Floats, Floats]:
    """Return the lower and upper bounds of the vector that is optimised.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> low, high = bounds_of(np.zeros(5))
    >>> float(low[4]), float(high[1])
    (-6.0, 1.5)
    """
    steep = np.full(len(theta) - 4, STEEPEST)
    low, high = np.concatenate([LOWER, -steep]), np.concatenate([UPPER, steep])
    if np.isinf(theta[3]):
        high[2:4] = _LONGEST_IF_ALIKE, np.inf
    return low, high


def maximise(likelihood: Likelihood, start: Floats, fixed: tuple[int, ...] = ()) -> Fitted:
    """Climb from a start to the nearest peak, within the bounds, moving only the parameters that are not fixed.

    Raises
    ------
    Nothing.
    """
    from scipy.optimize import minimize

    free = np.isfinite(start)
    free[list(fixed)] = False
    low, high = (limit[free] for limit in bounds_of(start))
    scale = np.concatenate([_SCALE, np.full(len(start) - 4, 0.3)])[free]
    n = likelihood.history.n_children
    best: list[tuple[Floats, Value]] = []
    calls = 0

    def cost(z: Floats) -> tuple[float, Floats]:
        nonlocal calls
        calls += 1
        theta = start.copy()
        theta[free] = np.clip(z * scale, low, high)
        value = likelihood(Parameters.of(theta))
        if not best or value.loglik > best[0][1].loglik:
            best[:] = [(theta, value)]
        return -value.loglik / n, -value.gradient[free] * scale / n

    bounds = list(zip(low / scale, high / scale, strict=True))
    options = {"ftol": 1e-14, "gtol": 1e-7, "maxiter": 200, "maxls": 30}
    first = np.clip(start[free], low, high)
    settled = False
    for _ in range(
        3
    ):  # where the search gives up on a ridge, it begins again from there with a fresh idea of the slope
        minimize(cost, first / scale, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        theta, value = best[0]
        first = theta[free]
        slope = value.gradient[free] * scale / n
        inside = ((first > low) | (slope > 0)) & ((first < high) | (slope < 0))
        settled = bool(np.abs(slope[inside]).max(initial=0.0) < _SETTLED)
        if settled:
            break
    return Fitted(*best[0], calls, settled)


def fit_null(likelihood: Likelihood) -> Fitted:
    """Fit the rate, the frailty and covariates alone: no episode brings another.

    Raises
    ------
    Nothing.
    """
    h = likelihood.history
    start = np.concatenate([[_plain_rate(likelihood), 0.0, np.log(14.0), 0.0], np.zeros(h.x.shape[1])])
    return maximise(likelihood, start, fixed=(1, 2))


def _plain_rate(likelihood: Likelihood) -> float:
    h = likelihood.history
    return float(np.log(0.7 * h.n_events.sum() / h.exposure.sum()))


def fit_full(likelihood: Likelihood, null: Fitted, *, alike: bool = False) -> Fitted:
    """Fit everything, from the best of several lags; with ``alike``, all children have one rate.

    Where no start leads above the fit without excitation, that fit is returned: alpha is then 0 and the lag
    means nothing.

    Raises
    ------
    Nothing.
    """
    starts = []
    for alpha in _ALPHAS:
        for lag in _LAGS:
            theta = null.theta.copy()
            theta[1:3] = alpha, np.log(lag)
            theta[0] += np.log1p(-alpha)
            theta[3] += alpha  # what came in clusters made children look less alike than they are
            if alike:
                theta[[0, 3]] = _plain_rate(likelihood), np.inf
            starts.append(np.clip(theta, *bounds_of(theta)))
    values = [likelihood(Parameters.of(theta)).loglik for theta in starts]
    found = maximise(likelihood, starts[int(np.argmax(values))])
    if not alike and found.value.loglik <= null.value.loglik:
        return null
    return found


def fit_all(rows: Rows, *, zero_truncated: bool, n_nodes: int) -> tuple[Likelihood, Fitted, Fitted, Fitted]:
    """Fit with and without excitation, and with all children alike: likelihood, full, null, alike.

    Raises
    ------
    Nothing.
    """
    n = rows.n_children
    likelihood = Likelihood(History(rows), zero_truncated=zero_truncated, n_nodes=n_nodes)
    if n <= 2 * START_CHILDREN:
        null = fit_null(likelihood)
        return likelihood, fit_full(likelihood, null), null, fit_full(likelihood, null, alike=True)
    # Children stand in order of looks: every so-manyth is a fair sample of them, whatever their ids.
    every = np.zeros(n, dtype=bool)
    every[:: n // START_CHILDREN] = True
    some = Likelihood(History(rows.of_children(every)), zero_truncated=zero_truncated, n_nodes=n_nodes)
    first = fit_null(some)
    null = maximise(likelihood, first.theta, fixed=(1, 2))
    full = maximise(likelihood, fit_full(some, first).theta)
    alike = maximise(likelihood, fit_full(some, first, alike=True).theta)
    return likelihood, full if full.value.loglik > null.value.loglik else null, null, alike


def curvature(likelihood: Likelihood, theta: Floats, at: Ints) -> Floats:
    """Return minus the second derivatives of the log-likelihood by some parameters: differences of its exact gradient.

    Raises
    ------
    Nothing.
    """
    matrix = np.empty((len(at), len(at)))
    for row, k in enumerate(at.tolist()):
        step = np.zeros(len(theta))
        step[k] = 1e-4
        above, below = (likelihood(Parameters.of(theta + sign * step)).gradient for sign in (1.0, -1.0))
        matrix[row] = (below - above)[at] / 2e-4
    return 0.5 * (matrix + matrix.T)


def profile_limit(
    likelihood: Likelihood, full: Fitted, error: float, side: int, drop: float
) -> tuple[float, bool, Fitted]:
    """Return the alpha on one side of the estimate at which the log-likelihood, the rest refitted, is ``drop`` lower.

    The signed root of the drop is almost straight in alpha, so that few refits are needed. Returns the limit, whether
    it was found (the bounds of alpha stand in for a limit beyond them), and the best fit met, which is ``full`` unless
    that was no peak.

    Raises
    ------
    Nothing.
    """
    top, centre, best = full.value.loglik, float(full.theta[1]), full
    edge = float(LOWER[1] if side < 0 else UPPER[1])
    wanted = float(np.sqrt(drop))
    near, near_root, warm = centre, 0.0, full.theta
    far, far_root = edge, np.inf
    alpha = centre + side * (1.96 * error if np.isfinite(error) and error > 0 else 0.05)
    for _ in range(25):
        alpha = min(max(alpha, float(LOWER[1])), float(UPPER[1]))
        theta = warm.copy()
        theta[1] = alpha
        refit = maximise(likelihood, theta, fixed=(1,))
        best = refit if refit.value.loglik > best.value.loglik else best
        root = float(np.sqrt(max(top - refit.value.loglik, 0.0)))
        if abs(root - wanted) < 1e-3:
            break
        if root < wanted:
            if alpha == edge:
                return edge, False, best
            near, near_root, warm = alpha, root, refit.theta
        else:
            far, far_root = alpha, root
        if np.isinf(far_root):
            grows = near_root / abs(near - centre) if near != centre else 0.0
            further = abs(wanted - near_root) / grows if grows > 0 else 0.05
            alpha = near + side * min(max(further, 1e-4), 0.5)
        else:
            share = (wanted - near_root) / (far_root - near_root)
            alpha = near + (far - near) * min(max(share, 0.05), 0.95)
    return alpha, True, best


def covariance(likelihood: Likelihood, full: Fitted, factors: Factors) -> pd.DataFrame:
    """Return the inverse curvature in the units of the parameters; NaN for parameters on the edge.

    Raises
    ------
    Nothing.
    """
    theta = full.theta
    low, high = bounds_of(theta)
    inside = (theta > low + 2e-4) & (theta < high - 2e-4)
    if theta[1] <= low[1] + 2e-4:
        inside[2] = False  # without further episodes there is no lag
    units = np.concatenate([np.exp(theta[:4]), 1.0 / factors.spread])
    units[0] *= DAYS_PER_YEAR
    units[1] = 1.0
    at = np.flatnonzero(inside)
    information = curvature(likelihood, theta, at)
    matrix: Floats = np.full((len(theta), len(theta)), np.nan)
    if (np.linalg.eigvalsh(information) > 0).all():
        matrix[np.ix_(at, at)] = np.linalg.inv(information) * np.outer(units[at], units[at])
    if theta[3] <= low[3] + 2e-4:  # the rate of children who are not on file is then not known either
        matrix[0], matrix[:, 0] = np.nan, np.nan
    names = [*PARAMETERS, *factors.names]
    return pd.DataFrame(matrix, index=names, columns=names)
