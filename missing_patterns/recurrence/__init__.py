"""Repeat-missing statistics: how many repeats, how concentrated, how soon again, how many per child, what goes with it.

Every result has ``.summary()``, ``.explain()`` and ``.plot(ax=None)``. All figures are about groups; none is about a
child, but for what is marked for local use.

``frequency`` how often, ``curves`` how soon and how many by then, ``exits`` what else may end a gap, ``cox`` rate
ratios, ``frailty`` and ``dynamics`` children who simply go often and episodes in runs, ``effects`` whether what we do
goes with less of it. ``door``, ``spells`` and ``common`` are what they share.
"""

from __future__ import annotations

from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.cox.pwp import pwp
from missing_patterns.recurrence.curves.compare import MeanComparison, Weight, compare_mean_cumulative
from missing_patterns.recurrence.curves.gaps import GapCurve, Method, gap_curve
from missing_patterns.recurrence.curves.mean import MeanCumulative, mean_cumulative
from missing_patterns.recurrence.curves.rank_test import LogRank, log_rank
from missing_patterns.recurrence.curves.side_by_side import GapCurves, gap_curves
from missing_patterns.recurrence.curves.survival import SurvivalCurve, kaplan_meier
from missing_patterns.recurrence.dynamics import DynamicsTest, RepeatDynamics, simulate_repeats
from missing_patterns.recurrence.dynamics.clustering import ShortRunClustering, short_run_clustering
from missing_patterns.recurrence.effects import (
    ActionComparison,
    compare_after,
    completed_interviews,
    default_covariates,
    e_value,
)
from missing_patterns.recurrence.exits import (
    CauseSpecific,
    CumulativeIncidence,
    FineGray,
    cause_specific,
    cumulative_incidence,
    fine_gray,
)
from missing_patterns.recurrence.frailty import SharedFrailty, VarianceTest
from missing_patterns.recurrence.frequency.concentrate import Concentration, concentration
from missing_patterns.recurrence.frequency.counts import count_by_child
from missing_patterns.recurrence.frequency.persist import Persistence, persistence
from missing_patterns.recurrence.frequency.rates import EpisodeRates, episode_rates
from missing_patterns.recurrence.frequency.sensitivity import RepeatSensitivity, repeat_sensitivity
from missing_patterns.recurrence.frequency.shares import RepeatShares, repeat_shares

__all__ = [
    "ActionComparison",
    "CauseSpecific",
    "Concentration",
    "CumulativeIncidence",
    "DynamicsTest",
    "EpisodeRates",
    "FineGray",
    "GapCurve",
    "GapCurves",
    "LogRank",
    "MeanComparison",
    "MeanCumulative",
    "Method",
    "Persistence",
    "RecurrentCox",
    "RepeatDynamics",
    "RepeatSensitivity",
    "RepeatShares",
    "SharedFrailty",
    "ShortRunClustering",
    "SurvivalCurve",
    "VarianceTest",
    "Weight",
    "cause_specific",
    "compare_after",
    "compare_mean_cumulative",
    "completed_interviews",
    "concentration",
    "count_by_child",
    "cumulative_incidence",
    "default_covariates",
    "e_value",
    "episode_rates",
    "fine_gray",
    "gap_curve",
    "gap_curves",
    "kaplan_meier",
    "log_rank",
    "mean_cumulative",
    "persistence",
    "pwp",
    "repeat_sensitivity",
    "repeat_shares",
    "short_run_clustering",
    "simulate_repeats",
]
