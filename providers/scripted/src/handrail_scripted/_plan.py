"""Turns an answer into the chunks that will be sent, once for each answer and its limits."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from json import dumps
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from handrail import Chunk, ToolCallDelta

from handrail_scripted._tokens import split_chunks, split_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handrail_scripted._settings import Answer, Chunking, ScriptedError, ScriptedToolCall

Step: TypeAlias = tuple[Chunk, int]
"""A chunk, and the number of tokens that have been sent with it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a call cuts an answer: after so many tokens, before the first of these texts."""

    max_tokens: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one call sends.

    Attributes:
        steps: the chunks, without the last one that reports the usage.
        tokens: how many tokens they hold.
        error: what is raised after them.
        hangs: True if nothing comes after them, forever.
    """

    steps: tuple[Step, ...]
    tokens: int
    error: ScriptedError | None = None
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """One channel's share of an answer."""

    text: str
    chunk: Callable[[str], Chunk]
    opening: Chunk | None = None


def build_plan(answer: Answer, chunking: Chunking, seed: int, limits: Limits) -> Plan:
    """Cut an answer by the limits and by its own `error` or `hang`, whichever comes first, into chunks."""
    parts, stopped = _parts(answer, limits.stop)
    total = sum(len(split_tokens(part.text)) for part in parts)
    ending, sent = _ending(answer, total, stopped=stopped)
    truncated = limits.max_tokens is not None and limits.max_tokens < sent
    if truncated and limits.max_tokens is not None:
        ending, sent = False, limits.max_tokens
    steps = [] if answer.metadata is None else [(Chunk(metadata=answer.metadata), 0)]
    steps.extend(_steps(parts, sent, chunking, Random(seed)))  # noqa: S311  # reproducible on purpose
    if ending:
        return Plan(tuple(steps), sent, answer.error, answer.hang is not None)
    if reason := _finish_reason(answer, truncated=truncated, stopped=stopped):
        steps.append((Chunk(finish_reason=reason), sent))
    return Plan(tuple(steps), sent)


def _parts(answer: Answer, stop: tuple[str, ...]) -> tuple[list[_Part], bool]:
    found = [position for text in stop if (position := answer.text.find(text)) >= 0]
    text = answer.text[: min(found)] if found else answer.text
    parts = [_Part(answer.reasoning, _reasoning_chunk), _Part(text, _text_chunk)]
    if not found:
        parts.extend(_tool_call(call, index) for index, call in enumerate(answer.tool_calls))
    return parts, bool(found)


def _text_chunk(text: str) -> Chunk:
    return Chunk(text)


def _reasoning_chunk(text: str) -> Chunk:
    return Chunk(reasoning=text)


def _tool_call(call: ScriptedToolCall, index: int) -> _Part:
    arguments = call.arguments if isinstance(call.arguments, str) else dumps(call.arguments, ensure_ascii=False)
    return _Part(
        arguments,
        lambda text: Chunk(tool_calls=(ToolCallDelta(index, arguments=text),)),
        Chunk(tool_calls=(ToolCallDelta(index, call.id or f"call_{index + 1}", call.name),)),
    )


def _ending(answer: Answer, total: int, *, stopped: bool) -> tuple[bool, int]:
    """Return whether the answer's own error or hang is reached, and how many tokens are sent then."""
    fault = answer.error or answer.hang
    if fault is None or (stopped and fault.after > total):
        return False, total
    return True, min(fault.after, total)


def _steps(parts: list[_Part], limit: int, chunking: Chunking, random: Random) -> Iterator[Step]:
    sent = 0
    for part in parts:
        tokens = split_tokens(part.text)
        if tokens and sent >= limit:
            return
        if part.opening is not None:
            yield part.opening, sent
        tokens = tokens[: limit - sent]
        ends = list(accumulate(map(len, tokens)))
        position = 0
        for piece in split_chunks("".join(tokens), chunking, random):
            position += len(piece)
            whole = bisect_left(ends, position) + 1 if position else 0
            yield part.chunk(piece), sent + whole
        sent += len(tokens)


def _finish_reason(answer: Answer, *, truncated: bool, stopped: bool) -> str | None:
    if truncated:
        return "length"
    if stopped:
        return "stop"
    if answer.finish_reason == "":
        return "tool_calls" if answer.tool_calls else "stop"
    return answer.finish_reason
