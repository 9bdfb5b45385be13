"""What a repeat model showed: tables about groups, an explanation and a model card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RepeatModel:
    """What a repeat model showed, as tables about groups; there is no way to score a child with it.

    Parameters
    ----------
    purpose : str
        Why it was made, in the caller's words.
    horizon_days : int
        A repeat is an episode that begins within so many days of the return.
    split_at, observed_until : pd.Timestamp
        End of the training part, and of observation.
    accounting : dict
        Returns read, and what became of each: ``n_returns = n_train + n_embargo + n_test + n_too_recent +
        n_left_early + n_no_gap``.
    performance : pd.DataFrame
        One row per way to predict, on the test part: ``name n_returns n_children n_repeats auc auc_lower auc_upper
        average_precision brier brier_lower brier_upper calibration_intercept calibration_slope``. Intervals are
        95 % bootstrap over children.
    auc_gain : tuple of float
        AUC of the model less that of the benchmark, with its interval.
    groups_by_risk : pd.DataFrame
        Test returns in up to ten groups of rising predicted risk, each of at least 10 children:
        ``group n_returns n_children n_repeats predicted observed``.
    subgroups : pd.DataFrame
        The same by ``column`` and ``value`` of the groups asked for, small ones pooled, with ``expected`` repeats,
        their ratio ``observed_to_expected`` and ``auc``.
    net_benefit : pd.DataFrame
        By ``threshold``: net benefit of acting on the model, on the benchmark, on everyone (no one is 0).
    coefficients : pd.DataFrame
        ``column odds_ratio_per_sd``, largest effect first; shrunk, so without intervals.

    Raises
    ------
    Nothing.
    """

    purpose: str
    horizon_days: int
    split_at: pd.Timestamp
    observed_until: pd.Timestamp
    accounting: dict[str, int]
    performance: pd.DataFrame
    auc_gain: tuple[float, float, float]
    groups_by_risk: pd.DataFrame
    subgroups: pd.DataFrame
    net_benefit: pd.DataFrame
    coefficients: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"RepeatModel: {self.horizon_days} days, trained on {self.accounting['n_train']:,} returns, "
            f"tested on {self.accounting['n_test']:,}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table ``performance``: the model beside its benchmarks, on the test part.

        Raises
        ------
        Nothing.
        """
        return self.performance.copy()

    def explain(self) -> str:
        """Say in plain English what was done, on how many children and returns, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        model = self.performance.set_index("name").loc["model"]
        gain, low, high = self.auc_gain
        verdict = (
            "It told repeats apart better than the number of episodes in the last 90 days alone"
            if low > 0
            else "It was not shown to tell repeats apart better than the number of episodes in the last 90 days alone"
        )
        return (
            f"A logistic model of another episode within {self.horizon_days} days of a return was trained on "
            f"{self.accounting['n_train']:,} returns up to {_last_day(self.split_at)} and tested on "
            f"{int(model['n_returns']):,} later returns of {int(model['n_children']):,} children, of which "
            f"{int(model['n_repeats']):,} were followed by a repeat. {verdict} "
            f"(AUC {model['auc']:.2f}, difference {gain:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}). "
            f"Calibration slope {model['calibration_slope']:.2f} (1 is right; below 1 predicts too extremely). "
            "These are associations in recorded data, not causes. It says how groups fared; it must not be used to "
            "decide about, rank or score a child, and a published trial of such models in four English "
            "authorities found no evidence that they worked well."
        )

    def model_card(self) -> dict[str, str]:
        """Return a model card under headings like those of the Algorithmic Transparency Recording Standard.

        Lines in [brackets] are for the council to fill in.

        Raises
        ------
        Nothing.
        """
        kept = ", ".join(f"{k[2:].replace('_', ' ')} {v:,}" for k, v in self.accounting.items())
        tables = "; ".join(
            f"{r.name}: AUC {r.auc:.2f} ({r.auc_lower:.2f} to {r.auc_upper:.2f}), Brier {r.brier:.3f}"
            for r in self.performance.itertuples()
        )
        return {
            "Name": f"Repeat within {self.horizon_days} days of a return",
            "Description": self.explain(),
            "Purpose": self.purpose,
            "Owner and contact": "[council, team, address]",
            "Senior responsible person": "[name of post]",
            "Intended use": "To describe groups of returns and to plan services. Figures about groups only.",
            "Not for": "Decisions about a child, ranking or scoring children, comparing workers, homes or councils.",
            "Human oversight": "[who reads it, and how they may set it aside]",
            "Legal basis and impact assessments": "[data protection and equality impact assessments, with dates]",
            "Data": f"Returns from missing episodes. {kept}. Observed until {_last_day(self.observed_until)}.",
            "Outcome": f"Another episode that begins within {self.horizon_days} days of the return, as recorded.",
            "Method": "Ridge logistic regression, penalty by cross-validation over children inside the training part; "
            f"{len(self.coefficients)} predictors, all known at the return; test part later in time, with returns "
            "whose outcome falls across the split left out.",
            "Performance": f"On the test part. {tables}.",
            "Fairness": f"Tables by: {', '.join(dict.fromkeys(self.subgroups['column'])) or 'none asked for'}.",
            "Risks": "Recording differs between teams and over time; more recorded children look riskier. Children "
            "whose observation ended within the horizon are left out. Use can feed back into what is recorded.",
            "Review": "[date; drop it when calibration slope leaves 0.8 to 1.2 or the gain over counting is gone]",
        }

    def plot(self, ax: Any = None) -> Any:
        """Draw predicted against observed share of repeats, by group of risk.

        Raises
        ------
        Nothing.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=(5, 5), layout="constrained")[1]
        table = self.groups_by_risk
        ax.plot([0, 1], [0, 1], color="#3D3D3D", linestyle=":", linewidth=1)
        ax.plot(table["predicted"], table["observed"], marker="o", color="#12436D")
        ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="Predicted share", ylabel="Observed share")
        ax.set_title(
            f"Repeats within {self.horizon_days} days: predicted and observed, by group", loc="left", fontsize=10
        )
        return ax


def _last_day(end: pd.Timestamp) -> str:
    """Word the last day before an end: midnight after the 28th is the 28th."""
    day = end - pd.Timedelta(1, unit="us")
    return f"{day.day} {day:%B %Y}"
