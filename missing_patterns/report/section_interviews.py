"""Question 7: did each return get an interview in 72 hours? Both denominators, and where the rest went."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns import patterns
from missing_patterns.disclosure import ReleaseTable
from missing_patterns.report.facts import Facts
from missing_patterns.report.model import Chart, Item, Measure, Section, Treated
from missing_patterns.report.section_numbers import count
from missing_patterns.report.words import after, month_name, n_of, share, shown

#: What became of each return that was due an interview: these add up, and the rungs are sums of them.
OUTCOMES = (
    "Held in time",
    "Held late",
    "Held, time not known",
    "Accepted, not held",
    "Declined",
    "Offered, outcome awaited",
    "Not offered: missing again",
    "Not offered: no contact",
    "Not offered: other reason",
    "Nothing recorded",
)
_OFFERED = OUTCOMES[:6]
_HELD = OUTCOMES[:3]
RUNGS = {"All due": OUTCOMES, "All offered": _OFFERED, "All held": _HELD}


def interviews(facts: Facts) -> Section:
    """The ladder of interviews, for the lookback and for the month."""
    hours = facts.settings.due_hours
    year = _table(facts.ladder(facts.returned(facts.lookback_month, facts.month)).episodes, "interviews")
    month = _table(facts.ladder(facts.returned(facts.month, facts.month)).episodes, "interviews_month")
    n = year.frame.set_index("outcome")["n_episodes"]
    any_recorded = bool(n["Nothing recorded"] < n["All due"])
    period = f"returns in {facts.span}"
    return Section(
        id="interviews",
        title="Return interviews",
        question=f"Did each return get an interview within {hours} hours?",
        items=(
            _rungs(year, f"Interviews from due to held within {hours} hours, {period}", hours),
            _outcomes(year, "interview_outcomes", f"What became of each interview due, {period}"),
            _outcomes(
                month,
                "interview_outcomes_month",
                f"What became of each interview due, returns in {month_name(facts.month)}",
                "month",
            ),
        )
        if any_recorded
        else (),
        headline=lambda treated: _headline(treated, hours),
        summary=lambda treated: [after(facts.over, _headline(treated, hours))] if _is_said(treated) else [],
        means=(
            "Each rung is a part of the one above it. 'Of due' tells how many returns led to an interview; 'of offered' tells how "
            "many offers did. The two answer different questions, and reports that name neither cannot be compared."
        ),
        does_not_mean=(
            "A low share held is not a count of failures: children may decline, and a return may not need an interview. "
            "An interview that is not recorded may still have happened."
        ),
        definitions=(
            ("Due", "Every return, less those recorded as not needing an interview."),
            ("Held", "An interview took place in full or in part, or another interview covered this return too."),
            (
                f"Within {hours} hours",
                f"From return to interview. Where only the day is known, on or before day {-(-hours // 24)} after the return. Returns late in the month count as due, though their interview may follow.",
            ),
        ),
    )


def outcome_of(ladder: pd.DataFrame) -> pd.Series:
    """Return the outcome of each return of a ladder, NA where none was due.

    Raises
    ------
    KeyError
        If it is not the ``episodes`` table of an interview ladder.

    Examples
    --------
    >>> ladder = pd.DataFrame({"status": ["declined", "completed", "completed", None], "in_72h": [None, True, None, None]})
    >>> outcome_of(ladder).tolist()
    ['Declined', 'Held in time', 'Held, time not known', 'Nothing recorded']
    """
    plain = {
        "accepted_not_held": "Accepted, not held",
        "declined": "Declined",
        "offered_pending": "Offered, outcome awaited",
        "not_offered_missing_again": "Not offered: missing again",
        "not_offered_no_contact": "Not offered: no contact",
        "not_offered_other": "Not offered: other reason",
        "not_due": None,
        "not_required": None,
    }
    in_time = ladder["in_72h"].astype("boolean")
    found: list[str | None] = []
    for status, early in zip(ladder["status"], in_time, strict=True):
        if status in ("completed", "completed_partial", "covered_by_other"):
            found.append("Held, time not known" if pd.isna(early) else ("Held in time" if early else "Held late"))
        else:
            found.append(plain.get(status, "Nothing recorded") if not pd.isna(status) else "Nothing recorded")
    return pd.Series(found, index=ladder.index, dtype=object)


def _table(ladder: pd.DataFrame, name: str) -> ReleaseTable:
    """Outcomes and rungs in one table: rungs are sums of outcomes, so they must be treated together."""
    due = ladder.assign(outcome=outcome_of(ladder)).dropna(subset="outcome")
    rows = [{"outcome": o, **count(due[due["outcome"] == o])} for o in OUTCOMES]
    rows += [{"outcome": rung, **count(due[due["outcome"].isin(parts)])} for rung, parts in RUNGS.items()]
    frame = pd.DataFrame(rows)
    at = {outcome: i for i, outcome in enumerate(frame["outcome"])}
    n = frame["n_episodes"].to_numpy(dtype=float)
    n_due, n_offered = n[at["All due"]], n[at["All offered"]]
    frame["share_of_due"] = n / max(n_due, 1.0)
    frame["lower"], frame["upper"] = patterns.wilson(n, np.full(len(n), n_due))
    of_offers = frame["outcome"].isin([*_OFFERED, "All offered", "All held"])
    frame["n_children_due"] = frame["n_children"].iloc[at["All due"]]
    frame["share_of_offered"] = (frame["n_episodes"] / (n_offered or np.nan)).where(of_offers)
    return ReleaseTable(
        name,
        frame,
        children="n_children",
        derived=("n_episodes", "share_of_due", "lower", "upper", "share_of_offered"),
        by=("outcome",),
        of="n_children_due",
        sums=tuple((at[rung], tuple(at[o] for o in parts)) for rung, parts in RUNGS.items()),
    )


def _without_wholes(frame: pd.DataFrame) -> pd.DataFrame:
    """Withhold shares whose whole is withheld: a share and its part would give the whole away."""
    frame = frame.astype(object)
    whole = frame.set_index("outcome")["n_episodes"]
    for name, columns in (("All due", ["share_of_due", "lower", "upper"]), ("All offered", ["share_of_offered"])):
        if not shown(whole[name]):
            frame[columns] = frame[columns].where(frame[columns].isna(), whole[name])
    return frame


def _outcomes(table: ReleaseTable, view: str, caption: str, period: str = "lookback") -> Item:
    def outcomes(frame: pd.DataFrame) -> pd.DataFrame:
        frame = _without_wholes(frame)
        return frame[frame["outcome"].isin([*OUTCOMES, "All due"])].reset_index(drop=True)

    return Item(
        table=table,
        view=view,
        caption=caption,
        columns={
            "outcome": ("Outcome", "text"),
            "n_children": ("Children", "count"),
            "n_episodes": ("Returns", "count"),
            "share_of_due": ("Share of due", "percent"),
        },
        after=outcomes,
        notes=("A child with returns of two outcomes stands in both rows, so children do not add up.",),
        measures=(Measure(view, "n_episodes", "returns", ("outcome",), period=period),),
    )


_UNTIMED = "How many were held within {hours} hours is not recorded: these files hold no date of an interview."


def _is_untimed(table: ReleaseTable) -> bool:
    """Whether interviews were held, but none at a known time."""
    n = table.frame.set_index("outcome")["n_episodes"]
    return bool(n["All held"] > 0 and n["Held, time not known"] == n["All held"])


def _rungs(table: ReleaseTable, caption: str, hours: int) -> Item:
    names = {"All due": "Due", "All offered": "Offered", "All held": "Held", OUTCOMES[0]: f"Held within {hours} hours"}
    untimed = _is_untimed(table)
    if untimed:
        names.pop(OUTCOMES[0])

    def rungs(frame: pd.DataFrame) -> pd.DataFrame:
        frame = _without_wholes(frame).set_index("outcome").loc[list(names)].reset_index()
        return frame.assign(rung=list(names.values()))

    note = (
        "The 95% interval (Wilson) takes returns as separate; returns of one child are alike, so it is a little narrow."
    )
    return Item(
        table=table,
        view="interview_ladder",
        caption=caption,
        columns={
            "rung": ("Rung", "text"),
            "n_episodes": ("Returns", "count"),
            "share_of_due": ("Of due", "percent"),
            "lower": ("95% from", "percent"),
            "upper": ("95% to", "percent"),
            "share_of_offered": ("Of offered", "percent"),
        },
        after=rungs,
        chart=Chart("ladder", headline=_ladder_headline, alt=_ladder_alt),
        notes=(note, _UNTIMED.format(hours=hours)) if untimed else (note,),
        measures=(
            Measure("interview_ladder", "n_episodes", "returns", ("rung",)),
            Measure("interview_share_of_due", "share_of_due", "share", ("rung",)),
            Measure("interview_share_of_offered", "share_of_offered", "share", ("rung",)),
        ),
    )


def _rung(frame: pd.DataFrame, start: str) -> pd.Series | None:
    found = frame[frame["rung"].str.startswith(start)]
    return found.iloc[0] if len(found) else None


def _ladder_headline(frame: pd.DataFrame) -> str:
    for start in ("Held within", "Held"):
        row = _rung(frame, start)
        if row is not None and shown(row["share_of_due"]):
            return f"{share(row['share_of_due'])} of interviews due were {row['rung'][:1].lower()}{row['rung'][1:]}"
    return "From due to held"


def _ladder_alt(frame: pd.DataFrame) -> str:
    said = [f"{r.rung.lower()} {n_of(r.n_episodes, 'return')}" for r in frame.itertuples()]
    return "Bars that shrink from rung to rung: " + ", ".join(said) + "."


def _is_said(treated: Treated) -> bool:
    return "interview_ladder" in treated and all(shown(v) for v in treated["interview_ladder"].iloc[:2]["share_of_due"])


def _headline(treated: Treated, hours: int) -> str:
    if "interview_ladder" not in treated:
        return "These records hold no interview of any return in the period."
    if not _is_said(treated):
        return "How many interviews were offered and held is withheld: too few children."
    frame = treated["interview_ladder"]
    due, offered, held = (frame.iloc[i] for i in range(3))
    text = f"Of {n_of(due['n_episodes'], 'return')} due an interview, {share(offered['share_of_due'])} were offered one"
    early = _rung(frame, "Held within")
    if shown(held["share_of_due"]):
        text += f", {share(held['share_of_due'])} had one held"
    if early is not None and shown(early["share_of_due"]):
        text += f", and {share(early['share_of_due'])} had it within {hours} hours"
    return f"{text}." if early is not None else f"{text}. {_UNTIMED.format(hours=hours)}"
