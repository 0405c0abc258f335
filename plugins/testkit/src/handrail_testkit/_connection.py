"""One connection to the protocol server: requests in, replies out, and noticing that the client has gone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from handrail_testkit._completions import Completion
from handrail_testkit._http import Received, end, framed, head, read_request
from handrail_testkit._serving import serve_model
from handrail_testkit.replies import Ending, Pause, Reply, Step, json_reply, sse, stream

if TYPE_CHECKING:
    from handrail_testkit._server import ProtocolServer


class Connection:
    """Serves one connection until either side closes it."""

    def __init__(self, server: ProtocolServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._read_ahead = b""

    async def run(self) -> None:
        """Answer requests, one after the other."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                while (request := await self._next_request()) is not None:
                    if not await self._handle(request):
                        break
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()
        finally:
            self._writer.transport.abort()

    async def _handle(self, request: Received) -> bool:
        self._server.requests.append(request)
        self._server.note_change()
        try:
            return await self._answer(request)
        finally:
            request.finished.set()
            self._server.note_change()

    async def send(self, data: bytes) -> None:
        """Write to the client, no faster than it reads."""
        self._writer.write(data)
        await self._writer.drain()

    async def _next_request(self) -> Received | None:
        already, self._read_ahead = self._read_ahead, b""
        return await read_request(self._reader, already)

    async def _answer(self, request: Received) -> bool:
        """Reply; False if the connection is of no further use. Stops as soon as the client is gone."""
        reply = asyncio.ensure_future(self._reply(request))
        watch = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait((reply, watch), return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and not reply.done():
                if self._gone(watch):
                    request.closed.set()
                    return False
                self._read_ahead = watch.result()
            return await reply and request.keeps_alive
        except ConnectionError:  # the client was gone while something was being written
            request.closed.set()
            raise
        finally:
            await self._settle(reply, watch)

    async def _settle(self, reply: asyncio.Future[bool], watch: asyncio.Future[bytes]) -> None:
        if not reply.done():
            reply.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await reply
        if watch.done():
            self._read_ahead = b"" if self._gone(watch) else watch.result()
            return
        watch.cancel()
        with suppress(asyncio.CancelledError):
            self._read_ahead = await watch

    @staticmethod
    def _gone(watch: asyncio.Future[bytes]) -> bool:
        return watch.exception() is not None or watch.result() == b""

    async def _reply(self, request: Received) -> bool:
        answer = self._server.answer_to(request)
        if isinstance(answer, Completion):
            answer = _as_reply(answer, request)
        if isinstance(answer, Reply):
            return await self._play(answer)
        return await serve_model(answer, request, self.send)

    async def _play(self, reply: Reply) -> bool:
        if not await self._wait(reply.before_headers):
            return False
        pieces = [step for step in reply.steps if isinstance(step, bytes)]
        headers = {"x-request-id": f"req_{len(self._server.requests)}", **reply.headers}
        await self.send(head(reply.status, headers, reply.framing, sum(map(len, pieces))))
        burst = bytearray()
        for step in reply.steps:
            if isinstance(step, bytes):
                burst += framed(step, reply.framing)
            if not reply.burst or not isinstance(step, bytes):
                await self._flush(burst)
            if not isinstance(step, bytes) and not await self._wait(step):
                return False
        burst += end(reply.framing)
        await self._flush(burst)
        return reply.framing != "close"

    async def _flush(self, burst: bytearray) -> None:
        if burst:
            await self.send(bytes(burst))
            burst.clear()

    async def _wait(self, step: Step | None) -> bool:
        """Take a step that sends nothing; False if the reply ends with it."""
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
        elif step is Ending.HANG:
            await asyncio.get_running_loop().create_future()
        elif step is Ending.RESET:
            self._writer.transport.abort()
        return not isinstance(step, Ending)


def _as_reply(completion: Completion, request: Received) -> Reply:
    body = request.json
    if not body.get("stream"):
        return json_reply(completion.whole(body["model"]))
    include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return sse(stream(completion, body["model"], include_usage=include_usage))
