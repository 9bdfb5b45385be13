"""Text files: the encoding found, the delimiter confirmed by the header, and rows read strictly.

A stray quote may not swallow rows: the standard reader runs in strict mode, and every row that runs over several
physical lines keeps those lines, so that a line inside it that looks like a row of its own can be found.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Sequence

from missing_patterns.errors import DataRefused
from missing_patterns.ingest.grid import Cell, Grid
from missing_patterns.ingest.log import Log

DELIMITERS = (",", ";", "\t", "|")
FIELD_LIMIT = 131_072
#: Sheets and old programs stop writing at these many rows without a word.
ROW_LIMITS = (65_536, 1_048_576)


def decode(data: bytes, file: str, log: Log) -> str:
    """Turn bytes into text: by byte-order mark, else strict UTF-8, else Windows text (cp1252), named in the log.

    Raises
    ------
    DataRefused
        If the bytes are none of these.
    """
    text = None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError:
            raise DataRefused.of_file(file, "it begins as UTF-16 but is not", "Save it as 'CSV UTF-8'.") from None
    else:
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode("utf-8-sig")
    if text is None:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise DataRefused.of_file(
                file, "its characters are neither UTF-8 nor Windows text", "Save it as 'CSV UTF-8'."
            ) from None
        log.add("encoding_cp1252", file)
    if "\x00" in text:
        lines = [n for n, line in enumerate(io.StringIO(text, newline=""), 1) if "\x00" in line]
        log.add("nul_bytes", file, lines=lines)
        text = text.replace("\x00", "")
    return text.rstrip("\x1a")


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
        too_long = {i for i, row in enumerate(rows) if any(len(cell) > FIELD_LIMIT for cell in row)}
    if len(rows) in ROW_LIMITS:
        raise DataRefused.of_file(
            file,
            f"it stops at exactly {len(rows):,} rows, where some programs cut tables off",
            "Export it in two parts, or from the case system directly.",
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
    return Grid(file, "", list(rows), lines, too_long=too_long, delimiter=delimiter, spans=spans)


class _FieldLimit(Exception):
    """A cell is longer than the standard reader takes."""


def _read_fast(text: str, delimiter: str, file: str) -> tuple[list[list[str]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error as error:
        if "field limit" in str(error):
            raise _FieldLimit from None
        raise _quote_refused(file, (ends[-1] if ends else 0) + 1) from None
    return rows, ends


def read_slowly(text: str, delimiter: str, file: str) -> tuple[list[list[str]], list[int]]:
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
    rows: list[list[str]] = []
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
    )
