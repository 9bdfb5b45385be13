"""A made-up borough whose truth is known: children, absences and return interviews, calibrated to published figures.

Nobody in it is real. Children differ in how often they go (lognormal), each episode briefly raises the chance of the
next, and each child belongs to a type that drives its triggers. See :func:`make_borough`; every number stands in
``parameters.py`` with its source.
"""

from __future__ import annotations

from missing_patterns.synthetic.borough import Borough, Truth, make_borough
from missing_patterns.synthetic.data_card import write_synthetic_data

__all__ = ["Borough", "Truth", "make_borough", "write_synthetic_data"]
