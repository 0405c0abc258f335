"""What comes at once is read in slices, so that rails which read every character do not hold the loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from handrail._types import Chunk, ToolCallDelta

SLICE: Final = 2048
"""Characters: at 4 µs for each, which is much, a slice takes 8 ms."""


def parts(chunk: Chunk) -> Iterator[Chunk]:
    """Yield a chunk in parts whose reasoning and arguments are slices; mostly it is one itself, and the last."""
    calls = chunk.tool_calls
    if len(chunk.reasoning) <= SLICE and all(_is_short(call) for call in calls):
        yield chunk
        return
    reasoning = chunk.reasoning
    for start in range(0, len(reasoning), SLICE):
        yield Chunk(reasoning=reasoning[start : start + SLICE])
    for call in calls:
        yield from (Chunk(tool_calls=(part,)) for part in _parts_of(call))
    yield replace(chunk, reasoning="", tool_calls=())


def _is_short(call: ToolCallDelta) -> bool:
    return not isinstance(call, ToolCallDelta) or len(call.arguments) <= SLICE


def _parts_of(call: ToolCallDelta) -> Iterator[ToolCallDelta]:
    if _is_short(call):
        yield call
        return
    for start in range(0, len(call.arguments), SLICE):
        part = call.arguments[start : start + SLICE]
        yield replace(call, arguments=part) if start == 0 else ToolCallDelta(call.index, None, None, part, call.kind)
