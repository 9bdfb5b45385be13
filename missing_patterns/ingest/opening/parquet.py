"""Parquet files: typed columns into cells, part by part, with nothing guessed.

Whole numbers stay whole beside blanks, stamps of any unit keep what they say, and a time that knows its zone is handed
on in UTC. The first row of the grid is the names of the columns, so rows are counted as in a CSV of the same table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.opening.files import MOST_RATIO, MOST_UNPACKED
from missing_patterns.ingest.opening.grid import Cell, Grid
from missing_patterns.ingest.opening.typed import TypedColumn, refuse_strange
from missing_patterns.ingest.profiles.headers import Match, match_tables
from missing_patterns.ingest.profiles.profile import TableProfile
from missing_patterns.ingest.rules import RULES

#: Rows turned into cells at a time.
PART = 65_536
#: A file of more rows than this is refused: repeated rows take no room in it, so its size says nothing.
MOST_ROWS = 20_000_000

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST, _LAST = (int(np.datetime64(day, "s").astype("int64")) for day in ("0001-01-01", "9999-12-31T23:59:59"))


def open_parquet(data: bytes, file: str, tables: Sequence[TableProfile]) -> tuple[Grid, list[Match]]:
    """Read a Parquet file, and find the tables that fit its columns, best first.

    Raises
    ------
    DataRefused
        If it is not a whole Parquet file, unpacks to too much, has no columns, or the best table reads a column that
        holds bytes or a structure.
    """
    if not data.startswith(b"PAR1"):
        raise _refused(file, "wrong_kind", "its name and content differ: it is not a Parquet file", "Export it again.")
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        why = "reading Parquet needs pyarrow, which is not installed"
        raise _refused(file, "unreadable", why, 'Run: pip install "missing-patterns[parquet]".') from None
    try:
        book = parquet.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        _check_size(book.metadata, file, len(data))
        names = list(map(str, book.schema_arrow.names))
        columns = [TypedColumn() for _ in names]
        rows: list[Sequence[Cell]] = [names]
        for part in book.iter_batches(batch_size=PART):
            cells = [c.cells(values_of(a)) for c, a in zip(columns, part.columns, strict=True)]
            rows += zip(*cells, strict=True)
    except (pa.ArrowException, OSError, ValueError, ArithmeticError) as error:
        why = f"it is not a whole Parquet file ({type(error).__name__}); it may be cut off"
        raise _refused(file, "unreadable", why, "Export it again.") from None
    if len(rows) != book.metadata.num_rows + 1:
        why = f"it says that it holds {book.metadata.num_rows:,} rows, and holds {len(rows) - 1:,}"
        raise _refused(file, "unreadable", why, "Export it again.")
    matches = match_tables(rows[:1], tables)
    if matches:
        refuse_strange(matches[0], columns, file)
    return Grid(file, "", rows, range(1, len(rows) + 1)), matches


def _refused(file: str, rule: str, why: str, fix: str) -> DataRefused:
    return DataRefused.of_file(file, why, fix, rule=RULES[rule].code)


def _check_size(found: Any, file: str, size: int) -> None:
    if not found.num_columns:
        raise _refused(file, "empty_file", "it has no columns", "Export it again.")
    unpacked = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
    is_bomb = unpacked > MOST_UNPACKED or (unpacked > 100_000_000 and unpacked > MOST_RATIO * size)
    if found.num_rows > MOST_ROWS or is_bomb:
        raise _refused(file, "bomb", "it unpacks to far more than its size", "Export it in parts and check it.")


def values_of(array: Any) -> Sequence[Any]:
    """Return a column of Arrow as plain values, None where it is null.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> values_of(pa.array([7, None], pa.int64())), values_of(pa.array([0, None], pa.timestamp("s", "Europe/London")))
    ([7, None], ['1970-01-01T00:00:00Z', None])
    """
    import pyarrow as pa

    kind, known = array.type, pa.types
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name != "arrow.uuid":
        return values_of(array.storage)
    if known.is_dictionary(kind):
        values = values_of(array.dictionary)
        return [None if i is None else values[i] for i in _whole(array.indices)]
    ways = (
        (known.is_integer, _whole),
        (known.is_floating, _broken),
        (known.is_timestamp, _stamps),
        (known.is_date, _days),
        (known.is_string, _objects),
        (known.is_large_string, _objects),
        (known.is_time64, lambda a: _listed(a.cast(pa.time64("us"), safe=False))),
        (known.is_duration, lambda a: _listed(a.cast(pa.duration("us"), safe=False))),
    )
    return next((way for is_kind, way in ways if is_kind(kind)), _listed)(array)


def _listed(array: Any) -> list[Any]:
    values: list[Any] = array.to_pylist()
    return values


def _objects(array: Any) -> list[Any]:
    values: list[Any] = array.to_numpy(zero_copy_only=False).tolist()
    return values


def _broken(array: Any) -> list[float | None]:
    numbers = array.to_numpy(zero_copy_only=False).astype("float64").tolist()
    return [None if v != v else v for v in numbers]  # noqa: PLR0124  # NaN differs from itself


def _days(array: Any) -> list[Any]:
    days = array.to_numpy(zero_copy_only=False).astype("datetime64[D]").tolist()
    return [_beyond(v) if isinstance(v, int) else v for v in days]


def _beyond(value: int) -> str:
    """Word a stamp that no calendar holds, so that it is no date for whoever reads it next."""
    return f"beyond the calendar ({value})"


def _whole(array: Any) -> list[Any]:
    if not array.null_count:
        return _objects(array)
    nulls = _objects(array.is_null())
    return [None if is_null else v for v, is_null in zip(_objects(array.fill_null(0)), nulls, strict=True)]


def _stamps(array: Any) -> list[Any]:
    """Return stamps of any unit: naive ones as they stand, those with a zone as ISO text in UTC, to the second."""
    import pyarrow as pa

    per = _PER_SECOND[array.type.unit]
    ticks = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    seconds, rest = np.divmod(ticks, per)
    there = ~array.is_null().to_numpy(zero_copy_only=False)
    within = (seconds >= _FIRST) & (seconds <= _LAST)
    seconds = np.where(within, seconds, 0)
    if array.type.tz:
        texts = np.datetime_as_string(seconds.astype("datetime64[s]")).tolist()
        stamps: list[Any] = [f"{text}Z" for text in texts]
    else:
        stamps = (seconds * 1_000_000 + rest * 1_000_000 // per).astype("datetime64[us]").tolist()
    for i in np.flatnonzero(~there | ~within).tolist():
        stamps[i] = _beyond(int(ticks[i])) if there[i] else None
    return stamps
