"""Mean number of episodes per child by a day since the origin, with a variance robust to unlike children (E3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.recurrence.common import Z95, Bools, Floats, Ints, groups_of, plural, rows_of, stack
from missing_patterns.recurrence.curves.mean_words import explain
from missing_patterns.recurrence.curves.robust import Children, Clusters, Group
from missing_patterns.recurrence.curves.terminal import Exits, Left, ended_by, ghosh_lin, read_exits, share_staying
from missing_patterns.recurrence.door import numbered_clusters
from missing_patterns.recurrence.drawing import draw_steps, new_axes
from missing_patterns.recurrence.spells import (
    Rows,
    Spells,
    at_risk_steps,
    read_rows,
    spells_of,
    sum_over_risk,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The influence of single children is judged at the last day on which so large a share of the most is at risk.
STILL_AT_RISK = 0.1
#: So many children who weigh most are left out one at a time.
N_LEFT_OUT = 5


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MeanCumulative:
    """Mean number of episodes per child against days since the origin. Made by :func:`mean_cumulative`.

    Parameters
    ----------
    by : str or None
        The column that groups the curves.
    table : pd.DataFrame
        One row per group and distinct day on which a spell at risk ended:
        ``[by] days at_risk events mean_episodes se lower upper se_poisson n_children_again``. ``at_risk`` children at
        risk just before that day, ``events`` episodes that began on it, ``mean_episodes`` episodes per child by then,
        ``se`` its standard error by Lawless and Nadeau, ``lower`` and ``upper`` its 95 % interval on the log scale,
        ``se_poisson`` the standard error if episodes came by chance alone, ``n_children_again`` distinct children with
        an episode by then. With exits also ``exits`` children who left for good on that day, ``share_left`` share of
        children who have left by then, ``mean_if_none_left`` the mean that exits taken as ends of follow-up would give.
    groups : pd.DataFrame
        One row per group: ``[by] n_children n_episodes days_at_risk n_zero_length n_left judged_on_day judged_mean
        judged_without_one``. ``n_zero_length`` spells without length (their episodes are counted at the end of the
        spell that they follow); ``n_left`` children who left for good (with ``exits``, those taken into account;
        without, those of whom ``ended_by`` says so); ``judged_mean`` the mean on the last day on which a tenth of the
        most children are at risk, and ``judged_without_one`` that mean without the child whose leaving out changes it
        most (NaN for one child).
    takes_exits : bool
        Whether children who left for good were taken as having no further episodes (Ghosh and Lin).
    n_exits_not_used : int
        Exits after follow-up had ended, or of children without a spell.
    cluster : str or None
        The column whose values go together in the variance; None = the child.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`mean_cumulative`.
    """

    by: str | None
    table: pd.DataFrame
    groups: pd.DataFrame
    takes_exits: bool = False
    n_exits_not_used: int = 0
    cluster: str | None = None

    def __repr__(self) -> str:
        total = self.groups[["n_children", "n_episodes"]].sum()
        return (
            f"MeanCumulative: {plural(int(total['n_episodes']), 'episode')} in "
            f"{plural(len(self.groups), 'group')} of {int(total['n_children']):,} children in all"
        )

    def at(self, days: Sequence[float] = (28, 90, 180, 365)) -> pd.DataFrame:
        """Read the curve at some days.

        Parameters
        ----------
        days : sequence of float, default (28, 90, 180, 365)
            Days since the origin, at least 0.

        Returns
        -------
        pd.DataFrame
            One row per group and day: ``[by] days mean_episodes se lower upper n_children_again``; NaN beyond the
            last day on which any child was at risk.

        Raises
        ------
        ArgumentRefused
            If a day is not a number of at least 0.

        Examples
        --------
        See :func:`mean_cumulative`.
        """
        wanted = np.asarray(list(days), dtype=np.float64)
        if wanted.ndim != 1 or not (wanted >= 0).all():
            raise ArgumentRefused("days must be numbers of at least 0.")
        parts = []
        for label, part in rows_of(self.table, self.groups, self.by):
            there = part["days"].to_numpy()
            step = np.searchsorted(there, wanted, side="right")
            past = np.searchsorted(there, wanted, side="left") == len(there)
            read = {"days": wanted}
            for name, at_start in (("mean_episodes", 0.0), ("se", np.nan), ("lower", np.nan), ("upper", np.nan)):
                read[name] = np.where(past, np.nan, np.concatenate([[at_start], part[name].to_numpy()])[step])
            found = pd.DataFrame(read)
            found["n_children_again"] = np.concatenate([[0], part["n_children_again"].to_numpy(dtype=np.int64)])[step]
            parts.append((label, found))
        return stack(parts, self.by)

    def summary(self) -> pd.DataFrame:
        """Return the curve at 28, 90, 180 and 365 days, as :meth:`at` gives it.

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
        return explain(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw mean episodes per child against days, with the interval as a band.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        draw_steps(ax, self.table, self.groups, "mean_episodes", self.by)
        ax.set_xlabel("Days since the origin")
        ax.set_ylabel("Mean episodes per child")
        if self.takes_exits:
            ax.set_ylabel("Mean episodes per child, none after leaving")
        return ax


def _group(spells: Spells, steps: tuple[Ints, Ints], at_risk: Floats, cluster: Ints | None) -> Group:
    if cluster is not None:
        return Clusters.of(cluster[spells.row], *steps, len(at_risk))
    return Children(spells.is_first, *steps, at_risk)


def _one_curve(spells: Spells, takes_exits: bool, cluster: Ints | None) -> tuple[pd.DataFrame, dict[str, float]]:
    """Estimate one group's curve; return also how single children weigh."""
    days, first, last = at_risk_steps(spells)
    n = len(days)
    at_risk = np.rint(sum_over_risk(None, first, last, n))
    episodes = np.bincount(last, spells.episodes, minlength=n).astype(np.float64)
    rate = episodes / at_risk
    nelson_aalen = mean = np.cumsum(rate)
    group = _group(spells, (first, last), at_risk, cluster)
    before = np.ones(n)
    if takes_exits:
        found = ghosh_lin(spells, group, last, at_risk)
        mean, variance = found.mean, found.variance
        before = share_staying(found.exits, at_risk)[1]
    else:
        residual = group.residual(rate / at_risk, spells.episodes / at_risk[last])
        variance = np.maximum(group.products(residual, residual), 0.0)
    n_units = spells.n_children if cluster is None else len(np.unique(cluster[spells.row]))
    se = np.where((mean > 0) & (n_units > 1), np.sqrt(variance), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.exp(Z95 * se / mean)
    columns = {
        "days": days,
        "at_risk": at_risk.astype(np.int64),
        "events": np.rint(episodes).astype(np.int64),
        "mean_episodes": mean,
        "se": se,
        "lower": mean / width,
        "upper": mean * width,
        "se_poisson": np.sqrt(np.cumsum(before**2 * rate / at_risk)),
        "n_children_again": _children_again(spells, last, n),
    }
    if takes_exits:
        columns |= {
            "exits": np.rint(found.exits).astype(np.int64),
            "share_left": found.share_left,
            "mean_if_none_left": nelson_aalen,
        }
    told = _Told(spells, (days, first, last), at_risk, episodes, found.exits if takes_exits else None)
    return pd.DataFrame(columns), _influence(told, mean)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Told:
    """What was counted of one group, by step."""

    spells: Spells
    steps: tuple[Floats, Ints, Ints]
    at_risk: Floats
    episodes: Floats
    gone: Floats | None


def _children_again(spells: Spells, last: Ints, n_steps: int) -> Ints:
    """Count distinct children with an episode by each step; spells are in the order of child and time."""
    with_episode = np.flatnonzero(spells.episodes > 0)
    soonest = with_episode[np.diff(spells.child[with_episode], prepend=-1) != 0]
    return np.bincount(last[soonest], minlength=n_steps).cumsum()


def _influence(told: _Told, mean: Floats) -> dict[str, float]:
    """Find the day to judge by, the mean on it, and that mean without the child whose leaving out changes it most.

    Children are first ordered by the derivative of the mean by their weight; then those who weigh most are left out.
    """
    judged = {"judged_on_day": np.nan, "judged_mean": np.nan, "judged_without_one": np.nan}
    spells, (days, first, last), at_risk = told.spells, told.steps, told.at_risk
    if not len(days):
        return judged
    at = int(np.flatnonzero(at_risk >= max(2.0, STILL_AT_RISK * at_risk.max()))[-1:].sum())
    judged |= {"judged_on_day": float(days[at]), "judged_mean": float(mean[at])}
    if spells.n_children < 2:
        return judged
    fallen = np.concatenate([[0.0], np.cumsum((told.episodes / at_risk**2)[: at + 1])])
    moved = np.where(last <= at, spells.episodes / at_risk[last], 0.0)
    moved -= fallen[np.minimum(last, at) + 1] - fallen[np.minimum(first, at + 1)]
    heads = np.flatnonzero(spells.is_first)
    by_child = np.abs(np.add.reduceat(moved, heads))
    most = np.argpartition(by_child, -min(N_LEFT_OUT, len(heads)))[-N_LEFT_OUT:]
    farthest = float(mean[at])
    for child in most:
        rows = slice(heads[child], heads[child + 1] if child + 1 < len(heads) else len(last))
        without = float(_mean_without(told, rows)[at])
        if abs(without - mean[at]) > abs(farthest - mean[at]):
            farthest = without
    return {**judged, "judged_without_one": farthest}


def _mean_without(told: _Told, rows: slice) -> Floats:
    """Return the mean after each step without one child's rows."""
    spells, (_, first, last), n = told.spells, told.steps, len(told.at_risk)
    # Where nobody is left, nothing happens either.
    here = np.maximum(told.at_risk - sum_over_risk(None, first[rows], last[rows], n), 1.0)
    rate = (told.episodes - np.bincount(last[rows], spells.episodes[rows], minlength=n)) / here
    if told.gone is not None:
        rate = rate * share_staying(told.gone - np.bincount(last[rows], spells.exits[rows], minlength=n), here)[1]
    found: Floats = np.cumsum(rate)
    return found


def group_rows(intervals: pd.DataFrame, by: str | None) -> list[tuple[object, Ints | None]]:
    """Return the groups' labels and the positions of their rows; without a grouping, all rows (None).

    Raises
    ------
    ArgumentRefused
        If there is no such column.

    Examples
    --------
    >>> [label for label, _ in group_rows(pd.DataFrame({"home": ["oak", "elm"]}), "home")]
    ['elm', 'oak']
    """
    if by is None:
        return [(None, None)]
    named = by in schema.INTERVALS.names and by in intervals.columns
    return list(groups_of(schema.conform(intervals, schema.INTERVALS, only=(by,)) if named else intervals, by))


def curves_of(
    intervals: pd.DataFrame, rows: Rows, by: str | None, left: Left | None = None, cluster: str | None = None
) -> MeanCumulative:
    """Estimate the curves of a table that has been checked.

    Raises
    ------
    TableRefused
        If an episode stands on a spell without length that follows no other, or the clusters are not recorded.
    ArgumentRefused
        If there is no such column to group by.
    """
    together = None if cluster is None else numbered_clusters(intervals, cluster)
    gone = left.rows if left is not None else _said_to_have_left(intervals)
    tables, counts = [], []
    for label, chosen in group_rows(intervals, by):
        spells = spells_of(rows, chosen, gone)
        table, judged = _one_curve(spells, left is not None, together)
        tables.append((label, table))
        count = {
            "n_children": spells.n_children,
            "n_episodes": int(spells.episodes.sum()),
            "days_at_risk": float((spells.stop - spells.start).sum()),
            "n_zero_length": spells.n_zero_length,
            "n_left": int(spells.exits.sum()),
        }
        counts.append((label, pd.DataFrame([{**count, **judged}])))
    not_used = 0 if left is None else left.n_after + left.n_of_others
    return MeanCumulative(by, stack(tables, by), stack(counts, by), left is not None, not_used, cluster)


def _said_to_have_left(intervals: pd.DataFrame) -> Bools | None:
    """Say which rows end by the child leaving, where the table says why rows end."""
    if "ended_by" not in intervals.columns:
        return None
    return ended_by(intervals, schema.COMPETING_EXITS)


def mean_cumulative(
    intervals: pd.DataFrame, by: str | None = None, *, exits: Exits | None = None, cluster: str | None = None
) -> MeanCumulative:
    """Estimate the mean number of episodes per child by each day since the origin.

    Nelson-Aalen over spells at risk, with late entry and gaps at risk; variance by Lawless and Nadeau, which makes no
    assumption about how a child's episodes come (chance alone makes it too small when some children go often).

    Parameters
    ----------
    intervals : pd.DataFrame
        As :func:`missing_patterns.to_counting_process` gives: one row per spell at risk on (start, stop],
        ``child_id start stop event`` in days. Further columns may be grouped by.
    by : str, optional
        A column of ``intervals``: one curve per value, blanks as "not recorded".
    exits : "ended_by", reasons, DataFrame or Series, optional
        Who left for good, after which a child can have no episode here. None: leaving is an end of follow-up like any
        other, and the curve is what would be seen if nobody left. ``"ended_by"``: rows whose column ``ended_by`` is one
        of ``schema.COMPETING_EXITS`` (left care, moved away, died, other); a reason or a list of reasons takes these
        only. The end of the data and the 18th birthday are known beforehand, take nobody away in the middle, and stay
        ends of follow-up. A DataFrame with ``child_id`` and ``days`` (or a Series of days by child), one row per
        child who left: it counts if it is the child's last day at risk, or later if the child was missing at last.
    cluster : str, optional
        A column of ``intervals`` (a home, a team) whose children's episodes may come together; the variance is then by
        its values instead of by child.

    Returns
    -------
    MeanCumulative
        ``se`` and the interval are NaN before a group's first episode and for a group of one child.

    Raises
    ------
    TableRefused
        If a column is absent, a spell ends before it starts or is infinite, two spells of one child overlap, or
        ``event`` is not 0 or 1, an episode stands on a spell without length that follows no other, a child has time at
        risk after having left, or the exits cannot be used.
    ArgumentRefused
        If there is no such column to group or cluster by, or no such reason to leave.

    Notes
    -----
    Lawless JF, Nadeau C (1995), Some simple robust methods for the analysis of recurrent events, Technometrics
    37:158-168. The same numbers as R's ``survfit(Surv(start, stop, event) ~ 1, id = id, robust = TRUE)``, except that
    episodes on spells without length are counted and not dropped. With exits: Ghosh D, Lin DY (2000), Nonparametric
    analysis of recurrent events and death, Biometrics 56:554-562; without any exit the two are the same.

    Examples
    --------
    >>> intervals = pd.DataFrame({
    ...     "child_id": ["A", "A", "B", "C"],
    ...     "start": [0.0, 10.0, 0.0, 0.0],
    ...     "stop": [10.0, 40.0, 30.0, 20.0],
    ...     "event": [1, 1, 0, 1],
    ... })
    >>> result = mean_cumulative(intervals)
    >>> result
    MeanCumulative: 3 episodes in 1 group of 3 children in all
    >>> result.table[["days", "at_risk", "events", "mean_episodes", "se"]].round(3)
       days  at_risk  events  mean_episodes     se
    0  10.0        3       1          0.333  0.272
    1  20.0        3       1          0.667  0.272
    2  30.0        2       0          0.667  0.272
    3  40.0        1       1          1.667  0.272

    C left care on day 20, and can have no further episode:

    >>> left = mean_cumulative(intervals, exits=pd.Series({"C": 20}))
    >>> left.table[["days", "mean_episodes", "share_left"]].round(3)
       days  mean_episodes  share_left
    0  10.0          0.333       0.000
    1  20.0          0.667       0.333
    2  30.0          0.667       0.333
    3  40.0          1.333       0.333
    """
    if cluster is not None and cluster not in getattr(intervals, "columns", []):
        hint = did_you_mean(cluster, map(str, intervals.columns))
        raise ArgumentRefused(f"there is no column '{cluster}' to cluster by.{hint}")
    rows = read_rows(intervals)
    left = None if exits is None else read_exits(intervals, rows, exits)
    return curves_of(intervals, rows, by, left, cluster)
