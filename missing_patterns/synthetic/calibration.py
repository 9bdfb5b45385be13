"""How near a made-up borough comes to the published figures: one table, printed in the data card and held by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.synthetic.interviews import HELD_ALONE

if TYPE_CHECKING:
    from missing_patterns.synthetic.borough import Truth

#: Measure, target, tolerance either side, source.
TARGETS: tuple[tuple[str, float, float, str], ...] = (
    ("incidents per child in a year", 2.27, 0.40, "Sidebottom et al. 2020"),
    ("share of children with one incident", 0.568, 0.050, "Sidebottom et al. 2020"),
    ("share of children with ten or more", 0.040, 0.015, "Sidebottom et al. 2020"),
    ("share of incidents by those children", 0.284, 0.080, "Sidebottom et al. 2020"),
    ("share of incidents by the top 15 % of children", 0.52, 0.06, "Babuta and Sidebottom 2020: more than half"),
    ("first repeat within 28 days", 0.53, 0.06, "Sidebottom et al. 2020: more than half"),
    ("incidents per looked-after child in a year", 6.3, 2.2, "DfE 2022; lower, or the total above could not hold"),
    ("incidents per other child in a year", 2.0, 0.4, "Devon 2020/21"),
    ("share of incidents at ages 12 to 17", 0.93, 0.03, "NCA 2015/16"),
    ("share of incidents at ages 15 to 17", 0.58, 0.05, "NCA 2015/16"),
    ("back within 24 hours", 0.80, 0.02, "NCA: found within 24 hours"),
    ("back in 24 to 48 hours", 0.07, 0.02, "NCA 2016/17: 87 % closed within 48 hours"),
    ("back in 2 to 7 days", 0.11, 0.02, "what remains"),
    ("away over 7 days", 0.02, 0.01, "NCA"),
    ("looked after, two whole days or less", 0.90, 0.03, "DfE 2022"),
    ("interviews offered, of those due", 0.75, 0.04, "Missing People 2024; The Children's Society 2019"),
    ("held, of those offered", 0.65, 0.05, "Missing People 2024"),
    ("declined, of those offered", 0.30, 0.05, "The Children's Society 2019"),
    ("held within 72 hours, of those held", 0.63, 0.05, "Missing People 2024"),
    ("odds of an offer, placed out of area over in area", 0.50, 0.20, "chosen: halved"),
    ("trigger field blank, of those held", 0.20, 0.05, "Boulton et al. 2022: often blank"),
    ("codes per interview with codes", 2.5, 0.5, "chosen: two to three"),
    ("child thinks that they were missing", 0.53, 0.06, "Boulton et al. 2022: nearly half did not"),
)


def calibrate(truth: Truth) -> pd.DataFrame:
    """Compare a borough with published figures, over whole years before the planted change.

    Returns
    -------
    pd.DataFrame
        One row per figure: ``measure target tolerance achieved ok source``; achieved is NaN where nothing can be
        measured.

    Raises
    ------
    Nothing.
    """
    incidents = _incidents(truth)
    incidents = incidents[incidents["missing_from"] < _years(truth)[0][1]]
    achieved = [*_counts(truth, incidents), *_absences(incidents), *_interviews(truth, incidents)]
    table = pd.DataFrame(TARGETS, columns=["measure", "target", "tolerance", "source"])
    table.insert(3, "achieved", achieved)
    table.insert(4, "ok", (table["achieved"] - table["target"]).abs() <= table["tolerance"])
    return table


def _incidents(truth: Truth) -> pd.DataFrame:
    frame = truth.records.incidents[
        ["incident_id", "child_id", "missing_from", "returned_at", "placement_type", "in_area"]
    ]
    children = truth.children.set_index("child_id")
    frame = frame.assign(
        born_on=frame["child_id"].map(children["born_on"]),
        in_care=frame["child_id"].map(children["in_care"]).astype(bool),
    )
    return frame.sort_values(["child_id", "missing_from"], ignore_index=True)


def _years(truth: Truth) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Whole years back from the change (or from the end, when there is none or no year before it)."""
    first = pd.Timestamp(truth.parameters["observed_from"], tz=schema.LONDON)
    last = schema.moment(truth.parameters["ends_on"])
    change = truth.parameters["change"]
    until = pd.Timestamp(change["on"], tz=schema.LONDON) if change else last
    year = pd.DateOffset(years=1)
    if until - year < first:
        return [(max(first, last - year), last)]
    years = []
    while until - year >= first:
        years.append((until - year, until))
        until -= year
    return years


def _counts(truth: Truth, incidents: pd.DataFrame) -> list[float]:
    """Counts per child and the first gap, averaged over years."""
    rows = []
    in_care = truth.children.set_index("child_id")["in_care"]
    for since, until in _years(truth):
        year = incidents[(incidents["missing_from"] >= since) & (incidents["missing_from"] < until)]
        n = year["child_id"].value_counts().sort_values(ascending=False)
        again = year[year.groupby("child_id").cumcount() == 1]["missing_from"].to_numpy()
        first = year[year["child_id"].isin(n.index[n >= 2]) & (year.groupby("child_id").cumcount() == 0)]
        gaps = (again - first["returned_at"].to_numpy()) / np.timedelta64(1, "D")
        care = n.index.map(in_care).to_numpy(dtype=bool)
        top = n.iloc[: round(0.15 * len(n))].sum()
        rows.append(
            [
                _share(n.sum(), len(n)),
                _share((n == 1).sum(), len(n)),
                _share((n >= 10).sum(), len(n)),
                _share(n[n >= 10].sum(), n.sum()),
                _share(top, n.sum()),
                _share((gaps <= 28).sum(), len(gaps)),
                _share(n[care].sum(), care.sum()),
                _share(n[~care].sum(), (~care).sum()),
            ]
        )
    return [float(x) for x in np.mean(rows, axis=0)]


def _absences(incidents: pd.DataFrame) -> list[float]:
    """Ages and durations."""
    born = incidents["born_on"].dt.tz_localize(schema.LONDON)
    age = (incidents["missing_from"] - born) / pd.Timedelta(days=365.25)
    back = incidents.dropna(subset=["returned_at"])
    hours = (back["returned_at"] - back["missing_from"]) / pd.Timedelta(hours=1)
    care = back[back["placement_type"].notna()]
    days = (
        care["returned_at"].dt.tz_localize(None).dt.normalize()
        - care["missing_from"].dt.tz_localize(None).dt.normalize()
    ).dt.days
    return [
        _mean(age >= 12),
        _mean(age >= 15),
        _mean(hours < 24),
        _mean((hours >= 24) & (hours < 48)),
        _mean((hours >= 48) & (hours < 168)),
        _mean(hours >= 168),
        _mean(days <= 2),
    ]


def _interviews(truth: Truth, incidents: pd.DataFrame) -> list[float]:
    """The ladder, and what was written down."""
    interviews = truth.records.interviews
    own = interviews.assign(incident_id=[ids[0] for ids in interviews["incident_ids"]])
    own = own.merge(incidents[["incident_id", "returned_at", "in_area"]], on="incident_id")
    due = own[~own["status"].isin(schema.NOT_DUE)]
    is_offered = due["status"].isin([*schema.OFFERED, "unknown"])
    offered = due[is_offered]
    held = own[own["status"].isin(HELD_ALONE)]
    days_only = held["held_at"] == held["held_at"].dt.normalize()
    limit = held["returned_at"] + pd.Timedelta(hours=72)
    by_day = held["held_at"].dt.tz_localize(None) <= held["returned_at"].dt.tz_localize(
        None
    ).dt.normalize() + pd.Timedelta(days=3)
    coded = held["coded_triggers"].dropna()
    n_codes = coded.map(lambda codes: sum("_" in c and c not in ("declined_to_say", "other_specified") for c in codes))
    thinks = held["child_considers_missing"].dropna().astype(bool)
    return [
        _mean(is_offered),
        _mean(offered["status"].isin([*schema.HELD, "unknown"])),
        _mean(offered["status"] == "declined"),
        _mean((held["held_at"] <= limit).where(~days_only, by_day)),
        _odds_ratio(is_offered, due["in_area"]),
        _mean(held["coded_triggers"].isna()),
        _mean(n_codes[n_codes > 0]),
        _mean(thinks),
    ]


def _odds_ratio(offered: pd.Series, in_area: pd.Series) -> float:
    known = in_area.notna()
    inside = in_area[known].astype(bool)
    yes = offered[known]
    a, b = (yes & ~inside).sum(), (~yes & ~inside).sum()
    c, d = (yes & inside).sum(), (~yes & inside).sum()
    return _share(a * d, b * c)


def _mean(values: pd.Series) -> float:
    return float(values.astype(float).mean()) if len(values) else float("nan")


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
