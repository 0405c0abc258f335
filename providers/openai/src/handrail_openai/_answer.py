"""Turns the events of one answer into Handrail's chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail import Chunk, ToolCallDelta, Usage
from msgspec import UNSET

from handrail_openai._think import ThinkSplitter
from handrail_openai._tools import ToolCalls
from handrail_openai._wire import Choice, Content, Delta, Event, NotAChunkError, decode

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorEvent(Exception):  # noqa: N818  # it is what the server sent: an event with an error in it
    """The server sent an error in place of a chunk.

    Attributes:
        error: the error object, or its message.
    """

    def __init__(self, error: object) -> None:
        super().__init__("the server sent an error")
        self.error = error


class Answer:
    """One answer, event by event.

    Attributes:
        finished: the model has said why it ended.
    """

    def __init__(self, metadata: Mapping[str, Any], *, think: ThinkSplitter | None) -> None:
        self.finished = False
        self._metadata: dict[str, Any] | None = dict(metadata)
        self._think = think
        self._tools = ToolCalls()
        self._id = "0"
        self._refused = False

    def chunk(self, data: bytes) -> Chunk | None:
        """Take the data of one event; None if there is nothing in it.

        Raises:
            NotAChunkError: it is nothing of the protocol.
            ErrorEvent: it is an error.
        """
        event = decode(data)
        if self._metadata is None and event.error is None and event.usage is None and event.choices:
            choice = event.choices[0]
            if choice.finish_reason is None and choice.delta is not None:
                return self._delta(choice.delta)
        return self._whole(event)

    def _delta(self, delta: Delta) -> Chunk | None:
        content = delta.content
        if (
            isinstance(content, str)
            and self._think is None
            and not (delta.tool_calls or delta.reasoning_content or delta.reasoning or delta.refusal)
        ):
            return Chunk(content) if content else None
        text, reasoning, tool_calls = self._parts(delta)
        metadata = self._refusal(delta)
        if not (text or reasoning or tool_calls or metadata):
            return None
        return Chunk(text, reasoning, tool_calls, metadata=metadata)

    def _whole(self, event: Event) -> Chunk | None:
        choices = event.choices
        if event.error is not None or event.object == "error":
            raise ErrorEvent(event.error or {"message": event.message, "type": event.type, "code": event.code})
        if choices is UNSET and event.usage is None:
            raise NotAChunkError("a JSON object without 'choices'")
        metadata = self._opening(event)
        choice = choices[0] if choices else Choice()
        text, reasoning, tool_calls = self._choice(choice)
        metadata = {**(metadata or {}), **(self._refusal(choice.delta or choice.message) or {})}
        usage = None
        if event.usage is not None:
            usage = Usage(event.usage.prompt_tokens or 0, event.usage.completion_tokens or 0)
        if not (text or reasoning or tool_calls or usage or choice.finish_reason or metadata):
            return None
        return Chunk(text, reasoning, tool_calls, usage, choice.finish_reason, metadata or None)

    def _opening(self, event: Event) -> dict[str, Any] | None:
        """Give the metadata of the answer, once."""
        if self._metadata is None:
            return None
        metadata, self._metadata = self._metadata, None
        if event.id:
            metadata["id"] = self._id = str(event.id)
        if event.model:
            metadata["model"] = str(event.model)
        return metadata

    def _choice(self, choice: Choice) -> tuple[str, str, tuple[ToolCallDelta, ...]]:
        text, reasoning, tool_calls = self._parts(choice.delta or choice.message or Delta())
        if choice.finish_reason is not None:
            self.finished = True
            if self._think is not None:
                last_text, last_reasoning = self._think.finish()
                text, reasoning = text + last_text, reasoning + last_reasoning
        return text, reasoning, tool_calls

    def _parts(self, delta: Delta) -> tuple[str, str, tuple[ToolCallDelta, ...]]:
        text, reasoning = _texts(delta.content)
        reasoning = (delta.reasoning_content or delta.reasoning or "") + reasoning
        if text and self._think is not None:
            text, thought = self._think.feed(text)
            reasoning += thought
        calls = self._tools.feed(delta.tool_calls, self._id) if delta.tool_calls else ()
        return text + (delta.refusal or ""), reasoning, calls

    def _refusal(self, delta: Delta | None) -> dict[str, Any] | None:
        if self._refused or delta is None or not delta.refusal:
            return None
        self._refused = True
        return {"refusal": True}


def _texts(content: Content) -> tuple[str, str]:
    """Give the text and the reasoning of a content, which some servers send in parts."""
    if content is None or isinstance(content, str):
        return content or "", ""
    text = "".join(part.text or "" for part in content)
    thoughts = (part.thinking for part in content if part.thinking)
    return text, "".join("".join(_texts(thought)) for thought in thoughts)
