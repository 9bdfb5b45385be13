"""How likely a return is to be followed by another episode before the child leaves (E9): Aalen-Johansen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.recurrence.common import Floats, Ints, groups_of, plural, rows_of, stack
from missing_patterns.recurrence.drawing import draw_steps, new_axes
from missing_patterns.recurrence.exits.ends import EPISODE, IN_WORDS, LEFT_OUT, Ends, Exits, Gaps, read_ends
from missing_patterns.recurrence.exits.gray import gray_test
from missing_patterns.recurrence.exits.johansen import Interval, aalen_johansen, limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STAYED = "neither"

#: Columns of the tables that come out, which no group may be called.
OWN_COLUMNS = ("end", "days", "at_risk", "events", "share", "se", "lower", "upper")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CumulativeIncidence:
    """Shares gone again, and shares left, by a day. Made by :func:`cumulative_incidence`.

    Parameters
    ----------
    by : str or None
        The column that groups the curves.
    ends : tuple of str
        ``episode``, and the exits that compete with it.
    table : pd.DataFrame
        One row per group, end and distinct day on which a spell at risk ended, with ``neither`` for the share that is
        still at risk of both: ``[by] end days at_risk events share se lower upper``. ``at_risk`` spells at risk just
        before that day, ``events`` that ended so on it, ``share`` ended so by then, ``se`` its standard error by
        child, ``lower`` and ``upper`` its 95 % interval (NaN where the share is 0).
    groups : pd.DataFrame
        One row per group: ``[by] n_children n_spells n_<end>... n_censored n_end_not_recorded n_zero_length n_not_used
        n_not_recorded days_followed``.
    tests : pd.DataFrame
        Gray's test of each end between groups: ``end statistic df p_value``; without rows where there is one group,
        or where it would be wrong (see ``untested``).
    untested : str
        Why groups were not tested; empty where they were, or where there is one.
    unit : str
        What one spell is, in words.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`cumulative_incidence`.
    """

    by: str | None
    ends: tuple[str, ...]
    table: pd.DataFrame
    groups: pd.DataFrame
    tests: pd.DataFrame
    untested: str
    unit: str

    def __repr__(self) -> str:
        n, again = int(self.groups["n_spells"].sum()), int(self.groups[f"n_{EPISODE}"].sum())
        return (
            f"CumulativeIncidence: {plural(n, 'spell')} at risk, {again:,} ended by an episode, "
            f"{_n_left(self.groups, self.ends):,} by an exit, in {plural(len(self.groups), 'group')}"
        )

    def at(self, days: Sequence[float] = (7, 28, 90, 365)) -> pd.DataFrame:
        """Read the curves at some days.

        Parameters
        ----------
        days : sequence of float, default (7, 28, 90, 365)
            Days since the clock began, at least 0.

        Returns
        -------
        pd.DataFrame
            One row per group, end and day: ``[by] end days share se lower upper at_risk``; NaN past the last day of
            follow-up. ``at_risk`` spells still followed on that day.

        Raises
        ------
        ArgumentRefused
            If a day is negative or not a number.
        """
        wanted = np.asarray(list(days), dtype=np.float64)
        if not np.isfinite(wanted).all() or (wanted < 0).any():
            raise ArgumentRefused("days must be numbers of at least 0.")
        read = []
        for label, rows in rows_of(self.table, self.groups, self.by):
            for end in (*self.ends, STAYED):
                part = _read(rows[rows["end"] == end], wanted, empty=1.0 if end == STAYED else 0.0)
                part.insert(0, "end", end)
                read.append((label, part))
        return stack(read, self.by) if self.by is not None else pd.concat([p for _, p in read], ignore_index=True)

    def summary(self) -> pd.DataFrame:
        """Return the curves at 7, 28, 90 and 365 days: as :meth:`at`.

        Raises
        ------
        Nothing.
        """
        return self.at()

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        said = [self._method()]
        said += [self._explain_group(label, rows.iloc[0]) for label, rows in rows_of(self.groups, self.groups, self.by)]
        said += [
            f"If the groups were alike, differences at least as large in the share that {IN_WORDS[str(row.end)]} "
            f"would come about by chance in {row.p_value:.1%} of such comparisons (Gray's test)"
            for row in self.tests.itertuples()
        ]
        if self.untested:
            said.append(self.untested)
        said.append(
            "Ranges are 95 % intervals in which a child's spells are kept together. The share says how often it came "
            "to that, not how high the risk is while a child is there: where more children leave, fewer can go again. "
            "Whether a child who left would have gone again cannot be known. A difference between groups goes with "
            "belonging to one; it is not an effect of it"
        )
        return ". ".join(part.rstrip(".") for part in said) + "."

    def _method(self) -> str:
        return (
            "For each day, the share of spells at risk that had ended in an episode, and the share that had ended "
            "because the child left, were estimated together (Aalen-Johansen): a child who has left cannot go missing "
            "again here, and is not counted as if still at risk. Turning 18 and the end of the data only end the "
            f"follow-up. {self.unit}"
        )

    def _explain_group(self, label: Any, counts: pd.Series) -> str:
        name = "" if self.by is None else f"Group '{label}': "
        left = _n_left(counts.to_frame().T, self.ends)
        text = (
            f"{name}{plural(int(counts['n_spells']), 'spell')} of "
            f"{plural(int(counts['n_children']), 'child', 'children')}, followed for "
            f"{plural(round(float(counts['days_followed'])), 'day')} in all; {int(counts[f'n_{EPISODE}']):,} ended in "
            f"an episode, {left:,} in an exit, and {int(counts['n_censored']):,} when the follow-up did"
        )
        rows = dict(rows_of(self.table, self.groups, self.by))[label]
        shares = []
        for end in self.ends:
            row = _read(rows[rows["end"] == end], np.array([90.0]), empty=0.0).iloc[0]
            if np.isfinite(row["share"]):
                sure = f" ({row['lower']:.1%} to {row['upper']:.1%})" if np.isfinite(row["lower"]) else ""
                shares.append(f"{row['share']:.1%}{sure} {IN_WORDS[end]}")
        by_then = f". Within 90 days {' and '.join(shares)}" if shares else ". Nobody was followed for 90 days"
        unsaid = int(counts["n_end_not_recorded"])
        missing = (
            f". Why the follow-up ended is not recorded for {plural(unsaid, 'spell')}; "
            "if some of them were exits, the share that left is too low"
            if unsaid
            else ""
        )
        return text + by_then + missing

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share gone again against days, with its band; with one group, also the share that left.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        ended = self.table[self.table["end"] == EPISODE]
        if self.by is not None:
            draw_steps(ax, ended, self.groups, "share", self.by)
        else:
            ended = self.table[self.table["end"].isin(self.ends)]
            draw_steps(ax, ended, pd.DataFrame({"end": list(self.ends)}), "share", "end")
            for line, end in zip(ax.lines, self.ends, strict=False):
                line.set_label(IN_WORDS[end])
            ax.legend(frameon=False)
        ax.set_xlabel("Days")
        ax.set_ylabel("Share of spells" if self.by is None else "Share gone missing again before leaving")
        ax.set_ylim(0, 1)
        return ax


def _n_left(groups: pd.DataFrame, ends: tuple[str, ...]) -> int:
    return int(groups[[f"n_{end}" for end in ends if end != EPISODE]].to_numpy().sum())


def _read(rows: pd.DataFrame, wanted: Floats, *, empty: float) -> pd.DataFrame:
    """Read one curve at the days wanted."""
    days = rows["days"].to_numpy(dtype=np.float64)
    last = np.searchsorted(days, wanted, side="right") - 1
    ahead = np.searchsorted(days, wanted, side="left")
    read: dict[str, Floats] = {"days": wanted}
    for name, at_start in (("share", empty), ("se", 0.0), ("lower", np.nan), ("upper", np.nan)):
        read[name] = np.concatenate([[at_start], rows[name].to_numpy(dtype=np.float64)])[last + 1]
        read[name][ahead == len(days)] = np.nan
    table = pd.DataFrame(read)
    table["at_risk"] = np.append(rows["at_risk"].to_numpy(dtype=np.int64), 0)[ahead]
    return table


def _one_group(ends: Ends, rows: Ints, interval: Interval) -> tuple[pd.DataFrame, dict[str, float]]:
    """Estimate one group's curves; also return what they rest on."""
    here = np.isin(ends.row, rows)
    child, start, stop, cause = ends.child[here], ends.start[here], ends.stop[here], ends.cause[here]
    curves = aalen_johansen(child, start, stop, cause, len(ends.ends))
    n = len(curves.days)
    parts = []
    for k, end in enumerate((*ends.ends, STAYED)):
        low, high = limits(curves.share[k], curves.se[k], interval)
        events = curves.events[k] if end != STAYED else np.zeros(n, dtype=np.int64)
        parts.append(
            pd.DataFrame(
                {
                    "end": [end] * n,
                    "days": curves.days,
                    "at_risk": curves.at_risk,
                    "events": events,
                    "share": curves.share[k],
                    "se": curves.se[k],
                    "lower": low,
                    "upper": high,
                }
            )
        )
    counts: dict[str, float] = {"n_children": len(np.unique(child)), "n_spells": int(here.sum())}
    counts |= {f"n_{end}": int((cause == k + 1).sum()) for k, end in enumerate(ends.ends)}
    counts |= {"n_censored": int((cause == 0).sum())}
    counts["n_end_not_recorded"] = int(ends.unsaid[rows].sum())
    counts |= {f"n_{why}": int((ends.left_out[rows] == k).sum()) for k, why in enumerate(LEFT_OUT) if k}
    counts["days_followed"] = float((stop - np.where(np.isfinite(start), start, 0.0)).sum())
    return pd.concat(parts, ignore_index=True), counts


def cumulative_incidence(
    table: pd.DataFrame,
    by: str | None = None,
    *,
    exits: Exits = "together",
    gaps: Gaps = "every",
    interval: Interval = "log",
) -> CumulativeIncidence:
    """Estimate the share gone missing again by each day, where leaving care or the area competes with it.

    Parameters
    ----------
    table : pd.DataFrame
        Gaps, as :func:`missing_patterns.gap_times` gives when handed the table of children
        (``child_id episode_no gap_days event ended_by``): the clock is days since a return. Or intervals, as
        :func:`missing_patterns.to_counting_process` gives (``child_id start stop event ended_by``): the clock is days
        since the origin, spells that start later enter late, and what is estimated is a child's first episode after
        the origin; rows past it are left out. ``ended_by`` one of ``schema.ENDED_BY``: leaving care, moving away,
        dying and other exits compete; turning 18 and the end of the data only end the follow-up, and so does an end
        that nobody recorded (counted).
    by : str, optional
        A column of the table: one set of curves per value, blanks as "not recorded".
    exits : {"together", "each"}, default "together"
        One share for all who left, or one for each reason.
    gaps : {"every", "first"}, default "every"
        Every gap (a share of returns), or each child's first (a share of children).
    interval : {"log", "log-log", "plain"}, default "log"
        Scale of the 95 % intervals; the default is that of R's ``survfit``.

    Returns
    -------
    CumulativeIncidence
        Gaps of no length count as ended on day 0. Spells without length of intervals are left out and counted; an
        episode on one ends the spell before it.

    Raises
    ------
    TableRefused
        If a column is absent (``ended_by`` too), a length negative or infinite, two spells of a child overlap, or
        ``event`` and ``ended_by`` contradict each other.
    ArgumentRefused
        If an option or the column to group by is not known.

    Notes
    -----
    Aalen OO, Johansen S (1978), Scandinavian Journal of Statistics 5:141-150. Standard errors are the infinitesimal
    jackknife of R's ``survfit(Surv(time, factor(end)) ~ by, id = row)``, added up by child before squaring; with one
    spell to a child they are what R prints, with late entry too. (Where ends compete, survival 3.5-3 takes no notice
    of ``cluster``.) Groups are compared by the test of Gray (1988), as ``cmprsk::cuminc`` does it. It takes spells for
    independent and followed from the start, so it is given only where each child has one gap.

    Examples
    --------
    >>> gaps = pd.DataFrame({
    ...     "child_id": list("ABCDE"),
    ...     "episode_no": [1] * 5,
    ...     "gap_days": [3.0, 10.0, 20.0, 40.0, 60.0],
    ...     "event": [1, 0, 1, 0, 0],
    ...     "ended_by": ["episode", "left_care", "episode", "turned_18", "end_of_data"],
    ... })
    >>> result = cumulative_incidence(gaps)
    >>> result
    CumulativeIncidence: 5 spells at risk, 2 ended by an episode, 1 by an exit, in 1 group
    >>> result.at([28])[["end", "days", "share", "at_risk"]]
           end  days  share  at_risk
    0  episode  28.0    0.4        2
    1     exit  28.0    0.2        2
    2  neither  28.0    0.4        2
    """
    if interval not in get_args(Interval):
        known = get_args(Interval)
        raise ArgumentRefused(f"interval must be one of {', '.join(known)}.{did_you_mean(str(interval), known)}")
    ends = read_ends(table, exits=exits, gaps=gaps)
    if by in OWN_COLUMNS:
        raise ArgumentRefused(f"the result has a column '{by}' of its own: rename the column to group by.")
    tables, counts = [], []
    groups = groups_of(ends.frame, by)
    for label, rows in groups:
        curve, count = _one_group(ends, rows, interval)
        tables.append((label, curve))
        counts.append((label, pd.DataFrame([count])))
    tests, untested = _tests(ends, groups)
    return CumulativeIncidence(
        by=by,
        ends=ends.ends,
        table=stack(tables, by),
        groups=stack(counts, by),
        tests=tests,
        untested=untested,
        unit=_unit(ends, gaps),
    )


def _tests(ends: Ends, groups: Sequence[tuple[Any, Ints]]) -> tuple[pd.DataFrame, str]:
    """Compare the groups by Gray's test where it is right; otherwise say why not."""
    nothing = pd.DataFrame(columns=["end", "statistic", "df", "p_value"])
    number = np.full(len(ends.frame), -1)
    for k, (_, rows) in enumerate(groups):
        number[rows] = k
    _, group = np.unique(number[ends.row], return_inverse=True)
    if group.max(initial=0) == 0:
        return nothing, ""
    if len(np.unique(ends.child)) < len(ends.child) or (len(np.unique(ends.start)) > 1):
        fix = "; gaps='first' gives each child one" if ends.is_gaps else ""
        return nothing, (
            "The groups were not tested, because Gray's test takes spells for independent and followed from the "
            f"start, and some children have more than one here, or enter late{fix}"
        )
    from scipy.stats import chi2

    found: list[dict[str, Any]] = []
    for k, end in enumerate(ends.ends):
        kind = np.where(ends.cause == k + 1, 1, np.where(ends.cause > 0, 2, 0))
        statistic, df = gray_test(group, ends.stop, kind)
        if np.isfinite(statistic):
            found.append({"end": end, "statistic": statistic, "df": df, "p_value": float(chi2.sf(statistic, df))})
    return (pd.DataFrame(found) if found else nothing), ""


def _unit(ends: Ends, gaps: Gaps) -> str:
    if not ends.is_gaps:
        return "A spell runs from the origin, or from when a child is first followed, to the child's first episode"
    if gaps == "first":
        return "A spell is a child's first gap on file, so the shares are shares of children"
    return "A spell is a gap after a return, so the shares are shares of returns: who returns often counts often"
