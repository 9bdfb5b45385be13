"""The same steps over partitions of children, on the processes of one machine or of many."""

from __future__ import annotations

from missing_patterns.scale.parts import map_children, part_numbers

__all__ = ["map_children", "part_numbers"]
