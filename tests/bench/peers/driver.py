"""Measures one system, in that system's own environment: `python driver.py SYSTEM < cases.json > results.jsonl`."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from work import VIOLATION, Judge, Reading, Source, read, tokens_of

LIMIT = 30.0  # seconds that a case may take; then the system cannot do it
SLOW = 7.0  # seconds of a run that is not repeated
GRACE = 0.3  # seconds that the provider is watched after the stream has ended

Case = dict[str, Any]
Result = dict[str, Any]


class Trial:
    """One system, set up for one case, with fresh judges."""

    def __init__(self, system: Any, case: Case) -> None:
        self.case = case
        self.judges = [Judge(case["latency"]) for _ in range(case["rails"])]
        self.guarded = system.Guarded(case, self.judges)

    def source(self, tokens: list[str]) -> Source:
        """Make a provider that says these tokens at the case's pace."""
        return Source(tokens, self.case["gap"])

    async def run(self, source: Source, **reading: float) -> Reading:
        """Stream what a provider says through the system, and read what comes."""
        stream = self.guarded.stream(source)
        result = await read(stream, source, **reading)
        if (close := getattr(stream, "aclose", None)) is not None:
            await close()
        return result

    async def warm_up(self) -> None:
        """Have everything imported and built that is only once."""
        for judge in self.judges:
            judge.latency = 0.0
        await self.run(Source(tokens_of(60), 0.0))
        for judge in self.judges:
            judge.latency, judge.checks, judge.characters = self.case["latency"], 0, 0


async def _better(run: Callable[[], Awaitable[Result]]) -> Result:
    """Return the faster of two runs, since others use the machine too; of a slow system the first one."""
    first = await run()
    return first if first["total"] > SLOW else min(first, await run(), key=lambda result: result["total"])


async def pace(trial: Trial) -> Result:
    """Measure how a stream arrives."""
    return await _better(lambda: _pace(trial))


async def _pace(trial: Trial) -> Result:
    case = trial.case
    tokens = tokens_of(case["tokens"])
    for judge in trial.judges:
        judge.checks = judge.characters = 0
    reading = await trial.run(trial.source(tokens))
    text = "".join(tokens)
    ideal = case["tokens"] * case["gap"] + case["latency"]
    return {
        "first_text": reading.times[0] - reading.started if reading.times else None,
        "total": reading.ended - reading.started,
        "over_ideal": (reading.ended - reading.started) / ideal,
        "longest_gap": max(reading.gaps(), default=None),
        "checks": sum(judge.checks for judge in trial.judges),
        "judged": sum(judge.characters for judge in trial.judges) / len(text) / len(trial.judges),
        "complete": reading.text.split() == text.split(),
    }


async def crowd(trial: Trial) -> Result:
    """Measure many streams at once."""
    return await _better(lambda: _crowd(trial))


async def _crowd(trial: Trial) -> Result:
    case = trial.case
    tokens = tokens_of(case["tokens"])
    started = time.monotonic()
    readings = await asyncio.gather(*(trial.run(trial.source(tokens)) for _ in range(case["streams"])))
    total = time.monotonic() - started
    first = [reading.times[0] - reading.started for reading in readings if reading.times]
    ideal = case["tokens"] * case["gap"] + case["latency"]
    return {"total": total, "over_ideal": total / ideal, "slowest_first_text": max(first, default=None)}


async def cpu(trial: Trial) -> Result:
    """Measure the processor's time for each token, with a judge that takes none."""
    count = 250
    while True:
        tokens = tokens_of(count)
        seconds = min([await _cpu_seconds(trial, tokens) for _ in range(5)])
        if count >= trial.case["tokens"] or seconds > 0.5:
            return {"microseconds": seconds / count * 1e6, "tokens": count}
        count *= 4


async def _cpu_seconds(trial: Trial, tokens: list[str]) -> float:
    gc.collect()
    started = time.process_time()
    await trial.run(trial.source(tokens))
    return time.process_time() - started


async def violation(trial: Trial) -> Result:
    """Measure what a reader sees of something forbidden, and how much is generated after a judge has objected."""
    length = len("".join(VIOLATION))
    leaks, after, missed = [], [], 0
    for place in trial.case["places"]:
        tokens = tokens_of(trial.case["tokens"], place)
        source = trial.source(tokens)
        for judge in trial.judges:
            judge.watched, judge.generated_then = source, None
        reading = await trial.run(source)
        await asyncio.sleep(GRACE)
        leaks.append(min(max(len(reading.text) - len("".join(tokens[:place])), 0), length))
        missed += not reading.blocked
        after += [source.generated - then for judge in trial.judges if (then := judge.generated_then) is not None]
    return {
        "leaked": max(leaks),
        "leaked_mean": sum(leaks) / len(leaks),
        "of": length,
        "not_blocked": missed,
        "generated_after": max(after, default=None),
    }


async def slow(trial: Trial) -> Result:
    """Measure how far a provider is read ahead of a slow consumer, and whether it is closed when that leaves."""
    case = trial.case
    source = trial.source(tokens_of(case["tokens"]))
    reading = await trial.run(source, pause=case["pause"], limit=case["leave_after"])
    await asyncio.sleep(GRACE)
    closed_after = None if source.closed_at is None else max(0.0, source.closed_at - reading.ended)
    return {"most_ahead": reading.most_ahead, "closed_after": closed_after}


async def memory(trial: Trial) -> Result:
    """Measure the memory that a long stream takes at its height, beyond what the system takes anyway."""
    before = _peak()
    tokens = tokens_of(trial.case["tokens"])
    await trial.run(trial.source(tokens))
    return {"before_mb": before, "added_mb": _peak() - before, "tokens": len(tokens)}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


KINDS = {"pace": pace, "crowd": crowd, "cpu": cpu, "violation": violation, "slow": slow, "memory": memory}


async def measure(system: Any, case: Case) -> Result:
    """Measure one case; a system that cannot do it says why."""
    if (reason := system.refuses(case)) is not None:
        return {"cannot": reason}
    trial = Trial(system, case)
    await trial.warm_up()
    try:
        async with asyncio.timeout(LIMIT):
            return await KINDS[case["kind"]](trial)
    except TimeoutError:
        return {"cannot": f"not done after {LIMIT:g} seconds"}


def main() -> None:
    """Measure the cases on standard input, and print a line of JSON for each."""
    system = importlib.import_module(f"systems.{sys.argv[1]}")
    for case in json.load(sys.stdin):
        started = time.monotonic()
        try:
            result = asyncio.run(measure(system, case))
        except Exception as exc:  # noqa: BLE001  # whatever a system raises is its result
            result = {"cannot": f"{type(exc).__name__}: {exc}"[:300]}
        print(json.dumps({"case": case["id"], "seconds": time.monotonic() - started, **result}), flush=True)


if __name__ == "__main__":
    main()
