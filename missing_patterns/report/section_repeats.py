"""Repeats and concentration: how many episodes are repeats, by both definitions, and in how few children they lie."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns import recurrence
from missing_patterns.disclosure import ReleaseTable
from missing_patterns.report.facts import Facts
from missing_patterns.report.model import Chart, Item, Measure, Section, Treated
from missing_patterns.report.words import after, n_of, sentence, share, shown

#: Points at which the curve is published; every corner of the full curve would be a child.
_POINTS = (0.05, 0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 1.0)


def repeats(facts: Facts) -> Section:
    """How many children went again, and which share of the episodes are repeats."""
    result = recurrence.repeat_shares(facts.lookback)
    period = f"{facts.span}"
    return Section(
        id="repeats",
        title="How many went again",
        question="How many children went missing more than once, and how much of it is repeats?",
        items=(
            _definitions(result, period, facts.settings.threshold),
            _bands(result, period, facts.settings.threshold),
        ),
        headline=_headline,
        summary=lambda treated: [after(facts.over, _headline(treated))] if _is_said(treated) else [],
        means=(
            "Two shares are in print under the one word 'repeats', so both stand here with their names. Strict repeats leave "
            "out each child's first episode; episodes of repeaters count every episode of a child with two or more."
        ),
        does_not_mean=(
            "'First' means first in this period: a child who was missing before it counts as new. Do not set one definition "
            "beside a paper that uses the other, or across a change in recording."
        ),
        definitions=(
            ("Strict repeat", "An episode that is not the child's first in the period."),
            ("Episodes of repeaters", "All episodes, the first one too, of children with two or more in the period."),
            ("95% interval", "From drawing children, not episodes, again and again: episodes of one child are alike."),
        ),
    )


_LABELS = {
    "children_with_repeats": "Children with two or more episodes, of all children",
    "strict_repeats": "Strict repeats, of all episodes",
    "episodes_of_repeaters": "Episodes of repeaters, of all episodes",
}


#: So many times the threshold of children are needed for figures that few children could be worked back from.
_ENOUGH = 10


def _definitions(result: recurrence.RepeatShares, period: str, threshold: int) -> Item:
    frame = result.summary()
    if result.n_children < _ENOUGH * threshold:
        frame[["lower", "upper"]] = np.nan  # the bootstrap could be run again on every division that fits
    frame["label"] = frame["measure"].map(_LABELS)
    frame["n_all_children"] = result.n_children
    return Item(
        table=ReleaseTable(
            "repeat_shares",
            frame[["label", "n", "of", "share", "lower", "upper", "n_children", "n_all_children"]],
            children="n_children",
            derived=("n", "of", "share", "lower", "upper"),
            by=("label",),
            of="n_all_children",
        ),
        caption=f"Repeats by both definitions, {period}",
        columns={
            "label": ("Measure", "text"),
            "n": ("Number", "count"),
            "of": ("Of", "count"),
            "share": ("Share", "percent"),
            "lower": ("95% from", "percent"),
            "upper": ("95% to", "percent"),
        },
        measures=(Measure("repeat_share", "share", "share", ("label",), "n", "of"),),
    )


def _bands(result: recurrence.RepeatShares, period: str, threshold: int) -> Item:
    bands = result.bands[["band", "n_children", "n_episodes"]]
    if bands["n_children"].between(1, threshold - 1).any():
        # A band fixes how many episodes go with how many children, so small bands are joined, not only withheld.
        more = bands.iloc[1:].sum(numeric_only=True).to_dict()
        bands = pd.DataFrame([bands.iloc[0].to_dict(), {"band": "2 or more", **more}])
    total = pd.DataFrame([{"band": "All", "n_children": result.n_children, "n_episodes": result.n_episodes}])
    frame = pd.concat([bands, total], ignore_index=True)
    frame["share_children"] = frame["n_children"] / max(result.n_children, 1)
    frame["share_episodes"] = frame["n_episodes"] / max(result.n_episodes, 1)
    frame["n_all"] = result.n_children
    return Item(
        table=ReleaseTable(
            "episodes_per_child",
            frame,
            children="n_children",
            derived=("n_episodes", "share_children", "share_episodes"),
            by=("band",),
            total="All",
            additive=True,
            of="n_all",
        ),
        caption=f"Children by number of episodes, {period}",
        columns={
            "band": ("Episodes of a child", "text"),
            "n_children": ("Children", "count"),
            "share_children": ("Share of children", "percent"),
            "n_episodes": ("Episodes", "count"),
            "share_episodes": ("Share of episodes", "percent"),
        },
        chart=Chart(
            "bars",
            headline=_bands_headline,
            alt=lambda t: "Bars of the share of episodes by how many episodes a child had. " + _bands_headline(t) + ".",
            options={
                "label": "band",
                "value": "share_episodes",
                "lower": None,
                "upper": None,
                "x_label": "Share of all episodes",
            },
        ),
        measures=(
            Measure("children_by_number_of_episodes", "n_children", "children", ("band",)),
            Measure("episodes_by_number_of_episodes", "n_episodes", "episodes", ("band",)),
        ),
    )


def _bands_headline(frame: pd.DataFrame) -> str:
    most = frame.iloc[-2]
    if most["band"] != "10 or more" or not shown(most["share_episodes"]) or not most["n_children"]:
        return "Episodes by how many episodes a child had"
    return f"{sentence(n_of(most['n_children'], 'child', 'children'))} with 10 or more had {share(most['share_episodes'])} of episodes"


def _is_said(treated: Treated) -> bool:
    return shown(treated["repeat_shares"]["share"].iloc[0])


def _headline(treated: Treated) -> str:
    if not _is_said(treated):
        return "How many children went missing more than once is withheld: too few children."
    rows = treated["repeat_shares"].set_index("label")
    children, strict, owned = (rows.loc[label] for label in _LABELS.values())
    return (
        f"{sentence(n_of(children['n'], 'child', 'children'))} ({share(children['share'])}) went missing more than once. "
        f"Episodes after a child's first are {share(strict['share'])} of all (strict repeats); all episodes of these "
        f"children are {share(owned['share'])} (episodes of repeaters)."
    )


def concentration(facts: Facts) -> Section:
    """In how few children the episodes lie, beside what chance alone would give."""
    result = recurrence.concentration(facts.lookback)
    enough = result.n_children >= _ENOUGH * facts.settings.threshold
    period = f"{facts.span}"
    return Section(
        id="concentration",
        title="How concentrated it is",
        question="Is it a few children who go often, or many who go once?",
        items=(_lorenz(result, period, facts.settings.threshold), _tops(result, period)) if enough else (),
        headline=_concentration_headline,
        summary=lambda treated: [after(facts.over, _concentration_headline(treated))] if _is_shown(treated) else [],
        means=(
            "Where the curve lies far above the straight line, on which every child would have the same number, a small group "
            "of children makes much of the total, and work with that group can change it."
        ),
        does_not_mean=(
            "The top group is chosen with hindsight: many of these children will go less often next year whatever is done "
            "(regression to the mean). It is no list of children at risk."
        ),
        definitions=(
            (
                "Chance",
                "What the same number of episodes would look like if every child went equally often (zero-truncated Poisson).",
            ),
            (
                "Gini coefficient",
                "0 when every child has the same number of episodes, towards 1 when few have nearly all.",
            ),
        ),
    )


def _is_shown(treated: Treated) -> bool:
    if "concentration" not in treated:
        return False
    rows = treated["concentration"].set_index("measure")["value"]
    return "top_10" in rows.index and shown(rows["top_10"])


def _far_enough_apart(n_children: int, threshold: int) -> np.ndarray:
    """Points of the curve with enough children before the first, between each two, and after the last but one."""
    chosen: list[float] = []
    last = 0
    for point in _POINTS:
        here = int(point * n_children + 1e-9)
        if here - last >= threshold and (point == 1.0 or n_children - here >= threshold):
            chosen.append(point)
            last = here
    return np.array(chosen)


def _lorenz(result: recurrence.Concentration, period: str, threshold: int) -> Item:
    corners = result.lorenz
    # Counted from the children with most episodes down, as people ask for it.
    x, y = 1 - corners["share_children"].to_numpy()[::-1], 1 - corners["share_episodes"].to_numpy()[::-1]
    points = _far_enough_apart(result.n_children, threshold)
    n_children = np.floor(points * result.n_children + 1e-9).astype("int64")
    frame = pd.DataFrame(
        {
            "share_children": points,
            "share_episodes": np.interp(points, x, y) if len(x) else np.nan,
            "n_children": n_children,
        }
    )
    return Item(
        table=ReleaseTable(
            "concentration_curve", frame, children="n_children", derived=("share_episodes",), by=("share_children",)
        ),
        caption=f"Share of episodes of the children with most, {period}",
        columns={
            "share_children": ("Children with most episodes", "percent"),
            "share_episodes": ("Their share of episodes", "percent"),
        },
        chart=Chart("lorenz", headline=_lorenz_headline, alt=_lorenz_alt),
        measures=(Measure("concentration_curve", "share_episodes", "share", ("share_children",)),),
    )


def _tenth(frame: pd.DataFrame) -> object:
    found = frame.loc[(frame["share_children"].astype(float) - 0.1).abs() < 1e-9, "share_episodes"]
    return found.iloc[0] if len(found) else None


def _lorenz_headline(frame: pd.DataFrame) -> str:
    tenth = _tenth(frame)
    return (
        f"A tenth of the children account for {share(tenth)} of episodes"
        if shown(tenth)
        else "Share of episodes by share of children"
    )


def _lorenz_alt(frame: pd.DataFrame) -> str:
    said = [
        f"{share(r.share_children)} of children have {share(r.share_episodes)} of episodes"
        for r in frame.itertuples()
        if shown(r.share_episodes)
    ]
    return (
        "Curve of the share of episodes against the share of children, most episodes first. "
        + "; ".join(said[:4])
        + "."
    )


def _tops(result: recurrence.Concentration, period: str) -> Item:
    labels = {
        "top_05": "Share of episodes of the top 5% of children",
        "top_10": "Share of episodes of the top 10% of children",
        "top_20": "Share of episodes of the top 20% of children",
        "gini": "Gini coefficient",
        "gini_by_chance": "Gini coefficient by chance alone",
    }
    frame = result.summary()
    frame["label"] = frame["measure"].map(labels)
    frame = frame.set_index("measure").loc[list(labels)].reset_index()
    # Two top groups may differ by as few children as the smaller one holds, so parts of a child are not rounded up.
    size = frame["measure"].map({"top_05": 0.05, "top_10": 0.10, "top_20": 0.20}).fillna(1.0)
    frame["n_children"] = np.maximum(np.floor(size * result.n_children + 1e-9), 1).astype("int64")
    return Item(
        table=ReleaseTable(
            "concentration",
            frame[["measure", "label", "value", "lower", "upper", "n_children"]],
            children="n_children",
            derived=("value", "lower", "upper"),
            by=("label",),
            labels=("measure",),
        ),
        caption=f"Concentration with 95% intervals, {period}",
        columns={
            "label": ("Measure", "text"),
            "value_shown": ("Value", "text"),
            "interval_shown": ("95% interval", "text"),
        },
        after=_in_their_own_units,
        measures=(Measure("concentration", "value", "share", ("label",)),),
    )


def _in_their_own_units(frame: pd.DataFrame) -> pd.DataFrame:
    """Shares as percentages, Gini coefficients as numbers from 0 to 1: one column cannot hold both as numbers."""

    def write(value: object, measure: str) -> str:
        if not shown(value):
            return str(value) if isinstance(value, str) else "–"
        return f"{float(str(value)):.2f}" if measure.startswith("gini") else share(value)

    values = [write(v, m) for v, m in zip(frame["value"], frame["measure"], strict=True)]
    ends = [
        f"{write(low, m)} to {write(high, m)}" if shown(low) and shown(high) else write(low, m)
        for low, high, m in zip(frame["lower"], frame["upper"], frame["measure"], strict=True)
    ]
    return frame.assign(value_shown=values, interval_shown=ends)


def _concentration_headline(treated: Treated) -> str:
    if not _is_shown(treated):
        return "There are too few children to say how concentrated episodes are."
    rows = treated["concentration"].set_index("measure")["value"]
    return f"The tenth of children with most episodes had {share(rows['top_10'])} of them."
