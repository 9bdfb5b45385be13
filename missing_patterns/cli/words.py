"""Words of the command line: progress on stderr, counts, and lists of what was written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click


def say(line: str) -> None:
    click.echo(line, err=True)


def timed() -> Callable[[str], None]:
    """A progress line with the seconds since the command began."""
    began = time.monotonic()
    return lambda line: say(f"{time.monotonic() - began:5.1f} s  {line}")


@contextmanager
def still_there(progress: Callable[[str], None], every: float = 20.0) -> Iterator[None]:
    """Say every so often that a long step is still going on."""
    done = threading.Event()

    def tell() -> None:
        while not done.wait(every):
            progress("Still reading.")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def command_line(name: str, *arguments: object) -> str:
    words = [f'"{a}"' if " " in str(a) else str(a) for a in arguments]
    return " ".join(["python -m missing_patterns", name, *words])


def plural(n: int, one: str) -> str:
    return f"{n:,} {one}{'' if n == 1 else 's'}"


def count(n: int, one: str) -> str:
    return f"{plural(n, one)} {'was' if n == 1 else 'were'}"


def list_written(written: Sequence[Path]) -> None:
    uses = {".html": "to read", ".docx": "to edit and send", ".xlsx": "the tables", ".csv": "for Power BI and the like"}
    for path in written:
        click.echo(f"  {path.name:<40} {uses.get(path.suffix, '')}".rstrip())
