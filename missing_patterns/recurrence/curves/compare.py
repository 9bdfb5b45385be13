"""Do two groups of children have a different mean number of episodes? A test robust to unlike children (E3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.recurrence.common import Floats, plural
from missing_patterns.recurrence.curves.mean import MeanCumulative, curves_of, group_rows
from missing_patterns.recurrence.curves.terminal import Exits, read_exits, share_staying
from missing_patterns.recurrence.spells import Spells, read_rows, spells_of, steps_of, sum_over_risk

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Weight = Literal["constant", "linear"]

#: Below so many children in a group, the robust variance is itself uncertain, and p-values come out too small.
FEW_CHILDREN = 20


def in_words(p_value: float) -> str:
    """Word a p-value as a share; one that rounds to nothing is less than a thousandth.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> in_words(0.0423), in_words(0.0000012)
    ('4.2%', 'less than 0.1%')
    """
    return f"{p_value:.1%}" if p_value >= 0.001 else "less than 0.1%"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MeanComparison:
    """Whether two groups differ in mean episodes per child. Made by :func:`compare_mean_cumulative`.

    Parameters
    ----------
    by : str
        The column that makes the groups.
    labels : tuple
        The two groups, in order.
    weight : {"constant", "linear"}
        Whether all days count alike, or early days more.
    score, variance : float
        The weighted sum of differences (first minus second group), and its robust variance.
    statistic, p_value : float
        ``score ** 2 / variance``, chi-squared with one degree of freedom if the groups are alike; NaN if there is
        no day on which both are at risk and any episode began.
    curves : MeanCumulative
        The two curves.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`compare_mean_cumulative`.
    """

    by: str
    labels: tuple[Any, Any]
    weight: Weight
    score: float
    variance: float
    statistic: float
    p_value: float
    curves: MeanCumulative

    def __repr__(self) -> str:
        return f"MeanComparison ({self.weight} weight): chi-squared {self.statistic:.3f}, p = {self.p_value:.3g}"

    def summary(self) -> pd.DataFrame:
        """Return one row: ``weight score variance statistic p_value``.

        Raises
        ------
        Nothing.
        """
        names = ("weight", "score", "variance", "statistic", "p_value")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def explain(self) -> str:
        """Say in plain English what was compared, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        fewest = int(self.curves.groups["n_children"].min())
        few = f" With {fewest} children in the smaller group, chance is hard to judge." if fewest < FEW_CHILDREN else ""
        sizes = [plural(int(n), "child", "children") for n in self.curves.groups["n_children"]]
        n_episodes = int(self.curves.groups["n_episodes"].sum())
        if math.isnan(self.statistic):
            return "The two groups were never at risk on the same day of an episode, so they cannot be compared."
        weighed = "all days alike" if self.weight == "constant" else "early days more than late ones"
        left = ""
        if self.curves.takes_exits:
            n_left = plural(int(self.curves.groups["n_left"].sum()), "child", "children")
            left = f"{n_left} left for good and count as having no episode after that: a group may have fewer for it. "
        return (
            f"The mean number of episodes per child was compared between groups of {sizes[0]} and {sizes[1]} with "
            f"{plural(n_episodes, 'episode')}, weighing {weighed}. If the groups were alike, a difference at least as "
            f"large would come about by chance in {in_words(self.p_value)} of such comparisons. The test allows for "
            "some children going often and others seldom. A difference between groups is not an effect of belonging to "
            "one: the groups may differ in other ways, and in how completely their episodes are recorded. "
            f"{left}Where curves cross, the test may see nothing: look at both.{few}"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the two curves with their intervals.

        Raises
        ------
        Nothing.
        """
        return self.curves.plot(ax)


def compare_mean_cumulative(
    intervals: pd.DataFrame, by: str, weight: Weight = "constant", *, exits: Exits | None = None
) -> MeanComparison:
    """Test whether two groups have the same mean number of episodes per child.

    The robust two-sample pseudo-score test of Cook, Lawless and Nadeau (1996): differences of the two groups' rates,
    weighted by ``Y1 Y2 / (Y1 + Y2)`` children at risk, are summed over days; the variance is by child.

    Parameters
    ----------
    intervals : pd.DataFrame
        As for :func:`mean_cumulative`.
    by : str
        A column with exactly two values; blanks would be a third, so leave such rows out first.
    weight : {"constant", "linear"}, default "constant"
        ``linear`` multiplies by 1 - day / last day followed, so early differences count more.
    exits : "ended_by", reasons, DataFrame or Series, optional
        Who left for good, as for :func:`mean_cumulative`: the means compared are then those in which such children
        have no further episode (Ghosh and Lin 2000), which may differ because a group's children leave sooner.

    Returns
    -------
    MeanComparison

    Raises
    ------
    TableRefused
        As :func:`mean_cumulative`.
    ArgumentRefused
        If the column is absent or does not hold exactly two groups, or the weight is not known.

    Notes
    -----
    Cook RJ, Lawless JF, Nadeau C (1996), Robust tests for treatment comparisons based on recurrent event responses,
    Biometrics 52:557-571. The same numbers as ``reda::mcfDiff.test`` in R. With exits: Ghosh D, Lin DY (2000),
    Biometrics 56:554-562, section 3, with the same weights.

    Examples
    --------
    >>> spells = [
    ...     (f"k{child}", 20.0 * i, 20.0 * (i + 1), int(i < child % 4), "oak" if child % 7 < 2 + child % 3 else "elm")
    ...     for child in range(48)
    ...     for i in range(5)
    ... ]
    >>> intervals = pd.DataFrame(spells, columns=["child_id", "start", "stop", "event", "home"])
    >>> compare_mean_cumulative(intervals, by="home")
    MeanComparison (constant weight): chi-squared 0.152, p = 0.697
    """
    if weight not in get_args(Weight):
        hint = did_you_mean(str(weight), get_args(Weight))
        raise ArgumentRefused(f"weight must be one of {', '.join(get_args(Weight))}.{hint}")
    rows = read_rows(intervals)
    groups = group_rows(intervals, by)
    if len(groups) != 2:
        raise ArgumentRefused(f"the column '{by}' must hold exactly two groups to compare; it holds {len(groups)}.")
    left = None if exits is None else read_exits(intervals, rows, exits)
    pair = [spells_of(rows, chosen, None if left is None else left.rows) for _, chosen in groups]
    score, variance = _pseudo_score(pair, weight)
    known = variance > 0
    statistic = score**2 / variance if known else math.nan
    return MeanComparison(
        by=by,
        labels=(groups[0][0], groups[1][0]),
        weight=weight,
        score=score,
        variance=variance,
        statistic=statistic,
        p_value=math.erfc(math.sqrt(statistic / 2)) if known else math.nan,
        curves=curves_of(intervals, rows, by, left),
    )


def _pseudo_score(pair: list[Spells], weight: Weight) -> tuple[float, float]:
    """Return the score, first minus second group, and its variance: the sum over children of squared residuals."""
    ends = [len(spells.left) for spells in pair]
    left, entered = (np.concatenate([getattr(spells, name) for spells in pair]) for name in ("left", "entered"))
    days, all_first, all_last = steps_of(pair[0].axis, entered, left)
    n = len(days)
    steps = [(all_first[: ends[0]], all_last[: ends[0]]), (all_first[ends[0] :], all_last[ends[0] :])]
    at_risk = [np.rint(sum_over_risk(None, first, last, n)) for first, last in steps]
    importance = at_risk[0] * at_risk[1] / np.maximum(at_risk[0] + at_risk[1], 1.0)  # 0 where one group has nobody
    if weight == "linear" and n:
        importance = importance * (1 - days / days[-1])

    score = 0.0
    residual = np.zeros(max(int(spells.child.max(initial=-1)) for spells in pair) + 1)
    for sign, spells, (first, last), here in zip((1.0, -1.0), pair, steps, at_risk, strict=True):
        each: Floats = importance / np.maximum(here, 1.0)
        rate = np.bincount(last, spells.episodes, minlength=n) / np.maximum(here, 1.0)
        gone = np.bincount(last, spells.exits, minlength=n).astype(np.float64)
        before = share_staying(gone, np.maximum(here, 1.0))[1]
        each = each * before
        adds = importance * before * rate
        score += sign * float(np.sum(adds))
        expected = np.concatenate([[0.0], np.cumsum(each * rate)])
        gap = each[last] * spells.episodes - (expected[last + 1] - expected[first])
        # Who leaves takes along a share of all that is still to come.
        to_come = np.where(here > gone, (np.sum(adds) - np.cumsum(adds)) / np.maximum(here - gone, 1.0), 0.0)
        leaving = np.concatenate([[0.0], np.cumsum(to_come * gone / np.maximum(here, 1.0))])
        gap -= to_come[last] * spells.exits - (leaving[last + 1] - leaving[first])
        residual += sign * np.bincount(spells.child, gap, minlength=len(residual))
    return score, float(np.sum(residual**2))
