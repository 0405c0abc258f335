"""Runs the real engine on a clock that jumps and notes when what happened: what the pictures are drawn from."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from handrail import (
    Blocked,
    Chunk,
    LLMRails,
    RailsConfig,
    Registry,
    Retraction,
    Ruling,
    TextDelta,
    Verdict,
    Window,
)
from handrail._builtin.rolling import Rolling
from handrail._tokens import estimate_tokens
from handrail.plugins import ProviderSpec, RailSpec, StrategySpec, hookimpl

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

from virtual import VirtualLoop

_INSTALLED = Registry.discover()


@dataclass(frozen=True)
class Checked:
    """One check: which rail, which window, from when to when (in seconds), what came of it."""

    rail: str
    window: Window
    begin: float
    end: float
    decision: str


@dataclass
class Recording:
    """What happened in one stream; times in seconds, lengths in characters."""

    generated: list[tuple[float, int]] = field(default_factory=list)
    delivered: list[tuple[float, int]] = field(default_factory=list)
    checks: list[Checked] = field(default_factory=list)
    blocked_at: float | None = None
    retraction: tuple[int, int] | None = None
    ended_at: float = 0.0

    @property
    def length(self) -> int:
        """Characters that the model has sent."""
        return self.generated[-1][1] if self.generated else 0


@dataclass(frozen=True)
class Judge:
    """A window rail: it takes `latency` seconds, and blocks a window in which `forbidden` stands."""

    latency: float
    forbidden: str = "\0"


class Masker:
    """A stream rail that lets every piece pass at once."""

    def open(self, turn: object) -> Masker:
        """Start a stream."""
        del turn
        return self

    def feed(self, text: str) -> Ruling:
        """Let it pass."""
        return Ruling(text)

    def finish(self) -> Ruling:
        """Nothing is held."""
        return Ruling()


def record(
    words: Sequence[str],
    judges: Mapping[str, Judge | Masker],
    *,
    seconds_per_word: float,
    options: Mapping[str, Mapping[str, object]] | None = None,
    **streaming: object,
) -> Recording:
    """Stream words through rails that judge side by side, with settings of `rails.output.streaming`."""
    recording = Recording()
    plugin = _plugin(words, judges, seconds_per_word, recording)
    config = RailsConfig.from_content(
        config={
            "models": [{"type": "main", "engine": "recorded"}],
            "rails": {
                "output": {
                    "flows": list(judges),
                    "parallel": True,
                    "streaming": {"enabled": True, "strategy": "estimated", **streaming},
                },
                "config": dict(options or {}),
            },
        }
    )
    rails = LLMRails(config, registry=_INSTALLED.with_plugins(plugin))
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_consume(rails, recording))
    return recording


async def _consume(rails: LLMRails, recording: Recording) -> None:
    seen = 0
    async with rails.stream("?") as stream:
        async for event in stream:
            now = anyio.current_time()
            if isinstance(event, TextDelta):
                seen += len(event.text)
                recording.delivered.append((now, seen))
            elif isinstance(event, Retraction):
                recording.retraction = (event.start, event.end)
            elif isinstance(event, Blocked):
                recording.blocked_at = now
    recording.ended_at = anyio.current_time()


def _plugin(
    words: Sequence[str], judges: Mapping[str, Judge | Masker], seconds_per_word: float, recording: Recording
) -> object:
    class Model:
        async def stream(self, messages: object, params: object) -> object:
            del messages, params
            for word in words:
                await anyio.sleep(seconds_per_word)
                recording.generated.append((anyio.current_time(), recording.length + len(word)))
                yield Chunk(word)

    class Plugin:
        @hookimpl
        def handrail_providers(self) -> object:
            yield ProviderSpec("recorded", lambda settings, context: Model())

        @hookimpl
        def handrail_strategies(self) -> object:
            # `rolling`, by the kernel's own estimate on every machine, whatever vocabularies lie there.
            yield StrategySpec("estimated", lambda settings, count: Rolling(settings, estimate_tokens))

        @hookimpl
        def handrail_rails(self) -> object:
            for name, judge in judges.items():
                yield RailSpec(name, _built(name, judge, recording))

    return Plugin()


def _built(name: str, judge: Judge | Masker, recording: Recording) -> Callable[[object, object], object]:
    class Rail:
        async def check(self, window: Window, turn: object) -> Verdict:
            del turn
            begin = anyio.current_time()
            decision = "left"
            try:
                await anyio.sleep(judge.latency)
                decision = "block" if judge.forbidden in window.text else "allow"
            finally:
                recording.checks.append(Checked(name, window, begin, anyio.current_time(), decision))
            return Verdict.block("forbidden") if decision == "block" else Verdict.allow()

    return lambda settings, context: judge if isinstance(judge, Masker) else Rail()


def words_of(text: str) -> list[str]:
    """Cut a text into words, each with the blank before it."""
    first, *rest = text.split()
    return [first, *(f" {word}" for word in rest)]
