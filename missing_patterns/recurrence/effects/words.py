"""The comparison in plain English, and its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import plural
from missing_patterns.recurrence.drawing import new_axes
from missing_patterns.recurrence.effects.balance import BALANCED
from missing_patterns.recurrence.effects.covariates import WORDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.effects.model import ActionComparison


def explain(result: ActionComparison) -> str:
    """Say what was compared, on how many, how sure it is, and what it does not mean.

    Raises
    ------
    Nothing.
    """
    known = [_finding(result), _shares(result)] if np.isfinite(result.ratio) else []
    said = [_compared(result), *known, _naive(result), _weighted(result)]
    within = result.estimates.set_index("method").loc["within the same child"]
    if np.isfinite(within["ratio"]):
        said.append(
            f"Compared with other returns of the same child the ratio is {within['ratio']:.2f} "
            f"({within['lower']:.2f} to {within['upper']:.2f}), which allows for anything that stays the same about a "
            "child, recorded or not"
        )
    said += [_hidden(result)] if known else []
    caveat = (
        "It says what goes with the action in these records, not what the action does: whoever chose whom to see knew "
        "more than is recorded, what changed between the return and the action is not allowed for, and covariates that "
        "were not known at the return would make it wrong"
    )
    said += [caveat, *(f"Take care: {note}" for note in result.notes)]
    return ". ".join(said) + "."


def _compared(result: ActionComparison) -> str:
    c = result.counts
    return (
        "Each return is followed to the next episode, the end of observation or "
        f"day {result.max_days:g}. It counts as acted on from the moment of the first action, not before. "
        f"{plural(c['n_returns_compared'], 'return')} of {plural(c['n_children'], 'child', 'children')} are compared: "
        f"{c['n_returns_acted']:,} were acted on, with {plural(c['n_episodes_acted'], 'next episode')} in the "
        f"{c['days_acted']:,} days after; before or without an action there were {c['n_episodes_not_acted']:,} in "
        f"{c['days_not_acted']:,} days"
    )


def _shares(result: ActionComparison) -> str:
    last = result.curves.iloc[-1]
    return (
        f"At these rates {last['share_not_acted']:.0%} of returns would be followed by another episode by day "
        f"{result.max_days:g} without an action, and {last['share_acted']:.0%} with one on day "
        f"{result.acted_from:.1f}, by when half of those acted on had been"
    )


def _naive(result: ActionComparison) -> str:
    ratio = float(result.estimates.set_index("method").loc["ever against never", "ratio"])
    return (
        f"Simply comparing returns ever acted on with the others gives {ratio:.2f}, which is wrong: a child who goes "
        "again at once can no longer be acted on, so those who go again soon fill the other group (immortal time)"
    )


def _weighted(result: ActionComparison) -> str:
    before, after = (float(result.balance[f"difference_{when}"].abs().max()) for when in ("before", "after"))
    weakest = float((result.overlap["effective_n"] / result.overlap["n_returns"]).min())
    return (
        "Returns are weighted by the chance of their course given what was known when the child came back, and "
        "compared among returns alike in it. At the moment of action the groups differed by up to "
        f"{before:.2f} standard deviations, {after:.2f} once weighted (below {BALANCED} is usually called balanced); "
        f"the weights leave at least {weakest:.0%} of each group's information"
    )


def _finding(result: ActionComparison) -> str:
    interval = f"{result.lower:.2f} to {result.upper:.2f}"
    how = "resampling children" if result.counts["n_boot"] else "errors robust to what is alike within a child"
    if result.lower <= 1 <= result.upper:
        meaning = "no difference can be told: the interval holds 1"
    elif result.ratio < 1:
        meaning = "going again is less frequent after the action"
    else:
        meaning = "going again is more frequent after the action"
    return f"The rate ratio is {result.ratio:.2f} (95 % interval {interval}, by {how}): {meaning}"


def _hidden(result: ActionComparison) -> str:
    of_estimate, of_limit = result.e_values["e_value"]
    if of_limit <= 1:
        return "No hidden factor is needed to make the interval hold 1 (E-value of the limit 1)"
    return (
        f"A hidden factor would have to go with both the action and going again by a risk ratio of {of_estimate:.1f} "
        f"each to make up the estimate, {of_limit:.1f} for the interval to reach 1 (E-value)"
    )


def plot_estimates(result: ActionComparison, ax: Axes | None = None) -> Axes:
    """Draw a row per method, the wrong one in grey with a cross, and the estimate filled.

    Raises
    ------
    Nothing.
    """
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    from missing_patterns.recurrence.effects.estimates import ESTIMATE

    ax = new_axes(ax)
    table = result.estimates
    labels = []
    boxed = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # so that a figure never stands on the line at 1
    for k, row in enumerate(table.to_dict("records")):
        wrong, main = k == 0, row["method"] == ESTIMATE
        lower, upper = (
            (row["lower_bootstrap"], row["upper_bootstrap"])
            if np.isfinite(row["lower_bootstrap"])
            else (row["lower"], row["upper"])
        )
        colour = "#6F6F6F" if wrong else "#12436D"
        ax.plot([lower, upper], [k, k], color=colour, linewidth=3 if main else 1.5, linestyle=":" if wrong else "-")
        marker = "x" if wrong else "o"
        face = colour if main or wrong else "white"
        ax.plot([row["ratio"]], [k], marker=marker, color=colour, markerfacecolor=face, markersize=9 if main else 7)
        if np.isfinite(row["ratio"]):
            ax.annotate(
                f"{row['ratio']:.2f}",
                (row["ratio"], k),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                bbox=boxed,
            )
        kind = " (wrong)" if wrong else " (the estimate)" if main else ""
        labels.append(f"{row['method'].capitalize()}{kind}")
    ax.axvline(1.0, color="#3D3D3D", linewidth=1)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.7)
    ax.set_xscale("log")
    shown = table[["ratio", "lower", "upper", "lower_bootstrap", "upper_bootstrap"]].to_numpy()
    low, high = float(np.nanmin(shown)), max(float(np.nanmax(shown)), 1.0)
    ticks = [
        t for t in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0) if low / 1.2 <= t <= high * 1.2
    ]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set_xlabel("Rate ratio of going again (95 % interval)")
    return ax


def plot_balance(result: ActionComparison, ax: Axes | None = None) -> Axes:
    """Draw one line per covariate: difference before weighting (open) and after it (filled).

    Raises
    ------
    Nothing.
    """
    ax = new_axes(ax)
    table = result.balance
    table = table.iloc[table["difference_before"].abs().argsort(kind="stable")]
    if len(table) > 25:
        table = table.tail(25)
    where = np.arange(len(table))
    ax.axvspan(-BALANCED, BALANCED, color="#28A197", alpha=0.12, linewidth=0)
    ax.axvline(0.0, color="#3D3D3D", linewidth=1)
    ax.plot(
        table["difference_before"], where, "o", color="#F46A25", markerfacecolor="white", markersize=7, label="before"
    )
    ax.plot(table["difference_after"], where, "o", color="#12436D", markersize=6, label="after weighting")
    ax.set_yticks(where, [_label(name) for name in table["covariate"]])
    ax.set_ylim(-0.7, len(table) - 0.3)
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("Standard deviations apart")
    ax.legend(frameon=False, loc="best")
    return ax


def _label(name: str) -> str:
    base = name.removesuffix(" not recorded")
    word = WORDS.get(base, base)
    if base != name:
        word += " not recorded"
    return word[:1].upper() + word[1:]


def plot_curves(result: ActionComparison, ax: Axes | None = None) -> Axes:
    """Draw the two curves, each named at its end.

    Raises
    ------
    Nothing.
    """
    ax = new_axes(ax)
    table: pd.DataFrame = result.curves
    named = {
        "share_not_acted": ("without an action", "#F46A25", "--"),
        "share_acted": (f"acted on at day {result.acted_from:.1f}", "#12436D", "-"),
    }
    last = table.iloc[-1]
    higher = "share_acted" if last["share_acted"] > last["share_not_acted"] else "share_not_acted"
    for column, (label, colour, style) in named.items():
        ax.plot(table["days"], table[column], color=colour, linestyle=style, linewidth=2)
        ax.annotate(
            f"{label}: {last[column]:.0%}",
            (last["days"], last[column]),
            xytext=(0, 8 if column == higher else -34),
            textcoords="offset points",
            ha="right",
            color=colour,
        )
    ax.set_xlim(0, result.max_days)
    ax.set_ylim(0, 1.15 * float(table[["share_acted", "share_not_acted"]].to_numpy().max()))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.set_xlabel("Days since the return")
    ax.set_ylabel("Returns followed by another episode")
    return ax
