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
    has_arguments: bool = False
    halves: Halves = field(default_factory=Halves)


class ToolUses:
    """Blocks that are calls. No event says the arguments of a call without any, which are an empty object.

    That is said once something follows: of an answer that was cut, the last call may lack its arguments.
    """

    def __init__(self) -> None:
        self._uses: dict[int, _Use] = {}
        self._waiting: list[_Use] = []

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
        use = self._uses[index] = _Use(len(self._uses), block.input)
        self._waiting.append(use)
        return (ToolCallDelta(use.number, word_of(block.id) or f"toolu_{use.number}", clean_text(block.name)),)

    def add(self, index: int, arguments: str) -> Calls:
        """Take more of the arguments of a call."""
        use = self._uses[index]
        if not use.has_arguments:
            use.has_arguments = True
            self._waiting.remove(use)
        said = use.halves.feed(arguments)
        return (ToolCallDelta(use.number, arguments=said),) if said else ()

    def is_call(self, index: int) -> bool:
        """Return whether a block is a call."""
        return index in self._uses

    def settle(self) -> Calls:
        """Return the arguments of calls of which none have come, since something follows them."""
        waiting, self._waiting = self._waiting, []
        return tuple(
            ToolCallDelta(use.number, arguments=json.dumps(clean(use.begun_with) or {}, ensure_ascii=False))
            for use in waiting
        )
