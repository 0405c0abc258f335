"""The work that every system is given: a text, a provider that paces it, judges that take their time, and a consumer.

Runs in the environment of any system, so it needs nothing but the standard library.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice

VIOLATION = ("password ", "is ", "bluebird. ")

_SENTENCES = (
    "The tide comes in twice a day because the moon pulls at the sea.",
    "People who live on the coast plan their work around it.",
    "Boats leave the harbour when the water is high enough.",
    "In the evening the light turns gold and the gulls become quiet.",
    "Nobody who has seen the bay in winter forgets how large the sky is there.",
)


class BlockedError(Exception):
    """A system stopped the stream because a judge said so."""


def tokens_of(count: int, violation_at: int | None = None) -> list[str]:
    """Return a text of so many tokens, a word each, with the violation at a place among them."""
    words = cycle([f"{word} " for sentence in _SENTENCES for word in sentence.split()])
    tokens = list(islice(words, count))
    if violation_at is not None:
        tokens[violation_at : violation_at + len(VIOLATION)] = VIOLATION
    return tokens


@dataclass
class Source:
    """One stream of a language model.

    Attributes:
        tokens: what it says.
        gap: seconds between tokens; 0 for all at once; below 0 for all at once, but letting others run between them.
        generated: tokens that were asked for so far.
        closed_at: when it was closed, or ended by itself.
    """

    tokens: list[str]
    gap: float
    generated: int = 0
    closed_at: float | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        start = time.monotonic()
        try:
            for index, token in enumerate(self.tokens, start=1):
                if self.gap > 0:
                    await asyncio.sleep(max(0.0, start + index * self.gap - time.monotonic()))
                elif self.gap < 0:
                    await asyncio.sleep(0)
                self.generated = index
                yield token
        finally:
            self.closed_at = time.monotonic()


@dataclass
class Judge:
    """A rail's judgement: it takes a while, and objects to the whole violation.

    Attributes:
        latency: seconds that it takes.
        checks, characters: how often it was asked, and how much it has read.
        watched: the stream that it judges, if there is only one.
        generated_then: tokens of it that had been generated when it first objected.
    """

    latency: float
    checks: int = 0
    characters: int = 0
    watched: Source | None = None
    generated_then: int | None = None
    _violation: str = field(default="".join(VIOLATION).rstrip(". "))

    async def allows(self, text: str) -> bool:
        """Judge a text."""
        if self.latency:
            await asyncio.sleep(self.latency)
        return self._judge(text)

    def allows_blocking(self, text: str) -> bool:
        """Judge a text in a thread of its own."""
        if self.latency:
            time.sleep(self.latency)
        return self._judge(text)

    def _judge(self, text: str) -> bool:
        self.checks += 1
        self.characters += len(text)
        allowed = self._violation not in text
        if not allowed and self.watched is not None and self.generated_then is None:
            self.generated_then = self.watched.generated
        return allowed


@dataclass
class Reading:
    """What a consumer has seen of one stream.

    Attributes:
        started: when it asked for the stream.
        times: when each piece came.
        text: all pieces.
        blocked: True if the stream was stopped by a judge.
        ended: when it was over.
        most_ahead: tokens by which the provider was ahead of the consumer at most.
        generated_at_end: tokens that had been generated when the stream was over.
    """

    started: float = 0.0
    times: list[float] = field(default_factory=list)
    text: str = ""
    blocked: bool = False
    ended: float = 0.0
    most_ahead: int = 0
    generated_at_end: int = 0

    def gaps(self) -> Iterator[float]:
        """Yield the seconds between one piece and the next, and the end."""
        times = [*self.times, self.ended]
        for earlier, later in zip(times, times[1:], strict=False):
            yield later - earlier


async def read(stream: AsyncIterator[str], source: Source, *, pause: float = 0.0, limit: float = 0.0) -> Reading:
    """Read a stream to its end.

    Args:
        stream: what a system delivers.
        source: what it is made of.
        pause: seconds that the consumer takes for each token that it gets.
        limit: seconds after which it leaves; 0 for never.
    """
    reading = Reading(started=time.monotonic())
    pieces: list[str] = []
    taken = 0
    try:
        async for piece in stream:
            reading.times.append(time.monotonic())
            pieces.append(piece)
            if pause:
                words = piece.count(" ")
                taken += words
                reading.most_ahead = max(reading.most_ahead, source.generated - taken)
                await asyncio.sleep(words * pause)
                if limit and time.monotonic() - reading.started > limit:
                    break
    except BlockedError:
        reading.blocked = True
    reading.ended = time.monotonic()
    reading.generated_at_end = source.generated
    reading.text = "".join(pieces)
    return reading
