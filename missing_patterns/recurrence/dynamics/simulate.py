"""Made-up histories with known dynamics: for tests of the method, and for the bootstrap test of the fitted model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused
from missing_patterns.recurrence.common import Bools, Floats, Ints, check_seed
from missing_patterns.recurrence.dynamics.likelihood import Parameters
from missing_patterns.recurrence.dynamics.rows import Rows


class Windows:
    """When each unit was at risk, without its episodes: spells that touch and do not differ are one.

    Time is measured by what the covariates make of the rate: a day at twice the rate is two days of exposure.

    Parameters
    ----------
    rows : Rows
        Rows sorted by child and time.
    slopes : array of float, optional
        Coefficients of the covariates of the rows.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> one = np.array([0, 0])
    >>> rows = Rows(one, one, np.array([0.0, 3.0]), np.array([3.0, 9.0]), one == 1, np.zeros((2, 0)))
    >>> Windows(rows).stop.tolist()
    [9.0]
    """

    def __init__(self, rows: Rows, slopes: Floats | None = None) -> None:
        ends = (rows.unit[1:] != rows.unit[:-1]) | (rows.start[1:] != rows.stop[:-1])
        ends |= (rows.x[1:] != rows.x[:-1]).any(axis=1)
        first, last = np.append(True, ends), np.append(ends, True)
        self.child, self.unit, self.x = rows.child[first], rows.unit[first], rows.x[first]
        self.start, self.stop = rows.start[first], rows.stop[last]
        weight = np.ones(len(self.start)) if slopes is None else np.exp(self.x @ slopes)
        exposure = (self.stop - self.start) * weight
        new = np.flatnonzero(np.diff(self.unit, prepend=-1))
        self.child_of_unit = self.child[new]
        self.exposure = np.add.reduceat(exposure, new)
        self.weight = weight
        #: Exposure before each window, all units one after another.
        self.before = np.concatenate([[0.0], np.cumsum(exposure)])
        self.unit_before = self.before[new]

    def place(self, unit: Ints, share: Floats) -> tuple[Ints, Floats]:
        """Return the window and moment at which a share of a unit's exposure is over.

        Raises
        ------
        Nothing.
        """
        at = self.unit_before[unit] + share * self.exposure[unit]
        window = np.clip(np.searchsorted(self.before, at, side="right") - 1, 0, len(self.start) - 1)
        return window, np.minimum(
            self.start[window] + (at - self.before[window]) / self.weight[window], self.stop[window]
        )

    def rows(self, window: Ints, moment: Floats) -> Rows:
        """Return the rows of these windows cut at the moments, where episodes begin.

        Raises
        ------
        Nothing.
        """
        n = len(self.start)
        event = np.append(np.ones(len(window), dtype=bool), np.zeros(n, dtype=bool))
        window = np.append(window, np.arange(n))
        stop = np.append(moment, self.stop)
        order = np.lexsort((~event, stop, window))
        window, stop, event = window[order], stop[order], event[order]
        new = np.diff(window, prepend=-1) != 0
        start = np.where(new, self.start[window], np.append(0.0, stop[:-1]))
        return Rows(self.child[window], self.unit[window], start, stop, event, self.x[window])


def spontaneous(windows: Windows, at: Parameters, rng: np.random.Generator, *, on_file: bool) -> Ints:
    """Draw each unit's number of episodes that no other brought; with ``on_file``, at least one for each child.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> nine = np.arange(9)
    >>> rows = Rows(nine, nine, np.zeros(9), np.full(9, 10.0), nine < 0, np.zeros((9, 0)))
    >>> rng = np.random.default_rng(0)
    >>> int(spontaneous(Windows(rows), Parameters(0.001, 0.0, 1.0, 1.0), rng, on_file=True).min())
    1
    """
    load = at.rate * windows.exposure
    n = len(load)
    if not on_file:
        return rng.poisson(load * _frailty(rng, at.shape, n)).astype(np.int64)
    # The first unit of a child that has an episode is drawn, given that one has; earlier have none, later are free.
    log_zero = -load if np.isinf(at.shape) else -at.shape * np.log1p(load / at.shape)
    child = windows.child_of_unit
    new = np.diff(child, prepend=-1) != 0
    until = np.cumsum(log_zero)
    before_child = (until - log_zero)[new][child]
    none_until = until - before_child  # log P(no episode up to this unit)
    ends = np.append(np.flatnonzero(new)[1:] - 1, n - 1)
    pick = np.log1p(rng.random(len(ends)) * np.expm1(none_until[ends]))[child]
    none_before = none_until - log_zero
    chosen = (none_until <= pick) & ((pick < none_before) | new)
    later = none_before < pick
    number = np.zeros(n, dtype=np.int64)
    number[later] = rng.poisson(load[later] * _frailty(rng, at.shape, int(later.sum())))
    number[chosen] = _at_least_one(rng, load[chosen], log_zero[chosen], at.shape)
    return number


def _frailty(rng: np.random.Generator, shape: float, n: int) -> Floats:
    return np.ones(n) if np.isinf(shape) else rng.gamma(shape, 1.0 / shape, n)


def _at_least_one(rng: np.random.Generator, load: Floats, log_zero: Floats, shape: float) -> Ints:
    """Draw from a negative binomial, or Poisson, that is not nought: its terms are added up to a drawn share."""
    share = -rng.random(len(load)) * np.expm1(log_zero)  # of the chance of one or more, still to be used up
    number = np.ones(len(load), dtype=np.int64)
    odds = load if np.isinf(shape) else load / (load + shape)
    grows = odds if np.isinf(shape) else odds * shape
    term = np.exp(log_zero) * grows
    todo = np.flatnonzero(share > term)
    share = share - term
    for k in range(1, 100_000):
        if not len(todo):
            break
        number[todo] += 1
        each = odds[todo] / (k + 1.0) if np.isinf(shape) else odds[todo] * (shape + k) / (k + 1.0)
        term[todo] *= each
        todo = todo[share[todo] > term[todo]]
        share[todo] -= term[todo]
        todo = todo[term[todo] > 0]
    return number


def draw_rows(windows: Windows, at: Parameters, rng: np.random.Generator, *, on_file: bool) -> Rows:
    """Draw episodes: spontaneous ones, and those that each brings, as far as the child is at risk at the time.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> nine = np.arange(9)
    >>> rows = Rows(nine, nine, np.zeros(9), np.full(9, 10.0), nine < 0, np.zeros((9, 0)))
    >>> drawn = draw_rows(Windows(rows), Parameters(0.1, 0.2, 1.0, 1.0), np.random.default_rng(0), on_file=True)
    >>> drawn.n_children
    9
    """
    number = spontaneous(windows, at, rng, on_file=on_file)
    unit = np.repeat(np.arange(len(number)), number)
    window, moment = windows.place(unit, rng.random(len(unit)))
    found = [(window, moment)]
    while len(window) and at.alpha > 0:
        window, moment = _brought(windows, window, moment, at, rng)
        found.append((window, moment))
    return windows.rows(np.concatenate([w for w, _ in found]), np.concatenate([m for _, m in found]))


def _brought(
    windows: Windows, window: Ints, moment: Floats, at: Parameters, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Draw what each episode brings; it counts where the child is at risk then, in this window or a later one."""
    parent = np.repeat(np.arange(len(window)), rng.poisson(at.alpha, len(window)))
    child = windows.child[window[parent]]
    later = moment[parent] + rng.exponential(1.0 / at.decay, len(parent))
    # Children one after another on one line: each as long as the longest.
    span = float(windows.stop.max() - windows.start.min()) + 1.0
    zero = float(windows.start.min())
    line = windows.child * span + (windows.start - zero)
    into = np.searchsorted(line, child * span + np.minimum(later - zero, span - 0.5), side="right") - 1
    kept: Bools = (into >= 0) & (windows.child[into] == child) & (later <= windows.stop[into])
    return into[kept], later[kept]


def simulate_repeats(
    n_children: int,
    *,
    days: float = 730.0,
    rate_per_year: float = 0.6,
    alpha: float = 0.35,
    lag_days: float = 14.0,
    frailty_shape: float = 0.8,
    zero_truncated: bool = True,
    random_state: int = 0,
) -> pd.DataFrame:
    """Make up intervals of children whose dynamics are known, to try methods on.

    Parameters
    ----------
    n_children : int
        Children in the table.
    days : float, default 730
        Days for which each is followed.
    rate_per_year : float, default 0.6
        Spontaneous episodes a year of a child of average rate, among all children.
    alpha : float, default 0.35
        Further episodes that each episode brings directly; at least 0, below 1.
    lag_days : float, default 14
        Mean days from an episode to one that it brings.
    frailty_shape : float, default 0.8
        Shape of the gamma distribution (mean 1) of children's own rates: the smaller, the more unlike; ``inf`` for
        children who are all alike.
    zero_truncated : bool, default True
        Whether only children with an episode are in the table.
    random_state : int, default 0
        Seed.

    Returns
    -------
    pd.DataFrame
        Intervals: ``child_id start stop event``, in days; episodes take no time.

    Raises
    ------
    ArgumentRefused
        If a number is not possible.

    Examples
    --------
    >>> int(simulate_repeats(500).groupby("child_id")["event"].sum().min())
    1
    """
    check_seed(random_state, n_children, 1)
    numbers = {"days": days, "rate_per_year": rate_per_year, "lag_days": lag_days, "frailty_shape": frailty_shape}
    for name, value in numbers.items():
        if not value > 0 or (np.isinf(value) and name != "frailty_shape"):
            raise ArgumentRefused(f"{name} must be a number above 0.")
    if not 0 <= alpha < 1:
        raise ArgumentRefused("alpha must be at least 0 and below 1: otherwise episodes would never end.")
    every = np.arange(n_children)
    none = np.zeros(n_children, dtype=bool)
    whole = Rows(every, every, np.zeros(n_children), np.full(n_children, float(days)), none, np.zeros((n_children, 0)))
    at = Parameters(rate_per_year / 365.25, alpha, 1.0 / lag_days, frailty_shape)
    rows = draw_rows(Windows(whole), at, np.random.default_rng(random_state), on_file=zero_truncated)
    return pd.DataFrame(
        {"child_id": rows.child + 1, "start": rows.start, "stop": rows.stop, "event": rows.event.astype(np.int64)}
    )
