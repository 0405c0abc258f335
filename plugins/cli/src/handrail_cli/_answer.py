"""Runs one guarded answer and hands what happens to a view."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import anyio
from handrail import Finished, GenerationResponse, ReasoningDelta, TextDelta, ToolCallDelta
from handrail.errors import ConfigurationError

from handrail_cli._exit import ExitCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from handrail import Event, GuardedStream

_CODES = {
    "finished": ExitCode.OK,
    "blocked": ExitCode.BLOCKED,
    "rail failed": ExitCode.RAIL_FAILED,
    "generation failed": ExitCode.MODEL_FAILED,
    "left": ExitCode.INTERRUPTED,
}

WAITING_TICK = 0.1  # seconds


class View(Protocol):
    """Shows answers, one after the other. Everything is called in the thread of the event loop and must be quick."""

    def begin(self) -> None:
        """A new answer is asked for."""
        ...

    def show(self, event: Event) -> None:
        """Something was delivered."""
        ...

    def fail(self, error: Exception) -> None:
        """The generation broke."""
        ...

    def stop(self) -> None:
        """The answer was stopped by the person who asked."""
        ...

    def end(self, answer: Answer) -> None:
        """The answer is over, in whichever way."""
        ...

    def note(self, text: str) -> None:
        """Show something that is not part of any answer."""
        ...


@runtime_checkable
class WaitingView(View, Protocol):
    """A view that also shows what an answer waits for."""

    def wait(self, held: int, seconds: float) -> None:
        """Nothing has been delivered yet; called every tenth of a second.

        Args:
            held: characters that were generated and wait for a rail; 0 while the model has not begun.
            seconds: since the question.
        """
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that was shown.

    Attributes:
        response: what was delivered and what happened.
        seconds: from the question to the end.
        seconds_to_text: from the question to the first text; None if there was none.
    """

    response: GenerationResponse
    seconds: float
    seconds_to_text: float | None = None

    @property
    def code(self) -> ExitCode:
        """What the process says of it."""
        if isinstance(self.response.error, ConfigurationError):
            return ExitCode.USAGE
        return _CODES[self.response.outcome]


async def show_answer(stream: GuardedStream, view: View) -> Answer:
    """Show a stream from its beginning to its end.

    Args:
        stream: a stream that was not entered yet.
        view: where to show it.

    Raises:
        Exception: what the view raises. What breaks the generation is shown and is part of the answer.
    """
    started, first = anyio.current_time(), None
    view.begin()
    try:
        async with stream:
            while (
                event := await (_waited(stream, view, started) if first is None else _next(stream, view))
            ) is not None:
                if first is None and isinstance(event, TextDelta):
                    first = anyio.current_time() - started
                view.show(event)
    except anyio.get_cancelled_exc_class():
        view.stop()
        raise
    return _ended(view, Answer(stream.response, anyio.current_time() - started, first))


async def show_whole(generate: Callable[[], Awaitable[object]], view: View) -> Answer:
    """Show an answer once all of it has passed, and none of its text if it has not.

    Args:
        generate: gives a `GenerationResponse`.
        view: where to show it.

    Raises:
        Exception: what the view raises. What breaks the generation is shown and is part of the answer.
    """
    started = anyio.current_time()
    view.begin()
    try:
        async with _ticking(view, started):
            response = await _generated(generate)
    except anyio.get_cancelled_exc_class():
        view.stop()
        raise
    if not isinstance(response, GenerationResponse):
        raise TypeError(f"generate returned {response!r}; it must return a GenerationResponse")
    seconds = anyio.current_time() - started
    if isinstance(response.error, Exception):
        view.fail(response.error)
    for event in _events(response):
        view.show(event)
    return _ended(view, Answer(response, seconds, seconds if response.outcome == "finished" else None))


async def _generated(generate: Callable[[], Awaitable[object]]) -> object:
    try:
        return await generate()
    except Exception as error:  # noqa: BLE001  # the plugin boundary, as in _next
        return GenerationResponse(outcome="generation failed", error=error)


@asynccontextmanager
async def _ticking(view: View, started: float) -> AsyncIterator[None]:
    """Keep a view that wants to know up to date while the block waits."""
    if not isinstance(view, WaitingView):
        yield
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_tick, view, started)
        yield
        tasks.cancel_scope.cancel()


async def _tick(view: WaitingView, started: float) -> None:
    while True:
        await anyio.sleep(WAITING_TICK)
        view.wait(0, anyio.current_time() - started)


def _ended(view: View, answer: Answer) -> Answer:
    view.end(answer)
    return answer


async def _waited(stream: GuardedStream, view: View, started: float) -> Event | None:
    """Return the next event, and keep a view that wants to know up to date meanwhile."""
    if not isinstance(view, WaitingView):
        return await _next(stream, view)
    while True:
        with anyio.move_on_after(WAITING_TICK):  # a wait for an event that is cancelled loses nothing
            return await _next(stream, view)
        view.wait(stream.held, anyio.current_time() - started)


async def _next(stream: GuardedStream, view: View) -> Event | None:
    """Return the next event; an error of the generation is shown and ends the stream."""
    try:
        return await anext(stream)
    except StopAsyncIteration:
        return None
    except Exception as error:  # noqa: BLE001  # the plugin boundary: whatever breaks a model is shown as its failure
        view.fail(error)
        return None


def _events(response: GenerationResponse) -> Iterator[Event]:
    """Yield the events of an answer that came whole."""
    if response.stop is not None:
        yield response.stop
    if response.outcome != "finished":
        return
    if response.reasoning:
        yield ReasoningDelta(response.reasoning)
    if response.text:
        yield TextDelta(response.text, 0)
    for index, call in enumerate(response.tool_calls):
        yield ToolCallDelta(index, call.id, call.name, call.arguments)
    yield Finished(response.finish_reason, response.usage)
