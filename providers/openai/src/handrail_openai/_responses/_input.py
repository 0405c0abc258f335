"""A conversation in the form of Chat Completions, as the input items of the Responses API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail_http import BadParameterError

from handrail_openai._responses._parts import input_of, output_of
from handrail_openai._responses._reasoning import reasoning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import Message

_GIVEN = frozenset(("user", "system", "developer"))


def items_of(messages: Sequence[Message], *, stored: bool) -> list[dict[str, Any]]:
    """Return the input items of a conversation.

    Args:
        messages: the conversation.
        stored: the server keeps answers.

    Raises:
        BadParameterError: a message cannot be translated; the text says which, and quotes nothing of it.
    """
    items: list[dict[str, Any]] = []
    custom: set[str] = set()
    for number, message in enumerate(messages, 1):
        place = f"message {number}"
        role = message.get("role")
        if role in _GIVEN:
            items.append({"type": "message", "role": role, "content": input_of(message.get("content"), place)})
        elif role == "assistant":
            items += _assistant(message, place, custom, stored=stored)
        elif role == "tool":
            items.append(_result(message, place, custom))
        else:
            raise BadParameterError(f"{place}: the role {role!r} is not supported; use system, user, assistant or tool")
    return items


def _assistant(message: Message, place: str, custom: set[str], *, stored: bool) -> list[dict[str, Any]]:
    """Return the items of one answer: reasoning, each item before what it led to; text; tool calls."""
    if message.get("function_call"):
        raise BadParameterError(f"{place}: 'function_call' is not supported by the Responses API; use 'tool_calls'")
    reasoning = reasoning_of(message, stored=stored)
    items: list[dict[str, Any]] = []
    content = output_of(message.get("content"), place)
    if isinstance(refusal := message.get("refusal"), str) and refusal:
        content.append({"type": "refusal", "refusal": refusal})
    if content:
        phase = {"phase": message["phase"]} if message.get("phase") else {}
        items += [*reasoning.get(None, ()), {"type": "message", "role": "assistant", "content": content, **phase}]
    for at, call in enumerate(message.get("tool_calls") or ()):
        items += [*reasoning.get(at, ()), _call(call, f"{place}, tool call {at + 1}", custom)]
    return items


def _call(call: Mapping[str, Any], place: str, custom: set[str]) -> dict[str, Any]:
    if not call.get("id"):
        raise BadParameterError(f"{place} has no 'id'")
    beside = {"namespace": call["namespace"]} if call.get("namespace") else {}
    if isinstance(inside := call.get("custom"), Mapping):
        custom.add(str(call["id"]))
        named = _named(inside, place)
        return {
            "type": "custom_tool_call",
            "call_id": call["id"],
            **named,
            "input": inside.get("input") or "",
            **beside,
        }
    if not isinstance(inside := call.get("function"), Mapping):
        raise BadParameterError(f"{place} has no function")
    given = inside.get("arguments")
    arguments = given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)
    named = _named(inside, place)
    return {"type": "function_call", "call_id": call["id"], **named, "arguments": arguments, **beside}


def _named(inside: Mapping[str, Any], place: str) -> dict[str, Any]:
    if not inside.get("name"):
        raise BadParameterError(f"{place} has no name")
    return {"name": inside["name"]}


def _result(message: Message, place: str, custom: set[str]) -> dict[str, Any]:
    id_ = message.get("tool_call_id")
    if not id_:
        raise BadParameterError(f"{place} is a tool's result without 'tool_call_id'")
    kind = "custom_tool_call_output" if str(id_) in custom else "function_call_output"
    return {"type": kind, "call_id": id_, "output": input_of(message.get("content"), place)}
