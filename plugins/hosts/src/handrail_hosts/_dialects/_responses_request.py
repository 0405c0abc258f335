"""What a request of the Responses API asks a model, as rails see it, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

from handrail_hosts._beside import FALLBACKS, beside_content, texts_within
from handrail_hosts._conversation import Conversation, has_text, is_placeholder, texts_of
from handrail_hosts._dialects._base import Value
from handrail_hosts._errors import GuardFailedError

Item: TypeAlias = Mapping[str, Any]

CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}
_FILE: Value = {"type": "file", "file": {}}
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_OWN = ("reasoning", "item_reference", "compaction", "computer_call", "local_shell_call", "shell_call",
        "apply_patch_call")  # fmt: skip
"""Items of the model's own beside its calls; what other kinds have may be what a tool has found."""
_INSTRUCTING = ("instructions", "system")
_TELLING = ("prompt", "prompt_variables", "messages", "documents", "extra_body", *FALLBACKS)


def request_of(body: Value) -> Conversation[Item]:
    """Return a request as rails see it."""
    talk: Conversation[Item] = Conversation()
    talk.add_beside("system", texts_within([body.get(name) for name in _INSTRUCTING]))
    _add(talk, body.get("input"))
    talk.add_beside("user", texts_within([body.get(name) for name in _TELLING]))
    return talk


def conversation_of(asked: object) -> Conversation[Item]:
    """Return the input of a request as rails see it."""
    talk: Conversation[Item] = Conversation()
    _add(talk, asked)
    return talk


def put_back(talk: Conversation[Item], judged: Sequence[Mapping[str, Any]], asked: object) -> Any:
    """Return an input as the input rails let it through."""
    items = [item if changed is None else _changed(item, changed) for item, changed in talk.judged(judged)]
    return items[0]["content"] if isinstance(asked, str) and items else items


def facts_of(tools: Iterable[Any], form: object) -> Value:
    """Return tools and format as rails are told them."""
    known = [
        {"type": "function", "function": {name: tool[name] for name in ("name", "parameters") if name in tool}}
        for tool in tools
        if isinstance(tool, Mapping) and tool.get("type") == "function"
    ]
    is_json = isinstance(form, Mapping) and form.get("type") in ("json_object", "json_schema")
    return {"tools": known, "response_format": {"type": "json_object"} if is_json else None}


def _add(talk: Conversation[Item], asked: object) -> None:
    items = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked or ()
    if not isinstance(items, list | tuple) or not all(isinstance(item, Mapping) for item in items):
        raise GuardFailedError("an item of the input is not an object, so it cannot be judged")
    for item in items:
        talk.add(item, *_message_of(item))


def _message_of(item: Item) -> tuple[Value, Iterable[str]]:
    """Return an item as a message, and what it says beside that."""
    kind = item.get("type", "message")
    if kind == "message":
        role = item["role"]
        return {"role": role, "content": _content(item["content"], role)}, _beside(item, "content")
    if kind in CALLS:
        function = {"name": item["name"], "arguments": item.get("arguments") or json.dumps(item.get("input", ""))}
        call = {"id": item["call_id"], "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}, ()
    if kind in _OUTPUTS:
        said = {"role": "tool", "tool_call_id": item["call_id"], "content": _content(item["output"], "tool")}
        return said, _beside(item, "output")
    read = ("result",) if kind == "image_generation_call" else ()  # an image
    return {"role": "assistant" if kind in _OWN else "tool", "content": [_FILE]}, texts_within(item, read=read)


def _content(content: Any, role: str) -> Any:
    if not isinstance(content, list):
        return content
    refusals = [part.get("refusal") if role == "assistant" else None for part in content]
    texts = [part["text"] if has_text(part) else said for part, said in zip(content, refusals, strict=True)]
    return [{"type": "text", "text": text} if isinstance(text, str) else _FILE for text in texts]


def _beside(item: Item, field: str) -> Iterable[str]:
    return chain(texts_within(item, read=("role", field)), beside_content(item[field]))


def _changed(item: Item, message: Mapping[str, Any]) -> Value:
    field = "output" if item.get("type") in _OUTPUTS else "content"
    texts = texts_of(message["content"])
    if is_placeholder(message):
        text = "".join(texts)
        return {**item, field: text} if field == "output" else {"role": message["role"], "content": text}
    if item.get("type", "message") not in ("message", *_OUTPUTS) or message["role"] == "assistant":
        raise GuardFailedError("a rail changed an item of the model's, which is not supported here")
    if not isinstance(item[field], list):
        return {**item, field: "".join(texts)}
    left = iter(texts)
    return {**item, field: [{**part, "text": next(left)} if has_text(part) else part for part in item[field]]}
