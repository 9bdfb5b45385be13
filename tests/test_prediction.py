"""The opt-in repeat model: parts in time, benchmarks, groups only, refusals."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.prediction import RepeatModel, repeat_model
from missing_patterns.prediction.scores import POOLED, auc, calibration, groups_by_risk, net_benefit, subgroups

WHEN = {"purpose": "Plan return support", "split_at": "2025-02-28", "observed_until": "2026-03-31"}


def borough(n: int = 1600, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns 12 hours apart whose risk rises with `pressure`, which counting episodes sees only in part."""
    rng = np.random.default_rng(seed)
    often = rng.poisson(1.0, n)
    pressure = rng.normal(size=n)
    risk = 1 / (1 + np.exp(-(-0.8 + 0.3 * often + 1.2 * pressure)))
    repeated = rng.random(n) < risk
    child = [f"C{i % 200 if i < n * 0.75 else i % 300}" for i in range(n)]
    features = pd.DataFrame(
        {
            "child_id": child,
            "episode_id": [f"E{i}" for i in range(n)],
            "index_at": pd.date_range("2024-01-01", periods=n, freq="12h"),
            "n_episodes_90d": often,
            "pressure_90d": np.where(rng.random(n) < 0.1, np.nan, pressure),
            "in_area": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "always_one": 1,
            "sex": np.where(rng.random(n) < 0.4, "female", "male"),
        }
    )
    gaps = pd.DataFrame(
        {
            "episode_id": features["episode_id"],
            "gap_days": np.where(repeated, rng.uniform(0, 28, n), rng.uniform(28.01, 400, n)),
            "event": repeated.astype(int),
        }
    )
    return features, gaps


FEATURES, GAPS = borough()
MODEL = repeat_model(FEATURES, GAPS, groups=["sex"], **WHEN)


def score(name: str, column: str, model: RepeatModel = MODEL) -> Any:
    return model.summary().set_index("name").loc[name, column]


def test_it_learns_what_is_there_and_beats_its_benchmarks():
    assert MODEL.summary()["name"].tolist() == [
        "base rate",
        "episodes in the last 90 days",
        "model",
        "model, children not seen in training",
    ]
    assert score("base rate", "auc") == 0.5
    assert 0.52 < score("episodes in the last 90 days", "auc") < 0.68
    assert 0.72 < score("model", "auc") < 0.85
    assert score("model", "auc_lower") < score("model", "auc") < score("model", "auc_upper")
    assert score("model", "brier") < score("base rate", "brier")
    assert score("model", "calibration_slope") == pytest.approx(1, abs=0.25)
    assert np.isnan(score("base rate", "calibration_slope"))
    assert score("model", "average_precision") > score("base rate", "average_precision")
    gain, low, high = MODEL.auc_gain
    assert gain == score("model", "auc") - score("episodes in the last 90 days", "auc")
    assert 0 < low < gain < high
    assert MODEL.coefficients["column"].tolist()[0] == "pressure_90d"
    # constant columns are dropped; blanks have a column of their own; groups are not predictors
    assert set(MODEL.coefficients["column"]) == {
        "pressure_90d",
        "n_episodes_90d",
        "in_area",
        "pressure_90d not recorded",
    }


def test_nothing_to_learn_is_said_so():
    rng = np.random.default_rng(3)
    noise = FEATURES.assign(pressure_90d=rng.normal(size=len(FEATURES)), n_episodes_90d=rng.poisson(1, len(FEATURES)))
    model = repeat_model(noise, GAPS, **WHEN)
    assert score("model", "auc", model) == pytest.approx(0.5, abs=0.06)
    assert "It was not shown to tell repeats apart better" in model.explain()
    assert model.model_card()["Fairness"] == "Tables by: none asked for."


def test_every_return_is_in_one_part_and_the_parts_add_up():
    features = pd.DataFrame(
        {
            "child_id": "A",
            "episode_id": list("abcdefgh"),
            "index_at": [
                "2025-01-31 00:00",  # a: 28 days end on the 28th: training
                "2025-02-01 00:00",  # b: 28 days end at the last moment of the 28th: training
                "2025-02-01 00:01",  # c: ends in March: embargo
                "2025-03-01 00:00",  # d: at the split itself: still embargo
                "2025-03-01 00:01",  # e: test
                "2026-03-10 00:00",  # f: repeated, but its horizon is not over
                "2025-05-01 00:00",  # g: left observation after 5 days
                "2025-06-01 00:00",  # h: no gap known
            ],
            "n_episodes_90d": 0,
        }
    )
    gaps = pd.DataFrame(
        {"episode_id": list("abcdefg"), "gap_days": [28, 28.1, 3, 40, 1, 2, 5], "event": [1, 1, 0, 0, 1, 1, 0]}
    )
    gaps.loc[gaps["episode_id"] == "c", "event"] = 1
    from missing_patterns import schema
    from missing_patterns.prediction import model as module

    rows, accounting = module._rows(
        schema.conform(features, module._FEATURES), gaps, 28, schema.moment("2025-02-28"), schema.moment("2026-03-31")
    )
    assert rows["part"].tolist() == [
        "train",
        "train",
        "embargo",
        "embargo",
        "test",
        "too_recent",
        "left_early",
        "no_gap",
    ]
    assert rows["y"].tolist()[:5] == [1, 0, 1, 0, 1]
    assert accounting == {
        "n_returns": 8,
        "n_train": 2,
        "n_embargo": 2,
        "n_test": 1,
        "n_too_recent": 1,
        "n_left_early": 1,
        "n_no_gap": 1,
    }


def test_what_happens_after_the_split_cannot_change_the_training():
    later = pd.to_datetime(FEATURES["index_at"]) > "2025-03-01"
    changed = GAPS.assign(event=np.where(later, 1 - GAPS["event"], GAPS["event"]), gap_days=GAPS["gap_days"].to_numpy())
    changed.loc[later, "gap_days"] = np.where(changed.loc[later, "event"] == 1, 1.0, 500.0)
    other_features = FEATURES.assign(pressure_90d=FEATURES["pressure_90d"].where(~later, 7.0))
    other = repeat_model(other_features, changed, **WHEN)
    pd.testing.assert_frame_equal(other.coefficients, MODEL.coefficients)


def test_order_of_rows_and_relabelled_ids_do_not_matter():
    order = np.random.default_rng(1).permutation(len(FEATURES))
    turned = repeat_model(
        FEATURES.iloc[order].assign(episode_id=lambda f: "X" + f["episode_id"]),
        GAPS.assign(episode_id="X" + GAPS["episode_id"]).iloc[::-1],
        groups=["sex"],
        **WHEN,
    )
    pd.testing.assert_frame_equal(turned.groups_by_risk, MODEL.groups_by_risk, atol=1e-3)
    pd.testing.assert_frame_equal(turned.net_benefit, MODEL.net_benefit, atol=5e-3)
    assert turned.accounting == MODEL.accounting


def test_the_same_seed_gives_the_same_figures_and_inputs_stay():
    before = FEATURES.copy(deep=True), GAPS.copy(deep=True)
    again = repeat_model(FEATURES, GAPS, groups=["sex"], random_state=np.random.default_rng(0), **WHEN)
    pd.testing.assert_frame_equal(again.summary(), MODEL.summary())
    pd.testing.assert_frame_equal(FEATURES, before[0])
    pd.testing.assert_frame_equal(GAPS, before[1])


def test_nothing_about_a_child_comes_out():
    frames = [getattr(MODEL, f.name) for f in dataclasses.fields(MODEL)]
    frames = [f for f in frames if isinstance(f, pd.DataFrame)]
    assert len(frames) == 5
    assert all("child_id" not in f.columns and "episode_id" not in f.columns for f in frames)
    assert max(len(f) for f in frames) <= 10
    text = MODEL.explain() + repr(MODEL) + str(MODEL.model_card()) + "".join(f.to_string() for f in frames)
    assert "C1" not in text
    assert "E1" not in text
    assert not [name for name in dir(MODEL) if "predict" in name]


def test_groups_of_risk_add_up_and_rise():
    table = MODEL.groups_by_risk
    assert table["group"].tolist() == list(range(1, 11))
    assert table["n_returns"].sum() == MODEL.accounting["n_test"]
    assert table["n_repeats"].sum() == score("model", "n_repeats")
    assert table["predicted"].is_monotonic_increasing
    assert (table["n_children"] >= 10).all()


def returns(children: str, y: str, **more: Any) -> pd.DataFrame:
    return pd.DataFrame({"child_id": list(children), "y": [float(v) for v in y], **more})


def test_a_small_group_joins_its_neighbour():
    test = returns("abcdefghijklmnopqrstuvw", "01" * 11 + "1")
    p = np.repeat([0.1, 0.5, 0.9], [12, 8, 3])  # 12, 8 and 3 children: the last two together are 11
    assert groups_by_risk(test, p)["n_children"].tolist() == [12, 11]
    p = np.repeat([0.1, 0.9], [20, 3])  # the 3 at the end stay few: back to the neighbour
    table = groups_by_risk(test, p)
    assert table["n_children"].tolist() == [23]
    assert table["predicted"].tolist() == pytest.approx([(2 + 2.7) / 23])
    few = groups_by_risk(test.head(4), np.array([0.1, 0.2, 0.3, 0.4]))
    assert few["n_returns"].tolist() == [4]  # one group of all, when all are few


def test_subgroups_pool_small_values_and_add_up():
    table = MODEL.subgroups
    assert table["value"].tolist() == ["female", "male"]
    assert table["n_returns"].sum() == MODEL.accounting["n_test"]
    ratio = table["n_repeats"] / table["expected"]
    assert table["observed_to_expected"].tolist() == ratio.tolist()

    children = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
    value = ["w"] * 20 + ["x"] * 12 + ["y"] * 5 + [None] * 3
    test = returns(children, "01" * 20, kind=value)
    pooled = subgroups(test, np.full(40, 0.5), ["kind"])
    # y and not recorded are 8 children: still few, so x joins them
    assert pooled[["value", "n_children", "expected"]].to_numpy().tolist() == [[POOLED, 20, 10.0], ["w", 20, 10.0]]
    value[-3:] = ["z"] * 3
    value[28:32] = ["z"] * 4
    enough = subgroups(test.assign(kind=value), np.full(40, 0.5), ["kind"])
    assert enough["n_children"].tolist() == [20, 20]
    never = subgroups(returns(children, "0" * 40, kind="w"), np.full(40, 0.5), ["kind"])
    assert np.isnan(never["auc"].iloc[0])


def test_net_benefit_by_hand():
    y = np.array([1.0, 1, 0, 0, 0])
    predicted = {
        "base rate": np.full(5, 0.4),
        "benchmark": np.full(5, 0.1),
        "model": np.array([0.9, 0.35, 0.35, 0.0, 0.0]),
    }
    table = net_benefit(y, predicted).set_index("threshold")
    # at .2: two found, one false alarm worth a quarter
    assert table.loc[0.2, "model"] == pytest.approx(2 / 5 - 1 / 5 * 0.25)
    assert table.loc[0.2, "everyone"] == pytest.approx(2 / 5 - 3 / 5 * 0.25)
    assert table.loc[0.2, "benchmark"] == 0
    assert table.loc[0.5, "model"] == pytest.approx(1 / 5)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(1, 3)), min_size=2, max_size=15))
def test_auc_is_that_of_scikit_learn_and_of_a_slow_plain_twin(rows: list[tuple[bool, int, int]]):
    rows = [(True, 1, 1), (False, 2, 1), *rows]
    y, p, w = (np.array([float(r[i]) for r in rows]) for i in range(3))
    assert auc(y, p, w) == pytest.approx(roc_auc_score(y, p, sample_weight=w), abs=1e-12)
    pairs = [(a > b) + (a == b) / 2 for a, u in zip(p, y, strict=True) for b, v in zip(p, y, strict=True) if u > v]
    assert auc(y, p) == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)


def test_calibration_of_predictions_that_are_wrong_in_known_ways():
    rng = np.random.default_rng(0)
    logit = rng.normal(size=40_000)
    y = (rng.random(40_000) < 1 / (1 + np.exp(-logit))).astype(float)
    assert calibration(y, 1 / (1 + np.exp(-logit))) == pytest.approx((0, 1), abs=0.05)
    assert calibration(y, 1 / (1 + np.exp(-2 * logit)))[1] == pytest.approx(0.5, abs=0.03)
    assert calibration(y, 1 / (1 + np.exp(-logit + 0.7)))[0] == pytest.approx(0.7, abs=0.05)
    perfect = calibration(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]))
    assert np.isfinite(perfect).all()  # separation: large, but no overflow


def test_explanation_card_and_chart():
    text = MODEL.explain()
    assert "It told repeats apart better than the number of episodes in the last 90 days alone" in text
    assert "up to 28 February 2025" in text
    assert f"{MODEL.accounting['n_test']:,} later returns" in text
    assert "must not be used to decide about, rank or score a child" in text
    card = MODEL.model_card()
    assert card["Purpose"] == "Plan return support"
    assert card["Fairness"] == "Tables by: sex."
    assert "base rate: AUC 0.50" in card["Performance"]
    assert f"train {MODEL.accounting['n_train']:,}" in card["Data"]
    assert repr(MODEL).startswith("RepeatModel: 28 days, trained on ")
    ax = MODEL.plot()
    assert ax.lines[1].get_xdata().tolist() == MODEL.groups_by_risk["predicted"].tolist()
    ax.clear()
    assert MODEL.plot(ax=ax) is ax


def test_children_not_seen_in_training_have_a_row_only_when_there_are_enough():
    seen = FEATURES.assign(child_id=[f"C{i % 200}" for i in range(len(FEATURES))])
    assert len(repeat_model(seen, GAPS, **WHEN).summary()) == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"purpose": "  "}, "purpose must say why"),
        ({"horizon_days": 0}, "must be at least 1"),
        ({"min_events": 305}, "The test part has .* of .* children; it needs at least 305"),
        ({"min_events": 600}, "The training part has"),
        ({"split_at": "28/02/2025"}, "split_at must be an ISO date"),
        ({"observed_until": "soon"}, "observed_until must be an ISO date"),
    ],
)
def test_what_cannot_be_used_is_refused(change: dict[str, Any], why: str):
    with pytest.raises(ArgumentRefused, match=why):
        repeat_model(FEATURES, GAPS, **(WHEN | change))


def test_repeats_of_a_few_children_are_not_enough():
    few = FEATURES.assign(child_id=[f"C{i % 5}" for i in range(len(FEATURES))])
    with pytest.raises(ArgumentRefused, match="of 5 children"):
        repeat_model(few, GAPS, **WHEN)


@pytest.mark.parametrize(
    ("features", "why"),
    [
        (FEATURES.drop(columns="n_episodes_90d"), "column 'n_episodes_90d' is absent"),
        (FEATURES.assign(n_episodes_90d="3"), "'n_episodes_90d' holds no numbers"),
        (FEATURES.assign(event=1), "'event' would be the outcome"),
        (FEATURES.drop(columns="sex"), r"column 'sex' is absent"),
        (FEATURES.drop(columns="index_at"), "'index_at' is absent"),
        (pd.concat([FEATURES, FEATURES.head(1)]), "the same key twice"),
        ([1], "expected a DataFrame"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(features: Any, why: str):
    with pytest.raises(TableRefused, match=why):
        repeat_model(features, GAPS, groups=["sex"], **WHEN)


def test_a_purpose_has_no_default():
    with pytest.raises(TypeError, match="purpose"):
        repeat_model(FEATURES, GAPS, split_at="2025-02-28", observed_until="2026-03-31")  # type: ignore[call-arg]


def test_importing_it_stays_light():
    code = (
        "import sys, missing_patterns.prediction; "
        "print(sorted({'sklearn', 'matplotlib', 'statsmodels', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_blanks_take_the_training_median_and_are_marked():
    from missing_patterns.prediction.model import _Scaler

    scaler = _Scaler.of(pd.DataFrame({"a": [0.0, 1.0, 8.0, None], "b": [1.0, 1.0, 1.0, 1.0]}))
    assert scaler.names == ["a", "a not recorded"]  # b never varies
    # a is filled to 0 1 8 1: mean 2.5, variance 10.25
    x = scaler.apply(pd.DataFrame({"a": [None, 2.5], "b": [None, 9.0]}))
    assert x[:, 0].tolist() == pytest.approx([-1.5 / 10.25**0.5, 0.0])
    assert x[0, 1] > x[1, 1]
