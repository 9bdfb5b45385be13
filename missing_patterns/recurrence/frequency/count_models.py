"""Fitting counts of episodes with exposure: Poisson and negative binomial, whole or without zeros."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from missing_patterns.recurrence.common import Floats

#: Beyond these, the spread between children cannot be told from none, or runs off.
SMALLEST_THETA, LARGEST_THETA = 1e-4, 1e7

#: A standardised coefficient with an error beyond this runs off to infinity.
RUNS_OFF = 50.0


@dataclass(frozen=True, slots=True, repr=False)
class Fit:
    """A fitted model of counts, in the columns handed in.

    Parameters
    ----------
    coef : array [p]
        Log of the rate per unit of exposure, or of rate ratios.
    covariance, robust : array [p, p]
        From the model, and from each child's part in the slope.
    theta, se_theta : float
        Shape of the gamma distribution of children's own rates about the mean (variance 1 / theta); infinite for
        Poisson.
    log_likelihood : float
        With all constants.
    mean : array [n]
        Expected episodes of each child (before zeros are taken away).
    settled : bool
        Whether the search came to rest.
    runs_off : tuple of bool
        For each coefficient, whether it runs off to infinity.

    Raises
    ------
    Nothing.
    """

    coef: Floats
    covariance: Floats
    robust: Floats
    theta: float
    se_theta: float
    log_likelihood: float
    mean: Floats
    settled: bool
    runs_off: tuple[bool, ...] = ()

    def __repr__(self) -> str:
        return f"Fit: {len(self.coef)} coefficients, {len(self.mean):,} children"


def log_likelihood(y: Floats, mean: Floats, theta: float, *, truncated: bool) -> float:
    """Return the log-likelihood of counts, Poisson where theta is infinite.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> round(log_likelihood(np.array([0.0, 2.0]), np.array([1.0, 1.0]), np.inf, truncated=False), 4)
    -2.6931
    """
    from scipy.special import gammaln, xlogy

    if np.isinf(theta):
        each = xlogy(y, mean) - mean - gammaln(y + 1)
        none = -mean
    else:
        none = -theta * np.log1p(mean / theta)
        each = gammaln(theta + y) - gammaln(theta) - gammaln(y + 1) + none + xlogy(y, mean / (mean + theta))
    if truncated:
        each = each - np.log(-np.expm1(none))
    return float(each.sum())


def _theta_slope(theta: float, at_least: Floats, y: Floats, mean: Floats) -> float:
    """Return the slope of the log-likelihood in theta; sums of digamma differences are made of 1 / (theta + j)."""
    steps = np.arange(len(at_least))
    over = float((at_least / (theta + steps)).sum())
    return over - float(np.log1p(mean / theta).sum()) + float(((mean - y) / (mean + theta)).sum())


def _theta_curvature(theta: float, at_least: Floats, y: Floats, mean: Floats) -> float:
    """Return minus the second derivative in theta, means held."""
    steps = np.arange(len(at_least))
    over = float((at_least / (theta + steps) ** 2).sum())
    return over - float((mean / (theta * (theta + mean))).sum()) + float(((mean - y) / (mean + theta) ** 2).sum())


def _more_than(y: Floats) -> Floats:
    """Return how many counts exceed 0, 1, 2, ..."""
    counts = np.bincount(y.astype(np.int64))
    above: Floats = (counts.sum() - np.cumsum(counts))[:-1].astype(np.float64)
    return above


def _theta(y: Floats, mean: Floats) -> tuple[float, float]:
    """Return theta of largest likelihood for given means, and its standard error; infinite where there is no spread."""
    from scipy.optimize import brentq

    at_least = _more_than(y)

    def slope(log_theta: float) -> float:
        return _theta_slope(float(np.exp(log_theta)), at_least, y, mean)

    low, high = np.log(SMALLEST_THETA), np.log(LARGEST_THETA)
    if slope(high) >= 0:
        return np.inf, np.nan
    if slope(low) <= 0:
        return SMALLEST_THETA, np.nan
    # Far to the right the slope is below 0 however it began: take the sign change furthest left of it.
    theta = float(np.exp(brentq(slope, low, high, xtol=1e-14, rtol=8.9e-16)))
    curvature = _theta_curvature(theta, at_least, y, mean)
    return theta, float(1 / np.sqrt(curvature)) if curvature > 0 else np.nan


def fit_counts(y: Floats, matrix: Floats, exposure: Floats, *, spread: bool, truncated: bool) -> Fit:
    """Fit counts with exposure.

    Parameters
    ----------
    y : array [n]
        Episodes.
    matrix : array [n, p]
        Columns, the first all 1; of full rank.
    exposure : array [n]
        Days, above 0.
    spread : bool
        Negative binomial, rather than Poisson.
    truncated : bool
        Whether only children with an episode are on file.

    Returns
    -------
    Fit

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> y, exposure = np.array([0.0, 1, 5, 0, 2, 9, 0, 1]), np.full(8, 100.0)
    >>> made = fit_counts(y, np.ones((8, 1)), exposure, spread=True, truncated=False)
    >>> round(float(np.exp(made.coef[0])), 4), round(made.theta, 3)
    (0.0225, 0.616)
    """
    middle, width = matrix.mean(axis=0), matrix.std(axis=0)
    middle[0], width[0] = 0.0, 1.0
    scaled = (matrix - middle) / width
    offset = np.log(exposure)
    if truncated:
        made = _fit_truncated(y, scaled, offset, spread=spread)
    else:
        made = _fit_whole(y, scaled, offset, spread=spread)
    back = np.diag(1 / width)
    back[0] -= middle / width * (np.arange(len(width)) > 0)
    variance = np.diag(made.covariance)
    off = ~((variance > 0) & (variance <= RUNS_OFF**2))
    off[0] = False
    covariance, robust = back @ made.covariance @ back.T, back @ made.robust @ back.T
    if off.any():
        # Where a coefficient is at infinity its children weigh nothing: the others' errors are those without it.
        kept = np.ix_(~off, ~off)
        covariance[:], robust[:] = np.nan, np.nan
        if not truncated:
            covariance[kept], robust[kept] = _errors(y, matrix[:, ~off], made.mean, made.theta)
    return Fit(
        coef=back @ made.coef,
        covariance=covariance,
        robust=robust,
        theta=made.theta,
        se_theta=made.se_theta,
        log_likelihood=made.log_likelihood,
        mean=made.mean,
        settled=made.settled and not off.any(),
        runs_off=tuple(off.tolist()),
    )


def _errors(y: Floats, matrix: Floats, mean: Floats, theta: float) -> tuple[Floats, Floats]:
    """Return the covariance of the coefficients, theta held, and the robust one; NaN where there is none."""
    less = 1 + mean / theta
    try:
        covariance = np.asarray(np.linalg.inv((matrix * (mean / less)[:, None]).T @ matrix))
    except np.linalg.LinAlgError:
        covariance = np.full((matrix.shape[1], matrix.shape[1]), np.nan)
    slopes = matrix * ((y - mean) / less)[:, None]
    return covariance, covariance @ (slopes.T @ slopes) @ covariance


def _glm(y: Floats, matrix: Floats, offset: Floats, theta: float, start: Floats | None) -> Floats:
    import statsmodels.api as sm

    family = sm.families.Poisson() if np.isinf(theta) else sm.families.NegativeBinomial(alpha=1 / theta)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they tell is told by the caller, by name
        model = sm.GLM(y, matrix, family=family, offset=offset)
        found = model.fit(start_params=start, tol=1e-13, tol_criterion="params", maxiter=50)
    coef: Floats = np.asarray(found.params)
    return coef


def _fit_whole(y: Floats, matrix: Floats, offset: Floats, *, spread: bool) -> Fit:
    """Fit by statsmodels; theta and the coefficients in turn, which do not lean on each other."""
    theta, se_theta, settled = np.inf, np.nan, True
    coef = _glm(y, matrix, offset, theta, None)
    mean = np.exp(matrix @ coef + offset)
    for turn in range(100 if spread else 0):
        last = theta
        theta, se_theta = _theta(y, mean)
        if np.isinf(theta) and np.isinf(last):
            break
        if np.isfinite(last) and abs(theta - last) <= 1e-13 * theta:
            break
        coef = _glm(y, matrix, offset, theta, coef)
        mean = np.exp(matrix @ coef + offset)
        settled = turn < 99
    covariance, robust = _errors(y, matrix, mean, theta)
    found = log_likelihood(y, mean, theta, truncated=False)
    settled = settled and theta > SMALLEST_THETA
    return Fit(coef, covariance, robust, theta, se_theta, found, mean, settled)


def _slopes(at: Floats, y: Floats, matrix: Floats, offset: Floats, *, spread: bool) -> Floats:
    """Return each child's slope of the zero-truncated log-likelihood in the coefficients and the log of theta."""
    p = matrix.shape[1]
    mean = np.exp(np.minimum(matrix @ at[:p] + offset, 300.0))
    theta = float(np.exp(at[p])) if spread else np.inf
    less = 1 + mean / theta
    none = -mean if np.isinf(theta) else -theta * np.log1p(mean / theta)
    hidden = np.exp(none) / -np.expm1(none)  # P(0) / (1 - P(0))
    columns = matrix * ((y - mean) / less - hidden * mean / less)[:, None]
    if not spread:
        return columns
    from scipy.special import digamma

    of_none = -np.log1p(mean / theta) + mean / (mean + theta)
    of_theta = digamma(theta + y) - digamma(theta) - np.log1p(mean / theta) + (mean - y) / (mean + theta)
    return np.column_stack([columns, theta * (of_theta + hidden * of_none)])


def _fit_truncated(y: Floats, matrix: Floats, offset: Floats, *, spread: bool) -> Fit:
    """Fit by Newton steps within a search that cannot leave the bounds of theta."""
    from scipy.optimize import minimize, root

    p = matrix.shape[1]
    n = len(y)

    def loss(at: Floats) -> tuple[float, Floats]:
        mean = np.exp(np.minimum(matrix @ at[:p] + offset, 300.0))
        theta = float(np.exp(at[p])) if spread else np.inf
        value = log_likelihood(y, mean, theta, truncated=True)
        return -value / n, -_slopes(at, y, matrix, offset, spread=spread).sum(axis=0) / n

    begin = np.zeros(p + spread)
    begin[0] = np.log(y.sum() / np.exp(offset).sum())
    bounds = [(-50.0, 50.0)] * p + ([(np.log(SMALLEST_THETA), np.log(LARGEST_THETA))] if spread else [])
    with np.errstate(all="ignore"):
        found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000})
        at = np.asarray(found.x)
        better = root(lambda x: loss(x)[1], at, jac=lambda x: _curvature(x, loss), tol=1e-13)
        if bool(np.isfinite(better.x).all()) and np.abs(better.x - at).max() < 0.1:
            at = np.asarray(better.x)
        curvature = n * _curvature(at, loss)
    inside = not spread or bool(np.log(SMALLEST_THETA) + 1 < at[p] < np.log(LARGEST_THETA) - 1)
    kept = slice(None) if inside else slice(0, p)
    whole = np.full((p + spread, p + spread), np.nan)
    whole[kept, kept] = np.linalg.pinv(curvature[kept, kept], hermitian=True)
    slopes = _slopes(at, y, matrix, offset, spread=spread)
    robust = np.full_like(whole, np.nan)
    robust[kept, kept] = whole[kept, kept] @ (slopes[:, kept].T @ slopes[:, kept]) @ whole[kept, kept]
    theta = float(np.exp(at[p])) if spread else np.inf
    if spread and at[p] >= np.log(LARGEST_THETA) - 1:
        theta = np.inf
    mean = np.exp(matrix @ at[:p] + offset)
    se_theta = float(theta * np.sqrt(whole[p, p])) if spread and inside else np.nan
    settled = np.isinf(theta) or theta > SMALLEST_THETA * np.e
    value = log_likelihood(y, mean, theta, truncated=True)
    return Fit(at[:p], whole[:p, :p], robust[:p, :p], theta, se_theta, value, mean, settled)


def _curvature(at: Floats, loss: object) -> Floats:
    """Return the derivative of the slope by central differences, made symmetric."""
    p = len(at)
    rows = np.empty((p, p))
    for k in range(p):
        step = np.zeros(p)
        step[k] = 1e-5 * max(1.0, abs(at[k]))
        rows[k] = (loss(at + step)[1] - loss(at - step)[1]) / (2 * step[k])  # type: ignore[operator]
    return (rows + rows.T) / 2
