"""LiteLLM's proxy, in a process of its own, with the guardrail does what every guarded host must."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import count
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from asgi_host import AsgiHost, ChatWire, MessagesWire, ResponsesWire
from handrail_testkit import HostCase, HostConformance, host_rails
from starlette.applications import Starlette
from starlette.routing import Route

KINDS = ("windows", "session", "masking", "failing", "input")
WIRES = {"openai": ChatWire(), "anthropic": MessagesWire(), "responses": ResponsesWire()}
GUARDS = """
from handrail_hosts.litellm import HandrailGuardrail
from handrail_testkit import host_rails

def _of(kind):
    class Guard(HandrailGuardrail):
        def __init__(self, **kwargs):
            super().__init__(rails=host_rails(kind), **kwargs)
    return Guard

windows, session, masking, failing, guards_input = map(_of, ("windows", "session", "masking", "failing", "input"))
"""
FORBIDDEN = "forbidden fruit"
KEY = f"sk-{secrets.token_hex(16)}"
LATE = "where no guardrail runs, too, the proxy reads a response to its end before it delivers any of it"
KEPT = "the proxy keeps no conversation; its clients do"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Upstream:
    """A model's server that says what the `HostModel` of the requested number says, on all three wires."""

    def __init__(self):
        self.models, self.numbers, self.port = {}, count(), free_port()
        routes = [Route(wire.path, self._serve(wire), methods=["POST"]) for wire in WIRES.values()]
        config = uvicorn.Config(Starlette(routes=routes), port=self.port, log_level="warning")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def add(self, model):
        number = str(next(self.numbers))
        self.models[number] = model
        return number

    def _serve(self, wire):
        async def serve(request):
            body = await request.json()
            model = self.models[body["model"].rpartition("/")[2]]
            app = AsgiHost(wire, None)._app(model)
            (route,) = app.routes
            return await route.endpoint(request)

        return serve


@pytest.fixture(scope="module")
def upstream():
    upstream = Upstream()
    upstream.thread.start()
    yield upstream
    upstream.server.should_exit = True
    upstream.thread.join(10)


@pytest.fixture(scope="module")
def proxy(upstream, tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "guards.py").write_text(GUARDS)
    address = f"http://127.0.0.1:{upstream.port}"
    at = {"api_key": "none", "num_retries": 1}
    config = {
        "model_list": [
            {"model_name": "openai/*", "litellm_params": {"model": "openai/*", "api_base": f"{address}/v1", **at}},
            {"model_name": "anthropic/*", "litellm_params": {"model": "anthropic/*", "api_base": address, **at}},
        ],
        "guardrails": [
            {
                "guardrail_name": kind,
                "litellm_params": {
                    "guardrail": f"guards.{'guards_input' if kind == 'input' else kind}",
                    "mode": ["pre_call", "post_call"],
                },
            }
            for kind in KINDS
        ],
        "litellm_settings": {"num_retries": 1},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    port, log = free_port(), (folder / "log").open("w+")
    command = [sys.executable, "-m", "litellm.proxy.proxy_cli", "--config", "config.yaml", "--port", str(port)]
    environment = {**os.environ, "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    environment |= {"PYTHONPATH": str(folder), "LITELLM_MASTER_KEY": KEY}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/liveliness", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        log.close()


def wait_for(address, process, log):
    until = time.monotonic() + 240  # the proxy imports for long
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            httpx.get(address, timeout=5, verify=False, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text()[-3000:])


class Client:
    """What came of one request."""

    def __init__(self, *, leaves):
        self.leaves, self.left, self.status, self.body, self.shown = leaves, False, 0, b"", ""

    def events(self):
        for event in self.body.decode().replace("\r\n", "\n").split("\n\n"):
            for line in event.splitlines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    yield json.loads(line.removeprefix("data: "))


class Proxy(HostCase):
    """A client of the proxy, on one wire."""

    def __init__(self, wire, provider, address, upstream):
        self.wire, self.provider, self.address, self.upstream = wire, provider, address, upstream

    async def ask(self, request):
        body = self.wire.body(request.message, streams=request.streams)
        body["model"] = f"{self.provider}/{self.upstream.add(request.model)}"
        body["guardrails"] = [request.rails]
        if request.streams and self.provider == "openai" and "messages" in body:
            body["stream_options"] = {"include_usage": True}
        client = Client(leaves=request.leaves)
        async with (
            httpx.AsyncClient(
                timeout=60, verify=False, trust_env=False, headers={"authorization": f"Bearer {KEY}"}
            ) as http,
            http.stream("POST", self.address + self.wire.path, json=body) as response,
        ):
            client.status = response.status_code
            async for piece in response.aiter_bytes():
                client.body += piece
                if client.leaves and self.wire.has_text(client.body):
                    client.left = True
                    break
        return answer_of(self.wire, client, streams=request.streams)


def answer_of(wire, client, *, streams):
    from handrail_testkit import HostAnswer

    if client.status >= 400:
        ended = "refused" if b"content_filter" in client.body else "failed"
        return HostAnswer(ended=ended, shown=client.body.decode())
    return wire.answer(client, streams=streams)


class TestChatCompletions(HostConformance):
    standstill = 300.0  # a proxy on a busy machine
    expected_failures = {"test_what_the_host_keeps_is_guarded": KEPT}

    @pytest.fixture
    def case(self, proxy, upstream):
        return Proxy(WIRES["openai"], "openai", proxy, upstream)


class TestMessages(HostConformance):
    standstill = 300.0  # a proxy on a busy machine
    expected_failures = {"test_what_the_host_keeps_is_guarded": KEPT}

    @pytest.fixture
    def case(self, proxy, upstream):
        return Proxy(WIRES["anthropic"], "anthropic", proxy, upstream)


class TestResponses(HostConformance):
    standstill = 300.0  # a proxy on a busy machine
    prompt = 10.0
    expected_failures = {
        "test_what_the_host_keeps_is_guarded": KEPT,
        "test_the_id_of_the_answer_is_kept": "the proxy gives responses ids of its own",
        "test_text_is_delivered_while_the_model_still_writes": LATE,
        "test_a_refusal_stops_the_model": LATE,
        "test_a_reader_who_leaves_stops_the_model": LATE,
    }

    @pytest.fixture
    def case(self, proxy, upstream):
        return Proxy(WIRES["responses"], "openai", proxy, upstream)


def test_a_request_that_cannot_be_judged_is_the_clients_error(proxy):
    body = {"model": "openai/0", "messages": [{"role": "x", "content": "forbidden"}], "guardrails": ["input"]}
    asked = {"json": body, "headers": {"authorization": f"Bearer {KEY}"}, "timeout": 60}
    answer = httpx.post(f"{proxy}/v1/chat/completions", verify=False, trust_env=False, **asked)
    assert (answer.status_code, "could not be checked" in answer.text) == (400, True)
    assert "forbidden" not in answer.text


def chunk(text, *, delta=None, choice=None, **further):
    from litellm.types.utils import ModelResponseStream

    said = {"index": 0, "delta": {"content": text, **(delta or {})}, "finish_reason": None, **(choice or {})}
    return ModelResponseStream(**{"id": "c", "created": 1, "model": "m", **further, "choices": [said]})


@pytest.mark.parametrize(
    "odd",
    [
        {"id": FORBIDDEN},
        {"model": FORBIDDEN},
        {"citations": [FORBIDDEN]},
        {"provider_specific_fields": {"note": FORBIDDEN}},
        {"choice": {"logprobs": {"content": [{"token": FORBIDDEN, "logprob": 0, "top_logprobs": []}]}}},
        {"choice": {"note": FORBIDDEN}},
        {"delta": {"provider_specific_fields": {"note": FORBIDDEN}}},
        {"delta": {"note": FORBIDDEN}},
        {"delta": {"role": FORBIDDEN}},
    ],
)
@pytest.mark.filterwarnings("ignore:Item .* on TypedDict class:UserWarning")
async def test_a_chunk_is_passed_on_itself_only_if_it_has_nothing_but_its_text(odd, monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it is fetched when LiteLLM is imported
    from handrail_hosts.litellm import HandrailGuardrail

    chunks = [*map(chunk, ("One ", "two ", "three ")), chunk("odd ", **odd), *map(chunk, ("four ", "four "))]
    chunks.append(chunk("", choice={"finish_reason": "stop"}))

    async def stream():
        for one in chunks:
            yield one

    key = SimpleNamespace(request_route="/v1/chat/completions")
    guardrail = HandrailGuardrail(rails=host_rails("session"), guardrail_name="g")
    through = guardrail.async_post_call_streaming_iterator_hook(key, stream(), {"messages": [], "stream": True})
    got = [one async for one in through]
    assert "".join(one.choices[0].delta.content or "" for one in got) == "One two three odd four four "
    assert FORBIDDEN not in repr([one.model_dump() for one in got])
    assert [one is each for one, each in zip(got, chunks, strict=False)][2:6] == [True, False, True, True]
