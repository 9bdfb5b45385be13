"""What each column of a feature table means, in words."""

from __future__ import annotations

import re

import pandas as pd

from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.schema import TEXT

_FIXED = {
    "child_id": "the child",
    "episode_id": "the episode that the child returned from",
    "index_at": "the return: the moment asked about; every feature holds only what was known by then",
    "episode_no": "number of the episode; 1 for the child's first in the data",
    "duration_hours": "hours missing in this episode; whole days apart where only dates are known",
    "gap_days": "days from the previous return to the start of this episode; none for a first episode",
    "days_since_return": "days from the child's previous return to this one; none for a first return",
    "hour_sin": "time of day at which the episode began, sine of a 24-hour circle; none where only dates are known",
    "hour_cos": "time of day at which the episode began, cosine of a 24-hour circle; none where only dates are known",
    "weekday_sin": "weekday on which the episode began, sine of a 7-day circle from Monday",
    "weekday_cos": "weekday on which the episode began, cosine of a 7-day circle from Monday",
    "month_sin": "month in which the episode began, sine of a 12-month circle from January",
    "month_cos": "month in which the episode began, cosine of a 12-month circle from January",
    "is_weekend": "the episode began on a Saturday or Sunday",
    "placement_type": "kind of placement on the day before the return, else as recorded when the episode began",
    "in_area": "placed inside the council's own area on the day before the return, else as recorded at the start",
}
_IN_DAYS = {
    "n_episodes": "episodes that began in the {d} days before the return, the one just ended included",
    "missing_hours": "hours missing in the {d} days before the return, from episodes that have ended",
    "n_interviews_completed": "interviews held in the {d} days before the return",
    "n_interviews_declined": "interviews declined that were offered in the {d} days before the return",
    "n_placement_moves": "placement moves in the {d} days before the return, known by the end of their day",
}


def feature_dictionary(X: pd.DataFrame, codebook: Codebook | None = None) -> pd.DataFrame:
    """Word each column of a feature table.

    Parameters
    ----------
    X : pd.DataFrame
        A table of :func:`build_features`; columns of the caller's own are worded as such.
    codebook : Codebook, optional
        The one that the features were built with; None takes the codebook that ships with the library.

    Returns
    -------
    pd.DataFrame
        One row per column, in order: ``column meaning``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> feature_dictionary(pd.DataFrame(columns=["n_episodes_90d"]))["meaning"].tolist()
    ['episodes that began in the 90 days before the return, the one just ended included']
    """
    book = read_codebook() if codebook is None else codebook
    labels = {code: f"'{book.label(code)}'" for code in book.codes}
    labels |= {domain: f"any trigger of the domain '{domain}'" for domain in book.domains.values()}
    names = [str(c) for c in X.columns]
    return pd.DataFrame(
        {
            "column": pd.Series(names, dtype=TEXT),
            "meaning": pd.Series([_word(name, labels) for name in names], dtype=TEXT),
        }
    )


def _word(name: str, labels: dict[str, str]) -> str:
    if name in _FIXED:
        return _FIXED[name]
    if found := re.fullmatch(r"(.+)_(\d+)d", name):
        what, days = found.groups()
        if what in _IN_DAYS:
            return _IN_DAYS[what].format(d=days)
        if what.startswith("any_") and what[4:] in labels:
            return (
                f"{labels[what[4:]]} was named, or suspected, for an episode that began in the {days} days before the "
                "return, in an interview held by then; false includes not asked"
            )
    return "a column of the caller's own"
