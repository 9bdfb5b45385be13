"""Finding the coefficients: Newton's steps with halving, and saying honestly when there is nothing to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from missing_patterns.errors import TableRefused
from missing_patterns.recurrence.common import Bools, Floats
from missing_patterns.recurrence.cox.likelihood import Likelihood, Terms, span_of

#: A covariate whose share not explained by the others (in the curvature) is below this is one too many.
COLLINEAR = 1e-10

#: Converged when no step is larger than this share of its standard error.
STEP = 1e-9

#: The likelihood has stopped rising when a step would add less than this to it...
_FLAT = 1e-7
#: ...or, once no further step can be taken, less than this...
_NEARLY_FLAT = 0.1
#: ...and a coefficient that still moves by this much, times the covariate's range, is on its way to infinity.
_STILL_MOVING = 0.1

_MAX_STEPS = 60
_MAX_HALVINGS = 40


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Fit:
    """Where the search ended. Made by :func:`maximise`.

    Parameters
    ----------
    coef : array [p]
        The coefficients.
    covariance : array [p, p]
        Inverse of the curvature.
    null, terms : Terms
        The sums at coefficients of 0, and at the end.
    n_iterations : int
        Newton's steps taken.
    runs_off : dict
        Covariate -> +1 or -1, for coefficients on their way to infinity; their figures have no meaning beyond the sign.
    warnings : tuple of str
        What should be told.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`maximise`.
    """

    coef: Floats
    covariance: Floats
    null: Terms
    terms: Terms
    n_iterations: int
    runs_off: dict[str, int]
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Fit: {len(self.coef)} coefficients after {self.n_iterations} steps"


def maximise(likelihood: Likelihood, names: Sequence[str]) -> Fit:
    """Find the coefficients with the highest partial likelihood.

    Parameters
    ----------
    likelihood : Likelihood
        The rows.
    names : sequence of str
        Names of the covariates, for messages.

    Returns
    -------
    Fit

    Raises
    ------
    TableRefused
        If a covariate is the same for all who are at risk together, or is determined by others.

    Notes
    -----
    A coefficient runs off to infinity where the episodes fall so that its covariate separates them: for instance, no
    child with it had an episode. The likelihood then rises for ever, by less and less, while every step moves the
    coefficient by about one over the covariate's range. R's coxph tells it by the same sign.

    Examples
    --------
    >>> from missing_patterns.recurrence.cox.risk import risk_sets
    >>> stop, event = np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=bool)
    >>> risk = risk_sets(np.zeros(3), stop, event, np.zeros(3, dtype=np.int64))
    >>> fit = maximise(Likelihood(np.array([[0.0], [1.0], [0.0]]), risk, np.ones(3), np.zeros(3), "efron"), ["x"])
    >>> round(float(np.exp(2 * fit.coef[0])), 9)  # by hand: (2 + r)(1 + r) / r is least where r squared is 2
    2.0
    """
    null = here = likelihood.at(np.zeros(len(names)))
    span = span_of(likelihood.matrix)
    _refuse_collinear(likelihood, null, names)
    for n in range(1, _MAX_STEPS + 1):
        covariance = _inverse(here.information)
        step = covariance @ here.score
        error = np.sqrt(np.diag(covariance))
        moving = np.abs(step) * span > _STILL_MOVING
        gain = float(here.score @ step)
        if gain < _FLAT and moving.any():
            return _run_off(names, moving, covariance, null, here, n - 1)
        if (np.abs(step) <= STEP * error).all():
            return Fit(here.beta + step, covariance, null, here, n - 1, {}, ())
        better = _uphill(likelihood, here, step)
        if better is None:
            break
        here = better
    if gain < _NEARLY_FLAT and moving.any():  # rates so unlike that the machine cannot hold them
        return _run_off(names, moving, covariance, null, here, n)
    if (np.abs(step) <= 1e-5 * error).all():  # as near as the machine comes
        return Fit(here.beta, covariance, null, here, n, {}, ())
    told = (f"The search for the coefficients did not come to rest in {n} steps: do not lean on these figures",)
    return Fit(here.beta, covariance, null, here, n, {}, told)


def _run_off(names: Sequence[str], moving: Bools, covariance: Floats, null: Terms, here: Terms, n: int) -> Fit:
    """Stop, and name the coefficients that still move."""
    runs_off = {names[k]: 1 if here.beta[k] > 0 else -1 for k in range(len(names)) if moving[k]}
    told = tuple(_told(name, sign) for name, sign in runs_off.items())
    return Fit(here.beta, covariance, null, here, n, runs_off, told)


def _told(name: str, sign: int) -> str:
    where, who = ("plus", "lower") if sign > 0 else ("minus", "higher")
    return (
        f"The coefficient of '{name}' runs off to {where} infinity: it separates the episodes, as when nobody with "
        f"{who} values of it had one while others did. It has a sign but no size, and its interval means nothing. "
        "Leave it out, join it with another, or tell the counts instead"
    )


def _uphill(likelihood: Likelihood, here: Terms, step: Floats) -> Terms | None:
    """Take the step, or half of it, or half of that, until the likelihood does not fall; None if it always does."""
    floor = here.log_likelihood - 1e-12 * abs(here.log_likelihood)
    share = 1.0
    for _ in range(_MAX_HALVINGS):
        there = likelihood.at(here.beta + share * step)
        if np.isfinite(there.information).all() and there.log_likelihood >= floor:
            return there
        share /= 2
    return None


def _inverse(information: Floats) -> Floats:
    """Invert the curvature, on the scale of correlations; directions without any are cut off."""
    size: Floats = np.sqrt(np.maximum(np.diag(information), np.finfo(np.float64).tiny))
    scaled = information / size / size[:, None]
    try:
        root = np.linalg.inv(np.linalg.cholesky(scaled))
        inverse = root.T @ root
    except np.linalg.LinAlgError:
        inverse = np.linalg.pinv(scaled, rcond=1e-13, hermitian=True)
    there: Floats = inverse / size / size[:, None]
    return there


def _refuse_collinear(likelihood: Likelihood, null: Terms, names: Sequence[str]) -> None:
    """Refuse covariates that do not vary among those at risk together, and those that others determine."""
    weight = float(likelihood.events_weight.sum())
    spread = np.einsum("ij,ij->j", likelihood.matrix, likelihood.matrix) / max(len(likelihood.matrix), 1)
    size = np.diag(null.information)
    problems = [
        f"'{names[k]}' is the same for all who are at risk together, so nothing can be compared; leave it out, or do "
        "not make strata of what it follows from"
        for k, (found, there) in enumerate(zip(size, spread, strict=True))
        if not found > 1e-12 * weight * there
    ]
    if not problems:
        scaled = null.information / np.sqrt(size) / np.sqrt(size)[:, None]
        problems = _determined(scaled, names)
    if problems:
        raise TableRefused.of_problems("intervals", problems)


def _determined(scaled: Floats, names: Sequence[str]) -> list[str]:
    """Take the covariates in turn and word those that the earlier ones determine."""
    kept: list[int] = []
    problems = []
    for k in range(len(names)):
        if kept:
            among, towards = scaled[np.ix_(kept, kept)], scaled[kept, k]
            share = np.linalg.solve(among, towards)
            if 1.0 - float(share @ towards) < COLLINEAR:
                others = [f"'{names[j]}'" for j, part in zip(kept, share, strict=True) if abs(part) > 1e-5]
                problems.append(f"'{names[k]}' follows exactly from {' and '.join(others)}; leave one of them out")
                continue
        kept.append(k)
    return problems
