"""Rails, providers and strategies for the kernel's tests: real objects whose behaviour a test decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio
from handrail import Chunk, LLMRails, RailsConfig, Registry, Ruling, Verdict
from handrail.plugins import ProviderSpec, RailSpec, StrategySpec, hookimpl


@dataclass
class FakeProvider:
    """Yields chunks at a pace on the event loop's clock, and knows what became of its stream."""

    chunks: Sequence[object]
    delay: float = 0.0
    error: BaseException | None = None
    hang: bool = False
    produced: int = 0
    opened: int = 0
    closed: int = 0
    closed_at: float | None = None
    messages: list[object] = field(default_factory=list)
    params: list[object] = field(default_factory=list)

    async def stream(self, messages, params):
        self.opened += 1
        self.messages.append(messages)
        self.params.append(params)
        try:
            for chunk in self.chunks:
                if self.delay:
                    await anyio.sleep(self.delay)
                self.produced += 1
                yield Chunk(chunk) if isinstance(chunk, str) else chunk
            if self.hang:
                await anyio.sleep_forever()
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1
            self.closed_at = anyio.current_time()


class FunctionRail:
    """A window rail made of a function of the window; notes which windows it saw."""

    def __init__(self, judge: Callable[..., object] | None = None, latency: float = 0.0) -> None:
        self.judge = judge or (lambda window: Verdict.allow())
        self.latency = latency
        self.windows: list[object] = []
        self.turns: list[object] = []
        self.running = 0
        self.most_running = 0
        self.cancelled = 0

    async def check(self, window, turn):
        self.windows.append(window)
        self.turns.append(turn)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            latency = self.latency(window) if callable(self.latency) else self.latency
            if latency:
                await anyio.sleep(latency)
            return self.judge(window)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


class SessionRail:
    """A stream rail made of a function of each piece of text."""

    def __init__(self, rule: Callable[[str], object] = Ruling, last: Callable[[], object] = Ruling) -> None:
        self.rule = rule
        self.last = last

    def open(self, turn):
        return _Session(self.rule, self.last)


@dataclass
class _Session:
    feed: Callable[[str], object]
    finish: Callable[[], object]


class Guarded:
    """An `LLMRails` over fake parts, with the parts at hand.

    A rail is a built one, or a class, which is then built with its settings and context.
    """

    def __init__(self, provider: object, rails: dict[str, object], **config: object) -> None:
        self.provider = provider
        strategies = config.pop("strategies", {})
        specs = config.pop("specs", {})
        engines = config.pop("engines", {})
        caller_may = config.pop("caller_may", None)

        class Plugin:
            @hookimpl
            def handrail_providers(self):
                for name, reached in {"fake": provider, **engines}.items():
                    yield ProviderSpec(name, lambda settings, context, reached=reached: reached)

            @hookimpl
            def handrail_rails(self):
                for name, rail in rails.items():
                    built = rail if isinstance(rail, type) else lambda settings, context, rail=rail: rail
                    yield RailSpec(name, built, **specs.get(name, {}))

            @hookimpl
            def handrail_strategies(self):
                for name, strategy in strategies.items():
                    yield StrategySpec(name, strategy)

        registry = Registry.discover().with_plugins(Plugin())
        content = RailsConfig.from_content(config=_config(rails, **config))
        self.rails = LLMRails(content, registry=registry, caller_may=caller_may)

    async def texts(self, **arguments: object) -> list[str]:
        return [text async for text in self.rails.stream_async("hello", **arguments)]

    async def events(self) -> list[object]:
        async with self.rails.stream("hello") as stream:
            return [event async for event in stream]


def _config(
    rails: dict[str, object],
    *,
    flows: Sequence[str] | None = None,
    input_flows: Sequence[str] = (),
    parallel: bool = False,
    options: dict[str, object] | None = None,
    input: dict[str, object] | None = None,  # noqa: A002  # the configuration's own word
    top: dict[str, object] | None = None,
    **streaming: object,
) -> dict[str, object]:
    output = [name for name in rails if name not in input_flows] if flows is None else list(flows)
    return {
        "models": [{"type": "main", "engine": "fake", "model": "fake-1"}],
        "rails": {
            "input": {"flows": list(input_flows), **(input or {})},
            "output": {
                "flows": output,
                "parallel": parallel,
                "streaming": {"enabled": True, "chunk_size": 20, "context_size": 5, **streaming},
            },
            "config": options or {},
        },
        **(top or {}),
    }


def words(count: int) -> list[str]:
    """Words of one token each, to the estimate's mind as to any vocabulary's."""
    letters = "abcdefgh"
    return [f" {letters[i % 8]}{letters[i // 8 % 8]}{letters[i // 64 % 8]}" for i in range(count)]
