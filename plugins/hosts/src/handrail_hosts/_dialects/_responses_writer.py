"""Writes the events of a response from what rails have released: each item is opened, filled and closed anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from handrail import Blocked, Event, Finished, ReasoningDelta, ToolCallDelta

from handrail_hosts._dialects._base import BROKE_OFF, Value
from handrail_hosts._sse import NumberedFrame

_FIELD = {"output_text": "text", "refusal": "refusal"}
ITEM = "item:"
"""How the name of a call begins that stands for an item of another kind."""


class ResponsesWriter:
    """The events of one response.

    Attributes:
        message_id: the id of the model's message.
        call_ids: the ids of the items of tool calls, by the number of the call.
        is_refusal: what the model says is its own refusal.
        wants_json: the answer is to be JSON, so that a refusal is no text of it.
    """

    def __init__(self) -> None:
        self.message_id: str | None = None
        self.call_ids: dict[int, str | None] = {}
        self.is_refusal = self.wants_json = self._has_text = False
        self._head: Value = {
            "id": "resp_guarded",
            "object": "response",
            "created_at": 0,
            "model": "",
            "output": [],
            **_ECHO,
        }
        self._last: Mapping[str, Any] = {}
        self._begun = False
        self._number = 0
        self._output: list[Value] = []
        self._open: dict[str, int] = {}  # what is being written, by its kind
        self._said: list[str] = []  # of the part of text that is open
        self._kind = "output_text"  # of that part
        self._place: Value | None = None  # of that part, as its events have it; None while none is open
        self._frame: NumberedFrame | None = None
        self._thoughts: list[Value] = []  # ends of the model's reasoning that were read and not yet written

    def learn(self, head: Mapping[str, Any], last: Mapping[str, Any] | None = None) -> None:
        """Take what the response says of itself, and how it ended."""
        self._head |= head
        self._last = self._last if last is None else last

    def reasoned(self, item: Value) -> None:
        """Take that the model has ended an item of reasoning, without what it thought."""
        self._thoughts.append(item)

    def items(self, items: Sequence[str | Event]) -> list[Value]:
        """Return events for what was released together."""
        events: list[Value] = []
        if text := "".join([item for item in items if isinstance(item, str)]):
            events += self._text(text)
        for item in items:
            if isinstance(item, ReasoningDelta):
                events += self._reasoning(item.text)
            elif isinstance(item, ToolCallDelta):
                events += self._call(item)
            elif isinstance(item, Finished):
                events += self.fail(BROKE_OFF) if item.finish_reason is None else self._end()
            elif isinstance(item, Blocked):
                events += self.refuse(item)
        return events

    def text_event(self, text: str) -> bytes | None:
        """Return the event for a text as it is sent; None if something has to be opened or closed before."""
        if not self._goes_on("refusal" if self.is_refusal else "output_text"):
            return None
        self._frame = self._frame or NumberedFrame(self._delta)
        self._said.append(text)
        self._number += 1
        return self._frame.event(text, self._number - 1)

    def refuse(self, blocked: Blocked, body: Mapping[str, Any] | None = None) -> list[Value]:
        """Return the refusal, and the end of a response that was filtered; what was begun is left incomplete."""
        self.learn({name: value for name, value in (body or {}).items() if name not in ("output", "output_text")})
        calls = any(key.startswith("call") for key in self._open)
        events = self._close("reasoning") + (self._close("text", "incomplete") if calls else [])
        for index in sorted((index for key, index in self._open.items() if key != "text"), reverse=True):
            del self._output[index]
        self._open = {key: len(self._output) - 1 for key in self._open if key == "text"}
        self.message_id = None
        said = f"\n\n{blocked.message}" if self._has_text else blocked.message
        events += [] if self.wants_json else self._text(said, "output_text")
        events += self._text(blocked.message, "refusal") + self._close("text", "incomplete")
        details = {"reason": "content_filter"}
        return [*events, self._last_event("incomplete", {"incomplete_details": details, "error": None})]

    def fail(self, message: str) -> list[Value]:
        """Return the end of a response that failed."""
        error = {"code": "server_error", "message": message}
        self._output.clear()
        return [*self._begin(), self._last_event("failed", {"error": error})]

    def _text(self, text: str, kind: str = "") -> list[Value]:
        kind = kind or ("refusal" if self.is_refusal else "output_text")
        events = [] if self._goes_on(kind) else self._begin_text(kind)
        self._said.append(text)
        self._number += 1
        return [*events, self._delta(text, self._number - 1)]

    def _goes_on(self, kind: str) -> bool:
        """Return whether a text belongs to the part that is open."""
        return self._place is not None and self._kind == kind and not self._thoughts and "reasoning" not in self._open

    def _delta(self, text: str, number: int) -> Value:
        logprobs: Value = {} if self._kind == "refusal" else {"logprobs": []}
        head = {"type": f"response.{self._kind}.delta", "sequence_number": number}
        return {**head, **(self._place or {}), "delta": text, **logprobs}

    def _begin_text(self, kind: str) -> list[Value]:
        self._has_text = True
        events = self._begin() + self._close("reasoning") + self._flush()
        if "text" not in self._open:
            id_ = self.message_id or f"msg_{len(self._output)}"
            self.message_id = None
            item: Value = {"id": id_, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
            events += self._opened("text", {**item})
            self._output[self._open["text"]]["content"] = []
        parts = self._output[self._open["text"]]["content"]
        return events + self._close_part(parts) + self._open_part(parts, kind)

    def _open_part(self, parts: list[Value], kind: str) -> list[Value]:
        part = {"type": kind, _FIELD[kind]: "", **({} if kind == "refusal" else {"annotations": [], "logprobs": []})}
        parts.append(part)
        index = self._open["text"]
        self._kind, self._frame = kind, None
        place = {"item_id": self._output[index].get("id"), "output_index": index, "content_index": len(parts) - 1}
        self._place = place
        return [self._next("content_part.added", **place, part={**part})]

    def _close_part(self, parts: list[Value]) -> list[Value]:
        place, self._place = self._place, None
        if place is None:
            return []
        field, part = _FIELD[self._kind], parts[-1]
        part[field] = "".join(self._said)
        self._said.clear()
        logprobs: Value = {} if self._kind == "refusal" else {"logprobs": []}
        done = self._next(f"{self._kind}.done", **place, **{field: part[field]}, **logprobs)
        return [done, self._next("content_part.done", **place, part={**part})]

    def _reasoning(self, text: str) -> list[Value]:
        events = self._begin()
        if "reasoning" not in self._open:
            id_ = self._thoughts[0].get("id") if self._thoughts else None
            item: Value = {"id": id_ or f"rs_{len(self._output)}", "type": "reasoning", "summary": []}
            events += self._opened("reasoning", item)
            part = {"type": "summary_text", "text": ""}
            events.append(self._of("reasoning_summary_part.added", "reasoning", summary_index=0, part={**part}))
            self._output[self._open["reasoning"]]["summary"] = [part]
        self._output[self._open["reasoning"]]["summary"][0]["text"] += text
        return [*events, self._of("reasoning_summary_text.delta", "reasoning", summary_index=0, delta=text)]

    def _call(self, delta: ToolCallDelta) -> list[Value]:
        key, custom = f"call {delta.index}", delta.kind == "custom"
        events = self._begin()
        if delta.name is not None:
            events += self._close("reasoning") + self._close("text") + self._flush()
            for other in [name for name in self._open if name.startswith("call")]:
                events += self._close(other)
            field = "input" if custom else "arguments"
            kind = "custom_tool_call" if custom else "function_call"
            id_ = self.call_ids.get(delta.index) or f"fc_{delta.index}"
            item: Value = {"id": id_, "type": kind, "call_id": delta.id, "name": delta.name, field: ""}
            item |= {} if custom else {"status": "in_progress"}
            self._open[key] = len(self._output)
            self._output.append(item)
            if not delta.name.startswith(ITEM):
                added = self._next("output_item.added", output_index=self._open[key], item={**item})
                events.append(added)
        item = self._output[self._open[key]]
        item["input" if custom else "arguments"] += delta.arguments
        if delta.arguments and not item["name"].startswith(ITEM):
            name = "custom_tool_call_input.delta" if custom else "function_call_arguments.delta"
            events.append(self._of(name, key, delta=delta.arguments))
        return events

    def _end(self) -> list[Value]:
        events = self._begin() + self._close("reasoning") + self._close("text")
        for key in list(self._open):
            events += self._close(key)
        events += self._flush()
        cut = self._last.get("incomplete_details")
        is_cut = cut or self._last.get("status") == "incomplete"
        return [*events, self._last_event("incomplete" if is_cut else "completed", {"incomplete_details": cut})]

    def _begin(self) -> list[Value]:
        if self._begun:
            return []
        self._begun = True
        response = {**self._head, "status": "in_progress", "output": []}
        return [self._next("created", response=response), self._next("in_progress", response=response)]

    def _opened(self, key: str, item: Value) -> list[Value]:
        self._open[key] = len(self._output)
        self._output.append(item)
        return [self._next("output_item.added", output_index=self._open[key], item={**item})]

    def _close(self, key: str, status: str = "completed") -> list[Value]:
        if key not in self._open:
            return []
        item, events = self._output[self._open[key]], list[Value]()
        if key == "text":
            events += self._close_part(item["content"])
        elif key == "reasoning":
            part = item["summary"][0]
            events.append(self._of("reasoning_summary_text.done", key, summary_index=0, text=part["text"]))
            events.append(self._of("reasoning_summary_part.done", key, summary_index=0, part=part))
            item |= self._thoughts.pop(0) if self._thoughts else {}
        elif item["name"].startswith(ITEM):
            judged = json.loads(item["arguments"])
            item.clear()
            item.update(judged)
        else:
            custom = item["type"] == "custom_tool_call"
            name, field = ("custom_tool_call_input.done", "input") if custom else _ARGUMENTS_DONE
            further = {} if custom else {"name": item["name"]}
            events.append(self._of(name, key, **{field: item[field]}, **further))
        if "status" in item:
            item["status"] = status
        events.append(self._next("output_item.done", output_index=self._open.pop(key), item=item))
        return events

    def _flush(self) -> list[Value]:
        """Return the items of reasoning that nothing was delivered of; what follows them has to name them."""
        events: list[Value] = []
        while self._thoughts:
            item = {"type": "reasoning", "summary": [], **self._thoughts.pop(0)}
            self._output.append(item)
            index = len(self._output) - 1
            events += [self._next(f"output_item.{step}", output_index=index, item=item) for step in ("added", "done")]
        return events

    def _of(self, name: str, key: str, /, **fields: Any) -> Value:
        index = self._open[key]
        return self._next(name, item_id=self._output[index].get("id"), output_index=index, **fields)

    def _next(self, name: str, /, **fields: Any) -> Value:
        self._number += 1
        return {"type": f"response.{name}", "sequence_number": self._number - 1, **fields}

    def _last_event(self, status: str, fields: Mapping[str, Any]) -> Value:
        response = {**self._head, "status": status, "output": self._output, "usage": self._last.get("usage"), **fields}
        return self._next(status, response=response)


_ARGUMENTS_DONE = ("function_call_arguments.done", "arguments")
_ECHO: Mapping[str, Any] = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}  # SDKs require them
