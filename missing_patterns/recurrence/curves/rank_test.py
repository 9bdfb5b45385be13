"""Do groups differ in how soon something happens? The log-rank test, with late entry, strata and clusters (E2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.recurrence.common import Floats, Ints, plural
from missing_patterns.recurrence.curves.compare import in_words
from missing_patterns.recurrence.curves.mean import group_rows
from missing_patterns.recurrence.curves.survival import Followed, SurvivalCurve, kaplan_meier, read_followed
from missing_patterns.recurrence.spells import sum_over_risk

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LogRank:
    """Whether groups differ in how soon something happens. Made by :func:`log_rank`.

    Parameters
    ----------
    by : str
        The column that makes the groups.
    strata, cluster : str or None
        Columns within whose values groups are compared, and whose rows go together.
    rho : float
        How much more early days count.
    groups : pd.DataFrame
        One row per group: ``[by] n_rows observed expected``; what happened, and what would have if all groups were
        alike (both weighted where ``rho`` is not 0).
    variance : array of float
        Variance of observed less expected, groups by groups.
    statistic, df, p_value : float, int, float
        Chi-squared if the groups are alike, its degrees of freedom; NaN where groups are never followed together.
    curves : SurvivalCurve
        The groups' curves.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`log_rank`.
    """

    by: str
    strata: str | None
    cluster: str | None
    rho: float
    groups: pd.DataFrame
    variance: Floats
    statistic: float
    df: int
    p_value: float
    curves: SurvivalCurve

    def __repr__(self) -> str:
        return f"LogRank: {len(self.groups)} groups, chi-squared {self.statistic:.3f}, p = {self.p_value:.3g}"

    def summary(self) -> pd.DataFrame:
        """Return the groups with what was observed and expected, and the test, the same in each row.

        Raises
        ------
        Nothing.
        """
        return self.groups.assign(statistic=self.statistic, df=self.df, p_value=self.p_value)

    def explain(self) -> str:
        """Say in plain English what was compared, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        if np.isnan(self.statistic):
            return "The groups were never followed together on a day of an event, so they cannot be compared."
        n_rows, observed = int(self.groups["n_rows"].sum()), int(self.curves.groups["n_events"].sum())
        said = [
            f"How soon it happens was compared between {plural(len(self.groups), 'group')} with {plural(n_rows, 'row')}"
            f" of {plural(int(self.curves.groups['n_children'].sum()), 'child', 'children')}, to whom it happened "
            f"{plural(observed, 'time')}" + (", early days counting more" if self.rho > 0 else ""),
            (
                f"If the groups were alike, differences at least as large would come about by chance in "
                f"{in_words(self.p_value)} of such comparisons"
            ),
        ]
        if self.strata is not None:
            said.append(f"Like was compared with like within each value of '{self.strata}'")
        if self.cluster is not None:
            said.append(f"The test allows for rows that go together by '{self.cluster}'")
        elif n_rows > int(self.curves.groups["n_children"].sum()):
            said.append(
                "It takes every row as a child of its own, but some children stand in several: p is too small. Use "
                "cluster='child_id'"
            )
        said += [
            (
                "A difference between groups is not an effect of belonging to one: they may differ in other ways, and "
                "in how completely what happens to them is recorded"
            ),
            "Where curves cross, the test may see nothing: look at them",
        ]
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the groups' curves with their intervals.

        Raises
        ------
        Nothing.
        """
        return self.curves.plot(ax)


def log_rank(
    spells: pd.DataFrame, by: str, *, strata: str | None = None, cluster: str | None = None, rho: float = 0.0
) -> LogRank:
    """Test whether groups differ in how soon something happens.

    Parameters
    ----------
    spells : pd.DataFrame
        As for :func:`kaplan_meier`: ``child_id start stop event``, late entry allowed.
    by : str
        A column with two or more values; blanks are a group of their own, so leave such rows out first.
    strata : str, optional
        A column within whose values groups are compared.
    cluster : str, optional
        A column whose rows go together, mostly ``"child_id"``; None: each row for itself.
    rho : float, default 0
        Differences are weighted by the share not yet, just before each day, to this power: 0 is the log-rank test, 1
        that of Peto and Peto.

    Returns
    -------
    LogRank

    Raises
    ------
    TableRefused
        As :func:`kaplan_meier`.
    ArgumentRefused
        If a column is absent, ``by`` has fewer than two groups, or ``rho`` is not a number of at least 0.

    Notes
    -----
    The same numbers as R's ``survdiff``, which has neither late entry nor clusters; with clusters, as the robust score
    test of ``coxph(..., ties = "breslow", cluster = )`` at no difference. Harrington DP, Fleming TR (1982), A class of
    rank test procedures for censored survival data, Biometrika 69:553-566.

    Examples
    --------
    >>> spells = pd.DataFrame({
    ...     "child_id": range(8), "home": ["oak", "elm"] * 4,
    ...     "start": 0.0, "stop": [3.0, 9.0, 4.0, 12.0, 6.0, 20.0, 8.0, 30.0], "event": [1, 1, 1, 0, 1, 1, 0, 1],
    ... })
    >>> log_rank(spells, "home")
    LogRank: 2 groups, chi-squared 4.213, p = 0.0401
    """
    if isinstance(rho, bool) or not isinstance(rho, int | float) or not 0 <= rho < np.inf:
        raise ArgumentRefused("rho must be a number of at least 0.")
    for column in (by, *([strata] if strata is not None else [])):
        if column not in getattr(spells, "columns", [column]):
            hint = did_you_mean(str(column), map(str, spells.columns))
            raise ArgumentRefused(f"there is no column '{column}' to compare by.{hint}")
    read = read_followed(spells, cluster)
    groups = group_rows(spells, by)
    if len(groups) < 2:
        raise ArgumentRefused(f"the column '{by}' must hold at least two groups to compare; it holds {len(groups)}.")
    group = np.zeros(len(read.left), dtype=np.int64)
    for k, (_, rows) in enumerate(groups):
        group[rows] = k
    n_clusters = 0 if read.cluster is None else int(read.cluster.max(initial=-1)) + 1
    total = _Sums.of(len(groups), n_clusters)
    for _, rows in group_rows(spells, strata):
        _add_stratum(total, read, group, rows, float(rho))
    variance = total.by_cluster.T @ total.by_cluster if read.cluster is not None else total.variance
    statistic, df, p_value = _chi_squared(total.observed - total.expected, variance)
    counts = pd.DataFrame({by: [label for label, _ in groups]}).assign(
        n_rows=np.bincount(group[read.left > read.entered], minlength=len(groups)),
        observed=total.observed,
        expected=total.expected,
    )
    curves = kaplan_meier(spells, by, cluster)
    return LogRank(by, strata, cluster, float(rho), counts, variance, statistic, df, p_value, curves)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Sums:
    """Sums over strata, by group: observed, expected, their variance, and each cluster's part of the difference."""

    observed: Floats
    expected: Floats
    variance: Floats
    by_cluster: Floats

    @classmethod
    def of(cls, n_groups: int, n_clusters: int) -> _Sums:
        return cls(
            np.zeros(n_groups), np.zeros(n_groups), np.zeros((n_groups, n_groups)), np.zeros((n_clusters, n_groups))
        )


def _add_stratum(total: _Sums, read: Followed, group: Ints, rows: Ints | None, rho: float) -> None:
    """Add what one stratum tells to the sums."""
    rows = np.arange(len(read.left)) if rows is None else rows
    rows = rows[read.left[rows] > read.entered[rows]]
    _, first, last = read.steps(rows)
    n, event, whose = int(last.max(initial=-1)) + 1, read.event[rows], group[rows]
    if not n:
        return
    n_groups = len(total.observed)
    here = np.array([np.rint(sum_over_risk((whose == k).astype(np.float64), first, last, n)) for k in range(n_groups)])
    at_risk = here.sum(axis=0)
    by_group = np.array([np.bincount(last[event & (whose == k)], minlength=n) for k in range(n_groups)])
    events = by_group.sum(axis=0).astype(np.float64)
    share = here / at_risk
    weight = np.concatenate([[1.0], np.cumprod(1.0 - events / at_risk)])[:-1] ** rho
    total.observed[:] += by_group @ weight
    total.expected[:] += share @ (weight * events)
    scale = np.where(at_risk > 1, weight**2 * events * (at_risk - events) / np.maximum(at_risk - 1.0, 1.0), 0.0)
    total.variance[:] += np.diag(share @ scale) - (share * scale) @ share.T
    if read.cluster is None:
        return
    rate = weight * events / at_risk
    expected = np.concatenate([[0.0], np.cumsum(rate)])
    own = event * weight[last] - (expected[last + 1] - expected[first])
    for k in range(n_groups):
        common = np.concatenate([[0.0], np.cumsum(rate * share[k])])
        part = np.where(whose == k, own, 0.0) - event * weight[last] * share[k][last]
        part += common[last + 1] - common[first]
        total.by_cluster[:, k] += np.bincount(read.cluster[rows], part, minlength=len(total.by_cluster))


def _chi_squared(apart: Floats, variance: Floats) -> tuple[float, int, float]:
    """Return the statistic, its degrees of freedom and its p-value; groups never followed with others are left out."""
    from scipy.stats import chi2

    there = np.flatnonzero(np.diag(variance) > 0)
    if len(there) < 2:
        return np.nan, 0, np.nan
    values, axes = np.linalg.eigh(variance[np.ix_(there, there)])
    real = values > values[-1] * 1e-10
    statistic = float(np.sum((axes.T @ apart[there])[real] ** 2 / values[real]))
    df = int(real.sum())
    p_value: Any = chi2.sf(statistic, df)
    return statistic, df, float(p_value)
