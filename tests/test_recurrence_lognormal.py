"""A lognormal spread of children's own rates: sums by another rule, recovery, and what is said of the better fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from missing_patterns import recurrence
from missing_patterns.recurrence.frequency.lognormal import fit_lognormal, marginal


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.4])
@pytest.mark.parametrize("line", [-4.0, 0.0, 2.0])
def test_chances_and_slopes_are_those_of_a_fine_grid(sigma: float, line: float) -> None:
    from scipy.integrate import trapezoid
    from scipy.stats import norm, poisson

    y = np.array([0.0, 1.0, 3.0, 40.0])
    z = np.linspace(-25, 25, 20_001)

    def by_grid(line: float, sigma: float) -> np.ndarray:
        own = np.exp(np.minimum(line + sigma * z, 300.0))
        return np.log([trapezoid(np.exp(poisson.logpmf(k, own) + norm.logpdf(z)), z) for k in y])

    value, by_line, by_sigma = marginal(y, np.full(4, line), sigma)
    h = 1e-4
    np.testing.assert_allclose(value, by_grid(line, sigma), atol=1e-4)
    np.testing.assert_allclose(by_line, (by_grid(line + h, sigma) - by_grid(line - h, sigma)) / (2 * h), atol=1e-3)
    np.testing.assert_allclose(by_sigma, (by_grid(line, sigma + h) - by_grid(line, sigma - h)) / (2 * h), atol=1e-3)


def counts(own: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    days = rng.uniform(200, 700, len(own))
    found = rng.poisson(0.004 * own * days)
    return pd.DataFrame({"child_id": range(len(own)), "n_episodes": found, "days_at_risk": days})


def test_the_planted_spread_is_found_and_the_better_shape_is_named() -> None:
    rng = np.random.default_rng(4)
    unlike = recurrence.episode_rates(counts(np.exp(1.5 * rng.normal(size=3000)), rng), n_sim=0)
    assert unlike.lognormal_sigma == pytest.approx(1.5, abs=0.08)
    assert unlike.lognormal_loglik > unlike.loglik + 10
    assert "fits better, so lean on theta with care (log-likelihood +" in unlike.explain()
    gamma = recurrence.episode_rates(counts(rng.gamma(0.6, 1 / 0.6, 3000), rng), n_sim=0)
    assert gamma.lognormal_loglik < gamma.loglik - 10
    assert "fits worse (log-likelihood -" in gamma.explain()
    few = recurrence.episode_rates(counts(rng.gamma(1.0, 1.0, 60), rng), n_sim=0)
    assert "fits about as well" in few.explain()


def test_without_zeros_the_planted_spread_is_found_too() -> None:
    rng = np.random.default_rng(5)
    table = counts(np.exp(1.2 * rng.normal(size=6000)), rng).query("n_episodes > 0")
    y, days = table["n_episodes"].to_numpy(float), table["days_at_risk"].to_numpy()
    sigma, _ = fit_lognormal(y, np.ones((len(y), 1)), days, np.array([-5.5]), truncated=True)
    assert sigma == pytest.approx(1.2, abs=0.1)


def test_poisson_has_no_second_opinion() -> None:
    rng = np.random.default_rng(6)
    made = recurrence.episode_rates(counts(np.ones(100), rng), model="poisson", n_sim=0)
    assert np.isnan(made.lognormal_sigma)
    assert "lognormal" not in made.explain()
