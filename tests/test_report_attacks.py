"""A reader who subtracts: figures about one to four children must not follow from two that are printed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import missing_patterns as mp

THRESHOLD = 5
BOROUGHS = [(40, 0), (40, 5), (80, 0), (120, 7), (200, 1)]


def is_small(n: float) -> bool:
    return 0 < n < THRESHOLD


@pytest.fixture(scope="module", params=BOROUGHS, ids=lambda b: f"{b[0]}-{b[1]}")
def tables(request: pytest.FixtureRequest) -> dict[str, pd.DataFrame]:
    n_children, seed = request.param
    records = mp.make_borough(n_children=n_children, months=24, seed=seed).records
    report = mp.build_month(records, month="2026-10").to_dict()
    found: dict[str, pd.DataFrame] = {}
    for section in report["sections"]:
        for item in section["items"]:
            columns = [c["name"] for c in item["table"]["columns"]]
            found[item["table"]["id"]] = pd.DataFrame(item["table"]["rows"], columns=columns)
    return found


def number(value: Any) -> float | None:
    return None if value in ("c", None) else float(value)


def test_a_month_is_not_the_year_less_the_other_months(tables: dict[str, pd.DataFrame]) -> None:
    year = tables["children_by_month"].tail(12)
    total = tables["who"].query("heading == 'Care' and group == 'All'")["n_episodes"].iloc[0]
    hidden = year[year["n_episodes"] == "c"]
    rest = float(total) - sum(float(v) for v in year["n_episodes"] if v != "c")
    assert (len(hidden), rest) == (0, 0.0) or (len(hidden) >= 2 and rest >= THRESHOLD)


def test_parts_of_a_hidden_total_are_hidden(tables: dict[str, pd.DataFrame]) -> None:
    columns = [tables[name]["n_children"] for name in ("episodes_per_child", "by_setting", "duration")]
    columns += [part["n_children"] for _, part in tables["who"].groupby("heading", sort=False)]
    assert len(columns) == 6
    assert [c.tolist() for c in columns if c.iloc[-1] == "c" and not set(c) <= {"c", 0}] == []


def test_new_and_known_do_not_follow_from_the_month(tables: dict[str, pd.DataFrame]) -> None:
    whole = number(tables["month_compared"]["n_children"].iloc[0])
    parts = [number(v) for v in tables["new_or_known"]["n_children"]]
    assert whole is not None or parts == [None, None]
    if whole is not None and None in parts:
        assert parts == [None, None]


def test_a_reason_is_not_few_children_from_its_kind(tables: dict[str, pd.DataFrame]) -> None:
    book = mp.read_codebook()
    kinds = tables["trigger_domains"].set_index("label")["n_children"]
    labels = book.table.set_index("label")["domain"].map(book.domain_label)
    for name in ("trigger_codes_common", "trigger_codes_other"):
        for row in tables[name].itertuples():
            kind, code = number(kinds[labels[row.label]]), number(row.n_children)
            if kind is not None and code is not None:
                assert not is_small(kind - code)


def test_a_part_is_not_few_children_from_its_whole(tables: dict[str, pd.DataFrame]) -> None:
    for name, key, whole in (
        ("by_setting", "group", "All"),
        ("duration", "group", "All"),
        ("interview_outcomes", "outcome", "All due"),
        ("interview_outcomes_month", "outcome", "All due"),
    ):
        column = tables[name].set_index(key)["n_children"]
        total = number(column[whole])
        for label, value in column.items():
            if label != whole and total is not None and number(value) is not None:
                assert not is_small(total - float(value)), (name, label)


def test_small_bands_are_joined(tables: dict[str, pd.DataFrame]) -> None:
    bands = tables["episodes_per_child"].set_index("band")["n_children"]
    if "10 or more" in bands.index:
        assert not [v for v in bands if v == "c"]
    else:
        assert bands.index.tolist() == ["1", "2 or more", "All"]


def test_small_places_get_no_figures_that_can_be_worked_backwards(tables: dict[str, pd.DataFrame]) -> None:
    total = number(tables["who"].query("heading == 'Care' and group == 'All'")["n_children"].iloc[0])
    if total is None or total < 10 * THRESHOLD:
        assert "concentration" not in tables
        assert tables["repeat_shares"]["lower"].isin([None, "c"]).all()
