"""A whole answer of a model, put together from the chunks of its stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from handrail._llm_call import told_usage
from handrail._stream.received import no_text
from handrail._types import Chunk, ToolCall, ToolCallDelta, Usage


@dataclass(slots=True)
class Completion:
    """A whole answer of a model, put together from its chunks."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def aside(self) -> str:
        """What it has beside its text, as a text: reasoning, and names and arguments of tool calls."""
        return self.reasoning + "".join(part for call in self.tool_calls for part in (call.name, call.arguments))


class CompletionBuilder:
    """Takes the chunks of an answer, in order.

    Attributes:
        usage: what the answer has cost, as far as the provider has said.
    """

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._tools = ToolCallAssembler()
        self._finish_reason: str | None = None
        self._metadata: dict[str, Any] = {}

    def add(self, chunk: Chunk) -> None:
        """Take a chunk.

        Raises:
            PluginContractError: its text or its reasoning is none.
        """
        for part, text in (("text", chunk.text), ("reasoning", chunk.reasoning)):
            if not isinstance(text, str):
                raise no_text(text, part)
        self._texts.append(chunk.text)
        self._reasoning.append(chunk.reasoning)
        self._tools.add(chunk.tool_calls)
        self.usage = told_usage(chunk.usage) or self.usage
        self._finish_reason = chunk.finish_reason or self._finish_reason
        self._metadata.update(chunk.metadata or {})

    def build(self) -> Completion:
        """Return the answer as far as it came."""
        return Completion(
            text="".join(self._texts),
            reasoning="".join(self._reasoning),
            tool_calls=self._tools.calls(),
            finish_reason=self._finish_reason,
            metadata=self._metadata,
        )


class ToolCallAssembler:
    """Puts tool calls together from their fragments."""

    def __init__(self) -> None:
        self._opened: dict[int, tuple[str, str]] = {}
        self._arguments: dict[int, list[str]] = {}
        self._custom: set[int] = set()

    def add(self, fragments: Sequence[ToolCallDelta]) -> None:
        """Take fragments, in the order in which they came."""
        for fragment in fragments:
            id_, name = self._opened.get(fragment.index, ("", ""))
            self._opened[fragment.index] = (fragment.id or id_, fragment.name or name)
            self._arguments.setdefault(fragment.index, []).append(fragment.arguments)
            if fragment.kind == "custom":
                self._custom.add(fragment.index)

    def calls(self) -> tuple[ToolCall, ...]:
        """Return the calls as far as they came."""
        return tuple(map(self._call, sorted(self._opened)))

    def _call(self, index: int) -> ToolCall:
        kind: Literal["function", "custom"] = "custom" if index in self._custom else "function"
        return ToolCall(*self._opened[index], "".join(self._arguments[index]), kind)
