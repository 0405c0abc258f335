"""`KnowledgeBase`, for annotations."""

from __future__ import annotations

from typing import Protocol


class KnowledgeBase(Protocol):
    """The type of an action's parameter `kb`. There is none: `LLMRails.kb` is None, and none can be made."""
