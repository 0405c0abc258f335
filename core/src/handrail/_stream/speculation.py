"""Reads a provider before its text may go anywhere, while the input rails still look at what it was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import anyio

from handrail._stream.backend import Wake
from handrail._stream.received import Received
from handrail._stream.source import cancelled_inside, close_source
from handrail._stream.tasks import Tasks
from handrail._types import Chunk

if TYPE_CHECKING:
    from handrail._stream.source import Pieces


class Speculation(AsyncIterator[Any]):
    """A provider's stream that a task of its own reads ahead, from the first chunk to the end.

    Args:
        pieces: the provider's stream.
        provider: its distribution and version, for errors.
        max_pending: how many tokens may wait.
    """

    def __init__(self, pieces: Pieces, provider: str, max_pending: int) -> None:
        self.received = Received()  # of all that was read
        self._source = pieces
        self._provider = provider
        self._max_pending = max_pending
        self._waiting: deque[Any] = deque()
        self._pending = 0  # tokens of those
        self._tasks = Tasks()
        self._scope = anyio.CancelScope()
        self._reader: Wake | None = None  # waits for room
        self._taker: Wake | None = None  # waits for a piece
        self._error: BaseException | None = None
        self._tasks.start(self._run)

    async def __anext__(self) -> Any:
        while not self._waiting:
            if self._tasks.are_done:
                if self._error is not None:
                    error, self._error = self._error, None
                    raise error
                raise StopAsyncIteration
            self._taker = self._tasks.new_wake()
            self._tasks.wake_when_done(self._taker)
            await self._taker.wait()
        piece = self._waiting.popleft()
        self._pending -= _tokens(piece)
        if self._reader is not None:
            self._reader.set()
        return piece

    async def aclose(self) -> None:
        """Stop reading; returns when the provider is closed."""
        self._scope.cancel()
        await self._tasks.wait_done()

    async def _run(self) -> None:
        with self._scope as scope:
            try:
                await self._read()
            except anyio.get_cancelled_exc_class():
                if scope.cancel_called:
                    raise
                self._error = cancelled_inside(self._provider)
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary: whoever reads the pieces gets it
                self._error = exc
            finally:
                await close_source(self._source, self._provider)

    async def _read(self) -> None:
        async for piece in self._source:
            self._waiting.append(piece)
            self._pending += _tokens(piece)
            if isinstance(piece, Chunk):  # whoever takes it refuses anything else
                self.received.add_text([piece.text])
                self.received.add(piece)
            if self._taker is not None:
                self._taker.set()
            while self._pending >= self._max_pending:
                self._reader = self._tasks.new_wake()
                await self._reader.wait()


def _tokens(piece: object) -> int:
    """Count the tokens of a piece, never too low: it is at least one, and five characters are hardly two."""
    if not isinstance(piece, Chunk):
        return 1
    arguments = sum([len(call.arguments) for call in piece.tool_calls]) if piece.tool_calls else 0
    return 1 + (len(piece.text) + len(piece.reasoning) + arguments) // 5
