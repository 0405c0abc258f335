"""A model of the stream engine: what must be delivered, when, and how it ends. The engine must agree with it.

Windows are of so many characters here, which says nothing less about the engine and lets the model be exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handrail import Window


@dataclass(frozen=True)
class Shape:
    """Windows of `size` characters that repeat `context` of them and hold the last `hold`."""

    size: int
    context: int
    hold: int


class Characters:
    """The strategy that cuts so."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.text = ""
        self.start = 0
        self.finished = False

    def feed(self, text: str) -> None:
        self.text += text

    def finish(self) -> None:
        self.finished = True

    def window(self) -> Window | None:
        shape, length = self.shape, len(self.text)
        context_start = max(self.start - shape.context, 0)
        end = min(context_start + shape.size, length)
        if end <= self.start or (end < context_start + shape.size and not self.finished):
            return None
        last = self.finished and end == length
        clears = end if last else max(end - shape.hold, 0)
        window = Window(self.text[context_start:end], context_start, self.start, end, clears, last)
        self.start = end
        return window


@dataclass(frozen=True)
class Case:
    """One stream: the provider's chunks with the pause before each, and each rail's outcome and latency by window.

    An outcome is "allow", "block" or "raise"; what is beyond the lists is allowed at once.
    """

    chunks: Sequence[tuple[str, float]]
    shape: Shape
    outcomes: Sequence[Sequence[str]]
    latencies: Sequence[Sequence[float]]
    fails: bool = False  # the provider raises at its end

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.chunks)

    def outcome(self, rail: int, window: int) -> str:
        return self.outcomes[rail][window] if window < len(self.outcomes[rail]) else "allow"

    def latency(self, rail: int, window: int) -> float:
        return self.latencies[rail][window] if window < len(self.latencies[rail]) else 0.0


@dataclass(frozen=True)
class Expected:
    """What must come of it.

    Attributes:
        text: what is delivered.
        released: for each release, up to which character it goes, and when it happens.
        stopped_by: the rails one of which stops the stream; none if it ends well.
        failing: the rails that have a window which does not pass.
        ends_by: when the stream has ended at the latest.
        starts: the first new character of each window.
    """

    text: str
    released: Sequence[tuple[int, float]]
    stopped_by: frozenset[int]
    failing: frozenset[int]
    ends_by: float
    starts: Sequence[int]

    def time_of(self, end: int) -> float:
        """Give when the character before `end` is delivered."""
        return next(time for limit, time in self.released if end <= limit)


def expect(case: Case) -> Expected:
    """Say what must be delivered, when, and what stops it. This is the specification in code."""
    windows, arrivals, finish = _windows(case)
    rails = range(len(case.outcomes))
    passed = [  # each rail clears its windows in order, up to the first that does not pass
        next((k for k in range(len(windows)) if case.outcome(rail, k) != "allow"), len(windows)) for rail in rails
    ]
    cleared = [
        len(case.text) if count == len(windows) else (windows[count - 1].clears if count else 0) for count in passed
    ]
    delivered = min(cleared)
    released, now = [], 0.0
    for k, window in enumerate(windows):  # released when every rail has passed the window and all before it
        now = max(now, *(arrivals[k] + case.latency(rail, k) for rail in rails))
        released.append((window.clears, now))
    released.append((len(case.text), max(now, finish)))
    stopped_by = frozenset(r for r in rails if passed[r] < len(windows) and cleared[r] == delivered)
    failing = frozenset(r for r in rails if passed[r] < len(windows))
    starts = [window.start for window in windows]
    return Expected(case.text[:delivered], released, stopped_by, failing, max(now, finish), starts)


def _windows(case: Case) -> tuple[list[Window], list[float], float]:
    """Give the windows, when the last character of each has come, and when the provider ends."""
    strategy, windows, arrivals, now = Characters(case.shape), [], [], 0.0
    for text, pause in case.chunks:
        now += pause
        strategy.feed(text)
        while (window := strategy.window()) is not None:
            windows.append(window)
            arrivals.append(now)
    strategy.finish()
    while (window := strategy.window()) is not None:
        windows.append(window)
        arrivals.append(now)
    return windows, arrivals, now
