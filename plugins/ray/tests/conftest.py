"""A stand-in for Ray Serve's HTTP port: it answers with what a replica answers, and loses what a test wants lost."""

from __future__ import annotations

import asyncio
import json
import socket
import threading

import pytest
import uvicorn
from handrail import LLMRails, RailsConfig, StandaloneRail
from handrail_ray._answering import Answerer
from handrail_ray._naming import deployment_name


class Serve:
    """Answers at a port of its own, for the rails that it is told of.

    Attributes:
        url: where.
        answerers: who answers, by deployment.
        asked: the requests, with the deployment of each.
        losses: statuses that the next requests are answered with instead.
        raw: what all are answered with instead.
    """

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.forget()

    def forget(self):
        self.answerers, self.asked, self.losses, self.raw = {}, [], [], None

    def places(self, config, flow, direction="output"):
        """Have a rail of a configuration run here."""
        self.answerers[deployment_name(direction, flow)] = Answerer(StandaloneRail(config, flow, direction), 8)

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        name = scope["path"].rpartition("/")[2]
        self.asked.append((name, json.loads(body)))
        status, answer = 200, self.raw
        if self.losses:
            status, answer = self.losses.pop(0), b""
        elif answer is None:
            answer = json.dumps(await self.answerers[name].answer(json.loads(body))).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _run(self):
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="session")
def running():
    with Serve() as serve:
        yield serve


@pytest.fixture
def serve(running):
    """Return the stand-in, as if it had just started."""
    running.forget()
    return running


@pytest.fixture
def placed(serve):
    """Make `LLMRails` with one output rail that runs in the stand-in."""

    def placed(flow="classifier", registry=None, direction="output", **settings):
        name = flow.partition(" $")[0]
        section = {"place": {"ray": {"address": serve.url}}, **settings}
        rails = {direction: {"flows": [flow]}, "config": {name: section}}
        config = RailsConfig.from_content(config={"rails": rails})
        answering = StandaloneRail(config, flow, direction, registry=registry)
        serve.answerers[deployment_name(direction, flow)] = Answerer(answering, 8)
        return LLMRails(config, registry=registry)

    return placed
