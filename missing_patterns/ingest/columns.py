"""Columns of the data rows into typed values, with every fault and repair told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.ingest import values
from missing_patterns.ingest.clocks import place
from missing_patterns.ingest.dates import Stamps, parse_column, parse_times
from missing_patterns.ingest.fields import TRIGGER_FIELDS, fields_of
from missing_patterns.ingest.rows import Data
from missing_patterns.ingest.wordings import own_codebook, phrase_parser

#: Fields without which a row says nothing safe: a fault there sets the row aside.
VITAL = ("missing_from", "returned_at", "started_on", "ended_on")
#: Fields in which a far-future date means that it has not ended.
ENDS = ("returned_at", "ended_on", "observed_until")
FIRST_YEAR, LAST_YEAR = 1990, 2098
FIRST_BIRTH_YEAR = 1960


@dataclass(frozen=True, slots=True, repr=False)
class Times:
    """A column of times in Europe/London, and whether each holds a time of day.

    Raises
    ------
    Nothing.
    """

    at: pd.Series
    has_time: np.ndarray


def read_values(data: Data, name: str, codebook: Codebook | None = None) -> list[Any]:
    """Return the values of a field that is not a date: text, codes, flags, numbers or lists; None = not recorded.

    A field that the source lacks gives the default of its profile, or None throughout.

    Raises
    ------
    Nothing.
    """
    if not data.has(name):
        return [data.match.table.defaults.get(name)] * len(data)
    read = values.each_distinct(data.cells(name), _parser(data, name, codebook))
    for rule in set(read.fault) - {""}:
        where = read.fault == rule
        if name == "child_id":
            data.fault(where, rule, name)
        elif rule != "id_blank":
            data.tell(where, "ref_unreadable" if rule.startswith("id_") else rule, name)
    for rule in set(read.repair) - {""}:
        data.tell(read.repair == rule, rule, name)
    return read.values


def _parser(data: Data, name: str, codebook: Codebook | None) -> Callable[[Any], tuple[Any, str, str]]:
    table = data.match.table
    kind = fields_of(table.becomes)[name]
    if name in TRIGGER_FIELDS:
        many = values.trigger_parser(own_codebook(codebook or read_codebook(), table))
        return many if kind == "list" else _only_one(many)
    if name in ("ethnicity", "placement_type"):
        return phrase_parser(table.codes(name), values.NOT_RECORDED)
    if name == "legal_status":
        return values.parse_word
    special: dict[str, Callable[[Any], tuple[Any, str, str]]] = {
        "id": values.parse_id,
        "text": values.parse_text,
        "count": values.parse_count,
        "number": values.parse_number,
        "list": values.parse_refs if name in ("other_refs", "incident_ids") else values.parse_list,
    }
    if kind in special:
        return special[kind]
    return values.flag_parser(table.codes(name)) if kind == "flag" else values.code_parser(table.codes(name))


def _only_one(many: Callable[[Any], tuple[Any, str, str]]) -> Callable[[Any], tuple[str | None, str, str]]:
    """Take the main trigger: the first code of the cell, if it is one of the codebook's."""
    answers = {"unmapped", "unknown", "declined_to_say", "not_recorded", "other_specified"}

    def parse(cell: Any) -> tuple[str | None, str, str]:
        found, fault, repair = many(cell)
        codes = [code for code in found or () if code not in answers]
        return (codes[0] if codes else None), fault, repair

    return parse


def read_times(data: Data, name: str, not_before: pd.Series | None = None) -> Times:
    """Return a field of times in Europe/London; a time column beside it is joined to it.

    Raises
    ------
    DataRefused
        If the column only fits month first, or mixes orders so that it cannot be trusted.
    """
    if not data.has(name):
        return Times(pd.Series([pd.NaT] * len(data), dtype="datetime64[us, Europe/London]"), np.zeros(len(data), bool))
    stamps = _stamps(data, name, FIRST_YEAR)
    at, has_time = stamps.at.copy(), stamps.has_time.copy()
    if data.has(f"{name}_time"):
        since, there, fault = parse_times(data.cells(f"{name}_time"))
        dated = ~np.isnat(at)
        data.fault(fault & dated, "not_a_date", f"{name}_time")
        at_midnight = dated & (at == at.astype("datetime64[D]"))
        joins = there & at_midnight
        at[joins] += since[joins]
        has_time = (has_time & ~at_midnight) | joins
        data.tell(dated & at_midnight & ~there & ~fault, "time_blank", f"{name}_time")
    placed = place(at, stamps.is_utc, not_before)
    data.tell(placed.in_gap & has_time, "clock_gap", name)
    data.tell(placed.fold_by_order & has_time, "clock_fold", name)
    data.tell(placed.fold_unproven & has_time, "clock_fold_unproven", name)
    return Times(placed.at, has_time)


def read_dates(data: Data, name: str) -> pd.Series:
    """Return a field of dates, without times; a time in UTC gives its date in London.

    Raises
    ------
    DataRefused
        As ``read_times``.
    """
    if not data.has(name):
        return pd.Series([pd.NaT] * len(data), dtype="datetime64[us]")
    stamps = _stamps(data, name, FIRST_BIRTH_YEAR if name == "birth_month" else FIRST_YEAR)
    local = place(stamps.at, stamps.is_utc).at.dt.tz_localize(None)
    return local.dt.normalize().astype("datetime64[us]")


def _stamps(data: Data, name: str, first_year: int) -> Stamps:
    read = parse_column(data.cells(name), data.match.table.date_order)
    _check_order(data, name, read)
    at, fault = read.at.copy(), read.fault.copy()
    years = at.astype("datetime64[Y]").astype("int64") + 1970
    fault[~np.isnat(at) & ((years < first_year) | (years > LAST_YEAR))] = "year_out_of_range"
    is_open = fault == "open_placeholder"
    if name in ENDS:
        data.tell(is_open, "open_placeholder", name)
        fault[is_open] = ""
    else:
        fault[is_open] = "placeholder_date"
    at[fault != ""] = np.datetime64("NaT")
    if name in VITAL:
        for rule in sorted(set(fault) - {""}):
            data.fault(fault == rule, rule, name)
    else:
        data.tell(fault != "", "date_is_words", name)
    for rule in sorted(set(read.repair) - {""}):
        data.tell((read.repair == rule) & (fault == ""), rule, name)
    return Stamps(
        at,
        read.has_time,
        read.is_utc,
        fault,
        read.repair,
        read.n_declared,
        read.n_other,
        read.n_either,
        read.is_swapped,
    )


def _check_order(data: Data, name: str, read: Stamps) -> None:
    header = data.match.headers[data.match.fields[name]]
    declared, other = ("day", "month") if data.match.table.date_order == "day_first" else ("month", "day")
    if read.n_other and read.n_declared == 0:
        raise data.refuse(
            "date_order_other",
            f"column '{header}' fits only {other} first ({read.n_other:,} dates; none is {declared} first for certain)",
            f"Export dates {declared} first or as yyyy-mm-dd, or set date_order in a profile.",
        )
    if read.n_other > read.n_declared:
        raise data.refuse(
            "date_order_other",
            f"column '{header}' mixes orders: {read.n_declared:,} dates fit only {declared} first, "
            f"{read.n_other:,} only {other} first",
            "Export dates as yyyy-mm-dd.",
        )
    if read.is_swapped:
        raise data.refuse(
            "date_order_other",
            f"column '{header}' looks as if a spreadsheet swapped day and month wherever both are 12 or less",
            "Export again and open the CSV by importing it, with the column as text.",
        )
    if read.n_declared:
        detail = f"{read.n_declared:,} can only be read so, {read.n_either:,} could be either way"
        if read.n_other:
            detail += f", {read.n_other:,} contradict it"
        data.tell_column("date_order_proven", name, detail)
    elif read.n_either:
        data.tell_column("date_order_unproven", name, f"{read.n_either:,} could be either way")
