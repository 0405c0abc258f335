"""An `LLMRails` closes after its calls, and a call has one time limit for all that it does."""

from __future__ import annotations

import asyncio
import contextlib

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import Blocked, Finished, RailsClosedError, StreamError, TimedOut, Verdict
from handrail._call.lifetime import Lifetime, RunningCalls
from handrail.errors import InvalidRequestError, StreamClosedError

HELLO = [{"role": "user", "content": "hello"}]
every_driver = pytest.mark.parametrize("make_rail", [lambda: FunctionRail(latency=0.2), SessionRail, None])


def make(guarded, make_rail=None, count=100, **provider):
    provider = FakeProvider(words(count), delay=0.01, **provider)
    return guarded(provider, {} if make_rail is None else {"r": make_rail()}), provider


class Closable(FakeProvider):
    """Says whether it was still in use when it was closed."""

    used_when_closed = None

    async def aclose(self):
        self.used_when_closed = self.opened > self.closed


async def consume(rails, way):
    """Take a whole answer in one of the ways; return its text and what it ended with."""
    if way == "texts":
        found = [text async for text in rails.stream_async("hello")]
        end = "error" if isinstance(found[-1], StreamError) else "whole"
        return "".join(text for text in found if not isinstance(text, StreamError)), end
    if way == "generate":
        return await rails.generate_async("hello"), "whole"
    async with rails.stream("hello") as stream:
        events = [event async for event in stream]
    return stream.response.text, "whole" if isinstance(events[-1], Finished) else "error"


@every_driver
@pytest.mark.parametrize("way", ["texts", "events", "generate"])
async def test_closing_waits_for_calls_that_run_and_they_end_whole(guarded, make_rail, way):
    provider = Closable(words(100), delay=0.01)
    g = guarded(provider, {} if make_rail is None else {"r": make_rail()})
    found = []

    async def call():
        found.append(await consume(g.rails, way))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call)
        await anyio.sleep(0.3)
        await g.rails.aclose()
        assert provider.closed == 3
    assert found == [("".join(words(100)), "whole")] * 3
    assert provider.used_when_closed is False


@every_driver
@pytest.mark.parametrize("way", ["texts", "events", "generate"])
async def test_calls_are_cut_when_the_time_for_draining_is_over_and_say_so(guarded, make_rail, way):
    provider = Closable(words(1000), delay=0.01)
    g = guarded(provider, {} if make_rail is None else {"r": make_rail()})
    found = []

    async def call():
        try:
            found.append((await consume(g.rails, way))[1])
        except RailsClosedError:
            found.append("error")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await anyio.sleep(0.3)
        began = anyio.current_time()
        await g.rails.aclose(drain=2)
        assert anyio.current_time() - began == pytest.approx(2, abs=0.1)
        assert provider.closed == 1
    assert found == ["error"]
    assert provider.used_when_closed is False


@every_driver
async def test_a_consumer_that_is_busy_when_its_stream_is_cut_learns_of_it_when_it_comes_back(guarded, make_rail):
    g, provider = make(guarded, make_rail, 1000)
    found, resume = [], anyio.Event()

    async def call():
        async for text in g.rails.stream_async("hello"):
            found.append(text)
            await resume.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await anyio.sleep(5)
        await g.rails.aclose(drain=0)
        assert provider.closed == 1
        resume.set()
    assert isinstance(found[-1], StreamError)
    assert "was closed" in found[-1].error["message"]


async def test_nothing_begins_once_an_llmrails_closes(guarded):
    g, provider = make(guarded)
    texts, events, feed = g.rails.stream_async("hello"), g.rails.stream("hello"), g.rails.feed()
    await g.rails.aclose()
    for begin in (g.rails.stream_async, g.rails.stream, g.rails.stream_events, g.rails.feed):
        with pytest.raises(RailsClosedError, match="closed"):
            begin("hello")
    with pytest.raises(RailsClosedError):
        await g.rails.generate_async("hello")
    with pytest.raises(RailsClosedError):
        await g.rails.check_async(HELLO)
    for stream in (events, feed):
        with pytest.raises(RailsClosedError):
            await stream.__aenter__()
    assert [type(text) async for text in texts] == [StreamError]
    assert provider.opened == 0
    await g.rails.aclose()


async def test_a_stream_of_the_task_that_closes_is_cut_for_nobody_else_would_end_it(guarded):
    g, provider = make(guarded, lambda: FunctionRail(latency=0.01), 1000)
    async with g.rails.stream("hello") as stream:
        await anext(stream)
        await g.rails.aclose()
        assert provider.closed == 1
        with pytest.raises(RailsClosedError):
            async for _ in stream:
                pass
    assert stream.response.outcome == "generation failed"


@pytest.mark.parametrize("way", ["events", "generate"])
async def test_a_rail_that_closes_what_it_is_part_of_fails_and_hangs_nothing(guarded, way):
    errors = []

    class Closer:
        async def check(self, window, turn):
            try:
                await g.rails.aclose()
            except StreamClosedError as exc:
                errors.append(exc)
                raise
            return Verdict.allow()

    g = guarded(FakeProvider(words(100), delay=0.01), {"closer": Closer()})
    with anyio.fail_after(5), contextlib.suppress(RailsClosedError):
        await consume(g.rails, way)
    assert len(errors) == 1


async def test_a_guard_that_a_program_feeds_counts_as_a_call_until_it_is_left(guarded):
    g, _ = make(guarded, lambda: FunctionRail(latency=0.01))
    order = []

    async def feed(*, task_status):
        async with g.rails.feed() as guard:
            await guard.push("one two three")
            task_status.started()
            await anyio.sleep(3)
            await guard.finish()
            order.append("fed")

    async with anyio.create_task_group() as tasks:
        await tasks.start(feed)
        await g.rails.aclose()
        order.append("closed")
    assert order == ["fed", "closed"]


async def test_an_llmrails_that_is_left_with_an_error_does_not_wait_for_its_calls(guarded):
    g, provider = make(guarded, None, 10_000)
    async with anyio.create_task_group() as tasks:

        async def call():
            with pytest.raises(RailsClosedError):
                await g.rails.generate_async("hello")

        async def leave_with_an_error():
            async with g.rails:
                tasks.start_soon(call)
                await anyio.sleep(0.1)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await leave_with_an_error()
        assert provider.closed == 1


def test_calls_of_a_loop_that_has_ended_are_dropped_and_never_awaited(guarded):
    g, _ = make(guarded, lambda: FunctionRail(latency=0.01), 1000)
    abandoned = asyncio.new_event_loop()
    stream = g.rails.stream_events("hello")
    abandoned.run_until_complete(anext(stream))
    asyncio.run(asyncio.wait_for(g.rails.aclose(), 30))  # the other loop has a stream, and does not run
    abandoned.run_until_complete(stream.aclose())
    abandoned.close()


# Time limits


async def take_all(stream, pushed):
    async with stream:
        if pushed is not None:
            await stream.push(pushed)
            await stream.finish()
        async for _ in stream:
            pass


@every_driver
@pytest.mark.parametrize("way", ["texts", "events", "generate", "check", "feed"])
async def test_a_call_ends_when_its_time_is_over(guarded, make_rail, way):
    g, _ = make(guarded, make_rail, 10, hang=True)
    slow = guarded(FakeProvider([]), {"slow": FunctionRail(latency=60)}, options={"slow": {"timeout": 100}}).rails
    began = anyio.current_time()
    with anyio.fail_after(100):  # a call that lasts for ever fails
        if way == "texts":
            texts = [text async for text in g.rails.stream_async("hello", timeout=2)]
            assert texts[-1].error["code"] == "timed_out"
        elif way == "generate":
            with pytest.raises(TimedOut, match="2 seconds"):
                await g.rails.generate_async("hello", timeout=2)
        elif way == "check":
            with pytest.raises(TimedOut):
                await slow.check_async([{"role": "assistant", "content": "x"}], timeout=2)
        else:
            stream = slow.feed(timeout=2) if way == "feed" else g.rails.stream("hello", timeout=2)
            with pytest.raises(TimedOut):
                await take_all(stream, "x " * 100 if way == "feed" else None)
            assert stream.response.outcome == "timed out"
            assert stream.response.stop is None
            assert stream.response.partial
    assert anyio.current_time() - began == pytest.approx(2, abs=0.05)


async def test_what_was_delivered_before_a_call_timed_out_stays(guarded):
    g, _ = make(guarded, lambda: FunctionRail(latency=0.05), 1000)
    async with g.rails.stream("hello", timeout=2) as stream:
        with pytest.raises(TimedOut):
            async for _ in stream:
                pass
    assert stream.response.text
    assert "".join(words(1000)).startswith(stream.response.text)


async def test_a_rail_knows_the_time_limit_of_the_call(guarded):
    rail, told = FunctionRail(), []
    rail.judge = lambda window: told.append(rail.turns[-1].deadline) or Verdict.allow()
    g = guarded(FakeProvider(words(30)), {"in": rail, "out": rail}, input_flows=["in"], flows=["out"])
    began = anyio.current_time()
    async with g.rails.stream("hello", timeout=2) as stream:
        async for _ in stream:
            pass
    await g.rails.generate_async("hello", timeout=2)
    await g.rails.check_async(HELLO, timeout=2)
    assert len(told) >= 5
    assert all(deadline is not None and deadline <= began + 2.1 for deadline in told)


async def test_a_call_that_times_out_in_a_rail_is_no_failure_of_the_rail(guarded):
    rail = FunctionRail(latency=60)
    g = guarded(FakeProvider(words(30)), {"slow": rail}, options={"slow": {"timeout": 100}})
    async with g.rails.stream("hello", timeout=1) as stream:
        with pytest.raises(TimedOut):
            async for _ in stream:
                pass
    assert rail.cancelled >= 1
    assert [run.failure for run in stream.response.rail_runs if run.decision == "failed"] == []


async def test_a_block_before_the_time_is_over_is_a_block(guarded):
    g = guarded(FakeProvider(words(30), hang=True), {"r": FunctionRail(lambda w: Verdict.block("no"))})
    async with g.rails.stream("hello", timeout=5) as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], Blocked)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), True, "5"])
async def test_a_time_limit_that_is_none_is_refused(guarded, timeout):
    g, _ = make(guarded)
    with pytest.raises(InvalidRequestError, match="timeout"):
        g.rails.stream_async("hello", timeout=timeout)
    with pytest.raises(InvalidRequestError, match="timeout"):
        await g.rails.generate_async("hello", timeout=timeout)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_is_not_taken_for_one_that_is_over_and_whose_id_it_has(anyio_backend):
    lifetime = Lifetime(RunningCalls())

    async def begin():
        lifetime.begin(lambda error: None)
        return id(asyncio.current_task())

    async def look():
        return id(asyncio.current_task()), lifetime.is_mine

    number = await asyncio.create_task(begin())
    found = [await asyncio.create_task(look()) for _ in range(1000)]
    assert number in [task for task, _ in found]
    assert not any(is_mine for _, is_mine in found)
