"""The Cox model against R's coxph: coefficients, both covariances, tests, baseline. See reference/cox.R."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_patterns.recurrence.cox.likelihood import Likelihood, Ties, score_residuals
from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.cox.newton import maximise
from missing_patterns.recurrence.cox.pwp import pwp
from missing_patterns.recurrence.cox.risk import risk_sets

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "cox.json").read_text(encoding="utf-8"))

#: What is compared, and how closely: relative, absolute.
CLOSE = (1e-8, 1e-12)


@functools.cache
def read(name: str) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / f"{name}.csv").rename(columns={"id": "child_id"})
    return frame.rename(columns={c: c.replace(".", "_") for c in frame.columns})


def lung() -> pd.DataFrame:
    frame = read("lung")
    n = np.arange(1, len(frame) + 1)
    return frame.assign(child_id=n, start=0, stop=frame["time"], event=frame["status"] - 1, w=1 + (n % 3) / 2)


def bladder2() -> pd.DataFrame:
    frame = read("bladder2")
    return frame.assign(w=1 + (np.arange(1, len(frame) + 1) % 3) / 2, shift=0.2 * frame["number"])


def cgd() -> pd.DataFrame:
    frame = read("cgd")
    return frame.assign(
        treat=frame["treat"] == "rIFN-g", sex=frame["sex"] == "female", inherit=frame["inherit"] == "autosomal"
    )


def heart() -> pd.DataFrame:
    n = np.arange(1, len(read("heart")) + 1)
    return read("heart").assign(row=n, w=1 + (n % 4) / 3)


def mgus2(unit: int = 1) -> pd.DataFrame:
    """Return follow-up by age: in months, whole numbers, or in years, where equal ages are not equal in the machine."""
    frame = read("mgus2").query("futime > 0").dropna(subset=["hgb", "mspike"])
    start = 12 * frame["age"] / unit
    return frame.assign(
        start=start, stop=start + frame["futime"] / unit, event=frame["death"], sex_m=frame["sex"] == "M"
    )


MGUS = ["sex_m", "hgb", "mspike"]
THREE = ["rx", "number", "size"]
#: Case: the table, the covariates, arguments of the model, arguments of fit.
CASES: dict[str, tuple[Any, Any, dict[str, Any], dict[str, Any]]] = {
    "lung_age_sex_ecog": (
        lambda: lung().dropna(subset=["ph_ecog"]),
        ["age", "sex", "ph_ecog"],
        {"cluster": None},
        {},
    ),
    "lung_strata_sex": (
        lambda: lung().dropna(subset=["ph_ecog"]),
        ["age", "ph_ecog"],
        {"cluster": None, "strata": "sex"},
        {},
    ),
    "lung_weighted": (lung, ["age", "sex"], {"cluster": None}, {"weights": "w"}),
    "lung_offset": (lung, ["age"], {"cluster": None}, {"offset": 0.3 * lung()["sex"]}),
    "bladder2_AG": (bladder2, THREE, {}, {}),
    "bladder2_AG_weighted_robust": (bladder2, THREE, {}, {"weights": bladder2()["w"].tolist()}),
    "bladder2_AG_offset": (bladder2, ["rx", "size"], {}, {"offset": "shift"}),
    "cgd_AG": (cgd, ["treat", "sex", "age", "height", "weight", "steroids", "propylac"], {}, {}),
    "cgd_AG_inherit_strata_hos": (cgd, ["treat", "inherit", "steroids"], {"strata": "hos_cat"}, {}),
    "bladder2_PWP_total": (bladder2, THREE, {"strata": ["enum"]}, {}),
    "bladder2_PWP_gap": (bladder2, THREE, {"strata": "enum", "time": "gap"}, {}),
    "bladder2_PWP_gap_event_specific": (
        bladder2,
        "number + size + rx:C(enum)",
        {"strata": "enum", "time": "gap"},
        {},
    ),
    "bladder_WLW": (lambda: read("bladder").assign(start=0), THREE, {"strata": "enum"}, {}),
    "heart_tvc": (heart, ["age", "year", "surgery", "transplant"], {}, {}),
    "heart_weighted_robust_by_row": (heart, "age + transplant", {"cluster": None}, {"weights": "w"}),
    "mgus2_delayed_entry": (mgus2, MGUS, {"cluster": None}, {}),
    "mgus2_delayed_entry_clustered": (
        lambda: mgus2().assign(group=lambda f: f["child_id"] // 3),
        MGUS,
        {"cluster": "group"},
        {},
    ),
    "mgus2_float_timefix_on": (lambda: mgus2(12), MGUS, {"cluster": None}, {}),
}
WLW_NAMES = [*THREE, *(f"{x}:C(enum)[T.{k}]" for x in THREE for k in (2, 3, 4))]


def told(
    case: str, model: RecurrentCox, figures: dict[str, Any]
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray, float, float]]:
    """Yield what coxph tells of a case, and ours."""
    names = WLW_NAMES if "WLW_interactions" in case else list(model.coef_.index)
    ours = {
        "coefficients": (model.coef_[names], "coef"),
        "log-likelihood": ([model.loglik_null_, model.loglik_], "loglik"),
        "score test": ([model.score_test_.statistic], "score"),
    }
    naive, robust = model.covariance_.loc[names, names], model.robust_covariance_.loc[names, names]
    if "naive_var" in figures:
        ours["model covariance"] = (naive, "naive_var")
        ours["robust covariance"] = (robust, "var")
        if "robust_score" in figures:
            ours["robust score test"] = ([model.robust_score_test_.statistic], "robust_score")
    else:
        ours["model covariance"] = (naive, "var")
    if "naive_var" not in figures or model.cluster is not None:
        ours["Wald test"] = ([model.wald_test_.statistic], "wald")
    if "baseline" in figures:
        ours["baseline days"] = (model.baseline_["days"], "baseline_days")
        ours["baseline hazard"] = (model.baseline_["cumulative_hazard"], "baseline")
    if "score_residuals" in figures:
        residuals = score_residuals(model._likelihood, model._terms)[:, 0]
        ours["score residuals"] = (residuals, "score_residuals")
    for quantity, (mine, key) in ours.items():
        theirs = np.array(figures[key], dtype=float)
        # Some residuals are differences of much larger numbers, and R's are those of its own last step.
        close = (1e-8, 1e-10) if quantity == "score residuals" else CLOSE
        yield (case, quantity, np.asarray(mine, dtype=float).ravel(), theirs, *close)


def cases() -> Iterator[tuple[str, str, np.ndarray, np.ndarray, float, float]]:
    """Yield (case, quantity, ours, R's, relative tolerance, absolute tolerance)."""
    ties: Ties
    for ties in ("efron", "breslow"):
        for case, (frame, columns, arguments, more) in CASES.items():
            name = f"{case}__{ties}"
            yield from told(name, RecurrentCox(ties=ties, **arguments).fit(frame(), columns, **more), R[name])
        name = f"bladder_WLW_interactions__{ties}"
        formula = "rx + number + size + rx:C(enum) + number:C(enum) + size:C(enum)"
        model = RecurrentCox(ties=ties, strata="enum").fit(read("bladder").assign(start=0), formula)
        yield from told(name, model, R[name])
        for clock in ("total", "gap"):
            name = f"cgd_PWP_{clock}__{ties}"
            counted = cgd().assign(episode_no=cgd()["enum"])
            model = pwp(counted, ["treat", "steroids"], time=clock, max_stratum=4, ties=ties)
            yield from told(name, model, R[name])


@functools.cache
def found() -> list[tuple[str, str, np.ndarray, np.ndarray, float, float]]:
    return list(cases())


QUANTITIES = (
    "coefficients",
    "model covariance",
    "robust covariance",
    "log-likelihood",
    "score test",
    "robust score test",
    "Wald test",
    "baseline days",
    "baseline hazard",
    "score residuals",
)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_figures_are_those_of_coxph(quantity: str) -> None:
    compared = 0
    for case, this, ours, theirs, rtol, atol in found():
        if this == quantity:
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=f"{case}: {quantity}")
            compared += len(ours)
    assert compared >= 20


def test_every_fit_of_the_script_is_compared() -> None:
    assert {quantity for _, quantity, *_ in found()} == set(QUANTITIES)
    assert {case for case, *_ in found()} | {f"mgus2_float_timefix_off__{t}" for t in ("efron", "breslow")} == set(R)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_times_that_differ_by_rounding_are_tied_and_would_give_other_figures_if_not(ties: Ties) -> None:
    frame = mgus2(12)
    age = read("mgus2").query("futime > 0").dropna(subset=["hgb", "mspike"])["age"].to_numpy(dtype=float)
    stop = age + frame["futime"].to_numpy(dtype=float) / 12
    matrix = frame[MGUS].to_numpy(dtype=float)
    n = len(frame)
    risk = risk_sets(age, stop, frame["event"].to_numpy() > 0, np.zeros(n, dtype=np.int64))
    untied = maximise(Likelihood(matrix - matrix.mean(axis=0), risk, np.ones(n), np.zeros(n), ties), MGUS)
    np.testing.assert_allclose(untied.coef, R[f"mgus2_float_timefix_off__{ties}"]["coef"], rtol=1e-8)
    tied = R[f"mgus2_float_timefix_on__{ties}"]["coef"]
    assert np.abs(untied.coef / tied - 1).max() > 1e-5
    model = RecurrentCox(ties=ties, cluster=None).fit(frame.assign(start=age, stop=stop), MGUS)
    np.testing.assert_allclose(model.coef_, tied, rtol=1e-8)


def test_published_andersen_gill_figures_of_the_bladder_trial() -> None:
    """R and SAS, ties by Breslow: rate ratio .631, robust error .258 by patient and .229 by row, p = .0747."""
    breslow = RecurrentCox(ties="breslow").fit(bladder2(), ["rx", "size", "number"])
    assert round(float(np.exp(breslow.coef_["rx"])), 3) == 0.631
    assert round(float(np.sqrt(breslow.robust_covariance_.loc["rx", "rx"])), 3) == 0.258
    by_row = RecurrentCox(ties="breslow", cluster=None).fit(bladder2(), ["rx", "size", "number"])
    assert round(float(np.sqrt(by_row.robust_covariance_.loc["rx", "rx"])), 3) == 0.229
