"""A streamed answer: released text goes out at once, and a client that leaves ends it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import anyio
from handrail import Blocked, GenerationResponse, RailFailed

from handrail_server._answers import guardrails_fields, refusal
from handrail_server._beside import Beside, beside, calls_beside, head_of, wire_of, wire_so_far
from handrail_server._errors import ApiError, api_error, rail_error
from handrail_server._reasons import ending
from handrail_server._sse import DONE, HEADERS, KEEP_ALIVE, ChunkWriter, event
from handrail_server._trace import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handrail import Event, GuardedStream
    from starlette.types import Receive, Send

    from handrail_server._answers import Heading
    from handrail_server._configs import Loaded
    from handrail_server._policy import Wanted
    from handrail_server._services import Services, Thread

_TRACE_SECONDS = 0.1
_LAST_SECONDS = 5  # for the end of an answer whose time is up, to a client that may not be reading it


class StreamedAnswer:
    """One answer on its way to one client.

    Args:
        services: what is shared.
        wanted: the request.
        loaded: its configuration, in use until the answer has ended.
        options: the options for the rails.
        thread: its thread.
        send: takes messages of the protocol.
    """

    def __init__(
        self,
        services: Services,
        wanted: Wanted,
        loaded: Loaded,
        options: Mapping[str, Any],
        thread: Thread,
        send: Send,
    ) -> None:
        self._services = services
        self._wanted = wanted
        self._loaded = loaded
        self._rails = loaded.rails
        self._options = options
        self._thread = thread
        self._send = send
        self._sending = anyio.Lock(fast_acquire=True)
        self._heading: Heading = services.heading(wanted, loaded)
        heading = self._heading
        self._write = ChunkWriter(
            heading.id,
            heading.created,
            heading.model,
            include_usage=wanted.include_usage,
            withheld=self._rails.composition.withheld,
        )
        self._stream: GuardedStream | None = None
        self._response: GenerationResponse | None = None
        self._error: BaseException | None = None
        self._trace: Trace | None = None
        self._asked_at = time.time()
        self._started = self._last_sent = time.monotonic()
        self._begun = False
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
                self._beside = await beside(self._rails, messages, self._options, self._summed_up())
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
            stream = self._rails.stream(
                messages=messages, options=self._options, caller=self._services.caller, conversation=self._thread.key
            )
        except Exception as exc:  # noqa: BLE001  # as in `_take`
            self._error = exc
            return
        self._stream = stream
        async with stream:
            while items := await self._take(stream):
                if self._begun or not isinstance(items[0], RailFailed):  # else an HTTP status says so
                    async with self._sending:
                        await self._send_body(self._events(items))

    async def _take(self, stream: GuardedStream) -> Sequence[str | Event]:
        try:
            return await stream.take()
        except Exception as exc:  # noqa: BLE001  # whatever breaks an answer, the client is told in its stream
            self._error = exc
            return ()

    async def _send_body(self, body: bytes, *, more: bool = True) -> None:
        """Send events, after what an answer begins with; only called by whoever has `_sending`."""
        if not self._begun:
            await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            self._begun = True
            body = self._write.role() + body
        if body or not more:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
            self._last_sent = time.monotonic()

    async def _beat(self) -> None:
        """Send signs of life while text is held, so that proxies see some, and what is new to a trace."""
        due_after = self._services.settings.keep_alive_seconds
        pause = _TRACE_SECONDS if self._wanted.trace else due_after
        while True:
            await anyio.sleep(pause)
            async with self._sending:
                news = self._news() if self._begun else b""
                if news or time.monotonic() - self._last_sent >= due_after * 0.9:
                    await self._send_body(news or KEEP_ALIVE)

    def _events(self, items: Sequence[str | Event]) -> bytes:
        if not self._has_text and any(type(item) is str for item in items):
            self._has_text = True
            self._services.metrics.first_text.observe(time.monotonic() - self._started)
        self._learn()
        return self._write.items(items) + self._news()

    def _learn(self) -> None:
        """Let the writer know what the model's server has said by now of the answer that it writes."""
        if self._stream is None or (wire := wire_so_far(self._stream)) is self._wire:
            return
        self._wire = wire
        self._write.learn(head_of(wire), calls_beside(wire, self._rails), refused=bool(wire.get("refusal")))

    def _news(self) -> bytes:
        if not self._wanted.trace or self._stream is None:
            return b""
        reasons = self._services.settings.policy.reasons
        self._trace = self._trace or Trace(self._stream, self._asked_at, reasons=reasons)
        news = self._trace.news()
        return self._write.aside({"trace": news}) if news is not None else b""

    def _only_an_error(self) -> ApiError | None:
        stop = self._summed_up().stop
        if isinstance(stop, RailFailed):
            return rail_error(stop)
        return self._failure(self._error) if self._error is not None else None

    async def _last_events(self) -> bytes:
        """Return what ends the stream: why it ended, tokens, and the mark of the protocol."""
        response, error = self._summed_up(), self._error
        parts = [self._news()]
        if isinstance(response.stop, RailFailed):
            parts.append(event(rail_error(response.stop).body()))
        elif error is not None:
            parts.append(event(self._failure(error).body()))
        else:
            if isinstance(response.stop, Blocked) and not self._has_text:
                parts.append(self._write.text(refusal(response)))
            found, told = self._beside, self._services.told(self._loaded, response)
            guardrails = guardrails_fields(self._heading, self._wanted, told, found.withheld)
            parts.append(self._write.finish(ending(response), guardrails, found))
            if self._wanted.include_usage:
                parts.append(self._write.usage(response.usage, wire_of(response).get("usage")))
            await self._thread.save(response)
        return b"".join((*parts, DONE))

    def _failure(self, error: BaseException) -> ApiError:
        shown = api_error(error)
        self._services.metrics.model_failures.add(type(error).__name__)
        return shown

    def _summed_up(self) -> GenerationResponse:
        """Return what has come of the answer; only asked once it has ended."""
        if self._response is None:
            self._response = self._stream.response if self._stream is not None else GenerationResponse()
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
