"""Every defect of the catalogue in every format where it can occur ends as is declared; no row is lost on the way."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from corpus import report
from corpus.checking import Result

#: The catalogue holds defects 1 to 95.
N_DEFECTS = 95
MOST_VARIANTS = 4


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """The cases, read once; of a defect with many variants the first few. The report as a command runs them all."""
    return list(report.run_all(tmp_path_factory.mktemp("corpus"), most=MOST_VARIANTS))


def test_every_case_ends_as_declared(results: list[Result]) -> None:
    unlike = [str(r) for r in results if not r.is_as_declared]
    assert unlike == []


def test_what_the_corpus_must_show(results: list[Result]) -> None:
    shown = report.counts(results)
    assert shown["cases"] >= 400
    assert shown == {
        "cases": len(results),
        "as declared": len(results),
        "silent losses": 0,
        "tracebacks": 0,
        "messages carrying a cell's value": 0,
    }


def test_every_defect_of_the_catalogue_is_there(results: list[Result]) -> None:
    assert sorted({r.case.number for r in results}) == list(range(1, N_DEFECTS + 1))


def test_the_report_is_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["report.py", "73", "95"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(report.__file__)), run_name="__main__")
    told = capsys.readouterr().out
    assert ended.value.code == 0, told
    assert "messages carrying a cell's value: 0" in told
