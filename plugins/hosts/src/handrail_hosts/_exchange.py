"""One guarded response of an ASGI application: what it sends is read, judged, and sent on as rails release it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from handrail import Chunk, HandrailError

from handrail_hosts._pipe import Pipe
from handrail_hosts._sse import DONE, KEEP_ALIVE, EventReader, event
from handrail_hosts._whole import FAILED, Reply, WholeJudge

if TYPE_CHECKING:
    from handrail import Message

    from handrail_hosts._dialects import Dialect
    from handrail_hosts._guard import HostGuard

Packet: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Packet], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[Packet]]
App: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_MOST = 16 * 2**20  # bytes of an answer that is not streamed
_OF_THE_BODY = frozenset(
    {b"content-type", b"content-length", b"content-encoding", b"content-range", b"content-md5", b"content-digest",
     b"repr-digest", b"digest", b"etag", b"last-modified", b"accept-ranges", b"transfer-encoding", b"trailer"}
)  # fmt: skip
_WITHOUT_CONTENT = (204, 205, 304)


class Exchange:
    """Runs an application, and sends what rails release of its answer.

    Args:
        guard: the rails.
        dialect: the protocol of the answer.
        send: takes what goes to the client.
        messages: the conversation, which output rails are told.
        request: further facts of the request for the rails: `tools`, `response_format`.
    """

    def __init__(
        self, guard: HostGuard, dialect: Dialect, send: Send, messages: Sequence[Message], request: dict[str, Any]
    ) -> None:
        self._guard = guard
        self._dialect = dialect
        self._send = send
        self._messages = messages
        self._request = request
        self._sending = anyio.Lock(fast_acquire=True)
        self._pipe: Pipe[bytes] = Pipe()
        self._start: Packet | None = None
        self._mode, self._kind = "", b""
        self._judge = WholeJudge(guard, dialect, messages, request)
        self._whole = bytearray()
        self._complete = self._begun = False
        self._error: BaseException | None = None
        self._tasks: anyio.abc.TaskGroup | None = None

    async def run(self, app: App, scope: MutableMapping[str, Any], receive: Receive) -> None:
        """Run the application to its end, or until rails end its answer.

        Raises:
            Exception: what the application raised.
        """
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                await app(scope, receive, self._take)
            except Exception as error:  # noqa: BLE001  # raised below, once the client was told
                self._error = error
            if self._mode == "stream" and (self._complete or self._error is not None):
                self._pipe.end(self._error)  # of what was complete before, the end was told
            else:
                tasks.cancel_scope.cancel()
        if self._error is not None:
            raise self._error

    async def _take(self, packet: Packet) -> None:
        if packet["type"] == "http.response.start":
            self._begin(packet)
            return
        if packet["type"] != "http.response.body":
            return
        body, more = packet.get("body", b""), packet.get("more_body", False)
        self._complete = not more
        if self._mode == "stream":
            if body:
                await self._pipe.put(body)
            if self._complete:
                self._pipe.end()
        else:
            await self._take_whole(body, more=more)

    def _begin(self, packet: Packet) -> None:
        self._start = packet
        headers = {name.lower(): value for name, value in packet.get("headers", ())}
        self._kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if packet["status"] in _WITHOUT_CONTENT or 300 <= packet["status"] < 400:
            self._mode = "bare"
        elif _is_encoded(headers.get(b"content-encoding", b"")):
            self._mode = "unknown"
        elif packet["status"] >= 400:
            self._mode = "error"
        else:
            self._mode = {b"text/event-stream": "stream", b"application/json": "whole"}.get(self._kind, "unknown")
        if self._mode == "stream" and self._tasks is not None:
            self._tasks.start_soon(self._deliver)

    # A stream

    async def _deliver(self) -> None:
        """Send what is released. Whatever breaks the answer, the client is told in its stream."""
        try:
            stream = self._guard.stream(self._messages, self._chunks, judge_input=False, **self._request)
            async with aclosing(self._guard.items(stream)) as released:
                async for items in released:
                    await self._say(b"".join(map(event, self._dialect.write(items))))
            await self._say(self._end(), more=False)
        except OSError as error:  # the client has gone
            self._error = error
        except Exception as error:  # noqa: BLE001  # raised by `run`, if it is not the guard's own
            self._error = self._error or (None if isinstance(error, HandrailError) else error)
            await self._say(b"".join(map(event, self._dialect.fail(FAILED))) + self._end(), more=False)
        if self._tasks is not None and not self._complete:  # else what runs after the answer may go on
            self._tasks.cancel_scope.cancel()

    def _end(self) -> bytes:
        return f"data: {DONE}\n\n".encode() if self._dialect.has_done else b""

    async def _chunks(self, messages: Sequence[Message]) -> AsyncIterator[Chunk]:  # noqa: ARG002
        reader = EventReader()
        async for body in self._pipe:
            for value in reader.feed(body):
                for chunk in await self._read(value):
                    yield chunk
        for value in reader.finish():
            for chunk in await self._read(value):
                yield chunk

    async def _read(self, value: dict[str, Any] | str) -> Sequence[Chunk]:
        if isinstance(value, str):
            if not value and self._begun:
                await self._say(KEEP_ALIVE)
            return ()
        return self._dialect.chunks(value)

    async def _say(self, body: bytes, *, more: bool = True) -> None:
        async with self._sending:
            if not self._begun and self._start is not None:
                self._begun = True
                await self._send({**self._start, "headers": _headers(self._start, b"text/event-stream; charset=utf-8")})
            if body or not more:
                await self._send({"type": "http.response.body", "body": body, "more_body": more})

    # An answer that is not streamed

    async def _take_whole(self, body: bytes, *, more: bool) -> None:
        if self._mode in ("whole", "error"):
            self._whole += body
        if len(self._whole) > _MOST:
            self._mode = "unknown"
            self._whole.clear()
        if not more:
            await self._reply(await self._judged((self._start or {})["status"], bytes(self._whole)))

    async def _judged(self, status: int, body: bytes) -> Reply:
        if self._mode == "bare":
            return Reply(status)
        if self._mode == "whole":
            return await self._judge.answer(status, body)
        if self._mode == "error":
            return await self._judge.error(status, self._kind, body)
        return self._judge.withheld(status if status >= 400 else 502)

    async def _reply(self, reply: Reply) -> None:
        headers = _headers(self._start or {}, reply.kind)
        if reply.status not in _WITHOUT_CONTENT:
            headers.append((b"content-length", str(len(reply.body)).encode()))
        await self._send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": reply.body, "more_body": False})


def _headers(start: Packet, kind: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer without those that are about the body it had before."""
    kept = [pair for pair in start.get("headers", ()) if pair[0].lower() not in _OF_THE_BODY]
    return [*kept, (b"content-type", kind)] if kind else kept


def _is_encoded(value: bytes) -> bool:
    return value.strip().lower() not in (b"", b"identity")
