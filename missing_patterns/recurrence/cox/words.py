"""A fitted Cox model as a table, in plain English and as a drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Z95, plural
from missing_patterns.recurrence.cox.drawing import forest
from missing_patterns.recurrence.cox.names import reference_levels, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.cox.model import RecurrentCox

#: More rate ratios than this are left out of the words; the table has all.
MOST_SPOKEN = 6


def summary(model: RecurrentCox) -> pd.DataFrame:
    """Return one row per covariate with its rate ratio, limits and errors.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.

    Returns
    -------
    pd.DataFrame
        ``covariate rate_ratio lower upper p_value coef se se_model``. 95 % limits and p-value (two-sided, normal) rest
        on ``se``, the robust standard error, which allows for rows of one child being alike; ``se_model`` is the usual
        one, which does not. Limits, p-value and errors of a covariate that runs off (see ``runs_off_``) are NaN.

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``RecurrentCox.summary``.
    """
    from scipy.stats import norm

    coef = model.coef_.to_numpy()
    se = np.sqrt(np.diag(model.robust_covariance_.to_numpy()))
    se_model = np.sqrt(np.diag(model.covariance_.to_numpy()))
    off = np.array([name in model.runs_off_ for name in model.coef_.index])
    se, se_model = np.where(off, np.nan, se), np.where(off, np.nan, se_model)
    with np.errstate(over="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "covariate": list(model.coef_.index),
                "rate_ratio": np.exp(coef),
                "lower": np.exp(coef - Z95 * se),
                "upper": np.exp(coef + Z95 * se),
                "p_value": 2 * norm.sf(np.abs(coef) / se),
                "coef": coef,
                "se": se,
                "se_model": se_model,
            }
        )


def _ratio(value: float) -> str:
    """Word a ratio with digits enough to be told from 1 and from 0."""
    if not np.isfinite(value):
        return "not known"
    if 0.01 <= value < 1000:
        return f"{value:.3f}" if 0.995 <= value < 1.005 and value != 1 else f"{value:.2f}"
    return f"{value:.2g}"


def _what(model: RecurrentCox) -> dict[str, str]:
    """Word what is compared with what, for each covariate."""
    design = model.design_
    against = reference_levels(design)
    found = {}
    for name, column, mean in zip(design.names, design.matrix.T, design.means, strict=True):
        value = column + mean
        is_flag = (np.minimum(np.abs(value), np.abs(value - 1)) < 1e-9).all()
        if name in against and spoken(name) != name.split("[")[0]:
            found[name] = f"{spoken(name)} (against the first, {against[name]})"
        elif is_flag:
            found[name] = f"{spoken(name)} (yes against no)"
        else:
            found[name] = f"One more of {spoken(name)}"
    return found


def _findings(table: pd.DataFrame, what: dict[str, str]) -> list[str]:
    """Word the rate ratios, those whose interval leaves out 1 first."""
    known = table[table["lower"].notna()]
    apart = (known["lower"] > 1) | (known["upper"] < 1)
    said = []
    for row in known[apart].head(MOST_SPOKEN).itertuples():
        way = "more" if row.rate_ratio > 1 else "fewer"
        said.append(
            f"{what[str(row.covariate)]} goes with {_ratio(row.rate_ratio)} times as many episodes, that is {way} "
            f"(95 % interval {_ratio(row.lower)} to {_ratio(row.upper)}), the other covariates being equal"
        )
    unclear = [spoken(name) for name in known.loc[~apart, "covariate"]]
    if unclear:
        named = ", ".join(unclear[:MOST_SPOKEN]) + (
            f" and {len(unclear) - MOST_SPOKEN} more" if len(unclear) > MOST_SPOKEN else ""
        )
        said.append(f"The data fit both more and fewer episodes for {named}: these may or may not matter")
    return said


def _of_time(model: RecurrentCox) -> str:
    """Word which clock runs and who is compared with whom."""
    if model.time == "gap":
        clock = "Days are counted from the beginning of each spell at risk (the last return)"
    else:
        clock = "Days are counted from the origin of the intervals"
    names = [str(c) for c in model.design_.strata.columns]
    if not names:
        return f"{clock}, and each episode is compared with all children at risk on that day"
    return f"{clock}, and each episode is compared with those at risk on that day with the same {' and '.join(names)}"


def _of_errors(model: RecurrentCox, table: pd.DataFrame) -> str:
    """Word whose rows the errors take as alike, and how much it matters."""
    if model.cluster is None:
        return (
            "Rows are taken as independent of one another (cluster=None), which rows of one child are not: intervals "
            "are too narrow where children have several"
        )
    whose = "one child" if model.cluster == "child_id" else f"one value of {model.cluster}"
    ratio = (table["se"] / table["se_model"]).dropna()
    told = (
        f"Intervals allow for episodes of {whose} being alike (robust, {plural(model.design_.n_clusters, 'cluster')})"
    )
    if len(ratio):
        told += f"; their standard errors are {ratio.min():.1f} to {ratio.max():.1f} times the usual ones"
    return told


def explain(model: RecurrentCox) -> str:
    """Say in plain English what was fitted, what was found, on how many, and what it does not mean.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.

    Returns
    -------
    str

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``RecurrentCox.explain``.
    """
    table = summary(model)
    years = model.days_at_risk_ / 365.25
    said = [
        (
            "A rate ratio says how many times as many episodes go with one more of a covariate, among children at risk "
            "at the same time and equal in the others (Cox model for repeated episodes)"
        ),
        _of_time(model),
        (
            f"It rests on {plural(model.n_episodes_, 'episode')} of {plural(model.n_children_, 'child', 'children')} "
            f"in {plural(model.n_rows_, 'row')}, {years:,.1f} child-years at risk"
        ),
        *_findings(table, _what(model)),
        _of_errors(model, table),
        f"Episodes of one day are handled by {model.ties.capitalize()}'s rule",
    ]
    if model.n_zero_length_:
        said.append(f"{plural(model.n_zero_length_, 'row')} without length had to be left out")
    if any("episode" in str(c) for c in model.design_.strata.columns):
        said.append(
            "Children in later strata are selected by having gone so often: a rate ratio there is about them, and the "
            "numbers in each stratum are few"
        )
    said += [sentence.rstrip(".") for sentence in model.warnings_]
    said += [
        (
            "Before leaning on it, look at whether rate ratios change over time (schoenfeld_test) and at how far they "
            "rest on a few children (influence)"
        ),
        (
            "These are associations in recorded data, not effects: vulnerabilities are recorded incompletely, and a "
            "factor that was left out may stand behind a ratio"
        ),
    ]
    return ". ".join(said) + "."


def plot(model: RecurrentCox, ax: Axes | None = None) -> Axes:
    """Draw the rate ratios with their 95 % intervals on a log scale, one row per covariate.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``RecurrentCox.plot``.
    """
    table = summary(model)
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(7.0, 1.4 + 0.38 * len(table)), layout="constrained")[1]
    notes = [
        f"{_ratio(row.rate_ratio)} ({_ratio(row.lower)} to {_ratio(row.upper)})"
        if row.lower == row.lower
        else "runs off"
        for row in table.itertuples()
    ]
    columns = [table[c].tolist() for c in ("rate_ratio", "lower", "upper")]
    forest(ax, [spoken(name) for name in table["covariate"]], *columns, notes=notes)
    ax.set_xlabel("Rate ratio with 95 % interval (log scale)\nleft of 1: fewer episodes; right of 1: more")
    return ax
