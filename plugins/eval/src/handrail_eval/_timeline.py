"""When each part of an answer would have come to its reader: arithmetic on paces and measured latencies.

A row is replayed in lockstep: a piece is given to the rails, every check that it leads to is answered, and then the
next piece is given. So the windows do not depend on how long a judge took. Afterwards the times are put together: a
check begins when its piece has come and its rail has a free slot, and ends after the seconds that were measured; what
was released after a piece has come to its reader when that piece had come and every check until then had ended.

In a live stream a slow judge would get larger and so fewer windows: checks and delay are those of a stream in which no
window is joined with the next, and so upper bounds.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_eval._meter import Asked


@dataclass(frozen=True, slots=True)
class Timeline:
    """A row's times, in seconds after its request.

    Attributes:
        checks: when each check began and ended, in the order in which they were given.
        released: when the text that each turn released has come to its reader.
        ended: when the answer was complete, or stopped.
        generated: when the last piece had come.
    """

    checks: tuple[tuple[float, float], ...]
    released: tuple[float, ...]
    ended: float
    generated: float


def timeline(
    arrivals: Sequence[float], checks: Sequence[Asked], turns: Sequence[int], slots: Mapping[str, int], last: int
) -> Timeline:
    """Put the times of a row together.

    Args:
        arrivals: when each piece came.
        checks: the checks, in the order in which they were asked.
        turns: the turns in which text was released, in order.
        slots: how many checks of a rail may run at once.
        last: the turn in which the row ended.
    """
    free: dict[str, list[float]] = {}
    times: list[tuple[float, float]] = []
    ends: dict[int, float] = {}
    for check in checks:
        slot = free.setdefault(check.rail, [0.0] * max(1, slots.get(check.rail, 1)))
        began = max(_at(arrivals, check.turn), heapq.heappop(slot))
        heapq.heappush(slot, began + check.seconds)
        times.append((began, began + check.seconds))
        ends[check.turn] = max(ends.get(check.turn, 0.0), began + check.seconds)
    ended = [_at(arrivals, turn) for turn in (*turns, last)]
    for place, waited in enumerate(_latest(ends, (*turns, last))):
        ended[place] = max(ended[place], waited)
    return Timeline(tuple(times), tuple(ended[:-1]), ended[-1], arrivals[-1] if arrivals else 0.0)


def _latest(ends: Mapping[int, float], turns: Sequence[int]) -> Iterator[float]:
    """Yield for each turn, in order, when the last check that was asked until then had ended."""
    asked, latest = deque(sorted(ends.items())), 0.0
    for turn in turns:
        while asked and asked[0][0] <= turn:
            latest = max(latest, asked.popleft()[1])
        yield latest


def _at(arrivals: Sequence[float], turn: int) -> float:
    """Return when a piece came; the end of the answer, which follows the last one, comes with it."""
    return arrivals[min(turn, len(arrivals) - 1)] if arrivals else 0.0
