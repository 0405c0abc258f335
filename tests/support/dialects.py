"""How clients of each dialect ask and read: enough of each protocol to notice an event that is out of its place."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pydantic_core import from_json

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}


@dataclass
class Read:
    """What a client has read of an answer."""

    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    end: str | None = None
    error: dict | None = None
    guardrails: dict = field(default_factory=dict)
    usage: dict = field(default_factory=dict)


@dataclass
class Sent:
    """A stream as it was sent."""

    body: bytes


def body(dialect: str, text: str = "Hello!", **more) -> dict:
    """A request of one message."""
    message = {"role": "user", "content": text}
    given = {"input": [message]} if dialect == "responses" else {"messages": [message]}
    if dialect == "messages":
        given["max_tokens"] = 100
    return {"model": "a", **given, **more}


def read(dialect: str, answer, *, stream: bool) -> Read:
    """Read an answer as a client does."""
    if not stream:
        return _WHOLE[dialect](answer.json)
    events = [part for part in answer.body.decode().split("\n\n") if part and not part.startswith(":")]
    return _STREAMED[dialect](events)


def _chat_whole(given) -> Read:
    message = given["choices"][0]["message"]
    calls = [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls", ())]
    return Read(
        message["content"] or "",
        message.get("refusal", ""),
        message.get("reasoning_content", ""),
        calls,
        given["choices"][0]["finish_reason"],
        None,
        given.get("guardrails", {}),
        given["usage"],
    )


def _chat_streamed(events) -> Read:
    found = Read()
    assert events.pop() == "data: [DONE]"
    for event in events:
        values = json.loads(event.removeprefix("data: "))
        if "error" in values:
            found.error = values["error"]
            continue
        found.guardrails |= values.get("guardrails", {})
        for choice in values["choices"]:
            delta = choice["delta"]
            found.text += delta.get("content") or ""
            found.refusal += delta.get("refusal") or ""
            found.reasoning += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls", ()):
                _add(found, call["index"], call.get("id"), call["function"])
            found.end = choice["finish_reason"] or found.end
    return found


def _add(found: Read, index: int, call_id, function) -> None:
    if index == len(found.calls):
        found.calls.append((call_id, function["name"], ""))
    known = found.calls[index]
    found.calls[index] = (*known[:2], known[2] + function["arguments"])


def _responses_whole(given) -> Read:
    found = Read(guardrails=given.get("guardrails", {}), usage=given["usage"] or {}, error=given["error"])
    for item in given["output"]:
        if item["type"] == "reasoning":
            found.reasoning += "".join(part["text"] for part in item["summary"])
        elif item["type"] == "function_call":
            found.calls.append((item["call_id"], item["name"], item["arguments"]))
        else:
            for part in item["content"]:
                found.text += part.get("text", "")
                found.refusal += part.get("refusal", "")
    details = given["incomplete_details"] or {}
    found.end = {"completed": "stop", "failed": None}.get(given["status"], details.get("reason"))
    return found


def _responses_streamed(events) -> Read:
    """Put the deltas together, and compare them with what the events at the end say."""
    given = [_named(event) for event in events]
    assert [event["sequence_number"] for event in given] == list(range(len(given)))
    assert [event["type"] for event in given[:2]] == ["response.created", "response.in_progress"]
    last = given[-1]["response"]
    open_items, said = {}, {}
    for event in given[2:-1]:
        kind, at = event["type"], event.get("output_index")
        if kind == "response.output_item.added":
            assert at == len(open_items)
            open_items[at] = event["item"]["id"]
        elif kind == "response.output_item.done":
            assert event["item"] in last["output"]
            assert open_items[at] == event["item"]["id"]
        elif kind.endswith(".delta"):
            place = (event["item_id"], kind.removesuffix(".delta"), event.get("content_index"))
            assert open_items[at] == event["item_id"]
            said[place] = said.get(place, "") + event["delta"]
        elif kind.endswith((".done", ".part.added")) and "part" not in event:
            whole = next(event[name] for name in ("text", "refusal", "arguments") if name in event)
            place = (event["item_id"], kind.removesuffix(".done"), event.get("content_index"))
            assert said.get(place, "") == whole
    found = _responses_whole(last)
    found.error = next((event["error"] for event in given if event["type"] == "error"), found.error)
    if found.error is None:
        assert found.text == "".join(text for (_, kind, _), text in said.items() if "output_text" in kind)
    return found


def _messages_whole(given) -> Read:
    found = Read(guardrails=given.get("guardrails", {}), usage=given["usage"], end=given["stop_reason"])
    for block in given["content"]:
        if block["type"] == "tool_use":
            found.calls.append((block["id"], block["name"], json.dumps(block["input"])))
        found.text += block.get("text", "")
        found.reasoning += block.get("thinking", "")
    found.refusal = (given.get("stop_details") or {}).get("explanation", "")
    return found


def _messages_streamed(events) -> Read:
    given = [event for event in map(_named, events) if event["type"] != "ping"]
    assert given[0]["type"] == "message_start"
    message, current = {**given[0]["message"], "content": []}, None
    error = None
    for event in given[1:]:
        if event["type"] == "content_block_start":
            assert current is None
            assert event["index"] == len(message["content"])
            current = {**event["content_block"], "arguments": ""}
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            name = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}.get(
                delta["type"], "arguments"
            )
            current[name] += delta.get("partial_json", delta.get(name))
        elif event["type"] == "content_block_stop":
            said = current.pop("arguments")
            message["content"].append({**current, "input": _begun(said or "{}")} if "input" in current else current)
            current = None
        elif event["type"] == "message_delta":
            message |= {**event["delta"], "usage": event["usage"], "guardrails": event.get("guardrails", {})}
        elif event["type"] == "error":
            error = event["error"]
    assert given[-1]["type"] == ("message_stop" if error is None else "error")
    found = _messages_whole(message)
    found.error = error
    return found


def _begun(arguments: str) -> object:
    """Read arguments as far as they came, as Anthropic's own libraries do."""
    return from_json(arguments, allow_partial=True)


def _named(event: str) -> dict:
    name, _, data = event.partition("\n")
    values = json.loads(data.removeprefix("data: "))
    assert name == f"event: {values['type']}"
    return values


_WHOLE = {"chat": _chat_whole, "responses": _responses_whole, "messages": _messages_whole}
_STREAMED = {"chat": _chat_streamed, "responses": _responses_streamed, "messages": _messages_streamed}
