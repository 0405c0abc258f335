"""The proxy over streamable HTTP: an address that stands before a server's, with every message judged on its way.

Sessions, keys and resumed streams stay between the client and the server; the proxy keeps nothing of them.
"""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import uvicorn
from handrail import ConfigurationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from handrail_mcp._guard import Guard
from handrail_mcp._json import INTERNAL_ERROR, Message, NotAMessageError, error_of, parse, written
from handrail_mcp._relay import id_in
from handrail_mcp._sse import Event, events_of

if TYPE_CHECKING:
    from handrail import LLMRails

logger = logging.getLogger("handrail.mcp")

_BODY_BYTES = 64 * 2**20
_REQUEST_HEADERS = ("accept", "authorization", "content-type", "last-event-id", "user-agent", "traceparent")
_RESPONSE_HEADERS = ("mcp-session-id", "mcp-protocol-version", "www-authenticate", "retry-after", "allow")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TIMEOUT = httpx2.Timeout(30, read=None)  # a stream of a server may be silent for as long as it likes


class Proxy:
    """Guards one server for any number of clients.

    Args:
        rails: see `Guard`.
        url: the server's address.
        client: asks the server.
        only_local: answer only those who ask for this machine by its own names, so that no page of a browser gets in.
    """

    def __init__(self, rails: LLMRails, url: str, client: httpx2.AsyncClient, *, only_local: bool = True) -> None:
        self._rails = rails
        self._url = url
        self._client = client
        self._only_local = only_local
        self._tools: dict[str, Mapping[str, Any]] = {}

    async def __call__(self, request: Request) -> Response:
        """Answer a request of a client."""
        if not self._is_allowed(request):
            return Response(status_code=403)
        guard = Guard(self._rails, tools=self._tools)
        if request.method != "POST":
            return await self._forward(request, guard, None)
        try:
            body = await _body(request)
            message = parse(body)
        except NotAMessageError as exc:
            return _json(error_of(None, exc.code, f"Invalid message: {exc}."), 400)
        except ClientDisconnect:
            return Response(status_code=499)
        outcome = await guard.from_client(message)
        if outcome.back is not None:
            return _json(outcome.back, 200)
        if outcome.onward is None:
            return Response(status_code=202)
        return await self._forward(request, guard, outcome.onward)

    def _is_allowed(self, request: Request) -> bool:
        host = request.headers.get("host", "")
        if self._only_local and urlsplit(f"//{host}").hostname not in _LOOPBACK:
            return False
        origin = request.headers.get("origin")
        return origin is None or urlsplit(origin).netloc == host

    async def _forward(self, request: Request, guard: Guard, message: Message | None) -> Response:
        """Ask the server, and answer with what may come back of its answer."""
        named = {name: value for name, value in request.headers.items() if name.startswith("mcp-")}
        headers = {**_chosen(request.headers, _REQUEST_HEADERS), **named, "accept-encoding": "identity"}
        content = None if message is None else written(message)
        asked = self._client.build_request(request.method, self._url, headers=headers, content=content)
        message_id = None if message is None else message.get("id")
        async with AsyncExitStack() as stack:
            try:
                answer = await self._client.send(asked, stream=True)
                stack.push_async_callback(answer.aclose)
                kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "text/event-stream":
                    return await _whole(answer, guard, kind)
            except httpx2.HTTPError as exc:
                logger.warning("the server could not be asked: %s", type(exc).__name__)
                return _json(error_of(message_id, INTERNAL_ERROR, "The server could not be reached."), 502)
            events = _judged(answer, guard, stack.pop_all())
            headers = {**_chosen(answer.headers, _RESPONSE_HEADERS), "cache-control": "no-cache"}
            return StreamingResponse(events, answer.status_code, headers, "text/event-stream")


def create_app(rails: LLMRails, url: str, *, path: str = "/mcp", only_local: bool = True) -> Starlette:
    """Return the proxy as an ASGI application."""
    client = httpx2.AsyncClient(timeout=_TIMEOUT, follow_redirects=False)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with client, rails:
            yield

    proxy = Proxy(rails, url, client, only_local=only_local)
    return Starlette(routes=[Route(path, proxy.__call__, methods=["GET", "POST", "DELETE"])], lifespan=lifespan)


def serve(rails: LLMRails, url: str, *, host: str, port: int) -> int:
    """Serve until a signal ends it; return the exit code.

    Raises:
        ConfigurationError: the address of the server is not valid, or the proxy's is taken.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ConfigurationError(
            f"--url is {url!r}; it must be the address of a server, such as http://localhost:8000/mcp"
        )
    try:
        listener = socket.create_server((host, port))
    except OSError as exc:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {exc.strerror}") from exc
    with listener:
        sys.stderr.write(f"guarding {url} at http://{host}:{listener.getsockname()[1]}/mcp\n")
        sys.stderr.flush()
        app = create_app(rails, url, only_local=host in _LOOPBACK)
        # httptools ends a request that asks for HTTP/2 at its head, and reads its body as the next one.
        config = uvicorn.Config(app, http="h11", log_config=None, access_log=False, timeout_graceful_shutdown=5)
        uvicorn.Server(config).run([listener])
    return 0


async def _body(request: Request) -> bytes:
    if request.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise NotAMessageError("compressed bodies are not supported")
    body = bytearray()
    async with aclosing(request.stream()) as parts:
        async for part in parts:
            body += part
            if len(body) > _BODY_BYTES:
                raise NotAMessageError(f"the message exceeds the limit of {_BODY_BYTES} bytes")
    return bytes(body)


async def _whole(answer: httpx2.Response, guard: Guard, kind: str) -> Response:
    """Return an answer that is not a stream: its message as it may come back, and nothing of what is not one."""
    headers = _chosen(answer.headers, _RESPONSE_HEADERS)
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > _BODY_BYTES:
            logger.error("the server's answer exceeds the limit of %s bytes", _BODY_BYTES)
            return Response(status_code=502)
    if not body.strip():
        return Response(status_code=answer.status_code, headers=headers)
    onward = await _message(bytes(body), guard) if kind == "application/json" else None
    if onward is not None:
        return _json(onward, answer.status_code, headers)
    return Response(status_code=answer.status_code if answer.is_error else 502, headers=headers)


async def _judged(answer: httpx2.Response, guard: Guard, stack: AsyncExitStack) -> AsyncGenerator[bytes]:
    """Yield the events of a server as they may come back, in their order."""
    async with stack, aclosing(events_of(answer.aiter_bytes(), _BODY_BYTES)) as events:
        async for event in events:
            if not event.text:
                yield Event("", "", event.id, event.retry).written()  # where a stream may be resumed, and signs of life
            elif event.kind in ("", "message"):
                onward = await _message(event.text.encode("utf-8", "surrogatepass"), guard)
                yield Event(
                    event.kind, "" if onward is None else written(onward).decode(), event.id, event.retry
                ).written()


async def _message(text: bytes, guard: Guard) -> Message | None:
    """Return the message that may come back of what a server wrote; None if there is none."""
    try:
        message = parse(text)
    except NotAMessageError as exc:
        logger.warning("the server sent what is not a message: %s", exc)
        return guard.unreadable(id_in(text))
    outcome = await guard.from_server(message)
    if outcome.back is not None:
        logger.warning("a request of the server was dropped")
    return outcome.onward


def _chosen(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _json(message: Message, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(written(message), status, headers, "application/json")
