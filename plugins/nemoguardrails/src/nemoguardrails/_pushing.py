"""A guarded answer, event by event, into the `StreamingHandler` of a caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import Blocked, Event, Finished, Message, RailFailed, StreamError, TextDelta

if TYPE_CHECKING:
    from nemoguardrails._results import Names
    from nemoguardrails.streaming import StreamingHandler


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


def content_of(response: str | list[Message]) -> str:
    """Return the text of an answer."""
    if isinstance(response, str):
        return response
    return "".join(str(message.get("content") or "") for message in response)
