"""Drives a gate with tasks: one reads the provider, others ask the rails, and the consumer takes what goes out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

import anyio

from handrail._foreign import ENDS_A_PROGRAM
from handrail._stream.backend import let_others_run, scheduler
from handrail._stream.checker import Checker
from handrail._stream.reader import Pressure, read
from handrail._stream.runner import FROM_INSIDE, ONE_READER, what_broke
from handrail._stream.source import SLICE, cancelled_inside, says_more
from handrail._stream.tasks import Tasks
from handrail._turn import DEADLINE, effective_deadline
from handrail.errors import AnswerTooLongError, StreamClosedError

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.runner import Lifetime
    from handrail._stream.source import Source
    from handrail._stream.steps import Item
    from handrail._types import Chunk


class Pump:
    """Runs one stream in tasks that belong to the loop: whoever takes from it may come and go in any task.

    Args:
        gate: decides.
        source: opens the provider's stream; None if the pieces are pushed.
        max_pending: how many tokens the provider is read ahead.
        max_characters: how long the answer may be.
        lifetime: is told when the stream begins and ends.
    """

    def __init__(
        self,
        gate: Gate,
        source: Source | None,
        *,
        max_pending: int,
        max_characters: int,
        lifetime: Lifetime | None = None,
    ) -> None:
        self.gate = gate
        self._source = source
        self._lifetime = lifetime
        self._pressure = Pressure(
            gate,
            source.provider if source else "push",
            max_pending=max_pending,
            max_characters=max_characters,
            is_pushed=source is None,
        )
        self._pushed = 0  # characters of text
        self._is_quick = False  # whether stream rails alone read the text, and some of it has gone out
        self._running: tuple[Tasks, Checker] | None = None

    def start(self) -> Callable[[], None]:
        """Begin to read; return what ends the stream soon, which may be called in any thread at any time.

        Raises:
            RailsClosedError: no call may begin any more.
        """
        tasks, limit = Tasks(self._look_over), effective_deadline()
        if self._lifetime is not None:
            self._lifetime.begin(self._stop, lambda: tasks.are_inside)
            limit = min(limit, self._lifetime.deadline)
        self._running = tasks, Checker(self.gate, tasks, self._pressure, limit)
        if self._source is not None:
            tasks.start(partial(self._read, self._source, self._running[1]))
        return partial(scheduler(), self.leave)

    def hold(self, text: str) -> bool:
        """Take text that has to wait for more, if nothing else is to be done; return whether it was taken."""
        came = self._pushed + len(text)
        if came >= self._pressure.due or self.gate.step.items or self.gate.ended or not self._pressure.lets_pass(came):
            return False
        self.gate.buffer.append(text)
        self._pushed = came
        return True

    def push_at_once(self, text: str) -> bool:
        """Take text as `push` does, if nothing has to be waited for or told; return whether it was taken."""
        gate, came = self.gate, self._pushed + len(text)
        if not self._is_quick or gate.buffer or gate.step.items or gate.ended or not self._pressure.lets_pass(came):
            return self.hold(text)
        gate.received.count(text)
        self._pushed = came
        if out := gate.transform(text):
            gate.step.items.append(out)
        if gate.ended or gate.step.failures:
            self._run()[1].do()
        return True

    async def push(self, chunk: Chunk) -> None:
        """Take the next piece from somebody who reads the provider; wait while too much is pending.

        Raises:
            AnswerTooLongError: the answer exceeds its limit.
            Exception: what has ended the stream from outside, such as the time limit of the call.
        """
        gate, (_, checker) = self.gate, self._run()
        if gate.ended:
            what_broke(gate)
            return
        if chunk.text:
            gate.buffer.append(chunk.text)
            self._pushed += len(chunk.text)
        if says_more(chunk):
            gate.read(chunk)
        elif self._pushed < self._pressure.due:
            return
        if self._pushed >= self._pressure.due:
            while gate.look(SLICE) and not gate.ended:  # what is left stays in the buffer, if this is cancelled
                checker.do()
                await let_others_run()
        self._is_quick = self._is_quick or (bool(gate.step.items) and gate.only_transforms)
        checker.do()
        try:
            await self._pressure.pause(self._pushed)
        except AnswerTooLongError:
            self.leave()
            raise

    def finish(self, error: Exception | None = None) -> None:
        """Take the end of what is pushed."""
        self.gate.finish(error)
        self._run()[1].do()
        self._look_over()

    async def ready(self) -> bool:
        """Wait until something goes out; False at the end, with every task done.

        A call that is cancelled while it waits takes nothing.

        Raises:
            Exception: what broke the generation, after everything that could be delivered.
            StreamClosedError: another task is already waiting, or a task of the stream itself called this.
        """
        tasks, checker = self._running or self._run()
        while not self.gate.step.items:
            if tasks.are_done and (self.gate.ended or self._source is not None):
                what_broke(self.gate, checker.fatal)
                return False
            await self._wait(tasks, checker)
        return True

    async def take(self) -> list[Item]:
        """Wait until something goes out, and return all of it; an empty list is the end. See `ready`."""
        if not self.gate.step.items and not await self.ready():
            return []
        return self.take_now()

    def take_now(self) -> list[Item]:
        """Return all that may go out now."""
        items = self.gate.step.items
        taken = list(items)
        items.clear()
        self._pressure.look_again()
        return taken

    def pop(self) -> Item:
        """Take the next item, which `ready` has promised."""
        item = self.gate.step.items.popleft()
        self._pressure.look_again()
        return item

    async def aclose(self) -> None:
        """End the stream; returns when its tasks are done and the provider is closed. May be called in any task.

        Raises:
            StreamClosedError: a task of the stream itself called this; the stream ends all the same.
        """
        self.leave()
        if self._running is not None:
            if self._running[0].are_inside:
                raise StreamClosedError(FROM_INSIDE)
            await self._running[0].wait_done()

    def leave(self) -> None:
        """End the stream, and do not wait for that."""
        self.gate.abandon()
        if self._running is not None:
            self._running[1].do()
            self._look_over()

    def _stop(self, error: Exception) -> None:
        """End the stream with an error, and do not wait for that."""
        if not self.gate.ended:
            self.gate.error = error
        self.leave()

    def _look_over(self) -> None:
        """Notify the observers that the stream is over, once nothing of it runs any more."""
        if self._lifetime is None or self._running is None or not self._running[0].are_done:
            return
        if self.gate.ended or self._source is not None:
            self._running[0].when_done = None  # so that nothing of a stream that is over holds on to itself
            self._lifetime.end()

    def _run(self) -> tuple[Tasks, Checker]:
        if self._running is None:
            self.start()
        return self._running  # type: ignore[return-value]  # it has been started

    async def _wait(self, tasks: Tasks, checker: Checker) -> None:
        if tasks.are_inside:
            raise StreamClosedError(FROM_INSIDE)
        if checker.taker is not None:
            raise StreamClosedError(ONE_READER)
        wake = checker.taker = tasks.new_wake()
        tasks.waiting = [earlier for earlier in tasks.waiting if not earlier.done()]
        tasks.waiting.append(wake)
        try:
            await wake
        finally:
            if checker.taker is wake:  # cancelled before there was anything, or the end
                checker.taker = None

    async def _read(self, source: Source, checker: Checker) -> None:
        """Read the provider, in a task of its own."""
        gate = self.gate
        DEADLINE.set(checker.limit)
        with checker.reading as scope:
            try:
                async with aclosing(read(gate, source, self._pressure)) as steps:
                    async for _ in steps:
                        stop, gate.step.stop_reading = gate.step.stop_reading, False
                        checker.do()
                        if stop or gate.ended:
                            break
            except ENDS_A_PROGRAM as exc:
                checker.break_off(exc)
            except Exception as exc:  # noqa: BLE001  # a fault of the engine's own: errors of the provider reach the gate
                checker.break_off(exc)
            except anyio.get_cancelled_exc_class():
                if not scope.cancel_called:  # the loop shuts down, or the provider has cancelled its own task
                    gate.finish(cancelled_inside(source.provider))
                checker.do()
                raise
            finally:
                checker.is_reading = False
        checker.do()
