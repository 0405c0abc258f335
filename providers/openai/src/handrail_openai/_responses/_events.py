"""Decodes the events of the Responses API: quickly where one only adds characters, which most of them do."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import DecodeError, Meta, Raw, Struct, ValidationError
from msgspec.json import Decoder

TEXT = "response.output_text.delta"
REFUSAL = "response.refusal.delta"
SUMMARY = "response.reasoning_summary_text.delta"
THOUGHT = "response.reasoning_text.delta"
ARGUMENTS = "response.function_call_arguments.delta"
INPUT = "response.custom_tool_call_input.delta"


class PlainDelta(Struct, forbid_unknown_fields=True):
    """More text, reasoning or arguments, and nothing beside it that could be news."""

    type: Literal[
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    ]
    delta: str
    output_index: int
    item_id: str | None = None
    content_index: int = 0
    summary_index: int = 0
    sequence_number: int | None = None
    logprobs: Annotated[list[Raw], Meta(max_length=0)] | None = None
    obfuscation: str | None = None


_decode = Decoder(PlainDelta).decode


def plain(data: bytes) -> PlainDelta | None:
    """Decode an event that only adds characters; None for all others."""
    try:
        return _decode(data)
    except (DecodeError, ValidationError, UnicodeDecodeError):
        return None
