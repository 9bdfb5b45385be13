"""The corpus report: how many files with known defects were read, and whether each ended as was declared.

From the project's root: ``python tests/corpus/report.py``, or with numbers of the catalogue to run only those.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from corpus import checking, checks
from corpus.all_cases import every
from corpus.checking import Result
from corpus.model import Case


def listed(numbers: Collection[int] = ()) -> list[tuple[Case | checks.Check, str]]:
    """List every case with its format, or those of some numbers of the catalogue."""
    cases: list[tuple[Case | checks.Check, str]] = [*every(), *((c, c.fmt) for c in checks.CHECKS)]
    return [(case, fmt) for case, fmt in cases if not numbers or case.number in numbers]


def run_all(cases: Sequence[tuple[Case | checks.Check, str]], folder: Path) -> Iterator[Result]:
    """Run cases, each in a folder of its own."""
    for n, (case, fmt) in enumerate(cases):
        with tempfile.TemporaryDirectory(dir=folder, prefix=f"{n}_") as place:
            if isinstance(case, checks.Check):
                yield checks.run(case, Path(place))
            else:
                yield checking.run(case, fmt, Path(place))


def counts(results: Sequence[Result]) -> dict[str, int]:
    """Count what the corpus must show."""
    return {
        "cases": len(results),
        "as declared": sum(r.is_as_declared for r in results),
        "silent losses": sum(bool(r.lost) for r in results),
        "tracebacks": sum(bool(r.tracebacks) for r in results),
        "messages carrying a cell's value": sum(bool(r.leaks) for r in results),
    }


def word(results: Sequence[Result]) -> str:
    """Word the report: the counts, then files as declared of files read by defect and format, then what differs."""
    formats = sorted({r.fmt for r in results})
    lines = [f"{name}: {n:,}" for name, n in counts(results).items()]
    lines += ["", "Files as declared of files read, by number in the catalogue and format", ""]
    lines.append("".join(f"{name:>12}" for name in ("defect", *formats)))
    for number in sorted({r.case.number for r in results}):
        cells = [str(number)]
        for fmt in formats:
            here = [r for r in results if (r.case.number, r.fmt) == (number, fmt)]
            cells.append(f"{sum(r.is_as_declared for r in here)}/{len(here)}" if here else "")
        lines.append("".join(f"{cell:>12}" for cell in cells))
    lines += ["", *(str(r) for r in results if not r.is_as_declared)]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Sequence[str]) -> int:
    """Run the corpus, print the report, and return 1 if any case did not end as declared."""
    with tempfile.TemporaryDirectory() as folder:
        results = list(run_all(listed({int(a) for a in arguments}), Path(folder)))
    sys.stdout.write(word(results))
    return int(any(not r.is_as_declared for r in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
