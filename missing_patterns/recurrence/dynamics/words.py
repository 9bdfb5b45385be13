"""What fitted repeat dynamics say, in words and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from missing_patterns.recurrence.common import plural
from missing_patterns.recurrence.drawing import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.dynamics.model import RepeatDynamics

#: A frailty shape above which children's rates are as good as alike.
ALIKE_SHAPE = 50.0

#: A frailty shape so near to its least that the rate of children who are not on file is not known.
LEAST_SHAPE = 0.05

#: Likelihood ratio that chance alone exceeds in about 5 % of data sets without clustering.
QUICK_LIMIT = 4.0


def share_of_top_tenth(shape: float) -> float:
    """Return the share of all spontaneous episodes expected of the tenth of children with the highest own rates.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> round(share_of_top_tenth(0.8), 2), round(share_of_top_tenth(1e6), 2)
    (0.36, 0.1)
    """
    from scipy.special import gammainc, gammaincinv

    return float(1.0 - gammainc(shape + 1.0, gammaincinv(shape, 0.9)))


def _limits(model: RepeatDynamics) -> tuple[float, float]:
    row = model.summary().set_index("quantity").loc["alpha"]
    return float(row["lower"]), float(row["upper"])


def _of_alpha(model: RepeatDynamics) -> list[str]:
    low, high = _limits(model)
    if model.alpha_ == 0:
        upto = "" if np.isnan(high) else f" (95 % interval up to {high:.2f})"
        return [f"No short-run clustering was found: episodes go with no further ones beyond a child's own rate{upto}"]
    share = min(model.share_of_repeats_, 1.0)
    between = "" if np.isnan(low) or np.isnan(high) else f" (95 % interval {low:.2f} to {high:.2f})"
    half, most = (f"{model.lag_days_ * np.log(times):.0f}" for times in (2.0, 5.0))
    return [
        f"Each episode goes with {model.alpha_:.2f} further episodes directly{between}, beyond the child's own rate",
        (
            f"About {share:.0%} of repeats are such: half within {half} days of the return, four in five within {most} "
            f"days (mean lag {model.lag_days_:.0f} days)"
        ),
        f"The other {1 - share:.0%} of repeats are what children's own rates bring: some children simply go often",
    ]


def _of_children(model: RepeatDynamics) -> str:
    if model.frailty_shape_ >= ALIKE_SHAPE:
        return "There is no sign that children's own rates differ"
    if model.frailty_shape_ <= LEAST_SHAPE:
        return (
            "Children's own rates differ so widely that these data describe children with an episode only: they have "
            f"{model.rate_on_file_:.2f} episodes a year at risk that follow no other"
        )
    top = share_of_top_tenth(model.frailty_shape_)
    who = "of children who could be on file, " if model.zero_truncated else ""
    return (
        f"Children's own rates differ: {who}the tenth with the highest would have {top:.0%} of the episodes that "
        f"follow no other (frailty shape {model.frailty_shape_:.2f})"
    )


def _factors(model: RepeatDynamics) -> str:
    n_bands = sum(name.startswith("from day ") for name in model._factors.names)
    columns = [name for name in model._factors.names if not name.startswith("from day ")]
    return " and ".join([", ".join(columns)] * bool(columns) + [f"{n_bands + 1} bands of the clock"] * bool(n_bands))


def explain(model: RepeatDynamics) -> str:
    """Say in plain English what was estimated, on how many, and what it does not mean.

    Raises
    ------
    Nothing.
    """
    years = plural(round(model.days_at_risk_ / 365.25), "year")
    said = [
        "The model asks whether a child's episodes come in short runs, or whether some children simply go often",
        (
            f"It rests on {plural(model.n_episodes_, 'episode')}, {model.n_repeats_:,} of them repeats (not the "
            f"child's first on file), of {plural(model.n_children_, 'child', 'children')} at risk for {years} "
            "in all; days missing are not time at risk"
        ),
        *_of_alpha(model),
        _of_children(model),
    ]
    if model.alpha_if_alike_ > model.alpha_ + 0.005:
        said.append(
            f"If all children were taken to be alike, {model.alpha_if_alike_:.2f} would be found instead of "
            f"{model.alpha_:.2f}: children who go often would be taken for runs"
        )
    if model.test_ is not None:
        n = len(model.test_.simulated)
        said.append(f"In {n} made-up sets without clustering, evidence as strong had p = {model.test_.p_value:.3g}")
    elif model.alpha_ > 0:
        strength = "below" if model.statistic_ < QUICK_LIMIT else "above"
        said.append(
            f"The evidence of clustering (likelihood ratio) is {model.statistic_:,.1f}, {strength} the 4 that chance "
            "alone seldom exceeds; .test() compares it with made-up data"
        )
    if model._strata is not None:
        said.append(f"A child has a rate of their own in each of {plural(model.n_units_, 'spell')} between changes")
    if model.zero_truncated:
        said.append("Only children with an episode are on file, and the model allows for that")
    for n, why in ((model.n_no_episode_, "without an episode"), (model.n_no_time_, "without time at risk")):
        if n:
            said.append(f"{plural(n, 'child', 'children')} {why} {'was' if n == 1 else 'were'} left out")
    said += [
        "This is short-run clustering. It cannot tell whether one episode leads to the next or a bad spell of some "
        "weeks brings several, least of all where the lag is weeks"
        + ("" if model._strata is not None else "; fit with strata= for placements to see how much of it stays"),
        (
            "A rate that changes with age or season is read as clustering unless bands= or covariates= hold it: growth "
            "over some years can add half as much again"
            if not model._factors.names
            else f"Rates are allowed to differ by {_factors(model)}; other changes over time are read as clustering"
        ),
        "Episodes before the records begin are not in the model. It says nothing about any one child",
    ]
    return ". ".join(said) + "."


def plot(model: RepeatDynamics, ax: Axes | None = None) -> Axes:
    """Draw the further episodes per 100 episodes by days since the return, and what taking children as alike gives.

    Raises
    ------
    Nothing.
    """
    ax = new_axes(ax)
    lag = model.lag_days_ if model.alpha_ > 0 else 14.0
    span = max(28.0, 4.5 * lag)
    days = np.linspace(0.0, span, 200)
    grown = 100.0 * (1.0 - np.exp(-days / lag))
    naive = 100.0 * model.alpha_if_alike_ * (1.0 - np.exp(-days / model._lag_if_alike))
    low, high = _limits(model)
    ax.plot(days, model.alpha_ * grown, color="#12436D", linewidth=2)
    if np.isfinite(low) and np.isfinite(high):
        ax.fill_between(days, low * grown, high * grown, color="#12436D", alpha=0.18, linewidth=0)
    ax.plot(days, naive, color="#801650", linestyle="--", linewidth=1.5)
    top = max(float(naive[-1]), 100.0 * model.alpha_, 100.0 * high if np.isfinite(high) else 0.0, 1.0)
    ours, theirs = 100.0 * model.alpha_, float(naive[-1])
    if abs(ours - theirs) < 0.11 * top:  # labels must not lie on one another
        apart = 0.055 * top if theirs >= ours else -0.055 * top
        ours, theirs = 0.5 * (ours + theirs) - apart, 0.5 * (ours + theirs) + apart
    for y, text, colour in (
        (ours, "beyond the\nchild's own rate", "#12436D"),
        (theirs, "if children were\ntaken as alike", "#801650"),
    ):
        ax.annotate(
            text,
            (span, y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
    ax.set_xlim(0, span)
    ax.set_ylim(0, 1.08 * top)
    ax.set_xlabel("Days since a return")
    ax.set_ylabel("Further episodes\nper 100 episodes, by then")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
