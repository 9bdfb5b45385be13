"""What each column of a feature table means, in words, made from the definitions that it was built by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.features.default import feature_specs
from missing_patterns.features.specs import Any, Count, Mean, Share, Spec, Trend
from missing_patterns.schema import TEXT

_KEYS = {
    "child_id": "the child",
    "episode_id": "the episode asked about; none if the child had none by then",
    "interview_id": "the interview asked about",
    "index_at": "the moment asked about; every feature holds only what was known by then",
}
_KINDS = {"count": "count", "flag": "flag", "measure": "measure", "maybe": "flag or not known", "text": "text"}
_OWN = "a column of the caller's own"


def feature_dictionary(X: pd.DataFrame | Sequence[Spec], codebook: Codebook | None = None) -> pd.DataFrame:
    """Word each column of a feature table.

    Parameters
    ----------
    X : pd.DataFrame or sequence of Spec
        A table of :func:`build_features`, whose columns of the caller's own are worded as such; or definitions.
    codebook : Codebook, optional
        The one that the features were built with; None takes the codebook that ships with the library.

    Returns
    -------
    pd.DataFrame
        One row per column, in order: ``column kind unit meaning``. ``kind`` is key, count, flag, flag or not known,
        measure, text, or own.

    Raises
    ------
    ArgumentRefused
        If a definition is not one that is known.

    Examples
    --------
    >>> feature_dictionary(pd.DataFrame(columns=["n_episodes_90d"]))["meaning"].tolist()
    ['episodes that began in the 90 days before the index']
    """
    book = read_codebook() if codebook is None else codebook
    if isinstance(X, pd.DataFrame):
        names = [str(c) for c in X.columns]
        days = sorted({int(n) for name in names for n in re.findall(r"_([1-9]\d*)d$", name)})
        lasts = sorted({int(n) for name in names for n in re.findall(r"_last([1-9]\d*)$", name)} - {3})
        known = {spec.name: spec for spec in _all(days or [28], lasts, book)}
        rows = [(name, *_word(name, known.get(name), book)) for name in names]
    else:
        rows = [(spec.name, *_word(spec.name, spec, book)) for spec in X]
    return pd.DataFrame(rows, columns=["column", "kind", "unit", "meaning"]).astype(TEXT)


def _all(days: list[int], lasts: list[int], book: Codebook) -> list[Spec]:
    """Every definition that there is of these numbers of days and episodes, the default ones first."""
    default = feature_specs(days, book)
    ever = [replace(spec, days=None) for spec in default if isinstance(spec, Count | Any) and spec.days == days[0]]
    others = [replace(spec, last=n) for n in lasts for spec in default if isinstance(spec, Mean | Trend | Share)]
    return [*default, *ever, *others]


def _word(name: str, spec: Spec | None, book: Codebook) -> tuple[str, str, str]:
    if spec is not None:
        return _KINDS[spec.kind], spec.unit, spec.meaning(book)
    return ("key", "", _KEYS[name]) if name in _KEYS else ("own", "", _OWN)
