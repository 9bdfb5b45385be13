"""The sums of a Cox model at one vector of coefficients."""

from __future__ import annotations

from dataclasses import dataclass

from missing_patterns.recurrence.common import Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Terms:
    """Everything that the model needs at one vector of coefficients.

    Parameters
    ----------
    beta : array [p]
        The coefficients.
    rate : array [n]
        Rate of each row relative to the others, times its weight: ``weight * exp(x b + offset - shift)``.
    shift : array [D]
        By cell, the same within a stratum, since only rates of one stratum are compared: 0, unless rates would be too
        large or too small for the machine.
    s0, s1 : array [D], [D, p]
        Sums of ``rate`` and of ``rate * x`` over the rows at risk in each cell; x is centred.
    e0, e1 : array [D], [D, p]
        The same over the rows whose episode it is; zero under Breslow's rule, which does not need them.
    hazard : array [D]
        Increment of the cumulative baseline hazard (of rows with ``rate == weight``): the sum over the m tied episodes
        of their mean weight / (s0 - k/m e0).
    hazard_tied : array [D]
        The same with each addend times k/m: what a tied row did not meet of it. Zero under Breslow's rule.
    b1, b2, b3 : array [D]
        Sums of mean weight / (s0 - k/m e0)**2, times 1, k/m and (k/m)**2.
    log_likelihood : float
        Log partial likelihood.
    score : array [p]
        Its slope.
    information : array [p, p]
        Minus its curvature.
    careful : bool
        Whether sums were made in whole numbers, because some risk set or hazard is tiny beside another.

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``likelihood.Likelihood``.
    """

    beta: Floats
    rate: Floats
    shift: Floats
    s0: Floats
    s1: Floats
    e0: Floats
    e1: Floats
    hazard: Floats
    hazard_tied: Floats
    b1: Floats
    b2: Floats
    b3: Floats
    log_likelihood: float
    score: Floats
    information: Floats
    careful: bool

    def __repr__(self) -> str:
        return f"Terms: {len(self.rate):,} rows, {len(self.s0):,} cells, {len(self.beta)} coefficients"
