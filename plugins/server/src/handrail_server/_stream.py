"""A streamed answer: released text goes out at once, and a client that leaves ends it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
from handrail import Blocked, RailFailed

from handrail_server._answers import finish_reason, guardrails_fields, refusal
from handrail_server._errors import ApiError, api_error, rail_error
from handrail_server._feed import Feed
from handrail_server._sse import DONE, HEADERS, KEEP_ALIVE, ChunkWriter, event
from handrail_server._trace import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handrail import Event
    from starlette.types import Receive, Send

    from handrail_server._answers import Heading
    from handrail_server._configs import Loaded
    from handrail_server._policy import Wanted
    from handrail_server._services import Services, Thread

_TRACE_SECONDS = 0.1


class StreamedAnswer:
    """One answer on its way to one client.

    Args:
        services: what is shared.
        wanted: the request.
        loaded: its configuration, in use until the answer has ended.
        options: the options for the rails.
        thread: its thread.
    """

    def __init__(
        self, services: Services, wanted: Wanted, loaded: Loaded, options: Mapping[str, Any], thread: Thread
    ) -> None:
        self._services = services
        self._wanted = wanted
        self._rails = loaded.rails
        self._options = options
        self._thread = thread
        self._heading: Heading = services.heading(wanted, loaded)
        heading = self._heading
        self._write = ChunkWriter(heading.id, heading.created, heading.model, include_usage=wanted.include_usage)
        self._feed = Feed()
        self._trace = Trace(self._feed) if wanted.trace else None
        self._started = time.perf_counter()
        self._has_text = False
        self._last_sent = 0.0

    async def send(self, messages: Sequence[Mapping[str, Any]], receive: Receive, send: Send) -> None:
        """Run the answer and send it.

        Raises:
            ApiError: it failed before anything of it was sent, so that an HTTP status can say so.
        """
        failed: ApiError | None = None
        self._services.metrics.streams.add()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_on_disconnect, receive, tasks.cancel_scope)
                tasks.start_soon(self._feed.fill, self._rails, messages, self._options, self._services.lifecycle)
                tasks.start_soon(self._beat)
                failed = await self._send_all(send)
                tasks.cancel_scope.cancel()
        finally:
            self._services.metrics.streams.add(value=-1)
            self._services.note(self._feed.response)
        if failed is not None:
            raise failed

    async def _send_all(self, send: Send) -> ApiError | None:
        """Send everything; give the error if there is nothing else to send."""
        items = await self._first_items()
        if (error := self._only_an_error(items)) is not None:
            return error
        await self._begin(send, items)
        while not self._feed.ended:
            await self._send_items(send, await self._feed.take())
        rest = b"".join((self._events(await self._feed.take()), await self._end()))
        await send({"type": "http.response.body", "body": rest, "more_body": False})
        return None

    async def _first_items(self) -> Sequence[str | Event]:
        """Wait for the first events; give none if the answer ends without, or when a sign of life is due."""
        items: Sequence[str | Event] = ()
        with anyio.move_on_after(self._services.settings.keep_alive_seconds):
            while not items and not self._feed.ended:
                items = await self._feed.take()
        return items

    def _only_an_error(self, items: Sequence[str | Event]) -> ApiError | None:
        if items and isinstance(items[0], RailFailed):
            return rail_error(items[0])
        if not items and self._feed.error is not None:
            return self._failure(self._feed.error)
        return None

    async def _begin(self, send: Send, items: Sequence[str | Event]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await self._send_body(send, self._write.role() + self._events(items))

    async def _send_items(self, send: Send, items: Sequence[str | Event]) -> None:
        body = self._events(items)
        if not body and not self._feed.ended:
            if time.monotonic() - self._last_sent < self._services.settings.keep_alive_seconds * 0.9:
                return
            body = KEEP_ALIVE
        if body:
            await self._send_body(send, body)

    async def _send_body(self, send: Send, body: bytes) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        self._last_sent = time.monotonic()

    def _events(self, items: Sequence[str | Event]) -> bytes:
        if not self._has_text and any(type(item) is str for item in items):
            self._has_text = True
            self._services.metrics.first_text.observe(time.perf_counter() - self._started)
        body = self._write.items(items)
        if self._trace is not None and (news := self._trace.news()) is not None:
            body += self._write.aside({"trace": news})
        return body

    async def _end(self) -> bytes:
        """Give what ends the stream: why it ended, tokens, and the mark of the protocol."""
        response, error = self._feed.response, self._feed.error
        parts: list[bytes] = []
        if isinstance(response.stop, RailFailed):
            parts.append(event(rail_error(response.stop).body()))
        elif error is not None:
            parts.append(event(self._failure(error).body()))
        else:
            if isinstance(response.stop, Blocked) and not self._has_text:
                parts.append(self._write.text(refusal(response)))
            guardrails = guardrails_fields(self._heading, self._wanted, response)
            parts.append(self._write.finish(finish_reason(response), guardrails))
            if self._wanted.include_usage:
                parts.append(self._write.usage(response.usage))
            await self._thread.save(response)
        return b"".join((*parts, DONE))

    def _failure(self, error: BaseException) -> ApiError:
        shown = api_error(error)
        self._services.metrics.model_failures.add(type(error).__name__)
        return shown

    async def _beat(self) -> None:
        """Wake the sender now and then, so that proxies see life and a trace goes on while text is held."""
        pause = self._services.settings.keep_alive_seconds if self._trace is None else _TRACE_SECONDS
        while True:
            await anyio.sleep(pause)
            self._feed.nudge()


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def run_unless_left(receive: Receive, function: Any) -> Any:
    """Await a function; None if the client leaves before it is done, which cancels it.

    Raises:
        Exception: what the function raises.
    """
    result: Any = None
    error: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_on_disconnect, receive, tasks.cancel_scope)
        try:
            result = await function()
        except Exception as exc:  # noqa: BLE001  # raised below, outside the group, which would wrap it
            error = exc
        tasks.cancel_scope.cancel()
    if error is not None:
        raise error
    return result
