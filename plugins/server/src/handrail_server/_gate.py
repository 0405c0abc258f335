"""The outermost layer: request ids, host names, API keys, how much runs at once, the access log and its numbers."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from handrail import request_id

from handrail_server._errors import ApiError, logger
from handrail_server._lifecycle import shutting_down
from handrail_server._request_id import choose_request_id
from handrail_server._sse import to_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from handrail_server._lifecycle import Lifecycle
    from handrail_server._metrics import Metrics
    from handrail_server._settings import ServerSettings

access = logging.getLogger("handrail.access")

ROUTES = (
    "/",
    "/docs",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/readyz",
    "/v1/chat/completions",
    "/v1/checks",
    "/v1/models",
    "/v1/rails/configs",
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SECURITY = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
_LEFT = 499  # what the log says when the client has gone before an answer


class Keys:
    """API keys, of which only digests are kept; compared in constant time, every one of them each time."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    def owner(self, authorization: bytes | None) -> str | None:
        """Give who asks: an id of the key, or "" where no key is needed; None for a wrong key."""
        if not self._digests:
            return ""
        scheme, _, key = (authorization or b"").decode("latin-1").partition(" ")
        given = _digest(key.strip())
        matches = [hmac.compare_digest(given, known) for known in self._digests]
        return given.hex() if any(matches) and scheme.lower() == "bearer" else None


class Gate:
    """Lets a request in, or answers it itself."""

    def __init__(
        self, app: ASGIApp, settings: ServerSettings, metrics: Metrics, lifecycle: Lifecycle, keys: Sequence[str]
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self.lifecycle = lifecycle
        self._keys = Keys(keys)
        self._hosts = settings.allowed_hosts or (_LOOPBACK if settings.on_loopback else ())
        self._running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        token = request_id.set(answer.request_id)  # for logs, and for providers that send it along
        self._metrics.open.add()
        try:
            await self._admit(scope, receive, answer.send)
        except Exception as exc:
            logger.error("%s: %s: %s", answer.request_id, type(exc).__name__, exc, exc_info=exc)
            if answer.status is not None:
                raise
            await _send_error(
                answer.send, ApiError(500, "The server failed.", type="server_error", code="internal_error")
            )
        finally:
            request_id.reset(token)
            self._metrics.open.add(value=-1)
            self._note(scope, answer)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner = ""
        try:
            self._check_host(scope)
            if self._is_guarded(scope):
                owner = self._check(scope)
        except ApiError as refused:
            await _send_error(send, refused)
            return
        if not self._is_guarded(scope):
            await self._app(scope, receive, send)
            return
        scope["handrail.owner"] = owner
        self._running[""] += 1
        self._running[f"key {owner}"] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running[""] -= 1
            self._running[f"key {owner}"] -= 1

    def _is_guarded(self, scope: Scope) -> bool:
        path = scope["path"].removeprefix(self._settings.prefix)
        return bool(path.startswith("/v1/") or path == "/metrics") and scope["method"] != "OPTIONS"

    def _check_host(self, scope: Scope) -> None:
        """Refuse foreign names: a web page could give a name of its own the address of a local server."""
        if not self._hosts or "*" in self._hosts:
            return
        host = (_header(scope, b"host") or b"").decode("latin-1").lower()
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name not in self._hosts:
            raise ApiError(
                421,
                "The server is not known by this name; its setting 'allowed_hosts' lists others.",
                code="unknown_host",
            )

    def _check(self, scope: Scope) -> str:
        owner = self._keys.owner(_header(scope, b"authorization"))
        if owner is None:
            raise ApiError(
                401,
                "No API key, or a wrong one; send it as 'Authorization: Bearer KEY'.",
                type="authentication_error",
                code="invalid_api_key",
            )
        if self.lifecycle.draining:
            raise shutting_down()
        limits = self._settings.limits
        if limits.concurrency_per_key is not None and self._running[f"key {owner}"] >= limits.concurrency_per_key:
            text = f"This key has {limits.concurrency_per_key} requests running, which is its limit; try again soon."
            raise ApiError(429, text, type="rate_limit_error", code="rate_limit_exceeded", retry_after=1)
        if self._running[""] >= limits.concurrency:
            text = "The server runs as many requests as it may; try again soon."
            raise ApiError(503, text, type="server_error", code="server_full", retry_after=1)
        return owner

    def _note(self, scope: Scope, answer: _Answer) -> None:
        status = str(answer.status or _LEFT)
        self._metrics.requests.add(self._route(scope), status)
        if access.isEnabledFor(logging.INFO):
            client = scope.get("client") or ("-", 0)
            milliseconds = (time.perf_counter() - answer.started) * 1000
            access.info(
                '%s "%s %s" %s %dB %.0fms %s',
                client[0],
                scope["method"],
                scope["path"].encode("unicode_escape").decode("ascii"),
                status,
                answer.sent,
                milliseconds,
                answer.request_id,
            )

    def _route(self, scope: Scope) -> str:
        path: str = scope["path"].removeprefix(self._settings.prefix)
        return path if path in ROUTES else "other"


class _Answer:
    """What was sent, and what is sent with every answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.request_id = choose_request_id(_header(scope, b"x-request-id"))
        self.status: int | None = None
        self.sent = 0
        self.started = time.perf_counter()
        self._send = send

    async def send(self, message: Message) -> None:
        """Send a message of the protocol."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = [(b"x-request-id", self.request_id.encode("ascii")), *_SECURITY]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)


async def _send_error(send: Send, error: ApiError) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    body = to_json(error.body())
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
