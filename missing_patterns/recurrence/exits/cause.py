"""Rate ratios of episodes, and of exits, each among those still there: one Cox model per way to end (E9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.errors import TableRefused
from missing_patterns.recurrence.common import plural
from missing_patterns.recurrence.cox.drawing import log_axis
from missing_patterns.recurrence.cox.likelihood import Ties
from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.drawing import new_axes
from missing_patterns.recurrence.exits.ends import IN_WORDS, Exits, Gaps, read_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CauseSpecific:
    """Rate ratios for each way in which spells end. Made by :func:`cause_specific`.

    Parameters
    ----------
    models : dict
        End -> the fitted :class:`RecurrentCox`; ends that never came are not there.
    n_ended : dict
        End -> spells that ended so.
    n_children, n_spells : int
        What went in.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`cause_specific`.
    """

    models: dict[str, RecurrentCox]
    n_ended: dict[str, int]
    n_children: int
    n_spells: int

    def __repr__(self) -> str:
        ended = ", ".join(f"{n:,} by '{end}'" for end, n in self.n_ended.items())
        return f"CauseSpecific: {plural(self.n_spells, 'spell')}, ended {ended}"

    def summary(self) -> pd.DataFrame:
        """Return one row per end and covariate: ``end`` and the columns of ``RecurrentCox.summary``.

        Raises
        ------
        Nothing.
        """
        parts = []
        for end, model in self.models.items():
            part = pd.DataFrame(model.summary())
            part.insert(0, "end", end)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        basis = (
            f"{plural(self.n_spells, 'spell')} of {plural(self.n_children, 'child', 'children')} were followed until "
            "the first thing that ended them. For each way to end, the rate among spells still going was modelled by "
            "itself (cause-specific Cox); turning 18 and the end of the data only end the follow-up"
        )
        said = [basis]
        for end, n in self.n_ended.items():
            if end not in self.models:
                said.append(f"None {IN_WORDS[end]}, so there is no model of that")
                continue
            rows = self.models[end].summary()
            ratios = "; ".join(
                f"'{row.covariate}' {row.rate_ratio:.2f} ({row.lower:.2f} to {row.upper:.2f})"
                if np.isfinite(row.lower)
                else f"'{row.covariate}' cannot be told"
                for row in rows.itertuples()
            )
            said.append(f"{n:,} {IN_WORDS[end]}; rate ratios, with 95 % intervals by child: {ratios}")
        said.append(
            "A rate ratio above 1 says that a column goes with the end coming sooner among those still there; it says "
            "nothing about the share that ends so, which hangs on the other ends too (see cumulative_incidence), nor "
            "what brings it about"
        )
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the rate ratios with their intervals, one mark per end, on a log scale.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        table = self.summary()
        names = list(dict.fromkeys(table["covariate"]))
        n = len(self.models)
        marks = ("o", "s", "^", "D", "v")
        colours = ("#12436D", "#F46A25", "#28A197", "#801650", "#3D3D3D")
        for k, (end, rows) in enumerate(table.groupby("end", sort=False)):
            at = np.array([len(names) - 1 - names.index(name) for name in rows["covariate"]]) + (n - 1 - 2 * k) * 0.1
            ax.hlines(at, rows["lower"], rows["upper"], color=colours[k % 5])
            label = IN_WORDS[str(end)]
            ax.plot(rows["rate_ratio"], at, linestyle="none", marker=marks[k % 5], color=colours[k % 5], label=label)
        ax.axvline(1.0, color="grey", linestyle="--", linewidth=1)
        log_axis(ax, "x", table[["rate_ratio", "lower", "upper"]].to_numpy(dtype=float).ravel())
        ax.set_yticks(np.arange(len(names))[::-1], names)
        ax.set_ylim(-0.6, len(names) - 0.4)
        ax.set_xlabel("Rate ratio, with 95 % interval (log scale)")
        ax.legend(frameon=False)
        return ax


def cause_specific(
    table: pd.DataFrame,
    columns: str | Sequence[str],
    *,
    exits: Exits = "together",
    gaps: Gaps = "every",
    ties: Ties = "efron",
    strata: str | Sequence[str] | None = None,
) -> CauseSpecific:
    """Estimate rate ratios of episodes and of exits, each among spells still going.

    Parameters
    ----------
    table : pd.DataFrame
        Gaps or intervals with ``ended_by``, as :func:`cumulative_incidence` takes them, and covariates.
    columns : str or sequence of str
        Columns that hold numbers or true/false, or a formula, as :class:`RecurrentCox` takes them.
    exits, gaps
        As for :func:`cumulative_incidence`.
    ties, strata
        As for :class:`RecurrentCox`.

    Returns
    -------
    CauseSpecific
        The clock is the table's own: days since a return for gaps, days since the origin for intervals.

    Raises
    ------
    TableRefused
        As :func:`cumulative_incidence` and :class:`RecurrentCox`; or if nothing but the end of follow-up ended a
        spell.
    ArgumentRefused
        If an argument is not known.

    Warns
    -----
    EstimateDoubtful
        As :class:`RecurrentCox`.

    Notes
    -----
    Prentice RL et al. (1978), The analysis of failure times in the presence of competing risks, Biometrics 34:541-554:
    the other ends are taken as the end of follow-up, which leaves the rates among those still there as they are.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> n, age = 300, np.tile([11, 13, 15, 16], 75)
    >>> days, leaves = rng.exponential(np.exp(6.5 - 0.1 * age)), rng.exponential(400, n)
    >>> gaps = pd.DataFrame({"child_id": range(n), "episode_no": 1, "gap_days": np.minimum(days, leaves),
    ...                      "event": (days < leaves).astype(int), "age": age,
    ...                      "ended_by": np.where(days < leaves, "episode", "left_care")})
    >>> cause_specific(gaps, ["age"])
    CauseSpecific: 300 spells, ended 206 by 'episode', 94 by 'exit'
    """
    ends = read_ends(table, exits=exits, gaps=gaps)
    spells = ends.frame.iloc[ends.row].reset_index(drop=True).drop(columns=["gap_days"], errors="ignore")
    # A gap of no length ends on day 0, before which it must have begun to be at risk.
    origin = 0.0 if ends.stop.min(initial=1.0) > 0 else -1e-3
    spells["child_id"] = ends.child
    spells["start"] = np.where(np.isfinite(ends.start), ends.start, origin)
    spells["stop"] = ends.stop
    n_ended = {end: int((ends.cause == k).sum()) for k, end in enumerate(ends.ends, start=1)}
    if not any(n_ended.values()):
        name = "gaps" if ends.is_gaps else "intervals"
        raise TableRefused.of_problems(name, ["no spell ended in an episode or an exit"])
    models = {}
    for k, end in enumerate(ends.ends, start=1):
        if n_ended[end]:
            event = (ends.cause == k).astype(np.int64)
            models[end] = RecurrentCox(ties=ties, strata=strata).fit(spells.assign(event=event), columns)
    return CauseSpecific(models, n_ended, len(np.unique(ends.child)), len(ends.row))
