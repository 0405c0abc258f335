"""Names of tool calls, which a model writes and no rail reads: one that was not offered is judged, as by the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handrail import ToolCallDelta

if TYPE_CHECKING:
    from handrail import Event, LLMRails, ToolCall

ITEM = "item:"
"""How names begin of what is no call and is shown to rails as one."""
WITHHELD = "withheld"
"""What stands in place of a name that rails do not let through; no tool is called so, so no host runs it."""


class CallNames:
    """The names of one answer's tool calls, as the host may know them.

    Args:
        tools: the tools that were offered, in OpenAI's form.
        rails: whose output rails judge a name.
    """

    def __init__(self, tools: Iterable[Mapping[str, Any]], rails: LLMRails) -> None:
        self._offered = {name for tool in tools if isinstance(name := _name_of(tool), str)}
        self._rails = rails

    async def passed(self, items: Sequence[str | Event]) -> list[str | Event]:
        """Return what was released, with names as they may be told."""
        return [await self.told(item) if isinstance(item, ToolCallDelta) else item for item in items]

    async def told(self, delta: ToolCallDelta) -> ToolCallDelta:
        """Return a fragment of a call with its name as it may be told."""
        return delta if delta.name is None or await self._may_be_told(delta.name) else replace(delta, name=WITHHELD)

    async def whole(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        """Return whole calls with names as they may be told."""
        return tuple([call if await self._may_be_told(call.name) else replace(call, name=WITHHELD) for call in calls])

    async def _may_be_told(self, name: str) -> bool:
        if not name or name in self._offered or name.startswith(ITEM) or not self._rails.composition.guards["text"]:
            return True
        result = await self._rails.check_async([{"role": "assistant", "content": name}], ["output"])
        return result.status == "passed"


def has_call(items: Sequence[str | Event]) -> bool:
    """Return whether calls are among what was released."""
    return any(isinstance(item, ToolCallDelta) for item in items)


def _name_of(tool: Mapping[str, Any]) -> object:
    inside = tool.get("function") or tool.get("custom") or tool
    return inside.get("name") if isinstance(inside, Mapping) else None
