"""The feature table as a scikit-learn transformer. This module loads scikit-learn; the room loads it when asked for."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from missing_patterns.codebook import Codebook
from missing_patterns.episodes import arrays as ar
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.features.asked import OWN
from missing_patterns.features.build import build_features
from missing_patterns.features.calendar import Calendar
from missing_patterns.features.specs import Spec
from missing_patterns.schema import PLACEMENT_TYPES, conform, require

SAMPLES = replace(OWN, name="X")
KEYS = ["child_id", "episode_id", "index_at"]

Floats = npt.NDArray[np.float64]


class TriggerFeatures(TransformerMixin, BaseEstimator):
    """Turn pairs of a child and a moment into the features known at that moment, as numbers.

    The records are parameters, the moments asked about are ``X``: a row of ``X`` is one sample, so that pipelines,
    ``ColumnTransformer`` and cross-validation split samples, while each sample sees the child's whole past and nothing
    after its moment. Split by child (``GroupKFold`` with ``groups=X["child_id"]``): moments of one child share a past.

    Parameters
    ----------
    episodes, triggers : pd.DataFrame
        The episodes table and the trigger table, as for ``build_features``.
    interviews, placements : pd.DataFrame, optional
        Further tables, as for ``build_features``.
    lookback_days : sequence of int, default (28, 90, 365)
        Whole days, each at least 1.
    specs : sequence of Spec, optional
        Just these features, in this order; None takes the default set.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.
    calendar : Calendar, optional
        None takes the packaged one.

    Attributes
    ----------
    n_features_in_ : int
        Columns of the ``X`` seen in ``fit``.
    feature_names_in_ : array of str
        Their names.

    Notes
    -----
    ``fit`` learns nothing from the samples but the names. Flags become 1 and 0, what is not recorded NaN;
    ``placement_type`` becomes a column for each kind of placement, all of them 0 where none is recorded. The tables are
    shared with clones, not copied, and no representation shows more of them than their size.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.episodes import build_episodes
    >>> from missing_patterns.triggers import code_triggers
    >>> episodes = build_episodes(pd.DataFrame({
    ...     "child_id": ["A", "A", "B"], "missing_from": ["2026-01-05 21:00", "2026-01-09 20:00", "2026-01-10 18:00"],
    ...     "returned_at": ["2026-01-06 01:00", "2026-01-09 23:00", "2026-01-10 22:00"]}), observed_until="2026-01-31")
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["1"], "child_id": ["A"], "status": ["completed"], "held_at": ["2026-01-07 10:00"],
    ...     "coded_triggers": [("home_conflict",)]})
    >>> asked = pd.DataFrame({"child_id": ["B", "A", "A"], "index_at": ["2026-01-20", "2026-01-20", "2026-01-06"]})
    >>> features = TriggerFeatures(episodes, code_triggers(interviews), interviews=interviews, lookback_days=[28])
    >>> table = features.set_output(transform="pandas").fit_transform(asked)
    >>> table[["n_episodes_28d", "missing_hours_28d", "days_since_return", "any_home_conflict_28d"]]
       n_episodes_28d  missing_hours_28d  days_since_return  any_home_conflict_28d
    0             1.0                4.0           9.083333                    0.0
    1             2.0                7.0          10.041667                    1.0
    2             1.0                0.0                NaN                    0.0
    """

    def __init__(
        self,
        episodes: pd.DataFrame | None = None,
        triggers: pd.DataFrame | None = None,
        *,
        interviews: pd.DataFrame | None = None,
        placements: pd.DataFrame | None = None,
        lookback_days: Sequence[int] = (28, 90, 365),
        specs: Sequence[Spec] | None = None,
        codebook: Codebook | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        self.episodes = episodes
        self.triggers = triggers
        self.interviews = interviews
        self.placements = placements
        self.lookback_days = lookback_days
        self.specs = specs
        self.codebook = codebook
        self.calendar = calendar

    def fit(self, X: pd.DataFrame, y: object = None) -> TriggerFeatures:
        """Check the tables and note the names of the features.

        Parameters
        ----------
        X : pd.DataFrame
            One row per sample: ``child_id index_at``; other columns are ignored.
        y : ignored

        Returns
        -------
        TriggerFeatures
            Itself.

        Raises
        ------
        ArgumentRefused
            If the tables are not given, or a parameter is not one that is known.
        TableRefused
            If ``X`` or a table is not usable, or ``X`` holds no samples.
        """
        samples = _samples(X)
        if not len(samples):
            raise TableRefused.of_problems("X", ["it holds no samples"])
        self._learn(X, self._build(samples.head(1)))
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None, **fit_params: Any) -> Any:
        """Fit, and return the features of the same samples; the tables are gone through once.

        Raises
        ------
        ArgumentRefused, TableRefused
            As ``fit`` and ``transform``.
        """
        samples = _samples(X)
        if not len(samples):
            raise TableRefused.of_problems("X", ["it holds no samples"])
        built = self._build(samples)
        self._learn(X, built)
        return _in_numbers(built, samples)

    def transform(self, X: pd.DataFrame) -> Any:
        """Return the features of the samples, in the order of the rows of X.

        Parameters
        ----------
        X : pd.DataFrame
            One row per sample: ``child_id index_at``; other columns are ignored.

        Returns
        -------
        array of float64, of shape (samples, features)
            Or what ``set_output`` asked for.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If ``fit`` was not called.
        ArgumentRefused
            If a parameter was changed after ``fit`` so that the features are others.
        TableRefused
            If ``X`` or a table is not usable.
        """
        check_is_fitted(self)
        samples = _samples(X)
        built = self._build(samples)
        if _names_of(built) != self._names_:
            raise ArgumentRefused("the features are not those of fit: a parameter was changed since. Fit again.")
        return _in_numbers(built, samples)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> npt.NDArray[np.object_]:
        """Return the names of the columns of ``transform``.

        Parameters
        ----------
        input_features : sequence of str, optional
            If given, must be the columns of the ``X`` seen in ``fit``.

        Returns
        -------
        array of str

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If ``fit`` was not called.
        ArgumentRefused
            If ``input_features`` are other columns.
        """
        check_is_fitted(self)
        if input_features is not None and list(input_features) != list(self.feature_names_in_):
            raise ArgumentRefused("input_features must be the columns of the X seen in fit, or None.")
        return np.array(self._names_, dtype=object)

    def _learn(self, X: pd.DataFrame, built: pd.DataFrame) -> None:
        self.feature_names_in_ = np.array([str(c) for c in X.columns], dtype=object)
        self.n_features_in_ = len(X.columns)
        self._names_ = _names_of(built)

    def _build(self, samples: pd.DataFrame) -> pd.DataFrame:
        if self.episodes is None or self.triggers is None:
            raise ArgumentRefused("TriggerFeatures needs tables: TriggerFeatures(episodes, triggers).")
        return build_features(
            pd.DataFrame(self.episodes),
            pd.DataFrame(self.triggers),
            interviews=None if self.interviews is None else pd.DataFrame(self.interviews),
            placements=None if self.placements is None else pd.DataFrame(self.placements),
            index=samples,
            lookback_days=self.lookback_days,
            specs=self.specs,
            codebook=self.codebook,
            calendar=self.calendar,
        )

    def __setattr__(self, name: str, value: object) -> None:
        """Keep tables behind a representation without values: pipelines print their parameters."""
        is_plain = isinstance(value, pd.DataFrame) and not isinstance(value, _Unprinted)
        super().__setattr__(name, _Unprinted(value) if is_plain else value)

    def __sklearn_clone__(self) -> TriggerFeatures:
        """Return an unfitted one of the same tables: a grid search makes many clones, and tables are large."""
        params = self.get_params(deep=False)
        new = type(self)(**params)
        for name, value in vars(self).items():
            if name not in params and not name.endswith("_"):
                setattr(new, name, copy.deepcopy(value))
        return new


class _Unprinted(pd.DataFrame):
    """A table of records that shows its size and nothing else. Whatever is made from it is a plain DataFrame."""

    def __repr__(self) -> str:
        return f"<table of {len(self)} rows>"

    def _repr_html_(self) -> str:
        return f"&lt;table of {len(self)} rows&gt;"


def _samples(X: object) -> pd.DataFrame:
    if isinstance(X, pd.DataFrame):
        require(X, SAMPLES.names, "X")
        X = X[SAMPLES.names]
    return conform(X, SAMPLES)


def _names_of(built: pd.DataFrame) -> list[str]:
    names: list[str] = []
    for name in built.columns.drop(KEYS):
        names += [f"{name}_{kind}" for kind in PLACEMENT_TYPES] if name == "placement_type" else [str(name)]
    return names


def _in_numbers(built: pd.DataFrame, samples: pd.DataFrame) -> Floats:
    """Return the features in the order of the samples. Samples of the same child and moment have the same features."""
    child = pd.factorize(pd.concat([samples["child_id"], built["child_id"]], ignore_index=True))[0]
    wanted = np.lexsort((ar.utc_us(samples["index_at"]), child[: len(samples)]))
    row = np.empty(len(wanted), dtype=np.int64)
    row[wanted] = np.lexsort((ar.utc_us(built["index_at"]), child[len(samples) :]))
    columns: list[npt.NDArray[Any]] = []
    for name in built.columns.drop(KEYS):
        if name == "placement_type":
            columns += [built[name].eq(kind).fillna(False).to_numpy(dtype=bool) for kind in PLACEMENT_TYPES]
        else:
            columns.append(built[name].to_numpy(dtype=np.float64, na_value=np.nan))
    numbers = np.empty((len(row), len(columns)), order="F")
    for k, column in enumerate(columns):
        numbers[:, k] = column[row]
    return numbers
