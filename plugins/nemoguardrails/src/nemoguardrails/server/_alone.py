"""Requests for an answer whose options want rails alone: the server's checks answer them, and no model is asked."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Send = Callable[[Message], Awaitable[None]]

_ROLES = {"input": "user", "output": "assistant"}
_DIALOG = "dialog"
_OK, _BAD = 200, 400
_NO_RAILS = "rail_type_not_configured"  # options may turn on what there is not; a check may not ask for it


def checks_of(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the request for checks that a request for an answer comes to; None if it wants something generated.

    Where only some rails of a direction are wanted, all of them run.
    """
    inner = values.get("guardrails")
    places = [place for place in (inner, values) if isinstance(place, Mapping)]
    options: Mapping[str, Any] = next(
        (place["options"] for place in places if isinstance(place.get("options"), Mapping)), {}
    )
    rails = options.get("rails")
    if isinstance(rails, list):
        rails = {kind: kind in rails for kind in (*_ROLES, _DIALOG)}
    if not isinstance(rails, Mapping) or rails.get(_DIALOG, True) is not False:
        return None
    talk = values.get("messages")
    roles = {entry.get("role") for entry in talk if isinstance(entry, Mapping)} if isinstance(talk, list) else set()
    kinds = [kind for kind, role in _ROLES.items() if rails.get(kind, True) and role in roles]
    named = {name: values[name] for name in ("model", "config_id", "config_ids", "context") if name in values}
    if isinstance(inner, Mapping):
        kept = {name: inner[name] for name in ("config_id", "config_ids", "context") if name in inner}
        named["guardrails"] = kept
    both = {} if len(kinds) == len(_ROLES) else {"rail_types": kinds}  # else whichever the configuration has
    return {**named, "messages": talk, **both}


class Checked:
    """Takes the server's answer to checks, and sends it on as the answer that was asked for. An error stays as it is.

    Args:
        send: takes messages of the protocol.
        values: the request for an answer.
    """

    def __init__(self, send: Send, values: Mapping[str, Any]) -> None:
        self._send = send
        self._values = values
        self._start: Message = {}
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        """Send one message, once all is there."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._parts.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        body = b"".join(self._parts)
        result = json.loads(body) if self._start["status"] in (_OK, _BAD) else {}
        if result.get("error", {}).get("code") == _NO_RAILS:
            self._start = {**self._start, "status": _OK}
            result = {"status": "passed", "content": self._values["messages"][-1].get("content")}
        if self._start["status"] == _OK:
            body = self._answer(result)
        kept = [entry for entry in self._start["headers"] if entry[0] not in (b"content-length", b"content-type")]
        kind = b"text/event-stream" if self._is_stream else b"application/json"
        headers = [*kept, (b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    @property
    def _is_stream(self) -> bool:
        return self._start["status"] == _OK and bool(self._values.get("stream"))

    def _answer(self, result: Mapping[str, Any]) -> bytes:
        content, blocked = result["content"], result["status"] == "blocked"
        about = {
            "id": f"chatcmpl-{uuid4()}",
            "created": int(time.time()),
            "model": self._values.get("model"),
            "guardrails": {"config_id": _config_id(self._values)},
        }
        if not self._is_stream:
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
            return json.dumps({**about, "object": "chat.completion", "choices": [choice]}).encode()
        deltas = [({"content": content}, None)] if blocked else []  # what passes is known to whoever has sent it
        events = [
            {
                **about,
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
            }
            for delta, reason in (*deltas, ({}, "stop"))
        ]
        return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def _config_id(values: Mapping[str, Any]) -> Any:
    inner = values.get("guardrails")
    places = (inner, values) if isinstance(inner, Mapping) else (values,)
    return next((place["config_id"] for place in places if place.get("config_id")), None)
