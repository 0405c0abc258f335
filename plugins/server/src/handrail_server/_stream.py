"""A streamed answer: released text goes out at once, and a client that leaves ends it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import anyio
from handrail import Blocked, GenerationResponse, RailFailed, ReasoningDelta, Retraction

from handrail_server._beside import Beside, beside, calls_beside, wire_so_far
from handrail_server._call_names import CallNames
from handrail_server._errors import ApiError, api_error, block_error, rail_error, retraction_error
from handrail_server._sse import HEADERS
from handrail_server._trace import Trace
from handrail_server._tracing import current_trace_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handrail import Event, GuardedStream
    from starlette.types import Receive, Send

    from handrail_server._asked import Asked

_TRACE_SECONDS = 0.1
_LAST_SECONDS = 5  # for the end of an answer whose time is up, to a client that may not be reading it


class StreamedAnswer:
    """One answer on its way to one client.

    Args:
        asked: the request.
        send: takes messages of the protocol.
    """

    def __init__(self, asked: Asked, send: Send) -> None:
        self._asked = asked
        self._services = asked.services
        self._rails = asked.loaded.rails
        self._send = send
        self._sending = anyio.Lock(fast_acquire=True)
        self._write = asked.writer()
        self._gives_reasoning = "reasoning" not in self._rails.composition.withheld
        self._retracted: Retraction | None = None
        self._stream: GuardedStream | None = None
        self._names: CallNames | None = None
        self._response: GenerationResponse | None = None
        self._error: BaseException | None = None
        self._trace: Trace | None = None
        self._asked_at = time.time()
        self._started = self._last_sent = time.monotonic()
        self._begun = False
        self._opening: bytes | None = None
        self._has_text = False
        self._beside = Beside()
        self._wire: Mapping[str, Any] = {}  # as far as the writer knows it

    async def run(self, messages: Sequence[Mapping[str, Any]], receive: Receive) -> None:
        """Run the answer and send it.

        Raises:
            ApiError: it failed before anything of it was sent, so that an HTTP status can say so.
        """
        failed: ApiError | None = None
        self._services.metrics.streams.add()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_on_disconnect, receive, tasks.cancel_scope)
                tasks.start_soon(self._beat)
                failed = await self._send_all(messages)
                tasks.cancel_scope.cancel()
        finally:
            self._services.metrics.streams.add(value=-1)
            self._services.note(self._summed_up())
        if failed is not None:
            raise failed

    async def _send_all(self, messages: Sequence[Mapping[str, Any]]) -> ApiError | None:
        """Send everything; give the error if there is nothing else to send."""
        with self._services.lifecycle.limited() as limit:
            await self._send_released(messages)
            if self._error is None:
                self._beside = await beside(self._rails, messages, self._asked.options, self._summed_up())
                self._beside.withheld += self._names.withheld if self._names is not None else ()
        self._error = self._error or limit.error
        with anyio.move_on_after(math.inf if limit.error is None else _LAST_SECONDS):  # it may have been the client
            async with self._sending:
                if not self._begun and (failed := self._only_an_error()) is not None:
                    return failed
                await self._send_body(await self._last_events(), more=False)
        return None

    async def _send_released(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Send what the rails release, as they do; whatever breaks the answer becomes its error."""
        try:
            stream = self._rails.stream(messages=messages, **self._asked.call)
        except Exception as exc:  # noqa: BLE001  # as in `_take`
            self._error = exc
            return
        self._stream = stream
        self._names = CallNames(self._rails, messages, self._asked.options)
        async with stream:
            while items := await self._take(stream):
                if self._begun or not self._is_told_by_status(items[0]):
                    async with self._sending:
                        await self._send_body(self._events(items))

    def _is_told_by_status(self, item: str | Event) -> bool:
        """Return whether an HTTP status says this, as long as nothing was sent."""
        is_error = isinstance(item, Blocked) and "error" in self._services.settings.block_as
        return is_error or isinstance(item, RailFailed)

    async def _take(self, stream: GuardedStream) -> Sequence[str | Event]:
        try:
            items = await stream.take()
            return await self._names.passed(items) if self._names is not None else items
        except Exception as exc:  # noqa: BLE001  # whatever breaks an answer, the client is told in its stream
            self._error = exc
            return ()

    async def _send_body(self, body: bytes, *, more: bool = True) -> None:
        """Send events, after what an answer begins with; only called by whoever has `_sending`."""
        if not self._begun:
            await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            self._begun = True
            body = self._open() + body
        if body or not more:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
            self._last_sent = time.monotonic()

    async def _beat(self) -> None:
        """Send signs of life while text is held, so that proxies see some, and what is new to a trace."""
        due_after = self._services.settings.keep_alive_seconds
        pause = _TRACE_SECONDS if self._asked.wanted.trace else due_after
        while True:
            await anyio.sleep(pause)
            async with self._sending:
                news = self._news() if self._begun or self._shows_what_is_held() else b""
                if news or time.monotonic() - self._last_sent >= due_after * 0.9:
                    await self._send_body(news or self._write.keep_alive)

    def _events(self, items: Sequence[str | Event]) -> bytes:
        if not self._has_text and any(type(item) is str for item in items):
            self._has_text = True
            self._services.metrics.first_text.observe(time.monotonic() - self._started, trace_id=current_trace_id())
        self._open()
        return self._write.items([item for item in items if self._is_given(item)]) + self._news()

    def _is_given(self, item: str | Event) -> bool:
        if isinstance(item, Retraction) and (self._retracted is None or item.channel == "text"):
            self._retracted = item  # calls are no part of an answer that was stopped, so its text is what matters
        return self._gives_reasoning or not isinstance(item, ReasoningDelta)

    def _open(self) -> bytes:
        """Return what the answer begins with, once the writer knows what the model's server has said by now."""
        if self._stream is not None and (wire := wire_so_far(self._stream)) is not self._wire:
            self._wire = wire
            self._write.learn(wire, calls_beside(wire, self._rails))
        if self._opening is None:
            self._opening = self._write.begin()
        return self._opening

    def _news(self) -> bytes:
        if not self._asked.wanted.trace or self._stream is None:
            return b""
        reasons = self._services.settings.policy.reasons
        self._trace = self._trace or Trace(self._stream, self._asked_at, reasons=reasons)
        news = self._trace.news()
        return self._write.aside({"trace": news}) if news is not None else b""

    def _shows_what_is_held(self) -> bool:
        """Return whether there is something to show before the first text: for a playground, that text is held."""
        return self._asked.wanted.trace and self._stream is not None and self._stream.held > 0

    def _only_an_error(self) -> ApiError | None:
        """Return the error that is all there is to tell."""
        stop = self._summed_up().stop
        is_error = isinstance(stop, RailFailed) or "error" in self._services.settings.block_as
        if stop is not None and is_error and self._retracted is not None:
            return retraction_error(stop.rail, "the answer")
        if isinstance(stop, RailFailed):
            return rail_error(stop)
        if isinstance(stop, Blocked) and "error" in self._services.settings.block_as:
            return block_error(stop)
        return self._failure(self._error) if self._error is not None else None

    async def _last_events(self) -> bytes:
        """Return what ends the stream: why it ended, tokens, and the mark of the protocol."""
        self._open()
        response, news = self._summed_up(), self._news()
        if (error := self._only_an_error()) is not None:
            return news + self._write.fail(error)
        late = None
        if self._retracted is not None and isinstance(response.stop, Blocked):
            late = retraction_error(response.stop.rail)
        last = self._write.finish(self._asked.ended(response, self._beside, self._retracted), late)
        await self._asked.thread.save(response)
        return news + last

    def _failure(self, error: BaseException) -> ApiError:
        shown = api_error(error)
        self._services.metrics.models.failures.add(type(error).__name__)
        return shown

    def _summed_up(self) -> GenerationResponse:
        """Return what has come of the answer; only asked once it has ended."""
        if self._response is None:
            response = self._stream.response if self._stream is not None else GenerationResponse()
            self._response = self._names.renamed(response) if self._names is not None else response
        return self._response


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
