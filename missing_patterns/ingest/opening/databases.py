"""Tables of a database: opened to read only, one consistent state for all, streamed in parts, nothing pasted into SQL.

What is told of a database is its kind and its name. What a driver says of an error may hold an address, a password or a
value of a row, so the class of the error is all that is passed on.

A profile says what to read. With ``[source]``, ``read_records("ours.toml")`` needs nothing else::

    name = "ours"
    [source]
    url = "postgresql+psycopg://reader:${CASES_PASSWORD}@server/cases"
    [parameters]
    since = 2026-04-01
    [[table]]
    name = "missing"
    from = "dbo.ssd_missing"             # a table or view; or instead:
    # query = "SELECT ref, child, went, back FROM absences WHERE went >= :since"
    becomes = ["incidents"]
    recognise = ["child_id", "missing_from"]
    [table.columns]
    child_id = ["child"]
    missing_from = ["went"]

PostgreSQL and SQLite are held to reading by the transaction itself; of other kinds nothing is committed, and the
account should have no right to write.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from missing_patterns.errors import DataRefused, SettingsRefused, did_you_mean
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.files import Source
from missing_patterns.ingest.opening.grid import Cell, Grid
from missing_patterns.ingest.opening.sources import parameters_of
from missing_patterns.ingest.opening.typed import TypedColumn, refuse_strange
from missing_patterns.ingest.profiles.headers import Match, choose, match_tables
from missing_patterns.ingest.profiles.profile import TableProfile, built_in, read_profile
from missing_patterns.ingest.rules import RULES
from missing_patterns.schema import LONDON

#: Rows fetched at a time.
PART = 10_000
#: Seconds that PostgreSQL waits for a table that another holds, and for the server to answer at all.
LOCK_WAIT, CONNECT_WAIT = 30, 15

_CHECK = "Check the address, the rights and the query."


def taken_from(paths: Any, profile: str | Path | None) -> tuple[Any, str | Path | None]:
    """Return what to read and by which profile: a profile alone may say itself which database it is about.

    Raises
    ------
    SettingsRefused
        If it does not.
    """
    if isinstance(paths, list | tuple) and len(paths) == 1:
        paths = paths[0]
    if profile is not None or not isinstance(paths, str | Path) or Path(paths).suffix.lower() != ".toml":
        return paths, profile
    url = read_profile(paths).source
    if not url:
        raise SettingsRefused(
            f'{Path(paths).name}: does not say what to read. Add [source] with url = "...", the address of a '
            f"database, or name files and hand this over as profile=."
        )
    return url, paths


def read_database(
    source: Source, tables: Sequence[TableProfile], log: Log
) -> Generator[tuple[Match, Grid], None, None]:
    """Read each table of a database that the profiles name, in one transaction that can only read.

    Yields the columns that the profile found, and the rows as a grid whose first row is the names of the columns.
    A table that a built-in profile names and the database does not have is told; one that a user's own profile names
    must be there.

    Raises
    ------
    DataRefused
        If the database does not answer, or has no table that could be read, or a table lacks what its profile needs.
    SettingsRefused
        If the profile names no table of a database.
    """
    wanted = [t for t in tables if t.from_table or t.query]
    if not wanted:
        raise SettingsRefused(
            "The profile does not say which table of the database to read. Add to each [[table]] a line such as "
            'from = "ssd_missing" or query = "SELECT ...".'
        )
    with _connected(source) as connection:
        written_at = _now(connection)
        for table, statement, label in _plan(connection, source, wanted, log):
            with _worded(label):
                found = _read(connection, table, statement, label, written_at)
            yield found


@contextmanager
def _connected(source: Source) -> Iterator[Any]:
    """Open the database, and word again whatever its driver says."""
    try:
        import sqlalchemy as sa
    except ModuleNotFoundError:
        why = "reading a database needs SQLAlchemy, which is not installed"
        raise refused(source.label, why, 'Run: pip install "missing-patterns[sql]".') from None
    try:
        engine = sa.create_engine(**_options(source, sa.make_url(source.url)))
    except ModuleNotFoundError as error:
        why = f"the driver of this kind of database is not installed ({error.name})"
        fix = 'Run: pip install "missing-patterns[sql]" for PostgreSQL; for another kind, pip install its driver.'
        raise refused(source.label, why, fix) from None
    except (sa.exc.SQLAlchemyError, ValueError, TypeError) as error:
        why = f"its address cannot be used ({type(error).__name__})"
        fix = "Write it as kind+driver://user:password@host/name; in the password, @ is written %40 and / is %2F."
        raise refused(source.label, why, fix) from None
    try:
        with _worded(source.label), engine.connect() as connection:
            _only_read(connection)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _worded(label: str) -> Iterator[None]:
    """Pass on the class of what a driver raises, and nothing that it says."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, OSError, ValueError, ArithmeticError) as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        raise refused(label, f"the database did not answer as it should ({kind})", _CHECK) from None


def refused(label: str, why: str, fix: str, rule: str = "database") -> DataRefused:
    """Word the refusal of a database or of one of its tables.

    Raises
    ------
    Nothing.
    """
    return DataRefused.of_file(label, why, fix, rule=RULES[rule].code)


def _options(source: Source, url: Any) -> dict[str, Any]:
    from sqlalchemy.pool import NullPool

    options: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
    if url.get_dialect().is_async:
        raise refused(source.label, "its driver is an asynchronous one", "Name another, such as postgresql+psycopg.")
    if url.get_backend_name() == "sqlite":
        return options | {"url": _file_to_read(source, url)}
    if "psycopg" in url.get_driver_name():
        options["connect_args"] = {"connect_timeout": url.query.get("connect_timeout", CONNECT_WAIT)}
    return options | {"url": url}


def _file_to_read(source: Source, url: Any) -> Any:
    """Return the address of an SQLite file so that it can only be read, and is not made where there is none."""
    path = Path(url.database or "")
    if not path.is_file():
        raise refused(source.label, "there is no such file", "Check the path: sqlite:///folder/name.db.", "not_there")
    query = {**url.query, "mode": "ro", "uri": "true"}
    return url.set(database=path.resolve().as_uri(), query=query)


def _only_read(connection: Any) -> None:
    """Begin the one transaction of a run: one state of all tables, and no right to write, where the kind knows that."""
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{round(LOCK_WAIT * 1000)}ms'")
        if connection.dialect.driver == "psycopg":
            connection.exec_driver_sql("SET LOCAL datestyle = 'ISO'")
            _load_all_stamps(connection)
    elif connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")


def _load_all_stamps(connection: Any) -> None:
    """Let psycopg give stamps that Python cannot hold: infinity as a stand-in for open, and others as text."""
    from psycopg.adapt import Loader

    class Stamp(Loader):
        def load(self, data: Any) -> Any:
            return stamp_of(bytes(data).decode(), dt.datetime)

    class Day(Loader):
        def load(self, data: Any) -> Any:
            return stamp_of(bytes(data).decode(), dt.date)

    adapters = connection.connection.driver_connection.adapters
    for kind, loader in (("timestamp", Stamp), ("timestamptz", Stamp), ("date", Day)):
        adapters.register_loader(kind, loader)


def stamp_of(text: str, kind: type[dt.date]) -> dt.date | str:
    """Read a stamp as PostgreSQL writes it; what Python cannot hold stays text.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> stamp_of("2026-07-01 22:15:00+01", dt.datetime).isoformat(), stamp_of("infinity", dt.date).year
    ('2026-07-01T22:15:00+01:00', 9999)
    >>> stamp_of("0044-03-15 BC", dt.date)
    '0044-03-15 BC'
    """
    if text == "infinity":
        return kind.max
    try:
        return kind.fromisoformat(text)
    except ValueError:
        return text


def _now(connection: Any) -> dt.datetime:
    """Return the server's time as London's clocks show it. SQLite's is UTC; that of others without a zone is theirs."""
    import sqlalchemy as sa

    now: dt.datetime = connection.execute(sa.select(sa.func.current_timestamp())).scalar_one()
    if now.tzinfo is None and connection.dialect.name == "sqlite":
        now = now.replace(tzinfo=dt.UTC)
    return now if now.tzinfo is None else now.astimezone(ZoneInfo(LONDON)).replace(tzinfo=None)


def _plan(
    connection: Any, source: Source, wanted: Sequence[TableProfile], log: Log
) -> list[tuple[TableProfile, Any, str]]:
    """Return what to ask for each table of the profiles that is there."""
    import sqlalchemy as sa

    inspector = sa.inspect(connection)
    found, absent = [], []
    for table in wanted:
        if table.query:
            query = sa.text(table.query.strip().removesuffix(";"))
            values = {n: table.parameters[n] for n in parameters_of(table.query)}
            found.append((table, query.bindparams(**values), f"{source.label}/{table.name}"))
            continue
        place = _find(inspector, table.from_table, source)
        if place is None:
            absent.append(table)
            continue
        schema, name = place
        key = inspector.get_pk_constraint(name, schema=schema).get("constrained_columns") or []
        query = sa.select(sa.text("*")).select_from(sa.table(name, schema=schema))
        label = f"{source.label}/{f'{schema}.' if schema else ''}{name}"
        found.append((table, query.order_by(*map(sa.column, key)), label))
    needed = [t for t in absent if not found or t.profile not in built_in()]
    if needed:
        names = [t.from_table for t in needed]
        there = sorted([*inspector.get_table_names(), *inspector.get_view_names()])
        raise refused(
            source.label,
            f"it has no table {', '.join(names)}.{did_you_mean(names[0], there)}".rstrip("."),
            'Write a profile with from = "schema.table" or query = "SELECT ..." under each [[table]], and name it: '
            'profile="ours.toml".',
        )
    for table in absent:
        log.add("table_absent", source.label, detail=table.from_table)
    return found


def _find(inspector: Any, name: str, source: Source) -> tuple[str | None, str] | None:
    """Find a table or view: as named, else in the schema before the last dot, else in the one schema that has it."""
    if inspector.has_table(name):
        return None, name
    schema, dot, table = name.rpartition(".")
    if dot:
        return (schema, table) if inspector.has_table(table, schema=schema) else None
    if inspector.dialect.name not in ("postgresql", "mssql"):  # in others, a schema may be another database
        return None
    schemas = [s for s in inspector.get_schema_names() if inspector.has_table(name, schema=s)]
    if len(schemas) > 1:
        why = f"table {name} is in more than one schema ({', '.join(schemas)})"
        raise refused(source.label, why, f'Write a profile that says which: from = "{schemas[0]}.{name}".')
    return (schemas[0], name) if schemas else None


def _read(
    connection: Any, table: TableProfile, statement: Any, label: str, written_at: dt.datetime
) -> tuple[Match, Grid]:
    with connection.execute(statement, execution_options={"yield_per": PART}) as result:  # through a server's cursor
        names = list(map(str, result.keys()))
        match = _match(table, names, label)
        columns = [TypedColumn() for _ in names]
        rows: list[Sequence[Cell]] = [names]
        for part in result.partitions():
            rows += zip(*(c.cells(v) for c, v in zip(columns, zip(*part, strict=True), strict=True)), strict=True)
            refuse_strange(match, columns, label)
    return match, Grid(label, "", rows, range(1, len(rows) + 1), written_at=written_at)


def _match(table: TableProfile, names: Sequence[str], label: str) -> Match:
    """Find the profile's columns among those of the result; there is no other header to look for."""
    matches = match_tables([names], [table])
    if not matches:
        known = [(name, headers) for name, headers in table.columns.items() if name in table.recognise]
        missing = ", ".join(f"{name} ({' or '.join(headers)})" for name, headers in known)
        raise refused(
            label,
            f"its columns are not those of {table.name} (profile {table.profile}), which needs {missing}; "
            f"there are: {', '.join(names)}",
            "Write a profile with these names under [table.columns], or a query that names the columns so.",
            "column_needed",
        )
    return choose(matches, label, "")
