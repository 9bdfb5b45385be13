"""Every case of the corpus: the defects of the catalogue, pairs of them, and checks of their own."""

from __future__ import annotations

from collections.abc import Iterator

from corpus import cases_dates, cases_files, cases_ids, cases_shape, cases_spells, cases_values
from corpus.model import Case, paired

CASES: list[Case] = [
    c for m in (cases_dates, cases_spells, cases_ids, cases_values, cases_shape, cases_files) for c in m.CASES
]


#: Defects whose wording is about one child, and cannot be moved to another's row.
_OF_ONE_CHILD = (34, 36, 43, 94)


def _pairs() -> Iterator[Case]:
    """Pair defects of one cell, each with one some way on in the list, so that every kind meets another."""
    single = [c for c in CASES if c.is_cell and c.refused is None and c.base == "tracker" and "csv" in c.formats]
    single = [c for c in single if all(t.row is not None for t in c.told) and not _moves(c)]
    others = [c for c in single if c.number not in _OF_ONE_CHILD]
    for i, case in enumerate(single[:: max(1, len(single) // 40)]):
        yield paired(case, others[(7 * i + len(others) // 2) % len(others)])


def _moves(case: Case) -> bool:
    """Say whether what is written is the truth of one row only."""
    return any(
        name.endswith(("missing_from", "returned_at", "held_at", "birth_month", "_id")) for _, name in case.values
    )


PAIRS = list(_pairs())


def formats_of(case: Case) -> tuple[str, ...]:
    """Return the formats of a case: cells of text go into a column store, and those of the SSD into a database too."""
    if not case.is_cell or case.refused or not {"csv", "xlsx"} <= set(case.formats):
        return case.formats
    return (*case.formats, "parquet", *(("sqlite",) if case.base == "ssd" else ()))


def every() -> list[tuple[Case, str]]:
    """Return each case with its formats: each defect in each format and table once, its variants in turn."""
    chosen: list[tuple[Case, str]] = []
    seen: set[tuple[int, str]] = set()
    for n, case in enumerate(CASES):
        turn = case.formats[n % len(case.formats)]
        for fmt in formats_of(case):
            shown = {(case.number, fmt), (case.number, case.base)}
            if fmt == turn or not shown <= seen:
                seen |= shown
                chosen.append((case, fmt))
    return chosen + [(case, case.formats[n % len(case.formats)]) for n, case in enumerate(PAIRS)]
