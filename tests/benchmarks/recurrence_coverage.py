"""Do the 95 % intervals of the repeat statistics hold the truth 95 times in 100? By simulation, run by hand.

    python tests/benchmarks/recurrence_coverage.py                        # all, 1,000 replications where they are cheap
    python tests/benchmarks/recurrence_coverage.py --only cox gaps --replications 500 --seed 7

Children are made up anew for each replication, from a process whose truth is known; where an interval is not for a
parameter of it, its truth is worked out here by a formula or by integration (it is said where). Children's own rates
differ (gamma) unless it is said otherwise. Two processes share the work; the seeds are fixed, so the table can be had
again. ``coverage`` should be 0.95: by chance it lies within two of its standard errors, in the column beside it.
``none`` counts replications that gave no interval (refused or not known), which count as misses. Rows marked with an
interval that is known to be too narrow, such as the Cox model's own errors when children differ, are there to show it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import recurrence
from missing_patterns.errors import MissingPatternsError

#: name -> (lower, truth, upper), one for each interval of a replication.
Found = dict[str, tuple[float, float, float]]
Study = Callable[[np.random.Generator], Found]
STUDIES: dict[str, tuple[Study, int]] = {}


def study(replications: int) -> Callable[[Study], Study]:
    """Register a study and how often it is run by default."""

    def keep(one: Study) -> Study:
        STUDIES[one.__name__] = (one, replications)
        return one

    return keep


# --- children of known rates -------------------------------------------------------------------------------------


def make_children(
    rng: np.random.Generator,
    n: int,
    rate: np.ndarray | float,
    *,
    days: float = 365.0,
    variance: float = 0.8,
    late: float = 0.0,
    rounded: bool = True,
) -> pd.DataFrame:
    """Return spells of children whose episodes come at a constant rate of their own, as the counting process has them.

    ``rate`` is episodes a day of a child of mean frailty; ``late`` the share of children who come on file late.
    """
    own = rng.gamma(1 / variance, variance, n) if variance > 0 else np.ones(n)
    entry = np.where(rng.random(n) < late, rng.uniform(0.0, 0.6 * days, n).round(), 0.0)
    child, start, parts = np.arange(n), entry, []
    each = np.broadcast_to(rate, (n,)) * own
    while len(child):
        gap = rng.exponential(1.0, len(child)) / each[child]
        stop = start + (np.ceil(gap) if rounded else gap)
        event = stop < days
        parts.append(np.column_stack([child, start, np.minimum(stop, days), event]))
        child, start = child[event], stop[event]
    frame = pd.DataFrame(np.concatenate(parts), columns=["child_id", "start", "stop", "event"])
    return frame.sort_values(["child_id", "start"], ignore_index=True).astype({"child_id": int, "event": int})


def with_groups(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Return a covariate that is 0 or 1, and one that is a number, for each child."""
    return pd.DataFrame({"care": rng.permutation(np.arange(n) % 2).astype(float), "age": rng.normal(size=n)})


def limits(estimate: float, se: float) -> tuple[float, float]:
    """Return the normal interval."""
    return estimate - 1.959963984540054 * se, estimate + 1.959963984540054 * se


def gap_table(spells: pd.DataFrame) -> pd.DataFrame:
    """Return the gaps after a return of children who are followed from one."""
    gaps = spells.assign(gap_days=spells["stop"] - spells["start"])
    return gaps.assign(episode_no=gaps.groupby("child_id").cumcount() + 1)


# --- curves ------------------------------------------------------------------------------------------------------


@study(1000)
def mean_cumulative(rng: np.random.Generator) -> Found:
    """Mean episodes per child at day 300: rate x days; 100 children, two in five on file late."""
    rate = 2.0 / 365
    spells = make_children(rng, 100, rate, late=0.4, rounded=False)
    row = recurrence.mean_cumulative(spells).at([300]).iloc[0]
    return {"mean_cumulative, day 300": (row["lower"], 300 * rate, row["upper"])}


@study(1000)
def mean_with_exits(rng: np.random.Generator) -> Found:
    """Mean episodes per child at day 300 where children leave for good, sooner if they go often; 150 children.

    The truth is integrated over children's own rates r: r (1 - exp(-d t)) / d, leaving at the rate d = 0.2 r + 1 / 900.
    """
    n, variance, at = 150, 0.8, 300.0
    own = 2.0 / 365 * rng.gamma(1 / variance, variance, n)
    spells = make_children(rng, n, own, variance=0.0, rounded=False)
    leaves = rng.exponential(1 / (0.2 * own + 1 / 900))[spells["child_id"].to_numpy()]
    spells = spells[spells["start"] < leaves].assign(leaves=leaves[spells["start"] < leaves])
    cut = spells["leaves"] < spells["stop"]
    spells = spells.assign(stop=spells["stop"].where(~cut, spells["leaves"]), event=spells["event"].where(~cut, 0))
    spells["ended_by"] = np.where(cut, "left_care", np.where(spells["event"] == 1, "episode", "end_of_data"))
    row = recurrence.mean_cumulative(spells, exits="ended_by").at([at]).iloc[0]
    from scipy.stats import gamma

    rate = 2.0 / 365 * gamma.ppf((np.arange(4000) + 0.5) / 4000, 1 / variance, scale=variance)
    leaving = 0.2 * rate + 1 / 900
    truth = float((rate * -np.expm1(-leaving * at) / leaving).mean())
    return {"mean_cumulative with exits, day 300": (row["lower"], truth, row["upper"])}


def pooled_truth(rate: float, variance: float, days: float, at: float) -> float:
    """Return what the pooled Kaplan-Meier of children followed for so many days tends to, by integration.

    At gap length t a child of rate r has exp(-rt) (1 + r (days - t)) gaps at risk: those that began in time.
    """
    from scipy.stats import gamma

    share = (np.arange(4000) + 0.5) / 4000
    own = rate * gamma.ppf(share, 1 / variance, scale=variance)
    t = np.linspace(0.0, at, 801)[:, None]
    here = np.exp(-own * t) * (1 + own * (days - t))
    hazard = (own * here).mean(axis=1) / here.mean(axis=1)
    cumulative = float(np.sum((hazard[1:] + hazard[:-1]) / 2 * np.diff(t[:, 0])))
    return 1 - float(np.exp(-cumulative))


@study(600)
def gaps(rng: np.random.Generator) -> Found:
    """Share gone again within 90 days of a return, three estimators; 150 children."""
    rate, variance, at = 1.5 / 365, 0.8, 90.0
    table = gap_table(make_children(rng, 150, rate, variance=variance, rounded=False))
    child = 1 - (1 + variance * rate * at) ** (-1 / variance)
    truth = {"per_child": child, "first": child, "pooled": pooled_truth(rate, variance, 365.0, at)}
    found: Found = {}
    for method, true in truth.items():
        row = recurrence.gap_curve(table, method=method, n_boot=200, random_state=1).at([at]).iloc[0]  # type: ignore[arg-type]
        found[f"gap_curve {method}, day 90"] = (row["lower"], true, row["upper"])
    return found


# --- counts ------------------------------------------------------------------------------------------------------


def _truncated_mean(rate: float, variance: float) -> tuple[float, float]:
    """Return mean episodes of children with at least one, and the share of them with two or more."""
    k = 1 / variance
    none = (1 + variance * rate) ** -k
    one = rate * (1 + variance * rate) ** (-k - 1)
    return rate / (1 - none), 1 - one / (1 - none)


@study(600)
def shares(rng: np.random.Generator) -> Found:
    """Repeat shares; children with at least one episode of a gamma-Poisson count, 200 on file."""
    rate, variance = 1.5, 1.2
    counts: list[int] = []
    while len(counts) < 200:
        drawn = rng.poisson(rate * rng.gamma(1 / variance, variance, 400))
        counts += drawn[drawn > 0].tolist()
    children = np.repeat(np.arange(200), counts[:200])
    episodes = pd.DataFrame({"child_id": children.astype(str), "missing_from": "2026-01-01"})
    table = recurrence.repeat_shares(episodes, n_boot=400, random_state=1).table.set_index("measure")
    mean, more = _truncated_mean(rate, variance)
    truth = {
        "children_with_repeats": more,
        "strict_repeats": 1 - 1 / mean,
        "episodes_of_repeaters": 1 - (1 - more) / mean,
    }
    return {
        f"repeat_shares {name}": (table.loc[name, "lower"], true, table.loc[name, "upper"])
        for name, true in truth.items()
    }


# --- models ------------------------------------------------------------------------------------------------------

EFFECTS = {"care": 0.5, "age": -0.25}


def of_model(rng: np.random.Generator, n: int, variance: float, **more: Any) -> pd.DataFrame:
    """Return spells whose rate goes with care and age."""
    who = with_groups(rng, n)
    rate = 1.5 / 365 * np.exp(who["care"] * EFFECTS["care"] + who["age"] * EFFECTS["age"]).to_numpy()
    return make_children(rng, n, rate, variance=variance, **more).join(who, on="child_id")


def wald(coef: pd.Series, covariance: pd.DataFrame, label: str) -> Found:
    """Return the normal intervals of the two coefficients."""
    se = np.sqrt(np.diag(covariance))
    found: Found = {}
    for k, (name, true) in enumerate(EFFECTS.items()):
        low, high = limits(float(coef[name]), float(se[k]))
        found[f"{label}, {name}"] = (low, true, high)
    return found


@study(1000)
def cox(rng: np.random.Generator) -> Found:
    """Andersen-Gill where children differ, 150 of them, two in five on file late."""
    fit = recurrence.RecurrentCox().fit(of_model(rng, 150, 0.8, late=0.4), list(EFFECTS))
    return {
        **wald(fit.coef_, fit.robust_covariance_, "RecurrentCox robust"),
        **wald(fit.coef_, fit.covariance_, "RecurrentCox model's own (too narrow)"),
    }


@study(1000)
def cox_alike(rng: np.random.Generator) -> Found:
    """Andersen-Gill where children do not differ: both errors should do."""
    fit = recurrence.RecurrentCox().fit(of_model(rng, 150, 0.0, late=0.4), list(EFFECTS))
    return {
        **wald(fit.coef_, fit.robust_covariance_, "RecurrentCox robust, children alike"),
        **wald(fit.coef_, fit.covariance_, "RecurrentCox model's own, children alike"),
    }


@study(1000)
def predicted_mean(rng: np.random.Generator) -> Found:
    """Expected episodes by day 300 of two kinds of children, from 150 who differ, two in five on file late."""
    fit = recurrence.RecurrentCox().fit(of_model(rng, 150, 0.8, late=0.4, rounded=False), list(EFFECTS))
    kinds = pd.DataFrame({"care": [0.0, 1.0], "age": [0.0, 1.0]})
    found: Found = {}
    for row in fit.predict_mean(kinds, days=[300]).table.itertuples():
        kind = kinds.loc[row.pattern]
        truth = 300 * 1.5 / 365 * float(np.exp(kind["care"] * EFFECTS["care"] + kind["age"] * EFFECTS["age"]))
        found[f"predict_mean, care {kind['care']:.0f} age {kind['age']:.0f}"] = (row.lower, truth, row.upper)
        wide = float(np.exp(1.959963984540054 * row.se_survfit / row.mean_episodes))
        told = f"predict_mean, error as survfit, care {kind['care']:.0f} age {kind['age']:.0f}"
        found[told] = (row.mean_episodes / wide, truth, row.mean_episodes * wide)
    return found


@study(1000)
def pwp(rng: np.random.Generator) -> Found:
    """Each episode with a baseline of its own, gap time; children alike, gaps shorter up to the fifth."""
    n = 150
    who = with_groups(rng, n)
    ratio = np.exp(who["care"] * EFFECTS["care"] + who["age"] * EFFECTS["age"]).to_numpy()
    child, start, parts, number = np.arange(n), np.zeros(n), [], 1
    while len(child):
        gap = rng.weibull(1.3, len(child)) * (300.0 / min(number, 5) ** 0.5) * ratio[child] ** (-1 / 1.3)
        stop = start + gap
        event = stop < 730
        rows = {"child_id": child, "start": start, "stop": np.minimum(stop, 730.0), "event": event.astype(int)}
        parts.append(pd.DataFrame(rows).assign(episode_no=number))
        child, start, number = child[event], stop[event], number + 1
    spells = pd.concat(parts, ignore_index=True).join(who, on="child_id")
    fit = recurrence.pwp(spells, list(EFFECTS), time="gap", max_stratum=5)
    return {
        **wald(fit.coef_, fit.robust_covariance_, "pwp gap time, robust"),
        **wald(fit.coef_, fit.covariance_, "pwp gap time, model's own"),
    }


@study(500)
def frailty(rng: np.random.Generator) -> Found:
    """Shared gamma frailty of variance 0.8, 200 children."""
    fit = recurrence.SharedFrailty().fit(of_model(rng, 200, 0.8), list(EFFECTS))
    low, high = fit.theta_interval_
    return {
        **wald(fit.coef_, fit.covariance_full_, "SharedFrailty full"),
        **wald(fit.coef_, fit.covariance_sparse_, "SharedFrailty sparse"),
        "SharedFrailty theta, profile": (low, 0.8, high),
    }


@study(1000)
def rates(rng: np.random.Generator) -> Found:
    """Negative binomial rates with time at risk, 400 children."""
    fit = recurrence.episode_rates(of_model(rng, 400, 0.8), list(EFFECTS), n_sim=0)
    names = list(EFFECTS)
    return {
        **wald(fit.coef, fit.robust_covariance.loc[names, names], "episode_rates robust"),
        **wald(fit.coef, fit.covariance.loc[names, names], "episode_rates model's own"),
    }


@study(500)
def dynamics(rng: np.random.Generator) -> Found:
    """Short-run clustering of 0.25 further episodes per episode, lag 14 days; 400 children on file."""
    from missing_patterns.recurrence.dynamics import simulate_repeats

    spells = simulate_repeats(400, alpha=0.25, lag_days=14, random_state=int(rng.integers(1 << 31)))
    fit = recurrence.RepeatDynamics().fit(spells)
    row = fit.profile().iloc[0]
    low, high = limits(fit.alpha_, float(np.sqrt(fit.covariance_.loc["alpha", "alpha"])))
    return {
        "RepeatDynamics alpha, profile": (row["lower"], 0.25, row["upper"]),
        "RepeatDynamics alpha, normal": (max(low, 0.0), 0.25, high),
    }


@study(1000)
def clustering(rng: np.random.Generator) -> Found:
    """No clustering, children who differ: the ratio within children is 1."""
    spells = make_children(rng, 400, 3.0 / 365, rounded=False)
    table = recurrence.short_run_clustering(spells).table
    return {
        f"short_run_clustering {int(row['window_days'])} days, {row['steady']}": (row["lower"], 1.0, row["upper"])
        for _, row in table.iterrows()
    }


# --- exits and actions -------------------------------------------------------------------------------------------


@study(1000)
def incidence(rng: np.random.Generator) -> Found:
    """Going again against leaving, both at a constant rate; 200 children, one gap each, followed for 40 to 300 days."""
    n, again, leave, at = 200, 2.0 / 365, 1.0 / 365, 90.0
    when, kind = rng.exponential(1 / (again + leave), n), rng.random(n) < again / (again + leave)
    followed = rng.uniform(40, 300, n)
    ended = np.where(when > followed, "end_of_data", np.where(kind, "episode", "left_care"))
    gaps = pd.DataFrame({"child_id": np.arange(n), "episode_no": 1, "gap_days": np.minimum(when, followed)})
    gaps = gaps.assign(event=(ended == "episode").astype(int), ended_by=ended)
    table = recurrence.cumulative_incidence(gaps).at([at]).set_index("end")
    whole = 1 - np.exp(-(again + leave) * at)
    truth = {"episode": whole * again / (again + leave), "exit": whole * leave / (again + leave)}
    return {
        f"cumulative_incidence {end}, day 90": (table.loc[end, "lower"], true, table.loc[end, "upper"])
        for end, true in truth.items()
    }


def _after(rng: np.random.Generator, effect: float, n_boot: int) -> Found:
    from missing_patterns import build_episodes, make_borough

    records = make_borough(600, 36, seed=int(rng.integers(1 << 31)), interview_effect=effect).records
    episodes = build_episodes(records.incidents, observed_until="2026-10-31")
    actions = recurrence.completed_interviews(episodes, records.interviews)
    told = recurrence.compare_after(
        episodes, actions, observed_until="2026-10-31", children=records.children, n_boot=n_boot
    )
    wrong = told.summary().iloc[0]
    row = told.summary().set_index("method").loc["weighted, alike returns"]
    found = {f"compare_after {effect}, robust": (row["lower"], effect, row["upper"])}
    if n_boot:
        found[f"compare_after {effect}, children drawn anew"] = (told.lower, effect, told.upper)
    return {**found, f"ever against never {effect} (immortal time)": (wrong["lower"], effect, wrong["upper"])}


@study(500)
def after(rng: np.random.Generator) -> Found:
    """An interview that changes nothing, and one that takes four in ten off the rate; boroughs of 600 children."""
    return {**_after(rng, 1.0, 0), **_after(rng, 0.6, 0)}


@study(100)
def after_bootstrap(rng: np.random.Generator) -> Found:
    """The same with children drawn anew 100 times, which takes long: fewer replications."""
    return _after(rng, 0.6, 100)


# --- running them ------------------------------------------------------------------------------------------------


def replicate(name: str, seed: int, which: range) -> list[Found]:
    """Run some replications of a study; each has a seed of its own."""
    one = STUDIES[name][0]
    done = []
    for k in which:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                done.append(one(np.random.default_rng([seed, k])))
            except MissingPatternsError:
                done.append({})
    return done


def cover(done: list[Found]) -> Iterator[dict[str, Any]]:
    """Yield a line for each interval of a study."""
    names = list(dict.fromkeys(name for found in done for name in found))
    for name in names:
        three = np.array([found.get(name, (np.nan, np.nan, np.nan)) for found in done], dtype=float)
        lower, truth, upper = three.T
        known = np.isfinite(lower) & np.isfinite(upper)
        inside = known & (lower <= truth) & (truth <= upper)
        share = inside.mean()
        yield {
            "interval": name,
            "replications": len(done),
            "coverage": share,
            "error": float(np.sqrt(max(share * (1 - share), 0.95 * 0.05) / len(done))),
            "too_low": float((known & (upper < truth)).mean()),
            "too_high": float((known & (lower > truth)).mean()),
            "none": int((~known).sum()),
            "width": float(np.median((upper - lower)[known])) if known.any() else np.nan,
        }


def table_of(names: list[str], replications: int | None, seed: int, processes: int) -> Iterator[dict[str, Any]]:
    """Run studies and yield the lines of the table."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name in names:
            n = replications or STUDIES[name][1]
            clock = time.perf_counter()
            size = max(1, n // (8 * processes))
            parts = [range(a, min(a + size, n)) for a in range(0, n, size)]
            done = [f for p in pool.map(replicate, [name] * len(parts), [seed] * len(parts), parts) for f in p]
            for line in cover(done):
                yield {**line, "seconds": time.perf_counter() - clock}


def main() -> None:
    """Print the table."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--only", nargs="+", choices=list(STUDIES), default=list(STUDIES))
    given.add_argument("--replications", type=int, help="of each study, in place of its own number")
    given.add_argument("--seed", type=int, default=2026)
    given.add_argument("--processes", type=int, default=2)
    asked = given.parse_args()
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    sys.stdout.write(
        f"{'interval':44}{'n':>6}{'coverage':>10}{'error':>8}{'too low':>9}{'too high':>9}{'none':>6}{'width':>9}\n"
    )
    for line in table_of(asked.only, asked.replications, asked.seed, asked.processes):
        sys.stdout.write(
            f"{line['interval']:44}{line['replications']:>6}{line['coverage']:>10.3f}{line['error']:>8.3f}"
            f"{line['too_low']:>9.3f}{line['too_high']:>9.3f}{line['none']:>6}{line['width']:>9.3f}"
            f"   {line['seconds']:.0f} s\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
