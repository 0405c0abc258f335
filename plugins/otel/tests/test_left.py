"""However a call ends, its spans end, in its trace, and nothing of it is kept."""

from __future__ import annotations

import gc
import logging

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail, words
from handrail import LLMRails, ObserverContext, Verdict
from handrail_otel import OTel, OTelSettings
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


class Plain:
    """A window rail that answers at once."""

    def check(self, window, turn):
        return Verdict.allow()


RAILS = {"plain": {"p": Plain(), "s": SessionRail()}, "window": {"w": FunctionRail(latency=0.2), "s": SessionRail()}}


async def breaks(rails):
    async for _ in rails.stream_async("hello"):
        break


async def forgets(rails):
    texts = rails.stream_async("hello")
    await anext(texts)
    del texts
    gc.collect()


async def forgets_events(rails):
    events = aiter(rails.stream_events("hello"))
    await anext(events)
    del events
    gc.collect()


async def is_cancelled(rails):
    with anyio.move_on_after(0.15):
        async for _ in rails.stream_async("hello"):
            pass


async def is_cancelled_whole(rails):
    with anyio.move_on_after(0.15):
        await rails.generate_async("hello")


async def leaves_what_it_feeds(rails):
    async with rails.feed("hello") as guard:
        await guard.push("Hi there, all of you")


async def steps_from_other_tasks(rails):
    texts = rails.stream_async("hello")
    for _ in range(2):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(texts.__anext__)
    await texts.aclose()


WAYS = [breaks, forgets, forgets_events, is_cancelled, is_cancelled_whole, leaves_what_it_feeds, steps_from_other_tasks]


@pytest.mark.parametrize("kind", RAILS)
@pytest.mark.parametrize("leave", WAYS)
async def test_a_call_that_is_left_has_whole_spans_in_its_trace(monkeypatch, caplog, leave, kind):
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    built = Guarded(FakeProvider(words(30), delay=0.01), RAILS[kind], chunk_size=3, context_size=0).rails
    observer = OTel(OTelSettings(), ObserverContext("otel", built.config))
    rails = LLMRails(built.config, registry=built.composition.registry, observers=[observer])
    with provider.get_tracer("program").start_as_current_span("gateway"):
        await leave(rails)
        await anyio.sleep(1)
    spans = exporter.get_finished_spans()
    by_id = {span.context.span_id: span.name for span in spans}
    parents = {span.name: by_id[span.parent.span_id] for span in spans if span.parent}
    assert parents == {name: "gateway" if name == "guard" else "guard" for name in parents}
    assert {"guard", "guardrail s"} <= {*parents}
    assert [span.name for span in spans].count("guard") == 1
    assert observer._calls == {}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
