"""The one feature that looks across children, in a pass of its own: by home, not by child.

Each part of children writes what it asks and what others may ask of it, in as many batches as there are groups of
homes. A group of homes reads its batch of every part, counts, and writes the answers in as many batches as there are
parts. So rows change hands through files that are written whole or not at all, and nothing is held in memory but one
group.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.scale.parts import part_numbers
from missing_patterns.scale.store import Told
from missing_patterns.scale.tables import need

COLUMN = "n_missing_with"


def file_of(work: Path, stage: str, number: int) -> Path:
    """Return where a part, or a group of homes, writes.

    Raises
    ------
    Nothing.
    """
    return work / stage / f"{number:05}.arrow"


def write_batches(path: Path, schema: Any, batches: Sequence[Any]) -> None:
    """Write batches that can be read one by one, whole or not at all.

    Raises
    ------
    Nothing.
    """
    pa = need("pyarrow", "scale", "scale")
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with pa.OSFile(str(half), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    os.replace(half, path)


def read_batch(path: Path, number: int) -> Any:
    """Read one batch of a file, and no other.

    Raises
    ------
    Nothing.
    """
    pa = need("pyarrow", "scale", "scale")
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as reader:
        return reader.get_batch(number)
