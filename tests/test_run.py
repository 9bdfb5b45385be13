"""The scheduled run: builds what is needed, whole or not at all, and says which months it left alone and why."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import threading
from pathlib import Path

import pytest

import missing_patterns as mp
from missing_patterns import run
from missing_patterns.errors import ArgumentRefused, SettingsRefused, TryLater
from missing_patterns.report import Month
from missing_patterns.report.tidy import render_tidy

TODAY = dt.date(2026, 11, 5)


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracts")
    mp.make_borough(n_children=60, months=12, seed=3).write(folder)
    return folder


@pytest.fixture
def only_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Months are built in full and written as their CSV alone: drawing is slow, and is tested with the report."""

    def write(self: Month, folder: Path) -> list[Path]:
        path = folder / "measures.csv"
        path.write_text(render_tidy(self.to_dict()), encoding="utf-8")
        return [path]

    monkeypatch.setattr(Month, "write", write)


def council(folder: Path, data: Path, more: str = "") -> run.RunConfig:
    path = folder / "council.toml"
    path.write_text(f"[paths]\ndata = '{data}'\nreports = 'reports'\n{more}", encoding="utf-8")
    return run.read_config(path)


def test_a_run_writes_the_whole_report_of_a_month(tmp_path: Path, extracts: Path) -> None:
    run.run_months(council(tmp_path, extracts), today=TODAY, month="2026-10")
    folder = tmp_path / "reports" / "2026-10"
    assert {p.suffix for p in folder.iterdir()} == {".html", ".docx", ".xlsx", ".csv", ".json"}


@pytest.mark.usefixtures("only_the_figures")
def test_a_run_builds_the_months_that_need_it_and_then_nothing(tmp_path: Path, extracts: Path) -> None:
    config = council(tmp_path, extracts, "[run]\ncatch_up_months = 2\n")
    said: list[str] = []
    assert run.run_months(config, today=TODAY, dry_run=True) == [
        {"month": "2026-09", "outcome": "would build"},
        {"month": "2026-10", "outcome": "would build"},
    ]
    assert not (tmp_path / "reports").exists()

    done = run.run_months(config, today=TODAY, progress=said.append)
    assert [d["outcome"] for d in done] == ["built", "built"]
    assert said[-1] == "Building 2026-10."
    folder = tmp_path / "reports" / "2026-10"
    manifest = json.loads((folder / run.MANIFEST).read_text(encoding="utf-8"))
    assert set(manifest["outputs"]) == {p.name for p in folder.iterdir()} - {run.MANIFEST}
    assert manifest["inputs"] == sorted(run.hash_files(extracts).values())
    assert not [p.name for p in extracts.iterdir() if p.name in (folder / run.MANIFEST).read_text(encoding="utf-8")]
    assert manifest["n_rows"]["incidents"] > 0

    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    again = run.run_months(config, today=TODAY)
    assert [d["outcome"] for d in again] == ["up to date", "up to date"]
    forced = run.run_months(config, today=TODAY, month="2026-10", force=True)
    assert forced == [{"month": "2026-10", "outcome": "built"}]
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before

    # A report that somebody changed, and one whose manifest is broken, are built again; the other month is left alone.
    (folder / "measures.csv").write_text("changed", encoding="utf-8")
    assert [d["outcome"] for d in run.run_months(config, today=TODAY)] == ["up to date", "built"]
    (folder / run.MANIFEST).write_text("[]", encoding="utf-8")
    assert [d["outcome"] for d in run.run_months(config, today=TODAY, dry_run=True)] == ["up to date", "would build"]


@pytest.mark.usefixtures("only_the_figures")
def test_a_table_that_is_not_read_is_said(tmp_path: Path, extracts: Path) -> None:
    data = tmp_path / "extracts"
    shutil.copytree(extracts, data)
    (data / "register.csv").write_text("name,amount\nx,1\ny,2\n", encoding="utf-8")
    said: list[str] = []
    run.run_months(council(tmp_path, data), today=TODAY, month="2026-10", progress=said.append)
    assert any(line.startswith("WARNING: 1 table was not read") for line in said)
    manifest = json.loads((tmp_path / "reports" / "2026-10" / run.MANIFEST).read_text(encoding="utf-8"))
    assert manifest["n_not_read"] == 1


@pytest.mark.no_cover
@pytest.mark.usefixtures("only_the_figures")
def test_other_settings_make_another_report(tmp_path: Path, extracts: Path) -> None:
    config = council(tmp_path, extracts, "[run]\ncatch_up_months = 1\n")
    run.run_months(config, today=TODAY)
    stricter = council(tmp_path, extracts, "[run]\ncatch_up_months = 1\n[disclosure]\nthreshold = 10\n")
    assert run.run_months(stricter, today=TODAY, dry_run=True) == [{"month": "2026-10", "outcome": "would build"}]


def test_a_month_whose_data_are_not_there_is_for_later(tmp_path: Path, extracts: Path) -> None:
    config = council(tmp_path, extracts)
    with pytest.raises(TryLater, match="no record of 2026-12 or later"):
        run.run_months(config, today=dt.date(2027, 1, 4), month="2026-12")
    assert not (tmp_path / "reports" / "2026-12").exists()


def test_a_month_that_is_not_over_is_for_later(tmp_path: Path, extracts: Path) -> None:
    with pytest.raises(TryLater, match="2026-11 is not over yet"):
        run.run_months(council(tmp_path, extracts), today=TODAY, month="2026-11")


@pytest.mark.no_cover
@pytest.mark.usefixtures("only_the_figures")
def test_a_new_council_gets_its_first_month(tmp_path: Path) -> None:
    data = tmp_path / "extracts"
    data.mkdir()
    rows = [f"C{k},{k % 27 + 1:02d}/10/2026 20:00,{k % 27 + 1:02d}/10/2026 23:00" for k in range(20)]
    text = "Child ID,Date & time missing,Date & time returned\n" + "\n".join(rows) + "\n"
    (data / "tracker.csv").write_text(text, encoding="utf-8")
    done = run.run_months(council(tmp_path, data), today=TODAY)
    assert [d["outcome"] for d in done] == ["before the records begin", "before the records begin", "built"]


def test_extracts_that_are_not_there_are_for_later(tmp_path: Path) -> None:
    with pytest.raises(TryLater, match="not there yet"):
        run.run_months(council(tmp_path, tmp_path / "nowhere"), today=TODAY)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TryLater, match="holds no files yet"):
        run.run_months(council(tmp_path, tmp_path / "empty"), today=TODAY)


def test_two_runs_never_write_at_once(tmp_path: Path, extracts: Path) -> None:
    config = council(tmp_path, extracts)
    holds, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with run.locked(config.reports):
            holds.set()
            may_go.wait(20)

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert holds.wait(20)
        with pytest.raises(TryLater, match="Another run is writing"):
            run.run_months(config, today=TODAY)
    finally:
        may_go.set()
        other.join()


def test_a_month_is_written_one_way(tmp_path: Path, extracts: Path) -> None:
    with pytest.raises(ArgumentRefused, match="yyyy-mm"):
        run.run_months(council(tmp_path, extracts), today=TODAY, month="October")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "data is needed"),
        ("[paths]\ndata = 3\nreports = 'r'", "data is needed"),
        ("[paths]\ndata = 'd'\nreports = 'r'\nprofil = 'x'", "profil is not a setting. Did you mean 'profile'"),
        ("[paths]\ndata = 'd'\nreports = 'r'\nprofile = ''", "profile must be the name"),
        ("[paths]\ndata = 'd'\nreports = 'r'\n[run]\ncatch_up_months = 0", "from 1 to 120"),
        ("[paths]\ndata = 'd'\nreports = 'r'\n[run]\ncatch_up_months = true", "from 1 to 120"),
        ("[disclosure]\nthreshold = 0", "threshold must be at least 2"),
    ],
)
def test_a_file_that_does_not_say_where_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "council.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsRefused, match=words):
        run.read_config(tmp_path / "council.toml")


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "2026-10"
    with run.whole_folder(target) as folder:
        (folder / "a.txt").write_text("first", encoding="utf-8")

    def stopped() -> None:
        with run.whole_folder(target) as folder:
            (folder / "a.txt").write_text("half", encoding="utf-8")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        stopped()
    assert (target / "a.txt").read_text(encoding="utf-8") == "first"
    # What a killed run left behind is cleared by the next one.
    (tmp_path / ".tmp-2026-10-1").mkdir()
    with run.whole_folder(target) as folder:
        (folder / "b.txt").write_text("second", encoding="utf-8")
    assert [p.name for p in target.iterdir()] == ["b.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["2026-10"]


def test_a_folder_that_cannot_be_moved_into_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "2026-10"
    target.mkdir()
    (target / "a.txt").write_text("old", encoding="utf-8")
    real = Path.replace

    def refuse(self: Path, to: Path) -> Path:
        if self.name.startswith(".tmp-"):
            raise PermissionError("open in Excel")
        return real(self, to)

    monkeypatch.setattr(Path, "replace", refuse)

    def write() -> None:
        with run.whole_folder(target) as folder:
            (folder / "a.txt").write_text("new", encoding="utf-8")

    with pytest.raises(PermissionError):
        write()
    assert [p.name for p in tmp_path.iterdir()] == ["2026-10"]
    assert (target / "a.txt").read_text(encoding="utf-8") == "old"
