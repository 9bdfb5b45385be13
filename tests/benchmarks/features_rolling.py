"""Features in the pandas that most tutorials teach: a flag for each trigger, groupby, and a rolling sum over days.

A rolling window knows one time only, so here a trigger is dated by when it was known: what ours does too where the
interviews are not handed over.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from benchmarks.features_pandas import FAR, ordered_episodes, trigger_names

from missing_patterns import read_codebook

LOOKBACKS = (28, 90, 365)
NAMED = ("present", "suspected")


def names() -> list[str]:
    """Return the features that are made here."""
    made = [f"n_episodes_{d}d" for d in LOOKBACKS]
    return made + [f"{what}_{x}_{d}d" for what in ("any", "n") for d in LOOKBACKS for x in trigger_names()[0]]


def build(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the feature table at each return, sorted by child and time."""
    episodes, children = ordered_episodes(tables["episodes"])
    returns = episodes[episodes["end"] < FAR].sort_values(["child", "end"], kind="stable")
    flags = _flags(tables["triggers"], children)
    columns = ["begun", *flags.columns.drop(["child", "at"])]
    moments = pd.concat(
        [
            flags,
            pd.DataFrame({"child": episodes["child"], "at": episodes["missing_from"], "begun": 1.0}),
            pd.DataFrame({"child": returns["child"], "at": returns["returned_at"], "row": np.arange(len(returns))}),
        ],
        ignore_index=True,
    ).sort_values(["child", "at"], kind="stable", ignore_index=True)
    moments[columns] = moments[columns].fillna(0.0)
    asked = moments["row"].notna().to_numpy()
    order = np.argsort(moments.loc[asked, "row"].to_numpy())
    made = {}
    for d in LOOKBACKS:
        sums = moments.groupby("child", sort=False).rolling(f"{d}D", on="at", closed="left")[columns].sum()
        found = sums.fillna(0.0)[asked].iloc[order].astype("int32")
        made[f"n_episodes_{d}d"] = found["begun"].to_numpy()
        made |= {f"n_{x}_{d}d": found[x].to_numpy() for x in columns[1:]}
        made |= {f"any_{x}_{d}d": found[x].to_numpy() > 0 for x in columns[1:]}
    keys = returns[["child_id", "episode_id"]].reset_index(drop=True)
    keys["index_at"] = returns["returned_at"].to_numpy()
    return pd.concat([keys, pd.DataFrame(made)[names()]], axis=1)


def _flags(triggers: pd.DataFrame, children: pd.Index) -> pd.DataFrame:
    """Return a row for each interview that named anything, with a flag for each code and domain."""
    said = triggers[triggers["status"].isin(NAMED) & triggers["known_at"].notna()]
    wide = pd.crosstab(said["interview_id"], said["code"]).clip(upper=1)
    domains = read_codebook().domains
    by_domain = wide.T.groupby(wide.columns.map(domains)).max().T
    wide = pd.concat([wide, by_domain], axis=1).reindex(columns=trigger_names()[0], fill_value=0).astype("float64")
    whose = said.drop_duplicates("interview_id").set_index("interview_id")
    wide["child"] = children.get_indexer(whose.loc[wide.index, "child_id"])
    wide["at"] = whose.loc[wide.index, "known_at"]
    return wide[wide["child"] >= 0].reset_index(drop=True)
