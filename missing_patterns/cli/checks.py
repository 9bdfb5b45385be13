"""The commands that look at files: check, sniff and reconcile."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from missing_patterns.cli.app import commands
from missing_patterns.cli.findings import accounting_in_words, named, print_problems, print_summary, unread_tables
from missing_patterns.cli.places import FILE, NEW_FILE, check_new, check_writable, source
from missing_patterns.cli.words import count, plural, say, still_there, timed
from missing_patterns.errors import EXIT_DATA

if TYPE_CHECKING:
    from missing_patterns.ingest.reader import Outcome
    from missing_patterns.settings import Settings

_PROFILE_HELP = "Profile to read every file by: a built-in name or a TOML file. Default: detected."


@commands.command()
@click.argument("files", nargs=-1, required=True, type=source, metavar="FILE...")
@click.option("--profile", help=_PROFILE_HELP)
@click.option("--settings", "settings_file", type=FILE, help="Your council's settings (TOML).")
@click.option(
    "--fix-list",
    type=NEW_FILE,
    help="Write what to correct to a workbook (.xlsx) with the cells as read; the next run compares itself with it.",
)
@click.option("--problems", "problems_file", type=NEW_FILE, help="Write every problem here, without values (CSV).")
@click.option("--all", "show_all", is_flag=True, help="Print every problem and note, not the first 20 of a kind.")
@click.option("--strict", is_flag=True, help="End with 3 when rows were set aside, too.")
def check(
    files: Sequence[str],
    profile: str | None,
    settings_file: Path | None,
    fix_list: Path | None,
    problems_file: Path | None,
    *,
    show_all: bool,
    strict: bool,
) -> None:
    """Print what is wrong with files or folders: counts first, then line by line, without the values.

    Ends with 3 when a file is refused or a file of records was not read, else with 0: rows that had to be set aside
    are told, and are for --strict.
    """
    from missing_patterns.settings import read_settings

    if problems_file:
        check_writable(problems_file, is_file=True)
    if fix_list:
        from missing_patterns.ingest.fixlist import check_place

        check_writable(fix_list, is_file=True)
        check_place(list(files), fix_list)
    outcome = _read(files, profile, read_settings(settings_file))
    records = outcome.records
    print_summary(records, outcome.refused)
    if records is not None:
        click.echo("")
        print_problems(records.problems, limit=None if show_all else 20)
        click.echo("\nEvery row, accounted for:")
        click.echo(accounting_in_words(records.accounting).to_string(index=False, na_rep=""))
        if problems_file:
            _write_table(records.problems, problems_file)
            click.echo(f"\nAll {len(records.problems):,} problems are in {problems_file}")
    if fix_list:
        from missing_patterns.ingest.fixlist import save_fix_list

        say("Writing the fix list.")
        made = save_fix_list(outcome, fix_list)
        click.echo(f"\nThe fix list (no. {made.number}) is in {fix_list}\n{made.explain()}")
    _end(outcome, strict=strict)


def _read(files: Sequence[str], profile: str | None, settings: Settings) -> Outcome:
    from missing_patterns.ingest.reader import read_files

    progress = timed()
    progress("Reading the files.")
    with still_there(progress):
        outcome = read_files(list(files), profile=profile, settings=settings)
    progress(f"{outcome!r}.")
    return outcome


def _end(outcome: Outcome, *, strict: bool) -> None:
    """Say last what matters most, and end with 3 if a table is not in the figures."""
    refused = [part.file or "the files" for error in outcome.refused for part in error.parts]
    unread = unread_tables(outcome.records)
    n_aside = 0 if outcome.records is None else len(outcome.records.quarantine)
    if n_aside:
        click.echo(f"\n{count(n_aside, 'row')} set aside. Correct them in the source and export again.")
    if unread:
        click.echo(f"\n{named(unread)}. Why, and what to do, stands above under MP-NO-PROFILE.")
    if refused:
        listed = ", ".join(refused[:5]) + (f" and {len(refused) - 5:,} more" if refused[5:] else "")
        say(f"\n{count(len(refused), 'file')} refused: {listed}. Why, and what to do, stands under Files.")
    if refused or unread or (strict and n_aside):
        sys.exit(EXIT_DATA)


def _write_table(table: Any, path: Path) -> None:
    from missing_patterns.report.tidy import ENCODING, safe_text

    table.astype(object).map(safe_text).to_csv(path, index=False, encoding=ENCODING)


@commands.command()
@click.argument("file", type=source, metavar="FILE")
@click.option("--out", type=NEW_FILE, help="Write the guess here, as a profile (TOML).")
def sniff(file: str, out: Path | None) -> None:
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


@commands.command()
@click.argument("files", nargs=-1, required=True, type=source, metavar="FILE...")
@click.option("--until", required=True, help="Last day of the 12 months that are compared, as yyyy-mm-dd.")
@click.option("--profile", help=_PROFILE_HELP)
@click.option("--settings", "settings_file", type=FILE, help="Your council's settings (TOML).")
@click.option("--out", type=NEW_FILE, help="Write the differences by reason here (CSV); counts, no children.")
@click.option("--children", type=NEW_FILE, help="Write the differences child by child here (CSV); it names children.")
def reconcile(
    files: Sequence[str],
    until: str,
    profile: str | None,
    settings_file: Path | None,
    out: Path | None,
    children: Path | None,
) -> None:
    """Compare what Annex A, the SSDA903 return, the police and other systems count of the same absences, and say why.

    Give the files of all systems at once.
    """
    from missing_patterns.reconciliation import reconcile as compare
    from missing_patterns.schema import moment
    from missing_patterns.settings import read_settings

    moment(until)  # refused before the files are read
    for path in filter(None, (out, children)):
        check_writable(path, is_file=True)
    settings = read_settings(settings_file)
    outcome = _read(files, profile, settings)
    if outcome.records is not None:
        found = compare(outcome.records, observed_until=until, collection_year=settings.collection_year or None)
        click.echo(found.summary().to_string(index=False, na_rep="-"))
        click.echo(f"\n{found.explain()}")
        if out:
            _write_table(found.explained(), out)
            click.echo(f"\nThe differences by reason are in {out}")
        if children:
            differences = found.differences()
            _write_table(differences, children)
            where = f"{children}. It names children: keep it inside the council."
            click.echo(f"\n{plural(len(differences), 'difference')} child by child in {where}")
    for error in outcome.refused:
        say(f"\n{error}")
    if outcome.refused or unread_tables(outcome.records):
        if unread := unread_tables(outcome.records):
            click.echo(f"\n{named(unread)}, and is not compared. See the check command.")
        sys.exit(EXIT_DATA)
