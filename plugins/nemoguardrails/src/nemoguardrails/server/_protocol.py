"""What clients of the original send and expect, around Handrail's server: an ASGI application in front of another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nemoguardrails.server._alone import Checked, checks_of
from nemoguardrails.server._events import Events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Message, Receive, Send], Awaitable[None]]

_CHAT, _CHECKS, _CHALLENGES = "/v1/chat/completions", "/v1/checks", "/v1/challenges"


class NemoProtocol:
    """Takes messages of the role `context` and any `model`, and streams a block as its error.

    Everything is still checked by the server behind it, its limits, keys and policy included.

    Args:
        app: Handrail's server.
        largest: the size of a body that is looked into, in bytes; the server gets a larger one as it is.
    """

    def __init__(self, app: Application, *, largest: int) -> None:
        self._behind = app
        self._largest = largest

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = str(scope.get("path", "")) if scope["type"] == "http" else ""
        if scope.get("method") == "GET" and path.endswith(_CHALLENGES):
            await _nothing(send)
            return
        if scope.get("method") == "POST" and path.endswith((_CHAT, _CHECKS)):
            body = _Body(receive, self._largest)
            receive = body
            if path.endswith(_CHAT):
                send = Events(send)
                values = await body.values()
                checks = None if values is None else checks_of(values)
                if values is not None and checks is not None:
                    body.replace(checks)
                    scope = _at(scope, path.removesuffix(_CHAT) + _CHECKS)
                    send = Checked(send, values)
        await self._behind(scope, receive, send)


class _Body:
    """Reads a body whole, and passes it on as the server takes it. What is not a JSON object is passed on as it is."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._largest = largest
        self._read: Message | None = None
        self._done = False

    async def __call__(self) -> Message:
        if self._done:
            return await self._receive()
        message = await self._whole()
        self._done = True
        if message["type"] == "http.request" and not message["more_body"]:
            return {**message, "body": _translated(message["body"])}
        return message

    async def values(self) -> dict[str, Any] | None:
        """Return what the body says, where it is a JSON object that has come whole."""
        message = await self._whole()
        is_whole = message["type"] == "http.request" and not message["more_body"]
        return _object(message["body"]) if is_whole else None

    def replace(self, values: dict[str, Any]) -> None:
        """Pass something else on in the place of the body."""
        self._read = {"type": "http.request", "body": json.dumps(values).encode(), "more_body": False}

    async def _whole(self) -> Message:
        if self._read is None:
            self._read = await self._all()
        return self._read

    async def _all(self) -> Message:
        parts: list[bytes] = []
        size, more = 0, True
        while more and size <= self._largest:
            message = await self._receive()
            if message["type"] != "http.request":  # the client has left
                return message
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
        return {"type": "http.request", "body": b"".join(parts), "more_body": more}


def _at(scope: Message, path: str) -> Message:
    return {**scope, "path": path, "raw_path": path.encode()}


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _translated(body: bytes) -> bytes:
    values = _object(body)
    if values is None:
        return body
    changed = [change(values) for change in (_context, _model, _rail_types)]
    return json.dumps(values).encode() if any(changed) else body


def _context(values: dict[str, Any]) -> bool:
    """Put what messages of the role `context` hold where the server takes it from."""
    messages = values.get("messages")
    if not isinstance(messages, list):
        return False
    found = [entry for entry in messages if isinstance(entry, dict) and entry.get("role") == "context"]
    contents = [entry.get("content") for entry in found]
    if not found or not all(isinstance(content, dict) for content in contents):
        return False
    inner = values.get("guardrails")
    home = inner if isinstance(inner, dict) else values
    given = home.get("context")
    home["context"] = {
        name: value for content in (*contents, given) if isinstance(content, dict) for name, value in content.items()
    }
    values["messages"] = [entry for entry in messages if entry not in found]
    return True


def _model(values: dict[str, Any]) -> bool:
    """Name the configuration as the model where both are named: the configuration says which model is asked."""
    inner = values.get("guardrails")
    named = [place for place in (inner, values) if isinstance(place, dict)]
    ids = [place.get("config_id") or _only(place.get("config_ids")) for place in named]
    chosen = next((name for name in ids if isinstance(name, str)), None)
    if chosen is None or not isinstance(values.get("model"), str) or values["model"] == chosen:
        return False
    values["model"] = chosen
    return True


def _rail_types(values: dict[str, Any]) -> bool:
    """Put the kinds of rails that a check is to run where the server takes them from."""
    inner = values.get("guardrails")
    if not isinstance(inner, dict) or "rail_types" not in inner or "rail_types" in values:
        return False
    values["rail_types"] = inner.pop("rail_types")
    return True


def _only(ids: object) -> object:
    return ids[0] if isinstance(ids, list) and len(ids) == 1 else None


async def _nothing(send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"[]"})
