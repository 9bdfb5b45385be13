"""What may be shown of hidden rates: how unlike they are over the whole group, never whose they are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Floats, Ints
from missing_patterns.recurrence.cox.risk import sum_at_risk
from missing_patterns.recurrence.frailty.likelihood import Point

#: Episodes of a child, as bands: name, lowest, highest.
BANDS = (("0", 0, 0), ("1", 1, 1), ("2", 2, 2), ("3 to 9", 3, 9), ("10 or more", 10, None))


def share_of_most_frequent(theta: float, part: Floats | float) -> Floats:
    """Return the share of expected episodes that fall to the children with the highest hidden rates.

    Parameters
    ----------
    theta : float
        Variance of the hidden rates, at least 0.
    part : array or float
        Which part of the children, 0 to 1: 0.1 = the tenth with the highest rates.

    Returns
    -------
    array
        0 to 1; ``part`` itself where theta is 0.

    Raises
    ------
    Nothing.

    Notes
    -----
    Of a gamma distribution with mean 1 and shape k = 1 / theta, the mass of the rate itself is gamma with shape k + 1.

    Examples
    --------
    >>> share_of_most_frequent(1.0, 0.1).round(3).item()  # exponential rates: 0.1 (1 + log 10)
    0.33
    """
    from scipy.special import gammaincc, gammainccinv

    part = np.asarray(part, dtype=np.float64)
    if theta == 0:
        return part.copy()
    shape = 1 / theta
    share: Floats = np.asarray(gammaincc(shape + 1, gammainccinv(shape, part)))
    return share


def episodes_per_child(counts: Ints, expected: Floats, theta: float, alike: Floats) -> pd.DataFrame:
    """Compare how many children have 0, 1, 2... episodes with what the model expects.

    Parameters
    ----------
    counts : array [g]
        Episodes of each child.
    expected : array [g]
        Those expected of it at a hidden rate of 1.
    theta : float
        Variance of the hidden rates.
    alike : array [g]
        Episodes expected of it if all hidden rates were the same.

    Returns
    -------
    pd.DataFrame
        ``episodes n_children expected expected_if_alike``: the band, the children in it, and those expected there:
        negative binomial, and Poisson. Rough where covariates change with the child's own episodes.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> table = episodes_per_child(np.array([0, 0, 3, 1]), np.ones(4), 1.0, np.ones(4))
    >>> table["n_children"].tolist(), table["expected"].round(2).tolist()
    ([2, 1, 0, 1, 0], [2.0, 1.0, 0.5, 0.5, 0.0])
    """
    by_model, by_chance = _chances(expected, theta), _chances(alike, 0.0)
    rows = []
    for name, low, high in BANDS:
        if high is None:
            there = (int((counts >= low).sum()), len(counts) - by_model.sum(), len(counts) - by_chance.sum())
        else:
            band = slice(low, high + 1)
            there = (int(((counts >= low) & (counts <= high)).sum()), by_model[band].sum(), by_chance[band].sum())
        rows.append((name, *there))
    return pd.DataFrame(rows, columns=["episodes", "n_children", "expected", "expected_if_alike"])


def _chances(expected: Floats, theta: float) -> Floats:
    """Sum over children the chance of each number of episodes below the last band, each from the one before."""
    n = BANDS[-1][1]
    if theta:
        chance, grows = np.exp(-np.log1p(theta * expected) / theta), expected / (1 + theta * expected)
    else:
        chance, grows = np.exp(-expected), expected
    total = np.empty(n)
    for k in range(n):
        total[k] = chance.sum()
        chance = chance * grows * ((1 + k * theta) / (k + 1))
    return total


def baseline(point: Point, beta: Floats, means: Floats, strata: pd.DataFrame) -> pd.DataFrame:
    """Return the baseline hazard at each event time: all covariates 0 and a hidden rate of 1.

    Parameters
    ----------
    point : Point
        The pass over the rows at the estimate.
    beta, means : array [p]
        Coefficients, and what was taken off the covariates.
    strata : pd.DataFrame
        One row per stratum: the values that make it.

    Returns
    -------
    pd.DataFrame
        ``[strata] days at_risk events hazard cumulative_hazard``; ``at_risk`` counts rows.

    Raises
    ------
    Nothing.
    """
    data = point.data
    risk = data.risk
    with np.errstate(over="ignore", under="ignore"):
        hazard = point.a0 * np.exp(-(means @ beta) - point.shift)
    table = strata.iloc[risk.stratum].reset_index(drop=True)
    table["days"] = risk.times
    table["at_risk"] = np.rint(sum_at_risk(np.ones(len(data.offset)), risk, careful=False)).astype(np.int64)
    table["events"] = data.n_events.astype(np.int64)
    table["hazard"] = hazard
    table["cumulative_hazard"] = pd.Series(hazard).groupby(risk.stratum).cumsum().to_numpy()
    return table
