"""Repeat dynamics: the likelihood against plain loops and exact sums, what changes nothing, refusals, and words."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, logsumexp

from missing_patterns import errors
from missing_patterns.recurrence.dynamics import RepeatDynamics, boundary, fit, simulate_repeats
from missing_patterns.recurrence.dynamics.boundary import DynamicsTest
from missing_patterns.recurrence.dynamics.fit import bounds_of, curvature, fit_full, fit_null, maximise, profile_limit
from missing_patterns.recurrence.dynamics.history import History
from missing_patterns.recurrence.dynamics.likelihood import Likelihood, Parameters
from missing_patterns.recurrence.dynamics.quadrature import gamma_rules, nodes_needed
from missing_patterns.recurrence.dynamics.reading import read_rows
from missing_patterns.recurrence.dynamics.rows import Rows
from missing_patterns.recurrence.dynamics.simulate import Windows, draw_rows, spontaneous
from missing_patterns.recurrence.dynamics.words import share_of_top_tenth

Spell = tuple[float, float, int]


def rows_of(children: list[list[Spell]], units: list[list[int]] | None = None, x: list[float] | None = None) -> Rows:
    flat = [(i, *spell) for i, spells in enumerate(children) for spell in spells]
    unit = np.array([u for per_child in units for u in per_child]) if units else np.array([row[0] for row in flat])
    covariates = np.zeros((len(flat), 0)) if x is None else np.array(x, dtype=float)[:, None]
    child, start, stop, event = (np.array(column) for column in zip(*flat, strict=True))
    return Rows(child, unit, start.astype(float), stop.astype(float), event == 1, covariates)


def value_of(rows: Rows, at: Parameters, *, zero_truncated: bool = False, n_nodes: int = 24):
    return Likelihood(History(rows), zero_truncated=zero_truncated, n_nodes=n_nodes)(at)


def plain_loglik(rows: Rows, at: Parameters, *, zero_truncated: bool) -> float:
    """The log-likelihood by loops, with the rate integrated as an exact sum over powers of u (all terms positive)."""
    total = 0.0
    factor = np.exp(rows.x @ at.slopes) if len(at.slopes) else np.ones(len(rows.child))
    for child in range(rows.n_children):
        mine = np.flatnonzero(rows.child == child)
        log_none = 0.0
        for unit in np.unique(rows.unit[mine]):
            load = sum((rows.stop[r] - rows.start[r]) * factor[r] for r in mine if rows.unit[r] == unit)
            log_power = [0.0]  # of u^0, u^1, ... in the product of (f rate u + s)
            compensator = 0.0
            for r in mine:
                if rows.unit[r] != unit:
                    continue
                returns = [rows.start[q + 1] for q in mine if q < r and rows.event[q]]
                for back in returns:
                    compensator += math.exp(-at.decay * (rows.start[r] - back)) - math.exp(
                        -at.decay * (rows.stop[r] - back)
                    )
                if rows.event[r]:
                    s = at.alpha * at.decay * sum(math.exp(-at.decay * (rows.stop[r] - back)) for back in returns)
                    own = math.log(factor[r] * at.rate)
                    up = [own + p for p in log_power]
                    stay = [(math.log(s) + p) if s > 0 else -math.inf for p in log_power]
                    log_power = list(np.logaddexp([*stay, -math.inf], [-math.inf, *up]))
            total -= at.alpha * compensator
            k = at.shape
            powers = np.arange(len(log_power))
            if math.isinf(k):
                total += logsumexp(log_power) - at.rate * load
                log_none -= at.rate * load
            else:
                each = gammaln(k + powers) - gammaln(k) + k * math.log(k) - (k + powers) * math.log(k + at.rate * load)
                total += logsumexp(np.array(log_power) + each)
                log_none -= k * math.log1p(at.rate * load / k)
        if zero_truncated:
            total -= math.log(-math.expm1(log_none))
    return total


def test_one_child_with_one_episode_by_hand() -> None:
    """The mean over u ~ Exp(1) of u exp(-2 u) is 1 / 9; at least one episode has chance 1 - 1 / 3."""
    rows = rows_of([[(0.0, 1.5, 1), (1.5, 2.0, 0)]])
    at = Parameters(rate=1.0, alpha=0.0, decay=1.0, shape=1.0)
    assert value_of(rows, at).loglik == pytest.approx(math.log(1 / 9), rel=1e-13)
    assert value_of(rows, at, zero_truncated=True).loglik == pytest.approx(math.log(1 / 9 / (2 / 3)), rel=1e-13)


def test_excitation_begins_at_the_return_and_fades_while_the_child_is_missing_again() -> None:
    """Away from day 2 to 3 and from 5 to 9: the first return is day 3, the second day 9."""
    rows = rows_of([[(0, 2, 1), (3, 5, 1), (9, 10, 0)]])
    state, slope = History(rows).excitation(0.5)
    assert state == pytest.approx([0.0, 1.0, math.exp(-0.5 * 6) + 1.0])
    assert slope == pytest.approx([0.0, 0.0, -6 * math.exp(-0.5 * 6)])


@pytest.mark.parametrize("shape", [0.03, 0.7, 5.0, 400.0, math.inf])
@pytest.mark.parametrize("zero_truncated", [True, False])
def test_the_likelihood_is_that_of_plain_loops(shape: float, zero_truncated: bool) -> None:
    children: list[list[Spell]] = [
        [(0, 30, 0)] if not zero_truncated else [(0, 30, 1)],
        [(0, 2, 1), (3, 5, 1), (9, 10, 0)],
        [(5, 6, 1), (6, 6, 1), (6, 6.5, 1), (7, 20, 0), (20, 21, 1)],
        [(0, 4, 0), (4, 9, 1), (10, 30, 1)],
    ]
    units = [[0], [1, 1, 2], [3, 3, 3, 4, 4], [5, 6, 6]]
    x = np.linspace(-1, 1, 12).tolist()
    at = Parameters(0.05, 0.4, 1 / 3, shape, np.array([0.7]))
    got = value_of(rows_of(children, units, x), at, zero_truncated=zero_truncated).loglik
    assert got == pytest.approx(plain_loglik(rows_of(children, units, x), at, zero_truncated=zero_truncated), rel=1e-12)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), min_size=1, max_size=12), min_size=1, max_size=5
    ),
    st.floats(0.03, 50.0),
    st.floats(0.0, 1.4),
    st.floats(0.6, 100.0),
)
def test_any_history_has_the_likelihood_of_plain_loops(
    gaps: list[list[tuple[int, int]]], shape: float, alpha: float, lag: float
) -> None:
    children = []
    for pieces in gaps:
        day, spells = 0.0, []
        for away, length in pieces:
            spells.append((day, day + length, 1))
            day += length + away
        children.append([*spells, (day, day + 7.0, 0)])
    at = Parameters(0.02, alpha, 1 / lag, shape)
    got = value_of(rows_of(children), at, zero_truncated=True).loglik
    assert got == pytest.approx(plain_loglik(rows_of(children), at, zero_truncated=True), rel=1e-10)


@pytest.mark.parametrize("n", [46, 47, 48, 80, 300])
def test_a_child_with_hundreds_of_episodes_is_integrated_as_well(n: int) -> None:
    """Up to 47 episodes the rule of 24 nodes is exact; beyond, its error is far below what matters."""
    rng = np.random.default_rng(n)
    at = Parameters(0.03, 0.3, 1 / 10, 0.5)
    times = np.sort(rng.random(n)) * 1000
    spells: list[Spell] = [(a, b, 1) for a, b in zip([0.0, *times[:-1]], times, strict=True)]
    rows = rows_of([[*spells, (float(times[-1]), 1000.0, 0)]])
    assert value_of(rows, at).loglik == pytest.approx(plain_loglik(rows, at, zero_truncated=False), rel=1e-11)
    bunched = rows_of([[(a / 20, b / 20, 1) for a, b, _ in spells] + [(float(times[-1]) / 20, 1000.0, 0)]])
    assert value_of(bunched, at).loglik == pytest.approx(plain_loglik(bunched, at, zero_truncated=False), rel=1e-9)


def test_without_excitation_it_is_the_negative_binomial() -> None:
    from scipy.stats import nbinom

    n, days, shape, rate = 7, 365.0, 0.6, 0.004
    times = np.linspace(10, 300, n)
    spells: list[Spell] = [(a, b, 1) for a, b in zip([0.0, *times[:-1]], times, strict=True)]
    got = value_of(rows_of([[*spells, (300.0, days, 0)]]), Parameters(rate, 0.0, 1.0, shape)).loglik
    chance = nbinom.logpmf(n, shape, shape / (shape + rate * days))
    assert got == pytest.approx(chance + gammaln(n + 1) - n * math.log(days), rel=1e-12)


@pytest.mark.parametrize("zero_truncated", [True, False])
@pytest.mark.parametrize("log_shape", [math.log(0.05), 0.0, math.log(80.0), math.inf])
def test_the_gradient_is_that_of_differences(zero_truncated: bool, log_shape: float) -> None:
    frame = simulate_repeats(60, alpha=0.5, random_state=4).assign(x=lambda f: np.sin(np.arange(len(f))))
    frame["spell"] = frame.groupby("child_id").cumcount() // 2
    rows, _, _ = read_rows(frame, "spell", only_with_episode=True, covariates=["x"], bands=[200.0])
    likelihood = Likelihood(History(rows), zero_truncated=zero_truncated, n_nodes=3)
    theta = np.array([math.log(0.002), 0.3, math.log(9.0), log_shape, 0.2, -0.3])
    gradient = likelihood(Parameters.of(theta)).gradient
    for k in np.flatnonzero(np.isfinite(theta)):
        step = 1e-5 * (np.arange(6) == k)
        up, down = (likelihood(Parameters.of(theta + sign * step)).loglik for sign in (1, -1))
        assert gradient[k] == pytest.approx((up - down) / 2e-5, abs=2e-5)


def test_rules_are_exact_for_moments_whatever_the_shape() -> None:
    for shape in (0.02, 0.7, 30.0, 500.0):
        for rule, q in zip(gamma_rules(shape, np.array([1, 5, 24, 200])), (1, 5, 24, 200), strict=True):
            for power in (0, 1, q, 2 * q - 1):
                got = logsumexp(rule.log_weight + power * np.log(rule.node))
                assert got == pytest.approx(gammaln(shape + power) - gammaln(shape), abs=1e-9)


def test_slopes_of_rules_are_those_of_differences() -> None:
    (rule,), (above,), (below,) = (gamma_rules(0.7 + step, np.array([12])) for step in (0.0, 1e-6, -1e-6))
    assert rule.node_slope == pytest.approx((above.node - below.node) / 2e-6, rel=1e-6)
    assert rule.weight_slope == pytest.approx((above.log_weight - below.log_weight) / 2e-6, rel=1e-6)


def test_a_rule_larger_than_any_kept_is_made_to_measure() -> None:
    assert nodes_needed(np.array([30_000]), 24).tolist() == [7520]


FRAME = simulate_repeats(120, alpha=0.4, lag_days=10, random_state=3)
MODEL = RepeatDynamics().fit(FRAME)


def figures(model: RepeatDynamics) -> list[float]:
    return [model.alpha_, model.lag_days_, model.rate_per_year_, model.frailty_shape_, model.loglik_]


def test_the_order_of_rows_ids_and_needless_cuts_change_nothing_and_the_input_stays() -> None:
    before = FRAME.copy(deep=True)
    shuffled = FRAME.sample(frac=1.0, random_state=1)
    shuffled["child_id"] = "k" + (7919 * shuffled["child_id"] % 1009).astype(str)
    assert figures(RepeatDynamics().fit(shuffled)) == pytest.approx(figures(MODEL), rel=1e-6)
    half = (FRAME["start"] + FRAME["stop"]) / 2
    cut = pd.concat([FRAME.assign(stop=half, event=0), FRAME.assign(start=half)])
    assert figures(RepeatDynamics().fit(cut)) == pytest.approx(figures(MODEL), rel=1e-6)
    later = FRAME.assign(start=FRAME["start"] + 700, stop=FRAME["stop"] + 700)
    assert figures(RepeatDynamics().fit(later)) == pytest.approx(figures(MODEL), rel=1e-6)
    pd.testing.assert_frame_equal(FRAME, before)


def test_children_without_an_episode_or_time_are_left_out_and_counted() -> None:
    more = pd.DataFrame(
        [["quiet", 0.0, 90.0, 0], ["quiet", 90.0, 99.0, 0], ["flat", 5.0, 5.0, 0]],
        columns=["child_id", "start", "stop", "event"],
    )
    model = RepeatDynamics().fit(pd.concat([FRAME.astype({"child_id": str}), more]))
    assert figures(model) == pytest.approx(figures(MODEL), rel=1e-9)
    assert (model.n_no_episode_, model.n_no_time_, model.n_zero_length_) == (1, 1, 1)
    assert model.n_rows_ == MODEL.n_rows_ + 3
    assert "1 child without an episode was left out. 1 child without time at risk was left out" in model.explain()


def test_where_every_child_is_in_the_table_those_without_an_episode_count() -> None:
    frame = simulate_repeats(300, alpha=0.3, rate_per_year=0.8, zero_truncated=False, random_state=2)
    model = RepeatDynamics(zero_truncated=False).fit(frame)
    assert (model.n_children_, model.n_no_episode_) == (300, 0)
    assert "could be on file" not in model.explain()
    assert model.rate_per_year_ == pytest.approx(0.8, abs=0.2)


def test_the_estimate_is_a_peak_and_its_errors_are_the_curvature() -> None:
    theta = MODEL._full.theta
    for k in range(4):
        for step in (-0.01, 0.01):
            moved = theta + step * (np.arange(4) == k)
            assert MODEL._likelihood(Parameters.of(moved)).loglik < MODEL.loglik_
    se = np.sqrt(np.diag(MODEL.covariance_))
    assert MODEL.covariance_.index.tolist() == ["rate_per_year", "alpha", "lag_days", "frailty_shape"]
    assert 0.02 < se[1] < 0.08
    relative = np.sqrt(np.diag(np.linalg.inv(curvature(MODEL._likelihood, theta, np.arange(4)))))
    assert se / [MODEL.rate_per_year_, 1.0, MODEL.lag_days_, MODEL.frailty_shape_] == pytest.approx(relative)
    up, mid, down = (
        MODEL._likelihood(Parameters.of(theta + step * np.array([0, 1, 0, 0]))).loglik for step in (1e-3, 0, -1e-3)
    )
    assert 1 / np.linalg.inv(MODEL.covariance_)[1, 1] == pytest.approx(-1e-6 / (up - 2 * mid + down), rel=1e-2)


def test_the_profile_interval_ends_where_the_likelihood_is_192_lower() -> None:
    model = RepeatDynamics().fit(FRAME)
    assert model.summary().set_index("quantity").loc["alpha", "lower"] == pytest.approx(
        model.alpha_ - 1.96 * math.sqrt(model.covariance_.loc["alpha", "alpha"]), abs=1e-3
    )
    row = model.profile().iloc[0]
    assert row["lower"] < model.alpha_ < row["upper"]
    for limit in row[["lower", "upper"]]:
        theta = model._full.theta.copy()
        theta[1] = limit
        refit = maximise(model._likelihood, theta, fixed=(1,))
        assert model.loglik_ - refit.value.loglik == pytest.approx(1.9207, abs=0.02)
    assert model.summary().set_index("quantity").loc["alpha", "upper"] == row["upper"]
    assert f"{row['lower']:.2f} to {row['upper']:.2f}" in model.explain()


def test_a_profile_that_finds_a_higher_peak_moves_to_it() -> None:
    model = RepeatDynamics().fit(FRAME)
    best = model.loglik_
    stopped = model._full.theta + np.array([0.4, -0.05, 0.3, 0.2])
    model._take(type(model._full)(stopped, model._likelihood(Parameters.of(stopped)), 1, False))
    assert model.loglik_ < best - 1
    model.profile()
    assert model.loglik_ == pytest.approx(best, abs=1e-5)
    assert model.converged_


def test_a_limit_beyond_what_is_allowed_is_not_found() -> None:
    likelihood = Likelihood(History(read_rows(FRAME, None, only_with_episode=True)[0]))
    full = maximise(likelihood, MODEL._full.theta)
    assert profile_limit(likelihood, full, math.nan, 1, 1e9)[:2] == (1.5, False)
    assert profile_limit(likelihood, full, 0.04, -1, 1e9)[:2] == (0.0, False)


def test_data_without_clustering_give_none_and_the_test_says_so() -> None:
    frame = simulate_repeats(150, alpha=0.0, rate_per_year=1.5, random_state=7)
    model = RepeatDynamics(random_state=5).fit(frame, n_boot=19)
    assert model.alpha_ < 0.05
    assert model.test_ is not None
    assert model.test_.p_value > 0.05
    assert "made-up sets without clustering" in model.explain()
    again = RepeatDynamics(random_state=5).fit(frame).test(19)
    assert again.simulated.tolist() == model.test_.simulated.tolist()


def no_clustering() -> RepeatDynamics:
    """Episodes of a child far apart from one another: evenly spaced, which excitation can only make less likely."""
    spells = [
        (child, 30.0 * i, 30.0 * (i + 1), int(i < 3 + child % 3)) for child in range(40) for i in range(4 + child % 3)
    ]
    return RepeatDynamics().fit(pd.DataFrame(spells, columns=["child_id", "start", "stop", "event"]))


def test_alpha_of_nought_has_no_lag_and_its_profile_begins_at_nought() -> None:
    model = no_clustering()
    assert model.alpha_ == 0
    assert math.isnan(model.lag_days_)
    assert math.isnan(model.covariance_.loc["alpha", "alpha"])
    assert model.statistic_ == 0
    row = model.profile().iloc[0]
    assert row["lower"] == 0
    assert 0 < row["upper"] < 0.3
    assert "No short-run clustering was found" in model.explain()
    assert f"(95 % interval up to {row['upper']:.2f})" in model.explain()
    assert model.plot().get_ylim()[1] > 0


def test_strata_give_each_spell_a_rate_of_its_own_and_what_follows_an_episode_goes_on() -> None:
    frame = FRAME.assign(home=["elm" if stop < 365 else "oak" for stop in FRAME["stop"]], moves=1)
    model = RepeatDynamics().fit(frame, strata=["home", "moves"])
    assert model.n_children_ == MODEL.n_children_
    assert model.n_units_ > MODEL.n_units_
    assert "rate of their own in each of" in model.explain()
    assert "fit with strata=" not in model.explain()
    rows = read_rows(frame, "home", only_with_episode=True)[0]
    plain = read_rows(frame, None, only_with_episode=True)[0]
    assert History(rows).excitation(0.1)[0].sum() == pytest.approx(History(plain).excitation(0.1)[0].sum())


def test_a_covariate_and_bands_are_found_again() -> None:
    """Rates are twice as high after day 365, and three times as high for half of the children."""
    rng = np.random.default_rng(1)
    n = 1500
    every = np.repeat(np.arange(n), 2)
    x = np.column_stack([np.tile([0.0, 1.0], n), np.repeat(rng.integers(0, 2, n), 2)]).astype(float)
    blank = Rows(every, every, np.tile([0.0, 365.0], n), np.tile([365.0, 730.0], n), every < 0, x)
    windows = Windows(blank, np.log([2.0, 3.0]))
    rows = draw_rows(windows, Parameters(0.3 / 365, 0.3, 1 / 14, 1.0), rng, on_file=True)
    frame = pd.DataFrame(
        {"child_id": rows.child, "start": rows.start, "stop": rows.stop, "event": rows.event, "known": rows.x[:, 1]}
    )
    model = RepeatDynamics().fit(frame.astype({"event": int}), covariates=["known"], bands=[365.0])
    assert model.rate_ratios_["factor"].tolist() == ["known", "from day 365"]
    assert model.rate_ratios_["rate_ratio"].tolist() == pytest.approx([3.0, 2.0], rel=0.2)
    assert (model.rate_ratios_["lower"] < [3.0, 2.0]).all()
    assert (model.rate_ratios_["upper"] > [3.0, 2.0]).all()
    assert model.alpha_ == pytest.approx(0.3, abs=0.03)
    assert model.covariance_.columns.tolist()[4:] == ["known", "from day 365"]
    assert model.summary()["quantity"].tolist()[-2:] == ["rate ratio: known", "rate ratio: from day 365"]
    assert "Rates are allowed to differ by known and 2 bands of the clock" in model.explain()


def test_a_covariate_in_other_units_changes_nothing_else() -> None:
    frame = FRAME.assign(age=10 + (FRAME["child_id"] % 7))
    months = FRAME.assign(age=12.0 * frame["age"] - 5)
    one, two = (RepeatDynamics().fit(f, covariates=["age"]) for f in (frame, months))
    assert figures(one) == pytest.approx(figures(two), rel=1e-6)
    assert np.log(one.rate_ratios_["rate_ratio"][0]) == pytest.approx(12 * np.log(two.rate_ratios_["rate_ratio"][0]))


def test_bands_cut_time_and_neither_add_nor_lose_an_episode() -> None:
    model = RepeatDynamics().fit(FRAME, bands=[100.0, 365.0])
    assert (model.n_episodes_, model.n_repeats_) == (MODEL.n_episodes_, MODEL.n_repeats_)
    assert model.days_at_risk_ == pytest.approx(MODEL.days_at_risk_)
    assert model.loglik_ >= MODEL.loglik_


def test_data_made_up_for_the_test_follow_the_covariates(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []

    def draw(windows: Windows, *arguments: object, **named: object) -> Rows:
        used.append(windows.weight)
        return draw_rows(windows, *arguments, **named)

    monkeypatch.setattr(boundary, "draw_rows", draw)
    cut = FRAME.assign(late=(FRAME["start"] + FRAME["stop"] > 730).astype(int))
    model = RepeatDynamics().fit(cut, covariates=["late"])
    assert model.test(19).p_value == 0.05
    ratio = np.exp(model._null.theta[4] / model._factors.spread[0])
    assert used[0].max() / used[0].min() == pytest.approx(max(ratio, 1 / ratio))


REFUSED_FITS = {
    "no column 'hom' to divide": ({"strata": "hom"}, errors.ArgumentRefused),
    "no column 'agee' to use as a covariate. Did you mean 'age'": ({"covariates": ["agee"]}, errors.ArgumentRefused),
    "ascending days": ({"bands": [90, 30]}, errors.ArgumentRefused),
    "'age' is the same on all days": ({"covariates": ["age"]}, errors.TableRefused),
    "'double' follows from the others": ({"covariates": ["x", "double"]}, errors.TableRefused),
    "column 'part' is not recorded in 2 rows, at positions 0, 3": ({"covariates": ["part"]}, errors.TableRefused),
    "column 'text' is not a number": ({"covariates": ["text"]}, errors.TableRefused),
    "'from day 729.999' is the same for all episodes": ({"bands": [729.999]}, errors.TableRefused),
    "n_boot must be a whole number of at least 19": ({"n_boot": 5}, errors.ArgumentRefused),
}


@pytest.mark.parametrize("message", REFUSED_FITS)
def test_what_cannot_be_fitted_is_refused_by_name(message: str) -> None:
    asked, error = REFUSED_FITS[message]
    x = np.arange(len(FRAME)) % 5
    frame = FRAME.assign(
        age=3, x=x, double=2 * x + 1, text="oak", part=np.where(np.isin(np.arange(len(FRAME)), [0, 3]), np.nan, 1.0)
    )
    with pytest.raises(error, match=message):
        RepeatDynamics().fit(frame, **asked)


def test_too_few_children_no_repeats_and_a_clock_from_the_first_return_are_refused() -> None:
    once = pd.DataFrame({"child_id": range(30), "start": 0.0, "stop": 50.0, "event": 1})
    with pytest.raises(errors.TableRefused, match="30 children with an episode and 0 repeats"):
        RepeatDynamics().fit(once)
    few = FRAME[FRAME["child_id"] < 6]
    with pytest.raises(errors.TableRefused, match="5 children with an episode"):
        RepeatDynamics().fit(few)
    with pytest.raises(errors.TableRefused, match="at least 10 children"):
        RepeatDynamics().fit(FRAME.head(0))
    with pytest.raises(errors.ArgumentRefused, match='origin="observed_from"'):
        RepeatDynamics().fit(FRAME.assign(episode_no=2))
    known_before = FRAME.assign(episode_no=np.where(FRAME["child_id"] < 50, 2, 1))
    assert RepeatDynamics().fit(known_before).alpha_ == pytest.approx(MODEL.alpha_)


def test_settings_that_cannot_be_are_refused() -> None:
    for wrong in ({"zero_truncated": "yes"}, {"n_nodes": 1}, {"n_nodes": True}, {"random_state": -1}):
        with pytest.raises(errors.ArgumentRefused, match="must be"):
            RepeatDynamics(**wrong)
    for method in ("profile", "test", "summary", "explain", "plot"):
        with pytest.raises(errors.ArgumentRefused, match="not fitted"):
            getattr(RepeatDynamics(), method)()
    with pytest.raises(errors.ArgumentRefused, match="at least 19"):
        MODEL.test(5)
    assert repr(RepeatDynamics()) == "RepeatDynamics (not fitted)"


def test_doubtful_estimates_warn() -> None:
    few = simulate_repeats(20, alpha=0.3, rate_per_year=0.2, random_state=1)
    with pytest.warns(errors.EstimateDoubtful, match="repeats: take a longer period"):
        RepeatDynamics().fit(few)
    at_once = [
        (c, float(a), float(b), e)
        for c in range(60)
        for a, b, e in [(0, 50 + c, 1), (50 + c, 50 + c, 1), (50 + c, 400, 0)]
    ]
    with pytest.warns(errors.EstimateDoubtful, match="shortest allowed, half a day"):
        RepeatDynamics().fit(pd.DataFrame(at_once, columns=["child_id", "start", "stop", "event"]))


def test_a_slow_change_of_rates_warns_that_it_is_no_short_run() -> None:
    """Each child goes in one half of four years only."""
    rng = np.random.default_rng(2)
    spells = []
    for child in range(200):
        times = np.sort(rng.random(5)) * 730 + 730 * rng.integers(0, 2)
        edges = [0.0, *times, 1460.0]
        spells += [(child, a, b, int(b < 1460)) for a, b in itertools.pairwise(edges)]
    frame = pd.DataFrame(spells, columns=["child_id", "start", "stop", "event"])
    with pytest.warns(errors.EstimateDoubtful, match=r"mean lag is \d+ days: the data show a slow change"):
        RepeatDynamics().fit(frame)


def test_widely_unlike_children_are_described_as_those_on_file() -> None:
    rng = np.random.default_rng(1)
    spells = []
    for child in range(300):
        times = np.sort(rng.random(1 if child % 10 else 60)) * 700
        edges = [0.0, *times, 730.0]
        spells += [(child, a, b, int(b < 730)) for a, b in itertools.pairwise(edges)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.EstimateDoubtful)
        model = RepeatDynamics().fit(pd.DataFrame(spells, columns=["child_id", "start", "stop", "event"]))
    assert model.frailty_shape_ == pytest.approx(0.02)
    assert model.covariance_.loc["rate_per_year"].isna().all()
    assert "describe children with an episode only" in model.explain()
    assert model.rate_on_file_ == pytest.approx(2070 / 600, rel=0.05)


def test_the_words_say_what_was_found_on_how_many_and_what_it_does_not_mean() -> None:
    said = MODEL.explain()
    for part in (
        f"{MODEL.n_episodes_:,} episodes, {MODEL.n_repeats_:,} of them repeats",
        "120 children at risk for 240 years",
        f"About {MODEL.share_of_repeats_:.0%} of repeats",
        "would be found instead of",
        "cannot tell whether one episode leads to the next or a bad spell",
        "nothing about any one child",
        "Only children with an episode are on file",
        "bands=",
    ):
        assert part in said
    for never in ("cause", "because of", "effect of"):
        assert never not in said
    assert repr(MODEL) == f"RepeatDynamics: {MODEL.n_episodes_} episodes of 120 children"
    assert MODEL.share_short_run_ * MODEL.n_episodes_ == pytest.approx(MODEL.share_of_repeats_ * MODEL.n_repeats_)


def test_children_who_are_alike_are_said_to_be() -> None:
    frame = simulate_repeats(200, alpha=0.2, rate_per_year=2.0, frailty_shape=math.inf, random_state=3)
    assert "no sign that children's own rates differ" in RepeatDynamics().fit(frame).explain()
    assert share_of_top_tenth(1.0) == pytest.approx(0.1 * (1 + math.log(10)))


def test_the_plots_show_what_was_found() -> None:
    axes = MODEL.plot()
    (ours, naive) = axes.lines
    assert ours.get_ydata()[-1] == pytest.approx(100 * MODEL.alpha_, rel=0.02)
    assert naive.get_ydata()[-1] > ours.get_ydata()[-1]
    assert axes.get_xlabel() == "Days since a return"
    result = DynamicsTest(1.0, 0.5, np.array([0.0, 1.0, 4.0]))
    assert MODEL.plot(axes) is axes
    assert result.plot().get_xlabel() == "Evidence of clustering (likelihood ratio)"
    assert result.plot().texts[0].get_text() == "the data"
    assert DynamicsTest(900.0, 0.25, result.simulated).plot().texts[0].get_text() == "the data: 900 →"
    assert "2 of the 3 made-up sets (p = 0.5)" in result.explain()
    assert "none of the 3 made-up sets" in DynamicsTest(9.0, 0.25, result.simulated).explain()
    assert repr(result) == "DynamicsTest: statistic 1.00, p = 0.5, 3 made-up sets"
    assert result.summary()["critical_95"].tolist() == [pytest.approx(3.7)]


@pytest.mark.parametrize("shape", [0.4, math.inf])
def test_drawn_numbers_follow_the_distribution_of_children_on_file(shape: float) -> None:
    """A child of two units of unlike length: numbers given at least one in all, against the exact chances."""
    from scipy.stats import nbinom, poisson

    n = 20_000
    child = np.repeat(np.arange(n), 2)
    unit = np.arange(2 * n)
    rows = Rows(child, unit, np.tile([0.0, 100.0], n), np.tile([100.0, 400.0], n), unit < 0, np.zeros((2 * n, 0)))
    at = Parameters(0.004, 0.0, 1.0, shape)
    drawn = spontaneous(Windows(rows), at, np.random.default_rng(0), on_file=True).reshape(-1, 2)
    assert drawn.sum(axis=1).min() == 1
    loads = (0.4, 1.2)
    one, two = (poisson(load) if math.isinf(shape) else nbinom(shape, shape / (shape + load)) for load in loads)
    on_file = 1 - one.pmf(0) * two.pmf(0)
    for a, b in ((0, 1), (1, 0), (1, 1), (3, 2), (0, 4)):
        chance = one.pmf(a) * two.pmf(b) / on_file
        share = np.mean((drawn[:, 0] == a) & (drawn[:, 1] == b))
        assert share == pytest.approx(chance, abs=4 * math.sqrt(chance / n))


def test_made_up_children_are_at_risk_only_in_their_windows() -> None:
    rows = rows_of([[(0, 10, 0), (50, 60, 0)]] * 200)
    at = Parameters(0.2, 0.5, 1 / 5, 2.0)
    drawn = draw_rows(Windows(rows), at, np.random.default_rng(0), on_file=True)
    when = drawn.stop[drawn.event]
    assert (((when > 0) & (when <= 10)) | ((when > 50) & (when <= 60))).all()
    assert (drawn.stop - drawn.start).sum() == pytest.approx(200 * 20)
    assert np.unique(drawn.child[drawn.event]).tolist() == list(range(200))


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": 0},
        {"rate_per_year": -1},
        {"lag_days": math.inf},
        {"alpha": 1.0},
        {"n_children": 0},
        {"random_state": "x"},
    ],
)
def test_histories_that_cannot_be_made_up_are_refused(wrong: dict) -> None:
    with pytest.raises(errors.ArgumentRefused, match="must be"):
        simulate_repeats(**({"n_children": 5} | wrong))


def test_a_search_among_some_children_first_ends_at_the_same_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "START_CHILDREN", 30)
    assert figures(RepeatDynamics().fit(FRAME)) == pytest.approx(figures(MODEL), rel=1e-4)


def test_a_full_fit_is_never_worse_than_the_null() -> None:
    likelihood = no_clustering()._likelihood
    null = fit_null(likelihood)
    assert fit_full(likelihood, null) is null
    low, high = bounds_of(np.array([0.0, 0.0, 0.0, math.inf]))
    assert (low[1], high[3]) == (0.0, math.inf)
