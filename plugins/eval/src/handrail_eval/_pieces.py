"""An answer cut into pieces as a model sends them, and when each comes: the same for the same seed."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail import Chunk, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail_eval._rows import Row

_TOKEN = re.compile(r"\s?[^\W\d_]{1,8}|\s?\d{1,3}|\s?[^\w\s]{1,3}|_+|\s+", re.DOTALL)
_TOGETHER = (1, 1, 1, 1, 1, 1, 2, 3)  # tokens in a piece: most servers send one, some join what is at hand


@dataclass(frozen=True, slots=True)
class Piece:
    """What comes at once.

    Attributes:
        chunk: what comes.
        at: seconds after the request.
        tokens: about how many.
    """

    chunk: Chunk
    at: float
    tokens: int


def pieces_of(row: Row, *, seed: int, pace: float, first: float) -> list[Piece]:
    """Return a row's reasoning, answer and tool calls in pieces.

    Args:
        row: whose answer.
        seed: decides how it is cut and how regularly it comes.
        pace: tokens per second, on average.
        first: seconds before the first token.
    """
    digest = hashlib.sha256(f"{seed}\0{row.index}\0{row.response}".encode("utf-8", "surrogatepass")).digest()
    chance, at, found = random.Random(digest), first, []  # noqa: S311  # no secret: the seed must give the same again
    for chunk, tokens in _chunks(row, chance):
        found.append(Piece(chunk, round(at, 6), tokens))
        at += tokens / pace * (0.5 + chance.random())
    return found


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has: letters by eight, digits by three, punctuation by three."""
    return len(_TOKEN.findall(text))


def _chunks(row: Row, chance: random.Random) -> Iterator[tuple[Chunk, int]]:
    for text, count in _cut(row.reasoning, chance):
        yield Chunk(reasoning=text), count
    for text, count in _cut(row.response or "", chance):
        yield Chunk(text), count
    for index, (name, arguments) in enumerate(row.tool_calls):
        yield Chunk(tool_calls=(ToolCallDelta(index, f"call_{index}", name),)), 1
        for text, count in _cut(arguments, chance):
            yield Chunk(tool_calls=(ToolCallDelta(index, arguments=text),)), count


def _cut(text: str, chance: random.Random) -> Iterator[tuple[str, int]]:
    tokens, drawn, kinds = _TOKEN.findall(text), chance.random, len(_TOGETHER)
    at, total = 0, len(tokens)
    while at < total:
        count = _TOGETHER[int(drawn() * kinds)]
        if count == 1:  # most of them, so without a list
            yield tokens[at], 1
        else:
            taken = tokens[at : at + count]
            yield "".join(taken), len(taken)
        at += count
