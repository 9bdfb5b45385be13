"""The likelihood of a shared gamma frailty: one pass over the rows, and what follows from it.

With w the log frailties and nu = 1 / theta, the marginal log likelihood at theta (the one that R's ``coxph`` calls
I-likelihood) is the largest value over the coefficients and w of

    J = log partial likelihood + nu * sum(w - exp(w) + 1) + K(nu)

(Therneau, Grambsch and Pankratz 2003, Penalized survival models and frailty, J Comput Graph Stat 12:156-175). So
theta, too, is found by climbing J, with its derivatives in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from missing_patterns.recurrence.common import Floats, Ints
from missing_patterns.recurrence.cox.likelihood import Ties
from missing_patterns.recurrence.cox.risk import RiskSets, has_tiny, sum_at_risk, sum_over_cells

#: Rows that are worked on at once, so that they stay in the cache.
BLOCK = 8192


@dataclass(frozen=True, repr=False, eq=False)
class Data:
    """Rows at risk in at least one cell, in the order of their group and of the first cell in it.

    Parameters
    ----------
    matrix : array [n, p]
        Covariates less their means.
    offset : array [n]
        Added to the linear predictor.
    risk : RiskSets
        Of these rows.
    starts : array [g]
        First row of each group.
    sizes : array [g]
        Rows of each group.
    ties : {"efron", "breslow"}
        How tied events are counted.

    Raises
    ------
    Nothing.
    """

    matrix: Floats
    offset: Floats
    risk: RiskSets
    starts: Ints
    sizes: Ints
    ties: Ties

    def __repr__(self) -> str:
        return f"Data: {len(self.offset):,} rows of {len(self.sizes):,} groups, {self.matrix.shape[1]} covariates"

    @cached_property
    def row_numbers(self) -> NDArray[np.int32]:
        """0, 1, 2... for as many as there are rows."""
        return np.arange(len(self.offset), dtype=np.int32)

    @cached_property
    def event_rows(self) -> Ints:
        """Rows that end with an event, in the order of their cells."""
        rows = np.flatnonzero(self.risk.event)
        return rows[np.argsort(self.risk.cell[rows], kind="stable")]

    @cached_property
    def event_cells(self) -> Ints:
        """Cell of each of :attr:`event_rows`, ascending."""
        return self.risk.cell[self.event_rows]

    @cached_property
    def cell_starts(self) -> Ints:
        """Where each cell begins among :attr:`event_rows`; every cell has at least one."""
        return np.flatnonzero(np.diff(self.event_cells, prepend=-1))

    @cached_property
    def n_events(self) -> Floats:
        """Events of each cell."""
        return np.diff(np.append(self.cell_starts, len(self.event_rows))).astype(np.float64)

    @cached_property
    def parts(self) -> Floats:
        """For each event, l / m: Efron's share of the m events of its cell that has gone before it."""
        m = np.repeat(self.n_events, self.n_events.astype(np.int64))
        return (np.arange(len(m)) - np.repeat(self.cell_starts, self.n_events.astype(np.int64))) / m

    @cached_property
    def counts(self) -> Ints:
        """Events of each group."""
        return self.per_group(self.risk.event.astype(np.float64)).astype(np.int64)

    @cached_property
    def count_table(self) -> tuple[Ints, Floats]:
        """Distinct numbers of events of a group, and how many groups have each."""
        distinct, n = np.unique(self.counts, return_counts=True)
        return distinct, n.astype(np.float64)

    def per_group(self, value: Floats) -> Floats:
        """Sum a value of the rows over each group."""
        total: Floats = np.add.reduceat(value, self.starts, axis=0)
        return total

    def weighted_per_group(self, weight: Floats, p: int) -> Floats:
        """Sum the weights, and the first ``p`` covariates times the weights, over each group: [g, 1 + p]."""
        from scipy.sparse import csr_array

        total = np.empty((len(self.sizes), p + 1))
        total[:, 0] = self.per_group(weight)
        if p:
            ends = np.append(self.starts, len(weight)).astype(np.int32)
            sums = csr_array((weight, self.row_numbers, ends), shape=(len(self.sizes), len(weight)))
            total[:, 1:] = sums @ self.matrix
        return total

    def weighted_square(self, weight: Floats) -> Floats:
        """Return the matrix's transpose times the weights times the matrix, a block of rows at a time."""
        total = np.zeros((self.matrix.shape[1],) * 2)
        for k in range(0, len(weight), BLOCK):
            part = self.matrix[k : k + BLOCK]
            total += part.T @ (part * weight[k : k + BLOCK, None])
        return total

    def to_rows(self, value: Floats) -> Floats:
        """Give each row the value of its group."""
        return np.repeat(value, self.sizes)


@dataclass(frozen=True, repr=False, eq=False)
class Point:
    """One pass over the rows at some linear predictor: the log partial likelihood, its slope and its curvature.

    Parameters
    ----------
    loglik : float
        Log partial likelihood.
    risk_score : array [n]
        exp(linear predictor - ``shift``).
    shift : float
        What was taken off the linear predictor, so that nothing overflows.
    hazard : array [n]
        Cumulative baseline hazard over each row, on the scale of ``risk_score``.
    a0, a1, a2, a3 : array [D]
        Of each cell, the sums over its events of 1/S, 1/S^2, (l/m)/S^2 and (l/m)^2/S^2, S being the sum of
        ``risk_score`` over the risk set less l/m of that over the events (Efron) or all of it (Breslow).

    Raises
    ------
    Nothing.
    """

    data: Data
    loglik: float
    risk_score: Floats
    shift: float
    hazard: Floats
    a0: Floats
    a1: Floats
    a2: Floats
    a3: Floats

    @cached_property
    def expected(self) -> Floats:
        """Events expected of each row."""
        product: Floats = self.risk_score * self.hazard
        return product

    @cached_property
    def slope(self) -> Floats:
        """Derivative of ``loglik`` by each row's linear predictor: events less those expected."""
        left: Floats = self.data.risk.event - self.expected
        return left

    def curvature_times(self, u: Floats) -> Floats:
        """Multiply minus the second derivative by the rows' linear predictors with a vector, in one pass.

        The matrix (rows x rows) is never made: it is diagonal but for one vector of ranks per cell.

        Parameters
        ----------
        u : array [n]

        Raises
        ------
        Nothing.
        """
        data, risk = self.data, self.data.risk
        n_cells = len(risk.times)
        moved = self.risk_score * u
        at_risk = np.bincount(risk.last, moved, minlength=n_cells + 1)
        at_risk -= np.bincount(risk.first, moved, minlength=n_cells + 1)
        total = np.cumsum(at_risk[::-1])[::-1][1:]
        if data.ties == "breslow":
            out: Floats = self.expected * u - self.risk_score * sum_over_cells(self.a1 * total, risk)
            return out
        rows, cells = data.event_rows, data.event_cells
        tied = np.add.reduceat(moved[rows], data.cell_starts)
        out = self.expected * u - self.risk_score * sum_over_cells(self.a1 * total - self.a2 * tied, risk)
        out[rows] += self.risk_score[rows] * (self.a2 * total - self.a3 * tied)[cells]
        return out


def evaluate(data: Data, beta: Floats, log_frailty: Floats | None) -> Point:
    """Make one pass over the rows.

    Parameters
    ----------
    data : Data
        The rows.
    beta : array [p]
        Coefficients.
    log_frailty : array [g] or None
        Log frailty of each group; None = all alike.

    Raises
    ------
    Nothing.
    """
    eta = data.matrix @ beta + data.offset
    if log_frailty is not None:
        eta += data.to_rows(log_frailty)
    rows, cells, risk = data.event_rows, data.event_cells, data.risk
    of_events = eta[rows]
    shift = float(eta.max())
    eta -= shift
    score = np.exp(eta, out=eta)
    total = sum_at_risk(score, risk, careful=False)
    if has_tiny(total, risk):
        total = sum_at_risk(score, risk, careful=True)
    m = data.n_events
    if data.ties == "breslow":
        loglik = float(of_events.sum() - m @ (np.log(total) + shift))
        a0 = m / total
        a1 = a0 / total
        a2 = a3 = np.zeros(0)
        hazard = sum_over_cells(a0, risk)
    else:
        tied = np.add.reduceat(score[rows], data.cell_starts)
        left = total[cells] - data.parts * tied[cells]
        loglik = float(of_events.sum() - (np.log(left).sum() + len(rows) * shift))
        inverse = 1.0 / left
        part = data.parts * inverse
        a0, gone, a1, a2, a3 = (
            np.add.reduceat(x, data.cell_starts)
            for x in (inverse, part, inverse * inverse, part * inverse, part * part)
        )
        hazard = sum_over_cells(a0, risk)
        hazard[rows] -= gone[cells]
    return Point(data, loglik, score, shift, hazard, a0, a1, a2, a3)


def own_curvature(point: Point) -> Floats:
    """Return the diagonal of minus the second derivative of the log partial likelihood by the log frailties.

    Rows of a group that are open at one time stand in one risk set together, so their products count as well.

    Parameters
    ----------
    point : Point
        Where.

    Raises
    ------
    Nothing.
    """
    data, risk, r = point.data, point.data.risk, point.risk_score
    efron = data.ties == "efron"
    so_far = np.concatenate([[0.0], np.cumsum(point.a1)])
    squares = r * r * (so_far[risk.last] - so_far[risk.first])
    if efron:
        rows, cells = data.event_rows, data.event_cells
        squares[rows] -= r[rows] ** 2 * (2 * point.a2 - point.a3)[cells]
    group = np.repeat(np.arange(len(data.sizes)), data.sizes)
    here = np.arange(len(r) - 1)
    lag = 1
    while len(here):
        here = here[here + lag < len(r)]
        there = here + lag
        # Rows are in the order of their first cell: one that does not reach the next does not reach those after it.
        open_together = (group[here] == group[there]) & (risk.first[there] < risk.last[here])
        here, there = here[open_together], there[open_together]
        until = np.minimum(risk.last[here], risk.last[there])
        product = so_far[until] - so_far[risk.first[there]]
        if efron:
            one = risk.event[here] & (risk.last[here] == until)
            other = risk.event[there] & (risk.last[there] == until)
            product -= np.where(one, point.a2[until - 1], 0.0) + np.where(other, point.a2[until - 1], 0.0)
            product += np.where(one & other, point.a3[until - 1], 0.0)
        squares[here] += 2 * r[here] * r[there] * product
        lag += 1
    own: Floats = data.per_group(point.expected) - data.per_group(squares)
    return own


def prior_constant(data: Data, nu: float) -> tuple[float, float, float]:
    """Return K(nu), the part of the marginal log likelihood that depends on nothing else, and its two derivatives.

    K = sum over groups of d - nu log(1 + d/nu) + log Gamma(nu + d) - log Gamma(nu) - d log(nu + d), d the group's
    events; written so that nothing cancels when theta is small.

    Raises
    ------
    Nothing.
    """
    d, n = data.count_table
    j = np.arange(int(d.max(initial=0)))
    rises = np.log1p(d / nu)
    sums = [np.concatenate([[0.0], np.cumsum(x)])[d] for x in (np.log1p(j / nu), 1 / (nu + j), 1 / (nu + j) ** 2)]
    value = float(n @ (d - nu * rises + sums[0] - d * rises))
    first = float(n @ (sums[1] - rises))
    second = float(n @ (d / (nu * (nu + d)) - sums[2]))
    return value, first, second
