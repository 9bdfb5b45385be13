"""The group of commands, and how an error ends one."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from missing_patterns.cli.words import say
from missing_patterns.errors import EXIT_OUR_FAULT, EXIT_USAGE, MissingPatternsError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="missing-patterns", prog_name="missing_patterns")
def commands() -> None:
    """Why children go missing, and go again: return-interview records in, a monthly report out.

    Everything stays on this machine. Try it first on made-up data:

        python -m missing_patterns demo
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; known errors are shown without a traceback and end with their exit code.

    Raises
    ------
    SystemExit
        Always; 0 when the command did what was asked.

    Examples
    --------
    ``python -m missing_patterns demo``
    """
    try:
        commands.main(args=None if arguments is None else list(arguments), prog_name="python -m missing_patterns")
    except MissingPatternsError as error:
        say(f"\n{error}")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:
            our_fault(error)
        typed = list(sys.argv[1:] if arguments is None else arguments)
        say(f"\n{words_of(error, typed)}")
        sys.exit(EXIT_USAGE)
    except Exception as error:  # noqa: BLE001
        our_fault(error)


def our_fault(error: Exception) -> NoReturn:
    """End with the kind and place of an error that nobody foresaw; its text may hold a cell's value."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(Path(__file__).parent.parent)]
    place = ours[-1]
    say(f"\nThis is our fault: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}.")
    sys.exit(EXIT_OUR_FAULT)


_REASONS = {
    errno.EACCES: "no permission, or it is open in another program",
    errno.EPERM: "no permission",
    errno.EROFS: "no permission, the disk is read-only",
    errno.EEXIST: "is a file, or a part of the path is",
    errno.ENOTDIR: "is a file, or a part of the path is",
    errno.EISDIR: "is a folder",
    errno.ENOENT: "does not exist, or a folder of the path does not",
    errno.ENOSPC: "the disk is full",
    errno.ENAMETOOLONG: "the name is too long",
}


def words_of(error: OSError, typed: Sequence[str]) -> str:
    """Word a fault of the disk: the path as it was typed, else the file's name alone, and why in plain words."""
    path = Path(os.fsdecode(error.filename)).absolute()
    given = [t for t in typed if t and path.is_relative_to(Path(t).absolute())]
    place = max(given, key=len) if given else path.name
    cannot = "read" if path.is_file() and not os.access(path, os.R_OK) else "write to"
    reason = _REASONS.get(error.errno or 0, type(error).__name__)
    return f"cannot {cannot} {place}: {reason}"
