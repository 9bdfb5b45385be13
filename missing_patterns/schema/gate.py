"""The one gate that every table passes: checked, completed and typed on the way in."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.errors import TableRefused, did_you_mean, positions
from missing_patterns.schema.tables import Column, Kind, Table
from missing_patterns.schema.times import LONDON

TIMESTAMP = f"datetime64[us, {LONDON}]"
DATE = "datetime64[us]"
TEXT = pd.StringDtype("python")
_TEXT_OR_NONE = {str, type(None), type(pd.NA)}
_TUPLE_OR_NONE = {tuple, type(None)}


def empty(table: Table) -> pd.DataFrame:
    """Return the table with its columns and no rows.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.schema import LINKS
    >>> empty(LINKS).columns.tolist()
    ['episode_id', 'interview_id', 'linked_by']
    """
    return pd.DataFrame({c.name: pd.Series([], dtype=_DTYPES[c.kind]) for c in table.columns})


def conform(frame: pd.DataFrame, table: Table, only: Sequence[str] | None = None) -> pd.DataFrame:
    """Pass a frame through the gate: check it and give it the table's columns, order and types.

    Columns that the table does not name are kept behind the others (covariates travel with their rows); optional
    columns that are absent are added as not recorded. Row order is kept, the index becomes 0..n-1, and the frame
    handed in is not modified. Naive timestamps are read as Europe/London: an hour that happens twice in October is
    taken as the first, one that does not exist in March is moved forward.

    Parameters
    ----------
    frame : pd.DataFrame
        Any frame that has at least the required columns. Text stamps must be ISO 8601, since which number of
        01/02/2026 is the month cannot be known here; files are read by ``read_records``.
    table : Table
        One of the tables of this module.
    only : sequence of str, optional
        Columns of the table that the caller reads: no other is checked or returned. None takes all.

    Returns
    -------
    pd.DataFrame
        A new frame.

    Raises
    ------
    TableRefused
        Naming every column that is absent, not convertible or holds codes that are not allowed, at once.

    Examples
    --------
    >>> import pandas as pd
    >>> from missing_patterns.schema import INCIDENTS
    >>> conform(pd.DataFrame({"child": ["A"], "missing_from": ["2026-01-05 21:00"]}), INCIDENTS)
    Traceback (most recent call last):
    missing_patterns.errors.TableRefused: The table 'incidents' cannot be used:
    - column 'child_id' is absent. Did you mean 'child'?
    """
    if not isinstance(frame, pd.DataFrame):
        raise TableRefused.of_problems(table.name, [f"expected a DataFrame, got {type(frame).__name__}"])
    problems: list[str] = []
    done: dict[str, pd.Series] = {}
    for column in table.columns:
        if only is not None and column.name not in only:
            continue
        if column.name not in frame.columns:
            if column.required:
                hint = did_you_mean(column.name, [str(c) for c in frame.columns])
                problems.append(f"column '{column.name}' is absent.{hint}")
            done[column.name] = _blanks(len(frame), column.kind)
            continue
        given = frame[column.name].reset_index(drop=True)
        try:
            series = _CONVERT[column.kind](given)
        except (ValueError, TypeError, ArithmeticError, AttributeError, NotImplementedError):
            problems.append(f"column '{column.name}' holds values that are not {_IN_WORDS[column.kind]}")
            continue
        problems += _check_column(series, column)
        done[column.name] = series
    if not problems and table.key in done and (doubled := _doubled(done[table.key])).any():
        problems.append(f"column '{table.key}' holds the same key twice, at {_where(doubled)}")
    if problems:
        raise TableRefused.of_problems(table.name, problems)
    result = pd.DataFrame(done, index=pd.RangeIndex(len(frame)))
    if only is not None or set(frame.columns) <= set(table.names):
        return result
    extra = frame.drop(columns=[c for c in table.names if c in frame.columns]).reset_index(drop=True)
    return pd.concat([result, extra], axis=1)


def require(frame: pd.DataFrame, columns: list[str], table: str) -> None:
    """Refuse a frame that lacks any of the columns named.

    Raises
    ------
    TableRefused
        Naming every column that is absent, with the nearest name that is there.

    Examples
    --------
    >>> import pandas as pd
    >>> require(pd.DataFrame({"start": [0.0]}), ["start"], "intervals")
    """
    absent = [c for c in columns if c not in frame.columns]
    if absent:
        there = [str(c) for c in frame.columns]
        raise TableRefused.of_problems(table, [f"column '{c}' is absent.{did_you_mean(c, there)}" for c in absent])


def _blanks(n: int, kind: Kind) -> pd.Series:
    if _DTYPES[kind] is object:
        return pd.Series(np.full(n, None, dtype=object), dtype=object)
    return pd.Series(_BLANK[kind], index=pd.RangeIndex(n), dtype=_DTYPES[kind])


def _where(mask: pd.Series) -> str:
    return positions([int(i) for i in mask.to_numpy().nonzero()[0]])


def _doubled(key: pd.Series) -> pd.Series:
    """Say where a key that is recorded stands for a second time."""
    values = _values(key)
    blank = key.isna()
    if (
        not blank.any() and (values[1:] > values[:-1]).all()
    ):  # sorted, as most tables of this project are: no need to look
        return blank
    return key.duplicated() & ~blank


def _values(series: pd.Series) -> np.ndarray:
    """Return the objects of a text column as they lie, not copied: to be read only."""
    return np.asarray(series.array, dtype=object)


def _check_column(series: pd.Series, column: Column) -> list[str]:
    problems = []
    if column.required and (blank := series.isna()).any():
        problems.append(f"column '{column.name}' is blank at {_where(blank)}")
    # A set of all values is several times faster than a pass for the blank ones and another for the distinct ones.
    if column.allowed and not set(_values(series).tolist()) <= {*column.allowed, pd.NA}:
        strange = series.notna() & ~series.isin(column.allowed)
        allowed = ", ".join(column.allowed)
        problems.append(
            f"column '{column.name}' holds codes that are not allowed at {_where(strange)}; allowed: {allowed}"
        )
    return problems


def _to_text(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, pd.StringDtype):
        return series.astype(TEXT)
    if pd.api.types.is_float_dtype(series.dtype) and series.notna().any():
        raise TypeError("an id that became a float has lost digits")
    values = series.to_numpy(dtype=object)
    if set(map(type, values)) <= _TEXT_OR_NONE:
        return pd.Series(pd.array(values, dtype=TEXT))
    return pd.Series([None if pd.isna(v) else str(v) for v in series], dtype=TEXT)


def _to_timestamp(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        # Times of another zone, and those of a frame made of columns, are looks at the same memory that copy-on-write
        # does not see.
        return series.dt.tz_convert(LONDON).astype(TIMESTAMP).copy()
    if pd.api.types.is_numeric_dtype(series.dtype) and series.notna().any():
        raise TypeError("a number is not a time")
    if not pd.api.types.is_datetime64_dtype(series.dtype):
        series = _parse_iso(series)
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            return series.dt.tz_convert(LONDON).astype(TIMESTAMP)
    first = pd.Series(True, index=series.index).to_numpy()
    return series.astype(DATE).dt.tz_localize(LONDON, ambiguous=first, nonexistent="shift_forward").astype(TIMESTAMP)


def _parse_iso(series: pd.Series) -> pd.Series:
    """Parse ISO text or datetime objects, with or without zone; a mixture of the two is read in London time."""
    stamps = [pd.NaT if pd.isna(v) else pd.Timestamp(_iso(v)) for v in series]
    aware = [s for s in stamps if s is not pd.NaT and s.tzinfo is not None]
    if not aware:
        return pd.Series(stamps, dtype=DATE)
    zoned = [
        s
        if s is pd.NaT
        else (s.tz_convert(LONDON) if s.tzinfo else s.tz_localize(LONDON, ambiguous=True, nonexistent="shift_forward"))
        for s in stamps
    ]
    return pd.Series(zoned, dtype=TIMESTAMP)


def _iso(value: object) -> dt.date:
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value.strip())
    raise TypeError("not a time")


def _to_date(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert(LONDON).dt.tz_localize(None)
    elif not pd.api.types.is_datetime64_dtype(series.dtype):
        if pd.api.types.is_numeric_dtype(series.dtype) and series.notna().any():
            raise TypeError("a number is not a date")
        series = _parse_iso(series)
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            series = series.dt.tz_localize(None)
    return series.astype(DATE).dt.normalize()


def _to_flag(series: pd.Series) -> pd.Series:
    return series.astype("boolean")


def _to_count(series: pd.Series) -> pd.Series:
    return series.astype("Int64")


def _to_number(series: pd.Series) -> pd.Series:
    return series.astype("Float64").astype("float64")


def _all_text(lists: np.ndarray) -> bool:
    """Say whether lists hold text alone; joining it is the fastest way to look at every part."""
    try:
        "".join(itertools.chain.from_iterable(filter(None, lists)))
    except TypeError:
        return False
    return True


def _to_list(series: pd.Series) -> pd.Series:
    """Tuples of text; a string is split at semicolons, as this project writes lists to CSV."""
    values = series.to_numpy(dtype=object)
    if set(map(type, values)) <= _TUPLE_OR_NONE and _all_text(values):
        return pd.Series(values, dtype=object)
    items: list[tuple[str, ...] | None] = []
    for value in series:
        if value is None or value is pd.NA or isinstance(value, float):
            items.append(None)
        elif isinstance(value, str):
            if value.startswith(("(", "[")):  # a tuple that was written to a file as Python prints it
                raise ValueError("not a list as this project writes it")
            items.append(tuple(part.strip() for part in value.split(";") if part.strip()))
        else:
            items.append(tuple(str(part) for part in value))
    return pd.Series(items, dtype=object)


_DTYPES: dict[Kind, Any] = {
    "id": TEXT,
    "code": TEXT,
    "text": TEXT,
    "timestamp": TIMESTAMP,
    "date": DATE,
    "flag": "boolean",
    "count": "Int64",
    "number": "float64",
    "list": object,
}
_BLANK: dict[Kind, Any] = {
    "id": None,
    "code": None,
    "text": None,
    "timestamp": pd.NaT,
    "date": pd.NaT,
    "flag": None,
    "count": None,
    "number": float("nan"),
    "list": None,
}
_CONVERT: dict[Kind, Callable[[pd.Series], pd.Series]] = {
    "id": _to_text,
    "code": _to_text,
    "text": _to_text,
    "timestamp": _to_timestamp,
    "date": _to_date,
    "flag": _to_flag,
    "count": _to_count,
    "number": _to_number,
    "list": _to_list,
}
_IN_WORDS: dict[Kind, str] = {
    "id": "ids as text (numbers with a fraction have lost digits)",
    "code": "codes",
    "text": "text",
    "timestamp": "times (ISO 8601 text or datetimes)",
    "date": "dates (ISO 8601 text or datetimes)",
    "flag": "true or false",
    "count": "whole numbers",
    "number": "numbers",
    "list": "lists of text (in a file, parts are separated by semicolons)",
}
