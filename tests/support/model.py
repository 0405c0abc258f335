"""A model of the stream engine: what must be delivered, when, and how it ends. The engine must agree with it.

Windows are of so many characters here, which says nothing less about the engine and lets the model be exact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail import Edit, Verdict, Window

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.steps import Check


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
        """Return when the character before `end` is delivered."""
        return next(time for limit, time in self.released if end <= limit)


def expect(case: Case) -> Expected:
    """Return what must be delivered, when, and what stops it. This is the specification in code."""
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
    """Return the windows, when the last character of each has come, and when the provider ends."""
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


# --- A gate without a loop -----------------------------------------------------------------------------------


class Choices:
    """Small decisions read from bytes, which Hypothesis makes and shrinks; each is 0 once they are used up."""

    def __init__(self, entropy: bytes) -> None:
        self._rest = iter(entropy)

    def below(self, limit: int) -> int:
        """Return a number from 0 to one less than the limit, which is at most 65,536."""
        number = next(self._rest, 0)
        return (number if limit <= 256 else number * 256 + next(self._rest, 0)) % limit

    def between(self, least: int, most: int) -> int:
        return least + self.below(most - least + 1)

    def one_of(self, options: Sequence[Any]) -> Any:
        return options[self.below(len(options))]

    def text(self, letters: Sequence[str], most: int, least: int = 0) -> str:
        return "".join(self.several(lambda: self.one_of(letters), most, least))

    def several(self, make: Callable[[], Any], most: int, least: int = 0) -> list[Any]:
        return [make() for _ in range(self.between(least, most))]

    def often(self) -> bool:
        return self.below(4) > 0


class Drive:
    """Does what a gate says, in an order of answers that `choices` decide; checks what holds after every call.

    Args:
        gate: the gate.
        choices: decide whether text comes or a check is answered, and which.
        answer: what a rail says of a check, and whether it was cut off: what `Gate.answer` takes.
        audit: is called after each call, with this object.
    """

    def __init__(
        self,
        gate: Gate,
        choices: Choices,
        answer: Callable[[Check], tuple[object, bool]],
        audit: Callable[[Drive], None] = lambda drive: None,
    ) -> None:
        self.gate = gate
        self.items: list[object] = []
        self.running: list[Check] = []
        self.answered: list[tuple[Check, object]] = []  # those that mattered when they were answered
        self._choices = choices
        self._answer = answer
        self._audit = audit
        self._came = 0  # characters of text

    @property
    def text(self) -> str:
        """What was delivered so far."""
        return "".join(item for item in self.items if isinstance(item, str))

    def run(self, pieces: Sequence[str], error: Exception | None = None) -> None:
        """Send the pieces and the end, answer everything, and see that the gate ends."""
        gate, choices, waiting = self.gate, self._choices, deque(pieces)
        reading = True
        while not gate.ended:
            if self.running and (not reading or choices.below(2)):
                self._answer_one()
            elif reading and waiting:
                self._send(waiting.popleft())
            elif reading:
                gate.finish(error)
                reading = False
            else:
                raise AssertionError("the gate waits, and there is nothing to wait for")
            if self._collect() and choices.often():  # else the driver is slow to notice, and reads on
                reading = False
        while self.running:  # those that were cancelled by the end, and whatever they still say
            self._answer_one()
            before = len(self.items)
            self._collect()
            assert len(self.items) == before, "something went out after the end"

    def _send(self, piece: str) -> None:
        gate = self.gate
        self._came += len(piece)
        gate.buffer.append(piece)
        if self._came >= gate.due or not self._choices.often():
            gate.look()

    def _answer_one(self) -> None:
        check = self.running.pop(self._choices.below(len(self.running)))
        outcome, timed_out = self._answer(check)
        if not check.dropped and not self.gate.ended:
            self.answered.append((check, outcome))
        self.gate.answer(check, outcome, timed_out=timed_out)

    def _collect(self) -> bool:
        """Take out of the step what is in it; return whether reading is to stop."""
        gate, step = self.gate, self.gate.step
        assert not (gate.ended and step.start), "a check begins after the end"
        assert all(check.dropped and check in self.running for check in step.cancel)
        self.running += step.start
        self.items += step.items
        step.start.clear()
        step.items.clear()
        step.cancel.clear()
        step.failures.clear()
        assert gate.ended or gate.checking == bool(self.running), "the gate has lost count of its checks"
        self._audit(self)
        stop, step.stop_reading = step.stop_reading, False
        return stop


@dataclass(frozen=True)
class Rule:
    """What a rail does to a phrase where its evidence is in sight, too: replaces it, or refuses the text."""

    phrase: str
    evidence: str
    replacement: str | None

    def applies(self, text: str) -> bool:
        return self.phrase in text and self.evidence in text


class Rules:
    """A rail that follows rules; it knows nothing but the window that it is shown."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)

    def check(self, window: Window, turn: object) -> Verdict:
        edits = []
        for rule in self.rules:
            if rule.applies(window.text):
                at = window.text.index(rule.phrase)
                span = window.span(at, at + len(rule.phrase))
                if rule.replacement is None:
                    return Verdict.block(span=span)
                edits.append(Edit(*span, rule.replacement))
        return Verdict.rewrite(edits)

    def refuses(self, text: str) -> bool:
        return any(rule.replacement is None and rule.applies(text) for rule in self.rules)

    def on_whole(self, text: str) -> str:
        """Return the whole text as this rail would have it."""
        applying = [rule for rule in self.rules if rule.replacement is not None and rule.applies(text)]
        for rule in applying:
            text = text.replace(rule.phrase, rule.replacement or "")
        return text
