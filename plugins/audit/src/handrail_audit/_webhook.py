"""A second place for a record: lines are posted by a thread, and what it could not take is counted."""

from __future__ import annotations

import logging
import queue
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress

from handrail_audit._forks import begin_after_fork

logger = logging.getLogger("handrail.audit")

_MOST_AT_ONCE = 100
_SECONDS = 10.0

Post = Callable[[str, bytes], None]


class Webhook:
    """Posts lines as JSON Lines. A thread does it, which begins with the first line, and anew with one after the end.

    Args:
        url: where to.
        queue_size: how many lines may wait; further ones are dropped and counted.
        closing_seconds: how long what waits is posted once it is closed; the rest is dropped and counted. A post that
            runs then has its own time, and is left to itself after that.
        post: sends a body; replaced in tests.

    Attributes:
        dropped: how many lines were not posted, because there was no room, no time or no success.
    """

    def __init__(
        self, url: str, *, queue_size: int, closing_seconds: float = _SECONDS, post: Post | None = None
    ) -> None:
        self._url = url
        self._closing_seconds = closing_seconds
        self._post = post or _post
        self._queue_size = queue_size
        self._begin()
        begin_after_fork(self._begin)

    def _begin(self) -> None:
        """Have nothing that waits, as a process does when it begins, be it by a fork."""
        self._counting = threading.Lock()
        self._starting = threading.Lock()
        self._worker: _Worker | None = None
        self.dropped = 0

    def put(self, line: bytes) -> None:
        """Take a line, if there is room."""
        with self._starting:
            worker = self._worker = self._worker or _Worker(self._send, self._queue_size)
            if worker.put(line):
                return
        dropped = self._drop(1)
        if dropped & (dropped - 1) == 0:  # the first, the second, the fourth ...
            logger.warning("the webhook of the record of decisions is too slow: %d lines dropped", dropped)

    def close(self) -> None:
        """Post what waits, as far as there is time for it, and log how many lines were not posted."""
        with self._starting:
            worker, self._worker = self._worker, None
        if worker is not None:
            self._drop(worker.close(self._closing_seconds))
        if self.dropped:
            logger.warning("the webhook of the record of decisions did not get %d lines", self.dropped)

    def _send(self, lines: list[bytes], closes_at: float | None) -> None:
        if closes_at is not None and time.monotonic() >= closes_at:
            self._drop(len(lines))
            return
        try:
            self._post(self._url, b"".join(lines))
        except Exception as exc:  # noqa: BLE001  # whatever is wrong with another machine; the files have the lines
            self._drop(len(lines))
            logger.warning("the webhook of the record of decisions failed: %s", type(exc).__name__)

    def _drop(self, count: int) -> int:
        """Count lines that are not posted; return how many they are by now."""
        with self._counting:
            self.dropped += count
            return self.dropped


class _Worker:
    """The thread, from its first line to its end.

    Args:
        send: sends lines; it is told when everything must have been sent, on the monotonic clock, once that is known.
        most: how many lines may wait.
    """

    def __init__(self, send: Callable[[list[bytes], float | None], None], most: int) -> None:
        self._send = send
        self._waiting: queue.Queue[bytes | None] = queue.Queue(most)
        self._closes_at: float | None = None
        self._posting = 0  # lines
        self._thread = threading.Thread(target=self._run, name="handrail-audit-webhook", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> bool:
        """Take a line; return whether there was room."""
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            return False
        return True

    def close(self, seconds: float) -> int:
        """Send what waits, for so long; return how many lines a post that does not end has kept from being sent.

        What answers a byte now and then holds up a post for as long as it likes, so its thread is not waited for.
        """
        self._closes_at = time.monotonic() + seconds
        ends_at = self._closes_at + _SECONDS
        with suppress(queue.Full):
            self._waiting.put(None, timeout=seconds + _SECONDS)
        self._thread.join(max(ends_at - time.monotonic(), 0))
        return self._leave() if self._thread.is_alive() else 0

    def _leave(self) -> int:
        """Take away what waits, and have the thread end after its post; return how many lines were not sent."""
        left = self._posting
        with suppress(queue.Empty):
            while True:
                left += self._waiting.get_nowait() is not None
        self._waiting.put(None)
        return left

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            lines, is_last = [line], False
            while len(lines) < _MOST_AT_ONCE and not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    is_last = True
                    break
                lines.append(more)
            self._posting = len(lines)
            self._send(lines, self._closes_at)
            self._posting = 0
            if is_last:
                return


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would become a GET without the lines, whose answer says that all is well."""

    def redirect_request(self, *_: object) -> None:
        """Return nothing, so that the redirect is the error that it is."""


_opener = urllib.request.build_opener(_NoRedirect)


def _post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/x-ndjson"})  # noqa: S310  # settings allow http and https alone
    with _opener.open(request, timeout=_SECONDS):
        pass
