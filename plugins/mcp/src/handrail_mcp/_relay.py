"""Takes messages from both sides of a connection, has them judged side by side, and sends on what may go on.

Answers and requests go on as soon as they are judged; a notification goes on after every notification before it, and
nothing overtakes one, so that progress comes before the result.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import anyio

from handrail_mcp._json import Message, NotAMessageError, error_of, parse, written

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from handrail_mcp._guard import Guard, Outcome

logger = logging.getLogger("handrail.mcp")

Send: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Sends one message, without its end."""

Judge: TypeAlias = "Callable[[Message], Awaitable[Outcome]]"

AT_ONCE = 64  # messages of one side that are judged at the same time


class Side:
    """One direction of a connection.

    Args:
        judge: decides what becomes of a message.
        onward: sends to the other side.
        back: answers the sender.
        tasks: where messages are judged.
    """

    def __init__(self, judge: Judge, onward: Send, back: Send, tasks: TaskGroup) -> None:
        self._judge = judge
        self._onward = onward
        self._back = back
        self._tasks = tasks
        self._room = anyio.Semaphore(AT_ONCE)
        self._idle = anyio.Event()
        self._busy = 0
        self._last_notification: anyio.Event | None = None
        self._judged: dict[str | int, anyio.CancelScope] = {}

    async def take(self, message: Message) -> None:
        """Have a message judged; waits only while too many are being judged."""
        if self._is_withdrawn(message):
            return
        await self._room.acquire()
        self._busy += 1
        before, own = self._last_notification, None
        if "method" in message and "id" not in message:
            self._last_notification = own = anyio.Event()
        self._tasks.start_soon(self._handle, message, before, own)

    async def answer(self, message: Message) -> None:
        """Answer the sender of a message that cannot be judged."""
        await self._back(written(message))

    async def drained(self) -> None:
        """Wait until every message that was taken has gone on, or has not."""
        while self._busy:
            self._idle = anyio.Event()
            await self._idle.wait()

    def _is_withdrawn(self, message: Message) -> bool:
        """Return whether a message cancels a request that is still judged: then neither goes on."""
        if message.get("method") != "notifications/cancelled":
            return False
        request_id = (message.get("params") or {}).get("requestId")
        scope = self._judged.get(request_id) if isinstance(request_id, str | int) else None
        if scope is not None:
            scope.cancel()
        return scope is not None

    async def _handle(self, message: Message, before: anyio.Event | None, own: anyio.Event | None) -> None:
        request_id = message.get("id") if "method" in message else None
        try:
            with anyio.CancelScope() as scope:
                if request_id is not None:
                    self._judged[request_id] = scope
                outcome = await self._judge(message)
            if request_id is not None:
                self._judged.pop(request_id, None)
            if scope.cancelled_caught:
                return
            if before is not None:
                await before.wait()
            if outcome.onward is not None:
                await self._onward(written(outcome.onward))
            if outcome.back is not None:
                await self._back(written(outcome.back))
        finally:
            if own is not None:
                own.set()
            self._busy -= 1
            self._room.release()
            if not self._busy:
                self._idle.set()


async def take_client_line(side: Side, line: bytes) -> None:
    """Take what a client wrote; what is not a message is answered, and goes no further."""
    if not line.strip():
        return
    try:
        message = parse(line)
    except NotAMessageError as exc:
        logger.warning("the client sent what is not a message: %s", exc)
        await side.answer(error_of(id_in(line), exc.code, f"Invalid message: {exc}."))
    else:
        await side.take(message)


async def take_server_line(side: Side, guard: Guard, line: bytes, to_client: Send) -> None:
    """Take what a server wrote; what is not a message goes no further, and whoever waits for it is told."""
    if not line.strip():
        return
    try:
        message = parse(line)
    except NotAMessageError as exc:
        logger.warning("the server sent what is not a message: %s", exc)
        if (instead := guard.unreadable(id_in(line))) is not None:
            await to_client(written(instead))
    else:
        await side.take(message)


def id_in(line: bytes) -> str | int | None:
    """Return the id of a line that is not valid as a message, where it can be read at all."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None
