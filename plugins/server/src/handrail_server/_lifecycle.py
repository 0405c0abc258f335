"""When answers must end: their time is up, or the server is going down."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from handrail_server._errors import ApiError


class TimeLimit:
    """The time of one answer. Ends what runs in its scope, and knows why."""

    def __init__(self, seconds: float) -> None:
        self.scope = anyio.CancelScope(deadline=anyio.current_time() + seconds)
        self._why = ApiError(
            504,
            f"The answer took longer than {seconds:g} seconds; ask for less at once.",
            type="server_error",
            code="timeout",
            final=True,
        )

    def stop(self, why: ApiError) -> None:
        """End it now."""
        self._why = why
        self.scope.cancel()

    @property
    def error(self) -> ApiError | None:
        """Why it ended early; None if it did not."""
        return self._why if self.scope.cancelled_caught else None


class Lifecycle:
    """Knows what runs, and whether the server takes requests.

    Args:
        request_seconds: how long an answer may take.
        drain_seconds: how long answers may go on once the server is asked to end.
    """

    def __init__(self, *, request_seconds: float, drain_seconds: float) -> None:
        self._request_seconds = request_seconds
        self._drain_seconds = drain_seconds
        self._running: set[TimeLimit] = set()
        self._drain_until: float | None = None

    @property
    def draining(self) -> bool:
        """True once the server was asked to end."""
        return self._drain_until is not None

    def begin_drain(self) -> None:
        """Take no more requests. May be called by a signal handler."""
        if self._drain_until is None:
            self._drain_until = time.monotonic() + self._drain_seconds

    def end_late_answers(self) -> None:
        """End what still runs when the time for it is over; called often."""
        if self._drain_until is None or time.monotonic() < self._drain_until:
            return
        for limit in list(self._running):
            limit.stop(shutting_down())

    @contextmanager
    def limited(self) -> Generator[TimeLimit, None, None]:
        """Run an answer, for as long as it may take. Look at `error` after the block."""
        limit = TimeLimit(self._request_seconds)
        self._running.add(limit)
        try:
            with limit.scope:
                yield limit
        finally:
            self._running.discard(limit)


def shutting_down() -> ApiError:
    """Return the error for requests that come, or still run, when the server ends."""
    return ApiError(
        503, "The server is shutting down; try again.", type="server_error", code="shutting_down", retry_after=1
    )
