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
        self._refused: set[str] = set()
        self._has_foreign_id = False

    @property
    def withheld(self) -> list[str]:
        """Which fields were changed, by their names."""
        return ["tool_calls.id"] * self._has_foreign_id + ["tool_calls.name"] * bool(self._refused)

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
        if self._judge is None or not response.tool_calls:
            return response
        calls = [
            replace(call, id=self._id(call.id, index), name=WITHHELD if call.name in self._refused else call.name)
            for index, call in enumerate(response.tool_calls)
        ]
        return replace(response, tool_calls=tuple(calls))

    async def _told(self, delta: ToolCallDelta) -> ToolCallDelta:
        if delta.id is not None and (id := self._id(delta.id, delta.index)) != delta.id:  # noqa: A001  # the protocol's
            delta = replace(delta, id=id)
        if delta.name is None or await self._may_be_told(delta.name):
            return delta
        self._refused.add(delta.name)
        return replace(delta, name=WITHHELD)

    def _id(self, id: str, index: int) -> str:  # noqa: A002  # the protocol's
        if _ID.fullmatch(id):
            return id
        self._has_foreign_id = True
        return f"call_{index}"

    async def _may_be_told(self, name: str) -> bool:
        if not name or name in self._offered or self._judge is None:
            return True
        return await self._judge.allowed(name) == name


def _names(tools: object) -> Iterator[str]:
    for tool in tools if isinstance(tools, list | tuple) else ():
        inside = (tool.get("function") or tool.get("custom")) if isinstance(tool, Mapping) else None
        if isinstance(inside, Mapping) and isinstance(inside.get("name"), str):
            yield inside["name"]
