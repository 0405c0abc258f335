"""Turns the events of one answer into Handrail's chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail import Chunk
from handrail_http import ErrorEvent, Halves, NotAnEventError, clean, word_of

from handrail_anthropic._beside import Beside
from handrail_anthropic._thinking import ThinkingBlocks
from handrail_anthropic._usage import Cost
from handrail_anthropic._uses import ToolUses
from handrail_anthropic._wire import (
    Block,
    Delta,
    Head,
    Message,
    decode,
    decode_block,
    decode_message,
    kind_of,
)

if TYPE_CHECKING:
    from handrail_anthropic._uses import Calls
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

_COMPLETE = frozenset(("end_turn", "stop_sequence", "tool_use"))
_SILENT = frozenset(("text", "thinking", "redacted_thinking", "tool_use"))
"""Blocks that are read; all others are kept as they are."""


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
        self._wire: dict[str, Any] = {}
        self._cost = Cost()
        self._thinking = ThinkingBlocks()
        self._uses = ToolUses()
        self._beside = Beside()
        self._text, self._thought = Halves(), Halves()
        self._spoken = False  # text has come

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
            if event.content_block.type not in _SILENT:
                self._beside.keep(index, decode_block(data))
            return self._begin(event.content_block, index)
        if kind == "content_block_stop":
            self._beside.end(index)
            self._uses.stop(index)
            return self._said(self._text.finish(), self._thinks(self._thought.finish()))
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
            if block.type not in _SILENT:
                self._beside.keep(index, decode_block(data, index))
            chunks.append(self._begin(block, index))
            self._uses.stop(index)
            chunks.append(self._said(self._text.finish(), self._thinks(self._thought.finish())))
        chunks.append(self._finish(message, message.usage))
        if not self.finished:
            chunks.append(self._said(calls=self._uses.finish(complete=True)))
        self.closed = True
        return [chunk for chunk in chunks if chunk is not None]

    def last(self, data: bytes) -> list[Chunk]:
        """Take what a body ends with: an event, or all of an answer of a server that says it streams, and does not.

        Raises:
            NotAnEventError: it is not of the protocol.
            ErrorEvent: it is an error.
        """
        if decode(data).type == "message":
            return self.whole(data)
        chunk = self.chunk(data)
        return [] if chunk is None else [chunk]

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
        names = {name: word for name, value in (("id", head.id), ("model", head.model)) if (word := word_of(value))}
        self._wire |= names
        return Chunk(usage=self._cost.take(head.usage), metadata={**self._metadata, **names, "wire": dict(self._wire)})

    def _begin(self, block: Block, index: int) -> Chunk | None:
        settled = self._uses.follow()
        if block.type == "text":
            self._beside.cite(block.citations)
            return self._said(self._speaks(block.text or ""), calls=settled)
        if block.type == "thinking":
            self._thinking.begin(block.signature or "", before_call=self._place())
            return self._said(reasoning=self._thinks(block.thinking or ""), calls=settled)
        if block.type == "redacted_thinking":
            self._thinking.redacted(str(block.data or ""), before_call=self._place())
        elif block.type == "tool_use":
            return self._said(calls=(*settled, *self._uses.begin(block, index)))
        return self._said(calls=settled)

    def _delta(self, delta: Delta, index: int) -> Chunk | None:
        kind = delta.type or kind_of(delta)
        if kind == "text_delta":
            text = self._speaks(delta.text or "")
            return Chunk(text) if text else None
        if kind == "thinking_delta":
            return self._said(reasoning=self._thinks(delta.thinking or ""))
        if kind == "signature_delta":
            self._thinking.add(signature=delta.signature or "")
        elif kind == "input_json_delta":
            return self._arguments(delta.partial_json or "", index)
        elif kind == "citations_delta":
            self._beside.cite([] if delta.citation is None else [delta.citation])
        elif kind:
            self._beside.lose(kind)
        return None

    def _arguments(self, piece: str, index: int) -> Chunk | None:
        if not piece:
            return None
        if self._uses.is_call(index):
            return self._said(calls=self._uses.add(index, piece))
        self._beside.add_input(index, piece)
        return None

    def _said(self, text: str = "", reasoning: str = "", calls: Calls = ()) -> Chunk | None:
        return Chunk(text, reasoning, calls) if text or reasoning or calls else None

    def _speaks(self, text: str) -> str:
        said = self._text.feed(text)
        self._spoken = self._spoken or bool(said)
        return said

    def _thinks(self, text: str) -> str:
        said = self._thought.feed(text)
        if said:
            self._thinking.add(text=said)
        return said

    def _place(self) -> int | None:
        """Return before which call a block of thinking stands; None if it is at the beginning."""
        return self._uses.made if self._spoken or self._uses.made else None

    def _finish(self, delta: Delta | Message, usage: object) -> Chunk | None:
        counted = self._cost.take(usage)
        reason = delta.stop_reason
        if self.finished or not reason or reason == "null":  # which some servers send with what goes on
            return Chunk(usage=counted) if counted is not None else None
        self.finished = True
        said = {"stop_reason": reason, "stop_sequence": delta.stop_sequence, "stop_details": delta.stop_details}
        self._wire |= {name: clean(value) for name, value in said.items() if value is not None}
        self._wire["usage"] = self._cost.told()
        if blocks := self._thinking.all():
            self._wire["thinking_blocks"] = blocks
        if unguarded := self._beside.unguarded(self._thinking, calls=bool(self._uses.made)):
            self._wire["unguarded"] = unguarded
        if lost := self._beside.lost:
            self._wire["lost"] = lost
        return Chunk(
            self._text.finish(),
            self._thinks(self._thought.finish()),
            self._uses.finish(complete=reason in _COMPLETE),
            counted or self._cost.total(),
            FINISH_REASONS.get(reason, reason),
            {"wire": dict(self._wire)},
        )
