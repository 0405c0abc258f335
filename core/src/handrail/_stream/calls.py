"""The guarded tool calls of one answer: whose turn it is to go out, and which have no arguments so far."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail._stream.chain import Chain
    from handrail._stream.steps import Step
    from handrail._types import ToolCallDelta


class Calls:
    """Has calls go out one after another, for that is how clients expect them: OpenAI's fails on an index out of turn.

    Attributes:
        empty: indices of the calls that have no arguments so far; a custom tool's input may be empty.
    """

    __slots__ = ("_queue", "empty")

    def __init__(self) -> None:
        self.empty: set[int] = set()
        self._queue: deque[Chain] = deque()  # from the call whose turn it is

    def add(self, opening: ToolCallDelta, chain: Chain) -> None:
        """Take the next call; what comes out of it waits until those before it are done."""
        if opening.kind == "function":
            self.empty.add(opening.index)
        if self._queue:
            chain.waiting = []
        self._queue.append(chain)

    def go_on(self, step: Step) -> None:
        """Let go out what has waited, as far as the calls before it are done."""
        queue = self._queue
        while len(queue) > 1 and queue[0].done:
            queue.popleft()
            step.items.extend(queue[0].waiting or ())
            queue[0].waiting = None
