"""Small worlds of children, episodes, placements and triggers, and time at risk worked out child by child."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from missing_patterns.episodes import build_episodes, to_counting_process
from missing_patterns.schema import LONDON

DAY = 86_400_000_000
MINUTE = 1 / 1440


@dataclass
class World:
    """Small made-up tables of two or three children."""

    episodes: pd.DataFrame
    children: pd.DataFrame
    placements: pd.DataFrame
    triggers: pd.DataFrame
    until: pd.Timestamp
    origin: Literal["first_return", "observed_from", "birthday"]
    children_given: bool

    def changed(self, change: Callable[[pd.DataFrame], pd.DataFrame]) -> World:
        tables = ("episodes", "children", "placements", "triggers")
        return replace(self, **{name: change(getattr(self, name)) for name in tables})

    def process(self, *, cut: bool = True) -> pd.DataFrame:
        more: dict[str, Any] = {"placements": self.placements, "triggers": self.triggers} if cut else {}
        children = self.children if self.children_given else None
        return to_counting_process(self.episodes, children, observed_until=self.until, origin=self.origin, **more)


# Two winters and summers, and the weeks of both changes of the clock.
STARTS = [pd.Timestamp(d) for d in ("2026-01-05", "2026-03-24", "2026-06-01", "2026-10-20")]
KINDS = (None, "foster", "secure")


@st.composite
def worlds(draw: st.DrawFn, starts: list[pd.Timestamp] = STARTS) -> World:
    base = draw(st.sampled_from(starts))
    at = base.tz_localize(LONDON)
    hour = st.integers(0, 300).map(lambda h: at + pd.Timedelta(hours=h))
    day = st.integers(-3, 14)
    child = st.sampled_from("ABCD")
    spans = draw(
        st.lists(st.tuples(child, st.integers(0, 60), st.sampled_from([0, 1, 3, 20, None]), st.booleans()), max_size=16)
    )
    incidents = pd.DataFrame(
        {
            "child_id": pd.Series([s[0] for s in spans], dtype=object),
            "missing_from": [at + pd.Timedelta(hours=5 * s[1]) for s in spans],
            "returned_at": [pd.NaT if s[2] is None else at + pd.Timedelta(hours=5 * s[1] + s[2]) for s in spans],
            "precision": ["day" if s[3] else "minute" for s in spans],
        }
    )
    until = at + pd.Timedelta(hours=draw(st.integers(100, 330)))
    grown = (base - pd.DateOffset(years=18)).to_period("M").to_timestamp()
    born = [grown, grown + pd.DateOffset(months=1), grown + pd.DateOffset(years=3), None]
    known = [(c, draw(st.sampled_from(born)), draw(st.none() | day), draw(st.none() | day)) for c in "ABCDN"]
    children = pd.DataFrame(
        {
            "child_id": [k[0] for k in known],
            "birth_month": pd.Series([k[1] for k in known], dtype="datetime64[us]"),
            "observed_from": pd.Series([_day(base, k[2]) for k in known], dtype="datetime64[us]"),
            "observed_until": pd.Series([_day(base, k[3]) for k in known], dtype="datetime64[us]"),
            "exit_reason": draw(st.lists(st.sampled_from([None, "left_care", "died"]), min_size=5, max_size=5)),
        }
    )
    stays = draw(
        st.lists(
            st.tuples(
                st.sampled_from("ABCDZ"), day, st.sampled_from([None, 0, 2, 9]), st.sampled_from(KINDS), st.booleans()
            ),
            max_size=12,
        )
    )
    spells = pd.DataFrame(
        {
            "child_id": pd.Series([s[0] for s in stays], dtype=object),
            "started_on": pd.Series([_day(base, s[1]) for s in stays], dtype="datetime64[us]"),
            "ended_on": pd.Series(
                [None if s[2] is None else _day(base, s[1] + s[2]) for s in stays], dtype="datetime64[us]"
            ),
            "placement_type": pd.Series([s[3] for s in stays], dtype=object),
            "legal_status": pd.Series(["C2" if s[4] else "E1" for s in stays], dtype=object),
            "in_area": pd.Series([None if s[4] else True for s in stays], dtype="boolean"),
        }
    )
    names = draw(
        st.lists(
            st.tuples(
                st.sampled_from("ABCDNZ"),
                st.sampled_from("xyz"),
                st.sampled_from(["present", "suspected", "denied"]),
                st.none() | hour,
            ),
            max_size=12,
        )
    )
    named = pd.DataFrame(
        {
            "interview_id": pd.Series([str(i) for i in range(len(names))], dtype=object),
            "child_id": pd.Series([n[0] for n in names], dtype=object),
            "code": pd.Series([n[1] for n in names], dtype=object),
            "status": pd.Series([n[2] for n in names], dtype=object),
            "known_at": pd.Series([n[3] for n in names], dtype=f"datetime64[us, {LONDON}]"),
        }
    )
    episodes = build_episodes(incidents, observed_until=at + pd.Timedelta(days=30))
    origin: Any = draw(st.sampled_from(["first_return", "observed_from", "birthday"]))
    given_children = origin != "first_return" or draw(st.booleans())
    return World(episodes, children, spells, named, until, origin, given_children)


def _day(base: pd.Timestamp, days: int | None) -> pd.Timestamp | None:
    return None if days is None else base + pd.Timedelta(days=days)


def _midnight(day: dt.date) -> pd.Timestamp:
    return pd.Timestamp(day).tz_localize(LONDON)


class Plain:
    """The time at risk of one child, worked out step by step."""

    def __init__(self, world: World, child: str) -> None:
        self.world, self.child = world, child
        about = world.children[world.children["child_id"] == child].to_dict("records") if world.children_given else []
        about = about[0] if about else {"birth_month": None, "observed_from": None, "observed_until": None}
        self.begin = None if pd.isna(about["observed_from"]) else _midnight(about["observed_from"])
        self.born = None if pd.isna(about["birth_month"]) else _midnight(about["birth_month"])
        self.end, self.why = world.until, "end_of_data"
        if not pd.isna(about["observed_until"]) and (left := _midnight(about["observed_until"])) < self.end:
            self.end, self.why = left, about["exit_reason"] if isinstance(about["exit_reason"], str) else "not_recorded"
        if self.born is not None:
            grown = _midnight((about["birth_month"] + pd.DateOffset(years=18)).date())
            if grown < self.end or (grown == self.end and self.why == "not_recorded"):
                self.end, self.why = grown, "turned_18"
        mine = world.episodes[world.episodes["child_id"] == child].to_dict("records")
        self.episodes = [e for e in mine if e["missing_from"] < self.end]
        for e in self.episodes:
            e["back"] = not pd.isna(e["returned_at"]) and e["returned_at"] < self.end
        back = [k for k, e in enumerate(self.episodes) if e["back"]]
        first = back[0] if back else None
        returned = None if first is None else self.episodes[first]["returned_at"]
        self.by_date, self.entry_row = False, -1
        self.zero: Any
        if world.origin == "first_return":
            self.zero, self.entry_row = returned, -1 if first is None else first
            self.by_date = first is not None and self.episodes[first]["precision"] == "day"
            self.entry = returned if returned is None or self.begin is None else max(returned, self.begin)
        else:
            self.zero = self.begin if world.origin == "observed_from" else self.born
            self.entry = self.begin
            if self.begin is None:
                self.entry, self.entry_row = returned, -1 if first is None else first

    def read(self, when: pd.Timestamp, is_day: bool = False) -> float:
        if is_day or self.by_date:
            return float((when.date() - self.zero.date()).days)
        microseconds: int = (when - self.zero) // pd.Timedelta(microseconds=1)
        return microseconds / DAY

    def fact(self, when: pd.Timestamp) -> float:
        return self.read(when) + (self.by_date and when != when.normalize())

    def spells(self) -> list[list[Any]]:
        """Start, stop, event, episode_no, ended_by, and the true start and stop."""
        if self.zero is None or self.entry is None:
            return []
        entry, found = self.read(self.entry), []
        for k, e in enumerate(self.episodes):
            stop, before = self.read(e["missing_from"], e["precision"] == "day"), self.episodes[k - 1] if k else None
            if k <= self.entry_row or stop < entry or (before is not None and not before["back"]):
                continue
            start = entry if before is None else self.read(before["returned_at"], before["precision"] == "day")
            found.append([max(start, entry), stop, 1, e["episode_no"], "episode"])
        last = self.episodes[-1] if self.episodes else None
        if last is None or last["back"]:
            is_day = last is not None and last["precision"] == "day"
            start = entry if last is None else max(entry, self.read(last["returned_at"], is_day))
            if (stop := self.read(self.end, is_day)) > start:
                found.append([start, stop, 0, last["episode_no"] + 1 if last else 1, self.why])
        done, until = [], -np.inf
        for start, stop, *rest in found:
            begin = max(start, until)
            until = stop if stop > begin else begin + MINUTE
            done.append([begin, until, *rest, start, stop])
        return done

    def placed(self, x: float) -> tuple[object, object, int]:
        """What is known at x days of where the child is: kind, in area, moves so far."""
        mine = self.world.placements[self.world.placements["child_id"] == self.child].to_dict("records")
        text = [{k: "~" if pd.isna(r[k]) else r[k] for k in ("placement_type", "legal_status")} for r in mine]
        order = sorted(
            range(len(mine)),
            key=lambda i: (
                mine[i]["started_on"],
                mine[i]["started_on"] != mine[i]["ended_on"],
                *text[i].values(),
                2 if pd.isna(mine[i]["in_area"]) else bool(mine[i]["in_area"]),
                pd.Timestamp.max if pd.isna(mine[i]["ended_on"]) else mine[i]["ended_on"],
            ),
        )
        kind, area, moves, before = None, None, 0, None
        for i in order:
            if self.fact(_midnight(mine[i]["started_on"] + pd.Timedelta(days=1))) > x:
                break
            legal_only = before is not None and (
                text[before]["placement_type"] == text[i]["placement_type"]
                and text[before]["legal_status"] != text[i]["legal_status"]
            )
            moves += before is not None and not legal_only
            kind, area, before = mine[i]["placement_type"], mine[i]["in_area"], i
        left = pd.NaT if before is None else mine[before]["ended_on"]
        if not pd.isna(left) and self.fact(_midnight(left + pd.Timedelta(days=1))) <= x:
            kind = area = None
        return (None if pd.isna(kind) else kind), (None if pd.isna(area) else bool(area)), moves

    def named(self, x: float, codes: list[str]) -> list[bool]:
        rows = self.world.triggers
        rows = rows[(rows["child_id"] == self.child) & (rows["status"] != "denied") & rows["known_at"].notna()]
        known = [(r.code, self.fact(r.known_at)) for r in rows.itertuples()]
        return [any(c == code and at <= x for c, at in known) for code in codes]

    def pieces(self, codes: list[str]) -> list[tuple[Any, ...]]:
        rows = self.world.placements[self.world.placements["child_id"] == self.child]
        days = [*rows["started_on"], *rows["ended_on"].dropna()]
        moments = [_midnight(d + pd.Timedelta(days=1)) for d in days]
        moments += [*self.world.triggers["known_at"][self.world.triggers["child_id"] == self.child].dropna()]
        found: list[tuple[Any, ...]] = []
        for start, stop, event, number, why, true_start, true_stop in self.spells():
            whole = stop == true_stop
            cuts = sorted({c for m in moments if start < (c := self.fact(m)) < stop}) if whole else []
            edges = [start]
            state = [(*self.placed(start if whole else true_start), *self.named(start if whole else true_start, codes))]
            for c in cuts:
                now = (*self.placed(c), *self.named(c, codes))
                if now != state[-1]:
                    edges.append(c)
                    state.append(now)
            for k, (a, values) in enumerate(zip(edges, state, strict=True)):
                last = k == len(edges) - 1
                b = stop if last else edges[k + 1]
                found.append((self.child, a, b, event if last else 0, number, why if last else None, *values))
        return found


def plain(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    wanted = frame.astype(object)
    return [tuple(row) for row in wanted.where(wanted.notna(), None).itertuples(index=False)]


def columns_of(world: World) -> list[str]:
    return sorted(set(world.triggers["code"][world.triggers["status"] != "denied"]))
