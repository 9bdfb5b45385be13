"""What a case is: a defect, where it is planted, and the outcome that is declared for it before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from corpus.sheets import Sheet

CSV, XLSX, CSV_XLSX = ("csv",), ("xlsx",), ("csv", "xlsx")
TEXT = ("csv", "xlsx", "ods")
BOOKS = ("xlsx", "ods", "xls")
ALL = ("csv", "xlsx", "ods", "xls")
DATES = ("csv", "xlsx", "xlsx_dates", "ods")


@dataclass(frozen=True, slots=True)
class Told:
    """One line that the problems must hold: outcome, rule, and the row and column it is about (None, "" = neither)."""

    outcome: str
    rule: str
    row: object = None
    column: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal of the whole file: the rule, and the row or the physical line that is named, if one is."""

    rule: str
    row: object = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One defect of the catalogue in one table.

    Parameters
    ----------
    number, name : int, str
        Number in the catalogue, and what is wrong in words.
    base : str
        Clean table that it is planted into.
    plant : function of a Sheet
        Plants it.
    formats : tuple of str
        Kinds of file that it is written as.
    told : tuple of Told
        Problems that must be told; other errors and warnings may not be.
    refused : Refused, optional
        If the file must be refused.
    values : mapping of (row, "table.field") to value
        What is read otherwise than from the clean table.
    gone : tuple
        Rows of the clean table that are not in the file.
    added : tuple of (row, overrides)
        Rows read beside those of the clean table: like those that a row became, in the tables that the overrides
        name (``{"incidents.missing_from": ...}``).
    build : function, optional
        Writes the files itself, where a sheet cannot say what is wrong.
    """

    number: int
    name: str
    base: str
    plant: Callable[[Sheet], None]
    formats: tuple[str, ...]
    told: tuple[Told, ...] = ()
    refused: Refused | None = None
    values: Mapping[tuple[object, str], Any] = field(default_factory=dict)
    gone: tuple[object, ...] = ()
    added: tuple[tuple[object, Mapping[str, Any]], ...] = ()
    build: Callable[[Path, Sheet, str], list[Path]] | None = None
    is_cell: bool = False

    @property
    def label(self) -> str:
        return f"{self.number}: {self.name} ({self.base})"


def quarantined(rule: str, row: object, column: str = "") -> Told:
    return Told("quarantined", rule, row, column)


def repaired(rule: str, row: object = None, column: str = "") -> Told:
    return Told("repaired", rule, row, column)


def warned(rule: str, row: object = None, column: str = "") -> Told:
    return Told("accepted", rule, row, column)


#: The row that a defect of one cell is planted in, unless it is moved.
HERE = 4


def cell(
    number: int,
    name: str,
    at: tuple[str, str],
    value: Any,
    *told: Told,
    formats: tuple[str, ...] = TEXT,
    values: Mapping[str, Any] | None = None,
    refused: Refused | None = None,
) -> Case:
    """A defect of one cell of row HERE: ``at`` is the table and the column, ``values`` what its row is read as."""
    base, column = at

    def plant(sheet: Sheet) -> None:
        sheet.put(HERE, column, value)

    read = {(HERE, field_): v for field_, v in (values or {}).items()}
    return Case(number, name, base, plant, formats, told, refused, read, is_cell=True)


def moved(case: Case, to: int) -> Case:
    """The same defect of one cell in another row; only for one whose values are those of the clean row."""

    def plant(sheet: Sheet) -> None:
        rows = {r.key: r for r in sheet.rows}
        rows[HERE].key, rows[to].key = to, HERE
        case.plant(sheet)
        rows[HERE].key, rows[to].key = HERE, to

    told = tuple(replace(t, row=to if t.row == HERE else t.row) for t in case.told)
    values = {(to if row == HERE else row, f): v for (row, f), v in case.values.items()}
    return replace(case, plant=plant, told=told, values=values)


def paired(one: Case, two: Case) -> Case:
    """Two defects of one cell each in two rows of one file: both outcomes are due."""
    other = moved(two, HERE + 3)

    def plant(sheet: Sheet) -> None:
        one.plant(sheet)
        other.plant(sheet)

    return Case(
        one.number,
        f"{one.name} + {two.number}: {two.name}",
        one.base,
        plant,
        tuple(f for f in one.formats if f in two.formats),
        (*one.told, *other.told),
        values={**one.values, **other.values},
    )
