"""Finding theta: where it is zero, where its likelihood is highest, and how far from there the data still fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from missing_patterns.recurrence.common import Z95, Floats
from missing_patterns.recurrence.cox.likelihood import Likelihood
from missing_patterns.recurrence.cox.newton import maximise
from missing_patterns.recurrence.frailty.likelihood import Data, Point, evaluate
from missing_patterns.recurrence.frailty.solve import LARGEST_LOG_THETA, SMALLEST_LOG_THETA, Top, climb, first_guess

#: The first guess of log theta is sought from -7; so near to that, it found none.
_NO_GUESS = -6.5

#: How near the drop of the log likelihood is brought to what the limit asks for, in standard errors.
_NEAR = 1e-3


@dataclass(frozen=True, repr=False, eq=False)
class Found:
    """The two fits that are compared: all groups alike, and each with its own hidden rate.

    Parameters
    ----------
    alike_beta : array [p]
        Coefficients at theta 0, and ``alike_covariance`` theirs.
    alike : Point
        The pass over the rows there.
    runs_off : dict of str to int
        Covariates whose coefficients run off to infinity, and whether up or down.
    warnings : tuple of str
        What the search for the coefficients has to say.
    top : Top or None
        Where the likelihood is highest; None = at theta 0.

    Raises
    ------
    Nothing.
    """

    alike_beta: Floats
    alike_covariance: Floats
    alike: Point
    runs_off: dict[str, int]
    warnings: tuple[str, ...]
    top: Top | None

    @property
    def loglik(self) -> float:
        """The highest log likelihood."""
        return self.alike.loglik if self.top is None else self.top.loglik


def find(data: Data, names: Sequence[str]) -> Found:
    """Fit without frailties, and from there with them.

    Parameters
    ----------
    data : Data
        The rows.
    names : sequence of str
        Names of the covariates, for messages.

    Raises
    ------
    TableRefused
        If a covariate is the same for all who are at risk together, or is determined by others.
    """
    without = _alike(data, names)
    beta, alike = without[0], without[2]
    counts, expected = data.counts.astype(np.float64), data.per_group(alike.expected)
    log_theta = first_guess(counts, expected)
    # Commenges and Andersen (1995): at theta 0 the slope by theta is half the sum of (events - expected)^2 - events.
    rises = float(((counts - expected) ** 2 - counts).sum()) > 0
    if not rises and log_theta < _NO_GUESS:
        return Found(*without, top=None)
    nu = np.exp(-log_theta)
    top = climb(data, beta, np.log((nu + counts) / (nu + expected)), log_theta, theta_free=True)
    nearly = 0.0 if rises else 1e-9 * max(1.0, abs(alike.loglik))
    nothing = top.log_theta < SMALLEST_LOG_THETA or top.loglik <= alike.loglik + nearly
    return Found(*without, top=None if nothing else top)


def _alike(data: Data, names: Sequence[str]) -> tuple[Floats, Floats, Point, dict[str, int], tuple[str, ...]]:
    """Fit without frailties: coefficients, their covariance, the pass there, what runs off, and what to warn of."""
    if not names:
        return np.zeros(0), np.zeros((0, 0)), evaluate(data, np.zeros(0), None), {}, ()
    fit = maximise(Likelihood(data.matrix, data.risk, np.ones(len(data.offset)), data.offset, data.ties), names)
    return fit.coef, fit.covariance, evaluate(data, fit.coef, None), fit.runs_off, fit.warnings


def limits(data: Data, found: Found) -> tuple[float, float]:
    """Return the 95 % limits of theta: where twice the log likelihood is 3.84 below its height (profile likelihood).

    Parameters
    ----------
    data : Data
        The rows.
    found : Found
        From :func:`find`.

    Returns
    -------
    lower, upper : float
        ``lower`` is 0 where theta 0 fits; NaN where the likelihood does not fall so far.

    Raises
    ------
    Nothing.
    """
    if found.top is None:
        counts, expected = data.counts.astype(np.float64), data.per_group(found.alike.expected)
        guess = np.log(Z95 / np.sqrt(0.5 * float((expected**2).sum())))
        start = np.log1p(np.exp(guess) * counts) - np.log1p(np.exp(guess) * expected)
        return 0.0, _limit(data, found.loglik, 1.0, float(guess), (found.alike_beta, start), None)
    top = found.top
    se = float(np.sqrt(-1 / top.curvature)) if top.curvature < 0 else 1.0
    here = (top.beta, top.log_frailty)
    apart = 2 * (top.loglik - found.alike.loglik)
    ends = []
    for side in (-1.0, 1.0):
        if side < 0 and apart <= Z95**2:
            ends.append(0.0)
        else:
            step = side * min(Z95 * se, 2.0)
            ends.append(_limit(data, top.loglik, side, top.log_theta + step, here, top.log_theta))
    return ends[0], ends[1]


def _limit(
    data: Data, highest: float, side: float, log_theta: float, start: tuple[Floats, Floats], peak: float | None
) -> float:
    """Go to where the root of twice the drop is 1.96, by Newton's method within a bracket.

    That root is nearly straight in log theta on either side of a peak. Where the peak is at theta 0 its logarithm is.
    """
    # ``inner`` is where too little has been lost, ``outer`` where too much.
    inner = peak if peak is not None else -np.inf
    outer = side * np.inf
    here, before = start, None
    for _ in range(40):
        there = climb(data, here[0], here[1], log_theta, theta_free=False)
        drop = max(highest - there.loglik, 1e-300)
        root = np.sqrt(2 * drop)
        if abs(root - Z95) < _NEAR:
            return float(np.exp(log_theta))
        if root < Z95:
            inner = log_theta
        else:
            outer = log_theta
        rate = -there.slope / root  # of the root, by log theta
        step = (Z95 - root) / rate if peak is not None else root * np.log(Z95 / root) / rate
        new = log_theta + float(np.clip(step, -1.5, 1.5)) if np.isfinite(step) else np.nan
        low, high = min(inner, outer), max(inner, outer)
        if not low < new < high:
            ends_known = np.isfinite(low) and np.isfinite(high)
            new = (low + high) / 2 if ends_known else log_theta + (side if root < Z95 else -side)
        if not SMALLEST_LOG_THETA - 5 < new < LARGEST_LOG_THETA:
            return 0.0 if side < 0 else float("nan")
        # Coefficients and frailties go on as they went from the last theta to this one.
        arrived = (there.beta, there.log_frailty)
        if before is None:
            here = arrived
        else:
            part = (new - log_theta) / (log_theta - before[0])
            here = (arrived[0] + part * (arrived[0] - before[1][0]), arrived[1] + part * (arrived[1] - before[1][1]))
        before = (log_theta, arrived)
        log_theta = new
    return float("nan")
