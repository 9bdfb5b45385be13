"""Mean number of episodes per child by a day since the origin, with a variance robust to unlike children (E3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused
from missing_patterns.recurrence.common import (
    Z95,
    Floats,
    Ints,
    draw_steps,
    groups_of,
    new_axes,
    plural,
    rows_of,
    stack,
)
from missing_patterns.recurrence.spells import Spells, at_risk_steps, read_spells, spells_of, sum_over_risk

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        an episode by then.
    groups : pd.DataFrame
        One row per group: ``[by] n_children n_episodes days_at_risk n_zero_length``; ``n_zero_length`` spells without
        length (their episodes are counted at the end of the spell that they follow).

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
        total = self.groups.drop(columns=[self.by] if self.by else []).sum()
        last = self.table.groupby(self.by, dropna=False, sort=False).tail(1) if self.by else self.table.tail(1)
        last = last[last["se_poisson"] > 0]
        n_episodes, n_children = int(total["n_episodes"]), int(total["n_children"])
        said = [
            "The curve is the mean number of episodes per child by each day since the origin, among children at risk",
            "A child is not at risk while missing, before their records begin or after they end",
            f"It rests on {plural(n_episodes, 'episode')} of {plural(n_children, 'child', 'children')}",
            "Its interval allows for some children going often and others seldom (Lawless and Nadeau 1995)",
        ]
        if len(last):
            ratio = float((last["se"] / last["se_poisson"]).max())
            if np.isfinite(ratio):
                said.append(f"At the end its standard error is {ratio:.1f} times what pure chance would give")
        said += [
            "A mean hides that few children carry most episodes: it is not what a typical child does",
            "Turning 18, leaving care or moving away ends follow-up, as if those who left would have gone on alike",
        ]
        if total["n_zero_length"]:
            said.append(f"{plural(int(total['n_zero_length']), 'spell')} without length add episodes but no time")
        return ". ".join(said) + "."

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
        return ax


def _robust_variance(spells: Spells, first: Ints, last: Ints, at_risk: Floats, rate: Floats) -> Floats:
    """Return the Lawless-Nadeau variance after each step, in one pass over rows and one over steps.

    It is the sum over children of M(t)^2, M(t) = sum over steps s <= t at risk of (episodes - rate(s)) / at_risk(s).
    While at risk, M falls by c(s) = rate(s) / at_risk(s) at every step, for every child alike; so a spell is a
    constant, M before it plus the fall up to it, less the common fall C(s), and M^2 is summed by its increments.
    """
    n = len(rate)
    fall = rate / at_risk
    fallen = np.concatenate([[0.0], np.cumsum(fall)])  # C before step 0, 1, ..., n
    gain = spells.episodes / at_risk[last]
    change = gain - (fallen[last + 1] - fallen[first])
    running = np.concatenate([[0.0], np.cumsum(change)])[:-1]
    new = np.flatnonzero(np.diff(spells.child, prepend=-1) != 0)
    before = running - np.repeat(running[new], np.diff(np.append(new, len(running))))
    constant = before + fallen[first]
    sum_m = sum_over_risk(constant, first, last, n) - at_risk * fallen[:-1]
    m_at_end = constant - fallen[last]
    grows = -2 * fall * sum_m + fall**2 * at_risk
    grows += np.bincount(last, 2 * m_at_end * gain + gain**2 - 2 * fall[last] * gain, minlength=n)
    variance: Floats = np.maximum(np.cumsum(grows), 0.0)
    return variance


def _one_curve(spells: Spells) -> pd.DataFrame:
    """Estimate one group's curve."""
    days, first, last = at_risk_steps(spells)
    n = len(days)
    at_risk = np.rint(sum_over_risk(np.ones(len(first)), first, last, n))
    episodes = np.bincount(last, spells.episodes, minlength=n)
    rate = episodes / at_risk
    mean = np.cumsum(rate)
    se = np.sqrt(_robust_variance(spells, first, last, at_risk, rate))
    n_children = len(np.unique(spells.child))
    se = np.where((mean > 0) & (n_children > 1), se, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.exp(Z95 * se / mean)
    soonest = np.full(int(spells.child.max(initial=-1)) + 1, n)
    again = spells.episodes > 0
    np.minimum.at(soonest, spells.child[again], last[again])
    return pd.DataFrame(
        {
            "days": days,
            "at_risk": at_risk.astype(np.int64),
            "events": np.rint(episodes).astype(np.int64),
            "mean_episodes": mean,
            "se": se,
            "lower": mean / width,
            "upper": mean * width,
            "se_poisson": np.sqrt(np.cumsum(rate / at_risk)),
            "n_children_again": np.bincount(soonest, minlength=n + 1)[:n].cumsum(),
        }
    )


def mean_cumulative(intervals: pd.DataFrame, by: str | None = None) -> MeanCumulative:
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

    Returns
    -------
    MeanCumulative
        ``se`` and the interval are NaN before a group's first episode and for a group of one child.

    Raises
    ------
    TableRefused
        If a column is absent, a spell ends before it starts or is infinite, two spells of one child overlap, or
        ``event`` is not 0 or 1, or an episode stands on a spell without length that follows no other.
    ArgumentRefused
        If there is no such column to group by.

    Notes
    -----
    Lawless JF, Nadeau C (1995), Some simple robust methods for the analysis of recurrent events, Technometrics
    37:158-168. The same numbers as R's ``survfit(Surv(start, stop, event) ~ 1, id = id, robust = TRUE)``, except that
    episodes on spells without length are counted and not dropped.

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
    """
    frame, start, stop = read_spells(intervals)
    tables, counts = [], []
    for label, rows in groups_of(frame, by):
        spells = spells_of(frame, rows, start, stop)
        tables.append((label, _one_curve(spells)))
        count = {
            "n_children": len(np.unique(spells.child)),
            "n_episodes": int(spells.episodes.sum()),
            "days_at_risk": float((spells.stop - spells.start).sum()),
            "n_zero_length": spells.n_zero_length,
        }
        counts.append((label, pd.DataFrame([count])))
    return MeanCumulative(by=by, table=stack(tables, by), groups=stack(counts, by))
