"""Written accounts, assembled from our own phrases; what each account says is kept as truth."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from missing_patterns.synthetic import parameters as p

#: One mention: code and what the account says of it.
Mention = tuple[str, str]


@cache
def phrases() -> Mapping[str, Any]:
    """Return the phrases of ``codebooks/narratives.toml``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> sorted(phrases())
    ['closing', 'denied', 'hedged', 'opening', 'present', 'where']
    """
    path = resources.files("missing_patterns") / "codebooks" / "narratives.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def write_account(rng: np.random.Generator, triggers: Sequence[str]) -> tuple[str, list[Mention]]:
    """Write one account of an interview, and say what it mentions.

    Exploitation is as often suspected as stated. About a third of accounts also deny something that did not apply;
    some hedge about it.

    Parameters
    ----------
    rng : numpy Generator
        Source of chance.
    triggers : sequence of str
        The episode's true triggers.

    Returns
    -------
    tuple
        The account, and pairs of code and status (present, suspected or denied).

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> text, mentions = write_account(np.random.default_rng(3), ["circumstance_late"])
    >>> mentions[0]
    ('circumstance_late', 'present')
    """
    book = phrases()
    mentions: list[Mention] = []
    middle: list[str] = []
    for code in triggers:
        hedge = code in book["hedged"] and rng.random() < (0.5 if code.startswith("exploitation") else 0.1)
        middle.append(_one(rng, book["hedged" if hedge else "present"][code]))
        mentions.append((code, "suspected" if hedge else "present"))
    for chance, kind, status in ((p.NARRATIVE_DENIED, "denied", "denied"), (p.NARRATIVE_HEDGED, "hedged", "suspected")):
        others = [c for c in book[kind] if c not in triggers and c not in [m[0] for m in mentions]]
        if rng.random() < chance:
            code = _one(rng, others)
            middle.append(_one(rng, book[kind][code]))
            mentions.append((code, status))
    if rng.random() < 0.4:
        middle.insert(int(rng.random() * (len(middle) + 1)), _one(rng, book["where"]))
    sentences = [_one(rng, book["opening"]), *middle]
    if rng.random() < 0.6:
        sentences.append(_one(rng, book["closing"]))
    return " ".join(sentences), mentions


def _one(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.random() * len(options))]
