"""The tidy CSV: one measure a row, safe to open in a spreadsheet."""

from __future__ import annotations

import copy
import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import example_month

from missing_patterns.errors import ArgumentRefused, DisclosureRefused
from missing_patterns.report import tidy

FORMULA_STARTS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", " =", "\u00a0@", "  +", "\t=", "\r@", "\n-", "\0+"]


def one(**changes: Any) -> dict[str, Any]:
    measure = {
        "month": "2026-10",
        "period": "2026-10",
        "measure": "children",
        "group": "All",
        "value": 41,
        "unit": "children",
        "numerator": None,
        "denominator": None,
        "suppressed": False,
    }
    return {"symbol": "c", "measures": [{**measure, **changes}]}


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_example_as_csv() -> None:
    assert tidy.render_tidy(example_month()) == (
        "month,period,measure,group,value,unit,numerator,denominator,suppressed\n"
        "2026-10,2026-10,children_missing,All,41,children,,,FALSE\n"
        "2026-10,2026-10,held_in_72h,All,0.307,share,27,88,FALSE\n"
        "2026-10,2026-10,trigger_share,Exploitation,,share,,38,TRUE\n"
        "2026-10,2026-10,trigger_share,'=cmd|' /C calc'!A0,0,share,0,38,FALSE\n"
        '2026-10,2026-10,change_on_year,"\'-5 days, ""quoted""",-3.25,percent,,,FALSE\n'
    )


def test_no_measures_give_a_header() -> None:
    assert tidy.render_tidy({"symbol": "c", "measures": []}) == ",".join(tidy.COLUMNS) + "\n"


@pytest.mark.parametrize("start", FORMULA_STARTS, ids=repr)
@pytest.mark.parametrize("column", ["month", "measure", "group", "unit"])
def test_text_never_becomes_a_formula(start: str, column: str) -> None:
    (row,) = read(tidy.render_tidy(one(**{column: start + "1+1"})))
    assert row[column] == "'" + re.sub("[\t\r\n\0]", " ", start) + "1+1"


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_text_comes_back_and_begins_harmlessly(text: str) -> None:
    (row,) = read(tidy.render_tidy(one(group=text)))
    flat = re.sub("[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text)
    assert row["group"] in (flat, f"'{flat}")
    assert not row["group"].lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (41, "41"),
        (-3, "-3"),
        (0.5, "0.5"),
        (1 / 3, "0.3333"),
        (2.0, "2"),
        (0.00001, "0"),
        (None, ""),
        (float("nan"), ""),
    ],
)
def test_numbers_stay_numbers(value: float | None, written: str) -> None:
    (row,) = read(tidy.render_tidy(one(value=value)))
    assert row["value"] == written


def test_a_group_that_is_not_recorded_is_empty() -> None:
    (row,) = read(tidy.render_tidy(one(group=None)))
    assert row["group"] == ""


@pytest.mark.parametrize("held", [{"value": 3}, {"value": "c", "numerator": 3}, {"value": None, "numerator": 0}])
def test_a_suppressed_measure_that_still_holds_its_figure_is_refused(held: dict[str, Any]) -> None:
    with pytest.raises(DisclosureRefused, match="measure 1 is marked as suppressed") as refused:
        tidy.render_tidy(one(**held, suppressed=True))
    assert "3" not in str(refused.value)


def test_a_withheld_value_must_be_marked() -> None:
    with pytest.raises(ArgumentRefused, match="measure 1 is withheld, but not marked"):
        tidy.render_tidy(one(value="c"))


@pytest.mark.parametrize("value", ["secret", True])
def test_text_for_a_number_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentRefused, match="measure 1: denominator is not a number") as refused:
        tidy.render_tidy(one(denominator=value))
    assert "secret" not in str(refused.value)


def test_a_measure_without_a_column_is_refused() -> None:
    month = one()
    del month["measures"][0]["unit"], month["measures"][0]["group"]
    with pytest.raises(ArgumentRefused, match="measure 1 has no group, unit"):
        tidy.render_tidy(month)


def test_the_month_is_not_modified() -> None:
    month = example_month()
    before = copy.deepcopy(month)
    assert tidy.render_tidy(month) == tidy.render_tidy(month)
    assert month == before


def test_the_file_begins_with_a_mark_that_spreadsheets_need() -> None:
    assert tidy.render_tidy(one()).encode(tidy.ENCODING).startswith(b"\xef\xbb\xbfmonth,")
