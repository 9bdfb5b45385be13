"""What is written about each absence, and what truly triggered it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import read_codebook
from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.care import Spells, spell_at
from missing_patterns.synthetic.clock import Flags, Floats, Ints, pick, settle, to_london
from missing_patterns.synthetic.population import TYPES, Children, Events

CATEGORIES = ("missing", "away", "no_apparent_risk")
RISKS = {"missing": (0.02, 0.22, 0.58, 0.18), "away": (0.25, 0.60, 0.15, 0.0), "no_apparent_risk": (1.0, 0.0, 0.0, 0.0)}
RETURNED_BY_SHORT = (0.52, 0.22, 0.12, 0.11, 0.03)  # in the order of schema.RETURNED_BY
RETURNED_BY_LONG = (0.30, 0.50, 0.06, 0.10, 0.04)


@dataclass(frozen=True, slots=True)
class Absences:
    """Arrays with one entry per absence, in order of start; times are wall-clock minutes, ``end`` may lie ahead."""

    child: Ints
    start: Floats
    end: Floats
    is_boost: Flags
    category: Ints
    spell: Ints
    out_of_area: Flags
    age: Floats
    number: Ints  # 1 for the child's first in the window
    next_start: Floats  # the child's next start, or inf
    triggers: npt.NDArray[np.bool_]  # one column per code of the codebook

    def __len__(self) -> int:
        return len(self.child)


def in_order(events: Events) -> Ints:
    """Return the positions of episodes in the order of absences: by start, then child.

    Raises
    ------
    Nothing.
    """
    return np.lexsort((events.child, events.start))


def pick_category(share: Floats) -> Ints:
    """Pick a place in CATEGORIES for each uniform draw.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> pick_category(np.array([0.1, 0.9, 0.99])).tolist()
    [0, 1, 2]
    """
    return pick(share, (1 - p.AWAY - p.NO_APPARENT_RISK, p.AWAY, p.NO_APPARENT_RISK))


def out_of_area_at(spells: Spells, spell: Ints) -> Flags:
    """Say of each spell, or -1 for none, whether it is outside the area.

    Raises
    ------
    Nothing.
    """
    return np.asarray(~np.array([*spells.in_area, True], bool)[spell])


def years_old(children: Children, child: Ints, start: Floats) -> Floats:
    """Return the age in years of children at some moments.

    Raises
    ------
    Nothing.
    """
    return np.asarray((start - children.born[child]) / (p.DAYS_PER_YEAR * p.MINUTES_PER_DAY))


def describe_absences(
    rng: np.random.Generator, children: Children, events: Events, spells: Spells, category: Ints | None = None
) -> Absences:
    """Put episodes in order of start and draw what is true of each, but for the category where that is given.

    Raises
    ------
    Nothing.
    """
    order = in_order(events)
    child, start = events.child[order], events.start[order]
    spell = spell_at(spells, child, start)
    if category is None:
        category = pick_category(rng.random(len(child)))
    number, next_start = _sequence(child, start)
    return Absences(
        child=child,
        start=start,
        end=events.end[order],
        is_boost=events.is_boost[order],
        category=category,
        spell=spell,
        out_of_area=out_of_area_at(spells, spell),
        age=years_old(children, child, start),
        number=number,
        next_start=next_start,
        triggers=_true_triggers(rng, children, child, spell >= 0),
    )


def _sequence(child: Ints, start: Floats) -> tuple[Ints, Floats]:
    """Number of each absence within its child, and the start of the child's next one."""
    order = np.lexsort((start, child))
    same = child[order][1:] == child[order][:-1]
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    sizes = np.diff(np.concatenate([first, [len(child)]]))
    number, following = np.empty(len(child), np.int64), np.full(len(child), np.inf)
    number[order] = np.arange(len(child)) - np.repeat(first, sizes) + 1
    following[order[:-1][same]] = start[order[1:][same]]
    return number, following


def trigger_chances() -> tuple[Floats, Floats]:
    """Return the chance of each code by type (rows) and code (columns), at home and in care.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> home, care = trigger_chances()
    >>> home.shape
    (6, 41)
    """
    codes = read_codebook().codes
    base = [p.BASE_TRIGGERS.get(c, p.BASE_OTHERS) for c in codes]
    home = np.array([[max(b, p.TYPE_TRIGGERS[t].get(c, 0.0)) for b, c in zip(base, codes, strict=True)] for t in TYPES])
    care = home.copy()
    for column, code in enumerate(codes):
        if code.startswith("care_"):
            home[:, column] = 0.0
        if code.startswith("home_"):
            care[:, column] *= p.HOME_CODES_IN_CARE
    care[TYPES.index("home_conflict"), codes.index("care_conflict")] = p.CARE_CONFLICT_IN_CARE
    return home, care


def _true_triggers(rng: np.random.Generator, children: Children, child: Ints, in_care: Flags) -> npt.NDArray[np.bool_]:
    home, care = trigger_chances()
    chance = np.where(in_care[:, None], care[children.type[child]], home[children.type[child]])
    strays = p.CHILD_LOGIT_SD * rng.standard_normal((len(children), chance.shape[1]))
    odds = chance / (1.0 - chance) * np.exp(strays[child])
    chance = odds / (1.0 + odds)
    found: npt.NDArray[np.bool_] = rng.random(chance.shape) < chance
    # An episode has at least one trigger: where none came up, one is drawn by its chance.
    spare = (rng.random(len(child))[:, None] >= np.cumsum(chance, 1) / chance.sum(1, keepdims=True)).sum(1)
    empty = np.flatnonzero(~found.any(1))
    found[empty, spare[empty]] = True
    return found


def incidents_table(
    rng: np.random.Generator, absences: Absences, spells: Spells, ids: list[str], child_ids: list[str], end: float
) -> pd.DataFrame:
    """Return the canonical incidents as the council's records hold them at the end of observation.

    Raises
    ------
    Nothing.
    """
    n = len(absences)
    u = rng.random((n, 12))
    category = [CATEGORIES[c] for c in absences.category.tolist()]
    risks = np.array([RISKS[c] for c in CATEGORIES])[absences.category]
    risk = (u[:, 0, None] >= np.cumsum(risks, 1)).sum(1).clip(max=3)
    returned = absences.end < end
    long = absences.end - absences.start > 12 * 60
    brought = np.where(long, pick(u[:, 1], RETURNED_BY_LONG), pick(u[:, 1], RETURNED_BY_SHORT))
    delay = np.minimum(-np.log1p(-u[:, 2]) * 110.0, 0.8 * (absences.end - absences.start))
    reported = settle(absences.start + delay)
    reported[(u[:, 3] < p.REPORTED_BLANK) | (reported >= end)] = np.nan
    year = 2000 + (absences.start // (p.DAYS_PER_YEAR * p.MINUTES_PER_DAY) - 30).astype(int)
    in_care = absences.spell >= 0

    def of_spell(values: list[str], blank: Floats, share: float) -> list[str | None]:
        rows = zip(absences.spell.tolist(), (blank < share).tolist(), strict=True)
        return [None if s < 0 or gone else values[s] for s, gone in rows]

    area = [str(x) for x in spells.in_area]
    frame = pd.DataFrame(
        {
            "incident_id": ids,
            "child_id": [child_ids[c] for c in absences.child.tolist()],
            "missing_from": to_london(absences.start),
            "returned_at": to_london(np.where(returned, absences.end, np.nan)),
            "category": category,
            "precision": "minute",
            "reported_at": to_london(reported),
            "source": "synthetic",
            "police_ref": _blank(
                [f"MP{y}-{i:05d}" for i, y in enumerate(year.tolist(), 1)], u[:, 4] < p.POLICE_REF_BLANK
            ),
            "risk_level": _blank([schema.RISK_LEVELS[r] for r in risk.tolist()], u[:, 5] < p.RISK_BLANK),
            "missing_from_setting": _settings(absences.start, in_care, u[:, 6]),
            "placement_type": of_spell(spells.placement_type, u[:, 7], 0.04),
            "home_id": of_spell(spells.home_id, u[:, 8], p.HOME_ID_BLANK),
            "in_area": [None if a is None else a == "True" for a in of_spell(area, u[:, 9], p.IN_AREA_BLANK)],
            "returned_by": _blank(
                [schema.RETURNED_BY[b] for b in brought.tolist()], ~returned | (u[:, 10] < p.RETURNED_BY_BLANK)
            ),
        }
    )
    return schema.conform(frame, schema.INCIDENTS)


def _blank(values: list[str], gone: Flags) -> list[str | None]:
    return [None if g else v for v, g in zip(values, gone.tolist(), strict=True)]


def _settings(start: Floats, in_care: Flags, share: Floats) -> list[str]:
    day, minute = np.divmod(start, p.MINUTES_PER_DAY)
    at_school = ((day + 3) % 7 < 5) & (minute >= 8.5 * 60) & (minute < 15.5 * 60) & (share < 0.45)
    lived = np.where(in_care, "care", "home")
    return [str(s) for s in np.select([at_school, share > 0.97], ["school", "other"], lived)]
