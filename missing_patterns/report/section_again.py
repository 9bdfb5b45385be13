"""Question 4: how soon children go again after a return, and how many episodes follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import recurrence
from missing_patterns.disclosure import ReleaseTable, treat_curve
from missing_patterns.report.facts import Facts
from missing_patterns.report.model import Chart, Item, Measure, Section, Treated
from missing_patterns.report.parts import show
from missing_patterns.report.words import share, shown

HORIZONS = (7, 28, 90)
METHODS = {
    "per_child": "Per child, all gaps",
    "first": "After the first return",
    "pooled": "Per episode",
}


def how_soon(facts: Facts) -> Section:
    """Question 4: how soon children go again, asked three ways."""
    curves = facts.gap_curves()
    period = f"returns in {facts.span}"
    return Section(
        id="again",
        title="How soon children go again",
        question="After a return, how soon does the next episode come?",
        items=(_curve(facts, curves, period), _horizons(curves, period)),
        headline=_again_headline,
        summary=lambda treated: (
            [f"After {period}: {_again_headline(treated)[:1].lower()}{_again_headline(treated)[1:]}"]
            if _again_is_shown(treated)
            else []
        ),
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


def _curve(facts: Facts, curves: dict[str, recurrence.GapCurve], period: str) -> Item:
    frame = treat_curve(
        _steps(curves["per_child"].table, facts.settings.threshold),
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


def _steps(table: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """The curve at chosen whole days, each with enough children new to it since the one before.

    The days that people ask for are chosen first and the steps between them fitted in, so that the curve and the table
    of those days show the same figures and no difference between two of them is about too few children. Whole days,
    because the minute of a step would point at an episode.
    """
    # Where only dates are known, a gap may be nought: that is within one day.
    by_day = table.assign(days=np.ceil(table["days"]).clip(lower=1)).groupby("days", as_index=False)
    frame = by_day.agg(
        n_children_at_risk=("n_children_at_risk", "first"),
        n_children_again=("n_children_again", "last"),
        share_again=("share_again", "last"),
        lower=("lower", "last"),
        upper=("upper", "last"),
    )
    again, day = frame["n_children_again"].tolist(), frame["days"].tolist()
    chosen: list[tuple[float, int]] = []
    last = 0
    for horizon in (*HORIZONS, day[-1] if day else 0.0):
        inside = [i for i, d in enumerate(day) if d <= horizon]
        at_end = again[inside[-1]] if inside else 0
        for i in inside:
            if again[i] - last >= threshold and at_end - again[i] >= threshold:
                chosen.append((day[i], i))
                last = again[i]
        if at_end - last >= threshold:
            chosen.append((float(horizon), inside[-1]))
            last = at_end
    rows = frame.iloc[[i for _, i in chosen]].assign(days=[day for day, _ in chosen])
    new = np.diff(rows.pop("n_children_again").to_numpy(), prepend=0)
    return rows.assign(n_children_new=new).reset_index(drop=True)


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


def _horizons(curves: dict[str, recurrence.GapCurve], period: str) -> Item:
    rows = []
    for method, label in METHODS.items():
        read = curves[method].at(HORIZONS)
        new = read["n_children_again"].diff().fillna(read["n_children_again"]).astype("int64")
        for row, n_new in zip(read.itertuples(), new, strict=True):
            figures = {"share_again": row.share_again, "lower": row.lower, "upper": row.upper}
            rows.append({"label": label, "days": int(row.days), "n_children_new": n_new, **figures})
    return Item(
        table=ReleaseTable(
            "again_by_day",
            pd.DataFrame(rows),
            # Those new since the row above: two rows must not differ by a few children.
            children="n_children_new",
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
        measures=(Measure("gone_again", "share_again", "share", ("label", "days")),),
    )


def _again(treated: Treated, label: str, days: int) -> object:
    rows = treated["again_by_day"].set_index(["label", "days"])["share_again"]
    return rows.get((label, days))


def _again_is_shown(treated: Treated) -> bool:
    return shown(_again(treated, METHODS["per_child"], 28))


def _again_headline(treated: Treated) -> str:
    if not _again_is_shown(treated):
        return "How soon children go again is withheld: too few children."
    text = (
        f"{share(_again(treated, METHODS['per_child'], 28))} of children went missing again within 28 days of a return"
    )
    pooled = _again(treated, METHODS["pooled"], 28)
    return text + (f"; counted per episode it is {share(pooled)}." if shown(pooled) else ".")


def how_often(facts: Facts) -> Section:
    """The mean number of further episodes by the time since the first return."""
    item = Item(
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
    return Section(
        id="burden",
        title="How many episodes follow",
        question="How many further episodes does a child have on average, and by when?",
        items=(item,),
        headline=lambda treated: _mean_headline(treated["mean_episodes"]) + ".",
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


def _mean_steps(facts: Facts) -> pd.DataFrame:
    """The curve every four weeks, with the children whose episodes lie in each step."""
    intervals = facts.intervals()
    grid = list(range(28, 365, 28))
    if intervals.empty:
        return pd.DataFrame({c: [] for c in ("days", "n_children", "at_risk", "mean_episodes", "lower", "upper")})
    frame = recurrence.mean_cumulative(intervals).at(grid)[["days", "mean_episodes", "lower", "upper"]]
    frame["at_risk"] = [int(((intervals["start"] < day) & (intervals["stop"] >= day)).sum()) for day in grid]
    began = intervals[intervals["event"] == 1]
    step = np.ceil(began["stop"] / 28) * 28
    frame["n_children"] = began.groupby(step)["child_id"].nunique().reindex(grid, fill_value=0).to_numpy()
    followed = frame["at_risk"] >= facts.settings.min_at_risk
    frame = frame[followed.cummin()]
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
    return "How many episodes follow is withheld: too few children"
