"""Names and ids of tool calls, which a model writes and no rail reads: a name that nobody has offered is judged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handrail import ToolCallDelta

from handrail_server._beside import TextJudge, guards_text

if TYPE_CHECKING:
    from handrail import Event, GenerationResponse, LLMRails

WITHHELD = "withheld"
"""What stands in place of a name that rails do not let through; no tool is called so, so no client runs it."""
_ID = re.compile(r"[\w+/=.:-]{0,512}", re.ASCII)


class CallNames:
    """Names and ids of one answer's tool calls, as its client may know them.

    Args:
        rails: whose output rails judge a name.
        messages: the conversation, for rails that look at it.
        options: of the request: which rails run, and which tools were offered.
    """

    def __init__(self, rails: LLMRails, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> None:
        self._judge = TextJudge(rails, messages, options) if guards_text(rails) else None
        main = rails.config.model_for("main")
        configured = main.parameters.get("tools") if main is not None else None
        self._offered = {*_names(configured), *_names(options.get("llm_params", {}).get("tools"))}
        self._changed: dict[tuple[str | None, str], tuple[str | None, str]] = {}

    @property
    def withheld(self) -> list[str]:
        """Which fields were changed, by their names."""
        fields = (("id", 0), ("name", 1))
        return [
            f"tool_calls.{name}" for name, at in fields if any(old[at] != new[at] for old, new in self._changed.items())
        ]

    async def passed(self, items: Sequence[str | Event]) -> Sequence[str | Event]:
        """Return what was released, with names and ids as they may be given."""
        if self._judge is None or not any(isinstance(item, ToolCallDelta) for item in items):
            return items
        return [await self._told(item) if isinstance(item, ToolCallDelta) else item for item in items]

    async def whole(self, response: GenerationResponse) -> GenerationResponse:
        """Return an answer with names and ids of its calls as they may be given."""
        if self._judge is not None:
            for index, call in enumerate(response.tool_calls):
                await self._told(ToolCallDelta(index, call.id, call.name))
        return self.renamed(response)

    def renamed(self, response: GenerationResponse) -> GenerationResponse:
        """Return an answer whose calls have the names and ids that were given."""
        if not self._changed:
            return response
        calls = []
        for call in response.tool_calls:
            id, name = self._changed.get((call.id, call.name), (call.id, call.name))  # noqa: A001  # the protocol's
            calls.append(replace(call, id=id or "", name=name))
        return replace(response, tool_calls=tuple(calls))

    async def _told(self, delta: ToolCallDelta) -> ToolCallDelta:
        if delta.name is None:
            return delta if delta.id is None or _ID.fullmatch(delta.id) else replace(delta, id=f"call_{delta.index}")
        id = delta.id if _ID.fullmatch(delta.id or "") else f"call_{delta.index}"  # noqa: A001  # the protocol's
        name = delta.name if await self._may_be_told(delta.name) else WITHHELD
        if (id, name) == (delta.id, delta.name):
            return delta
        self._changed[delta.id, delta.name] = (id, name)
        return replace(delta, id=id, name=name)

    async def _may_be_told(self, name: str) -> bool:
        if not name or name in self._offered or self._judge is None:
            return True
        return await self._judge.allowed(name) == name


def _names(tools: object) -> Iterator[str]:
    for tool in tools if isinstance(tools, list | tuple) else ():
        inside = (tool.get("function") or tool.get("custom")) if isinstance(tool, Mapping) else None
        if isinstance(inside, Mapping) and isinstance(inside.get("name"), str):
            yield inside["name"]
