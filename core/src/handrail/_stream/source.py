"""Reading a provider: what it yields must be chunks, and its stream is closed whatever happens."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

import anyio

from handrail._types import Chunk
from handrail.errors import InvalidRequestError, PluginContractError

logger = logging.getLogger("handrail")

CLOSE_SECONDS = 5.0  # how long a provider may take to close; then it is left, and the log says so


def not_a_chunk(item: object, provider: str) -> PluginContractError:
    """Make the error for a provider that yields something else."""
    return PluginContractError(
        f"{provider}: the provider yielded {item!r}; it must yield Chunk objects", plugin=provider
    )


async def close_source(source: AsyncIterator[Chunk], provider: str) -> None:
    """Await a provider's `aclose`, if it has one, also while the caller is being cancelled."""
    aclose = getattr(source, "aclose", None)
    if aclose is None or getattr(source, "ag_frame", source) is None:  # a generator that has ended is closed
        return
    with anyio.move_on_after(CLOSE_SECONDS, shield=True) as scope:
        try:
            await aclose()
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: the stream is over, its result stands
            logger.warning("%s: closing the provider's stream failed: %s: %s", provider, type(exc).__name__, exc)
    if scope.cancelled_caught:
        logger.warning("%s: the provider's stream did not close within %g seconds", provider, CLOSE_SECONDS)


async def single(chunk: Chunk) -> AsyncGenerator[Chunk, None]:
    """Give a source of one chunk: a text that is already whole."""
    yield chunk


async def chunks_of_texts(texts: AsyncIterable[str]) -> AsyncGenerator[Chunk, None]:
    """Give the texts of any asynchronous iterator as chunks; closes it.

    Raises:
        InvalidRequestError: it yields something that is no text.
    """
    iterator = aiter(texts)
    try:
        async for text in iterator:
            if not isinstance(text, str):
                raise InvalidRequestError(f"the generator yielded {text!r}; it must yield text")
            yield Chunk(text)
    finally:
        if (aclose := getattr(iterator, "aclose", None)) is not None:
            await aclose()
