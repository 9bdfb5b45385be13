"""Expected number of episodes of a child with given covariates, by each day, with errors that know children."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused, positions
from missing_patterns.recurrence.common import Z95, Floats, Ints, plural
from missing_patterns.recurrence.cox.likelihood import Likelihood, Terms, score_by_cluster
from missing_patterns.recurrence.cox.state import State, state_of, stratum_labels
from missing_patterns.recurrence.drawing import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from missing_patterns.recurrence.cox.model import RecurrentCox

#: Without days of their own, curves are given on every day with an episode, or on an even choice of them where rows
#: times days would exceed this: errors that know children cost a pass over the rows for each day.
MOST_WORK = 20_000_000

_COLOURS = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1")
_STYLES = ("-", "--", "-.", ":")

#: Most curves in one drawing.
MOST_CURVES = 6


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MeanPrediction:
    """Expected episodes per child by each day, for given covariates. Made by ``RecurrentCox.predict_mean``.

    Parameters
    ----------
    table : pd.DataFrame
        One row per pattern of covariates, stratum (if there are any) and day:
        ``pattern [stratum] days mean_episodes se lower upper se_survfit at_risk``. ``pattern`` is the row's label in
        the index of ``newdata``. ``se`` knows that episodes of one child are alike; the 95 % limits rest on it, on the
        log scale. ``se_survfit`` is what R's ``survfit.coxph`` gives: episodes by chance alone, and errors of the
        coefficients as the model has them. ``at_risk`` rows at risk in the stratum just before that day. On days beyond
        the last on which anybody of the stratum was at risk all figures are NaN.
    patterns : pd.DataFrame
        The covariates asked for, as given.
    strata : tuple of str
        Columns that make the strata.
    n_children, n_episodes : int
        What it rests on.
    days_asked : bool
        Whether the table holds days that were asked for, and not the whole curves.

    Raises
    ------
    Nothing.

    Examples
    --------
    See ``RecurrentCox.predict_mean``.
    """

    table: pd.DataFrame
    patterns: pd.DataFrame
    strata: tuple[str, ...]
    n_children: int
    n_episodes: int
    days_asked: bool
    _curves_at: Callable[[Sequence[float] | None], pd.DataFrame]

    def __repr__(self) -> str:
        return (
            f"MeanPrediction: {plural(len(self.patterns), 'pattern')} of covariates, from "
            f"{plural(self.n_episodes, 'episode')} of {plural(self.n_children, 'child', 'children')}"
        )

    def _curves(self) -> list[tuple[str, pd.DataFrame]]:
        """Return the whole curves with their labels, also where only some days were asked for."""
        table = self._curves_at(None) if self.days_asked else self.table
        by = ["pattern"] + (["stratum"] if "stratum" in table else [])
        names = dict(
            zip(
                self.patterns.index,
                _pattern_names(self.patterns.drop(columns=list(self.strata), errors="ignore")),
                strict=True,
            )
        )
        found = []
        for key, part in table.groupby(by, sort=False):
            words = [names[key[0]]] + ([f"{' / '.join(self.strata)}: {key[1]}"] if len(by) > 1 else [])
            found.append((", ".join(w for w in words if w), part))
        return found

    def at(self, days: Sequence[float] = (28, 90, 180, 365)) -> pd.DataFrame:
        """Read the whole curves at some days, whichever the table holds.

        Parameters
        ----------
        days : sequence of float, default (28, 90, 180, 365)
            Days, at least 0.

        Returns
        -------
        pd.DataFrame
            As ``table``.

        Raises
        ------
        ArgumentRefused
            If a day is not a number of at least 0.
        """
        return self._curves_at(days)

    def summary(self) -> pd.DataFrame:
        """Return the curves at the days asked for; at 28, 90, 180 and 365 days if none were.

        Raises
        ------
        Nothing.
        """
        return self.table.copy() if self.days_asked else self.at()

    def explain(self) -> str:
        """Say in plain English what was estimated, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        rests = f"{plural(self.n_episodes, 'episode')} of {plural(self.n_children, 'child', 'children')}"
        said = [
            (
                "Each curve is the mean number of episodes by each day of children with the covariates given, if these "
                "stay as they are, among children still at risk"
            ),
            f"It comes from a model of rates fitted to {rests}",
            (
                "Its interval allows for some children going often and others seldom, and for rate ratios not "
                "being certain"
            ),
            "A child is not at risk while missing, before their records begin or after they end",
            "It is a mean over a group: few children carry most episodes, and it does not say what one child will do",
            "Differences between curves are associations in recorded data, not effects",
        ]
        if self.strata:
            said.append(f"Each stratum ({', '.join(self.strata)}) has a course over time of its own")
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the first six curves with their bands, whole also where only some days were asked for.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        curves = self._curves()[:MOST_CURVES]
        for k, (label, part) in enumerate(curves):
            days = np.concatenate([[0.0], part["days"].to_numpy()])
            mean = np.concatenate([[0.0], part["mean_episodes"].to_numpy()])
            colour = _COLOURS[k % len(_COLOURS)]
            ax.step(
                days, mean, where="post", color=colour, linestyle=_STYLES[k % len(_STYLES)], linewidth=2, label=label
            )
            band = [np.concatenate([[np.nan], part[c].to_numpy()]) for c in ("lower", "upper")]
            ax.fill_between(
                days, band[0], band[1], step="post", alpha=0.15 if len(curves) < 4 else 0.07, color=colour, linewidth=0
            )
        if len(curves) > 1:
            ax.legend(frameon=False, loc="upper left")
        ax.set_xlabel("Days")
        ax.set_ylabel("Expected episodes per child")
        # The last days rest on few: a band that runs away there must not press the curves flat.
        highest = max(float(part["mean_episodes"].max()) for _, part in curves)
        if np.isfinite(highest) and highest > 0:
            ax.set_ylim(0, min(ax.get_ylim()[1], 2 * highest))
        ax.set_xlim(left=0)
        for side in ("right", "top"):
            ax.spines[side].set_visible(False)
        return ax


def _pattern_names(patterns: pd.DataFrame) -> list[str]:
    """Word each pattern by its label, or by what differs between the patterns where they are only numbered."""
    if not pd.api.types.is_integer_dtype(patterns.index.dtype):
        return [str(label).replace("_", " ") for label in patterns.index]
    differs = [c for c in patterns.columns if patterns[c].nunique(dropna=False) > 1]
    named = []
    for k in range(len(patterns)):
        words = []
        for column in differs:
            value = patterns[column].iloc[k]
            if isinstance(value, bool | np.bool_):
                words.append(f"{column}: {'yes' if value else 'no'}")
            elif isinstance(value, int | float | np.number):
                words.append(f"{column} {value:g}")
            else:
                words.append(f"{column}: {value}".replace("_", " "))
        named.append(", ".join(words))
    if len(patterns) > 1 and len(set(named)) < len(named):
        return [f"pattern {label}" for label in patterns.index]
    return named


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Course:
    """Sums up to some cells of one stratum: what curves of any covariates are made of."""

    hazard: Floats  # [k] cumulative hazard of a child with centred covariates of 0
    pull: Floats  # [k, p] cumulative hazard times the mean covariates of those at risk
    chance: Floats  # [k] variance of the hazard if episodes came by chance alone
    own: Floats  # [k] variance of the hazard from children's influence, the coefficients being known
    cross: Floats  # [k, p] covariance of that with the children's score


def _course(likelihood: Likelihood, terms: Terms, begin: int, upto: Ints, cluster: Ints, scores: Floats) -> _Course:
    """Sum one stratum's cells from ``begin`` up to each of ``upto``; ``scores`` are the children's [k, p].

    The influence of a row on the hazard is the derivative by its weight, times its weight: an episode adds
    weight / (rate at risk), and every cell at which the row is at risk takes rate * b1 away (Lin, Wei, Yang and Ying
    2000, with Efron's correction for ties).
    """
    t, risk = terms, likelihood.risk
    end = int(upto.max(initial=begin))
    cells = slice(begin, end)

    def so_far(step: Floats) -> Floats:
        total: Floats = np.concatenate([np.zeros((1, *step.shape[1:])), np.cumsum(step[cells], axis=0)])
        return total

    hazard, fall = so_far(t.hazard), so_far(t.b1)
    pull = so_far(t.b1[:, None] * t.s1 - t.b2[:, None] * t.e1)
    at = upto - begin
    here = np.flatnonzero((risk.first < end) & (risk.last > begin))
    order = here[np.argsort(cluster[here], kind="stable")]
    first, last, rate = risk.first[order] - begin, risk.last[order] - begin, t.rate[order]
    child = cluster[order]
    heads = np.flatnonzero(np.diff(child, prepend=-1) != 0)
    of_child = scores[child[heads]]
    events = np.flatnonzero(risk.event[order] & (last <= end - begin))
    cell = risk.cell[order][events]
    gain = likelihood.weight[order][events] * (t.hazard / likelihood.events_weight)[cell] + rate[events] * t.b2[cell]
    own, cross = np.zeros(len(at)), np.zeros((len(at), scores.shape[1]))
    came = fall[np.maximum(first, 0)]
    for k, stop in enumerate(at):
        moves = rate * np.minimum(came - fall[np.minimum(last, stop)], 0.0)
        done = cell - begin < stop
        moves[events[done]] += gain[done]
        by_child = np.add.reduceat(moves, heads) if len(heads) else moves
        own[k], cross[k] = by_child @ by_child, by_child @ of_child
    return _Course(hazard[at], pull[at], fall[at], own, cross)


def _curve(course: _Course, x: Floats, rate: float, model: Floats, robust: Floats, used: Floats) -> tuple[Floats, ...]:
    """Return mean, robust error and R's error of one pattern: ``x`` centred covariates, ``rate`` its relative rate.

    ``model`` is the model's covariance, ``robust`` that of children, ``used`` the one that R would use.
    """
    lean = course.hazard[:, None] * x - course.pull
    own = course.own + 2 * np.einsum("kp,pq,kq->k", lean, model, course.cross)
    se = rate * np.sqrt(np.maximum(own + np.einsum("kp,pq,kq->k", lean, robust, lean), 0.0))
    survfit = rate * np.sqrt(course.chance + np.einsum("kp,pq,kq->k", lean, used, lean))
    return rate * course.hazard, se, survfit


def predict_mean(model: RecurrentCox, newdata: pd.DataFrame, days: Sequence[float] | None = None) -> MeanPrediction:
    """Estimate the expected number of episodes by each day of children with given covariates.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.
    newdata : pd.DataFrame
        One row per pattern of covariates, with the columns that the model was fitted on, and the offset's column if it
        has one. With the columns that make the strata each pattern has one curve, without them one for each stratum.
    days : sequence of float, optional
        Days, at least 0; default: every day with an episode, or an even choice of them in large data.

    Returns
    -------
    MeanPrediction

    Raises
    ------
    ArgumentRefused
        If the model is not fitted, or a day is not a number of at least 0.
    TableRefused
        If a column is absent, no number or not recorded somewhere, or a stratum is not one of the model's.

    Notes
    -----
    Lin DY, Wei LJ, Yang I, Ying Z (2000), Semiparametric regression for the mean and rate functions of recurrent
    events, JRSS B 62:711-730. The mean and ``se_survfit`` are those of R's ``survfit(fit, newdata)``: ``cumhaz``
    and ``std.chaz``.

    Examples
    --------
    See ``RecurrentCox.predict_mean``.
    """
    state = state_of(model)
    if not isinstance(newdata, pd.DataFrame) or not len(newdata):
        raise ArgumentRefused("newdata must be a DataFrame with one row per pattern of covariates, at least one.")
    patterns = newdata.copy() if newdata.index.is_unique else newdata.reset_index(drop=True)
    return MeanPrediction(
        table=_table(model, patterns, days),
        patterns=patterns,
        strata=tuple(map(str, state.design.strata.columns)),
        n_children=state.design.n_children,
        n_episodes=int(state.design.event.sum()),
        days_asked=days is not None,
        _curves_at=partial(_table, model, patterns),
    )


def _table(model: RecurrentCox, patterns: pd.DataFrame, days: Sequence[float] | None) -> pd.DataFrame:
    """Return the curves of all patterns at some days, or on every day with an episode."""
    state = state_of(model)
    design = state.design
    wanted = None if days is None else _days(days)
    x = design.covariates.build(patterns, "newdata") - design.means
    line = x @ model.coef_.to_numpy() + _offset(model, patterns)
    own = _own_strata(design.strata, patterns)
    used = state.covariance if model.cluster is None else state.robust
    scores = score_by_cluster(state.likelihood, state.terms, design.cluster, design.n_clusters)
    parts: list[tuple[int, int, pd.DataFrame]] = []
    for s in range(len(design.strata)) if own is None else np.unique(own):
        frame, course = _stratum(state, int(s), wanted, scores)
        with np.errstate(over="ignore"):
            rate = np.exp(line - state.terms.shift[state.likelihood.risk.stratum == s][:1].sum())
        for k in range(len(patterns)) if own is None else np.flatnonzero(own == s):
            mean, se, survfit = _curve(course, x[k], float(rate[k]), state.covariance, state.robust, used)
            parts.append((int(k), int(s), _one_table(frame, mean, se, survfit)))
    labels, tables = stratum_labels(design), []
    for k, s, table in sorted(parts, key=lambda part: part[:2]):
        if len(design.strata.columns):
            table.insert(0, "stratum", [labels[s]] * len(table))
        table.insert(0, "pattern", [patterns.index[k]] * len(table))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _days(days: Sequence[float]) -> Floats:
    try:
        wanted = np.asarray(list(days), dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentRefused("days must be a list of numbers.") from None
    if wanted.ndim != 1 or not (len(wanted) and (wanted >= 0).all() and np.isfinite(wanted).all()):
        raise ArgumentRefused("days must be numbers of at least 0, at least one.")
    return np.unique(wanted)


def _offset(model: RecurrentCox, newdata: pd.DataFrame) -> Any:
    """Return what the offset adds to each pattern: its column, or nothing where it was not a column."""
    name = model._offset_name
    if name is None:
        return 0.0
    if name not in newdata.columns or newdata[name].isna().any():
        raise TableRefused.of_problems("newdata", [f"column '{name}', the model's offset, is absent or has blanks"])
    return newdata[name].to_numpy(dtype=np.float64)


def _own_strata(strata: pd.DataFrame, newdata: pd.DataFrame) -> Ints | None:
    """Return the number of each pattern's stratum; None where newdata has no column of the strata."""
    columns = [c for c in strata.columns if c in newdata.columns]
    if not columns:
        return None
    if len(columns) < len(strata.columns):
        absent = ", ".join(f"'{c}'" for c in strata.columns if c not in columns)
        raise TableRefused.of_problems("newdata", [f"of the columns that make the strata, {absent} is absent"])
    known = {tuple(row): k for k, row in enumerate(strata.itertuples(index=False, name=None))}
    own = [known.get(tuple(row), -1) for row in newdata[columns].itertuples(index=False, name=None)]
    if unknown := [k for k, s in enumerate(own) if s < 0]:
        raise TableRefused.of_problems("newdata", [f"the model has no such stratum as that at {positions(unknown)}"])
    return np.array(own, dtype=np.int64)


def _stratum(state: State, s: int, wanted: Floats | None, scores: Floats) -> tuple[pd.DataFrame, _Course]:
    """Return one stratum's days with those at risk, and the sums that its curves are made of."""
    design, risk = state.design, state.likelihood.risk
    begin, end = np.searchsorted(risk.stratum, [s, s + 1])
    times, here = risk.times[begin:end], design.stratum == s
    days = times if wanted is None else wanted
    most = max(20, MOST_WORK // max(int(here.sum()), 1))
    if wanted is None and len(days) > most:
        days = days[np.unique(np.linspace(0, len(days) - 1, most).round().astype(np.int64))]
    upto = begin + np.searchsorted(times, days, side="right")
    start, stop = np.sort(design.start[here]), np.sort(design.stop[here])
    at_risk = np.searchsorted(start, days) - np.searchsorted(stop, days)
    frame = pd.DataFrame({"days": days, "at_risk": at_risk, "_past": days > stop[-1]})
    return frame, _course(state.likelihood, state.terms, int(begin), upto, design.cluster, scores)


def _one_table(frame: pd.DataFrame, mean: Floats, se: Floats, survfit: Floats) -> pd.DataFrame:
    past = frame["_past"].to_numpy()
    nothing = past | (mean <= 0)
    se, survfit = np.where(nothing, np.nan, se), np.where(nothing, np.nan, survfit)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        width = np.exp(Z95 * se / mean)
        return pd.DataFrame(
            {
                "days": frame["days"].to_numpy(),
                "mean_episodes": np.where(past, np.nan, mean),
                "se": se,
                "lower": mean / width,
                "upper": mean * width,
                "se_survfit": survfit,
                "at_risk": frame["at_risk"].to_numpy(dtype=np.int64),
            }
        )
