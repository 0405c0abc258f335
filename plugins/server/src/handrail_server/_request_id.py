"""The id of a request: the client's own where it sent a sound one, else a new one; and the ids of its calls."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

_SOUND = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_MOST_CALLS = 4  # of one request, that the log names

calls_of_request: ContextVar[list[str]] = ContextVar("handrail-server-calls")
"""Ids of the calls of the request that is answered here, as records of decisions and traces have them."""


def choose_request_id(given: bytes | None) -> str:
    """Return the client's id if it is short and plain enough for logs and headers, else a new one."""
    if given is not None and _SOUND.fullmatch(given):
        return given.decode("ascii")
    return f"req_{secrets.token_hex(12)}"


def note_call(call_id: str) -> None:
    """Note a call of the request that is answered here, if there is one; of very many only the first."""
    calls = calls_of_request.get(None)
    if calls is not None and len(calls) < _MOST_CALLS:
        calls.append(call_id)
