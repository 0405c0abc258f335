"""Guarding texts that are whole before a rail sees them: a user's message, an answer that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread

from handrail._stream.batch import Batch
from handrail._stream.gate import Gate
from handrail._stream.source import OneChunk
from handrail._stream.steps import NEVER
from handrail._types import Chunk, ToolCallDelta

if TYPE_CHECKING:
    from handrail._events import Blocked, RailFailed
    from handrail._stream.plan import RailPlan
    from handrail._turn import Turn

T = TypeVar("T")

_SHORT = 8192  # characters, which are read as JSON within the ten milliseconds that the loop may be held


@dataclass(frozen=True, slots=True)
class Passed:
    """What rails let through of a message, and what stopped it."""

    text: str
    tool_calls: tuple[ToolCallDelta, ...]
    stop: Blocked | RailFailed | None


async def guard_text(
    rails: Sequence[RailPlan], text: str, turn: Turn, *, parallel: bool, as_written: bool = False
) -> tuple[str, Blocked | RailFailed | None]:
    """Run rails over a text that is whole; return it as they let it through, and what stopped it.

    See `guard_message` for the arguments.
    """
    passed = await guard_message(rails, text, turn, parallel=parallel, as_written=as_written)
    return passed.text, passed.stop


async def guard_message(
    rails: Sequence[RailPlan],
    text: str,
    turn: Turn,
    *,
    parallel: bool,
    tool_calls: tuple[ToolCallDelta, ...] = (),
    as_written: bool = False,
) -> Passed:
    """Run rails over a message that is whole.

    Args:
        rails: planned for a whole text.
        text: the message's text.
        turn: what they are told of the call.
        parallel: whether neighbouring window rails run at once.
        tool_calls: what the message has beside the text.
        as_written: whether the text is content already, which is not read as JSON.
    """
    gate = Gate(rails, turn, parallel=parallel, whole=True, as_written=as_written, inner=True)
    source = OneChunk(Chunk(text, tool_calls=tool_calls))
    items = await Batch(gate, source, max_characters=NEVER).take()
    text = "".join([item for item in items if isinstance(item, str)])
    return Passed(text, tuple([item for item in items if isinstance(item, ToolCallDelta)]), gate.stop)


async def beside_the_loop(function: Callable[[], T], characters: int) -> T:
    """Call a function that reads every character: at once for a short text, in a thread for a long one."""
    return function() if characters <= _SHORT else await anyio.to_thread.run_sync(function)
