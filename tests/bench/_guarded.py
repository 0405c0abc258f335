"""A guarded stream in memory: a provider that keeps time, rails that take a while, and a configuration around them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import anyio
from handrail import Chunk, LLMRails, RailsConfig, Registry, Ruling, Verdict, Window
from handrail.plugins import ProviderSpec, RailSpec, hookimpl

_SENTENCE = (  # as prose is: with an accent and a dash in it
    "The tide comes in twice a day because the moon pulls at the sea and people who live on the côte plan "
    "their work around it so that boats leave the harbour — when the water is high enough"
)
FORBIDDEN = "forbidden"


def words(count: int, *, forbidden_at: int | None = None) -> list[str]:
    """Return a text of so many tokens, each a word."""
    texts = list(islice(cycle([f"{word} " for word in _SENTENCE.split()]), count))
    if forbidden_at is not None:
        texts[forbidden_at] = FORBIDDEN + " "
    return texts


@dataclass
class Model:
    """A provider: says its tokens at a pace, and notes what it said when.

    Attributes:
        texts: the tokens.
        gap: seconds between them; 0 for none, below 0 to let others run between them.
        times: when each was asked for, if `gap` is not 0.
        generated: tokens that were said in the stream that came last.
        closed: True once that stream is closed.
    """

    texts: list[str]
    gap: float = 0.0
    times: list[float] = field(default_factory=list)
    generated: int = 0
    closed: bool = False

    async def stream(self, messages: Any = (), params: Any = None) -> AsyncIterator[Chunk]:
        self.times, self.generated, self.closed = [], 0, False
        start = anyio.current_time()
        try:
            for index, text in enumerate(self.texts, start=1):
                if self.gap:
                    await anyio.sleep(max(0.0, start + index * self.gap - anyio.current_time()))
                    self.times.append(time.monotonic())
                self.generated = index
                yield Chunk(text)
        finally:
            self.closed = True

    def said(self, characters: int) -> float:
        """Return the time at which so many characters had been said."""
        for text, moment in zip(self.texts, self.times, strict=False):
            characters -= len(text)
            if characters <= 0:
                return moment
        return self.times[-1]


@dataclass
class Judge:
    """A window rail: takes a while, and blocks what is forbidden.

    Attributes:
        latency: seconds that a check takes.
        windows: every window that it was asked about.
        blocked_at: when it blocked, and how many tokens the model had said by then.
    """

    latency: float = 0.0
    windows: list[Window] = field(default_factory=list)
    model: Model | None = None
    blocked_at: tuple[float, int] | None = None

    async def check(self, window: Window, turn: Any) -> Verdict:
        self.windows.append(window)
        if self.latency:
            await anyio.sleep(self.latency)
        if FORBIDDEN not in window.text:
            return Verdict.allow()
        self.blocked_at = (time.monotonic(), self.model.generated if self.model else 0)
        return Verdict.block("forbidden")


class FreeJudge:
    """A window rail that costs nothing."""

    async def check(self, window: Window, turn: Any) -> Verdict:
        return Verdict.allow()


class PlainJudge:
    """A window rail that costs nothing and answers at once."""

    def check(self, window: Window, turn: Any) -> Verdict:
        return Verdict.allow()


class Passing:
    """A stream rail that lets everything through."""

    def open(self, turn: Any) -> Passing:
        return self

    def feed(self, text: str) -> Ruling:
        return Ruling(text)

    def finish(self) -> Ruling:
        return Ruling()


def guarded(
    model: Model, rails: list[Any], *, parallel: bool = True, options: Any = None, **streaming: Any
) -> LLMRails:
    """Put rails around a model; windows are of 20 tokens with 5 of overlap unless `streaming` says otherwise."""

    class Plugin:
        @hookimpl
        def handrail_providers(self) -> Any:
            yield ProviderSpec("bench", lambda settings, context: model)

        @hookimpl
        def handrail_rails(self) -> Any:
            for number, rail in enumerate(rails):
                yield RailSpec(f"rail {number}", lambda settings, context, rail=rail: rail)

    names = [f"rail {number}" for number in range(len(rails))]
    sizes = {"chunk_size": 20, "context_size": 5, "first_chunk_size": 20} | streaming
    output = {"flows": names, "parallel": parallel, "streaming": {"enabled": True, **sizes}}
    own = dict.fromkeys(names, options) if options else {}
    config = {"models": [{"type": "main", "engine": "bench"}], "rails": {"output": output, "config": own}}
    return LLMRails(RailsConfig.from_content(config=config), registry=Registry.discover().with_plugins(Plugin()))
