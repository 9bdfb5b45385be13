"""The rate ratio by every method, its resamples, and the two curves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Z95, Bools, Floats, Ints
from missing_patterns.recurrence.effects import weights as w
from missing_patterns.recurrence.effects.exposure import Returns

#: The rows of the table of estimates, in order: the second is what each does.
METHODS = {
    "ever against never": "returns ever acted on against the others, from day 0: WRONG, immortal time",
    "from the action on": "time after the action against time before or without one, no weights",
    "weighted": "the same, weighted for who is acted on when",
    "weighted, alike returns": "the same, weighted, and among returns alike in the covariates: THE ESTIMATE",
    "within the same child": "time after the action against the same child's other returns, no weights",
}
ESTIMATE = "weighted, alike returns"

#: In resamples the last step of the coefficients is smaller than this; what is left is about its square, which is
#: nothing beside how far resamples lie apart.
LOOSE = 0.02


def estimate_all(returns: Returns, rows: w.Rows, weight: Floats, matrix: Floats) -> tuple[pd.DataFrame, w.Fitted]:
    """Fit every method, and return their table and the fit of the estimate.

    Raises
    ------
    Nothing.
    """
    ones, child, quarter = np.ones(len(rows.at)), returns.child[rows.at], returns.quarter[rows.at]
    n = len(returns.stop)
    ever = np.isfinite(returns.act)
    whole = w.Rows(np.zeros(n), returns.stop, returns.event, ever.astype(np.float64), np.arange(n), returns.stop)
    fits = {
        "ever against never": (w.outcome(whole, np.ones(n), None), returns.child),
        "from the action on": (w.outcome(rows, ones, None, stratum=quarter), child),
        "weighted": (w.outcome(rows, weight, None, stratum=quarter), child),
        ESTIMATE: (w.outcome(rows, weight, matrix, stratum=quarter), child),
        "within the same child": (w.outcome(rows, ones, None, stratum=child), child),
    }
    found = []
    for method, (fit, cluster) in fits.items():
        log, se = float(fit.beta[0]), w.robust_se(fit, cluster)
        if not fit.converged or se <= 0:  # no next episode on one side, or no child with both kinds of return
            log, se = np.nan, np.nan
        found.append(
            {
                "method": method,
                "ratio": float(np.exp(log)),
                "lower": float(np.exp(log - Z95 * se)),
                "upper": float(np.exp(log + Z95 * se)),
                "se_log": se,
                "lower_bootstrap": np.nan,
                "upper_bootstrap": np.nan,
                "what": METHODS[method],
            }
        )
    return pd.DataFrame(found), fits[ESTIMATE][0]


def resample(
    returns: Returns, rows: w.Rows, matrix: Floats, start: tuple[Floats, Floats], draws: tuple[int, int]
) -> Floats:
    """Return, of each resample of children, the log ratios of the two weighted methods, weights estimated anew.

    Parameters
    ----------
    returns, rows, matrix
        What is compared.
    start : (array, array)
        Coefficients of the action and of the estimate to begin from.
    draws : (int, int)
        Resamples, and the seed.

    Returns
    -------
    array [resamples, 2]
        Weighted, and the estimate; NaN where a resample could not be fitted.

    Raises
    ------
    Nothing.
    """
    n_boot, random_state = draws
    rng = np.random.default_rng(random_state)
    n_children = int(returns.child.max()) + 1
    found = np.full((n_boot, 2), np.nan)
    for b in range(n_boot):
        times = np.bincount(rng.integers(n_children, size=n_children), minlength=n_children)
        found[b] = _one_resample(returns, rows, matrix, times[returns.child].astype(np.float64), start)
    return found


def _one_resample(
    returns: Returns, rows: w.Rows, matrix: Floats, times: Floats, start: tuple[Floats, Floats]
) -> tuple[float, float]:
    drawn: Bools = times[rows.at] > 0
    here = rows.take(drawn)
    after = here.acted > 0
    if not (here.event & after).any() or not (here.event & ~after).any():
        return np.nan, np.nan
    chance = w.chance_of_action(returns.stop, returns.act, matrix, times, start[0], LOOSE)
    weight = w.truncate(chance.weights(here), here.acted)[0] * times[here.at]
    quarter = returns.quarter[here.at]
    adjusted = w.outcome(here, weight, matrix, stratum=quarter, start=start[1], tolerance=LOOSE)
    plain = w.outcome(here, weight, None, stratum=quarter, start=start[1][:1], tolerance=LOOSE)
    if not (adjusted.converged and plain.converged):
        return np.nan, np.nan
    return float(plain.beta[0]), float(adjusted.beta[0])


def curves_of(fit: w.Fitted, matrix: Floats, quarter: Ints, until: tuple[float, float]) -> pd.DataFrame:
    """Return the share gone again by each day, averaged over all returns at the two groups' rates.

    Raises
    ------
    Nothing.
    """
    end, acted_from = until
    days = np.unique(np.append(np.linspace(0.0, end, 57), [min(acted_from, end)]))
    risk, hazard = fit.likelihood.risk, fit.terms.hazard
    line = np.round(matrix @ fit.beta[1:], 2)
    back = np.zeros((2, len(days)))
    for number in np.unique(quarter):
        relative, size = np.unique(line[quarter == number], return_counts=True)
        own = risk.stratum == number
        met = np.concatenate([[0.0], np.cumsum(hazard[own])])
        so_far = met[np.searchsorted(risk.times[own], days, side="right")]
        at_action = met[np.searchsorted(risk.times[own], acted_from, side="right")]
        exposed = np.minimum(so_far, at_action) + np.exp(fit.beta[0]) * np.maximum(so_far - at_action, 0.0)
        for row, total in enumerate((so_far, exposed)):
            back[row] += np.exp(-np.outer(total, np.exp(relative))) @ size
    gone = 1.0 - back / len(quarter)
    return pd.DataFrame({"days": days, "share_not_acted": gone[0], "share_acted": gone[1]})
