"""Counts by month, and the control chart of a monthly figure (E12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused, positions
from missing_patterns.monitoring.common import Bools, Floats, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Fewer months than this give trial limits, which one odd month can move.
TRIAL_POINTS = 12
#: XmR constants: limits at mean +- 2.66 mean moving ranges; ranges of 3.267 means or more are screened out.
LIMIT, SCREEN = 2.66, 3.267
RUN = 7
WITHHELD = "c"
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")

SIGNALS = {
    "outside": "outside the limits",
    "one_side": "seven or more months in a row on one side of the mean",
    "trend": "seven or more months in a row rising or falling",
    "near_limit": "two of three months in the outer third, all three on one side",
}


def monthly_counts(episodes: pd.DataFrame, *, first_month: str, last_month: str) -> pd.DataFrame:
    """Count episodes and children in each calendar month, months without any included.

    Parameters
    ----------
    episodes : pd.DataFrame
        One row per episode: ``child_id missing_from`` at least. Hand in every episode on file, also those before
        ``first_month``, or children who are not new count as new.
    first_month, last_month : str
        Months as ``"yyyy-mm"``, both included. An episode belongs to the Europe/London month in which it began.

    Returns
    -------
    pd.DataFrame
        One row per month: ``month n_episodes n_children n_new_children``; ``n_children`` distinct children with an
        episode that began in the month, ``n_new_children`` those whose first episode in the table it was.

    Raises
    ------
    TableRefused
        If the table is not one of episodes.
    ArgumentRefused
        If a month is not written yyyy-mm, or the last is before the first.

    Examples
    --------
    >>> episodes = pd.DataFrame({
    ...     "child_id": ["A", "A", "B", "A"],
    ...     "missing_from": ["2026-08-03", "2026-08-20", "2026-10-01", "2026-10-31 23:30"],
    ... })
    >>> monthly_counts(episodes, first_month="2026-08", last_month="2026-10")
         month  n_episodes  n_children  n_new_children
    0  2026-08           2           1               1
    1  2026-09           0           0               0
    2  2026-10           2           2               1
    """
    first, last = schema.calendar_month(first_month), schema.calendar_month(last_month)
    if last < first:
        raise ArgumentRefused("last_month must not be before first_month.")
    months = [str(m) for m in pd.period_range(first, last, freq="M")]
    frame = schema.conform(episodes, schema.EPISODES)[["child_id", "missing_from"]]
    frame["month"] = frame["missing_from"].dt.strftime("%Y-%m")
    newcomers = frame.sort_values("missing_from", kind="stable").drop_duplicates("child_id")
    counts = {
        "n_episodes": frame["month"].value_counts(),
        "n_children": frame.drop_duplicates(["child_id", "month"])["month"].value_counts(),
        "n_new_children": newcomers["month"].value_counts(),
    }
    table = {name: count.reindex(months, fill_value=0).to_numpy(dtype=np.int64) for name, count in counts.items()}
    return pd.DataFrame({"month": pd.Series(months, dtype=schema.TEXT), **table}).astype(dict.fromkeys(table, "Int64"))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ControlChart:
    """An XmR chart of one monthly figure. Made by :func:`control_chart`.

    Parameters
    ----------
    value : str
        The figure charted.
    table : pd.DataFrame
        One row per month, in order: ``month value mean lower upper signal outside one_side trend near_limit``.
        ``signal`` names the rules that the month takes part in, separated by semicolons, or is empty; the last four
        columns are the rules one by one. A month without a figure takes part in none.
    mean, lower, upper : float
        Mean and limits; NaN without months, limits NaN with fewer than two.
    n_points, n_not_recorded : int
        Months with and without a figure.
    is_trial : bool
        Whether there are fewer than 12 months, too few for limits to rely on.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`control_chart`.
    """

    value: str
    table: pd.DataFrame
    mean: float
    lower: float
    upper: float
    n_points: int
    n_not_recorded: int
    is_trial: bool

    def __repr__(self) -> str:
        n_signals = int((self.table["signal"] != "").sum())
        return f"ControlChart of {self.value}: {self.n_points} months, {n_signals} in a signal"

    def summary(self) -> pd.DataFrame:
        """Return a copy of ``table``: one row per month.

        Raises
        ------
        Nothing.
        """
        return self.table.copy()

    def explain(self) -> str:
        """Say in plain English how the limits were made, what stands out, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        if self.n_points < 2:
            return "There are fewer than two months with a figure, so there are no limits to compare them with."
        found = [f"{int(self.table[s].sum())} {words}" for s, words in SIGNALS.items() if self.table[s].any()]
        said = [
            f"An XmR chart of {self.n_points} months",
            "The limits are the mean and 2.66 times the mean change from month to month, very large changes left out",
            "A month inside the limits is as usual",
            "Months that stand out: " + "; ".join(found) if found else "No month stands out",
        ]
        if self.is_trial:
            said.append(f"With fewer than {TRIAL_POINTS} months these are trial limits: one odd month can move them")
        if self.n_not_recorded:
            said.append(f"{self.n_not_recorded} month(s) have no figure and were skipped")
        said.append(
            "A signal says that something changed, not what: look first for a change in recording, then at whether "
            "one or two children account for it. Judge episodes and children side by side"
        )
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the months with mean and limits; months in a signal are marked.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        at = np.arange(len(self.table))
        values = self.table["value"].to_numpy(dtype=float)
        ax.plot(at, values, marker="o", markersize=3)
        odd = (self.table["signal"] != "").to_numpy()
        ax.plot(at[odd], values[odd], linestyle="", marker="D", fillstyle="none", label="in a signal")
        for level, style, label in ((self.mean, "-", "mean"), (self.lower, "--", "limits"), (self.upper, "--", None)):
            if np.isfinite(level):
                ax.axhline(level, linestyle=style, color="grey", linewidth=1, label=label)
        step = max(1, len(at) // 8)
        ax.set_xticks(at[::step], self.table["month"].tolist()[::step])
        ax.set_ylabel(self.value)
        ax.legend(frameon=False)
        return ax


def control_chart(
    counts: pd.DataFrame, value: str = "n_children", month: str = "month", *, floor: float | None = 0.0
) -> ControlChart:
    """Chart a monthly figure against the limits of its own month-to-month variation (XmR).

    Limits are the mean and 2.66 times the mean moving range, after moving ranges of 3.267 times their mean or more
    are screened out. Signals: outside the limits; seven in a row on one side of the mean; seven in a row rising or
    falling; two of three in the outer third with all three on one side.

    Parameters
    ----------
    counts : pd.DataFrame
        One row per month, such as :func:`monthly_counts` gives. Order does not matter.
    value : str, default "n_children"
        Column charted. Blank and ``"c"`` (withheld) are skipped: the months around them count as neighbours.
    month : str, default "month"
        Column of months, as ``"yyyy-mm"``.
    floor : float, optional
        Lowest value that the figure can have, 0 for counts and shares; the lower limit is not shown below it. None
        for a figure that can be negative.

    Returns
    -------
    ControlChart
        With fewer than 12 points the limits are trial limits.

    Raises
    ------
    TableRefused
        If a column is absent, a month stands twice or is not written yyyy-mm, or the figure holds something else than
        numbers, blanks and "c".

    Notes
    -----
    The rules are those of the "Making Data Count" XmR charts of NHS England, as the NHSRplotthedots package applies
    them. They are meant for many months: no rule is tested against chance here.

    Examples
    --------
    >>> months = [f"2025-{m:02d}" for m in range(1, 13)] + [f"2026-{m:02d}" for m in range(1, 7)]
    >>> counts = pd.DataFrame({"month": months, "n_children": [1, 2, 1, 2, 10, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]})
    >>> chart = control_chart(counts, floor=None)
    >>> round(chart.mean, 2), round(chart.lower, 2), round(chart.upper, 2)
    (1.94, -0.72, 4.6)
    >>> chart.table.loc[chart.table["signal"] != "", ["month", "value", "signal"]]
         month  value   signal
    4  2025-05   10.0  outside
    """
    months, values = _series(counts, value, month)
    known = np.isfinite(values)
    points = values[known]
    mean = float(points.mean()) if len(points) else np.nan
    width = LIMIT * _mean_range(points)
    upper, lower = mean + width, mean - width
    shown = lower if floor is None else max(lower, floor)
    table = pd.DataFrame({"month": pd.Series(months, dtype=schema.TEXT), "value": values})
    table["mean"], table["lower"], table["upper"] = mean, shown, upper
    flags = {}
    for name, flag in _signals(points, mean, width).items():
        flags[name] = np.zeros(len(values), dtype=bool)
        flags[name][known] = flag
    words = ["; ".join(name for name, flag in flags.items() if flag[i]) for i in range(len(values))]
    table["signal"] = pd.Series(words, dtype=schema.TEXT)
    return ControlChart(
        value=value,
        table=table.assign(**flags),
        mean=mean,
        lower=shown,
        upper=upper,
        n_points=len(points),
        n_not_recorded=int((~known).sum()),
        is_trial=len(points) < TRIAL_POINTS,
    )


def _series(counts: pd.DataFrame, value: str, month: str) -> tuple[list[str], Floats]:
    """Return the months in order and their figures, NaN where there is none."""
    schema.require(counts, [month, value], "counts")
    months = counts[month].tolist()
    problems = []
    if any(not isinstance(m, str) or not _MONTH.fullmatch(m) for m in months):
        problems.append(f"column '{month}' holds months that are not written yyyy-mm")
    elif len(set(months)) < len(months):
        problems.append(f"column '{month}' holds a month twice")
    withheld = [None if isinstance(v, str) and v == WITHHELD else v for v in counts[value].tolist()]
    figures = [np.nan if v is None or v is pd.NA else v for v in withheld]
    odd = [i for i, v in enumerate(figures) if not _is_number(v)]
    if odd:
        problems.append(f"column '{value}' holds something else than numbers at {positions(odd)}")
    if problems:
        raise TableRefused.of_problems("counts", problems)
    order = np.argsort(np.array(months, dtype=str), kind="stable")
    return [months[i] for i in order], np.array([figures[i] for i in order], dtype=np.float64)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and not np.isinf(value)


def _mean_range(points: Floats) -> float:
    """Return the mean moving range after screening; NaN with fewer than two points."""
    if len(points) < 2:
        return np.nan
    ranges = np.abs(np.diff(points))
    kept = ranges[ranges < SCREEN * ranges.mean()]
    return float(kept.mean()) if len(kept) else float(ranges.mean())  # nothing is kept when every range is 0


def _signals(points: Floats, mean: float, width: float) -> dict[str, Bools]:
    """Return, per rule, which points take part in a signal."""
    away = np.abs(points - mean)
    side, slope = np.sign(points - mean), np.sign(np.diff(points))
    outside = away > width
    near = ~outside & (away > 2 * width / 3)
    found = {name: np.zeros(len(points), dtype=bool) for name in SIGNALS}
    found["outside"] = outside
    for i in range(len(points) - RUN + 1):
        run = slice(i, i + RUN)
        if abs(side[run].sum()) == RUN:
            found["one_side"][run] = True
        if abs(slope[i : i + RUN - 1].sum()) == RUN - 1:
            found["trend"][run] = True
    for i in range(len(points) - 2):
        three = slice(i, i + 3)
        if near[three].sum() >= 2 and abs(side[three].sum()) == 3:
            found["near_limit"][three] |= near[three]
    return found
