"""The top group of one year in the next: measures, and the worlds in which nothing changes or nothing lasts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import MIN_BOOTSTRAP_CHILDREN, Floats, Ints

MEASURES = {
    "share_of_earlier": "share of the earlier year's episodes that the top group had",
    "share_of_later": "share of the later year's episodes that the same children had",
    "later_per_earlier": "the same children's episodes in the later year, per episode in the earlier",
    "still_top": "share of the top group who are also in the later year's top group",
    "any_later": "share of the top group with any episode in the later year",
    "any_later_others": "share of the earlier year's other children with any episode in the later year",
}


def top_part(counts: Ints, n_children: Floats, top: float) -> Floats:
    """Return how much of a child with so many episodes belongs to the top group; ties at its edge belong in part.

    Parameters
    ----------
    counts : array of int
        Episodes per child.
    n_children : array of float
        How many children there are with that count; several entries may hold one count.
    top : float
        Size of the group, as a share of children with at least one.

    Returns
    -------
    array of float
        Between 0 and 1 for each entry; times ``n_children`` they sum to the size of the group.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> top_part(np.array([0, 1, 2, 9]), np.array([5.0, 8.0, 1.0, 1.0]), 0.15).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    distinct, which = np.unique(counts, return_inverse=True)
    held = np.bincount(which, n_children, minlength=len(distinct))
    held[distinct == 0] = 0.0
    size = top * held.sum()
    above = held[::-1].cumsum()[::-1] - held
    part = np.clip((size - above) / np.where(held > 0, held, 1.0), 0.0, 1.0)
    part[held == 0] = 0.0
    chosen: Floats = part[which]
    return chosen


def measures_of(earlier: Ints, later: Ints, n: Floats, top: float) -> Floats:
    """Return the values of :data:`MEASURES`, from pairs of counts and how many children have each.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> measures_of(np.array([3, 1]), np.array([1, 1]), np.ones(2), 0.5).tolist()
    [0.75, 0.5, 0.3333333333333333, 0.5, 1.0, 1.0]
    """
    group, next_group = n * top_part(earlier, n, top), top_part(later, n, top)
    others = np.where(earlier > 0, n, 0.0) - group
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array(
            [
                group @ earlier / (n @ earlier),
                group @ later / (n @ later),
                group @ later / (group @ earlier),
                group @ next_group / group.sum(),
                group @ (later > 0) / group.sum(),
                others @ (later > 0) / others.sum(),
            ]
        )


def no_memory(earlier: Ints, later: Ints, top: float) -> Floats:
    """Return the measures' averages if later counts were dealt anew among children with an earlier episode.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> no_memory(np.array([3, 1]), np.array([0, 1]), 0.5).tolist()
    [0.75, 0.5, 0.16666666666666666, 0.25, 0.5, 0.5]
    """
    one = np.ones(len(earlier))
    group, next_group = top_part(earlier, one, top), top_part(later, one, top)
    here = earlier > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        size, n = group.sum(), np.float64(here.sum())
        per_child = later[here].sum() / n
        any_later = (later[here] > 0).sum() / n
        return np.array(
            [
                group @ earlier / earlier.sum(),
                size * per_child / later.sum(),
                size * per_child / (group @ earlier),
                next_group[here].sum() / n,
                any_later,
                any_later,
            ]
        )


def _chance_of_earlier(share: Floats, earlier: Ints, later: Ints, order: Ints) -> Floats:
    """Return each child's chance that one of their episodes falls in the earlier year, if only all change together.

    The chance is the share of the days followed, moved on the logit scale by the one amount that makes the expected
    number of episodes in the earlier year the recorded one.
    """
    total = (earlier + later)[order]
    with np.errstate(divide="ignore"):
        days = np.log(share) - np.log1p(-share)
    low, high = -20.0, 20.0
    for _ in range(100):
        middle = (low + high) / 2
        chance: Floats = 1 / (1 + np.exp(-(days + middle)))
        low, high = (middle, high) if total @ chance < earlier.sum() else (low, middle)
    return chance


def _middle(values: Floats) -> tuple[Floats, Floats]:
    """Return 2.5 and 97.5 % points of each column without blanks; NaN where it holds any or does not vary."""
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    flat = values.max(axis=0) == values.min(axis=0)
    low[flat], high[flat] = np.nan, np.nan
    return low, high


def one_pair(earlier: Ints, later: Ints, share_earlier: Floats, settings: tuple[float, int, int, int]) -> pd.DataFrame:
    """Measure one pair of years; a child is in it by its two counts and its share of days in the earlier year.

    ``settings`` are the size of the group, the seed, the number of resamples and that of steady worlds.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> one_pair(np.array([3, 1]), np.array([0, 1]), np.full(2, 0.5), (0.5, 0, 0, 0))["value"].tolist()[:2]
    [0.75, 0.0]
    """
    top, random_state, n_boot, n_shuffles = settings
    blank = np.full(len(MEASURES), np.nan)
    value, forgotten = blank, blank
    low, high, steady, steady_low, steady_high = (blank.copy() for _ in range(5))
    size = 0.0
    if (earlier > 0).any():
        size = top * float((earlier > 0).sum())
        value = measures_of(earlier, later, np.ones(len(earlier)), top)
        forgotten = no_memory(earlier, later, top)
        rng = np.random.default_rng(random_state)
        (first, second), n = np.unique(np.stack([earlier, later]), axis=1, return_counts=True)
        if n_boot and (earlier > 0).sum() >= MIN_BOOTSTRAP_CHILDREN:
            drawn = rng.multinomial(len(earlier), n / n.sum(), size=n_boot).astype(np.float64)
            low, high = _middle(np.array([measures_of(first, second, row, top) for row in drawn]))
        if n_shuffles:
            order = np.lexsort((share_earlier, earlier + later))  # a seed means the same under any ids and order
            total, share = (earlier + later)[order], _chance_of_earlier(share_earlier[order], earlier, later, order)
            one = np.ones(len(total))
            dealt = (rng.binomial(total, share) for _ in range(n_shuffles))
            worlds = np.array([measures_of(d, total - d, one, top) for d in dealt])
            steady = worlds.mean(axis=0)  # NaN where a world leaves a year empty: there are too few to say
            steady_low, steady_high = np.quantile(worlds, [0.025, 0.975], axis=0)
    n_top = int(np.ceil(round(size, 9)))
    n_earlier = int((earlier > 0).sum())
    return pd.DataFrame(
        {
            "measure": list(MEASURES),
            "definition": list(MEASURES.values()),
            "value": value,
            "lower": low,
            "upper": high,
            "if_steady": steady,
            "if_steady_lower": steady_low,
            "if_steady_upper": steady_high,
            "if_no_memory": forgotten,
            "n_children": [n_top] * (len(MEASURES) - 1) + [n_earlier - int(np.floor(round(size, 9)))],
        }
    )
