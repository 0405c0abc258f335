"""Measure what observers cost: nothing without them, and so much a check, a decision and a token with them.

    python tests/bench/observers.py [--rounds 15] [--write]

Everything is measured in turn, round by round, in one process, and compared within a round. The last table is that of
`observed_servers.py`, with servers that 64 clients ask at once. OpenTelemetry is the SDK with every span sampled and
exported by batches, to nowhere; the record of decisions is written to a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from _document import machine, table, write_part
from _guarded import Model, words
from handrail import LLMRails, Observer, RailsConfig, Registry, Ruling, Verdict
from handrail.plugins import ProviderSpec, RailSpec, hookimpl
from observed_servers import served
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

WINDOW, OVERLAP = 10, 0
SHORT, LONG = 500, 10_500  # tokens
CHECKED = 5_000


class Nowhere(SpanExporter):
    """Exports nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Drop the spans."""
        del spans
        return SpanExportResult.SUCCESS


class Encoded(SpanExporter):
    """Does what an exporter of OTLP does in this process: it encodes spans. They are sent to nobody."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Encode the spans."""
        encode_spans(spans).SerializeToString()
        return SpanExportResult.SUCCESS


def set_up_otel(*, sampled: float = 1.0, encoded: bool = False) -> None:
    """Set up the SDK for this process.

    Args:
        sampled: how many of the calls, from 0 to 1.
        encoded: whether spans are encoded for an exporter, too.
    """
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(sampled))
    exporter = Encoded() if encoded else Nowhere()
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=100_000))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))


class Allowing:
    """A window rail that answers at once."""

    def check(self, window: object, turn: object) -> Verdict:
        """Allow it."""
        del window, turn
        return Verdict.allow()


class Refusing:
    """A window rail that refuses everything; it only observes, so each check is a decision to write down."""

    def check(self, window: object, turn: object) -> Verdict:
        """Refuse it."""
        del window, turn
        return Verdict.block("no")


class Passing:
    """A stream rail that lets every piece pass."""

    def open(self, turn: object) -> Passing:
        """Begin."""
        del turn
        return self

    def feed(self, text: str) -> Ruling:
        """Pass it on."""
        return Ruling(text)

    def finish(self) -> Ruling:
        """End."""
        return Ruling()


class Rare(Observer):
    """An observer that asks only for what no stream of this measurement does."""

    def model_answered(self, call: object, model: object) -> None:
        """Do nothing."""


class Idle(Observer):
    """An observer that is told of checks and does nothing."""

    def check_ended(self, call: object, check: object) -> None:
        """Do nothing."""


class Bare(Observer):
    """An observer that makes a span of the SDK with eight attributes for each check: the least that a trace costs."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("bench")
        self._inside = trace.set_span_in_context(self._tracer.start_span("call"))
        self._attributes = {f"handrail.name{number}": "value" for number in range(8)}

    def check_ended(self, call: object, check: object) -> None:
        """Make a span."""
        span = self._tracer.start_span("check", context=self._inside)
        span.set_attributes(self._attributes)
        span.end()


def guard(rail: str, observer: str | None, folder: Path) -> LLMRails:
    """Return a guard over a model that is as fast as it can be."""
    given = {"rare": Rare, "idle": Idle, "bare": Bare}.get(observer or "")
    settings: Mapping[str, Any] = {"otel": {}, "audit": {"folder": str(folder / f"{rail}-{observer}")}}
    config = {
        "models": [{"type": "main", "engine": "bench", "model": "m"}],
        "rails": {
            "output": {"flows": [rail], "streaming": {"enabled": True, "chunk_size": WINDOW, "context_size": OVERLAP}},
            "config": {"refusing": {"mode": "observe"}},
        },
        "observers": {observer: settings[observer]} if observer in settings else {},
    }
    registry = Registry.discover().with_plugins(_Plugin())
    return LLMRails(RailsConfig.from_content(config=config), registry=registry, observers=[given()] if given else [])


class _Plugin:
    @hookimpl
    def handrail_providers(self) -> Any:
        """Offer the model."""
        yield ProviderSpec("bench", lambda settings, context: Model([]))

    @hookimpl
    def handrail_rails(self) -> Any:
        """Offer the rails."""
        for name, rail in (("allowing", Allowing), ("refusing", Refusing), ("passing", Passing)):
            yield RailSpec(name, lambda settings, context, rail=rail: rail())


async def seconds(rails: LLMRails, tokens: int) -> tuple[float, int]:
    """Return the seconds that one answer takes of the event loop's thread, and how many checks it took."""
    rails.composition.models["main"].provider.texts = words(tokens)  # type: ignore[attr-defined]  # the bench's own
    gc.collect()
    began = time.thread_time()
    async with rails.stream("hello") as stream:
        async for _ in stream:
            pass
    return time.thread_time() - began, len(stream.response.rail_runs)


async def compared(
    rail: str, observers: Sequence[str | None], lengths: Sequence[int], rounds: int, folder: Path
) -> Any:
    """Return, for each observer and length, the seconds of each round, and the checks of an answer."""
    guards = {observer: guard(rail, observer, folder) for observer in observers}
    found: dict[tuple[str | None, int], list[float]] = {}
    checks = 0
    for number in range(rounds + 1):
        for observer in observers if number % 2 else reversed(observers):
            for tokens in lengths:
                took, checks = await seconds(guards[observer], tokens)
                if number:  # the first round warms up
                    found.setdefault((observer, tokens), []).append(took)
    for rails in guards.values():
        await rails.aclose()
    return found, checks


_OBSERVERS = {
    "rare": "one that is told of the model alone",
    "idle": "one with an empty method",
    "bare": "one that makes a bare span of the SDK",
    "otel": "`otel`",
    "audit": "`audit`, nothing to write down",
}


async def in_process(rounds: int, folder: Path) -> list[list[str]]:
    """Return the rows of what observers cost in one process."""
    observers = (None, *_OBSERVERS)
    tokens, _ = await compared("passing", observers, (SHORT, LONG), rounds, folder)
    allowed, checks = await compared("allowing", observers, (CHECKED,), rounds, folder)
    refused, decisions = await compared("refusing", (None, "audit"), (CHECKED,), rounds, folder)

    def for_token(name: str) -> float:
        slopes = {
            one: [(b - a) / (LONG - SHORT) for a, b in zip(tokens[one, SHORT], tokens[one, LONG], strict=True)]
            for one in (None, name)
        }
        return median(1e6 * (a - b) for a, b in zip(slopes[name], slopes[None], strict=True))

    def for_check(found: Any, name: str, count: int) -> float:
        pairs = zip(found[name, CHECKED], found[None, CHECKED], strict=True)
        return median(1e6 * (with_ - without) / count for with_, without in pairs)

    rows = [
        [told, f"{for_token(name):.2f}", f"{for_check(allowed, name, checks):.0f}"] for name, told in _OBSERVERS.items()
    ]
    return [
        *rows,
        ["`audit`, each check a decision to write down", "", f"{for_check(refused, 'audit', decisions):.0f}"],
    ]


def main() -> None:
    """Measure and print; write into the documentation if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    set_up_otel()
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(in_process(arguments.rounds, Path(folder)))
    text = table(["Observer", "More for a token, µs", "More for a check, µs"], rows)
    text += f"\n\n{served(arguments.rounds)}"
    text += f"\n\nMedians of {arguments.rounds} rounds, on {machine()}."
    print(text)
    if arguments.write:
        write_part("observers", text)


if __name__ == "__main__":
    sys.exit(main())
