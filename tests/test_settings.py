"""Settings come from TOML, every name is known, and what is wrong is said with what to write instead."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from importlib import resources
from pathlib import Path

import pytest

from missing_patterns import schema, settings
from missing_patterns.errors import SettingsRefused
from missing_patterns.settings import Settings, defaults, read_settings


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "council.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_council_writes_only_what_differs(tmp_path: Path) -> None:
    path = settings_file(
        tmp_path,
        """
        [council]
        name = "Made-up Borough"
        [disclosure]
        threshold = 10
        [paths]
        data = "extracts"
        """,
    )
    got = read_settings(path)
    assert (got.name, got.threshold, got.due_hours) == ("Made-up Borough", 10, 72)


def test_calendars_of_the_council_lie_beside_its_file(tmp_path: Path) -> None:
    assert (read_settings().terms, read_settings().bank_holidays) == ("", "")
    got = read_settings(settings_file(tmp_path, '[calendar]\nterms = "terms.csv"\nbank_holidays = ""\n'))
    assert (got.terms, got.bank_holidays) == (str(tmp_path.resolve() / "terms.csv"), "")
    elsewhere = tmp_path.resolve() / "elsewhere" / "holidays.csv"
    got = read_settings(settings_file(tmp_path, f"[calendar]\nbank_holidays = '{elsewhere}'\n"))
    assert (got.terms, got.bank_holidays) == ("", str(elsewhere))
    with pytest.raises(SettingsRefused, match="terms must be text"):
        read_settings(settings_file(tmp_path, "[calendar]\nterms = 3\n"))


def test_every_setting_has_a_default_with_a_comment() -> None:
    assert set(defaults()) == {f.name for f in fields(Settings)}
    text = (resources.files("missing_patterns") / "settings.toml").read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if "=" in line and not line.startswith("#")]
    assert len(lines) == len(defaults())
    assert all("#" in line for line in lines)
    assert tomllib.loads(text)


def test_categories_are_those_of_the_schema() -> None:
    assert settings.CATEGORIES == schema.CATEGORIES


def test_unknown_names_are_refused_together_with_the_nearest_known(tmp_path: Path) -> None:
    path = settings_file(tmp_path, "[disclosur]\nx = 1\n[council]\nnmae = 'x'\n")
    with pytest.raises(SettingsRefused) as refused:
        read_settings(path)
    assert "[disclosur] is not a heading. Did you mean 'disclosure'?" in str(refused.value)
    assert "[council] nmae is not a setting. Did you mean 'name'?" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("threshold", 1, "threshold must be at least 2"),
        ("threshold", True, "threshold must be a whole number"),
        ("threshold", "5", "threshold must be a whole number"),
        ("min_at_risk", 4, "min_at_risk must be at least the threshold"),
        ("profile", "counsil", "known: council. Did you mean 'council'"),
        ("count_categories", ["gone"], "count_categories must name some of"),
        ("count_categories", [], "count_categories must name some of"),
        ("count_categories", "missing", "count_categories must be a list of texts"),
        ("due_hours", 0, "due_hours must be at least 1"),
        ("match_within_minutes", 1441, "match_within_minutes must be from 0 to 1440"),
        ("collection_year", 26, "collection_year must be a year such as 2026, or 0"),
        ("min_share_types", 1.0, "min_share_types must be between 0 and 1"),
        ("min_share_types", "x", "min_share_types must be a number"),
        ("merge_gap", "soon", "merge_gap must be a length of time"),
        ("merge_gap", "-1h", "merge_gap must be a length of time"),
        ("name", 3, "name must be text"),
        ("terms", 3, "terms must be text"),
        ("bank_holidays", None, "bank_holidays must be text"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name: str, value: object, words: str) -> None:
    with pytest.raises(SettingsRefused, match=words):
        Settings(**defaults() | {name: value})


def test_a_file_that_cannot_be_read_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"^nowhere\.toml: cannot be read \(FileNotFoundError\)"):
        read_settings(tmp_path / "nowhere.toml")
    with pytest.raises(SettingsRefused, match=r"^council\.toml: is not TOML"):
        read_settings(settings_file(tmp_path, "threshold: 5"))
    (tmp_path / "council.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsRefused, match="is not UTF-8 text"):
        read_settings(tmp_path / "council.toml")
