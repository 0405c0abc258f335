"""What a request of Anthropic's API asks a model, as rails see it, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

from handrail_hosts._beside import FALLBACKS, beside_content, texts_within
from handrail_hosts._conversation import Conversation, has_text, is_placeholder, texts_of
from handrail_hosts._dialects._base import Value
from handrail_hosts._errors import GuardFailedError

Place: TypeAlias = tuple[int, Value]
"""The index of a message, and one block of it."""

_FILE: Value = {"type": "file", "file": {}}
_TELLING = ("prompt", "input", "documents", "extra_body", *FALLBACKS)


def conversation_of(body: Value) -> Conversation[Place]:
    """Return the messages of a request as rails see them: each block is one, as its role has it."""
    talk: Conversation[Place] = Conversation()
    system = body.get("system")
    for block in [{"type": "text", "text": system}] if isinstance(system, str) else system or ():
        talk.add_beside("system", [block["text"], *texts_within(block, read=("text",))])
    for index, message in enumerate(body["messages"]):
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            talk.add((index, block), *_message_of(message["role"], block))
        talk.add_beside(_read_as(message["role"]), texts_within(message, read=("role", "content")))
    talk.add_beside("user", texts_within([body.get(name) for name in _TELLING]))
    return talk


def put_back(body: Value, messages: Sequence[Mapping[str, Any]]) -> Value:
    """Return a request with the conversation as the input rails let it through."""
    kept: dict[int, list[Value]] = {}
    for (index, block), changed in conversation_of(body).judged(messages):
        kept.setdefault(index, []).append(block if changed is None else _changed(block, changed))
    asked = body["messages"]
    return {**body, "messages": [_with(asked[index], blocks) for index, blocks in kept.items()]}


def facts_of(body: Value) -> Value:
    """Return the tools as Chat Completions has them."""
    tools = [
        {"type": "function", "function": {"name": tool["name"], "parameters": tool["input_schema"]}}
        for tool in body.get("tools") or ()
        if "input_schema" in tool
    ]
    return {"tools": tools}


def _message_of(role: str, block: Value) -> tuple[Value, Iterable[str]]:
    """Return a block as a message, and what it says beside that."""
    kind = block["type"]
    if kind == "text":
        return {"role": role, "content": block["text"]}, texts_within(block, read=("text",))
    if kind == "tool_result":
        beside = (texts_within(block, read=("content",)), beside_content(block.get("content")))
        return _result(block), chain.from_iterable(beside)
    if kind.endswith("tool_result"):  # of tools that a server runs: strangers wrote what they found
        return {"role": "tool", "content": [_FILE]}, texts_within(block)
    if kind == "tool_use" and role == "assistant":
        function = {"name": block["name"], "arguments": json.dumps(block["input"])}
        call = {"id": block["id"], "type": "function", "function": function}
        return {"role": role, "content": None, "tool_calls": [call]}, ()
    return {"role": role, "content": [_FILE]}, texts_within(block)


def _result(block: Value) -> Value:
    content = block.get("content")
    if content is not None and not isinstance(content, str):
        content = [{"type": "text", "text": part["text"]} if has_text(part) else _FILE for part in content]
    return {"role": "tool", "tool_call_id": block["tool_use_id"], "content": content or ""}


def _read_as(role: str) -> str:
    return "user" if role == "assistant" else role


def _changed(block: Value, message: Mapping[str, Any]) -> Value:
    texts = texts_of(message["content"])
    if block["type"] == "tool_result":
        return {**block, "content": _changed_result(block.get("content"), texts, message)}
    if is_placeholder(message):
        return {"type": "text", "text": "".join(texts)}
    if block["type"] != "text":
        raise GuardFailedError(f"a rail changed a block of the type {block['type']!r}, which is not supported")
    return {**block, "text": "".join(texts)}


def _changed_result(content: Any, texts: Sequence[str], message: Mapping[str, Any]) -> Any:
    if not isinstance(content, list) or is_placeholder(message):
        return "".join(texts)
    left = iter(texts)
    return [{**part, "text": next(left)} if has_text(part) else part for part in content]


def _with(message: Value, blocks: list[Value]) -> Value:
    if isinstance(message["content"], str):
        return {**message, "content": blocks[0]["text"]}
    return {**message, "content": blocks}
