"""Profiles: those that ship, those of a user, and what sniff makes of a file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import ClassVar

import pytest
from ingest_example import check_law, rules, write_csv, write_xlsx

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.codebook import read_codebook
from missing_patterns.errors import DataRefused, SettingsRefused
from missing_patterns.ingest import reader
from missing_patterns.ingest.profiles import profile as profiles
from missing_patterns.ingest.profiles.fields import YearCodes
from missing_patterns.ingest.profiles.fitting import collection_year
from missing_patterns.ingest.profiles.headers import match_tables, nearest
from missing_patterns.ingest.profiles.wordings import phrase_parser
from missing_patterns.settings import read_settings

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
INCIDENTS, BOTH = 'becomes = ["incidents"]', 'becomes = ["incidents", "interviews"]'


@pytest.mark.parametrize("name", profiles.built_in())
def test_profiles_that_ship_hold_only_codes_that_the_schema_allows(name: str) -> None:
    for table in profiles.read_profile(name).tables:
        allowed = {c.name: c.allowed for b in table.becomes for c in schema.TABLES[b].columns if c.allowed}
        for field, codes in table.values.items():
            assert set(codes) <= set(allowed.get(field, codes))
            assert set(table.codes(field).values()) >= set(codes)
        assert table.codes("nothing") == {}
        assert all(code in table.codes(field).values() for field, codes in allowed.items() for code in codes)


LADDER = {
    # London's list of Annex A answers; and what a form of the same kind says
    "Offered and Accepted (CYP not present/refused on arrival)": "accepted_not_held",
    "Offered and Declined (by YP)": "declined",
    "Not Offered (Missing Again)": "not_offered_missing_again",
    "Not Offered (Unable to make contact)": "not_offered_no_contact",
    "Not Offered (Other)": "not_offered_other",
    # a care-home app
    "pending": "offered_pending",
    "scheduled": "offered_pending",
    "completed": "completed",
    "completed_late": "completed",
    "refused": "declined",
    "not_conducted": "not_offered_other",
    # freedom-of-information questions and their answers
    "declined": "declined",
    "Offered but declined": "declined",
    "Completed within 72 hours": "completed",
    "Completed outside 72 hours": "completed",
    "Offered and not taken up": "declined",
    "Not offered": "not_offered_other",
    # a case system that asks for yes or no
    "Yes": "completed",
    "No": "unknown",
    "NA": "not_required",
    # others
    "Still missing": "not_due",
    "Not required": "not_required",
    "Completed - partial": "completed_partial",
    "Covered by another RHI": "covered_by_other",
    "Unknown": "unknown",
    "Offered - awaiting": "offered_pending",
    "DNA": "accepted_not_held",
}


def test_every_wording_of_an_interview_has_its_rung(tmp_path: Path) -> None:
    rows = [[f"M{i}", f"C{i}", "13/01/2026 10:00", word] for i, word in enumerate(LADDER)]
    rows.append(["M99", "C99", "13/01/2026 10:00", ""])
    path = write_csv(tmp_path / "rhi.csv", rows, ["Ref", "Child ID", "Date missing", "RHI status"])
    records = mp.read_records(path)
    assert dict(zip(LADDER, records.interviews["status"], strict=True)) == LADDER  # and none for the blank
    assert set(LADDER.values()) == set(schema.STATUSES)
    tracker = profiles.read_profile("rhi_tracker").tables[0]
    assert set(tracker.values["status"]) == set(schema.STATUSES)


def test_every_field_of_a_return_interview_form_is_recognised(tmp_path: Path) -> None:
    """The union of what about twenty forms ask; what is not read is known all the same."""
    header = [
        "Child ID", "DOB", "Gender", "Ethnicity", "Home postcode", "Disability", "UASC", "Social care status",
        "Legal status", "Placement type", "Placement URN", "In/out of borough", "Placing authority", "Missing from",
        "Episode ID", "Police ref", "Episode type", "Date last seen", "Time last seen", "Reported to police at",
        "Date found", "Time found", "Police risk level", "3 in 30 days", "Safe and well check", "RHI required",
        "RHI offered", "RHI status", "Reason declined", "RHI attempts", "Interview date", "Interview time",
        "Within 72 hours", "Interviewer role", "Independent", "RHI mode", "Reasons for going missing", "Push factors",
        "Pull factors", "Main trigger", "Child's account", "Did they think they were missing", "Where did they go",
        "Who with", "How travelled", "Found by", "Slept rough", "Harm", "CSE", "CCE", "Gangs", "Trafficking",
        "Alcohol/drugs", "Mental health", "Self-harm", "Offending", "Education status", "Wishes and feelings",
        "Carer view", "Actions", "Strategy meeting", "Consent to share", "Shared with police", "Signed off",
    ]  # fmt: skip
    tracker = profiles.read_profile("rhi_tracker").tables[0]
    unknown = [h for h in header if tracker.find(profiles.head(h)) is None]
    assert unknown == []
    cells = {"Child ID": "C1", "Date last seen": "13/01/2026", "Time last seen": "21:05", "Date found": "14/01/2026",
             "Time found": "0300", "Interview date": "15/01/2026", "Interview time": "4pm"}  # fmt: skip
    records = mp.read_records(write_csv(tmp_path / "rhi.csv", [[cells.get(h, "") for h in header]], header))
    stamps = (
        records.incidents[["missing_from", "returned_at"]].iloc[0].tolist() + records.interviews["held_at"].tolist()
    )
    assert [t.strftime("%d %H:%M") for t in stamps] == ["13 21:05", "14 03:00", "15 16:00"]
    assert records.incidents["precision"].tolist() == ["minute"]


def test_several_columns_that_are_left_unread_are_no_doubt(tmp_path: Path) -> None:
    rows = [["C1", "13/01/2026 10:00", "x", "y"], ["C2", "13/01/2026 11:00", "x", "y"]]
    path = write_csv(tmp_path / "rhi.csv", rows, ["Child ID", "Date missing", "Surname", "Forename"])
    assert "MP-TWO-HEADERS" not in rules(mp.read_records(path))


@pytest.mark.parametrize(
    "header",
    [
        ["FACT_MISSING_PERSON_ID", "DIM_PERSON_ID", "START_DTTM", "END_DTTM", "MISSING_STATUS",
         "RETURN_INTERVIEW_OFFERED", "RETURN_INTERVIEW_ACCEPTED"],
        ["Form ID", "Eclipse ID", "DATECHILDLASTSEEN_2", "FOUNDREPORTDATE_1", "ABSENCETYPE2",
         "HASARETURNHOMEINTERVIEWBEENOFFERED_1", "HASTHERETURNHOMEINTERVIEWBEENACCEPTED_1"],
        ["Episode ID", "Mosaic ID", "Start date", "End date", "Child Absent or Missing (Document)",
         "Child Offered Return Interview", "Child Accepted Return Interview"],
        ["miss_table_id", "miss_person_id", "miss_missing_episode_start_date", "miss_missing_episode_end_date",
         "miss_missing_episode_type", "miss_missing_rhi_offered", "miss_missing_rhi_accepted"],
        ["miss_table_id", "miss_la_person_id", "miss_mis_epi_start", "miss_mis_epi_end", "miss_mis_epi_type",
         "miss_mis_epi_rhi_offered", "miss_mis_epi_rhi_accepted"],
    ],
    ids=["lcs", "eclipse", "mosaic", "ssd", "older ssd"],
)  # fmt: skip
def test_two_flags_of_a_case_system_give_the_rung(tmp_path: Path, header: list[str]) -> None:
    flags = {
        ("Yes", "Yes"): "completed",
        ("Y", "N"): "declined",
        ("Yes", ""): "offered_pending",
        ("No", ""): "not_offered_other",
        ("No", "NA"): "not_offered_other",
        ("NA", "NA"): "not_required",
        ("", "Yes"): "completed",
        ("N", "Y"): "unknown",
    }
    rows = [[f"M{i}", f"C{i}", "13/01/2026 10:00", "13/01/2026 12:00", "Missing", *f] for i, f in enumerate(flags)]
    rows.append(["M9", "C9", "13/01/2026 10:00", "13/01/2026 12:00", "Absent", "", ""])
    records = mp.read_records(write_csv(tmp_path / "cases.csv", rows, header))
    assert dict(zip(flags, records.interviews["status"], strict=True)) == flags
    assert records.incidents["category"].tolist() == ["missing"] * 8 + ["away"]


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
        ('name = "t"', 'name = "t"\ncanonical = "yes"', "table 't': canonical must be true or false"),
        ('name = "t"', 'name = "t"\nsheet = 5', "table 't': sheet must be text"),
        ('name = "t"', 'name = "t"\nids = "polise"', "ids must be police. Did you mean 'police'"),
        ('name = "t"', 'name = "t"\nlike = "s"', "like must name a table that stands above it"),
        ('name = "t"', 'name = "t"\nshared = ["sx"]', "shared: 'sx' has no shared wordings. Did you mean 'sex'"),
        ('name = "t"', 'name = "t"\nexpected = ["returned"]', "expected: 'returned' has no headers"),
        (LAST, f'{LAST}\n[table.patterns]\nretuned_at = ["back"]', "'retuned_at' is not a field. Did you mean"),
        (LAST, f'{LAST}\n[table.patterns]\nreturned_at = ["(back"]', "pattern 1 of 'returned_at' is not a regular"),
        (LAST, f'{LAST}\n[table.patterns]\nreturned_at = "back"', "the patterns of 'returned_at' must be a list"),
        (LAST, f'{LAST}\n[table.copies]\ncategry = "child_id"', "copies: 'categry' is not a field. Did you mean"),
        (LAST, f'{LAST}\n[table.copies]\ncategory = "childid"', "copies: 'childid' has no headers under columns"),
        (LAST, f'{LAST}\n[[table.years]]\nfrom = 2026\nto = 2025', "years 1: from and to must be years"),
        (LAST, f'{LAST}\n[[table.years]]\nfrom = true', "years 1: from and to must be years"),
        (LAST, f'{LAST}\n[[table.years]]\nfrm = 2026', "years 1: 'frm' is not known. Did you mean 'from'"),
        (LAST, f'{LAST}\n[[table.years]]\nvalues = 5', "years 1, values: must be fields"),
        (LAST, f'{LAST}\n[[table.years]]\n[table.years.values.category]\nlost = ["M"]', "'lost' is not a code of"),
        (LAST, f"{LAST}\nyears = [5]", "'years' is not a field"),
        ('name = "t"', 'name = "t"\nyears = [5]', r"years 1: must be a \[\[table.years\]\]"),
        (LAST, f'{LAST}\n[table.values.category]\nmissing = ["M"]\naway = ["m."]', "of 'category' under two codes: m"),
        (INCIDENTS, f'{BOTH}\nvalues = {{coded_triggers = {{people = ["x"]}}}}', "'people' is not a code of"),
        (INCIDENTS, f'{BOTH}\nvalues = {{coded_triggers = {{home_abuse = ["people_family"]}}}}', "name of another"),
        ("[table.columns]\n", "[table.defaults]\n", r"there must be a \[table.columns\]"),
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


def test_profiles_ship_with_the_package() -> None:
    folder = resources.files("missing_patterns") / "profiles"
    files = ["_wordings.toml", *(f"{name}.toml" for name in profiles.built_in())]
    assert sorted(p.name for p in folder.iterdir()) == files
    assert profiles.built_in() == ("annex_a", "police", "rhi_tracker", "ssd", "ssda903")


class TestCells:
    """Codes and words in one cell."""

    PLACEMENTS: ClassVar[dict[str, str | None]] = {
        "K2": "childrens_home",
        "k3": "supported_accommodation",
        "p) K2: Children's Homes": "childrens_home",
        "(p) K2": "childrens_home",
        "H3 - Children's homes inside LA boundary": "childrens_home",
        "H5 - Hostel": "supported_accommodation",
        "H5": "supported_accommodation",
        "U4 - long term, other carer": "foster",
        "Placed with own parents": "parents",
        "H5 - something of 2003": None,  # what H5 meant has changed, so unknown words decide
        "Ann Other": None,
        "n/a": None,
    }
    ETHNICITIES: ClassVar[dict[str, str | None]] = {
        "WBRI": "WBRI",
        "a) WBRI": "WBRI",
        "A.A1 White - British": "WBRI",
        "(A.A1)White - British": "WBRI",
        "WBRI - White British": "WBRI",
        "WHB - WBRI - British": "WBRI",
        "White British (A1)": "WBRI",
        "White British [WBRI]": "WBRI",
        "B - Caribbean": "BCRB",
        "Black or Black British - African": "BAFR",
        "A.A26 White > Any other White background": "WOTH",
        "moth": "MOTH",
        "BOTH": "BOTH",
        "both parents Irish": None,
        "A1": None,
        "?": None,
        "": None,
    }

    @pytest.mark.parametrize(("field", "table"), [("placement_type", PLACEMENTS), ("ethnicity", ETHNICITIES)])
    def test_words_and_codes_are_told_apart(self, field: str, table: dict[str, str | None]) -> None:
        codes = profiles.shared_values()[field]
        known = {w: code for code, words in codes.items() for w in (code, *words)}
        parse = phrase_parser(known, frozenset({"n/a", "?"}))
        assert {cell: parse(cell)[0] for cell in table} == table
        told = {cell for cell in table if parse(cell)[1]}
        assert told == {c for c, code in table.items() if code is None} - {"n/a", "?", ""}

    def test_shared_wordings_hold_only_codes_of_the_schema(self) -> None:
        columns = [c for t in (schema.INCIDENTS, schema.CHILDREN) for c in t.columns]
        allowed = {c.name: c.allowed for c in columns if c.allowed} | {"in_area": ("yes", "no")}
        for field, codes in profiles.shared_values().items():
            assert set(codes) <= set(allowed.get(field, codes))

    def test_a_profile_teaches_trigger_wordings(self, tmp_path: Path) -> None:
        own = OWN.replace('["incidents"]', '["incidents", "interviews"]')
        own += 'coded_triggers = ["Why"]\n[table.values.coded_triggers]\npeople_family = ["Back to gran", "Bullying"]\n'
        (tmp_path / "own.toml").write_text(own, encoding="utf-8")
        rows = [["C1", "13/01/2026 10:00", "back to Gran"], ["C2", "14/01/2026 10:00", "Bullying; Curfew"]]
        path = write_csv(tmp_path / "a.csv", rows, ["Kid", "When", "Why"])
        told = mp.read_records(path, profile=tmp_path / "own.toml").interviews["coded_triggers"].tolist()
        assert told == [("people_family",), ("people_family", "rules_boundaries")]
        assert read_codebook().find("Bullying") == "school_bullying"

    def test_push_and_pull_factors_are_triggers_of_one_interview(self, tmp_path: Path) -> None:
        header = ["Child ID", "Date missing", "RHI status", "Push factors", "Pull factors"]
        rows = [
            ["C1", "13/01/2026", "Completed", "Bullying", "Family contact; Bullying"],
            ["C2", "13/01/2026", "Completed", "None", ""],
            ["C3", "13/01/2026", "Completed", "", "Family contact"],
            ["C4", "13/01/2026", "Completed", "", ""],
        ]
        told = mp.read_records(write_csv(tmp_path / "a.csv", rows, header)).interviews["coded_triggers"].tolist()
        assert told == [("school_bullying", "people_family"), (), ("people_family",), None]


class TestYears:
    """Codes of the SSDA903 return by collection year."""

    @pytest.mark.parametrize(
        ("file", "folder", "year"),
        [
            ("Missing 2025-26.csv", "", 2026),
            ("missing_2025_26.csv", "", 2026),
            ("SSDA903_202526_Missing.csv", "", 2026),
            ("2025-2026.csv", "", 2026),
            ("903_2526.csv", "", 2026),
            ("Missing.csv", "SSDA903 2024-25", 2025),
            ("Missing.csv", "2425 ssda903", 2025),
            ("Missing 2025-26.csv", "2024-25", 2026),
            ("Missing 2526.csv", "", None),  # nothing says that this is a year
            ("Missing 2025-27.csv", "", None),
            ("Missing 2025-26-01.csv", "", None),  # a date
            ("Missing 2024-25 and 2025-26.csv", "2025-26", None),
            ("Missing.csv", "", None),
        ],
    )  # fmt: skip
    def test_the_name_tells_the_year(self, file: str, folder: str, year: int | None) -> None:
        assert collection_year(file, folder) == year

    def test_the_settings_come_before_the_name(self, tmp_path: Path) -> None:
        (tmp_path / "s.toml").write_text("[ingest]\ncollection_year = 2024\n", encoding="utf-8")
        assert collection_year("2025-26.csv", "", read_settings(tmp_path / "s.toml")) == 2024
        assert collection_year("2025-26.csv", "", read_settings()) == 2026

    CODES: ClassVar[dict[str, tuple[int, int]]] = {
        # code: first and last collection year that have it
        "K2": (1992, 2098),
        "H5": (1992, 2025),
        "P2": (1992, 2025),
        "K3": (2025, 2098),
        "k3": (2025, 2098),
        "Z1": (1992, 2025),
        "Z11": (2026, 2098),
        "Z14": (2026, 2098),
    }

    @pytest.mark.parametrize("year", [2024, 2025, 2026])
    def test_a_code_of_another_year_is_mapped_and_told(self, tmp_path: Path, year: int) -> None:
        rows = [[f"C{i}", "13/01/2023", "", code] for i, code in enumerate([*self.CODES, "Q9"])]
        path = write_csv(tmp_path / f"Episodes {year - 1}-{year % 100}.csv", rows, ["CHILD", "DECOM", "DEC", "PLACE"])
        records = mp.read_records(path)
        assert records.placements["placement_type"].isna().tolist() == [False] * len(self.CODES) + [True]
        told = records.problems.groupby("rule")["line"].agg(list).to_dict()
        other = [i for i, (first, last) in enumerate(self.CODES.values(), 2) if not first <= year <= last]
        assert told["MP-CODE-OF-OTHER-YEAR"] == other
        assert told["MP-UNMAPPED-CODE"] == [len(self.CODES) + 2]
        assert "MP-DFE-NOT-CHECKED" not in told

    @pytest.mark.parametrize(("year", "old", "new"), [(2024, [], [3]), (2025, [2], [])])
    def test_sex_changed_its_codes(self, tmp_path: Path, year: int, old: list[int], new: list[int]) -> None:
        rows = [["C1", "2", "14/03/2011", "WBRI"], ["C2", "F", "14/03/2011", "WBRI"]]
        folder = tmp_path / f"903 {year - 1}-{year % 100}"
        folder.mkdir()
        records = mp.read_records(write_csv(folder / "Header.csv", rows, ["CHILD", "SEX", "DOB", "ETHNIC"]))
        assert records.children["sex"].tolist() == ["female", "female"]
        told = records.problems.loc[records.problems["rule"] == "MP-CODE-OF-OTHER-YEAR", "line"].tolist()
        assert told == old + new

    def test_without_a_year_all_are_taken_and_that_is_told_once_where_it_matters(self, tmp_path: Path) -> None:
        def told(place: str) -> list[str]:
            rows = [["C1", "13/01/2023", "", place], ["C1", "14/01/2023", "", "K2"]]
            records = mp.read_records(write_csv(tmp_path / "E.csv", rows, ["CHILD", "DECOM", "DEC", "PLACE"]))
            assert records.placements["placement_type"].notna().all()
            return records.problems.loc[records.problems["rule"] == "MP-DFE-NOT-CHECKED", "column"].tolist()

        assert told("Z1") == ["PLACE"]
        assert told("U4") == []

    def test_a_wording_that_two_years_read_otherwise_goes_by_the_year_of_the_file(self) -> None:
        old = YearCodes(1992, 2024, {"sex": {"male": ("1",)}})
        new = YearCodes(2025, 2098, {"sex": {"female": ("1",)}})
        table = profiles.TableProfile("p", "t", ("children",), ("child_id",), years=(old, new))
        assert [table.of_year(y).codes("sex")["1"] for y in (2024, 2025)] == ["male", "female"]
        assert [table.of_year(y).of_other_years("sex") for y in (2024, 2025, None)] == [frozenset()] * 3


class TestAnnexA:
    """Ofsted's list 8: one row per child, with counts and the last interview."""

    OFFICIAL = (
        "Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)",
        "Unaccompanied Asylum Seeking Child (UASC) within the Last 12 Months (Y/N)", "Does the Child have a Disability",
        "Date Started to be Looked After", "Child's Category of Need",
        "Is this a second or subsequent period of being a Looked After Child within the last 12 months (Y/N)",
        "Start date of current legal status", "Child's Legal Status", "Date of Latest Statutory Review",
        "Date of Last Social Work Visit", "What is the permanence plan for this child?",
        "Date of Last IRO Visit / Contact to the Child", "Date of Last Health Assessment", "Date of Last Dental Check",
        "Number of Placements in the Last 12 months", "Date Ceased to be Looked After",
        "Reason Ceased to be Looked After", "Start Date of Most Recent Placement", "Placement Type",
        "Placement Provider", "Placement postcode", "URN of Placement", "Placement Location", "LA of Placement",
        "Number of Episodes the Child has been 'Missing' from their Placement in the last 12 months",
        "Number of Episodes the Child has been 'Absent' from their Placement in the last 12 months",
        "Was the child offered a Return Interview after their last missing episode (Y/N)?",
        "Did the child accept a Return Interview after their last missing episode (Y/N)?", "Allocated Team",
        "Allocated Worker",
    )  # fmt: skip
    FIELDS = ("n_missing_12m", "n_away_12m", "rhi_offered_last", "rhi_accepted_last")

    def row(self, child: str, **cells: object) -> list[object]:
        given = {"Child Unique ID": child, "Date of Birth": "14/03/2011", "Start Date of Most": "13/01/2025"} | cells
        return [next((v for k, v in given.items() if h.startswith(k)), "") for h in self.OFFICIAL]

    def write(self, path: Path, rows: list[list[object]]) -> Path:
        return write_csv(path, rows, list(self.OFFICIAL))

    def test_every_official_header_is_known(self, tmp_path: Path) -> None:
        table = profiles.read_profile("annex_a").tables[0]
        match = match_tables([list(self.OFFICIAL)], [table])[0]
        assert match.unused == []
        assert match.doubled == []
        assert len(match.fields) == len(self.OFFICIAL)

    @pytest.mark.parametrize(
        ("header", "field"),
        [
            ("Number of Episodes the Child has been Missing from their Placement (last 12 months)", "n_missing_12m"),
            ("Number of missing episodes in last 12 months", "n_missing_12m"),
            ("No. missing", "n_missing_12m"),
            ("Number of Episodes Absent", "n_away_12m"),
            ("Was the child offered a return home interview?", "rhi_offered_last"),
            ("RHI offered (Y/N)", "rhi_offered_last"),
            ("Did the child accept RHI", "rhi_accepted_last"),
            ("Child ID number", "child_id"),
            ("D.O.B / Date of birth", "birth_month"),
            ("Gender (M/F)", "sex"),
            ("Child's ethnicity", "ethnicity"),
            ("Start date of latest placement", "started_on"),
            ("Placement type code", "placement_type"),
        ],
    )  # fmt: skip
    def test_headers_that_drifted_are_found_by_pattern(self, header: str, field: str) -> None:
        table = profiles.read_profile("annex_a").tables[0]
        assert table.find(profiles.head(header))[0] == field

    ANSWERS: ClassVar[dict[tuple[str, str], tuple[str, str | None]]] = {
        # offered, accepted: as the library says
        ("a) Yes", "a) Yes"): ("yes", "yes"),
        ("a)Yes", "b)No"): ("yes", "no"),
        ("Y", "N"): ("yes", "no"),
        ("1", "0"): ("yes", "no"),
        ("b) No", ""): ("no", None),
        ("c) Unknown", "c) Unknown"): ("unknown", "unknown"),
        ("Offered and Accepted (CYP not present/refused on arrival)",) * 2: ("yes", "yes"),
        ("Offered and Declined (by YP)",) * 2: ("yes", "no"),  # London's map makes it accepted
        ("Not Offered (Missing Again)",) * 2: ("no", "not_applicable"),
        ("Not Offered (Unable to make contact)",) * 2: ("no", "not_applicable"),
        ("Not Offered (Other)",) * 2: ("no", "not_applicable"),
    }

    def test_answers_and_counts_stand_beside_the_child(self, tmp_path: Path) -> None:
        header = "Number of Episodes the Child has been '"
        rows = [
            self.row(
                f"C{i:02}",
                **{
                    "Was the child": offered,
                    "Did the child": accepted,
                    f"{header}M": i,
                    f"{header}A": "0",
                    "URN": "SC1",
                },
            )
            for i, (offered, accepted) in enumerate(self.ANSWERS)
        ]
        path = self.write(tmp_path / "Annex A list 8.csv", rows)
        records = mp.read_records(path)
        check_law(records, path)
        assert rules(records, notes=False) == set()
        assert len(records.incidents) == len(records.interviews) == 0
        told = records.children.set_index("child_id")
        assert told["n_missing_12m"].tolist() == list(range(len(rows)))
        assert told["n_away_12m"].tolist() == [0] * len(rows)
        pairs = zip(told["rhi_offered_last"].tolist(), told["rhi_accepted_last"].tolist(), strict=True)
        got = [tuple(v if isinstance(v, str) else None for v in pair) for pair in pairs]
        assert dict(zip(self.ANSWERS, got, strict=True)) == self.ANSWERS
        assert records.placements["started_on"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2025-01-13"]
        assert records.accounting["table"].tolist() == ["children"]

    def test_real_world_cells(self, tmp_path: Path) -> None:
        names = ("Gender", "Ethnicity", "Placement Type", "Placement Location", "Unaccompanied", "Does the")
        table = [
            ("a) Male", "A.A1 White - British", "p) K2: Children's Homes", "Inside LA Boundary", "b) No", ""),
            ("b)Female", "B - Caribbean", "H3 - Children's homes inside LA boundary", "Out", "a) Yes", ""),
            ("c) Not stated", "a) WBRI", "K2", "Yes", "", "a) Yes"),
            ("d) Neither", "", "U4", "No", "", ""),
        ]
        rows = [self.row(f"C{i}", **dict(zip(names, cells, strict=True))) for i, cells in enumerate(table)]
        records = mp.read_records(self.write(tmp_path / "a.csv", rows))
        assert records.children["sex"].tolist() == ["male", "female", "not_stated", "other"]
        assert records.children["ethnicity"].fillna("-").tolist() == ["WBRI", "BCRB", "WBRI", "-"]
        assert records.children["uasc"].fillna(False).tolist() == [False, True, False, False]
        assert records.children["disability"].fillna(False).tolist() == [False, False, True, False]
        assert records.placements["placement_type"].tolist() == ["childrens_home"] * 3 + ["foster"]
        assert records.placements["in_area"].tolist() == [True, False, True, False]
        assert "MP-UNMAPPED-CODE" not in rules(records)

    def test_a_child_without_a_placement_is_kept_and_a_placement_without_a_day_is_told(self, tmp_path: Path) -> None:
        blank = {"Start Date of Most": ""}
        rows = [self.row("C1"), self.row("C2", **blank), self.row("C3", **blank, **{"Placement Type": "K2"})]
        path = self.write(tmp_path / "a.csv", rows)
        records = mp.read_records(path)
        check_law(records, path)
        assert records.children["child_id"].tolist() == ["C1", "C2", "C3"]
        assert records.placements["child_id"].tolist() == ["C1"]
        told = records.problems.set_index("rule")["line"]
        assert told["MP-PLACEMENT-UNDATED"] == 4

    def test_the_list_is_found_among_the_others_of_the_workbook(self, tmp_path: Path) -> None:
        lists = {
            "List 1": [["Child Unique ID", "Date of Contact"], ["C1", "13/01/2025"], ["C2", "14/01/2025"]],
            "List 8": [list(self.OFFICIAL), self.row("C1"), self.row("C2")],
        }
        records = mp.read_records(write_xlsx(tmp_path / "Annex A.xlsx", lists))
        assert records.accounting.set_index("sheet")["n_accepted"].to_dict()["List 8"] == 2
        assert records.children["child_id"].tolist() == ["C1", "C2"]

    def test_other_sources_keep_what_annex_a_says(self, tmp_path: Path) -> None:
        write_csv(tmp_path / "b.csv", [["C2", "13/01/2026 10:00"]], ["Child ID", "Date missing"])
        self.write(tmp_path / "a.csv", [self.row("C1", **{"Number of Episodes the Child has been 'M": 3})])
        children = mp.read_records([tmp_path / "a.csv", tmp_path / "b.csv"]).children.set_index("child_id")
        assert children["n_missing_12m"].fillna(-1).to_dict() == {"C1": 3, "C2": -1}
        alone = mp.read_records(tmp_path / "b.csv").children
        assert list(alone.columns) == schema.CHILDREN.names


class TestPolice:
    """An export of a police system: one row per report."""

    HEADER = ("Police reference", "Nominal ID", "DOB", "Sex", "Date/time reported", "Last seen", "Found", "Risk grade",
              "Missing from", "Found by")  # fmt: skip

    def row(self, i: int, grade: str = "Medium", child: str = "") -> list[object]:
        day = 13 + i % 15
        return [f"P{i}", child or f"{i}", "14/03/2011", "F", f"{day}/01/2026 22:00", f"{day}/01/2026 21:00",
                f"{day + 1}/01/2026 02:00", grade, "Children's home", "Returned of own accord"]  # fmt: skip

    GRADES: ClassVar[dict[str, str]] = {
        "NAR": "no_apparent_risk",
        "absent": "no_apparent_risk",
        "Missing - no apparent risk": "no_apparent_risk",
        "Missing no apparent risk": "no_apparent_risk",
        "very low": "no_apparent_risk",
        "L": "low",
        "Low": "low",
        "std": "medium",
        "Standard": "medium",
        "M": "medium",
        "H": "high",
        "HIGH": "high",
        "critical": "high",
    }

    def test_every_grade_has_its_level_and_the_category_follows(self, tmp_path: Path) -> None:
        rows = [self.row(i, grade, f"N{i:02}") for i, grade in enumerate(self.GRADES)]
        path = write_csv(tmp_path / "police.csv", rows, list(self.HEADER))
        records = mp.read_records(path)
        check_law(records, path)
        assert rules(records, notes=False) == set()
        incidents = records.incidents
        assert dict(zip(self.GRADES, incidents["risk_level"], strict=True)) == self.GRADES
        is_nar = incidents["risk_level"] == "no_apparent_risk"
        assert incidents["category"].tolist() == ["no_apparent_risk" if n else "missing" for n in is_nar]
        assert incidents["police_ref"].tolist() == incidents["incident_id"].tolist()
        assert set(incidents["missing_from_setting"]) == {"care"}
        assert set(incidents["returned_by"]) == {"self"}
        assert incidents["source"].unique().tolist() == ["police"]

    def test_a_police_number_never_meets_a_councils(self, tmp_path: Path) -> None:
        write_csv(
            tmp_path / "police.csv", [self.row(0, child="12345"), self.row(1, child="POLICE:7")], list(self.HEADER)
        )
        write_csv(tmp_path / "rhi.csv", [["12345", "15/05/2026 10:00"]], ["Child ID", "Date missing"])
        children = mp.read_records([tmp_path / "police.csv", tmp_path / "rhi.csv"]).children["child_id"].tolist()
        assert children == ["police:12345", "police:POLICE:7", "12345"]

    def test_the_councils_own_number_comes_first_and_needs_no_scheme(self, tmp_path: Path) -> None:
        rows = [
            [*self.row(0), "c1"],
            [*self.row(1), ""],
            [*self.row(2, child=" "), ""],
            [*self.row(3), "1E5"],
            [*self.row(4, child="1E5"), ""],
        ]
        path = write_csv(tmp_path / "police.csv", rows, [*self.HEADER, "Council ID"])
        records = mp.read_records(path)
        check_law(records, path)
        assert records.incidents["child_id"].tolist() == ["C1", "police:1"]
        aside = records.quarantine[["line", "rule"]].to_numpy().tolist()
        assert aside == [[4, "MP-ID-BLANK"], [5, "MP-ID-SCIENTIFIC"], [6, "MP-ID-SCIENTIFIC"]]

    def test_with_the_councils_number_alone_there_is_no_scheme(self, tmp_path: Path) -> None:
        header = [*self.HEADER]
        header[1] = "Council ID"
        records = mp.read_records(write_csv(tmp_path / "police.csv", [self.row(0, child="C9")], header))
        assert records.incidents["child_id"].tolist() == ["C9"]
        assert records.incidents["source"].tolist() == ["police"]


class TestSsd:
    """Tables of the Standard Safeguarding Dataset."""

    EPISODES = ("clae_cla_episode_id", "clae_person_id", "clae_cla_episode_start_date", "clae_cla_episode_ceased",
                "clae_cla_id")  # fmt: skip
    OLD = ("clap_cla_placement_id", "clap_cla_id", "clap_cla_placement_start_date", "clap_cla_placement_type")

    def test_placements_of_an_earlier_version_find_their_child_by_the_spell_of_care(self, tmp_path: Path) -> None:
        write_csv(
            tmp_path / "ssd_cla_episodes.csv",
            [
                ["E1", "c1", "2024-01-05", "", "S1"],
                ["E2", "c1", "2024-02-05", "", "S1"],
                ["E3", "c2", "2024-01-05", "", "S2"],
                ["E4", "c3", "2024-01-05", "", "S2"],  # a spell under two children names neither
            ],
            list(self.EPISODES),
        )
        write_csv(
            tmp_path / "ssd_cla_placement.csv",
            [["P1", "s1", "2024-01-05", "U4"], ["P2", "S2", "2024-01-05", "K2"], ["P3", "S9", "2024-01-05", "K2"]],
            list(self.OLD),
        )
        records = mp.read_records(tmp_path)
        check_law(records, tmp_path / "ssd_cla_placement.csv", tmp_path / "ssd_cla_episodes.csv")
        assert records.placements[["child_id", "placement_type"]].to_numpy().tolist() == [["C1", "foster"]]
        assert list(records.placements.columns) == schema.PLACEMENTS.names
        assert records.children["child_id"].tolist() == ["C1", "C2", "C3"]
        assert list(records.children.columns) == schema.CHILDREN.names
        assert records.quarantine[["file", "line", "rule"]].to_numpy().tolist() == [
            ["ssd_cla_placement.csv", 3, "MP-ID-BLANK"],
            ["ssd_cla_placement.csv", 4, "MP-ID-BLANK"],
        ]

    def test_alone_they_are_set_aside(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "a.csv", [["P1", "S1", "2024-01-05", "U4"]], list(self.OLD))
        records = mp.read_records(path)
        check_law(records, path)
        assert len(records.placements) == 0
        assert records.quarantine["rule"].tolist() == ["MP-ID-BLANK"]

    def test_of_today_they_name_their_child(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "a.csv", [["P1", "S1", "2024-01-05", "U4", "c5"]], [*self.OLD, "clap_person_id"])
        records = mp.read_records(path)
        assert records.placements["child_id"].tolist() == ["C5"]
        assert len(records.quarantine) == 0
