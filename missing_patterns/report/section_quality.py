"""Question 15: can this month be trusted? What was read, what was set aside, and what is not recorded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.disclosure import ReleaseTable
from missing_patterns.report.facts import Facts
from missing_patterns.report.model import Item, Measure, Section, Treated
from missing_patterns.report.words import share, shown

#: Fields whose gaps stand in no other table: two tables of the same gap could undo each other's protection.
_FIELDS = {
    "risk_level": "Police risk level",
    "returned_by": "Who brought the child back",
    "home_id": "Home or carer, of episodes from a placement",
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
            ("Not read", "Rows of files that no profile fits. They are in no figure of this report."),
        ),
    )


def _completeness(facts: Facts) -> Item:
    rows = []
    for column, label in _FIELDS.items():
        episodes = facts.lookback
        if column == "home_id":
            episodes = episodes[episodes["missing_from_setting"].eq("care").fillna(False)]
        blank = episodes[column].isna()
        share_known = float(1 - blank.mean()) if len(episodes) else None
        rows.append(
            {
                "field": label,
                # Only what is complete reads 100%.
                "share": share_known if share_known in (None, 1.0) else np.floor(100 * share_known) / 100,
                "n_children": episodes.loc[blank, "child_id"].nunique(),
                "n_all": episodes["child_id"].nunique(),
            }
        )
    return Item(
        table=ReleaseTable(
            "completeness", pd.DataFrame(rows), children="n_children", derived=("share",), by=("field",), of="n_all"
        ),
        caption=f"Share of episodes for which each field is recorded, {facts.span}",
        columns={"field": ("Field", "text"), "share": ("Recorded", "percent")},
        measures=(Measure("recorded", "share", "share", ("field",)),),
    )


def _rows_read(facts: Facts) -> list[Item]:
    """Rows of the files, by what they became; names of files and sheets stay out, for they may hold names."""
    accounting = facts.records.accounting
    accounting = accounting[accounting["table"] != "children"]  # whose rows are children
    if accounting.empty:
        return []
    columns = ["n_rows", "n_accepted", "n_quarantined", "n_not_data"]
    frame = accounting.groupby("table", as_index=False)[columns].sum()
    frame[columns] = frame[columns].astype("int64")
    # Rows are not children, but a few rows may be one child: the smallest count that is not nought decides.
    small = frame[["n_accepted", "n_quarantined"]]
    frame["n_smallest"] = small.where(small > 0).min(axis=1).fillna(0).astype("int64")
    item = Item(
        table=ReleaseTable("rows_read", frame, children="n_smallest", derived=tuple(columns), by=("table",)),
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
    text = f"Of the fields shown, the one recorded least is: {field[:1].lower()}{field[1:]} ({share(worst)})"
    if worst == 1:
        text = "Every field shown is recorded throughout"
    if "rows_read" in treated:
        read = treated["rows_read"]
        if len(read) and all(shown(v) for v in read["n_quarantined"]):
            text += f". Of {int(read['n_rows'].sum()):,} rows read, {int(read['n_quarantined'].sum()):,} were set aside"
    return text + "."
