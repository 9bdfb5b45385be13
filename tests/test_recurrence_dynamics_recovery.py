"""Repeat dynamics recover what was planted: runs, unlike children, both or neither, and what misleads when ignored."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from missing_patterns import errors
from missing_patterns.recurrence.dynamics import RepeatDynamics, simulate_repeats

pytestmark = pytest.mark.no_cover

#: What is planted in 2,000 children, and alpha if all are taken to be alike, within how much.
PLANTED = {
    "only unlike children": ({"alpha": 0.0, "rate_per_year": 1.2, "frailty_shape": 0.7}, 0.87, 0.08),
    "only runs": ({"alpha": 0.5, "rate_per_year": 1.1, "frailty_shape": math.inf}, 0.50, 0.02),
    "both": ({"alpha": 0.35, "rate_per_year": 0.8, "frailty_shape": 0.8}, 0.50, 0.03),
    "neither": ({"alpha": 0.0, "rate_per_year": 1.4, "frailty_shape": math.inf}, 0.01, 0.03),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_runs_are_told_from_unlike_children_to_within_002(planted: str) -> None:
    truth, alike, about = PLANTED[planted]
    model = RepeatDynamics(zero_truncated=False).fit(
        simulate_repeats(2000, zero_truncated=False, random_state=8, **truth)
    )
    assert model.alpha_ == pytest.approx(truth["alpha"], abs=0.02)
    assert model.alpha_if_alike_ == pytest.approx(alike, abs=about)
    assert (model.statistic_ > 100) == (truth["alpha"] > 0)
    if truth["alpha"]:
        assert model.lag_days_ == pytest.approx(14, abs=1.5)
    if math.isfinite(truth["frailty_shape"]):
        assert model.frailty_shape_ == pytest.approx(truth["frailty_shape"], rel=0.15)
    else:
        assert model.frailty_shape_ > 25


def test_only_children_with_an_episode_are_on_file_and_ignoring_it_makes_them_look_alike() -> None:
    spells = simulate_repeats(4000, alpha=0.35, rate_per_year=0.6, frailty_shape=0.8, random_state=3)
    right, wrong = (RepeatDynamics(zero_truncated=on_file).fit(spells) for on_file in (True, False))
    assert right.alpha_ == pytest.approx(0.35, abs=0.02)
    assert right.rate_per_year_ == pytest.approx(0.6, abs=0.1)
    assert right.frailty_shape_ == pytest.approx(0.8, abs=0.25)
    assert wrong.rate_per_year_ > 1.0
    assert wrong.frailty_shape_ > 5


def test_changing_circumstances_look_like_runs_unless_each_spell_has_a_rate_of_its_own() -> None:
    """No runs: half a year at a twentieth of the rate and half a year at the whole of it, in turn."""
    rng = np.random.default_rng(3)
    spells = []
    for child in range(800):
        begin = rng.random() * 365
        rate = rng.gamma(0.8, 5 / 365.25 / 0.8)
        times = np.sort(rng.random(rng.poisson(730 * rate)) * 730)
        is_high = (times + begin) % 365 > 182.5
        times = times[is_high | (rng.random(len(times)) < 0.05)]
        cuts = [c for c in 182.5 * np.arange(1, 6) - begin % 182.5 if 0 < c < 730]
        edges = np.sort(np.concatenate([[0.0], times, cuts, [730.0]]))
        for a, b in itertools.pairwise(edges.tolist()):
            spells.append((child, a, b, int(b in times), math.floor((0.5 * (a + b) + begin) / 182.5)))
    frame = pd.DataFrame(spells, columns=["child_id", "start", "stop", "event", "phase"])
    plain = RepeatDynamics().fit(frame)
    own = RepeatDynamics().fit(frame, strata="phase")
    assert plain.alpha_ > 0.25
    assert 15 < plain.lag_days_ < 90
    assert plain.statistic_ > 100
    assert own.alpha_ < 0.03


def test_rates_that_grow_look_like_runs_unless_bands_hold_them() -> None:
    rng = np.random.default_rng(1)
    spells = []
    for child in range(2500):
        days = rng.random(rng.poisson(3 * rng.gamma(0.8, 2.0 / 0.8))) * 1095
        times = np.sort(days[rng.random(len(days)) < 0.1 + 0.9 * days / 1095])
        edges = [0.0, *times, 1095.0]
        spells += [(child, a, b, int(b < 1095)) for a, b in itertools.pairwise(edges) if len(times)]
    frame = pd.DataFrame(spells, columns=["child_id", "start", "stop", "event"])
    with pytest.warns(errors.EstimateDoubtful, match="a slow change of rates"):
        plain = RepeatDynamics().fit(frame)
    held = RepeatDynamics().fit(frame, bands=[182.5 * i for i in range(1, 6)])
    assert plain.alpha_ > 0.1
    assert held.alpha_ < 0.02
    assert (held.rate_ratios_["rate_ratio"].diff().dropna() > 0).all()


def test_a_ratio_of_four_is_seldom_passed_by_chance() -> None:
    """The point that 5 % of data sets without runs pass lies near 4: over 60 sets, at most 7 do."""
    ratio = [
        RepeatDynamics().fit(simulate_repeats(300, alpha=0.0, rate_per_year=1.0, random_state=seed)).statistic_
        for seed in range(60)
    ]
    assert sum(r > 4 for r in ratio) <= 7
    assert sum(r == 0 for r in ratio) >= 10


def test_the_parametric_bootstrap_rejects_where_runs_are_planted_only() -> None:
    runs = RepeatDynamics().fit(simulate_repeats(200, alpha=0.25, random_state=2), n_boot=39)
    none = RepeatDynamics().fit(simulate_repeats(200, alpha=0.0, rate_per_year=1.0, random_state=2), n_boot=39)
    assert runs.test_ is not None
    assert none.test_ is not None
    assert runs.test_.p_value == pytest.approx(1 / 40)
    assert none.test_.p_value > 0.05
    assert 1 < none.test_.summary()["critical_95"][0] < 8
