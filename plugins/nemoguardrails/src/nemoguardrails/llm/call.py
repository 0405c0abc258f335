"""The newer home of the same names."""

from __future__ import annotations

from nemoguardrails.actions.llm.utils import llm_call, warn_if_truncated

__all__ = ["llm_call", "warn_if_truncated"]
