"""Missing with others of the same home: the one feature that looks across children."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes.arrays import Ints

Floats = npt.NDArray[np.float64]

BLOCK = 64_000
_NEVER = 2**62


def missing_together(asks: pd.DataFrame, episodes: pd.DataFrame) -> Floats:
    """Count the episodes of other children from the same home that overlap each episode asked about.

    An episode of another child overlaps if it began before ``until`` and had not ended by ``began``. So one that ends
    as another begins does not overlap it, nor does one of no length at that moment. All rows of a home must be there;
    other homes need not.

    Parameters
    ----------
    asks : pd.DataFrame
        ``child_id home_id``, and in microseconds ``began``, when the episode began, and ``until``, its end if that is
        known, else the moment asked about.
    episodes : pd.DataFrame
        All episodes: ``child_id home_id``, and in microseconds ``start`` and ``end_eff``: the return; where it is not
        recorded, the start of that child's next episode; where there is none, later than every ``began``.

    Returns
    -------
    array of float64
        One per row of ``asks``, NaN where no home is recorded.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> asks = pd.DataFrame({"child_id": ["A"], "home_id": ["H1"], "began": [10], "until": [20]})
    >>> episodes = pd.DataFrame({
    ...     "child_id": ["A", "B", "B", "C"], "home_id": "H1", "start": [10, 5, 19, 20], "end_eff": [20, 10, 30, 30]})
    >>> missing_together(asks, episodes).tolist()
    [1.0]
    """
    n = len(asks)
    home = pd.factorize(np.concatenate([_objects(asks["home_id"]), _objects(episodes["home_id"])]))[0]
    child = pd.factorize(np.concatenate([_objects(asks["child_id"]), _objects(episodes["child_id"])]))[0]
    spans = [frame[name].to_numpy(dtype=np.int64) for frame, name in ((asks, "began"), (asks, "until"))]
    others = [frame[name].to_numpy(dtype=np.int64) for frame, name in ((episodes, "start"), (episodes, "end_eff"))]
    return count_together(
        Spans(home[:n].astype(np.int64), child[:n].astype(np.int64), *spans),
        Spans(home[n:].astype(np.int64), child[n:].astype(np.int64), *others),
    )


@dataclass(frozen=True, slots=True, repr=False)
class Spans:
    """Stretches of time away, each of a child and from a home; homes and children are numbers, -1 = not recorded."""

    home: Ints
    child: Ints
    start: Ints
    end: Ints

    def take(self, rows: Ints) -> Spans:
        """Return these rows.

        Raises
        ------
        Nothing.
        """
        return Spans(self.home[rows], self.child[rows], self.start[rows], self.end[rows])


def count_together(asks: Spans, others: Spans) -> Floats:
    """As :func:`missing_together`, of homes and children by number.

    Raises
    ------
    Nothing.
    """
    counts = np.full(len(asks.home), np.nan)
    n_homes = int(max(asks.home.max(initial=-1), others.home.max(initial=-1))) + 1
    rows = [np.argsort(spans.home, kind="stable") for spans in (asks, others)]
    edges = [
        np.searchsorted(spans.home[row], np.arange(n_homes + 1))
        for spans, row in zip((asks, others), rows, strict=True)
    ]
    # A few homes at a time, so that what is searched stays near at hand.
    size = edges[0] + edges[1]
    first = 0
    while first < n_homes:
        last = max(int(np.searchsorted(size, size[first] + BLOCK, "right")) - 1, first + 1)
        asking, there = (row[edge[first] : edge[last]] for row, edge in zip(rows, edges, strict=True))
        counts[asking] = _count(asks.take(asking), others.take(there), first)
        first = last
    return counts


def _count(asks: Spans, others: Spans, first_home: int) -> Floats:
    """Count all that overlap from each home, less those of the same child."""
    n = len(asks.home)
    home = np.concatenate([asks.home, others.home]) - first_home
    child = np.concatenate([asks.child, others.child])
    pair = np.unique(home * (int(child.max(initial=0)) + 1) + child, return_inverse=True)[1].reshape(-1)
    times = np.stack([np.concatenate([asks.start, others.start]), np.concatenate([asks.end, others.end])])
    low, high = int(asks.start.min(initial=_NEVER)), int(asks.end.max(initial=-_NEVER))
    # What lies outside the time asked about need only lie outside.
    times = np.clip(times, low - 1, high + 1) - (low - 1)
    if (high - low + 3) * (int(pair.max(initial=0)) + 1) >= _NEVER:
        times = np.unique(times, return_inverse=True)[1].reshape(times.shape)
    of_home = _overlaps(home, times, n)
    return (of_home - _overlaps(pair, times, n)).astype(np.float64)


def _overlaps(group: Ints, times: Ints, n: int) -> Ints:
    """For each of the first n, count those of the rest in its group that begin before its end and end after its start.

    One of no length at the very moment of another of no length neither began before it nor ended after it.
    """
    key = group * (int(times.max(initial=0)) + 1) + times
    began, until = key[:, :n]
    start, end = np.sort(key[0, n:]), np.sort(key[1, n:])
    n_over: Ints = np.searchsorted(end, began, "right")
    still = np.flatnonzero(began == until)
    if len(still):
        points = np.sort(key[0, n:][key[0, n:] == key[1, n:]])
        n_over[still] -= np.searchsorted(points, began[still], "right") - np.searchsorted(points, began[still])
    n_begun: Ints = np.searchsorted(start, until)
    return n_begun - n_over


def _objects(column: pd.Series) -> npt.NDArray[np.object_]:
    return np.asarray(column.array, dtype=object)
