"""What a playground shows beside the answer: how much is held, and which checks ran when. Never held text itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handrail import GuardedStream


class Trace:
    """Tells what has changed since it was asked last.

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

    def news(self) -> dict[str, Any] | None:
        """Give the characters held and the checks that have ended meanwhile; None if nothing is new."""
        held = self._stream.held
        runs = self._stream.response.rail_runs
        fresh = [index for index, run in enumerate(runs) if run.finished_at and index not in self._told]
        if held == self._held and not fresh:
            return None
        self._told.update(fresh)
        self._held = held
        return {
            "held": held,
            "at": round(time.time() - self._began, 3),
            "checks": [
                {
                    "rail": run.rail,
                    "direction": run.direction,
                    "decision": run.decision,
                    "reason": (run.reason or run.error or "") if self._reasons else "",
                    "category": run.category if self._reasons else None,
                    "characters": run.characters,
                    "from": round(run.started_at - self._began, 3),
                    "to": round(run.finished_at - self._began, 3),
                }
                for run in map(runs.__getitem__, fresh)
            ],
        }
