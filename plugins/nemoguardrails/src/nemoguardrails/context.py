"""What belongs to the call that is running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from handrail_colang import call_variables
from handrail_colang import llm_call_info_var as llm_call_info_var

from nemoguardrails._missing import names_of
from nemoguardrails.streaming import StreamingHandler

if TYPE_CHECKING:
    from handrail_colang import CallVariables

    from nemoguardrails.rails.llm.options import GenerationOptions

streaming_handler_var: ContextVar[StreamingHandler | None] = ContextVar("streaming_handler", default=None)
"""The handler that was passed to `generate_async`."""

generation_options_var: ContextVar[GenerationOptions | None] = ContextVar("generation_options", default=None)
"""The options of the call."""


@contextmanager
def during(call: CallVariables, options: GenerationOptions | None) -> Iterator[None]:
    """Show a call's variables and options to whatever runs in it."""
    tokens = call_variables.set(call), generation_options_var.set(options)
    try:
        yield
    finally:
        call_variables.reset(tokens[0])
        generation_options_var.reset(tokens[1])


if not TYPE_CHECKING:  # a type checker must still find a misspelt name
    __getattr__ = names_of(__name__)

__all__ = ["generation_options_var", "llm_call_info_var", "streaming_handler_var"]
