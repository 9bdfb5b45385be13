"""How long the features take, against the peers that a user would pick: run by hand.

    python tests/benchmarks/features.py                               # 10,000, 100,000 and 1,000,000 episodes
    python tests/benchmarks/features.py --episodes 10000 --repeats 5 --peers pandas
    python tests/benchmarks/features.py --ours-only 10000000          # time per episode against 1,000,000

Histories are made up (features_data.py). Every implementation starts from the same checked tables (Polars from the
same as Polars frames; turning them over is not counted) and ends with a frame of the same features at each return.
Each measurement is a process of its own; the implementations take turns, always in the same order, and the median is
shown. Every column of every implementation must agree to the last digit: one that does not is named, and its
implementation gets no figure.

    merge    pandas as most would write it: every moment beside every fact of the child, then a filter
    pandas   pandas with running totals that are looked up by merge_asof, and no function per group
    polars   the same plan in Polars, which is no dependency of this project: pip install polars
    rolling  pandas with groupby and rolling sums over days; the counts one writes in that way, of triggers dated by
             when they were known, beside ours of the same columns
    naive    a function for each child and a loop over its rows; 2,000 episodes, and the columns one writes in that way

`extra` is how far the process grew while the features were made, the result included. Peers with a star ran less
often than `--repeats` says.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import features_data, features_merge, features_naive, features_pandas, features_polars, features_rolling

PEERS = ("merge", "pandas", "polars", "rolling", "naive")
#: Those that make only some of the features: what these are.
PARTIAL = {"rolling": features_rolling.names, "naive": features_naive.names}
NAIVE_ROWS = 2_000
#: A peer that takes minutes runs once at such a size, and the table says so.
SLOW = {"merge": 500_000, "pandas": 500_000, "rolling": 50_000}
TEXTS = ("child_id", "episode_id", "placement_type")


def build_ours(
    tables: dict[str, pd.DataFrame], names: list[str] | None = None, *, by_known: bool = False
) -> pd.DataFrame:
    """Call what a user calls; with names, only these columns; by_known dates triggers by when they were known."""
    from missing_patterns.features import build_features, feature_specs

    specs = None if names is None else tuple(s for s in feature_specs() if s.name in set(names))
    if by_known:
        return build_features(tables["episodes"], tables["triggers"], specs=specs)
    return build_features(
        tables["episodes"],
        tables["triggers"],
        interviews=tables["interviews"],
        placements=tables["placements"],
        specs=specs,
    )


def columns_of(frame: Any) -> dict[str, np.ndarray]:
    """Return each column as bytes that are equal where the values are: floats, microseconds, or text."""
    return {name: _plain(frame[name], name) for name in frame.columns}


def _plain(column: Any, name: str) -> np.ndarray:
    is_pandas = isinstance(column, pd.Series)
    if name in TEXTS:
        values = column.astype(object).where(column.notna(), None).tolist() if is_pandas else column.to_list()
        return np.array(["" if v is None else v for v in values], dtype="U")
    if name == "index_at":
        return features_pandas.us(column) if is_pandas else column.dt.epoch("us").to_numpy()
    if is_pandas:
        return column.to_numpy(dtype=np.float64, na_value=np.nan) + 0.0
    import polars as pl

    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy() + 0.0


def digests(frame: Any) -> dict[str, str]:
    """Return one number for each column."""
    found = {}
    for name, values in columns_of(frame).items():
        is_float = values.dtype.kind == "f"
        alike = np.where(np.isnan(values), np.nan, values) if is_float else values  # one kind of not a number
        found[name] = hashlib.sha256(np.ascontiguousarray(alike).tobytes()).hexdigest()
    return found


def measure(who: str, path: Path, names: list[str] | None) -> dict[str, Any]:
    """Time one implementation in this process."""
    tables: Any = pd.read_pickle(path)  # noqa: S301  written by this script a moment ago
    build: Callable[[Any], Any] = {
        "ours": lambda t: build_ours(t, names),
        "ours, by known": lambda t: build_ours(t, names, by_known=True),
        "merge": features_merge.build,
        "pandas": features_pandas.build,
        "polars": features_polars.build,
        "rolling": features_rolling.build,
        "naive": features_naive.build,
    }[who]
    if who == "polars":
        tables = features_polars.convert(tables)
    # What is imported, cached or compiled on the first call is no part of the time, for none of them.
    warm: Any = features_data.make_history(50)
    build(features_polars.convert(warm) if who == "polars" else warm)
    gc.collect()
    before = _start_of_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    found = build(tables)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    extra = _peak() - before
    is_pandas = isinstance(found, pd.DataFrame)
    size = int(found.memory_usage(index=False).sum()) if is_pandas else int(found.estimated_size())
    return {
        "seconds": wall,
        "cpu": cpu,
        "extra_mb": extra / 2**20,
        "size_mb": size / 2**20,
        "n_rows": len(found),
        "n_columns": found.shape[1],
        "digests": digests(found) if len(found) <= 2_000_000 else {},
    }


def _start_of_peak() -> int:
    """Forget earlier peaks where the system can, and return what the process holds now, in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM") if Path("/proc/self/status").exists() else _start_of_peak()


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def run(who: str, path: Path, names: list[str] | None = None) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", who, str(path)]
    if names is not None:
        listed = path.with_suffix(".names")
        listed.write_text(json.dumps(names))
        command.append(str(listed))
    out = subprocess.run(command, check=False, capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(f"{who} failed:\n{out.stderr[-2000:]}")
    return json.loads(out.stdout)


def make(folder: Path, n: int) -> Path:
    """Make a history in a process of its own, so that what it takes is no part of what is measured."""
    path = folder / f"history_{n}.pkl"
    if not path.exists():
        subprocess.run([sys.executable, __file__, "--make", str(n), str(path)], check=True)
    return path


def disagreeing(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """Return the columns that are not the same to the last digit, or that stand on one side only."""
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def compare(path: Path, n: int, peers: list[str], repeats: int) -> bool:
    """Let ours and the peers take turns, and print a line for each; return whether all agree."""
    times = {p: 1 if n >= SLOW.get(p, n + 1) else repeats for p in peers}
    done: dict[str, list[dict[str, Any]]] = {"ours": [], **{p: [] for p in peers}}
    names = None
    for turn in range(repeats):
        for who, runs in done.items():
            if turn < times.get(who, repeats):
                runs.append(run(who, path, names if who == "ours" else None))
    agree = True
    for peer in peers:
        wrong = {
            c for o, t in zip(done["ours"], done[peer], strict=False) for c in disagreeing(o["digests"], t["digests"])
        }
        if wrong:
            sys.stdout.write(f"{n:>10,}  {peer}: {len(wrong)} columns DIFFER: {', '.join(sorted(wrong)[:12])}\n")
            del done[peer]
            agree = False
    middle = {
        who: {k: statistics.median(r[k] for r in runs) for k in ("seconds", "cpu", "extra_mb", "size_mb", "n_columns")}
        for who, runs in done.items()
    }
    for who, figures in middle.items():
        star = "*" if len(done[who]) < repeats else " "
        sys.stdout.write(
            f"{n:>10,}  {who:7}{star}{figures['seconds']:9.2f} s{figures['cpu']:9.2f} s CPU"
            f"{figures['seconds'] / middle['ours']['seconds']:8.1f} x ours (CPU"
            f"{figures['cpu'] / middle['ours']['cpu']:7.1f} x){figures['extra_mb']:9,.0f} MB extra"
            f"{figures['extra_mb'] / figures['size_mb']:6.2f} x output{int(figures['n_columns']):6} columns\n"
        )
        sys.stdout.flush()
    return agree


def alone(folder: Path, sizes: list[int], repeats: int) -> None:
    """Print what ours takes for each episode, at each size."""
    first = None
    for n in sizes:
        runs = [run("ours", make(folder, n)) for _ in range(repeats)]
        middle = {k: statistics.median(r[k] for r in runs) for k in ("seconds", "extra_mb", "size_mb", "n_rows")}
        each = middle["seconds"] / n * 1e6
        first = first or each
        sys.stdout.write(
            f"{n:>10,}  ours    {middle['seconds']:9.2f} s{each:9.2f} us an episode ({each / first:.2f} x the first)"
            f"{middle['extra_mb']:9,.0f} MB extra, {middle['extra_mb'] / middle['size_mb']:.2f} x the output\n"
        )
        sys.stdout.flush()


def main() -> None:
    """Make the histories, and compare."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--episodes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    given.add_argument("--repeats", type=int, default=3, help="times each; the median is shown")
    given.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    given.add_argument("--ours-only", type=int, metavar="N", help="time an episode at 1,000,000 and at N, no peers")
    given.add_argument("--keep", type=Path, help="folder in which the histories are kept and found again")
    given.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    given.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    asked = given.parse_args()
    if asked.make:
        pd.to_pickle(features_data.make_history(int(asked.make[0])), asked.make[1])
        return
    if asked.measure:
        who, path, *listed = asked.measure
        names = json.loads(Path(listed[0]).read_text()) if listed else None
        sys.stdout.write(json.dumps(measure(who, Path(path), names)))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = asked.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        if asked.ours_only:
            alone(folder, [1_000_000, asked.ours_only], asked.repeats)
            return
        peers = list(asked.peers)
        if "polars" in peers and importlib.util.find_spec("polars") is None:
            sys.stdout.write("polars is not installed and is left out: pip install polars\n")
            peers.remove("polars")
        agree = True
        if "naive" in peers:
            agree &= compare_partial("naive", make(folder, NAIVE_ROWS), NAIVE_ROWS, asked.repeats)
        for n in asked.episodes:
            whole = [p for p in peers if p not in PARTIAL]
            if whole or not peers:
                agree &= compare(make(folder, n), n, whole, asked.repeats)
            if "rolling" in peers:
                agree &= compare_partial("rolling", make(folder, n), n, asked.repeats)
        raise SystemExit(0 if agree else 1)


def compare_partial(peer: str, path: Path, n: int, repeats: int) -> bool:
    """Compare with a peer that makes only some of the features, on these."""
    names = PARTIAL[peer]()
    ours = "ours, by known" if peer == "rolling" else "ours"
    times = {ours: repeats, peer: 1 if n >= SLOW.get(peer, n + 1) else repeats}
    runs: dict[str, list[dict[str, Any]]] = {ours: [], peer: []}
    for turn in range(repeats):
        for who, done in runs.items():
            if turn < times[who]:
                done.append(run(who, path, names))
    wrong = disagreeing(runs[ours][0]["digests"], runs[peer][0]["digests"])
    if wrong:
        sys.stdout.write(f"{n:>10,}  {peer}: {len(wrong)} columns DIFFER: {', '.join(wrong[:12])}\n")
        return False
    mine, theirs = (statistics.median(r["seconds"] for r in done) for done in runs.values())
    sys.stdout.write(
        f"{n:>10,}  {peer:7}{'*' if times[peer] < repeats else ' '}{theirs:9.2f} s, ours {mine:.3f} s: "
        f"{theirs / mine:,.0f} x ours, {runs[peer][0]['n_columns']} columns\n"
    )
    return True


if __name__ == "__main__":
    main()
