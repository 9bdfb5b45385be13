"""Workbooks through calamine: values as they stand, real dates as dates, hidden sheets only by name."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Sequence
from xml.etree import ElementTree as ET

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.grid import Cell, Grid
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.text import ROW_LIMITS

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ERROR_CELL = re.compile(rb'<c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)([0-9]+)"')


def read_book(data: bytes, file: str, log: Log, named: Collection[str] = ()) -> list[Grid]:
    """Read the visible sheets of a workbook, and hidden ones that a profile names.

    Raises
    ------
    DataRefused
        If it is not a workbook that can be read.
    """
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        visible = {m.name: m.visible == calamine.SheetVisibleEnum.Visible for m in book.sheets_metadata}
        sheets = [
            (name, book.get_sheet_by_name(name))
            for m in book.sheets_metadata
            if m.typ == calamine.SheetTypeEnum.WorkSheet and (visible[name := m.name] or name in named)
        ]
        read = [(name, sheet.to_python(skip_empty_area=False), sheet.merged_cell_ranges) for name, sheet in sheets]
    except calamine.PasswordError:
        raise DataRefused.of_file(
            file, "the workbook is locked with a password", "Save it without a password and try again."
        ) from None
    except (calamine.CalamineError, ValueError, OSError, OverflowError):
        raise DataRefused.of_file(
            file, "it is not a workbook that can be read", "Open it in Excel and save it as .xlsx."
        ) from None
    for name, is_visible in visible.items():
        if not is_visible and name not in named:
            log.add("hidden_sheet", file, name)
    errors = _error_cells(data)
    grids = []
    for name, rows, merged in read:
        if len(rows) in ROW_LIMITS:
            raise DataRefused.of_file(
                file,
                f"it stops at exactly {len(rows):,} rows, where a sheet ends",
                "Export it in two parts, or as CSV.",
                sheet=name,
            )
        ranges = [(a, b, c, d) for (a, b), (c, d) in merged or []]
        cells: list[Sequence[Cell]] = list(rows)
        grids.append(
            Grid(
                file,
                name,
                cells,
                range(1, len(rows) + 1),
                is_book=True,
                merged=ranges,
                error_cells=errors.get(name, set()),
            )
        )
    return grids


def _error_cells(data: bytes) -> dict[str, set[tuple[int, int]]]:
    """Find cells such as #REF!, which calamine gives as blank. Only .xlsx and .xlsm write them where we can look."""
    if not data.startswith(b"PK"):
        return {}
    found: dict[str, set[tuple[int, int]]] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        names = set(packed.namelist())
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
            return {}
        targets = {
            link.get("Id"): str(link.get("Target"))
            for link in ET.fromstring(packed.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        }
        book = ET.fromstring(packed.read("xl/workbook.xml"))  # noqa: S314
        for sheet in book.iter(f"{_MAIN}sheet"):
            target = targets.get(sheet.get(_REL), "").lstrip("/")
            part = target if target.startswith("xl/") else f"xl/{target}"
            if part not in names:
                continue
            cells = {(int(row) - 1, _column(letters)) for letters, row in _cell_names(packed.read(part))}
            found[str(sheet.get("name"))] = cells
    return found


def _cell_names(xml: bytes) -> list[tuple[bytes, bytes]]:
    return _ERROR_CELL.findall(xml) if b't="e"' in xml else []


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
