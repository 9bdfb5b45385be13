"""Checks of a column as a whole, told once with a count: habits of recording, and other councils' children."""

from __future__ import annotations

from collections.abc import Sequence

from missing_patterns.codebook import fold
from missing_patterns.ingest.across.sheets import Sheet, gather
from missing_patterns.settings import Settings

#: So many records are needed before one type in all of them is a habit.
FEWEST_RECORDS = 20
#: Words that councils' names share, and that one system writes and another leaves out.
_COMMON = frozenset(
    "the of and council county city borough metropolitan royal district unitary authority london lb rb mbc cc bc "
    "childrens children s services".split()
)


def check_tallies(sheets: Sequence[Sheet], settings: Settings | None = None) -> None:
    """Count, per sheet, what is the same throughout and what names another authority.

    Raises
    ------
    Nothing.
    """
    for sheet in sheets:
        if sheet.data.has("category"):
            _check_category(sheet)
        if sheet.data.has("placing_authority"):
            _check_authority(sheet, settings.name if settings else "")


def _check_category(sheet: Sheet) -> None:
    told = gather([sheet], "incidents", ("category",))["category"].dropna()
    if len(told) >= FEWEST_RECORDS and told.nunique() == 1:
        sheet.data.tell_column("one_category", "category", f"all {len(told):,} rows")


def _check_authority(sheet: Sheet, ours: str) -> None:
    told = gather([sheet], "incidents", ("placing_authority",))["placing_authority"].dropna()
    often = told.value_counts()
    by_name: dict[str, int] = {}
    for name, n in zip(often.index.tolist(), often.tolist(), strict=True):
        by_name[plain_name(name)] = by_name.get(plain_name(name), 0) + n
    own = plain_name(ours) or max(by_name, key=lambda name: (by_name[name], name), default="")
    n_other = sum(n for name, n in by_name.items() if name != own)
    if n_other:
        whose = "the council of the settings" if ours else "the most common"
        detail = f"{n_other:,} of {len(told):,} rows name another than {whose}"
        sheet.data.tell_column("other_authority", "placing_authority", detail)


def plain_name(authority: str) -> str:
    """Return an authority's name without the words that all of them have.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> plain_name("London Borough of Newham") == plain_name("newham council")
    True
    """
    words = "".join(c if c.isalnum() else " " for c in fold(authority)).split()
    return " ".join(w for w in words if w not in _COMMON) or " ".join(words)
