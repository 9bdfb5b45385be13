"""Files that nobody can read are told, never lost: what is an error, what a note, and what the reader is told to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_example import HEADER, check_law, good_rows, write_csv, write_xlsx

import missing_patterns as mp
from missing_patterns.errors import DataRefused
from missing_patterns.ingest import NOT_READ
from missing_patterns.schema import Records

SSD = [
    "miss_table_id",
    "miss_person_id",
    "miss_missing_episode_start_date",
    "miss_missing_episode_type",
    "miss_missing_episode_end_date",
]
SSD_ROWS: list[list[object]] = [[f"T{i}", f"C{i}", f"2026-01-{13 + i}T21:00:00", "M", ""] for i in range(3)]
PROFILE = (
    'name = "ours"\n[[table]]\nname = "t"\nbecomes = ["incidents"]\nrecognise = ["child_id"]\n'
    '[table.columns]\nchild_id = ["Kid"]\nreturned_at = ["Back"]\n'
)


def told_of(records: Records, file: str) -> list[list[str]]:
    """Severity, outcome and rule of what is said about one file, less what is said about columns of dates."""
    told = records.problems[(records.problems["file"] == file) & (records.problems["rule"] != "MP-DATE-ORDER-UNPROVEN")]
    return told[["severity", "outcome", "rule"]].to_numpy().tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file that is read."""
    (tmp_path / "extracts").mkdir()
    write_csv(tmp_path / "extracts" / "rhi.csv", good_rows(3))
    return tmp_path / "extracts"


def test_a_renamed_column_cannot_lose_a_file_in_silence(folder: Path) -> None:
    renamed = ["went_missing_on" if h == "miss_missing_episode_start_date" else h for h in SSD]
    path = write_csv(folder / "ssd_missing.csv", SSD_ROWS, renamed)
    records = mp.read_records(folder)
    assert told_of(records, "ssd_missing.csv") == [["error", "refused", "MP-NO-PROFILE"]]
    told = records.accounting.set_index("file").loc["ssd_missing.csv"]
    assert told["table"] == NOT_READ
    assert [told[c] for c in ("n_rows", "n_accepted", "n_quarantined", "n_not_data")] == [4, 0, 0, 4]
    check_law(records, path, folder / "rhi.csv")
    assert records.problems.set_index("file").loc["ssd_missing.csv", "message"] == (
        "not read, none of its rows is used: it is nearly ssd_missing (profile ssd), but no column was found for "
        "missing_from; headers not known: 1 (position 3: 'went_missing_on'). To map them: "
        "python -m missing_patterns sniff ssd_missing.csv --out ours.toml"
    )


def test_a_profile_for_one_file_does_not_drop_the_others(folder: Path) -> None:
    write_csv(folder / "ssd_missing.csv", SSD_ROWS, SSD)
    records = mp.read_records(folder, profile="ssd")
    assert told_of(records, "rhi.csv") == [["error", "refused", "MP-NO-PROFILE"]]
    message = records.problems.set_index("file").loc["rhi.csv", "message"]
    assert "it is tracker (profile rhi_tracker), but another profile was asked for" in message
    check_law(records, folder / "rhi.csv", folder / "ssd_missing.csv")


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("README.txt", "Dear all, this extract\nwas made on Monday, by us\n\nThanks\n", "MP-NOT-A-TABLE"),
        ("table.txt", "a\tb\tc\n1\t2\t3\n", "MP-NO-PROFILE"),
        ("table.txt", "\n \n.\n", "MP-NOT-A-TABLE"),
        ("one_line.csv", "a,b,c\n", "MP-NOT-A-TABLE"),
        ("Prices.csv", "a,b\n1,2\n", "MP-NO-PROFILE"),
        ("Broken.csv", 'a,b\n1,"2\n3,4\n', "MP-NO-PROFILE"),
        ("about.pdf", "%PDF", "MP-NOT-READ"),
        ("about.md", "a,b\n1,2\n", "MP-NOT-READ"),
        ("ours.toml", PROFILE, "MP-NOT-READ"),
    ],
)
def test_a_table_is_an_error_and_what_is_plainly_none_is_a_note(folder: Path, name: str, text: str, rule: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    records = mp.read_records(folder)
    severity, outcome = ("error", "refused") if rule == "MP-NO-PROFILE" else ("note", "accepted")
    assert told_of(records, name) == [[severity, outcome, rule]]
    is_counted = records.accounting["table"].tolist().count(NOT_READ)
    assert is_counted == (rule == "MP-NO-PROFILE")
    if is_counted:
        lines = text.count("\n")
        assert records.accounting.set_index("file").loc[name, "n_not_data"] == lines


def test_sheets_of_a_workbook_are_told_apart(folder: Path) -> None:
    renamed = ["When" if h == "Date & time missing" else h for h in HEADER]
    lists: list[list[object]] = [["DOB", "RHI status", "Triggers"], ["x", "Completed", "Bullying"]]
    sheets = {"2025": [[*HEADER], *good_rows(2)], "2026": [[*renamed], *good_rows(5)], "Lists": lists}
    sheets["Cover"] = [["Missing children"], ["Made by us"]]
    path = write_xlsx(folder / "book.xlsx", sheets)
    records = mp.read_records(folder)
    told = records.problems[records.problems["file"] == "book.xlsx"].dropna(subset=["sheet"]).set_index("sheet")
    rules = {sheet: told.loc[[sheet], "rule"].tolist() for sheet in ("2026", "Lists", "Cover")}
    assert rules == {"2026": ["MP-NO-PROFILE"], "Lists": ["MP-SHEET-NO-PROFILE"], "Cover": ["MP-NOT-A-TABLE"]}
    assert records.accounting.loc[records.accounting["table"] == NOT_READ, ["sheet", "n_rows"]].to_numpy().tolist() == [
        ["2026", 6]
    ]
    with pytest.raises(DataRefused, match=r"book\.xlsx \[2025\]: no profile fits its header: it is tracker"):
        mp.read_records(path, profile="ssda903")


def test_a_sheet_that_another_profile_reads_is_an_error_beside_one_that_is_read(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "book.xlsx", {"A": [[*HEADER], *good_rows(2)], "B": [[*SSD], *SSD_ROWS]})
    records = mp.read_records(path, profile="rhi_tracker")
    assert records.accounting["table"].tolist() == ["incidents", NOT_READ]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (["CHILD", "DOB", "MISSING", "Went", "Back"], "headers not known: 2 (positions 4, 5: 'Went', 'Back')"),
        (["CHILD", "DOB", "MISSING", "MIS_END"], "but no column was found for missing_from. To map them"),
        (["CHILD", "DOB", "MISSING", "x" * 90], f"'{'x' * 60}')"),
        (["CHILD", "DOB", "MISSING", *"abcdefg"], "headers not known: 7 (positions 4, 5, 6, 7, 8 and 2 more: 'a', 'b'"),
        (["CHILD", "DOB", "MISSING", "C12345"], "headers not known: 1 (position 4). To"),  # may be an id
        (["CHILD", "DOB", "MISSING", "Secret", "13/01/2026"], "not known: 2 (positions 4, 5). To"),  # no header at all
        (
            ["CHILD", "DOB", "REVIEW", "REVIEW_CODE"],
            "it is not one that is known; most like it is uasc (profile ssda903), but no column was found for DUC",
        ),
        (["a", "b", "c"], "none of its headers is known. If it holds records of missing children, map its columns"),
    ],
)
def test_a_file_that_is_refused_is_told_what_it_nearly_is(tmp_path: Path, header: list[str], words: str) -> None:
    path = write_csv(tmp_path / "ours 2026.csv", [["x"] * len(header)], header)
    with pytest.raises(DataRefused) as refused:
        mp.read_records(path)
    assert words in str(refused.value)
    assert 'python -m missing_patterns sniff "ours 2026.csv" --out ours.toml' in str(refused.value)
    with pytest.raises(DataRefused, match="No file fits a profile") as refused:
        mp.read_records(tmp_path)
    assert words in str(refused.value)


def test_a_profile_without_a_needed_column_is_refused_once(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["C1", "13/01/2026"], ["C2", "14/01/2026"]], ["Kid", "Back"])
    own = tmp_path / "own.toml"
    own.write_text(PROFILE, encoding="utf-8")
    with pytest.raises(DataRefused) as refused:
        mp.read_records(path, profile=own)
    assert str(refused.value) == (
        "a.csv: the profile ours names no column for missing_from (start: last seen or due back). Edit the TOML: under "
        "[table.columns], write the field and the header of its column."
    )
    own.write_text(PROFILE + 'missing_from = ["Went"]\n', encoding="utf-8")
    with pytest.raises(DataRefused, match=r"no column was found for missing_from \(.*\), which every row of t"):
        mp.read_records(path, profile=own)


class TestSniffed:
    """What sniff says, and what comes of a guess that nobody corrected."""

    def test_a_guess_that_was_not_corrected_is_refused_once(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "a.csv", [["C1", "x", "y"]] * 3, ["Child ID", "RHI status", "Went"])
        guess = mp.sniff(path)
        (tmp_path / "own.toml").write_text(guess.to_toml(), encoding="utf-8")
        assert "\n# missing_from = []  # no column found, and every row needs it: start: last" in guess.to_toml()
        assert "\n# police_ref = []  # no column found: police reference\n" in guess.to_toml()
        with pytest.raises(DataRefused, match="names no column for missing_from"):
            mp.read_records(path, profile=tmp_path / "own.toml")
        assert "No column was found for missing_from, and every row needs it" in guess.explain()

    def test_each_field_has_its_meaning(self, tmp_path: Path) -> None:
        guess = mp.sniff(write_csv(tmp_path / "rhi.csv", good_rows(2)))
        meanings = guess.summary().set_index("field")["meaning"]
        assert meanings["missing_from"] == "start: last seen or due back"
        assert meanings["birth_month"] == "date of birth; only its month is kept"
        assert (meanings != "").all()
        assert guess.explain().startswith("rhi.csv is tracker (profile rhi_tracker), with its header in line 1.\n")
        assert "start: last seen or due back" in guess.explain()

    def test_nothing_recognised_is_said_in_so_many_words(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "a.csv", [["SECRET", "b"]], ["qqq", "zzz"])
        guess = mp.sniff(path)
        assert guess.explain().splitlines()[0] == (
            "a.csv: nothing was recognised; no header in line 1 is like a known one (2 looked at)."
        )
        assert "  missing_from     start: last seen or due back" in guess.explain()
        assert "qqq" not in guess.explain()
        assert not guess.sheets[0].is_recognised
        assert "recognise" in guess.to_toml()
        book = write_xlsx(tmp_path / "a.xlsx", {"C": [[1, 2], [3, 4]]})
        assert mp.sniff(book).explain() == "a.xlsx [C]: nothing was recognised; there is no row of headers."
        assert mp.sniff(book).sheets[0].needed == {}


def test_other_modules_of_the_ssda903_return_are_no_loss(tmp_path: Path) -> None:
    (tmp_path / "Missing.csv").write_text(
        "CHILD,DOB,MISSING,MIS_START,MIS_END\nA,01/02/2010,M,13/01/2026,14/01/2026\n", encoding="utf-8"
    )
    (tmp_path / "Reviews.csv").write_text(
        "CHILD,DOB,REVIEW,REVIEW_CODE\nA,01/02/2010,13/01/2026,PN1\nA,01/02/2010,14/01/2026,PN1\n", encoding="utf-8"
    )
    records = mp.read_records(tmp_path)
    told = records.problems[records.problems["file"] == "Reviews.csv"]
    assert told["severity"].tolist() == ["note"]
    assert len(records.incidents) == 1
