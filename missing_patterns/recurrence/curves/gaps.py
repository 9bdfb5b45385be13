"""How soon a child goes missing again: three estimators of the gap, each for the question that it answers (E2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.recurrence.common import Bools, Floats, Ints, check_seed, groups_of, plural, rows_of, stack
from missing_patterns.recurrence.curves.gap_words import CAVEATS, INTERVALS, QUESTIONS
from missing_patterns.recurrence.curves.product_limit import (
    bootstrap_error,
    greenwood_error,
    loglog_limits,
    product_limit,
)
from missing_patterns.recurrence.door import flags, numbered, numbers, ranked, refuse, require
from missing_patterns.recurrence.drawing import draw_steps, new_axes
from missing_patterns.recurrence.spells import steps_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Method = Literal["per_child", "pooled", "first"]

_GAPS = schema.Table(
    "gaps",
    "one time from a return to the next episode, or to the end of observation",
    (
        schema.Column("child_id", "id", "the child", required=True),
        schema.Column("episode_no", "count", "the episode that the child returned from"),
        schema.Column("gap_days", "number", "days; empty = the return is not known"),
        schema.Column("event", "count", "1 if an episode ended the gap, 0 if observation did", required=True),
    ),
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GapCurve:
    """How soon children go missing again, by one named estimator. Made by :func:`gap_curve`.

    Parameters
    ----------
    method : {"per_child", "pooled", "first"}
        Which question it answers; see :func:`gap_curve`.
    by : str or None
        The column that groups the curves.
    table : pd.DataFrame
        One row per group and distinct day on which a gap ended or stopped being followed:
        ``[by] days at_risk events share_again lower upper n_children_at_risk n_children_again``. ``at_risk`` gaps
        still followed just before that day, ``events`` gaps that ended on it, ``share_again`` the share that have gone
        again by then with its 95 % interval, ``n_children_at_risk`` distinct children behind ``at_risk``,
        ``n_children_again`` distinct children with a gap that has ended by then.
    groups : pd.DataFrame
        One row per group: ``[by] n_children n_gaps n_complete n_zero_gaps n_not_used n_not_recorded``;
        ``n_not_used`` gaps that this method leaves out, ``n_not_recorded`` gaps of unknown length (left out).

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`gap_curve`.
    """

    method: Method
    by: str | None
    table: pd.DataFrame
    groups: pd.DataFrame

    def __repr__(self) -> str:
        total = self.groups[["n_gaps", "n_complete"]].sum()
        return (
            f"GapCurve ({self.method}): {plural(int(total['n_gaps']), 'gap')}, "
            f"{int(total['n_complete']):,} of them complete, in {plural(len(self.groups), 'group')}"
        )

    def at(self, days: Sequence[float] = (7, 28, 90, 365)) -> pd.DataFrame:
        """Read the curve at some days.

        Parameters
        ----------
        days : sequence of float, default (7, 28, 90, 365)
            Days since the return, at least 0.

        Returns
        -------
        pd.DataFrame
            One row per group and day: ``[by] days share_again lower upper at_risk n_children_at_risk
            n_children_again``. Shares are NaN beyond the longest gap followed (unless all have gone again by then):
            nobody was watched for so long.

        Raises
        ------
        ArgumentRefused
            If a day is not a number of at least 0.

        Examples
        --------
        See :func:`gap_curve`.
        """
        wanted = np.asarray(list(days), dtype=np.float64)
        if wanted.ndim != 1 or not (wanted >= 0).all():
            raise ArgumentRefused("days must be numbers of at least 0.")
        parts = [(label, _read(rows, wanted)) for label, rows in rows_of(self.table, self.groups, self.by)]
        return stack(parts, self.by)

    def summary(self) -> pd.DataFrame:
        """Return the curve at 7, 28, 90 and 365 days, as :meth:`at` gives it.

        Raises
        ------
        Nothing.
        """
        return self.at()

    def explain(self) -> str:
        """Say in plain English which question was answered, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        total = self.groups.drop(columns=[self.by] if self.by else []).sum()
        n_gaps, n_complete = plural(int(total["n_gaps"]), "gap"), int(total["n_complete"])
        said = [
            QUESTIONS[self.method],
            f"It rests on {n_gaps} after a return, {n_complete:,} of which ended in another episode",
            "The others had not when observation ended, and count for as long as they were followed",
            "Time missing is not counted",
            INTERVALS[self.method],
            CAVEATS[self.method],
            "Studies print one of three estimators, often without saying which; they can differ two- or threefold",
            "Late days rest on few children: look at how many were still followed",
        ]
        if total["n_zero_gaps"]:
            said.append(f"{plural(int(total['n_zero_gaps']), 'gap')} of length nought (gone again the same day) are in")
        if total["n_not_recorded"]:
            said.append(f"{plural(int(total['n_not_recorded']), 'gap')} of unknown length had to be left out")
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share gone again against days, with its band.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        draw_steps(ax, self.table, self.groups, "share_again", self.by)
        ax.set_xlabel("Days since return")
        ax.set_ylabel("Share gone missing again")
        ax.set_ylim(0, 1)
        return ax


def _read(rows: pd.DataFrame, wanted: Floats) -> pd.DataFrame:
    """Read one group's table at the days wanted."""
    days = rows["days"].to_numpy()
    last = np.searchsorted(days, wanted, side="right") - 1  # the step that each day stands on
    ahead = np.searchsorted(days, wanted, side="left")  # gaps that reach the day
    read: dict[str, Floats] = {"days": wanted}
    for name, at_start in (("share_again", 0.0), ("lower", np.nan), ("upper", np.nan)):
        read[name] = np.concatenate([[at_start], rows[name].to_numpy()])[last + 1]
    past = (ahead == len(days)) & (read["share_again"] < 1)
    for name in ("share_again", "lower", "upper"):
        read[name] = np.where(past, np.nan, read[name])
    table = pd.DataFrame(read)
    for name in ("at_risk", "n_children_at_risk"):
        table[name] = np.append(rows[name].to_numpy(dtype=np.int64), 0)[ahead]
    table["n_children_again"] = np.concatenate([[0], rows["n_children_again"].to_numpy(dtype=np.int64)])[last + 1]
    return table


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Gaps:
    """Gaps as arrays: number of the child from 0; place of the length on ``axis`` (-1 = not known); episode number."""

    axis: Floats
    child: Ints
    place: Ints
    event: Bools
    number: Floats | None

    def of(self, rows: Ints) -> _Gaps:
        """Return some rows, their children numbered from 0."""
        child = pd.factorize(self.child[rows])[0].astype(np.int64, copy=False)
        number = None if self.number is None else self.number[rows]
        return _Gaps(self.axis, child, self.place[rows], self.event[rows], number)


def _order_children(child: Ints, step: Ints, days: Floats, event: Bools) -> tuple[Ints, Ints]:
    """Sort gaps, and number children by what their gaps look like: a seed means the same under any ids and order.

    Returns the order of the rows, and each sorted row's child as a number without holes.
    """
    if not len(child):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    key = (child * (int(step.max()) + 1) + step) * 2 + event
    order = np.arange(len(key)) if (key[1:] >= key[:-1]).all() else np.argsort(key, kind="stable")
    child, days, event = child[order], days[order], event[order]
    new = np.diff(child, prepend=-1) != 0
    first, number = np.flatnonzero(new), np.cumsum(new) - 1
    size = np.bincount(number)
    looks = (np.bincount(number, days**2), np.bincount(number, days), np.bincount(number, event), days[first], size)
    place = np.lexsort(looks)
    size = size[place]
    rank = np.empty(len(first), dtype=np.int64)
    rank[place] = np.arange(len(first))
    # The rows of each child in turn, children by rank.
    order = order[np.arange(len(order)) + np.repeat(first[place] - (np.cumsum(size) - size), size)]
    return order, np.repeat(np.arange(len(first)), size)


def _chosen(method: Method, gaps: _Gaps) -> Bools:
    """Say which rows the method uses, among those whose length is known."""
    known: Bools = gaps.place >= 0
    if method == "pooled" or not len(known):
        return known
    if method == "per_child":
        complete = np.bincount(gaps.child[gaps.event & known], minlength=int(gaps.child.max()) + 1) > 0
        return known & (gaps.event | ~complete[gaps.child])
    number = np.zeros(len(known)) if gaps.number is None else gaps.number
    order = np.lexsort((number, gaps.child))
    first = np.zeros(len(known), dtype=np.bool_)
    first[order[np.diff(gaps.child[order], prepend=-1) > 0]] = True
    return known & first


def _one_curve(method: Method, gaps: _Gaps, seed: tuple[int, int]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Estimate one group's curve; also return what was used and left out."""
    known = gaps.place >= 0
    used = _chosen(method, gaps)
    place = gaps.place[used]
    distinct, _, step = steps_of(gaps.axis, place, place)
    child, event = gaps.child[used], gaps.event[used]
    n = len(distinct)
    if method == "first":
        survival = product_limit(step, event, np.ones(len(child)), n)
        spread = greenwood_error(step, event, n)
        child = pd.factorize(child)[0]
    else:
        order, child = _order_children(child, step, gaps.axis[place], event)
        step, event = step[order], event[order]
        weight = 1.0 / np.bincount(child)[child] if method == "per_child" and len(child) else np.ones(len(child))
        survival = product_limit(step, event, weight, n)
        spread = bootstrap_error(child, step, event, weight, survival, seed)
    lower, upper = loglog_limits(survival, spread)

    n_children = int(child.max(initial=-1)) + 1
    longest = np.full(n_children, -1)
    np.maximum.at(longest, child, step)
    soonest = np.full(n_children, n)
    np.minimum.at(soonest, child[event], step[event])
    table = pd.DataFrame(
        {
            "days": distinct,
            "at_risk": np.bincount(step, minlength=n)[::-1].cumsum()[::-1],
            "events": np.bincount(step[event], minlength=n),
            "share_again": 1.0 - survival,
            "lower": lower,
            "upper": upper,
            "n_children_at_risk": np.bincount(longest, minlength=n)[::-1].cumsum()[::-1],
            "n_children_again": np.bincount(soonest, minlength=n + 1)[:n].cumsum(),
        }
    )
    counts = {
        "n_children": n_children,
        "n_gaps": len(child),
        "n_complete": int(event.sum()),
        "n_zero_gaps": int((gaps.axis[place] == 0).sum()),
        "n_not_used": int((known & ~used).sum()),
        "n_not_recorded": int((~known).sum()),
    }
    return table, counts


def _read_gaps(gaps: pd.DataFrame, with_number: bool) -> _Gaps:
    """Check a table of gaps and return it as arrays."""
    require(gaps, _GAPS)
    schema.require(gaps, ["child_id", "gap_days", "event"] + (["episode_no"] if with_number else []), "gaps")
    child, _ = numbered(gaps, "child_id", _GAPS)
    event = flags(gaps, _GAPS)
    days = numbers(gaps, "gap_days", _GAPS)
    if (wrong := (days < 0) | np.isinf(days)).any():
        raise refuse(np.flatnonzero(wrong), "column 'gap_days' is negative or infinite", "gaps", "")
    number = None
    if with_number:
        number = numbers(gaps, "episode_no", _GAPS)
        if (blank := np.isnan(number)).any():
            raise refuse(np.flatnonzero(blank), "column 'episode_no' is blank", "gaps", "")
    known = np.isfinite(days)
    place = np.full(len(days), -1)
    axis, (place[known],) = ranked(days[known])
    return _Gaps(axis, child, place, event, number)


def gap_curve(
    gaps: pd.DataFrame,
    method: Method = "per_child",
    by: str | None = None,
    *,
    random_state: int = 0,
    n_boot: int = 200,
) -> GapCurve:
    """Estimate the share of children, or of episodes, followed by another episode within so many days.

    Three estimators, three questions. ``per_child`` (Wang and Chang 1999): every child counts once; a child's last,
    unfinished gap is left out if the child has a finished one, and each gap left weighs 1 / their number. ``pooled``:
    Kaplan-Meier over all gaps, a figure per episode. ``first``: Kaplan-Meier over first gaps only.

    Parameters
    ----------
    gaps : pd.DataFrame
        As :func:`missing_patterns.gap_times` gives: one row per return, ``child_id episode_no gap_days event``
        (``event`` 1 = the child went missing again after ``gap_days``, 0 = followed for so long and had not).
        ``episode_no`` is needed for ``first`` only. Further columns may be grouped by.
    method : {"per_child", "pooled", "first"}, default "per_child"
        Which estimator.
    by : str, optional
        A column of ``gaps``: one curve per value, blanks as "not recorded".
    random_state : int, default 0
        Seed of the bootstrap; the same for every group, so a group's figures do not depend on the others.
    n_boot : int, default 200
        Resamples of children, for ``per_child`` and ``pooled``; below 2 gives no intervals.

    Returns
    -------
    GapCurve
        95 % intervals on the complementary log-log scale. The standard error is Greenwood's for ``first``, and that of
        children drawn with replacement otherwise (NaN with fewer than 10 children).

    Raises
    ------
    TableRefused
        If a column is absent, a gap negative or infinite, or ``event`` not 0 or 1.
    ArgumentRefused
        If the method, the column to group by, the seed or the number of resamples cannot be used.

    Notes
    -----
    Wang M-C, Chang S-H (1999), Nonparametric estimation of a recurrent survival function, JASA 94:146-153. Pooled
    Kaplan-Meier equals the estimator of Peña, Strawderman and Hollander (2001). Gaps that differ only by rounding are
    taken as tied. Gaps of length nought are kept.

    Examples
    --------
    >>> gaps = pd.DataFrame({
    ...     "child_id": ["A", "A", "A", "B", "C", "D"],
    ...     "episode_no": [1, 2, 3, 1, 1, 1],
    ...     "gap_days": [3.0, 5.0, 40.0, 60.0, 20.0, 90.0],
    ...     "event": [1, 1, 0, 0, 1, 0],
    ... })
    >>> curve = gap_curve(gaps, method="per_child")
    >>> curve
    GapCurve (per_child): 5 gaps, 3 of them complete, in 1 group
    >>> curve.at([7, 28])[["days", "share_again", "n_children_at_risk"]]
       days  share_again  n_children_at_risk
    0   7.0         0.25                   3
    1  28.0         0.50                   2
    >>> gap_curve(gaps, method="pooled").at([7])["share_again"].round(3).tolist()
    [0.333]
    """
    if method not in get_args(Method):
        raise ArgumentRefused(
            f"method must be one of {', '.join(get_args(Method))}.{did_you_mean(str(method), get_args(Method))}"
        )
    check_seed(random_state, n_boot)
    read = _read_gaps(gaps, method == "first")
    tables, counts = [], []
    for label, rows in _groups(gaps, by):
        table, count = _one_curve(method, read if by is None else read.of(rows), (random_state, n_boot))
        tables.append((label, table))
        counts.append((label, pd.DataFrame([count])))
    return GapCurve(method=method, by=by, table=stack(tables, by), groups=stack(counts, by))


def _groups(gaps: pd.DataFrame, by: str | None) -> list[tuple[object, Ints]]:
    named = by in _GAPS.names and by in gaps.columns
    return list(groups_of(schema.conform(gaps, _GAPS, only=(str(by),)) if named else gaps, by))
