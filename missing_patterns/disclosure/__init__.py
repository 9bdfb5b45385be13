"""The one door between figures and readers: what is about too few children is withheld before it is shown.

Every table of a report is offered as a :class:`ReleaseTable`, which says which column counts distinct children and
which figures were worked out from the same children. :func:`suppress_tables` returns the tables as they may be
printed, with ``"c"`` in each withheld cell, and a local log of reasons that holds no figure. :func:`audit_tables`
attacks what would be printed, by methods written apart from the suppressor. :func:`treat_curve` thins a curve.

What this version protects, and what it does not:

- It counts **children**, not episodes. Counts of 1 to threshold - 1 are withheld, with all that derives from them;
  a true nought is shown. So are counts that would give a small one by subtraction from their whole.
- In a table whose rows add up to totals, further cells are withheld until no small count can be worked out exactly
  or shown to lie below the threshold, by linear programming over that table (Fischetti and Salazar-Gonzalez 2001
  give the idea; a *witness*, another table that fits what is printed, is found for each).
- **Each table is protected by itself.** Figures that stand in several tables, successive monthly releases, the
  knowledge of somebody who is in the table, and dominance by one or two children are not yet guarded against.
"""

from __future__ import annotations

from missing_patterns.disclosure.audit import audit_tables
from missing_patterns.disclosure.curves import treat_curve
from missing_patterns.disclosure.release import SYMBOL, ReleaseTable, is_withheld, threshold_of
from missing_patterns.disclosure.suppress import Treated, suppress_tables

__all__ = [
    "SYMBOL",
    "ReleaseTable",
    "Treated",
    "audit_tables",
    "is_withheld",
    "suppress_tables",
    "threshold_of",
    "treat_curve",
]
