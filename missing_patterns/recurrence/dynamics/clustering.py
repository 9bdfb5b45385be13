"""Do a child's episodes come closer together than by chance? A test within children, without a model (E8)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused
from missing_patterns.recurrence.common import Z95, Bools, Floats, Ints, plural
from missing_patterns.recurrence.drawing import new_axes
from missing_patterns.recurrence.dynamics.rows import Rows, sort_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Days at risk within which a child's rate is held steady in the second comparison: half a year.
BLOCK_DAYS = 182.0

#: Times this near to whole days, in days, are times by date: an empty spell may have been given a minute.
_NEAR_WHOLE = 5.0 / 1440.0

#: Below so many expected quick repeats, the normal approximation of the test is rough.
FEW_EXPECTED = 10.0

_HELD = {"child": "each child's whole time", "spell": "each spell of a child", "half_year": "each half-year of a child"}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ShortRunClustering:
    """Whether children's episodes come in short runs. Made by :func:`short_run_clustering`.

    Parameters
    ----------
    table : pd.DataFrame
        One row per window and ``steady``, what a child's rate is taken to be steady over: ``child`` (the child's whole
        time), ``spell`` (each spell between changes of the strata, if given) or ``half_year`` (each 182 days at risk).
        ``window_days steady n_children n_pairs observed expected ratio lower upper z p_value``. ``n_pairs`` pairs
        of successive episodes of one child (and spell, or half-year), of ``n_children`` children; ``observed`` pairs no
        more than the window apart, ``expected`` by chance given the numbers of episodes; ``ratio`` of the two with its
        95 % interval over children; ``z`` and ``p_value`` (two-sided) of chance alone. NaN where there are
        no pairs; the interval also where none was quick.
    naive : pd.DataFrame
        One row per window: ``window_days episodes_within days_within episodes_outside days_outside ratio``: the rate of
        episodes within the window after a return over the rate at all other times. **Misleading**: it is above 1
        wherever children differ, with no clustering at all.
    n_children, n_episodes, n_zero_length : int
        Children and episodes in the table, and spells without length.
    days_at_risk : float
        Days at risk in all.
    by_date : bool
        Whether times are whole days; half a day is then added to each window for what is expected.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`short_run_clustering`.
    """

    table: pd.DataFrame
    naive: pd.DataFrame
    n_children: int
    n_episodes: int
    n_zero_length: int
    days_at_risk: float
    by_date: bool

    def __repr__(self) -> str:
        n_children = plural(self.n_children, "child", "children")
        return f"ShortRunClustering: {plural(self.n_episodes, 'episode')} of {n_children}"

    def summary(self) -> pd.DataFrame:
        """Return the table, with ``naive_ratio`` beside each window.

        Raises
        ------
        Nothing.
        """
        naive = dict(zip(self.naive["window_days"], self.naive["ratio"], strict=True))
        return self.table.assign(naive_ratio=[naive[w] for w in self.table["window_days"]])

    def explain(self) -> str:
        """Say in plain English what was compared, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        first = self.table.iloc[0]
        said = [
            (
                "Within each child, episodes are compared with the same number thrown at random on the child's own "
                "days at risk: a child who goes often is compared with themselves only, so that unlike children play "
                "no part"
            ),
            (
                f"There are {plural(self.n_episodes, 'episode')} of {plural(self.n_children, 'child', 'children')} at "
                f"risk for {plural(round(self.days_at_risk / 365.25), 'year')} in all; "
                f"{plural(int(first['n_pairs']), 'pair')} of successive episodes of "
                f"{plural(int(first['n_children']), 'child', 'children')} can be compared"
            ),
        ]
        if not first["n_pairs"]:
            said.append("Without children who went twice, nothing can be said about short runs")
            return ". ".join(said) + "."
        for row in self.table.itertuples():
            if not row.n_pairs:
                continue
            over = "" if row.steady == "child" else f", taking the rate as steady over {_HELD[row.steady]} only"
            known = [] if math.isnan(row.lower) else [f"95 % interval {row.lower:.2f} to {row.upper:.2f}"]
            known += [] if math.isnan(row.p_value) else [f"p = {row.p_value:.2g}"]
            said.append(
                f"{row.observed:,} came within {row.window_days:g} days of the return, {row.expected:,.1f} were to be "
                f"expected by chance{over}: {row.ratio:.2f} times ({', '.join(known) or 'no interval'})"
            )
        worst = self.naive.iloc[-1]
        naive = "not known" if math.isnan(worst["ratio"]) else f"{worst['ratio']:.1f}"
        said += [
            (
                f"Warning: the ratio most often quoted, the rate in the {worst['window_days']:g} days after a return "
                f"over that at other times, is {naive} here. It is high wherever some children go often "
                "and others seldom, with no short runs at all; do not use it"
            ),
            (
                "Short-run clustering may be an after-effect of an episode or a bad spell of the child's life; the "
                "figures cannot tell which. Each half-year taken for itself leaves slow changes (age, placement) out; "
                "the ratio is then nearer to 1 in any case, since a run fills its own half-year, but if it is about 1, "
                "slow changes are all"
            ),
        ]
        if float(self.table.loc[self.table["n_pairs"] > 0, "expected"].min()) < FEW_EXPECTED:
            said.append("Where fewer than 10 were expected, p is rough")
        if self.by_date:
            said.append("Times are by date only, which is allowed for")
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each ratio with its interval, and the naive ratio as a hollow mark.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        naive = dict(zip(self.naive["window_days"], self.naive["ratio"], strict=True))
        labels = []
        for k, row in enumerate(self.table.itertuples()):
            ax.plot([row.lower, row.upper], [k, k], color="#12436D", linewidth=2)
            ax.plot(row.ratio, k, "o", color="#12436D", label="within children" if k == 0 else None)
            if row.steady == "child":
                label = "naive: misleading" if k == 0 else None
                ax.plot(naive[row.window_days], k, "D", mfc="none", color="#801650", label=label)
            held = {"child": "child's whole time", "spell": "each spell", "half_year": "each half-year"}[row.steady]
            labels.append(f"{row.window_days:g} days, {held}")
        ax.axvline(1.0, color="#3D3D3D", linewidth=1, linestyle=":")
        ax.set_yticks(range(len(labels)), labels)
        ax.set_ylim(len(labels) - 0.5, -0.5)
        ax.set_xlim(left=0)
        ax.set_xlabel("Quick repeats: times what chance would give")
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 1.14), ncols=2)
        return ax


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Episodes of one way of dividing children's time: per episode with one before it, and per unit with two or more.

    ``apart`` days at risk between successive episodes, ``pair_child``; ``n`` episodes on ``exposure`` days per unit.
    """

    apart: Floats
    pair_child: Ints
    n: Floats
    exposure: Floats
    unit_child: Ints


def _pairs(rows: Rows, block_days: float | None) -> _Pairs:
    """Measure days at risk between successive episodes of each unit."""
    length = rows.stop - rows.start
    run = np.concatenate([[0.0], np.cumsum(length)])
    new = np.flatnonzero(np.diff(rows.unit, prepend=-1))
    n_units = len(new)
    before = run[new]
    child = rows.child[new]
    exposure = np.add.reduceat(length, new) if n_units else length
    at = np.flatnonzero(rows.event)
    unit = rows.unit[at]
    when = np.clip(run[at + 1] - before[unit], 0.0, exposure[unit])
    if block_days is not None:
        # Blocks of days at risk; what is left at the end is one too. An episode on an edge ends the earlier block.
        blocks = np.maximum(np.ceil(exposure / block_days), 1.0).astype(np.int64)
        start = np.concatenate([[0], np.cumsum(blocks)[:-1]])
        number = np.maximum(np.ceil(when / block_days).astype(np.int64), 1) - 1
        left = exposure - block_days * (blocks - 1)
        exposure = np.full(int(blocks.sum()), block_days)
        exposure[np.cumsum(blocks) - 1] = left
        child = np.repeat(child, blocks)
        unit = start[unit] + number
    n = np.bincount(unit, minlength=len(exposure)).astype(np.float64)
    same = unit[1:] == unit[:-1]
    repeats = n >= 2
    return _Pairs(np.diff(when)[same], child[unit[1:][same]], n[repeats], exposure[repeats], child[repeats])


def _compare(pairs: _Pairs, window: float, by_date: bool, n_children: int) -> dict[str, float]:
    """Compare pairs within the window with what episodes thrown at random would give."""
    n = pairs.n
    share = (window + 0.5 * by_date) / np.maximum(pairs.exposure, 1e-300)
    above = np.clip(1.0 - share, 0.0, None) ** n  # one space between random points exceeds the window
    both = np.clip(1.0 - 2.0 * share, 0.0, None) ** n  # two do
    expected = (n - 1.0) * (1.0 - above)
    variance = (n - 1.0) * above * (1.0 - above) + (n - 1.0) * (n - 2.0) * (both - above**2)
    quick = pairs.apart <= window + 1e-6
    observed, total = float(quick.sum()), float(expected.sum())
    ratio = observed / total if total > 0 else math.nan
    by_child = np.bincount(pairs.pair_child, quick, minlength=n_children).astype(np.float64)
    by_child = by_child - ratio * np.bincount(pairs.unit_child, expected, minlength=n_children)
    error = float(np.sqrt(np.sum(by_child**2))) / total if total > 0 else math.nan
    width = math.exp(Z95 * error / ratio) if error > 0 and ratio > 0 else math.nan
    spread = float(np.sqrt(max(float(variance.sum()), 0.0)))
    z = (observed - total) / spread if spread > 1e-9 else math.nan
    return {
        "n_children": len(np.unique(pairs.unit_child)),
        "n_pairs": len(pairs.apart),
        "observed": int(observed),
        "expected": total,
        "ratio": ratio,
        "lower": ratio / width,
        "upper": ratio * width,
        "z": z,
        "p_value": math.erfc(abs(z) / math.sqrt(2.0)) if not math.isnan(z) else math.nan,
    }


def _naive(rows: Rows, window: float) -> dict[str, float]:
    """Compare the rate within the window after a return with the rate at all other times, children thrown together."""
    length = rows.stop - rows.start
    run = np.concatenate([[0.0], np.cumsum(length)])
    new = np.diff(rows.child, prepend=-1) != 0
    # Days at risk since the child's last return, at the start of each row; endless before the first.
    last = np.maximum.accumulate(np.where(np.append(False, rows.event[:-1]) | new, np.arange(len(length)), -1))
    since = np.where(_after_an_episode(rows, new), run[:-1] - run[last], np.inf)
    inside = np.clip(window - since, 0.0, length)
    quick = rows.event & (since + length <= window + 1e-6)
    found = {
        "episodes_within": int(quick.sum()),
        "days_within": float(inside.sum()),
        "episodes_outside": int(rows.event.sum() - quick.sum()),
        "days_outside": float(length.sum() - inside.sum()),
    }
    known = found["days_within"] > 0 and found["days_outside"] > 0 and found["episodes_outside"] > 0
    rates = (found["episodes_within"] * found["days_outside"], found["episodes_outside"] * found["days_within"])
    return {**found, "ratio": rates[0] / rates[1] if known else math.nan}


def _after_an_episode(rows: Rows, new: Bools) -> Bools:
    """Say which rows follow an episode of their child."""
    before = np.concatenate([[0], np.cumsum(rows.event)[:-1]])
    at_entry = before[np.flatnonzero(new)]
    seen: Bools = before > at_entry[rows.child]
    return seen


def short_run_clustering(
    intervals: pd.DataFrame, windows: Sequence[float] = (7, 28), strata: str | list[str] | None = None
) -> ShortRunClustering:
    """Test whether children's episodes come in short runs, comparing each child with themselves.

    Given how many episodes a child had, a steady rate would put them anywhere on the child's days at risk alike. How
    many successive ones would then lie no more than 7 days apart, and how much that varies, follows from the spaces
    between random points: no model, no frailty. Counting is in days at risk since the return, so that days missing
    or away take no part.

    Parameters
    ----------
    intervals : pd.DataFrame
        As :func:`missing_patterns.to_counting_process` gives: one row per spell at risk on (start, stop],
        ``child_id start stop event`` in days. Best with ``origin="observed_from"``, which has first episodes too.
    windows : sequence of float, default (7, 28)
        Days at risk since a return within which the next episode counts as quick; above 0.
    strata : str or list of str, optional
        Columns such as ``placement_type``: episodes are then also compared within each spell between changes, so that
        a bad placement is not read as clustering.

    Returns
    -------
    ShortRunClustering
        The comparison within each child, each spell (with ``strata``) and each half-year of a child, and the naive
        ratio with its warning.

    Raises
    ------
    TableRefused
        If the table cannot be used (as :func:`mean_cumulative`).
    ArgumentRefused
        If a window is not a number above 0, or there is no such column.

    Notes
    -----
    Of n points on T days, the chance that the space between two neighbours exceeds w is ``(1 - w/T)^n``, and that two
    such spaces both do is ``(1 - 2w/T)^n`` (David and Nagaraja 2003, Order Statistics, section 6.4). Where times are
    dates, episodes d days apart were between d - 1 and d + 1 days apart, so w + 1/2 stands for w.

    Examples
    --------
    >>> from missing_patterns.recurrence.dynamics import simulate_repeats
    >>> steady = simulate_repeats(1000, alpha=0.0, rate_per_year=1.0, frailty_shape=0.5, random_state=2)
    >>> result = short_run_clustering(steady)
    >>> result.summary()[["window_days", "steady", "observed", "expected", "ratio", "naive_ratio"]].round(2)
       window_days     steady  observed  expected  ratio  naive_ratio
    0          7.0      child       212    204.33   1.04         1.77
    1          7.0  half_year       205    202.57   1.01         1.77
    2         28.0      child       721    705.06   1.02         1.76
    3         28.0  half_year       687    665.34   1.03         1.76
    """
    asked = np.asarray(list(windows), dtype=np.float64)
    if asked.ndim != 1 or not len(asked) or not (np.isfinite(asked) & (asked > 0)).all():
        raise ArgumentRefused("windows must be numbers of days above 0, such as (7, 28).")
    rows = sort_rows(intervals, None)[0]
    ways = {"child": _pairs(rows, None)}
    if strata is not None:
        ways["spell"] = _pairs(sort_rows(intervals, strata)[0], None)
    ways["half_year"] = _pairs(rows, BLOCK_DAYS)
    times = np.concatenate([rows.start, rows.stop])
    by_date = bool(len(times)) and bool((np.abs(times - np.rint(times)) <= _NEAR_WHOLE).all())
    n_children = rows.n_children
    table, naive = [], []
    for window in asked.tolist():
        for steady, pairs in ways.items():
            found = _compare(pairs, window, by_date, n_children)
            table.append({"window_days": window, "steady": steady, **found})
        naive.append({"window_days": window, **_naive(rows, window)})
    return ShortRunClustering(
        table=pd.DataFrame(table),
        naive=pd.DataFrame(naive),
        n_children=n_children,
        n_episodes=int(rows.event.sum()),
        n_zero_length=int((rows.stop == rows.start).sum()),
        days_at_risk=float((rows.stop - rows.start).sum()),
        by_date=by_date,
    )
