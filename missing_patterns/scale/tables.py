"""Tables on disk as Parquet: found, checked by their footers, and read a few rows at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from missing_patterns.errors import ArgumentRefused, DataRefused, TableRefused, did_you_mean
from missing_patterns.schema import TABLES, TEXT
from missing_patterns.triggers import code_triggers

#: Rows that are in memory at once while a table is divided.
BATCH_ROWS = 65_536
#: Columns that no feature needs. An account stays where it is: it is private, and most of a table's size.
LEFT_OUT = {"interviews": {"narrative", "actions", "declined_reason"}}
#: Statuses of a trigger that count as named; what was denied was not.
NAMED = ("present", "suspected")
#: Columns of a table of the caller's own index.
INDEX = ("child_id", "index_at")


def need(module: str, extra: str, what: str) -> Any:
    """Import a library of an extra, or say which extra brings it.

    Raises
    ------
    ArgumentRefused
        If it is not installed.

    Examples
    --------
    >>> need("nosuchlibrary", "scale", "This")
    Traceback (most recent call last):
    missing_patterns.errors.ArgumentRefused: This needs nosuchlibrary, which is not installed. Run: pip install
    "missing-patterns[scale]".
    """
    try:
        return import_module(module)
    except ModuleNotFoundError:
        top = module.partition(".")[0]
        told = f'{what} needs {top}, which is not installed. Run: pip install "missing-patterns[{extra}]".'
        raise ArgumentRefused(told) from None


@dataclass(frozen=True, slots=True, repr=False)
class Source:
    """One table: its Parquet files in order, the columns that are read, with one type each, and its rows."""

    name: str
    files: tuple[Path, ...]
    schema: Any
    n_rows: int
    #: A hash of the files' sizes, times and footers: another if a file was written anew.
    mark: str

    @property
    def columns(self) -> list[str]:
        """Names of the columns that are read.

        Raises
        ------
        Nothing.
        """
        return list(self.schema.names)

    def batches(self, columns: Sequence[str] | None = None, rows: int | None = None) -> Iterator[Any]:
        """Read the rows in order, a few at a time, each column in the one type of the table.

        Raises
        ------
        DataRefused
            If a file cannot be read, or holds a value that the table's type does not.
        TableRefused
            If ``child_id`` is blank somewhere.
        """
        pa, pq = need("pyarrow", "scale", "scale"), need("pyarrow.parquet", "scale", "scale")
        wanted = [f for f in self.schema if columns is None or f.name in columns]
        for file in self.files:
            try:
                book = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
                names = [f.name for f in wanted if f.name in book.schema_arrow.names]
                for batch in book.iter_batches(rows or BATCH_ROWS, columns=names, use_threads=False):
                    yield _in_type(pa, batch, wanted, self.name)
            except (pa.ArrowException, OSError, ValueError) as error:
                if isinstance(error, DataRefused):
                    raise
                raise _unreadable(file, error) from None

    def head(self) -> pd.DataFrame:
        """Return the table without rows, as a part without rows is.

        Raises
        ------
        Nothing.
        """
        return to_frame(self.schema.empty_table())


def find_table(folder: Path, name: str) -> Source | None:
    """Find the table ``name/`` (all Parquet files in it, in order of their names) or ``name.parquet``.

    Raises
    ------
    ArgumentRefused
        If both are there, or pyarrow is not installed.
    DataRefused
        If a file is not a whole Parquet file, or files of one table give a column types that do not go together.
    TableRefused
        If ``child_id`` is absent or not text.
    """
    pa, pq = need("pyarrow", "scale", "scale"), need("pyarrow.parquet", "scale", "scale")
    inside, single = folder / name, folder / f"{name}.parquet"
    files = sorted(p for p in inside.rglob("*.parquet") if not _is_hidden(p.relative_to(inside)) and p.is_file())
    if single.is_file():
        if files:
            raise ArgumentRefused(f"the folder holds both {name}/ and {name}.parquet: remove one of them.")
        files = [single]
    if not files:
        return None
    schemas, n_rows, mark = [], 0, hashlib.sha256()
    for file in files:
        try:
            meta = pq.read_metadata(file)
            schemas.append(_plain(pa, meta.schema.to_arrow_schema()))
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(file, error) from None
        n_rows += meta.num_rows
        mark.update(f"{file.relative_to(folder)} {file.stat().st_size} {file.stat().st_mtime_ns}".encode())
        mark.update(_footer(file, meta.serialized_size))
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowException:
        why = f"the {len(files)} files of the table give one column types that do not go together"
        raise DataRefused.of_file(name, why, "Write all files of a table in one way.") from None
    return Source(name, tuple(files), _kept(pa, schema, name), n_rows, mark.hexdigest())


def without_half_numbers(episodes: Source) -> Source:
    """Return the table without ``episode_no`` if that is blank somewhere.

    Then the children's episodes are numbered anew, those of all children: so it is on one machine, and a part cannot
    know of the blanks of others.

    Raises
    ------
    TableRefused, DataRefused
        If the table cannot be read.
    """
    name = "episode_no"
    if name not in episodes.columns or not any(b.column(name).null_count for b in episodes.batches([name])):
        return episodes
    return replace(episodes, schema=episodes.schema.remove(episodes.schema.get_field_index(name)))


def codes_named(sources: Mapping[str, Source]) -> tuple[str, ...]:
    """Return the codes that any trigger, or without triggers any interview, names, in order of the alphabet.

    The counting process has a column for each code that is named, and a part must have those of all.

    Raises
    ------
    TableRefused, DataRefused
        If the table cannot be read.
    """
    found: set[str] = set()
    if "triggers" in sources:
        for batch in sources["triggers"].batches(["child_id", "code", "status"]):
            table = to_frame(need("pyarrow", "scale", "scale").Table.from_batches([batch]))
            found |= set(table["code"][table["status"].isin(NAMED)].dropna())
    else:
        for batch in sources["interviews"].batches():
            table = to_frame(need("pyarrow", "scale", "scale").Table.from_batches([batch]))
            found |= set(code_triggers(table)["code"])
    return tuple(sorted(found))


def to_frame(table: Any) -> pd.DataFrame:
    """Turn a table of Arrow into a frame with the types of this project; lists become tuples.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> frame = to_frame(pa.table({"child_id": ["A", None], "incident_ids": [["1", "2"], None]}))
    >>> frame["incident_ids"].tolist(), frame["child_id"].dtype == TEXT
    ([('1', '2'), None], True)
    """
    pa = need("pyarrow", "scale", "scale")
    known = {pa.string(): TEXT, pa.bool_(): pd.BooleanDtype(), pa.int64(): pd.Int64Dtype()}
    lists = [n for n, kind in zip(table.schema.names, table.schema.types, strict=True) if _is_list(pa, kind)]
    frame = table.drop_columns(lists).to_pandas(types_mapper=known.get, use_threads=False)
    for name in lists:
        frame[name] = pd.Series(_tuples(table[name].combine_chunks()), dtype=object, index=frame.index)
    return frame[table.schema.names]


def _is_list(pa: Any, kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _tuples(lists: Any) -> list[tuple[str, ...] | None]:
    chunks = lists.chunks if hasattr(lists, "chunks") else [lists]
    done: list[tuple[str, ...] | None] = []
    for chunk in chunks:
        ends = chunk.offsets.to_pylist()
        first = ends[0] if ends else 0
        values = chunk.values.slice(first, ends[-1] - first).to_pylist() if ends else []
        blank = chunk.is_null().to_pylist()
        done += [
            None if is_blank else tuple(values[a - first : b - first])
            for a, b, is_blank in zip(ends[:-1], ends[1:], blank, strict=True)
        ]
    return done


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _footer(file: Path, size: int) -> bytes:
    with file.open("rb") as handle:
        handle.seek(-(size + 8), 2)
        return handle.read()


def _plain(pa: Any, schema: Any) -> Any:
    """Give categories the type of their values, and text one type, so that files written in many ways go together."""
    text = {pa.large_string(): pa.string(), pa.string_view(): pa.string()}
    fields = []
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if _is_list(pa, kind):
            kind = pa.list_(text.get(kind.value_type, kind.value_type))
        fields.append(pa.field(field.name, text.get(kind, kind)))
    return pa.schema(fields)


def _kept(pa: Any, schema: Any, name: str) -> Any:
    if "child_id" not in schema.names:
        raise TableRefused.of_problems(name, [f"column 'child_id' is absent.{did_you_mean('child_id', schema.names)}"])
    kind = schema.field("child_id").type
    if not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise TableRefused.of_problems(name, ["column 'child_id' holds neither text nor whole numbers"])
    names = set(INDEX if name == "index" else TABLES[name].names) - LEFT_OUT.get(name, set())
    fields = [pa.field("child_id", pa.string()) if f.name == "child_id" else f for f in schema if f.name in names]
    return pa.schema(fields)


def _in_type(pa: Any, batch: Any, wanted: Sequence[Any], name: str) -> Any:
    there = set(batch.schema.names)
    if "child_id" in there and batch.column("child_id").null_count:
        raise TableRefused.of_problems(name, ["column 'child_id' is blank somewhere"])
    columns = [batch.column(f.name).cast(f.type) if f.name in there else pa.nulls(len(batch), f.type) for f in wanted]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(wanted))


def _unreadable(file: Path, error: Exception) -> DataRefused:
    why = f"it is not a whole Parquet file with the table's types ({type(error).__name__})"
    return DataRefused.of_file(file.name, why, "Write it again.")
