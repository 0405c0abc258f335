"""What a computation costs, whatever else the machine does: CPU time of its thread, at the best of several tries.

Time that the thread waits for a processor does not count, nor does the garbage collector, whose moment and work depend
on what other tests have left. What a neighbour takes away by sharing a processor's caches does not hit all tries. A
computation that costs too much does so each time.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_TRIES = 10


def seconds(work: Callable[[], object]) -> float:
    """Do some work; return the CPU time that it took, in seconds."""
    collects = gc.isenabled()
    gc.disable()
    try:
        started = time.thread_time()
        work()
        return time.thread_time() - started
    finally:
        if collects:
            gc.enable()


def quickest(measure: Callable[[], list[float]], enough: Callable[[list[float]], bool]) -> list[float]:
    """Measure the parts of some work until they are quick enough, at most ten times; return the least of each."""
    found = measure()
    for _ in range(_TRIES - 1):
        if enough(found):
            break
        found = list(map(min, found, measure()))
    return found


def least(measure: Callable[[], float], enough: float) -> float:
    """Measure some work until it takes less than so many seconds, at most ten times; return the least."""
    return quickest(lambda: [measure()], lambda found: found[0] < enough)[0]
