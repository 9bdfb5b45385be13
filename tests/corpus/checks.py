"""Defects that one clean table cannot show: several files, a file that changes, what is written, and settings."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import openpyxl
from report_example import example_month

import missing_patterns as mp
from corpus.checking import Result, read
from corpus.model import Case
from corpus.sheets import BASES, TOKENS, Sheet, tracker
from corpus.writers import write
from missing_patterns.errors import MissingPatternsError
from missing_patterns.ingest.fixlist import write_fix_list
from missing_patterns.report.excel import render_excel
from missing_patterns.report.tidy import render_tidy
from missing_patterns.settings import Settings, defaults, read_settings

NOTE, END = "Child's account", "Date & time returned"
MOST = 32_767


@dataclass(frozen=True, slots=True)
class Check:
    """A defect with a test of its own, which returns what is not as declared."""

    number: int
    name: str
    fmt: str
    test: Callable[[Path], list[str]]


def run(check: Check, folder: Path) -> Result:
    """Run one, and turn what it says into the form of the others."""
    case = Case(check.number, check.name, "tracker", lambda _: None, (check.fmt,))
    result = Result(case, check.fmt)
    try:
        result.differences = check.test(folder)
    except Exception as error:  # noqa: BLE001  # whatever it is, the corpus counts it
        result.tracebacks.append(f"{type(error).__name__}: {error}"[:200])
    result.leaks = [d for d in result.differences if any(t in d.casefold() for t in TOKENS)]
    return result


def _refusal(make: Callable[[], object]) -> str:
    """Return the name of the refusal that comes of something, or nothing."""
    try:
        make()
    except MissingPatternsError as error:
        return type(error).__name__
    return ""


def due(what: str, wanted: object, got: object) -> list[str]:
    return [] if wanted == got else [f"{what}: {wanted} is due, got {got}"]


# 86, 87: several files, and one that changes --------------------------------------------------------------------------
def _two(folder: Path, later: Sheet, fmt: str, fmt_later: str) -> mp.schema.Records:
    paths = [write(folder, tracker(), fmt, "january"), write(folder, later, fmt_later, "later")]
    reading = read(paths)
    assert reading.records is not None, reading.crash or reading.refusal
    return reading.records


def _told(records: mp.schema.Records, file: str) -> set[str]:
    told = records.problems
    return set(told.loc[(told["file"] == file) & ~told["rule"].str.startswith("MP-DATE-ORDER"), "rule"])


def _same_file(fmt: str) -> Callable[[Path], list[str]]:
    def test(folder: Path) -> list[str]:
        first = write(folder, tracker(), fmt, "january")
        again = first.with_stem("later")
        again.write_bytes(first.read_bytes())
        records = read([first, again]).records
        assert records is not None
        file = records.accounting["file"].tolist()
        return [
            *due("the same file twice", 12, len(records.incidents)),
            *due("files read", 1, len(file)),
            *due("told", True, bool(records.problems["rule"].eq("MP-SAME-FILE-TWICE").any())),
        ]

    return test


def _overlap(fmt: str, fmt_later: str) -> Callable[[Path], list[str]]:
    """Two months' extracts hold six records both: each counts once."""

    def test(folder: Path) -> list[str]:
        later = tracker(18)
        later.rows = later.rows[6:]
        records = _two(folder, later, fmt, fmt_later)
        aside = records.quarantine[["file", "line", "rule"]].to_numpy().tolist()
        name = f"later.{'csv' if fmt_later == 'csv' else 'xlsx'}"
        return [
            *due("records", 18, len(records.incidents)),
            *due("set aside", [[name, 2 + i, "MP-DUPLICATE-ROW"] for i in range(6)], aside),
            *due("told", True, "MP-FILES-OVERLAP" in _told(records, name)),
            *due("accounted for", [12, 6, 6, 1], _sums(records)),
        ]

    return test


def _sums(records: mp.schema.Records) -> list[int]:
    first, second = records.accounting.to_dict("records")
    return [int(n) for n in (first["n_accepted"], second["n_accepted"], second["n_quarantined"], second["n_not_data"])]


def _superseded(folder: Path) -> list[str]:
    """A later extract says of one record that the child came back later."""
    later = tracker(18)
    later.rows = [r for r in later.rows if r.key in (3, 12, 13)]
    later.put(3, END, "17/01/2024 06:00")
    records = _two(folder, later, "csv", "csv")
    aside = records.quarantine[["file", "line", "rule"]].to_numpy().tolist()
    back = records.incidents.set_index("incident_id")["returned_at"]["ZEBRAREF103"]
    return [
        *due("set aside", [["january.csv", 5, "MP-SUPERSEDED"]], aside),
        *due("the later return", "2024-01-17 06:00", f"{back:%Y-%m-%d %H:%M}"),
        *due("records", 14, len(records.incidents)),
    ]


def _changing(fmt: str) -> Callable[[Path], list[str]]:
    """A file that an export is still writing: it grows while it is read."""

    def test(folder: Path) -> list[str]:
        path = write(folder, tracker(), fmt)
        plain = Path.read_bytes

        def growing(self: Path) -> bytes:
            data = plain(self)
            self.write_bytes(data + b"\n")
            return data

        with mock.patch.object(Path, "read_bytes", growing):
            reading = read([path])
        rules = {p.rule for p in getattr(reading.refusal, "parts", ())}
        return [*due("refused", {"MP-CHANGED-WHILE-READING"}, rules), *due("crash", "", reading.crash)]

    return test


# 32: interviews without incidents, and the reverse --------------------------------------------------------------------
_ALONE = """
name = "ours"
[[table]]
name = "interviews"
becomes = ["interviews"]
recognise = ["interview_id", "child_id"]
[table.columns]
interview_id = ["Form"]
child_id = ["Child ID"]
incident_ids = ["Episode"]
held_at = ["RHI date"]
[[table]]
name = "incidents"
becomes = ["incidents"]
recognise = ["child_id", "missing_from"]
[table.columns]
incident_id = ["Ref"]
child_id = ["Child ID"]
missing_from = ["Date & time missing"]
returned_at = ["Date & time returned"]
"""


def _interviews_apart(fmt: str) -> Callable[[Path], list[str]]:
    """Interviews in a file of their own: one of no incident, and eleven incidents of no interview."""

    def test(folder: Path) -> list[str]:
        profile = folder / "ours.toml"
        profile.write_text(_ALONE, encoding="utf-8")
        incidents = tracker()
        incidents.header = incidents.header[:6]
        for row in incidents.rows:
            del row.cells[6:]
        for name in ("DOB", "Gender"):
            incidents.drop_column(name)
        alone = tracker()
        alone.header = ["Form", "Child ID", "Episode", "RHI date"]
        for row, ref, child in zip(alone.rows, range(12), range(12), strict=True):
            row.cells = [f"ZEBRAFORM{ref}", row.cells[1], row.cells[0], row.cells[9]]
            assert child == row.key
        alone.rows = alone.rows[:2]
        alone.put(1, "Child ID", "ZEBRA900")
        alone.put(1, "Episode", "")
        paths = [write(folder, incidents, fmt, "incidents"), write(folder, alone, fmt, "interviews")]
        records = read(paths, profile=profile).records
        assert records is not None
        rules = set(records.problems["rule"])
        return [
            *due("incidents", 12, len(records.incidents)),
            *due("interviews", 2, len(records.interviews)),
            *due("told", True, rules >= {"MP-INTERVIEW-WITHOUT-INCIDENT", "MP-INCIDENT-WITHOUT-INTERVIEW"}),
        ]

    return test


# 84, 85, 93: what is written ------------------------------------------------------------------------------------------
def _month_with(text: str) -> dict[str, Any]:
    month = example_month()
    table = month["sections"][0]["items"][0]["table"]
    table["rows"][0][6] = text
    return month


def _excel_cells(data: bytes) -> list[Any]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def _too_long(_: Path) -> list[str]:
    return due(
        "a cell that Excel would cut", "ArgumentRefused", _refusal(lambda: render_excel(_month_with("z" * 40_000)))
    )


def _fix_list(folder: Path, note: str, column: str = "Triggers") -> list[Any]:
    sheet = tracker()
    sheet.put(4, column, note)
    out = folder / "problems.xlsx"
    write_fix_list(write(folder, sheet, "csv"), out)
    return _excel_cells(out.read_bytes())


def _too_long_to_list(folder: Path) -> list[str]:
    cells = _fix_list(folder, "ZEBRA " * 8_000)
    return due("cells longer than Excel takes", 0, sum(len(str(c.value)) > MOST for c in cells))


def _control_in_excel(_: Path) -> list[str]:
    words = [str(c.value) for c in _excel_cells(render_excel(_month_with("high\x07\x0b\x00er")))]
    return due("a control character", False, any(c in w for w in words for c in "\x07\x0b\x00"))


def _control_in_tidy(_: Path) -> list[str]:
    month = example_month()
    month["measures"][0]["group"] = "high\x07er"
    return due("a control character", False, "\x07" in render_tidy(month))


def _control_in_list(folder: Path) -> list[str]:
    cells = _fix_list(folder, "ZEBRA\x07\x0btrouble")
    return due("a control character", False, any(c in str(x.value) for x in cells for c in "\x07\x0b"))


_FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1+1")


def _inert_in_excel(_: Path) -> list[str]:
    cells = [c for text in _FORMULAS for c in _excel_cells(render_excel(_month_with(text)))]
    return due("formulas", 0, sum(c.data_type == "f" for c in cells))


def _inert_in_tidy(_: Path) -> list[str]:
    found = []
    for text in _FORMULAS:
        month = example_month()
        month["measures"][0]["group"] = text
        cells = [c for row in csv.reader(io.StringIO(render_tidy(month))) for c in row]
        found += [c for c in cells if c[:1] in tuple("=+@\t") or (c[:1] == "-" and not c[1:2].isdigit())]
    return due("cells that a spreadsheet would run", [], found)


def _inert_in_list(folder: Path) -> list[str]:
    cells = []
    for i, text in enumerate(_FORMULAS):
        inner = folder / str(i)
        inner.mkdir()
        cells += _fix_list(inner, text, "Gender")
    return due("formulas", 0, sum(c.data_type == "f" for c in cells))


# 95: settings ---------------------------------------------------------------------------------------------------------
def setting(**changed: Any) -> Callable[[Path], list[str]]:
    def test(_: Path) -> list[str]:
        return due("settings", "SettingsRefused", _refusal(lambda: Settings(**{**defaults(), **changed})))

    return test


def _settings_file(text: str) -> Callable[[Path], list[str]]:
    def test(folder: Path) -> list[str]:
        path = folder / "settings.toml"
        path.write_text(text, encoding="utf-8")
        return due("settings", "SettingsRefused", _refusal(lambda: read_settings(path)))

    return test


def _profile_file(text: str) -> Callable[[Path], list[str]]:
    def test(folder: Path) -> list[str]:
        path = folder / "ours.toml"
        path.write_text(text, encoding="utf-8")
        table = write(folder, BASES["tracker"](), "csv")
        return due("a profile", "SettingsRefused", _refusal(lambda: mp.read_records(table, profile=path)))

    return test


_TABLE = 'name = "ours"\n[[table]]\nname = "t"\nbecomes = ["incidents"]\nrecognise = ["child_id"]\n'
_COLUMNS = '[table.columns]\nchild_id = ["Child ID"]\nmissing_from = ["Date & time missing"]\n'
CHECKS = [
    *(Check(86, "the same file twice", fmt, _same_file(fmt)) for fmt in ("csv", "xlsx", "ods")),
    Check(86, "two months that overlap", "csv", _overlap("csv", "csv")),
    Check(86, "two months that overlap", "xlsx", _overlap("xlsx", "xlsx")),
    Check(86, "two months that overlap, of two kinds", "xlsx", _overlap("csv", "xlsx")),
    Check(86, "a later extract that corrects an earlier one", "csv", _superseded),
    *(Check(87, "a file that changes while it is read", fmt, _changing(fmt)) for fmt in ("csv", "xlsx", "ods", "xls")),
    *(Check(32, "interviews without incidents, and the reverse", fmt, _interviews_apart(fmt))
      for fmt in ("csv", "xlsx")),
    Check(84, "text that Excel would cut, in a report", "xlsx", _too_long),
    Check(84, "text that Excel would cut, in a fix list", "xlsx", _too_long_to_list),
    Check(85, "control characters in a report", "xlsx", _control_in_excel),
    Check(85, "control characters in tidy text", "csv", _control_in_tidy),
    Check(85, "control characters in a fix list", "xlsx", _control_in_list),
    Check(93, "formulas in a report", "xlsx", _inert_in_excel),
    Check(93, "formulas in tidy text", "csv", _inert_in_tidy),
    Check(93, "formulas in a fix list", "xlsx", _inert_in_list),
    Check(95, "a threshold of nought", "toml", setting(threshold=0)),
    Check(95, "a threshold below nought", "toml", setting(threshold=-5)),
    Check(95, "a threshold in words", "toml", setting(threshold="five")),
    Check(95, "hours of the wrong type", "toml", setting(due_hours=72.5)),
    Check(95, "a share above one", "toml", setting(min_share_types=2.0)),
    Check(95, "a setting that is not known", "toml", _settings_file("[disclosure]\ntreshold = 5\n")),
    Check(95, "a section that is not known", "toml", _settings_file("[disclosur]\nthreshold = 5\n")),
    Check(95, "a file that is no TOML", "toml", _settings_file("threshold five\n")),
    Check(95, "a threshold of nought in a file", "toml", _settings_file("[disclosure]\nthreshold = 0\n")),
    Check(95, "a profile without tables", "toml", _profile_file('name = "ours"\n')),
    Check(95, "a profile with an unknown key", "toml", _profile_file(_TABLE + 'colour = "red"\n' + _COLUMNS)),
    Check(95, "a profile with an unknown field", "toml", _profile_file(_TABLE + _COLUMNS + 'shoe_size = ["Shoe"]\n')),
    Check(95, "a profile with a wrong order of dates", "toml",
          _profile_file(_TABLE + 'date_order = "any"\n' + _COLUMNS)),
]  # fmt: skip
