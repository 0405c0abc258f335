"""A conversation in the form of Anthropic's Messages, as one of Chat Completions: every text where rails read it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from handrail_server._dialects._translating import joined, refuse_unknown, text_at, untranslatable, wrong
from handrail_server._files import as_text

Message = dict[str, Any]

_TEXT = ("type", "text", "cache_control", "citations")
_PICTURE = re.compile(r"image/[\w.+-]{1,32}", re.ASCII)
_PDF = re.compile("application/pdf")
_USER = ("text", "image", "document", "tool_result")
_ASSISTANT = ("text", "tool_use", "thinking", "redacted_thinking")


def system_of(system: str | Sequence[Mapping[str, Any]] | None) -> list[Message]:
    """Return the instructions as a message.

    Raises:
        ApiError: a block is no text.
    """
    if not system:
        return []
    if isinstance(system, str):
        return [{"role": "system", "content": system}]
    return [{"role": "system", "content": joined([_text(part, f"system[{n}]") for n, part in enumerate(system)])}]


def messages_of(given: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Return the messages; a message that holds results of tools becomes one for each, and one for the rest.

    Raises:
        ApiError: a block has no counterpart there; the error names it.
    """
    messages: list[Message] = []
    for index, message in enumerate(given):
        content, place = message["content"], f"messages[{index}].content"
        if isinstance(content, str):
            messages.append({"role": message["role"], "content": content})
        elif message["role"] == "assistant":
            messages.append(_assistant(content, place))
        elif message["role"] == "system":
            parts = [_text(part, f"{place}[{number}]") for number, part in enumerate(content)]
            messages.append({"role": "system", "content": joined(parts)})
        else:
            messages += _user(content, place)
    return messages


def _user(content: Sequence[Mapping[str, Any]], place: str) -> list[Message]:
    results: list[Message] = []
    parts: list[dict[str, Any]] = []
    for number, block in enumerate(content):
        where = f"{place}[{number}]"
        if block.get("type") == "tool_result":
            results.append(_result(block, where))
        else:
            parts.append(_part(block, where, _USER))
    if not parts and not results:
        raise wrong(place, "there is no block in it")
    return [*results, {"role": "user", "content": joined(parts)}] if parts else results


def _result(block: Mapping[str, Any], place: str) -> Message:
    refuse_unknown(block, ("type", "tool_use_id", "content", "is_error", "cache_control"), place)
    content = block.get("content")
    if isinstance(content, list):
        parts = [
            _part(part, f"{place}.content[{number}]", ("text", "image", "document"))
            for number, part in enumerate(content)
        ]
        content = joined(parts) if parts else ""
    elif content is not None and not isinstance(content, str):
        raise wrong(f"{place}.content", "must be text or a list of blocks")
    message: Message = {"role": "tool", "tool_call_id": text_at(block, "tool_use_id", place), "content": content or ""}
    if block.get("is_error") is True:
        message["is_error"] = True
    return message


def _assistant(content: Sequence[Mapping[str, Any]], place: str) -> Message:
    parts: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    for number, block in enumerate(content):
        where = f"{place}[{number}]"
        kind = block.get("type")
        if kind == "tool_use":
            calls.append(_call(block, where))
        elif kind in ("thinking", "redacted_thinking"):
            refuse_unknown(block, ("type", "thinking", "signature", "data"), where)
            thoughts.append(dict(block))
        else:
            parts.append(_part(block, where, _ASSISTANT))
    message: Message = {"role": "assistant", "content": joined(parts) if parts else None}
    if calls:
        message["tool_calls"] = calls
    return {**message, **_thought(thoughts)} if calls or parts else {**message, "content": "", **_thought(thoughts)}


def _thought(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return thinking as text, and as blocks if they can be sent back as they came: with a signature each."""
    if not blocks:
        return {}
    text = "".join(str(block.get("thinking") or "") for block in blocks)
    signed = all(block.get("signature") or block.get("data") for block in blocks)
    return {**({"reasoning_content": text} if text else {}), **({"thinking_blocks": blocks} if signed else {})}


def _call(block: Mapping[str, Any], place: str) -> dict[str, Any]:
    refuse_unknown(block, ("type", "id", "name", "input", "cache_control", "caller"), place)
    given = block.get("input")
    if not isinstance(given, Mapping):
        raise wrong(f"{place}.input", "must be an object")
    inside = {"name": text_at(block, "name", place), "arguments": json.dumps(given, ensure_ascii=False)}
    return {"id": text_at(block, "id", place), "type": "function", "function": inside}


def _part(block: object, place: str, known: Sequence[str]) -> dict[str, Any]:
    kind = block.get("type") if isinstance(block, Mapping) else None
    if not isinstance(block, Mapping) or kind not in known:
        raise untranslatable(f"{place}.type", f"the blocks here are {', '.join(known)}")
    if kind == "text":
        return _text(block, place)
    refuse_unknown(block, ("type", "source", "cache_control", "title", "citations"), place)
    source = block.get("source")
    if not isinstance(source, Mapping):
        raise wrong(f"{place}.source", "must be an object")
    part = _image(source, place) if kind == "image" else _document(block, source, place)
    return {**part, **_cached(block)}


def _text(block: Mapping[str, Any], place: str) -> dict[str, Any]:
    if block.get("type") != "text":
        raise untranslatable(f"{place}.type", "only text can be here")
    refuse_unknown(block, _TEXT, place)
    return {"type": "text", "text": text_at(block, "text", place), **_cached(block)}


def _image(source: Mapping[str, Any], place: str) -> dict[str, Any]:
    if source.get("type") == "url":
        return {"type": "image_url", "image_url": {"url": text_at(source, "url", f"{place}.source")}}
    return {"type": "image_url", "image_url": {"url": _data_url(source, place, _PICTURE, "a picture's")}}


def _document(block: Mapping[str, Any], source: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return a document: one that is text becomes text, which rails read."""
    title = "" if block.get("title") is None else text_at(block, "title", place)
    if source.get("type") == "text":
        return dict(as_text(title, text_at(source, "data", f"{place}.source")))
    only = "application/pdf, as a text is sent as one, so that rails read it"
    named = {"filename": title} if title else {}
    return {"type": "file", "file": {"file_data": _data_url(source, place, _PDF, only), **named}}


def _data_url(source: Mapping[str, Any], place: str, allowed: re.Pattern[str], what: str) -> str:
    where = f"{place}.source"
    if source.get("type") != "base64":
        raise untranslatable(f"{where}.type", "only base64, text for a document and url for an image can be here")
    if allowed.fullmatch(text_at(source, "media_type", where)) is None:
        raise wrong(f"{where}.media_type", f"must be {what}")
    return f"data:{text_at(source, 'media_type', where)};base64,{text_at(source, 'data', where)}"


def _cached(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"cache_control": block["cache_control"]} if block.get("cache_control") else {}
