"""Curves and tests against R: the same numbers as survival, reda and survrec. See reference/curves.R."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_patterns import recurrence

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "curves.json").read_text(encoding="utf-8"))
Case = tuple[str, str, Any, Any, float, float]


@cache
def read(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv").rename(columns={"id": "child_id"})


def bladder1() -> pd.DataFrame:
    """Return the bladder data with all recurrences; of 294 rows, one has no length."""
    rows = read("bladder1")
    return rows[rows["start"] < rows["stop"]].assign(event=lambda f: (f["status"] == 1).astype(int))


def lung() -> pd.DataFrame:
    """Return the lung data: each subject once, from day 0; the event is death."""
    rows = read("lung")
    return rows.assign(child_id=range(len(rows)), stop=rows["time"], event=rows["status"] - 1)


def mgus2() -> pd.DataFrame:
    """Return the mgus2 data on the clock of age in months: all enter late, some on a day of death."""
    rows = read("mgus2")
    return rows.assign(start=12 * rows["age"], stop=12 * rows["age"] + rows["futime"], event=rows["death"])


def mmc_gaps() -> pd.DataFrame:
    """Return the small-bowel data (Aalen and Husebye 1991): every gap of 19 subjects, the last one unfinished."""
    mmc = read("mmc").rename(columns={"time": "gap_days"})
    return mmc.assign(episode_no=mmc.groupby("child_id").cumcount() + 1, stop=mmc["gap_days"])


def valve_intervals() -> pd.DataFrame:
    """Return the valve-seat data as spells; two valves were replaced twice on one day, so two spells have no length."""
    valve = read("valve_seats").sort_values(["child_id", "days", "event"], ascending=[True, True, False])
    return valve.assign(start=valve.groupby("child_id")["days"].shift(fill_value=0), stop=valve["days"])


def rounded() -> pd.DataFrame:
    """Return times equal in exact arithmetic, but not in floating point: 0.1 + 0.2 and 0.3."""
    almost = 0.1 + 0.2
    assert almost != 0.3
    start, stop = [0, 0, almost, 0], [almost, 0.3, 1, 1]
    return pd.DataFrame({"child_id": range(4), "start": start, "stop": stop, "event": [1, 0, 1, 0]})


def entering() -> pd.DataFrame:
    """Return four, of whom one enters on the day of another's event."""
    return pd.DataFrame({"child_id": range(4), "start": [0, 0, 10, 0], "stop": [10, 20, 30, 30], "event": [1, 1, 1, 0]})


MEANS: dict[str, Callable[[], recurrence.MeanCumulative]] = {
    "bladder2_by_rx_robust": lambda: recurrence.mean_cumulative(read("bladder2"), by="rx"),
    "bladder1_by_treatment_robust": lambda: recurrence.mean_cumulative(bladder1(), by="treatment"),
    "cgd_all_robust": lambda: recurrence.mean_cumulative(read("cgd")),
    "cgd_by_treat_robust": lambda: recurrence.mean_cumulative(read("cgd"), by="treat"),
    "cgd_cluster_center": lambda: recurrence.mean_cumulative(read("cgd"), cluster="center"),
}
MEAN_COLUMNS = {"days": "time", "at_risk": "n.risk", "events": "n.event", "mean_episodes": "mcf", "se": "se"}

SURVIVAL: dict[str, Callable[[], recurrence.SurvivalCurve]] = {
    "lung_log": lambda: recurrence.kaplan_meier(lung(), limits="log"),
    "lung_loglog": lambda: recurrence.kaplan_meier(lung()),
    "lung_by_sex_log": lambda: recurrence.kaplan_meier(lung(), by="sex", limits="log"),
    "lung_robust": lambda: recurrence.kaplan_meier(lung(), cluster="child_id", limits="log"),
    "lung_cluster_inst": lambda: recurrence.kaplan_meier(lung().dropna(subset="inst"), cluster="inst", limits="log"),
    "mmc_gaps_by_child": lambda: recurrence.kaplan_meier(mmc_gaps(), cluster="child_id", limits="log"),
    "mgus2_delayed_entry": lambda: recurrence.kaplan_meier(mgus2(), limits="log"),
    "mgus2_delayed_entry_robust": lambda: recurrence.kaplan_meier(mgus2(), cluster="child_id", limits="log"),
    "rounded_times": lambda: recurrence.kaplan_meier(rounded(), limits="log"),
    "entry_at_an_event": lambda: recurrence.kaplan_meier(entering(), limits="log"),
}
SURVIVAL_COLUMNS = {
    "days": "time",
    "at_risk": "n.risk",
    "events": "n.event",
    "censored": "n.censor",
    "share_not_yet": "surv",
    "se": "se",
    "lower": "lower",
    "upper": "upper",
    "cumulative_hazard": "cumhaz",
    "hazard_se": "std.chaz",
}


def figures(case: str, name: str) -> np.ndarray:
    return np.array([np.nan if x is None else x for x in R[case][name]], dtype=float)


def mean_cases(case: str) -> Iterator[Case]:
    table = MEANS[case]().table
    for ours, theirs in MEAN_COLUMNS.items():
        # before the first episode, R has an error of nought, and ours is not known
        yield case, ours, table[ours].fillna(0.0).to_numpy(), figures(case, theirs), 0, 1e-12


def survival_cases(case: str) -> Iterator[Case]:
    table = SURVIVAL[case]().table
    # where nobody is left: R's error is not a number, and so are its limits; a share of nought has no error to speak of
    there = figures(case, "surv") > 0
    for ours, theirs in SURVIVAL_COLUMNS.items():
        kept = there if ours in ("se", "lower", "upper") else slice(None)
        yield case, ours, table[ours].to_numpy()[kept], figures(case, theirs)[kept], 0, 1e-12


def gap_cases() -> Iterator[Case]:
    for method, case in (("per_child", "mmc_wang_chang"), ("pooled", "mmc_pooled"), ("first", "mmc_first")):
        table = recurrence.gap_curve(mmc_gaps(), method=method).table
        found = table[table["events"] > 0]
        yield case, "days", found["days"], figures(case, "time"), 0, 0
        yield case, "share_again", 1 - found["share_again"], figures(case, "surv"), 0, 1e-12
        if method == "first":
            yield case, "lower", 1 - found["upper"], figures(case, "lower"), 0, 1e-12
            yield case, "upper", 1 - found["lower"], figures(case, "upper"), 0, 1e-12


def rank_cases() -> Iterator[Case]:
    by_sex = recurrence.log_rank(lung(), "sex")
    early = recurrence.log_rank(lung(), "sex", rho=1)
    staged = lung().dropna(subset="ph.ecog")
    found = {
        "chisq": by_sex.statistic,
        "obs": by_sex.groups["observed"],
        "exp": by_sex.groups["expected"],
        "var": by_sex.variance.ravel(),
        "peto": early.statistic,
        "peto_obs": early.groups["observed"],
        "peto_exp": early.groups["expected"],
        "stratified": recurrence.log_rank(staged, "sex", strata="ph.ecog").statistic,
        "by_ecog": recurrence.log_rank(staged, "ph.ecog").statistic,
        "by_inst": recurrence.log_rank(lung().dropna(subset="inst"), "sex", cluster="inst").statistic,
        "late_by_child": recurrence.log_rank(mgus2(), "sex", cluster="child_id").statistic,
    }
    for name, value in found.items():
        yield "log_rank", name, value, figures("log_rank", name), 1e-11, 0
    for name, data, by in (("bladder2", "bladder2", "rx"), ("cgd", "cgd", "treat")):
        score = recurrence.compare_mean_cumulative(read(data), by).score
        yield "pseudo_score", name, score, figures("pseudo_score", name), 1e-11, 0


def printed_cases() -> Iterator[Case]:
    """Yield what reda 0.5.6 and survrec 1.2-2 print, to 8 and 7 decimals; survfit drops the spells without length."""
    table = recurrence.mean_cumulative(valve_intervals()).table.set_index("days").loc[[61, 98, 265, 408, 561, 653]]
    printed = {
        "mean_episodes": [0.02439024, 0.14634146, 0.41463415, 0.70853659, 0.88353659, 1.54268751],
        "se": [0.02409097, 0.05519934, 0.09110081, 0.13980461, 0.16174773, 0.31165607],
        "se_poisson": [0.02439024, 0.05974365, 0.10056355, 0.13157457, 0.14726462, 0.2628056],
    }
    for name, values in printed.items():
        yield "valve seats, reda", f"{name}, printed", table[name], values, 0, 1e-8
    survrec = {
        "per_child": [0.8885965, 0.6131579, 0.4555556, 0.3071637, 0.2035088, 0.0614035, 0.0],
        "pooled": [0.8578109, 0.6207122, 0.4746166, 0.3044136, 0.1884465, 0.0434877, 0.0],
    }
    for method, shares in survrec.items():
        read_at = recurrence.gap_curve(mmc_gaps(), method=method).at([50, 75, 100, 125, 150, 200, 300])
        yield f"mmc, survrec {method}", "share_again, printed", 1 - read_at["share_again"], shares, 0, 1e-7


def cases() -> Iterator[Case]:
    """Yield all that is compared: case, quantity, ours, R's, relative and absolute tolerance."""
    for case in MEANS:
        yield from mean_cases(case)
    naive = recurrence.mean_cumulative(read("cgd")).table["se_poisson"]
    yield "cgd_all_naive", "se_poisson", naive, figures("cgd_all_naive", "se"), 0, 1e-12
    for case in SURVIVAL:
        yield from survival_cases(case)
    yield from gap_cases()
    yield from rank_cases()
    yield from printed_cases()


@pytest.fixture(scope="module")
def compared() -> list[Case]:
    return list(cases())


@pytest.mark.no_cover
def test_every_figure_is_that_of_r(compared: list[Case]) -> None:
    for case, quantity, ours, theirs, rtol, atol in compared:
        np.testing.assert_allclose(
            np.asarray(ours, dtype=float), theirs, rtol=rtol, atol=atol, err_msg=f"{case}: {quantity}"
        )


def test_no_figure_of_r_is_left_out(compared: list[Case]) -> None:
    assert {case for case, *_ in compared} >= set(R)
    assert len(compared) > 90


def test_two_episodes_on_one_day_are_counted_as_reda_does_and_survfit_does_not() -> None:
    result = recurrence.mean_cumulative(valve_intervals())
    assert result.groups["n_zero_length"].tolist() == [2]
    assert result.at([653])["mean_episodes"].round(3).tolist() == [1.543]  # survfit has 1.407


def test_a_row_that_enters_at_an_event_time_is_not_yet_at_risk() -> None:
    assert recurrence.kaplan_meier(entering()).table["at_risk"].tolist() == [3, 3, 2]


def test_times_that_differ_by_rounding_are_one_step() -> None:
    assert recurrence.kaplan_meier(rounded()).table[["at_risk", "events"]].to_numpy().tolist() == [[3, 1], [2, 1]]
