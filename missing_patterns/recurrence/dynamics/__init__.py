"""Repeat dynamics: short runs of episodes told apart from children who simply go often."""

from __future__ import annotations

from missing_patterns.recurrence.dynamics.boundary import DynamicsTest
from missing_patterns.recurrence.dynamics.model import RepeatDynamics
from missing_patterns.recurrence.dynamics.simulate import simulate_repeats

__all__ = ["DynamicsTest", "RepeatDynamics", "simulate_repeats"]
