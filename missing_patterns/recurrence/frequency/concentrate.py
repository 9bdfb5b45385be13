"""How concentrated episodes are in few children: Lorenz curve, Gini with what chance alone gives, top shares (E4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Floats, Ints, check_seed, plural, resample_counts
from missing_patterns.recurrence.drawing import new_axes
from missing_patterns.recurrence.frequency.shares import episodes_per_child, frequency_bands

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOP_SHARES = (0.01, 0.05, 0.10, 0.20)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Concentration:
    """How concentrated episodes are in few children. Made by :func:`concentration`.

    Parameters
    ----------
    n_children, n_episodes : int
        Children with at least one episode in the table, and episodes.
    gini, gini_by_chance : float
        Gini coefficient of episodes per child, and that of children who all go equally often (zero-truncated Poisson
        of the same mean). NaN without children.
    table : pd.DataFrame
        One row per measure (``gini``, ``gini_by_chance``, ``top_01``, ``top_05``, ``top_10``, ``top_20``):
        ``measure definition value lower upper n_children``; ``n_children`` is the children behind the value,
        a part of a child counted as one.
    lorenz : pd.DataFrame
        Corners of the Lorenz curve: ``share_children share_episodes``, from (0, 0) to (1, 1), children with fewest
        episodes first; straight between corners.
    bands : pd.DataFrame
        As :func:`repeat_shares` gives.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`concentration`.
    """

    n_children: int
    n_episodes: int
    gini: float
    gini_by_chance: float
    table: pd.DataFrame
    lorenz: pd.DataFrame
    bands: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"Concentration: {plural(self.n_children, 'child', 'children')}, "
            f"{plural(self.n_episodes, 'episode')}, Gini {self.gini:.2f}"
        )

    def summary(self) -> pd.DataFrame:
        """Return a copy of ``table``: one row per measure.

        Raises
        ------
        Nothing.
        """
        return self.table.copy()

    def explain(self) -> str:
        """Say in plain English what was measured, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        if not self.n_children:
            return "There is no episode in this period, so there is nothing to say about concentration."
        rows = self.table.set_index("measure")
        return (
            f"{plural(self.n_children, 'child', 'children')} had {plural(self.n_episodes, 'episode')} in this period. "
            f"The tenth of children with the most episodes had {rows['value']['top_10']:.0%} of them"
            f"{_between(rows.loc['top_10'], '.0%')}. The Gini coefficient (0 = every child has the same number, near "
            f"1 = one child has nearly all) is {self.gini:.2f}{_between(rows.loc['gini'], '.2f')}; if every child went "
            f"equally often and only chance decided who had more, it would be {self.gini_by_chance:.2f}. "
            "Ranges are 95 % intervals over children. "
            "Only the difference between the two says that some children go more often than others. "
            "Children who never went missing are not on file and are not counted. "
            "The top group is chosen with hindsight: many of its children will have fewer episodes next period "
            "whatever is done (regression to the mean), so a fall in this group alone does not show that help worked; "
            "persistence() says what chance alone would bring."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the Lorenz curve with the line of equal shares.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        ax.plot(100 * self.lorenz["share_children"], 100 * self.lorenz["share_episodes"], label="recorded")
        ax.plot([0, 100], [0, 100], linestyle="--", color="grey", label="every child the same number")
        ax.set_xlabel("% of children, those with fewest episodes first")
        ax.set_ylabel("% of episodes")
        ax.legend(frameon=False)
        return ax


def _between(row: pd.Series, shape: str) -> str:
    """Word the limits of a measure, if it has any."""
    return f" ({row['lower']:{shape}} to {row['upper']:{shape}})" if np.isfinite(row["lower"]) else ""


def _corners(distinct: Ints, n_children: Floats) -> tuple[Floats, Floats]:
    """Return the corners of the Lorenz curve: cumulative shares of children and of episodes, from 0 to 1."""
    zero = np.zeros(1)
    children = np.concatenate([zero, np.cumsum(n_children)])
    episodes = np.concatenate([zero, np.cumsum(distinct * n_children)])
    return children / children[-1], episodes / episodes[-1]


def _measures(distinct: Ints, n_children: Floats) -> Floats:
    """Return the Gini coefficient and the shares of the top 1, 5, 10 and 20 % of children."""
    x, y = _corners(distinct, n_children)
    gini = 1 - np.sum(np.diff(x) * (y[1:] + y[:-1]))
    return np.concatenate([[gini], 1 - np.interp(1 - np.array(TOP_SHARES), x, y)])


def chance_gini(mean: float) -> float:
    """Return the Gini coefficient of a zero-truncated Poisson distribution with the given mean.

    What episodes per child would show if every child on file went equally often: counts are whole numbers, so it is
    not 0. Gini is ``1 - sum_k P(X > k)^2 / mean`` for counts.

    Parameters
    ----------
    mean : float
        Mean episodes per child among children with any, at least 1.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> chance_gini(1.0)
    0.0
    >>> round(chance_gini(2.27), 2)
    0.29
    """
    if mean <= 1:
        return 0.0
    low, high = 0.0, mean  # rate / (1 - exp(-rate)) = mean has its root in (0, mean)
    for _ in range(200):
        rate = (low + high) / 2
        low, high = (rate, high) if rate < mean * -np.expm1(-rate) else (low, rate)
    most = int(mean + 20 * np.sqrt(mean) + 30)
    steps = np.log(rate) - np.log(np.arange(1, most + 1))
    # P(X = k) = exp(-rate) rate^k / k! / (1 - exp(-rate)), k = 1, 2, ...
    probability = np.exp(np.cumsum(steps) - rate) / -np.expm1(-rate)
    beyond = np.concatenate([[1.0], 1 - np.cumsum(probability)])
    return float(1 - np.sum(beyond**2) / mean)


def concentration(episodes: pd.DataFrame, *, random_state: int = 0, n_boot: int = 1000) -> Concentration:
    """Measure how concentrated episodes are in few children.

    Parameters
    ----------
    episodes : pd.DataFrame
        One row per episode of the period: ``child_id missing_from`` at least.
    random_state : int, default 0
        Seed of the bootstrap.
    n_boot : int, default 1000
        Resamples of children; 0 gives no intervals.

    Returns
    -------
    Concentration
        Intervals are 95 % bootstrap percentiles over children; NaN with fewer than 10 children.

    Raises
    ------
    TableRefused
        If the table is not one of episodes.
    ArgumentRefused
        If the seed or the number of resamples is not a whole number of at least 0.

    Notes
    -----
    The top 1, 5, 10 and 20 % are read off the Lorenz curve, so a part of a child counts in part, and ties at the edge
    do not matter.

    Examples
    --------
    >>> episodes = pd.DataFrame({"child_id": list("AAAAAABCDE"), "missing_from": ["2026-01-01"] * 10})
    >>> result = concentration(episodes)
    >>> result
    Concentration: 5 children, 10 episodes, Gini 0.40
    >>> result.table[["measure", "value", "n_children"]].round(2)
              measure  value  n_children
    0            gini   0.40           5
    1  gini_by_chance   0.28           5
    2          top_01   0.03           1
    3          top_05   0.15           1
    4          top_10   0.30           1
    5          top_20   0.60           1
    """
    check_seed(random_state, n_boot)
    counts = episodes_per_child(episodes)
    n = len(counts)
    value, lower, upper = (np.full(1 + len(TOP_SHARES), np.nan) for _ in range(3))
    by_chance = np.nan
    x = y = np.array([0.0, 1.0])
    if n:
        distinct, n_children = np.unique(counts, return_counts=True)
        frequencies = n_children.astype(np.float64)
        x, y = _corners(distinct, frequencies)
        value = _measures(distinct, frequencies)
        by_chance = chance_gini(float(counts.mean()))
        lower, upper = resample_counts(counts, _measures, n_boot=n_boot, random_state=random_state)
    tops = [f"share of episodes of the {s:.0%} of children with the most" for s in TOP_SHARES]
    table = pd.DataFrame(
        {
            "measure": ["gini", "gini_by_chance", *(f"top_{round(100 * s):02d}" for s in TOP_SHARES)],
            "definition": [
                "Gini coefficient of episodes per child",
                "Gini coefficient if all children went equally often (zero-truncated Poisson, same mean)",
                *tops,
            ],
            "value": np.insert(value, 1, by_chance),
            "lower": np.insert(lower, 1, np.nan),
            "upper": np.insert(upper, 1, np.nan),
            "n_children": [n, n, *(int(np.ceil(round(s * n, 9))) for s in TOP_SHARES)],
        }
    )
    return Concentration(
        n_children=n,
        n_episodes=int(counts.sum()),
        gini=float(value[0]),
        gini_by_chance=float(by_chance),
        table=table,
        lorenz=pd.DataFrame({"share_children": x, "share_episodes": y}),
        bands=frequency_bands(counts),
    )
