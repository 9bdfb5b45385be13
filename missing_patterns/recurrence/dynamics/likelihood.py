"""The log-likelihood of repeat dynamics, with the children's own rates integrated out, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from missing_patterns.recurrence.common import Floats, Ints
from missing_patterns.recurrence.dynamics.history import History
from missing_patterns.recurrence.dynamics.quadrature import Rule, gamma_rules, nodes_needed

#: Elements of a block of episodes x nodes that is worked on at once: small enough to stay in the processor's cache.
_BLOCK = 1 << 17

#: One child's own rate is the common one: the limit of an endless frailty shape.
_ALL_ALIKE = Rule(np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1))


@dataclass(frozen=True, slots=True)
class Parameters:
    """Rate a day of a child of average rate, further episodes per episode, 1 / mean lag in days, and frailty shape.

    ``slopes`` are the coefficients of the covariates; a shape of ``inf`` is all children alike.
    """

    rate: float
    alpha: float
    decay: float
    shape: float
    slopes: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, theta: Floats) -> Parameters:
        """Read the vector that is optimised: log rate, alpha, log lag, log shape, coefficients.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> Parameters.of(np.array([0.0, 0.2, 0.0, np.inf]))
        Parameters(rate=1.0, alpha=0.2, decay=1.0, shape=inf, slopes=array([], dtype=float64))
        """
        rate, decay, shape = np.exp([theta[0], -theta[2], theta[3]]).tolist()
        return cls(rate, float(theta[1]), decay, shape, theta[4:])


@dataclass(frozen=True, slots=True)
class Value:
    """A log-likelihood, its gradient by the vector that is optimised, and the episodes due to excitation."""

    loglik: float
    gradient: Floats
    n_excited: float


@dataclass(frozen=True, slots=True)
class _Units:
    """What the integral over a unit's rate gives, one entry per unit: log, slopes by c and shape; per episode by s."""

    log: Floats
    by_scale: Floats
    by_shape: Floats
    by_excited: Floats


class Likelihood:
    """Log-likelihood of children's histories.

    A child (or a spell of one) has a rate u, drawn from a gamma distribution of mean 1. While at risk at time t its
    episodes come at ``u rate + sum over earlier returns r of alpha decay exp(-decay (t - r))``: the after-effect does
    not depend on u. Given the histories, the likelihood is the mean over u of a polynomial in u times an exponential,
    and is integrated exactly by Gauss-Laguerre rules.

    Parameters
    ----------
    history : History
        The histories.
    zero_truncated : bool
        Whether only children with at least one episode are on file.
    n_nodes : int
        Largest rule that is used for the sake of exactness alone.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.recurrence.dynamics.rows import Rows
    >>> one = np.array([0])
    >>> rows = Rows(one, one, np.array([0.0]), np.array([2.0]), one == 0, np.zeros((1, 0)))
    >>> likelihood = Likelihood(History(rows), zero_truncated=False)
    >>> value = likelihood(Parameters(rate=1.0, alpha=0.0, decay=1.0, shape=1.0))
    >>> round(float(np.exp(value.loglik)), 6)  # the integral of u exp(-2 u) exp(-u) is 1 / 9
    0.111111
    """

    def __init__(self, history: History, *, zero_truncated: bool = True, n_nodes: int = 24) -> None:
        self.history = history
        self.zero_truncated = zero_truncated
        needed = nodes_needed(history.n_events, n_nodes)
        needed[history.n_events == 0] = 0
        self._sizes = np.unique(needed[needed > 0])
        self._blocks: list[tuple[int, int, int]] = []  # position of the rule, first unit, last unit
        for k, q in enumerate(self._sizes.tolist()):
            first, last = np.searchsorted(needed, [q, q + 1]).tolist()
            events = history.first_event[first : last + 1]
            cuts = first + np.searchsorted(events, np.arange(events[0], events[-1], max(_BLOCK // q, 1)), "right") - 1
            ends = [*np.unique(np.append(cuts, first))[1:].tolist(), last]
            begins = [first, *ends[:-1]]
            self._blocks += [(k, a, b) for a, b in zip(begins, ends, strict=True) if b > a]

    def __call__(self, at: Parameters) -> Value:
        """Return the log-likelihood, its gradient, and how many episodes are due to excitation.

        Raises
        ------
        Nothing.
        """
        h = self.history
        alike = np.isinf(at.shape)
        factor = np.exp(h.x @ at.slopes) if len(at.slopes) else None
        load: Floats = at.rate * h.exposure  # spontaneous episodes expected of a unit of average rate
        if factor is not None:
            load = np.asarray(at.rate * np.bincount(h.unit, h.length * factor, minlength=len(load)), np.float64)
        scale, log_zero, zero_by_rate, zero_by_shape = _no_episode(at, load)
        state, slope = h.excitation(at.decay)
        missed = np.expm1(-at.decay * h.length)
        left = missed + 1.0
        met = float(-(state @ missed))  # compensator / alpha
        met_slope = float(-(slope @ missed) + (state * h.length) @ left)
        faded = left[h.at]
        pulse = state[h.at] * faded
        pulse_slope = (slope[h.at] - h.length[h.at] * state[h.at]) * faded
        if factor is not None:  # an intensity c f x + s is f times c x + s / f
            pulse /= factor[h.at]
            pulse_slope /= factor[h.at]

        units = self._integrate(at, scale, load, at.alpha * at.decay * pulse)
        loglik = float(log_zero.sum() + units.log.sum()) - at.alpha * met
        share = 0.0 if alike else load / (load + at.shape)
        by_scale = units.by_scale * scale
        by_shape = float(zero_by_shape.sum() + units.by_shape.sum())
        with_pulse = float(units.by_excited @ pulse)
        by_alpha = at.decay * with_pulse - met
        by_decay = at.alpha * (with_pulse + at.decay * float(units.by_excited @ pulse_slope) - met_slope)
        by_load = zero_by_rate - by_scale * share  # by log load, where it is not the rate that changes it
        if self.zero_truncated:
            surely = -np.bincount(h.child, log_zero, minlength=h.n_children)  # -log P(no episode) of each child
            loglik -= float(np.log(-np.expm1(-surely)).sum())
            pull = 1.0 / np.expm1(surely)[h.child]
            by_load = by_load + pull * zero_by_rate
            by_shape += float(pull @ zero_by_shape)
        gradient = np.zeros(4 + len(at.slopes))
        gradient[0] = by_load.sum() + by_scale.sum()
        gradient[1] = by_alpha
        gradient[2] = -at.decay * by_decay
        gradient[3] = 0.0 if alike else at.shape * by_shape
        if factor is not None:
            each = np.divide(at.rate * by_load, load, out=np.zeros(len(load)), where=load > 0)
            gradient[4:] = (each[h.unit] * h.length * factor) @ h.x
            gradient[4:] += (1.0 - at.alpha * at.decay * units.by_excited * pulse) @ h.x[h.at]
            loglik += float((h.x[h.at] @ at.slopes).sum())
        return Value(loglik, gradient, at.alpha * at.decay * with_pulse)

    def _integrate(self, at: Parameters, scale: Floats, load: Floats, excited: Floats) -> _Units:
        """Integrate the product over each unit's episodes of (c x + s) over x."""
        h = self.history
        n = len(scale)
        result = _Units(np.zeros(n), np.zeros(n), np.zeros(n), np.empty(len(excited)))
        alike = np.isinf(at.shape)
        rules = [_ALL_ALIKE] * len(self._sizes) if alike else gamma_rules(at.shape, self._sizes)
        for k, first, last in self._blocks:
            block = slice(int(h.first_event[first]), int(h.first_event[last]))
            _integrate_block(
                rules[k],
                scale[first:last],
                excited[block],
                h.first_event[first:last] - block.start,
                h.n_events[first:last],
                _Units(
                    result.log[first:last],
                    result.by_scale[first:last],
                    result.by_shape[first:last],
                    result.by_excited[block],
                ),
            )
        if not alike:
            result.by_shape[:] -= result.by_scale * scale / (load + at.shape)
        return result


def _no_episode(at: Parameters, load: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return each unit's scale c of the rule, log P(no episode) but for excitation, and its slopes by log load, "
    "shape."""
    zero = np.zeros(len(load))
    if np.isinf(at.shape):
        return zero + at.rate, -load, -load, zero
    whole: Floats = load + at.shape
    log_share: Floats = np.log1p(load / at.shape)
    return at.rate / whole, -at.shape * log_share, -at.shape * load / whole, load / whole - log_share


def _integrate_block(rule: Rule, scale: Floats, excited: Floats, first: Ints, n: Ints, into: _Units) -> None:
    """Fill the entries of one block of units that share a rule."""
    if len(rule.node) == 1:  # one node: no mean to take
        intensity = np.repeat(scale, n) * rule.node[0] + excited
        inverse = 1.0 / intensity
        into.log[:] = np.add.reduceat(np.log(intensity), first)
        summed = np.add.reduceat(inverse, first)
        into.by_scale[:] = summed * rule.node[0]
        into.by_shape[:] = scale * rule.node_slope[0] * summed
        into.by_excited[:] = inverse
        return
    intensity = np.repeat(scale, n)[:, None] * rule.node
    intensity += excited[:, None]
    log = np.add.reduceat(np.log(intensity), first, axis=0)
    log += rule.log_weight
    top = log.max(axis=1)
    share = np.exp(log - top[:, None])
    total = share.sum(axis=1)
    share /= total[:, None]
    inverse = np.divide(1.0, intensity, out=intensity)
    summed = np.add.reduceat(inverse, first, axis=0)
    summed *= share
    into.log[:] = top + np.log(total)
    into.by_scale[:] = summed @ rule.node
    into.by_shape[:] = share @ rule.weight_slope + scale * (summed @ rule.node_slope)
    into.by_excited[:] = np.einsum("eq,eq->e", inverse, np.repeat(share, n, axis=0))
