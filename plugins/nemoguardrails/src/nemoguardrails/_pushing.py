"""A guarded answer, event by event, into the `StreamingHandler` of a caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handrail import Blocked, Event, Finished, GenerationResponse, Message, RailFailed, StreamError, TextDelta

if TYPE_CHECKING:
    from handrail import GuardedStream

    from nemoguardrails._results import Names
    from nemoguardrails.streaming import StreamingHandler


async def push_all(handler: StreamingHandler, stream: GuardedStream, names: Names) -> GenerationResponse:
    """Push a stream to its end, and return what came of it."""
    async with stream:
        async for event in stream:
            await push(handler, event, names)
    return stream.response


async def push(handler: StreamingHandler, event: Event, names: Names) -> None:
    """Push what an event says."""
    if isinstance(event, TextDelta):
        await handler.push_chunk(event.text)
    elif isinstance(event, Blocked) and event.direction == "input":
        await handler.push_chunk(event.message)
    elif isinstance(event, Blocked | RailFailed):
        await handler.push_chunk(StreamError.of(names.stop(event)))
    elif isinstance(event, Finished) and handler.include_metadata and event.usage is not None:
        usage = event.usage
        tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        await handler.push_chunk("", {"usage": {**tokens, "total_tokens": usage.total_tokens}})


def content_of(response: str | Sequence[Message]) -> str:
    """Return the text of an answer."""
    if isinstance(response, str):
        return response
    said = (message.get("content") for message in response)
    return "".join(text for text in said if isinstance(text, str))
