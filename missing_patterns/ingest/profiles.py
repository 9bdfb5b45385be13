"""Profiles: which headers a source uses, what its codes mean, and which tables its rows become. TOML, checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from missing_patterns import schema
from missing_patterns.codebook import fold
from missing_patterns.errors import SettingsRefused, did_you_mean

#: Fields of a source that are not columns of a table but are turned into some.
EXTRA_FIELDS = {
    "rhi_offered": "code",
    "rhi_accepted": "code",
    "other_refs": "list",
    "missing_from_time": "time",
    "returned_at_time": "time",
}
BECOMES = ("incidents", "interviews", "children", "placements")
DATE_ORDERS = ("day_first", "month_first")


def fields_of(becomes: Iterable[str]) -> dict[str, str]:
    """Return every field that a profile may name for these tables, with its kind.

    ``birth_month`` is of kind ``birth``: a source gives the whole date of birth, which is used for checks and then cut.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> fields_of(["children"])["birth_month"]
    'birth'
    """
    kinds: dict[str, str] = {}
    for name in becomes:
        kinds |= {c.name: c.kind for c in schema.TABLES[name].columns}
    kinds["birth_month"] = "birth"
    return kinds | EXTRA_FIELDS


def head(text: str) -> str:
    """Fold a header: what ``codebook.fold`` folds, and every sign and underscore.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> head("Date & time\\n missing *") == head("date_and_time_missing")
    True
    """
    return re.sub(r"[^0-9a-z]+", " ", fold(text)).strip()


@dataclass(frozen=True, slots=True, repr=False)
class TableProfile:
    """How one table of a source is recognised and read.

    Parameters
    ----------
    profile, name : str
        Name of the profile and of the table in it.
    becomes : tuple of str
        Tables of ``schema`` that its rows become; the first is the one that the accounting names.
    recognise : tuple of str
        Fields whose headers must all be there.
    expected : tuple of str
        Fields whose absence is worth a warning.
    columns : mapping of field to tuple of headers
        In order of preference. A field that begins with ``_`` is recognised and left unread.
    values : mapping of field to mapping of code to tuple of wordings
        What the source's wordings mean.
    defaults : mapping of field to value
        What holds for every row.
    canonical : bool
        Whether headers that are this library's own column names, such as ``missing_from``, are taken as such.
    sheet : str
        Read only this sheet of a workbook (even if hidden); empty = any visible one.
    date_order : {"day_first", "month_first"}
        How dates with numbers alone are written.
    aliases : mapping, made
        Each folded header, the field that it names, and its place in that field's order of preference.
    exact : set of str, made
        Headers that are taken as they stand: the library's own names, if ``canonical``.

    Raises
    ------
    Nothing.
    """

    profile: str
    name: str
    becomes: tuple[str, ...]
    recognise: tuple[str, ...]
    expected: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    canonical: bool = False
    sheet: str = ""
    date_order: str = "day_first"
    aliases: Mapping[str, tuple[str, int]] = field(init=False)
    exact: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        aliases = {head(a): (name, i) for name, known in self.columns.items() for i, a in enumerate(known)}
        object.__setattr__(self, "aliases", aliases)
        object.__setattr__(self, "exact", frozenset(fields_of(self.becomes)) if self.canonical else frozenset())

    def __repr__(self) -> str:
        return f"TableProfile: {self.profile}.{self.name}, {len(self.columns)} columns"

    def codes(self, name: str) -> dict[str, str]:
        """Each folded wording of a field and the code that it means; codes stand for themselves."""
        columns = [c for b in self.becomes for c in schema.TABLES[b].columns if c.name == name]
        known = {fold(code): code for c in columns for code in c.allowed}
        known |= {fold(code): code for code in self.values.get(name, {})}
        for code, wordings in self.values.get(name, {}).items():
            known |= {fold(w): code for w in wordings}
        return known


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """How one kind of source is read: a name, a title and its tables.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> read_profile("ssda903")
    Profile: ssda903, 4 tables
    """

    name: str
    title: str
    tables: tuple[TableProfile, ...]

    def __repr__(self) -> str:
        return f"Profile: {self.name}, {len(self.tables)} tables"


def built_in() -> tuple[str, ...]:
    """Return the names of the profiles that ship with the library.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> built_in()
    ('rhi_tracker', 'ssd', 'ssda903')
    """
    folder = resources.files("missing_patterns") / "profiles"
    return tuple(sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml")))


def read_profile(profile: str | Path) -> Profile:
    """Read a built-in profile by name, or a user's own from a TOML file.

    Parameters
    ----------
    profile : str or Path
        ``"ssda903"``, ``"ssd"``, ``"rhi_tracker"``, or the path of a TOML file of the same form.

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
    missing_patterns.errors.SettingsRefused: There is no profile of that name; known: rhi_tracker, ssd, ssda903.
    Did you mean 'ssda903'?
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
    path = resources.files("missing_patterns") / "profiles" / f"{name}.toml"
    return parse_profile(path.read_text(encoding="utf-8"), f"{name}.toml")


def parse_profile(text: str, file: str) -> Profile:
    """Parse the TOML of a profile.

    Raises
    ------
    SettingsRefused
        Naming everything that is wrong with it at once.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(f"{file}: is not TOML: {error}") from None
    problems = _unknown("the profile", given, ("name", "title", "table"))
    name, tables = given.get("name"), given.get("table")
    if not isinstance(name, str) or not name:
        problems.append("name must be text")
    if not isinstance(tables, list) or not tables:
        problems.append("there must be at least one [[table]]")
        tables = []
    made = [_table(str(name), table, f"table {i + 1}", problems) for i, table in enumerate(tables)]
    if problems:
        raise SettingsRefused("\n".join([f"{file}:", *(f"- {p}" for p in problems)]))
    return Profile(str(name), str(given.get("title", "")), tuple(t for t in made if t is not None))


_KEYS = (
    "name",
    "becomes",
    "recognise",
    "expected",
    "canonical",
    "sheet",
    "date_order",
    "columns",
    "values",
    "defaults",
)


def _table(profile: str, given: Any, place: str, problems: list[str]) -> TableProfile | None:
    before = len(problems)
    if not isinstance(given, dict):
        problems.append(f"{place} must be a [[table]]")
        return None
    place = f"table '{given['name']}'" if isinstance(given.get("name"), str) else place
    problems += _unknown(place, given, _KEYS)
    becomes = given.get("becomes", [])
    if not _is_texts(becomes) or not becomes or any(b not in BECOMES for b in becomes):
        problems.append(f"{place}: becomes must name some of: {', '.join(BECOMES)}")
        return None
    kinds = fields_of(becomes)
    columns = given.get("columns", {})
    defaults = given.get("defaults", {})
    if given.get("date_order", "day_first") not in DATE_ORDERS:
        problems.append(f"{place}: date_order must be day_first or month_first")
    problems += _check_columns(place, given, columns, kinds)
    strange = [name for name in defaults if name not in kinds]
    problems += [f"{place}: '{name}' is not a field.{did_you_mean(name, kinds)}" for name in strange]
    problems += _check_values(place, given.get("values", {}), becomes, kinds)
    if len(problems) > before:
        return None
    made = TableProfile(
        profile,
        str(given.get("name", place)),
        tuple(becomes),
        tuple(given["recognise"]),
        tuple(given.get("expected", ())),
        {name: tuple(aliases) for name, aliases in columns.items()},
        {name: {c: tuple(w) for c, w in codes.items()} for name, codes in given.get("values", {}).items()},
        dict(defaults),
        given.get("canonical", False) is True,
        str(given.get("sheet", "")),
        str(given.get("date_order", "day_first")),
    )
    folded = [head(alias) for aliases in made.columns.values() for alias in dict.fromkeys(map(head, aliases))]
    if doubled := {alias for alias in folded if folded.count(alias) > 1}:
        problems.append(f"{place}: headers stand under two fields: {', '.join(sorted(doubled))}")
    return made


def _check_columns(place: str, given: Mapping[str, Any], columns: Any, kinds: Mapping[str, str]) -> list[str]:
    if not isinstance(columns, dict):
        return [f"{place}: columns must be a [table.columns]"]
    problems = []
    for name, aliases in columns.items():
        if name not in kinds and not name.startswith("_"):
            problems.append(f"{place}: '{name}' is not a field.{did_you_mean(name, kinds)}")
        if not _is_texts(aliases) or not aliases:
            problems.append(f"{place}: the headers of '{name}' must be a list of texts")
    if not given.get("recognise"):
        problems.append(f"{place}: recognise must name the fields that tell this table from others")
    asked = [*given.get("recognise", []), *given.get("expected", [])]
    strange = [name for name in asked if name not in columns]
    return problems + [f"{place}: '{n}' has no headers under columns.{did_you_mean(n, columns)}" for n in strange]


def _check_values(place: str, values: Any, becomes: Iterable[str], kinds: Mapping[str, str]) -> list[str]:
    allowed = {c.name: c.allowed for b in becomes for c in schema.TABLES[b].columns if c.allowed}
    problems = []
    for name, codes in values.items():
        if name not in kinds:
            problems.append(f"{place}: '{name}' is not a field.{did_you_mean(name, kinds)}")
            continue
        if not isinstance(codes, dict) or not all(_is_texts(w) for w in codes.values()):
            problems.append(f"{place}: values of '{name}' must be lists of wordings under codes")
            continue
        known = allowed.get(name, ())
        if kinds[name] == "flag":
            known = ("yes", "no")
        elif name in ("rhi_offered", "rhi_accepted"):
            known = ("yes", "no", "not_applicable")
        strange = [code for code in codes if known and code not in known]
        problems += [f"{place}: '{c}' is not a code of '{name}'.{did_you_mean(c, known)}" for c in strange]
    return problems


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _unknown(place: str, given: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    return [f"{place}: '{name}' is not known.{did_you_mean(name, known)}" for name in given if name not in known]
