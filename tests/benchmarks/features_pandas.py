"""The features as a good analyst writes them in pandas: merge, groupby-cumsum and merge_asof, no function per group.

What happened and when it was known differ, so a window of rows does not do: see ``running_totals``, which is as fast
as pandas gets, and features_merge.py, which is what most would write.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import read_codebook
from missing_patterns.features.calendar import read_calendar

HOUR, DAY = 3_600_000_000, 86_400_000_000
NEVER, FAR = -(2**61), 2**61
OFFERED = (*("offered_pending", "declined", "accepted_not_held", "completed", "completed_partial", "covered_by_other"),)
COMPLETED = ("completed", "completed_partial")

Frame = pd.DataFrame
Array = np.ndarray
Count = Callable[[Frame, "Asks", tuple[int, ...]], tuple[Array, dict[int, Array], Array]]


def us(times: pd.Series, blank: int = NEVER) -> Array:
    """Return zoned stamps as microseconds of UTC."""
    whole = times.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]").astype("int64").to_numpy().copy()
    whole[times.isna().to_numpy()] = blank
    return whole


def london_day(times: pd.Series) -> pd.Series:
    """Return the day in London, as a stamp without a zone."""
    return times.dt.tz_localize(None).dt.normalize()


def next_midnight(days: pd.Series) -> pd.Series:
    """Return the end of each day in London."""
    return (days + pd.Timedelta(days=1)).dt.tz_localize("Europe/London")


def when_known(times: pd.Series) -> pd.Series:
    """Return the time, or the end of the day where only the day is known."""
    day = london_day(times)
    return times.mask(times.dt.tz_localize(None) == day, next_midnight(day))


class Asks:
    """The rows asked about: child and time, in the order of the result."""

    def __init__(self, child: Array, time: Array) -> None:
        self.child, self.time = child, time
        self.order = np.argsort(time, kind="stable")
        self.back = np.argsort(self.order, kind="stable")

    def last(self, facts: Frame, at: Array | None = None, strict: bool = False, by: Array | None = None) -> Array:
        """Return the position, from 1, of the last fact (``by time``, in its order) at or before; 0 where none is."""
        left = pd.DataFrame({"by": self.child if by is None else by, "at": self.time if at is None else at})
        order, back = self.order, self.back
        if at is not None and by is not None:
            order = np.argsort(at, kind="stable")
            back = np.argsort(order, kind="stable")
        right = facts.assign(position=np.arange(1, len(facts) + 1)).sort_values("time", kind="stable")
        found = pd.merge_asof(
            left.iloc[order],
            right[["by", "time", "position"]],
            left_on="at",
            right_on="time",
            by="by",
            allow_exact_matches=not strict,
        )
        return found["position"].fillna(0).astype(np.int64).to_numpy()[back]

    def count(self, by: Array, time: Array, at: Array | None = None, strict: bool = True) -> Array:
        """Return the number of facts of the child before (or at) the time."""
        facts = pd.DataFrame({"by": by, "time": time}).sort_values(["by", "time"], kind="stable")
        n = np.append(0, facts.groupby("by").cumcount().to_numpy() + 1)
        return n[self.last(facts, at, strict)]


def ordered_episodes(episodes: Frame) -> tuple[Frame, Any]:
    """Return the episodes in order, with numbers for the child and whole microseconds; and the children."""
    ep = episodes.sort_values(["child_id", "missing_from", "episode_no"], kind="stable", ignore_index=True)
    ep["child"], children = pd.factorize(ep["child_id"], sort=True)
    ep["start"], ep["end"] = us(ep["missing_from"]), us(ep["returned_at"], FAR)
    ep["row"] = np.arange(len(ep))
    return ep, children


def interviews_of(interviews: Frame, children: Any) -> Frame:
    """Return the interviews of these children, with the child's number."""
    numbered = interviews.assign(child=children.get_indexer(interviews["child_id"]))
    return numbered[numbered["child"] >= 0].reset_index(drop=True)


def build(tables: dict[str, Frame], lookbacks: tuple[int, ...] = (28, 90, 365), count: Count | None = None) -> Frame:
    """Return the feature table at each return; ``count`` is how triggers are counted, None for running totals."""
    ep, children = ordered_episodes(tables["episodes"])
    rows = ep[ep["end"] < FAR].sort_values(["child", "end"], kind="stable", ignore_index=True)
    asks = Asks(rows["child"].to_numpy(), rows["end"].to_numpy())
    calendar = _calendar(ep)
    columns: dict[str, Any] = {
        "child_id": rows["child_id"],
        "episode_id": rows["episode_id"],
        "index_at": rows["returned_at"],
        "episode_no": rows["episode_no"].to_numpy(dtype=np.int32),
        "duration_hours": rows["duration_hours"],
        "gap_days": rows["gap_days"],
        "is_still_missing": np.zeros(len(rows), dtype=bool),
    }
    columns |= _history(ep, rows, asks, lookbacks)
    columns |= _calendar_columns(rows, calendar)
    columns |= _placement(tables["placements"], children, rows, asks, lookbacks)
    interviews = interviews_of(tables["interviews"], children)
    links = link(ep, interviews)
    # Offers are linked by when they were made: what was held later is not known yet.
    offers = link(ep, interviews.assign(held_at=interviews["held_at"].where(interviews["offered_at"].isna())))
    columns |= _interviews(ep, interviews, links, offers, asks, lookbacks)
    parts = [pd.DataFrame(columns)]
    parts += _triggers(ep, tables["triggers"], links, rows, asks, lookbacks, children, count or running_totals)
    parts.append(pd.DataFrame(_places(ep, rows)))
    return pd.concat(parts, axis=1)


def _history(ep: Frame, rows: Frame, asks: Asks, lookbacks: tuple[int, ...]) -> dict[str, Any]:
    child, start = ep["child"].to_numpy(), ep["start"].to_numpy()
    before = asks.count(child, start)
    out: dict[str, Any] = {"n_episodes_ever": before}
    for d in lookbacks:
        out[f"n_episodes_{d}d"] = before - asks.count(child, start, asks.time - d * DAY)
    returned = ep[ep["end"] < FAR].sort_values(["child", "end", "start"], kind="stable")
    ended = returned[returned["start"] < returned["end"]]  # one of no length takes no time from another it lies in
    by = ended["child"].to_numpy()
    latest = ended.groupby("child")["end"].cummax().groupby(by).shift().fillna(NEVER).astype(np.int64)
    since = np.minimum(np.maximum(ended["start"], latest), ended["end"]).to_numpy()
    end = ended["end"].to_numpy()
    facts = pd.DataFrame({"by": by, "time": end})
    midnights = us(pd.Series(pd.date_range("2015-01-01", "2040-01-01", freq="D", tz="Europe/London", unit="us")))

    def total(values: Array) -> Array:
        return np.append(0, pd.Series(values).groupby(by).cumsum().to_numpy())

    def nights(a: Array, b: Array) -> Array:
        return np.searchsorted(midnights, b) - np.searchsorted(midnights, a)

    hours, slept = total(end - since), total(nights(since, end))
    first_of = np.flatnonzero(np.append(True, by[1:] != by[:-1]))
    begins = pd.Series(first_of + 1, index=by[first_of]).reindex(asks.child, fill_value=0).to_numpy()
    upto = asks.last(facts)
    for d in lookbacks:
        edge = asks.time - d * DAY
        gone = asks.last(facts, edge)
        # The edge may lie in the next that ended, if any did by now.
        following = np.where(upto > gone, np.where(gone > 0, gone + 1, begins), 0)
        cut_from = np.append(FAR, since)[following]
        cut_to = np.maximum(edge, cut_from)
        out[f"missing_hours_{d}d"] = (hours[upto] - hours[gone] - (cut_to - cut_from)) / HOUR
        out[f"missing_nights_{d}d"] = slept[upto] - slept[gone] - nights(cut_from, cut_to)
    last = asks.last(pd.DataFrame({"by": returned["child"], "time": returned["end"]}), strict=True)
    back = np.append(0, returned["end"])[last]
    out["days_since_return"] = np.where(last > 0, (asks.time - back) / DAY, np.nan)

    gaps = pd.DataFrame({"child": child, "gap": np.rint(ep["gap_days"].to_numpy() * DAY)}).dropna()
    gaps["gap"] = gaps["gap"].astype(np.int64)
    grouped = gaps.groupby("child")["gap"]
    running = grouped.cumsum()
    gaps["sum"] = running - running.groupby(gaps["child"]).shift(3).fillna(0).astype(np.int64)
    gaps["n"] = (grouped.cumcount() + 1).clip(upper=3)
    gaps["mean"] = gaps["sum"].astype(float) / gaps["n"] / DAY
    gaps["trend"] = gaps["gap"] / DAY - gaps.groupby("child")["mean"].shift()
    spread = gaps[["mean", "trend"]].reindex(ep.index)
    out["mean_gap_days_last3"] = spread["mean"].groupby(child).ffill().to_numpy()[rows["row"]]
    out["gap_trend_days"] = spread["trend"].to_numpy()[rows["row"]]
    ordered = [f"n_episodes_{d}d" for d in lookbacks]
    ordered = ["n_episodes_ever", *ordered, *(f"missing_hours_{d}d" for d in lookbacks)]
    ordered += [*(f"missing_nights_{d}d" for d in lookbacks), "days_since_return"]
    return {name: out[name] for name in [*ordered, "mean_gap_days_last3", "gap_trend_days"]}


def _calendar(ep: Frame) -> Frame:
    first = ep["missing_from"].min().tz_localize(None).normalize()
    last = max(ep["returned_at"].max(), ep["missing_from"].max()).tz_localize(None).normalize()
    days = pd.date_range(first, last, freq="D", unit="us")
    numbers = days.to_numpy().astype("datetime64[D]").astype(np.int64)
    return pd.DataFrame(read_calendar().days(numbers), index=days)


def circle(name: str, turn: Any) -> dict[str, Any]:
    """Return sine and cosine of a share of a turn."""
    angle = 2 * np.pi * np.asarray(turn, dtype=np.float64)
    return {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}


def _calendar_columns(rows: Frame, calendar: Frame) -> dict[str, Any]:
    dated = (rows["precision"] == "day").fillna(False).to_numpy(dtype=bool)
    out: dict[str, Any] = {}
    for stamp, prefix in (("missing_from", ""), ("returned_at", "index_")):
        local = rows[stamp].dt.tz_localize(None)
        unknown = dated | (prefix != "") & (local == local.dt.normalize()).to_numpy()
        hour = (local.dt.hour + local.dt.minute / 60).mask(unknown)
        out |= circle(f"{prefix}hour", hour / 24)
        out |= circle(f"{prefix}weekday", local.dt.day_of_week / 7)
        out |= circle(f"{prefix}month", (local.dt.month - 1) / 12)
        on = calendar.reindex(local.dt.normalize()).reset_index(drop=True)
        if not prefix:
            out["is_weekend"] = (local.dt.day_of_week >= 5).to_numpy()
            out["began_in_school_holiday"] = on["is_school_holiday"]
            out["began_on_bank_holiday"] = on["is_bank_holiday"]
        else:
            out |= {name: on[name] for name in calendar.columns}
    return out


def _placement(spells: Frame, children: Any, rows: Frame, asks: Asks, lookbacks: tuple[int, ...]) -> dict[str, Any]:
    spells = spells.assign(child=children.get_indexer(spells["child_id"]))
    spells = spells[spells["child"] >= 0].assign(is_longer=spells["started_on"] != spells["ended_on"])
    kept = ["placement_type", "provider", "home_id", "legal_status"]
    spells = spells.sort_values(["child", "started_on", "is_longer", *kept], kind="stable", ignore_index=True)
    earlier = spells.groupby("child")[kept].shift().fillna("")
    same = spells[kept].fillna("").eq(earlier)
    later = spells["child"].duplicated()
    is_move = later & ~(same["placement_type"] & same["provider"] & same["home_id"] & ~same["legal_status"])
    known = us(next_midnight(spells["started_on"]))
    last = asks.last(pd.DataFrame({"by": spells["child"], "time": known}))
    stay = spells["started_on"].where(is_move | ~later).groupby(spells["child"]).ffill()
    there = spells.assign(stay=stay).iloc[np.maximum(last - 1, 0)].reset_index(drop=True)
    has = last > 0
    today = london_day(rows["returned_at"])
    gone = has & (there["ended_on"] < today).to_numpy()
    out: dict[str, Any] = {}
    for name in ("placement_type", "in_area"):
        out[name] = there[name].mask(gone).where(has, rows[name])
    out["distance_miles"] = there["distance_miles"].where(has & ~gone)
    out["days_in_placement"] = (today - there["stay"]).dt.days.astype(float).where(has & ~gone)
    moved = is_move.to_numpy()
    ever = asks.count(spells["child"].to_numpy()[moved], known[moved])
    out["n_placement_moves_ever"] = ever
    for d in lookbacks:
        out[f"n_placement_moves_{d}d"] = ever - asks.count(
            spells["child"].to_numpy()[moved], known[moved], asks.time - d * DAY
        )
    out |= {f"any_placement_moves_{d}d": out[f"n_placement_moves_{d}d"] > 0 for d in lookbacks}
    return out


def link(ep: Frame, interviews: Frame) -> Frame:
    """Return pairs of an interview and an episode, as positions."""
    interviews = interviews.assign(interview=np.arange(len(interviews)))
    held = ep[["row", "child", "incident_ids"]].explode("incident_ids").dropna(subset=["incident_ids"])
    named = interviews[["interview", "child", "incident_ids"]].explode("incident_ids")
    by_incident = named.dropna(subset=["incident_ids"]).merge(held, on=["incident_ids", "child"])
    blank = interviews[interviews["incident_ids"].isna() | (interviews["incident_ids"].str.len() == 0)]
    stamp = blank["held_at"].fillna(blank["offered_at"])
    asked = blank.assign(at=us(when_known(stamp)), on=london_day(stamp))[stamp.notna()].sort_values("at")
    ended = ep[ep["end"] < FAR].assign(back=london_day(ep["returned_at"])).sort_values("end", kind="stable")
    last = pd.merge_asof(
        asked[["interview", "child", "at", "on"]],
        ended[["row", "child", "end", "back"]],
        left_on="at",
        right_on="end",
        by="child",
    )
    near = last[(last["on"] - last["back"]).dt.days <= 14].astype({"row": np.int64})
    pairs = pd.concat([by_incident[["interview", "row"]], near[["interview", "row"]]]).drop_duplicates()
    pairs["known"] = us(when_known(interviews["held_at"]), FAR)[pairs["interview"]]
    pairs["interview_id"] = interviews["interview_id"].to_numpy(dtype=object)[pairs["interview"]]
    return pairs.reset_index(drop=True)


def _interviews(
    ep: Frame, interviews: Frame, links: Frame, offers: Frame, asks: Asks, lookbacks: tuple[int, ...]
) -> dict[str, Any]:
    child, status = interviews["child"].to_numpy(), interviews["status"]
    offered = us(when_known(interviews["offered_at"].fillna(interviews["held_at"])), FAR)
    held, put = us(when_known(interviews["held_at"]), FAR), us(when_known(interviews["offered_at"]), FAR)
    is_offered, is_completed = status.isin(OFFERED).to_numpy(), status.isin(COMPLETED).to_numpy()
    declined = (status == "declined").fillna(False).to_numpy(dtype=bool) & (put < FAR)
    out: dict[str, Any] = {}
    completed = is_completed & (held < FAR)
    for name, which, time in (
        ("offered", is_offered & (offered < FAR), offered),
        ("completed", completed, held),
        ("declined", declined, put),
    ):
        ever = asks.count(child[which], time[which])
        for d in lookbacks:
            out[f"n_interviews_{name}_{d}d"] = ever - asks.count(child[which], time[which], asks.time - d * DAY)

    of = links["interview"].to_numpy()
    back, held_at = ep["returned_at"].iloc[links["row"]].reset_index(drop=True), interviews["held_at"].iloc[of]
    held_at = held_at.reset_index(drop=True)
    by_date = (ep["precision"] == "day").fillna(False).to_numpy(dtype=bool)[links["row"]]
    held_on, back_on = london_day(held_at), london_day(back)
    by_date |= (held_at.dt.tz_localize(None) == held_on).to_numpy()
    hours = (held_at - back).to_numpy()
    days = (held_on - back_on).to_numpy()
    late = np.where(by_date, days > np.timedelta64(3, "D"), hours > np.timedelta64(72, "h"))
    early = np.where(by_date, days < np.timedelta64(0, "D"), hours < np.timedelta64(0, "h"))
    first = (
        pd.DataFrame(
            {
                "row": links["row"],
                "completed": np.where(is_completed[of], held[of], FAR),
                "in_time": np.where(is_completed[of] & ~late & ~early, held[of], FAR),
            }
        )
        .groupby("row")
        .min()
        .reindex(ep.index, fill_value=FAR)
    )
    put_to = offers[is_offered[offers["interview"]]]
    when = pd.Series(offered[put_to["interview"]]).groupby(put_to["row"].to_numpy()).min()
    first["offered"] = when.reindex(ep.index, fill_value=FAR)
    ended = ep[ep["end"] < FAR].sort_values(["child", "end", "start"], kind="stable")
    last = asks.last(pd.DataFrame({"by": ended["child"], "time": ended["end"]}), strict=True)
    place = np.append(0, ended.groupby("child").cumcount().to_numpy() + 1)[last]
    n = np.minimum(place, 3)
    for name in ("offered", "completed", "in_time"):
        known = np.append(FAR, first[name].to_numpy()[ended["row"]])
        hits = np.zeros(len(last), dtype=np.int64)
        for k in range(3):
            hits += (n > k) & (known[np.maximum(last - k, 0)] <= asks.time)
        with np.errstate(invalid="ignore"):
            out[f"share_{name}_last3"] = hits / np.where(n > 0, n, np.nan)

    outcomes = pd.DataFrame(
        {
            "by": np.concatenate([child[declined], child[completed]]),
            "time": np.concatenate([put[declined], held[completed]]),
            "said_no": np.repeat([0, 1], [declined.sum(), completed.sum()]),
        }
    ).sort_values(["by", "time", "said_no"], kind="stable", ignore_index=True)
    number = outcomes.groupby("by").cumcount() + 1
    talked = number.where(outcomes["said_no"] == 1).groupby(outcomes["by"]).ffill().fillna(0)
    run = np.append(0, (number - talked).to_numpy()).astype(np.int64)
    out["n_declined_in_a_row"] = run[asks.last(outcomes, strict=True)]

    known_codes = set(read_codebook().codes)
    lists = interviews["coded_triggers"]
    flat = lists.explode()
    says = flat.isin(known_codes).groupby(level=0).any() | (lists.notna() & (lists.str.len() == 0).fillna(False))
    told = says.to_numpy(dtype=bool) & (held < FAR)
    facts = links[told[of]].assign(start=lambda f: ep["start"].to_numpy()[f["row"]])
    facts = facts[facts["start"] <= facts["known"]]
    alone = np.setdiff1d(np.flatnonzero(told), facts["interview"].to_numpy())
    once = facts.groupby("row", as_index=False)["known"].min()
    by = np.concatenate([ep["child"].to_numpy()[once["row"]], child[alone]])
    event = np.concatenate([ep["start"].to_numpy()[once["row"]], held[alone]])
    usable = np.maximum(np.concatenate([once["known"], held[alone]]), event + 1)
    ever = asks.count(by, usable, strict=False)
    for d in lookbacks:
        out[f"n_trigger_answers_{d}d"] = ever - asks.count(by, np.maximum(event + d * DAY, usable - 1))
    return out


def trigger_names() -> tuple[list[str], int]:
    """Return codes, then domains; and how many are codes."""
    book = read_codebook()
    return [*book.codes, *dict.fromkeys(book.domains.values())], len(book.codes)


def trigger_facts(ep: Frame, triggers: Frame, links: Frame, children: Any) -> Frame:
    """Return one row for each code or domain of an episode (or of an interview of none): when, and usable from when."""
    book = read_codebook()
    names = trigger_names()[0]
    number = {name: k for k, name in enumerate(names)}
    said = triggers[triggers["status"].isin(["present", "suspected"]) & triggers["known_at"].notna()]
    said = said.assign(child=children.get_indexer(said["child_id"]))
    said = said[(said["child"] >= 0) & said["code"].isin(book.codes)]
    said = pd.DataFrame(
        {
            "interview_id": said["interview_id"].to_numpy(dtype=object),
            "child": said["child"].to_numpy(),
            "x": said["code"].map(number).to_numpy(dtype=np.int64),
            "domain": said["code"].map(book.domains).map(number).to_numpy(dtype=np.int64),
            "known": us(said["known_at"]),
            "said": np.arange(len(said)),
        }
    )
    pairs = said.merge(links[["interview_id", "row"]], on="interview_id")
    pairs["event"] = ep["start"].to_numpy()[pairs["row"]]
    pairs = pairs[pairs["event"] <= pairs["known"]]
    alone = said[~said["said"].isin(pairs["said"])].assign(row=-1)
    alone["event"] = alone["known"]
    both = pd.concat([pairs, alone], ignore_index=True)
    both = pd.concat([both.drop(columns="domain"), both.drop(columns="x").rename(columns={"domain": "x"})])
    of_episode = both[both["row"] >= 0].groupby(["row", "x"], as_index=False)[["child", "event", "known"]].min()
    of_none = both[both["row"] < 0].drop_duplicates(["interview_id", "x"])
    facts = pd.concat([of_episode, of_none[["row", "x", "child", "event", "known"]]], ignore_index=True)
    facts["usable"] = np.maximum(facts["known"], facts["event"] + 1)
    return facts


def _triggers(
    ep: Frame,
    triggers: Frame,
    links: Frame,
    rows: Frame,
    asks: Asks,
    lookbacks: tuple[int, ...],
    children: Any,
    count: Count,
) -> list[Frame]:
    names, k = trigger_names()
    facts = trigger_facts(ep, triggers, links, children)
    place = np.full(len(ep), -1)
    place[rows["row"]] = np.arange(len(rows))
    now = facts[facts["row"] >= 0]
    now = now[now["usable"] <= ep["end"].to_numpy()[now["row"]]]
    now = now[place[now["row"]] >= 0]
    this = np.zeros((len(rows), len(names)), dtype=bool)
    this[place[now["row"]], now["x"]] = True

    ever, n, since = count(facts, asks, lookbacks)
    parts = [pd.DataFrame(this, columns=[f"any_{x}_this_episode" for x in names])]
    parts.append(pd.DataFrame(ever > 0, columns=[f"any_{x}_ever" for x in names]))
    parts += [pd.DataFrame(n[d] > 0, columns=[f"any_{x}_{d}d" for x in names]) for d in lookbacks]
    parts.append(pd.DataFrame(ever, columns=[f"n_{x}_ever" for x in names]))
    parts += [pd.DataFrame(n[d], columns=[f"n_{x}_{d}d" for x in names]) for d in lookbacks]
    parts.append(pd.DataFrame(since, columns=[f"days_since_{x}" for x in names]))
    variety: dict[str, Any] = {f"n_trigger_kinds_{d}d": (n[d][:, :k] > 0).sum(axis=1) for d in lookbacks}
    for d in lookbacks:
        variety[f"n_new_triggers_{d}d"] = ((n[d] > 0) & (n[d] == ever))[:, :k].sum(axis=1)
    for d in lookbacks:
        variety[f"trigger_entropy_{d}d"] = _entropy(n[d][:, :k])
    parts.append(pd.DataFrame(variety))
    return parts


def running_totals(facts: Frame, asks: Asks, lookbacks: tuple[int, ...]) -> tuple[Array, dict[int, Array], Array]:
    """Count the facts of each code ever and in each lookback, and the days since the latest.

    A fact enters the count when it may be used and leaves it when it falls out of the lookback: two running totals
    for each child, each looked up at the moments asked about.
    """
    names = trigger_names()[0]
    grouped, cell = _at_moments(facts, facts["usable"].to_numpy())
    position = asks.last(grouped)
    ever = _running(grouped, cell, facts["x"].to_numpy(), len(names))[position]
    latest = np.full((len(grouped), len(names)), NEVER, dtype=np.int64)
    np.maximum.at(latest, (cell, facts["x"].to_numpy()), facts["event"].to_numpy())
    latest = pd.DataFrame(latest).groupby(grouped["by"].to_numpy()).cummax().to_numpy()
    latest = np.vstack([np.full((1, len(names)), NEVER), latest])[position]
    since = np.where(latest > NEVER, (asks.time[:, None] - latest) / DAY, np.nan)
    del latest
    n: dict[int, Array] = {}
    for d in lookbacks:
        leaves = np.maximum(facts["event"] + d * DAY, facts["usable"] - 1).to_numpy()
        grouped, cell = _at_moments(facts, leaves)
        gone = _running(grouped, cell, facts["x"].to_numpy(), len(names))
        n[d] = ever - gone[asks.last(grouped, strict=True)]
    return ever, n, since


def _at_moments(facts: Frame, time: Array) -> tuple[Frame, Array]:
    """Return the distinct moments of each child, and which of them each fact is at."""
    keyed = pd.DataFrame({"by": facts["child"].to_numpy(), "time": time})
    cell = keyed.groupby(["by", "time"]).ngroup().to_numpy()
    moments = keyed.drop_duplicates().sort_values(["by", "time"], ignore_index=True)
    return moments, cell


def _running(moments: Frame, cell: Array, x: Array, width: int) -> Array:
    counts = np.zeros((len(moments), width), dtype=np.int32)
    np.add.at(counts, (cell, x), 1)
    total = pd.DataFrame(counts).groupby(moments["by"].to_numpy()).cumsum().to_numpy()
    return np.vstack([np.zeros((1, width), dtype=total.dtype), total])


def _entropy(counts: Array) -> Array:
    total = counts.sum(axis=1)
    table = np.array([0.0] + [math.log2(c) for c in range(1, int(total.max(initial=0)) + 1)])
    weighted = np.arange(len(table)) * table
    spent = np.zeros(len(counts))
    for column in counts.T:
        spent = spent + weighted[column]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, table[total] - spent / total, np.nan)


def _places(ep: Frame, rows: Frame) -> dict[str, Any]:
    at = rows["row"].to_numpy()
    home = ep.groupby(["child", "home_id"]).cumcount().astype(float).where(ep["home_id"].notna())
    found = ep["found_area"].notna() & (ep["end"] < FAR)
    known = ep[found]
    keys = ["child", "found_area", "found_place"]
    known = known.assign(found_place=known["found_place"].fillna(""))[[*keys, "row", "end"]]
    place = known.groupby(keys).cumcount().astype(float)
    # Where a child was found is known once the child is back: dates may make an earlier absence end later.
    latest = known.groupby(keys)["end"].cummax()
    among = known[latest > known["end"]].merge(known, on=keys, suffixes=("", "_of"))
    later = among[(among["row_of"] < among["row"]) & (among["end_of"] > among["end"])]
    place = place.sub(later.groupby("row").size(), fill_value=0).reindex(ep.index)
    later = ep.groupby("child")["start"].shift(-1).fillna(FAR).astype(np.int64)
    ended = ep["end"].where(ep["end"] < FAR, later).to_numpy()
    number, _ = pd.factorize(ep["home_id"])
    both = number.astype(np.int64) * (int(ep["child"].max()) + 1) + ep["child"].to_numpy()
    here = number[at] >= 0
    result = np.full(len(rows), np.nan)
    of = at[here]
    asks = Asks(number[of], rows["end"].to_numpy()[here])
    began = ep["start"].to_numpy()[of]
    total = np.zeros(len(of), dtype=np.int64)
    for sign, key in ((1, number), (-1, both)):
        mine = ep["home_id"].notna().to_numpy()
        for plus, time, at_time, strict in (
            (1, ep["start"].to_numpy(), asks.time, True),
            # An absence of no length that begins as this one does is no overlap; the odd numbers order it behind
            # one that ends then, and before one that begins.
            (-1, 2 * ended + (ended == ep["start"].to_numpy()), 2 * began + (began < asks.time), False),
        ):
            facts = pd.DataFrame({"by": key[mine], "time": time[mine]}).sort_values(["by", "time"], kind="stable")
            n = np.append(0, facts.groupby("by").cumcount().to_numpy() + 1)
            total += sign * plus * n[asks.last(facts, at_time, strict, by=key[of])]
    result[here] = total
    return {
        "n_earlier_same_home": home.to_numpy()[at],
        "n_earlier_same_place": place.to_numpy()[at],
        "n_missing_with": result,
    }
