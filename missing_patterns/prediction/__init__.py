"""Opt-in: can what is known at a return tell which returns are soon followed by another episode? Groups only.

A logistic model is trained on returns before a date and judged on returns after it, beside two benchmarks that need
no model. It gives tables about groups, never a score for a child, and it refuses to run without a stated purpose or
with too few repeats. What Works for Children's Social Care (2020) found no evidence that models of this kind worked
well in four English authorities: expect little, and read the calibration before the discrimination. What is reported
follows TRIPOD+AI (Collins et al. 2024).
"""

from __future__ import annotations

from missing_patterns.prediction.model import repeat_model
from missing_patterns.prediction.result import RepeatModel

__all__ = ["RepeatModel", "repeat_model"]
