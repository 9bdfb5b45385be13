"""What triggered each episode: interviews and the codebook to a trigger table, and which interview covers what."""

from __future__ import annotations

from missing_patterns.triggers.coding import code_triggers, triggers_known, when_known
from missing_patterns.triggers.doubles import drop_bare_interviews
from missing_patterns.triggers.linking import link_interviews

__all__ = ["code_triggers", "drop_bare_interviews", "link_interviews", "triggers_known", "when_known"]
