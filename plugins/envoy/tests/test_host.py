"""The processor does what every guarded host must, for a program that speaks to it in Envoy's order."""

from __future__ import annotations

import anyio
import pytest
from asgi_host import AsgiHost, ChatWire
from envoy.config.core.v3.base_pb2 import HeaderMap, HeaderValue
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from handrail_envoy._packets import FULL_DUPLEX
from handrail_envoy._routes import Routes
from handrail_envoy._service import Processor
from handrail_testkit import HostConformance

NOTHING_KEPT = "Envoy keeps no conversation"


class AbortedError(Exception):
    """The processor has ended the stream with an error."""


class Context:
    """What a processor writes to, in the place of gRPC's."""

    def __init__(self, write):
        self.write = write

    def invocation_metadata(self):
        return ()

    async def abort(self, code, details):
        raise AbortedError(details)


def behind_envoy(app, rails):
    """Return an application behind a processor with these rails."""
    processor = Processor(Routes({"default": rails}, "default"))

    async def served(scope, receive, send):
        await Envoy(processor, app, scope, send).run(receive)

    return served


class Envoy:
    """Passes one request on as Envoy does with `FULL_DUPLEX_STREAMED`: what comes is told, and nothing waited for."""

    def __init__(self, processor, app, scope, send):
        self.processor, self.app, self.scope, self.send = processor, app, scope, send
        self.tell, self.told = anyio.create_memory_object_stream(1000)
        self.write, self.written = anyio.create_memory_object_stream(1000)
        self.asked, self.status = b"", None
        self.is_broken = False

    async def run(self, receive):
        with self.tell, self.told, self.write, self.written:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._process)
                await self._request(await receive())
                tasks.start_soon(self._watch, receive, tasks.cancel_scope)
                async for message in self.written:
                    if await self._take(message, tasks):
                        break
                else:
                    self.is_broken = True
                tasks.cancel_scope.cancel()
        if self.is_broken and self.status is not None:
            raise ConnectionError("the answer was broken off")
        if self.is_broken:
            await self._answer(500, [], b"")

    async def _process(self):
        try:
            await self.processor.Process(self.told, Context(self.write.send))
        except AbortedError:
            self.write.close()

    async def _watch(self, receive, scope):
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _request(self, packet):
        named = [(":method", "POST"), (":path", self.scope["path"]), ("content-type", "application/json")]
        first = ext_proc.ProcessingRequest(request_headers=headers_of(named))
        first.protocol_config.request_body_mode = first.protocol_config.response_body_mode = FULL_DUPLEX
        await self.tell.send(first)
        for piece, ends in ((packet["body"][:9], False), (packet["body"][9:], False), (b"", True)):
            body = ext_proc.HttpBody(body=piece, end_of_stream=ends)
            await self.tell.send(ext_proc.ProcessingRequest(request_body=body))

    async def _take(self, message, tasks):
        """Take what the processor says; return whether the response has ended."""
        kind = message.WhichOneof("response")
        if kind == "immediate_response":
            given = message.immediate_response
            set_to = [(one.header.key, one.header.raw_value) for one in given.headers.set_headers]
            await self._answer(given.status.code, set_to, given.body)
            return True
        if kind == "request_body":
            part = message.request_body.response.body_mutation.streamed_response
            self.asked += part.body
            if part.end_of_stream:
                tasks.start_soon(self._upstream)
        elif kind == "response_headers":
            await self.send({"type": "http.response.start", "status": self.status, "headers": []})
        elif kind == "response_body":
            part = message.response_body.response.body_mutation.streamed_response
            ends = part.end_of_stream
            await self.send({"type": "http.response.body", "body": part.body, "more_body": not ends})
            return ends
        return False

    async def _answer(self, status, headers, body):
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def _upstream(self):
        """Ask the model's server; where it breaks off, Envoy ends the stream to the processor, too."""
        packets = [{"type": "http.request", "body": self.asked, "more_body": False}]

        async def receive():
            return packets.pop() if packets else await anyio.sleep_forever()

        try:
            await self.app(self.scope, receive, self._answered)
        except Exception:
            self.write.close()

    async def _answered(self, packet):
        if packet["type"] == "http.response.start":
            self.status = packet["status"]
            named = [(name.decode(), value.decode()) for name, value in packet["headers"]]
            told = {"response_headers": headers_of([(":status", str(self.status)), *named])}
        else:
            ends = not packet.get("more_body", False)
            told = {"response_body": ext_proc.HttpBody(body=packet.get("body", b""), end_of_stream=ends)}
        self.tell.send_nowait(ext_proc.ProcessingRequest(**told))  # never cancelled here, where no stream is closed


def headers_of(pairs):
    values = [HeaderValue(key=key, raw_value=value.encode()) for key, value in pairs]
    return ext_proc.HttpHeaders(headers=HeaderMap(headers=values))


@pytest.fixture
def anyio_backend():
    return "asyncio"


class TestChatCompletions(HostConformance):
    expected_failures = {"test_what_the_host_keeps_is_guarded": NOTHING_KEPT}

    @pytest.fixture
    def case(self):
        return AsgiHost(ChatWire(), behind_envoy)
