"""Where a chain of rails ends: what comes out of it becomes items for the consumer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from handrail._events import Blocked, Finished, RailFailed, ReasoningDelta, Retraction
from handrail._types import ToolCallDelta

Item: TypeAlias = str | ReasoningDelta | ToolCallDelta | Retraction | Blocked | RailFailed | Finished
"""What the engine delivers; plain text stays a plain string, because making an event costs more than moving one."""

Put: TypeAlias = Callable[[Item], None]


NEVER = 2**62


class Stage(Protocol):
    """A step of a chain, or its end.

    Whoever counts characters anyway may use `take_in` in place of `feed`, and call `look` once `due` of them have come.
    """

    @property
    def feed(self) -> Callable[[str], None]:
        """Takes text that the step before has let through."""
        ...

    @property
    def take_in(self) -> Callable[[str], None]:
        """Takes text too, but leaves it until `look`."""
        ...

    @property
    def due(self) -> int:
        """How many characters must have come in all before there is anything to do with what `take_in` took."""
        ...

    def look(self) -> None:
        """Look at what `take_in` took."""
        ...

    def finish(self) -> None:
        """Take note that no more will come."""
        ...

    def to_delivered(self, offset: int) -> int:
        """Turn an offset of this step's input into one of the delivered text."""
        ...


class TextSink:
    """Ends the chain of the answer's text.

    Args:
        put: takes what is delivered.
        finished: is told when all of it was.
        counts: whether somebody may ask where delivered text lies, as a retraction does.
    """

    __slots__ = ("_finished", "_put", "feed", "length", "take_in")
    due = NEVER

    def __init__(self, put: Put, finished: Callable[[], None], *, counts: bool = True) -> None:
        self._put = put
        self._finished = finished
        self.length = 0
        self.feed: Callable[[str], None] = self._deliver if counts else put
        self.take_in = self.feed

    def look(self) -> None:
        """Do nothing: whatever comes is delivered at once."""

    def finish(self) -> None:
        """Report that all of it was delivered."""
        self._finished()

    def to_delivered(self, offset: int) -> int:
        """Give the offset, at most the end of what was delivered."""
        return min(offset, self.length)

    def _deliver(self, text: str) -> None:
        self.length += len(text)
        self._put(text)


class ReasoningSink(TextSink):
    """Ends the chain of the reasoning."""

    __slots__ = ()

    def _deliver(self, text: str) -> None:
        self.length += len(text)
        self._put(ReasoningDelta(text))


class ToolCallSink(TextSink):
    """Ends the chain of one tool call's arguments; its id and name go out with the first of them."""

    __slots__ = ("_opening",)

    def __init__(self, put: Put, finished: Callable[[], None], opening: ToolCallDelta) -> None:
        super().__init__(put, finished)
        self._opening = opening

    def _deliver(self, text: str) -> None:
        self.length += len(text)
        opening = self._opening
        self._put(ToolCallDelta(opening.index, opening.id, opening.name, text))
        self._opening = ToolCallDelta(opening.index)

    def finish(self) -> None:
        """Deliver a call that has no arguments, and report the end."""
        if self._opening.name is not None:
            self.feed("")
        self._finished()
