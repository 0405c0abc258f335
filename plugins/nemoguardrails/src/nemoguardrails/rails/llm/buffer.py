"""Rolling windows over chunks, and how a `BufferStrategy` of one's own cuts the streams of Handrail."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import NamedTuple, Self

from nemoguardrails._buffered import BufferedStrategy
from nemoguardrails.rails.llm.config import OutputRailsStreamingConfig


class ChunkBatch(NamedTuple):
    """Chunks that are judged together, and those of them that go out once they have passed."""

    processing_context: list[str]
    user_output_chunks: list[str]


class BufferStrategy(ABC):
    """Cuts a stream of chunks into batches."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: OutputRailsStreamingConfig) -> Self:
        """Make one from `rails.output.streaming`."""

    @abstractmethod
    def format_chunks(self, chunks: list[str]) -> str:
        """Return the text of chunks."""

    @abstractmethod
    def process_stream(self, streaming_handler: AsyncIterable[str]) -> AsyncGenerator[ChunkBatch, None]:
        """Yield batches as the stream goes on."""

    def __call__(self, streaming_handler: AsyncIterable[str]) -> AsyncGenerator[ChunkBatch, None]:
        """Do the same as `process_stream`."""
        return self.process_stream(streaming_handler)


class RollingBuffer(BufferStrategy):
    """Batches of `buffer_chunk_size` chunks, which repeat the last `buffer_context_size` of the one before.

    Raises:
        ValueError: a size cannot be used.
    """

    def __init__(self, buffer_context_size: int = 5, buffer_chunk_size: int = 10) -> None:
        if buffer_context_size < 0 or buffer_chunk_size < 1 or buffer_context_size >= buffer_chunk_size:
            raise ValueError(
                f"buffer_context_size is {buffer_context_size} and buffer_chunk_size {buffer_chunk_size}; "
                f"the context must be 0 or more, and below the chunk size"
            )
        self.buffer_context_size = buffer_context_size
        self.buffer_chunk_size = buffer_chunk_size
        self.total_yielded = 0

    @classmethod
    def from_config(cls, config: OutputRailsStreamingConfig) -> Self:
        """Take `context_size` and `chunk_size`."""
        return cls(config.context_size, config.chunk_size)

    def format_chunks(self, chunks: list[str]) -> str:
        """Join the chunks."""
        return "".join(chunks)

    async def process_stream(self, streaming_handler: AsyncIterable[str]) -> AsyncGenerator[ChunkBatch, None]:
        """Yield a batch whenever it is full, and what is left at the end; nothing goes out twice."""
        window: list[str] = []
        fresh = 0
        async for chunk in streaming_handler:
            window.append(chunk)
            fresh += 1
            if len(window) == self.buffer_chunk_size:
                yield self._batch(window, fresh)
                window, fresh = window[len(window) - self.buffer_context_size :], 0
        if window:
            yield self._batch(window, fresh)

    def _batch(self, window: list[str], fresh: int) -> ChunkBatch:
        self.total_yielded += fresh
        return ChunkBatch(list(window), window[len(window) - fresh :])


def get_buffer_strategy(config: OutputRailsStreamingConfig) -> BufferStrategy:
    """Return the strategy for a configuration."""
    return RollingBuffer.from_config(config)


def strategy_of(buffer: type[BufferStrategy]) -> Callable[[OutputRailsStreamingConfig, object], BufferedStrategy]:
    """Return a buffer as a strategy of Handrail: the target of a `StrategySpec`.

    It gets chunks as the provider sent them.
    """

    def make(settings: OutputRailsStreamingConfig, count_tokens: object) -> BufferedStrategy:  # noqa: ARG001  # the interface
        return BufferedStrategy(buffer.from_config(settings))

    return make
