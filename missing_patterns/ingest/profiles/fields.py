"""Fields of a source, and how one table of it is recognised and read: the parts that profiles are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from missing_patterns import schema
from missing_patterns.codebook import fold

#: Fields of a source that are not columns of a table but are turned into some, or kept beside them.
EXTRA_FIELDS = {
    "rhi_offered": "code",
    "rhi_accepted": "code",
    "other_refs": "list",
    "missing_from_time": "time",
    "returned_at_time": "time",
    "held_at_time": "time",
    "reported_at_time": "time",
    "push_factors": "list",
    "pull_factors": "list",
    "nominal_id": "id",
    "care_id": "id",
    "n_missing_12m": "count",
    "n_away_12m": "count",
    "rhi_offered_last": "code",
    "rhi_accepted_last": "code",
}
#: Fields that hold triggers of the codebook.
TRIGGER_FIELDS = ("coded_triggers", "primary_trigger", "push_factors", "pull_factors")
#: What Annex A says of a child's absences of twelve months and of the last; columns beside those of ``children``.
ANNEX_A_FIELDS = ("n_missing_12m", "n_away_12m", "rhi_offered_last", "rhi_accepted_last")
#: Codes of the extra fields.
EXTRA_CODES = {
    "rhi_offered": ("yes", "no", "not_applicable"),
    "rhi_accepted": ("yes", "no", "not_applicable"),
    "rhi_offered_last": ("yes", "no", "not_applicable", "unknown"),
    "rhi_accepted_last": ("yes", "no", "not_applicable", "unknown"),
}
BECOMES = ("incidents", "interviews", "children", "placements")
DATE_ORDERS = ("day_first", "month_first")
#: Schemes of ids that are not the council's: such ids get the scheme before them, as in ``police:123``.
SCHEMES = ("police",)


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


def codes_of(becomes: Iterable[str], name: str) -> tuple[str, ...]:
    """Return the codes that a field may hold in these tables; empty = it is no field of codes, or any code will do.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> codes_of(["incidents"], "category"), codes_of(["incidents"], "in_area")
    (('missing', 'away', 'no_apparent_risk'), ('yes', 'no'))
    """
    if fields_of(becomes).get(name) == "flag":
        return ("yes", "no")
    if name in EXTRA_CODES:
        return EXTRA_CODES[name]
    columns = (c for b in becomes for c in schema.TABLES[b].columns if c.name == name)
    return next((c.allowed for c in columns if c.allowed), ())


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


@dataclass(frozen=True, slots=True)
class YearCodes:
    """Codes that hold for some collection years only, each named by the year in which it ends, on 31 March.

    Raises
    ------
    Nothing.
    """

    first: int
    last: int
    values: Mapping[str, Mapping[str, tuple[str, ...]]]

    def holds_in(self, year: int) -> bool:
        """Say whether the codes belong to the list of that year."""
        return self.first <= year <= self.last


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
    patterns : mapping of field to tuple of regular expressions
        Looked for (``re.search``) in a header folded by ``head``, where no header of ``columns`` is the same.
    copies : mapping of field to field
        Fields that read the column of another field, each with wordings of its own.
    ids : {"", "police"}
        Scheme of the children's ids, if they are not the council's. Where the table has a field ``nominal_id``, the
        scheme is that of ``nominal_id``, which names the child wherever ``child_id`` is blank.
    shared : tuple of str
        Fields whose wordings are, besides those in ``values``, the ones that all sources share.
    years : tuple of YearCodes
        Codes that hold for some collection years only.
    year : int, optional
        Collection year of the file that is being read; None = not known, codes of every year are taken.
    from_table, query : str
        What to read of a database: a table or view, with its schema or not, or a SELECT; at most one of the two.
    parameters : mapping of name to value
        Bound to the ``:name`` of the query.
    aliases : mapping, made
        Each folded header, the field that it names, and its place in that field's order of preference.
    searches : list, made
        Each pattern, the field that it names, and its place, after all headers.
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
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    ids: str = ""
    shared: tuple[str, ...] = ()
    years: tuple[YearCodes, ...] = ()
    year: int | None = None
    from_table: str = ""
    query: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, int]] = field(init=False)
    searches: tuple[tuple[re.Pattern[str], str, int], ...] = field(init=False)
    exact: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        aliases = {head(a): (name, i) for name, known in self.columns.items() for i, a in enumerate(known)}
        searches = [
            (re.compile(pattern), name, 1_000 + i)
            for name, given in self.patterns.items()
            for i, pattern in enumerate(given)
        ]
        object.__setattr__(self, "aliases", aliases)
        object.__setattr__(self, "searches", tuple(searches))
        object.__setattr__(self, "exact", frozenset(fields_of(self.becomes)) if self.canonical else frozenset())

    def __repr__(self) -> str:
        return f"TableProfile: {self.profile}.{self.name}, {len(self.columns)} columns"

    def find(self, folded: str) -> tuple[str, int] | None:
        """Return the field that a folded header names, and its place in the field's order of preference.

        A header of ``columns`` comes before any pattern; of the patterns, the first that fits.
        """
        known = self.aliases.get(folded)
        if known is None and folded:
            known = next(((name, at) for search, name, at in self.searches if search.search(folded)), None)
        return known

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that the table has a header or a pattern for, in order."""
        return tuple(dict.fromkeys([*self.columns, *self.patterns]))

    @property
    def needed(self) -> dict[str, str]:
        """Fields that every row must have a column or a default for, with their meaning.

        Of the tables that the rows become, only the first must come of every row; what another needs may be blank.
        A table that is told by a spell of care, which names the child elsewhere, needs no child.
        """
        found_by = ("child_id",) if "care_id" in self.recognise else ()
        columns = [c for c in schema.TABLES[self.becomes[0]].columns if c.required and c.name not in found_by]
        return {c.name: c.meaning for c in columns}

    def of_year(self, year: int | None) -> TableProfile:
        """Return the table as it is read for a collection year."""
        return self if year == self.year else replace(self, year=year)

    def codes(self, name: str) -> dict[str, str]:
        """Each folded wording of a field and the code that it means; codes stand for themselves.

        Wordings of every collection year are there; where two years differ, the year of the file decides.
        """
        known = {fold(code): code for code in codes_of(self.becomes, name)}
        known |= {fold(code): code for code in self.values.get(name, {})}
        here = self.year
        for overlay in sorted(self.years, key=lambda y: here is not None and y.holds_in(here)):
            known |= _folded(overlay.values.get(name, {}))
        return known | _folded(self.values.get(name, {}))

    def dated(self, name: str) -> frozenset[str]:
        """Folded wordings of a field that only some collection years have."""
        found = (w for y in self.years for w in _folded(y.values.get(name, {})))
        return frozenset(found) - _folded(self.values.get(name, {})).keys()

    def of_other_years(self, name: str) -> frozenset[str]:
        """Folded wordings of a field that the list of the file's own year does not have; none if it is not known."""
        if self.year is None:
            return frozenset()
        own = {w for y in self.years if y.holds_in(self.year) for w in _folded(y.values.get(name, {}))}
        return self.dated(name) - own


def _folded(codes: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {fold(wording): code for code, wordings in codes.items() for wording in wordings}


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """How one kind of source is read: a name, a title, its tables, and the address of a database if it names one.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.ingest import read_profile
    >>> read_profile("ssda903")
    Profile: ssda903, 4 tables
    """

    name: str
    title: str
    tables: tuple[TableProfile, ...]
    source: str = ""

    def __repr__(self) -> str:
        return f"Profile: {self.name}, {len(self.tables)} tables"
