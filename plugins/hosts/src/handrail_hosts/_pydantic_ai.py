"""The messages and events of pydantic-ai, read for rails and written back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, is_dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail import Chunk, ToolCallDelta, Usage
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    RetryFeedbackPart,
    RetryPromptPart,
    SpeechPart,
    SystemPromptPart,
    TextContent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
    ToolReturnPart,
    UserPromptPart,
)

from handrail_hosts._attached import text_of_bytes
from handrail_hosts._beside import texts_within
from handrail_hosts._conversation import Conversation, is_placeholder, texts_of
from handrail_hosts._dialects import Calls
from handrail_hosts._envelope import name_of, plain
from handrail_hosts._errors import GuardFailedError

if TYPE_CHECKING:
    from handrail import Message
    from pydantic_ai.messages import ModelResponsePart
    from pydantic_ai.models import StreamedResponse
    from pydantic_ai.usage import RequestUsage

_FILE: dict[str, Any] = {"type": "file", "file": {}}
_NOT_SHOWN = frozenset({"kind", "_identifier", "_media_type", "force_download"})
_OWN = ("CapabilityLoadDeltaPart", "CompactionPart", "InstructionBaselinePart", "InstructionDeltaPart",
        "ModelSettingsDeltaPart", "ToolAvailabilityDeltaPart")  # fmt: skip
"""What pydantic-ai tells the model itself; which of them there are depends on its version."""

Place: TypeAlias = "tuple[ModelMessage, ModelRequestPart | None]"
"""A message, and the part of it that rails see as a message of their own; None for an answer."""


def conversation_of(messages: Sequence[ModelMessage]) -> Conversation[Place]:
    """Return what a model is asked with as rails see it."""
    talk: Conversation[Place] = Conversation()
    for message in messages:
        if isinstance(message, ModelRequest):
            for part in message.parts:
                talk.add((message, part), *_message_of(part))
        else:
            talk.add((message, None), _answer(message))
    return talk


def put_back(talk: Conversation[Place], judged: Sequence[Message]) -> list[ModelMessage]:
    """Return the messages as the input rails let them through; those they left alone are the same objects."""
    kept: list[tuple[ModelMessage, list[ModelRequestPart]]] = []
    for (message, part), changed in talk.judged(judged):
        if not kept or kept[-1][0] is not message:
            kept.append((message, []))
        if part is not None:
            kept[-1][1].append(part if changed is None else _changed(part, changed))
        elif changed is not None and is_placeholder(changed):
            kept[-1] = (ModelResponse([TextPart(changed["content"])]), [])
        elif changed is not None:
            raise GuardFailedError("a rail changed an earlier answer of the model, which is not supported here")
    return [_with(message, parts) for message, parts in kept]


def read_whole(answer: ModelResponse) -> Chunk:
    """Return a whole answer as rails see it.

    Raises:
        GuardFailedError: it has parts that rails cannot judge.
    """
    texts, thoughts = list[str](), list[str]()
    calls: list[ToolCallDelta] = []
    for part in answer.parts:
        if isinstance(part, TextPart):
            texts.append(part.content)
        elif isinstance(part, ThinkingPart):
            thoughts.append(part.content)
        elif isinstance(part, ToolCallPart):
            calls.append(
                ToolCallDelta(len(calls), plain(part.tool_call_id), name_of(part.tool_name), part.args_as_json_str())
            )
        else:
            raise _not_judged(part)
    return Chunk("".join(texts), "".join(thoughts), tuple(calls), usage_of(answer.usage), answer.finish_reason)


class Reader:
    """Reads the events of one streamed answer."""

    def __init__(self) -> None:
        self._calls = Calls()
        self._indexes: dict[int, int] = {}  # of tool calls, by the index of their part

    def read(self, event: object) -> Chunk | None:
        """Take an event; None for one that says nothing new.

        Raises:
            GuardFailedError: it has what rails cannot judge.
        """
        if isinstance(event, PartDeltaEvent):
            delta = event.delta
            if isinstance(delta, TextPartDelta):
                return Chunk(delta.content_delta)
            if isinstance(delta, ThinkingPartDelta):
                return Chunk(reasoning=delta.content_delta or "")
            if isinstance(delta, ToolCallPartDelta):
                return self._call(event.index, delta.tool_call_id, delta.tool_name_delta, delta.args_delta)
            raise _not_judged(delta)
        if isinstance(event, PartStartEvent):
            return self._start(event.index, event.part)
        return None

    def end(self, answer: StreamedResponse) -> Chunk:
        """Return the end of the answer."""
        usage = usage_of(answer.usage)
        return Chunk(tool_calls=tuple(self._calls.finish()), usage=usage, finish_reason=answer.finish_reason)

    def _start(self, index: int, part: ModelResponsePart) -> Chunk:
        if isinstance(part, TextPart):
            return Chunk(part.content)
        if isinstance(part, ThinkingPart):
            return Chunk(reasoning=part.content)
        if isinstance(part, ToolCallPart):
            given = part.args_as_json_str() if isinstance(part.args, dict) else part.args  # as the whole part has it
            return self._call(index, part.tool_call_id, part.tool_name, given)
        raise _not_judged(part)

    def _call(self, index: int, id_: str | None, name: str | None, arguments: Any) -> Chunk:
        number = self._indexes.setdefault(index, len(self._indexes))
        return Chunk(tool_calls=tuple(self._calls.feed(number, id=id_, name=name, arguments=arguments)))


def without_more(part: ModelResponsePart) -> ModelResponsePart:
    """Return a part without what no rail has judged, such as citations, or a text in the place of an id."""
    names = {"id": plain(part.id), "provider_name": plain(part.provider_name)} if hasattr(part, "id") else {}
    if isinstance(part, TextPart):
        return TextPart(part.content, **names)
    if isinstance(part, ThinkingPart):
        return replace(part, signature=plain(part.signature), provider_details=plain(part.provider_details), **names)
    if isinstance(part, ToolCallPart):
        id_ = plain(part.tool_call_id)
        return replace(part, tool_call_id=id_, provider_details=plain(part.provider_details), **names)
    raise _not_judged(part)


def usage_of(usage: RequestUsage) -> Usage:
    """Return tokens as the kernel has them."""
    return Usage(usage.input_tokens, usage.output_tokens, cached_tokens=usage.cache_read_tokens)


def _message_of(part: ModelRequestPart) -> tuple[dict[str, Any], Iterable[str]]:
    """Return a part as a message, and what it says beside that."""
    if isinstance(part, UserPromptPart):
        return {"role": "user", "content": _content(part)}, _beside(part.content)
    if isinstance(part, ToolReturnPart):
        said = {"role": "tool", "tool_call_id": part.tool_call_id, "content": part.model_response_str()}
        words = {"type": part.tool_name, "id": part.tool_call_id}  # a name is a word, or else a text
        return said, chain(texts_within(words), _beside(part.files))
    if isinstance(part, RetryFeedbackPart | RetryPromptPart):
        return {"role": "user", "content": part.model_response()}, ()
    if isinstance(part, SystemPromptPart):
        return {"role": "system", "content": part.content}, ()
    if isinstance(part, SpeechPart):
        return {"role": "user", "content": [_FILE]}, filter(None, [part.transcript])
    if type(part).__name__ in _OWN:
        return {"role": "system", "content": [_FILE]}, texts_within(asdict(part))
    raise GuardFailedError(f"a {type(part).__name__} cannot be judged")


def _beside(items: Iterable[object]) -> Iterator[str]:
    """Yield what files and the like say to a model, which pydantic-ai may write into the prompt where it is text."""
    for item in items:
        if isinstance(item, BinaryContent):
            yield from text_of_bytes(item.data, item.media_type)
            words = {"type": item.media_type, "id": item.identifier}
            yield from texts_within({**words, "vendor_metadata": item.vendor_metadata})
        elif is_dataclass(item) and not isinstance(item, TextContent | type):
            yield from texts_within({name: value for name, value in asdict(item).items() if name not in _NOT_SHOWN})
            yield from texts_within({"id": getattr(item, "identifier", "")})


def _content(part: UserPromptPart) -> Any:
    if isinstance(part.content, str):
        return part.content
    return [
        {"type": "text", "text": item if isinstance(item, str) else item.content}
        if isinstance(item, str | TextContent)
        else _FILE
        for item in part.content
    ]


def _changed(part: ModelRequestPart, message: Message) -> ModelRequestPart:
    texts = texts_of(message["content"])
    if isinstance(part, UserPromptPart) and not isinstance(part.content, str) and not is_placeholder(message):
        left = iter(texts)
        items = [
            (text if isinstance(item, str) else replace(item, content=text))
            if isinstance(item, str | TextContent) and (text := next(left, "")) is not None
            else item
            for item in part.content
        ]
        return replace(part, content=items)
    if isinstance(part, UserPromptPart):
        return replace(part, content="".join(texts))
    if isinstance(part, SystemPromptPart):
        return replace(part, content="".join(texts))
    if type(part) is ToolReturnPart:
        return replace(part, content="".join(texts))  # type: ignore[arg-type]  # its subclasses were told apart
    if isinstance(part, RetryFeedbackPart):
        return UserPromptPart("".join(texts))
    raise GuardFailedError("a rail changed a message that cannot be changed")


def _answer(message: ModelResponse) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "assistant", "content": message.text or ""}
    calls = [
        {
            "id": part.tool_call_id,
            "type": "function",
            "function": {"name": part.tool_name, "arguments": part.args_as_json_str()},
        }
        for part in message.parts
        if isinstance(part, ToolCallPart)
    ]
    return {**said, "tool_calls": calls} if calls else said


def _with(message: ModelMessage, parts: list[ModelRequestPart]) -> ModelMessage:
    if isinstance(message, ModelResponse):
        return message
    same = [*map(id, parts)] == [*map(id, message.parts)]
    return message if same else replace(message, parts=parts)


def _not_judged(part: object) -> GuardFailedError:
    return GuardFailedError(f"the answer has a {type(part).__name__}, which rails cannot judge")
