"""What belongs to the call that is running."""

from __future__ import annotations

from contextvars import ContextVar

from handrail_colang import llm_call_info_var as llm_call_info_var

from nemoguardrails.streaming import StreamingHandler

streaming_handler_var: ContextVar[StreamingHandler | None] = ContextVar("streaming_handler", default=None)
"""The handler that was passed to `generate_async`."""

__all__ = ["llm_call_info_var", "streaming_handler_var"]
