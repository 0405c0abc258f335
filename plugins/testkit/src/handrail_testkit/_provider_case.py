"""A provider to be tested, and what the tests need to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from handrail import Chunk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from handrail import Message, Provider

PROMPT = 30.0
"""Seconds that count as promptly, on a machine that is busy with other things."""


@dataclass(frozen=True, slots=True)
class ProviderCase:
    """A provider to be tested, and what the tests need to know of it.

    Attributes:
        provider: answers `messages` with at least two chunks of text, always the same.
        messages: a conversation that it answers.
        params: parameters of each call.
        expected_text: the answer, where it is known.
        gives_usage: whether it tells the tokens that a call has cost.
        failing: one whose answer fails, at once or after a while; None if none can be made to.
        secret: a key that both are made with, and that must appear nowhere.
        requests: counts the requests that have reached the model; None if they cannot be counted.
        is_idle: waits until no request is under way, and says whether it came to that; it runs in a thread.
    """

    provider: Provider
    messages: Sequence[Message] = ({"role": "user", "content": "Hello"},)
    params: Mapping[str, Any] = field(default_factory=dict)
    expected_text: str | None = None
    gives_usage: bool = True
    failing: Provider | None = None
    secret: str | None = None
    requests: Callable[[], int] = lambda: 0
    is_idle: Callable[[], bool] = lambda: True

    async def all(self, provider: Provider | None = None) -> list[Chunk]:
        """Ask, and take the whole answer."""
        with anyio.fail_after(PROMPT):
            async with aclosing(self.stream(provider)) as stream:
                return [chunk async for chunk in stream]

    async def stream(self, provider: Provider | None = None) -> AsyncGenerator[Chunk, None]:
        """Ask, and close the answer also where it is no generator."""
        stream = (provider or self.provider).stream(self.messages, self.params)
        try:
            async for chunk in stream:
                yield chunk
        finally:
            await close_stream(stream)

    async def has_stopped(self) -> bool:
        """Return whether the model has been stopped."""
        return await anyio.to_thread.run_sync(self.is_idle)


async def close_stream(stream: object) -> None:
    """Close what a provider gave, if it can be closed."""
    if hasattr(stream, "aclose"):
        await stream.aclose()
