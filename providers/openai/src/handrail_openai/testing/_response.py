"""What the Responses API sends: the events of an answer, a whole answer, errors. As OpenAI publishes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail_testkit import replies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail import ToolCall

Json = dict[str, Any]

_FRAGMENT = 8  # characters of arguments in one event


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """One answer.

    Attributes:
        text: the text of its message, none if there is no text.
        pieces: how the text is cut; by default after each space.
        refusal: in place of the text.
        summaries: the parts of a summary of the reasoning before it.
        thoughts: the parts of the reasoning itself, as open models show it.
        encrypted: the sealed content of the reasoning.
        calls: tool calls; those of the kind "custom" are calls of custom tools.
        items: further items of the output, as they are, before all others.
        annotations: of the text.
        reason: why it is incomplete.
        usage: with its details.
    """

    text: str = "Hello, world!"
    pieces: Sequence[str] | None = None
    refusal: str = ""
    summaries: Sequence[str] = ()
    thoughts: Sequence[str] = ()
    encrypted: str = ""
    calls: Sequence[ToolCall] = ()
    items: Sequence[Json] = ()
    annotations: Sequence[Json] = ()
    phase: str | None = None
    reason: str | None = None
    usage: Mapping[str, Any] = field(
        default_factory=lambda: {
            "input_tokens": 25,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 15,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 40,
        }
    )
    id: str = "resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654"

    def output(self) -> list[Json]:
        """Return its items."""
        found = [dict(item) for item in self.items]
        if self.summaries or self.thoughts or self.encrypted:
            found.append(self._reasoning())
        if self.text or self.refusal:
            phase = {"phase": self.phase} if self.phase else {}
            message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
            found.append({**message, "content": [self._content()], **phase})
        for number, call in enumerate(self.calls):
            custom = call.kind == "custom"
            said = {"input" if custom else "arguments": call.arguments}
            kind = "custom_tool_call" if custom else "function_call"
            head = {"id": f"fc_{number}", "type": kind, "status": "completed", "call_id": call.id, "name": call.name}
            found.append({**head, **said})
        return found

    def whole(self, model: str, *, status: str | None = None) -> Json:
        """Return the answer as an object, with its output and its usage only where it has ended."""
        status = status or ("incomplete" if self.reason else "completed")
        ended = status in ("completed", "incomplete")
        return {
            "id": self.id,
            "object": "response",
            "created_at": 1741290958,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": self.reason} if status == "incomplete" else None,
            "instructions": None,
            "metadata": {},
            "model": model,
            "output": self.output() if ended else [],
            "parallel_tool_calls": True,
            "service_tier": "default",
            "store": False,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": dict(self.usage) if ended else None,
        }

    def _content(self) -> Json:
        if self.refusal:
            return {"type": "refusal", "refusal": self.refusal}
        return {"type": "output_text", "text": self.text, "annotations": list(self.annotations), "logprobs": []}

    def _reasoning(self) -> Json:
        found: Json = {"id": "rs_1", "type": "reasoning"}
        found["summary"] = [{"type": "summary_text", "text": text} for text in self.summaries]
        if self.thoughts:
            found["content"] = [{"type": "reasoning_text", "text": text} for text in self.thoughts]
        return {**found, "encrypted_content": self.encrypted} if self.encrypted else found

    def cut(self, text: str) -> list[str]:
        """Return a text in the pieces that an event each carries."""
        return list(self.pieces) if self.pieces is not None else text.replace(" ", " \0").split("\0")


def response_events(answer: ModelResponse, model: str = "test-model") -> list[bytes]:
    """Return the events of a streamed answer, in order and with their numbers."""
    events: list[Json] = [
        {"type": "response.created", "response": answer.whole(model, status="in_progress")},
        {"type": "response.in_progress", "response": answer.whole(model, status="in_progress")},
    ]
    for at, item in enumerate(answer.output()):
        events.append({"type": "response.output_item.added", "output_index": at, "item": _begun(item)})
        place = {"item_id": item.get("id", ""), "output_index": at}
        events += [{**event, **place} for event in _within(item, answer)]
        events.append({"type": "response.output_item.done", "output_index": at, "item": item})
    last = answer.whole(model)
    events.append({"type": f"response.{last['status']}", "response": last})
    return [named_event({**event, "sequence_number": number}) for number, event in enumerate(events)]


def named_event(payload: Json) -> bytes:
    """Return one event, named by its type."""
    return replies.event(payload, name=payload["type"])


def error_event(code: str = "server_error", message: str = "The server had an error.") -> bytes:
    """Return the event of an error within an answer."""
    return named_event({"type": "error", "code": code, "message": message, "param": None, "sequence_number": 9})


def failed_event(code: str = "server_error", message: str = "The model failed.") -> bytes:
    """Return the event of an answer that has failed."""
    response = {**ModelResponse().whole("test-model", status="failed"), "error": {"code": code, "message": message}}
    return named_event({"type": "response.failed", "response": response, "sequence_number": 9})


def _begun(item: Json) -> Json:
    """Return an item as it begins."""
    empty: Json = {"status": "in_progress"}
    for name in ("content", "summary"):
        empty |= {name: []} if name in item else {}
    for name in ("arguments", "input"):
        empty |= {name: ""} if name in item else {}
    return {**item, **empty}


def _within(item: Json, answer: ModelResponse) -> Iterator[Json]:
    """Yield the events between the beginning of an item and its end."""
    kind = item["type"]
    if kind == "message":
        for number, part in enumerate(item["content"]):
            yield from _of_part(part, number, answer)
    elif kind == "reasoning":
        for number, part in enumerate(item["summary"]):
            at = {"summary_index": number}
            yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
            yield from _texts("response.reasoning_summary_text", part["text"], at)
            yield {"type": "response.reasoning_summary_part.done", **at, "part": part}
        for number, part in enumerate(item.get("content", ())):
            yield from _texts("response.reasoning_text", part["text"], {"content_index": number})
    elif kind in ("function_call", "custom_tool_call"):
        yield from _of_call(item, kind)


def _of_part(part: Json, number: int, answer: ModelResponse) -> Iterator[Json]:
    field_name = "refusal" if part["type"] == "refusal" else "text"
    name = "response.refusal" if field_name == "refusal" else "response.output_text"
    logprobs: Json = {"logprobs": []} if field_name == "text" else {}
    at = {"content_index": number}
    yield {"type": "response.content_part.added", **at, "part": {**part, field_name: ""}}
    for piece in answer.cut(part[field_name]):
        yield {"type": f"{name}.delta", **at, "delta": piece, **logprobs}
    yield {"type": f"{name}.done", **at, field_name: part[field_name], **logprobs}
    yield {"type": "response.content_part.done", **at, "part": part}


def _of_call(item: Json, kind: str) -> Iterator[Json]:
    custom = kind == "custom_tool_call"
    name = "response.custom_tool_call_input" if custom else "response.function_call_arguments"
    said: str = item["input" if custom else "arguments"]
    for at in range(0, len(said), _FRAGMENT):
        yield {"type": f"{name}.delta", "delta": said[at : at + _FRAGMENT]}
    yield {
        "type": f"{name}.done",
        "input" if custom else "arguments": said,
        **({} if custom else {"name": item["name"]}),
    }


def _texts(name: str, text: str, at: Json) -> Iterator[Json]:
    middle = len(text) // 2
    for piece in (text[:middle], text[middle:]):
        if piece:
            yield {"type": f"{name}.delta", **at, "delta": piece}
    yield {"type": f"{name}.done", **at, "text": text}
