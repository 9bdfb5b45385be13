"""The one feature that looks across children, in a pass of its own: by home, not by child.

Each part of children writes what it asks and what others may ask of it, in as many batches as there are groups of
homes. A group of homes reads its batch of every part, counts, and writes the answers in as many batches as there are
parts. So rows change hands through files that are written whole or not at all, and nothing is held in memory but one
group.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.episodes.arrays import ABSENT, BEYOND
from missing_patterns.features.asked import ask_all
from missing_patterns.features.together import missing_together
from missing_patterns.scale.parts import part_numbers
from missing_patterns.scale.store import Told
from missing_patterns.scale.tables import need
from missing_patterns.schema import EPISODES, conform

COLUMN = "n_missing_with"
#: What the pass reads of an episode.
NEEDED = ("episode_id", "child_id", "episode_no", "missing_from", "returned_at", "precision", "home_id")


def file_of(work: Path, stage: str, number: int) -> Path:
    """Return where a part, or a group of homes, writes.

    Raises
    ------
    Nothing.
    """
    return work / stage / f"{number:05}.arrow"


def write_asks(work: Path, number: int, n_groups: int, episodes: pd.DataFrame, index: Any, interviews: Any) -> Told:
    """Write, for each group of homes, what a part asks, and its episodes that others may ask about.

    Raises
    ------
    TableRefused
        If a table is not usable.
    """
    pa = need("pyarrow", "scale", "scale")
    table = conform(episodes, EPISODES, [*NEEDED, *(["incident_ids"] if interviews is not None else [])])
    history, asked, _ = ask_all(table, index, interviews, needs_talks=False)
    child, home = _objects(history.column("child_id")), _objects(history.column("home_id"))
    has_home = history.column("home_id").notna().to_numpy()
    begins_next = np.full(len(child), BEYOND)
    begins_next[:-1] = np.where(history.child[1:] == history.child[:-1], history.start[1:], BEYOND)
    others = {
        "child_id": child,
        "home_id": home,
        "start": history.start,
        "end_eff": np.where(history.end == ABSENT, begins_next, history.end),
    }
    at = np.flatnonzero(asked.episode >= 0)
    own = history.place()[asked.episode[at]]
    at, own = at[has_home[own]], own[has_home[own]]
    is_back = (history.end[own] != ABSENT) & (history.end[own] <= asked.time[at])
    asks = {
        "row": at,
        "child_id": child[own],
        "home_id": home[own],
        "began": history.start[own],
        "until": np.where(is_back, history.end[own], asked.time[at]),
    }
    for stage, columns, kept in (("others", others, has_home), ("asks", asks, slice(None))):
        frame = pd.DataFrame({name: values[kept] for name, values in columns.items()})
        write_batches(
            file_of(work, stage, number),
            _schema(pa, frame),
            _split(pa, frame, part_numbers(frame["home_id"], n_groups), n_groups),
        )
    return {"rows": len(at)}


def count_homes(work: Path, number: int, n_parts: int) -> Told:
    """Count for all episodes of a group of homes, from whatever part they come, and write the answers by part.

    Raises
    ------
    Nothing.
    """
    pa = need("pyarrow", "scale", "scale")
    asks, others = (
        [read_batch(file_of(work, stage, part), number).to_pandas() for part in range(n_parts)]
        for stage in ("asks", "others")
    )
    asked = pd.concat([frame.assign(part=part) for part, frame in enumerate(asks)], ignore_index=True)
    counts = missing_together(asked.drop(columns=["row", "part"]), pd.concat(others, ignore_index=True))
    answers = pd.DataFrame({"row": asked["row"].to_numpy(), COLUMN: np.asarray(counts, dtype=np.float64)})
    batches = _split(pa, answers, asked["part"].to_numpy(), n_parts)
    write_batches(file_of(work, "homes", number), _schema(pa, answers), batches)
    return {"rows": len(answers)}


def read_counts(work: Path, number: int, n_groups: int, n_rows: int) -> npt.NDArray[np.float64]:
    """Return the counts of a part's rows; those whose home is not recorded have none.

    Raises
    ------
    Nothing.
    """
    counts = np.full(n_rows, np.nan)
    for group in range(n_groups):
        batch = read_batch(file_of(work, "homes", group), number)
        counts[batch.column("row").to_numpy()] = batch.column(COLUMN).to_numpy()
    return counts


_TYPES: dict[str, Any] = {
    **dict.fromkeys(("child_id", "home_id"), object),
    **dict.fromkeys(("row", "began", "until", "start", "end_eff"), np.int64),
    COLUMN: np.float64,
}


def _objects(column: pd.Series) -> npt.NDArray[np.object_]:
    return np.asarray(column.array, dtype=object)


def _schema(pa: Any, frame: pd.DataFrame) -> Any:
    kinds = {object: pa.string(), np.int64: pa.int64(), np.float64: pa.float64()}
    return pa.schema([pa.field(str(name), kinds[_TYPES[str(name)]]) for name in frame.columns])


def _split(pa: Any, frame: pd.DataFrame, group: npt.NDArray[np.int64], n_groups: int) -> list[Any]:
    """Make one batch for each group, empty ones too, each with its rows in their order."""
    order = np.argsort(group, kind="stable")
    cuts = np.searchsorted(group[order], np.arange(n_groups + 1))
    whole = pa.RecordBatch.from_pandas(frame.iloc[order], schema=_schema(pa, frame), preserve_index=False)
    return [whole.slice(a, b - a) for a, b in itertools.pairwise(cuts.tolist())]


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
    half.replace(path)


def read_batch(path: Path, number: int) -> Any:
    """Read one batch of a file, and no other.

    Raises
    ------
    Nothing.
    """
    pa = need("pyarrow", "scale", "scale")
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as reader:
        return reader.get_batch(number)
