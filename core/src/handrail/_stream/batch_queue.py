"""The queue of a batcher on one event loop: who waits, when a batch begins, and whose answer is whose."""

from __future__ import annotations

import heapq
import math
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from handrail._stream.backend import (
    Wake,
    call_at,
    cancelled_from_outside,
    running_clock,
    spawn,
    wake_factory,
    wake_up,
)
from handrail._turn import DEADLINE, effective_deadline
from handrail.errors import PluginContractError, RailError, message_of

if TYPE_CHECKING:
    from handrail._stream.batch_limits import BatchLimits

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Found = TypeVar("Found")

_LONGEST_REST, _SOON = 0.1, 0.0005  # seconds


class _Member(Generic[Item, Answer]):
    """Somebody who waits for an answer."""

    __slots__ = ("answer", "batch", "cost", "deadline", "error", "item", "settled", "wake")

    def __init__(self, item: Item, cost: int, deadline: float, wake: Wake) -> None:
        self.item: Item | None = item
        self.cost = cost
        self.deadline = deadline
        self.wake = wake
        self.batch: _Batch[Item, Answer] | None = None
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.settled = False

    def settle(self, answer: Answer | None, error: BaseException | None = None) -> None:
        """Answer, unless that has happened or the member has left."""
        if self.settled:
            return
        self.settled, self.item = True, None
        self.answer, self.error = answer, error
        wake_up(self.wake)


class _Batch(Generic[Item, Answer]):
    """Members that are judged together.

    Attributes:
        scope: cancels its task; None until that runs.
        ended: set when its task ends, before which its last member may not leave.
    """

    __slots__ = ("ended", "members", "scope")

    def __init__(self, members: list[_Member[Item, Answer]], ended: Wake) -> None:
        self.members = members
        self.scope: anyio.CancelScope | None = None
        self.ended = ended
        for member in members:
            member.batch = self

    @property
    def is_wanted(self) -> bool:
        """True while somebody waits for it."""
        return not all(member.settled for member in self.members)


class BatchQueue(Generic[Item, Answer]):
    """Gathers what is asked on one event loop.

    Batches begin by a timer or by whoever fills them, so that nobody waits for a task that only waits itself; and they
    run in tasks of the loop, for they belong to none of their members.

    Attributes:
        pending: how many wait for a batch to begin.
    """

    def __init__(
        self,
        judge: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]],
        limits: BatchLimits,
        name: str,
    ) -> None:
        self.pending = 0
        self._judge = judge
        self._limits = limits
        self._name = name
        self._heap: list[tuple[float, int, _Member[Item, Answer]]] = []
        self._count = self._cost = 0
        self._opened_at = 0.0  # when the first of those that wait came
        self._running: dict[_Batch[Item, Answer], object] = {}  # the loop keeps only weak references to its tasks
        self._rested_at = 0.0  # when the judge has rested
        self._call_off: Callable[[], None] | None = None  # the timer

    async def ask(self, item: Item, cost: int) -> Answer:
        """Wait for the answer to an item."""
        limits = self._limits
        limits.refuse_more(self.pending, self._name)
        now, deadline = running_clock()(), effective_deadline()
        if deadline <= now:
            await checkpoint_if_cancelled()  # whoever has left already takes nobody's place
        member: _Member[Item, Answer] = _Member(item, cost, deadline, wake_factory()())
        self._count += 1
        heapq.heappush(self._heap, (min(deadline, now + limits.patience), self._count, member))
        if not self.pending:
            self._opened_at = now
        self.pending += 1
        self._cost += cost
        if self._call_off is None or self._is_full:
            self._look(now)
        try:
            await member.wake
        except BaseException:
            await self._leave(member)
            raise
        if member.error is not None:
            raise member.error
        return member.answer  # type: ignore[return-value]  # it is set where there is no error

    @property
    def _is_full(self) -> bool:
        limits = self._limits
        return self.pending >= limits.size or (limits.tokens is not None and self._cost >= limits.tokens)

    def _look(self, now: float, *, on_time: bool = False) -> None:
        """Begin the batches that are due, and set the timer for the next: without it others may still come along."""
        while self.pending and len(self._running) < self._limits.workers:
            due = max(self._opened_at + self._limits.wait, self._rested_at)
            if not self._is_full and not (on_time and now >= due - _SOON):
                if self._call_off is None:
                    self._call_off = call_at(max(due, now), self._on_time)
                return
            self._begin()
        if not self.pending:
            self._stop_timer()

    def _on_time(self) -> None:
        self._call_off = None
        self._look(running_clock()(), on_time=True)

    def _stop_timer(self) -> None:
        if self._call_off is not None:
            self._call_off()
            self._call_off = None

    def _begin(self) -> None:
        """Take the most urgent members, and have them judged."""
        limits, heap, cost = self._limits, self._heap, 0
        members: list[_Member[Item, Answer]] = []
        while heap and len(members) < limits.size:
            member = heap[0][2]
            if not member.settled:
                if members and limits.tokens is not None and cost + member.cost > limits.tokens:
                    break
                members.append(member)
                cost += member.cost
            heapq.heappop(heap)
        self.pending -= len(members)
        self._cost -= cost
        batch = _Batch(members, wake_factory()())

        async def run() -> None:
            await self._run(batch)

        self._running[batch] = None
        task = Context().run(spawn, run)  # nothing of one member's call may show in another's
        if batch in self._running:  # a loop with eager tasks may have run it already
            self._running[batch] = task

    async def _run(self, batch: _Batch[Item, Answer]) -> None:
        batch.scope = scope = anyio.CancelScope()
        DEADLINE.set(max((member.deadline for member in batch.members), default=math.inf))
        clock = running_clock()
        begun = clock()
        try:
            with scope:
                await self._settle(batch.members, scope)
        finally:
            for member in batch.members:
                if not member.settled:
                    member.settle(None, self._failure("the batch was cancelled"))
            del self._running[batch]
            wake_up(batch.ended)
            now = clock()
            rest = min((now - begun) * self._limits.rest, _LONGEST_REST) / self._limits.workers
            self._rested_at = now if scope.cancel_called else now + rest
            self._look(now)

    async def _settle(self, members: Sequence[_Member[Item, Answer]], scope: anyio.CancelScope) -> None:
        """Have members judged; where that fails, each half of them by itself."""
        members = [member for member in members if not member.settled]
        if not members:
            return
        try:
            answers = _sound(await self._judge([member.item for member in members]), len(members))  # type: ignore[misc]  # who has not left has an item
        except (RailError, PluginContractError) as exc:
            self._fail(members, exc)
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: what a judge raises becomes the failure of its members
            if len(members) == 1:
                members[0].settle(None, exc)
                return
            half = len(members) // 2
            await self._settle(members[:half], scope)
            await self._settle(members[half:], scope)
        except BaseException as exc:  # noqa: BLE001  # it is passed on, or raised again
            self._give_up(members, exc, scope)
        else:
            for member, answer in zip(members, answers, strict=True):
                if isinstance(answer, Exception):
                    member.settle(None, answer)
                else:
                    member.settle(answer)

    def _give_up(self, members: Sequence[_Member[Item, Answer]], exc: BaseException, scope: anyio.CancelScope) -> None:
        """Pass on what ends a program to those who wait; a cancellation that is nobody's is a failure."""
        if not isinstance(exc, anyio.get_cancelled_exc_class()):
            for member in members:
                member.settle(None, exc)
        elif scope.cancel_called or cancelled_from_outside():
            raise exc
        else:
            self._fail(members, self._failure("it was cancelled from inside"))

    def _fail(self, members: Sequence[_Member[Item, Answer]], exc: Exception) -> None:
        if len(members) == 1:
            members[0].settle(None, exc)
            return
        for member in members:
            error = self._failure(f"the batch failed: {type(exc).__name__}: {message_of(exc)}")
            error.__cause__ = exc
            member.settle(None, error)

    def _failure(self, text: str) -> RailError:
        return RailError(f"{self._name}: {text}", rail=self._name)

    async def _leave(self, member: _Member[Item, Answer]) -> None:
        """Take out a member that was cancelled, and end the batch that nobody waits for any more."""
        if member.settled:
            return
        member.settled, member.item = True, None
        batch = member.batch
        if batch is None:
            self.pending -= 1
            self._cost -= member.cost
            self._forget()
        elif batch.scope is not None and not batch.is_wanted:
            batch.scope.cancel()
            with anyio.CancelScope(shield=True):
                await batch.ended

    def _forget(self) -> None:
        """Drop those who have left, once they are the most."""
        if not self.pending:
            self._heap.clear()
            self._stop_timer()
        elif len(self._heap) > 2 * self.pending + 64:
            self._heap = [entry for entry in self._heap if not entry[2].settled]
            heapq.heapify(self._heap)


def _sound(answers: Sequence[Found], count: int) -> Sequence[Found]:
    """Return the answers of a judge, if there is one for each member.

    Raises:
        PluginContractError: there is not.
    """
    if not isinstance(answers, Sequence) or isinstance(answers, str | bytes):
        raise PluginContractError(f"the batch was answered with {type(answers).__name__!r}; it must be a sequence")
    if len(answers) != count:
        raise PluginContractError(f"the batch of {count} was answered with {len(answers)} answers")
    return answers
