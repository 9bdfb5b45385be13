"""Lists in cells as flat arrays, and text as numbers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Flat:
    """The items of all lists in one, with the row that each came from, and the number of items of each row."""

    items: list[str]
    row: Ints
    sizes: Ints


def flatten(lists: pd.Series) -> Flat:
    """Lay the lists of a conformed column end to end; None holds nothing, as ``()`` does.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> flat = flatten(pd.Series([("a", "b"), None, ("a",)], dtype=object))
    >>> flat.items, flat.row.tolist(), flat.sizes.tolist()
    (['a', 'b', 'a'], [0, 0, 2], [2, 0, 1])
    """
    filled = [items or () for items in lists.to_numpy(dtype=object).tolist()]
    sizes = np.fromiter(map(len, filled), dtype=np.int64, count=len(filled))
    return Flat(list(itertools.chain.from_iterable(filled)), np.repeat(np.arange(len(filled)), sizes), sizes)


def number_text(values: list[str]) -> Ints:
    """Return a number for each text, equal where the texts are, counted from 0 in the order of first appearance.

    The texts are told apart by their hashes, which lie side by side in memory where the texts do not; each is then
    compared with the first that has its number.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> number_text(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    hashes = np.fromiter(map(hash, values), dtype=np.int64, count=len(values))
    number, distinct = pd.factorize(hashes)
    position = np.arange(len(values))
    first = np.empty(len(distinct), dtype=np.int64)
    first[number[::-1]] = position[::-1]
    again = np.flatnonzero(first[number] != position)
    text = np.empty(len(values), dtype=object)
    text[:] = values
    if (text[again] != text[first[number[again]]]).any():  # two texts with one hash
        number = pd.factorize(text)[0]
    numbers: Ints = number.astype(np.int64)
    return numbers


def repeats(values: Ints) -> Flags:
    """Return True where a value equals the one before it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> repeats(np.array([4, 4, 9])).tolist()
    [False, True, False]
    """
    again = np.zeros(len(values), dtype=bool)
    again[1:] = values[1:] == values[:-1]
    return again
