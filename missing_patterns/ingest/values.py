"""Ids, codes, flags, numbers and multi-select cells of a column, each distinct value looked at once."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from missing_patterns.codebook import ANSWERS_NOT_TRIGGERS, Codebook, fold
from missing_patterns.ingest.grid import Cell, as_text, is_blank, tidy

#: Answers that mean that nothing is recorded, unless the profile gives them a meaning.
NOT_RECORDED = frozenset(
    fold(w)
    for w in (
        *("n/a", "na", "not applicable", "unknown", "not known", "nk", "n/k", "not recorded", "none", "tbc"),
        *("not stated", "don't know", "dont know", "awaiting", "?", "please select", "select", "c) unknown"),
    )
)
YES = frozenset(
    fold(w) for w in ("yes", "y", "true", "t", "1", "x", "\u2713", "\u2714", "\u2611", "a) yes", "yes - offered")
)
NO = frozenset(fold(w) for w in ("no", "n", "false", "f", "0", "\u2717", "\u2718", "\u2610", "b) no"))
ETHNICITIES = frozenset(
    "WBRI WIRI WOTH WIRT WROM MWBC MWBA MWAS MOTH AIND APKN ABAN AOTH BCRB BAFR BOTH CHNE OOTH REFU NOBT".split()
)

_SCIENTIFIC = re.compile(r"\d+(?:\.\d+)?E\+?\d+", re.IGNORECASE)
_DATE_LIKE = re.compile(
    r"\d{1,2}-(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:-\d+)?"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-\d{2,4}",
    re.IGNORECASE,
)
_LETTER = re.compile(r"^\(?[a-z0-9]{1,2}[).:]\s+")
_ERROR = re.compile(r"#(?:REF!|N/A|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!)|#{3,}")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, repr=False)
class Column:
    """A column as parsed: values (None = not recorded), and per row the rule broken or applied, or "".

    Raises
    ------
    Nothing.
    """

    values: list[Any]
    fault: np.ndarray
    repair: np.ndarray


def each_distinct(cells: Sequence[Cell], parse: Callable[[Cell], tuple[Any, str, str]]) -> Column:
    """Parse each distinct cell once: ``parse`` gives the value, the fault and the repair.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> each_distinct(["c1", "c1", "1E5"], parse_id).values
    ['C1', 'C1', None]
    """
    known: dict[tuple[type, Cell], tuple[Any, str, str]] = {}
    read = []
    for cell in cells:
        key = (type(cell), cell)
        found = known.get(key)
        if found is None:
            found = known[key] = parse(cell)
        read.append(found)
    faults = np.array([r[1] for r in read], dtype=object)
    return Column([r[0] for r in read], faults, np.array([r[2] for r in read], dtype=object))


def is_error(cell: Cell) -> bool:
    """Say whether a cell holds a spreadsheet error as text, such as #REF! or ####.

    Raises
    ------
    Nothing.
    """
    return isinstance(cell, str) and cell[:1] == "#" and _ERROR.fullmatch(cell.strip()) is not None


def parse_id(cell: Cell) -> tuple[str | None, str, str]:
    """Bring an id into one form: full-width and invisible characters, case and a trailing .0 do not matter.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_id(" c\\u200b12 "), parse_id(123.0), parse_id("00123"), parse_id("1.23E+17")
    (('C12', '', 'id_repaired'), ('123', '', ''), ('00123', '', ''), (None, 'id_scientific', ''))
    """
    if isinstance(cell, dt.date | dt.time | dt.timedelta):
        return None, "id_date", ""
    if isinstance(cell, float) and not is_blank(cell) and (not cell.is_integer() or abs(cell) >= 1e15):
        return None, "id_scientific", ""
    if is_blank(cell):
        return None, "id_blank", ""
    text = as_text(cell)
    plain = text.strip()
    clean = " ".join(tidy(unicodedata.normalize("NFKC", text)).split()).lstrip("'").upper()
    clean = "".join(c for c in clean if unicodedata.category(c) not in ("Cf", "Cc"))
    if fold(clean) in NOT_RECORDED or is_blank(clean):
        return None, "id_blank", ""
    if re.fullmatch(r"\d+\.0+", clean):
        clean = clean.split(".")[0]
    if _SCIENTIFIC.fullmatch(clean):
        return None, "id_scientific", ""
    if _DATE_LIKE.fullmatch(clean):
        return None, "id_date", ""
    return clean, "", "" if clean == plain else "id_repaired"


def code_parser(known: Mapping[str, str]) -> Callable[[Cell], tuple[str | None, str, str]]:
    """Return a parser of a column of codes: folded wordings to codes; anything else is not recorded, and told.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse = code_parser({"m": "missing"})
    >>> parse("M"), parse("a) m"), parse("Q"), parse("n/a")
    (('missing', '', ''), ('missing', '', ''), (None, 'unmapped_code', ''), (None, '', ''))
    """

    def parse(cell: Cell) -> tuple[str | None, str, str]:
        if cell is None:
            return None, "", ""
        word = fold(as_text(cell))
        code = known.get(word) or known.get(_LETTER.sub("", word))
        if code is not None:
            return code, "", ""
        return None, "" if is_blank(cell) or word in NOT_RECORDED else "unmapped_code", ""

    return parse


def flag_parser(known: Mapping[str, str]) -> Callable[[Cell], tuple[bool | None, str, str]]:
    """Return a parser of yes and no in their usual wordings and those of a profile.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse = flag_parser({"in": "yes"})
    >>> parse("In")[0], parse("N")[0], parse(True)[0], parse(1.0)[0], parse("perhaps")[1]
    (True, False, True, True, 'unmapped_code')
    """

    def parse(cell: Cell) -> tuple[bool | None, str, str]:
        if cell is None:
            return None, "", ""
        word = fold(as_text(cell))
        if word in YES or known.get(word) == "yes":
            return True, "", ""
        if word in NO or known.get(word) == "no":
            return False, "", ""
        return None, "" if is_blank(cell) or word in NOT_RECORDED else "unmapped_code", ""

    return parse


def parse_ethnicity(cell: Cell) -> tuple[str | None, str, str]:
    """Find the SSDA903 ethnic code in a cell such as ``WBRI`` or ``a) WBRI``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_ethnicity("a) wbri")
    ('WBRI', '', '')
    """
    if cell is None or is_blank(cell):
        return None, "", ""
    word = _LETTER.sub("", fold(as_text(cell))).upper()
    if word in ETHNICITIES:
        return word, "", ""
    return None, "" if fold(word) in NOT_RECORDED else "unmapped_code", ""


def parse_word(cell: Cell) -> tuple[str | None, str, str]:
    """Take a source's code as it stands, in capitals.

    Raises
    ------
    Nothing.
    """
    return (None if is_blank(cell) else tidy(as_text(cell)).upper()), "", ""


def parse_text(cell: Cell) -> tuple[str | None, str, str]:
    """Take text as written, without characters that nobody can see.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_text(" ran \\u202eoff ")
    ('ran off', '', 'control_characters')
    """
    if is_blank(cell):
        return None, "", ""
    text = as_text(cell)
    clean = _CONTROL.sub("", _BIDI.sub("", text))
    return clean.strip() or None, "", "" if len(clean) == len(text) else "control_characters"


def parse_count(cell: Cell) -> tuple[int | None, str, str]:
    """Read a small whole number, with a unit behind it or not.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_count("2 attempts"), parse_count(3.0), parse_count("-1")[1]
    ((2, '', ''), (3, '', ''), 'not_a_number')
    """
    if is_blank(cell) or (isinstance(cell, str) and fold(cell) in NOT_RECORDED):
        return None, "", ""
    match = re.fullmatch(r"(\d{1,3})(?:\.0+)?(?:\s*[a-z]+)?", tidy(as_text(cell)).lower())
    return (int(match[1]), "", "") if match else (None, "not_a_number", "")


def parse_number(cell: Cell) -> tuple[float | None, str, str]:
    """Read a distance in miles; 999 and above are stand-ins for unknown.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_number("12.5 miles")[0], parse_number("999.9"), parse_number("1,5")[1]
    (12.5, (None, '', ''), 'not_a_number')
    """
    if is_blank(cell) or (isinstance(cell, str) and fold(cell) in NOT_RECORDED):
        return None, "", ""
    match = re.fullmatch(r"(\d{1,5}(?:\.\d+)?)(?:\s*[a-z]+)?", tidy(as_text(cell)).lower())
    if not match:
        return None, "not_a_number", ""
    number = float(match[1])
    return (None if number >= 999 else number), "", ""


def parse_list(cell: Cell) -> tuple[tuple[str, ...] | None, str, str]:
    """Split a cell that holds several texts at semicolons, bars and new lines.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_list("Referral; Safety plan")[0]
    ('Referral', 'Safety plan')
    """
    if is_blank(cell):
        return None, "", ""
    parts = [p for p in (parse_text(part)[0] for part in re.split(r"[;|\r\n\t]+", as_text(cell))) if p]
    return tuple(dict.fromkeys(parts)), "", ""


def parse_refs(cell: Cell) -> tuple[tuple[str, ...] | None, str, str]:
    """Split a cell that holds several references.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse_refs("m1, M2")[0]
    ('M1', 'M2')
    """
    if is_blank(cell):
        return None, "", ""
    parts = [parse_id(part)[0] for part in re.split(r"[;,|\s]+", as_text(cell))]
    return tuple(dict.fromkeys(p for p in parts if p)) or None, "", ""


def trigger_parser(codebook: Codebook) -> Callable[[Cell], tuple[tuple[str, ...] | None, str, str]]:
    """Return a parser of multi-select trigger cells.

    A cell is split at semicolons, bars and new lines; a part that is no wording as a whole is taken apart at commas,
    slashes and "and", always trying the longest wording first. What no wording matches becomes ``"unmapped"``;
    answers about the asking become their own value, and "none" alone an empty tuple.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.codebook import read_codebook
    >>> parse = trigger_parser(read_codebook())
    >>> parse("CCE, county lines; Bullying")[0]
    ('exploitation_criminal', 'school_bullying')
    >>> parse("None")[0], parse("")[0], parse("Other: at the fair")[0]
    ((), None, ('other_specified',))
    """

    def parse(cell: Cell) -> tuple[tuple[str, ...] | None, str, str]:
        if is_blank(cell):
            return None, "", ""
        whole = _lookup(as_text(cell), codebook)
        items = [whole] if whole else []
        if not whole:
            for part in re.split(r"[;|\r\n\t]+", as_text(cell)):
                if fold(part):
                    items += _split_part(part, codebook)
        found = tuple(dict.fromkeys(item for item in items if item != "asked_none"))
        return found, "unmapped_trigger" if "unmapped" in found else "", ""

    return parse


def _lookup(text: str, codebook: Codebook) -> str | None:
    text = re.sub(r"^\s*(?:[-*\u2022\u00b7\u25aa]|\[[x ]\]|\d{1,2}[.)])\s*", "", text, flags=re.IGNORECASE)
    word = fold(text)
    if code := codebook.find(text):
        return code
    if answer := ANSWERS_NOT_TRIGGERS.get(word):
        return answer
    if stripped := codebook.find(_LETTER.sub("", word)):
        return stripped
    return "other_specified" if re.match(r"other\b\s*[:(\-]", word) else None


def _split_part(part: str, codebook: Codebook) -> list[str]:
    if code := _lookup(part, codebook):
        return [code]
    pieces = re.split(r"(\s*(?:,|/|&|\band\b)\s*)", part, flags=re.IGNORECASE)
    items, i = [], 0
    while i < len(pieces):
        for j in range(len(pieces), i, -2):
            if code := _lookup("".join(pieces[i:j]), codebook):
                items.append(code)
                i = j + 1
                break
        else:
            if fold(pieces[i]):
                items.append("unmapped")
            i += 2
    return items
