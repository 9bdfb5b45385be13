"""Placements of looked-after children: spells that follow each other day to day, in homes that stay where they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.clock import Floats, Ints, choose, to_dates
from missing_patterns.synthetic.population import Children

DAY = p.MINUTES_PER_DAY
SIXTEEN = 16 * p.DAYS_PER_YEAR * DAY

#: Shares of placement types: younger and older than 16, outside and inside children's homes.
RESIDENTIAL_UNDER_16 = {"childrens_home": 0.88, "residential_school": 0.05, "secure": 0.03, "foster": 0.04}
RESIDENTIAL_OVER_16 = {"childrens_home": 0.62, "supported_accommodation": 0.33, "secure": 0.02, "foster": 0.03}
FAMILY_UNDER_16 = {"foster": 0.74, "kinship": 0.20, "parents": 0.06}
FAMILY_OVER_16 = {"foster": 0.50, "kinship": 0.14, "parents": 0.04, "supported_accommodation": 0.32}
IN_AREA = {"foster": 0.66, "kinship": 0.78, "parents": 1.0, "secure": 0.0, "residential_school": 0.25}
HOMES_IN_AREA = 0.6  # of beds in children's homes and supported accommodation
LEGAL_STATUS = {"C2": 0.50, "C1": 0.18, "V2": 0.32}
#: Made-up register numbers (URN) of homes start here; a foster carer or kin has a reference of their own.
REGISTER = {"childrens_home": 900000, "supported_accommodation": 950000, "secure": 980000, "residential_school": 990000}


@dataclass(frozen=True, slots=True)
class Spells:
    """Arrays with one entry per spell in a placement, in order of child and start; ``end`` is inf if still there."""

    child: Ints
    start: Floats
    end: Floats
    placement_type: list[str]
    provider: list[str]
    home_id: list[str]
    legal_status: list[str]
    in_area: list[bool]
    miles: list[float]


def draw_spells(rng: np.random.Generator, children: Children, start: float, end: float) -> Spells:
    """Draw the placements of every child in care, from coming into care to the end of observation.

    Raises
    ------
    Nothing.
    """
    spells = Spells(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), [], [], [], [], [], [])
    child: list[int] = []
    begin: list[float] = []
    finish: list[float] = []
    in_care = np.flatnonzero(children.in_care)
    n_homes = max(2, len(in_care) // 12)
    for i in in_care.tolist():
        moment = _came_into_care(rng, children, i, start, end)
        last = float(min(children.active_until[i], np.inf))
        legal = choose(LEGAL_STATUS, float(rng.random()))
        while moment < min(last, end):
            mean = 260.0 if children.residential[i] else 460.0
            until = moment + DAY * (7.0 + np.floor(-np.log1p(-rng.random()) * mean))
            child.append(i)
            begin.append(moment)
            finish.append(until if until < min(last, end) else last)
            _describe(rng, spells, bool(children.residential[i]), moment - children.born[i] >= SIXTEEN, n_homes)
            spells.legal_status.append(legal)
            moment = until
    return Spells(
        np.array(child, np.int64),
        np.array(begin, float),
        np.array(finish, float),
        spells.placement_type,
        spells.provider,
        spells.home_id,
        spells.legal_status,
        spells.in_area,
        spells.miles,
    )


def _came_into_care(rng: np.random.Generator, children: Children, i: int, start: float, end: float) -> float:
    """Midnight at which the child came into care; a later one only while observed."""
    first = max(start, children.active_from[i], children.born[i])
    last = min(end, children.active_until[i])
    later, share = rng.random(), rng.random()
    if later < p.CAME_INTO_CARE_LATER and not children.drawn_in[i]:
        return float(first + DAY * np.floor(0.7 * share * (last - first) / DAY))
    return float(max(children.born[i], first - DAY * np.floor(30 + 1200 * share)))


def _describe(rng: np.random.Generator, spells: Spells, residential: bool, older: bool, n_homes: int) -> None:
    if residential:
        shares = RESIDENTIAL_OVER_16 if older else RESIDENTIAL_UNDER_16
    else:
        shares = FAMILY_OVER_16 if older else FAMILY_UNDER_16
    kind = choose(shares, float(rng.random()))
    u, v, w = rng.random(3).tolist()
    in_area = u < IN_AREA.get(kind, HOMES_IN_AREA)
    number = int(v * n_homes) + 1 + (0 if in_area else n_homes)
    home = f"SC{REGISTER[kind] + number}" if kind in REGISTER else f"F{int(v * 9000) + 1000:04d}"
    spells.placement_type.append(kind)
    spells.home_id.append(home)
    spells.in_area.append(in_area)
    spells.miles.append(round(0.5 + 7.0 * w if in_area else 9.0 + 80.0 * w * w, 1))
    own = kind in ("kinship", "parents", "foster") and w < 0.6
    spells.provider.append("PR0" if kind == "parents" else "PR1" if own else "PR4" if w < 0.9 else "PR5")


def spell_at(spells: Spells, child: Ints, moment: Floats) -> Ints:
    """Return the position of the spell that holds each child's moment, or -1 outside care.

    Raises
    ------
    Nothing.
    """
    found = np.full(len(child), -1, np.int64)
    if not len(spells.child):
        return found
    key = np.lexsort((spells.start, spells.child))
    big = 1e10
    at = np.searchsorted(spells.child[key] * big + spells.start[key], child * big + moment, side="right") - 1
    at = key[np.maximum(at, 0)]
    inside = (spells.child[at] == child) & (spells.start[at] <= moment) & (moment < spells.end[at])
    found[inside] = at[inside]
    return found


def placements_table(spells: Spells, child_ids: list[str], end: float) -> pd.DataFrame:
    """Return the canonical placements table as known at the end of observation.

    Raises
    ------
    Nothing.
    """
    ended = np.where(spells.end < end, spells.end, np.nan)
    frame = pd.DataFrame(
        {
            "child_id": [child_ids[i] for i in spells.child.tolist()],
            "started_on": to_dates(spells.start),
            "ended_on": to_dates(ended),
            "placement_type": spells.placement_type,
            "provider": spells.provider,
            "home_id": spells.home_id,
            "legal_status": spells.legal_status,
            "in_area": spells.in_area,
            "distance_miles": spells.miles,
        }
    )
    frame = frame.sort_values(["child_id", "started_on"], ignore_index=True)
    return schema.conform(frame, schema.PLACEMENTS)
