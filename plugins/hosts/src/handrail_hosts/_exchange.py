"""One guarded response of an ASGI application: what it sends is read, judged, and sent on as rails release it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from handrail import Blocked, Finished, HandrailError

from handrail_hosts._dialects import ModelError
from handrail_hosts._feed import Feed
from handrail_hosts._sse import DONE, KEEP_ALIVE, event
from handrail_hosts._whole import Reply, WholeJudge, told_of

if TYPE_CHECKING:
    from handrail import Event, Message

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

    Events are judged where the application sends them, and what is cleared at once goes out there. What is cleared
    while the application says nothing is sent by a task of its own, which runs only behind rails that take their time.

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
        self._dialect = dialect
        self._send = send
        self._judge = WholeJudge(guard, dialect, messages, request)
        self._feed = Feed(guard, dialect, messages, request, self._tell)
        self._sending = anyio.Lock(fast_acquire=True)
        self._start: Packet | None = None
        self._mode, self._kind = "", b""
        self._whole = bytearray()
        self._complete = self._begun = self._over = self._is_gone = False
        self._error: Exception | None = None
        self._tasks: anyio.abc.TaskGroup | None = None
        self._pushing = anyio.CancelScope()

    async def run(self, app: App, scope: MutableMapping[str, Any], receive: Receive) -> None:
        """Run the application to its end, or until rails end its answer.

        Raises:
            Exception: what the application raised.
        """
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                try:
                    await app(scope, self._hearing(receive), self._take)
                except Exception as error:  # noqa: BLE001  # raised below, once the client was told
                    self._error = error
                    if self._mode == "stream":
                        await self._finish(error)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._feed.aclose()
        if self._error is not None:
            raise self._error

    async def _take(self, packet: Packet) -> None:
        if packet["type"] == "http.response.start":
            self._begin(packet)
            if self._mode == "stream":
                await self._put(b"", more=True)  # the client need not wait for what is not cleared yet
            return
        if packet["type"] != "http.response.body":
            return
        body, more = packet.get("body", b""), packet.get("more_body", False)
        self._complete = not more
        if self._mode != "stream":
            await self._take_whole(body, more=more)
            return
        if body and not self._over and not self._feed.hold(body):
            await (self._push_whole if self._feed.has_waiter else self._push)(body)
        if self._complete:
            await self._finish()

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

    # A stream

    def _hearing(self, receive: Receive) -> Receive:
        """Return a `receive` by which the exchange learns, too, that the client has gone."""

        async def heard() -> Packet:
            packet = await receive()
            if packet["type"] == "http.disconnect":
                self._over = True
                self._pushing.cancel()
            return packet

        return heard

    async def _watch(self) -> None:
        """End the wait for rails once the exchange is cancelled, from which that wait is shielded."""
        try:
            await anyio.sleep_forever()
        finally:
            self._pushing.cancel()

    async def _push_whole(self, body: bytes) -> None:
        """Judge what the application sends, to the end also if another task ends the answer meanwhile."""
        with anyio.CancelScope(shield=True) as self._pushing:  # see `_leave`
            await self._push(body)

    async def _push(self, body: bytes) -> None:
        """Judge what the application sends. Whatever breaks the answer, the client is told in its stream."""
        try:
            await self._feed.push(body)
            if self._feed.is_alive and self._begun:
                await self._say(KEEP_ALIVE)
        except ModelError as error:  # what it said before is the reader's, once it is judged
            await self._finish(error)
        except Exception as error:  # noqa: BLE001  # raised by `run`, if it is not the guard's own
            await self._fail(error)
        if self._feed.must_wait and self._tasks is not None:
            self._tasks.start_soon(self._tell_later)
            self._tasks.start_soon(self._watch)

    async def _tell_later(self) -> None:
        """Send what is cleared while the application says nothing."""
        try:
            await self._feed.tell_later()
        except Exception as error:  # noqa: BLE001  # as above
            await self._fail(error)

    async def _finish(self, error: Exception | None = None) -> None:
        """Wait for the last checks, send what they clear, and end the answer."""
        try:
            if not self._over:
                await self._feed.finish(error)
                await (self._end() if error is None else self._fail(error))
        except Exception as failed:  # noqa: BLE001  # as above
            await self._fail(failed)

    async def _tell(self, items: Sequence[str | Event]) -> None:
        if items:
            ends = isinstance(items[-1], Blocked | Finished)
            await (self._end if ends else self._say)(self._dialect.sent(items))

    async def _fail(self, error: Exception) -> None:
        if not isinstance(error, HandrailError):
            self._error = self._error or error
        if not self._is_gone:
            await self._end(b"".join(map(event, self._dialect.fail(told_of(error)))))
        self._over = True
        self._leave()

    async def _end(self, last: bytes = b"") -> None:
        if self._over:
            return
        self._over = True
        done = f"data: {DONE}\n\n".encode() if self._dialect.has_done else b""
        await self._say(last + done, more=False)
        self._leave()

    def _leave(self) -> None:
        """Stop the application, if it is not done; what runs after its answer may go on.

        It is stopped in an `await` of its own, so that what it streams is closed in good order.
        """
        self._pushing.cancel()
        if self._tasks is not None and not self._complete:
            self._tasks.cancel_scope.cancel()

    def _say(self, body: bytes, *, more: bool = True) -> Awaitable[None]:
        """Return what sends a piece: as it is while one task sends, else in turn."""
        return self._put_in_turn(body, more=more) if self._feed.has_waiter else self._put(body, more=more)

    async def _put_in_turn(self, body: bytes, *, more: bool) -> None:
        async with self._sending:
            await self._put(body, more=more)

    async def _put(self, body: bytes, *, more: bool) -> None:
        try:
            if not self._begun and self._start is not None:
                self._begun = True
                headers = _headers(self._start, b"text/event-stream; charset=utf-8")
                await self._send({**self._start, "headers": headers})
            if body or not more:
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except OSError:  # the client has gone; the application is stopped where it waits for its model
            self._is_gone = True
            raise

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
