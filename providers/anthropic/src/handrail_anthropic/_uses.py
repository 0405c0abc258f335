"""The tool calls of one answer, put together from its blocks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handrail import ToolCallDelta
from handrail_http import Halves, NotAnEventError, clean, clean_text, word_of

if TYPE_CHECKING:
    from typing import TypeAlias

    from handrail_anthropic._wire import Block

    Calls: TypeAlias = tuple[ToolCallDelta, ...]


@dataclass(slots=True)
class _Use:
    number: int
    begun_with: object
    stopped: bool = False  # its block has ended
    followed: bool = False  # another block has begun
    has_arguments: bool = False
    halves: Halves = field(default_factory=Halves)
    held: list[ToolCallDelta] = field(default_factory=list)

    def default(self) -> Calls:
        """Return the arguments of a call of which no event has said any: those that it has begun with."""
        if self.has_arguments:
            return ()
        self.has_arguments = True
        return (ToolCallDelta(self.number, arguments=json.dumps(clean(self.begun_with) or {}, ensure_ascii=False)),)


class ToolUses:
    """Blocks that are calls. What comes of one before those that began earlier have ended is held, so that none mix.

    No event says the arguments of a call without any, which are an empty object. That is said once something follows:
    of an answer that was cut, the last call may lack its arguments.
    """

    def __init__(self) -> None:
        self._uses: list[_Use] = []
        self._at: dict[int, _Use] = {}  # by the index of the block
        self._first_open = 0  # the number of the first call that was not handed on completely

    @property
    def made(self) -> int:
        """How many calls there are."""
        return len(self._uses)

    def begin(self, block: Block, index: int) -> Calls:
        """Begin a call.

        Raises:
            NotAnEventError: it has no name.
        """
        if not block.name:
            raise NotAnEventError("a tool call without a name")
        self.stop(index)  # of a server that numbers all blocks alike
        use = self._at[index] = _Use(len(self._uses), block.input)
        self._uses.append(use)
        use.held.append(ToolCallDelta(use.number, word_of(block.id) or f"toolu_{use.number}", clean_text(block.name)))
        return self._released()

    def add(self, index: int, arguments: str) -> Calls:
        """Take more of the arguments of a call."""
        use = self._at[index]
        use.has_arguments = True
        if said := use.halves.feed(arguments):
            use.held.append(ToolCallDelta(use.number, arguments=said))
        return self._released()

    def is_call(self, index: int) -> bool:
        """Return whether a block is a call."""
        return index in self._at

    def stop(self, index: int) -> None:
        """Take the end of a block."""
        if index in self._at:
            self._at[index].stopped = True

    def follow(self) -> Calls:
        """Take the beginning of another block; return the arguments of calls that have none."""
        for use in self._uses:
            use.followed = True
        return self._released()

    def finish(self, *, complete: bool) -> Calls:
        """Return all that was held, since the answer has ended.

        Args:
            complete: the answer was not cut, so that a call without arguments has none.
        """
        found: list[ToolCallDelta] = []
        for use in self._uses[self._first_open :]:
            found += use.held
            found += use.default() if complete or use.followed else ()
            use.held.clear()
        return tuple(found)

    def _released(self) -> Calls:
        found: list[ToolCallDelta] = []
        for use in self._uses[self._first_open :]:
            found += use.held
            use.held.clear()
            if not (use.stopped and use.followed):
                break
            found += use.default()
            self._first_open += 1
        return tuple(found)
