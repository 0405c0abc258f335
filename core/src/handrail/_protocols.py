"""The interfaces between the kernel and plugins: what an author implements, and what an author is given.

Nothing here needs to be inherited from: any object of the right shape will do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from handrail._turn import Turn
    from handrail._types import Chunk, Message, Ruling, Verdict, Window


class Provider(Protocol):
    """Reaches one language model. Built as `Provider(settings, context)`, once per configured model.

    May also have `async def aclose(self) -> None`, awaited when the `LLMRails` that owns it is closed.
    """

    def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Ask the model; nothing may happen before the first chunk is asked for.

        The iterator is closed with `aclose()` if it has one, also when it is left early; by then the request must
        be cancelled. It ends by ending, or raises a `ProviderError`; a connection that breaks is an error.

        Args:
            messages: the conversation in OpenAI's form.
            params: parameters of this call, which override the configured ones: `temperature`, `max_tokens`,
                `stop`, `tools`, `tool_choice` and whatever else the engine knows.
        """
        ...


@runtime_checkable
class WindowRail(Protocol):
    """Judges windows of text. Built as `Rail(settings, context)`, once per flow of a configuration.

    May also have `async def aclose(self) -> None`, awaited when the `LLMRails` that owns it is closed.
    """

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge one window. May be slow. Several checks of one stream may run at once.

        Raising means that the rail failed, which blocks unless the configuration says `on_error: allow`.
        """
        ...


class WindowSession(Protocol):
    """Judges the windows of one stream and channel, one at a time and in order, and may keep what it has seen."""

    async def check(self, window: Window) -> Verdict:
        """Judge the next window; see `WindowRail.check`."""
        ...


@runtime_checkable
class StatefulWindowRail(Protocol):
    """Judges windows with a state for each stream; its `RailSpec` has `stateful=True`.

    Built as `Rail(settings, context)`, once per flow of a configuration. May also have `aclose`, as a window rail may.
    """

    def open(self, turn: Turn) -> WindowSession:
        """Start a stream. Where a rail before it rewrites, what is left is read again, by a session of its own."""
        ...


class Session(Protocol):
    """The state of a stream rail for one stream. Both methods are plain functions and must be quick."""

    def feed(self, text: str) -> Ruling:
        """Take the next characters; say what is final now."""
        ...

    def finish(self) -> Ruling:
        """No more will come; say everything that is still held."""
        ...


@runtime_checkable
class StreamRail(Protocol):
    """Judges or rewrites text character by character, with a session for each stream.

    Built as `Rail(settings, context)`, once per flow of a configuration. May also have `aclose`, as a window rail may.
    """

    def open(self, turn: Turn) -> Session:
        """Start a stream."""
        ...


class Strategy(Protocol):
    """Cuts one stream into windows for one rail, without I/O. Built as `Strategy(settings, count_tokens)`.

    May also have an attribute `needs: int`: how many more characters must come before `window` can give anything. The
    kernel then gathers so much before it feeds and asks again, which is cheaper; without it, it asks after each chunk.
    """

    def feed(self, text: str) -> None:
        """More text has come."""
        ...

    def finish(self) -> None:
        """No more text will come."""
        ...

    def window(self) -> Window | None:
        """Return the next window, or None while too little has come; asked whenever the rail has a free slot.

        Windows go forwards and skip nothing: the first starts at 0 and each next one where the last one ended.
        After `finish`, windows come until all text is covered, then None.
        """
        ...
