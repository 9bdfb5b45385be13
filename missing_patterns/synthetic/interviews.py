"""Return interviews: who is offered one, who takes it, when, and what is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import read_codebook
from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.clock import Flags, Floats, Ints, choose, daytime, to_london
from missing_patterns.synthetic.incidents import CATEGORIES, Absences
from missing_patterns.synthetic.words import write_account

DAY = p.MINUTES_PER_DAY
DECLINED_REASONS = (
    "did not want to talk",
    "did not think they had been missing",
    "had already spoken to another worker",
    "parent or carer declined",
    "no reason given",
)
ROLES = {"independent_service": 0.62, "local_authority_team": 0.20, "social_worker": 0.10, "youth_worker": 0.08}
MODES = {"face_to_face": 0.74, "phone": 0.20, "video": 0.06}
MODES_OUT_OF_AREA = {"face_to_face": 0.46, "phone": 0.36, "video": 0.18}
ACTIONS = {
    "Safety plan reviewed": 0.70,
    "Shared with police": 0.50,
    "Strategy discussion requested": 0.12,
    "Family support offered": 0.20,
    "School contacted": 0.15,
    "Health referral": 0.10,
    "Placement review requested": 0.08,
}
EXPLOITATION_ACTION = "Referred to exploitation team"
HELD_ALONE = ("completed", "completed_partial", "unknown")


@dataclass(frozen=True, slots=True)
class Course:
    """What became of the interview of each absence: lists with one entry per absence; None = no record of any."""

    status: list[str | None]
    offered: Floats
    held: Floats
    covers: list[list[int]]  # earlier absences that this interview covers too


@dataclass(frozen=True, slots=True)
class Luck:
    """What chance brings to the interview of each absence: nine uniform draws a row, and two normal ones."""

    u: Floats
    noise: Floats

    def take(self, rows: Ints) -> Luck:
        """Return those of some absences."""
        return Luck(self.u[rows], self.noise[rows])


def draw_luck(rng: np.random.Generator, n: int) -> Luck:
    """Draw it for so many absences.

    Raises
    ------
    Nothing.
    """
    return Luck(rng.random((n, 9)), rng.standard_normal((n, 2)))


@dataclass(frozen=True, slots=True)
class Chances:
    """Log odds of an offer and of declining it at a child's first absence: arrays with one entry per absence."""

    offer: Floats
    decline: Floats

    @classmethod
    def of(cls, out_of_area: Flags, age: Floats) -> Chances:
        """Reckon them from where the child lives and the age.

        Raises
        ------
        Nothing.
        """
        return cls(
            np.asarray(p.OFFER_LOGIT + p.OFFER_OUT_OF_AREA * out_of_area, dtype=np.float64),
            p.DECLINE_LOGIT + p.DECLINE_OLDER * (age >= 16) + p.DECLINE_OUT_OF_AREA * out_of_area,
        )

    def offers(self, luck: Luck, number: Ints | int) -> Flags:
        """Say which are offered, given the number of each absence within its child."""
        return np.asarray(luck.u[:, 1] < _expit(self.offer + p.OFFER_REPEAT * np.minimum(number - 1, 10)))

    def declines(self, luck: Luck, number: Ints | int) -> Flags:
        """Say which are declined, if offered."""
        return np.asarray(luck.u[:, 2] < _expit(self.decline + p.DECLINE_REPEAT * np.minimum(number - 1, 10)))

    def is_willing(self, luck: Luck, number: int) -> Flags:
        """Say which are offered, not declined and attended, were each the child's absence of this number."""
        return self.offers(luck, number) & ~self.declines(luck, number) & ~_not_there(luck)


def held_if_back(luck: Luck, category: Ints, end: Floats) -> tuple[Flags, Floats, Floats]:
    """Return whether each interview is required, and when it is offered and held if the child does not go again.

    Raises
    ------
    Nothing.
    """
    required = np.array([p.NOT_REQUIRED[c] for c in CATEGORIES])[category] <= luck.u[:, 0]
    offered = daytime(end + 60 * p.OFFER_MEDIAN_HOURS * np.exp(p.OFFER_SIGMA * luck.noise[:, 0]), luck.u[:, 3])
    held = end + 60 * p.HELD_MEDIAN_HOURS * np.exp(p.HELD_SIGMA * luck.noise[:, 1])
    return np.asarray(required), offered, daytime(np.maximum(held, offered + 30), luck.u[:, 4])


def run_interviews(rng: np.random.Generator, absences: Absences, end: float, luck: Luck | None = None) -> Course:
    """Take every returned absence through the ladder, as known at the end of observation.

    A child who goes again before the offer is either covered by the interview after the later return, or marked as
    missing again. Chances are logistic in age, earlier absences and placement outside the area. What chance brings is
    drawn, unless it is given.

    Raises
    ------
    Nothing.
    """
    plan = _plan(draw_luck(rng, len(absences)) if luck is None else luck, absences)
    n = len(absences)
    course = Course([None] * n, np.full(n, np.nan), np.full(n, np.nan), [[] for _ in range(n)])
    following = _following(absences)
    held_by = np.full(n, -1)
    # Later absences first, since an interview may cover those before it.
    for i in np.argsort(absences.start, kind="stable")[::-1].tolist():
        if absences.end[i] >= end:
            continue
        by = int(held_by[following[i]]) if following[i] >= 0 else -1
        status, by = _outcome(plan, i, float(absences.next_start[i]), by, end)
        course.status[i] = status
        if status in HELD_ALONE:
            held_by[i], course.held[i] = i, plan.held[i]
        elif status == "covered_by_other":
            held_by[i], course.held[i] = by, course.held[by]
            course.covers[by].append(i)
        if status in schema.OFFERED or status == "unknown":
            late = absences.next_start[i] < plan.offered[i]
            course.offered[i] = course.offered[by] if late else plan.offered[i]
    return course


@dataclass(frozen=True, slots=True)
class _Plan:
    """What would happen to each interview if the child did not go again: arrays with one entry per absence."""

    required: Flags
    offer: Flags
    decline: Flags
    absent: Flags
    offered: Floats
    held: Floats
    u: Floats


def _plan(luck: Luck, absences: Absences) -> _Plan:
    required, offered, held = held_if_back(luck, absences.category, absences.end)
    chances = Chances.of(absences.out_of_area, absences.age)
    return _Plan(
        required=required,
        offer=chances.offers(luck, absences.number),
        decline=chances.declines(luck, absences.number),
        absent=_not_there(luck),
        offered=offered,
        held=held,
        u=luck.u,
    )


def _outcome(plan: _Plan, i: int, goes_again: float, by: int, end: float) -> tuple[str | None, int]:
    """Status of one interview, and the absence whose interview covers it (or -1)."""
    share = plan.u[i]
    if not plan.required[i]:
        return "not_required", -1
    if goes_again < plan.offered[i]:
        return ("covered_by_other", by) if by >= 0 and share[5] < p.COVERED else ("not_offered_missing_again", -1)
    if plan.offered[i] >= end:
        return None, -1
    if not plan.offer[i]:
        return "not_offered_no_contact" if share[6] < p.NO_CONTACT else "not_offered_other", -1
    if plan.decline[i] or plan.absent[i]:
        return "declined" if plan.decline[i] else "accepted_not_held", -1
    if goes_again < plan.held[i]:
        return ("covered_by_other", by) if by >= 0 else ("accepted_not_held", -1)
    return ("offered_pending" if plan.held[i] >= end else _held_as(float(share[8]))), -1


def _held_as(share: float) -> str:
    if share < p.STATUS_FORGOTTEN:
        return "unknown"
    return "completed_partial" if share < p.STATUS_FORGOTTEN + p.PARTIAL else "completed"


def _following(absences: Absences) -> list[int]:
    """Position of the same child's next absence, or -1."""
    order = np.lexsort((absences.start, absences.child))
    found = np.full(len(absences), -1)
    same = absences.child[order][1:] == absences.child[order][:-1]
    found[order[:-1][same]] = order[1:][same]
    return [int(x) for x in found]


def interviews_table(
    rng: np.random.Generator, absences: Absences, course: Course, ids: list[str], child_ids: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the canonical interviews and what the written accounts mention.

    Raises
    ------
    Nothing.
    """
    n = len(absences)
    u = rng.random((n, 34))
    offered = _some_days_only(course.offered, u[:, 0] < p.OFFERED_DAY_ONLY)
    offered[u[:, 1] < p.OFFERED_BLANK] = np.nan
    held = _some_days_only(course.held, u[:, 2] < p.HELD_DAY_ONLY)
    for i, covered in enumerate(course.covers):
        held[covered] = held[i]
    blank = u[:, 3] < _expit(_blank_logit(absences, course))
    ticks = _ticks(rng, absences)
    rows: list[dict[str, Any]] = []
    mentions: list[tuple[str, str, str]] = []
    codes = read_codebook().codes
    for i, status in enumerate(course.status):
        if status is None:
            continue
        share = u[i].tolist()
        together = [i, *sorted(course.covers[i])]
        row: dict[str, Any] = {
            "interview_id": f"RHI-{ids[i]}",
            "child_id": child_ids[absences.child[i]],
            "incident_ids": tuple(ids[j] for j in together),
            "status": status,
            "offered_at": offered[i],
            "held_at": held[i],
            "attempts": None if status == "not_required" or share[4] < 0.2 else _attempts(status, share[5]),
        }
        ticked = _named(codes, ticks[together])
        if status == "declined":
            row["declined_reason"] = DECLINED_REASONS[int(share[6] ** 1.5 * len(DECLINED_REASONS))]
            row["coded_triggers"] = (ticked or None) if share[7] < p.DECLINED_TICKED else None
        elif status in HELD_ALONE:
            true = _named(codes, absences.triggers[together])
            row |= _how_held(bool(absences.out_of_area[i]), share[8:14])
            row |= {"coded_triggers": None} if blank[i] else _ticked(ticked, share[14:18])
            row |= _told(any(c.startswith("exploitation") for c in true), share[18:33])
            if share[33] < p.NARRATIVE_WRITTEN:
                row["narrative"], found = write_account(rng, true)
                mentions += [(str(row["interview_id"]), code, said) for code, said in found]
        rows.append(row)
    frame = pd.DataFrame(rows, columns=schema.INTERVIEWS.names, dtype=object)
    for column in ("offered_at", "held_at"):
        frame[column] = to_london(frame[column].to_numpy(dtype=float))
    told = pd.DataFrame(mentions, columns=["interview_id", "code", "status"], dtype=object)
    return schema.conform(frame, schema.INTERVIEWS), told.astype(schema.TEXT)


def _some_days_only(moment: Floats, day_only: Flags) -> Floats:
    """Keep only the day of some moments; midnight means so."""
    return np.where(day_only, moment - moment % DAY, moment)


def _blank_logit(absences: Absences, course: Course) -> Floats:
    partial = np.array([s == "completed_partial" for s in course.status])
    short = absences.end - absences.start < 6 * 60
    return np.asarray(
        p.BLANK_LOGIT
        + p.BLANK_PARTIAL * partial
        + p.BLANK_SHORT * short
        + p.BLANK_OLDER * (absences.age >= 16)
        + p.BLANK_OUT_OF_AREA * absences.out_of_area
    )


def _ticks(rng: np.random.Generator, absences: Absences) -> Flags:
    """Which codes the worker ticks: most of the true ones, and a few that did not apply."""
    u = rng.random(absences.triggers.shape)
    return np.asarray(np.where(absences.triggers, u < p.TICK_RECALL, u < p.TICK_FALSE))


def _named(codes: list[str], flags: Flags) -> tuple[str, ...]:
    """Codes that stand in any of the rows."""
    return tuple(c for c, there in zip(codes, np.any(flags, axis=0).tolist(), strict=True) if there)


def _attempts(status: str, share: float) -> int:
    hard = status in ("declined", "not_offered_no_contact", "accepted_not_held")
    return 1 + int(share * (4 if hard else 2))


def _how_held(out_of_area: bool, u: list[float]) -> dict[str, Any]:
    role = choose(ROLES, u[0])
    return {
        "interviewer_role": role if u[1] > 0.08 else None,
        "is_independent": None if u[2] < 0.12 else role in ("independent_service", "youth_worker"),
        "mode": None if u[3] < 0.10 else choose(MODES_OUT_OF_AREA if out_of_area else MODES, u[4]),
    }


def _ticked(found: tuple[str, ...], u: list[float]) -> dict[str, Any]:
    """The multi-select field: ticked codes, an answer that is no trigger, or nothing given."""
    share = u[0]
    answers: tuple[tuple[float, tuple[str, ...]], ...] = (
        (p.ANSWER_UNKNOWN, ("unknown",)),
        (p.ANSWER_DECLINED, ("declined_to_say",)),
        (p.ANSWER_NONE, ()),
    )
    for chance, answer in answers:
        if share < chance:
            return {"coded_triggers": answer}
        share -= chance
    if not found:
        return {"coded_triggers": ("other_specified",)}
    extra = ("other_specified",) if u[1] < p.ANSWER_OTHER else ()
    primary = found[int(u[2] * len(found))] if u[3] < p.PRIMARY_MARKED else None
    return {"coded_triggers": (*found, *extra), "primary_trigger": primary}


def _told(exploited: bool, u: list[float]) -> dict[str, Any]:
    likely = 0.30 if exploited else 0.08
    harm = "yes" if u[0] < likely * 0.5 else "suspected" if u[0] < likely * 1.3 else "no"
    chances = {**ACTIONS, EXPLOITATION_ACTION: 0.8 if exploited else 0.02}
    return {
        "harm": None if u[1] < p.HARM_BLANK else harm,
        "child_considers_missing": None if u[2] < p.CONSIDERS_BLANK else u[3] < p.CONSIDERS_MISSING,
        "actions": tuple(a for (a, chance), x in zip(chances.items(), u[4:], strict=False) if x < chance) or None,
    }


def _not_there(luck: Luck) -> Flags:
    return np.asarray(luck.u[:, 7] < p.NOT_PRESENT)


def _expit(x: Any) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))
