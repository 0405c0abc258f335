"""Open WebUI: a filter that judges what is asked (inlet), streamed (stream) and kept (outlet)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail import Blocked, Finished, RailFailed, TextDelta
from pydantic import BaseModel, Field

from handrail_hosts._beside import texts_within
from handrail_hosts._dialects import ChatDialect
from handrail_hosts._dialects._base import ModelError
from handrail_hosts._dialects._chat import failed
from handrail_hosts._envelope import plain_fields
from handrail_hosts._errors import AnswerRefusedError, GuardFailedError
from handrail_hosts._guard import Guarding, HostGuard

if TYPE_CHECKING:
    from handrail import FedStream

Key: TypeAlias = "tuple[str, str]"
_MOST_SECONDS = 3600.0  # for which an answer may go on; a filter is not told of readers who leave
_OF_ANSWERS = ("id", "role", "info", "timestamp", "usage", "model")
_PASSES = ("usage", "selected_model_id")
_FAILED = "The answer was withheld, because it could not be checked."


class Valves(BaseModel):
    """What an administrator sets in Open WebUI.

    Attributes:
        priority: filters with a lower number run first. The guard is to run last.
    """

    priority: int = Field(default=1000, description="Filters with a lower number run first; this one is to be last.")


@dataclass(slots=True)
class _Answer:
    guard: FedStream
    dialect: ChatDialect
    began: float
    over: bool = False
    reason: str = "error"


class GuardFilter:
    """A filter of Open WebUI; `make_filter` makes the class that it loads.

    Open WebUI hands over one event at a time and takes one back, so what is not cleared yet goes out with a later one,
    and what is left with the event that has the reason of the end. An answer that ends without one ends where it was
    cleared to. A filter cannot stop a model: after a refusal the rest is dropped as it comes.
    """

    Valves = Valves

    def __init__(self, rails: Guarding) -> None:
        self.valves = Valves()
        self._guard = HostGuard.of(rails)
        self._answers: dict[Key, _Answer] = {}

    async def inlet(self, body: dict[str, Any], __metadata__: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a request as the input rails let it through.

        Raises:
            Exception: they refused it, or it could not be judged; Open WebUI shows the message.
        """
        _key_of(__metadata__)
        dialect = ChatDialect()
        messages = await self._guard.check_request(dialect.messages(body))
        return dialect.put_back(body, messages)

    async def stream(self, event: dict[str, Any], __metadata__: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what is cleared by now, in the form of the event; an empty event is not shown."""
        key = _key_of(__metadata__)
        if not isinstance(event, Mapping):
            return {}
        if not event.get("choices"):
            return await self._broken(key) if failed(event) else plain_fields(event, _PASSES)
        answer = self._answers.get(key) or await self._begun(key)
        if answer.over:
            return self._ended(key, answer, event)
        try:
            events = await self._judged(answer, event)
        except Exception:
            answer.over = True
            await answer.guard.__aexit__(None, None, None)
            raise
        return self._event(key, answer, events)

    async def _broken(self, key: Key) -> dict[str, Any]:
        """Return what is told of an event that says that the model failed: only that, for no rail has judged it."""
        if (answer := self._answers.pop(key, None)) is not None:
            await answer.guard.__aexit__(None, None, None)
        return {"error": {"message": str(ModelError())}}

    async def outlet(self, body: dict[str, Any], __metadata__: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a finished conversation with its last answer judged once more, as what is kept."""
        self._answers.pop(_key_of(__metadata__), None)
        messages = body.get("messages") or [{}]
        last = messages[-1]
        if last.get("role") != "assistant":
            return body
        return {**body, "messages": [*messages[:-1], await self._kept(last)]}

    async def _kept(self, last: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer as it is to be kept; its `output`, which is shown in place of its text, is judged, too."""
        content, output = last.get("content") or "", last.get("output")
        items = [item for item in output if isinstance(item, Mapping)] if isinstance(output, list) else []
        said: dict[str, Any] = {"role": "assistant", "content": content}
        shown = {"role": "assistant", "content": "\n".join(texts_within(items))}
        calls = [_call(item) for item in items if item.get("type") == "function_call"]
        try:
            text, same = (await self._guard.check_output(said)).content, True
            if shown["content"] or calls:
                same = (await self._guard.check_output({**shown, "tool_calls": calls})).status == "passed"
        except AnswerRefusedError as refused:
            text, same = str(refused), False
        except GuardFailedError:
            text, same = _FAILED, False
        if text == content and same:
            return dict(last)
        kept = {name: last[name] for name in _OF_ANSWERS if name in last}
        part = {"type": "output_text", "text": text}
        message = {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
        return {**kept, "content": text, **({} if output is None else {"output": [message]})}

    async def _begun(self, key: Key) -> _Answer:
        """Begin an answer, and forget those that have gone on for too long."""
        now = time.monotonic()
        while self._answers and now - self._answers[other := next(iter(self._answers))].began > _MOST_SECONDS:
            await self._answers.pop(other).guard.__aexit__(None, None, None)  # the oldest is the first
        guard = await self._guard.feed().__aenter__()
        answer = self._answers[key] = _Answer(guard, ChatDialect(), now)
        return answer

    async def _judged(self, answer: _Answer, event: Mapping[str, Any]) -> list[Any]:
        events: list[Any] = []
        for chunk in answer.dialect.chunks({**event}):
            events += await answer.guard.push(chunk)
            if chunk.finish_reason is not None:
                events += await answer.guard.finish()
        return events

    def _event(self, key: Key, answer: _Answer, events: list[Any]) -> dict[str, Any]:
        if not events:
            return {}
        if len(events) == 1 and type(events[0]) is TextDelta:  # as nearly always
            return _merged(answer.dialect.write([events[0].text]))
        items = [item.text if type(item) is TextDelta else item for item in events]
        kept = self._guard.kept([item for item in items if not isinstance(item, RailFailed)])
        values = answer.dialect.write(kept)
        stopped = next((item for item in items if isinstance(item, Blocked | RailFailed)), None)
        if isinstance(stopped, RailFailed):
            values += answer.dialect.write([f"\n\n{_FAILED}"])
        answer.over, answer.reason = (
            stopped is not None,
            "error" if isinstance(stopped, RailFailed) else "content_filter",
        )
        if any(isinstance(item, Finished) for item in items):
            self._answers.pop(key, None)
        return _merged(values)

    def _ended(self, key: Key, answer: _Answer, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is told of an event after the end: nothing, or the end itself."""
        if event["choices"][0].get("finish_reason") in (None, "", "null"):
            return {}
        self._answers.pop(key, None)
        return _merged(answer.dialect.write([Finished(answer.reason)]))


def make_filter(rails: Guarding) -> type[GuardFilter]:
    """Return the class that Open WebUI loads, guarded with these rails.

    Args:
        rails: rails, a configuration, or the path of one.
    """
    guard = HostGuard.of(rails)

    class Filter(GuardFilter):
        """The filter of one configuration."""

        def __init__(self) -> None:
            super().__init__(guard)

    return Filter


def _call(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call in the output of an answer in OpenAI's other form."""
    function = {"name": str(item.get("name")), "arguments": str(item.get("arguments") or "")}
    return {"id": str(item.get("call_id")), "type": "function", "function": function}


def _key_of(metadata: Mapping[str, Any] | None) -> Key:
    told = metadata or {}
    chat, message = str(told.get("chat_id") or ""), str(told.get("message_id") or "")
    if not chat or not message:
        raise GuardFailedError("a request without a chat cannot be guarded, for its events cannot be told from others'")
    return chat, message


def _merged(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Return several chunks as the one event that may be returned."""
    if len(values) == 1:
        return values[0]
    merged: dict[str, Any] = {}
    delta: dict[str, Any] = {}
    reason = None
    for value in values:
        merged |= {name: field for name, field in value.items() if name != "choices"}
        for choice in value.get("choices", ()):
            reason = choice["finish_reason"] or reason
            for name, piece in choice["delta"].items():
                delta[name] = delta[name] + piece if name in delta and name != "role" else piece
    return {**merged, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]} if values else {}
