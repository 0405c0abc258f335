"""One request and its answer: opened, watched by the clock, read within bounds, closed at once."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

import anyio
from handrail.errors import message_of

from handrail_http._bodies import TRANSPORT, pieces_of
from handrail_http._problems import BadParameterError, NotAnEventError
from handrail_http._reports import request_id_of
from handrail_http._sse import LARGEST_EVENT, EventTooLargeError, begins_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    import httpx2
    from handrail import Chunk
    from handrail.errors import ProviderError

    from handrail_http._failures import Failures
    from handrail_http._settings import HTTPSettings

Segments: TypeAlias = AsyncGenerator[bytes, None]
"""The bytes of an answer as they come."""

_LAST_BYTES_SECONDS = 0.05
"""How long to wait for the end of the HTTP body after the end of the answer, so that the connection can be kept."""

_ENOUGH = len(b"\xef\xbb\xbfevent:")
"""How many bytes of a body show that it is an event stream."""


class Exchange:
    """One request, with the time that its whole answer may take, which begins here.

    Args:
        failures: names what goes wrong.
        settings: with `timeout` and `chunk_timeout`.
        url: where it goes.
        protocol: what is spoken there, for messages.

    Attributes:
        address: where it goes, as a person may see it.
        protocol: what is spoken there.
        request_id: the server's id of it, once that is known.
        begun: the server has answered with success, and the answer is being read.
        in_one_piece: its body is one JSON value, and not a stream of events.
    """

    def __init__(self, failures: Failures, settings: HTTPSettings, url: httpx2.URL, *, protocol: str) -> None:
        self.address = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path.rstrip('/')}"
        self.protocol = protocol
        self.request_id: str | None = None
        self.begun = False
        self.in_one_piece = False
        self._failures = failures
        self._timeout = math.inf if settings.timeout is None else settings.timeout
        self._silence = math.inf if settings.chunk_timeout is None else settings.chunk_timeout
        self._deadline = monotonic() + self._timeout

    async def opened(self, sending: Awaitable[httpx2.Response]) -> httpx2.Response:
        """Return the answer once its headers have come.

        Raises:
            BadParameterError: the body cannot be written as JSON.
            ProviderError: it is late.
        """
        response: httpx2.Response | None = None
        with anyio.move_on_after(self._deadline - monotonic()):
            try:
                response = await sending
            except (TypeError, ValueError) as exc:
                raise BadParameterError(f"the request cannot be sent: {type(exc).__name__}: {message_of(exc)}") from exc
        if response is None:
            raise self._late()
        self.begun = True
        self.request_id = request_id_of(response.headers)
        return response

    @asynccontextmanager
    async def body(self, response: httpx2.Response) -> AsyncGenerator[Segments, None]:
        """Yield the bytes of an answer as they come, and give up the request at the end.

        Raises:
            ProviderError: it is a web page; or as the bytes are read: they are late.
        """
        try:
            if media_type(response) == "text/html":
                raise self._failures.web_page(response.status_code, self)
            async with (
                aclosing(pieces_of(response)) as segments,
                aclosing(self._watched(segments)) as watched,
                aclosing(await self._recognized(response, watched)) as recognized,
            ):
                yield recognized
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()

    async def _recognized(self, response: httpx2.Response, segments: Segments) -> Segments:
        """Find out what a body is; some servers say of a stream of events that it is JSON."""
        if not media_type(response).endswith("json"):
            return segments
        first = b""
        while len(first) < _ENOUGH and (segment := await anext(segments, b"")):
            first += segment
        self.in_one_piece = not begins_events(first)
        return _after(first, segments)

    async def whole(self, segments: Segments, *, limit: int = LARGEST_EVENT) -> bytes:
        """Return all bytes of an answer.

        Raises:
            EventTooLargeError: there are more than `limit`.
        """
        body = bytearray()
        async for segment in segments:
            body += segment
            if len(body) > limit:
                raise EventTooLargeError(f"an answer of more than {limit} bytes")
        return bytes(body)

    def answered(self, chunks: Sequence[Chunk], *, finished: bool) -> Sequence[Chunk]:
        """Return the chunks of an answer that came in one piece.

        Args:
            chunks: what it says.
            finished: whether it says why it ended.

        Raises:
            NotAnEventError: it says nothing at all, so that it is no answer.
        """
        if not finished and not any(chunk.text or chunk.reasoning or chunk.tool_calls for chunk in chunks):
            raise NotAnEventError("an answer that says nothing, and not why it ended")
        return chunks

    async def read_out(self, segments: Segments) -> None:
        """Read the end of the HTTP body, so that the connection can be used again; give up soon.

        If the connection breaks there, no answer does.
        """
        with anyio.move_on_after(_LAST_BYTES_SECONDS), suppress(*TRANSPORT):
            async for _ in segments:
                pass

    def broken(self) -> ProviderError:
        """Return the error for an answer that ended before it was complete."""
        return self._failures.broken(self)

    async def _watched(self, segments: Segments) -> Segments:
        """Yield the bytes as they come, until the time for the whole answer is over.

        The connection itself watches over `chunk_timeout`, so as long as there is more time than that in all, nothing
        needs to be done for each segment. Only then is each read given its own deadline, which costs as much as it.
        """
        unhurried = math.inf if self._deadline == math.inf else self._deadline - self._silence
        if monotonic() < unhurried:
            async for segment in segments:
                yield segment
                if monotonic() > unhurried:
                    break
            else:
                return
        while True:
            with anyio.move_on_after(self._deadline - monotonic()) as scope:
                segment = await anext(segments, b"")
            if scope.cancelled_caught:
                raise self._late()
            if not segment:
                return
            yield segment

    def _late(self) -> ProviderError:
        return self._failures.late(self._timeout, self)


async def _after(first: bytes, segments: Segments) -> Segments:
    yield first
    async for segment in segments:
        yield segment


def media_type(response: httpx2.Response) -> str:
    """Return the type of a body without its parameters."""
    value: str = response.headers.get("content-type", "")
    return value.partition(";")[0].strip().lower()
