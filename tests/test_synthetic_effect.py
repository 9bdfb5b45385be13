"""The planted effect of interviews: none by default, and otherwise exactly what it says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from missing_patterns.errors import ArgumentRefused
from missing_patterns.synthetic import Borough, make_borough
from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.interviews import HELD_ALONE


@pytest.fixture(scope="module")
def without() -> Borough:
    return make_borough(n_children=900, months=24, seed=3)


@pytest.fixture(scope="module")
def planted() -> Borough:
    return make_borough(n_children=900, months=24, seed=3, interview_effect=0.5)


def days(borough: Borough, times: pd.Series) -> np.ndarray:
    origin = pd.Timestamp(borough.truth.parameters["observed_from"], tz="Europe/London")
    return np.asarray((times - origin) / pd.Timedelta(days=1), dtype=float)


def seen_over_expected(borough: Borough) -> tuple[float, float]:
    """Episodes over what the true rates give, from the interview on, and before it or without one.

    The rate of each child is known: the child's own by age, and what each earlier episode still brings.
    """
    records, truth = borough.records, borough.truth
    children = truth.children.set_index("child_id")
    born = pd.Series(days(borough, children["born_on"].dt.tz_localize("Europe/London")), index=children.index)
    left = records.children.set_index("child_id")["observed_until"].dt.tz_localize("Europe/London")
    end = days(borough, pd.Series([pd.Timestamp(truth.parameters["ends_on"], tz="Europe/London")]))[0] + 1
    stop = pd.Series(days(borough, left), index=left.index).clip(upper=end).fillna(end)
    held = records.interviews[records.interviews["status"].isin(HELD_ALONE)]
    held_at = dict(zip([ids[0] for ids in held["incident_ids"]], days(borough, held["held_at"]), strict=True))
    table = records.incidents.sort_values(["child_id", "missing_from"])
    table = table.assign(start=days(borough, table["missing_from"]), back=days(borough, table["returned_at"]))
    seen, expected = np.zeros(2), np.zeros(2)
    for child, rows in table.groupby("child_id"):
        weights = np.array(p.AGE_WEIGHTS_IN_CARE if children.at[child, "in_care"] else p.AGE_WEIGHTS)
        own = children.at[child, "rate_per_year"] / p.DAYS_PER_YEAR
        back = rows["back"].to_numpy()
        goes = np.append(rows["start"].to_numpy()[1:], stop[child])
        for i, incident in enumerate(rows["incident_id"]):
            if np.isnan(back[i]):
                continue
            moment = held_at.get(incident, np.inf)
            moment = min(moment + 0.55 * (moment % 1 == 0), goes[i])  # by day only: about the middle of working hours
            for k, (since, until) in enumerate([(moment, goes[i]), (back[i], moment)]):
                edges = np.linspace(since, until, max(int(until - since), 1) + 1)
                middle = (edges[1:] + edges[:-1]) / 2
                age = np.clip((middle - born[child]) // p.DAYS_PER_YEAR, p.MIN_AGE, p.ADULT_AGE - 1).astype(int)
                brought = np.exp(-(middle - back[max(0, i - 5) : i + 1, None]) / p.BOOST_TAU_DAYS)
                rate = own * weights[age - p.MIN_AGE] + p.BOOST_ALPHA / p.BOOST_TAU_DAYS * brought.sum(axis=0)
                expected[k] += (rate * np.diff(edges)).sum()
            if i + 1 < len(rows):
                seen[0 if goes[i] > moment else 1] += 1
    after, before = seen / expected
    return float(after), float(before)


def test_by_default_nothing_is_planted(without: Borough) -> None:
    assert without.truth.parameters["interview_effect"] == 1.0
    after, before = seen_over_expected(without)
    assert after == pytest.approx(1.0, abs=0.08)
    assert before == pytest.approx(1.0, abs=0.08)


def test_an_effect_of_one_is_the_default_to_the_byte() -> None:
    default, one = make_borough(60, 12, 4), make_borough(60, 12, 4, interview_effect=1)
    for name in ("incidents", "interviews", "children", "placements"):
        pd.testing.assert_frame_equal(getattr(default.records, name), getattr(one.records, name))


def test_the_rate_after_an_interview_is_multiplied_and_no_other(planted: Borough) -> None:
    after, before = seen_over_expected(planted)
    assert after == pytest.approx(0.5, abs=0.05)
    assert before == pytest.approx(1.0, abs=0.08)
    assert planted.truth.parameters["interview_effect"] == 0.5


def test_the_children_are_the_same_with_fewer_episodes(without: Borough, planted: Borough) -> None:
    pd.testing.assert_frame_equal(without.truth.children, planted.truth.children)
    first = [b.records.incidents.groupby("child_id")["missing_from"].min() for b in (without, planted)]
    pd.testing.assert_series_equal(*first)
    assert len(planted.records.incidents) < 0.9 * len(without.records.incidents)


def test_absences_of_a_child_never_overlap_and_brought_ones_follow_another(planted: Borough) -> None:
    table = planted.truth.episodes.sort_values(["child_id", "missing_from"])
    before = table.groupby("child_id")["returned_at"].shift()
    gaps = (table["missing_from"] - before).dropna()
    assert gaps.min() >= pd.Timedelta(minutes=p.MIN_GAP_MINUTES)
    assert 0 < table["is_boost"].mean() < 0.6


def test_the_same_seed_gives_the_same_borough() -> None:
    first, second = (make_borough(50, 12, 9, interview_effect=0.4).records for _ in range(2))
    pd.testing.assert_frame_equal(first.incidents, second.incidents)
    pd.testing.assert_frame_equal(first.interviews, second.interviews)


@pytest.mark.parametrize("effect", [0, -0.5, 1.2, float("nan"), True, "0.6", None])
def test_what_is_no_effect_is_refused(effect: object) -> None:
    with pytest.raises(ArgumentRefused, match="interview_effect must be a number above 0 and at most 1"):
        make_borough(10, 3, interview_effect=effect)  # type: ignore[arg-type]
