"""Repeat statistics against R: the same numbers as survival, reda and survrec. See reference/recurrence.R."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from missing_patterns import recurrence

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "recurrence.json").read_text(encoding="utf-8"))


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv").rename(columns={"id": "child_id"})


def mmc_gaps() -> pd.DataFrame:
    """Return the small-bowel data (Aalen and Husebye 1991): every gap of 19 subjects, the last one unfinished."""
    mmc = read("mmc").rename(columns={"time": "gap_days"})
    return mmc.assign(episode_no=mmc.groupby("child_id").cumcount() + 1)


def valve_intervals() -> pd.DataFrame:
    """Return the valve-seat data as spells; two valves were replaced twice on one day, so two spells have no length."""
    valve = read("valve_seats").sort_values(["child_id", "days", "event"], ascending=[True, True, False])
    return valve.assign(start=valve.groupby("child_id")["days"].shift(fill_value=0), stop=valve["days"])


@pytest.mark.parametrize(
    ("data", "by", "case"),
    [
        ("bladder2", "rx", "bladder2_by_rx_robust"),
        ("cgd", None, "cgd_all_robust"),
        ("cgd", "treat", "cgd_by_treat_robust"),
    ],
)
def test_mean_cumulative_function_and_robust_error_are_those_of_survfit(data: str, by: str | None, case: str) -> None:
    table = recurrence.mean_cumulative(read(data), by=by).table
    figures = R[case]
    assert table["days"].tolist() == figures["time"]
    assert table["at_risk"].tolist() == figures["n.risk"]
    assert table["events"].tolist() == figures["n.event"]
    np.testing.assert_allclose(table["mean_episodes"], figures["mcf"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(table["se"].fillna(0.0), figures["se"], rtol=0, atol=1e-12)


def test_poisson_error_is_that_of_survfit_without_clusters() -> None:
    table = recurrence.mean_cumulative(read("cgd")).table
    np.testing.assert_allclose(table["se_poisson"], R["cgd_all_naive"]["se"], rtol=0, atol=1e-12)


def test_two_episodes_on_one_day_are_counted_as_reda_does_and_survfit_does_not() -> None:
    result = recurrence.mean_cumulative(valve_intervals())
    table = result.table.set_index("days").loc[[61, 98, 265, 408, 561, 653]]
    # reda 0.5.6, to 8 decimals; survfit drops the spells without length and has 1.407 at day 653
    means = [0.02439024, 0.14634146, 0.41463415, 0.70853659, 0.88353659, 1.54268751]
    robust = [0.02409097, 0.05519934, 0.09110081, 0.13980461, 0.16174773, 0.31165607]
    poisson = [0.02439024, 0.05974365, 0.10056355, 0.13157457, 0.14726462, 0.2628056]
    assert result.groups["n_zero_length"].tolist() == [2]
    np.testing.assert_allclose(table["mean_episodes"], means, rtol=0, atol=1e-8)
    np.testing.assert_allclose(table["se"], robust, rtol=0, atol=1e-8)
    np.testing.assert_allclose(table["se_poisson"], poisson, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("method", "case", "survrec"),
    [
        ("per_child", "mmc_wang_chang", [0.8885965, 0.6131579, 0.4555556, 0.3071637, 0.2035088, 0.0614035, 0.0]),
        ("pooled", "mmc_pooled", [0.8578109, 0.6207122, 0.4746166, 0.3044136, 0.1884465, 0.0434877, 0.0]),
    ],
)
def test_share_gone_again_is_that_of_survrec_and_of_weighted_survfit(
    method: recurrence.Method, case: str, survrec: list[float]
) -> None:
    curve = recurrence.gap_curve(mmc_gaps(), method=method)
    found = curve.table[curve.table["events"] > 0]
    assert found["days"].tolist() == R[case]["time"]
    np.testing.assert_allclose(1 - found["share_again"], R[case]["surv"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(1 - curve.at([50, 75, 100, 125, 150, 200, 300])["share_again"], survrec, atol=1e-7)


def test_first_gaps_have_the_log_log_interval_of_survfit() -> None:
    table = recurrence.gap_curve(mmc_gaps(), method="first").table
    found, figures = table[table["events"] > 0], R["mmc_first"]
    last_known = [bound is not None for bound in figures["lower"]]
    assert found["lower"].notna().tolist() == last_known
    np.testing.assert_allclose(1 - found["share_again"], figures["surv"], rtol=0, atol=1e-12)
    for ours, theirs in (("upper", "lower"), ("lower", "upper")):
        np.testing.assert_allclose((1 - found[ours])[last_known], figures[theirs][: sum(last_known)], atol=1e-12)
