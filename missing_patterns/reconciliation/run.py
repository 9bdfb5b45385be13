"""Put the systems side by side."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused
from missing_patterns.reconciliation import annex
from missing_patterns.reconciliation.facts import gather
from missing_patterns.reconciliation.result import MEASURES, REASONS, Reconciliation
from missing_patterns.reconciliation.systems import PART_COLUMNS, count_system, explain_system


def reconcile(
    records: schema.Records,
    *,
    observed_until: str | dt.date | dt.datetime | pd.Timestamp,
    collection_year: int | None = None,
) -> Reconciliation:
    """Compare what each system counts of the last 12 months with the absences that all of them together show.

    The absences are the episodes of ``build_episodes`` that began in the 12 months before ``observed_until``, the
    window of Annex A. Each system counts its own records that began in it; Annex A says its numbers itself, child by
    child. Every difference is taken apart by the reasons of ``REASONS``; what none of them gives exactly is
    unexplained.

    Parameters
    ----------
    records : Records
        As ``read_records`` gives them for all sources at once.
    observed_until : str, date, datetime or Timestamp
        End of the window; a bare date is observed to its end.
    collection_year : int, optional
        Year in which the SSDA903 collection ends, on 31 March. Absences outside it cannot be in that return. None or
        0: not known.

    Returns
    -------
    Reconciliation

    Raises
    ------
    ArgumentRefused
        If an argument is not what it should be.
    TableRefused
        If a record ends before it starts.

    Examples
    --------
    >>> incidents = pd.DataFrame(
    ...     [["S1", "A", "2026-01-05 21:00", "2026-01-06 01:00", "missing", "ssd"],
    ...      ["S2", "A", "2026-01-06 00:30", "2026-01-06 02:00", "missing", "ssd"],
    ...      ["P1", "B", "2026-01-09 21:00", "2026-01-09 23:00", "missing", "police"]],
    ...     columns=["incident_id", "child_id", "missing_from", "returned_at", "category", "source"])
    >>> found = reconcile(schema.Records(incidents=incidents), observed_until="2026-01-31")
    >>> found
    Reconciliation: 2 absences of 2 children in 12 months to 2026-01-31; systems: police, ssd; unexplained: 0
    >>> explained = found.explained()
    >>> explained.loc[explained["measure"] == "absences", ["system", "difference", "joined", "elsewhere"]]
       system  difference  joined  elsewhere
    0  police          -1       0         -1
    6     ssd           0       1         -1
    """
    if not isinstance(records, schema.Records):
        raise ArgumentRefused("records must be Records, as read_records gives them.")
    is_year = isinstance(collection_year, int | np.integer) and not isinstance(collection_year, bool)
    if collection_year is not None and not (is_year and (collection_year == 0 or 2000 <= collection_year <= 2098)):
        raise ArgumentRefused("collection_year must be a year such as 2026, or None.")
    until = schema.moment(observed_until)
    facts = gather(records, until, collection_year)
    counts = [count_system(facts, s).assign(system=s) for s in facts.systems]
    counts.append(count_system(facts, "").assign(system=""))
    parts = [explain_system(facts, s) for s in facts.systems]
    every = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=PART_COLUMNS)
    recorded = {
        s: set(MEASURES) if s in facts.with_interviews else set(MEASURES) - {"offered_last", "accepted_last"}
        for s in facts.systems
    }
    told = annex.read_list(records.children)
    if len(told):
        counts.append(annex.count_list(told).assign(system=annex.NAME))
        every = pd.concat([every, annex.explain_list(facts, told, every)], ignore_index=True)
        said = {m for m in annex.COLUMNS if told[m].notna().any()}
        recorded[annex.NAME] = said | ({"absences", "children"} if said & {"missing", "away"} else set())
    known = {(s, m) for s, measures in recorded.items() for m in measures}
    pairs = zip(every["system"], every["measure"], every["n"], strict=True)
    every = every[np.array([(s, m) in known and n != 0 for s, m, n in pairs], dtype=bool)]
    every = every.assign(n=every["n"].astype(np.int64), reason=pd.Categorical(every["reason"], list(REASONS)))
    return Reconciliation(
        counts=pd.concat(counts, ignore_index=True),
        parts=every.sort_values(PART_COLUMNS, kind="stable", ignore_index=True),
        recorded={s: frozenset(recorded[s]) for s in sorted(recorded)},
        since=facts.since,
        until=facts.until,
    )
