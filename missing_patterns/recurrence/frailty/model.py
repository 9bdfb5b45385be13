"""The shared gamma frailty model: rate ratios, and how unlike children are beyond what is recorded of them (E7)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, EstimateDoubtful, did_you_mean
from missing_patterns.recurrence.common import Floats, plural
from missing_patterns.recurrence.cox.design import Clock, Design
from missing_patterns.recurrence.cox.likelihood import Ties
from missing_patterns.recurrence.frailty.likelihood import Data
from missing_patterns.recurrence.frailty.profile import Found, find, limits
from missing_patterns.recurrence.frailty.rows import count_ended, data_of, read_rows
from missing_patterns.recurrence.frailty.solve import covariances
from missing_patterns.recurrence.frailty.tables import baseline, episodes_per_child, share_of_most_frequent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: With fewer groups that have an episode, likelihood theory for theta is not to be leant on.
FEW_GROUPS = 20

#: If more than this part of the children with an episode are followed only up to an episode, their numbers of
#: episodes are what the design made them.
MOST_ENDED = 0.1


@dataclass(frozen=True, slots=True)
class VarianceTest:
    """Likelihood ratio test that theta is 0, against half chi-squared with 1 degree of freedom and half nothing.

    A variance cannot be below 0, so that when it is 0 the statistic is 0 half the time (Self and Liang 1987).

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> round(VarianceTest.of(2.705543454095404).p_value, 9), VarianceTest.of(0.0).p_value
    (0.05, 1.0)
    """

    statistic: float
    p_value: float

    @classmethod
    def of(cls, statistic: float) -> VarianceTest:
        """Give a statistic its p-value.

        Raises
        ------
        Nothing.
        """
        from scipy.special import chdtrc

        return cls(statistic, 0.5 * float(chdtrc(1, statistic)) if statistic > 0 else 1.0)


class SharedFrailty:
    """Cox model in which each child has a hidden rate of its own, shared by its episodes (gamma frailty).

    The rate of going missing at a moment is a baseline, common to all in a stratum, times ``exp(x b)``, times the
    child's hidden rate: drawn from a gamma distribution of mean 1 and variance theta. Hidden rates are taken out by
    the likelihood; none is kept, and none can be got from the fitted model.

    Parameters
    ----------
    ties : {"efron", "breslow"}, default "efron"
        What to do with episodes of one day.
    strata : str or sequence of str, optional
        Columns whose combinations have a baseline of their own.
    group : str, default "child_id"
        Column of those who share a hidden rate: the child, or for instance the home.
    time : {"total", "gap"}, default "total"
        The clock: days since the origin, or days since the spell began.

    Attributes
    ----------
    theta_ : float
        Variance of the hidden rates; 0 where no difference between children was found.
    theta_interval_ : tuple of float
        Its 95 % limits by profile likelihood. The lower is 0 where theta 0 fits the data.
    se_log_theta_ : float
        Standard error of log theta; NaN where theta is 0.
    variance_test_ : VarianceTest
        That theta is 0.
    coef_ : pd.Series
        Log rate ratios, by name, between children of the same hidden rate.
    covariance_, covariance_full_, covariance_sparse_ : pd.DataFrame
        Of the coefficients, theta held at its estimate. Full (the first two, the same): from all second derivatives of
        the marginal likelihood. Sparse: the products of two children's hidden rates left out, as R does for many
        children; nearly the same. NaN for coefficients in ``runs_off_``.
    loglik_, loglik_null_ : float
        Marginal log likelihood, and that of the same covariates with theta 0 (Cox's partial likelihood).
    baseline_ : pd.DataFrame
        One row per stratum and event time: ``[strata] days at_risk events hazard cumulative_hazard``, for covariates
        of 0 and a hidden rate of 1. ``at_risk`` counts rows.
    check_ : pd.DataFrame
        ``episodes n_children expected expected_if_alike``: how many children have 0, 1, 2, 3 to 9, 10 or more episodes,
        and how many would by the model, and by the one with theta 0. Expectations are rough where covariates change
        with the child's own episodes, and NaN where follow-up often ends at an episode: then numbers of episodes are
        what the design made them.
    means_ : pd.Series
        Mean of each covariate over the rows.
    n_groups_, n_children_, n_episodes_, n_rows_, n_steps_ : int
        What went in, and Newton's steps.
    n_zero_length_ : int
        Rows without length, which are left out, with the episodes on them (``n_zero_length_episodes_``).
    days_at_risk_ : float
        Length of all rows.
    is_settled_ : bool
        Whether the search came to rest.
    runs_off_ : dict
        Covariate -> +1 or -1, where the coefficient runs off to infinity: only its sign has a meaning.
    warnings_ : tuple of str
        What was warned of.
    feature_names_in_ : array of str
        Names of the covariates.

    Raises
    ------
    ArgumentRefused
        If an argument is not one of those allowed.

    Notes
    -----
    The same numbers as R's ``coxph(Surv(start, stop, event) ~ ... + frailty(child_id), ties = ...)`` where that is
    brought to its maximum (its own search for theta stops early): ``loglik_`` is its I-likelihood,
    ``covariance_sparse_`` its covariance with ``sparse = TRUE``, ``covariance_full_`` that with ``sparse = FALSE``.
    Therneau TM, Grambsch PM, Pankratz VS (2003), Penalized survival models and frailty, J Comput Graph Stat 12:156-175.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> hidden, rows = rng.gamma(1.0, 1.0, 200), []
    >>> for child in range(200):
    ...     on, day = child % 2, 0
    ...     while day < 360:
    ...         went = day + 1 + int(rng.exponential(200 / (hidden[child] * np.exp(0.7 * on))))
    ...         rows.append((child, day, min(went, 360), int(went <= 360), on))
    ...         day = went
    >>> intervals = pd.DataFrame(rows, columns=["child_id", "start", "stop", "event", "in_care"])
    >>> model = SharedFrailty().fit(intervals, ["in_care"])
    >>> model
    SharedFrailty (efron ties): theta 0.81, 1 covariate, 617 episodes of 200 children
    >>> [round(limit, 2) for limit in model.theta_interval_]
    [0.59, 1.1]
    """

    theta_: float
    theta_interval_: tuple[float, float]
    se_log_theta_: float
    variance_test_: VarianceTest
    coef_: pd.Series
    covariance_: pd.DataFrame
    covariance_full_: pd.DataFrame
    covariance_sparse_: pd.DataFrame
    loglik_: float
    loglik_null_: float
    baseline_: pd.DataFrame
    check_: pd.DataFrame
    means_: pd.Series
    feature_names_in_: Any
    runs_off_: dict[str, int]
    warnings_: tuple[str, ...]
    is_settled_: bool
    days_at_risk_: float
    n_groups_: int
    n_children_: int
    n_episodes_: int
    n_rows_: int
    n_steps_: int
    n_zero_length_: int
    n_zero_length_episodes_: int

    def __init__(
        self,
        ties: Ties = "efron",
        strata: str | Sequence[str] | None = None,
        group: str = "child_id",
        time: Clock = "total",
    ) -> None:
        if ties not in get_args(Ties):
            hint = did_you_mean(str(ties), get_args(Ties))
            raise ArgumentRefused(f"ties must be 'efron' or 'breslow'.{hint}")
        if time not in get_args(Clock):
            raise ArgumentRefused("time must be 'total' (days since the origin) or 'gap' (days since the spell began).")
        if not isinstance(group, str):
            raise ArgumentRefused("group must name the column of those who share a hidden rate, such as 'child_id'.")
        self.ties, self.strata, self.group, self.time = ties, strata, group, time

    def __repr__(self) -> str:
        kind = f"SharedFrailty ({self.ties} ties{', gap time' if self.time == 'gap' else ''})"
        if not hasattr(self, "coef_"):
            return f"{kind}: not fitted"
        return (
            f"{kind}: theta {self.theta_:.2f}, {plural(len(self.coef_), 'covariate')}, "
            f"{plural(self.n_episodes_, 'episode')} of {self.who(self.n_groups_)}"
        )

    def fit(
        self,
        intervals: pd.DataFrame,
        columns_or_formula: str | Sequence[str] = (),
        *,
        offset: str | Sequence[float] | None = None,
    ) -> SharedFrailty:
        """Estimate theta and the coefficients.

        Parameters
        ----------
        intervals : pd.DataFrame
            One row per spell at risk, on (start, stop]: ``child_id start stop event`` (days) and covariates, which may
            change from row to row of a child.
        columns_or_formula : str or sequence of str, default ()
            Columns that hold numbers or true/false, or a formula such as ``"age + C(placement_type)"``; none = how
            unlike children are with nothing else taken into account.
        offset : str or sequence of float, optional
            A column, or one number per row, added to ``x b``.

        Returns
        -------
        SharedFrailty
            Itself, fitted.

        Raises
        ------
        ArgumentRefused
            If an argument names no column, or the formula cannot be read.
        TableRefused
            If the table is not one of intervals; if a covariate or the group is not recorded somewhere, or a covariate
            does not vary or follows from others; if there is no episode; or if there is but one group.

        Warns
        -----
        EstimateDoubtful
            If theta runs off or the search does not come to rest, a coefficient runs off to infinity, nobody has two
            episodes, or few have any.
        """
        design = read_rows(intervals, columns_or_formula, self.strata, self.group, self.time, offset)
        data = data_of(design, self.ties)
        ended = count_ended(design, intervals)
        found = find(data, design.names)
        self._count(design)
        self._estimate(data, found, design, ended)
        return self

    def _count(self, design: Design) -> None:
        self.n_rows_, self.n_children_, self.n_groups_ = len(design.start), design.n_children, design.n_clusters
        self.n_episodes_, self.n_zero_length_ = int(design.event.sum()), design.n_zero_length
        self.n_zero_length_episodes_ = design.n_zero_length_episodes
        self.days_at_risk_ = float((design.stop - design.start).sum())
        self.means_ = pd.Series(design.means, index=list(design.names), name="mean")
        self.feature_names_in_ = np.array(design.names, dtype=object)

    def _estimate(self, data: Data, found: Found, design: Design, ended: int) -> None:
        """Set the estimates, and warn of what they suffer from."""
        top = found.top
        told = list(found.warnings)
        alike = data.per_group(found.alike.expected)
        if top is None:
            beta, point, expected = found.alike_beta, found.alike, alike
            self.theta_, self.se_log_theta_, self.is_settled_, self.n_steps_ = 0.0, float("nan"), True, 0
            sparse: Floats = found.alike_covariance
            full: Floats | None = sparse
        else:
            beta, point = top.beta, top.point
            expected = data.per_group(point.expected) * np.exp(-top.log_frailty)
            self.theta_, self.is_settled_, self.n_steps_ = float(np.exp(top.log_theta)), top.is_settled, top.n_steps
            self.se_log_theta_ = float(np.sqrt(-1 / top.curvature)) if top.curvature < 0 else float("nan")
            sparse, full = covariances(top)
        if full is None:
            told.append("The full covariance could not be made; the sparse one stands in its place")
            full = sparse
        told += self._doubts(data)
        names = list(design.names)
        self.coef_ = pd.Series(beta, index=names, name="coef", dtype=np.float64)
        self.runs_off_ = dict(found.runs_off)
        self.covariance_sparse_ = self._framed(sparse)
        self.covariance_full_ = self._framed(full)
        self.covariance_ = self.covariance_full_.copy()
        self.loglik_, self.loglik_null_ = found.loglik, found.alike.loglik
        self.variance_test_ = VarianceTest.of(2 * max(self.loglik_ - self.loglik_null_, 0.0))
        self.theta_interval_ = limits(data, found) if self.is_settled_ else (float("nan"), float("nan"))
        if self.is_settled_ and np.isnan(self.theta_interval_[1]):
            told.append("No upper limit of theta was found: the data fit hidden rates as unlike as you please")
        self.baseline_ = baseline(point, beta, design.means, design.strata)
        self.check_ = episodes_per_child(data.counts, expected, self.theta_, alike)
        # Those never at risk when anybody went have no episode, and none was expected of them.
        never = self.n_groups_ - len(data.sizes)
        self.check_.loc[0, ["n_children", "expected", "expected_if_alike"]] += never
        if ended > MOST_ENDED * int((data.counts > 0).sum()):
            self.check_[["expected", "expected_if_alike"]] = np.nan
        self.warnings_ = tuple(told)
        for sentence in told:
            warnings.warn(f"{sentence}.", EstimateDoubtful, stacklevel=4)

    def _doubts(self, data: Data) -> list[str]:
        """Word what makes theta doubtful."""
        one, many = ("child", "children") if self.group == "child_id" else ("group", "groups")
        told = []
        if not self.is_settled_:
            told.append(
                f"The search for theta did not come to rest in {plural(self.n_steps_, 'step')} (it stands at "
                f"{self.theta_:.3g}): do not lean on these figures; fewer covariates, or fewer strata, may help"
            )
        if int(data.counts.max()) < 2:
            told.append(
                f"No {one} has two episodes, so nothing shows that some {many} go again more than others: theta rests "
                "on the shape of the baseline alone, and should not be told"
            )
        n_with = int((data.counts > 0).sum())
        if n_with < FEW_GROUPS:
            have = f"Only {self.who(n_with)} {'has' if n_with == 1 else 'have'} an episode"
            told.append(f"{have}: below about {FEW_GROUPS}, theta, its limits and its test are rough")
        return told

    def _framed(self, covariance: Floats) -> pd.DataFrame:
        """Name a covariance; NaN where a coefficient has no size."""
        names = [str(name) for name in self.feature_names_in_]
        shown = np.array(covariance, dtype=np.float64)
        hidden = [name in self.runs_off_ for name in names]
        shown[hidden, :], shown[:, hidden] = np.nan, np.nan
        return pd.DataFrame(shown, index=names, columns=names)

    def who(self, n: int) -> str:
        """Word a number of those who share a hidden rate.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> SharedFrailty().who(2), SharedFrailty(group="home_id").who(2)
        ('2 children', '2 groups')
        """
        return plural(n, "child", "children") if self.group == "child_id" else plural(n, "group")

    def _need_fit(self) -> None:
        if not hasattr(self, "coef_"):
            raise ArgumentRefused("the model is not fitted yet: call fit(intervals, columns) first.")

    def share_of_most_frequent(self, part: float = 0.1) -> tuple[float, float, float]:
        """Return the share of episodes that would fall to the children with the highest hidden rates.

        Parameters
        ----------
        part : float, default 0.1
            Which part of the children, 0 to 1: 0.1 = the tenth with the highest rates.

        Returns
        -------
        share, lower, upper : float
            By theta and its 95 % limits, the covariates being equal. ``part`` itself if all children were alike.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted, or ``part`` is not between 0 and 1.
        """
        self._need_fit()
        if not 0 <= part <= 1:
            raise ArgumentRefused("part must be between 0 and 1.")
        low, high = self.theta_interval_
        shares = [
            float("nan") if np.isnan(theta) else float(share_of_most_frequent(theta, part))
            for theta in (self.theta_, low, high)
        ]
        return shares[0], shares[1], shares[2]

    def summary(self) -> pd.DataFrame:
        """Return one row per covariate, and one for theta.

        Returns
        -------
        pd.DataFrame
            ``term estimate lower upper p_value coef se se_sparse``. ``estimate`` is the rate ratio of a covariate
            between children of the same hidden rate, its 95 % limits and p-value from ``se``, the full standard error
            of the log rate ratio ``coef``; ``se_sparse`` is the sparse one. The last row is theta, with its profile
            limits and the p-value of ``variance_test_``.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.frailty.words import summary

        self._need_fit()
        return summary(self)

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.frailty.words import explain

        self._need_fit()
        return explain(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how unlike hidden rates are: the share of episodes that falls to the children who go most often.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        from missing_patterns.recurrence.frailty.words import plot

        self._need_fit()
        return plot(self, ax)
