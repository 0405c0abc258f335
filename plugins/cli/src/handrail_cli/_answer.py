"""Runs one guarded answer and hands what happens to a view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio
from handrail import Finished, TextDelta
from handrail.errors import ConfigurationError

from handrail_cli._exit import ExitCode

if TYPE_CHECKING:
    from handrail import Event, GenerationResponse, GuardedStream

_CODES = {
    "finished": ExitCode.OK,
    "blocked": ExitCode.BLOCKED,
    "rail failed": ExitCode.RAIL_FAILED,
    "generation failed": ExitCode.MODEL_FAILED,
    "left": ExitCode.INTERRUPTED,
}


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
        """Say something that is no part of any answer."""
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


async def show_answer(stream: GuardedStream, view: View, *, whole: bool = False) -> Answer:
    """Show a stream from its beginning to its end.

    Args:
        stream: a stream that was not entered yet.
        view: where to show it.
        whole: show the text only once all of it has passed, and none of it if it has not.

    Raises:
        Exception: what the view raises. What breaks the generation is shown and is part of the answer.
    """
    started, first = anyio.current_time(), None
    kept: list[Event] = []
    view.begin()
    try:
        async with stream:
            while (event := await _next(stream, view)) is not None:
                if whole and isinstance(event, TextDelta):
                    kept.append(event)
                    continue
                if isinstance(event, Finished):
                    _show_all(kept, view)
                    first = first or (anyio.current_time() if kept else None)
                elif isinstance(event, TextDelta):
                    first = first or anyio.current_time()
                view.show(event)
    except anyio.get_cancelled_exc_class():
        view.stop()
        raise
    ended = anyio.current_time()
    answer = Answer(stream.response, ended - started, None if first is None else first - started)
    view.end(answer)
    return answer


async def _next(stream: GuardedStream, view: View) -> Event | None:
    """Give the next event; an error of the generation is shown and ends the stream."""
    try:
        return await anext(stream)
    except StopAsyncIteration:
        return None
    except Exception as error:  # noqa: BLE001  # the plugin boundary: whatever breaks a model is shown as its failure
        view.fail(error)
        return None


def _show_all(events: list[Event], view: View) -> None:
    for event in events:
        view.show(event)
