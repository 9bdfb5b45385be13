"""Profiles: which headers a source uses, what its codes mean, and which tables its rows become. TOML, checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from missing_patterns.codebook import fold, read_codebook
from missing_patterns.errors import SettingsRefused, TableRefused, did_you_mean
from missing_patterns.ingest.opening.sources import check_reading, check_source
from missing_patterns.ingest.profiles.fields import (
    ANNEX_A_FIELDS,
    BECOMES,
    DATE_ORDERS,
    EXTRA_FIELDS,
    SCHEMES,
    TRIGGER_FIELDS,
    Profile,
    TableProfile,
    YearCodes,
    codes_of,
    fields_of,
    head,
)
from missing_patterns.ingest.profiles.wordings import own_codebook

__all__ = [
    "ANNEX_A_FIELDS",
    "BECOMES",
    "DATE_ORDERS",
    "EXTRA_FIELDS",
    "Profile",
    "TableProfile",
    "YearCodes",
    "built_in",
    "codes_of",
    "fields_of",
    "head",
    "parse_profile",
    "read_profile",
    "shared_values",
]

#: Collection years in which a code may hold.
FIRST_YEAR, LAST_YEAR = 1992, 2098


def built_in() -> tuple[str, ...]:
    """Return the names of the profiles that ship with the library.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> built_in()
    ('annex_a', 'police', 'rhi_tracker', 'ssd', 'ssda903')
    """
    folder = resources.files("missing_patterns") / "profiles"
    names = (p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))
    return tuple(sorted(name for name in names if name[:1] != "_"))


def read_profile(profile: str | Path) -> Profile:
    """Read a built-in profile by name, or a user's own from a TOML file.

    A profile is TOML: a ``name``, and a ``[[table]]`` for each table of the source, in which

    - ``becomes`` names the tables that its rows become, and ``recognise`` the fields that tell it from others;
    - ``[table.columns]`` gives each field its headers, the preferred one first (a field that begins with ``_`` is known
      and left unread), and ``[table.patterns]`` regular expressions, looked for in headers in small letters without
      signs, for those that drift;
    - ``[table.values.FIELD]`` gives each code its wordings, ``shared`` names fields whose usual wordings are the
      library's, and ``[[table.years]]`` holds codes of some collection years only (``from``, ``to``, values);
    - ``[table.copies]`` lets a field read another field's column with wordings of its own, ``[table.defaults]`` says
      what holds for every row, and ``ids = "police"`` that the children's ids are not the council's;
    - ``sheet``, ``date_order`` and ``canonical`` are as in ``TableProfile``, and ``like`` takes over what an earlier
      table of the profile says.

    Parameters
    ----------
    profile : str or Path
        ``"annex_a"``, ``"police"``, ``"rhi_tracker"``, ``"ssd"``, ``"ssda903"``, or the path of a TOML file of the same
        form.

    Returns
    -------
    Profile

    Raises
    ------
    SettingsRefused
        If there is no such profile, or the file is not one; all that is wrong with it is named at once.

    Examples
    --------
    >>> read_profile("ssd903")
    Traceback (most recent call last):
    missing_patterns.errors.SettingsRefused: There is no profile of that name; known: annex_a, police, rhi_tracker,
    ssd, ssda903. Did you mean 'ssda903'?
    """
    text_name = str(profile)
    if text_name in built_in():
        return _read_built_in(text_name)
    path = Path(profile)
    if path.suffix.lower() != ".toml":
        hint = did_you_mean(text_name, built_in())
        raise SettingsRefused(f"There is no profile of that name; known: {', '.join(built_in())}.{hint}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsRefused(f"{path.name}: cannot be read ({type(error).__name__}). Check the path.") from None
    except UnicodeDecodeError:
        raise SettingsRefused(f"{path.name}: is not UTF-8 text. Save it again as UTF-8.") from None
    return parse_profile(text, path.name)


@cache
def _read_built_in(name: str) -> Profile:
    return parse_profile(_packaged(f"{name}.toml"), f"{name}.toml")


def _packaged(file: str) -> str:
    return (resources.files("missing_patterns") / "profiles" / file).read_text(encoding="utf-8")


@cache
def shared_values() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return the wordings that all sources share, by field and code.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> shared_values()["placement_type"]["kinship"][:3]
    ('U1', 'U2', 'U3')
    """
    given = tomllib.loads(_packaged("_wordings.toml"))
    return {name: {code: tuple(words) for code, words in codes.items()} for name, codes in given.items()}


def parse_profile(text: str, file: str) -> Profile:
    """Parse the TOML of a profile.

    Raises
    ------
    SettingsRefused
        Naming everything that is wrong with it at once, by table and key.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(f"{file}: is not TOML: {error}") from None
    problems = _unknown("the profile", given, ("name", "title", "table", "source", "parameters"))
    problems += check_source(given)
    name, tables = given.get("name"), given.get("table")
    if not isinstance(name, str) or not name:
        problems.append("name must be text")
    if not isinstance(tables, list) or not tables:
        problems.append("there must be at least one [[table]]")
        tables = []
    before: dict[str, Mapping[str, Any]] = {}
    made = []
    for number, table in enumerate(tables, 1):
        full = _taken_over(table, before, f"table {number}", problems)
        made.append(_table(str(name), full, f"table {number}", problems, given.get("parameters", {})))
        if isinstance(full, dict) and isinstance(full.get("name"), str):
            before[full["name"]] = full
    if problems:
        raise SettingsRefused("\n".join([f"{file}:", *(f"- {p}" for p in problems)]))
    source = given.get("source", {}).get("url", "")
    return Profile(str(name), str(given.get("title", "")), tuple(t for t in made if t is not None), source)


#: Every key of a [[table]], with what it must be.
_KEYS: Mapping[str, str] = {
    "name": "text",
    "like": "text",
    "becomes": "a list of texts",
    "recognise": "a list of texts",
    "expected": "a list of texts",
    "shared": "a list of texts",
    "canonical": "true or false",
    "sheet": "text",
    "date_order": "text",
    "ids": "text",
    "from": "text",
    "query": "text",
    "columns": "a [table.columns]",
    "patterns": "a [table.patterns]",
    "copies": "a [table.copies]",
    "values": "a [table.values]",
    "defaults": "a [table.defaults]",
    "years": "a list of [[table.years]]",
}
#: Sections of a table that take over those of the table that it is like, field by field.
_SECTIONS = ("columns", "patterns", "copies", "values", "defaults")


def _taken_over(given: Any, before: Mapping[str, Mapping[str, Any]], place: str, problems: list[str]) -> Any:
    """Return a table with what it takes over from an earlier one that it is ``like``."""
    if not isinstance(given, dict) or "like" not in given:
        return given
    model = before.get(str(given["like"]))
    if model is None:
        hint = did_you_mean(str(given["like"]), before)
        problems.append(f"{place}: like must name a table that stands above it.{hint}")
        return given
    full = {key: value for key, value in model.items() if key not in ("from", "query")} | given
    for section in _SECTIONS:
        if isinstance(model.get(section), dict) and isinstance(given.get(section, {}), dict):
            full[section] = {**model[section], **given.get(section, {})}
    return full


def _table(
    profile: str, given: Any, place: str, problems: list[str], parameters: Mapping[str, Any]
) -> TableProfile | None:
    if not isinstance(given, dict):
        problems.append(f"{place} must be a [[table]]")
        return None
    place = f"table '{given['name']}'" if isinstance(given.get("name"), str) else place
    wrong = _unknown(place, given, _KEYS)
    wrong += [f"{place}: {key} must be {_KEYS[key]}" for key, v in given.items() if key in _KEYS and not _fits(key, v)]
    becomes = given.get("becomes", [])
    if not _is_texts(becomes) or not becomes or any(b not in BECOMES for b in becomes):
        wrong.append(f"{place}: becomes must name some of: {', '.join(BECOMES)}")
    if not wrong:
        wrong += _check_fields(place, given, becomes) + check_reading(place, given, parameters)
    problems += wrong
    if wrong:
        return None
    made = replace(_make(profile, given, place), parameters=parameters if "query" in given else {})
    try:
        own_codebook(read_codebook(), made)
    except TableRefused:
        problems.append(f"{place}, values: a wording of a trigger is the name of another code of the codebook")
    folded = [head(alias) for aliases in made.columns.values() for alias in dict.fromkeys(map(head, aliases))]
    if doubled := {alias for alias in folded if folded.count(alias) > 1}:
        problems.append(f"{place}: headers stand under two fields: {', '.join(sorted(doubled))}")
    return made


def _make(profile: str, given: Mapping[str, Any], place: str) -> TableProfile:
    # Ethnic codes are the same for all; a profile that says nothing of them means these.
    always = ("ethnicity",) if "children" in given["becomes"] else ()
    shared = tuple(dict.fromkeys((*given.get("shared", ()), *always)))
    values = {name: dict(shared_values()[name]) for name in shared}
    for name, codes in _wordings(given.get("values", {})).items():
        mine = values.setdefault(name, {})
        for code, words in codes.items():
            mine[code] = (*mine.get(code, ()), *words)
    return TableProfile(
        profile,
        str(given.get("name", place)),
        tuple(given["becomes"]),
        tuple(given["recognise"]),
        tuple(given.get("expected", ())),
        {name: tuple(aliases) for name, aliases in given.get("columns", {}).items()},
        values,
        dict(given.get("defaults", {})),
        given.get("canonical", False),
        given.get("sheet", ""),
        given.get("date_order", "day_first"),
        patterns={name: tuple(p) for name, p in given.get("patterns", {}).items()},
        copies=dict(given.get("copies", {})),
        ids=given.get("ids", ""),
        from_table=given.get("from", ""),
        query=given.get("query", ""),
        shared=shared,
        years=tuple(
            YearCodes(y.get("from", FIRST_YEAR), y.get("to", LAST_YEAR), _wordings(y.get("values", {})))
            for y in given.get("years", ())
        ),
    )


def _wordings(values: Mapping[str, Mapping[str, list[str]]]) -> dict[str, dict[str, tuple[str, ...]]]:
    return {name: {code: tuple(words) for code, words in codes.items()} for name, codes in values.items()}


def _fits(key: str, value: Any) -> bool:
    wanted = _KEYS[key]
    if wanted == "text":
        return isinstance(value, str)
    if wanted == "true or false":
        return isinstance(value, bool)
    if wanted == "a list of texts":
        return _is_texts(value)
    return isinstance(value, list if key == "years" else dict)


def _check_fields(place: str, given: Mapping[str, Any], becomes: list[str]) -> list[str]:
    kinds = fields_of(becomes)
    columns, patterns = given.get("columns", {}), given.get("patterns", {})
    if not columns and not patterns:
        return [f"{place}: there must be a [table.columns]"]
    problems = []
    for key, known in (("date_order", DATE_ORDERS), ("ids", SCHEMES)):
        if given.get(key, known[0]) not in known:
            hint = did_you_mean(given[key], known)
            problems.append(f"{place}: {key} must be {' or '.join(known)}.{hint}")
    problems += _check_headers(place, columns, "headers", kinds)
    problems += _check_headers(place, patterns, "patterns", kinds)
    problems += _check_patterns(place, patterns)
    there = [*columns, *patterns]
    if not given.get("recognise"):
        problems.append(f"{place}: recognise must name the fields that tell this table from others")
    for key in ("recognise", "expected"):
        strange = [name for name in given.get(key, []) if name not in there]
        problems += [f"{place}: {key}: '{n}' has no headers under columns.{did_you_mean(n, there)}" for n in strange]
    for name, other in given.get("copies", {}).items():
        problems += _not_fields(f"{place}, copies", [name], kinds)
        if other not in there:
            problems.append(
                f"{place}, copies: '{other}' has no headers under columns.{did_you_mean(str(other), there)}"
            )
    problems += _not_fields(f"{place}, defaults", given.get("defaults", {}), kinds)
    strange = [name for name in given.get("shared", ()) if name not in shared_values()]
    problems += [f"{place}: shared: '{n}' has no shared wordings.{did_you_mean(n, shared_values())}" for n in strange]
    problems += _check_values(f"{place}, values", given.get("values", {}), becomes)
    return problems + _check_years(place, given.get("years", []), becomes)


def _check_headers(place: str, columns: Mapping[str, Any], what: str, kinds: Mapping[str, str]) -> list[str]:
    problems = _not_fields(place, [name for name in columns if name[:1] != "_"], kinds)
    wrong = [name for name, given in columns.items() if not _is_texts(given) or not given]
    return problems + [f"{place}: the {what} of '{name}' must be a list of texts" for name in wrong]


def _check_patterns(place: str, patterns: Mapping[str, Any]) -> list[str]:
    problems = []
    for name, given in patterns.items():
        for number, pattern in enumerate(given if _is_texts(given) else [], 1):
            try:
                re.compile(pattern)
            except re.error as error:
                problems.append(f"{place}: pattern {number} of '{name}' is not a regular expression: {error}")
    return problems


def _check_values(place: str, values: Any, becomes: Iterable[str]) -> list[str]:
    if not isinstance(values, dict):
        return [f"{place}: must be fields, each with its codes"]
    kinds = fields_of(becomes)
    problems = []
    for name, codes in values.items():
        if name not in kinds:
            problems += _not_fields(place, [name], kinds)
            continue
        if not isinstance(codes, dict) or not all(_is_texts(w) for w in codes.values()):
            problems.append(f"{place}: values of '{name}' must be lists of wordings under codes")
            continue
        known = tuple(read_codebook().codes) if name in TRIGGER_FIELDS else codes_of(becomes, name)
        strange = [code for code in codes if known and code not in known]
        problems += [f"{place}: '{c}' is not a code of '{name}'.{did_you_mean(c, known)}" for c in strange]
        folded = [word for words in codes.values() for word in dict.fromkeys(map(fold, words))]
        if twice := sorted({word for word in folded if folded.count(word) > 1}):
            problems.append(f"{place}: wordings of '{name}' under two codes: {', '.join(twice[:5])}")
    return problems


def _check_years(place: str, years: list[Any], becomes: Iterable[str]) -> list[str]:
    problems = []
    for number, given in enumerate(years, 1):
        here = f"{place}, years {number}"
        if not isinstance(given, dict):
            problems.append(f"{here}: must be a [[table.years]]")
            continue
        problems += _unknown(here, given, ("from", "to", "values"))
        ends = [given.get("from", FIRST_YEAR), given.get("to", LAST_YEAR)]
        if not all(type(y) is int and FIRST_YEAR <= y <= LAST_YEAR for y in ends) or ends[0] > ends[1]:
            problems.append(f"{here}: from and to must be years in which a collection ends, such as 2026")
        problems += _check_values(f"{here}, values", given.get("values", {}), becomes)
    return problems


def _not_fields(place: str, names: Iterable[str], kinds: Mapping[str, str]) -> list[str]:
    return [f"{place}: '{name}' is not a field.{did_you_mean(name, kinds)}" for name in names if name not in kinds]


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _unknown(place: str, given: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    return [f"{place}: '{name}' is not known.{did_you_mean(name, known)}" for name in given if name not in known]
