"""The fix list: what a person is told to mend, and what the next list says became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from ingest_example import HEADER, good_rows, write_csv, write_xlsx

from missing_patterns.errors import ArgumentRefused, DataRefused
from missing_patterns.ingest.fixlist import FixList, book, changes, lists, save_fix_list, sheets, write_fix_list
from missing_patterns.ingest.log import CellRead
from missing_patterns.ingest.reader import read_files
from missing_patterns.ingest.rules import RULES
from missing_patterns.schema import Records

Table = list[dict[str, Any]]


@dataclass
class Told:
    """What reading gave, made by hand."""

    records: Records | None
    refused: list[DataRefused] = field(default_factory=list)
    cells: list[CellRead] = field(default_factory=list)


def told(*rows: str, incidents: str = "", refused: tuple[str, ...] = (), file: str = "rhi.csv") -> Told:
    """Make an outcome from problems written as `rule | column | child | reference | start | value`."""
    cells, problems = [], []
    for n, row in enumerate(rows):
        name, column, *read = (cell.strip() for cell in row.split("|"))
        rule = RULES[name]
        if read:
            cells.append(CellRead(n, *read))
        problems.append(
            {"file": file, "line": n + 2 if read else None, "column": column, "rule": rule.code}
            | {"severity": rule.severity, "outcome": rule.outcome, "message": rule.message}
        )
    listed = [line.split() for line in incidents.strip().splitlines()]
    frame = pd.DataFrame(listed, columns=["incident_id", "child_id", "missing_from"])
    accounting = {"file": [file], "table": "incidents", "n_rows": 9, "n_accepted": 7, "n_quarantined": 1}
    records = Records(
        incidents=frame,
        problems=conformed("PROBLEMS", pd.DataFrame(problems)),
        accounting=conformed("ACCOUNTING", pd.DataFrame(accounting | {"n_not_data": 1})),
    )
    parts = [DataRefused.of_file(name, "the file is empty", "Export it again.", rule="MP-X") for name in refused]
    return Told(records, parts, cells)


def conformed(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    from missing_patterns import schema

    return schema.conform(frame, getattr(schema, table))


def table(path: Path, name: str) -> Table:
    """Return the rows of one sheet by heading, as another program reads it."""
    rows = list(openpyxl.load_workbook(path)[name].iter_rows(values_only=True))
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


def to_fix(path: Path, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[c] for c in columns) for row in table(path, "To fix")]


def counts(path: Path) -> dict[str, int]:
    rows = openpyxl.load_workbook(path)["Read me"].iter_rows(values_only=True)
    return {str(row[0]).strip(): row[1] for row in rows if isinstance(row[1], int)}


BAD_RETURN = "end_before_start | Return | C1 | M1 | 13/01/2026 21:00 | 12/01/2026"
BAD_START = "not_a_date | Start | C2 | | 31/02/2026 | 31/02/2026"
LONG = "duration_long | Return | C3 | | 01/01/2026 | 09/03/2026"


def test_most_harmful_first_with_the_cells_that_find_the_record(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    outcome = told(LONG, "id_repaired | Child | C5 | | 05/01/2026 | c5", BAD_RETURN, BAD_START, refused=("bad.csv",))
    made = save_fix_list(outcome, out)
    shown = ("How bad", "File", "Child id (as read)", "Reference (as read)", "Start (as read)", "Column")
    assert to_fix(out, *shown) == [
        ("1 File not read", "bad.csv", None, None, None, None),
        ("2 Row left out", "rhi.csv", "C2", None, "31/02/2026", "Start"),
        ("2 Row left out", "rhi.csv", "C1", "M1", "13/01/2026 21:00", "Return"),
        ("3 Please look", "rhi.csv", "C3", None, "01/01/2026", "Return"),
    ]
    assert to_fix(out, "Status", "Rule", "Row or line", "What stands there (as read)", "Since list no.") == [
        ("new", "MP-X", None, None, 1),
        ("new", "MP-NOT-A-DATE", 5, "31/02/2026", 1),
        ("new", "567", 4, "12/01/2026", 1),
        ("new", "MP-DURATION-LONG", 2, "09/03/2026", 1),
    ]
    assert [r["What is wrong, and what to do"] for r in table(out, "To fix")][:2] == [
        "The file is empty. Export it again.",
        "Not a real date or time; use dd/mm/yyyy HH:MM",
    ]
    assert [(r["How many"], r["Rows or lines"]) for r in table(out, "Repaired for you")] == [(1, "3")]
    assert [(r["File"], r["Became"], r["Used"]) for r in table(out, "Every row accounted for")] == [
        ("bad.csv", "refused, not read", None),
        ("rhi.csv", "incidents", 7),
    ]
    assert counts(out)["Rows read"] == 9
    assert (made.number, made.n_refused, made.n_aside, made.n_look, made.n_new, made.n_repaired) == (1, 1, 2, 1, 4, 1)
    assert openpyxl.load_workbook(out)["Fixed since last time"]["A1"].value == "This is the first list."


def test_the_next_list_says_what_became_of_each(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    other = "not_a_date | Return | C4 | | 04/01/2026 | soon"
    save_fix_list(told(BAD_RETURN, BAD_START, LONG, other), out)
    now = told(
        "start_blank | Start | C9 | M9 | | ",
        LONG.replace("C3", " c3 "),
        incidents="""
        M1       C1 2026-01-13
        rhi:M2   C2 2026-02-28
        M4       C4 2026-02-02
        """,
        file="rhi next month.csv",
    )
    made = save_fix_list(now, out)
    assert to_fix(out, "Status", "Child id (as read)", "Since list no.", "File") == [
        ("new", "C9", 2, "rhi next month.csv"),
        ("still there", "c3", 1, "rhi next month.csv"),
    ]
    became = {r["Child id (as read)"]: r["What became of it"] for r in table(out, "Fixed since last time")}
    # C4 is there, but the record that began on 4 January is not.
    assert became == {"C1": "fixed", "C2": "fixed", "C4": "no longer in the extract"}
    assert (made.number, made.n_new, made.n_still, made.n_fixed, made.n_gone) == (2, 1, 1, 2, 1)
    assert made.explain().splitlines() == [
        "2 to fix or to look at: 0 keep a file out, 1 set a row aside, 1 to look at.",
        "Since list 1: 2 fixed, 1 no longer in the extract, 1 still there, 1 new.",
        "The list shows cells of children's records: keep it inside the council.",
    ]
    save_fix_list(told(file="rhi next month.csv"), out)
    assert openpyxl.load_workbook(out)["To fix"]["A1"].value == "Nothing is left to fix."
    third = save_fix_list(told(LONG), out)
    assert (third.number, third.n_new, third.n_fixed) == (4, 1, 0)


@pytest.mark.parametrize(
    ("problem", "incidents", "became"),
    [
        # What was itself the problem may have been mended, so the record is known by the rest.
        ("id_blank | Child | | M1 | 13/01/2026 |", "M1 C7 2026-01-13", "fixed"),
        ("id_blank | Child | | | 13/01/2026 |", "X C7 2026-01-13", "fixed"),
        ("id_blank | Child | | | 13/01/2026 |", "X C7 2026-01-14", "no longer in the extract"),
        ("start_blank | Start | C7 | | |", "X C7 2026-01-13", "fixed"),
        ("start_blank | Start | C7 | | |", "X C8 2026-01-13", "no longer in the extract"),
        ("ref_unreadable | Ref | C7 | 1E5 | 13/01/2026 | 1E5", "M1 C7 2026-01-13", "fixed"),
        ("ref_unreadable | Ref | C7 | 1E5 | 13/01/2026 | 1E5", "M1 C7 2026-01-15", "no longer in the extract"),
        ("end_before_start | Return | C7 | M1 | 13/01/2026 | x", "rhi:m1 C7 2026-01-13", "no longer in the extract"),
        ("end_before_start | Return | C7 | M1 | 13/01/2026 | x", "rhi:M1 C8 2025-01-13", "fixed"),
        ("id_scientific | Child | 1E5 | | 13/01/2026 | 1E5", "X C7 2026-01-13", "fixed"),
        ("future_date | Start | C7 | | 13/01/2030 | 13/01/2030", "X C7 2026-01-13", "fixed"),
        # Of a whole column or file nothing but the file is known.
        ("many_starts | ", "X C7 2026-01-13", "fixed"),
    ],
)
def test_fixed_or_gone(tmp_path: Path, problem: str, incidents: str, became: str) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(told(problem), out)
    save_fix_list(told(incidents=incidents), out)
    assert [r["What became of it"] for r in table(out, "Fixed since last time")] == [became]


def test_without_a_reference_the_start_tells_records_of_a_child_apart(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(told(LONG), out)
    made = save_fix_list(told(LONG.replace("01/01/2026", "02/02/2026"), incidents="X C3 2026-01-01"), out)
    assert (made.n_new, made.n_still, made.n_fixed) == (1, 0, 1)


def test_a_record_that_another_file_holds_does_not_mend_the_one_of_a_refused_file(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(told(BAD_RETURN), out)
    made = save_fix_list(told(incidents="M1 C1 2026-01-13", file="b.csv", refused=("rhi.csv",)), out)
    assert (made.n_fixed, made.n_unchecked) == (0, 1)


def test_a_file_that_is_no_longer_given_is_gone(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(told("many_starts | "), out)
    made = save_fix_list(told(file="other.csv"), out)
    assert (made.n_fixed, made.n_gone) == (0, 1)


def test_what_a_refused_file_held_is_neither_fixed_nor_gone(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(told(BAD_RETURN, LONG), out)
    made = save_fix_list(told(LONG, file="b.csv", refused=("rhi.csv",)), out)
    assert to_fix(out, "Status", "Child id (as read)", "Since list no.") == [
        ("new", None, 2),
        ("not checked this time", "C1", 1),
        ("still there", "C3", 1),
    ]
    assert (made.n_unchecked, made.n_fixed, made.n_gone) == (1, 0, 0)
    assert "1 could not be checked, because a file was not read." in made.explain()
    made = save_fix_list(told(LONG, incidents="M1 C1 2026-01-13"), out)
    assert (made.n_unchecked, made.n_fixed, made.n_gone, made.n_still) == (0, 2, 0, 1)
    nothing = save_fix_list(Told(None, [DataRefused("No file fits a profile.")]), out)
    assert (nothing.n_refused, nothing.n_unchecked) == (1, 1)
    assert len(table(out, "Every row accounted for")) == 1


def test_the_same_problem_twice_is_two(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(told(LONG, LONG), out)
    made = save_fix_list(told(LONG, LONG, LONG), out)
    assert (made.n_still, made.n_new) == (2, 1)
    made = save_fix_list(told(LONG, incidents="M C3 2026-01-01"), out)
    assert (made.n_still, made.n_fixed) == (1, 2)


def edited(path: Path, change: Any) -> None:
    workbook = openpyxl.load_workbook(path)
    change(workbook)
    workbook.save(path)


def test_notes_sorting_and_columns_of_a_person_do_no_harm(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(told(BAD_RETURN, LONG), out)

    def work(workbook: openpyxl.Workbook) -> None:
        sheet = workbook["To fix"]
        sheet.move_range("A3:P3", rows=1)
        sheet.move_range("A2:P2", rows=1)
        sheet.delete_rows(2)
        sheet["P2"] = "Rang the home"
        sheet.insert_cols(1)
        sheet["A1"], sheet["A2"] = "Who", "Sam"
        sheet["P2"], sheet["L2"] = "first", "?"

    edited(out, work)
    made = save_fix_list(told(BAD_RETURN, LONG), out)
    assert (made.n_still, made.n_new) == (2, 0)
    notes = "Your notes (kept from list to list)"
    assert to_fix(out, "Status", notes, "Since list no.") == [
        ("still there", "Rang the home", 1),
        ("still there", None, 1),
    ]


@pytest.mark.parametrize("make", ["text", "book", "title", "number", "column"])
def test_a_file_that_is_not_a_fix_list_is_never_written_over(tmp_path: Path, make: str) -> None:
    out = tmp_path / "problems.xlsx"
    if make == "text":
        out.write_text("my own notes", encoding="utf-8")
    elif make == "book":
        write_xlsx(out, {"Sheet1": [["mine"]]})
    else:
        save_fix_list(told(BAD_RETURN), out)
        cells = {"title": ("Read me", "A1"), "number": ("Read me", "B12"), "column": ("To fix", "D1")}
        sheet, cell = cells[make]
        edited(out, lambda workbook: workbook[sheet].__setitem__(cell, "mine"))
    before = out.read_bytes()
    with pytest.raises(ArgumentRefused, match="problems.xlsx is there already and is not a fix list"):
        save_fix_list(told(BAD_RETURN), out)
    assert out.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["problems.xlsx"]


def test_text_stays_text_and_is_made_harmless(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    risky = ["=1+1", "+44", "-1", "@x", "http://a.b", "007", "C\x001\u202e\ud800", "two\r\nlines"]
    save_fix_list(told(*(f"duration_long | Return | C1 | | 01/01/2026 | {r}" for r in risky)), out)
    sheet = openpyxl.load_workbook(out)["To fix"]
    values = [row[7] for row in sheet.iter_rows(min_row=2)]
    assert [cell.data_type for cell in values] == ["s"] * len(risky)
    assert [cell.hyperlink for cell in values] == [None] * len(risky)
    assert [cell.value for cell in values] == [*risky[:6], "C1", "two\nlines"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:P9"
    assert save_fix_list(told(*(f"duration_long | Return | C1 | | 01/01/2026 | {r}" for r in risky)), out).n_new == 0


def test_a_value_longer_than_a_cell_is_cut_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    fits, over = "a" * book.CELL_LIMIT, "b" * (book.CELL_LIMIT + 1)
    save_fix_list(told(f"duration_long | R | C1 | | | {fits}", f"duration_long | R | C2 | | | {over}"), out)
    shown = [row["What stands there (as read)"] for row in table(out, "To fix")]
    assert shown[0] == fits
    assert len(shown[1]) == book.CELL_LIMIT
    assert shown[1].endswith("bb [cut here; 32,768 characters long]")


def test_a_blank_cell_and_a_date_of_a_workbook_are_shown_so_that_a_person_knows_them(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(
        told("start_blank | Start | C1 | M1 | |", "id_date | Child | 2026-01-05T00:00:00 | | 2026-01-05T21:30:00 | x"),
        out,
    )
    assert to_fix(out, "Child id (as read)", "Start (as read)", "What stands there (as read)") == [
        ("05/01/2026 00:00", "05/01/2026 21:30", "x"),
        ("C1", None, "(blank)"),
    ]


def test_a_list_has_a_limit_and_says_how_many_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "problems.xlsx"
    for module in (book, sheets, lists):
        monkeypatch.setattr(module, "MOST_ROWS", 2)
    made = save_fix_list(told(LONG, LONG.replace("C3", "C4"), BAD_RETURN), out)
    assert (made.n_beyond, made.n_look) == (1, 2)
    assert "The sheet holds the 2 most harmful; 1 more did not fit." in made.explain()
    assert to_fix(out, "Child id (as read)") == [("C1",), ("C3",)]
    text = "\n".join(str(row[0]) for row in openpyxl.load_workbook(out)["Read me"].iter_rows(values_only=True))
    assert "'To fix' holds the 2 most harmful problems; 1 more did not fit." in text
    # C4 was on the last list, but not on its sheet: whether it is new cannot be known.
    save_fix_list(told(LONG.replace("C3", "C4"), BAD_RETURN), out)
    assert to_fix(out, "Status", "Child id (as read)") == [("still there", "C1"), ("not known if new", "C4")]


def test_a_repair_that_may_be_wrong_is_to_be_looked_at_and_not_among_the_sure_ones(tmp_path: Path) -> None:
    out = tmp_path / "problems.xlsx"
    made = save_fix_list(told("two_digit_year | Start | C1 | | 1.5.26 | 1.5.26"), out)
    assert to_fix(out, "How bad", "What was done with it") == [
        ("3 Please look", "repaired by a rule that may be wrong")
    ]
    assert made.n_repaired == 0


def test_lines_are_worded_in_runs_and_cut() -> None:
    assert sheets.ranges([]) == ""
    assert sheets.ranges([3]) == "3"
    assert sheets.ranges(list(range(2, 200, 2))).endswith("78, 80 and 59 more")


def test_the_same_problems_give_the_same_bytes_and_no_value_in_words(tmp_path: Path) -> None:
    made = [save_fix_list(told(BAD_RETURN, LONG), tmp_path / f"{n}.xlsx") for n in "ab"]
    assert made[0].path.read_bytes() == made[1].path.read_bytes()
    assert "C1" not in repr(made[0]) + made[0].explain() + repr(book.Sheet("x", [], [["C1"]], ""))
    assert repr(changes.Present(*[frozenset("a")] * 5)) == "Present: 1 references, 1 children"
    assert repr(book.Book(1, is_whole=True, rows=[{"a": "C1"}])) == "Book: number 1, 1 rows"


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "problems.xlsx"
    save_fix_list(told(BAD_RETURN), out)
    before = out.read_bytes()

    def broken(*_: object) -> None:
        raise OSError(13, "denied", "problems.xlsx")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="denied"):
        save_fix_list(told(LONG), out)
    assert (out.read_bytes() == before, [p.name for p in tmp_path.iterdir()]) == (True, ["problems.xlsx"])


@pytest.mark.parametrize("name", ["extracts/problems.xlsx", "extracts/rhi.csv", "problems.csv", "extracts/rhi.xlsx"])
def test_a_place_among_the_files_or_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "extracts"
    folder.mkdir()
    write_csv(folder / "rhi.csv", good_rows())
    write_xlsx(folder / "rhi.xlsx", {"Sheet1": [["x"]]})
    for paths in (folder, [folder / "rhi.csv", folder], [folder, folder / "rhi.xlsx"]):
        with pytest.raises(ArgumentRefused, match="Put it somewhere else|must end in .xlsx"):
            write_fix_list(paths, tmp_path / name)
    (tmp_path / "mine.xlsx").write_text("my own notes", encoding="utf-8")
    with pytest.raises(ArgumentRefused, match="not a fix list"):
        write_fix_list(tmp_path / "nowhere.csv", tmp_path / "mine.xlsx")
    with pytest.raises(ArgumentRefused, match="paths must be"):
        write_fix_list(7, tmp_path / "problems.xlsx")  # type: ignore[arg-type]


def test_from_files_to_list_and_back(tmp_path: Path) -> None:
    folder, out = tmp_path / "extracts", tmp_path / "problems.xlsx"
    folder.mkdir()
    rows = good_rows()
    rows[1][3] = "31/02/2026 21:00"
    rows[4][1] = ""
    write_csv(folder / "rhi.csv", rows)
    (folder / "bad.csv").write_text('CHILD,MISSING,MIS_START,MIS_END\nC1,M,"13/01/2026,\n', encoding="utf-8")
    made = write_fix_list((p for p in [folder]), out)
    assert isinstance(made, FixList)
    assert (made.n_refused, made.n_aside) == (1, 2)
    shown = to_fix(out, "How bad", "Child id (as read)", "Reference (as read)", "What stands there (as read)", "Rule")
    assert sorted((row for row in shown if row[0] == "2 Row left out"), key=str) == [
        ("2 Row left out", "C1", "M1", "31/02/2026 21:00", "1004"),
        ("2 Row left out", None, "M4", "(blank)", "MP-ID-BLANK"),
    ]
    (folder / "bad.csv").unlink()
    write_csv(
        folder / "rhi.csv", [row if row[0] != "M1" else [*row[:3], "14/01/2026 21:00", *row[4:]] for row in rows[:-1]]
    )
    again = write_fix_list(folder, out)
    assert (again.number, again.n_refused, again.n_aside) == (2, 0, 1)
    became = {
        (r["Rule"], r["Reference (as read)"]): r["What became of it"] for r in table(out, "Fixed since last time")
    }
    assert became[("1004", "M1")] == "fixed"
    assert HEADER[1] == "Child ID"


def test_a_cell_of_an_unusable_workbook_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "problems.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        for name in (book.README, book.TO_FIX):
            workbook.add_worksheet(name)
    with pytest.raises(ArgumentRefused, match="not a fix list"):
        save_fix_list(told(LONG), path)


def test_a_person_whom_no_reference_leads_to_is_shown_as_read(tmp_path: Path) -> None:
    headers = ["Police reference", "Nominal ID", "Last seen", "Found", "Risk grade"]
    known = ["P1", "N700", "13/01/2026 21:00", "13/01/2026 23:00", "High"]
    unknown = ["P9", "N701", "14/01/2026 20:00", "14/01/2026 22:00", "Low"]
    ours = [["M1", "C1", "13/01/2026 21:00", "13/01/2026 23:00", "P1"]]
    paths = [
        write_csv(tmp_path / "police.csv", [known, unknown], headers),
        write_csv(tmp_path / "rhi.csv", ours, ["Ref", "Child ID", "Date missing", "Date returned", "Police ref"]),
    ]
    outcome = read_files(paths)
    assert outcome.records is not None
    problems = outcome.records.problems.reset_index(drop=True)
    at = problems.index[problems["rule"] == "MP-PERSON-UNKNOWN"].tolist()
    assert problems.loc[at, ["file", "line"]].to_numpy().tolist() == [["police.csv", 3]]
    assert [tuple(c) for c in outcome.cells if c.problem in at] == [(at[0], "N701", "P9", "14/01/2026 20:00", "")]
