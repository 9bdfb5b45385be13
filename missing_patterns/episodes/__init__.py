"""Incidents to episodes, episodes to gap times and to the counting process.

Everything here is per child and uses whole arrays: no loop over children, whatever their number.
"""

from __future__ import annotations

from missing_patterns.episodes.build import build_episodes
from missing_patterns.episodes.gaps import gap_times
from missing_patterns.episodes.risk import to_counting_process

__all__ = ["build_episodes", "gap_times", "to_counting_process"]
