"""Made-up histories for the benchmark of features: episodes, interviews, triggers and placements of many children.

A fifth of the children has about seven tenths of the episodes. Every seventh record holds dates only. About 55 % of
the episodes have a completed interview that names two or three codes, the same ones again and again for one child;
some interviews cover two episodes, name none, were declined, or were held while the child was still away. References
are numbered as they come in, not child by child. Nothing here is a real child.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns import build_episodes, code_triggers, read_codebook

DAY = 1440
HOMES = np.array([f"H{i}" for i in range(400)], dtype=object)
AREAS = np.array(["Ash", "Birch", "Cedar", "Dogwood", "Elm"], dtype=object)
PLACES = np.array(["friend", "family", "street", "shop", None], dtype=object)
KINDS = np.array(["foster", "childrens_home", "supported_accommodation", "kinship", "parents"], dtype=object)

Tables = dict[str, pd.DataFrame]


def make_history(n: int, seed: int = 1) -> Tables:
    """Return the conformed tables ``episodes interviews triggers placements`` with about ``n`` episodes."""
    rng = np.random.default_rng(seed)
    n_children = max(n // 2, 1)
    weight = np.minimum(rng.lognormal(0, 1.8, n_children), 90)
    child = np.sort(np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(n)).clip(0, n_children - 1))
    incidents = _incidents(rng, child)
    until = "2031-01-01"
    episodes = build_episodes(incidents, observed_until=until)
    interviews = _interviews(rng, episodes)
    placements = _placements(rng, np.unique(child))
    from missing_patterns.schema import INTERVIEWS, PLACEMENTS, conform

    tables = {
        "episodes": episodes,
        "interviews": conform(interviews, INTERVIEWS),
        "triggers": code_triggers(interviews),
        "placements": conform(placements, PLACEMENTS),
    }
    for table in tables.values():
        table.attrs = {}
    return tables


def _names(child: np.ndarray) -> np.ndarray:
    names = np.array([f"C{i:06d}" for i in range(int(child.max()) + 1)], dtype=object)
    return names[child]


def _incidents(rng: np.random.Generator, child: np.ndarray) -> pd.DataFrame:
    n = len(child)
    size = np.bincount(child)[child]
    first = np.append(True, child[1:] != child[:-1])
    away = np.clip(rng.lognormal(np.log(480), 1.3, n), 5, 60 * DAY).astype(np.int64)
    gap = (rng.exponential(1, n) * np.minimum(90, 1500 / size) * DAY).astype(np.int64) + 1
    step = gap + np.append(0, away[:-1])
    step[first] = 0
    since = np.cumsum(step)
    since -= np.repeat(since[first], np.diff(np.append(np.flatnonzero(first), n)))
    begun = since + np.repeat(rng.integers(0, 3 * 365 * DAY, first.sum()), np.diff(np.append(np.flatnonzero(first), n)))
    origin = np.datetime64("2020-01-01T00:00", "us")
    start = origin + begun.astype("timedelta64[m]")
    end = start + away.astype("timedelta64[m]")
    by_date = rng.random(n) < 0.14
    for stamps in (start, end):
        stamps[by_date] = stamps[by_date].astype("datetime64[D]")
    end[rng.random(n) < 0.01] = np.datetime64("NaT")
    kinds = rng.integers(0, len(KINDS), n)
    cared = rng.random(n) < 0.6
    home = rng.integers(0, len(HOMES), child.max() + 1)[child]
    home = np.where(rng.random(n) < 0.1, rng.integers(0, len(HOMES), n), home)
    return pd.DataFrame(
        {
            "incident_id": [f"M{i:07d}" for i in rng.permutation(n).tolist()],
            "child_id": _names(child),
            "missing_from": start,
            "returned_at": end,
            "precision": np.where(by_date, "day", "minute"),
            "category": "missing",
            "placement_type": np.where(cared, KINDS[kinds], None),
            "home_id": np.where(cared, HOMES[home], None),
            "in_area": np.where(cared, rng.random(n) < 0.5, None),
            "found_place": PLACES[rng.integers(0, len(PLACES), n)],
            "found_area": np.where(rng.random(n) < 0.7, AREAS[rng.integers(0, len(AREAS), n)], None),
        }
    )


def _interviews(rng: np.random.Generator, episodes: pd.DataFrame) -> pd.DataFrame:
    back = episodes[episodes["returned_at"].notna()]
    back = back[rng.random(len(back)) < 0.8].reset_index(drop=True)
    n = len(back)
    status = rng.choice(
        ["completed", "completed_partial", "declined", "offered_pending", "not_offered_other"],
        n,
        p=[0.65, 0.04, 0.15, 0.08, 0.08],
    ).astype(object)
    returned = back["returned_at"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[m]")
    began = back["missing_from"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[m]")
    offered = returned + rng.integers(0, 2 * DAY, n).astype("timedelta64[m]")
    held = offered + rng.integers(10, 4 * DAY, n).astype("timedelta64[m]")
    early = rng.random(n) < 0.01  # spoken to on the telephone while still away
    held[early] = began[early] + (returned - began)[early] // 2
    held[~np.isin(status, ["completed", "completed_partial"])] = np.datetime64("NaT")
    offered[status == "not_offered_other"] = np.datetime64("NaT")
    offered[rng.random(n) < 0.05] = np.datetime64("NaT")
    stamps = {}
    for name, utc in (("offered_at", offered), ("held_at", held)):
        local = pd.Series(utc.astype("datetime64[us]")).dt.tz_localize("UTC").dt.tz_convert("Europe/London")
        day_only = rng.random(n) < 0.3
        stamps[name] = local.where(~day_only, local.dt.normalize())
    own = back["incident_ids"].to_numpy()
    child = pd.factorize(back["child_id"])[0]
    lists = own.copy()
    both = np.flatnonzero((rng.random(n) < 0.05) & np.append(False, child[1:] == child[:-1]))
    for i in both:  # one interview for two absences
        lists[i] = own[i - 1] + own[i]
    lists[rng.random(n) < 0.08] = None
    return pd.DataFrame(
        {
            "interview_id": [f"R{i:07d}" for i in rng.permutation(n).tolist()],
            "child_id": back["child_id"],
            "incident_ids": lists,
            "status": status,
            **stamps,
            "coded_triggers": _triggers(rng, child, stamps["held_at"].notna().to_numpy()),
        }
    )


def _triggers(rng: np.random.Generator, child: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Name two or three codes in each interview held, mostly out of four that are the child's own."""
    codes = np.array(read_codebook().codes, dtype=object)
    n = len(child)
    own = rng.integers(0, len(codes), (child.max() + 1 if n else 0, 4))
    named = own[child[:, None], rng.integers(0, 4, (n, 3))]
    named = np.where(rng.random((n, 3)) < 0.25, rng.integers(0, len(codes), (n, 3)), named)
    length = np.where(rng.random(n) < 0.5, 3, 2)
    length[rng.random(n) < 0.03] = 0
    lists = np.empty(n, dtype=object)
    lists[:] = [tuple(row[:k]) for row, k in zip(codes[named].tolist(), length.tolist(), strict=True)]
    lists[~held] = None
    return lists


def _placements(rng: np.random.Generator, children: np.ndarray) -> pd.DataFrame:
    cared = children[rng.random(len(children)) < 0.8]
    spells = rng.geometric(0.4, len(cared)).clip(1, 12)
    child = np.repeat(cared, spells)
    n = len(child)
    first = np.append(True, child[1:] != child[:-1]) if n else np.zeros(0, dtype=bool)
    step = rng.geometric(1 / 200, n) - 1
    step[first] = 0
    day = np.cumsum(step)
    sizes = np.diff(np.append(np.flatnonzero(first), n))
    day = day - np.repeat(day[first], sizes) + np.repeat(rng.integers(-400, 900, len(sizes)), sizes)
    started = np.datetime64("2020-01-01", "D") + day
    ended = np.append(started[1:], np.datetime64("NaT", "D")) if n else started
    last = np.append(first[1:], True) if n else first
    ended[last] = np.where(rng.random(last.sum()) < 0.2, started[last] + 150, np.datetime64("NaT", "D"))
    kind = rng.integers(0, len(KINDS), n)
    return pd.DataFrame(
        {
            "child_id": _names(child) if n else np.array([], dtype=object),
            "started_on": started.astype("datetime64[us]"),
            "ended_on": ended.astype("datetime64[us]"),
            "placement_type": KINDS[kind],
            "provider": np.where(rng.random(n) < 0.5, "own", "bought"),
            "home_id": HOMES[rng.integers(0, len(HOMES), n)],
            "legal_status": rng.choice(["C2", "V2", "E1"], n),
            "in_area": rng.random(n) < 0.6,
            "distance_miles": np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 800, n) / 10),
        }
    )
