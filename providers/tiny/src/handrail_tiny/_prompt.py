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


def conversation(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] = ()) -> Iterator[Piece]:
    """Write a conversation as control tokens and texts."""
    yield Control(BEGIN)
    instructed = bool(messages) and messages[0]["role"] == "system"
    if instructed or tools:
        yield Control(ROLES["system"])
        yield (messages[0]["content"] if instructed else "") + _tool_list(tools)
        yield Control(END)
    for message in messages[instructed:]:
        yield Control(ROLES[message["role"]])
        yield from _body(message)
        yield Control(END)


def _tool_list(tools: Iterable[Mapping[str, Any]]) -> str:
    """Describe tools to the model, a line each."""
    return "".join(
        f"\n{tool['function']['name']}({', '.join(tool['function']['parameters']['properties'])})" for tool in tools
    )


def _body(message: Message) -> Iterator[Piece]:
    if message.get("reasoning"):
        yield from (Control(THINK), message["reasoning"], Control(END_THINK))
    yield message["content"] or ""
    for call in message.get("tool_calls") or ():
        function = call["function"]
        arguments = function["arguments"]
        given = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        yield from (
            Control(CALL),
            f'{{"name": "{function["name"]}", "arguments": {given}}}',
            Control(END_CALL),
        )


def answer_begins(*, thinking: bool) -> Iterator[Piece]:
    """Write what stands before an answer."""
    yield Control(ROLES["assistant"])
    if thinking:
        yield Control(THINK)
