"""What each return makes of the same absences, side by side, with every difference explained or called unexplained."""

from __future__ import annotations

from missing_patterns.reconciliation.result import MEASURES, REASONS, Reconciliation
from missing_patterns.reconciliation.run import reconcile

__all__ = ["MEASURES", "REASONS", "Reconciliation", "reconcile"]
