"""Notebooks run from a clean start, hold no outputs in the repository, and show no child when they run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def texts(outputs: list[dict[str, Any]]) -> str:
    """All text of a cell's outputs; pictures are left out."""
    found = []
    for output in outputs:
        found.append(output.get("text", ""))
        found += [v for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return "\n".join("".join(f) for f in found)


def test_the_lessons_are_there() -> None:
    assert [p.name for p in NOTEBOOKS] == [
        "01_first_look.ipynb",
        "02_getting_files_in.ipynb",
        "03_what_was_known_then.ipynb",
        "04_going_again.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_outputs_are_stored(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert [c["id"] for c in cells if c["cell_type"] == "code" and (c["outputs"] or c["execution_count"])] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
# The machinery that runs notebooks raises these itself.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_runs_and_shows_no_child(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = "\n".join(texts(c["outputs"]) for c in notebook.cells if c["cell_type"] == "code")
    assert len(shown) > 1000
    assert not re.findall(r"\b[CMWXN]\d{5,6}\b", shown)
    assert "Traceback" not in shown
