"""From a table of intervals to the rows of the frailty model, in the order of those who share a hidden rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused
from missing_patterns.recurrence.common import Ints
from missing_patterns.recurrence.cox.design import Clock, Design, read_design
from missing_patterns.recurrence.cox.likelihood import Ties
from missing_patterns.recurrence.cox.risk import RiskSets, risk_sets
from missing_patterns.recurrence.frailty.likelihood import Data


def read_rows(
    intervals: pd.DataFrame,
    wanted: str | Sequence[str],
    strata: str | Sequence[str] | None,
    group: str,
    time: Clock,
    offset: str | Sequence[float] | None,
) -> Design:
    """Check a table of intervals and make the arrays of the model; also without covariates.

    Parameters
    ----------
    intervals : pd.DataFrame
        One row per spell at risk, on (start, stop]: ``child_id start stop event`` and covariates.
    wanted : str or sequence of str
        Columns or a formula; an empty sequence = no covariates.
    strata, group, time, offset
        As ``SharedFrailty`` and its ``fit`` take them.

    Raises
    ------
    ArgumentRefused
        If an argument names no column, or the group has one value only.
    TableRefused
        If the table is not one of intervals that a model can be made of.
    """
    if group in intervals.columns and intervals[group].nunique() == 1:
        raise ArgumentRefused(
            f"the column '{group}' has one value in all rows: within one group there are no differences. Name the "
            "column of those who share a hidden rate, such as 'child_id'."
        )
    if isinstance(wanted, str) or len(wanted):
        return read_design(intervals, wanted, strata=strata, cluster=group, time=time, offset=offset)
    # The reader wants a covariate: it is given one, which is thrown away again.
    filler = "covariate that fills the place of none"
    filled = intervals.assign(**{filler: np.arange(len(intervals), dtype=np.float64)})
    design = read_design(filled, [filler], strata=strata, cluster=group, time=time, offset=offset)
    return replace(design, matrix=np.zeros((len(design.start), 0)), means=np.zeros(0), names=())


def count_ended(design: Design, intervals: pd.DataFrame) -> int:
    """Count the groups whose follow-up ends at an episode.

    Parameters
    ----------
    design : Design
        The arrays, whatever their clock.
    intervals : pd.DataFrame
        What they were made of: its ``stop`` tells which row is the last.

    Raises
    ------
    Nothing.
    """
    stop = intervals["stop"].to_numpy(dtype=np.float64, na_value=np.nan)[design.rows]
    latest = np.full(design.n_clusters, -np.inf)
    np.maximum.at(latest, design.cluster, stop)
    return len(np.unique(design.cluster[design.event & (stop == latest[design.cluster])]))


def data_of(design: Design, ties: Ties) -> Data:
    """Put the rows in the order of their groups, without those at risk when nobody went.

    Parameters
    ----------
    design : Design
        The arrays.
    ties : {"efron", "breslow"}
        How tied events are counted.

    Raises
    ------
    Nothing.
    """
    risk = risk_sets(design.start, design.stop, design.event, design.stratum)
    met = np.flatnonzero(risk.last > risk.first)
    order: Ints = met[np.lexsort((risk.first[met], design.cluster[met]))]
    group = design.cluster[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    mine = RiskSets(risk.times, risk.stratum, risk.first[order], risk.last[order], risk.event[order], risk.cell[order])
    sizes = np.diff(np.append(starts, len(group)))
    return Data(design.matrix[order], design.offset[order], mine, starts, sizes, ties)
