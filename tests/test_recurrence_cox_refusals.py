"""What the Cox model refuses or warns of: every message names the covariate, the place and the fix, and no value."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_patterns.errors import ArgumentRefused, EstimateDoubtful, TableRefused
from missing_patterns.recurrence.cox import newton
from missing_patterns.recurrence.cox.likelihood import Likelihood, span_of
from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.cox.risk import risk_sets


def spells(n_children: int = 60) -> pd.DataFrame:
    """Return four spells of 30 days for each child; which of them end with an episode follows no covariate."""
    rng = np.random.default_rng(11)
    child = np.repeat(np.arange(n_children), 4)
    spell = np.tile(np.arange(4), n_children)
    return pd.DataFrame(
        {
            "child_id": [f"SECRET{k}" for k in child],
            "start": 30 * spell,
            "stop": 30 * (spell + 1) - rng.integers(0, 9, len(child)),
            "event": (rng.random(len(child)) < 0.4).astype(int),
            "age": 11 + child % 6,
            "in_care": child % 3 == 0,
            "home": np.array(["SECRETelm", "SECREToak"])[child % 2],
            "seen_on": pd.Timestamp("2026-01-05"),
            "shape": rng.normal(0, 1, len(child)),
        }
    )


@pytest.fixture
def frame() -> pd.DataFrame:
    return spells()


def some_blank(frame: pd.DataFrame) -> pd.Series:
    return frame["age"].astype(float).where(frame.index > 2)


TABLES: list[tuple[str, dict[str, Any], Any, str]] = [
    ("a column that is not there", {}, ["agee"], r"column 'agee' is absent. Did you mean 'age'\?"),
    ("several at once", {"age": np.inf}, ["age", "x"], "column 'age' holds infinite values.*\n.*column 'x' is absent"),
    ("text", {}, ["home"], r"column 'home' holds text; write it in a formula as C\(home\)"),
    ("text that looks like numbers", {"age": "12"}, ["age"], r"column 'age' holds text"),
    (
        "one category",
        {"home": "SECRET"},
        "C(home)",
        "the formula makes no column: its categories are the same in every",
    ),
    ("a mixture", {"home": [0, "SECRET"] * 120}, ["home"], "column 'home' holds values of mixed or other kinds; write"),
    ("dates", {}, ["seen_on"], "column 'seen_on' holds dates, times or objects; make a number of it first"),
    ("complex numbers", {"age": 1j}, ["age"], "column 'age' holds complex numbers"),
    ("categories", {"age": lambda f: f["age"].astype("category")}, ["age"], "column 'age' holds categories; write it"),
    ("blanks", {"age": some_blank}, ["age"], r"'age' is not recorded in 3 of 240 rows; leave those rows out"),
    ("blanks in a formula", {"age": some_blank}, "log(age)", r"'age' is not recorded in 3 of 240 rows"),
    ("all blank", {"age": None}, ["age"], "'age' is not recorded in 240 of 240 rows"),
    ("no number in a formula", {}, "log(age - 11)", r"'log\(age - 11\)' is not a finite number in some rows"),
    ("mixed types in a formula", {}, "log(home)", "the formula cannot be worked out on it"),
    ("a time that is no number", {"start": "first"}, ["age"], "column 'start' holds values that are not numbers"),
    ("an endless spell", {"stop": np.inf}, ["age"], "a start or stop is infinite, at positions 0, 1, 2, 3, 4 and 235"),
    ("a spell backwards", {"start": 500}, ["age"], "a spell ends before it starts, at positions 0, 1"),
    ("two episodes in one row", {"event": 2}, ["age"], "'event' holds values other than 0 and 1"),
    ("a child without id", {"child_id": None}, ["age"], "column 'child_id' is not recorded in 240 of 240 rows"),
    ("no episode", {"event": 0}, ["age"], "there is no episode in it, so there is nothing to model"),
    ("no episode with length", {"start": lambda f: f["stop"]}, ["age"], "no episode in it .* stand on rows without"),
    ("a constant", {"age": 12}, ["age", "shape"], "'age' is the same in every row, so nothing can go with it"),
    ("its double", {"older": lambda f: 2.0 * f["age"] + 3}, ["age", "older"], "'older' follows exactly from 'age'"),
    (
        "three that add up",
        {"rest": lambda f: 1 - f["in_care"] - f["shape"]},
        ["in_care", "age", "shape", "rest"],
        "'rest' follows exactly from 'in_care' and 'shape'; leave one of them out",
    ),
]


@pytest.mark.parametrize(("change", "columns", "message"), [t[1:] for t in TABLES], ids=[t[0] for t in TABLES])
def test_a_table_that_cannot_be_used_is_refused_with_the_column_and_the_fix(
    frame: pd.DataFrame, change: dict[str, Any], columns: Any, message: str
) -> None:
    with pytest.raises(TableRefused, match=message) as refused:
        RecurrentCox().fit(frame.assign(**change), columns)
    assert "SECRET" not in str(refused.value)
    assert refused.value.__cause__ is None


ARGUMENTS: list[tuple[str, dict[str, Any], Any, dict[str, Any], str]] = [
    ("a rule for ties", {"ties": "exact"}, ["age"], {}, "ties must be 'efron' or 'breslow'; R's exact method is not"),
    ("a clock", {"time": "days"}, ["age"], {}, "time must be 'total'"),
    ("no column", {}, [], {}, "name at least one column"),
    ("a column twice", {}, ["age", "age"], {}, "named twice: 'age'"),
    ("a number", {}, [3], {}, "name columns as text"),
    ("the outcome", {}, ["age", "stop"], {}, "'stop' cannot explain itself"),
    ("the outcome in a formula", {}, "age + log(stop)", {}, "'stop' cannot explain itself"),
    ("an unfinished formula", {}, "age + ", {}, "the formula cannot be read"),
    ("a formula with a left side", {}, "stop ~ age", {}, "the formula has a left side"),
    ("a formula of nothing", {}, "1", {}, "the formula names no column"),
    (
        "a name in a formula",
        {},
        "agee",
        {},
        "names 'agee', which is neither a column nor a function. Did you mean 'age'",
    ),
    ("a quoted name", {}, "Q('in care')", {}, r"there is no column 'in care'. Did you mean 'in_care'\?"),
    ("R's strata", {}, "age + strata(home)", {}, r"'strata\(\)' is not part of a formula here: give strata= to"),
    ("R's frailty", {}, "age + frailty(child_id)", {}, "use SharedFrailty"),
    ("a way out", {}, "I(age.__class__)", {}, "but not reach into objects"),
    ("the machine", {}, "__import__('os')", {}, "names '__import__', which is neither a column nor a function"),
    ("a loop", {}, "I([a for a in age])", {}, "not reach into objects"),
    ("weights by name", {}, ["age"], {"weights": "wheight"}, "there is no column 'wheight' to take weights from"),
    ("weights of text", {}, ["age"], {"weights": ["x"] * 240}, "weights must be numbers, one per row"),
    ("too few weights", {}, ["age"], {"weights": [1.0]}, "weights must be numbers, one per row: 240, not 1"),
    ("a weight of 0", {}, ["age"], {"weights": [0.0] + [1.0] * 239}, "weights must be above 0; .* at position 0"),
    ("a blank offset", {}, ["age"], {"offset": [np.nan] + [1.0] * 239}, "offset must be recorded and finite"),
]


@pytest.mark.parametrize(
    ("model", "columns", "more", "message"), [t[1:] for t in ARGUMENTS], ids=[t[0] for t in ARGUMENTS]
)
def test_an_argument_that_cannot_be_used_is_refused(
    frame: pd.DataFrame, model: dict[str, Any], columns: Any, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentRefused, match=message):
        RecurrentCox(**model).fit(frame, columns, **more)


def test_strata_and_clusters_must_be_there_and_recorded(frame: pd.DataFrame) -> None:
    for arguments in ({"strata": "hom"}, {"cluster": "hom"}, {"strata": ["in_care", "hom"]}):
        with pytest.raises(TableRefused, match=r"column 'hom' is absent. Did you mean 'home'\?"):
            RecurrentCox(**arguments).fit(frame, ["age"])  # type: ignore[arg-type]
    blank = frame.assign(home=frame["home"].where(frame.index > 0))
    for arguments in ({"strata": "home"}, {"cluster": "home"}):
        with pytest.raises(TableRefused, match="column 'home' is not recorded in 1 of 240 rows"):
            RecurrentCox(**arguments).fit(blank, ["age"])  # type: ignore[arg-type]


def test_a_covariate_that_strata_follow_from_is_named(frame: pd.DataFrame) -> None:
    with pytest.raises(TableRefused, match="'in_care' is the same for all who are at risk together"):
        RecurrentCox(strata="in_care").fit(frame, ["age", "in_care"])
    with pytest.raises(TableRefused, match="'age' is the same for all who are at risk together"):
        RecurrentCox(strata="child_id").fit(frame, ["age"])


def test_a_column_that_is_there_twice_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(TableRefused, match="column 'age' is there more than once"):
        RecurrentCox().fit(pd.concat([frame, frame[["age"]]], axis=1), ["age"])


def test_too_few_clusters_are_refused_and_few_are_told() -> None:
    with pytest.raises(TableRefused, match="it has 2 clusters for 2 covariates"):
        RecurrentCox(cluster="home").fit(spells(), ["age", "shape"])
    with pytest.warns(EstimateDoubtful, match="only 19 clusters: robust standard errors come out too small"):
        RecurrentCox().fit(spells(19), ["shape"])
    model = RecurrentCox().fit(spells(20), ["shape"])
    assert model.warnings_ == ()


# --- coefficients that run off ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_covariate_without_episodes_runs_off_and_is_named(frame: pd.DataFrame, sign: int, ties: Any) -> None:
    rare = (frame["child_id"].isin(["SECRET4", "SECRET5"])).astype(int)
    without = frame.assign(event=frame["event"] * (1 - rare), rare=-sign * rare)
    toward = "plus" if sign > 0 else "minus"
    with pytest.warns(EstimateDoubtful, match=f"coefficient of 'rare' runs off to {toward} infinity") as told:
        model = RecurrentCox(ties=ties).fit(without, ["age", "rare", "shape"])
    assert len(told) == 1
    assert "SECRET" not in str(told[0].message)
    assert told[0].filename == __file__
    assert model.runs_off_ == {"rare": sign}
    assert model.warnings_[0].startswith("The coefficient of 'rare' runs off")
    assert sign * model.coef_["rare"] > 5
    assert model.covariance_["rare"].isna().all()
    assert model.robust_covariance_.loc["rare"].isna().all()
    assert np.isnan(model.wald_test_.p_value)
    assert 0 < model.likelihood_ratio_test_.p_value < 1
    # The others are as if those rows were not there: they are nobody's company in a risk set any more.
    others = RecurrentCox(ties=ties).fit(without[rare == 0], ["age", "shape"])
    np.testing.assert_allclose(model.coef_[["age", "shape"]], others.coef_, rtol=1e-5)
    there = model.robust_covariance_.loc[["age", "shape"], ["age", "shape"]]
    np.testing.assert_allclose(there, others.robust_covariance_, rtol=1e-5)
    assert model.loglik_ == pytest.approx(others.loglik_, rel=1e-8)


def test_a_number_that_orders_all_episodes_runs_off(frame: pd.DataFrame) -> None:
    first = frame.drop_duplicates("child_id").assign(start=0)
    soon = first.assign(stop=np.arange(1, len(first) + 1), event=1)
    with pytest.warns(EstimateDoubtful, match="'order' runs off to minus infinity"):
        model = RecurrentCox().fit(soon.assign(order=soon["stop"] * 1e-4), ["order"])
    assert model.loglik_ == pytest.approx(0, abs=0.01)


def test_two_that_separate_only_together_are_both_named(frame: pd.DataFrame) -> None:
    """Of those with 'wide' only those who also have 'narrow' ever go: the two coefficients run apart."""
    wide = frame["child_id"].isin([f"SECRET{k}" for k in range(30)])
    narrow = frame["child_id"].isin([f"SECRET{k}" for k in range(20)])
    quiet = frame.assign(wide=wide, narrow=narrow, event=frame["event"].where(~wide | narrow, 0))
    with pytest.warns(EstimateDoubtful) as told:
        model = RecurrentCox().fit(quiet, ["wide", "narrow", "age"])
    assert model.runs_off_ == {"wide": -1, "narrow": 1}
    assert ["'wide' runs off" in str(told[0].message), "'narrow' runs off" in str(told[1].message)] == [True, True]
    both = RecurrentCox().fit(quiet[wide == narrow], ["narrow", "age"])
    assert model.coef_["wide"] + model.coef_["narrow"] == pytest.approx(both.coef_["narrow"], abs=1e-5)
    assert model.coef_["age"] == pytest.approx(both.coef_["age"], rel=1e-5)


def test_a_strong_but_finite_coefficient_is_left_in_peace(frame: pd.DataFrame) -> None:
    rare = frame["child_id"].isin([f"SECRET{k}" for k in range(20)])
    keep = frame["event"].where(~rare, 0)
    keep.iloc[3] = 1  # one episode among those rows
    model = RecurrentCox().fit(frame.assign(event=keep, rare=rare), ["rare", "age"])
    assert model.runs_off_ == {}
    assert model.coef_["rare"] < -3
    assert np.sqrt(model.covariance_.loc["rare", "rare"]) < 1.2


# --- a hard way to the top -------------------------------------------------------------------------------------------


def test_a_step_that_goes_too_far_is_halved(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """A covariate with a few huge values: Newton's first step from 0 passes the top by far."""
    tail = np.exp(3.0 * frame["shape"].to_numpy())
    asked: list[float] = []
    at = Likelihood.at

    def watched(self: Likelihood, beta: np.ndarray) -> Any:
        terms = at(self, beta)
        asked.append(terms.log_likelihood)
        return terms

    monkeypatch.setattr(Likelihood, "at", watched)
    event = (np.argsort(np.argsort(-tail)) < 40).astype(int)
    event[np.argmax(tail)] = 0
    model = RecurrentCox().fit(frame.assign(tail=tail, event=event), ["tail", "age"])
    assert len(asked) > model.n_iterations_ + 1  # some were tried and not taken
    assert model.runs_off_ == {}
    assert model.loglik_ == pytest.approx(max(asked), abs=1e-9)
    assert np.abs(model._terms.score * np.sqrt(np.diag(model.covariance_))).max() < 1e-6


def test_huge_values_do_not_overflow(frame: pd.DataFrame) -> None:
    one = RecurrentCox().fit(frame, ["shape"])
    for unit in (1e-100, 1e-9, 1e9, 1e100):
        other = RecurrentCox().fit(frame.assign(shape=frame["shape"] * unit), ["shape"])
        assert other.coef_["shape"] * unit == pytest.approx(one.coef_["shape"], rel=1e-7)


def test_a_top_as_near_as_the_machine_comes_is_good_enough(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = RecurrentCox().fit(frame, ["shape", "age"])
    monkeypatch.setattr(newton, "STEP", 0.0)  # so that it goes on until the likelihood falls by rounding, or for ever
    monkeypatch.setattr(newton, "_MAX_STEPS", 8)
    again = RecurrentCox().fit(frame, ["shape", "age"])
    assert again.warnings_ == ()
    np.testing.assert_allclose(again.coef_, best.coef_, rtol=1e-9)


def test_a_search_that_does_not_come_to_rest_is_told(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newton, "_MAX_STEPS", 1)
    with pytest.warns(EstimateDoubtful, match="did not come to rest in 1 steps"):
        RecurrentCox().fit(frame, ["shape"])
    monkeypatch.setattr(newton, "_MAX_STEPS", 60)
    monkeypatch.setattr(newton, "_MAX_HALVINGS", 0)
    with pytest.warns(EstimateDoubtful, match="did not come to rest"):
        RecurrentCox().fit(frame, ["shape"])


def test_a_curvature_without_inverse_is_cut_off() -> None:
    flat = np.array([[4.0, 2.0], [2.0, 1.0]])
    np.testing.assert_allclose(newton._inverse(flat) @ flat @ newton._inverse(flat), newton._inverse(flat), atol=1e-12)


def test_nothing_is_said_where_all_is_well(frame: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RecurrentCox().fit(frame, "C(home) + age + shape")
    assert model.warnings_ == ()


# --- what it says of itself ------------------------------------------------------------------------------------------


def test_nothing_shows_a_child_or_a_value(frame: pd.DataFrame) -> None:
    model = RecurrentCox()
    assert repr(model) == "RecurrentCox (efron ties, total time): not fitted"
    model.fit(frame, ["age"])
    said = [repr(model), repr(model.design_), repr(model._risk), repr(model._likelihood), repr(model._terms)]
    said += [repr(model.design_.covariates), model.baseline_.to_string(), model.strata_.to_string()]
    said.append(repr(newton.maximise(model._likelihood, ["age"])))
    assert "SECRET" not in " ".join(said)
    assert said[3] == "Likelihood (efron): 240 rows, 1 covariate"


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.linear_predictor(pd.DataFrame()),
        lambda m: m.predict_mean(pd.DataFrame()),
        lambda m: m.schoenfeld_test(),
        lambda m: m.influence(),
        lambda m: m.influence_by_child(),
        lambda m: m.concordance(),
        lambda m: m.summary(),
        lambda m: m.explain(),
        lambda m: m.plot(),
        lambda m: m.robust_score_test_,
    ],
)
def test_a_model_that_is_not_fitted_says_so(call: Any) -> None:
    with pytest.raises(ArgumentRefused, match="not fitted yet: call fit"):
        call(RecurrentCox())


def test_what_comes_after_the_fit_is_within_reach(frame: pd.DataFrame) -> None:
    model = RecurrentCox().fit(frame, ["age", "shape"])
    assert len(model.summary()) == 2
    assert "SECRET" not in model.explain()
    assert model.plot() is not None
    assert model.concordance() is not None
    assert model.influence() is not None
    assert len(model.influence_by_child()) == 60
    assert model.schoenfeld_test(transform="rank") is not None
    assert model.predict_mean(frame.iloc[:2], days=[30]) is not None


def test_spans_of_few_and_many_rows() -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    for n in (1, 63, 64, 200):
        np.testing.assert_array_equal(span_of(x[:n]), np.ptp(x[:n], axis=0))


def test_a_likelihood_without_events_is_flat() -> None:
    none = np.zeros(2, dtype=bool)
    risk = risk_sets(np.zeros(2), np.ones(2), none, np.zeros(2, dtype=np.int64))
    for ties in ("efron", "breslow"):
        terms = Likelihood(np.ones((2, 1)), risk, np.ones(2), np.zeros(2), ties).at(np.zeros(1))  # type: ignore[arg-type]
        assert (terms.log_likelihood, terms.score.tolist(), terms.information.tolist()) == (0.0, [0.0], [[0.0]])
