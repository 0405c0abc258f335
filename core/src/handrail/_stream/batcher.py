"""Gathers what many streams ask at once into batches: for classifiers, which answer dozens of texts in one pass.

A window rail that has `async def check_batch(windows, turns)` in place of `check` is batched without further ado; a
`Batcher` does the same for anything else that is asked one by one and answered in batches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary

from handrail._stream.backend import running_loop
from handrail._stream.batch_limits import BatchLimits
from handrail._stream.batch_queue import BatchQueue
from handrail.errors import InvalidArgumentError

if TYPE_CHECKING:
    from handrail._turn import Turn
    from handrail._types import Verdict, Window

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Gathers items of whoever asks into batches, and gives everybody the answer to their own.

    Members go in the order of the deadlines under which they are asked for. One that is cancelled leaves its batch,
    which goes on for the others; the batch is cancelled with its last member, who waits for it to end. Each event loop
    has batches of its own, so one batcher may serve several.

    Args:
        judge: answers a batch: a sequence with an answer, or an exception for its member alone, in the place of each
            item. Where it raises, the batch is asked again in halves to find whose fault it is; a `RailError` is
            nobody's fault, and fails all of them.
        limits: how batches are made.
        tokens_of: counts the tokens of an item; needed where the limits have `tokens`.
        name: what to call it in errors.
    """

    def __init__(
        self,
        judge: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]],
        *,
        limits: BatchLimits | None = None,
        tokens_of: Callable[[Item], int] | None = None,
        name: str = "batcher",
    ) -> None:
        takes = "a function that awaits a list of items and returns their answers"
        InvalidArgumentError.unless(callable(judge) and not isinstance(judge, type), "judge", judge, takes)
        InvalidArgumentError.unless(limits is None or isinstance(limits, BatchLimits), "limits", limits, "BatchLimits")
        InvalidArgumentError.unless(tokens_of is None or callable(tokens_of), "tokens_of", tokens_of, "a function")
        self._judge = judge
        self._limits = limits or BatchLimits()
        if self._limits.tokens is not None and tokens_of is None:
            raise ValueError("limits.tokens is set, so tokens_of is needed to count them")
        self._tokens_of = tokens_of if self._limits.tokens is not None else None
        self._name = name
        self._queues: WeakKeyDictionary[object, BatchQueue[Item, Answer]] = WeakKeyDictionary()

    async def ask(self, item: Item) -> Answer:
        """Return the answer to an item.

        Raises:
            RailBusyError: too many wait already.
            RailError: the batch failed.
            Exception: what the judge raised or returned for this item.
        """
        loop = running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            queue = self._queues[loop] = BatchQueue(self._judge, self._limits, self._name)
        return await queue.ask(item, self._tokens_of(item) if self._tokens_of is not None else 0)

    @property
    def pending(self) -> int:
        """How many wait for a batch to begin, on all event loops."""
        return sum(queue.pending for queue in tuple(self._queues.values()))


class BatchedRail:
    """A window rail of a rail that judges batches.

    Args:
        rail: has `async def check_batch(windows, turns)`, which returns a verdict, or an exception for that window
            alone, for each window. It may have `batching`, a `BatchLimits`.
        count_tokens: counts the tokens of a text.
        name: the flow's name.
    """

    def __init__(self, rail: object, count_tokens: Callable[[str], int], name: str) -> None:
        self.rail = rail
        limits = getattr(rail, "batching", None) or BatchLimits()

        def tokens_of(asked: tuple[Window, Turn]) -> int:
            return count_tokens(asked[0].text)

        async def judge(asked: Sequence[tuple[Window, Turn]]) -> Sequence[Verdict | Exception]:
            windows, turns = zip(*asked, strict=True)
            answers: Sequence[Verdict | Exception] = await rail.check_batch(windows, turns)  # type: ignore[attr-defined]  # the caller has looked
            return answers

        self._batcher: Batcher[tuple[Window, Turn], Verdict] = Batcher(
            judge, limits=limits, tokens_of=tokens_of, name=name
        )

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge one window, together with those that other streams ask about."""
        return await self._batcher.ask((window, turn))

    async def aclose(self) -> None:
        """Close the rail."""
        close = getattr(self.rail, "aclose", None)
        if close is not None:
            await close()
