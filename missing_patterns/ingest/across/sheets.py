"""The sheets of one run side by side, so that rows of several can be held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.ingest.sheet.rows import Data
from missing_patterns.ingest.sheet.tables import Pieces


@dataclass(slots=True, repr=False)
class Sheet:
    """One sheet as read: its data rows, and what they became.

    Raises
    ------
    Nothing.
    """

    data: Data
    pieces: Pieces
    #: Whether every reference of its incidents is known to stand once.
    refs_once: bool = False

    def __repr__(self) -> str:
        return f"Sheet: {self.data!r}"

    def keep(self) -> None:
        """Take out of every piece the rows that were set aside since it was made."""
        kept = self.data.kept
        for name in ("incidents", "interviews", "children", "placements"):
            piece = getattr(self.pieces, name)
            if piece is not None and not (stays := kept[piece["at"].to_numpy()]).all():
                setattr(self.pieces, name, piece[stays].reset_index(drop=True))


def by_table(sheets: Sequence[Sheet]) -> list[list[Sheet]]:
    """Return the sheets of each table of a profile, in reading order.

    Raises
    ------
    Nothing.
    """
    groups: dict[tuple[str, str], list[Sheet]] = {}
    for sheet in sheets:
        table = sheet.data.match.table
        groups.setdefault((table.profile, table.name), []).append(sheet)
    return list(groups.values())


@dataclass(slots=True, repr=False)
class Gathered:
    """Rows of one canonical table from several sheets that are not set aside, and where each stands.

    Parameters
    ----------
    sheets : list of Sheet
    which, at : arrays of int
        Number of the sheet, and position among its data rows.
    frame : pd.DataFrame
        The columns asked for.

    Raises
    ------
    Nothing.
    """

    sheets: Sequence[Sheet]
    which: np.ndarray
    at: np.ndarray
    frame: pd.DataFrame

    def __repr__(self) -> str:
        return f"Gathered: {len(self.at)} rows of {len(self.sheets)} sheets"

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, name: str) -> pd.Series:
        return self.frame[name]

    def masks(self, where: np.ndarray) -> Iterator[tuple[Data, np.ndarray]]:
        """Return each sheet's data with a mask over its rows, where there is any.

        Raises
        ------
        Nothing.
        """
        for n, sheet in enumerate(self.sheets):
            at = self.at[where & (self.which == n)]
            if len(at):
                mask = np.zeros(len(sheet.data), dtype=bool)
                mask[at] = True
                yield sheet.data, mask

    def tell(self, where: np.ndarray, rule: str, name: str = "") -> None:
        """Note a rule for some rows.

        Raises
        ------
        Nothing.
        """
        for data, mask in self.masks(where):
            data.tell(mask, rule, name)

    def fault(self, where: np.ndarray, rule: str, name: str = "") -> None:
        """Set rows aside for a rule.

        Raises
        ------
        Nothing.
        """
        for data, mask in self.masks(where):
            data.fault(mask, rule, name)

    def only(self, where: np.ndarray) -> Gathered:
        """Return some of the rows.

        Raises
        ------
        Nothing.
        """
        if where.all():
            return self
        return Gathered(self.sheets, self.which[where], self.at[where], self.frame[where].reset_index(drop=True))


def gather(sheets: Sequence[Sheet], table: str, columns: Sequence[str]) -> Gathered:
    """Gather the rows of one canonical table that are not set aside.

    Raises
    ------
    Nothing.
    """
    which, at, frames = [], [], []
    for n, sheet in enumerate(sheets):
        piece = getattr(sheet.pieces, table)
        if piece is None:
            continue
        here = piece["at"].to_numpy()
        kept = sheet.data.kept[here]
        frames.append(piece[list(columns)] if kept.all() else piece.loc[kept, list(columns)])
        at.append(here[kept])
        which.append(np.full(len(at[-1]), n))
    if not frames:
        return Gathered(sheets, np.zeros(0, np.int64), np.zeros(0, np.int64), pd.DataFrame(columns=list(columns)))
    frame = frames[0].reset_index(drop=True) if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    return Gathered(sheets, np.concatenate(which), np.concatenate(at).astype(np.int64), frame)


def codes_of(values: pd.Series) -> np.ndarray:
    """Number the distinct values of a column in order of first appearance; not recorded is -1.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> codes_of(pd.Series(["b", None, "a", "b"])).tolist()
    [0, -1, 1, 0]
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return np.asarray(pd.factorize(values)[0], dtype=np.int64)
    objects = np.empty(len(values) + 1, dtype=object)  # a blank at the end: text is not compared up to a NUL only
    objects[:-1] = values.to_numpy(dtype=object)
    return np.asarray(pd.factorize(objects)[0][:-1], dtype=np.int64)


def child_codes(rows: Gathered) -> np.ndarray:
    """Number the children of rows, as ``codes_of`` does but in any order.

    Of one sheet whose ids come from one column, each distinct cell is looked at once.

    Raises
    ------
    Nothing.
    """
    ids = rows["child_id"].to_numpy(dtype=object)
    if len(rows.sheets) == 1 and len(rows) and rows.sheets[0].data.has("child_id"):
        raw = rows.sheets[0].data.distinct("child_id").codes[rows.at]
        first = firsts(raw, np.ones(len(raw), dtype=bool))
        each = np.full(len(first), -1, dtype=np.int64)
        each[first >= 0] = codes_of(pd.Series(ids[first[first >= 0]], dtype=object))
        if (ids[first[raw]] == ids).all():  # else other columns had a say
            codes: np.ndarray = each[raw]
            return codes
    return codes_of(rows["child_id"])


def joined(*codes: np.ndarray) -> np.ndarray:
    """Number the distinct combinations of several columns of numbers; a combination with a -1 is -1.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> joined(np.array([0, 0, 1, 0]), np.array([1, -1, 1, 1])).tolist()
    [0, -1, 1, 0]
    """
    known = np.logical_and.reduce([c >= 0 for c in codes])
    whole = np.zeros(int(known.sum()), dtype=np.int64)
    for column in codes:
        c = column if known.all() else column[known]
        whole = np.asarray(pd.factorize(whole * (int(c.max(initial=0)) + 1) + c)[0], dtype=np.int64)
    if known.all():
        return whole
    found = np.full(len(known), -1, dtype=np.int64)
    found[known] = whole
    return found


def seconds(times: pd.Series) -> np.ndarray:
    """Return London times as whole seconds since 1970 in UTC; not recorded is the least number there is.

    Raises
    ------
    Nothing.
    """
    naive: np.ndarray = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return naive.astype("datetime64[s]").astype(np.int64)


#: What ``seconds`` gives where nothing is recorded.
NO_TIME = int(np.iinfo(np.int64).min)


def firsts(codes: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return for each number 0, 1, ... the first row that has it among those asked for; -1 = none.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> firsts(np.array([0, 1, 0, 1]), np.array([False, True, True, True])).tolist()
    [2, 1]
    """
    first = np.full(int(codes.max(initial=-1)) + 1, -1, dtype=np.int64)
    rows = np.flatnonzero(where & (codes >= 0))[::-1]
    first[codes[rows]] = rows
    return first
