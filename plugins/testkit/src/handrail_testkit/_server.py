"""A server that speaks OpenAI's Chat Completions exactly, or wrongly in a way that a test asks for.

It runs on an event loop of its own in a thread, so that tests may run on any event loop, or on none.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from handrail_testkit._completions import Completion
from handrail_testkit._connection import Connection
from handrail_testkit._refusing import refusal

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from types import TracebackType

    from handrail import Provider

    from handrail_testkit._http import Received
    from handrail_testkit.replies import Reply


class ProtocolServer:
    """A server at `base_url`, from entering the context to leaving it.

    A request to `POST .../chat/completions` or `.../embeddings` takes the next answer of the queue that `will` fills;
    when the queue is empty, the provider answers that `models` has for the request's model, and where it has none,
    `default`.

    Attributes:
        requests: every request received, in order; `models` listings included.
        connections: how many connections clients have opened.
        default: the answer when nothing else is set.
        key: if set, other keys are refused with status 401.
        models: if not empty, other models are refused with status 404. A provider among them answers as it would
            in a configuration: a scripted one brings its pace, its errors and its hangs.
    """

    def __init__(
        self,
        *,
        models: Mapping[str, Provider | None] | None = None,
        key: str | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.default: Completion | Reply = Completion()
        self.requests: list[Received] = []
        self.connections = 0
        self.key = key
        self.models = dict(models or {})
        self._tls = tls
        self._host = host
        self._port = port
        self._queue: deque[Completion | Reply] = deque()
        self._changed = threading.Condition()
        self._started: Future[int] = Future()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="protocol server", daemon=True)

    @property
    def origin(self) -> str:
        """The server's address without a path."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        """What a configuration writes as `base_url`."""
        return f"{self.origin}/v1"

    @property
    def active(self) -> int:
        """How many replies are under way."""
        return sum(not request.finished.is_set() for request in self.requests)

    def will(self, *answers: Completion | Reply) -> None:
        """Answer the next requests with these, one each, in this order."""
        self._queue.extend(answers)

    def answer_to(self, request: Received) -> Completion | Reply | Provider:
        """Return the answer to a request that has just come in. A server of another protocol has its own."""
        return refusal(request, key=self.key, models=self.models) or self.next_answer(request.json["model"])

    def next_answer(self, model: str) -> Completion | Reply | Provider:
        """Take the answer to a request that has just come in."""
        if self._queue:
            return self._queue.popleft()
        return self.models.get(model) or self.default

    def wait_idle(self, timeout: float = 30) -> bool:
        """Block until no reply is under way; False if one still is after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.active, timeout)

    def wait_for_requests(self, count: int, timeout: float = 30) -> bool:
        """Block until so many requests have come in all; False if they have not after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= count, timeout)

    def note_change(self) -> None:
        """Wake whoever waits for requests to come or replies to end."""
        with self._changed:
            self._changed.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        self._port = self._started.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:
            if self._started.done():
                raise
            self._started.set_exception(exc)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, self._host, self._port, ssl=self._tls, backlog=1024)
        self._started.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        for listener in server.sockets:
            self._loop.remove_reader(listener)
        for _ in range(3):  # what was accepted just now must reach `_accept`, or nobody closes it
            await asyncio.sleep(0)
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # sockets are closed by callbacks of the loop

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.CancelledError):  # the server ends; asyncio before 3.12 would log it as a failure
            await Connection(self, reader, writer).run()
