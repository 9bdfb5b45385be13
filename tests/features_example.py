"""Made-up histories in which what is hard occurs: ties, edges, both clock changes, blanks and contradictions."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from features_twin import DAY, HOUR, LONDON, Row, instant, known_from, midnight, on

from missing_patterns.codebook import read_codebook
from missing_patterns.episodes import build_episodes
from missing_patterns.episodes.arrays import ABSENT
from missing_patterns.schema import DATE, TEXT, TIMESTAMP, TRIGGERS, conform
from missing_patterns.triggers import code_triggers

CODES = ["home_conflict", "home_abuse", "people_family", "exploitation_criminal"]
#: A codebook of four codes in three domains, so that the same ones are named again and again.
BOOK = read_codebook().amend(retired=[c for c in read_codebook().codes if c not in CODES])
NOT_IN_BOOK = "circumstance_late"
UNTIL = "2026-12-31"
MARCH, OCTOBER = dt.date(2026, 3, 9), dt.date(2026, 10, 5)
SPAN = 45  # days over which a history goes; the clock changes in its third week
STATUSES = (
    ["completed"] * 8
    + ["declined"] * 6
    + ["completed_partial", "offered_pending", "accepted_not_held", "covered_by_other"] * 2
    + ["not_offered_other", "not_required", "unknown", None]
)
ANSWERS: list[tuple[str, ...] | None] = [
    None,
    (),
    ("unknown",),
    ("declined_to_say", "home_conflict"),
    ("unmapped",),
    (NOT_IN_BOOK,),
    ("home_abuse", "home_abuse"),
    ("home_conflict", "home_abuse"),
]


@dataclass(frozen=True)
class History:
    """The tables of one made-up place, and the moments worth asking about."""

    incidents: pd.DataFrame
    interviews: pd.DataFrame
    placements: pd.DataFrame
    moments: list[tuple[str, int]]

    def episodes(self) -> pd.DataFrame:
        return build_episodes(self.incidents, observed_until=UNTIL)

    def triggers(self, r: random.Random | None = None) -> pd.DataFrame:
        """What the interviews name; with `r`, some of it denied, doubtful, repeated or known at other times."""
        table = code_triggers(self.interviews)
        table.attrs = {}
        if r is None:
            return table
        table["status"] = [
            r.choice(["denied", "not_recorded", "suspected"]) if r.random() < 0.3 else s for s in table["status"]
        ]
        read = table.sample(frac=0.4, random_state=r.randrange(2**32)).assign(
            origin="narrative",
            status=[r.choice(["present", "suspected", "denied"]) for _ in range(round(len(table) * 0.4))],
        )
        later = pd.Series([r.choice([0, 0, 1, 36]) for _ in range(len(read))], index=read.index)
        read["known_at"] = (read["known_at"] + pd.to_timedelta(later, unit="h")).mask(later == 1)
        strange = pd.DataFrame(
            [["no such interview", "C0", "home_abuse"], ["no such interview", "no such child", "home_abuse"]],
            columns=["interview_id", "child_id", "code"],
        ).assign(status="present", known_at=at([instant(dt.datetime(2026, 3, 20, 9, tzinfo=LONDON))] * 2))
        return conform(pd.concat([table, read, strange], ignore_index=True), TRIGGERS)

    def index(self) -> pd.DataFrame:
        return index_of(self.moments)


def index_of(moments: Iterable[tuple[str, int]]) -> pd.DataFrame:
    moments = list(moments)
    return pd.DataFrame({"child_id": [c for c, _ in moments], "index_at": at([t for _, t in moments])})


def at(times: Iterable[int | None]) -> pd.Series:
    """Whole microseconds as a column of times."""
    naive = pd.Series(np.array([ABSENT if t is None else t for t in times], dtype=np.int64).astype("datetime64[us]"))
    return naive.dt.tz_localize("UTC").dt.tz_convert("Europe/London").astype(TIMESTAMP)


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - for made-up data


class Clock:
    """Moments that meet: a few are used over and over, a microsecond or whole days apart."""

    def __init__(self, r: random.Random, first: dt.date) -> None:
        self.r, self.first = r, first
        self.shared = [self.fresh() for _ in range(12)]

    def day(self) -> dt.date:
        # The 20th day is a Sunday on which the clock changes.
        return self.first + dt.timedelta(days=self.r.choice([20, self.r.randrange(SPAN), self.r.randrange(SPAN)]))

    def fresh(self) -> int:
        minute = self.r.choice([0, 0, 12 * 60, 60, 90, 119, 21 * 60, 23 * 60 + 59, self.r.randrange(1440)])
        time = dt.time(*divmod(minute, 60), fold=self.r.randrange(2))
        return instant(dt.datetime.combine(self.day(), time, tzinfo=LONDON))

    def pick(self) -> int:
        how = self.r.random()
        if how < 0.4:
            return self.fresh()
        time = self.r.choice(self.shared)
        if how < 0.6:
            return time + self.r.choice([-28, -7, -1, 1, 7, 28]) * DAY
        return time + (self.r.choice([-1, 1]) if how < 0.7 else 0)


def make_history(seed: int, *, first: dt.date = OCTOBER) -> History:
    """Draw a history of a dozen children, with the stories that each must hold."""
    incidents, talks, stays, moments = make_rows(seed, 12, 5, first=first)
    tables = tables_of(incidents + planted(first), talks + planted_talks(first), stays + planted_stays(first))
    return History(*tables, moments + planted_moments(first))


def make_rows(
    seed: int, n_children: int, n_each: int, *, first: dt.date = OCTOBER, tidy: bool = False
) -> tuple[list[Row], list[Row], list[Row], list[tuple[str, int]]]:
    """Draw incidents, interviews, placements and moments, as plain rows.

    With `tidy`, what the records of an absence say of one moment never hangs on a later record: those of a child are
    all by the minute or all by date, and those that may be one absence name the same home; and no interview names a
    record that began after it, of an absence that began before.
    """
    r = chance(seed)
    clock = Clock(r, first)
    children = [f"C{k}" for k in range(n_children)]
    by_day = {c: tidy and r.random() < 0.3 for c in children}
    incidents = [
        incident(r, clock, k, child, by_day[child] if tidy else r.random() < 0.25)
        for k, child in enumerate(r.choices(children, k=n_each * n_children))
    ]
    joined = settle(incidents) if tidy else set()
    of_child: dict[str, list[Row]] = {}
    for row in incidents:
        of_child.setdefault(row["child_id"], []).append(row)
    talks = [interview(r, clock, k, incidents, of_child) for k in range(n_each * n_children)]
    if tidy:
        began = {row["incident_id"]: row["missing_from"] for row in incidents if row["incident_id"] in joined}
        for talk in talks:
            heard = math.inf if talk["held_at"] is None else known_from(talk["held_at"])
            talk["incident_ids"] = tuple(i for i in talk["incident_ids"] or () if began.get(i, heard) <= heard)
    stays = [stay for child in [*children[1:], "only placed"] for stay in placement(r, first, child)]
    moments = [(r.choice([*children, "nothing"]), clock.pick()) for _ in range(3 * n_children)]
    for row in r.sample(incidents, n_children):
        moments += [(row["child_id"], t) for t in (row["missing_from"], row["returned_at"]) if t is not None]
    moments += [("nobody", clock.pick()), ("only asked", clock.pick() + 28 * DAY), ("only placed", clock.pick())]
    moments += [(children[1], instant(dt.datetime(year, 5, 9, 12, tzinfo=LONDON))) for year in (2009, 2022, 2035)]
    moments += r.sample(moments, 3)
    return incidents, talks, stays, moments


def incident(r: random.Random, clock: Clock, k: int, child: str, by_day: bool) -> Row:
    start = clock.pick()
    length = r.choice([0, 0, 1, HOUR, 3 * HOUR, 12 * HOUR, DAY, 60 * HOUR, r.randrange(5 * DAY), None])
    end: int | None = None if length is None else start + length
    if r.random() < 0.25 and (other := clock.pick()) >= start:
        end = other
    if by_day:
        start, end = midnight(on(start)), None if end is None else midnight(on(end))
    return {
        "incident_id": f"M{k:05d}",
        "child_id": child,
        "missing_from": start,
        "returned_at": end,
        "precision": "day" if by_day else r.choice(["minute", None]),
        "placement_type": r.choice(["kinship", "foster", None]),
        "home_id": r.choice(["H1", "H1", "H2", None]),
        "in_area": r.choice([True, False, None]),
        "found_place": r.choice(["park", "friend", None]),
        "found_area": r.choice(["North", "North", "South", None]),
    }


def settle(incidents: list[Row]) -> set[str]:
    """Give records that may be one absence the same setting, so that the first of them says it; return the others."""
    incidents.sort(key=lambda i: (i["child_id"], i["missing_from"], i["incident_id"]))
    latest: dict[str, float] = {}
    joined = set()
    for before, row in pairwise([{"child_id": None}, *incidents]):
        if row["missing_from"] <= latest.get(row["child_id"], -math.inf):
            row |= {name: before[name] for name in ("home_id", "placement_type", "in_area")}
            joined.add(row["incident_id"])
        # A record without an end may take in one that begins within a day.
        end = row["missing_from"] + DAY + HOUR if row["returned_at"] is None else row["returned_at"]
        latest[row["child_id"]] = max(end, latest.get(row["child_id"], end))
    return joined


def interview(r: random.Random, clock: Clock, k: int, incidents: list[Row], of_child: dict[str, list[Row]]) -> Row:
    about = r.choice(incidents)
    mine, other = of_child[about["child_id"]], r.choice(incidents)
    child = r.choice([about["child_id"]] * 9 + ["only asked"])
    named = r.choice(
        [
            [about],
            [about],
            r.sample(mine, min(len(mine), 2)),
            r.sample(mine, min(len(mine), 4)),
            [other],
            [about, other],
            [],
        ]
    )
    ids = [i["incident_id"] for i in named]
    ids += ["no such incident"] if r.random() < 0.1 else []
    status = r.choice(STATUSES)
    last = about["missing_from"] if about["returned_at"] is None else about["returned_at"]
    day_after = midnight(on(last) + dt.timedelta(days=r.randrange(1, 5)))
    after = [last - HOUR, last - 1, last, last + 1, last + r.randrange(1, 100) * HOUR]
    after += [last + 72 * HOUR, last + 72 * HOUR + 1, midnight(on(last)), day_after, clock.pick(), clock.pick()]
    offered, held = sorted(r.choices(after, k=2))
    may_be_held = str(status).startswith(("completed", "covered")) or r.random() < 0.1
    return {
        "interview_id": f"R{k:05d}",
        "child_id": child,
        "incident_ids": tuple(ids) if ids else r.choice([None, ()]),
        "status": status,
        "offered_at": None if r.random() < 0.15 else offered,
        "held_at": held if may_be_held and r.random() < 0.92 else None,
        "coded_triggers": tuple(r.sample(CODES, r.randrange(1, 4))) if r.random() < 0.65 else r.choice(ANSWERS),
    }


def placement(r: random.Random, first: dt.date, child: str) -> list[Row]:
    """Stays of a child: on from each other or apart, of one day, begun on one day, or new in legal status alone."""
    stays: list[Row] = []
    day = first + dt.timedelta(days=r.randrange(-10, 20))
    for _ in range(r.randrange(5)):
        stay: Row = {
            "child_id": child,
            "started_on": day,
            "placement_type": r.choice(["foster", "secure", None]),
            "provider": r.choice(["P1", None]),
            "home_id": r.choice(["H1", "H2", None]),
            "legal_status": r.choice(["C1", "C2", None]),
        }
        if stays and r.random() < 0.3:
            stay |= {name: stays[-1][name] for name in ("placement_type", "provider", "home_id")}
        # What else is known of a stay hangs on where it is, so that of two begun on one day either order is clear.
        where = sum(map(ord, "".join(str(v) for v in stay.values())))
        stay |= {"in_area": [True, False, None][where % 3], "distance_miles": [None, where / 7][where % 2]}
        end = day + dt.timedelta(days=r.choice([0, 0, 1, 3, 10, r.randrange(20)]))
        stay["ended_on"] = end if r.random() < 0.8 else None
        if not any(all(stay[name] == other[name] for name in stay if name != "ended_on") for other in stays):
            stays.append(stay)
        day = r.choice([end, end, end + dt.timedelta(days=3), day])
    return stays


def planted(first: dt.date) -> list[Row]:
    """Stories that every history holds, told in days and hours after its first day."""
    blank: Row = dict.fromkeys(["placement_type", "home_id", "in_area", "found_place", "found_area"])
    told: list[tuple[str, Any, Any, Row]] = [
        # Two absences on one day, known by date only, in a home with three others.
        ("P1", 6, 6, {"home_id": "H9"}),
        ("P1", 6, 6, {"home_id": "H9"}),
        ("P1", (9, 20), (10, 2), {"home_id": "H9", "found_area": "North", "found_place": "park"}),
        ("P1", (30, 20), (31, 20), {"home_id": "H9", "found_area": "North", "found_place": "park"}),
        ("P1", (33, 20), (33, 22), {"found_area": "North"}),
        ("P1", (36, 20), (36, 22), {"found_area": "North"}),
        ("P2", (9, 21), (9, 21), {"home_id": "H9"}),  # of no length, inside another's
        ("P2", (9, 22), None, {"home_id": "H9"}),  # whose end nobody wrote down
        ("P2", (30, 19), (30, 20), {"home_id": "H9"}),  # ends as another's begins
        ("P3", (30, 22), None, {"home_id": "H9"}),  # who is still missing
        ("P3", (10, 2), (10, 4), {"home_id": "H9"}),  # begins as another's ends
        # Over the hour that the clock leaves out or gives twice, and a night by date only.
        ("P4", (20, 0), (20, 5), {}),
        ("P5", 19, 21, {}),
        ("P5", (4, 22), (5, 20), {}),
        ("P5", 5, 6, {}),  # begins, for all that its date says, before the one above has ended
        ("P4", (24, 0), (24, 0), {}),  # of no length, at midnight
    ]
    rows = []
    for n, (child, start, end, more) in enumerate(told):
        times = [None if x is None else moment_of(first, x) for x in (start, end)]
        row = {"incident_id": f"P{n}", "child_id": child, "missing_from": times[0], "returned_at": times[1]}
        precision = "day" if isinstance(start, int) else "minute"
        rows.append(row | {"precision": precision} | blank | more)
    return rows


def planted_talks(first: dt.date) -> list[Row]:
    both = ("home_conflict", "home_abuse")
    told: list[tuple[str, Any, str, Any, Any, Any]] = [
        ("P1", ("P2",), "declined", (10, 9), None, None),
        ("P1", ("P2",), "completed", None, (13, 0), both),  # on the last day on which it is in time
        ("P1", ("P3",), "declined", (31, 21), None, None),
        ("P1", ("P3",), "completed", (31, 21), (31, 21), both),  # said no and yes at one moment
        ("P1", ("P2", "P3", "P4"), "completed", None, (33, 21), both),  # covers one that is still going on
        ("P1", ("P3",), "completed_partial", None, (31, 22), both),
        ("P1", ("P5",), "declined", (36, 23), None, None),
        ("P1", (), "declined", (37, 0), None, None),
        ("P2", ("P7",), "completed", None, (9, 23), (NOT_IN_BOOK,)),  # while nobody knew where the child was
        ("P2", ("P6",), "completed", None, (9, 12), both),  # of an absence that had not begun
        ("P2", ("P6",), "completed", None, (10, 12), ()),
        ("P2", ("P6",), "completed", None, (10, 14), None),
        ("P2", ("P8",), "completed", (31, 0), None, both),
        ("P4", ("P11",), "completed", None, (20, 5), both),  # at the moment of the return
        ("P4", ("P11",), "completed", None, (23, 5), both),  # 72 hours later
        ("P4", ("P15",), "completed", None, (24, 0), both),
    ]
    return [
        {
            "interview_id": f"Q{n}",
            "child_id": child,
            "incident_ids": ids,
            "status": status,
            "offered_at": None if offered is None else moment_of(first, offered),
            "held_at": None if held is None else moment_of(first, held),
            "coded_triggers": codes,
        }
        for n, (child, ids, status, offered, held, codes) in enumerate(told)
    ]


def planted_stays(first: dt.date) -> list[Row]:
    told = [
        (2, 5, "foster", "H1", "C1"),
        (5, 8, "foster", "H1", "C2"),  # a new legal status alone
        (8, 8, "foster", "H2", "C2"),  # of one day
        (8, 12, "secure", "H2", "C2"),  # on the same day
        (20, None, "foster", "H1", "C2"),  # after eight days in none
    ]
    days = [(dt.timedelta(days=a), None if b is None else dt.timedelta(days=b), *more) for a, b, *more in told]
    return [
        {
            "child_id": "P1",
            "started_on": first + start,
            "ended_on": None if end is None else first + end,
            "placement_type": kind,
            "provider": "P1",
            "home_id": home,
            "legal_status": legal,
            "in_area": home == "H1",
            "distance_miles": float(start.days),
        }
        for start, end, kind, home, legal in days
    ]


def planted_moments(first: dt.date) -> list[tuple[str, int]]:
    """While missing, a microsecond after a return, on the day of a move, on an edge, after two declined."""
    said = [(9, 23), (10, 2), (8, 13), (9, 0), (15, 13), (16, 20), (38, 2), (39, 1)]
    return [("P1", moment_of(first, x)) for x in said] + [("P1", moment_of(first, (10, 2)) + 1)]


def moment_of(first: dt.date, said: int | tuple[int, int]) -> int:
    day, hour = (said, 0) if isinstance(said, int) else said
    return instant(dt.datetime.combine(first + dt.timedelta(days=day), dt.time(hour), tzinfo=LONDON))


def tables_of(
    incidents: list[Row], talks: list[Row], stays: list[Row]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Incidents, interviews and placements as the tables that the library takes."""
    return _frame(incidents), _frame(talks), _frame(stays)


def _frame(rows: list[Row]) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name in ("missing_from", "returned_at", "offered_at", "held_at"):
            columns[name] = at(values)
        elif name in ("incident_ids", "coded_triggers"):
            columns[name] = pd.Series(values, dtype=object)
        elif name.endswith("_on"):
            columns[name] = pd.Series([pd.NaT if v is None else pd.Timestamp(v) for v in values], dtype=DATE)
        else:
            kind: Any = {"in_area": "boolean", "distance_miles": "float64"}.get(name, TEXT)
            columns[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(columns)
