"""A fitted frailty model as a table, in plain English and as a drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Z95, plural
from missing_patterns.recurrence.drawing import new_axes
from missing_patterns.recurrence.frailty.tables import share_of_most_frequent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.frailty.model import SharedFrailty

#: More rate ratios than this are left out of the words; the table has all.
MOST_SPOKEN = 6

BLUE, GREY = "#12436D", "#3D3D3D"


def summary(model: SharedFrailty) -> pd.DataFrame:
    """Return one row per covariate, and one for theta. See ``SharedFrailty.summary``.

    Raises
    ------
    Nothing.
    """
    from scipy.stats import norm

    coef = model.coef_.to_numpy()
    se = np.sqrt(np.diag(model.covariance_full_.to_numpy()))
    sparse = np.sqrt(np.diag(model.covariance_sparse_.to_numpy()))
    blank = float("nan")
    with np.errstate(over="ignore", invalid="ignore"):
        table = {
            "term": [*model.coef_.index, "theta"],
            "estimate": [*np.exp(coef), model.theta_],
            "lower": [*np.exp(coef - Z95 * se), model.theta_interval_[0]],
            "upper": [*np.exp(coef + Z95 * se), model.theta_interval_[1]],
            "p_value": [*(2 * norm.sf(np.abs(coef) / se)), model.variance_test_.p_value],
            "coef": [*coef, blank],
            "se": [*se, blank],
            "se_sparse": [*sparse, blank],
        }
    return pd.DataFrame(table)


def _chance(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def _about_theta(model: SharedFrailty) -> list[str]:
    """Word theta, its limits, and what it means for who goes."""
    low, high = model.theta_interval_
    many = "children" if model.group == "child_id" else "groups"
    share, lower, upper = (f"{100 * part:.0f} %" for part in model.share_of_most_frequent(0.1))
    if model.theta_ == 0:
        said = [f"Theta, the variance of the hidden rates, is 0: no difference between {many} beyond chance was found"]
        fits = f"The data still fit a theta of {high:.2f}, at which the tenth of {many} with the highest hidden rates "
        if not np.isnan(high):
            said.append(f"{fits}would have {upper} of the episodes: not found is not the same as not there")
        return said
    known = not np.isnan(high)
    limits = f"{low:.2f} to {high:.2f}" if known else "not known"
    said = [f"Theta, the variance of the hidden rates, is {model.theta_:.2f} (95 % interval {limits})"]
    tenth = f"At that, the tenth of {many} with the highest hidden rates would have {share} of the episodes"
    around = f" ({lower} to {upper})" if known else ""
    equal = ", the covariates being equal" if len(model.coef_) else ""
    said.append(f"{tenth}{around}, where it would be 10 % if all were alike{equal}")
    test = model.variance_test_
    often = "seldom" if test.p_value < 0.05 else "often"
    said.append(f"If hidden rates were all alike, chance would {often} give such differences ({_chance(test.p_value)})")
    return said


def _about_covariates(model: SharedFrailty) -> list[str]:
    """Word the rate ratios."""
    table = summary(model).iloc[:-1]
    if not len(table):
        return ["No covariate is in the model: theta holds all differences, recorded or not"]
    known = table[table["lower"].notna()]
    apart = (known["lower"] > 1) | (known["upper"] < 1)
    said = [
        f"One more of {row.term} goes with {row.estimate:.2f} times as many episodes (95 % interval {row.lower:.2f} to "
        f"{row.upper:.2f}), the other covariates and the hidden rate being equal"
        for row in known[apart].head(MOST_SPOKEN).itertuples()
    ]
    unclear = known.loc[~apart, "term"].tolist()
    if unclear:
        more = f" and {len(unclear) - MOST_SPOKEN} more" if len(unclear) > MOST_SPOKEN else ""
        said.append(f"The data fit both more and fewer episodes for {', '.join(unclear[:MOST_SPOKEN])}{more}")
    return said


def explain(model: SharedFrailty) -> str:
    """Say in plain English what was estimated, on how many, and what it does not mean.

    Raises
    ------
    Nothing.
    """
    one, many = ("child", "children") if model.group == "child_id" else ("group", "groups")
    hidden = (
        f"Each {one} may have a hidden rate of its own beside what is recorded, the same through its whole follow-up"
    )
    years = f"{model.days_at_risk_ / 365.25:,.0f} years at risk"
    known = "Intervals of rate ratios take theta as known (full standard errors; the summary has the sparse ones, too)"
    said = [
        f"{hidden}; hidden rates are spread about 1 by a gamma distribution",
        f"It rests on {plural(model.n_episodes_, 'episode')} of {model.who(model.n_groups_)} over {years}",
        *_about_theta(model),
        *_about_covariates(model),
        *([known] if len(model.coef_) else []),
    ]
    check = model.check_
    if check["expected"].isna().any():
        said.append(f"Follow-up often ends at an episode, so episodes per {one} cannot be held against the model")
    else:
        rows = check[check["n_children"] + check["expected"].round() > 0]
        told = ", ".join(f"{r.episodes}: {r.n_children:,} and {r.expected:,.0f}" for r in rows.itertuples())
        said.append(f"How many {many} have so many episodes, and how many would by the model: {told}")
    said += [
        f"Theta is about all {many} together: it is no attribute of a {one}, and no hidden rate can be got from here",
        "It takes in all that is not recorded, and also episodes that come in runs and risks that come and go",
        "The model does not tell these apart",
    ]
    if model.group == "child_id":
        said.append("Children on file only because they went missing go more often than others, which it cannot see")
    if model.n_zero_length_:
        said.append(
            f"{plural(model.n_zero_length_, 'row')} without length, with "
            f"{plural(model.n_zero_length_episodes_, 'episode')}, are left out"
        )
    said += list(model.warnings_)
    return ". ".join(said) + "."


def plot(model: SharedFrailty, ax: Axes | None = None) -> Axes:
    """Draw the share of episodes against the part of the children, those with the highest hidden rates first.

    Raises
    ------
    Nothing.
    """
    ax = new_axes(ax)
    many = "children" if model.group == "child_id" else "groups"
    part = np.concatenate([[0.0], np.geomspace(1e-4, 0.05, 60), np.linspace(0.055, 1.0, 190)])
    low, high = model.theta_interval_
    if not np.isnan(high):
        band = [100 * share_of_most_frequent(theta, part) for theta in (low, high)]
        ax.fill_between(100 * part, band[0], band[1], color=BLUE, alpha=0.2, linewidth=0, label="95 % interval")
    label = f"Hidden rates as unlike as found (theta {model.theta_:.2f})"
    ax.plot(100 * part, 100 * share_of_most_frequent(model.theta_, part), color=BLUE, label=label)
    ax.plot([0, 100], [0, 100], color=GREY, linestyle="--", label="If all were alike")
    share = 100 * model.share_of_most_frequent(0.1)[0]
    most = f"The tenth who go most often: {share:.0f} % of episodes"
    ax.plot([10], [share], "o", color=BLUE, linestyle="none", label=most)
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 101)
    ax.set_xlabel(f"Part of the {many}, highest hidden rates first (%)")
    ax.set_ylabel("Share of expected episodes (%)")
    ax.legend(frameon=False, loc="lower right")
    return ax
