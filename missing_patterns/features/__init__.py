"""Features at each moment asked about, from facts that were known by then and nothing later; and what came after.

To add a feature: word it in a table of `specs.py` (their ground is `definition.py`), list it in `default.py`, and
reckon it in the module of its family (`of_episodes.py`, `of_moments.py`, `of_placements.py`, `of_interviews.py`,
`of_triggers.py`, `of_places.py`). A family of its own is one more such module, and a line in `build.py`.
"""

from __future__ import annotations

from importlib import import_module

from missing_patterns.features.build import build_features
from missing_patterns.features.calendar import read_calendar
from missing_patterns.features.default import feature_specs
from missing_patterns.features.dictionary import feature_dictionary
from missing_patterns.features.outcomes import build_outcomes
from missing_patterns.features.specs import (
    Any,
    Calendar,
    Count,
    Cycle,
    DaysSince,
    Latest,
    Mean,
    Same,
    Share,
    Streak,
    Sum,
    Together,
    Trend,
    Variety,
)

__all__ = [
    "Any",
    "Calendar",
    "Count",
    "Cycle",
    "DaysSince",
    "Latest",
    "Mean",
    "Same",
    "Share",
    "Streak",
    "Sum",
    "Together",
    "Trend",
    "TriggerFeatures",
    "Variety",
    "build_features",
    "build_outcomes",
    "feature_dictionary",
    "feature_specs",
    "read_calendar",
]


def __getattr__(name: str) -> object:
    # Loads scikit-learn, so only when it is asked for.
    if name == "TriggerFeatures":
        return import_module("missing_patterns.features.transformer").TriggerFeatures
    raise AttributeError(f"module 'missing_patterns.features' has no attribute {name!r}")
