"""Does what we do help? An action after a return, and the time to the next episode: weighted, without immortal time.

``exposure`` lays out returns and actions, ``covariates`` what was known at the return, ``weights`` who is acted on when
and the weighted rates, ``estimates`` every method, ``balance`` what to check, ``model`` the comparison, ``words`` what
it says and how it looks.
"""

from __future__ import annotations

from missing_patterns.recurrence.effects.balance import e_value
from missing_patterns.recurrence.effects.covariates import default_covariates
from missing_patterns.recurrence.effects.exposure import completed_interviews
from missing_patterns.recurrence.effects.model import ActionComparison, compare_after

__all__ = ["ActionComparison", "compare_after", "completed_interviews", "default_covariates", "e_value"]
