"""Counts of episodes whose children's own rates are lognormal: a second opinion on the gamma distribution (E7)."""

from __future__ import annotations

import numpy as np

from missing_patterns.recurrence.common import Floats

#: Nodes of the Gauss-Hermite rule about each child's most likely rate: five digits and more up to sigma 2.5.
N_NODES = 40

#: Bounds of the standard deviation of the log rate.
LEAST_SIGMA, MOST_SIGMA = 0.01, 10.0


def marginal(y: Floats, line: Floats, sigma: float) -> tuple[Floats, Floats, Floats]:
    """Return the log chance of each count, its own rate summed out, and the slopes in ``line`` and in ``sigma``.

    Parameters
    ----------
    y : array [n]
        Episodes.
    line : array [n]
        Log of the expected episodes of the median child with such covariates and days.
    sigma : float
        Standard deviation of the log of children's own rates, above 0.

    Raises
    ------
    Nothing.

    Notes
    -----
    Adaptive Gauss-Hermite quadrature (Liu Q, Pierce DA 1994, Biometrika 81:624-629).

    Examples
    --------
    >>> chance = np.exp(marginal(np.arange(400.0), np.zeros(400), 0.8)[0])
    >>> round(float(chance.sum()), 6), round(float(chance @ np.arange(400)), 4), round(float(np.exp(0.8**2 / 2)), 4)
    (1.0, 1.3771, 1.3771)
    """
    from scipy.special import gammaln, logsumexp

    shrunk = sigma**2 * (y + 0.5)
    z = (np.log(y + 0.5) - line) / sigma * shrunk / (1 + shrunk)
    for _ in range(60):
        expected = np.exp(np.minimum(line + sigma * z, 300.0))
        step = (sigma * (y - expected) - z) / (1 + sigma**2 * expected)
        z += np.clip(step, -1.0 / sigma, 1.0 / sigma)
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    width = np.sqrt(2 / (1 + sigma**2 * np.exp(np.minimum(line + sigma * z, 300.0))))
    node, weight = np.polynomial.hermite.hermgauss(N_NODES)
    at = z[:, None] + width[:, None] * node
    log_expected = np.minimum(line[:, None] + sigma * at, 300.0)
    each = y[:, None] * log_expected - np.exp(log_expected) - at**2 / 2 + np.log(weight) + node**2
    total = logsumexp(each, axis=1)
    part = np.exp(each - total[:, None]) * (y[:, None] - np.exp(log_expected))
    log_chance = total + np.log(width) - gammaln(y + 1) - np.log(2 * np.pi) / 2
    return log_chance, part.sum(axis=1), (part * at).sum(axis=1)


def fit_lognormal(
    y: Floats, matrix: Floats, exposure: Floats, start: Floats, *, truncated: bool
) -> tuple[float, float]:
    """Fit counts whose children's own rates are lognormal about the mean of their covariates.

    Parameters
    ----------
    y, matrix, exposure, truncated
        As for :func:`missing_patterns.recurrence.frequency.count_models.fit_counts`.
    start : array [p]
        Coefficients to begin from.

    Returns
    -------
    sigma, log_likelihood : float
        Standard deviation of the log rates, and the log-likelihood with all constants; NaN if the search did not rest.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> y = np.array([0.0, 1, 5, 0, 2, 9, 0, 1])
    >>> sigma, value = fit_lognormal(y, np.ones((8, 1)), np.full(8, 100.0), np.array([-3.8]), truncated=False)
    >>> round(sigma, 2), round(value, 2)
    (1.28, -16.01)
    """
    from scipy.optimize import minimize

    p, n, offset = matrix.shape[1], len(y), np.log(exposure)
    unit = np.maximum(np.abs(matrix).max(axis=0), 1e-300)
    none = np.zeros(n)

    def loss(at: Floats) -> tuple[float, Floats]:
        line, sigma = matrix @ (at[:p] / unit) + offset, float(np.exp(at[p]))
        value, by_line, by_sigma = marginal(y, line, sigma)
        if truncated:
            zero, zero_by_line, zero_by_sigma = marginal(none, line, sigma)
            hidden = np.exp(zero) / -np.expm1(zero)  # P(0) / (1 - P(0))
            value = value - np.log(-np.expm1(zero))
            by_line, by_sigma = by_line + hidden * zero_by_line, by_sigma + hidden * zero_by_sigma
        slope = np.append((by_line @ matrix) / unit, by_sigma.sum() * sigma)
        return -float(value.sum()) / n, -slope / n

    begin = np.append(start * unit, 0.0)
    bounds = [(None, None)] * p + [(np.log(LEAST_SIGMA), np.log(MOST_SIGMA))]
    with np.errstate(all="ignore"):
        found = minimize(
            loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "gtol": 1e-7}
        )
    if not np.isfinite(found.fun) or np.abs(found.jac[:p]).max(initial=0.0) > 1e-3:
        return np.nan, np.nan
    return float(np.exp(found.x[p])), -float(found.fun) * n
