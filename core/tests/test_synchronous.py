"""Synchronous forms share one loop in the background; one `LLMRails` serves any thread, several loops, and a fork."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from functools import partial

import pytest
from fakes import FakeProvider, FunctionRail, words
from handrail import RailsClosedError, StreamError, Verdict

TEXT = "".join(words(30))
HELLO = [{"role": "user", "content": "hello"}]


class Pooled(FakeProvider):
    """Notes on which loop it is used, and in which it is closed."""

    def __init__(self, **settings):
        super().__init__(words(30), **settings)
        self.loops = []
        self.closed_on = []

    async def stream(self, messages, params):
        self.loops.append(asyncio.get_running_loop())
        async with aclosing(super().stream(messages, params)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self):
        self.closed_on.append(asyncio.get_running_loop())


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "handrail"]


def within(seconds, function):
    """Return what a function returns, which must not hang."""
    done = Future()

    def call():
        try:
            done.set_result(function())
        except BaseException as exc:
            done.set_exception(exc)

    threading.Thread(target=call, daemon=True).start()
    return done.result(seconds)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    forget()
    yield
    forget()


def forget():
    """Wait until the loop of every `LLMRails` that nobody has any more is over."""
    gc.collect()
    for thread in threads():
        thread.join(300)
    assert threads() == []


def test_synchronous_calls_share_one_loop_until_they_are_closed(guarded):
    provider = Pooled()
    rails = guarded(provider, {"r": FunctionRail()}).rails
    assert rails.generate("hello") == TEXT
    assert "".join(rails.stream_sync("hello")) == TEXT
    assert rails.check(HELLO).status == "passed"
    assert len(threads()) == 1
    assert len(set(provider.loops)) == 1
    rails.close()
    assert provider.closed_on == provider.loops[:1]
    assert provider.loops[0].is_closed()
    assert threads() == []
    with pytest.raises(RailsClosedError):
        rails.generate("hello")
    rails.close()


def test_an_answer_comes_piece_by_piece(guarded):
    rails = guarded(Pooled(), {}).rails
    assert list(rails.stream_sync("hello")) == words(30)
    rails.close()


def test_leaving_a_loop_early_ends_the_stream(guarded):
    provider = Pooled(hang=True)
    rails = guarded(provider, {"r": FunctionRail()}).rails
    for _ in rails.stream_sync("hello"):
        break
    rails.close()  # waits for what runs
    stream = guarded(provider, {}).rails.stream_sync("hello")
    next(stream)
    stream.close()
    assert provider.closed == 2
    assert list(stream) == []


def test_a_block_comes_as_text_of_its_own_kind(guarded):
    rails = guarded(Pooled(), {"r": FunctionRail(lambda window: Verdict.block("no"))}).rails
    (only,) = rails.stream_sync("hello")
    assert isinstance(only, StreamError)
    rails.close()


def test_what_a_call_raises_is_raised_where_it_was_made(guarded):
    rails = guarded(Pooled(error=ConnectionError("gone")), {}).rails
    with pytest.raises(ConnectionError, match="gone"):
        rails.generate("hello")
    ends = guarded(Pooled(error=KeyboardInterrupt()), {}).rails
    with pytest.raises(KeyboardInterrupt):
        ends.generate("hello")
    ends.provider = None
    assert ends.check(HELLO, ["input"]).status == "passed"  # the loop runs on
    rails.close()
    ends.close()


@pytest.mark.parametrize("form", ["generate", "check", "stream_sync", "close"])
def test_a_synchronous_form_is_refused_where_it_would_hold_up_a_loop(guarded, form):
    rails = guarded(Pooled(), {}).rails

    async def inside():
        call = getattr(rails, form)
        result = call() if form == "close" else call(HELLO) if form == "check" else call("hello")
        list(result)

    with pytest.raises(RuntimeError, match="running event loop"):
        asyncio.run(inside())


def test_an_llmrails_that_is_forgotten_ends_its_loop(guarded):
    rails = guarded(Pooled(), {}).rails
    rails.generate("hello")
    assert len(threads()) == 1
    del rails
    forget()


def test_a_loop_can_be_ended_from_inside(guarded):
    background = guarded(Pooled(), {}).rails._background

    async def stop():
        background.stop()
        return "stopped"

    assert background.run("generate", stop) == "stopped"


def test_closing_in_a_loop_ends_the_one_in_the_background(guarded):
    provider = Pooled()
    rails = guarded(provider, {}).rails
    rails.generate("hello")
    asyncio.run(rails.aclose())
    assert threads() == []


@pytest.mark.parametrize("form", ["generate", "check", "stream_sync", "close"])
def test_a_loop_that_cannot_start_says_so_and_the_next_call_tries_again(guarded, monkeypatch, form):
    rails = guarded(Pooled(), {}).rails

    def no_loop(function, *arguments):
        raise OSError("too many open files")

    def call():
        return rails.close() if form == "close" else list(getattr(rails, form)(messages=HELLO))

    with monkeypatch.context() as patch:
        patch.setattr("handrail._call.background.anyio.run", no_loop)
        with pytest.raises(OSError, match="too many open files"):
            within(300, call)
    if form != "close":
        assert rails.generate("hello") == TEXT
    rails.close()


def test_a_thread_that_closes_cuts_the_stream_that_it_has_not_read_to_its_end(guarded):
    rails = guarded(FakeProvider(words(3000)), {"r": FunctionRail()}).rails

    def close_amid():
        stream = rails.stream_sync("hello")
        next(stream)
        rails.close()
        return stream

    stream = within(300, close_amid)
    with pytest.raises(RailsClosedError):
        list(stream)
    stream.close()


def test_an_answer_that_was_cut_by_closing_is_never_told_as_complete(guarded):
    rails = guarded(FakeProvider(words(30)), {}).rails
    stream = rails.stream_sync("hello")
    next(stream)
    within(300, partial(rails.close, drain=0))
    with pytest.raises(RailsClosedError):
        list(stream)


def test_an_llmrails_may_be_closed_from_many_threads_while_others_call_it(guarded):
    ends = set()
    for _ in range(20):
        rails = guarded(FakeProvider(words(3)), {}).rails
        start = threading.Barrier(6)

        def call(form, rails=rails, start=start):
            start.wait()
            try:
                return getattr(rails, form)(*(["hello"] if form == "generate" else []))
            except RailsClosedError as exc:
                return type(exc).__name__

        with ThreadPoolExecutor(6) as pool:
            ended = within(300, lambda pool=pool, call=call: list(pool.map(call, ["generate", "close"] * 3)))
        ends.update(ended[::2])
        assert ended[1::2] == [None] * 3
        assert threads() == []
    assert ends <= {"".join(words(3)), "RailsClosedError"}


def test_an_llmrails_that_fails_to_close_ends_its_loop_all_the_same(guarded):
    class Stuck(Pooled):
        async def aclose(self):
            raise ConnectionError("cannot close")

    rails = guarded(Stuck(), {}).rails
    rails.generate("hello")
    with pytest.raises(ConnectionError, match="cannot close"):
        rails.close()
    assert threads() == []


def test_one_llmrails_serves_eight_threads_and_two_loops_at_once(guarded):
    provider = Pooled(delay=0.001)
    rails = guarded(provider, {"r": FunctionRail(latency=0.001)}).rails
    start = threading.Barrier(10)

    def synchronous(number):
        start.wait(300)
        if number % 2:
            return [rails.generate("hello") for _ in range(3)]
        return ["".join(rails.stream_sync("hello")) for _ in range(3)]

    async def several():
        async def one():
            return "".join([text async for text in rails.stream_async("hello")])

        return await asyncio.gather(*[one() for _ in range(5)])

    def on_a_loop(_):
        start.wait(300)
        return asyncio.run(several())

    with ThreadPoolExecutor(10) as pool:
        found = [*pool.map(lambda n: synchronous(n) if n < 8 else on_a_loop(n), range(10))]
    assert {text for texts in found for text in texts} == {TEXT}
    assert len(set(provider.loops)) == 3
    rails.close()


FORKS = """
    import os, sys
    from handrail import Chunk, LLMRails, RailsConfig

    class Model:
        async def stream(self, messages, params):
            yield Chunk("hello")
            yield Chunk(f" from {'parent' if os.getpid() == parent else 'child'}")

    parent = os.getpid()
    rails = LLMRails(RailsConfig.from_content(config={}), llm=Model())
    assert rails.generate("hi") == "hello from parent"
    child = os.fork()
    assert "".join(rails.stream_sync("hi")) == f"hello from {'parent' if child else 'child'}"
    rails.close()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        print("both are well")
"""


def test_an_llmrails_may_be_used_before_and_after_a_fork():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(FORKS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "both are well\n"), done.stderr
