"""Does one episode go with the next, or do some children simply go often? (E7 and E8 together)"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from missing_patterns.errors import ArgumentRefused, EstimateDoubtful
from missing_patterns.recurrence.common import Z95, check_seed, plural
from missing_patterns.recurrence.dynamics import words
from missing_patterns.recurrence.dynamics.boundary import DynamicsTest, bootstrap_test
from missing_patterns.recurrence.dynamics.factors import Factors
from missing_patterns.recurrence.dynamics.fit import (
    DAYS_PER_YEAR,
    LOWER,
    PARAMETERS,
    Fitted,
    covariance,
    fit_all,
    maximise,
    profile_limit,
)
from missing_patterns.recurrence.dynamics.likelihood import Likelihood
from missing_patterns.recurrence.dynamics.reading import read_rows
from missing_patterns.recurrence.dynamics.rows import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Half the 95 % point of chi-squared with one degree of freedom.
_DROP = 0.5 * Z95**2

#: Days of mean lag from which on it is no short run any more: a search allows up to 180.
LONG_LAG = 90.0

#: Below so many repeats, chance is hard to judge.
FEW_REPEATS = 30


class RepeatDynamics:
    """Tell short-run clustering of a child's episodes from children's different rates.

    While at risk, a child's episodes come at the rate ``u x rate + sum over earlier returns of
    (alpha / lag) exp(-days since / lag)``. ``u`` is the child's own rate beside the average, drawn from a gamma
    distribution of mean 1 and integrated out exactly, so no child's rate is ever estimated. Without it, children who
    simply go often would be read as episodes that go with further ones.

    Parameters
    ----------
    zero_truncated : bool, default True
        Only children with an episode are on file, as in records of children who went missing. Children of the table
        without an episode are left out and counted. False: the table holds every child that could have gone missing.
    n_nodes : int, default 24
        The integral over ``u`` is exact for children with fewer than 2 x ``n_nodes`` episodes, and good to 9 figures
        for those with more.
    random_state : int, default 0
        Seed of the bootstrap test.

    Attributes
    ----------
    alpha_ : float
        Further episodes that go directly with one episode, beyond the child's own rate. 0 where there are none.
    lag_days_ : float
        Mean days from a return to such an episode; NaN where ``alpha_`` is 0.
    rate_per_year_ : float
        Episodes per year at risk that go with no earlier one, of a child of average rate, among all children that
        could be on file (at the mean of covariates). ``rate_on_file_`` is the same of the children on file, and does
        not rest on the shape of the frailty.
    frailty_shape_ : float
        Shape of the gamma distribution of ``u``: the smaller, the more unlike children are; its variance is 1 / shape.
        At 0.02, the least allowed, the data say nothing about children who are not on file, nor then does the rate.
    rate_ratios_ : pd.DataFrame
        With covariates or bands: ``factor rate_ratio lower upper``, the ratio of rates for one more of the covariate,
        or of a band to the days before the first.
    share_short_run_ : float
        Share of episodes that go with an earlier one; ``share_of_repeats_`` the same among strict repeats.
    loglik_, loglik_null_ : float
        Log-likelihood, and that with ``alpha`` 0; ``statistic_`` is twice their difference.
    alpha_if_alike_, loglik_if_alike_ : float
        What would be found if all children were taken to have one rate. Shown as a warning, not for use.
    covariance_ : pd.DataFrame
        Of ``rate_per_year alpha lag_days frailty_shape`` and the logs of rate ratios, from the curvature of the
        log-likelihood; NaN for one that lies on the edge of what is allowed.
    n_children_, n_units_, n_episodes_, n_repeats_, n_rows_, n_zero_length_, n_no_episode_, n_no_time_ : int
        What was used; units are children, or spells of children with ``strata``; ``n_no_episode_`` and ``n_no_time_``
        children left out because they have no episode, or no time at risk.
    days_at_risk_ : float
        Days at risk in all.
    converged_ : bool
        Whether the search found a peak.
    interval_ : pd.DataFrame or None
        Set by :meth:`profile`.
    test_ : DynamicsTest or None
        Set by :meth:`test`.

    Raises
    ------
    ArgumentRefused
        If a setting is not possible.

    Notes
    -----
    A self-exciting process (Hawkes 1971) with gamma frailty. The likelihood of children on file is divided by the
    chance of at least one episode; ignoring that makes children look alike. Episodes before the first day of a child's
    intervals are not known to the model. The test of ``alpha = 0`` lies on the boundary, and the lag is not defined
    there, hence the bootstrap; a statistic below about 4 is within chance.

    In simulated data of 1,500 children with a planted ``alpha`` of 0.20, rates that are lognormal and not gamma
    move the estimate by no more than 0.02. Rates that change within a child's time move it far more: to 0.30 where they
    grow fourfold over three years, and 0.21 with ``bands`` of half a year. In the made-up borough, where rates follow
    age, a planted 0.20 is found as 0.23 to 0.25 without bands, and as 0.20 to 0.22 with a band for each year of age.

    Examples
    --------
    >>> from missing_patterns.recurrence.dynamics.simulate import simulate_repeats
    >>> intervals = simulate_repeats(2000, alpha=0.35, lag_days=14, random_state=1)
    >>> model = RepeatDynamics().fit(intervals)
    >>> model
    RepeatDynamics: 6,987 episodes of 2,000 children
    >>> round(model.alpha_, 2), round(model.alpha_if_alike_, 2)
    (0.35, 0.4)
    >>> model.profile().round(2)
      quantity  estimate  lower  upper
    0    alpha      0.35   0.33   0.37
    """

    alpha_: float
    lag_days_: float
    rate_per_year_: float
    rate_on_file_: float
    rate_ratios_: pd.DataFrame
    frailty_shape_: float
    share_short_run_: float
    share_of_repeats_: float
    loglik_: float
    loglik_null_: float
    statistic_: float
    alpha_if_alike_: float
    loglik_if_alike_: float
    covariance_: pd.DataFrame
    n_children_: int
    n_units_: int
    n_episodes_: int
    n_repeats_: int
    n_rows_: int
    n_zero_length_: int
    n_no_episode_: int
    n_no_time_: int
    days_at_risk_: float
    converged_: bool
    interval_: pd.DataFrame | None
    test_: DynamicsTest | None

    def __init__(self, zero_truncated: bool = True, n_nodes: int = 24, random_state: int = 0) -> None:
        if not isinstance(zero_truncated, bool):
            raise ArgumentRefused("zero_truncated must be True or False.")
        if isinstance(n_nodes, bool) or not isinstance(n_nodes, int | np.integer) or not 2 <= n_nodes <= 512:
            raise ArgumentRefused("n_nodes must be a whole number from 2 to 512.")
        check_seed(random_state, 0)
        self.zero_truncated, self.n_nodes, self.random_state = zero_truncated, int(n_nodes), int(random_state)

    def __repr__(self) -> str:
        if not hasattr(self, "alpha_"):
            return "RepeatDynamics (not fitted)"
        return (
            f"RepeatDynamics: {plural(self.n_episodes_, 'episode')} of {plural(self.n_children_, 'child', 'children')}"
        )

    def fit(
        self,
        intervals: pd.DataFrame,
        strata: str | list[str] | None = None,
        n_boot: int = 0,
        *,
        covariates: Sequence[str] = (),
        bands: Sequence[float] = (),
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        intervals : pd.DataFrame
            As ``to_counting_process(..., children=..., origin="observed_from")`` gives: one row per spell at risk on
            (start, stop], ``child_id start stop event`` in days. Only time inside the spells counts; days missing or
            away lie between them. A return is where the child's next spell begins.
        strata : str or list of str, optional
            Columns such as ``placement_type`` or ``n_moves``: a child has a new rate of their own in each spell
            between changes of these, so that a bad placement is not read as clustering. What follows an episode goes
            on across them.
        n_boot : int, default 0
            Made-up sets of the test of ``alpha = 0``, at least 19; 0 leaves it to :meth:`test`.
        covariates : sequence of str, optional
            Columns of numbers or flags by which a child's own rate is multiplied (log-linear).
        bands : sequence of float, optional
            Days of the clock, ascending, at which the rate may change for all children. With intervals of
            ``origin="birthday"`` the clock is age: ``bands=[365.25 * age for age in range(12, 18)]`` gives each year
            of age its own rate. Rates that change with age are otherwise read as clustering.

        Returns
        -------
        RepeatDynamics
            Itself.

        Raises
        ------
        TableRefused
            If the table cannot be used (as :func:`mean_cumulative`), has fewer than 10 children with an episode or no
            repeats, or a covariate is not recorded, constant, or follows from others, or a band has no episodes.
        ArgumentRefused
            If there is no such column, ``n_boot`` or ``bands`` are not possible, or the intervals begin after the first
            episode.

        Warns
        -----
        EstimateDoubtful
            If there are few repeats, or the estimate lies on the edge of what is allowed.
        """
        if n_boot != 0:
            check_seed(self.random_state, n_boot, 19)
        rows, counts, self._factors = read_rows(
            intervals, strata, only_with_episode=self.zero_truncated, covariates=covariates, bands=bands
        )
        with threadpool_limits(limits=1):  # sums this small lose by threads, most of all on a busy machine
            likelihood, full, null, alike = fit_all(rows, zero_truncated=self.zero_truncated, n_nodes=self.n_nodes)
        self._rows, self._likelihood, self._null, self._strata = rows, likelihood, null, strata
        self.alpha_if_alike_, self.loglik_if_alike_ = alike.at.alpha, alike.value.loglik
        self._lag_if_alike = 1.0 / alike.at.decay
        self.n_children_, self.n_units_ = counts.n_children, counts.n_units
        self.n_episodes_, self.n_repeats_, self.n_rows_ = counts.n_episodes, counts.n_repeats, counts.n_rows
        self.n_zero_length_, self.days_at_risk_ = counts.n_zero_length, counts.days_at_risk
        self.n_no_episode_, self.n_no_time_ = counts.n_no_episode, counts.n_no_time
        self.interval_, self.test_ = None, None
        self._take(full)
        if n_boot:
            self.test(n_boot)
        for doubt in self._doubts():
            warnings.warn(doubt, EstimateDoubtful, stacklevel=2)
        return self

    _lag_if_alike: float
    _factors: Factors
    _rows: Rows
    _likelihood: Likelihood
    _full: Fitted
    _null: Fitted
    _strata: str | list[str] | None

    def _take(self, full: Fitted) -> None:
        """Set what follows from the best fit."""
        self._full = full
        at = full.at
        self.alpha_ = at.alpha
        self.lag_days_ = 1.0 / at.decay if at.alpha > 0 else float("nan")
        self.rate_per_year_ = at.rate * DAYS_PER_YEAR
        self.rate_on_file_ = (self.n_episodes_ - full.value.n_excited) / self.days_at_risk_ * DAYS_PER_YEAR
        self.frailty_shape_ = at.shape
        self.share_short_run_ = full.value.n_excited / self.n_episodes_
        self.share_of_repeats_ = full.value.n_excited / self.n_repeats_
        self.loglik_, self.loglik_null_ = full.value.loglik, self._null.value.loglik
        self.statistic_ = 2.0 * max(self.loglik_ - self.loglik_null_, 0.0)
        self.converged_ = full.converged
        self.covariance_ = covariance(self._likelihood, full, self._factors)
        slope = full.theta[4:] / self._factors.spread
        error = np.sqrt(np.diag(self.covariance_.to_numpy()))[4:]
        self.rate_ratios_ = pd.DataFrame(
            {
                "factor": pd.Series(self._factors.names, dtype=object),
                "rate_ratio": np.exp(slope),
                "lower": np.exp(slope - Z95 * error),
                "upper": np.exp(slope + Z95 * error),
            }
        )

    def _doubts(self) -> list[str]:
        theta, said = self._full.theta, []
        if not self.converged_:
            said.append("The search for the best fit did not settle: treat the figures as rough.")
        if self.n_repeats_ < FEW_REPEATS:
            said.append(f"There are only {plural(self.n_repeats_, 'repeat')}: take a longer period or more children.")
        if self.statistic_ < words.QUICK_LIMIT:  # alpha and lag are within chance of nothing: their values mean little
            return said
        if self.lag_days_ >= LONG_LAG:
            said.append(
                f"The mean lag is {self.lag_days_:.0f} days: the data show a slow change of rates, no short run. Give "
                "bands= for age or strata= for placements, or look at a shorter period."
            )
        if theta[2] <= LOWER[2] + 1e-6:
            said.append(
                "The lag is at the shortest allowed, half a day: many episodes begin at the moment of a return. Join "
                "them with build_episodes(merge_gap=)."
            )
        if self.alpha_ >= 1:
            said.append(
                "Each episode goes with one or more further ones: such a process never ends. Check the intervals."
            )
        return said

    def _check_fitted(self) -> None:
        if not hasattr(self, "alpha_"):
            raise ArgumentRefused("this RepeatDynamics is not fitted yet: call .fit(intervals) first.")

    def profile(self) -> pd.DataFrame:
        """Return the 95 % interval of ``alpha`` by profile likelihood, and keep it as ``interval_``.

        The other parameters are fitted anew at each value tried. The interval holds the values of ``alpha`` whose
        log-likelihood lies no more than 1.92 below the largest.

        Returns
        -------
        pd.DataFrame
            One row: ``quantity estimate lower upper``; ``upper`` is NaN if even the largest value allowed (1.5) lies
            within.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.

        Examples
        --------
        See :class:`RepeatDynamics`.
        """
        self._check_fitted()
        with threadpool_limits(limits=1):
            lower, upper, found = self._profile()
        row = {"quantity": "alpha", "estimate": self.alpha_, "lower": lower, "upper": upper if found else np.nan}
        self.interval_ = pd.DataFrame([row])
        return self.interval_.copy()

    def _profile(self) -> tuple[float, float, bool]:
        for _ in range(4):
            error = float(np.sqrt(self.covariance_.loc["alpha", "alpha"]))
            lower, best = 0.0, self._full
            if self.alpha_ > 0:
                lower, _, best = profile_limit(self._likelihood, self._full, error, -1, _DROP)
            upper, found, other = profile_limit(self._likelihood, self._full, error, 1, _DROP)
            best = max((best, other), key=lambda fit: fit.value.loglik)
            if best.value.loglik < self._full.value.loglik + 1e-4:
                break
            self._take(maximise(self._likelihood, best.theta))  # a refit lay higher: the search had stopped too soon
        return lower, upper, found

    def test(self, n_boot: int = 199) -> DynamicsTest:
        """Test ``alpha = 0`` by parametric bootstrap, and keep the result as ``test_``.

        Parameters
        ----------
        n_boot : int, default 199
            Made-up sets, at least 19. Each is fitted twice.

        Returns
        -------
        DynamicsTest

        Raises
        ------
        ArgumentRefused
            If the model is not fitted or ``n_boot`` is not possible.

        Examples
        --------
        >>> from missing_patterns.recurrence.dynamics.simulate import simulate_repeats
        >>> model = RepeatDynamics().fit(simulate_repeats(200, alpha=0.3, random_state=1))
        >>> model.test(n_boot=19).p_value
        0.05
        """
        self._check_fitted()
        check_seed(self.random_state, n_boot, 19)
        with threadpool_limits(limits=1):
            self.test_ = bootstrap_test(
                self._rows,
                self._full,
                self._null,
                zero_truncated=self.zero_truncated,
                n_nodes=self.n_nodes,
                n_boot=int(n_boot),
                random_state=self.random_state,
            )
        return self.test_

    def summary(self) -> pd.DataFrame:
        """Return one row per quantity: ``quantity estimate se lower upper``, 95 % intervals.

        Intervals are on the log scale but for ``alpha``: by profile likelihood once :meth:`profile` was called, else
        estimate +- 1.96 standard errors, not below 0. Then follow the rate of children on file, the share of repeats in
        the short run, what would be found if all children were taken to be alike (wrong wherever they are not), and
        rate ratios.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        self._check_fitted()
        error = np.sqrt(np.diag(self.covariance_.to_numpy()))
        rows: list[dict[str, object]] = []
        for name, se in zip(PARAMETERS, error.tolist(), strict=False):
            value = float(getattr(self, f"{name}_"))
            width = float(np.exp(Z95 * se / value)) if value > 0 else np.nan
            lower, upper = value / width, value * width
            if name == "alpha" and self.interval_ is not None:
                lower, upper = self.interval_[["lower", "upper"]].to_numpy()[0].tolist()
            elif name == "alpha":
                lower, upper = np.maximum(value - Z95 * se, 0.0), value + Z95 * se
            rows.append({"quantity": name, "estimate": value, "se": se, "lower": lower, "upper": upper})
        for name in ("rate_on_file", "share_of_repeats", "alpha_if_alike"):
            blank = {"se": np.nan, "lower": np.nan, "upper": np.nan}
            rows.append({"quantity": name, "estimate": getattr(self, f"{name}_"), **blank})
        for factor, ratio, lower, upper in self.rate_ratios_.itertuples(index=False):
            named = f"rate ratio: {factor}"
            rows.append({"quantity": named, "estimate": ratio, "se": np.nan, "lower": lower, "upper": upper})
        return pd.DataFrame(rows)

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        self._check_fitted()
        return words.explain(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the further episodes that go with an episode, by days since the return.

        Raises
        ------
        ArgumentRefused
            If the model is not fitted.
        """
        self._check_fitted()
        return words.plot(self, ax)
