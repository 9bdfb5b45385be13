"""Can runs of episodes be told from children who simply go often? Tables of simulated data, and the time for many.

    python tests/benchmarks/recurrence_dynamics.py                      # 12 data sets of each kind, about a minute
    python tests/benchmarks/recurrence_dynamics.py --sets 40 --null 200
    python tests/benchmarks/recurrence_dynamics.py --only speed --children 500000

``truth``: what was planted, in two years of each child's time, every child in the table. ``alpha`` and its spread over
data sets; ``alike`` what is found if all children are taken to have one rate; ``test`` and ``test alike`` the share of
data sets in which the likelihood ratio says that episodes cluster (above 4, the quick limit). ``traps``: what is found
when only children with an episode are on file and that is ignored, when children change between good and bad phases,
when their rates are lognormal, and when rates grow with time. ``null``: how often the quick limit is passed by chance.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import sys
import time
import warnings

import numpy as np
import pandas as pd

from missing_patterns.recurrence import RepeatDynamics
from missing_patterns.recurrence.dynamics import simulate_repeats

ALIKE = float("inf")
PLANTED = {
    "only unlike children, shape 0.7": {"alpha": 0.0, "rate_per_year": 1.2, "frailty_shape": 0.7},
    "only runs, alpha 0.5": {"alpha": 0.5, "rate_per_year": 1.1, "frailty_shape": ALIKE},
    "both, alpha 0.35, shape 0.8": {"alpha": 0.35, "rate_per_year": 0.8, "frailty_shape": 0.8},
    "neither": {"alpha": 0.0, "rate_per_year": 1.4, "frailty_shape": ALIKE},
}


def fit(spells: pd.DataFrame, **settings: object) -> RepeatDynamics:
    """Fit without the warnings, which speak of single data sets."""
    asked = {name: settings.pop(name) for name in ("bands",) if name in settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RepeatDynamics(**settings).fit(spells, **asked)


def table_of(fits: list[RepeatDynamics]) -> dict[str, float]:
    """Summarise the fits of one kind of data."""
    alpha = np.array([model.alpha_ for model in fits])
    gain = [2 * (model.loglik_if_alike_ - poisson_of(model)) for model in fits]
    return {
        "episodes": round(float(np.mean([model.n_episodes_ for model in fits]))),
        "alpha": alpha.mean(),
        "sd": alpha.std(ddof=1) if len(fits) > 1 else np.nan,
        "lag": np.nanmedian([np.nan, *[model.lag_days_ for model in fits]]) if (alpha > 0).any() else np.nan,
        "shape": np.median([model.frailty_shape_ for model in fits]),
        "rate": np.mean([model.rate_per_year_ for model in fits]),
        "alike": np.mean([model.alpha_if_alike_ for model in fits]),
        "test": np.mean([model.statistic_ > 4 for model in fits]),
        "test alike": np.mean(np.array(gain) > 4),
    }


def poisson_of(model: RepeatDynamics) -> float:
    """Log-likelihood of one rate for all and no runs (every child in the table)."""
    return model.n_episodes_ * (np.log(model.n_episodes_ / model.days_at_risk_) - 1)


def truth_table(sets: int) -> pd.DataFrame:
    """Fit data sets of each kind, of 300 and 2,000 children."""
    rows = []
    for (name, planted), n in itertools.product(PLANTED.items(), (300, 2000)):
        fits = [
            fit(simulate_repeats(n, zero_truncated=False, random_state=seed, **planted), zero_truncated=False)
            for seed in range(sets)
        ]
        rows.append({"truth": name, "children": n, **table_of(fits)})
    return pd.DataFrame(rows)


def histories(rng: np.random.Generator, rates: np.ndarray, days: float, changes: object, alpha: float) -> pd.DataFrame:
    """Make up spells of children whose rates a day are ``rates`` times a function of the day, at most 1."""
    spells = []
    for child, rate in enumerate(rates):
        found = [t for t in rng.random(rng.poisson(rate * days)) * days if rng.random() < changes(child, t)]
        todo = list(found)
        while todo:
            after = todo.pop() + rng.exponential(14.0, rng.poisson(alpha))
            found += after[after < days].tolist()
            todo += after[after < days].tolist()
        edges = [0.0, *sorted(found), days]
        if found:
            spells += [(child, a, b, int(i < len(found))) for i, (a, b) in enumerate(itertools.pairwise(edges))]
    return pd.DataFrame(spells, columns=["child_id", "start", "stop", "event"])


def trap_table() -> pd.DataFrame:
    """Fit data in which the model's assumptions do not hold, and say what comes out."""
    rows = []

    def add(trap: str, planted: float, model: RepeatDynamics) -> None:
        found = {"alpha": model.alpha_, "lag": model.lag_days_, "rate": model.rate_per_year_}
        found |= {"shape": model.frailty_shape_, "ratio": model.statistic_}
        rows.append({"trap": trap, "planted": planted, "episodes": model.n_episodes_, **found})

    on_file = simulate_repeats(2000, alpha=0.35, rate_per_year=0.6, frailty_shape=0.8, random_state=1)
    add("only those with an episode on file: allowed for", 0.35, fit(on_file))
    add("the same, ignored", 0.35, fit(on_file, zero_truncated=False))
    for low, high in ((183.0, 183.0), (61.0, 61.0), (183.0, 61.0), (61.0, 20.0)):
        rng = np.random.default_rng(3)
        begin = rng.random(2500) * (low + high)
        phases = histories(
            rng,
            rng.gamma(0.8, 4.0 / 365.25 / 0.8, 2500),
            730.0,
            lambda child, t, begin=begin, low=low, high=high: 1.0 if (t + begin[child]) % (low + high) > low else 0.05,
            0.0,
        )
        add(f"no runs, {low:.0f} days of low rate and {high:.0f} of high in turn", 0.0, fit(phases))
    rng = np.random.default_rng(4)
    lognormal = np.minimum(0.01 * np.exp(2.45 * rng.standard_normal(20000)), 45.0) / 365.25
    add("lognormal own rates", 0.2, fit(histories(rng, lognormal[:15000], 1095.0, lambda c, t: 1.0, 0.2)))
    grows = histories(rng, 1.6 * lognormal[:15000], 1095.0, lambda c, t: 0.25 + 0.75 * t / 1095.0, 0.2)
    add("rates that grow fourfold in three years", 0.2, fit(grows))
    add("the same, with bands of half a year", 0.2, fit(grows, bands=[182.5 * i for i in range(1, 6)]))
    return pd.DataFrame(rows)


def null_table(sets: int) -> pd.DataFrame:
    """Count how often chance alone passes the quick limit."""
    ratio = np.array(
        [
            fit(simulate_repeats(1500, alpha=0.0, rate_per_year=0.6, frailty_shape=0.8, random_state=seed)).statistic_
            for seed in range(sets)
        ]
    )
    row = {
        "sets": sets,
        "nought": np.mean(ratio == 0),
        "above 3.84": np.mean(ratio > 3.84),
        "above 4": np.mean(ratio > 4),
    }
    return pd.DataFrame([{**row, "above 5.99": np.mean(ratio > 5.99), "95 % point": np.quantile(ratio, 0.95)}])


def speed_table(n: int) -> pd.DataFrame:
    """Time the fit of many children."""
    rows = []
    for children in sorted({max(n // 100, 10), max(n // 10, 10), n}):
        spells = simulate_repeats(children, days=800.0, rate_per_year=0.8, zero_truncated=False, random_state=5)
        clock, cpu = time.perf_counter(), time.process_time()
        model = fit(spells, zero_truncated=False)
        took = {"wall_s": time.perf_counter() - clock, "cpu_s": time.process_time() - cpu}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        found = {"alpha": model.alpha_, "lag": model.lag_days_, "shape": model.frailty_shape_, "peak_gb": peak}
        rows.append({"children": children, "episodes": model.n_episodes_, **took, **found})
    return pd.DataFrame(rows)


def main(arguments: list[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=12, help="data sets of each kind")
    parser.add_argument("--null", type=int, default=60, help="data sets without runs for the quick limit")
    parser.add_argument("--children", type=int, default=500_000, help="children of the largest timed fit")
    parser.add_argument("--only", nargs="+", choices=("truth", "traps", "null", "speed"))
    asked = parser.parse_args(arguments)
    tables = {
        "truth": lambda: truth_table(asked.sets),
        "traps": trap_table,
        "null": lambda: null_table(asked.null),
        "speed": lambda: speed_table(asked.children),
    }
    for name in asked.only or tables:
        print(f"\n{name}\n{tables[name]().round(3).to_string(index=False)}", flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    main(sys.argv[1:])
