"""missing_patterns: why children go missing, and go again.

Return-interview records in; triggers, patterns over groups and a monthly report out. The names below are the
public interface. Nothing heavy is loaded until it is used: ``import missing_patterns`` loads neither scikit-learn
nor statsmodels nor matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "read_records": "ingest",
    "sniff": "ingest",
    "write_fix_list": "ingest",
    "make_borough": "synthetic",
    "build_episodes": "episodes",
    "gap_times": "episodes",
    "to_counting_process": "episodes",
    "read_codebook": "codebook",
    "read_settings": "settings",
    "code_triggers": "triggers",
    "drop_bare_interviews": "triggers",
    "link_interviews": "triggers",
    "build_features": "features",
    "build_outcomes": "features",
    "feature_dictionary": "features",
    "feature_specs": "features",
    "read_calendar": "features",
    "TriggerFeatures": "features",
    "build_month": "report",
    "reconcile": "reconciliation",
}
_ROOMS = (
    "disclosure",
    "errors",
    "features",
    "monitoring",
    "patterns",
    "plots",
    "prediction",
    "recurrence",
    "scale",
    "schema",
)

__all__ = ["__version__", *_WHERE, *_ROOMS]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"missing_patterns.{_WHERE[name]}"), name)
    if name in _ROOMS:
        return import_module(f"missing_patterns.{name}")
    raise AttributeError(f"module 'missing_patterns' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
