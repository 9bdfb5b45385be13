"""Rates of episodes with exposure: Poisson and negative binomial, one row per child (E7)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, EstimateDoubtful, TableRefused, did_you_mean
from missing_patterns.recurrence.common import Z95, Floats, check_seed, plural
from missing_patterns.recurrence.drawing import new_axes
from missing_patterns.recurrence.frequency.count_models import Fit, fit_counts
from missing_patterns.recurrence.frequency.counts import INTERCEPT, model_matrix, read_counts
from missing_patterns.recurrence.frequency.lognormal import fit_lognormal
from missing_patterns.recurrence.frequency.shares import BANDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Model = Literal["negative_binomial", "poisson"]

DAYS_A_YEAR = 365.25

#: A log-likelihood that differs by less says nothing of which of two models is right (Akaike 1974).
CLEARLY_BETTER = 2.0

#: The lognormal second opinion takes a second for so many children.
MOST_FOR_LOGNORMAL = 20_000

ENVELOPE_BANDS: tuple[tuple[str, int, int | None], ...] = (("0", 0, 0), *BANDS)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EpisodeRates:
    """Rates of episodes, and what goes with higher ones. Made by :func:`episode_rates`.

    Parameters
    ----------
    model : {"negative_binomial", "poisson"}
        What was fitted.
    zero_truncated : bool
        Whether only children with an episode were taken to be on file.
    coef : pd.Series
        ``(Intercept)``, the log of the episodes per day of a child whose covariates are 0, and log rate ratios.
    covariance, robust_covariance : pd.DataFrame
        Of the coefficients: from the model (for the negative binomial with theta held, as R has it), and robust.
    theta, se_theta : float
        Shape of the gamma distribution of children's own rates: their variance is 1 / theta times the squared mean.
        Infinite for Poisson, or where children differ no more than by chance.
    loglik, deviance : float
        Log-likelihood with all constants; deviance, NaN where zeros are truncated.
    lognormal_sigma, lognormal_loglik : float
        Standard deviation of the log of children's own rates if these are taken as lognormal in place of gamma, and the
        log-likelihood then, of as many parameters; NaN for Poisson, or with more than 20,000 children.
    spread : float
        Pearson's chi-squared over its degrees of freedom: about 1 if the model's spread is right.
    envelope : pd.DataFrame
        One row per band of episodes per child (0, 1, 2, 3 to 9, 10 or more): ``band n_children expected lower upper``;
        ``lower`` and ``upper`` hold the middle 95 % of data sets drawn from the fitted model.
    n_children, n_episodes : int
        What went in.
    n_no_exposure : int
        Children left out because they were never at risk.
    days : float
        Days at risk in all.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`episode_rates`.
    """

    model: Model
    zero_truncated: bool
    coef: pd.Series
    covariance: pd.DataFrame
    robust_covariance: pd.DataFrame
    theta: float
    se_theta: float
    loglik: float
    deviance: float
    lognormal_sigma: float
    lognormal_loglik: float
    spread: float
    envelope: pd.DataFrame
    n_children: int
    n_episodes: int
    n_no_exposure: int
    days: float

    def __repr__(self) -> str:
        cut = ", zero-truncated" if self.zero_truncated else ""
        return (
            f"EpisodeRates ({self.model}{cut}): {plural(len(self.coef) - 1, 'covariate')}, "
            f"{plural(self.n_episodes, 'episode')} of {plural(self.n_children, 'child', 'children')}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row per covariate with its rate ratio, limits and errors.

        Returns
        -------
        pd.DataFrame
            ``covariate rate_ratio lower upper p_value coef se se_model``; the first row is ``(Intercept)``, whose
            ``rate_ratio`` is the episodes per year of a child whose covariates are 0. Limits and p-value rest on
            ``se``, which is robust.

        Raises
        ------
        Nothing.
        """
        from scipy.stats import norm

        coef = self.coef.to_numpy()
        se = np.sqrt(np.diag(self.robust_covariance.to_numpy()))
        unit = np.where(self.coef.index == INTERCEPT, DAYS_A_YEAR, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            return pd.DataFrame(
                {
                    "covariate": list(self.coef.index),
                    "rate_ratio": unit * np.exp(coef),
                    "lower": unit * np.exp(coef - Z95 * se),
                    "upper": unit * np.exp(coef + Z95 * se),
                    "p_value": np.where(unit == 1.0, 2 * norm.sf(np.abs(coef) / se), np.nan),
                    "coef": coef,
                    "se": se,
                    "se_model": np.sqrt(np.diag(self.covariance.to_numpy())),
                }
            )

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        years = self.days / DAYS_A_YEAR
        who = f"{plural(self.n_children, 'child', 'children')} had {plural(self.n_episodes, 'episode')}"
        often = f"{self.n_episodes / years:.2f} a year in the table as it stands"
        said = [f"{who} in {years:,.1f} child-years at risk: {often}"]
        if self.n_no_exposure:
            said.append(f"{plural(self.n_no_exposure, 'child', 'children')} never at risk were left out")
        if self.zero_truncated:
            said.append("Children without an episode are not on file, and the model allows for that (zero-truncated)")
        said += [self._of_row(row) for row in self.summary().itertuples() if row.covariate != INTERCEPT]
        said += [self._of_spread(), *self._of_shape(), self._of_envelope()]
        said.append(
            "Ranges are 95 % intervals and rest on each child's own deviation from the model. A rate ratio says what "
            "higher rates go with in these records, each column with the others held, not what brings them about; "
            "recording of what is known about a child is incomplete. The spread of rates describes the group: it is no "
            "mark of any one child"
        )
        return ". ".join(said) + "."

    def _of_row(self, row: object) -> str:
        ratio, low, high = row.rate_ratio, row.lower, row.upper  # type: ignore[attr-defined]
        name = row.covariate  # type: ignore[attr-defined]
        sure = f" ({low:.2f} to {high:.2f})" if np.isfinite(low) else ""
        return f"One more of '{name}' (or yes against no) goes with {ratio:.2f} times the rate of episodes{sure}"

    def _of_spread(self) -> str:
        if self.model == "poisson":
            return (
                "The Poisson model takes all children with the same covariates to go equally often; the spread in the "
                f"records is {self.spread:.1f} times what it allows for (1 = as much)"
            )
        if np.isinf(self.theta):
            return "Children with the same covariates differ no more than chance alone would bring about"
        sd = 1 / np.sqrt(self.theta)
        return (
            f"Children with the same covariates differ in how often they go: the standard deviation of their rates is "
            f"{sd:.1f} times the mean (theta {self.theta:.2f})"
        )

    def _of_shape(self) -> list[str]:
        """Say whether a lognormal spread of rates fits better than the gamma one; nothing if it was not tried."""
        gained = self.lognormal_loglik - self.loglik
        if np.isnan(gained):
            return []
        other = f"a lognormal spread (standard deviation of the log rates {self.lognormal_sigma:.1f})"
        if abs(gained) < CLEARLY_BETTER:
            return [f"Rates are taken as gamma-distributed; {other} fits about as well"]
        better = "better, so lean on theta with care" if gained > 0 else "worse"
        return [f"Rates are taken as gamma-distributed; {other} fits {better} (log-likelihood {gained:+.1f})"]

    def _of_envelope(self) -> str:
        if self.envelope["lower"].isna().all():
            return "How well the model fits was not looked at"
        outside = (self.envelope["n_children"] < self.envelope["lower"]) | (
            self.envelope["n_children"] > self.envelope["upper"]
        )
        bands = self.envelope["band"][outside].tolist()
        if not bands:
            return "Numbers of children by number of episodes are within what the model would give"
        return (
            f"The model does not give the number of children with {', '.join(bands)} episodes that is on file, so "
            "lean on it with care"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw children by number of episodes: recorded, and the range that the model would give.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        shown = self.envelope if not self.zero_truncated else self.envelope[1:]
        at = np.arange(len(shown))
        middle = shown["expected"].to_numpy()
        ax.bar(at, shown["n_children"], width=0.6, color="#A9BCD9", label="recorded")
        reach = np.abs(shown[["lower", "upper"]].to_numpy().T - middle)
        label = "what the model would give, 95 % of the time"
        ax.errorbar(at, middle, yerr=reach, fmt="o", color="#801650", capsize=5, label=label)
        ax.set_xticks(at, shown["band"].tolist())
        ax.set_xlabel("Episodes per child")
        ax.set_ylabel("Children")
        ax.legend(frameon=False)
        return ax


def _envelope(y: Floats, fit: Fit, *, truncated: bool, n_sim: int, random_state: int) -> pd.DataFrame:
    """Count children by band: recorded, expected, and in data sets drawn from the fitted model."""
    from scipy.stats import nbinom, poisson

    shape = poisson(fit.mean) if np.isinf(fit.theta) else nbinom(fit.theta, fit.theta / (fit.theta + fit.mean))
    tops = [np.inf if high is None else high for _, _, high in ENVELOPE_BANDS]
    below = np.array([np.ones(len(y)) if np.isinf(top) else shape.cdf(top) for top in tops])
    if truncated:
        below = (below - below[0]) / (1 - below[0])
    shares = np.diff(below, axis=0, prepend=0.0)
    rng = np.random.default_rng(random_state)
    # Children are told apart by their chance of each band only, so one number a child is drawn.
    order = np.lexsort(below[::-1])
    edges = below[:, order]
    drawn = np.array(
        [np.bincount((rng.random(len(y)) > edges[:-1]).sum(axis=0), minlength=len(tops)) for _ in range(n_sim)]
    )
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0) if n_sim else np.full((2, len(tops)), np.nan)
    recorded = [int(((y >= first) & (y <= top)).sum()) for (_, first, _), top in zip(ENVELOPE_BANDS, tops, strict=True)]
    return pd.DataFrame(
        {
            "band": [name for name, _, _ in ENVELOPE_BANDS],
            "n_children": recorded,
            "expected": shares.sum(axis=1),
            "lower": low,
            "upper": high,
        }
    )


def _fits(y: Floats, fit: Fit, n_coef: int, *, truncated: bool) -> tuple[float, float]:
    """Return the deviance and Pearson's chi-squared over its degrees of freedom."""
    from scipy.special import xlogy

    mean, extra = fit.mean, 0.0 if np.isinf(fit.theta) else 1 / fit.theta
    variance = mean + extra * mean**2
    if truncated:
        none = np.exp(-mean) if np.isinf(fit.theta) else (1 + mean * extra) ** -fit.theta
        first = mean / (1 - none)
        mean, variance = first, (variance + fit.mean**2) / (1 - none) - first**2
    spread = float(((y - mean) ** 2 / variance).sum() / max(len(y) - n_coef, 1))
    if truncated:
        return np.nan, spread
    part = y - mean if extra == 0 else (y + fit.theta) * np.log((y + fit.theta) / (mean + fit.theta))
    return float(2 * (xlogy(y, y / mean) - part).sum()), spread


def _warn(fit: Fit, names: list[str], y: Floats, *, truncated: bool) -> None:
    if not truncated and (y > 0).all():
        warnings.warn(
            "No child in the table is without an episode: if such children are not on file, rates come out too high "
            "and too alike. Hand in everybody at risk, or give zero_truncated=True.",
            EstimateDoubtful,
            stacklevel=3,
        )
    if not fit.settled:
        who = ", ".join(f"'{n}'" for n, bad in zip(names, fit.runs_off, strict=True) if bad)
        why = (
            f"the coefficient of {who} runs off, because one side of it has no episode"
            if who
            else "the spread between children runs off to its bound"
        )
        warnings.warn(f"The model did not settle: {why}.", EstimateDoubtful, stacklevel=3)


def episode_rates(
    table: pd.DataFrame,
    columns: str | Sequence[str] = (),
    *,
    exposure: str | None = None,
    model: Model = "negative_binomial",
    zero_truncated: bool = False,
    random_state: int = 0,
    n_sim: int = 1000,
) -> EpisodeRates:
    """Estimate the rate of episodes per day at risk, and what goes with a higher one.

    Parameters
    ----------
    table : pd.DataFrame
        One row per child: ``child_id n_episodes``, the days at risk, and covariates; or intervals (``child_id start
        stop event`` and covariates that stand still within a child), which are added up by child.
    columns : str or sequence of str, default ()
        Columns that hold numbers or true/false, or a formula, as :class:`RecurrentCox` takes them.
    exposure : str, optional
        The column of days at risk, by default ``days_at_risk``. Children with none are left out and counted.
    model : {"negative_binomial", "poisson"}, default "negative_binomial"
        The negative binomial lets children with the same covariates have rates of their own, gamma-distributed.
    zero_truncated : bool, default False
        Whether children without an episode are not on file; then none may be in the table.
    random_state : int, default 0
        Seed of the data sets drawn for ``envelope``.
    n_sim : int, default 1000
        How many; 0 gives no range.

    Returns
    -------
    EpisodeRates

    Raises
    ------
    ArgumentRefused
        If an argument cannot be used.
    TableRefused
        If the table is not as described; if a covariate is not recorded somewhere, does not vary, follows from others
        or changes within a child; if there is no episode, or zeros are truncated and some child has none.

    Warns
    -----
    EstimateDoubtful
        If every child has an episode and zeros are not truncated, a coefficient runs off, or theta does.

    Notes
    -----
    Fitted by statsmodels' GLM with the log of the exposure as offset; theta by maximum likelihood in turn with the
    coefficients: the numbers of R's ``glm(family = poisson)`` and ``MASS::glm.nb``, the standard error of theta
    included (Venables and Ripley 2002). The zero-truncated likelihoods (Cameron and Trivedi 2013) are maximised here.

    Examples
    --------
    >>> counts = pd.DataFrame({"child_id": range(8), "n_episodes": [0, 1, 5, 0, 2, 9, 0, 1], "days_at_risk": [100] * 8})
    >>> rates = episode_rates(counts)
    >>> rates
    EpisodeRates (negative_binomial): 0 covariates, 18 episodes of 8 children
    >>> round(rates.theta, 3)
    0.616
    """
    if model not in get_args(Model):
        hint = did_you_mean(str(model), get_args(Model))
        raise ArgumentRefused(f"model must be one of {', '.join(get_args(Model))}.{hint}")
    check_seed(random_state, 0)
    if isinstance(n_sim, bool) or not isinstance(n_sim, int) or n_sim < 0:
        raise ArgumentRefused("n_sim must be a whole number of at least 0.")
    frame, y, days, n_none, name = read_counts(table, exposure)
    if not y.sum():
        raise TableRefused.of_problems(name, ["there is no episode, so no rate can be compared"])
    if zero_truncated and (zero := y == 0).any():
        who = plural(int(zero.sum()), "child", "children")
        raise TableRefused.of_problems(name, [f"{who} without an episode are on file, so zeros are not truncated"])
    names, matrix = model_matrix(frame, columns, name)
    if len(y) <= len(names):
        raise TableRefused.of_problems(name, [f"{plural(len(y), 'child', 'children')} are too few for the columns"])
    fit = fit_counts(y, matrix, days, spread=model == "negative_binomial", truncated=zero_truncated)
    _warn(fit, names, y, truncated=zero_truncated)
    deviance, spread = _fits(y, fit, len(names), truncated=zero_truncated)
    sigma, value = np.nan, np.nan
    if model == "negative_binomial" and len(y) <= MOST_FOR_LOGNORMAL:
        sigma, value = fit_lognormal(y, matrix, days, fit.coef, truncated=zero_truncated)
    return EpisodeRates(
        model=model,
        zero_truncated=zero_truncated,
        coef=pd.Series(fit.coef, index=names, name="coef"),
        covariance=pd.DataFrame(fit.covariance, index=names, columns=names),
        robust_covariance=pd.DataFrame(fit.robust, index=names, columns=names),
        theta=fit.theta,
        se_theta=fit.se_theta,
        loglik=fit.log_likelihood,
        deviance=deviance,
        lognormal_sigma=sigma,
        lognormal_loglik=value,
        spread=spread,
        envelope=_envelope(y, fit, truncated=zero_truncated, n_sim=n_sim, random_state=random_state),
        n_children=len(y),
        n_episodes=int(y.sum()),
        n_no_exposure=n_none,
        days=float(days.sum()),
    )
