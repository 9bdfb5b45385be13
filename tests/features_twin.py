"""The slow plain twin of the features: each column by its definition in words, one row and one fact at a time.

Times are whole microseconds since 1970 in UTC. Nothing here knows how the library finds the same figures.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from zoneinfo import ZoneInfo

import pandas as pd

from missing_patterns.codebook import Codebook
from missing_patterns.schema import EPISODES, INTERVIEWS, OFFERED, PLACEMENTS, TRIGGERS, Table, conform

HOUR = 3_600_000_000
DAY = 24 * HOUR
LONDON = ZoneInfo("Europe/London")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
COMPLETED = ("completed", "completed_partial")

Row = dict[str, object]


def london(time: int) -> dt.datetime:
    return (EPOCH + dt.timedelta(microseconds=time)).astimezone(LONDON)


def on(time: int) -> dt.date:
    return london(time).date()


def instant(moment: dt.datetime) -> int:
    return (moment - EPOCH) // dt.timedelta(microseconds=1)


def midnight(day: dt.date) -> int:
    """The moment at which a day begins in London."""
    return instant(dt.datetime.combine(day, dt.time(), tzinfo=LONDON))


def is_midnight(time: int) -> bool:
    return time == midnight(on(time))


def end_of(day: dt.date) -> int:
    return midnight(day + dt.timedelta(days=1))


def known_from(time: int) -> int:
    """Exactly midnight means that only the day is known: then it is known when the day has ended."""
    return end_of(on(time)) if is_midnight(time) else time


def records(frame: pd.DataFrame, table: Table) -> Iterator[Row]:
    """The rows of a table as plain values: times as whole numbers, dates as dates, not recorded as None."""
    frame = conform(frame, table)
    kinds = {c.name: c.kind for c in table.columns}
    for values in zip(*(frame[name].tolist() for name in kinds), strict=True):
        yield {name: plain(value, kinds[name]) for name, value in zip(kinds, values, strict=True)}


def plain(value: object, kind: str) -> object:
    if isinstance(value, tuple):
        return value
    if pd.isna(value):
        return None
    if kind == "timestamp":
        return value.value // 1000
    return value.date() if kind == "date" else value


@dataclass(frozen=True, eq=False)
class Fact:
    """Something that happened at a time, of an episode or of none, and the first moment at which it may be used."""

    event: int
    usable: int
    episode: Row | None


class Year:
    """The packaged school terms and bank holidays, looked through day by day."""

    def __init__(self) -> None:
        self.terms = [tuple(map(dt.date.fromisoformat, row[:2])) for row in listed("school_terms_typical.csv")]
        self.holidays = {
            dt.date.fromisoformat(day): dt.date.fromisoformat(announced) if announced else dt.date.min
            for day, _, announced in listed("bank_holidays_england.csv")
        }

    def says(self, day: dt.date) -> Row:
        has_terms = self.terms[0][0] <= day <= self.terms[-1][1]
        has_holidays = min(self.holidays).year <= day.year <= max(self.holidays).year
        term = [(first, last) for first, last in self.terms if first <= day <= last]
        ahead = [first for first, _ in self.terms if first >= day]
        told = [h for h, announced in self.holidays.items() if announced <= day <= h]
        return {
            "is_school_day": bool(term) and day.weekday() < 5 and day not in self.holidays
            if has_terms and has_holidays
            else None,
            "is_school_holiday": not term if has_terms else None,
            "is_bank_holiday": day in self.holidays if has_holidays else None,
            "days_to_school_holiday": (float((term[0][1] - day).days + 1) if term else 0.0) if has_terms else None,
            "days_to_term": (0.0 if term else float((min(ahead) - day).days)) if has_terms else None,
            "days_to_bank_holiday": float((min(told) - day).days) if told and has_holidays else None,
        }


def listed(name: str) -> list[list[str]]:
    text = (resources.files("missing_patterns") / "calendars" / name).read_text(encoding="utf-8")
    return list(csv.reader(line for line in text.splitlines() if not line.startswith("#")))[1:]


class Twin:
    """All tables as plain rows, and the answer for one child at one moment."""

    def __init__(
        self,
        episodes: pd.DataFrame,
        triggers: pd.DataFrame,
        interviews: pd.DataFrame | None,
        placements: pd.DataFrame | None,
        days: tuple[int, ...],
        book: Codebook,
    ) -> None:
        self.days, self.book, self.year = days, book, Year()
        self.episodes = sorted(records(episodes, EPISODES), key=lambda e: (e["child_id"], *when(e)))
        self.said = list(records(triggers, TRIGGERS))
        self.talks = None if interviews is None else list(records(interviews, INTERVIEWS))
        self.stays = None if placements is None else list(records(placements, PLACEMENTS))
        self.covers = {talk["interview_id"]: self.covered(talk) for talk in self.talks or []}
        # At an offer it is not known yet when the interview will be held, so an offer belongs to the return before it.
        self.offered_for = {
            talk["interview_id"]: self.covered(talk if talk["offered_at"] is None else talk | {"held_at": None})
            for talk in self.talks or []
        }
        domains = dict.fromkeys(book.domains.values())
        self.sets = {code: {code} for code in book.codes}
        self.sets |= {domain: {c for c in book.codes if book.domains[c] == domain} for domain in domains}
        self.named_of: dict[tuple[str, str], list[Fact]] = {}

    # --- the moments asked about ---

    def at_returns(self) -> list[Row]:
        back = [e for e in self.episodes if e["returned_at"] is not None]
        back.sort(key=lambda e: (e["child_id"], e["returned_at"], *when(e)))
        return [
            {"child_id": e["child_id"], "episode_id": e["episode_id"], "index_at": e["returned_at"]}
            | self.features(e["child_id"], e["returned_at"], e, is_return=True)
            for e in back
        ]

    def at_interviews(self) -> list[Row]:
        asked = []
        for talk in self.talks:
            if talk["status"] in COMPLETED and talk["held_at"] is not None:
                t = known_from(talk["held_at"])
                about = [e for e in self.covers[talk["interview_id"]] if e["missing_from"] < t]
                asked.append((talk["child_id"], t, max(about, key=when, default=None), talk["interview_id"]))
        asked.sort(key=lambda a: (a[0], a[1], (0, 0) if a[2] is None else when(a[2]), a[3]))
        return [
            {"child_id": child, "episode_id": e and e["episode_id"], "interview_id": talk, "index_at": t}
            | self.features(child, t, e)
            for child, t, e, talk in asked
        ]

    def at_moments(self, moments: Iterable[tuple[str, int]]) -> list[Row]:
        rows = []
        for child, t in sorted(moments):
            e = max((e for e in self.of(child) if e["missing_from"] < t), key=when, default=None)
            rows.append(
                {"child_id": child, "episode_id": e and e["episode_id"], "index_at": t} | self.features(child, t, e)
            )
        return rows

    # --- what belongs to what ---

    def of(self, child: str) -> list[Row]:
        """The child's episodes in order."""
        return [e for e in self.episodes if e["child_id"] == child]

    def covered(self, talk: Row) -> list[Row]:
        """The child's episodes that hold an incident it names; if it names none, the last return within 14 days."""
        mine = self.of(talk["child_id"])
        if talk["incident_ids"]:
            return [e for e in mine if set(e["incident_ids"]) & set(talk["incident_ids"])]
        stamp = talk["offered_at"] if talk["held_at"] is None else talk["held_at"]
        if stamp is None:
            return []
        before = [e for e in mine if e["returned_at"] is not None and e["returned_at"] <= known_from(stamp)]
        last = max(before, key=lambda e: (e["returned_at"], when(e)), default=None)
        near = last is not None and (on(stamp) - on(last["returned_at"])).days <= 14
        return [last] if near else []

    def dated(self, interview: str, known: int) -> list[tuple[object, int, Row | None]]:
        """What an interview says is of each episode that it covers and that had begun; else it stands alone."""
        begun = [e for e in self.covers.get(interview, []) if e["missing_from"] <= known]
        return [(e["episode_id"], e["missing_from"], e) for e in begun] or [(("alone", interview), known, None)]

    def once_each(self, told: Iterable[tuple[str, int]]) -> list[Fact]:
        """One fact per episode (or interview of none), known when the first of those who say it is."""
        facts: dict[object, Fact] = {}
        for interview, known in told:
            for key, event, e in self.dated(interview, known):
                usable = max(known, event + 1)
                if key in facts:  # of two, known at two times, the first
                    usable = min(usable, facts[key].usable)
                facts[key] = Fact(min(event, facts[key].event) if key in facts else event, usable, e)
        return list(facts.values())

    def named(self, child: str, x: str) -> list[Fact]:
        """Facts of a code, or of a domain: what was denied or not recorded is none."""
        if (child, x) not in self.named_of:
            self.named_of[child, x] = self.once_each(
                (s["interview_id"], s["known_at"])
                for s in self.said
                if s["child_id"] == child
                and s["code"] in self.sets[x]
                and s["status"] in ("present", "suspected")
                and s["known_at"] is not None
            )
        return self.named_of[child, x]

    def answers(self, child: str) -> list[Fact]:
        """Interviews held from which it is known what the triggers were, none included."""
        return self.once_each(
            (talk["interview_id"], known_from(talk["held_at"]))
            for talk in self.talks
            if talk["child_id"] == child
            and talk["held_at"] is not None
            and talk["coded_triggers"] is not None
            and (talk["coded_triggers"] == () or set(talk["coded_triggers"]) & set(self.book.codes))
        )

    # --- the columns ---

    def features(self, child: str, t: int, e: Row | None, *, is_return: bool = False) -> Row:
        row = self.this_episode(t, e) | self.episodes_before(child, t, e) | self.start(e)
        row |= self.moment(t, is_return and e["precision"] == "day") | self.placed(child, t, e)
        if self.talks is not None:
            row |= self.interviewed(child, t)
        return row | self.triggered(child, t, e) | self.place(child, t, e)

    def this_episode(self, t: int, e: Row | None) -> Row:
        return {
            "episode_no": int(e["episode_no"]) if e else 0,
            "duration_hours": e["duration_hours"] if e and is_back(e, t) else None,
            "gap_days": e["gap_days"] if e else None,
            "is_still_missing": e is not None and not is_back(e, t),
        }

    def episodes_before(self, child: str, t: int, e: Row | None) -> Row:
        mine = self.of(child)
        row: Row = {"n_episodes_ever": sum(x["missing_from"] < t for x in mine)}
        row |= {f"n_episodes_{d}d": sum(t - d * DAY <= x["missing_from"] < t for x in mine) for d in self.days}
        ended = sorted((x for x in mine if is_back(x, t)), key=lambda x: (x["returned_at"], x["missing_from"]))
        hours, nights = {}, {}
        for d in self.days:
            time, dark, free = 0, 0, t - d * DAY  # what lies before `free` is outside, or counted already
            for x in ended:
                a, b = max(x["missing_from"], free), x["returned_at"]
                if a < b:
                    time += b - a
                    dark += n_midnights(a, b)
                    free = b
            hours[f"missing_hours_{d}d"], nights[f"missing_nights_{d}d"] = time / HOUR, dark
        row |= hours | nights
        earlier = [x["returned_at"] for x in ended if x["returned_at"] < t]
        row["days_since_return"] = (t - max(earlier)) / DAY if earlier else None
        upto = mine[: mine.index(e) + 1] if e else []
        gaps = [round(x["gap_days"] * DAY) for x in upto if x["gap_days"] is not None]
        row["mean_gap_days_last3"] = mean_days(gaps[-3:])
        before = gaps[:-1][-3:] if e and e["gap_days"] is not None else []
        row["gap_trend_days"] = gaps[-1] / DAY - mean_days(before) if before else None
        return row

    def start(self, e: Row | None) -> Row:
        began = london(e["missing_from"]) if e else None
        has_hour = e is not None and e["precision"] != "day"
        year = self.year.says(began.date()) if began else {}
        return {
            **circle("hour", hour_of(began) if has_hour else None),
            **circle("weekday", began.weekday() / 7 if began else None),
            **circle("month", (began.month - 1) / 12 if began else None),
            "is_weekend": began is not None and began.weekday() >= 5,
            "began_in_school_holiday": year.get("is_school_holiday"),
            "began_on_bank_holiday": year.get("is_bank_holiday"),
        }

    def moment(self, t: int, by_day: bool) -> Row:
        now = london(t)
        return {
            **circle("index_hour", None if by_day or is_midnight(t) else hour_of(now)),
            **circle("index_weekday", now.weekday() / 7),
            **circle("index_month", (now.month - 1) / 12),
            **self.year.says(now.date()),
        }

    def placed(self, child: str, t: int, e: Row | None) -> Row:
        row: Row = {"placement_type": e and e["placement_type"], "in_area": e and e["in_area"]}
        if self.stays is None:
            return row
        stays = [s for s in self.stays if s["child_id"] == child]
        stays.sort(key=in_order)
        known = [k for k, s in enumerate(stays) if end_of(s["started_on"]) <= t]
        there = stays[known[-1]] if known else None
        if there and there["ended_on"] is not None and there["ended_on"] < on(t):
            there = None
        if known:
            row = {name: there and there[name] for name in row}
        moves = [k for k in range(1, len(stays)) if is_move(stays[k - 1], stays[k])]
        since = max([k for k in known if k in moves or k == 0], default=None)
        row["distance_miles"] = there and there["distance_miles"]
        row["days_in_placement"] = float((on(t) - stays[since]["started_on"]).days) if there else None
        moved = [end_of(stays[k]["started_on"]) for k in moves]
        row["n_placement_moves_ever"] = sum(m < t for m in moved)
        counts = {d: sum(t - d * DAY <= m < t for m in moved) for d in self.days}
        row |= {f"n_placement_moves_{d}d": n for d, n in counts.items()}
        return row | {f"any_placement_moves_{d}d": n > 0 for d, n in counts.items()}

    def interviewed(self, child: str, t: int) -> Row:
        mine = [talk for talk in self.talks if talk["child_id"] == child]
        times = {
            "offered": [first_offer(talk) for talk in mine],
            "completed": [when_completed(talk) for talk in mine],
            "declined": [when_declined(talk) for talk in mine],
        }
        row: Row = {}
        for what, known in times.items():
            for d in self.days:
                row[f"n_interviews_{what}_{d}d"] = sum(k is not None and t - d * DAY <= k < t for k in known)
        back = [e for e in self.of(child) if is_back(e, t - 1)]
        last = sorted(back, key=lambda e: (e["returned_at"], when(e)))[-3:]
        rules = (
            ("offered", was_offered, self.offered_for),
            ("completed", was_completed, self.covers),
            ("in_time", was_in_time, self.covers),
        )
        for what, has, links in rules:
            good = [any(has(talk, e, t) for talk in mine if e in links[talk["interview_id"]]) for e in last]
            row[f"share_{what}_last3"] = sum(good) / len(good) if good else None
        outcomes = [(k, 0) for k in times["declined"] if k is not None and k < t]
        outcomes += [(k, 1) for k in times["completed"] if k is not None and k < t]
        run = 0
        for _, completed in sorted(outcomes):
            run = 0 if completed else run + 1
        row["n_declined_in_a_row"] = run
        answers = [f for f in self.answers(child) if f.usable <= t]
        return row | {f"n_trigger_answers_{d}d": sum(t - d * DAY <= f.event for f in answers) for d in self.days}

    def triggered(self, child: str, t: int, e: Row | None) -> Row:
        facts = {x: [f for f in self.named(child, x) if f.usable <= t] for x in self.sets}
        events = {x: [f.event for f in known] for x, known in facts.items()}
        within = {d: {x: [v for v in at if v >= t - d * DAY] for x, at in events.items()} for d in self.days}
        row: Row = {}
        row |= {f"any_{x}_this_episode": any(f.episode and f.episode is e for f in facts[x]) for x in self.sets}
        row |= {f"any_{x}_ever": len(events[x]) > 0 for x in self.sets}
        row |= {f"any_{x}_{d}d": len(within[d][x]) > 0 for d in self.days for x in self.sets}
        row |= {f"n_{x}_ever": len(events[x]) for x in self.sets}
        row |= {f"n_{x}_{d}d": len(within[d][x]) for d in self.days for x in self.sets}
        row |= {f"days_since_{x}": (t - max(events[x])) / DAY if events[x] else None for x in self.sets}
        codes = self.book.codes
        for d in self.days:
            row[f"n_trigger_kinds_{d}d"] = sum(len(within[d][c]) > 0 for c in codes)
        for d in self.days:
            row[f"n_new_triggers_{d}d"] = sum(len(events[c]) > 0 and min(events[c]) >= t - d * DAY for c in codes)
        for d in self.days:
            row[f"trigger_entropy_{d}d"] = entropy([len(within[d][c]) for c in codes])
        return row

    def place(self, child: str, t: int, e: Row | None) -> Row:
        row: Row = dict.fromkeys(["n_earlier_same_home", "n_earlier_same_place", "n_missing_with"])
        if e is None:
            return row
        mine = self.of(child)
        earlier = mine[: mine.index(e)]
        if e["found_area"] is not None and is_back(e, t):
            found = [(x["found_area"], x["found_place"]) for x in earlier if is_back(x, t)]
            row["n_earlier_same_place"] = float(found.count((e["found_area"], e["found_place"])))
        if e["home_id"] is not None:
            row["n_earlier_same_home"] = float(sum(x["home_id"] == e["home_id"] for x in earlier))
            until = e["returned_at"] if is_back(e, t) else t
            others = [x for x in self.episodes if x["child_id"] != child and x["home_id"] == e["home_id"]]
            row["n_missing_with"] = float(
                sum(x["missing_from"] < until and not self.end(x) <= e["missing_from"] for x in others)
            )
        return row

    def end(self, e: Row) -> float:
        """The return; if none is recorded, the start of the child's next episode; if there is none, never."""
        if e["returned_at"] is not None:
            return e["returned_at"]
        mine = self.of(e["child_id"])
        later = mine[mine.index(e) + 1 :]
        return later[0]["missing_from"] if later else math.inf


def when(e: Row) -> tuple[int, int]:
    return e["missing_from"], e["episode_no"]


def is_back(e: Row, t: int) -> bool:
    return e["returned_at"] is not None and e["returned_at"] <= t


def n_midnights(a: int, b: int) -> int:
    """Midnights in London in [a, b)."""
    days = [on(a) + dt.timedelta(days=k) for k in range((on(b) - on(a)).days + 1)]
    return sum(a <= midnight(day) < b for day in days)


def mean_days(gaps: list[int]) -> float | None:
    return float(sum(gaps)) / len(gaps) / DAY if gaps else None


def hour_of(now: dt.datetime) -> float:
    return (now.hour + now.minute / 60) / 24


def circle(name: str, turn: float | None) -> Row:
    angle = None if turn is None else 2 * math.pi * turn
    return {
        f"{name}_sin": None if angle is None else math.sin(angle),
        f"{name}_cos": None if angle is None else math.cos(angle),
    }


def entropy(counts: list[int]) -> float | None:
    if not (n := sum(counts)):
        return None
    total = 0.0
    for c in counts:
        total += c * math.log2(c) if c else 0.0
    return math.log2(n) - total / n


def in_order(stay: Row) -> tuple[object, ...]:
    """Of the stays that began on one day, one that ended on it comes first; then by what they are, blank last."""
    names = ("placement_type", "provider", "home_id", "legal_status")
    return (
        stay["started_on"],
        stay["started_on"] != stay["ended_on"],
        *((stay[name] is None, stay[name] or "") for name in names),
    )


def is_move(before: Row, after: Row) -> bool:
    """Anything but a new legal status alone."""
    same = all(before[name] == after[name] for name in ("placement_type", "provider", "home_id"))
    return not (same and before["legal_status"] != after["legal_status"])


def first_offer(talk: Row) -> int | None:
    stamp = talk["held_at"] if talk["offered_at"] is None else talk["offered_at"]
    return known_from(stamp) if talk["status"] in OFFERED and stamp is not None else None


def when_completed(talk: Row) -> int | None:
    is_held = talk["status"] in COMPLETED and talk["held_at"] is not None
    return known_from(talk["held_at"]) if is_held else None


def when_declined(talk: Row) -> int | None:
    is_declined = talk["status"] == "declined" and talk["offered_at"] is not None
    return known_from(talk["offered_at"]) if is_declined else None


def was_offered(talk: Row, e: Row, t: int) -> bool:
    known = first_offer(talk)
    return known is not None and known <= t


def was_completed(talk: Row, e: Row, t: int) -> bool:
    known = when_completed(talk)
    return known is not None and known <= t


def was_in_time(talk: Row, e: Row, t: int) -> bool:
    """Within 72 hours after the return; by the third day after it where one of the two is known by date only."""
    if not was_completed(talk, e, t):
        return False
    if e["precision"] == "day" or is_midnight(talk["held_at"]):
        return 0 <= (on(talk["held_at"]) - on(e["returned_at"])).days <= 3
    return 0 <= talk["held_at"] - e["returned_at"] <= 72 * HOUR
