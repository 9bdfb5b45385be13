"""Variances robust to unlike children: sums over children of squared residuals, without a table of child by day.

A residual of a row changes in two ways: at every step at which the row is at risk it falls, by the same for all rows;
and where the row ends it gains. So between two ends a child's residual is a constant less a fall common to all, and
sums over children of its square, or of the product of two residuals, grow by sums over who is at risk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from missing_patterns.recurrence.common import Bools, Floats, Ints
from missing_patterns.recurrence.spells import sum_over_risk


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Residual:
    """A residual: its common fall at each step, and its gain at the end of each row.

    ``fallen`` is the fall before step 0, 1, ..., n. ``level`` and ``total`` are the group's own workings.
    """

    fall: Floats
    gain: Floats
    fallen: Floats
    level: Floats
    total: Floats


class Group(Protocol):
    """Rows that go together: a child's spells that do not overlap, or a cluster of any rows."""

    def residual(self, fall: Floats, gain: Floats) -> Residual:
        """Lay out a residual from its fall at each step and its gain at the end of each row."""
        ...

    def products(self, one: Residual, other: Residual) -> Floats:
        """Return, after each step, the sum over groups of the product of two residuals."""
        ...

    def at_end(self, residual: Residual) -> Floats:
        """Return each group's residual after the last step."""
        ...


def _prefix(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values)])


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Children:
    """Spells at risk sorted by child and time, those of a child not overlapping.

    Parameters
    ----------
    is_first : array of bool [n]
        Whether a spell is its child's first.
    first, last : array of int [n]
        First and last step at which each spell is at risk, as ``spells.steps_of`` gives them.
    at_risk : array [D]
        Spells at risk at each step.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> group = Children(np.array([True, True]), np.array([0, 0]), np.array([0, 1]), np.array([2.0, 1.0]))
    >>> residual = group.residual(np.array([0.25, 0.0]), np.array([0.5, 0.0]))
    >>> group.products(residual, residual).tolist()
    [0.125, 0.125]
    """

    is_first: Bools
    first: Ints
    last: Ints
    at_risk: Floats

    def residual(self, fall: Floats, gain: Floats) -> Residual:
        """Lay out a residual from its fall at each step and its gain at the end of each row.

        Raises
        ------
        Nothing.
        """
        fallen = _prefix(fall)
        change = gain - (fallen[self.last + 1] - fallen[self.first])
        running = _prefix(change)[:-1]
        new = np.flatnonzero(self.is_first)
        before = running - np.repeat(running[new], np.diff(np.append(new, len(running))))
        level = before + fallen[self.first]
        total = sum_over_risk(level, self.first, self.last, len(fall)) - self.at_risk * fallen[:-1]
        return Residual(fall, gain, fallen, level, total)

    def products(self, one: Residual, other: Residual) -> Floats:
        """Return, after each step, the sum over children of the product of two residuals.

        Raises
        ------
        Nothing.
        """
        grows = one.fall * other.fall * self.at_risk - one.fall * other.total - other.fall * one.total
        ends = [r.level - r.fallen[self.last + 1] for r in (one, other)]
        jumps = ends[0] * other.gain + ends[1] * one.gain + one.gain * other.gain
        total: Floats = np.cumsum(grows + np.bincount(self.last, jumps, minlength=len(grows)))
        return total

    def at_end(self, residual: Residual) -> Floats:
        """Return each child's residual after the last step.

        Raises
        ------
        Nothing.
        """
        if not len(self.last):
            return np.empty(0)
        change = residual.gain - (residual.fallen[self.last + 1] - residual.fallen[self.first])
        found: Floats = np.add.reduceat(change, np.flatnonzero(self.is_first))
        return found


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Clusters:
    """Rows of clusters, in any order; those of a cluster may overlap. Made by :meth:`of`.

    One entry of ``position``, ``n_here`` and ``whose`` stands for a cluster and a step before which some row of it
    enters or leaves: ``n_here`` rows of it are at risk from there on. ``place`` is where each row's end is among them.
    """

    n_clusters: int
    n_steps: int
    position: Ints
    whose: Ints
    n_here: Floats
    place: Ints

    @classmethod
    def of(cls, cluster: Ints, first: Ints, last: Ints, n_steps: int) -> Clusters:
        """Lay out clusters.

        Parameters
        ----------
        cluster : array of int [n]
            Number of each row's cluster, from 0.
        first, last : array of int [n]
            First and last step at which each row is at risk.
        n_steps : int
            Number of steps.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> one = Clusters.of(np.array([0, 0]), np.array([0, 0]), np.array([0, 1]), 2)
        >>> one.position.tolist(), one.n_here.tolist()
        ([0, 1, 2], [2.0, 1.0, 0.0])
        """
        width = n_steps + 2
        keys, place = np.unique(
            np.concatenate([cluster * width + first, cluster * width + last + 1]), return_inverse=True
        )
        n = len(first)
        moves = np.bincount(place[:n], minlength=len(keys)) - np.bincount(place[n:], minlength=len(keys))
        return cls(
            int(cluster.max(initial=-1)) + 1,
            n_steps,
            keys % width,
            keys // width,
            np.cumsum(moves).astype(np.float64),
            place[n:],
        )

    def _new(self) -> Bools:
        new: Bools = np.diff(self.whose, prepend=-1) != 0
        return new

    def residual(self, fall: Floats, gain: Floats) -> Residual:
        """Lay out a residual from its fall at each step and its gain at the end of each row.

        Raises
        ------
        Nothing.
        """
        fallen = _prefix(fall)
        gained: Floats = np.bincount(self.place, gain, minlength=len(self.position)).astype(np.float64)
        new, here = self._new(), fallen[self.position]
        until = np.append(here[1:], 0.0)
        change = gained - np.concatenate([[0.0], (self.n_here * (until - here))[:-1]])
        change[new] = gained[new]
        running = np.cumsum(change)
        starts = np.flatnonzero(new)
        base = np.concatenate([[0.0], running])[starts]
        value = running - np.repeat(base, np.diff(np.append(starts, len(running))))
        level = value + self.n_here * here
        moves = self.n_here * level
        moves = moves - np.where(new, 0.0, np.concatenate([[0.0], moves[:-1]]))
        total = self._sum(moves) - self._squares() * fallen[:-1]
        return Residual(fall, gained, fallen, level, total)

    def _sum(self, moves: Floats) -> Floats:
        """Sum over clusters what changes where rows enter or leave, at each step."""
        landed = np.bincount(self.position, moves, minlength=self.n_steps + 1).astype(np.float64)
        found: Floats = np.cumsum(landed)[: self.n_steps]
        return found

    def _squares(self) -> Floats:
        """Return, at each step, the sum over clusters of the square of their rows at risk."""
        moves = np.asarray(self.n_here**2, dtype=np.float64)
        return self._sum(moves - np.where(self._new(), 0.0, np.concatenate([[0.0], moves[:-1]])))

    def products(self, one: Residual, other: Residual) -> Floats:
        """Return, after each step, the sum over clusters of the product of two residuals.

        Raises
        ------
        Nothing.
        """
        grows: Floats = one.fall * other.fall * self._squares() - one.fall * other.total - other.fall * one.total
        before = [r.level - self.n_here * r.fallen[self.position] - r.gain for r in (one, other)]
        jumps = before[0] * other.gain + before[1] * one.gain + one.gain * other.gain
        landed = np.bincount(np.maximum(self.position - 1, 0), jumps, minlength=self.n_steps).astype(np.float64)
        total: Floats = np.cumsum(grows + landed[: self.n_steps])
        return total

    def at_end(self, residual: Residual) -> Floats:
        """Return each cluster's residual after the last step.

        Raises
        ------
        Nothing.
        """
        found = np.zeros(self.n_clusters)
        ends = np.append(np.flatnonzero(self._new())[1:], len(self.whose)) - 1 if len(self.whose) else np.empty(0, int)
        found[self.whose[ends]] = residual.level[ends]
        return found
