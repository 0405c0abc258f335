"""Whoever takes an answer may be cancelled, leave, or push it: nothing is lost, and nothing begins after the end."""

from __future__ import annotations

import logging

import anyio
import pytest
from entropy import EXAMPLES
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail, words
from handrail import Blocked, Chunk, Finished, RailFailed, StreamError, TextDelta, Verdict
from handrail._stream.runner import FROM_INSIDE
from handrail.errors import AnswerTooLongError, InvalidRequestError, StreamClosedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtual import run

thorough = settings(max_examples=max(EXAMPLES // 10, 10), deadline=None, suppress_health_check=list(HealthCheck))


class PlainRail:
    """A window rail whose `check` is a plain function."""

    def __init__(self, judge=lambda window: Verdict.allow()) -> None:
        self.judge, self.windows = judge, []

    def check(self, window, turn):
        self.windows.append(window)
        return self.judge(window)


RAILS = {
    "none": dict,
    "session": lambda: {"s": SessionRail()},
    "window": lambda: {"w": FunctionRail(latency=0.13)},
    "plain": lambda: {"p": PlainRail()},
    "all": lambda: {"s": SessionRail(), "p": PlainRail(), "w": FunctionRail(latency=0.13)},
}
some_rails = st.sampled_from(sorted(RAILS))
backends = st.sampled_from(["asyncio", "trio"])
patience = st.lists(st.sampled_from([0.0, 0.005, 0.01, 0.02, 0.1, 0.3]), min_size=1, max_size=6)


def text_of(items) -> str:
    return "".join(item if isinstance(item, str) else item.text for item in items if isinstance(item, str | TextDelta))


@thorough
@given(some_rails, backends, st.sampled_from(["stream", "stream_events"]), st.booleans(), patience)
def test_a_wait_that_is_cancelled_again_and_again_loses_nothing(rails, backend, way, taking, patience):
    """Keep-alives by a time-out, of `take` and of `anext`, with every kind of rail."""
    g = Guarded(FakeProvider(words(60), delay=0.01), RAILS[rails]())

    async def collect(stream):
        got, waits = [], 0
        while not got or not isinstance(got[-1], Finished):
            with anyio.move_on_after(patience[waits % len(patience)] if waits < 300 else 60):
                got += await stream.take() if taking else [await anext(stream)]
            waits += 1
        return got

    async def main():
        if way == "stream_events":
            return await collect(g.rails.stream_events("hello"))
        async with g.rails.stream("hello") as stream:
            return await collect(stream)

    assert text_of(run(backend, main)) == "".join(words(60))
    assert g.provider.closed == 1


@thorough
@given(some_rails, backends, st.lists(st.integers(1, 12), min_size=1, max_size=8), st.booleans(), patience)
def test_what_is_pushed_comes_out_whole_however_it_is_taken(rails, backend, sizes, beside, patience):
    """By what `push` returns, or by another task whose waits are cancelled."""
    g, text = Guarded(FakeProvider([]), RAILS[rails]()), "".join(words(60))

    async def read(guard, got):
        waits = 0
        while not got or not isinstance(got[-1], Finished):
            with anyio.move_on_after(patience[waits % len(patience)] if waits < 300 else 60):
                got.append(await anext(guard))
            waits += 1

    async def main():
        got, at = [], 0
        async with g.rails.feed("hello") as guard, anyio.create_task_group() as tasks:
            if beside:
                tasks.start_soon(read, guard, got)
            for size in sizes * (len(text) // sum(sizes) + 1):
                got += await guard.push(text[at : at + size])
                at += size
                await anyio.sleep(0.01)
            if not beside:
                got += await guard.finish()
            else:
                guard._finished = True
                guard._pump.finish(None)
        return got, guard.response

    got, response = run(backend, main)
    events = sorted([event for event in got if isinstance(event, TextDelta)], key=lambda event: event.start)
    assert text_of(events) == text == response.text
    assert response.outcome == "finished"


@pytest.mark.parametrize("shielded", [False, True])
@pytest.mark.parametrize("leave", [0, 1, 2])
@pytest.mark.parametrize("way", ["stream", "stream_events", "stream_async"])
async def test_no_check_begins_after_the_consumer_has_left(guarded, shielded, leave, way):
    begun, left_at = [], []

    class Rail:
        async def check(self, window, turn):
            begun.append(bool(left_at))
            with anyio.CancelScope(shield=shielded):
                await anyio.sleep(0.3)
            return Verdict.allow()

    provider = FakeProvider(words(5000), delay=0.001)
    g = guarded(provider, {"r": Rail()}, options={"r": {"max_concurrency": 2}})
    stream = getattr(g.rails, way)("hello")
    if way == "stream":
        await stream.__aenter__()
    for _ in range(leave):
        await anext(stream)
    left_at.append(anyio.current_time())
    await (stream.__aexit__(None, None, None) if way == "stream" else stream.aclose())
    assert anyio.current_time() - left_at[0] <= (0.31 if shielded else 0.01)
    assert provider.opened == provider.closed
    await anyio.sleep(5)
    assert not any(begun)


# --- A rail that is a plain function ----------------------------------------------------------------------------


async def test_what_a_plain_check_refuses_no_other_is_asked_about_any_more(guarded):
    """The task that is to ask the other has been started, and has not run yet."""

    class Plain:
        def check(self, window, turn):
            return Verdict.block("found")

    other = FunctionRail()
    g = guarded(FakeProvider(words(60)), {"other": other, "plain": Plain()}, parallel=True)
    assert (await g.events())[-1].rail == "plain"
    assert other.windows == []


@thorough
@given(backends, st.integers(0, 70), st.booleans(), st.sampled_from(["stream", "stream_async", "generate"]))
def test_a_plain_check_decides_as_an_asynchronous_one_does(backend, at, blocks, way):
    """The same windows, the same text, the same end."""
    phrase = words(80)[at]

    def judge(window):
        if blocks and phrase in window.text:
            return Verdict.block("found")
        return Verdict.allow()

    async def ask(rail):
        g = Guarded(FakeProvider(words(60), delay=0.01), {"r": rail})
        if way == "stream_async":
            got = "".join([str(text) for text in await g.texts()])
        elif way == "stream":
            events = await g.events()
            got = text_of(events), type(events[-1])
        else:
            got = await g.rails.generate_async("hello")
        assert g.provider.closed == 1
        return got, [(window.start, window.end) for window in rail.windows if window.start == 0]

    assert run(backend, ask, PlainRail(judge)) == run(backend, ask, FunctionRail(judge))


# --- Limits, failures, and those who use a stream from inside ---------------------------------------------------


@pytest.mark.parametrize("rails", sorted(RAILS))
@pytest.mark.parametrize("beside", [{}, {"reasoning": "hmm "}])
async def test_an_answer_that_is_too_long_has_failed_in_every_way_to_ask(guarded, rails, beside):
    chunks = [Chunk("word ", **beside)] * 100
    g = guarded(FakeProvider(chunks), RAILS[rails](), max_answer_characters=300)
    with pytest.raises(AnswerTooLongError):
        await g.rails.generate_async("hello")
    with pytest.raises(AnswerTooLongError):
        await g.events()
    *texts, last = await g.texts()
    assert isinstance(last, StreamError)
    assert len("".join(texts)) <= 305
    async with g.rails.feed("hello") as guard:

        async def push_all():
            for chunk in chunks:
                await guard.push(chunk)

        with pytest.raises(AnswerTooLongError):
            await push_all()
    assert g.provider.opened == g.provider.closed == 3


@pytest.mark.parametrize("kind", ["session", "window", "plain"])
@pytest.mark.parametrize("way", ["stream", "stream_async", "generate"])
async def test_a_rail_that_fails_is_one_warning_without_any_text(guarded, caplog, kind, way):
    def fail(seen):
        raise ValueError(f"cannot judge {seen}")

    rail = {"session": SessionRail(fail), "window": FunctionRail(fail), "plain": PlainRail(fail)}[kind]
    g = guarded(FakeProvider(["secret "] * 100), {"my rail": rail})
    with caplog.at_level(logging.DEBUG, "handrail"):
        if way == "stream":
            assert isinstance((await g.events())[-1], RailFailed)
        elif way == "stream_async":
            await g.texts()
        else:
            await g.rails.generate_async("hello")
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "my rail" in warning.getMessage()
    assert "ValueError" in warning.getMessage()
    assert "secret" not in caplog.text
    assert "hello" not in caplog.text


@pytest.mark.parametrize("kind", ["session", "window", "plain"])
@pytest.mark.parametrize("way", ["stream_events", "stream_async"])
async def test_a_rail_that_closes_its_own_stream_gets_an_error_and_the_stream_ends(guarded, kind, way):
    told = []

    def judge(seen):
        raise AssertionError("not called")

    class Window:
        async def check(self, window, turn):
            try:
                await stream.aclose()
            except StreamClosedError as exc:
                told.append(exc)
                raise
            return Verdict.allow()

    provider = FakeProvider(words(100))
    if kind == "window":
        g = guarded(provider, {"r": Window()})
    else:  # a plain function cannot await: the provider does
        rails = {"session": {"s": SessionRail()}, "plain": {"p": PlainRail()}}[kind]

        class Provider(FakeProvider):
            async def stream(self, messages, params):
                self.opened += 1
                try:
                    yield Chunk("word ")
                    try:
                        await stream.aclose()
                    except StreamClosedError as exc:
                        told.append(exc)
                        raise
                finally:
                    self.closed += 1

        provider = Provider([])
        g = guarded(provider, rails)
    stream = getattr(g.rails, way)("hello")
    with anyio.fail_after(10):
        try:
            got = [item async for item in stream]
        except StreamClosedError:
            got = []
    assert told
    assert not any(isinstance(item, Finished) for item in got)
    assert provider.closed == 1


@pytest.mark.parametrize("way", ["stream_events", "stream_async"])
@pytest.mark.parametrize("rails", ["window", "all"])
async def test_a_second_reader_gets_an_error_and_the_first_goes_on(guarded, rails, way):
    g = guarded(FakeProvider(words(60), delay=0.01), RAILS[rails]())
    stream, got = getattr(g.rails, way)("hello"), []

    async def first():
        got.extend([item async for item in stream])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first)
        await anyio.sleep(0.005)
        with pytest.raises(StreamClosedError):
            await anext(stream)
    assert text_of(got) == "".join(words(60))


async def test_what_cannot_be_pushed_is_refused(guarded):
    async with guarded(FakeProvider([]), {"w": FunctionRail()}).rails.feed() as guard:
        with pytest.raises(InvalidRequestError):
            await guard.push(b"bytes")
        await guard.push("text")
        await guard.finish()
        with pytest.raises(InvalidRequestError):
            await guard.push("more")
    with pytest.raises(StreamClosedError):
        await guard.push("more")


async def test_a_rail_that_waits_for_its_own_stream_gets_an_error_that_says_so(guarded):
    told = []

    class Window:
        async def check(self, window, turn):
            with pytest.raises(StreamClosedError) as found:
                await stream.take()
            told.append(str(found.value))
            return Verdict.allow()

    stream = guarded(FakeProvider(words(10)), {"r": Window()}).rails.stream_events("hello")
    events = [event async for event in stream]
    assert isinstance(events[-1], Finished)
    assert told == [FROM_INSIDE]


@pytest.mark.parametrize(("said", "blocks"), [("good words", False), ("bad words", True)])
async def test_what_a_plain_check_hands_over_to_be_awaited_is_awaited(guarded, said, blocks):
    async def judge(window):
        await anyio.sleep(0.01)
        return Verdict.block() if "bad" in window.text else Verdict.allow()

    class Delegating:
        def check(self, window, turn):
            return judge(window)

    g = guarded(FakeProvider([said]), {"r": Delegating()})
    assert type((await g.events())[-1]) is (Blocked if blocks else Finished)
    response = await g.rails.generate_async("hello", options={"log": {}})
    assert type(response.stop) is (Blocked if blocks else type(None))
