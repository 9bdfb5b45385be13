"""Patterns over groups of children: what triggers are named, when children go, and who goes missing alike.

Nothing here ranks or scores a child. :class:`TriggerTypes` is a scikit-learn estimator and is loaded when it is
first used, so that importing this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from missing_patterns.patterns.change import trigger_change
from missing_patterns.patterns.counts import Level, TriggerCounts, child_trigger_counts
from missing_patterns.patterns.prevalence import trigger_prevalence, wilson
from missing_patterns.patterns.when import calendar_rates

if TYPE_CHECKING:
    from missing_patterns.patterns.child_types import TriggerTypes

__all__ = [
    "Level",
    "TriggerCounts",
    "TriggerTypes",
    "calendar_rates",
    "child_trigger_counts",
    "trigger_change",
    "trigger_prevalence",
    "wilson",
]


def __getattr__(name: str) -> Any:
    if name == "TriggerTypes":
        return import_module("missing_patterns.patterns.child_types").TriggerTypes
    raise AttributeError(f"module 'missing_patterns.patterns' has no attribute {name!r}")
