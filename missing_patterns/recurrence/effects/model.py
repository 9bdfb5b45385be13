"""Does an action after a return go with a longer time to the next episode? Weighted, and without immortal time."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from missing_patterns.episodes.known import Moment
from missing_patterns.errors import ArgumentRefused, EstimateDoubtful
from missing_patterns.recurrence.common import check_seed
from missing_patterns.recurrence.effects import weights as w
from missing_patterns.recurrence.effects.balance import balance_table, e_value, near_certain, overlap_table
from missing_patterns.recurrence.effects.covariates import Covariates, default_covariates, read_covariates
from missing_patterns.recurrence.effects.estimates import ESTIMATE, curves_of, estimate_all, resample
from missing_patterns.recurrence.effects.exposure import Returns, read_returns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Fewest next episodes after an action, and before or without one.
MIN_EPISODES = 20

#: Largest share of returns with a chance of action so near 0 or 1 that nobody is like them in the other group.
MAX_NEAR_CERTAIN = 1 / 3
MIN_EFFECTIVE = 0.1

#: A share going again beyond which an odds-like ratio is far from a ratio of risks (VanderWeele and Ding 2017).
COMMON = 0.15


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ActionComparison:
    """Rate of the next episode after an action over that before or without one. Made by :func:`compare_after`.

    Parameters
    ----------
    ratio, lower, upper : float
        The estimate and its 95 % interval: rate ratio, below 1 where an action goes with going again less often.
        Bootstrap over children, or the robust one where there are no resamples.
    estimates : pd.DataFrame
        One row per method, the wrong one first: ``method ratio lower upper se_log lower_bootstrap upper_bootstrap
        what``. ``lower`` and ``upper`` are from errors robust to what is alike within a child, with weights taken as
        known; those of the bootstrap estimate the weights anew, and are blank for methods that it is not run for.
    balance : pd.DataFrame
        One row per covariate: ``covariate difference_before difference_after``, in standard deviations, at the moment
        of action among those still at risk.
    overlap : pd.DataFrame
        Weights and chances of both groups (see :func:`overlap_table`).
    e_values : pd.DataFrame
        How strong a hidden factor would have to be (see :func:`e_value`).
    curves : pd.DataFrame
        ``days share_not_acted share_acted``: share gone again by each day at the rates of returns not acted on, and at
        those of returns acted on from day ``acted_from`` on, averaged over all returns.
    counts : dict
        What became of every return and action, and how many children, returns and episodes there are in each group.
    max_days, acted_from : float
        End of follow-up, and median day of the action.
    notes : tuple of str
        What stands in the way of leaning on the estimate; empty where nothing does.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`compare_after`.
    """

    ratio: float
    lower: float
    upper: float
    estimates: pd.DataFrame
    balance: pd.DataFrame
    overlap: pd.DataFrame
    e_values: pd.DataFrame
    curves: pd.DataFrame
    counts: dict[str, int]
    max_days: float
    acted_from: float
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        c = self.counts
        return (
            f"ActionComparison: {c['n_returns_compared']:,} returns of {c['n_children']:,} children, "
            f"{c['n_returns_acted']:,} of them acted on"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table of estimates, the wrong one first, with what each compares.

        Raises
        ------
        Nothing.
        """
        return self.estimates.copy()

    def explain(self) -> str:
        """Say in plain English what was compared, on how many, how sure it is, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        from missing_patterns.recurrence.effects.words import explain

        return explain(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the rate ratio of each method with its interval, the wrong one marked.

        Raises
        ------
        Nothing.
        """
        from missing_patterns.recurrence.effects.words import plot_estimates

        return plot_estimates(self, ax)

    def plot_balance(self, ax: Axes | None = None) -> Axes:
        """Draw how alike those acted on and those still waiting were, before and after weighting (a love plot).

        Raises
        ------
        Nothing.
        """
        from missing_patterns.recurrence.effects.words import plot_balance

        return plot_balance(self, ax)

    def plot_curves(self, ax: Axes | None = None) -> Axes:
        """Draw the share gone again by each day, with the rates of returns acted on and of those not.

        Raises
        ------
        Nothing.
        """
        from missing_patterns.recurrence.effects.words import plot_curves

        return plot_curves(self, ax)


@dataclass(frozen=True, slots=True)
class _Asked:
    n_boot: int
    random_state: int
    min_children: int
    max_days: float | None


def compare_after(  # noqa: PLR0913 - the tables and the choices, all named
    episodes: pd.DataFrame,
    actions: pd.DataFrame,
    *,
    observed_until: Moment,
    covariates: pd.DataFrame | None = None,
    children: pd.DataFrame | None = None,
    n_boot: int = 200,
    random_state: int = 0,
    min_children: int = 30,
    max_days: float | None = 28,
) -> ActionComparison:
    """Compare the rate of the next episode after an action with that of alike returns before or without one.

    The clock runs from each return. A return is not acted on until the first action happens, and acted on from then to
    the next episode, so no child is credited with days that only those still back can have. Each return is weighted by
    the inverse of the chance of its course given what was known when the child came back (a Cox model of the time to
    the action among those still back and not acted on; stabilised, drawn in at the 1st and 99th percentile), and
    compared among returns alike in the same covariates, so that it is enough if one of the two models is right. Only
    returns in the same quarter of the day are compared: actions happen by day and children go in the evening, so at any
    hour since the return the two groups would otherwise stand at unlike times of day.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table, with ``episode_id``.
    actions : pd.DataFrame
        ``happened_at``, and ``episode_id`` or ``child_id`` (then it belongs to the child's last return by then).
        :func:`completed_interviews` makes it from interviews; any dated action will do. Of several actions after a
        return the first counts; one before the return, or after the next episode or the end, does not.
    observed_until : str, date, datetime or Timestamp
        End of observation; a bare date is observed to its end.
    covariates : pd.DataFrame, optional
        ``episode_id`` and columns of numbers, one row per return, such as columns of ``build_features``. They must
        have been known when the child came back: that cannot be checked here, and a column that looks ahead makes the
        estimate wrong. None takes :func:`default_covariates`.
    children : pd.DataFrame, optional
        The children table: ends follow-up where a child's observation ends, and gives age and sex.
    n_boot : int, default 200
        Resamples of children, each with weights of its own; 0 for none, which gives the robust interval. 200 take some
        five seconds for 2,000 returns, and a quarter of a minute for 10,000.
    random_state : int, default 0
        Seed.
    min_children : int, default 30
        Fewest children with a return acted on, and with one not acted on.
    max_days : float or None, default 28
        Follow-up after a return. None for all of it; but children who go often leave early, so late on the two groups
        are no longer alike, and the ratio drifts towards one.

    Returns
    -------
    ActionComparison
        With ``.summary()``, ``.explain()``, ``.plot()``, ``.plot_balance()``, ``.plot_curves()``.

    Raises
    ------
    TableRefused
        If a table is not usable.
    ArgumentRefused
        If an argument cannot be used, there are too few children or next episodes in either group, or nobody in one
        group is like those in the other.

    Warns
    -----
    EstimateDoubtful
        If the groups stay unlike after weighting, or resamples could not be fitted.

    Notes
    -----
    Hernán MA, Brumback B, Robins JM (2000), Marginal structural models to estimate the causal effect of zidovudine,
    Epidemiology 11:561-570; Suissa S (2008), Immortal time bias in pharmaco-epidemiology, Am J Epidemiol 167:492-499.
    Covariates are those of the return: what changed between it and the action (a move, a declined offer) is not
    allowed for, and needs weights that change with it. A ratio of rates is nearer to one over all children than for
    one child, as children with high rates leave first: the comparison among alike returns over a short follow-up keeps
    that small, not nought. Over 180 made-up boroughs of 1,000 children with a ratio of 0.6 for every child, estimates
    had a mean of 0.61 (in another set 0.63), and 91 % of the 95 % intervals held 0.6: where a few children carry most
    episodes, intervals are somewhat too narrow.

    Examples
    --------
    >>> from missing_patterns.episodes import build_episodes
    >>> from missing_patterns.recurrence.effects import completed_interviews
    >>> from missing_patterns.synthetic import make_borough
    >>> records = make_borough(300, 24, seed=5, interview_effect=0.5).records
    >>> episodes = build_episodes(records.incidents, observed_until="2026-10-31")
    >>> actions = completed_interviews(episodes, records.interviews)
    >>> compare_after(episodes, actions, observed_until="2026-10-31", children=records.children, n_boot=0)
    ActionComparison: 711 returns of 299 children, 331 of them acted on
    """
    check_seed(random_state, n_boot)
    asked = _Asked(int(n_boot), int(random_state), _whole(min_children), _days(max_days))
    returns = read_returns(episodes, actions, observed_until=observed_until, children=children, max_days=asked.max_days)
    counts = _count(returns)
    _refuse_small(counts, asked.min_children)
    given = default_covariates(episodes, children) if covariates is None else covariates
    known = read_covariates(given, returns.frame["episode_id"])
    with threadpool_limits(limits=1):  # sums this small lose by threads, most of all on a busy machine
        return _compare(returns, known, counts, asked)


def _whole(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ArgumentRefused("min_children must be a whole number of at least 1.")
    return int(value)


def _days(value: float | None) -> float | None:
    if value is None:
        return None
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not value > 0:
        raise ArgumentRefused("max_days must be a number of days above 0, or None for all of the follow-up.")
    return float(value) if np.isfinite(value) else None


def _count(returns: Returns) -> dict[str, int]:
    acted = np.isfinite(returns.act)
    waited = returns.act > 0
    return {
        **returns.accounting,
        "n_returns_compared": len(acted),
        "n_children": len(np.unique(returns.child)),
        "n_returns_acted": int(acted.sum()),
        "n_children_acted": len(np.unique(returns.child[acted])),
        "n_children_not_acted": len(np.unique(returns.child[~acted])),
        "n_episodes": int(returns.event.sum()),
        "n_episodes_acted": int((returns.event & acted).sum()),
        "n_episodes_not_acted": int((returns.event & ~acted).sum()),
        "days_acted": round(float((returns.stop - returns.act)[acted].sum())),
        "days_not_acted": round(float(np.minimum(returns.stop, returns.act)[waited].sum())),
    }


def _refuse_small(counts: dict[str, int], min_children: int) -> None:
    lacking = []
    for group, words in (("acted", "acted on"), ("not_acted", "not acted on")):
        children, again = counts[f"n_children_{group}"], counts[f"n_episodes_{group}"]
        if children < min_children:
            lacking.append(f"children with a return {words}: {children}, fewer than {min_children}")
        if again < MIN_EPISODES:
            lacking.append(f"next episodes after returns {words}: {again}, fewer than {MIN_EPISODES}")
    if lacking:
        raise ArgumentRefused(
            f"there is too little to compare: {'; '.join(lacking)}. Take a longer period, or more councils together."
        )


def _compare(returns: Returns, known: Covariates, counts: dict[str, int], asked: _Asked) -> ActionComparison:
    end = float(returns.stop.max()) if asked.max_days is None else asked.max_days
    rows = w.cut_rows(returns.stop, returns.event, returns.act)
    chance = w.chance_of_action(returns.stop, returns.act, known.matrix)
    weight, n_drawn_in = w.truncate(chance.weights(rows), rows.acted)
    certain = near_certain(chance, returns.act, end)
    overlap = overlap_table(rows, weight, chance, certain, end)
    _refuse_no_overlap(overlap, float(certain.mean()))
    acted_from = float(np.median(returns.act[np.isfinite(returns.act)]))
    table, fit = estimate_all(returns, rows, weight, known.matrix)
    resampled = resample(returns, rows, known.matrix, (chance.beta, fit.beta), (asked.n_boot, asked.random_state))
    good = resampled[np.isfinite(resampled).all(axis=1)]
    for k, method in enumerate(("weighted", ESTIMATE)):
        limits = np.exp(np.quantile(good[:, k], [0.025, 0.975])) if len(good) >= 20 else (np.nan, np.nan)
        table.loc[table["method"] == method, ["lower_bootstrap", "upper_bootstrap"]] = limits
    row = table.set_index("method").loc[ESTIMATE]
    closed = bool(np.isfinite(row["lower_bootstrap"]))
    lower, upper = (float(row[f"{side}_bootstrap" if closed else side]) for side in ("lower", "upper"))
    balance = balance_table(rows, weight, known.matrix, known.names)
    notes = _doubts(balance, bool(np.isfinite(row["ratio"])), known, (len(resampled), len(good)), counts)
    for note in notes:
        warnings.warn(note, EstimateDoubtful, stacklevel=3)
    curves = curves_of(fit, known.matrix, returns.quarter, (end, acted_from))
    return ActionComparison(
        ratio=float(row["ratio"]),
        lower=lower,
        upper=upper,
        estimates=table,
        balance=balance,
        overlap=overlap,
        e_values=e_value(
            float(row["ratio"]), lower, upper, is_common=bool(curves["share_not_acted"].iloc[-1] > COMMON)
        ),
        curves=curves,
        counts={**counts, "n_weights_drawn_in": n_drawn_in, "n_boot": len(good) if closed else 0},
        max_days=end,
        acted_from=acted_from,
        notes=notes,
    )


def _refuse_no_overlap(overlap: pd.DataFrame, certain: float) -> None:
    share = float((overlap["effective_n"] / overlap["n_returns"]).min())
    if certain > MAX_NEAR_CERTAIN or share < MIN_EFFECTIVE:
        raise ArgumentRefused(
            f"the groups do not overlap: {certain:.0%} of returns were all but certain not to be acted on, or to be "
            f"acted on at once, given the covariates, and the weights leave {share:.0%} of one group. Leave out "
            "covariates that decide who is acted on, or compare fewer, more alike returns."
        )


def _doubts(
    balance: pd.DataFrame, found: bool, known: Covariates, resamples: tuple[int, int], counts: dict[str, int]
) -> tuple[str, ...]:
    notes = []
    unlike = balance[balance["difference_after"].abs() > 0.25]
    if len(unlike):
        notes.append(
            f"{len(unlike)} covariates stay unlike after weighting (by more than a quarter of a standard deviation); "
            "see .balance"
        )
    if not found:
        notes.append("no rate ratio can be given: the groups were never at risk together when an episode began")
    if resamples[0] and resamples[1] < 0.9 * resamples[0]:
        notes.append(f"{resamples[0] - resamples[1]} of {resamples[0]} resamples could not be fitted")
    fewest = min(counts["n_episodes_acted"], counts["n_episodes_not_acted"], counts["n_returns_acted"])
    if fewest < 2 * len(known.names):
        notes.append(f"{len(known.names)} covariates are many for {fewest} episodes or actions; give fewer")
    return tuple(notes)
