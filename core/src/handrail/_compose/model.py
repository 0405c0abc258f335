"""A configured language model: a provider with its name, whose requests are written into the journal of a call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import anyio

from handrail._content import message_text
from handrail._stream.source import close_source, not_a_chunk
from handrail._turn import LLMCall
from handrail._types import Chunk, Message, ToolCall, ToolCallDelta, Usage

if TYPE_CHECKING:
    from handrail._protocols import Provider
    from handrail._tokens import TokenCounter
    from handrail._turn import Turn


@dataclass(slots=True)
class Completion:
    """A whole answer of a model, put together from its chunks."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


class Model:
    """A language model as rails and the generation use it.

    Attributes:
        type: "main", or the task that it serves.
        engine: the engine's name in the configuration.
        name: the model's name.
        plugin: distribution and version of the provider, for errors.
        provider: what reaches the model.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        type: str,  # noqa: A002  # the configuration's own word
        engine: str,
        name: str,
        plugin: str,
        counter: TokenCounter,
    ) -> None:
        self.type = type
        self.engine = engine
        self.name = name
        self.plugin = plugin
        self.provider = provider
        self._counter = counter

    async def complete(
        self,
        messages: Sequence[Message],
        params: Mapping[str, Any] | None = None,
        *,
        turn: Turn | None = None,
        task: str = "general",
    ) -> Completion:
        """Ask the model and wait for its whole answer.

        Args:
            messages: the conversation in OpenAI's form.
            params: parameters of this request, which override the configured ones.
            turn: the turn in whose journal the request is written down.
            task: what the request is for, as the journal names it.

        Raises:
            ProviderError: the model could not answer.
        """
        call, started = self.new_call(messages, task), anyio.current_time()
        if turn is not None:
            turn.journal.asked(call)
        telling = None if turn is None else turn.journal.telling
        with nullcontext() if telling is None else telling.around_model(call):
            return await self._completed(call, started, messages, params or {}, turn)

    async def _completed(
        self, call: LLMCall, started: float, messages: Sequence[Message], params: Mapping[str, Any], turn: Turn | None
    ) -> Completion:
        completion, assembler = Completion(), ToolCallAssembler()
        parts: list[str] = []
        reasoning: list[str] = []
        usage: Usage | None = None
        source = self.provider.stream(messages, params)
        try:
            async for chunk in source:
                if not isinstance(chunk, Chunk):
                    raise not_a_chunk(chunk, self.plugin)
                parts.append(chunk.text)
                reasoning.append(chunk.reasoning)
                assembler.add(chunk.tool_calls)
                usage = chunk.usage or usage
                completion.finish_reason = chunk.finish_reason or completion.finish_reason
                completion.metadata.update(chunk.metadata or {})
        finally:
            await close_source(source, self.plugin)
            completion.text, completion.reasoning = "".join(parts), "".join(reasoning)
            completion.tool_calls = assembler.calls()
            aside = "".join(part for tool in completion.tool_calls for part in (tool.name, tool.arguments))
            call.close(completion.text, usage, anyio.current_time() - started, completion.reasoning + aside)
            call.id = request_id(completion.metadata)
            if turn is not None:
                turn.journal.answered(call)
        completion.usage = call.usage
        return completion

    def new_call(self, messages: Sequence[Message], task: str) -> LLMCall:
        """Begin the record of a request."""
        prompt = "\n".join(f"{message.get('role')}: {message_text(message)}" for message in messages)
        return LLMCall(task, self.engine, self.name, prompt, started_at=time.time(), count_tokens=self._counter.count)


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


def request_id(metadata: Mapping[str, Any]) -> str | None:
    """Return the provider's id of a request, if it is among what it sent."""
    found = metadata.get("request_id") or metadata.get("id")
    return None if found is None else str(found)
