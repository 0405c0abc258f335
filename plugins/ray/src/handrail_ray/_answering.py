"""What a replica does with a request: it judges by the rail that it has built. Nothing here knows of Ray."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio
from handrail.batching import Batcher, BatchLimits
from handrail.errors import PluginContractError, RailBusyError, RailError, message_of

from handrail_ray._sessions import Sessions
from handrail_ray._wire import of_calls, of_verdict, turn_of, window_of

if TYPE_CHECKING:
    from handrail import StandaloneRail, StatefulWindowRail, Turn, Verdict, Window, WindowRail

    from handrail_ray._wire import Plain


class BatchRail(Protocol):
    """A rail that judges batches."""

    def check_batch(self, windows: Sequence[Window], turns: Sequence[Turn]) -> Awaitable[Sequence[Verdict | Exception]]:
        """Judge windows."""
        ...


class Answerer:
    """Answers requests by one rail.

    Args:
        alone: the rail.
        batch: the most windows that are judged together.

    Attributes:
        judges_batches: whether requests are better answered together.

    Raises:
        PluginContractError: the rail reads the stream, and can only run where the stream is.
    """

    def __init__(self, alone: StandaloneRail, batch: int) -> None:
        rail = alone.rail
        self._name = alone.name
        self._sessions = Sessions(cast("StatefulWindowRail", rail)) if alone.is_stateful else None
        if self._sessions is None and callable(getattr(rail, "open", None)):
            raise PluginContractError(
                f"rail {alone.name!r} reads the stream and answers at once, so it cannot run elsewhere; remove 'place'"
            )
        self.judges_batches = self._sessions is None and callable(getattr(rail, "check_batch", None))
        self._check = self._batched(cast("BatchRail", rail), batch) if self.judges_batches else self._checked(rail)

    async def answer(self, request: Mapping[str, Any]) -> Plain:
        """Judge what one request asks for, within its time."""
        turn = turn_of(request["turn"])
        try:
            with anyio.fail_after(request["within"]):
                if self._sessions is not None:
                    return await self._sessions.answer(request, turn)
                verdict = await self._check(window_of(request["window"]), turn)
            return {
                "verdict": of_verdict(verdict),
                "calls": of_calls(turn.journal.llm_calls),
                "state": dict(turn.state),
            }
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: it is the rail's failure, and told as such
            return {"failed": failure_of(exc), "calls": of_calls(turn.journal.llm_calls)}

    async def answer_all(self, requests: Sequence[Mapping[str, Any]]) -> list[Plain]:
        """Judge what several requests ask for, together where the rail can; the failure of one is its own."""
        answers: dict[int, Plain] = {}

        async def one(place: int, request: Mapping[str, Any]) -> None:
            answers[place] = await self.answer(request)

        async with anyio.create_task_group() as group:
            for place, request in enumerate(requests):
                group.start_soon(one, place, request)
        return [answers[place] for place in range(len(requests))]

    def _batched(self, rail: BatchRail, size: int) -> Any:
        async def judge(asked: Sequence[tuple[Window, Turn]]) -> Sequence[Verdict | Exception]:
            windows, turns = zip(*asked, strict=True)
            return await rail.check_batch(windows, turns)

        limits = BatchLimits(size=size, wait=0, rest=0)  # whoever calls `answer_all` has waited already
        batcher: Batcher[tuple[Window, Turn], Verdict] = Batcher(judge, limits=limits, name=self._name)

        async def check(window: Window, turn: Turn) -> Verdict:
            return await batcher.ask((window, turn))

        return check

    def _checked(self, rail: object) -> Any:
        async def check(window: Window, turn: Turn) -> Verdict:
            found = cast("WindowRail", rail).check(window, turn)
            return await found if isinstance(found, Awaitable) else found

        return check


def failure_of(exc: Exception) -> Plain:
    """Write what a rail raised."""
    detail = exc.detail if isinstance(exc, RailError) else None
    return {
        "kind": _kind(exc),
        "type": type(exc).__name__,
        "text": message_of(exc),
        "detail": None if detail is None else {str(name): repr(value) for name, value in detail.items()},
    }


def _kind(exc: Exception) -> str:
    if isinstance(exc, TimeoutError):
        return "timed out"
    if isinstance(exc, RailBusyError):
        return "busy"
    return "contract" if isinstance(exc, PluginContractError) else "raised"
