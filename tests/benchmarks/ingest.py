"""How long ingest takes, against pandas doing the least that could be called the same: run by hand.

    python tests/benchmarks/ingest.py                      # 1,000,000 rows of CSV and 100,000 of XLSX, three times each
    python tests/benchmarks/ingest.py --rows 100000 --kind csv --repeat 1

The peer reads the same file with pandas.read_csv(dtype=str) or read_excel(engine="calamine"), turns each date column
into dates with to_datetime(dayfirst=True), and the cell of triggers into flags with str.get_dummies("; "). It checks
nothing: a date that fits both orders, an id that became a number or a row that was cut are not seen. Each measurement
is a process of its own; peer and ingest take turns. Both must find the same dates and the same triggers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DATES = ["DOB", "Date & time missing", "Date & time returned"]
COLUMNS = ["Ref", "Child ID", *DATES, "Missing or away", "RHI status", "RHI date", "Triggers"]
STATUSES = ["Completed", "Offered and declined (by YP)", "Not offered (other)"]
TARGET = 1.5


def labels() -> dict[str, str]:
    """Return 34 trigger labels that hold no separator, and their codes."""
    from missing_patterns import read_codebook

    book = read_codebook()
    known = {book.label(code): code for code in book.codes}
    safe = [label for label in known if ";" not in label and book.find(label) == known[label]]
    return {label: known[label] for label in safe[:34]}


def make_rows(n: int) -> pd.DataFrame:
    """Make a tracker that nothing is wrong with: children aged 10 to 17, absences that do not overlap."""
    rng = np.random.default_rng(1)
    child = np.sort(rng.integers(0, n // 6 + 1, n))
    first = np.concatenate([[0], np.flatnonzero(np.diff(child)) + 1])
    began = np.zeros(n, dtype=np.int64)
    gap = (rng.exponential(60, n) * 1440).astype(np.int64) + 10_000
    gap[first] = 0
    since = np.cumsum(gap)
    sizes = np.diff(np.append(first, n))
    began = since - np.repeat(since[first], sizes) + np.repeat(rng.integers(0, 3 * 365, len(first)) * 1440, sizes)
    minute = rng.integers(2 * 60, 24 * 60, n)  # no clock changes after 2 in the morning
    start = np.datetime64("2019-01-01T00:00") + (began // 1440 * 1440 + minute).astype("timedelta64[m]")
    end = start + rng.integers(5, 4_000, n).astype("timedelta64[m]")
    in_change = (end - end.astype("datetime64[D]")).astype(int) // 60 == 1
    end[in_change] += np.timedelta64(60, "m")
    end[end == end.astype("datetime64[D]")] += np.timedelta64(1, "m")  # a workbook cannot tell midnight from a date
    born = start[first].astype("datetime64[D]") - rng.integers(3_700, 4_400, len(first)).astype("timedelta64[D]")
    held = end.astype("datetime64[D]") + rng.integers(1, 4, n).astype("timedelta64[D]")
    names = list(labels())
    cells = np.empty(50_000, dtype=object)
    cells[:] = ["; ".join(sorted(rng.choice(names, k, replace=False))) for k in rng.integers(1, 5, len(cells))]
    status = rng.integers(0, 3, n)
    frame = pd.DataFrame(
        {
            "Ref": "M" + pd.Series(np.arange(n)).astype(str).str.zfill(7),
            "Child ID": "C" + pd.Series(child).astype(str).str.zfill(6),
            "DOB": np.repeat(born, sizes),
            "Date & time missing": start,
            "Date & time returned": end,
            "Missing or away": np.where(rng.random(n) < 0.9, "Missing", "Away"),
            "RHI status": np.array(STATUSES, dtype=object)[status],
            "RHI date": np.where(status == 0, held, np.datetime64("NaT")),
            "Triggers": np.where(status == 0, cells[rng.integers(0, len(cells), n)], ""),
        }
    )
    late = frame["Date & time missing"] - frame["DOB"] > pd.Timedelta(days=17 * 365)
    return frame[~late].sort_values("Date & time missing", kind="stable").reset_index(drop=True)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write every date as a person in England does."""
    out = frame.copy()
    for name in COLUMNS:
        if pd.api.types.is_datetime64_dtype(out[name]):
            form = "%d/%m/%Y %H:%M" if "time" in name else "%d/%m/%Y"
            out[name] = out[name].dt.strftime(form)
    out.to_csv(path, index=False)


def write_xlsx(frame: pd.DataFrame, path: Path) -> None:
    """Write half the rows with real dates, the others with dates as text."""
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet, stamp = book.add_worksheet("Tracker"), book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        sheet.write_row(0, 0, COLUMNS)
        for i, row in enumerate(frame[COLUMNS].astype(object).itertuples(index=False), 1):
            for j, value in enumerate(row):
                if value is pd.NaT or value == "":
                    continue
                if isinstance(value, pd.Timestamp) and i % 2:
                    sheet.write_datetime(i, j, value.to_pydatetime(), stamp)
                elif isinstance(value, pd.Timestamp):
                    sheet.write_string(i, j, value.strftime("%d/%m/%Y %H:%M" if "time" in COLUMNS[j] else "%d/%m/%Y"))
                else:
                    sheet.write_string(i, j, value)


def digest(dates: list[np.ndarray], has: Callable[[str], np.ndarray]) -> str:
    """Return one number for all dates and all triggers of all rows."""
    seen = hashlib.sha256()
    for column in dates:
        seen.update(column.astype("datetime64[s]").astype(np.int64).tobytes())
    for label in sorted(labels()):
        seen.update(np.packbits(has(label).astype(bool)).tobytes())
    return seen.hexdigest()


def run_peer(path: Path) -> tuple[Callable[[], Any], Callable[[Any], str]]:
    """Return what is timed of pandas, and what it found."""

    def read() -> Any:
        is_csv = path.suffix == ".csv"
        frame = pd.read_csv(path, dtype=str) if is_csv else pd.read_excel(path, engine="calamine")
        for name in [*DATES, "RHI date"]:
            frame[name] = pd.to_datetime(frame[name], dayfirst=True, **({} if is_csv else {"format": "mixed"}))
        return frame, frame["Triggers"].str.get_dummies("; ")

    def tell(found: Any) -> str:
        frame, flags = found
        return digest([frame[c].to_numpy() for c in DATES[1:]], lambda label: flags[label].to_numpy())

    return read, tell


def run_ours(path: Path) -> tuple[Callable[[], Any], Callable[[Any], str]]:
    """Return what is timed of ingest, and what it found."""
    from missing_patterns.ingest import read_records

    def tell(found: Any) -> str:
        incidents, interviews = found.incidents, found.interviews
        assert len(incidents) == len(interviews) == found.accounting["n_accepted"].sum()
        assert not found.accounting["n_quarantined"].any()
        codes, sets = pd.factorize(pd.Series(interviews["coded_triggers"].map(lambda t: t or ()), dtype=object))
        known = labels()
        dates = [incidents[c].dt.tz_localize(None).to_numpy() for c in ("missing_from", "returned_at")]
        return digest(dates, lambda label: np.array([known[label] in s for s in sets])[codes])

    return lambda: read_records(path, profile="rhi_tracker"), tell


def measure(who: str, path: Path) -> None:
    """Time one reading in this process, and print what it took as JSON."""
    read, tell = (run_peer if who == "peer" else run_ours)(path)
    wall, cpu = time.perf_counter(), time.process_time()
    found = read()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": wall, "cpu": cpu, "peak_mb": peak, "digest": tell(found)}))


def compare(path: Path, n: int, repeat: int) -> None:
    """Let peer and ingest take turns on one file, and print a line for each."""
    runs: dict[str, list[dict[str, Any]]] = {"peer": [], "ours": []}
    for _ in range(repeat):
        for who, done in runs.items():
            out = subprocess.run(
                [sys.executable, __file__, "--measure", who, str(path)], check=True, capture_output=True, text=True
            )
            done.append(json.loads(out.stdout))
    agree = len({run["digest"] for done in runs.values() for run in done}) == 1
    middle = {
        w: {k: statistics.median(r[k] for r in d) for k in ("seconds", "cpu", "peak_mb")} for w, d in runs.items()
    }
    for who, figures in middle.items():
        ratio = {k: figures[k] / middle["peer"][k] for k in figures}
        sys.stdout.write(
            f"{path.suffix[1:]:5}{n:>10,} rows  {who:5}{figures['seconds']:8.1f} s{figures['cpu']:8.1f} s CPU"
            f"{figures['peak_mb']:8,.0f} MB   ratio {ratio['seconds']:.2f}  (CPU {ratio['cpu']:.2f}, "
            f"memory {ratio['peak_mb']:.2f})\n"
        )
    is_fast = middle["ours"]["seconds"] <= TARGET * middle["peer"]["seconds"]
    sys.stdout.write(
        f"      dates and triggers {'agree' if agree else 'DIFFER'}; {'within' if is_fast else 'BEYOND'} {TARGET}\n"
    )


def main() -> None:
    """Make the files, and compare."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--rows", type=int, default=1_000_000, help="rows of the CSV; the workbook has a tenth")
    given.add_argument("--kind", choices=["csv", "xlsx", "both"], default="both")
    given.add_argument("--repeat", type=int, default=3, help="times each; the median is shown")
    given.add_argument("--keep", type=Path, help="folder in which the files are kept and found again")
    given.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    asked = given.parse_args()
    if asked.measure:
        measure(asked.measure[0], Path(asked.measure[1]))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = asked.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        for kind, n, write in (("csv", asked.rows, write_csv), ("xlsx", asked.rows // 10, write_xlsx)):
            if asked.kind in (kind, "both"):
                path = folder / f"tracker_{n}.{kind}"
                if not path.exists():
                    write(make_rows(n), path)
                compare(path, n, asked.repeat)


if __name__ == "__main__":
    main()
