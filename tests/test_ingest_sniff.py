"""What sniff makes of a file: which source it is, which column is what, which wordings nobody knows, and a profile."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from ingest_example import HEADER, good_rows, write_csv, write_xlsx

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused
from missing_patterns.ingest.profiles.fields import TableProfile, fields_of
from missing_patterns.ingest.profiles.profile import built_in, read_profile
from missing_patterns.ingest.sniffing.evidence import judge, shape_of
from missing_patterns.ingest.sniffing.sniff import meaning_of


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


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("903 2025-26")
    mp.make_borough(n_children=25, months=12, seed=5).write(folder, also=("police", "annex_a"))
    return folder


SOURCES = {
    "Missing.csv": ("ssda903", "missing"),
    "Header.csv": ("ssda903", "header"),
    "Episodes.csv": ("ssda903", "episodes"),
    "ssd_missing.csv": ("ssd", "ssd_missing"),
    "return_interviews.xlsx": ("rhi_tracker", "tracker"),
    "police_reports.csv": ("police", "reports"),
    "annex_a.xlsx": ("annex_a", "list_8"),
}


class TestEachSource:
    """Each kind of file is told from the others, and its own profile reads it back."""

    def test_all_are_looked_at(self, extracts: Path) -> None:
        assert sorted(p.name for p in extracts.iterdir()) == sorted(SOURCES)
        assert {profile for profile, _ in SOURCES.values()} == set(built_in())

    @pytest.mark.parametrize("file", SOURCES)
    def test_it_is_told_and_read_back(self, extracts: Path, tmp_path: Path, file: str) -> None:
        guess = mp.sniff(extracts / file)
        known = [s for s in guess.sheets if s.fits]
        assert [(s.profile, s.table) for s in known] == [SOURCES[file]]
        assert all(c.confidence == 1.0 or "pattern" in c.why for c in known[0].columns)
        assert known[0].unmapped == ()
        assert f"python -m missing_patterns check {file}" in guess.explain()
        (tmp_path / "own.toml").write_text(guess.to_toml(), encoding="utf-8")
        expected, got = mp.read_records(extracts / file), mp.read_records(extracts / file, tmp_path / "own.toml")
        for name in ("incidents", "interviews", "children", "placements"):
            was, now = getattr(expected, name), getattr(got, name)
            assert now.drop(columns="source", errors="ignore").equals(was.drop(columns="source", errors="ignore"))
        told = [r.problems[~r.problems["rule"].str.contains("DFE")] for r in (expected, got)]  # about SSDA903 alone
        assert told[1]["rule"].tolist() == told[0]["rule"].tolist()
        assert told[1]["column"].tolist() == told[0]["column"].tolist()

    def test_codes_of_a_year_stay_codes_of_that_year(self, extracts: Path, tmp_path: Path) -> None:
        text = (extracts / "Episodes.csv").read_text(encoding="utf-8")
        folder = tmp_path / "903 2025-26"
        folder.mkdir()
        path = folder / "Episodes.csv"
        path.write_text(text + "C9,13/01/2025,S,C2,N1,H5,PR1,,,,,,\n", encoding="utf-8")
        (tmp_path / "own.toml").write_text(mp.sniff(path).to_toml(), encoding="utf-8")
        told = mp.read_records(path, tmp_path / "own.toml").problems
        assert "MP-CODE-OF-OTHER-YEAR" in set(told["rule"])

    @pytest.mark.parametrize("own_id", [True, False])
    def test_police_ids_keep_their_scheme(self, tmp_path: Path, own_id: bool) -> None:
        header = ["Police ref", "Nominal ID", "Last seen", "Risk", *(["Council ID"] if own_id else [])]
        path = write_csv(tmp_path / "p.csv", [["P1", "7", "13/01/2026 10:00", "L", *([""] if own_id else [])]], header)
        (tmp_path / "own.toml").write_text(mp.sniff(path).to_toml(), encoding="utf-8")
        incidents = mp.read_records(path, tmp_path / "own.toml").incidents
        assert incidents[["child_id", "police_ref", "category"]].to_numpy().tolist() == [["police:7", "P1", "missing"]]

    def test_with_the_councils_ids_alone_no_scheme_is_written(self, tmp_path: Path) -> None:
        header = ["Police ref", "Council ID", "Last seen", "Risk"]
        path = write_csv(tmp_path / "p.csv", [["P1", "7", "13/01/2026 10:00", "L"]], header)
        (tmp_path / "own.toml").write_text(mp.sniff(path).to_toml(), encoding="utf-8")
        assert mp.read_records(path, tmp_path / "own.toml").incidents["child_id"].tolist() == ["7"]


MESSY = ["Our No", "YP ref (Mosaic)", "When last seen", "Back", "How did it end", "RHI yes or no and outcome",
         "Why - tick all", "Worker", "What they told us", "Who"]  # fmt: skip


def messy_rows(n: int = 40) -> list[list[object]]:
    """A council's own tracker: its own words, a story in a column of choices, names in a column of roles."""
    why = ["Bullying; Grumpy mood", "Family contact", "Curfew, Grumpy mood", "Met Zed behind the shop"]
    return [
        [i, f"Y{i % 9}", f"{13 + i % 15}/01/2026 21:00", f"{14 + i % 15}/01/2026 08:00", ["Police", "Aunty Vi"][i % 2],
         ["Completed", "Declined", "Seen by mentor", "Kept it on 3 May"][i % 4],
         why[i % 4] + (f" no {i}" if i % 4 == 3 else ""), "Ann Carer", "long words about it " * 5, "Social worker"]
        for i in range(n)
    ]  # fmt: skip


class TestMessyTracker:
    """A tracker that no profile fits, with three title rows."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return write_csv(tmp_path / "our log 2026.csv", messy_rows(), MESSY, above=("Missing children log", "", "2026"))

    def test_columns_are_told_by_header_and_by_cells(self, path: Path) -> None:
        guess = mp.sniff(path)
        assert [(s.table, s.fits, s.header_line) for s in guess.sheets] == [("tracker", False, 4)]
        told = guess.summary().set_index("column")
        assert told["field"].to_dict() == {
            "Our No": "",
            "YP ref (Mosaic)": "child_id",
            "When last seen": "missing_from",
            "Back": "returned_at",
            "How did it end": "returned_by",
            "RHI yes or no and outcome": "status",
            "Why - tick all": "coded_triggers",
            "Worker": "",
            "What they told us": "",
            "Who": "interviewer_role",
        }
        why = told["why"]
        assert why["When last seen"].startswith("like 'Date last seen'; 40 of 40 cells looked at are dates with times")
        assert why["YP ref (Mosaic)"].startswith("every row needs this and no header says it; 40 of 40 cells looked at")
        assert why["Why - tick all"] == "by its cells alone: 30 of 40 looked at are wordings of it"
        assert told.loc["YP ref (Mosaic)", "confidence"] < told.loc["Who", "confidence"] < 0.75
        assert told.loc["When last seen", "confidence"] > 0.75

    def test_wordings_that_nobody_knows_are_shown_if_they_are_options_of_the_form(self, path: Path) -> None:
        unmapped = {u.field: (u.labels, u.n_hidden) for u in mp.sniff(path).sheets[0].unmapped}
        assert unmapped == {
            "coded_triggers": ((("Grumpy mood", 20),), 10),  # the stories differ
            "status": ((("Seen by mentor", 10),), 1),  # a digit
            "returned_by": ((), 1),  # names may stand there
        }

    def test_nothing_else_of_the_rows_is_shown(self, path: Path) -> None:
        guess = mp.sniff(path)
        shown = " ".join([guess.explain(), guess.to_toml(), guess.summary().to_string(), *map(repr, guess.sheets)])
        shown += "".join(repr(u) for s in guess.sheets for u in s.unmapped)
        for secret in ("Zed", "Aunty", "Ann Carer", "3 May", "long words", "Y8", "21:00", "13/01"):
            assert secret not in shown
        assert "10 more wordings not known and not shown" in shown
        assert "1 wording not known and not shown, since names may stand here" in shown

    def test_its_profile_reads_it_back_and_can_be_taught(self, path: Path, tmp_path: Path) -> None:
        own = tmp_path / "ours.toml"
        text = mp.sniff(path).to_toml()
        own.write_text(text, encoding="utf-8")
        records = mp.read_records(path, own)
        assert len(records.incidents) == 40
        assert records.incidents["returned_at"].notna().all()
        triggers = records.interviews["coded_triggers"]
        assert [triggers[i] for i in (0, 1)] == [("school_bullying", "unmapped"), ("people_family",)]
        label = '#   "Grumpy mood"  stands in 20 rows'
        assert label in text
        taught = text.replace(label, 'wellbeing_distress = ["Grumpy mood"]')
        status = '#   "Seen by mentor"  stands in 10 rows'
        taught = taught.replace(status, "").replace('\ncompleted = ["', '\ncompleted = ["Seen by mentor", "')
        own.write_text(taught, encoding="utf-8")
        interviews = mp.read_records(path, own).interviews
        assert interviews["coded_triggers"][0] == ("school_bullying", "wellbeing_distress")
        assert interviews["status"].tolist()[:3] == ["completed", "declined", "completed"]
        assert mp.sniff(path).sheets[0].unmapped[0].field == "returned_by"

    def test_it_says_what_to_type_next(self, path: Path) -> None:
        told = mp.sniff(path).explain()
        assert 'python -m missing_patterns sniff "our log 2026.csv" --out ours.toml' in told
        assert 'python -m missing_patterns check "our log 2026.csv" --profile ours.toml' in told

    def test_what_fits_but_has_wordings_of_its_own_can_be_read_or_taught(self, tmp_path: Path) -> None:
        rows = [[f"C{i}", "13/01/2026 10:00", "Seen by mentor"] for i in range(5)]
        told = mp.sniff(write_csv(tmp_path / "a.csv", rows, ["Child ID", "Date missing", "RHI status"])).explain()
        assert "To read it as it is:  python -m missing_patterns check a.csv" in told
        assert "To teach it the wordings:  python -m missing_patterns sniff a.csv --out ours.toml" in told

    @pytest.mark.parametrize(
        ("rows", "shown"),
        [
            ([(f"C{i}", "Grumpy mood") for i in range(5)], True),
            ([(f"C{i}", "Grumpy mood") for i in range(4)], False),  # four rows
            ([(f"C{i % 2}", "Grumpy mood") for i in range(9)], False),  # two children
            ([(f"C{i}", "Grumpy mood 2") for i in range(9)], False),  # a digit
            ([(f"C{i}", "g" * 61) for i in range(9)], False),  # too long
            ([(f"C{i}", "g" * 60) for i in range(9)], True),
            ([("", "Grumpy mood") for _ in range(9)], False),  # nobody's
        ],
    )  # fmt: skip
    def test_when_a_wording_is_shown(self, tmp_path: Path, rows: list[tuple[str, str]], shown: bool) -> None:
        cells = [[child, f"{13 + i}/01/2026 10:00", word] for i, (child, word) in enumerate(rows)]
        path = write_csv(tmp_path / "a.csv", cells, ["Child ID", "Date missing", "Triggers"])
        unmapped = mp.sniff(path).sheets[0].unmapped[0]
        assert (len(unmapped.labels), unmapped.n_hidden) == ((1, 0) if shown else (0, 1))
        assert (rows[0][1] in mp.sniff(path).explain()) is shown


class TestDoubts:
    """Cells can support what a header says, or contradict it."""

    def test_a_known_header_over_other_cells_is_doubted(self, tmp_path: Path) -> None:
        rows = [[f"C{i}", "13/01/2026 10:00", "the corner shop", "14/01/2026"] for i in range(6)]
        path = write_csv(tmp_path / "a.csv", rows, ["Child ID", "Date missing", "Returned", "Police ref"])
        told = mp.sniff(path).summary().set_index("column")
        assert told.loc["Returned", "why"] == "a known header, but 6 of 6 cells looked at are words, 1 different"
        assert told.loc["Police ref", "why"].endswith("but 6 of 6 cells looked at are dates, day first")
        assert told["confidence"].to_dict() == {"Child ID": 1, "Date missing": 1, "Returned": 0.5, "Police ref": 0.5}

    def test_a_header_that_is_like_a_known_one_over_other_cells_is_not_taken(self, tmp_path: Path) -> None:
        rows = [[f"C{i}", "13/01/2026 10:00", "the corner shop"] for i in range(6)]
        path = write_csv(tmp_path / "a.csv", rows, ["Child ID", "Dates missing", "Date & time returns"])
        assert mp.sniff(path).summary()["field"].tolist() == ["child_id", "missing_from", ""]

    def test_the_start_is_offered_where_no_header_says_it_but_every_row_has_it(self, tmp_path: Path) -> None:
        rows = [[f"C{i}", f"{13 + i}/01/2026 10:00", "Completed"] for i in range(6)]
        told = mp.sniff(write_csv(tmp_path / "a.csv", rows, ["Child ID", "Zzz", "RHI status"])).summary()
        assert told["field"].tolist() == ["child_id", "missing_from", "status"]
        assert told["confidence"].tolist() == [1.0, 0.4, 1.0]
        rows[3][1] = ""
        told = mp.sniff(write_csv(tmp_path / "b.csv", rows, ["Child ID", "Zzz", "RHI status"])).summary()
        assert told["field"].tolist() == ["child_id", "", "status"]

    def test_dates_month_first_are_seen_and_declared(self, tmp_path: Path) -> None:
        rows = [[f"C{i}", f"01/{13 + i}/2026 10:00", f"01/{14 + i}/2026 10:00"] for i in range(6)]
        path = write_csv(tmp_path / "a.csv", rows, ["Child ID", "Date missing", "Gone until"])
        guess = mp.sniff(path)
        why = guess.summary().set_index("column")["why"]
        assert why["Date missing"] == "a known header; 6 of 6 cells looked at are dates with times, month first"
        assert why["Gone until"].endswith("6 of 6 are at or after the start, by 24 hours in the median")
        (tmp_path / "own.toml").write_text(guess.to_toml(), encoding="utf-8")
        incidents = mp.read_records(path, tmp_path / "own.toml").incidents
        assert incidents["returned_at"].dt.day.tolist() == [14, 15, 16, 17, 18, 19]

    @pytest.mark.parametrize("other", ["01/01/2026", "13/01/2026 10:00", "", "shop"])
    def test_the_end_is_not_guessed_of_dates_before_or_at_the_start(self, tmp_path: Path, other: str) -> None:
        rows = [[f"C{i}", "13/01/2026 10:00", other] for i in range(6)]
        told = mp.sniff(write_csv(tmp_path / "a.csv", rows, ["Child ID", "Date missing", "Zzz"])).summary()
        assert told["field"].tolist() == ["child_id", "missing_from", ""]

    def test_short_rows_hold_nothing_in_the_columns_they_lack(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("Child ID,Date missing,Triggers\n" + "C1,13/01/2026\n" * 6, encoding="utf-8")
        assert mp.sniff(path).sheets[0].unmapped == ()

    @pytest.mark.parametrize(
        ("cells", "kind"),
        [
            (["13/01/2026"] * 4, "few cells"),
            (["13/01/2026", "14/01/26", "2026-01-15", "31/31/2026", "16 Jan 2026"], "dates"),
            ([dt.date(2026, 1, 13)] * 5, "dates"),
            (["01/13/2026"] * 5 + ["02/14/2026"], "dates"),
            (["21:00", "9.30 pm", "08:15:00", dt.time(8, 5), "23:59"], "times"),
            (["Yes", "no", "Y", "N", "Yes"], "yes or no"),
            ([1, 2, "3", 4.0, "12"], "numbers"),
            (["C1", "C22", "AB/12", 123456, "9-1"], "ids"),
            (["words of more than sixty letters that go on and on without an end"] * 5, "long text"),
            (["Bullying", "Curfew", "Bullying", "", None, "Curfew", "Late"], "words"),
        ],
    )  # fmt: skip
    def test_what_cells_look_like(self, cells: list[object], kind: str) -> None:
        shape = shape_of(cells)
        assert shape.kind == kind
        assert shape.is_full is (None not in cells)

    def test_evidence_is_silent_where_any_cell_will_do(self) -> None:
        table = TableProfile("p", "t", ("incidents", "interviews", "placements"), ("child_id",))
        words = ["Lane", "Road", "Lane", "Street", "Way"]
        shape = shape_of(words)
        assert judge(table, "found_place", words, shape) == (0, "")
        assert judge(table, "legal_status", words, shape) == (0, "")
        assert judge(table, "category", words, shape) == (0, "0 of 5 cells looked at are wordings of it")
        assert judge(table, "returned_at", words, shape)[0] == -1
        assert judge(table, "in_area", ["Yes", "No", "No", "Yes", "x"], shape)[0] == 1
        assert judge(table, "found_place", ["13/01/2026"] * 5, shape_of(["13/01/2026"] * 5))[0] == -1
        assert judge(table, "missing_from", [], shape_of([])) == (0, "")


def test_every_field_has_a_meaning_in_words() -> None:
    fields = {name for p in built_in() for t in read_profile(p).tables for name in t.fields if name[:1] != "_"}
    kinds = fields_of(("incidents", "interviews", "children", "placements"))
    assert [name for name in sorted(fields | set(kinds)) if not meaning_of(name)] == []


def test_a_cover_sheet_is_passed_over(tmp_path: Path) -> None:
    sheets = {"Cover": [["Guidance"], ["Read me"]], "Log": [list(HEADER), *good_rows()]}
    guess = mp.sniff(write_xlsx(tmp_path / "a.xlsx", sheets))
    told = guess.explain()
    assert "a.xlsx [Cover]: nothing was recognised" in told
    assert "these fields at least need a column" not in told
    assert [t["sheet"] for t in tomllib.loads(guess.to_toml())["table"]] == ["Log"]


def test_a_file_of_nothing_known_says_what_it_would_need(tmp_path: Path) -> None:
    told = mp.sniff(write_csv(tmp_path / "a.csv", [[1, 2]] * 6, ["Qqq", "Xxx"])).explain()
    assert "these fields at least need a column" in told
    assert "To " not in told


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_first_row_that_is_data_is_not_taken_for_a_header_and_not_shown(tmp_path: Path, suffix: str) -> None:
    rows = [["Chidl ID 7", "Completed bye", "Zed", "13/01/2026 21:00"] for _ in range(6)]
    if suffix == "csv":
        path = write_csv(tmp_path / "a.csv", rows[1:], rows[0])
    else:
        path = write_xlsx(tmp_path / "a.xlsx", {"A": [[*row[:3], dt.date(2026, 1, 13)] for row in rows]})
    guess = mp.sniff(path)
    assert [(s.header_line, s.columns) for s in guess.sheets] == [(None, ())]
    shown = guess.explain() + guess.to_toml()
    assert "there is no row of headers" in shown
    assert not any(word in shown for word in ("Zed", "Chidl", "bye"))


@pytest.mark.parametrize("text", ["Refused by Zeb", "Away with Leah", "REFUSED BY ZEB", "Seen by Mrs Q"])
def test_a_wording_in_which_a_name_may_stand_is_only_counted(tmp_path: Path, text: str) -> None:
    rows = "".join(
        f"m{i},c{i},{i + 13}/01/2026 21:00,,{text}\nn{i},d{i},{i + 13}/01/2026 21:00,,YP unavailable\n"
        for i in range(9)
    )
    path = tmp_path / "rhi.csv"
    path.write_text(f"Missing episode ref,Child ID,Date time missing,Date time returned,RHI status\n{rows}")
    guess = mp.sniff(path)
    told = guess.explain() + guess.to_toml()
    assert "YP unavailable" in told
    assert text not in told
    assert guess.sheets[0].unmapped[0].n_hidden == 1
