"""Drives a gate over a text of which nothing is wanted before its end: reads all of it, then asks the rails.

Such a text is a user's message, or an answer that nobody waits for. The runner needs no task to read and none to ask,
except where several rails are asked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread

from handrail._stream.asking import answer_at_once, ask, log_failures
from handrail._stream.backend import running_clock
from handrail._stream.gate import Gate
from handrail._stream.reader import Pressure, read
from handrail._stream.runner import what_broke
from handrail._stream.source import OneChunk
from handrail._stream.steps import NEVER, Check
from handrail._types import Chunk

if TYPE_CHECKING:
    from handrail._events import Blocked, RailFailed
    from handrail._stream.plan import RailPlan
    from handrail._stream.source import Source
    from handrail._stream.steps import Item
    from handrail._turn import Turn

T = TypeVar("T")

_SHORT = 8192  # characters, which are read as JSON within the ten milliseconds that the loop may be held


class Batch:
    """Runs one stream in the caller's task.

    Args:
        gate: decides.
        source: opens the provider's stream.
        max_characters: how long the answer may be.
    """

    def __init__(self, gate: Gate, source: Source, *, max_characters: int) -> None:
        self.gate = gate
        self._source = source
        self._max_characters = max_characters
        self._over = False

    async def take(self) -> list[Item]:
        """Run the stream to its end, and return everything that goes out; an empty list after that.

        Raises:
            Exception: what broke the generation.
        """
        gate = self.gate
        if not self._over:
            self._over = True
            try:
                await self._run()
            finally:
                gate.abandon()
                if gate.telling is not None:
                    if gate.error is None:
                        gate.telling.first_released(gate.step.items)
                    gate.telling.look()
            what_broke(gate)
        items = list(gate.step.items)
        gate.step.items.clear()
        return items

    async def aclose(self) -> None:
        """Do nothing: a call that has returned or was cancelled has closed everything."""

    async def _run(self) -> None:
        gate = self.gate
        pressure = Pressure(gate, self._source.provider, max_pending=None, max_characters=self._max_characters)
        self._clock = running_clock()
        async with aclosing(read(gate, self._source, pressure)) as steps:
            async for _ in steps:
                await self._check()
                if gate.ended:
                    return

    async def _check(self) -> None:
        """Have every check answered that the gate asks for, and those that it asks for then."""
        gate, step = self.gate, self.gate.step
        while step.start and not gate.ended:
            waiting: list[Check] = []
            while step.start:
                check = step.start.popleft()
                if not check.lane.plan.is_immediate:
                    waiting.append(check)
                elif (rest := answer_at_once(gate, check, self._clock)) is not None:
                    await ask(gate, check, self._clock, rest)
            if len(waiting) == 1:
                await ask(gate, waiting[0], self._clock)
            elif waiting:
                await self._ask_all(waiting)
        log_failures(gate)

    async def _ask_all(self, checks: list[Check]) -> None:
        waiting = set(checks)
        try:
            async with anyio.create_task_group() as tasks:
                for check in checks:
                    tasks.start_soon(self._ask_beside, checks, check, waiting)
        finally:
            for check in waiting:  # the call was cancelled before their tasks began
                self.gate.abandon()
                self.gate.answer(check, None)

    async def _ask_beside(self, checks: list[Check], check: Check, waiting: set[Check]) -> None:
        """Ask one rail of several; those whose answers matter no longer are cancelled."""
        gate = self.gate
        waiting.discard(check)
        if check.dropped or gate.ended:
            gate.answer(check, None)
            return
        await ask(gate, check, self._clock)
        dropped = checks if gate.ended else gate.step.cancel
        for other in dropped:
            if other.cancel is not None:
                other.cancel()
        gate.step.cancel.clear()


async def guard_text(
    rails: Sequence[RailPlan], text: str, turn: Turn, *, parallel: bool, as_written: bool = False
) -> tuple[str, Blocked | RailFailed | None]:
    """Run rails over a text that is whole; return it as they let it through, and what stopped it.

    Args:
        rails: planned for a whole text.
        text: the text.
        turn: what they are told of the call.
        parallel: whether neighbouring window rails run at once.
        as_written: whether the text is content already, which is not read as JSON.
    """
    items, stop = await guard_message(rails, Chunk(text), turn, parallel=parallel, as_written=as_written)
    return "".join([item for item in items if isinstance(item, str)]), stop


async def guard_message(
    rails: Sequence[RailPlan], message: Chunk, turn: Turn, *, parallel: bool, as_written: bool = False
) -> tuple[list[Item], Blocked | RailFailed | None]:
    """Run rails over a message that is whole; return what they let through of it, and what stopped it.

    See `guard_text`.
    """
    gate = Gate(rails, turn, parallel=parallel, whole=True, as_written=as_written, inner=True)
    return await Batch(gate, OneChunk(message), max_characters=NEVER).take(), gate.stop


async def beside_the_loop(function: Callable[[], T], characters: int) -> T:
    """Call a function that reads every character: at once for a short text, in a thread for a long one."""
    return function() if characters <= _SHORT else await anyio.to_thread.run_sync(function)
