"""The command line: ``python -m missing_patterns ...``.

Results go to stdout, progress and errors to stderr. Only what a command needs is loaded, so that ``--help`` is quick.
Exit codes: 0 done; 1 our fault; 2 usage; 3 data refused; 4 disclosure refused; 5 settings refused; 75 try later.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from missing_patterns.errors import EXIT_DATA, EXIT_OUR_FAULT, ArgumentRefused, MissingPatternsError

if TYPE_CHECKING:
    from missing_patterns.schema import Records

DEMO_FOLDER = "missing_patterns_demo"
_FOLDER = click.Path(file_okay=False, path_type=Path)
_HERE = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _timed() -> Callable[[str], None]:
    """A progress line with the seconds since the command began."""
    began = time.monotonic()
    return lambda line: _say(f"{time.monotonic() - began:5.1f} s  {line}")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="missing-patterns", prog_name="missing_patterns")
def commands() -> None:
    """Why children go missing, and go again: return-interview records in, a monthly report out.

    Everything stays on this machine. Try it first on made-up data:

        python -m missing_patterns demo
    """


@commands.command()
@click.option("--out", type=_FOLDER, default=DEMO_FOLDER, show_default=True, help="Folder to write to.")
@click.option("--children", type=click.IntRange(50, 20000), default=800, show_default=True, help="Children on file.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another number makes another borough.")
def demo(out: Path, children: int, seed: int) -> None:
    """Make a borough of made-up children, read its files, and write its report.

    No real person is in it. The files in the folder's data/ are what a council's systems would export.
    """
    from missing_patterns.ingest import read_records
    from missing_patterns.report import build_month
    from missing_patterns.synthetic import make_borough

    say = _timed()
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
    click.echo(f"\nThe report on made-up data is in {out}{_sep()}")
    _list_written(written)
    click.echo(f"The files it was made from are in {data}{_sep()}")
    click.echo(f"\nFor your own files: python -m missing_patterns report --data FOLDER --month {month} --out FOLDER")


@commands.command()
@click.option("--data", type=_HERE, required=True, help="Folder (or file) of extracts.")
@click.option("--month", required=True, help="Month to report on, as yyyy-mm.")
@click.option("--out", type=_FOLDER, required=True, help="Folder to write to.")
@click.option("--profile", help="Profile to read every file by: a built-in name or a TOML file. Default: detected.")
@click.option("--settings", "settings_file", type=_FILE, help="Your council's settings (TOML).")
def report(data: Path, month: str, out: Path, profile: str | None, settings_file: Path | None) -> None:
    """Write the report of one month from your own files: HTML, Word, Excel and CSV."""
    from missing_patterns.report import build_month
    from missing_patterns.settings import read_settings

    say = _timed()
    settings = read_settings(settings_file)
    records = _read(say, data, profile, settings)
    say(f"Building the report for {month}.")
    written = build_month(records, month=month, settings=settings).write(out)
    say("Done.")
    click.echo(f"The report is in {out}{_sep()}")
    _list_written(written)
    _warn_of_problems(records, f"python -m missing_patterns check {data}")


@commands.command()
@click.argument("files", nargs=-1, required=True, type=_HERE, metavar="FILE...")
@click.option("--profile", help="Profile to read every file by: a built-in name or a TOML file. Default: detected.")
@click.option(
    "--problems", "problems_file", type=click.Path(dir_okay=False, path_type=Path), help="Also write them here (CSV)."
)
@click.option("--all", "show_all", is_flag=True, help="Print every problem, not the first 20 of a kind.")
def check(files: Sequence[Path], profile: str | None, problems_file: Path | None, show_all: bool) -> None:
    """Print what is wrong with files or folders, line by line, without the values.

    Ends with 0 when every row could be used, and with 3 when rows had to be set aside.
    """
    from missing_patterns.settings import read_settings

    records = _read(_timed(), list(files), profile, read_settings(None))
    _print_problems(records.problems, limit=None if show_all else 20)
    click.echo("\nEvery row, accounted for:")
    click.echo(records.accounting.to_string(index=False, na_rep=""))
    if problems_file:
        records.problems.to_csv(problems_file, index=False)
        click.echo(f"\nAll {len(records.problems):,} problems are in {problems_file}")
    if len(records.quarantine):
        click.echo(f"\n{len(records.quarantine):,} rows were set aside. Correct them in the source and export again.")
        sys.exit(EXIT_DATA)


@commands.command()
@click.argument("file", type=_FILE)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the guess here, as a profile (TOML)."
)
def sniff(file: Path, out: Path | None) -> None:
    """Guess which file this is and which column is what, and why.

    Look the guess over, correct it in the TOML file if need be, and pass that file as --profile.
    """
    from missing_patterns.ingest import sniff as guess_file

    guess = guess_file(file)
    click.echo(guess.summary().to_string(index=False, na_rep=""))
    if out:
        out.write_text(guess.to_toml(), encoding="utf-8")
        click.echo(f"\nThe guess is in {out}. Correct it there, and pass it as --profile {out}")


@commands.command()
@click.argument("file", type=_NEW_FILE, default="council.toml")
def init(file: Path) -> None:
    """Write a settings file with every threshold explained, for you to change (default: council.toml)."""
    from importlib import resources

    if file.exists():
        raise ArgumentRefused(f"{file} is there already. Name another file, or move it away first.")
    text = (resources.files("missing_patterns") / "settings.toml").read_text(encoding="utf-8")
    paths = (
        "\n[paths]\n"
        'data = "extracts"              # folder of extracts, relative to this file\n'
        'reports = "reports"            # folder that receives one folder a month\n'
        "\n[run]\n"
        "catch_up_months = 3            # complete months that a run looks back for one without a report\n"
    )
    file.write_text(text + paths, encoding="utf-8")
    click.echo(f"Settings are in {file}. Then: python -m missing_patterns run --config {file}")


@commands.command()
@click.option("--config", type=_FILE, required=True, help="Your council's settings (TOML), with [paths].")
@click.option("--month", help="Only this month, as yyyy-mm. Default: the last complete ones that need it.")
@click.option("--force", is_flag=True, help="Build even what is up to date.")
@click.option("--dry-run", is_flag=True, help="Say what would be built; write nothing.")
def run(config: Path, month: str | None, force: bool, dry_run: bool) -> None:
    """Build the last complete month, and any before it that was missed or has new data.

    Made to be scheduled: running it again changes nothing, and two runs never write at once. Ends with 75 when the
    data are not there yet or another run is writing: try again later.
    """
    from missing_patterns.run import read_config, run_months

    today = dt.datetime.now(ZoneInfo("Europe/London")).date()
    settings = read_config(config)
    done = run_months(settings, today=today, month=month, force=force, dry_run=dry_run, progress=_timed())
    for line in done:
        click.echo(f"{line['month']}: {line['outcome']}")


def _read(say: Callable[[str], None], paths: Any, profile: str | None, settings: Any) -> Records:
    from missing_patterns.ingest import read_records

    say("Reading the files.")
    records = read_records(paths, profile=profile, settings=settings)
    say(f"{records!r}.")
    return records


def _sep() -> str:
    import os

    return os.sep


def _list_written(written: Sequence[Path]) -> None:
    uses = {".html": "to read", ".docx": "to edit and send", ".xlsx": "the tables", ".csv": "for Power BI and the like"}
    for path in written:
        click.echo(f"  {path.name:<40} {uses.get(path.suffix, '')}".rstrip())


def _warn_of_problems(records: Records, command: str) -> None:
    if len(records.problems):
        click.echo(
            f"{len(records.problems):,} problems were found in the files, {len(records.quarantine):,} rows were set "
            f"aside. To see them: {command}"
        )


def _print_problems(problems: Any, limit: int | None) -> None:
    if not len(problems):
        click.echo("No problems were found.")
        return
    click.echo(f"{len(problems):,} problems, the gravest kind first:")
    order = {"error": 0, "warning": 1, "note": 2}
    kinds = sorted(
        problems.groupby(["severity", "rule"], dropna=False), key=lambda kind: (order[kind[0][0]], -len(kind[1]))
    )
    for (severity, rule), found in kinds:
        click.echo(f"\n{severity.upper()}  {rule}  ({len(found):,})")
        shown = found if limit is None else found.head(limit)
        for row in shown.astype(object).where(shown.notna(), "").itertuples():
            sheet = f" [{row.sheet}]" if row.sheet else ""
            place = f" {row.cell}" if row.cell else (f", line {row.line}" if row.line != "" else "")
            column = f" '{row.column}'" if row.column else ""
            click.echo(f"  {row.file}{sheet}{place}{column}: {row.message} ({row.outcome})")
        if len(found) > len(shown):
            click.echo(f"  ... and {len(found) - len(shown):,} more of this kind (--all prints them).")


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
        _say(f"\n{error}")
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001
        # The text of an unforeseen error may hold a cell's value, so only its kind and place are shown.
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if Path(f.filename).is_relative_to(Path(__file__).parent)]
        place = ours[-1]
        _say(f"\nThis is our fault: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}.")
        sys.exit(EXIT_OUR_FAULT)
