"""What observers are told of a call as a whole: which it is, how it ends, and what they put around its request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handrail._events import Blocked, RailFailed, outcome_of
from handrail._observers import CallEnded, CallKind, ObservedCall
from handrail._telling import Observers, Telling

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from contextlib import AbstractContextManager

    from handrail._turn import Journal, Turn
    from handrail._types import Chunk


def observed(turn: Turn, kind: CallKind) -> ObservedCall:
    """Return what observers know a call by."""
    return ObservedCall(turn.call_id, kind, turn.caller, turn.conversation_id)


def ended(
    journal: Journal,
    duration: float,
    stop: Blocked | RailFailed | None,
    error: BaseException | None,
    *,
    complete: bool,
) -> CallEnded:
    """Return how a call has ended."""
    outcome = outcome_of(stop, error, complete=complete)
    return CallEnded(outcome, duration, stop, error, tuple(journal.rail_runs), tuple(journal.llm_calls))


@contextmanager
def observing_check(observers: Observers, turn: Turn) -> Generator[None, None, None]:
    """Notify observers of rails that run alone."""
    if not observers:
        yield
        return
    journal, complete = turn.journal, False
    error: Exception | None = None

    def how(duration: float) -> CallEnded:
        return ended(journal, duration, telling.stop, error, complete=complete)

    telling = journal.telling = Telling(observers, observed(turn, "check"), how)
    telling.begin()
    try:
        yield
        complete = True
    except Exception as exc:
        error = exc
        raise
    finally:
        telling.end()


class Surrounded(AsyncIterator["Chunk"]):
    """A provider's stream whose first step is inside a context manager, which is left before anybody has its result."""

    def __init__(self, pieces: AsyncIterator[Chunk], around: AbstractContextManager[None]) -> None:
        self._pieces = pieces
        self._around: AbstractContextManager[None] | None = around

    def __anext__(self) -> Awaitable[Chunk]:
        return self._pieces.__anext__() if self._around is None else self._first(self._around)

    async def _first(self, around: AbstractContextManager[None]) -> Chunk:
        self._around = None
        with around:
            return await anext(self._pieces)

    async def aclose(self) -> None:
        """Close the provider's stream, if it can be closed."""
        close = getattr(self._pieces, "aclose", None)
        if close is not None and getattr(self._pieces, "ag_frame", self._pieces) is not None:
            await close()
