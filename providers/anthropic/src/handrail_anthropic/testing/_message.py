"""What the Messages API sends: the events of an answer, a whole answer, errors. Byte for byte as it is published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail_testkit import Reply, replies

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One answer.

    Attributes:
        text: the text of its last block, none if there is no text.
        pieces: how the text is cut; by default after each space.
        thinking: text of a block of thinking before it.
        signature: of that block.
        redacted: data of an encrypted block of thinking.
        calls: pairs of a tool's name and its input.
        blocks: further blocks, as they are, before all others.
        stop_reason: by default "tool_use" where there are calls, else "end_turn".
        usage: of the prompt, with the tokens that were cached.
    """

    text: str = "Hello, world!"
    pieces: Sequence[str] | None = None
    thinking: str = ""
    signature: str = ""
    redacted: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    blocks: Sequence[Json] = ()
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Json | None = None
    usage: Mapping[str, int] = field(default_factory=lambda: {"input_tokens": 25})
    output_tokens: int = 15
    id: str = "msg_01XFDUDYJgAACzvnptvVoYEL"

    @property
    def reason(self) -> str:
        """Why it ended."""
        return self.stop_reason or ("tool_use" if self.calls else "end_turn")

    def content(self) -> list[Json]:
        """Return its blocks."""
        found = [dict(block) for block in self.blocks]
        if self.thinking or self.signature:
            found.append({"type": "thinking", "thinking": self.thinking, "signature": self.signature})
        if self.redacted:
            found.append({"type": "redacted_thinking", "data": self.redacted})
        if self.text:
            found.append({"type": "text", "text": self.text})
        for number, (name, given) in enumerate(self.calls):
            found.append({"type": "tool_use", "id": f"toolu_{number:02}", "name": name, "input": dict(given)})
        return found

    def whole(self, model: str) -> Json:
        """Return the answer in one piece."""
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": self.content(),
            "stop_reason": self.reason,
            "stop_sequence": self.stop_sequence,
            "usage": {**self.usage, "output_tokens": self.output_tokens},
        }


def message_events(message: Message, model: str = "test-model") -> list[bytes]:
    """Return the events of a streamed answer, with a ping after the first block has begun."""
    opening = {**message.whole(model), "content": [], "stop_reason": None, "stop_sequence": None}
    opening["usage"] = {**message.usage, "output_tokens": 1}
    events: list[Json] = [{"type": "message_start", "message": opening}]
    for index, block in enumerate(message.content()):
        begun, deltas = _deltas(block, message.pieces)
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        if index == 0:
            events.append({"type": "ping"})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    delta: Json = {"stop_reason": message.reason, "stop_sequence": message.stop_sequence}
    if message.stop_details is not None:
        delta["stop_details"] = message.stop_details
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": message.output_tokens}})
    events.append({"type": "message_stop"})
    return [named_event(event) for event in events]


def _deltas(block: Json, pieces: Sequence[str] | None) -> tuple[Json, list[Json]]:
    """Return a block as it begins, and what is added to it."""
    kind = block["type"]
    if kind == "text":
        cut = pieces if pieces is not None else block["text"].replace(" ", " \0").split("\0")
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in cut]
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _halves(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if kind == "tool_use":
        arguments = json.dumps(block["input"]) if block["input"] else ""
        fragments = ["", *_halves(arguments)]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in fragments]
    return block, []


def _halves(text: str) -> Iterator[str]:
    middle = len(text) // 2
    return (half for half in (text[:middle], text[middle:]) if half)


def named_event(payload: Json) -> bytes:
    """Return one event, named by its type."""
    return replies.event(payload, name=payload["type"])


def error_event(kind: str = "overloaded_error", message: str = "Overloaded") -> bytes:
    """Return the event of an error within an answer."""
    return named_event({"type": "error", "error": {"type": kind, "message": message}})


def problem(status: int, kind: str, message: str, *, headers: Mapping[str, str] | None = None) -> Reply:
    """Return the answer to a request that is refused."""
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_refused"}
    return replies.json_reply(body, status=status, headers=headers)
