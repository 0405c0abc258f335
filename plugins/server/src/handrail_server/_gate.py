"""The outermost layer: request ids, host names, API keys, how much runs at once, the access log and its numbers."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from handrail import request_id

from handrail_server._errors import ApiError, internal_error, log_failure
from handrail_server._keys import NOBODY, Keys, Tenant
from handrail_server._lifecycle import shutting_down
from handrail_server._request_id import calls_of_request, choose_request_id
from handrail_server._routes import is_health, is_open, local_path, route_of
from handrail_server._sse import to_json
from handrail_server._tracing import trace_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from handrail_server._lifecycle import Lifecycle
    from handrail_server._metrics import Metrics
    from handrail_server._settings import ServerSettings

ErrorBody: TypeAlias = Callable[[str | None, ApiError], object]
"""Makes the body of an error, as clients of a path read it."""

access = logging.getLogger("handrail.access")

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[\w.-]*)(?::\d{0,5})?", re.ASCII)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SECURITY = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
_LONGEST_PATH = 256
_LEFT = 499  # what the log says when the client has gone before an answer


class AnswerBrokenError(Exception):
    """An answer that has begun cannot be ended in good order, so its connection is closed. The log has said why."""


class Gate:
    """Lets a request in, or answers it itself."""

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        metrics: Metrics,
        lifecycle: Lifecycle,
        keys: Keys,
        error_body: ErrorBody,
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self.lifecycle = lifecycle
        self._keys = keys
        self._error_body = error_body
        self._hosts = settings.allowed_hosts or (_LOOPBACK if settings.on_loopback else ())
        self._running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] == "websocket":  # nothing is served that way
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send, local_path(scope, self._settings.prefix))
        token = request_id.set(answer.request_id)  # for logs, and for providers that send it along
        noting = calls_of_request.set(answer.calls)
        self._metrics.open.add()
        try:
            with trace_of(scope["headers"]):
                await self._admit(scope, receive, answer)
        except Exception as exc:  # noqa: BLE001  # whatever it is, a client gets an answer, and the log no words
            log_failure(f"{answer.request_id}: the request failed", exc)
            if answer.status is None:
                await self._send_error(answer, internal_error())
            elif not answer.complete:  # `from None`, because the words of the cause are nobody's business
                raise AnswerBrokenError("an answer that had begun has failed") from None
        finally:
            request_id.reset(token)
            calls_of_request.reset(noting)
            self._metrics.open.add(value=-1)
            self._note(scope, answer)

    async def _admit(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        opened = is_open(scope["method"], answer.path)
        try:
            if not is_health(answer.path):  # probes ask by an address
                self._check_host(scope)
            if not opened:
                answer.tenant = self._tenant(scope)
                self._check_limits(answer.tenant, asks=scope["method"] == "POST")
        except ApiError as refused:
            await self._send_error(answer, refused)
            return
        scope["handrail.tenant"] = answer.tenant
        scope["handrail.path"] = answer.path
        if opened:
            await self._app(scope, receive, answer.send)
            return
        owner = f"key {answer.tenant.owner}"
        self._running[""] += 1
        self._running[owner] += 1
        try:
            await self._app(scope, receive, answer.send)
        finally:
            self._running[""] -= 1
            self._running[owner] -= 1
            if not self._running[owner]:
                del self._running[owner]

    async def _send_error(self, answer: _Answer, error: ApiError) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
        body = to_json(self._error_body(answer.path, error))
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await answer.send({"type": "http.response.start", "status": error.status, "headers": headers})
        await answer.send({"type": "http.response.body", "body": body})

    def _check_host(self, scope: Scope) -> None:
        """Refuse foreign names: a web page could give a name of its own the address of a local server."""
        hosts = _headers(scope, b"host")
        sound = _HOST.fullmatch(hosts[0].decode("latin-1").lower()) if len(hosts) == 1 else None
        if hosts and sound is None:
            raise ApiError(400, "The request must name one host, as NAME or NAME:PORT.", code="invalid_host")
        name = sound["name"].strip("[]") if sound is not None else ""
        if self._hosts and "*" not in self._hosts and name not in self._hosts:
            raise ApiError(
                421,
                "Unknown Host header; add it to 'allowed_hosts'.",
                code="unknown_host",
            )

    def _tenant(self, scope: Scope) -> Tenant:
        tenant = self._keys.tenant(_credentials(scope))
        if tenant is None:
            raise ApiError(
                401,
                "The API key is missing or wrong; send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'.",
                type="authentication_error",
                code="invalid_api_key",
            )
        return tenant

    def _check_limits(self, tenant: Tenant, *, asks: bool) -> None:
        if self.lifecycle.draining:
            raise shutting_down()
        self._check_tenant(tenant, asks=asks)
        if self._running[""] >= self._settings.limits.concurrency:
            text = "The server is at its concurrency limit; retry shortly."
            raise ApiError(503, text, type="server_error", code="server_full", retry_after=1)
        if tenant.requests is not None:
            tenant.requests.take(1)

    def _check_tenant(self, tenant: Tenant, *, asks: bool) -> None:
        most = tenant.concurrency or self._settings.limits.concurrency_per_key
        if most is not None and self._running[f"key {tenant.owner}"] >= most:
            raise _too_much(f"This key has {most} requests running, which is its limit; try again soon.", 1)
        if tenant.requests is not None and (seconds := tenant.requests.wait()):
            raise _too_much(f"This key may send {tenant.requests.per_minute} requests a minute.", seconds)
        if asks and tenant.tokens is not None and (seconds := tenant.tokens.wait()):
            raise _too_much(f"This key may use {tenant.tokens.per_minute} tokens a minute.", seconds)

    def _note(self, scope: Scope, answer: _Answer) -> None:
        status = str(answer.status or _LEFT)
        self._metrics.requests.add(route_of(answer.path), status)
        if answer.tenant.label:
            self._metrics.tenants.requests.add(answer.tenant.label, status)
        if access.isEnabledFor(logging.INFO):
            client = scope.get("client") or ("-", 0)
            milliseconds = (time.perf_counter() - answer.started) * 1000
            access.info(
                '%s "%s %s" %s %dB %.0fms %s%s%s',
                client[0],
                scope["method"],
                scope["path"][:_LONGEST_PATH].encode("unicode_escape").decode("ascii"),
                status,
                answer.sent,
                milliseconds,
                _tenant_words(answer.tenant),
                f"call={','.join(answer.calls)} " if answer.calls else "",
                answer.request_id,
            )


class _Answer:
    """What was sent, and what is sent with every answer."""

    def __init__(self, scope: Scope, send: Send, path: str | None) -> None:
        self.path = path
        self.tenant: Tenant = NOBODY
        self.request_id = choose_request_id(next(iter(_headers(scope, b"x-request-id")), None))
        self.calls: list[str] = []
        self.status: int | None = None
        self.sent = 0
        self.complete = False
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
            self.complete = not message.get("more_body", False)
        await self._send(message)


def _too_much(text: str, seconds: float) -> ApiError:
    return ApiError(429, text, type="rate_limit_error", code="rate_limit_exceeded", retry_after=seconds)


def _tenant_words(tenant: Tenant) -> str:
    """Return the tenant as words of a line of the log, each with a space after it."""
    named = [("key", tenant.label), *tenant.labels.items()] if tenant.label else []
    return "".join(f"{name}={value} " for name, value in named)


def _credentials(scope: Scope) -> bytes | None:
    """Return the key as OpenAI's clients send it, else as Anthropic's do; None for one of several.

    A proxy in front could have looked at another one than this.
    """
    tokens, keys = _headers(scope, b"authorization"), _headers(scope, b"x-api-key")
    sent = {*tokens, *(b"Bearer " + key for key in keys)}
    return sent.pop() if len(sent) == 1 and len(tokens) <= 1 and len(keys) <= 1 else None


def _headers(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]
