"""Reads a provider before its text may go anywhere: one task owns its stream from the first chunk to the end."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

import anyio

from handrail._stream.source import close_source
from handrail._types import Chunk, Usage


class Prefetch(AsyncIterator[Chunk]):
    """A provider's stream that is read ahead, at most so many chunks.

    Args:
        source: the provider's stream.
        provider: its distribution and version, for the log.
        limit: how many chunks may wait.
    """

    def __init__(self, source: AsyncIterator[Chunk], provider: str, limit: int) -> None:
        self._source = source
        self._provider = provider
        self._limit = limit
        self._chunks: deque[Chunk] = deque()
        self._scope = anyio.CancelScope()
        self._closed = anyio.Event()
        self._changed = anyio.Event()
        self._error: Exception | None = None
        self.texts: list[str] = []  # all that came
        self.usage: Usage | None = None  # what it has cost so far, if the provider said so

    async def run(self) -> None:
        """Read until the end, or until `aclose`; runs in a task of the stream."""
        try:
            with self._scope:
                await self._read()
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: whoever reads the chunks gets it
            self._error = exc
        finally:
            await close_source(self._source, self._provider)
            self._closed.set()
            self._notify()

    async def __anext__(self) -> Chunk:
        while not self._chunks:
            if self._closed.is_set():
                if self._error is not None:
                    error, self._error = self._error, None
                    raise error
                raise StopAsyncIteration
            await self._changed.wait()
        chunk = self._chunks.popleft()
        self._notify()
        return chunk

    async def aclose(self) -> None:
        """Stop reading; returns when the provider is closed."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._closed.wait()

    async def _read(self) -> None:
        async for chunk in self._source:
            self._chunks.append(chunk)
            if isinstance(chunk, Chunk):  # whoever takes it refuses anything else
                self.texts.append(chunk.text)
                self.usage = chunk.usage or self.usage
            self._notify()
            while len(self._chunks) >= self._limit:
                await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
