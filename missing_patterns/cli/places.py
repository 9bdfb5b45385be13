"""Places that a person names on the command line: kinds of path, and whether they can be written to."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import click

from missing_patterns.errors import ArgumentRefused

FOLDER = click.Path(file_okay=False, path_type=Path)
HERE = click.Path(exists=True, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
#: A longer argument may be the text of a file, so it is not shown.
LONGEST_SHOWN = 255
NEW_FILE = click.Path(dir_okay=False, path_type=Path)


def source(value: str) -> str:
    """A file or folder that is there, or the address of a database, which is never echoed: it may hold a password."""
    if "\n" in value or "\r" in value or len(value) > LONGEST_SHOWN:
        return value  # reading refuses it if need be, without a word of it
    return value if "://" in value else str(HERE.convert(value, None, None))


def check_new(file: Path) -> None:
    if file.exists():
        raise ArgumentRefused(f"{file} is there already. Name another file, or move it away first.")
    check_writable(file, is_file=True)


def check_writable(path: Path, *, is_file: bool = False) -> None:
    """Fail before the long work rather than after it, where the place to write to can be seen to be no good."""
    above = path if path.exists() else next(p for p in path.absolute().parents if p.exists())
    if above is not path and not above.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "", str(path))
    if is_file and not path.absolute().parent.exists():
        raise FileNotFoundError(errno.ENOENT, "", str(path))
    if not os.access(above, os.W_OK):
        raise PermissionError(errno.EACCES, "", str(path))
