"""The ladder of return interviews: which status speaks, both denominators, and the hours allowed."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors, monitoring, schema
from missing_patterns.monitoring.common import wilson


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), sep=r"\s\s+", engine="python", dtype=str, keep_default_na=False).replace(
        "-", None
    )


EPISODES = table("""
    episode_id  child_id  missing_from      returned_at       precision
    E1          ann       2026-10-01 20:00  2026-10-02 01:00  minute
    E2          ann       2026-10-08 20:00  2026-10-09 01:00  minute
    E3          bob       2026-10-09 20:00  2026-10-10 01:00  minute
    E4          cat       2026-10-11 20:00  2026-10-12 09:00  minute
    E5          dan       2026-10-11 20:00  2026-10-12 08:00  minute
    E6          eve       2026-10-20 20:00  -                 minute
    E7          fay       2026-10-20        2026-10-21        day
""")
INTERVIEWS = table("""
    interview_id  child_id  status             held_at
    I1            ann       completed          2026-10-04 15:00
    I2            ann       declined           -
    I3            bob       accepted_not_held  -
    I4            cat       completed_partial  2026-10-15 09:01
    I5            dan       not_required       -
    I7            fay       completed          2026-10-24 16:30
""")
LINKS = table("""
    episode_id  interview_id
    E1          I1
    E2          I2
    E3          I3
    E4          I4
    E5          I5
    E7          I7
""")


def ladder(
    interviews: pd.DataFrame = INTERVIEWS, links: pd.DataFrame = LINKS, episodes: pd.DataFrame = EPISODES
) -> monitoring.InterviewLadder:
    return monitoring.interview_ladder(episodes, interviews, links)


def one(
    returned_at: str, *interviews: tuple[str, str | None], precision: str = "minute", due_hours: int = 72
) -> pd.Series:
    """Return the row of one episode with interviews of such a status, held at such a time."""
    asked = pd.DataFrame(
        [(f"I{n}", "ann", *row) for n, row in enumerate(interviews)],
        columns=["interview_id", "child_id", "status", "held_at"],
    )
    episode = EPISODES.iloc[[0]].assign(missing_from="2026-01-01", returned_at=returned_at, precision=precision)
    links = pd.DataFrame({"episode_id": "E1", "interview_id": asked["interview_id"]})
    return monitoring.interview_ladder(episode, asked, links, due_hours=due_hours).episodes.iloc[0]


def test_rungs_count_episodes_and_distinct_children() -> None:
    rows = ladder().summary().set_index("rung")
    assert rows[["n_episodes", "n_children"]].T.to_dict("list") == {
        "returned": [6, 5],  # eve has not returned
        "due": [5, 4],  # none was required of dan
        "offered": [5, 4],
        "accepted": [4, 4],
        "held": [3, 3],
        "held_in_72h": [2, 2],  # cat's was a minute late
    }


def test_shares_of_both_denominators_with_wilson_intervals() -> None:
    fewer = INTERVIEWS.assign(status=INTERVIEWS["status"].replace("accepted_not_held", "not_offered_other"))
    rows = ladder(fewer).summary().set_index("rung")
    assert rows["share_of_due"].tolist()[1:] == [1.0, 4 / 5, 3 / 5, 3 / 5, 2 / 5]
    assert rows["share_of_offered"].tolist()[2:] == [1.0, 3 / 4, 3 / 4, 2 / 4]
    assert rows["share_of_held"].tolist()[4:] == [1.0, 2 / 3]
    assert rows["share_of_due"].isna().tolist() == [True, *[False] * 5]
    assert rows.loc["held", ["lower_of_due", "upper_of_due"]].tolist() == pytest.approx(list(wilson(3, 5)[1:]))
    assert rows.loc["due", ["lower_of_due", "upper_of_due"]].isna().all()


def test_wilson_is_that_of_statsmodels() -> None:
    from statsmodels.stats.proportion import proportion_confint

    for k, n in ((0, 7), (3, 7), (7, 7), (63, 100)):
        assert wilson(k, n) == pytest.approx((k / n, *proportion_confint(k, n, method="wilson")), abs=1e-12)
    assert np.isnan(wilson(0, 0)).all()


def test_each_episode_has_its_best_interview() -> None:
    found = ladder().episodes.set_index("episode_id")
    assert found["status"].tolist() == [
        "completed",
        "declined",
        "accepted_not_held",
        "completed_partial",
        "not_required",
        "completed",
    ]
    assert found["hours_to_interview"].round(2).fillna(-1).tolist() == [62.0, -1, -1, 72.02, -1, 72.0]
    assert found["in_72h"].tolist() == [True, False, False, False, False, True]
    assert found["precision"].fillna("").tolist() == ["minute", "", "", "minute", "", "day"]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["declined", "completed"], "completed"),
        (["offered_pending", "accepted_not_held", "declined"], "accepted_not_held"),
        (["not_offered_no_contact", "offered_pending"], "offered_pending"),
        (["not_required", "not_offered_other"], "not_offered_other"),
        (["unknown", "not_due"], "not_due"),
        ([None, "declined"], "declined"),
        ([None], "unknown"),
        ([], "none"),
    ],
)
def test_the_highest_rung_reached_speaks(statuses: list[str | None], expected: str) -> None:
    row = one("2026-10-02 01:00", *[(s, None) for s in statuses])
    assert (row["status"], row["n_interviews"]) == (expected, len(statuses))


def test_of_several_held_the_earliest_after_the_return_counts() -> None:
    row = one(
        "2026-10-05 10:00",
        ("completed", "2026-10-09 10:00"),
        ("covered_by_other", "2026-10-06 10:00"),
        ("completed", "2026-10-04 10:00"),  # before the return: about an earlier episode
        ("completed", None),
    )
    assert (row["status"], row["hours_to_interview"], row["in_72h"]) == ("covered_by_other", 24.0, True)


def test_an_interview_held_before_the_return_has_no_time_and_is_counted() -> None:
    early = INTERVIEWS.assign(held_at=INTERVIEWS["held_at"].replace("2026-10-04 15:00", "2026-10-01 15:00"))
    result = ladder(early)
    assert (result.n_held_before_return, result.n_held_time_known) == (1, 2)
    assert result.episodes["in_72h"].isna().tolist() == [True, *[False] * 5]
    rows = result.summary().set_index("rung")
    assert rows["n_episodes"]["held"] == 3
    assert rows["share_of_held"]["held_in_72h"] == 1 / 2  # of the two whose time is known


@pytest.mark.parametrize(
    ("returned_at", "held_at", "hours", "in_time"),
    [
        ("2026-10-02 10:00", "2026-10-05 10:00", 72.0, True),
        ("2026-10-02 10:00", "2026-10-05 10:01", 72 + 1 / 60, False),
        # held at midnight: only the day is known, and the third day after still counts
        ("2026-10-02 01:00", "2026-10-05", 72.0, True),
        ("2026-10-02 01:00", "2026-10-06", 96.0, False),
        ("2026-10-02 23:00", "2026-10-02", 0.0, True),
        # the clocks go back on 25 October: by the clock 72 hours, in truth 73
        ("2026-10-24 10:00", "2026-10-27 10:00", 73.0, False),
        # by day the change of clocks does not matter
        ("2026-10-24 10:00", "2026-10-27", 72.0, True),
    ],
)
def test_in_time_is_true_hours_or_dates(returned_at: str, held_at: str, hours: float, in_time: bool) -> None:
    row = one(returned_at, ("completed", held_at))
    assert row["hours_to_interview"] == pytest.approx(hours)
    assert row["in_72h"] == in_time


def test_other_hours_round_up_to_days_where_only_dates_are_known() -> None:
    assert one("2026-10-02", ("completed", "2026-10-04 23:00"), precision="day", due_hours=36)["in_72h"]
    assert not one("2026-10-02", ("completed", "2026-10-05 01:00"), precision="day", due_hours=36)["in_72h"]


def test_a_time_without_a_held_status_is_not_an_interview() -> None:
    row = one("2026-10-02 10:00", ("declined", "2026-10-03 10:00"))
    assert (row["status"], row["in_72h"]) == ("declined", False)
    assert np.isnan(row["hours_to_interview"])


def test_one_interview_may_cover_several_episodes() -> None:
    links = LINKS.assign(interview_id=LINKS["interview_id"].replace("I2", "I1"))
    rows = ladder(links=links).summary().set_index("rung")
    assert rows.loc["held", ["n_episodes", "n_children"]].tolist() == [4, 3]


def test_links_to_what_is_not_there_are_counted() -> None:
    stray = pd.DataFrame({"episode_id": ["E1", "E99", "E6"], "interview_id": ["I99", "I1", "I1"]})
    result = ladder(links=pd.concat([LINKS, LINKS, stray]))
    assert result.n_links_unused == 3
    pd.testing.assert_frame_equal(result.table, ladder().table)


def test_nothing_recorded_counts_as_due() -> None:
    result = ladder(links=LINKS.iloc[:1])
    assert result.summary().set_index("rung")["n_episodes"].tolist() == [6, 6, 1, 1, 1, 1]
    assert result.statuses.to_numpy().tolist() == [["completed", 1, 1], ["none", 5, 5]]
    assert "For 5 returns nothing was recorded" in result.explain()


def test_statuses_stand_in_the_order_of_the_ladder() -> None:
    assert ladder().statuses.to_numpy().tolist() == [
        ["not_required", 1, 1],
        ["declined", 1, 1],
        ["accepted_not_held", 1, 1],
        ["completed", 2, 2],
        ["completed_partial", 1, 1],
    ]


def test_no_episodes_and_no_interviews() -> None:
    nobody = ladder(episodes=EPISODES.iloc[:0])
    assert nobody.episodes.empty
    assert nobody.summary()["n_episodes"].tolist() == [0] * 6
    assert "there is no ladder to climb" in nobody.explain()
    nothing = ladder(schema.empty(schema.INTERVIEWS), schema.empty(schema.LINKS))
    assert nothing.summary()["n_episodes"].tolist() == [6, 6, 0, 0, 0, 0]
    assert "0 had one: 0% of those due" in nothing.explain()
    assert "of those offered" not in nothing.explain()


def test_explain_repr_and_plot() -> None:
    result = ladder()
    assert repr(result) == "InterviewLadder: 6 returned, 5 due, 5 offered, 3 held"
    said = result.explain()
    assert "after 5 of 6 returns" in said
    assert "3 had one: 60% of those due, 60% of those offered" in said
    assert "2 are known to have been held within 72 hours" in said
    assert not any(name in said + repr(result) for name in ("ann", "E1", "I1"))
    axes = result.plot()
    assert [bar.get_width() for bar in axes.patches] == [6, 5, 5, 4, 3, 2]


def test_row_order_and_ids_do_not_matter_and_inputs_are_not_modified() -> None:
    before = [t.copy(deep=True) for t in (EPISODES, INTERVIEWS, LINKS)]
    turned = monitoring.interview_ladder(
        EPISODES.iloc[::-1].assign(child_id=lambda f: f["child_id"] + "-x"), INTERVIEWS.iloc[::-1], LINKS.iloc[::-1]
    )
    pd.testing.assert_frame_equal(turned.table, ladder().table)
    for frame, old in zip((EPISODES, INTERVIEWS, LINKS), before, strict=True):
        pd.testing.assert_frame_equal(frame, old)


def test_what_cannot_be_used_is_refused() -> None:
    for wrong in (0, 72.0, True):
        with pytest.raises(errors.ArgumentRefused, match="due_hours"):
            monitoring.interview_ladder(EPISODES, INTERVIEWS, LINKS, due_hours=wrong)  # type: ignore[arg-type]
    with pytest.raises(errors.TableRefused, match="'episode_id' is blank at position 2"):
        ladder(episodes=EPISODES.replace("E3", None))
    with pytest.raises(errors.TableRefused, match="'status' is absent"):
        ladder(INTERVIEWS.drop(columns="status"))
    with pytest.raises(errors.TableRefused, match="codes that are not allowed"):
        ladder(INTERVIEWS.assign(status="done"))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.sampled_from([*schema.STATUSES, None]), max_size=3), min_size=1, max_size=6))
def test_rungs_are_those_of_a_plain_twin(statuses: list[list[str | None]]) -> None:
    n = len(statuses)
    episodes = pd.DataFrame({"episode_id": [f"E{i}" for i in range(n)], "child_id": [f"k{i % 2}" for i in range(n)]})
    episodes = episodes.assign(missing_from="2026-01-01", returned_at="2026-01-02 10:00")
    pairs = [(f"E{i}", f"I{i}-{j}", s) for i, found in enumerate(statuses) for j, s in enumerate(found)]
    asked = pd.DataFrame(pairs, columns=["episode_id", "interview_id", "status"]).assign(child_id="k", held_at=None)
    result = monitoring.interview_ladder(episodes, asked, asked[["episode_id", "interview_id"]])
    known = [[s for s in found if s not in (None, "unknown")] for found in statuses]
    active = [[s for s in found if s not in schema.NOT_DUE] for found in known]
    due = [bool(a) or not k for a, k in zip(active, known, strict=True)]
    held = [any(s in schema.HELD for s in found) for found in active]
    offered = [any(s in schema.OFFERED for s in found) for found in active]
    counts = result.summary().set_index("rung")["n_episodes"]
    assert counts[["returned", "due", "offered", "held", "held_in_72h"]].tolist() == [
        n,
        sum(due),
        sum(offered),
        sum(held),
        0,
    ]
    assert (counts.diff().dropna() <= 0).all()
