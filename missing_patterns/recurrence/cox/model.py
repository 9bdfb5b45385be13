"""Rate ratios for repeat episodes: the Cox model on the counting process, with errors that know children (E5)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from missing_patterns.errors import ArgumentRefused, EstimateDoubtful, TableRefused, did_you_mean
from missing_patterns.recurrence.common import Floats, plural
from missing_patterns.recurrence.cox.design import Clock, Design, read_design
from missing_patterns.recurrence.cox.likelihood import Likelihood, Ties, score_by_cluster
from missing_patterns.recurrence.cox.newton import maximise
from missing_patterns.recurrence.cox.parts import ChiSquared, baseline_table, chi_squared, hidden_where, strata_table
from missing_patterns.recurrence.cox.risk import risk_sets

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Below so many clusters the robust covariance is itself uncertain, and comes out too small.
FEW_CLUSTERS = 20

Transform = Literal["km", "identity", "rank", "log"]


class RecurrentCox:
    """Cox model for episodes that may come again: Andersen-Gill, and Prentice-Williams-Peterson by strata.

    The rate of going missing at a moment is a baseline, common to all in a stratum, times ``exp(x b)``. With a robust
    covariance by child (Lin, Wei, Yang and Ying 2000) it needs no assumption on how a child's episodes hang together:
    ``exp(b)`` is a ratio of rates.

    Parameters
    ----------
    ties : {"efron", "breslow"}, default "efron"
        What to do with episodes of one day. Efron's rule is nearer the truth where they are many.
    strata : str or sequence of str, optional
        Columns whose combinations have a baseline of their own.
    cluster : str or None, default "child_id"
        Whose rows are alike, for the robust covariance. None = every row for itself.
    time : {"total", "gap"}, default "total"
        The clock: days since the origin, or days since the spell began. A row that begins where the child's row before
        ended without an episode goes on with the same spell, so rows may be cut where a covariate changes.

    Attributes
    ----------
    coef_ : pd.Series
        Log rate ratios, by name.
    covariance_, robust_covariance_ : pd.DataFrame
        Of the coefficients: from the model, and robust by cluster. NaN for coefficients in ``runs_off_``.
    loglik_, loglik_null_ : float
        Log partial likelihood at the estimate, and where all coefficients are 0.
    score_test_, wald_test_, likelihood_ratio_test_ : ChiSquared
        That all coefficients are 0. Wald's is robust where there are clusters; the other two are not.
    robust_score_test_ : ChiSquared
        The score test with a variance by cluster.
    baseline_ : pd.DataFrame
        One row per stratum and event time: ``[strata] days at_risk events hazard cumulative_hazard``, for a row whose
        covariates and offset are all 0. ``at_risk`` counts rows.
    means_ : pd.Series
        Mean of each covariate over the rows.
    n_children_, n_clusters_, n_episodes_, n_rows_, n_iterations_ : int
        What went in, and Newton's steps.
    n_zero_length_ : int
        Rows without length, which are left out, with the episodes on them (``n_zero_length_episodes_``).
    days_at_risk_ : float
        Length of all rows.
    runs_off_ : dict
        Covariate -> +1 or -1, where the coefficient runs off to infinity: only its sign has a meaning.
    warnings_ : tuple of str
        What was warned of.
    feature_names_in_ : array of str
        Names of the covariates.
    strata_ : pd.DataFrame
        One row per stratum: ``[strata] n_rows n_children n_episodes days_at_risk``.
    design_ : Design
        The arrays behind it all; for local use.

    Raises
    ------
    ArgumentRefused
        If an argument is not one of those allowed.

    Notes
    -----
    The same numbers as R's ``coxph(Surv(start, stop, event) ~ ..., cluster = child_id, ties = ...)``, covariances
    included; R's exact method for ties is not here. Rows count as at risk on (start, stop].

    Examples
    --------
    >>> spells = [
    ...     (f"k{child}", 30 * i, 30 * (i + 1), int((child + i) % (2 + child % 3) == 0), child % 3 == 0, 11 + child % 7)
    ...     for child in range(60)
    ...     for i in range(4)
    ... ]
    >>> intervals = pd.DataFrame(spells, columns=["child_id", "start", "stop", "event", "in_care", "age"])
    >>> model = RecurrentCox().fit(intervals, ["in_care", "age"])
    >>> model
    RecurrentCox (efron ties, total time): 2 covariates, 80 episodes of 60 children
    >>> model.coef_.round(4).to_dict()
    {'in_care': 0.7743, 'age': 0.0018}
    """

    coef_: pd.Series
    covariance_: pd.DataFrame
    robust_covariance_: pd.DataFrame
    loglik_: float
    loglik_null_: float
    score_test_: ChiSquared
    wald_test_: ChiSquared
    likelihood_ratio_test_: ChiSquared
    baseline_: pd.DataFrame
    strata_: pd.DataFrame
    means_: pd.Series
    feature_names_in_: Any
    runs_off_: dict[str, int]
    warnings_: tuple[str, ...]
    days_at_risk_: float
    n_children_: int
    n_clusters_: int
    n_episodes_: int
    n_rows_: int
    n_iterations_: int
    n_zero_length_: int
    n_zero_length_episodes_: int
    design_: Design

    def __init__(
        self,
        ties: Ties = "efron",
        strata: str | Sequence[str] | None = None,
        cluster: str | None = "child_id",
        time: Clock = "total",
    ) -> None:
        if ties not in get_args(Ties):
            hint = did_you_mean(str(ties), get_args(Ties))
            raise ArgumentRefused(f"ties must be 'efron' or 'breslow'; R's exact method is not offered.{hint}")
        if time not in get_args(Clock):
            raise ArgumentRefused("time must be 'total' (days since the origin) or 'gap' (days since the spell began).")
        self.ties, self.strata, self.cluster, self.time = ties, strata, cluster, time

    def __repr__(self) -> str:
        kind = f"RecurrentCox ({self.ties} ties, {self.time} time)"
        if not hasattr(self, "coef_"):
            return f"{kind}: not fitted"
        return (
            f"{kind}: {plural(len(self.coef_), 'covariate')}, {plural(self.n_episodes_, 'episode')} of "
            f"{plural(self.n_children_, 'child', 'children')}"
        )

    def fit(
        self,
        intervals: pd.DataFrame,
        columns_or_formula: str | Sequence[str],
        *,
        weights: str | Sequence[float] | None = None,
        offset: str | Sequence[float] | None = None,
    ) -> RecurrentCox:
        """Estimate the coefficients.

        Parameters
        ----------
        intervals : pd.DataFrame
            One row per spell at risk, on (start, stop]: ``child_id start stop event`` (days) and covariates, which may
            change from row to row of a child. Rows of one child may overlap where every child is followed for each
            episode in turn (Wei, Lin and Weissfeld).
        columns_or_formula : str or sequence of str
            Columns that hold numbers or true/false, or a formula such as ``"age + C(placement_type)"``.
        weights, offset : str or sequence of float, optional
            A column, or one number per row: weights above 0; the offset is added to ``x b``.

        Returns
        -------
        RecurrentCox
            Itself, fitted.

        Raises
        ------
        ArgumentRefused
            If an argument names no column, or the formula cannot be read.
        TableRefused
            If the table is not one of intervals; if a covariate is not recorded somewhere, does not vary, or follows
            from others; if there is no episode; or if there are no more clusters than covariates.

        Warns
        -----
        EstimateDoubtful
            If a coefficient runs off to infinity, the search does not come to rest, or clusters are few.
        """
        design = read_design(
            intervals,
            columns_or_formula,
            strata=self.strata,
            cluster=self.cluster,
            time=self.time,
            weights=weights,
            offset=offset,
        )
        p = len(design.names)
        if design.n_clusters <= p:
            told = (
                f"it has {plural(design.n_clusters, 'cluster')} for {plural(p, 'covariate')}: the robust covariance "
                "needs many more clusters than covariates. Name fewer covariates"
            )
            raise TableRefused.of_problems("intervals", [told])
        self.design_, self._offset_name = design, offset if isinstance(offset, str) else None
        self._child_ids = design.child_ids
        self._risk = risk_sets(design.start, design.stop, design.event, design.stratum)
        self._likelihood = Likelihood(design.matrix, self._risk, design.weight, design.offset, self.ties)
        with threadpool_limits(limits=1):  # products this narrow lose by threads, most of all on a busy machine
            self._estimate()
        self._count()
        return self

    def _estimate(self) -> None:
        """Search, and set what comes of it."""
        design, likelihood = self.design_, self._likelihood
        names = list(design.names)
        found = maximise(likelihood, names)
        self._terms, self._null, self._covariance = found.terms, found.null, found.covariance
        moved = score_by_cluster(likelihood, found.terms, design.cluster, design.n_clusters) @ found.covariance
        robust = moved.T @ moved
        self.coef_ = pd.Series(found.coef, index=names, name="coef")
        hidden = [name in found.runs_off for name in names]
        self.covariance_ = hidden_where(found.covariance, names, hidden)
        self.robust_covariance_ = hidden_where(robust, names, hidden)
        self.loglik_, self.loglik_null_ = found.terms.log_likelihood, found.null.log_likelihood
        self.n_iterations_, self.runs_off_ = found.n_iterations, dict(found.runs_off)
        df = len(names)
        slope = found.null.score
        self.score_test_ = chi_squared(float(slope @ np.linalg.solve(found.null.information, slope)), df)
        self.likelihood_ratio_test_ = chi_squared(2 * (self.loglik_ - self.loglik_null_), df)
        used = found.covariance if self.cluster is None else robust
        wald = float("nan") if any(hidden) else float(found.coef @ np.linalg.solve(used, found.coef))
        self.wald_test_ = chi_squared(wald, df)
        told = list(found.warnings)
        if design.n_clusters < FEW_CLUSTERS:
            told.append(
                f"There are only {design.n_clusters} clusters: robust standard errors come out too small below about "
                f"{FEW_CLUSTERS}"
            )
        self.warnings_ = tuple(told)
        for sentence in told:
            warnings.warn(f"{sentence}.", EstimateDoubtful, stacklevel=3)

    def _count(self) -> None:
        """Set the counts and the baseline."""
        design, risk = self.design_, self._risk
        self.n_rows_, self.n_children_, self.n_clusters_ = len(design.start), design.n_children, design.n_clusters
        self.n_episodes_, self.n_zero_length_ = int(design.event.sum()), design.n_zero_length
        self.n_zero_length_episodes_ = design.n_zero_length_episodes
        self.days_at_risk_ = float((design.stop - design.start).sum())
        self.means_ = pd.Series(design.means, index=list(design.names), name="mean")
        self.feature_names_in_ = np.array(design.names, dtype=object)
        self.strata_ = strata_table(design)
        self.baseline_ = baseline_table(design, risk, self._likelihood, self._terms, self.coef_.to_numpy())

    @property
    def robust_score_test_(self) -> ChiSquared:
        """The score test that all coefficients are 0, with a variance by cluster.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        self._need_fit()
        design = self.design_
        parts = score_by_cluster(self._likelihood, self._null, design.cluster, design.n_clusters)
        slope = parts.sum(axis=0)
        return chi_squared(float(slope @ np.linalg.solve(parts.T @ parts, slope)), len(slope))

    def _need_fit(self) -> None:
        if not hasattr(self, "coef_"):
            raise ArgumentRefused("the model is not fitted yet: call fit(intervals, columns) first.")

    def linear_predictor(self, newdata: pd.DataFrame) -> Floats:
        """Return ``x b`` for the rows of a table: the log of their rate relative to ``baseline_``.

        Parameters
        ----------
        newdata : pd.DataFrame
            With the columns that the model was fitted on.

        Returns
        -------
        array [rows]

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        TableRefused
            If a column is absent, is no number or is not recorded somewhere.
        """
        self._need_fit()
        line: Floats = self.design_.covariates.build(newdata) @ self.coef_.to_numpy()
        return line

    def predict_mean(self, newdata: pd.DataFrame, days: Sequence[float] | None = None) -> Any:
        """Return the mean number of episodes by some days for children with the covariates of each row of a table.

        See :func:`missing_patterns.recurrence.cox.prediction.predict_mean`.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted, or a day is not a number of at least 0.
        """
        from missing_patterns.recurrence.cox.prediction import predict_mean

        self._need_fit()
        return predict_mean(self, newdata, days)

    def schoenfeld_test(self, transform: Transform = "km") -> Any:
        """Test, for each covariate, whether its rate ratio stays the same over time.

        See :func:`missing_patterns.recurrence.cox.proportional.schoenfeld_test`.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted, or the transform is not known.
        """
        from missing_patterns.recurrence.cox.proportional import schoenfeld_test

        self._need_fit()
        return schoenfeld_test(self, transform)

    def influence(self) -> Any:
        """Tell how far the coefficients hang on the most influential children; no ids.

        See :func:`missing_patterns.recurrence.cox.influence.influence`.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.cox.influence import influence

        self._need_fit()
        return influence(self)

    def influence_by_child(self) -> Any:
        """Return each child's influence, for local use: it is about single children and must not be published.

        See :func:`missing_patterns.recurrence.cox.influence.influence_by_child`.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.cox.influence import influence_by_child

        self._need_fit()
        return influence_by_child(self)

    def concordance(self) -> Any:
        """Return how often, of two at risk, the one with the higher predicted rate went first.

        See :func:`missing_patterns.recurrence.cox.concordance.concordance`.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.cox.concordance import concordance

        self._need_fit()
        return concordance(self)

    def summary(self) -> pd.DataFrame:
        """Return one row per covariate: its rate ratio, robust interval and p-value.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.cox.words import summary

        self._need_fit()
        return summary(self)

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.cox.words import explain

        self._need_fit()
        return explain(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the rate ratios with their intervals.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.cox.words import plot

        self._need_fit()
        return plot(self, ax)
