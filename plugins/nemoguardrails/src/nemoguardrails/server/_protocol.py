"""What clients of the original send and expect, around Handrail's server: an ASGI application in front of another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
            receive = _Body(receive, self._largest)
            if path.endswith(_CHAT):
                send = Events(send)
        await self._behind(scope, receive, send)


class _Body:
    """Reads a body whole, and passes it on as the server takes it. What is not a JSON object is passed on as it is."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._largest = largest
        self._done = False

    async def __call__(self) -> Message:
        if self._done:
            return await self._receive()
        parts: list[bytes] = []
        size = 0
        while size <= self._largest:
            message = await self._receive()
            if message["type"] != "http.request":  # the client has left
                self._done = True
                return message
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if not message.get("more_body", False):
                self._done = True
                return {"type": "http.request", "body": _translated(b"".join(parts)), "more_body": False}
        self._done = True
        return {"type": "http.request", "body": b"".join(parts), "more_body": True}


def _translated(body: bytes) -> bytes:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(values, dict):
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
