"""The trigger codebook: 41 reasons for going missing in 10 domains, how forms word them, and how to look one up.

The codebook is a table, ``codebooks/triggers.csv``. A council adds or retires codes with :meth:`Codebook.amend`.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean
from missing_patterns.schema import require

COLUMNS = ["code", "domain", "side", "label", "definition", "phrases_in_forms", "phrases_in_notes"]
SIDES = ("push", "pull", "neither")

#: What a domain is called in charts and tables; a domain that a council adds is called by its own name.
DOMAIN_LABELS: Mapping[str, str] = {
    "home": "Home and family",
    "rules": "Rules and boundaries",
    "care": "Placement",
    "school": "School and peers",
    "people": "To be with people",
    "activity": "Activities and places",
    "exploitation": "Exploitation",
    "wellbeing": "Wellbeing",
    "legal": "Law and immigration",
    "circumstance": "Circumstances",
}

#: Answers that say something about the asking, never about a reason. They are not triggers and are never counted.
ANSWERS_NOT_TRIGGERS: Mapping[str, str] = {
    "none": "asked_none",
    "no reason given": "asked_none",
    "no triggers identified": "asked_none",
    "unknown": "unknown",
    "not known": "unknown",
    "n/k": "unknown",
    "declined to say": "declined_to_say",
    "declined": "declined_to_say",
    "refused to say": "declined_to_say",
    "not recorded": "not_recorded",
    "n/a": "not_recorded",
    "not applicable": "not_recorded",
    "other": "other_specified",
    "other (please specify)": "other_specified",
    "other - please specify": "other_specified",
}


@dataclass(frozen=True, slots=True, repr=False)
class Codebook:
    """Trigger codes with their domain, side, label, definition and wordings.

    Parameters
    ----------
    table : pd.DataFrame
        One row per code: ``code domain side label definition phrases_in_forms phrases_in_notes``; phrases are
        separated by semicolons. ``domain`` groups codes; ``side`` (push, pull, neither) is a derived view.

    Raises
    ------
    TableRefused
        If a column is absent, a code or a form's wording stands twice, or a side is not known.

    Examples
    --------
    >>> book = read_codebook()
    >>> book
    Codebook: 41 codes in 10 domains
    >>> book.find("Boundaries & control")
    'rules_boundaries'
    >>> book.label("people_family")
    'To see family'
    """

    table: pd.DataFrame
    _by_wording: Mapping[str, str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        require(self.table, COLUMNS, "codebook")
        table = self.table[COLUMNS].reset_index(drop=True).copy()
        problems = [f"code {i} stands twice" for i in table.index[table["code"].duplicated()]]
        problems += [f"side of row {i} is not known" for i in table.index[~table["side"].isin(SIDES)]]
        wordings: dict[str, str] = {}
        for row in table.itertuples(index=False):
            for phrase in {fold(p) for p in [row.code, row.label, *str(row.phrases_in_forms).split(";")]} - {""}:
                if wordings.setdefault(phrase, row.code) != row.code:
                    problems.append(f"a wording belongs to both {wordings[phrase]} and {row.code}")
        if problems:
            raise TableRefused.of_problems("codebook", problems)
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "_by_wording", wordings)

    def __repr__(self) -> str:
        return f"Codebook: {len(self.table)} codes in {self.table['domain'].nunique()} domains"

    @property
    def codes(self) -> list[str]:
        """All codes, in the codebook's order.

        Raises
        ------
        Nothing.
        """
        return list(self.table["code"])

    @property
    def domains(self) -> dict[str, str]:
        """The domain of each code.

        Raises
        ------
        Nothing.
        """
        return dict(zip(self.table["code"], self.table["domain"], strict=True))

    def label(self, code: str) -> str:
        """Return the short label of a code, for charts and tables.

        Raises
        ------
        ArgumentRefused
            If the code is not in the codebook.
        """
        found = self.table.loc[self.table["code"] == code, "label"]
        if found.empty:
            raise ArgumentRefused(f"that code is not in the codebook.{did_you_mean(code, self.codes)}")
        return str(found.iloc[0])

    def domain_label(self, domain: str) -> str:
        """Return what a domain is called in charts and tables.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> read_codebook().domain_label("people")
        'To be with people'
        """
        return DOMAIN_LABELS.get(domain, domain.replace("_", " ").capitalize())

    def find(self, wording: str) -> str | None:
        """Return the code that a form's wording means, or None if no code is worded so.

        Letter case, accents, dashes, apostrophes, ampersands and spacing do not matter. Nothing is guessed:
        a wording that stands in no row is for a person to map.

        Raises
        ------
        Nothing.
        """
        return self._by_wording.get(fold(wording))

    @property
    def wordings(self) -> Mapping[str, str]:
        """Every folded wording and its code, longest first, for splitting cells that hold several.

        Raises
        ------
        Nothing.
        """
        return dict(sorted(self._by_wording.items(), key=lambda item: -len(item[0])))

    def amend(self, added: pd.DataFrame | Iterable[Mapping[str, str]] = (), retired: Iterable[str] = ()) -> Codebook:
        """Return a new codebook with rows added (or replaced, by code) and codes retired.

        Parameters
        ----------
        added : DataFrame or iterable of mappings
            Rows with the columns of the table; label, definition and phrases may be left out.
        retired : iterable of str
            Codes that are no longer used.

        Raises
        ------
        ArgumentRefused
            If a retired code is not in the codebook.
        TableRefused
            If the amended table is not a codebook.

        Examples
        --------
        >>> local = read_codebook().amend(
        ...     added=[{"code": "local_fair", "domain": "activity", "side": "pull", "label": "The fair"}],
        ...     retired=["exploitation_radicalisation"])
        >>> local
        Codebook: 41 codes in 10 domains
        >>> local.find("the fair")
        'local_fair'
        """
        retired = list(retired)
        for code in retired:
            if code not in self.codes:
                raise ArgumentRefused(f"a retired code is not in the codebook.{did_you_mean(code, self.codes)}")
        new = pd.DataFrame(added if isinstance(added, pd.DataFrame) else list(added))
        if len(new):
            require(new, ["code", "domain", "side"], "added")
            new = new.astype(object).reindex(columns=COLUMNS, fill_value="")
            new["label"] = new["label"].where(new["label"].fillna("") != "", new["code"])
            new = new.fillna("")
        replaced = set(new["code"]) if len(new) else set()
        kept = self.table[~self.table["code"].isin(replaced | set(retired))]
        return Codebook(pd.concat([kept, new], ignore_index=True) if len(new) else kept)


@cache
def read_codebook() -> Codebook:
    """Return the codebook that ships with the library.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> read_codebook().domains["care_move"]
    'care'
    """
    path = resources.files("missing_patterns") / "codebooks" / "triggers.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    return Codebook(pd.DataFrame(rows, columns=COLUMNS))


def fold(text: str) -> str:
    """Fold what typing changes and meaning does not: case, accents, dashes, apostrophes, "&", spaces.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> fold("  Boundaries & Control ") == fold("boundaries and\\u00a0control")
    True
    """
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"[\u2010-\u2015\u2212]", "-", text)
    text = re.sub(r"[\u2018\u2019\u02bc`´']", "", text)
    text = text.replace("&", " and ")
    return re.sub(r"\s+", " ", re.sub(r"[\u200b-\u200d\ufeff]", "", text)).strip(" .:;,")
