"""Results on disk: each part written whole or not at all, and an account of the run that holds no id."""

from __future__ import annotations

import json
import re
import shutil
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from missing_patterns.errors import ArgumentRefused, MissingPatternsError
from missing_patterns.scale.tables import need

MANIFEST = "manifest.json"
WORK = "_work"
_KEY = b"missing_patterns"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}

Told = dict[str, Any]


def result_path(out: Path, name: str, number: int) -> Path:
    """Return where a part of a result is: names in the order of the parts.

    Raises
    ------
    Nothing.
    """
    return out / name / f"part-{number:05}.parquet"


def write_part(frame: pd.DataFrame, path: Path, told: Mapping[str, Any]) -> None:
    """Write a part of a result under a name that no reader looks at, then give it its own in one step.

    A worker that ends in the middle leaves nothing that is read, and a part that is built twice is there once.

    Parameters
    ----------
    frame : pd.DataFrame
        The rows.
    path : Path
        Where they go.
    told : mapping
        What is known of the part, kept in the file beside the rows: what it was built from, and counts.

    Raises
    ------
    Nothing.
    """
    pa, pq = need("pyarrow", "scale", "scale"), need("pyarrow.parquet", "scale", "scale")
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    types = json.loads(table.schema.metadata[b"pandas"])
    for column in types["columns"]:
        if isinstance(frame.dtypes[column["field_name"]], pd.StringDtype):
            # Which of its kinds of text this is; pandas would take another where pyarrow is installed.
            column["numpy_type"] = "string[python]"
    types["attributes"] = {}
    table = table.replace_schema_metadata(
        {b"pandas": json.dumps(types).encode(), _KEY: json.dumps(dict(told)).encode()}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    pq.write_table(table, half, compression="zstd", compression_level=1, write_statistics=False)
    half.replace(path)


def read_told(path: Path, mark: str) -> Told | None:
    """Return what is known of a part, or None if it is absent, not whole, or was built from something else.

    Raises
    ------
    Nothing.
    """
    pa, pq = need("pyarrow", "scale", "scale"), need("pyarrow.parquet", "scale", "scale")
    try:
        told: Told = json.loads((pq.read_schema(path).metadata or {}).get(_KEY, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return None
    return told if told.get("mark") == mark else None


def check_columns(out: Path, name: str, n_parts: int) -> int:
    """Return the number of columns of a result, which all of its parts must have alike.

    Raises
    ------
    MissingPatternsError
        If they do not.
    """
    pq = need("pyarrow.parquet", "scale", "scale")
    first = pq.read_schema(result_path(out, name, 0))
    for number in range(1, n_parts):
        if not pq.read_schema(result_path(out, name, number)).equals(first):
            raise MissingPatternsError(f"part {number} of {name} has other columns or types than part 0.")
    return len(first.names)


def sweep(out: Path, name: str) -> None:
    """Remove what workers that ended left half written.

    Raises
    ------
    Nothing.
    """
    for half in (out / name).glob(".part-*"):
        half.unlink(missing_ok=True)


def prepare(out: Path, mark: str, kind: str) -> Path:
    """Make the folder of results ready, or find there what an earlier run of the same left, and return the work folder.

    Raises
    ------
    ArgumentRefused
        If the folder holds anything else.
    """
    work = out / WORK
    if out.exists() and not out.is_dir():
        raise ArgumentRefused("out_folder is a file: name a folder that is not there yet, or an empty one.")
    if out.is_dir() and any(out.iterdir()):
        known = read_json(work / "run.json") or read_json(out / MANIFEST)
        if known is None or known.get("made_by") != "missing_patterns.scale":
            raise ArgumentRefused("out_folder is not empty, and not a result of this function: name another folder.")
        if known.get("mark") != mark:
            raise ArgumentRefused(
                "out_folder holds the result of a run on other tables, or with other arguments or another version: "
                "name another folder, or delete it."
            )
    work.mkdir(parents=True, exist_ok=True)
    write_json(work / "run.json", {"made_by": "missing_patterns.scale", "kind": kind, "mark": mark})
    return work


def read_json(path: Path) -> Told | None:
    """Return what a file of JSON holds, or None if it is absent or not whole.

    Raises
    ------
    Nothing.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_json(path: Path, what: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all.

    Raises
    ------
    Nothing.
    """
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    half.write_text(json.dumps(what, indent=1) + "\n", encoding="utf-8")
    half.replace(path)


def clear(out: Path) -> None:
    """Remove the results and the divided tables of a run that is to be divided in another way.

    Raises
    ------
    Nothing.
    """
    (out / MANIFEST).unlink(missing_ok=True)
    (out / WORK / "division.json").unlink(missing_ok=True)
    for name in ("features", "intervals", "episodes", f"{WORK}/tables", f"{WORK}/asks", f"{WORK}/homes"):
        shutil.rmtree(out / name, ignore_errors=True)


def remove_work(out: Path) -> None:
    """Remove the work folder: the divided tables and the bounds of the parts, which are ids.

    Raises
    ------
    Nothing.
    """
    shutil.rmtree(out / WORK, ignore_errors=True)


def peak_bytes() -> int | None:
    """Return the most memory that this process has held at once; None where the system does not say.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> (peak_bytes() or 10**8) > 10**6
    True
    """
    try:
        # A process started by a large one is born with that one's peak in getrusage; here it is its own.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        if found:
            return int(found[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ModuleNotFoundError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read_bytes(text: str | int) -> int:
    """Return a size in bytes.

    Raises
    ------
    ArgumentRefused
        If it is not one.

    Examples
    --------
    >>> read_bytes("2GB"), read_bytes("512 MiB")
    (2000000000, 536870912)
    """
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?I?)B?\s*", str(text).upper())
    if isinstance(text, bool) or found is None or found[2] not in _UNITS or not float(found[1]):
        raise ArgumentRefused("memory_limit must be a size such as '2GB' or '512MiB'.")
    return int(float(found[1]) * _UNITS[found[2]])
