"""Types of children: the arithmetic against published tables, recovery of what was planted, silence on nothing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from missing_patterns.errors import ArgumentRefused
from missing_patterns.patterns import TriggerCounts, TriggerTypes
from missing_patterns.patterns import mixture as mixture_module
from missing_patterns.patterns.mixture import Answers, fit_mixture, n_parameters, posterior

Floats = npt.NDArray[np.float64]

#: Seven pathologists on 118 slides (Landis and Koch 1977; Agresti, Categorical Data Analysis): pattern x slides.
CARCINOMA = """
    0000000x34 0000100x2 0100000x6 0100001x1 0100100x4 0100101x5 1000000x2 1010101x1 1100000x2 1100001x1
    1100100x2 1100101x7 1100111x1 1101001x1 1101101x2 1101111x3 1110101x13 1110111x5 1111101x10 1111111x16
"""
#: Four kinds of cheating by 319 students (Dayton 1998, Latent Class Scaling Analysis): pattern x students.
CHEATING = """
    0000x207 0001x46 0010x7 0011x5 0100x13 0101x4 0110x1 0111x2
    1000x10 1001x3 1010x1 1011x2 1100x11 1101x4 1110x1 1111x2
"""
#: Maximum log-likelihoods by base-R EM with 200 starts, R 4.2.2 (the three-class carcinoma fit also by flexmix 2.3-18).
LOGLIK = {
    ("carcinoma", 1): -524.4648179385778,
    ("carcinoma", 2): -317.25683729952885,
    ("carcinoma", 3): -293.7049787807379,
    ("carcinoma", 4): -289.28584879426614,
    ("cheating", 1): -467.43819494270616,
    ("cheating", 2): -440.0271124122823,
}


def table(patterns: str) -> Floats:
    parts = [p.split("x") for p in patterns.split()]
    return np.array([[float(c) for c in pattern] for pattern, n in parts for _ in range(int(n))])


PUBLISHED = {"carcinoma": table(CARCINOMA), "cheating": table(CHEATING)}


def planted(n: int, *, seed: int, mean_answers: float = 4.0) -> tuple[pd.DataFrame, pd.DataFrame, Floats]:
    """Children of three known types on six items: counts, trials, truth."""
    rng = np.random.default_rng(seed)
    chance = np.array([[0.8, 0.6, 0.1, 0.1, 0.2, 0.2], [0.1, 0.1, 0.7, 0.6, 0.2, 0.2], [0.1, 0.1, 0.1, 0.1, 0.7, 0.3]])
    truth = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
    answered = 1 + rng.poisson(mean_answers - 1, n)
    trials = pd.DataFrame(np.repeat(answered[:, None], 6, axis=1), columns=list("abcdef"))
    trials.index = pd.Index([f"C{i:04d}" for i in range(n)], name="child_id")
    counts = pd.DataFrame(rng.binomial(trials, chance[truth]), index=trials.index, columns=trials.columns)
    return counts, trials, truth


COUNTS, TRIALS, TRUTH = planted(400, seed=1)
FITTED = TriggerTypes(n_starts=8).fit(COUNTS, TRIALS)


@pytest.mark.parametrize(("name", "k"), LOGLIK)
def test_log_likelihoods_of_published_tables(name: str, k: int):
    answers = Answers.of(PUBLISHED[name], np.ones_like(PUBLISHED[name]))
    fit = fit_mixture(answers, k, np.random.default_rng(0), prior=0.0, tol=1e-9)
    assert fit.loglik == pytest.approx(LOGLIK[name, k], abs=1e-6)
    assert fit.converged


def test_three_classes_of_slides_have_the_published_shares_and_profiles():
    answers = Answers.of(PUBLISHED["carcinoma"], np.ones((118, 7)))
    fit = fit_mixture(answers, 3, np.random.default_rng(0), prior=0.0, tol=1e-9)
    assert fit.shares == pytest.approx([0.44472761800, 0.37356451009, 0.18170788192], abs=1e-5)
    assert fit.profiles[2] == pytest.approx([0.51283, 1, 0, 0.05758, 0.75060, 0, 0.63065], abs=1e-4)


def test_bic_is_that_of_the_maximum_with_children_as_the_sample_size():
    frame = pd.DataFrame(PUBLISHED["cheating"])
    types = TriggerTypes(n_types=2, prior=0.0).fit(frame)
    assert types.bic_["bic"].iloc[0] == pytest.approx(931.9409447496282, abs=1e-3)
    assert types.bic_["n_parameters"].iloc[0] == 9
    # entropy R2 of the same fit is 0.736561: ICL = BIC + 2 * entropy
    entropy = (1 - 0.736560691586752) * 319 * math.log(2)
    assert types.bic_["icl"].iloc[0] == pytest.approx(931.94094 + 2 * entropy, abs=2)  # flat near the top


def test_planted_types_are_found_and_uncertain_children_stay_out():
    assert FITTED.n_types_ == 3
    assert FITTED.bic_.loc[FITTED.bic_["is_chosen"], "n_types"].tolist() == [3]
    assert FITTED.shares_.tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.05)
    sure = FITTED.labels_ != -1
    assert 0.8 < sure.mean() < 1
    assert adjusted_rand_score(TRUTH[sure], FITTED.labels_[sure]) > 0.9
    assert FITTED.profiles_.loc[1, ["a", "b"]].tolist() == pytest.approx([0.8, 0.6], abs=0.06)
    assert (FITTED.posterior_.max(axis=1)[sure] >= 0.8).all()
    assert (FITTED.posterior_.max(axis=1)[~sure] < 0.8).all()
    assert FITTED.posterior_.sum(axis=1).to_numpy() == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_planted_is_no_stable_pattern(seed: int):
    rng = np.random.default_rng(seed)
    trials = pd.DataFrame(np.repeat(1 + rng.poisson(1.5, (300, 1)), 8, axis=1))
    counts = pd.DataFrame(rng.binomial(trials, rng.uniform(0.05, 0.5, 8)))
    types = TriggerTypes(max_types=3, n_starts=4).fit(counts, trials)
    assert types.n_types_ == 1
    assert "No stable pattern: no division into types" in types.explain()
    assert types.labels_.unique().tolist() == [1]
    assert types.profiles_.loc[1].to_numpy() == pytest.approx((counts.sum() / trials.sum()).to_numpy(), abs=1e-9)


def test_unanswered_is_not_no():
    # Half of the children were never asked about items d, e and f; what is known of them must not read as "no".
    asked = TRIALS.copy()
    asked.loc[asked.index[::2], ["d", "e", "f"]] = 0
    counts = COUNTS.where(asked > 0, 0)
    types = TriggerTypes(n_types=3, n_starts=8).fit(counts, asked)
    assert types.profiles_.loc[2, "d"] == pytest.approx(0.6, abs=0.08)
    assert types.overall_["d"] == pytest.approx(counts["d"].sum() / asked["d"].sum())


def test_a_frame_of_flags_is_one_answer_each_and_not_recorded_is_skipped():
    flags = pd.DataFrame({"a": [True, False, None, True], "b": [None, None, None, None]}, dtype="boolean")
    types = TriggerTypes(min_children=1).fit(flags)
    assert types.n_children_ == 3
    assert types.n_answers_ == 3
    assert types.profiles_.loc[1, "a"] == pytest.approx(2 / 3)
    assert np.isnan(types.profiles_.loc[1, "b"])
    assert types.labels_.tolist() == [1, 1, -1, 1]  # the third was never asked
    assert types.predict_proba(flags)[1].tolist() == [1.0] * 4


def test_an_item_never_answered_costs_and_says_nothing_with_several_types():
    counts, trials = COUNTS.assign(z=0), TRIALS.assign(z=0)
    types = TriggerTypes(n_types=3, n_starts=8).fit(counts, trials)
    same = TriggerTypes(n_types=3, n_starts=8).fit(COUNTS, TRIALS)
    assert types.profiles_["z"].isna().all()
    assert types.bic_["bic"].tolist() == same.bic_["bic"].tolist()
    pd.testing.assert_frame_equal(types.posterior_, same.posterior_)


def test_few_children_are_one_type_and_none_are_none():
    few = TriggerTypes().fit(COUNTS.head(49), TRIALS.head(49))
    assert few.bic_["n_types"].tolist() == [1]
    assert "fewer than 50 children are too few to divide" in few.explain()
    nobody = TriggerTypes().fit(COUNTS.head(0), TRIALS.head(0))
    assert (nobody.n_types_, nobody.n_children_) == (1, 0)
    assert "There is nothing to compare." in nobody.explain()
    assert nobody.summary()["n_children"].tolist() == [0]
    assert nobody.labels_.tolist() == []
    one = TriggerTypes().fit(COUNTS.head(1), TRIALS.head(1))
    assert one.is_shown_.tolist() == [False]


def test_a_small_type_is_merged_and_when_asked_for_is_not_shown():
    # 10 of 410 children name only item f, always: real, but too few to be shown as a type.
    extra = pd.DataFrame(0, index=[f"X{i}" for i in range(10)], columns=COUNTS.columns).assign(f=12)
    counts = pd.concat([COUNTS, extra])
    trials = pd.concat([TRIALS, pd.DataFrame(12, index=extra.index, columns=TRIALS.columns)])
    types = TriggerTypes(n_starts=30).fit(counts, trials)
    four = types.bic_[types.bic_["n_types"] == 4].iloc[0]
    assert four["bic"] == types.bic_["bic"].min()
    assert not four["is_eligible"]
    assert types.n_types_ == 3
    asked = TriggerTypes(n_types=4, n_starts=30).fit(counts, trials)
    assert asked.is_shown_.tolist() == [True, True, True, False]
    assert "1 type is too small to be shown." in asked.explain()
    assert "4 types, as asked for, were tried" in asked.explain()
    two_hidden = TriggerTypes(n_types=4, n_starts=30, min_share=0.25).fit(counts, trials)
    assert "2 types are too small to be shown." in two_hidden.explain()


def test_next_months_children_are_placed_on_the_types_as_they_were():
    later, answered, truth = planted(200, seed=9)
    proba = FITTED.predict_proba(later[list("fedcba")], answered[list("fedcba")])  # any order of columns
    assert adjusted_rand_score(truth, proba.to_numpy().argmax(axis=1)) > 0.6
    labels = FITTED.predict(TriggerCounts(later, answered))
    sure = labels != -1
    assert labels[sure].tolist() == (proba[sure].to_numpy().argmax(axis=1) + 1).tolist()
    again = FITTED.predict_proba(COUNTS, TRIALS)
    pd.testing.assert_frame_equal(again, FITTED.posterior_)
    assert FITTED.predict(COUNTS.head(0), TRIALS.head(0)).tolist() == []


def test_types_fitted_on_some_items_can_be_described_by_others():
    sums = TriggerCounts(COUNTS[["a"]].rename(columns={"a": "home"}), TRIALS[["a"]].rename(columns={"a": "home"}))
    described = FITTED.profiles_of(sums)
    weight = FITTED.posterior_[2]
    by_hand = (weight * COUNTS["a"]).sum() / (weight * TRIALS["a"]).sum()
    assert described.loc[2, "home"] == pytest.approx(by_hand)
    assert described["home"].tolist() == pytest.approx(FITTED.profiles_["a"].tolist(), abs=0.01)
    nobody = FITTED.profiles_of(TriggerCounts(COUNTS.head(0), TRIALS.head(0)))
    assert nobody.isna().all(axis=None)
    strange = TriggerCounts(COUNTS.rename(index={"C0000": "X"}), TRIALS.rename(index={"C0000": "X"}))
    with pytest.raises(ArgumentRefused, match="not in the fit"):
        FITTED.profiles_of(strange)


def test_order_of_rows_and_names_of_children_do_not_matter():
    order = np.random.default_rng(5).permutation(len(COUNTS))
    names = [f"Z{i}" for i in range(len(COUNTS))]
    other = TriggerTypes(n_starts=8).fit(COUNTS.iloc[order].set_axis(names), TRIALS.iloc[order].set_axis(names))
    pd.testing.assert_frame_equal(other.profiles_, FITTED.profiles_)
    assert other.labels_.tolist() == FITTED.labels_.iloc[order].tolist()


def test_every_child_twice_gives_the_same_types_and_a_seed_the_same_fit():
    twice = TriggerTypes(n_types=3, n_starts=8, prior=0.0, random_state=np.random.default_rng(3)).fit(
        pd.concat([COUNTS, COUNTS]), pd.concat([TRIALS, TRIALS])
    )
    once = TriggerTypes(n_types=3, n_starts=8, prior=0.0, random_state=4).fit(COUNTS, TRIALS)
    assert twice.profiles_.to_numpy() == pytest.approx(once.profiles_.to_numpy(), abs=2e-3)
    assert twice.bic_["loglik"].iloc[0] == pytest.approx(2 * once.bic_["loglik"].iloc[0], abs=1e-2)
    again = clone(FITTED).fit(COUNTS, TRIALS)
    pd.testing.assert_frame_equal(again.posterior_, FITTED.posterior_)


def test_inputs_are_not_modified():
    counts, trials = COUNTS.copy(deep=True), TRIALS.copy(deep=True)
    TriggerTypes(n_types=2, n_starts=2).fit(counts, trials).predict(counts, trials)
    pd.testing.assert_frame_equal(counts, COUNTS)
    pd.testing.assert_frame_equal(trials, TRIALS)


def test_summary_has_one_row_per_type_and_says_what_stands_out():
    summary = FITTED.summary()
    assert summary.columns.tolist() == ["type", "share", "n_children", "stands_out", "is_shown", *"abcdef"]
    assert summary["type"].tolist() == [1, 2, 3]
    assert summary["n_children"].sum() == (FITTED.labels_ != -1).sum()
    assert set(summary.loc[0, "stands_out"].split("; ")) == {"a", "b"}
    assert set(summary.loc[1, "stands_out"].split("; ")) == {"c", "d"}


def test_explanation_counts_children_and_interviews_and_says_what_it_is_not():
    text = FITTED.explain()
    n_sure = int((FITTED.labels_ != -1).sum())
    assert text.startswith(f"400 children with {int(TRIALS['a'].sum()):,} interviews whose triggers are known")
    assert f"3 types describe the children best. {400 - n_sure} children cannot be placed with 80%" in text
    assert "not causes, not a diagnosis and not a risk level" in text
    assert "C0001" not in text + repr(FITTED)


def test_plot_shows_the_types_that_are_shown():
    ax = FITTED.plot()
    assert [t.get_text() for t in ax.get_yticklabels()] == list("abcdef")
    assert len(ax.get_xticklabels()) == 3
    assert ax.texts[0].get_text() == f"{FITTED.profiles_.loc[1, 'a']:.0%}"
    ax.clear()
    assert FITTED.plot(ax=ax) is ax
    nobody = TriggerTypes().fit(COUNTS.head(0), TRIALS.head(0)).plot()
    assert [t.get_text() for t in nobody.texts] == ["No type is large enough to be shown"]


@pytest.mark.parametrize(
    ("settings_", "why"),
    [
        ({"n_types": 0}, "n_types must be at least 1"),
        ({"max_types": 0, "n_starts": 0}, "max_types must be at least 1; n_starts must be at least 1"),
        ({"certainty": 2}, "certainty must be between 0 and 1"),
        ({"prior": -1}, "prior must not be negative"),
    ],
)
def test_settings_out_of_bounds_are_refused(settings_: dict[str, float], why: str):
    with pytest.raises(ArgumentRefused, match=why):
        TriggerTypes(**settings_).fit(COUNTS, TRIALS)


@pytest.mark.parametrize(
    ("counts", "trials", "why"),
    [
        (COUNTS, TRIALS - 3, "none above trials"),
        (COUNTS - 1, TRIALS, "none below 0"),
        (COUNTS * 0.5, TRIALS, "whole numbers"),
        (COUNTS, None, "1 without trials"),
        (COUNTS, TRIALS.iloc[::-1], "same rows and columns"),
        (COUNTS, TRIALS[list("fedcba")], "same rows and columns"),
        (TriggerCounts(COUNTS, TRIALS), TRIALS, "already in the counts"),
        (COUNTS.astype(str) + "?", TRIALS, "must hold numbers"),
        ([[1]], None, "must be DataFrames"),
        (COUNTS, [[1]], "must be DataFrames"),
        (COUNTS.set_axis(list("abcdee"), axis=1), TRIALS.set_axis(list("abcdee"), axis=1), "stands twice"),
    ],
)
def test_what_is_not_counts_is_refused(counts: object, trials: object, why: str):
    with pytest.raises(ArgumentRefused, match=why):
        TriggerTypes().fit(counts, trials)  # type: ignore[arg-type]


def test_unfitted_and_strange_columns_are_refused():
    for method in ("summary", "explain", "plot"):
        with pytest.raises(ArgumentRefused, match="call fit"):
            getattr(TriggerTypes(), method)()
    with pytest.raises(ArgumentRefused, match="1 unknown, 1 absent"):
        FITTED.predict_proba(COUNTS.rename(columns={"a": "q"}), TRIALS.rename(columns={"a": "q"}))
    with pytest.raises(ArgumentRefused, match="0 unknown, 1 absent"):
        FITTED.predict_proba(COUNTS[list("abcde")], TRIALS[list("abcde")])


def test_batches_of_starts_change_nothing(monkeypatch: pytest.MonkeyPatch):
    answers = Answers.of(COUNTS.to_numpy(dtype=float), TRIALS.to_numpy(dtype=float))
    whole = fit_mixture(answers, 3, np.random.default_rng(2), n_starts=6)
    monkeypatch.setattr(mixture_module, "BATCH_CELLS", 1)
    parts = fit_mixture(answers, 3, np.random.default_rng(2), n_starts=6)
    assert parts.profiles == pytest.approx(whole.profiles, abs=1e-6)


def test_a_fit_that_is_stopped_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mixture_module, "MAX_STEPS", 1)
    answers = Answers.of(COUNTS.to_numpy(dtype=float), TRIALS.to_numpy(dtype=float))
    assert not fit_mixture(answers, 3, np.random.default_rng(2), n_starts=2).converged


def test_parameters_of_items_that_never_vary_are_not_counted():
    counts = np.array([[0.0, 1, 1], [0, 2, 1]])
    answers = Answers.of(counts, np.array([[1.0, 1, 2], [1, 2, 2]]))
    assert n_parameters(answers, 2) == 1 + 2 * 1


SMALL = st.lists(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2), min_size=1, max_size=6)


@settings(deadline=None, max_examples=40)
@given(SMALL, st.floats(0.05, 0.95), st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4))
def test_a_slow_plain_twin_has_the_same_posterior_and_likelihood(
    rows: list[tuple[tuple[int, int], tuple[int, int]]], share: float, chances: list[float]
):
    counts = np.array([[k for k, _ in row] for row in rows], dtype=float)
    trials = np.array([[k + more for k, more in row] for row in rows], dtype=float)
    profiles = np.array(chances).reshape(2, 2)
    answers = Answers.of(counts, trials)
    chance, loglik = posterior(answers, np.array([share, 1 - share]), profiles)
    slow = 0.0
    for row in rows:
        joint = [share, 1 - share]
        for t, j in itertools.product(range(2), range(2)):
            k, more = row[j]
            joint[t] *= profiles[t, j] ** k * (1 - profiles[t, j]) ** more
        slow += math.log(sum(joint))
        key = [k for k, _ in row] + [more for _, more in row]
        at = int(np.flatnonzero((np.hstack([answers.yes, answers.no]) == key).all(axis=1))[0])
        assert chance[at] == pytest.approx([j / sum(joint) for j in joint], abs=1e-12)
    assert loglik == pytest.approx(slow, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(SMALL, st.integers(0, 3))
def test_more_types_never_fit_worse_than_one(rows: list[tuple[tuple[int, int], tuple[int, int]]], seed: int):
    counts = np.array([[k for k, _ in row] for row in rows], dtype=float)
    answers = Answers.of(counts, np.array([[k + more for k, more in row] for row in rows], dtype=float))
    one = fit_mixture(answers, 1, np.random.default_rng(seed), n_starts=3, prior=0.0)
    two = fit_mixture(answers, 2, np.random.default_rng(seed), n_starts=3, prior=0.0)
    assert two.loglik >= one.loglik - 1e-2
