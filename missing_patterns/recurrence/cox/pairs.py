"""Counting pairs of rows at risk together, for all rows at once, in O(n log n)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from missing_patterns.recurrence.common import Floats, Ints
from missing_patterns.recurrence.cox.risk import RiskSets, sum_at_events, sum_at_risk, sum_over_cells

Small = NDArray[np.int32]


def sum_dominated(a: Ints, b: Ints, weight: Floats | None, at_a: Ints, at_b: Ints) -> Floats:
    """Return, for each query, the sum of the weights of the points with ``a < at_a`` and ``b < at_b``.

    Points are put in the order of the axis with more distinct values; on the other one they are parted bit by bit,
    from the highest, as in a wavelet matrix (Claude, Navarro and Ordóñez 2015). All queries go down one bit at a
    time together, so that the work is (points + queries) times the bits of the axis with fewer values.

    Parameters
    ----------
    a, b : array of int [n]
        Coordinates of the points, at least 0 and without large holes (ranks, numbers of cells).
    weight : array [n], optional
        Weights of the points; None = 1 each, and then the counts are exact.
    at_a, at_b : array of int [m]
        Queries, at least 0.

    Returns
    -------
    array [m]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> a, b = np.array([0, 1, 2, 2]), np.array([3, 0, 1, 5])
    >>> sum_dominated(a, b, None, np.array([2, 3, 3]), np.array([4, 2, 9])).tolist()
    [2.0, 2.0, 4.0]
    """
    if not len(a) or not len(at_a):
        return np.zeros(len(at_a))
    if a.max() < b.max():
        a, b, at_a, at_b = b, a, at_b, at_a
    count = np.cumsum(np.bincount(a))
    before = np.concatenate([[0], count])[np.minimum(at_a, len(count))].astype(np.int32)
    order = np.argsort(a, kind="stable")
    key = b[order].astype(np.int32)
    at = np.minimum(at_b, int(key.max()) + 1).astype(np.int32)
    return _descend(key, None if weight is None else weight[order], before, at)


def _descend(key: Small, weight: Floats | None, before: Small, at: Small) -> Floats:
    """Sum the weights of the first ``before`` points whose key is below ``at``."""
    n_bits = int(key.max() + 1).bit_length()
    # Where a query's part begins depends on its key only: one small table instead of a number for each query.
    start = np.zeros(1 << n_bits, dtype=np.int32)
    path = np.arange(1 << n_bits, dtype=np.int32)
    total = np.zeros(len(at), dtype=np.int64 if weight is None else np.float64)
    for bit in range(n_bits - 1, -1, -1):
        low = (key >> bit) & 1 == 0
        n_low = np.concatenate([[0], np.cumsum(low, dtype=np.int32)]).astype(np.int32)
        high_path = (path >> bit) & 1 == 1
        turns = high_path[at]
        there, first = n_low[before], n_low[start]
        if weight is None:
            total += np.where(turns, there - first[at], 0)
        else:
            summed = np.concatenate([[0.0], np.cumsum(np.where(low, weight, 0.0))])
            total += np.where(turns, summed[before] - summed[start][at], 0.0)
            weight = np.concatenate([weight[low], weight[~low]])
        before = np.where(turns, n_low[-1] + before - there, there)
        start = np.where(high_path, n_low[-1] + start - first, first)
        key = np.concatenate([key[low], key[~low]])
    return total.astype(np.float64)


def sum_alike(group: Ints, value: Ints, weight: Floats | None, at_group: Ints, at_value: Ints) -> Floats:
    """Return, for each query, the sum of the weights of the points of its group with ``value < at_value``.

    Parameters
    ----------
    group, value : array of int [n]
        The points' groups and values, at least 0.
    weight : array [n], optional
        Weights of the points; None = 1 each.
    at_group, at_value : array of int [m]
        Queries; the groups may be ones that no point has.

    Returns
    -------
    array [m]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> group, value = np.array([0, 0, 1]), np.array([4, 7, 5])
    >>> sum_alike(group, value, None, np.array([0, 0, 1]), np.array([5, 9, 5])).tolist()
    [1.0, 2.0, 0.0]
    """
    if not len(group) or not len(at_group):
        return np.zeros(len(at_group))
    width = int(max(value.max(), at_value.max())) + 1
    key = group.astype(np.int64) * width + value
    order = np.argsort(key, kind="stable")
    so_far = np.arange(len(key) + 1.0) if weight is None else np.concatenate([[0.0], np.cumsum(weight[order])])
    key = key[order]
    up_to = np.searchsorted(key, at_group.astype(np.int64) * width + at_value)
    total: Floats = so_far[up_to] - so_far[np.searchsorted(key, at_group.astype(np.int64) * width)]
    return total


def censoring_weights(risk: RiskSets, stop: Floats, stratum: Ints, weight: Floats) -> Floats:
    """Return 1 / G(t-)^2 for each cell: G is the chance of still being followed (Kaplan-Meier of censoring).

    On a day on which some go missing and others stop being followed, the former went first.

    Parameters
    ----------
    risk : RiskSets
        Who is at risk when; nobody enters late.
    stop : array [n]
        When each row ends.
    stratum : array of int [n]
        Stratum of each row.
    weight : array [n]
        Weight of each row.

    Returns
    -------
    array [D]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.recurrence.cox.risk import risk_sets
    >>> stop, stratum = np.array([1.0, 2.0, 3.0]), np.zeros(3, dtype=np.int64)
    >>> risk = risk_sets(np.zeros(3), stop, np.array([True, False, True]), stratum)
    >>> censoring_weights(risk, stop, stratum, np.ones(3)).tolist()
    [1.0, 4.0]
    """
    days = np.unique(stop)
    keys, step = np.unique(stratum * len(days) + np.searchsorted(days, stop), return_inverse=True)
    of = keys // len(days)
    censored, here = np.bincount(step, np.where(risk.event, 0.0, weight)), np.bincount(step, weight)
    ends = np.searchsorted(of, of, side="right")
    still = np.append(np.cumsum(here[::-1])[::-1], 0.0)
    later = still[1:] - still[ends]  # followed after the day, in the stratum
    stays = np.divide(later, later + censored, out=np.ones(len(keys)), where=censored > 0)
    chance = np.ones(len(keys))
    for begin, end in zip(np.unique(of, return_index=True)[1], np.unique(ends), strict=True):
        chance[begin + 1 : end] = np.cumprod(stays[begin : end - 1])
    cell = np.searchsorted(keys, risk.stratum * len(days) + np.searchsorted(days, risk.times))
    weights: Floats = chance[cell] ** -2.0
    return weights


def partners(
    risk: RiskSets, rank: Ints, weight: Floats | None, at_event: Floats
) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """Return the weight of each episode's concordant, discordant and tied partners, and of each row's.

    An episode's partners are the rows at risk at that moment that do not go at that very moment (concordant: those of a
    lower score). A row's are the episodes of others while it is at risk (concordant: of a higher score).

    Parameters
    ----------
    risk : RiskSets
        Who is at risk when.
    rank : array of int [n]
        The score of each row, as a rank from 0; like scores have like ranks.
    weight : array [n], optional
        Weight of each row; None = 1 each.
    at_event : array [number of episodes]
        Weight of each episode as a row's partner, in the order of the rows.

    Returns
    -------
    of_episodes, of_rows : tuples of three arrays
        Concordant, discordant and tied in score.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.recurrence.cox.risk import risk_sets
    >>> risk = risk_sets(np.zeros(3), np.array([1.0, 2.0, 3.0]), np.array([True, True, False]), np.zeros(3, dtype=int))
    >>> of_episodes, of_rows = partners(risk, np.array([1, 0, 1]), None, np.ones(2))
    >>> [a.tolist() for a in of_episodes]
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    >>> [a.tolist() for a in of_rows]
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """
    ones = np.ones(len(rank)) if weight is None else weight
    rows = np.flatnonzero(risk.event)
    own, cell = rank[rows], risk.cell[rows]
    below_there, level_there = _in_cell(cell, own, ones[rows])
    came = sum_dominated(rank, risk.first, weight, own, cell + 1)
    below = came - sum_dominated(rank, risk.last, weight, own, cell + 1) - below_there
    alike = sum_alike(rank, risk.first, weight, own, cell + 1) - sum_alike(rank, risk.last, weight, own, cell + 1)
    level = alike - level_there
    both = (sum_at_risk(ones, risk) - sum_at_events(ones, risk))[cell]
    of_events = (below, both - below - level, level)

    # A row is compared with episodes on the days that it is at risk, without the day of its own episode.
    counted = None if (at_event == 1).all() else at_event
    last = risk.last - risk.event
    lower = sum_dominated(own, cell, counted, rank, last) - sum_dominated(own, cell, counted, rank, risk.first)
    same = sum_alike(own, cell, counted, rank, last) - sum_alike(own, cell, counted, rank, risk.first)
    events_in_cell: Floats = np.bincount(cell, at_event, minlength=len(risk.times)).astype(np.float64)
    met = sum_over_cells(events_in_cell, risk) - np.where(risk.event, events_in_cell[risk.cell], 0.0)
    return of_events, (met - lower - same, lower, same)


def _in_cell(cell: Ints, rank: Ints, weight: Floats) -> tuple[Floats, Floats]:
    """Return, for each episode, the weight of those of its own moment with a lower score, and with the same."""
    order = np.lexsort((rank, cell))
    cell, rank = cell[order], rank[order]
    so_far = np.concatenate([[0.0], np.cumsum(weight[order])])
    new_cell = np.diff(cell, prepend=-1) != 0
    heads = np.flatnonzero(new_cell | (np.diff(rank, prepend=-1) != 0))
    ends = np.append(heads[1:], len(cell))
    number = np.repeat(np.arange(len(heads)), ends - heads)
    cell_begins = np.flatnonzero(new_cell)[np.cumsum(new_cell) - 1]
    below, level = np.empty(len(cell)), np.empty(len(cell))
    below[order] = so_far[heads][number] - so_far[cell_begins]
    level[order] = (so_far[ends] - so_far[heads])[number]
    return below, level


def tied_pairs(risk: RiskSets, rank: Ints, weight: Floats, cell_weight: Floats) -> tuple[Floats, Floats]:
    """Return, for each cell, the weight of pairs of episodes of one moment, with unlike and with like scores.

    Parameters
    ----------
    risk : RiskSets
        Who is at risk when.
    rank : array of int [n]
        The score of each row, as a rank from 0.
    weight : array [n]
        Weight of each row.
    cell_weight : array [D]
        Weight of each event time.

    Returns
    -------
    tied_time, tied_both : arrays [D]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.recurrence.cox.risk import risk_sets
    >>> risk = risk_sets(np.zeros(3), np.ones(3), np.ones(3, dtype=bool), np.zeros(3, dtype=np.int64))
    >>> [a.tolist() for a in tied_pairs(risk, np.array([0, 1, 1]), np.ones(3), np.ones(1))]
    [[2.0], [1.0]]
    """
    rows = np.flatnonzero(risk.event)
    cell, w = risk.cell[rows], weight[rows]
    alone = np.bincount(cell, w**2, minlength=len(risk.times))
    in_cell = np.bincount(cell, w, minlength=len(risk.times))
    group = cell * (int(rank.max()) + 1) + rank[rows]
    keys, number = np.unique(group, return_inverse=True)
    of_group = np.bincount(number, w)
    like = np.bincount(keys // (int(rank.max()) + 1), of_group**2, minlength=len(risk.times))
    return (in_cell**2 - like) / 2 * cell_weight, (like - alone) / 2 * cell_weight


def null_variance(risk: RiskSets, rank: Ints, weight: Floats, cell_weight: Floats) -> float:
    """Return the variance of (concordant - discordant) if scores fell on the rows at risk by chance.

    In a risk set of weight W, made of groups of like score of weights g, sum of w (below - above)^2 is
    (W^3 - sum g^3) / 3. The groups' cubes are followed from cell to cell by what changes.

    Parameters
    ----------
    risk : RiskSets
        Who is at risk when.
    rank : array of int [n]
        The score of each row, as a rank from 0.
    weight : array [n]
        Weight of each row.
    cell_weight : array [D]
        Weight of each event time.

    Returns
    -------
    float

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.recurrence.cox.risk import risk_sets
    >>> risk = risk_sets(np.zeros(2), np.array([1.0, 2.0]), np.array([True, False]), np.zeros(2, dtype=np.int64))
    >>> null_variance(risk, np.array([0, 1]), np.ones(2), np.ones(1))
    1.0
    """
    n_cells = len(risk.times)
    group, cell = np.concatenate([rank, rank]), np.concatenate([risk.first, risk.last])
    change = np.concatenate([weight, -weight])
    order = np.lexsort((cell, group))
    group, cell = group[order], cell[order]
    running = np.cumsum(change[order])
    step = np.flatnonzero(np.diff(group * (n_cells + 1) + cell, append=-1) != 0)  # last change at each cell
    group, cell, level = group[step], cell[step], running[step]
    first = np.flatnonzero(np.diff(group, prepend=-1) != 0)
    before = np.concatenate([[0.0], level])[first]  # what earlier groups left: nothing but rounding
    level = level - np.repeat(before, np.diff(np.append(first, len(group))))
    cubes = level**3
    grown = np.diff(cubes, prepend=0.0)
    grown[first] = cubes[first]
    of_groups = np.cumsum(np.bincount(cell, grown, minlength=n_cells + 1))[:n_cells]
    at_risk = sum_at_risk(weight, risk)
    spread = (at_risk**3 - of_groups) / 3
    return float((sum_at_events(weight, risk) * cell_weight * spread / at_risk).sum())
