"""The gRPC service that Envoy asks, one stream for each request.

A stream must never end well before both bodies are judged, for Envoy then sends on whatever is left of them: it is kept
open until Envoy closes it, or ended with an error.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import anyio
import grpc
import grpc.aio
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as ext_proc_grpc
from handrail.errors import InvalidArgumentError
from handrail_hosts import HostGuard
from handrail_hosts.starlette import GuardMiddleware

from handrail_envoy import _packets as packets
from handrail_envoy._errors import EnvoyError
from handrail_envoy._exchange import Exchange
from handrail_envoy._routes import Routes, UnknownRouteError

if TYPE_CHECKING:
    from handrail import LLMRails

logger = logging.getLogger("handrail.envoy")

_JSON = [(b"content-type", b"application/json")]
_NOT_WHOLE = (
    "Envoy does not send both bodies to the processor alone; set request_body_mode and response_body_mode to "
    "FULL_DUPLEX_STREAMED in the filter, and observability_mode to false"
)


class Processor(ext_proc_grpc.ExternalProcessorServicer):  # type: ignore[misc]  # it has no types
    """Judges what passes through Envoy.

    Args:
        routes: which rails judge what.
    """

    def __init__(self, routes: Routes) -> None:
        InvalidArgumentError.unless(isinstance(routes, Routes), "routes", routes, "Routes")
        self._routes = routes
        self._guards: dict[int, HostGuard] = {id(rails): HostGuard(rails) for rails in routes.rails.values()}

    async def Process(  # noqa: N802  # the protocol's name
        self, request_iterator: AsyncIterator[ext_proc.ProcessingRequest], context: Any
    ) -> None:
        """Judge one request and its response."""
        stream = _Stream(request_iterator, context)
        try:
            await self._process(stream)
        except Exception as exc:  # noqa: BLE001  # told to Envoy, which lets nothing more pass
            for error in _words(exc):
                logger.error("an exchange was ended: %s", error)  # noqa: TRY400  # a traceback may quote what was said
            await context.abort(grpc.StatusCode.INTERNAL, "the exchange could not be judged")

    async def _process(self, stream: _Stream) -> None:
        first = await stream.first()
        headers = packets.headers_of(first.request_headers.headers)
        method, target = (packets.value_of(headers, name) for name in (b":method", b":path"))
        try:
            path = self._routes.path_of(method, target)
            rails = None if path is None else self._routes.rails_of(first, stream.metadata())
        except UnknownRouteError as exc:
            error = {"error": {"message": str(exc), "type": "invalid_request_error", "code": "not_guarded"}}
            await stream.write(packets.instead(403, _JSON, json.dumps(error).encode()))
            await stream.drain()
            return
        if path is None or rails is None:
            await stream.echo(first)
            return
        if not packets.is_judged_whole(first, assumed=self._routes.assumes_full_duplex):
            raise EnvoyError(_NOT_WHOLE)
        await self._judge(stream, first, path, rails)

    async def _judge(self, stream: _Stream, first: ext_proc.ProcessingRequest, path: str, rails: LLMRails) -> None:
        guard = self._guards[id(rails)]
        exchange = Exchange(lambda app: GuardMiddleware(app, guard), path, stream.write)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.run, first.request_headers)
            async for message in stream.messages():
                await exchange.take(message)
            tasks.cancel_scope.cancel()  # Envoy has closed the stream: the client has the response, or has gone


class _Stream:
    """The messages of one exchange with Envoy."""

    def __init__(self, requests: AsyncIterator[ext_proc.ProcessingRequest], context: Any) -> None:
        self._requests = aiter(requests)
        self._context = context
        self._writing = anyio.Lock()

    def metadata(self) -> list[tuple[str, str | bytes]]:
        """Return what Envoy's configuration says of the stream."""
        return list(self._context.invocation_metadata() or ())

    async def first(self) -> ext_proc.ProcessingRequest:
        """Wait for the first message, which has the headers of the request.

        Raises:
            EnvoyError: it has something else.
        """
        async for message in self._requests:
            if message.WhichOneof("request") != "request_headers":
                raise EnvoyError("Envoy does not send the headers of the request; set request_header_mode to SEND")
            return message
        raise EnvoyError("Envoy closed a stream on which it had sent nothing")

    async def messages(self) -> AsyncIterator[ext_proc.ProcessingRequest]:
        """Yield what Envoy sends, until it closes the stream."""
        async for message in self._requests:
            yield message

    async def write(self, message: ext_proc.ProcessingResponse) -> None:
        """Send a message to Envoy."""
        async with self._writing:
            await self._context.write(message)

    async def drain(self) -> None:
        """Wait until Envoy closes the stream."""
        async for _ in self._requests:
            pass

    async def echo(self, message: ext_proc.ProcessingRequest | None) -> None:
        """Let everything pass as it is."""
        while message is not None:
            for answer in packets.unchanged(message):
                await self.write(answer)
            message = await anext(self._requests, None)


def _words(error: BaseException) -> list[str]:
    """Return what may be logged of an error: its kind, and its words where they are our own."""
    if isinstance(error, BaseExceptionGroup):
        return [text for one in error.exceptions for text in _words(one)]
    return [f"{error}" if isinstance(error, EnvoyError) else type(error).__name__]
