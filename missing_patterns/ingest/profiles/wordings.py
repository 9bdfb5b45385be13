"""Cells that hold a code, words, or both: ethnicity as ``A.A1 White - British``, placements as ``p) K2: Homes``.

Words say more than a code whose meaning has changed over the years, so words that are known come first; then the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from missing_patterns.codebook import Codebook, fold
from missing_patterns.ingest.opening.grid import Cell, as_text, is_blank
from missing_patterns.ingest.profiles.fields import TRIGGER_FIELDS, TableProfile, head

#: What stands in front of a code or of words: a list's letter or number such as "a)", "(A.A1)" or "B -".
_LEAD = re.compile(r"^(?:[a-z]\d{0,2} |[a-z]{2}\d{1,2} |\d{1,2} )+")
_IN_FRONT = re.compile(r"^(?P<letter>(?:[a-z] )?)(?P<code>[a-z]{1,4}\d{0,2})(?: (?P<words>.*))?$")
_TAIL = re.compile(r"(?: [a-z]{1,2}\d{1,2}| \d{1,3})+$")
_OLD = re.compile(r"h\d")


def phrase_parser(
    known: Mapping[str, str], not_recorded: frozenset[str]
) -> Callable[[Cell], tuple[str | None, str, str]]:
    """Return a parser of cells that hold a code, words, or both.

    Parameters
    ----------
    known : mapping of str to str
        Each wording and the code that it means; signs do not matter.
    not_recorded : frozenset of str
        Folded wordings that say that nothing is recorded.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.ingest.profiles.profile import shared_values
    >>> words = {w: code for code, found in shared_values()["placement_type"].items() for w in found}
    >>> parse = phrase_parser(words, frozenset())
    >>> [parse(cell)[0] for cell in ("p) K2: Children's Homes", "H3 - Children's homes inside LA boundary", "u6")]
    ['childrens_home', 'childrens_home', 'foster']
    """
    table = {head(wording): code for wording, code in known.items()}

    def parse(cell: Cell) -> tuple[Any, str, str]:
        if is_blank(cell):
            return None, "", ""
        text = head(as_text(cell))
        code = _find(text, table)
        if code is not None:
            return code, "", ""
        whole = fold(as_text(cell))
        return None, "" if whole in not_recorded or _LEAD.sub("", text) in not_recorded else "unmapped_code", ""

    return parse


def _find(text: str, table: Mapping[str, str]) -> str | None:
    if text in table:
        return table[text]
    words = _LEAD.sub("", text)
    for part in (words, _TAIL.sub("", words)):
        if part in table:
            return table[part]
    match = _IN_FRONT.match(text)
    if match and not text.startswith("both "):
        is_code = match["code"] in table or any(c.isdigit() for c in match["code"])
        if is_code and match["words"] in table:
            return table[match["words"]]
        # A code with words that are not known: the code, unless it is one whose meaning has changed.
        if code := table.get(match["code"]):
            return None if match["words"] and _OLD.fullmatch(match["code"]) else code
    # A code behind the words: one of four letters, as ethnic codes are, that cannot be the word "both".
    codes = {table[word] for word in text.split() if len(word) == 4 and word != "both" and word in table}
    return codes.pop() if len(codes) == 1 else None


def own_codebook(codebook: Codebook, table: TableProfile) -> Codebook:
    """Return the codebook with the wordings that a profile has of its own for triggers; these go before all others.

    Raises
    ------
    TableRefused
        If a wording is the code or the label of another code.

    Examples
    --------
    >>> from missing_patterns.codebook import read_codebook
    >>> wordings = {"coded_triggers": {"people_family": ("Back to gran",)}}
    >>> own = own_codebook(read_codebook(), TableProfile("own", "t", ("interviews",), ("child_id",), values=wordings))
    >>> own.find("back to Gran")
    'people_family'
    """
    given: dict[str, str] = {}
    for name in TRIGGER_FIELDS:
        given |= {word: code for code, words in table.values.get(name, {}).items() for word in words}
    if not given:
        return codebook
    folded = {fold(word) for word in given}
    rows = codebook.table.copy()
    for i, code, phrases in zip(rows.index, rows["code"], rows["phrases_in_forms"], strict=True):
        kept = [p.strip() for p in str(phrases).split(";") if p.strip() and fold(p) not in folded]
        rows.loc[i, "phrases_in_forms"] = "; ".join([*kept, *(word for word, c in given.items() if c == code)])
    return Codebook(rows)
