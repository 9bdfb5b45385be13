"""Could the short-run clustering be chance? A test whose yardstick is made-up data without any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import Floats
from missing_patterns.recurrence.drawing import new_axes
from missing_patterns.recurrence.dynamics.fit import Fitted, fit_full, fit_null
from missing_patterns.recurrence.dynamics.history import History
from missing_patterns.recurrence.dynamics.likelihood import Likelihood
from missing_patterns.recurrence.dynamics.rows import Rows
from missing_patterns.recurrence.dynamics.simulate import Windows, draw_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DynamicsTest:
    """Whether episodes cluster more than children's own rates explain. Made by :meth:`RepeatDynamics.test`.

    Parameters
    ----------
    statistic : float
        Twice the gain in log-likelihood from letting episodes go with later ones.
    p_value : float
        (1 + made-up sets with at least as large a statistic) / (1 + made-up sets).
    simulated : array of float
        The statistic in each made-up set: the same children and days at risk, their own rates, no clustering.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :class:`RepeatDynamics`.
    """

    statistic: float
    p_value: float
    simulated: Floats

    def __repr__(self) -> str:
        return (
            f"DynamicsTest: statistic {self.statistic:.2f}, p = {self.p_value:.3g}, {len(self.simulated)} made-up sets"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row: ``statistic critical_95 p_value n_boot``; ``critical_95`` is exceeded by 5 % of made-up sets.

        Raises
        ------
        Nothing.
        """
        row = {
            "statistic": self.statistic,
            "critical_95": float(np.quantile(self.simulated, 0.95)),
            "p_value": self.p_value,
            "n_boot": len(self.simulated),
        }
        return pd.DataFrame([row])

    def explain(self) -> str:
        """Say in plain English what was tested, how, and what the answer does not mean.

        Raises
        ------
        Nothing.
        """
        n, above = len(self.simulated), int(np.sum(self.simulated >= self.statistic))
        found = f"none of the {n} made-up sets" if above == 0 else f"{above} of the {n} made-up sets"
        return (
            f"Data were made up {n} times for the same children and days at risk, each child with a rate of their own "
            "and no clustering of episodes; each set was fitted as the data were. Clustering as strong as in the data "
            f"came out in {found} (p = {self.p_value:.3g}). The usual tables of chi-squared do not hold here, because "
            "clustering cannot be negative and without any there is no lag. A small p-value says that a steady rate "
            "for each child does not explain the data; it does not say that one episode leads to the next."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the made-up sets' statistics and where that of the data lies.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        ax.hist(self.simulated, bins=20, color="#A285D1", edgecolor="white")
        most = max(float(self.simulated.max()), 4.0)
        beyond = self.statistic > 2.0 * most  # then the made-up sets would be a sliver at the left
        edge = 1.3 * most if beyond else 1.05 * max(most, self.statistic)
        if beyond:
            label, at, side = f"the data: {self.statistic:,.0f} \N{RIGHTWARDS ARROW}", edge, "right"
        else:
            ax.axvline(self.statistic, color="#12436D", linewidth=2)
            label, at, side = "the data", self.statistic, "left" if self.statistic < 0.5 * edge else "right"
        ax.annotate(
            label,
            (at, 0.95),
            xycoords=("data", "axes fraction"),
            xytext=(6 if side == "left" else -6, 0),
            textcoords="offset points",
            ha=side,
            color="#12436D",
        )
        ax.set_xlim(0, edge)
        ax.set_xlabel("Evidence of clustering (likelihood ratio)")
        ax.set_ylabel("Made-up sets without clustering")
        ax.locator_params(axis="y", integer=True)
        ax.spines[["top", "right"]].set_visible(False)
        return ax


def bootstrap_test(
    rows: Rows, full: Fitted, null: Fitted, *, zero_truncated: bool, n_nodes: int, n_boot: int, random_state: int
) -> DynamicsTest:
    """Compare twice the gain in log-likelihood with that in data made up from the fit without excitation.

    Raises
    ------
    Nothing.
    """
    statistic = 2.0 * max(full.value.loglik - null.value.loglik, 0.0)
    windows = Windows(rows, null.at.slopes)
    rng = np.random.default_rng(random_state)
    simulated = np.empty(n_boot)
    for b in range(n_boot):
        drawn = draw_rows(windows, null.at, rng, on_file=zero_truncated)
        likelihood = Likelihood(History(drawn), zero_truncated=zero_truncated, n_nodes=n_nodes)
        without = fit_null(likelihood)
        gain = fit_full(likelihood, without).value.loglik - without.value.loglik
        simulated[b] = 2.0 * max(gain, 0.0)
    at_least = int(np.sum(simulated >= statistic))
    return DynamicsTest(statistic, (1 + at_least) / (1 + n_boot), simulated)
