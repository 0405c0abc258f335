"""Starlette and FastAPI: guard what routes stream, by a middleware or response by response."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from handrail_hosts._dialects import ChatDialect, Dialect
from handrail_hosts._dialects import MessagesDialect as MessagesDialect
from handrail_hosts._dialects import ResponsesDialect as ResponsesDialect
from handrail_hosts._dialects import TextDialect as TextDialect
from handrail_hosts._errors import AnswerRefusedError, GuardFailedError
from handrail_hosts._exchange import FAILED, App, Exchange, Packet, Receive, Send
from handrail_hosts._guard import Guarding, HostGuard
from handrail_hosts._sse import DONE, event

if TYPE_CHECKING:
    from handrail import Blocked, Message

Scope = MutableMapping[str, Any]
PATHS: Mapping[str, Callable[[], Dialect]] = MappingProxyType(
    {
        "/v1/chat/completions": ChatDialect,
        "/v1/responses": ResponsesDialect,
        "/v1/messages": MessagesDialect,
    }
)
_PAST_THE_GUARD = ("http.response.pathsend", "http.response.zerocopysend", "http.response.trailers")
_EMPTY = (b"content-length", b"0")
_MOST = 16 * 2**20  # bytes of a request


class GuardMiddleware:
    """Guards what an application answers at some paths: input rails see the request, output rails the answer.

    Streams of server-sent events and whole JSON answers are guarded. At a guarded path, whatever else would answer with
    success is withheld, since rails cannot judge it; errors pass.

    Args:
        app: the application.
        rails: rails, a configuration, or the path of one.
        paths: which protocol is spoken at which path.
    """

    def __init__(self, app: App, rails: Guarding, paths: Mapping[str, Callable[[], Dialect]] = PATHS) -> None:
        self._app = app
        self._guard = HostGuard.of(rails)
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        make = self._dialect_at(scope) if scope["type"] == "http" else None
        if make is None:
            await self._app(scope, receive, send)
            return
        if scope["method"] in ("HEAD", "OPTIONS"):
            await self._app(_readable(scope, _EMPTY), _replayed(b"", receive), _without_body(send))
            return
        dialect, body = make(), {}
        if scope["method"] == "GET":  # as browsers ask for events; it has no body that could be judged
            asked_for = _readable(scope, _EMPTY), _replayed(b"", receive)
            await Exchange(self._guard, dialect, send, (), {}).run(self._app, *asked_for)
            return
        try:
            body = json.loads(await _body(receive))
            messages = await self._guard.check_request(dialect.messages(body))
            asked = dialect.put_back(body, messages)
        except AnswerRefusedError as refused:
            await _refusal(dialect, refused.blocked, streams=bool(body.get("stream")))(scope, receive, send)
        except (GuardFailedError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
            await JSONResponse(dialect.fail("the request could not be checked")[-1], 400)(scope, receive, send)
        else:
            sent = json.dumps(asked).encode()
            length = (b"content-length", str(len(sent)).encode())
            exchange = Exchange(self._guard, dialect, send, messages, dialect.facts(asked))
            await exchange.run(self._app, _readable(scope, length), _replayed(sent, receive))

    def _dialect_at(self, scope: Scope) -> Callable[[], Dialect] | None:
        """Return how a path is spoken, which may begin with where the application is mounted."""
        path, root = scope.get("path", ""), scope.get("root_path", "").rstrip("/")
        inner = path.removeprefix(root) if root and path.startswith(f"{root}/") else path
        return self._paths.get(path) or self._paths.get(inner)


class ResponseGuard:
    """Guards responses one by one; an instance is a dependency of FastAPI, too.

    Args:
        rails: rails, a configuration, or the path of one.
        dialect: makes what reads the events of a response.
    """

    def __init__(self, rails: Guarding, dialect: Callable[[], Dialect] = ChatDialect) -> None:
        self._guard = HostGuard.of(rails)
        self._dialect = dialect

    def __call__(self) -> ResponseGuard:
        """Return the guard itself, as `Depends(guard)` asks for it."""
        return self

    def response(self, response: Response, messages: Sequence[Message] = ()) -> Response:
        """Return a response as rails let it through.

        Args:
            response: what the route would answer: a `StreamingResponse` of server-sent events, or JSON.
            messages: the conversation in OpenAI's form; input rails judge it before the response is begun.
        """
        return _GuardedResponse(self._guard, self._dialect(), response, messages)


class _GuardedResponse(Response):
    def __init__(self, guard: HostGuard, dialect: Dialect, inner: Response, messages: Sequence[Message]) -> None:
        self._guard = guard
        self._dialect = dialect
        self._inner = inner
        self._messages = messages
        self.background = None  # the inner response runs its own
        self.status_code = inner.status_code

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            messages = await self._guard.check_input(self._messages) if self._messages else ()
        except AnswerRefusedError as refused:
            await self._close()
            await _refusal(self._dialect, refused.blocked, streams=True)(scope, receive, send)
        except GuardFailedError:
            await self._close()
            await JSONResponse(self._dialect.fail(FAILED)[-1], 502)(scope, receive, send)
        else:
            await Exchange(self._guard, self._dialect, send, messages, {}).run(self._inner, scope, receive)

    async def _close(self) -> None:
        """Close what was to be streamed, and is not."""
        close = getattr(getattr(self._inner, "body_iterator", None), "aclose", None)
        if close is not None:
            await close()


def _refusal(dialect: Dialect, blocked: Blocked, *, streams: bool) -> Response:
    """Return the answer to a request that was refused before the model was asked."""
    if not streams:
        return JSONResponse(dialect.refuse_whole(None, blocked))
    done = f"data: {DONE}\n\n".encode() if dialect.has_done else b""
    return Response(b"".join(map(event, dialect.refuse(blocked))) + done, media_type="text/event-stream")


def _readable(scope: Scope, *further: tuple[bytes, bytes]) -> Scope:
    """Return a request without what would have the answer compressed, or the length of another body."""
    headers = [pair for pair in scope["headers"] if pair[0] not in (b"content-length", b"accept-encoding")]
    extensions = {name: one for name, one in (scope.get("extensions") or {}).items() if name not in _PAST_THE_GUARD}
    return {**scope, "headers": [*headers, *further], "extensions": extensions}


def _without_body(send: Send) -> Send:
    """Return a `send` for answers that have no body, whatever the application says."""

    async def sent(packet: Packet) -> None:
        if packet["type"] == "http.response.start":
            headers = [pair for pair in packet.get("headers", ()) if pair[0].lower() != b"content-length"]
            await send({**packet, "headers": headers})
        elif packet["type"] == "http.response.body":
            await send({**packet, "body": b""})

    return sent


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        packet = await receive()
        if packet["type"] == "http.disconnect":
            raise ValueError("the client has gone")
        body += packet.get("body", b"")
        if len(body) > _MOST:
            raise ValueError("the request is too long")
        if not packet.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body first."""
    waiting: list[Packet] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Packet:
        return waiting.pop() if waiting else await receive()

    return replay
