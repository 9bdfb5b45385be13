"""Hour by weekday: counts, children, and the hours that there were."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.errors import ArgumentRefused
from missing_patterns.patterns import calendar_rates


def episodes(*rows: tuple[str, str] | tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "child_id": [r[0] for r in rows],
            "missing_from": [r[1] for r in rows],
            "precision": [r[2] if len(r) > 2 else None for r in rows],
        }
    )


EPISODES = episodes(
    ("B", "2026-01-16 23:00"),  # Friday
    ("A", "2026-01-09 16:00"),  # Friday, first minute of the band
    ("A", "2026-01-16 19:59"),
    ("A", "2026-01-12 03:59", "minute"),  # Monday
    ("C", "2026-01-13 00:00", "day"),
)


def test_cells_by_hand():
    rates = calendar_rates(EPISODES, first_day="2026-01-05", last_day="2026-01-18")
    assert len(rates) == 42
    some = rates[rates["n_episodes"] > 0]
    assert some[["weekday", "hour_band", "n_episodes", "n_children", "n_days", "n_hours"]].to_numpy().tolist() == [
        ["Monday", "00-03", 1, 1, 2, 8],
        ["Friday", "16-19", 2, 1, 2, 8],
        ["Friday", "20-23", 1, 1, 2, 8],
    ]
    assert some["per_100_hours"].tolist() == pytest.approx([100 / 8, 100 / 4, 100 / 8])
    # 4 episodes in 14 days of 24 hours
    assert some["rate_ratio"].tolist() == pytest.approx([336 / 32, 336 / 16, 336 / 32])
    assert rates["n_hours"].sum() == 14 * 24
    assert rates["hour_band"].head(6).tolist() == ["00-03", "04-07", "08-11", "12-15", "16-19", "20-23"]
    assert {k: v for k, v in rates.attrs.items() if k != "note"} == {
        "n_counted": 4,
        "n_day_precision": 1,
        "n_outside": 0,
        "first_day": "2026-01-05",
        "last_day": "2026-01-18",
    }


def test_the_period_may_come_from_the_data_and_leaves_out_what_is_outside():
    rates = calendar_rates(EPISODES)
    assert (rates.attrs["first_day"], rates.attrs["last_day"]) == ("2026-01-09", "2026-01-16")
    assert rates.groupby("weekday")["n_days"].first()["Friday"] == 2
    narrow = calendar_rates(EPISODES, first_day=dt.date(2026, 1, 12), last_day="2026-01-16")
    assert (narrow.attrs["n_counted"], narrow.attrs["n_outside"]) == (3, 1)
    saturday = narrow[narrow["weekday"] == "Saturday"]
    assert saturday["n_hours"].tolist() == [0] * 6
    assert saturday["per_100_hours"].isna().all()


def test_no_episodes():
    nothing = calendar_rates(EPISODES.head(0))
    assert len(nothing) == 42
    assert nothing["n_episodes"].sum() == 0
    assert nothing["rate_ratio"].isna().all()
    assert nothing.attrs["first_day"] == nothing.attrs["last_day"] == ""
    quiet = calendar_rates(EPISODES.tail(1), first_day="2026-01-05", last_day="2026-01-11")
    assert quiet["per_100_hours"].tolist() == [0.0] * 42
    assert quiet.attrs["n_day_precision"] == 1


def test_local_hours_count_on_both_sides_of_the_clock_change():
    # 26 July is British summer time: 19:30 UTC is 20:30 on the clock on the wall.
    summer = episodes(("A", "2026-07-26T19:30:00+00:00"), ("A", "2026-12-27T19:30:00+00:00"))
    rates = calendar_rates(summer)
    assert rates.loc[rates["n_episodes"] > 0, "hour_band"].tolist() == ["16-19", "20-23"]
    twice = episodes(("A", "2026-10-25T00:30:00+00:00"), ("A", "2026-10-25T01:30:00+00:00"))
    assert calendar_rates(twice)["n_episodes"].max() == 2


@pytest.mark.parametrize("bad", ["05/01/2026", "soon", 3])
def test_days_that_are_not_dates_are_refused(bad: object):
    with pytest.raises(ArgumentRefused, match="first_day must be a date as yyyy-mm-dd"):
        calendar_rates(EPISODES, first_day=bad)  # type: ignore[arg-type]


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(ArgumentRefused, match="must not be before"):
        calendar_rates(EPISODES, first_day="2026-02-01", last_day="2026-01-01")


def test_row_order_and_ids_and_whole_weeks_do_not_matter_and_input_stays():
    before = EPISODES.copy(deep=True)
    period = {"first_day": "2026-01-05", "last_day": "2026-01-18"}
    plain = calendar_rates(EPISODES, **period)
    pd.testing.assert_frame_equal(EPISODES, before)
    turned = EPISODES.iloc[::-1].assign(child_id=lambda f: "Z" + f["child_id"])
    assert calendar_rates(turned, **period).equals(plain)
    later = EPISODES.assign(missing_from=pd.to_datetime(EPISODES["missing_from"]) + pd.Timedelta(days=28))
    assert calendar_rates(later, first_day="2026-02-02", last_day="2026-02-15").equals(plain)


STARTS = st.builds(
    dt.datetime.combine,
    st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 20)),
    st.times().map(lambda t: t.replace(fold=0)),
)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.sampled_from("ABC"), STARTS), max_size=12))
def test_a_slow_plain_twin_counts_the_same(rows: list[tuple[str, dt.datetime]]):
    frame = pd.DataFrame({"child_id": [r[0] for r in rows], "missing_from": pd.to_datetime([r[1] for r in rows])})
    first, last = dt.date(2026, 1, 10), dt.date(2026, 3, 1)
    rates = calendar_rates(frame, first_day=first, last_day=last)
    days = [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    for cell in rates.itertuples():
        low, high = (int(h) for h in cell.hour_band.split("-"))
        inside = [
            child
            for child, at in rows
            if first <= at.date() <= last and at.weekday() == cell.weekday_no and low <= at.hour <= high
        ]
        assert (cell.n_episodes, cell.n_children) == (len(inside), len(set(inside)))
        assert cell.n_days == sum(d.weekday() == cell.weekday_no for d in days)
        assert cell.n_hours == cell.n_days * (high - low + 1)
        assert np.isclose(cell.per_100_hours, 100 * len(inside) / cell.n_hours)
