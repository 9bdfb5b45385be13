"""How long the repeat statistics take, and whether they are right, against R and the Python peers: run by hand.

    python tests/benchmarks/recurrence.py                                   # 10,000, 100,000 and 1,000,000 spells
    python tests/benchmarks/recurrence.py --rows 10000 --tasks cox --repeats 5
    python tests/benchmarks/recurrence.py --python ~/peers/bin/python       # where the peers are installed

Spells at risk are made up (recurrence_data.py): two years in whole days, ten covariates, a few children with many
episodes. Each measurement is a process of its own with one thread; the implementations take turns, and the median is
shown (a star: it ran less often than --repeats says). Reading the data is not counted, nor is a first small call; what
a user's call does with the frame is.

    cox              Andersen-Gill, Efron ties, ten covariates, model errors and robust errors by child
    cox_fit_only     the same without frame, robust errors and concordance: R's inner routine only
    frailty          the same model with a gamma frailty for each child
    mean_cumulative  mean episodes per child with errors robust to unlike children
    kaplan_meier     share not yet gone again, over all gaps, with intervals
    late_entry       Kaplan-Meier and Nelson-Aalen with late entry
    concordance      of a given score, with its variance by child
    schoenfeld       the test that rate ratios are constant (R only)
    gap_curve (100 resamples), incidence, dynamics, clustering   ours only: no right peer, or none at all

A figure under `differs` is the largest relative difference from R (from the peer `survival` where R is absent) in
any coefficient, error or point of a curve. Peers known to be wrong on spells that follow one another are timed too,
and their difference is shown. Needs nothing that the project does not; peers that are not installed are left out, and
named. R needs its package survival; the Python peers come by

    pip install survival surpyval coxdev lifelines statsmodels scikit-survival
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import recurrence_data, recurrence_peers

R_TASKS = "cox cox_fit_only frailty mean_cumulative kaplan_meier late_entry concordance schoenfeld".split()
TASKS = (*R_TASKS, "gap_curve", "incidence", "dynamics", "clustering")
PEERS = ("R", "survival", "surpyval", "coxdev", "lifelines_varying", "lifelines", "statsmodels", "sksurv")
#: Most spells for which an implementation is run, once at that size: beyond, it takes minutes or hours.
MOST = {
    ("R", "frailty"): 10_000,
    ("survival", "frailty"): 10_000,
    ("lifelines", "cox"): 10_000,
    ("lifelines_varying", "cox"): 100_000,
    ("statsmodels", "cox"): 100_000,
}
#: From so many spells on, a measurement is made once.
ONCE = 1_000_000
#: Largest relative difference from R at which figures count as the same. R is timed with its own stopping rules, which
#: leave coefficients at about 1e-8 and theta at 1e-4; how near figures come where R goes on to the end is in the tests.
SAME = {"share": 1e-10, "mean": 1e-10, "hazard": 1e-10, "concordance": 1e-12}
STOPS_EARLY = {"frailty": 1e-3}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
HERE = Path(__file__).parent


def run(command: list[str], out: Path) -> dict[str, Any] | str:
    """Run one measurement in a process of its own; return what it measured, or why it could not."""
    out.unlink(missing_ok=True)
    done = subprocess.run(
        [*command, str(out)], check=False, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}
    )
    if done.returncode or not out.exists():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return lines[-1][:100] if lines else f"ended with {done.returncode}"
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def command_of(who: str, task: str, path: Path, repeats: int, python: str) -> list[str]:
    """Return the command that measures one implementation."""
    if who == "R":
        return ["Rscript", str(HERE / "recurrence.R"), task, str(path), str(repeats)]
    interpreter = sys.executable if who == "ours" else python
    return [interpreter, str(HERE / "recurrence_peers.py"), who, task, str(path), str(repeats)]


def installed(peers: list[str], python: str) -> tuple[list[str], list[str]]:
    """Return the peers that are there, and those that are not."""
    there: list[str] = []
    if "R" in peers and shutil.which("Rscript"):
        asked = subprocess.run(["Rscript", "-e", "library(survival)"], check=False, capture_output=True)
        there += ["R"] if asked.returncode == 0 else []
    others = [p for p in peers if p != "R"]
    command = [python, str(HERE / "recurrence_peers.py"), "--versions", *others]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    there += [p for p in others if found[p] is not None]
    return there, [p for p in peers if p not in there]


def has_task(who: str, task: str) -> bool:
    """Say whether an implementation can do a task at all."""
    return task in R_TASKS if who == "R" else recurrence_peers.task_of(who, task) is not None


def differences(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> dict[str, float]:
    """Return the largest relative difference for each kind of figure that both have."""
    found = {}
    for name in ours.keys() & theirs.keys():
        a = np.array(ours[name], dtype=float)  # None becomes NaN
        b = np.array(theirs[name], dtype=float)
        if len(a) != len(b):
            found[name] = float("inf")
            continue
        if not len(a):
            continue
        scale = np.maximum(np.abs(b), 1e-3 * np.nanmax(np.abs(b), initial=1e-300))
        apart = np.where(np.isnan(a) & np.isnan(b), 0.0, np.abs(a - b) / scale)
        found[name] = float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0))
    return dict(sorted(found.items()))


def is_same(found: dict[str, float], task: str = "cox") -> bool:
    """Say whether no difference is larger than rounding and stopping rules explain."""
    return all(value <= STOPS_EARLY.get(task, SAME.get(name, 1e-7)) for name, value in found.items())


def compare(task: str, path: Path, n: int, peers: list[str], repeats: int, python: str) -> bool:
    """Let ours and the peers take turns on one task, print a line for each, and say whether ours is right."""
    asked = [who for who in ("ours", *peers) if has_task(who, task)]
    turns = 1 if n >= ONCE else repeats
    runs: dict[str, list[dict[str, Any]]] = {}
    for turn in range(turns):
        for who in asked:
            most = MOST.get((who, task), n + 1)
            if n > most or (turn and (n == most or who not in runs)):
                continue
            found = run(command_of(who, task, path, 1, python), path.with_suffix(".out"))
            if isinstance(found, str):
                say(f"{n:>10,}  {task:16}{who:18}failed: {found}")
            else:
                runs.setdefault(who, []).append(found)
    middle = {who: {k: _middle(done, k) for k in ("seconds", "cpu", "peak_mb")} for who, done in runs.items()}
    judge = next((who for who in ("R", "survival") if who in runs), None)
    right = "ours" in runs or not has_task("ours", task)
    for who in asked:
        if who not in middle:
            if n > MOST.get((who, task), n):
                say(f"{n:>10,}  {task:16}{who:18}left out: it takes minutes or hours at this size")
            continue
        figures, text = middle[who], ""
        if judge is not None and who != judge:
            apart = differences(runs[who][0]["values"], runs[judge][0]["values"])
            text = " differs " + " ".join(f"{name} {value:.0e}" for name, value in apart.items())
            right &= who != "ours" or is_same(apart, task)
        ratio = figures["cpu"] / middle["ours"]["cpu"] if "ours" in middle else float("nan")
        star = "*" if len(runs[who]) < repeats else " "
        say(
            f"{n:>10,}  {task:16}{who:17}{star}{figures['seconds']:9.3f} s{figures['cpu']:9.3f} s CPU"
            f"{ratio:9.2f} x ours{figures['peak_mb']:8,.0f} MB{text}"
        )
    return right


def _middle(done: list[dict[str, Any]], what: str) -> float:
    """Return the median over processes of each process's best; of memory, the largest."""
    if what == "peak_mb":
        return max(one[what] for one in done)
    return statistics.median(min(one[what]) for one in done)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Make the spells, and compare."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    given.add_argument("--repeats", type=int, default=3, help="processes each; the median is shown")
    given.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    given.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    given.add_argument("--python", default=sys.executable, help="interpreter in which the Python peers are installed")
    given.add_argument("--keep", type=Path, help="folder in which the spells are kept and found again")
    asked = given.parse_args()
    there, absent = installed(asked.peers, asked.python)
    if absent:
        say(f"not installed, so left out: {', '.join(absent)}")
    right = True
    with tempfile.TemporaryDirectory() as made:
        folder = asked.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        for n in asked.rows:
            path = folder / f"spells_{n}.bin"
            if not path.exists():
                recurrence_data.write(recurrence_data.make_spells(n), path)
            for task in asked.tasks:
                right &= compare(task, path, n, there, asked.repeats, asked.python)
    raise SystemExit(0 if right else 1)


if __name__ == "__main__":
    main()
