"""One text being written: a thread in which the model generates, and a channel out of it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from handrail import Chunk

from handrail_huggingface._channel import Channel
from handrail_huggingface._failures import as_provider_error

if TYPE_CHECKING:
    from handrail_huggingface._loading import ModelSource
    from handrail_huggingface._local_model import LocalModel
    from handrail_huggingface._parameters import Parameters

_log = logging.getLogger("handrail")


class Generation:
    """Gets the model, waits for its turn, writes; the chunks come out of `chunks`.

    The thread ends by itself at the next token after `leave`, and `join` waits for that.

    Attributes:
        chunks: the answer.
        is_writing: it is its turn.
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
        self.is_writing = False
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
            self._answer()
        except Exception as exc:  # noqa: BLE001  # the reader gets it, as what it means there
            self._fail(exc)
        except BaseException as exc:
            self._fail(exc)  # `sys.exit()` in somebody's code would otherwise look like the end of the answer
            raise
        else:
            self.chunks.finish()

    def _answer(self) -> None:
        model = self._source.wait(self._has_left, self._say_loading)
        if model is not None:
            with self._source.turns.turn(self._has_left, self._say_waiting) as is_ours:
                if is_ours:
                    self.is_writing = True
                    self._write(model)

    def _fail(self, exc: BaseException) -> None:
        error = as_provider_error(exc, self._source.name)
        error.__cause__ = None if error is exc else exc
        self.chunks.finish(error)

    def _write(self, model: LocalModel) -> None:
        from handrail_huggingface._writing import write  # imports PyTorch, which is for this thread to wait for

        write(model, self._conversation, self._parameters, self.chunks.put, self._has_left)

    def _say_loading(self) -> None:
        self.chunks.put(Chunk(metadata={"loading": self._source.name}))

    def _say_waiting(self, ahead: int) -> None:
        _log.info("a stream waits for the model %r: %d before it", self._source.name, ahead)
        self.chunks.put(Chunk(metadata={"streams_ahead": ahead}))
