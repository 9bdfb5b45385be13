"""The command line: each command as a person would type it, its exit codes, and what it never prints."""

from __future__ import annotations

import csv
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import missing_patterns as mp
from missing_patterns import cli


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


def test_check_prints_positions_and_reasons_but_no_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "Missing.csv"
    rows = [["CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"]]
    rows += [[f"SECRET{k}", "01/02/2010", "M", f"{k + 13}/01/2026", f"{k + 13}/01/2026"] for k in range(4)]
    rows += [["SECRET9", "01/02/2010", "M", "31/02/2026", ""], ["", "01/02/2010", "M", "14/02/2026", ""]]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    listed = tmp_path / "problems.csv"
    code, out, err = call(capsys, "check", path, "--problems", listed)
    assert code == 3
    assert "line 6 'MIS_START'" in out
    assert "2 rows were set aside" in out
    assert "SECRET" not in out + err + listed.read_text(encoding="utf-8")
    n_listed = len(pd.read_csv(listed))
    assert f"{n_listed} problems, the gravest kind first" in out
    assert out.count("\n  Missing.csv") == n_listed


def test_check_of_good_files_ends_with_nought(extracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "check", extracts)
    assert code == 0
    assert "Every row, accounted for:" in out


def test_long_lists_are_cut_and_all_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    from missing_patterns.schema import PROBLEMS, conform

    frame = pd.DataFrame({"file": ["a.csv"] * 25, "line": range(25), "rule": "r", "severity": "note"})
    frame = conform(frame.assign(outcome="repaired", message="m"), PROBLEMS)
    frame.loc[24, ["sheet", "cell", "column", "severity"]] = ["S", "F17", "RHI date", "error"]
    cli._print_problems(frame, limit=20)
    out = capsys.readouterr().out
    assert "... and 4 more of this kind" in out
    assert out.index("ERROR  r  (1)") < out.index("NOTE  r  (24)")
    assert "a.csv [S] F17 'RHI date': m (repaired)" in out
    cli._print_problems(frame, limit=None)
    assert "more of this kind" not in capsys.readouterr().out
    cli._print_problems(frame[:0], limit=None)
    assert capsys.readouterr().out == "No problems were found.\n"


def test_sniff_writes_a_profile_that_reads_the_same_file(
    tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "ours.toml"
    code, out, _ = call(capsys, "sniff", extracts / "Missing.csv", "--out", profile)
    assert code == 0
    assert "MIS_START" in out
    assert tomllib.loads(profile.read_text(encoding="utf-8"))
    code, out, _ = call(capsys, "check", extracts / "Missing.csv", "--profile", profile)
    assert code == 0
    code, out, _ = call(capsys, "sniff", extracts / "Missing.csv")
    assert code == 0


@pytest.mark.usefixtures("without_word")
def test_init_then_run_builds_a_month(tmp_path: Path, extracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "council.toml"
    code, out, _ = call(capsys, "init", config)
    assert code == 0
    assert "run --config" in out
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

    monkeypatch.setattr("missing_patterns.ingest.read_records", broken)
    code, out, err = call(capsys, "check", extracts)
    assert code == 1
    assert "This is our fault: KeyError in cli.py, line " in err
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
