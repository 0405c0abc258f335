"""What a message is made of: its blocks, why it stopped, and what it has cost."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from handrail_server._dialects._translating import guardrails_of
from handrail_server._errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail import ToolCall

    from handrail_server._dialects._dialect import Ended, Heading

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_OWN_STOPS = frozenset(("end_turn", "max_tokens", "model_context_window_exceeded", "pause_turn", "refusal"))
_OWN_STOPS |= {"stop_sequence", "tool_use"}
NO_ARGUMENTS = ("", "null")
"""What servers of models write where a call has no arguments; the protocol knows objects alone."""
_CACHES = ("cache_creation_input_tokens", "cache_read_input_tokens")


def message_object(heading: Heading, content: list[dict[str, Any]], usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message that has not stopped yet."""
    return {
        "id": heading.id,
        "type": "message",
        "role": "assistant",
        "model": heading.model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": dict(usage),
    }


def whole_message(ended: Ended) -> dict[str, Any]:
    """Return a message.

    Raises:
        ApiError: a tool call has arguments that are no object.
    """
    blocks: list[dict[str, Any]] = []
    if ended.reasoning:
        signature = signature_of(ended.wire, len(ended.reasoning))
        blocks.append({"type": "thinking", "thinking": ended.reasoning, "signature": signature})
    if text := _text(ended):
        blocks.append({"type": "text", "text": text})
    message = message_object(ended.heading, [*blocks, *tool_uses(ended)], usage_of(ended))
    return {**message, **stop_of(ended), **beside_of(ended)}


def tool_uses(ended: Ended) -> list[dict[str, Any]]:
    """Return the tool calls of an answer, as blocks. The last one of an answer that was cut has what came of it.

    Raises:
        ApiError: one has arguments that are no object.
    """
    calls = ended.calls_given
    last = calls[-1] if calls and ended.ending["finish_reason"] == "length" else None
    return [_tool_use(call, is_cut=call is last) for call in calls]


def stop_of(ended: Ended) -> dict[str, Any]:
    """Return why a message stopped, in Anthropic's words; the model's own if it is one of them."""
    own = ended.wire.get("stop_reason")
    reason = own if own in _OWN_STOPS else _STOPS[ended.ending["finish_reason"]]
    if reason == "end_turn" and ended.calls_given:
        reason = "tool_use"  # Ollama, Gemini and others say "stop", after which Anthropic's clients call no tool
    fields: dict[str, Any] = {"stop_reason": reason, "stop_sequence": ended.wire.get("stop_sequence")}
    if ended.refusal is not None and ended.refusal.as_refusal:
        fields["stop_details"] = {"type": "refusal", "category": None, "explanation": ended.refusal.message}
    return fields


def usage_of(ended: Ended) -> dict[str, Any]:
    """Return the tokens: those that came from a cache are told apart from the others."""
    usage, told = ended.response.usage, ended.wire.get("usage") or {}
    caches = {name: int(told[name]) for name in _CACHES if isinstance(told.get(name), int | float)}
    caches.setdefault("cache_read_input_tokens", usage.cached_tokens)
    fields = {
        "input_tokens": max(usage.input_tokens - sum(caches.values()), 0),
        **caches,
        "output_tokens": usage.output_tokens,
    }
    return {**fields, "estimated": True} if usage.estimated else fields


def beside_of(ended: Ended) -> dict[str, Any]:
    """Return what the protocol has no place for: what is Handrail's own, and the model's own reason."""
    fields: dict[str, Any] = {}
    if (guardrails := guardrails_of(ended, ())) is not None:
        fields["guardrails"] = guardrails
    if (native := ended.ending.get("native_finish_reason")) not in (None, *_OWN_STOPS):
        fields["native_finish_reason"] = native
    return fields


def signature_of(wire: Mapping[str, Any], characters: int) -> str:
    """Return the signature of the thinking, if the model's server has told it by now and it is that of this text.

    Args:
        wire: what the server has told.
        characters: the length of the thinking that was given; of more than one block, none can be signed.
    """
    message = (wire.get("unguarded") or {}).get("message") or {}
    blocks = [block for block in message.get("thinking_blocks") or () if block.get("type") == "thinking"]
    if len(blocks) != 1 or blocks[0].get("length") != characters:
        return ""
    return str(blocks[0].get("signature") or "")


def _text(ended: Ended) -> str:
    if ended.refusal is None:
        return ended.response.text
    return ended.refusal.message if ended.refusal.as_text else ""


def _tool_use(call: ToolCall, *, is_cut: bool) -> dict[str, Any]:
    given = _read(call.arguments, is_cut=is_cut)
    if not isinstance(given, dict):
        text = "The model called a tool with arguments that are not a JSON object."
        raise ApiError(502, text, type="server_error", code="model_failed", retry_after=1)
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}


def _read(arguments: str, *, is_cut: bool) -> object:
    """Return what arguments say, of those that were cut as far as they came; None if they are not JSON."""
    if arguments.strip() in NO_ARGUMENTS:
        return {}
    with suppress(ValueError, RecursionError):
        return json.loads(arguments)
    with suppress(ValueError):
        return from_json(arguments, allow_partial=True) if is_cut else None
    return {} if is_cut else None
