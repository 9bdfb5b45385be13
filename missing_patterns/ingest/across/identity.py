"""Checks of who a child is, over all sheets: one id for two children, one child under two ids, facts that differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from missing_patterns.ingest.across.sheets import (
    Gathered,
    Sheet,
    child_codes,
    codes_of,
    firsts,
    gather,
    joined,
    seconds,
)

_TABLES = ("incidents", "interviews", "children", "placements")
#: So many ids are needed before their lengths say something, and one length must hold this share.
FEWEST_IDS, USUAL_SHARE = 20, 0.9


def check_identity(sheets: Sequence[Sheet]) -> None:
    """Hold what the rows say of each child against each other.

    An id under which date of birth *and* sex both differ is two children's: every row of it is set aside. If only one
    of them differs, it is told at the rows that contradict the first.

    Raises
    ------
    Nothing.
    """
    facts = gather(sheets, "children", ("child_id", "birth", "sex"))
    if len(facts):
        child = child_codes(facts)
        if _check_two_children(sheets, facts, child):
            facts = gather(sheets, "children", ("child_id", "birth", "sex"))
            child = child_codes(facts)
        for column, rule, name in (("birth", "dob_differs", "birth_month"), ("sex", "sex_differs", "sex")):
            value = _known(facts, column)
            facts.tell(_contradicts(child, value), rule, name)
        _check_two_ids(sheets, facts, child)
    for sheet in sheets:
        _check_lengths(sheet)


def tell_renamed(sheets: Sequence[Sheet], before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Tell rows that contradict what is known of a child only since they took that child's id.

    Raises
    ------
    Nothing.
    """
    if not len(after) or (before["child_id"] == after["child_id"]).all():
        return
    which, at = (after[c].to_numpy(dtype=np.int64) for c in ("which", "at"))
    facts = Gathered(sheets, which, at, after)
    for column, rule, name in (("birth", "dob_differs", "birth_month"), ("sex", "sex_differs", "sex")):
        value = _known(facts, column)
        was, now = (_contradicts(codes_of(f["child_id"]), value) for f in (before, after))
        facts.tell(now & ~was, rule, name)


def _contradicts(child: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Say which values differ from the first that is known of the child."""
    first = firsts(child, value >= 0)[child]
    differs: np.ndarray = (first >= 0) & (value >= 0) & (value != value[first])
    return differs


def _known(facts: Gathered, column: str) -> np.ndarray:
    """Number the values of a fact; "not stated" in one source does not contradict another that states it."""
    values = facts[column]
    return codes_of(values.mask(values == "not_stated") if column == "sex" else values)


def _check_two_children(sheets: Sequence[Sheet], facts: Gathered, child: np.ndarray) -> bool:
    """Set aside every row of an id that is two children's; say whether there is one."""
    sex = _known(facts, "sex")
    if sex.max() < 1:
        return False  # all of one sex, or of none
    birth = _known(facts, "birth")
    said = pd.DataFrame({"child": child, "birth": birth, "sex": sex})[(birth >= 0) & (sex >= 0)].drop_duplicates()
    said = said[said["child"].duplicated(keep=False)]
    pairs = said.merge(said, on="child")
    two = pairs.loc[(pairs["birth_x"] != pairs["birth_y"]) & (pairs["sex_x"] != pairs["sex_y"]), "child"].unique()
    if not len(two):
        return False
    ids = set(facts["child_id"].iloc[firsts(child, child >= 0)[two]])
    for table in _TABLES:
        rows = gather(sheets, table, ("child_id",))
        rows.fault(rows["child_id"].isin(ids).to_numpy(dtype=bool), "id_two_children", "child_id")
    return True


def _check_two_ids(sheets: Sequence[Sheet], facts: Gathered, child: np.ndarray) -> None:
    """Tell rows of children who share date of birth and sex, and either the id but for noughts and signs, or a start.

    Ids of another scheme, such as the police's, are another matter: those records are matched by time.
    """
    birth, sex = _known(facts, "birth"), _known(facts, "sex")
    born, of_sex = (firsts(child, value >= 0) for value in (birth, sex))
    both = (born >= 0) & (of_sex >= 0)
    ids = facts["child_id"].iloc[firsts(child, child >= 0)].tolist()
    scheme = codes_of(pd.Series([i.rpartition(":")[0] for i in ids], dtype=object))
    alike = joined(np.where(both, birth[born], -1), np.where(both, sex[of_sex], -1), scheme)  # by child
    often = np.bincount(alike[alike >= 0], minlength=1)
    likely = both & (often[alike] > 1)
    if not likely.any():
        return
    cores = [_core(i) if there else None for i, there in zip(ids, likely, strict=True)]
    core = codes_of(pd.Series(cores, dtype=object))
    shared = joined(alike, core)
    twice = np.zeros(len(shared), dtype=bool)
    twice[shared >= 0] = np.bincount(shared[shared >= 0])[shared[shared >= 0]] > 1
    numbers = {name: n for n, name in enumerate(ids)}
    rows = gather(sheets, "incidents", ("child_id", "missing_from", "precision"))
    if not len(rows):
        return
    of_child = rows["child_id"].map(numbers).fillna(-1).to_numpy(dtype=np.int64)
    is_known = (of_child >= 0) & likely[of_child]
    is_minute = is_known & (rows["precision"] != "day").to_numpy(dtype=bool)
    together = np.where(is_minute, joined(alike[of_child], np.where(is_known, seconds(rows["missing_from"]), -1)), -1)
    told = _of_several(together, of_child)
    rows.tell(told | (is_known & twice[of_child]), "child_two_ids", "child_id")


def _core(child_id: str) -> str:
    """Return an id without signs and leading noughts."""
    return "".join(filter(str.isalnum, child_id)).lstrip("0")


def _of_several(key: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Say which rows share their key with a row of another child; a key of -1 is none."""
    pairs = pd.DataFrame({"key": key, "of": of})[key >= 0].drop_duplicates()
    several = pairs.loc[pairs["key"].duplicated(), "key"]
    return np.isin(key, several.to_numpy())


def _check_lengths(sheet: Sheet) -> None:
    """Tell ids of digits that differ in length, where a shorter one seems to be a longer one that lost its noughts."""
    piece = next(p for name in _TABLES if (p := getattr(sheet.pieces, name)) is not None)  # made of every row
    if not len(piece) or not str(piece["child_id"].iloc[0]).isdigit():
        return
    found = set(piece["child_id"].unique())
    if not all(map(str.isdigit, found)):
        return
    lengths = np.bincount([len(i) for i in found])
    usual = int(lengths.argmax())
    n_other = len(found) - int(lengths[usual])
    if not n_other:
        return
    bare = {i.lstrip("0") for i in found if i.startswith("0")}
    if bare & found or (len(found) >= FEWEST_IDS and lengths[usual] >= USUAL_SHARE * len(found)):
        detail = f"{lengths[usual]:,} of {len(found):,} have {usual} digits"
        sheet.data.tell_column("id_lengths", "child_id", detail)
