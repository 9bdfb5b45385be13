"""Nothing that becomes known after a moment changes a feature at it: the future is deleted, shuffled and made up."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator

import pandas as pd
import pytest
from features_example import BOOK, CODES, MARCH, OCTOBER, UNTIL, at, chance, index_of, make_rows, tables_of
from features_twin import DAY, HOUR, Row, end_of, known_from, midnight, on
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.episodes import build_episodes
from missing_patterns.features import build_features
from missing_patterns.schema import OFFERED
from missing_patterns.triggers import code_triggers

DAYS = (1, 7, 28)
SETTING = ("home_id", "placement_type", "in_area")
Tables = tuple[list[Row], list[Row], list[Row]]


def features(rows: Tables, index: str | pd.DataFrame, until: str | pd.Timestamp = UNTIL) -> pd.DataFrame:
    """The whole way, from the incidents on."""
    incidents, talks, stays = tables_of(*rows)
    return build_features(
        build_episodes(incidents, observed_until=until),
        code_triggers(talks),
        interviews=talks,
        placements=stays,
        index=index,
        lookback_days=DAYS,
        codebook=BOOK,
    )


# --- what is known when -------------------------------------------------------------------------------------------


def is_new(row: Row, t: int) -> bool:
    return row["missing_from"] > t


def comes_back_later(row: Row, t: int) -> bool:
    return row["returned_at"] is not None and row["returned_at"] > t


def is_later(stamp: int | None, t: int) -> bool:
    """Whether a stamp of an interview becomes known after t; one that is not recorded never does."""
    return stamp is not None and known_from(stamp) > t


def is_known(stamp: int | None, t: int) -> bool:
    return stamp is not None and known_from(stamp) <= t


def is_unheard(talk: Row, t: int) -> bool:
    """Whether nothing of an interview is known at t."""
    return not is_known(talk["offered_at"], t) and not is_known(talk["held_at"], t)


def is_offered_only(talk: Row, t: int) -> bool:
    """Whether the offer is known at t, and the interview is held later."""
    return is_known(talk["offered_at"], t) and is_later(talk["held_at"], t)


def is_moved_later(stay: Row, t: int) -> bool:
    return end_of(stay["started_on"]) > t


def ends_later(stay: Row, t: int) -> bool:
    return stay["ended_on"] is not None and end_of(stay["ended_on"]) > t


def what_was_pending(talk: Row) -> Row:
    """An interview that was offered, as it stood before it was held; a refusal is known at the offer."""
    status = "offered_pending" if str(talk["status"]).startswith(("completed", "covered")) else talk["status"]
    return talk | {"held_at": None, "coded_triggers": None, "status": status}


# --- three other futures ------------------------------------------------------------------------------------------


def deleted(rows: Tables, t: int, r: random.Random) -> Tables:
    """What is known after t is gone. That a child had not come back by t is known at t: see `until_of`."""
    incidents, talks, stays = rows
    ends = last_ends(incidents, t)
    return (
        [
            row | {"returned_at": None, "found_place": None, "found_area": None}
            if comes_back_later(row, t) and row["missing_from"] > ends[row["child_id"], row["incident_id"]]
            else row
            for row in incidents
            if not is_new(row, t)
        ],
        [what_was_pending(talk) if is_offered_only(talk, t) else talk for talk in talks if not is_unheard(talk, t)],
        [stay | {"ended_on": None} if ends_later(stay, t) else stay for stay in stays if not is_moved_later(stay, t)],
    )


def last_ends(incidents: list[Row], t: int) -> dict[tuple[object, object], float]:
    """For each record begun by t, the end of those of the child that began earlier or later but by t."""
    of_child: dict[object, list[Row]] = {}
    for row in incidents:
        if not is_new(row, t):
            of_child.setdefault(row["child_id"], []).append(row)
    never = float("inf")
    return {
        (child, row["incident_id"]): max(
            (never if o["returned_at"] is None else o["returned_at"] for o in mine if o is not row), default=-never
        )
        for child, mine in of_child.items()
        for row in mine
    }


def shuffled(rows: Tables, t: int, r: random.Random) -> Tables:
    """What is known after t belongs to other rows."""
    incidents, talks, stays = (list(part) for part in rows)
    for by_day in (True, False):  # a record by date would be matched to one with times; see `make_rows`
        alike = [row for row in incidents if (row["precision"] == "day") == by_day]
        incidents = [row for row in incidents if (row["precision"] == "day") != by_day]
        swap(r, alike, lambda row: is_new(row, t), ["child_id", *SETTING])
        swap(
            r,
            alike,
            lambda row: not is_new(row, t) and comes_back_later(row, t),
            ["returned_at", "found_place", "found_area"],
        )
        incidents += alike
    incidents = unsettled(incidents, t)
    swap(r, talks, lambda talk: is_unheard(talk, t), ["child_id", "incident_ids", "coded_triggers"])
    swap(r, talks, lambda talk: is_unheard(talk, t), ["status", "offered_at", "held_at"])
    swap(r, talks, lambda talk: is_offered_only(talk, t), ["held_at", "coded_triggers"])
    swap(r, stays, lambda stay: is_moved_later(stay, t), ["child_id", "home_id", "distance_miles"])
    swap(r, stays, lambda stay: not is_moved_later(stay, t) and ends_later(stay, t), ["ended_on"])
    for part in (incidents, talks, stays):
        r.shuffle(part)
    return incidents, talks, stays


def unsettled(incidents: list[Row], t: int) -> list[Row]:
    """Leave blank in records after t what none of the child's before it says.

    The setting of an episode is what the first of its records says, and is held to be known from the start.
    """
    unsaid = {
        (row["child_id"], name) for row in incidents for name in SETTING if not is_new(row, t) and row[name] is None
    }
    return [
        row | {name: None for name in SETTING if (row["child_id"], name) in unsaid} if is_new(row, t) else row
        for row in incidents
    ]


def swap(r: random.Random, rows: list[Row], which: Callable[[Row], bool], names: list[str]) -> None:
    where = [k for k, row in enumerate(rows) if which(row)]
    others = r.sample(where, len(where))
    new = [rows[k] | {name: rows[o][name] for name in names} for k, o in zip(where, others, strict=True)]
    for k, row in zip(where, new, strict=True):
        rows[k] = row


def corrupted(rows: Tables, t: int, r: random.Random) -> Tables:
    """Everything known after t is something else, and there is more of it, of the same children and of others."""
    incidents, talks, stays = rows
    return (
        unsettled([*(other_incident(row, t, r) for row in incidents), *more_incidents(incidents, t, r)], t),
        [*(other_talk(talk, t, r, incidents) for talk in talks), *more_talks(incidents, t, r)],
        [*(other_stay(stay, t, r) for stay in stays), *more_stays(stays, t, r)],
    )


def later(t: int, r: random.Random, row: Row | None = None) -> int:
    """A moment after t; the midnight after it for a record that is by date."""
    moment = t + r.choice([1, HOUR, r.randrange(1, 30 * DAY)])
    return end_of(on(moment)) if row and row["precision"] == "day" else moment


def later_day(t: int, r: random.Random) -> dt.date:
    return on(t) + dt.timedelta(days=r.randrange(20))


def other_incident(row: Row, t: int, r: random.Random) -> Row:
    if is_new(row, t):
        start = later(t, r, row)
        end = r.choice([None, start, start + DAY])
        number = f"N{row['incident_id']}"
        return row | {"incident_id": number, "missing_from": start, "returned_at": end, "home_id": "H2"}
    if comes_back_later(row, t):
        return row | {"returned_at": later(t, r, row), "found_place": "shop", "found_area": "West"}
    return row


def more_incidents(incidents: list[Row], t: int, r: random.Random) -> Iterator[Row]:
    for k, row in enumerate(r.sample(incidents, len(incidents) // 3)):
        start = later(t, r, row)
        yield row | {
            "incident_id": f"X{k}",
            "child_id": r.choice([row["child_id"], "a new child"]),
            "missing_from": start,
            "returned_at": r.choice([None, start, start + 3 * DAY]),
        }


def other_talk(talk: Row, t: int, r: random.Random, incidents: list[Row]) -> Row:
    if is_unheard(talk, t):
        new = {"status": "completed", "offered_at": later(t, r), "held_at": later(t, r), "incident_ids": None}
        return talk | new | {"child_id": r.choice(incidents)["child_id"], "coded_triggers": tuple(CODES)}
    if is_offered_only(talk, t):
        new = {"held_at": later(t, r), "coded_triggers": tuple(r.sample(CODES, 2))}
        # That it was offered is known, and so is a refusal, but not what came of it.
        if talk["status"] in OFFERED and talk["status"] != "declined":
            new["status"] = r.choice(["completed", "accepted_not_held", "covered_by_other"])
        return talk | new
    return talk | {"offered_at": later(t, r)} if is_later(talk["offered_at"], t) else talk


def more_talks(incidents: list[Row], t: int, r: random.Random) -> Iterator[Row]:
    for k, row in enumerate(r.sample(incidents, len(incidents) // 3)):
        yield {
            "interview_id": f"X{k}",
            "child_id": row["child_id"],
            "incident_ids": (row["incident_id"],),
            "status": r.choice(["declined", "completed"]),
            "offered_at": later(t, r),
            "held_at": later(t, r),
            "coded_triggers": tuple(CODES),
        }


def other_stay(stay: Row, t: int, r: random.Random) -> Row:
    if is_moved_later(stay, t):
        new = {"started_on": later_day(t, r), "ended_on": None, "placement_type": "health", "home_id": "H2"}
        return stay | new
    return stay | {"ended_on": later_day(t, r)} if ends_later(stay, t) else stay


def more_stays(stays: list[Row], t: int, r: random.Random) -> Iterator[Row]:
    for stay in r.sample(stays, len(stays) // 3):
        yield stay | {"started_on": later_day(t, r), "ended_on": None, "placement_type": "other", "provider": "P9"}


def until_of(how: Callable[..., Tables], t: int) -> str | pd.Timestamp:
    """A record that was written at t says that the child is missing still, and not that the end is not recorded."""
    return at([t + 1])[0] if how is deleted else UNTIL


FUTURES = [deleted, shuffled, corrupted]


# --- the tests ----------------------------------------------------------------------------------------------------


def cuts(rows: Tables, r: random.Random, n: int) -> list[int]:
    """Moments at which something happens to someone, or is known, in the middle of the history."""
    incidents, talks, _ = rows
    happens = [row[name] for row in incidents for name in ("missing_from", "returned_at") if row[name] is not None]
    happens += [known_from(talk["held_at"]) for talk in talks if talk["held_at"] is not None]
    happens = sorted({*happens, *(midnight(on(t)) for t in happens)})
    return r.sample(happens[len(happens) // 4 : len(happens) * 3 // 4], n)


def assert_same(found: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, right, check_exact=True)


@pytest.mark.no_cover
def test_at_twenty_thousand_moments_no_future_changes_anything() -> None:
    """Each of many children at each of some moments, as the library says at all of them and as it says before each."""
    asked: set[tuple[int, str, int]] = set()
    for seed, first in ((1, MARCH), (2, OCTOBER)):
        r = chance(seed)
        *rows, _ = make_rows(seed, 3_000, 2, first=first, tidy=True)
        children = sorted({row["child_id"] for row in rows[0]} | {"nobody", "only asked", "only placed"})
        for t in cuts(tuple(rows), r, 4):
            index = index_of((child, t) for child in children)
            everything = features(tuple(rows), index)
            for future in FUTURES:
                assert_same(features(future(tuple(rows), t, r), index, until_of(future, t)), everything)
            asked |= {(seed, child, t) for child in children}
    assert len(asked) >= 20_000


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["returned_at", "interview"]))
def test_no_row_of_a_return_or_an_interview_hangs_on_what_comes_after(seed: int, index: str) -> None:
    r = chance(seed)
    *rows, _ = make_rows(seed, 150, 4, first=r.choice([MARCH, OCTOBER]), tidy=True)
    everything = features(tuple(rows), index)
    for t, future in zip(cuts(tuple(rows), r, 3), FUTURES, strict=True):
        found = features(future(tuple(rows), t, r), index, until_of(future, t))
        by_then, right = (X[X["index_at"] <= at([t])[0]].reset_index(drop=True) for X in (found, everything))
        assert_same(by_then, right)
        assert 0 < len(right) < len(everything)


@pytest.mark.parametrize("future", FUTURES)
def test_a_future_is_another_one(future: Callable[..., Tables]) -> None:
    """Some days later most features do differ, or nothing would have been tested."""
    r = chance(4)
    *rows, _ = make_rows(4, 200, 4, tidy=True)
    t = cuts(tuple(rows), r, 1)[0]
    index = index_of((f"C{k}", t + 8 * DAY) for k in range(200))
    before, after = features(tuple(rows), index), features(future(tuple(rows), t, r), index)
    same = [c for c in before if before[c].equals(after[c])]
    of_the_index = [c for c in before if c.startswith(("child_id", "index_", "is_school_", "is_bank_", "days_to_"))]
    assert sorted(c for c in same if not c.endswith("_1d")) == sorted(of_the_index)
