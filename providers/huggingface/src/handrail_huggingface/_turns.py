"""The queue before a model: so many texts at once, so many threads that wait, and the rest is refused."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handrail.errors import ProviderRateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Turns:
    """Lets threads in one after the other, in the order in which they came."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._tickets: list[object] = []
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, has_left: Callable[[], bool], say_waiting: Callable[[int], None]) -> Iterator[bool]:
        """Wait for a turn and have it inside the block; False if `has_left` came first.

        `say_waiting` is called once with the number of those ahead, if there is a wait at all.

        Raises:
            ProviderRateLimitError: too many wait already.
        """
        ticket = object()
        with self._changed:
            ahead = len(self._tickets) - self._at_once + 1
            if ahead > self._waiting:
                raise ProviderRateLimitError(
                    f"the model writes {self._at_once} text(s) at once, and {self._waiting} wait for it already; "
                    f"try again later, or raise 'max_waiting'",
                    engine="huggingface",
                )
            self._tickets.append(ticket)
        try:
            if ahead > 0:
                say_waiting(ahead)
            with self._changed:
                self._changed.wait_for(lambda: has_left() or self._tickets.index(ticket) < self._at_once)
            yield not has_left()
        finally:
            with self._changed:
                self._tickets.remove(ticket)
                self._changed.notify_all()

    def look_again(self) -> None:
        """Let those who wait ask `has_left` again."""
        with self._changed:
            self._changed.notify_all()
