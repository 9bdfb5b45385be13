"""Shared gamma frailty: a plain twin, what it must be at the top, planted truth, honesty, and no child's rate shown."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from scipy.stats import binom

import missing_patterns.recurrence.frailty.profile as profiling
import missing_patterns.recurrence.frailty.solve as climbing
from missing_patterns.errors import ArgumentRefused, EstimateDoubtful, TableRefused
from missing_patterns.recurrence.common import Floats
from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.frailty import SharedFrailty, VarianceTest, rows
from missing_patterns.recurrence.frailty.likelihood import Data, evaluate, own_curvature, prior_constant
from missing_patterns.recurrence.frailty.profile import find, limits
from missing_patterns.recurrence.frailty.solve import climb, covariances
from missing_patterns.recurrence.frailty.tables import share_of_most_frequent

EFFECTS = np.array([0.6, -0.3])
COLUMNS = ["in_care", "age"]


def made_up(n: int, theta: float, seed: int, *, per_year: float = 2.0, whole_days: bool = True) -> pd.DataFrame:
    """Return spells of a year of children whose hidden rates have variance ``theta``; two in five come on file late."""
    rng = np.random.default_rng(seed)
    known = np.column_stack([rng.integers(0, 2, n), rng.normal(size=n)]).astype(float)
    hidden = rng.gamma(1 / theta, theta, n) if theta else np.ones(n)
    rate = per_year / 365 * hidden * np.exp(known @ EFFECTS)
    child, parts = np.arange(n), []
    start = np.where(rng.random(n) < 0.4, rng.integers(0, 300, n), 0).astype(float)
    while len(child):
        stop = start + rng.exponential(1.0, len(child)) / rate[child]
        stop = np.ceil(stop) if whole_days else stop
        event = stop <= 365
        stop = np.minimum(stop, 365)
        parts.append(np.column_stack([child, start, stop, event, known[child]]))
        on = event & (stop < 365)
        child, start = child[on], stop[on]
    frame = pd.DataFrame(np.concatenate(parts), columns=["child_id", "start", "stop", "event", *COLUMNS])
    return frame.astype({"child_id": int, "event": int}).sort_values(["child_id", "start"], ignore_index=True)


def data_of(frame: pd.DataFrame, columns: list[str], ties: Any = "efron", strata: str | None = None) -> Data:
    """Return the kernel's arrays of a table."""
    return rows.data_of(rows.read_rows(frame, columns, strata, "child_id", "total", None), ties)


@pytest.fixture(scope="module")
def children() -> pd.DataFrame:
    return made_up(300, 0.9, seed=1)


@pytest.fixture(scope="module")
def fitted(children: pd.DataFrame) -> SharedFrailty:
    return SharedFrailty().fit(children, COLUMNS)


# --- a plain twin ---------------------------------------------------------------------------------------------------


def plain(data: Data, eta: Floats) -> tuple[float, Floats, Floats]:
    """Return log partial likelihood, slope and minus the curvature by the rows' linear predictors, cell by cell."""
    risk, rate = data.risk, np.exp(eta)
    height, slope, bent = eta[risk.event].sum(), risk.event.astype(float), np.zeros((len(eta), len(eta)))
    for cell in range(len(risk.times)):
        at_risk = (risk.first <= cell) & (cell < risk.last)
        tied = risk.event & (risk.cell == cell)
        m = int(tied.sum())
        for k in range(m):
            share = rate * at_risk * (1 - (k / m) * tied if data.ties == "efron" else 1.0)
            height -= np.log(share.sum())
            chance = share / share.sum()
            slope = slope - chance
            bent += np.diag(chance) - np.outer(chance, chance)
    return float(height), slope, bent


@st.composite
def tables(draw: st.DrawFn) -> tuple[Data, Floats, Floats]:
    """A few children, rows of one child open together or one after another, strata and many ties."""
    n = draw(st.integers(4, 14))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    start = rng.integers(0, 4, n).astype(float)
    frame = pd.DataFrame({"child_id": rng.integers(0, draw(st.integers(2, 6)), n), "start": start})
    frame.loc[:1, "child_id"] = [0, 1]
    frame["stop"] = start + rng.integers(1, 5, n)
    frame["event"] = rng.integers(0, 2, n)
    frame.loc[0, "event"] = 1
    frame["home"], frame["x"] = rng.integers(0, 2, n), rng.normal(size=n)
    frame["child_id"] = frame["child_id"].astype(str)
    data = data_of(frame, ["x"], draw(st.sampled_from(["efron", "breslow"])), draw(st.sampled_from([None, "home"])))
    return data, rng.normal(size=1), rng.normal(size=len(data.sizes))


@settings(deadline=None, max_examples=40)
@given(tables())
def test_a_pass_over_the_rows_gives_what_a_plain_sum_over_risk_sets_gives(case: tuple[Data, Floats, Floats]) -> None:
    data, beta, log_frailty = case
    eta = data.matrix @ beta + data.to_rows(log_frailty)
    height, slope, bent = plain(data, eta)
    point = evaluate(data, beta, log_frailty)
    assert point.loglik == pytest.approx(height, abs=1e-10)
    np.testing.assert_allclose(point.slope, slope, atol=1e-12)
    ours = np.column_stack([point.curvature_times(one) for one in np.eye(len(eta))])
    np.testing.assert_allclose(ours, bent, atol=1e-12)
    group = np.repeat(np.eye(len(data.sizes)), data.sizes, axis=0)
    np.testing.assert_allclose(own_curvature(point), np.diag(group.T @ bent @ group), atol=1e-12)
    weighted = data.weighted_per_group(slope, 1)[:, 1]
    np.testing.assert_allclose(weighted, group.T @ (slope * data.matrix[:, 0]), atol=1e-12)


def test_a_risk_set_that_is_tiny_beside_a_later_one_keeps_its_digits() -> None:
    frame = made_up(40, 1.0, seed=9)
    late = frame.iloc[[0]].assign(child_id=777, start=300.0, stop=365.0, event=0)
    data = data_of(pd.concat([frame, late], ignore_index=True), COLUMNS)
    log_frailty = np.zeros(len(data.sizes))
    log_frailty[-1] = 34.0
    point = evaluate(data, np.zeros(2), log_frailty)
    height, slope, _ = plain(data, data.to_rows(log_frailty))
    assert point.loglik == pytest.approx(height, rel=1e-12)
    np.testing.assert_allclose(point.slope[:-1], slope[:-1], rtol=1e-9, atol=1e-12)
    assert repr(data) == f"Data: {len(data.offset)} rows of 41 groups, 2 covariates"


def test_the_part_of_the_likelihood_that_only_theta_moves_is_that_of_gamma_functions() -> None:
    data = data_of(made_up(60, 2.0, seed=5), COLUMNS)
    d = data.counts.astype(float)

    def constant(nu: float) -> float:
        return float((d - nu * np.log1p(d / nu) + gammaln(nu + d) - gammaln(nu) - d * np.log(nu + d)).sum())

    for nu in (0.2, 1.0, 7.0):
        value, first, second = prior_constant(data, nu)
        step = 1e-4 * nu
        assert value == pytest.approx(constant(nu), rel=1e-10)
        assert first == pytest.approx((constant(nu + step) - constant(nu - step)) / (2 * step), rel=1e-5)
        slopes = [prior_constant(data, nu + side * step)[1] for side in (1, -1)]
        assert second == pytest.approx((slopes[0] - slopes[1]) / (2 * step), rel=1e-5)
    assert prior_constant(data, 1e14)[0] == pytest.approx(0.0, abs=1e-9)  # theta 0: Cox


def dense_curvature(top: Any) -> Floats:
    """Return the whole matrix of second derivatives by coefficients and log frailties, frailties last."""
    data = top.point.data
    eta = data.matrix @ top.beta + data.to_rows(top.log_frailty)
    columns = np.hstack([data.matrix, np.repeat(np.eye(len(data.sizes)), data.sizes, axis=0)])
    whole = columns.T @ plain(data, eta)[2] @ columns
    own = np.arange(data.matrix.shape[1], len(whole))
    whole[own, own] += np.exp(top.log_frailty - top.log_theta)
    return np.asarray(whole)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_full_covariance_is_that_of_the_whole_matrix(ties: str) -> None:
    data = data_of(made_up(50, 1.0, seed=2), COLUMNS, ties)
    top = find(data, COLUMNS).top
    assert top is not None
    whole = dense_curvature(top)
    sparse, full = covariances(top)
    np.testing.assert_allclose(full, np.linalg.inv(whole)[:2, :2], rtol=1e-9)
    diagonal = np.diag(np.diag(whole))[2:, 2:]
    by_hand = np.linalg.inv(whole[:2, :2] - whole[:2, 2:] @ np.linalg.inv(diagonal) @ whole[2:, :2])
    np.testing.assert_allclose(sparse, by_hand, rtol=1e-9)


def test_the_curvature_of_the_profile_gives_the_standard_error_of_log_theta() -> None:
    data = data_of(made_up(80, 1.0, seed=3), COLUMNS)
    top = find(data, COLUMNS).top
    assert top is not None
    heights = [
        climb(data, top.beta, top.log_frailty, top.log_theta + move, theta_free=False).loglik for move in (-0.02, 0.02)
    ]
    assert top.curvature == pytest.approx((sum(heights) - 2 * top.loglik) / 0.02**2, rel=1e-3)


# --- what must be true at the top -----------------------------------------------------------------------------------


def test_the_log_likelihood_is_that_of_the_gamma_integrated_out() -> None:
    """Breslow: with the baseline as steps, its highest value is the partial one and a constant of the tied episodes."""
    frame = made_up(120, 1.2, seed=4)
    model = SharedFrailty(ties="breslow").fit(frame, COLUMNS)
    steps, nu = model.baseline_.set_index("days"), 1 / model.theta_
    so_far = np.concatenate([[0.0], steps["cumulative_hazard"]])
    rate = np.exp(frame[COLUMNS].to_numpy() @ model.coef_.to_numpy())
    ends = [np.searchsorted(steps.index, frame[c], side="right") for c in ("start", "stop")]
    met = pd.Series(rate * (so_far[ends[1]] - so_far[ends[0]])).groupby(frame["child_id"]).sum().to_numpy()
    d = frame.groupby("child_id")["event"].sum().to_numpy()
    went = frame["event"] == 1
    height = np.log(steps["hazard"].loc[frame.loc[went, "stop"]].to_numpy() * rate[went]).sum()
    height += (gammaln(nu + d) - gammaln(nu) + nu * np.log(nu) - (nu + d) * np.log(nu + met)).sum()
    m = steps["events"].to_numpy()
    assert height == pytest.approx(model.loglik_ + (m * np.log(m) - m).sum(), rel=1e-10)


def test_expected_numbers_of_children_add_up_and_the_model_fits_where_chance_does_not(fitted: SharedFrailty) -> None:
    check = fitted.check_
    assert check["n_children"].sum() == fitted.n_groups_ == 300
    assert check["expected"].sum() == pytest.approx(300)
    apart = check[["expected", "expected_if_alike"]].sub(check["n_children"], axis=0).abs().max()
    assert apart["expected"] < 12
    assert apart["expected_if_alike"] > 40


def test_limits_are_where_twice_the_log_likelihood_is_3_84_lower(children: pd.DataFrame) -> None:
    data = data_of(children, COLUMNS)
    found = find(data, COLUMNS)
    assert found.top is not None
    for limit in limits(data, found):
        there = climb(data, found.top.beta, found.top.log_frailty, np.log(limit), theta_free=False)
        assert 2 * (found.loglik - there.loglik) == pytest.approx(3.8415, abs=0.01)


@pytest.mark.parametrize("away", [6.0, 3.0, 0.01])
def test_limits_do_not_hang_on_the_first_guess(children: pd.DataFrame, away: float) -> None:
    data = data_of(children, COLUMNS)
    found = find(data, COLUMNS)
    top, expected = found.top, limits(data, found)
    assert top is not None
    start = (top.beta, top.log_frailty)
    for side, limit in zip((-1.0, 1.0), expected, strict=True):
        there = profiling._limit(data, top.loglik, side, top.log_theta + side * away, start, top.log_theta)
        assert there == pytest.approx(limit, rel=1e-3)


def test_starting_elsewhere_ends_at_the_same_place(children: pd.DataFrame) -> None:
    data = data_of(children, COLUMNS)
    near = find(data, COLUMNS).top
    assert near is not None
    for log_theta, beta in ((-4.0, 0.0), (3.0, 0.0), (0.0, 9.0)):
        far = climb(data, np.full(2, beta), np.zeros(len(data.sizes)), log_theta, theta_free=True)
        assert far.is_settled
        assert far.log_theta == pytest.approx(near.log_theta, abs=1e-6)
    # Where all but theta is at rest, the search must not think that it has ended.
    held = climb(data, near.beta, near.log_frailty, near.log_theta + 0.7, theta_free=False)
    back = climb(data, held.beta, held.log_frailty, held.log_theta, theta_free=True)
    assert back.log_theta == pytest.approx(near.log_theta, abs=1e-6)


def test_a_step_too_long_is_halved_and_one_downhill_is_not_taken(children: pd.DataFrame) -> None:
    data = data_of(children, COLUMNS)
    top = find(data, COLUMNS).top
    assert top is not None
    place = climbing._Place.at(data, top.beta - 0.5, top.log_frailty, top.log_theta)
    there, moved = climbing._forward(place, (np.full(2, 8.0), 0 * top.log_frailty), 0.0)
    assert moved
    assert there.height > place.height
    assert 0 < (there.beta - place.beta)[0] < 2
    assert climbing._forward(place, (np.full(2, -1.0), 0 * top.log_frailty), 0.0) == (place, False)


def test_a_child_with_hundreds_of_episodes_does_not_throw_the_search() -> None:
    often = pd.DataFrame({"child_id": 999, "start": np.arange(364.0), "stop": np.arange(1.0, 365.0), "event": 1})
    frame = pd.concat([made_up(150, 0.5, seed=6), often.assign(in_care=1.0, age=0.0)], ignore_index=True)
    model = SharedFrailty().fit(frame, COLUMNS)
    assert model.is_settled_
    assert model.n_steps_ < 20
    assert model.theta_interval_[0] < model.theta_ < model.theta_interval_[1]


# --- traps ----------------------------------------------------------------------------------------------------------


def test_a_row_that_enters_at_an_event_time_is_not_yet_at_risk() -> None:
    """Whoever comes on file on the day of an episode may as well have come later that day, but not the day before."""
    frame = made_up(40, 1.0, seed=7)
    late = frame.iloc[[0]].assign(child_id=777, stop=365.0, event=0, in_care=0.0, age=2.0)
    day = float(frame.loc[frame["event"] == 1, "stop"].sort_values().iloc[20])
    two = [pd.concat([frame, late.assign(start=start)], ignore_index=True) for start in (day, day + 0.5, day - 0.5)]
    at, after, before = (SharedFrailty().fit(table, COLUMNS) for table in two)
    assert at.loglik_ == pytest.approx(after.loglik_, rel=1e-12)
    assert abs(at.loglik_ - before.loglik_) > 1e-4


def test_times_that_differ_only_by_rounding_are_tied(children: pd.DataFrame) -> None:
    tenths = children.assign(start=children["start"] / 10, stop=children["stop"] / 10)
    drifted = tenths.assign(stop=[stop * (1 + (k % 3 - 1) * 1e-15) for k, stop in enumerate(tenths["stop"])])
    assert (drifted["stop"] != tenths["stop"]).any()
    one, other = (SharedFrailty().fit(frame, COLUMNS) for frame in (tenths, drifted))
    assert other.loglik_ == pytest.approx(one.loglik_, rel=1e-12)


def test_rows_without_length_are_left_out_and_counted(children: pd.DataFrame, fitted: SharedFrailty) -> None:
    flat = children.iloc[[0, 1]].assign(start=3.0, stop=3.0, event=[0, 1])
    model = SharedFrailty().fit(pd.concat([children, flat], ignore_index=True), COLUMNS)
    assert (model.n_zero_length_, model.n_zero_length_episodes_) == (2, 1)
    assert model.loglik_ == pytest.approx(fitted.loglik_, rel=1e-12)
    assert "2 rows without length, with 1 episode, are left out" in model.explain()


# --- what must not matter -------------------------------------------------------------------------------------------


def relabelled(children: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "rows in another order", children.sample(frac=1.0, random_state=0)
    yield "ids as text", children.assign(child_id=[f"K{(k * 7919) % 10007}" for k in children["child_id"]])
    early = children.iloc[[0]].assign(child_id=9999, start=-50.0, stop=-40.0, event=0)
    yield "a child who was at risk only before anybody went", pd.concat([children, early], ignore_index=True)
    long = children[children["stop"] - children["start"] > 2]
    halves = [long.assign(stop=long["start"] + 1, event=0), long.assign(start=long["start"] + 1)]
    short = children[children["stop"] - children["start"] <= 2]
    yield "spells cut in two", pd.concat([short, *halves], ignore_index=True)
    yield "the origin moved", children.assign(start=children["start"] + 7, stop=children["stop"] + 7)


def test_order_labels_cuts_and_origin_do_not_matter(children: pd.DataFrame, fitted: SharedFrailty) -> None:
    for what, frame in relabelled(children):
        other = SharedFrailty().fit(frame, COLUMNS)
        assert other.theta_ == pytest.approx(fitted.theta_, rel=1e-7), what
        np.testing.assert_allclose(other.coef_, fitted.coef_, rtol=1e-6, err_msg=what)
        np.testing.assert_allclose(other.covariance_, fitted.covariance_, rtol=1e-6, err_msg=what)
        assert other.theta_interval_ == pytest.approx(fitted.theta_interval_, rel=1e-3), what
        assert other.check_[["n_children", "expected"]].sum().tolist() == pytest.approx([other.n_groups_] * 2), what


def test_the_scale_of_a_covariate_only_scales_its_coefficient(children: pd.DataFrame, fitted: SharedFrailty) -> None:
    other = SharedFrailty().fit(children.assign(age=children["age"] * 1e4 + 5e6), COLUMNS)
    assert other.coef_["age"] * 1e4 == pytest.approx(fitted.coef_["age"], rel=1e-6)
    assert other.loglik_ == pytest.approx(fitted.loglik_, rel=1e-12)


def test_the_input_is_not_modified(children: pd.DataFrame) -> None:
    before = children.copy(deep=True)
    SharedFrailty().fit(children, COLUMNS)
    SharedFrailty().fit(children)
    pd.testing.assert_frame_equal(children, before)


def test_an_offset_is_a_coefficient_that_is_known(children: pd.DataFrame, fitted: SharedFrailty) -> None:
    known = fitted.coef_["age"] * children["age"]
    other = SharedFrailty().fit(children, ["in_care"], offset=known.tolist())
    assert other.theta_ == pytest.approx(fitted.theta_, rel=1e-6)
    assert other.coef_["in_care"] == pytest.approx(fitted.coef_["in_care"], rel=1e-6)


def test_a_formula_is_read_as_columns_are(children: pd.DataFrame, fitted: SharedFrailty) -> None:
    other = SharedFrailty().fit(children, "in_care + age")
    assert other.feature_names_in_.tolist() == COLUMNS
    assert other.loglik_ == pytest.approx(fitted.loglik_, rel=1e-14)


def test_strata_have_baselines_of_their_own(children: pd.DataFrame) -> None:
    model = SharedFrailty(strata="in_care").fit(children, ["age"])
    assert model.baseline_.columns.tolist() == ["in_care", "days", "at_risk", "events", "hazard", "cumulative_hazard"]
    assert model.baseline_["events"].sum() == model.n_episodes_ == children["event"].sum()
    assert model.theta_ == pytest.approx(0.9, abs=0.35)


# --- planted truth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("theta", "seed"), [(0.15, 10), (1.2, 11), (4.0, 12)])
def test_a_planted_theta_and_planted_effects_are_found(theta: float, seed: int) -> None:
    model = SharedFrailty().fit(made_up(3000, theta, seed), COLUMNS)
    low, high = model.theta_interval_
    assert low < theta < high < 1.6 * low
    assert (np.abs(model.coef_ - EFFECTS) < 3 * np.sqrt(np.diag(model.covariance_))).all()
    assert model.variance_test_.p_value < 1e-6
    slope = np.polyfit(model.baseline_["days"], model.baseline_["cumulative_hazard"], 1)[0]
    assert slope * 365 == pytest.approx(2.0, rel=0.15)


def coverage(n: int, theta: float, times: int, seed: int) -> dict[str, float]:
    """Return how often 95 % intervals hold the truth, and how often theta 0 is rejected at 5 %."""
    rng = np.random.default_rng(seed)
    hits = np.zeros(4)
    for draw in rng.integers(0, 2**31, times):
        data = data_of(made_up(n, theta, int(draw), whole_days=False), COLUMNS)
        found = find(data, COLUMNS)
        top, rises = found.top, 2 * (found.loglik - found.alike.loglik)
        covariance = found.alike_covariance if top is None else covariances(top)[1]
        assert covariance is not None
        beta, w = (found.alike_beta, np.zeros(len(data.sizes))) if top is None else (top.beta, top.log_frailty)
        hits[:2] += np.abs(beta - EFFECTS) < 1.959964 * np.sqrt(np.diag(covariance))
        truth = climb(data, beta, w, np.log(theta), theta_free=False).loglik if theta else found.alike.loglik
        hits[2] += 2 * (found.loglik - truth) < 3.841459
        hits[3] += VarianceTest.of(rises).p_value < 0.05
    return dict(zip(["in_care", "age", "theta", "rejected"], hits / times, strict=True))


@pytest.mark.parametrize("times", [20, pytest.param(200, marks=pytest.mark.no_cover)])
def test_intervals_hold_the_truth_as_often_as_they_say(times: int) -> None:
    """So often that chance would not make it one time in 1,000; more draws in benchmarks/recurrence_coverage.py."""
    found = coverage(n=120, theta=0.8, times=times, seed=2026)
    fewest, most = binom.ppf([0.001, 0.999], times, 0.95) / times
    assert all(fewest <= found[what] <= most for what in ("in_care", "age", "theta")), found
    assert found["rejected"] == 1.0


@pytest.mark.parametrize("times", [20, pytest.param(100, marks=pytest.mark.no_cover)])
def test_without_hidden_rates_they_are_seldom_found(times: int) -> None:
    found = coverage(n=120, theta=0.0, times=times, seed=2027)
    assert found["rejected"] <= binom.ppf(0.999, times, 0.05) / times, found
    assert all(found[what] >= binom.ppf(0.001, times, 0.95) / times for what in ("in_care", "age")), found


# --- theta 0 --------------------------------------------------------------------------------------------------------


def even(n: int = 60) -> pd.DataFrame:
    """Children who each go every 90 days or so: more alike than chance would have them."""
    spells = [
        (child, 90.0 * k + child % 7 * (k > 0), 90.0 * (k + 1) + child % 7 * (k < 3), int(k < 3), child % 2)
        for child in range(n)
        for k in range(4)
    ]
    return pd.DataFrame(spells, columns=["child_id", "start", "stop", "event", "in_care"])


def test_where_children_are_more_alike_than_chance_theta_is_0_and_the_rest_is_coxs() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SharedFrailty().fit(even(), ["in_care"])
    cox = RecurrentCox().fit(even(), ["in_care"])
    assert model.theta_ == 0.0
    assert model.theta_interval_[0] == 0.0 < model.theta_interval_[1] < 0.1
    assert np.isnan(model.se_log_theta_)
    assert (model.variance_test_.statistic, model.variance_test_.p_value) == (0.0, 1.0)
    assert model.loglik_ == model.loglik_null_ == pytest.approx(cox.loglik_, rel=1e-12)
    np.testing.assert_allclose(model.coef_, cox.coef_, rtol=1e-9)
    for ours in (model.covariance_, model.covariance_sparse_):
        np.testing.assert_allclose(ours, cox.covariance_, rtol=1e-9)
    pd.testing.assert_frame_equal(model.baseline_, cox.baseline_, rtol=1e-9)
    np.testing.assert_allclose(model.check_["expected"], model.check_["expected_if_alike"])
    told = model.explain()
    assert "is 0: no difference between children beyond chance was found" in told
    assert "not found is not the same as not there" in told
    assert "nan" not in told


def test_a_bad_first_guess_goes_down_to_theta_0_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "first_guess", lambda *_: 0.5)
    assert find(data_of(even(), ["in_care"]), ["in_care"]).top is None


def test_the_upper_limit_above_theta_0_is_where_the_likelihood_has_fallen_by_1_92() -> None:
    data = data_of(even(), ["in_care"])
    found = find(data, ["in_care"])
    upper = limits(data, found)[1]
    there = climb(data, found.alike_beta, np.zeros(len(data.sizes)), np.log(upper), theta_free=False)
    assert 2 * (found.loglik - there.loglik) == pytest.approx(3.8415, abs=0.01)


def test_a_theta_near_0_has_0_within_its_limits() -> None:
    model = SharedFrailty().fit(made_up(300, 0.02, seed=21), COLUMNS)
    assert model.theta_interval_[0] == 0.0
    assert 0.02 < model.theta_interval_[1] < 0.3


# --- honesty --------------------------------------------------------------------------------------------------------


def test_a_search_that_does_not_come_to_rest_is_told(children: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climbing, "MAX_STEPS", 1)
    with pytest.warns(EstimateDoubtful, match="did not come to rest in 1 step"):
        model = SharedFrailty().fit(children, COLUMNS)
    assert not model.is_settled_
    assert np.isnan(model.theta_interval_).all()
    assert "did not come to rest" in model.explain()
    assert "95 % interval not known" in model.explain()
    assert model.share_of_most_frequent()[1:] == pytest.approx((np.nan, np.nan), nan_ok=True)
    assert len(model.plot().collections) == 0


def test_nothing_is_made_of_children_who_go_once(children: pd.DataFrame) -> None:
    first = children[children.groupby("child_id").cumcount() == 0]
    with pytest.warns(EstimateDoubtful, match="No child has two episodes"):
        SharedFrailty().fit(first, COLUMNS)


def test_few_groups_are_told(children: pd.DataFrame) -> None:
    homes = children.assign(home_id=children["child_id"] % 7)
    with pytest.warns(EstimateDoubtful, match="Only 7 groups have an episode"):
        model = SharedFrailty(group="home_id").fit(homes, COLUMNS)
    assert "7 groups" in repr(model)
    assert "no attribute of a group" in model.explain()
    assert "Children on file" not in model.explain()
    assert model.plot().get_xlabel() == "Part of the groups, highest hidden rates first (%)"


def test_a_coefficient_that_runs_off_is_told_and_has_no_interval(children: pd.DataFrame) -> None:
    never = children.groupby("child_id")["event"].transform("sum") == 0
    with pytest.warns(EstimateDoubtful, match="'spared' runs off"):
        model = SharedFrailty().fit(children.assign(spared=never), ["age", "spared"])
    assert model.runs_off_ == {"spared": -1}
    assert model.covariance_.loc["spared"].isna().all()
    assert model.covariance_.loc["age", "age"] > 0
    assert "'spared' runs off" in model.explain()


def test_a_full_covariance_that_cannot_be_made_is_replaced_by_the_sparse_one_and_told(
    children: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climbing, "_UNSOLVED", 0.0)
    with pytest.warns(EstimateDoubtful, match="the sparse one stands in its place"):
        model = SharedFrailty().fit(children, COLUMNS)
    pd.testing.assert_frame_equal(model.covariance_full_, model.covariance_sparse_)


def test_one_child_who_has_all_episodes_is_not_made_a_distribution_of() -> None:
    spells = [(0, float(day), day + 1.0, 1) for day in range(50)] + [(child, 0.0, 50.0, 0) for child in range(1, 60)]
    with pytest.warns(EstimateDoubtful) as told:
        model = SharedFrailty().fit(pd.DataFrame(spells, columns=["child_id", "start", "stop", "event"]))
    assert np.isnan(model.theta_interval_[1])
    assert [str(one.message).split(":")[0] for one in told] == [
        "Only 1 child has an episode",
        "No upper limit of theta was found",
    ]


def test_no_upper_limit_is_told(children: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "LARGEST_LOG_THETA", 0.0)
    with pytest.warns(EstimateDoubtful, match="No upper limit of theta was found"):
        model = SharedFrailty().fit(children, COLUMNS)
    assert model.theta_interval_[0] > 0.5
    assert np.isnan(model.theta_interval_[1])


def test_where_follow_up_ends_at_an_episode_numbers_of_episodes_are_not_compared(children: pd.DataFrame) -> None:
    twice = children[children.groupby("child_id").cumcount() < 2]
    model = SharedFrailty().fit(twice, COLUMNS)
    assert model.check_["expected"].isna().all()
    assert model.check_["n_children"].sum() == 300
    assert "cannot be held against the model" in model.explain()


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"ties": "efrom"}, "Did you mean 'efron'"),
        ({"time": "day"}, "'total'.*or 'gap'"),
        ({"group": None}, "must name the column"),
    ],
)
def test_arguments_that_are_none_are_refused(how: dict[str, Any], why: str) -> None:
    with pytest.raises(ArgumentRefused, match=why):
        SharedFrailty(**how)


def test_tables_that_cannot_be_used_are_refused(children: pd.DataFrame) -> None:
    with pytest.raises(ArgumentRefused, match="within one group there are no differences"):
        SharedFrailty().fit(children.assign(child_id=1), COLUMNS)
    with pytest.raises(ArgumentRefused, match="within one group there are no differences"):
        SharedFrailty().fit(children.iloc[[0]])
    with pytest.raises(TableRefused, match="column 'home' is absent"):
        SharedFrailty(group="home").fit(children, COLUMNS)
    with pytest.raises(TableRefused, match="'again' follows exactly from 'age'"):
        SharedFrailty().fit(children.assign(again=2 * children["age"]), ["age", "again"])
    with pytest.raises(TableRefused, match="no episode"):
        SharedFrailty().fit(children.assign(event=0), COLUMNS)
    with pytest.raises(TableRefused, match="no episode"):
        SharedFrailty().fit(children.assign(event=0))


def test_an_unfitted_model_says_so() -> None:
    model = SharedFrailty(time="gap")
    assert repr(model) == "SharedFrailty (efron ties, gap time): not fitted"
    for ask in (model.summary, model.explain, model.plot, model.share_of_most_frequent):
        with pytest.raises(ArgumentRefused, match="not fitted yet"):
            ask()


def test_a_part_of_the_children_is_between_0_and_1(fitted: SharedFrailty) -> None:
    with pytest.raises(ArgumentRefused, match="between 0 and 1"):
        fitted.share_of_most_frequent(10)


# --- what is shown --------------------------------------------------------------------------------------------------


def test_no_hidden_rate_and_no_id_is_kept(children: pd.DataFrame) -> None:
    named = children.assign(child_id=[f"secret-{k}" for k in children["child_id"]])
    model = SharedFrailty().fit(named, COLUMNS)
    kept = vars(model)
    assert b"secret" not in pickle.dumps(model)
    long = {name for name, value in kept.items() if hasattr(value, "__len__") and len(value) >= 300}
    assert long <= {"baseline_"}
    assert "secret" not in repr(model) + model.explain() + model.summary().to_string() + model.check_.to_string()


def test_the_summary_has_a_row_for_each_covariate_and_one_for_theta(fitted: SharedFrailty) -> None:
    table = fitted.summary()
    assert table["term"].tolist() == [*COLUMNS, "theta"]
    assert table.columns.tolist() == ["term", "estimate", "lower", "upper", "p_value", "coef", "se", "se_sparse"]
    np.testing.assert_allclose(table["estimate"], [*np.exp(fitted.coef_), fitted.theta_])
    theta = table.iloc[-1]
    assert (theta["lower"], theta["upper"]) == fitted.theta_interval_
    assert theta["p_value"] == fitted.variance_test_.p_value
    pd.testing.assert_frame_equal(fitted.covariance_, fitted.covariance_full_)
    for column, covariance in (("se", fitted.covariance_full_), ("se_sparse", fitted.covariance_sparse_)):
        np.testing.assert_allclose(table[column][:2], np.sqrt(np.diag(covariance)))
    assert (table["se"][:2] != table["se_sparse"][:2]).all()


def test_the_words_tell_the_numbers_and_what_they_are_not(fitted: SharedFrailty) -> None:
    told = fitted.explain()
    share = f"{100 * fitted.share_of_most_frequent()[0]:.0f} %"
    for part in (
        f"{fitted.n_episodes_} episodes of 300 children",
        f"is {fitted.theta_:.2f} (95 % interval {fitted.theta_interval_[0]:.2f} to {fitted.theta_interval_[1]:.2f})",
        f"would have {share} of the episodes",
        "where it would be 10 % if all were alike",
        "One more of in_care goes with",
        "no attribute of a child",
        "episodes that come in runs",
        "p < 0.001",
    ):
        assert part in told
    assert not any(word in told.lower() for word in (" cause", "effect", "due to", "because of", "leads to", "hazard"))


def test_many_covariates_that_may_not_matter_are_told_shortly(children: pd.DataFrame) -> None:
    rng = np.random.default_rng(8)
    noise = {f"noise_{k}": rng.normal(size=len(children)) for k in range(8)}
    told = SharedFrailty().fit(children.assign(**noise), list(noise)).explain()
    assert "The data fit both more and fewer episodes for noise_0" in told
    assert "more" in told.split("noise_5")[1][:20]


def test_without_covariates_theta_takes_in_what_they_would_tell(children: pd.DataFrame, fitted: SharedFrailty) -> None:
    model = SharedFrailty().fit(children)
    assert model.theta_ > fitted.theta_
    assert model.loglik_ < fitted.loglik_
    assert model.summary()["term"].tolist() == ["theta"]
    assert model.covariance_.shape == (0, 0)
    assert "No covariate is in the model" in model.explain()
    assert "take theta as known" not in model.explain()
    assert "covariates being equal" not in model.explain()


def test_the_share_of_the_most_frequent_is_that_of_drawn_rates() -> None:
    rates = np.sort(np.random.default_rng(0).gamma(1 / 0.7, 0.7, 400_000))[::-1]
    for part in (0.01, 0.1, 0.5):
        drawn = rates[: int(part * len(rates))].sum() / rates.sum()
        assert share_of_most_frequent(0.7, part) == pytest.approx(drawn, rel=0.01)
    assert share_of_most_frequent(0.0, 0.25) == 0.25


def test_the_plot_shows_the_curve_its_band_and_equality(fitted: SharedFrailty) -> None:
    ax = fitted.plot()
    curve, equal, tenth = ax.lines
    assert np.interp(10, curve.get_xdata(), curve.get_ydata()) == pytest.approx(
        100 * fitted.share_of_most_frequent()[0], abs=0.1
    )
    assert tenth.get_ydata()[0] == pytest.approx(100 * fitted.share_of_most_frequent()[0])
    assert list(equal.get_ydata()) == [0, 100]
    assert len(ax.collections) == 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "Part of the children, highest hidden rates first (%)",
        "Share of expected episodes (%)",
    )
    assert fitted.plot(ax) is ax
