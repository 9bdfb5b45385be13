"""Question 15: can this month be trusted? What was read, what was set aside, and what is not recorded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.disclosure import ReleaseTable
from missing_patterns.report.facts import Facts
from missing_patterns.report.model import Item, Measure, Section, Treated
from missing_patterns.report.section_interviews import outcome_of
from missing_patterns.report.words import share, shown

_FIELDS = {
    "returned_at": "Time or date of return",
    "missing_from_setting": "Where the child went missing from",
    "risk_level": "Police risk level",
    "returned_by": "Who brought the child back",
}


def quality(facts: Facts) -> Section:
    """How complete the records are, and what reading them set aside."""
    return Section(
        id="quality",
        title="Can this month be trusted",
        question="How complete are the records behind this report?",
        items=(_completeness(facts), *_rows_read(facts)),
        headline=_headline,
        means="The lower the share recorded, the more a figure that rests on that field depends on who filled it in.",
        does_not_mean="Complete is not the same as right: a field that is always filled may be filled by habit.",
        definitions=(
            (
                "Set aside",
                "A row that could not be used, with its reason in the local list of problems. It is in no figure of this report.",
            ),
            ("Not data", "Titles, headings, totals and blank rows."),
        ),
    )


def _completeness(facts: Facts) -> Item:
    episodes = facts.lookback
    recorded = {label: episodes[column].notna() for column, label in _FIELDS.items()}
    recorded["Time of day, not only the date"] = episodes["precision"].fillna("minute") == "minute"
    ladder = facts.ladder(facts.returned(facts.lookback_month, facts.month)).episodes
    outcome = outcome_of(ladder)
    rows = [{"field": label, "share": float(known.mean()) if len(known) else None} for label, known in recorded.items()]
    due = outcome.notna()
    rows.append(
        {
            "field": "What became of the interview",
            "share": float((outcome[due] != "Nothing recorded").mean()) if due.any() else None,
        }
    )
    domains = facts.prevalence(episodes, "domain").iloc[0]
    n_held = int(domains["n_known"] + domains["n_unknown"])
    rows.append({"field": "Reasons, of interviews held", "share": domains["n_known"] / n_held if n_held else None})
    frame = pd.DataFrame(rows)
    # Only what is complete reads 100%.
    frame["share"] = [v if v is None or v >= 1 else np.floor(100 * v) / 100 for v in frame["share"]]
    frame = frame.assign(n_children=episodes["child_id"].nunique())
    return Item(
        table=ReleaseTable("completeness", frame, children="n_children", derived=("share",), by=("field",)),
        caption=f"Share of episodes for which each field is recorded, {facts.span}",
        columns={"field": ("Field", "text"), "share": ("Recorded", "percent")},
        measures=(Measure("recorded", "share", "share", ("field",)),),
    )


def _rows_read(facts: Facts) -> list[Item]:
    """Rows of the files, by what they became; names of files and sheets stay out, for they may hold names."""
    accounting = facts.records.accounting
    if accounting.empty:
        return []
    columns = ["n_rows", "n_accepted", "n_quarantined", "n_not_data"]
    frame = accounting.groupby("table", as_index=False)[columns].sum()
    frame[columns] = frame[columns].astype("int64")
    item = Item(
        table=ReleaseTable("rows_read", frame, children="n_rows", derived=tuple(columns[1:]), by=("table",)),
        caption="Rows of the files that were read, by what they became",
        columns={
            "table": ("Became", "text"),
            "n_rows": ("Rows read", "count"),
            "n_accepted": ("Used", "count"),
            "n_quarantined": ("Set aside", "count"),
            "n_not_data": ("Not data", "count"),
        },
        notes=("These are rows of files, not children: several files may hold the same episode.",),
    )
    return [item]


def _headline(treated: Treated) -> str:
    rows = treated["completeness"]
    known = [(float(r.share), r.field) for r in rows.itertuples() if shown(r.share)]
    if not known:
        return "How complete the records are is withheld: too few children."
    worst, field = min(known)
    text = f"Recorded least is: {field[:1].lower()}{field[1:]} ({share(worst)})"
    if "rows_read" in treated:
        read = treated["rows_read"]
        if all(shown(v) for v in read["n_quarantined"]):
            text += f". Of {int(read['n_rows'].sum()):,} rows read, {int(read['n_quarantined'].sum()):,} were set aside"
    return text + "."
