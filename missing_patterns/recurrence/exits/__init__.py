"""Exits: what a child who leaves before going missing again means for shares, and for rates (E9).

``cumulative_incidence`` for shares by a day, ``cause_specific`` for rate ratios, ``fine_gray`` for predictions only.
"""

from __future__ import annotations

from missing_patterns.recurrence.exits.cause import CauseSpecific, cause_specific
from missing_patterns.recurrence.exits.finegray import FineGray, fine_gray
from missing_patterns.recurrence.exits.incidence import CumulativeIncidence, cumulative_incidence

__all__ = ["CauseSpecific", "CumulativeIncidence", "FineGray", "cause_specific", "cumulative_incidence", "fine_gray"]
