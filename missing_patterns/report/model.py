"""What a section of the report is made of, and how its tables pass the disclosure door and become a plain dict.

A section offers tables to the door; every sentence, chart and measure is then written from what came back. So nothing
in the report can say more than its tables do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from missing_patterns.disclosure import SYMBOL, ReleaseTable, is_withheld
from missing_patterns.report.parts import plain

Treated = Mapping[str, pd.DataFrame]
Words = Callable[[pd.DataFrame], str]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of one treated table: which function of ``plots``, its headline and alt text, and its options."""

    kind: str
    headline: Words
    alt: Words
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """Which columns of a treated table become rows of the tidy file.

    Parameters
    ----------
    name, unit : str
        Name of the measure, and what it is in: children, episodes, share, days, hours.
    value : str
        Column with the value; ``group`` are the columns that say of whom.
    numerator, denominator : str
        Columns behind a share; empty for counts.
    period : {"lookback", "month"} or str
        What the figure is about: the lookback, the month reported on, or a column that says which month.
    """

    name: str
    value: str
    unit: str
    group: tuple[str, ...]
    numerator: str = ""
    denominator: str = ""
    period: str = "lookback"


@dataclass(frozen=True, slots=True)
class Item:
    """One table of a section, as it is offered to the door and as it is shown.

    Parameters
    ----------
    table : ReleaseTable
        What is offered. Two items may show parts of one table, which is then treated once, as a whole.
    caption : str
        What the table shows, of whom and when.
    columns : mapping of str to (label, kind)
        Columns that are shown, in order.
    chart : Chart, optional
        Drawn from the shown columns.
    after : callable, optional
        Chooses rows, or adds columns that are computed from treated cells only.
    view : str
        Name of the part of the table that this item shows; empty where it shows all.
    """

    table: ReleaseTable
    caption: str
    columns: Mapping[str, tuple[str, str]]
    chart: Chart | None = None
    after: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    notes: Sequence[str] = ()
    measures: Sequence[Measure] = ()
    view: str = ""

    @property
    def id(self) -> str:
        """Name of the table as shown: that of the table offered, unless this item shows a part of it."""
        return self.view or self.table.name

    def finish(self, treated: pd.DataFrame) -> pd.DataFrame:
        """Return the treated table with what is computed from it, rounded: an exact share gives its numerator away."""
        return _rounded(self.after(treated) if self.after else treated)

    def to_dict(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the item as the renderers read it."""
        shown = frame[list(self.columns)]
        table = {
            "id": self.id,
            "caption": self.caption,
            "columns": [{"name": n, "label": label, "kind": kind} for n, (label, kind) in self.columns.items()],
            "rows": [[plain(v) for v in row] for row in shown.itertuples(index=False, name=None)],
            "notes": list(self.notes),
        }
        if self.chart is None or not len(frame):
            return {"table": table}
        chart = {
            "kind": self.chart.kind,
            "headline": self.chart.headline(frame),
            "alt": self.chart.alt(frame),
            "options": dict(self.chart.options),
        }
        return {"chart": chart, "table": table}


@dataclass(frozen=True, slots=True)
class Section:
    """One question of the report, answered.

    Parameters
    ----------
    id, title, question : str
        Its anchor, heading and the question in a reader's words.
    items : sequence of Item
        Its tables.
    headline : callable
        The answer in one sentence, from the treated tables by name.
    summary : callable
        Sentences for the front page; none when there is nothing that a reader must know.
    means, does_not_mean : str
        How to read it, and how not to.
    definitions : sequence of (term, meaning)
        The words and rules that it uses.
    """

    id: str
    title: str
    question: str
    items: Sequence[Item]
    headline: Callable[[Treated], str]
    means: str
    does_not_mean: str
    definitions: Sequence[tuple[str, str]] = ()
    summary: Callable[[Treated], list[str]] = lambda _treated: []

    def to_dict(self, treated: Treated) -> dict[str, Any]:
        """Return the section as the renderers read it."""
        return {
            "id": self.id,
            "title": self.title,
            "question": self.question,
            "headline": self.headline(treated),
            "items": [item.to_dict(treated[item.id]) for item in self.items],
            "means": self.means,
            "does_not_mean": self.does_not_mean,
            "definitions": [list(pair) for pair in self.definitions],
        }


def keep_totals_together(table: ReleaseTable, treated: pd.DataFrame) -> pd.DataFrame:
    """Withhold the parts of a total that is withheld.

    The door may withhold a total to protect its parts. The same total stands in other tables of the report, so here the
    parts go instead.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> frame = pd.DataFrame({"group": ["a", "b", "All"], "n": [2, 7, 9]})
    >>> table = ReleaseTable("t", frame, "n", by=("group",), total="All", additive=True)
    >>> keep_totals_together(table, frame.assign(n=["c", 7, "c"]))["n"].tolist()
    ['c', 'c', 'c']
    """
    if table.total is None:
        return treated
    treated = treated.astype(object)
    *outer, inner = table.by
    groups = treated[outer].astype(str).agg("/".join, axis=1) if outer else pd.Series("", index=treated.index)
    is_total = treated[inner] == table.total
    hidden = groups[is_total & treated[table.children].map(is_withheld)]
    rows = groups.isin(hidden)
    for column in table.figures:
        treated.loc[rows & treated[column].notna(), column] = SYMBOL
    return treated


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Floats to two decimals, so a share is a whole percentage; text, counts and withheld cells as they are."""

    def to_two(cell: Any) -> Any:
        value = plain(cell)
        return round(value, 2) if isinstance(value, float) else value

    return frame.astype(object).apply(lambda column: column.map(to_two))


def measures_of(item: Item, frame: pd.DataFrame, month: str, lookback: str) -> list[dict[str, Any]]:
    """Return the rows of the tidy file that one treated table gives.

    Raises
    ------
    KeyError
        If a measure names a column that the table lacks.
    """
    rows = []
    for measure in item.measures:
        for record in frame.to_dict("records"):
            value = plain(record[measure.value])
            rows.append(
                {
                    "month": month,
                    "period": {"lookback": lookback, "month": month}.get(measure.period) or record[measure.period],
                    "measure": measure.name,
                    "group": ", ".join(str(record[g]) for g in measure.group),
                    "value": value,
                    "unit": measure.unit,
                    "numerator": plain(record[measure.numerator]) if measure.numerator else None,
                    "denominator": plain(record[measure.denominator]) if measure.denominator else None,
                    "suppressed": is_withheld(value),
                }
            )
    return rows
