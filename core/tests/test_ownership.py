"""However its consumer leaves, a stream ends: the provider is closed, every check is cancelled, no task is left."""

from __future__ import annotations

import contextvars
import gc

import anyio
import pytest
import trio
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import Chunk, TextDelta, Verdict
from handrail._call.call import Call
from handrail._stream.gate import Gate
from handrail._stream.pump import Pump
from virtual import VirtualLoop

either_driver = pytest.mark.parametrize("make_rail", [lambda: FunctionRail(latency=0.2), SessionRail, None])


def make(guarded, make_rail, count=2000, **provider):
    provider = FakeProvider(words(count), delay=0.01, **provider)
    rails = {} if make_rail is None else {"r": make_rail()}
    return guarded(provider, rails, parallel=True), provider


async def settle():
    """Let the loop run what it has been asked to run."""
    for _ in range(10):
        await anyio.lowlevel.checkpoint()


@either_driver
async def test_breaking_out_of_the_loop_closes_the_provider(guarded, make_rail):
    g, provider = make(guarded, make_rail)
    async for _ in g.rails.stream_async("hello"):
        break
    gc.collect()
    await settle()
    assert provider.closed == 1
    assert provider.produced < 60


@either_driver
async def test_aclose_returns_when_the_provider_is_closed(guarded, make_rail):
    g, provider = make(guarded, make_rail)
    stream = g.rails.stream_async("hello")
    await anext(stream)
    await stream.aclose()
    assert provider.closed == 1
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@either_driver
async def test_a_stream_that_was_never_begun_starts_nothing(guarded, make_rail):
    g, provider = make(guarded, make_rail)
    stream = g.rails.stream_async("hello")
    await stream.aclose()
    del stream
    g.rails.stream_async("hello")
    await settle()
    assert provider.opened == 0


@either_driver
async def test_cancelling_the_consumer_closes_the_provider(guarded, make_rail):
    g, provider = make(guarded, make_rail)

    async def consume():
        async for _ in g.rails.stream_async("hello"):
            pass

    with anyio.move_on_after(1):
        await consume()
    gc.collect()
    await settle()
    assert provider.closed == 1
    assert provider.closed_at == pytest.approx(anyio.current_time(), abs=0.01)


@either_driver
async def test_an_error_in_the_consumers_loop_closes_the_provider(guarded, make_rail):
    g, provider = make(guarded, make_rail)

    async def consume():
        async for _ in g.rails.stream_async("hello"):
            raise ValueError("the consumer's own")

    with pytest.raises(ValueError, match="own"):
        await consume()
    gc.collect()
    await settle()
    assert provider.closed == 1


@either_driver
async def test_a_stream_can_be_closed_in_another_task(guarded, make_rail):
    g, provider = make(guarded, make_rail)
    stream = g.rails.stream_async("hello")
    await anext(stream)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.aclose)
    assert provider.closed == 1


@either_driver
async def test_a_structured_stream_that_is_left_is_closed_when_its_block_is(guarded, make_rail):
    g, provider = make(guarded, make_rail)
    async with g.rails.stream("hello") as stream:
        await anext(stream)
    assert provider.closed == 1
    assert stream.response.outcome == "left"
    assert stream.response.text


@either_driver
async def test_an_error_inside_the_block_of_a_stream_comes_out_as_it_is(guarded, make_rail):
    g, provider = make(guarded, make_rail)

    async def consume():
        async with g.rails.stream("hello") as stream:
            await anext(stream)
            raise ValueError("the consumer's own")

    with pytest.raises(ValueError, match="own"):
        await consume()
    assert provider.closed == 1


@either_driver
async def test_a_structured_stream_can_be_cancelled_from_outside(guarded, make_rail):
    g, provider = make(guarded, make_rail)
    with anyio.move_on_after(1) as scope:
        async with g.rails.stream("hello") as stream:
            async for _ in stream:
                pass
    assert scope.cancelled_caught
    assert provider.closed == 1


async def test_leaving_cancels_every_check(guarded):
    rail = FunctionRail(latency=lambda window: 0.1 if window.start == 0 else 100)
    g = guarded(FakeProvider(words(2000), delay=0.01), {"r": rail})
    stream = g.rails.stream_async("hello")
    await anext(stream)
    await anyio.sleep(1)
    assert rail.running > 1
    await stream.aclose()
    assert rail.running == 0
    assert rail.cancelled > 1


async def test_a_provider_that_hangs_while_it_closes_is_left_after_a_while(guarded, caplog):
    class Stubborn:
        async def stream(self, messages, params):
            try:
                yield Chunk("one two three")
                await anyio.sleep_forever()
            finally:
                await anyio.sleep(10**6)

    stream = guarded(Stubborn(), {}).rails.stream_async("hello")
    await anext(stream)
    started = anyio.current_time()
    await stream.aclose()
    assert anyio.current_time() - started < 10
    assert "did not close within" in caplog.text


@either_driver
async def test_context_variables_of_the_caller_reach_the_provider_and_rails(guarded, make_rail):
    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    class Provider(FakeProvider):
        def stream(self, messages, params):
            seen.append(variable.get())
            return super().stream(messages, params)

    rails = {} if make_rail is None else {"r": make_rail()}
    if "r" in rails and isinstance(rails["r"], FunctionRail):
        judge = rails["r"].judge
        rails["r"].judge = lambda window: seen.append(variable.get()) or judge(window)
    variable.set("the caller's")
    g = guarded(Provider(words(30)), rails)
    await g.texts()
    assert set(seen) == {"the caller's"}


def test_no_task_outlives_a_loop_that_shuts_down_on_asyncio(guarded):
    import asyncio

    provider = FakeProvider(words(2000), delay=0.001)
    g = guarded(provider, {"r": FunctionRail(latency=0.001)})
    kept = []

    async def main():
        kept.append(g.rails.stream_async("hello"))
        await anext(kept[0])

    asyncio.run(main())
    assert provider.closed == 1


@pytest.mark.parametrize("ticks", range(6))
@pytest.mark.parametrize("way", ["stream", "stream_async", "speculative"])
def test_nothing_waits_for_a_task_that_was_cancelled_before_it_began(guarded, way, ticks):
    """As a shutdown does: asyncio throws away what such a task was to run, and with it what it does at its end."""
    import asyncio

    options = {"input_flows": ["r"], "input": {"speculative": True}} if way == "speculative" else {}
    g = guarded(FakeProvider(words(200), delay=0.1), {"r": FunctionRail(latency=1.0)}, **options)

    async def use():
        if way == "stream":
            await g.events()
        else:
            await g.texts()

    async def main():
        user = asyncio.create_task(use())
        for _ in range(ticks):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        done, _ = await asyncio.wait({user}, timeout=60)
        return bool(done)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main())


def test_no_task_outlives_a_loop_that_shuts_down_on_trio(guarded):
    import trio

    provider = FakeProvider(words(2000), delay=0.001)
    g = guarded(provider, {"r": FunctionRail(latency=0.001)})
    kept = []

    async def main():
        kept.append(g.rails.stream_async("hello"))
        await anext(kept[0])

    trio.run(main)
    assert provider.closed == 1


class Plain:
    def check(self, window, turn):
        return Verdict.allow()


@pytest.mark.parametrize("loop", [anyio.run, trio.run], ids=["asyncio", "trio"])
@pytest.mark.parametrize(
    "make_rail", [None, SessionRail, Plain, FunctionRail], ids=["none", "session", "plain", "window"]
)
def test_a_stream_that_somebody_still_holds_ends_with_its_loop_in_silence(guarded, make_rail, loop, caplog):
    """A loop that ends closes all generators that are left, in any order."""
    g, provider = make(guarded, make_rail)
    kept = []

    async def leave():
        kept.append(g.rails.stream_async("hello"))
        await anext(kept[0])

    loop(leave)
    assert provider.closed == 1
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []


async def test_a_consumer_that_never_reads_bounds_what_is_read(guarded):
    provider = FakeProvider(words(10_000))
    async with guarded(provider, {"r": FunctionRail()}, max_pending=100).rails.stream("hello"):
        await anyio.sleep(60)
        assert provider.produced <= 100 + 1


async def test_a_slow_rail_bounds_what_is_read(guarded):
    provider = FakeProvider(words(10_000))
    async with guarded(provider, {"r": FunctionRail(latency=1000)}, max_pending=100, chunk_size=20).rails.stream(
        "hello"
    ):
        await anyio.sleep(20)
        assert provider.produced <= 100 + 1


async def test_a_read_ahead_limit_below_a_window_does_not_stop_the_stream(guarded):
    g = guarded(
        FakeProvider(words(500)), {"r": FunctionRail(latency=0.1)}, max_pending=1, chunk_size=200, context_size=50
    )
    assert "".join(await g.texts()) == "".join(words(500))


async def test_concurrent_streams_share_nothing(guarded):
    rail = FunctionRail(latency=0.05)
    g = guarded(FakeProvider(words(100), delay=0.01), {"r": rail})
    results = {}

    async def one(name):
        async with g.rails.stream(f"hello {name}") as stream:
            text = [event async for event in stream]
        results[name] = (text, stream.response)

    async with anyio.create_task_group() as tasks:
        for name in range(50):
            tasks.start_soon(one, name)
    for name, (_, response) in results.items():
        assert response.text == "".join(words(100))
        assert [call.prompt for call in response.llm_calls] == [f"user: hello {name}"]
        assert len(response.rail_runs) == len(results[0][1].rail_runs)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("make_rail", [FunctionRail, SessionRail, None])
async def test_a_stream_that_is_over_is_freed_without_the_garbage_collector(guarded, make_rail, anyio_backend):
    def alive():
        return sum(type(one) in (Call, Gate, Pump) for one in gc.get_objects())

    g, _ = make(guarded, make_rail, count=50)
    async with g.rails.stream("hello") as stream:
        await settle()
    gc.collect()
    before = alive() - len([Call, Gate, Pump])  # of the stream that still has a name
    gc.disable()
    try:
        async with g.rails.stream("hello") as stream:
            assert "".join([event.text async for event in stream if isinstance(event, TextDelta)])
        del stream
        await settle()
        assert alive() == before
    finally:
        gc.enable()


class Binary:
    """A provider whose last piece before it waits is no text."""

    def __init__(self):
        self.closed = 0

    async def stream(self, messages, params):
        try:
            yield Chunk("one ")
            yield Chunk(b"two")
            await anyio.sleep(1000)
        finally:
            self.closed += 1


@pytest.mark.parametrize("make_rail", [None, SessionRail, Plain, FunctionRail])
async def test_a_consumer_that_is_cancelled_leaves_what_is_no_text_and_the_call_ends(guarded, make_rail):
    provider = Binary()
    g = guarded(provider, {} if make_rail is None else {"r": make_rail()})
    stream = g.rails.stream_async("hello")
    with anyio.move_on_after(0.2):
        async for _ in stream:
            pass
    await stream.aclose()
    with anyio.fail_after(5):
        await g.rails.aclose()
    assert provider.closed == 1


@pytest.mark.parametrize("make_rail", [None, SessionRail, Plain, FunctionRail])
async def test_closing_a_stream_that_lets_others_run_ends_it(guarded, make_rail):
    """On trio, nothing can be cancelled there but what it awaits next."""
    provider = FakeProvider(words(30_000), delay=0)
    g = guarded(provider, {} if make_rail is None else {"r": make_rail()})
    stream = g.rails.stream_async("hello")

    async def read():
        async for _ in stream:
            pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        await stream.aclose()
        assert provider.closed == 1
    assert provider.produced < 30_000


@pytest.mark.parametrize("make_rail", [None, SessionRail, Plain, FunctionRail])
async def test_a_guard_that_reads_a_guard_may_be_left(guarded, make_rail, caplog):
    g, provider = make(guarded, make_rail)
    inner = g.rails.stream_async("hello")
    outer = g.rails.stream_async("hello", generator=inner)
    assert await anext(outer)
    await outer.aclose()
    assert provider.closed == 1
