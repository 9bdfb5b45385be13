"""The commands that look at files: check and sniff."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from missing_patterns.cli.app import commands
from missing_patterns.cli.findings import accounting_in_words, named, print_problems, unread_tables
from missing_patterns.cli.places import FILE, HERE, check_new, check_writable
from missing_patterns.cli.reports import read
from missing_patterns.cli.words import count, timed
from missing_patterns.errors import EXIT_DATA


@commands.command()
@click.argument("files", nargs=-1, required=True, type=HERE, metavar="FILE...")
@click.option("--profile", help="Profile to read every file by: a built-in name or a TOML file. Default: detected.")
@click.option(
    "--problems", "problems_file", type=click.Path(dir_okay=False, path_type=Path), help="Also write them here (CSV)."
)
@click.option("--all", "show_all", is_flag=True, help="Print every problem, not the first 20 of a kind.")
def check(files: Sequence[Path], profile: str | None, problems_file: Path | None, show_all: bool) -> None:
    """Print what is wrong with files or folders, line by line, without the values.

    Ends with 0 when every row could be used, and with 3 when rows had to be set aside or a file of records was not
    read.
    """
    from missing_patterns.settings import read_settings

    if problems_file:
        check_writable(problems_file, is_file=True)
    records = read(timed(), list(files), profile, read_settings(None))
    print_problems(records.problems, limit=None if show_all else 20)
    click.echo("\nEvery row, accounted for:")
    click.echo(accounting_in_words(records.accounting).to_string(index=False, na_rep=""))
    if problems_file:
        from missing_patterns.report.tidy import ENCODING, safe_text

        safe = records.problems.astype(object).map(safe_text)
        safe.to_csv(problems_file, index=False, encoding=ENCODING)
        click.echo(f"\nAll {len(records.problems):,} problems are in {problems_file}")
    n_aside, unread = len(records.quarantine), unread_tables(records)
    if n_aside:
        click.echo(f"\n{count(n_aside, 'row')} set aside. Correct them in the source and export again.")
    if unread:
        click.echo(f"\n{named(unread)}. Why, and what to do, stands above under MP-NO-PROFILE.")
    if n_aside or unread:
        sys.exit(EXIT_DATA)


@commands.command()
@click.argument("file", type=FILE)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the guess here, as a profile (TOML)."
)
def sniff(file: Path, out: Path | None) -> None:
    """Guess which file this is and which column is what, and why.

    Look the guess over, correct it in the TOML file if need be, and pass that file as --profile.
    """
    from missing_patterns.ingest import sniff as guess_file

    if out:
        check_new(out)
    guess = guess_file(file)
    click.echo(guess.explain())
    if out:
        out.write_text(guess.to_toml(), encoding="utf-8")
        click.echo(f"\nThe guess is in {out}. Correct it there, and pass it as --profile {out}")
