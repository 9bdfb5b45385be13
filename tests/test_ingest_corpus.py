"""Every defect of the catalogue in every format where it can occur ends as is declared; no row is lost on the way."""

from __future__ import annotations

import logging
import runpy
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from corpus import checking, checks, report
from corpus.model import Case, Refused, quarantined, repaired
from corpus.sheets import Sheet

import missing_patterns as mp

#: The catalogue holds defects 1 to 95.
N_DEFECTS = 95


CASES = report.listed()


def parts() -> Iterator[Any]:
    """Divide the cases into parts, which may be read side by side.

    Coverage is measured of a fourth of them, which has every number of the catalogue, function that plants, rule, and
    table in every format. It would take as long again for the rest, which have other cells and other tables.
    """
    first, again, seen = [], [], set[object]()
    for case, fmt in CASES:
        shown: set[object] = {case.number, *((case,) if isinstance(case, checks.Check) else _shown_by(case, fmt))}
        (again if shown <= seen else first).append((case, fmt))
        seen |= shown
    for n in range(4):
        yield pytest.param(first[n::4], id=f"first-{n}")
    for n in range(8):
        yield pytest.param(again[n::8], id=f"again-{n}", marks=pytest.mark.no_cover)


def _shown_by(case: Case, fmt: str) -> set[object]:
    functions = [f.__code__ for f in (case.plant, case.build) if f is not None]
    refused = [case.refused.rule] if case.refused else []
    return {(case.base, fmt), *functions, *(t.rule for t in case.told), *refused}


@pytest.mark.parametrize("cases", list(parts()))
def test_every_case_ends_as_declared(tmp_path: Path, cases: list[tuple[Case | checks.Check, str]]) -> None:
    results = list(report.run_all(cases, tmp_path))
    assert [str(r) for r in results if not r.is_as_declared] == []
    assert report.counts(results) == {
        "cases": len(results),
        "as declared": len(results),
        "silent losses": 0,
        "tracebacks": 0,
        "messages carrying a cell's value": 0,
    }


def test_every_defect_of_the_catalogue_is_there() -> None:
    assert sum(len(part.values[0]) for part in parts()) == len(CASES) >= 400
    assert sorted({case.number for case, _ in CASES}) == list(range(1, N_DEFECTS + 1))


def test_the_report_is_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["report.py", "73", "95"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(report.__file__)), run_name="__main__")
    told = capsys.readouterr().out
    assert ended.value.code == 0, told
    assert "messages carrying a cell's value: 0" in told


# The corpus itself must see what is not as declared ------------------------------------------------------------------
def _nothing(_: Sheet) -> None:
    """Plant no defect."""


def _bad_start(sheet: Sheet) -> None:
    sheet.put(4, "Date & time missing", "31/02/2024 10:00")


def _case(plant: Callable[[Sheet], None] = _nothing, **declared: Any) -> Case:
    return Case(11, "to be seen", "tracker", plant, ("csv",), **declared)


TWICE = _case(lambda s: s.insert(4, "more", ["ZEBRAREF900", *s.row(4).cells[1:]]))
WRONG = {
    "a defect that is not there": (_case(told=(quarantined("1004", 4),)), "csv", "is due, got []"),
    "a defect that is not declared": (_case(_bad_start), "csv", "not declared: ('1004', 6"),
    "a row that is lost": (_case(_bad_start), "csv", "incidents: 12 rows are due, 11 were read"),
    "a row too many": (TWICE, "csv", "incidents: 12 rows are due, 13 were read"),
    "another outcome": (_case(_bad_start, told=(repaired("1004", 4),)), "csv", "repaired 1004 at 6"),
    "another cell": (_case(_bad_start, told=(quarantined("1004", 4, "DOB"),)), "xlsx", "'DOB' is due"),
    "another value": (_case(values={(4, "incidents.in_area"): True}), "csv", "rows are read otherwise"),
    "a file that is not refused": (_case(refused=Refused("MP-X")), "csv", "read, but MP-X is due"),
    "a file that is refused": (_case(lambda s: s.drop_column("Child ID")), "csv", "refused: file.csv"),
    "another refusal": (
        _case(lambda s: s.drop_column("Child ID"), refused=Refused("MP-X")), "csv", "MP-X at None is due, refused by",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_the_corpus_sees(tmp_path: Path, name: str) -> None:
    case, fmt, words = WRONG[name]
    result = checking.run(case, fmt, tmp_path)
    assert not result.is_as_declared
    assert words in str(result)
    assert report.counts([result])["as declared"] == 0
    assert words in report.word([result])


def _read_badly(how: Callable[[Any], Any]) -> Callable[..., Any]:
    plain = mp.read_records
    return lambda *given, **named: how(plain(*given, **named))


def _crash(_: Any) -> Any:
    raise KeyError("ZEBRA100")


def _log(records: Any) -> Any:
    logging.getLogger("anything").warning("read %s", "ZEBRA100")
    return records


def _warn(records: Any) -> Any:
    warnings.warn("ZEBRA100", stacklevel=1)
    return records


def _not_added_up(records: Any) -> Any:
    return replace(records, accounting=records.accounting.assign(n_accepted=11, n_rows=14))


def _another_cell(records: Any) -> Any:
    told, aside = records.problems.assign(cell="B2"), records.quarantine.assign(r1="")
    return replace(records, problems=told, quarantine=aside)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (_crash, "KeyError"),
        (_log, "a message holds a cell's value"),
        (_warn, "warned: ZEBRA100"),
        (_not_added_up, "rows stand in the file, 14 are accounted for"),
        (_not_added_up, "rows read are not those accepted"),
        (_not_added_up, "11 rows accepted"),
    ],
)
def test_the_corpus_sees_a_bad_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Callable[[Any], Any], words: str
) -> None:
    checking.clean_reading("tracker", "csv")
    monkeypatch.setattr(mp, "read_records", _read_badly(how))
    assert words in str(checking.run(_case(), "csv", tmp_path))


@pytest.mark.parametrize(("fmt", "words"), [("xlsx", "should name the cell E6"), ("csv", "not kept as it was read")])
def test_the_corpus_sees_another_address_and_another_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fmt: str, words: str
) -> None:
    case = _case(_bad_start, told=(quarantined("1004", 4, "Date & time missing"),))
    checking.clean_reading("tracker", fmt)
    monkeypatch.setattr(mp, "read_records", _read_badly(_another_cell))
    assert words in str(checking.run(case, fmt, tmp_path))


def test_a_check_that_crashes_or_differs_is_counted(tmp_path: Path) -> None:
    crashing = checks.run(checks.Check(95, "crashes", "toml", lambda _: [str(1 // 0)]), tmp_path)
    differing = checks.run(checks.Check(95, "differs", "toml", lambda _: checks.due("it", 1, 2)), tmp_path)
    taken = checks.run(checks.Check(95, "a threshold that is one", "toml", checks.setting(threshold=9)), tmp_path)
    assert [len(r.tracebacks) for r in (crashing, differing)] == [1, 0]
    assert differing.differences == ["it: 1 is due, got 2"]
    assert taken.differences == ["settings: SettingsRefused is due, got "]
