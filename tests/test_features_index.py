"""The moments asked about: at returns, at interviews, at one's own; and what must change nothing."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from features_example import BOOK, make_history

from missing_patterns.episodes import build_episodes
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.features import blocks as blocks_module
from missing_patterns.features import build as build_module
from missing_patterns.features import build_features, feature_specs
from missing_patterns.features.asked import ask
from missing_patterns.features.specs import Calendar, Count, Cycle, Together
from missing_patterns.features.together import missing_together
from missing_patterns.schema import EPISODES, INTERVIEWS, conform
from missing_patterns.triggers import code_triggers

NONE = pd.DataFrame(columns=["interview_id", "child_id", "code"])
DAYS = (1, 7, 28)


def table_of(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    """Episodes of (child, from, to) in January 2026, "5 21:00"; a bare day is known by date only."""
    made = [
        (c, *(None if t is None else f"2026-01-{int(t.split()[0]):02} {t.split()[1]}" for t in times))
        for c, *times in rows
    ]
    frame = pd.DataFrame(made, columns=["child_id", "missing_from", "returned_at"])
    frame["incident_id"] = [str(k) for k in range(len(frame))]
    return build_episodes(frame, observed_until="2026-12-31")


STORY = table_of(
    ("A", "5 21:00", "6 01:00"), ("A", "9 20:00", "10 20:00"), ("B", "9 20:00", None), ("C", "7 08:00", "7 09:00")
)


def talks_of(*rows: tuple[str, str, tuple[str, ...] | None, str | None]) -> pd.DataFrame:
    """Interviews of (child, status, incidents, held)."""
    return pd.DataFrame(
        {
            "interview_id": [f"R{k}" for k in range(len(rows))],
            "child_id": [r[0] for r in rows],
            "status": [r[1] for r in rows],
            "incident_ids": pd.Series([r[2] for r in rows], dtype=object),
            "held_at": [None if r[3] is None else f"2026-01-{r[3]}" for r in rows],
        }
    )


def test_at_interviews_each_one_held_is_asked_about_once() -> None:
    talks = talks_of(
        ("C", "completed", ("3",), "08"),  # only the day is known: asked about when it has ended
        ("A", "completed_partial", ("0", "1"), "09 20:00"),  # at the very start of the second: it had not begun before
        ("A", "completed", ("0", "1"), "11 09:00"),
        ("A", "completed", ("0",), "11 09:00"),
        ("A", "declined", ("0",), "11 10:00"),
        ("A", "completed", ("0",), None),
        ("D", "completed", None, "11 09:00"),  # a child without episodes
    )
    X = build_features(STORY, NONE, interviews=talks, index="interview", lookback_days=[7])
    assert X.columns[:4].tolist() == ["child_id", "episode_id", "interview_id", "index_at"]
    assert X["interview_id"].tolist() == ["R1", "R3", "R2", "R0", "R6"]
    assert X["episode_id"].fillna("-").tolist() == ["E-0", "E-0", "E-1", "E-3", "-"]
    assert X["index_at"].dt.strftime("%d %H:%M").tolist() == [
        "09 20:00",
        "11 09:00",
        "11 09:00",
        "09 00:00",
        "11 09:00",
    ]
    assert X["n_episodes_7d"].tolist() == [1, 2, 2, 1, 0]
    # An interview that is asked about is not before itself.
    assert X["n_interviews_completed_7d"].tolist() == [0, 1, 1, 0, 0]


def test_own_moments_stay_as_often_as_they_stand_and_need_no_episode() -> None:
    own = pd.DataFrame(
        {"child_id": ["Z", "A", "A", "A"], "index_at": ["2026-01-07", "2026-01-09 20:00", "2026-01-07", "2026-01-07"]}
    )
    X = build_features(STORY, NONE, index=own)
    assert X.index.tolist() == [0, 1, 2, 3]
    assert X["child_id"].tolist() == ["A", "A", "A", "Z"]
    assert X["episode_id"].fillna("-").tolist() == ["E-0", "E-0", "E-0", "-"]
    assert X["n_episodes_ever"].tolist() == [1, 1, 1, 0]
    assert own.columns.tolist() == ["child_id", "index_at"]


@pytest.mark.parametrize("index", ["returned_at", "interview", "own"])
def test_nothing_asked_gives_no_rows_but_all_columns(index: str) -> None:
    own = pd.DataFrame({"child_id": pd.Series(dtype=object), "index_at": pd.Series(dtype="datetime64[us]")})
    talks = talks_of()
    asked = own if index == "own" else index
    none = build_features(STORY[:0], NONE, interviews=talks, index=asked)
    some = build_features(STORY, NONE, interviews=talks, index="returned_at")
    assert len(none) == 0
    assert none.columns.drop("interview_id", errors="ignore").tolist() == some.columns.tolist()
    assert none.attrs == some.attrs == {}


def test_what_is_no_index_is_refused() -> None:
    with pytest.raises(ArgumentRefused, match="Did you mean 'returned_at'"):
        build_features(STORY, NONE, index="return_at")
    with pytest.raises(ArgumentRefused, match="must be 'returned_at', 'interview' or a table"):
        build_features(STORY, NONE, index=None)
    with pytest.raises(ArgumentRefused, match="hand over interviews="):
        build_features(STORY, NONE, index="interview")
    with pytest.raises(TableRefused, match="'index_at' is absent. Did you mean 'index_on'"):
        build_features(STORY, NONE, index=pd.DataFrame({"child_id": ["A"], "index_on": ["2026-01-05"]}))
    with pytest.raises(TableRefused, match="'interview_id' is blank"):
        build_features(STORY, NONE, interviews=talks_of(("A", "completed", None, None)).assign(interview_id=None))
    with pytest.raises(ArgumentRefused, match="horizon_days"):
        build_features(STORY, NONE, horizon_days=[0])


def test_the_rows_asked_about_are_those_of_the_table_handed_over() -> None:
    back_to_front = conform(STORY[::-1], EPISODES)
    asked = ask(back_to_front, "returned_at")
    assert (
        back_to_front["episode_id"].iloc[asked.episode].tolist()
        == asked.keys["episode_id"].tolist()
        == ["E-0", "E-1", "E-3"]
    )
    assert asked.child.tolist() == [0, 0, 2]
    assert asked.child_ids.tolist() == ["A", "B", "C"]


def test_episodes_without_numbers_are_numbered() -> None:
    plain = STORY[["child_id", "missing_from", "returned_at"]].sample(frac=1, random_state=1)
    X = build_features(plain, NONE)
    assert X["episode_no"].tolist() == [1, 2, 1]
    assert X["episode_id"].isna().all()


# --- what must change nothing ---------------------------------------------------------------------------------------


def made(seed: int) -> dict[str, pd.DataFrame]:
    history = make_history(seed)
    tables = {"interviews": history.interviews, "placements": history.placements, "index": history.index()}
    dice = random.Random(seed)  # noqa: S311 - made-up data
    return {"episodes": history.episodes(), "triggers": history.triggers(dice), **tables}


def built(tables: dict[str, pd.DataFrame], **more: object) -> pd.DataFrame:
    return build_features(**tables, lookback_days=DAYS, codebook=BOOK, **more)


@pytest.mark.parametrize("index", ["returned_at", "interview", None])
def test_neither_the_order_of_rows_nor_an_unrelated_child_matters_and_inputs_stay(index: str | None) -> None:
    tables = made(11)
    asked = {} if index is None else {"index": index}
    copies = {name: frame.copy(deep=True) for name, frame in tables.items()}
    X = built({**tables, **asked})
    for name, before in copies.items():
        pd.testing.assert_frame_equal(tables[name], before)
    turned = {name: frame.sample(frac=1, random_state=3) for name, frame in tables.items()}
    pd.testing.assert_frame_equal(built({**turned, **asked}), X)
    other = STORY.assign(child_id="Bystander", home_id="its own", episode_id=[f"other {k}" for k in range(len(STORY))])
    talk = talks_of(("Bystander", "completed", None, "11 09:00")).assign(
        interview_id="other", coded_triggers=[("home_abuse",)]
    )
    talk = conform(talk.assign(offered_at="2026-01-10"), INTERVIEWS)[tables["interviews"].columns]
    more = {
        "episodes": pd.concat([tables["episodes"], other[other["episode_no"] == 1][:1]], ignore_index=True),
        "interviews": pd.concat([tables["interviews"], talk], ignore_index=True),
        "triggers": pd.concat([tables["triggers"], code_triggers(talk)], ignore_index=True),
    }
    wider = built({**tables, **more, **asked})
    kept = wider[wider["child_id"] != "Bystander"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, X)


def test_other_ids_in_the_same_order_give_the_same() -> None:
    tables = made(12)
    again = {name: f.assign(child_id="x" + f["child_id"].astype(object)) for name, f in tables.items()}
    for name in ("episodes", "placements"):
        again[name]["home_id"] = [None if pd.isna(h) else f"of {h}" for h in again[name]["home_id"]]
    X, Y = built(tables), built(again)
    assert ("x" + X["child_id"].astype(object)).tolist() == Y["child_id"].tolist()
    pd.testing.assert_frame_equal(X.drop(columns="child_id"), Y.drop(columns="child_id"))


def test_whole_weeks_later_the_same_is_found_but_for_the_calendar() -> None:
    rows = [("A", "5 21:00", "6 01:00"), ("A", "9 20:00", "10 20:00"), ("C", "7 08:00", "7 09:00")]
    tables = []
    for start in (0, 14):  # no change of the clock between
        moved = [(c, *(f"{int(t.split()[0]) + start} {t.split()[1]}" for t in times)) for c, *times in rows]
        talks = talks_of(("A", "completed", ("0",), f"{9 + start:02} 10:00")).assign(coded_triggers=[("home_abuse",)])
        tables.append(build_features(table_of(*moved), code_triggers(talks), interviews=talks))
    calendar = [
        s.name for s in feature_specs() if isinstance(s, Calendar) or (isinstance(s, Cycle) and s.of == "month")
    ]
    X, Y = (t.drop(columns=[*calendar, "index_at"], errors="ignore") for t in tables)
    pd.testing.assert_frame_equal(X, Y)
    assert (tables[1]["index_at"] - tables[0]["index_at"]).eq(pd.Timedelta(days=14)).all()


@pytest.mark.parametrize("rows", [1, 7, 10**6])
def test_however_many_children_a_block_holds_the_features_are_the_same(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = made(13)
    X = built(tables)
    monkeypatch.setattr(blocks_module, "ROWS", rows)
    monkeypatch.setattr(build_module, "ROWS", rows)  # so that threads share the blocks
    pd.testing.assert_frame_equal(built(tables), X)


def test_times_far_apart_do_not_overflow() -> None:
    table = pd.DataFrame(
        {
            "child_id": [f"C{k:04}" for k in range(400)],
            "missing_from": pd.Timestamp("2026-01-05 21:00"),
            "returned_at": pd.Timestamp("2026-01-06 01:00"),
        }
    )
    table.loc[7, ["missing_from", "returned_at"]] = [pd.Timestamp("1700-01-01"), pd.Timestamp("1700-01-02")]
    table.loc[300, ["missing_from", "returned_at"]] = [pd.Timestamp("2900-01-01"), pd.Timestamp("2900-01-02")]
    X = build_features(table, NONE, lookback_days=[28, 200_000])
    assert X["n_episodes_28d"].eq(1).all()
    assert X["missing_hours_200000d"].value_counts().to_dict() == {4.0: 398, 24.0: 2}


def test_many_facts_of_one_child_are_all_counted() -> None:
    n = 300  # more than a narrow counter holds
    start = pd.Timestamp("2026-01-01 10:00", tz="UTC") + pd.to_timedelta(np.arange(n), unit="D")
    incidents = pd.DataFrame({"incident_id": [str(k) for k in range(n)], "child_id": "A", "missing_from": start})
    incidents["returned_at"] = incidents["missing_from"] + pd.Timedelta(hours=1)
    episodes = build_episodes(incidents, observed_until="2026-12-31")
    talks = pd.DataFrame({"interview_id": incidents["incident_id"], "child_id": "A", "status": "completed"})
    talks["incident_ids"] = [(k,) for k in incidents["incident_id"]]
    talks["held_at"] = incidents["returned_at"] + pd.Timedelta(hours=1)
    talks["coded_triggers"] = [("home_conflict",)] * n
    X = build_features(episodes, code_triggers(talks), interviews=talks, lookback_days=[7, 365])
    assert X["n_home_conflict_365d"].tolist() == X["n_home_ever"].tolist() == list(range(n))
    assert X["n_home_conflict_7d"].tolist() == [min(k, 6) for k in range(n)]


def test_missing_together_equals_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    for far in (1, 2**56):
        n = 60
        start = rng.integers(0, 12, n)
        others = pd.DataFrame({"child_id": rng.choice(list("ABCD"), n), "home_id": rng.choice(["H1", "H2"], n)})
        others["start"], others["end_eff"] = start * far, (start + rng.integers(0, 4, n)) * far
        asks = others.rename(columns={"start": "began", "end_eff": "until"}).assign(child_id=rng.choice(list("ABX"), n))
        asks["home_id"] = asks["home_id"].astype(object).where(rng.random(n) < 0.9)
        counts = missing_together(asks, others)
        for count, a in zip(counts, asks.itertuples(), strict=True):
            same = others[(others["home_id"] == a.home_id) & (others["child_id"] != a.child_id)]
            there = same[(same["start"] < a.until) & ~(same["end_eff"] <= a.began)]
            assert np.isnan(count) if pd.isna(a.home_id) else count == len(there)
    assert len(missing_together(asks[:0], others)) == 0


def test_what_looks_across_children_can_be_left_to_a_step_of_its_own() -> None:
    specs = [s for s in feature_specs([28]) if not s.needs]
    without = build_features(STORY, NONE, specs=[s for s in specs if not isinstance(s, Together)])
    assert without.columns.tolist() == build_features(STORY, NONE, specs=specs).columns.drop("n_missing_with").tolist()
    assert build_features(STORY, NONE, specs=[Together(), Count("episodes", 3)]).columns.tolist()[3:] == [
        "n_missing_with",
        "n_episodes_3d",
    ]


def test_an_episode_that_ends_before_it_starts_is_refused() -> None:
    table = pd.DataFrame({"child_id": ["A", "B"], "missing_from": "2026-01-05 21:00"})
    table["returned_at"] = ["2026-01-06 01:00", "2026-01-05 20:00"]
    with pytest.raises(TableRefused, match="'returned_at' is before 'missing_from' at position 1"):
        build_features(table, NONE)


@pytest.mark.parametrize("days", [1_000_001, 10**9, 10**20])
def test_more_days_than_time_can_hold_are_refused(days: int) -> None:
    with pytest.raises(ArgumentRefused, match="at most 1,000,000"):
        build_features(STORY, NONE, lookback_days=[days])
    with pytest.raises(ArgumentRefused, match="at most 1,000,000"):
        build_features(STORY, NONE, specs=[Count("episodes", days)])
    assert len(build_features(STORY, NONE, lookback_days=[1_000_000])) == 3
