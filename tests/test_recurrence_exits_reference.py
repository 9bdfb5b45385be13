"""Exits against R: the same shares, errors, tests and coefficients as survival and cmprsk. See reference/exits.R."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_patterns import recurrence
from missing_patterns.recurrence.exits.johansen import Interval
from missing_patterns.recurrence.exits.subdistribution import weigh

REFERENCE = Path(__file__).parent / "reference"

Case = tuple[str, str, Any, Any, float, float]

ENDED_BY = {0: "end_of_data", 1: "episode", 2: "died"}


@cache
def figures() -> dict[str, Any]:
    return dict(json.loads((REFERENCE / "exits.json").read_text(encoding="utf-8")))


@cache
def mgus2() -> pd.DataFrame:
    """Return one gap per patient, to a plasma cell malignancy ("episode"), or to death."""
    read = pd.read_csv(REFERENCE / "mgus2.csv")
    ev = np.where(read["pstat"] == 0, 2 * read["death"], 1)
    days = np.where(read["pstat"] == 0, read["futime"], read["ptime"])
    return pd.DataFrame(
        {
            "child_id": read["id"],
            "episode_no": 1,
            "gap_days": days,
            "event": (ev == 1).astype(int),
            "ended_by": [ENDED_BY[int(k)] for k in ev],
            "kind": ev,
            "sex": read["sex"],
            "sexM": read["sex"] == "M",
            "age": read["age"],
        }
    )


def by_age() -> pd.DataFrame:
    """Return the same patients on the clock of their age in months, entering late."""
    start = 12 * mgus2()["age"]
    return mgus2().drop(columns="gap_days").assign(start=start, stop=start + mgus2()["gap_days"])


def kidney() -> pd.DataFrame:
    read = pd.read_csv(REFERENCE / "kidney.csv")
    ev = np.where(read["status"] == 0, 0, np.where(read["age"] > 45, 2, 1))
    told = [ENDED_BY[int(k)] for k in ev]
    event = (ev == 1).astype(int)
    return pd.DataFrame({"child_id": read["id"], "gap_days": read["time"], "event": event, "ended_by": told})


def limit_cases(name: str, interval: Interval) -> Iterator[Case]:
    theirs = figures()[name]
    table = recurrence.cumulative_incidence(mgus2(), interval=interval).table
    for column in ("lower", "upper"):
        ours = np.concatenate([table.loc[table["end"] == e, column].to_numpy()[::5] for e in ("episode", "exit")])
        some = np.array(theirs["share"]) > 0
        yield name, column, ours[some], np.array(theirs[column], dtype=float)[some], 1e-10, 0


def curve_cases(name: str, table: pd.DataFrame, by: str | None) -> Iterator[Case]:
    theirs = figures()[name]
    ours = recurrence.cumulative_incidence(table, by=by).table
    ends = {end: ours[ours["end"] == end] for end in ("episode", "exit", "neither")}
    yield name, "days", ends["neither"]["days"], theirs["time"], 0, 0
    yield name, "at_risk", ends["neither"]["at_risk"], theirs["n.risk"], 0, 0
    yield name, "share still at risk", ends["neither"]["share"], theirs["stayed"], 0, 1e-13
    yield name, "its error", ends["neither"]["se"], theirs["se.stayed"], 1e-10, 1e-14
    for column in ("share", "se", *(("lower", "upper") if "lower" in theirs else ())):
        both = np.concatenate([ends[e][column].to_numpy(dtype=float) for e in ("episode", "exit")])
        r = np.array([np.nan if v is None else v for v in theirs[column]], dtype=float)
        if column in ("lower", "upper"):  # where nobody has ended so, R has limits of 0 or none; we have none
            nothing = np.array(theirs["share"]) == 0
            both, r = both[~nothing], r[~nothing]
        yield name, column, both, r, 1e-10, 1e-14


def model_cases(name: str, model: Any, covariance: Any) -> Iterator[Case]:
    theirs = figures()[name]
    yield name, "coef", model.coef_, theirs["coef"], 1e-9, 0
    yield name, "robust covariance", np.ravel(covariance), theirs["var"], 1e-9, 0
    yield name, "model covariance", np.ravel(model.covariance_), theirs["naive"], 1e-9, 0
    yield name, "log-likelihood", [model.loglik_null_, model.loglik_], theirs["loglik"], 1e-12, 0


def cases() -> Iterator[Case]:
    """Yield case, quantity, ours, R's, relative and absolute tolerance."""
    yield from curve_cases("aalen_johansen_by_sex", mgus2(), "sex")
    yield from limit_cases("log_log", "log-log")
    yield from limit_cases("plain", "plain")
    yield from curve_cases("late_entry_by_sex", by_age(), "sex")
    yield from curve_cases("clustered", kidney(), None)
    made, theirs = weigh(mgus2()["gap_days"].to_numpy(dtype=float), mgus2()["kind"].to_numpy()), figures()
    for quantity, ours, key in (
        ("start", made.start[:400], "start"),
        ("stop", made.stop[:400], "stop"),
        ("weight", made.weight[:400], "wt"),
    ):
        yield "finegray_expand", quantity, ours, theirs["finegray_expand"][key], 0, 1e-13
    for name, ties in (("finegray_efron", "efron"), ("finegray_breslow", "breslow")):
        fitted = recurrence.fine_gray(mgus2(), ["age", "sexM"], ties=ties)  # type: ignore[arg-type]
        yield from model_cases(name, fitted.model, fitted.robust_covariance)
        if ties == "efron":
            by_row = weighted_by_row()
            yield from model_cases("finegray_efron_by_row", by_row, by_row.robust_covariance_)
    crr = recurrence.fine_gray(mgus2(), ["age", "sexM"], ties="breslow", follow_up_ends="with")
    yield "cmprsk_crr", "coef", crr.coef, theirs["cmprsk_crr"]["coef"], 1e-9, 0
    yield "cmprsk_crr", "covariance", np.ravel(crr.covariance), theirs["cmprsk_crr"]["var"], 1e-9, 0
    both = [crr.model.loglik_null_, crr.model.loglik_]
    yield "cmprsk_crr", "log-likelihood", both, theirs["cmprsk_crr"]["loglik"], 1e-12, 0
    causes = recurrence.cause_specific(mgus2(), ["age", "sexM"]).models
    for name, end in (("cause_pcm", "episode"), ("cause_death", "exit")):
        yield from model_cases(name, causes[end], causes[end].covariance_)
    result = recurrence.cumulative_incidence(mgus2(), by="sex")
    gray = figures()["cmprsk_cuminc"]
    yield "cmprsk_cuminc", "Gray's test", result.tests["statistic"], gray["statistic"], 1e-9, 0
    yield "cmprsk_cuminc", "p-value", result.tests["p_value"], gray["p"], 1e-9, 0
    at = result.at(gray["times"])
    shares = np.concatenate([at.loc[at["end"] == end, "share"] for end in ("episode", "exit")])
    yield "cmprsk_cuminc", "share", shares, gray["share"], 0, 1e-13


def weighted_by_row() -> recurrence.RecurrentCox:
    """Fit the weighted rows as R does where nobody says which belong together: each by itself."""
    gaps = mgus2()
    made = weigh(gaps["gap_days"].to_numpy(dtype=float), gaps["kind"].to_numpy())
    pieces = gaps.iloc[made.row].assign(start=made.start, stop=made.stop, event=made.event.astype(int))
    return recurrence.RecurrentCox(cluster=None).fit(pieces, ["age", "sexM"], weights=made.weight)  # type: ignore[arg-type]


def test_exits_are_those_of_r() -> None:
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
    assert n == 2 * 8 + 6 + 2 * 2 + 3 + 3 * 4 + 3 + 2 * 4 + 3


def test_pieces_are_as_many_and_as_heavy_as_those_of_r() -> None:
    made = weigh(mgus2()["gap_days"].to_numpy(dtype=float), mgus2()["kind"].to_numpy())
    theirs = figures()["finegray_expand"]
    assert [len(made.row)] == theirs["nrow"]
    assert made.weight.sum() == pytest.approx(theirs["sum"][0], abs=1e-8)
