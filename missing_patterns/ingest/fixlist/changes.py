"""A fix list held against the one before it: what is new, what is still there, what was fixed, what is gone.

Two problems are the same if rule, column, child and reference are, or the start where there is no reference: files and
lines change from one extract to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.cells.dates import parse_one
from missing_patterns.ingest.cells.values import parse_id
from missing_patterns.ingest.fixlist.book import BLANK

NEW, STILL, UNCHECKED, UNSURE = "new", "still there", "not checked this time", "not known if new"
FIXED, GONE = "fixed", "no longer in the extract"


@dataclass(frozen=True, slots=True, repr=False)
class Present:
    """What records the files hold this time: by reference, by child, and by child and day of the start.

    Raises
    ------
    Nothing.
    """

    refs: frozenset[str]
    children: frozenset[str]
    starts: frozenset[tuple[str, str]]
    days: frozenset[str]
    files: frozenset[str]

    def __repr__(self) -> str:
        return f"Present: {len(self.refs)} references, {len(self.children)} children"


def with_keys(problems: pd.DataFrame) -> pd.DataFrame:
    """Return problems with what they are compared by: ids in one form, the day of the start, and a key.

    Raises
    ------
    Nothing.
    """
    done = problems.copy()
    done["k_child"], done["k_ref"] = _each(done["child"], _id), _each(done["reference"], _id)
    done["k_day"] = _each(done["start"], _day)
    start = _each(done["start"], lambda text: " ".join(text.split()))
    has_who = (done["k_child"] != "") | (done["k_ref"] != "") | (start != "")
    place = (done["file"].astype(str) + "\n" + done["sheet"].astype(str)).where(~has_who, "")
    parts = [done["rule"], done["column"], done["k_child"], done["k_ref"].where(done["k_ref"] != "", start), place]
    key = pd.Series(list(zip(*parts, strict=True)), index=done.index, dtype=object)
    # The same problem twice is told apart by how many came before it.
    n = key.groupby(key.map({k: i for i, k in enumerate(dict.fromkeys(key))})).cumcount()
    done["key"] = pd.Series(list(zip(key, n, strict=True)), index=done.index, dtype=object)
    return done


def _each(texts: pd.Series, change: Callable[[str], str]) -> pd.Series:
    return texts.map({text: change(text) for text in texts.unique()}).astype(object)


def _id(text: str) -> str:
    if text.isascii() and text.isalnum():
        return text.upper()
    return parse_id(text)[0] or " ".join(text.split()).upper()


def _day(text: str) -> str:
    read = parse_one(text)
    return f"{read.at:%Y-%m-%d}" if read.is_there else ""


def what_is_there(records: schema.Records | None, found: pd.DataFrame) -> Present:
    """Return which records the files hold: those that became rows, and those at which a problem was found.

    Raises
    ------
    Nothing.
    """
    children, refs = set(found["k_child"]), set(found["k_ref"])
    starts = set(zip(found["k_child"], found["k_day"], strict=True))
    files = set(found["file"])
    if records is not None:
        files |= set(records.accounting["file"].dropna())
        given = [*records.incidents["incident_id"].dropna(), *records.interviews["interview_id"].dropna()]
        # An id that several sources use has the source before it; one that an incident gave has RHI- before it.
        refs |= {part for name in given for part in (name, name.rpartition(":")[2], name.removeprefix("RHI-"))}
        for table, start in (
            (records.incidents, "missing_from"),
            (records.placements, "started_on"),
            (records.interviews, "held_at"),
            (records.children, None),
        ):
            children |= set(table["child_id"].dropna())
            if start is not None:
                starts |= set(zip(table["child_id"], table[start].dt.strftime("%Y-%m-%d"), strict=True))
    known = {(child, day) for child, day in starts if isinstance(day, str) and day}
    return Present(
        frozenset(refs - {""}),
        frozenset(children - {""}),
        frozenset(known),
        frozenset(day for _, day in known),
        frozenset(files),
    )


def compare(
    now: pd.DataFrame, last: pd.DataFrame, present: Present, unread: Collection[str], *, is_whole: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Say of each problem whether it is new, and of each of the last list what became of it.

    Parameters
    ----------
    now, last : pd.DataFrame
        Problems of this time and of the last list, with keys.
    present : Present
        What records there are this time.
    unread : collection of str
        Files that were refused this time: what stood in them can be neither fixed nor gone.
    is_whole : bool
        Whether the last list had room for all its problems.

    Returns
    -------
    tuple of two pd.DataFrame
        The problems of this time with ``status``, ``since`` and ``notes`` filled, those that could not be checked this
        time behind them; and the problems of the last list that are no more, ``status`` saying why.

    Raises
    ------
    Nothing.
    """
    before = {key: at for at, key in enumerate(last["key"])}
    match = [before.get(key) for key in now["key"]]
    now = now.assign(
        status=[(NEW if is_whole else UNSURE) if at is None else STILL for at in match],
        since=[0 if at is None else last["since"].iat[at] for at in match],
        notes=["" if at is None else last["notes"].iat[at] for at in match],
    )
    there = set(now["key"])
    rest = last[np.array([key not in there for key in last["key"]], dtype=bool)]
    rest = rest.assign(status=[_what_became(row, present, unread) for row in rest.to_dict("records")])
    is_unchecked = rest["status"] == UNCHECKED
    joined = pd.concat([now, rest[is_unchecked]], ignore_index=True) if is_unchecked.any() else now
    return joined.sort_values("order", kind="stable"), rest[~is_unchecked]


def _what_became(row: dict[str, str], present: Present, unread: Collection[str]) -> str:
    if _is_there(row, present) and row["file"] not in unread:
        return FIXED
    return UNCHECKED if unread else GONE


def _is_there(row: dict[str, str], present: Present) -> bool:
    """Say whether the record of a problem is there, by what was not itself the problem: that may have been mended."""
    child, ref, day = row["k_child"], row["k_ref"], row["k_day"]
    value = "" if row["value"] == BLANK else row["value"]
    if ref and value != row["reference"]:
        return ref in present.refs
    if child and value != row["child"]:
        return (child, day) in present.starts if day and value != row["start"] else child in present.children
    if day:
        return day in present.days
    return row["file"] in present.files
