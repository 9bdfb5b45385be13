"""A mixture of binomials by expectation-maximisation: the arithmetic under the types of children.

A child of type t names item j in each answered interview with probability ``profiles[t, j]``, independently given
the type; it names it in k of m. Items that were never answered simply do not enter (full information). The
log-likelihood is that of the answers one by one, so binomial coefficients, which do not depend on the type, are left
out; with one interview each this is the classical latent class model (Lazarsfeld and Henry 1968; Goodman 1974).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Probabilities are kept this far from 0 and 1, so that a logarithm exists.
EDGE = 1e-12
SHORT_STEPS = 15
N_POLISHED = 4
#: The polished starts are compared once a step gains less than this many times ``tol``; the best alone goes on.
ROUGH = 100
MAX_STEPS = 5000
#: Cells of the posterior array that one batch of starts may hold, to bound memory.
BATCH_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Answers:
    """Distinct rows of answers, sorted, with how many children gave each: order of rows cannot matter after this."""

    yes: Floats
    no: Floats
    weight: Floats
    rate: Floats  # share of all answers that are yes, per item; NaN if never answered

    @classmethod
    def of(cls, counts: Floats, trials: Floats) -> Answers:
        """Collapse children x items to distinct rows.

        Raises
        ------
        Nothing.
        """
        n_items = counts.shape[1]
        rows, weight = np.unique(np.hstack([counts, trials - counts]), axis=0, return_counts=True)
        yes, no = np.ascontiguousarray(rows[:, :n_items]), np.ascontiguousarray(rows[:, n_items:])
        w = weight.astype("float64")
        total = w @ (yes + no)
        rate = np.divide(w @ yes, total, out=np.full(n_items, np.nan), where=total > 0)
        return cls(yes, no, w, rate)


@dataclass(frozen=True, slots=True)
class Mixture:
    """One fitted mixture.

    Parameters
    ----------
    shares : ndarray (types,)
        Share of children of each type, largest first.
    profiles : ndarray (types, items)
        Chance that an answered interview names the item, by type.
    loglik : float
        Log-likelihood at the fit, without the prior.
    agreement : float
        Share of the polished starts that came within 0.1 of the best: a low share means many local optima.
    converged : bool
        Whether the best start came to rest.
    """

    shares: Floats
    profiles: Floats
    loglik: float
    agreement: float
    converged: bool


def fit_mixture(
    answers: Answers,
    n_types: int,
    rng: np.random.Generator,
    *,
    n_starts: int = 30,
    prior: float = 1.0,
    tol: float = 1e-5,
) -> Mixture:
    """Fit a mixture with so many types from many short random starts, the best of which are polished.

    Parameters
    ----------
    answers : Answers
        Distinct rows of answers.
    n_types : int
        Number of types, at least 1.
    rng : numpy Generator
        Source of the random starts.
    n_starts : int
        Random starts.
    prior : float
        Weight of the prior in answers per type and item: Beta(1 + prior * rate, 1 + prior * (1 - rate)) around the
        item's overall rate. 0 gives maximum likelihood.
    tol : float
        A fit is at rest when a step gains less than this in log-posterior.

    Returns
    -------
    Mixture

    Raises
    ------
    Nothing.
    """
    known = ~np.isnan(answers.rate)
    if not known.any():
        nothing = np.full((n_types, len(answers.rate)), np.nan)
        return Mixture(np.full(n_types, 1.0 / n_types), nothing, 0.0, 1.0, True)
    rate = np.clip(answers.rate[known], EDGE, 1 - EDGE)
    data = Answers(answers.yes[:, known], answers.no[:, known], answers.weight, rate)
    n_starts = 1 if n_types == 1 else n_starts
    shares, profiles = _starts(data, n_types, n_starts, rng)
    size = max(1, BATCH_CELLS // max(1, len(data.weight) * n_types))
    parts = [
        _steps(data, shares[i : i + size], profiles[i : i + size], prior, SHORT_STEPS, tol)
        for i in range(0, n_starts, size)
    ]
    shares, profiles, value = (np.concatenate([p[i] for p in parts]) for i in range(3))
    best = np.argsort(-value, kind="stable")[:N_POLISHED]
    done = [_steps(data, shares[[b]], profiles[[b]], prior, MAX_STEPS, ROUGH * tol) for b in best]
    values = np.array([d[2][0] for d in done])
    top = done[int(np.argmax(values))]
    best_shares, best_profiles, _, converged = _steps(data, top[0], top[1], prior, MAX_STEPS, tol)
    shares, profiles = best_shares[0], best_profiles[0]
    order = np.lexsort((profiles[:, 0] if profiles.shape[1] else shares, -shares))
    full = np.full((n_types, len(known)), np.nan)
    full[:, known] = profiles[order]
    _, loglik = posterior(data, shares[order], profiles[order])
    agreement = float(np.mean(values > values.max() - 0.1))
    return Mixture(shares[order], full, loglik, agreement, converged)


def posterior(answers: Answers, shares: Floats, profiles: Floats) -> tuple[Floats, float]:
    """Return P(type | answers) for each distinct row, and the log-likelihood over all children.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> answers = Answers.of(np.array([[1.0]]), np.array([[1.0]]))
    >>> p, loglik = posterior(answers, np.array([0.5, 0.5]), np.array([[0.9], [0.1]]))
    >>> p.round(3).tolist(), round(loglik, 4)
    ([[0.9, 0.1]], -0.6931)
    """
    joint = _log_joint(answers, shares[None, :], profiles[None, :, :])[:, 0, :]
    top = joint.max(axis=1, keepdims=True)
    weight = np.exp(joint - top)
    total = weight.sum(axis=1, keepdims=True)
    return weight / total, float(answers.weight @ (top + np.log(total))[:, 0])


def n_parameters(answers: Answers, n_types: int) -> int:
    """Count free parameters: shares, and a probability per type and item that is ever both named and not named.

    Raises
    ------
    Nothing.
    """
    return n_types - 1 + n_types * int(((answers.rate > 0) & (answers.rate < 1)).sum())


def _starts(data: Answers, n_types: int, n_starts: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Random starts: each type begins near the answers of one child drawn at random, mixed with the overall rates."""
    shares = np.full((n_starts, n_types), 1.0 / n_types)
    if n_types == 1:
        return shares, np.broadcast_to(data.rate, (n_starts, n_types, len(data.rate))).copy()
    drawn = rng.choice(len(data.weight), size=(n_starts, n_types), p=data.weight / data.weight.sum())
    yes, no = data.yes[drawn], data.no[drawn]
    pull = rng.uniform(1.0, 4.0, size=(n_starts, 1, 1))
    return shares, (yes + pull * data.rate) / (yes + no + pull)


def _steps(
    data: Answers, shares: Floats, profiles: Floats, prior: float, n_steps: int, tol: float
) -> tuple[Floats, Floats, Floats, bool]:
    """Run EM on several starts at once; return shares, profiles, log-posterior at the last step, and rest or not."""
    value = np.full(len(shares), -np.inf)
    asked = data.yes + data.no
    for _ in range(n_steps):
        joint = _log_joint(data, shares, profiles)
        top = joint.max(axis=2, keepdims=True)
        joint = np.exp(joint - top)
        total = joint.sum(axis=2, keepdims=True)
        now = data.weight @ (top + np.log(total))[:, :, 0] + prior * _log_prior(data.rate, profiles)
        joint *= data.weight[:, None, None] / total
        size = joint.sum(axis=0)
        flat = joint.reshape(len(data.weight), -1).T
        named = (flat @ data.yes).reshape(profiles.shape) + prior * data.rate
        among = (flat @ asked).reshape(profiles.shape) + prior
        gain = now - value
        value = now
        if np.all(gain < tol):
            return shares, profiles, value, True
        shares = size / data.weight.sum()
        profiles = np.divide(named, among, out=np.broadcast_to(data.rate, profiles.shape).copy(), where=among > 0)
        profiles = np.clip(profiles, EDGE, 1 - EDGE)
    return shares, profiles, value, False


def _log_joint(data: Answers, shares: Floats, profiles: Floats) -> Floats:
    """Log of share times likelihood: rows x starts x types."""
    flat = profiles.reshape(-1, profiles.shape[2])
    fit: Floats = data.yes @ np.log(flat).T + data.no @ np.log1p(-flat).T
    with np.errstate(divide="ignore"):
        return fit.reshape(len(data.weight), *shares.shape) + np.log(shares)


def _log_prior(rate: Floats, profiles: Floats) -> Floats:
    total: Floats = (rate * np.log(profiles) + (1 - rate) * np.log1p(-profiles)).sum(axis=(1, 2))
    return total
