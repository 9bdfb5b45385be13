"""Features as one first writes them: a function for each child, and a loop over the child's returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from benchmarks import features_pandas as vectorised
from benchmarks.features_pandas import COMPLETED, DAY, FAR, OFFERED

LOOKBACKS = (28, 90, 365)


def names() -> list[str]:
    """Return the features that are made here."""
    made = [f"n_episodes_{d}" for d in ("ever", *(f"{d}d" for d in LOOKBACKS))] + ["days_since_return"]
    made += [f"n_interviews_{s}_{d}d" for s in ("offered", "completed", "declined") for d in LOOKBACKS]
    for x in vectorised.trigger_names()[0]:
        made += [f"any_{x}_ever", f"n_{x}_ever", f"days_since_{x}"]
        made += [f"{what}_{x}_{d}d" for what in ("any", "n") for d in LOOKBACKS]
    return made


def build(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the feature table at each return, sorted by child and time."""
    episodes, children = vectorised.ordered_episodes(tables["episodes"])
    interviews = vectorised.interviews_of(tables["interviews"], children)
    links = vectorised.link(episodes, interviews)
    facts = vectorised.trigger_facts(episodes, tables["triggers"], links, children)
    times = {
        "offered": interviews["offered_at"].fillna(interviews["held_at"]).where(interviews["status"].isin(OFFERED)),
        "completed": interviews["held_at"].where(interviews["status"].isin(COMPLETED)),
        "declined": interviews["offered_at"].where(interviews["status"] == "declined"),
    }
    stamps = pd.DataFrame({k: vectorised.us(vectorised.when_known(v), FAR) for k, v in times.items()})
    stamps["child"] = interviews["child"]
    of_child = dict(list(facts.groupby("child")))
    put_to = dict(list(stamps.groupby("child")))
    parts = episodes.groupby("child")[list(episodes.columns)].apply(
        lambda group: _one_child(group, of_child.get(group.name, facts[:0]), put_to.get(group.name, stamps[:0]))
    )
    columns = ["child_id", "episode_id", "index_at", *names()]
    return parts.reset_index(drop=True)[columns]


def _one_child(group: pd.DataFrame, facts: pd.DataFrame, stamps: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for row in group[group["end"] < FAR].sort_values("end", kind="stable").itertuples():
        t = row.end
        found: dict[str, Any] = {"child_id": row.child_id, "episode_id": row.episode_id, "index_at": row.returned_at}
        found["n_episodes_ever"] = (group["start"] < t).sum()
        earlier = group.loc[group["end"] < t, "end"]
        found["days_since_return"] = (t - earlier.max()) / DAY if len(earlier) else np.nan
        known = facts[facts["usable"] <= t]
        by_x = dict(list(known["event"].groupby(known["x"])))
        for k, x in enumerate(vectorised.trigger_names()[0]):
            events = by_x.get(k)
            n = 0 if events is None else len(events)
            found[f"n_{x}_ever"], found[f"any_{x}_ever"] = n, n > 0
            found[f"days_since_{x}"] = (t - events.max()) / DAY if n else np.nan
            for d in LOOKBACKS:
                inside = int((events >= t - d * DAY).sum()) if n else 0
                found[f"n_{x}_{d}d"], found[f"any_{x}_{d}d"] = inside, inside > 0
        for d in LOOKBACKS:
            found[f"n_episodes_{d}d"] = ((group["start"] >= t - d * DAY) & (group["start"] < t)).sum()
            for status in ("offered", "completed", "declined"):
                inside = (stamps[status] >= t - d * DAY) & (stamps[status] < t)
                found[f"n_interviews_{status}_{d}d"] = inside.sum()
        rows.append(found)
    return pd.DataFrame(rows)
