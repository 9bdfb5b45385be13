"""Values of a source that knows its types, a database or a Parquet file, into cells. Nothing is guessed from text."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.opening.grid import Cell
from missing_patterns.ingest.profiles.headers import Match
from missing_patterns.ingest.rules import RULES

_CELLS = (int, float, dt.date, dt.time, dt.timedelta)
_PLAIN = frozenset({int, float, bool, dt.date, dt.time, dt.timedelta, type(None)})
_TEXTS = frozenset({str, type(None)})
#: So many different texts of a column are kept once each, however often they stand there.
MOST_SHARED = 10_000


@dataclass(slots=True, repr=False)
class TypedColumn:
    """Turns the values of one column, part by part, into cells.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> column = TypedColumn()
    >>> column.cells([Decimal("12.50"), Decimal("3"), None, ["Bullying", "Bored"], uuid.UUID(int=7)])
    ['12.50', 3, None, 'Bullying; Bored', '00000000-0000-0000-0000-000000000007']
    >>> column.cells([dt.datetime(2026, 7, 1, 22, tzinfo=dt.UTC)])
    ['2026-07-01T22:00:00Z']
    >>> _ = column.cells([b"photograph"])
    >>> column.strange
    'bytes'
    """

    #: What the column holds that no cell can hold: "bytes" or "a structure"; empty if nothing.
    strange: str = ""
    _shared: dict[str, str] = field(default_factory=dict)

    def cells(self, values: Sequence[Any]) -> Sequence[Cell]:
        """Return one cell per value."""
        kinds = set(map(type, values))
        if kinds <= _PLAIN:
            return values
        if kinds <= _TEXTS:
            if len(self._shared) > MOST_SHARED:
                return values
            share = self._shared.setdefault
            return [None if v is None else share(v, v) for v in values]
        return [self._cell(v) for v in values]

    def _cell(self, value: Any) -> Cell:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, dt.datetime):
            return value if value.tzinfo is None else in_utc(value)
        if isinstance(value, _CELLS):
            return value
        if isinstance(value, Decimal):
            return _number(value)
        if isinstance(value, uuid.UUID):
            return str(value)
        if isinstance(value, list | tuple) and all(v is None or isinstance(v, str) for v in value):
            return "; ".join(v for v in value if v) or None
        is_bytes = isinstance(value, bytes | bytearray | memoryview)
        self.strange = "bytes" if is_bytes else "a structure"
        # Two rows that differ in it alone stay two.
        data = bytes(value) if is_bytes else repr(value).encode("utf-8", "surrogatepass")
        return f"({self.strange} {hashlib.blake2b(data, digest_size=8).hexdigest()})"


def in_utc(value: dt.datetime) -> str:
    """Return a time with an offset as ISO text in UTC, to the second.

    Raises
    ------
    Nothing.
    """
    try:
        value = value.astimezone(dt.UTC)
    except OverflowError:  # a stand-in at the end of time
        value = value.replace(tzinfo=dt.UTC)
    return f"{value.replace(tzinfo=None, microsecond=0).isoformat()}Z"


def _number(value: Decimal) -> Cell:
    """Keep every digit: a whole number as one, others as text."""
    if value.is_nan():
        return None
    if value.is_finite() and value == value.to_integral_value():
        return int(value)
    return format(value, "f")


def refuse_strange(match: Match, columns: Sequence[TypedColumn], file: str) -> None:
    """Refuse a table if a column that the profile reads holds what no cell can hold.

    Raises
    ------
    DataRefused
        Naming every such column.
    """
    read = {at for name, at in match.fields.items() if name[:1] != "_"}
    strange = [f"'{match.headers[i]}' holds {c.strange}" for i, c in enumerate(columns) if c.strange and i in read]
    if strange:
        raise DataRefused.of_file(
            file,
            f"column {', column '.join(strange)}, where text, a number, a date or a list of texts is needed",
            "Have it given as one of these, or take its header out of the profile.",
            rule=RULES["column_unusable"].code,
        )
