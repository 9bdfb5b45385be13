"""The same steps over partitions of children, on the processes of one machine or of many."""

from __future__ import annotations

from missing_patterns.scale.build import build_features, build_intervals
from missing_patterns.scale.parts import map_children, part_numbers

__all__ = ["build_features", "build_intervals", "map_children", "part_numbers"]
