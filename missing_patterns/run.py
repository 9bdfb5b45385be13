"""The scheduled run: finds the months that need a report, builds each whole or not at all, and says what it did.

State lives beside the reports: one folder a month, with a ``manifest.json`` written last. A month is finished when its
manifest is there and was made from the same inputs, settings and version; anything else is built again. So a run that
was missed, stopped or given late data heals itself the next time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import platform
import shutil
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from missing_patterns.errors import SettingsRefused, TryLater, did_you_mean
from missing_patterns.schema import calendar_month, start_of
from missing_patterns.settings import Settings, read_settings

MANIFEST = "manifest.json"
_PACKAGES = ("pandas", "numpy", "scipy", "scikit-learn", "statsmodels", "matplotlib")
_KEYS = {"paths": ("data", "reports", "profile"), "run": ("catch_up_months",)}

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Where a scheduled run reads and writes, from the ``[paths]`` and ``[run]`` headings of a council's file.

    Parameters
    ----------
    data : Path
        Folder of extracts.
    reports : Path
        Folder that receives one folder a month.
    profile : str or None
        Profile to read every file by; None detects it per file.
    catch_up_months : int
        How many complete months back a run looks for one without a finished manifest.
    settings : Settings
        Everything else in the file.
    """

    data: Path
    reports: Path
    profile: str | None
    catch_up_months: int
    settings: Settings


def read_config(path: str | Path) -> RunConfig:
    """Read a council's file for a scheduled run; folders in it are relative to the file.

    Raises
    ------
    SettingsRefused
        If a heading or name is not known, ``data`` or ``reports`` is absent, or the number is not one.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "council.toml"
    >>> _ = file.write_text('[paths]\\ndata = "extracts"\\nreports = "reports"\\n')
    >>> read_config(file).catch_up_months
    3
    """
    path = Path(path)
    settings = read_settings(path)  # refuses what is unreadable or unknown elsewhere in the file
    given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    problems = []
    for heading, known in _KEYS.items():
        problems += [
            f"[{heading}] {name} is not a setting.{did_you_mean(name, known)}"
            for name in given.get(heading, {})
            if name not in known
        ]
    paths, run = given.get("paths", {}), given.get("run", {})
    problems += [f"[paths] {name} is needed: a folder." for name in ("data", "reports") if not _is_text(paths, name)]
    if "profile" in paths and not _is_text(paths, "profile"):
        problems.append("[paths] profile must be the name of a profile or the path of one.")
    months = run.get("catch_up_months", 3)
    if isinstance(months, bool) or not isinstance(months, int) or not 1 <= months <= 120:
        problems.append("[run] catch_up_months must be a whole number from 1 to 120.")
    if problems:
        raise SettingsRefused("\n".join([f"{path.name}:", *(f"- {p}" for p in problems)]))
    folder = path.resolve().parent
    return RunConfig(folder / paths["data"], folder / paths["reports"], paths.get("profile"), months, settings)


def _is_text(section: dict[str, Any], name: str) -> bool:
    return isinstance(section.get(name), str) and bool(section[name].strip())


def last_complete_month(today: dt.date) -> str:
    """Return the calendar month before the one that ``today`` lies in, as ``yyyy-mm``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import datetime
    >>> last_complete_month(datetime.date(2026, 1, 31))
    '2025-12'
    """
    return str(pd.Period(today, freq="M") - 1)


def run_months(
    config: RunConfig,
    *,
    today: dt.date,
    month: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda _line: None,
) -> list[dict[str, str]]:
    """Build every month that needs it, oldest first.

    Parameters
    ----------
    config : RunConfig
        From :func:`read_config`.
    today : datetime.date
        The day of the run; only complete months are built.
    month : str, optional
        Only this month, as ``yyyy-mm``.
    force : bool
        Build even what is finished.
    dry_run : bool
        Say what would be built; write nothing.
    progress : callable
        Receives one line a step; lines hold counts and months, never values.

    Returns
    -------
    list of dict
        One per month looked at: ``month`` and ``outcome``, one of ``up to date``, ``would build``, ``built`` and
        ``before the records begin``.

    Raises
    ------
    TryLater
        If another run holds the lock, the month is not over, or the extracts are not there or older than the month.
    DataRefused, DisclosureRefused
        As ``read_records`` and ``build_month`` raise them; months built before stand.

    Examples
    --------
    Council staff call it through ``python -m missing_patterns run --config council.toml``.
    """
    if month and calendar_month(month) > calendar_month(last_complete_month(today)):
        raise TryLater(f"{month} is not over yet. Run again once it is.")
    months = [month] if month else _months_back(last_complete_month(today), config.catch_up_months)
    if not config.data.is_dir():
        raise TryLater("The folder of extracts is not there yet. Check [paths] data, or run again once it is.")
    inputs = hash_files(config.data)
    if not inputs:
        raise TryLater("The folder of extracts holds no files yet. Run again once the extract has been saved.")
    wanted = {m: _fingerprint(inputs, config, m) for m in months}
    state = {m: force or not _is_finished(config.reports / m, wanted[m]) for m in months}
    if dry_run:
        return [{"month": m, "outcome": "would build" if needed else "up to date"} for m, needed in state.items()]
    if not any(state.values()):
        return [{"month": m, "outcome": "up to date"} for m in months]
    with locked(config.reports):
        return _build(config, state, wanted, progress)


def _build(
    config: RunConfig, state: dict[str, bool], wanted: dict[str, dict[str, Any]], progress: Progress
) -> list[dict[str, str]]:
    from missing_patterns.ingest import NOT_READ, read_records
    from missing_patterns.report import build_month

    progress("Reading the extracts.")
    records = read_records(config.data, profile=config.profile, settings=config.settings)
    progress(f"{records!r}.")
    n_not_read = int((records.accounting["table"] == NOT_READ).sum())
    if n_not_read:
        tables = "1 table was" if n_not_read == 1 else f"{n_not_read} tables were"
        progress(f"WARNING: {tables} not read, because no profile fits. See the check command.")
    outcomes = []
    newest = records.incidents["missing_from"].max()
    for month, needed in state.items():
        if not needed:
            outcomes.append({"month": month, "outcome": "up to date"})
            continue
        if records.incidents["missing_from"].min() >= start_of(calendar_month(month) + 1):
            outcomes.append({"month": month, "outcome": "before the records begin"})
            continue
        if pd.isna(newest) or newest < start_of(calendar_month(month)):
            raise TryLater(f"The extracts hold no record of {month} or later yet. Run again once they do.")
        progress(f"Building {month}.")
        report = build_month(records, month=month, settings=config.settings)
        with whole_folder(config.reports / month) as folder:
            written = report.write(folder)
            manifest = wanted[month] | {
                "n_rows": {t: len(getattr(records, t)) for t in ("incidents", "interviews", "children", "placements")},
                "n_quarantined": len(records.quarantine),
                "n_not_read": n_not_read,
                "outputs": {p.name: _sha256(p) for p in sorted(written)},
            }
            (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        outcomes.append({"month": month, "outcome": "built"})
    return outcomes


def hash_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file directly inside a folder, by name; hidden files are left out.

    Raises
    ------
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> hash_files(pathlib.Path(tempfile.mkdtemp()))
    {}
    """
    return {p.name: _sha256(p) for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith((".", "~$"))}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or refuse at once: two runs never write beside each other.

    Raises
    ------
    TryLater
        If another run holds it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with locked(pathlib.Path(tempfile.mkdtemp())):
    ...     pass
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise TryLater("Another run is writing to the folder of reports. Try again when it has ended.") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` when the block ends well, and vanishes when it does not.

    An older ``target`` is replaced; files of other names in it are lost, so it should hold one report and nothing else.

    Raises
    ------
    OSError
        If the folder cannot be made or replaced, for instance because a file in it is open in Excel on Windows.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "2026-10"
    >>> with whole_folder(target) as folder:
    ...     _ = (folder / "report.html").write_text("done")
    >>> [p.name for p in target.iterdir()]
    ['report.html']
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.parent / f".tmp-{target.name}-{os.getpid()}"
    old = target.parent / f".old-{target.name}-{os.getpid()}"
    for left_by_a_stopped_run in target.parent.glob(f".tmp-{target.name}-*"):
        shutil.rmtree(left_by_a_stopped_run)
    building.mkdir()
    try:
        yield building
        if target.exists():
            target.replace(old)
        building.replace(target)
    finally:
        if old.exists() and not target.exists():
            old.replace(target)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(building, ignore_errors=True)


def _months_back(last: str, n: int) -> list[str]:
    return [str(pd.Period(last, freq="M") - k) for k in reversed(range(n))]


def _fingerprint(inputs: dict[str, str], config: RunConfig, month: str) -> dict[str, Any]:
    """What a finished month must have been made from."""
    settings = repr(config.settings) + repr(config.profile)
    return {
        "month": str(calendar_month(month)),
        # Hashes only: the folder is sent on, and names of files may hold names of people.
        "inputs": sorted(inputs.values()),
        "settings": hashlib.sha256(settings.encode()).hexdigest(),
        "missing_patterns": version("missing-patterns"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _is_finished(folder: Path, wanted: dict[str, Any]) -> bool:
    """A manifest that was made from the same things, beside outputs that nobody has touched."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        same = all(manifest.get(name) == value for name, value in wanted.items())
        return same and all(_sha256(folder / name) == found for name, found in manifest["outputs"].items())
    except (OSError, ValueError, KeyError, AttributeError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
