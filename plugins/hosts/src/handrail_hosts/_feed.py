"""A stream of events that is pushed in as it comes: decoded, judged, and told as rails release it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anyio
from handrail import RailFailed, TextDelta

from handrail_hosts._errors import GuardFailedError
from handrail_hosts._repeats import Repeats
from handrail_hosts._sse import EventReader

if TYPE_CHECKING:
    from handrail import Event, FedStream, Message

    from handrail_hosts._dialects import Dialect
    from handrail_hosts._guard import HostGuard


class Feed:
    """One guarded answer.

    Args:
        guard: the rails.
        dialect: the protocol of the answer.
        messages: the conversation, which output rails are told.
        request: further facts of the request for the rails.
        tell: takes what is released together.

    Attributes:
        has_waiter: whether a task tells what is cleared without another push.
        is_alive: whether the last body that was pushed had a sign of life, which goes to the client as one.
    """

    def __init__(
        self,
        guard: HostGuard,
        dialect: Dialect,
        messages: Sequence[Message],
        request: Mapping[str, Any],
        tell: Callable[[Sequence[str | Event]], Awaitable[None]],
    ) -> None:
        self._guard = guard
        self._dialect = dialect
        self._about = messages, request
        self._tell = tell
        self._reader = EventReader()
        self._repeats = Repeats(dialect)
        self._text: str | None = None  # of the next body, if `hold` could not take it
        self._fed: FedStream | None = None
        self._waiting: anyio.CancelScope | None = None  # of `tell_later`, while it waits
        self._left = anyio.Event()  # it waits no more
        self.has_waiter = self._finished = False
        self.is_alive = False

    def hold(self, body: bytes) -> bool:
        """Take the next bytes, if all there is to do is to wait for more; return False if `push` has to take them."""
        self._text = self._repeats.text_of(body) if self._fed is not None else None
        return self._text is not None and self._fed is not None and self._fed.hold(self._text)

    async def push(self, body: bytes) -> None:
        """Take the next bytes, which `hold` has not taken, and tell what is cleared by now.

        Raises:
            GuardFailedError: a rail failed, or cannot judge what came.
            ModelError: the model says that it failed.
        """
        self.is_alive = False
        text, self._text = self._text, None
        if text is None or self._fed is None:
            await self._judge(self._reader.feed(body), body)
        elif events := await self._fed.push(text):
            await self._tell(self._read(events))

    async def finish(self, error: Exception | None = None) -> None:
        """Wait for all checks, and tell the rest; see `push`.

        Args:
            error: what broke the answer, if something did.
        """
        if error is None:
            await self._judge(self._reader.finish())
        self._finished = True
        if self._waiting is not None:
            self._waiting.cancel()
            await self._left.wait()
        fed = await self._entered()
        await self._tell(self._read(await fed.finish(error)))

    @property
    def must_wait(self) -> bool:
        """True once, when something may be cleared without another push: then run `tell_later`."""
        if self.has_waiter or self._fed is None or not self._fed.checking:
            return False
        self.has_waiter = True
        return True

    async def tell_later(self) -> None:
        """Yield what is cleared without another push, until the answer has its end; see `push`."""
        fed = await self._entered()
        while not self._finished:
            event: Event | None = None
            try:
                with anyio.CancelScope() as self._waiting:
                    event = await anext(fed, None)
                    self._finished = self._finished or event is None
            finally:
                self._waiting = None
                self._left.set()
                self._left = anyio.Event()
            if event is not None:
                await self._tell(self._read([event]))

    async def aclose(self) -> None:
        """End all checks."""
        self._finished = True
        if self._fed is not None:
            await self._fed.__aexit__(None, None, None)

    async def _judge(self, values: Iterable[dict[str, Any] | str], body: bytes = b"") -> None:
        items: list[str | Event] = []
        try:
            await self._collect(values, body, items)
        except Exception:
            await self._tell(items)  # what was cleared before the answer broke stays the reader's
            raise
        if items:
            await self._tell(items)

    async def _collect(self, values: Iterable[dict[str, Any] | str], body: bytes, items: list[str | Event]) -> None:
        count, value = 0, None
        self._repeats.forget()
        for count, value in enumerate(values, 1):  # noqa: B007  # the last is noted
            if isinstance(value, str):
                self.is_alive = self.is_alive or not value
                continue
            for chunk in self._dialect.chunks(value):
                fed = self._fed or await self._entered()
                items += self._read(await fed.push(chunk))
                if self.has_waiter and items:  # what it tells meanwhile comes after this
                    await self._tell(items[:])
                    items.clear()
        if count == 1 and isinstance(value, dict) and self._reader.is_between:
            self._repeats.note(body, value)

    async def _entered(self) -> FedStream:
        if self._fed is None:
            messages, request = self._about
            self._fed = await self._guard.feed(messages, **request).__aenter__()
        return self._fed

    def _read(self, events: Sequence[Event]) -> list[str | Event]:
        if len(events) == 1 and type(event := events[0]) is TextDelta:  # as nearly always
            return [event.text]
        items = [event.text if type(event) is TextDelta else event for event in events]
        if items and isinstance(failed := items[-1], RailFailed):
            raise GuardFailedError.of(failed)
        return self._guard.kept(items)
