"""The gate: what it lets through unchanged, what it completes, and what it refuses, all at once."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused

ONE = {"child_id": ["A"], "missing_from": ["2026-01-05 21:00"]}


def incidents(**columns: object) -> pd.DataFrame:
    return schema.conform(pd.DataFrame({**ONE, **columns}), schema.INCIDENTS)


def test_only_child_and_start_are_required_and_the_rest_is_not_recorded() -> None:
    got = incidents()
    assert got.columns.tolist() == schema.INCIDENTS.names
    assert schema.INCIDENTS.required == ["child_id", "missing_from"]
    assert got.drop(columns=schema.INCIDENTS.required).isna().all(axis=None)
    assert str(got["missing_from"].dtype) == schema.TIMESTAMP
    assert str(got["in_area"].dtype) == "boolean"


def test_extra_columns_travel_behind_and_the_index_is_reset() -> None:
    frame = pd.DataFrame({**ONE, "team": ["north"]}, index=[7])
    got = schema.conform(frame, schema.INCIDENTS)
    assert got.columns[-1] == "team"
    assert got.index.tolist() == [0]
    assert frame.index.tolist() == [7]
    assert frame.columns.tolist() == ["child_id", "missing_from", "team"]


def test_every_fault_of_a_table_is_told_at_once_without_its_values() -> None:
    frame = pd.DataFrame(
        {"child_id": ["SECRET", None], "category": ["SECRET", "away"], "returned_at": ["SECRET", None]}
    )
    with pytest.raises(TableRefused) as refused:
        schema.conform(frame, schema.INCIDENTS)
    text = str(refused.value)
    assert "column 'missing_from' is absent" in text
    assert "column 'child_id' is blank at position 1" in text
    assert "column 'category' holds codes that are not allowed at position 0" in text
    assert "column 'returned_at' holds values that are not times" in text
    assert "SECRET" not in text


def test_something_that_is_no_table_is_refused() -> None:
    with pytest.raises(TableRefused, match="expected a DataFrame, got list"):
        schema.conform([1], schema.INCIDENTS)


def test_a_key_may_stand_once_and_may_be_not_recorded_often() -> None:
    frame = pd.DataFrame({"child_id": ["A", "A"], "missing_from": ["2026-01-05", "2026-01-06"]})
    assert len(schema.conform(frame, schema.INCIDENTS)) == 2
    with pytest.raises(TableRefused, match="'incident_id' holds the same key twice, at position 1"):
        schema.conform(frame.assign(incident_id="M1"), schema.INCIDENTS)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-07-05 21:00", "2026-07-05 21:00:00+01:00"),
        ("2026-07-05T20:00:00Z", "2026-07-05 21:00:00+01:00"),
        (dt.datetime(2026, 1, 5, 21), "2026-01-05 21:00:00+00:00"),  # noqa: DTZ001
        (dt.date(2026, 1, 5), "2026-01-05 00:00:00+00:00"),
        (pd.Timestamp("2026-01-05 21:00", tz="UTC"), "2026-01-05 21:00:00+00:00"),
        ("2026-10-25 01:30", "2026-10-25 01:30:00+01:00"),  # happens twice: the first is taken
        ("2026-03-29 01:30", "2026-03-29 02:00:00+01:00"),  # does not exist: moved forward
    ],
)
def test_times_are_london_times(given: object, expected: str) -> None:
    for values in ([given], pd.Series([given], dtype=object)):
        got = incidents(missing_from=values)["missing_from"].iloc[0]
        assert str(got) == expected


def test_a_column_may_mix_zoned_and_naive_times_and_blanks() -> None:
    frame = pd.DataFrame(
        {"child_id": ["A"] * 3, "missing_from": ["2026-07-05 21:00", "2026-07-05T20:00Z", "2026-01-01"]}
    )
    frame["returned_at"] = ["2026-07-05T20:30Z", None, "2026-01-01 03:00"]
    got = schema.conform(frame, schema.INCIDENTS)
    assert got["missing_from"].iloc[0] == got["missing_from"].iloc[1]
    assert got["returned_at"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("wrong", ["05/01/2026", "yesterday", 45000, 1.5, ["2026"]])
def test_a_time_that_is_not_iso_is_refused_not_guessed(wrong: object) -> None:
    with pytest.raises(TableRefused, match="'missing_from' holds values that are not times"):
        incidents(missing_from=[wrong])


def test_a_night_over_the_october_change_is_an_hour_longer() -> None:
    got = incidents(missing_from=["2026-10-24 22:00"], returned_at=["2026-10-25 06:00"])
    assert (got["returned_at"] - got["missing_from"]).iloc[0] == pd.Timedelta(hours=9)


def test_ids_stay_text_and_a_float_that_lost_digits_is_refused() -> None:
    assert incidents(child_id=["00123"])["child_id"].tolist() == ["00123"]
    assert incidents(child_id=[123])["child_id"].tolist() == ["123"]
    with pytest.raises(TableRefused, match="lost digits"):
        incidents(child_id=[1.0])


def test_dates_flags_counts_and_numbers() -> None:
    frame = pd.DataFrame(
        {
            "child_id": ["A", "B", "C"],
            "started_on": ["2026-01-05", "2026-02-01", "2026-03-01"],
            "ended_on": [pd.Timestamp("2026-01-06 10:00", tz="Europe/London"), None, "2026-03-02T00:00Z"],
            "in_area": [True, None, False],
            "distance_miles": [1, None, 2.5],
        }
    )
    got = schema.conform(frame, schema.PLACEMENTS)
    assert got["ended_on"].dt.strftime("%Y-%m-%d").fillna("").tolist() == ["2026-01-06", "", "2026-03-02"]
    assert got["in_area"].isna().tolist() == [False, True, False]
    assert got["distance_miles"].iloc[2] == 2.5
    zoned = frame.assign(started_on=pd.to_datetime(frame["started_on"]).dt.tz_localize("UTC"), ended_on=None)
    assert schema.conform(zoned, schema.PLACEMENTS)["started_on"].iloc[0] == pd.Timestamp("2026-01-05")
    for column, wrong, words in [
        ("started_on", [1, 2, 3], "dates"),
        ("in_area", ["often", "no", "?"], "true or false"),
        ("distance_miles", ["far", "near", "?"], "numbers"),
    ]:
        with pytest.raises(TableRefused, match=f"'{column}' holds values that are not {words}"):
            schema.conform(frame.assign(**{column: wrong}), schema.PLACEMENTS)


def test_lists_come_as_tuples_lists_or_text_with_semicolons() -> None:
    frame = pd.DataFrame({"child_id": ["A"] * 4, "coded_triggers": [("a", "b"), ["a"], "a; b;", None]})
    got = schema.conform(frame, schema.INTERVIEWS)["coded_triggers"].tolist()
    assert got == [("a", "b"), ("a",), ("a", "b"), None]
    assert (
        schema.conform(frame.assign(coded_triggers=[float("nan")] * 4), schema.INTERVIEWS)["coded_triggers"]
        .isna()
        .all()
    )


def test_columns_that_are_not_asked_for_are_neither_checked_nor_returned() -> None:
    frame = pd.DataFrame({"child_id": ["A", "B"], "category": ["strange", None], "team": ["north", None]})
    got = schema.conform(frame, schema.INCIDENTS, only=["source", "child_id"])
    assert got.columns.tolist() == ["child_id", "source"]
    assert got["source"].isna().all()
    with pytest.raises(TableRefused, match="'missing_from' is absent"):
        schema.conform(frame, schema.INCIDENTS, only=["child_id", "missing_from"])


def test_a_key_in_order_and_out_of_order_is_found_twice() -> None:
    for keys, twice in (
        (["a", "b", "b"], "2"),
        (["b", "a", "b"], "2"),
        (["a", None, "a"], "2"),
        (["b", None, "a"], ""),
    ):
        frame = pd.DataFrame({"episode_id": keys})
        if not twice:
            assert len(schema.conform(frame, schema.EPISODES, only=["episode_id"])) == 3
            continue
        with pytest.raises(TableRefused, match=f"the same key twice, at position {twice}"):
            schema.conform(frame, schema.EPISODES, only=["episode_id"])


def test_what_comes_out_shares_no_memory_with_what_went_in() -> None:
    frame = schema.conform(pd.DataFrame({**ONE, "found_area": ["Ash"], "in_area": [True]}), schema.INCIDENTS)
    placed = pd.DataFrame({"child_id": ["A"], "started_on": ["2026-01-05"], "distance_miles": [1.5]})
    placed = schema.conform(placed, schema.PLACEMENTS)
    asked = pd.DataFrame({"child_id": ["A"], "attempts": [2], "coded_triggers": [("a",)]})
    asked = schema.conform(asked, schema.INTERVIEWS)
    abroad = frame.assign(missing_from=frame["missing_from"].dt.tz_convert("UTC"), team=["north"])
    incidents, some = schema.INCIDENTS, ["child_id", "missing_from"]
    for given, table, only in (
        *((frame, incidents, None), (frame, incidents, some), (abroad, incidents, None)),
        *((placed, schema.PLACEMENTS, None), (asked, schema.INTERVIEWS, None)),
    ):
        kept = given.copy(deep=True)
        got = schema.conform(given, table, only=only)
        for column in got.columns:
            got.loc[0, column] = pd.NaT if got[column].dtype.kind == "M" else None
        pd.testing.assert_frame_equal(given, kept)


def test_a_table_without_rows_passes() -> None:
    for table in schema.TABLES.values():
        got = schema.conform(schema.empty(table), table)
        assert got.columns.tolist() == table.names
        assert len(got) == 0


def test_passing_the_gate_twice_changes_nothing() -> None:
    once = incidents(returned_at=["2026-01-06 01:00"], category=["away"], in_area=[True])
    pd.testing.assert_frame_equal(schema.conform(once, schema.INCIDENTS), once)


def test_columns_asked_for_by_name_are_missed_by_name() -> None:
    with pytest.raises(TableRefused, match="column 'stop' is absent. Did you mean 'stops'"):
        schema.require(pd.DataFrame({"start": [0], "stops": [1]}), ["start", "stop"], "intervals")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-10-31", "2026-11-01 00:00:00+00:00"),
        (dt.date(2026, 10, 31), "2026-11-01 00:00:00+00:00"),
        ("2026-07-31T10:00", "2026-07-31 10:00:00+01:00"),
        ("2026-07-31T10:00Z", "2026-07-31 11:00:00+01:00"),
        (pd.Timestamp("2026-10-31"), "2026-10-31 00:00:00+00:00"),
    ],
)
def test_a_bare_date_is_observed_to_its_end(given: str, expected: str) -> None:
    assert str(schema.moment(given)) == expected


@pytest.mark.parametrize("wrong", ["31/10/2026", "", 20261031, None, pd.NaT])
def test_the_end_of_observation_must_be_a_date(wrong: object) -> None:
    with pytest.raises(ArgumentRefused, match="observed_until must be an ISO date"):
        schema.moment(wrong)


def test_records_say_how_many_and_never_who() -> None:
    records = schema.Records(
        pd.DataFrame({"child_id": ["SECRET", "SECRET"], "missing_from": ["2026-01-05", "2026-02-05"]})
    )
    assert repr(records).startswith("Records: 2 incidents, 0 interviews, 1 child, ")
    assert "SECRET" not in repr(records)


@pytest.mark.parametrize("wrong", ["2026-13", "10/2026", "2026-1", "", "2026-10-01"])
def test_a_month_is_written_one_way(wrong: str) -> None:
    with pytest.raises(ArgumentRefused, match="yyyy-mm"):
        schema.calendar_month(wrong)
