"""What comes after a Cox model, against R: tests, means, influence, concordance. See reference/cox_after.R."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_patterns.recurrence.cox.concordance import concordance_of
from missing_patterns.recurrence.cox.model import RecurrentCox

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "cox_after.json").read_text(encoding="utf-8"))
TIES = ("efron", "breslow")
TRANSFORMS = ("km", "identity", "rank", "log")

Case = tuple[str, str, Any, Any, float, float]


@cache
def data(name: str) -> pd.DataFrame:
    """Return a data set as the R script prepares it, with our names of columns."""
    frame = pd.read_csv(REFERENCE / f"{name}.csv").rename(columns={"id": "child_id"})
    if name == "lung":
        frame = frame.dropna(subset=["ph.ecog"]).assign(start=0.0, stop=lambda d: d["time"])
        frame["event"] = frame["status"] - 1
        frame["w"] = 1 + (np.arange(1, len(frame) + 1) % 3) / 2
        frame["child_id"], frame["off"] = np.arange(len(frame)), 0.3 * frame["sex"]
    if name == "bladder":
        frame["start"] = 0.0
    if name == "cgd":
        frame["treated"], frame["order"] = frame["treat"] == "rIFN-g", frame["enum"].clip(upper=4)
    if name == "mgus2":
        frame = frame.dropna(subset=["hgb", "mspike"]).assign(
            start=lambda d: 12.0 * d["age"], event=lambda d: d["death"]
        )
        frame["stop"], frame["male"] = frame["start"] + frame["futime"], frame["sex"] == "M"
    return frame


#: Case of the R script: data, covariates, how the model is set up, what its fit is told.
MODELS: dict[str, tuple[str, str | list[str], dict[str, Any], dict[str, Any]]] = {
    "lung": ("lung", ["age", "sex", "ph.ecog"], {"cluster": None}, {}),
    "lung_weights": ("lung", ["age", "sex", "ph.ecog"], {"cluster": None}, {"weights": "w"}),
    "lung_offset": ("lung", ["age"], {"cluster": None}, {"offset": "off"}),
    "lung_strata": ("lung", ["age", "ph.ecog"], {"cluster": None, "strata": "sex"}, {}),
    "bladder2": ("bladder2", ["rx", "number", "size"], {}, {}),
    "bladder2_total": ("bladder2", ["rx", "number", "size"], {"strata": "enum"}, {}),
    "bladder2_gap": ("bladder2", ["rx", "number", "size"], {"strata": "enum", "time": "gap"}, {}),
    "bladder_wlw": ("bladder", ["rx", "number", "size"], {"strata": "enum"}, {}),
    "cgd": ("cgd", ["treated", "steroids"], {}, {}),
    "cgd_formula": ("cgd", "treated + C(Q('hos.cat')) + age", {}, {}),
    "cgd_total": ("cgd", ["treated", "steroids"], {"strata": "order"}, {}),
    "heart": ("heart", ["age", "year", "surgery", "transplant"], {}, {}),
    "mgus2": ("mgus2", ["male", "hgb", "mspike"], {"cluster": None}, {}),
}
NEWDATA: dict[str, dict[str, list[float]]] = {
    "lung": {"age": [50, 70], "sex": [1, 2], "ph.ecog": [0, 2]},
    "lung_weights": {"age": [50, 70], "sex": [1, 2], "ph.ecog": [0, 2]},
    "lung_offset": {"age": [50, 70], "off": [0.3, 0.6]},
    "lung_strata": {"age": [60], "ph.ecog": [1]},
    "bladder2": {"rx": [1, 2], "number": [1, 4], "size": [2, 3]},
    "bladder2_total": {"rx": [2], "number": [2], "size": [1]},
    "cgd": {"treated": [0, 1], "steroids": [0, 0]},
    "heart": {"age": [-10, 5], "year": [1, 4], "surgery": [0, 1], "transplant": [0, 1]},
    "mgus2": {"male": [0, 1], "hgb": [10, 14], "mspike": [1, 2]},
}


@cache
def fitted(name: str, ties: Any) -> RecurrentCox:
    frame, covariates, how, told = MODELS[name]
    return RecurrentCox(ties=ties, **how).fit(data(frame), covariates, **told)


def schoenfeld_cases(name: str, ties: str) -> Iterator[Case]:
    figures = np.array(R[f"{name}__{ties}"]["zph"]).reshape(len(TRANSFORMS), 3, -1)
    for transform, (statistic, df, p_value) in zip(TRANSFORMS, figures, strict=True):
        table = fitted(name, ties).schoenfeld_test(transform=transform).table
        case = f"{name}, {ties}, {transform}"
        yield case, "Schoenfeld chi-squared", table["statistic"], statistic, 1e-8, 0
        yield case, "degrees of freedom", table["degrees_of_freedom"], df, 0, 0
        yield case, "p-value", table["p_value"], p_value, 1e-8, 0


def concordance_cases(name: str, ties: str) -> Iterator[Case]:
    figures, found = np.array(R[f"{name}__{ties}"]["concordance"]), fitted(name, ties).concordance()
    case = f"{name}, {ties}"
    yield case, "concordance", found.concordance, figures[0], 1e-12, 0
    yield case, "its variance", found.se**2, figures[1], 1e-10, 0
    yield case, "its variance under the null", found.se_null**2, figures[2], 1e-10, 0
    counts = found.counts.drop(columns="stratum").sum().to_numpy()
    yield case, "counts of pairs", counts, figures[3:], 1e-12 if name == "lung_weights" else 0, 0


def mean_cases(name: str, ties: str) -> Iterator[Case]:
    figures, newdata = R[f"{name}__{ties}"], pd.DataFrame(NEWDATA[name])
    time, mean, se = (np.array(figures[k]) for k in ("time", "mean", "se"))
    model, case = fitted(name, ties), f"{name}, {ties}"
    if "strata" in figures:
        ends = np.cumsum(figures["strata"]).astype(int)
        table = model.predict_mean(newdata, days=time).table
        for (label, part), low, high in zip(table.groupby("stratum"), np.append(0, ends[:-1]), ends, strict=True):
            rows = part.set_index("days").loc[time[low:high]]
            stratum = f"{case}, stratum {label}"
            yield stratum, "mean", rows["mean_episodes"], mean[low:high], 1e-9, 0
            yield stratum, "its error as survfit", rows["se_survfit"].fillna(0), se[low:high], 1e-9, 0
        return
    table = model.predict_mean(newdata, days=time).table
    for k, (_, part) in enumerate(table.groupby("pattern")):
        yield case, f"mean, pattern {k}", part["mean_episodes"], mean[k::2], 1e-9, 0
        yield case, f"its error as survfit, pattern {k}", part["se_survfit"].fillna(0), se[k::2], 1e-9, 0


def other_cases(ties: Any) -> Iterator[Case]:
    model = RecurrentCox(ties=ties).fit(data("bladder2"), ["rx", "size"])
    table = model.predict_mean(pd.DataFrame({"rx": [2], "size": [3]}), days=[2, 10, 26, 49]).table
    figures = R[f"jackknife__{ties}"]
    yield f"bladder2, {ties}", "mean by differences of weights", table["mean_episodes"], figures["mean"], 1e-9, 0
    yield f"bladder2, {ties}", "robust error of a mean (jackknife)", table["se"], figures["se"], 1e-6, 0
    test = fitted("bladder2", ties).schoenfeld_test().table
    ours = test.set_index("covariate").loc[["rx", "number", "size", "all together"], "p_value_robust"]
    yield f"bladder2, {ties}", "Schoenfeld p-value by child", ours, R[f"robust_zph__{ties}"]["p"], 1e-7, 0
    left = fitted("bladder2", ties).influence().table
    ours = left[["change", "change_foretold"]].to_numpy().ravel()
    yield f"bladder2, {ties}", "change without 1 and 5 children", ours, R[f"left_out__{ties}"]["change"], 1e-7, 0


def uno_cases() -> Iterator[Case]:
    lung = data("lung")
    score = lung[["age", "sex", "ph.ecog"]].to_numpy() @ np.array(R["uno"]["score"])
    found = concordance_of(None, lung["stop"], lung["event"], score, time_weight="n/G2")
    figures = R["uno"]["concordance"]
    yield "lung, n/G2", "concordance", found.concordance, figures[0], 1e-12, 0
    yield "lung, n/G2", "its variance", found.se**2, figures[1], 1e-10, 0


def cases() -> Iterator[Case]:
    """Yield every comparison: case, quantity, our figure, R's, and how far they may differ (relative, absolute)."""
    for ties in TIES:
        for name in MODELS:
            yield from schoenfeld_cases(name, ties)
            yield from concordance_cases(name, ties)
        for name in NEWDATA:
            yield from mean_cases(name, ties)
        yield from other_cases(ties)
    yield from uno_cases()


@pytest.mark.no_cover
def test_every_figure_is_that_of_r() -> None:
    agrees = {
        f"{case}: {quantity}": np.shape(ours) == np.shape(theirs)
        and np.allclose(np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=rtol, atol=atol)
        for case, quantity, ours, theirs, rtol, atol in cases()
    }
    assert [name for name, agreed in agrees.items() if not agreed] == []
    assert len(agrees) == 2 * (len(MODELS) * (4 * 3 + 4) + 7 * 2 * 2 + 2 * (4 + 2) + 4) + 2
