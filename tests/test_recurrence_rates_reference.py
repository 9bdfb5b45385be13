"""Rates of episodes against R: the same numbers as glm and glm.nb. See reference/counts.R."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import recurrence

REFERENCE = Path(__file__).parent / "reference"

COLUMNS = ["treat", "age", "steroids"]


def cgd() -> pd.DataFrame:
    """Return spells of 128 patients (Fleming and Harrington 1991), from the first day on."""
    read = pd.read_csv(REFERENCE / "cgd.csv").rename(columns={"id": "child_id"})
    return read.assign(treat=read["treat"] == "rIFN-g")[["child_id", "start", "stop", "event", *COLUMNS]]


def cases() -> Iterator[tuple[str, str, Any, Any, float, float]]:
    """Yield case, quantity, ours, R's, relative and absolute tolerance."""
    figures = json.loads((REFERENCE / "counts.json").read_text(encoding="utf-8"))
    poisson = recurrence.episode_rates(cgd(), COLUMNS, model="poisson", n_sim=0)
    theirs = figures["cgd_poisson"]
    yield "cgd_poisson", "coef", poisson.coef, theirs["coef"], 1e-10, 0
    yield "cgd_poisson", "covariance", np.ravel(poisson.covariance), theirs["vcov"], 1e-10, 0
    yield "cgd_poisson", "log-likelihood", [poisson.loglik], theirs["loglik"], 1e-12, 0
    yield "cgd_poisson", "deviance", [poisson.deviance], theirs["deviance"], 1e-12, 0
    negative = recurrence.episode_rates(cgd(), COLUMNS, n_sim=0)
    theirs = figures["cgd_negbin"]
    yield "cgd_negbin", "coef", negative.coef, theirs["coef"], 1e-10, 0
    yield "cgd_negbin", "covariance", np.ravel(negative.covariance), theirs["vcov"], 2e-9, 0
    yield "cgd_negbin", "theta", [negative.theta], theirs["theta"], 1e-9, 0
    # R's error of theta is that of one step before the last of its search, which stops at 1e-4.
    yield "cgd_negbin", "error of theta", [negative.se_theta], theirs["se.theta"], 1e-5, 0
    yield "cgd_negbin", "log-likelihood", [negative.loglik], theirs["loglik"], 1e-12, 0


def test_rates_are_those_of_r() -> None:
    n = 0
    for case, quantity, ours, theirs, rtol, atol in cases():
        np.testing.assert_allclose(
            np.asarray(ours, dtype=float),
            np.asarray(theirs, dtype=float),
            rtol=rtol,
            atol=atol,
            err_msg=f"{case}: {quantity}",
        )
        n += 1
    assert n == 9
