"""The arguments of tool calls: objects for programs, as they expect them, and JSON for models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handrail import Message

_CALLS = "tool_calls"


def decoded(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool call whose arguments are an object; what is not one as JSON stays as it is."""
    return _with_arguments(call, _object)


def decoded_in(message: Message) -> Message:
    """Return a message with the arguments of its tool calls as objects."""
    calls = message.get(_CALLS)
    return {**message, _CALLS: [decoded(call) for call in calls]} if calls else message


def encoded_in(messages: Sequence[Message] | None) -> Sequence[Message] | None:
    """Return a conversation whose tool calls have their arguments as JSON."""
    if not isinstance(messages, list | tuple) or not any(_has_calls(message) for message in messages):
        return messages
    return [
        {**message, _CALLS: [_with_arguments(call, _text) for call in message[_CALLS]]}
        if _has_calls(message)
        else message
        for message in messages
    ]


def _has_calls(message: object) -> bool:
    calls = message.get(_CALLS) if isinstance(message, Mapping) else None
    return isinstance(calls, list | tuple) and all(isinstance(call, Mapping) for call in calls) and bool(calls)


def _with_arguments(call: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, Mapping) or "arguments" not in function:
        return dict(call)
    return {**call, "function": {**function, "arguments": change(function["arguments"])}}


def _object(arguments: Any) -> Any:
    try:
        value = json.loads(arguments or "{}")
    except (TypeError, ValueError, RecursionError):
        return arguments
    return value if isinstance(value, dict) else arguments


def _text(arguments: Any) -> Any:
    return json.dumps(arguments) if isinstance(arguments, Mapping) else arguments
