"""Starlette and FastAPI: guard what routes stream, by a middleware or response by response."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from handrail import HandrailError
from starlette.responses import JSONResponse, Response

from handrail_hosts._conversation import Conversation
from handrail_hosts._dialects import ChatDialect as ChatDialect
from handrail_hosts._dialects import Dialect
from handrail_hosts._dialects import MessagesDialect as MessagesDialect
from handrail_hosts._dialects import ResponsesDialect as ResponsesDialect
from handrail_hosts._dialects import TextDialect as TextDialect
from handrail_hosts._errors import AnswerRefusedError, GuardFailedError, is_fault_of_client
from handrail_hosts._exchange import App, Exchange, Packet, Receive, Send
from handrail_hosts._guard import Guarding, HostGuard
from handrail_hosts._paths import Paths, made, texts_of_query
from handrail_hosts._sse import DONE, event
from handrail_hosts._whole import UNREADABLE, told_of

if TYPE_CHECKING:
    from handrail import Blocked, Message

    from handrail_hosts._dialects import ErrorKind

logger = logging.getLogger("handrail.hosts")
Scope = MutableMapping[str, Any]
PATHS: Mapping[str, Callable[[], Dialect]] = MappingProxyType(
    {
        "/v1/chat/completions": ChatDialect,
        "/v1/responses": ResponsesDialect,
        "/v1/messages": MessagesDialect,
        "/v1/chat/completions/{id}": ChatDialect,
        "/v1/responses/{id}": ResponsesDialect,
    }
)
_PAST_THE_GUARD = ("http.response.pathsend", "http.response.zerocopysend", "http.response.trailers")
_OF_THE_BODY = frozenset(
    {b"content-type", b"content-length", b"content-encoding", b"content-md5", b"content-digest", b"repr-digest",
     b"digest", b"transfer-encoding", b"trailer", b"expect"}
)  # fmt: skip
_ELSEWHERE = frozenset({b"accept-encoding", b"range", b"if-range", b"if-none-match", b"if-modified-since"})
_WITHOUT_BODY = ("HEAD", "OPTIONS")
_ASKS_BY_QUERY = ("GET", *_WITHOUT_BODY)
_EMPTY = (b"content-length", b"0")
_POLICY = 1008  # the code by which a WebSocket is closed for what it is
_MOST = 16 * 2**20  # bytes of a request
_MOST_NAMED = 8  # paths in the log


class GuardMiddleware:
    """Guards what an application answers at some paths: input rails see the request, output rails the answer.

    Streams of server-sent events and whole JSON answers are guarded. At a guarded path, whatever else would answer with
    success is withheld, since rails cannot judge it, and WebSockets are refused. Redirections pass without a body,
    errors as far as output rails let their words pass. Rails that are made here are closed when the server shuts down.

    Args:
        app: the application.
        rails: rails, a configuration, or the path of one.
        paths: which protocol is spoken at which path, wherever the application is mounted and however a client writes
            it; `{name}` stands for any one segment.

    Raises:
        ConfigurationError: the rails cannot guard a host, or a path's dialect cannot be made or cannot read requests.
    """

    def __init__(self, app: App, rails: Guarding, paths: Mapping[str, Callable[[], Dialect]] = PATHS) -> None:
        self._app = app
        self._guard = HostGuard.of(rails)
        self._owns = self._guard is not rails
        self._paths = Paths(paths)
        self._unguarded: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan" and self._owns:
            send = self._closing(send)
        make = self._paths.dialect_at(scope["path"]) if scope["type"] in ("http", "websocket") else None
        if make is None:
            await self._app(scope, receive, self._noticing(scope, send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY})
        elif scope["method"] in _WITHOUT_BODY:
            await self._bare(scope, receive, _without_body(send))
        else:
            await self._guarded(make(), scope, receive, send)

    async def _bare(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose answer has no body; its query may ask a model all the same."""
        try:
            await self._check_query(scope)
        except (HandrailError, ValueError) as error:
            await Response(status_code=400 if is_fault_of_client(error) else 502)(scope, receive, send)
        else:
            await self._app(_readable(scope, _EMPTY), _replayed(b"", receive), send)

    async def _guarded(self, dialect: Dialect, scope: Scope, receive: Receive, send: Send) -> None:
        body: dict[str, Any] = {}
        messages: Sequence[Message] = ()
        sent, facts = b"", {}
        try:
            await self._check_query(scope)
            if scope["method"] != "GET":  # with which browsers ask for events; it has no body that could be judged
                body = json.loads(await _body(receive))
                messages = await self._guard.check_request(dialect.messages(body))
                asked = dialect.put_back(body, messages)
                sent, facts = json.dumps(asked).encode(), dialect.facts(asked)
        except AnswerRefusedError as refused:
            await _refusal(dialect, refused.blocked, streams=bool(body.get("stream")))(scope, receive, send)
        except (HandrailError, *UNREADABLE) as error:
            await _rejection(dialect, error)(scope, receive, send)
        else:
            about = ((b"content-type", b"application/json"),) if sent else ()
            length = (b"content-length", str(len(sent)).encode())
            exchange = Exchange(self._guard, dialect, send, messages, facts)
            await exchange.run(self._app, _readable(scope, *about, length), _replayed(sent, receive))

    async def _check_query(self, scope: Scope) -> None:
        """Have input rails judge what the query says; raise what `HostGuard.check_request` raises."""
        talk = Conversation[None]()
        talk.add_beside(
            "user", texts_of_query(scope.get("query_string", b""), is_all=scope["method"] in _ASKS_BY_QUERY)
        )
        if talk.messages:
            list(talk.judged(await self._guard.check_request(talk.messages)))

    def _noticing(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that logs that a stream of events is not guarded."""

        async def sent(packet: Packet) -> None:
            if packet["type"] == "http.response.start" and _streams_events(packet):
                self._log_unguarded(scope["path"])
            await send(packet)

        return sent

    def _log_unguarded(self, path: str) -> None:
        """Log each of the first few paths once."""
        if path not in self._unguarded and len(self._unguarded) < _MOST_NAMED:
            self._unguarded.add(path)
            logger.warning("events at %r are not guarded; name the path in 'paths' to guard it", path)

    def _closing(self, send: Send) -> Send:
        """Return a `send` that closes the rails once the application has shut down."""

        async def sent(packet: Packet) -> None:
            if packet["type"].startswith("lifespan.shutdown."):
                await self._guard.aclose()
            await send(packet)

        return sent


class ResponseGuard:
    """Guards responses one by one; an instance is a dependency of FastAPI, too.

    Args:
        rails: rails, a configuration, or the path of one.
        dialect: makes what reads the events of a response.

    Raises:
        ConfigurationError: `dialect` makes no dialect.
    """

    def __init__(self, rails: Guarding, dialect: Callable[[], Dialect] = ChatDialect) -> None:
        self._guard = HostGuard.of(rails)
        made(dialect, "ResponseGuard")
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
        except HandrailError:
            await self._close()
            await JSONResponse(self._dialect.error(told_of(), "internal_error"), 502)(scope, receive, send)
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


def _rejection(dialect: Dialect, error: Exception) -> Response:
    """Return the answer to a request that could not be judged, with what is wrong where that quotes nothing of it."""
    said = f": {error}" if isinstance(error, GuardFailedError) else ""
    is_clients = is_fault_of_client(error)
    kind: ErrorKind = "invalid_request_error" if is_clients else "internal_error"
    return JSONResponse(dialect.error(f"the request could not be checked{said}", kind), 400 if is_clients else 502)


def _readable(scope: Scope, *further: tuple[bytes, bytes]) -> Scope:
    """Return a request without what would have the answer compressed or cut, and with headers for its body as it is."""
    left_out = _OF_THE_BODY | _ELSEWHERE
    headers = [pair for pair in scope.get("headers", ()) if pair[0].lower() not in left_out]
    extensions = {name: one for name, one in (scope.get("extensions") or {}).items() if name not in _PAST_THE_GUARD}
    return {**scope, "headers": [*headers, *further], "extensions": extensions}


def _streams_events(packet: Packet) -> bool:
    kinds = (value for name, value in packet.get("headers", ()) if name.lower() == b"content-type")
    return any(kind.lower().startswith(b"text/event-stream") for kind in kinds)


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
