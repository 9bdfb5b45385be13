"""What a mean number of episodes per child says, and what it does not, in plain English."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from missing_patterns.recurrence.common import plural

if TYPE_CHECKING:
    from missing_patterns.recurrence.curves.mean import MeanCumulative

#: From this share of children who left, the curve that takes exits into account is told of.
MANY_EXITS = 0.05


def explain(curve: MeanCumulative) -> str:
    """Say what was estimated, on how many, and what it does not mean.

    Raises
    ------
    Nothing.
    """
    total = curve.groups.drop(columns=[curve.by] if curve.by else []).sum()
    n_episodes, n_children = int(total["n_episodes"]), int(total["n_children"])
    said = [
        "The curve is the mean number of episodes per child by each day since the origin, among children at risk",
        "A child is not at risk while missing, before their records begin or after they end",
        (
            f"It rests on {plural(n_episodes, 'episode')} of {plural(n_children, 'child', 'children')}, "
            f"followed for {plural(round(float(total['days_at_risk'])), 'day')} at risk in all"
        ),
        _interval(curve),
        *_ratio(curve),
        *_one_child(curve),
        "A mean hides that few children carry most episodes: it is not what a typical child does",
        *_exits(curve, int(total["n_left"]), n_children),
    ]
    if total["n_zero_length"]:
        said.append(f"{plural(int(total['n_zero_length']), 'spell')} without length add episodes but no time")
    return ". ".join(said) + "."


def _interval(curve: MeanCumulative) -> str:
    source = "Ghosh and Lin 2000" if curve.takes_exits else "Lawless and Nadeau 1995"
    if curve.cluster is not None:
        return f"Its 95% interval allows for episodes that come together by '{curve.cluster}' ({source})"
    return f"Its interval (95%) allows for some children going often and others seldom ({source})"


def _ratio(curve: MeanCumulative) -> list[str]:
    """Say how far chance alone would understate the error, by the group where it does so most."""
    last = curve.table.groupby(curve.by, dropna=False, sort=False).tail(1) if curve.by else curve.table.tail(1)
    last = last[last["se_poisson"] > 0]
    ratio = float((last["se"] / last["se_poisson"]).max()) if len(last) else np.nan
    return [f"At the end its standard error is {ratio:.1f} times what pure chance would give"] * bool(
        np.isfinite(ratio)
    )


def _one_child(curve: MeanCumulative) -> list[str]:
    """Say how far a single child moves the mean, in the group where it does so most."""
    groups = curve.groups[curve.groups["judged_without_one"].notna() & (curve.groups["judged_mean"] > 0)]
    if groups.empty:
        return []
    share = ((groups["judged_without_one"] - groups["judged_mean"]) / groups["judged_mean"]).to_numpy()
    most = int(np.abs(share).argmax())
    row = groups.iloc[most]
    if round(abs(share[most]), 2) == 0:
        return ["No single child moves the mean by as much as 1%"]
    group = "" if curve.by is None else " in the group where it matters most"
    return [
        (
            f"Leaving out the one child who weighs most changes the mean by day {row['judged_on_day']:.0f}{group} from "
            f"{row['judged_mean']:.2f} to {row['judged_without_one']:.2f} ({share[most]:+.0%})"
        )
    ]


def _exits(curve: MeanCumulative, n_left: int, n_children: int) -> list[str]:
    if curve.takes_exits:
        said = [
            (
                f"{plural(n_left, 'child', 'children')} left for good, and count as having no episode after that: this "
                "is what comes to be seen, not what those who left would have done (Ghosh and Lin)"
            ),
            (
                "The end of the data and the 18th birthday only end follow-up, as if those concerned would have gone "
                "on alike"
            ),
        ]
        if curve.n_exits_not_used:
            n_not_used = plural(curve.n_exits_not_used, "exit")
            said.append(f"{n_not_used} after follow-up had ended, or of children without time at risk, had no use")
        return said
    said = ["Turning 18, leaving care or moving away ends follow-up, as if those who left would have gone on alike"]
    if n_left > MANY_EXITS * max(n_children, 1):
        said.append(
            f"{n_left / n_children:.0%} of the children left for good: look also at the curve with exits='ended_by'"
        )
    return said
