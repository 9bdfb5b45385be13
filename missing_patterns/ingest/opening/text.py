"""Text files: the encoding found, the delimiter confirmed by the header, and rows read strictly.

A stray quote may not swallow rows: the standard reader runs in strict mode, and every row that runs over several
physical lines keeps those lines, so that a line inside it that looks like a row of its own can be found.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.log import Log
from missing_patterns.ingest.opening.grid import Cell, Grid
from missing_patterns.ingest.rules import RULES

DELIMITERS = (",", ";", "\t", "|")
FIELD_LIMIT = 131_072
#: Sheets and old programs stop writing at these many rows without a word.
ROW_LIMITS = (65_536, 1_048_576)
_BOM = b"\xef\xbb\xbf"
_SURROGATE, _NUL = re.compile("[\ud800-\udfff]"), re.compile("\x00")
#: What old programs write behind the last line.
_END_OF_FILE = re.compile(r"\x1a+(?=\s*\Z)")


def decode(data: bytes, file: str, log: Log) -> str:
    """Turn bytes into text: by byte-order mark, else strict UTF-8, else Windows text (cp1252), named in the log.

    Where some lines are UTF-8 and others are not, each line is read as what it is, and the others are told.

    Raises
    ------
    DataRefused
        If the bytes are none of these.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = data.decode("utf-16", "surrogatepass")
        except UnicodeDecodeError:
            raise _unknown(file, "it begins as UTF-16 but is not") from None
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = _decode_lines(data, file, log)
    if not text.isascii() and (lines := _lines_with(_SURROGATE, text)):
        log.add("control_characters", file, lines=lines)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs are one character again
    if "\x00" in text:
        log.add("nul_bytes", file, lines=_lines_with(_NUL, text))
        text = text.replace("\x00", "")
    return _END_OF_FILE.sub("", text) if "\x1a" in text[-1000:] else text


def _decode_lines(data: bytes, file: str, log: Log) -> str:
    """Decode a text that is not all UTF-8 line by line; without any UTF-8 beyond ASCII, it is all Windows text."""
    utf8: dict[int, str] = {}
    others: dict[int, bytes] = {}
    lines = data.removeprefix(_BOM).split(b"\n")
    for i, line in enumerate(lines):
        if line.isascii():
            continue
        try:
            utf8[i] = line.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            others[i] = line
    try:
        windows = {i: line.decode("cp1252") for i, line in others.items()}
    except UnicodeDecodeError:
        raise _unknown(file, "its characters are neither UTF-8 nor Windows text") from None
    if windows:
        if utf8 or data.startswith(_BOM):
            log.add("mixed_encodings", file, lines=_lines_at(lines, sorted(windows)))
        else:
            log.add("encoding_cp1252", file)
    beyond = utf8 | windows
    return "\n".join([beyond[i] if i in beyond else line.decode("ascii") for i, line in enumerate(lines)])


def _lines_at(lines: Sequence[bytes], at: Sequence[int]) -> list[int]:
    """Return the physical lines of parts between line feeds; a carriage return alone ends a line too."""
    if not any(b"\r" in line[:-1] for line in lines):
        return [i + 1 for i in at]
    before = [0]
    for line in lines:
        before.append(before[-1] + 1 + line[:-1].count(b"\r"))
    return [before[i] + 1 for i in at]


def _unknown(file: str, why: str) -> DataRefused:
    return DataRefused.of_file(file, why, "Save it as 'CSV UTF-8'.", rule=RULES["encoding_unknown"].code)


def _lines_with(sign: re.Pattern[str], text: str) -> list[int]:
    if not sign.search(text):
        return []
    return [n for n, line in enumerate(io.StringIO(text, newline=""), 1) if sign.search(line)]


def heads(text: str, n_lines: int = 60) -> dict[str, list[Sequence[Cell]]]:
    """Return the first rows of a text under each delimiter that stands in it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> heads("CHILD;DOB\\n1;2\\n")
    {';': [['CHILD', 'DOB'], ['1', '2']]}
    """
    lines = []
    for line in io.StringIO(text, newline=""):
        lines.append(line[:10_000])
        if len(lines) == n_lines:
            break
    found: dict[str, list[Sequence[Cell]]] = {}
    for delimiter in DELIMITERS:
        if any(delimiter in line for line in lines):
            found[delimiter] = list(csv.reader(lines, delimiter=delimiter))
    return found or {",": [[line.rstrip("\r\n")] for line in lines]}


def read_grid(text: str, file: str, delimiter: str) -> Grid:
    """Read every row, strictly.

    Raises
    ------
    DataRefused
        Naming the line, if a quote is not closed or stands where none can be.
    """
    too_long: set[int] = set()
    try:
        rows, ends = _read_fast(text, delimiter, file)
    except _FieldLimit:
        rows, ends = read_slowly(text, delimiter, file)
        too_long = {i for i, row in enumerate(rows) if any(len(str(cell)) > FIELD_LIMIT for cell in row)}
    if len(rows) in ROW_LIMITS:
        raise DataRefused.of_file(
            file,
            f"it stops at exactly {len(rows):,} rows, where some programs cut tables off",
            "Export it in two parts, or from the case system directly.",
            rule=RULES["row_limit"].code,
        )
    spans: dict[int, list[str]] = {}
    lines: Sequence[int]
    if not ends or ends[-1] == len(rows):
        lines = range(1, len(rows) + 1)
    else:
        lines = [1, *(e + 1 for e in ends[:-1])]
        physical = list(io.StringIO(text, newline=""))
        for i, (first, last) in enumerate(zip(lines, ends, strict=True)):
            if last > first:
                spans[i] = physical[first - 1 : last]
    return Grid(file, "", rows, lines, too_long=too_long, delimiter=delimiter, spans=spans, is_plain=text.isascii())


class _FieldLimit(Exception):
    """A cell is longer than the standard reader takes."""


def _read_fast(text: str, delimiter: str, file: str) -> tuple[list[Sequence[Cell]], Sequence[int]]:
    """Read rows by the standard reader, and the physical line on which each ends."""
    lines = text.split("\n")  # as it stands, without a copy of it; every other end of line makes the reader stop
    if not lines[-1]:
        lines.pop()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        every: list[Sequence[Cell]] = list(reader)
        if reader.line_num == len(every):
            return every, range(1, len(every) + 1)
    except csv.Error:
        pass  # read again below, where the line at fault is known and told
    del lines
    rows: list[Sequence[Cell]] = []
    ends: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error as error:
        if "field limit" in str(error):
            raise _FieldLimit from None
        raise _quote_refused(file, (ends[-1] if ends else 0) + 1) from None
    return rows, ends


def read_slowly(text: str, delimiter: str, file: str) -> tuple[list[Sequence[Cell]], list[int]]:
    """Read rows character by character, without a limit; the same rows as the standard reader in strict mode.

    Raises
    ------
    DataRefused
        Naming the line, if a quote is not closed or stands where none can be.

    Examples
    --------
    >>> read_slowly('a,"b\\nc"\\nd,e\\n', ",", "x.csv")
    ([['a', 'b\\nc'], ['d', 'e']], [2, 3])
    """
    rows: list[Sequence[Cell]] = []
    ends: list[int] = []
    row: list[str] = []
    inside = False
    cell: list[str] = []
    started = 1
    closed = False  # a quoted cell has just ended
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        body = line.rstrip("\r\n")
        tail = line[len(body) :]
        i = 0
        while i < len(body):
            c = body[i]
            if inside:
                if c == '"' and body[i + 1 : i + 2] == '"':
                    cell.append('"')
                    i += 1
                elif c == '"':
                    inside, closed = False, True
                else:
                    cell.append(c)
            elif c == delimiter:
                row.append("".join(cell))
                cell, closed = [], False
            elif closed:
                raise _quote_refused(file, started)
            elif c == '"' and not cell:
                inside = True
            else:
                cell.append(c)
            i += 1
        if inside:
            cell.append(tail)
            continue
        rows.append([*row, "".join(cell)] if row or cell or closed or body else [])
        ends.append(number)
        row, cell, closed, started = [], [], False, number + 1
    if inside:
        raise _quote_refused(file, started)
    return rows, ends


def _quote_refused(file: str, line: int) -> DataRefused:
    return DataRefused.of_file(
        file,
        "a quotation mark in the row that begins here is not closed, or stands inside a cell without being doubled",
        "Export it again with quotes doubled, or mend that row.",
        line=line,
        rule=RULES["stray_quote"].code,
    )
