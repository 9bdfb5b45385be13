"""Rates of episodes with exposure: recovery of planted truth, zeros that are not on file, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_patterns import errors, recurrence
from missing_patterns.recurrence.frequency.count_models import fit_counts, log_likelihood


def planted(n: int, *, seed: int, shape: float = 0.8, ratio: float = 1.6, a_year: float = 1.5) -> pd.DataFrame:
    """Return children of whom half have ``ratio`` times the rate, each with a gamma rate of its own."""
    rng = np.random.default_rng(seed)
    girl, days = rng.integers(0, 2, n), rng.uniform(60, 730, n).round()
    own = rng.gamma(shape, 1 / shape, n) if np.isfinite(shape) else np.ones(n)
    y = rng.poisson(a_year / 365.25 * days * ratio**girl * own)
    return pd.DataFrame({"child_id": np.arange(n), "n_episodes": y, "days_at_risk": days, "girl": girl})


def test_a_rate_without_columns_is_episodes_over_days() -> None:
    counts = pd.DataFrame({"child_id": [1, 2, 3], "n_episodes": [4, 0, 2], "days_at_risk": [100.0, 300, 200]})
    made = recurrence.episode_rates(counts, model="poisson", n_sim=0)
    assert made.summary()["rate_ratio"].tolist() == pytest.approx([6 / 600 * 365.25])
    # The robust error of a log rate: squared deviations from what the rate would give, over its square.
    robust = ((4 - 1) ** 2 + (0 - 3) ** 2 + (2 - 2) ** 2) / 6**2
    assert made.robust_covariance.to_numpy().tolist() == [[pytest.approx(robust)]]
    assert made.covariance.to_numpy().tolist() == [[pytest.approx(1 / 6)]]


def test_planted_ratio_and_spread_are_recovered() -> None:
    made = recurrence.episode_rates(planted(4000, seed=1), ["girl"], n_sim=0)
    row = made.summary().set_index("covariate").loc["girl"]
    assert row["lower"] < 1.6 < row["upper"]
    assert row["upper"] / row["lower"] < 1.4
    assert abs(made.theta - 0.8) < 3 * made.se_theta
    assert made.spread == pytest.approx(1.0, abs=0.1)
    poisson = recurrence.episode_rates(planted(4000, seed=1), ["girl"], model="poisson", n_sim=0)
    assert poisson.spread > 2
    assert poisson.summary()["se"][1] > 1.4 * poisson.summary()["se_model"][1]


def test_zeros_that_are_not_on_file_are_allowed_for() -> None:
    everybody = planted(12_000, seed=2)
    on_file = everybody[everybody["n_episodes"] > 0]
    made = recurrence.episode_rates(on_file, ["girl"], zero_truncated=True, n_sim=200)
    row = made.summary().set_index("covariate").loc["girl"]
    assert row["lower"] < 1.6 < row["upper"]
    assert abs(made.theta - 0.8) < 3 * made.se_theta
    assert np.isnan(made.deviance)
    assert made.envelope["n_children"][0] == made.envelope["upper"][0] == 0
    inside = (made.envelope["lower"] <= made.envelope["n_children"]) & (
        made.envelope["n_children"] <= made.envelope["upper"]
    )
    assert inside.all()
    assert "zero-truncated" in repr(made)
    assert "are not on file, and the model allows for that" in made.explain()
    with pytest.warns(errors.EstimateDoubtful, match="No child in the table is without an episode"):
        naive = recurrence.episode_rates(on_file, ["girl"], n_sim=0)
    assert naive.theta > 2
    assert naive.summary()["rate_ratio"][1] < row["lower"]


def test_the_zero_truncated_optimum_is_one_for_statsmodels_too() -> None:
    from statsmodels.discrete.truncated_model import TruncatedLFNegativeBinomialP, TruncatedLFPoisson

    on_file = planted(1500, seed=3).query("n_episodes > 0")
    y, offset = on_file["n_episodes"].to_numpy(dtype=float), np.log(on_file["days_at_risk"].to_numpy())
    matrix = np.column_stack([np.ones(len(y)), on_file["girl"]])
    for model, peer in (("negative_binomial", TruncatedLFNegativeBinomialP), ("poisson", TruncatedLFPoisson)):
        made = recurrence.episode_rates(on_file, ["girl"], model=model, zero_truncated=True, n_sim=0)  # type: ignore[arg-type]
        theirs = peer(y, matrix, offset=offset, **({"p": 2} if model != "poisson" else {}))
        at = np.array([*made.coef, *([1 / made.theta] if model != "poisson" else [])])
        assert theirs.loglike(at) == pytest.approx(made.loglik, abs=1e-8)
        assert np.abs(theirs.score(at)).max() < 1e-4
        if model == "poisson":
            np.testing.assert_allclose(made.covariance, np.linalg.inv(-theirs.hessian(at)), rtol=1e-5)


def test_children_who_differ_by_chance_alone_have_no_spread() -> None:
    counts = pd.DataFrame({"child_id": range(40), "n_episodes": [1, 2] * 20, "days_at_risk": 100})
    with pytest.warns(errors.EstimateDoubtful, match="without an episode"):
        made = recurrence.episode_rates(counts, n_sim=0)
    assert np.isinf(made.theta)
    assert "differ no more than chance alone" in made.explain()
    poisson = fit_counts(np.array([1.0, 2] * 20), np.ones((40, 1)), np.full(40, 100.0), spread=False, truncated=False)
    assert made.loglik == poisson.log_likelihood


def test_log_likelihood_is_that_of_the_distributions() -> None:
    from scipy.stats import nbinom, poisson

    y, mean = np.array([0.0, 1, 4, 20]), np.array([0.5, 2.0, 3.0, 9.0])
    assert log_likelihood(y, mean, np.inf, truncated=False) == pytest.approx(poisson(mean).logpmf(y).sum())
    whole = nbinom(1.7, 1.7 / (1.7 + mean))
    assert log_likelihood(y, mean, 1.7, truncated=False) == pytest.approx(whole.logpmf(y).sum())
    cut = (whole.logpmf(y) - whole.logsf(0))[1:].sum()
    assert log_likelihood(y[1:], mean[1:], 1.7, truncated=True) == pytest.approx(cut)


def test_intervals_are_added_up_by_child() -> None:
    spells = pd.DataFrame(
        {
            "child_id": ["B", "A", "B", "C"],
            "start": [0.0, 0.0, 12.0, 5.0],
            "stop": [10.0, 30.0, 40.0, 5.0],
            "event": [1, 0, 1, 0],
            "episode_no": [1, 1, 2, 1],
            "girl": [True, False, True, True],
            "home": ["x", "y", "z", "x"],
        }
    )
    counts = recurrence.count_by_child(spells)
    assert counts.to_dict("list") == {
        "child_id": ["B", "A", "C"],
        "n_episodes": [2, 0, 0],
        "days_at_risk": [38.0, 30.0, 0.0],
        "girl": [True, False, True],
    }
    made = recurrence.episode_rates(spells, model="poisson", n_sim=0)
    assert (made.n_children, made.n_episodes, made.n_no_exposure, made.days) == (2, 2, 1, 68.0)
    assert "1 child never at risk were left out" in made.explain()
    with pytest.raises(errors.TableRefused, match="'home' changes within a child"):
        recurrence.episode_rates(spells, ["home"])


def test_scale_and_place_of_a_column_change_nothing_but_its_own_unit() -> None:
    counts = planted(300, seed=5).assign(year=lambda f: 2000 + f["girl"] * 7 + f["child_id"] % 5)
    plain = recurrence.episode_rates(counts.assign(year=counts["year"] - 2000), ["girl", "year"], n_sim=0)
    moved = recurrence.episode_rates(counts.assign(year=counts["year"] * 1000.0), ["girl", "year"], n_sim=0)
    assert moved.loglik == pytest.approx(plain.loglik, abs=1e-9)
    assert moved.coef["year"] * 1000 == pytest.approx(plain.coef["year"], rel=1e-9)
    assert moved.coef["girl"] == pytest.approx(plain.coef["girl"], rel=1e-9)


def coverage(n_runs: int, n: int, seed: int) -> tuple[float, float]:
    """Return how often the 95 % interval of a planted rate ratio holds it: robust, and the Poisson model's own."""
    held = np.zeros(2)
    for run in range(n_runs):
        counts = planted(n, seed=seed + run, a_year=3.0)
        matrix = np.column_stack([np.ones(n), counts["girl"]])
        y, days = counts["n_episodes"].to_numpy(dtype=float), counts["days_at_risk"].to_numpy()
        made = fit_counts(y, matrix, days, spread=False, truncated=False)
        se = np.sqrt([made.robust[1, 1], made.covariance[1, 1]])
        held += np.abs(made.coef[1] - np.log(1.6)) <= 1.959964 * se
    return tuple(held / n_runs)


@pytest.mark.no_cover
def test_robust_intervals_cover_what_they_say_where_children_differ_and_the_models_own_do_not() -> None:
    robust, own = coverage(500, 400, 1000)
    assert 0.93 <= robust <= 0.97
    assert own < 0.75


def test_envelope_shows_where_a_model_does_not_fit() -> None:
    counts = planted(3000, seed=7)
    poisson = recurrence.episode_rates(counts, ["girl"], model="poisson", n_sim=200)
    assert "does not give the number of children with 0" in poisson.explain()
    fits = recurrence.episode_rates(counts, ["girl"], n_sim=200)
    assert "are within what the model would give" in fits.explain()
    assert fits.envelope["n_children"].sum() == 3000
    assert fits.envelope["expected"].sum() == pytest.approx(3000)
    shuffled = counts.sample(frac=1, random_state=1)
    again = recurrence.episode_rates(shuffled, ["girl"], n_sim=200)
    pd.testing.assert_frame_equal(fits.envelope, again.envelope)


def test_repr_explain_and_plot() -> None:
    counts = planted(400, seed=8)
    before = counts.copy(deep=True)
    made = recurrence.episode_rates(counts, ["girl"])
    pd.testing.assert_frame_equal(counts, before)
    assert repr(made).startswith("EpisodeRates (negative_binomial): 1 covariate, ")
    said = made.explain()
    for words in ("400 children had", "times the rate of episodes", "no mark of any one child", "not what brings them"):
        assert words in said
    axes = made.plot()
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0", "1", "2", "3 to 9", "10 or more"]
    assert made.plot(axes) is axes
    quiet = recurrence.episode_rates(counts, "C(girl)", model="poisson", n_sim=0)
    assert quiet.coef.index.tolist()[1:] == ["C(girl)[T.1]"]
    assert "How well the model fits was not looked at" in quiet.explain()
    assert "times what it allows for" in quiet.explain()


def test_a_coefficient_that_runs_off_is_told_by_name() -> None:
    counts = planted(200, seed=9).assign(rare=lambda f: (f["child_id"] < 12).astype(int))
    counts.loc[counts["rare"] == 1, "n_episodes"] = 0
    with pytest.warns(errors.EstimateDoubtful, match="'rare' runs off, because one side of it has no episode"):
        made = recurrence.episode_rates(counts, ["girl", "rare"])
    assert made.coef["rare"] < -10
    rows = made.summary().set_index("covariate")
    assert np.isnan(rows.loc["rare", ["lower", "upper", "se"]].to_numpy(dtype=float)).all()
    # The others' errors are those among the children who are left.
    left = recurrence.episode_rates(counts[counts["rare"] == 0], ["girl"]).summary().set_index("covariate")
    assert rows.loc["girl", "se"] == pytest.approx(left.loc["girl", "se"], rel=1e-6)


def test_a_spread_that_runs_off_is_told() -> None:
    counts = pd.DataFrame({"child_id": range(60), "n_episodes": [1] * 57 + [9, 40, 200], "days_at_risk": 300})
    with pytest.warns(errors.EstimateDoubtful, match="the spread between children runs off"):
        recurrence.episode_rates(counts, zero_truncated=True, n_sim=0)


OK = planted(40, seed=10)


@pytest.mark.parametrize(
    ("frame", "options", "why"),
    [
        (OK.drop(columns="n_episodes"), {}, "'n_episodes' is absent"),
        (OK.assign(child_id=1), {}, "stands in more than one row"),
        (OK.assign(n_episodes=0.5), {}, "'n_episodes' is not a whole number of at least 0"),
        (OK.assign(days_at_risk=-1), {}, "'days_at_risk' is not a number of at least 0"),
        (OK.assign(days_at_risk=0, n_episodes=1), {}, "an episode and no day at risk"),
        (OK.assign(n_episodes=0), {}, "there is no episode"),
        (OK, {"zero_truncated": True}, "without an episode are on file"),
        (OK.assign(girl=None), {"columns": ["girl"]}, "'girl' is not recorded"),
        (OK.assign(girl=1), {"columns": ["girl"]}, "'girl' does not vary"),
        (OK.assign(boy=lambda f: 1 - f["girl"]), {"columns": ["girl", "boy"]}, "'boy' follows from the columns before"),
        (OK[OK["n_episodes"] > 0][:1], {}, "1 child are too few"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(frame: pd.DataFrame, options: Any, why: str) -> None:
    with pytest.raises(errors.TableRefused, match=why):
        recurrence.episode_rates(frame, **options)


def test_arguments_that_cannot_be_used_are_refused() -> None:
    for options, why in (
        ({"model": "poison"}, "Did you mean 'poisson'"),
        ({"exposure": "days_at_rsk"}, "Did you mean 'days_at_risk'"),
        ({"n_sim": -1}, "n_sim must be"),
        ({"columns": ["gril"]}, "gril"),
    ):
        with pytest.raises((errors.ArgumentRefused, errors.TableRefused), match=why):
            recurrence.episode_rates(OK, **options)  # type: ignore[arg-type]
    with pytest.raises(errors.TableRefused, match="ends before it starts"):
        recurrence.count_by_child(pd.DataFrame({"child_id": [1], "start": [3.0], "stop": [1.0], "event": [0]}))
