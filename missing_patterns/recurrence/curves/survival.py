"""Time to one thing: Kaplan-Meier and Nelson-Aalen with late entry, and variances by cluster (E2, E9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.recurrence.common import Z95, Bools, Floats, Ints, plural, rows_of, stack
from missing_patterns.recurrence.curves.mean import group_rows
from missing_patterns.recurrence.curves.robust import Clusters
from missing_patterns.recurrence.door import flags, numbered, numbered_clusters, numbers, ranked, refuse, require
from missing_patterns.recurrence.drawing import draw_steps, new_axes
from missing_patterns.recurrence.spells import places, steps_of, sum_over_risk

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Limits = Literal["log-log", "log"]

_SPELLS = schema.Table(
    "spells",
    "one time followed, on (start, stop]",
    (
        schema.Column("child_id", "id", "the child", required=True),
        schema.Column("start", "number", "days at which following began; absent = from day 0"),
        schema.Column("stop", "number", "days at which it ended", required=True),
        schema.Column("event", "count", "1 if it happened at stop, 0 if following ended", required=True),
    ),
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Followed:
    """Checked rows as arrays: places of start and stop on ``axis`` (start -1 = from before day 0)."""

    axis: Floats
    child: Ints
    n_children: int
    entered: Ints
    left: Ints
    event: Bools
    cluster: Ints | None

    def steps(self, rows: Ints) -> tuple[Floats, Ints, Ints]:
        """Return the days on which a row ends, and the first and last of them at which each row is at risk.

        Raises
        ------
        Nothing.
        """
        days, first, last = steps_of(self.axis, np.maximum(self.entered[rows], 0), self.left[rows])
        return days, np.where(self.entered[rows] < 0, 0, first), last


def read_followed(spells: pd.DataFrame, cluster: str | None) -> Followed:
    """Check a table of times followed, and return it as arrays. Rows of one child may overlap.

    Raises
    ------
    TableRefused
        If a column is absent, a row ends before it starts or is infinite, ``event`` is not 0 or 1, or the cluster is
        blank.
    ArgumentRefused
        If there is no such column to cluster by.

    Examples
    --------
    >>> frame = pd.DataFrame({"child_id": ["A"], "stop": [5.0], "event": [1]})
    >>> read_followed(frame, None).entered.tolist()
    [-1]
    """
    require(spells, _SPELLS)
    child, n_children = numbered(spells, "child_id", _SPELLS)
    event = flags(spells, _SPELLS)
    if "start" in spells.columns:
        axis, entered, left = places(spells, _SPELLS)
    else:
        stop = numbers(spells, "stop", _SPELLS)
        if (wrong := ~np.isfinite(stop) | (stop < 0)).any():
            raise refuse(np.flatnonzero(wrong), "a stop is negative or infinite", "spells")
        axis, (left,) = ranked(stop)
        entered = np.full(len(left), -1)
    if cluster is None:
        return Followed(axis, child, n_children, entered, left, event, None)
    if cluster not in spells.columns:
        hint = did_you_mean(cluster, map(str, spells.columns))
        raise ArgumentRefused(f"there is no column '{cluster}' to cluster by.{hint}")
    together = child if cluster == "child_id" else numbered_clusters(spells, cluster)
    return Followed(axis, child, n_children, entered, left, event, together)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SurvivalCurve:
    """Share to whom it has not yet happened, and its cumulative hazard. Made by :func:`kaplan_meier`.

    Parameters
    ----------
    by : str or None
        The column that groups the curves.
    cluster : str or None
        The column whose values go together in the variance; None = every row for itself.
    limits : {"log-log", "log"}
        Scale of the intervals.
    table : pd.DataFrame
        One row per group and distinct day on which a row ends: ``[by] days at_risk events censored share_not_yet se
        lower upper cumulative_hazard hazard_se``. ``at_risk`` rows followed just before that day, ``events`` to whom it
        happens on it, ``censored`` whose following ends, ``share_not_yet`` the Kaplan-Meier estimate, ``se`` its
        standard error (Greenwood, or by cluster), ``lower`` and ``upper`` its 95 % interval, ``cumulative_hazard`` the
        Nelson-Aalen estimate and ``hazard_se`` its standard error.
    groups : pd.DataFrame
        One row per group: ``[by] n_children n_rows n_events days_followed n_zero_length``; ``n_zero_length`` rows that
        end as they start (left out).

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`kaplan_meier`.
    """

    by: str | None
    cluster: str | None
    limits: Limits
    table: pd.DataFrame
    groups: pd.DataFrame

    def __repr__(self) -> str:
        total = self.groups[["n_rows", "n_events"]].sum()
        return (
            f"SurvivalCurve: {plural(int(total['n_rows']), 'row')}, {int(total['n_events']):,} ended by the event, in "
            f"{plural(len(self.groups), 'group')}"
        )

    def at(self, days: Sequence[float] = (7, 28, 90, 365)) -> pd.DataFrame:
        """Read the curve at some days.

        Parameters
        ----------
        days : sequence of float, default (7, 28, 90, 365)
            Days.

        Returns
        -------
        pd.DataFrame
            One row per group and day: ``[by] days share_not_yet se lower upper cumulative_hazard hazard_se``; NaN
            beyond the last day on which anyone was followed.

        Raises
        ------
        ArgumentRefused
            If a day is not a number.

        Examples
        --------
        See :func:`kaplan_meier`.
        """
        wanted = np.asarray(list(days), dtype=np.float64)
        if wanted.ndim != 1 or np.isnan(wanted).any():
            raise ArgumentRefused("days must be numbers.")
        at_start = {"share_not_yet": 1.0, "se": 0.0, "lower": np.nan, "upper": np.nan}
        at_start |= {"cumulative_hazard": 0.0, "hazard_se": 0.0}
        parts = []
        for label, rows in rows_of(self.table, self.groups, self.by):
            there = rows["days"].to_numpy()
            step = np.searchsorted(there, wanted, side="right")
            gone = rows["share_not_yet"].to_numpy()[-1:].sum() == 0 and len(there) > 0
            past = (np.searchsorted(there, wanted, side="left") == len(there)) & (not gone)
            read = {"days": wanted}
            for name, first in at_start.items():
                read[name] = np.where(past, np.nan, np.concatenate([[first], rows[name].to_numpy()])[step])
            parts.append((label, pd.DataFrame(read)))
        return stack(parts, self.by)

    def summary(self) -> pd.DataFrame:
        """Return the curve at 7, 28, 90 and 365 days, as :meth:`at` gives it.

        Raises
        ------
        Nothing.
        """
        return self.at()

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        total = self.groups.drop(columns=[self.by] if self.by else []).sum()
        n_rows, n_children, n_events = (int(total[name]) for name in ("n_rows", "n_children", "n_events"))
        said = [
            (
                "The curve is the share to whom it has not yet happened by each day (Kaplan-Meier 1958); beside it "
                "stands the cumulative hazard (Nelson-Aalen)"
            ),
            (
                f"It rests on {plural(n_rows, 'row')} of {plural(n_children, 'child', 'children')}, to whom it "
                f"happened {plural(n_events, 'time')}; the others count for as long as they were followed "
                f"({plural(round(float(total['days_followed'])), 'day')} in all)"
            ),
            "Whoever came under observation late counts from then on only",
        ]
        if self.cluster is not None:
            said.append(f"The 95% interval allows for rows that go together by '{self.cluster}'")
        elif n_rows > n_children:
            said.append(
                "The 95% interval takes every row as a child of its own, but some children stand in several rows: it "
                "is too narrow. Use cluster='child_id'"
            )
        else:
            said.append("The 95% interval uses Greenwood's formula")
        said += [
            (
                "It takes those whose following ended to be like those who stayed; where children were taken away "
                "(left care, moved), look at the cumulative incidence instead"
            ),
            "Late days rest on few: look at how many were still followed",
        ]
        if total["n_zero_length"]:
            said.append(f"{plural(int(total['n_zero_length']), 'row')} without length had to be left out")
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share to whom it has happened against days, with its band.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        happened = self.table.assign(
            share=1 - self.table["share_not_yet"], lower=1 - self.table["upper"], upper=1 - self.table["lower"]
        )
        draw_steps(ax, happened, self.groups, "share", self.by)
        ax.set_ylabel("Share to whom it has happened")
        ax.set_ylim(0, 1)
        return ax


def _limits(share: Floats, se: Floats, limits: Limits) -> tuple[Floats, Floats]:
    """Return 95 % limits from the standard error of the share, as R's ``survfit`` does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = se / share
        if limits == "log":
            width = np.exp(Z95 * relative)
            return share / width, np.minimum(share * width, 1.0)
        width = np.exp(Z95 * relative / np.abs(np.log(share)))
        known = (share > 0) & (share < 1)
        return np.where(known, share**width, np.nan), np.where(known, share ** (1 / width), np.nan)


def _one_curve(read: Followed, rows: Ints | None, limits: Limits) -> tuple[pd.DataFrame, dict[str, float]]:
    """Estimate one group's curve; return also what it rests on."""
    every = np.arange(len(read.left)) if rows is None else rows
    flat = read.left[every] == read.entered[every]
    kept = every[~flat] if flat.any() else every
    days, first, last = read.steps(kept)
    n, event = len(days), read.event[kept]
    at_risk = np.rint(sum_over_risk(None, first, last, n))
    events = np.bincount(last[event], minlength=n).astype(np.float64)
    ends = np.bincount(last, minlength=n)
    stay = at_risk - events
    share = np.cumprod(stay / at_risk, dtype=np.float64)
    hazard = np.cumsum(events / at_risk)
    if read.cluster is None:
        with np.errstate(divide="ignore", invalid="ignore"):
            se = share * np.sqrt(np.cumsum(np.where(events > 0, events / (at_risk * stay), 0.0)))
        hazard_se = np.sqrt(np.cumsum(events / at_risk**2))
    else:
        group = Clusters.of(read.cluster[kept], first, last, n)
        # The change of log share, and of the hazard, with a cluster's weight.
        each = np.where(stay > 0, 1.0 / np.maximum(stay, 1.0), 0.0)
        residuals = [group.residual(w * events / at_risk, (w[last] * event)) for w in (each, 1.0 / at_risk)]
        spread, hazard_se = (np.sqrt(np.maximum(group.products(r, r), 0.0)) for r in residuals)
        se = share * spread
    lower, upper = _limits(share, se, limits)
    began = np.where(read.entered[kept] < 0, 0.0, read.axis[np.maximum(read.entered[kept], 0)] if n else 0.0)
    counts = {
        "n_children": read.n_children if rows is None else len(pd.unique(read.child[every])),
        "n_rows": len(kept),
        "n_events": int(events.sum()),
        "days_followed": float((read.axis[read.left[kept]] - began).sum()) if n else 0.0,
        "n_zero_length": int(flat.sum()),
    }
    table = {
        "days": days,
        "at_risk": at_risk.astype(np.int64),
        "events": events.astype(np.int64),
        "censored": ends - events.astype(np.int64),
        "share_not_yet": share,
        "se": se,
        "lower": lower,
        "upper": upper,
        "cumulative_hazard": hazard,
        "hazard_se": hazard_se,
    }
    return pd.DataFrame(table), counts


def kaplan_meier(
    spells: pd.DataFrame, by: str | None = None, cluster: str | None = None, *, limits: Limits = "log-log"
) -> SurvivalCurve:
    """Estimate the share to whom something has not yet happened, and the cumulative hazard, with late entry.

    Parameters
    ----------
    spells : pd.DataFrame
        One row per time followed, on (start, stop]: ``child_id start stop event`` in days; ``start`` may be absent
        (all from day 0, and then a row may end on day 0). Rows of a child may overlap, such as several gaps.
    by : str, optional
        A column of ``spells``: one curve per value, blanks as "not recorded".
    cluster : str, optional
        A column whose rows go together, mostly ``"child_id"``: the standard errors are then by cluster. None: each row
        for itself (Greenwood).
    limits : {"log-log", "log"}, default "log-log"
        Scale of the intervals; log-log ones stay within 0 and 1.

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    TableRefused
        If a column is absent, a row ends before it starts or is infinite, ``event`` is not 0 or 1, or the cluster is
        blank.
    ArgumentRefused
        If there is no such column, or the scale is not known.

    Notes
    -----
    The same numbers as R's ``survfit(Surv(start, stop, event) ~ 1, cluster = ...)``. Kaplan EL, Meier P (1958), JASA
    53:457-481; Nelson W (1972), Technometrics 14:945-966; Aalen O (1978), Annals of Statistics 6:701-726. The variance
    by cluster is the infinitesimal jackknife. Rows that end as they start are left out, as R does, and counted.

    Examples
    --------
    >>> spells = pd.DataFrame({
    ...     "child_id": ["A", "B", "C", "D"],
    ...     "start": [0.0, 0.0, 5.0, 0.0],
    ...     "stop": [4.0, 10.0, 12.0, 20.0],
    ...     "event": [1, 1, 0, 1],
    ... })
    >>> curve = kaplan_meier(spells)
    >>> curve
    SurvivalCurve: 4 rows, 3 ended by the event, in 1 group
    >>> curve.table[["days", "at_risk", "events", "share_not_yet", "cumulative_hazard"]].round(3)
       days  at_risk  events  share_not_yet  cumulative_hazard
    0   4.0        3       1          0.667              0.333
    1  10.0        3       1          0.444              0.667
    2  12.0        2       0          0.444              0.667
    3  20.0        1       1          0.000              1.667
    """
    if limits not in get_args(Limits):
        hint = did_you_mean(str(limits), get_args(Limits))
        raise ArgumentRefused(f"limits must be one of {', '.join(get_args(Limits))}.{hint}")
    read = read_followed(spells, cluster)
    tables, counts = [], []
    for label, rows in group_rows(spells, by):
        table, count = _one_curve(read, rows, limits)
        tables.append((label, table))
        counts.append((label, pd.DataFrame([count])))
    return SurvivalCurve(by, cluster, limits, stack(tables, by), stack(counts, by))
