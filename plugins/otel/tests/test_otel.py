"""One trace shows call, model, check and judge in order; metrics count them; no text is in either."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail, words
from handrail import Chunk, ConfigurationError, LLMRails, ObserverContext, RailsConfig, Usage, Verdict
from handrail_otel import OTel, OTelSettings, _aside
from handrail_otel import _names as names
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

SECRET = "quandary"


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


class Sdk:
    """A program's set-up, in memory."""

    def __init__(self, monkeypatch):
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("program")
        meters = MeterProvider([self.reader])
        monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
        monkeypatch.setattr("opentelemetry.metrics.get_meter", meters.get_meter)

    def spans(self):
        """Return finished spans by name."""
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def points(self):
        """Return points of metrics, by name."""
        found = {}
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found.setdefault(metric.name, []).extend(metric.data.data_points)
        return found


@pytest.fixture
def sdk(monkeypatch):
    return Sdk(monkeypatch)


class Judge:
    """Asks a model, and refuses what says a secret."""

    def __init__(self, settings, context):
        self.model = context.model("judge")

    async def check(self, window, turn):
        await self.model.complete([{"role": "user", "content": window.text}], turn=turn, task="judge")
        return (
            Verdict.block(f"it says {SECRET}", category="words", score=0.9)
            if SECRET in window.text
            else Verdict.allow()
        )


class Answering:
    """A model that answers with its usage, and notes in which span it was asked."""

    def __init__(self, text):
        self.text = text
        self.inside = []

    async def stream(self, messages, params):
        self.inside.append(trace.get_current_span().name)
        yield Chunk(self.text)
        yield Chunk(usage=Usage(1000, 200, cached_tokens=500))


def observed(provider, rails, *, settings=None, judge=None, **config):
    built = Guarded(provider, rails, engines={"judge": judge} if judge else {}, **config).rails
    given = built.config
    observer = OTel(OTelSettings(config_name="conf", **(settings or {})), ObserverContext("otel", given))
    return LLMRails(given, registry=built.composition.registry, observers=[observer])


MAIN = {"type": "main", "engine": "fake", "model": "m"}
JUDGED = {"models": [MAIN, {"type": "judge", "engine": "judge", "model": "j"}]}


async def take(rails, way="events"):
    if way == "whole":
        await rails.generate_async("hello", caller="ann")
    elif way == "texts":
        _ = [text async for text in rails.stream_async("hello", caller="ann")]
    else:
        async with rails.stream("hello", caller="ann") as stream:
            _ = [event async for event in stream]


@pytest.mark.parametrize("way", ["events", "texts", "whole"])
async def test_one_trace_shows_gateway_guard_model_check_and_judge(sdk, way):
    provider, judge = Answering("Hello there."), Answering("No")
    rails = observed(provider, {"watch": Judge}, judge=judge, top=JUDGED)
    with sdk.tracer.start_as_current_span("gateway"):
        await take(rails, way)
    spans = sdk.spans()
    by_id = {span.context.span_id: name for name, span in spans.items()}
    parents = {name: by_id[span.parent.span_id] if span.parent else None for name, span in spans.items()}
    assert parents == {
        "gateway": None,
        "guard": "gateway",
        "chat m": "guard",
        "guardrail watch": "guard",
        "chat j": "guardrail watch",
    }
    assert (provider.inside, judge.inside) == (["chat m"], ["chat j"])
    assert len({span.context.trace_id for span in spans.values()}) == 1
    check = spans["guardrail watch"].attributes
    assert (check[names.WINDOW_START], check[names.WINDOW_END], check[names.DECISION]) == (0, 12, "allow")
    assert spans["chat m"].attributes[names.INPUT_TOKENS] == 1000
    assert spans["guard"].attributes[names.OUTCOME] == "finished"
    assert spans["guard"].attributes[names.CALLER] == "ann"
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_a_refusal_is_told_without_its_words(sdk):
    rails = observed(Answering(f"A {SECRET}."), {"watch": Judge}, judge=Answering("Yes"), top=JUDGED)
    await take(rails)
    spans = sdk.spans()
    check = spans["guardrail watch"].attributes
    assert (check[names.DECISION], check[names.CATEGORY], check[names.SCORE]) == ("block", "words", 0.9)
    assert [event.name for event in spans["guard"].events] == [names.STOP_EVENT]
    assert SECRET not in "".join(span.to_json() for span in spans.values())
    assert SECRET not in repr(sdk.points())


async def test_a_failure_is_an_error(sdk):
    def broken(window):
        raise ValueError(SECRET)

    await take(observed(FakeProvider(["Hi"]), {"watch": FunctionRail(broken)}))
    spans = sdk.spans()
    assert not spans["guardrail watch"].status.is_ok
    assert not spans["guard"].status.is_ok
    assert SECRET not in "".join(span.to_json() for span in spans.values())


async def test_metrics_count_times_tokens_stops_and_prices(sdk):
    prices = {"models": {"m": {"input": 2, "output": 10, "cached": 1}}}
    rails = observed(
        Answering("Hello there."),
        {"watch": FunctionRail(latency=0.5)},
        top={"models": [MAIN], "prices": prices},
    )
    await take(rails)
    points = sdk.points()
    tokens = {point.attributes[names.TOKEN_TYPE]: point.sum for point in points[names.TOKEN_USAGE]}
    assert tokens == {"input": 1000, "output": 200}
    (cost,) = points[names.COSTS]
    assert cost.value == pytest.approx(0.0035)
    assert cost.attributes[names.CALLER] == "ann"
    (check,) = points[names.CHECK_DURATION]
    assert (check.sum, check.attributes[names.DECISION]) == (pytest.approx(0.5), "allow")
    assert {names.FIRST_DURATION, names.HELD_DURATION, names.CALL_DURATION, names.OPERATION_DURATION} <= set(points)


async def test_time_between_releases_is_one_value_for_each_call(sdk):
    provider = FakeProvider(words(9), delay=1.0)
    rails = observed(provider, {"watch": FunctionRail()}, chunk_size=1, context_size=0)
    await take(rails)
    (point,) = sdk.points()[names.RELEASE_INTERVAL]
    assert (point.count, point.attributes[names.CALLER]) == (1, "ann")


async def test_callers_beyond_the_bound_are_other(sdk):
    rails = observed(FakeProvider(["Hi"]), {}, settings={"callers": 2})
    for caller in ("a", "b", "c", "d", "a"):
        await rails.generate_async("hello", caller=caller)
    counted = {point.attributes[names.CALLER]: point.count for point in sdk.points()[names.CALL_DURATION]}
    assert counted == {"a": 2, "b": 1, "other": 2}


async def test_models_beyond_the_bound_are_other(sdk):
    rails = observed(FakeProvider(["Hi"]), {})
    for number in range(103):
        await rails.generate_async("hello", options={"llm_params": {"model": f"m{number}"}})
    counted = {point.attributes[names.REQUEST_MODEL]: point.count for point in sdk.points()[names.OPERATION_DURATION]}
    assert (len(counted), counted["other"]) == (101, 3)


async def test_models_of_the_configuration_are_told_apart_whatever_else_is_asked_for(sdk):
    rails = observed(FakeProvider(["Hi"]), {}, top={"models": [MAIN]})
    for number in range(103):
        await rails.generate_async("hello", options={"llm_params": {"model": f"m{number}"}})
    await rails.generate_async("hello")
    counted = {point.attributes[names.REQUEST_MODEL]: point.count for point in sdk.points()[names.OPERATION_DURATION]}
    assert (counted["m"], counted["other"]) == (1, 3)


async def test_half_a_surrogate_pair_in_a_name_loses_no_batch(sdk, caplog):
    odd = "x\ud800"
    rail = FunctionRail(lambda window: Verdict.block(category=odd))
    rails = observed(FakeProvider(["Hi"]), {"watch": rail})
    options = {"llm_params": {"model": odd}}
    await rails.generate_async("hello", caller=odd, conversation=odd, options=options)
    told = encode_spans(sdk.exporter.get_finished_spans()).SerializeToString()
    counted = encode_metrics(sdk.reader.get_metrics_data()).SerializeToString()
    assert (told.count(rb"x\ud800"), caplog.records) == (5, [])
    assert counted.count(rb"x\ud800") == 6


async def test_names_in_traces_have_a_bound(sdk):
    rail = FunctionRail(lambda window: Verdict.block(category=SECRET * 20))
    rails = observed(FakeProvider(["Hi"]), {"watch": rail})
    await rails.generate_async("hello", caller="a" * 1000, options={"llm_params": {"model": "m" * 1000}})
    spans = sdk.spans()
    assert names.CATEGORY not in spans["guardrail watch"].attributes
    assert len(spans["guard"].attributes[names.CALLER]) == 256
    assert f"chat {'m' * 256}" in spans


@pytest.mark.parametrize("odd", [Path("there"), b"there", ["there"]])
async def test_a_category_that_is_no_text_is_left_out(sdk, odd):
    rails = observed(FakeProvider(["Hi"]), {"watch": FunctionRail(lambda window: Verdict("allow", "", odd))})
    await take(rails)
    assert names.CATEGORY not in sdk.spans()["guardrail watch"].attributes


async def test_contents_are_hashed_where_that_is_asked_for(sdk):
    await take(observed(FakeProvider(["Hi"]), {}, settings={"content": "hashed"}))
    attributes = sdk.spans()["chat fake-1"].attributes
    assert len(attributes[names.PROMPT_HASH]) == len(attributes[names.COMPLETION_HASH]) == 64


def configured(answer, **settings):
    models = [{"type": "main", "engine": "scripted", "model": "m", "parameters": {"answers": [answer]}}]
    config = {"models": models, "observers": {"otel": settings}}
    return LLMRails(RailsConfig.from_content(config=config))


PRIVATE = "Write to ada@example.org."


async def test_contents_are_masked_by_installed_rails(sdk):
    rails = configured(PRIVATE, content="masked")
    assert await rails.generate_async(f"I am bob@example.org. {SECRET}") == PRIVATE
    await rails.aclose()
    span = sdk.spans()["chat m"]
    assert span.attributes[names.PROMPT] == f"user: I am [EMAIL]. {SECRET}"
    assert span.attributes[names.COMPLETION] == "Write to [EMAIL]."
    assert span.end_time >= span.start_time


async def test_what_cannot_be_masked_is_left_out(sdk, monkeypatch):
    async def fail(self, text, turn):
        raise ValueError(text)

    monkeypatch.setattr("handrail.InnerRail.judge", fail)
    rails = configured(PRIVATE, content="masked")
    await rails.generate_async("hello")
    await rails.aclose()
    span = sdk.spans()["chat m"]
    assert span.attributes[names.LEFT_OUT] == "ValueError"
    assert "example.org" not in span.to_json()


def test_masking_that_hangs_does_not_keep_a_program_from_ending(sdk, monkeypatch):
    monkeypatch.setattr(_aside, "_CLOSE_SECONDS", 0.0)
    begun, release = threading.Event(), threading.Event()

    def mask(ended):
        begun.set()
        release.wait()
        ended.span.end()

    aside = _aside.Aside(mask)
    for number in range(3):
        aside.put(_aside.Ended(sdk.tracer.start_span(f"chat {number}"), "a", "b", None))
    begun.wait()
    (worker,) = aside._workers.values()
    aside.close()
    assert {name: span.attributes.get(names.LEFT_OUT) for name, span in sdk.spans().items()} == {
        "chat 1": "no time left",
        "chat 2": "no time left",
    }
    release.set()
    worker._thread.join()
    assert "chat 0" in sdk.spans()


async def test_what_a_rail_refuses_is_left_out(sdk):
    config = {
        "models": [{"type": "main", "engine": "scripted", "parameters": {"answers": [PRIVATE]}}],
        "rails": {"config": {"personal data check": {"action": "block"}}},
        "observers": {"otel": {"content": "masked"}},
    }
    rails = LLMRails(RailsConfig.from_content(config=config))
    await rails.generate_async("hello")
    await rails.aclose()
    assert sdk.spans()["chat"].attributes[names.COMPLETION] == "[personal data check]"


@pytest.mark.parametrize("fails", [False, True])
async def test_a_rail_masks_whatever_it_may_let_through_in_answers(sdk, monkeypatch, fails):
    def fail(self, turn):
        raise ValueError("it is broken")

    if fails:
        monkeypatch.setattr("handrail_patterns.PersonalDataCheck.open", fail)
    options = {"mode": "observe", "on_error": "allow", "on_timeout": "allow"}
    config = {
        "models": [{"type": "main", "engine": "scripted", "parameters": {"answers": [PRIVATE]}}],
        "rails": {"config": {"personal data check": options}},
        "observers": {"otel": {"content": "masked"}},
    }
    rails = LLMRails(RailsConfig.from_content(config=config))
    await rails.generate_async("hello")
    await rails.aclose()
    span = sdk.spans()["chat"]
    assert "example.org" not in span.to_json()
    assert span.attributes[names.LEFT_OUT if fails else names.COMPLETION] == (
        "RailError" if fails else "Write to [EMAIL]."
    )


async def test_contents_are_whole_only_where_that_is_asked_for(sdk):
    rails = configured(PRIVATE, content="full", content_characters=8)
    await rails.generate_async("hello")
    assert sdk.spans()["chat m"].attributes[names.COMPLETION] == PRIVATE[:8]


async def test_half_a_surrogate_pair_loses_no_contents(sdk):
    rails = observed(FakeProvider(["Hi \ud83d there"]), {}, settings={"content": "full"})
    await take(rails)
    told = encode_spans(sdk.exporter.get_finished_spans()).SerializeToString()
    assert b"Hi ? there" in told


async def test_no_text_is_told_by_default(sdk):
    await configured(PRIVATE).generate_async(SECRET)
    told = "".join(span.to_json() for span in sdk.spans().values())
    assert "example.org" not in told
    assert SECRET not in told


def test_a_mask_that_is_not_installed_is_an_error():
    with pytest.raises(ConfigurationError, match="'no such rail', which is not installed"):
        configured(PRIVATE, content="masked", mask=["no such rail"])


class Tracing:
    """Uses its span: sets an attribute, and makes a span inside it."""

    tracer = None

    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        trace.get_current_span().set_attribute("read", window.text)
        with self.tracer.start_as_current_span("inside"):
            await anyio.sleep(1)
        return Verdict.allow()


async def test_a_rail_can_use_its_span(sdk, monkeypatch):
    monkeypatch.setattr(Tracing, "tracer", sdk.tracer)
    await take(observed(FakeProvider(["Hi"]), {"watch": Tracing}))
    spans = sdk.spans()
    check = spans["guardrail watch"]
    assert spans["inside"].parent.span_id == check.context.span_id
    assert check.parent.span_id == spans["guard"].context.span_id
    assert (check.attributes["read"], check.attributes[names.DECISION]) == ("Hi", "allow")
    assert check.start_time <= spans["inside"].start_time <= spans["inside"].end_time <= check.end_time
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_a_call_that_is_not_sampled_makes_no_spans_of_checks(sdk, monkeypatch):
    made, inside = [], []

    class Never(Sampler):
        def should_sample(self, parent_context, trace_id, name, *_, **__):
            made.append(name)
            return SamplingResult(Decision.DROP)

        def get_description(self):
            return "never"

    provider = TracerProvider(sampler=Never())
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)

    def look(window):
        inside.append(trace.get_current_span().get_span_context())
        return Verdict.allow()

    await take(observed(FakeProvider(words(9)), {"watch": FunctionRail(look)}, chunk_size=1, context_size=0))
    assert made == ["guard", "chat fake-1"]
    assert len(inside) > 1
    assert {(context.is_valid, context.trace_flags.sampled) for context in inside} == {(True, False)}
    assert len({context.trace_id for context in inside}) == 1
    assert sum(point.count for point in sdk.points()[names.CHECK_DURATION]) == len(inside)


async def test_a_long_call_does_not_keep_its_spans_to_the_end(sdk):
    counted = []

    def count(window):
        counted.append(len(sdk.exporter.get_finished_spans()))
        return Verdict.allow()

    provider = FakeProvider(words(80), delay=1.0)
    await take(observed(provider, {"watch": FunctionRail(count)}, chunk_size=1, context_size=0))
    checks = [span for span in sdk.exporter.get_finished_spans() if span.name == "guardrail watch"]
    starts = [span.attributes[names.WINDOW_START] for span in checks]
    assert len(checks) == len(counted) > 60
    assert starts == sorted(starts)
    assert max(begun - made for begun, made in enumerate(counted)) <= 16


async def test_no_span_ends_before_it_begins_where_the_clock_is_put_back(sdk, monkeypatch):
    seconds = itertools.count(2_000_000_000, -1)
    monkeypatch.setattr(time, "time", lambda: next(seconds))
    await take(observed(FakeProvider(["Hi"]), {"watch": FunctionRail(), "pass": SessionRail()}))
    spans = sdk.spans()
    assert {"guard", "chat fake-1", "guardrail watch", "guardrail pass"} == {*spans}
    assert all(span.start_time <= span.end_time for span in spans.values())


async def test_a_stream_that_is_left_leaves_no_span_open(sdk):
    rails = observed(FakeProvider(["Hi ", "there"], hang=True), {"watch": FunctionRail(latency=9)})
    async with rails.stream("hello"):
        pass
    (observer,) = rails.composition.observers.members
    assert observer._calls == {}


async def test_a_configuration_names_it():
    config = {
        "models": [{"type": "main", "engine": "scripted", "parameters": {"answers": ["Hi"]}}],
        "observers": {"otel": None},
    }
    rails = LLMRails(RailsConfig.from_content(config=config))
    assert await rails.generate_async("hello") == "Hi"
    assert [type(member).__name__ for member in rails.composition.observers.members] == ["OTel"]


_FORKS = """
import asyncio, os, threading
from handrail import LLMRails, RailsConfig
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

masked = threading.Event()


class Exporter(InMemorySpanExporter):
    def export(self, spans):
        done = super().export(spans)
        if any(span.name == "chat m" for span in spans):
            masked.set()
        return done


exporter, provider = Exporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
models = [{"type": "main", "engine": "scripted", "model": "m", "parameters": {"answers": ["Hi"]}}]
rails = LLMRails(RailsConfig.from_content(config={"models": models, "observers": {"otel": {"content": "masked"}}}))


async def ask():
    await rails.generate_async("hello")


async def ask_and_close():
    await rails.generate_async("hello again")
    await rails.aclose()


asyncio.run(ask())
assert masked.wait(300)
child = os.fork()
asyncio.run(ask_and_close())
told = [span.attributes["handrail.prompt"] for span in exporter.get_finished_spans() if span.name == "chat m"]
assert told == ["user: hello", "user: hello again"], told
assert not child or os.waitpid(child, 0)[1] == 0
"""


def test_a_process_that_is_forked_masks_contents_too():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _FORKS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
