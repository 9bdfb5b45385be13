"""How soon again, asked in three ways, side by side: three questions have three answers (E2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import plural, rows_of
from missing_patterns.recurrence.curves.gap_words import QUESTIONS
from missing_patterns.recurrence.curves.gaps import GapCurve, Method, gap_curve
from missing_patterns.recurrence.drawing import PALETTE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The three questions in a few words, for tables and legends.
ASKED: dict[Method, str] = {
    "per_child": "per child",
    "pooled": "per episode",
    "first": "after the first return",
}
_STYLES: dict[Method, str] = {"per_child": "-", "pooled": "--", "first": ":"}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GapCurves:
    """The three estimates of how soon children go missing again. Made by :func:`gap_curves`.

    Parameters
    ----------
    by : str or None
        The column that groups the curves.
    curves : mapping
        The :class:`~missing_patterns.recurrence.GapCurve` of each method: ``per_child pooled first``.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`gap_curves`.
    """

    by: str | None
    curves: Mapping[Method, GapCurve]

    def __repr__(self) -> str:
        groups = self.curves["pooled"].groups
        return (
            f"GapCurves: {plural(int(groups['n_gaps'].sum()), 'gap')} after a return of "
            f"{int(groups['n_children'].sum()):,} children in {plural(len(groups), 'group')}, asked in three ways"
        )

    def at(self, days: Sequence[float] = (7, 28, 90, 365)) -> pd.DataFrame:
        """Read the three curves at some days.

        Parameters
        ----------
        days : sequence of float, default (7, 28, 90, 365)
            Days since the return, at least 0.

        Returns
        -------
        pd.DataFrame
            One row per group, day and method: ``[by] days method asked share_again lower upper at_risk
            n_children_at_risk n_children_again``; as :meth:`GapCurve.at` of each.

        Raises
        ------
        ArgumentRefused
            If a day is not a number of at least 0.

        Examples
        --------
        See :func:`gap_curves`.
        """
        parts = [curve.at(days).assign(method=method, asked=ASKED[method]) for method, curve in self.curves.items()]
        order = np.arange(sum(map(len, parts))).reshape(len(parts), -1).T.ravel()
        found = pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)
        first = [*([self.by] if self.by else []), "days", "method", "asked"]
        return found[[*first, *(c for c in found.columns if c not in first)]]

    def summary(self) -> pd.DataFrame:
        """Return the three curves at 7, 28, 90 and 365 days, as :meth:`at` gives them.

        Raises
        ------
        Nothing.
        """
        return self.at()

    def spread(self, days: Sequence[float] = (7, 28, 90, 365)) -> pd.DataFrame:
        """Say how far apart the three answers lie.

        Parameters
        ----------
        days : sequence of float, default (7, 28, 90, 365)
            Days since the return, at least 0.

        Returns
        -------
        pd.DataFrame
            One row per group and day: ``[by] days lowest highest ratio``, ``ratio`` the highest share over the lowest
            (NaN where one is not known or nought).

        Raises
        ------
        ArgumentRefused
            If a day is not a number of at least 0.

        Examples
        --------
        See :func:`gap_curves`.
        """
        shares = np.array([curve.at(days)["share_again"].to_numpy() for curve in self.curves.values()])
        lowest, highest = shares.min(axis=0), shares.max(axis=0)
        head = self.curves["pooled"].at(days)[[*([self.by] if self.by else []), "days"]]
        ratio = np.divide(highest, lowest, out=np.full(len(lowest), np.nan), where=lowest > 0)
        return head.assign(lowest=lowest, highest=highest, ratio=ratio)

    def explain(self) -> str:
        """Say in plain English what each of the three answers, how far they lie apart, and what none of them means.

        Raises
        ------
        Nothing.
        """
        pooled = self.curves["pooled"].groups.drop(columns=[self.by] if self.by else []).sum()
        said = [
            "How soon do children go missing again? Three questions, three answers: none is wrong, but say which it is",
            *(f"{ASKED[method][0].upper()}{ASKED[method][1:]}: {QUESTIONS[method]}" for method in self.curves),
            *self._told_at(28),
            (
                f"They rest on {plural(int(pooled['n_gaps']), 'gap')} after a return of "
                f"{plural(int(pooled['n_children']), 'child', 'children')}, {int(pooled['n_complete']):,} of which "
                "ended in another episode. The others had not when observation ended, and count for as long as they "
                "were followed"
            ),
            (
                "Per child and per episode, intervals come from drawing children again and again; after the first "
                "return they use Greenwood's formula"
            ),
            (
                "Per child assumes that a child's gaps come in no particular order. Per episode is about episodes: a "
                "few children with many dominate it. 'First' is first on file. Late days rest on few children: look "
                "at how many were still followed"
            ),
        ]
        if pooled["n_zero_gaps"]:
            said.append(
                f"{plural(int(pooled['n_zero_gaps']), 'gap')} of length nought (gone again the same day) are in"
            )
        if pooled["n_not_recorded"]:
            said.append(f"{plural(int(pooled['n_not_recorded']), 'gap')} of unknown length had to be left out")
        return ". ".join(s.removesuffix(".") for s in said) + "."

    def _told_at(self, day: int) -> list[str]:
        spread = self.spread([day]).dropna()
        if spread.empty:
            return []
        if self.by is not None:
            most = float(spread["ratio"].max())
            return [f"Within {day} days the highest of the three is up to {most:.1f} times the lowest of its group"]
        shares = self.at([day]).set_index("method")["share_again"]
        told = ", ".join(f"{ASKED[method]} {shares[method]:.0%}" for method in self.curves)
        return [
            (
                f"Within {day} days: {told}; the highest is {float(spread['ratio'].iloc[0]):.1f} times the lowest. "
                "They lie far apart where few children have many gaps"
            )
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the three curves against days; with groups, one colour for each and a line style for each question.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        for method, curve in self.curves.items():
            for k, (label, rows) in enumerate(rows_of(curve.table, curve.groups, self.by)):
                place = k if self.by is not None else list(self.curves).index(method)
                colour = PALETTE[place % len(PALETTE)]
                name = ASKED[method] if self.by is None else f"{self.by}: {label}, {ASKED[method]}"
                days = np.concatenate([[0.0], rows["days"].to_numpy()])
                share = np.concatenate([[0.0], rows["share_again"].to_numpy()])
                ax.step(days, share, where="post", linestyle=_STYLES[method], color=colour, label=name)
                if self.by is None:
                    band = [np.concatenate([[np.nan], rows[c].to_numpy()]) for c in ("lower", "upper")]
                    ax.fill_between(days, band[0], band[1], step="post", alpha=0.15, color=colour, linewidth=0)
        ax.legend(frameon=False)
        ax.set_xlabel("Days since return")
        ax.set_ylabel("Share gone missing again")
        ax.set_xlim(left=0)
        ax.set_ylim(0, 1)
        from matplotlib.ticker import PercentFormatter

        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        return ax


def gap_curves(gaps: pd.DataFrame, by: str | None = None, *, random_state: int = 0, n_boot: int = 200) -> GapCurves:
    """Estimate how soon children go missing again in three ways, side by side.

    Studies print one of the three, often without saying which, and they can differ two- or threefold: per child (Wang
    and Chang 1999), per episode (Kaplan-Meier over all gaps), and after the first return.

    Parameters
    ----------
    gaps : pd.DataFrame
        As :func:`missing_patterns.gap_times` gives: ``child_id episode_no gap_days event``.
    by : str, optional
        A column of ``gaps``: curves for each value, blanks as "not recorded".
    random_state : int, default 0
        Seed of the bootstrap.
    n_boot : int, default 200
        Resamples of children, for ``per_child`` and ``pooled``; below 2 gives no intervals.

    Returns
    -------
    GapCurves

    Raises
    ------
    TableRefused
        If a column is absent, a gap negative or infinite, ``event`` not 0 or 1, or ``episode_no`` blank.
    ArgumentRefused
        If the column to group by, the seed or the number of resamples cannot be used.

    Examples
    --------
    >>> gaps = pd.DataFrame({
    ...     "child_id": ["A", "A", "A", "B", "C", "D"],
    ...     "episode_no": [1, 2, 3, 1, 1, 1],
    ...     "gap_days": [3.0, 5.0, 40.0, 60.0, 20.0, 90.0],
    ...     "event": [1, 1, 0, 0, 1, 0],
    ... })
    >>> curves = gap_curves(gaps)
    >>> curves
    GapCurves: 6 gaps after a return of 4 children in 1 group, asked in three ways
    >>> curves.at([7])[["asked", "share_again", "n_children_at_risk"]].round(3)
                        asked  share_again  n_children_at_risk
    0               per child        0.250                   3
    1             per episode        0.333                   4
    2  after the first return        0.250                   3
    >>> curves.spread([7])["ratio"].round(2).tolist()
    [1.33]
    """
    methods: tuple[Method, ...] = get_args(Method)
    return GapCurves(
        by, {m: gap_curve(gaps, method=m, by=by, random_state=random_state, n_boot=n_boot) for m in methods}
    )
