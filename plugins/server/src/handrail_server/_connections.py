"""The connections of this process: what may wait, how long, and how many there may be.

Starlette and uvicorn bound what a request may do once its head has come. What comes before it, and what is left after
it, is bounded here: a client that sends nothing, or half a line, or that does not read the end of its answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from handrail_server._upgrades import Parser

if TYPE_CHECKING:
    from handrail_server._metrics import Metrics
    from handrail_server._settings import Limits

_FOR_THE_REST = 32  # descriptors that a process needs beside those of its connections
_FALLBACK = 10_000  # where the system tells no limit


class Closable(Protocol):
    """A connection, as far as it is looked after here."""

    def abort(self) -> None:
        """Close it at once, with whatever it still has to send."""
        ...

    def is_closing(self) -> bool:
        """Return whether it is only waiting for its end."""
        ...


class Connections:
    """Knows which connections wait, and closes those that have waited too long, or are too many.

    Args:
        limits: how long and how many.
        metrics: counts them.
        clock: returns seconds.
    """

    def __init__(self, limits: Limits, metrics: Metrics, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.head_bytes = limits.head_bytes
        self._head_seconds = limits.head_seconds
        self._idle_seconds = limits.idle_seconds
        self._most = limits.connections or most_connections()
        self._metrics = metrics
        self._clock = clock
        self._waiting: dict[Closable, tuple[float, str]] = {}  # until when, and for which limit; oldest first
        self._busy: set[Closable] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._busy)

    def opened(self, connection: Closable) -> None:
        """Note a connection that is new, and make room for it if there are too many."""
        self._metrics.connections.add()
        if len(self) >= self._most:
            self._drop(next(iter(self._waiting), connection), "connections")
        self._waiting[connection] = self._clock() + self._head_seconds, "head_seconds"

    def begins(self, connection: Closable) -> None:
        """Note that the next request of a connection has begun to come."""
        self._wait(connection, self._head_seconds, "head_seconds")

    def busy(self, connection: Closable) -> None:
        """Note that a connection has a request, whose time others bound."""
        self._waiting.pop(connection, None)
        self._busy.add(connection)

    def idle(self, connection: Closable) -> None:
        """Note that a connection has its answer and waits for its next request."""
        self._wait(connection, self._idle_seconds, "idle_seconds")

    def ends(self, connection: Closable) -> None:
        """Note that a connection is closed from here, and only has to send what is left."""
        self._wait(connection, self._head_seconds, "unread")

    def closed(self, connection: Closable) -> None:
        """Forget a connection."""
        self._metrics.connections.add(value=-1)
        self._forget(connection)

    def drop_late(self) -> None:
        """Close the connections whose time is up; called often."""
        now = self._clock()
        for connection in [connection for connection in self._busy if connection.is_closing()]:
            self.ends(connection)
        for connection, (until, limit) in list(self._waiting.items()):
            if until <= now:
                self._drop(connection, limit)

    def _wait(self, connection: Closable, seconds: float, limit: str) -> None:
        self._forget(connection)
        self._waiting[connection] = self._clock() + seconds, limit

    def _drop(self, connection: Closable, limit: str) -> None:
        self._forget(connection)
        self._metrics.dropped.add(limit)
        connection.abort()

    def _forget(self, connection: Closable) -> None:
        self._waiting.pop(connection, None)
        self._busy.discard(connection)


def most_connections() -> int:
    """Return how many connections a process can have: some descriptors are left for models, stores and files."""
    try:
        import resource
    except ImportError:  # not on this system
        return _FALLBACK
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _FALLBACK
    return max(soft - max(_FOR_THE_REST, soft // 4), 1)


class _UntilTheEnd(int):
    """The length of a body that ends with its connection: uvicorn counts down from it, and it is never used up."""

    def __lt__(self, other: object) -> bool:
        return False

    def __sub__(self, other: object) -> _UntilTheEnd:
        return self


class Http(HttpToolsProtocol):
    """uvicorn's protocol, with the limits of `Connections`."""

    _shared: Connections
    _has_begun = True  # a request has begun to come, or is due since the connection was made
    _in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin."""
        super().connection_made(transport)
        self.parser = Parser(self)  # type: ignore[assignment]  # it has what is used of one
        self._shared = self.app_state["handrail.connections"]
        self._shared.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._shared.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        if self.transport.is_closing():  # what comes after an error is not read
            return
        if not self._has_begun and not self._is_busy():
            self._shared.begins(self)
            self._has_begun = True
        super().data_received(data)
        if self._is_busy():
            self._shared.busy(self)
        elif self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self._shared.head_bytes:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those that follow a body in chunks are left out, because nothing bounds them."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._in_head = False
        super().on_headers_complete()
        if self.parser.get_http_version() == "1.0":  # whose clients know no chunks
            self.cycle.chunked_encoding = False
            self.cycle.expected_content_length = _UntilTheEnd()

    def on_message_complete(self) -> None:
        """Take the end of a request; of one that asks for another protocol, the body is still to come."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or answer the one that has come already."""
        super().on_response_complete()
        self._has_begun = False
        if self.transport.is_closing():
            self._shared.ends(self)
        elif not self._is_busy():
            self._shared.idle(self)

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def is_closing(self) -> bool:
        """Return whether the connection only waits for its end."""
        return self.transport.is_closing()

    def _is_busy(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _refuse_head(self) -> None:
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
        self.transport.close()
        self._shared.ends(self)
