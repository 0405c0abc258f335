"""Whole answers under strain: several rails at once, providers that break, callers who go."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import Blocked, Chunk, Ruling, ToolCallDelta, Verdict
from handrail.errors import PluginContractError, ProviderConnectionError

REFUSAL = "I'm sorry, I can't respond to that."
EVERYTHING = {"log": {"llm_calls": True, "activated_rails": True}}


async def test_parallel_rails_check_a_whole_answer_at_once(guarded):
    rails = {"a": FunctionRail(latency=0.3), "b": FunctionRail(latency=0.5)}
    g = guarded(FakeProvider(words(20), delay=0.01), rails, parallel=True)
    started = anyio.current_time()
    assert await g.rails.generate_async("hello") == "".join(words(20))
    assert anyio.current_time() - started == pytest.approx(0.7)


async def test_a_block_cancels_the_rails_beside_it(guarded):
    slow = FunctionRail(latency=60)
    rails = {"slow": slow, "fast": FunctionRail(lambda window: Verdict.block("no"), latency=0.1)}
    g = guarded(FakeProvider(words(20)), rails, parallel=True)
    started = anyio.current_time()
    response = await g.rails.generate_async("hello", options=EVERYTHING)
    assert anyio.current_time() - started == pytest.approx(0.1)
    assert (slow.cancelled, slow.running) == (1, 0)
    stopped = {rail.name: (rail.decisions, rail.stop) for rail in response.log.activated_rails if rail.type == "output"}
    assert stopped == {"slow": (("cancelled",), False), "fast": (("block",), True)}


async def test_rails_in_order_see_what_those_before_let_through(guarded):
    second = FunctionRail()
    rails = {"upper": SessionRail(lambda text: Ruling(text.upper())), "second": second}
    g = guarded(FakeProvider(["a", "b"]), rails)
    assert await g.rails.generate_async("hello") == "AB"
    assert [window.text for window in second.windows] == ["AB"]


async def test_a_stream_rail_stops_the_provider_in_the_middle_of_a_whole_answer(guarded):
    rails = {"s": SessionRail(lambda text: Ruling("", Verdict.block("no"))), "w": FunctionRail()}
    g = guarded(FakeProvider(words(100), delay=0.01), rails)
    assert await g.rails.generate_async("hello") == REFUSAL
    assert (g.provider.produced, g.provider.closed) == (1, 1)


async def test_a_rail_that_does_not_answer_in_time_fails(guarded):
    g = guarded(FakeProvider(["Hi"]), {"r": FunctionRail(latency=60)}, options={"r": {"timeout": 2}})
    started = anyio.current_time()
    response = await g.rails.generate_async("hello", options=EVERYTHING)
    assert anyio.current_time() - started == pytest.approx(2)
    assert (response.outcome, response.stop.timed_out) == ("rail failed", True)


async def test_a_caller_who_goes_cancels_the_checks(guarded):
    rail = FunctionRail(latency=60)
    g = guarded(FakeProvider(["Hi"]), {"r": rail})
    with anyio.move_on_after(1) as scope:
        await g.rails.generate_async("hello")
    assert scope.cancelled_caught
    assert (rail.cancelled, rail.running, g.provider.closed) == (1, 0, 1)
    (call,) = g.rails.explain().llm_calls
    assert call.completion == "Hi"


async def test_a_caller_who_goes_closes_the_provider(guarded):
    g = guarded(FakeProvider(["Hi"], hang=True), {"r": FunctionRail()})
    with anyio.move_on_after(1):
        await g.rails.generate_async("hello")
    assert g.provider.closed == 1
    (call,) = g.rails.explain().llm_calls
    assert (call.completion, call.duration) == ("Hi", pytest.approx(1))


async def test_what_came_before_a_provider_broke_is_judged_and_a_refusal_wins(guarded):
    provider = FakeProvider(["bad"], error=ProviderConnectionError("reset by peer"))
    g = guarded(provider, {"r": FunctionRail(lambda window: Verdict.block())})
    assert await g.rails.generate_async("hello") == REFUSAL


async def test_a_provider_that_yields_no_chunk_is_named(guarded):
    g = guarded(FakeProvider([3]), {"r": FunctionRail()})
    with pytest.raises(PluginContractError, match="the provider yielded 'int'; it must yield Chunk"):
        await g.rails.generate_async("hello")
    assert g.provider.closed == 1


async def test_an_empty_answer_passes_unjudged(guarded):
    rail = FunctionRail()
    g = guarded(FakeProvider([Chunk(), Chunk(finish_reason="stop")]), {"r": rail})
    assert await g.rails.generate_async("hello") == ""
    assert rail.windows == []


@pytest.mark.parametrize("others", [{}, {"w": FunctionRail()}])
async def test_nothing_follows_a_block_at_the_end(guarded, others):
    rails = {
        "blocks": SessionRail(lambda text: Ruling(), lambda: Ruling("", Verdict.block("no"))),
        "holds": SessionRail(lambda text: Ruling(), lambda: Ruling("what was thought")),
        **others,
    }
    chunks = [Chunk("Hi"), Chunk(reasoning="hm"), Chunk(tool_calls=(ToolCallDelta(0, "c1", "rm"),))]
    g = guarded(FakeProvider(chunks), rails, options={"holds": {"channels": ["reasoning"]}})
    response = await g.rails.generate_async("hello", options={})
    assert (response.outcome, response.text, response.reasoning, response.tool_calls) == ("blocked", "", "", ())
    (event,) = await g.events()
    assert isinstance(event, Blocked)
