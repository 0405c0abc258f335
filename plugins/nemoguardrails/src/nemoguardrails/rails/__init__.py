"""Rails, and the configuration that names them."""

from __future__ import annotations

from nemoguardrails.rails.llm.config import RailsConfig as RailsConfig
from nemoguardrails.rails.llm.llmrails import LLMRails as LLMRails

__all__ = ["LLMRails", "RailsConfig"]
