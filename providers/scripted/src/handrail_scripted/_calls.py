"""What happened in the calls of a scripted model, for tests to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail import Message

    from handrail_scripted._settings import Answer


@dataclass(slots=True)
class Call:
    """One call, from the first chunk that was asked for.

    Attributes:
        messages: the conversation as it came.
        params: the parameters of the call as they came, those that mean nothing here included.
        started_at: when the first chunk was asked for, in seconds on the clock of `anyio.current_time()`.
        answer: the answer that was given; None if none fitted.
        tokens: how many tokens have been handed out so far.
        completed: True once everything was handed out, the usage included, and the stream ended by itself.
        closed: True once the stream has ended in whatever way: by itself, closed, cancelled or with an error.
        closed_at: when that was; None if the stream was closed outside of any event loop.
    """

    messages: tuple[Message, ...]
    params: Mapping[str, Any]
    started_at: float
    answer: Answer | None = None
    tokens: int = 0
    completed: bool = False
    closed: bool = False
    closed_at: float | None = None

    def close(self) -> None:
        """Write down that the stream has ended."""
        self.closed = True
        try:
            self.closed_at = anyio.current_time()
        except RuntimeError:  # a forgotten stream can be collected after its event loop has ended
            self.closed_at = None
