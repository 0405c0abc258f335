"""The invariants of the stream, I1 to I10 of docs/architecture.md, on random streams and on both event loops."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import anyio
from entropy import entropy, thorough
from handrail import Blocked, Chunk, Edit, Finished, RailFailed, Ruling, Turn, Verdict
from handrail._stream.gate import Gate
from handrail._stream.plan import RailPlan
from handrail._stream.pull import Pull
from handrail._stream.pump import Pump
from handrail._stream.render import AsText
from hypothesis import example, given, note
from hypothesis import strategies as st
from model import Case, Characters, Choices, Shape, expect
from virtual import run

backends = st.sampled_from(["asyncio", "trio"])


class ProviderBroke(Exception):
    pass


class Source:
    """Opens a stream that is given; notes that it was closed."""

    provider = "provider 1.0"
    is_texts = False

    def __init__(self, stream) -> None:
        self.stream = stream

    async def open(self, gate):
        return self.stream

    def closed(self, received) -> None:
        pass


@dataclass
class Provider:
    """Sends the chunks of a case, and knows how often and when it was closed."""

    case: Case
    produced: int = 0
    closed: int = 0

    async def stream(self):
        try:
            for text, pause in self.case.chunks:
                if pause:
                    await anyio.sleep(pause)
                self.produced += 1
                yield Chunk(text)
            if self.case.fails:
                raise ProviderBroke
        finally:
            self.closed += 1


def pump(gate, provider, *, max_pending=10**9):
    return Pump(gate, Source(provider.stream()), max_pending=max_pending, max_characters=10**9)


class Oracle:
    """A rail that knows its verdicts and latencies by window."""

    def __init__(self, case: Case, index: int, numbers: dict[int, int]) -> None:
        self.case = case
        self.index = index
        self.numbers = numbers
        self.running = 0
        self.read = 0

    async def check(self, window, turn):
        number = self.numbers[window.start]
        self.running += 1
        self.read += len(window.text)
        try:
            if latency := self.case.latency(self.index, number):
                await anyio.sleep(latency)
            outcome = self.case.outcome(self.index, number)
            if outcome == "raise":
                raise RuntimeError("the rail broke")
            if outcome == "nonsense":
                return None
            return Verdict.block() if outcome == "block" else Verdict.allow()
        finally:
            self.running -= 1


class Stream:
    """One run of the engine over a case."""

    def __init__(self, case: Case, *, max_pending: int = 10**9, max_concurrency: int = 10**6) -> None:
        self.provider = Provider(case)
        self.expected = expect(case)
        numbers = {start: number for number, start in enumerate(self.expected.starts)}
        self.oracles = [Oracle(case, index, numbers) for index in range(len(case.outcomes))]
        plans = [
            RailPlan(
                str(index),
                "oracle 1.0",
                oracle,
                make_strategy=lambda: Characters(case.shape),
                max_concurrency=max_concurrency,
                timeout=None,
            )
            for index, oracle in enumerate(self.oracles)
        ]
        self.items: list[tuple[object, float]] = []
        self.error: Exception | None = None
        gate = Gate(plans, Turn(), parallel=True, as_written=True)
        self.pump = pump(gate, self.provider, max_pending=max_pending)

    async def consume(self, *, pace: float = 0, leave_after: int | None = None) -> None:
        try:
            while await self.pump.ready():
                self.items.append((self.pump.pop(), anyio.current_time()))
                if leave_after is not None and len(self.items) >= leave_after:
                    break
                if pace:
                    await anyio.sleep(pace)
        except ProviderBroke as exc:
            self.error = exc
        await self.pump.aclose()

    @property
    def text(self) -> str:
        return "".join(item for item, _ in self.items if isinstance(item, str))


OUTCOMES = ["allow"] * 8 + ["block", "raise", "nonsense"]


def shape_of(choices: Choices) -> Shape:
    size = choices.between(1, 8)
    context = choices.below(size)
    return Shape(size, context, choices.between(0, context))


def case_of(choices: Choices) -> Case:
    rails = range(choices.between(1, 3))
    return Case(
        choices.several(lambda: (choices.text("ab ", 6), choices.below(4)), 10),
        shape_of(choices),
        [choices.several(lambda: choices.one_of(OUTCOMES), 8) for _ in rails],
        [choices.several(lambda: choices.below(10), 8) for _ in rails],
        choices.below(2) == 1,
    )


cases = entropy.map(case_of)


@thorough
@given(cases, backends)
@example(Case([("ab", 1)], Shape(2, 1, 1), [["allow", "block"]], [[3, 0]]), "asyncio")
def test_the_engine_agrees_with_its_model(case, backend):
    """I1 held, I3 prefix, I6 closed, I8 overlapped: what is delivered, when to the second, and how it ends."""
    stream = Stream(case)
    expected = stream.expected
    run(backend, stream.consume)

    assert stream.text == expected.text
    delivered = 0
    for item, time in stream.items:
        if isinstance(item, str):
            delivered += len(item)
            assert time == expected.time_of(delivered)
        assert time <= expected.ends_by
    _check_end(stream, expected, case)


def _check_end(stream, expected, case, *, stoppers=None):
    last = stream.items[-1][0] if stream.items else None
    if expected.stopped_by:
        assert isinstance(last, Blocked | RailFailed)
        assert int(last.rail) in (stoppers or expected.stopped_by)
    elif case.fails:
        assert stream.error is not None
    else:
        assert isinstance(last, Finished)
    assert stream.provider.closed == 1
    assert [oracle.running for oracle in stream.oracles] == [0] * len(stream.oracles)


@thorough
@given(cases, backends, st.integers(1, 3), st.integers(1, 20))
def test_nothing_unchecked_is_delivered_whatever_the_limits(case, backend, max_concurrency, max_pending):
    """I1 and I3 where windows wait for a slot or for room: a prefix, and everything if nothing stops the stream."""
    stream = Stream(case, max_concurrency=max_concurrency, max_pending=max_pending)
    expected = stream.expected
    run(backend, stream.consume)
    assert expected.text.startswith(stream.text)
    if not expected.stopped_by:
        assert stream.text == expected.text
    # A rail that waits for a slot may not have been asked about the window that would have stopped the stream earlier.
    _check_end(stream, expected, case, stoppers=expected.failing)


@thorough
@given(cases, backends, st.integers(0, 12))
def test_a_consumer_that_leaves_ends_everything(case, backend, leave_after):
    """I5 stopped: the provider is closed and no check runs, wherever the consumer leaves."""
    stream = Stream(case)
    expected = stream.expected
    run(backend, lambda: stream.consume(leave_after=leave_after))
    assert expected.text.startswith(stream.text)
    assert stream.provider.closed <= 1
    assert stream.provider.closed == 1 or stream.provider.produced == 0
    assert [oracle.running for oracle in stream.oracles] == [0] * len(stream.oracles)


@thorough
@given(entropy, backends, st.integers(1, 12))
def test_the_provider_is_read_at_most_so_far_ahead(choices, backend, max_pending):
    """I4 bounded: with a consumer that never reads, no more is pending than the limit, and what a window needs."""
    shape, texts = shape_of(choices), choices.several(lambda: choices.text("ab ", 9, least=1), 40, least=1)
    note(f"{texts=} {shape=}")
    case = Case([(text, 0) for text in texts], shape, [[]], [[]])
    stream = Stream(case, max_pending=max_pending)

    async def stall():
        stream.pump.start()
        await anyio.sleep(100)
        await stream.pump.aclose()

    run(backend, stall)
    read = sum(len(text) for text in texts[: stream.provider.produced])
    longest = max(map(len, texts))
    assert read <= max(5 * max_pending, shape.size) + shape.size + longest


# --- Rails that rewrite --------------------------------------------------------------------------------------


class Rewriter:
    """A window rail that replaces a phrase wherever it sees it, after a while."""

    def __init__(self, phrase: str, replacement: str, latencies: list[int]) -> None:
        self.phrase, self.replacement, self.latencies = phrase, replacement, latencies

    async def check(self, window, turn):
        await anyio.sleep(self.latencies[window.start % len(self.latencies)])
        found = re.finditer(self.phrase, window.text)
        return Verdict.rewrite(Edit(*window.span(*match.span()), self.replacement) for match in found)


def rewriting(choices: Choices) -> tuple[Shape, list[int]]:
    """Choose windows that hold the longest phrase, and how long each check takes."""
    hold = choices.between(2, 4)
    context = choices.between(hold, 6)
    return Shape(choices.between(context + 1, 12), context, hold), choices.several(lambda: choices.below(5), 5, least=1)


@thorough
@given(entropy, backends)
def test_what_window_rails_rewrite_is_what_they_would_rewrite_in_the_whole_text(choices, backend):
    """I1 to I3 for edits: a phrase as long as the hold is replaced wherever windows cut it, by rails in a row too."""
    rails = choices.several(lambda: rewriting(choices), 2, least=1)
    texts = choices.several(lambda: choices.text("ab", 9), 12)
    note(f"{texts=} {rails=}")
    rules = [("ab", "X"), ("Xb", "")]
    expected = "".join(texts)
    plans = []
    for (shape, latencies), (phrase, replacement) in zip(rails, rules, strict=False):
        expected = re.sub(phrase, replacement, expected)
        rail = Rewriter(phrase, replacement, latencies)
        plans.append(RailPlan(phrase, "rewriter 1.0", rail, make_strategy=functools.partial(Characters, shape)))
    case = Case([(text, 1) for text in texts], Shape(1, 0, 0), [], [])

    async def collect():
        items, running = [], pump(Gate(plans, Turn()), Provider(case))
        while taken := await running.take():
            items += taken
        return items

    *items, last = run(backend, collect)
    assert isinstance(last, Finished), last
    assert "".join(items) == expected


# --- Stream rails --------------------------------------------------------------------------------------------


class Replace:
    """A stream rail that replaces a phrase, exactly: it holds what may still become one."""

    def __init__(self, phrase: str, replacement: str) -> None:
        self.phrase, self.replacement = phrase, replacement

    def open(self, turn):
        return _Replacing(self.phrase, self.replacement)

    def on_whole(self, text: str) -> str:
        return text.replace(self.phrase, self.replacement)


class _Replacing:
    def __init__(self, phrase: str, replacement: str) -> None:
        self.phrase, self.replacement, self.held = phrase, replacement, ""

    def feed(self, text):
        self.held += text
        out = []
        while (found := self.held.find(self.phrase)) >= 0:
            out += [self.held[:found], self.replacement]
            self.held = self.held[found + len(self.phrase) :]
        keep = next(n for n in range(len(self.phrase) - 1, -1, -1) if self.held.endswith(self.phrase[:n]))
        out.append(self.held[: len(self.held) - keep])
        self.held = self.held[len(self.held) - keep :]
        return Ruling("".join(out))

    def finish(self):
        return Ruling(self.held)


@thorough
@given(entropy, backends)
def test_a_chain_of_stream_rails_is_the_same_for_every_split(choices, backend):
    """I2 split-invariant, and I9: it needs no task."""
    rails = choices.several(lambda: Replace(choices.text("abc", 3, least=1), choices.text("abcX", 3)), 3, least=1)
    texts = choices.several(lambda: choices.text("abc", 5), 12)
    note(f"{texts=} {[vars(rail) for rail in rails]}")
    expected = "".join(texts)
    for rail in rails:
        expected = rail.on_whole(expected)
    provider = Provider(Case([(text, 0) for text in texts], Shape(1, 0, 0), [], []))

    async def collect():
        plans = [RailPlan(str(n), "replace 1.0", rail) for n, rail in enumerate(rails)]
        pull = Pull(Gate(plans, Turn()), Source(provider.stream()), max_characters=10**9)
        return [text async for text in pull.stream(AsText())]

    assert "".join(run(backend, collect)) == expected
    assert provider.closed == 1
