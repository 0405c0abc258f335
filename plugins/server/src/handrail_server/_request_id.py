"""The id of a request: the client's own where it sent a sound one, else a new one."""

from __future__ import annotations

import re
import secrets

_SOUND = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


def choose_request_id(given: bytes | None) -> str:
    """Return the client's id if it is short and plain enough for logs and headers, else a new one."""
    if given is not None and _SOUND.fullmatch(given):
        return given.decode("ascii")
    return f"req_{secrets.token_hex(12)}"
