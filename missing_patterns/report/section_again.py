"""Question 4: how soon children go again after a return, and how many episodes follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import recurrence
from missing_patterns.disclosure import ReleaseTable, is_withheld, treat_curve
from missing_patterns.report.facts import Facts
from missing_patterns.report.model import Chart, Item, Measure, Section, Treated
from missing_patterns.report.parts import show
from missing_patterns.report.steps import children_behind, days_to_show
from missing_patterns.report.words import after, share, shown

HORIZONS = (7, 28, 90)
METHODS = {
    "per_child": "Per child, all gaps",
    "first": "After the first return",
    "pooled": "Per episode",
}


def how_soon(facts: Facts) -> Section:
    """Question 4: how soon children go again, asked three ways."""
    curves = facts.gap_curves()
    period = f"returns, {facts.span}"
    return Section(
        id="again",
        title="How soon children go again",
        question="After a return, how soon does the next episode come?",
        items=(_curve(facts, curves, period), _horizons(facts, curves, period)) if len(facts.gaps()) else (),
        headline=_again_headline,
        summary=lambda treated: [after(facts.over, _again_headline(treated))] if _again_is_shown(treated) else [],
        means=(
            "The steep part of the curve is when support counts most. 'Per child' is the chance for a child, each child counting "
            "once; 'after the first return' looks only at the first gap; 'per episode' is what staff meet, and is higher because "
            "children who go often have more returns."
        ),
        does_not_mean=(
            "It does not show that one episode brings the next: the same curve appears when some children simply go often. "
            "Returns late in the period have been followed for a short time; the curve allows for that, and stops where too few "
            "children are left to follow."
        ),
        definitions=(
            ("Gap", "From a return to the start of the next episode; time missing is not part of it."),
            ("Per child, all gaps", "Estimator of Wang and Chang (1999); assumes that a child's gaps do not trend."),
            (
                "After the first return, and per episode",
                "Kaplan-Meier estimators of the first gap, and of all gaps pooled.",
            ),
            (
                "95% interval",
                "From drawing children again and again (per child, per episode), or Greenwood's formula (first return).",
            ),
        ),
    )


def _events(facts: Facts, method: str) -> pd.DataFrame:
    """Each gap that ended in another episode, by whole days: the minute of a step would point at an episode."""
    gaps = facts.gaps()
    if method == "first":
        gaps = gaps[gaps["episode_no"] == gaps.groupby("child_id")["episode_no"].transform("min")]
    ended = gaps[(gaps["event"] == 1) & gaps["gap_days"].notna()]
    # Where only dates are known, a gap may be nought: that is within one day.
    return pd.DataFrame({"child_id": ended["child_id"], "day": np.ceil(ended["gap_days"]).clip(lower=1)})


def _curve(facts: Facts, curves: dict[str, recurrence.GapCurve], period: str) -> Item:
    events = _events(facts, "per_child")
    days = days_to_show(events, [*HORIZONS, 182, 365], facts.settings.threshold)
    read = curves["per_child"].at(days)[["days", "n_children_at_risk", "share_again", "lower", "upper"]]
    frame = treat_curve(
        read.assign(n_children_new=facts.settings.threshold),  # as days_to_show has seen to
        threshold=facts.settings.threshold,
        min_at_risk=facts.settings.min_at_risk,
        at_risk="n_children_at_risk",
        events="n_children_new",
    )
    return Item(
        table=ReleaseTable(
            "again_curve",
            frame,
            children="n_children_at_risk",
            derived=("share_again", "lower", "upper"),
            by=("days",),
        ),
        caption=f"Share of children who have gone again by each day, per child, {period}",
        columns={
            "days": ("Days since return", "days"),
            "share_again": ("Gone again by then", "percent"),
            "lower": ("95% from", "percent"),
            "upper": ("95% to", "percent"),
            "n_children_at_risk": ("Children still followed (to nearest 5)", "count"),
        },
        chart=Chart(
            "step_curve",
            headline=_curve_headline,
            alt=_curve_alt,
            options={"x": "days", "y": "share_again", "y_label": "Gone again", "marks": HORIZONS},
        ),
        notes=(
            "Steps of fewer children than the threshold are joined, so the curve is a little coarser than the data.",
        ),
    )


def _read_at(frame: pd.DataFrame, day: float, column: str) -> Any:
    """The figure published for exactly this day, or None."""
    found = frame.loc[frame["days"].astype(float) == day, column]
    return found.iloc[0] if len(found) else None


def _curve_headline(frame: pd.DataFrame) -> str:
    value = _read_at(frame, 28, "share_again")
    return (
        f"By four weeks, {share(value)} of children have gone again" if shown(value) else "How soon children go again"
    )


def _curve_alt(frame: pd.DataFrame) -> str:
    said = [f"{share(v)} by day {d}" for d in HORIZONS if shown(v := _read_at(frame, d, "share_again"))]
    text = "Rising step curve of the share of children who have gone missing again since their return"
    return f"{text}: {', '.join(said)}." if said else f"{text}."


def _horizons(facts: Facts, curves: dict[str, recurrence.GapCurve], period: str) -> Item:
    parts = []
    for method, label in METHODS.items():
        read = curves[method].at(HORIZONS)
        few = read["n_children_at_risk"] < facts.settings.min_at_risk
        figures = read[["share_again", "lower", "upper"]].mask(few)
        behind = children_behind(_events(facts, method), HORIZONS, facts.settings.threshold)
        parts.append(figures.assign(label=label, days=HORIZONS, n_children=behind))
    return Item(
        table=ReleaseTable(
            "again_by_day",
            pd.concat(parts, ignore_index=True),
            children="n_children",
            derived=("share_again", "lower", "upper"),
            by=("label", "days"),
        ),
        caption=f"Gone again within 7, 28 and 90 days, three ways of asking, {period}",
        columns={
            "label": ("Asked", "text"),
            "days": ("Within days", "days"),
            "share_again": ("Share", "percent"),
            "lower": ("95% from", "percent"),
            "upper": ("95% to", "percent"),
        },
        notes=(f"– where fewer than {facts.settings.min_at_risk} children were followed for so long.",),
        measures=(Measure("gone_again", "share_again", "share", ("label", "days")),),
    )


_NO_RETURN = "These records hold no return that could be followed."


def _again(treated: Treated, label: str, days: int) -> object:
    if "again_by_day" not in treated:
        return None
    rows = treated["again_by_day"].set_index(["label", "days"])["share_again"]
    return rows.get((label, days))


def _again_is_shown(treated: Treated) -> bool:
    return shown(_again(treated, METHODS["per_child"], 28))


def _again_headline(treated: Treated) -> str:
    if "again_by_day" not in treated:
        return _NO_RETURN
    value = _again(treated, METHODS["per_child"], 28)
    if not _again_is_shown(treated):
        why = (
            "is withheld: too few children" if is_withheld(value) else "is not known: too few were followed for 28 days"
        )
        return f"How soon children go again {why}."
    text = (
        f"{share(_again(treated, METHODS['per_child'], 28))} of children went missing again within 28 days of a return"
    )
    pooled = _again(treated, METHODS["pooled"], 28)
    return text + (f"; counted per episode it is {share(pooled)}." if shown(pooled) else ".")


def how_often(facts: Facts) -> Section:
    """The mean number of further episodes by the time since the first return."""
    any_followed = len(facts.intervals()) > 0
    return Section(
        id="burden",
        title="How many episodes follow",
        question="How many further episodes does a child have on average, and by when?",
        items=(_mean_curve(facts),) if any_followed else (),
        headline=lambda treated: _mean_headline(treated["mean_episodes"]) + "." if any_followed else _NO_RETURN,
        means="The mean says how much work follows a first return. A curve that bends over shows that it slows down.",
        does_not_mean="It is an average over very different children: most have few further episodes, and a few carry most of them.",
        definitions=(
            (
                "Mean cumulative function",
                "Nelson-Aalen estimate over time at risk; a child who is missing is not at risk.",
            ),
            ("95% interval", "Lawless and Nadeau's robust variance, which allows for children who go often."),
        ),
    )


def _mean_curve(facts: Facts) -> Item:
    return Item(
        table=ReleaseTable(
            "mean_episodes",
            _mean_steps(facts),
            children="n_children",
            derived=("at_risk", "mean_episodes", "lower", "upper"),
            by=("days",),
        ),
        caption=(f"Mean further episodes per child since the first return, {facts.span}"),
        columns={
            "days": ("Days since first return", "days"),
            "mean_episodes": ("Mean episodes", "number"),
            "lower": ("95% from", "number"),
            "upper": ("95% to", "number"),
            "at_risk": ("Children followed (to nearest 5)", "count"),
        },
        chart=Chart(
            "step_curve",
            headline=_mean_headline,
            alt=lambda treated: (
                f"Rising step curve of the mean number of further episodes per child. {_mean_headline(treated)}."
            ),
            options={
                "x": "days",
                "y": "mean_episodes",
                "percent": False,
                "x_label": "Days since first return",
                "y_label": "Mean episodes per child",
            },
        ),
        notes=("Read every four weeks; the curve ends where too few children are left to follow.",),
    )


def _mean_steps(facts: Facts) -> pd.DataFrame:
    """The curve every four weeks, with the children who moved it since the last figure that is shown."""
    intervals = facts.intervals()
    grid = list(range(28, 365, 28))
    frame = recurrence.mean_cumulative(intervals).at(grid)[["days", "mean_episodes", "lower", "upper"]]
    frame["at_risk"] = [int(((intervals["start"] < day) & (intervals["stop"] >= day)).sum()) for day in grid]
    began = intervals[intervals["event"] == 1]
    events = pd.DataFrame({"child_id": began["child_id"], "day": began["stop"]})
    frame["n_children"] = children_behind(events, grid, facts.settings.threshold)
    frame = frame[(frame["at_risk"] >= facts.settings.min_at_risk).cummin()]
    frame = frame.assign(days=frame["days"].astype("int64"), at_risk=(frame["at_risk"] / 5).round() * 5)
    start = pd.DataFrame(
        {"days": [0], "n_children": 0, "at_risk": np.nan, "mean_episodes": 0.0, "lower": 0.0, "upper": 0.0}
    )
    return pd.concat([start, frame], ignore_index=True)


def _mean_headline(frame: pd.DataFrame) -> str:
    for day in (168, 84, 28):
        if shown(value := _read_at(frame, day, "mean_episodes")):
            weeks = day // 7
            return f"By {weeks} weeks after the first return, children have had {show(value, 'number')} further episodes on average"
    if frame["mean_episodes"].map(is_withheld).any():
        return "How many episodes follow is withheld: too few children"
    return "Too few children were followed to say how many episodes follow"
