"""How charts read a treated table: numbers, withheld cells, and the words for a figure or a label."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, did_you_mean

#: The symbol of a withheld cell, the same as the disclosure room writes.
WITHHELD = "c"


def columns_of(table: pd.DataFrame, *names: str | None) -> None:
    """Refuse a table that lacks one of the named columns.

    Raises
    ------
    ArgumentRefused
        Naming the columns that are absent.

    Examples
    --------
    >>> columns_of(pd.DataFrame({"share": [1]}), "shore")
    Traceback (most recent call last):
    missing_patterns.errors.ArgumentRefused: the chart's table has no column 'shore'. Did you mean 'share'?
    """
    absent = [n for n in names if n is not None and n not in table.columns]
    if absent:
        hint = did_you_mean(absent[0], [str(c) for c in table.columns])
        listed = ", ".join(f"'{n}'" for n in absent)
        raise ArgumentRefused(f"the chart's table has no column {listed}.{hint}")


def optional(table: pd.DataFrame, name: str | None) -> str | None:
    """Return the column's name when the table has it, else None.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> optional(pd.DataFrame({"lower": [0.1]}), "upper") is None
    True
    """
    return name if name is not None and name in table.columns else None


def numbers(values: Sequence[Any] | pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return values as floats; withheld and not recorded are NaN.

    Raises
    ------
    ArgumentRefused
        If a value is neither a number, withheld nor empty.

    Examples
    --------
    >>> numbers([3, "c", None]).tolist()
    [3.0, nan, nan]
    """
    out = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if is_withheld(value) or value is None or value is pd.NA:
            continue
        try:
            out[i] = float(value)
        except (TypeError, ValueError):
            raise ArgumentRefused(f"a value to be drawn is not a number (position {i}).") from None
    return out


def is_withheld(value: object) -> bool:
    """Say whether a value is the symbol of a withheld cell.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> is_withheld("c"), is_withheld(3)
    (True, False)
    """
    return isinstance(value, str) and value == WITHHELD


def shown(value: Any, *, percent: bool = False) -> str:
    """Word one value for a label: ``"43%"``, ``"1,204"``, ``"2.5"``, ``"c"``, or a dash for not recorded.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> [shown(0.425, percent=True), shown(1204), shown(2.46), shown("c"), shown(None)]
    ['43%', '1,204', '2.5', 'c', '–']
    """
    if is_withheld(value):
        return WITHHELD
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "–"
    number = float(value)
    if percent:
        return f"{math.floor(number * 100 + 0.5 + 1e-9)}%"  # half up, as a reader rounds
    return f"{number:,.0f}" if number == round(number) else f"{number:,.1f}"


def wrap(label: object, width: int) -> str:
    """Break a label into lines of about ``width`` letters.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> wrap("Conflict at home", 10)
    'Conflict\\nat home'
    """
    return "\n".join(textwrap.wrap(str(label), width)) or str(label)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move label positions apart until neighbours are ``gap`` apart, as near as can be to where they were wanted.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> spread([1.0, 1.2, 5.0], gap=1.0, low=0.0, high=10.0)
    [0.6, 1.6, 5.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Pool neighbours that collide into blocks, each centred on the mean of what its members wanted.
    blocks: list[list[int]] = []
    for i in order:
        blocks.append([i])
        while len(blocks) > 1 and _bottom(blocks[-1], wanted, gap) < _top(blocks[-2], wanted, gap) + gap:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    out = [0.0] * len(wanted)
    for block in blocks:
        for k, i in enumerate(block):
            out[i] = _bottom(block, wanted, gap) + k * gap
    shift = max(low - min(out, default=low), 0.0) - max(max(out, default=high) - high, 0.0)
    return [round(v + shift, 10) for v in out]


def _bottom(block: Sequence[int], wanted: Sequence[float], gap: float) -> float:
    return sum(wanted[i] for i in block) / len(block) - gap * (len(block) - 1) / 2


def _top(block: Sequence[int], wanted: Sequence[float], gap: float) -> float:
    return _bottom(block, wanted, gap) + gap * (len(block) - 1)


def withheld_note(values: Iterable[object]) -> str:
    """Return the line that explains ``c`` when one of the values is withheld, else an empty string.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> withheld_note([3, "c"]), withheld_note([3, 4])
    ('c = withheld: too few children', '')
    """
    return "c = withheld: too few children" if any(is_withheld(v) for v in values) else ""
