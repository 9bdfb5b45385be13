"""Tables of any size into parts of whole children, in little memory.

A part holds the children whose ids lie in one range, so that parts in their order are in the order of one table sorted
by child. The ranges come from quantiles of a sample of the rows, not of the ids: a child with many episodes weighs
more. The ranges' bounds are ids; they are held in memory while the tables are divided, and written nowhere.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.scale.tables import Source, need, to_frame

#: Rows that are looked at to choose the ranges.
SAMPLE_ROWS = 200_000

Bounds = npt.NDArray[np.bytes_]


def choose_bounds(sources: Sequence[Source], n_parts: int) -> Bounds:
    """Choose ranges of ids with about the same number of rows each, by a sample of all of the tables.

    Parameters
    ----------
    sources : sequence of Source
        The tables whose rows count.
    n_parts : int
        Parts wanted. Where a child has more rows than a part should have, there are fewer.

    Returns
    -------
    numpy.ndarray
        The first id of each part but the first, ascending, as UTF-8.

    Raises
    ------
    TableRefused, DataRefused
        If a table cannot be read.
    """
    every = max(1, sum(s.n_rows for s in sources) // SAMPLE_ROWS)
    sample: list[bytes] = []
    for source in sources:
        at = 0
        for batch in source.batches(["child_id"]):
            ids = batch.column("child_id")
            sample += _as_bytes(ids.take(_positions(np.arange(-at % every, len(ids), every))))
            at += len(ids)
    if not sample:
        return np.array([], dtype="S1")
    ordered = np.sort(np.array(sample))
    cuts = np.arange(1, n_parts) * len(ordered) // n_parts
    bounds: Bounds = np.unique(ordered[cuts])
    later: Bounds = bounds[bounds > ordered[0]]
    return later


def divide(source: Source, bounds: Bounds, folder: Path, buffer_bytes: int) -> list[int]:
    """Write a table's rows to one file for each part, in the order in which they come.

    Parameters
    ----------
    source : Source
        The table.
    bounds : numpy.ndarray
        Of :func:`choose_bounds`.
    folder : Path
        Where the parts of all tables go; those of this one in a folder of its name.
    buffer_bytes : int
        Rows are held back until they are as many bytes, so that a file is written to in few pieces.

    Returns
    -------
    list of int
        Rows of each part.

    Raises
    ------
    TableRefused, DataRefused
        If the table cannot be read, or has a row without a child.
    """
    place = folder / source.name
    place.mkdir(parents=True)
    _append(place / "none.arrow", source.schema.empty_table())
    n_parts, held = len(bounds) + 1, 0
    pending: list[list[Any]] = [[] for _ in range(n_parts)]
    rows = np.zeros(n_parts, dtype=np.int64)
    for batch in source.batches():
        part = parts_of(batch.column("child_id"), bounds)
        order = np.argsort(part, kind="stable")
        taken = batch.take(_positions(order))
        cuts = np.searchsorted(part[order], np.arange(n_parts + 1))
        rows += np.diff(cuts)
        for number in np.flatnonzero(np.diff(cuts)).tolist():
            pending[number].append(taken.slice(cuts[number], cuts[number + 1] - cuts[number]))
        held += taken.nbytes
        if held > buffer_bytes:
            _flush(pending, place)
            held = 0
    _flush(pending, place)
    return [int(n) for n in rows]


def parts_of(ids: Any, bounds: Bounds) -> npt.NDArray[np.int64]:
    """Return the part of each id, which are text of Arrow.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> parts_of(pa.array(["A", "M", "B", "Z"]), np.array([b"B", b"Q"])).tolist()
    [0, 1, 1, 2]
    """
    coded = ids.dictionary_encode()
    kinds = np.array(_as_bytes(coded.dictionary) or [b""])
    numbers = np.searchsorted(bounds, kinds, side="right").astype(np.int64)
    parts: npt.NDArray[np.int64] = numbers[coded.indices.to_numpy(zero_copy_only=False)]
    return parts


def part_path(folder: Path, name: str, number: int) -> Path:
    """Return where the rows of a table's part are.

    Raises
    ------
    Nothing.
    """
    return folder / name / f"{number:05}.arrow"


def read_part(folder: Path, name: str, number: int, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a part of a divided table; one to which no row fell has the columns and no rows.

    Raises
    ------
    Nothing.
    """
    pa = need("pyarrow", "scale", "scale")
    path = part_path(folder, name, number)
    path = path if path.exists() else folder / name / "none.arrow"
    pieces = []
    with path.open("rb") as file:
        end = file.seek(0, io.SEEK_END)
        file.seek(0)
        while file.tell() < end:
            pieces.append(_read_stream(pa, file, columns))
    return to_frame(pa.concat_tables(pieces))


def _read_stream(pa: Any, file: Any, columns: Sequence[str] | None) -> Any:
    # The file is read through Python, so that it stands where the stream ended and the next one begins.
    with pa.ipc.open_stream(pa.PythonFile(file, mode="r")) as reader:
        table = reader.read_all()
    return table if columns is None else table.select([c for c in columns if c in table.schema.names])


def _flush(pending: list[list[Any]], place: Path) -> None:
    pa = need("pyarrow", "scale", "scale")
    for number, pieces in enumerate(pending):
        if pieces:
            _append(part_path(place.parent, place.name, number), pa.Table.from_batches(pieces).combine_chunks())
            pieces.clear()


def _append(path: Path, table: Any) -> None:
    """Add one stream to the end of a file: a table of thousands of parts needs no file to stay open."""
    pa = need("pyarrow", "scale", "scale")
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with path.open("ab") as file, pa.ipc.new_stream(file, table.schema, options=options) as writer:
        writer.write_table(table)


def _as_bytes(ids: Any) -> list[bytes]:
    pa = need("pyarrow", "scale", "scale")
    values: list[bytes] = ids.cast(pa.binary()).to_numpy(zero_copy_only=False).tolist()
    return values


def _positions(at: npt.NDArray[Any]) -> Any:
    return need("pyarrow", "scale", "scale").array(at)
