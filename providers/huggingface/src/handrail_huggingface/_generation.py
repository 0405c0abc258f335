"""One text being written: a thread in which the model generates, and a channel out of it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from handrail import Chunk, Usage
from handrail.errors import ProviderContextLengthError

from handrail_huggingface._answer import Answer
from handrail_huggingface._channel import Channel
from handrail_huggingface._decoding import PieceDecoder
from handrail_huggingface._failures import as_provider_error
from handrail_huggingface._streamer import TokenStreamer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handrail_huggingface._loading import ModelSource
    from handrail_huggingface._local_model import LocalModel
    from handrail_huggingface._parameters import Parameters

_log = logging.getLogger("handrail")


class Generation:
    """Gets the model, waits for its turn, writes; the chunks come out of `chunks`.

    The thread ends by itself at the next token after `leave`, and `join` waits for that.
    """

    def __init__(
        self,
        source: ModelSource,
        conversation: list[dict[str, Any]],
        parameters: Parameters,
        max_pending: int,
    ) -> None:
        self.chunks: Channel[Chunk] = Channel(max_pending)
        self._source = source
        self._conversation = conversation
        self._parameters = parameters
        self._is_left = False
        self._thread = threading.Thread(target=self._run, name="handrail-huggingface", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def leave(self) -> None:
        """Want no more of it. Never waits."""
        self._is_left = True
        self.chunks.leave()
        self._source.turns.look_again()
        self._source.look_again()

    async def join(self) -> None:
        """Wait for the thread, whatever else is cancelled: after `leave` that takes one token at most."""
        if self._thread.is_alive():
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._thread.join)

    def _has_left(self) -> bool:
        return self._is_left

    def _run(self) -> None:
        try:
            model = self._source.wait(self._has_left, self._say_loading)
            if model is not None:
                with self._source.turns.turn(self._has_left, self._say_waiting) as is_ours:
                    if is_ours:
                        self._write(model)
        except Exception as exc:  # noqa: BLE001  # the reader gets it, as what it means there
            error = as_provider_error(exc, self._source.name)
            error.__cause__ = None if error is exc else exc
            self.chunks.finish(error)
        finally:
            self.chunks.finish()

    def _write(self, model: LocalModel) -> None:
        streamer = _ChunkStreamer(model, Answer(model.dialect, self._parameters.stop), self.chunks.put)
        answer = streamer.answer
        model.write(self._conversation, self._parameters, streamer, lambda: self._is_left or answer.stopped)
        tokens = streamer.token_ids
        stopped = answer.stopped or (bool(tokens) and model.is_end(tokens[-1], self._parameters.generate))
        reason = "length" if not stopped else "tool_calls" if answer.calls else "stop"
        self.chunks.put(Chunk(usage=Usage(len(streamer.prompt_ids), len(tokens)), finish_reason=reason))

    def _say_loading(self) -> None:
        self.chunks.put(Chunk(metadata={"loading": self._source.name}))

    def _say_waiting(self, ahead: int) -> None:
        _log.info("a stream waits for the model %r: %d before it", self._source.name, ahead)
        self.chunks.put(Chunk(metadata={"streams_ahead": ahead}))


class _ChunkStreamer(TokenStreamer):
    """Turns tokens into chunks, in the thread that generates."""

    def __init__(self, model: LocalModel, answer: Answer, put: Callable[[Chunk], None]) -> None:
        super().__init__()
        self.answer = answer
        self._model = model
        self._put = put
        self._decoder = PieceDecoder(model.tokenizer, skip_special_tokens=False)

    def on_prompt(self, ids: Sequence[int]) -> None:
        """Refuse a prompt that leaves no room for an answer."""
        context = self._model.context
        if context is not None and len(ids) >= context:
            raise ProviderContextLengthError(
                f"the conversation has {len(ids)} tokens, and the context of model {self._model.name!r} is {context}; "
                f"shorten the conversation or its instructions",
                engine="huggingface",
            )
        self.answer.begin(str(self._model.tokenizer.decode(list(ids[-16:]), skip_special_tokens=False)))

    def on_tokens(self, ids: Sequence[int]) -> None:
        """Put what the tokens complete."""
        self._give(self._decoder.feed([id_ for id_ in ids if id_ not in self._model.silent]))

    def on_end(self) -> None:
        """Put the rest."""
        self._give(self._decoder.finish())
        for chunk in self.answer.finish():
            self._put(chunk)

    def _give(self, text: str) -> None:
        if text:
            for chunk in self.answer.feed(text):
                self._put(chunk)
