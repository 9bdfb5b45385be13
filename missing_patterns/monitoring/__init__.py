"""Watching the months: counts, control charts, and whether each return got its interview.

A signal says that a month is unlike the others, never why. The first thing to suspect is a change in recording.
"""

from __future__ import annotations

from missing_patterns.monitoring.chart import ControlChart, control_chart, monthly_counts
from missing_patterns.monitoring.ladder import InterviewLadder, interview_ladder

__all__ = ["ControlChart", "InterviewLadder", "control_chart", "interview_ladder", "monthly_counts"]
