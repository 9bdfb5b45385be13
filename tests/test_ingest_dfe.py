"""The DfE's checks of SSDA903 Missing: for each rule a row that breaks it, and one that just does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.errors import TableRefused
from missing_patterns.ingest import read_records
from missing_patterns.ingest.across.dfe import Checked, care_periods, check_missing
from missing_patterns.ingest.rules import RULES
from missing_patterns.schema import Records

MISSING = ["child_id", "birth", "category", "missing_from", "returned_at"]
EPISODES = ["child_id", "started_on", "ended_on", "reason_ended"]
HEADER = ["child_id", "birth"]


def table(text: str, columns: list[str]) -> pd.DataFrame:
    """Read a table written as text: cells between bars, days as dd/mm/yy, blanks not recorded; labels are letters."""
    rows = [[cell.strip() or None for cell in line.split("|")] for line in text.strip().splitlines()]
    frame = pd.DataFrame([row[1:] for row in rows], columns=columns, index=[row[0] for row in rows], dtype=object)
    for column in {"birth", "missing_from", "returned_at", "started_on", "ended_on"} & set(columns):
        frame[column] = pd.to_datetime(frame[column], format="%d/%m/%y")
    return frame


def codes(checked: Checked) -> dict[str, str]:
    """Return the numbers of the rules that each row breaks."""
    told: dict[str, list[str]] = {}
    for row in checked.found.itertuples():
        told.setdefault(str(row.row), []).append(RULES[str(row.rule)].code)
    return {label: " ".join(found) for label, found in sorted(told.items())}


IN_CARE = table("p | A | 01/01/20 | | ", EPISODES)


def test_564_566_1006_the_type() -> None:
    missing = table(
        """
        typed       | A | | M | 02/05/25 | 03/05/25
        away        | A | | A | 04/05/25 | 05/05/25
        small       | A | | m | 06/05/25 | 07/05/25
        other       | A | | X | 08/05/25 | 09/05/25
        no start    | A | | M |          | 09/05/25
        small start | A | | a |          |
        x start     | A | | X |          |
        no type     | A | |   | 10/05/25 | 11/05/25
        open        | A | |   | 12/05/25 |
        """,
        MISSING,
    )
    assert codes(check_missing(missing)) == {
        "small": "1006",
        "other": "1006",
        "no start": "564",
        "small start": "1006 564",
        "x start": "1006",
        "no type": "566",
    }


def test_570_571_the_year_holds_both_its_ends() -> None:
    missing = table(
        """
        in time      | A | | M | 31/03/26 | 31/03/26
        too late     | A | | M | 01/04/26 |
        last year    | A | | M | 30/03/25 | 31/03/25
        first day    | A | | M | 30/03/25 | 01/04/25
        over the end | A | | M | 31/03/26 | 01/04/26
        open         | A | | M | 30/03/25 |
        """,
        MISSING,
    )
    assert codes(check_missing(missing, year=2026)) == {"too late": "570", "last year": "571", "over the end": "571"}
    assert codes(check_missing(missing)) == {}


def test_575_open_though_its_placement_ended() -> None:
    episodes = table(
        """
        1 | A | 01/05/25 | 10/05/25 | X1
        2 | A | 10/05/25 |          |
        3 | B | 01/05/25 | 10/05/25 | X1
        4 | B | 10/05/25 | 20/05/25 | E4A
        5 | C | 01/05/25 | 10/05/25 | X1
        6 | C | 01/05/25 |          |
        7 | D | 05/05/25 | 05/05/25 | E4A
        8 | E | 01/05/25 |          |
        9 | E | 05/05/25 | 09/05/25 | X1
        """,
        EPISODES,
    )
    missing = table(
        """
        day before  | A | | M | 09/05/25 |
        returned    | A | | M | 09/05/25 | 11/05/25
        change day  | A | | M | 10/05/25 |
        ended too   | B | | M | 10/05/25 |
        two at once | C | | M | 05/05/25 |
        one day     | D | | M | 05/05/25 |
        latest      | E | | M | 06/05/25 |
        outer       | E | | M | 09/05/25 |
        """,
        MISSING,
    )
    found = check_missing(missing, episodes).found
    assert found.loc[found["rule"] == "dfe_open_after_placement", "row"].tolist() == [
        "day before",
        "ended too",
        "two at once",
        "one day",
        "latest",
    ]


def test_576_open_last_year_is_this_years_first_row() -> None:
    before = table(
        """
        - | A | | M | 20/03/25 |
        - | B | | M | 20/03/25 |
        - | C | | M | 20/03/25 | 21/03/25
        - | D | | M | 20/03/25 |
        - | E | | M |          |
        - | F | | M | 20/03/25 |
        """,
        MISSING,
    )
    missing = table(
        """
        carried over | A | | M | 20/03/25 | 03/04/25
        later        | A | | M | 05/05/25 |
        differs too  | B | | M | 07/06/25 |
        differs      | B | | M | 21/03/25 |
        was closed   | C | | M | 05/05/25 |
        no start     | D | | M |          |
        nothing open | E | | M | 05/05/25 |
        """,
        MISSING,
    )
    checked = check_missing(missing, previous_missing=before)
    assert codes(checked) == {"differs": "576", "no start": "564 576"}
    assert checked.n_dropped == 1
    assert codes(check_missing(missing)) == {"no start": "564"}


def test_577_falls_outside_every_period_of_care() -> None:
    episodes = table(
        """
        1 | A | 01/05/25 | 10/05/25 | X1
        2 | A | 10/05/25 | 20/05/25 | E4A
        3 | B | 01/05/25 | 20/05/25 | E4A
        4 | B | 01/07/25 |          |
        5 | D | 01/05/25 | 10/05/25 | X1
        6 | D | 10/05/25 |          |
        """,
        EPISODES,
    )
    missing = table(
        """
        across placements | A | | M | 09/05/25 | 20/05/25
        ends a day after  | A | | M | 09/05/25 | 21/05/25
        open, care over   | A | | M | 09/05/25 |
        ends a day before | A | | M | 29/04/25 | 30/04/25
        ends on first day | A | | M | 29/04/25 | 01/05/25
        no start          | A | | M |          | 30/04/25
        open in 2nd       | B | | M | 01/07/25 |
        open before 2nd   | B | | M | 30/06/25 |
        ends in the gap   | B | | M | 19/05/25 | 30/06/25
        no placement      | C | | M | 01/05/25 |
        open since before | D | | M | 09/05/25 |
        """,
        MISSING,
    )
    found = check_missing(missing, episodes).found
    assert found.loc[found["rule"] == "dfe_outside_care", "row"].tolist() == [
        "ends a day after",
        "open, care over",
        "ends a day before",
        "open before 2nd",
        "ends in the gap",
    ]


def test_578_581_1012_where_the_start_lies() -> None:
    episodes = table(
        """
        1 | A | 01/05/25 | 10/05/25 | X1
        2 | A | 10/05/25 | 20/05/25 | E4A
        3 | A | 01/07/25 |          |
        4 | D |          | 20/05/25 |
        """,
        EPISODES,
    )
    missing = table(
        """
        first day   | A | | M | 01/05/25 | 02/05/25
        day before  | A | | M | 30/04/25 | 02/05/25
        change day  | A | | M | 10/05/25 | 11/05/25
        last day    | A | | M | 20/05/25 | 20/05/25
        day after   | A | | M | 21/05/25 | 02/07/25
        second time | A | | M | 01/07/25 |
        no start    | A | | M |          |
        stranger    | B | | M | 02/05/25 | 03/05/25
        undated     | D | | M | 02/05/25 | 03/05/25
        """,
        MISSING,
    )
    assert codes(check_missing(missing, episodes)) == {
        "day before": "578 581",
        "last day": "581",
        "day after": "578 581",
        "no start": "564",
        "stranger": "1012",
    }


def test_580_left_care_at_18_while_missing_but_for_another_reason() -> None:
    episodes = table(
        """
        E8        | A | 01/05/25 | 14/06/25 | E8
        e8        | B | 01/05/25 | 14/06/25 | e8
        not E8    | C | 01/05/25 | 14/06/25 | E4A
        blank     | D | 01/05/25 | 14/06/25 |
        day later | E | 01/05/25 | 15/06/25 | E4A
        leap      | F | 01/05/25 | 01/03/26 | E4A
        still in  | G | 01/05/25 |          |
        """,
        EPISODES,
    )
    missing = table(
        """
        1 | A | 14/06/07 | M | 10/06/25 | 14/06/25
        2 | B | 14/06/07 | M | 10/06/25 | 14/06/25
        3 | C | 14/06/07 | M | 10/06/25 | 14/06/25
        4 | D | 14/06/07 | M | 10/06/25 | 14/06/25
        5 | E | 14/06/07 | M | 10/06/25 | 14/06/25
        6 | F | 29/02/08 | M | 10/02/26 | 01/03/26
        7 | G |          | M | 10/06/25 |
        """,
        MISSING,
    )
    checked = check_missing(missing, episodes)
    assert codes(checked) == {"blank": "580", "leap": "580", "not E8": "580"}
    assert checked.found["table"].unique().tolist() == ["placements"]
    assert "580" not in checked.not_checked
    without = check_missing(missing, episodes.drop(columns="reason_ended"))
    assert codes(without) == {}
    assert "580" in without.not_checked


def test_int04_int13_the_header() -> None:
    header = table(
        """
        - | A | 14/06/10
        - | B |
        - | C | 14/06/10
        - | C | 15/06/10
        """,
        HEADER,
    )
    missing = table(
        """
        same          | A | 14/06/10 | M | 10/05/25 | 11/05/25
        differs       | A | 15/06/10 | M | 12/05/25 | 13/05/25
        blank there   | B | 14/06/10 | M | 10/05/25 | 11/05/25
        blank here    | A |          | M | 14/05/25 | 15/05/25
        one of two    | C | 15/06/10 | M | 10/05/25 | 11/05/25
        none of two   | C | 16/06/10 | M | 12/05/25 | 13/05/25
        not in header | D | 14/06/10 | M | 10/05/25 | 11/05/25
        """,
        MISSING,
    )
    assert codes(check_missing(missing, header=header)) == {
        "differs": "INT13",
        "none of two": "INT13",
        "not in header": "INT04",
    }


def test_what_is_not_there_is_named_and_not_guessed() -> None:
    missing = table("a | A | | M | 10/05/25 | 11/05/25", MISSING)
    nothing = check_missing(missing)
    assert nothing.not_checked == (*("570", "571", "575", "576", "577", "578", "580", "581", "1012", "INT04", "INT13"),)
    header = table("- | A | ", HEADER)
    everything = check_missing(missing, IN_CARE, header, year=2026, previous_missing=missing)
    assert (everything.not_checked, len(everything.found)) == ((), 0)
    assert repr(nothing) == "Checked: 0 breaches, 11 rules not checked"


def test_a_table_without_rows_or_without_most_columns() -> None:
    empty = table("a | A | | M | 10/05/25 | 11/05/25", MISSING)[:0]
    no_spells, header = IN_CARE[:0], table("- | A | ", HEADER)
    checked = check_missing(empty, no_spells, header, year=2026, previous_missing=empty)
    assert (len(checked.found), checked.n_dropped) == (0, 0)
    assert checked.found.columns.tolist() == ["table", "row", "rule", "field"]
    bare = pd.DataFrame({"child_id": ["A", "B"]})
    assert codes(check_missing(bare, bare, bare, year=2026, previous_missing=bare)) == {}
    with pytest.raises(TableRefused, match="column 'child_id' is absent"):
        check_missing(pd.DataFrame({"child": ["A"]}))


def test_london_times_are_held_by_their_day_and_no_frame_is_changed() -> None:
    missing = pd.DataFrame(
        {
            "child_id": ["A"],
            "missing_from": pd.to_datetime(["2025-05-01 00:30"]).tz_localize("Europe/London"),
            "returned_at": pd.to_datetime(["2025-05-20 23:00"]).tz_localize("Europe/London"),
        },
        index=[7],
    )
    episodes = table("1 | A | 01/05/25 | 20/05/25 | E4A", EPISODES)
    before = missing.copy(), episodes.copy()
    assert codes(check_missing(missing, episodes)) == {}
    pd.testing.assert_frame_equal(missing, before[0])
    pd.testing.assert_frame_equal(episodes, before[1])


def test_a_shorter_placement_inside_a_longer_one_does_not_end_the_period() -> None:
    episodes = table(
        """
        1 | A | 01/05/25 | 30/06/25 | X1
        2 | A | 10/05/25 | 20/05/25 | X1
        3 | A | 10/06/25 | 05/07/25 | E4A
        4 | B | 06/07/25 |          |
        """,
        EPISODES,
    )
    periods = care_periods(episodes)
    assert periods["child_id"].tolist() == ["A", "B"]
    assert periods["began"].dt.strftime("%d/%m").tolist() == ["01/05", "06/07"]
    assert [None if pd.isna(d) else f"{d:%d/%m}" for d in periods["ended"]] == ["05/07", None]


DAY = st.one_of(st.none(), st.integers(0, 12))
ROW = st.tuples(st.sampled_from("AB"), DAY, DAY)


def plain(missing: list[Any], spells: list[Any]) -> set[tuple[int, str]]:
    """The same rules row by row, in days, with loops: placements joined by days on which care was continuous."""
    found = set()
    for at, (child, start, end) in enumerate(missing):
        own = sorted((b, 99 if e is None else e) for c, b, e in spells if c == child and b is not None)
        if not any(c == child for c, _, _ in spells):
            found.add((at, "1012"))
        if not own or start is None:
            continue
        periods: list[list[int]] = []
        for began, ended in own:
            if periods and began <= periods[-1][1]:
                periods[-1][1] = max(periods[-1][1], ended)
            else:
                periods.append([began, ended])
        if all(start < b or start > e for b, e in periods):
            found.add((at, "578"))
        if all(
            (end is None and (e < 99 or start < b)) or (end is not None and (end > e or end < b)) for b, e in periods
        ):
            found.add((at, "577"))
        holding = [(b, e) for b, e in own if b <= start < e or start == b]
        if not holding:
            found.add((at, "581"))
        else:
            latest = max(b for b, _ in holding)
            if end is None and any(b == latest and e < 99 for b, e in holding):
                found.add((at, "575"))
    return found


@settings(deadline=None, max_examples=80)
@given(st.lists(ROW, max_size=5), st.lists(ROW, max_size=5))
def test_placements_rules_agree_with_a_plain_twin(missing: list[Any], spells: list[Any]) -> None:
    def day(n: int | None) -> pd.Timestamp:
        return pd.NaT if n is None else pd.Timestamp("2025-05-01") + pd.Timedelta(days=n)

    spells = [(c, b, None if b is None or e is None or e < b else e) for c, b, e in spells]
    rows = pd.DataFrame(
        [(c, day(s), day(e)) for c, s, e in missing], columns=["child_id", "missing_from", "returned_at"]
    ).astype({"missing_from": "datetime64[us]", "returned_at": "datetime64[us]"})
    placed = pd.DataFrame(
        [(c, day(b), day(e)) for c, b, e in spells], columns=["child_id", "started_on", "ended_on"]
    ).astype({"started_on": "datetime64[us]", "ended_on": "datetime64[us]"})
    found = check_missing(rows, placed).found
    assert {(r.row, RULES[str(r.rule)].code) for r in found.itertuples()} == plain(missing, spells)


def write_return(folder: Path, **tables: str) -> Path:
    """Write files of a return from text: a header, then rows; cells between bars."""
    folder.mkdir(parents=True)
    for name, text in tables.items():
        lines = [",".join(cell.strip() for cell in line.split("|")) for line in text.strip().splitlines()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def breaches(records: Records) -> list[tuple[str, str, int | None, str | None]]:
    """Return rule, file, line and column of what the DfE's checks told, dates' order aside."""
    told = records.problems.astype(object).where(records.problems.notna(), None)
    ours = {"MP-DATE-ORDER-PROVEN", "MP-DATE-ORDER-UNPROVEN", "MP-UNMAPPED-CODE", "MP-DURATION-LONG"}
    rows = told[~told["rule"].isin(ours)][["rule", "file", "line", "column"]]
    return sorted(map(tuple, rows.to_numpy().tolist()), key=str)


EPISODES_CSV = """
    CHILD | DECOM      | RNE | LS | PLACE | DEC        | REC
    A     | 01/04/2024 | S   | C2 | U4    |            |
    B     | 01/04/2024 | S   | C2 | U4    | 20/06/2025 | E4A
"""
HEADER_CSV = """
    CHILD | SEX | DOB        | ETHNIC | UPN | MOTHER | MC_DOB
    A     | F   | 13/02/2010 | WBRI   |     |        |
    B     | M   | 20/06/2007 | WBRI   |     |        |
"""


def test_a_return_is_checked_as_a_whole_and_told_by_file_line_and_column(tmp_path: Path) -> None:
    missing = """
        CHILD | DOB        | MISSING | MIS_START  | MIS_END
        A     | 13/02/2010 | M       | 14/05/2025 | 15/05/2025
        A     | 14/02/2010 | m       | 16/05/2025 | 17/05/2025
        B     | 20/06/2007 | M       | 13/06/2025 | 20/06/2025
        C     | 13/02/2010 | A       | 14/05/2026 | 15/05/2026
        A     | 13/02/2010 | M       |            |
        A     | 13/02/2010 | M       | 31/02/2026 |
    """
    folder = write_return(tmp_path / "2025-26", Missing=missing, Episodes=EPISODES_CSV, Header=HEADER_CSV)
    records = read_records(folder)
    assert breaches(records) == [
        ("1004", "Missing.csv", 6, "MIS_START"),
        ("1004", "Missing.csv", 7, "MIS_START"),
        ("1006", "Missing.csv", 3, "MISSING"),
        ("1012", "Missing.csv", 5, "CHILD"),
        ("564", "Missing.csv", 6, "MIS_START"),
        ("570", "Missing.csv", 5, "MIS_START"),
        ("571", "Missing.csv", 5, "MIS_END"),
        ("580", "Episodes.csv", 3, "REC"),
        ("INT04", "Missing.csv", 5, "CHILD"),
        ("INT13", "Missing.csv", 3, "DOB"),
        ("MP-DFE-NOT-CHECKED", "Missing.csv", None, ""),
        ("MP-DOB-DIFFERS", "Missing.csv", 3, "DOB"),
    ]
    assert len(records.incidents) == 4


def test_what_the_run_does_not_hold_is_told_once(tmp_path: Path) -> None:
    text = "CHILD | MISSING | MIS_START | MIS_END\nA | M | 14/05/2025 | 15/05/2025"
    folder = write_return(tmp_path / "extracts", Missing=text)
    told = read_records(folder).problems
    notes = told[told["rule"] == "MP-DFE-NOT-CHECKED"]
    assert notes[["file", "severity"]].to_numpy().tolist() == [["Missing.csv", "note"]]
    assert (
        notes["message"]
        .iat[0]
        .endswith(
            ": 570, 571, 575, 576, 577, 578, 580, 581, 1012, INT04, INT13; they need the collection year, Episodes, "
            "Header or last year's Missing"
        )
    )


def test_each_year_is_held_against_its_own_tables_and_the_one_before(tmp_path: Path) -> None:
    last = """
        CHILD | DOB        | MISSING | MIS_START  | MIS_END
        A     | 13/02/2010 | M       | 20/03/2025 |
        B     | 20/06/2007 | M       | 21/03/2025 |
    """
    this = """
        CHILD | DOB        | MISSING | MIS_START  | MIS_END
        A     | 13/02/2010 | M       | 22/03/2025 | 01/04/2025
    """
    only_b = "\n".join(EPISODES_CSV.strip().splitlines()[::2])
    tables = {"Missing 2024-25": last, "Missing 2025-26": this, "Episodes 2024-25": EPISODES_CSV}
    records = read_records(write_return(tmp_path / "both", **tables, **{"Episodes 2025-26": only_b}))
    assert [b for b in breaches(records) if b[0][0].isdigit()] == [
        ("1012", "Missing 2025-26.csv", 2, "CHILD"),
        ("574", "Missing 2024-25.csv", 2, "MIS_END"),
        ("575", "Missing 2024-25.csv", 3, "MIS_END"),
        ("576", "Missing 2025-26.csv", 2, "MIS_START"),
        ("576", "Missing 2025-26.csv", None, ""),
        ("577", "Missing 2024-25.csv", 3, "MIS_END"),
    ]


def test_a_return_without_types_reasons_or_births(tmp_path: Path) -> None:
    missing = """
        CHILD | MISSING | MIS_START  | MIS_END
        A     | M       | 14/05/2025 | 15/05/2025
    """
    episodes = """
        CHILD | DECOM      | PLACE | DEC
        A     | 01/04/2024 | U4    |
    """
    records = read_records(write_return(tmp_path / "2025-26", Missing=missing, Episodes=episodes, Header=HEADER_CSV))
    assert breaches(records) == [("MP-DFE-NOT-CHECKED", "Missing.csv", None, "")]
    assert ": 576, 580; they need" in records.problems["message"].str.cat()
