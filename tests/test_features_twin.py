"""Every feature column equals, exactly, what a slow plain loop makes of its definition, on histories full of traps."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pandas as pd
from features_example import BOOK, CODES, MARCH, OCTOBER, History, at, chance, index_of, make_history
from features_twin import (
    DAY,
    HOUR,
    LONDON,
    Row,
    Twin,
    end_of,
    first_offer,
    in_order,
    instant,
    is_midnight,
    is_move,
    on,
    when,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.codebook import read_codebook
from missing_patterns.episodes import build_episodes
from missing_patterns.features import build_features, feature_specs
from missing_patterns.schema import EPISODES, INCIDENTS, INTERVIEWS, PLACEMENTS, TRIGGERS, empty
from missing_patterns.triggers import code_triggers

DAYS = (1, 7, 28)
KEYS = ("child_id", "episode_id", "interview_id", "index_at")
#: Flags that may be not recorded, and so are of the type that knows that.
MAY_BE_BLANK = {
    "in_area",
    "began_in_school_holiday",
    "began_on_bank_holiday",
    "is_school_day",
    "is_school_holiday",
    "is_bank_holiday",
}
TYPES = {bool: "bool", int: "int32", float: "float64"}


def values(column: pd.Series) -> list[object]:
    if column.name == "index_at":
        return [stamp.value // 1000 for stamp in column]
    return [None if pd.isna(v) else v for v in column.tolist()]


def differences(X: pd.DataFrame, rows: list[Row]) -> list[str]:
    """Columns that are not what the twin says, in value or in type."""
    assert X.columns.tolist() == list(rows[0])
    assert len(X) == len(rows)
    wrong = []
    for name in X.columns:
        right = [row[name] for row in rows]
        if values(X[name]) != right:
            wrong.append(name)
        elif name in MAY_BE_BLANK:
            wrong += [] if X[name].dtype == "boolean" else [f"type of {name}"]
        elif name not in (*KEYS, "placement_type"):
            kinds = {TYPES[type(v)] for v in right if v is not None} or {"float64"}
            wrong += [] if kinds == {str(X[name].dtype)} else [f"type of {name}"]
    return wrong


def of_seed(seed: int) -> tuple[History, pd.DataFrame, pd.DataFrame]:
    """A history over one of the two clock changes, its episodes, and its triggers with some denied or in doubt."""
    history = make_history(seed, first=(MARCH, OCTOBER)[seed % 2])
    return history, history.episodes(), history.triggers(chance(seed))


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32 - 1))
def test_every_column_equals_the_twin_for_each_kind_of_index(seed: int) -> None:
    history, episodes, triggers = of_seed(seed)
    twin = Twin(episodes, triggers, history.interviews, history.placements, DAYS, BOOK)
    assert traps(history, twin) == []
    given_ = {
        "interviews": history.interviews,
        "placements": history.placements,
        "lookback_days": DAYS,
        "codebook": BOOK,
    }
    asked = (("returned_at", twin.at_returns()), ("interview", twin.at_interviews()))
    for index, rows in (*asked, (history.index(), twin.at_moments(history.moments))):
        assert differences(build_features(episodes, triggers, index=index, **given_), rows) == []


@settings(deadline=None, max_examples=2)
@given(st.integers(0, 2**32 - 1))
def test_every_column_equals_the_twin_where_some_tables_are_not_given(seed: int) -> None:
    history, episodes, triggers = of_seed(seed)
    for name in ("interviews", "placements"):
        only = {"interviews": None, "placements": None, name: getattr(history, name)}
        twin = Twin(episodes, triggers, *only.values(), DAYS, BOOK)
        X = build_features(episodes, triggers, index=history.index(), lookback_days=DAYS, codebook=BOOK, **only)
        assert differences(X, twin.at_moments(history.moments)) == []


def test_the_twin_says_what_is_there_by_default_and_nothing_else() -> None:
    book, days = read_codebook(), (28, 90, 365)
    twin = Twin(*(empty(t) for t in (EPISODES, TRIGGERS, INTERVIEWS, PLACEMENTS)), days, book)
    assert [spec.name for spec in feature_specs()] == list(twin.features("nobody", 0, None))
    assert [s.name for s in feature_specs(DAYS, BOOK)] == list(
        Twin(*(empty(t) for t in (EPISODES, TRIGGERS, INTERVIEWS, PLACEMENTS)), DAYS, BOOK).features("nobody", 0, None)
    )


def test_in_the_histories_every_column_takes_several_values() -> None:
    seen: dict[str, set[object]] = {}
    for seed in range(4):
        history, episodes, triggers = of_seed(seed)
        twin = Twin(episodes, triggers, history.interviews, history.placements, DAYS, BOOK)
        for row in twin.at_moments(history.moments) + twin.at_interviews():
            for name, value in row.items():
                seen.setdefault(name, set()).add(value)
    assert [name for name, several in seen.items() if len(several) < 2] == []
    # Every measure is blank somewhere, but for those that any moment has.
    never = {n for n, v in seen.items() if {type(x) for x in v} == {float}}
    assert never == {f"index_{part}_{way}" for part in ("weekday", "month") for way in ("sin", "cos")} | {
        f"missing_hours_{d}d" for d in DAYS
    }


def test_no_records_at_all() -> None:
    nothing = [empty(t) for t in (EPISODES, TRIGGERS, INTERVIEWS, PLACEMENTS)]
    twin = Twin(*nothing, DAYS, BOOK)
    options = {"interviews": nothing[2], "placements": nothing[3], "lookback_days": DAYS, "codebook": BOOK}
    names = list(twin.features("nobody", 0, None))
    for index in ("returned_at", "interview"):
        X = build_features(nothing[0], nothing[1], index=index, **options)
        assert len(X) == 0
        assert [c for c in X.columns if c not in KEYS] == names
    history = make_history(1)
    X = build_features(nothing[0], nothing[1], index=history.index(), **options)
    assert differences(X, twin.at_moments(history.moments)) == []


def test_a_child_of_whom_hundreds_of_things_are_known_beside_one_of_whom_little_is() -> None:
    first = instant(dt.datetime(2026, 10, 5, 20, tzinfo=LONDON))
    starts = [first + k * 12 * HOUR for k in range(80)]
    who = ["A"] * 79 + ["B"]
    incidents = pd.DataFrame(
        {
            "incident_id": [str(k) for k in range(80)],
            "child_id": who,
            "missing_from": at(starts),
            "returned_at": at(t + HOUR for t in starts),
            "home_id": "H1",
        }
    )
    talks = pd.DataFrame(
        {
            "interview_id": [f"R{k}" for k in range(80)],
            "child_id": who,
            "incident_ids": pd.Series([(str(k),) for k in range(80)], dtype=object),
            "status": "completed",
            "held_at": at(t + 3 * HOUR for t in starts),
            "coded_triggers": pd.Series([tuple(CODES[: k % 3 + 2]) for k in range(80)], dtype=object),
        }
    )
    episodes, triggers = build_episodes(incidents, observed_until="2026-12-31"), code_triggers(talks)
    moments = [(child, t + h * HOUR) for child in "AB" for t in starts[::9] for h in (0, 2, 3, 7 * 24)]
    X = build_features(episodes, triggers, interviews=talks, index=index_of(moments), lookback_days=DAYS, codebook=BOOK)
    rows = Twin(episodes, triggers, talks, None, DAYS, BOOK).at_moments(moments)
    assert differences(X, rows) == []
    of_a = [row for row in rows if row["child_id"] == "A"]
    assert sum(of_a[-1][f"n_{x}_ever"] for x in (*CODES, *set(BOOK.domains.values()))) > 255


def test_the_twin_by_hand() -> None:
    """The twin itself, where one can count on one's fingers."""
    incidents = pd.DataFrame(
        [
            ["1", "A", "2026-10-20 21:00", "2026-10-21 01:00", "H1", "North"],
            ["2", "A", "2026-10-24 23:00", "2026-10-25 05:00", "H1", "North"],
            ["3", "B", "2026-10-25 04:30", None, "H1", None],
        ],
        columns=["incident_id", "child_id", "missing_from", "returned_at", "home_id", "found_area"],
    )
    talks = pd.DataFrame(
        {
            "interview_id": ["R"],
            "child_id": ["A"],
            "incident_ids": [("1",)],
            "status": ["completed"],
            "offered_at": [None],
            "held_at": ["2026-10-22"],
            "coded_triggers": [("home_conflict",)],
        }
    )
    episodes = build_episodes(incidents, observed_until="2026-12-31")
    row = Twin(episodes, code_triggers(talks), talks, None, (7,), BOOK).at_returns()[1]
    said = {
        "episode_no": 2,
        "n_episodes_ever": 2,
        "missing_hours_7d": 11.0,  # the night has an hour more
        "missing_nights_7d": 2,
        "days_since_return": 4 + 5 / 24,
        "mean_gap_days_last3": 3 + 22 / 24,
        "gap_trend_days": None,
        "is_school_holiday": True,
        "days_to_term": 8.0,
        "any_home_conflict_this_episode": False,
        "n_home_7d": 1,
        "days_since_home_conflict": 4 + 9 / 24,
        "share_in_time_last3": 1.0,
        "n_earlier_same_home": 1.0,
        "n_earlier_same_place": 1.0,
        "n_missing_with": 1.0,
        "placement_type": None,
    }
    assert {name: row[name] for name in said} == said
    # Three weeks and a microsecond behind the lookback nothing is left of it.
    later = Twin(episodes, code_triggers(talks), talks, None, (7,), BOOK).at_moments(
        [("A", row["index_at"] + 21 * DAY)]
    )
    assert (later[0]["n_episodes_7d"], later[0]["n_home_7d"], later[0]["n_home_ever"]) == (0, 0, 1)


# --- what makes a history nasty -----------------------------------------------------------------------------------


def traps(history: History, twin: Twin) -> list[str]:
    """Names of the traps that this history does not hold."""
    found = of_episodes(history, twin) | of_interviews(history, twin) | of_placements(twin) | of_index(history, twin)
    return [name for name, is_there in found.items() if not is_there]


def of_episodes(history: History, twin: Twin) -> dict[str, bool]:
    every = twin.episodes
    starts, ends = [e["missing_from"] for e in every], [e["returned_at"] for e in every if e["returned_at"] is not None]
    next_to = [(a, b) for a, b in pairwise(every) if a["child_id"] == b["child_id"]]
    homes: dict[str, set[str]] = {}
    for e in every:
        homes.setdefault(e["home_id"] or "", set()).add(e["child_id"])
    homes.pop("", None)
    return {
        "a child's episodes begin at one moment": any(when(a)[0] == when(b)[0] for a, b in next_to),
        "a child's episodes end at one moment": any(
            a["returned_at"] is not None and a["returned_at"] == b["returned_at"] for a, b in next_to
        ),
        "of no length": any(e["missing_from"] == e["returned_at"] for e in every),
        "ties over children": len(set(starts)) < len(starts) and len(set(ends)) < len(ends),
        "one ends as another's begins": bool(set(starts) & set(ends)),
        "still missing": any(e["returned_at"] is None and e["is_open"] for e in every),
        "end not recorded": any(e["returned_at"] is None and not e["is_open"] for e in every),
        "begins before the last one's return": any((a["returned_at"] or 0) > b["missing_from"] for a, b in next_to),
        "by date only, and by the minute": {e["precision"] for e in every} == {"day", "minute"},
        "both of one child": any(a["precision"] != b["precision"] for a, b in next_to),
        "incidents joined": any(e["n_incidents"] > 1 for e in every),
        "over a clock change": any(
            shift(e["missing_from"]) != shift(e["returned_at"]) for e in every if e["returned_at"]
        ),
        "a home of several children": any(len(children) > 2 for children in homes.values()),
        "missing with several": any((row["n_missing_with"] or 0) > 1 for row in twin.at_returns()),
        "found in one place again": any((row["n_earlier_same_place"] or 0) > 0 for row in twin.at_returns()),
        "where found is not recorded": any(e["found_place"] is None and e["found_area"] is not None for e in every),
    }


def of_interviews(history: History, twin: Twin) -> dict[str, bool]:
    talks = twin.talks
    owner = dict(zip(history.incidents["incident_id"], history.incidents["child_id"], strict=True))
    held = [talk for talk in talks if talk["held_at"] is not None]
    pairs = [(talk, e) for talk in held for e in twin.covers[talk["interview_id"]] if e["returned_at"] is not None]
    after = [talk["held_at"] - e["returned_at"] for talk, e in pairs]
    named: dict[tuple[str, str], set[str]] = {}
    for s in twin.said:
        for e in twin.covers.get(s["interview_id"], []):
            named.setdefault((e["episode_id"], s["code"]), set()).add(s["interview_id"])
    declined = [(t["child_id"], first_offer(t)) for t in talks if t["status"] == "declined" and t["offered_at"]]
    done = [(t["child_id"], t["held_at"]) for t in held if t["status"] in ("completed", "completed_partial")]
    return {
        "before the return": min(after) < 0,
        "at the return": 0 in after,
        "72 hours after it": 72 * HOUR in after,
        "the day by which it is due": any(
            (on(t["held_at"]) - on(e["returned_at"])).days == 3 and is_midnight(t["held_at"]) for t, e in pairs
        ),
        "before the episode": any(talk["held_at"] < e["missing_from"] for talk, e in pairs),
        "held at midnight": any(is_midnight(talk["held_at"]) for talk in held),
        "of several episodes": any(len(es) > 2 for es in twin.covers.values()),
        "names none, found by time": any(twin.covers[t["interview_id"]] and not t["incident_ids"] for t in talks),
        "covers nothing": any(not twin.covers[t["interview_id"]] and t["coded_triggers"] for t in held),
        "names another child's": any(
            {owner.get(i) for i in t["incident_ids"] or ()} - {t["child_id"], None} for t in held
        ),
        "two name one code": any(len(who) > 1 for who in named.values()),
        "declined": len(declined) > 0,
        "declined and done at one moment": bool(set(declined) & set(done)),
        "two declined running": any(row["n_declined_in_a_row"] > 1 for row in twin.at_moments(history.moments)),
        "never held": any(t["status"] == "completed" and t["held_at"] is None for t in talks),
        "asked, none given": any(t["coded_triggers"] == () for t in held),
        "not asked": any(t["coded_triggers"] is None for t in held),
        "denied, in doubt and not recorded": {s["status"] for s in twin.said}
        == {"present", "suspected", "denied", "not_recorded"},
        "all codes": {s["code"] for s in twin.said} >= set(CODES),
        "a code that is not in the book": any(s["code"] not in CODES for s in twin.said),
    }


def of_placements(twin: Twin) -> dict[str, bool]:
    stays = sorted(twin.stays, key=lambda s: (s["child_id"], *in_order(s)))
    next_to = [(a, b) for a, b in pairwise(stays) if a["child_id"] == b["child_id"]]
    return {
        "a placement of one day": any(s["started_on"] == s["ended_on"] for s in stays),
        "two begin on one day": any(a["started_on"] == b["started_on"] for a, b in next_to),
        "legal status alone": any(not is_move(a, b) for a, b in next_to),
        "still there": any(s["ended_on"] is None for s in stays),
        "between two": any(a["ended_on"] is not None and a["ended_on"] < b["started_on"] for a, b in next_to),
    }


def of_index(history: History, twin: Twin) -> dict[str, bool]:
    moments = history.moments
    events = {(e["child_id"], t) for e in twin.episodes for t in (e["missing_from"], e["returned_at"])}
    known = {e["child_id"] for e in twin.episodes}
    first = {child: min(t for c, t in events if c == child and t is not None) for child in known}
    edges = {(c, t + d * DAY) for c, t in events if t is not None for d in DAYS}
    rows = twin.at_moments(moments)
    placed_today = {(s["child_id"], end_of(s["started_on"])) for s in twin.stays}
    return {
        "the same asked twice": len(set(moments)) < len(moments),
        "of a child without anything": any(child == "nobody" for child, _ in moments),
        "only asked, only placed": {"only asked", "only placed"} <= {child for child, _ in moments},
        "at an event": bool(set(moments) & events),
        "a microsecond off": bool({(c, t - 1) for c, t in moments} & events),
        "before the first": any(t < first.get(c, 0) for c, t in moments),
        "while missing": any(row["is_still_missing"] for row in rows),
        "a lookback that begins at an event": bool({(c, t) for c, t in moments} & edges),
        "at midnight": any(is_midnight(t) for _, t in moments),
        "on the day of a placement": any(on(t) == on(p - 1) for c, t in moments for who, p in placed_today if who == c),
        "out of the calendar": any(row["is_school_day"] is None for row in rows),
    }


def shift(time: int) -> object:
    """How far London is from UTC."""
    stamp = pd.Timestamp(time, unit="us", tz="UTC").tz_convert(str(LONDON))
    return stamp.utcoffset()


def test_a_history_without_its_traps_is_found_out() -> None:
    history = make_history(3)
    history.interviews["held_at"] += pd.Timedelta("1min")
    twin = Twin(history.episodes(), history.triggers(), history.interviews, history.placements, DAYS, BOOK)
    assert {"held at midnight", "the day by which it is due"} <= set(traps(history, twin))


def test_the_tables_of_a_history_are_in_order() -> None:
    history = make_history(5)
    assert set(INCIDENTS.required) <= set(history.incidents)
    assert history.interviews["interview_id"].is_unique
