"""A table profile fitted to one file: its collection year, fields that share a column, and whose ids children have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.codebook import fold
from missing_patterns.ingest.cells.values import parse_id
from missing_patterns.ingest.opening.grid import as_text
from missing_patterns.ingest.profiles.fields import TableProfile
from missing_patterns.ingest.sheet.columns import read_values, typed
from missing_patterns.ingest.sheet.rows import Data
from missing_patterns.settings import Settings

#: A pair of years such as 2025-26, 2025_26, 202526 or 2025-2026, that no more digits belong to.
_YEARS = re.compile(r"(?<!\d)(20\d\d)[-_ .]?(?:20)?(\d\d)(?![-_.]?\d)")
#: The same as 2526, which is believed only where the name speaks of the 903 return.
_SHORT_YEARS = re.compile(r"(?<!\d)(\d\d)[-_ .]?(\d\d)(?!\d)")

_NO_YEAR = (
    "whether its codes are those of the collection year; set collection_year, or name the file or its folder as in "
    "2025-26"
)


def collection_year(source_name: str, folder_name: str = "", settings: Settings | None = None) -> int | None:
    """Return the year in which the collection of an SSDA903 file ends, on 31 March; None if nothing tells it.

    Parameters
    ----------
    source_name, folder_name : str
        Name of the file and of the folder that it lies in. A pair of years such as ``2025-26``, ``2025_26`` or
        ``202526`` tells the year, and ``2526`` where either name holds ``903``; the file's name comes first. A name
        with two different pairs tells none.
    settings : Settings, optional
        ``collection_year`` of the settings comes before any name.

    Returns
    -------
    int or None

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> collection_year("Missing 2025-26.csv"), collection_year("Missing.csv", "903_2425"), collection_year("2425.csv")
    (2026, 2025, None)
    """
    if settings is not None and settings.collection_year:
        return settings.collection_year
    is_return = "903" in source_name or "903" in folder_name
    for name in (source_name, folder_name):
        found = {int(first) + 1 for first, second in _YEARS.findall(name) if (int(first) + 1) % 100 == int(second)}
        if not found and is_return:
            pairs = _SHORT_YEARS.findall(name.replace("903", " "))
            found = {2001 + int(first) for first, second in pairs if (int(first) + 1) % 100 == int(second)}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def fit(data: Data, year: int | None) -> None:
    """Give a sheet's rows the collection year of their file, and fields that read another field's column.

    Codes that only other years have are told; where the year is not known, that this was not checked.

    Raises
    ------
    Nothing.
    """
    table, fields = data.match.table, data.match.fields
    given = {name: fields[other] for name, other in table.copies.items() if other in fields}
    data.match = replace(data.match, table=table.of_year(year), fields={**given, **fields})
    if table.years:
        _tell_years(data, data.match.table)


def _tell_years(data: Data, table: TableProfile) -> None:
    for name in sorted(data.match.fields):
        wanted = table.dated(name) if table.year is None else table.of_other_years(name)
        if not wanted:
            continue
        found = data.distinct(name)
        where = found.spread([fold(as_text(c)) in wanted for c in found.cells], bool)
        if table.year is not None:
            data.tell(where, "code_of_other_year", name)
        elif where.any():
            data.tell_column("dfe_not_checked", name, _NO_YEAR)


def read_child_ids(data: Data) -> Any:
    """Return the id of each row's child, as the council writes it, as a text column.

    Ids of another scheme get its name before them, as in ``police:123``, so that they can never be taken for a
    council's, which are in capitals. Where the table has both, the council's stands, else the other's.

    Raises
    ------
    Nothing.
    """
    scheme = data.match.table.ids
    if "nominal_id" not in data.match.table.fields:
        return _with_scheme(scheme, read_values(data, "child_id"))
    if not data.has("nominal_id"):
        return read_values(data, "child_id")
    own, faults = _read_ids(data, "child_id")
    others, other_faults = _read_ids(data, "nominal_id")
    blank = faults == "id_blank"
    for rule in ("id_scientific", "id_date"):
        data.fault(faults == rule, rule, "child_id")
        data.fault(blank & (other_faults == rule), rule, "nominal_id")
    data.fault(blank & (other_faults == "id_blank"), "id_blank", "child_id")
    return pd.Series(own).where(~own.isna(), pd.Series(_with_scheme(scheme, others))).array


def blank_in(data: Data, names: Sequence[str]) -> np.ndarray:
    """Say which rows hold nothing in any of these fields.

    Raises
    ------
    Nothing.
    """
    blank = np.ones(len(data), dtype=bool)
    for name in names:
        if data.has(name):
            blank &= data.distinct(name).blank()
    return blank


def _with_scheme(scheme: str, ids: Any) -> Any:
    return f"{scheme}:" + ids if scheme else ids


def _read_ids(data: Data, name: str) -> tuple[Any, np.ndarray]:
    found = data.distinct(name)
    read = [parse_id(cell) for cell in found.cells]
    data.tell(found.spread([r[2] for r in read]) == "id_repaired", "id_repaired", name)
    return typed([r[0] for r in read], "id").take(found.codes), found.spread([r[1] for r in read])
