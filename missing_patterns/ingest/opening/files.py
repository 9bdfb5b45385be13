"""Which files to read, and whether a file is what its name says."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from missing_patterns.errors import ArgumentRefused, DataRefused
from missing_patterns.ingest.opening.sources import filled_in, is_address, name_of
from missing_patterns.ingest.rules import RULES

TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
BOOK_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
PARQUET_SUFFIXES = (".parquet",)
ALL_SUFFIXES = TEXT_SUFFIXES + BOOK_SUFFIXES + PARQUET_SUFFIXES

#: A file larger than this is refused unread.
MOST_BYTES = 2_000_000_000
#: A workbook that unpacks to more than this is refused unread, and so is one with a part that does.
MOST_UNPACKED, MOST_PART = 2_000_000_000, 1_000_000_000
#: So is one that unpacks to this many times its size, if that is also more than 100 MB.
MOST_RATIO = 200
#: Workbooks have some dozens of parts.
MOST_PARTS = 5_000
#: What deflate can make of a byte at most; a part that could still be too large is unpacked once to see what it is.
_MOST_DEFLATE = 1_032

#: First bytes of old Office files, and of new ones that are locked.
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED, _BOOK_STREAM = "EncryptedPackage".encode("utf-16-le"), "Workbook".encode("utf-16-le")
_PDF = (b"%pdf", "a PDF")
_BOOKS = (
    (b"pk\x03\x04", "a zip file or an Excel workbook"),
    (b"pk\x05\x06", "a zip file with nothing in it"),
    (OLE, "an old Excel workbook (.xls) or another old Office file"),
)
_OTHERS = (
    _PDF,
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed file (7-Zip)"),
    (b"rar!\x1a\x07", "a compressed file (RAR)"),
    (b"\x89png", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"par1", "a Parquet file"),
    (b"sqlite format 3\x00", "a database (SQLite)"),
    (b"{\\rtf", "a word-processor document (RTF)"),
    (b"mime-version:", "a web page (MHTML)"),
)
_WEB = tuple(
    (f"<{tag}".encode(), "a web page (HTML)") for tag in "!doctype html head meta body style table !--".split()
)
_SHEET_2003 = (b"urn:schemas-microsoft-com:office:spreadsheet", b"excel.sheet")
_DOCUMENTS = {
    ".pdf": "a PDF",
    ".docx": "a Word document",
    ".doc": "a Word document",
    ".pptx": "a PowerPoint file",
    ".zip": "a zip file",
}
_LONDON = ZoneInfo("Europe/London")
_BREAK = re.compile(r"[\n\r\x00]")
#: A longer one may be text that was meant to be read, so it is not shown.
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: its path, the name that messages use, and whether the caller named it."""

    path: Path
    label: str
    is_named: bool
    #: Address of a database, if it is one. Holds a password, so it is never shown.
    url: str = field(default="", repr=False)


def refuse_text(paths: object) -> None:
    """Refuse the text of a file, handed over where its path belongs; nothing of it is told.

    Raises
    ------
    ArgumentRefused
        If a path holds a line break, as no path does.

    Examples
    --------
    >>> refuse_text("Missing.csv")
    """
    every = paths if isinstance(paths, list | tuple) else [paths]
    if any(_BREAK.search(str(path)) for path in every if isinstance(path, str | Path)):
        raise ArgumentRefused("this is text, not a path; save it as a file and give the path of that.")


def kind_of(path: Path) -> str:
    """Return ``"file"``, ``"folder"`` or, if there is none or it is neither, an empty text.

    Raises
    ------
    DataRefused
        If nobody may look, or it is too long for a path.
    """
    try:
        return "folder" if path.is_dir() else "file" if path.is_file() else ""
    except OSError as error:
        raise _no_rights(path, error) from None


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda p: p.name)
    except OSError as error:
        raise _no_rights(folder, error) from None


def _no_rights(path: Path, error: OSError) -> DataRefused:
    why = f"it cannot be read ({type(error).__name__})"
    return _refused(_name(path), "unreadable", why, "Check the path, and whether you may read it.")


def _name(path: Path) -> str:
    """Return what a path is called in messages; nothing of one so long that it may be no path at all."""
    return path.name if len(str(path)) <= _LONGEST_NAME else "what was given"


def list_sources(paths: object) -> tuple[list[Source], list[tuple[str, str, str]]]:
    """List the files of one path or several, and what in folders is not read: its name, the rule, and a detail.

    Raises
    ------
    ArgumentRefused
        If it is not a path or several, is the text of a file, or a database address was made into a Path.
    SettingsRefused
        If a database address names a variable that the environment does not have.
    DataRefused
        If a path is not there, or cannot be read.
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    if not isinstance(paths, Iterable) or isinstance(paths, bytes):
        raise ArgumentRefused("paths must be a file, a folder, or a list of them.")
    found: list[tuple[Path, bool]] = []
    urls: dict[int, str] = {}
    skipped: list[tuple[str, str, str]] = []
    for given in paths:
        if not isinstance(given, str | Path):
            raise ArgumentRefused("paths must be a file, a folder, or a list of them.")
        refuse_text(given)
        if is_address(given):
            url = filled_in(str(given))
            found.append((Path(name_of(url)), True))
            urls[len(found) - 1] = url
            continue
        path = Path(given)
        kind = kind_of(path)
        if kind == "folder":
            for inner in _inside(path):
                if told := _passed_over(inner):
                    skipped.append(told)
                else:
                    found.append((inner, False))
        elif kind == "file":
            found.append((path, True))
        else:
            raise _refused(_name(path), "not_there", "there is no such file or folder", "Check the path.")
    if not found:
        refused = DataRefused(f"There is no file to read: no {_listed(ALL_SUFFIXES)} was found.")
        refused.rule = RULES["not_there"].code
        raise refused
    labels = _labels([p for p, _ in found])
    return [Source(p, labels[i], named, urls.get(i, "")) for i, (p, named) in enumerate(found)], skipped


def _passed_over(path: Path) -> tuple[str, str, str] | None:
    """Say of what stands in a folder why it is not read; None if it is."""
    name = path.name
    if name.startswith("~$"):
        return name, "not_read", "left by a program that has the file open"
    if name[:1] in "~.":
        return name, "not_read", "hidden" if name[:1] == "." else "left by a program"
    if kind_of(path) == "folder":
        return name, "folder_inside", ""
    return None if path.suffix.lower() in ALL_SUFFIXES and kind_of(path) else (name, "not_read", "")


def _listed(suffixes: tuple[str, ...]) -> str:
    return ", ".join(suffixes[:-1]) + f" or {suffixes[-1]}"


def _labels(paths: list[Path]) -> list[str]:
    """Name files by their name, or by folder and name, or by number as well, until all differ."""
    labels = [p.name for p in paths]
    twice = {label for label in labels if labels.count(label) > 1}
    labels = [f"{p.parent.name}/{p.name}".lstrip("/") if p.name in twice else p.name for p in paths]
    seen: dict[str, int] = {}
    unique = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        unique.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return unique


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the disk said of a file when it was read: its size and when it was last written.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> Stamp(10, 1_784_000_000_000_000_000).written_at
    datetime.datetime(2026, 7, 14, 4, 33, 20)
    """

    size: int
    mtime_ns: int

    @property
    def written_at(self) -> dt.datetime:
        """When the file was written, naive London time."""
        return dt.datetime.fromtimestamp(self.mtime_ns // 1_000_000_000, _LONDON).replace(tzinfo=None)


def read_bytes(source: Source) -> bytes:
    """Read a file once, whole, and make sure that it is what its name says.

    Raises
    ------
    DataRefused
        If it cannot be read, is empty, is of another kind, is locked with a password, unpacks to too much, or is
        being written.
    """
    return read_stamped(source)[0]


def read_stamped(source: Source) -> tuple[bytes, Stamp]:
    """Read as ``read_bytes`` does, with the stamp to hold against ``same_as_read`` at the end of the run.

    Raises
    ------
    DataRefused
        As ``read_bytes``.
    """
    if source.url:
        raise ArgumentRefused("This looks at files; a database is read by read_records, with a profile.")
    try:
        before = _stamp(source)
        if before.size > MOST_BYTES:
            raise _refused(
                source.label, "bomb", f"it is larger than {MOST_BYTES // 1_000_000:,} MB", "Export it in parts."
            )
        data = source.path.read_bytes()
        after = _stamp(source)
    except OSError as error:
        why = f"it cannot be read ({type(error).__name__})"
        raise _refused(source.label, "unreadable", why, "Close it in other programs and try again.") from None
    if not before == after == Stamp(len(data), after.mtime_ns):
        raise changed(source)
    if not data.lstrip(b"\x00 \t\r\n\x1a\xef\xbb\xbf\xff\xfe"):  # at one end alone: the other would copy it all
        raise _refused(source.label, "empty_file", "the file is empty", "Export it again.")
    if source.path.suffix.lower() in PARQUET_SUFFIXES:
        return data, after  # its reader looks at it
    is_book = source.path.suffix.lower() in BOOK_SUFFIXES
    if kind := _foreign_kind(data, is_book=is_book):
        raise _foreign(source, kind)
    if is_book:
        _check_book(source, data)
    return data, after


def _stamp(source: Source) -> Stamp:
    found = source.path.stat()
    return Stamp(found.st_size, found.st_mtime_ns)


def same_as_read(source: Source, stamp: Stamp) -> bool:
    """Say whether a file still has the size and the time of writing that it had when it was read.

    Raises
    ------
    Nothing.
    """
    try:
        return _stamp(source) == stamp
    except OSError:
        return False


def changed(source: Source) -> DataRefused:
    """Word the refusal of a file that was written while it was read.

    Raises
    ------
    Nothing.
    """
    return _refused(
        source.label,
        "changed_while_reading",
        "it changed while it was read",
        "Wait until its export has ended, and run again.",
    )


def _refused(label: str, rule: str, why: str, fix: str) -> DataRefused:
    return DataRefused.of_file(label, why, fix, rule=RULES[rule].code)


def _foreign_kind(data: bytes, *, is_book: bool) -> str:
    """Name what the first bytes say that a file is, if that is not what its name says."""
    start = data[:2048]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):  # a web page may be UTF-16 as well
        start = start.replace(b"\x00", b"")[2:]
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").lower()
    known: Iterable[tuple[bytes, str]] = (*_WEB, *_OTHERS, *(() if is_book else _BOOKS))
    for magic, kind in known:
        if start.startswith(magic):
            return kind
    if start.startswith((b"<?xml", b"<workbook")):
        return "an XML spreadsheet (Excel 2003)" if any(m in start for m in _SHEET_2003) else "XML"
    if is_book and not data.startswith((b"PK", OLE)) and b"\x00" not in data[:4096]:
        return "text"
    return ""


def _foreign(source: Source, kind: str) -> DataRefused:
    suffix = source.path.suffix.lower()
    if kind == _PDF[1] or suffix not in TEXT_SUFFIXES + BOOK_SUFFIXES:
        # A document holds a picture of a table at best; saving it under another name does not make one.
        kind = _DOCUMENTS.get(suffix, kind)
        why = f"it is {kind}" if suffix in _DOCUMENTS else f"its name and content differ: it is {kind}"
        return _refused(
            source.label, "wrong_kind", why, "Export the table itself from the system, as CSV or an Excel workbook."
        )
    wanted = "an Excel workbook (.xlsx)" if suffix in BOOK_SUFFIXES else "CSV"
    fix = "Rename it to end in .csv." if kind == "text" else f"Save it as {wanted}."
    return _refused(source.label, "wrong_kind", f"its name and content differ: it is {kind}", fix)


def _check_book(source: Source, data: bytes) -> None:
    """Refuse a workbook that is locked, cut off, or unpacks to more than it should."""
    label = source.label
    if data.startswith(OLE):
        if _ENCRYPTED in data and _BOOK_STREAM not in data:
            raise locked(label)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            _check_parts(label, packed, len(data))
            if _is_locked(packed):
                raise locked(label)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, zlib.error, NotImplementedError, ValueError):
        raise _refused(
            label, "unreadable", "it is not a whole workbook; the file may be cut off", "Export it again."
        ) from None


def locked(label: str) -> DataRefused:
    """Word the refusal of a workbook with a password.

    Raises
    ------
    Nothing.
    """
    return _refused(
        label, "locked", "the workbook is locked with a password", "Save it without a password and try again."
    )


def _is_locked(packed: zipfile.ZipFile) -> bool:
    """Say whether parts are encrypted: by zip itself, or as OpenDocument does, which lists the keys in the manifest."""
    if any(part.flag_bits & 1 for part in packed.infolist()):
        return True
    manifest = "META-INF/manifest.xml"
    return manifest in packed.namelist() and b"encryption-data" in packed.read(manifest)


def _check_parts(label: str, packed: zipfile.ZipFile, size: int) -> None:
    parts = packed.infolist()
    unpacked = sum(part.file_size for part in parts)
    is_bomb = (
        len(parts) > MOST_PARTS
        or unpacked > MOST_UNPACKED
        or max((part.file_size for part in parts), default=0) > MOST_PART
        or (unpacked > 100_000_000 and unpacked > MOST_RATIO * size)
        or sum(part.compress_size for part in parts) > size  # parts that share their bytes
    )
    if is_bomb:
        raise _refused(label, "bomb", "the workbook unpacks to far more than its size", "Save it as CSV and check it.")
    for part in parts:
        # A part may say that it is small and not be; the reader that follows would believe it, zipfile does not.
        if part.compress_size * _MOST_DEFLATE > MOST_PART and not part.flag_bits & 1:
            with packed.open(part) as stream:
                while stream.read(1 << 20):
                    pass


def fingerprint(data: bytes) -> str:
    """Return a digest that two files share only if their bytes are the same.

    Raises
    ------
    Nothing.
    """
    return hashlib.blake2b(data, digest_size=16).hexdigest()
