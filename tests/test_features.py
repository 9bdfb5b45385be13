"""The feature table: figures by hand, edges of a lookback, a slow plain twin, and nothing from the future."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.codebook import read_codebook
from missing_patterns.episodes import build_episodes
from missing_patterns.errors import ArgumentRefused
from missing_patterns.features import build_features, feature_dictionary
from missing_patterns.schema import LONDON
from missing_patterns.triggers import code_triggers, link_interviews

UNTIL = "2026-12-31"


def episodes(*spans: tuple[str, str, str | None]) -> pd.DataFrame:
    """Episodes of (child, from, to); a bare date is known by date only. Incidents are numbered from 0."""
    rows = [
        {
            "incident_id": str(k),
            "child_id": child,
            "missing_from": f"2026-{start}",
            "returned_at": None if end is None else f"2026-{end}",
            "precision": "minute" if ":" in start else "day",
        }
        for k, (child, start, end) in enumerate(spans)
    ]
    return build_episodes(pd.DataFrame(rows), observed_until=UNTIL)


def interviews(*rows: tuple[str, tuple[str, ...] | None, str | None, tuple[str, ...] | None]) -> pd.DataFrame:
    """Completed interviews of (child, incidents, held, codes); not held = declined on the day of offer."""
    return pd.DataFrame(
        {
            "interview_id": [f"R{k}" for k in range(len(rows))],
            "child_id": pd.Series([r[0] for r in rows], dtype=object),
            "incident_ids": pd.Series([r[1] for r in rows], dtype=object),
            "status": pd.Series(["completed" if r[3] is not None else "declined" for r in rows], dtype=object),
            "offered_at": pd.Series([f"2026-{r[2]}" if r[2] else None for r in rows], dtype=object),
            "held_at": pd.Series([f"2026-{r[2]}" if r[2] and r[3] is not None else None for r in rows], dtype=object),
            "coded_triggers": pd.Series([r[3] for r in rows], dtype=object),
        }
    )


def features(table: pd.DataFrame, asked: pd.DataFrame | None = None, **options: object) -> pd.DataFrame:
    asked = interviews() if asked is None else asked
    return build_features(table, code_triggers(asked), interviews=asked, **options)


STORY = episodes(
    ("A", "01-05 21:00", "01-06 01:00"),
    ("A", "01-09 20:00", "01-10 20:00"),
    ("A", "02-06 19:00", "02-06 20:00"),
    ("B", "01-09 20:00", None),
    ("B", "02-09 20:00", "02-09 21:00"),
)


def test_each_return_is_one_row_with_what_lay_behind_it() -> None:
    X = features(STORY, lookback_days=[28, 7])
    assert X["episode_id"].tolist() == ["E-0", "E-1", "E-2", "E-4"]
    assert X["index_at"].dt.strftime("%m-%d %H:%M").tolist() == [
        "01-06 01:00",
        "01-10 20:00",
        "02-06 20:00",
        "02-09 21:00",
    ]
    assert X["episode_no"].tolist() == [1, 2, 3, 2]
    assert X["n_episodes_28d"].tolist() == [1, 2, 2, 1]
    assert X["n_episodes_7d"].tolist() == [1, 2, 1, 1]
    # 28 days before 6 February 20:00 is 9 January 20:00: the whole second episode lies in it, the first does not.
    assert X["missing_hours_28d"].tolist() == [4.0, 28.0, 25.0, 1.0]
    assert X["missing_hours_7d"].tolist() == [4.0, 28.0, 1.0, 1.0]
    assert X["days_since_return"].round(4).fillna(-1).tolist() == [-1, 4.7917, 27.0, -1]
    assert X["duration_hours"].tolist() == [4.0, 24.0, 1.0, 1.0]
    assert X["gap_days"].round(4).fillna(-1).tolist() == [-1, 3.7917, 26.9583, -1]


@pytest.mark.parametrize(
    ("start", "counted"),
    [
        ("01-03 19:59", 0),  # a minute too early
        ("01-03 20:00", 1),  # exactly seven days before: inside
        ("01-03 20:01", 1),
        ("01-10 20:00", 0),  # at the moment asked about: outside
    ],
)
def test_a_lookback_includes_its_first_moment_and_not_its_last(start: str, counted: int) -> None:
    table = episodes(("A", start, start), ("A", "01-10 19:30", "01-10 20:00"))
    table = table[["child_id", "missing_from", "returned_at"]]
    last = build_features(table, code_triggers(interviews()), lookback_days=[7]).iloc[-1]
    assert last["n_episodes_7d"] == counted + 1
    assert last["index_at"].strftime("%m-%d %H:%M") == "01-10 20:00"


def test_an_edge_inside_an_episode_counts_the_hours_on_this_side() -> None:
    table = episodes(("A", "01-03 10:00", "01-04 02:00"), ("A", "01-10 19:00", "01-10 20:00"))
    assert features(table, lookback_days=[7])["missing_hours_7d"].tolist() == [16.0, 7.0]


def test_a_trigger_belongs_to_the_start_of_its_episode_and_counts_once_known() -> None:
    asked = interviews(
        ("A", ("0",), "01-10 20:00", ("home_conflict",)),  # of the first episode, held at the second return
        ("A", ("1",), "01-10 20:01", ("people_family",)),  # a minute later
        ("A", None, "01-11", ("circumstance_late",)),  # no incident: the return before
    )
    X = features(STORY, asked, lookback_days=[28, 90])
    assert X["any_home_conflict_28d"].tolist() == [False, True, False, False]  # began 32 days before the third
    assert X["any_home_conflict_90d"].tolist() == [False, True, True, False]
    assert X["any_home_90d"].tolist() == [False, True, True, False]
    assert X["any_people_family_28d"].tolist() == [False, False, True, False]  # began exactly 28 days before
    assert X["any_circumstance_late_28d"].tolist() == [False, False, True, False]
    assert X["n_interviews_completed_28d"].tolist() == [0, 0, 3, 0]
    assert not X["any_home_abuse_90d"].any()


def test_without_interviews_a_trigger_is_dated_by_when_it_was_known() -> None:
    asked = interviews(("A", ("0",), "01-09 20:00", ("home_conflict",)))
    X = build_features(STORY, code_triggers(asked), lookback_days=[28])
    assert X["any_home_conflict_28d"].tolist() == [False, True, True, False]
    assert "n_interviews_completed_28d" not in X
    at_the_return = interviews(("A", ("0",), "01-10 20:00", ("home_conflict",)))
    X = build_features(STORY, code_triggers(at_the_return), lookback_days=[28])
    assert X["any_home_conflict_28d"].tolist() == [False, False, True, False]


def test_what_was_denied_or_never_held_counts_for_nothing() -> None:
    asked = interviews(("A", ("0",), "01-07 10:00", ("home_conflict",)), ("A", ("0",), None, ("people_family",)))
    triggers = code_triggers(asked)
    triggers.loc[0, "status"] = "denied"
    X = build_features(STORY, triggers, interviews=asked)
    assert not X[[c for c in X if c.startswith("any_")]].to_numpy().any()


def test_a_suspected_trigger_and_one_of_an_unknown_child() -> None:
    asked = interviews(("A", ("0",), "01-07 10:00", ("exploitation_criminal",)), ("Z", None, "01-07", ("home_abuse",)))
    X = features(STORY, asked)
    assert X["any_exploitation_90d"].tolist() == [False, True, True, False]
    assert not X["any_home_abuse_365d"].any()


def test_declines_are_counted_by_their_offer() -> None:
    asked = interviews(("A", ("0",), "01-07", None), ("A", ("1",), "01-11 10:00", None), ("A", ("1",), None, None))
    X = features(STORY, asked, lookback_days=[28])
    assert X["n_interviews_declined_28d"].tolist() == [0, 1, 1, 0]
    assert X["n_interviews_completed_28d"].tolist() == [0, 0, 0, 0]


PLACEMENTS = pd.DataFrame(
    [
        ["A", "2025-06-01", "2026-01-09", "foster", "P1", "C1", True],
        ["A", "2026-01-09", "2026-01-12", "foster", "P1", "C2", True],  # same kind, nothing else changed: a move
        ["A", "2026-01-12", "2026-02-06", "foster", "P1", "E1", True],  # a new legal status alone: no move
        ["A", "2026-02-06", None, "childrens_home", "P2", "E1", False],  # on the day of the return: not known yet
        ["B", "2025-06-01", "2026-02-01", "foster", "P1", "C2", True],
        ["Z", "2025-06-01", None, "foster", "P1", "C2", True],
    ],
    columns=["child_id", "started_on", "ended_on", "placement_type", "provider", "legal_status", "in_area"],
).assign(home_id=None)


def test_the_placement_is_the_one_known_the_day_before() -> None:
    changed = PLACEMENTS.copy()
    changed.loc[1, ["legal_status", "home_id"]] = ["C1", "H2"]
    X = features(STORY, placements=changed, lookback_days=[28])
    assert X["placement_type"].fillna("-").tolist() == ["foster", "foster", "foster", "-"]
    assert X["in_area"].astype(object).where(X["in_area"].notna(), "-").tolist() == [True, True, True, "-"]
    # Spell 2 began on 9 January and counts from its end; 3 differs from 2 in home again.
    assert X["n_placement_moves_28d"].tolist() == [0, 1, 2, 0]
    legal_only = features(STORY, placements=PLACEMENTS, lookback_days=[28])
    assert legal_only["n_placement_moves_28d"].tolist() == [0, 0, 0, 0]
    nothing_else = PLACEMENTS.assign(legal_status="C1")
    assert features(STORY, placements=nothing_else, lookback_days=[28])["n_placement_moves_28d"].tolist() == [
        0,
        1,
        2,
        0,
    ]


def test_without_a_placement_the_record_of_the_episode_stands() -> None:
    table = STORY.assign(placement_type="kinship", in_area=True)
    assert features(table)["placement_type"].tolist() == ["kinship"] * 4
    none = features(table, placements=PLACEMENTS[:0])
    assert none["placement_type"].tolist() == ["kinship"] * 4
    assert none["in_area"].tolist() == [True] * 4
    assert none["n_placement_moves_28d"].tolist() == [0] * 4
    only_a = features(table, placements=PLACEMENTS[:4])
    assert only_a["placement_type"].tolist() == ["foster", "foster", "foster", "kinship"]


def test_of_two_placements_of_one_day_the_one_that_lasted_counts() -> None:
    spells = pd.DataFrame(
        {
            "child_id": "A",
            "started_on": ["2026-01-02", "2026-01-02"],
            "ended_on": [None, "2026-01-02"],
            "placement_type": ["foster", "temporary"],
        }
    )
    assert features(STORY, placements=spells)["placement_type"].tolist()[0] == "foster"


def test_of_two_placements_of_one_day_neither_is_chosen_by_when_it_will_end() -> None:
    spells = pd.DataFrame(
        {
            "child_id": "A",
            "started_on": "2026-01-02",
            "ended_on": ["2026-05-01", "2026-06-01"],
            "placement_type": ["foster", "secure"],
        }
    )
    there = features(STORY, placements=spells)["placement_type"].tolist()
    assert there[:3] == ["secure"] * 3
    other = spells.assign(ended_on=["2026-06-01", "2026-05-01"])
    assert features(STORY, placements=other)["placement_type"].tolist()[:3] == there[:3]


def test_the_clock_and_the_calendar_are_circles() -> None:
    X = features(
        episodes(("A", "01-05 06:00", "01-05 07:00"), ("A", "07-11 18:00", "07-12 01:00"), ("A", "10-04", "10-04"))
    )
    assert X["hour_sin"].round(12).fillna(9).tolist() == [1.0, -1.0, 9.0]
    assert X["hour_cos"].round(12).fillna(9).tolist() == [0.0, 0.0, 9.0]
    assert X["weekday_sin"].tolist() == pytest.approx([math.sin(2 * math.pi * d / 7) for d in (0, 5, 6)])
    assert X["weekday_cos"].tolist() == pytest.approx([math.cos(2 * math.pi * d / 7) for d in (0, 5, 6)])
    assert X["month_cos"].tolist() == pytest.approx([math.cos(2 * math.pi * m / 12) for m in (0, 6, 9)])
    assert X["month_sin"].tolist() == pytest.approx([math.sin(2 * math.pi * m / 12) for m in (0, 6, 9)], abs=1e-12)
    assert X["is_weekend"].tolist() == [False, True, True]


def test_a_lookback_is_elapsed_time_over_the_clock_change() -> None:
    # Seven times 24 hours before 26 October 12:00 (GMT) is 19 October 13:00 (BST).
    table = episodes(("A", "10-19 12:59", "10-19 13:30"), ("A", "10-26 11:00", "10-26 12:00"))
    X = features(table, lookback_days=[7])
    assert X["n_episodes_7d"].tolist() == [1, 1]
    assert X["missing_hours_7d"].tolist() == [pytest.approx(31 / 60), 1.5]


@pytest.mark.parametrize("days", [[], [0], [28, 28], [1.5], [True], ["28"]])
def test_lookbacks_that_are_not_whole_days_are_refused(days: list[object]) -> None:
    with pytest.raises(ArgumentRefused, match="whole numbers of days"):
        features(STORY, lookback_days=days)


def test_what_this_version_cannot_do_is_refused() -> None:
    with pytest.raises(ArgumentRefused, match="must be 'returned_at'"):
        features(STORY, index="interview")
    book = read_codebook().amend(added=[{"code": "home", "domain": "care", "side": "push"}])
    with pytest.raises(ArgumentRefused, match="name of a domain"):
        features(STORY, codebook=book)


def test_no_returns_give_no_rows_but_the_same_columns() -> None:
    none = features(STORY[:0], placements=PLACEMENTS)
    assert len(none) == 0
    assert none.columns.tolist() == features(STORY, placements=PLACEMENTS).columns.tolist()
    assert len(features(episodes(("A", "01-05 21:00", None)))) == 0


def test_every_column_is_in_the_dictionary() -> None:
    X = features(STORY, placements=PLACEMENTS)
    words = feature_dictionary(X.assign(mine=1, any_else_7d=False))
    assert words["column"].tolist() == [*X.columns, "mine", "any_else_7d"]
    own = words["meaning"] == "a column of the caller's own"
    assert words.loc[own, "column"].tolist() == ["mine", "any_else_7d"]
    assert words["meaning"][~own].is_unique
    assert X.attrs == {}


def test_inputs_are_not_modified_and_their_order_does_not_matter() -> None:
    asked = interviews(("A", ("0",), "01-07", ("home_conflict",)), ("B", None, "02-10 10:00", ("home_abuse",)))
    triggers = code_triggers(asked)
    copies = [f.copy(deep=True) for f in (STORY, triggers, asked, PLACEMENTS)]
    X = build_features(STORY, triggers, interviews=asked, placements=PLACEMENTS)
    for given_, before in zip((STORY, triggers, asked, PLACEMENTS), copies, strict=True):
        pd.testing.assert_frame_equal(given_, before)
    again = build_features(STORY[::-1], triggers[::-1], interviews=asked[::-1], placements=PLACEMENTS[::-1])
    pd.testing.assert_frame_equal(again, X)


# --- a slow plain twin, and nothing from the future ----------------------------------------------------------------

CODES = ["home_conflict", "home_abuse", "people_family"]
SMALL = read_codebook().amend(retired=[c for c in read_codebook().codes if c not in CODES])
BASE = pd.Timestamp("2026-10-01", tz=LONDON)
HOUR = pd.Timedelta(hours=1)
HELD = np.array(["completed", "completed_partial", "declined", "offered_pending"])
History = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def moments(hours: np.ndarray, blank: np.ndarray) -> pd.Series:
    """Hours after the base as times; half of all hours are multiples of 12, so that ties and midnights are common."""
    times = pd.Series(BASE.tz_convert("UTC") + pd.to_timedelta(hours, unit="h")).dt.tz_convert(LONDON)
    return times.astype(f"datetime64[us, {LONDON}]").mask(blank)


def make_history(seed: int, n_children: int) -> History:
    """Incidents, interviews and placements of made-up children over 40 days around the October change."""
    rng = np.random.default_rng(seed)
    n = 4 * n_children
    child = np.array([f"C{k}" for k in range(n_children)], dtype=object)
    start = np.where(rng.random(n) < 0.5, rng.integers(0, 80, n) * 12, rng.integers(0, 960, n))
    long = np.where(rng.random(n) < 0.2, rng.integers(0, 60, n), rng.integers(0, 13, n))
    incidents = pd.DataFrame(
        {
            "incident_id": [str(k) for k in range(n)],
            "child_id": rng.choice(child, n),
            "missing_from": moments(start, np.zeros(n, dtype=bool)),
            "returned_at": moments(start + long, rng.random(n) < 0.1),
            "precision": np.where(rng.random(n) < 0.2, "day", "minute"),
            "placement_type": rng.choice(np.array(["kinship", None], dtype=object), n),
        }
    )
    status = rng.choice(HELD, n)
    offered = np.where(rng.random(n) < 0.5, rng.integers(0, 80, n) * 12, rng.integers(0, 1000, n))
    times = moments(offered, rng.random(n) < 0.1)
    about = rng.integers(0, n, (n, 2))
    names = rng.integers(0, 3, n)
    talks = pd.DataFrame(
        {
            "interview_id": [f"R{k}" for k in range(n)],
            "child_id": np.where(names > 0, incidents["child_id"].to_numpy()[about[:, 0]], rng.choice(child, n)),
            "incident_ids": [tuple(map(str, row[:k])) for row, k in zip(about, names, strict=True)],
            "status": status,
            "offered_at": times,
            "held_at": times.mask(np.isin(status, HELD[2:])),
            "coded_triggers": [tuple(rng.choice(CODES, rng.integers(0, 3))) for _ in range(n)],
        }
    )
    began = pd.Timestamp("2026-10-01") + pd.to_timedelta(rng.integers(0, 40, n // 2), unit="D")
    spells = pd.DataFrame(
        {
            "child_id": rng.choice(child, n // 2),
            "started_on": began,
            "ended_on": pd.Series(began + pd.to_timedelta(rng.integers(0, 9, n // 2), unit="D")).mask(
                rng.random(n // 2) < 0.3
            ),
            "placement_type": rng.choice(["foster", "secure"], n // 2),
        }
    )
    return incidents, talks, spells


def end_of_day(stamp: pd.Timestamp) -> pd.Timestamp:
    return (stamp + 36 * HOUR).normalize() if stamp == stamp.normalize() else stamp


def twin(table: pd.DataFrame, talks: pd.DataFrame, homes: pd.DataFrame, days: tuple[int, ...]) -> pd.DataFrame:
    """Each feature by its definition, one row and one fact at a time."""
    links = link_interviews(table, talks)
    began = dict(zip(table["episode_id"], table["missing_from"], strict=True))
    covers: dict[str, list[pd.Timestamp]] = {}
    for link in links.itertuples():
        covers.setdefault(link.interview_id, []).append(began[link.episode_id])
    result = []
    for row in table[table["returned_at"].notna()].itertuples():
        t, today = row.returned_at, row.returned_at.tz_localize(None).normalize()
        mine = list(table[table["child_id"] == row.child_id].itertuples())
        back = sorted((e for e in mine if not pd.isna(e.returned_at)), key=lambda e: (e.returned_at, e.missing_from))
        earlier = [e.returned_at for e in back if e.returned_at < t]
        talked = list(talks[talks["child_id"] == row.child_id].itertuples())
        spells = sorted(
            homes[homes["child_id"] == row.child_id].itertuples(),
            key=lambda s: (s.started_on, s.started_on != s.ended_on, s.placement_type),
        )
        known = [s for s in spells if s.started_on < today]
        kind = row.placement_type
        if known:
            gone = not pd.isna(known[-1].ended_on) and known[-1].ended_on < today
            kind = None if gone else known[-1].placement_type
        out = {
            "episode_id": row.episode_id,
            "days_since_return": (t - max(earlier)) / (24 * HOUR) if earlier else None,
            "placement_type": kind,
        }
        for d in days:
            edge = t - pd.Timedelta(hours=24 * d)
            out[f"n_episodes_{d}d"] = sum(edge <= e.missing_from < t for e in mine)
            hours, free = pd.Timedelta(0), edge
            for e in back:
                if e.returned_at <= t:
                    hours += max(e.returned_at - max(e.missing_from, free), pd.Timedelta(0))
                    free = max(free, e.returned_at)
            out[f"missing_hours_{d}d"] = hours / HOUR
            moves = [end_of_day(s.started_on.tz_localize(LONDON)) for s in spells[1:]]
            out[f"n_placement_moves_{d}d"] = sum(edge <= m < t for m in moves)
            held = [end_of_day(i.held_at) for i in talked if i.status in HELD[:2] and not pd.isna(i.held_at)]
            declined = [end_of_day(i.offered_at) for i in talked if i.status == HELD[2] and not pd.isna(i.offered_at)]
            out[f"n_interviews_completed_{d}d"] = sum(edge <= h < t for h in held)
            out[f"n_interviews_declined_{d}d"] = sum(edge <= h < t for h in declined)
            named = set()
            for talk in talked:
                if not pd.isna(talk.held_at) and end_of_day(talk.held_at) <= t:
                    seen = end_of_day(talk.held_at)
                    events = [e for e in covers.get(talk.interview_id, []) if e <= seen] or [seen]
                    named |= set(talk.coded_triggers) if any(edge <= e < t for e in events) else set()
            out |= {f"any_{code}_{d}d": code in named for code in CODES}
            out[f"any_home_{d}d"] = not named.isdisjoint(CODES[:2])
        result.append(out)
    return pd.DataFrame(result)


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 2**32 - 1))
def test_features_equal_a_slow_plain_twin(seed: int) -> None:
    incidents, talks, homes = make_history(seed, 10)
    table, days = build_episodes(incidents, observed_until="2026-12-31"), (1, 7, 28)
    X = build_features(
        table, code_triggers(talks), interviews=talks, placements=homes, lookback_days=days, codebook=SMALL
    )
    expected = twin(table, talks, homes, days)
    assert len(X) == len(expected) > 10
    for column in expected.columns:
        found, right = ([None if pd.isna(v) else v for v in frame[column].tolist()] for frame in (X, expected))
        assert found == right, column


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 2**32 - 1), st.integers(10, 38))
def test_nothing_known_later_changes_a_row(seed: int, day: int) -> None:
    incidents, talks, homes = make_history(seed, 250)
    # A midnight: then a return that is known by date only is known by the end of that day, as everything else is.
    midnight = pd.Timestamp("2026-10-01") + pd.Timedelta(days=day)
    until = midnight.tz_localize(LONDON)

    def rows(incidents: pd.DataFrame, talks: pd.DataFrame, homes: pd.DataFrame) -> pd.DataFrame:
        table = build_episodes(incidents, observed_until="2026-12-31")
        X = build_features(
            table,
            code_triggers(talks),
            interviews=talks,
            placements=homes,
            lookback_days=[1, 7, 28],
            codebook=SMALL,
        )
        return X[X["index_at"] < until].reset_index(drop=True)

    everything = rows(incidents, talks, homes)
    # Later incidents go; later returns, interviews and ends of placements become something else.
    by_day = incidents["precision"] == "day"
    starts, ends = (incidents[c].where(~by_day, incidents[c].dt.normalize()) for c in ("missing_from", "returned_at"))
    less = incidents.assign(returned_at=incidents["returned_at"].mask(ends >= until, UNTIL_STAMP))[starts < until]
    seen = talks["offered_at"].map(end_of_day, na_action="ignore")
    after = seen >= until
    later = talks.assign(
        coded_triggers=[("home_abuse",) if a else c for a, c in zip(after, talks["coded_triggers"], strict=True)],
        status=talks["status"].mask(after, "declined"),
        offered_at=talks["offered_at"].mask(after, UNTIL_STAMP),
        held_at=talks["held_at"].mask(after, UNTIL_STAMP),
    )
    moved = homes.assign(ended_on=homes["ended_on"].mask(homes["ended_on"] >= midnight))[homes["started_on"] < midnight]
    pd.testing.assert_frame_equal(rows(less, later, moved), everything)
    assert len(everything) > 100


UNTIL_STAMP = pd.Timestamp("2026-12-30", tz=LONDON)
