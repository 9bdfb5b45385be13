"""Errors say where and what to do, and carry an exit code that a scheduler can act on."""

from __future__ import annotations

import pytest

from missing_patterns import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.MissingPatternsError, 1),
        (errors.ArgumentRefused, 2),
        (errors.DataRefused, 3),
        (errors.TableRefused, 3),
        (errors.DisclosureRefused, 4),
        (errors.SettingsRefused, 5),
        (errors.TryLater, 75),
    ],
)
def test_each_kind_of_error_has_its_own_exit_code(kind: type[errors.MissingPatternsError], code: int) -> None:
    assert kind("x").exit_code == code


def test_a_refused_file_is_named_with_sheet_and_line() -> None:
    error = errors.DataRefused.of_file("a.xlsx", "two header rows fit", "Delete one.", sheet="RHI", line=4)
    assert str(error) == "a.xlsx [RHI], line 4: two header rows fit. Delete one."


def test_the_nearest_name_is_offered_only_when_it_is_near() -> None:
    assert errors.did_you_mean("returned", ["returned_at", "child_id"]) == " Did you mean 'returned_at'?"
    assert errors.did_you_mean("zzz", ["returned_at"]) == ""


def test_positions_are_counted_not_listed_without_end() -> None:
    assert errors.positions([4]) == "position 4"
    assert errors.positions(list(range(9))) == "positions 0, 1, 2, 3, 4 and 4 more"
