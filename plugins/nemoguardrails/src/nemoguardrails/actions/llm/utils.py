"""Asking a model from an action."""

from __future__ import annotations

from handrail_colang import llm_call as llm_call

__all__ = ["llm_call"]
