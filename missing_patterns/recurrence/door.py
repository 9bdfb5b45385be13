"""The door for tables of many rows: columns as arrays, checked, and past the gate of the schema only where they must.

What the gate does for a table that is kept (ids as text, counts that may be blank, a copy of all) takes seconds for a
million rows, and longer than the estimates. Where a column is plainly what it should be, it is read as it lies; where
it is not, the gate converts it or says what is wrong.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import TableRefused, positions
from missing_patterns.recurrence.common import TIE_TOLERANCE, Bools, Floats, Ints, check_flags, tie_times

#: Whole days are their own ranks while the longest span is at most so many times the number of rows, or this.
LOOK_UP_PER_ROW = 4
LOOK_UP_ALWAYS = 100_000


def refuse(rows: Ints, why: str, table: str = "intervals", comma: str = ",") -> TableRefused:
    """Return the error that names the positions of rows.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> print(refuse(np.array([4]), "a spell ends before it starts"))
    The table 'intervals' cannot be used:
    - a spell ends before it starts, at position 4
    """
    return TableRefused.of_problems(table, [f"{why}{comma} at {positions([int(i) for i in np.sort(rows)])}"])


def require(frame: pd.DataFrame, table: schema.Table) -> None:
    """Refuse what is no table or lacks a column that the table must have.

    Raises
    ------
    TableRefused
        Naming all of them.

    Examples
    --------
    >>> require(pd.DataFrame(columns=["child_id", "start", "stop", "event"]), schema.INTERVALS)
    """
    if not isinstance(frame, pd.DataFrame) or not set(table.required) <= set(frame.columns):
        schema.conform(frame, table)  # says what is wrong, all at once


def numbered(frame: pd.DataFrame, column: str, table: schema.Table) -> tuple[Ints, int]:
    """Number the values of a column of ids from 0, in order of appearance; return also how many there are.

    Ids pass the gate of the table only where they are not plainly text or whole numbers: making text of a million
    numbers takes longer than all estimates from them.

    Raises
    ------
    TableRefused
        If a value is blank or no id.

    Examples
    --------
    >>> numbered(pd.DataFrame({"child_id": ["B", "A", "B"]}), "child_id", schema.INTERVALS)[0].tolist()
    [0, 1, 0]
    """
    given = frame[column]
    plain = given.dtype.kind in "iu" and isinstance(given.dtype, np.dtype)
    if not plain and (isinstance(given.dtype, pd.StringDtype) or given.dtype == object):
        plain = pd.api.types.infer_dtype(given, skipna=False) == "string"
    if not plain:
        given = schema.conform(frame, table, only=(column,))[column]
    codes, found = pd.factorize(given)
    if len(codes) and codes.min() < 0:
        schema.conform(frame, table, only=(column,))  # says where it is blank
    return codes.astype(np.int64, copy=False), len(found)


def numbered_clusters(frame: pd.DataFrame, column: str) -> Ints:
    """Number the values of a column that says which rows go together, from 0.

    Raises
    ------
    TableRefused
        If it is blank anywhere: rows of which it is not known would count as one cluster.

    Examples
    --------
    >>> numbered_clusters(pd.DataFrame({"home": ["oak", "elm", "oak"]}), "home").tolist()
    [0, 1, 0]
    """
    codes: Ints = pd.factorize(frame[column])[0].astype(np.int64, copy=False)
    if (blank := codes < 0).any():
        raise refuse(np.flatnonzero(blank), f"column '{column}' is blank, so it cannot say which rows go together")
    return codes


def numbers(frame: pd.DataFrame, column: str, table: schema.Table) -> Floats:
    """Return a column of numbers as floats, past the gate of the table only where it is not plainly that.

    Raises
    ------
    TableRefused
        If a value is blank or no number.

    Examples
    --------
    >>> numbers(pd.DataFrame({"start": [0, 3]}), "start", schema.INTERVALS).tolist()
    [0.0, 3.0]
    """
    given = frame[column]
    if isinstance(given.dtype, np.dtype) and given.dtype.kind in "iuf":
        values: Floats = given.to_numpy(dtype=np.float64)
        if given.dtype.kind != "f" or not np.isnan(values).any():
            return values
    found: Floats = schema.conform(frame, table, only=(column,))[column].to_numpy(dtype=np.float64)
    return found


def flags(frame: pd.DataFrame, table: schema.Table) -> Bools:
    """Return the column ``event`` as flags.

    Raises
    ------
    TableRefused
        If it holds anything but 0 and 1.

    Examples
    --------
    >>> flags(pd.DataFrame({"event": [0, 1]}), schema.INTERVALS).tolist()
    [False, True]
    """
    given = frame["event"]
    if isinstance(given.dtype, np.dtype) and given.dtype.kind in "biuf":
        values = given.to_numpy()
        is_one: Bools = values == 1
        if (is_one | (values == 0)).all():
            return is_one
    found = schema.conform(frame, table, only=("event",))["event"]
    check_flags(found, table.name)
    is_one = found.to_numpy(dtype=np.int64) == 1
    return np.asarray(is_one, dtype=np.bool_)


def ranked(*columns: Floats) -> tuple[Floats, tuple[Ints, ...]]:
    """Put times on one axis, ties made exact by :func:`tie_times`; return it and each column's places on it.

    Whole days need no sorting: the axis is then every day from the first to the last.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> axis, (start, stop) = ranked(np.array([0.0, 3.0]), np.array([3.0, 4.0]))
    >>> axis[start].tolist(), axis[stop].tolist()
    ([0.0, 3.0], [3.0, 4.0])
    >>> axis, (start, stop) = ranked(np.array([0.1 + 0.2]), np.array([0.3]))
    >>> bool(start[0] == stop[0])
    True
    """
    if not len(columns[0]):
        return np.empty(0), tuple(np.empty(0, dtype=np.int64) for _ in columns)
    low, high = min(float(c.min()) for c in columns), max(float(c.max()) for c in columns)
    room = max(LOOK_UP_ALWAYS, LOOK_UP_PER_ROW * len(columns[0]))
    # Far from nought, ties are relative to the mean, and neighbouring days may be tied.
    if high - low < room and low == np.floor(low) and max(abs(low), abs(high)) < 1 / TIE_TOLERANCE:
        whole = tuple((c - low).astype(np.int64) for c in columns)
        if all((w == c - low).all() for w, c in zip(whole, columns, strict=True)):
            return low + np.arange(high - low + 1.0), whole
    together = np.concatenate(columns)
    distinct, place = np.unique(together, return_inverse=True)
    stands_for = tie_times(distinct)[0]
    new = np.diff(stands_for, prepend=stands_for[0] - 1.0) != 0
    if not new.all():
        place = (np.cumsum(new) - 1)[place]
    ends = np.cumsum([len(c) for c in columns])[:-1]
    return stands_for[new], tuple(np.split(place.astype(np.int64, copy=False), ends))
