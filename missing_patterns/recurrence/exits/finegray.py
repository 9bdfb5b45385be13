"""Predicting the share gone again where exits compete: Fine and Gray's model (E9). For prediction only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean
from missing_patterns.recurrence.common import Floats, Ints, plural
from missing_patterns.recurrence.cox.covariates import Covariates, read_covariates
from missing_patterns.recurrence.cox.likelihood import Ties
from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.drawing import new_axes
from missing_patterns.recurrence.exits.ends import EPISODE, IN_WORDS, Ends, Exits, Gaps, read_ends
from missing_patterns.recurrence.exits.johansen import aalen_johansen
from missing_patterns.recurrence.exits.subdistribution import FollowUp, weigh, weighted_covariance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THIRDS = ("lowest third", "middle third", "highest third")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FineGray:
    """A model of the share that ends in one way by each day. Made by :func:`fine_gray`.

    Parameters
    ----------
    end : str
        The end that is predicted.
    gaps : {"every", "first"}
        Which gaps went in.
    coef : pd.Series
        Log subdistribution ratios: they order predictions, and are no log rate ratios.
    covariance : pd.DataFrame
        Of the coefficients, by child, with what comes of the weights being estimated (Fine and Gray 1999).
    robust_covariance : pd.DataFrame
        By child, weights taken as known, as R's ``finegray`` with ``coxph`` has it.
    model : RecurrentCox
        The weighted model behind it; its words are not to be used.
    observed : pd.DataFrame
        Spells by thirds of their predicted share, one row per third and day: ``group days at_risk observed se
        predicted n_children``.
    n_children, n_spells, n_ended, n_other : int
        What went in: spells that ended in the way predicted, and in another that competes.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`fine_gray`.
    """

    end: str
    gaps: Gaps
    coef: pd.Series
    covariance: pd.DataFrame
    robust_covariance: pd.DataFrame
    model: RecurrentCox
    covariates: Covariates
    observed: pd.DataFrame
    n_children: int
    n_spells: int
    n_ended: int
    n_other: int

    def __repr__(self) -> str:
        return (
            f"FineGray: {plural(len(self.coef), 'covariate')}, {plural(self.n_spells, 'spell')}, "
            f"{self.n_ended:,} ended as predicted, {self.n_other:,} in another way"
        )

    def predict(self, newdata: pd.DataFrame, days: Sequence[float] = (28, 90, 365)) -> pd.DataFrame:
        """Predict the share that will have ended so, for groups described by the rows of a table.

        Parameters
        ----------
        newdata : pd.DataFrame
            One row per group, with the columns that the model was fitted on.
        days : sequence of float, default (28, 90, 365)
            Days since the clock began, at least 0.

        Returns
        -------
        pd.DataFrame
            One row per row of ``newdata`` and day: ``row days share``; NaN past the last day of follow-up.

        Raises
        ------
        ArgumentRefused
            If a day is negative or not a number.
        TableRefused
            If a column is absent, is no number or is not recorded somewhere.
        """
        wanted = np.asarray(list(days), dtype=np.float64)
        if not np.isfinite(wanted).all() or (wanted < 0).any():
            raise ArgumentRefused("days must be numbers of at least 0.")
        line = self.covariates.build(newdata) @ self.coef.to_numpy()
        share = 1 - np.exp(-np.outer(np.exp(line), _hazard(self.model, wanted)))
        share[:, wanted > self.observed["days"].max()] = np.nan
        return pd.DataFrame(
            {
                "row": np.repeat(np.arange(len(line)), len(wanted)),
                "days": np.tile(wanted, len(line)),
                "share": share.ravel(),
            }
        )

    def summary(self) -> pd.DataFrame:
        """Return one row per covariate: ``covariate coef se subdistribution_ratio lower upper``.

        Raises
        ------
        Nothing.
        """
        from missing_patterns.recurrence.common import Z95

        coef, se = self.coef.to_numpy(), np.sqrt(np.diag(self.covariance.to_numpy()))
        return pd.DataFrame(
            {
                "covariate": list(self.coef.index),
                "coef": coef,
                "se": se,
                "subdistribution_ratio": np.exp(coef),
                "lower": np.exp(coef - Z95 * se),
                "upper": np.exp(coef + Z95 * se),
            }
        )

    def calibration(self, days: float = 90) -> pd.DataFrame:
        """Compare predicted with observed shares by a day, by thirds of the predicted share.

        Parameters
        ----------
        days : float, default 90
            Days since the clock began.

        Returns
        -------
        pd.DataFrame
            ``group n_children predicted observed se``; NaN where nobody of the group was followed for so long. It is
            the data that the model was fitted on, so it flatters.

        Raises
        ------
        ArgumentRefused
            If it is no number of at least 0, or nobody at all was followed for so long.
        """
        if not 0 <= days <= self.observed["days"].max():
            raise ArgumentRefused("days must be at least 0, and no more than anybody was followed for.")
        values = ["predicted", "observed", "se"]
        rows = []
        for group, part in self.observed.groupby("group", sort=False):
            step = int(np.searchsorted(part["days"], days, side="right"))
            read = part[values].iloc[step - 1].to_numpy() if step else np.zeros(3)
            read = np.full(3, np.nan) if days > part["days"].iloc[-1] else read
            row = dict(zip(values, map(float, read), strict=True))
            rows.append({"group": group, "n_children": int(part["n_children"].iloc[0]), **row})
        return pd.DataFrame(rows)

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        what = "spells are gaps after a return" if self.gaps == "every" else "a spell is a child's first gap"
        last = min(90.0, float(self.observed.groupby("group")["days"].max().min()))
        rows = self.calibration(last)
        basis = (
            f"The share of spells that {IN_WORDS[self.end]} by each day was modelled from "
            f"{plural(len(self.coef), 'column')} (Fine and Gray) on {plural(self.n_spells, 'spell')} of "
            f"{plural(self.n_children, 'child', 'children')} ({what}): {self.n_ended:,} ended so, and {self.n_other:,} "
            "in another way that competes. Turning 18 and the end of the data only end the follow-up"
        )
        said = [basis]
        said += [
            f"In the {row.group} by predicted share, {row.predicted:.0%} were predicted by day {last:.0f} and "
            f"{row.observed:.0%} observed"
            for row in rows.itertuples()
        ]
        said.append(
            "This model is for predicting shares of groups, and not for saying what higher risks go with: its ratios "
            "are subdistribution ratios, not rate ratios, because children who have left stay in its denominator. A "
            "column that goes with leaving early has a low ratio here even if it has nothing to do with episodes. Use "
            "cause_specific for rate ratios. The comparison above is on the records that the model was made from, so "
            "it flatters. It is not for decisions about a child"
        )
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw observed and predicted shares against days, by thirds of the predicted share.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        colours = ("#12436D", "#28A197", "#801650")
        for (group, rows), colour in zip(self.observed.groupby("group", sort=False), colours, strict=False):
            days = np.concatenate([[0.0], rows["days"].to_numpy()])
            for name, style in (("observed", "-"), ("predicted", "--")):
                share = np.concatenate([[0.0], rows[name].to_numpy()])
                ax.step(days, share, where="post", linestyle=style, color=colour, label=f"{group}, {name}")
        ax.set_xlabel("Days")
        ax.set_ylabel(f"Share of spells that {IN_WORDS[self.end]}")
        ax.set_ylim(bottom=0)
        ax.set_xlim(left=0)
        ax.legend(frameon=False, fontsize="small")
        return ax


def _hazard(model: RecurrentCox, days: Floats) -> Floats:
    base = model.baseline_
    step = np.searchsorted(base["days"].to_numpy(dtype=np.float64), days, side="right")
    hazard: Floats = np.concatenate([[0.0], base["cumulative_hazard"].to_numpy(dtype=np.float64)])[step]
    return hazard


def fine_gray(
    gaps: pd.DataFrame,
    columns: str | Sequence[str],
    *,
    end: str = EPISODE,
    exits: Exits = "together",
    which: Gaps = "every",
    ties: Ties = "efron",
    follow_up_ends: FollowUp = "after",
) -> FineGray:
    """Model the share gone missing again by each day where leaving competes; for prediction only.

    Parameters
    ----------
    gaps : pd.DataFrame
        As :func:`missing_patterns.gap_times` gives when handed the table of children: ``child_id episode_no gap_days
        event ended_by``, with covariates known at the return.
    columns : str or sequence of str
        Columns that hold numbers or true/false, or a formula, as :class:`RecurrentCox` takes them.
    end : str, default "episode"
        The end that is predicted: ``episode``; or ``exit``, or with ``exits="each"`` one of the exits' reasons.
    exits : {"together", "each"}, default "together"
        One way to leave, or one for each reason.
    which : {"every", "first"}, default "every"
        Every gap, or each child's first.
    ties : {"efron", "breslow"}, default "efron"
        As for :class:`RecurrentCox`.
    follow_up_ends : {"after", "with"}, default "after"
        Of one day, whether follow-up ends after all else, as R's ``finegray`` has it, or with it, as ``crr`` has it.

    Returns
    -------
    FineGray

    Raises
    ------
    TableRefused
        As :func:`cumulative_incidence` and :class:`RecurrentCox`; or if the table is one of intervals.
    ArgumentRefused
        If an option is not known.

    Warns
    -----
    EstimateDoubtful
        As :class:`RecurrentCox`.

    Notes
    -----
    Fine JP, Gray RJ (1999), A proportional hazards model for the subdistribution of a competing risk, JASA 94:496-509.
    The numbers of R's ``coxph`` on ``survival::finegray`` (``robust_covariance``, Efron's ties), and of ``cmprsk::crr``
    (``covariance``, with Breslow's ties and follow-up that ends with all else).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> n, age = 300, np.tile([11, 13, 15, 16], 75)
    >>> days, leaves = rng.exponential(np.exp(6.5 - 0.1 * age)), rng.exponential(400, n)
    >>> gaps = pd.DataFrame({"child_id": range(n), "episode_no": 1, "gap_days": np.minimum(days, leaves),
    ...                      "event": (days < leaves).astype(int), "age": age,
    ...                      "ended_by": np.where(days < leaves, "episode", "left_care")})
    >>> fine_gray(gaps, ["age"])
    FineGray: 1 covariate, 300 spells, 206 ended as predicted, 94 in another way
    """
    ends = read_ends(gaps, exits=exits, gaps=which)
    if follow_up_ends not in get_args(FollowUp):
        raise ArgumentRefused("follow_up_ends must be 'after' or 'with'.")
    if not ends.is_gaps:
        raise TableRefused.of_problems("gaps", ["it holds intervals; this model takes gaps, as gap_times gives"])
    if end not in ends.ends:
        raise ArgumentRefused(f"end must be one of {', '.join(ends.ends)}.{did_you_mean(str(end), ends.ends)}")
    at = ends.ends.index(end) + 1
    kind = np.where(ends.cause == at, 1, np.where(ends.cause > 0, 2, 0))
    frame = ends.frame.iloc[ends.row].reset_index(drop=True)
    covariates, matrix = read_covariates(frame, columns, "gaps")
    if not (kind == 1).any():
        raise TableRefused.of_problems("gaps", ["no spell ended in the way that is to be predicted"])
    made = weigh(ends.stop, kind, follow_up_ends)
    pieces = pd.DataFrame(matrix[made.row], columns=list(covariates.names))
    pieces["child_id"], pieces["event"] = ends.child[made.row], made.event.astype(np.int64)
    pieces["start"], pieces["stop"] = made.start, made.stop
    model = RecurrentCox(ties=ties).fit(pieces, list(covariates.names), weights=made.weight)  # type: ignore[arg-type]
    names = list(covariates.names)
    wide = weighted_covariance(model, ends.stop, kind, made, matrix)
    covariance = pd.DataFrame(wide, index=names, columns=names)
    return FineGray(
        end=end,
        gaps=which,
        coef=model.coef_,
        covariance=covariance,
        robust_covariance=model.robust_covariance_,
        model=model,
        covariates=covariates,
        observed=_by_thirds(model, ends, kind, matrix @ model.coef_.to_numpy()),
        n_children=len(np.unique(ends.child)),
        n_spells=len(ends.row),
        n_ended=int((kind == 1).sum()),
        n_other=int((kind == 2).sum()),
    )


def _by_thirds(model: RecurrentCox, ends: Ends, kind: Ints, line: Floats) -> pd.DataFrame:
    """Return observed and predicted shares by thirds of the predicted share; equal predictions stay together."""
    third = np.searchsorted(np.quantile(line, [1 / 3, 2 / 3]), line)
    parts = []
    for k, name in enumerate(THIRDS):
        here = third == k
        if not here.any():
            continue
        curves = aalen_johansen(ends.child[here], ends.start[here], ends.stop[here], kind[here], 2)
        rates, n_same = np.unique(np.exp(line[here]), return_counts=True)
        hazard = _hazard(model, curves.days)
        predicted = np.zeros(len(curves.days))
        for block in np.array_split(np.arange(len(rates)), max(1, len(rates) * len(hazard) // 5_000_000)):
            predicted += n_same[block] @ -np.expm1(-np.outer(rates[block], hazard))
        parts.append(
            pd.DataFrame(
                {
                    "group": name,
                    "days": curves.days,
                    "at_risk": curves.at_risk,
                    "observed": curves.share[0],
                    "se": curves.se[0],
                    "predicted": predicted / here.sum(),
                    "n_children": len(np.unique(ends.child[here])),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
