"""How far rate ratios rest on a few children: left out and fitted again, and foretold for each child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused
from missing_patterns.recurrence.common import Z95, Bools, Floats, Ints, new_axes, plural
from missing_patterns.recurrence.cox.drawing import BLUE, PINK, forest
from missing_patterns.recurrence.cox.likelihood import Likelihood, score_by_cluster
from missing_patterns.recurrence.cox.risk import risk_sets
from missing_patterns.recurrence.cox.state import State, state_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.cox.design import Design
    from missing_patterns.recurrence.cox.model import RecurrentCox

#: How many children are left out at a time, and the fewest children left for it to mean anything.
LEFT_OUT = (1, 5)
FEWEST_LEFT = 5

_STEPS = 30


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Influence:
    """How far each rate ratio moves without the children on whom it rests most. Made by ``RecurrentCox.influence``.

    No child is named here or can be told from it.

    Parameters
    ----------
    table : pd.DataFrame
        One row per covariate and number of children left out (1 and 5): ``covariate n_left_out rate_ratio
        rate_ratio_without change change_in_errors change_foretold``. ``change`` is that of the logarithm of the rate
        ratio, found by fitting again; ``change_in_errors`` the same in robust standard errors; ``change_foretold`` what
        the children's score residuals (dfbeta) said it would be. The children left out are those who together pull
        this covariate furthest to one side. NaN where the covariate no longer differs without them.
    intervals : pd.DataFrame
        ``covariate rate_ratio lower upper`` with everybody, robust 95 % limits, for the drawing.
    n_children, n_episodes : int
        What it rests on.

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``RecurrentCox.influence``.
    """

    table: pd.DataFrame
    intervals: pd.DataFrame
    n_children: int
    n_episodes: int

    def __repr__(self) -> str:
        return (
            f"Influence: {plural(len(self.intervals), 'covariate')}, "
            f"{plural(self.n_children, 'child', 'children')}, {plural(self.n_episodes, 'episode')}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table.

        Raises
        ------
        Nothing.
        """
        return self.table.copy()

    def explain(self) -> str:
        """Say in plain English what was done, what was found, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        said = [
            (
                "For each covariate the children on whom its rate ratio rests most, one and then five, were left out, "
                "the model fitted again"
            ),
            f"It rests on {plural(self.n_episodes, 'episode')} of {plural(self.n_children, 'child', 'children')}",
        ]
        known = self.table.dropna(subset=["change_in_errors"])
        if len(known):
            worst = known.loc[known["change_in_errors"].abs().idxmax()]
            said.append(
                f"The furthest that one moves is {worst['covariate']}: from {worst['rate_ratio']:.2f} to "
                f"{worst['rate_ratio_without']:.2f} without {plural(int(worst['n_left_out']), 'child', 'children')}, "
                f"{abs(worst['change_in_errors']):.1f} standard errors"
            )
        clear = self.intervals[(self.intervals["lower"] > 1) | (self.intervals["upper"] < 1)]["covariate"]
        turned = known[(known["rate_ratio"] - 1) * (known["rate_ratio_without"] - 1) < 0]
        turned = turned.loc[turned["covariate"].isin(clear), "covariate"].unique()
        if len(turned):
            said.append(
                f"Turned round, though the interval was clear of 1: {', '.join(turned)}. That is about those few"
            )
        elif len(clear):
            said.append("No rate ratio whose interval is clear of 1 moves to the other side of it")
        lost = self.table.loc[self.table["change"].isna(), "covariate"].unique()
        if len(lost):
            said.append(f"Without those children nothing can be said about {', '.join(lost)}: it rests on them alone")
        said += [
            (
                "The children are chosen to move each figure most, so some move is certain: five out of a few hundred "
                "often move one by a standard error"
            ),
            "Leaving children out shows what a figure rests on; it is no reason to leave them out of the findings",
        ]
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each rate ratio with its interval, and where it stands without one and without five children.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        names = self.intervals["covariate"].tolist()
        all_of = [self.intervals[c].tolist() for c in ("rate_ratio", "lower", "upper")]
        forest(ax, names, *all_of, label="everybody, 95 % interval")
        at = dict(zip(names, np.arange(len(names))[::-1], strict=True))
        low, high = ax.get_xlim()
        for n, marker, colour in zip(LEFT_OUT, ("o", "D"), (BLUE, PINK), strict=True):
            part = self.table[(self.table["n_left_out"] == n) & self.table["rate_ratio_without"].between(low, high)]
            ax.plot(
                part["rate_ratio_without"],
                [at[name] - 0.22 for name in part["covariate"]],
                marker=marker,
                linestyle="none",
                color=colour,
                fillstyle="none",
                markersize=6,
                label=f"without {plural(n, 'child', 'children')}",
            )
        ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)
        ax.set_xlabel("Rate ratio (log scale)")
        return ax


def _fit_again(likelihood: Likelihood, beta: Floats) -> Floats | None:
    """Return the coefficients at which the slope is nil, by Newton's steps, halved where they do not climb.

    None where the curvature has no inverse: a covariate no longer differs among those at risk.
    """
    terms = likelihood.at(beta)
    if not np.isfinite(terms.log_likelihood):
        terms = likelihood.at(np.zeros_like(beta))
    for _ in range(_STEPS):
        scale = np.sqrt(np.diag(terms.information))
        if not (scale > 0).all() or np.linalg.cond(terms.information / np.outer(scale, scale)) > 1e12:
            return None
        step = np.linalg.solve(terms.information, terms.score)
        new = likelihood.at(terms.beta + step)
        for _ in range(_STEPS):
            if new.log_likelihood >= terms.log_likelihood - 1e-9 * abs(terms.log_likelihood):
                break
            step = step / 2
            new = likelihood.at(terms.beta + step)
        terms = new
        if float(np.abs(step * scale).max()) < 1e-6:
            return terms.beta
    return None


def _without(likelihood: Likelihood, kept: Bools, design: Design, beta: Floats) -> Floats | None:
    """Fit again on the rows kept, starting from some coefficients."""
    event = likelihood.risk.event[kept]
    if not event.any():
        return None
    rows = Likelihood(
        np.ascontiguousarray(likelihood.matrix[kept]),
        risk_sets(design.start[kept], design.stop[kept], event, design.stratum[kept]),
        likelihood.weight[kept],
        likelihood.offset[kept],
        likelihood.ties,
    )
    return _fit_again(rows, beta)


def furthest(moves: Floats, n: int) -> Ints:
    """Return the n children who together pull a coefficient furthest to one side.

    Parameters
    ----------
    moves : array [number of children]
        How far the coefficient would move without each.
    n : int
        How many.

    Returns
    -------
    array of int
        Positions, by size.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> furthest(np.array([0.1, -0.5, 0.4, 0.3]), 2).tolist()
    [2, 3]
    """
    order = np.argsort(moves, kind="stable")
    down, up = order[:n], order[::-1][:n]
    return up if moves[up].sum() >= -moves[down].sum() else down


def _moves(state: State) -> Floats:
    """Return how far the coefficients would move, nearly, without each child: [children, p]."""
    design = state.design
    scores = score_by_cluster(state.likelihood, state.terms, design.child, design.n_children)
    return -scores @ state.covariance


def influence(model: RecurrentCox) -> Influence:
    """Leave out, for each covariate, the one and the five children on whom its rate ratio rests most; fit again.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.

    Returns
    -------
    Influence
        Five are left out where at least five others remain.

    Raises
    ------
    ArgumentRefused
        If the model is not fitted, or there are fewer than six children.

    Notes
    -----
    What is foretold is minus the sum of the children's dfbeta: their score residuals times the model's covariance.

    Examples
    --------
    See ``RecurrentCox.influence``.
    """
    state = state_of(model)
    design, beta = state.design, model.coef_.to_numpy()
    numbers = [n for n in LEFT_OUT if design.n_children - n >= FEWEST_LEFT]
    if not numbers:
        raise ArgumentRefused(f"leaving children out needs at least {LEFT_OUT[0] + FEWEST_LEFT}.")
    moves, se = _moves(state), np.sqrt(np.diag(state.robust))
    rows, done = [], {}
    for j, name in enumerate(design.names):
        for n in numbers:
            out = furthest(moves[:, j], n)
            foretold = moves[out].sum(axis=0)
            which = tuple(sorted(out.tolist()))
            if which not in done:
                kept = ~np.isin(design.child, out)
                done[which] = _without(state.likelihood, kept, design, beta + foretold)
            again = done[which]
            change = np.nan if again is None else float(again[j] - beta[j])
            with np.errstate(over="ignore"):
                ratio, without = float(np.exp(beta[j])), float(np.exp(beta[j] + change))
            rows.append((name, n, ratio, without, change, change / se[j], float(foretold[j])))
    columns = [
        "covariate",
        "n_left_out",
        "rate_ratio",
        "rate_ratio_without",
        "change",
        "change_in_errors",
        "change_foretold",
    ]
    with np.errstate(over="ignore"):
        limits = np.exp(beta[:, None] + Z95 * se[:, None] * np.array([0.0, -1.0, 1.0]))
    intervals = pd.DataFrame(limits, columns=["rate_ratio", "lower", "upper"])
    intervals.insert(0, "covariate", list(design.names))
    return Influence(
        table=pd.DataFrame(rows, columns=columns),
        intervals=intervals,
        n_children=design.n_children,
        n_episodes=int(design.event.sum()),
    )


def influence_by_child(model: RecurrentCox) -> pd.DataFrame:
    """Return how far each child pulls each coefficient. For local use: it names children, and must not leave the team.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.

    Returns
    -------
    pd.DataFrame
        One row per child, those who pull furthest first: ``child_id n_episodes furthest``, then one column per
        covariate: how far its coefficient (the logarithm of the rate ratio) would move, in robust standard errors, if
        the child were left out, nearly. ``furthest`` is the largest of them, without sign.

    Raises
    ------
    ArgumentRefused
        If the model is not fitted.

    Examples
    --------
    See ``RecurrentCox.influence_by_child``.
    """
    state = state_of(model)
    design = state.design
    moves = _moves(state) / np.sqrt(np.diag(state.robust))
    found = pd.DataFrame(moves, columns=list(design.names))
    found.insert(0, "furthest", np.abs(moves).max(axis=1))
    found.insert(0, "n_episodes", np.bincount(design.child[design.event], minlength=design.n_children))
    found.insert(0, "child_id", model.design_.child_ids)
    return found.sort_values("furthest", ascending=False, kind="stable", ignore_index=True)
