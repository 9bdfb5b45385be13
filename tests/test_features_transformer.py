"""The features inside scikit-learn: rows in the caller's order, names, clones, pipelines, folds, no values shown."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import missing_patterns as mp
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.features import build_features, build_outcomes
from missing_patterns.features.specs import Count, DaysSince, Latest
from missing_patterns.features.transformer import TriggerFeatures
from missing_patterns.schema import PLACEMENT_TYPES

BACK = (28, 90)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    records = mp.make_borough(n_children=40, months=9, seed=4).records
    episodes = mp.build_episodes(records.incidents, observed_until="2026-10-31")
    return {
        "episodes": episodes,
        "triggers": mp.code_triggers(records.interviews, narratives=False),
        "interviews": records.interviews,
        "placements": records.placements,
    }


@pytest.fixture
def samples(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Returns and landmarks in no order, one of them twice, with a column of the caller's own and an index of hers."""
    returns = tables["episodes"].loc[tables["episodes"]["returned_at"].notna(), ["child_id", "returned_at"]]
    returns = returns.rename(columns={"returned_at": "index_at"}).sample(60, random_state=1)
    returns = pd.concat([returns, returns.iloc[:1]])
    return returns.assign(team=range(len(returns))).set_index(np.arange(len(returns)) * 3 + 7)[
        ["team", "index_at", "child_id"]
    ]


def transformer(tables: dict[str, pd.DataFrame], **more: object) -> TriggerFeatures:
    return TriggerFeatures(**tables, lookback_days=BACK, **more)


def test_features_come_in_the_order_of_the_samples(tables: dict[str, pd.DataFrame], samples: pd.DataFrame) -> None:
    features = transformer(tables).fit(samples)
    got = features.transform(samples)
    names = features.get_feature_names_out().tolist()
    assert got.dtype == np.float64
    assert got.shape == (len(samples), len(names))
    for row in (0, 17, 60):  # asked one by one, there is no order to get wrong
        alone = build_features(**tables, index=samples.iloc[[row]][["child_id", "index_at"]], lookback_days=BACK)
        alone = alone.drop(columns=["child_id", "episode_id", "index_at"])
        plain = alone.drop(columns="placement_type").astype("Float64").to_numpy(dtype=float, na_value=np.nan)[0]
        kept = [i for i, n in enumerate(names) if not n.startswith("placement_type_")]
        np.testing.assert_array_equal(got[row, kept], plain)
        placed = alone["placement_type"].fillna("").tolist()[0]
        hot = [got[row, names.index(f"placement_type_{kind}")] for kind in PLACEMENT_TYPES]
        assert hot == [float(kind == placed) for kind in PLACEMENT_TYPES]
    np.testing.assert_array_equal(got[60], got[0])
    np.testing.assert_array_equal(transformer(tables).fit_transform(samples), got)
    shuffled = samples.sample(frac=1, random_state=2)
    np.testing.assert_array_equal(features.transform(shuffled), got[samples.index.get_indexer(shuffled.index)])


def test_names_are_those_of_the_features_with_a_column_for_each_kind_of_placement(
    tables: dict[str, pd.DataFrame], samples: pd.DataFrame
) -> None:
    features = transformer(tables).fit(samples)
    built = build_features(**tables, index=samples[["child_id", "index_at"]], lookback_days=BACK)
    names = built.columns[3:].tolist()
    at = names.index("placement_type")
    names[at : at + 1] = [f"placement_type_{kind}" for kind in PLACEMENT_TYPES]
    assert features.get_feature_names_out().tolist() == names
    assert features.get_feature_names_out(samples.columns).tolist() == names
    assert (features.n_features_in_, features.feature_names_in_.tolist()) == (3, ["team", "index_at", "child_id"])


def test_pandas_comes_out_when_asked_for_with_the_index_of_the_samples(
    tables: dict[str, pd.DataFrame], samples: pd.DataFrame
) -> None:
    features = transformer(tables).set_output(transform="pandas")
    table = features.fit_transform(samples)
    assert table.index.equals(samples.index)
    assert table.columns.tolist() == features.get_feature_names_out().tolist()
    assert set(table.dtypes.astype(str)) == {"float64"}
    pd.testing.assert_frame_equal(features.transform(samples), table)


def test_flags_are_one_and_zero_and_what_is_not_recorded_is_nan(tables: dict[str, pd.DataFrame]) -> None:
    asked = pd.DataFrame({"child_id": ["nobody"], "index_at": ["1990-01-01"]})
    table = transformer(tables).set_output(transform="pandas").fit_transform(asked)
    got = table[["n_episodes_28d", "any_home_ever", "in_area", "is_school_day", "days_since_return", "is_weekend"]]
    assert got.iloc[0].tolist()[:2] == [0.0, 0.0]
    assert np.isnan(got.iloc[0].to_numpy()[2:5]).all()
    assert table.filter(like="placement_type_").to_numpy().tolist() == [[0.0] * len(PLACEMENT_TYPES)]


def test_a_clone_is_unfitted_shares_the_tables_and_keeps_its_settings(
    tables: dict[str, pd.DataFrame], samples: pd.DataFrame
) -> None:
    features = transformer(tables).set_output(transform="pandas").fit(samples)
    again = clone(features)
    ours, theirs = features.get_params(), again.get_params()
    assert all(theirs[name] is value for name, value in ours.items())
    with pytest.raises(NotFittedError):
        again.transform(samples)
    with pytest.raises(NotFittedError):
        again.get_feature_names_out()
    assert isinstance(again.fit_transform(samples), pd.DataFrame)
    again.set_output(transform="default")
    assert isinstance(features.transform(samples), pd.DataFrame)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(features)).transform(samples),  # noqa: S301
        features.transform(samples),
    )


def test_no_representation_shows_a_value_of_a_table(tables: dict[str, pd.DataFrame], samples: pd.DataFrame) -> None:
    features = transformer(tables).fit(samples)
    pipeline = make_pipeline(features, SimpleImputer(), LogisticRegression())
    search = GridSearchCV(pipeline, {"triggerfeatures__lookback_days": [(28,)]})
    told = []
    for estimator in (features, clone(features), pipeline, search):
        told += [repr(estimator), str(estimator), estimator._repr_html_(), repr(estimator.get_params())]
    told += [repr(features.episodes), features.triggers._repr_html_(), str(vars(features))]
    ids = {*tables["episodes"]["child_id"], *tables["episodes"]["episode_id"], *tables["interviews"]["interview_id"]}
    assert not [text for text in told for value in ids if value in text]
    assert f"table of {len(tables['episodes'])} rows" in told[0]


def test_it_works_in_pipelines_column_transformers_and_searches_over_folds_of_children(
    tables: dict[str, pd.DataFrame],
) -> None:
    outcomes = build_outcomes(tables["episodes"], observed_until="2026-10-31", horizon_days=[28])
    outcomes = outcomes[outcomes["again_28d"].notna()]
    X, y = outcomes[["child_id", "index_at"]], outcomes["again_28d"].astype(bool)
    groups = X["child_id"].factorize()[0]
    columns = ColumnTransformer([("history", transformer(tables), ["child_id", "index_at"])])
    assert columns.fit_transform(X).shape[0] == len(X)
    assert columns.get_feature_names_out()[0] == "history__episode_no"

    impute = SimpleImputer(keep_empty_features=True)
    pipeline = make_pipeline(transformer(tables), impute, StandardScaler(), LogisticRegression(C=0.01))
    folds = GroupKFold(n_splits=2)
    scores = cross_val_score(pipeline, X, y, groups=groups, cv=folds, scoring="neg_brier_score")
    assert ((scores > -1) & (scores < 0)).all()
    search = GridSearchCV(pipeline, {"triggerfeatures__lookback_days": [(28,), (90,)]}, cv=folds, refit=True)
    search.fit(X, y, groups=groups)
    assert search.best_params_["triggerfeatures__lookback_days"] in [(28,), (90,)]
    assert len(search.predict(X.iloc[::-1])) == len(X)


def test_what_cannot_be_used_is_refused(tables: dict[str, pd.DataFrame], samples: pd.DataFrame) -> None:
    features = transformer(tables)
    with pytest.raises(TableRefused, match="table 'X'.*\n.*column 'index_at' is absent. Did you mean 'index'?"):
        features.fit(samples.rename(columns={"index_at": "index"}))
    with pytest.raises(TableRefused, match="expected a DataFrame, got ndarray"):
        features.fit(samples.to_numpy())
    for refused in (features.fit, features.fit_transform):
        with pytest.raises(TableRefused, match="it holds no samples"):
            refused(samples.iloc[:0])
    with pytest.raises(TableRefused, match="'index_at' is blank at positions 0, 1"):
        features.fit(samples.assign(index_at=pd.NaT))
    with pytest.raises(ArgumentRefused, match=r"needs tables: TriggerFeatures\(episodes, triggers\)"):
        TriggerFeatures(tables["episodes"]).fit(samples)
    with pytest.raises(ArgumentRefused, match="lookback_days"):
        transformer(tables).set_params(lookback_days=(0,)).fit(samples)
    fitted = features.fit(samples)
    with pytest.raises(ArgumentRefused, match="input_features must be the columns of the X seen in fit"):
        fitted.get_feature_names_out(["child_id"])
    with pytest.raises(ArgumentRefused, match="a parameter was changed since. Fit again"):
        fitted.set_params(lookback_days=(7,)).transform(samples)


def test_specs_choose_the_features(tables: dict[str, pd.DataFrame], samples: pd.DataFrame) -> None:
    specs = (Latest("placement_type"), Count("episodes", 7), DaysSince("return"))
    features = TriggerFeatures(tables["episodes"], tables["triggers"], specs=specs).fit(samples)
    kinds = [f"placement_type_{kind}" for kind in PLACEMENT_TYPES]
    assert features.get_feature_names_out().tolist() == [*kinds, "n_episodes_7d", "days_since_return"]
    assert clone(features).specs == specs


def test_no_samples_give_no_rows_once_fitted(tables: dict[str, pd.DataFrame], samples: pd.DataFrame) -> None:
    fitted = transformer(tables).fit(samples)
    assert fitted.transform(samples.iloc[:0]).shape == (0, len(fitted.get_feature_names_out()))


def test_tables_are_not_modified(tables: dict[str, pd.DataFrame], samples: pd.DataFrame) -> None:
    before = {name: table.copy() for name, table in tables.items()}
    asked = samples.copy()
    transformer(tables).fit_transform(samples)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[name])
    pd.testing.assert_frame_equal(samples, asked)
