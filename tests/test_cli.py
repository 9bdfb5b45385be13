"""The command line: each command as a person would type it, its exit codes, and what it never prints."""

from __future__ import annotations

import csv
import datetime as dt
import errno
import os
import runpy
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import missing_patterns as mp
from missing_patterns import cli
from missing_patterns.cli import reports
from missing_patterns.cli.findings import accounting_in_words, named, print_problems, print_summary, unread_tables
from missing_patterns.cli.words import still_there
from missing_patterns.errors import DataRefused
from missing_patterns.schema import Records

INCIDENT = pd.DataFrame({"child_id": ["A"], "missing_from": ["2026-01-05 21:00"]})


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day on which the commands are typed."""
    monkeypatch.setattr(reports, "today", lambda: dt.date(2026, 11, 30))


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(a) for a in arguments])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracts")
    mp.make_borough(n_children=60, months=12, seed=3).write(folder)
    return folder


@pytest.fixture
def without_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawing of the Word document out: it is slow, and is tested with the report."""
    monkeypatch.setattr("missing_patterns.report.word.render_word", lambda _month: b"")


def test_demo_makes_a_report_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "demo", "--out", tmp_path / "demo", "--children", 60)
    assert code == 0
    assert "missing_children_2026-10.html" in out
    assert f"The report on made-up data is in {tmp_path / 'demo'}" in out
    assert "Done." in err
    assert "Made-up data" in (tmp_path / "demo" / "missing_children_2026-10.html").read_text(encoding="utf-8")
    assert (tmp_path / "demo" / "data" / "return_interviews.xlsx").exists()


@pytest.mark.usefixtures("without_word")
def test_report_on_a_folder_of_extracts(tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "council.toml"
    settings.write_text("[council]\nname = 'Borough of Tests'\n", encoding="utf-8")
    code, out, _ = call(
        capsys, "report", "--data", extracts, "--month", "2026-10", "--out", tmp_path, "--settings", settings
    )
    assert code == 0
    html = (tmp_path / "missing_children_2026-10.html").read_text(encoding="utf-8")
    assert "Borough of Tests" in html
    assert "Made-up data" not in html
    assert "to edit and send" in out


def write_missing(folder: Path, *more: list[str]) -> Path:
    path = folder / "Missing.csv"
    rows = [["CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"]]
    rows += [[f"SECRET{k}", "01/02/2010", "M", f"{k + 13}/01/2026", f"{k + 13}/01/2026"] for k in range(4)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*rows, *more])
    return path


BAD = (["SECRET9", "01/02/2010", "M", "31/02/2026", ""], ["", "01/02/2010", "M", "14/02/2026", ""])


def test_check_prints_counts_then_places_and_no_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, listed = write_missing(tmp_path, *BAD), tmp_path / "problems.csv"
    code, out, err = call(capsys, "check", path, "--problems", listed)
    assert code == 0
    assert out.startswith("Files:\n  Missing.csv: read as incidents; 4 rows used, 2 set aside\n\nDates (day first, ")
    assert "\n  Missing.csv 'MIS_START': 5 dates read day first: 5 can only be read so, 0 could be either way\n" in out
    assert "\n\nLeft out of every figure until it is corrected:\n" in out
    assert "         1 row  1004 in 'MIS_START': not a real date or time; use dd/mm/yyyy HH:MM\n" in out
    assert "\n  Missing.csv, line 6 'MIS_START': not a real date" in out
    assert out.endswith("\n2 rows were set aside. Correct them in the source and export again.\n")
    assert "SECRET" not in out + err + listed.read_text(encoding="utf-8")
    told = pd.read_csv(listed)
    n_notes = int((told["severity"] == "note").sum())
    assert f"\n2 errors, 1 warning, {n_notes} notes:\n" in out
    assert out.index("\nERROR ") < out.index("\nWARNING ")
    assert "\nNOTE " not in out
    headings = out.split("Every row, accounted for:\n")[1].splitlines()[0]
    assert " ".join(headings.split()) == "file became rows read used set aside not data"
    code, out, _ = call(capsys, "check", path, "--all", "--strict")
    assert (code, "\nNOTE " in out) == (3, True)


def test_check_of_good_files_ends_with_nought(extracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "check", extracts, "--strict")
    assert code == 0
    assert "Every row, accounted for:" in out


def test_check_shows_what_can_be_read_beside_what_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_missing(tmp_path)
    (tmp_path / "b.csv").write_text('CHILD,MISSING,MIS_START,MIS_END\nSECRET,M,"13/01/2026,\n', encoding="utf-8")
    code, out, err = call(capsys, "check", tmp_path)
    assert code == 3
    assert "\n  b.csv: REFUSED, nothing of it was used. line 2: " in out
    assert out.rstrip().splitlines()[1].endswith("(MP-STRAY-QUOTE)")
    assert "\n  Missing.csv: read as incidents; 4 rows used\n" in out
    assert err.endswith("\n1 file was refused: b.csv. Why, and what to do, stands under Files.\n")
    assert "SECRET" not in out + err
    code, out, err = call(capsys, "check", tmp_path / "b.csv", "--problems", tmp_path / "p.csv")
    assert (code, "Every row" in out, (tmp_path / "p.csv").exists()) == (3, False, False)


def test_check_writes_a_fix_list_and_compares_it_with_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "extracts").mkdir()
    path, fix_list = write_missing(tmp_path / "extracts", *BAD), tmp_path / "problems.xlsx"
    code, out, err = call(capsys, "check", path, "--fix-list", fix_list)
    assert code == 0
    assert f"\nThe fix list (no. 1) is in {fix_list}\n" in out
    write_missing(tmp_path / "extracts", ["SECRET9", "01/02/2010", "M", "28/02/2026", ""])
    code, out, err = call(capsys, "check", tmp_path / "extracts", "--fix-list", fix_list)
    assert "\nThe fix list (no. 2) is in " in out
    assert "Since list 1: 1 fixed, 1 no longer in the extract" in out
    assert "keep it inside the council" in out
    assert "SECRET" not in out + err
    code, _, err = call(capsys, "check", path, "--fix-list", tmp_path / "extracts" / "p.xlsx")
    assert code == 0
    code, _, err = call(capsys, "check", path.parent, "--fix-list", tmp_path / "extracts" / "p.xlsx")
    assert (code, "would lie among the files" in err, "Reading" in err) == (2, True, False)


def test_check_reads_settings_and_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, settings = write_missing(tmp_path), tmp_path / "council.toml"
    settings.write_text("[ingest]\ncollection_year = 2025\n", encoding="utf-8")
    code, out, _ = call(capsys, "check", path, "--settings", settings, "--profile", "ssda903")
    assert code == 0
    assert "4 rows  570 in 'MIS_START': starts after the collection year has ended" in out


def test_check_of_a_database_never_echoes_its_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "check", f"sqlite:///{tmp_path}/none.db?password=SECRET", "--profile", "ssd")
    assert (code, "SECRET" in out + err) == (3, False)


def test_a_long_read_says_that_it_goes_on() -> None:
    said: list[str] = []
    heard = threading.Event()

    def progress(line: str) -> None:
        said.append(line)
        heard.set()

    with still_there(progress, every=0.01):
        assert heard.wait(30)
    assert set(said) == {"Still reading."}
    n = len(said)
    with still_there(progress):
        pass
    assert len(said) == n


def test_counts_say_rows_columns_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    from missing_patterns.schema import ACCOUNTING, PROBLEMS, conform

    rows = [
        *[("a.csv", None, column, "MP-X", "warning", "accepted", f"doubted: {column}") for column in "ABCD"],
        ("", None, "", "MP-MATCHED", "note", "accepted", "the same: 3 of 4"),
        (
            "a.csv",
            None,
            "A",
            "MP-DATE-ORDER-UNPROVEN",
            "warning",
            "accepted",
            "no date proves the order: 15 either way",
        ),
    ]
    problems = conform(
        pd.DataFrame(rows, columns=["file", "line", "column", "rule", "severity", "outcome", "message"]), PROBLEMS
    )
    accounting = conform(pd.DataFrame({"file": ["b.csv"], "table": "not read", "n_rows": 1}), ACCOUNTING)
    print_summary(Records(incidents=INCIDENT, problems=problems, accounting=accounting), [])
    assert capsys.readouterr().out.splitlines() == [
        "Files:",
        "  b.csv: NOT READ, no profile fits; 1 row",
        "",
        "Dates (day first, unless a profile says otherwise):",
        "  a.csv 'A': NOT PROVEN, check a few by eye: 15 either way",
        "",
        "Doubtful, please look:",
        "     4 columns  MP-X in 'A', 'B', 'C' and others: doubted",
        "",
        "Noted, nothing to do:",
        "        1 time  MP-MATCHED: the same: 3 of 4",
    ]
    print_summary(Records(incidents=INCIDENT), [])
    assert capsys.readouterr().out == "Files:\n"
    print_summary(None, [DataRefused("No file fits a profile.")])
    assert capsys.readouterr().out == "Files:\n  All files: REFUSED, nothing of it was used. No file fits a profile.\n"


def test_reconcile_prints_the_systems_side_by_side(
    tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out_file, children = tmp_path / "differences.csv", tmp_path / "children.csv"
    code, out, err = call(
        capsys, "reconcile", extracts, "--until", "2026-10-31", "--out", out_file, "--children", children
    )
    assert code == 0
    assert out.split()[:5] == ["measure", "meaning", "rhi_tracker", "ssd", "ssda903"]
    assert "All records together show " in out
    assert "It names children: keep it inside the council." in out
    assert "unexplained" in out_file.read_text(encoding="utf-8-sig").splitlines()[0]
    assert "child_id" in children.read_text(encoding="utf-8-sig").splitlines()[0]
    assert pd.read_csv(children)["child_id"].iat[0] not in out + err
    code, out, err = call(capsys, "reconcile", extracts, "--until", "last week")
    assert (code, out, "Reading" in err) == (2, "", False)


def test_reconcile_says_what_it_could_not_compare(
    tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = mixed(extracts, tmp_path / "extracts")
    code, out, _ = call(capsys, "reconcile", folder, "--until", "2026-10-31")
    assert (code, "1 file was not read: ssd_missing.csv, and is not compared." in out) == (3, True)
    bad = tmp_path / "b.csv"
    bad.write_text('CHILD,MISSING,MIS_START,MIS_END\nSECRET,M,"13/01/2026,\n', encoding="utf-8")
    code, out, err = call(capsys, "reconcile", bad, "--until", "2026-10-31")
    assert (code, out, "b.csv, line 2" in err) == (3, "", True)


def test_long_lists_are_cut_and_all_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    from missing_patterns.schema import PROBLEMS, conform

    frame = pd.DataFrame({"file": ["a.csv"] * 25, "line": range(25), "rule": "r", "severity": "warning"})
    frame = conform(frame.assign(outcome="repaired", message="m"), PROBLEMS)
    frame.loc[24, ["sheet", "cell", "column", "severity"]] = ["S", "F17", "RHI date", "error"]
    print_problems(frame, limit=20)
    out = capsys.readouterr().out
    assert "... and 4 more of this kind" in out
    assert out.index("ERROR  r  (1)") < out.index("WARNING  r  (24)")
    assert "a.csv [S] F17 'RHI date': m (repaired)" in out
    print_problems(frame, limit=None)
    assert "more of this kind" not in capsys.readouterr().out
    print_problems(frame[:0], limit=None)
    assert capsys.readouterr().out == "No problems were found.\n"


def test_sniff_writes_a_profile_that_reads_the_same_file(
    tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "ours.toml"
    code, out, _ = call(capsys, "sniff", extracts / "Missing.csv", "--out", profile)
    assert code == 0
    assert "MIS_START" in out
    assert "start: last seen or due back" in out
    assert tomllib.loads(profile.read_text(encoding="utf-8"))
    code, out, _ = call(capsys, "check", extracts / "Missing.csv", "--profile", profile)
    assert code == 0
    code, out, _ = call(capsys, "sniff", extracts / "Missing.csv")
    assert code == 0
    profile.write_text("corrected by hand", encoding="utf-8")
    code, _, err = call(capsys, "sniff", extracts / "Missing.csv", "--out", profile)
    assert (code, "is there already. Name another file" in err) == (2, True)
    assert profile.read_text(encoding="utf-8") == "corrected by hand"


def mixed(extracts: Path, folder: Path) -> Path:
    """The extracts, with one column of one file renamed."""
    folder.mkdir()
    for file in extracts.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    path = folder / "ssd_missing.csv"
    text = path.read_text(encoding="utf-8").replace("miss_missing_episode_start_date", "went", 1)
    path.write_text(text, encoding="utf-8")
    return folder


def test_check_ends_with_three_when_a_file_was_not_read(
    tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = mixed(extracts, tmp_path / "extracts")
    code, out, _ = call(capsys, "check", folder)
    assert code == 3
    assert "1 file was not read: ssd_missing.csv. Why, and what to do, stands above under MP-NO-PROFILE." in out
    assert "ERROR  MP-NO-PROFILE  (1)" in out
    assert "set aside. Correct" not in out
    code, out, _ = call(capsys, "check", folder, "--profile", "rhi_tracker")
    assert (code, "4 files were not read: Episodes.csv, Header.csv, Missing.csv, ssd" in out) == (3, True)


def test_names_of_what_was_not_read_are_cut_and_sheets_are_named() -> None:
    assert named([f"{n}.csv" for n in range(7)]).endswith(
        "7 files were not read: 0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 2 more"
    )
    assert named(["a.xlsx [2026]"]) == "1 sheet was not read: a.xlsx [2026]"
    accounting = pd.DataFrame({"file": ["a.xlsx"], "sheet": ["2026"], "table": ["not read"]})
    assert unread_tables(Records(incidents=INCIDENT, accounting=accounting)) == ["a.xlsx [2026]"]
    assert accounting_in_words(accounting).columns.tolist() == ["file", "sheet", "became"]


@pytest.mark.usefixtures("without_word")
def test_report_goes_on_without_a_file_and_says_so(
    tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = mixed(extracts, tmp_path / "my extracts")
    code, out, _ = call(capsys, "report", "--data", folder, "--month", "2026-10", "--out", tmp_path / "out")
    assert code == 0
    assert "\nWARNING: 1 file was not read: ssd_missing.csv. Nothing of that is in this report.\n" in out
    assert "In the files: 1 error, " in out
    assert out.rstrip().endswith(f'To see them: python -m missing_patterns check "{folder}"')


def test_notes_alone_are_not_spoken_of_after_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    problems = pd.DataFrame({"severity": ["note", "note"]})
    reports.warn_of_problems(Records(incidents=INCIDENT, problems=problems), "check x")
    assert capsys.readouterr().out == ""
    problems.loc[0, "severity"] = "warning"
    reports.warn_of_problems(Records(incidents=INCIDENT, problems=problems), "check x")
    assert (
        capsys.readouterr().out == "\nIn the files: 0 errors, 1 warning; 0 rows were set aside. To see them: check x\n"
    )


@pytest.mark.parametrize(
    ("month", "words"),
    [
        ("2026-11", "2026-11 is not over yet. The last complete month is 2026-10."),
        ("2031-01", "2031-01 is not over yet"),
        ("October", "a month must be written as yyyy-mm"),
        ("2026-13", "a month must be written as yyyy-mm"),
    ],
)
def test_a_month_that_cannot_be_reported_is_refused_before_a_file_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], month: str, words: str
) -> None:
    (tmp_path / "data").mkdir()
    code, _, err = call(capsys, "report", "--data", tmp_path / "data", "--month", month, "--out", tmp_path / "out")
    assert (code, words in err, "Reading" in err) == (2, True, False)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("without_word")
def test_a_month_that_the_extracts_do_not_reach_is_for_later(
    tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "today", lambda: dt.date(2026, 12, 1))
    asked = ["report", "--data", extracts, "--month", "2026-11", "--out", tmp_path / "out"]
    code, _, err = call(capsys, *asked)
    assert (code, "The extracts hold no record of 2026-11 or later yet. Run again once they do" in err) == (75, True)
    assert not (tmp_path / "out").exists()
    code, _, _ = call(capsys, *asked, "--empty-month")
    assert (code, (tmp_path / "out" / "missing_children_2026-11.html").exists()) == (0, True)


def test_the_clock_is_that_of_london(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert abs(reports.today() - dt.datetime.now(dt.UTC).date()) <= dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["init", "nodir/x.toml"], "cannot write to nodir/x.toml: does not exist, or a folder of the path"),
        (["sniff", "Missing.csv", "--out", "nodir/o.toml"], "cannot write to nodir/o.toml: does not exist"),
        (["check", "Missing.csv", "--problems", "nodir/p.csv"], "cannot write to nodir/p.csv: does not exist"),
        (["demo", "--out", "afile/sub"], "cannot write to afile/sub: is a file, or a part of the path is"),
        (
            ["report", "--data", "Missing.csv", "--month", "2026-10", "--out", "afile/sub"],
            "cannot write to afile/sub: is",
        ),
        (["init", "locked/x.toml"], "cannot write to locked/x.toml: no permission"),
        (["check", "Missing.csv", "--problems", "locked/p.csv"], "cannot write to locked/p.csv: no permission"),
        (
            ["report", "--data", "Missing.csv", "--month", "2026-10", "--out", "locked"],
            "cannot write to locked: no perm",
        ),
    ],
)
def test_a_place_that_cannot_be_written_to_is_named_as_it_was_typed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Missing.csv").write_text("CHILD,MISSING,MIS_START,MIS_END\nC1,M,13/10/2026,\n", encoding="utf-8")
    (tmp_path / "afile").write_text("", encoding="utf-8")
    (tmp_path / "locked").mkdir()
    # Whoever runs the tests as root may write anywhere, so the system's answer is stood in for.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK or Path(path).name != "locked")
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.strip().startswith(words)
    assert str(tmp_path) not in err


@pytest.mark.parametrize(
    ("number", "name", "words"),
    [
        (errno.EACCES, "out/report.html", "cannot write to out: no permission, or it is open in another program"),
        (errno.ENOSPC, "/elsewhere/report.html", "cannot write to report.html: the disk is full"),
        (errno.EIO, "out", "cannot write to out: OSError"),
        (errno.EACCES, "shut.csv", "cannot read shut.csv: no permission"),
    ],
)
def test_a_fault_of_the_disk_is_worded_plainly(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    name: str,
    words: str,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(number, "SECRET", name)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "shut.csv").write_text("a", encoding="utf-8")
    monkeypatch.setattr("missing_patterns.synthetic.make_borough", broken)
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.W_OK)
    code, _, err = call(capsys, "demo", "--out", "out")
    assert (code, words in err, "SECRET" in err) == (2, True, False)


def test_a_fault_of_the_system_without_a_file_is_ours(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("SECRET")

    monkeypatch.setattr("missing_patterns.synthetic.make_borough", broken)
    code, _, err = call(capsys, "demo", "--out", tmp_path / "out")
    assert (code, "This is our fault: OSError in reports.py" in err, "SECRET" in err) == (1, True, False)


@pytest.mark.usefixtures("without_word")
def test_init_then_run_builds_a_month(tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "council.toml"
    code, out, _ = call(capsys, "init", config)
    assert code == 0
    assert "run --config" in out
    written = config.read_text(encoding="utf-8")
    assert written.startswith(
        "# Your council's settings. Change what differs; unknown names are refused.\n\n[council]\n"
    )
    assert "Copy the lines" not in written
    code, _, err = call(capsys, "init", config)
    assert (code, "is there already" in err) == (2, True)
    code, _, err = call(capsys, "run", "--config", config)
    assert (code, "not there yet" in err) == (75, True)
    text = config.read_text(encoding="utf-8").replace('"extracts"', f"'{extracts}'")
    config.write_text(text, encoding="utf-8")
    code, out, _ = call(capsys, "run", "--config", config, "--month", "2026-10")
    assert (code, out) == (0, "2026-10: built\n")
    assert (tmp_path / "reports" / "2026-10" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["report", "--month", "2026-10"], 2, "Missing option '--data'"),
        (["demo", "--children", "3"], 2, "3 is not in the range"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
def test_wrong_usage_ends_with_two(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    got, _, err = call(capsys, *arguments)
    assert got == code
    assert words in err


def test_a_refused_file_ends_with_three_and_a_refused_setting_with_five(
    tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.csv").write_text('a,b\n1,"unclosed\n', encoding="utf-8")
    code, _, err = call(capsys, "check", tmp_path / "notes.csv")
    assert code == 3
    assert "notes.csv" in err
    assert "Traceback" not in err
    (tmp_path / "bad.toml").write_text("[disclosure]\nthreshold = 1\n", encoding="utf-8")
    code, _, err = call(
        capsys,
        "report",
        "--data",
        extracts,
        "--month",
        "2026-10",
        "--out",
        tmp_path,
        "--settings",
        tmp_path / "bad.toml",
    )
    assert (code, "threshold must be at least 2" in err) == (5, True)


def test_an_unforeseen_error_shows_its_place_and_not_its_text(
    extracts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("SECRET1")

    monkeypatch.setattr("missing_patterns.ingest.reader.read_files", broken)
    code, out, err = call(capsys, "check", extracts)
    assert code == 1
    assert "This is our fault: KeyError in checks.py, line " in err
    assert "SECRET" not in out + err


def test_the_documented_command_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "missing_patterns", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith(mp.__version__)


def test_running_the_package_runs_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["missing_patterns", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("missing_patterns", run_name="__main__")
    assert ended.value.code == 0
    assert "python -m missing_patterns demo" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["CHILD,MISSING\nC1,Zebedee\n", "C1,Zebedee" * 60, "C1,Zebedee/" * 900])
@pytest.mark.parametrize("command", ["check", "sniff"])
def test_text_instead_of_a_path_is_not_echoed(command: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, text])
    assert ended.value.code in (2, 3)
    said = capsys.readouterr()
    assert "Zebedee" not in said.out + said.err
