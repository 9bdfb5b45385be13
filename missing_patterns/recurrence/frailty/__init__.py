"""Do some children simply go more often than others? A hidden rate of each child's own, shared by its episodes (E7).

``likelihood`` is one pass over the rows, ``solve`` climbs, ``profile`` finds theta and its limits, ``tables`` makes
what may be shown, ``model`` and ``words`` are what users meet. What is found of a single child never leaves this room.
"""

from __future__ import annotations

from missing_patterns.recurrence.frailty.model import SharedFrailty, VarianceTest

__all__ = ["SharedFrailty", "VarianceTest"]
