"""A real Envoy between a client and a model's server, with processors that can be killed."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import httpx2
import pytest
import yaml
from envoy_host import Applications, EnvoyHost, ProcessorThread, Server, free_ports, routes_of_kinds, wait_for
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "envoy" / "envoy.yaml"
PATTERN = "lib/python*/site-packages/envoy/_bin/envoy"
PATH = "/v1/chat/completions"
CONFIGS = {
    "both": "rails: {input: {flows: [slow]}, output: {flows: [slow, personal data check]}, "
    "config: {personal data check: {action: redact}}}",
    "answers": "rails: {output: {flows: [slow], streaming: {enabled: true, first_chunk_size: 4, chunk_size: 12, "
    "context_size: 3}}}",
}


def wait_until_asked(url):
    """Wait until Envoy's workers know, as its page may say already, that a processor is up."""
    until, well = time.monotonic() + 120, 0
    while well < 4:
        assert time.monotonic() < until
        well = well + 1 if httpx2.get(f"{url}/v1/models").status_code == 200 else 0


def chunk(delta, finish_reason=None):
    """Return an event of a stream of Chat Completions."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    value = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(value)}\n\n"


class Model:
    """A model's server that says what it is asked to say, and knows what it was asked and how far it came.

    Attributes:
        asked: the bodies of requests.
        headers: their headers.
        said: how many words of the newest answer were sent.
        stopped_at: when it was stopped, by the clock of this process.
        kind: what it answers: "answer", "gzip", "error", "html", "cut".
        pace: seconds from word to word.
    """

    def __init__(self):
        self.asked, self.headers = [], []
        self.reset()
        self.app = Starlette(
            routes=[
                Route(PATH, self.chat, methods=["POST"]),
                Route("/v1/models", lambda _: JSONResponse({"data": ["m"]})),
            ]
        )

    def reset(self):
        self.asked.clear()
        self.headers.clear()
        self.said, self.stopped_at, self.kind, self.pace = 0, None, "answer", 0.01

    async def chat(self, request):
        body = await request.json()
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        text = body["say"]
        if self.kind == "error":
            return JSONResponse({"error": {"message": text}}, 429, {"retry-after": "7"})
        if self.kind == "html":
            return Response(text, media_type="text/html")
        if body.get("stream"):
            return StreamingResponse(self.words(text), media_type="text/event-stream")
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        if self.kind == "gzip":
            return Response(gzip.compress(json.dumps(answer).encode()), headers={"content-encoding": "gzip"},
                            media_type="application/json")  # fmt: skip
        return JSONResponse(answer)

    async def words(self, text):
        self.said = 0
        complete = False
        try:
            yield chunk({"role": "assistant", "content": ""})
            for word in text.split(" "):
                yield chunk({"content": f"{word} "})
                self.said += 1
                await anyio.sleep(self.pace)
            if self.kind != "cut":
                yield chunk({}, "stop")
                yield "data: [DONE]\n\n"
            complete = True
        finally:
            if not complete:
                self.stopped_at = time.monotonic()


class Processors:
    """The processors, each a process of its own."""

    def __init__(self, ports, folder, url, admin):
        self._folder = folder
        self.url = url
        self.admin = admin
        self.ports = ports
        self._processes = {}

    def start(self, index, config="both"):
        file = self._folder / config / "config.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(CONFIGS[config])
        command = [sys.executable, str(HERE / "processor.py"), str(file.parent), str(self.ports[index])]
        with (self._folder / "processors.log").open("ab") as log:
            process = subprocess.Popen(command, stderr=log)
        wait_for(self.ports[index], process)
        self._processes[index] = process
        self._wait_for_envoy(index, "healthy")
        wait_until_asked(self.url)

    def _wait_for_envoy(self, index, state):
        """Wait until Envoy knows whether a processor is up."""
        wanted = f"127.0.0.1:{self.ports[index]}::health_flags::{state}"
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if wanted in httpx2.get(f"{self.admin}/clusters").text:
                return
            time.sleep(0.02)
        raise AssertionError(f"Envoy does not know that processor {index} is {state}")

    def end(self, index, number=signal.SIGKILL, *, wait=True):
        process = self._processes.pop(index)
        process.send_signal(number)
        process.wait(10)
        if wait:
            self._wait_for_envoy(index, "/failed_active_hc")
            if self._processes:
                wait_until_asked(self.url)

    def end_all(self):
        for index in list(self._processes):
            self.end(index)

    def log(self):
        return (self._folder / "processors.log").read_text()


def body_of(say, ask="Hello", *, stream=True):
    return {"model": "m", "stream": stream, "say": say, "messages": [{"role": "user", "content": ask}]}


class World:
    """All of it."""

    path = PATH
    body = staticmethod(body_of)

    def __init__(self, model, processors, port):
        self.model = model
        self.processors = processors
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, say, *, stream=True, ask="Hello", **more):
        """Ask for an answer, and read it to its end."""
        with httpx2.Client(timeout=20) as client:
            return client.post(self.url + PATH, json=body_of(say, ask, stream=stream), **more)

    def text_of(self, answer):
        return "".join(
            json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
            for line in answer.text.splitlines()
            if line.startswith('data: {"') and not line.startswith('data: {"error"')
        )


def configured(model_port, processor_ports, port, change=lambda _filter: None, *, admin=0):
    """Return the example's configuration at other ports."""
    config = yaml.safe_load(EXAMPLE.read_text())
    config["admin"] = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}
    (listener,) = config["static_resources"]["listeners"]
    listener["address"]["socket_address"]["port_value"] = port
    change(listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"][0]["typed_config"])
    model, handrail = config["static_resources"]["clusters"]
    handrail["health_checks"][0] |= {"interval": "0.1s", "no_traffic_interval": "0.1s"}
    for cluster, ports in ((model, [model_port]), (handrail, processor_ports)):
        endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        for endpoint, number in zip(endpoints, ports, strict=True):
            endpoint["endpoint"]["address"]["socket_address"]["port_value"] = number
    return config


def start_envoy(config, folder, port):
    """Start Envoy, and wait until it serves."""
    found = sorted((ROOT / ".venvs" / "envoy").glob(PATTERN))
    assert found, "Envoy is not installed; run these tests with `make envoy`"
    file = folder / f"envoy-{port}.json"
    file.write_text(json.dumps(config))
    command = [str(found[0]), "-c", str(file), "--concurrency", "1", "-l", "warning", "--use-dynamic-base-id"]
    with (folder / "envoy.log").open("ab") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log)
    wait_for(port, process)
    return process


@pytest.fixture(scope="session")
def started(tmp_path_factory):
    folder = tmp_path_factory.mktemp("envoy")
    model = Model()
    server = Server(model.app)
    port, admin, *ports = free_ports(4)
    processors = Processors(ports, folder, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin}")
    envoy = start_envoy(configured(server.port, ports, port, admin=admin), folder, port)
    yield World(model, processors, port), server, folder
    processors.end_all()
    envoy.terminate()
    envoy.wait(10)
    server.close()


@pytest.fixture
def world(started):
    """Everything, without a processor; a test starts those that it wants."""
    found = started[0]
    found.model.reset()
    yield found
    found.processors.end_all()
    print(found.processors.log())  # shown where a test fails


@pytest.fixture
def other_envoy(started):
    """A function that starts another Envoy, whose filter is changed; it returns its address."""
    world, server, folder = started
    running = []

    def start(change):
        (port,) = free_ports(1)
        config = configured(server.port, world.processors.ports, port, change)
        running.append(start_envoy(config, folder, port))
        return f"http://127.0.0.1:{port}"

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """An Envoy as a host of the suite, which asks with the rails that a request wants."""
    applications, processor = Applications(), ProcessorThread()
    server, (port,) = Server(applications), free_ports(1)
    config = configured(server.port, [processor.port] * 2, port)
    (listener,) = config["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    manager["route_config"]["virtual_hosts"][0]["routes"] = routes_of_kinds()
    envoy = start_envoy(config, tmp_path_factory.mktemp("host"), port)
    url = f"http://127.0.0.1:{port}"
    wait_until_asked(url)
    yield EnvoyHost(applications, url)
    envoy.terminate()
    envoy.wait(10)
    server.close()
    processor.close()
