"""Placements that name no child, only the spell of care they belong to: the child is found in the table of spells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.ingest.across.sheets import Sheet


def check_care(sheets: Sequence[Sheet]) -> None:
    """Give each placement without a child the child of its spell of care; set aside those whose spell is not here.

    A spell that stands under two children names neither.

    Raises
    ------
    Nothing.
    """
    known = _spells(sheets)
    for sheet in sheets:
        piece = sheet.pieces.placements
        if piece is None or "care_id" not in piece:
            continue
        child = piece["care_id"].map(known).astype(object)
        lost = np.zeros(len(sheet.data), dtype=bool)
        lost[piece["at"].to_numpy()[child.isna().to_numpy()]] = True
        sheet.data.fault(lost, "id_blank", "care_id")
        named = piece.drop(columns="care_id")
        named["child_id"] = pd.array(child.where(child.notna(), None), dtype=schema.TEXT)
        sheet.pieces.placements = named


def _spells(sheets: Sequence[Sheet]) -> dict[str, str]:
    """Return the child of each spell of care."""
    pieces = [sheet.pieces.children for sheet in sheets]
    found = [piece[["care_id", "child_id"]] for piece in pieces if piece is not None and "care_id" in piece]
    if not found:
        return {}
    pairs = pd.concat(found, ignore_index=True).dropna().drop_duplicates()
    pairs = pairs[~pairs["care_id"].duplicated(keep=False)]
    return dict(zip(pairs["care_id"].tolist(), pairs["child_id"].tolist(), strict=True))
