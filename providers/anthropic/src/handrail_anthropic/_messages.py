"""A conversation in OpenAI's form, as `system` and `messages` of the Messages API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail_http import BadParameterError

from handrail_anthropic._content import blocks_of, with_cache_control
from handrail_anthropic._thinking import placed_thinking_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import Message

Blocks = list[dict[str, Any]]
_SYSTEM = frozenset({"system", "developer"})


def conversation(messages: Sequence[Message]) -> tuple[Blocks, list[dict[str, Any]]]:
    """Return the system prompt, and the turns after it.

    Instructions at the beginning are the system prompt; later ones keep their place as messages of the role `system`,
    which the newer models take. Neighbours of one role are one turn, because a tool's results must be together.

    Raises:
        BadParameterError: a message cannot be translated, or there is none.
    """
    system: Blocks = []
    turns: list[dict[str, Any]] = []
    for number, message in enumerate(messages, 1):
        place = f"message {number}"
        role, blocks = _turn(message, place)
        if role == "system" and not turns:
            system += blocks
        elif blocks and turns and turns[-1]["role"] == role:
            turns[-1]["content"] = _joined(turns[-1]["content"], blocks)
        elif blocks:
            turns.append({"role": role, "content": blocks})
        elif role == "user":
            raise BadParameterError(f"{place} has no content, which the Messages API refuses")
    if not turns:
        raise BadParameterError("there is no message of a user to answer")
    return system, [{**turn, "content": _plain(turn["content"])} for turn in turns]


def _turn(message: Message, place: str) -> tuple[str, Blocks]:
    role = message.get("role")
    if role in _SYSTEM:
        return "system", with_cache_control(blocks_of(message.get("content"), place), message)
    if role == "user":
        return "user", with_cache_control(blocks_of(message.get("content"), place), message)
    if role == "assistant":
        return "assistant", with_cache_control(_assistant(message, place), message)
    if role == "tool":
        return "user", with_cache_control([_tool_result(message, place)], message)
    raise BadParameterError(f"{place}: the role {role!r} is not supported; use system, user, assistant or tool")


def _assistant(message: Message, place: str) -> Blocks:
    content = message.get("content")
    has_own_thinking = isinstance(content, list) and any(
        isinstance(part, Mapping) and part.get("type") in {"thinking", "redacted_thinking"} for part in content
    )
    thinking = {} if has_own_thinking else placed_thinking_of(message)
    blocks = [*thinking.get(None, ()), *blocks_of(content, place)]
    if isinstance(refusal := message.get("refusal"), str) and refusal:
        blocks.append({"type": "text", "text": refusal})
    for at, call in enumerate(message.get("tool_calls") or ()):
        blocks += [*thinking.get(at, ()), _tool_use(call, f"{place}, tool call {at + 1}")]
    return blocks


def _tool_use(call: Mapping[str, Any], place: str) -> dict[str, Any]:
    if isinstance(call.get("custom"), Mapping):
        raise BadParameterError(f"{place} is of a custom tool, whose input is a text; the Messages API has none")
    function = call.get("function")
    if not isinstance(function, Mapping) or not function.get("name"):
        raise BadParameterError(f"{place} has no function with a name")
    given = function.get("arguments")
    try:
        arguments = json.loads(given) if isinstance(given, str) and given.strip() else given or {}
    except (ValueError, RecursionError):
        raise BadParameterError(f"{place}: the arguments are not valid JSON, or are nested too deeply") from None
    if not isinstance(arguments, Mapping):
        raise BadParameterError(f"{place}: the arguments are not a JSON object")
    return {"type": "tool_use", "id": call.get("id", ""), "name": function["name"], "input": dict(arguments)}


def _tool_result(message: Message, place: str) -> dict[str, Any]:
    if not message.get("tool_call_id"):
        raise BadParameterError(f"{place} is a tool's result without 'tool_call_id'")
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": message["tool_call_id"]}
    if blocks := blocks_of(message.get("content"), place):
        result["content"] = _plain(blocks)
    if message.get("is_error"):
        result["is_error"] = True
    return result


def _joined(known: Blocks, more: Blocks) -> Blocks:
    """Return two neighbours' blocks in one turn, the results of tools first, as the API wants them."""
    together = [*known, *more]
    return sorted(together, key=lambda block: block["type"] != "tool_result")


def _plain(blocks: Blocks) -> Blocks | str:
    """Return a single text as a string, which is shorter and means the same."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks
