"""Streams of one model: each a generation of its own, with a reader who may leave at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail.errors import ProviderTimeoutError

from handrail_huggingface._conversation import chat
from handrail_huggingface._generation import Generation
from handrail_huggingface._parameters import parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from handrail import Chunk, Message

    from handrail_huggingface._loading import ModelSource


class ModelStreams:
    """Streams answers of one model, with these parameters unless a call has others.

    Args:
        source: gives the model.
        defaults: parameters for every call.
        max_pending: how many chunks the model may be ahead of the reader.
        timeout: seconds that a reader waits for a chunk of a model that is writing.
    """

    def __init__(
        self, source: ModelSource, defaults: Mapping[str, Any], max_pending: int, timeout: float | None = None
    ) -> None:
        self._timeout = timeout
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
        is_late = False
        try:
            while True:
                try:
                    chunk = await generation.chunks.get(self._timeout)
                except StopAsyncIteration:
                    return
                except TimeoutError as exc:
                    is_late = generation.is_writing
                    if is_late:
                        raise self._late() from exc
                else:
                    yield chunk
        finally:
            generation.leave()
            if not is_late:  # who hangs is not waited for
                await generation.join()

    def _late(self) -> ProviderTimeoutError:
        return ProviderTimeoutError(
            f"model {self._source.name!r} has written nothing for {self._timeout:g} s, the 'timeout' of its streamer",
            engine="huggingface",
        )
