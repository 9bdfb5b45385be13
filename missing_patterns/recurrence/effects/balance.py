"""How alike returns were at the moment of action, how far they overlap, and what a hidden factor would have to be."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Bools, Floats
from missing_patterns.recurrence.cox.risk import risk_sets, sum_at_risk
from missing_patterns.recurrence.effects.weights import Chance, Rows

#: Beyond it a covariate is not balanced (the usual rule of thumb).
BALANCED = 0.1

#: A return less likely than this to be acted on at all, or more likely to be before most others are, has nobody to be
#: compared with.
NEAR_NEVER, NEAR_AT_ONCE = 0.025, 0.975


def balance_table(rows: Rows, weight: Floats, matrix: Floats, names: tuple[str, ...]) -> pd.DataFrame:
    """Compare those acted on with all who were still back and not acted on at that moment, in standard deviations.

    Parameters
    ----------
    rows : Rows
        Time at risk.
    weight : array
        Weight of each row.
    matrix : array [n, p]
        Standardised covariates of the returns.
    names : tuple of str
        Their names.

    Returns
    -------
    pd.DataFrame
        ``covariate difference_before difference_after``: mean of those acted on less the mean of those at risk when
        each was, without and with weights.

    Raises
    ------
    Nothing.
    """
    waiting = np.flatnonzero(rows.acted == 0)
    acted = np.flatnonzero(rows.acted > 0)
    at = np.maximum(rows.start[acted], 1e-9)
    start = np.concatenate([rows.start[waiting], np.maximum(at - 1e-9, 0.0)])
    stop = np.concatenate([np.maximum(rows.stop[waiting], 1e-9), at])
    # Those acted on mark the moments, and add nothing to who was waiting: their own last row before it does.
    marks = np.concatenate([np.zeros(len(waiting), bool), np.ones(len(acted), bool)])
    risk = risk_sets(start, stop, marks, np.zeros(len(start), dtype=np.int64))
    found = {}
    for name, w in (("difference_before", np.ones(len(weight))), ("difference_after", weight)):
        held = np.concatenate([w[waiting], np.zeros(len(acted))])
        x = matrix[np.concatenate([rows.at[waiting], rows.at[acted]])]
        total = sum_at_risk(np.column_stack([held, held[:, None] * x]), risk)
        cell = risk.cell[len(waiting) :]
        known = total[cell, 0] > 0
        mean = total[cell[known], 1:] / total[cell[known], :1]
        w_acted = w[acted][known]
        found[name] = w_acted @ (matrix[rows.at[acted[known]]] - mean) / max(w_acted.sum(), 1e-300)
    return pd.DataFrame({"covariate": list(names), **found})


def effective(weight: Floats) -> float:
    """Return how many equal weights say as much (Kish).

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> effective(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0


def near_certain(chance: Chance, act: Floats, days: float) -> Bools:
    """Say which returns were all but certain not to be acted on, or to be acted on at once.

    Parameters
    ----------
    chance : Chance
        The model of the time to the action.
    act : array
        Days to the action, infinite if none.
    days : float
        End of follow-up.

    Returns
    -------
    array of bool
        A chance under 2.5 % of an action within the follow-up; or above 97.5 % of one by when only a quarter of those
        acted on had been.

    Raises
    ------
    Nothing.
    """
    early = float(np.quantile(act[np.isfinite(act)], 0.25))
    return np.asarray((chance.by(days) < NEAR_NEVER) | (chance.by(early) > NEAR_AT_ONCE))


def overlap_table(rows: Rows, weight: Floats, chance: Chance, certain: Bools, days: float) -> pd.DataFrame:
    """Describe weights and chances of returns acted on, and of returns before or without an action.

    Parameters
    ----------
    rows : Rows
        Time at risk.
    weight : array
        Weight of each row.
    chance : Chance
        The model of the time to the action.
    certain : array
        What :func:`near_certain` says of each return.
    days : float
        Chances are those of an action within so many days.

    Returns
    -------
    pd.DataFrame
        Two rows: ``group n_returns weight_mean weight_sd weight_max effective_n chance_p5 chance_median chance_p95
        share_near_certain``. A return that is acted on later counts in both groups. ``effective_n``: how many returns
        of equal weight say as much. ``share_near_certain``: of the returns, those with nobody to be compared with.

    Raises
    ------
    Nothing.
    """
    likely = chance.by(days)
    found = []
    for group, here in (("acted on", rows.acted > 0), ("not acted on", rows.acted == 0)):
        length = np.where(here, rows.stop - rows.start, 0.0)
        n = len(likely)
        total = np.bincount(rows.at, length, minlength=n)
        own = np.bincount(rows.at, length * weight, minlength=n)
        who = total > 0
        mean = own[who] / total[who]
        p = likely[who]
        found.append(
            {
                "group": group,
                "n_returns": int(who.sum()),
                "weight_mean": float(mean.mean()),
                "weight_sd": float(mean.std()),
                "weight_max": float(mean.max()),
                "effective_n": effective(mean),
                "chance_p5": float(np.quantile(p, 0.05)),
                "chance_median": float(np.quantile(p, 0.5)),
                "chance_p95": float(np.quantile(p, 0.95)),
                "share_near_certain": float(certain[who].mean()),
            }
        )
    return pd.DataFrame(found)


def e_value(
    ratio: float, lower: float = float("nan"), upper: float = float("nan"), *, is_common: bool = False
) -> pd.DataFrame:
    """Return how strong an unmeasured factor would have to be to make up the whole ratio, and its limit nearer to one.

    A factor would have to go with both the action and going again by risk ratios of at least so much, beyond the
    covariates; a weaker one could not account for it.

    Parameters
    ----------
    ratio : float
        Rate ratio, above 0.
    lower, upper : float, optional
        Its interval.
    is_common : bool, default False
        Whether more than 15 % go again by the end of follow-up: then the ratio of rates is first turned into an
        approximate ratio of risks, which is nearer to one.

    Returns
    -------
    pd.DataFrame
        ``of ratio e_value``, for the estimate and the limit. A limit beyond one has 1: nothing is needed.

    Raises
    ------
    Nothing.

    Notes
    -----
    VanderWeele TJ, Ding P (2017), Sensitivity analysis in observational research: introducing the E-value, Annals of
    Internal Medicine 167:268-274: RR + sqrt(RR (RR - 1)), of 1/RR where RR < 1; their table 2 for common outcomes,
    RR = (1 - 0.5 ** sqrt(HR)) / (1 - 0.5 ** sqrt(1 / HR)).

    Examples
    --------
    The paper's own figures, for a ratio of 3.9 (1.8 to 8.7):

    >>> e_value(3.9, 1.8, 8.7)["e_value"].round(2).tolist()
    [7.26, 3.0]
    >>> e_value(0.9, 0.7, 1.2)["e_value"].round(2).tolist()
    [1.46, 1.0]
    """
    near = upper if ratio < 1 else lower
    beyond = near >= 1 if ratio < 1 else near <= 1
    values = [_e_value(ratio, is_common), 1.0 if beyond else _e_value(near, is_common)]
    return pd.DataFrame({"of": ["estimate", "limit nearer to 1"], "ratio": [ratio, near], "e_value": values})


def _e_value(ratio: float, is_common: bool) -> float:
    if not ratio > 0 or not np.isfinite(ratio):
        return float("nan")
    risk = (1 - 0.5 ** np.sqrt(ratio)) / (1 - 0.5 ** np.sqrt(1 / ratio)) if is_common else ratio
    risk = max(risk, 1 / risk)
    return float(risk + np.sqrt(risk * (risk - 1)))
