"""Whatever bytes or cells a file holds, reading it ends in records that add up or in a refusal; never in anything else.

Files are read in batches, since most of a read's time is spent once per run: the refusals of a batch name their files,
and what is left is read again.
"""

from __future__ import annotations

import datetime as dt
import io
import random
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from corpus.sheets import BASES, TOKENS, Row, Sheet
from corpus.writers import stamped, text_of, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import missing_patterns as mp
from missing_patterns.errors import DataRefused, MissingPatternsError
from missing_patterns.ingest import NOT_READ

BATCH = 25
#: No batch may take longer than this; one takes a second, so only what never ends comes near.
MOST_SECONDS = 60


def obeys(records: mp.schema.Records) -> None:
    """Hold records against the law: every row of every sheet is accounted for, and set aside at most once."""
    told, aside = records.accounting, records.quarantine
    assert (told["n_rows"] == told["n_accepted"] + told["n_quarantined"] + told["n_not_data"]).all()
    assert int(told["n_quarantined"].sum()) == len(aside)
    assert not aside[["file", "sheet", "line"]].duplicated().any()
    n_became = told.loc[told["table"] != NOT_READ].groupby("table")["n_accepted"].sum()
    for table, n in n_became.items():
        assert n <= len(getattr(records, str(table))) or table == "children"
    said = [repr(records), *records.problems["message"].unique()]
    assert not [s for s in said if any(t in s.casefold() for t in TOKENS)]


def read_batch(paths: list[Path]) -> tuple[int, int]:
    """Read files together; those refused are named, and the rest is read without them. Returns how many were which."""
    left, began, said = list(paths), time.monotonic(), [""]
    named = {"none yet"}
    while left and named:
        try:
            obeys(mp.read_records(left))
            named = set()
        except DataRefused as refusal:
            said.append(str(refusal))
            named = {p.file for p in refusal.parts if p.file} or {p.name for p in left}
        n_before = len(left)
        left = [p for p in left if p.name not in named]
        assert len(left) < n_before or not named, "a refusal names no file that was read"
    assert not [s for s in said if any(t in s.casefold() for t in TOKENS)]
    assert time.monotonic() - began < MOST_SECONDS
    return len(paths) - len(left), len(left)


# Mutated files --------------------------------------------------------------------------------------------------------
def clean(base: str, n: int) -> Sheet:
    """A clean table whose children and references are this file's own."""
    sheet = BASES[base]()
    sheet.rows = sheet.rows[:8]
    for row in sheet.rows:
        row.cells = [c.replace("ZEBRA", f"ZEBRA{n}X") for c in row.cells]
    return sheet


def _flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _double(data: bytes, rng: random.Random) -> bytes:
    a, b = sorted(rng.randrange(len(data)) for _ in range(2))
    return data[:b] + data[a:b] + data[b:]


def _drop(data: bytes, rng: random.Random) -> bytes:
    a = rng.randrange(len(data))
    return data[:a] + data[a + rng.randint(1, 60) :]


_PIECES = (
    *(b'"', b'""', b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\x00", b"\x1a", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(b"\xe9", b"\x81", b"=1+1", b"\xe2\x80\xae", b"'", b"#REF!", b"1E5", b"NULL", b"31/02/2024", b"24:00", b"\x0c"),
    *("\u2028".encode(), "\x85".encode(), b",,,,,", b"9" * 400, b"\xed\xa0\x80"),
)


def _insert(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(out))
        out[at:at] = rng.choice(_PIECES)
    return bytes(out)


def _shuffle(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _mix(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    codes = ("utf-8", "cp1252", "utf-16-le")
    return b"\n".join(
        (line + b"\xc3\xab").decode("utf-8", "ignore").encode(rng.choice(codes), "ignore") for line in lines
    )


def _swap(data: bytes, rng: random.Random) -> bytes:
    """Swap two cells of the file, so that each stands in a column where it should not."""
    lines = [line.split(b",") for line in data.split(b"\n")]
    one, two = (rng.choice(lines[1:-1] or lines) for _ in range(2))
    a, b = rng.randrange(len(one)), rng.randrange(len(two))
    one[a], two[b] = two[b], one[a]
    return b"\n".join(b",".join(line) for line in lines)


def _random(data: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, len(data)))


def _random_rows(data: bytes, rng: random.Random) -> bytes:
    """Keep the header, and random bytes below it."""
    return data.split(b"\n")[0] + b"\n" + rng.randbytes(rng.randint(1, 200))


MUTATIONS = (_flip, _cut, _double, _drop, _insert, _shuffle, _mix, _swap, _random, _random_rows)


def mutated_texts(folder: Path, seed: int) -> Iterator[Path]:
    rng = random.Random(seed)  # noqa: S311
    for n in range(BATCH):
        data = text_of(clean(rng.choice(("tracker", "missing", "ssd", "placement")), n)).encode()
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            data = rng.choice(MUTATIONS)(data, rng) or b"x"
        path = folder / f"file{n}.csv"
        path.write_bytes(data)
        yield stamped(path)


def mutated_books(folder: Path, seed: int) -> Iterator[Path]:
    """Workbooks whose bytes, or the bytes of one of their parts, are mutated."""
    rng = random.Random(seed)  # noqa: S311
    changes = (_flip, _cut, _double, _drop, _insert)
    for n in range(BATCH):
        fmt = rng.choice(("xlsx", "xlsx", "ods", "xls"))
        path = write(folder, clean("missing", n), fmt, f"file{n}")
        data = path.read_bytes()
        if fmt == "xls" or rng.random() < 0.3:
            data = rng.choice(changes)(data, rng)
        else:
            data = _with_part(data, rng, rng.choice(changes))
        path.write_bytes(data or b"x")
        yield stamped(path)


def _with_part(data: bytes, rng: random.Random, change: Callable[[bytes, random.Random], bytes]) -> bytes:
    """Mutate one part of a zip file; the zip itself stays whole."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as again:
        names = packed.namelist()
        chosen = rng.choice([name for name in names if packed.getinfo(name).file_size])
        for name in names:
            content = packed.read(name)
            again.writestr(name, change(content, rng) if name == chosen else content)
    return out.getvalue()


def seeds(n: int, n_measured: int) -> list[Any]:
    """Number the batches. Coverage is measured of the first few: it would double the time of the rest."""
    return [pytest.param(k, marks=[pytest.mark.no_cover] if k >= n_measured else []) for k in range(n)]


@pytest.mark.parametrize("seed", seeds(44, 6))
def test_mutated_texts_end_in_records_that_add_up_or_in_a_refusal(tmp_path: Path, seed: int) -> None:
    refused, was_read = read_batch(list(mutated_texts(tmp_path, seed)))
    assert refused + was_read == BATCH


@pytest.mark.parametrize("seed", seeds(12, 3))
def test_mutated_workbooks_end_in_records_that_add_up_or_in_a_refusal(tmp_path: Path, seed: int) -> None:
    refused, was_read = read_batch(list(mutated_books(tmp_path, seed)))
    assert refused + was_read == BATCH


# Hostile cells --------------------------------------------------------------------------------------------------------
HOSTILE = (
    *("", " ", "NULL", "N/A", "None", "-", "#REF!", "####", "=1+1", "@x", "'", "\u200b", "\u202e\u2066", "\ufeff", "0"),
    *("1E5", "1.23E+17", "01-Feb", "-1", "inf", "nan", "999", "1,5", "00/00/0000", "31/02/2024", "29/02/2024 24:00"),
    *("01/01/1900", "31/12/9999", "45323", "45323.5", "2958466", "60", "13/13/2024", "02/13/2024", "17/01/24 9pm"),
    *("2024-01-17T20:00:00Z", "2024-01-17 20:00+01:00", "17 Jan 2024", "31/03/2024 01:30", "27/10/2024 01:30", "2230"),
    *("Yes", "no", "✓", "Missing", "M", "Completed", "N", "Y", "Total", "Bullying; CCE, county lines", "Other: x"),
    *(
        "x" * 5_000,
        "\n\n",
        "a\rb",
        '"',
        '""',
        ",",
        "\t;|",
        "👧🏽",
        "e\u0301" * 200,
        "{{x}}",
        "٣",
        "Ⅷ",
        "½",
        "١٧/٠١/٢٠٢٤",
    ),
    *(12, -3, 0, 45323, 45323.75, 1e17, 1e308, -0.0, True, False, None),
    *(dt.datetime(2024, 1, 17, 20, 9), dt.date(2024, 1, 17)),  # noqa: DTZ001
    *(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 31)),  # noqa: DTZ001
)


@pytest.mark.parametrize("base", ["tracker", "missing", "ssd", "placement"])
@pytest.mark.parametrize("fmt", ["csv", "xlsx", "ods"])
def test_any_cell_in_any_column_is_read_or_told(tmp_path: Path, base: str, fmt: str) -> None:
    """Every hostile cell stands in every column of some row: some 400 to 1,000 rows of one file."""
    sheet = BASES[base]()
    row = list(sheet.rows[4].cells)
    made = []
    for at in range(len(sheet.header)):
        for cell in HOSTILE:
            cells = [*row[:at], cell, *row[at + 1 :]]
            made.append(Row(len(made), [_unlike(c, len(made)) for c in cells]))
    sheet.rows += made
    obeys(mp.read_records(write(tmp_path, sheet, fmt)))


def _unlike(cell: object, n: int) -> object:
    """Give each row a child and a reference of its own."""
    return cell.replace("ZEBRA", f"ZEBRA{n}X") if isinstance(cell, str) else cell


def _read_alone(path: Path) -> None:
    """Read one file: records that add up, or a refusal that names the file and none of its cells."""
    told, named = "", False
    try:
        obeys(mp.read_records(stamped(path)))
    except MissingPatternsError as refusal:
        told = str(refusal)
        named = path.name in told
    assert not told or (named and not any(t in told.casefold() for t in TOKENS))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["tracker", "missing", "ssd", "placement"]),
    st.lists(
        st.lists(st.one_of(st.sampled_from([str(c) for c in HOSTILE]), st.text(max_size=12)), max_size=14), max_size=6
    ),
)
def test_any_grid_below_a_header_is_read_or_refused(tmp_path: Path, base: str, grid: list[list[str]]) -> None:
    sheet = BASES[base]()
    sheet.rows = sheet.rows[:3] + [Row(n, cells) for n, cells in enumerate(grid)]
    path = tmp_path / "file.csv"
    path.write_bytes(text_of(sheet).encode("utf-8", errors="replace"))
    _read_alone(path)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=0, max_size=300), st.sampled_from(["csv", "txt", "xlsx", "xls", "ods"]))
def test_any_bytes_are_refused_or_read(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"file.{suffix}"
    path.write_bytes(data)
    _read_alone(path)
