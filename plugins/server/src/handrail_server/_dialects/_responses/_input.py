"""The input of a request for a response, as messages of Chat Completions: every text in a place that rails read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail_server._dialects._responses._tools import flat_name
from handrail_server._dialects._translating import (
    joined,
    kind_of,
    objects_at,
    refuse_unknown,
    text_at,
    untranslatable,
    wrong,
)

_BOOKKEEPING = ("type", "id", "status", "phase", "async", "caller", "created_by", "prompt_cache_breakpoint")
_PART_FIELDS = {
    "input_text": ("text",),
    "output_text": ("text", "annotations", "logprobs"),
    "text": ("text",),
    "refusal": ("refusal",),
    "input_image": ("image_url", "detail", "file_id"),
    "input_file": ("file_data", "file_id", "file_url", "filename", "detail"),
    "input_audio": ("input_audio",),
}
_CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}
_RESULTS = ("function_call_output", "custom_tool_call_output")

_SAYS = frozenset(("refusal", "tool_calls", "tool_call_id"))

Messages = list[dict[str, Any]]


def messages_of(given: str | Sequence[Mapping[str, Any]]) -> Messages:
    """Return the input as messages.

    Raises:
        ApiError: an item has no counterpart there; the error names it.
    """
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not given:
        raise wrong("input", "there is no item in it")
    messages: Messages = []
    for index, item in enumerate(given):
        _add(messages, item, f"input[{index}]")
    return [message for message in messages if message["content"] is not None or message.keys() & _SAYS]


def _add(messages: Messages, item: Mapping[str, Any], place: str) -> None:
    kind = kind_of(item, place, "message")
    if kind == "message":
        _add_message(messages, item, place)
    elif kind in _CALLS:
        _add_call(messages, item, place, *_CALLS[kind])
    elif kind in _RESULTS:
        refuse_unknown(item, (*_BOOKKEEPING, "call_id", "name", "output"), place)
        content = _content(item.get("output"), f"{place}.output")
        messages.append({"role": "tool", "tool_call_id": text_at(item, "call_id", place), "content": content})
    elif kind == "reasoning":
        _add_thought(messages, _thought(item, place))
    else:
        known = ", ".join(("message", *_CALLS, *_RESULTS, "reasoning"))
        raise untranslatable(f"{place}.type", f"the items of an input are {known}")


def _add_message(messages: Messages, item: Mapping[str, Any], place: str) -> None:
    refuse_unknown(item, (*_BOOKKEEPING, "role", "content"), place)
    text_at(item, "role", place)
    message: dict[str, Any] = {"role": item.get("role"), "content": _content(item.get("content"), f"{place}.content")}
    if message["role"] == "assistant":
        message |= _refused(item.get("content"), message["content"])
        if messages and messages[-1]["role"] == "assistant" and messages[-1]["content"] is None:
            messages[-1] |= message  # what was thought before it, or called
            return
    messages.append(message)


def _add_thought(messages: Messages, text: str) -> None:
    """Add reasoning to the assistant's message that it belongs to: the next, or the one whose calls still come."""
    last = messages[-1] if messages else {}
    if last.get("role") == "assistant" and (last["content"] is None or "tool_calls" in last):
        last["reasoning_content"] = last.get("reasoning_content", "") + text
    else:
        messages.append({"role": "assistant", "content": None, "reasoning_content": text})


def _add_call(messages: Messages, item: Mapping[str, Any], place: str, kind: str, said: str) -> None:
    refuse_unknown(item, (*_BOOKKEEPING, "call_id", "name", "namespace", said), place)
    name = flat_name(item.get("namespace"), text_at(item, "name", place))
    inside = {"name": name, said: text_at(item, said, place)}
    call = {"id": text_at(item, "call_id", place), "type": kind, kind: inside}
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", []).append(call)


def _thought(item: Mapping[str, Any], place: str) -> str:
    """Return the text of reasoning; what is encrypted is for another server, and kept here where it is needed."""
    refuse_unknown(item, (*_BOOKKEEPING, "summary", "content", "encrypted_content"), place)
    parts = [
        (part, f"{place}.{name}[{number}]")
        for name in ("summary", "content")
        for number, part in enumerate(objects_at(item, name, place))
    ]
    return "".join(text_at(part, "text", where) for part, where in parts)


def _content(content: object, place: str) -> Any:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise wrong(place, "must be text or a list of parts")
    parts = [_part(part, f"{place}[{index}]") for index, part in enumerate(content)]
    return joined([part for part in parts if part is not None]) if any(parts) else None


def _part(part: object, place: str) -> dict[str, Any] | None:
    kind = kind_of(part, place) if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping) or kind not in _PART_FIELDS:
        raise untranslatable(f"{place}.type", f"the parts of a message are {', '.join(_PART_FIELDS)}")
    refuse_unknown(part, (*_BOOKKEEPING, *_PART_FIELDS[kind]), place)
    if kind == "refusal":
        text_at(part, "refusal", place)
        return None
    if kind == "input_image":
        return _image(part, place)
    if kind == "input_file":
        return _file(part, place)
    if kind == "input_audio":
        return {"type": kind, kind: part.get(kind)}
    return {"type": "text", "text": text_at(part, "text", place)}


def _image(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    if part.get("file_id"):
        raise untranslatable(f"{place}.file_id", "an image is a URL")
    inside = {"url": text_at(part, "image_url", place), "detail": part.get("detail")}
    return {"type": "image_url", "image_url": {name: value for name, value in inside.items() if value is not None}}


def _file(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    for name in ("file_url", "detail"):
        if part.get(name):
            raise untranslatable(f"{place}.{name}", "a file is its data, or an id")
    named = {name: part[name] for name in ("file_data", "file_id", "filename") if part.get(name) is not None}
    return {"type": "file", "file": named}


def _refused(content: object, said: object) -> dict[str, Any]:
    """Return the refusal in a content, which Chat Completions has beside it."""
    parts = content if isinstance(content, list) else []
    refusal = "".join(part["refusal"] for part in parts if part.get("type") == "refusal")
    return {"content": said or None, "refusal": refusal} if refusal else {}
