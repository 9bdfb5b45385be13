"""The weighted product-limit estimate and its standard errors: Greenwood's, and from drawing children."""

from __future__ import annotations

import numpy as np

from missing_patterns.recurrence.common import MIN_BOOTSTRAP_CHILDREN, Z95, Bools, Floats, Ints

#: Numbers of resamples that are made at once, times the larger of children and steps: 64 MB of each.
MOST_AT_ONCE = 8_000_000

#: With more distinct lengths than this, the bootstrap joins them while this share of those still followed ends.
MOST_STEPS = 20_000
SHARE_JOINED = 0.001


def product_limit(step: Ints, event: Bools, weight: Floats, n_steps: int) -> Floats:
    """Return the weighted product-limit estimate of the share not yet gone, after each step.

    Parameters
    ----------
    step : array of int
        Index of each gap's length among the distinct lengths, ascending.
    event : array of bool
        Whether another episode ended the gap.
    weight : array of float
        Weight of each gap, at least 0.
    n_steps : int
        Number of distinct lengths.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> product_limit(np.array([0, 1, 1]), np.array([True, True, False]), np.ones(3), 2).round(3).tolist()
    [0.667, 0.333]
    """
    gone, ends = (np.bincount(step, w, minlength=n_steps).astype(np.float64) for w in (weight * event, weight))
    survival: Floats = _staying(gone[:, None], ends[:, None])[:, 0]
    return survival


def loglog_limits(survival: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Return 95 % limits of ``1 - survival`` from the standard error of ``log survival``, on the log-log scale.

    Parameters
    ----------
    survival : array of float
        Share not yet gone.
    spread : array of float
        Standard error of its logarithm.

    Returns
    -------
    lower, upper : arrays
        NaN where nobody or everybody has gone, or the error is 0 or not known.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> [limit.round(3).tolist() for limit in loglog_limits(np.array([1.0, 0.5]), np.array([0.0, 0.1]))]
    [[nan, 0.407], [nan, 0.601]]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.exp(Z95 * spread / np.abs(np.log(survival)))
        lower, upper = 1 - survival ** (1 / width), 1 - survival**width
    known = (survival > 0) & (survival < 1) & (spread > 0)
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def greenwood_error(step: Ints, event: Bools, n_steps: int) -> Floats:
    """Return Greenwood's standard error of ``log survival`` after each step; infinite or NaN once all have gone.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> greenwood_error(np.array([0, 1, 1]), np.array([True, False, False]), 2).round(3).tolist()
    [0.408, 0.408]
    """
    gone = np.bincount(step[event], minlength=n_steps).astype(np.float64)
    at_risk = np.bincount(step, minlength=n_steps)[::-1].cumsum()[::-1].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(gone > 0, gone / (at_risk * (at_risk - gone)), 0.0)
    spread: Floats = np.sqrt(np.cumsum(terms))
    return spread


def bootstrap_error(
    child: Ints, step: Ints, event: Bools, weight: Floats, estimate: Floats, seed: tuple[int, int]
) -> Floats:
    """Return the standard error of ``log survival`` from drawing children with replacement.

    Resamples are summed up a few at a time, so memory does not grow with their number. They are taken on the scale of
    the share itself, where none is infinite, and carried to the log scale by the delta method.

    Parameters
    ----------
    child : array of int
        Number of each gap's child, from 0 without holes.
    step, event, weight : arrays
        As in :func:`product_limit`. Beyond 20,000 distinct lengths, neighbours are joined while one in a thousand of
        those still followed ends; the error changes by less than 1 %.
    estimate : array of float
        The estimate itself.
    seed : (int, int)
        Seed and number of resamples.

    Returns
    -------
    array of float
        NaN with fewer than 10 children or 2 resamples.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> two = np.array([0, 1])
    >>> bootstrap_error(two, two, two == 0, np.ones(2), np.array([0.5, 0.5]), (0, 200)).tolist()
    [nan, nan]
    """
    random_state, n_boot = seed
    n_children = int(child.max(initial=-1)) + 1
    if n_children < MIN_BOOTSTRAP_CHILDREN or n_boot < 2:
        return np.full(len(estimate), np.nan)
    from scipy.sparse import csc_array

    joined = _joined(step, len(estimate))
    step = joined[step]
    n_steps = int(joined[-1]) + 1
    if n_steps < len(estimate):
        estimate = product_limit(step, event, weight, n_steps)
    # Row 2s: what ends step s with an episode, 2s + 1: without one; a column for each child, times how often drawn.
    order = np.argsort(child, kind="stable")
    edges = np.concatenate([[0], np.cumsum(np.bincount(child))])
    shape = (2 * n_steps, n_children)
    ends = csc_array((weight[order], (2 * step + ~event)[order], edges), shape=shape)
    rng = np.random.default_rng(random_state)
    total, squares = np.zeros(n_steps), np.zeros(n_steps)
    at_once = int(np.clip(MOST_AT_ONCE // max(n_steps, n_children), 1, 32))
    for first in range(0, n_boot, at_once):
        drawn = np.empty((min(at_once, n_boot - first), n_children))
        for row in drawn:
            row[:] = np.bincount(rng.integers(0, n_children, n_children), minlength=n_children)
        sums = (ends @ np.ascontiguousarray(drawn.T)).reshape(n_steps, 2, -1)
        moved = _staying(sums[:, 0], sums.sum(axis=1)) - estimate[:, None]
        total += moved.sum(axis=1)
        squares += np.square(moved).sum(axis=1)
    variance = (squares - total**2 / n_boot) / (n_boot - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread: Floats = np.sqrt(np.maximum(variance, 0.0)) / estimate
    return spread[joined]


def _joined(step: Ints, n_steps: int) -> Ints:
    """Join steps for the bootstrap where there are very many: those in which one in a thousand still followed ends.

    With a million gaps known by the minute there are as many steps as gaps, and nearly all of them alike. Where less
    than a thousand are followed, every step stands alone.
    """
    if n_steps <= MOST_STEPS:
        return np.arange(n_steps)
    at_risk = np.bincount(step, minlength=n_steps)[::-1].cumsum()[::-1]
    level = np.floor(np.log(at_risk) / SHARE_JOINED)
    joined: Ints = np.cumsum(np.diff(level, prepend=level[:1]) != 0)
    return joined


def _staying(gone: Floats, ends: Floats) -> Floats:
    """Return the product-limit estimate from what ends on each step (rows), for each resample (columns)."""
    at_risk = np.cumsum(ends[::-1], axis=0)[::-1]
    hazard = np.divide(gone, at_risk, out=np.zeros(gone.shape), where=gone > 0)
    return np.cumprod(np.clip(1.0 - hazard, 0.0, 1.0), axis=0, dtype=np.float64)
