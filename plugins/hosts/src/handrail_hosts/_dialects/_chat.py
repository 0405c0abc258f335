"""Chat Completions: chunks with choices and deltas, as nearly every server streams them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handrail import Blocked, Chunk, Event, Finished, ReasoningDelta, ToolCall, ToolCallDelta, Usage

from handrail_hosts._beside import FALLBACKS, beside_message, called_in, texts_within
from handrail_hosts._conversation import Conversation, without_key
from handrail_hosts._dialects._base import (
    BROKE_OFF,
    Calls,
    Dialect,
    ModelError,
    Value,
    only_text,
    says_failed,
    text_of,
    wants_json,
)
from handrail_hosts._envelope import is_failure, plain, plain_fields, reason_of, settled
from handrail_hosts._errors import GuardFailedError
from handrail_hosts._sse import Frame

_HEAD = ("id", "object", "created", "model", "system_fingerprint", "service_tier", "provider")
_REASONING = ("reasoning_content", "reasoning")
_INSTRUCTING = ("system", "instructions", "chat_template", "chat_template_kwargs")
_TELLING = ("prompt", "prompt_variables", "input", "documents", "prediction", "suffix", "extra_body", *FALLBACKS)
"""Fields that servers and proxies show to a model beside the messages, or put in their place."""


class ChatDialect(Dialect):
    """One answer in chunks of Chat Completions. Several choices at once are refused: rails judge one answer."""

    has_done = True

    def __init__(self) -> None:
        self._head: Value = {"object": "chat.completion.chunk"}
        self._usage: Value | None = None
        self._reasoning = _REASONING[0]
        self._reason: str | None = None  # why it ended
        self._calls = Calls()
        self._beside: dict[int, Value] = {}  # what a tool call has beside its name and arguments
        self._legacy = self._wants_json = False
        self._begun = self._wrote_text = self._has_deltas = False
        self._frame: Frame | None = None

    def read(self, value: Value) -> Iterable[Chunk]:
        """Take a chunk."""
        if failed(value):
            raise ModelError
        if "id" not in self._head:
            self._head |= plain_fields(value, _HEAD)
        self._told(value)
        choices = value.get("choices") or ()
        if len(choices) > 1 or (choices and choices[0].get("index") not in (0, None)):
            raise GuardFailedError("an answer with several choices is not supported; ask for one with n=1")
        return (self._of_choice(choices[0]) if choices else Chunk(usage=self._tokens()),)

    def text_in(self, value: Value) -> str | None:
        """Return the text of a chunk that has nothing else."""
        choices = value.get("choices")
        if not choices or len(choices) > 1 or "id" not in self._head or failed(value):
            return None
        choice = choices[0]
        delta = choice.get("delta") or {}
        if choice.get("index") not in (0, None) or value.get("usage") is not None:
            return None
        text = delta.get("content")
        return text if type(text) is str and _is_plain(choice, delta) else None

    def write(self, items: Sequence[str | Event]) -> list[Value]:
        """Return chunks for what was released."""
        values: list[Value] = []
        items = self.with_calls_last(items)
        if text := "".join(item for item in items if type(item) is str):
            self._wrote_text = True
            values.append(self._delta({"content": text}))
        for item in items:
            if isinstance(item, ReasoningDelta):
                values.append(self._delta({self._reasoning: item.text}))
            elif isinstance(item, ToolCallDelta):
                values.append(self._delta(self._call(item)))
            elif isinstance(item, Blocked):
                values += self.refuse(item)
            elif isinstance(item, Finished):
                values += self.fail(BROKE_OFF) if self.broke_off(item) else self._end(item.finish_reason)
        return values

    def sent(self, items: Sequence[str | Event]) -> bytes:
        """Return what `write` returns, as it is sent."""
        text = only_text(items)
        if not text or not self._wrote_text or "id" not in self._head:  # the head may change as long as it has no id
            return super().sent(items)
        self._frame = self._frame or Frame(lambda text: self._delta({"content": text}))
        return self._frame.event(text)

    def refuse(self, blocked: Blocked) -> list[Value]:
        """Return the refusal as text in a paragraph of its own and as such, and an end that says it was filtered."""
        text = f"\n\n{blocked.message}" if self._wrote_text else blocked.message
        words = [] if self._wants_json else [self._delta({"content": text})]
        return [*words, self._delta({"refusal": blocked.message}), *self._end("content_filter")]

    def fail(self, message: str) -> list[Value]:
        """Return an error in the place of a chunk."""
        return [self.error(message, "internal_error")]

    def messages(self, body: Value) -> list[Value]:
        """Return the messages of a request."""
        self._wants_json = wants_json(body.get("response_format"))
        return _conversation(body).messages

    def facts(self, body: Value) -> Value:
        """Return tools and format as they are."""
        return {name: body[name] for name in ("tools", "response_format") if body.get(name)}

    def put_back(self, body: Value, messages: Sequence[Mapping[str, Any]]) -> Value:
        """Return the request with other messages."""
        judged = _conversation(body).judged(messages)
        return {**body, "messages": [asked if changed is None else without_key(changed) for asked, changed in judged]}

    def read_whole(self, body: Value) -> Chunk:
        """Take a whole completion."""
        choices: Sequence[Value] = body.get("choices") or []
        if failed(body):
            raise ModelError
        if len(choices) != 1:
            raise GuardFailedError("an answer with several choices is not supported; ask for one with n=1")
        self._told(body)
        choice = choices[0]
        message = {**(choice.get("message") or {})}
        calls = [{**call, "index": index} for index, call in enumerate(message.get("tool_calls") or ())]
        return self._of_choice({**choice, "delta": {**message, "tool_calls": calls}})

    def write_whole(self, body: Value, text: str, reasoning: str | None, calls: Sequence[ToolCall]) -> Value:
        """Return the completion with what the rails let through; what they have not judged is left out."""
        choice = body["choices"][0]
        message: Value = {"role": "assistant", "content": text or (None if calls else "")}
        if reasoning:
            message[self._reasoning] = reasoning
        fragments = [
            self._call(ToolCallDelta(n, call.id, call.name, call.arguments, call.kind)) for n, call in enumerate(calls)
        ]
        for fragment in fragments:
            if "function_call" in fragment:
                message |= fragment
            else:
                call = {name: value for name, value in fragment["tool_calls"][0].items() if name != "index"}
                message.setdefault("tool_calls", []).append(call)
        return self._completion(body, message, reason_of(choice.get("finish_reason")))

    def refuse_whole(self, body: Value | None, blocked: Blocked) -> Value:
        """Return a completion with the refusal, as its text too."""
        head = body or {"id": "refused", "created": 0, "model": "", "usage": None}
        text = None if self._wants_json else blocked.message
        message = {"role": "assistant", "content": text, "refusal": blocked.message}
        return self._completion(head, message, "content_filter")

    def _of_choice(self, choice: Value) -> Chunk:
        delta = self._delta_of(choice)
        if type(delta.get("content")) is str and _is_plain(choice, delta) and self._usage is None:
            return Chunk(delta["content"])
        if delta.get("audio"):
            raise GuardFailedError("an answer with audio is not supported, for rails cannot judge it")
        reason = settled(self._reason, reason_of(choice.get("finish_reason")))
        self._reason = reason or self._reason
        text = text_of(delta.get("content")) + text_of(delta.get("refusal"))
        calls = [*self._fragments(delta)]
        if reason is not None:
            calls += self._calls.finish()
        return Chunk(
            text,
            next((text_of(delta[name]) for name in _REASONING if delta.get(name)), ""),
            tuple(calls),
            self._tokens(),
            reason,
        )

    def _delta_of(self, choice: Value) -> Value:
        """Return what a choice adds; a whole message, or a text as of older protocols, unless deltas came before."""
        delta: Value | None = choice.get("delta")
        if delta is not None:
            self._has_deltas = True
        elif not self._has_deltas:
            delta = choice.get("message") or {"content": choice.get("text")}
        return delta or {}

    def _fragments(self, delta: Value) -> Iterable[ToolCallDelta]:
        for position, call in enumerate(delta.get("tool_calls") or ()):
            index = call.get("index")
            index = position if index is None else index
            custom = call.get("custom")
            inside = custom or call.get("function") or {}
            beside = plain_fields(call, ("extra_content",))
            self._beside.setdefault(index, {}).update(beside)
            yield from self._calls.feed(
                index,
                id=call.get("id"),
                name=inside.get("name"),
                arguments=inside.get("input" if custom else "arguments"),
                kind="custom" if custom else "function",
            )
        if older := delta.get("function_call"):
            self._legacy = True
            yield from self._calls.feed(0, name=older.get("name"), arguments=older.get("arguments"))

    def _call(self, delta: ToolCallDelta) -> Value:
        inside: Value = {"input" if delta.kind == "custom" else "arguments": delta.arguments}
        if delta.name is not None:
            inside = {"name": delta.name, **inside}
        if self._legacy:
            return {"function_call": inside}
        call: Value = {"index": delta.index, delta.kind: inside}
        if delta.name is not None:
            call |= {"id": delta.id, "type": delta.kind, **self._beside.get(delta.index, {})}
        return {"tool_calls": [call]}

    def _told(self, value: Value) -> None:
        if isinstance(usage := value.get("usage"), Mapping):
            self._usage = plain(usage)

    def _tokens(self) -> Usage | None:
        if self._usage is None:
            return None
        return Usage(self._usage.get("prompt_tokens") or 0, self._usage.get("completion_tokens") or 0)

    def _delta(self, delta: Value) -> Value:
        if not self._begun:
            self._begun, delta = True, {"role": "assistant", **delta}
        return {**self._head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    def _end(self, reason: str | None) -> list[Value]:
        end = self._delta({})
        end["choices"][0]["finish_reason"] = reason
        usage = [{**self._head, "choices": [], "usage": self._usage}] if self._usage is not None else []
        return [end, *usage]

    def _completion(self, body: Value, message: Value, reason: str | None) -> Value:
        head = plain_fields(body, (*_HEAD, "usage"))
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {**head, "object": "chat.completion", "choices": [choice]}


def failed(value: Mapping[str, Any]) -> bool:
    """Return whether an event says that the model's server failed."""
    if says_failed(value):
        return True
    choices = value.get("choices")
    if not choices:
        return "choices" not in value and any(value.get(name) for name in ("message", "detail"))
    return bool(choices[0].get("error")) or is_failure(reason_of(choices[0].get("finish_reason")))


def _is_plain(choice: Value, delta: Value) -> bool:
    """Return whether a choice has a text and goes on, and says nothing else, as nearly always."""
    if choice.get("finish_reason") is not None:
        return False
    return len(delta) == 1 or all(value is None or name in ("content", "role") for name, value in delta.items())


def _conversation(body: Value) -> Conversation[Mapping[str, Any]]:
    """Return the messages of a request as rails see them."""
    found = body.get("messages")
    if not isinstance(found, list) or not all(isinstance(message, Mapping) for message in found):
        raise GuardFailedError("'messages' is no list of messages, so the request cannot be judged")
    talk: Conversation[Mapping[str, Any]] = Conversation()
    talk.add_beside("system", texts_within([body.get(name) for name in _INSTRUCTING]))
    called = called_in(found)
    for message in found:
        talk.add(message, message, beside_message(message, called))
    talk.add_beside("user", texts_within([body.get(name) for name in _TELLING]))
    return talk
