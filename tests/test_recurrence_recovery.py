"""What is planted is found again, and estimators that must agree with one another do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from benchmarks.recurrence_coverage import gap_table, make_children, with_groups

from missing_patterns import build_episodes, gap_times, make_borough, recurrence, to_counting_process
from missing_patterns.synthetic import Borough

LAST_DAY = "2026-10-31"


def planted(
    n: int, seed: int, *, variance: float, effects: tuple[float, float] = (0.7, -0.3), **more: float
) -> pd.DataFrame:
    """Return spells of children whose rate goes with being in care and with age."""
    rng = np.random.default_rng(seed)
    who = with_groups(rng, n)
    rate = 2.0 / 365 * np.exp(who["care"] * effects[0] + who["age"] * effects[1])
    spells = make_children(rng, n, rate.to_numpy(), variance=variance, **more)
    return spells.join(who, on="child_id")


HETEROGENEOUS = planted(1_500, 11, variance=0.9, late=0.4)


# --- planted rate ratios -----------------------------------------------------------------------------------------


def test_rate_ratios_are_found_with_errors_by_child() -> None:
    fit = recurrence.RecurrentCox().fit(HETEROGENEOUS, ["care", "age"])
    robust = np.sqrt(np.diag(fit.robust_covariance_))
    assert (np.abs(fit.coef_ - [0.7, -0.3]) < 3 * robust).all()
    # Where children differ, the model's own errors are far too small.
    assert (robust > 1.3 * np.sqrt(np.diag(fit.covariance_))).all()


def test_where_children_do_not_differ_both_errors_agree() -> None:
    fit = recurrence.RecurrentCox().fit(planted(1_500, 12, variance=0.0), ["care", "age"])
    ratio = np.sqrt(np.diag(fit.robust_covariance_) / np.diag(fit.covariance_))
    assert ratio == pytest.approx(1.0, abs=0.08)
    assert np.abs(fit.coef_ - [0.7, -0.3]).max() < 0.1


def test_hidden_differences_are_found_and_are_not_there_where_there_are_none() -> None:
    fit = recurrence.SharedFrailty().fit(HETEROGENEOUS, ["care", "age"])
    assert fit.theta_ == pytest.approx(0.9, abs=0.15)
    assert (np.abs(fit.coef_ - [0.7, -0.3]) < 3 * np.sqrt(np.diag(fit.covariance_))).all()
    none = recurrence.SharedFrailty().fit(planted(800, 13, variance=0.0), ["care", "age"])
    assert none.theta_ < 0.05


# --- estimators that must agree ----------------------------------------------------------------------------------


def test_expected_episodes_of_each_group_are_its_episodes() -> None:
    spells = HETEROGENEOUS
    fit = recurrence.RecurrentCox(ties="breslow").fit(spells, ["care"])
    base = fit.baseline_.set_index("days")["cumulative_hazard"]
    # By Breslow's rule the expected episodes of each group are its episodes.
    rate = np.exp(spells["care"] * fit.coef_["care"])
    met = _step(base, spells["stop"]) - _step(base, spells["start"])
    expected = (rate * met).groupby(spells["care"]).sum()
    assert expected.to_numpy() == pytest.approx(spells.groupby("care")["event"].sum().to_numpy(), rel=1e-8)


def _step(base: pd.Series, days: pd.Series) -> np.ndarray:
    """Read a step function of cumulative hazard."""
    return np.concatenate([[0.0], base.to_numpy()])[np.searchsorted(base.index.to_numpy(), days, side="right")]


def test_strata_give_each_group_its_own_mean_function() -> None:
    fit = recurrence.RecurrentCox(strata="care", ties="breslow").fit(HETEROGENEOUS, ["age"])
    flat = HETEROGENEOUS.assign(age=0.0)
    mean = recurrence.mean_cumulative(flat, by="care").table
    assert set(fit.baseline_.columns) >= {"days", "at_risk", "events", "cumulative_hazard"}
    for group in (0.0, 1.0):
        events = mean[(mean["care"] == group) & (mean["events"] > 0)]
        ours = fit.baseline_[fit.baseline_["care"] == group]
        ours = ours[ours["events"] > 0]
        assert ours["days"].tolist() == events["days"].tolist()
        assert ours["events"].tolist() == events["events"].tolist()
        assert ours["at_risk"].tolist() == events["at_risk"].tolist()


def test_without_hidden_differences_frailty_is_the_cox_model() -> None:
    spells = planted(400, 13, variance=0.0)
    frailty = recurrence.SharedFrailty(ties="breslow").fit(spells, ["care", "age"])
    cox = recurrence.RecurrentCox(ties="breslow").fit(spells, ["care", "age"])
    assert frailty.loglik_null_ == pytest.approx(cox.loglik_, abs=1e-7)
    assert frailty.theta_ < 0.01
    assert frailty.coef_.to_numpy() == pytest.approx(cox.coef_.to_numpy(), abs=0.01)


def test_the_first_gap_is_the_kaplan_meier_of_first_gaps() -> None:
    gaps = gap_table(HETEROGENEOUS)
    first = gaps[gaps["episode_no"] == 1].assign(start=0.0, stop=lambda t: t["gap_days"])
    curve = recurrence.gap_curve(gaps, method="first").at([30, 90, 200])
    kaplan_meier = recurrence.kaplan_meier(first[["child_id", "start", "stop", "event"]]).at([30, 90, 200])
    assert (1 - kaplan_meier["share_not_yet"]).to_numpy() == pytest.approx(curve["share_again"].to_numpy(), abs=1e-12)


def test_with_nothing_to_compete_the_cumulative_incidence_is_the_share_gone_again() -> None:
    gaps = gap_table(HETEROGENEOUS).assign(ended_by=lambda t: np.where(t["event"] == 1, "episode", "end_of_data"))
    ours = recurrence.cumulative_incidence(gaps).at([30, 90, 200])
    pooled = recurrence.gap_curve(gaps, method="pooled", n_boot=0).at([30, 90, 200])
    again = ours.loc[ours["end"] == "episode", "share"]
    assert again.to_numpy() == pytest.approx(pooled["share_again"].to_numpy(), abs=1e-12)


def test_counts_and_spells_find_the_same_hidden_differences() -> None:
    spells = planted(1_500, 14, variance=0.9)
    frailty = recurrence.SharedFrailty().fit(spells, ["care", "age"])
    rates = recurrence.episode_rates(spells, ["care", "age"], n_sim=0)
    assert rates.theta == pytest.approx(1 / frailty.theta_, rel=0.05)
    assert rates.coef[["care", "age"]].to_numpy() == pytest.approx(frailty.coef_.to_numpy(), abs=0.02)


# --- the made-up borough -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def borough() -> Borough:
    return make_borough(n_children=1_500, months=36, seed=8)


@pytest.fixture(scope="module")
def episodes(borough: Borough) -> pd.DataFrame:
    return build_episodes(borough.records.incidents, observed_until=LAST_DAY)


@pytest.mark.no_cover
def test_the_short_run_boost_of_the_borough_is_found(borough: Borough, episodes: pd.DataFrame) -> None:
    children = borough.records.children
    by_age = to_counting_process(episodes, children, observed_until=LAST_DAY, origin="birthday")
    # Children's rates change with age, which would be read as clustering, in part.
    model = recurrence.RepeatDynamics().fit(by_age, bands=[365.25 * age for age in range(11, 18)])
    limits = model.profile().iloc[0]
    truth = borough.truth.parameters
    assert limits["lower"] < truth["boost_alpha"] < limits["upper"]
    assert model.lag_days_ == pytest.approx(truth["boost_tau_days"], abs=4)
    assert model.alpha_if_alike_ > 3 * truth["boost_alpha"]
    table = recurrence.short_run_clustering(by_age).table
    assert (table["p_value"] < 1e-6).all()
    assert (table["ratio"] > 1.1).all()


def test_children_who_only_differ_are_no_short_run_clustering() -> None:
    spells = planted(1_500, 15, variance=1.2, rounded=False)
    table = recurrence.short_run_clustering(spells).summary()
    assert (table["p_value"] > 0.01).all()
    assert (table["naive_ratio"] > 1.5).all()
    assert recurrence.RepeatDynamics(zero_truncated=False).fit(spells).alpha_ < 0.04


def test_children_of_a_high_rate_are_among_the_top_group_of_the_next_year(
    borough: Borough, episodes: pd.DataFrame
) -> None:
    rate = borough.truth.children.set_index("child_id")["rate_per_year"]
    per_child = episodes["child_id"].value_counts()
    assert np.corrcoef(np.log1p(rate.reindex(per_child.index)), np.log(per_child))[0, 1] > 0.6
    table = recurrence.concentration(episodes, n_boot=0).table.set_index("measure")["value"]
    assert table["gini"] > table["gini_by_chance"] + 0.2


def test_episodes_are_counted_alike_by_every_estimator(borough: Borough, episodes: pd.DataFrame) -> None:
    children = borough.records.children
    spells = to_counting_process(episodes, children, observed_until=LAST_DAY)
    gaps = gap_times(episodes, observed_until=LAST_DAY, children=children)
    mean = recurrence.mean_cumulative(spells)
    n = int(spells["event"].sum())
    cox = recurrence.RecurrentCox().fit(spells.assign(odd=np.arange(len(spells)) % 2), ["odd"])
    assert int(mean.groups["n_episodes"].iloc[0]) == cox.n_episodes_ == n == int(gaps["event"].sum())
    assert cox.days_at_risk_ == pytest.approx(float(mean.groups["days_at_risk"].iloc[0]))
    assert int(mean.table["events"].sum()) == int(cox.baseline_["events"].sum()) == n
