"""What a playground shows beside the answer: how much is held, and which checks ran when. Never held text itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import CheckRecord, GuardedStream


class Trace:
    """Returns what has changed since it was asked last.

    Args:
        stream: the answer.
        began: when it was asked for, in seconds since the epoch: the 0 of its clock.
        reasons: whether rails' reasons and categories may be told.
    """

    def __init__(self, stream: GuardedStream, began: float, *, reasons: bool) -> None:
        self._stream = stream
        self._began = began
        self._reasons = reasons
        self._held = -1
        self._told: set[int] = set()
        self._running: Sequence[tuple[str, float]] = ()

    def news(self) -> dict[str, Any] | None:
        """Return the characters held, the checks that run, and those that have ended since; None if nothing is new."""
        held = self._stream.held
        runs = self._stream.response.rail_runs
        fresh = [index for index, run in enumerate(runs) if run.finished_at and index not in self._told]
        under_way = self._stream.checks_under_way
        running = [(run.rail, run.started_at) for run in under_way]
        if held == self._held and not fresh and running == self._running:
            return None
        self._told.update(fresh)
        self._held, self._running = held, running
        return {
            "held": held,
            "at": self._seconds(time.time()),
            "running": [self._begun(run) for run in under_way],
            "checks": [self._ended(runs[index]) for index in fresh],
        }

    def _begun(self, run: CheckRecord) -> dict[str, Any]:
        return {
            "rail": run.rail,
            "direction": run.direction,
            "channel": run.channel,
            "characters": run.characters,
            "from": self._seconds(run.started_at),
        }

    def _ended(self, run: CheckRecord) -> dict[str, Any]:
        return {
            **self._begun(run),
            "decision": run.decision,
            "reason": (run.reason or run.error or "") if self._reasons else "",
            "category": run.category if self._reasons else None,
            "to": self._seconds(run.finished_at),
        }

    def _seconds(self, when: float) -> float:
        return round(when - self._began, 3)
