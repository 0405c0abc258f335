"""Where an answer comes from: what it yields must be chunks, is read in slices, and is closed whatever happens."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import replace
from traceback import walk_tb
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

import anyio

from handrail._stream.backend import cancelled_from_outside
from handrail._stream.received import no_text
from handrail._types import Chunk, ToolCallDelta
from handrail.errors import InvalidRequestError, PluginContractError, ProviderError

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.received import Received

logger = logging.getLogger("handrail")

CLOSE_SECONDS = 5.0  # how long a provider may take to close; then it is left, and the log says so

SLICE: Final = 1024
"""Characters that are read at once, so that rails which read every one do not hold the loop: at 4 µs each, 4 ms."""

LONG_SLICE: Final = 4 * SLICE
"""The same where rails see windows alone, which costs less than judging each of `SLICE`; and of small pieces that a
consumer takes one by one, for letting others run costs as much as eight of them."""

Opened = TypeVar("Opened")

Pieces: TypeAlias = AsyncIterator[Chunk] | AsyncIterator[str]
"""A provider's stream, or texts that somebody else generates."""


class Source(Protocol):
    """Opens the stream of one answer.

    Attributes:
        provider: the provider's distribution and version, for errors.
        is_texts: True if the stream is one of texts instead of chunks.
    """

    provider: str
    is_texts: bool

    async def open(self, gate: Gate) -> Pieces | None:
        """Return the provider's stream once it may be read; None after ending the gate, if it may not."""
        ...

    def closed(self, received: Received) -> None:
        """Record that the stream was closed, however it ended."""


class OneChunk:
    """A source of one chunk: a text that is already whole."""

    is_texts = False

    def __init__(self, chunk: Chunk, provider: str = "text") -> None:
        self.provider = provider
        self._chunk = chunk

    async def open(self, gate: Gate) -> Pieces:  # noqa: ARG002  # the interface
        """Return a stream of the one chunk."""
        return _single(self._chunk)

    def closed(self, received: Received) -> None:
        """Do nothing: there was nothing open."""


async def _single(chunk: Chunk) -> AsyncGenerator[Chunk, None]:
    yield chunk


def as_chunk(item: object, source: Source) -> Chunk:
    """Return what a stream yielded as a chunk, if it is one.

    Raises:
        InvalidRequestError: it is a stream of texts, and this is no text.
        PluginContractError: it is a provider's, and this is no chunk.
    """
    if source.is_texts:
        if isinstance(item, str):
            return Chunk(item)
        raise InvalidRequestError(f"the generator yielded {type(item).__name__!r}; it must yield text")
    if isinstance(item, Chunk):
        return item
    raise not_a_chunk(item, source.provider)


def plain_text(text: object) -> str:
    """Return a chunk's text as a plain `str`.

    Raises:
        PluginContractError: it is none.
    """
    if isinstance(text, str):
        return str.__str__(text)
    raise no_text(text, "text")


def not_a_chunk(item: object, provider: str) -> PluginContractError:
    """Make the error for a provider that yields something else."""
    return PluginContractError(
        f"{provider}: the provider yielded {type(item).__name__!r}; it must yield Chunk objects", plugin=provider
    )


def opened(stream: Opened, provider: str) -> Opened:
    """Return what a provider's `stream` returned, if it can be iterated with `async for`.

    Raises:
        PluginContractError: it cannot.
    """
    if hasattr(stream, "__aiter__"):
        return stream
    if inspect.iscoroutine(stream):
        stream.close()
    raise PluginContractError(
        f"{provider}: stream() of the provider returned {type(stream).__name__!r}; make it an async generator, with "
        "'async def' and 'yield', or return an async iterator of Chunk objects",
        plugin=provider,
    )


def kept_error(error: BaseException, provider: str, stream: object) -> Exception | None:
    """Return what broke the generation, to be told after what was read.

    None stands for what is none of the provider's: cancellation from outside, and what ends a program.
    """
    if isinstance(error, Exception):
        return error
    is_theirs = isinstance(error, GeneratorExit) and _came_out_of(stream, error)
    ends = isinstance(error, GeneratorExit | KeyboardInterrupt | SystemExit) or cancelled_from_outside()
    if ends and not is_theirs:
        return None
    return cancelled_inside(provider)


def _came_out_of(stream: object, error: BaseException) -> bool:
    """Return whether an error passed through the code of a generator; a loop that ends closes all, in any order.

    The first frame is whose who reads it, which may be of the same code, where one guard reads another.
    """
    code, began = getattr(stream, "ag_code", None), error.__traceback__
    return code is not None and began is not None and any(frame.f_code is code for frame, _ in walk_tb(began.tb_next))


def cancelled_inside(provider: str) -> ProviderError:
    """Make the error for a provider that was cancelled by something of its own: its answer is not complete."""
    return ProviderError(f"{provider}: the provider's stream was cancelled from inside, and is not complete")


async def close_source(source: object, provider: str) -> None:
    """Await a provider's `aclose`, if it has one, also while the caller is being cancelled."""
    aclose = getattr(source, "aclose", None)
    if aclose is None or getattr(source, "ag_frame", source) is None:  # a generator that has ended is closed
        return
    with anyio.move_on_after(CLOSE_SECONDS, shield=True) as scope:
        try:
            await aclose()
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: the stream is over, its result stands
            logger.warning("%s: closing the provider's stream failed: %s", provider, type(exc).__name__)
    if scope.cancelled_caught:
        logger.warning("%s: the provider's stream did not close within %g seconds", provider, CLOSE_SECONDS)


def says_more(chunk: Chunk) -> bool:
    """Return whether a chunk has anything beside text, which hardly any has."""
    return bool(chunk.reasoning or chunk.tool_calls or chunk.usage or chunk.finish_reason or chunk.metadata)


def parts(chunk: Chunk) -> Iterator[Chunk]:
    """Yield a chunk in parts whose reasoning and arguments are slices; mostly it is one itself, and the last.

    Raises:
        PluginContractError: its reasoning is no text, or its tool calls are none.
    """
    calls = chunk.tool_calls
    if not isinstance(chunk.reasoning, str):
        raise no_text(chunk.reasoning, "reasoning")
    if not isinstance(calls, tuple | list):
        raise PluginContractError(f"a chunk has its tool calls in {type(calls).__name__!r}; it must be a tuple")
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
    if not isinstance(call, ToolCallDelta):
        return True
    if not isinstance(call.arguments, str):
        raise no_text(call.arguments, "arguments of a tool call")
    return len(call.arguments) <= SLICE


def _parts_of(call: ToolCallDelta) -> Iterator[ToolCallDelta]:
    if _is_short(call):
        yield call
        return
    for start in range(0, len(call.arguments), SLICE):
        part = call.arguments[start : start + SLICE]
        yield replace(call, arguments=part) if start == 0 else ToolCallDelta(call.index, None, None, part, call.kind)
