"""Made-up spells at risk for the benchmark of repeat statistics: many children with few episodes, few with many.

A window of two years in whole days; two children in five come on file late; what is known of a child is eight fixed
figures, and two that change at each episode. Each child has a rate of their own (gamma, variance 1.2).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

WINDOW = 730
FRAILTY_VARIANCE = 1.2
FIXED = tuple(f"x{k}" for k in range(1, 9))
CHANGING = ("recent", "moved")
COVARIATES = FIXED + CHANGING
#: True log rate ratios, in the order of COVARIATES.
EFFECTS = np.array([0.3, -0.25, 0.2, -0.1, 0.25, 0.0, 0.3, -0.1, 0.1, 0.2])
RATE_PER_DAY = 1.3 / WINDOW


def make_spells(n_rows: int, seed: int = 1) -> pd.DataFrame:
    """Return spells of whole children, as many as fit into ``n_rows``: ``child_id start stop event`` and covariates.

    ``recent`` is 1 in the spell after an episode and 0 before the first; ``moved`` is drawn anew for every spell.

    Raises
    ------
    Nothing.
    """
    rng = np.random.default_rng(seed)
    n = int(n_rows * 0.45) + 10
    fixed = np.column_stack(
        [rng.normal(size=(n, 4)), rng.integers(0, 2, (n, 3)), rng.integers(10, 18, n) / 2.0 - 6.75]
    ).astype(np.float64)
    entry = np.where(rng.random(n) < 0.4, rng.integers(1, WINDOW - 30, n), 0)
    rate = RATE_PER_DAY * rng.gamma(1 / FRAILTY_VARIANCE, FRAILTY_VARIANCE, n) * np.exp(fixed @ EFFECTS[:8])
    child, start, number, parts = np.arange(n), entry.astype(np.float64), 0, []
    while len(child):
        changing = np.column_stack([np.full(len(child), float(number > 0)), rng.integers(0, 2, len(child))])
        here = rate[child] * np.exp(changing @ EFFECTS[8:])
        stop = start + np.ceil(rng.exponential(1.0, len(child)) / here)
        event = stop <= WINDOW
        stop = np.minimum(stop, WINDOW)
        parts.append(np.column_stack([child, start, stop, event, fixed[child], changing]))
        child, start, number = child[event & (stop < WINDOW)], stop[event & (stop < WINDOW)], number + 1
    rows = np.concatenate(parts)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    last = int(rows[min(n_rows, len(rows) - 1), 0])
    rows = rows[rows[:, 0] < last]
    frame = pd.DataFrame(rows, columns=["child_id", "start", "stop", "event", *COVARIATES], copy=False)
    return frame.astype({"child_id": np.int64, "event": np.int64})


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table of numbers as raw columns of doubles, which R and Python both read at once, and its names.

    Raises
    ------
    Nothing.
    """
    path.write_bytes(np.asfortranarray(frame.to_numpy(dtype=np.float64)).tobytes(order="F"))
    path.with_suffix(".json").write_text(json.dumps({"names": list(frame.columns), "rows": len(frame)}) + "\n")


def read(path: Path) -> pd.DataFrame:
    """Read what :func:`write` wrote.

    Raises
    ------
    Nothing.
    """
    about = json.loads(path.with_suffix(".json").read_text())
    values = np.fromfile(path, dtype=np.float64).reshape(len(about["names"]), about["rows"])
    frame = pd.DataFrame(dict(zip(about["names"], values, strict=True)))
    whole = [c for c in ("child_id", "event", "episode_no") if c in frame]
    return frame.astype(dict.fromkeys(whole, np.int64))
