"""How the columns of a model are called in words: patsy's "C(sex)[T.male]" is "sex: male"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from missing_patterns.recurrence.cox.design import Design

_LEVEL = re.compile(r"^(?P<base>.*)\[(?:[TS]\.)?(?P<level>.*)\]$", re.DOTALL)
_NUMPY = re.compile(r"^np\.\w+\((.*)\)$")
_QUOTED = re.compile(r"""^Q\((['"])(.*)\1\)$""")


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that stands outside brackets."""
    parts, depth, begin = [], 0, 0
    for k, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == mark and depth == 0:
            parts.append(text[begin:k])
            begin = k + 1
    return [*parts, text[begin:]]


def _base(code: str) -> str:
    """Return the column that a categorical factor's code names."""
    code = code.strip()
    if code.startswith("C(") and code.endswith(")"):
        code = _split(code[2:-1], ",")[0].strip()
    quoted = _QUOTED.match(code)
    return quoted.group(2) if quoted else code


def spoken(name: str) -> str:
    """Return the name of a model's column in words.

    Parameters
    ----------
    name : str
        As in ``coef_``.

    Returns
    -------
    str
        Levels after a colon, interactions with a cross; a level "True" is left out.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> spoken("C(sex)[T.male]"), spoken("C(sex)[T.male]:n_moves"), spoken("in_care[T.True]"), spoken("log(age)")
    ('sex: male', 'sex: male × n_moves', 'in_care', 'log(age)')
    """
    said = []
    for part in _split(name, ":"):
        found = _LEVEL.match(part)
        if found is None:
            said.append(_base(part))
            continue
        numpy = _NUMPY.match(found["level"])
        level = numpy.group(1) if numpy else found["level"]
        said.append(_base(found["base"]) if level == "True" else f"{_base(found['base'])}: {level}")
    return " × ".join(said)


def reference_levels(design: Design) -> dict[str, str]:
    """Return, for each column that stands for a category, the category it is compared with, where that is known.

    Parameters
    ----------
    design : Design
        Rows and covariates.

    Returns
    -------
    dict of str to str
        Column -> the first category; only where the formula says ``C(column)`` without more, or the column itself.

    Raises
    ------
    Nothing.
    """
    info = design.covariates.info
    if info is None:
        return {}
    first = {}
    for factor, about in info.factor_infos.items():
        if about.type == "categorical" and "," not in factor.name():
            first[factor.name()] = str(about.categories[0])
    found = {}
    for name in design.names:
        match = _LEVEL.match(name)
        if match is not None and match["base"] in first and len(_split(name, ":")) == 1:
            found[name] = first[match["base"]]
    return found
