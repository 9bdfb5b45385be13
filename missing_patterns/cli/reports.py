"""The commands that make reports: demo, report, init and run."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from missing_patterns.cli.app import commands
from missing_patterns.cli.findings import named, severities, unread_tables
from missing_patterns.cli.places import FILE, FOLDER, HERE, NEW_FILE, check_new, check_writable
from missing_patterns.cli.words import command_line, count, list_written, timed
from missing_patterns.errors import ArgumentRefused, TryLater

if TYPE_CHECKING:
    from missing_patterns.schema import Records

DEMO_FOLDER = "missing_patterns_demo"


@commands.command()
@click.option("--out", type=FOLDER, default=DEMO_FOLDER, show_default=True, help="Folder to write to.")
@click.option("--children", type=click.IntRange(50, 20000), default=800, show_default=True, help="Children on file.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another number makes another borough.")
def demo(out: Path, children: int, seed: int) -> None:
    """Make a borough of made-up children, read its files, and write its report.

    No real person is in it. The files in the folder's data/ are what a council's systems would export.
    """
    from missing_patterns.ingest import read_records
    from missing_patterns.report import build_month
    from missing_patterns.run import last_complete_month
    from missing_patterns.synthetic import make_borough

    check_writable(out / "data")
    say = timed()
    say(f"Making a borough of {children:,} made-up children.")
    borough = make_borough(n_children=children, months=36, seed=seed)
    data = out / "data"
    borough.write(data)
    say("Reading its files, as a council's would be read.")
    records = read_records(data)
    say(f"{records!r}.")
    month = str(records.incidents["missing_from"].max())[:7]
    say(f"Building the report for {month}.")
    written = build_month(records, month=month, made_up=True).write(out)
    say("Done.")
    click.echo(f"\nThe report on made-up data is in {out}{os.sep}")
    list_written(written)
    click.echo(f"The files it was made from are in {data}{os.sep}")
    click.echo(
        "\nFor your own files: python -m missing_patterns report --data FOLDER "
        f"--month {last_complete_month(today())} --out FOLDER"
    )


@commands.command()
@click.option("--data", type=HERE, required=True, help="Folder (or file) of extracts.")
@click.option("--month", required=True, help="Month to report on, as yyyy-mm.")
@click.option("--out", type=FOLDER, required=True, help="Folder to write to.")
@click.option("--profile", help="Profile to read every file by: a built-in name or a TOML file. Default: detected.")
@click.option("--settings", "settings_file", type=FILE, help="Your council's settings (TOML).")
@click.option(
    "--empty-month", is_flag=True, help="The extract covers the month even though it holds no record of it or later."
)
def report(
    data: Path, month: str, out: Path, profile: str | None, settings_file: Path | None, empty_month: bool
) -> None:
    """Write the report of one month from your own files: HTML, Word, Excel and CSV.

    The month must be over. Ends with 75 when the files hold no record of it or later yet.
    """
    from missing_patterns.report import build_month
    from missing_patterns.settings import read_settings

    _check_month(month)
    check_writable(out)
    say = timed()
    settings = read_settings(settings_file)
    records = read(say, data, profile, settings)
    if not empty_month:
        _check_reached(records, month)
    say(f"Building the report for {month}.")
    written = build_month(records, month=month, settings=settings).write(out)
    say("Done.")
    click.echo(f"The report is in {out}{os.sep}")
    list_written(written)
    warn_of_problems(records, command_line("check", data, *(["--profile", profile] if profile else [])))


@commands.command()
@click.argument("file", type=NEW_FILE, default="council.toml")
def init(file: Path) -> None:
    """Write a settings file with every threshold explained, for you to change (default: council.toml)."""
    from importlib import resources

    check_new(file)
    text = (resources.files("missing_patterns") / "settings.toml").read_text(encoding="utf-8")
    # The packaged file's first comment speaks of copying lines out of it; this file is the council's own.
    text = text[text.index("\n[") + 1 :]
    first = "# Your council's settings. Change what differs; unknown names are refused.\n\n"
    paths = (
        "\n[paths]\n"
        'data = "extracts"              # folder of extracts, relative to this file\n'
        'reports = "reports"            # folder that receives one folder a month\n'
        "\n[run]\n"
        "catch_up_months = 3            # complete months that a run looks back for one without a report\n"
    )
    file.write_text(first + text + paths, encoding="utf-8")
    click.echo(f"Settings are in {file}. Then: python -m missing_patterns run --config {file}")


@commands.command()
@click.option("--config", type=FILE, required=True, help="Your council's settings (TOML), with [paths].")
@click.option("--month", help="Only this month, as yyyy-mm. Default: the last complete ones that need it.")
@click.option("--force", is_flag=True, help="Build even what is up to date.")
@click.option("--dry-run", is_flag=True, help="Say what would be built; write nothing.")
def run(config: Path, month: str | None, force: bool, dry_run: bool) -> None:
    """Build the last complete month, and any before it that was missed or has new data.

    Made to be scheduled: running it again changes nothing, and two runs never write at once. Ends with 75 when the
    data are not there yet or another run is writing: try again later.
    """
    from missing_patterns.run import read_config, run_months

    settings = read_config(config)
    done = run_months(settings, today=today(), month=month, force=force, dry_run=dry_run, progress=timed())
    for line in done:
        click.echo(f"{line['month']}: {line['outcome']}")


def read(say: Callable[[str], None], paths: Any, profile: str | None, settings: Any) -> Records:
    from missing_patterns.ingest import read_records

    say("Reading the files.")
    records = read_records(paths, profile=profile, settings=settings)
    say(f"{records!r}.")
    return records


def today() -> dt.date:
    return dt.datetime.now(ZoneInfo("Europe/London")).date()


def _check_month(month: str) -> None:
    """Refuse a month that is written otherwise than yyyy-mm, or is not over: its figures would change."""
    from missing_patterns.run import last_complete_month
    from missing_patterns.schema import calendar_month

    last = last_complete_month(today())
    if calendar_month(month) > calendar_month(last):
        raise ArgumentRefused(f"{month} is not over yet. The last complete month is {last}.")


def _check_reached(records: Records, month: str) -> None:
    """Refuse a month that the extracts do not reach: a month of noughts looks like good news."""
    from missing_patterns.schema import LONDON, calendar_month

    starts = records.incidents["missing_from"]
    if not (starts >= calendar_month(month).start_time.tz_localize(LONDON)).any():
        raise TryLater(
            f"The extracts hold no record of {month} or later yet. Run again once they do, or with --empty-month if "
            "the extract covers the month even though it holds no record of it."
        )


def warn_of_problems(records: Records, command: str) -> None:
    """Say after a report what may make it wrong; notes reassure, and are left to ``check``."""
    unread, n_aside = unread_tables(records), len(records.quarantine)
    if unread:
        click.echo(f"\nWARNING: {named(unread)}. Nothing of that is in this report.")
    grave = severities(records.problems, ("error", "warning"))
    if n_aside or any(records.problems["severity"] != "note"):
        click.echo(f"\nIn the files: {grave}; {count(n_aside, 'row')} set aside. To see them: {command}")
