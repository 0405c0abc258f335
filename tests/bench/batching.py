"""Measures what batching over streams costs and gives: 200 streams, one classifier of 20 ms a batch. Prints tables.

    python tests/bench/batching.py          what a check costs beyond its classifier, in CPU time
    python tests/bench/batching.py streams  how long text is held where 200 streams are guarded by one classifier

The first table is CPU time of this process: rounds take turns, and the median and the best are shown. The second runs
in real time, for eight seconds a line.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import AsyncIterator, Sequence
from statistics import median
from typing import Any

import anyio
from handrail import LLMRails, RailsConfig, Registry, Turn, Verdict, Window
from handrail.batching import Batcher, BatchLimits
from handrail.plugins import RailSpec, hookimpl

TARGET_CHECK, TARGET_HELD = 15.0, 3  # microseconds a check; batches beyond the window
LATENCY = 0.020
STREAMS, RATE, SECONDS = 200, 50, 6.0
SPREAD = 3.0
CHECKS, ROUNDS = 6_400, 15


async def at_once(items: Sequence[int]) -> Sequence[int]:
    """Answer a batch without doing anything."""
    return items


async def one_by_one(item: int) -> int:
    """Answer one item without doing anything."""
    return item


async def batched(streams: int) -> float:
    """Return microseconds of CPU for a check that goes through a batcher, asked by so many tasks."""
    batcher: Batcher[int, int] = Batcher(at_once, limits=BatchLimits(size=64, wait=0.0))

    async def ask(count: int) -> None:
        for number in range(count):
            await batcher.ask(number)

    return await _cost(ask, streams)


async def unbatched(streams: int) -> float:
    """Return the same for a plain call that lets others run."""

    async def ask(count: int) -> None:
        for number in range(count):
            await one_by_one(number)
            await asyncio.sleep(0)

    return await _cost(ask, streams)


async def _cost(ask: Any, streams: int) -> float:
    begun = time.process_time()
    async with anyio.create_task_group() as group:
        for _ in range(streams):
            group.start_soon(ask, CHECKS // streams)
    return (time.process_time() - begun) / CHECKS * 1e6


def checks() -> None:
    """Print what a check costs."""
    print(f"\nCPU beyond the classifier, microseconds a check (target: {TARGET_CHECK:.0f} more than a plain call)\n")
    print("| tasks that ask | plain call | batched, median | batched, best | difference, median |")
    print("|---|---|---|---|---|")
    for streams in (16, 64, 200):
        plain = [asyncio.run(unbatched(streams)) for _ in range(ROUNDS)]
        through = [asyncio.run(batched(streams)) for _ in range(ROUNDS)]
        difference = median(through) - median(plain)
        print(
            f"| {streams} | {median(plain):.1f} | {median(through):.1f} | {min(through):.1f} | {difference:.1f} |",
            flush=True,
        )


class Classifier:
    """Takes 20 ms for a batch, however many there are in it."""

    def __init__(self, settings: Any, context: Any) -> None:
        self.batches: list[int] = []
        self.busy = 0.0
        self._turn = asyncio.Lock()

    @property
    def batching(self) -> BatchLimits:
        """How batches are made: one after another, as on one accelerator."""
        return BatchLimits(size=64)

    async def check_batch(self, windows: Sequence[Window], turns: Sequence[Turn]) -> Sequence[Verdict]:
        """Wait for 20 ms."""
        self.batches.append(len(windows))
        begun = time.monotonic()
        await asyncio.sleep(LATENCY)
        self.busy += time.monotonic() - begun
        return [Verdict.allow(score=0.1)] * len(windows)


class Alone(Classifier):
    """The same, asked about one window at a time."""

    check_batch = None  # type: ignore[assignment]  # so that `check` is asked

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Wait for 20 ms, one after another."""
        async with self._turn:
            self.batches.append(1)
            begun = time.monotonic()
            await asyncio.sleep(LATENCY)
            self.busy += time.monotonic() - begun
            return Verdict.allow(score=0.1)


class Free(Classifier):
    """Allows everything at no cost: what is held for it is held until a window is read."""

    check_batch = None  # type: ignore[assignment]  # so that `check` is asked

    def check(self, window: Window, turn: Turn) -> Verdict:
        """Allow it."""
        self.batches.append(1)
        return Verdict.allow(score=0.1)


class Parts:
    """The plugin with all of them."""

    @hookimpl
    def handrail_rails(self) -> Any:
        yield RailSpec("batched", Classifier, rewrites=False)
        yield RailSpec("alone", Alone, rewrites=False)
        yield RailSpec("free", Free, rewrites=False)


async def guarded(rails: LLMRails, number: int, held: list[float]) -> None:
    """Guard one stream, and note for each piece of text how long it was held."""
    sent: list[float] = []

    async def words() -> AsyncIterator[str]:
        await asyncio.sleep(number * SPREAD / STREAMS)  # people do not begin all at once
        for _ in range(round(SECONDS * RATE)):
            await asyncio.sleep(1 / RATE)
            sent.append(time.monotonic())
            yield " word"

    taken = 0
    async with rails.stream(messages=[{"role": "user", "content": "Hello"}], generator=words()) as stream:
        async for event in stream:
            text = getattr(event, "text", "")
            now = time.monotonic()
            for _ in range(text.count(" word")):
                held.append(now - sent[taken])
                taken += 1


async def streams(name: str) -> tuple[list[float], Any, float]:
    """Guard all streams by one rail."""
    config = {"output": {"flows": [name], "streaming": {"enabled": True}}, "config": {name: {"timeout": 120.0}}}
    registry = Registry.discover().with_plugins(Parts())
    rails = LLMRails(RailsConfig.from_content(config={"rails": config}), registry=registry)
    plan_rail: Any = rails.composition.output_rails[0].rail
    held: list[float] = []
    begun = time.monotonic()
    with anyio.move_on_after(SECONDS * 3):
        async with anyio.create_task_group() as group:
            for number in range(STREAMS):
                group.start_soon(guarded, rails, number, held)
    return held, getattr(plan_rail, "rail", plan_rail), time.monotonic() - begun


def held_time() -> None:
    """Print how long text is held."""
    print(
        f"\n{STREAMS} streams at {RATE} tokens a second, one classifier of {LATENCY * 1000:.0f} ms a batch of up to 64"
    )
    print("(`free` is held until a window is read, and no longer; target for the p95 of `batched`: at most that and")
    print(f"{TARGET_HELD} batches, {TARGET_HELD * LATENCY:.2f} s, more, with busy at most half of the time)\n")
    print("| rail | text guarded | held p50, s | held p95, s | busy | batches | texts a batch |")
    print("|---|---|---|---|---|---|---|")
    for name in ("free", "batched", "alone"):
        held, rail, seconds = asyncio.run(streams(name))
        held.sort()
        share = len(held) / (STREAMS * round(SECONDS * RATE))
        p50, p95 = (held[math.floor(len(held) * part)] if held else math.nan for part in (0.5, 0.95))
        texts = sum(rail.batches) / max(len(rail.batches), 1)
        print(
            f"| {name} | {share:.0%} | {p50:.2f} | {p95:.2f} | {rail.busy / seconds:.0%} "
            f"| {len(rail.batches)} | {texts:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["streams"]:
        held_time()
    else:
        checks()
