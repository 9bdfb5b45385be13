"""Numbers in words, for sentences made from treated cells: a withheld cell is said to be withheld, never guessed at."""

from __future__ import annotations

from typing import Any

import pandas as pd

from missing_patterns.disclosure import is_withheld

WITHHELD = "a number that is withheld"


def n_of(value: Any, one: str, many: str = "") -> str:
    """Return a count with its noun: "1 child", "41 children", or that it is withheld.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> n_of(41, "child", "children"), n_of("c", "child", "children"), n_of(0, "episode")
    ('41 children', 'a withheld number of children', 'no episodes')
    """
    many = many or one + "s"
    if is_withheld(value):
        return f"a withheld number of {many}"
    number = int(value)
    return f"{number:,} {one}" if number == 1 else (f"{number:,} {many}" if number else f"no {many}")


def share(value: Any) -> str:
    """Return a share as a whole percentage, or that it is withheld or not known.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> share(0.416), share("c"), share(None)
    ('42%', 'a withheld share', 'an unknown share')
    """
    if is_withheld(value):
        return "a withheld share"
    return "an unknown share" if value is None or pd.isna(value) else f"{round_half_up(100 * float(value))}%"


def shown(value: Any) -> bool:
    """Return whether a cell holds a number that is shown.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> shown(3), shown("c"), shown(None)
    (True, False, False)
    """
    return not is_withheld(value) and value is not None and not pd.isna(value)


def month_name(month: pd.Period) -> str:
    """Return a month as people write it, whatever the machine's language.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> month_name(pd.Period("2026-10", "M"))
    'October 2026'
    """
    names = "January February March April May June July August September October November December".split()
    return f"{names[month.month - 1]} {month.year}"


def sentence(text: str) -> str:
    """Return the text with a capital at its start.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> sentence("a withheld number of children went missing.")
    'A withheld number of children went missing.'
    """
    return text[:1].upper() + text[1:]


def after(start: str, text: str) -> str:
    """Put words before a sentence: its first letter becomes small.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> after("Over the year", "Of 12 returns, 9 were in time.")
    'Over the year, of 12 returns, 9 were in time.'
    """
    return f"{start}, {text[:1].lower()}{text[1:]}"


def listed(words: list[str]) -> str:
    """Join words with commas and a last "and".

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> listed(["home", "care", "friends"])
    'home, care and friends'
    """
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def round_half_up(number: float) -> int:
    """Round as people do: a half goes up.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> round_half_up(0.5), round_half_up(2.5)
    (1, 3)
    """
    return int(number + 0.5) if number >= 0 else -int(-number + 0.5)
