"""How long each child was observed and why that ended; where an episode ended."""

from __future__ import annotations

import pandas as pd
import pytest

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes import build_episodes
from missing_patterns.episodes.observed import observe
from missing_patterns.schema import ADMINISTRATIVE_ENDS, COMPETING_EXITS, ENDED_BY, moment

UNTIL = "2026-10-31"


def ended(birth_month: str | None, left: str | None, why: str | None, *, adults: bool = False) -> tuple[str, str]:
    """The last moment of one child's observation, and the reason."""
    children = pd.DataFrame(
        {"child_id": ["A"], "birth_month": [birth_month], "observed_until": [left], "exit_reason": [why]}
    )
    observed = observe(pd.Index(["A"]), moment(UNTIL), children, adults=adults)
    return ar.timestamps(observed.end).dt.strftime("%Y-%m-%d %H:%M")[0], ENDED_BY[observed.reason[0]]


@pytest.mark.parametrize(
    ("birth_month", "left", "why", "end", "reason"),
    [
        (None, None, None, "2026-11-01 00:00", "end_of_data"),  # the end of 31 October
        ("2008-07-01", None, None, "2026-07-01 00:00", "turned_18"),  # the first day of the month, in summer time
        ("2008-07-19", None, None, "2026-07-01 00:00", "turned_18"),  # a day of birth says no more
        ("2008-11-01", None, None, "2026-11-01 00:00", "end_of_data"),  # what happens as the data end is not known yet
        ("2008-07-01", "2026-05-09", "left_care", "2026-05-09 00:00", "left_care"),
        ("2008-07-01", "2026-07-19", "turned_18", "2026-07-01 00:00", "turned_18"),
        ("2008-07-01", "2026-07-19", "died", "2026-07-01 00:00", "turned_18"),  # the birthday came first
        ("2008-07-01", "2026-07-01", "left_care", "2026-07-01 00:00", "left_care"),  # recorded of this child
        ("2008-07-01", "2026-07-01", None, "2026-07-01 00:00", "turned_18"),
        (None, "2026-05-09", None, "2026-05-09 00:00", "not_recorded"),
        (None, "2026-05-09", "moved_area", "2026-05-09 00:00", "moved_area"),
        (None, "2026-11-01", "moved_area", "2026-11-01 00:00", "end_of_data"),
        (None, "2026-12-24", "moved_area", "2026-11-01 00:00", "end_of_data"),
        (None, None, "moved_area", "2026-11-01 00:00", "end_of_data"),  # no day, no end
    ],
)
def test_observation_ends_at_the_first_of_three_moments(
    birth_month: str | None, left: str | None, why: str | None, end: str, reason: str
) -> None:
    assert ended(birth_month, left, why) == (end, reason)


def test_the_birthday_can_be_left_out_and_then_the_rest_counts() -> None:
    assert ended("2008-07-01", "2026-08-19", "died", adults=True) == ("2026-08-19 00:00", "died")
    assert ended("2008-07-01", None, None, adults=True) == ("2026-11-01 00:00", "end_of_data")


def test_who_is_not_in_the_children_table_is_observed_to_the_end_of_the_data() -> None:
    children = pd.DataFrame({"child_id": ["B"], "observed_until": ["2026-05-09"]})
    observed = observe(pd.Index(["A", "B"]), moment(UNTIL), children)
    assert [ENDED_BY[k] for k in observed.reason] == ["end_of_data", "not_recorded"]
    assert (observed.begin == ar.ABSENT).all()
    assert (observed.born == ar.ABSENT).all()
    assert len(observe(pd.Index([]), moment(UNTIL), children).end) == 0


def test_every_end_is_an_episode_administrative_a_competing_exit_or_not_recorded() -> None:
    assert {*ADMINISTRATIVE_ENDS, *COMPETING_EXITS, "episode", "not_recorded"} == set(ENDED_BY)
    assert len(ENDED_BY) == len(ADMINISTRATIVE_ENDS) + len(COMPETING_EXITS) + 2


def test_episodes_say_where_the_child_was_found_by_the_incident_that_ended_them() -> None:
    incidents = pd.DataFrame(
        [
            ["a", "A", "2026-01-05 21:00", "2026-01-06 03:00", "police", None, "North"],
            ["b", "A", "2026-01-05 22:00", "2026-01-06 01:00", "self", "park", "South"],
            ["c", "A", "2026-01-09 21:00", None, "carer", "home", "East"],
            ["d", "B", "2026-10-31 21:00", "2026-11-01 00:00", "carer", "home", "East"],
        ],
        columns="incident_id child_id missing_from returned_at returned_by found_place found_area".split(),
    )
    episodes = build_episodes(incidents, observed_until=UNTIL)
    assert episodes["incident_ids"].tolist() == [("a", "b"), ("c",), ("d",)]
    assert episodes["returned_by"].fillna("-").tolist() == ["police", "-", "-"]  # nobody is back as the data end
    assert episodes["found_area"].fillna("-").tolist() == ["North", "-", "-"]
    assert episodes["found_place"].fillna("-").tolist() == ["park", "-", "-"]  # not recorded by the last, by another
    assert episodes.columns.tolist()[-3:] == ["returned_by", "found_place", "found_area"]


def test_built_episodes_keep_what_was_recorded_after_the_18th_birthday() -> None:
    incidents = pd.DataFrame({"child_id": ["A", "A"], "missing_from": ["2026-07-03 10:00", "2026-08-20 10:00"]})
    children = pd.DataFrame({"child_id": ["A"], "birth_month": ["2008-07-01"], "observed_until": ["2026-08-19"]})
    episodes = build_episodes(incidents, observed_until=UNTIL, children=children)
    assert len(episodes) == 1
    assert episodes.attrs["accounting"]["n_after_exit"] == 1
