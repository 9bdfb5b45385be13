"""Ids, codes, flags and text: one cell into a value, or a rule that it breaks."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from missing_patterns.codebook import fold
from missing_patterns.ingest.opening.grid import Cell, as_text, is_blank, tidy

#: What a parser gives for a cell: the value (None = not recorded), the rule broken or "", the repair made or "".
Parsed = tuple[Any, str, str]

#: Answers that mean that nothing is recorded, unless the profile gives them a meaning.
NOT_RECORDED = frozenset(
    fold(w)
    for w in (
        *("n/a", "na", "not applicable", "unknown", "not known", "nk", "n/k", "not recorded", "none", "tbc"),
        *("not stated", "don't know", "dont know", "awaiting", "?", "please select", "select", "c) unknown"),
    )
)
YES = frozenset(
    fold(w)
    for w in (
        *("yes", "y", "true", "t", "1", "x", "\u2713", "\u2714", "\u2611", "\u2705", "\u2612"),
        *("a) yes", "a)yes", "yes - offered"),
    )
)
NO = frozenset(
    fold(w) for w in ("no", "n", "false", "f", "0", "\u2717", "\u2718", "\u2610", "\u274c", "\u2715", "b) no", "b)no")
)
ETHNICITIES = frozenset(
    "WBRI WIRI WOTH WIRT WROM MWBC MWBA MWAS MOTH AIND APKN ABAN AOTH BCRB BAFR BOTH CHNE OOTH REFU NOBT".split()
)

_SCIENTIFIC = re.compile(r"\d+(?:\.\d+)?E\+?\d+", re.IGNORECASE)
_DATE_LIKE = re.compile(
    r"\d{1,2}[-/ ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:[-/ ]\d+)?"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-\d{2,4}"
    r"|\d{1,2}/\d{1,2}/\d{4}(?: 0?0:00(?::00)?)?|\d{4}-\d{2}-\d{2}(?:[ T]00:00(?::00)?)?",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(?=.*\d)[A-Z0-9]{5,}(?:[-/_][A-Z0-9]+)+")
#: Ids of at most so many letters cannot hold a word.
MOST_LETTERS = 3
_LONGEST_PLAIN = 16
#: What numbers the options of a form, such as "a) ".
LETTER = re.compile(r"^\(?[a-z0-9]{1,2}[).:]\s*(?=\S)")
_ERROR = re.compile(r"#(?:REF!|N/A|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!)|#{3,}")
#: What nobody can see and no text needs.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
#: Of each sign: 1 for a digit, 256 for a capital, 65,536 for any other but the end of a text.
_KINDS = np.full(256, 65_536, dtype=np.int64)
_KINDS[ord("0") : ord("9") + 1], _KINDS[ord("A") : ord("Z") + 1], _KINDS[ord("\n")] = 1, 256, 0
_MARKS = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]"
_PILED = re.compile(f"({_MARKS}{{4}}){_MARKS}+")


@dataclass(frozen=True, slots=True, repr=False)
class Parses:
    """Distinct cells as parsed: values, and small numbers for the rule that each breaks or was repaired by.

    Parameters
    ----------
    values : list
        None = not recorded.
    fault, repair : arrays of int16
        Positions in ``rules``; 0 = none.
    rules : list of str
        The first is "".

    Raises
    ------
    Nothing.
    """

    values: list[Any]
    fault: np.ndarray
    repair: np.ndarray
    rules: list[str]

    def __repr__(self) -> str:
        return f"Parses: {len(self.values)} cells, {len(self.rules) - 1} rules"

    def masks(self, codes: np.ndarray, *, repaired: bool = False) -> dict[str, np.ndarray]:
        """Say of each rule which rows break it (or were repaired by it), given the cell that each row holds."""
        which = self.repair if repaired else self.fault
        if not which.any():
            return {}
        rows = which[codes]
        return {self.rules[i]: rows == i for i in np.unique(which).tolist() if i}


def parse_distinct(cells: Sequence[Cell], parse: Callable[[Cell], Parsed]) -> Parses:
    """Parse each distinct cell.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> read = parse_distinct(["c1", "1E5"], parse_id)
    >>> read.values, read.masks(np.array([0, 1, 1]))["id_scientific"].tolist()
    (['C1', None], [False, True, True])
    """
    known = {"": 0}
    values: list[Any] = list(cells)
    fault = np.zeros(len(cells), dtype=np.int16)
    repair = np.zeros(len(cells), dtype=np.int16)
    plain = are_plain_ids(cells) if parse in ID_PARSERS else np.zeros(len(cells), dtype=bool)
    for i in np.flatnonzero(~plain).tolist():
        values[i], broken, done = parse(cells[i])
        if broken or done:
            fault[i], repair[i] = known.setdefault(broken, len(known)), known.setdefault(done, len(known))
    return Parses(values, fault, repair, list(known))


def cleaned(parse: Callable[[Cell], Parsed]) -> Callable[[Cell], Parsed]:
    """Return the parser that first takes out of a cell what nobody can see, and tells so.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> cleaned(flag_parser({}))("Ye\\u202es")
    (True, '', 'control_characters')
    """

    def parse_clean(cell: Cell) -> Parsed:
        if not isinstance(cell, str) or not (found := _HIDDEN.search(cell)):
            return parse(cell)
        value, fault, repair = parse(_HIDDEN.sub("", cell))
        return value, fault, repair or ("control_characters" if found else "")

    return parse_clean


def is_error(cell: Cell) -> bool:
    """Say whether a cell holds a spreadsheet error as text, such as #REF! or ####.

    Raises
    ------
    Nothing.
    """
    return isinstance(cell, str) and cell[:1] == "#" and _ERROR.fullmatch(cell.strip()) is not None


def are_plain_ids(cells: Sequence[Cell]) -> np.ndarray:
    """Say which cells are ids beyond any doubt, as they stand: digits and at most three capitals.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> are_plain_ids(["C123", "00123", "c123", "1E5", "NA", "MISSING1", None]).tolist()
    [True, True, False, False, False, False, False]
    """
    signs, begins = joined_signs(cells)
    if not len(cells):
        return np.zeros(0, dtype=bool)
    found = np.add.reduceat(_KINDS[signs], begins[:-1])
    length, digits, letters, others = np.diff(begins) - 1, found % 256, found // 256 % 256, found // 65536
    plain: np.ndarray = (digits > 0) & (letters <= MOST_LETTERS) & (others == 0)
    plain &= (length <= _LONGEST_PLAIN) & (digits + letters == length)
    # Such as 1E5, which a spreadsheet makes of a longer number.
    odd = np.flatnonzero(plain & (letters == 1) & (signs[begins[:-1]] <= ord("9")))
    plain[odd] = ["E" not in str(cells[i]) for i in odd.tolist()]
    return plain


def joined_signs(cells: Sequence[Cell], kinds: Collection[type] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return plain texts one behind the other as numbers of their signs, each ended by a 10, and where each begins.

    Cells that are no text, or hold a sign beyond ASCII or a new line, stand there as empty text. ``kinds``, the types
    of the cells, saves looking at each for it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> joined_signs(["ab", 7, "c"])
    (array([97, 98, 10, 10, 99, 10], dtype=uint8), array([0, 3, 4, 6]))
    """
    if not len(cells):
        return np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int64)
    text = None
    if (set(map(type, cells)) if kinds is None else kinds) == {str}:
        text = "\n".join(cells)  # type: ignore[arg-type]
        if not text.isascii():
            text = None
    signs, begins = _signs(text, len(cells)) if text is not None else (None, None)
    if signs is None or begins is None:
        plain = [c if type(c) is str and c.isascii() and "\n" not in c else "" for c in cells]
        signs, begins = _signs("\n".join(plain), len(cells))
    return signs, begins  # type: ignore[return-value]


def _signs(text: str, n: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    signs = np.frombuffer(f"{text}\n".encode("ascii"), dtype=np.uint8)
    ends = np.flatnonzero(signs == ord("\n"))
    return (signs, np.concatenate([[0], ends + 1])) if len(ends) == n else (None, None)


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
    if is_blank(cell) or isinstance(cell, bool):
        return None, "id_blank", ""
    text = as_text(cell)
    if _PLAIN.fullmatch(text) and not _DATE_LIKE.fullmatch(text):
        return text, "", ""
    plain = text.strip(" \t\r\n")  # a space that does not break is no plain space
    clean = " ".join(tidy(unicodedata.normalize("NFKC", text)).split()).lstrip("'").upper()
    if not clean.isascii():
        clean = "".join(c for c in clean if unicodedata.category(c) not in ("Cf", "Cs", "Cc"))
    clean = " ".join(_HIDDEN.sub("", clean).split())
    if fold(clean) in NOT_RECORDED or is_blank(clean):
        return None, "id_blank", ""
    if re.fullmatch(r"\d+\.0+", clean):
        clean = clean.split(".")[0]
    if _SCIENTIFIC.fullmatch(clean):
        return None, "id_scientific", ""
    if _DATE_LIKE.fullmatch(clean):
        return None, "id_date", ""
    return clean, "", "" if clean == plain else "id_repaired"


#: Parsers that give a plain id back as it stands.
ID_PARSERS: list[Callable[[Cell], Parsed]] = [parse_id]


def code_parser(known: Mapping[str, str]) -> Callable[[Cell], Parsed]:
    """Return a parser of a column of codes: folded wordings to codes; anything else is not recorded, and told.

    Parameters
    ----------
    known : mapping of str to str
        Each folded wording and its code.

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
        if word not in known:
            word = LETTER.sub("", word)
        code = known.get(word)
        if code is not None:
            return code, "", ""
        return None, "" if is_blank(cell) or word in NOT_RECORDED else "unmapped_code", ""

    return parse


def flag_parser(known: Mapping[str, str]) -> Callable[[Cell], Parsed]:
    """Return a parser of yes and no in their usual wordings and those of a profile.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse = flag_parser({"in": "yes"})
    >>> parse("In")[0], parse("N")[0], parse(True)[0], parse(1.0)[0], parse("perhaps")[1]
    (True, False, True, True, 'flag_unreadable')
    """

    def parse(cell: Cell) -> tuple[bool | None, str, str]:
        if cell is None or is_blank(cell):
            return None, "", ""
        word = fold(as_text(cell))
        if word in YES or known.get(word) == "yes":
            return True, "", ""
        if word in NO or known.get(word) == "no":
            return False, "", ""
        return None, "" if word in NOT_RECORDED else "flag_unreadable", ""

    return parse


def parse_word(cell: Cell) -> tuple[str | None, str, str]:
    """Take a source's code as it stands, in capitals.

    Raises
    ------
    Nothing.
    """
    return (None if is_blank(cell) else tidy(as_text(cell)).upper()), "", ""


def parse_text(cell: Cell) -> tuple[str | None, str, str]:
    """Take text as written, without characters that nobody can see or that turn the text round.

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
    clean = CONTROL.sub("", text)
    if not clean.isascii():
        clean = _PILED.sub(r"\1", clean)
    return clean.strip() or None, "", "" if len(clean) == len(text) else "control_characters"
