"""A real Envoy as a host: applications behind it, a processor with the rails of the suite, and clients in front."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import closing, suppress

import anyio
import httpx2
import uvicorn
from asgi_host import AsgiHost, ChatWire
from handrail_envoy._routes import Routes
from handrail_envoy._serve import server_of
from handrail_testkit import host_rails
from ports import free_port
from starlette.responses import Response

KINDS = ("windows", "session", "masking", "failing", "input")
UNGUARDED = "/v1/models"
RAILS, MODEL = "x-rails", "x-model"  # headers by which a request says what guards it and who answers it
PER_ROUTE = "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute"


def routes_of_kinds():
    """Return Envoy's routes: each names the configuration of a kind of rails."""
    return [_route(kind) for kind in KINDS] + [{"match": {"prefix": "/"}, "route": {"cluster": "model"}}]


def _route(kind):
    named = {"grpc_initial_metadata": [{"key": "handrail-config-id", "value": kind}]}
    return {
        "match": {"prefix": "/", "headers": [{"name": RAILS, "string_match": {"exact": kind}}]},
        "route": {"cluster": "model", "timeout": "0s"},
        "typed_per_filter_config": {"handrail": {"@type": PER_ROUTE, "overrides": named}},
    }


class ProcessorThread:
    """Serves a processor with the rails of every kind, in a loop of its own."""

    def __init__(self):
        self._started, self._ended = threading.Event(), None
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))
        self._thread.start()
        assert self._started.wait(300)

    async def _serve(self):
        rails = {kind: host_rails(kind) for kind in KINDS}
        server, self.port = server_of(Routes(rails, None, frozenset({UNGUARDED})), "127.0.0.1:0")
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        await server.start()
        self._started.set()
        await self._ended.wait()
        await server.stop(1)

    def close(self):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(300)


class Applications:
    """The server behind Envoy: each request names the application that answers it."""

    def __init__(self):
        self._known = {}

    def add(self, app):
        self._known[str(len(self._known))] = app
        return str(len(self._known) - 1)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            named = dict(scope["headers"]).get(MODEL.encode(), b"").decode()
            await self._known.get(named, Response())(scope, receive, send)


class EnvoyHost(AsgiHost):
    """Asks through Envoy.

    Args:
        applications: the server behind it.
        url: where Envoy listens.
    """

    def __init__(self, applications, url):
        super().__init__(ChatWire(), None)
        self._applications, self._url = applications, url

    def served(self, app, request):
        headers = {RAILS: request.rails, MODEL: self._applications.add(app), "content-type": "application/json"}

        async def ask(scope, receive, send):
            body = (await receive())["body"]
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_it_leaves, receive, tasks.cancel_scope)
                await self._forward(scope["path"], body, headers, send)
                tasks.cancel_scope.cancel()

        return ask

    async def _forward(self, path, body, headers, send):
        async with (
            httpx2.AsyncClient(timeout=60) as client,
            client.stream("POST", self._url + path, content=body, headers=headers) as answer,
        ):
            await send({"type": "http.response.start", "status": answer.status_code, "headers": []})
            async for piece in answer.aiter_bytes():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_it_leaves(receive, scope):
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def free_ports(count):
    """Return ports that nobody listens at."""
    ports = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def wait_for(port, process):
    """Wait until somebody listens at a port."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        assert process.poll() is None, "the process has ended"
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
            return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens at {port}")


class Server:
    """Serves an application in a thread."""

    def __init__(self, app):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))
        self._thread.start()

    def close(self):
        self._server.should_exit = True
        self._thread.join(300)
        self._listener.close()
