"""Puts the fragments of tool calls in order, as servers number and repeat them in ways of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import ToolCallDelta

if TYPE_CHECKING:
    from handrail_openai._wire import ToolFragment


class ToolCalls:
    """The tool calls of one answer.

    A fragment belongs to the call with its index; where a server sends no index, or one index for all, a new
    id opens a new call. The id and name are given once, and a call without an id gets one.
    """

    def __init__(self) -> None:
        self._ids: list[str | None] = []
        self._position: dict[int, int] = {}

    def feed(self, fragments: list[ToolFragment], answer_id: str) -> tuple[ToolCallDelta, ...]:
        """Take the fragments of one chunk; `answer_id` becomes part of ids that the server leaves out."""
        return tuple(self._one(fragment, answer_id) for fragment in fragments)

    def _one(self, fragment: ToolFragment, answer_id: str) -> ToolCallDelta:
        function = fragment.function
        arguments = (function.arguments or "") if function else ""
        at = self._find(fragment)
        if at is not None:
            return ToolCallDelta(at, arguments=arguments)
        at = len(self._ids)
        self._ids.append(fragment.id)
        self._position[at if fragment.index is None else fragment.index] = at
        name = (function.name or "") if function else ""
        return ToolCallDelta(at, fragment.id or f"call_{answer_id}_{at}", name, arguments)

    def _find(self, fragment: ToolFragment) -> int | None:
        """Give the place of the call that the fragment continues; None if it opens one."""
        index = len(self._ids) - 1 if fragment.index is None else fragment.index
        at = self._position.get(index)
        if at is None or (fragment.id and fragment.id != self._ids[at]):
            return None
        return at
