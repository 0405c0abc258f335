"""What a stream costs and how far it goes is bounded: CPU, text that is not checked yet, and the time of a check."""

from __future__ import annotations

import sys

import anyio
import pytest
from entropy import EXAMPLES
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail, words
from handrail import Edit, RailFailed, Verdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtual import run

thorough = settings(max_examples=max(EXAMPLES // 20, 10), deadline=None, suppress_health_check=list(HealthCheck))
DEFAULT_TIMEOUT = 30.0
backends = st.sampled_from(["asyncio", "trio"])
ways = st.sampled_from(["stream", "stream_async", "generate"])


async def ask(g: Guarded, way: str) -> None:
    if way == "stream":
        await g.events()
    elif way == "stream_async":
        await g.texts()
    else:
        await g.rails.generate_async("hello")


# --- The time that a check has ----------------------------------------------------------------------------------


@thorough
@given(backends, ways, st.lists(st.integers(1, 50), max_size=3), st.none() | st.integers(1, 50), st.integers(0, 3))
def test_a_check_is_told_the_earliest_of_all_time_limits(backend, way, scopes, timeout, latency):
    """The scopes of anyio around the call, and the rail's own limit, which begins with each check."""
    told = []

    class Rail(FunctionRail):
        async def check(self, window, turn):
            told.append((anyio.current_time(), turn.deadline))
            return await super().check(window, turn)

    options = {} if timeout is None else {"options": {"r": {"timeout": timeout}}}
    g = Guarded(FakeProvider(words(60)), {"r": Rail(latency=latency / 10)}, **options)

    async def inside(limits):
        if not limits:
            await ask(g, way)
            return
        with anyio.move_on_after(limits[0]):
            await inside(limits[1:])

    async def main():
        began = anyio.current_time()
        await inside(scopes)
        return [began + seconds for seconds in scopes]

    limits = run(backend, main)
    assert told
    for now, deadline in told:
        expected = min([*limits, now + (DEFAULT_TIMEOUT if timeout is None else timeout)])
        assert deadline == pytest.approx(expected, abs=1e-6)


# --- Text that is not checked yet -------------------------------------------------------------------------------


@thorough
@given(backends, st.integers(1, 80), st.integers(1, 30), st.booleans())
def test_text_that_is_out_and_not_checked_is_bounded_where_it_streams_first(backend, max_pending, size, plain_beside):
    """However large the pieces are, at most `max_pending` tokens and the piece at hand."""
    pieces = ["".join(words(300)[at : at + size]) for at in range(0, 300, size)]
    rails = {"r": FunctionRail(latency=1000), **({"s": SessionRail()} if plain_beside else {})}
    g = Guarded(FakeProvider(pieces), rails, stream_first=True, max_pending=max_pending, chunk_size=5, context_size=1)
    count = g.rails.composition.counter.count

    async def main():
        with anyio.move_on_after(5):
            await g.texts()
        return "".join(pieces[: g.provider.produced])

    read = run(backend, main)
    at_hand = max(count(piece) for piece in pieces)
    assert read
    assert count(read) <= max(max_pending, 5) + 2 * at_hand  # a window must come, or nothing can be checked


# --- CPU --------------------------------------------------------------------------------------------------------


def calls_of(function) -> int:
    """Run a function; count the calls of Python functions that this takes."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("chunk_size", [4, 20, 200])
@pytest.mark.parametrize("way", ["stream", "stream_async", "generate"])
@pytest.mark.parametrize("latency", [0.0, 0.05])
def test_what_comes_at_once_costs_calls_linear_in_its_length(backend, chunk_size, way, latency):
    def cost(length: int) -> int:
        text, rail = "".join(words(length)), FunctionRail(latency=latency)
        g = Guarded(FakeProvider([text]), {"r": rail}, chunk_size=chunk_size, context_size=chunk_size // 4)
        calls = calls_of(lambda: run(backend, lambda: ask(g, way)))
        assert sum(len(window.text) for window in rail.windows) <= 2 * len(text), "what the rail reads is linear, too"
        return calls

    base, some, more = cost(0), cost(800), cost(3200)
    assert more - base <= 4.4 * (some - base) + 200


# --- Rails that never rewrite -----------------------------------------------------------------------------------


@thorough
@given(backends, st.integers(0, 59), st.sampled_from(["", "*", "longer than before"]), st.booleans(), ways)
def test_a_rail_that_never_rewrites_and_does_has_failed(backend, at, replacement, beside, way):
    """Nothing of what it wanted to take away is out, nor what it would have put there."""
    phrase = words(60)[at].strip()

    def judge(window):
        if (start := window.text.find(phrase)) < 0:
            return Verdict.allow()
        return Verdict.rewrite([Edit(*window.span(start, start + len(phrase)), replacement)])

    rails = {"r": FunctionRail(judge, latency=0.01), **({"s": FunctionRail()} if beside else {})}
    g = Guarded(FakeProvider(words(60)), rails, specs={"r": {"rewrites": False}})

    async def main():
        if way == "generate":
            return (await g.rails.generate_async("hello", options={"log": {"activated_rails": True}})), None
        async with g.rails.stream("hello") as stream:
            events = [event async for event in stream]
        return stream.response, events[-1]

    response, last = run(backend, main)
    assert response.outcome == "rail failed"
    assert last is None or (isinstance(last, RailFailed) and last.rail == "r")
    if last is not None:
        text = "".join(words(60))
        assert text[: text.index(phrase)].startswith(response.text)
