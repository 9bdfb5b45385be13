"""What came after each moment: horizons to the microsecond, censoring, children who leave, and moments without risk."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.episodes import gap_times
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.features import build_features
from missing_patterns.features.outcomes import build_outcomes
from missing_patterns.schema import LONDON

UNTIL = "2026-01-31"


def episodes(text: str) -> pd.DataFrame:
    """One episode a line: child | from | to ("-" = no return). A bare date is known by date only."""
    rows = []
    for n, line in enumerate(text.strip().splitlines()):
        child, start, end = [part.strip() for part in line.split("|")]
        rows.append(
            {
                "episode_id": f"E{n + 1}",
                "child_id": child,
                "missing_from": f"2026-{start}",
                "returned_at": None if end == "-" else f"2026-{end}",
                "precision": "minute" if ":" in start else "day",
            }
        )
    return pd.DataFrame(rows)


def moments(text: str) -> pd.DataFrame:
    rows = [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]
    return pd.DataFrame([(child, f"2026-{at}") for child, at in rows], columns=["child_id", "index_at"])


def lines(y: pd.DataFrame, *horizons: int) -> list[tuple[object, ...]]:
    """At risk, days to next, days followed, ended by, then the answer of each horizon; None = not recorded."""
    names = ["is_at_risk", "days_to_next", "days_followed", "ended_by", *(f"again_{h}d" for h in horizons)]
    rows = [[None if pd.isna(v) else v for v in row] for row in y[names].astype(object).itertuples(index=False)]
    for h in horizons:
        assert y[f"is_censored_{h}d"].tolist() == y[f"again_{h}d"].isna().tolist()
    return [tuple(round(v, 4) if isinstance(v, float) else v for v in row) for row in rows]


def answers(y: pd.DataFrame, horizon: int) -> list[bool | None]:
    return [row[4] for row in lines(y, horizon)]


STORY = """
    A | 01-05 12:00 | 01-06 00:00
    A | 01-08 12:00 | 01-09 12:00
    A | 01-29 12:00 | -
    B | 01-05 12:00 | 01-30 00:00
    C | 01-05 12:00 | 02-02 12:00
"""


def test_each_return_is_followed_to_the_next_episode_or_to_the_end_of_the_data() -> None:
    y = build_outcomes(episodes(STORY), observed_until=UNTIL, horizon_days=[1, 7, 28])
    assert y.columns[:3].tolist() == ["child_id", "episode_id", "index_at"]
    assert y["episode_id"].tolist() == ["E1", "E2", "E4", "E5"]
    assert lines(y, 1, 7, 28) == [
        (True, 2.5, 2.5, "episode", False, True, True),
        (True, 20.0, 20.0, "episode", False, False, True),
        (True, None, 2.0, "end_of_data", False, None, None),
        (False, None, None, "end_of_data", None, None, None),  # the return came after the data ended
    ]


def test_columns_have_their_kinds_and_nothing_hangs_on_the_table() -> None:
    y = build_outcomes(episodes(STORY), observed_until=UNTIL)
    assert y.columns[3:].tolist() == [
        *("is_at_risk", "days_to_next", "days_followed", "ended_by"),
        *("again_7d", "is_censored_7d", "again_28d", "is_censored_28d", "again_90d", "is_censored_90d"),
    ]
    kinds = y.dtypes.astype(str)
    assert kinds[["is_at_risk", "is_censored_7d", "again_7d"]].tolist() == ["bool", "bool", "boolean"]
    assert kinds[["days_to_next", "days_followed"]].tolist() == ["float64", "float64"]
    assert y.attrs == {}
    assert y.index.equals(pd.RangeIndex(len(y)))


@pytest.mark.parametrize(
    ("next_start", "expected"),
    [("01-13 10:00", True), ("01-13 10:01", False), ("01-06 10:01", True), ("01-13 09:59", True)],
)
def test_a_horizon_ends_with_its_last_microsecond(next_start: str, expected: bool) -> None:
    table = episodes(f"A | 01-05 12:00 | 01-06 10:00\nA | {next_start} | -")
    assert answers(build_outcomes(table, observed_until=UNTIL, horizon_days=[7]), 7) == [expected]


def test_one_who_is_gone_again_at_the_very_moment_is_not_at_risk_then() -> None:
    table = episodes("A | 01-05 12:00 | 01-06 10:00\nA | 01-06 10:00 | 01-07 10:00")
    y = build_outcomes(table, observed_until=UNTIL, horizon_days=[7])
    assert lines(y, 7) == [(False, None, None, None, None), (True, None, 24.5833, "end_of_data", False)]


@pytest.mark.parametrize(
    ("until", "expected"), [("2026-01-13 10:00", False), ("2026-01-13 09:59", None), ("2026-01-12", None)]
)
def test_no_is_said_only_of_those_who_were_followed_for_the_whole_horizon(until: str, expected: bool | None) -> None:
    table = episodes("A | 01-05 12:00 | 01-06 10:00")
    assert answers(build_outcomes(table, observed_until=until, horizon_days=[7]), 7) == [expected]


def test_an_episode_that_begins_when_the_data_end_was_not_seen() -> None:
    table = episodes("A | 01-05 12:00 | 01-06 10:00\nA | 01-10 10:00 | 01-10 12:00")
    at = [build_outcomes(table, observed_until=f"2026-01-10 10:0{m}", horizon_days=[7]) for m in (0, 1)]
    assert lines(at[0], 7)[0] == (True, None, 4.0, "end_of_data", None)
    assert lines(at[1], 7)[0] == (True, 4.0, 4.0, "episode", True)


def test_days_are_elapsed_time_when_the_clocks_change_and_dates_where_only_dates_are_known() -> None:
    until = "2026-11-30"
    by_minute = "A | 10-24 08:00 | 10-24 10:00\nA | 10-31 {} | -"
    for clock, expected in (("09:00", True), ("09:01", False)):  # 10:00 in summer time is 9:00 in winter time
        y = build_outcomes(episodes(by_minute.format(clock)), observed_until=until, horizon_days=[7])
        assert answers(y, 7) == [expected]
    by_date = episodes("A | 10-23 | 10-24\nA | 10-31 | 11-02")
    assert lines(build_outcomes(by_date, observed_until=until, horizon_days=[6, 7]), 6, 7)[0] == (
        *(True, 7.0, 7.0, "episode"),
        *(False, True),
    )


def test_dates_only_keep_same_day_repeats_and_need_the_whole_last_day() -> None:
    table = episodes("A | 01-05 | 01-06\nA | 01-06 | 01-06\nA | 01-06 | 01-08")
    y = build_outcomes(table, observed_until="2026-01-15", horizon_days=[1, 7])
    assert y["episode_id"].tolist() == ["E1", "E2", "E3"]
    assert lines(y, 1, 7) == [
        (True, 0.0, 0.0, "episode", True, True),
        (True, 0.0, 0.0, "episode", True, True),
        (True, None, 8.0, "end_of_data", False, False),
    ]
    # Followed to the end of the 14th: 6 days, and what happened on the 15th, day 7, is not known.
    assert lines(build_outcomes(table, observed_until="2026-01-14", horizon_days=[6, 7]), 6, 7)[2] == (
        *(True, None, 7.0, "end_of_data"),
        *(False, None),
    )


def test_an_episode_known_by_date_follows_a_moment_at_the_midnight_of_its_day() -> None:
    table = episodes("A | 01-06 | 01-07\nB | 01-06 00:00 | 01-07 00:00")
    y = build_outcomes(
        table, index=moments("A | 01-06\nB | 01-06\nA | 01-06 00:01"), observed_until=UNTIL, horizon_days=[1]
    )
    assert y["episode_id"].isna().tolist() == [True, False, True]
    assert lines(y, 1) == [(True, 0.0, 0.0, "episode", True), (False,) + (None,) * 4, (False,) + (None,) * 4]


LEAVING = """
    A | 01-05 12:00 | 01-06 00:00
    B | 01-05 12:00 | 01-06 00:00
    B | 01-20 12:00 | 01-21 00:00
    C | 01-05 12:00 | 01-06 00:00
    D | 01-05 12:00 | 01-06 00:00
    E | 01-05 12:00 | 01-06 00:00
    F | 01-05 12:00 | 01-06 00:00
    G | 01-05 12:00 | 01-06 00:00
"""


def test_a_child_who_leaves_is_censored_and_the_reason_is_told() -> None:
    children = pd.DataFrame(
        [
            ("A", "2026-01-10", "left_care", None),
            ("B", "2026-01-16", "moved_area", None),  # the episode of the 20th is no longer this council's to see
            ("C", "2026-01-26", "died", None),
            ("D", None, None, "2008-01-01"),  # turned 18 in the month of the return: not followed at all
            ("E", None, None, "2008-02-01"),  # turns 18 in February: the data end first
            ("F", "2026-01-08", None, "2010-01-01"),
        ],
        columns=["child_id", "observed_until", "exit_reason", "birth_month"],
    )
    y = build_outcomes(episodes(LEAVING), observed_until=UNTIL, children=children, horizon_days=[7])
    assert [(r[0], *v) for r, v in zip(y[["episode_id"]].itertuples(index=False), lines(y, 7), strict=True)] == [
        ("E1", True, None, 4.0, "left_care", None),
        ("E2", True, None, 10.0, "moved_area", False),
        ("E3", False, None, None, "moved_area", None),
        ("E4", True, None, 20.0, "died", False),
        ("E5", False, None, None, "turned_18", None),
        ("E6", True, None, 26.0, "end_of_data", False),
        ("E7", True, None, 2.0, "not_recorded", None),
        ("E8", True, None, 26.0, "end_of_data", False),
    ]
    later = build_outcomes(episodes(LEAVING), observed_until="2026-03-31", children=children, horizon_days=[7])
    assert lines(later)[5] == (True, None, 26.0, "turned_18")


def test_moments_while_a_child_is_missing_have_no_outcome() -> None:
    table = episodes("A | 01-05 12:00 | 01-08 12:00\nA | 01-10 12:00 | -\nA | 01-20 12:00 | -")
    at = moments("""
        A | 01-05 11:59
        A | 01-05 12:00
        A | 01-08 11:59
        A | 01-08 12:00
        A | 01-15
        A | 01-25
    """)
    y = build_outcomes(table, index=at, observed_until=UNTIL, horizon_days=[1, 3])
    gone = (False,) + (None,) * 5
    assert lines(y, 1, 3) == [
        (True, 0.0007, 0.0007, "episode", True, True),
        gone,
        gone,
        (True, 2.0, 2.0, "episode", False, True),
        gone,  # no return is recorded, so nobody knows that the child was back
        gone,
    ]


def test_landmarks_keep_duplicates_and_children_without_an_episode_and_come_sorted() -> None:
    at = moments("N | 01-20\nA | 02-01\nA | 01-07\nN | 01-20\nA | 01-07")
    y = build_outcomes(episodes(STORY), index=at, observed_until=UNTIL, horizon_days=[7])
    assert y["child_id"].tolist() == ["A", "A", "A", "N", "N"]
    assert lines(y, 7) == [
        (True, 1.5, 1.5, "episode", True),
        (True, 1.5, 1.5, "episode", True),
        (False, None, None, "end_of_data", None),  # the end of the data is the moment itself
        (True, None, 12.0, "end_of_data", False),
        (True, None, 12.0, "end_of_data", False),
    ]
    nobody = build_outcomes(episodes(STORY).iloc[:0], index=at, observed_until=UNTIL, horizon_days=[7])
    assert lines(nobody, 7)[0] == (True, None, 25.0, "end_of_data", False)
    assert len(build_outcomes(episodes(STORY), index=at.iloc[:0], observed_until=UNTIL)) == 0


def test_interviews_are_followed_from_when_they_were_held() -> None:
    interviews = pd.DataFrame(
        [
            ("R1", "A", "completed", "2026-01-07 12:00"),
            ("R2", "A", "completed_partial", "2026-01-10"),  # known by date only: from the end of that day
            ("R3", "A", "declined", None),
        ],
        columns=["interview_id", "child_id", "status", "held_at"],
    )
    y = build_outcomes(
        episodes(STORY), index="interview", interviews=interviews, observed_until=UNTIL, horizon_days=[1]
    )
    assert y.columns[:4].tolist() == ["child_id", "episode_id", "interview_id", "index_at"]
    assert y["interview_id"].tolist() == ["R1", "R2"]
    assert lines(y, 1) == [(True, 1.0, 1.0, "episode", True), (True, 18.5, 18.5, "episode", False)]


def test_the_rows_are_those_of_the_features() -> None:
    table = episodes(STORY)
    nothing = pd.DataFrame(columns=["interview_id", "child_id", "code", "status", "known_at"], dtype=object)
    interviews = pd.DataFrame(
        [("R2", "A", "2026-01-10"), ("R1", "A", "2026-01-10"), ("R3", "N", "2026-01-09 10:00")],
        columns=["interview_id", "child_id", "held_at"],
    ).assign(status="completed")
    for index in ("returned_at", "interview", moments("N | 01-20\nA | 01-07\nA | 01-07\nB | 02-20")):
        x = build_features(table, nothing, index=index, interviews=interviews, lookback_days=[7])
        y = build_outcomes(table, index=index, interviews=interviews, observed_until=UNTIL)
        keys = y.columns[: y.columns.get_loc("index_at") + 1]
        pd.testing.assert_frame_equal(x[keys.tolist()], y[keys.tolist()])
        assert len(y) == {3: 4, 4: 3}[len(keys)]


@pytest.mark.parametrize("horizons", [[], [0], [7, 7], [7.0], [True], ["7"]])
def test_horizons_that_make_no_sense_are_refused(horizons: list[int]) -> None:
    with pytest.raises(ArgumentRefused, match="horizon_days must be different whole numbers of days, each at least 1"):
        build_outcomes(episodes(STORY), observed_until=UNTIL, horizon_days=horizons)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(ArgumentRefused, match="observed_until must be an ISO date or time"):
        build_outcomes(episodes(STORY), observed_until="soon")
    with pytest.raises(ArgumentRefused, match="interviews"):
        build_outcomes(episodes(STORY), index="interview", observed_until=UNTIL)
    with pytest.raises(ArgumentRefused, match="index"):
        build_outcomes(episodes(STORY), index="return", observed_until=UNTIL)
    with pytest.raises(TableRefused, match="column 'child_id' is absent"):
        build_outcomes(episodes(STORY).drop(columns="child_id"), observed_until=UNTIL)
    with pytest.raises(TableRefused, match="children"):
        build_outcomes(episodes(STORY), observed_until=UNTIL, children=pd.DataFrame({"child": ["A"]}))


def test_the_order_of_the_input_does_not_matter_and_nothing_is_modified() -> None:
    table, children = episodes(LEAVING), pd.DataFrame({"child_id": ["B", "A"], "observed_until": ["2026-01-16", None]})
    before = (table.copy(), children.copy())
    y = build_outcomes(table, observed_until=UNTIL, children=children)
    again = build_outcomes(table.iloc[::-1], observed_until=UNTIL, children=children.iloc[::-1])
    pd.testing.assert_frame_equal(y, again)
    pd.testing.assert_frame_equal(table, before[0])
    pd.testing.assert_frame_equal(children, before[1])


# ---- a slow plain twin -----------------------------------------------------------------------------------------------

BASE = pd.Timestamp("2026-10-20", tz=LONDON)  # the clocks change on the 25th


def at(half_days: int) -> pd.Timestamp:
    """Midnight or noon by the clock on the wall."""
    return BASE + pd.DateOffset(days=half_days // 2) + half_days % 2 * pd.DateOffset(hours=12)


@st.composite
def histories(draw: st.DrawFn, is_mixed: bool = False) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Timestamp]:
    """Episodes of some children on a grid of half days, and children who leave.

    Stamps are all known to the minute or all by date for one child; or, mixed, for one episode, so that a start may
    be dated before the return of the episode before.
    """
    rows, leaving = [], []
    for child in "ABCDEF"[: draw(st.integers(0, 6))]:
        by_day, clock = draw(st.booleans()), 0
        for _ in range(draw(st.integers(0, 4))):
            by_day = draw(st.booleans()) if is_mixed else by_day
            clock += draw(st.integers(0, 12))
            length = draw(st.integers(0, 6))
            start, end = (at(n // 2 * 2 if by_day else n) for n in (clock, clock + length))
            is_open = draw(st.integers(0, 5)) == 0
            rows.append((child, start, pd.NaT if is_open else end, "day" if by_day else "minute"))
            clock += length + (2 if by_day and clock % 2 else 0) + (0 if by_day else 1)
        if draw(st.booleans()):
            on = at(2 * draw(st.integers(0, 30))).date()
            leaving.append((child, on, draw(st.sampled_from(["left_care", "died", None]))))
    table = pd.DataFrame(rows, columns=["child_id", "missing_from", "returned_at", "precision"])
    table["episode_id"] = [f"E{i}" for i in range(len(table))]
    asked = [(draw(st.sampled_from("ABCDEFG")), at(draw(st.integers(0, 60)))) for _ in range(12)]
    return (
        table,
        pd.DataFrame(leaving, columns=["child_id", "observed_until", "exit_reason"]),
        pd.DataFrame(asked, columns=["child_id", "index_at"]),
        at(draw(st.integers(0, 60))),
    )


def plain(
    table: pd.DataFrame, child: str, t: pd.Timestamp, own: str | None, limit: pd.Timestamp, why: str, h: int
) -> tuple[object, ...]:
    """Follow one child from one moment, episode by episode; `own` is the episode whose return is asked about."""
    mine = [r for r in table.itertuples() if r.child_id == child]
    never = pd.Timestamp("2100-01-01", tz=LONDON)
    mine.sort(  # what is known by date began in the course of its day
        key=lambda r: (
            r.missing_from,
            r.precision == "day",
            never if r.returned_at is pd.NaT else r.returned_at,
            r.Index,
        )
    )
    at_own = [i for i, r in enumerate(mine) if own is not None and r.episode_id == own]
    by_date = bool(at_own) and mine[at_own[0]].precision == "day"
    past, future = [], []
    for i, r in enumerate(mine):
        if (at_own and i <= at_own[0]) or r.missing_from < t or (r.missing_from == t and r.precision == "minute"):
            past.append(r)
        else:
            future.append(r)
    if t >= limit:
        return (False, None, None, why, None)
    if past and (past[-1].returned_at is pd.NaT or past[-1].returned_at > t):
        return (False, None, None, None, None)
    day = dt.timedelta(days=1)
    nexts = [r for r in future if r.missing_from < limit][:1]
    for r in nexts:
        if by_date or r.precision == "day":
            days = float((r.missing_from.date() - t.date()) / day)
        else:
            days = (r.missing_from - t) / pd.Timedelta(days=1)
        return (True, round(days, 4), round(days, 4), "episode", days <= h)
    if by_date:
        days = float((limit.date() - t.date()) / day)
        enough = days > h
    else:
        days = (limit - t) / pd.Timedelta(days=1)
        enough = days >= h
    return (True, None, round(days, 4), why, False if enough else None)


@settings(deadline=None, max_examples=40)
@given(histories(is_mixed=True), st.sampled_from([1, 3, 7]))
def test_every_row_is_what_a_walk_through_the_childs_episodes_finds(
    history: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Timestamp], h: int
) -> None:
    table, children, asked, until = history
    for index in ("returned_at", asked):
        y = build_outcomes(table, index=index, observed_until=until, children=children, horizon_days=[h])
        expected = []
        for row in y.itertuples():
            limit, why = until, "end_of_data"
            for child in children.itertuples():
                leaves = pd.Timestamp(child.observed_until, tz=LONDON)
                if child.child_id == row.child_id and leaves < limit:
                    limit, why = leaves, child.exit_reason if isinstance(child.exit_reason, str) else "not_recorded"
            own = row.episode_id if isinstance(index, str) else None
            expected.append(plain(table, row.child_id, row.index_at, own, limit, why, h))
        assert lines(y, h) == expected


@settings(deadline=None, max_examples=20)
@given(histories(), st.integers(1, 40))
def test_more_data_never_take_an_answer_back(
    history: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Timestamp], hours: int
) -> None:
    """Extending the data turns what was censored into an answer, and leaves every answer as it was."""
    table, _, asked, until = history
    until += pd.Timedelta(minutes=7)  # not on the grid: an episode at the very end of a horizon was seen or was not
    for index in ("returned_at", asked):
        early = build_outcomes(table, index=index, observed_until=until, horizon_days=[3])["again_3d"]
        late = build_outcomes(table, index=index, observed_until=until + pd.Timedelta(hours=hours), horizon_days=[3])
        known = early.notna().to_numpy()
        assert early[known].tolist() == late.loc[known, "again_3d"].tolist()


@settings(deadline=None, max_examples=20)
@given(histories())
def test_days_after_a_return_are_the_gaps_of_gap_times(
    history: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Timestamp],
) -> None:
    table, children, _, until = history
    gaps = gap_times(table, observed_until=until, children=children).set_index("episode_id")
    y = build_outcomes(table, observed_until=until, children=children).set_index("episode_id")
    y = y[y["is_at_risk"]]
    assert set(y.index) <= set(gaps.index)
    gaps = gaps.loc[y.index]
    np.testing.assert_allclose(y["days_followed"], gaps["gap_days"], rtol=0, atol=1e-9)
    assert (y["ended_by"] == "episode").tolist() == (gaps["event"] == 1).tolist()
