"""Settings: frozen, read from TOML, every unknown name refused with the nearest known one.

``settings.toml`` beside this module holds every default with a comment that says what it is for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from missing_patterns.errors import SettingsRefused, did_you_mean

PROFILES = ("council",)
#: As in the schema, which stands beside this room and so cannot be imported; a test keeps the two the same.
CATEGORIES = ("missing", "away", "no_apparent_risk")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, flat; the sections of the TOML file are only headings.

    Parameters
    ----------
    name : str
        Name of the council, for the report.
    merge_gap : str
        Incidents of one child no further apart than this are one episode, such as ``"0h"`` or ``"30min"``.
    count_categories : tuple of str
        Categories that the headline counts.
    match_within_minutes : int
        Records of two systems that overlap, or miss each other by no more than this, are the same absence.
    collection_year : int
        Year in which the SSDA903 collection ends, on 31 March; 0 = as the name of the file or its folder says.
    due_hours : int
        Hours after the return within which an interview is due.
    linked_within_days : int
        How long after a return an interview that names no incident may still belong to it.
    lookback_months, chart_months : int
        Months behind figures that need more than one month, and months on the run chart.
    min_children_types, max_types : int
        Fewest children in a type that is shown, and most types that are tried.
    min_share_types : float
        Smallest share of the children in a type that is shown.
    profile : str
        Disclosure profile.
    threshold : int
        Counts of fewer children than this are withheld; at least 2.
    min_at_risk : int
        A curve stops where fewer children than this are still followed.
    terms, bank_holidays : str
        Paths of the council's own school terms and bank holidays, as ``read_calendar`` takes them; ``""`` = those
        that ship with the library. Read from a file, they are relative to its folder.

    Raises
    ------
    SettingsRefused
        If a value is of the wrong type or outside its bounds.

    Examples
    --------
    >>> read_settings().threshold
    5
    >>> Settings(**{**defaults(), "threshold": 0})
    Traceback (most recent call last):
    missing_patterns.errors.SettingsRefused: threshold must be at least 2: at 1 nothing would be withheld.
    """

    name: str
    merge_gap: str
    count_categories: tuple[str, ...]
    match_within_minutes: int
    collection_year: int
    due_hours: int
    linked_within_days: int
    lookback_months: int
    chart_months: int
    min_children_types: int
    min_share_types: float
    max_types: int
    profile: str
    threshold: int
    min_at_risk: int
    terms: str
    bank_holidays: str

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, list):
                object.__setattr__(self, f.name, tuple(value))
            _check_type(f.name, str(f.type), getattr(self, f.name))
        if self.threshold < 2:
            raise SettingsRefused("threshold must be at least 2: at 1 nothing would be withheld.")
        if self.min_at_risk < self.threshold:
            raise SettingsRefused("min_at_risk must be at least the threshold.")
        if self.profile not in PROFILES:
            hint = did_you_mean(self.profile, PROFILES)
            raise SettingsRefused(f"profile is not known; known: {', '.join(PROFILES)}.{hint}")
        strange = [c for c in self.count_categories if c not in CATEGORIES]
        if strange or not self.count_categories:
            raise SettingsRefused(f"count_categories must name some of: {', '.join(CATEGORIES)}.")
        for name in (
            "due_hours",
            "linked_within_days",
            "lookback_months",
            "chart_months",
            "min_children_types",
            "max_types",
        ):
            if getattr(self, name) < 1:
                raise SettingsRefused(f"{name} must be at least 1.")
        if not 0 <= self.match_within_minutes <= 1440:
            raise SettingsRefused("match_within_minutes must be from 0 to 1440, which is a day.")
        if self.collection_year and not 2000 <= self.collection_year <= 2098:
            raise SettingsRefused("collection_year must be a year such as 2026, or 0.")
        if not 0 < self.min_share_types < 1:
            raise SettingsRefused("min_share_types must be between 0 and 1.")
        _check_gap(self.merge_gap)


def read_settings(path: str | Path | None = None) -> Settings:
    """Read a council's settings over the defaults.

    Parameters
    ----------
    path : str or Path, optional
        A TOML file with some of the names of ``settings.toml``, under the same headings. None gives the defaults.

    Returns
    -------
    Settings

    Raises
    ------
    SettingsRefused
        If the file is absent or not TOML, or holds a name or value that is not known.

    Examples
    --------
    >>> read_settings().due_hours
    72
    """
    values = defaults()
    if path is None:
        return Settings(**values)
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsRefused(f"{path.name}: cannot be read ({type(error).__name__}). Check the path.") from None
    except UnicodeDecodeError:
        raise SettingsRefused(f"{path.name}: is not UTF-8 text. Save it again as UTF-8.") from None
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(f"{path.name}: is not TOML: {error}") from None
    own = _flatten(given, path.name)
    for name in ("terms", "bank_holidays"):
        if isinstance(own.get(name), str) and own[name]:
            own[name] = str(path.resolve().parent / own[name])
    return Settings(**values | own)


def defaults() -> dict[str, Any]:
    """Return the defaults of ``settings.toml`` as a flat dict.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> defaults()["lookback_months"]
    12
    """
    return {name: value for section in _sections().values() for name, value in section.items()}


@cache
def _sections() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((resources.files("missing_patterns") / "settings.toml").read_text(encoding="utf-8"))


#: Headings that belong to the scheduled run, which reads them itself from the same file.
RUN_SECTIONS = ("paths", "run")


def _flatten(given: Mapping[str, Any], file: str) -> dict[str, Any]:
    problems, values = [], {}
    for heading, section in given.items():
        if heading in RUN_SECTIONS:
            continue
        known = _sections().get(heading)
        if known is None or not isinstance(section, dict):
            problems.append(f"[{heading}] is not a heading.{did_you_mean(heading, [*_sections(), *RUN_SECTIONS])}")
            continue
        for name, value in section.items():
            if name not in known:
                problems.append(f"[{heading}] {name} is not a setting.{did_you_mean(name, known)}")
            values[name] = value
    if problems:
        raise SettingsRefused("\n".join([f"{file}:", *(f"- {p}" for p in problems)]))
    return values


def _check_type(name: str, wanted: str, value: object) -> None:
    fits = {
        "str": isinstance(value, str),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "tuple[str, ...]": isinstance(value, tuple) and all(isinstance(v, str) for v in value),
    }[wanted]
    if not fits:
        in_words = {"str": "text", "int": "a whole number", "float": "a number"}.get(wanted, "a list of texts")
        raise SettingsRefused(f"{name} must be {in_words}.")


def _check_gap(gap: str) -> None:
    try:
        fits = pd.Timedelta(gap) >= pd.Timedelta(0)
    except ValueError:
        fits = False
    if not fits:
        raise SettingsRefused("merge_gap must be a length of time such as '0h' or '30min'.")
