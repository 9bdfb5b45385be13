"""Train on returns before a date, test on those after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean
from missing_patterns.prediction.result import RepeatModel
from missing_patterns.prediction.scores import groups_by_risk, net_benefit, performance, subgroups

Floats = npt.NDArray[np.float64]

BENCHMARK = "n_episodes_90d"
#: Fewest children behind each class of each part: 100 repeats of two children say nothing about others.
MIN_CHILDREN = 20
#: Inverse strengths of the ridge penalty tried by cross-validation inside the training part.
PENALTIES = (0.0003, 0.003, 0.03, 0.3, 3.0)
N_FOLDS = 5

_FEATURES = schema.Table(
    "features",
    "one return",
    (
        schema.Column("child_id", "id", "the child", required=True),
        schema.Column("episode_id", "id", "the episode that ended", required=True),
        schema.Column("index_at", "timestamp", "the return", required=True),
    ),
    key="episode_id",
)
_GAPS = schema.Table(
    "gaps",
    "one return and the time to the next episode",
    (
        schema.Column("episode_id", "id", "the episode that ended", required=True),
        schema.Column("gap_days", "number", "days to the next episode, or to the end of observation", required=True),
        schema.Column("event", "count", "1 if a next episode began, else 0", required=True),
    ),
    key="episode_id",
)


#: Names under which the outcome travels; as predictors they would give the answer away.
_OUTCOMES = ("event", "part", "y")


def repeat_model(  # noqa: PLR0913 - every choice that a reader must be able to see
    features: pd.DataFrame,
    gaps: pd.DataFrame,
    *,
    purpose: str,
    split_at: str | pd.Timestamp,
    observed_until: str | pd.Timestamp,
    horizon_days: int = 28,
    groups: Sequence[str] = (),
    min_events: int = 100,
    random_state: int | np.random.Generator = 0,
) -> RepeatModel:
    """Train on returns before a date, test on those after it, and report about groups.

    Parameters
    ----------
    features : pd.DataFrame
        One row per return, as ``build_features`` makes it: ``child_id``, ``episode_id``, ``index_at`` and what was
        known then. Every further numeric or boolean column is a predictor; select columns to choose. Blank cells
        take the training median, with a column that says so. ``n_episodes_90d`` must be among them.
    gaps : pd.DataFrame
        As ``gap_times`` makes it: ``episode_id``, ``gap_days``, ``event``.
    purpose : str
        Why this is being done; printed in the model card. There is no default.
    split_at : str or Timestamp
        Training uses returns whose whole horizon ended by then (a bare date: by its end); the test, later returns.
    observed_until : str or Timestamp
        End of observation. Returns whose horizon reaches beyond it are left out, whatever is known of them: to keep
        only those that already repeated would make repeats look commoner than they are.
    horizon_days : int, default 28
        A repeat begins in (return, return + horizon_days].
    groups : sequence of str
        Columns of ``features`` for the subgroup table, such as sex or care status; they are not predictors.
    min_events : int, default 100
        Fewest returns with, and without, a repeat that each part needs.
    random_state : int or numpy Generator, default 0
        Seed of the bootstrap over children.

    Returns
    -------
    RepeatModel

    Raises
    ------
    ArgumentRefused
        If no purpose is given, an argument is out of bounds, or there are too few repeats or children.
    TableRefused
        If a table lacks a column, or a predictor would be the outcome.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> often = rng.poisson(1.0, 1500)
    >>> features = pd.DataFrame({
    ...     "child_id": [f"C{i % 300}" for i in range(1500)], "episode_id": [f"E{i}" for i in range(1500)],
    ...     "index_at": pd.date_range("2024-01-01", periods=1500, freq="12h"), "n_episodes_90d": often})
    >>> gap = rng.exponential(90 / (1 + often))
    >>> gaps = pd.DataFrame({"episode_id": features["episode_id"], "gap_days": gap, "event": 1})
    >>> result = repeat_model(features, gaps, purpose="Planning of return support",
    ...     split_at="2025-02-28", observed_until="2026-03-31")
    >>> result
    RepeatModel: 28 days, trained on 795 returns, tested on 649
    """
    if not purpose.strip():
        raise ArgumentRefused("purpose must say why a repeat model is made; it is printed in its model card.")
    if horizon_days < 1 or min_events < 1:
        raise ArgumentRefused("horizon_days and min_events must be at least 1.")
    split, until = _moment(split_at, "split_at"), schema.moment(observed_until)
    features = schema.conform(features, _FEATURES)
    names = _predictors(features, groups)
    rows, accounting = _rows(features, gaps, horizon_days, split, until)
    train, test = rows[rows["part"] == "train"], rows[rows["part"] == "test"]
    for part, frame in (("training", train), ("test", test)):
        _check_size(frame, part, min_events)
    scaler = _Scaler.of(train[names])
    x, y = scaler.apply(train[names]), train["y"].to_numpy()
    fitted = _fit(x, y, _choose_penalty(x, y, train["child_id"].to_numpy()))
    one = _Scaler.of(train[[BENCHMARK]])
    counted = _fit(one.apply(train[[BENCHMARK]]), y, 1.0)
    predicted = {
        "base rate": np.full(len(test), y.mean()),
        "episodes in the last 90 days": counted.predict_proba(one.apply(test[[BENCHMARK]]))[:, 1],
        "model": fitted.predict_proba(scaler.apply(test[names]))[:, 1],
    }
    new = ~test["child_id"].isin(train["child_id"]).to_numpy()
    table, gain = performance(test, predicted, new, np.random.default_rng(random_state))
    effect = pd.Series(fitted.coef_[0], index=scaler.names)
    effect = effect.iloc[np.argsort(-effect.abs().to_numpy(), kind="stable")]
    return RepeatModel(
        purpose=purpose.strip(),
        horizon_days=horizon_days,
        split_at=split,
        observed_until=until,
        accounting=accounting,
        performance=table,
        auc_gain=gain,
        groups_by_risk=groups_by_risk(test, predicted["model"]),
        subgroups=subgroups(test, predicted["model"], groups),
        net_benefit=net_benefit(test["y"].to_numpy(), predicted),
        coefficients=pd.DataFrame({"column": list(effect.index), "odds_ratio_per_sd": np.exp(effect.to_numpy())}),
    )


def _rows(
    features: pd.DataFrame, gaps: pd.DataFrame, horizon_days: int, split: pd.Timestamp, until: pd.Timestamp
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Give every return its outcome and its part; what has neither is counted and left out."""
    rows = features.copy()
    gaps = schema.conform(gaps, _GAPS).set_index("episode_id")
    gap = rows["episode_id"].map(gaps["gap_days"])
    event = rows["episode_id"].map(gaps["event"]).astype("float64")
    ends = rows["index_at"] + pd.Timedelta(days=horizon_days)
    repeated = (event == 1) & (gap <= horizon_days)
    # In this order: each return is in the first part whose condition holds.
    conditions = {
        "no_gap": gap.isna(),
        "too_recent": ends > until,
        "left_early": ~repeated & (gap < horizon_days),
        "train": ends <= split,
        "test": rows["index_at"] > split,
    }
    part = np.select([c.to_numpy(dtype=bool) for c in conditions.values()], list(conditions), default="embargo")
    rows["part"] = part
    rows["y"] = repeated.to_numpy(dtype="float64")
    names = ("train", "embargo", "test", "too_recent", "left_early", "no_gap")
    return rows, {"n_returns": len(rows)} | {f"n_{n}": int((part == n).sum()) for n in names}


def _moment(value: str | pd.Timestamp, name: str) -> pd.Timestamp:
    try:
        return schema.moment(value)
    except ArgumentRefused:
        raise ArgumentRefused(f"{name} must be an ISO date or time, such as '2026-03-31'.") from None


def _predictors(features: pd.DataFrame, groups: Sequence[str]) -> list[str]:
    """Names of the predictors, in order; refuse columns that hold the outcome or that are asked for and absent."""
    given = [str(c) for c in features.columns]
    problems = [f"column '{g}' is absent.{did_you_mean(g, given)}" for g in (*groups, BENCHMARK) if g not in given]
    if BENCHMARK in given and not pd.api.types.is_numeric_dtype(features[BENCHMARK].dtype):
        problems.append(f"column '{BENCHMARK}' holds no numbers")
    problems += [f"column '{c}' would be the outcome; leave it out" for c in _OUTCOMES if c in given]
    if problems:
        raise TableRefused.of_problems("features", problems)
    own = {*_FEATURES.names, *groups}
    return [c for c in given if c not in own and pd.api.types.is_numeric_dtype(features[c].dtype)]


def _check_size(part: pd.DataFrame, name: str, min_events: int) -> None:
    for y, words in ((1.0, "with"), (0.0, "without")):
        some = part[part["y"] == y]
        n_children = some["child_id"].nunique()
        if len(some) < min_events or n_children < MIN_CHILDREN:
            raise ArgumentRefused(
                f"The {name} part has {len(some)} returns {words} a repeat, of {n_children} children; it needs at "
                f"least {min_events}, of {MIN_CHILDREN}. A model of so few would describe chance. Use counts instead."
            )


@dataclass(frozen=True, slots=True)
class _Scaler:
    """What training knows of each predictor, so that the test part is treated alike and teaches nothing."""

    median: pd.Series
    blank: list[str]
    mean: Floats
    sd: Floats
    kept: npt.NDArray[np.bool_]
    names: list[str]

    @classmethod
    def of(cls, train: pd.DataFrame) -> _Scaler:
        values = train.astype("float64")
        blank = [c for c in values.columns if values[c].isna().any()]
        median = values.median().fillna(0.0)
        x = cls._filled(values, median, blank)
        sd = x.std(axis=0)
        kept = sd > 1e-12
        names = [*values.columns, *(f"{c} not recorded" for c in blank)]
        return cls(median, blank, x.mean(axis=0), sd, kept, [n for n, k in zip(names, kept, strict=True) if k])

    def apply(self, frame: pd.DataFrame) -> Floats:
        x = self._filled(frame.astype("float64"), self.median, self.blank)
        scaled: Floats = ((x - self.mean) / np.where(self.kept, self.sd, 1.0))[:, self.kept]
        return scaled

    @staticmethod
    def _filled(values: pd.DataFrame, median: pd.Series, blank: list[str]) -> Floats:
        flags = values[blank].isna().to_numpy(dtype="float64")
        return np.hstack([values.fillna(median).to_numpy(dtype="float64"), flags])


def _fit(x: Floats, y: Floats, penalty: float) -> Any:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # Matrices this small gain nothing from threads, and threads on a busy machine cost a hundredfold.
    with threadpool_limits(limits=1):
        return LogisticRegression(C=penalty, max_iter=2000).fit(x, y)


def _choose_penalty(x: Floats, y: Floats, child: npt.NDArray[np.object_]) -> float:
    """Choose by log loss on children left out in turn, so that a child never predicts itself."""
    from sklearn.metrics import log_loss
    from sklearn.model_selection import GroupKFold

    folds = list(GroupKFold(n_splits=N_FOLDS).split(x, y, child))
    loss = []
    for penalty in PENALTIES:
        left_out = np.empty(len(y))
        for fit_on, judge_on in folds:
            left_out[judge_on] = _fit(x[fit_on], y[fit_on], penalty).predict_proba(x[judge_on])[:, 1]
        loss.append(log_loss(y, left_out))
    return PENALTIES[int(np.argmin(loss))]
