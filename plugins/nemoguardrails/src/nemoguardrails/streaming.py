"""`StreamingHandler`: an iterator that is fed by hand, for code from before `stream_async()`."""

from __future__ import annotations

import warnings
from asyncio import QueueEmpty
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import anyio

from nemoguardrails._origins import Origins
from nemoguardrails._patterns import PatternFilter
from nemoguardrails.utils import new_uuid

_GREEN, _PLAIN = "\033[92m", "\033[0m"


class _EndOfStream:
    def __repr__(self) -> str:
        return "END_OF_STREAM"


END_OF_STREAM = _EndOfStream()
"""Pushed into a handler: no more will come."""


class _Queue(deque[Any]):
    """What waits in a handler, with the words of `asyncio.Queue`."""

    def __init__(self, wait: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._wait = wait

    def qsize(self) -> int:
        return len(self)

    def empty(self) -> bool:
        return not self

    def get_nowait(self) -> Any:
        if not self:
            raise QueueEmpty
        return self.popleft()

    async def get(self) -> Any:
        while not self:
            await self._wait()
        return self.popleft()


class StreamingHandler:
    """Takes chunks of text with `push_chunk`, and gives them to whoever iterates over it. Serves one answer.

    Deprecated: use `LLMRails.stream_async()`.

    Args:
        enable_print: print each chunk, in green.
        enable_buffer: keep chunks in a buffer until `disable_buffering()`.
        include_metadata: give dictionaries with `text` and the chunk's `metadata` instead of text.

    Attributes:
        uid: of the handler alone.
        current_metadata: what is known of the answer so far.
        completion: the text so far, without what patterns have taken away.
        queue: what nobody has taken yet.
        stop: texts at which the answer ends; they are no part of it.
        streaming_finished_event: set at the end.
    """

    def __init__(
        self,
        enable_print: bool = False,  # noqa: FBT001, FBT002  # the published signature
        enable_buffer: bool = False,  # noqa: FBT001, FBT002
        include_metadata: bool | None = False,  # noqa: FBT001, FBT002
        include_generation_metadata: bool | None = None,  # noqa: FBT001
    ) -> None:
        warnings.warn(
            "StreamingHandler is deprecated; iterate over LLMRails.stream_async() instead",
            DeprecationWarning,
            stacklevel=2,
        )
        self.enable_print = enable_print
        self.enable_buffer = enable_buffer
        self.include_metadata = bool(include_metadata or include_generation_metadata)
        self._metadata_key = "generation_info" if include_generation_metadata else "metadata"
        self.completion = ""
        self.uid = new_uuid()
        self.current_metadata: dict[str, Any] = {}
        self.buffer = ""
        self.streaming_finished_event = anyio.Event()
        self._filter = PatternFilter()
        self._origins = Origins()
        self._news = anyio.Event()
        self.queue = _Queue(self._wait_for_news)
        self._piped_to: StreamingHandler | None = None
        self._ended = False

    @property
    def stop(self) -> list[str]:
        """The texts at which the answer ends."""
        return self._filter.stop

    @stop.setter
    def stop(self, stop: list[str]) -> None:
        self._filter.stop = list(stop)

    def set_pattern(self, prefix: str | None = None, suffix: str | None = None) -> None:
        """Take a text away from the beginning and from the end of the answer."""
        self._filter.prefix, self._filter.suffix = prefix or "", suffix or ""

    def set_pipe_to(self, another_handler: StreamingHandler) -> None:
        """Pass everything on to another handler."""
        self._piped_to = another_handler

    async def push_chunk(self, chunk: str | _EndOfStream | None, metadata: Mapping[str, Any] | None = None) -> None:
        """Take the next chunk. None and `END_OF_STREAM` end the answer; what comes after its end is dropped.

        Raises:
            TypeError: the chunk is something else.
        """
        if chunk is None:
            chunk = END_OF_STREAM
        if not isinstance(chunk, str | _EndOfStream):
            raise TypeError(f"a chunk is {type(chunk).__name__}; push text, or None at the end")
        if self._ended:
            return
        if isinstance(chunk, str):
            self._origins.came(chunk, metadata)
            text = self._filter.feed(chunk)
            for part, its_metadata in self._origins.of(text, self._filter.skipped):
                await self._emit(part, its_metadata)
            if not chunk:
                await self._emit("", metadata)
            if not self._filter.stopped:
                return
        await self._end()

    async def finish(self) -> None:
        """End the answer."""
        await self.push_chunk(END_OF_STREAM)

    async def wait(self) -> str:
        """Wait for the end, and give the whole answer."""
        await self.streaming_finished_event.wait()
        return self.completion

    async def enable_buffering(self) -> None:
        """Keep chunks in a buffer from now on."""
        self.enable_buffer = True

    async def disable_buffering(self) -> None:
        """Send what is in the buffer as one chunk, and buffer no more."""
        self.enable_buffer = False
        buffered, self.buffer = self.buffer, ""
        if buffered:
            await self._deliver(buffered, None)
        if self._ended:
            await self._deliver_end()

    async def wait_top_k_nonempty_lines(self, k: int) -> str:
        """Wait until the buffer has `k` whole lines, and take them out of it.

        Lines that are blank or begin with `#` do not count. At the end of the answer, what there is comes back.
        """
        while True:
            taken = self._whole_lines(k)
            if taken is not None:
                return taken
            await self._wait_for_news()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = await self.queue.get()
        if item is END_OF_STREAM:
            self.queue.appendleft(item)  # so that a second iteration ends, too
            raise StopAsyncIteration
        return item

    async def _wait_for_news(self) -> None:
        await self._news.wait()

    def _tell(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()

    def _whole_lines(self, k: int) -> str | None:
        lines = self.buffer.split("\n")
        counted: list[str] = []
        for index, line in enumerate(lines):
            if len(counted) == k:
                self.buffer = "\n".join(lines[index:])
                return "\n".join(counted)
            if line.strip() and not line.lstrip().startswith("#"):
                counted.append(line)
        if not self._ended:
            return None
        self.buffer = ""
        return "\n".join(counted)

    async def _emit(self, text: str, metadata: Mapping[str, Any] | None) -> None:
        self.completion += text
        if self.enable_buffer:
            self.buffer += text
            self._tell()
        else:
            await self._deliver(text, metadata)

    async def _end(self) -> None:
        for part, its_metadata in self._origins.of(self._filter.finish(), self._filter.skipped):
            await self._emit(part, its_metadata)
        if (left := self._origins.left) is not None:  # of a chunk whose text was taken away
            await self._emit("", left)
        self._ended = True
        if not self.enable_buffer:
            await self._deliver_end()
        self.streaming_finished_event.set()
        self._tell()

    async def _deliver_end(self) -> None:
        if self.include_metadata and self._piped_to is None:
            whole = dict.fromkeys(("response_metadata", "usage_metadata")) | self.current_metadata
            self.queue.append({"text": "", self._metadata_key: whole})
        await self._deliver(END_OF_STREAM, None)

    async def _deliver(self, chunk: str | _EndOfStream, metadata: Mapping[str, Any] | None) -> None:
        if self.enable_print:
            self._print(chunk)
        if self._piped_to is not None:
            await self._piped_to.push_chunk(chunk, metadata)
            return
        self.queue.append(self._with_metadata(chunk, metadata) if isinstance(chunk, str) else chunk)
        self._tell()

    def _with_metadata(self, text: str, metadata: Mapping[str, Any] | None) -> str | dict[str, Any]:
        """Return a text with what is known of the answer so far; what it costs is told once."""
        if not self.include_metadata:
            return text
        self.current_metadata.update(metadata or {})
        told = {self._metadata_key: dict(self.current_metadata)} if self.current_metadata else {}
        self.current_metadata.pop("usage", None)
        return {"text": text, **told}

    def _print(self, chunk: str | _EndOfStream) -> None:
        text = f"{_GREEN}{chunk}{_PLAIN}" if isinstance(chunk, str) else "\n"
        print(text, end="", flush=True)  # noqa: T201  # what enable_print is for
