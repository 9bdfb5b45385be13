"""Text that an earlier program garbled: restored where that loses nothing, told where it cannot be restored."""

from __future__ import annotations

import re
from collections.abc import Sequence

from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.grid import Cell, Grid

#: What Windows text shows for the bytes 0x80 to 0xBF, which in UTF-8 only follow another; five of them are unnamed.
_FOLLOWING = "".join(
    bytes([b]).decode("cp1252") if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(b) for b in range(0x80, 0xC0)
)
_F = f"[{re.escape(_FOLLOWING)}]"
_GARBLED = re.compile(f"[\u00c2-\u00df]{_F}|[\u00e0-\u00ef]{_F}{{2}}|[\u00f0-\u00f4]{_F}{{3}}")
#: What is left of a garbled character whose other half was lost on the way.
_LOST = re.compile("\ufffd|\u00ef\u00bf\u00bd|\u00c3(?=[? ]|$)|\u00e2\u20ac(?=[? ]|$)|[\u00c2\u00c3\u00e2]\\?")
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
#: No language writes more marks than this on one letter.
MOST_MARKS = 4
_MANY_MARKS = re.compile(f"(?<=[{_MARKS}]{{{MOST_MARKS}}})[{_MARKS}]+")
_SUSPECT = re.compile(f"{_GARBLED.pattern}|{_LOST.pattern}|{_MANY_MARKS.pattern}")
#: Characters of two bytes that English text and names of Europe hold, and signs of three.
_SENSIBLE = re.compile(
    "[\\x20-\\x7e\\s\u00a0-\u017f\u0218-\u021b\u2010-\u2027\u2030-\u203a\u20ac\u2122\U0001f000-\U0001ffff\ufe0f\u200d]*"
)


def mend(grid: Grid, log: Log) -> None:
    """Restore the cells of a sheet that are UTF-8 read as Windows text once, and tell where that cannot be done.

    A cell is restored only if writing it back gives the same characters, and the result is letters and signs as text
    holds them. Letters under more marks than any language has lose those beyond. Rows are changed in place.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> grid = Grid("a.csv", "", [["Zo\u00c3\u00ab"], ["Jo\u00e3o"]], [1, 2])
    >>> mend(grid, Log())
    >>> grid.rows
    [['Zo\u00eb'], ['Jo\u00e3o']]
    """
    if grid.is_plain:
        return
    told: dict[str, list[int]] = {"mojibake": [], "mojibake_lost": [], "control_characters": []}
    for i, row in enumerate(grid.rows):
        odd = [k for k, c in enumerate(row) if c.__class__ is str and not c.isascii() and _SUSPECT.search(c)]
        if odd:
            grid.rows[i], rules = _mended(row, odd)
            for rule in rules:
                told[rule].append(grid.lines[i])
    for rule, lines in told.items():
        log.add(rule, grid.file, grid.sheet, lines=lines)


def _mended(row: Sequence[Cell], at: Sequence[int]) -> tuple[list[Cell], list[str]]:
    cells, rules = list(row), []
    for k in at:
        text = str(cells[k])
        if (restored := restore(text)) != text:
            rules.append("mojibake")
        elif _LOST.search(text):
            rules.append("mojibake_lost")
        fewer = _MANY_MARKS.sub("", restored)
        if fewer != restored:
            rules.append("control_characters")
        cells[k] = fewer
    return cells, sorted(set(rules))


def restore(text: str) -> str:
    """Return a text that was UTF-8 and was read as Windows text once, as it was; any other as it is.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> restore("Chlo\u00c3\u00a9 \u00e2\u20ac\u201c care"), restore("CAF\u00c9\u2013BAR")
    ('Chlo\u00e9 \u2013 care', 'CAF\u00c9\u2013BAR')
    """
    if not _GARBLED.search(text):
        return text
    try:
        restored = _as_bytes(text).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text
    return restored if _SENSIBLE.fullmatch(restored) else text


def _as_bytes(text: str) -> bytes:
    """Write Windows text; its five unnamed characters stand for the bytes of the same number."""
    return b"".join(bytes([ord(c)]) if c in "\x81\x8d\x8f\x90\x9d" else c.encode("cp1252") for c in text)
