"""Guarding an answer that somebody else receives: pieces are pushed, and what is cleared comes back."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Self

from handrail._call.options import EVERYTHING
from handrail._call.response import GenerationResponse, ResponseBuilder, stream_line
from handrail._stream.owner import OnlyAsyncBlock, end_when_forgotten
from handrail._stream.received import no_text
from handrail._stream.source import says_more
from handrail._types import Chunk
from handrail.errors import InvalidArgumentError, InvalidRequestError, StreamClosedError

if TYPE_CHECKING:
    from handrail._call.call import Call as _Call  # made by the kernel alone
    from handrail._events import Event


class FedStream(OnlyAsyncBlock):
    """Guards pieces of an answer that are pushed into it, inside `async with`.

    Leaving the block ends the guard and cancels every check. After a block or a failed rail `push` returns nothing,
    and `response` has the reason.
    """

    def __init__(self, call: _Call) -> None:
        InvalidArgumentError.unless(hasattr(call, "pump"), "call", call, "a call; write rails.feed(...)")
        self._call = call
        self._pump = call.pump()
        self._builder = ResponseBuilder(call)
        self._entered = self._left = self._finished = False
        self._kept: deque[Event] = deque()  # of a `finish` that was cancelled

    def __repr__(self) -> str:
        outcome = self._builder.outcome
        delivered = self._builder.delivered
        return stream_line(self, outcome, delivered, self.held, begun=self._entered, over=self._left)

    @property
    def held(self) -> int:
        """How many characters have been pushed and wait for a window rail."""
        return self._call.gate.held

    @property
    def checking(self) -> bool:
        """Whether a window rail is being asked, after whose verdict more may be cleared without another push."""
        return self._call.gate.checking

    @property
    def response(self) -> GenerationResponse:
        """What was delivered so far and what happened; complete once the guard has ended."""
        return self._builder.build(EVERYTHING)

    async def __aenter__(self) -> Self:
        if self._entered:
            raise StreamClosedError("a guard can be entered once; ask for a new one with rails.feed(...)")
        self._entered = True
        await self._call.begin()
        self._builder.begin()
        end_when_forgotten(self, self._pump.start())
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._left = True
        self._builder.leave(exc)
        await self._pump.aclose()

    async def push(self, piece: str | Chunk) -> list[Event]:
        """Take the next piece; return what is cleared by now, without waiting for what is not.

        Waits only while more than `max_pending` tokens wait for a check.

        Raises:
            AnswerTooLongError: the answer exceeds `max_answer_characters`.
            TimedOut: the time of the call is over.
            InvalidRequestError: the piece is neither text nor a chunk, or comes after `finish`.
            StreamClosedError: the guard was not entered, or was left.
        """
        self._refuse_more()
        text = _only_text(piece)
        if text is None or not self._pump.push_at_once(text):
            await self._push(_as_chunk(piece))
        return list(map(self._builder.event, self._pump.take_now())) if self._call.gate.step.items else []

    def hold(self, text: str) -> bool:
        """Take text if all there is to do is to wait for more of it; return False if it is to be pushed instead.

        That is so within a window. A program can do it where it cannot wait, and it costs least.

        Raises:
            InvalidRequestError, StreamClosedError: see `push`.
        """
        self._refuse_more()
        return type(text) is str and self._pump.hold(text)

    async def _push(self, chunk: Chunk) -> None:
        try:
            await self._pump.push(chunk)
        except Exception as error:
            self._builder.fail(error)
            raise

    async def finish(self, error: Exception | None = None) -> list[Event]:
        """Take the end of the answer; wait for every check, and return the rest of what can be delivered.

        If the wait is cancelled or fails, nothing is lost: the next call returns it, or an iteration.

        Args:
            error: what broke the generation, if something did: then the answer is not told as complete. It is not
                raised here, for whoever passes it has it; `response.error` is it.

        Raises:
            StreamClosedError: the guard was not entered, or was left.
        """
        self._refuse_misuse()
        if not self._finished:
            self._finished = True
            self._pump.finish(error)
        events: list[Event] = []
        try:
            async for event in self:
                events.append(event)  # noqa: PERF401  # what came before an error is not lost
        except BaseException as exc:
            if error is None or exc is not error:
                self._kept.extendleft(reversed(events))
                raise
        return events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event; between pushes it may be iterated over in another task."""
        self._refuse_misuse()
        if self._kept:
            return self._kept.popleft()
        try:
            found = await self._pump.ready()
        except Exception as error:
            if not isinstance(error, StreamClosedError):
                self._builder.fail(error)
            raise
        if not found:
            raise StopAsyncIteration
        return self._builder.event(self._pump.pop())

    def _refuse_more(self) -> None:
        self._refuse_misuse()
        if self._finished:
            raise InvalidRequestError("a piece was pushed after finish()")

    def _refuse_misuse(self) -> None:
        if not self._entered or self._left:
            raise StreamClosedError("use a guard inside 'async with rails.feed(...) as guard:'")


def _only_text(piece: str | Chunk) -> str | None:
    """Return the text of a piece that has nothing else."""
    if type(piece) is str:
        return piece
    return piece.text if type(piece) is Chunk and type(piece.text) is str and not says_more(piece) else None


def _as_chunk(piece: object) -> Chunk:
    if isinstance(piece, str):
        return Chunk(piece)
    if isinstance(piece, Chunk):
        for part, value in (("text", piece.text), ("reasoning", piece.reasoning)):
            if not isinstance(value, str):
                raise no_text(value, part)
        return piece
    raise InvalidRequestError(f"push() takes text or a Chunk, not {type(piece).__name__!r}")
