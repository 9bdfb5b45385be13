"""Profiles: those that ship, those of a user, and what sniff makes of a file."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import pytest
from ingest_example import HEADER, good_rows, write_csv, write_xlsx

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, DataRefused, SettingsRefused
from missing_patterns.ingest import profiles, reader
from missing_patterns.ingest.headers import match_tables, nearest

OWN = """
name = "own"
[[table]]
name = "t"
becomes = ["incidents"]
recognise = ["child_id", "missing_from"]
[table.columns]
child_id = ["Kid"]
missing_from = ["When"]
"""
LAST = 'missing_from = ["When"]'


@pytest.mark.parametrize("name", profiles.built_in())
def test_profiles_that_ship_hold_only_codes_that_the_schema_allows(name: str) -> None:
    for table in profiles.read_profile(name).tables:
        allowed = {c.name: c.allowed for b in table.becomes for c in schema.TABLES[b].columns if c.allowed}
        for field, codes in table.values.items():
            assert set(codes) <= set(allowed.get(field, codes))
        assert table.codes("nothing") == {}
        assert all(code in table.codes(field).values() for field, codes in allowed.items() for code in codes)


def test_the_ladder_has_a_wording_for_every_rung() -> None:
    tracker = profiles.read_profile("rhi_tracker").tables[0]
    assert set(tracker.values["status"]) == set(schema.STATUSES)


def test_a_profile_of_ones_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    data = write_csv(tmp_path / "a.csv", [["C1", "13/01/2026 10:00"]], ["Kid", "When"])
    assert mp.read_records(data, profile=tmp_path / "own.toml").incidents["source"].tolist() == ["own"]
    with pytest.raises(DataRefused, match="no profile fits its header"):
        mp.read_records(data)
    with pytest.raises(DataRefused, match="no profile fits its header"):
        mp.read_records(data, profile="ssd")


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ('name = "own"', "", "name must be text"),
        ('name = "own"', 'name = "own"\ntitel = "x"', r"'titel' is not known. Did you mean 'title'"),
        ('name = "t"', 'name = "t"\nrecognize = []', "Did you mean 'recognise'"),
        ('becomes = ["incidents"]', 'becomes = ["episodes"]', "becomes must name some of"),
        ('becomes = ["incidents"]', "becomes = 5", "becomes must name some of"),
        ('name = "t"', 'name = "t"\ndate_order = "american"', "date_order must be"),
        ('child_id = ["Kid"]', 'child = ["Kid"]', "'child' is not a field. Did you mean 'child_id'"),
        ('child_id = ["Kid"]', 'child_id = "Kid"', "must be a list of texts"),
        ('child_id = ["Kid"]', 'child_id = ["When"]', "headers stand under two fields: when"),
        ('recognise = ["child_id", "missing_from"]', "", "recognise must name"),
        ('recognise = ["child_id", "missing_from"]', 'recognise = ["childid"]', "has no headers under columns"),
        (LAST, f'{LAST}\n[table.defaults]\nprecison = "day"', "Did you mean 'precision'"),
        (LAST, f'{LAST}\n[table.values.category]\nlost = ["M"]', "'lost' is not a code"),
        (LAST, f'{LAST}\n[table.values.category]\nmissing = "M"', "lists of wordings"),
        (LAST, f'{LAST}\n[table.values.categry]\nmissing = ["M"]', "'categry' is not a field"),
        (LAST, f'{LAST}\n[table.values.in_area]\nnear = ["M"]', "'near' is not a code"),
        (LAST, f'{LAST}\n[table.values.rhi_offered]\nnear = ["M"]', "'near' is not a code"),
        ("[table.columns]\nchild_id", "columns = 5\nx", "columns must be a"),
        ("[[table]]", "[table]", r"at least one \[\[table\]\]"),
        (OWN, 'name = "x"\ntable = [5]', r"table 1 must be a \[\[table\]\]"),
        (OWN, "name = [", "is not TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_profile_is_named(tmp_path: Path, was: str, now: str, why: str) -> None:
    assert was in OWN
    (tmp_path / "own.toml").write_text(OWN.replace(was, now), encoding="utf-8")
    with pytest.raises(SettingsRefused, match=why):
        profiles.read_profile(tmp_path / "own.toml")


def test_a_profile_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="cannot be read"):
        profiles.read_profile(tmp_path / "absent.toml")
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsRefused, match="not UTF-8"):
        profiles.read_profile(tmp_path / "own.toml")


def test_two_profiles_that_fit_equally_are_for_the_caller_to_tell_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    one = profiles.read_profile(tmp_path / "own.toml")
    two = profiles.parse_profile(OWN.replace('"own"', '"other"'), "other.toml")
    monkeypatch.setattr(reader, "known_tables", lambda _: [*one.tables, *two.tables])
    data = write_csv(tmp_path / "a.csv", [["C1", "13/01/2026 10:00"]], ["Kid", "When"])
    with pytest.raises(DataRefused, match=r"fits more than one profile: other \(t\), own \(t\)"):
        mp.read_records(data)


def test_reprs_hold_counts_only() -> None:
    tracker = profiles.read_profile("ssd").tables[0]
    assert repr(tracker) == "TableProfile: ssd.ssd_missing, 7 columns"
    match = match_tables([list(sum(tracker.columns.values(), ()))], [tracker])[0]
    assert repr(match) == "Match: ssd.ssd_missing, 7 fields"
    assert nearest([["a", "b"]], [tracker]) is None


class TestSniff:
    """What a file is, column by column, and a profile to edit."""

    def test_a_known_file(self, tmp_path: Path) -> None:
        guess = mp.sniff(write_csv(tmp_path / "rhi.csv", good_rows(), above=("Title", "")))
        assert repr(guess) == "Guess: 1 sheet, 1 that a profile fits"
        assert repr(guess.sheets[0]) == "SheetGuess: fits, 8 of 8 columns known"
        told = guess.summary()
        assert told["field"].tolist() == [
            "incident_id", "child_id", "birth_month", "missing_from", "returned_at",
            "status", "held_at", "coded_triggers",
        ]  # fmt: skip
        assert set(told["header_line"]) == {3}
        assert set(told["confidence"]) == {1.0}

    @pytest.mark.parametrize("suffix", ["csv", "xlsx"])
    def test_its_toml_reads_the_file_as_the_profile_does(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"rhi 2026.{suffix}"
        if suffix == "csv":
            write_csv(path, good_rows())
        else:
            write_xlsx(path, {"Tracker": [list(HEADER), *good_rows()]})
        own = tmp_path / "own.toml"
        own.write_text(mp.sniff(path).to_toml(), encoding="utf-8")
        expected, got = mp.read_records(path), mp.read_records(path, profile=own)
        assert got.incidents["source"].tolist() == ["rhi_2026"] * 6
        same = [c for c in schema.INCIDENTS.names if c != "source"]
        assert got.incidents[same].equals(expected.incidents[same])
        assert got.interviews.equals(expected.interviews)
        assert got.accounting.equals(expected.accounting)

    def test_a_ssda903_file_keeps_its_defaults(self, tmp_path: Path) -> None:
        path = tmp_path / "UASC.csv"
        path.write_text("CHILD,SEX,DOB,DUC,MISSING,MIS_START\n", encoding="utf-8")
        made = tomllib.loads(mp.sniff(path).to_toml())
        assert made["table"][0]["defaults"] == {"precision": "day"}
        path.write_text("CHILD,SEX,DOB,DUC\n", encoding="utf-8")
        guess = mp.sniff(path)
        assert guess.summary()["why"].tolist()[-1] == "a known header that is not used"
        assert tomllib.loads(guess.to_toml())["table"][0]["defaults"] == {"uasc": True}

    def test_headers_that_are_nearly_known_are_guessed_with_less_confidence(self, tmp_path: Path) -> None:
        header = ["Child IDs", "Dates went missing", 'Team "East"', "", "Police refs"]
        path = write_csv(tmp_path / "a.csv", [["C1", "13/01/2026", "x", "", "P1"]], header)
        guess = mp.sniff(path)
        assert [s.fits for s in guess.sheets] == [False]
        told = guess.summary().set_index("column")
        assert told["field"].to_dict() == {
            "Child IDs": "child_id",
            "Dates went missing": "missing_from",
            'Team "East"': "",
            "Police refs": "police_ref",
        }
        assert told["confidence"].between(0.75, 0.99).sum() == 3
        assert told.loc["Child IDs", "why"] == "like 'Child ID'"
        own = tmp_path / "own.toml"
        own.write_text(guess.to_toml(), encoding="utf-8")
        assert mp.read_records(path, profile=own).incidents["child_id"].tolist() == ["C1"]

    def test_a_header_near_a_profile_is_measured_against_it(self, tmp_path: Path) -> None:
        path = tmp_path / "Missing.csv"
        path.write_text("CHILD,MISSING,START\n", encoding="utf-8")
        guess = mp.sniff(path)
        assert guess.sheets[0].table == "missing"
        assert not guess.sheets[0].fits

    def test_sheets_without_a_header_have_no_guess(self, tmp_path: Path) -> None:
        path = write_xlsx(tmp_path / "a.xlsx", {"A": [], "B": [list(HEADER), *good_rows(2)], "C": [[1, 2], [3, 4]]})
        guess = mp.sniff(path)
        assert [(s.sheet, s.header_line, s.fits) for s in guess.sheets] == [
            ("A", None, False),
            ("B", 1, True),
            ("C", None, False),
        ]
        assert repr(guess) == "Guess: 3 sheets, 1 that a profile fits"
        assert set(guess.summary()["sheet"]) == {"B"}

    @pytest.mark.parametrize("path", [5, ["a.csv"]])
    def test_it_looks_at_one_file(self, tmp_path: Path, path: object) -> None:
        with pytest.raises(ArgumentRefused):
            mp.sniff(path)
        with pytest.raises(ArgumentRefused):
            mp.sniff(tmp_path)


def test_profiles_ship_with_the_package() -> None:
    folder = resources.files("missing_patterns") / "profiles"
    files = ["_wordings.toml", *(f"{name}.toml" for name in profiles.built_in())]
    assert sorted(p.name for p in folder.iterdir()) == files
    assert profiles.built_in() == ("annex_a", "police", "rhi_tracker", "ssd", "ssda903")
