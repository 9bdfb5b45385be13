"""Which files to read, and whether a file is what its name says."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from missing_patterns.errors import ArgumentRefused, DataRefused

TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
BOOK_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

#: A workbook that unpacks to more than this is refused unread.
MOST_UNPACKED = 2_000_000_000
#: So is one that unpacks to this many times its size, if that is also more than 100 MB.
MOST_RATIO = 200

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_NOT_TEXT = (
    (b"PK\x03\x04", "a zip file or an Excel workbook"),
    (_OLE, "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
)
_NOT_TABLES = ((b"<!doctype", "a web page (HTML)"), (b"<html", "a web page (HTML)"), (b"<table", "a web page (HTML)"))
_XML = ((b"<?xml", "XML"),)
_DOCUMENTS = {
    ".pdf": "a PDF",
    ".docx": "a Word document",
    ".doc": "a Word document",
    ".pptx": "a PowerPoint file",
    ".zip": "a zip file",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: its path, the name that messages use, and whether the caller named it."""

    path: Path
    label: str
    is_named: bool


def list_sources(paths: object) -> tuple[list[Source], list[str]]:
    """List the files of one path or several, and the names of those in folders that are not a kind that is read.

    Raises
    ------
    ArgumentRefused
        If it is not a path or several, or is a database address.
    DataRefused
        If a path is not there.
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    if not isinstance(paths, Iterable) or isinstance(paths, bytes):
        raise ArgumentRefused("paths must be a file, a folder, or a list of them.")
    found: list[tuple[Path, bool]] = []
    skipped: list[str] = []
    for given in paths:
        if not isinstance(given, str | Path):
            raise ArgumentRefused("paths must be a file, a folder, or a list of them.")
        if "://" in str(given):
            raise ArgumentRefused("this version reads files; export the table from the database as CSV first.")
        path = Path(given)
        if path.is_dir():
            for inner in sorted(path.iterdir(), key=lambda p: p.name):
                if not inner.is_file():
                    continue
                is_ours = inner.suffix.lower() in TEXT_SUFFIXES + BOOK_SUFFIXES and inner.name[:1] not in "~."
                if is_ours:
                    found.append((inner, False))
                else:
                    skipped.append(inner.name)
        elif path.is_file():
            found.append((path, True))
        else:
            raise DataRefused.of_file(path.name, "there is no such file or folder", "Check the path.")
    if not found:
        raise DataRefused("There is no file to read: no .csv, .txt, .tsv, .xlsx, .xlsm, .xlsb, .xls or .ods was found.")
    return [Source(p, label, named) for (p, named), label in zip(found, _labels([p for p, _ in found]), strict=True)], (
        skipped
    )


def _labels(paths: list[Path]) -> list[str]:
    """Name files by their name, or by folder and name, or by number as well, until all differ."""
    labels = [p.name for p in paths]
    twice = {label for label in labels if labels.count(label) > 1}
    labels = [f"{p.parent.name}/{p.name}" if p.name in twice else p.name for p in paths]
    seen: dict[str, int] = {}
    unique = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        unique.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return unique


def read_bytes(source: Source) -> bytes:
    """Read a file once, whole, and make sure that it is what its name says.

    Raises
    ------
    DataRefused
        If it cannot be read, is empty, is of another kind, is locked with a password, or unpacks to too much.
    """
    try:
        data = source.path.read_bytes()
    except OSError as error:
        raise DataRefused.of_file(
            source.label, f"it cannot be read ({type(error).__name__})", "Close it in other programs and try again."
        ) from None
    if not data.strip(b"\x00 \t\r\n\x1a\xef\xbb\xbf\xff\xfe"):
        raise DataRefused.of_file(source.label, "the file is empty", "Export it again.")
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    is_text = source.path.suffix.lower() not in BOOK_SUFFIXES
    foreign = (*_NOT_TABLES, *_XML, *_NOT_TEXT) if is_text else (*_NOT_TABLES, *_NOT_TEXT[2:])
    for magic, kind in foreign:
        if start.startswith(magic.lower()):
            raise _foreign(source, kind)
    if not is_text:
        _check_book(source.label, data)
    return data


def _foreign(source: Source, kind: str) -> DataRefused:
    suffix = source.path.suffix.lower()
    if kind == "a PDF" or suffix not in TEXT_SUFFIXES + BOOK_SUFFIXES:
        # A document holds a picture of a table at best; saving it under another name does not make one.
        kind = _DOCUMENTS.get(suffix, kind)
        why = f"it is {kind}" if suffix in _DOCUMENTS else f"its name and content differ: it is {kind}"
        return DataRefused.of_file(
            source.label, why, "Export the table itself from the system, as CSV or an Excel workbook."
        )
    wanted = "an Excel workbook (.xlsx)" if suffix in BOOK_SUFFIXES else "CSV"
    return DataRefused.of_file(source.label, f"its name and content differ: it is {kind}", f"Save it as {wanted}.")


def _check_book(label: str, data: bytes) -> None:
    if data.startswith(_OLE):
        if _ENCRYPTED in data:
            raise DataRefused.of_file(
                label, "the workbook is locked with a password", "Save it without a password and try again."
            )
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
    except zipfile.BadZipFile:
        raise DataRefused.of_file(
            label, "it is not a whole workbook; the file may be cut off", "Export it again."
        ) from None
    if unpacked > MOST_UNPACKED or (unpacked > 100_000_000 and unpacked > MOST_RATIO * len(data)):
        raise DataRefused.of_file(
            label, "the workbook unpacks to far more than its size", "Save it as CSV and check it."
        )


def fingerprint(data: bytes) -> str:
    """Return a digest that two files share only if their bytes are the same.

    Raises
    ------
    Nothing.
    """
    return hashlib.blake2b(data, digest_size=16).hexdigest()
