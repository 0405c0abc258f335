"""Stand-ins for services, made from their published schemas, and ways to ask the rail."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from handrail import LLMRails, RailsConfig, Turn, Window


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece, for else each waits for an acknowledgement

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        self.server.clients.add(self.client_address)
        status, answer = self.server.answer(self.path, self.headers, body)
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        self.wfile.flush()

    def log_message(self, *arguments):
        """Nothing is to be written anywhere."""


class Service:
    """A server on a port of its own, whose `answer(path, headers, body)` gives a status and what is answered."""

    def __init__(self, answer):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.answer, self._server.asked = answer, []
        self._server.clients = set()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def asked(self):
        return self._server.asked

    @property
    def clients(self):
        """The addresses that requests came from: one for each connection."""
        return self._server.clients

    def answers(self, answer):
        self._server.answer = answer

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def serve():
    """Start services that end with the test."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Service(answer))


@pytest.fixture
def make():
    """Make `LLMRails` with one output rail."""

    def make(name="classifier", threshold=None, **settings):
        section = settings if threshold is None else {**settings, "threshold": threshold}
        rails = {"output": {"flows": [name], "streaming": {"enabled": True}}, "config": {name: section}}
        return LLMRails(RailsConfig.from_content(config={"rails": rails}))

    return make


@pytest.fixture
def judged():
    """Ask the only output rail about texts at once; return what it says of each."""

    async def judged(rails, *texts):
        rail = rails.composition.output_rails[0].rail.rail
        windows = [Window(text, 0, 0, len(text), len(text), last=True) for text in texts]
        return await rail.check_batch(windows, [Turn()] * len(windows))

    return judged
