"""How soon a child goes missing again: three estimators of the gap, each for the question that it answers (E2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions
from missing_patterns.recurrence.common import (
    Bools,
    Floats,
    Ints,
    check_flags,
    check_seed,
    draw_steps,
    groups_of,
    new_axes,
    plural,
    rows_of,
    stack,
    tie_times,
)
from missing_patterns.recurrence.product_limit import (
    bootstrap_error,
    greenwood_error,
    loglog_limits,
    product_limit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Method = Literal["per_child", "pooled", "first"]

QUESTIONS: dict[str, str] = {
    "per_child": "For a child with at least one return, how likely is it that a gap of theirs ends within so many "
    "days? Every child counts once, however many episodes they have (Wang and Chang 1999)",
    "pooled": "After an episode picked at random, how likely is it that the same child goes again within so many days? "
    "Children with many episodes count many times (Kaplan-Meier over all gaps)",
    "first": "After a child's first return on file, how likely is a second episode within so many days? "
    "Later repeats are left out (Kaplan-Meier over first gaps)",
}
INTERVALS = {
    "per_child": "Intervals come from drawing children again and again",
    "pooled": "Intervals come from drawing children again and again, because gaps of one child are alike",
    "first": "Intervals use Greenwood's formula, one gap per child",
}
CAVEATS = {
    "per_child": "It assumes that a child's gaps come in no particular order: no trend with age or with each repeat",
    "pooled": "It is a figure about episodes, not about children: a few children with many episodes dominate it",
    "first": "'First' is first on file: a child who went missing before the records begin counts as new",
}

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


def _order_children(child: Ints, days: Floats, event: Bools) -> tuple[Ints, Ints]:
    """Sort gaps, and number children by what their gaps look like: a seed means the same under any ids and order.

    Returns the order of the rows, and each sorted row's child as a number without holes.
    """
    order = np.lexsort((event, days, child))
    child, days, event = child[order], days[order], event[order]
    _, first, number = np.unique(child, return_index=True, return_inverse=True)
    if not len(first):
        return order, number
    size = np.bincount(number)
    looks = (np.bincount(number, days**2), np.bincount(number, days), np.bincount(number, event), days[first], size)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.lexsort(looks)] = np.arange(len(first))
    child = rank[number]
    order = order[np.argsort(child, kind="stable")]
    return order, np.sort(child)


def _chosen(method: Method, child: Ints, number: Floats, event: Bools, known: Bools) -> Bools:
    """Say which rows the method uses, among those whose length is known."""
    if method == "pooled":
        return known
    if method == "per_child":
        complete = np.bincount(child[event & known], minlength=int(child.max(initial=-1)) + 1) > 0
        return known & (event | ~complete[child])
    order = np.lexsort((number, child))
    first = np.zeros(len(child), dtype=bool)
    first[order[np.diff(child[order], prepend=-1) > 0]] = True
    return known & first


def _one_curve(
    method: Method, frame: pd.DataFrame, days: Floats, seed: tuple[int, int]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Estimate one group's curve; also return what was used and left out."""
    all_children = pd.factorize(frame["child_id"])[0].astype(np.int64)
    event_all = frame["event"].to_numpy(dtype=np.int64) == 1
    known = np.isfinite(days)
    number = frame["episode_no"].to_numpy(dtype=np.float64, na_value=np.nan)
    used = _chosen(method, all_children, number, event_all, known)
    order, child = _order_children(all_children[used], days[used], event_all[used])
    length, event = days[used][order], event_all[used][order]
    distinct, step = np.unique(length, return_inverse=True)
    n = len(distinct)

    weight = np.ones(len(child))
    if method == "per_child":
        weight = 1.0 / np.bincount(child)[child] if len(child) else weight
    survival = product_limit(step, event, weight, n)
    greenwood = method == "first"
    spread = (
        greenwood_error(step, event, n) if greenwood else bootstrap_error(child, step, event, weight, survival, seed)
    )
    lower, upper = loglog_limits(survival, spread)

    n_children = len(np.unique(child))
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
        "n_zero_gaps": int((length == 0).sum()),
        "n_not_used": int((known & ~used).sum()),
        "n_not_recorded": int((~known).sum()),
    }
    return table, counts


def _checked(gaps: pd.DataFrame, method: Method) -> pd.DataFrame:
    schema.require(gaps, ["child_id", "gap_days", "event"] + (["episode_no"] if method == "first" else []), "gaps")
    frame = schema.conform(gaps, _GAPS)
    check_flags(frame["event"], "gaps")
    days = frame["gap_days"].to_numpy()
    if (wrong := (days < 0) | np.isinf(days)).any():
        at = positions([int(i) for i in np.flatnonzero(wrong)])
        raise TableRefused.of_problems("gaps", [f"column 'gap_days' is negative or infinite at {at}"])
    if method == "first" and (blank := frame["episode_no"].isna().to_numpy()).any():
        at = positions([int(i) for i in np.flatnonzero(blank)])
        raise TableRefused.of_problems("gaps", [f"column 'episode_no' is blank at {at}"])
    return frame


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
    frame = _checked(gaps, method)
    days = frame["gap_days"].to_numpy().copy()
    known = np.isfinite(days)
    days[known] = tie_times(days[known])[0]
    tables, counts = [], []
    for label, rows in groups_of(frame, by):
        table, count = _one_curve(method, frame.iloc[rows], days[rows], (random_state, n_boot))
        tables.append((label, table))
        counts.append((label, pd.DataFrame([count])))
    return GapCurve(method=method, by=by, table=stack(tables, by), groups=stack(counts, by))
