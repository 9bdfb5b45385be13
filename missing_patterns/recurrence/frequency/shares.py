"""How many episodes are repeats: both printed definitions, always named, with intervals over children (E1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.recurrence.common import Floats, Ints, check_seed, plural, resample_counts
from missing_patterns.recurrence.drawing import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Bands of episodes per child that the published studies print: name, fewest, most (None = no upper end).
BANDS: tuple[tuple[str, int, int | None], ...] = (("1", 1, 1), ("2", 2, 2), ("3 to 9", 3, 9), ("10 or more", 10, None))

DEFINITIONS = {
    "children_with_repeats": "children with two or more episodes in the period, of all children with any",
    "strict_repeats": "episodes that are not the child's first in the period, of all episodes",
    "episodes_of_repeaters": "episodes, first ones too, of children with two or more in the period, of all episodes",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RepeatShares:
    """How many episodes are repeats, by both definitions in print. Made by :func:`repeat_shares`.

    Parameters
    ----------
    n_children, n_episodes : int
        Children with at least one episode in the table, and episodes.
    n_children_repeat : int
        Children with two or more.
    strict_repeats : int
        Episodes that are not the child's first in the table.
    episodes_of_repeaters : int
        Episodes of children with two or more, their first ones included.
    mean_per_child, median_per_child : float
        Episodes per child; NaN without children.
    table : pd.DataFrame
        One row per measure: ``measure definition n of share lower upper n_children``; ``share`` is ``n / of``,
        ``lower`` and ``upper`` its 95 % interval, ``n_children`` the distinct children behind ``n``.
    bands : pd.DataFrame
        One row per band of episodes per child (1, 2, 3 to 9, 10 or more):
        ``band n_children share_children n_episodes share_episodes``.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`repeat_shares`.
    """

    n_children: int
    n_episodes: int
    n_children_repeat: int
    strict_repeats: int
    episodes_of_repeaters: int
    mean_per_child: float
    median_per_child: float
    table: pd.DataFrame
    bands: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"RepeatShares: {plural(self.n_children, 'child', 'children')}, "
            f"{plural(self.n_episodes, 'episode')}, {self.strict_repeats:,} of them strict repeats"
        )

    def summary(self) -> pd.DataFrame:
        """Return a copy of ``table``: one row per definition.

        Raises
        ------
        Nothing.
        """
        return self.table.copy()

    def explain(self) -> str:
        """Say in plain English what was counted, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        if not self.n_children:
            return "There is no episode in this period, so there is nothing to say about repeats."
        strict, owned = (self.table.set_index("measure")["share"][m] for m in DEFINITIONS if "children" not in m)
        return (
            f"{plural(self.n_children, 'child', 'children')} had {plural(self.n_episodes, 'episode')} in this period. "
            f"{plural(self.n_children_repeat, 'child', 'children')} had two or more. "
            f"Strict repeats, episodes that are not the child's first in the period, are {strict:.0%} of all episodes; "
            f"episodes of children with two or more, their first ones included, are {owned:.0%}. Both are printed as "
            "'repeats' in published studies, so compare like with like. Intervals come from drawing children, not "
            "episodes, again and again, because episodes of one child are alike. "
            "'First' means first in this period: a child who went missing before it began counts as new, so a shorter "
            "period shows fewer repeats. It does not compare with papers that use the other definition, or across "
            "a change in how episodes are recorded or joined."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of children and of episodes in each band as paired bars.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        at = np.arange(len(self.bands))
        for shift, column, label in ((-0.2, "share_children", "children"), (0.2, "share_episodes", "episodes")):
            values = 100 * self.bands[column].fillna(0.0).to_numpy(dtype=float)
            ax.bar(at + shift, values, width=0.38, label=f"% of {label}", hatch="//" if shift > 0 else "")
        ax.set_xticks(at, self.bands["band"].tolist())
        ax.set_xlabel("Episodes per child in the period")
        ax.set_ylabel("%")
        ax.legend(frameon=False)
        return ax


def episodes_per_child(episodes: pd.DataFrame) -> Ints:
    """Count each child's episodes in the table, in ascending order: who has how many is not kept.

    Raises
    ------
    TableRefused
        If the table is not one of episodes.

    Examples
    --------
    >>> episodes = pd.DataFrame({"child_id": ["B", "A", "B"], "missing_from": ["2026-01-01"] * 3})
    >>> episodes_per_child(episodes).tolist()
    [1, 2]
    """
    counts = schema.conform(episodes, schema.EPISODES)["child_id"].value_counts()
    return np.sort(counts.to_numpy(dtype=np.int64))


def frequency_bands(counts: Ints) -> pd.DataFrame:
    """Return children and episodes in each band of episodes per child; shares are NaN without episodes.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> frequency_bands(np.array([1, 1, 2, 4]))[["band", "n_children", "n_episodes"]]
             band  n_children  n_episodes
    0           1           2           2
    1           2           1           2
    2      3 to 9           1           4
    3  10 or more           0           0
    """
    inside = [
        (counts >= low) & (counts <= (counts.max(initial=low) if high is None else high)) for _, low, high in BANDS
    ]
    n_children = np.array([int(i.sum()) for i in inside])
    n_episodes = np.array([int(counts[i].sum()) for i in inside])
    total = max(len(counts), 1), max(int(counts.sum()), 1)
    blank = np.nan if len(counts) == 0 else 0.0
    return pd.DataFrame(
        {
            "band": [name for name, _, _ in BANDS],
            "n_children": n_children,
            "share_children": n_children / total[0] + blank,
            "n_episodes": n_episodes,
            "share_episodes": n_episodes / total[1] + blank,
        }
    )


def _shares(distinct: Ints, n_children: Floats) -> Floats:
    """Return the three shares of :data:`DEFINITIONS`, in its order."""
    children, episodes = n_children.sum(), distinct @ n_children
    more = distinct >= 2
    return np.array(
        [n_children[more].sum() / children, 1 - children / episodes, distinct[more] @ n_children[more] / episodes]
    )


def repeat_shares(episodes: pd.DataFrame, *, random_state: int = 0, n_boot: int = 1000) -> RepeatShares:
    """Count repeats by both definitions in print, with intervals over children.

    Parameters
    ----------
    episodes : pd.DataFrame
        One row per episode of the period: ``child_id missing_from`` at least. The period is whatever rows are handed
        in: "first" means the child's first in this table, whatever its ``episode_no`` says.
    random_state : int, default 0
        Seed of the bootstrap.
    n_boot : int, default 1000
        Resamples of children; 0 gives no intervals.

    Returns
    -------
    RepeatShares
        Intervals are 95 % bootstrap percentiles over children; NaN with fewer than 10 children or when the resamples
        do not differ.

    Raises
    ------
    TableRefused
        If the table is not one of episodes.
    ArgumentRefused
        If the seed or the number of resamples is not a whole number of at least 0.

    Notes
    -----
    Sidebottom et al. (2020) count episodes of children with two or more; Galiano López et al. (2021) count episodes
    that are not the child's first. On the same records the first is much larger.

    Examples
    --------
    >>> episodes = pd.DataFrame({
    ...     "child_id": ["A", "A", "A", "B"],
    ...     "missing_from": ["2026-01-01", "2026-01-09", "2026-02-01", "2026-01-05"],
    ... })
    >>> repeat_shares(episodes).table[["measure", "n", "of", "share"]]
                     measure  n  of  share
    0  children_with_repeats  1   2   0.50
    1         strict_repeats  2   4   0.50
    2  episodes_of_repeaters  3   4   0.75
    """
    check_seed(random_state, n_boot)
    counts = episodes_per_child(episodes)
    more = counts[counts >= 2]
    n_children, n_episodes = len(counts), int(counts.sum())
    n = [len(more), n_episodes - n_children, int(more.sum())]
    share = [np.nan] * 3
    lower, upper = np.full(3, np.nan), np.full(3, np.nan)
    if n_children:
        share = _shares(*_frequencies(counts)).tolist()
        lower, upper = resample_counts(counts, _shares, n_boot=n_boot, random_state=random_state)
    table = pd.DataFrame(
        {
            "measure": list(DEFINITIONS),
            "definition": list(DEFINITIONS.values()),
            "n": n,
            "of": [n_children, n_episodes, n_episodes],
            "share": share,
            "lower": lower,
            "upper": upper,
            "n_children": [len(more)] * 3,
        }
    )
    return RepeatShares(
        n_children=n_children,
        n_episodes=n_episodes,
        n_children_repeat=len(more),
        strict_repeats=n[1],
        episodes_of_repeaters=n[2],
        mean_per_child=n_episodes / n_children if n_children else np.nan,
        median_per_child=float(np.median(counts)) if n_children else np.nan,
        table=table,
        bands=frequency_bands(counts),
    )


def _frequencies(counts: Ints) -> tuple[Ints, Floats]:
    distinct, n_children = np.unique(counts, return_counts=True)
    return distinct, n_children.astype(np.float64)
