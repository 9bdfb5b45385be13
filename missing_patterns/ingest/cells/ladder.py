"""The ladder of a return interview: its rung as worded, or from what two columns say of offered and accepted.

"Offered" and "accepted" may each hold yes or no, or the wording of a rung. A rung says more than a yes, and "offered
and declined" in the column of what was accepted is declined, never accepted. What contradicts itself is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import fold
from missing_patterns.ingest.cells.values import NO, NOT_RECORDED, YES, Parsed
from missing_patterns.ingest.opening.grid import Cell, as_text, is_blank

_ANSWERS = ("yes", "no", "not_applicable")
_NOT_OFFERED = ("not_offered_missing_again", "not_offered_no_contact", "not_offered_other")
_NOTHING_DUE = (*_NOT_OFFERED, *schema.NOT_DUE)
# offered, accepted: the flags of the Standard Safeguarding Dataset; they cannot say whether an accepted interview was
# held, so accepted is read as completed.
_RUNGS: Mapping[tuple[str | None, str | None], str] = {
    ("yes", "yes"): "completed",
    ("yes", "no"): "declined",
    ("yes", None): "offered_pending",
    ("yes", "not_applicable"): "offered_pending",
    ("no", None): "not_offered_other",
    ("no", "no"): "not_offered_other",
    ("no", "not_applicable"): "not_offered_other",
    ("not_applicable", None): "not_required",
    ("not_applicable", "no"): "not_required",
    ("not_applicable", "not_applicable"): "not_required",
    (None, "not_applicable"): "not_required",
    (None, "yes"): "completed",
}


def answer_parser(known: Mapping[str, str], ladder: Mapping[str, str]) -> Callable[[Cell], Parsed]:
    """Return a parser of columns that ask whether an interview was offered, or accepted.

    Parameters
    ----------
    known : mapping of str to str
        Each folded wording of the profile for the column, and its answer: yes, no or not_applicable.
    ladder : mapping of str to str
        Each folded wording of a rung, and the rung.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> parse = answer_parser({"na": "not_applicable"}, {"offered and declined (by yp)": "declined"})
    >>> [parse(cell)[0] for cell in ("Y", "NA", "Offered and Declined (by YP)", "")]
    ['yes', 'not_applicable', 'declined', None]
    """

    def parse(cell: Cell) -> tuple[str | None, str, str]:
        if is_blank(cell):
            return None, "", ""
        word = fold(as_text(cell))
        if word in YES:
            return "yes", "", ""
        if word in NO:
            return "no", "", ""
        if known.get(word) == "not_applicable":
            return "not_applicable", "", ""
        if (rung := ladder.get(word)) and rung != "unknown":
            return rung, "", ""
        if answer := known.get(word):
            return answer, "", ""
        return None, "" if word in NOT_RECORDED or word in ladder else "flag_unreadable", ""

    return parse


def rung_of(worded: str | None, offered: str | None, accepted: str | None) -> str:
    """Return the rung that a status as worded and the answers about offered and accepted give together.

    Parameters
    ----------
    worded : str or None
        The rung of the status column.
    offered, accepted : str or None
        An answer (yes, no, not_applicable), a rung, or nothing.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> rung_of(None, "yes", "no"), rung_of(None, "yes", "declined"), rung_of("completed", "yes", None)
    ('declined', 'declined', 'completed')
    >>> rung_of(None, "no", "yes")
    'unknown'
    """
    if worded not in (None, "unknown", "offered_pending"):
        return str(worded)
    if worded == "offered_pending":
        offered = "yes" if offered in (None, *_ANSWERS) else offered
    if offered == "offered_pending":
        offered = "yes"
    if accepted == "offered_pending":
        offered, accepted = (offered or "yes"), None
    if offered in (None, *_ANSWERS) and accepted in (None, *_ANSWERS):
        return _RUNGS.get((offered, accepted), "unknown")
    if offered not in (None, *_ANSWERS):
        return _beside(str(offered), accepted)
    rung = str(accepted)
    fits = (
        _NOTHING_DUE if offered in ("no", "not_applicable") else schema.STATUSES if offered is None else schema.OFFERED
    )
    return rung if rung in fits else "unknown"


def _beside(rung: str, accepted: str | None) -> str:
    """Hold a rung that stands in the column of what was offered against what was accepted."""
    if accepted is None or accepted == rung:
        return rung
    if rung in _NOTHING_DUE:
        return rung if accepted in ("no", "not_applicable") else "unknown"
    if accepted in _ANSWERS:
        takes = {"declined": ("no", "not_applicable"), "completed": ("yes",), "accepted_not_held": ("yes", "no")}
        return rung if accepted in takes.get(rung, _ANSWERS) else "unknown"
    # "Offered and accepted" beside a wording that says what came of it.
    if rung == "completed" and accepted in ("accepted_not_held", "completed_partial", "covered_by_other"):
        return accepted
    return "unknown"


def rungs(worded: Any, offered: Any, accepted: Any) -> Any:
    """Return the rung of every row, given three text columns; each combination is looked at once.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> rungs(*(pd.array([v], dtype="string") for v in (None, "yes", "no"))).tolist()
    ['declined']
    """
    codes, words = [], []
    for column in (worded, offered, accepted):
        code, found = pd.factorize(np.asarray(column, dtype=object), use_na_sentinel=True)
        codes.append(code.astype(np.int64) + 1)
        words.append([None, *found])
    n_offered, n_accepted = len(words[1]), len(words[2])
    combined, which = np.unique((codes[0] * n_offered + codes[1]) * n_accepted + codes[2], return_inverse=True)
    found = [
        rung_of(words[0][c // n_accepted // n_offered], words[1][c // n_accepted % n_offered], words[2][c % n_accepted])
        for c in combined.tolist()
    ]
    return pd.array(found, dtype=schema.TEXT).take(which)
