"""What goes into the history of an answer of pydantic-ai: what the rails let through, with the signatures of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart

from handrail_hosts._envelope import plain
from handrail_hosts._pydantic_ai import read_whole, without_more

if TYPE_CHECKING:
    from handrail import GenerationResponse, ToolCall
    from pydantic_ai.messages import ModelResponsePart


def parts_of(
    guarded: GenerationResponse, answer: ModelResponse, *, without_reasoning: bool
) -> Sequence[ModelResponsePart]:
    """Return the parts of an answer as the rails let them through: as they are, where nothing was changed.

    Models such as Claude take no second turn after a tool call without their signed thinking. Where the thinking itself
    may not be told, its signature stays, with no text, as where a provider shows no thinking.
    """
    said = read_whole(answer)
    reasoning = "" if without_reasoning else guarded.reasoning_content or ""
    changed = None if reasoning == said.reasoning else reasoning
    text = None if guarded.text == said.text else guarded.text
    calls = iter(guarded.tool_calls)
    parts: list[ModelResponsePart] = []
    for part in answer.parts:
        if isinstance(part, ThinkingPart):
            parts += _thinking(part, changed)
            changed = changed and ""  # thinking of several parts that was changed goes behind the first
        elif isinstance(part, ToolCallPart):
            parts += [_call(part, call)] if (call := next(calls, None)) is not None else []
        elif text is None:
            parts.append(without_more(part))
        elif text:
            parts.append(TextPart(text))
            text = ""
    return parts


def _thinking(part: ThinkingPart, changed: str | None) -> Iterator[ModelResponsePart]:
    if changed is None:
        yield without_more(part)
        return
    if plain(part.signature):
        yield without_more(replace(part, content=""))
    if changed:
        yield ThinkingPart(changed)


def _call(part: ToolCallPart, call: ToolCall) -> ModelResponsePart:
    if (call.name, call.arguments) == (part.tool_name, part.args_as_json_str()):
        return without_more(part)
    return ToolCallPart(call.name, call.arguments, tool_call_id=call.id)
