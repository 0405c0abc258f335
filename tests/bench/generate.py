"""Measures what `generate_async` costs beyond its provider, which answers at once. Prints a table; fails nothing.

The cases take turns in short rounds, each in the process's own CPU time, so that a busy machine disturbs all alike. The
median is what a call costs here and now; the best round is what it costs where nobody else uses the caches.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import anyio
from handrail import Chunk, LLMRails, RailsConfig, Registry, Ruling, Usage, Verdict, Window
from handrail.plugins import ProviderSpec, RailSpec, hookimpl

TARGET = 150.0  # microseconds beyond the provider, with one free output rail
CALLS, ROUNDS = 20, 150
CHUNKS = 20
ANSWER = (*(Chunk(f" word{number}") for number in range(CHUNKS)), Chunk(usage=Usage(10, CHUNKS), finish_reason="stop"))


class Model:
    """A provider that answers at once."""

    async def stream(self, messages: Any, params: Any) -> AsyncIterator[Chunk]:
        for chunk in ANSWER:
            yield chunk


class FreeWindowRail:
    """Allows everything at no cost."""

    async def check(self, window: Window, turn: Any) -> Verdict:
        return Verdict.allow()


class FreeStreamRail:
    """Lets everything through at no cost."""

    def open(self, turn: Any) -> FreeStreamRail:
        return self

    def feed(self, text: str) -> Ruling:
        return Ruling(text)

    def finish(self) -> Ruling:
        return Ruling()


class Parts:
    """The plugin with all of them."""

    @hookimpl
    def handrail_providers(self) -> Any:
        yield ProviderSpec("instant", lambda settings, context: Model())

    @hookimpl
    def handrail_rails(self) -> Any:
        yield RailSpec("window", lambda settings, context: FreeWindowRail())
        yield RailSpec("stream", lambda settings, context: FreeStreamRail())


def guarded(*flows: str, inputs: tuple[str, ...] = ()) -> LLMRails:
    """Make rails with these flows."""
    config = {
        "models": [{"type": "main", "engine": "instant", "model": "instant"}],
        "rails": {"input": {"flows": list(inputs)}, "output": {"flows": list(flows)}},
    }
    return LLMRails(RailsConfig.from_content(config=config), registry=Registry.discover().with_plugins(Parts()))


async def provider_alone() -> str:
    """Read the provider as any program would."""
    texts = []
    async with aclosing(Model().stream((), {})) as chunks:
        async for chunk in chunks:
            texts.append(chunk.text)
    return "".join(texts)


def calling(rails: LLMRails, **arguments: Any) -> Callable[[], Awaitable[object]]:
    """Return a call of `generate_async`."""
    messages = [{"role": "user", "content": "Tell me about the tides."}]

    async def call() -> object:
        return await rails.generate_async(messages=messages, **arguments)

    return call


CASES: dict[str, Callable[[], Awaitable[object]]] = {
    "provider alone": provider_alone,
    "no rails": calling(guarded()),
    "one free output rail of windows": calling(guarded("window")),
    "one free output rail of sessions": calling(guarded("stream")),
    "the same of windows, with options and log": calling(
        guarded("window"), options={"log": {"llm_calls": True, "activated_rails": True}}
    ),
    "one free input and one free output rail of windows": calling(guarded("window", inputs=("window",))),
}


async def measured() -> dict[str, list[float]]:
    """Return the time of a call in each round of each case, in microseconds, in ascending order."""
    rounds: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, call in CASES.items():
            started = time.process_time()
            for _ in range(CALLS):
                await call()
            rounds[name].append((time.process_time() - started) / CALLS * 1e6)
    return {name: sorted(times) for name, times in rounds.items()}


def main() -> None:
    """Measure and print."""
    for backend in ("asyncio", "trio"):
        rounds = anyio.run(measured, backend=backend)
        base = rounds["provider alone"]
        print(f"\n{backend}, an answer of {CHUNKS} chunks, microseconds beyond the provider\n")
        print("| generate_async with | median | best | |\n|---|---|---|---|")
        for name, times in rounds.items():
            target = f"target {TARGET:.0f} µs" if name == "one free output rail of windows" else ""
            median, best = times[ROUNDS // 2] - base[ROUNDS // 2], times[0] - base[0]
            print(f"| {name} | {median:.0f} | {best:.0f} | {target} |")


if __name__ == "__main__":
    main()
