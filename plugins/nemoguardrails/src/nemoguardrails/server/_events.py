"""The events of a stream as clients of the original read them: a block of the answer is an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Send = Callable[[Message], Awaitable[None]]

_DATA, _END = b"data: ", b"\n\n"


class Events:
    """Takes what the server sends, and sends it on.

    The server sends an event whole, and the events that end an answer together: the refusal, if nothing was delivered,
    before the event that says why.

    Args:
        send: takes messages of the protocol.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_stream = False

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        if message["type"] == "http.response.start":
            headers = dict(message.get("headers", ()))
            self._is_stream = headers.get(b"content-type", b"").startswith(b"text/event-stream")
        elif self._is_stream and b'"content_filter"' in message.get("body", b""):
            message = {**message, "body": _with_error(message["body"])}
        await self._send(message)


def _with_error(body: bytes) -> bytes:
    events = body.split(_END)
    for number, event in enumerate(events):
        blocked = _blocked(event)
        if blocked is None:
            continue
        if blocked.get("direction") == "input":  # its refusal is an answer like another
            events[number] = event.replace(b'"content_filter"', b'"stop"')
        else:
            before = [earlier for earlier in events[:number] if not _is_text(earlier)]
            return _END.join((*before, _error(str(blocked.get("rail"))), *events[number + 1 :]))
    return _END.join(events)


def _blocked(event: bytes) -> dict[str, Any] | None:
    """Return what is told of the block that ends an answer, if this is the event that tells it."""
    values = _values(event)
    choices = values.get("choices") or [{}]
    if choices[0].get("finish_reason") != "content_filter":
        return None
    blocked = (values.get("guardrails") or {}).get("blocked")
    return blocked if isinstance(blocked, dict) else None


def _is_text(event: bytes) -> bool:
    choices = _values(event).get("choices") or [{}]
    delta = choices[0].get("delta") or {}
    return bool(delta.get("content") or delta.get("refusal"))


def _values(event: bytes) -> dict[str, Any]:
    if not event.startswith(_DATA):
        return {}
    try:
        values = json.loads(event.removeprefix(_DATA))
    except ValueError:  # the mark at the end of a stream
        return {}
    return values if isinstance(values, dict) else {}


def _error(rail: str) -> bytes:
    fields = {
        "message": f"Blocked by {rail} rails.",
        "type": "guardrails_violation",
        "param": rail,
        "code": "content_blocked",
    }
    return _DATA + json.dumps({"error": fields}).encode()
