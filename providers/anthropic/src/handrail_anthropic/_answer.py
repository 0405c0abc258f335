"""Turns the events of one answer into Handrail's chunks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail import Chunk, ToolCallDelta, Usage

from handrail_anthropic._thinking import ThinkingBlocks
from handrail_anthropic._wire import Block, Delta, Head, Message, NotAnEventError, decode, decode_message

if TYPE_CHECKING:
    from handrail_anthropic._wire import Event

FINISH_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Handrail's word for each reason. One that is not here is passed on as it came."""

_PROMPT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_TOTALS = (*_PROMPT, "output_tokens")


class ErrorEvent(Exception):  # noqa: N818  # it is what the server sent: an event with an error in it
    """The server sent an error in the stream.

    Attributes:
        error: the error object.
    """

    def __init__(self, error: object) -> None:
        super().__init__("the server sent an error")
        self.error = error


class Answer:
    """One answer, event by event.

    Attributes:
        finished: the model has said why it ended.
        closed: the server has said that the message is complete.
    """

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.finished = False
        self.closed = False
        self._metadata = dict(metadata)
        self._usage: dict[str, Any] = {}
        self._wire: dict[str, Any] = {}
        self._thinking = ThinkingBlocks()
        self._citations: list[Any] = []
        self._calls = 0
        self._open: dict[int, int] = {}  # blocks that are tool calls: which of the answer's calls each is
        self._bare: dict[int, Any] = {}  # ... whose arguments have not come: what the block began with

    def chunk(self, data: bytes) -> Chunk | None:
        """Take the data of one event; None if there is nothing in it. Events of unknown types say nothing.

        Raises:
            NotAnEventError: it is not of the protocol.
            ErrorEvent: it is an error.
        """
        event = decode(data)
        kind, index = event.type, event.index or 0
        if kind == "content_block_delta" and event.delta is not None:
            return self._delta(event.delta, index)
        if kind == "content_block_start" and event.content_block is not None:
            return self._begin(event.content_block, index)
        if kind == "content_block_stop":
            return self._end(index)
        return self._about_message(event)

    def whole(self, data: bytes) -> list[Chunk]:
        """Take an answer in one piece, of a server that does not stream.

        Raises:
            NotAnEventError: it is not of the protocol.
            ErrorEvent: it is an error.
        """
        event = decode(data)
        if event.error is not None:
            raise ErrorEvent(event.error)
        message = decode_message(data)
        if message.content is None:
            raise NotAnEventError("a JSON object without 'content'")
        chunks: list[Chunk | None] = [self._opening(message)]
        for index, block in enumerate(message.content):
            chunks += [self._begin(block, index), self._end(index)]
        chunks.append(self._finish(message, message.usage))
        self.closed = True
        return [chunk for chunk in chunks if chunk is not None]

    def _about_message(self, event: Event) -> Chunk | None:
        if event.type == "error" or (event.type is None and event.error is not None):
            raise ErrorEvent(event.error)
        if event.type == "message_start":
            return self._opening(event.message or Head())
        if event.type == "message_delta":
            return self._finish(event.delta or Delta(), event.usage)
        if event.type == "message_stop":
            self.closed = True
        elif event.type is None:
            raise NotAnEventError("a JSON object without 'type'")
        return None

    def _opening(self, head: Head) -> Chunk:
        names = {name: str(value) for name, value in (("id", head.id), ("model", head.model)) if value}
        self._wire |= names
        return Chunk(usage=self._counted(head.usage), metadata={**self._metadata, **names, "wire": dict(self._wire)})

    def _begin(self, block: Block, index: int) -> Chunk | None:
        if block.type == "text":
            return Chunk(block.text) if block.text else None
        if block.type == "thinking":
            self._thinking.begin(block.signature or "")
            return self._thought(block.thinking or "")
        if block.type == "redacted_thinking":
            self._thinking.redacted(block.data or "")
        elif block.type == "tool_use":
            self._open[index] = self._calls
            self._bare[index] = block.input
            self._calls += 1
            return Chunk(tool_calls=(ToolCallDelta(self._open[index], block.id or "", block.name or ""),))
        return None

    def _delta(self, delta: Delta, index: int) -> Chunk | None:
        if delta.type == "text_delta":
            return Chunk(delta.text) if delta.text else None
        if delta.type == "thinking_delta":
            return self._thought(delta.thinking or "")
        if delta.type == "signature_delta":
            self._thinking.add(signature=delta.signature or "")
        elif delta.type == "input_json_delta" and delta.partial_json and index in self._open:
            self._bare.pop(index, None)
            return Chunk(tool_calls=(ToolCallDelta(self._open[index], arguments=delta.partial_json),))
        elif delta.type == "citations_delta" and delta.citation is not None:
            self._citations.append(delta.citation)
        return None

    def _thought(self, text: str) -> Chunk | None:
        self._thinking.add(characters=len(text))
        return Chunk(reasoning=text) if text else None

    def _end(self, index: int) -> Chunk | None:
        """End a block: the arguments of a call that has none are an empty object, which no event says."""
        if index not in self._bare:
            return None
        arguments = json.dumps(self._bare.pop(index) or {}, ensure_ascii=False)
        return Chunk(tool_calls=(ToolCallDelta(self._open[index], arguments=arguments),))

    def _finish(self, delta: Delta | Message, usage: object) -> Chunk | None:
        counted = self._counted(usage)
        reason = delta.stop_reason if not self.finished else None
        if reason is None:
            return Chunk(usage=counted) if counted is not None else None
        self.finished = True
        said = {"stop_reason": reason, "stop_sequence": delta.stop_sequence, "stop_details": delta.stop_details}
        self._wire |= {name: value for name, value in said.items() if value is not None}
        self._wire["usage"] = dict(self._usage)
        if blocks := self._thinking.all():
            self._wire["thinking_blocks"] = blocks
        if self._citations:
            self._wire["unguarded"] = {"citations": self._citations}
        return Chunk(
            usage=counted or self._total(),
            finish_reason=FINISH_REASONS.get(reason, reason),
            metadata={"wire": dict(self._wire)},
        )

    def _counted(self, usage: object) -> Usage | None:
        if not isinstance(usage, Mapping):
            return None
        for name, value in usage.items():
            known = self._usage.get(name)
            if name in _TOTALS:  # they only grow; some servers send 0 where they do not know
                self._usage[name] = max(_whole(known), _whole(value))
            elif value is not None:
                self._usage[name] = value
        return self._total()

    def _total(self) -> Usage:
        """Return the tokens so far: what was read from the cache, or written to it, is part of the prompt."""
        return Usage(sum(_whole(self._usage.get(name)) for name in _PROMPT), _whole(self._usage.get("output_tokens")))


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0
