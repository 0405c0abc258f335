"""Whose cancellation it was: what is cancelled from inside has failed, in every way to ask, on both event loops."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import anyio
import pytest
import trio
from fakes import FakeProvider, Guarded, SessionRail, words
from handrail import Chunk, Finished, RailFailed, StreamError, TextDelta, Verdict
from handrail.errors import ProviderError, RailError


async def cancelled_inside():
    """Raise what a library raises that awaits something of its own which is cancelled."""
    if _on_asyncio():
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
    raise _trio_cancelled()


def cancelled_now():
    """Raise the same, for a plain function."""
    raise asyncio.CancelledError if _on_asyncio() else _trio_cancelled()


def _on_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _trio_cancelled() -> BaseException:
    """Return a cancellation that trio made for a scope that is over."""
    return trio.Cancelled._create(source="explicit") if _has_source() else trio.Cancelled._create()


def _has_source() -> bool:
    try:
        trio.Cancelled._create()
    except TypeError:
        return True
    return False


class CancelledProvider(FakeProvider):
    """Says something, and is then cancelled from inside."""

    async def stream(self, messages, params):
        self.opened += 1
        try:
            for text in self.chunks:
                yield Chunk(text)
            await cancelled_inside()
        finally:
            self.closed += 1


class CancelledRail:
    """A window rail that is cancelled from inside when it is asked for the so-many-th time."""

    def __init__(self, at: int = 1) -> None:
        self.at, self.asked = at, 0

    async def check(self, window, turn):
        self.asked += 1
        if self.asked >= self.at:
            await cancelled_inside()
        return Verdict.allow()


class CancelledPlainRail(CancelledRail):
    def check(self, window, turn):
        self.asked += 1
        if self.asked >= self.at:
            cancelled_now()
        return Verdict.allow()


def cancelled_session():
    return SessionRail(lambda text: cancelled_now())


async def stream_async(rails):
    *_, last = [text async for text in rails.stream_async("hello")]
    assert isinstance(last, StreamError), last
    return {"generation_failed": "provider", "rail_execution_failure": "rail"}[last.error["code"]]


async def stream(rails):
    async with rails.stream("hello") as guarded_stream:
        return await ended(guarded_stream)


async def stream_events(rails):
    return await ended(rails.stream_events("hello"))


async def ended(events):
    last = None
    try:
        async for event in events:
            last = event
    except ProviderError:
        return "provider"
    assert not isinstance(last, Finished)
    assert isinstance(last, RailFailed), last
    assert events.response.outcome != "finished"
    return "rail"


async def generate(rails):
    try:
        response = await rails.generate_async("hello", options={"log": {"activated_rails": True}})
    except ProviderError:
        return "provider"
    assert response.outcome != "finished"
    return "rail"


ways = pytest.mark.parametrize("ask", [stream_async, stream, stream_events, generate])
beside = pytest.mark.parametrize("others", [{}, {"s": SessionRail()}, {"w": CancelledRail(at=10**9)}])
speculative = pytest.mark.parametrize("speculative", [False, True])


@ways
@beside
@speculative
@pytest.mark.parametrize("said", [0, 1, 60])
async def test_a_provider_that_is_cancelled_from_inside_has_failed(ask, others, speculative, said):
    provider = CancelledProvider(words(said))
    rails = {"in": CancelledRail(at=10**9), **others}
    g = Guarded(provider, rails, input_flows=["in"], input={"speculative": speculative})
    assert await ask(g.rails) == "provider"
    assert provider.closed == 1


@ways
@pytest.mark.parametrize("make", [CancelledRail, CancelledPlainRail, lambda at: cancelled_session()])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("beside", [False, True])
async def test_an_output_rail_that_is_cancelled_from_inside_has_failed(ask, make, at, parallel, beside):
    provider = FakeProvider(words(100))
    rail = make(at)
    if ask is generate and at == 2:  # a whole answer is asked about once
        return
    rails = {"r": rail, "beside": CancelledRail(at=10**9)} if beside else {"r": rail}
    assert await ask(Guarded(provider, rails, parallel=parallel).rails) == "rail"
    assert provider.closed == 1


@ways
@speculative
@pytest.mark.parametrize("make", [CancelledRail, CancelledPlainRail, cancelled_session])
async def test_an_input_rail_that_is_cancelled_from_inside_has_failed(ask, make, speculative):
    provider = FakeProvider(words(100))
    g = Guarded(provider, {"in": make()}, input_flows=["in"], input={"speculative": speculative})
    assert await ask(g.rails) == "rail"
    assert provider.opened == provider.closed


@pytest.mark.parametrize("make", [CancelledRail, CancelledPlainRail, cancelled_session])
@pytest.mark.parametrize("direction", ["input", "output"])
async def test_a_check_whose_rail_is_cancelled_from_inside_does_not_pass(make, direction):
    g = Guarded(FakeProvider([]), {"r": make()}, input_flows=["r"] if direction == "input" else [])
    role = "user" if direction == "input" else "assistant"
    result = await g.rails.check_async([{"role": role, "content": "hello"}])
    assert result.status == "blocked"
    assert result.failed


@ways
async def test_a_cancellation_of_the_caller_stays_one(ask):
    provider = FakeProvider(words(10), hang=True)
    with anyio.move_on_after(1) as scope:
        await ask(Guarded(provider, {"w": CancelledRail(at=10**9)}).rails)
    assert scope.cancelled_caught
    for _ in range(10):
        await anyio.lowlevel.checkpoint()
    assert provider.closed == 1


class StrayTimers:
    """A rail with a time limit of its own that it never calls off: later it cancels tasks that have gone on."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task] = set()

    async def check(self, window, turn):
        await anyio.lowlevel.checkpoint()
        self.tasks.add(asyncio.current_task())
        return Verdict.allow()

    def go_off(self) -> None:
        for task in self.tasks:
            task.cancel()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
async def test_a_task_that_is_cancelled_while_it_waits_for_a_check_holds_up_no_stream(steps, anyio_backend):
    rail = StrayTimers()
    said = "".join(words(60))
    with anyio.fail_after(10), suppress(RailError):
        async with Guarded(FakeProvider([]), {"r": rail}).rails.feed("hello") as guard:
            events = [*await guard.push(said[:200])]
            for _ in range(50):
                await anyio.lowlevel.checkpoint()
            rail.go_off()
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            events += [*await guard.push(said[200:]), *await guard.finish()]
    delivered = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert said.startswith(delivered)
    assert (delivered == said) == any(isinstance(event, Finished) for event in events)
