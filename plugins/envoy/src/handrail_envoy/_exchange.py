"""One request that passes through Envoy, and its response: the guard of `handrail-hosts` runs between the two.

For the guard, Envoy's upstream is an application: what the guard lets through of a request goes back to Envoy, what
Envoy then sends of the response is what the application answers, and what the guard releases of it goes to the client.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio

from handrail_envoy import _packets as packets
from handrail_envoy._errors import EnvoyError

if TYPE_CHECKING:
    from envoy.service.ext_proc.v3.external_processor_pb2 import HttpHeaders, ProcessingRequest, ProcessingResponse

    from handrail_envoy._packets import Headers, Packet

_AHEAD = 64  # pieces of a body that may wait for the guard; beyond that Envoy waits
_KEPT_OF_ERRORS = (b"retry-after", b"www-authenticate", b"date", b"server")


class Exchange:
    """Guards one request and its response.

    Args:
        guarded: makes of an application one whose requests and responses are judged.
        path: the path by which the guard knows the protocol.
        write: sends a message to Envoy.
    """

    def __init__(
        self, guarded: Callable[[Any], Any], path: str, write: Callable[[ProcessingResponse], Awaitable[None]]
    ) -> None:
        self._app = guarded(self._upstream)
        self._path = path
        self._write = write
        self._request = _Body()
        self._response = _Body()
        self._headers: Headers = []
        self._response_headers: Headers | None = None
        self._has_headers = anyio.Event()
        self._start: Packet | None = None
        self._held = bytearray()
        self._begun = self._ended = False

    async def run(self, first: HttpHeaders) -> None:
        """Judge the request, and the response when it comes.

        Raises:
            Exception: what went wrong; then nothing more of the response may pass.
        """
        self._headers = packets.headers_of(first.headers)
        if first.end_of_stream:
            await self._request.end()
        named = [pair for pair in self._headers if not pair[0].startswith(b":")]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": packets.value_of(self._headers, b":method"),
            "scheme": packets.value_of(self._headers, b":scheme") or "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": packets.value_of(self._headers, b":path").partition("?")[2].encode("latin-1"),
            "root_path": "",
            "headers": named,
            "server": None,
            "client": None,
        }
        try:
            await self._app(scope, self._receive, self._send)
        finally:
            self._request.close()
            self._response.close()
        if not self._ended:
            raise RuntimeError("the guard left the exchange without an end")

    async def take(self, message: ProcessingRequest) -> None:
        """Take what Envoy sends; waits while the guard has too much to judge.

        Raises:
            EnvoyError: Envoy sends what cannot be there.
        """
        match message.WhichOneof("request"):
            case "request_body":
                await self._request.take(message.request_body.body, ends=message.request_body.end_of_stream)
            case "request_trailers":
                await self._request.end()
                self._request.has_trailers = True
            case "response_headers":
                self._response_headers = packets.headers_of(message.response_headers.headers)
                if message.response_headers.end_of_stream:
                    await self._response.end()
                self._has_headers.set()
            case "response_body":
                await self._response.take(message.response_body.body, ends=message.response_body.end_of_stream)
            case "response_trailers":
                self._response.has_trailers = True
                await self._response.end()
            case other:
                raise EnvoyError(f"Envoy sent {other!r}, which is not expected here")

    async def _receive(self) -> Packet:
        return await self._request.packet("http.request")

    async def _upstream(self, _scope: Packet, receive: Any, send: Any) -> None:
        """Be the application behind the guard: hand the request back to Envoy, and read the upstream's response."""
        packet = await receive()
        host = [(b"accept-encoding", b"identity")]  # so that what comes can be judged
        await self._write(packets.request_headers(host, removed=("content-length",)))
        for piece in packets.request_body(packet["body"], ends=not self._request.has_trailers):
            await self._write(piece)
        if self._request.has_trailers:
            await self._write(packets.request_trailers())
        await self._has_headers.wait()
        headers = self._response_headers or []
        status = int(packets.value_of(headers, b":status") or 0)
        if status >= 300:  # a redirection would lead past the guard
            status = status if status >= 400 else 502
            await self._send_error(send, status, "The model could not answer.")
            return
        named = [pair for pair in headers if not pair[0].startswith(b":")]
        await send({"type": "http.response.start", "status": status, "headers": named})
        more = True
        while more:
            packet = await self._response.packet("http.response.body")
            more = packet["more_body"]
            await send(packet)

    async def _send_error(self, send: Any, status: int, words: str) -> None:
        """Answer with a status, and with none of the upstream's words, which nobody has judged."""
        error = {"message": words, "type": "upstream_error", "code": str(status)}
        body = json.dumps({"error": error}).encode()
        kept = [pair for pair in self._response_headers or [] if pair[0] in _KEPT_OF_ERRORS]
        headers = [*kept, (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _send(self, packet: Packet) -> None:
        """Take what the guard lets the client have."""
        if packet["type"] == "http.response.start":
            self._start = packet
            return
        if packet["type"] != "http.response.body" or self._ended:
            return
        body, ends = packet.get("body", b""), not packet.get("more_body", False)
        if self._response_headers is None:
            await self._answer_instead(body, ends=ends)
            return
        if not self._begun:
            self._begun = True
            start = self._start or {}
            await self._write(packets.response_headers(start["status"], self._response_headers, start["headers"]))
        self._ended = ends
        has_trailers = self._response.has_trailers
        for piece in packets.response_body(body, ends=ends and not has_trailers):
            await self._write(piece)
        if ends and has_trailers:
            await self._write(packets.response_trailers())

    async def _answer_instead(self, body: bytes, *, ends: bool) -> None:
        """Answer the client in place of an upstream that was not asked, or has not answered."""
        self._held += body
        if ends:
            self._ended = True
            start = self._start or {}
            await self._write(packets.instead(start["status"], start["headers"], bytes(self._held)))


class _Body:
    """What Envoy sends of one body; all after its end is dropped, for some versions of Envoy send an end twice."""

    def __init__(self) -> None:
        self._send, self._pieces = anyio.create_memory_object_stream[tuple[bytes, bool]](_AHEAD)
        self._ended = False
        self._read = False
        self.has_trailers = False

    async def take(self, body: bytes, *, ends: bool) -> None:
        if self._ended:
            return
        self._ended = ends
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # nobody reads any more
            await self._send.send((body, ends))

    def close(self) -> None:
        self._ended = True
        self._pieces.close()
        self._send.close()

    async def end(self) -> None:
        await self.take(b"", ends=True)

    async def packet(self, kind: str) -> Packet:
        if self._read:
            await anyio.sleep_forever()  # nothing comes after the end; a client that leaves cancels the exchange
        body, ends = await self._pieces.receive()
        self._read = ends
        return {"type": kind, "body": body, "more_body": not ends}
