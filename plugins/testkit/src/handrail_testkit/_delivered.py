"""What a guarded stream delivers, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail import Blocked, Finished, RailFailed, TextDelta
from handrail.errors import InvalidArgumentError

if TYPE_CHECKING:
    from handrail import Event, GenerationResponse, LLMRails


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a stream.

    Attributes:
        text: the text that was delivered, less what was retracted.
        pieces: the texts in which it was delivered.
        events: everything that was delivered, in order.
        response: the result of the call: usage, log, tool calls.
    """

    text: str
    pieces: tuple[str, ...]
    events: tuple[Event, ...]
    response: GenerationResponse

    @property
    def blocked(self) -> Blocked | None:
        """The refusal that ended the stream, if one did."""
        return last if isinstance(last := self._last, Blocked) else None

    @property
    def failed(self) -> RailFailed | None:
        """The rail's failure that ended the stream, if one did."""
        return last if isinstance(last := self._last, RailFailed) else None

    @property
    def finished(self) -> bool:
        """True if everything was delivered."""
        return isinstance(self._last, Finished)

    @property
    def _last(self) -> Event | None:
        return self.events[-1] if self.events else None


async def delivered(rails: LLMRails, prompt: str | None = "Hello", **arguments: Any) -> Delivered:
    """Stream a guarded answer to its end, and give what was delivered.

    Args:
        rails: the guarded model.
        prompt: the user's message; None if there are `messages`.
        arguments: what else `LLMRails.stream` takes, such as `messages`, `options` or `generator=stream_of(text)`.
    """
    InvalidArgumentError.unless(hasattr(rails, "stream"), "rails", rails, "an LLMRails")
    if "messages" in arguments:
        prompt = None
    async with rails.stream(prompt, **arguments) as stream:
        events = tuple([event async for event in stream])
    pieces = tuple(event.text for event in events if isinstance(event, TextDelta))
    return Delivered(stream.response.text, pieces, events, stream.response)
