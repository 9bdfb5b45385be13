"""Times one Python implementation on one task, for recurrence.py: python recurrence_peers.py WHO TASK DATA REPEATS OUT.

Kept apart, so that peers can live in an environment of their own: this file needs numpy, pandas and the peer. Each
function returns figures under the same names as recurrence.R. What must be turned into arrays first is counted where a
user would have to do it, from a frame with one row per spell.
"""

from __future__ import annotations

import gc
import importlib
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import recurrence_data

X = list(recurrence_data.COVARIATES)
GRID = np.arange(1, 25) * 30.0
Figures = dict[str, Any]


def at(days: Any, value: Any, first: float) -> np.ndarray:
    """Read a step curve at the days of the grid."""
    padded = np.concatenate([[first], np.asarray(value, dtype=float)])
    return padded[np.searchsorted(np.asarray(days, dtype=float), GRID, side="right")]


def arrays(frame: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Return start, stop, event and covariates."""
    return (
        frame["start"].to_numpy(),
        frame["stop"].to_numpy(),
        frame["event"].to_numpy(),
        np.ascontiguousarray(frame[X].to_numpy()),
    )


# --- ours --------------------------------------------------------------------------------------------------------


def ours_cox(frame: pd.DataFrame) -> Figures:
    from missing_patterns.recurrence import RecurrentCox

    fit = RecurrentCox(ties="efron").fit(frame, X)
    return {
        "coef": fit.coef_.to_numpy(),
        "se": np.sqrt(np.diag(fit.covariance_)),
        "robust_se": np.sqrt(np.diag(fit.robust_covariance_)),
        "loglik": fit.loglik_,
    }


def ours_frailty(frame: pd.DataFrame) -> Figures:
    from missing_patterns.recurrence import SharedFrailty

    fit = SharedFrailty().fit(frame, X)
    return {"coef": fit.coef_.to_numpy(), "theta": fit.theta_, "loglik": fit.loglik_}


def ours_mean_cumulative(frame: pd.DataFrame) -> Figures:
    from missing_patterns.recurrence import mean_cumulative

    table = mean_cumulative(frame).table
    days = table["days"].to_numpy()
    return {"mean": at(days, table["mean_episodes"], 0), "se": at(days, table["se"].fillna(0.0), 0)}


def ours_kaplan_meier(frame: pd.DataFrame) -> Figures:
    from missing_patterns.recurrence import kaplan_meier

    lengths = {"child_id": frame["child_id"], "stop": frame["stop"] - frame["start"], "event": frame["event"]}
    table = kaplan_meier(pd.DataFrame(lengths, copy=False)).table
    days = table["days"].to_numpy()
    return {"share": at(days, table["share_not_yet"], 1), "se": at(days, table["se"].fillna(0.0), 0)}


def ours_late_entry(frame: pd.DataFrame) -> Figures:
    from missing_patterns.recurrence import kaplan_meier

    table = kaplan_meier(frame).table
    days = table["days"].to_numpy()
    return {
        "share": at(days, table["share_not_yet"], 1),
        "hazard": at(days, table["cumulative_hazard"], 0),
        "se": at(days, table["hazard_se"].fillna(0.0), 0),
    }


def _gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Return every spell as a gap."""
    number = frame.groupby("child_id", sort=False).cumcount() + 1
    return pd.DataFrame(
        {
            "child_id": frame["child_id"],
            "episode_no": number,
            "gap_days": frame["stop"] - frame["start"],
            "event": frame["event"],
        }
    )


def ours_gap_curve(frame: pd.DataFrame) -> Figures:
    """One hundred resamples of children, each child counting once."""
    from missing_patterns.recurrence import gap_curve

    read = gap_curve(_gaps(frame), method="per_child", n_boot=100).at([7, 28, 90])
    return {"share": read["share_again"], "lower": read["lower"]}


def ours_incidence(frame: pd.DataFrame) -> Figures:
    from missing_patterns.recurrence import cumulative_incidence

    ended = np.where(frame["event"] == 1, "episode", np.where(frame["child_id"] % 7 == 0, "left_care", "end_of_data"))
    read = cumulative_incidence(_gaps(frame).assign(ended_by=ended)).at([28, 90])
    return {"share": read["share"], "se": read["se"]}


def ours_dynamics(frame: pd.DataFrame) -> Figures:
    """Does one episode go with the next? Children without an episode are on file here."""
    from missing_patterns.recurrence import RepeatDynamics

    fit = RepeatDynamics(zero_truncated=False).fit(frame)
    return {"loglik": fit.loglik_, "shape": fit.frailty_shape_}


def ours_clustering(frame: pd.DataFrame) -> Figures:
    from missing_patterns.recurrence import short_run_clustering

    return {"ratio": short_run_clustering(frame).table["ratio"]}


def ours_concordance(frame: pd.DataFrame) -> Figures:
    from missing_patterns.recurrence.cox.concordance import concordance_of

    start, stop, event, x = arrays(frame)
    found = concordance_of(start, stop, event, x @ np.full(10, 0.1), cluster=frame["child_id"].to_numpy())
    return {"concordance": found.concordance, "se": found.se}


# --- survival (PyPI, Rust) ---------------------------------------------------------------------------------------


def survival_cox(frame: pd.DataFrame) -> Figures:
    from survival import regression

    start, stop, event, x = arrays(frame)
    fit = regression.coxph_fit(stop, event, x, entry=start, cluster=frame["child_id"].to_numpy(), method="efron")
    return {
        "coef": fit.coefficients,
        "se": np.sqrt(np.diag(np.asarray(fit.naive_var))),
        "robust_se": np.sqrt(np.diag(np.asarray(fit.var))),
        "loglik": fit.loglik[1],
    }


def survival_frailty(frame: pd.DataFrame) -> Figures:
    from survival import coxph

    fit = coxph(f"Surv(start, stop, event) ~ {' + '.join(X)} + frailty(child_id)", data=frame)
    return {"coef": list(fit.coefficients)[: len(X)]}


def _survival_curve(frame: pd.DataFrame, **more: Any) -> Any:
    from survival import surv_analysis

    return surv_analysis.survfitkm(frame["stop"].to_numpy(), frame["event"].to_numpy().astype(float), **more)


def survival_mean_cumulative(frame: pd.DataFrame) -> Figures:
    child = frame["child_id"].to_numpy()
    fit = _survival_curve(frame, start=frame["start"].to_numpy(), id=child, cluster=child, robust=True)
    return {"mean": at(fit.time, fit.cumhaz, 0), "se": at(fit.time, fit.std_chaz, 0)}


def survival_kaplan_meier(frame: pd.DataFrame) -> Figures:
    gaps = frame[["event"]].assign(stop=frame["stop"] - frame["start"])
    fit = _survival_curve(gaps, conf_type="log-log")
    return {"share": at(fit.time, fit.surv, 1)}


def survival_late_entry(frame: pd.DataFrame) -> Figures:
    fit = _survival_curve(frame, start=frame["start"].to_numpy())
    return {"share": at(fit.time, fit.surv, 1), "hazard": at(fit.time, fit.cumhaz, 0)}


# --- surpyval ----------------------------------------------------------------------------------------------------


def surpyval_cox(frame: pd.DataFrame) -> Figures:
    from surpyval import CoxPH

    start, stop, event, x = arrays(frame)
    fit = CoxPH.fit(stop, x, c=1 - event, tl=start, tie_method="efron")
    robust = fit.robust_covariance(frame["child_id"].to_numpy())
    return {"coef": np.asarray(fit.params)[-len(X) :], "robust_se": np.sqrt(np.diag(np.asarray(robust)))}


# --- coxdev: a kernel, so the Newton steps are written here; it has no robust errors -----------------------------


def coxdev_cox(frame: pd.DataFrame) -> Figures:
    from coxdev import CoxDeviance

    start, stop, event, x = arrays(frame)
    x = x - x.mean(axis=0)
    deviance = CoxDeviance(event=stop, status=event, start=start, tie_breaking="efron")
    beta = np.zeros(x.shape[1])
    for _ in range(25):
        eta = x @ beta
        found = deviance(eta)
        gradient = x.T @ found.gradient
        information = deviance.information(eta)
        step = np.linalg.solve(2 * (x.T @ (information @ x)), -gradient)  # of half the deviance
        beta += step
        if np.abs(step).max() < 1e-10:
            break
    inverse = np.linalg.inv(x.T @ (deviance.information(x @ beta) @ x))
    return {"coef": beta, "se": np.sqrt(np.diag(inverse))}


# --- lifelines ---------------------------------------------------------------------------------------------------


def lifelines_cox(frame: pd.DataFrame) -> Figures:
    """Robust by child, as its manual says to do for repeat events."""
    from lifelines import CoxPHFitter

    fit = CoxPHFitter()
    fit.fit(frame, duration_col="stop", event_col="event", entry_col="start", cluster_col="child_id")
    return {"coef": fit.params_[X].to_numpy(), "robust_se": fit.standard_errors_[X].to_numpy()}


def lifelines_varying_cox(frame: pd.DataFrame) -> Figures:
    """Without robust errors: it has none."""
    from lifelines import CoxTimeVaryingFitter

    fit = CoxTimeVaryingFitter()
    fit.fit(frame, id_col="child_id", start_col="start", stop_col="stop", event_col="event")
    return {"coef": fit.params_[X].to_numpy(), "se": fit.standard_errors_[X].to_numpy()}


def lifelines_kaplan_meier(frame: pd.DataFrame) -> Figures:
    from lifelines import KaplanMeierFitter

    fit = KaplanMeierFitter().fit((frame["stop"] - frame["start"]).to_numpy(), frame["event"].to_numpy())
    curve = fit.survival_function_.iloc[:, 0]
    return {"share": at(curve.index, curve, 1)}


def lifelines_late_entry(frame: pd.DataFrame) -> Figures:
    from lifelines import KaplanMeierFitter, NelsonAalenFitter

    start, stop, event = frame["start"].to_numpy(), frame["stop"].to_numpy(), frame["event"].to_numpy()
    share = KaplanMeierFitter().fit(stop, event, entry=start).survival_function_.iloc[:, 0]
    fit = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(stop, event, entry=start)
    hazard = fit.cumulative_hazard_.iloc[:, 0]
    return {"share": at(share.index, share, 1), "hazard": at(hazard.index, hazard, 0)}


# --- statsmodels -------------------------------------------------------------------------------------------------


def statsmodels_cox(frame: pd.DataFrame) -> Figures:
    from statsmodels.duration.hazard_regression import PHReg

    start, stop, event, x = arrays(frame)
    child = frame["child_id"].to_numpy()
    fit = PHReg(stop, x, status=event, entry=start, ties="efron").fit(groups=child)
    return {"coef": fit.params, "robust_se": fit.bse}


def statsmodels_kaplan_meier(frame: pd.DataFrame) -> Figures:
    from statsmodels.duration.survfunc import SurvfuncRight

    fit = SurvfuncRight((frame["stop"] - frame["start"]).to_numpy(), frame["event"].to_numpy())
    return {"share": at(fit.surv_times, fit.surv_prob, 1), "se": at(fit.surv_times, fit.surv_prob_se, 0)}


# --- scikit-survival ---------------------------------------------------------------------------------------------


def sksurv_kaplan_meier(frame: pd.DataFrame) -> Figures:
    from sksurv.nonparametric import kaplan_meier_estimator

    event = frame["event"].to_numpy().astype(bool)
    length = (frame["stop"] - frame["start"]).to_numpy()
    days, share, _ = kaplan_meier_estimator(event, length, conf_type="log-log")
    return {"share": at(days, share, 1)}


#: The library that each implementation needs.
NEEDS = {"ours": "missing_patterns", "lifelines_varying": "lifelines"}


def task_of(who: str, task: str) -> Callable[[pd.DataFrame], Figures] | None:
    """Return the function of one implementation for one task, if it has any."""
    return globals().get(f"{who}_{task}")


def version(who: str) -> str | None:
    """Return the version of the library, or None where it is not installed."""
    name = NEEDS.get(who, who)
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    return str(getattr(module, "__version__", "?"))


def status(name: str) -> float:
    """Return a line of what the system knows of this process, in MB."""
    path = Path("/proc/self/status")
    if not path.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in path.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def measure(who: str, task: str, path: Path, repeats: int) -> dict[str, Any]:
    """Run one task some times over, and say what it took and what came out."""
    run = task_of(who, task)
    if run is None:
        raise SystemExit(f"{who} has no {task}")
    frame = recurrence_data.read(path)
    seconds, cpu = [], []
    found: Figures = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = frame[frame["child_id"] < frame["child_id"].iloc[min(600, len(frame) - 1)]]
        run(small.reset_index(drop=True))  # what is imported or compiled on the first call is no part of the time
        gc.collect()
        before = status("VmRSS")
        for _ in range(repeats):
            wall, used = time.perf_counter(), time.process_time()
            found = run(frame)
            seconds.append(time.perf_counter() - wall)
            cpu.append(time.process_time() - used)
    values = {k: np.asarray(v, dtype=float).ravel().tolist() for k, v in found.items()}
    peak = status("VmHWM")
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak, "extra_mb": peak - before, "values": values}


def main() -> None:
    """Measure, or say which of some implementations are installed."""
    if sys.argv[1] == "--versions":
        sys.stdout.write(json.dumps({who: version(who) for who in sys.argv[2:]}))
        return
    who, task, path, repeats, out = sys.argv[1:]
    Path(out).write_text(json.dumps(measure(who, task, Path(path), int(repeats))))


if __name__ == "__main__":
    main()
