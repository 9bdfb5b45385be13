"""How far rate ratios rest on a few children: left out and fitted again, and foretold for each child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused
from missing_patterns.recurrence.common import Z95, Floats, Ints, plural
from missing_patterns.recurrence.cox.drawing import BLUE, PINK, forest
from missing_patterns.recurrence.cox.likelihood import Likelihood, score_by_cluster
from missing_patterns.recurrence.cox.names import spoken
from missing_patterns.recurrence.cox.risk import risk_sets, sum_over_cells
from missing_patterns.recurrence.cox.state import State, state_of
from missing_patterns.recurrence.drawing import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.cox.model import RecurrentCox

#: Where so large a share of what is known of a covariate comes from the children left out, they are those left out:
#: a child who alone has it fits it perfectly, and would not seem to pull at it.
MOST_OF_IT = 0.8

#: How many children are left out at a time, and the fewest children left for it to mean anything.
LEFT_OUT = (1, 5)
FEWEST_LEFT = 5

_STEPS = 30

#: A step that moves the linear predictor by so much where the likelihood no longer rises is on its way to infinity.
STILL_MOVING = 0.1


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Influence:
    """How far each rate ratio moves without the children on whom it rests most. Made by ``RecurrentCox.influence``.

    No child is named here or can be told from it.

    Parameters
    ----------
    table : pd.DataFrame
        One row per covariate and number of children left out (1 and 5): ``covariate n_left_out share rate_ratio
        rate_ratio_without change change_in_errors change_foretold``. ``share`` is how much of what is known of the
        covariate (its information) comes from so many children at most. ``change`` is that of the logarithm of the
        rate ratio, found by fitting again; ``change_in_errors`` the same in robust standard errors; ``change_foretold``
        what the children's score residuals (dfbeta) said it would be. The children left out are those who together pull
        this covariate furthest to one side, or those of ``share`` where it is above 0.8. NaN where nothing can be
        said without them: the covariate no longer differs, or runs off.
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
                "The children on whom a rate ratio rests most, one and then five, were left out, and the model fitted "
                "again, for each covariate"
            ),
            f"It rests on {plural(self.n_episodes, 'episode')} of {plural(self.n_children, 'child', 'children')}",
        ]
        known = self.table.dropna(subset=["change_in_errors"])
        if len(known):
            worst = known.loc[known["change_in_errors"].abs().idxmax()]
            said.append(
                f"The one that moves furthest is {spoken(worst['covariate'])}: from {worst['rate_ratio']:.2f} to "
                f"{worst['rate_ratio_without']:.2f} without {plural(int(worst['n_left_out']), 'child', 'children')}, "
                f"{abs(worst['change_in_errors']):.1f} standard errors"
            )
        clear = self.intervals[(self.intervals["lower"] > 1) | (self.intervals["upper"] < 1)]["covariate"]
        turned = known[(known["rate_ratio"] - 1) * (known["rate_ratio_without"] - 1) < 0]
        turned = [spoken(n) for n in turned.loc[turned["covariate"].isin(clear), "covariate"].unique()]
        if turned:
            said.append(
                f"Turned round, though the interval was clear of 1: {', '.join(turned)}. That is about those few"
            )
        elif len(clear):
            said.append("No rate ratio whose interval is clear of 1 moves to the other side of it")
        lost = [spoken(n) for n in self.table.loc[self.table["change"].isna(), "covariate"].unique()]
        if lost:
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
        forest(ax, [spoken(name) for name in names], *all_of, label="everybody, 95 % interval")
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

    NaN for those that still move when the likelihood has stopped rising: they run off. None where the curvature has no
    inverse (a covariate no longer differs among those at risk), or no end is found.
    """
    terms = likelihood.at(beta)
    for _ in range(_STEPS):
        scale = np.sqrt(np.maximum(np.diag(terms.information), 0.0))
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
            runs_off = np.abs(step) * np.ptp(likelihood.matrix, axis=0) > STILL_MOVING
            return np.where(runs_off, np.nan, terms.beta)
    return None


def _without(state: State, out: Ints, beta: Floats) -> Floats:
    """Fit again without some children, starting from some coefficients; NaN where nothing can be said without them."""
    design, all_rows, found = state.design, state.likelihood, np.full(len(beta), np.nan)
    kept = ~np.isin(design.child, out)
    event = design.event[kept]
    matrix = all_rows.matrix[kept]
    differs = np.flatnonzero(np.ptp(matrix, axis=0) > 0)
    if not event.any() or not len(differs):
        return found
    rows = Likelihood(
        matrix if len(differs) == len(beta) else np.ascontiguousarray(matrix[:, differs]),
        risk_sets(design.start[kept], design.stop[kept], event, design.stratum[kept]),
        all_rows.weight[kept],
        all_rows.offset[kept],
        all_rows.ties,
    )
    for begin in (beta[differs], np.zeros(len(differs))):
        if (again := _fit_again(rows, begin)) is not None:
            found[differs] = again
            break
    return found


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


def _shares(state: State) -> Floats:
    """Return each child's share of the information on each covariate, nearly (ties are left aside): [children, p].

    Information on a covariate, the others being known only from the same data, is the spread of a mixture of all
    columns over the rows expected to go; the mixture is a column of the covariance. It is taken where all coefficients
    are 0, so that how often a child went does not hide that it alone has the covariate.
    """
    design, risk, terms = state.design, state.likelihood.risk, state.null
    mixture = np.linalg.inv(terms.information)
    shares = np.empty((design.n_children, len(design.names)))
    met = sum_over_cells(terms.hazard, risk)
    centre = terms.s1 / terms.s0[:, None] @ mixture
    for j in range(shares.shape[1]):
        own, mean = state.likelihood.matrix @ mixture[:, j], terms.hazard * centre[:, j]
        spread = own**2 * met - 2 * own * sum_over_cells(mean, risk) + sum_over_cells(mean * centre[:, j], risk)
        shares[:, j] = np.bincount(design.child, terms.rate * spread, minlength=len(shares))
    total: Floats = shares / shares.sum(axis=0)
    return total


def influence(model: RecurrentCox) -> Influence:
    """Leave out, for each covariate, the one and the five children on whom its rate ratio rests most; fit again.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.

    Returns
    -------
    Influence
        Five are left out where at least five others remain. Covariates that run off (``runs_off_``) are not in it.

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
    moves, shares, se = _moves(state), _shares(state), np.sqrt(np.diag(state.robust))
    rows: list[tuple[object, ...]] = []
    done: dict[tuple[int, ...], Floats] = {}
    chosen = [j for j, name in enumerate(design.names) if name not in model.runs_off_]
    for j, name in ((j, design.names[j]) for j in chosen):
        for n in numbers:
            most = np.argsort(shares[:, j], kind="stable")[::-1][:n]
            share = float(shares[most, j].sum())
            out = most if share > MOST_OF_IT else furthest(moves[:, j], n)
            foretold = moves[out].sum(axis=0)
            which = tuple(sorted(out.tolist()))
            if which not in done:
                done[which] = _without(state, out, beta + foretold)
            change = float(done[which][j] - beta[j])
            with np.errstate(over="ignore"):
                ratio, without = float(np.exp(beta[j])), float(np.exp(beta[j] + change))
            rows.append((name, n, share, ratio, without, change, change / se[j], float(foretold[j])))
    columns = [
        "covariate",
        "n_left_out",
        "share",
        "rate_ratio",
        "rate_ratio_without",
        "change",
        "change_in_errors",
        "change_foretold",
    ]
    with np.errstate(over="ignore"):
        limits = np.exp(beta[chosen, None] + Z95 * se[chosen, None] * np.array([0.0, -1.0, 1.0]))
    intervals = pd.DataFrame(limits, columns=["rate_ratio", "lower", "upper"])
    intervals.insert(0, "covariate", [design.names[j] for j in chosen])
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
