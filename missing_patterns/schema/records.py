"""The canonical tables of one council, together."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from missing_patterns.schema.gate import conform, empty
from missing_patterns.schema.tables import (
    ACCOUNTING,
    CHILDREN,
    INCIDENTS,
    INTERVIEWS,
    MATCHES,
    PLACEMENTS,
    PROBLEMS,
    QUARANTINE,
)


@dataclass(frozen=True, slots=True, repr=False)
class Records:
    """The canonical tables of one council, with what was found wrong on the way in.

    Parameters
    ----------
    incidents, interviews, children, placements : pd.DataFrame
        The tables of this module.
    problems, quarantine, accounting : pd.DataFrame
        What ingest repaired or doubted, the rows that it set aside, and how every row was used.
        Empty for records that were not read from files.

    matches : pd.DataFrame
        Pairs of incidents of two sources that are the same absence.

    Raises
    ------
    TableRefused
        If a table lacks a required column or holds a value that its column does not allow.

    Examples
    --------
    >>> import pandas as pd
    >>> Records(incidents=pd.DataFrame({"child_id": ["A"], "missing_from": ["2026-01-05 21:00"]}))
    Records: 1 incident, 0 interviews, 1 child, 0 placements; 0 problems, 0 rows in quarantine
    """

    incidents: pd.DataFrame
    interviews: pd.DataFrame = field(default_factory=lambda: empty(INTERVIEWS))
    children: pd.DataFrame = field(default_factory=lambda: empty(CHILDREN))
    placements: pd.DataFrame = field(default_factory=lambda: empty(PLACEMENTS))
    problems: pd.DataFrame = field(default_factory=lambda: empty(PROBLEMS))
    quarantine: pd.DataFrame = field(default_factory=lambda: empty(QUARANTINE))
    accounting: pd.DataFrame = field(default_factory=lambda: empty(ACCOUNTING))
    matches: pd.DataFrame = field(default_factory=lambda: empty(MATCHES))

    def __post_init__(self) -> None:
        for table in (INCIDENTS, INTERVIEWS, CHILDREN, PLACEMENTS):
            object.__setattr__(self, table.name, conform(getattr(self, table.name), table))

    def __repr__(self) -> str:
        n_children = self.incidents["child_id"].nunique() or len(self.children)
        return (
            f"Records: {_plural(len(self.incidents), 'incident')}, {_plural(len(self.interviews), 'interview')}, "
            f"{_plural(n_children, 'child', 'children')}, {_plural(len(self.placements), 'placement')}; "
            f"{_plural(len(self.problems), 'problem')}, {_plural(len(self.quarantine), 'row')} in quarantine"
        )


def _plural(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
