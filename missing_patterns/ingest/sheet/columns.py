"""Columns of the data rows into typed values, each distinct cell looked at once, with every fault and repair told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.ingest.cells import values
from missing_patterns.ingest.cells.choices import Choices, Parts, only_one, separators
from missing_patterns.ingest.cells.figures import parse_count, parse_number
from missing_patterns.ingest.cells.ladder import answer_parser
from missing_patterns.ingest.profiles.fields import TRIGGER_FIELDS, TableProfile, fields_of
from missing_patterns.ingest.profiles.profile import read_profile
from missing_patterns.ingest.profiles.wordings import own_codebook, phrase_parser
from missing_patterns.ingest.sheet.rows import Data

#: Rules of a cell by which the row is not set aside, though nothing could be read.
_ACCEPTED = ("unmapped_code", "unmapped_trigger")
_DTYPES = {"flag": "boolean", "count": "Int64", "number": "float64", "list": object}


def typed(items: Sequence[Any], kind: str) -> Any:
    """Return values as the array that tables of this library hold for a kind of column; None = not recorded.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> typed([True, None], "flag").dtype, typed([("a",), None], "list").dtype
    (BooleanDtype, dtype('O'))
    """
    if kind == "list":
        return np.fromiter(items, dtype=object, count=len(items))
    if kind in ("timestamp", "date"):
        return pd.array(list(items), dtype=schema.TIMESTAMP if kind == "timestamp" else schema.DATE)
    if kind == "number":
        return np.array([np.nan if v is None else v for v in items], dtype="float64")
    return pd.array(list(items), dtype=_DTYPES.get(kind, schema.TEXT))


def constant(value: Any, kind: str, n: int) -> Any:
    """Return one value ``n`` times.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> constant("a", "text", 2).tolist()
    ['a', 'a']
    """
    return typed([value], kind)[np.zeros(n, dtype=np.int64)]


def read_values(data: Data, name: str, codebook: Codebook | None = None) -> Any:
    """Return the values of a field that is not a date, typed as its table holds them; missing = not recorded.

    A field that the source lacks gives the default of its profile, or nothing throughout.

    Raises
    ------
    DataRefused
        If a cell of choices can be taken apart in two ways.
    """
    kind = kind_of(data.match.table, name)
    if not data.has(name):
        return constant(data.match.table.defaults.get(name), kind, len(data))
    found = data.distinct(name)
    parse = _parser(data.match.table, name, codebook)
    read = values.parse_distinct(found.cells, parse)
    for rule, where in read.masks(found.codes).items():
        if rule == "choices_undecidable":
            header = data.match.headers[data.match.fields[name]]
            raise data.refuse(
                rule,
                f"a cell of column '{header}' can be taken apart into choices in two ways",
                "Separate the choices by semicolons.",
                int(data.lines[where][0]),
            )
        if rule.startswith("id_") and name != "child_id":
            if rule != "id_blank":
                data.tell(where, "ref_unreadable", name)
        elif rule in _ACCEPTED:
            data.tell(where, rule, name)
        else:
            data.fault(where, rule, name)
    for rule, where in read.masks(found.codes, repaired=True).items():
        if rule == "choices_split":
            marks = separators(parse.marks) if isinstance(parse, Choices | Parts) else ""
            data.tell_column(rule, name, f"{int(where.sum()):,} cells, at {marks}")
        else:
            data.tell(where, rule, name)
    column = typed(read.values, kind)
    is_each = len(column) == len(data) and np.array_equal(found.codes, np.arange(len(data)))
    return column if is_each else column[found.codes]


def kind_of(table: TableProfile, name: str) -> str:
    """Return the kind of a field's column.

    Raises
    ------
    Nothing.
    """
    return fields_of(table.becomes)[name]


def _parser(table: TableProfile, name: str, codebook: Codebook | None) -> Callable[[Any], values.Parsed]:
    kind = kind_of(table, name)
    if name in TRIGGER_FIELDS:
        choices = Choices(own_codebook(codebook or read_codebook(), table))
        return choices if kind == "list" else values.cleaned(only_one(choices))
    if kind == "id":
        return values.parse_id
    if kind == "text":
        return values.parse_text
    if kind == "list":
        return Parts(are_refs=name in ("other_refs", "incident_ids"))
    return values.cleaned(_code_parser(table, name, kind))


def _code_parser(table: TableProfile, name: str, kind: str) -> Callable[[Any], values.Parsed]:
    if kind == "count":
        return parse_count
    if kind == "number":
        return parse_number
    known = table.codes(name)
    if name in ("ethnicity", "placement_type"):
        return phrase_parser(known, values.NOT_RECORDED)
    if name == "legal_status":
        return values.parse_word
    if name in ("rhi_offered", "rhi_accepted"):
        return answer_parser(known, ladder_of(table))
    if kind == "flag":
        return values.flag_parser(known)
    return values.code_parser(known)


def ladder_of(table: TableProfile) -> dict[str, str]:
    """Return the wordings of the ladder: the table's own, or those of the tracker where it has no such column.

    Raises
    ------
    Nothing.
    """
    if table.values.get("status"):
        return table.codes("status")
    return next(t.codes("status") for t in read_profile("rhi_tracker").tables if t.values.get("status"))
