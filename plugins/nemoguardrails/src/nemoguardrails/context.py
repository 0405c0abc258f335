"""What belongs to the call that is running."""

from __future__ import annotations

from contextvars import ContextVar

from nemoguardrails.streaming import StreamingHandler

streaming_handler_var: ContextVar[StreamingHandler | None] = ContextVar("streaming_handler", default=None)
"""The handler that was passed to `generate_async`."""
