"""OpenAI's Chat Completions, and the flat body, which is answered with messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail import ReasoningDelta, Retraction, ToolCallDelta

from handrail_server._beside import head_of
from handrail_server._bodies import ChatBody
from handrail_server._calls import delta_fields, message_of
from handrail_server._dialects._writing import ItemWriter
from handrail_server._sse import DONE, KEEP_ALIVE, event, to_json
from handrail_server._usage import usage_fields

if TYPE_CHECKING:
    from handrail_server._dialects._dialect import Ended, Heading, Refusal
    from handrail_server._errors import ApiError
    from handrail_server._policy import Wanted


class ChatCompletions:
    """`POST /v1/chat/completions`."""

    name = "chat"
    id_prefix = "chatcmpl-"
    path = "/v1/chat/completions"
    body = ChatBody

    def wanted(self, body: ChatBody) -> ChatBody:
        """Return the body: it is one already."""
        return body

    def adapted(self, wanted: Wanted, body: ChatBody, engine: str) -> Wanted:  # noqa: ARG002  # the protocol's
        """Return the request as it is."""
        return wanted

    def writer(self, heading: Heading, wanted: Wanted, body: ChatBody) -> ChunkWriter:  # noqa: ARG002  # likewise
        """Return what writes chunks."""
        return ChunkWriter(heading, include_usage=wanted.include_usage)

    def whole(self, ended: Ended, body: ChatBody) -> Mapping[str, Any]:  # noqa: ARG002  # likewise
        """Return a `chat.completion`, or the flat body's answer."""
        return _completion(ended) if ended.wanted.openai else _flat(ended)

    def error(self, error: ApiError) -> Mapping[str, Any]:
        """Return the body of an error."""
        return error.body()


class ChunkWriter(ItemWriter):
    """Writes the events of one answer: each is a `chat.completion.chunk`.

    Tool calls are written when the answer has ended and no rail has stopped it: some clients complete the beginning of
    a call that was stopped, and run it.

    Args:
        heading: what names the answer.
        include_usage: whether a chunk with the tokens used comes last, and all others say that they have none.
    """

    keep_alive = KEEP_ALIVE

    def __init__(self, heading: Heading, *, include_usage: bool) -> None:
        super().__init__()
        self._named = {
            "id": heading.id,
            "object": "chat.completion.chunk",
            "created": heading.created,
            "model": heading.model,
        }
        self._include_usage = include_usage
        self._tail = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._text_end = b'},"logprobs":null,"finish_reason":null}]' + self._tail
        self._calls: Mapping[int, Mapping[str, Any]] = {}
        self._waiting: list[ToolCallDelta] = []
        self.learn({}, {})

    def begin(self) -> bytes:
        """Return the first chunk, with the role."""
        return self._delta({"role": "assistant", "content": ""})

    def learn(self, wire: Mapping[str, Any], calls: Mapping[int, Mapping[str, Any]]) -> None:
        """Take what the model's server has said of the answer by now."""
        self._head = b"data: %b," % to_json({**self._named, **head_of(wire)})[:-1]
        field = b"refusal" if wire.get("refusal") else b"content"
        self._text_start = self._head + b'"choices":[{"index":0,"delta":{"%b":' % field
        self._calls = calls

    def text(self, text: str) -> bytes:
        """Return the event for text of the answer."""
        self.has_text = True
        return self._text_start + to_json(text) + self._text_end

    def other(self, item: object) -> bytes:
        """Return the event for reasoning, or text to be withdrawn; tool calls wait for the end."""
        if isinstance(item, ReasoningDelta):
            return self._delta({"reasoning_content": item.text})
        if isinstance(item, ToolCallDelta):
            self._waiting.append(item)
        if isinstance(item, Retraction):
            return self.aside({"retraction": {"channel": item.channel, "start": item.start, "end": item.end}})
        return b""

    def aside(self, guardrails: Mapping[str, Any]) -> bytes:
        """Return a chunk without a choice: something about the answer that is no part of it."""
        return self._chunk([], guardrails)

    def finish(self, ended: Ended, error: ApiError | None) -> bytes:
        """Return the chunks that end the answer, with what the rails have to say beside it."""
        parts = [self._called(call) for call in self._waiting] if ended.response.stop is None else []
        if ended.refusal is not None:
            parts.append(self._refused(ended.refusal))
        found = ended.found
        if found.message:
            parts.append(self._delta(found.message))
        last = {**_choice({}), **found.choice, **ended.ending}
        parts.append(self._chunk([last], ended.guardrails, found.answer))
        if self._include_usage:
            used = usage_fields(ended.response.usage, ended.wire.get("usage"))
            parts.append(self._head + b'"choices":[],"usage":' + to_json(used) + b"}\n\n")
        if error is not None:
            parts.append(event(error.body()))
        return b"".join((*parts, DONE))

    def fail(self, error: ApiError) -> bytes:
        """Return the event that ends a stream which has failed."""
        return event(error.body()) + DONE

    def _called(self, call: ToolCallDelta) -> bytes:
        return self._delta(delta_fields(call, self._calls.get(call.index, {})))

    def _refused(self, refusal: Refusal) -> bytes:
        parts = [self._delta({"content": self.apart(refusal)})] if refusal.as_text else []
        if refusal.as_refusal:
            parts.append(self._delta({"refusal": refusal.message}))
        return b"".join(parts)

    def _delta(self, delta: Mapping[str, Any]) -> bytes:
        return self._chunk([_choice(delta)], None)

    def _chunk(
        self,
        choices: Sequence[Mapping[str, Any]],
        guardrails: Mapping[str, Any] | None,
        more: Mapping[str, Any] | None = None,
    ) -> bytes:
        beside = {**(more or {}), **({} if guardrails is None else {"guardrails": guardrails})}
        fields = b"," + to_json(beside)[1:-1] if beside else b""
        return self._head + b'"choices":' + to_json(choices) + fields + self._tail


def _choice(delta: Mapping[str, Any]) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}


def _completion(ended: Ended) -> dict[str, Any]:
    message = message_of(ended.response, ended.wire, ended.calls)
    if ended.refusal is not None:
        message["content"] = ended.refusal.message if ended.refusal.as_text else None
        if ended.refusal.as_refusal:
            message["refusal"] = ended.refusal.message
    if ended.reasoning:
        message["reasoning_content"] = ended.reasoning
    heading, found = ended.heading, ended.found
    choice = {"index": 0, "message": {**found.message, **message}, "logprobs": None, **found.choice, **ended.ending}
    beside = {} if ended.guardrails is None else {"guardrails": ended.guardrails}
    return {
        **found.answer,
        "id": heading.id,
        "object": "chat.completion",
        "created": heading.created,
        "model": heading.model,
        **head_of(ended.wire),
        "choices": [choice],
        "usage": usage_fields(ended.response.usage, ended.wire.get("usage")),
        **beside,
    }


def _flat(ended: Ended) -> dict[str, Any]:
    message = message_of(ended.response, ended.wire, ended.calls)
    if ended.refusal is not None:
        message["content"] = ended.refusal.message
    own = ("blocked", "log", "llm_output", "output_data", "state", "user_message")
    told = {name: value for name, value in (ended.guardrails or {}).items() if name in own}
    inside = {name: told.pop(name) for name in ("blocked", "user_message") if name in told}
    return {"messages": [message], **told, **({"guardrails": inside} if inside else {})}
