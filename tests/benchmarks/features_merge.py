"""The features in pandas, with triggers counted as most would write it: every moment beside every fact of the child.

All else is as in features_pandas.py. Pairs grow with the square of a child's episodes, so they are made for some
hundred thousand at a time.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from benchmarks import features_pandas
from benchmarks.features_pandas import DAY, Array, Asks, Frame

BLOCK = 50_000


def build(tables: dict[str, Frame]) -> Frame:
    """Return the feature table at each return."""
    return features_pandas.build(tables, count=by_merging)


def by_merging(facts: Frame, asks: Asks, lookbacks: tuple[int, ...]) -> tuple[Array, dict[int, Array], Array]:
    """Count the facts of each code ever and in each lookback, and the days since the latest."""
    asked = pd.DataFrame({"ask": np.arange(len(asks.child)), "child": asks.child, "at": asks.time})
    facts = facts[["child", "x", "event", "usable"]]
    parts = [_block(asked.iloc[k : k + BLOCK], facts, lookbacks) for k in range(0, len(asked), BLOCK)]
    ever, *inside, since = (np.concatenate(part) for part in zip(*parts, strict=True))
    return ever, dict(zip(lookbacks, inside, strict=True)), since


def _block(asked: Frame, facts: Frame, lookbacks: tuple[int, ...]) -> list[Array]:
    pairs = asked.merge(facts, on="child")
    pairs = pairs[pairs["usable"] <= pairs["at"]]
    width = range(len(features_pandas.trigger_names()[0]))

    def spread(of_pair: pd.Series, blank: float) -> Frame:
        return of_pair.unstack("x").reindex(index=asked["ask"], columns=width).fillna(blank)

    ever = spread(pairs.groupby(["ask", "x"]).size(), 0).to_numpy(dtype=np.int32)
    inside = []
    for d in lookbacks:
        recent = pairs[pairs["event"] >= pairs["at"] - d * DAY]
        inside.append(spread(recent.groupby(["ask", "x"]).size(), 0).to_numpy(dtype=np.int32))
    since = (pairs["at"] - pairs["event"]).groupby([pairs["ask"], pairs["x"]]).min() / DAY
    return [ever, *inside, spread(since, np.nan).to_numpy()]
