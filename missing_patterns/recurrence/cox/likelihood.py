"""The partial likelihood of the Cox model, its slope and curvature, and what each row adds to the slope.

For row i at risk in cells [first, last) with rate ``r = weight * exp(x b + offset)``, all sums over risk sets come
from one table with a row per cell: ``r`` and ``r x`` are added where the row leaves and taken away where it enters. The
first part of the curvature needs no table of squares: it is ``X' diag(r H) X``, H the cumulative hazard that the row
met. So a step costs one pass over rows for the sums and one for the curvature, however many cells there are.

Ties: Efron (1977) lets the rows of a tie leave the risk set one after another, in shares k/m; Breslow (1974) lets them
all stay. Score residuals: Lin and Wei (1989); under Efron's rule the tied rows' own correction is kept in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from missing_patterns.recurrence.common import Floats, Ints, plural
from missing_patterns.recurrence.cox.risk import (
    RiskSets,
    has_tiny,
    read_slots,
    slots_of,
    sum_at_risk,
    sum_over_cells,
)
from missing_patterns.recurrence.cox.terms import Terms

__all__ = ["Likelihood", "Terms", "Ties", "score_by_cluster", "score_residuals", "span_of"]

Ties = Literal["efron", "breslow"]

#: Rows handled at once, so that they stay in the processor's cache; more where there are many cells to add up.
BLOCK_ROWS = 16_384

#: Logarithm of a rate beyond which, up or down, rates are taken relative to the highest of their stratum, and the level
#: to which that one is then brought: high, so that low ones stay as far as possible from 0.
LEVEL, TOP = 200.0, 300.0

#: Range of the logarithms over which the rates of one stratum would drown those of another in a running sum.
DROWN = 20.0

#: Rate times cumulative hazard of all strata before, per episode, beyond which digits of a row's hazard would be lost.
REACH = 1e6


def span_of(matrix: Floats) -> Floats:
    """Return the largest less the smallest value of each column.

    Parameters
    ----------
    matrix : array [n, p]
        At least one row.

    Returns
    -------
    array [p]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> span_of(np.array([[0.0, 5.0], [2.0, 5.0]])).tolist()
    [2.0, 0.0]
    """
    n, p = matrix.shape
    side = 64  # rows laid side by side: a long inner loop is several times as fast as one of p
    body = matrix[: n - n % side].reshape(-1, side * p)
    ends = [matrix[n - n % side :]]
    if len(body):
        ends += [body.max(axis=0).reshape(side, p), body.min(axis=0).reshape(side, p)]
    span: Floats = np.ptp(np.concatenate(ends), axis=0)
    return span


class Likelihood:
    """The partial likelihood of rows whose risk sets are known.

    Parameters
    ----------
    matrix : array [n, p]
        Covariates, centred (values less their means), so that sums keep their digits.
    risk : RiskSets
        Who is at risk when.
    weight : array [n]
        Weights, above 0.
    offset : array [n]
        Added to the linear predictor.
    ties : {"efron", "breslow"}
        What to do with episodes of one day.

    Raises
    ------
    Nothing.

    Examples
    --------
    One child goes on day 1 while two are at risk; then the other on day 2.

    >>> from missing_patterns.recurrence.cox.risk import risk_sets
    >>> risk = risk_sets(np.zeros(2), np.array([1.0, 2.0]), np.ones(2, dtype=bool), np.zeros(2, dtype=np.int64))
    >>> model = Likelihood(np.array([[0.5], [-0.5]]), risk, np.ones(2), np.zeros(2), "efron")
    >>> terms = model.at(np.zeros(1))
    >>> float(np.exp(terms.log_likelihood)), terms.score.tolist(), terms.information.tolist()
    (0.5, [0.5], [[0.25]])
    """

    def __init__(self, matrix: Floats, risk: RiskSets, weight: Floats, offset: Floats, ties: Ties) -> None:
        self.matrix, self.risk, self.weight, self.ties = matrix, risk, weight, ties
        self.offset = offset
        n_cells = len(risk.times)
        self._rows = max(BLOCK_ROWS, 4 * n_cells)
        self._events = np.flatnonzero(risk.event)
        self._cell = risk.cell[self._events]
        #: Episodes of each cell, and the sum of their weights.
        self.n_events: Ints = np.bincount(self._cell, minlength=n_cells).astype(np.int64)
        self.events_weight = np.zeros(n_cells)
        self.events_weight[:] = np.bincount(self._cell, weight[self._events], minlength=n_cells)
        self._x_events = weight[self._events] @ matrix[self._events]
        self._slots = slots_of(risk)
        self._where = self._slots_of_rows()
        # The k-th of m tied episodes leaves k/m of the tie out of the risk set; every cell has an episode.
        self._starts = np.cumsum(self.n_events) - self.n_events
        nth = np.arange(len(self._cell)) - np.repeat(self._starts, self.n_events)
        self._share = nth / np.repeat(self.n_events, self.n_events)

    def _slots_of_rows(self) -> NDArray[np.int32]:
        """Return where each row is added and taken away and, under Efron's rule, where its episode is counted."""
        n_slots = self._slots.n
        where = np.empty((len(self.matrix), 3 if self.ties == "efron" else 2), dtype=np.int32)
        where[:, 0], where[:, 1] = self._slots.leave, self._slots.enter
        if self.ties == "efron":
            where[:, 2] = n_slots - 1
            where[self._events, 2] = n_slots + self._cell
        return where

    def __repr__(self) -> str:
        return f"Likelihood ({self.ties}): {self.matrix.shape[0]:,} rows, {plural(self.matrix.shape[1], 'covariate')}"

    def blocks(self) -> Iterator[slice]:
        """Yield slices of rows that fit the cache.

        Raises
        ------
        Nothing.
        """
        for low in range(0, len(self.matrix), self._rows):
            yield slice(low, low + self._rows)

    def at(self, beta: Floats) -> Terms:
        """Return log-likelihood, slope, curvature and all sums at some coefficients.

        Parameters
        ----------
        beta : array [p]
            Coefficients.

        Returns
        -------
        Terms
            With infinite or NaN figures where the coefficients are too large for the machine.

        Raises
        ------
        Nothing.
        """
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            line = self.matrix @ beta + self.offset
            shift = self._level(line)
            rate = self.weight * np.exp(line)
            at_risk, at_events, careful = self._sums(rate)
            s0, s1, e0, e1 = at_risk[:, 0], at_risk[:, 1:], at_events[:, 0], at_events[:, 1:]
            hazard, hazard_tied, b1, b2, b3, logs = self._over_ties(s0, e0)
            # A row's hazard is the difference of two running sums, made with care where these are far larger.
            reach = float((s0 * np.cumsum(hazard)).max(initial=0.0))
            careful = careful or REACH * float(self.events_weight.sum()) < reach < np.inf
            information = self._curvature((hazard, hazard_tied, b1, b2, b3, s1, e1), rate, careful)
            return Terms(
                beta=beta.copy(),
                rate=rate,
                shift=shift,
                s0=s0,
                s1=s1,
                e0=e0,
                e1=e1,
                hazard=hazard,
                hazard_tied=hazard_tied,
                b1=b1,
                b2=b2,
                b3=b3,
                log_likelihood=float(self.weight[self._events] @ line[self._events]) - float(logs.sum()),
                score=self._x_events - (hazard @ s1 - hazard_tied @ e1),
                information=information,
                careful=careful,
            )

    def hazard_met(self, terms: Terms) -> Floats:
        """Return, for each row, the cumulative baseline hazard that it met while at risk.

        Times ``rate``, it is the row's expected number of episodes, times its weight.

        Parameters
        ----------
        terms : Terms
            From :meth:`at`.

        Returns
        -------
        array [n]

        Raises
        ------
        Nothing.
        """
        return self._met(terms.hazard, terms.hazard_tied, careful=terms.careful)

    def _met(self, hazard: Floats, hazard_tied: Floats, *, careful: bool) -> Floats:
        met = sum_over_cells(hazard, self.risk, careful=careful)
        if self.ties == "efron":
            met[self._events] -= hazard_tied[self._cell]
        return met

    def _level(self, line: Floats) -> Floats:
        """Bring the highest value of each stratum to one level, in place, where it matters; return the shift by cell.

        It matters where rates could not be held, and where those of one stratum would drown those of another.
        """
        cell = self.risk.stratum
        low, high = float(line.min(initial=0.0)), float(line.max(initial=0.0))
        far = max(high, -low) > LEVEL
        if not len(cell) or not (far or (high - low > DROWN and cell[-1] > cell[0])):
            return np.zeros(len(cell))
        own = cell[np.minimum(self.risk.first, len(cell) - 1)]
        highest = np.full(int(cell[-1]) + 1, -np.inf)
        inside = self.risk.first < self.risk.last
        np.maximum.at(highest, own[inside], line[inside])
        if far:
            highest -= TOP
        line -= highest[own]
        line[~inside] = 0.0  # at risk in no cell
        return highest[cell]

    def _sums(self, rate: Floats) -> tuple[Floats, Floats, bool]:
        """Return s0 and s1, e0 and e1, and whether some risk set is so tiny that they were made with care."""
        from scipy.sparse import csc_array

        n, p = self.matrix.shape
        n_cells, width = len(self.risk.times), self._where.shape[1]
        n_slots = self._slots.n + (n_cells if width == 3 else 0)
        table: Floats | None = None
        pattern = np.arange(0, width * min(n, self._rows) + 1, width, dtype=np.int32)
        for rows in self.blocks():
            here = rate[rows]
            data = np.repeat(here, width)
            data[1::width] *= -1.0
            columns = np.empty((len(here), p + 1))
            columns[:, 0], columns[:, 1:] = 1.0, self.matrix[rows]
            places = (data, self._where[rows].ravel(), pattern[: len(here) + 1])
            moves: Floats = csc_array(places, shape=(n_slots, len(here))) @ columns
            table = moves if table is None else np.add(table, moves, out=table)
        table = np.zeros((n_slots, p + 1)) if table is None else table
        at_events = table[self._slots.n :] if width == 3 else np.zeros((n_cells, p + 1))
        at_risk = read_slots(table[: self._slots.n], self._slots)
        # A rate that is no number is told by the log-likelihood; care would not help it.
        careful = bool(np.isfinite(at_risk).all()) and has_tiny(at_risk[:, 0], self.risk)
        if careful:
            at_risk = sum_at_risk(np.column_stack([rate, rate[:, None] * self.matrix]), self.risk, careful=True)
        return at_risk, at_events, careful

    def _over_ties(self, s0: Floats, e0: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """Return, for each cell, hazard, hazard_tied, b1, b2, b3 and its part of the log-likelihood."""
        nothing = np.zeros_like(s0)
        if self.ties == "breslow":
            hazard = self.events_weight / s0
            return hazard, nothing, hazard / s0, nothing, nothing, self.events_weight * np.log(s0)
        if not len(s0):
            return nothing, nothing, nothing, nothing, nothing, nothing
        each = np.repeat(self.events_weight / self.n_events, self.n_events)
        left = np.repeat(s0, self.n_events) - self._share * np.repeat(e0, self.n_events)
        once = each / left
        twice = once / left
        share = self._share
        parts = (once, once * share, twice, twice * share, twice * share * share, each * np.log(left))
        hazard, hazard_tied, b1, b2, b3, logs = (np.add.reduceat(part, self._starts) for part in parts)
        return hazard, hazard_tied, b1, b2, b3, logs

    def _curvature(self, terms_at: tuple[Floats, ...], rate: Floats, careful: bool) -> Floats:
        """Return minus the second derivative: spread of x over the rows that were expected to go, cell by cell."""
        hazard, hazard_tied, b1, b2, b3, s1, e1 = terms_at
        expected = rate * self._met(hazard, hazard_tied, careful=careful)
        total = np.zeros((self.matrix.shape[1], self.matrix.shape[1]))
        for rows in self.blocks():
            x = self.matrix[rows]
            total += (x * expected[rows, None]).T @ x
        cross = (b2[:, None] * s1).T @ e1
        total -= (b1[:, None] * s1).T @ s1 - cross - cross.T + (b3[:, None] * e1).T @ e1
        symmetric: Floats = (total + total.T) / 2
        return symmetric


def score_residuals(likelihood: Likelihood, terms: Terms) -> Floats:
    """Return what each row adds to the slope, allowing for its part in the risk sets of others.

    Parameters
    ----------
    likelihood : Likelihood
        The rows.
    terms : Terms
        The sums at the coefficients wanted, of the same rows.

    Returns
    -------
    array [n, p]
        Times the rows' weights. They sum to ``terms.score``; summed by child and multiplied by the model's covariance,
        they are how far the coefficients would move, nearly, if the child were left out.

    Raises
    ------
    Nothing.

    Notes
    -----
    Lin DY, Wei LJ (1989), The robust inference for the Cox proportional hazards model, JASA 84:1074-1078. Under
    Efron's rule the residuals are Efron's too, and rows count from their entry: the same as R's
    ``residuals(fit, type = "score", weighted = TRUE)``.

    Examples
    --------
    >>> from missing_patterns.recurrence.cox.risk import risk_sets
    >>> risk = risk_sets(np.zeros(2), np.array([1.0, 2.0]), np.ones(2, dtype=bool), np.zeros(2, dtype=np.int64))
    >>> model = Likelihood(np.array([[0.5], [-0.5]]), risk, np.ones(2), np.zeros(2), "efron")
    >>> score_residuals(model, model.at(np.zeros(1))).tolist()
    [[0.25], [0.25]]
    """
    t, risk = terms, likelihood.risk
    mean = (t.hazard[:, None] * t.s1 - t.hazard_tied[:, None] * t.e1) / likelihood.events_weight[:, None]
    pull = t.b1[:, None] * t.s1 - t.b2[:, None] * t.e1
    pull_tied = t.b2[:, None] * t.s1 - t.b3[:, None] * t.e1
    expected = t.rate * likelihood.hazard_met(t)
    result = np.empty(likelihood.matrix.shape)
    for rows in likelihood.blocks():
        x, here = likelihood.matrix[rows], result[rows]
        np.multiply(x, -expected[rows, None], out=here)
        here += t.rate[rows, None] * sum_over_cells(pull, risk, rows, careful=t.careful)
        at = np.flatnonzero(risk.event[rows])
        cell, weight = risk.cell[rows][at], likelihood.weight[rows][at, None]
        here[at] += weight * (x[at] - mean[cell]) - t.rate[rows][at, None] * pull_tied[cell]
    return result


def score_by_cluster(likelihood: Likelihood, terms: Terms, cluster: Ints, n_clusters: int) -> Floats:
    """Return the score residuals summed by cluster.

    Parameters
    ----------
    likelihood, terms
        As for :func:`score_residuals`.
    cluster : array [n]
        Number of the row's cluster, from 0: usually the child.
    n_clusters : int
        How many there are.

    Returns
    -------
    array [n_clusters, p]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.recurrence.cox.risk import risk_sets
    >>> risk = risk_sets(np.zeros(2), np.array([1.0, 2.0]), np.ones(2, dtype=bool), np.zeros(2, dtype=np.int64))
    >>> model = Likelihood(np.array([[0.5], [-0.5]]), risk, np.ones(2), np.zeros(2), "efron")
    >>> score_by_cluster(model, model.at(np.zeros(1)), np.array([0, 0]), 1).tolist()
    [[0.5]]
    """
    from scipy.sparse import csc_array

    n = len(cluster)
    by_cluster = csc_array((np.ones(n), cluster, np.arange(n + 1)), shape=(n_clusters, n))
    total: Floats = by_cluster @ score_residuals(likelihood, terms)
    return total
