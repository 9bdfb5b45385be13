"""Do rate ratios stay the same over time? The Schoenfeld test, and the rate ratios of each stretch of time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.recurrence.common import Z95, Floats, Ints, plural
from missing_patterns.recurrence.cox.drawing import BLUE, GREY, log_axis
from missing_patterns.recurrence.cox.likelihood import Likelihood, Terms, score_residuals
from missing_patterns.recurrence.cox.names import spoken
from missing_patterns.recurrence.cox.risk import risk_sets, sum_at_events, sum_at_risk, sum_over_cells
from missing_patterns.recurrence.cox.state import state_of
from missing_patterns.recurrence.drawing import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.cox.model import RecurrentCox

Transform = Literal["km", "identity", "rank", "log"]

ALL = "all together"

#: Stretches of time for which rate ratios are shown, and the fewest episodes in one.
MOST_STRETCHES = 6
FEWEST_EPISODES = 20

TRANSFORMS = {
    "km": "the share gone missing by then (Kaplan-Meier), which spreads episodes evenly",
    "identity": "days as they are",
    "rank": "the rank of the days",
    "log": "the logarithm of days",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SchoenfeldTest:
    """Whether rate ratios stay the same over time. Made by ``RecurrentCox.schoenfeld_test``.

    Parameters
    ----------
    transform : {"km", "identity", "rank", "log"}
        The function of time that rate ratios might follow.
    table : pd.DataFrame
        One row per covariate (the columns of one ``C(...)`` together), and ``all together`` at the end:
        ``covariate statistic degrees_of_freedom p_value p_value_robust``. The first p-value is R's, which takes
        episodes of one child as independent; the second allows for them being alike.
    over_time : pd.DataFrame
        One row per covariate and stretch of time: ``covariate from_days to_days n_episodes rate_ratio lower upper``:
        the rate ratio on (from_days, to_days] in one step from the fitted one, with 95 % limits of the
        model's own (they take episodes as independent). Stretches hold alike many episodes, 20 or more.
    n_children, n_episodes : int
        What it rests on.

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``RecurrentCox.schoenfeld_test``.
    """

    transform: str
    table: pd.DataFrame
    over_time: pd.DataFrame
    n_children: int
    n_episodes: int

    def __repr__(self) -> str:
        n = len(self.table) - 1
        return f"SchoenfeldTest ({self.transform}): {plural(n, 'covariate')}, {plural(self.n_episodes, 'episode')}"

    def summary(self) -> pd.DataFrame:
        """Return the table of tests.

        Raises
        ------
        Nothing.
        """
        return self.table.copy()

    def _named(self, chosen: pd.Series) -> str:
        """Word covariates, each with both p-values."""
        rows = self.table.iloc[:-1][chosen].itertuples()
        return ", ".join(
            f"{spoken(str(row.covariate))} (p {_worded(row.p_value)}, by child {_worded(row.p_value_robust)})"
            for row in rows
        )

    def explain(self) -> str:
        """Say in plain English what was tested, what was found, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        each, all_of = self.table.iloc[:-1], self.table.iloc[-1]
        by_child, usual = each["p_value_robust"].fillna(each["p_value"]) < 0.05, each["p_value"] < 0.05
        if by_child.any():
            told = f"Allowing for children, it speaks against a constant rate ratio for {self._named(by_child)}"
            told += ": one figure for all times then is an average of unlike ones"
        else:
            told = "Allowing for children, it does not speak against constant rate ratios, which is no proof of them"
        found = [told]
        if (usual & ~by_child).any():
            found.append(
                f"Only the usual test, which takes episodes as independent, does: {self._named(usual & ~by_child)}"
            )
        found.append(
            f"All covariates together: p {_worded(all_of['p_value'])} by the usual test, "
            f"{_worded(all_of['p_value_robust'])} allowing for children"
        )
        said = [
            (
                "The model gives each covariate one rate ratio for all times; this test asks whether it changes with "
                f"{TRANSFORMS[self.transform]}"
            ),
            *found,
            f"It rests on {plural(self.n_episodes, 'episode')} of {plural(self.n_children, 'child', 'children')}",
            (
                "With many episodes small changes are found, with few large ones are missed: see the rate ratios of "
                "each stretch of time"
            ),
            "A change over time can also come from a covariate that was left out, or from who is still followed",
        ]
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None, covariate: str | None = None) -> Axes:
        """Draw the rate ratio of each stretch of time with its interval, on a log scale.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.
        covariate : str, optional
            A covariate of ``over_time``; default: the one whose test has the smallest p-value.

        Raises
        ------
        ArgumentRefused
            If there is no such covariate.
        """
        names = list(dict.fromkeys(self.over_time["covariate"]))
        if covariate is None:
            order = self.table.iloc[:-1].sort_values("p_value", kind="stable")["covariate"].tolist()
            covariate = next((n for t in order for n in names if n == t or n.startswith(f"{t}[")), names[0])
        if covariate not in names:
            raise ArgumentRefused(f"there is no covariate '{covariate}'.{did_you_mean(covariate, names)}")
        ax = new_axes(ax)
        part = self.over_time[self.over_time["covariate"] == covariate]
        for row in part.itertuples():
            ax.fill_between([row.from_days, row.to_days], row.lower, row.upper, color=BLUE, alpha=0.2, linewidth=0)
            ax.plot([row.from_days, row.to_days], [row.rate_ratio] * 2, color=BLUE, linewidth=2)
        ax.axhline(1.0, color=GREY, linestyle="--", linewidth=1)
        log_axis(ax, "y", [*part["lower"], *part["upper"]])
        ax.set_xlabel("Days")
        ax.set_ylabel(f"Rate ratio of {spoken(covariate)}")
        ax.set_xlim(left=max(0.0, float(part["from_days"].min())))
        return ax


def _worded(p_value: float) -> str:
    if np.isnan(p_value):
        return "not known"
    return "below 0.001" if p_value < 0.001 else f"{p_value:.3f}" if p_value < 0.1 else f"{p_value:.2f}"


def _times(start: Floats, stop: Floats, event: object, at: Floats, transform: str) -> Floats:
    """Return the function of time at the cells' times."""
    if transform == "identity":
        return at.copy()
    if transform == "log":
        if (at <= 0).any():
            raise ArgumentRefused("transform 'log' needs episodes after day 0; use 'km' or 'rank'.")
        return np.log(at)
    if transform == "rank":
        ordered = np.sort(stop)
        below, up_to = np.searchsorted(ordered, at), np.searchsorted(ordered, at, side="right")
        ranks: Floats = below + (up_to - below + 1) / 2
        return ranks
    pooled = risk_sets(start, stop, np.asarray(event, dtype=np.bool_), np.zeros(len(stop), dtype=np.int64))
    ones = np.ones(len(stop))
    gone = sum_at_events(ones, pooled) / np.rint(sum_at_risk(ones, pooled))
    left = np.concatenate([[1.0], np.cumprod(1 - gone)])
    return 1 - left[np.searchsorted(pooled.times, at)]


def _weighted(terms: Terms, g: Floats) -> Terms:
    """Return the sums with each cell's part of slope and curvature times g."""
    parts = {name: g * getattr(terms, name) for name in ("hazard", "hazard_tied", "b1", "b2", "b3")}
    return replace(terms, **parts)


def information_over(likelihood: Likelihood, terms: Terms, weights: Floats) -> Floats:
    """Return the information with each cell's part times a weight, for one or more columns of weights.

    Parameters
    ----------
    likelihood : Likelihood
        The rows.
    terms : Terms
        The sums at the coefficients.
    weights : array [D, k]
        Weights of the cells; k sets of them.

    Returns
    -------
    array [k, p, p]

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> risk = risk_sets(np.zeros(2), np.array([1.0, 2.0]), np.ones(2, dtype=bool), np.zeros(2, dtype=np.int64))
    >>> model = Likelihood(np.array([[0.5], [-0.5]]), risk, np.ones(2), np.zeros(2), "efron")
    >>> information_over(model, model.at(np.zeros(1)), np.array([[1.0], [3.0]])).tolist()
    [[[0.25]]]
    """
    risk, p = likelihood.risk, likelihood.matrix.shape[1]
    met = sum_over_cells(terms.hazard[:, None] * weights, risk)
    at = np.flatnonzero(risk.event)
    met[at] -= (terms.hazard_tied[:, None] * weights)[risk.cell[at]]
    met *= terms.rate[:, None]
    total = np.zeros((weights.shape[1], p, p))
    for rows in likelihood.blocks():
        x = likelihood.matrix[rows]
        for k in range(len(total)):
            total[k] += (x * met[rows, k, None]).T @ x
    s1, e1 = terms.s1, terms.e1
    for k, g in enumerate(weights.T):
        w = _weighted(terms, g)
        cross = (w.b2[:, None] * s1).T @ e1
        total[k] -= (w.b1[:, None] * s1).T @ s1 - cross - cross.T + (w.b3[:, None] * e1).T @ e1
    return (total + total.transpose(0, 2, 1)) / 2


def _scores_by_cell(likelihood: Likelihood, terms: Terms) -> Floats:
    """Return each cell's part of the slope: covariates of those who went, less what was expected."""
    at, n_cells = np.flatnonzero(likelihood.risk.event), len(likelihood.risk.times)
    cell, gone = likelihood.risk.cell[at], likelihood.weight[at, None] * likelihood.matrix[at]
    gone = np.stack([np.bincount(cell, column, minlength=n_cells) for column in gone.T], axis=1)
    expected: Floats = terms.hazard[:, None] * terms.s1 - terms.hazard_tied[:, None] * terms.e1
    return gone - expected


def _by_cluster(values: Floats, cluster: Ints) -> Floats:
    return np.stack([np.bincount(cluster, column) for column in values.T], axis=1)


def _inverse(matrix: Floats) -> Floats:
    """Return the inverse of a covariance or information, whatever the units of its rows; NaN where it has none."""
    scale = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    if not (np.isfinite(matrix).all() and (scale > 0).all()):
        return np.full_like(matrix, np.nan)
    both = np.outer(scale, scale)
    if np.linalg.cond(matrix / both) > 1e12:
        return np.full_like(matrix, np.nan)
    inverse: Floats = np.linalg.inv(matrix / both) / both
    return inverse


def slopes_test(
    likelihood: Likelihood, terms: Terms, g: Floats, cluster: Ints, groups: dict[str, list[int]]
) -> pd.DataFrame:
    """Test whether adding covariate times g(time) would improve the model, by group of columns and all together.

    Parameters
    ----------
    likelihood : Likelihood
        The rows.
    terms : Terms
        The sums at the fitted coefficients.
    g : array [D]
        Function of time at the cells, centred.
    cluster : array [n]
        Number of each row's child.
    groups : dict of str to list of int
        Columns of the matrix tested together, by name.

    Returns
    -------
    pd.DataFrame
        ``covariate statistic degrees_of_freedom p_value p_value_robust``.

    Raises
    ------
    Nothing.

    Notes
    -----
    Score test as ``cox.zph`` of R's survival 3 does it (Grambsch and Therneau 1994 without their approximation). The
    robust one takes the variance of the same score from children's score residuals (Lin and Wei 1989).

    Examples
    --------
    See ``RecurrentCox.schoenfeld_test``.
    """
    from scipy.stats import chi2

    p = likelihood.matrix.shape[1]
    slope = g @ _scores_by_cell(likelihood, terms)
    i0, i1, i2 = information_over(likelihood, terms, np.stack([np.ones_like(g), g, g**2], axis=1))
    now = _by_cluster(score_residuals(likelihood, terms), cluster)
    times_g = score_residuals(likelihood, _weighted(terms, g))
    at = np.flatnonzero(likelihood.risk.event)
    gap = (g[likelihood.risk.cell[at]] - 1) * likelihood.weight[at]
    times_g[at] += gap[:, None] * likelihood.matrix[at]
    later = _by_cluster(times_g, cluster)
    clean = later - now @ _inverse(i0) @ i1
    spread = clean.T @ clean
    rows = []
    for name, columns in [*groups.items(), (ALL, list(range(p)))]:
        u, k = slope[columns], len(columns)
        block = np.block([[i0, i1[:, columns]], [i1[columns], i2[np.ix_(columns, columns)]]])
        statistic = float(u @ _inverse(block)[p:, p:] @ u)
        robust = float(u @ _inverse(spread[np.ix_(columns, columns)]) @ u)
        rows.append((name, statistic, k, float(chi2.sf(statistic, k)), float(chi2.sf(robust, k))))
    names = ["covariate", "statistic", "degrees_of_freedom", "p_value", "p_value_robust"]
    return pd.DataFrame(rows, columns=names)


def _over_time(likelihood: Likelihood, terms: Terms, names: list[str]) -> pd.DataFrame:
    """Return the rate ratios of stretches of time with alike many episodes, in one step from the fitted ones."""
    times, n_events = likelihood.risk.times, likelihood.n_events
    days, which = np.unique(times, return_inverse=True)
    so_far = np.cumsum(np.bincount(which, n_events))
    n_stretches = int(np.clip(so_far[-1] // FEWEST_EPISODES, 1, MOST_STRETCHES))
    # A day belongs to the stretch in which the middle of its episodes lies.
    middle = so_far - np.bincount(which, n_events) / 2
    stretch = np.minimum((middle / so_far[-1] * n_stretches).astype(np.int64), n_stretches - 1)
    stretch = np.unique(stretch, return_inverse=True)[1]
    inside = stretch[which][:, None] == np.arange(stretch.max() + 1)
    information = information_over(likelihood, terms, inside.astype(np.float64))
    slopes = inside.T @ _scores_by_cell(likelihood, terms)
    rows = []
    for k in range(len(information)):
        to_days = float(days[stretch == k].max())
        from_days = float(days[stretch == k - 1].max()) if k else float(min(0.0, days[0] - 1))
        n = int(n_events[inside[:, k]].sum())
        covariance = _inverse(information[k])
        beta = terms.beta + covariance @ slopes[k]
        with np.errstate(invalid="ignore", over="ignore"):
            se = np.sqrt(np.diag(covariance))
            for name, b, s in zip(names, beta, se, strict=True):
                rows.append((name, from_days, to_days, n, *np.exp([b, b - Z95 * s, b + Z95 * s])))
    columns = ["covariate", "from_days", "to_days", "n_episodes", "rate_ratio", "lower", "upper"]
    found = pd.DataFrame(rows, columns=columns)
    order = {name: j for j, name in enumerate(names)}
    return found.sort_values("covariate", key=lambda c: c.map(order), kind="stable", ignore_index=True)


def schoenfeld_test(model: RecurrentCox, transform: Transform = "km") -> SchoenfeldTest:
    """Test whether the rate ratios of a fitted model stay the same over time.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.
    transform : {"km", "identity", "rank", "log"}, default "km"
        The function of time that rate ratios might follow: one less Kaplan-Meier, days, their rank, their logarithm.

    Returns
    -------
    SchoenfeldTest

    Raises
    ------
    ArgumentRefused
        If the transform is not known, or is ``log`` and an episode lies on day 0 or before; if the model is not fitted.

    Examples
    --------
    See ``RecurrentCox.schoenfeld_test``.
    """
    if transform not in get_args(Transform):
        raise ArgumentRefused(
            f"transform must be one of {', '.join(get_args(Transform))}."
            f"{did_you_mean(str(transform), get_args(Transform))}"
        )
    state = state_of(model)
    design, likelihood, terms = state.design, state.likelihood, state.terms
    g = _times(design.start, design.stop, design.event, likelihood.risk.times, transform)
    g = g - g @ likelihood.n_events / likelihood.n_events.sum()
    return SchoenfeldTest(
        transform=transform,
        table=slopes_test(likelihood, terms, g, design.cluster, state.groups),
        over_time=_over_time(likelihood, terms, list(design.names)),
        n_children=design.n_children,
        n_episodes=int(design.event.sum()),
    )
