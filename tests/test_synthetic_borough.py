"""The made-up borough: what is true of it, what its records hold of that, and how near it is to published figures."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.codebook import ANSWERS_NOT_TRIGGERS, read_codebook
from missing_patterns.errors import ArgumentRefused
from missing_patterns.synthetic import Borough, make_borough
from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.interviews import HELD_ALONE

TABLES = ("incidents", "interviews", "children", "placements")


@pytest.fixture(scope="module")
def borough() -> Borough:
    return make_borough(n_children=300, months=24, seed=7)


@pytest.fixture(scope="module")
def big() -> Borough:
    return make_borough(n_children=3000, months=36, seed=1)


def plain(times: pd.Series) -> pd.Series:
    return times.dt.tz_localize(None)


# --- Its size and shape


@pytest.mark.parametrize(("n_children", "months"), [(1, 1), (1, 36), (7, 3), (60, 12), (250, 8)])
def test_exactly_so_many_children_are_on_file_each_with_an_absence(n_children: int, months: int) -> None:
    records = make_borough(n_children, months, seed=3).records
    assert len(records.children) == n_children
    assert set(records.incidents["child_id"]) == set(records.children["child_id"])


def test_the_public_name_makes_it() -> None:
    assert mp.make_borough is make_borough


def test_the_same_seed_gives_the_same_borough_and_another_seed_another() -> None:
    first, second, other = (make_borough(40, 12, seed) for seed in (5, 5, 6))
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(first.records, table), getattr(second.records, table))
    pd.testing.assert_frame_equal(first.truth.episodes, second.truth.episodes)
    pd.testing.assert_frame_equal(first.truth.mentions, second.truth.mentions)
    assert first.truth.parameters == second.truth.parameters
    assert first.records.incidents["missing_from"].tolist() != other.records.incidents["missing_from"].tolist()


def test_no_global_state_of_chance_is_used() -> None:
    np.random.seed(0)  # noqa: NPY002
    before = make_borough(20, 6, 1).records.incidents
    left = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    assert left == np.random.random()  # noqa: NPY002
    pd.testing.assert_frame_equal(before, make_borough(20, 6, 1).records.incidents)


@pytest.mark.parametrize(
    ("ends_on", "months", "first", "last"),
    [
        ("2026-10-31", 36, "2023-11-01", "2026-10-31"),
        (dt.date(2024, 2, 29), 12, "2023-03-01", "2024-02-29"),
        (dt.datetime.fromisoformat("2025-06-15T13:30"), 1, "2025-05-16", "2025-06-15"),
        ("2025-03-30", 1, "2025-02-28", "2025-03-30"),  # a month before the 31st of March
    ],
)
def test_the_window_is_whole_months_and_ends_with_its_last_day(
    ends_on: str | dt.date, months: int, first: str, last: str
) -> None:
    made = make_borough(30, months, 2, ends_on=ends_on)
    assert (made.truth.parameters["observed_from"], made.truth.parameters["ends_on"]) == (first, last)
    went = plain(made.records.incidents["missing_from"])
    assert went.min() >= pd.Timestamp(first)
    assert went.max() < pd.Timestamp(last) + pd.Timedelta(days=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_children": 0}, "n_children must be a whole number of at least 1"),
        ({"n_children": 2.5}, "n_children must be"),
        ({"n_children": True}, "n_children must be"),
        ({"months": 0}, "months must be"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"ends_on": "31/10/2026"}, "ends_on must be an ISO date"),
        ({"ends_on": None}, "ends_on must be an ISO date"),
        ({"ends_on": "9999-12-31"}, "ends_on must be an ISO date"),
        ({"months": 99_999}, "with room for the months"),
    ],
)
def test_what_cannot_be_made_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentRefused, match=message):
        make_borough(**{"n_children": 5, "months": 6, **arguments})  # type: ignore[arg-type]


def test_a_whole_number_of_numpy_will_do() -> None:
    assert len(make_borough(np.int64(3), 2, np.int32(1)).records.children) == 3


def test_reprs_hold_counts_only(borough: Borough) -> None:
    assert repr(borough).startswith("Borough (made up): Records: ")
    assert repr(borough.truth) == f"Truth: 300 children, {len(borough.truth.episodes):,} episodes"
    ids = set(borough.records.children["child_id"]) | set(borough.records.incidents["incident_id"])
    assert not any(i in repr(borough) + repr(borough.truth) for i in ids)


# --- Records and truth agree


def test_records_pass_the_gate_unchanged(borough: Borough) -> None:
    for table in TABLES:
        frame = getattr(borough.records, table)
        pd.testing.assert_frame_equal(schema.conform(frame, schema.TABLES[table]), frame)


def test_one_true_episode_for_each_incident(borough: Borough) -> None:
    episodes, incidents = borough.truth.episodes, borough.records.incidents
    for column in ("incident_id", "child_id", "missing_from", "returned_at"):
        assert episodes[column].tolist() == incidents[column].tolist()
    assert incidents["missing_from"].is_monotonic_increasing
    assert incidents["incident_id"].tolist() == [f"M{i:06d}" for i in range(1, len(incidents) + 1)]
    types = borough.truth.children.set_index("child_id")["type"]
    assert episodes["type"].tolist() == types[episodes["child_id"]].tolist()


def test_nobody_goes_while_away(borough: Borough) -> None:
    incidents = borough.records.incidents.sort_values(["child_id", "missing_from"])
    assert (incidents["returned_at"].dropna() > incidents["missing_from"][incidents["returned_at"].notna()]).all()
    before = incidents.groupby("child_id")["returned_at"].shift()
    again = incidents.groupby("child_id").cumcount() > 0
    assert before[again].notna().all()
    gap = incidents["missing_from"][again] - before[again]
    assert (gap >= pd.Timedelta(minutes=p.MIN_GAP_MINUTES) - pd.Timedelta(hours=1)).all()


def test_absences_lie_where_the_child_was_observed_and_under_18(big: Borough) -> None:
    records = big.records
    children = records.children.set_index("child_id").join(big.truth.children.set_index("child_id"))
    mine = children.loc[records.incidents["child_id"]].reset_index()
    went = plain(records.incidents["missing_from"])
    assert (went >= mine["observed_from"]).all()
    assert (went < mine["observed_until"].fillna(pd.Timestamp("2100-01-01"))).all()
    eighteen = mine["born_on"] + pd.DateOffset(years=18)
    assert (went < eighteen + pd.Timedelta(days=1)).all()
    assert ((went - mine["born_on"]).dt.days >= 8 * 365).all()
    turned = children[children["exit_reason"] == "turned_18"]
    assert (turned["observed_until"] - turned["born_on"]).dt.days.between(6574, 6575).all()
    assert set(children["exit_reason"].dropna()) == {"turned_18", "moved_area", "left_care"}
    assert children["exit_reason"].notna().eq(children["observed_until"].notna()).all()
    assert (children["birth_month"].dt.to_period("M") == children["born_on"].dt.to_period("M")).all()


def test_every_time_can_be_told_apart_and_is_no_midnight(borough: Borough) -> None:
    for column in ("missing_from", "returned_at", "reported_at"):
        times = plain(borough.records.incidents[column].dropna())
        assert (times.dt.hour * 60 + times.dt.minute > 0).all()
        assert (times.dt.second == 0).all()
        assert plain(times.dt.tz_localize("Europe/London")).tolist() == times.tolist()


def test_who_is_away_at_the_end_has_not_returned(big: Borough) -> None:
    end = schema.moment("2026-10-31")
    away = big.records.incidents[big.records.incidents["returned_at"].isna()]
    assert 1 <= len(away) < 60
    assert away["returned_by"].isna().all()
    assert (big.records.incidents["returned_at"].dropna() < end).all()
    assert (big.records.incidents["reported_at"].dropna() < end).all()
    assert not set(away["incident_id"]) & {i for ids in big.records.interviews["incident_ids"] for i in ids}


def test_placements_follow_each_other_and_hold_the_absences_in_care(big: Borough) -> None:
    spells = big.records.placements
    following = spells.groupby("child_id")["started_on"].shift(-1)
    moved = following.notna()
    assert (spells["ended_on"][moved] == following[moved]).all()
    assert (spells["ended_on"].dropna() > spells["started_on"][spells["ended_on"].notna()]).all()
    in_care = set(spells["child_id"])
    children = big.records.children
    assert in_care == set(children.loc[children["care_status"] == "looked_after", "child_id"])
    assert in_care == set(big.truth.children.loc[big.truth.children["in_care"], "child_id"])
    incidents = big.records.incidents
    placed = incidents["placement_type"].notna() | incidents["home_id"].notna() | incidents["in_area"].notna()
    assert set(incidents.loc[placed, "child_id"]) <= in_care
    assert (incidents["missing_from_setting"][placed] != "home").all()
    assert (incidents["missing_from_setting"][~placed] != "care").mean() > 0.95
    homes = spells[spells["home_id"].str.startswith("SC")]
    assert homes.groupby("home_id")["in_area"].nunique().max() == 1


# --- Interviews


def test_one_interview_record_at_most_for_each_incident_and_its_own_comes_first(big: Borough) -> None:
    interviews = big.records.interviews
    own = [ids[0] for ids in interviews["incident_ids"]]
    assert len(set(own)) == len(own)
    assert interviews["interview_id"].tolist() == [f"RHI-{i}" for i in own]
    child = big.records.incidents.set_index("incident_id")["child_id"]
    assert interviews["child_id"].tolist() == child[own].tolist()


def test_an_interview_that_covers_others_covers_those_marked_so(big: Borough) -> None:
    interviews = big.records.interviews.assign(own=[ids[0] for ids in big.records.interviews["incident_ids"]])
    held = interviews.set_index("own")["held_at"]
    child = big.records.incidents.set_index("incident_id")["child_id"]
    covered = []
    for ids, status in zip(interviews["incident_ids"], interviews["status"], strict=True):
        for other in ids[1:]:
            assert status in HELD_ALONE
            assert child[other] == child[ids[0]]
            assert other < ids[0]  # an earlier absence
            assert held[other] == held[ids[0]]
            covered.append(other)
    assert len(covered) > 100
    assert sorted(covered) == sorted(interviews.loc[interviews["status"] == "covered_by_other", "own"])


def test_every_rung_occurs_and_holds_what_it_can_hold(big: Borough) -> None:
    interviews = big.records.interviews.assign(own=[ids[0] for ids in big.records.interviews["incident_ids"]])
    assert set(interviews["status"]) == set(schema.STATUSES) - {"not_due"}
    back = interviews["own"].map(big.records.incidents.set_index("incident_id")["returned_at"])
    held = interviews["held_at"].notna()
    assert set(interviews.loc[held, "status"]) == {*schema.HELD, "unknown"}
    assert interviews.loc[interviews["status"].isin([*schema.HELD, "unknown"]), "held_at"].notna().all()
    assert (interviews["held_at"][held] >= back[held].dt.normalize()).all()
    day_only = interviews["held_at"] == interviews["held_at"].dt.normalize()
    assert (interviews["held_at"] > back)[held & ~day_only].all()
    assert day_only[held].mean() == pytest.approx(p.HELD_DAY_ONLY, abs=0.03)
    assert (interviews["held_at"][held] < schema.moment("2026-10-31")).all()
    offered = interviews["offered_at"].notna()
    assert set(interviews.loc[offered, "status"]) == {*schema.OFFERED, "unknown"}
    alone = interviews["status"].isin(HELD_ALONE)
    for column in ("narrative", "primary_trigger", "harm", "actions", "mode", "interviewer_role"):
        assert set(interviews.loc[interviews[column].notna(), "status"]) <= set(HELD_ALONE)
        assert 0.4 < interviews.loc[alone, column].notna().mean() < 1
    assert (interviews["status"] == "declined").eq(interviews["declined_reason"].notna()).all()


def test_interviews_are_held_in_working_hours(big: Borough) -> None:
    held = plain(big.records.interviews["held_at"].dropna())
    timed = held[held != held.dt.normalize()]
    assert timed.dt.hour.between(9, 19).all()


def test_trigger_fields_hold_codes_answers_nothing_or_are_blank(big: Borough) -> None:
    codes = set(read_codebook().codes)
    held = big.records.interviews[big.records.interviews["status"].isin(HELD_ALONE)]
    kinds = Counter(
        "blank" if found is None else "none given" if found == () else "codes" if set(found) & codes else found[0]
        for found in held["coded_triggers"]
    )
    assert set(kinds) == {"blank", "none given", "codes", "unknown", "declined_to_say", "other_specified"}
    assert kinds["codes"] > 0.7 * len(held)
    others = {i for found in held["coded_triggers"].dropna() for i in found} - codes
    assert others <= set(ANSWERS_NOT_TRIGGERS.values())
    primary = held.dropna(subset=["primary_trigger"])
    assert all(c in found for c, found in zip(primary["primary_trigger"], primary["coded_triggers"], strict=True))


def test_trigger_fields_are_not_blank_at_random(big: Borough) -> None:
    held = big.records.interviews[big.records.interviews["status"].isin(HELD_ALONE)]
    incidents = big.records.incidents.set_index("incident_id").loc[[i[0] for i in held["incident_ids"]]]
    blank = held["coded_triggers"].isna().to_numpy()
    hours = (incidents["returned_at"] - incidents["missing_from"]).dt.total_seconds().to_numpy() / 3600
    outside = incidents["in_area"].eq(False).fillna(False).to_numpy(dtype=bool)
    partial = (held["status"] == "completed_partial").to_numpy()
    assert blank[hours < 6].mean() > blank[hours >= 6].mean() + 0.03
    assert blank[outside].mean() > blank[~outside].mean() + 0.03
    assert blank[partial].mean() > blank[~partial].mean() + 0.08
    declined = big.records.interviews[big.records.interviews["status"] == "declined"]
    assert declined["coded_triggers"].isna().mean() > 0.85


def test_ticks_are_mostly_the_true_triggers(big: Borough) -> None:
    true = big.truth.episodes.set_index("incident_id")["triggers"]
    codes = set(read_codebook().codes)
    found = right = wanted = 0
    for ids, ticked in zip(
        big.records.interviews["incident_ids"], big.records.interviews["coded_triggers"], strict=True
    ):
        if len(ids) == 1 and ticked is not None and set(ticked) & codes:
            ticks, truth = set(ticked) & codes, set(true[ids[0]])
            found, right, wanted = found + len(ticks), right + len(ticks & truth), wanted + len(truth)
    assert right / wanted == pytest.approx(p.TICK_RECALL, abs=0.02)
    assert 0.93 < right / found < 0.99


def test_what_accounts_mention_is_kept(big: Borough) -> None:
    mentions, interviews = big.truth.mentions, big.records.interviews.set_index("interview_id")
    assert set(mentions["interview_id"]) == set(interviews.index[interviews["narrative"].notna()])
    assert set(mentions["status"]) == {"present", "suspected", "denied"}
    true = big.truth.episodes.set_index("incident_id")["triggers"]
    for interview, code, status in mentions.itertuples(index=False):
        happened = {c for i in interviews.at[interview, "incident_ids"] for c in true[i]}
        assert status == "suspected" or (code in happened) == (status == "present")


# --- The truth can be found again


def test_it_comes_near_the_published_figures(big: Borough) -> None:
    table = big.truth.calibration()
    assert table.columns.tolist() == ["measure", "target", "tolerance", "achieved", "ok", "source"]
    assert table.loc[~table["ok"], "measure"].tolist() == []
    # The table is no formality: with the tolerances halved, something fails.
    assert ((table["achieved"] - table["target"]).abs() > table["tolerance"] / 2).any()


def test_calibration_of_a_single_child_says_what_it_cannot_measure() -> None:
    table = make_borough(1, 1, 4).truth.calibration().set_index("measure")
    assert np.isnan(table.loc["odds of an offer, placed out of area over in area", "achieved"])
    assert not table.loc["odds of an offer, placed out of area over in area", "ok"]
    assert table.loc["share of children with one incident", "achieved"] in (0.0, 1.0)


def test_calibration_by_hand() -> None:
    """Two children, one year; hand-made records, so every figure can be counted."""
    made = make_borough(2, 12, 1)
    incidents = pd.DataFrame(
        [
            ("M1", "A", "2026-01-01 20:00", "2026-01-02 02:00", "foster", True),
            ("M2", "A", "2026-01-20 20:00", "2026-01-22 08:00", "foster", True),
            ("M3", "A", "2026-09-01 20:00", None, "foster", False),
            ("M4", "B", "2026-03-01 20:00", "2026-03-01 23:00", None, None),
        ],
        columns=["incident_id", "child_id", "missing_from", "returned_at", "placement_type", "in_area"],
    )
    interviews = pd.DataFrame(
        {
            "interview_id": ["R1", "R2", "R4"],
            "child_id": ["A", "A", "B"],
            "incident_ids": [("M1",), ("M2",), ("M4",)],
            "status": ["completed", "declined", "completed"],
            "held_at": [
                "2026-01-05",
                None,
                "2026-03-04 23:00",
            ],  # 3 days after the day of return; 72 hours to the minute
            "coded_triggers": [("people_friends", "home_conflict"), None, None],
            "child_considers_missing": [True, None, False],
        }
    )
    children = pd.DataFrame(
        {"child_id": ["A", "B"], "in_care": [True, False], "born_on": pd.to_datetime(["2010-06-01", "2015-06-01"])}
    )
    truth = dataclasses.replace(
        made.truth,
        children=children,
        parameters={**made.truth.parameters, "change": None},
        records=schema.Records(incidents=incidents, interviews=interviews),
    )
    found = truth.calibration().set_index("measure")["achieved"]
    assert found.round(3).to_dict() == pytest.approx(
        {
            "incidents per child in a year": 2.0,
            "share of children with one incident": 0.5,
            "share of children with ten or more": 0.0,
            "share of incidents by those children": 0.0,
            "share of incidents by the top 15 % of children": 0.0,
            "first repeat within 28 days": 1.0,
            "incidents per looked-after child in a year": 3.0,
            "incidents per other child in a year": 1.0,
            "share of incidents at ages 12 to 17": 0.75,
            "share of incidents at ages 15 to 17": 0.75,
            "back within 24 hours": 0.667,
            "back in 24 to 48 hours": 0.333,
            "back in 2 to 7 days": 0.0,
            "away over 7 days": 0.0,
            "looked after, two whole days or less": 1.0,
            "interviews offered, of those due": 1.0,
            "held, of those offered": 0.667,
            "declined, of those offered": 0.333,
            "held within 72 hours, of those held": 1.0,
            "odds of an offer, placed out of area over in area": float("nan"),
            "trigger field blank, of those held": 0.5,
            "codes per interview with codes": 2.0,
            "child thinks that they were missing": 0.5,
        },
        nan_ok=True,
    )


def test_types_go_for_the_reasons_of_their_type(big: Borough) -> None:
    episodes = big.truth.episodes.explode("triggers")
    share = pd.crosstab(episodes["type"], episodes["triggers"])
    share = share.div(big.truth.episodes["type"].value_counts(), axis=0)
    for kind, mix in p.TYPE_TRIGGERS.items():
        strongest = max(mix, key=lambda c: mix[c])
        assert share[strongest].idxmax() == kind
        assert share.loc[kind, strongest] == pytest.approx(mix[strongest], abs=0.12)
    n = big.truth.episodes["triggers"].map(len)
    assert n.min() == 1
    assert 2.2 < n.mean() < 3.2


def test_rates_and_the_boost_are_those_that_were_drawn(big: Borough) -> None:
    children = big.truth.children
    base = children[~children["drawn_in"]]
    n = big.truth.episodes["child_id"].value_counts()
    assert np.corrcoef(np.log(base["rate_per_year"]), np.log(base["child_id"].map(n).astype(float)))[0, 1] > 0.5
    # Each episode brings 0.2 others, so that 1 in 6 is brought; a few would fall past the window or into an absence.
    assert big.truth.episodes["is_boost"].mean() == pytest.approx(0.2 / 1.2, abs=0.02)
    order = big.truth.episodes.sort_values(["child_id", "missing_from"])
    gap = order["missing_from"] - order.groupby("child_id")["returned_at"].shift()
    brought = gap[order["is_boost"]].dropna().dt.total_seconds() / 86400
    assert 6 < brought.median() < 11  # an exponential delay of mean 14 days has a median of 9.7, others come between


def test_the_hours_are_those_of_home_and_of_childrens_homes(big: Borough) -> None:
    residential = set(big.truth.children.loc[big.truth.children["residential"], "child_id"])
    incidents = big.records.incidents
    lives = incidents["child_id"].isin(residential)
    hour, day = incidents["missing_from"].dt.hour, incidents["missing_from"].dt.day_of_week
    late = hour.isin([22, 23, 0])
    assert late[lives].mean() == pytest.approx(46 / 150, abs=0.03)  # of the hours of parameters.py
    assert late[~lives].mean() == pytest.approx(15 / 141, abs=0.03)
    assert hour[~lives].mode()[0] in (18, 19, 20)
    weekend = day.isin([4, 5]).mean()
    assert weekend == pytest.approx((1.22 + 1.18) / 7.06, abs=0.02)


def test_the_planted_change_is_there_and_what_the_truth_says_of_it(big: Borough) -> None:
    change = big.truth.parameters["change"]
    drawn_in = set(big.truth.children.loc[big.truth.children["drawn_in"], "child_id"])
    episodes = big.truth.episodes
    theirs = episodes[episodes["child_id"].isin(drawn_in)]
    assert change["on"] == "2026-06-01"
    assert (change["n_children"], change["n_episodes"]) == (len(drawn_in), len(theirs)) == (240, len(theirs))
    assert (plain(theirs["missing_from"]) >= pd.Timestamp(change["on"])).all()
    assert set(theirs["type"]) == {"criminal_exploitation"}
    after = plain(episodes["missing_from"]) >= pd.Timestamp(change["on"])
    named = episodes["triggers"].map(lambda codes: change["code"] in codes)
    assert named[after].mean() > 1.8 * named[~after].mean()
    # The twelve months before it, against the five since: a third more a month at least.
    year_before = (plain(episodes["missing_from"]) >= pd.Timestamp("2025-06-01")) & ~after
    assert after.sum() / 5 > 1.3 * year_before.sum() / 12


def test_the_number_of_children_rises_slowly(big: Borough) -> None:
    base = set(big.truth.children.loc[~big.truth.children["drawn_in"], "child_id"])
    episodes = big.truth.episodes[big.truth.episodes["child_id"].isin(base)]
    year = ((plain(episodes["missing_from"]) - pd.Timestamp("2023-11-01")).dt.days // 366).rename("year")
    n = episodes.groupby(year)["child_id"].nunique()
    assert big.truth.parameters["trend"]["share_per_year"] == 0.08
    assert n[2] / n[0] == pytest.approx(1.08**2, abs=0.09)
    assert n[2] > n[0]


def test_a_short_borough_has_no_change() -> None:
    short, long = make_borough(50, 8, 1).truth, make_borough(50, 9, 1).truth
    assert short.parameters["change"] is None
    assert not short.children["drawn_in"].any()
    assert long.parameters["change"]["n_children"] == 4
