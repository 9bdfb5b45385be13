"""The house stands as it is drawn: what may import what, what lies at the top, and what an import may load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import missing_patterns as mp

HOUSE = Path(mp.__file__).parent
TOP = HOUSE.parent

ROOMS = {
    "errors": 0,
    "schema": 1,
    "settings": 1,
    "codebook": 2,
    "synthetic": 3,
    "ingest": 4,
    "episodes": 5,
    "triggers": 5,
    "features": 6,
    "reconciliation": 6,
    "recurrence": 7,
    "patterns": 7,
    "monitoring": 7,
    "prediction": 8,
    "disclosure": 9,
    "plots": 9,
    "report": 10,
    "run": 11,
    "scale": 11,
    "cli": 12,
    "__main__": 13,
}
DATA_FOLDERS = {"calendars", "codebooks", "profiles", "templates"}
HEAVY = ("sklearn", "statsmodels", "matplotlib", "scipy", "docx", "jinja2", "xlsxwriter", "python_calamine", "click")


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Rooms that a module imports anywhere, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("missing_patterns"):
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {a.name for a in node.names if a.name in ROOMS}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("missing_patterns.")}
    return found


def modules() -> list[Path]:
    return sorted(p for p in HOUSE.rglob("*.py") if p != HOUSE / "__init__.py")


def test_every_room_of_the_house_is_there_and_no_other() -> None:
    rooms = {room_of(p) for p in modules()}
    assert rooms == set(ROOMS)
    folders = {p.name for p in HOUSE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders - set(ROOMS) <= DATA_FOLDERS


def test_a_room_imports_only_rooms_with_a_smaller_number() -> None:
    wrong = [
        f"{p.relative_to(HOUSE)} imports {other}"
        for p in modules()
        for other in imports_of(p)
        if other != room_of(p) and ROOMS[other] >= ROOMS[room_of(p)]
    ]
    assert wrong == []


def test_the_top_level_holds_only_what_it_should() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=True).stdout.split("\n")
    top = {name.split("/")[0] for name in listed if name}
    plain = {name for name in top if not name.startswith(".")}
    assert plain <= {
        "missing_patterns",
        "notebooks",
        "synthetic_data",
        "tests",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
    }


def loaded_by(code: str) -> set[str]:
    """Names of the heavy libraries that are loaded once the code has run in a fresh interpreter."""
    script = f"import sys, json\n{code}\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=TOP)
    return set(json.loads(done.stdout.strip().split("\n")[-1]))


def test_importing_the_library_loads_nothing_heavy() -> None:
    assert loaded_by("import missing_patterns") == set()


@pytest.mark.parametrize(
    "name", ["recurrence", "patterns", "monitoring", "disclosure", "plots", "build_episodes", "read_calendar"]
)
def test_reaching_for_a_room_loads_neither_scikit_learn_nor_statsmodels_nor_matplotlib(name: str) -> None:
    heavy = loaded_by(f"import missing_patterns as mp\nmp.{name}")
    assert heavy.isdisjoint({"sklearn", "statsmodels", "matplotlib"})


def test_help_of_the_command_loads_nothing_heavy() -> None:
    code = "from missing_patterns.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert loaded_by(code) == {"click"}


def test_every_public_name_can_be_reached() -> None:
    for name in mp.__all__:
        assert getattr(mp, name) is not None
    assert set(mp.__all__) == set(dir(mp))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = mp.nonsense


def test_the_version_is_the_same_in_both_places() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == mp.__version__


def test_no_module_has_grown_into_a_barn() -> None:
    long = {
        str(p.relative_to(HOUSE)): n for p in modules() if (n := len(p.read_text(encoding="utf-8").split("\n"))) > 450
    }
    assert long == {}


def test_nothing_committed_names_a_clock_or_a_printer_in_the_library() -> None:
    """The library is pure: only the command line may look at the clock or print."""
    wrong = []
    for path in modules():
        if room_of(path) in {"cli", "run"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name == "print" or name.endswith((".now", ".today", ".utcnow", "np.random.seed", "basicConfig")):
                    wrong.append(f"{path.relative_to(HOUSE)}:{node.lineno} {name}")
    assert wrong == []
