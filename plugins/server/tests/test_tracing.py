"""One trace leads from a gateway through the server's guard to its model and its judge, as a collector gets it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fakes import FakeProvider
from handrail import Chunk, Verdict
from handrail.plugins import ProviderSpec, RailSpec, hookimpl
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


class Collector:
    """Takes spans by OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        self.requests = requests = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/v1/traces"

    @property
    def spans(self):
        return [
            span
            for _, request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def provider(collector, monkeypatch):
    """Return the SDK, set up to export to the collector."""
    made = TracerProvider()
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector.url)))
    monkeypatch.setattr(trace, "get_tracer", made.get_tracer)
    yield made
    made.shutdown()


class Judge:
    """Asks a model about each window."""

    def __init__(self, settings, context):
        self.model = context.model("judge")

    async def check(self, window, turn):
        await self.model.complete([{"role": "user", "content": window.text}], turn=turn, task="judge")
        return Verdict.allow()


class Noting(FakeProvider):
    """Notes what it would send along with a request."""

    async def stream(self, messages, params):
        propagate.inject(carrier := {})
        self.params.append(carrier)
        for text in self.chunks:
            yield Chunk(text)


def attributes(span):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


async def test_a_collector_gets_one_trace_of_gateway_guard_judge_and_model_in_order(serve, provider, collector):
    main, judge = Noting([f"word{n} " for n in range(40)]), Noting(["No"])

    class Plugin:
        @hookimpl
        def handrail_providers(self):
            yield ProviderSpec("main", lambda settings, context: main)
            yield ProviderSpec("judge", lambda settings, context: judge)

        @hookimpl
        def handrail_rails(self):
            yield RailSpec("watch", Judge)

    models = [{"type": "main", "engine": "main", "model": "m"}, {"type": "judge", "engine": "judge", "model": "j"}]
    output = {"flows": ["watch"], "streaming": {"enabled": True, "chunk_size": 20, "context_size": 0}}
    client = serve(
        {"a": {"models": models, "rails": {"output": output}, "observers": {"otel": None}}}, plugins=[Plugin()]
    )
    with provider.get_tracer("gateway").start_span("gateway") as gateway:  # not the current one: it is elsewhere
        propagate.inject(headers := {}, trace.set_span_in_context(gateway))
        answer = await client.chat(stream=True, headers={**headers, "baggage": "team=red"})
    assert answer.text.startswith("word0 word1")
    provider.force_flush()

    assert {path for path, _ in collector.requests} == {"/v1/traces"}
    spans = sorted(collector.spans, key=lambda span: span.start_time_unix_nano)
    names = {span.span_id: span.name for span in spans}
    parents = [(span.name, names.get(span.parent_span_id)) for span in spans]
    checks = [span for span in spans if span.name == "guardrail watch"]
    assert {span.trace_id for span in spans} == {gateway.get_span_context().trace_id.to_bytes(16, "big")}
    assert parents[:3] == [("gateway", None), ("guard", "gateway"), ("chat m", "guard")]
    assert len(checks) >= 2
    assert parents[3:] == [("guardrail watch", "guard"), ("chat j", "guardrail watch")] * len(checks)
    windows = [(attributes(span)["handrail.window.start"], attributes(span)["handrail.window.end"]) for span in checks]
    assert windows[0][0] == 0
    assert [end for _, end in windows[:-1]] == [start for start, _ in windows[1:]]
    assert windows[-1][1] == len(answer.text)
    for carried in (*main.params, *judge.params):
        assert carried["traceparent"].split("-")[1] == f"{gateway.get_span_context().trace_id:032x}"
        assert carried["baggage"] == "team=red"


@pytest.mark.parametrize("name", ["baggage", "traceparent", "tracestate"])
async def test_a_header_that_is_too_long_is_in_no_trace_and_no_log(serve, provider, config, caplog, name):
    headers = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "baggage": "team=red", name: f"private={'x' * 9000}"}
    answer = await serve({"a": {**config(), "observers": {"otel": None}}}).chat(stream=True, headers=headers)
    assert answer.status == 200
    assert "private" not in caplog.text
