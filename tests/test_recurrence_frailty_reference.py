"""Shared gamma frailty against R, brought to its maximum: theta, both covariances, marginal log likelihood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_patterns.recurrence.frailty import SharedFrailty

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "frailty.json").read_text(encoding="utf-8"))

Case = tuple[str, str, Any, Any, float, float]

TUMOURS = ["rx", "number", "size"]
INFECTIONS = ["treated", "steroids", "age"]
#: Case of the R script: data, covariates, how the model is set up.
MODELS: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "kidney": ("kidney", ["age", "sex"], {}),
    "cgd": ("cgd", INFECTIONS, {}),
    "cgd_gap": ("cgd", INFECTIONS, {"time": "gap"}),
    "bladder": ("bladder", TUMOURS, {}),
    "bladder_strata": ("bladder", TUMOURS, {"strata": "enum"}),
    "bladder2": ("bladder2", TUMOURS, {}),
}


def data(name: str) -> pd.DataFrame:
    """Return a data set with our names of columns."""
    frame = pd.read_csv(REFERENCE / f"{name}.csv").rename(columns={"id": "child_id"})
    if name == "kidney":
        return frame.rename(columns={"time": "stop", "status": "event"}).assign(start=0.0)
    if name == "bladder":
        return frame.assign(start=0.0)
    return frame.assign(treated=frame["treat"] != "placebo") if name == "cgd" else frame


@cache
def model(name: str) -> SharedFrailty:
    case, ties = name.split("__")
    of, columns, how = MODELS[case]
    return SharedFrailty(ties=ties, **how).fit(data(of), columns)  # type: ignore[arg-type]


def cases() -> Iterator[Case]:
    """Yield (case, quantity, ours, R's, relative tolerance, absolute tolerance).

    R's theta comes from a search that compares heights, which are flat at the top, so that it is good to about 1e-7; so
    are the figures that hang on it. Its sparse fit creeps to its place. ``se_log_theta`` is from differences there.
    """
    for name, there in R.items():
        ours = model(name)
        yield name, "theta", ours.theta_, there["theta"], 0.0, 1e-6
        yield name, "log likelihood", ours.loglik_, there["loglik"], 1e-12, 0.0
        yield name, "log likelihood, theta 0", ours.loglik_null_, there["loglik_null"], 1e-12, 0.0
        yield name, "coefficients", ours.coef_, there["coef"], 1e-6, 0.0
        yield name, "covariance, sparse", ours.covariance_sparse_, there["var_sparse"], 1e-5, 0.0
        yield name, "standard errors, full", np.sqrt(np.diag(ours.covariance_full_)), there["se_full"], 1e-6, 0.0
        yield name, "standard error of log theta", ours.se_log_theta_, there["se_log_theta"], 1e-4, 0.0


@pytest.mark.parametrize(
    ("name", "what", "ours", "theirs", "rtol", "atol"),
    [pytest.param(*case, id=f"{case[0]}: {case[1]}") for case in cases()],
)
def test_the_figures_are_those_of_r(name: str, what: str, ours: Any, theirs: Any, rtol: float, atol: float) -> None:
    np.testing.assert_allclose(np.ravel(ours), np.ravel(theirs), rtol=rtol, atol=atol, err_msg=f"{name}: {what}")


def test_all_of_the_reference_is_compared() -> None:
    assert {name.split("__")[0] for name in R} == set(MODELS)
    assert len(R) == 2 * len(MODELS)
    compared = {what for _, what, *_ in cases()}
    assert len(compared) == len(next(iter(R.values())))


def test_the_variance_test_of_tumours_is_rs_difference_of_log_likelihoods() -> None:
    there = R["bladder2__efron"]
    statistic = 2 * (there["loglik"][0] - there["loglik_null"][0])
    assert model("bladder2__efron").variance_test_.statistic == pytest.approx(statistic, rel=1e-9)
