"""Streams of one model: each a generation of its own, with a reader who may leave at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail_huggingface._conversation import chat
from handrail_huggingface._generation import Generation
from handrail_huggingface._parameters import parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from handrail import Chunk, Message

    from handrail_huggingface._loading import ModelSource


class ModelStreams:
    """Streams answers of one model, with these parameters unless a call has others."""

    def __init__(self, source: ModelSource, defaults: Mapping[str, Any], max_pending: int) -> None:
        self._source = source
        self._defaults = defaults
        self._max_pending = max_pending

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Answer. Leaving the iteration ends the generation at the next token, and its thread.

        Raises:
            ProviderError: see the README's table.
        """
        parameters = parse(self._defaults, params)
        generation = Generation(self._source, chat(messages), parameters, self._max_pending)
        generation.start()
        try:
            async for chunk in generation.chunks:
                yield chunk
        finally:
            generation.leave()
            await generation.join()
