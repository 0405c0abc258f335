"""How a conversation is written for the model: the tokens that the chat template in its folder gives too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Message: TypeAlias = Mapping[str, Any]

BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"
ROLES = {role: f"<|{role}|>" for role in ("system", "user", "assistant", "tool")}
THINK, END_THINK = "<think>", "</think>"
CALL, END_CALL = "<tool_call>", "</tool_call>"
CONTROL_TOKENS = (BEGIN, END, PAD, *ROLES.values(), THINK, END_THINK, CALL, END_CALL)


@dataclass(frozen=True, slots=True)
class Control:
    """A control token. Text that looks like one is text: only the program writes these."""

    token: str


Piece: TypeAlias = Control | str


def instructions(system: Message | None, tools: Sequence[Mapping[str, Any]] = ()) -> Iterator[Piece]:
    """Write what stands before the messages."""
    yield Control(BEGIN)
    if system is not None or tools:
        yield Control(ROLES["system"])
        yield (system["content"] if system is not None else "") + _tool_list(tools)
        yield Control(END)


def written(message: Message) -> Iterator[Piece]:
    """Write one message."""
    yield Control(ROLES[message["role"]])
    if message.get("reasoning"):
        yield from (Control(THINK), message["reasoning"], Control(END_THINK))
    yield message["content"] or ""
    for call in message.get("tool_calls") or ():
        function = call["function"]
        arguments = function["arguments"]
        given = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        yield from (Control(CALL), f'{{"name": "{function["name"]}", "arguments": {given}}}', Control(END_CALL))
    yield Control(END)


def conversation(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] = ()) -> Iterator[Piece]:
    """Write a whole conversation; instructions may be its first message."""
    instructed = bool(messages) and messages[0]["role"] == "system"
    yield from instructions(messages[0] if instructed else None, tools)
    for message in messages[instructed:]:
        yield from written(message)


def answer_begins(*, thinking: bool) -> Iterator[Piece]:
    """Write what stands before an answer."""
    yield Control(ROLES["assistant"])
    if thinking:
        yield Control(THINK)


def _tool_list(tools: Iterable[Mapping[str, Any]]) -> str:
    lines = []
    for tool in tools:
        function = tool["function"]
        names = (function.get("parameters") or {}).get("properties") or {}
        lines.append(f"\n{function['name']}({', '.join(names)})")
    return "".join(lines)
