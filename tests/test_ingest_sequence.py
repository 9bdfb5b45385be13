"""Checks across rows, sheets and files: bad rows in, code and line out, and no row lost."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_example import check_law, rules, write_csv, write_xlsx

import missing_patterns as mp
from missing_patterns import schema
from missing_patterns.errors import DataRefused
from missing_patterns.ingest.reader import read_files
from missing_patterns.settings import Settings, defaults

SHORT = {
    "ref": "Ref",
    "child": "Child ID",
    "born": "DOB",
    "sex": "Gender",
    "start": "Date & time missing",
    "end": "Date & time returned",
    "type": "Missing or away",
    "status": "RHI status",
    "by": "Placing authority",
}


#: Told of nearly every small file here: columns that these tests need not have, and what proves the dates.
USUAL = {"MP-COLUMN-ABSENT", "MP-DATE-ORDER-PROVEN", "MP-DATE-ORDER-UNPROVEN"}


def table(text: str) -> tuple[list[str], list[list[object]]]:
    """Read a table drawn with bars; the first line names columns, and ~ stands for an empty cell."""
    lines = [[cell.strip().replace("~", "") for cell in line.split("|")] for line in text.strip().splitlines()]
    return [SHORT[name] for name in lines[0]], [list(line) for line in lines[1:]]


def read(folder: Path, *texts: str, suffix: str = "csv", settings: Settings | None = None) -> schema.Records:
    """Write one file per table (a.csv, b.csv, ...), read them, and hold the law against them."""
    folder.mkdir(exist_ok=True)
    paths = []
    for name, text in zip("abcdef", texts, strict=False):
        header, rows = table(text)
        paths.append(folder / f"{name}.{suffix}")
        if suffix == "csv":
            write_csv(paths[-1], rows, header)
        else:
            write_xlsx(paths[-1], {"Tracker": [list(header), *rows]})
    records = mp.read_records(paths, settings=settings)
    check_law(records, *paths)
    assert records.accounting["n_accepted"].sum() == len(records.incidents)
    return records


def told(records: schema.Records) -> list[str]:
    """Each problem that is about lines, as file:line:code; the proof of the dates' order is left out."""
    rows = records.problems[records.problems["line"].notna()]
    return [f"{f[0]}{n}:{r}" for f, n, r in zip(rows["file"], rows["line"], rows["rule"], strict=True)]


def about_columns(records: schema.Records) -> dict[str, str]:
    """Each problem that is about a column or a file: its code, and the count in its message."""
    rows = records.problems[records.problems["line"].isna()]
    found = dict(zip(rows["rule"], rows["message"].str.rpartition(": ")[2], strict=True))
    return {rule: detail for rule, detail in found.items() if rule not in USUAL}


# what stands in the table, what is told, and which lines are set aside
SEQUENCES = {
    "an open record that a later one follows": (
        """
        child | start            | end
        C1    | 13/01/2026 21:00 | ~
        C1    | 15/01/2026 21:00 | 15/01/2026 23:00
        C2    | 16/01/2026 21:00 | ~
        """,
        ["a2:574"],
        [2],
    ),
    "open records that begin at the same minute say nothing of each other": (
        """
        child | start            | end
        C1    | 13/01/2026 21:00 | ~
        C1    | 13/01/2026 21:00 | 13/01/2026 23:00
        """,
        ["a3:MP-OVERLAP"],
        [],
    ),
    "several open ones: only the last stays": (
        """
        child | start            | end
        C1    | 17/01/2026 21:00 | ~
        C1    | 13/01/2026 21:00 | ~
        C1    | 15/01/2026 21:00 | ~
        """,
        ["a3:574", "a4:574"],
        [3, 4],
    ),
    "overlapping and nested": (
        """
        child | start            | end
        C1    | 13/01/2026 10:00 | 13/01/2026 20:00
        C1    | 13/01/2026 15:00 | 13/01/2026 16:00
        C1    | 13/01/2026 19:00 | 13/01/2026 22:00
        C2    | 13/01/2026 19:00 | 13/01/2026 22:00
        """,
        ["a3:MP-OVERLAP", "a4:MP-OVERLAP"],
        [],
    ),
    "touching at a minute": (
        """
        child | start            | end
        C1    | 13/01/2026 10:00 | 13/01/2026 20:00
        C1    | 13/01/2026 20:00 | 13/01/2026 22:00
        C1    | 14/01/2026       | 15/01/2026
        C1    | 15/01/2026       | 16/01/2026
        """,
        ["a4:MP-DAY-PRECISION", "a5:MP-DAY-PRECISION", "a3:MP-BACK-TO-BACK"],
        [],
    ),
    "four starts in a day": (
        """
        child | start            | end
        C1    | 13/01/2026 00:30 | 13/01/2026 01:00
        C1    | 13/01/2026 06:00 | 13/01/2026 07:00
        C1    | 13/01/2026 22:00 | 13/01/2026 22:30
        C1    | 13/01/2026 23:00 | 13/01/2026 23:30
        C1    | 14/01/2026 00:10 | 14/01/2026 00:20
        C2    | 13/01/2026 23:00 | 13/01/2026 23:30
        """,
        ["a5:MP-MANY-STARTS"],
        [],
    ),
    "longer than 30 days, and exactly 30": (
        """
        child | start            | end
        C1    | 13/01/2026 10:00 | 12/02/2026 10:01
        C2    | 13/01/2026 10:00 | 12/02/2026 10:00
        C3    | 13/03/2026       | 12/04/2026
        """,
        ["a4:MP-DAY-PRECISION", "a2:MP-DURATION-LONG"],
        [],
    ),
}


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_records_of_one_child_are_held_against_each_other(tmp_path: Path, name: str, suffix: str) -> None:
    text, expected, aside = SEQUENCES[name]
    records = read(tmp_path, text, suffix=suffix)
    assert sorted(told(records)) == sorted(expected)
    assert records.quarantine["line"].tolist() == aside


def test_an_open_record_in_one_month_is_set_aside_for_the_next_month(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        "child | start | end\nC1 | 13/01/2026 21:00 | ~",
        "child | start | end\nC1 | 13/02/2026 21:00 | 13/02/2026 23:00",
    )
    assert told(records) == ["a2:574"]
    assert records.problems.loc[records.problems["rule"] == "574", "column"].tolist() == ["Date & time returned"]


def test_without_a_column_of_ends_an_open_record_says_nothing(tmp_path: Path) -> None:
    records = read(tmp_path, "child | start\nC1 | 13/01/2026 21:00\nC1 | 14/01/2026 21:00")
    assert (told(records), len(records.incidents)) == ([], 2)


MINUTES = st.integers(0, 3 * 24 * 60)


@given(st.lists(st.tuples(st.sampled_from("AB"), MINUTES, st.none() | st.integers(0, 2000)), min_size=1, max_size=9))
@settings(deadline=None, max_examples=40)
def test_a_slow_twin_finds_the_same(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[str, int, int | None]]
) -> None:
    first = pd.Timestamp("2026-01-13")
    rows: list[list[object]] = []
    for n, (child, start, length) in enumerate(spans):
        begin = first + pd.Timedelta(minutes=start)
        end = "" if length is None else (begin + pd.Timedelta(minutes=length)).strftime("%d/%m/%Y %H:%M")
        rows.append([f"R{n}", child, begin.strftime("%d/%m/%Y %H:%M"), end])
    header = [SHORT[c] for c in ("ref", "child", "start", "end")]
    records = mp.read_records(write_csv(tmp_path_factory.mktemp("twin") / "a.csv", rows, header))
    lines = records.problems.dropna(subset=["line"]).groupby("rule")["line"].agg(set).to_dict()
    is_open = [length is None and any(c == child and s > start for c, s, _ in spans) for child, start, length in spans]
    assert lines.get("574", set()) == {i + 2 for i, found in enumerate(is_open) if found}
    kept = [(c, s, np.inf if n is None else s + n, i + 2) for i, (c, s, n) in enumerate(spans) if not is_open[i]]
    if all(s % 1440 or (e - s) % 1440 for _, s, e, _ in kept):  # midnights alone are read as dates
        in_order = sorted(kept, key=lambda k: (k[0], k[1], k[3]))
        overlaps = {k[3] for n, k in enumerate(in_order) if any(o[0] == k[0] and k[1] < o[2] for o in in_order[:n])}
        assert lines.get("MP-OVERLAP", set()) == overlaps


ROW = "M1 | C1 | 13/01/2026 21:00 | 13/01/2026 23:00"
REPEATS = {
    "equal rows of one file: the first stands": (
        [f"ref | child | start | end\n{ROW}\nM2 | C1 | 14/01/2026 21:00 | 14/01/2026 23:00\n{ROW}\n{ROW}"],
        ["a4:MP-DUPLICATE-ROW", "a5:MP-DUPLICATE-ROW"],
    ),
    "equal rows of two files, columns in another order": (
        [
            f"ref | child | start | end\n{ROW}",
            "child | ref | start | end\nC1 | M1 | 13/01/2026 21:00 | 13/01/2026 23:00",
        ],
        ["b2:MP-DUPLICATE-ROW"],
    ),
    "one reference, one child, two contents in one file: nobody knows": (
        [f"ref | child | start | end\n{ROW}\nM1 | C1 | 13/01/2026 21:00 | 13/01/2026 22:00"],
        ["a2:MP-RECORD-TWICE", "a3:MP-RECORD-TWICE"],
    ),
    "one reference of two children stays": (
        [f"ref | child | start | end\n{ROW}\nM1 | C2 | 14/01/2026 21:00 | 14/01/2026 22:00"],
        ["a2:MP-REF-TWICE", "a3:MP-REF-TWICE"],
    ),
    "a later file says otherwise": (
        [
            "ref | child | start | end\nM1 | C1 | 13/01/2026 21:00 | ~",
            f"ref | child | start | end\n{ROW}\nM9 | C9 | 20/01/2026 21:00 | 20/01/2026 23:00",
        ],
        ["a2:MP-SUPERSEDED"],
    ),
    "the file with the newest stamp is the later one, whatever its name": (
        [
            f"ref | child | start | end\n{ROW}\nM9 | C9 | 20/01/2026 21:00 | 20/01/2026 23:00",
            "ref | child | start | end\nM1 | C1 | 13/01/2026 21:00 | ~",
        ],
        ["b2:MP-SUPERSEDED"],
    ),
    "references that begin anew each year: two absences": (
        [
            "ref | child | start | end\n1 | C1 | 13/01/2024 21:00 | 14/01/2024 09:00",
            "ref | child | start | end\n1 | C1 | 13/01/2025 21:00 | 14/01/2025 09:00",
        ],
        ["a2:MP-REF-TWICE", "b2:MP-REF-TWICE"],
    ),
    "a reference given twice in one file, more than a day apart": (
        [f"ref | child | start | end\n{ROW}\nM1 | C1 | 20/01/2026 21:00 | 20/01/2026 23:00"],
        ["a2:MP-REF-TWICE", "a3:MP-REF-TWICE"],
    ),
    "a return is known in the file with the older stamps": (
        [
            f"ref | child | start | end\n{ROW.rpartition('|')[0]} | ~\nM2 | C2 | 14/01/2026 21:00 | 14/01/2026 23:00",
            f"ref | child | start | end\n{ROW}",
        ],
        ["a2:MP-SUPERSEDED"],
    ),
    "without a reference, the child and the minute of the start tell the record": (
        [
            "child | start | end | status\nC1 | 13/01/2026 21:00 | 14/01/2026 09:00 | Offered - awaiting",
            """
            child | start            | end              | status
            C1    | 13/01/2026 21:00 | 14/01/2026 09:00 | Declined
            C2    | 20/01/2026 21:00 | 21/01/2026 09:00 | Declined
            """,
        ],
        ["a2:MP-SUPERSEDED"],
    ),
    "by date only, an open record is the one that has a return in another file": (
        ["child | start | end\nC1 | 20/03/2026 | ~", "child | start | end\nC1 | 20/03/2026 | 22/03/2026"],
        ["a2:MP-SUPERSEDED"],
    ),
    "the same record written in another way says the same": (
        [
            "child | start | end\nC1 | 13/01/2026 21:00 | 13/01/2026 23:00",
            "child | start | end\nc1 | 2026-01-13T21:00 | 2026-01-13T23:00",
        ],
        ["b2:MP-DUPLICATE-ROW", "b2:MP-ID-REPAIRED"],
    ),
    "which file is later cannot be told": (
        [f"ref | child | start | end\n{ROW}", f"ref | child | start | end\n{ROW[:-5]}22:00"],
        ["a2:MP-RECORD-TWICE", "b2:MP-RECORD-TWICE"],
    ),
    "blank references are none": (
        [
            """
            ref | child | start            | end
            ~   | C1    | 13/01/2026 21:00 | 13/01/2026 22:00
            ~   | C1    | 14/01/2026 21:00 | 14/01/2026 22:00
            """,
            "ref | child | start | end\n~ | C1 | 15/01/2026 21:00 | 15/01/2026 22:00",
        ],
        [],
    ),
}


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize("name", REPEATS)
def test_each_record_counts_once(tmp_path: Path, name: str, suffix: str) -> None:
    texts, expected = REPEATS[name]
    assert sorted(told(read(tmp_path, *texts, suffix=suffix))) == sorted(expected)


def test_files_that_overlap_are_told_once_with_a_count(tmp_path: Path) -> None:
    newer = f"ref | child | start | end\n{ROW}\nM2 | C1 | 20/01/2026 21:00 | 20/01/2026 23:00"
    older = f"ref | child | start | end\n{ROW}\nM2 | C1 | 20/01/2026 21:00 | ~"
    records = read(tmp_path, older, newer)
    assert about_columns(records) == {"MP-FILES-OVERLAP": "2 records"}
    assert records.problems.loc[records.problems["rule"] == "MP-FILES-OVERLAP", "file"].tolist() == ["b.csv"]
    assert len(records.incidents) == 2


WHO = {
    "one id, date of birth and sex both differ: every row of it": (
        """
        child | born       | sex | start            | end
        C1    | 14/03/2011 | F   | 13/01/2026 21:00 | 13/01/2026 22:00
        C1    | 15/04/2012 | M   | 14/01/2026 21:00 | 14/01/2026 22:00
        C1    | ~          | ~   | 15/01/2026 21:00 | 15/01/2026 22:00
        C2    | 15/04/2012 | M   | 16/01/2026 21:00 | 16/01/2026 22:00
        """,
        ["a2:MP-ID-TWO-CHILDREN", "a3:MP-ID-TWO-CHILDREN", "a4:MP-ID-TWO-CHILDREN"],
    ),
    "only one differs": (
        """
        child | born       | sex        | start            | end
        C1    | 14/03/2011 | F          | 13/01/2026 21:00 | 13/01/2026 22:00
        C1    | 15/03/2011 | F          | 14/01/2026 21:00 | 14/01/2026 22:00
        C2    | 14/03/2010 | Not stated | 13/01/2026 21:00 | 13/01/2026 22:00
        C2    | 14/03/2010 | M          | 14/01/2026 21:00 | 14/01/2026 22:00
        C2    | 14/03/2010 | F          | 15/01/2026 21:00 | 15/01/2026 22:00
        """,
        ["a3:MP-DOB-DIFFERS", "a6:MP-SEX-DIFFERS"],
    ),
    "two ids that are one but for noughts and signs": (
        """
        child | born       | sex | start            | end
        00123 | 14/03/2011 | F   | 13/01/2026 21:00 | 13/01/2026 22:00
        123   | 14/03/2011 | F   | 15/01/2026 21:00 | 15/01/2026 22:00
        124   | 14/03/2011 | F   | 16/01/2026 21:00 | 16/01/2026 22:00
        0124  | 14/03/2011 | M   | 17/01/2026 21:00 | 17/01/2026 22:00
        """,
        ["a2:MP-CHILD-TWO-IDS", "a3:MP-CHILD-TWO-IDS"],
    ),
    "two ids, one date of birth and sex, one minute": (
        """
        child | born       | sex | start            | end
        C1    | 14/03/2011 | F   | 13/01/2026 21:00 | 13/01/2026 22:00
        X9    | 14/03/2011 | F   | 13/01/2026 21:00 | 13/01/2026 22:30
        C1    | 14/03/2011 | F   | 16/01/2026 21:00 | 16/01/2026 22:00
        C5    | 14/03/2011 | M   | 13/01/2026 21:00 | 13/01/2026 22:00
        C6    | 15/03/2011 | F   | 13/01/2026 21:00 | 13/01/2026 22:00
        """,
        ["a2:MP-CHILD-TWO-IDS", "a3:MP-CHILD-TWO-IDS"],
    ),
    "twins go missing on the same day": (
        """
        child | born       | sex | start      | end
        C1    | 14/03/2011 | F   | 13/01/2026 | 13/01/2026
        C2    | 14/03/2011 | F   | 13/01/2026 | 14/01/2026
        """,
        [],
    ),
}


@pytest.mark.parametrize("name", WHO)
def test_who_a_child_is(tmp_path: Path, name: str) -> None:
    text, expected = WHO[name]
    assert sorted(told(read(tmp_path, text))) == sorted(expected)


def test_two_children_of_one_id_are_set_aside_in_every_sheet(tmp_path: Path) -> None:
    (tmp_path / "Header.csv").write_text(
        "CHILD,SEX,DOB,ETHNIC\n1,1,14/03/2011,WBRI\n1,2,15/03/2012,WBRI\n2,2,15/03/2012,WBRI\n", encoding="utf-8"
    )
    (tmp_path / "Missing.csv").write_text(
        "CHILD,DOB,MISSING,MIS_START,MIS_END\n1,,M,13/01/2026,14/01/2026\n2,,M,13/01/2026,14/01/2026\n",
        encoding="utf-8",
    )
    records = mp.read_records(tmp_path)
    check_law(records, tmp_path / "Header.csv", tmp_path / "Missing.csv")
    aside = records.quarantine[["file", "line", "rule"]].to_numpy().tolist()
    assert aside == [
        [f, n, "MP-ID-TWO-CHILDREN"] for f, n in (("Header.csv", 2), ("Header.csv", 3), ("Missing.csv", 2))
    ]
    assert records.children["child_id"].tolist() == ["2"]


def numbered(ids: list[str]) -> str:
    """A tracker with one row for each id."""
    rows = [f"{name} | {1 + i % 28:02}/01/2026 21:00 | {1 + i % 28:02}/01/2026 23:00" for i, name in enumerate(ids)]
    return "\n".join(["child | start | end", *rows])


@pytest.mark.parametrize(
    ("ids", "detail"),
    [
        (["00123", "123", "99999"], "2 of 3 have 5 digits"),
        ([f"{n}" for n in range(10001, 10020)] + ["77"], "19 of 20 have 5 digits"),
        ([f"{n}" for n in range(10001, 10019)] + ["77"], None),
        ([f"{n}" for n in range(10001, 10014)] + [f"{n}" for n in range(771, 780)], None),
        (["00123", "123", "C9"], None),
    ],
)
def test_lengths_of_ids(tmp_path: Path, ids: list[str], detail: str | None) -> None:
    assert about_columns(read(tmp_path, numbered(ids))).get("MP-ID-LENGTHS") == detail


@pytest.mark.parametrize(("n", "odd", "detail"), [(20, 0, "all 20 rows"), (19, 0, None), (25, 1, None)])
def test_one_type_in_every_row_is_a_habit(tmp_path: Path, n: int, odd: int, detail: str | None) -> None:
    rows = [
        f"C{i} | {1 + i:02}/01/2026 21:00 | {1 + i:02}/01/2026 23:00 | {'Away' if i < odd else 'Missing'}"
        for i in range(n)
    ]
    records = read(tmp_path, "\n".join(["child | start | end | type", *rows]))
    assert about_columns(records).get("MP-ONE-CATEGORY") == detail


@pytest.mark.parametrize(
    ("ours", "detail"),
    [
        ("", "1 of 3 rows name another than the most common"),
        ("Newham", "1 of 3 rows name another than the council of the settings"),
        ("City of York", "3 of 3 rows name another than the council of the settings"),
    ],
)
def test_other_councils_children_are_counted(tmp_path: Path, ours: str, detail: str) -> None:
    text = """
    child | start            | end              | by
    C1    | 13/01/2026 21:00 | 13/01/2026 22:00 | London Borough of Newham
    C2    | 14/01/2026 21:00 | 14/01/2026 22:00 | newham council
    C3    | 15/01/2026 21:00 | 15/01/2026 22:00 | Kent
    C4    | 16/01/2026 21:00 | 16/01/2026 22:00 | ~
    """
    own = Settings(**{**defaults(), "name": ours})
    assert about_columns(read(tmp_path, text, settings=own))["MP-OTHER-AUTHORITY"] == detail


def test_returns_without_a_word_of_an_interview_are_counted(tmp_path: Path) -> None:
    text = """
    child | start            | end              | type    | status
    C1    | 13/01/2026 21:00 | 13/01/2026 22:00 | Missing | Completed
    C2    | 14/01/2026 21:00 | 14/01/2026 22:00 | Missing | ~
    C3    | 15/01/2026 21:00 | 15/01/2026 22:00 | Away    | ~
    C4    | 16/01/2026 21:00 | ~                | Missing | ~
    """
    assert about_columns(read(tmp_path, text)) == {"MP-INCIDENT-WITHOUT-INTERVIEW": "1 of 2 returns"}


def test_interviews_of_children_without_an_incident_are_counted(tmp_path: Path) -> None:
    header = [SHORT[c] for c in ("ref", "child", "start", "end")]
    write_csv(tmp_path / "a.csv", [["M1", "C1", "13/01/2026 21:00", "13/01/2026 22:00"]], header)
    own = tmp_path / "own.toml"
    own.write_text(
        'name = "own"\n[[table]]\nname = "i"\nbecomes = ["incidents"]\nrecognise = ["child_id", "missing_from"]\n'
        '[table.columns]\nincident_id = ["Ref"]\nchild_id = ["Child ID"]\nmissing_from = ["Date & time missing"]\n'
        'returned_at = ["Date & time returned"]\n'
        '[[table]]\nname = "r"\nbecomes = ["interviews"]\nrecognise = ["child_id", "held_at"]\n'
        '[table.columns]\nincident_ids = ["Covers"]\nchild_id = ["Child ID"]\nheld_at = ["Held"]\n',
        encoding="utf-8",
    )
    rows: list[list[object]] = [
        ["C1", "14/01/2026 10:00", "M1"],
        ["C1", "15/01/2026 10:00", ""],
        ["C2", "16/01/2026 10:00", ""],
        ["C3", "17/01/2026 10:00", "M8"],
    ]
    write_csv(tmp_path / "b.csv", rows, ["Child ID", "Held", "Covers"])
    records = mp.read_records([tmp_path / "a.csv", tmp_path / "b.csv"], profile=own)
    assert about_columns(records)["MP-INTERVIEW-WITHOUT-INCIDENT"] == "2 of 4 interviews"
    assert told(records) == ["b5:MP-REF-NOT-FOUND"]


def test_totals_are_told(tmp_path: Path) -> None:
    text = "ref | child | start | end\nM1 | C1 | 13/01/2026 21:00 | 13/01/2026 22:00\nTotal: 1 | ~ | ~ | ~"
    records = read(tmp_path, text)
    assert told(records) == ["a3:MP-TOTAL-ROW"]


class TestFiles:
    """Several files of which one is refused, or changes."""

    GOOD = "child | start | end\nC1 | 13/01/2026 21:00 | 13/01/2026 22:00\nNULL | 14/01/2026 21:00 | 14/01/2026 22:00"

    def test_what_can_be_read_is_kept_where_one_file_is_refused(self, tmp_path: Path) -> None:
        header, rows = table(self.GOOD)
        write_csv(tmp_path / "a.csv", rows, header)
        (tmp_path / "b.csv").write_bytes(b'Child ID,Date missing\n"C1,13/01/2026\nZo\xeb,14/01/2026\n')
        outcome = read_files(tmp_path)
        assert outcome.records is not None
        assert len(outcome.records.incidents) == 1
        assert set(outcome.records.problems["file"]) == {"a.csv"}
        assert [(e.file, e.line, e.rule) for e in outcome.refused] == [("b.csv", 2, "MP-STRAY-QUOTE")]
        assert "1 incident" in repr(outcome)
        assert "1 file refused" in repr(outcome)
        with pytest.raises(DataRefused, match="b.csv, line 2"):
            mp.read_records(tmp_path)

    def test_nothing_can_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "b.csv").write_text('Child ID,Date missing\n"C1,13/01/2026\n', encoding="utf-8")
        outcome = read_files(tmp_path)
        assert (outcome.records, outcome.cells, len(outcome.refused)) == (None, [], 1)
        assert repr(outcome) == "Outcome: no records; 1 file refused"

    def test_the_cells_at_problems_are_there_for_this_machine_and_in_no_repr(self, tmp_path: Path) -> None:
        header, rows = table(self.GOOD)
        outcome = read_files(write_csv(tmp_path / "a.csv", rows, header))
        assert outcome.records is not None
        (cell,) = outcome.cells
        problem = outcome.records.problems.iloc[cell.problem]
        assert (problem["line"], problem["rule"]) == (3, "MP-ID-BLANK")
        assert tuple(cell)[1:] == ("NULL", "", "14/01/2026 21:00", "NULL")
        assert "NULL" not in repr(cell) + repr(outcome) + repr(outcome.cells)

    def test_a_file_that_is_written_to_before_the_end_of_the_run_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        header, rows = table(self.GOOD)
        first, second = write_csv(tmp_path / "a.csv", rows, header), write_csv(tmp_path / "b.csv", rows[:1], header)
        from missing_patterns.ingest import reader

        true = reader.open_source

        def slow(source: object, *rest: object) -> object:
            os.utime(first, ns=(1, 1))
            return true(source, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(reader, "open_source", slow)
        outcome = read_files([first, second])
        assert [(e.file, e.rule) for e in outcome.refused] == [("a.csv", "MP-CHANGED-WHILE-READING")]
        assert outcome.records is not None
        assert rules(outcome.records) <= USUAL


class TestText:
    """Encodings and garbled characters."""

    @pytest.mark.parametrize(
        ("lines", "rule", "at", "texts"),
        [
            ([b"Zo\xc3\xab", b"Zo\xeb"], "MP-MIXED-ENCODINGS", [3], ["Zo\u00eb", "Zo\u00eb"]),
            ([b"Zo\xeb", b"a"], "MP-ENCODING-CP1252", [], ["Zo\u00eb", "a"]),
            ([b"Zo\xc3\x83\xc2\xab", b"a"], "MP-MOJIBAKE", [2], ["Zo\u00eb", "a"]),
            ([b"Zo\xef\xbf\xbd", b"a"], "MP-MOJIBAKE-LOST", [2], ["Zo\ufffd", "a"]),
            ([b"e" + b"\xcc\x81" * 900, b"a"], "MP-CONTROL-CHARACTERS", [2], None),
            ([b"\xed\xa0\xbd\xed\xb8\x80", b"a"], "MP-CONTROL-CHARACTERS", [2], ["\U0001f600", "a"]),
            ([b"CAF\xc3\x89\xe2\x80\x93BAR", b"a\x1a"], None, [], ["CAF\u00c9\u2013BAR", "a"]),
            ([b"\xe2\x9c\x93 caf\xc3\xa9", b"\xc3\xa3"], None, [], ["\u2713 caf\u00e9", "\u00e3"]),
        ],
    )
    def test_each_is_read_as_what_it_is(
        self, tmp_path: Path, lines: list[bytes], rule: str | None, at: list[int], texts: list[str] | None
    ) -> None:
        path = tmp_path / "a.csv"
        rows = [b"C%d,1%d/01/2026,Completed,%s" % (n, n + 3, line) for n, line in enumerate(lines)]
        path.write_bytes(b"\n".join([b"Child ID,Date missing,RHI status,Account", *rows]))
        records = mp.read_records(path)
        assert rules(records) - {*USUAL, "MP-DAY-PRECISION"} == ({rule} if rule else set())
        found = records.problems.loc[records.problems["rule"] == rule, "line"].dropna().tolist()
        assert found == at
        if texts:
            assert records.interviews["narrative"].tolist() == texts
        else:
            assert records.interviews["narrative"].str.len().tolist() == [5, 1]

    def test_lines_are_counted_as_they_stand(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(
            b"Child ID,Date missing,Team\rC1,13/01/2026,Zo\xc3\xab\rC2,14/01/2026,a\nC3,15/01/2026,Zo\xeb\r\n"
        )
        told_ = mp.read_records(path).problems
        assert told_.loc[told_["rule"] == "MP-MIXED-ENCODINGS", "line"].tolist() == [4]

    @pytest.mark.parametrize("data", [b"\xff\xfea", b"Child ID,Date missing\nC1,\x81\n"])
    def test_what_is_neither_is_refused(self, tmp_path: Path, data: bytes) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(data)
        with pytest.raises(DataRefused) as refused:
            mp.read_records(path)
        assert refused.value.rule == "MP-ENCODING-UNKNOWN"


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x17F), max_size=12))
@settings(deadline=None, max_examples=100)
def test_what_was_garbled_once_comes_back_and_nothing_else_changes(text: str) -> None:
    from missing_patterns.ingest.opening.mending import restore

    clean = "".join(c for c in text if c.isprintable())
    try:
        garbled = clean.encode("utf-8").decode("cp1252")
    except UnicodeDecodeError:
        return
    if not any("\u00c2" <= c <= "\u00f4" for c in clean):  # such letters may look like halves of others
        assert restore(clean) == clean
        assert restore(garbled) == clean
