"""The chunks of a stream, as a program gets them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Any

from handrail import StreamError
from handrail_colang import call_variables

from nemoguardrails._results import Names, fit_for_readers

if TYPE_CHECKING:
    from handrail_colang import CallVariables


class Generator:
    """The text that a program generates itself. What that raises is kept, for it is the program's own.

    Args:
        source: yields the text.
    """

    def __init__(self, source: AsyncIterable[str]) -> None:
        self.error: Exception | None = None
        self._source = source

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        try:
            async for text in self._source:
                yield text
        except Exception as exc:
            self.error = exc
            raise
        finally:
            close = getattr(self._source, "aclose", None)
            if close is not None:
                await close()


class GuardedTexts:
    """The chunks of `stream_async`, whose errors are fit for readers. Ends and closes as the stream beneath it does.

    Args:
        stream: the chunks.
        names: the rails' names.
        variables: those of the call, which whatever runs in it finds; None for a stream that needs none.
        generator: where the text comes from, if the program generates it.
    """

    __slots__ = ("__weakref__", "_generator", "_names", "_stream", "_variables")

    def __init__(
        self,
        stream: AsyncIterator[Any],
        names: Names,
        variables: CallVariables | None = None,
        generator: Generator | None = None,
    ) -> None:
        self._stream = stream
        self._names = names
        self._variables = variables
        self._generator = generator

    def __aiter__(self) -> GuardedTexts:
        return self

    async def __anext__(self) -> Any:
        chunk = await (anext(self._stream) if self._variables is None else self._within_the_call())
        if type(chunk) is str:
            return chunk
        if self._generator is not None and self._generator.error is not None:
            raise self._generator.error
        if isinstance(chunk, StreamError):
            return fit_for_readers(chunk, self._names)
        if isinstance(chunk, dict) and isinstance(error := chunk.get("text"), StreamError):
            return {**chunk, "text": fit_for_readers(error, self._names)}
        return chunk

    async def _within_the_call(self) -> Any:
        token = call_variables.set(self._variables)
        try:
            return await anext(self._stream)
        finally:
            call_variables.reset(token)

    async def aclose(self) -> None:
        """End the stream: the model's is closed and every check cancelled."""
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()
