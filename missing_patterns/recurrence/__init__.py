"""Repeat-missing statistics: how many repeats, how concentrated, how soon again, and how many per child.

Every result has ``.summary()``, ``.explain()`` and ``.plot(ax=None)``. All figures are about groups; none is about a
child.
"""

from __future__ import annotations

from missing_patterns.recurrence.compare import MeanComparison, Weight, compare_mean_cumulative
from missing_patterns.recurrence.concentrate import Concentration, concentration
from missing_patterns.recurrence.gaps import GapCurve, Method, gap_curve
from missing_patterns.recurrence.mean import MeanCumulative, mean_cumulative
from missing_patterns.recurrence.shares import RepeatShares, repeat_shares

__all__ = [
    "Concentration",
    "GapCurve",
    "MeanComparison",
    "MeanCumulative",
    "Method",
    "RepeatShares",
    "Weight",
    "compare_mean_cumulative",
    "concentration",
    "gap_curve",
    "mean_cumulative",
    "repeat_shares",
]
