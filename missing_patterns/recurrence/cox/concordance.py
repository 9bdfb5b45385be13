"""Concordance: do those whom a score puts higher go missing sooner? Counted exactly, with errors that know children."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from missing_patterns.errors import ArgumentRefused, did_you_mean, positions
from missing_patterns.recurrence.common import Z95, Floats, Ints, plural, tie_times
from missing_patterns.recurrence.cox.pairs import censoring_weights, null_variance, partners, tied_pairs
from missing_patterns.recurrence.cox.risk import RiskSets, risk_sets
from missing_patterns.recurrence.cox.state import state_of, stratum_labels
from missing_patterns.recurrence.drawing import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.cox.model import RecurrentCox

TimeWeight = Literal["n", "n/G2"]

COUNTS = ("concordant", "discordant", "tied_score", "tied_time", "tied_both")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Concordance:
    """How well a score orders who goes missing again first. Made by :func:`concordance_of`.

    Parameters
    ----------
    concordance : float
        Share of comparable pairs in which the higher score went first; ties of the score count half. 0.5 = chance.
    se : float
        Its standard error from each child's (cluster's) influence on it; NaN with one cluster only.
    lower, upper : float
        95 % interval on the logit scale; NaN where the concordance is 0 or 1 or ``se`` is not known.
    se_null : float
        Standard error if the score had nothing to say and rows were independent (that of the Cox score test).
    counts : pd.DataFrame
        One row per stratum: ``stratum concordant discordant tied_score tied_time tied_both``; weighted where weights
        were given. ``tied_time``: both went on the same day, not compared.
    n_rows, n_events, n_clusters : int
        What it rests on; ``n_clusters`` 0 = each row was taken as its own.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`concordance_of`.
    """

    concordance: float
    se: float
    lower: float
    upper: float
    se_null: float
    counts: pd.DataFrame
    n_rows: int
    n_events: int
    n_clusters: int

    def __repr__(self) -> str:
        return f"Concordance: {plural(self.n_events, 'episode')} in {plural(self.n_rows, 'row')}"

    def summary(self) -> pd.DataFrame:
        """Return one row: ``concordance se lower upper se_null`` and the counts of pairs over all strata.

        Raises
        ------
        Nothing.
        """
        row: dict[str, float] = {k: getattr(self, k) for k in ("concordance", "se", "lower", "upper", "se_null")}
        row |= {name: float(self.counts[name].sum()) for name in COUNTS}
        return pd.DataFrame([row])

    def explain(self) -> str:
        """Say in plain English what was compared, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        total = self.counts[list(COUNTS)].sum()
        pairs = float(total["concordant"] + total["discordant"] + total["tied_score"])
        whose = (
            f"The interval allows for rows of one child being alike ({plural(self.n_clusters, 'child', 'children')})"
            if self.n_clusters
            else "The interval takes rows as independent of one another, which rows of one child are not"
        )
        known = (
            f" (95 % interval {self.lower:.2f} to {self.upper:.2f})"
            if np.isfinite(self.lower)
            else " (no interval can be given)"
        )
        rests = f"{plural(self.n_events, 'episode')} in {plural(self.n_rows, 'row')}"
        said = [
            f"The row with the higher score went missing first in {self.concordance:.0%} of comparable pairs{known}",
            "Compared are an episode and every other row at risk on that day",
            "Half would be chance, and all would be perfect order",
            f"It rests on {rests}, {pairs:,.0f} pairs (weighted where weights were given)",
            whose,
        ]
        if len(self.counts) > 1:
            said.append(f"Only rows of one stratum are compared; there are {len(self.counts):,} strata")
        if total["tied_score"] / pairs >= 0.005:
            said.append(f"In {total['tied_score'] / pairs:.0%} of pairs both had the same score: they count half")
        said += [
            "It is measured on the same data that the model was fitted to, and flatters it",
            "It says how well groups are put in order, not that a child's figure is right: no reason to rank children",
        ]
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the concordance with its interval, and that of each stratum, against chance.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        shares, names = [self.concordance], ["All"]
        if len(self.counts) > 1:
            pairs = self.counts[["concordant", "discordant", "tied_score"]].sum(axis=1)
            with np.errstate(invalid="ignore"):
                each = (self.counts["concordant"] + self.counts["tied_score"] / 2) / pairs
            shares += each.tolist()
            names += [f"Stratum {label}" for label in self.counts["stratum"]]
        at = np.arange(len(names))[::-1]
        ax.plot([self.lower, self.upper], [at[0], at[0]], color="#12436D", linewidth=2)
        ax.plot(shares[:1], at[:1], marker="s", linestyle="none", color="#12436D", markersize=8)
        ax.plot(shares[1:], at[1:], marker="o", linestyle="none", color="#12436D", fillstyle="none")
        ax.axvline(0.5, color="#3D3D3D", linestyle="--", linewidth=1)
        ax.annotate(
            "chance", (0.5, 0.02), xycoords=("data", "axes fraction"), xytext=(4, 0), textcoords="offset points"
        )
        ax.set_yticks(at, names)
        ax.set_ylim(-0.7, len(names) - 0.3)
        ax.set_xlim(min(0.4, *(s - 0.02 for s in shares if np.isfinite(s))), 1.0)
        ax.set_xlabel("Share of pairs in which the higher score went first")
        return ax


def concordance(model: RecurrentCox) -> Concordance:
    """Say how often those whom a fitted model puts higher went missing first, on the data that it was fitted to.

    Parameters
    ----------
    model : RecurrentCox
        Fitted. The score is its linear predictor; strata, weights and clusters are the model's.

    Returns
    -------
    Concordance

    Raises
    ------
    ArgumentRefused
        If the model is not fitted, or no two rows can be compared.

    Examples
    --------
    See ``RecurrentCox.concordance``.
    """
    state = state_of(model)
    design, risk = state.design, state.likelihood.risk
    # Column by column, so that rows with the same covariates have the same score to the last digit.
    score = design.offset.copy()
    for column, coef in zip(design.matrix.T, model.coef_.to_numpy(), strict=True):
        score += column * coef
    weight = None if (design.weight == 1).all() else design.weight
    cluster = None if model.cluster is None else design.cluster
    return count_pairs(risk, score, weight, cluster, None, stratum_labels(design))


def _checked(name: str, values: ArrayLike, n: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n,):
        raise ArgumentRefused(f"{name} must hold one number for each row: {n:,}.")
    if (wrong := ~np.isfinite(array)).any():
        at = positions([int(i) for i in np.flatnonzero(wrong)])
        raise ArgumentRefused(f"{name} is not recorded or infinite at {at}. Leave those rows out, or fill them in.")
    return array


def concordance_of(
    start: ArrayLike | None,
    stop: ArrayLike,
    event: ArrayLike,
    score: ArrayLike,
    *,
    stratum: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    time_weight: TimeWeight = "n",
) -> Concordance:
    """Say how often the higher score goes missing first, among pairs that can be compared.

    An episode is compared with every row that is at risk at that moment, in its stratum, and does not go at that very
    moment. A row is at risk on (start, stop].

    Parameters
    ----------
    start : array [n], optional
        Days on which rows come at risk; None = from the beginning.
    stop : array [n]
        Days on which they end; after ``start``.
    event : array [n]
        1 = the row ends with an episode, 0 = not.
    score : array [n]
        Higher = expected to go sooner (a rate, a log rate ratio). Take care that scores which should be equal are.
    stratum : array [n], optional
        Only rows of one stratum are compared.
    weight : array [n], optional
        Weights above 0; a pair weighs their product.
    cluster : array [n], optional
        The child of each row: the error then allows for rows of one child being alike.
    time_weight : {"n", "n/G2"}, default "n"
        ``n`` counts pairs as they are (Harrell). ``n/G2`` weighs them by 1 / G(t)^2, G the chance of still being
        followed (Uno 2011), so that what comes out does not depend on how long children were followed; only where
        nobody enters late.

    Returns
    -------
    Concordance

    Raises
    ------
    ArgumentRefused
        If arrays differ in length, hold numbers that are not finite or times out of order, nothing can be compared,
        or the weighting is not known or does not suit late entry.

    Notes
    -----
    The same figures as R's ``concordance(Surv(start, stop, event) ~ score, reverse = TRUE)`` of survival 3.5;
    ``se`` is the infinitesimal jackknife (grouped by cluster), ``se_null`` the square root of its ``cvar``.
    Harrell FE and others (1982), JAMA 247:2543-2546. Uno H and others (2011), Statistics in Medicine 30:1105-1117.

    Examples
    --------
    >>> found = concordance_of(None, [1, 2, 3, 4], [1, 1, 0, 1], [3.0, 1.0, 2.0, 0.0])
    >>> found
    Concordance: 3 episodes in 4 rows
    >>> round(found.concordance, 3)
    0.8
    >>> found.counts[["concordant", "discordant"]].iloc[0].tolist()
    [4.0, 1.0]
    """
    if time_weight not in get_args(TimeWeight):
        raise ArgumentRefused(
            f"time_weight must be one of {', '.join(get_args(TimeWeight))}."
            f"{did_you_mean(str(time_weight), get_args(TimeWeight))}"
        )
    end = np.asarray(stop, dtype=np.float64)
    n = len(end) if end.ndim else 0
    end = _checked("stop", end, n)
    if not n:
        raise ArgumentRefused("there are no rows to compare.")
    begin = np.full(n, min(end.min(), 0.0) - 1.0) if start is None else _checked("start", start, n)
    flags = _checked("event", event, n)
    if not np.isin(flags, [0, 1]).all():
        raise ArgumentRefused("event must hold 0 and 1 only.")
    begin, end = tie_times(begin, end)
    if (wrong := end <= begin).any():
        at = positions([int(i) for i in np.flatnonzero(wrong)])
        raise ArgumentRefused(f"rows end before or when they start, at {at}. Leave rows without length out.")
    strata, labels = pd.factorize(np.zeros(n) if stratum is None else np.asarray(stratum), sort=True)
    if (strata < 0).any() or len(strata) != n:
        raise ArgumentRefused(f"stratum must hold a value for each of {n:,} rows.")
    if time_weight == "n/G2" and (begin != begin[0]).any():
        raise ArgumentRefused("time_weight 'n/G2' needs rows that all start together; use 'n' where some enter late.")
    weights = None if weight is None else _checked("weight", weight, n)
    if weights is not None and not (weights > 0).all():
        raise ArgumentRefused("weight must be above 0. Leave rows without weight out.")
    risk = risk_sets(begin, end, flags == 1, strata.astype(np.int64))
    cell_weight = np.ones(len(risk.times))
    if time_weight == "n/G2":
        cell_weight = censoring_weights(risk, end, strata, np.ones(n) if weights is None else weights)
    child = None if cluster is None else pd.factorize(np.asarray(cluster))[0]
    if child is not None and (len(child) != n or (child < 0).any()):
        raise ArgumentRefused(f"cluster must hold a value for each of {n:,} rows.")
    return count_pairs(risk, _checked("score", score, n), weights, child, cell_weight, list(labels))


def count_pairs(
    risk: RiskSets,
    score: Floats,
    weight: Floats | None,
    cluster: Ints | None,
    cell_weight: Floats | None = None,
    labels: list[Any] | None = None,
) -> Concordance:
    """Count pairs of rows whose risk sets are known; see :func:`concordance_of`.

    Parameters
    ----------
    risk : RiskSets
        Who is at risk when.
    score : array [n]
        Higher = expected sooner.
    weight : array [n], optional
        Weights of rows.
    cluster : array of int [n], optional
        Numbers of the children.
    cell_weight : array [D], optional
        Weights of the event times.
    labels : list, optional
        What the strata are called, by number.

    Raises
    ------
    ArgumentRefused
        If no two rows can be compared.

    Examples
    --------
    See :func:`concordance_of`.
    """
    nothing = "no two rows can be compared: no episode happened while another row was at risk."
    if not len(risk.times):
        raise ArgumentRefused(nothing)
    # In the order of the score everything that is looked up lies nearby: three times as fast.
    order = np.lexsort((risk.first, score))
    rank = np.cumsum(np.diff(score[order], prepend=score[order[:1]]) != 0)
    risk = RiskSets(
        times=risk.times,
        stratum=risk.stratum,
        first=risk.first[order],
        last=risk.last[order],
        event=risk.event[order],
        cell=risk.cell[order],
    )
    weight = None if weight is None else weight[order]
    ones = np.ones(len(rank)) if weight is None else weight
    cells = np.ones(len(risk.times)) if cell_weight is None else cell_weight
    rows = np.flatnonzero(risk.event)
    at_event = ones[rows] * cells[risk.cell[rows]]
    of_events, of_rows = partners(risk, rank, weight, at_event)
    n_strata = int(risk.stratum.max(initial=-1)) + 1 if labels is None else len(labels)
    where = risk.stratum[risk.cell[rows]]
    counted = [np.bincount(where, at_event * part, minlength=n_strata) for part in of_events]
    pairs = float(sum(c.sum() for c in counted))
    if not pairs > 0:
        raise ArgumentRefused(nothing)
    counted += [np.bincount(risk.stratum, p, minlength=n_strata) for p in tied_pairs(risk, rank, ones, cells)]
    difference = float(counted[0].sum() - counted[1].sum()) / pairs

    influence = np.stack(of_rows)
    influence[:, rows] += np.stack(of_events) * cells[risk.cell[rows]]
    moves = ones * ((influence[0] - influence[1]) - difference * influence.sum(axis=0)) / pairs
    if cluster is not None:
        moves = np.bincount(cluster[order], moves)
    se = float(np.sqrt((moves**2).sum()) / 2) if len(moves) > 1 else np.nan
    share = (difference + 1) / 2
    lower, upper = np.nan, np.nan
    if 0 < share < 1 and np.isfinite(se):
        width = np.exp(Z95 * se / (share * (1 - share)) * np.array([-1.0, 1.0]))
        lower, upper = share * width / (share * width + 1 - share)
    table = pd.DataFrame(dict(zip(COUNTS, counted, strict=True)))
    table.insert(0, "stratum", list(range(n_strata)) if labels is None else labels)
    return Concordance(
        concordance=share,
        se=se,
        lower=float(lower),
        upper=float(upper),
        se_null=float(np.sqrt(max(null_variance(risk, rank, ones, cells), 0.0)) / (2 * pairs)),
        counts=table,
        n_rows=len(rank),
        n_events=len(rows),
        n_clusters=0 if cluster is None else len(moves),
    )
