"""Tables of a database, on SQLite and on a real PostgreSQL: the same records as their CSV, read only, nothing told."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import itertools
import os
import resource
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import postgres_server
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

import missing_patterns as mp
from missing_patterns.cli import main
from missing_patterns.errors import ArgumentRefused, DataRefused, SettingsRefused
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening import databases
from missing_patterns.ingest.opening.files import list_sources
from missing_patterns.ingest.opening.sources import filled_in, is_address, name_of
from missing_patterns.ingest.opening.typed import TypedColumn
from missing_patterns.ingest.profiles.profile import parse_profile, read_profile

HIDDEN = "hunter2"
TABLES = ("incidents", "interviews", "children", "placements")
OWN = """
name = "ours"
[[table]]
name = "our_missing"
becomes = ["incidents"]
recognise = ["child_id", "missing_from"]
{reading}
[table.columns]
incident_id = ["ref"]
child_id = ["child"]
missing_from = ["went"]
returned_at = ["back"]
home_id = ["home"]
"""


# --- A database of either kind for each test


@dataclass(frozen=True)
class Database:
    """One to read; ``do`` writes to it as its owner would."""

    url: str
    name: str

    def do(self, *statements: Any) -> None:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement) if isinstance(statement, str) else statement)
        engine.dispose()

    def fill(self, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Make a table and put rows into it."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        names = [c.name for c in table.columns]
        with engine.begin() as connection:
            if table.schema:
                connection.execute(sa.schema.CreateSchema(table.schema, if_not_exists=True))
            table.create(connection)
            if rows:
                connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
        engine.dispose()

    def count(self, table: str) -> int:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            n = int(connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one())
        engine.dispose()
        return n

    def read(self, profile: Path | str | None = None) -> mp.schema.Records:
        return mp.read_records(self.url, profile=profile)


def need_postgres() -> None:
    """Skip where there is no server to start, but never where everything has to be tested."""
    if postgres_server.binaries() is None:
        why = f"PostgreSQL is not installed (apt-get install postgresql) and {postgres_server.ADDRESS} is not set"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server: the one that the environment names, else one of our own."""
    with contextlib.ExitStack() as stack:
        given = os.environ.get(postgres_server.ADDRESS)
        if not given:
            need_postgres()
        yield given or stack.enter_context(postgres_server.running())


@pytest.fixture(scope="session")
def made(server: str) -> Database:
    """A database of this worker's own."""
    name = f"borough_{os.environ.get('PYTEST_XDIST_WORKER', 'one')}"
    engine = sa.create_engine(server, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return Database(server.rpartition("/")[0] + f"/{name}", f"postgresql:{name}")


@pytest.fixture
def postgres(made: Database) -> Iterator[Database]:
    """The same database for each test, empty again after each."""
    yield made
    engine = sa.create_engine(made.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for schema in sa.inspect(connection).get_schema_names():
            if schema != "information_schema":
                connection.execute(sa.schema.DropSchema(schema, cascade=True))
        connection.execute(sa.schema.CreateSchema("public"))
        connection.execute(sa.text(f"ALTER DATABASE {made.name.partition(':')[2]} RESET ALL"))
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    (tmp_path / "data").mkdir()
    found = Database(f"sqlite:///{tmp_path / 'data' / 'borough.db'}", "sqlite:borough.db")
    found.do("SELECT 1")
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


# --- Tables of the SSD


def ssd_missing(name: str = "ssd_missing", schema: str | None = None) -> sa.Table:
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("miss_table_id", sa.String(48), primary_key=True),
        sa.Column("miss_person_id", sa.String(48)),
        sa.Column("miss_missing_episode_start_date", sa.DateTime),
        sa.Column("miss_missing_episode_type", sa.String(100)),
        sa.Column("miss_missing_episode_end_date", sa.DateTime),
        sa.Column("miss_missing_rhi_offered", sa.String(2)),
        sa.Column("miss_missing_rhi_accepted", sa.String(2)),
        schema=schema,
    )


def others_of_ssd() -> dict[str, sa.Table]:
    text, every = sa.String(48), sa.MetaData()
    return {
        "ssd_person": sa.Table(
            "ssd_person",
            every,
            sa.Column("pers_person_id", text, primary_key=True),
            sa.Column("pers_sex", text),
            sa.Column("pers_ethnicity", text),
            sa.Column("pers_dob", sa.Date),
            sa.Column("pers_forename", text),
        ),
        "ssd_cla_episodes": sa.Table(
            "ssd_cla_episodes",
            every,
            sa.Column("clae_cla_episode_id", text, primary_key=True),
            sa.Column("clae_person_id", text),
            sa.Column("clae_cla_episode_start_date", sa.DateTime),
            sa.Column("clae_cla_episode_ceased_date", sa.DateTime),
        ),
        "ssd_cla_placement": sa.Table(
            "ssd_cla_placement",
            every,
            sa.Column("clap_cla_placement_id", text, primary_key=True),
            sa.Column("clap_person_id", text),
            sa.Column("clap_cla_placement_start_date", sa.DateTime),
            sa.Column("clap_cla_placement_end_date", sa.DateTime),
            sa.Column("clap_cla_placement_type", text),
            sa.Column("clap_cla_placement_distance", sa.Numeric(6, 1)),
        ),
    }


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


MISSING_ROWS = [
    ("M1", "C1", at("2026-01-05 22:15"), "M", at("2026-01-06 01:30"), "Y", "Y"),
    ("M2", "C1", at("2026-03-29 01:30"), "M", at("2026-03-29 09:00"), "Y", "N"),  # does not exist: clocks went forward
    ("M3", "C2", at("2026-02-11 20:05"), "A", None, None, None),
    ("M4", None, at("2026-02-11 20:05"), "M", None, "N", None),  # no id
    ("M5", "C3", at("2026-05-03 18:00"), "M", at("2026-05-02 18:00"), "NA", None),  # ends before it starts
    ("M6", "C3", at("2026-06-10 23:59"), "Missing", at("9999-12-31 00:00"), "N", "NA"),  # open
]
OTHER_ROWS: dict[str, list[tuple[Any, ...]]] = {
    "ssd_person": [
        ("C1", "F", "WBRI", dt.date(2011, 4, 3), "Ann"),
        ("C2", "M", "BCRB", dt.date(2010, 12, 25), None),
        ("C9", "U", None, None, "Joe"),
    ],
    "ssd_cla_episodes": [("E1", "C1", at("2025-04-01 00:00"), None), ("E2", "C7", at("2024-04-01 00:00"), None)],
    "ssd_cla_placement": [
        ("P1", "C1", at("2025-04-01 00:00"), None, "U4", 12.5),
        ("P2", "C2", at("2025-05-01 00:00"), at("2026-02-01 00:00"), "K2", 999.9),
    ],
}


def fill_ssd(database: Database) -> None:
    database.fill(ssd_missing(), MISSING_ROWS)
    for name, table in others_of_ssd().items():
        database.fill(table, OTHER_ROWS[name])


def write_csv(folder: Path, tables: Sequence[sa.Table], rows: dict[str, list[tuple[Any, ...]]]) -> list[Path]:
    """Write the same tables as text, dates and times as ISO."""
    folder.mkdir()
    for table in tables:
        with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([c.name for c in table.columns])
            writer.writerows([["" if v is None else v for v in row] for row in rows[table.name]])
    return [folder / f"{t.name}.csv" for t in tables]


def assert_same(left: mp.schema.Records, right: mp.schema.Records) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name))
    counts = ["table", "n_rows", "n_accepted", "n_quarantined", "n_not_data"]
    assert left.accounting[counts].values.tolist() == right.accounting[counts].values.tolist()
    assert left.quarantine["rule"].tolist() == right.quarantine["rule"].tolist()


def codes(records: mp.schema.Records) -> list[str]:
    return records.problems["rule"].tolist()


def own_profile(folder: Path, reading: str, more: str = "") -> Path:
    path = folder / "ours.toml"
    path.write_text(OWN.format(reading=reading) + more, encoding="utf-8")
    return path


def ours(name: str = "our_missing", schema: str | None = None, **columns: Any) -> sa.Table:
    """The table of ``OWN``; a column may be given another type."""
    kinds = {"ref": sa.String, "child": sa.String, "went": sa.DateTime, "back": sa.DateTime, "home": sa.String}
    made = [sa.Column(n, columns.get(n, kind), primary_key=n == "ref") for n, kind in kinds.items()]
    return sa.Table(name, sa.MetaData(), *made, schema=schema)


OUR_ROWS = [
    ("R1", "C1", at("2026-01-05 22:15"), at("2026-01-06 01:30"), "H1"),
    ("R2", "C2", at("2026-02-05 22:15"), at("2026-02-06 01:30"), "H2"),
    ("R3", "C1", at("2026-03-05 22:15"), at("2026-03-06 01:30"), "H1"),
]


# --- The same records as files give


class TestSameAsFiles:
    def test_four_tables_of_the_ssd_give_what_their_csv_gives(self, database: Database, tmp_path: Path) -> None:
        fill_ssd(database)
        tables = [ssd_missing(), *others_of_ssd().values()]
        files = write_csv(tmp_path / "csv", tables, {"ssd_missing": MISSING_ROWS, **OTHER_ROWS})
        assert_same(database.read("ssd"), mp.read_records(files, profile="ssd"))
        assert_same(database.read(), database.read("ssd"))
        assert database.read("ssd").quarantine["rule"].tolist() == ["MP-ID-BLANK", "567"]

    def test_a_borough_is_the_same_from_a_database(self, database: Database, tmp_path: Path) -> None:
        mp.make_borough(n_children=40, months=12, seed=5).write(tmp_path / "files")
        path = tmp_path / "files" / "ssd_missing.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = [[c or None for c in row] for row in list(csv.reader(file))[1:]]
        rows.sort(key=lambda row: str(row[0]))
        for row, i in itertools.product(rows, (2, 4)):
            row[i] = row[i] and at(row[i])
        (tmp_path / "sorted").mkdir()
        lines = path.read_text(encoding="utf-8").splitlines()
        (tmp_path / "sorted" / path.name).write_text("\n".join([lines[0], *sorted(lines[1:])]) + "\n", encoding="utf-8")
        database.fill(ssd_missing(), rows)
        records = database.read()
        assert len(records.incidents) == len(rows) > 50
        assert_same(records, mp.read_records(tmp_path / "sorted" / path.name))

    def test_rows_add_up_to_what_the_database_counts(self, database: Database) -> None:
        fill_ssd(database)
        told = database.read().accounting
        assert told["file"].tolist() == [
            f"{database.name}/{t}" for t in ("ssd_missing", "ssd_person", "ssd_cla_episodes", "ssd_cla_placement")
        ]
        assert told["sheet"].tolist() == [""] * 4
        for row in told.itertuples():
            assert row.n_rows == database.count(row.file.rpartition("/")[2]) + 1
            assert row.n_rows == row.n_accepted + row.n_quarantined + row.n_not_data
        assert told["n_not_data"].tolist() == [1, 1, 1, 1]

    def test_lines_count_from_the_names_of_the_columns_and_follow_the_key(self, database: Database) -> None:
        database.fill(ssd_missing(), MISSING_ROWS[::-1])
        records = database.read()
        assert records.quarantine["line"].tolist() == [5, 6]
        assert records.incidents["incident_id"].tolist() == ["M1", "M2", "M3", "M6"]

    def test_files_and_databases_are_read_together(self, database: Database, tmp_path: Path) -> None:
        database.fill(ssd_missing(), MISSING_ROWS[:3])
        person = others_of_ssd()["ssd_person"]
        files = write_csv(tmp_path / "csv", [person], OTHER_ROWS)
        records = mp.read_records([*files, database.url])
        assert sorted(records.accounting["file"]) == [f"{database.name}/ssd_missing", "ssd_person.csv"]
        assert records.children.set_index("child_id").loc["C1", "sex"] == "female"

    def test_the_same_database_twice_is_read_once(self, database: Database) -> None:
        database.fill(ssd_missing(), MISSING_ROWS[:1])
        records = mp.read_records([database.url, database.url])
        assert len(records.accounting) == 1
        assert "MP-SAME-FILE-TWICE" in codes(records)

    def test_two_databases_of_one_name_are_told_apart(self, sqlite: Database, tmp_path: Path) -> None:
        sqlite.fill(ssd_missing(), MISSING_ROWS[:1])
        (tmp_path / "later").mkdir()
        later = Database(f"sqlite:///{tmp_path / 'later' / 'borough.db'}", "")
        later.fill(ssd_missing(), MISSING_ROWS[1:3])
        records = mp.read_records([sqlite.url, later.url])
        assert records.accounting["file"].tolist() == [
            "sqlite:borough.db/ssd_missing",
            "sqlite:borough.db (2)/ssd_missing",
        ]

    def test_the_database_is_not_changed(self, sqlite: Database, tmp_path: Path) -> None:
        fill_ssd(sqlite)
        before = (tmp_path / "data" / "borough.db").read_bytes()
        sqlite.read()
        assert (tmp_path / "data" / "borough.db").read_bytes() == before
        assert [p.name for p in (tmp_path / "data").iterdir()] == ["borough.db"]

    def test_a_view_is_read_like_a_table(self, database: Database, tmp_path: Path) -> None:
        database.fill(ours("all_missing"), OUR_ROWS)
        database.do("CREATE VIEW recent AS SELECT * FROM all_missing WHERE ref > 'R1'")
        records = database.read(own_profile(tmp_path, 'from = "recent"'))
        assert sorted(records.incidents["incident_id"]) == ["R2", "R3"]


# --- Which tables are read


class TestWhichTables:
    def test_what_a_built_in_profile_names_and_the_database_lacks_is_told(self, database: Database) -> None:
        database.fill(ssd_missing(), MISSING_ROWS[:1])
        problems = database.read("ssd").problems
        told = problems[problems["rule"] == "MP-TABLE-ABSENT"]
        assert [m.rpartition(": ")[2] for m in told["message"]] == [
            "ssd_person", "ssd_cla_episodes", "ssd_cla_placement",
        ]  # fmt: skip
        assert set(told["file"]) == {database.name}

    def test_a_database_with_none_of_them_is_refused_and_told_how(self, database: Database) -> None:
        database.fill(ours("else"), OUR_ROWS)
        with pytest.raises(DataRefused, match=r'has no table ssd_missing, .* from = "schema\.table"') as caught:
            database.read()
        assert caught.value.parts[0].rule == "MP-DATABASE"

    def test_a_table_of_ones_own_profile_must_be_there(self, database: Database, tmp_path: Path) -> None:
        database.fill(ours("our_missing"), OUR_ROWS)
        database.do("CREATE VIEW our_view AS SELECT * FROM our_missing")
        text = OWN.format(reading='from = "our_missing"')
        second = OWN.partition("[[table]]")[2].replace("our_missing", "second").format(reading='from = "our_viiew"')
        (tmp_path / "ours.toml").write_text(f"{text}[[table]]{second}", encoding="utf-8")
        with pytest.raises(DataRefused, match="no table our_viiew. Did you mean 'our_view'?"):
            database.read(tmp_path / "ours.toml")

    def test_a_profile_that_names_no_table_is_refused(self, database: Database) -> None:
        with pytest.raises(SettingsRefused, match="does not say which table of the database"):
            database.read("ssda903")

    def test_a_table_in_another_schema_is_found_or_named(self, postgres: Database, tmp_path: Path) -> None:
        postgres.fill(ssd_missing(schema="ssd_development"), MISSING_ROWS[:2])
        records = postgres.read()
        assert records.accounting["file"].tolist() == [f"{postgres.name}/ssd_development.ssd_missing"]
        postgres.fill(ours("our_missing", schema="Dbo"), OUR_ROWS)
        named = own_profile(tmp_path, 'from = "Dbo.our_missing"')
        assert len(postgres.read(named).incidents) == 3
        with pytest.raises(DataRefused, match="no table dbo.our_missing"):
            postgres.read(own_profile(tmp_path, 'from = "dbo.our_missing"'))

    def test_a_table_in_two_schemas_has_to_be_named(self, postgres: Database) -> None:
        for schema in ("live", "old"):
            postgres.fill(ssd_missing(schema=schema), MISSING_ROWS[:2])
        with pytest.raises(DataRefused, match=r"in more than one schema \(live, old\)\. .*from = \"live.ssd_missing\""):
            postgres.read()

    @pytest.mark.parametrize("name", ['o"dd', "two words", "per%cent", "Select", "a;b--", "it's:x"])
    def test_a_name_is_never_pasted(self, database: Database, tmp_path: Path, name: str) -> None:
        database.fill(ours(name), OUR_ROWS)
        records = database.read(own_profile(tmp_path, f"from = '''{name}'''"))
        assert len(records.incidents) == 3
        assert records.accounting["file"].tolist() == [f"{database.name}/{name}"]


# --- Queries


class TestQueries:
    def test_parameters_are_bound(self, database: Database, tmp_path: Path) -> None:
        database.fill(ours(), OUR_ROWS)
        query = "SELECT ref, child, went, back FROM our_missing WHERE went >= :since AND child = :child ORDER BY went;"
        path = own_profile(tmp_path, f'query = "{query}"', '[parameters]\nsince = 2026-02-01\nchild = "C1"\n')
        records = database.read(path)
        assert records.incidents["incident_id"].tolist() == ["R3"]
        assert records.accounting["file"].tolist() == [f"{database.name}/our_missing"]

    @pytest.mark.parametrize("value", ["'C1' OR 1=1", "C1'; DROP TABLE our_missing; --", "%(child)s", ":child"])
    def test_a_parameter_that_holds_sql_is_a_text_like_any_other(
        self, database: Database, tmp_path: Path, value: str
    ) -> None:
        database.fill(ours(), OUR_ROWS)
        path = own_profile(
            tmp_path, 'query = "SELECT * FROM our_missing WHERE child = :child"', f'[parameters]\nchild = "{value}"\n'
        )
        records = database.read(path)
        assert (len(records.incidents), "MP-NO-ROWS" in codes(records)) == (0, True)
        assert database.count("our_missing") == 3

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("INSERT INTO our_missing (ref) VALUES ('X')", "must begin with SELECT or WITH"),
            ("SELECT 1; DELETE FROM our_missing", "must be one statement"),
            ("-- SELECT\nDROP TABLE our_missing", "must begin with SELECT or WITH"),
        ],
    )
    def test_what_is_not_one_select_is_refused(self, database: Database, tmp_path: Path, query: str, told: str) -> None:
        database.fill(ours(), OUR_ROWS)
        with pytest.raises(SettingsRefused, match=told):
            database.read(own_profile(tmp_path, f"query = '''{query}'''"))

    @pytest.mark.parametrize(
        "query",
        [
            "INSERT INTO our_missing (ref) VALUES ('X') RETURNING ref, child, went",
            "WITH new AS (SELECT 'X' AS ref) INSERT INTO our_missing (ref) SELECT ref FROM new RETURNING ref",
            "SELECT ref, child, went FROM our_missing; INSERT INTO our_missing (ref) VALUES ('X'); SELECT 1",
            "COMMIT; INSERT INTO our_missing (ref) VALUES ('X'); SELECT 1",
            "DELETE FROM our_missing",
        ],
    )
    def test_nothing_can_be_written_even_past_the_checks(self, database: Database, query: str) -> None:
        database.fill(ours(), OUR_ROWS)
        (table,) = parse_profile(OWN.format(reading='query = "SELECT 1"'), "ours.toml").tables
        object.__setattr__(table, "query", query)
        source = list_sources(database.url)[0][0]
        with pytest.raises(DataRefused, match=r"did not answer as it should \(\w+\)"):
            list(databases.read_database(source, [table], Log()))
        assert database.count("our_missing") == 3

    def test_a_function_that_writes_is_stopped_by_the_transaction(self, postgres: Database, tmp_path: Path) -> None:
        postgres.fill(ours(), OUR_ROWS)
        postgres.do(
            "CREATE FUNCTION sneak() RETURNS text LANGUAGE sql AS "
            "$$ INSERT INTO our_missing (ref) VALUES ('X') RETURNING ref $$"
        )
        with pytest.raises(DataRefused, match=rf"^{postgres.name}/our_missing: .*\(ReadOnlySqlTransaction\)"):
            postgres.read(own_profile(tmp_path, 'query = "SELECT sneak() AS ref, child, went FROM our_missing"'))
        assert postgres.count("our_missing") == 3

    def test_a_query_that_is_wrong_is_worded_without_its_text(self, database: Database, tmp_path: Path) -> None:
        with pytest.raises(DataRefused) as caught:
            database.read(own_profile(tmp_path, "query = \"SELECT 'Ann Smith' AS child FROM nowhere\""))
        assert "Ann" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.parts[0].rule == "MP-DATABASE"

    def test_a_name_twice_in_the_result_is_refused(self, database: Database, tmp_path: Path) -> None:
        database.fill(ours(), OUR_ROWS)
        query = "SELECT a.*, b.child FROM our_missing a JOIN our_missing b ON a.ref = b.ref"
        with pytest.raises(DataRefused, match=r"names 1 column twice \(child\)"):
            database.read(own_profile(tmp_path, f'query = "{query}"'))


# --- What cannot be reached, or is not as it should be


class TestRefused:
    def test_a_wrong_password_is_not_told(self, postgres: Database) -> None:
        postgres.fill(ssd_missing(), MISSING_ROWS[:1])
        url = sa.make_url(postgres.url).set(password=HIDDEN, username="mrs_jones")
        address = url.render_as_string(hide_password=False)
        with pytest.raises(DataRefused) as caught:
            mp.read_records(address)
        said = f"{caught.value!r} {caught.value} {caught.value.parts} {caught.value.__cause__}"
        assert "did not answer as it should (OperationalError)" in said
        for secret in (HIDDEN, "mrs_jones", "127.0.0.1", str(url.port)):
            assert secret not in said
        assert caught.value.parts[0].file == postgres.name
        assert HIDDEN not in repr(list_sources(address))

    def test_a_server_that_is_not_there_is_told_by_its_name_only(self) -> None:
        address = f"postgresql+psycopg://me:hunter2@127.0.0.1:{postgres_server.free_port()}/cases"
        with pytest.raises(DataRefused, match=r"^postgresql:cases: the database did not answer .*\(\w+\)\. Check"):
            mp.read_records(address)

    @pytest.mark.parametrize(
        ("address", "told"),
        [
            ("nosuchkind://me:hunter2@host/cases", "nosuchkind:cases: its address cannot be used"),
            ("postgresql+psycopg://me:hunter2@host:port/cases", "postgresql:cases: its address cannot be used"),
            ("postgresql+nosuch://me:hunter2@host/cases", "postgresql:cases: its address cannot be used"),
            ("postgresql+psycopg_async://me:hunter2@host/cases", "an asynchronous one"),
            ("sqlite://me:hunter2@host/cases", "there is no such file"),
            ("sqlite://", "there is no such file"),
            ("sqlite:///nowhere/cases.db", "sqlite:cases.db: there is no such file"),
            ("://hunter2", "database: its address cannot be used"),
        ],
    )
    def test_an_address_that_cannot_be_used_is_not_repeated(self, address: str, told: str) -> None:
        with pytest.raises(DataRefused) as caught:
            mp.read_records(address)
        assert told in str(caught.value)
        assert "hunter2" not in str(caught.value)

    def test_a_driver_that_is_not_installed_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyodbc", None)
        with pytest.raises(DataRefused, match=r"mssql:cases: the driver .* not installed .*missing-patterns\[sql\]"):
            mp.read_records("mssql+pyodbc://me:hunter2@host/cases")

    def test_without_the_extra_it_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "sqlalchemy", None)
        with pytest.raises(DataRefused, match=r'sqlite:a\.db: .* pip install "missing-patterns\[sql\]"'):
            mp.read_records("sqlite:///a.db")

    def test_no_database_is_made_where_there_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(DataRefused):
            mp.read_records(f"sqlite:///{tmp_path / 'new.db'}")
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.db").write_text("child,went\n" * 100, encoding="utf-8")
        with pytest.raises(DataRefused, match=r"sqlite:a\.db: .*\(DatabaseError\)"):
            mp.read_records(f"sqlite:///{tmp_path / 'a.db'}")

    def test_a_locked_table_is_not_waited_for_without_end(
        self, postgres: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        postgres.fill(ssd_missing(), MISSING_ROWS[:1])
        monkeypatch.setattr(databases, "LOCK_WAIT", 0.05)
        engine = sa.create_engine(postgres.url, poolclass=sa.NullPool)
        with engine.connect() as other:
            other.execute(sa.text("LOCK TABLE ssd_missing IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(DataRefused, match=r"\(LockNotAvailable\)"):
                postgres.read()
        engine.dispose()
        assert len(postgres.read().incidents) == 1

    def test_a_locked_file_is_refused(self, sqlite: Database) -> None:
        sqlite.fill(ssd_missing(), MISSING_ROWS[:1])
        engine = sa.create_engine(sqlite.url, poolclass=sa.NullPool)
        with engine.connect() as other:
            other.exec_driver_sql("BEGIN EXCLUSIVE")
            with pytest.raises(DataRefused, match=r"\(OperationalError\)"):
                mp.read_records(f"{sqlite.url}?timeout=0.05")
        engine.dispose()
        assert len(sqlite.read().incidents) == 1

    def test_columns_with_other_names_are_told(self, database: Database, tmp_path: Path) -> None:
        database.fill(ours(), OUR_ROWS)
        path = own_profile(tmp_path, 'query = "SELECT child, went AS gone_at FROM our_missing"')
        told = r"which needs child_id \(child\), missing_from \(went\); there are: child, gone_at\. Write a profile"
        with pytest.raises(DataRefused, match=told) as caught:
            database.read(path)
        assert caught.value.parts[0].rule == "MP-COLUMN-NEEDED"

    def test_a_table_without_rows_is_read_and_told(self, database: Database) -> None:
        database.fill(ssd_missing(), [])
        records = database.read()
        assert len(records.incidents) == 0
        assert records.accounting[["n_rows", "n_not_data"]].values.tolist() == [[1, 1]]
        assert "MP-NO-ROWS" in codes(records)

    def test_a_database_is_not_sniffed_and_not_a_path(self, database: Database) -> None:
        with pytest.raises(ArgumentRefused, match="one file"):
            mp.sniff(database.url)
        with pytest.raises(ArgumentRefused, match="as text, not as a Path"):
            mp.read_records(Path("sqlite:///cases.db"))


# --- Types


class TestTypes:
    def test_an_id_of_many_digits_keeps_them_all(self, postgres: Database, tmp_path: Path) -> None:
        ids = [123456789012345678, 100000000000000001]
        postgres.fill(ours(child=sa.Numeric(20, 0), home=sa.Numeric(8, 2)), [("A", ids[0], OUR_ROWS[0][2], None, 12.5)])
        postgres.do("INSERT INTO our_missing VALUES ('B', 100000000000000001, '2026-01-01 10:00', NULL, 'NaN')")
        records = postgres.read(own_profile(tmp_path, 'from = "our_missing"'))
        assert records.incidents["child_id"].tolist() == [str(i) for i in ids]
        assert records.incidents["home_id"].fillna("").tolist() == ["12.50", ""]

    def test_a_column_of_numbers_and_texts_is_read(self, sqlite: Database, tmp_path: Path) -> None:
        sqlite.do(
            "CREATE TABLE our_missing (ref PRIMARY KEY, child, went)",
            "INSERT INTO our_missing VALUES (1, 77, '2026-01-05 22:15'), ('B', 'C3', '2026-01-05 22:15:00.000000')",
        )
        incidents = sqlite.read(own_profile(tmp_path, 'from = "our_missing"')).incidents
        assert incidents["child_id"].tolist() == ["77", "C3"]
        assert incidents["incident_id"].tolist() == ["1", "B"]

    def test_a_uuid_is_text(self, postgres: Database, tmp_path: Path) -> None:
        key = uuid.UUID(int=77)
        postgres.fill(ours(child=sa.Uuid), [("A", key, OUR_ROWS[0][2], None, None)])
        records = postgres.read(own_profile(tmp_path, 'from = "our_missing"'))
        assert records.incidents["child_id"].tolist() == [str(key).upper()]

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Europe/London"])
    def test_times_with_a_zone_are_moments_and_those_without_are_wall_clock(
        self, postgres: Database, tmp_path: Path, zone: str
    ) -> None:
        postgres.do(f"ALTER DATABASE {postgres.name.partition(':')[2]} SET timezone TO '{zone}'")
        moment = at("2026-07-01 22:30:00+00:00")
        postgres.fill(ours(back=sa.DateTime(timezone=True)), [("A", "C1", at("2026-07-01 22:15"), moment, None)])
        (row,) = postgres.read(own_profile(tmp_path, 'from = "our_missing"')).incidents.itertuples()
        assert row.missing_from == pd.Timestamp("2026-07-01 22:15", tz="Europe/London")
        assert row.returned_at == moment
        assert row.precision == "minute"

    def test_dates_know_no_time_and_midnights_throughout_are_dates(self, database: Database, tmp_path: Path) -> None:
        days = [("A", "C1", dt.date(2026, 1, 5), dt.date(2026, 1, 6), None)]
        database.fill(ours("days", went=sa.Date, back=sa.Date), days)
        midnights = [("A", "C1", at("2026-01-05 00:00"), at("2026-01-06 00:00"), None)]
        database.fill(ours("midnights"), midnights)
        for name, told in (("days", "MP-DAY-PRECISION"), ("midnights", "MP-ALL-MIDNIGHT")):
            records = database.read(own_profile(tmp_path, f'from = "{name}"'))
            assert records.incidents["precision"].tolist() == ["day"]
            assert told in codes(records)

    def test_infinity_is_open_and_what_no_calendar_holds_is_set_aside(self, postgres: Database, tmp_path: Path) -> None:
        postgres.fill(ours(), [])
        postgres.do(
            "INSERT INTO our_missing VALUES ('A', 'C1', '2026-01-05 22:15', 'infinity', NULL),"
            "('B', 'C2', '20000-01-01 10:00', NULL, NULL), ('C', 'C3', '0044-03-15 10:00 BC', NULL, NULL)"
        )
        records = postgres.read(own_profile(tmp_path, 'from = "our_missing"'))
        assert records.incidents["incident_id"].tolist() == ["A"]
        assert records.incidents["returned_at"].isna().all()
        assert "MP-OPEN-PLACEHOLDER" in codes(records)
        assert records.quarantine["rule"].tolist() == ["1004", "1004"]

    def test_a_column_of_bytes_that_is_read_is_refused_and_another_is_not(
        self, database: Database, tmp_path: Path
    ) -> None:
        bytes_ = [("A", "C1", OUR_ROWS[0][2], None, b"\xff\x00"), ("B", "C2", OUR_ROWS[0][2], None, None)]
        database.fill(ours(home=sa.LargeBinary), bytes_)
        with pytest.raises(DataRefused, match="column 'home' holds bytes, where text") as caught:
            database.read(own_profile(tmp_path, 'from = "our_missing"'))
        assert caught.value.parts[0].rule == "MP-COLUMN-UNUSABLE"
        query = "SELECT ref, child, went, home AS photograph FROM our_missing ORDER BY ref"
        records = database.read(own_profile(tmp_path, f'query = "{query}"'))
        assert len(records.incidents) == 2

    def test_lists_of_texts_are_choices_and_structures_are_refused(self, postgres: Database, tmp_path: Path) -> None:
        rows = [("A", "C1", OUR_ROWS[0][2], None, ["H1", None, "H2"]), ("B", "C2", OUR_ROWS[1][2], None, [])]
        postgres.fill(ours(home=pg.ARRAY(sa.Text)), rows)
        records = postgres.read(own_profile(tmp_path, 'from = "our_missing"'))
        assert records.incidents["home_id"].fillna("").tolist() == ["H1; H2", ""]
        postgres.fill(ours("nested", home=pg.JSONB), [("A", "C1", OUR_ROWS[0][2], None, {"secret": "x"})])
        with pytest.raises(DataRefused, match="column 'home' holds a structure") as caught:
            postgres.read(own_profile(tmp_path, 'from = "nested"'))
        assert "secret" not in str(caught.value)

    def test_texts_that_recur_are_kept_once_until_there_are_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        column = TypedColumn()
        one, other = ("".join(["fos", "ter"]) for _ in range(2))
        assert one is not other
        cells = column.cells([one, None]), column.cells([other, None])
        assert cells[0][0] is cells[1][0]
        monkeypatch.setattr("missing_patterns.ingest.opening.typed.MOST_SHARED", 0)
        assert column.cells([other])[0] is other

    def test_a_stand_in_at_the_end_of_time_keeps_its_year(self) -> None:
        west = dt.timezone(dt.timedelta(hours=-5))
        assert TypedColumn().cells([dt.datetime.max.replace(tzinfo=west)]) == ["9999-12-31T23:59:59Z"]

    def test_what_is_no_value_at_all_is_a_structure(self) -> None:
        column = TypedColumn()
        (first, second) = column.cells([{"a": 1}, {"a": 2}])
        assert column.strange == "a structure"
        assert first != second


# --- One state, the server's clock, and size


class TestOneState:
    def test_rows_that_arrive_between_two_tables_are_not_read(self, database: Database) -> None:
        if database.name.startswith("sqlite"):
            database.do("PRAGMA journal_mode=WAL")
        fill_ssd(database)
        source = list_sources(database.url)[0][0]
        with contextlib.closing(databases.read_database(source, read_profile("ssd").tables, Log())) as opened:
            _, first = next(opened)
            database.do("INSERT INTO ssd_person (pers_person_id) VALUES ('C77')")
            rest = {grid.file.rpartition("/")[2]: len(grid.rows) for _, grid in opened}
        assert len(first.rows) == 7
        assert rest["ssd_person"] == 4
        assert database.count("ssd_person") == 4

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
    def test_the_time_of_writing_is_the_servers_in_london(self, database: Database, zone: str) -> None:
        database.fill(ssd_missing(), MISSING_ROWS[:1])
        if database.name.startswith("postgresql"):
            database.do(f"ALTER DATABASE {database.name.partition(':')[2]} SET timezone TO '{zone}'")
        source = list_sources(database.url)[0][0]
        ((_, grid),) = databases.read_database(source, [read_profile("ssd").tables[0]], Log())
        now = dt.datetime.now(ZoneInfo("Europe/London")).replace(tzinfo=None)
        assert grid.written_at is not None
        assert abs(grid.written_at - now) < dt.timedelta(minutes=2)

    @pytest.mark.parametrize(("kind", "driver", "n"), [("mssql", "pyodbc", 0), ("postgresql", "psycopg2", 1)])
    def test_other_kinds_and_drivers_get_what_they_know(self, kind: str, driver: str, n: int) -> None:
        class Connection:
            dialect = sa.engine.default.DefaultDialect()

            def __init__(self) -> None:
                self.dialect.name, self.dialect.driver = kind, driver
                self.said: list[str] = []

            def execution_options(self, **options: Any) -> None:
                assert options["postgresql_readonly"] is True

            def exec_driver_sql(self, statement: str) -> None:
                self.said.append(statement)

        connection = Connection()
        databases._only_read(connection)
        assert len(connection.said) == n

    def test_a_clock_without_a_zone_is_taken_as_it_stands(self) -> None:
        class Answer:
            def scalar_one(self) -> dt.datetime:
                return at("2026-07-01 12:00")

        class Connection:
            dialect = sa.engine.default.DefaultDialect()

            def execute(self, _: Any) -> Answer:
                return Answer()

        assert databases._now(Connection()) == at("2026-07-01 12:00")

    def test_two_hundred_thousand_rows(self, postgres: Database, record_property: Any) -> None:
        n = 200_000
        postgres.fill(ssd_missing(), [])
        postgres.do(
            "INSERT INTO ssd_missing SELECT 'M' || i, 'C' || (i % 20000),"
            " timestamp '2020-01-01 20:00' + i * interval '13 minutes', CASE i % 5 WHEN 0 THEN 'A' ELSE 'M' END,"
            " timestamp '2020-01-01 20:00' + i * interval '13 minutes' + interval '3 hours', 'Y', 'N'"
            " FROM generate_series(1, 200000) AS i"
        )
        records = postgres.read()
        record_property("peak_mb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        assert len(records.incidents) == n
        assert records.accounting[["n_rows", "n_accepted", "n_quarantined", "n_not_data"]].values.tolist() == [
            [n + 1, n, 0, 1]
        ]

    def test_rows_are_fetched_in_parts(self, postgres: Database, record_property: Any) -> None:
        """200,000 rows whose notes take 400 MB on the wire, and whose cells do not: all at once would show."""
        postgres.do(
            "CREATE VIEW wide AS SELECT 'R' || i AS ref, 'C' || (i % 50) AS child,"
            " timestamp '2026-01-01 10:00' AS went, repeat('x', 2000) AS note"
            " FROM generate_series(1, 200000) AS i"
        )
        script = f"""
import resource
from missing_patterns.ingest.opening import databases
from missing_patterns.ingest.opening.files import list_sources
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.profiles.profile import parse_profile
import sqlalchemy, psycopg
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tables = parse_profile('''{OWN.format(reading='from = "wide"')}''', "ours.toml").tables
((_, grid),) = databases.read_database(list_sources("{postgres.url}")[0][0], tables, Log())
print(len(grid.rows), before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        n, before, peak = map(int, done.stdout.split())
        record_property("peak_mb", round((peak - before) / 1024))
        assert n == 200_001
        assert (peak - before) / 1024 < 200


# --- Addresses, profiles, and what of them is told


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "name"),
        [
            ("postgresql+psycopg://u:p@host:5432/borough?sslmode=require", "postgresql:borough"),
            ("postgresql://host/borough", "postgresql:borough"),
            ("postgresql://u:p@host", "postgresql:database"),
            ("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx;PWD=hunter2@x", "mssql:database"),
            ("mssql+pyodbc://u:hunter2@dsn", "mssql:database"),
            ("sqlite:////srv/extracts/cases.db", "sqlite:cases.db"),
            ("sqlite:///C:\\extracts\\cases.db", "sqlite:cases.db"),
            ("sqlite://", "sqlite:database"),
            ("SQLite:///a.db", "sqlite:a.db"),
            ("postgresql://u:hun/ter2@host/borough", "postgresql:borough"),
            ("postgresql://u:hun@ter2@host/borough", "postgresql:borough"),
            ("postgresql://u:hun/ter?2@host/borough", "postgresql:database"),
            ("hunter2://", "hunter2:database"),
            ("no address", "database"),
            ("we ird://x/y", "database"),
        ],
    )
    def test_only_kind_and_name_are_told(self, address: str, name: str) -> None:
        assert name_of(address) == name

    def test_what_is_an_address(self) -> None:
        assert [is_address(g) for g in ("sqlite:///a.db", "a.csv", Path("a.csv"), 5)] == [True, False, False, False]

    def test_the_environment_fills_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PW", "p@ss/w?rd")
        monkeypatch.setenv("WHOLE", "sqlite:////x/y.db")
        monkeypatch.delenv("ABSENT", raising=False)
        filled = filled_in("postgresql+psycopg://me:${PW}@host/cases")
        assert sa.make_url(filled).password == os.environ["PW"]
        assert name_of(filled) == "postgresql:cases"
        assert filled_in("${WHOLE}") == "sqlite:////x/y.db"
        with pytest.raises(SettingsRefused, match="needs ABSENT, not set in the environment"):
            mp.read_records("postgresql://me:${ABSENT}@host/${PW}")

    def test_a_profile_may_say_itself_where_to_read(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database.fill(ours(), OUR_ROWS)
        monkeypatch.setenv("CASES", database.url)
        path = own_profile(tmp_path, 'from = "our_missing"', '[source]\nurl = "${CASES}"\n')
        assert len(mp.read_records(path).incidents) == 3
        assert len(mp.read_records([str(path)]).incidents) == 3
        assert "CASES" not in repr(read_profile(path))

    def test_the_command_reads_a_database_and_echoes_no_address(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        database.fill(ours(), OUR_ROWS)
        monkeypatch.setenv("CASES", database.url)
        path = own_profile(tmp_path, 'from = "our_missing"', '[source]\nurl = "${CASES}"\n')
        for arguments, code in (
            (["check", str(path)], 0),
            (["sniff", f"{database.url}?password={HIDDEN}"], 2),
            (["check", f"nosuchkind://me:{HIDDEN}@host/cases"], 3),
        ):
            with pytest.raises(SystemExit) as ended:
                main(arguments)
            assert ended.value.code == code
        said = capsys.readouterr()
        assert f"{database.name}/our_missing: read as incidents; 3 rows used" in said.out
        assert HIDDEN not in said.out + said.err

    def test_the_password_alone_may_come_from_the_environment(
        self, postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        postgres.fill(ours(), OUR_ROWS)
        url = sa.make_url(postgres.url)
        monkeypatch.setenv("CASES_PASSWORD", str(url.password))
        address = postgres.url.replace(str(url.password), "${CASES_PASSWORD}")
        path = own_profile(tmp_path, 'from = "our_missing"', f'[source]\nurl = "{address}"\n')
        assert len(mp.read_records(path).incidents) == 3

    def test_a_profile_alone_that_does_not_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsRefused, match=r"ours\.toml: does not say what to read. Add \[source\]"):
            mp.read_records(own_profile(tmp_path, 'from = "our_missing"'))

    @pytest.mark.parametrize(
        ("reading", "more", "told"),
        [
            ('from = "a"\nquery = "SELECT 1"', "", "from and query cannot both be given"),
            ('from = " "', "", "from must be the name of a table"),
            ("from = 5", "", "from must be text"),
            ("query = 5", "", "query must be text"),
            ('form = "a"', "", "'form' is not known. Did you mean 'from'?"),
            ('qerry = "a"', "", "'qerry' is not known. Did you mean 'query'?"),
            ('query = "SELECT :sinc"', "[parameters]\nsince = 1", "':sinc', which is not under [parameters]"),
            ('query = "SELECT :sinc"', "[parameters]\nsince = 1", "Did you mean 'since'?"),
            ('query = "SELECT :a"', "[parameters]\na = 1\nb = 2", "parameters: 'b' is in no query."),
            ('query = "SELECT :a"', "[parameters]\na = [1]", "'a' must be a text, number, date, time"),
            ('query = "SELECT :a"', "[parameter]\na = 1", "Did you mean 'parameters'?"),
            ('query = "/* a */ -- b\n ( selec 1"', "", "must begin with SELECT or WITH"),
            ("", "[source]\nurl = 5", "source: url must be the address of a database"),
            ("", '[source]\nurl = "cases.db"', "source: url must be the address of a database"),
            ("", '[source]\nuri = "sqlite://"', "source: 'uri' is not known. Did you mean 'url'?"),
            ("", '[source]\nurl = "postgresql://me:hunter2@host/a"', "a password must not stand in a profile"),
        ],
    )
    def test_what_is_wrong_with_a_profile_is_named(self, tmp_path: Path, reading: str, more: str, told: str) -> None:
        text = OWN.format(reading=reading.replace("\n (", " (") if "/*" in reading else reading) + more
        with pytest.raises(SettingsRefused) as caught:
            parse_profile(text, "ours.toml")
        assert told in str(caught.value)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("top", ["source = 5", "parameters = 5", "table = 5"])
    def test_sections_must_be_sections(self, top: str) -> None:
        with pytest.raises(SettingsRefused):
            parse_profile(f'name = "ours"\n{top}\n', "ours.toml")

    def test_a_table_like_another_reads_what_it_names_itself(self) -> None:
        text = (
            OWN.format(reading='from = "a"') + '[[table]]\nname = "second"\nlike = "our_missing"\nquery = "SELECT 1"\n'
        )
        first, second = parse_profile(text, "ours.toml").tables
        assert (first.from_table, first.query) == ("a", "")
        assert (second.from_table, second.query) == ("", "SELECT 1")
        third = parse_profile(text.replace('query = "SELECT 1"', ""), "ours.toml").tables[1]
        assert (third.from_table, third.query) == ("", "")


# --- The server that the tests start


class TestServer:
    def test_one_of_our_own_is_on_loopback_asks_for_a_password_and_is_gone_afterwards(self) -> None:
        need_postgres()
        with postgres_server.running() as address:
            url = sa.make_url(address)
            assert (url.host, len(url.password or "")) == ("127.0.0.1", 32)
            assert Database(address, "").count("pg_class") > 0
            with pytest.raises(DataRefused, match="OperationalError"):
                mp.read_records(address.replace(str(url.password), "wrong"))
        with pytest.raises(DataRefused, match="OperationalError"):
            mp.read_records(address)

    @pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
    def test_where_there_is_none_the_tests_say_so(
        self, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
    ) -> None:
        monkeypatch.setenv("CI", ci)
        monkeypatch.setattr(postgres_server, "binaries", lambda: None)
        with pytest.raises(outcome, match="apt-get install postgresql"):
            need_postgres()
        with pytest.raises(FileNotFoundError), postgres_server.running():
            pass
