"""Postcodes in columns that are recognised and not read: how many of them are none."""

from __future__ import annotations

import re

from missing_patterns.ingest.opening.grid import Cell, as_text, tidy
from missing_patterns.ingest.sheet.rows import Data

#: A postcode, or its first part, as extracts cut it off; ZZ99 is what health and social care write for "none".
_POSTCODE = re.compile(r"(?!ZZ9)[A-Z]{1,2}\d[A-Z\d]?(?:\s*\d(?:[A-Z]{2})?)?|GIR\s*0AA")


def is_postcode(cell: Cell) -> bool:
    """Say whether a cell holds a postcode or the first part of one.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> [is_postcode(cell) for cell in ("E6 2RP", "e62rp", "E6", "ZZ99 3VZ", "NFA", "No fixed abode", "E6 2R")]
    [True, True, True, False, False, False, False]
    """
    return _POSTCODE.fullmatch(tidy(as_text(cell)).upper()) is not None


def tell_postcodes(data: Data) -> None:
    """Count, per column of postcodes, those that are none.

    Raises
    ------
    Nothing.
    """
    for name in data.match.fields:
        if not name.startswith("_") or "postcode" not in name:
            continue
        found = data.distinct(name)
        bad = found.spread([not is_postcode(cell) for cell in found.cells], bool)
        there = ~found.blank() & data.kept
        if (bad & there).any():
            data.tell_column("postcode_unusable", name, f"{int((bad & there).sum()):,} of {int(there.sum()):,}")
