"""A `BufferStrategy`, which is an asynchronous generator, as a strategy of Handrail, which is asked for windows."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any

from handrail import Window

if TYPE_CHECKING:
    from nemoguardrails.rails.llm.buffer import BufferStrategy, ChunkBatch

_STARVED = object()


class BufferedStrategy:
    """Drives a buffer by hand, without an event loop: it pauses where it waits for the next chunk.

    Args:
        buffer: its batches must show the text as it came, skip none of it, and release nothing that they do not show.
    """

    def __init__(self, buffer: BufferStrategy) -> None:
        self._buffer = buffer
        self._source = _Source()
        self._batches: AsyncGenerator[ChunkBatch, None] | None = None
        self._waiting: Any = None
        self._text = ""
        self._start = 0  # end of the last window
        self._clears = 0
        self._exhausted = False

    def feed(self, text: str) -> None:
        """Take the next chunk."""
        if text:
            self._text += text
            self._source.chunks.append(text)

    def finish(self) -> None:
        """Record that no more will come."""
        self._source.ended = True

    def window(self) -> Window | None:
        """Return the next batch that has something new as a window; at the end, whatever no batch has shown.

        Raises:
            ValueError: the batches do not show the text as it came.
        """
        while (batch := self._next_batch()) is not None:
            if (window := self._window_of(batch)) is not None:
                return window
        if not self._exhausted or self._start == len(self._text):
            return None
        return self._window(self._clears, len(self._text), self._clears)

    def _window_of(self, batch: ChunkBatch) -> Window | None:
        judged = self._buffer.format_chunks(list(batch.processing_context))
        released = self._buffer.format_chunks(list(batch.user_output_chunks))
        if not self._text.startswith(released, self._clears):
            raise ValueError(f"{type(self._buffer).__name__} releases text that did not come: {released[:40]!r}")
        clears = self._clears + len(released)
        end = self._end_of(judged, clears)
        if end - len(judged) > self._start or end < clears:
            raise ValueError(f"{type(self._buffer).__name__} releases text that it does not show to the rail")
        self._clears = clears
        return self._window(end - len(judged), end, clears) if end > self._start else None

    def _end_of(self, judged: str, clears: int) -> int:
        taken = len(self._text) - sum(map(len, self._source.chunks))
        if self._text.endswith(judged, 0, taken):
            return taken
        begin = self._text.find(judged, max(clears - len(judged), 0))
        if begin < 0:
            raise ValueError(f"{type(self._buffer).__name__} shows text that did not come: {judged[:40]!r}")
        return begin + len(judged)

    def _window(self, context_start: int, end: int, clears: int) -> Window:
        last = self._source.ended and end == len(self._text)
        start, self._start = self._start, end
        return Window(self._text[context_start:end], context_start, start, end, end if last else clears, last)

    def _next_batch(self) -> ChunkBatch | None:
        if self._exhausted:
            return None
        if self._batches is None:
            self._batches = self._buffer(self._source)
        try:
            return self._step(self._batches)
        except StopAsyncIteration:
            self._exhausted = True
            return None

    def _step(self, batches: AsyncGenerator[ChunkBatch, None]) -> ChunkBatch | None:
        """Go on to the next batch; None if it waits for a chunk."""
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)  # the generator is no business of the event loop's
        try:
            if self._waiting is None:
                self._waiting = anext(batches)
            if self._waiting.send(None) is not _STARVED:
                raise TypeError(f"{type(self._buffer).__name__} awaits something else than the next chunk")
        except StopIteration as done:
            self._waiting = None
            batch: ChunkBatch = done.value
            return batch
        finally:
            sys.set_asyncgen_hooks(*hooks)
        return None


class _Source:
    """The stream that a buffer iterates over."""

    def __init__(self) -> None:
        self.chunks: deque[str] = deque()
        self.ended = False

    def __aiter__(self) -> _Source:
        return self

    async def __anext__(self) -> str:
        while not self.chunks:
            if self.ended:
                raise StopAsyncIteration
            await _Pause()
        return self.chunks.popleft()


class _Pause:
    def __await__(self) -> Generator[object, None, None]:
        yield _STARVED
