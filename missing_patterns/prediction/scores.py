"""How good predictions were: discrimination, calibration, net benefit, and tables by group with small groups pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

#: Fewest children in a group of a table.
MIN_GROUP = 10
N_GROUPS = 10
N_BOOT = 200
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
POOLED = "small groups together"


def performance(
    test: pd.DataFrame, predicted: Mapping[str, Floats], new: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[pd.DataFrame, tuple[float, float, float]]:
    """Score each way to predict, with bootstrap intervals over children.

    Parameters
    ----------
    test : pd.DataFrame
        ``child_id`` and ``y`` (1 = repeated) of each return.
    predicted : mapping
        Name -> predicted chance of each return. The last is the model, the one before it the benchmark.
    new : ndarray of bool
        Returns of children who are not in the training part; they get a row of their own when there are enough.
    rng : numpy Generator
        Source of the bootstrap.

    Returns
    -------
    pd.DataFrame, (gain, lower, upper)
        The table of ``RepeatModel.performance``, and the gain in AUC of the model over the benchmark.

    Raises
    ------
    Nothing.
    """
    y = test["y"].to_numpy(dtype="float64")
    code, _ = pd.factorize(test["child_id"])
    weights = _child_weights(code, rng)
    rows, draws = [], {}
    for name, p in predicted.items():
        draws[name] = np.array([auc(y, p, w) for w in weights])
        rows.append(_row(name, test, p, draws[name], np.array([brier(y, p, w) for w in weights])))
    *_, benchmark, model = predicted
    unseen = test[new]
    if unseen["child_id"].nunique() >= MIN_GROUP and unseen["y"].nunique() > 1:
        blank = np.array([np.nan])
        rows.append(_row(f"{model}, children not seen in training", unseen, predicted[model][new], blank, blank))
    gain = draws[model] - draws[benchmark]
    here = auc(y, predicted[model]) - auc(y, predicted[benchmark])
    return pd.DataFrame(rows), (here, float(np.quantile(gain, 0.025)), float(np.quantile(gain, 0.975)))


def auc(y: Floats, p: Floats, weight: Floats | None = None) -> float:
    """Chance that a repeat has the higher prediction, ties counting half (C statistic).

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> auc(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    w = np.ones(len(y)) if weight is None else weight
    _, level = np.unique(p, return_inverse=True)
    ones = np.bincount(level, weights=w * y)
    zeros = np.bincount(level, weights=w * (1 - y))
    below = np.cumsum(zeros) - zeros
    return float((ones * (below + zeros / 2)).sum() / (ones.sum() * zeros.sum()))


def brier(y: Floats, p: Floats, weight: Floats | None = None) -> float:
    """Mean squared difference between prediction and outcome (Brier 1950).

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> brier(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    0.25
    """
    return float(np.average((p - y) ** 2, weights=weight))


def calibration(y: Floats, p: Floats) -> tuple[float, float]:
    """Calibration in the large (intercept with slope 1) and calibration slope; right is 0 and 1 (Cox 1958).

    Returns
    -------
    intercept, slope : float
        The slope is NaN where all predictions are alike.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> p = np.repeat([0.2, 0.6], 10)
    >>> y = np.array([1.0] * 2 + [0.0] * 8 + [1.0] * 6 + [0.0] * 4)
    >>> [round(v, 6) + 0.0 for v in calibration(y, p)]
    [0.0, 1.0]
    """
    safe = np.clip(p, 1e-9, 1 - 1e-9)
    logit = np.log(safe / (1 - safe))
    intercept = float(_newton(np.ones((len(y), 1)), y, logit)[0])
    if np.ptp(logit) < 1e-9:
        return intercept, float("nan")
    slope = _newton(np.column_stack([np.ones(len(y)), logit]), y, np.zeros(len(y)))[1]
    return intercept, float(slope)


def groups_by_risk(test: pd.DataFrame, p: Floats) -> pd.DataFrame:
    """Mean prediction and observed share in up to ten groups of rising prediction, each of at least 10 children.

    Raises
    ------
    Nothing.
    """
    cuts = np.unique(np.quantile(p, np.arange(1, N_GROUPS) / N_GROUPS))
    tenth = np.searchsorted(cuts, p, side="right")
    child = test["child_id"].to_numpy()
    group = np.zeros(len(p), dtype="int64")
    now, members = 0, np.zeros(len(p), dtype=bool)
    for level in np.unique(tenth):
        members |= tenth == level
        group[members] = now
        if len(set(child[members])) >= MIN_GROUP:
            now, members = now + 1, np.zeros(len(p), dtype=bool)
    if members.any() and now:  # a last group that stayed small joins its neighbour
        group[members] = now - 1
    frame = pd.DataFrame({"group": group + 1, "child_id": child, "y": test["y"].to_numpy(), "p": p})
    table = frame.groupby("group").agg(
        n_returns=("y", "size"),
        n_children=("child_id", "nunique"),
        n_repeats=("y", "sum"),
        predicted=("p", "mean"),
        observed=("y", "mean"),
    )
    return table.astype({"n_repeats": "int64"}).reset_index()


def subgroups(test: pd.DataFrame, p: Floats, columns: Sequence[str]) -> pd.DataFrame:
    """Observed and expected repeats by the values of columns; values with few children are pooled.

    Raises
    ------
    Nothing.
    """
    names = ["column", "value", "n_returns", "n_children", "n_repeats", "expected", "observed_to_expected", "auc"]
    rows = []
    for column in columns:
        value = _pooled(test[column], test["child_id"])
        for v in sorted(set(value)):
            here = (value == v).to_numpy()
            y = test["y"].to_numpy()[here]
            expected = float(p[here].sum())
            both = 0 < y.sum() < len(y)
            rows.append(
                {
                    "column": column,
                    "value": v,
                    "n_returns": len(y),
                    "n_children": test.loc[here, "child_id"].nunique(),
                    "n_repeats": int(y.sum()),
                    "expected": expected,
                    "observed_to_expected": float(y.sum()) / expected,
                    "auc": auc(y, p[here]) if both else np.nan,
                }
            )
    return pd.DataFrame(rows, columns=names)


def net_benefit(y: Floats, predicted: Mapping[str, Floats]) -> pd.DataFrame:
    """Net benefit of acting where the prediction reaches a threshold (Vickers and Elkin 2006); no one is 0.

    Raises
    ------
    Nothing.
    """
    *_, benchmark, model = predicted
    ways = {"model": predicted[model], "benchmark": predicted[benchmark], "everyone": np.ones(len(y))}
    rows = []
    for t in THRESHOLDS:
        worth = {k: float(np.mean((p >= t) * (y - (1 - y) * t / (1 - t)))) for k, p in ways.items()}
        rows.append({"threshold": t} | worth)
    return pd.DataFrame(rows)


def _row(name: str, test: pd.DataFrame, p: Floats, aucs: Floats, briers: Floats) -> dict[str, Any]:
    from sklearn.metrics import average_precision_score

    y = test["y"].to_numpy(dtype="float64")
    intercept, slope = calibration(y, p)
    return {
        "name": name,
        "n_returns": len(y),
        "n_children": test["child_id"].nunique(),
        "n_repeats": int(y.sum()),
        "auc": auc(y, p),
        "auc_lower": float(np.quantile(aucs, 0.025)),
        "auc_upper": float(np.quantile(aucs, 0.975)),
        "average_precision": float(average_precision_score(y, p)),
        "brier": brier(y, p),
        "brier_lower": float(np.quantile(briers, 0.025)),
        "brier_upper": float(np.quantile(briers, 0.975)),
        "calibration_intercept": intercept,
        "calibration_slope": slope,
    }


def _child_weights(code: npt.NDArray[np.intp], rng: np.random.Generator) -> list[Floats]:
    """How often each return is drawn when whole children are drawn with replacement."""
    n = int(code.max()) + 1
    return [rng.multinomial(n, np.full(n, 1 / n))[code].astype("float64") for _ in range(N_BOOT)]


def _newton(x: Floats, y: Floats, offset: Floats) -> Floats:
    """Maximum-likelihood logistic coefficients, few columns; steps are bounded so that separation cannot overflow."""
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ beta + offset, -30, 30)))
        information = (x * (p * (1 - p))[:, None]).T @ x + 1e-12 * np.eye(x.shape[1])
        step = np.clip(np.linalg.solve(information, x.T @ (y - p)), -5, 5)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    return beta


def _pooled(value: pd.Series, child: pd.Series) -> pd.Series:
    """Values as text; those with few children become one, and if that is still small it takes the next smallest."""
    text = value.astype(object).where(value.notna(), "not recorded").astype(str)
    size = child.groupby(text).nunique().sort_values(kind="stable")
    small = list(size.index[size < MIN_GROUP])
    if small and child[text.isin(small)].nunique() < MIN_GROUP:
        small = list(size.index[: len(small) + 1])
    return text.where(~text.isin(small), POOLED)
