"""How far the share of repeats hangs on choices: how long a window is, what came before it, and what is joined (E1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.episodes.build import build_episodes
from missing_patterns.errors import ArgumentRefused
from missing_patterns.recurrence.common import plural
from missing_patterns.recurrence.drawing import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHOICES = {
    "window": "episodes of the last months; a repeat is one after the child's first in them",
    "history": "the same episodes; a repeat is one after the child's first on file, however long ago",
    "merge_gap": "episodes of the longest window, made anew with incidents joined that are so far apart",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RepeatSensitivity:
    """Shares of repeats under other choices. Made by :func:`repeat_sensitivity`.

    Parameters
    ----------
    table : pd.DataFrame
        One row per choice and setting: ``choice setting n_children n_episodes strict_repeats share_strict
        episodes_of_repeaters share_of_repeaters``. ``choice`` one of ``window``, ``history``, ``merge_gap``.
    n_months_on_file : float
        From the first episode on file to the end of observation.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`repeat_sensitivity`.
    """

    table: pd.DataFrame
    n_months_on_file: float

    def __repr__(self) -> str:
        return f"RepeatSensitivity: {plural(len(self.table), 'setting')}"

    def summary(self) -> pd.DataFrame:
        """Return a copy of ``table``.

        Raises
        ------
        Nothing.
        """
        return self.table.copy()

    def explain(self) -> str:
        """Say in plain English how far the share moves, and why.

        Raises
        ------
        Nothing.
        """
        windows = self.table[self.table["choice"] == "window"]
        past = self.table[self.table["choice"] == "history"].set_index("setting")
        said = []
        for row in windows.itertuples():
            if not row.n_episodes:
                said.append(f"In the last {row.setting} there is no episode")
                continue
            said.append(
                f"In the last {row.setting}, {plural(int(row.n_children), 'child', 'children')} had "
                f"{plural(int(row.n_episodes), 'episode')}: {row.share_strict:.0%} were strict repeats, and "
                f"{past.loc[row.setting, 'share_strict']:.0%} if episodes before then count; "
                f"{row.share_of_repeaters:.0%} belonged to children with two or more"
            )
        merged = self.table[self.table["choice"] == "merge_gap"]
        if len(merged) > 1 and merged["n_episodes"].min() > 0:
            low, high = merged["share_strict"].min(), merged["share_strict"].max()
            said.append(
                f"Joining incidents up to {merged['setting'].iloc[-1]} apart, rather than {merged['setting'].iloc[0]}, "
                f"leaves {plural(int(merged['n_episodes'].iloc[-1]), 'episode')} of "
                f"{merged['n_episodes'].iloc[0]:,}; the strict share lies between {low:.0%} and {high:.0%}"
            )
        said.append(
            "A longer window finds more repeats whatever the children do, and what came before the records began is "
            "not known, so shares can be compared only between windows of one length, joined by one rule"
        )
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the shares by length of window.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        lines = (
            ("window", "share_of_repeaters", "of children with two or more", "s", "#F46A25"),
            ("history", "share_strict", "not the child's first on file", "^", "#28A197"),
            ("window", "share_strict", "not the child's first in the window", "o", "#12436D"),
        )
        for choice, column, label, mark, colour in lines:
            rows = self.table[self.table["choice"] == choice]
            at = np.arange(len(rows))
            ax.plot(at, 100 * rows[column].to_numpy(dtype=float), marker=mark, color=colour, label=label)
            ax.set_xticks(at, rows["setting"].tolist())
        ax.set_xlabel("Length of the window, up to the end of observation")
        ax.set_ylabel("% of episodes")
        ax.set_ylim(0, 100)
        ax.legend(frameon=False)
        return ax


def _row(choice: str, setting: str, child: pd.Series, is_first: np.ndarray) -> dict[str, object]:
    n, counts = len(child), child.value_counts()
    strict, owned = int((~is_first).sum()), int(counts[counts >= 2].sum())
    return {
        "choice": choice,
        "setting": setting,
        "n_children": len(counts),
        "n_episodes": n,
        "strict_repeats": strict,
        "share_strict": strict / n if n else np.nan,
        "episodes_of_repeaters": owned,
        "share_of_repeaters": owned / n if n else np.nan,
    }


def repeat_sensitivity(
    episodes: pd.DataFrame,
    *,
    observed_until: str | dt.date | pd.Timestamp,
    months: Sequence[int] = (3, 6, 12, 24),
    incidents: pd.DataFrame | None = None,
    merge_gaps: Sequence[str] = ("0h", "1h", "6h", "24h"),
) -> RepeatSensitivity:
    """Show how the share of repeats moves with the length of the window, the history before it, and the joining rule.

    Parameters
    ----------
    episodes : pd.DataFrame
        One row per episode: ``child_id missing_from`` at least.
    observed_until : str, date or timestamp
        End of all windows; a bare date is observed to its end.
    months : sequence of int, default (3, 6, 12, 24)
        Lengths of the windows ``[end - months, end)``; those that begin before the first episode on file are left out,
        but for one.
    incidents : pd.DataFrame, optional
        The incidents that the episodes were made of; with them episodes are made anew by other joining rules.
    merge_gaps : sequence of str, default ("0h", "1h", "6h", "24h")
        As ``merge_gap`` of :func:`missing_patterns.build_episodes`.

    Returns
    -------
    RepeatSensitivity

    Raises
    ------
    TableRefused
        If a table is not what it should be.
    ArgumentRefused
        If a length or a joining rule cannot be used.

    Examples
    --------
    >>> episodes = pd.DataFrame({"child_id": list("AABA"), "missing_from": ["2026-01-05", "2026-05-01", "2026-05-09",
    ...                                                                     "2026-06-01"]})
    >>> made = repeat_sensitivity(episodes, observed_until="2026-06-30", months=(3, 6))
    >>> made.table[["choice", "setting", "n_episodes", "strict_repeats"]]
        choice   setting  n_episodes  strict_repeats
    0   window  3 months           3               1
    1  history  3 months           3               2
    2   window  6 months           4               2
    3  history  6 months           4               2
    """
    lengths = list(months)
    if not lengths or any(isinstance(m, bool) or not isinstance(m, int | np.integer) or m < 1 for m in lengths):
        raise ArgumentRefused("months must be whole numbers of at least 1, such as (3, 6, 12, 24).")
    until = schema.moment(observed_until)
    table = schema.conform(episodes, schema.EPISODES)
    table = table[table["missing_from"] < until].sort_values("missing_from", kind="stable")
    first_on_file = ~table["child_id"].duplicated().to_numpy()
    begun = table["missing_from"].iloc[0] if len(table) else until
    lengths = sorted({int(m) for m in lengths})
    # A window that begins before the records do is as long as the records are: one such is enough.
    enough = [m for m in lengths if until - pd.DateOffset(months=m) >= begun]
    lengths = lengths[: len(enough) + 1]
    rows = []
    for m in lengths:
        inside = (table["missing_from"] >= until - pd.DateOffset(months=m)).to_numpy(dtype=bool)
        child, name = table["child_id"][inside], f"{m} month{'s' if m > 1 else ''}"
        rows.append(_row("window", name, child, ~child.duplicated().to_numpy()))
        rows.append(_row("history", name, child, first_on_file[inside]))
    if incidents is not None:
        start = until - pd.DateOffset(months=lengths[-1])
        for gap in merge_gaps:
            made = build_episodes(incidents, merge_gap=gap, observed_until=observed_until)
            child = made.sort_values("missing_from", kind="stable")
            child = child.loc[(child["missing_from"] >= start) & (child["missing_from"] < until), "child_id"]
            rows.append(_row("merge_gap", gap, child, ~child.duplicated().to_numpy()))
    on_file = (until - begun) / pd.Timedelta(days=365.25 / 12)
    return RepeatSensitivity(table=pd.DataFrame(rows), n_months_on_file=float(on_file))
