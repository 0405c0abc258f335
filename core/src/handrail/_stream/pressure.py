"""How far a provider is read ahead of what was checked and taken, and when others are let go on before it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio.lowlevel

from handrail._stream.backend import Wake, wake_factory
from handrail._stream.steps import item_size
from handrail.errors import AnswerTooLongError

if TYPE_CHECKING:
    from handrail._stream.gate import Gate

_AT_ONCE = -1


class Pressure:
    """Holds back whoever feeds a gate.

    Args:
        gate: the gate.
        provider: who feeds it, for errors.
        max_pending: how many tokens may have been fed and wait for a check or for the consumer; None for no limit.
        max_characters: how long the answer may be in all, reasoning and tool calls included.

    Attributes:
        due: characters of text that must have come before there is more to do than to append it.
    """

    def __init__(self, gate: Gate, provider: str, *, max_pending: int | None, max_characters: int) -> None:
        self.due = _AT_ONCE
        self._gate = gate
        self._provider = provider
        self._max_pending = max_pending
        self._max_characters = max_characters
        self._pause_at = max_characters if max_pending is None else max_pending
        self._room: Wake | None = None
        self._hurry = 0  # how often others are still to be let go on, however much the provider has at hand

    def let_others_go_on(self) -> None:
        """Have the next `pause` wait once: the first check is to begin, or the first text is to go out."""
        self._hurry += 1
        self.due = _AT_ONCE

    def look_again(self) -> None:
        """Ask the gate again how much it waits for, and go on if there is room."""
        self.due = min(self.due, self._gate.due)
        if self._room is not None:
            self._room.set()
            self._room = None

    def count_beside(self, characters: int) -> None:
        """Let what came beside the text use up room as text does."""
        self._pause_at -= characters

    async def pause(self, came: int) -> None:
        """Wait if too much is pending.

        Args:
            came: characters of text that have come in all.

        Raises:
            AnswerTooLongError: the answer exceeds its limit.
        """
        if came > self._pause_at or self._hurry:
            if self._gate.received.characters > self._max_characters:
                raise AnswerTooLongError(self._provider, self._max_characters)
            while self._hurry:
                self._hurry -= 1
                await anyio.lowlevel.checkpoint()
            self._pause_at = came + await self._find_room()
        self.due = min(self._gate.due, self._pause_at + 1)

    async def _find_room(self) -> int:
        """Wait, if more than `max_pending` is pending, until only half of that is; return how much may be read.

        With no check running and nothing to take, only more text can help, so then there is no waiting, whatever
        the sizes of windows.
        """
        if self._max_pending is None:
            return self._max_characters
        gate, room = self._gate, self._max_pending - self._pending_tokens()
        enough = 0 if room >= 0 else self._max_pending // 2
        new_wake = wake_factory()
        while room < enough and (gate.checking or gate.step.items):
            self._room = new_wake()
            await self._room.wait()
            room = self._max_pending - self._pending_tokens()
        return max(room, self._max_pending // 8, 1)  # a token is at least one character

    def _pending_tokens(self) -> int:
        """Count, never too low, the tokens that were read and wait for a check or for the consumer."""
        gate, received = self._gate, self._gate.received
        pending = gate.unchecked + sum(map(item_size, gate.step.items))
        return math.ceil(pending * received.tokens / max(received.characters, 1))
