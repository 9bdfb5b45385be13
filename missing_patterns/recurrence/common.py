"""What the estimators of this room share: groups, tied times, intervals and wording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Two-sided 95 %, the only level that this room prints.
Z95 = NormalDist().inv_cdf(0.975)

#: R's tolerance for times that are equal in exact arithmetic but not in floating point (survival::aeqSurv).
TIE_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))

#: Fewest children for a bootstrap over children: below it the resamples repeat one another.
MIN_BOOTSTRAP_CHILDREN = 10

NOT_RECORDED = "not recorded"


def tie_times(*columns: Floats) -> tuple[Floats, ...]:
    """Make times equal that differ only by rounding, such as 0.1 + 0.2 and 0.3.

    The rule is that of R's survival package: among the sorted distinct times, neighbours no further apart than the
    square root of the machine's precision, absolutely or relative to the mean time, become the smaller of the two.

    Parameters
    ----------
    *columns : array of float
        Times in days, finite. All columns are tied together.

    Returns
    -------
    tuple of array
        The columns, in the order given.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> start, stop = tie_times(np.array([0.1 + 0.2]), np.array([0.3]))
    >>> bool(start[0] == stop[0])
    True
    """
    distinct = np.unique(np.concatenate(columns))
    if len(distinct) < 2:
        return tuple(np.array(c, dtype=np.float64) for c in columns)
    apart = np.diff(distinct)
    mean = float(np.mean(np.abs(distinct)))
    new = np.concatenate([[True], (apart > TIE_TOLERANCE) & (apart > TIE_TOLERANCE * mean)])
    stands_for = distinct[new][np.cumsum(new) - 1]
    return tuple(stands_for[np.searchsorted(distinct, c)] for c in columns)


def groups_of(frame: pd.DataFrame, by: str | None) -> list[tuple[Any, Ints]]:
    """Return each group's label and the positions of its rows, in the order of the labels.

    Rows whose group is blank are a group of their own, "not recorded", at the end: nothing is lost. A table without
    rows is one such group.

    Raises
    ------
    ArgumentRefused
        If there is no such column.

    Examples
    --------
    >>> frame = pd.DataFrame({"care": ["yes", None, "no", "yes"]})
    >>> [(label, rows.tolist()) for label, rows in groups_of(frame, "care")]
    [('no', [2]), ('yes', [0, 3]), ('not recorded', [1])]
    """
    if by is None:
        return [(None, np.arange(len(frame)))]
    if by not in frame.columns:
        raise ArgumentRefused(f"there is no column '{by}' to group by.{did_you_mean(by, map(str, frame.columns))}")
    codes, labels = pd.factorize(frame[by], sort=True)
    found: list[tuple[Any, Ints]] = [(label, np.flatnonzero(codes == k)) for k, label in enumerate(labels)]
    if (codes < 0).any() or not found:
        found.append((NOT_RECORDED, np.flatnonzero(codes < 0)))
    return found


def rows_of(table: pd.DataFrame, groups: pd.DataFrame, by: str | None) -> list[tuple[Any, pd.DataFrame]]:
    """Return each group's rows of a stacked table, also of groups that have none, in the order of ``groups``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> groups = pd.DataFrame({"home": ["elm", "oak"]})
    >>> [(label, len(rows)) for label, rows in rows_of(pd.DataFrame({"home": ["oak"]}), groups, "home")]
    [('elm', 0), ('oak', 1)]
    """
    if by is None:
        return [(None, table)]
    return [(label, table[np.array([here == label for here in table[by]], dtype=bool)]) for label in groups[by]]


def stack(tables: Sequence[tuple[Any, pd.DataFrame]], by: str | None) -> pd.DataFrame:
    """Put the groups' tables one under the other, with the group in front under its own column name.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> stack([("a", pd.DataFrame({"days": [1.0]}))], "home")
      home  days
    0    a   1.0
    """
    if by is None:
        return tables[0][1]
    parts = []
    for label, table in tables:
        part = table.copy()
        part.insert(0, by, [label] * len(part))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def check_flags(event: pd.Series, table: str) -> None:
    """Refuse a column ``event`` that holds anything but 0 and 1.

    Raises
    ------
    TableRefused
        Naming the positions.

    Examples
    --------
    >>> check_flags(pd.Series([0, 1]), "gaps")
    """
    wrong = ~event.isin([0, 1]).to_numpy()
    if wrong.any():
        at = positions([int(i) for i in np.flatnonzero(wrong)])
        raise TableRefused.of_problems(table, [f"column 'event' holds values other than 0 and 1 at {at}"])


def check_seed(random_state: int, n_boot: int, fewest: int = 0) -> None:
    """Refuse a seed that is not a whole number of at least 0, or too few resamples.

    Raises
    ------
    ArgumentRefused
        Saying what is wanted.

    Examples
    --------
    >>> check_seed(0, 200)
    """
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
        raise ArgumentRefused("random_state must be a whole number of at least 0, so that figures can be repeated.")
    if isinstance(n_boot, bool) or not isinstance(n_boot, int | np.integer) or n_boot < fewest:
        raise ArgumentRefused(f"n_boot must be a whole number of at least {fewest}.")


def resample_counts(
    counts: Ints, statistics: Callable[[Ints, Floats], Floats], *, n_boot: int, random_state: int
) -> tuple[Floats, Floats]:
    """Return bootstrap percentile limits (95 %) of statistics of the children's numbers of episodes.

    Children are drawn with replacement. Only how many children have 1, 2, 3... episodes matters, so what is drawn is
    that frequency table: the result does not depend on row order or on ids, and costs the same for any number of
    children.

    Parameters
    ----------
    counts : array of int
        Episodes of each child, at least 1.
    statistics : callable
        Takes the distinct counts, ascending, and how many children have each; returns one or more numbers.
    n_boot : int
        Resamples.
    random_state : int
        Seed.

    Returns
    -------
    lower, upper : arrays
        NaN where there are fewer than 10 children, no resamples, or where the resamples do not differ:
        an interval without width would say that we are certain.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> share_of_repeats = lambda k, n: np.array([1 - n.sum() / (k @ n)])
    >>> counts = np.repeat([1, 2, 6], [30, 10, 5])
    >>> low, high = resample_counts(counts, share_of_repeats, n_boot=500, random_state=0)
    >>> bool(low[0] < 1 - 45 / 80 < high[0])
    True
    """
    distinct, n_children = np.unique(counts, return_counts=True)
    if len(counts) < MIN_BOOTSTRAP_CHILDREN or n_boot == 0:
        blank = np.full(len(statistics(np.array([1]), np.array([1.0]))), np.nan)
        return blank, blank.copy()
    rng = np.random.default_rng(random_state)
    drawn = rng.multinomial(len(counts), n_children / len(counts), size=n_boot).astype(np.float64)
    values = np.array([statistics(distinct, row) for row in drawn])
    lower, upper = np.quantile(values, [0.025, 0.975], axis=0)
    flat = values.max(axis=0) == values.min(axis=0)
    lower[flat], upper[flat] = np.nan, np.nan
    return lower, upper


def plural(n: int, one: str, many: str = "") -> str:
    """Word a number of things: "1 child", "2,400 children".

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> plural(2400, "child", "children")
    '2,400 children'
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"
