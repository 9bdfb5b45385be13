"""Cells that hold several things: choices of the codebook, references, and lists of words, taken apart.

A cell of choices is taken apart into wordings that the codebook knows: into as few as can be, so that the longest
wording comes first. If two ways of doing that give different codes, nobody can know which was meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from missing_patterns.codebook import ANSWERS_NOT_TRIGGERS, Codebook, fold
from missing_patterns.ingest.cells.values import LETTER, Parsed, parse_id, parse_text
from missing_patterns.ingest.opening.grid import Cell, as_text, is_blank

_HARD = re.compile(r"(\r\n|[;|\r\n\t])")
_SOFT = re.compile(r"(\s*(?:[,/&+]|\band\b)\s*)", re.IGNORECASE)
_BULLET = re.compile(
    r"^\s*(?:[-*\u2022\u00b7\u25aa\u25e6\u2013]|\[[x ]?\]|[\u2713\u2714\u2611]|\d{1,2}[.)])\s*", re.IGNORECASE
)
_OTHER = re.compile(r"other\b\s*[:(\-]")
_NAMES = {
    ";": "semicolons",
    "|": "bars",
    "\n": "new lines",
    "\r": "new lines",
    "\t": "tabs",
    ",": "commas",
    "/": "slashes",
    "&": "'and'",
    "and": "'and'",
    "+": "plus signs",
    " ": "spaces",
}
#: Answers that stand where a code would, and are none.
NOT_CODES = frozenset({"unmapped", "unknown", "declined_to_say", "not_recorded", "other_specified"})


def separators(found: Iterable[str]) -> str:
    """Name separators in words.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> separators([";", " , ", "AND"])
    "'and', commas, semicolons"
    """
    return ", ".join(sorted({_NAMES[mark.strip().lower()[:3] or mark[:1]] for mark in found}))


@dataclass(slots=True, repr=False)
class Choices:
    """A parser of multi-select cells, which keeps what it split them at.

    A cell is split at semicolons, bars, tabs and new lines; a part that is no wording as a whole is taken apart at
    commas, slashes, plus signs and "and". What no wording matches becomes ``"unmapped"``; answers about the asking
    become their own value, and "none" alone an empty tuple.

    Parameters
    ----------
    codebook : Codebook
    marks : set of str, made
        Separators at which cells were split so far.
    parts : dict, made
        What each part of a cell was taken for, so that the same choice is looked up once.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.codebook import read_codebook
    >>> parse = Choices(read_codebook())
    >>> parse("CCE, county lines; Bullying")
    (('exploitation_criminal', 'school_bullying'), '', 'choices_split')
    >>> parse("None")[0], parse("")[0], parse("Other: at the fair")[0]
    ((), None, ('other_specified',))
    """

    codebook: Codebook
    marks: set[str] = field(default_factory=set)
    parts: dict[str, tuple[list[str], set[str]] | None] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Choices: {self.codebook!r}"

    def __call__(self, cell: Cell) -> Parsed:
        """Parse one cell."""
        if is_blank(cell):
            return None, "", ""
        text = as_text(cell)
        # No wording holds a semicolon, so such a cell is none as a whole; one that is broken over lines may be.
        whole = None if ";" in text else _lookup(text, self.codebook)
        if whole == "other_specified" and _HARD.search(text.strip()):
            whole = None  # "Other: ..." ends where the next choice begins
        items, marks = [whole] if whole else [], set()
        if not whole:
            pieces = _HARD.split(text)
            parts = [p for p in pieces[::2] if p in self.parts or fold(p)]
            if len(parts) > 1:
                marks |= set(pieces[1::2])
            for part in parts:
                if part not in self.parts:
                    self.parts[part] = self._take_apart(part)
                found = self.parts[part]
                if found is None:
                    return None, "choices_undecidable", ""
                items += found[0]
                marks |= found[1]
        if len(items) > 1:
            self.marks |= marks
        read = tuple(dict.fromkeys(item for item in items if item != "asked_none"))
        fault = "unmapped_trigger" if "unmapped" in read else ""
        return read, fault, "choices_split" if len(items) > 1 else ""

    def _take_apart(self, part: str) -> tuple[list[str], set[str]] | None:
        """Take a part apart: its items and the separators between them; None if two ways give different codes."""
        if code := _lookup(part, self.codebook):
            return [code], set()
        pieces = _SOFT.split(part)
        words, marks = pieces[::2], pieces[1::2]
        n = len(words)
        known: dict[tuple[int, int], str | None] = {}
        for i in range(n):
            for j in range(i + 1, n + 1):
                known[i, j] = _lookup("".join(pieces[2 * i : 2 * j - 1]), self.codebook)
        ways = _fewest(words, known)
        if ways is None:
            return self._longest_first(words, marks, known)
        if len({frozenset(codes) for codes, _ in ways}) > 1:
            return None
        codes, starts = ways[0]
        return list(codes), {marks[i - 1] for i in starts if i}

    @staticmethod
    def _longest_first(
        words: list[str], marks: list[str], known: dict[tuple[int, int], str | None]
    ) -> tuple[list[str], set[str]]:
        """Where some piece is in no wording: the longest wordings from the left, and "unmapped" for what is left."""
        items, used, i = [], set(), 0
        while i < len(words):
            end = next((j for j in range(len(words), i, -1) if known[i, j]), None)
            code = known[i, end] if end else ("unmapped" if fold(words[i]) else None)
            if code:
                items.append(code)
                used |= {marks[i - 1]} if i else set()
            i = end or i + 1
        # Pieces that nobody knows are one text with commas in it, not several choices.
        return (items, used) if set(items) != {"unmapped"} else (["unmapped"], set())


Way = tuple[tuple[str, ...], tuple[int, ...]]


def _fewest(words: list[str], known: dict[tuple[int, int], str | None]) -> list[Way] | None:
    """Every way of taking all pieces apart into the fewest known wordings, with where each begins; None if none."""
    best: list[list[Way] | None] = [[((), ())]]
    for j in range(1, len(words) + 1):
        ways: dict[frozenset[str], Way] = {}
        fewest = None
        for i in range(j):
            before = best[i]
            if before is None:
                continue
            for codes, starts in before:
                if not fold(words[i]) and j == i + 1:
                    way: Way = (codes, starts)
                elif code := known[i, j]:
                    way = ((*codes, code), (*starts, i))
                else:
                    continue
                if fewest is None or len(way[1]) < fewest:
                    fewest, ways = len(way[1]), {}
                if len(way[1]) == fewest:
                    ways.setdefault(frozenset(way[0]), way)
        best.append(list(ways.values()) if ways else None)
    return best[-1]


def _lookup(text: str, codebook: Codebook) -> str | None:
    text = _BULLET.sub("", text)
    word = fold(text)
    if code := codebook.find(text):
        return code
    if answer := ANSWERS_NOT_TRIGGERS.get(word):
        return answer
    if stripped := codebook.find(LETTER.sub("", word)):
        return stripped
    return "other_specified" if _OTHER.match(word) else None


def only_one(many: Callable[[Cell], Parsed]) -> Callable[[Cell], Parsed]:
    """Return a parser of the main choice: the first code of the cell, if it is one of the codebook's.

    Raises
    ------
    Nothing.
    """

    def parse(cell: Cell) -> Parsed:
        found, fault, _ = many(cell)
        codes = [code for code in found or () if code not in NOT_CODES]
        return (codes[0] if codes else None), fault, ""

    return parse


@dataclass(slots=True, repr=False)
class Parts:
    """A parser of cells that hold several texts, or several references, which keeps what it split them at.

    Parameters
    ----------
    are_refs : bool
        Whether the parts are references: these are split at commas and spaces too.
    marks : set of str, made
        Separators at which cells were split so far.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> Parts()("Referral; Safety plan"), Parts(are_refs=True)("m1, M2")[0]
    ((('Referral', 'Safety plan'), '', 'choices_split'), ('M1', 'M2'))
    """

    are_refs: bool = False
    marks: set[str] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"Parts: {'references' if self.are_refs else 'texts'}"

    def __call__(self, cell: Cell) -> Parsed:
        """Parse one cell."""
        if is_blank(cell):
            return None, "", ""
        if self.are_refs:
            text = as_text(cell) if isinstance(cell, str) else parse_id(cell)[0] or as_text(cell)
            pieces = re.split(r"([;,|\s]+)", text)
        else:
            pieces = _HARD.split(as_text(cell))
        read = [(parse_id if self.are_refs else parse_text)(piece) for piece in pieces[::2] if piece.strip()]
        parts = tuple(dict.fromkeys(value for value, _, _ in read if value))
        told = Counter(fault for _, fault, _ in read if fault not in ("", "id_blank"))
        if len(parts) > 1:
            self.marks |= {mark.strip()[:1] or mark[:1] for mark in pieces[1::2]}
        mended = next((repair for _, _, repair in read if repair == "control_characters"), "")
        return parts or None, next(iter(told), ""), "choices_split" if len(parts) > 1 else mended
