"""Responses: the events and items of OpenAI's newer API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handrail import Blocked, Chunk, Event, ToolCall, ToolCallDelta, Usage

from handrail_hosts._dialects._base import (
    Calls,
    Dialect,
    ModelError,
    Value,
    only_text,
    says_failed,
    text_of,
    wants_json,
)
from handrail_hosts._dialects._responses_request import CALLS, facts_of, put_back, request_of
from handrail_hosts._dialects._responses_writer import ITEM, ResponsesWriter
from handrail_hosts._envelope import name_of, plain, plain_fields

_ENDS = {"response.completed": "stop", "response.incomplete": "length", "response.done": "stop"}
_FAILURES = ("response.failed", "response.cancelled")
_REASONING = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_ARGUMENTS = {
    "response.function_call_arguments.delta": "function",
    "response.custom_tool_call_input.delta": "custom",
}
_SELF = ("id", "object", "created_at", "completed_at", "model", "background", "service_tier", "status", "usage",
         "incomplete_details", "error")  # fmt: skip
_ECHOED = ("conversation", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls",
           "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention", "reasoning",
           "safety_identifier", "store", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p",
           "truncation", "user")  # fmt: skip
"""Fields of a response that it has from the request."""
_ANSWERS = ("error", "usage", "status", "incomplete_details")
_OF_ITEMS = ("id", "type", "role", "status", "phase", "call_id", "name", "namespace", "encrypted_content")


class ResponsesDialect(Dialect):
    """One response. An item that is neither text, reasoning nor a call of a function is judged like a call.

    Such an item, as those of tools that OpenAI runs itself are, is shown to rails with all that it says, and passed on
    as it was if they leave it alone.
    """

    def __init__(self) -> None:
        self._write = ResponsesWriter()
        self._calls = Calls()
        self._indexes: dict[int, int] = {}  # numbers of calls, by the index of their item
        self._with_deltas: set[int | None] = set()  # indexes of items of which parts have come
        self._any_item = self._any_text = self._any_thought = False

    def read(self, value: Value) -> Iterable[Chunk]:
        """Take an event."""
        kind = value.get("type", "")
        if kind in _FAILURES or says_failed(value):
            raise ModelError
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            self._write.is_refusal = kind == "response.refusal.delta"
            self._any_text = True
            self._with_deltas.add(value.get("output_index"))
            return (Chunk(text_of(value["delta"])),)
        if kind in _REASONING:
            self._any_thought = True
            self._with_deltas.add(value.get("output_index"))
            return (Chunk(reasoning=text_of(value["delta"])),)
        if kind in _ARGUMENTS:
            self._with_deltas.add(value["output_index"])
            return self._call(value["output_index"], arguments=value["delta"], kind=_ARGUMENTS[kind])
        if kind in ("response.output_item.added", "response.output_item.done"):
            self._any_item = True
            return self._item(value["output_index"], value["item"], done=kind.endswith("done"))
        if kind in _ENDS:
            return self._end(value["response"], _ENDS[kind])
        if isinstance(response := value.get("response"), Mapping):
            self._write.learn(_head(response))
        return ()

    def text_in(self, value: Value) -> str | None:
        """Return the text of an event that has nothing else."""
        text = value.get("delta") if value.get("type") == "response.output_text.delta" else None
        return text if type(text) is str else None

    def write(self, items: Sequence[str | Event]) -> list[Value]:
        """Return events for what was released."""
        return self._write.items(self.with_calls_last(items))

    def waits(self, call: ToolCallDelta) -> bool:
        """Return whether this is of a call that a client runs, and not of an item that is shown to rails as a call."""
        return call.index in (self._waiting or {}) or not (call.name or ITEM).startswith(ITEM)

    def sent(self, items: Sequence[str | Event]) -> bytes:
        """Return what `write` returns, as it is sent."""
        text = only_text(items)
        return (self._write.text_event(text) if text else None) or super().sent(items)

    def refuse(self, blocked: Blocked) -> list[Value]:
        """Return the refusal as text and as the model's would be, and an end that says that it was filtered."""
        return self._write.refuse(blocked)

    def fail(self, message: str) -> list[Value]:
        """Return a failed response."""
        return self._write.fail(message)

    def messages(self, body: Value) -> list[Value]:
        """Return the input of a request."""
        self._write.wants_json = wants_json((body.get("text") or {}).get("format"))
        return request_of(body).messages

    def put_back(self, body: Value, messages: Sequence[Mapping[str, Any]]) -> Value:
        """Return the request with other input."""
        return {**body, "input": put_back(request_of(body), messages, body["input"])}

    def facts(self, body: Value) -> Value:
        """Return tools and format as Chat Completions has them."""
        return facts_of(body.get("tools") or (), (body.get("text") or {}).get("format"))

    def read_whole(self, body: Value) -> Chunk:
        """Take a whole response."""
        if _failed(body):
            raise ModelError
        texts, thoughts, calls = list[str](), list[str](), list[ToolCallDelta]()
        for item in body.get("output") or ():
            if item["type"] == "message":
                texts += [text_of(part.get("text") or part.get("refusal")) for part in item["content"]]
            elif item["type"] == "reasoning":
                thoughts += _thoughts(item)
            else:
                calls.append(_whole_call(len(calls), item))
        reason = "length" if body.get("status") == "incomplete" else "stop"
        return Chunk("".join(texts), "".join(thoughts), tuple(calls), usage_of(body), reason)

    def write_whole(self, body: Value, text: str, reasoning: str | None, calls: Sequence[ToolCall]) -> Value:
        """Return the response with what the rails let through."""
        left, output = iter(calls), list[Value]()
        for item in body.get("output") or ():
            if item["type"] == "message":
                if text:
                    said = plain_fields(item, _OF_ITEMS)
                    output.append({**said, "content": [{"type": "output_text", "text": text, "annotations": []}]})
                text = ""  # the texts of several messages go into the first
            elif item["type"] == "reasoning":
                summary = [{"type": "summary_text", "text": reasoning}] if reasoning else []
                output.append({**plain_fields(item, _OF_ITEMS), "summary": summary})
                reasoning = None
            else:
                output.append(_changed_call(item, next(left)))
        return {**_of_itself(body), "output": output}

    def refuse_whole(self, body: Value | None, blocked: Blocked) -> Value:
        """Return an incomplete response with the refusal."""
        return self._write.refuse(blocked, _of_itself(body or {}))[-1]["response"]  # type: ignore[no-any-return]  # JSON

    def _item(self, index: int, item: Value, *, done: bool) -> Iterable[Chunk]:
        kind = item["type"]
        if kind == "reasoning":
            if done:
                told = plain_fields(item, ("id", "encrypted_content"))
                self._write.reasoned({name: value for name, value in told.items() if value})
            return () if self._has_come(index, done=done) else (Chunk(reasoning="".join(_thoughts(item))),)
        if kind == "message":
            self._write.message_id = self._write.message_id or plain(item.get("id"))
            return () if self._has_come(index, done=done) else self._said([item])
        if kind in CALLS:
            channel, field = CALLS[kind]
            arguments = item.get(field) if done and index not in self._with_deltas else None
            self._write.call_ids[self._number(index)] = plain(item.get("id"))
            return self._call(index, id=item["call_id"], name=item["name"], arguments=arguments, kind=channel)
        if not done:
            return ()
        call = _whole_call(self._number(index), item)
        return (Chunk(tool_calls=(call,)),)

    def _has_come(self, index: int, *, done: bool) -> bool:
        """Return whether there is nothing to read of an item, because its parts have come, or are still to come."""
        return not done or not self._with_deltas.isdisjoint((index, None))

    def _said(self, items: Iterable[Value]) -> Iterable[Chunk]:
        """Return the texts of messages that came at once."""
        for item in items:
            for part in item["content"] if item["type"] == "message" else ():
                self._any_text = True
                self._write.is_refusal = part.get("type") == "refusal"
                yield Chunk(text_of(part.get("text") or part.get("refusal")))

    def _number(self, index: int) -> int:
        return self._indexes.setdefault(index, len(self._indexes))

    def _call(self, index: int, **fragment: Any) -> Iterable[Chunk]:
        return (Chunk(tool_calls=tuple(self._calls.feed(self._number(index), **fragment))),)

    def _end(self, response: Value, reason: str) -> Iterable[Chunk]:
        if _failed(response):
            raise ModelError
        reason = "length" if response.get("status") == "incomplete" else reason  # vLLM says so only there
        cut = {"status": "incomplete"} if reason == "length" else {}
        self._write.learn(_head(response), {**_of_itself(response), **cut})
        usage, calls = usage_of(response), tuple(self._calls.finish())
        if self._any_item:
            said = () if self._any_text else self._said(response.get("output") or ())
            return (*said, Chunk(tool_calls=calls, usage=usage, finish_reason=reason))
        whole = self.read_whole(response)
        text, thought = "" if self._any_text else whole.text, "" if self._any_thought else whole.reasoning
        return (Chunk(text, thought, whole.tool_calls, usage, reason),)


def _failed(response: Mapping[str, Any]) -> bool:
    """Return whether a response says of itself that the model's server failed."""
    return says_failed(response) or response.get("status") in ("failed", "cancelled")


def _of_itself(response: Mapping[str, Any]) -> Value:
    """Return a response without its output, and without what nobody knows."""
    return {**plain_fields(response, _SELF), **{name: response[name] for name in _ECHOED if name in response}}


def _head(response: Mapping[str, Any]) -> Value:
    return {name: value for name, value in _of_itself(response).items() if name not in _ANSWERS}


def _thoughts(item: Value) -> list[str]:
    return [part["text"] for part in (*item.get("summary", ()), *(item.get("content") or ()))]


def usage_of(response: Value) -> Usage | None:
    """Return the tokens of a response."""
    told = response.get("usage")
    return Usage(told.get("input_tokens") or 0, told.get("output_tokens") or 0) if told else None


def _whole_call(number: int, item: Value) -> ToolCallDelta:
    if item["type"] in CALLS:
        channel, field = CALLS[item["type"]]
        kind = "custom" if channel == "custom" else "function"
        return ToolCallDelta(number, plain(item["call_id"]), name_of(item["name"]), item[field] or "", kind)  # type: ignore[arg-type]  # one of two
    return ToolCallDelta(number, item.get("id") or f"item_{number}", f"{ITEM}{item['type']}", json.dumps(item))


def _changed_call(item: Value, call: ToolCall) -> Value:
    if item["type"] in CALLS:
        said = {**plain_fields(item, _OF_ITEMS), "name": call.name}
        return {**said, CALLS[item["type"]][1]: call.arguments}
    changed = json.loads(call.arguments)
    return changed if isinstance(changed, dict) else {}
