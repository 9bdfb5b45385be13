"""Definitions of features: names that spell them, words, choosing some, and what is refused."""

from __future__ import annotations

import dataclasses
import random

import pandas as pd
import pytest
from features_example import BOOK, make_history

import missing_patterns as mp
from missing_patterns.codebook import read_codebook
from missing_patterns.errors import ArgumentRefused
from missing_patterns.features import build_features, feature_dictionary, feature_specs
from missing_patterns.features import specs as s

DAYS = (1, 7, 28)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (s.Count("episodes", 90), "n_episodes_90d"),
        (s.Count("episodes"), "n_episodes_ever"),
        (s.Count("interviews_offered", 7), "n_interviews_offered_7d"),
        (s.Count("people_family", 7), "n_people_family_7d"),
        (s.Any("home", 28), "any_home_28d"),
        (s.Any("home"), "any_home_ever"),
        (s.Any("home", "this_episode"), "any_home_this_episode"),
        (s.Any("placement_moves", 28), "any_placement_moves_28d"),
        (s.Sum("missing_nights", 28), "missing_nights_28d"),
        (s.DaysSince("return"), "days_since_return"),
        (s.DaysSince("home_abuse"), "days_since_home_abuse"),
        (s.Mean("gap_days", 5), "mean_gap_days_last5"),
        (s.Trend("gap_days"), "gap_trend_days"),
        (s.Trend("gap_days", 5), "gap_trend_days_last5"),
        (s.Share("in_time", 4), "share_in_time_last4"),
        (s.Streak("declined"), "n_declined_in_a_row"),
        (s.Latest("placement_type"), "placement_type"),
        (s.Variety("kinds", 7), "n_trigger_kinds_7d"),
        (s.Variety("new", 7), "n_new_triggers_7d"),
        (s.Variety("entropy", 7), "trigger_entropy_7d"),
        (s.Cycle("hour", "cos", "index"), "index_hour_cos"),
        (s.Cycle("month"), "month_sin"),
        (s.Calendar("began_on_bank_holiday"), "began_on_bank_holiday"),
        (s.Same("place"), "n_earlier_same_place"),
        (s.Together(), "n_missing_with"),
    ],
)
def test_a_name_spells_the_definition(spec: s.Spec, name: str) -> None:
    assert spec.name == name
    assert spec == dataclasses.replace(spec)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.of = "another"  # type: ignore[misc]


def test_the_default_set_in_order() -> None:
    names = [spec.name for spec in feature_specs()]
    assert len(names) == len(set(names)) == 590 - 3
    assert names[:6] == [
        "episode_no",
        "duration_hours",
        "gap_days",
        "is_still_missing",
        "n_episodes_ever",
        "n_episodes_28d",
    ]
    assert names[-3:] == ["n_earlier_same_home", "n_earlier_same_place", "n_missing_with"]
    assert [n for n in names if n.startswith("share_")] == [
        f"share_{w}_last3" for w in ("offered", "completed", "in_time")
    ]
    assert mp.feature_specs([7])[5] == s.Count("episodes", 7)
    assert {spec.needs for spec in feature_specs()} == {"", "interviews", "placements"}


def test_chosen_features_are_those_of_the_whole_table_in_the_order_asked_for() -> None:
    history = make_history(21)
    tables = {"interviews": history.interviews, "placements": history.placements, "codebook": BOOK}
    dice = random.Random(21)  # noqa: S311 - made-up data
    given = (history.episodes(), history.triggers(dice))
    whole = build_features(*given, **tables, lookback_days=DAYS)
    chosen = list(feature_specs(DAYS, BOOK))
    dice.shuffle(chosen)
    some = build_features(*given, **tables, specs=chosen)
    assert some.columns.tolist()[3:] == [spec.name for spec in chosen]
    pd.testing.assert_frame_equal(some[whole.columns], whole)
    for spec in dice.sample(chosen, 40):
        alone = build_features(*given, **tables, specs=[spec])
        pd.testing.assert_series_equal(alone[spec.name], whole[spec.name])


def test_other_numbers_than_the_default_ones() -> None:
    history = make_history(22)
    chosen = [
        s.Mean("gap_days", 1),
        s.Trend("gap_days", 1),
        s.Count("trigger_answers"),
        s.Count("home", 3),
        s.Share("offered", 1),
    ]
    chosen += [s.Any("placement_moves"), s.Count("interviews_declined"), s.Sum("missing_hours", 2)]
    X = build_features(
        history.episodes(),
        history.triggers(),
        interviews=history.interviews,
        placements=history.placements,
        specs=chosen,
    )
    assert X["mean_gap_days_last1"].dropna().gt(0).any()
    assert set(X["share_offered_last1"].dropna()) == {0.0, 1.0}
    assert (X["n_home_3d"] <= X["n_trigger_answers_ever"]).all()
    assert X["n_interviews_declined_ever"].max() > 1
    assert feature_dictionary(X)["kind"].tolist() == ["key"] * 3 + list(feature_dictionary(chosen)["kind"])


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        ([s.Count("epsodes", 7)], "Did you mean 'episodes'"),
        ([s.Any("home_conflct", 7)], "Did you mean 'home_conflict'"),
        ([s.Latest("gap_day")], "Did you mean 'gap_days'"),
        ([s.Count("episodes", 0)], "whole number of days"),
        ([s.Count("episodes", "this_episode")], "whole number of days"),
        ([s.Any("placement_moves", "this_episode")], "whole number of days"),
        ([s.Sum("missing_hours")], "whole number of days"),
        ([s.Variety("kinds", True)], "whole number of days"),
        ([s.Share("offered", 0)], "whole number, at least 1"),
        ([s.Cycle("hour", "tan")], "must be 'sin' or 'cos'"),
        (["n_episodes_90d"], "must hold features such as"),
        ([s.Count("episodes", 7), s.Count("episodes", 7)], "would have one name: n_episodes_7d"),
        (
            [s.Share("offered"), s.Latest("distance_miles")],
            r"'share_offered_last3' \(2 in all\): hand over interviews= and placements=",
        ),
    ],
)
def test_what_is_no_feature_is_refused(specs: list[object], said: str) -> None:
    table = pd.DataFrame({"child_id": ["A"], "missing_from": ["2026-01-05"], "returned_at": ["2026-01-06"]})
    with pytest.raises(ArgumentRefused, match=said):
        build_features(table, pd.DataFrame(columns=["interview_id", "child_id", "code"]), specs=specs)


def test_a_code_named_as_something_else_that_is_counted_is_refused() -> None:
    book = read_codebook().amend(added=[{"code": "episodes", "domain": "care", "side": "push"}])
    with pytest.raises(ArgumentRefused, match="would have one name: "):
        feature_specs(codebook=book)


def test_of_what_there_is_none_there_are_no_words() -> None:
    with pytest.raises(ArgumentRefused, match="Did you mean 'declined'"):
        _ = s.Streak("decline").name


def test_the_dictionary_words_definitions_as_it_words_columns() -> None:
    specs = feature_specs()
    words = feature_dictionary(specs)
    assert words.columns.tolist() == ["column", "kind", "unit", "meaning"]
    assert words["meaning"].is_unique
    X = pd.DataFrame(columns=[*words["column"], "child_id", "interview_id"])
    of_columns = feature_dictionary(X)
    pd.testing.assert_frame_equal(of_columns[: len(words)], words)
    assert of_columns["kind"].tolist()[-2:] == ["key", "key"]
    by_name = words.set_index("column")
    assert by_name.loc["missing_hours_90d"].tolist() == [
        "measure",
        "hours",
        "hours missing in the 90 days before the index, from episodes that had ended",
    ]
    assert by_name.loc["any_home_this_episode", "meaning"] == (
        "whether any trigger of the domain 'home' was named, or suspected, for this episode, in an interview held by "
        "then; false includes not asked"
    )
    assert by_name.loc["index_hour_sin", "meaning"] == (
        "time of day of the index, sine on a 24-hour circle; none where only the date is known"
    )
    assert set(words["kind"]) == {"count", "flag", "flag or not known", "measure", "text"}
