"""What a fitted Cox model shows beside its coefficients: tests, strata and the baseline hazard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Floats
from missing_patterns.recurrence.cox.design import Design
from missing_patterns.recurrence.cox.likelihood import Likelihood, Terms
from missing_patterns.recurrence.cox.risk import RiskSets, stratum_ends, sum_at_risk


@dataclass(frozen=True, slots=True)
class ChiSquared:
    """A test that all coefficients are 0: its statistic, degrees of freedom and p-value.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> chi_squared(0.0, 1)
    ChiSquared(statistic=0.0, df=1, p_value=1.0)
    """

    statistic: float
    df: int
    p_value: float


def chi_squared(statistic: float, df: int) -> ChiSquared:
    """Give a statistic its p-value.

    Parameters
    ----------
    statistic : float
        At least 0, or NaN.
    df : int
        Degrees of freedom.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> round(chi_squared(3.841458820694124, 1).p_value, 12)
    0.05
    """
    from scipy.special import chdtrc

    return ChiSquared(statistic, df, float(chdtrc(df, statistic)))


def hidden_where(covariance: Floats, names: list[str], hidden: list[bool]) -> pd.DataFrame:
    """Put NaN where a coefficient has no size, so that no interval is made of it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> hidden_where(np.eye(2), ["a", "b"], [True, False])
        a    b
    a NaN  NaN
    b NaN  1.0
    """
    shown = covariance.copy()
    shown[hidden, :], shown[:, hidden] = np.nan, np.nan
    return pd.DataFrame(shown, index=names, columns=names)


def strata_table(design: Design) -> pd.DataFrame:
    """Count what is in each stratum: its columns, then ``n_rows n_children n_episodes days_at_risk``.

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``RecurrentCox.strata_``.
    """
    n = len(design.strata)
    if n == 1:
        children = np.array([design.n_children])
    else:
        pairs = pd.unique(design.stratum * np.int64(design.n_children) + design.child)
        children = np.bincount(pairs // max(design.n_children, 1), minlength=n)
    counts = {
        "n_rows": np.bincount(design.stratum, minlength=n),
        "n_children": children,
        "n_episodes": np.bincount(design.stratum[design.event], minlength=n),
        "days_at_risk": np.bincount(design.stratum, design.stop - design.start, minlength=n),
    }
    return pd.DataFrame({**dict(design.strata.items()), **counts})


def baseline_table(design: Design, risk: RiskSets, likelihood: Likelihood, terms: Terms, coef: Floats) -> pd.DataFrame:
    """Return the baseline hazard at each event time, for covariates of 0.

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``RecurrentCox.baseline_``.
    """
    with np.errstate(over="ignore"):
        hazard = terms.hazard * np.exp(-(design.means @ coef) - terms.shift)
    so_far = np.cumsum(hazard)
    ends = stratum_ends(risk)[:-1]
    if len(ends):  # from nothing in each stratum, and not by difference, which would lose digits
        so_far = np.concatenate([np.cumsum(part) for part in np.split(hazard, ends)])
    labels = {name: values.iloc[risk.stratum].reset_index(drop=True) for name, values in design.strata.items()}
    return pd.DataFrame(
        {
            **labels,
            "days": risk.times,
            "at_risk": np.rint(sum_at_risk(np.ones(len(design.start)), risk, careful=False)).astype(np.int64),
            "events": likelihood.n_events,
            "hazard": hazard,
            "cumulative_hazard": so_far,
        }
    )
