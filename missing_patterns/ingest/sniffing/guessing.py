"""What each column of a sheet is, by its header and by what its cells look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from missing_patterns.ingest.cells.stamps import parse_cells
from missing_patterns.ingest.opening.grid import Cell
from missing_patterns.ingest.profiles.fields import TableProfile, fields_of, head
from missing_patterns.ingest.sheet.distinct import distinct
from missing_patterns.ingest.sniffing.evidence import FEWEST, Shape, judge, known_cells, shape_of

#: A header is offered as a guess when it is at least this like a known one; a little less will do if its cells fit.
LIKE_ENOUGH, LIKE_WITH_CELLS = 0.75, 0.6
#: How sure a guess is: by a header that a pattern fits, by a known header whose cells do not fit, by the cells alone.
BY_PATTERN, IN_DOUBT, BY_CELLS, LAST_RESORT = 0.95, 0.5, 0.6, 0.4
#: Share of the cells that must be wordings of a field for the cells alone to tell it.
CELLS_ENOUGH = 0.8
#: Triggers are worded so that less will do.
TRIGGERS_ENOUGH = 0.4
#: Fields that wordings alone can tell; "yes" and "no" stand in too many.
_TELLING = (
    *("status", "category", "risk_level", "care_status", "placement_type", "returned_by", "interviewer_role"),
    *("missing_from_setting", "ethnicity", "sex", "coded_triggers"),
)


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """One column: its header, the field that it is taken for ("" = none), why, and how sure (0 to 1).

    ``is_unread`` says that it is known and left unread on purpose.

    Raises
    ------
    Nothing.
    """

    position: int
    header: str
    field: str
    why: str
    confidence: float
    is_unread: bool = False


class Columns:
    """The columns of the first rows of a sheet, and the fields of one table that none is taken for yet."""

    def __init__(self, table: TableProfile, rows: Sequence[Sequence[Cell]], free: list[str]) -> None:
        self.table, self.rows, self.free = table, rows, [name for name in free if name[:1] != "_"]
        self.kinds = fields_of(table.becomes)
        self._shapes: dict[int, Shape] = {}

    def cells(self, at: int) -> list[Cell]:
        """The cells of a column."""
        return [row[at] if at < len(row) else None for row in self.rows]

    def shape(self, at: int) -> Shape:
        """What they look like, looked at once."""
        if at not in self._shapes:
            self._shapes[at] = shape_of(self.cells(at))
        return self._shapes[at]

    def known(self, at: int, header: str, field: str) -> ColumnGuess:
        """Guess a column whose header is known: its cells can support that or cast doubt on it."""
        if field.startswith("_"):
            return ColumnGuess(at, header, "", "a known header that is not used", 1.0, is_unread=True)
        by_name = head(header) in self.table.aliases or header in self.table.exact
        sure, why = (1.0, "a known header") if by_name else (BY_PATTERN, "a header that a pattern of the profile fits")
        verdict, seen = judge(self.table, field, self.cells(at), self.shape(at))
        if verdict < 0:
            return ColumnGuess(at, header, field, f"{why}, but {seen}", IN_DOUBT)
        return ColumnGuess(at, header, field, f"{why}; {seen}" if seen else why, sure)

    def like(self, at: int, header: str) -> ColumnGuess:
        """Guess a column by the known header that its own is most like."""
        none = ColumnGuess(at, header, "", "like no known header", 0.0)
        field, alike, like = _most_like(header, self.free, self.table)
        if like < LIKE_WITH_CELLS:
            return none
        verdict, seen = judge(self.table, field, self.cells(at), self.shape(at))
        is_telling = verdict > 0 and self.kinds[field] not in ("id", "count", "number")  # ids stand everywhere
        if verdict < 0 or (like < LIKE_ENOUGH and not is_telling):
            return none
        self.free.remove(field)
        sure = min(BY_PATTERN, like + 0.1) if verdict > 0 else like
        return ColumnGuess(at, header, field, f"like '{alike}'" + (f"; {seen}" if seen else ""), round(sure, 2))

    def by_cells(self, at: int, header: str) -> ColumnGuess | None:
        """Guess a column by its cells, where most are wordings of one field."""
        best, most = "", 0
        for field in _TELLING:
            if field in self.free and self.shape(at).n_filled >= FEWEST:
                hits, n = known_cells(self.table, field, self.cells(at))
                enough = TRIGGERS_ENOUGH if field == "coded_triggers" else CELLS_ENOUGH
                if hits >= enough * n and hits > most:
                    best, most = field, hits
        if not best:
            return None
        self.free.remove(best)
        why = f"by its cells alone: {most:,} of {self.shape(at).n_filled:,} looked at are wordings of it"
        return ColumnGuess(at, header, best, why, BY_CELLS)

    @property
    def is_month_first(self) -> bool:
        """Whether the dates of some column can only be month first, and of none day first."""
        orders = {
            "month_first" if s.is_month_first else "day_first" for s in self._shapes.values() if " first" in s.more
        }
        return orders == {"month_first"}

    def ends(self, candidates: Mapping[int, str], start: int) -> ColumnGuess | None:
        """Guess the column of the end: dates that never lie before the start, and the nearest to it of all such."""
        if "returned_at" not in self.free:
            return None
        begins = self._stamps(start)
        near: list[tuple[float, int, int]] = []
        for at in candidates:
            if self.shape(at).kind == "dates":
                apart = (self._stamps(at) - begins) / np.timedelta64(1, "h")
                apart = apart[~np.isnan(apart)]
                if len(apart) >= FEWEST and (apart >= 0).all() and (apart > 0).any():
                    near.append((float(np.median(apart)), at, len(apart)))
        if not near:
            return None
        hours, at, n = min(near)
        self.free.remove("returned_at")
        why = f"by its cells alone: {n:,} of {n:,} are at or after the start, by {hours:,.0f} hours in the median"
        return ColumnGuess(at, candidates[at], "returned_at", why, LAST_RESORT)

    def _stamps(self, at: int) -> np.ndarray:
        order = "month_first" if self.shape(at).is_month_first else "day_first"
        found = distinct(self.cells(at))
        stamps: np.ndarray = parse_cells(found.cells, order).at[found.codes]
        return stamps

    def last_resort(self, at: int, header: str) -> ColumnGuess | None:
        """Guess a column for a field that every row needs: always filled, and of the kind that the field is."""
        shape = self.shape(at)
        for field in self.table.needed:
            wanted = "ids" if self.kinds[field] == "id" else "dates"
            repeats = shape.n_distinct < shape.n_filled
            if field in self.free and shape.kind == wanted and shape.is_full and (wanted == "dates" or repeats):
                self.free.remove(field)
                why = f"every row needs this and no header says it; {shape.words}, and none is blank: check it"
                return ColumnGuess(at, header, field, why, LAST_RESORT)
        return None


def _most_like(header: str, free: Sequence[str], table: TableProfile) -> tuple[str, str, float]:
    best = ("", "", 0.0)
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(head(header))
    for field in free:
        for alias in table.columns.get(field, ()):
            matcher.set_seq1(head(alias))
            if matcher.real_quick_ratio() > best[2] and matcher.quick_ratio() > best[2]:
                like = matcher.ratio()
                if like > best[2]:
                    best = (field, alias, like)
    return best
