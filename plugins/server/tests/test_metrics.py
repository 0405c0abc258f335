"""Metrics say what it costs and whose it is, show a trace beside a number, and never grow without bound."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, FunctionRail
from handrail import Chunk, ConfigurationError, Usage
from handrail_server import _metrics
from handrail_server._metrics import Histogram, Metric, Metrics
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import parser
from prometheus_client.openmetrics import parser as open_parser

TRACE = "0af7651916cd43dd8448eb211c80319c"
ASKED_BY = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "baggage": "team=red"}
OPEN = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
USAGE = Usage(1_000_000, 100_000)


@pytest.fixture
def spans(monkeypatch):
    """Return where finished spans are found."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


class Noting(FakeProvider):
    """Notes in which trace and with which baggage it is asked."""

    async def stream(self, messages, params):
        from opentelemetry import propagate

        propagate.inject(carrier := {})
        self.params.append(carrier)
        yield Chunk("Hi")
        yield Chunk(usage=USAGE)


def values(text, name, read=parser.text_string_to_metric_families):
    return {
        tuple(sample.labels.values()): sample.value
        for family in read(text)
        for sample in family.samples
        if sample.name == name
    }


async def test_costs_are_told_by_configuration_model_and_key(serve, fake, root, tmp_path):
    prices = tmp_path / "prices.yml"
    prices.write_text("prices: {currency: EUR, models: {m: {input: 2, output: 10}}}", encoding="utf-8")
    provider = FakeProvider(["Hi", Chunk(usage=USAGE)])
    models = [{"type": "main", "engine": "fake", "model": "m"}]
    client = serve({"a": {**fake(), "models": models}}, provider=provider, prices=prices)
    await client.chat()
    text = (await client.get("/metrics")).body.decode()
    assert values(text, "handrail_costs_total") == {("a", "m", "general", "EUR"): 3.0}


async def test_failures_of_a_rail_are_counted_from_0(serve, fake):
    client = serve({"a": fake(output=["words"])}, rails={"words": FunctionRail()})
    await client.chat()
    text = (await client.get("/metrics")).body.decode()
    assert values(text, "handrail_rail_failures_total") == {("words",): 0.0}


def test_a_file_of_prices_has_nothing_else(serve, fake, tmp_path):
    prices = tmp_path / "prices.yml"
    prices.write_text("prices: {}\nmodels: []", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="nothing else"):
        serve({"a": fake()}, prices=prices)


async def test_exemplars_lead_to_the_trace_that_a_client_began(spans, serve, fake):
    provider = Noting([])
    client = serve({"a": {**fake(), "observers": {"otel": None}}}, provider=provider)
    await client.chat(stream=True, headers=ASKED_BY)
    (guard,) = [span for span in spans.get_finished_spans() if span.name == "guard"]
    assert f"{guard.context.trace_id:032x}" == TRACE
    (carried,) = provider.params
    assert carried["traceparent"].split("-")[1] == TRACE
    assert carried["baggage"] == "team=red"
    answer = await client.get("/metrics", headers=OPEN)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = list(open_parser.text_string_to_metric_families(answer.body.decode()))
    found = {sample.name for family in families for sample in family.samples if sample.exemplar}
    assert {"handrail_calls_total", "handrail_model_seconds_bucket", "handrail_first_text_seconds_bucket"} <= found
    ids = {sample.exemplar.labels["trace_id"] for f in families for sample in f.samples if sample.exemplar}
    assert ids == {TRACE}


async def test_without_a_caller_s_trace_exemplars_lead_to_the_call_s_own(spans, serve, fake):
    client = serve({"a": {**fake(), "observers": {"otel": None}}}, provider=Noting([]))
    await client.chat()
    (guard,) = [span for span in spans.get_finished_spans() if span.name == "guard"]
    text = (await client.get("/metrics", headers=OPEN)).body.decode()
    assert f'trace_id="{guard.context.trace_id:032x}"' in text


async def test_who_does_not_ask_for_openmetrics_gets_plain_text_without_exemplars(spans, serve, fake):
    client = serve({"a": {**fake(), "observers": {"otel": None}}}, provider=Noting([]))
    await client.chat(headers=ASKED_BY)
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    assert "trace_id" not in text
    assert values(text, "handrail_calls_total") == {("a", "whole", "finished"): 1.0}


@pytest.mark.parametrize(("is_open", "read"), [(False, parser), (True, open_parser)])
def test_everything_that_is_measured_can_be_read_by_prometheus_own_parser(is_open, read):
    metrics = Metrics()
    for metric in metrics:
        if isinstance(metric, Histogram):
            metric.observe(0.3, *('a\\b"c\nd' for _ in metric.labels), trace_id=TRACE)
            metric.observe(99.0, *("x" for _ in metric.labels))
        else:
            metric.add(*('a\\b"c\nd' for _ in metric.labels))
    families = list(read.text_string_to_metric_families(metrics.text(is_open=is_open)))
    assert len(families) == len([*metrics])
    labels = {value for family in families for sample in family.samples for value in sample.labels.values()}
    assert 'a\\b"c\nd' in labels


def test_half_a_surrogate_pair_in_a_name_hides_no_numbers():
    metrics = Metrics()
    for rail in ("words\ud800", "words\udfff"):
        metrics.rails.blocks.add(rail, "output")
    text = metrics.text().encode("utf-8").decode()
    assert values(text, "handrail_blocks_total") == {("words\\ud800", "output"): 1.0, ("words\\udfff", "output"): 1.0}


def test_labels_beyond_the_bound_are_other(monkeypatch):
    monkeypatch.setattr(_metrics, "_MOST_SERIES", 2)
    metric, histogram = Metric("m_total", "M.", ("a",)), Histogram("h", "H.", ("a",))
    for name in ("x", "y", "z", "w", "x"):
        metric.add(name, trace_id=TRACE)
        histogram.observe(0.1, name, trace_id=TRACE)
    lines = [*metric.lines(is_open=True), *histogram.lines(is_open=True)]
    assert {line.split(" ")[0] for line in lines if line.startswith("m_total{")} == {
        'm_total{a="x"}',
        'm_total{a="y"}',
        'm_total{a="other"}',
    }
    assert len([line for line in lines if "h_count" in line]) == 3
