"""The little of HTTP/1.1 that the protocol server needs: reading requests, writing parts of responses."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail_testkit.replies import Framing

_LARGEST_BODY = 64 * 1024 * 1024


@dataclass(slots=True)
class Received:
    """A request that the server got.

    Attributes:
        method, path: of the request line; the path includes the query.
        headers: names in lower case.
        body: as it came.
        closed: set when the client has closed the connection while the reply was under way.
        finished: set when the reply has been dealt with, be it sent or abandoned.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    closed: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def key(self) -> str | None:
        """The key that the client sent, as a bearer token or in Azure's header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else self.headers.get("api-key")

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to use the connection again."""
        return self.headers.get("connection", "").lower() != "close"


async def read_request(reader: asyncio.StreamReader, already: bytes = b"") -> Received | None:
    """Read one request; None when the client has closed the connection instead.

    Args:
        reader: the connection.
        already: what was read of it before.
    """
    try:
        head = already + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = request_line.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    length = int(headers.get("content-length", "0"))
    if length > _LARGEST_BODY:
        raise ValueError(f"a request of {length} bytes")
    body = await reader.readexactly(length) if length else b""
    return Received(method, path, headers, body)


def head(status: int, headers: Mapping[str, str], framing: Framing, length: int) -> bytes:
    """Return the status line and headers of a response."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    fields = {name.lower(): value for name, value in headers.items()}
    if framing == "chunked":
        fields["transfer-encoding"] = "chunked"
    elif framing == "length":
        fields["content-length"] = str(length)
    else:
        fields["connection"] = "close"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def framed(piece: bytes, framing: Framing) -> bytes:
    """Return one piece of a body as it goes over the wire."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if framing == "chunked" else piece


def end(framing: Framing) -> bytes:
    """Return what marks the end of a body."""
    return b"0\r\n\r\n" if framing == "chunked" else b""
