"""A feature table at each return, from facts that were known by then and nothing later."""

from __future__ import annotations

from missing_patterns.features.build import build_features
from missing_patterns.features.dictionary import feature_dictionary

__all__ = ["build_features", "feature_dictionary"]
