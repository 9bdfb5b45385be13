"""Print the table of our figures beside R's: python tests/reference/compare.py [--cases] [TOPIC ...]

The figures are those that the tests compare: each tests/test_recurrence_*_reference.py has a function ``cases()`` that
yields (case, quantity, ours, R's, relative tolerance, absolute tolerance), and both the test and this table use it.
One line for each topic and quantity, or with ``--cases`` for each case: how many figures, the largest difference, the
largest relative difference, and whether all are within their tolerances. Ends with 1 if any is not.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity of one case: how many figures there are, and how far ours are from R's."""

    topic: str
    case: str
    quantity: str
    n_figures: int
    largest: float
    relative: float
    is_within: bool


def line_of(topic: str, case: str, quantity: str, pair: tuple[Any, Any], rtol: float, atol: float) -> Line:
    """Compare one array with R's; a figure that only one side has, or a different number of them, is beyond it."""
    ours, theirs = (np.atleast_1d(np.asarray(side, dtype=float)).ravel() for side in pair)
    if len(ours) != len(theirs):
        return Line(topic, case, quantity, len(theirs), np.inf, np.inf, False)
    with np.errstate(invalid="ignore", divide="ignore"):
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        apart = np.where(same, 0.0, np.abs(ours - theirs))
        relative = np.where(same, 0.0, apart / np.abs(theirs))
    apart, relative = (np.where(np.isnan(values), np.inf, values) for values in (apart, relative))
    within = bool((apart <= atol + rtol * np.where(same, 0.0, np.abs(theirs))).all())
    # A figure of nought has no relative difference; its absolute one counts.
    relative = np.where((theirs == 0) & ~same, 0.0, relative)
    return Line(topic, case, quantity, len(ours), apart.max(initial=0.0), relative.max(initial=0.0), within)


def modules() -> Iterator[tuple[str, Any]]:
    """Import each reference test that tells its cases."""
    sys.path.insert(0, str(TESTS))
    for path in sorted(TESTS.glob("test_recurrence_*reference.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:  # pragma: no cover
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        if hasattr(module, "cases"):
            topic = path.stem.removeprefix("test_recurrence_").removesuffix("reference").strip("_") or "curves"
            yield topic, module


def lines(topics: Iterable[str] = ()) -> Iterator[Line]:
    """Compare all that the reference tests compare, or only some topics."""
    wanted = set(topics)
    for topic, module in modules():
        if wanted and topic not in wanted:
            continue
        for case, quantity, ours, theirs, rtol, atol in module.cases():
            yield line_of(topic, case, quantity, (ours, theirs), rtol, atol)


def gathered(found: Iterable[Line]) -> list[Line]:
    """Put the cases of one topic and quantity into one line."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in found:
        groups.setdefault((line.topic, line.quantity), []).append(line)
    return [
        Line(
            topic,
            f"{len(members)} cases",
            quantity,
            sum(m.n_figures for m in members),
            max(m.largest for m in members),
            max(m.relative for m in members),
            all(m.is_within for m in members),
        )
        for (topic, quantity), members in groups.items()
    ]


def main() -> None:
    """Print the table."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("topics", nargs="*", help="only these, such as cox or frailty")
    given.add_argument("--cases", action="store_true", help="a line for each case")
    asked = given.parse_args()
    found = list(lines(asked.topics))
    shown = found if asked.cases else gathered(found)
    wide = max((len(line.case) for line in shown), default=4)
    sys.stdout.write(
        f"{'topic':12}{'case':{wide + 2}}{'quantity':32}{'figures':>8}{'largest':>11}{'relative':>11}  within\n"
    )
    for line in shown:
        sys.stdout.write(
            f"{line.topic:12}{line.case:{wide + 2}}{line.quantity:32}{line.n_figures:>8,}{line.largest:>11.1e}"
            f"{line.relative:>11.1e}  {'yes' if line.is_within else 'NO'}\n"
        )
    n_figures, n_beyond = sum(line.n_figures for line in found), sum(not line.is_within for line in found)
    sys.stdout.write(f"{n_figures:,} figures in {len(found):,} comparisons, {n_beyond:,} beyond their tolerance\n")
    raise SystemExit(1 if n_beyond else 0)


if __name__ == "__main__":
    main()
