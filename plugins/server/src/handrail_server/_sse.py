"""Server-sent events, written by hand: a text becomes JSON inside an event, and never the event."""

from __future__ import annotations

import json

import msgspec

_encode = msgspec.json.encode

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": waiting\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


def to_json(value: object) -> bytes:
    """Encode, also text that no UTF-8 can hold, such as half a surrogate pair."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode("ascii")


def event(value: object) -> bytes:
    """Return a value as one event. JSON has no raw line breaks, so nothing in it can end the event."""
    return b"data: %b\n\n" % to_json(value)


def named_event(name: bytes, value: object) -> bytes:
    """Return a value as one event with a name."""
    return b"event: %b\ndata: %b\n\n" % (name, to_json(value))
