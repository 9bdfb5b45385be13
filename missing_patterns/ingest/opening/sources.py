"""What a profile says of a database: its address, and the table or query that each [[table]] reads. No library needed.

An address is an SQLAlchemy URL. It may hold ``${NAME}``, which stands for a variable of the environment, so that no
password need stand in a file or a notebook. What is told of a database is its kind and its name, never more.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from missing_patterns.errors import ArgumentRefused, SettingsRefused, did_you_mean

_PATH_MADE = re.compile(r"[A-Za-z][\w+]+:/(?!/)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PASSWORD = re.compile(r"://[^/@:]*:(?!\$\{\w+\}@)[^@]+@")
#: As SQLAlchemy finds them, so that a colon of a cast or of a time is none.
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_SELECT = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:select|with)\b", re.IGNORECASE | re.DOTALL)
_VALUES = (str, bool, int, float, dt.datetime, dt.date, dt.time)


def is_address(given: object) -> bool:
    """Say whether what was given as a path is the address of a database.

    Raises
    ------
    ArgumentRefused
        If it is one that was made into a path, which loses a slash.

    Examples
    --------
    >>> is_address("sqlite:///cases.db"), is_address("${CASES}"), is_address("cases.csv")
    (True, True, False)
    """
    if isinstance(given, Path) and _PATH_MADE.match(given.as_posix()):
        raise ArgumentRefused("Give the address of a database as text, not as a Path.")
    return isinstance(given, str) and ("://" in given or _VARIABLE.fullmatch(given) is not None)


def filled_in(address: str) -> str:
    """Put the environment's values for each ``${NAME}``, with signs such as @ written as an address needs them.

    An address that is nothing but one ``${NAME}`` is taken from there as it stands.

    Raises
    ------
    SettingsRefused
        If the environment has no such variable.

    Examples
    --------
    >>> filled_in("sqlite:///cases.db")
    'sqlite:///cases.db'
    """
    absent = sorted({name for name in _VARIABLE.findall(address) if name not in os.environ})
    if absent:
        raise SettingsRefused(f"The address of the database needs {', '.join(absent)}, not set in the environment.")
    if whole := _VARIABLE.fullmatch(address):
        return os.environ[whole[1]]
    return _VARIABLE.sub(lambda m: quote(os.environ[m[1]], safe=""), address)


def name_of(address: str) -> str:
    """Return what messages call a database: its kind and its name, without user, password and host.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> name_of("postgresql+psycopg://user:secret@host:5432/borough?sslmode=require")
    'postgresql:borough'
    >>> name_of("sqlite:////data/extracts/cases.db"), name_of("${CASES}")
    ('sqlite:cases.db', 'database')
    """
    scheme, found, rest = address.partition("://")
    if not found or not re.fullmatch(r"[A-Za-z]\w*(\+\w+)?", scheme):
        return "database"
    place, _, query = rest.partition("?")
    where = place.rpartition("@")[2].replace("\\", "/")
    # A sign that should have been written %40 or %3F may have put a part of the password where the name should be.
    name = "" if "@" in query else where.partition("/")[2].rpartition("/")[2]
    return f"{scheme.partition('+')[0].lower()}:{name or 'database'}"


def check_source(given: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the ``[source]`` and the ``[parameters]`` of a profile.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> check_source({"source": {"url": "postgresql+psycopg://me:secret@host/cases"}})
    ['source: a password must not stand in a profile; write ${NAME} for it, and set NAME in the environment']
    >>> check_source({"source": {"urll": "sqlite:///cases.db"}})
    ["source: 'urll' is not known. Did you mean 'url'?", 'source: url must be the address of a database']
    """
    problems = []
    if "source" in given:
        source = given["source"] if isinstance(given["source"], dict) else {}
        problems += [f"source: '{n}' is not known.{did_you_mean(n, ['url'])}" for n in source if n != "url"]
        url = source.get("url")
        if not isinstance(url, str) or not ("://" in url or _VARIABLE.fullmatch(url)):
            problems.append("source: url must be the address of a database")
        elif _PASSWORD.search(url):
            problems.append(
                "source: a password must not stand in a profile; write ${NAME} for it, and set NAME in the environment"
            )
    parameters = given.get("parameters", {})
    if not isinstance(parameters, dict):
        return [*problems, "parameters must be a [parameters]"]
    wrong = [name for name, value in parameters.items() if not isinstance(value, _VALUES)]
    problems += [f"parameters: '{n}' must be a text, number, date, time, true or false" for n in wrong]
    tables = given.get("table")
    asked = [t.get("query") for t in tables if isinstance(t, dict)] if isinstance(tables, list) else []
    names = {n for query in asked if isinstance(query, str) for n in parameters_of(query)}
    unused = [name for name in parameters if name not in names]
    return problems + [f"parameters: '{n}' is in no query.{did_you_mean(n, names)}" for n in unused]


def check_reading(place: str, given: Mapping[str, Any], parameters: object) -> list[str]:
    """Return what is wrong with the ``from`` or ``query`` of a table of a profile.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> check_reading("table 'ours'", {"query": "SELECT * FROM a WHERE day >= :sinc"}, {"since": 1})
    ["table 'ours': the query names ':sinc', which is not under [parameters]. Did you mean 'since'?"]
    >>> check_reading("table 'ours'", {"query": "DELETE FROM a"}, {})
    ["table 'ours': query must begin with SELECT or WITH: this only reads"]
    """
    table, query = given.get("from"), given.get("query")
    problems = []
    if isinstance(table, str) and not table.strip():
        problems.append(f"{place}: from must be the name of a table, such as 'ssd_missing' or 'dbo.ssd_missing'")
    if table is not None and query is not None:
        problems.append(f"{place}: from and query cannot both be given")
    if not isinstance(query, str):
        return problems
    if ";" in query.strip().removesuffix(";"):
        problems.append(f"{place}: query must be one statement, without a semicolon; put texts under [parameters]")
    if not _SELECT.match(query):
        problems.append(f"{place}: query must begin with SELECT or WITH: this only reads")
    known = list(parameters) if isinstance(parameters, dict) else []
    absent = [n for n in parameters_of(query) if n not in known]
    return problems + [
        f"{place}: the query names ':{n}', which is not under [parameters].{did_you_mean(n, known)}" for n in absent
    ]


def parameters_of(query: str) -> list[str]:
    """Return the names of a query's parameters, each once.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parameters_of("SELECT * FROM a WHERE day >= :since AND note::text <> '10:30' AND day < :since")
    ['since']
    """
    return list(dict.fromkeys(_PARAMETER.findall(query)))
