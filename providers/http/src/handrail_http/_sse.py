"""Splits the bytes of an event stream into the data of its events, wherever the bytes are cut."""

from __future__ import annotations

import json
import re

from handrail_http._problems import NotAnEventError
from handrail_http._values import json_object

LARGEST_EVENT = 16 * 1024 * 1024
"""In bytes. What is longer is not an event of this protocol, and would fill the memory."""

_JSON = re.compile(rb"\s*(?:\[\s*)?\{")
_SIGN_OF_LIFE = re.compile(rb"(?:.*\n)*?event: ?(?:ping|pong|heartbeat|keep[-_]?alive)\s*(?:\n|$)", re.IGNORECASE)
_READ_WHOLE = frozenset((b"erro", b"hear", b"keep", b"ping", b"pong"))  # what names begin with that change an event
_ERROR = re.compile(rb"(?:.*\n)*?event: ?error\s*(?:\n|$)")
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")


class EventTooLargeError(ValueError):
    """The server sends an event without end."""


class EventSplitter:
    """Takes the bytes of one stream, returns the data of each complete event.

    Events end at a blank line; lines end in LF, CRLF or CR. Comments and other fields are dropped, several
    `data` lines are joined by LF, and what has no `data`, or is named as a sign of life, is no event; but an object
    of JSON is data without its name: servers that fail write their error so. The time is linear in the bytes however
    they are cut.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scanned = 0
        self._after_cr = False
        self._started = False

    def feed(self, segment: bytes) -> list[bytes]:
        """Take the next bytes.

        Raises:
            EventTooLargeError: an event is longer than `LARGEST_EVENT`.
        """
        return data_of(self.block(segment))

    def block(self, segment: bytes) -> bytes:
        """Take the next bytes, and return the events that are complete now, for `data_of`; their lines end in LF.

        Raises:
            EventTooLargeError: an event is longer than `LARGEST_EVENT`.
        """
        if not self._started:
            segment = self._without_mark(segment)
        if self._after_cr or b"\r" in segment:
            segment = self._with_line_feeds(segment)
        pending = self._pending
        if not pending and segment.endswith(b"\n\n"):
            return segment
        pending += segment
        end = pending.rfind(b"\n\n", max(self._scanned - 1, 0))
        if end < 0:
            self._scanned = len(pending)
            if len(pending) > LARGEST_EVENT:
                raise EventTooLargeError(f"an event of more than {LARGEST_EVENT} bytes")
            return b""
        complete = bytes(pending[: end + 2])
        del pending[: end + 2]
        self._scanned = len(pending)
        return complete

    def rest(self) -> bytes:
        """Return the last event, for `data_of`, of a body that ended without the blank line after it.

        One that does not have all its JSON was cut, and is none.
        """
        event = bytes(self._pending).strip(b"\n") + b"\n\n"
        self._pending.clear()
        data = data_of(event)
        try:
            return event if data and json_object(data[0]) else b""
        except NotAnEventError:
            return b""

    def _without_mark(self, segment: bytes) -> bytes:
        """Drop a byte order mark at the beginning; it is three bytes long and may come in parts."""
        self._pending += segment
        if b"\xef\xbb\xbf".startswith(self._pending):
            whole = len(self._pending) == 3  # the mark's length
            self._started = whole
            if whole:
                self._pending.clear()
            return b""
        self._started = True
        segment = bytes(self._pending).removeprefix(b"\xef\xbb\xbf")
        self._pending.clear()
        return segment

    def _with_line_feeds(self, segment: bytes) -> bytes:
        """Turn every end of a line into LF; CR and LF may come in two segments."""
        if self._after_cr and segment.startswith(b"\n"):
            segment = segment[1:]
            self._after_cr = False
        if segment:
            self._after_cr = segment.endswith(b"\r")
        return segment.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def begins_events(segment: bytes) -> bool:
    """Return whether a body that begins so is an event stream, whatever its type is said to be."""
    return segment.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_FIELDS)


def data_of(block: bytes) -> list[bytes]:
    """Return the data of complete events, the last of which ends with a blank line."""
    if block.startswith(b"data: "):
        events = block[6:-2].split(b"\n\ndata: ")
        if block.count(b"\n") == 2 * len(events):  # each of them is one line, as everybody writes them
            return events
    found = []
    for event in block.split(b"\n\n"):
        if event.startswith(b"data: ") and b"\n" not in event:
            found.append(event[6:])
        elif event.startswith(b"event: ") and (plain := _named(event)):
            found.append(plain)
        elif event and (data := _joined(event)) is not None:
            found.append(data)
    return found


def _named(event: bytes) -> bytes:
    """Return the data of an event of two lines, its name and its data; none of any other, which `_joined` reads."""
    name, _, rest = event.partition(b"\ndata: ")
    usual = rest and b"\n" not in rest and b"\n" not in name and name[7:11].lower() not in _READ_WHOLE
    return rest if usual else b""


def _joined(event: bytes) -> bytes | None:
    if _SIGN_OF_LIFE.match(event):
        return None
    lines = [_value(line) for line in event.split(b"\n") if line == b"data" or line.startswith(b"data:")]
    if not lines and _JSON.match(event):
        return event
    data = b"\n".join(lines)
    return (_as_error(data) if _ERROR.match(event) else data) if lines else None


def _as_error(data: bytes) -> bytes:
    """Return an error as an object, which says so itself; some servers say it in the name of the event alone."""
    try:
        said: object = json_object(data)
    except NotAnEventError:
        said = data.decode("utf-8", "replace")
    if isinstance(said, dict) and ("error" in said or said.get("type") == "error"):
        return data
    return json.dumps({"error": said or "no reason given"}).encode()


def _value(line: bytes) -> bytes:
    return line[5:].removeprefix(b" ")
