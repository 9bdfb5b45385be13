"""From a table of intervals to the arrays of a model: times, strata, clusters, weights, and centred covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions
from missing_patterns.recurrence.common import Bools, Floats, Ints, plural
from missing_patterns.recurrence.cox.covariates import Covariates, read_covariates
from missing_patterns.recurrence.cox.likelihood import span_of
from missing_patterns.recurrence.door import flags, numbers, ranked, refuse, require

Clock = Literal["total", "gap"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Design:
    """The arrays of a model; one entry per row that has length. Made by :func:`read_design`.

    Parameters
    ----------
    matrix : array [n, p]
        Covariates, centred: values less ``means``.
    means : array [p]
        Mean of each covariate over the rows.
    names : tuple of str
        Their names.
    start, stop : array [n]
        Days, at risk on (start, stop], equal times made equal; for the gap clock since the spell began.
    event : array [n]
        Whether an episode began at ``stop``.
    stratum, cluster, child : array [n]
        Numbers of the row's stratum, cluster and child, each from 0.
    weight, offset : array [n]
        Weight, above 0, and what is added to the linear predictor.
    rows : array [n]
        Position of the row in the table that was given.
    n_zero_length : int
        Rows without length, which are left out; ``n_zero_length_episodes`` of them ended with an episode.
    strata : pd.DataFrame
        One row per stratum, in the order of its numbers: the values of the columns that make it.
    n_children, n_clusters : int
        How many there are.
    child_ids : array
        The children's ids, in the order of their numbers; for local use.
    covariates : Covariates
        How the columns were made.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`read_design`.
    """

    matrix: Floats
    means: Floats
    names: tuple[str, ...]
    start: Floats
    stop: Floats
    event: Bools
    stratum: Ints
    cluster: Ints
    child: Ints
    weight: Floats
    offset: Floats
    rows: Ints
    n_zero_length: int
    n_zero_length_episodes: int
    strata: pd.DataFrame
    n_children: int
    n_clusters: int
    child_ids: Any
    covariates: Covariates

    def __repr__(self) -> str:
        counts = (
            plural(len(self.start), "row"),
            plural(len(self.names), "covariate"),
            plural(len(self.strata), "stratum", "strata"),
        )
        return f"Design: {', '.join(counts)}"


def read_design(
    intervals: pd.DataFrame,
    wanted: str | Sequence[str],
    *,
    strata: str | Sequence[str] | None = None,
    cluster: str | None = "child_id",
    time: Clock = "total",
    weights: str | Sequence[float] | None = None,
    offset: str | Sequence[float] | None = None,
) -> Design:
    """Check a table of intervals and make the arrays of a model.

    Parameters
    ----------
    intervals : pd.DataFrame
        One row per spell at risk, on (start, stop]: ``child_id start stop event`` and covariates. Rows of one child may
        overlap, as they do where every child is followed for each episode in turn.
    wanted : str or sequence of str
        Columns, or a formula: see ``covariates.read_covariates``.
    strata : str or sequence of str, optional
        Columns whose combinations have a baseline of their own.
    cluster : str, optional
        Column of whose rows are alike; None = every row for itself.
    time : {"total", "gap"}, default "total"
        The clock: days since the origin, or since the spell began. A row that begins where the child's row before ended
        without an episode goes on with its spell.
    weights, offset : str or sequence of float, optional
        A column, or one number per row.

    Returns
    -------
    Design

    Raises
    ------
    ArgumentRefused
        If an argument is not one of those allowed, or names no column.
    TableRefused
        If times are not numbers or run backwards, an event is not 0 or 1, something is not recorded, there is no
        episode, or a covariate is the same in every row.

    Examples
    --------
    >>> intervals = pd.DataFrame({
    ...     "child_id": ["A", "A", "B"], "start": [0, 5, 0], "stop": [5, 9, 9], "event": [1, 0, 1], "age": [12, 12, 15],
    ... })
    >>> design = read_design(intervals, ["age"])
    >>> design, design.matrix[:, 0].tolist(), design.child.tolist()
    (Design: 3 rows, 1 covariate, 1 stratum, [-1.0, -1.0, 2.0], [0, 0, 1])
    """
    require(intervals, schema.INTERVALS)
    child, child_ids = _children(intervals)
    start, stop, event = _times(intervals, child, time)
    long = stop > start
    rows = np.flatnonzero(long)
    lost = int(event[~long].sum())
    covariates, matrix = read_covariates(intervals, wanted)
    stratum, labels = _strata(intervals, strata)
    weight = _per_row(intervals, weights, "weights", 1.0)
    added = _per_row(intervals, offset, "offset", 0.0)
    if (weight <= 0).any():
        at = positions([int(i) for i in np.flatnonzero(weight <= 0)])
        raise ArgumentRefused(f"weights must be above 0; they are not at {at}. Leave out rows that should not count.")
    if cluster is None:
        group = np.arange(len(start))
    else:
        group = child if cluster == "child_id" else _codes(intervals, [cluster])[0]
    if len(rows) < len(start):
        start, stop, event, child, stratum = start[rows], stop[rows], event[rows], child[rows], stratum[rows]
        matrix, weight, added, group = matrix[rows], weight[rows], added[rows], group[rows]
        (child, left), group = pd.factorize(child), pd.factorize(group)[0]
        child_ids = child_ids[left]
        found = np.unique(stratum)
        stratum, labels = np.searchsorted(found, stratum), labels.iloc[found].reset_index(drop=True)
    _check_rows(event, matrix, covariates.names, lost)
    means = matrix.mean(axis=0)
    matrix -= means
    return Design(
        matrix=matrix,
        means=means,
        names=covariates.names,
        start=start,
        stop=stop,
        event=event,
        stratum=stratum,
        cluster=group,
        child=child,
        weight=weight,
        offset=added,
        rows=rows,
        n_zero_length=int(len(long) - len(rows)),
        n_zero_length_episodes=lost,
        strata=labels,
        n_children=int(child.max(initial=-1)) + 1,
        n_clusters=int(group.max(initial=-1)) + 1,
        child_ids=child_ids,
        covariates=covariates,
    )


def _times(intervals: pd.DataFrame, child: Ints, time: Clock) -> tuple[Floats, Floats, Bools]:
    """Return start, stop and event; times that are equal but for rounding are made equal."""
    start, stop = (numbers(intervals, name, schema.INTERVALS) for name in ("start", "stop"))
    event = flags(intervals, schema.INTERVALS)
    if (wrong := ~(np.isfinite(start) & np.isfinite(stop))).any():
        raise refuse(np.flatnonzero(wrong), "a start or stop is infinite")
    if (wrong := stop < start).any():
        raise refuse(np.flatnonzero(wrong), "a spell ends before it starts")
    start, stop = _tied(start, stop)
    if time == "gap":
        began = _spell_began(child, start, stop, event)
        start, stop = _tied(start - began, stop - began)
    return start, stop, event


def _tied(start: Floats, stop: Floats) -> tuple[Floats, Floats]:
    axis, (first, second) = ranked(start, stop)
    return axis[first], axis[second]


def _spell_began(child: Ints, start: Floats, stop: Floats, event: Bools) -> Floats:
    """Return when the clock of each row began.

    A row that begins where the child's row before ended without an episode goes on with the same spell: rows are cut
    where a covariate changes.
    """
    rows = np.lexsort((stop, start, child))
    before, here = rows[:-1], rows[1:]
    goes_on = (child[here] == child[before]) & (start[here] == stop[before]) & ~event[before]
    heads = np.flatnonzero(np.concatenate([[True], ~goes_on])[: len(rows)])
    began = np.empty(len(start))
    began[rows] = np.repeat(start[rows[heads]], np.diff(np.append(heads, len(rows))))
    return began


def _children(intervals: pd.DataFrame) -> tuple[Ints, Any]:
    """Number the children, in the order in which they come."""
    _refuse_blanks(intervals, ["child_id"])
    codes, ids = pd.factorize(intervals["child_id"])
    return codes.astype(np.int64, copy=False), np.asarray(ids)


def _refuse_blanks(intervals: pd.DataFrame, columns: Sequence[str]) -> None:
    problems = []
    for name in columns:
        if name not in intervals.columns:
            problems.append(f"column '{name}' is absent.{did_you_mean(str(name), map(str, intervals.columns))}")
        elif blank := int(intervals[name].isna().sum()):
            problems.append(
                f"column '{name}' is not recorded in {blank:,} of {len(intervals):,} rows; "
                "leave those rows out and say so, or make 'not recorded' a value of its own"
            )
    if problems:
        raise TableRefused.of_problems("intervals", problems)


def _codes(intervals: pd.DataFrame, columns: Sequence[str]) -> tuple[Ints, pd.DataFrame]:
    """Number the combinations of some columns, in their order; refuse blanks."""
    _refuse_blanks(intervals, columns)
    codes, values = pd.factorize(intervals[columns[0]], sort=True)
    code = codes.astype(np.int64, copy=False)
    labels = pd.DataFrame({columns[0]: values})
    for name in columns[1:]:
        more, values = pd.factorize(intervals[name], sort=True)
        found, code = np.unique(code * len(values) + more, return_inverse=True)
        labels = labels.iloc[found // len(values)].reset_index(drop=True)
        labels[name] = pd.Series(values[found % len(values)])
    return code, labels


def _strata(intervals: pd.DataFrame, strata: str | Sequence[str] | None) -> tuple[Ints, pd.DataFrame]:
    columns = [strata] if isinstance(strata, str) else list(strata or [])
    if not columns:
        return np.zeros(len(intervals), dtype=np.int64), pd.DataFrame(index=range(1))
    return _codes(intervals, columns)


def _per_row(intervals: pd.DataFrame, given: str | Sequence[float] | None, word: str, default: float) -> Floats:
    """Return one number per row: from a column, from a sequence, or the default."""
    if given is None:
        return np.full(len(intervals), default)
    values: Any = given
    if isinstance(given, str):
        if given not in intervals.columns:
            hint = did_you_mean(given, map(str, intervals.columns))
            raise ArgumentRefused(f"there is no column '{given}' to take {word} from.{hint}")
        values = intervals[given]
    try:
        number: Floats = pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan).copy()
    except (ValueError, TypeError):
        raise ArgumentRefused(f"{word} must be numbers, one per row.") from None
    if number.shape != (len(intervals),):
        raise ArgumentRefused(f"{word} must be numbers, one per row: {len(intervals):,}, not {number.size:,}.")
    if not np.isfinite(number).all():
        at = positions([int(i) for i in np.flatnonzero(~np.isfinite(number))])
        raise ArgumentRefused(f"{word} must be recorded and finite; they are not at {at}.")
    return number


def _check_rows(event: Bools, matrix: Floats, names: Sequence[str], lost: int) -> None:
    """Refuse a table without episodes, and covariates that do not vary."""
    problems = []
    if not event.any():
        also = f" ({lost:,} stand on rows without length, which are left out)" if lost else ""
        problems.append(f"there is no episode in it{also}, so there is nothing to model")
    else:
        flat = [k for k, spread in enumerate(span_of(matrix)) if spread == 0]
        problems += [f"'{names[k]}' is the same in every row, so nothing can go with it; leave it out" for k in flat]
    if problems:
        raise TableRefused.of_problems("intervals", problems)
