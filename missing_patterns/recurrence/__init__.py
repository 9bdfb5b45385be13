"""Repeat-missing statistics: how many repeats, how concentrated, how soon again, how many per child, and what goes with it.

Every result has ``.summary()``, ``.explain()`` and ``.plot(ax=None)``. All figures are about groups; none is about a
child, but for what is marked for local use.
"""

from __future__ import annotations

from missing_patterns.recurrence.clustering import ShortRunClustering, short_run_clustering
from missing_patterns.recurrence.compare import MeanComparison, Weight, compare_mean_cumulative
from missing_patterns.recurrence.concentrate import Concentration, concentration
from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.cox.pwp import pwp
from missing_patterns.recurrence.dynamics import DynamicsTest, RepeatDynamics, simulate_repeats
from missing_patterns.recurrence.effects import (
    ActionComparison,
    compare_after,
    completed_interviews,
    default_covariates,
    e_value,
)
from missing_patterns.recurrence.exits.incidence import CumulativeIncidence, cumulative_incidence
from missing_patterns.recurrence.frailty import SharedFrailty, VarianceTest
from missing_patterns.recurrence.gaps import GapCurve, Method, gap_curve
from missing_patterns.recurrence.mean import MeanCumulative, mean_cumulative
from missing_patterns.recurrence.persistence import Persistence, persistence
from missing_patterns.recurrence.rank_test import LogRank, log_rank
from missing_patterns.recurrence.shares import RepeatShares, repeat_shares
from missing_patterns.recurrence.side_by_side import GapCurves, gap_curves
from missing_patterns.recurrence.survival import SurvivalCurve, kaplan_meier

__all__ = [
    "ActionComparison",
    "Concentration",
    "CumulativeIncidence",
    "DynamicsTest",
    "GapCurve",
    "GapCurves",
    "LogRank",
    "MeanComparison",
    "MeanCumulative",
    "Method",
    "Persistence",
    "RecurrentCox",
    "RepeatDynamics",
    "RepeatShares",
    "SharedFrailty",
    "ShortRunClustering",
    "SurvivalCurve",
    "VarianceTest",
    "Weight",
    "compare_after",
    "compare_mean_cumulative",
    "completed_interviews",
    "concentration",
    "cumulative_incidence",
    "default_covariates",
    "e_value",
    "gap_curve",
    "gap_curves",
    "kaplan_meier",
    "log_rank",
    "mean_cumulative",
    "persistence",
    "pwp",
    "repeat_shares",
    "short_run_clustering",
    "simulate_repeats",
]
