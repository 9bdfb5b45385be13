"""The command line: ``python -m missing_patterns ...``.

Results go to stdout, progress and errors to stderr. Only what a command needs is loaded, so that ``--help`` is quick.
Exit codes: 0 done; 1 our fault; 2 usage; 3 data refused; 4 disclosure refused; 5 settings refused; 75 try later.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from zoneinfo import ZoneInfo

import click

from missing_patterns.errors import (
    EXIT_DATA,
    EXIT_OUR_FAULT,
    EXIT_USAGE,
    ArgumentRefused,
    MissingPatternsError,
    TryLater,
)

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
    from missing_patterns.run import last_complete_month
    from missing_patterns.synthetic import make_borough

    _check_writable(out / "data")
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
    click.echo(f"\nThe report on made-up data is in {out}{os.sep}")
    _list_written(written)
    click.echo(f"The files it was made from are in {data}{os.sep}")
    click.echo(
        "\nFor your own files: python -m missing_patterns report --data FOLDER "
        f"--month {last_complete_month(_today())} --out FOLDER"
    )


@commands.command()
@click.option("--data", type=_HERE, required=True, help="Folder (or file) of extracts.")
@click.option("--month", required=True, help="Month to report on, as yyyy-mm.")
@click.option("--out", type=_FOLDER, required=True, help="Folder to write to.")
@click.option("--profile", help="Profile to read every file by: a built-in name or a TOML file. Default: detected.")
@click.option("--settings", "settings_file", type=_FILE, help="Your council's settings (TOML).")
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
    _check_writable(out)
    say = _timed()
    settings = read_settings(settings_file)
    records = _read(say, data, profile, settings)
    if not empty_month:
        _check_reached(records, month)
    say(f"Building the report for {month}.")
    written = build_month(records, month=month, settings=settings).write(out)
    say("Done.")
    click.echo(f"The report is in {out}{os.sep}")
    _list_written(written)
    _warn_of_problems(records, _command("check", data, *(["--profile", profile] if profile else [])))


@commands.command()
@click.argument("files", nargs=-1, required=True, type=_HERE, metavar="FILE...")
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
        _check_writable(problems_file, is_file=True)
    records = _read(_timed(), list(files), profile, read_settings(None))
    _print_problems(records.problems, limit=None if show_all else 20)
    click.echo("\nEvery row, accounted for:")
    click.echo(_in_words(records.accounting).to_string(index=False, na_rep=""))
    if problems_file:
        from missing_patterns.report.tidy import ENCODING, safe_text

        safe = records.problems.astype(object).map(safe_text)
        safe.to_csv(problems_file, index=False, encoding=ENCODING)
        click.echo(f"\nAll {len(records.problems):,} problems are in {problems_file}")
    n_aside, unread = len(records.quarantine), _unread(records)
    if n_aside:
        click.echo(f"\n{_count(n_aside, 'row')} set aside. Correct them in the source and export again.")
    if unread:
        click.echo(f"\n{_named(unread)}. Why, and what to do, stands above under MP-NO-PROFILE.")
    if n_aside or unread:
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

    if out:
        _check_new(out)
    guess = guess_file(file)
    click.echo(guess.explain())
    if out:
        out.write_text(guess.to_toml(), encoding="utf-8")
        click.echo(f"\nThe guess is in {out}. Correct it there, and pass it as --profile {out}")


@commands.command()
@click.argument("file", type=_NEW_FILE, default="council.toml")
def init(file: Path) -> None:
    """Write a settings file with every threshold explained, for you to change (default: council.toml)."""
    from importlib import resources

    _check_new(file)
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

    settings = read_config(config)
    done = run_months(settings, today=_today(), month=month, force=force, dry_run=dry_run, progress=_timed())
    for line in done:
        click.echo(f"{line['month']}: {line['outcome']}")


def _read(say: Callable[[str], None], paths: Any, profile: str | None, settings: Any) -> Records:
    from missing_patterns.ingest import read_records

    say("Reading the files.")
    records = read_records(paths, profile=profile, settings=settings)
    say(f"{records!r}.")
    return records


def _today() -> dt.date:
    return dt.datetime.now(ZoneInfo("Europe/London")).date()


def _check_month(month: str) -> None:
    """Refuse a month that is written otherwise than yyyy-mm, or is not over: its figures would change."""
    from missing_patterns.run import last_complete_month
    from missing_patterns.schema import calendar_month

    last = last_complete_month(_today())
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


def _check_new(file: Path) -> None:
    if file.exists():
        raise ArgumentRefused(f"{file} is there already. Name another file, or move it away first.")
    _check_writable(file, is_file=True)


def _check_writable(path: Path, *, is_file: bool = False) -> None:
    """Fail before the long work rather than after it, where the place to write to can be seen to be no good."""
    above = path if path.exists() else next(p for p in path.absolute().parents if p.exists())
    if above is not path and not above.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "", str(path))
    if is_file and not path.absolute().parent.exists():
        raise FileNotFoundError(errno.ENOENT, "", str(path))
    if not os.access(above, os.W_OK):
        raise PermissionError(errno.EACCES, "", str(path))


def _command(name: str, *arguments: object) -> str:
    words = [f'"{a}"' if " " in str(a) else str(a) for a in arguments]
    return " ".join(["python -m missing_patterns", name, *words])


def _plural(n: int, one: str) -> str:
    return f"{n:,} {one}{'' if n == 1 else 's'}"


def _count(n: int, one: str) -> str:
    return f"{_plural(n, one)} {'was' if n == 1 else 'were'}"


def _list_written(written: Sequence[Path]) -> None:
    uses = {".html": "to read", ".docx": "to edit and send", ".xlsx": "the tables", ".csv": "for Power BI and the like"}
    for path in written:
        click.echo(f"  {path.name:<40} {uses.get(path.suffix, '')}".rstrip())


def _unread(records: Records) -> list[str]:
    """Name the files, and sheets of books, that hold a table which no profile fits."""
    from missing_patterns.ingest import NOT_READ

    told = records.accounting[records.accounting["table"] == NOT_READ]
    sheets = told["sheet"].fillna("")
    return [f"{f} [{s}]" if s else str(f) for f, s in zip(told["file"], sheets, strict=True)]


def _named(unread: Sequence[str]) -> str:
    more = f" and {len(unread) - 5:,} more" if len(unread) > 5 else ""
    kind = "sheet" if all(name.endswith("]") for name in unread) else "file"
    return f"{_count(len(unread), kind)} not read: {', '.join(unread[:5])}{more}"


def _warn_of_problems(records: Records, command: str) -> None:
    """Say after a report what may make it wrong; notes reassure, and are left to ``check``."""
    unread, n_aside = _unread(records), len(records.quarantine)
    if unread:
        click.echo(f"\nWARNING: {_named(unread)}. Nothing of that is in this report.")
    grave = _severities(records.problems, ("error", "warning"))
    if n_aside or any(records.problems["severity"] != "note"):
        click.echo(f"\nIn the files: {grave}; {_count(n_aside, 'row')} set aside. To see them: {command}")


def _severities(problems: Any, kinds: Sequence[str]) -> str:
    return ", ".join(_plural(int((problems["severity"] == kind).sum()), kind) for kind in kinds)


def _in_words(accounting: Any) -> Any:
    """The accounting with headings for people; sheets only where there are any."""
    names = {
        "table": "became",
        "n_rows": "rows read",
        "n_accepted": "used",
        "n_quarantined": "set aside",
        "n_not_data": "not data",
    }
    told = accounting.rename(columns=names)
    return told if (accounting["sheet"].fillna("") != "").any() else told.drop(columns="sheet")


def _print_problems(problems: Any, limit: int | None) -> None:
    if not len(problems):
        click.echo("No problems were found.")
        return
    click.echo(f"{_severities(problems, ('error', 'warning', 'note'))}:")
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
    except OSError as error:
        if error.filename is None:
            _our_fault(error)
        typed = list(sys.argv[1:] if arguments is None else arguments)
        _say(f"\n{_words_of(error, typed)}")
        sys.exit(EXIT_USAGE)
    except Exception as error:  # noqa: BLE001
        _our_fault(error)


def _our_fault(error: Exception) -> NoReturn:
    """End with the kind and place of an error that nobody foresaw; its text may hold a cell's value."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(Path(__file__).parent)]
    place = ours[-1]
    _say(f"\nThis is our fault: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}.")
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


def _words_of(error: OSError, typed: Sequence[str]) -> str:
    """Word a fault of the disk: the path as it was typed, else the file's name alone, and why in plain words."""
    path = Path(os.fsdecode(error.filename)).absolute()
    given = [t for t in typed if t and path.is_relative_to(Path(t).absolute())]
    place = max(given, key=len) if given else path.name
    cannot = "read" if path.is_file() and not os.access(path, os.R_OK) else "write to"
    reason = _REASONS.get(error.errno or 0, type(error).__name__)
    return f"cannot {cannot} {place}: {reason}"
