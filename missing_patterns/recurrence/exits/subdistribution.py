"""What Fine and Gray's model needs: spells kept at risk at waning weights, and a covariance that knows they wane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from missing_patterns.errors import TableRefused
from missing_patterns.recurrence.common import Floats, Ints
from missing_patterns.recurrence.cox.likelihood import score_by_cluster
from missing_patterns.recurrence.cox.model import RecurrentCox

FollowUp = Literal["after", "with"]

#: Beyond so many rows the model would not fit into a usual machine.
MOST_ROWS = 20_000_000


@dataclass(frozen=True, slots=True, repr=False)
class Weighted:
    """Spells with those that ended in another way kept at risk, at weights that wane as follow-up would have ended.

    One position is a piece of a spell, on (start, stop]; ``row`` is the position of its spell.

    Parameters
    ----------
    row : array of int
        Position of the spell.
    start, stop, weight : array of float
        The piece.
    event : array of bool
        Whether the end that is modelled came at ``stop``.
    followed : array of float
        For each spell, the chance that follow-up lasts up to its end.

    Raises
    ------
    Nothing.
    """

    row: Ints
    start: Floats
    stop: Floats
    weight: Floats
    event: np.ndarray[Any, np.dtype[np.bool_]]
    followed: Floats

    def __repr__(self) -> str:
        return f"Weighted: {len(self.row):,} pieces of {len(self.followed):,} spells"


def weigh(stop: Floats, kind: Ints, follow_up_ends: FollowUp = "after") -> Weighted:
    """Keep spells that ended in another way at risk, weighed by the chance that they would still be followed.

    Parameters
    ----------
    stop : array of float
        When each spell ended; all were followed from the origin. Ties are exact.
    kind : array of int
        1 = ended in the way that is modelled, 2 = in another, 0 = follow-up ended.

    follow_up_ends : {"after", "with"}, default "after"
        Of one day, whether follow-up ends after all else or with it.

    Returns
    -------
    Weighted

    Raises
    ------
    TableRefused
        If there would be more than 20 million pieces.

    Notes
    -----
    The pieces and weights of R's ``survival::finegray``: the chance of still being followed is a Kaplan-Meier estimate
    in which, of one day, follow-up ends after all else; pieces in which nobody ends in the way modelled are left out.

    Examples
    --------
    >>> made = weigh(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2, 0, 1, 1]))
    >>> list(zip(made.row.tolist(), made.start.tolist(), made.stop.tolist(), made.weight.round(3).tolist()))
    [(0, 0.0, 2.0, 1.0), (0, 2.0, 4.0, 0.667), (1, 0.0, 2.0, 1.0), (2, 0.0, 3.0, 1.0), (3, 0.0, 4.0, 1.0)]
    """
    n = len(stop)
    origin = 0.0 if stop.min(initial=1.0) > 0 else -1.0
    cuts, n_cut = np.unique(stop[kind == 0], return_counts=True)
    last, ended = np.sort(stop), np.sort(stop[kind > 0])
    at_risk = n - np.searchsorted(last, cuts)
    if follow_up_ends == "after":
        at_risk = at_risk - np.searchsorted(ended, cuts, side="right") + np.searchsorted(ended, cuts)
    chance = np.concatenate([[1.0], np.cumprod(1 - n_cut / at_risk)])
    edges = np.append(cuts, max(float(stop.max(initial=0.0)), float(cuts.max(initial=0.0))))
    piece = np.searchsorted(cuts, stop)  # the piece of time (cut before, cut] in which the spell ended
    wanted = np.zeros(len(edges) + 1, dtype=np.int64)
    wanted[np.unique(piece[kind == 1])] = 1
    if len(cuts) and edges[-1] == cuts[-1]:
        wanted[len(cuts)] = 0
    kept = np.flatnonzero(wanted)
    others = np.flatnonzero(kind == 2)
    begin = np.searchsorted(kept, piece[others], side="right")
    more = len(kept) - begin
    if n + int(more.sum()) > MOST_ROWS:
        told = f"{n + int(more.sum()):,} pieces of spells are too many; round the days up, or take fewer spells"
        raise TableRefused.of_problems("gaps", [told])
    again = np.repeat(others, more)
    which = kept[np.repeat(begin, more) + np.arange(len(again)) - np.repeat(np.cumsum(more) - more, more)]
    first_stop = np.where(kind == 2, edges[np.minimum(piece, len(edges) - 1)], stop)
    row = np.concatenate([np.arange(n), again])
    order = np.argsort(row, kind="stable")
    return Weighted(
        row=row[order],
        start=np.concatenate([np.full(n, origin), edges[which - 1]])[order],
        stop=np.concatenate([first_stop, edges[which]])[order],
        weight=np.concatenate([np.ones(n), chance[which] / chance[piece[again]]])[order],
        event=np.concatenate([kind == 1, np.zeros(len(again), dtype=bool)])[order],
        followed=chance[piece],
    )


def weighted_covariance(model: RecurrentCox, stop: Floats, kind: Ints, made: Weighted, matrix: Floats) -> Floats:
    """Return Fine and Gray's covariance by child: what the weights being estimated brings is in it.

    With ``r`` the rate of a spell and G the chance of still being followed, a spell that ended otherwise at x adds
    ``(z A(u) - B(u)) r / G(x)`` to q(u) for u > x, A and B being sums over days from u on of G dH and of mean(z) G dH;
    a spell's own part is then the sum of q / Y over its own censoring martingale (Fine and Gray 1999, section 4).

    Parameters
    ----------
    model : RecurrentCox
        Fitted to the pieces.
    stop, kind : array
        As for :func:`weigh`.
    made : Weighted
        The pieces.
    matrix : array [n, p]
        Covariates of the spells.

    Returns
    -------
    array [p, p]

    Raises
    ------
    Nothing.
    """
    terms, risk = model._terms, model._risk  # the sums of the fit; they belong to the same house
    z = matrix - model.design_.means
    n, p = z.shape
    rate = np.exp(z @ model.coef_.to_numpy())
    days = risk.times
    cuts, n_cut = np.unique(stop[kind == 0], return_counts=True)
    chance = _just_before(days, stop, kind, made.followed)
    # The fit measures rates from a level of its own; the sums G dH r are free of it once divided by s0 / rate.
    scale = _scale(terms.rate, made, rate)
    hazard = terms.hazard * scale
    mean = terms.s1 / terms.s0[:, None]
    a = np.append((chance * hazard)[::-1].cumsum()[::-1], 0.0)
    b = np.vstack([(mean * (chance * hazard)[:, None])[::-1].cumsum(axis=0)[::-1], np.zeros(p)])
    other = np.flatnonzero(kind == 2)
    order = other[np.argsort(stop[other], kind="stable")]
    size = rate[order] / made.followed[order]
    ahead = np.searchsorted(stop[order], cuts, side="left")
    r0 = np.concatenate([[0.0], np.cumsum(size)])[ahead]
    r1 = np.vstack([np.zeros(p), np.cumsum(z[order] * size[:, None], axis=0)])[ahead]
    from_here = np.searchsorted(days, cuts, side="left")
    q = r1 * a[from_here, None] - r0[:, None] * b[from_here]
    at_risk = n - np.searchsorted(np.sort(stop), cuts)
    step = q / at_risk[:, None]
    run = np.vstack([np.zeros(p), np.cumsum(step * (n_cut / at_risk)[:, None], axis=0)])
    own = -run[np.searchsorted(cuts, stop, side="right")]
    cut = kind == 0
    own[cut] += step[np.searchsorted(cuts, stop[cut])]
    design = model.design_
    parts = score_by_cluster(model._likelihood, terms, design.cluster, design.n_clusters)
    child = np.empty(n, dtype=np.int64)
    child[made.row] = design.cluster
    for k in range(p):
        parts[:, k] += np.bincount(child, own[:, k], minlength=design.n_clusters)
    moved = parts @ model._covariance
    covariance: Floats = moved.T @ moved
    return covariance


def _just_before(days: Floats, stop: Floats, kind: Ints, followed: Floats) -> Floats:
    """Return the chance of being followed up to each day on which the end modelled came."""
    here = np.flatnonzero(kind == 1)
    distinct, first = np.unique(stop[here], return_index=True)
    chance: Floats = followed[here][first][np.searchsorted(distinct, days)]
    return chance


def _scale(fitted: Floats, made: Weighted, rate: Floats) -> float:
    """Return the fit's rates over ours: the fit may shift its level so that nothing overflows."""
    return float(fitted[0] / (made.weight[0] * rate[made.row[0]]))
