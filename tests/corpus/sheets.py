"""Clean tables that defects are planted into: a tracker, two returns and placements, every truth known.

Every id, reference and note holds the word ZEBRA or begins with 8600, so that a message that repeats one is found.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: Words that stand in cells only; no message, repr, log or exception may hold them.
TOKENS = ("zebra", "8600")
N_ROWS = 12


@dataclass(slots=True)
class Row:
    """One row: the key by which a case speaks of it, and its cells."""

    key: object
    cells: list[Any]


@dataclass(slots=True)
class Sheet:
    """A table as a source writes it, with lines above and below it, and what is done to its bytes."""

    base: str
    header: list[str]
    rows: list[Row]
    above: list[list[Any]] = field(default_factory=list)
    second_header: list[str] | None = None
    name: str = "Sheet1"
    delimiter: str = ","
    encoding: str = "utf-8"
    newline: str = "\n"
    rebyte: Callable[[bytes], bytes] | None = None
    book: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> Sheet:
        return copy.deepcopy(self)

    def row(self, key: object) -> Row:
        return next(r for r in self.rows if r.key == key)

    def get(self, key: object, column: str) -> Any:
        return self.row(key).cells[self.header.index(column)]

    def put(self, key: object, column: str, value: Any) -> None:
        """Write a value, or what a function makes of the value that is there."""
        cells, at = self.row(key).cells, self.header.index(column)
        cells[at] = value(cells[at]) if callable(value) else value

    def put_all(self, column: str, value: Any) -> None:
        for row in self.rows:
            self.put(row.key, column, value)

    def add_column(self, header: str, values: Callable[[int], Any], at: int | None = None) -> None:
        at = len(self.header) if at is None else at
        self.header.insert(at, header)
        for i, row in enumerate(self.rows):
            row.cells.insert(at, values(i))

    def drop_column(self, header: str) -> None:
        at = self.header.index(header)
        for cells in (self.header, *(r.cells for r in self.rows)):
            del cells[at]

    def insert(self, after: object, key: object, cells: list[Any]) -> None:
        at = next(i for i, r in enumerate(self.rows) if r.key == after)
        self.rows.insert(at + 1, Row(key, cells))

    def table(self) -> list[list[Any]]:
        """Every row from the first: what stands above, the header, the rows."""
        second = [] if self.second_header is None else [self.second_header]
        return [*self.above, self.header, *second, *(r.cells for r in self.rows)]

    def line_of(self, key: object, *, is_text: bool) -> int:
        """Return the physical line on which a row begins, counted from 1."""
        table = self.table()
        position = len(table) - len(self.rows) + [r.key for r in self.rows].index(key)
        before = table[:position] if is_text else []
        return 1 + position + sum(str(c).count("\n") for cells in before for c in cells)


def start_of(i: int) -> dt.datetime:
    """When the absence of row i begins: a day after the 12th, in the evening."""
    return dt.datetime(2024, 1, 13, 20 + i % 4, 5 + i) + dt.timedelta(days=i)  # noqa: DTZ001


def end_of(i: int) -> dt.datetime:
    return dt.datetime(2024, 1, 14, 1, 30 + i) + dt.timedelta(days=i)  # noqa: DTZ001


def held_of(i: int) -> dt.datetime:
    return dt.datetime(2024, 1, 15, 16, 10 + i) + dt.timedelta(days=i)  # noqa: DTZ001


def birth_of(i: int) -> dt.date:
    return dt.date(2009 + i % 3, 1 + i, 14 + i)


def minutes(at: dt.datetime) -> str:
    return f"{at:%d/%m/%Y %H:%M}"


def day(at: dt.date) -> str:
    return f"{at:%d/%m/%Y}"


TRACKER = [
    *("Ref", "Child ID", "DOB", "Gender", "Date & time missing", "Date & time returned", "Missing or away"),
    *("In borough?", "RHI status", "RHI date", "Attempts", "Triggers", "Child's account"),
]
MISSING = ["CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"]
SSD = [
    *("miss_table_id", "miss_person_id", "miss_missing_episode_start_date", "miss_missing_episode_type"),
    *("miss_missing_episode_end_date", "miss_missing_rhi_offered", "miss_missing_rhi_accepted"),
]
PLACEMENT = [
    *("clap_person_id", "clap_cla_placement_start_date", "clap_cla_placement_end_date", "clap_cla_placement_type"),
    "clap_cla_placement_distance",
]
SEXES = ("Female", "Male")
TRIGGERS = ("Bullying", "Family conflict; Boredom", "Peer pressure")


def child_of(i: int) -> str:
    return f"ZEBRA{100 + i}"


def tracker(n: int = N_ROWS) -> Sheet:
    """Rows of a council's tracker, one child each."""
    return Sheet("tracker", list(TRACKER), [Row(i, tracker_row(i)) for i in range(n)])


def tracker_row(i: int) -> list[Any]:
    return [
        f"ZEBRAREF{100 + i}",
        child_of(i),
        day(birth_of(i % N_ROWS)),
        SEXES[i % 2],
        minutes(start_of(i)),
        minutes(end_of(i)),
        "Away" if i % 5 == 0 else "Missing",
        "Yes" if i % 2 else "No",
        "Completed",
        minutes(held_of(i)),
        str(1 + i % 3),
        TRIGGERS[i % 3],
        f"ZEBRANOTE {i} said so",
    ]


def missing() -> Sheet:
    """Rows of the SSDA903 table Missing: dates without times."""
    rows = [
        Row(
            i,
            [child_of(i), day(birth_of(i)), "A" if i % 5 == 0 else "M", day(start_of(i)), day(end_of(i))],
        )
        for i in range(N_ROWS)
    ]
    return Sheet("missing", list(MISSING), rows)


def ssd() -> Sheet:
    """Rows of ssd_missing: ISO stamps and two flags about the interview."""
    flags = (("Y", "Y"), ("Y", "N"), ("N", ""))
    rows = [
        Row(
            i,
            [
                f"ZEBRAREF{100 + i}",
                child_of(i),
                start_of(i).isoformat(),
                "A" if i % 5 == 0 else "M",
                end_of(i).isoformat(),
                *flags[i % 3],
            ],
        )
        for i in range(N_ROWS)
    ]
    return Sheet("ssd", list(SSD), rows)


def placement() -> Sheet:
    """Rows of ssd_cla_placement, with a distance in miles."""
    rows = [
        Row(i, [child_of(i), f"2023-{1 + i:02d}-14", f"2024-01-{13 + i}", ("U4", "K2", "P1")[i % 3], f"{2 + i}.5"])
        for i in range(N_ROWS)
    ]
    return Sheet("placement", list(PLACEMENT), rows)


def header_table() -> Sheet:
    """Rows of the SSDA903 table Header."""
    rows = [Row(i, [child_of(i), str(1 + i % 2), day(birth_of(i)), "WBRI"]) for i in range(N_ROWS)]
    return Sheet("header", ["CHILD", "SEX", "DOB", "ETHNIC"], rows)


def many() -> Sheet:
    """A tracker of two dozen rows, for what only shows in many."""
    sheet = tracker(24)
    sheet.base = "many"
    return sheet


BASES: dict[str, Callable[[], Sheet]] = {
    "tracker": tracker,
    "many": many,
    "header": header_table,
    "missing": missing,
    "ssd": ssd,
    "placement": placement,
}
