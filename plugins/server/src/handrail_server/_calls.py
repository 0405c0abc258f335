"""An assistant's message and its tool calls, in the forms that OpenAI's Chat Completions have for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handrail import GenerationResponse, ToolCall, ToolCallDelta

FUNCTION_CALL = "function_call"
"""The type of a call in the form that OpenAI had before `tool_calls`."""


def message_of(
    response: GenerationResponse, wire: Mapping[str, Any], calls: Mapping[int, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return an answer as a message; of one that was stopped, the text that was delivered.

    Args:
        response: the answer.
        wire: what the model's server has told of its structure.
        calls: what tool calls have beside id, name and arguments, by their index.
    """
    message: dict[str, Any] = {"role": "assistant", "content": response.text}
    if response.stop is not None:
        return message
    if wire.get("refusal"):
        message |= {"content": None, "refusal": response.text}
    if response.tool_calls:
        message["content"] = message["content"] or None
        made = [_call_fields(call, calls.get(at, {})) for at, call in enumerate(response.tool_calls)]
        old = calls.get(0, {}).get("type") == FUNCTION_CALL
        message |= {FUNCTION_CALL: made[0]["function"]} if old else {"tool_calls": made}
    return message


def delta_fields(delta: ToolCallDelta, beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fragment of a tool call as fields of a delta."""
    opens = delta.name is not None
    first = {"index": delta.index, "id": delta.id} if opens else {"index": delta.index}
    fields = _call(beside if opens else {"type": beside.get("type")}, delta.arguments, first, delta.name)
    if beside.get("type") == FUNCTION_CALL:
        return {FUNCTION_CALL: fields["function"]}
    return {"tool_calls": [fields]}


def _call_fields(call: ToolCall, beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole tool call in the form in which the model's server sent it."""
    return _call(beside, call.arguments, {"id": call.id}, call.name)


def _call(beside: Mapping[str, Any], arguments: str, first: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """Return a call, or a fragment of one; what opens a call has the name."""
    kind = "custom" if beside.get("type") == "custom" else "function"
    inside: dict[str, Any] = {"input" if kind == "custom" else "arguments": arguments}
    if name is None:
        return {**first, kind: inside}
    further = {key: value for key, value in beside.items() if key not in ("type", "function")}
    inside = {"name": name, **inside, **beside.get("function", {})}
    return {**first, "type": kind, kind: inside, **further}
